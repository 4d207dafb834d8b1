"""How far an alpha is from the true alpha.

found, truth   float32 (H, W)         share of each pixel that is person, 0..1
counts         bool (H, W) or None    pixels that count; None means all of them
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from standout.types import Bools, Floats

SIGMA, RADIUS = 1.4, 4
"""The Gaussian whose derivative the gradient error is taken with, and how far its kernel reaches, in pixels."""


def mad(found: NDArray[np.float32], truth: NDArray[np.float32], counts: Bools | None = None) -> float:
    """Mean absolute difference of two alphas, 0..1; 0 where no pixel counts.

    >>> mad(np.float32([[0.5, 1.0]]), np.float32([[0.0, 1.0]]))
    0.25
    """
    apart = np.abs(found - truth)
    if counts is None:
        return float(apart.mean(dtype=np.float64))
    return float(apart[counts].mean(dtype=np.float64)) if counts.any() else 0.0


def gradient_error(found: NDArray[np.float32], truth: NDArray[np.float32], counts: Bools | None = None) -> float:
    """Sum, in thousands, of the squared difference of the two alphas' slopes: fine detail that is lost or made up.

    A slope is the length of the gradient, of first derivatives of a Gaussian of 1.4 pixels whose kernels are scaled to
    a sum of squares of 1. After Rhemann et al., "A Perceptually Motivated Online Benchmark for Image Matting" (CVPR
    2009), and scaled as matting papers print it. As a sum, it grows with the picture.

    >>> edge = np.zeros((40, 40), np.float32); edge[:, 20:] = 1
    >>> gradient_error(edge, edge) < 1e-9, gradient_error(edge, np.zeros_like(edge)) > 0.1
    (True, True)
    """
    apart = np.square(_slope(found) - _slope(truth))
    return float((apart if counts is None else apart[counts]).sum(dtype=np.float64)) / 1000


def _slope(alpha: Floats) -> Floats:
    """The length of the gradient at each pixel; beyond its frame, the picture goes on as it ends."""
    at = np.arange(-RADIUS, RADIUS + 1)
    smooth = np.exp(-np.square(at) / (2 * SIGMA**2))
    rise = at * smooth
    # The kernel of two dimensions is the product of these, and so is the sum of its squares.
    smooth, rise = smooth / np.linalg.norm(smooth), rise / np.linalg.norm(rise)
    across = cv2.sepFilter2D(alpha, cv2.CV_32F, rise, smooth, borderType=cv2.BORDER_REPLICATE)
    down = cv2.sepFilter2D(alpha, cv2.CV_32F, smooth, rise, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(cv2.magnitude(across, down), np.float32)
