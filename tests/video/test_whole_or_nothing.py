"""A written file appears whole under its name or not at all, and errors tell why."""

import errno
import os
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from standout import video
from standout.errors import InputError, OutputError
from tests.video.drawn import Made, copied, flat, make, names, picture, read, see_through

MUXED = {suffix: one for suffix, one in video.CONTAINERS.items() if one.format}
OPAQUE = [(suffix, codec) for suffix, one in MUXED.items() for codec in one.codecs]
ALPHA = [suffix for suffix, one in MUXED.items() if one.alpha]
COLORS = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255), (0, 0, 0), (128, 128, 128), (200, 30, 90)]


def test_an_existing_file_is_kept(tmp_path: Path, clip: Path) -> None:
    (tmp_path / "out.mp4").write_bytes(b"old")
    with pytest.raises(OutputError, match=r"out\.mp4 exists and is kept; use --overwrite"):
        copied(clip, tmp_path / "out.mp4")
    assert (tmp_path / "out.mp4").read_bytes() == b"old"
    copied(clip, tmp_path / "out.mp4", overwrite=True)
    assert len(read(tmp_path / "out.mp4")[1]) == 30
    assert names(tmp_path) == ["in", "out.mp4"]


def test_the_clip_itself_is_never_overwritten(tmp_path: Path, clip: Path) -> None:
    before = clip.read_bytes()
    (tmp_path / "link.mp4").symlink_to(clip)
    for path in (clip, clip.parent / ".." / "in" / "clip.mp4", tmp_path / "link.mp4"):
        with pytest.raises(OutputError, match="is the clip itself; give the result another name"):
            copied(clip, path, overwrite=True)
    assert clip.read_bytes() == before


@pytest.mark.parametrize("suffix", video.CONTAINERS)
def test_an_exception_leaves_nothing(tmp_path: Path, clip: Path, suffix: str) -> None:
    with (
        video.open_clip(clip) as like,
        pytest.raises(KeyboardInterrupt),
        video.Writer(tmp_path / f"out{suffix}", like) as writer,
    ):
        for frame in like.frames():
            writer.add(frame.image, frame.time)
        assert [one for one in names(tmp_path) if one.endswith(".part")]
        raise KeyboardInterrupt
    assert names(tmp_path) == ["in"]


@pytest.mark.parametrize("suffix", video.CONTAINERS)
def test_nothing_added_leaves_nothing(tmp_path: Path, clip: Path, suffix: str) -> None:
    with (
        video.open_clip(clip) as like,
        pytest.raises(OutputError, match="no picture was added, so nothing is written"),
        video.Writer(tmp_path / f"out{suffix}", like),
    ):
        pass
    assert names(tmp_path) == ["in"]


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".webm", ".webp", ".gif"])
def test_a_full_disk(tmp_path: Path, clip: Path, suffix: str) -> None:
    import resource

    noise = [np.random.default_rng(n).integers(0, 255, (96, 128, 3), np.uint8) for n in range(30)]
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    with video.open_clip(clip) as like:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
        try:
            with (
                pytest.raises(OutputError, match=rf"out\{suffix}: no space left for \d+ bytes; free some"),
                video.Writer(tmp_path / f"out{suffix}", like, video.WriteOptions(quality=100)) as writer,
            ):
                for number, one in enumerate(noise):
                    writer.add(one, Fraction(number, 30))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert names(tmp_path) == ["in"]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES, errno.EIO])
def test_when_the_disk_refuses_at_the_end_nothing_is_left(
    tmp_path: Path, clip: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def refuse(_: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", refuse)
    said = {errno.ENOSPC: "no space left", errno.EACCES: "no permission", errno.EIO: "Input/output error"}[number]
    with pytest.raises(OutputError, match=said):
        copied(clip, tmp_path / "out.mp4")
    assert names(tmp_path) == ["in"]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="the administrator may write anywhere")
def test_no_permission(tmp_path: Path, clip: Path) -> None:
    (tmp_path / "locked").mkdir(mode=0o500)
    with pytest.raises(OutputError, match="no permission to write in"):
        copied(clip, tmp_path / "locked" / "out.mp4")


def test_a_file_that_appears_meanwhile_is_kept(tmp_path: Path, clip: Path) -> None:
    for name in ("out.mp4", "out.frames"):
        with (
            video.open_clip(clip) as like,
            pytest.raises(OutputError, match="exists and is kept"),
            video.Writer(tmp_path / name, like) as writer,
        ):
            writer.add(picture(0), Fraction(0))
            (tmp_path / name).write_bytes(b"somebody else's")
        assert (tmp_path / name).read_bytes() == b"somebody else's"
    assert names(tmp_path) == ["in", "out.frames", "out.mp4"]


def test_missing_folders_are_made_and_capitals_do(tmp_path: Path, clip: Path) -> None:
    copied(clip, tmp_path / "some" / "deep" / "OUT.MP4")
    assert len(read(tmp_path / "some" / "deep" / "OUT.MP4")[1]) == 30


@pytest.mark.parametrize(
    ("name", "options", "error", "said"),
    [
        ("out.xyz", {}, OutputError, r"cannot write a video as \.xyz; use \.mp4, "),
        ("out.avi", {}, OutputError, r"cannot write a video as \.avi"),
        ("out.mp4", {"codec": "divx"}, InputError, "codec is 'divx'; wanted one of h264"),
        (
            "out.webm",
            {"codec": "h264"},
            OutputError,
            r"codec h264 does not go with pictures in \.webm; wanted vp9 or av1",
        ),
        ("out.webm", {"codec": "av1", "alpha": True}, OutputError, "av1 does not go with transparency"),
        ("out.mp4", {"quality": 0}, InputError, "quality is 0; wanted 1 to 100"),
        ("out.mp4", {"quality": 101}, InputError, "quality is 101; wanted 1 to 100"),
        ("out.mp4", {"rate": Fraction(0)}, InputError, "rate is 0; wanted more than 0"),
        ("out.mp4", {"height": 0}, InputError, r"height and width are \(0, 128\)"),
        ("out.webm", {"gray": True, "alpha": True}, InputError, "alpha and gray are both asked for"),
    ],
)
def test_what_cannot_be_written(
    tmp_path: Path, clip: Path, name: str, options: dict[str, Any], error: type[Exception], said: str
) -> None:
    with video.open_clip(clip) as like, pytest.raises(error, match=said):
        video.Writer(tmp_path / name, like, video.WriteOptions(**options))
    assert names(tmp_path) == ["in"]


def test_pictures_other_than_announced(tmp_path: Path, clip: Path) -> None:
    with video.open_clip(clip) as like, video.Writer(tmp_path / "out.mp4", like) as writer:
        writer.add(picture(0), Fraction(0))
        for bad in (picture(0)[:-1], picture(0)[..., :1], see_through(0), picture(0).astype(np.uint16)):
            with pytest.raises(InputError, match=r"the picture is .*; wanted uint8 \(96, 128, 3\)"):
                writer.add(bad, Fraction(1))
        with pytest.raises(InputError, match=r"time is 0\.000 s, wanted more than 0\.000 s"):
            writer.add(picture(1), Fraction(0))
        writer.add(picture(1), Fraction(1))
    with pytest.raises(InputError, match="is not open"):
        writer.add(picture(1), Fraction(2))
    assert len(read(tmp_path / "out.mp4")[1]) == 2


def test_a_picture_may_be_changed_once_it_was_added(tmp_path: Path, clip: Path) -> None:
    for suffix in video.CONTAINERS:
        with video.open_clip(clip) as like, video.Writer(tmp_path / f"out{suffix}", like) as writer:
            reused = flat((200, 30, 90))
            for number in range(3):
                writer.add(reused, Fraction(number, 30))
                reused[:] = 40 * number
        if suffix in MUXED:
            assert [round(float(image.mean())) // 20 for image in read(tmp_path / f"out{suffix}")[1]] == [5, 0, 2]


def test_memory_does_not_grow_with_length(tmp_path: Path) -> None:
    def resident() -> int:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    if not Path("/proc/self/statm").exists():
        pytest.skip("needs /proc")
    source = make(
        tmp_path / "clip.mkv",
        Made([picture(n, 180, 320) for n in range(30)] * 20, tracks=["pcm_s16le"], sound_seconds=Fraction(20)),
    )
    with video.open_clip(source) as like, video.Writer(tmp_path / "out.mp4", like) as writer:
        for number, frame in enumerate(like.frames()):
            writer.add(frame.image, frame.time)
            if number == 150:
                before = resident()
        assert number == 599
        assert resident() - before < 25_000_000  # the frames themselves are 78 MB


@pytest.mark.parametrize("suffix", MUXED)
def test_a_damaged_clip_becomes_a_film_or_an_error_of_ours(tmp_path: Path, suffix: str) -> None:
    made = Made(
        [picture(n) for n in range(10)], tracks=["aac", "ac3"], subtitles="mov_text", sound_seconds=Fraction(1, 3)
    )
    data = np.frombuffer(make(tmp_path / "clip.mp4", made).read_bytes(), np.uint8)
    for seed in range(8):
        rng = np.random.default_rng(seed)
        bad = data.copy()
        bad[rng.integers(0, len(bad), 40)] = rng.integers(0, 255, 40)
        (tmp_path / "clip.mp4").write_bytes(bad.tobytes())
        try:
            copied(tmp_path / "clip.mp4", tmp_path / f"out{suffix}", overwrite=True)
        except InputError as error:
            assert str(tmp_path) in str(error)
        assert names(tmp_path) in (["clip.mp4"], ["clip.mp4", f"out{suffix}"])
