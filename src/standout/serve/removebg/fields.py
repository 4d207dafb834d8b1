"""The fields of a request -> Removal, a frozen value; everything that is wrong with them is known before any work.

    "undefined", "null", "None" and empty text   as if the field were not sent, which some clients cannot avoid
    fields that are not known                    left out, as clients may be newer than this

The fields add_shadow, shadow_type, shadow_opacity and semitransparency are about cars, and change nothing here.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias, cast
from urllib.parse import urlsplit

from standout.editing import Placement
from standout.editing.frame import MIDDLE
from standout.errors import InputError
from standout.images import parse_color
from standout.lengths import Box, Length, Point, Sides
from standout.serve.body import Fields
from standout.serve.refusals import Refusal
from standout.serve.removebg.errors import refused

SIZES = {
    "preview": 0.25,
    "small": 0.25,
    "regular": 0.25,
    "medium": 1.5,
    "hd": 4.0,
    "full": 25.0,
    "4k": 25.0,
    "auto": 25.0,
    "50mp": 50.0,
}
"""Name -> megapixels that the result has at most; the sizes of 25 have 10 in a PNG."""

FORMATS = ("auto", "png", "jpg", "webp", "zip")
TYPE_LEVELS = ("1", "2", "latest", "none")

NO_MARGIN = Sides.of(0)

_UNSET = ("", "undefined", "null", "None")
_HEX = re.compile(r"#?([0-9a-fA-F]{3,4}|[0-9a-fA-F]{6}|[0-9a-fA-F]{8})")


RGBA: TypeAlias = tuple[int, int, int, int]


@dataclass(frozen=True)
class Removal:
    """What is asked for.

    margin: of a crop. scale: what the people fill of the picture's height or width, in percent; None = as they are.
    position: None = where they are. color: of the background, 0..255. background: a picture's bytes.
    """

    image: bytes
    field: str
    size: str = "preview"
    type_level: str = "1"
    format: str = "auto"
    roi: Box | None = None
    crop: bool = False
    margin: Sides = NO_MARGIN
    scale: float | None = None
    position: Point | None = None
    channels: Literal["rgba", "alpha"] = "rgba"
    color: RGBA | None = None
    background: bytes | None = None

    @property
    def megapixels(self) -> float:
        """The most that the result has."""
        most = SIZES[self.size]
        opaque = self.background is not None or (self.color is not None and self.color[3] == 255)
        is_png = self.format == "png" or (self.format == "auto" and not opaque)
        return 10.0 if is_png and most == 25.0 else most


def parsed(given: Fields) -> Removal:
    """The removal that the fields ask for. Raises Refusal with the code of the first field that is wrong."""
    field, image = _source(given)
    text = {name: value.strip() for name, value in given.items() if isinstance(value, str) and value not in _UNSET}
    _switch(text, "add_shadow")
    _switch(text, "semitransparency", code="invalid_semitransparency")
    color, background = _background(given, text)
    scale = _scale(text)
    return Removal(
        image=image,
        field=field,
        size=_choice(text, "size", tuple(SIZES), code="invalid_size"),
        type_level=_choice(text, "type_level", TYPE_LEVELS),
        format=_choice(text, "format", FORMATS, code="invalid_format"),
        roi=_roi(text),
        crop=_switch(text, "crop"),
        margin=_margin(text),
        scale=scale,
        position=_position(text, scaled=scale is not None),
        channels=cast(Literal["rgba", "alpha"], _choice(text, "channels", ("rgba", "alpha"), code="invalid_channels")),
        color=color,
        background=background,
    )


def _is_set(value: str | bytes | None) -> bool:
    return value is not None and value not in _UNSET


def _source(given: Fields) -> tuple[str, bytes]:
    """The name of the field that the picture is in, and its bytes."""
    found = [name for name in ("image_file", "image_file_b64", "image_url") if _is_set(given.get(name))]
    if not found:
        raise refused("missing_source", "send the picture as image_file (multipart/form-data), or as image_file_b64")
    if len(found) > 1:
        raise refused("multiple_sources", f"{', '.join(found)} are given; send one of them")
    name, value = found[0], given[found[0]]
    if name == "image_url":
        raise _never_fetched(value, "image_url", invalid="invalid_image_url", valid="failed_image_download")
    if name == "image_file":
        return name, _file(value, name, code="missing_source")
    return name, _from_base64(value)


def _file(value: str | bytes, name: str, *, code: str) -> bytes:
    if isinstance(value, bytes):
        return value
    raise refused(
        code, f"{name} is text; send it as a file with a name, in multipart/form-data (curl -F {name}=@photo.jpg)"
    )


def _from_base64(value: str | bytes) -> bytes:
    if isinstance(value, bytes):
        value = value.decode("latin-1")
    if value.startswith("data:"):
        value = value.partition(",")[2]
    try:
        plain = "".join(value.split()).replace("-", "+").replace("_", "/")
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (ValueError, binascii.Error) as error:
        raise refused(
            "failed_to_read_image", f"image_file_b64 is not Base64 ({error}); encode the file's bytes"
        ) from None


def _never_fetched(value: str | bytes, name: str, *, invalid: str, valid: str) -> Refusal:
    url = value.decode("latin-1") if isinstance(value, bytes) else value
    try:
        parts = urlsplit(url)
        is_url = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        is_url = False
    file = "image_file, or as image_file_b64" if name == "image_url" else "bg_image_file"
    detail = f"this server fetches nothing from elsewhere; download the picture and send it as {file}"
    return refused(valid, detail) if is_url else refused(invalid, f"{name} is {url[:200]!r}, which is no URL; {detail}")


def _choice(text: Mapping[str, str], name: str, known: tuple[str, ...], *, code: str = "invalid_parameter") -> str:
    """The value of a field that has a few; the first one known is the default."""
    value = text.get(name, known[0])
    if value.lower() not in known:
        raise refused(code, f"{name} is {value[:200]!r}; wanted one of {', '.join(known)}")
    return value.lower()


def _switch(text: Mapping[str, str], name: str, *, code: str = "invalid_parameter") -> bool:
    value = text.get(name, "false")
    if value.lower() not in ("true", "false", "1", "0"):
        raise refused(code, f"{name} is {value[:200]!r}; wanted true or false")
    return value.lower() in ("true", "1")


def _length(text: str) -> Length | None:
    try:
        return Length.of(text)
    except InputError:
        return None


def _roi(text: Mapping[str, str]) -> Box | None:
    try:
        return Box.of(text["roi"]) if "roi" in text else None
    except InputError as error:
        raise refused("invalid_roi", f"roi is {error}") from None


def _margin(text: Mapping[str, str]) -> Sides:
    """The margins at top, right, bottom and left, from one value, two (top and bottom, left and right) or four."""
    value = text.get("crop_margin", "0")
    try:
        sides = Sides.of(value)
        Placement(crop=True, crop_margin=sides)
    except InputError as error:
        raise refused("invalid_crop_margin", f"crop_margin is {value[:200]!r}: {error}") from None
    return sides


def _percent(text: str) -> float | None:
    length = _length(text)
    return length.value if length and length.unit == "%" and length.value <= 100 else None


def _scale(text: Mapping[str, str]) -> float | None:
    value = text.get("scale", "original").lower()
    percent = _percent(value)
    if value != "original" and (percent is None or percent < 10):
        raise refused("invalid_scale", f"scale is {value[:200]!r}; wanted original, or 10% to 100%")
    return percent


def _position(text: Mapping[str, str], *, scaled: bool) -> Point | None:
    value = text.get("position", "center" if scaled else "original").lower()
    if value == "original":
        return MIDDLE if scaled else None
    parts = [50.0 if part == "center" else _percent(part) for part in value.split()]
    if len(parts) not in (1, 2) or None in parts:
        raise refused(
            "invalid_position", f"position is {value[:200]!r}; wanted original, center, or one or two of 0% to 100%"
        )
    across, down = cast(list[float], parts * 2)[:2]
    return Point(Length(across, "%"), Length(down, "%"))


def _background(given: Fields, text: Mapping[str, str]) -> tuple[RGBA | None, bytes | None]:
    """The color and the picture of the background, of which at most one is given."""
    names = [name for name in ("bg_color", "bg_image_url", "bg_image_file") if _is_set(given.get(name))]
    if len(names) > 1:
        raise refused("multiple_bg_sources", f"{', '.join(names)} are given; send one of them")
    if not names:
        return None, None
    name = names[0]
    if name == "bg_color":
        return _color(text.get(name, "")), None
    if name == "bg_image_url":
        raise _never_fetched(given[name], name, invalid="invalid_bg_image_url", valid="failed_bg_download")
    return None, _file(given[name], name, code="failed_bg_download")


def _color(text: str) -> RGBA:
    """Red, green, blue and alpha, 0..255.

    >>> _color("81d4fa"), _color("#fff8"), _color("red")
    ((129, 212, 250, 255), (255, 255, 255, 136), (255, 0, 0, 255))
    """
    if found := _HEX.fullmatch(text):
        digits = found[1] if len(found[1]) > 4 else "".join(2 * digit for digit in found[1])
        red, green, blue, alpha = bytes.fromhex(digits.ljust(8, "f"))
        return red, green, blue, alpha
    try:
        return *parse_color(text), 255
    except InputError:
        wanted = "3, 4, 6 or 8 hexadecimal digits such as 81d4fa77, or the name of a color"
        raise refused("invalid_bg_color", f"bg_color is {text[:200]!r}; wanted {wanted}") from None
