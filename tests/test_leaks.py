"""What was opened for a clip or an effect is let go with it: threads, files and memory."""

from __future__ import annotations

import gc
import os
import threading
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from standout.batch.plan import Task
from standout.editing import Edit
from standout.effects import Blur, Replace
from standout.errors import InputError
from standout.live.camera import open_camera
from standout.live.loop import Controls, Live
from standout.types import Image, Mask, Picture
from tests.fakes import LeftHalf, clip_job
from tests.video.drawn import Made, make, picture


@pytest.fixture
def behind(tmp_path: Path) -> Path:
    return make(tmp_path / "behind.mp4", Made([picture(n, 240, 320) for n in range(60)]))


def threads() -> int:
    return sum(one.name.startswith("standout") for one in threading.enumerate())


def handles(path: Path) -> int:
    """How many handles of this file the process holds; 0 where the system does not tell."""
    found, folder = 0, Path("/proc/self/fd")
    for one in folder.iterdir() if folder.is_dir() else ():
        try:
            found += str(one.readlink()) == str(path)
        except OSError:  # the handle that lists the folder
            continue
    return found


def resident() -> int:
    """Bytes of memory in use, of C libraries too; 0 where the system does not tell."""
    statm = Path("/proc/self/statm")
    return int(statm.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") if statm.exists() else 0


def test_a_clip_as_background_is_closed_with_each_clip(tmp_path: Path, behind: Path) -> None:
    source = make(tmp_path / "in.mp4", Made([picture(n) for n in range(3)]))
    work = clip_job(LeftHalf(), Replace(behind), overwrite=True)
    job = Task(source, tmp_path / "out.mp4", Path("in.mp4"), ".mp4")
    for _ in range(3):  # what stays for good: pools, caches
        work(job)
    gc.collect()
    before, used = threads(), resident()
    for _ in range(20):
        work(job)
    gc.collect()
    assert (threads(), before) == (0, 0)
    assert handles(behind) == 0
    assert resident() - used < 40 << 20, "a decoder and its frames that stay are 10 MB a clip at this size"


def test_nothing_stays_open_where_a_clip_fails_on_the_way(tmp_path: Path, behind: Path) -> None:
    source = make(tmp_path / "in.mp4")

    class Fails(LeftHalf):
        count = 0

        def probability(self, image: Image) -> Mask:
            self.count += 1
            if self.count > 4:
                raise RuntimeError("out of luck")
            return super().probability(image)

    class FailsLate(Replace):
        def __call__(self, image: Image, mask: Mask, time: Fraction | int = 0, **how: Any) -> Picture:
            super().__call__(image, mask, time, **how)
            raise RuntimeError("out of luck")

        def on_planes(self, *given: Any, **how: Any) -> Any:
            super().on_planes(*given, **how)
            raise RuntimeError("out of luck")

    job = Task(source, tmp_path / "out.mp4", Path("in.mp4"), ".mp4")
    for work in (
        clip_job(Fails(), Replace(behind)),
        clip_job(LeftHalf(), FailsLate(behind)),
    ):
        with pytest.raises(InputError, match="out of luck"):
            work(job)
        assert threads() == handles(behind) == handles(source) == 0
    assert not job.target.exists()


class Sink:
    """Changes the effect with every picture."""

    def __init__(self, controls: Controls) -> None:
        self.controls = controls

    def show(self, shown: Picture) -> None:
        self.controls.effect = "blur" if self.controls.effect == "replace" else "replace"


def camera() -> Iterator[Image]:
    while True:
        yield np.zeros((48, 64, 3), np.uint8)


def test_a_change_of_effect_closes_the_clip_behind(behind: Path) -> None:
    edits = {"replace": Edit(Replace(behind)), "blur": Edit(Blur())}
    one = Live(lambda: LeftHalf(), edits, 0.0, frames=10)
    controls = Controls("replace")
    one.run(camera(), [Sink(controls)], controls)
    gc.collect()
    used = resident()
    replace(one, frames=50).run(camera(), [Sink(controls)], controls)
    gc.collect()
    assert threads() == handles(behind) == 0
    assert resident() - used < 40 << 20


def test_an_effect_is_closed_once_its_block_is_left(behind: Path) -> None:
    with Replace(behind).begun() as effect:
        effect.look_up(Fraction(0))
        assert threads() == 1
    assert threads() == handles(behind) == 0
    with pytest.raises(InputError, match=r"behind\.mp4 cannot be read further"):
        effect.look_up(Fraction(1))
    with pytest.raises(RuntimeError), Replace(behind).begun() as other:
        other.open()
        raise RuntimeError
    assert threads() == handles(behind) == 0
    with Blur().begun() as plain:
        assert plain(np.zeros((1, 1, 3), np.uint8), np.zeros((1, 1), np.float32)).shape == (1, 1, 3)


def test_a_clip_that_plays_over_and_over_does_not_grow(behind: Path) -> None:
    image, mask = np.zeros((48, 64, 3), np.uint8), np.zeros((48, 64), np.float32)
    with Replace(behind).begun() as effect:
        for second in range(4):
            effect(image, mask, Fraction(second))
        tracemalloc.start()
        try:
            for second in range(4, 40):
                effect(image, mask, Fraction(second))
            grown = tracemalloc.get_traced_memory()[0]
        finally:
            tracemalloc.stop()
        assert grown < 8 << 20
        assert handles(behind) <= 1


def test_a_clip_as_camera_is_closed(behind: Path) -> None:
    frames = open_camera(str(behind))
    next(frames)
    frames.close()
    assert handles(behind) == 0
