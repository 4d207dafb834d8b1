"""The scores of photos, summed up: by source and size, over the threshold, between groups, against another model.

scores   list[Score]          the scores of each photo
table    dict[str, Means]     the means of every metric, in a row for all photos, each source or each size
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from standout.errors import InputError
from standout.evaluate.intervals import Mean, gap, mean, paired
from standout.evaluate.photos import LEVELS, METRICS, SIZES, Score
from standout.metrics import Sums, compute
from standout.segmenter import centered

Means = dict[str, Mean]
"""Metric -> its mean."""

Curve = dict[float, float]
"""Threshold -> mean Dice."""

Groups = dict[str, dict[str, str]]
"""Label -> the photo's name -> its group; see groups.py."""

THRESHOLDS = tuple(step / 20 for step in range(1, 20))
FEW = 20
"""With fewer photos than this, the mean of a group says little."""


@dataclass(frozen=True)
class Report:
    """The scores of a model on some photos, and what follows from them.

    facts: model, data and settings, as they go into the JSON file. groups: by which gaps are measured. card_threshold:
    the probability of the network that became 0.5 in the masks that were scored.
    """

    scores: list[Score]
    facts: dict[str, Any] = field(default_factory=dict)
    groups: Groups = field(default_factory=dict)
    card_threshold: float = 0.5

    @cached_property
    def people(self) -> list[Score]:
        """The photos that show somebody."""
        return [score for score in self.scores if not score.empty]

    @cached_property
    def nobody(self) -> Mean | None:
        """The mean share called person in the photos that show nobody, 0..1; None where there are no such photos."""
        areas = [score.area for score in self.scores if score.empty]
        return mean(areas) if areas else None

    @cached_property
    def by_source(self) -> dict[str, Means]:
        """The means of every metric over all photos that show somebody ("all"), and for each source."""
        rows = _by(self.people, lambda score: score.source)
        return ({"all": means(self.people)} | rows) if self.people else {}

    @cached_property
    def by_size(self) -> dict[str, Means]:
        """The means of every metric for each size of person, small first."""
        rows = _by(self.people, lambda score: score.size)
        return {name: rows[name] for name in SIZES if name in rows}

    @cached_property
    def thresholds(self) -> dict[str, Curve]:
        """The mean Dice at each threshold of the network's probability, over all photos ("all") and for each source."""
        curves: dict[str, Curve] = {}
        levels = centered(np.asarray(THRESHOLDS, np.float32), self.card_threshold)
        steps = [round(float(level) * LEVELS) for level in levels]
        for name in self.by_source:
            own = [score for score in self.people if name in ("all", score.source)]
            curves[name] = dict(zip(THRESHOLDS, np.mean([_dice_at(one, steps) for one in own], 0), strict=True))
        return curves

    @property
    def best_threshold(self) -> float | None:
        """The threshold of the highest mean Dice over all photos; None where no photo shows anybody."""
        curve = self.thresholds.get("all")
        return max(curve, key=lambda threshold: curve[threshold]) if curve else None

    @cached_property
    def calibration(self) -> list[dict[str, float]]:
        """Ten bins of probability, those without pixels left out; all values are 0..1.

        probability: the mean over the bin's pixels. person: the share of them that is person. pixels: the share of all
        pixels that is in the bin.
        """
        person = np.sum([score.person for score in self.scores], 0)
        every = person + np.sum([score.background for score in self.scores], 0)
        bins = []
        for low in range(0, LEVELS, LEVELS // 10):
            part = slice(low, low + LEVELS // 10 + (low + LEVELS // 10 == LEVELS))
            pixels = int(every[part].sum())
            if pixels:
                levels = (np.arange(LEVELS + 1)[part] + 0.5).clip(max=LEVELS) / LEVELS
                bins.append(
                    {
                        "probability": float((levels * every[part]).sum() / pixels),
                        "person": float(person[part].sum() / pixels),
                        "pixels": pixels / float(every.sum()),
                    }
                )
        return bins

    @property
    def calibration_error(self) -> float:
        """The expected calibration error, 0..1: the mean gap between probability and share, weighted by pixels.

        Guo et al., "On Calibration of Modern Neural Networks" (arXiv 1706.04599).
        """
        return sum(abs(one["probability"] - one["person"]) * one["pixels"] for one in self.calibration)

    def worst(self, count: int = 20) -> list[Score]:
        """The photos with the worst scores, worst first."""
        return sorted(self.scores, key=lambda score: -score.badness)[:count]

    @cached_property
    def gaps(self) -> dict[str, tuple[dict[str, Mean], Mean]]:
        """For each label with two groups or more, the mean Dice of each group, and the gap between best and worst."""
        found = {}
        for label, group_of in self.groups.items():
            dices: dict[str, list[float]] = {}
            for score in self.people:
                if score.name in group_of:
                    dices.setdefault(group_of[score.name], []).append(score.dice)
            if len(dices) > 1:
                rows = {name: mean(values) for name, values in sorted(dices.items())}
                found[label] = (rows, gap(list(dices.values())))
        return found

    def to_json(self) -> str:
        """The whole report as JSON, with the scores of each photo; `standout evaluate --compare` reads it."""
        rows: dict[str, Any] = {
            **self.facts,
            "by_source": _rows(self.by_source),
            "by_size": _rows(self.by_size),
            "nobody": self.nobody.row() if self.nobody else None,
            "thresholds": {n: {str(t): round(d, 5) for t, d in c.items()} for n, c in self.thresholds.items()},
            "best_threshold": self.best_threshold,
            "calibration": [{key: round(value, 5) for key, value in one.items()} for one in self.calibration],
            "calibration_error": round(self.calibration_error, 5),
            "groups": {
                label: {"gap": apart.row(), "dice": {name: one.row() for name, one in own.items()}}
                for label, (own, apart) in self.gaps.items()
            },
            "photos": [score.row() for score in self.scores],
        }
        return json.dumps(rows, indent=1)


def means(scores: Sequence[Score]) -> Means:
    """The mean of every metric over at least one photo."""
    return {metric: mean([getattr(score, metric) for score in scores]) for metric in METRICS}


@dataclass(frozen=True)
class Comparison:
    """How much better the second of two models is on the same photos; positive differences are better.

    dice, boundary_f: their mean differences over photos that show somebody. area: how much less of the photos that show
    nobody is called person. Each is None where there are no such photos.
    """

    dice: Mean | None
    boundary_f: Mean | None
    area: Mean | None

    @property
    def verdict(self) -> str:
        """Either "better", "worse" or "no difference ...": by Dice, or by area if all photos show nobody."""
        main = self.dice or self.area
        if main is None:
            return "no photo in common"
        if main.low > 0:
            return "better"
        return "worse" if main.high < 0 else f"no difference that {main.n} photos can show"


def read_rows(path: Path, *, fingerprint: str) -> list[dict[str, Any]]:
    """The rows of photos in a file that Report.to_json made.

    Raises InputError when it is not such a file, or when it was measured on photos with another fingerprint.
    """
    try:
        found = json.loads(path.read_text())
        rows: list[dict[str, Any]] = found["photos"]
        of = found["data"]["fingerprint"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} is not a file that `standout evaluate --json` wrote ({error!r})") from None
    if of != fingerprint:
        raise InputError(f"{path} was measured on other photos or masks; measure both models on the same")
    return rows


def compare(one: Sequence[dict[str, Any]], two: Sequence[dict[str, Any]]) -> Comparison:
    """The comparison of two models by their rows of photos (Score.row); photos that only one has are left out."""
    before = {(row["source"], row["name"]): row for row in one}
    both = [(before[row["source"], row["name"]], row) for row in two if (row["source"], row["name"]) in before]
    people = [(a, b) for a, b in both if b["share"] > 0]
    empty = [(a, b) for a, b in both if b["share"] == 0]

    def apart(pairs: list[tuple[dict[str, Any], dict[str, Any]]], key: str) -> Mean | None:
        return paired([a[key] for a, _ in pairs], [b[key] for _, b in pairs]) if pairs else None

    return Comparison(apart(people, "dice"), apart(people, "boundary_f"), apart([(b, a) for a, b in empty], "area"))


def _by(scores: Sequence[Score], key: Callable[[Score], str]) -> dict[str, Means]:
    kinds = sorted({key(score) for score in scores})
    return {kind: means([score for score in scores if key(score) == kind]) for kind in kinds}


def _rows(table: dict[str, Means]) -> dict[str, Any]:
    return {name: {metric: one.row() for metric, one in row.items()} for name, row in table.items()}


def _dice_at(score: Score, steps: Sequence[int]) -> list[float]:
    """The photo's Dice with its mask cut at each of these steps, which are LEVELS of probability."""
    there, counted = int(score.person.sum()), int(score.person.sum() + score.background.sum())
    right, wrong = (np.cumsum(pixels[::-1])[::-1].tolist() for pixels in (score.person, score.background))
    return [compute(Sums(right[step], right[step] + wrong[step], there, counted)).dice for step in steps]
