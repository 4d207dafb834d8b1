"""Measures how alike the heads of validation portraits are, before and after --preset portrait, as a Markdown table.

    .venv/bin/python benchmarks/heads.py        # about four minutes; needs standout[idphoto] and ../shared/people

Every photo with one face of at least 60 pixels counts, whose crown is in the frame. Before: each photo fitted into the
preset's canvas. After: the result of the preset, where it asks the face model, and where it has the mask's shape alone.
The head of every picture is measured anew, in the picture itself, by the face model and the picture's own mask.
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Iterator
from pathlib import Path

from standout import images
from standout.editing import Edit, Placement, frame, heads
from standout.faces import faces
from standout.segmenter import Segmenter
from standout.types import Mask, Photo, Picture

PEOPLE = Path(__file__).parents[1].parent / "shared" / "people" / "val" / "images"
SOURCES = ("eg1800", "picsart")
LEAST = 60
"""Of a face, in pixels of the photo: the measure of a smaller one would scatter more than the heads."""

Measures = dict[str, list[tuple[float, float]]]
"""Way -> (head height, eye line) of each picture, in percent of its height."""


def portraits(segmenter: Segmenter) -> Iterator[tuple[Photo, Mask]]:
    """The photos that count, with their masks."""
    for path in sorted(one for source in SOURCES for one in PEOPLE.glob(f"{source}_*")):
        photo = images.read(path)
        found = faces(photo.image)
        if len(found) == 1 and found[0].height >= LEAST:
            mask = Edit().mask(segmenter.probability(photo.image), photo.image)
            if heads.crown(mask, found[0]) > 2:
                yield photo, mask


def measured(picture: Picture, mask: Mask) -> tuple[float, float] | None:
    """Head height and eye line in percent of the picture's height; None where no face is found in it."""
    found = faces(picture)
    if not found:
        return None
    head = heads.by_face(mask, found[0])
    return 100 * head.height / len(picture), 100 * head.eyes / len(picture)


def ways(photo: Photo, mask: Mask) -> Iterator[tuple[str, tuple[float, float] | None]]:
    """Each way's picture of the photo, measured."""
    full = Placement(preset="portrait").full
    assert full.canvas is not None and full.head is not None and full.eyes is not None
    tall, wide = full.canvas.height, full.canvas.width
    views = {
        "as they are, fitted into the canvas": frame.covering(mask.shape, full.canvas),
        "`--preset portrait`": full.view(photo.image, mask),
        "`--preset portrait` without the face model": heads.view(
            heads.by_shape(mask), mask.shape, (tall, wide), height=full.head.pixels(tall), eyes=full.eyes.pixels(tall)
        ),
    }
    for name, view in views.items():
        assert view is not None
        shown = view.placed(photo.image, mask)
        yield name, measured(shown.image, shown.mask)


def main() -> int:
    """The exit code."""
    found: Measures = {}
    for photo, mask in portraits(Segmenter("standout-mobile")):
        for name, value in ways(photo, mask):
            if value is not None:
                found.setdefault(name, []).append(value)
    print("| portraits | photos | head height, % of the picture | its spread | eye line, % from the top | its spread |")
    print("|---|---|---|---|---|---|")
    for name, values in found.items():
        cells = []
        for column in zip(*values, strict=True):
            low, middle, high = (
                statistics.quantiles(column, n=20)[0],
                statistics.median(column),
                statistics.quantiles(column, n=20)[-1],
            )
            cells += [f"{middle:.0f} ({low:.0f} to {high:.0f})", f"{statistics.pstdev(column):.1f}"]
        print(f"| {name} | {len(values)} | {' | '.join(cells)} |")
    print("\nMedian, and 5th to 95th percentile; spread: standard deviation, in percent of the picture's height.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
