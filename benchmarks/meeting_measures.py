"""The measures of the bench for video meetings that La Suite published, said anew.

frames   uint8 (H, W, 3)     RGB, in order
found    bool (H, W)         pixels called person, one mask a frame
truth    bool (H, W)         pixels that are person

Source: suitenumerique/meet-matting, benchmark/metrics.py and benchmark/README.md, of the French state's collaborative
suite. Where its text and its code differ, this follows the code, except that every pair of consecutive frames counts:
its code takes every second frame, to save time, and would not see a mask that differs from frame to frame by turns.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Bools = NDArray[np.bool_]
Floats = NDArray[np.float32]

TOLERANCE = 0.008
"""How far apart outlines may be, as a share of the diagonal (Perazzi et al., DAVIS, CVPR 2016)."""
OUTLINE_SIDE = 540
"""Longest side, in pixels, at which outlines are compared."""
FLOW_SIDE = 320
"""Longest side, in pixels, at which the optical flow is computed."""
COLORS = 0.05
"""How far the colors of a pixel may be from those it had before, as a mean over the channels in 0..1, to count."""
AROUND = 16
"""Pixels around the people that the flow sees, too."""
LEAST = 64
"""Pixels that the flow sees at least, in each direction: on pictures of 20, OpenCV's DIS ends the process."""


def iou(found: Sequence[Bools], truth: Sequence[Bools]) -> float:
    """Intersection over union over all pixels of all frames; 1 where nobody is there and nobody is found.

    >>> half, full = np.array([[True, False]]), np.array([[True, True]])
    >>> iou([half, full], [full, full]), iou([~full], [~full])
    (0.75, 1.0)
    """
    both = sum(int((mine & true).sum()) for mine, true in zip(found, truth, strict=True))
    either = sum(int((mine | true).sum()) for mine, true in zip(found, truth, strict=True))
    return both / either if either else 1.0


def boundary_f(found: Sequence[Bools], truth: Sequence[Bools]) -> float:
    """The mean over frames of the F-score of the outline, within TOLERANCE.

    An outline is what an erosion by a cross of 3x3 pixels takes away, and "within" is a dilation by a disk.

    >>> square = np.zeros((200, 200), bool)
    >>> square[50:150, 50:150] = True
    >>> boundary_f([square], [np.roll(square, 2, 0)]), boundary_f([square], [np.roll(square, 9, 1)]) < 0.6
    (1.0, True)
    """
    return float(np.mean([_outline_f(mine, true) for mine, true in zip(found, truth, strict=True)]))


def _outline_f(found: Bools, truth: Bools) -> float:
    masks = [_scaled(mask.astype(np.uint8), OUTLINE_SIDE, cv2.INTER_NEAREST) for mask in (found, truth)]
    cross = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
    outlines = [mask - np.asarray(cv2.erode(mask, cross), np.uint8) for mask in masks]
    drawn = [bool(outline.any()) for outline in outlines]
    if not all(drawn):
        return 0.0 if any(drawn) else 1.0
    side = 2 * max(1, round(TOLERANCE * float(np.hypot(*masks[0].shape)))) + 1
    disk = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    near = [float(np.asarray(cv2.dilate(other, disk))[one > 0].mean()) for one, other in (outlines, reversed(outlines))]
    return 2 * near[0] * near[1] / sum(near) if sum(near) else 0.0


def flow_warping_error(frames: Sequence[Bytes], found: Sequence[Bools]) -> float:
    """How much masks change beyond what the picture's motion explains, 0..1; a steady wrong mask scores 0.

    The earlier mask is moved to the later frame by optical flow (DIS), and the mean difference is taken over the pixels
    near people for which the flow there and back agrees (Sundaram et al., ECCV 2010) and for which the moved picture
    has the later one's colors (Lai et al., "Learning Blind Video Temporal Consistency", ECCV 2018).

    >>> frames, mask = [np.full((64, 64, 3), 90, np.uint8)] * 2, np.zeros((64, 64), bool)
    >>> mask[16:48, 16:48] = True
    >>> flow_warping_error(frames, [mask, mask]), flow_warping_error(frames, [mask, ~mask])
    (0.0, 1.0)
    """
    flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    error = counted = 0.0
    small = [
        (
            _scaled(frame, FLOW_SIDE, cv2.INTER_AREA),
            _scaled(mask.astype(np.uint8), FLOW_SIDE, cv2.INTER_NEAREST).astype(np.float32),
        )
        for frame, mask in zip(frames, found, strict=True)
    ]
    for (before, was), (after, now) in pairwise(small):
        rows, columns = np.nonzero(was + now)
        if not rows.size:
            continue
        part = tuple(_around(places, side) for places, side in zip((rows, columns), was.shape, strict=True))
        old, new = np.ascontiguousarray(before[part]), np.ascontiguousarray(after[part])
        grays = [cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY) for picture in (old, new)]
        onward = np.asarray(flow.calc(grays[0], grays[1], None), np.float32)  # type: ignore[call-overload]
        back = np.asarray(flow.calc(grays[1], grays[0], None), np.float32)  # type: ignore[call-overload]
        counts = _agrees(onward, back) & (np.abs(_warped(old, back) - new).mean(-1) <= 255 * COLORS)
        error += float(np.abs(now[part] - _warped(was[part], back))[counts].sum(dtype=np.float64))
        counted += float(counts.sum())
    return error / counted if counted else 0.0


def _around(places: NDArray[np.intp], side: int) -> slice:
    """The rows or columns that the flow sees: AROUND to either side of the places, and LEAST where there are as many.

    >>> _around(np.array([40, 100]), 320), _around(np.array([318]), 320), _around(np.array([3]), 50)
    (slice(24, 117, None), slice(256, 320, None), slice(0, 50, None))
    """
    first, last = max(0, int(places.min()) - AROUND), min(side, int(places.max()) + AROUND + 1)
    more = max(0, LEAST - (last - first))
    first = max(0, min(first - more // 2, side - LEAST))
    return slice(first, min(side, max(last, first + LEAST)))


def _agrees(onward: Floats, back: Floats) -> Bools:
    """Where going back and then onward leads to where one was."""
    again = _warped(onward, back)
    apart = np.square(again + back).sum(-1)
    length = np.square(again).sum(-1) + np.square(back).sum(-1)
    agrees: Bools = apart <= 0.01 * length + 0.5
    return agrees


def _warped(picture: Bytes | Floats, flow: Floats) -> Floats:
    """The picture, each pixel taken from where the flow points to; 0 from outside."""
    rows, columns = np.indices(flow.shape[:2], np.float32)
    floats = np.ascontiguousarray(picture, np.float32)
    moved = cv2.remap(floats, columns + flow[..., 0], rows + flow[..., 1], cv2.INTER_LINEAR, borderValue=0)
    return np.asarray(moved, np.float32)


def _scaled(picture: Bytes, side: int, how: int) -> Bytes:
    """The picture, scaled down to that longest side; as it is where it is no larger."""
    scale = side / max(picture.shape[:2])
    if scale >= 1:
        return picture
    return np.asarray(cv2.resize(picture, None, fx=scale, fy=scale, interpolation=how), np.uint8)
