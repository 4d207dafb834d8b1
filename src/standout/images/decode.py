"""Picture file, bytes or PIL image -> Photo: upright RGB pixels and what else the file says.

    source   str, Path, bytes, PIL image   JPEG, PNG, WebP, AVIF, HEIC, TIFF, BMP or GIF, recognized by content
    Photo    image uint8 or uint16 (H, W, 3), alpha float32 (H, W) or None, meta, warnings

To add an input format: a row in READERS, a line in _STARTS or a case in kind_of, and its suffix in READABLE.
"""

from __future__ import annotations

import importlib
import io
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import PIL.Image
from numpy.typing import NDArray

from standout.errors import InputError, SetupError, StandoutError, TooLarge, UnreadableImage
from standout.images import color_tags, colors, exif, jpeg_segments, metadata, png_chunks
from standout.types import Metadata, Photo

if TYPE_CHECKING:
    from PIL.ImageFile import ImageFile

MAX_PIXELS = 200_000_000
"""Pictures with more pixels are refused, as a small file can claim a size that fills the memory."""

READABLE = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".jfi", ".jif", ".pjpeg", ".pjp", ".jps", ".mpo"}
    | {".heic", ".heif", ".hif", ".heics", ".heifs", ".avif", ".avifs", ".webp"}
    | {".png", ".apng", ".tif", ".tiff", ".bmp", ".dib", ".gif"}
)
"""Suffixes of the files in a folder that are taken for photos."""

READERS = {
    "JPEG": "PIL.JpegImagePlugin:JpegImageFile",
    "PNG": "PIL.PngImagePlugin:PngImageFile",
    "WEBP": "PIL.WebPImagePlugin:WebPImageFile",
    "AVIF": "PIL.AvifImagePlugin:AvifImageFile",
    "HEIF": "pi_heif:HeifImageFile",
    "TIFF": "PIL.TiffImagePlugin:TiffImageFile",
    "BMP": "PIL.BmpImagePlugin:BmpImageFile",
    "GIF": "PIL.GifImagePlugin:GifImageFile",
}
"""Format -> module and class that read it. Only the module that a file needs is loaded; Pillow would load all 40."""

_STARTS = {
    b"\xff\xd8\xff": "JPEG",
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"GIF87a": "GIF",
    b"GIF89a": "GIF",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
    b"II+\0": "TIFF",
    b"MM\0+": "TIFF",
    b"BM": "BMP",
}
T = TypeVar("T")
_HEIF_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"})


def read(
    source: str | Path | bytes | PIL.Image.Image, *, max_pixels: int | None = MAX_PIXELS, name: str | None = None
) -> Photo:
    """The picture, upright, with what else its file holds. Of several frames or pages, the first one is read.

    Its alpha is None where the file has none, or where everything is opaque. CMYK, Lab, and gray with a profile become
    sRGB; an RGB profile is kept, as it defines what the levels mean. max_pixels: None lifts the limit. name: what
    errors call given bytes. The photo's warnings list what could not be kept.

    Raises UnreadableImage or TooLarge, naming the file, and InputError where there is no such file.
    """
    if isinstance(source, PIL.Image.Image):
        given = source
        return guarded("the given PIL image", lambda: _photo("the given PIL image", given, None, max_pixels, []))
    if isinstance(source, bytes):
        return _decoded(name or f"the given picture of {len(source)} bytes", source, max_pixels)
    if isinstance(source, str | Path):
        return _decoded(str(source), content(Path(source)), max_pixels)
    raise InputError(f"cannot read a picture from {type(source).__name__}; give a path, bytes or a PIL image")


def content(path: Path) -> bytes:
    """All bytes of the file, or only its start where that shows that it is no picture.

    Raises UnreadableImage for a folder, a device or a file that cannot be read, and InputError for a missing file.
    """
    try:
        if path.is_dir():
            raise UnreadableImage(f"{path} is a folder; give a picture file")
        if path.is_block_device() or path.is_char_device():  # reading it might never end
            raise UnreadableImage(f"{path} is a device; give a picture file")
        with path.open("rb") as file:
            head = file.read(64)
            return head + file.read() if kind_of(head) else head
    except FileNotFoundError:
        raise InputError(f"{path} does not exist; check the name and the folder") from None
    except PermissionError:
        raise UnreadableImage(f"{path}: no permission to read it; change its permissions (chmod +r)") from None
    except (OSError, ValueError) as error:
        raise UnreadableImage(f"{path} cannot be read ({error}); check the name and the disk") from error


def kind_of(head: bytes) -> str | None:
    """The format that a file's first 64 bytes show, a key of READERS, or None."""
    for start, name in _STARTS.items():
        if head.startswith(start):
            return name
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WEBP"
    if head[4:8] != b"ftyp":
        return None
    brands = {head[8:12], *(head[at : at + 4] for at in range(16, min(len(head), int.from_bytes(head[:4])), 4))}
    if brands & {b"avif", b"avis"}:
        return "AVIF"
    return "HEIF" if brands & _HEIF_BRANDS else None


def guarded(name: str, job: Callable[[], T]) -> T:
    """The result of job. Whatever it raises becomes UnreadableImage, which names the file; our own errors pass.

    Damaged bytes make decoders raise nearly anything.
    """
    try:
        return job()
    except StandoutError:
        raise
    except MemoryError as error:
        raise UnreadableImage(f"{name} needs more memory than there is; make the picture smaller") from error
    except Exception as error:
        reason = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        raise UnreadableImage(f"{name} is damaged or unusual ({reason}); get the file again or convert it") from error


def _decoded(name: str, data: bytes, max_pixels: int | None) -> Photo:
    """The photo in a file's bytes."""
    notes: list[str] = []
    return guarded(name, lambda: _photo(name, opened_file(name, data, notes), data, max_pixels, notes))


def size_of(name: str, data: bytes) -> tuple[int, int]:
    """Width and height as they are stored, by the header alone. Raises UnreadableImage as opened_file does."""
    width, height = guarded(name, lambda: opened_file(name, data, [])).size
    return int(width), int(height)


def opened_file(name: str, data: bytes, notes: list[str]) -> ImageFile:
    """The file with its header read; its pixels are not decoded yet.

    Raises UnreadableImage where it is empty or no picture.
    """
    if not data:
        raise UnreadableImage(f"{name} is empty (0 bytes); get the file again")
    kind = kind_of(data[:64])
    if kind is None:
        raise UnreadableImage(
            f"{name} is not a picture: it starts with {data[:12]!r}; wanted {', '.join(READERS)}; convert it first"
        )
    opener = load_plugin(kind)
    slim, info = png_chunks.slimmed(data, notes) if kind == "PNG" else (data, {})
    slim = jpeg_segments.sound(data) if kind == "JPEG" else slim
    try:
        opened: ImageFile = opener(io.BytesIO(slim))
    except PIL.Image.DecompressionBombError:  # some readers apply Pillow's limit; ours is checked by load()
        with _pillow_limit_off():
            opened = opener(io.BytesIO(slim))
    opened.info.update(info)
    metadata.add_colors(opened, kind, data)
    if opened.info.get("icc_profile", b"") is None:
        notes.append(colors.DAMAGED)
    return opened


def load_plugin(kind: str) -> Any:
    """The class that reads a format, a key of READERS. Its module, which may also hold the writer, is loaded.

    Raises SetupError where this installation lacks it.
    """
    module, _, reader = READERS[kind].partition(":")
    try:
        return getattr(importlib.import_module(module), reader)
    except ImportError as error:
        raise SetupError(f"{kind} needs {module} ({error}); run: pip install --upgrade pillow pi-heif") from error


_lock = threading.Lock()
_limits_off: list[int | None] = []


@contextmanager
def _pillow_limit_off() -> Iterator[None]:
    """Lifts Pillow's own limit inside the block, for pictures that passed ours. Blocks of threads may overlap."""
    with _lock:
        _limits_off.append(PIL.Image.MAX_IMAGE_PIXELS if not _limits_off else _limits_off[0])
        PIL.Image.MAX_IMAGE_PIXELS = None
    try:
        yield
    finally:
        with _lock:
            before = _limits_off.pop()
            if not _limits_off:
                PIL.Image.MAX_IMAGE_PIXELS = before


def _check_size(name: str, size: tuple[int, int], max_pixels: int | None) -> None:
    """Raises TooLarge for more pixels than the limit, and UnreadableImage for none. size: (width, height)."""
    pixels = size[0] * size[1]
    if pixels <= 0:
        raise UnreadableImage(f"{name} is {size[0]}x{size[1]} pixels, wanted at least 1x1; get the file again")
    if max_pixels is not None and pixels > max_pixels:
        raise TooLarge(
            f"{name} has {pixels:,} pixels ({size[0]}x{size[1]}), the limit is {max_pixels:,}; "
            f"if you trust the file, lift it with --max-pixels {pixels} (max_pixels={pixels})"
        )


def load(name: str, opened: PIL.Image.Image, max_pixels: int | None) -> None:
    """Decodes the opened picture's pixels. Raises TooLarge above the limit, before decoding where that is possible."""
    _check_size(name, opened.size, max_pixels)
    tags = getattr(opened, "tag_v2", {})
    tile = (tags.get(322, 1), tags.get(323, 1))  # a small TIFF may come in one giant tile
    _check_size(name, tile, max_pixels and max(max_pixels, 1 << 24))
    theirs = PIL.Image.MAX_IMAGE_PIXELS
    with _pillow_limit_off() if theirs and opened.width * opened.height > theirs else nullcontext():
        opened.load()
    _check_size(name, opened.size, max_pixels)  # the size of a HEIC is certain only now


def _photo(name: str, opened: PIL.Image.Image, data: bytes | None, max_pixels: int | None, notes: list[str]) -> Photo:
    """The opened picture, decoded and upright. data: the whole file, or None for a PIL image."""
    kind = {"MPO": "JPEG"}.get(opened.format or "", opened.format or "")
    if data is not None and getattr(opened, "is_animated", False):
        notes.append("holds several frames or pages; the first was used")
    with metadata.xmp_hidden(opened):
        load(name, opened, max_pixels)
        block = metadata.block_of(opened, kind, notes)
    turn = exif.orientation(block) if block else 1
    image, alpha, icc = colors.unpack(opened, name=name, kind=kind, data=data, notes=notes)
    if colors.is_unmanaged(opened):
        image, icc = color_tags.understood(image, opened.info, block, notes)
    dpi = metadata.dpi_of(opened, kind, block, turned=turn >= 5)
    return Photo(
        image=upright(image, turn),
        alpha=None if alpha is None else upright(alpha, turn),
        meta=Metadata(kind, icc, block and exif.upright(block), dpi, 8 * image.itemsize),
        warnings=tuple(notes),
    )


def upright(array: NDArray[Any], turn: int) -> NDArray[Any]:
    """The array, (H, W) or (H, W, C), turned as EXIF orientation `turn`, 1 to 8, wants it shown."""
    if turn == 1:
        return array
    import cv2

    if turn >= 5:
        array = cv2.transpose(array)
    flip = {2: 1, 3: -1, 4: 0, 6: 1, 7: -1, 8: 0}.get(turn)
    return array if flip is None else cv2.flip(array, flip)
