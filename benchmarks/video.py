"""Measures frames a second of whole commands, from file to file, and the time that each step takes.

    .venv/bin/python benchmarks/video.py [--seconds 10] [--rounds 3]

The clips are those of known alpha (clips.py), enlarged to 1280x720 and 1920x1080 at 30 frames a second, with a tone, as
H.264. Commands take turns, and their best round counts, start-up included. The second table says what each step costs
by itself on one core, in milliseconds for a frame; in the command, steps run at the same time.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from itertools import islice
from pathlib import Path

import av
import cv2
import numpy as np
from clips import play
from speed import Cost, cost

from standout import video
from standout.effects import compose
from standout.masks.refine import refine
from standout.masks.temporal import TemporalFilter
from standout.segmenter import Segmenter
from standout.support.system import cores

COMMANDS = ("blur", "color", "mask", "blur --model standout-tiny")
SIZES = {"720p": (1280, 720), "1080p": (1920, 1080)}
RATE = 48000


def make(path: Path, size: tuple[int, int], seconds: float) -> int:
    """Writes a clip of that size, (width, height), and returns how many frames it has."""
    with av.open(str(path), "w") as out:
        picture, sound = out.add_stream("libx264", rate=30, options={"crf": "20"}), out.add_stream("aac", rate=RATE)
        picture.width, picture.height = size
        picture.pix_fmt, sound.layout = "yuv420p", "stereo"
        count = 0
        for count, image in enumerate(islice(_frames(), round(30 * seconds)), 1):
            shown = cv2.resize(image, size, interpolation=cv2.INTER_CUBIC)
            out.mux(picture.encode(av.VideoFrame.from_ndarray(np.asarray(shown, np.uint8), format="rgb24")))
            heard = np.sin(np.arange((count - 1) * 1600, count * 1600) * 0.0576) * 3000
            tone = av.AudioFrame.from_ndarray(np.repeat(heard, 2).astype(np.int16)[None], format="s16", layout="stereo")
            tone.sample_rate, tone.pts, tone.time_base = RATE, (count - 1) * 1600, Fraction(1, RATE)
            out.mux(sound.encode(tone))
        out.mux(picture.encode(None))
        out.mux(sound.encode(None))
    return count


def _frames() -> Iterator[np.ndarray]:
    while True:
        for name in ("slow", "wave", "passing"):
            for frame, _ in play(name):
                yield frame.image


def steps(path: Path) -> dict[str, float]:
    """Step -> its milliseconds for a frame, with the steps running one after another."""
    cv2.setNumThreads(1)
    segmenter, steady, spent = Segmenter(threads=1, tta=False), TemporalFilter(), dict[str, float]()

    @contextmanager
    def timed(name: str) -> Iterator[None]:
        began = time.perf_counter()
        yield
        spent[name] = spent.get(name, 0.0) + 1000 * (time.perf_counter() - began)

    count = 0
    with (
        tempfile.TemporaryDirectory() as folder,
        video.open_clip(path) as clip,
        video.Writer(Path(folder) / "out.mp4", clip, video.WriteOptions(threads=1)) as writer,
    ):
        frames = clip.frames()
        while count < 100:
            with timed("decode"):
                frame = next(frames, None)
            if frame is None:
                break
            with timed("network"):
                coarse = segmenter.probability(frame.image)
            with timed("steady"):
                coarse = steady(coarse, frame.image, frame.time)
            with timed("refine"):
                mask = refine(coarse, frame.image)
            with timed("blur"):
                picture = compose.blur(frame.image, mask)
            with timed("encode"):
                writer.add(picture, frame.time)
            count += 1
    return {name: total / count for name, total in spent.items()}


def main() -> None:
    """Prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    standout = str(Path(sys.executable).parent / "standout")
    with tempfile.TemporaryDirectory() as temp:
        clips = {name: Path(temp) / f"{name}.mp4" for name in SIZES}
        counts = {name: make(path, SIZES[name], options.seconds) for name, path in clips.items()}
        out = Path(temp) / "out.mp4"
        rows: dict[tuple[str, str], Cost] = {}
        sizes: dict[tuple[str, str], float] = {}
        for _ in range(options.rounds):
            for name, path in clips.items():
                for effect in COMMANDS:
                    found = cost(
                        [standout, *effect.split(), str(path), "-o", str(out), "--overwrite"], cores=cores(), rounds=1
                    )
                    sizes[name, effect] = out.stat().st_size / path.stat().st_size
                    before = rows.get((name, effect), found)
                    rows[name, effect] = Cost(min(found.seconds, before.seconds), max(found.peak, before.peak))
        profile = {name: steps(path) for name, path in clips.items()}
    print("| clip | command | frames a second | peak MB | size of the result |\n|---|---|---|---|---|")
    for (name, effect), one in rows.items():
        speed = counts[name] / one.seconds
        print(f"| {name} | {effect} | {speed:.1f} | {one.peak:.0f} | {100 * sizes[name, effect]:.0f} % |")
    head = list(next(iter(profile.values())))
    print(f"\n| ms a frame, one core | {' | '.join(head)} | all |\n|---|{'---|' * (len(head) + 1)}")
    for name, spent in profile.items():
        print(f"| {name} | {' | '.join(f'{spent[key]:.1f}' for key in head)} | {sum(spent.values()):.1f} |")


if __name__ == "__main__":
    main()
