"""Fits how a model's masks are judged, on labeled photos, and measures that on photos which the fit has not seen.

sample      JudgedPhoto   a photo's signs, and how good its mask really is
judge       Judge    the weights of the signs; see masks.confidence
expected    array    for each sample: the Dice to be expected, or the probability that nobody is there

The photos must not be those that the model was trained on, whose masks are better than others.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np

from standout import images
from standout.data import IGNORE, Pair, read_label
from standout.errors import InputError
from standout.masks.confidence import NOBODY, Judge, signs_of
from standout.masks.full_size import full_size
from standout.metrics import compute, update
from standout.models.card import ModelCard
from standout.segmenter import Segmenter
from standout.support.system import cores
from standout.types import Bools, Doubles, Photo

FOUND = ("own", "surest", "entropy", "weak", "tta")
"""The signs of the Dice to be expected, where somebody is found. Others that were tried add nothing: the disagreement
of the two passes of test-time augmentation, the number and shape of parts, contact with the frame, and the contrast
across the edge."""

PRESENCE = ("surest", "area", "tta")
"""The signs of whether somebody is there."""

RIDGE = 5.0
"""The penalty on the squares of the weights of standardized signs."""

FEWEST = 50
"""Photos that show somebody, and are needed for a fit."""

FOLDS, REPEATS = 10, 5


@dataclass(frozen=True)
class JudgedPhoto:
    """A photo, whose mask was made in one of the two ways (tta).

    dice: between the mask and the label. Where the label shows nobody, it is 1 if nobody is found, and 0 otherwise.
    """

    name: str
    source: str
    signs: Mapping[str, float]
    dice: float
    is_empty: bool
    is_found: bool

    @property
    def has_tta(self) -> bool:
        """Whether the mask was made with test-time augmentation."""
        return bool(self.signs["tta"])


def collect(
    pairs: Sequence[Pair], segmenter: Segmenter, *, tick: Callable[[], None] = lambda: None
) -> list[JudgedPhoto]:
    """Two samples of each pair: of the mask with test-time augmentation, and of that without.

    tick: called after each photo. Raises InputError, naming the file, when a photo or mask cannot be read.
    """
    ways = []
    for tta in (True, False):
        way = copy.copy(segmenter)
        way.tta = tta
        ways.append(way)

    def both(pair: Pair) -> list[JudgedPhoto]:
        photo = images.read(pair.image)
        label = read_label(pair, photo.image.shape[:2])
        found = [_photo(pair, photo, label, way) for way in ways]
        tick()
        return found

    with ThreadPoolExecutor(cores()) as pool:
        return [one for pair in pool.map(both, pairs) for one in pair]


def _photo(pair: Pair, photo: Photo, label: np.ndarray, segmenter: Segmenter) -> JudgedPhoto:
    coarse = segmenter.probability(photo.image)
    mask = full_size(coarse, photo.image)
    if photo.alpha is not None:
        mask = np.minimum(mask, photo.alpha)
    sums = update(mask >= 0.5, label > IGNORE, label != IGNORE)
    scores, is_empty = compute(sums), sums.truth == 0
    is_found = scores.area >= NOBODY
    dice = float(not is_found) if is_empty else scores.dice
    return JudgedPhoto(pair.name, pair.source, signs_of(coarse, tta=segmenter.tta), dice, is_empty, is_found)


def fit(samples: Sequence[JudgedPhoto]) -> Judge:
    """The judge that fits the samples best.

    Raises InputError where fewer than FEWEST of the photos show somebody.
    """
    people = {one.name for one in samples if not one.is_empty}
    if len(people) < FEWEST:
        raise InputError(
            f"{len(people)} of the photos show somebody; wanted {FEWEST} or more to fit the confidence, and better "
            "several hundred, none of which the model was trained on"
        )
    found, missed = [one for one in samples if one.is_found], [one for one in samples if not one.is_found]
    return Judge(
        found=_regression(found, FOUND, [one.dice for one in found]),
        missed=_regression(missed, PRESENCE, [one.dice for one in missed]),
        nobody=_regression(found, PRESENCE, [float(one.is_empty) for one in found]),
    )


def _regression(samples: Sequence[JudgedPhoto], names: Sequence[str], wanted: Sequence[float]) -> dict[str, float]:
    """The weights of a logistic regression with a ridge penalty; wanted: 0 to 1, fractions too.

    Papke, Wooldridge, "Econometric methods for fractional response variables" (1996): the same likelihood as for 0 and
    1, maximized by Newton's method. Two made-up samples, 0 and 1 at the mean, keep it finite where all are alike.
    """
    signs = np.array([[one.signs[name] for name in names] for one in samples], np.float64).reshape(-1, len(names))
    middle = signs.mean(0) if len(samples) else np.zeros(len(names))
    spread = np.maximum(signs.std(0), 1e-6) if len(samples) else np.ones(len(names))
    rows = np.vstack([(signs - middle) / spread, np.zeros((2, len(names)))])
    rows = np.hstack([np.ones((len(rows), 1)), rows])
    goal = np.array([*wanted, 0.0, 1.0])
    penalty = np.diag([0.0] + [RIDGE] * len(names))
    weights = np.zeros(rows.shape[1])
    for _ in range(30):
        chance = 1 / (1 + np.exp(-np.clip(rows @ weights, -30, 30)))
        slope = rows.T @ (goal - chance) - penalty @ weights
        curve = (rows * (chance * (1 - chance))[:, None]).T @ rows + penalty + 1e-9 * np.eye(len(weights))
        weights = weights + np.linalg.solve(curve, slope)
    own = weights[1:] / spread
    plain = {"constant": float(weights[0] - own @ middle)} | dict(zip(names, own.tolist(), strict=True))
    return {name: round(weight, 5) for name, weight in plain.items()}


@dataclass(frozen=True)
class Expected:
    """What judges that have not seen the photos expect of each sample."""

    dice: Doubles
    nobody: Doubles


def by_photo(samples: Sequence[JudgedPhoto], *, repeats: int = REPEATS) -> Expected:
    """Cross-validation: the photos in FOLDS parts at random, and each part judged by a fit to the others.

    repeats: how many times they are parted anew; what is expected is averaged.
    """
    return _held_out(samples, [split for seed in range(repeats) for split in _parts(samples, seed)])


def by_source(samples: Sequence[JudgedPhoto]) -> Expected:
    """The photos of each source judged by a fit to the other sources.

    Photos of nobody are their own sources; they are parted at random, since without any there is nothing to fit to.
    """
    empty = np.array([one.is_empty for one in samples])
    sources = np.array([one.source for one in samples])
    people = [(sources == source) & ~empty for source in sorted({*sources[~empty].tolist()})]
    return _held_out(samples, [*people, *(part & empty for part in _parts(samples, 0))])


def _parts(samples: Sequence[JudgedPhoto], seed: int) -> Iterator[Bools]:
    """Which samples are in each of FOLDS parts; both samples of a photo are in the same."""
    photos = sorted({(one.source, one.name) for one in samples})
    drawn = np.random.default_rng(seed).permutation(len(photos)) % FOLDS
    part_of = dict(zip(photos, drawn.tolist(), strict=True))
    parts = np.array([part_of[one.source, one.name] for one in samples])
    yield from (parts == part for part in range(FOLDS))


def _held_out(samples: Sequence[JudgedPhoto], tests: Sequence[Bools]) -> Expected:
    """What a fit to all other samples expects of the samples of each test, averaged over the tests of a sample."""
    dice, nobody, times = (np.zeros(len(samples)) for _ in range(3))
    for test in tests:
        if not test.any():
            continue
        judge = fit([one for one, is_tested in zip(samples, test, strict=True) if not is_tested])
        for i in np.flatnonzero(test).tolist():
            found = judge.chances(samples[i].signs, is_found=samples[i].is_found)
            dice[i], nobody[i], times[i] = dice[i] + found[0], nobody[i] + found[1], times[i] + 1
    return Expected(dice / times, nobody / times)


def judged_card(
    card: ModelCard, pairs: Sequence[Pair], segmenter: Segmenter, *, tick: Callable[[], None] = lambda: None
) -> ModelCard:
    """The card with the judge that fits the model's masks of the pairs, and how that was fitted.

    segmenter: one with the same weights. tick: called after each photo. Raises InputError as collect and fit do.
    """
    samples = collect(pairs, segmenter, tick=tick)
    people = sum(not one.is_empty for one in samples) // 2
    said = (
        f"fitted on {len(pairs)} photos, {people} of them with people, each with and without test-time augmentation, "
        "edges refined"
    )
    judge = fit(samples).plain()
    return replace(card, confidence={**judge, "of": card.sha256, "protocol": said})
