"""The finished photo with its measures drawn over it, to look at: crown, eyes and chin, and what the rule asks."""

from __future__ import annotations

import cv2
import numpy as np

from standout.idphotos.make import IdPhoto
from standout.masks.letterbox import resize
from standout.types import Bytes

HEIGHT = 900
"""Of the photo in the drawing, in pixels."""
SIDE = 330
"""Room beside it for the words."""
INK, GOOD, BAD = (40, 40, 40), (20, 130, 60), (190, 40, 40)
FONT, TEXT = cv2.FONT_HERSHEY_SIMPLEX, 0.55


def drawn(photo: IdPhoto) -> Bytes:
    """The drawing, uint8 (H, W, 3)."""
    tall, wide = photo.picture.shape[:2]
    scale = HEIGHT / tall
    width = round(wide * scale)
    made = np.full((HEIGHT, width + SIDE, 3), 255, np.uint8)
    made[:, :width] = resize(photo.picture, HEIGHT, width)
    rule, dots = photo.rule, HEIGHT / photo.rule.height
    crown, eyes, chin = (row * scale for row in photo.lines)
    named = "hair" if rule.crown == "hair" else "crown"
    for row, name in ((crown, named), (eyes, "eyes"), (chin, "chin")):
        _line(made, row, width + 12)
        told = f"{name}: {(HEIGHT - row) / dots:.1f} mm up"
        _words(made, told, (width + 20, row + 5), INK)
    head = (chin - crown) / dots
    x = width + 220
    cv2.line(made, (x, round(crown)), (x, round(chin)), INK, 1, cv2.LINE_AA)
    for row in (crown, chin):
        cv2.line(made, (x - 6, round(row)), (x + 6, round(row)), INK, 1, cv2.LINE_AA)
    middle = (crown + eyes) / 2
    _words(made, f"head {head:.1f} mm", (width + 20, middle), GOOD if head in rule.head else BAD)
    _words(made, f"asked {rule.head}", (width + 20, middle + 22), INK)
    if rule.eyes is not None:
        lower, upper = (round(HEIGHT - value * dots) for value in rule.eyes)
        cv2.rectangle(made, (0, upper), (14, lower), GOOD, 2)
        _words(made, f"eyes asked {rule.eyes}", (width + 20, eyes + 28), INK)
    cv2.line(made, (width // 2, 0), (width // 2, HEIGHT), GOOD, 1, cv2.LINE_AA)
    _words(made, f"{rule.name}: {rule.size}", (width + 20, 30), INK)
    _words(made, f"{wide} x {tall} px, {photo.dpi} dpi", (width + 20, 54), INK)
    return made


def _line(made: Bytes, row: float, end: int) -> None:
    cv2.line(made, (0, round(row)), (end, round(row)), BAD, 1, cv2.LINE_AA)


def _words(made: Bytes, text: str, at: tuple[float, float], color: tuple[int, int, int]) -> None:
    cv2.putText(made, text, (round(at[0]), round(at[1])), FONT, TEXT, color, 1, cv2.LINE_AA)
