"""Clip -> its frames: found in the file, decoded, damaged ones left out, resampled and turned upright.

    start, end   Fraction   seconds from the clip's first frame
    Frame        image uint8 (H, W, 3), upright RGB; time Fraction, seconds from start; alpha float32 (H, W) or None
    Timed        a decoded frame, not yet upright, with its time in seconds

To add a step over decoded frames: an iterator over Timed, put between _timed and frames.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, TypeAlias, TypeVar

import av
import numpy as np

from standout.support.system import cores
from standout.types import Frame, PlanarFrame
from standout.video import color, planes
from standout.video.color import Colors
from standout.video.demux import open_container, video_track

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

    from standout.video.facts import ClipFacts

Item = TypeVar("Item")
Timed: TypeAlias = "tuple[Fraction, VideoFrame]"

_ALPHA_DECODERS = {"vp8": "libvpx", "vp9": "libvpx-vp9"}
"""Codec -> the decoder that reads its alpha channel, which FFmpeg's own decoder of that codec ignores."""

_NAMED_SINGLY = 5
"""The first damaged frames get a warning each; further ones share a warning that counts them."""

_FLASH = Fraction(1, 1000)
"""Seconds. A frame that follows another one sooner than that has a wrong time."""

_MOST_WAITING = 8
"""Frames without a time that are held back until a frame with a time comes."""

_SEEK_BACK = (0, 1, 4, 16, 64)
"""Seconds before the wanted time at which a key frame is looked for, one after another."""


class BrokenStream(Exception):
    """The file cannot be read further; the frames before that point are fine."""


@dataclass
class Lost:
    """Counts the frames that could not be decoded."""

    count: int = 0


def frames(
    clip: ClipFacts,
    *,
    start: Fraction,
    end: Fraction | None,
    rate: Fraction | None,
    onward: Fraction,
    seek: bool,
    planar: planes.PlanarSize | None = None,
) -> Generator[Frame, None, None]:
    """The clip's frames; Clip.frames and Clip.planar_frames explain what the arguments mean."""
    if end is not None and end <= start:
        return
    with open_container(clip.path) as container:
        stream = video_track(container, clip.path, clip.index)
        stream.thread_type = "AUTO"
        stream.codec_context.thread_count = max(1, cores() - 1)  # what is done with the frames takes a core, too
        decoder = alpha_decoder(stream) if clip.alpha else None
        begin = start + onward if seek else start
        packets = _packets(container, stream, clip, clip.zero + begin if begin > 0 else None)
        shown = _from(_until(_timed(clip, packets, decoder, begin), end), start, clip)
        settled = clip.colors.settled(clip.coded[0])
        last: tuple[VideoFrame, Frame] | None = None
        for time, frame in shown if rate is None else resampled(shown, rate, clip.rate):
            if time < onward:
                continue
            if last is None or last[0] is not frame:
                last = frame, _upright(clip, frame, settled, planar)
            yield replace(last[1], time=time)


def alpha_decoder(stream: VideoStream) -> av.VideoCodecContext | None:
    """A decoder that also reads the alpha channel of VP8 and VP9, which their packets carry as side data.

    None where the track's own decoder reads all there is. Raises av.codec.codec.UnknownCodecError where this build of
    FFmpeg lacks the decoder.
    """
    told = {name.lower(): value for name, value in stream.metadata.items()}
    name = _ALPHA_DECODERS.get(stream.codec_context.codec.canonical_name)
    if name is None or told.get("alpha_mode") != "1":
        return None
    decoder = av.CodecContext.create(name, "r")
    assert isinstance(decoder, av.VideoCodecContext)
    decoder.extradata = stream.codec_context.extradata
    return decoder


def decoded(
    packets: Iterator[Packet[VideoStream]], lost: Lost, decoder: av.VideoCodecContext | None = None
) -> Iterator[VideoFrame]:
    """The packets' frames, in the order in which they are shown.

    Frames that FFmpeg marks as corrupt are among them; packets that cannot be decoded at all are counted in lost.
    decoder: None is the track's own.

    Raises BrokenStream where the file itself cannot be read further.
    """
    while True:
        try:
            packet = next(packets, None)
        except IndexError:  # PyAV raises it at the end of a file in which a track turned up on the way
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
    clip: ClipFacts, packets: Iterator[Packet[VideoStream]], decoder: av.VideoCodecContext | None, start: Fraction
) -> Iterator[Timed]:
    """Frames with their times, in seconds from the clip's first frame; the clip's warnings report damage."""
    lost, told = Lost(), 0
    last: Fraction | None = None
    try:
        stamped = ((_stamp(clip, frame), frame) for frame in decoded(packets, lost, decoder))
        for time, frame in evened(stamped, 1 / clip.rate):
            if frame.is_corrupt:
                lost.count += time >= start  # earlier ones refer to frames before the key frame where reading began
            told = _warn_of_lost(clip, lost, told, last or Fraction(0))
            if not frame.is_corrupt:
                last = time
                yield time, frame
    except BrokenStream as error:
        clip.warnings.append(f"is damaged from {float(last or 0):.2f} s on ({error}); the frames before were used")
        return
    ends = last or Fraction(0)
    _warn_of_lost(clip, lost, told, ends)
    if clip.duration is not None and ends + 1 / clip.rate < clip.duration - max(Fraction(1, 2), 3 / clip.rate):
        clip.warnings.append(
            f"ends at {float(ends):.2f} s, though it claims to last {float(clip.duration):.2f} s: perhaps cut off"
        )


def _stamp(clip: ClipFacts, frame: VideoFrame) -> Fraction | None:
    """When the frame is shown, in seconds from the clip's first frame; None where the file does not say."""
    ticks = frame.dts if clip.timeline.disordered else frame.pts
    return None if ticks is None else ticks * clip.time_base - clip.zero


def evened(stamped: Iterable[tuple[Fraction | None, Item]], step: Fraction) -> Iterator[tuple[Fraction, Item]]:
    """The frames with times that always increase, though broken files repeat times, step back or leave them out.

    Frames without a usable time are spread evenly between their neighbors, at most step seconds apart.

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
        for number, held in enumerate(waiting, 1):
            yield last + number * each, held
        waiting.clear()
        last = time
        yield time, frame
    for number, held in enumerate(waiting, 1):
        yield (last or Fraction(0)) + number * step, held


def _warn_of_lost(clip: ClipFacts, lost: Lost, told: int, time: Fraction) -> int:
    """How many frames are lost by now. Those after the first `told` are added to the clip's warnings."""
    for count in range(told + 1, lost.count + 1):
        if count <= _NAMED_SINGLY:
            clip.warnings.append(f"has a damaged frame after {float(time):.2f} s, which was left out")
            continue
        if count > _NAMED_SINGLY + 1:
            clip.warnings.pop()
        clip.warnings.append(f"has {count - _NAMED_SINGLY} more damaged frames, up to {float(time):.2f} s")
    return lost.count


def _packets(
    container: InputContainer, stream: VideoStream, clip: ClipFacts, start: Fraction | None
) -> Iterator[Packet[VideoStream]]:
    """The packets from the last key frame at or before start on, timed by the timeline. start: None is the beginning.

    Joined files are read from their beginning, without decoding; other files are searched by time. In a file without an
    index (.ts, .mpg) that search may end after the wanted key frame, so it goes further and further back.
    """
    if clip.timeline.joined:
        first = 0 if start is None else clip.timeline.key_before(start)
        return itertools.islice(clip.timeline.placed(container.demux(stream)), first, None)
    if start is None or not clip.timeline.searchable:
        return container.demux(stream)
    base = stream.time_base or Fraction(1)
    for back in _SEEK_BACK:
        with contextlib.suppress(av.error.FFmpegError, OSError, ValueError):
            container.seek(int((start - back) / base), stream=stream, backward=True)
            packets = container.demux(stream)
            key = next((packet for packet in packets if packet.is_keyframe and packet.pts is not None), None)
            if key is not None and (key.pts or 0) * base <= start:
                return itertools.chain([key], packets)
    with contextlib.suppress(av.error.FFmpegError, OSError):
        container.seek(0, backward=True)
    return container.demux(stream)


def _until(timed: Iterable[Timed], end: Fraction | None) -> Iterator[Timed]:
    """The frames that are shown before end."""
    for time, frame in timed:
        if end is not None and time >= end:
            return
        yield time, frame


def _from(timed: Iterable[Timed], start: Fraction, clip: ClipFacts) -> Iterator[Timed]:
    """The frame that is on screen at start, with time 0, and the frames after it, with times counted from start.

    A frame that begins less than a quarter of a frame's duration after start counts as the one at start.
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
    """The frames at a constant rate: each fills the slots from the one nearest to its time to that of the next frame.

    rate: slots a second. before: the frames' own rate, which determines how long the last frame is shown.

    >>> [int(frame) for _, frame in resampled([(Fraction(0), "0"), (Fraction(1), "1")], Fraction(2), Fraction(1))]
    [0, 0, 1, 1]
    """
    held: VideoFrame | None = None
    slot, ends = 0, Fraction(0)
    for time, frame in timed:
        begins = _nearest(time * rate)
        if held is not None:
            for number in range(slot, begins):
                yield number / rate, held
        held, slot, ends = frame, begins if held is not None else 0, time + 1 / before
    if held is not None:
        for number in range(slot, max(1, _nearest(ends * rate))):
            yield number / rate, held


def _nearest(value: Fraction) -> int:
    """The nearest whole number of a value that is not negative; halves are rounded up."""
    return int(value + Fraction(1, 2))


def _upright(clip: ClipFacts, frame: VideoFrame, settled: Colors, planar: planes.PlanarSize | None) -> Frame:
    """The frame, upright, at time 0: its RGB pixels and its alpha, or its planes where they are wanted.

    settled: colors without gaps.
    """
    if planar is not None:
        found = planes.planes_of(frame, settled, planar.size, clip.turn)
        return PlanarFrame(planes.small_picture(found, planar.side), Fraction(0), planes=found)
    alpha = clip.alpha and color.has_alpha(frame)
    pixels = clip.turn(color.to_rgb(frame, settled, clip.coded, alpha=alpha))
    if not alpha:
        return Frame(pixels, Fraction(0))
    return Frame(np.ascontiguousarray(pixels[..., :3]), Fraction(0), pixels[..., 3] * np.float32(1 / 255))
