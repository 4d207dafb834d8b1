"""Somebody's body: the outline and the colors they had when last alone, where they are, and where they are going.

paint    uint8   (h, w, 3)      Lab, the frame at the size at which people are followed, slightly blurred
outline  float32 GRID           0..1, how sure each cell of the box is theirs
colors   float32 (*GRID, 3)     Lab of each cell of the box
box      float64 (4,)           middle x, middle y, width and height, as shares of the frame's width and height
speed    float64 (2,)           of the middle of the box, in those shares a second
hidden   float                  seconds since enough of them was seen to say where they are

The body says where somebody must be within a group, and which of its pixels are like theirs, also while they are
hidden: motion goes on as before, and what comes into view is looked for about that place.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from standout.types import Bools, Bytes, Floats

Window = tuple[slice, slice]

GRID = (32, 16)
"""Rows and columns of cells in a body's box."""

RENEW, SIZE_RATE, SPEED_RATE = 0.2, 0.3, 0.2
"""By how much outline and colors, the size of the box, and the speed are renewed in a frame."""

TOLERANCE = 24.0
"""Distance of two colors, in levels of Lab of 255, at which they are like each other by 1/e; lightness counts
half, as it changes with the light."""

NEAR, WIDENING, FAR = 0.012, 0.08, 0.15
"""How far from where motion takes them people are looked for, as a share of the frame's width: at once, more for each
second for which they have been hidden, and at most."""

SURPRISE = 0.3
"""By how much, in shares of the frame a second, a frame's motion may differ from the speed and still count in full."""

EVIDENCE = 0.3
"""The share of the outline that must show its colors for a place to teach the speed."""


@dataclass(frozen=True)
class TrackedBody:
    """Somebody's outline, colors, place and motion; see the top of this file."""

    outline: Floats
    colors: Floats
    box: NDArray[np.float64]
    speed: NDArray[np.float64]
    hidden: float = 0.0


def body_of(paint: Bytes, own: Bools) -> TrackedBody:
    """The body of somebody who is seen there for the first time."""
    box = _box_of(own)
    return TrackedBody(*_cells(paint, own, box), box, np.zeros(2))


def seen_alone(body: TrackedBody, paint: Bytes, own: Bools, seconds: float) -> TrackedBody:
    """The body after a frame in which the person stands alone, and whole; seconds: since the frame before."""
    box = _box_of(own)
    at_left, at_right = bool(own[:, 0].any()), bool(own[:, -1].any())
    size = body.box[2:] + SIZE_RATE * (box[2:] - body.box[2:])
    left, right = box[0] - box[2] / 2, box[0] + box[2] / 2
    if (at_left or at_right) and box[2] < body.box[2]:  # partly beyond the frame's side
        size[0] = body.box[2]
        box[0] = right - size[0] / 2 if at_left else left + size[0] / 2
    box[2:] = size
    speed = body.speed
    if seconds > 0:
        now = (box[:2] - body.box[:2]) / seconds
        speed = speed + SPEED_RATE * np.clip(now - speed, -SURPRISE, SURPRISE)
    if at_left or at_right:
        return replace(body, box=box, speed=speed, hidden=0.0)
    outline, colors = _cells(paint, own, box)
    return TrackedBody(
        body.outline + np.float32(RENEW) * (outline - body.outline),
        body.colors + np.float32(RENEW) * (colors - body.colors),
        box,
        speed,
    )


def moved_on(body: TrackedBody, paint: Bytes, free: Floats, seconds: float, *, seen: bool) -> TrackedBody:
    """The body after a frame in which the person is within a group, or hidden in it.

    Of the places about the one to which motion takes the box, that one is taken where most of the outline shows its own
    colors. free: 0..1, where somebody is whom nobody else in the group explains. seen: whether the person was in sight
    in the frame before.
    """
    height, width = free.shape
    expected = body.box.copy()
    expected[0] = np.clip(expected[0] + body.speed[0] * seconds, -0.2, 1.2)  # people stay on the floor
    reach = int(np.ceil(min(FAR, NEAR + WIDENING * body.hidden) * width))
    step = 1 if reach <= 6 else 2
    across = np.arange(-reach, reach + 1, step)
    down = np.arange(-2, 3, 1 if step == 1 else 2)
    share = _matches(body, expected, paint, free, (across, down))
    far = (np.abs(across)[None, :] / (reach + 1)) ** 2 + (np.abs(down)[:, None] / 3) ** 2
    best = np.unravel_index(int(np.argmax(share - 0.05 * far)), share.shape)
    evidence = float(share[best])
    if evidence < EVIDENCE:
        return replace(body, box=expected, hidden=body.hidden + seconds)
    box = expected.copy()
    box[:2] += (across[best[1]] / width, down[best[0]] / height)
    speed = body.speed
    if seconds > 0 and seen:
        now = (box[:2] - body.box[:2]) / seconds
        speed = speed + 0.5 * SPEED_RATE * np.clip(now - speed, -SURPRISE, SURPRISE)
    return replace(body, box=box, speed=speed, hidden=0.0)


def laid_out(body: TrackedBody, shape: tuple[int, ...], window: Window) -> tuple[Floats, Floats]:
    """The outline (h, w) and the colors (h, w, 3) of the body at its place in the window of a frame of that shape."""
    matrix = _place(body.box, shape)
    matrix[:, 2] -= window[1].start, window[0].start
    size = window[1].stop - window[1].start, window[0].stop - window[0].start
    outline = cv2.warpAffine(body.outline, matrix, size, flags=cv2.INTER_LINEAR)
    colors = cv2.warpAffine(body.colors, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(outline, np.float32), np.asarray(colors, np.float32)


def window_of(body: TrackedBody, shape: tuple[int, ...]) -> Window:
    """The rows and columns of a frame of that shape in which the body stands; they may be empty."""
    height, width = shape
    x, y, across, down = body.box
    top, bottom = (int(np.clip(value * height, 0, height)) for value in (y - down / 2 - 0.02, y + down / 2 + 0.02))
    left, right = (int(np.clip(value * width, 0, width)) for value in (x - across / 2 - 0.02, x + across / 2 + 0.02))
    return slice(top, bottom), slice(left, right)


def alike(one: Floats, other: Floats) -> Floats:
    """How alike colors of Lab are, 0..1; the last axis holds the three levels."""
    apart = one - other
    apart[..., 0] *= np.float32(0.5)
    return np.asarray(np.exp(np.einsum("...i,...i->...", apart, apart) / np.float32(-(TOLERANCE**2))), np.float32)


def _matches(
    body: TrackedBody,
    box: NDArray[np.float64],
    paint: Bytes,
    free: Floats,
    shifts: tuple[NDArray[np.int_], NDArray[np.int_]],
) -> NDArray[np.float64]:
    """The share (down, across) of the outline that shows its colors at the box, shifted by so many pixels."""
    rows, columns = np.nonzero(body.outline > 0.5)
    height, width = free.shape
    across, down = shifts
    if not rows.size:
        return np.zeros((len(down), len(across)))
    x = ((box[0] + ((columns + 0.5) / GRID[1] - 0.5) * box[2]) * width).astype(int)
    y = ((box[1] + ((rows + 0.5) / GRID[0] - 0.5) * box[3]) * height).astype(int)
    x = x[None, None] + across[None, :, None]
    y = y[None, None] + down[:, None, None]
    inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    x, y = np.clip(x, 0, width - 1), np.clip(y, 0, height - 1)
    x, y = np.broadcast_arrays(x, y)
    fits = alike(paint[y, x].astype(np.float32), body.colors[rows, columns])
    return np.asarray((fits * inside * free[y, x]).mean(-1), np.float64)


def _box_of(own: Bools) -> NDArray[np.float64]:
    height, width = own.shape
    rows, columns = np.flatnonzero(own.any(1)), np.flatnonzero(own.any(0))
    top, bottom, left, right = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
    return np.array(
        [(left + right) / 2 / width, (top + bottom) / 2 / height, (right - left) / width, (bottom - top) / height]
    )


def _cells(paint: Bytes, own: Bools, box: NDArray[np.float64]) -> tuple[Floats, Floats]:
    """The outline and the colors of the cells of the box."""
    matrix = _place(box, own.shape)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    outline = cv2.warpAffine(own.astype(np.float32), matrix, GRID[::-1], flags=flags)
    colors = cv2.warpAffine(paint, matrix, GRID[::-1], flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(outline, np.float32), np.asarray(colors, np.float32)


def _place(box: NDArray[np.float64], shape: tuple[int, ...]) -> NDArray[np.float64]:
    """The affine map from the cells of a box to the pixels of a frame of that shape."""
    height, width = shape
    x, y, across, down = box
    scale = across * width / GRID[1], down * height / GRID[0]
    return np.array(
        [
            [scale[0], 0, (x - across / 2) * width + 0.5 * scale[0] - 0.5],
            [0, scale[1], (y - down / 2) * height + 0.5 * scale[1] - 0.5],
        ]
    )


def taken_from(free: Floats, body: TrackedBody, paint: Bytes) -> None:
    """Takes from what is free, in place, what the body explains: where it stands and its colors are seen."""
    window = window_of(body, free.shape)
    if free[window].size:
        outline, colors = laid_out(body, free.shape, window)
        free[window] *= 1 - outline * alike(paint[window].astype(np.float32), colors)


def likeness_in_place(body: TrackedBody, paint: Bytes, own: Bools) -> float:
    """How alike the colors of the body and of who is seen there are, cell by cell, 0..1."""
    outline, colors = _cells(paint, own, _box_of(own))
    both = outline * body.outline
    return float((both * alike(colors, body.colors)).sum() / max(1e-6, float(both.sum())))
