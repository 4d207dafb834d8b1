"""Reading clips: what the file tells, and every frame upright, in its colors, at its time."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from standout import video
from standout.video.decode import resampled
from tests.video.drawn import Made, flat, frames, make, picture

COLORS = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255), (0, 0, 0), (128, 128, 128), (200, 30, 90)]
TURNS = [(turn, mirrored) for turn in (0, 90, 180, -90) for mirrored in (False, True)]


def test_what_the_file_says(tmp_path: Path) -> None:
    with video.open_clip(make(tmp_path / "a.mp4", Made(tracks=["aac"]))) as clip:
        assert (clip.height, clip.width, clip.rate, clip.duration, clip.count) == (96, 128, 30, 1, 30)
        assert (clip.pixel_aspect, clip.sound, clip.warnings) == (1, True, [])
        shown = list(clip.frames())
    assert [frame.time for frame in shown] == [Fraction(n, 30) for n in range(30)]
    for number, frame in enumerate(shown):
        assert frame.image.shape == (96, 128, 3)
        assert frame.image.dtype == np.uint8
        assert frame.image.flags.c_contiguous
        assert np.abs(frame.image.astype(int) - picture(number)).mean() < 3


@pytest.mark.parametrize(
    ("name", "codec", "pixels"),
    [
        ("a.mov", "prores_ks", "yuv422p10le"),
        ("a.mkv", "ffv1", "yuv444p"),
        ("a.webm", "libvpx-vp9", "yuv420p"),
        ("a.avi", "mpeg4", "yuv420p"),
        ("a.avi", "mjpeg", "yuvj420p"),
        ("a.mpg", "mpeg2video", "yuv420p"),
        ("a.ts", "libx264", "yuv420p"),
        ("a.m2ts", "libx264", "yuv420p"),
        ("a.3gp", "mpeg4", "yuv420p"),
        ("a.wmv", "wmv2", "yuv420p"),
        ("a.flv", "flv", "yuv420p"),
        ("a.m4v", "libx264", "yuv420p"),
        ("a.mxf", "mpeg2video", "yuv420p"),
    ],
)
def test_kinds_of_files(tmp_path: Path, name: str, codec: str, pixels: str) -> None:
    options = {"qmin": "1", "qmax": "3"} if codec in ("mpeg4", "mjpeg", "mpeg2video", "wmv2", "flv") else {}
    made = Made(
        codec=codec, pixels=pixels, options=options, range=2 if "j" in pixels else 0, matrix=5 if "j" in pixels else 2
    )
    path = make(tmp_path / name, made)
    assert path.suffix in video.READABLE
    shown = frames(path)
    assert len(shown) == 30
    assert np.abs(shown[7].image.astype(int) - picture(7)).mean() < 5
    steps = np.diff([float(frame.time) for frame in shown])
    np.testing.assert_allclose(steps, 1 / 30, atol=0.0011)


@pytest.mark.parametrize(("turn", "mirrored"), TURNS)
def test_frames_come_upright(tmp_path: Path, turn: int, mirrored: bool) -> None:
    plain = make(tmp_path / "plain.mp4", Made(aspect=Fraction(4, 3)))
    turned = make(tmp_path / "turned.mp4", Made(turn=(turn, mirrored, False), aspect=Fraction(4, 3)))
    with av.open(str(turned)) as container:
        said = next(container.decode(video=0)).rotation
    with video.open_clip(turned) as clip:
        shown = next(clip.frames()).image
        size, aspect = (clip.height, clip.width), clip.pixel_aspect
    first = frames(plain)[0].image
    wanted = np.rot90(first, turn // 90)  # counter-clockwise, both
    wanted = wanted[:, ::-1] if mirrored else wanted
    np.testing.assert_array_equal(shown, wanted)
    assert shown.flags.c_contiguous
    assert size == wanted.shape[:2]
    assert aspect == (Fraction(3, 4) if turn in (90, -90) else Fraction(4, 3))
    assert mirrored or said % 360 == turn % 360


@pytest.mark.parametrize("matrix", [1, 5, 6, 9])
@pytest.mark.parametrize("span", [1, 2], ids=["limited", "full"])
def test_tagged_colors(tmp_path: Path, matrix: int, span: int) -> None:
    made = Made([flat(color) for color in COLORS], matrix=matrix, range=span, options={"crf": "1"}, pixels="yuv444p")
    shown = frames(make(tmp_path / "a.mp4", made))
    for frame, color in zip(shown, COLORS, strict=True):
        assert np.abs(frame.image.astype(int) - color).max() <= 3


@pytest.mark.parametrize(("height", "matrix"), [(576, 5), (720, 1)])
def test_untagged_colors_by_height(tmp_path: Path, height: int, matrix: int) -> None:
    made = Made([flat((200, 30, 90), height, 64)], options={"crf": "1"})  # drawn.make follows the same convention
    with video.open_clip(make(tmp_path / "a.mp4", made)) as clip:
        assert clip.colors.matrix == 2
        assert np.abs(next(clip.frames()).image.astype(int) - (200, 30, 90)).max() <= 3


def test_colors_without_yuv(tmp_path: Path) -> None:
    made = Made([picture(0)], codec="libx264rgb", pixels="rgb24", options={"qp": "0"})
    assert np.array_equal(frames(make(tmp_path / "a.mkv", made))[0].image, picture(0))


def test_times_of_a_variable_rate_are_kept(tmp_path: Path) -> None:
    times = [0, 1, 7, 100, 101, 500]
    made = Made([picture(n) for n in range(6)], times=times, base=Fraction(1, 1000))
    for name in ("a.mp4", "a.mkv"):
        assert [frame.time * 1000 for frame in frames(make(tmp_path / name, made))] == times


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts", "a.avi"])
@pytest.mark.parametrize("codec", ["libx264", "mpeg4"])
def test_a_part(tmp_path: Path, name: str, codec: str) -> None:
    many = Made([picture(n) for n in range(90)], codec=codec, options={"g": "25", "bf": "0" if "avi" in name else "2"})
    path = make(tmp_path / name, many)
    whole = frames(path)
    part = frames(path, start=Fraction(2), end=Fraction(5, 2))
    assert len(part) == 15
    for got, wanted in zip(part, whole[60:75], strict=True):
        np.testing.assert_array_equal(got.image, wanted.image)
        assert abs(got.time - (wanted.time - 2)) <= Fraction(1, 1000)
    assert part[0].time == 0


def test_the_frame_on_screen_at_start_comes_first(tmp_path: Path) -> None:
    made = Made([picture(n) for n in range(4)], times=[0, 1000, 1030, 4000], base=Fraction(1, 1000), rate=Fraction(10))
    path = make(tmp_path / "a.mp4", made)
    whole = frames(path)
    part = frames(path, start=Fraction(3))
    assert [frame.time for frame in part] == [0, 1]
    np.testing.assert_array_equal(part[0].image, whole[2].image)
    snapped = frames(path, start=Fraction(999, 1000))  # another frame for a millisecond would be a flash
    assert [frame.time for frame in snapped] == [0, Fraction(31, 1000), Fraction(3001, 1000)]
    assert [frame.time for frame in frames(path, start=Fraction(4))] == [0]
    assert frames(path, start=Fraction(60)) == []
    assert frames(path, start=Fraction(2), end=Fraction(1)) == []


@pytest.mark.parametrize(("rate", "count"), [(60, 60), (30, 30), (15, 15), (10, 10), (Fraction(24000, 1001), 24)])
def test_a_constant_rate(tmp_path: Path, rate: Fraction | int, count: int) -> None:
    path = make(tmp_path / "a.mp4")
    shown = frames(path, rate=Fraction(rate))
    assert [frame.time for frame in shown] == [n / Fraction(rate) for n in range(count)]
    whole = frames(path)
    for frame in shown:
        near = min(whole, key=lambda one: abs(one.time - frame.time))
        assert any(
            np.array_equal(frame.image, one.image) for one in whole if abs(one.time - near.time) <= Fraction(1, 29)
        )


def test_a_constant_rate_holds_a_long_frame() -> None:
    drawn = [(Fraction(0), "a"), (Fraction(2), "b"), (Fraction(21, 10), "c"), (Fraction(3), "d")]
    shown = list(resampled(drawn, Fraction(2), Fraction(1)))  # type: ignore[arg-type]
    assert shown == [(Fraction(n, 2), name) for n, name in enumerate("aaaaccdd")]


def test_two_readers_at_once(tmp_path: Path) -> None:
    with video.open_clip(make(tmp_path / "a.mp4")) as clip:
        pairs = list(zip(clip.frames(), clip.frames(), strict=True))
    assert all(np.array_equal(one.image, other.image) for one, other in pairs)


def test_leaving_the_block_ends_the_readers(tmp_path: Path) -> None:
    with video.open_clip(make(tmp_path / "a.mp4")) as clip:
        shown = clip.frames()
        next(shown)
    assert next(shown, None) is None


def test_one_frame(tmp_path: Path) -> None:
    for name in ("a.mp4", "a.mkv", "a.avi"):
        path = make(tmp_path / name, Made([picture(0)]))
        assert [frame.time for frame in frames(path)] == [0]
        assert len(frames(path, rate=Fraction(30))) == 1


def test_a_change_of_size_on_the_way(tmp_path: Path) -> None:
    parts = [make(tmp_path / f"{n}.ts", Made([picture(0, *size)] * 5)) for n, size in enumerate([(96, 128), (64, 96)])]
    path = tmp_path / "both.ts"
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    assert {frame.image.shape for frame in frames(path)} == {(96, 128, 3)}


def test_hdr_is_told(tmp_path: Path) -> None:
    path = make(tmp_path / "a.mkv", Made(options={"x264-params": "transfer=smpte2084:colormatrix=bt2020nc"}))
    with video.open_clip(path) as clip:
        assert clip.colors.transfer == 16
        assert any("HDR (PQ)" in one for one in clip.warnings)


def test_interlacing_is_told(tmp_path: Path) -> None:
    with video.open_clip(make(tmp_path / "a.mp4", Made(options={"x264-params": "tff=1"}))) as clip:
        assert any("interlaced" in one for one in clip.warnings)
