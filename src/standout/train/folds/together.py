"""The model that the folds make together, and how it compares with single folds on photos that none of them has seen.

Two ways: the mean of the weights, which is one network and is possible only for folds that started from one trained
model (see net.soup), and the mean of the outputs, which is a file with a network for each fold and takes as many times
as long (see net.ensemble).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from torch import nn

from standout.data import Pair
from standout.evaluate.intervals import mean, paired
from standout.evaluate.measure import with_scores
from standout.evaluate.photos import Score
from standout.models.card import ModelCard
from standout.net import checkpoint
from standout.net.ensemble import Ensemble, card_of_ensemble
from standout.net.soup import average
from standout.net.unet import Probability
from standout.runtimes import pytorch
from standout.segmenter import Segmenter
from standout.train import run
from standout.train.callbacks import going
from standout.train.config import Recipe
from standout.train.folds.fold import Fold, answer
from standout.train.folds.record import OUTPUTS, SAID, WEIGHTS, signed


@dataclass(frozen=True)
class Candidate:
    """A model that may ship, and its scores on the validation photos."""

    kind: str
    net: nn.Module
    card: ModelCard
    scores: list[Score]

    @property
    def quality(self) -> list[float]:
        """For each photo, 1 is best: its Dice, or 1 - the share called person of a photo that shows nobody."""
        return quality(self.scores)


def quality(scores: Sequence[Score]) -> list[float]:
    """For each photo, 1 is best: its Dice, or 1 - the share called person of a photo that shows nobody."""
    return [1 - score.badness for score in scores]


@dataclass(frozen=True)
class Verdict:
    """What ships, why, and the comparison, as folds.json holds it."""

    ships: Candidate
    why: str
    comparison: dict[str, Any]


def compare(folds: Sequence[Fold], recipe: Recipe, splits: run.Splits, device: str) -> Verdict:
    """What ships of the means of the folds.

    splits: all pairs that the folds divide, and the validation pairs that none of the folds has seen. device: "cpu" or
    "cuda".
    """
    loaded = [checkpoint.load(fold.model) for fold in folds]
    val = splits[1]
    singles = []
    for net, card in loaded:
        singles.append(quality(_scores(net, card, val, device)))
    single = [sum(each) / len(folds) for each in zip(*singles, strict=True)]
    cards = [card for _, card in loaded]
    made = replace(run.card_of(recipe, splits), base=_base(recipe, len(folds)))
    candidates = []
    if recipe.folds.ships != WEIGHTS:
        together, several = Ensemble([checkpoint.load(fold.model)[0] for fold in folds]), card_of_ensemble(cards)
        card = replace(made, members=several.members, card_version=several.card_version)
        card = replace(card, base=f"the mean of the outputs of {made.base}")
        candidates.append(Candidate(OUTPUTS, together, card, _scores(together, card, val, device)))
    if recipe.folds.ships == WEIGHTS or (recipe.folds.ships == "auto" and recipe.model.init):
        mixed = average([net for net, _ in loaded], [1 / len(folds)] * len(folds))
        card = replace(made, base=f"the mean of the weights of {made.base}")
        candidates.append(Candidate(WEIGHTS, mixed, card, _scores(mixed, card, val, device)))
    ships, why = choose(candidates, single)
    facts: dict[str, Any] = {
        "photos": len(val),
        "single folds": mean(single).row(),
        "each fold": [round(sum(one) / len(one), 5) for one in singles],
    }
    for one in candidates:
        facts[SAID[one.kind]] = mean(one.quality).row() | {"more than a single fold": paired(single, one.quality).row()}
    return Verdict(replace(ships, card=_with_scores(ships, device)), why, facts | {"ships": ships.kind, "why": why})


def choose(candidates: Sequence[Candidate], single: Sequence[float]) -> tuple[Candidate, str]:
    """The candidate that ships, and why.

    The mean of weights costs a single network, so it ships unless it falls behind: behind single folds on average, or
    behind the mean of outputs by more than chance. single: the quality of a single fold by photo, averaged over folds.
    """
    by_kind = {one.kind: one for one in candidates}
    if len(by_kind) == 1:
        only = candidates[0]
        return only, (
            "the recipe asks for it" if only.kind == WEIGHTS else "weights of different beginnings have no useful mean"
        )
    weights, outputs = by_kind[WEIGHTS], by_kind[OUTPUTS]
    ahead = paired(weights.quality, outputs.quality)
    if ahead.low > 0:
        return outputs, f"it is better than the mean of weights by {signed(ahead)}"
    gained = paired(single, weights.quality)
    if gained.mean < 0:
        return outputs, f"the mean of weights is worse than single folds by {signed(gained)}"
    return weights, f"the mean of outputs is not shown to be better ({signed(ahead)}) and takes longer"


def _base(recipe: Recipe, count: int) -> str:
    begun = run.card_of(recipe, ([], [])).base
    return f"{count} folds" + (f", each started from {begun}" if begun else "")


def _scores(net: nn.Module, card: ModelCard, pairs: Sequence[Pair], device: str) -> list[Score]:
    with going("comparing the folds", len(pairs)) as tick:
        return answer(pairs, segmenter_of(net, card, device), tick=tick)


def segmenter_of(net: nn.Module, card: ModelCard, device: str) -> Segmenter:
    """The network as users have it."""
    return Segmenter(pytorch.session(Probability(net).eval(), card, device=device))


def _with_scores(one: Candidate, device: str) -> ModelCard:
    return with_scores(one.card, one.scores, segmenter_of(one.net, one.card, device))
