"""Video file -> Clip: what the file says, and its frames.

    path    Path         .mp4 .mov .mkv .webm .avi ...; recognized by its content, never by its name
    Clip    ClipFacts    and frames(), any stretch of them, as often as wanted
    Frame   image uint8 (H, W, 3), upright RGB; time Fraction, in seconds; alpha float32 (H, W) or None

To add an input format: see demux.py.
"""

from __future__ import annotations

import contextlib
import weakref
from collections.abc import Generator
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self, cast

from av.codec.codec import UnknownCodecError

from standout.errors import TooLarge, UnreadableVideo
from standout.types import Frame, PlanarFrame
from standout.video import decode, timeline
from standout.video.appended import appended_bytes
from standout.video.demux import main_track, open_container, video_track
from standout.video.facts import ClipFacts

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

    from standout.video.planes import PlanarSize


class Clip(ClipFacts):
    """A video file that was opened; use it in a with statement.

    Each call of frames reads through a file handle of its own, so several may run at the same time.
    """

    def __init__(self, path: Path, container: InputContainer, stream: VideoStream, first: VideoFrame) -> None:
        super().__init__(path, container, stream, first)
        self._open: weakref.WeakSet[Generator[Frame, None, None]] = weakref.WeakSet()

    def frames(
        self,
        *,
        start: Fraction = Fraction(0),
        end: Fraction | None = None,
        rate: Fraction | None = None,
        onward: Fraction = Fraction(0),
        seek: bool = True,
    ) -> Generator[Frame, None, None]:
        """The frames from start to end, beginning with the one that is on screen at start.

        start, end: seconds from the clip's first frame; the times of the frames count from start. rate: a constant
        number of frames a second, for which frames are repeated or left out; None keeps the file's own times, so a
        variable frame rate stays variable. onward: seconds from start; earlier frames are left out, all others and
        their times stay the same. seek: begin to read at the last key frame before start + onward, where the file can
        be searched; False: at the last key frame before start.

        Raises UnreadableVideo where the file is gone. Damaged frames are left out, and warnings say so.
        """
        frames = decode.frames(self, start=Fraction(start), end=end, rate=rate, onward=onward, seek=seek)
        self._open.add(frames)
        return frames

    def planar_frames(
        self,
        wanted: PlanarSize,
        *,
        start: Fraction = Fraction(0),
        end: Fraction | None = None,
        rate: Fraction | None = None,
        onward: Fraction = Fraction(0),
        seek: bool = True,
    ) -> Generator[PlanarFrame, None, None]:
        """The frames as planes, with small pictures, for a clip that has_planes of that size; else see frames."""
        frames = decode.frames(
            self, start=Fraction(start), end=end, rate=rate, onward=onward, seek=seek, planar=wanted
        )  # fmt: skip
        self._open.add(frames)
        return cast("Generator[PlanarFrame, None, None]", frames)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for frames in list(self._open):
            with contextlib.suppress(ValueError):  # it is running in another thread, which closes it
                frames.close()


def open_clip(path: Path, *, max_pixels: int | None = None) -> Clip:
    """The video at path, opened. Its first frame was decoded, so at least one frame can be read.

    max_pixels: of a frame, by the file's header, before any frame is decoded; None = no limit.

    Raises UnreadableVideo, naming the file, where it is missing, no video, damaged, or holds only sound or a cover, and
    TooLarge where its frames have more pixels.
    """
    path = Path(path)
    with open_container(path) as container:
        stream = main_track(container, path)
        _check_size(path, stream, max_pixels)
        stream.thread_type = "AUTO"
        try:
            decoder, hidden_alpha = decode.alpha_decoder(stream), False
        except UnknownCodecError:
            decoder, hidden_alpha = None, True
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
        if hidden_alpha:
            clip.warnings.append("has transparency that this build of FFmpeg cannot decode: what it hides will be seen")
    with open_container(path) as again:
        clip.adopt(timeline.of(again, video_track(again, path, clip.index), clip.rate))
        appended = 0 if clip.timeline.joined else appended_bytes(path, again.format.name)
    if appended:
        clip.warnings.append(
            f"has a second file of {appended:,} bytes after its end, which is not read: perhaps several files were "
            "joined byte by byte; join them again with a video editor"
        )
    return clip


def _check_size(path: Path, stream: VideoStream, max_pixels: int | None) -> None:
    size = stream.codec_context
    if max_pixels is not None and size.width * size.height > max_pixels:
        raise TooLarge(
            f"{path} has frames of {size.width}x{size.height} pixels, wanted at most {max_pixels / 1e6:g} megapixels; "
            "scale it down first"
        )
