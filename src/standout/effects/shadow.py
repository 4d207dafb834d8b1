"""Shadows of the people: a soft one of the whole silhouette, or one on the floor beneath the feet.

silhouette   float32 (h, w)   share of each cell that is person, 0..1; cells of 2^n x 2^n pixels
shadow       float32 (h, w)   how dark each cell is, 0..1
"""

from __future__ import annotations

import math

import cv2
import numpy as np

from standout.effects.figures import figures
from standout.types import Floats

CONTACT = ((0.018, 0.007, 2.0), (0.07, 0.02, 0.9))
"""Of a shadow on the floor: width and height, as standard deviations in heights of the person, and darkness, of the
part right beneath the soles and of the one around. Above 1, the middle is black as far as that goes."""

LIFT = 0.05
"""How far above the floor, in heights of the person, a sole is that casts a third (exp(-1)) of a shadow."""


def soft(silhouette: Floats, *, right: float, down: float, softness: float) -> Floats:
    """The silhouette moved and blurred, all in cells. People whom the frame cuts off go on beyond it."""
    height, width = silhouette.shape
    move = np.array([[1, 0, -right], [0, 1, -down]], np.float64)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    moved = cv2.warpAffine(silhouette, move, (width, height), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    if softness > 0.1:
        moved = cv2.GaussianBlur(moved, (0, 0), softness, borderType=cv2.BORDER_REPLICATE)
    shadow = np.asarray(moved, np.float32)
    shadow[shadow < 1e-4] = 0
    return shadow


def contact(silhouette: Floats) -> Floats:
    """Dark patches on the floor, like flat ellipses, beneath whatever of each figure is lowest.

    A figure that the picture's lower edge cuts off has no feet, and no shadow.
    """
    height, width = silhouette.shape
    light = np.ones((height, width), np.float32)
    for figure in figures(silhouette):
        if not figure.stands:
            continue
        tall = figure.height
        columns = slice(int(figure.left), min(width, math.ceil(figure.right) + 1))
        rows = slice(int(figure.top), min(height, math.ceil(figure.bottom) + 1))
        part = silhouette[rows, columns] > 0.5
        touched = part.any(axis=0)
        lowest = rows.start + part.shape[0] - 1 - part[::-1].argmax(axis=0)  # the last row of each column
        if not touched.any():
            continue
        raised = (lowest[touched].max() - lowest) / (LIFT * tall)
        soles = np.zeros((height, width), np.float32)
        at = np.flatnonzero(touched)
        soles[lowest[at], at + columns.start] = np.exp(-raised[at])
        for wide, high, dark in CONTACT:
            across, along = max(0.5, wide * tall), max(0.5, high * tall)
            patch = cv2.GaussianBlur(soles, (0, 0), across, sigmaY=along, borderType=cv2.BORDER_CONSTANT)
            # as dark as that where a row of soles goes on for long
            light *= np.exp(-dark * patch * (along * math.sqrt(2 * math.pi)))
    shadow = 1 - light
    shadow[shadow < 1e-3] = 0
    return np.asarray(shadow, np.float32)
