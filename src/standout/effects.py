"""Image + mask -> picture: cut out, blur, colour or replace what is behind the people.

    image    uint8 or uint16 (H, W, 3)     RGB
    mask     float32 (H, W)                1 = person
    picture  (H, W, 3) RGB or (H, W, 4) RGBA with straight alpha, of the image's dtype

To add an effect: write f(image, mask, *, ...) -> Picture and name it in EFFECTS.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from standout.errors import InputError
from standout.masks import Floats, Tile, enlarge, levels, shrink, tiles
from standout.pixels import resize
from standout.types import Image, Mask, Picture

COLOUR_SIDE = 512
"""Longest side, in pixels, at which the people's and the background's own colours are estimated: both are smooth."""


def cut(image: Image, mask: Mask, *, decontaminate: bool = True) -> Picture:
    """The people on transparency. Hidden pixels are black: nothing of the old background stays in the file.

    decontaminate: soft edges get the person's own colour, free of the old background's.
    """
    _check(image, mask)
    white = levels(image)
    picture = np.zeros((*mask.shape, 4), image.dtype)
    for tile, kind, front in _fronts(image, mask, decontaminate):
        if kind == "nobody":
            continue
        picture[tile][..., :3] = front
        picture[tile][..., 3] = white
        if kind == "edge":
            shares = np.rint(mask[tile] * white).astype(image.dtype)
            picture[tile][..., 3] = shares
            picture[tile][shares == 0] = 0
    return picture


def blur(image: Image, mask: Mask, *, strength: float = 0.5) -> Picture:
    """The people sharp before a blurred background.

    strength: 0..1; the blur's standard deviation is strength times 4 % of the photo's shorter side. The blur sees
    background pixels only (normalized convolution, Knutsson and Westin, CVPR 1993), so no halo of the person's
    colours stands around them; the person's soft edge is freed of the old background before it meets the blur.
    """
    _check(image, mask)
    if not 0 <= strength <= 1:
        raise InputError(f"blur strength is {strength}; wanted 0 to 1")
    if strength == 0:
        return image.copy()
    return _over(image, mask, _blurred(image, mask, 0.04 * strength * min(mask.shape)), decontaminate=True)


def color(image: Image, mask: Mask, *, rgb: tuple[int, int, int], decontaminate: bool = True) -> Picture:
    """The people before one colour, rgb in 0..255."""
    _check(image, mask)
    behind = np.array(rgb, np.float32).reshape(1, 1, 3) * (levels(image) / 255)
    return _over(image, mask, behind, decontaminate=decontaminate)


def replace(
    image: Image,
    mask: Mask,
    *,
    background: Image,
    how: Literal["fill", "fit"] = "fill",
    decontaminate: bool = True,
) -> Picture:
    """The people before another picture.

    how: "fill" covers the whole frame and crops what is left over; "fit" shows all of the background, with bars of
    its own blurred colours.
    """
    _check(image, mask)
    behind: NDArray[Any] = _framed(background, mask.shape, how)
    if behind.dtype != image.dtype:
        behind = behind.astype(np.float32) * np.float32(levels(image) / levels(background))
    return _over(image, mask, behind, decontaminate=decontaminate)


def matte(mask: Mask, *, bits: int = 8) -> Picture:
    """The mask as a grey picture (H, W, 1), white = person."""
    white = 2**bits - 1
    grey: Picture = np.rint(mask * white).astype(np.uint8 if bits == 8 else np.uint16)[..., None]
    return grey


EFFECTS: dict[str, Callable[..., Picture]] = {"cut": cut, "blur": blur, "color": color, "replace": replace}


def _check(image: Image, mask: Mask) -> None:
    if image.shape[:2] != mask.shape:
        raise InputError(f"mask is {mask.shape[1]}x{mask.shape[0]}, the photo {image.shape[1]}x{image.shape[0]}")


def _over(image: Image, mask: Mask, behind: NDArray[Any], *, decontaminate: bool) -> Picture:
    """The people over behind: (1, 1, 3) one colour, (H, W, 3), or smaller and to be enlarged."""
    height, width = mask.shape
    picture = np.empty_like(image)
    for tile, kind, front in _fronts(image, mask, decontaminate):
        if kind == "person":
            picture[tile] = front
            continue
        if behind.shape[:2] == (height, width):
            back = behind[tile].astype(np.float32)
        elif behind.shape[:2] == (1, 1):
            back = behind
        else:
            back = enlarge(behind, tile, height, width)
        if kind == "edge":
            back = back + mask[tile][..., None] * (front - back)
        picture[tile] = np.rint(back)
    return picture


Kind = Literal["nobody", "edge", "person"]


def _fronts(image: Image, mask: Mask, decontaminate: bool) -> Iterator[tuple[Tile, Kind, Floats | Image]]:
    """(tile, what is in it, foreground colour) over the whole photo; colours are estimated only where an edge runs.

    "Approximate Fast Foreground Colour Estimation" (Forte, ICIP 2021): foreground and background are first blurred
    from where each is sure, then corrected so that alpha * F + (1 - alpha) * B is the photo again. The blurred
    estimates are made on a smaller photo; the correction is at full size. We differ in weighing by the cube of alpha:
    by alpha itself, the tinted rim pulls its own fringe into the estimate.
    """
    height, width = mask.shape
    estimate: tuple[Floats, Floats] | None = None
    for tile in tiles(height, width):
        least, most, _, _ = cv2.minMaxLoc(mask[tile])
        if most <= 0 or least >= 1 or not decontaminate:
            yield tile, "nobody" if most <= 0 else "person" if least >= 1 else "edge", image[tile]
            continue
        estimate = estimate or _sure_colours(image, mask)
        pixels, share = image[tile].astype(np.float32), mask[tile][..., None]
        front, back = (enlarge(colours, tile, height, width) for colours in estimate)
        fixed = front + share * (pixels - share * front - (1 - share) * back)
        # Where alpha nears 1 the photo itself is the answer; the estimate there would only cost detail.
        keep = np.clip((share - 0.9) * 10, 0, 1)
        yield tile, "edge", np.clip(fixed + keep * (pixels - fixed), 0, levels(image))


def _sure_colours(image: Image, mask: Mask) -> tuple[Floats, Floats]:
    """Foreground and background colour about each pixel, (h, w, 3) on a smaller photo: blurred wide, then near."""
    small: Floats = shrink(image, COLOUR_SIDE).astype(np.float32)
    alpha: Floats = shrink(mask, COLOUR_SIDE)[..., None]
    front, back = small, small
    for share in (0.045, 0.006):
        radius = max(1, round(share * max(alpha.shape)))
        near_front = _weighted_blur(front, alpha**3, radius)
        near_back = _weighted_blur(back, (1 - alpha) ** 3, radius)
        front = near_front + alpha * (small - alpha * near_front - (1 - alpha) * near_back)
        front = np.clip(front, 0, levels(image), dtype=np.float32)
        back = near_back + (1 - alpha) * (small - alpha * near_front - (1 - alpha) * near_back)
        back = np.clip(back, 0, levels(image), dtype=np.float32)
    return near_front, near_back


def _weighted_blur(colours: Floats, weight: Floats, radius: int) -> Floats:
    """The mean colour around each pixel, by weight; where there is no weight within reach, the colour as it is."""
    size = (2 * radius + 1, 2 * radius + 1)
    total = cv2.blur(weight, size)[..., None]
    mean = cv2.blur(colours * weight, size) / np.maximum(total, 1e-4)
    return np.where(total > 1e-3, mean, colours).astype(np.float32)


def _blurred(image: Image, mask: Mask, sigma: float) -> Floats:
    """The background blurred by sigma pixels, people left out, at a size where sigma is still a few pixels."""
    height, width = mask.shape
    scale = min(1.0, 4.0 / sigma)
    size = (max(1, round(height * scale)), max(1, round(width * scale)))
    # A pixel takes part by its share of background; the soft rim, still tinted by the person, takes no part.
    weight: Floats = resize((mask < 0.02).astype(np.float32), *size)
    colours: Floats = resize(image, *size).astype(np.float32)
    behind = np.zeros_like(colours)
    known = np.zeros_like(weight)
    # Deep inside a large person the narrow blur finds no background: wider ones fill in, faintly weighted.
    for times, share in ((1, 1.0), (4, 1e-3), (16, 1e-6)):
        spread = sigma * scale * times
        behind += share * _gaussian(colours * weight[..., None], spread)
        known += share * _gaussian(weight, spread)
    filled = behind / np.maximum(known, 1e-12)[..., None]
    return np.where(known[..., None] > 1e-12, filled, colours).astype(np.float32)


def _gaussian(values: Floats, sigma: float) -> Floats:
    """Gaussian blur; a wide one is done on a smaller copy."""
    height, width = values.shape[:2]
    scale = min(1.0, 4.0 / sigma)
    small = resize(values, max(1, round(height * scale)), max(1, round(width * scale)))
    soft = cv2.GaussianBlur(small, (0, 0), sigma * scale, borderType=cv2.BORDER_REFLECT)
    return resize(np.asarray(soft, np.float32), height, width)


def _framed(background: Image, shape: tuple[int, ...], how: Literal["fill", "fit"]) -> Image:
    """The background at the photo's (H, W)."""
    height, width = shape
    ratios = height / background.shape[0], width / background.shape[1]
    covering = _centred(_scaled(background, max(ratios)), height, width)
    if how == "fill":
        return covering
    whole = _scaled(background, min(ratios))
    whole = whole[:height, :width]
    framed: Image = np.asarray(cv2.GaussianBlur(covering, (0, 0), max(1.0, 0.03 * min(shape))), covering.dtype)
    top, left = (height - whole.shape[0]) // 2, (width - whole.shape[1]) // 2
    framed[top : top + whole.shape[0], left : left + whole.shape[1]] = whole
    return framed


def _scaled(image: Image, scale: float) -> Image:
    return resize(image, max(1, round(image.shape[0] * scale)), max(1, round(image.shape[1] * scale)))


def _centred(image: NDArray[Any], height: int, width: int) -> NDArray[Any]:
    """The middle height x width of an image at least, but for rounding, that large."""
    rows, columns = max(0, height - image.shape[0]), max(0, width - image.shape[1])
    if rows or columns:
        image = np.pad(image, ((0, rows), (0, columns), (0, 0)), mode="edge")
    top, left = (image.shape[0] - height) // 2, (image.shape[1] - width) // 2
    return image[top : top + height, left : left + width]
