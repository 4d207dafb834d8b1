"""Image + mask -> picture: cut out, blur, color or replace what is behind the people.

    image    uint8 or uint16 (H, W, 3)     RGB
    mask     float32 (H, W)                1 = person
    picture  (H, W, 3) RGB or (H, W, 4) RGBA with straight alpha, of the image's dtype

What is behind the people is made whole (blurred, filled, backdrop), and the people are painted over it (painted): what
is dressed, such as a shadow, comes in between. An effect's own pixel work stands here, or in the effect's file where it
is short. painted, over, with_alpha and before_white are what effects share.

    behind   (H, W, 3) RGB, or (H, W, 4) RGBA whose colors are multiplied by its alpha
    finish   changes the people's own colors, float32 (h, w, 3) in the photo's levels, of a tile before they are painted
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from standout.effects.foreground import Foreground, halved, three
from standout.effects.framing import SOFTEST, framed, halvings, weighted
from standout.effects.rounding import whole
from standout.errors import InputError
from standout.masks.letterbox import resize
from standout.masks.tiles import EDGE, NOBODY, PERSON, Kinds, Tile, kinds_of, levels, runs
from standout.types import Floats, Image, Mask, Picture

Finish: TypeAlias = Callable[[Floats, Tile], Floats]


def cut(image: Image, mask: Mask, *, decontaminate: bool = True) -> Picture:
    """The people on transparency. Hidden pixels are black: nothing of the old background stays in the file.

    decontaminate: soft edges get the person's own color, free of the old background's.
    """
    check(image, mask)
    white = levels(image)
    picture = np.zeros((*mask.shape, 4), image.dtype)
    kinds = _kinds(image, mask)
    fronts = Foreground(image, mask) if decontaminate and (kinds == EDGE).any() else None
    for tile, kind in runs(kinds, *mask.shape):
        if kind == PERSON:
            picture[tile] = cv2.cvtColor(image[tile], cv2.COLOR_RGB2RGBA)
        elif kind == EDGE:
            colors = whole(fronts.four(tile), image.dtype) if fronts else cv2.cvtColor(image[tile], cv2.COLOR_RGB2RGBA)
            shares = whole(mask[tile] * white, image.dtype)
            colors[..., 3] = shares
            cv2.copyTo(colors, (shares != 0).view(np.uint8), picture[tile])
    return picture


def blur(image: Image, mask: Mask, *, strength: float = 0.5, alpha: Mask | None = None) -> Picture:
    """The people sharp before a blurred background: RGB, or RGBA where alpha is given.

    alpha: the photo's own transparency, which stays. strength: see blurred. The person's soft edge is freed of the old
    background before it meets the blur.
    """
    behind = blurred(image, mask, strength=strength, alpha=alpha)
    return painted(image, mask, behind, alpha=alpha, decontaminate=strength > 0)


def blurred(image: Image, mask: Mask, *, strength: float, alpha: Mask | None = None) -> Picture:
    """The background of the image, blurred, RGB: where the people are, what is around them flows in.

    alpha: the photo's own transparency; colors that it hides do not flow into the blur.
    strength: 0..1; the blur's standard deviation is strength times 4 % of the photo's shorter side. The blur sees
    background pixels only (normalized convolution, Knutsson and Westin, CVPR 1993), so no halo of the person's
    colors stands around them.
    """
    check(image, mask)
    if not 0 <= strength <= 1:
        raise InputError(f"blur strength is {strength}; wanted 0 to 1")
    if strength == 0:
        return image.copy()
    small = soft_background(image, mask, sigma_of(strength, *mask.shape), alpha=alpha)
    picture: Picture = np.rint(small * np.float32(levels(image))).astype(image.dtype)
    return np.ascontiguousarray(resize(picture, *mask.shape))


def sigma_of(strength: float, height: int, width: int) -> float:
    """The blur's standard deviation in pixels of a picture of height x width."""
    return 0.04 * strength * min(height, width)


def color(image: Image, mask: Mask, *, rgb: tuple[float, float, float], decontaminate: bool = True) -> Picture:
    """The people before one color, rgb in 0..255, as the photo's own profile counts."""
    return over(image, mask, filled(image, rgb), decontaminate=decontaminate)


def filled(image: Image, rgb: tuple[float, float, float]) -> Picture:
    """A picture of the image's size and depth, all of one color. Raises InputError for levels that are not 0 to 255."""
    if len(rgb) != 3 or not all(0 <= level <= 255 for level in rgb):
        raise InputError(f"color is {rgb}; wanted three levels of 0 to 255: red, green, blue")
    behind = np.empty_like(image)
    # One row, then copies of it: filling pixel by pixel is ten times slower.
    behind[:] = np.tile(np.rint(np.array(rgb) * (levels(image) / 255)), (image.shape[1], 1)).astype(image.dtype)
    return behind


def replace(
    image: Image,
    mask: Mask,
    *,
    background: Image,
    alpha: Mask | None = None,
    how: Literal["fill", "fit"] = "fill",
    decontaminate: bool = True,
) -> Picture:
    """The people before another picture: RGB, or RGBA where alpha is given. See backdrop."""
    check(image, mask)
    behind = backdrop(image, background, alpha=alpha, how=how)
    return painted(image, mask, behind, decontaminate=decontaminate)


def backdrop(
    image: Image, background: Image, *, alpha: Mask | None = None, how: Literal["fill", "fit"] = "fill"
) -> Picture:
    """Another picture in the image's frame and depth: RGB, or RGBA multiplied by its alpha where that is given.

    alpha: the background's own transparency, of its size. Where it shows nothing, the result does not either.
    how: "fill" covers the whole frame and crops what is left over; "fit" shows all of the background, with bars of
    its own blurred colors.
    """
    if how not in ("fill", "fit"):
        raise InputError(f"how is {how!r}; wanted fill or fit")
    whole = background if alpha is None else weighted(background, alpha)
    return as_deep(framed(whole, image.shape[:2], how), image)


def matte(mask: Mask, *, bits: int = 8) -> Picture:
    """The mask as a gray picture (H, W, 1), white = person."""
    white = 2**bits - 1
    gray: Picture = np.rint(mask * white).astype(np.uint8 if bits == 8 else np.uint16)[..., None]
    return gray


def check(image: Image, mask: Mask) -> None:
    """Raises InputError where the mask is not of the image's size."""
    if image.shape[:2] != mask.shape:
        raise InputError(f"mask is {mask.shape[1]}x{mask.shape[0]}, the photo {image.shape[1]}x{image.shape[0]}")


def _kinds(image: Image, mask: Mask) -> Kinds:
    """What each tile shows; less than half a level of the photo's depth is nobody, or all person."""
    least = 0.5 / levels(image)
    height, width = mask.shape
    return kinds_of(mask, mask, height, width, nobody=least, person=1 - least)


def with_alpha(picture: Picture, alpha: Mask) -> Picture:
    """The RGB picture as RGBA with this transparency; what is hidden is black."""
    shares = np.rint(alpha * levels(picture)).astype(picture.dtype)
    shown = np.dstack([picture, shares])
    shown[shares == 0] = 0
    return shown


def before_white(picture: Picture) -> Picture:
    """The picture without transparency: white is behind it.

    >>> before_white(np.array([[[0, 0, 0, 0], [9, 9, 9, 255]]], np.uint8)).tolist()
    [[[255, 255, 255], [9, 9, 9]]]
    """
    if picture.shape[2] != 4:
        return picture
    white = np.float32(np.iinfo(picture.dtype).max)
    mixed: NDArray[Any] = picture[..., :3].astype(np.float32)
    mixed -= white
    mixed *= picture[..., 3:] / white
    mixed += white
    flat: Picture = np.rint(mixed).astype(picture.dtype)
    return flat


def painted(
    image: Image,
    mask: Mask,
    behind: Picture,
    *,
    alpha: Mask | None = None,
    decontaminate: bool = True,
    finish: Finish | None = None,
) -> Picture:
    """The people painted over what is behind them, which may be changed in place.

    It is RGB where behind is; RGBA of straight alpha where behind has gaps, or where alpha, which is the image's own
    transparency, is given to be kept. What is hidden is black.
    """
    check(image, mask)
    if behind.shape[2] == 4:
        return _over_gaps(image, mask, behind, decontaminate, finish)
    return over_own(image, mask, behind, alpha=alpha, decontaminate=decontaminate, finish=finish)


def over(image: Image, mask: Mask, picture: Picture, *, decontaminate: bool, finish: Finish | None = None) -> Picture:
    """The people painted over picture, which is of the image's shape and dtype, in place."""
    check(image, mask)
    kinds = _kinds(image, mask)
    fronts = Foreground(image, mask) if decontaminate and (kinds == EDGE).any() else None
    for tile, kind in runs(kinds, *mask.shape):
        if kind == PERSON and finish is None:
            picture[tile] = image[tile]
        elif kind != NOBODY:
            back = picture[tile].astype(np.float32)
            front = _front(image, tile, kind, fronts, finish)
            front -= back
            front *= three(mask[tile])
            front += back
            picture[tile] = whole(front, picture.dtype)
    return picture


def _front(image: Image, tile: Tile, kind: int, fronts: Foreground | None, finish: Finish | None) -> Floats:
    """The people's own colors in a tile, finished."""
    colors: Floats = fronts(tile) if fronts and kind == EDGE else image[tile].astype(np.float32)
    return colors if finish is None else finish(colors, tile)


def over_own(
    image: Image,
    mask: Mask,
    picture: Picture,
    *,
    alpha: Mask | None,
    decontaminate: bool = True,
    finish: Finish | None = None,
) -> Picture:
    """The people painted over picture, which was made of the image's own background: RGB, or RGBA where alpha is given.

    alpha: the image's own transparency, which stays. picture is changed in place.
    """
    if alpha is None:
        return over(image, mask, picture, decontaminate=decontaminate, finish=finish)
    share = np.minimum(mask / np.maximum(alpha, np.float32(1e-6)), np.float32(1))
    return with_alpha(over(image, share, picture, decontaminate=decontaminate, finish=finish), alpha)


def as_deep(picture: Picture, image: Image) -> Picture:
    """A copy of the picture in the image's depth."""
    if picture.dtype == image.dtype:
        return picture.copy()
    deep: Picture = np.rint(picture.astype(np.float32) * np.float32(levels(image) / levels(picture))).astype(
        image.dtype
    )
    return deep


def _over_gaps(
    image: Image, mask: Mask, picture: Picture, decontaminate: bool, finish: Finish | None = None
) -> Picture:
    """The people over RGBA, multiplied by its alpha, as RGBA of straight alpha, in place; what is hidden is black."""
    white = np.float32(levels(image))
    kinds = _kinds(image, mask)
    fronts = Foreground(image, mask) if decontaminate and (kinds == EDGE).any() else None
    for tile, kind in runs(kinds, *mask.shape):
        if kind == PERSON and finish is None:
            picture[tile] = cv2.cvtColor(image[tile], cv2.COLOR_RGB2RGBA)
            continue
        if kind == NOBODY:
            used = np.flatnonzero(cv2.reduce(picture[tile], 0, cv2.REDUCE_MAX)[0, :, :3].any(axis=1))
            if not used.size:  # gaps, and black shadows
                continue
            tile = tile[0], slice(tile[1].start + int(used[0]), tile[1].start + int(used[-1]) + 1)
        mixed: Floats = picture[tile].astype(np.float32)
        if kind != NOBODY:
            share = mask[tile]
            mixed *= cv2.merge([1 - share] * 4)
            front = cv2.cvtColor(_front(image, tile, kind, fronts, finish), cv2.COLOR_RGB2RGBA)
            front[..., 3] = white
            mixed += np.asarray(front, np.float32) * cv2.merge([share] * 4)
        picture[tile] = _straight(mixed, white)
    return picture


def _straight(mixed: Floats, white: np.float32) -> Floats:
    """RGBA that is multiplied by its alpha as whole levels of straight alpha, in place; what is hidden is black."""
    known = mixed[..., 3].copy()
    scale = white / np.maximum(known, 1)
    scale[np.rint(known) == 0] = 0
    mixed *= cv2.merge([scale] * 4)
    np.minimum(mixed, white, out=mixed)
    mixed[..., 3] = known
    return np.rint(mixed, out=mixed)


def soft_background(
    image: Image, mask: Mask, sigma: float, *, alpha: Mask | None = None, softest: float = SOFTEST
) -> Floats:
    """What is behind and shown, float32 (h, w, 3) in 0..1, blurred by sigma pixels of the image.

    It comes at a size at which sigma is between half of `softest` pixels and all of it, or at that of the image.
    """
    times = halvings(sigma / softest)
    share: Floats = (1 if alpha is None else halved(alpha, times)) - halved(mask, times)
    np.clip(share, 0, 1, out=share)
    # A pixel takes part by its share of background; the soft rim, still tinted by the person, next to nothing.
    for _ in range(3):
        share *= share
    pixels: Floats = cv2.cvtColor(halved(image, times), cv2.COLOR_RGB2RGBA).astype(np.float32)
    soft = spread(pixels * cv2.merge([share] * 4), sigma / 2**times)
    # A frame full of people has no background at all: there, the photo.
    soft += 1e-12 * pixels
    red, green, blue, known = cv2.split(soft)
    return np.divide(cv2.merge([red, green, blue]), three(np.asarray(known, np.float32)), dtype=np.float32)


def spread(weighed: Floats, sigma: float, *, wider: int = 2) -> Floats:
    """Weighed colors and weights (h, w, 4), blurred by sigma; faintly by 4 and by 16 sigma too.

    Deep inside a large person the narrow blur finds no background: the wider ones fill in.
    """
    soft = np.asarray(cv2.GaussianBlur(weighed, (0, 0), sigma, borderType=cv2.BORDER_REFLECT), np.float32)
    if wider:
        far = spread(halved(weighed, 2), sigma, wider=wider - 1)
        soft += 1e-3 * resize(far, *weighed.shape[:2])
    return soft
