"""Real clips of people, read and written from start to end."""

import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from standout import video
from tests.video.drawn import copied

FACTS = {
    "walk.mkv": (480, 640, 30, 89),
    "again.mkv": (480, 640, 30, 77),
    "one-by-one-person-detection.mp4": (432, 768, 10, 1394),
}


@pytest.mark.parametrize("name", FACTS)
def test_what_they_say(clips: Path, name: str) -> None:
    height, width, rate, count = FACTS[name]
    with video.open_clip(clips / name) as clip:
        assert (clip.height, clip.width, clip.rate, clip.sound) == (height, width, rate, False)
        assert clip.count is not None
        assert abs(clip.count - count) <= 1
        shown = list(clip.frames(start=clip.duration - 1))  # type: ignore[operator]
        assert abs(len(shown) - rate) <= 1
        assert clip.warnings == []
    assert shown[0].image.std() > 20


def test_a_clip_through_every_container(clips: Path, tmp_path: Path) -> None:
    with video.open_clip(clips / "walk.mkv") as clip:
        before = list(clip.frames(end=Fraction(1, 5)))
    for suffix, container in video.CONTAINERS.items():
        copied(clips / "walk.mkv", tmp_path / f"out{suffix}", end=Fraction(1, 5))
        if container.format:
            with video.open_clip(tmp_path / f"out{suffix}") as clip:
                after = list(clip.frames())
            assert [frame.time for frame in after] == [frame.time for frame in before]
            assert (
                np.mean([np.abs(a.image.astype(int) - b.image).mean() for a, b in zip(after, before, strict=True)]) < 4
            )


def test_the_tables_cost_nothing() -> None:
    code = (
        "import sys; from standout.video import CONTAINERS, READABLE; "
        "sys.exit(any(name in sys.modules for name in ('av', 'numpy', 'cv2')))"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_nothing_is_printed(clips: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    for name, codec in (("a.mp4", "h264"), ("b.mp4", "hevc"), ("c.mp4", "av1"), ("d.webm", "vp9"), ("e.gif", "gif")):
        copied(clips / "walk.mkv", tmp_path / name, codec=codec, end=Fraction(1, 5))
    assert capfd.readouterr() == ("", "")
