"""Fine-tunes a model on corrected photos, and measures what that gains before anything is used.

pairs/              the corrected photos; see collect.py
fold-1/ ...         a run for each fold, from which a part of the photos was left out
final/              the run on all photos
model.safetensors   the result
gain.json        what it gains, with the scores of each photo
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from standout.data import Pair
from standout.data.duplicates import look_at, near
from standout.data.folds import divide
from standout.data.pairs import read_image
from standout.data.split import families_of
from standout.errors import InputError
from standout.evaluate.measure import with_scores
from standout.evaluate.photos import Score
from standout.models.card import ModelCard
from standout.models.registry import find_checkpoint
from standout.net import checkpoint
from standout.net.soup import average, card_of_mean
from standout.net.unet import UNet
from standout.support import atomic
from standout.train import run
from standout.train.callbacks import going
from standout.train.config import Recipe
from standout.train.corrections.gain import Assessment, Gain
from standout.train.finish import model_file
from standout.train.folds.fold import answer
from standout.train.folds.together import segmenter_of
from standout.train.record import say

FEW = 100
"""Up to this many photos, every photo is left out once; of more, a quarter is left out once, which takes less time."""

FOLDS = 5


@dataclass(frozen=True)
class Plan:
    """How corrections are learned.

    recipe: of each run; its model.init is the model that is improved. folds: how often a part is left out; 0 means five
    times, or once for more than FEW photos. keep: the share of the first model's weights in the result, 0..1.
    """

    recipe: Recipe
    folds: int = 0
    keep: float = 0.5

    @property
    def base(self) -> str:
        """The model that is improved."""
        assert self.recipe.model.init is not None
        return self.recipe.model.init


def improve(
    pairs: list[Pair], plan: Plan, out: Path, machine: run.Compute, *, check: Sequence[Pair] = ()
) -> Assessment:
    """Writes out/model.safetensors and out/gain.json, and returns the assessment.

    The gain is measured on photos that were left out, each by a model that has not learned from it or from a
    near-duplicate. The result has learned from all of them. Its weights are a mean with those of the first model, which
    forgets less: Wortsman et al., "Robust fine-tuning of zero-shot models" (arXiv 2109.01903).

    check: other photos, on which nothing should be lost; near-duplicates of the corrected ones are left out.

    Raises InputError when there are too few photos and as run.train does; OutputError when out cannot be written.
    """
    device = "cuda" if machine.on_gpu else "cpu"
    parts, groups = _parts(pairs, plan.folds)
    say(f"{len(pairs)} corrected photos; {len(parts)} of {_counted(parts)} left out to measure the gain")
    before, after = list[Score](), list[Score]()
    for number, left in enumerate(parts, 1):
        rest = [pair for pair in pairs if pair not in left]
        net, card = _tuned(plan, (rest, left), out / f"fold-{number}", machine)
        before += _scores(*checkpoint.load(find_checkpoint(plan.base)), left, device)
        after += _scores(net, card, left, device)
    net, card = _tuned(plan, (pairs, parts[0]), out / "final", machine)
    others = _apart(check, pairs)
    gain = Gain.of(before, after, [groups[score.name] for score in before])
    told = None
    if others:
        first = _scores(*checkpoint.load(find_checkpoint(plan.base)), others, device)
        told = Gain.of(first, _scores(net, card, others, device), [pair.name for pair in others])
    found = Assessment(gain, len(parts), told)
    card = with_scores(replace(card, data=_said(pairs, plan)), after, segmenter_of(net, card, device))
    card = replace(card, protocol=f"{card.protocol}, each left out of the run that answered it")
    with model_file(out / "model.safetensors") as part:
        checkpoint.save(net, card, part)
    rows = [{"before": a.row(), "after": b.row()} for a, b in zip(before, after, strict=True)]
    facts = {"base": plan.base, "keep": plan.keep} | found.row() | {"photos": rows}
    atomic.write_atomic(out / "gain.json", json.dumps(facts, indent=1).encode(), overwrite=True)
    return found


def _parts(pairs: list[Pair], folds: int) -> tuple[list[list[Pair]], dict[str, str]]:
    """The parts that are left out, one after the other, and the group of each photo by its name."""
    with going("looking for near-duplicates", 2 * len(pairs)) as tick:
        families = len(families_of(pairs, tick=tick))
        count = min(families, folds if folds > 1 else 4 if folds == 1 or len(pairs) > FEW else FOLDS)
        if count < 2:
            raise InputError(
                f"{len(pairs)} corrected photos show {families} scene; at least two different ones are needed, one to "
                "learn from and one to measure with"
            )
        made = divide(pairs, count, tick=tick)
    parts = [[pair for pair, fold in zip(pairs, made.folds, strict=True) if fold == part] for part in range(count)]
    once = folds == 1 or (folds == 0 and len(pairs) > FEW)
    groups = {pair.name: group for pair, group in zip(pairs, made.groups, strict=True)}
    return parts[:1] if once else parts, groups


def _counted(parts: Sequence[Sequence[Pair]]) -> str:
    """How many photos the parts hold.

    >>> _counted([[Pair(Path("a"), Path("a"))], []])
    '0 to 1 photos'
    """
    sizes = sorted(len(part) for part in parts)
    return f"{sizes[0]} photos" if sizes[0] == sizes[-1] else f"{sizes[0]} to {sizes[-1]} photos"


def _tuned(plan: Plan, splits: run.Splits, folder: Path, machine: run.Compute) -> tuple[UNet, ModelCard]:
    """The mean of the first model and of that model fine-tuned on the first of the splits, and its card."""
    model = run.train(plan.recipe, folder, machine, splits=splits, scored=False)
    first, tuned = checkpoint.load(find_checkpoint(plan.base)), checkpoint.load(model)
    shares = (plan.keep, 1 - plan.keep)
    return average([first[0], tuned[0]], shares), card_of_mean([first[1], tuned[1]], shares)


def _scores(net: UNet, card: ModelCard, pairs: Sequence[Pair], device: str) -> list[Score]:
    with going("measuring", len(pairs)) as tick:
        return answer(pairs, segmenter_of(net, card, device), tick=tick)


def _apart(check: Sequence[Pair], pairs: Sequence[Pair]) -> list[Pair]:
    """The check photos that are no near-duplicates of corrected ones, which the model has learned."""
    leaks = near([look_at(read_image(pair.image)) for pair in check], [look_at(read_image(one.image)) for one in pairs])
    if leaks:
        say(f"left out {len(leaks)} photos of the check, near-duplicates of corrected ones")
    return [pair for i, pair in enumerate(check) if i not in leaks]


def _said(pairs: Sequence[Pair], plan: Plan) -> str:
    return f"{len(pairs)} corrected photos, on top of {Path(plan.base).name}"


def replaced(model: Path, target: Path, found: Assessment) -> Path | None:
    """Puts a better model in the place of target, and returns where the one before is kept; None if it is no better.

    Raises OutputError when one of them cannot be written.
    """
    if not found.better:
        return None
    number = 1
    while (kept := target.with_name(f"{target.stem}-before-{number}{target.suffix}")).exists():
        number += 1
    atomic.write_atomic(kept, target.read_bytes())
    atomic.write_atomic(target, model.read_bytes(), overwrite=True)
    return kept
