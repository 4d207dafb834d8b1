"""What a clip hides stays hidden, in whatever way its file stores transparency."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from standout import video
from standout.batch.clip import ClipJob
from standout.batch.clip_pictures import WHITENED
from standout.batch.plan import Task
from standout.effects import Blur, Color, Cut, Effect, Matte, Replace
from standout.live.camera import open_camera
from standout.types import Image, Mask
from standout.video import decode
from tests.fakes import clip_job
from tests.video.drawn import Made, make, picture


class Everything:
    """A fake model that takes everything for a person."""

    def probability(self, image: Image) -> Mask:
        return np.ones((image.shape[0] // 4, image.shape[1] // 4), np.float32)


KINDS = {
    "prores.mov": ("prores_ks", "yuva444p10le"),
    "vp9.webm": ("libvpx-vp9", "yuva420p"),
    "vp9.mkv": ("libvpx-vp9", "yuva420p"),
    "vp8.webm": ("libvpx", "yuva420p"),
    "png.mov": ("png", "rgba"),
    "qtrle.mov": ("qtrle", "argb"),
    "ffv1.mkv": ("ffv1", "bgra"),
    "ffv1-yuv.mkv": ("ffv1", "yuva444p"),
    "utvideo.avi": ("utvideo", "gbrap"),
    "raw.avi": ("rawvideo", "bgra"),
    "moving.apng": ("apng", "rgba"),
}


def half(number: int, opacity: int = 255) -> np.ndarray:
    """A drawn picture as RGBA, with its right half hidden."""
    alpha = np.zeros((96, 128, 1), np.uint8)
    alpha[:, :64] = opacity
    return np.dstack([picture(number), alpha])


def hidden(folder: Path, name: str, *, opacity: int = 255, count: int = 5) -> Path:
    codec, pixels = KINDS[name]
    options = {"auto-alt-ref": "0"} if "libvpx" in codec else {"profile": "4444"} if "prores" in codec else {}
    path = folder / name
    with av.open(str(path), "w") as out:
        stream = out.add_stream(codec, rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt = 128, 96, pixels
        if "libvpx" in codec:
            stream.metadata["alpha_mode"] = "1"
        for number in range(count):
            frame = av.VideoFrame.from_ndarray(half(number, opacity), format="rgba").reformat(format=pixels)
            frame.pts, frame.time_base = number, Fraction(1, 25)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


def work(effect: Effect, **how: Any) -> ClipJob:
    return clip_job(Everything(), effect, overwrite=True, **how)


RED = Color("red")


def run(one: ClipJob, source: Path, out: Path) -> tuple[list[np.ndarray], tuple[str, ...]]:
    """The result's frames, RGB or RGBA, and its warnings."""
    told = one(Task(source, out, Path(source.name), out.suffix)).warnings
    with video.open_clip(out) as clip:
        found = list(clip.frames())
    return [
        one.image if one.alpha is None else np.dstack([one.image, np.rint(255 * one.alpha).astype(np.uint8)])
        for one in found
    ], told


@pytest.mark.parametrize("name", KINDS)
def test_what_a_clip_hides_stays_hidden(tmp_path: Path, name: str) -> None:
    source = hidden(tmp_path, name)
    with video.open_clip(source) as clip:
        assert clip.alpha and clip.warnings == []
        for number, frame in enumerate(clip.frames()):
            assert frame.alpha is not None and frame.alpha.shape == (96, 128) and frame.alpha.dtype == np.float32
            assert frame.alpha[:, :60].min() > 0.98 and frame.alpha[:, 68:].max() < 0.02
            assert np.abs(frame.image[:, :60].astype(int) - picture(number)[:, :60]).mean() < 6
    for out in ("cut.mov", "cut.webm"):
        found, warnings = run(work(Cut()), source, tmp_path / out)
        assert warnings == () and len(found) == 5
        for one in found:
            assert one[:, :60, 3].min() > 245 and one[:, 68:, 3].max() < 10
    found, _ = run(work(RED), source, tmp_path / "red.mkv")
    assert all(one[:, 72:, 0].min() > 235 and one[:, 72:, 1:].max() < 25 for one in found)
    found, _ = run(work(Matte()), source, tmp_path / "mask.mp4")
    assert all(one[:, :60].min() > 235 and one[:, 68:].max() < 25 for one in found)


def test_a_blurred_clip_stays_transparent_or_becomes_white_as_photos_do(tmp_path: Path) -> None:
    source = hidden(tmp_path, "prores.mov")
    for out in ("out.mov", "out.webm", "again.webp"):
        told = work(Blur())(Task(source, tmp_path / out, Path(source.name), Path(out).suffix)).warnings
        assert told == ()
    for out in ("out.mov", "out.webm"):
        with video.open_clip(tmp_path / out) as clip:
            alpha = next(clip.frames()).alpha
        assert alpha is not None and alpha[:, :60].min() > 0.98 and alpha[:, 68:].max() < 0.02
    for out, codec in (("out.mp4", None), ("white.mov", "h264")):
        found, warnings = run(work(Blur(), codec=codec), source, tmp_path / out)
        assert warnings == (WHITENED,)
        assert all(one.shape[2] == 3 and one[:, 72:].min() > 235 for one in found)


def test_a_clip_that_could_be_transparent_and_is_not_is_warned_of_nothing(tmp_path: Path) -> None:
    source = make(tmp_path / "in.mov", Made([picture(n) for n in range(3)], codec="png", pixels="rgba"))
    found, warnings = run(work(Blur()), source, tmp_path / "out.mp4")
    assert warnings == () and len(found) == 3


def test_half_hidden_pixels_are_half_there_and_the_mask_shrinks_with_them(tmp_path: Path) -> None:
    from standout.batch.clip_pictures import Excerpt

    source = hidden(tmp_path, "png.mov", opacity=128)
    found, _ = run(work(Cut(), excerpt=Excerpt(max_side=64)), source, tmp_path / "out.mov")
    assert found[0].shape == (48, 64, 4)
    assert np.abs(found[0][:, :28, 3].astype(int) - 128).max() < 8


def test_transparency_turns_with_the_picture(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "in.mov"), "w") as out:
        stream = out.add_stream("png", rate=25)
        stream.width, stream.height, stream.pix_fmt = 128, 96, "rgba"
        stream.set_display_rotation(90, False, False)
        frame = av.VideoFrame.from_ndarray(half(0), format="rgba")
        out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    with video.open_clip(tmp_path / "in.mov") as clip:
        one = next(clip.frames())
    assert one.alpha is not None and one.alpha.shape == one.image.shape[:2] == (128, 96)
    assert {one.alpha[:60].mean(), one.alpha[68:].mean()} == {0, 1}


def test_a_decoder_that_is_missing_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = hidden(tmp_path, "vp9.webm")
    monkeypatch.setitem(decode._ALPHA_DECODERS, "vp9", "no-such-decoder")
    with video.open_clip(source) as clip:
        assert not clip.alpha
        assert clip.warnings == ["has transparency that this build of FFmpeg cannot decode: what it hides will be seen"]
        assert len(list(clip.frames())) == 5


def test_a_channel_of_transparency_that_is_unused_hides_nothing(tmp_path: Path) -> None:
    source = hidden(tmp_path, "raw.avi", opacity=0)
    with video.open_clip(source) as clip:
        assert not clip.alpha and "taken for unused" in clip.warnings[0]
        assert all(one.alpha is None for one in clip.frames())


def test_a_transparent_clip_as_background_or_camera_is_before_white(tmp_path: Path) -> None:
    source = hidden(tmp_path, "png.mov")
    frames = open_camera(str(source))
    assert next(frames)[:, 68:].min() == 255
    frames.close()

    with Replace(source).begun() as effect:
        shown = effect(np.zeros((96, 128, 3), np.uint8), np.zeros((96, 128), np.float32), Fraction(0))
    assert shown[:, 68:].min() == 255 and shown[:, :60].max() < 255


def test_a_transparent_clip_is_gone_on_with_where_it_was_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from threading import Event

    from standout.batch import clip

    monkeypatch.setattr(clip, "CHUNK", 4)
    source = hidden(tmp_path, "vp9.webm", count=14)
    whole, out = tmp_path / "whole.webm", tmp_path / "out.webm"
    one = work(Blur(), resume=True)
    run(one, source, whole)
    stop = Event()
    stopped = replace(one, stop=stop, progress=lambda done, total: stop.set() if done == 10 else None)
    with pytest.raises(Exception, match="interrupted"):
        run(stopped, source, out)
    run(replace(one, stop=Event()), source, out)
    assert out.read_bytes() == whole.read_bytes()
