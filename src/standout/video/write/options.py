"""What a video file is to be like, and whether its container can hold that.

    WriteOptions   what the caller wants
    Layout         what is written: container, codec, and the sizes of the pictures that come and that go into the file

To add an option: a field of WriteOptions, and a check in checked() where a value can be wrong.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from standout.errors import InputError, OutputError
from standout.video.clip import Clip
from standout.video.formats import ANIMATED, CODECS, CONTAINERS, Container


@dataclass(frozen=True)
class WriteOptions:
    """How a Writer writes its file.

    height, width: of the pictures that are added, in pixels; None is the clip's own. alpha: the pictures are RGBA,
    (H, W, 4). gray: they are (H, W, 1). Otherwise they are RGB, (H, W, 3).

    codec: a name in the container's codecs; None is its first one, or the one that keeps transparency. quality: 1 to
    100 (formats.py explains what that means for each codec); None is 75. rate: frames a second, where the pictures come
    at a constant rate; None keeps the times that are given. threads: of the encoder; 0 is one for each core.

    start, end: the stretch of the clip, in seconds, that the pictures come from; sound and subtitles are cut to it.
    sound: carry over the clip's sound. private: leave out whatever may tell who or where it was: tags, chapters and
    subtitles, in which drones keep the place. overwrite: replace a file of that name.
    """

    height: int | None = None
    width: int | None = None
    alpha: bool = False
    gray: bool = False
    codec: str | None = None
    quality: int | None = None
    rate: Fraction | None = None
    start: Fraction = Fraction(0)
    end: Fraction | None = None
    sound: bool = True
    private: bool = False
    overwrite: bool = False
    threads: int = 0

    @property
    def channels(self) -> int:
        """Channels of the pictures that are added."""
        return 4 if self.alpha else 1 if self.gray else 3


@dataclass(frozen=True)
class Layout:
    """What is written. size: (height, width) of the pictures that are added; written: of those in the file."""

    suffix: str
    container: Container
    codec: str
    size: tuple[int, int]
    written: tuple[int, int]

    @property
    def animated(self) -> bool:
        """Whether animation.py writes the file, rather than FFmpeg's muxers."""
        return self.codec in ANIMATED


def checked(path: Path, like: Clip, options: WriteOptions, notes: list[str]) -> Layout:
    """The layout of the file at path, made of the clip `like`. notes: gets what the file cannot keep.

    Raises InputError for options out of range, and OutputError where the container cannot hold what is wanted.
    """
    suffix = path.suffix.lower() or ".frames"
    container = _container(path, suffix, alpha=options.alpha)
    codec = _codec(path, suffix, container, options)
    size = (
        like.height if options.height is None else options.height,
        like.width if options.width is None else options.width,
    )
    _check_values(path, like, size, options)
    return Layout(suffix, container, codec, size, _written(like, size, suffix, codec, notes))


def _written(like: Clip, size: tuple[int, int], suffix: str, codec: str, notes: list[str]) -> tuple[int, int]:
    """(height, width) of the pictures in the file: made wider or narrower where its pixels have to be square."""
    height, width = size
    aspect = like.pixel_aspect
    if aspect == 1 or CONTAINERS[suffix].keeps_pixel_shape(codec):
        if codec == "png" and aspect != 1:
            notes.append(f"pixels are {aspect.numerator}:{aspect.denominator} wide, which PNGs cannot record")
        return size
    wide = max(2, 2 * round(width * aspect / 2))
    notes.append(f"{width}x{height} became {wide}x{height}: {suffix} cannot record that pixels are not square")
    return height, wide


def _container(path: Path, suffix: str, *, alpha: bool) -> Container:
    """The container of that suffix. Raises OutputError where there is none, or it holds no transparency."""
    container = CONTAINERS.get(suffix)
    if container is None:
        raise OutputError(f"{path}: cannot write a video as {suffix}; use {', '.join(CONTAINERS)}")
    if alpha and not container.alpha:
        fit = ", ".join(name for name, other in CONTAINERS.items() if other.alpha)
        raise OutputError(f"{path}: {suffix} holds no transparency; use {fit}, or give --background COLOR")
    return container


def _codec(path: Path, suffix: str, container: Container, options: WriteOptions) -> str:
    """The name of the codec: the wanted one where it fits, else the container's own choice."""
    fitting = [container.see_through] if options.alpha else list(container.codecs)
    if options.codec is None:
        return str(fitting[0])
    if options.codec in fitting:
        return options.codec
    if options.codec not in {*CODECS, *ANIMATED}:
        raise InputError(f"codec is {options.codec!r}; wanted one of {', '.join(CODECS)}")
    what = "transparency" if options.alpha else "pictures"
    raise OutputError(
        f"{path}: codec {options.codec} does not go with {what} in {suffix}; wanted {' or '.join(map(str, fitting))}"
    )


def _check_values(path: Path, like: Clip, size: tuple[int, int], options: WriteOptions) -> None:
    """Raises InputError for values out of range, and OutputError where the file is the clip itself."""
    if options.alpha and options.gray:
        raise InputError("alpha and gray are both asked for; wanted one of them")
    if min(size) < 1:
        raise InputError(f"height and width are {size}; wanted at least 1")
    if options.quality is not None and not 1 <= options.quality <= 100:
        raise InputError(f"quality is {options.quality}; wanted 1 to 100")
    if options.rate is not None and options.rate <= 0:
        raise InputError(f"rate is {options.rate}; wanted more than 0 frames a second")
    if path.exists() and like.path.exists() and path.samefile(like.path):
        raise OutputError(f"{path} is the clip itself; give the result another name")
