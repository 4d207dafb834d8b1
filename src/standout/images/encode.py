"""Picture -> file or bytes, in the format of the suffix, with the photo's metadata.

    picture   uint8 or uint16  (H, W, 1|3|4)   gray, RGB or RGBA with straight alpha
    suffix    ".png", ".jpg", ...              a key of WRITERS
    policy    "keep"    ICC profile, dots per inch, and EXIF without place and thumbnail
              "all"     ICC profile, dots per inch, and the whole EXIF
              "strip"   the ICC profile alone, without which the colors would be wrong

HEIC is the exception: pi-heif, which reads it, has no encoder. pillow-heif has one, x265, for which its wheels are
under the GPL. So writing HEIC is an extra.

To add an output format: a row in WRITERS, where Pillow knows the format.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
import PIL.Image

from standout.errors import InputError, MissingExtra, OutputError, StandoutError
from standout.images import depth, png_tiff, profiles
from standout.images import exif as exifs
from standout.images.decode import load_plugin
from standout.images.photo_array import meta_of, plain
from standout.support import atomic
from standout.types import Metadata, Picture


@dataclass(frozen=True)
class ImageFormat:
    """How pictures with a suffix are written.

    format: Pillow's name. alpha: it holds transparency. deep: it holds 16 bits per channel. profiles: it holds color
    profiles; pictures for a format without them are converted to sRGB. quality: the default, 1 to 100, of a lossy
    format, or None. options: further options of the encoder. package, extra: the module that writes the format where
    Pillow cannot, and standout's extra that installs it; both are empty where Pillow can.
    """

    format: str
    alpha: bool = True
    deep: bool = False
    profiles: bool = True
    quality: int | None = None
    options: dict[str, Any] = field(default_factory=dict)
    package: str = ""
    extra: str = ""

    def check(self) -> None:
        """Raises MissingExtra where the package that writes this format is not installed."""
        if self.package and find_spec(self.package) is None:
            raise MissingExtra(f"writing {self.format}", self.extra)


_JPEG = ImageFormat("JPEG", alpha=False, quality=92)
_TIFF = ImageFormat("TIFF", deep=True)
_HEIF = ImageFormat("HEIF", quality=80, package="pillow_heif", extra="heic")
WRITERS: dict[str, ImageFormat] = {
    ".png": ImageFormat("PNG", deep=True),
    ".jpg": _JPEG,
    ".jpeg": _JPEG,
    ".webp": ImageFormat("WEBP", quality=90, options={"method": 2}),  # method 4: twice the time, files 2 % smaller
    ".avif": ImageFormat("AVIF", quality=75, options={"speed": 8}),  # speed 6 takes four times as long
    ".heic": _HEIF,
    ".heif": _HEIF,
    ".tif": _TIFF,
    ".tiff": _TIFF,
    ".bmp": ImageFormat("BMP", alpha=False, profiles=False),
}

Policy: TypeAlias = Literal["keep", "strip", "all"]


def write(
    path: str | Path,
    picture: Picture,
    *,
    meta: Metadata | None = None,
    quality: int | None = None,
    metadata: Policy = "keep",
    overwrite: bool = False,
) -> None:
    """Writes the picture as a file in the format of its suffix, complete or not at all.

    meta: None is what the picture remembers of its photo, as those that standout.blur and the like give do.

    Raises OutputError: see encode and atomic.write_atomic.
    """
    path = Path(path)
    data = _encoded(str(path), picture, path.suffix, meta, quality, metadata)
    atomic.write_atomic(path, data, overwrite=overwrite)


def encode(
    picture: Picture,
    suffix: str,
    *,
    meta: Metadata | None = None,
    quality: int | None = None,
    metadata: Policy = "keep",
) -> bytes:
    """The picture as the bytes of a file with that suffix. meta: None is what the picture remembers of its photo.

    quality: 1 to 100, for lossy formats; None is the format's default. 16 bits stay where the format holds them and are
    rounded to 8 elsewhere. EXIF that outgrows a JPEG (64 kB) is left out.

    Raises OutputError when the format cannot hold the picture, InputError for a quality out of range, and MissingExtra
    when a package that writes the format is not installed (HEIC).

    >>> encode(np.zeros((2, 3, 3), np.uint8), ".jpg")[:2]
    b'\\xff\\xd8'
    """
    return _encoded(f"a {suffix} file", picture, suffix, meta, quality, metadata)


def _encoded(
    name: str, picture: Picture, suffix: str, meta: Metadata | None, quality: int | None, policy: Policy
) -> bytes:
    """The file's bytes; see encode. name: what errors call the file."""
    codec = WRITERS.get(suffix.lower())
    if codec is None:
        raise OutputError(f"{name}: cannot write {suffix or 'a name without a suffix'}; use {', '.join(WRITERS)}")
    codec.check()
    _check_picture(name, picture)
    if picture.shape[2] == 4 and not codec.alpha:
        raise OutputError(
            f"{name}: {codec.format} holds no transparency; use .png or .webp, or give --background COLOR"
        )
    if quality is not None and not 1 <= quality <= 100:
        raise InputError(f"quality is {quality}; wanted 1 to 100")
    icc, exif, dpi = _carried(meta_of(picture) if meta is None else meta, policy, picture)
    picture = plain(picture)
    try:
        if icc and not codec.profiles:
            picture, icc = profiles.convert(picture, icc, None) if picture.shape[2] == 3 else picture, None
        if picture.itemsize == 2 and not codec.deep:
            picture = depth.rounded(picture)
        if codec.format == "PNG":
            return png_tiff.png(picture, icc=icc, exif=exif, dpi=dpi)
        if codec.format == "TIFF":
            return png_tiff.tiff(picture, icc=icc, exif=exif, dpi=dpi)
        return _saved(picture, codec, quality or codec.quality, icc, exif, dpi)
    except StandoutError:
        raise
    except Exception as error:  # each format has its own limits, such as a largest size
        height, width, _ = picture.shape
        raise OutputError(
            f"{name}: {width}x{height} cannot be written as {codec.format} ({error}); use .png"
        ) from error


def _check_picture(name: str, picture: Picture) -> None:
    """Raises InputError where the picture is not an array of the right type and shape."""
    kind = getattr(picture, "dtype", type(picture).__name__)
    shape: tuple[int, ...] = getattr(picture, "shape", ())
    if kind not in (np.uint8, np.uint16) or len(shape) != 3 or shape[2] not in (1, 3, 4) or 0 in shape:
        raise InputError(
            f"{name}: the picture is {kind} {shape}; wanted uint8 or uint16 (H, W, 1), (H, W, 3) or (H, W, 4)"
        )


def _carried(
    meta: Metadata, policy: Policy, picture: Picture
) -> tuple[bytes | None, bytes | None, tuple[float, float] | None]:
    """The ICC profile, the EXIF block and the dots per inch that go into the file."""
    if policy not in ("keep", "strip", "all"):
        raise InputError(f"metadata is {policy!r}; wanted keep, strip or all")
    icc = meta.icc if meta.icc and profiles.space(meta.icc) == ("GRAY" if picture.shape[2] == 1 else "RGB") else None
    if policy == "strip":
        return icc, None, None
    exif = meta.exif
    if exif:
        try:
            if policy == "keep":
                exif = exifs.cleaned(exif)
            exif = exifs.sized(exifs.upright(exif), picture.shape[1], picture.shape[0])
            exif = exif if meta.icc else exifs.in_srgb(exif)
        except exifs.DamagedExif as error:
            raise InputError(f"meta.exif {error}; give a block as read() returns it, or None") from None
    return icc, exif, meta.dpi


_JPEG_EXIF_LIMIT = 65533 - 6
"""The most bytes of an EXIF block in a JPEG, whose segments hold less than 64 kB."""


def _saved(
    picture: Picture,
    codec: ImageFormat,
    quality: int | None,
    icc: bytes | None,
    exif: bytes | None,
    dpi: tuple[float, float] | None,
) -> bytes:
    """The file as Pillow writes it, or pillow-heif for HEIC."""
    if not codec.package:
        load_plugin(codec.format)  # otherwise Pillow would load all its plugins
    options: dict[str, Any] = {"quality": quality, **codec.options}
    if codec.format == "JPEG":
        options["subsampling"] = "4:4:4" if quality and quality >= 90 else "4:2:0"
        exif = exif if exif and len(exif) <= _JPEG_EXIF_LIMIT else None
    if codec.format == "AVIF" and exif:
        exif = exifs.without(exif, exifs.ORIENTATION)  # otherwise Pillow would rewrite the block to move it
    found = {"icc_profile": icc, "exif": exif and b"Exif\0\0" + exif, "dpi": dpi}
    options |= {key: value for key, value in found.items() if value}
    shown = to_pillow(picture)
    out = io.BytesIO()
    if codec.format == "HEIF":
        import pillow_heif

        shown.info.update({"icc_profile": icc} if icc else {})
        pillow_heif.from_pillow(shown).save(out, **options)
    else:
        shown.save(out, codec.format, **options)
    return out.getvalue()


def to_pillow(picture: Picture) -> PIL.Image.Image:
    """The picture, (H, W, 1|3|4), as a PIL image, for libraries that take only those."""
    return PIL.Image.fromarray(picture[..., 0] if picture.shape[2] == 1 else picture)
