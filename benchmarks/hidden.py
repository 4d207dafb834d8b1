"""What `standout anonymize` leaves uncovered, by the size of the people, and what else it hides.

    .venv/bin/python benchmarks/hidden.py [--data ../shared/people]

Every validation photo is covered as the command does it, and in other ways: with fewer looks, at other thresholds and
margins, by the mask of `standout cut`, and by boxes of faces alone, half as wide again as the face model's (which the
extra [idphoto] installs). Where people are told apart in the labels, a person is a person; elsewhere a connected part
of the label. Size is the height, as a share of the photo's. Pixels whose label is unclear do not count, and in some
sources only the main person is labeled, so that what is hidden of others counts as background.
It takes about ten minutes.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from standout import images
from standout.data import IGNORE, Pair, find_splits, read_pair
from standout.effects import Anonymize
from standout.faces import faces
from standout.masks.letterbox import resize
from standout.second_opinion import OTHER_SCALES, SCALES, looks, means
from standout.segmenter import Segmenter
from standout.types import Image, Mask

BANDS = {"a fifth or more": 0.2, "a tenth to a fifth": 0.1, "a twentieth to a tenth": 0.05, "less": 0.0}
"""What the height of a person is of the photo's, and the least of it."""

WAYS = {
    "`standout-mobile`, one look": ("once",),
    "one look, and one at half the size, as in clips": ("once", "half"),
    "`standout-mobile` with TTA": ("usual",),
    "TTA, and at half the size": ("usual", "half"),
    "TTA, half and twice the size": ("usual", "half", "double"),
    "these, and by `standout-quality`, as for photos": (
        "usual",
        "half",
        "double",
        "other",
        "other half",
    ),
}
"""The looks whose mean is taken; the last is the default for photos."""

THRESHOLDS, MARGINS = (0.2, 0.1, 0.05, 0.025), (0.0, 0.02, 0.05)
FEWEST = 16
"""The least pixels of a connected part that counts as a person."""

Person = tuple[float, NDArray[np.intp]]
"""Height as a share of the photo's, and which pixels."""


class Tally:
    """Pixels of people, by band: all, and those left uncovered; how many people; pixels of background, and hidden."""

    def __init__(self) -> None:
        self.all, self.left = np.zeros(len(BANDS)), np.zeros(len(BANDS))
        self.people, self.missed = np.zeros(len(BANDS), int), np.zeros(len(BANDS), int)
        self.background = self.hidden = 0

    def add(self, covered: NDArray[np.bool_], people: list[Person], background: NDArray[np.bool_]) -> None:
        """Counts a photo."""
        flat = covered.ravel()
        for height, pixels in people:
            band = next(n for n, least in enumerate(BANDS.values()) if height >= least)
            left = int((~flat[pixels]).sum())
            self.all[band] += len(pixels)
            self.left[band] += left
            self.people[band] += 1
            self.missed[band] += left > len(pixels) / 2
        self.background += int(background.sum())
        self.hidden += int((covered & background).sum())

    def row(self) -> list[str]:
        """Percent uncovered by band, and percent of the background that is hidden."""
        shares = 100 * self.left / np.maximum(self.all, 1)
        return [*(f"{share:.2f}" for share in shares), f"{100 * self.hidden / max(1, self.background):.1f}"]


def people_of(pair: Pair, label: NDArray[np.uint8]) -> list[Person]:
    """The people in a photo: by the file that tells them apart, or else the connected parts of the label."""
    told = pair.image.parents[1] / "instances" / f"{pair.image.stem}.png"
    if told.is_file():
        numbers = images.read(told).image[..., 0]
        parts = [numbers == n for n in np.unique(numbers) if n not in (0, 255)]
    else:
        count, parts_of = cv2.connectedComponents((label > IGNORE).astype(np.uint8), connectivity=8)
        parts = [part for n in range(1, count) if (part := parts_of == n).sum() >= FEWEST]
    return [(np.ptp(np.flatnonzero(part.any(1)) + 1) / len(label), np.flatnonzero(part.ravel())) for part in parts]


def looked(image: Image, mobile: Segmenter, once: Segmenter, quality: Segmenter) -> dict[str, tuple[float, list[Mask]]]:
    """Every look by its name, with its weight, as SecondOpinion takes them."""
    usual, half, double = looks(mobile, [image], SCALES)
    other, other_half = looks(quality, [image], OTHER_SCALES)
    (first,) = looks(once, [image], ())
    return {"once": first, "usual": usual, "half": half, "double": double, "other": other, "other half": other_half}


def boxes(image: Image) -> NDArray[np.bool_]:
    """What a tool that looks for faces alone would cover."""
    covered = np.zeros(image.shape[:2], bool)
    for face in faces(image):
        left, top, right, bottom = face.box
        more = (0.25 * (right - left), 0.25 * (bottom - top))
        rows = slice(max(0, round(top - more[1])), max(0, round(bottom + more[1])))
        covered[rows, max(0, round(left - more[0])) : max(0, round(right + more[0]))] = True
    return covered


def measured(pairs: list[Pair]) -> dict[str, Tally]:
    """The tally of each way, and of each threshold and margin."""
    mobile, once = Segmenter(threads=1), Segmenter(threads=1, tta=False)
    quality = Segmenter("standout-quality", threads=1)
    tallies: dict[str, Tally] = defaultdict(Tally)
    effect = Anonymize()
    for number, pair in enumerate(pairs):
        image, label = read_pair(pair)
        people, background = people_of(pair, label), label < IGNORE
        taken = looked(image, mobile, once, quality)
        found = {}
        for way, names in WAYS.items():
            found[way] = resize(means([taken[name] for name in names])[0], *label.shape)
            covered = effect.cover(found[way]) > 0
            tallies[way].add(covered, people, background)
        tallies[pair.source].add(covered, people, background)
        for threshold in THRESHOLDS:
            for margin in MARGINS:
                other = Anonymize(threshold=threshold, margin=margin)
                tallies[f"{threshold:g} {margin:g}"].add(other.cover(found[way]) > 0, people, background)
        if not number:  # that the figures are those of the command
            np.testing.assert_allclose(mobile.for_hiding().probability(image), means(
                [taken[name] for name in WAYS[way]])[0], atol=1e-5)  # fmt: skip
        tallies["the mask of `standout cut`"].add(mobile.mask(image) >= 0.5, people, background)
        tallies["boxes of faces"].add(boxes(image), people, background)
        if number % 20 == 0:
            print(f"{number} of {len(pairs)}", tallies[way].row(), file=sys.stderr, flush=True)
    return tallies


def table(head: list[str], rows: list[list[str]]) -> str:
    """A table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main() -> None:
    """Prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path(__file__).parents[2] / "shared" / "people")
    parser.add_argument("--most", type=int, help="photos; for a trial")
    options = parser.parse_args()
    pairs = find_splits(options.data)[1]
    tallies = measured(pairs[: options.most] if options.most else pairs)
    last = list(WAYS)[-1]
    default = tallies[last]
    head = [
        "height of the person, of the photo's",
        "people",
        "% of their pixels uncovered",
        "more than half missed",
    ]
    rows = [
        [band, str(default.people[n]), f"{100 * default.left[n] / max(1, default.all[n]):.2f}", str(default.missed[n])]
        for n, band in enumerate(BANDS)
    ]
    print(table(head, rows))
    print(f"\n{default.row()[-1]} % of the background is hidden as well. In other ways, % left uncovered by height:\n")
    bands = [*BANDS, "% of background hidden"]
    ways = [*WAYS, "the mask of `standout cut`", "boxes of faces"]
    print(table(["way", *bands], [[way, *tallies[way].row()] for way in ways]))
    sources = sorted({pair.source for pair in pairs})
    print("\nBy source, as for photos:\n")
    print(table(["source", *bands], [[source, *tallies[source].row()] for source in sources]))
    print("\nBy threshold and margin, as for photos:\n")
    rows = [
        [f"{threshold:g}", f"{margin:g}", *tallies[f"{threshold:g} {margin:g}"].row()]
        for threshold in THRESHOLDS
        for margin in MARGINS
    ]
    print(table(["threshold", "margin", *bands], rows))


if __name__ == "__main__":
    main()
