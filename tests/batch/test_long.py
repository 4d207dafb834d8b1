"""A clip of four hours: memory stays as it is, and the last frame is shown at its very time."""

import os
import weakref
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from standout.batch import clip
from standout.types import Image, Mask
from tests.batch.test_clip import WORK, task
from tests.fakes import LeftHalf, changed
from tests.video.drawn import Made, make, picture

HOURS, STEP = 4, 4_000_000
"""A picture every four seconds, in a unit of time so fine that four hours of it do not fit into 32 bits."""

COUNT = HOURS * 3600 * 1_000_000 // STEP


@pytest.fixture
def four_hours(tmp_path: Path) -> Path:
    """Thirty pictures over and over, as packets: that is quick."""
    made = Made([picture(n, 48, 64) for n in range(30)], base=Fraction(STEP, 1_000_000), rate=Fraction(1_000_000, STEP))
    source = make(tmp_path / "short.mkv", made)
    with av.open(str(source)) as short, av.open(str(tmp_path / "long.mp4"), "w") as out:
        stream = out.add_stream_from_template(short.streams.video[0], opaque=True)
        stream.time_base = Fraction(1, 1_000_000)
        packets = [packet for packet in short.demux(video=0) if packet.size]
        times = [(round(one.pts * one.time_base * 1_000_000), number) for number, one in enumerate(packets)]
        for begins in range(0, COUNT, 30):
            for number, (packet, (pts, _)) in enumerate(zip(packets, times, strict=True)):
                again = av.Packet(bytes(packet))
                again.is_keyframe, again.stream, again.time_base = packet.is_keyframe, stream, Fraction(1, 1_000_000)
                again.pts, again.dts = pts + begins * STEP, (begins + number - 3) * STEP
                again.duration = STEP
                out.mux(again)
    return tmp_path / "long.mp4"


def resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs /proc")
@pytest.mark.parametrize("resume", [False, True], ids=["at one go", "in chunks"])
def test_four_hours(four_hours: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, resume: bool) -> None:
    monkeypatch.setattr(clip, "CHUNK", 60)
    alive, most, sizes = set[int](), [0], list[int]()

    class Watches(LeftHalf):
        count = 0

        def probability(self, image: Image) -> Mask:
            self.count += 1
            alive.add(self.count)
            weakref.finalize(image, alive.discard, self.count)
            most[0] = max(most[0], len(alive))
            if self.count % 600 == 0:
                sizes.append(resident())
            return super().probability(image)

    out = tmp_path / "out.mp4"
    found = changed(WORK, finder=Watches(), half_life=0.2, refine=False, resume=resume)(task(four_hours, out))
    assert found.frames == COUNT == 3600
    assert most[0] <= 14
    assert sizes[-1] - sizes[0] < 10_000_000, "all frames together are 33 MB"
    with av.open(str(out)) as container:
        stream = container.streams.video[0]
        times = sorted(packet.pts for packet in container.demux(stream) if packet.size)
        assert stream.time_base == Fraction(1, 1_000_000)
    np.testing.assert_array_equal(np.diff(times), STEP)
    assert times[-1] - times[0] == (COUNT - 1) * STEP > 1 << 33
