"""How often the chosen person stays the chosen one in clips with known people, as Markdown.

    .venv/bin/python benchmarks/track.py [--clips 2] [--model standout-mobile] [--sheets FOLDER]

The clips are those of track_clips.py: people cut from validation photos of ../shared/people walk over photos of nobody.
Each person of each clip is chosen in turn by a point (--at and --at-time of the command line) in the first frame in
which they stand clear of the others and are found, and followed to the end through the whole pipeline: the network's
masks, the temporal filter, the choice. A frame counts where at least VISIBLE of the person's largest area is seen; it
is right where the mask of the chosen person overlaps (IoU) more with the right person than with any other. Frames in
which the person is away are right where nobody is chosen. Takes about a minute a clip on one core.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from track_clips import FPS, HEIGHT, SCENES, SECONDS, WIDTH, play

from standout.editing import People
from standout.editing.follow import Follower
from standout.lengths import Length, Point
from standout.masks.temporal import TemporalFilter
from standout.models.registry import DEFAULT
from standout.segmenter import Segmenter
from standout.support import draw
from standout.types import Bytes, Frame, Mask

PEOPLE = Path(__file__).parents[2] / "shared" / "people"
UNSEEN = 3
"""The first clip of each scene that had no say in the tracker's constants."""

VISIBLE, CLEAR = 0.15, 0.6
"""Shares of a person's largest area: seen at least so much, a frame counts; seen at least so much, and apart from the
others, a person can be chosen."""


@dataclass(frozen=True)
class Clip:
    """Frames, who is where in truth at the size of the network's masks, and those masks, filtered over time."""

    frames: list[Frame]
    truth: NDArray[np.uint8]
    masks: list[Mask]


@dataclass(frozen=True)
class Kept:
    """How one person of a clip was followed.

    seen: frames in which they are seen. right: how many of those are. iou: the mean of the right ones. away: frames in
    which they are not there. empty: how many of those have nobody chosen.
    """

    seen: int
    right: int
    iou: float
    away: int
    empty: int


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--clips", type=int, default=2, help="clips of each scene")
    parser.add_argument("--model", default=DEFAULT)
    parser.add_argument("--sheets", type=Path, help="folder for pictures to look at")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    finder = Segmenter(options.model, threads=1, tta=False)
    rows: dict[str, list[Kept]] = {}
    for name in SCENES:
        for number in range(UNSEEN, UNSEEN + options.clips):
            clip = seen(name, number, finder)
            for person in range(1, int(clip.truth.max()) + 1):
                start = first_clear(clip, person)
                if start is not None:
                    found = followed(clip, person, start)
                    rows.setdefault(name, []).append(kept(clip.truth, found, person, start))
                    if options.sheets:
                        _sheet(clip, found, options.sheets / f"{name.replace(' ', '-')}-{number}-{person}.jpg")
    print(table(rows), cost(), sep="\n\n")


def seen(name: str, number: int, finder: Segmenter) -> Clip:
    """A clip as the network and the temporal filter see it."""
    steady, frames, truth, masks = TemporalFilter(), [], [], []
    for frame, who in play(name, number, PEOPLE):
        mask = steady(finder.probability(frame.image), frame.image, frame.time)
        frames.append(frame)
        masks.append(mask)
        truth.append(cv2.resize(who, mask.shape[::-1], interpolation=cv2.INTER_NEAREST))
    return Clip(frames, np.array(truth, np.uint8), masks)


def first_clear(clip: Clip, person: int) -> int | None:
    """The first frame in which the person is seen and found almost whole, and touches nobody; None where there is none.

    Such a frame is what a user would choose; where the network finds nobody, there is nothing to choose.
    """
    largest = int((clip.truth == person).sum((1, 2)).max())
    for index, who in enumerate(clip.truth):
        own = who == person
        if (own & (clip.masks[index] > 0.5)).sum() < CLEAR * own.sum():
            continue
        about = cv2.dilate(own.astype(np.uint8), np.ones((11, 11), np.uint8)) > 0
        if own.sum() >= CLEAR * largest and not ((who > 0) & ~own & about).any():
            return index
    return None


def followed(clip: Clip, person: int, start: int) -> NDArray[np.float32]:
    """The masks of the person who is chosen by the inmost point of the person in that frame."""
    own = np.pad(((clip.truth[start] == person) & (clip.masks[start] > 0.5)).astype(np.uint8), 1)
    y, x = np.unravel_index(int(np.argmax(cv2.distanceTransform(own, cv2.DIST_L2, 5))), own.shape)
    height, width = clip.truth[start].shape
    at = Point(Length(100 * (float(x) - 0.5) / width, "%"), Length(100 * (float(y) - 0.5) / height, "%"))
    follower = Follower(People(at=(at,), at_time=start / FPS))
    return np.array(
        [follower(mask, one.image, one.time) for mask, one in zip(clip.masks, clip.frames, strict=True)], np.float32
    )


def kept(truth: NDArray[np.uint8], found: NDArray[np.float32], person: int, start: int) -> Kept:
    """How well the person was followed from the frame of the choice on."""
    areas = (truth == person).sum((1, 2))
    seen_, right, away, empty, overlaps = 0, 0, 0, 0, []
    for who, mask, area in zip(truth[start:], found[start:] > 0.5, areas[start:], strict=True):
        if area == 0:
            away += 1
            empty += mask.mean() < 0.002
        elif area >= VISIBLE * areas.max():
            scores = [_iou(mask, who == other) for other in range(1, int(truth.max()) + 1)]
            seen_ += 1
            if max(scores) > 0 and int(np.argmax(scores)) + 1 == person:
                right += 1
                overlaps.append(scores[person - 1])
    return Kept(seen_, right, float(np.mean(overlaps)) if overlaps else 0.0, away, empty)


def _iou(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    return float((one & other).sum() / max(1, (one | other).sum()))


def table(rows: dict[str, list[Kept]]) -> str:
    """A row a scene, and one for all."""
    lines = [
        "| scene | people followed | identity kept, of frames | worst person | IoU where kept | nobody while away |",
        "|---|---|---|---|---|---|",
    ]
    every = [one for some in rows.values() for one in some]
    for name, some in [*rows.items(), ("**all**", every)]:
        away = sum(one.away for one in some)
        cells = [
            name, str(len(some)), f"{100 * sum(one.right for one in some) / sum(one.seen for one in some):.1f} %",
            f"{100 * min(one.right / max(1, one.seen) for one in some):.0f} %",
            f"{np.mean([one.iou for one in some if one.right]):.3f}",
            f"{100 * sum(one.empty for one in some) / away:.0f} %" if away else "",
        ]  # fmt: skip
        lines.append(f"| {' | '.join(cells)} |")
    frames = sum(one.seen for one in every)
    return "\n".join(lines) + f"\n\n{frames:,} frames of {WIDTH}x{HEIGHT}, {FPS} a second, {SECONDS} s a clip."


def cost(rounds: int = 3) -> str:
    """What following costs for frames of 1280x720, with four people in them, on one core."""
    frames = [cv2.resize(frame.image, (1280, 720)) for frame, _ in _first("four cross", FPS * 3)]
    masks = [cv2.resize((who > 0).astype(np.float32), (320, 180), interpolation=cv2.INTER_AREA)
             for _, who in _first("four cross", FPS * 3)]  # fmt: skip
    times = []
    for _ in range(rounds):
        follower = Follower(People("1"))
        for index, (mask, image) in enumerate(zip(masks, frames, strict=True)):
            began = time.process_time()
            follower(np.asarray(mask, np.float32), np.asarray(image, np.uint8), Fraction(index, FPS))
            times.append(time.process_time() - began)
    took = 1000 * float(np.median(times))
    return f"Following costs {took:.1f} ms of one core for a frame of 1280x720 (the median), with four people in it."


def _first(name: str, count: int) -> Iterator[tuple[Frame, Bytes]]:
    for index, one in enumerate(play(name, 0, PEOPLE)):
        if index == count:
            return
        yield one


def _sheet(clip: Clip, found: NDArray[np.float32], file: Path) -> None:
    """Ten frames, with the mask of the chosen person in green."""
    tiles = []
    for index in range(0, len(clip.frames), len(clip.frames) // 10):
        image = np.array(clip.frames[index].image, np.uint8)
        own = cv2.resize(np.asarray(found[index], np.float32), (WIDTH, HEIGHT)) > 0.5
        image[own] = (0.5 * image[own] + 0.5 * np.array(draw.GREEN)).astype(np.uint8)
        tiles.append(np.asarray(cv2.resize(image, (WIDTH // 2, HEIGHT // 2)), np.uint8))
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(draw.jpeg(draw.mosaic(tiles, columns=5)))


if __name__ == "__main__":
    main()
