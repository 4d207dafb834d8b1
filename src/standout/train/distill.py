"""The table [distill] of a recipe: who teaches beside the labels, and on which photos."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from standout.train.parts import Part


class Distill(Part):
    """A teacher, whose answers count beside the labels: softer, and more consistent than labels by several hands.

    After Hinton et al., "Distilling the Knowledge in a Neural Network" (arXiv 1503.02531). Photos without masks are
    learned as in Sohn et al., "FixMatch" (arXiv 2001.07685), by default from the averaged teacher of Tarvainen and
    Valpola, "Mean teachers are better role models" (arXiv 1703.01780).
    """

    teacher: str | None = None
    """A trained model, as for init. Without a teacher, only the labels count."""
    share: float = Field(0.5, gt=0, le=1)
    """The teacher's share of the loss; the labels have the rest."""
    doubt: dict[str, float] = Field(default_factory=dict)
    """For sources that label only some of the people, such as { ccp = 0.9 }: where the teacher gives at least this
    probability and the label says nobody, the pixel does not count."""
    unlabelled: Path | None = None
    """A folder of photos without masks. The teacher sees them as they are, and the student learns its answers in other
    colors and light. Without a teacher, the running average of the weights (train.ema) teaches. Near-duplicates of
    validation photos are left out."""
    unlabelled_batch: int = Field(0, ge=0)
    """Photos without masks beside each batch; 0 means as many as train.batch."""
    unlabelled_weight: float = Field(1.0, gt=0)
    """How many times as much the loss of photos without masks counts as that of labels."""
    confidence: float = Field(0.9, ge=0.5, lt=1)
    """Of photos without masks, a pixel counts where the teacher's probability is at least this or at most 1 - this."""
    burn_in: float = Field(0.3, ge=0, lt=1)
    """Share of the run in which only labels count, until the running average can teach."""
    mix: float = Field(0.5, ge=0, le=1)
    """Share of photos without masks of which the student sees a part replaced by that part of another one."""
    boxes: Path | None = None
    """A COCO file with boxes of the people in the photos without masks: nobody is outside of them, and in a box the
    teacher need not be as sure of a person."""
