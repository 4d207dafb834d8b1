"""How much the masks of clips flicker, and what the temporal filter makes of it, as Markdown.

    .venv/bin/python benchmarks/flicker.py [--clips ../shared/clips] [--model standout-tiny] [--sheets FOLDER]
    .venv/bin/python benchmarks/flicker.py --sport [--model FILE]    # people in fast motion and upside down

Each frame goes through the model by itself, without and with test-time augmentation (TTA), then through the temporal
filter at the network's own size, then perhaps through refine. The clips of clips.py have a known truth. With --sport,
they are those of sport and dance: fast limbs, people upside down, a camera that follows, little light and compression;
this takes about two minutes. The clips of --clips (the first SECONDS of each) have no truth, and only flicker, which
needs none, is measured on them. The clip of nobody counts in its own column alone. --sheets writes pictures to look
at: the frame, the truth, the mask without and with the default filter, and what the filter did.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from statistics import mean, median

import av
import clips
import cv2
import numpy as np
from numpy.typing import NDArray

import standout
from standout import metrics
from standout.masks.full_size import full_size
from standout.masks.letterbox import resize
from standout.masks.temporal import HALF_LIFE, TemporalFilter
from standout.models.registry import DEFAULT
from standout.support import draw
from standout.types import Frame, Mask

SECONDS = 10
BEHIND, AWAY = 5, 4.0
"""A ghost is looked for where a person was up to so many frames before, so many pixels away from where one is."""

LOOKS = {1: "no", 2: "yes"}


@dataclass(frozen=True)
class Clip:
    """Frames, their truth if known, and the network's small masks by number of looks."""

    name: str
    frames: list[Frame]
    truth: list[Mask] | None
    found: dict[int, list[Mask]]


@dataclass(frozen=True)
class Scores:
    """Of a clip, in percent but for Dice; None where nothing is there to measure."""

    flicker: float
    dtssd: float | None = None
    mad: float | None = None
    dice: float | None = None
    ghost: float | None = None


Table = dict[tuple[int, bool, float], dict[str, Scores]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--clips", type=Path, help="folder of more clips, without truth")
    parser.add_argument("--sport", action="store_true", help="clips of sport and dance instead of the calm ones")
    parser.add_argument("--model", default=DEFAULT)
    parser.add_argument("--half-lives", type=float, nargs="+", default=[0, 0.1, HALF_LIFE, 0.4])
    parser.add_argument("--sheets", type=Path, help="folder for pictures to look at")
    options = parser.parse_args()
    table: Table = {}
    for clip in _clips(clips.SPORT if options.sport else clips.CALM, options.clips, options.model):
        for looks in LOOKS:
            for half_life in options.half_lives:
                small = steadied(clip, looks, half_life)
                for refined in (False, True):
                    scores = table.setdefault((looks, refined, half_life), {})
                    scores[clip.name] = score(clip, _full(clip, small, refined=refined))
        if options.sheets:
            sheet(clip, options.sheets)
    print(summary(table), details(table), cost(), sep="\n\n")


def _clips(composed: Iterable[str], folder: Path | None, model: str) -> Iterator[Clip]:
    """The composed clips of these names, and those in the folder."""
    finds = {looks: standout.Segmenter(model, tta=looks == 2) for looks in LOOKS}

    def found(frames: list[Frame]) -> dict[int, list[Mask]]:
        return {looks: [one.probability(frame.image) for frame in frames] for looks, one in finds.items()}

    for name in composed:
        played = list(clips.play(name))
        frames, truth = [frame for frame, _ in played], [alpha for _, alpha in played]
        yield Clip(name, frames, truth, found(frames))
    for path in sorted(folder.iterdir()) if folder else []:
        frames = list(_read(path))
        yield Clip(path.stem, frames, None, found(frames))


def _read(path: Path) -> Iterator[Frame]:
    """The clip's first frames; their times as the file has them."""
    with av.open(str(path)) as file:
        for frame in file.decode(video=0):
            at = Fraction((frame.pts or 0) * (frame.time_base or Fraction(0)))
            if at >= SECONDS:
                return
            yield Frame(np.asarray(frame.to_ndarray(format="rgb24"), np.uint8), at)


def steadied(clip: Clip, looks: int, half_life: float) -> list[Mask]:
    """The clip's small masks through the temporal filter."""
    steady = TemporalFilter(half_life)
    return [steady(mask, frame.image, frame.time) for mask, frame in zip(clip.found[looks], clip.frames, strict=True)]


def _full(clip: Clip, small: Iterable[Mask], *, refined: bool) -> list[Mask]:
    """The masks at the frames' size."""
    pairs = zip(small, clip.frames, strict=True)
    return [full_size(mask, frame.image, refined=refined) for mask, frame in pairs]


def score(clip: Clip, found: list[Mask]) -> Scores:
    """All measures of masks at the frames' size."""
    flicker = metrics.flicker(clip.frames, found)
    if clip.truth is None:
        return Scores(flicker)
    pairs = list(zip(found, clip.truth, strict=True))
    there = any((truth > 0.5).any() for truth in clip.truth)
    return Scores(
        flicker,
        metrics.dtssd(found, clip.truth),
        100 * mean(metrics.mad(mask, truth) for mask, truth in pairs),
        mean(metrics.dice(mask > 0.5, truth > 0.5) for mask, truth in pairs) if there else None,
        ghost(found, clip.truth) if there else None,
    )


def ghost(found: list[Mask], truth: list[Mask]) -> float:
    """Mean alpha, in percent, where nobody is any more: where someone was up to BEHIND frames before.

    Pixels within AWAY of a person are left out: there, the network's own soft edge is all one would measure.
    """
    total = count = 0.0
    for number in range(1, len(truth)):
        was = np.max(truth[max(0, number - BEHIND) : number], axis=0) > 0.5
        clear = (truth[number] < 1 / 255).astype(np.uint8)
        left = was & (np.asarray(cv2.distanceTransform(clear, cv2.DIST_L2, 3)) > AWAY)
        total += float(found[number][left].sum(dtype=np.float64))
        count += float(left.sum())
    return 100 * total / max(1.0, count)


def _mean(scores: Iterable[Scores], name: str) -> float:
    """The mean of a measure over the clips that have it."""
    values = [value for one in scores if (value := getattr(one, name)) is not None]
    return mean(values) if values else float("nan")


def summary(table: Table) -> str:
    """A row a way to make masks: means over clips with people, the MAD of nobody, the flicker of unknown clips.

    Bold: as users get clips.
    """
    head = ["TTA", "refined", "half-life s", "dtSSD", "MAD %", "Dice", "ghost %", "flicker"]
    empty = [name for name in next(iter(table.values())) if name == "nobody"]
    unknown = [name for name, one in next(iter(table.values())).items() if one.dtssd is None]
    head += [f"{name}: MAD %" for name in empty] + [f"flicker: {name.split('-')[0]}" for name in unknown]
    lines = [head]
    for (looks, refined, half_life), scores in sorted(table.items()):
        users = (looks, refined, half_life) == (1, True, HALF_LIFE)
        known = [one for name, one in scores.items() if one.dtssd is not None and name != "nobody"]
        means = [f"{_mean(known, name):.{digits}f}" for name, digits in
                 (("dtssd", 2), ("mad", 2), ("dice", 4), ("ghost", 2), ("flicker", 2))]  # fmt: skip
        rest = [f"{_mean([scores[name]], 'mad'):.2f}" for name in empty]
        rest += [f"{scores[name].flicker:.2f}" for name in unknown]
        way = [LOOKS[looks], "yes" if refined else "no", f"{half_life:g}" if half_life else "off"]
        lines.append([*(f"**{cell}**" if users else cell for cell in way), *means, *rest])
    return _markdown(lines)


def details(table: Table) -> str:
    """A row a clip: without -> with the filter at its default half-life, without TTA, refined, as users get clips."""
    off, on = table.get((1, True, 0)), table.get((1, True, HALF_LIFE))
    if off is None or on is None:
        return ""
    lines = [["clip", "dtSSD", "MAD %", "Dice", "ghost %", "flicker"]]
    for name in off:
        pairs = [
            (getattr(off[name], key), getattr(on[name], key)) for key in ("dtssd", "mad", "dice", "ghost", "flicker")
        ]
        cells = ["" if was is None else f"{was:.3f} -> {now:.3f}" for was, now in pairs]
        lines.append([name, *cells])
    return _markdown(lines)


def _markdown(lines: list[list[str]]) -> str:
    head, *rest = ("| " + " | ".join(cells) + " |" for cells in lines)
    return "\n".join([head, "|" + "---|" * len(lines[0]), *rest])


def cost() -> str:
    """What the temporal filter takes, on one core, for frames of 1280x720: a median over moving noise."""
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    rng = np.random.default_rng(0)
    wide = cv2.resize(rng.integers(0, 255, (72, 150, 3), np.uint8), (1500, 720), interpolation=cv2.INTER_CUBIC)
    lines = [["mask", "ms a frame of 1280x720"]]
    for height, width in ((160, 256), (180, 320), (720, 1280)):
        steady, took = TemporalFilter(), []
        for number in range(60):
            image = np.array(wide[:, 3 * number : 3 * number + 1280], np.uint8)
            mask = rng.random((height, width), np.float32)
            began = time.perf_counter()
            steady(mask, image, Fraction(number, 30))
            took.append(1000 * (time.perf_counter() - began))
        lines.append([f"{width}x{height}", f"{median(took):.1f}"])
    cv2.setNumThreads(threads)
    return _markdown(lines)


def sheet(clip: Clip, folder: Path, *, rows: int = 10) -> None:
    """Writes sheets of rows of frames: picture, truth, mask, steady mask, difference (red: more, green: less)."""
    folder.mkdir(parents=True, exist_ok=True)
    found, steady = clip.found[2], steadied(clip, 2, HALF_LIFE)
    size = clip.frames[0].image.shape[0] * 320 // clip.frames[0].image.shape[1], 320
    strips = []
    for number in range(len(found)):
        planes = [*([clip.truth[number]] if clip.truth else []), found[number], steady[number]]
        tiles = [resize(clip.frames[number].image, *size), *(_grey(plane, size) for plane in planes)]
        apart = resize(steady[number] - found[number], *size)[..., None] * np.array([255, -255, 0], np.float32)
        tiles.append(np.clip(128 + apart, 0, 255).astype(np.uint8))
        strips.append(np.hstack(tiles))
    for first in range(0, len(strips), rows):
        picture = np.vstack(strips[first : first + rows])
        (folder / f"{clip.name}-{first:03}.jpg").write_bytes(draw.jpeg(picture))


def _grey(mask: Mask, size: tuple[int, int]) -> NDArray[np.uint8]:
    level = np.rint(255 * np.clip(resize(mask, *size), 0, 1)).astype(np.uint8)
    return np.repeat(level[..., None], 3, axis=2)


if __name__ == "__main__":
    main()
