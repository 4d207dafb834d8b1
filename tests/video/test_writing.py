"""Writing clips: frames, times, colors and shapes come back as they were given."""

import os
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from standout import video
from standout.errors import OutputError
from standout.video import WriteOptions
from standout.video.turn import Turn
from tests.video.drawn import Made, copied, flat, frame_times, make, names, picture, read, see_through

MUXED = {suffix: one for suffix, one in video.CONTAINERS.items() if one.format}
OPAQUE = [(suffix, codec) for suffix, one in MUXED.items() for codec in one.codecs]
ALPHA = [suffix for suffix, one in MUXED.items() if one.alpha]
COLORS = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255), (0, 0, 0), (128, 128, 128), (200, 30, 90)]


@pytest.mark.parametrize(("suffix", "codec"), OPAQUE)
def test_frames_count_and_length_are_kept(tmp_path: Path, clip: Path, suffix: str, codec: str) -> None:
    assert copied(clip, tmp_path / f"out{suffix}", codec=codec) == []
    there, images = read(tmp_path / f"out{suffix}")
    assert len(images) == 30
    assert (there.height, there.width, there.pixel_aspect) == (96, 128, 1)
    assert abs(there.rate - 30) < Fraction(1, 100)
    assert there.duration is not None
    assert abs(there.duration - 1) <= Fraction(1, 500)
    for number in (0, 7, 29):
        assert np.abs(images[number].astype(int) - picture(number)).mean() < 4
    with av.open(str(tmp_path / f"out{suffix}")) as out:
        assert out.streams.video[0].codec_context.codec.canonical_name == codec


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="other systems do not tell")
@pytest.mark.parametrize("codec", ["h264", "hevc", "av1", "vp9"])
def test_no_codec_makes_threads_real_time_ones(tmp_path: Path, codec: str) -> None:
    """Real-time threads that wait for one another in busy loops would stop the whole machine."""
    with video.open_clip(make(tmp_path / "in.mp4", Made([picture(n) for n in range(4)]))) as source:
        writer = video.Writer(tmp_path / "out.mkv", source, WriteOptions(height=96, width=128, codec=codec, threads=2))
        with writer:
            for frame in source.frames():
                writer.add(frame.image, frame.time)
            threads = [int(one.name) for one in Path("/proc/self/task").iterdir()]
            policies = {os.sched_getscheduler(thread) for thread in threads}
    assert policies | {os.sched_getscheduler(0)} == {os.SCHED_OTHER}


@pytest.mark.parametrize("suffix", MUXED)
def test_times_of_a_variable_rate_are_kept(tmp_path: Path, suffix: str) -> None:
    times = [0, 1, 7, 100, 101, 500, 2000]
    source = make(tmp_path / "in.mp4", Made([picture(n) for n in range(7)], times=times, base=Fraction(1, 1000)))
    copied(source, tmp_path / f"out{suffix}")
    assert [time * 1000 for time in frame_times(tmp_path / f"out{suffix}")] == times


@pytest.mark.parametrize(
    ("base", "step"), [(Fraction(1, 90000), 3003), (Fraction(1, 30000), 1001), (Fraction(1, 12800), 512)]
)
def test_times_are_exact_where_the_container_can(tmp_path: Path, base: Fraction, step: int) -> None:
    times = [step * n for n in range(30)]
    source = make(tmp_path / "in.mp4", Made(times=times, base=base, rate=1 / (base * step)))
    for suffix in (".mp4", ".mov"):
        copied(source, tmp_path / f"out{suffix}")
        assert frame_times(tmp_path / f"out{suffix}") == [time * base for time in times]


def test_a_constant_rate(tmp_path: Path, clip: Path) -> None:
    rate = Fraction(24000, 1001)
    copied(clip, tmp_path / "out.mp4", rate=rate)
    there, _ = read(tmp_path / "out.mp4")
    assert there.rate == rate
    assert frame_times(tmp_path / "out.mp4") == [n / rate for n in range(24)]


@pytest.mark.parametrize("suffix", MUXED)
@pytest.mark.parametrize("turn", [(90, True, False)])
def test_a_turned_clip_is_written_upright(tmp_path: Path, suffix: str, turn: tuple[float, bool, bool]) -> None:
    source = make(tmp_path / "in.mp4", Made(turn=turn))
    copied(source, tmp_path / f"out{suffix}")
    with video.open_clip(source) as before, video.open_clip(tmp_path / f"out{suffix}") as after:
        assert (after.height, after.width) == (before.height, before.width)
        assert after.turn == Turn()
        pairs = zip(before.frames(), after.frames(), strict=True)
        assert all(np.abs(one.image.astype(int) - other.image).mean() < 4 for one, other in pairs)


@pytest.mark.parametrize(("suffix", "codec"), OPAQUE)
@pytest.mark.parametrize("turn", [None, (90, False, False)], ids=["upright", "turned"])
def test_displayed_shape_is_kept(tmp_path: Path, suffix: str, codec: str, turn: Any) -> None:
    source = make(tmp_path / "in.mp4", Made([picture(n) for n in range(3)], aspect=Fraction(16, 11), turn=turn))
    notes = copied(source, tmp_path / f"out{suffix}", codec=codec)
    before, after = (read(path)[0] for path in (source, tmp_path / f"out{suffix}"))
    shown = [one.width * one.pixel_aspect / one.height for one in (before, after)]
    assert abs(shown[0] - shown[1]) < Fraction(2, 96)
    if video.CONTAINERS[suffix].keeps_pixel_shape(codec):
        assert (after.height, after.width, after.pixel_aspect) == (before.height, before.width, before.pixel_aspect)
        assert notes == []
    else:
        assert after.pixel_aspect == 1
        assert "pixels are not square" in notes[0]


@pytest.mark.parametrize("suffix", MUXED)
@pytest.mark.parametrize(("matrix", "span"), [(1, 1), (1, 2), (5, 1), (6, 1), (6, 2), (9, 1), (2, 0), (2, 2)])
def test_colors_are_read_and_written_alike(tmp_path: Path, suffix: str, matrix: int, span: int) -> None:
    made = Made(
        [flat(one, 32, 48) for one in COLORS], matrix=matrix, range=span, options={"crf": "1"}, pixels="yuv444p"
    )
    source = make(tmp_path / "in.mp4", made)
    copied(source, tmp_path / f"out{suffix}", quality=100)
    there, images = read(tmp_path / f"out{suffix}")
    assert there.colors.matrix == {2: 6}.get(matrix, matrix)
    assert there.colors.range == (span or 1)
    for image, color in zip(images, COLORS, strict=True):
        assert np.abs(image.mean((0, 1)) - color).max() <= 3


def test_transfer_and_primaries_are_copied(tmp_path: Path) -> None:
    params = "transfer=smpte170m:colormatrix=bt470bg:colorprim=bt470bg"
    source = make(tmp_path / "in.mp4", Made(options={"x264-params": params}))
    for suffix in (".mp4", ".mov", ".mkv"):
        copied(source, tmp_path / f"out{suffix}")
        there = read(tmp_path / f"out{suffix}")[0].colors
        assert (there.matrix, there.primaries, there.transfer) == (5, 5, 6)


@pytest.mark.parametrize("size", [(97, 127), (96, 127), (1, 1), (17, 400)])
@pytest.mark.parametrize(("suffix", "codec"), OPAQUE)
def test_any_size_is_kept(tmp_path: Path, size: tuple[int, int], suffix: str, codec: str) -> None:
    source = make(tmp_path / "in.mkv", Made([flat((200, 30, 90), *size)] * 3, codec="ffv1", pixels="yuv444p"))
    odd = size[0] % 2 or size[1] % 2
    try:
        notes = copied(source, tmp_path / f"out{suffix}", codec=codec)
    except OutputError as error:
        assert min(size) < video.CODECS[codec].least
        assert f"{size[1]}x{size[0]} is too small for {codec}" in str(error)
        assert names(tmp_path) == ["in.mkv"]
        return
    there, images = read(tmp_path / f"out{suffix}")
    assert (there.height, there.width) == size
    assert len(images) == 3
    assert np.abs(images[0].mean((0, 1)) - (200, 30, 90)).max() <= 4
    assert bool(notes) == bool(odd and codec in ("h264", "hevc"))
    assert not notes or "4:4:4" in notes[0]


@pytest.mark.parametrize(("suffix", "codec"), OPAQUE)
@pytest.mark.parametrize("span", [1, 2], ids=["limited", "full"])
def test_gray_is_gray(tmp_path: Path, suffix: str, codec: str, span: int) -> None:
    source = make(tmp_path / "in.mp4", Made([picture(0)], range=span))
    mask = np.repeat(np.linspace(0, 255, 128)[None, :, None], 96, 0).astype(np.uint8)
    with (
        video.open_clip(source) as clip,
        video.Writer(tmp_path / f"out{suffix}", clip, WriteOptions(gray=True, codec=codec, quality=95)) as writer,
    ):
        writer.add(mask, Fraction(0))
    image = read(tmp_path / f"out{suffix}")[1][0].astype(int)
    assert np.ptp(image, axis=2).max() <= (0 if codec in ("h264", "hevc", "vp9", "av1") else 3)
    assert np.abs(image[..., :1] - mask).max() <= 6
    assert np.abs(image[..., :1] - mask).mean() <= 1.5


def alphas(path: Path) -> list[np.ndarray]:
    """The frames as RGBA, by the decoder that reads the alpha channel."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        name = {"vp9": "libvpx-vp9"}.get(stream.codec_context.name, stream.codec_context.name)
        decoder = av.CodecContext.create(name, "r")
        decoder.extradata = stream.codec_context.extradata
        decoder.width, decoder.height = stream.width, stream.height
        if stream.codec_context.name == "prores":
            return [frame.to_ndarray(format="rgba") for frame in container.decode(video=0)]
        frames = []
        for packet in container.demux(video=0):
            frames += decoder.decode(packet if packet.size else None)
        assert {frame.format.name for frame in frames} == {"yuva420p"}
        return [frame.to_ndarray(format="rgba") for frame in frames]


@pytest.mark.parametrize("suffix", ALPHA)
@pytest.mark.parametrize("size", [(96, 128), (97, 127)])
def test_transparency(tmp_path: Path, clip: Path, suffix: str, size: tuple[int, int]) -> None:
    pictures = [see_through(n, *size) for n in range(6)]
    with (
        video.open_clip(clip) as like,
        video.Writer(
            tmp_path / f"out{suffix}", like, WriteOptions(height=size[0], width=size[1], alpha=True)
        ) as writer,
    ):
        for number, one in enumerate(pictures):
            writer.add(one, Fraction(number, 30))
    got = alphas(tmp_path / f"out{suffix}")
    assert len(got) == 6
    for image, wanted in zip(got, pictures, strict=True):
        assert image.shape == wanted.shape
        assert np.abs(image[..., 3].astype(int) - wanted[..., 3]).max() <= (2 if suffix == ".mov" else 30)
        assert np.abs(image[..., 3].astype(int) - wanted[..., 3]).mean() <= 1.5
        seen = wanted[..., 3] > 200
        assert np.abs(image[seen].astype(int) - wanted[seen])[:, :3].mean() < 4
    with av.open(str(tmp_path / f"out{suffix}")) as out:
        told = {key.lower(): value for key, value in out.streams.video[0].metadata.items()}
        assert suffix != ".webm" or told["alpha_mode"] == "1"


@pytest.mark.parametrize("suffix", [one for one in video.CONTAINERS if not video.CONTAINERS[one].alpha])
def test_a_container_without_transparency_says_which_have_it(tmp_path: Path, clip: Path, suffix: str) -> None:
    with video.open_clip(clip) as like, pytest.raises(OutputError, match=r"use \.mov, \.webm, \.webp, \.gif, \.frames"):
        video.Writer(tmp_path / f"out{suffix}", like, WriteOptions(alpha=True))


@pytest.mark.parametrize(("suffix", "codec"), OPAQUE)
def test_quality_costs_bytes(tmp_path: Path, suffix: str, codec: str) -> None:
    noisy = [
        np.clip(picture(n) + np.random.default_rng(n).normal(0, 8, (96, 128, 3)), 0, 255).astype(np.uint8)
        for n in range(4)
    ]
    source = make(tmp_path / "in.mkv", Made(noisy, codec="ffv1", pixels="yuv444p"))
    sizes = []
    for quality in (1, 50, None, 100):
        copied(source, tmp_path / f"{quality}{suffix}", codec=codec, quality=quality)
        sizes.append((tmp_path / f"{quality}{suffix}").stat().st_size)
    assert sizes == sorted(sizes)
    assert sizes[0] < sizes[-1] / 2


def test_the_file_does_not_swell(tmp_path: Path, clips: Path) -> None:
    source = clips / "walk.mkv"
    for suffix in (".mp4", ".mov", ".mkv", ".webm"):
        copied(source, tmp_path / f"out{suffix}")
        assert (tmp_path / f"out{suffix}").stat().st_size < 3 * source.stat().st_size
