"""A picture's bytes -> Photo, its size checked by its header, before any pixel is decoded; and a Photo, resized."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np

from standout import images
from standout.errors import StandoutError, TooLarge
from standout.images.decode import READERS, kind_of, size_of
from standout.masks.letterbox import resize
from standout.serve.refusals import Refusal
from standout.serve.settings import PictureLimits
from standout.types import Photo

BAD = 400

_watchers: list[Callable[[bool], None]] = []


def watch(told: Callable[[bool], None]) -> None:
    """From now on, told is called with True before the bytes of a picture are decoded, and with False after it."""
    _watchers.append(told)


@contextmanager
def _decoding() -> Iterator[None]:
    for told in _watchers:
        told(True)
    try:
        yield
    finally:
        for told in _watchers:
            told(False)


def opened(data: bytes, *, field: str, limits: PictureLimits) -> Photo:
    """The photo in a field; of an animated picture, its first frame, and no other one is decoded.

    Raises Refusal for bytes that are too many, no picture, damaged, or of too many pixels.
    """
    if len(data) > limits.most_bytes:
        detail = f"{field} has {len(data):,} bytes, wanted at most {limits.most_bytes:,}; send a smaller picture"
        raise Refusal(BAD, "file_too_large", title="File too large", detail=detail)
    if kind_of(data[:64]) is None:
        detail = f"{field} begins with {data[:12]!r}, which is no picture; wanted {', '.join(READERS)}"
        raise Refusal(BAD, "invalid_file_type", title="Invalid file type", detail=detail)
    with _decoding():
        width, height = _size(data, field)
        if width * height > limits.most_pixels:
            raise _too_many(field, f"{width}x{height} pixels", limits.most_pixels)
        try:
            return images.read(data, max_pixels=limits.most_pixels)
        except TooLarge:
            raise _too_many(field, "more pixels than its header says", limits.most_pixels) from None
        except StandoutError as error:
            raise unreadable(f"{field}: {error}") from None


def unreadable(detail: str) -> Refusal:
    """The refusal of a picture that cannot be decoded."""
    return Refusal(BAD, "failed_to_read_image", title="There was an error reading the image.", detail=detail)


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
        return size_of(field, data)
    except StandoutError as error:
        detail = f"The dimensions of the given image could not be read: {error}"
        raise Refusal(BAD, "invalid_dimensions", title="Failed to read image dimensions", detail=detail) from None


def _too_many(field: str, got: str, most: int) -> Refusal:
    detail = f"{field} has {got}, wanted at most {most / 1e6:g} megapixels; send a smaller picture"
    return Refusal(BAD, "resolution_too_high", title="Image resolution too high", detail=detail)
