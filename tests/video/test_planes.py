"""Frames in YUV against the same frames in RGB."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

from standout import video
from standout.errors import InputError
from standout.types import Planes
from standout.video.color import FULL, LIMITED, Colors
from standout.video.planes import PlanarSize, planes_of, small_picture, to_frame, to_rgb
from standout.video.turn import Turn
from tests.video.drawn import Made, flat, make

SIZE = (96, 128)


def whole(planes: Planes) -> np.ndarray:
    parts = [planes.y, *(cv2.resize(plane, planes.y.shape[::-1]) for plane in (planes.u, planes.v))]
    return cv2.transform(cv2.merge(parts), planes.to_rgb)


@pytest.mark.parametrize("pixels", ["yuv420p", "yuv444p", "yuv420p10le", "yuvj420p"])
@pytest.mark.parametrize("matrix", [1, 6, 9])
def test_planes_mean_the_same_colors_as_rgb(tmp_path: Path, pixels: str, matrix: int) -> None:
    known = FULL if pixels.startswith("yuvj") else LIMITED
    colors = [(200, 40, 40), (30, 160, 60), (40, 60, 210), (255, 255, 255), (0, 0, 0)]
    pictures = [flat(color) for color in colors]
    codec = "mjpeg" if pixels.startswith("yuvj") else "libx264"
    path = make(tmp_path / "in.mkv", Made(pictures, pixels=pixels, matrix=matrix, range=known, codec=codec))
    with video.open_clip(path) as clip:
        assert video.has_planes(clip, SIZE)
        for frame, planar in zip(clip.frames(), clip.planar_frames(PlanarSize(SIZE, 640)), strict=True):
            assert planar.time == frame.time
            assert np.abs(whole(planar.planes).astype(int) - frame.image).max() <= 3
            assert np.abs(planar.image.astype(int) - frame.image).max() <= 3


@pytest.mark.parametrize("turn", [(90.0, False, False), (180.0, False, False), (270.0, True, False)])
def test_planes_are_upright(tmp_path: Path, turn: tuple[float, bool, bool]) -> None:
    path = make(tmp_path / "in.mp4", Made(turn=turn))
    with video.open_clip(path) as clip:
        frame = next(clip.frames())
        planar = next(clip.planar_frames(PlanarSize((clip.height, clip.width), 640)))
    assert planar.planes.y.shape == frame.image.shape[:2]
    assert np.abs(whole(planar.planes).astype(int) - frame.image).mean() < 3


def test_planes_come_at_the_size_that_is_asked_for(clip: Path) -> None:
    with video.open_clip(clip) as opened:
        frame = next(opened.frames())
        planar = next(opened.planar_frames(PlanarSize((48, 64), 640)))
    assert (planar.planes.y.shape, planar.planes.u.shape) == ((48, 64), (24, 32))
    expected = cv2.resize(frame.image, (64, 48), interpolation=cv2.INTER_AREA)
    assert np.abs(whole(planar.planes).astype(int) - expected).mean() < 4


def test_small_pictures_are_bounded() -> None:
    planes = Planes(*(np.full(size, 128, np.uint8) for size in ((2160, 3840), (1080, 1920), (1080, 1920))),
                    to_rgb(Colors(1, FULL)))  # fmt: skip
    small = small_picture(planes, 960)
    assert small.shape == (540, 960, 3)
    assert np.abs(small.astype(int) - 128).max() <= 1


@pytest.mark.parametrize("size", [(95, 128), (96, 127)])
def test_clips_of_odd_sides_have_no_planes(clip: Path, size: tuple[int, int]) -> None:
    with video.open_clip(clip) as opened:
        assert not video.has_planes(opened, size)


def test_planes_come_back_from_a_frame_as_they_were() -> None:
    rng = np.random.default_rng(5)
    colors = Colors(1, LIMITED)
    planes = Planes(*(rng.integers(16, 236, size, np.uint8) for size in (SIZE, (48, 64), (48, 64))), to_rgb(colors))
    frame = to_frame(planes, "yuv420p", colors)
    again = planes_of(frame, colors, SIZE, Turn())
    for plane, other in zip((planes.y, planes.u, planes.v), (again.y, again.u, again.v), strict=True):
        np.testing.assert_array_equal(plane, other)
    alpha = rng.integers(0, 256, SIZE, np.uint8)
    seen = to_frame(replace(planes, alpha=alpha), "yuva420p", colors)
    np.testing.assert_array_equal(np.frombuffer(seen.planes[3], np.uint8).reshape(SIZE[0], -1)[:, : SIZE[1]], alpha)


def test_a_writer_of_other_pictures_takes_no_planes(clip: Path, tmp_path: Path) -> None:
    planes = Planes(*(np.full(size, 128, np.uint8) for size in (SIZE, (48, 64), (48, 64))), to_rgb(Colors(6, LIMITED)))
    with video.open_clip(clip) as opened:
        for name, takes in (("a.mp4", True), ("a.gif", False), ("a.webm", True)):
            writer = video.Writer(tmp_path / name, opened)
            assert writer.takes_planes is takes
            with writer:
                if takes:
                    writer.add(planes, Fraction(0))
                else:
                    with pytest.raises(InputError, match="wanted an array"):
                        writer.add(planes, Fraction(0))
                    writer.add(np.zeros((*SIZE, 3), np.uint8), Fraction(0))
