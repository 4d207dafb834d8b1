"""A picture's bytes -> Photo, its size checked by its header, before any pixel is decoded; and a Photo, resized."""

from __future__ import annotations

import numpy as np

from standout import images
from standout.errors import StandoutError, TooLarge
from standout.images.decode import READERS, guarded, kind_of, opened_file
from standout.masks.letterbox import resize
from standout.serve.refusals import Refusal
from standout.types import Photo

BAD = 400


def opened(data: bytes, *, field: str, most_bytes: int, most_pixels: int) -> Photo:
    """The photo in a field. Raises Refusal for bytes that are too many, no picture, damaged, or of too many pixels."""
    if len(data) > most_bytes:
        detail = f"{field} has {len(data):,} bytes, wanted at most {most_bytes:,}; send a smaller picture"
        raise Refusal(BAD, "file_too_large", title="File too large", detail=detail)
    if kind_of(data[:64]) is None:
        detail = f"{field} begins with {data[:12]!r}, which is no picture; wanted {', '.join(READERS)}"
        raise Refusal(BAD, "invalid_file_type", title="Invalid file type", detail=detail)
    width, height = _size(data, field)
    if width * height > most_pixels:
        raise _too_many(field, f"{width}x{height} pixels", most_pixels)
    try:
        return images.read(data, max_pixels=most_pixels)
    except TooLarge:
        raise _too_many(field, "more pixels than its header says", most_pixels) from None
    except StandoutError as error:
        title = "There was an error reading the image."
        raise Refusal(BAD, "failed_to_read_image", title=title, detail=f"{field}: {error}") from None


def resized(photo: Photo, height: int, width: int) -> Photo:
    """The photo at height x width. Colors that its transparency hides do not flow into those that are seen."""
    if photo.image.shape[:2] == (height, width):
        return photo
    if photo.alpha is None:
        return Photo(resize(photo.image, height, width), None, photo.meta)
    alpha = resize(photo.alpha, height, width)
    shown = resize(photo.image.astype(np.float32) * photo.alpha[..., None], height, width)
    shown /= np.maximum(alpha, np.float32(1e-6))[..., None]
    most = np.iinfo(photo.image.dtype).max
    return Photo(np.rint(np.clip(shown, 0, most)).astype(photo.image.dtype), alpha, photo.meta)


def _size(data: bytes, field: str) -> tuple[int, int]:
    """Width and height, by the header alone."""
    try:
        width, height = guarded(field, lambda: opened_file(field, data, [])).size
    except StandoutError as error:
        detail = f"The dimensions of the given image could not be read: {error}"
        raise Refusal(BAD, "invalid_dimensions", title="Failed to read image dimensions", detail=detail) from None
    return int(width), int(height)


def _too_many(field: str, got: str, most: int) -> Refusal:
    detail = f"{field} has {got}, wanted at most {most / 1e6:g} megapixels; send a smaller picture"
    return Refusal(BAD, "resolution_too_high", title="Image resolution too high", detail=detail)
