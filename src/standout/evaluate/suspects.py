"""Which labels may be wrong: they are ranked by how far they are from the answer of a model that has not seen them.

run      Path            the folder of `standout train --folds`: folds.json, and an answer in masks/ for each photo
label    uint8 (H, W)    255 person, 0 background, 128 does not count, any other level a soft edge
answer   uint8 (H, W)    probability of person, 0..255
levels   float (2, LEVELS)   of background and of person, how many pixels the answer gives each level of probability
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from standout import metrics
from standout.data import IGNORE, Pair, find_splits, fingerprint, read_label
from standout.data.folds import mask_names
from standout.data.pairs import read_image
from standout.errors import InputError
from standout.support.draw import boxed, outlined
from standout.support.html import figure, page
from standout.support.system import cores
from standout.types import Bools, Bytes

Levels = NDArray[np.float64]

FACTS = "folds.json"
"""The file in a run's folder that says which answer belongs to which photo."""

LEVELS = 16
"""Steps of probability in which pixels are counted."""

SURE = 0.01
"""Probabilities are kept this far from 0 and 1, so that no single pixel decides."""

PRIOR = 5
"""As how many photos of a source all others count when its answers are calibrated."""

AGREE, ALIKE, GAIN = 0.8, 0.75, 0.15
"""Dice above which nothing is wrong; overlap from which a change explains what is wrong, and how much it must gain."""

INVERTED, MOVED = "the label is inverted", "the label is moved"

SIDE = 300
"""Side in pixels of a picture on the page."""


@dataclass(frozen=True)
class Suspect:
    """A label and the answer to its photo.

    loss: how far they are apart; see surprise. dice: their overlap, 0..1. fold: the fold that left the photo out; 0 for
    validation photos, which all folds left out. hint: what may be wrong with the label; "" where nothing stands out.
    answer: the file with the answer.
    """

    pair: Pair
    fold: int
    loss: float
    dice: float
    hint: str
    answer: Path

    @property
    def explained(self) -> bool:
        """Whether the label fits the answer once it is moved back or inverted, which hardly ever comes by chance."""
        return self.hint.startswith((INVERTED, MOVED))

    def row(self, rank: int) -> dict[str, Any]:
        """The suspect as a row of the list. rank: 1 is the most suspicious."""
        facts = {"rank": rank, "name": self.pair.name, "source": self.pair.source, "fold": self.fold}
        facts |= {"loss": round(self.loss, 5), "dice": round(self.dice, 5), "hint": self.hint}
        return facts | {"image": str(self.pair.image), "mask": self.pair.mask_name, "answer": str(self.answer)}


def rank(run: Path, *, tick: Callable[[], None] = lambda: None) -> list[Suspect]:
    """All labels of a run, the most suspicious first: the explained ones, then all others by loss.

    tick: called after each label.

    Raises InputError when the folder holds no finished folds, its data have changed, or an answer cannot be read.
    """
    facts = _facts(run)
    pairs = _pairs(run, facts["data"])
    known = dict(zip(mask_names(pairs), pairs, strict=True))

    def one(row: dict[str, Any]) -> tuple[Suspect, Levels]:
        found = _judged(known[row["mask"]], run / row["mask"], int(row["fold"]))
        tick()
        return found

    with ThreadPoolExecutor(cores()) as pool:
        judged = list(pool.map(one, facts["photos"]))
    expected = calibrate([(suspect.pair.source, levels) for suspect, levels in judged])
    ranked = [replace(one, loss=surprise(levels, expected[one.pair.source])) for one, levels in judged]
    return sorted(ranked, key=lambda suspect: (not suspect.explained, -suspect.loss))


def count(run: Path) -> int:
    """How many labels rank looks at. Raises InputError as rank does."""
    return len(_facts(run)["photos"])


def _facts(run: Path) -> dict[str, Any]:
    try:
        facts: dict[str, Any] = json.loads((run / FACTS).read_text())
    except FileNotFoundError:
        raise InputError(
            f"{run} holds no {FACTS}; give the folder that `standout train --folds 5 -o {run}` has written"
        ) from None
    except (OSError, ValueError) as error:
        raise InputError(f"{run / FACTS} cannot be read ({error}); train the folds again") from None
    if "photos" not in facts:
        raise InputError(f"the folds in {run} are not finished; give the command that trains them again")
    return facts


def _pairs(run: Path, data: dict[str, Any]) -> list[Pair]:
    """The pairs that were divided, and then the validation pairs."""
    folder = Path(data["folder"])
    pairs = [
        pair for part in find_splits(folder) for pair in part if not data["sources"] or pair.source in data["sources"]
    ]
    if fingerprint(pairs) != data["fingerprint"]:
        raise InputError(
            f"the photos or masks in {folder} are no longer those that the folds in {run} were trained on; train the "
            "folds again into another folder"
        )
    return pairs


def _judged(pair: Pair, path: Path, fold: int) -> tuple[Suspect, Levels]:
    """The label without its loss, and its pixels by level."""
    read = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if read is None:
        raise InputError(f"{path} is no picture; train the folds again into another folder")
    answer = np.asarray(read, np.uint8)
    label = read_label(pair, answer.shape)
    counts = label != IGNORE
    truth, found = label > IGNORE, answer >= IGNORE
    dice = metrics.dice(found, truth, counts)
    return Suspect(pair, fold, 0.0, dice, hint(truth, found, counts), path), levels_of(label, answer)


def levels_of(label: Bytes, answer: Bytes) -> Levels:
    """The pixels that count by level of the answer: how many the label calls background, and how many person.

    >>> levels_of(np.uint8([[0, 128, 255, 255]]), np.uint8([[0, 0, 255, 10]]))[:, [0, -1]].tolist()
    [[1.0, 0.0], [1.0, 1.0]]
    """
    counts = label != IGNORE
    level, person = answer[counts] // (256 // LEVELS), label[counts] > IGNORE
    planes = [np.bincount(level[person == kind], minlength=LEVELS) for kind in (False, True)]
    return np.asarray(planes, np.float64)


def calibrate(photos: Sequence[tuple[str, Levels]]) -> dict[str, NDArray[np.float64]]:
    """Source -> how often a pixel of each level is person by the labels, (LEVELS,), rising from level to level.

    A model that misses people in one kind of photo is less sure there than it says. Each photo counts alike, and the
    levels of all sources count as PRIOR photos more, so that no few photos are their own measure.
    """
    shares = [(source, levels / max(1.0, levels.sum())) for source, levels in photos]
    every = sum((share for _, share in shares), np.zeros((2, LEVELS)))
    level = (np.arange(LEVELS) + 0.5) / LEVELS
    mass = every.sum(0) / max(1, len(shares)) + 1e-6
    usual = (every[1] + mass * level) / (every.sum(0) + mass)
    found = {}
    for source in {source for source, _ in shares}:
        own = sum((share for name, share in shares if name == source), np.zeros((2, LEVELS)))
        person = (own[1] + PRIOR * mass * usual) / (own.sum(0) + PRIOR * mass)
        found[source] = np.clip(np.maximum.accumulate(person), SURE, 1 - SURE)
    return found


def surprise(levels: Levels, expected: NDArray[np.float64]) -> float:
    """How much less likely the label is than labels are expected to be after this answer; larger is more suspicious.

        sum over pixels of (cross-entropy(label, p) - entropy(p)) / sqrt(pixels * pixels of label or answer)

    p is how often pixels of this level are person. Where that is unsure, a large cross-entropy is expected, so only
    what is sure counts against a label. Divided by all pixels, small people would never be suspicious; divided by the
    people's pixels alone, they would always be. The geometric mean of the two is used.

    levels: see levels_of. expected: see calibrate.
    """
    background, person = levels
    every = background + person
    excess = (expected * every - person) * np.log(expected / (1 - expected))
    people = person.sum() + background[LEVELS // 2 :].sum()
    return float(excess.sum() / np.sqrt(max(1.0, every.sum()) * max(1.0, people)))


def hint(truth: Bools, found: Bools, counts: Bools) -> str:
    """What may be wrong with a label, in words; "" where label and answer agree well.

    truth, found, counts: bool (H, W), what is person by the label, by the answer, and what counts.
    """
    if metrics.dice(found, truth, counts) > AGREE:
        return ""
    if not truth.any():
        return "the label shows nobody"
    if not found.any():
        return "the answer finds nobody"
    if metrics.dice(found, ~truth, counts) > ALIKE:
        return INVERTED
    if moved := _moved(truth, found, counts):
        return moved
    if metrics.precision(truth, found, counts) > ALIKE:
        return "the label lacks a part of what the answer finds"
    if metrics.recall(truth, found, counts) > ALIKE:
        return "the label holds more than the answer finds"
    return "label and answer lie in different places"


def _moved(truth: Bools, found: Bools, counts: Bools) -> str:
    """How far the label is moved, in words; "" where moving it back would not make it fit the answer."""
    small = (128, 128)
    one, two = (
        cv2.resize(plane.astype(np.float32), small, interpolation=cv2.INTER_AREA) for plane in (found & counts, truth)
    )
    (right, down), _ = cv2.phaseCorrelate(one, two)
    height, width = truth.shape
    right, down = round(right * width / small[0]), round(down * height / small[1])
    back = np.array([[1, 0, -right], [0, 1, -down]], np.float32)
    placed = cv2.warpAffine(truth.astype(np.uint8), back, (width, height), flags=cv2.INTER_NEAREST) > 0
    if metrics.dice(found, placed, counts) < max(ALIKE, metrics.dice(found, truth, counts) + GAIN):
        return ""
    parts = [f"{abs(right)} pixels to the {'right' if right > 0 else 'left'}"] * (right != 0)
    parts += [f"{abs(down)} pixels {'down' if down > 0 else 'up'}"] * (down != 0)
    return f"{MOVED} {' and '.join(parts)}"


def to_page(ranked: Sequence[Suspect], *, title: str, total: int) -> bytes:
    """The page as HTML: the photos of these suspects with both outlines. total: how many labels were ranked."""
    intro = (
        f"<p>{len(ranked)} of {total} labels, the most suspicious first. The label is outlined in green, the answer of "
        "a model that has not seen the photo in red. Pixels that do not count are dark.</p>"
    )
    pictures = (_figure(number, one) for number, one in enumerate(ranked, 1))
    return page(title, intro + "".join(pictures))


def _figure(number: int, one: Suspect) -> str:
    image = read_image(one.pair.image)
    label = read_label(one.pair, image.shape[:2])
    answer = cv2.imread(str(one.answer), cv2.IMREAD_GRAYSCALE)
    assert answer is not None
    drawn = outlined(image, truth=label > IGNORE, found=answer >= IGNORE, counts=label != IGNORE)
    said = f": {one.hint}" if one.hint else ""
    caption = f"{number}. {one.pair.name}{said} (loss {one.loss:.2f}, Dice {one.dice:.2f})"
    return figure(boxed(drawn, SIDE), caption, alt=f"photo with label and answer: {one.pair.name}{said}")


def to_csv(ranked: Sequence[Suspect]) -> bytes:
    """The list as CSV."""
    text = io.StringIO()
    rows = [one.row(number) for number, one in enumerate(ranked, 1)]
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()
