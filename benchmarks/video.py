"""Measures frames a second of whole commands, from file to file, and the time that each step takes.

    .venv/bin/python benchmarks/video.py [--seconds 10] [--rounds 3]
    .venv/bin/python benchmarks/video.py --before ../another-checkout/src    # and ratios to that version, in turns

The clips are those of known alpha (clips.py), enlarged to 1280x720 and 1920x1080 at 30 frames a second, with a tone, as
H.264. Commands take turns, and their best round counts, start-up included. The second table says what each step costs
by itself, as processor time of one core in milliseconds for a frame; in the command, steps run at the same time.
"""

from __future__ import annotations

import argparse
import shutil
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
from standout.editing import Edit
from standout.effects import Blur
from standout.masks.temporal import TemporalFilter
from standout.segmenter import Segmenter, side_seen_by
from standout.support.system import cores

COMMANDS = ("blur", "color", "replace", "mask", "blur --every-frame", "blur --model standout-tiny")
CUTS = (("cut", ".webm"), ("cut", ".mov"))
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


def steps(path: Path, count: int = 100) -> dict[str, float]:
    """Step -> its milliseconds for a frame, with the steps running one after another, each on one core."""
    cv2.setNumThreads(1)
    segmenter, steady, spent = Segmenter(threads=1, tta=False, trim=True), TemporalFilter(), dict[str, float]()
    edit = Edit(Blur())

    @contextmanager
    def timed(name: str) -> Iterator[None]:
        began = time.process_time()
        yield
        spent[name] = spent.get(name, 0.0) + 1000 * (time.process_time() - began)

    seen = 0
    with (
        tempfile.TemporaryDirectory() as folder,
        video.open_clip(path) as clip,
        video.Writer(Path(folder) / "out.mp4", clip, video.WriteOptions(threads=1)) as writer,
    ):
        frames = clip.planar_frames(video.PlanarSize((clip.height, clip.width), side_seen_by(segmenter)))
        for _ in range(count):
            with timed("decode"):
                frame = next(frames)
            with timed("carry, or"):
                coarse = steady.carried(frame.image, frame.time)
            if coarse is None:
                seen += 1
                with timed("network"):
                    raw = segmenter.probability(frame.image)
                with timed("and filter"):
                    coarse = steady(raw, frame.image, frame.time)
            with timed("refine"):
                mask = edit.mask_of_planes(coarse, frame)
            with timed("blur"):
                picture = edit.effect.on_planes(frame, mask)
            with timed("encode"):
                writer.add(picture, frame.time)
    return {name: total / count for name, total in spent.items()} | {"frames that the network saw": 100 * seen / count}


class Measured:
    """The best of the rounds of each clip and command, of this version and of the one before."""

    def __init__(self, before: Path | None) -> None:
        self._sides = [None, *([before] if before else [])]
        self.costs: dict[tuple[str, str, Path | None], Cost] = {}
        self.sizes: dict[tuple[str, str], float] = {}

    def round(self, name: str, path: Path, command: str, suffix: str) -> None:
        """Runs the command on the clip, with each version."""
        out = path.with_name("out" + suffix)
        for side in self._sides:
            if side is not None and "--every-frame" in command:
                continue  # the version before has no such option, and shows the network every frame
            places = [] if side is None else [str(shutil.which("env")), f"PYTHONPATH={side}"]
            behind = ["-b", str(path.with_name("behind.png"))] if command.startswith("replace") else []
            line = [*places, sys.executable, "-m", "standout", *command.split(), str(path), *behind]
            found = cost(
                [*line, "-o", str(out), "--overwrite"], cores=cores(), rounds=1, bytecode=path.with_name("bytecode")
            )
            key = name, f"{command} {suffix}" if suffix != ".mp4" else command, side
            if side is None:
                self.sizes[key[:2]] = out.stat().st_size / path.stat().st_size
            old = self.costs.get(key, found)
            self.costs[key] = Cost(min(found.seconds, old.seconds), max(found.peak, old.peak))

    def rows(self, counts: dict[str, int]) -> Iterator[str]:
        """The lines of the table. counts: frames of each clip."""
        before = self._sides[-1]
        told = "| before | times as fast " if before else ""
        yield f"| clip | command | frames a second {told}| peak MB | size of the result |"
        yield f"|---|---|---{'|---|---' if before else ''}|---|---|"
        for (name, command), size in self.sizes.items():
            now, old = self.costs[name, command, None], self.costs.get((name, command, before)) if before else None
            ratio = f" {counts[name] / old.seconds:.1f} | {old.seconds / now.seconds:.2f} |" if old else " | |"
            speed = f"{counts[name] / now.seconds:.1f} |{ratio if before else ''}"
            yield f"| {name} | {command} | {speed} {now.peak:.0f} | {100 * size:.0f} % |"


def main() -> None:
    """Prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--before", type=Path, help="The folder src of another version, to compare with.")
    options = parser.parse_args()
    measured = Measured(options.before)
    with tempfile.TemporaryDirectory() as temp:
        clips = {name: Path(temp) / f"{name}.mp4" for name in SIZES}
        counts = {name: make(path, SIZES[name], options.seconds) for name, path in clips.items()}
        cv2.imwrite(str(Path(temp) / "behind.png"), np.tile(np.arange(256, dtype=np.uint8)[:, None, None], (1, 400, 3)))
        for _ in range(options.rounds):
            for name, path in clips.items():
                for command, suffix in (*((one, ".mp4") for one in COMMANDS), *CUTS):
                    measured.round(name, path, command, suffix)
        profile = {name: steps(path) for name, path in clips.items()}
    print("\n".join(measured.rows(counts)))
    head = list(next(iter(profile.values())))
    print(f"\n| ms a frame, one core | {' | '.join(head[:-1])} | all | {head[-1]} |\n|---|{'---|' * (len(head) + 1)}")
    for name, spent in profile.items():
        parts = [spent[key] for key in head[:-1]]
        told = " | ".join(f"{part:.1f}" for part in parts)
        print(f"| {name} | {told} | {sum(parts):.1f} | {spent[head[-1]]:.0f} % |")


if __name__ == "__main__":
    main()
