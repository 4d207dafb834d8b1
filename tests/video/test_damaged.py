"""Damaged clips, and files that are no clips: what can be read is read, and errors tell what is wrong."""

import os
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from standout import video
from standout.errors import InputError, UnreadableVideo
from tests.conftest import SAMPLE
from tests.video.drawn import Made, frames, make, picture


def spoilt(source: Path, target: Path, bad: set[int]) -> Path:
    """The clip, with random bytes in the packets of some pictures."""
    with av.open(str(source)) as into, av.open(str(target), "w") as out:
        stream = out.add_stream_from_template(into.streams.video[0], opaque=True)
        for number, packet in enumerate(one for one in into.demux(video=0) if one.size):
            if number in bad:
                rubbish = av.Packet(b"\0" * 16)
                rubbish.pts, rubbish.dts, rubbish.time_base = packet.pts, packet.dts, packet.time_base
                packet = rubbish
            packet.stream = stream
            out.mux(packet)
    return target


@pytest.mark.parametrize(
    ("codec", "pixels"), [("mjpeg", "yuvj420p"), ("libx264", "yuv420p"), ("libvpx-vp9", "yuv420p")]
)
def test_broken_frames_are_skipped_and_told(tmp_path: Path, codec: str, pixels: str) -> None:
    options = {"bf": "0", "g": "1"}
    path = make(tmp_path / "whole.mkv", Made(codec=codec, pixels=pixels, options=options))
    with video.open_clip(spoilt(path, tmp_path / "bad.mkv", {12, 20})) as clip:
        shown = list(clip.frames())
        warnings = clip.warnings
    assert len(shown) == 28
    assert [round(float(frame.time) * 30) for frame in shown] == [n for n in range(30) if n not in (12, 20)]
    assert len(warnings) == 2
    assert all("damaged frame after" in one and "left out" in one for one in warnings)
    told = [float(one.split("after ")[1].split(" s")[0]) for one in warnings]
    np.testing.assert_allclose(told, [11 / 30, 19 / 30], atol=0.12)


def test_many_broken_frames_are_counted(tmp_path: Path) -> None:
    path = make(tmp_path / "whole.mkv", Made(codec="mjpeg", pixels="yuvj420p"))
    with video.open_clip(spoilt(path, tmp_path / "bad.mkv", set(range(5, 25)))) as clip:
        assert len(list(clip.frames())) == 10
    assert len(clip.warnings) == 6
    assert clip.warnings[-1].startswith("has 15 more damaged frames, up to")


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.avi", "a.ts"])
def test_of_a_truncated_file_what_is_there_is_read(tmp_path: Path, name: str) -> None:
    many = [np.random.default_rng(n).integers(0, 255, (96, 128, 3), np.uint8) for n in range(90)]
    options = {"movflags": "+faststart"} if name == "a.mp4" else {}
    path = make(tmp_path / name, Made(many, options={"bf": "0"}, container_options=options))
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    with video.open_clip(path) as clip:
        count = len(list(clip.frames()))
    assert 30 < count < 60
    assert name in ("a.ts", "a.avi") or any(
        "perhaps cut off" in one or "is damaged from" in one for one in clip.warnings
    )


def test_an_mp4_without_its_index_is_refused(tmp_path: Path) -> None:
    path = make(tmp_path / "a.mp4")
    path.write_bytes(path.read_bytes()[:-3000])
    with pytest.raises(
        UnreadableVideo, match=r"a\.mp4 is not a video, or a damaged one \(it starts with .*; get the file"
    ):
        video.open_clip(path)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "is empty (0 bytes)"),
        (b"hello, world, this is text\n" * 50, "is not a video"),
        (os.urandom(20_000), "is not a video"),
        (b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n/etc/passwd\n#EXT-X-ENDLIST\n", "is not a video"),
        (b"ffconcat version 1.0\nfile /etc/passwd\n", "is not a video"),
        (SAMPLE.read_bytes(), "is not a video"),
    ],
    ids=["empty", "text", "noise", "playlist", "concat", "photo"],
)
def test_what_is_no_video_is_refused(tmp_path: Path, data: bytes, said: str) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(data)
    with pytest.raises(UnreadableVideo) as caught:
        video.open_clip(path)
    assert str(path) in str(caught.value)
    assert said in str(caught.value)
    assert ";" in str(caught.value)


def test_no_file_and_no_ordinary_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist; check"):
        video.open_clip(tmp_path / "none.mp4")
    with pytest.raises(UnreadableVideo, match="is a folder"):
        video.open_clip(tmp_path)
    with pytest.raises(UnreadableVideo, match="does not exist"):
        video.open_clip(tmp_path / "a\0.mp4")
    if Path("/dev/zero").exists():
        with pytest.raises(UnreadableVideo, match="is a device"):
            video.open_clip(Path("/dev/zero"))


@pytest.mark.parametrize("name", ["http:__x.mp4", "concat:a|b.mp4", "ä ö.mp4", "-.mp4", "%03d.mp4", "a?b#c.mp4"])
def test_names_that_look_like_something_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    make(tmp_path / "plain.mp4", Made([picture(0)])).rename(tmp_path / name)
    assert len(frames(Path(name))) == 1


def test_only_sound(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    with av.open(str(path), "w") as out:
        stream = out.add_stream("aac", rate=48000)
        frame = av.AudioFrame.from_ndarray(np.zeros((2, 4800), np.float32), format="fltp", layout="stereo")
        frame.sample_rate = 48000
        out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    with pytest.raises(UnreadableVideo, match=r"a\.mp4 holds only sound; give a file with moving pictures"):
        video.open_clip(path)


def test_a_cover_picture_is_no_video(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    with av.open(str(path), "w") as out:
        stream = out.add_stream("aac", rate=48000)
        cover = out.add_stream("mjpeg", rate=1)
        cover.height, cover.width, cover.pix_fmt = 96, 128, "yuvj420p"
        cover.disposition = av.stream.Disposition.attached_pic
        frame = av.AudioFrame.from_ndarray(np.zeros((2, 4800), np.float32), format="fltp", layout="stereo")
        frame.sample_rate = 48000
        out.mux(cover.encode(av.VideoFrame.from_ndarray(picture(0)).reformat(format="yuvj420p")))
        out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
        out.mux(cover.encode(None))
    with pytest.raises(UnreadableVideo, match="holds only sound and a cover picture"):
        video.open_clip(path)


def test_pictures_that_cannot_be_decoded(tmp_path: Path) -> None:
    path = make(tmp_path / "whole.mkv", Made([picture(n) for n in range(5)]))
    with pytest.raises(UnreadableVideo, match="holds no frame that can be decoded"):
        video.open_clip(spoilt(path, tmp_path / "bad.mkv", set(range(5))))


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.webm", "a.avi", "a.ts", "a.flv", "a.mov"])
def test_scattered_damage_raises_nothing_else(tmp_path: Path, name: str) -> None:
    """With random bytes in the file, frames come, or UnreadableVideo is raised."""
    codec = {"a.webm": "libvpx-vp9", "a.avi": "mjpeg", "a.flv": "flv", "a.mov": "prores_ks"}.get(name, "libx264")
    pixels = {"mjpeg": "yuvj420p", "prores_ks": "yuv422p10le"}.get(codec, "yuv420p")
    path = make(tmp_path / name, Made([picture(n) for n in range(10)], codec=codec, pixels=pixels))
    data = np.frombuffer(path.read_bytes(), np.uint8)
    for seed in range(12):
        rng = np.random.default_rng(seed)
        bad = data.copy()
        places = rng.integers(0, len(bad), int(rng.integers(1, 60)))
        bad[places] = rng.integers(0, 255, len(places))
        path.write_bytes(bad.tobytes())
        try:
            with video.open_clip(path) as clip:
                for frame in clip.frames(start=Fraction(seed % 3, 10)):
                    assert frame.image.shape == (clip.height, clip.width, 3)
        except UnreadableVideo as error:
            assert str(path) in str(error)
