"""How far an alpha is from the true alpha.

found, truth   float32 (H, W)         share of each pixel that is person, 0..1
counts         bool (H, W) or None    pixels that count; None means all of them
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from standout.types import Bools


def mad(found: NDArray[np.float32], truth: NDArray[np.float32], counts: Bools | None = None) -> float:
    """Mean absolute difference of two alphas, 0..1; 0 where no pixel counts.

    >>> mad(np.float32([[0.5, 1.0]]), np.float32([[0.0, 1.0]]))
    0.25
    """
    apart = np.abs(found - truth)
    if counts is None:
        return float(apart.mean(dtype=np.float64))
    return float(apart[counts].mean(dtype=np.float64)) if counts.any() else 0.0
