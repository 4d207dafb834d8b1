"""Pictures, one after another -> video file, complete or not at all.

    path      Path                   its suffix is a key of CONTAINERS; without a suffix, a folder of PNGs
    like      Clip                   the source: rate, colors, pixel shape, sound and tags come from it
    picture   uint8 (H, W, 1|3|4)    gray, RGB, or RGBA with straight alpha, as the options say
    planes    Planes                 the same as YUV, with alpha where the options say so; see Writer.takes_planes
    time      Fraction               seconds from the first picture, as Frame.time of Clip.frames(start=...)

To add a format: see formats.py; to add one that FFmpeg does not write: see animation.py.
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
from standout.types import Picture, Planes
from standout.video.clip import Clip
from standout.video.gamut import SRGB, applied, converter
from standout.video.write.animation import Gif, PngFolder, WebP
from standout.video.write.chunk_store import ChunkStore, State
from standout.video.write.chunked import ChunkedFile
from standout.video.write.encoder import Encoding, VideoEncoder, colors_of_file
from standout.video.write.muxer import Muxer
from standout.video.write.options import WriteOptions, checked
from standout.video.write.track import is_disk_error


class VideoFile(Protocol):
    """A file that is being written. What prepare returns goes to add, in the same order."""

    def prepare(self, picture: Any) -> Any:
        """The picture, uint8 (H, W, C) or Planes, in the form that add takes. It may be changed afterwards."""

    def add(self, ready: Any, time: Fraction, duration: Fraction) -> None:
        """Writes the prepared picture, which is shown from time on for duration, both in seconds."""

    def finish(self) -> None:
        """Writes what is left and closes the file."""

    def abort(self) -> None:
        """Closes the file, whose content is of no use."""


ANIMATIONS: dict[str, Callable[[Path, tuple[int, int], int | None, list[str]], VideoFile]] = {
    "gif": Gif,
    "webp": WebP,
    "png": PngFolder,
}
"""Codec -> the class that writes it; the names are those of formats.ANIMATED."""


class Writer:
    """A video file that is being written; use it in a with statement, and add pictures in the order of their times.

    options: how the file is written. job: what the work is, in words: everything that changes its result. With a job,
    what was kept (see keep) stays on the disk when the block is left by an exception, and another Writer of the same
    job goes on from there; its state is the one that was kept last.

    When the block is left, the whole file appears under its name; after an exception no file appears. notes list what
    the file could not keep.

    Raises InputError for options out of range, and OutputError where the file exists or is the clip itself, where its
    format cannot hold what is wanted, where there is no room or no permission, or where another job was begun.
    """

    def __init__(
        self, path: Path, like: Clip, options: WriteOptions | None = None, *, job: Mapping[str, str] | None = None
    ) -> None:
        self.path, self.notes = Path(path), list[str]()
        self._like = like
        self._options = WriteOptions() if options is None else options
        self._layout = checked(self.path, like, self._options, self.notes)
        self._job = job
        codec = self._layout.codec
        if job is not None and self._layout.animated and codec != "png":
            raise OutputError(
                f"{self.path}: a {self._layout.suffix} cannot be put together from finished chunks; use another "
                "format, or leave --resume (job) out"
            )
        to_srgb = self._layout.animated and not self._options.gray
        self._convert = converter(like.colors, SRGB) if to_srgb else None
        self._store: ChunkStore | None = None
        self._part: Path | None = None
        self._file: VideoFile | None = None
        self._held: tuple[Any, Fraction] | None = None
        self._added = 0

    def __enter__(self) -> Self:
        folder, overwrite = self._layout.codec == "png", self._options.overwrite
        within = None
        try:
            if self._job is not None:
                self._store = ChunkStore(self.path, self._job, threads=self._options.threads)
                within = self._store.folder
            self._part = atomic.part_for(self.path, folder=folder, overwrite=overwrite, within=within)
            self._file = self._guarded(self._open)
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
        """What was kept last, by this Writer or by the one that it goes on from; empty where nothing was kept."""
        return {} if self._store is None else self._store.state

    @property
    def takes_planes(self) -> bool:
        """Whether pictures may also be added as planes: the file holds YUV of their size and range."""
        layout = self._layout
        if layout.animated or layout.written != layout.size or any(side % 2 for side in layout.size):
            return False
        settled = self._like.colors.settled(self._like.coded[0])
        return colors_of_file(self._like, self._encoding()).range == settled.range

    def add(self, picture: Picture | Planes, time: Fraction) -> None:
        """Adds a picture, which is shown from time, in seconds, until the next picture's time.

        Raises InputError where the picture's type or shape is not the announced one, and where its time is not later
        than that of the picture before.
        """
        if self._file is None:
            raise InputError(f"{self.path} is not open; add pictures inside the with statement")
        self._check(picture)
        if self._held is not None and time <= self._held[1]:
            raise InputError(
                f"{self.path}: the picture's time is {float(time):.3f} s, wanted more than {float(self._held[1]):.3f} s"
            )
        file = self._file
        scaled: Any = picture
        if not isinstance(picture, Planes):
            scaled = self._scaled(applied(self._convert, picture.astype(np.uint8, copy=False)))
        ready = self._guarded(lambda: file.prepare(scaled))
        self._release(time)
        self._held = (ready, time)
        self._added += 1

    def _check(self, picture: Picture | Planes) -> None:
        """Raises InputError where the picture is not of the announced type and shape."""
        wanted = (*self._layout.size, self._options.channels)
        if isinstance(picture, Planes):
            shape = (*picture.y.shape, 3 if picture.alpha is None else 4)
            if shape != wanted or not self.takes_planes:
                raise InputError(f"{self.path}: the picture is planes of {shape}; wanted an array, uint8 {wanted}")
        elif picture.dtype != np.uint8 or picture.shape != wanted:
            raise InputError(f"{self.path}: the picture is {picture.dtype} {picture.shape}; wanted uint8 {wanted}")

    def keep(self, until: Fraction, state: State) -> None:
        """Keeps all pictures so far on the disk, and the state, so that another Writer of the same job goes on here.

        until: the next picture's time. Only a Writer with a job can keep.
        """
        assert isinstance(self._file, ChunkedFile), "a Writer without a job keeps nothing"
        chunked = self._file
        self._release(until)
        self._guarded(lambda: chunked.keep(state))

    def _open(self) -> VideoFile:
        """The file, opened; notes list what it cannot keep."""
        layout, frames = self._layout, self._layout.codec == "png"
        if self._convert is not None:
            what = "PNGs" if frames else layout.suffix
            self.notes.append(f"colors converted to sRGB: {what} cannot record the clip's")
        if layout.animated and self._like.sound and self._options.sound:
            what = "a folder of PNGs" if frames else layout.suffix
            self.notes.append(f"sound left out: {what} holds none")
        if self._store is not None:
            if layout.animated:
                return ChunkedFile(self._store, lambda last: self._png_folder(), self._png_folder)
            return ChunkedFile(self._store, self._encoder, self._muxer)
        if not layout.animated:
            return self._muxer()
        assert self._part is not None
        return ANIMATIONS[layout.codec](self._part, layout.written, self._options.quality, self.notes)

    def _encoding(self) -> Encoding:
        threads = self._options.threads if self._store is None else self._store.threads
        return Encoding(
            self._layout.container,
            self._layout.codec,
            self._layout.written,
            alpha=self._options.alpha,
            gray=self._options.gray,
            quality=self._options.quality,
            rate=self._options.rate,
            threads=threads,
        )

    def _encoder(self, last: int) -> VideoEncoder:
        return VideoEncoder(self._like, self._encoding(), after=last)

    def _muxer(self) -> Muxer:
        assert self._part is not None
        suffix = self._layout.suffix
        return Muxer(self._part, self._like, self._encoding(), self._options, suffix=suffix, notes=self.notes)

    def _png_folder(self) -> PngFolder:
        assert self._part is not None
        return PngFolder(self._part, self._layout.written, None, [])

    def _scaled(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The picture at the size in which it is written."""
        if self._layout.written == self._layout.size:
            return picture
        height, width = self._layout.written
        scaled = cv2.resize(picture, (width, height), interpolation=cv2.INTER_LINEAR)
        return scaled.reshape(height, width, self._options.channels).astype(np.uint8, copy=False)

    def _release(self, until: Fraction) -> None:
        """Writes the picture that was held back, as it is now known how long it is shown."""
        if self._held is not None and self._file is not None:
            (ready, time), file = self._held, self._file
            self._held = None
            self._guarded(lambda: file.add(ready, time, until - time))

    def _finish(self) -> None:
        """Completes the file and gives it its name."""
        try:
            if self._held is not None:
                self._release(self._held[1] + 1 / (self._options.rate or self._like.rate))
            file = self._file
            assert file is not None
            assert self._part is not None
            self._guarded(file.finish)
            self._file = None
            atomic.publish(self._part, self.path, overwrite=self._options.overwrite)
        except BaseException:
            self._give_up()
            raise
        if self._store is not None:
            self._store.remove()

    def _give_up(self) -> None:
        """Removes the unfinished file.

        It is removed before it is closed, as closing it would make FFmpeg put gigabytes of it in order first.
        """
        if self._part is not None:
            atomic.discard(self._part)
        if self._file is not None:
            self._file.abort()
        self._file = None
        if self._part is not None:
            atomic.discard(self._part)  # on systems that cannot remove an open file, this attempt succeeds
        if self._store is not None:
            self._store.close() if self._store.count else self._store.remove()

    def _guarded(self, step: Callable[[], Any]) -> Any:
        """The step's result. Where the disk or FFmpeg refuses it, an OutputError that names the file."""
        try:
            return step()
        except OutputError as error:
            raise OutputError(f"{self.path}: {error}") from error
        except av.error.FFmpegError as error:
            if isinstance(error, OSError) and is_disk_error(error):
                raise atomic.refused(self.path, self._bytes_so_far(), error) from error
            raise OutputError(
                f"{self.path} cannot be written ({error.strerror}); use another format, or leave the sound out"
            ) from error
        except (OSError, ValueError) as error:
            raise atomic.refused(self.path, self._bytes_so_far(), error) from error

    def _bytes_so_far(self) -> int:
        """Bytes of the unfinished file that are on the disk."""
        part = self._part if self._store is None else self._store.folder
        if part is None or not part.exists():
            return 0
        return sum(file.stat().st_size for file in part.iterdir()) if part.is_dir() else part.stat().st_size
