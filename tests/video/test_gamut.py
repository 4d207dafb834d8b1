"""Colors look the same whatever color space the clip has: what is put behind people, and which tags are kept."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest

from standout import video
from standout.batch.plan import Task
from standout.effects import Color, Cut, Effect, Matte, Replace
from standout.live.camera import open_camera
from standout.types import Image, Mask, Photo, Picture
from standout.video import SRGB, Colors, WriteOptions, converter, is_known
from tests.fakes import clip_job
from tests.video.drawn import Made, flat, make


class Nobody:
    """A fake model that finds nobody, so that the whole result is background."""

    def probability(self, image: Image) -> Mask:
        return np.zeros((image.shape[0] // 4, image.shape[1] // 4), np.float32)


BT2020 = Colors(primaries=9, transfer=14)
PQ = Colors(primaries=9, transfer=16)
HLG = Colors(primaries=9, transfer=18)
P3 = Colors(primaries=12, transfer=13)
SD = Colors(primaries=6, transfer=6)


def turned(color: tuple[int, int, int], source: Colors, target: Colors) -> list[int]:
    convert = converter(source, target)
    assert convert is not None
    levels = convert(np.full((2, 2, 3), color, np.uint16) * np.uint16(257))[0, 0]
    return [round(one / 257) for one in levels.tolist()]


@pytest.mark.parametrize(
    ("color", "target", "wanted"),
    [
        ((255, 255, 255), PQ, [148, 148, 148]),  # ITU-R BT.2408 puts white at 58 % of PQ and 75 % of HLG
        ((255, 255, 255), HLG, [191, 191, 191]),
        ((0, 0, 0), PQ, [0, 0, 0]),
        ((255, 255, 255), BT2020, [255, 255, 255]),
        ((128, 128, 128), P3, [128, 128, 128]),
        ((255, 0, 0), P3, [234, 51, 35]),
        ((0, 255, 0), P3, [117, 251, 76]),
        ((255, 0, 0), BT2020, [207, 74, 35]),
    ],
)
def test_colors_as_standards_give_them(color: tuple[int, int, int], target: Colors, wanted: list[int]) -> None:
    assert np.abs(np.array(turned(color, SRGB, target)) - wanted).max() <= 1


@pytest.mark.parametrize(
    "other", [PQ, HLG, BT2020, P3, Colors(primaries=9, transfer=4), Colors(primaries=9, transfer=8)]
)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_there_and_back_is_the_same(other: Colors, dtype: type) -> None:
    image = np.random.default_rng(0).integers(0, 256, (16, 16, 3)).astype(np.uint16) * 257
    image = image if dtype is np.uint16 else (image >> 8).astype(np.uint8)
    there, back = converter(SRGB, other), converter(other, SRGB)
    assert there is not None and back is not None
    assert there(image).dtype == image.dtype
    if other.transfer in (16, 18) or dtype is np.uint8:
        return  # the knee compresses white, and 8 bits of a wide range are coarse
    assert np.abs(back(there(image)).astype(int) - image).max() < 300


def test_what_looks_alike_is_left_alone() -> None:
    for alike in (Colors(), Colors(primaries=1, transfer=1), Colors(1, 2, 2, 6), SRGB):
        assert converter(SRGB, alike) is None and converter(alike, SRGB) is None
    assert converter(PQ, PQ) is None and converter(BT2020, Colors(primaries=9, transfer=1)) is None
    strange = Colors(primaries=10, transfer=9)
    assert not is_known(strange) and converter(SRGB, strange) is None


def tagged(path: Path, colors: Colors, color: tuple[int, int, int] = (90, 90, 90)) -> Path:
    """A clip of one color, tagged with these colors."""
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=25, options={"crf": "1"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv444p"
        context = stream.codec_context
        context.colorspace, context.color_range = 1, 1
        context.color_primaries, context.color_trc = colors.primaries, colors.transfer
        for number in range(3):
            frame = av.VideoFrame.from_ndarray(flat(color, 48, 64), format="rgb24")
            frame = frame.reformat(format="yuv444p", dst_colorspace=1, dst_color_range=1)
            frame.pts = number
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


def behind(effect: Effect, source: Path, out: Path, **how: Any) -> tuple[list[float], tuple[str, ...], Colors]:
    """The mean color of the result, its warnings, and the colors that it is tagged with."""
    work = clip_job(Nobody(), effect, quality=100, overwrite=True, **how)
    told = work(Task(source, out, Path(source.name), out.suffix)).warnings
    if out.suffix == ".frames":
        color = cv2.imread(str(next(iter(sorted(out.iterdir())))), cv2.IMREAD_COLOR)[..., ::-1].mean((0, 1))
        return color.tolist(), told, SRGB
    with video.open_clip(out) as clip:
        return next(clip.frames()).image.mean((0, 1)).tolist(), told, clip.colors


def near(found: list[float], wanted: list[int]) -> bool:
    return bool(np.abs(np.array(found) - wanted).max() < 4)


@pytest.mark.parametrize("colors", [PQ, HLG, BT2020, P3, SD])
def test_a_color_looks_the_same_behind_every_clip(tmp_path: Path, colors: Colors) -> None:
    source = tagged(tmp_path / "in.mp4", colors)
    picture = tmp_path / "behind.png"
    cv2.imwrite(str(picture), flat((30, 30, 200), 48, 64))  # OpenCV writes BGR
    plain = tagged(tmp_path / "behind.mp4", Colors(primaries=1, transfer=1), (200, 30, 30))
    wanted = turned((200, 30, 30), SRGB, colors)
    for effect in (
        Color(color="#c81e1e"),
        Cut(background="#c81e1e"),
        Replace(background=picture),
        Replace(background=plain),
    ):
        found, _, kept = behind(effect, source, tmp_path / "out.mp4")
        assert near(found, wanted), (effect, found, wanted)
        assert (kept.primaries, kept.transfer) == (colors.primaries, colors.transfer)


@pytest.mark.parametrize("colours", [PQ, HLG, BT2020, P3])
def test_a_background_clip_of_other_colors_fits_a_plain_clip(tmp_path: Path, colours: Colors) -> None:
    source = tagged(tmp_path / "in.mp4", Colors(primaries=1, transfer=1))
    clip = tagged(tmp_path / "behind.mp4", colours, (120, 100, 90))
    found, _, _ = behind(Replace(background=clip), source, tmp_path / "out.mp4")
    assert near(found, turned((120, 100, 90), colours, SRGB))


@pytest.mark.parametrize(
    ("out", "codec"),
    [
        *((".mp4", codec) for codec in ("h264", "hevc", "av1", "vp9")),
        *((".mov", codec) for codec in ("h264", "prores")),
        *((".mkv", codec) for codec in ("h264", "vp9")),
        *((".webm", codec) for codec in ("vp9", "av1")),
    ],
)
@pytest.mark.parametrize("colors", [PQ, P3, Colors(primaries=5, transfer=6)])
def test_what_the_numbers_mean_is_told_by_the_result(tmp_path: Path, out: str, codec: str, colors: Colors) -> None:
    source = tagged(tmp_path / "in.mp4", colors)

    def same(image: Image, mask: Mask, time: Fraction) -> Picture:
        return cv2.resize(image, (64, 64))  # type: ignore[return-value]

    with (
        video.open_clip(source) as clip,
        video.Writer(tmp_path / f"out{out}", clip, WriteOptions(height=64, codec=codec)) as writer,
    ):
        for frame in clip.frames():
            writer.add(same(frame.image, frame.image, frame.time), frame.time)
    with video.open_clip(tmp_path / f"out{out}") as clip:
        kept = clip.colors
    assert (kept.primaries, kept.transfer) == (colors.primaries, colors.transfer)


@pytest.mark.parametrize("out", [".webp", ".gif", ".frames"])
@pytest.mark.parametrize("colors", [PQ, BT2020])
def test_what_the_format_cannot_tell_is_converted_and_said(tmp_path: Path, out: str, colors: Colors) -> None:
    source = tagged(tmp_path / "in.mp4", colors, (120, 100, 90))
    path = tmp_path / f"out{out}"
    with video.open_clip(source) as clip, video.Writer(path, clip, WriteOptions(alpha=True)) as writer:
        for frame in clip.frames():
            writer.add(np.dstack([frame.image, np.full((48, 64, 1), 255, np.uint8)]), frame.time)
    assert any("colors converted to sRGB" in one for one in writer.notes)
    still = sorted(path.iterdir())[0] if out == ".frames" else path
    from standout import images

    color = images.read(still).image.mean((0, 1)).tolist()
    assert np.abs(np.array(color) - turned((120, 100, 90), colors, SRGB)).max() < 8


def test_masks_are_no_light(tmp_path: Path) -> None:
    source = tagged(tmp_path / "in.mp4", PQ)

    _, _, kept = behind(Matte(), source, tmp_path / "out.mp4")
    assert kept.hdr is None
    _, told, _ = behind(Matte(), source, tmp_path / "out.frames")
    assert not any("converted" in one for one in told)


def test_a_clip_as_camera_is_shown_as_screens_show_it(tmp_path: Path) -> None:
    frames = open_camera(str(tagged(tmp_path / "in.mp4", PQ, (120, 100, 90))))
    assert near(next(frames).mean((0, 1)).tolist(), turned((120, 100, 90), PQ, SRGB))
    frames.close()


def test_codes_that_are_not_known_are_said(tmp_path: Path) -> None:
    source = tagged(tmp_path / "in.mp4", Colors(primaries=1, transfer=9))
    _, told, _ = behind(Color(), source, tmp_path / "out.mp4")
    assert any("codes that are not known (1, 9)" in one for one in told)


def test_an_effect_that_is_told_nothing_stays_as_it_is(tmp_path: Path) -> None:
    plain = make(tmp_path / "behind.mp4", Made([flat((200, 30, 30))]))

    for behind in (Photo(flat((200, 30, 30))), plain):
        with Replace(behind).begun() as effect:
            shown = effect(np.zeros((4, 4, 3), np.uint8), np.zeros((4, 4), np.float32))
            assert near(shown.mean((0, 1)).tolist(), [200, 30, 30])


def test_hdr_is_brought_into_the_standard_range_without_a_step() -> None:
    convert = converter(replace(PQ, primaries=1), SRGB)
    assert convert is not None
    ramp = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, 2)
    levels = convert(ramp)[0, :, 0].astype(int)
    assert (np.diff(levels) >= 0).all() and levels[0] == 0 and levels[-1] == 255
    assert 215 < levels[148] < 250, "a white page stays nearly white, with room above it"
