"""Masks of a clip -> the largest within a few frames of each, so that a mask that is lost for a moment uncovers nobody.

mask   float32 (h, w)   person probability of a frame; other sizes are brought to the size of the frame in question
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from typing import TypeVar

import numpy as np

from standout.masks.letterbox import resize
from standout.types import Mask

T = TypeVar("T")

REACH = 3
"""Frames before and after: a tenth of a second at 30 frames a second. Somebody who is found before and after a gap of
up to twice as many frames stays covered all the time."""


def largest(mask: Mask, others: Iterable[Mask]) -> Mask:
    """The largest of the masks at each pixel, at the size of the first.

    >>> largest(np.float32([[0, 0.5]]), [np.float32([[0.2, 0.1]])]).tolist()
    [[0.20000000298023224, 0.5]]
    """
    for other in others:
        mask = np.maximum(mask, resize(other, *mask.shape))
    return mask


def widest(found: Iterable[tuple[T, Mask]], *, before: Iterable[Mask] = ()) -> Iterator[tuple[T, Mask]]:
    """Each item with the largest of its mask and those of REACH items before and after it, in their order.

    before: the masks of the items before the first, the latest last. REACH items are held back at a time.
    """
    past, ahead = deque(before, REACH), deque[tuple[T, Mask]]()

    def first() -> tuple[T, Mask]:
        item, mask = ahead.popleft()
        wide = largest(mask, [*past, *(later for _, later in ahead)])
        past.append(mask)
        return item, wide

    for pair in found:
        ahead.append(pair)
        if len(ahead) > REACH:
            yield first()
    while ahead:
        yield first()
