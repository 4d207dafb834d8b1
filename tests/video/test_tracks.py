"""What is carried over beside the pictures: sound, bit for bit and in sync, subtitles, chapters and tags."""

import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from standout import video
from tests.video.drawn import RATE, SUBTITLES, Made, copied, first_frame, make, picture, sound_packets

MILLISECOND = Fraction(1, 1000)
COPIES = [
    (".mp4", "aac", ".mp4"),
    (".mp4", "aac", ".mov"),
    (".mp4", "aac", ".mkv"),
    (".mp4", "libmp3lame", ".mp4"),
    (".mp4", "libmp3lame", ".mkv"),
    (".mp4", "ac3", ".mp4"),
    (".mp4", "alac", ".mov"),
    (".mkv", "aac", ".mp4"),
    (".mkv", "libopus", ".mkv"),
    (".mkv", "libopus", ".mp4"),
    (".mkv", "libopus", ".webm"),
    (".mkv", "flac", ".mp4"),
    (".mkv", "flac", ".mkv"),
    (".webm", "libopus", ".webm"),
    (".mov", "pcm_s16le", ".mov"),
    (".mov", "pcm_s16le", ".mkv"),
    (".mkv", "pcm_s24le", ".mov"),
    (".avi", "libmp3lame", ".mp4"),
    (".avi", "pcm_s16le", ".mkv"),
]


def clip(tmp_path: Path, suffix: str, made: Made) -> Path:
    return make(tmp_path / f"in{suffix}", made)


def pictures_of(suffix: str) -> dict[str, Any]:
    return {"codec": "libvpx-vp9"} if suffix == ".webm" else {}


def heard(path: Path, track: int = 0) -> tuple[np.ndarray, Fraction]:
    """(samples of the first channel, when they begin, in seconds from the first picture)."""
    with av.open(str(path)) as container:
        zero = first_frame(container)
    with av.open(str(path)) as container:
        resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE)
        parts, begins = [], None
        for frame in container.decode(audio=track):
            begins = frame.pts * frame.time_base - zero if begins is None else begins
            parts += [one.to_ndarray()[0] for one in resampler.resample(frame)]
        parts += [one.to_ndarray()[0] for one in resampler.resample(None)]
    assert begins is not None
    return np.concatenate(parts), begins


@pytest.mark.parametrize(("into", "codec", "out"), COPIES)
@pytest.mark.parametrize("offset", [Fraction(0), Fraction(1, 2)], ids=["together", "sound later"])
def test_sound_is_copied_bit_for_bit_and_in_time(
    tmp_path: Path, into: str, codec: str, out: str, offset: Fraction
) -> None:
    if into == ".avi" and offset:
        pytest.skip("an .avi cannot hold an offset")
    source = clip(tmp_path, into, Made(tracks=[codec], sound_from=offset, **pictures_of(into)))
    assert copied(source, tmp_path / f"out{out}") == []
    before, after = sound_packets(source), sound_packets(tmp_path / f"out{out}")
    if "pcm" not in codec:  # such sound is cut into other packets
        assert [data for _, data in before] == [data for _, data in after]
        apart = max(abs(one[0] - other[0]) for one, other in zip(before, after, strict=True))
        assert apart <= 2 * MILLISECOND
    else:
        assert b"".join(data for _, data in before) == b"".join(data for _, data in after)
        assert abs(before[0][0] - after[0][0]) <= 2 * MILLISECOND


@pytest.mark.parametrize("out", [".mp4", ".mov", ".mkv"])
def test_sound_that_begins_before_the_pictures(tmp_path: Path, out: str) -> None:
    source = clip(tmp_path, ".mkv", Made(tracks=["libmp3lame"], picture_from=Fraction(1, 2)))
    copied(source, tmp_path / f"out{out}")
    before, after = sound_packets(source), sound_packets(tmp_path / f"out{out}")
    assert [data for _, data in before] == [data for _, data in after]
    assert max(abs(one[0] - other[0]) for one, other in zip(before, after, strict=True)) <= 2 * MILLISECOND
    with av.open(str(tmp_path / f"out{out}")) as container:
        assert abs(first_frame(container) - Fraction(1, 2)) < Fraction(1, 20)


@pytest.mark.parametrize("seconds", [Fraction(1, 4), Fraction(3)])
def test_sound_shorter_or_longer_than_the_pictures(tmp_path: Path, seconds: Fraction) -> None:
    source = clip(tmp_path, ".mp4", Made(tracks=["aac"], sound_seconds=seconds))
    for out in (".mp4", ".mkv"):
        assert copied(source, tmp_path / f"out{out}") == []
        assert sound_packets(tmp_path / f"out{out}")[-1][1] == sound_packets(source)[-1][1]


@pytest.mark.parametrize(
    ("into", "codec"), [(".mp4", "aac"), (".mkv", "libopus"), (".mov", "pcm_s16le"), (".ts", "aac")]
)
@pytest.mark.parametrize("out", [".mp4", ".mkv", ".mov", ".webm"])
def test_a_part_of_the_sound_stays_in_time(tmp_path: Path, into: str, codec: str, out: str) -> None:
    made = Made([picture(n) for n in range(120)], tracks=[codec], sound_seconds=Fraction(4), options={"g": "15"})
    source = clip(tmp_path, into, made)
    copied(source, tmp_path / f"out{out}", start=Fraction(3, 2), end=Fraction(5, 2))
    whole, whole_from = heard(source)
    part, part_from = heard(tmp_path / f"out{out}")
    assert abs(part_from) <= Fraction(25, 1000)
    assert abs(len(part) / RATE - 1) <= 0.06
    middle = part[RATE // 4 : RATE // 2].astype(float)  # the tone repeats every 109 samples: compare its place too
    place = round((Fraction(3, 2) + part_from - whole_from) * RATE) + RATE // 4
    losses = [np.abs(whole[place + shift : place + shift + len(middle)] - middle).mean() for shift in range(-54, 55)]
    assert abs(int(np.argmin(losses)) - 54) <= 48 + 1  # .mkv tells times to a millisecond


@pytest.mark.parametrize(
    ("into", "codec", "out", "said"),
    [
        (".mov", "pcm_s16le", ".mp4", "sound re-encoded from pcm_s16le to aac: .mp4 cannot hold it"),
        (".avi", "pcm_s16le", ".mp4", "sound re-encoded from pcm_s16le to aac: .mp4 cannot hold it"),
        (".mkv", "libopus", ".mov", "sound re-encoded from opus to aac: .mov cannot hold it"),
        (".mp4", "aac", ".webm", "sound re-encoded from aac to opus: .webm cannot hold it"),
        (".avi", "adpcm_ms", ".mkv", "sound re-encoded from adpcm_ms to opus: .mkv cannot hold it"),
        (".avi", "adpcm_ms", ".mp4", "sound re-encoded from adpcm_ms to aac: .mp4 cannot hold it"),
    ],
)
@pytest.mark.parametrize("offset", [Fraction(0), Fraction(1, 2)], ids=["together", "sound later"])
def test_sound_the_container_cannot_hold_is_made_anew(
    tmp_path: Path, into: str, codec: str, out: str, said: str, offset: Fraction
) -> None:
    if into == ".avi" and offset:
        pytest.skip("an .avi cannot hold an offset")
    source = clip(tmp_path, into, Made(tracks=[codec], sound_from=offset))
    assert copied(source, tmp_path / f"out{out}") == [said]
    before, before_from = heard(source)
    after, after_from = heard(tmp_path / f"out{out}")
    assert abs(len(after) - len(before)) / RATE <= 0.05
    place = RATE // 2
    shift = round((before_from - after_from) * RATE)
    losses = [
        np.abs(before[place : place + 8000].astype(float) - after[place + shift + n : place + shift + n + 8000]).mean()
        for n in range(-54, 55)
    ]
    assert abs(int(np.argmin(losses)) - 54) <= 49
    assert min(losses) < 700
    assert abs(after_from - before_from) <= Fraction(1, 20)


@pytest.mark.parametrize("out", [".mp4", ".mkv", ".mov"])
def test_several_tracks_and_their_languages(tmp_path: Path, out: str) -> None:
    source = clip(tmp_path, ".mp4", Made(tracks=["aac", "ac3"], languages=["eng", "fra"]))
    assert copied(source, tmp_path / f"out{out}") == []
    for track in (0, 1):
        before, after = sound_packets(source, track), sound_packets(tmp_path / f"out{out}", track)
        assert [data for _, data in before] == [data for _, data in after]
    with av.open(str(tmp_path / f"out{out}")) as container:
        assert [one.language for one in container.streams.audio] == ["eng", "fra"]


def test_only_the_track_that_does_not_fit_is_made_anew(tmp_path: Path) -> None:
    source = clip(tmp_path, ".mkv", Made(tracks=["libopus", "aac"]))
    notes = copied(source, tmp_path / "out.webm")
    assert notes == ["sound track 2 re-encoded from aac to opus: .webm cannot hold it"]
    assert [data for _, data in sound_packets(source)] == [data for _, data in sound_packets(tmp_path / "out.webm")]


def test_without_sound_when_told(tmp_path: Path) -> None:
    source = clip(tmp_path, ".mp4", Made(tracks=["aac"]))
    for out in video.CONTAINERS:
        assert copied(source, tmp_path / f"out{out}", sound=False) == []
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert not container.streams.audio


@pytest.mark.parametrize("out", [".webp", ".gif", ".frames"])
def test_what_holds_no_sound_says_so(tmp_path: Path, out: str) -> None:
    source = clip(tmp_path, ".mp4", Made(tracks=["aac"]))
    (note,) = copied(source, tmp_path / f"out{out}")
    assert note.startswith("sound left out: ")


def texts(path: Path) -> list[tuple[float, float, str]]:
    with av.open(str(path)) as container:
        found = []
        for packet in container.demux(container.streams.subtitles[0]):
            for one in packet.decode() if packet.size else ():
                begins = float(packet.pts * packet.time_base)
                found.append((begins, float(packet.duration * packet.time_base), one.dialogue.decode()))
        return found


@pytest.mark.parametrize(
    ("into", "kind", "out", "changed"),
    [
        (".mp4", "mov_text", ".mp4", ""),
        (".mp4", "mov_text", ".mov", ""),
        (".mkv", "subrip", ".mkv", ""),
        (".mkv", "ass", ".mkv", ""),
        (".mp4", "mov_text", ".mkv", "subtitles changed from mov_text to subrip: .mkv cannot hold them"),
        (".mkv", "subrip", ".mp4", "subtitles changed from subrip to mov_text: .mp4 cannot hold them"),
        (".mkv", "ass", ".mp4", "subtitles changed from ass to mov_text: .mp4 cannot hold them"),
    ],
)
def test_subtitles(tmp_path: Path, into: str, kind: str, out: str, changed: str) -> None:
    source = clip(tmp_path, into, Made(subtitles=kind))
    assert copied(source, tmp_path / f"out{out}") == ([changed] if changed else [])
    for (begins, lasts, words), wanted in zip(texts(tmp_path / f"out{out}"), SUBTITLES, strict=True):
        assert abs(begins - wanted[0]) < 0.03
        assert abs(lasts - wanted[1]) < 0.03
        assert words == wanted[2]
    with av.open(str(tmp_path / f"out{out}")) as container:
        # the old language codes of QuickTime have no "deu"
        assert out == ".mov" or container.streams.subtitles[0].language == "deu"


@pytest.mark.parametrize("out", [".mp4", ".mkv"])
@pytest.mark.parametrize("kind", ["subrip", "ass"])
def test_a_part_of_the_subtitles(tmp_path: Path, kind: str, out: str) -> None:
    source = clip(tmp_path, ".mkv", Made([picture(n) for n in range(30)], subtitles=kind, options={"g": "5"}))
    copied(source, tmp_path / f"out{out}", start=Fraction(3, 10), end=Fraction(8, 10))
    (first, second) = texts(tmp_path / f"out{out}")
    assert (first[2], second[2]) == ("first", "second")
    assert abs(first[0]) < 0.03
    assert abs(first[1] - 0.2) < 0.04
    assert abs(second[0] - 0.2) < 0.03


def test_subtitles_that_do_not_fit_are_told(tmp_path: Path) -> None:
    source = clip(tmp_path, ".mkv", Made(subtitles="ass"))
    assert copied(source, tmp_path / "out.webm") == ["subtitles (ass) left out: .webm holds webvtt"]


@pytest.mark.parametrize("out", [".mp4", ".mov", ".mkv", ".webm"])
def test_tags_and_chapters_are_kept_but_not_the_place(tmp_path: Path, out: str) -> None:
    tags = {"title": "Häuser", "artist": "someone", "location": "+48.1+011.5/"}
    chapters = [(0.0, 0.4, "one"), (0.4, 1.0, "two")]
    source = clip(tmp_path, ".mp4", Made(tags=tags, chapters=chapters, tracks=["aac"]))
    copied(source, tmp_path / f"out{out}")
    with av.open(str(tmp_path / f"out{out}")) as container:
        got = {key.lower(): value for key, value in container.metadata.items()}
        assert (got["title"], got["artist"]) == ("Häuser", "someone")
        assert not any("location" in key for key in got)
        found = [
            (float(one["start"] * one["time_base"]), float(one["end"] * one["time_base"]), one["metadata"]["title"])
            for one in container.chapters()
        ]
    assert found == chapters
    copied(source, tmp_path / f"part{out}", start=Fraction(1, 2))
    with av.open(str(tmp_path / f"part{out}")) as container:
        assert [one["metadata"]["title"] for one in container.chapters()] == ["two"]


@pytest.mark.parametrize("out", [".mp4", ".mov", ".mkv", ".webm"])
def test_a_private_file_tells_nothing_but_pictures_and_sound(tmp_path: Path, out: str) -> None:
    tags = {"title": "Mine", "artist": "someone", "creation_time": "2024-05-06T07:08:09Z", "make": "ACME phone"}
    tags |= {"location": "+48.1+011.5/", "com.apple.quicktime.location.ISO6709": "+48.1+011.5/"}
    made = Made(tags=tags, chapters=[(0.0, 1.0, "At Anna's")], tracks=["aac"], languages=["deu"], subtitles="mov_text")
    source = clip(tmp_path, ".mp4", made)
    named = tmp_path / "named.mkv"  # with tags of the tracks, too
    with av.open(str(source)) as into, av.open(str(named), "w") as made_of:
        made_of.metadata.update(into.metadata)
        chosen = [into.streams.video[0], into.streams.audio[0]]
        lanes = {one.index: made_of.add_stream_from_template(one, opaque=True) for one in chosen}
        for lane in lanes.values():
            lane.metadata.update({"title": "Anna", "handler_name": "ACME"})
        for packet in into.demux(chosen):
            if packet.size:
                packet.stream = lanes[packet.stream.index]
                made_of.mux(packet)
    for path in (source, named):
        done = tmp_path / f"{path.stem}-out{out}"
        notes = copied(path, done, private=True)
        assert ("subtitles left out: they may tell names, or the place" in notes) == (path == source)
        with av.open(str(done)) as container:
            told = " ".join([*container.metadata, *container.metadata.values()])
            told += " ".join(f"{key} {value}" for one in container.streams for key, value in one.metadata.items())
            assert [one.type for one in container.streams] == ["video", "audio"] and not container.chapters()
        assert not any(word in told for word in ("Anna", "ACME", "Mine", "someone", "48.1", "2024", "location"))
        assert not any(word in done.read_bytes() for word in (b"Anna", b"ACME", b"someone", b"+48.1", b"first"))
    copied(source, tmp_path / f"kept{out}")
    assert b"someone" in (tmp_path / f"kept{out}").read_bytes(), "elsewhere they are kept, so the test says something"


def test_damaged_sound_costs_no_pictures(tmp_path: Path) -> None:
    source = clip(tmp_path, ".mkv", Made(tracks=["flac"]))
    bad = tmp_path / "bad.mkv"
    with av.open(str(source)) as into, av.open(str(bad), "w") as out:
        lanes = {one.index: out.add_stream_from_template(one, opaque=True) for one in into.streams}
        for number, packet in enumerate(one for one in into.demux() if one.size):
            if packet.stream.type == "audio" and number % 2:
                rubbish = av.Packet(b"\xff" * 40)
                rubbish.pts, rubbish.dts, rubbish.time_base = packet.pts, packet.dts, packet.time_base
                rubbish.stream = lanes[packet.stream.index]
                packet = rubbish
            else:
                packet.stream = lanes[packet.stream.index]
            out.mux(packet)
    for name in ("out.webm", "out.mkv"):
        copied(bad, tmp_path / name)
        with video.open_clip(tmp_path / name) as there:
            assert len(list(there.frames())) == 30


def test_a_clip_whose_sound_comes_after_all_pictures(tmp_path: Path) -> None:
    source = clip(tmp_path, ".mkv", Made(tracks=["aac"]))
    apart = tmp_path / "apart.mkv"  # the file holds one whole track after another
    with av.open(str(apart), "w", container_options={"max_interleave_delta": "0"}) as out:
        for kind in ("video", "audio"):
            with av.open(str(source)) as into:
                if kind == "video":
                    lanes = {one.type: out.add_stream_from_template(one, opaque=True) for one in into.streams}
                for packet in into.demux(into.streams.get(**{kind: 0})):
                    if packet.size:
                        packet.stream = lanes[kind]
                        out.mux(packet)
    copied(apart, tmp_path / "out.mp4")
    assert len(sound_packets(tmp_path / "out.mp4")) == len(sound_packets(source))


REFUSED = [
    (".mkv", "libmp3lame", 11025, ".mp4", "mp3 of 11025 Hz to aac"),
    (".avi", "libmp3lame", 8000, ".mp4", "mp3 of 8000 Hz to aac"),
    (".mkv", "libmp3lame", 12000, ".mov", None),
    (".mkv", "libmp3lame", 11025, ".webm", "mp3 to opus"),
    (".mov", "pcm_s16be", 11025, ".mkv", "pcm_s16be to opus"),
    (".avi", "pcm_u8", 11025, ".mp4", "pcm_u8 to aac"),
    (".avi", "pcm_u8", 11025, ".mkv", None),
    (".mov", "pcm_mulaw", 8000, ".mp4", "pcm_mulaw to aac"),
    (".avi", "adpcm_ima_wav", 11025, ".mov", "adpcm_ima_wav to aac"),
    (".mkv", "flac", 44100, ".mov", "flac to aac"),
    (".mkv", "flac", 44100, ".webm", "flac to opus"),
    (".mkv", "ac3", 32000, ".webm", "ac3 to opus"),
    (".mkv", "aac", 7350, ".mp4", None),
]


@pytest.mark.parametrize(("into", "codec", "rate", "out", "said"), REFUSED)
def test_sound_of_any_rate_goes_along(
    tmp_path: Path, into: str, codec: str, rate: int, out: str, said: str | None
) -> None:
    source = make(tmp_path / f"in{into}", Made(codec="mpeg4", tracks=[codec], sound_rate=rate))
    notes = copied(source, tmp_path / f"out{out}")
    assert notes == ([f"sound re-encoded from {said}: {out} cannot hold it"] if said else [])
    before, after = (heard(path)[0].astype(float) for path in (source, tmp_path / f"out{out}"))
    assert abs(len(after) - len(before)) / RATE <= 0.35, "a packet and the encoder's run-up"
    assert abs(np.abs(after).mean() - np.abs(before).mean()) < 0.2 * np.abs(before).mean()


@pytest.mark.parametrize("out", [".mp4", ".webm", ".mkv", ".mov"])
@pytest.mark.parametrize("layout", ["mono", "2.1", "4.0", "5.1(side)", "6.1", "7.1", "hexadecagonal"])
def test_sound_of_any_channels_goes_along(tmp_path: Path, layout: str, out: str) -> None:
    """This runs in a process of its own, as reading the channels of a .mov in the wrong way crashes the process."""
    source = make(tmp_path / "in.mov", Made([picture(0)], tracks=["pcm_s16le"], layout=layout))
    code = (
        "import sys; from pathlib import Path; from tests.video.drawn import copied; "
        "print(copied(Path(sys.argv[1]), Path(sys.argv[2])))"
    )
    run = [sys.executable, "-c", code, str(source), str(tmp_path / f"out{out}")]
    done = subprocess.run(run, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert ("re-encoded" in done.stdout) == (out in (".mp4", ".webm"))
    with av.open(str(tmp_path / f"out{out}")) as container:
        assert len([packet for packet in container.demux(container.streams.audio[0]) if packet.size]) > 20


def test_packets_of_the_same_millisecond_are_no_damage(tmp_path: Path) -> None:
    source = make(tmp_path / "in.mkv", Made(tracks=["pcm_s16le"], sound_block=30))
    assert copied(source, tmp_path / "out.mkv") == []
    assert len(sound_packets(tmp_path / "out.mkv")) == len(sound_packets(source)) > 1000
