"""Pictures, one after another -> video file, complete or not at all.

    path      Path                        its suffix is a key of CONTAINERS; none = a folder of PNGs
    like      Clip                        what it is made of: rate, colors, pixel shape, sound, tags come from there
    picture   uint8 (H, W, 1|3|4)         gray, RGB, or RGBA with straight alpha, as announced
    time      Fraction                    seconds from the first picture; Frame.time of Clip.frames(start=...)

To add a format: see containers.py; to add one FFmpeg does not write: see animation.py.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from standout.errors import InputError, OutputError
from standout.support import atomic
from standout.types import Picture
from standout.video.clip import Clip
from standout.video.formats import CODECS, CONTAINERS, Container
from standout.video.gamut import SRGB, applied, converter
from standout.video.write.animation import Gif, PngFolder, WebP
from standout.video.write.chunk_store import ChunkStore, State
from standout.video.write.chunked import ChunkedFile
from standout.video.write.encoder import Encoding, VideoEncoder, holds_shapes
from standout.video.write.muxer import Muxer
from standout.video.write.track import of_the_disk


class VideoFile(Protocol):
    """A file in the making; prepare's result goes to add, in order."""

    def prepare(self, picture: NDArray[np.uint8]) -> Any:
        """The picture as the file takes it; it may be changed afterwards."""

    def add(self, ready: Any, time: Fraction, duration: Fraction) -> None:
        """The prepared picture in the file."""

    def finish(self) -> None:
        """The file complete."""

    def abort(self) -> None:
        """The file let go, its content of no use."""


ANIMATIONS: dict[str, Callable[[Path, tuple[int, int], int | None, list[str]], VideoFile]] = {
    "gif": Gif,
    "webp": WebP,
    "png": PngFolder,
}


class Writer:
    """A video file in the making; use it in a with statement, and add pictures in the order of their times.

    height, width: of the pictures that come; None = the clip's. alpha: they are RGBA. gray: they are (H, W, 1).
    codec: a name in the container's codecs; None = the first, or the one that keeps transparency. quality: 1 to 100,
    see containers.py; None = 75. rate: frames a second, where pictures come at constant ones; None = the clip's times.
    start, end: the part of the clip that the pictures come from, for the sound. threads: of the encoder; 0 = all.
    job: what the work is, in words: whatever changes the result. With it, what is kept on the way (keep) stays where
    the block is left by an exception, and another Writer of the same job goes on there: its state is the one kept last.

    When the block is left, the file appears under its name, whole; after an exception nothing does. notes say what the
    result could not keep.

    Raises OutputError: the file exists or is the clip itself, its format cannot hold this, no room, no permission;
    another job than this was begun there.
    """

    def __init__(
        self,
        path: Path,
        like: Clip,
        *,
        height: int | None = None,
        width: int | None = None,
        alpha: bool = False,
        gray: bool = False,
        codec: str | None = None,
        quality: int | None = None,
        rate: Fraction | None = None,
        start: Fraction = Fraction(0),
        end: Fraction | None = None,
        sound: bool = True,
        overwrite: bool = False,
        threads: int = 0,
        job: Mapping[str, str] | None = None,
    ) -> None:
        self.path, self.notes = Path(path), list[str]()
        self._like = like
        self._size = (like.height if height is None else height, like.width if width is None else width)
        self._suffix = self.path.suffix.lower() or ".frames"
        self._target = _target(self.path, self._suffix, alpha=alpha)
        self._codec = _codec(self.path, self._suffix, self._target, codec, alpha=alpha)
        _check(self.path, like, self._size, alpha=alpha, gray=gray, quality=quality, rate=rate)
        self._channels = 4 if alpha else 1 if gray else 3
        self._quality, self._rate = quality, rate
        self._start, self._end = Fraction(start), end
        self._sound, self._threads, self._overwrite = sound, threads, overwrite
        self._shape = self._written_size()
        self._job = job
        if job is not None and self._codec in ANIMATIONS and self._codec != "png":
            raise OutputError(
                f"{self.path}: a {self._suffix} cannot be put together from finished chunks; use another format, or "
                "leave --resume (job) out"
            )
        self._convert = converter(like.colors, SRGB) if self._codec in ANIMATIONS and not gray else None
        self._segments: ChunkStore | None = None
        self._part: Path | None = None
        self._sink: VideoFile | None = None
        self._held: tuple[Any, Fraction] | None = None
        self._added = 0

    def __enter__(self) -> Self:
        folder = self._codec == "png"
        within = None
        try:
            if self._job is not None:
                self._segments = ChunkStore(self.path, self._job, threads=self._threads)
                within = self._segments.folder
            self._part = atomic.part_for(self.path, folder=folder, overwrite=self._overwrite, within=within)
            self._sink = self._guarded(self._open)
        except BaseException:
            self._give_up()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self._give_up()
        elif not self._added:
            self._give_up()
            raise OutputError(f"{self.path}: no picture was added, so nothing is written; check start and end")
        else:
            self._finish()

    @property
    def state(self) -> State:
        """What was kept last, by this Writer or the one it goes on from; empty = nothing was."""
        return {} if self._segments is None else self._segments.state

    def add(self, picture: Picture, time: Fraction) -> None:
        """The picture in the file, on screen from time on until the next one's.

        Raises InputError for a picture of another kind than announced, or a time that is not later than the last one's.
        """
        if self._sink is None:
            raise InputError(f"{self.path} is not open; add pictures inside the with statement")
        fits = picture.dtype == np.uint8 and picture.shape == (*self._size, self._channels)
        if not fits:
            wanted = (*self._size, self._channels)
            raise InputError(f"{self.path}: the picture is {picture.dtype} {picture.shape}; wanted uint8 {wanted}")
        if self._held is not None and time <= self._held[1]:
            raise InputError(
                f"{self.path}: the picture's time is {float(time):.3f} s, wanted more than {float(self._held[1]):.3f} s"
            )
        sink, scaled = self._sink, self._scaled(applied(self._convert, picture.astype(np.uint8, copy=False)))
        ready = self._guarded(lambda: sink.prepare(scaled))
        self._release(time)
        self._held = (ready, time)
        self._added += 1

    def keep(self, until: Fraction, state: State) -> None:
        """All that was added stays on disk, and the state with it, so that another Writer of the same job goes on here.

        until: the next picture's time. Only for a job.
        """
        assert isinstance(self._sink, ChunkedFile), "a Writer without a job keeps nothing"
        segmented = self._sink
        self._release(until)
        self._guarded(lambda: segmented.keep(state))

    def _open(self) -> VideoFile:
        film = self._codec in CODECS
        if self._convert is not None:
            what = "PNGs" if self._codec == "png" else self._suffix
            self.notes.append(f"colors converted to sRGB: {what} cannot tell the clip's")
        if not film and self._like.sound and self._sound:
            what = "a folder of PNGs" if self._codec == "png" else self._suffix
            self.notes.append(f"sound left out: {what} holds none")
        if self._segments is not None:
            if film:
                return ChunkedFile(self._segments, self._encoder, self._film)
            return ChunkedFile(self._segments, lambda last: self._folder(), self._folder)
        assert self._part is not None
        return self._film() if film else ANIMATIONS[self._codec](self._part, self._shape, self._quality, self.notes)

    def _encoding(self) -> Encoding:
        alpha = self._channels == 4
        threads = self._threads if self._segments is None else self._segments.threads
        gray = self._channels == 1
        return Encoding(self._target, self._codec, self._shape, alpha, self._quality, self._rate, threads, gray)

    def _encoder(self, last: int) -> VideoEncoder:
        return VideoEncoder(self._like, self._encoding(), after=last)

    def _film(self) -> Muxer:
        assert self._part is not None
        return Muxer(
            self._part,
            self._like,
            self._encoding(),
            suffix=self._suffix,
            start=self._start,
            end=self._end,
            sound=self._sound,
            notes=self.notes,
        )

    def _folder(self) -> PngFolder:
        assert self._part is not None
        return PngFolder(self._part, self._shape, None, [])

    def _written_size(self) -> tuple[int, int]:
        """(height, width) of the file: square pixels where it cannot tell another shape."""
        height, width = self._size
        aspect = self._like.pixel_aspect
        if aspect == 1 or holds_shapes(self._target, self._codec):
            if self._codec == "png" and aspect != 1:
                self.notes.append(f"pixels are {aspect.numerator}:{aspect.denominator} wide, which PNGs do not tell")
            return self._size
        wide = max(2, 2 * round(width * aspect / 2))
        self.notes.append(
            f"{width}x{height} became {wide}x{height}: {self._suffix} cannot tell that pixels are not square"
        )
        return height, wide

    def _scaled(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        if self._shape == self._size:
            return picture
        height, width = self._shape
        scaled = cv2.resize(picture, (width, height), interpolation=cv2.INTER_LINEAR)
        return scaled.reshape(height, width, self._channels).astype(np.uint8, copy=False)

    def _release(self, until: Fraction) -> None:
        """The held picture goes into the file: only now it is known how long it is shown."""
        if self._held is not None and self._sink is not None:
            (ready, time), sink = self._held, self._sink
            self._held = None
            self._guarded(lambda: sink.add(ready, time, until - time))

    def _finish(self) -> None:
        """The file complete and under its name."""
        try:
            if self._held is not None:
                self._release(self._held[1] + 1 / (self._rate or self._like.rate))
            sink = self._sink
            assert sink is not None
            assert self._part is not None
            self._guarded(sink.finish)
            self._sink = None
            atomic.publish(self._part, self.path, overwrite=self._overwrite)
        except BaseException:
            self._give_up()
            raise
        if self._segments is not None:
            self._segments.remove()

    def _give_up(self) -> None:
        """Nothing is left of the file. It goes before it is closed: or FFmpeg would still put gigabytes in order."""
        if self._part is not None:
            atomic.discard(self._part)
        if self._sink is not None:
            self._sink.abort()
        self._sink = None
        if self._part is not None:
            atomic.discard(self._part)  # where open files cannot be removed, it is only now possible
        if self._segments is not None:
            self._segments.close() if self._segments.count else self._segments.remove()

    def _guarded(self, step: Callable[[], Any]) -> Any:
        """The step's result; what the disk or FFmpeg refuses becomes an OutputError."""
        try:
            return step()
        except OutputError as error:
            raise OutputError(f"{self.path}: {error}") from error
        except av.error.FFmpegError as error:
            if isinstance(error, OSError) and of_the_disk(error):
                raise atomic.refused(self.path, self._written(), error) from error
            raise OutputError(
                f"{self.path} cannot be written ({error.strerror}); use another format, or leave the sound out"
            ) from error
        except (OSError, ValueError) as error:
            raise atomic.refused(self.path, self._written(), error) from error

    def _written(self) -> int:
        """Bytes that are on the disk so far."""
        part = self._part if self._segments is None else self._segments.folder
        if part is None or not part.exists():
            return 0
        return sum(one.stat().st_size for one in part.iterdir()) if part.is_dir() else part.stat().st_size


def _target(path: Path, suffix: str, *, alpha: bool) -> Container:
    target = CONTAINERS.get(suffix)
    if target is None:
        raise OutputError(f"{path}: cannot write a video as {suffix}; use {', '.join(CONTAINERS)}")
    if alpha and not target.alpha:
        fit = ", ".join(name for name, one in CONTAINERS.items() if one.alpha)
        raise OutputError(f"{path}: {suffix} holds no transparency; use {fit}, or give --background COLOR")
    return target


def _codec(path: Path, suffix: str, target: Container, codec: str | None, *, alpha: bool) -> str:
    """The codec's name: the one asked for, if it fits."""
    wanted = [target.see_through] if alpha else list(target.codecs)
    if codec is None:
        return str(wanted[0])
    if codec in wanted:
        return codec
    if codec not in {*CODECS, *ANIMATIONS}:
        raise InputError(f"codec is {codec!r}; wanted one of {', '.join(CODECS)}")
    what = "transparency" if alpha else "pictures"
    raise OutputError(
        f"{path}: codec {codec} does not go with {what} in {suffix}; wanted {' or '.join(map(str, wanted))}"
    )


def _check(
    path: Path,
    like: Clip,
    size: tuple[int, int],
    *,
    alpha: bool,
    gray: bool,
    quality: int | None,
    rate: Fraction | None,
) -> None:
    if alpha and gray:
        raise InputError("alpha and gray are both asked for; wanted one of them")
    if min(size) < 1:
        raise InputError(f"height and width are {size}; wanted at least 1")
    if quality is not None and not 1 <= quality <= 100:
        raise InputError(f"quality is {quality}; wanted 1 to 100")
    if rate is not None and rate <= 0:
        raise InputError(f"rate is {rate}; wanted more than 0 frames a second")
    if path.exists() and like.path.exists() and path.samefile(like.path):
        raise OutputError(f"{path} is the clip itself; give the result another name")
