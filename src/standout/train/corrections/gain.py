"""What a model gains on photos that it has not learned from: the mean difference with its interval.

Differences are of each photo: of its Dice, or of the share that is rightly not called person where it shows nobody.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from standout.evaluate.intervals import Mean, clustered, mean
from standout.evaluate.photos import Score
from standout.train.folds.record import signed
from standout.train.folds.together import quality


@dataclass(frozen=True)
class Gain:
    """Two models on the same photos: the means before and after, and the mean difference."""

    before: Mean
    after: Mean
    apart: Mean

    @staticmethod
    def of(before: Sequence[Score], after: Sequence[Score], groups: Sequence[str]) -> Gain:
        """The gain of scores of the same photos; photos of one group are drawn together for the interval."""
        one, two = quality(before), quality(after)
        apart = clustered([b - a for a, b in zip(one, two, strict=True)], groups)
        return Gain(mean(one), mean(two), apart)

    def row(self) -> dict[str, Any]:
        """The gain as a JSON object holds it."""
        return {key: Mean(**value).row() for key, value in asdict(self).items()}

    def __str__(self) -> str:
        """The gain as text.

        >>> print(Gain(Mean(0.9, 0.8, 1.0, 20), Mean(0.92, 0.82, 1.0, 20), Mean(0.02, 0.01, 0.03, 20)))
        Dice 0.9000 before, 0.9200 after; difference +0.0200 (+0.0100 to +0.0300)
        """
        return f"Dice {self.before.mean:.4f} before, {self.after.mean:.4f} after; difference {signed(self.apart)}"


@dataclass(frozen=True)
class Assessment:
    """What was measured. corrected: on corrected photos that were left out. check: on other photos, if any are given.

    folds: how often a part of the corrected photos was left out.
    """

    corrected: Gain
    folds: int
    check: Gain | None = None

    @property
    def lost(self) -> bool:
        """Whether the check photos show that the model became worse on them."""
        return self.check is not None and self.check.apart.high < 0

    @property
    def better(self) -> bool:
        """Whether the corrected photos show a gain, and the check photos no loss."""
        return self.corrected.apart.low > 0 and not self.lost

    def row(self) -> dict[str, Any]:
        """The assessment as a JSON object holds it."""
        check = self.check.row() if self.check else None
        return {"better": self.better, "folds": self.folds, "corrected": self.corrected.row(), "check": check}

    def lines(self) -> list[str]:
        """The assessment as text."""
        often = f"{self.folds} folds" if self.folds > 1 else "a part left out"
        count = self.corrected.apart.n
        found = [f"on {count} corrected photos that it had not learned from ({often}): {self.corrected}"]
        if self.check:
            found.append(f"on {self.check.apart.n} photos of the check: {self.check}")
        if self.lost:
            found.append("worse on the photos of the check: more of the first model (--keep) loses less")
        elif self.better:
            found.append("better")
        elif self.corrected.apart.high < 0:
            found.append("worse")
        else:
            found.append(f"no difference that {count} photos can show; more corrections make it clearer")
        return found
