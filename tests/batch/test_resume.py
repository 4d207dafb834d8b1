"""Clips that are stopped and gone on with: the same file, bit for bit, as if nothing had been."""

import os
import resource
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from threading import Event

import av
import numpy as np
import pytest

from standout import metrics, video
from standout.batch import clip as clip_module
from standout.batch.clip import ClipJob
from standout.batch.clip_pictures import Excerpt
from standout.effects import Blur, Color, Cut, Replace
from standout.errors import InputError, OutputError
from standout.masks.temporal import TemporalFilter
from standout.types import Frame, Image, Mask
from standout.video import decode
from standout.video.write.chunk_store import ChunkStore, folder_of
from standout.video.write.encoder import Encoding, VideoEncoder
from tests.batch.test_clip import RED, task
from tests.fakes import changed, clip_job
from tests.video.drawn import Made, frame_times, make, picture, sound_packets
from tests.waiting import LIMIT, started, until

FRAMES, CHUNK = 50, 12
MUXED = {suffix: one for suffix, one in video.CONTAINERS.items() if one.format}
OPAQUE = [(suffix, codec, False) for suffix, one in MUXED.items() for codec in one.codecs]
ALPHA = [
    (suffix, None, True) for suffix, one in video.CONTAINERS.items() if one.alpha and suffix not in (".gif", ".webp")
]


class Unsure:
    """A network that sees people where the picture is bright, and is not sure: steadying has work to do."""

    def probability(self, image: Image) -> Mask:
        small = image[::2, ::2, 0].astype(np.float32) / 255
        noise = np.float32(0.2) * np.float32(int(image[::7, ::5].sum()) % 7 / 7 - 0.5)
        return np.clip(small + noise, 0, 1).astype(np.float32)


WORK = clip_job(Unsure(), RED, half_life=0.3, resume=True)


@pytest.fixture(autouse=True)
def short_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clip_module, "CHUNK", CHUNK)


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return long(tmp_path / "in.mp4")


def long(path: Path, made: Made | None = None) -> Path:
    made = made or Made(tracks=["aac"], sound_seconds=Fraction(5, 3))
    return make(path, replace(made, pictures=[picture(n, *made.pictures[0].shape[:2]) for n in range(FRAMES)]))


def stopped(work: ClipJob, source: Path, target: Path, *, after: int) -> list[str]:
    """What is in the work folder, once the work was stopped after so many frames of this run."""
    count = [0]

    def advance(done: int, total: int | None) -> None:
        count[0] += 1
        if count[0] == after:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        changed(work, progress=advance)(task(source, target))
    assert not target.exists()
    return sorted(path.name for path in folder_of(target).iterdir()) if folder_of(target).exists() else []


def content(path: Path) -> dict[str, bytes]:
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    return {file.name if path.is_dir() else "": file.read_bytes() for file in files}


def twice(work: ClipJob, source: Path, folder: Path, suffix: str, *, stops: tuple[int, ...] = (30, 20)) -> Path:
    """The result of a work that was stopped and gone on with, having seen that it is the one of a work that was not."""
    whole, parts = folder / f"whole{suffix}", folder / f"parts{suffix}"
    once = work(task(source, whole))
    for after in stops:
        stopped(work, source, parts, after=after)
    seen: list[int] = []
    again = changed(work, progress=lambda done, total: seen.append(done))(task(source, parts))
    assert again == once
    assert seen == list(range(seen[0], FRAMES + 1)) and seen[0] > CHUNK, "what was finished is not done again"
    assert content(parts) == content(whole)
    assert not [path.name for path in folder.iterdir() if path.name.startswith(".")]
    return parts


@pytest.mark.slow
@pytest.mark.parametrize(("suffix", "codec", "alpha"), [*OPAQUE, *ALPHA])
def test_every_container_is_the_same_as_at_one_go(
    clip: Path, tmp_path: Path, suffix: str, codec: str | None, alpha: bool
) -> None:
    work = changed(WORK, codec=codec)
    if alpha:
        work = changed(work, effect=Cut(decontaminate=False))
    out = twice(work, clip, tmp_path, suffix)
    plain = tmp_path / f"plain{suffix}"
    changed(work, resume=False)(task(clip, plain))
    if suffix == ".frames":
        assert content(out) == content(plain) and len(content(out)) == FRAMES
        return
    assert frame_times(out) == frame_times(plain)
    assert sound_packets(out) == sound_packets(plain)
    decodes_in_order(out)
    for one, other in zip(decoded(out), decoded(plain), strict=True):
        assert np.abs(one - other).mean() < 3, "chunks look as the rest does"
        assert codec != "prores" or np.array_equal(one, other), "each frame by itself: not even the mask has a seam"
    if alpha:
        assert decoded(out)[0].shape[2] == 4 and decoded(out)[-1][..., 3].std() > 20


def decoded(path: Path) -> list[np.ndarray]:
    """Pixels with their transparency, which FFmpeg's own decoder of VP9 would leave out."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        tags = {name.lower() for name in stream.metadata}
        if "alpha_mode" not in tags:
            kind = "rgba" if "a" in (stream.pix_fmt or "") else "rgb24"
            return [frame.to_ndarray(format=kind).astype(int) for frame in container.decode(video=0)]
        decoder = av.CodecContext.create("libvpx-vp9", "r")
        packets = [*container.demux(stream), None]
        frames = [frame for packet in packets if packet is None or packet.size for frame in decoder.decode(packet)]
        return [frame.to_ndarray(format="rgba").astype(int) for frame in frames]


def decodes_in_order(path: Path) -> None:
    with av.open(str(path)) as container:
        packets = [one for one in container.demux(video=0) if one.size]
    decoded_at = [one.dts for one in packets if one.dts is not None]
    assert decoded_at == sorted(set(decoded_at))
    assert all(one.pts is not None and (one.dts is None or one.dts <= one.pts) for one in packets)
    assert packets[0].is_keyframe


@dataclass(frozen=True)
class Case:
    """A clip, and what is done with it."""

    made: Made = field(default_factory=Made)
    suffix: str = ".mp4"
    excerpt: Excerpt = field(default_factory=Excerpt)
    into: str = ".mp4"


FAST_THEN_SLOW = [10 * n if n < CHUNK else 10 * CHUNK + 500 * (n - CHUNK) for n in range(FRAMES)]
UNEVEN = [n * n // 3 + 4 * n for n in range(FRAMES)]
CASES = {
    "uneven times": Case(Made(times=UNEVEN, base=Fraction(1, 1000))),
    "uneven times, pictures decoded out of order": Case(Made(times=UNEVEN, base=Fraction(1, 1000)), into=".mkv"),
    "fast, then slow": Case(Made(times=FAST_THEN_SLOW, base=Fraction(1, 1000))),
    "milliseconds": Case(suffix=".mkv", into=".webm"),
    "a part": Case(excerpt=Excerpt(Fraction(1, 10), Fraction(8, 5))),
    "a part that begins between frames": Case(Made(options={"g": "7"}), excerpt=Excerpt(Fraction(31, 300))),
    "a constant rate": Case(Made(times=UNEVEN, base=Fraction(1, 300)), excerpt=Excerpt(rate=Fraction(53, 3))),
    "more frames than there are": Case(Made(times=UNEVEN, base=Fraction(1, 900)), excerpt=Excerpt(rate=Fraction(60))),
    "a constant rate of a part": Case(excerpt=Excerpt(Fraction(1, 7), None, Fraction(40))),
    "smaller": Case(excerpt=Excerpt(max_side=64)),
    "turned": Case(Made(turn=(90, False, False))),
    "odd": Case(Made(pictures=[picture(0, 95, 127)], pixels="yuv444p")),
    "oblong pixels": Case(Made(aspect=Fraction(16, 11)), into=".webm"),
    "no index": Case(suffix=".ts"),
    "no times": Case(Made(codec="mpeg4", options={"g": "9"}), suffix=".avi"),
    "begins late": Case(Made(tracks=["libmp3lame"], picture_from=Fraction(1, 2)), suffix=".mkv"),
    "few key frames": Case(Made(options={"g": "500"})),
    "all key frames": Case(Made(options={"g": "1"})),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_every_kind_of_clip_goes_on_in_the_right_place(tmp_path: Path, name: str) -> None:
    case = CASES[name]
    source = long(tmp_path / f"in{case.suffix}", case.made)
    work = changed(WORK, excerpt=case.excerpt)
    plain = tmp_path / f"plain{case.into}"
    count = changed(work, resume=False)(task(source, plain)).frames
    assert count is not None
    whole, parts = tmp_path / f"whole{case.into}", tmp_path / f"parts{case.into}"
    once = work(task(source, whole))
    stopped(work, source, parts, after=17)
    stopped(work, source, parts, after=14)
    assert work(task(source, parts)) == once
    assert parts.read_bytes() == whole.read_bytes()
    assert once.frames == count
    assert frame_times(parts) == frame_times(plain)
    decodes_in_order(parts)


def test_a_moving_background_goes_on_too(clip: Path, tmp_path: Path) -> None:
    for count in (7, 200):  # over and over, and longer than the clip
        behind = make(tmp_path / f"behind{count}.mp4", Made(pictures=[picture(3 * n, 60, 80) for n in range(count)]))
        folder = tmp_path / str(count)
        folder.mkdir()

        effect = Replace(behind, decontaminate=False)
        out = twice(changed(WORK, effect=effect, workers=3), clip, folder, ".frames")
        plain = folder / "plain.frames"
        changed(WORK, effect=effect, workers=1, resume=False)(task(clip, plain))
        assert content(out) == content(plain)


def test_the_threads_of_the_beginning_stay(clip: Path, tmp_path: Path) -> None:
    """Encoders make other bytes with others."""
    whole, out = tmp_path / "whole.mp4", tmp_path / "out.mp4"
    WORK(task(clip, whole))
    stopped(WORK, clip, out, after=30)
    changed(WORK, workers=5)(task(clip, out))
    assert out.read_bytes() == whole.read_bytes()


@pytest.mark.parametrize("codec", video.CODECS)
def test_encoders_make_the_same_of_the_same(clip: Path, codec: str) -> None:
    height, width = 180, 320  # no whole blocks: there, x264 with AVX-512 differs in one of ten
    target = MUXED[".mov" if codec == "prores" else ".mp4"]
    pictures, made = [picture(n, height, width) for n in range(CHUNK)], set()
    with video.open_clip(clip) as like:
        for _ in range(60 if codec == "h264" else 8):
            encoder = VideoEncoder(like, Encoding(target, codec, (height, width), False, None, None, 2))
            packets = []
            for number, one in enumerate(pictures):
                packets += encoder.encode(encoder.prepare(one), Fraction(number, 30), Fraction(1, 30))
            made.add(b"".join(map(bytes, [*packets, *encoder.flush()])))
    assert len(made) == 1


def test_times_too_near_for_the_unit_go_on_apart(clip: Path) -> None:
    with video.open_clip(clip) as like:
        encoder = VideoEncoder(like, Encoding(MUXED[".mov"], "prores", (96, 128), False, None, None, 1), after=5)
        packets = [
            packet
            for time in (4, 5, 9)
            for packet in encoder.encode(encoder.prepare(picture(0)), time * encoder.base, encoder.base)
        ]
    assert [packet.pts for packet in [*packets, *encoder.flush()]] == [6, 7, 9]


def test_an_interruption_in_the_first_chunk_leaves_nothing(clip: Path, tmp_path: Path) -> None:
    assert stopped(WORK, clip, tmp_path / "out.mp4", after=CHUNK) == []
    assert [path.name for path in tmp_path.iterdir()] == ["in.mp4"]


def test_a_work_that_is_told_to_stop_goes_on(clip: Path, tmp_path: Path) -> None:
    stop, out = Event(), tmp_path / "out.mp4"
    with pytest.raises(InputError, match=r"after 30 frames, .*: interrupted; the same command goes on"):
        changed(WORK, stop=stop, progress=lambda done, total: stop.set() if done == 30 else None)(task(clip, out))
    seen: list[int] = []
    changed(WORK, progress=lambda done, total: seen.append(done))(task(clip, out))
    assert seen[0] == 2 * CHUNK + 1


def test_the_folder_holds_what_is_finished(clip: Path, tmp_path: Path) -> None:
    names = stopped(WORK, clip, tmp_path / "out.mp4", after=2 * CHUNK + 3)
    finished = [name for name in names if name.endswith(".npz")]
    assert finished == ["00000.npz", "00001.npz"] and not [name for name in names if name.endswith(".part")]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"effect": Color("blue", decontaminate=False)}, "color was red, is blue"),
        ({"half_life": 0.1}, "half_life was 0.3, is 0.1"),
        ({"every_frame": True}, "every_frame was False, is True"),
        ({"excerpt": Excerpt(end=Fraction(3, 2))}, "end was None, is 3/2"),
        ({"quality": 50, "sound": False}, "quality was None, is 50, sound was True, is False"),
        ({"seen_by": {"model": "another"}}, "model was none, is another"),
    ],
)
def test_another_work_is_refused(clip: Path, tmp_path: Path, change: dict[str, object], said: str) -> None:
    out = tmp_path / "out.mp4"
    stopped(WORK, clip, out, after=30)
    before = content(folder_of(out))
    with pytest.raises(
        OutputError, match=rf"\.out\.mp4\.segments holds the beginning of another work: {said}; "
    ) as raised:
        changed(WORK, **change)(task(clip, out))  # type: ignore[arg-type]
    assert f"delete {folder_of(out)}, or give another -o" in str(raised.value)
    assert content(folder_of(out)) == before
    shutil.rmtree(folder_of(out))
    changed(WORK, **change)(task(clip, out))  # type: ignore[arg-type]
    assert out.exists()


def test_another_clip_of_the_same_name_is_refused(clip: Path, tmp_path: Path) -> None:
    stopped(WORK, clip, tmp_path / "out.mp4", after=30)
    os.utime(clip, (1, 1))
    with pytest.raises(OutputError, match=r"source's time was \d+, is 1000000000;"):
        WORK(task(clip, tmp_path / "out.mp4"))


def test_without_resume_nothing_begun_is_looked_at(clip: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    stopped(WORK, clip, out, after=30)
    changed(WORK, resume=False, half_life=0.0)(task(clip, out))
    assert out.exists() and folder_of(out).exists()


@pytest.mark.parametrize("harm", ["index", "packets", "no index", "job"])
def test_a_chunk_that_is_not_whole_is_made_anew(clip: Path, tmp_path: Path, harm: str) -> None:
    """As after a power cut: what was written last is cut off."""
    whole, out = tmp_path / "whole.mp4", tmp_path / "out.mp4"
    WORK(task(clip, whole))
    stopped(WORK, clip, out, after=40)
    folder = folder_of(out)
    (folder / "00003.packets").write_bytes(b"begun")
    if harm == "job":
        (folder / "job.json").write_bytes(b'{"job"')
        with pytest.raises(OutputError, match=r"job\.json is damaged; go on as it was begun, delete"):
            WORK(task(clip, out))
        return
    if harm == "no index":
        (folder / "00002.npz").unlink()
    else:
        path = folder / f"00002.{'npz' if harm == 'index' else 'packets'}"
        path.write_bytes(path.read_bytes()[:-50])
    seen: list[int] = []
    changed(WORK, progress=lambda done, total: seen.append(done))(task(clip, out))
    assert seen[0] == 2 * CHUNK + 1
    assert out.read_bytes() == whole.read_bytes()


def test_two_at_once_are_refused(clip: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    with video.open_clip(clip):
        held = ChunkStore(out, {}, threads=1)
        with pytest.raises(OutputError, match="is in use by another process; wait for it, or end it"):
            WORK(task(clip, out))
        held.remove()
    WORK(task(clip, out))


@pytest.mark.parametrize("suffix", [".gif", ".webp"])
def test_what_cannot_be_joined_says_so(clip: Path, tmp_path: Path, suffix: str) -> None:
    with pytest.raises(OutputError, match=rf"a {suffix} cannot be put together from finished chunks; use another"):
        WORK(task(clip, tmp_path / f"out{suffix}"))
    assert [path.name for path in tmp_path.iterdir()] == ["in.mp4"]


def test_what_is_there_is_kept(clip: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    out.write_bytes(b"mine")
    with pytest.raises(OutputError, match=r"out.mp4 exists and is kept"):
        WORK(task(clip, out))
    assert out.read_bytes() == b"mine" and not folder_of(out).exists()
    changed(WORK, overwrite=True)(task(clip, out))
    assert len(frame_times(out)) == FRAMES


@pytest.mark.parametrize(("room", "finished"), [(40_000, 3), (90_000, 4)], ids=["in a chunk", "at the end"])
def test_a_full_disk_keeps_what_is_finished(tmp_path: Path, room: int, finished: int) -> None:
    rng = np.random.default_rng(0)
    quiet = [picture(n) for n in range(30)]
    loud = [rng.integers(0, 255, (96, 128, 3), np.uint8) for _ in range(20)]
    source = make(tmp_path / "in.mp4", Made(pictures=quiet + loud, options={"crf": "10"}))
    work = changed(WORK, effect=Blur(0))
    whole, out = tmp_path / "whole.mp4", tmp_path / "out.mp4"
    work(task(source, whole))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, before[1]))
    try:
        with pytest.raises(OutputError, match=r"out.mp4: no space left for \d+ bytes; free some"):
            work(task(source, out))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not out.exists()
    kept = [path.name for path in folder_of(out).glob("*.npz")]
    assert len(kept) == finished
    seen: list[int] = []
    changed(work, progress=lambda done, total: seen.append(done))(task(source, out))
    assert seen[0] == finished * CHUNK + 1
    assert out.read_bytes() == whole.read_bytes()


def test_where_seeking_misleads_all_is_decoded_again(
    clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, out = tmp_path / "whole.mp4", tmp_path / "out.mp4"
    WORK(task(clip, whole))
    stopped(WORK, clip, out, after=30)
    honest, calls = decode._packets, []

    def misleads(container: object, stream: object, clip: object, start: Fraction | None) -> object:
        calls.append(start)
        packets = honest(container, stream, clip, start)  # type: ignore[arg-type]
        if start is None:
            return packets
        return (packet for packet in packets if (packet.pts or 0) * packet.time_base > start)

    monkeypatch.setattr(decode, "_packets", misleads)
    WORK(task(clip, out))
    assert [start is None for start in calls] == [False, True]
    assert out.read_bytes() == whole.read_bytes()


def test_a_clip_that_decodes_otherwise_is_refused(clip: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    stopped(WORK, clip, out, after=30)
    status = clip.stat()
    other = make(tmp_path / "other.mp4", Made(pictures=[picture(n + 1) for n in range(FRAMES)]))
    data = other.read_bytes()[: status.st_size]
    clip.write_bytes(data + bytes(status.st_size - len(data)))
    os.utime(clip, ns=(status.st_atime_ns, status.st_mtime_ns))
    with pytest.raises(InputError, match="the clip's frames are not the same as before; delete the folder of chunks"):
        WORK(task(clip, out))


def test_flicker_is_told_and_goes_on_too(clip: Path, tmp_path: Path) -> None:
    work = changed(WORK, measure=True, every_frame=True)
    once = work(task(clip, tmp_path / "whole.mp4"))
    out = tmp_path / "parts.mp4"
    stopped(work, clip, out, after=30)
    assert work(task(clip, out)) == once, "flicker too"
    with video.open_clip(clip) as opened:
        size = video.PlanarSize((opened.height, opened.width), 640)
        frames = list(opened.planar_frames(size))  # the job looks at their small pictures
    raw = [Unsure().probability(frame.image) for frame in frames]
    steady = TemporalFilter(WORK.options.half_life)
    calm = [steady(mask, frame.image, frame.time) for mask, frame in zip(raw, frames, strict=True)]
    assert once.flicker_before == pytest.approx(metrics.flicker(frames, raw))
    assert once.flicker_after == pytest.approx(metrics.flicker(frames, calm))
    assert once.flicker_before is not None and once.flicker_after is not None
    assert 0 < once.flicker_after < 0.8 * once.flicker_before


@pytest.mark.parametrize("chunk", [CHUNK, CHUNK + 1])
def test_masks_that_are_carried_go_on_too(clip: Path, tmp_path: Path, chunk: int) -> None:
    """Chunks of odd length end on frames that the network saw, and on others that it did not."""
    seen: list[Image] = []

    class Counts(Unsure):
        def probability(self, image: Image) -> Mask:
            seen.append(image)
            return super().probability(image)

    work = changed(WORK, finder=Counts(), measure=True, chunk=chunk)
    once = work(task(clip, tmp_path / "whole.mp4"))
    assert FRAMES // 2 <= len(seen) < FRAMES, "masks are carried, which is what is to be tested"
    out = tmp_path / "parts.mp4"
    stopped(work, clip, out, after=30)
    assert work(task(clip, out)) == once
    assert out.read_bytes() == (tmp_path / "whole.mp4").read_bytes()


def test_flicker_is_not_told_of_a_rest(clip: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    stopped(WORK, clip, out, after=30)
    found = changed(WORK, measure=True)(task(clip, out))
    assert (found.flicker_before, found.flicker_after) == (None, None)


def test_a_steady_restored_goes_on_as_the_other() -> None:
    whole, first, second = TemporalFilter(0.3), TemporalFilter(0.3), TemporalFilter(0.3)
    second.restore(first.state())
    for number in range(12):
        frame = Frame(picture(number), Fraction(number, 30))
        mask = Unsure().probability(frame.image)
        if number == 7:
            second.restore(first.state())
            first = second
        np.testing.assert_array_equal(whole(mask, frame.image, frame.time), first(mask, frame.image, frame.time))


COMMAND = """
import os, sys, time
from standout.batch import clip as clip_module
from standout.cli import main
from standout.video.write.chunk_store import ChunkStore

write = ChunkStore.write

def held(self, packets):
    write(self, packets)
    if str(self.count) == os.environ.get("HELD"):  # in that chunk, until the signal comes
        time.sleep(1000)

clip_module.CHUNK, ChunkStore.write = 10, held
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="other signals")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_killed_command_goes_on(clip: Path, tmp_path: Path, number: signal.Signals) -> None:
    def command(out: str) -> list[str]:
        options = ["--runtime", "onnx", "--resume", "-o", out, "--report", f"{out}.jsonl", "-j", "2"]
        return [sys.executable, "-c", COMMAND, "blur", "in.mp4", *options]

    assert subprocess.run(command("whole.mp4"), cwd=tmp_path, capture_output=True).returncode == 0
    folder = folder_of(tmp_path / "out.mp4")
    for finished in (1, 3):
        index, env = folder / f"{finished - 1:05d}.npz", os.environ | {"HELD": str(finished)}
        with started(command("out.mp4"), cwd=tmp_path, stderr=subprocess.PIPE, env=env) as process:
            until(index.exists, f"{index.name} was there", process=process)
            process.send_signal(number)
            _, said = process.communicate(timeout=LIMIT)
        assert process.returncode not in (0, 1)
        if number == signal.SIGINT:
            assert process.returncode == 130
            assert b"interrupted; the same command goes on from the last minute that was finished" in said
    assert not (tmp_path / "out.mp4").exists()
    again = subprocess.run(command("out.mp4"), cwd=tmp_path, capture_output=True)
    assert again.returncode == 0, again.stderr
    assert (tmp_path / "out.mp4").read_bytes() == (tmp_path / "whole.mp4").read_bytes()
    assert not folder.exists()
