"""What it brings to carry masks through frames that can be followed, and what it costs, as Markdown.

    .venv/bin/python benchmarks/carried.py [--model standout-mobile] [--fps 30] [--sport]

Three ways to make the small masks of the clips of clips.py, whose truth is known: the network sees every frame in the
letterbox of photos; it sees every frame in the trimmed letterbox; masks are carried to frames that can be followed, as
users get clips. Masks are refined before they are scored, by the measures of flicker.py. Times are of one core, network
and temporal filter together, a frame; the ways take turns, frame by frame.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from statistics import mean

import clips
import cv2
from flicker import Clip, Scores, score

from standout.masks.full_size import full_size
from standout.masks.temporal import TemporalFilter
from standout.models.registry import DEFAULT
from standout.segmenter import Segmenter
from standout.types import Frame, Mask


class Way:
    """One way to make masks, and what it took so far. seen: frames that the network saw."""

    def __init__(self, name: str, finder: Segmenter, *, carries: bool) -> None:
        self.name, self.masks, self.seen, self.seconds = name, list[Mask](), 0, 0.0
        self._finder, self._carries, self._steady = finder, carries, TemporalFilter()

    def __call__(self, frame: Frame) -> None:
        """Makes the mask of the next frame."""
        began = time.process_time()
        mask = self._steady.carried(frame.image, frame.time) if self._carries else None
        if mask is None:
            self.seen += 1
            mask = self._steady(self._finder.probability(frame.image), frame.image, frame.time)
        self.seconds += time.process_time() - began
        self.masks.append(mask)


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--model", default=DEFAULT)
    parser.add_argument("--fps", type=int, default=clips.FPS)
    parser.add_argument("--sport", action="store_true", help="clips of sport and dance instead of the calm ones")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    whole, trimmed = (Segmenter(options.model, threads=1, tta=False, trim=trim) for trim in (False, True))
    rows: dict[str, list[tuple[str, Scores, float, float]]] = {}
    for name in clips.SPORT if options.sport else clips.CALM:
        ways = [
            Way("every frame, letterbox of photos", whole, carries=False),
            Way("every frame", trimmed, carries=False),
            Way("carried", trimmed, carries=True),
        ]
        played = list(clips.play(name, fps=options.fps))
        for frame, _ in played:
            for way in ways:
                way(frame)
        clip = Clip(name, [frame for frame, _ in played], [truth for _, truth in played], {})
        for way in ways:
            full = [full_size(mask, frame.image) for mask, frame in zip(way.masks, clip.frames, strict=True)]
            share, took = way.seen / len(played), 1000 * way.seconds / len(played)
            rows.setdefault(way.name, []).append((name, score(clip, full), share, took))
    print(table(rows))


def table(rows: dict[str, list[tuple[str, Scores, float, float]]]) -> str:
    """A row a clip and way, and the means over all clips."""
    lines = [
        "| clip | masks | frames seen % | Dice | ghost % | dtSSD | flicker | ms a frame |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for number, (name, *_) in enumerate(next(iter(rows.values()))):
        lines += [line(name, way, [found[number]]) for way, found in rows.items()]
    return "\n".join([*lines, *(line("**all**", way, found) for way, found in rows.items())])


def line(name: str, way: str, found: list[tuple[str, Scores, float, float]]) -> str:
    """The means of these results as a row."""

    def of(get: Callable[[Scores], float | None], digits: int) -> str:
        known = [value for _, one, *_ in found if (value := get(one)) is not None]
        return f"{mean(known):.{digits}f}" if known else ""

    share, took = mean(one[2] for one in found), mean(one[3] for one in found)
    cells = [
        of(lambda one: one.dice, 4), of(lambda one: one.ghost, 2), of(lambda one: one.dtssd, 2),
        of(lambda one: one.flicker, 3),
    ]  # fmt: skip
    return f"| {name} | {way} | {100 * share:.0f} | {' | '.join(cells)} | {took:.1f} |"


if __name__ == "__main__":
    main()
