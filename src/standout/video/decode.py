"""Clip -> its frames: seek, decode, skip what is damaged, resample, turn upright.

    start, end   Fraction     seconds from the clip's first frame
    Frame        image uint8 (H, W, 3) upright RGB; time Fraction, seconds from start
    Turn         how a decoded picture gets upright, from the file's display matrix

To add a step over decoded frames: an iterator over Timed, put between _timed and frames.
"""

from __future__ import annotations

import contextlib
import itertools
import struct
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from standout.types import Frame, Image, Mask
from standout.video import color
from standout.video.color import Colors

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

    from standout.video.clip import Clip

_BESIDE = {"vp8": "libvpx", "vp9": "libvpx-vp9"}
"""Codecs whose transparency FFmpeg's own decoders pass over -> those that decode it."""

Item = TypeVar("Item")
Timed: TypeAlias = "tuple[Fraction, VideoFrame]"
_SAID_SINGLY = 5
"""Damaged frames that are named one by one; the others are counted."""


_FLASH = Fraction(1, 1000)
"""Seconds; frames nearer to each other than that flash by, and have a wrong time."""

_MOST_WAITING = 8
"""Frames without a time that are held until one has one."""

_BACK = (0, 1, 4, 16, 64)
"""Seconds before the wanted time, tried one after another, where reading may begin."""


class BrokenStream(Exception):
    """The file cannot be read further."""


@dataclass
class Lost:
    """How many frames could not be decoded."""

    count: int = 0


def frames(
    clip: Clip, *, start: Fraction, end: Fraction | None, rate: Fraction | None, onward: Fraction, seek: bool
) -> Generator[Frame, None, None]:
    """The clip's frames; see Clip.frames."""
    from standout.video.clip import contain, track

    if end is not None and end <= start:
        return
    with contain(clip.path) as container:
        stream = track(container, clip)
        stream.thread_type = "AUTO"
        decoder = alpha_decoder(stream) if clip.alpha else None
        begin = start + onward if seek else start
        packets = _packets(container, stream, clip, clip.zero + begin if begin > 0 else None)
        shown = _from(_until(_timed(clip, packets, decoder, begin), end), start, clip)
        settled = clip.colors.settled(clip.coded[0])
        last: tuple[VideoFrame, tuple[Image, Mask | None]] | None = None
        for time, frame in shown if rate is None else resampled(shown, rate, clip.rate):
            if time < onward:
                continue
            if last is None or last[0] is not frame:
                last = frame, _upright(clip, frame, settled)
            image, alpha = last[1]
            yield Frame(image, time, alpha)


def alpha_decoder(stream: VideoStream) -> av.VideoCodecContext | None:
    """What decodes the transparency of VP8 and VP9, which lies beside their packets; None where the codec itself does.

    Raises av.codec.codec.UnknownCodecError where this build of FFmpeg lacks it.
    """
    told = {name.lower(): value for name, value in stream.metadata.items()}
    name = _BESIDE.get(stream.codec_context.codec.canonical_name)
    if name is None or told.get("alpha_mode") != "1":
        return None
    decoder = av.CodecContext.create(name, "r")
    assert isinstance(decoder, av.VideoCodecContext)
    decoder.extradata = stream.codec_context.extradata
    return decoder


def decoded(
    packets: Iterator[Packet[VideoStream]], lost: Lost, decoder: av.VideoCodecContext | None = None
) -> Iterator[VideoFrame]:
    """Frames in the order they are shown, those marked corrupt included; others that are damaged are left out.

    decoder: None = the track's own.

    Raises BrokenStream when the file itself cannot be read further.
    """
    while True:
        try:
            packet = next(packets, None)
        except IndexError:  # av, at the end, of a file where a track turned up on the way
            return
        except (av.error.FFmpegError, OSError, ValueError) as error:
            raise BrokenStream(str(getattr(error, "strerror", None) or error)) from error
        if packet is None:
            return
        try:
            found = packet.decode() if decoder is None else decoder.decode(packet if packet.size else None)
        except av.error.EOFError:
            return
        except (av.error.FFmpegError, ValueError, MemoryError):
            lost.count += 1
            continue
        yield from found


def _timed(
    clip: Clip, packets: Iterator[Packet[VideoStream]], decoder: av.VideoCodecContext | None, start: Fraction
) -> Iterator[Timed]:
    """Frames with their times, in seconds from the clip's first; the clip's warnings say what was damaged."""
    lost, said = Lost(), 0
    last: Fraction | None = None
    try:
        for time, frame in evened(((_stamp(clip, one), one) for one in decoded(packets, lost, decoder)), 1 / clip.rate):
            if frame.is_corrupt:
                lost.count += time >= start  # before it: what leads up to the key frame we began at
            said = _report(clip, lost, said, last or Fraction(0))
            if not frame.is_corrupt:
                last = time
                yield time, frame
    except BrokenStream as error:
        clip.warnings.append(f"is damaged from {float(last or 0):.2f} s on ({error}); what is before was used")
        return
    ends = last or Fraction(0)
    _report(clip, lost, said, ends)
    if clip.duration is not None and ends + 1 / clip.rate < clip.duration - max(Fraction(1, 2), 3 / clip.rate):
        clip.warnings.append(
            f"ends at {float(ends):.2f} s, though it says it is {float(clip.duration):.2f} s long: perhaps cut off"
        )


def _stamp(clip: Clip, frame: VideoFrame) -> Fraction | None:
    """When the frame is shown, as far as the file tells, in seconds from the clip's first."""
    ticks = frame.dts if clip.timeline.disordered else frame.pts
    return None if ticks is None else ticks * clip.time_base - clip.zero


def evened(stamped: Iterable[tuple[Fraction | None, Item]], step: Fraction) -> Iterator[tuple[Fraction, Item]]:
    """The frames, each later than the one before, though broken files repeat times, step back, or have none.

    Frames without a time of their own are spread between their neighbors, at most step apart.

    >>> [float(time) for time, _ in evened([(Fraction(0), "a"), (Fraction(0), "b"), (Fraction(1), "c")], Fraction(9))]
    [0.0, 0.5, 1.0]
    """
    last: Fraction | None = None
    waiting: list[Item] = []
    for time, frame in stamped:
        if last is None:
            last = Fraction(0) if time is None else time
            yield last, frame
            continue
        if time is None or time - last < _FLASH:
            waiting.append(frame)
            if len(waiting) > _MOST_WAITING:
                last += step
                yield last, waiting.pop(0)
            continue
        each = min(step, (time - last) / (len(waiting) + 1))
        for number, one in enumerate(waiting, 1):
            yield last + number * each, one
        waiting.clear()
        last = time
        yield time, frame
    for number, one in enumerate(waiting, 1):
        yield (last or Fraction(0)) + number * step, one


def _report(clip: Clip, lost: Lost, said: int, time: Fraction) -> int:
    """How many frames are lost by now, the new ones said in the clip's warnings."""
    for count in range(said + 1, lost.count + 1):
        if count <= _SAID_SINGLY:
            clip.warnings.append(f"has a damaged frame after {float(time):.2f} s, which was left out")
            continue
        if count > _SAID_SINGLY + 1:
            clip.warnings.pop()
        clip.warnings.append(f"has {count - _SAID_SINGLY} more damaged frames, up to {float(time):.2f} s")
    return lost.count


def _packets(
    container: InputContainer, stream: VideoStream, clip: Clip, start: Fraction | None
) -> Iterator[Packet[VideoStream]]:
    """The packets from the last key frame at or before start, in the timeline's time; None = from the beginning.

    Joined files are gone through from their beginning, undecoded; others are searched by time. Where there is no index
    (.ts, .mpg) that search ends anywhere: from there back until a key frame is found.
    """
    if clip.timeline.joined:
        first = 0 if start is None else clip.timeline.key_before(start)
        return itertools.islice(clip.timeline.placed(container.demux(stream)), first, None)
    if start is None or not clip.timeline.searchable:
        return container.demux(stream)
    base = stream.time_base or Fraction(1)
    for back in _BACK:
        with contextlib.suppress(av.error.FFmpegError, OSError, ValueError):
            container.seek(int((start - back) / base), stream=stream, backward=True)
            packets = container.demux(stream)
            key = next((one for one in packets if one.is_keyframe and one.pts is not None), None)
            if key is not None and (key.pts or 0) * base <= start:
                return itertools.chain([key], packets)
    with contextlib.suppress(av.error.FFmpegError, OSError):
        container.seek(0, backward=True)
    return container.demux(stream)


def _until(timed: Iterable[Timed], end: Fraction | None) -> Iterator[Timed]:
    for time, frame in timed:
        if end is not None and time >= end:
            return
        yield time, frame


def _from(timed: Iterable[Timed], start: Fraction, clip: Clip) -> Iterator[Timed]:
    """The frame on screen at start, at time 0, and those after it, their times from start.

    One that begins less than a quarter of a frame after start is taken for the one at start.
    """
    if start <= 0:
        yield from timed
        return
    before: Timed | None = None
    begun = False
    for time, frame in timed:
        if time <= start:
            before = time, frame
            continue
        if not begun:
            begun = True
            if time - start < 1 / (4 * clip.rate):
                yield Fraction(0), frame
                continue
            if before is not None:
                yield Fraction(0), before[1]
        yield time - start, frame
    if not begun and before is not None and start < max(before[0] + 1 / clip.rate, clip.duration or 0):
        yield Fraction(0), before[1]


def resampled(timed: Iterable[Timed], rate: Fraction, before: Fraction) -> Iterator[Timed]:
    """The frames at a constant rate: each is shown at the slot nearest to its time, until the next one's.

    before: the rate so far, which tells how long the last frame is shown.

    >>> [int(frame) for _, frame in resampled([(Fraction(0), "0"), (Fraction(1), "1")], Fraction(2), Fraction(1))]
    [0, 0, 1, 1]
    """
    held: VideoFrame | None = None
    slot, ends = 0, Fraction(0)
    for time, frame in timed:
        begins = _nearest(time * rate)
        if held is not None:
            for one in range(slot, begins):
                yield one / rate, held
        held, slot, ends = frame, begins if held is not None else 0, time + 1 / before
    if held is not None:
        for one in range(slot, max(1, _nearest(ends * rate))):
            yield one / rate, held


def _nearest(value: Fraction) -> int:
    return int(value + Fraction(1, 2))


@dataclass(frozen=True)
class Turn:
    """How a decoded picture gets upright: rows and columns swapped first, then mirrored."""

    swaps: bool = False
    left_right: bool = False
    up_down: bool = False

    @classmethod
    def of(cls, frame: VideoFrame) -> Turn:
        """What the frame's display matrix asks for, to the nearest right angle.

        The matrix takes a point (x, y), y downwards, to (a x + c y, b x + d y).
        """
        data: Any = frame.side_data  # av's stub says: a dict
        found = next((one for one in data if one.type.name == "DISPLAYMATRIX"), None)
        if found is None:
            return cls()
        a, b, _, c, d = struct.unpack("=5i", bytes(found)[:20])
        if abs(a) + abs(d) >= abs(b) + abs(c):
            return cls(False, a < 0, d < 0)
        return cls(True, c < 0, b < 0)

    def __call__(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The image upright, C-contiguous."""
        turned: NDArray[Any] = cv2.transpose(image) if self.swaps else image
        if self.left_right or self.up_down:
            turned = cv2.flip(turned, -1 if self.left_right and self.up_down else int(self.left_right))
        return np.ascontiguousarray(turned)


def _upright(clip: Clip, frame: VideoFrame, settled: Colors) -> tuple[Image, Mask | None]:
    """The frame's pixels and its transparency."""
    clear = clip.alpha and color.see_through(frame)
    pixels = clip.turn(color.to_rgb(frame, settled, clip.coded, alpha=clear))
    if not clear:
        return pixels, None
    return np.ascontiguousarray(pixels[..., :3]), pixels[..., 3] * np.float32(1 / 255)
