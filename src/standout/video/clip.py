"""Video file -> Clip: what the file says, and its frames.

    path     Path          .mp4 .mov .mkv .webm .avi ..., told by content, not by name
    Clip     height, width, rate, duration, count, pixel_aspect, colors, sound, warnings
    Frame    image uint8 (H, W, 3) upright RGB, and its time

To add an input format: FFmpeg's name of it in containers.DEMUXERS, its suffix in READABLE.
"""

from __future__ import annotations

import contextlib
import weakref
from collections.abc import Generator
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import av
import numpy as np
from av.codec.codec import UnknownCodecError
from av.stream import Disposition
from numpy.typing import NDArray

from standout.errors import UnreadableVideo
from standout.types import Frame
from standout.video import decode, timeline
from standout.video.appended import appended_bytes
from standout.video.color import Colors, said, see_through, to_rgb
from standout.video.decode import Turn
from standout.video.formats import DEMUXERS
from standout.video.timeline import Timeline

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

_HDR_SAID = {
    "MASTERING_DISPLAY_METADATA", "CONTENT_LIGHT_LEVEL", "DYNAMIC_HDR_PLUS", "DOVI_METADATA", "DOVI_RPU_BUFFER",
}  # fmt: skip

_FASTEST = 1000
"""More frames a second than that is a unit of time that got into the wrong field."""


class Clip:
    """A video file that was opened; use it in a with statement.

    height, width: of the upright picture. rate: frames a second, on average. duration: in seconds; count: of frames,
    estimated where the file does not say; both None where it says neither. pixel_aspect: width of a pixel over its
    height, upright. alpha: its frames may be transparent. sound: it holds at least one sound track. colors: as read;
    colors.settled(height) has no gaps. timeline: how the times in the file are meant. zero: the first frame's time in
    it; begins: the same by the clock of sound and subtitles. time_base: its unit of time. warnings: grows while frames
    are read.

    Each call of frames reads through a file handle of its own, so two may run at the same time.
    """

    def __init__(self, path: Path, container: InputContainer, stream: VideoStream, first: VideoFrame) -> None:
        self.path = path
        self.warnings: list[str] = []
        self.index = stream.index
        self.time_base = stream.time_base or Fraction(1, 90000)
        self.turn = Turn.of(first)
        high, wide = first.height, first.width
        self.coded = (high, wide)
        self.height, self.width = (wide, high) if self.turn.swaps else (high, wide)
        self._first = first.pts, first.dts
        self.zero = self.begins = (first.pts or 0) * self.time_base
        self.rate = _rate(stream)
        self.duration = _duration(container, stream, self.zero)
        self.count = stream.frames or (round(self.duration * self.rate) if self.duration else None)
        aspect = stream.sample_aspect_ratio or Fraction(1)
        self.pixel_aspect = 1 / aspect if self.turn.swaps else aspect
        self.sound = bool(container.streams.audio)
        self.alpha = see_through(first)
        if self.alpha and stream.codec_context.name == "rawvideo" and not _opacity(first).any():
            self.alpha = False
            self.warnings.append("begins with nothing but transparency, which is taken for unused and left out")
        self.colors: Colors = said(first)
        if self.colors.hdr:
            self.warnings.append(f"is {self.colors.hdr}: people are looked for in its numbers as they are, in 8 bits")
        side_data: Any = first.side_data  # av's stub says: a dict
        beside = {one.type.name for one in side_data}
        if "ICC_PROFILE" in beside:
            self.warnings.append("has an ICC profile, which is not looked at: its colors may look different")
        if beside & _HDR_SAID:
            self.warnings.append("says more of its HDR than its curve (mastering, Dolby Vision), which is left out")
        if first.interlaced_frame:
            self.warnings.append("is interlaced: moving edges look like combs; deinterlace it first")
        self.timeline = Timeline()
        self._open: weakref.WeakSet[Generator[Frame, None, None]] = weakref.WeakSet()

    def lay_out(self, found: Timeline) -> None:
        """Takes over what a look through the whole file found."""
        self.timeline = found
        if found.disordered:
            self.zero = (self._first[1] or 0) * self.time_base
        self.begins = self.zero if found.begins is None else found.begins
        self.warnings += found.warnings
        if found.end is not None and (found.joined or self.duration is None):
            self.duration = found.end - self.zero
        if found.count is not None and self.duration is None:
            self.duration = found.count / self.rate
        if found.count is not None and (found.joined or not self.count):
            self.count = found.count

    def frames(
        self,
        *,
        start: Fraction = Fraction(0),
        end: Fraction | None = None,
        rate: Fraction | None = None,
        onward: Fraction = Fraction(0),
        seek: bool = True,
    ) -> Generator[Frame, None, None]:
        """The frames from start (the one on screen then) to end, in seconds from the first frame; times begin at 0.

        Times are the file's own: a variable frame rate stays one. rate: constant frames a second instead, frames
        repeated or left out as needed. onward: frames before that time are left out; the others, and their times, are
        the same. Reading begins at the last key frame before all that, where it can be found; seek=False: before start.

        Raises UnreadableVideo when the file is gone; what is damaged is skipped, and said in warnings.
        """
        frames = decode.frames(self, start=Fraction(start), end=end, rate=rate, onward=onward, seek=seek)
        self._open.add(frames)
        return frames

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for frames in list(self._open):
            with contextlib.suppress(ValueError):  # running in another thread: that one closes it
                frames.close()


def open_clip(path: Path) -> Clip:
    """The video at path, opened; its first frame was decoded, so at least one can be.

    Raises UnreadableVideo, naming the file: it is missing, no video, holds only sound or a cover, or is damaged.
    """
    path = Path(path)
    with contain(path) as container:
        stream = video_stream(container, path)
        stream.thread_type = "AUTO"
        try:
            decoder, unseen = decode.alpha_decoder(stream), False
        except UnknownCodecError:
            decoder, unseen = None, True
        try:
            found = decode.decoded(container.demux(stream), decode.Lost(), decoder)
            first = next((frame for frame in found if not frame.is_corrupt), None)
        except decode.BrokenStream:
            first = None
        if first is None or not first.width or not first.height:
            raise UnreadableVideo(
                f"{path} holds no frame that can be decoded (its codec is {stream.codec_context.name}); "
                "get the file again, or convert it"
            )
        clip = Clip(path, container, stream, first)
        if unseen:
            clip.warnings.append("has transparency that cannot be decoded here: what it hides will be seen")
    with contain(path) as again:
        clip.lay_out(timeline.of(again, track(again, clip), clip.rate))
        behind = 0 if clip.timeline.joined else appended_bytes(path, again.format.name)
    if behind:
        clip.warnings.append(
            f"has another file of {behind:,} bytes behind its end, which is not read: perhaps joined from several "
            "files; put them together anew with a program that knows clips"
        )
    return clip


def contain(path: Path) -> InputContainer:
    """The file opened by FFmpeg, nothing decoded yet. Raises UnreadableVideo."""
    _check_file(path)
    options = {"protocol_whitelist": "file", "format_whitelist": DEMUXERS}
    try:  # "file:": or a name with a colon would be taken for a URL
        return av.open(f"file:{path}", mode="r", container_options=options, metadata_errors="replace")
    except PermissionError:
        raise UnreadableVideo(f"{path}: no permission to read it; change its permissions (chmod +r)") from None
    except av.error.ArgumentError:
        raise UnreadableVideo(
            f"{path} is not a video, or one inside a kind of file that is not opened (a picture, a playlist); "
            "give an .mp4, .mov, .mkv, .webm or .avi"
        ) from None
    except av.error.InvalidDataError:
        with path.open("rb") as file:
            head = file.read(12)
        raise UnreadableVideo(
            f"{path} is not a video, or a damaged one (it starts with {head!r}); get the file again, or convert it"
        ) from None
    except (av.error.FFmpegError, OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UnreadableVideo(f"{path} cannot be read ({reason}); get the file again, or convert it") from error


def _check_file(path: Path) -> None:
    try:
        if path.is_dir():
            raise UnreadableVideo(f"{path} is a folder; give a video file")
        if not path.exists():
            raise UnreadableVideo(f"{path} does not exist; check the name and the folder")
        if not path.is_file():
            raise UnreadableVideo(f"{path} is a device or a pipe; give a video file")
        if path.stat().st_size == 0:
            raise UnreadableVideo(f"{path} is empty (0 bytes); get the file again")
    except (OSError, ValueError) as error:
        raise UnreadableVideo(f"{path} cannot be read ({error}); check the name and the disk") from error


def video_stream(container: InputContainer, path: Path) -> VideoStream:
    """The video track that players would show: FFmpeg's choice among those that are no cover picture."""
    moving = [one for one in container.streams.video if not one.disposition & Disposition.attached_pic]
    known = [one for one in moving if one.codec_context is not None]
    if known:
        best = container.streams.best("video")
        return next((one for one in known if best is not None and one.index == best.index), known[0])
    if moving:
        raise UnreadableVideo(f"{path}: the codec of its pictures is not known here; convert it to .mp4 (H.264)")
    covers = " and a cover picture" if container.streams.video else ""
    holds = f"holds only sound{covers}" if container.streams.audio else "holds no video track"
    raise UnreadableVideo(f"{path} {holds}; give a file with moving pictures")


def track(container: InputContainer, clip: Clip) -> VideoStream:
    """The clip's video track in its file, opened once more. Raises UnreadableVideo when the file is another by now."""
    for stream in container.streams.video:
        if stream.index == clip.index:
            return stream
    raise UnreadableVideo(
        f"{clip.path} is not what it was when it was opened; leave it alone meanwhile, or get it again"
    )


def _opacity(frame: VideoFrame) -> NDArray[np.uint8]:
    """The frame's transparency, 255 = opaque."""
    pixels = to_rgb(frame, said(frame).settled(frame.height), (frame.height, frame.width), alpha=True)
    return np.ascontiguousarray(pixels[..., 3])


def _rate(stream: VideoStream) -> Fraction:
    """Frames a second on average; 25 where the file says nothing sensible."""
    for rate in (stream.average_rate, stream.guessed_rate, stream.base_rate):
        if rate and 0 < rate <= _FASTEST:
            return rate
    return Fraction(25)


def _duration(container: InputContainer, stream: VideoStream, zero: Fraction) -> Fraction | None:
    """Seconds from the first frame to the end of the pictures, where the file says."""
    if stream.duration and stream.time_base:
        return stream.duration * stream.time_base
    tag = {key.upper(): value for key, value in stream.metadata.items()}.get("DURATION", "")  # Matroska
    with contextlib.suppress(ValueError):
        hours, minutes, seconds = tag.split(":")
        return max(Fraction(0), int(hours) * 3600 + int(minutes) * 60 + Fraction(seconds) - zero)
    if container.duration:
        return Fraction(container.duration, av.time_base)
    return None
