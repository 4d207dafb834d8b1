"""Files with wrong, repeated or missing times: pictures go on evenly, and the sound stays in sync with them."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from threading import Event

import av
import numpy as np
import pytest

from standout import video
from standout.batch.clip import ClipJob
from standout.batch.clip_pictures import Excerpt
from standout.batch.plan import Task
from standout.effects import Blur
from standout.types import Frame, Image, Mask, Picture
from standout.video import decode
from tests.fakes import LeftHalf, Plain, changed, clip_job
from tests.video.drawn import RATE, Made, flat, make

FPS = 25
FLASHES = (10, 30, 55, 80)
"""The frames that are white, each with a beep of the same length."""

LOUD = 3000


def flashes(**how: object) -> Made:
    """A clip of four seconds, black and silent except for the flashes."""
    pictures = [flat((255, 255, 255) if n in FLASHES else (0, 0, 0)) for n in range(4 * FPS)]
    samples = np.zeros(4 * RATE, np.int16)
    for n in FLASHES:
        begins = n * RATE // FPS
        samples[begins : begins + RATE // FPS] = 12000 * np.sin(np.arange(RATE // FPS) * 2 * np.pi * 1000 / RATE)
    made = Made(pictures, base=Fraction(1, FPS), rate=Fraction(FPS), tracks=["aac"], samples=samples, **how)  # type: ignore[arg-type]
    return replace(made, sound_seconds=Fraction(4))


def seen(path: Path) -> list[float]:
    """When the picture turns white, in seconds from the first picture."""
    with video.open_clip(path) as clip:
        frames = [(float(one.time), one.image.mean() > 128) for one in clip.frames()]
    return [time for (time, white), (_, before) in zip(frames[1:], frames, strict=False) if white and not before]


def heard(path: Path) -> list[float]:
    """When each beep begins, in seconds from the first picture, by the result's own times."""
    begun: list[float] = []
    last = -1.0
    with av.open(str(path)) as container:
        zero = next(container.decode(video=0)).time
    with av.open(str(path)) as container:
        for frame in container.decode(audio=0):
            levels = np.abs(frame.to_ndarray().astype(float).reshape(-1, frame.samples)[0])
            for at in np.flatnonzero(levels * (32768 if frame.format.name.startswith("flt") else 1) > LOUD):
                time = float(frame.pts * frame.time_base) + at / frame.sample_rate - zero
                if time - last > 0.2:
                    begun.append(time)
                last = time
    return begun


def same(image: Image, mask: Mask, time: Fraction) -> Picture:
    return image


WORK = clip_job(LeftHalf(), Plain(same), overwrite=True)


def through(source: Path, out: Path, work: ClipJob = WORK) -> tuple[str, ...]:
    return work(Task(source, out, Path(source.name), out.suffix)).warnings


def together(out: Path, wanted: list[float], *, within: float = 0.03) -> None:
    """Asserts that the flashes and the beeps of the result are at these times."""
    assert np.allclose(seen(out), wanted, atol=0.021), seen(out)
    found = heard(out)
    assert len(found) == len(wanted) and np.allclose(found, wanted, atol=within), found


ONCE = [n / FPS for n in FLASHES]
TWICE = [*ONCE, *(4 + one for one in ONCE)]


def joined(folder: Path, suffix: str, *, times: int = 2, **how: object) -> Path:
    """Two files of that kind, joined byte by byte."""
    one = make(folder / f"one{suffix}", replace(flashes(), **how))
    path = folder / f"joined{suffix}"
    path.write_bytes(one.read_bytes() * times)
    return path


KINDS = {
    ".ts": {},
    ".mkv": {},
    ".mpg": {"codec": "mpeg2video", "tracks": ["mp2"], "options": {"bf": "2"}},
    ".webm": {"codec": "libvpx", "tracks": ["libopus"]},
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("out", [".mp4", ".mkv", ".webm"])
def test_files_joined_end_to_end_go_on_evenly_with_their_sound(tmp_path: Path, kind: str, out: str) -> None:
    how = dict(KINDS[kind])
    source = make(tmp_path / f"one{kind}", replace(flashes(), **how))
    source.write_bytes(source.read_bytes() * 2)
    warnings = through(source, tmp_path / f"out{out}")
    assert any("has a clock that jumps (at 4.0" in one for one in warnings)
    assert not any("damaged" in one or "cut off" in one for one in warnings)
    with video.open_clip(tmp_path / f"out{out}") as clip:
        times = [one.time for one in clip.frames()]
    assert len(times) == 200
    assert {round(float(b - a), 3) for a, b in pairwise(times)} <= {0.04, 0.039, 0.041}
    together(tmp_path / f"out{out}", TWICE)


def test_avis_joined_end_to_end_go_on(tmp_path: Path) -> None:
    """FFmpeg goes on counting the packets of such files, so there is no second clock."""
    source = joined(tmp_path, ".avi", codec="mpeg4", tracks=["pcm_s16le"])
    through(source, tmp_path / "out.mkv")
    assert len(frames(tmp_path / "out.mkv")) == 200
    together(tmp_path / "out.mkv", TWICE, within=0.06)


def test_an_excerpt_of_joined_files_is_the_same_as_of_the_whole(tmp_path: Path) -> None:
    source = joined(tmp_path, ".ts", times=3)
    part = Excerpt(Fraction(5), Fraction(10))
    wanted = [one - 5 for one in [*TWICE, *(8 + one for one in ONCE)] if 5 <= one < 10]
    through(source, tmp_path / "part.mp4", changed(WORK, excerpt=part))
    together(tmp_path / "part.mp4", wanted)
    through(source, tmp_path / "part.webm", changed(WORK, excerpt=part))
    together(tmp_path / "part.webm", wanted)
    through(source, tmp_path / "slow.mp4", changed(WORK, excerpt=replace(part, rate=Fraction(50))))
    together(tmp_path / "slow.mp4", wanted)
    with video.open_clip(source) as clip:
        assert clip.duration == 12 and clip.count == 300
        whole = list(clip.frames())
        late = list(clip.frames(start=Fraction(9)))
    assert [one.time + 9 for one in late] == [one.time for one in whole[225:]]
    assert all(np.array_equal(a.image, b.image) for a, b in zip(late, whole[225:], strict=True))


def test_joined_files_are_gone_on_with_where_they_were_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from standout.batch import clip

    monkeypatch.setattr(clip, "CHUNK", 40)
    source = joined(tmp_path, ".ts")
    through(source, tmp_path / "whole.mp4", changed(WORK, effect=Blur(0), resume=True))
    out = tmp_path / "out.mp4"

    def stops(done: int, total: int | None) -> None:
        if done == 130:
            stopped.stop.set()

    stopped = changed(WORK, effect=Blur(0), resume=True, progress=stops, stop=Event())
    with pytest.raises(Exception, match="interrupted"):
        through(source, out, stopped)
    warnings = through(source, out, changed(WORK, effect=Blur(0), resume=True))
    assert out.read_bytes() == (tmp_path / "whole.mp4").read_bytes()
    assert sum("has a clock that jumps" in one for one in warnings) == 1
    together(out, TWICE)


@pytest.mark.parametrize("codec", ["libx264", "mpeg4"])
@pytest.mark.parametrize("sound", ["pcm_s16le", "libmp3lame"])
@pytest.mark.parametrize("out", [".mp4", ".mkv"])
def test_b_frames_in_an_avi(tmp_path: Path, codec: str, sound: str, out: str) -> None:
    source = make(tmp_path / "in.avi", replace(flashes(options={"bf": "3"}), codec=codec, tracks=[sound]))
    assert not [one for one in through(source, tmp_path / f"out{out}") if "re-encoded" not in one]
    with video.open_clip(tmp_path / f"out{out}") as clip:
        times = [float(one.time) for one in clip.frames()]
    assert np.allclose(times, np.arange(100) / FPS, atol=0.001)
    together(tmp_path / f"out{out}", ONCE, within=0.06)  # an MP3 encoder begins 1105 samples early, which .avi hides


@pytest.mark.parametrize("codec", ["ac3", "eac3", "adpcm_ms"])
@pytest.mark.parametrize("out", [".mp4", ".webm"])
def test_sound_in_an_avi_is_as_long_as_its_pictures(tmp_path: Path, codec: str, out: str) -> None:
    """FFmpeg counts packets of some kinds of sound in an .avi as if each were one byte or one sample long."""
    source = make(tmp_path / "in.avi", replace(flashes(), codec="mpeg4", tracks=[codec]))
    through(source, tmp_path / f"out{out}")
    together(tmp_path / f"out{out}", ONCE, within=0.06)


@pytest.mark.parametrize("suffix", [".h264", ".hevc", ".m2v"])
def test_streams_without_a_container_and_its_times(tmp_path: Path, suffix: str) -> None:
    codec = {".h264": "libx264", ".hevc": "libx265", ".m2v": "mpeg2video"}[suffix]
    source = make(tmp_path / f"in{suffix}", replace(flashes(options={"bf": "2"}), codec=codec, tracks=[]))
    assert through(source, tmp_path / "out.mp4") == ()
    assert np.allclose(seen(tmp_path / "out.mp4"), ONCE, atol=0.001)
    with video.open_clip(source) as clip:
        assert clip.count == 100 and clip.duration == 4
        late = [one.time for one in clip.frames(start=Fraction(3))]
    assert len(late) == 25


@pytest.mark.parametrize(("gap", "said"), [(2.5, "holds nothing from"), (60.0, "has a clock that jumps")])
@pytest.mark.parametrize("out", [".mp4", ".webm"])
def test_a_gap_in_a_broadcast(tmp_path: Path, gap: float, said: str, out: str) -> None:
    """A short gap keeps its length; a long one is taken for a change of the clock."""
    one = make(tmp_path / "in.ts", replace(flashes(), gap=(2.0, gap)))
    assert any(said in warning for warning in through(one, tmp_path / f"out{out}"))
    moved = gap if gap < 10 else 0
    together(tmp_path / f"out{out}", [time if time < 2 else time + moved for time in ONCE])


def test_pictures_far_apart_are_no_fault(tmp_path: Path) -> None:
    slides = Made([flat((n * 40, 0, 0)) for n in range(6)], times=[0, 20, 50, 51, 90, 91], base=Fraction(1))
    source = make(tmp_path / "in.mkv", replace(slides, rate=Fraction(1)))
    assert through(source, tmp_path / "out.mkv") == ()
    with video.open_clip(tmp_path / "out.mkv") as clip:
        assert [one.time for one in clip.frames()] == [0, 20, 50, 51, 90, 91]


@pytest.mark.parametrize(
    ("stamps", "wanted"),
    [
        ([0, 1, 1, 3, 4], [0, 1, 2, 3, 4]),
        ([0, 1, 1, 1, 4], [0, 1, 2, 3, 4]),
        ([0, None, None, 3], [0, 1, 2, 3]),
        ([None, None, None], [0, 1, 2]),
        ([0, 0, 0], [0, 1, 2]),
        ([5, 6, 4, 8], [5, 6, 7, 8]),
        ([0, 10, 20], [0, 10, 20]),
        ([0, 1, 1, 9], [0, 1, 2, 9]),
        ([0, *[0] * 30], list(range(31))),
    ],
)
def test_times_that_are_repeated_step_back_or_lack(stamps: list[int | None], wanted: list[int]) -> None:
    told = [(None if one is None else Fraction(one), n) for n, one in enumerate(stamps)]
    found = list(decode.evened(told, Fraction(1)))
    assert [time for time, _ in found] == wanted
    assert [item for _, item in found] == list(range(len(stamps)))


def frames(path: Path) -> list[Frame]:
    with video.open_clip(path) as clip:
        return list(clip.frames())


def test_what_lies_behind_the_end_of_a_file_is_said(tmp_path: Path) -> None:
    """Players and FFmpeg stop at the second header of an .flv, and never read beyond the end of an .mp4."""
    for suffix in (".flv", ".mp4"):
        source = joined(tmp_path, suffix, codec="mpeg4" if suffix != ".flv" else "flv1", times=2)
        assert any("bytes after its end" in one for one in through(source, tmp_path / "out.mp4")), suffix
        assert len(frames(tmp_path / "out.mp4")) == 100
