"""The tables of a recipe that say how a run goes: its stages, its training, its folds. config.py has the others.

Lengths are in pixels of the network's input; shares and probabilities are 0..1.

To add a setting: a field with its default, and below it a docstring, which the reference shows.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

EPOCHS = 20
"""Of a run whose recipe names no stages."""


class Part(BaseModel):
    """A table of the recipe. Unknown keys are errors, and nothing changes after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=(), use_attribute_docstrings=True)


class Stage(Part):
    """Some epochs at one size of the network's input. Small sizes first are faster, the full size last is sharper."""

    epochs: int = Field(ge=1)
    """How many epochs the stage takes."""
    size: tuple[int, int]
    """The long and the short side in pixels, multiples of 32. Where the run starts from a trained model, a stage may
    leave the size out and has that model's."""
    compose: float = Field(0.15, ge=0, le=1)
    """Share of photos onto which people cut from other photos are pasted. Use less of it toward the end, so that the
    network settles on photos as they are."""

    @field_validator("size")
    @classmethod
    def _fits(cls, size: tuple[int, int]) -> tuple[int, int]:
        # Where the deepest map is one pixel wide, oneDNN's bf16 convolution of stride 2 reads beyond its input: NaN.
        if any(side < 64 or side % 32 for side in size):
            raise ValueError("both sides must be multiples of 32, and 64 at least")
        return size


class Training(Part):
    """How long, how fast and in which order the network learns."""

    stages: tuple[Stage, ...] = Field((Stage(epochs=EPOCHS, size=(320, 256)),), min_length=1)
    """The stages of the run, one after the other."""
    batch: int = Field(16, ge=1)
    """Photos in a batch."""
    accumulate: int = Field(1, ge=1)
    """Batches whose gradients are summed before a step."""
    optimizer: Literal["adam", "adamw", "sgd"] = "adamw"
    """adam couples weight decay with the gradient, adamw decouples it, and sgd uses Nesterov momentum."""
    lr: float = Field(2e-3, gt=0)
    """The highest learning rate of the decoder."""
    encoder_lr: float = Field(0.35, ge=0)
    """The encoder's learning rate as a share of lr. It is lower because the encoder starts trained."""
    weight_decay: float = Field(1e-2, ge=0)
    """How strongly weights are pulled toward zero."""
    schedule: Literal["one-cycle", "cyclic", "warm-restarts", "plateau", "cosine", "constant"] = "one-cycle"
    """How the learning rate changes. cyclic halves its peaks, plateau falls when the validation loss no longer does."""
    cycles: int = Field(4, ge=1)
    """How many cycles the schedules cyclic and warm-restarts have."""
    plateau_patience: int = Field(3, ge=1)
    """Epochs without a lower validation loss after which the plateau schedule multiplies the rate by 0.3."""
    patience: int = Field(0, ge=0)
    """Epochs without a lower validation loss after which the run stops early; 0 means never."""
    minutes: float | None = Field(None, gt=0)
    """How many minutes the run may take, from the command to the finished model. The epochs of the stages are then
    slices of that time, and the learning rate follows the clock. It may change when a run continues."""
    frozen_epochs: int = Field(0, ge=0)
    """The first epochs, in which the encoder does not change, its batch-norm statistics included."""
    frozen_norms: bool = False
    """Whether all batch norms keep their statistics, which helps with batches of very few photos."""
    clip: float = Field(2.0, ge=0)
    """The largest norm of the gradient; 0 means no limit."""
    ema: float = Field(0.998, ge=0, lt=1)
    """Decay of the weights' running average, which is what is validated and kept; 0 switches it off."""
    ships: Literal["best", "last"] = "best"
    """Which epoch's weights are the result: those of the best Dice or those of the last epoch. With few validation
    photos the best epoch is a matter of luck, and a schedule that ends at 0 has its best epoch at the end."""
    precision: Literal["bf16-mixed", "16-mixed", "32-true"] = "bf16-mixed"
    """The numbers that are computed with: bfloat16, float16 or float32."""
    seed: int = Field(0, ge=0)
    """The seed of all that is random: another one gives another run."""


class Folds(Part):
    """Cross-validation: the training photos in folds, each of which is left out of one run and answered by it."""

    count: int = Field(0, ge=0, le=20)
    """How many folds, 2 to 20; 0 means a plain run. Near-duplicates stay in the same fold."""
    groups: Path | None = None
    """A CSV file with the columns name and group. Photos of one group, such as those of one person or of one day, stay
    in the same fold."""
    ships: Literal["auto", "weights", "outputs"] = "auto"
    """The model that the folds make together: the mean of their weights, or one file that averages their outputs and
    takes as many times as long. auto takes the mean of weights if the folds start from one trained model and the
    validation photos do not show that the mean of outputs is better."""

    @field_validator("count")
    @classmethod
    def _several(cls, count: int) -> int:
        if count == 1:
            raise ValueError("one fold leaves nothing to train on; give 2 or more, or 0 for a plain run")
        return count
