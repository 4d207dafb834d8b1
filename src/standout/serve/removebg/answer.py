"""The picture -> the bytes or the JSON of the answer, and its headers."""

from __future__ import annotations

import base64
import io
import json
import zipfile
from typing import Any

import numpy as np
from numpy.typing import NDArray

from standout import images
from standout.effects.compose import before_white
from standout.errors import StandoutError
from standout.serve.removebg.errors import refused
from standout.serve.removebg.fields import SIZES, Removal
from standout.serve.removebg.remove import Removed
from standout.types import Metadata, Picture

TYPES = {"png": "image/png", "jpg": "image/jpeg", "webp": "image/webp", "zip": "application/zip"}
JSON = "application/json"


def body(result: Removed, order: Removal, *, as_json: bool) -> tuple[bytes, str]:
    """The bytes of the answer and their media type. Raises Refusal where the format cannot hold the picture."""
    kind = order.format
    if kind == "auto":
        kind = "jpg" if result.picture.shape[2] == 3 else "png"
    try:
        data = _zipped(result) if kind == "zip" else _encoded(result.picture, kind, result.meta)
    except StandoutError as error:
        raise refused("invalid_format", f"{kind} cannot hold the result: {error}") from None
    if not as_json:
        return data, TYPES[kind]
    top, left, height, width = _foreground(result)
    told = {
        "result_b64": base64.b64encode(data).decode(),
        "foreground_top": top,
        "foreground_left": left,
        "foreground_width": width,
        "foreground_height": height,
    }
    return json.dumps({"data": told}).encode(), JSON


def headers(result: Removed, order: Removal) -> dict[str, str]:
    """What the answer says about the result besides its type."""
    height, width = result.picture.shape[:2]
    top, left, tall, wide = _foreground(result)
    most_width, most_height = _largest(result.photo_size)
    told = {
        "X-Width": width,
        "X-Height": height,
        "X-Max-Width": most_width,
        "X-Max-Height": most_height,
        "X-Credits-Charged": 0,
        "X-Foreground-Top": top,
        "X-Foreground-Left": left,
        "X-Foreground-Width": wide,
        "X-Foreground-Height": tall,
    }
    kinds = {} if order.type_level == "none" else {"X-Type": "person"}
    return {name: str(value) for name, value in told.items()} | kinds


def _foreground(result: Removed) -> tuple[int, int, int, int]:
    """Top, left, height and width of the people in the photo that was sent."""
    top, left, bottom, right = result.box
    return top, left, bottom - top, right - left


def _largest(size: tuple[int, int]) -> tuple[int, int]:
    """The size, (width, height), of the result that the size "full" gives."""
    factor = min(1.0, (SIZES["full"] * 1e6 / (size[0] * size[1])) ** 0.5)
    return max(1, int(size[0] * factor)), max(1, int(size[1] * factor))


def _encoded(picture: Picture, kind: str, meta: Metadata) -> bytes:
    if kind == "jpg" and picture.shape[2] == 4:
        picture = before_white(picture)
    return images.encode(picture, f".{kind}", meta=meta, metadata="strip")


def _zipped(result: Removed) -> bytes:
    """color.jpg and alpha.png. Where nothing is seen, the color is the photo's own, so that no edge shows in it."""
    picture: NDArray[Any] = result.picture
    color, alpha = picture, np.full_like(picture[..., :1], np.iinfo(picture.dtype).max)
    if picture.shape[2] == 4:
        alpha = np.ascontiguousarray(picture[..., 3:])
        color = np.where(alpha > 0, picture[..., :3], result.image)
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("color.jpg", images.encode(color, ".jpg", meta=result.meta, metadata="strip"))
        archive.writestr("alpha.png", images.encode(alpha, ".png", meta=Metadata()))
    return made.getvalue()
