"""Draws a person from head to foot in an evening street, and their mask, for effects that look at where people stand.

python benchmarks/figure.py [OUT.png]    with transparency

image   uint8 (H, W, 3) RGB     mask   float32 (H, W), 1 = person
"""

import sys

import cv2
import numpy as np

from standout.types import Bytes, Mask

SKIN, SHADE, HAIR = (226, 178, 148), (196, 146, 118), (58, 40, 32)
COAT, DARK, SHIRT, TROUSERS, SHOES = (176, 62, 48), (146, 48, 40), (240, 236, 226), (52, 60, 88), (46, 38, 36)


def figure(height: int = 1500, width: int = 1000, *, floor: float = 0.93) -> tuple[Bytes, Mask]:
    """The person before black, and their mask. floor: the row of the soles, as a share of the height."""
    image, mask = np.zeros((2 * height, 2 * width, 3), np.uint8), np.zeros((2 * height, 2 * width), np.uint8)
    tall = 0.86 * 2 * height * floor / 0.93
    middle, ground = width, floor * 2 * height

    def at(x: float, y: float) -> tuple[int, int]:
        return round(middle + x * tall), round(ground - y * tall)

    def oval(x: float, y: float, wide: float, high: float, color: tuple[int, ...], turn: float = 0) -> None:
        for canvas, shade in ((image, color), (mask, (255,))):
            axes = (round(wide * tall), round(high * tall))
            cv2.ellipse(canvas, at(x, y), axes, turn, 0, 360, shade, -1, cv2.LINE_AA)

    def limb(points: list[tuple[float, float]], wide: float, color: tuple[int, ...]) -> None:
        for canvas, shade in ((image, color), (mask, (255,))):
            along = np.array([at(*point) for point in points], np.int32)
            cv2.polylines(canvas, [along], False, shade, round(wide * tall), cv2.LINE_AA)

    def shape(points: list[tuple[float, float]], color: tuple[int, ...]) -> None:
        for canvas, shade in ((image, color), (mask, (255,))):
            cv2.fillPoly(canvas, [np.array([at(*point) for point in points], np.int32)], shade, cv2.LINE_AA)

    oval(0.005, 0.925, 0.058, 0.075, HAIR)
    oval(0.0, 0.875, 0.062, 0.06, HAIR)
    for side in (-1, 1):
        limb([(side * 0.045, 0.48), (side * 0.06, 0.25), (side * 0.062, 0.05)], 0.075, TROUSERS)
        oval(side * 0.078, 0.022, 0.052, 0.022, SHOES, side * 6)
    limb([(0, 0.86), (0, 0.8)], 0.05, SHADE)
    limb([(-0.12, 0.77), (-0.165, 0.62), (-0.15, 0.5)], 0.058, DARK)
    limb([(0.12, 0.77), (0.2, 0.66), (0.13, 0.57)], 0.058, DARK)
    oval(-0.148, 0.465, 0.022, 0.032, SKIN)
    oval(0.11, 0.555, 0.03, 0.022, SKIN, 20)
    shape([(-0.11, 0.81), (0.11, 0.81), (0.145, 0.76), (0.11, 0.6), (0.135, 0.42), (-0.135, 0.42), (-0.11, 0.6),
           (-0.145, 0.76)], COAT)  # fmt: skip
    shape([(-0.045, 0.815), (0.045, 0.815), (0.0, 0.66)], SHIRT)
    limb([(0.0, 0.655), (0.0, 0.425)], 0.006, DARK)
    oval(0, 0.91, 0.045, 0.06, SKIN)
    shape([(-0.047, 0.925), (-0.04, 0.972), (0.0, 0.985), (0.04, 0.972), (0.047, 0.925), (0.02, 0.952)], HAIR)
    for side in (-1, 1):
        oval(side * 0.018, 0.912, 0.006, 0.004, (44, 34, 30))
    oval(0, 0.88, 0.014, 0.004, (176, 92, 84))
    small = np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
    share = np.asarray(cv2.resize(mask, (width, height), interpolation=cv2.INTER_AREA), np.float32)
    return small, share / np.float32(255)


def street(height: int = 1500, width: int = 1000) -> Bytes:
    """An evening street with lamps and a paved floor, uint8 (H, W, 3) RGB."""
    rng = np.random.default_rng(4)
    horizon = round(0.62 * height)
    image = np.empty((height, width, 3), np.float32)
    sky = np.linspace(0, 1, horizon, dtype=np.float32)[:, None, None]
    image[:horizon] = np.array([38, 44, 78]) * (1 - sky) + np.array([150, 98, 92]) * sky
    left = 0
    while left < width:
        wide, high = round(width * rng.uniform(0.1, 0.22)), round(horizon * rng.uniform(0.35, 0.8))
        image[horizon - high : horizon, left : left + wide] = rng.uniform(34, 62, 3)
        for y in range(horizon - high + 20, horizon - 40, 44):
            for x in range(left + 12, min(left + wide, width) - 20, 34):
                if rng.random() < 0.35:
                    image[y : y + 20, x : x + 14] = np.array([250, 214, 140]) * rng.uniform(0.5, 1)
        left += wide
    depth = np.linspace(0, 1, height - horizon, dtype=np.float32)[:, None]
    row = np.floor(14 * depth**0.6)
    column = np.floor(
        (np.arange(width, dtype=np.float32)[None] - width / 2) / (width * (0.04 + 0.16 * depth)) + row % 2 / 2
    )
    tone = 92 + 16 * (np.sin(37.7 * row + 11.3 * column) > 0) + 24 * depth
    image[horizon:] = tone[..., None] * np.array([1.0, 0.94, 0.9], np.float32)
    for _ in range(26):
        spot = int(rng.integers(0, width)), int(rng.uniform(0.2, 0.63) * height)
        color = ((255, 236, 190), (255, 190, 110), (255, 120, 100), (190, 220, 255))[int(rng.integers(4))]
        cv2.circle(image, spot, int(rng.integers(4, 9)), color, -1, cv2.LINE_AA)
    image += rng.normal(0, 3, image.shape).astype(np.float32)
    return np.asarray(np.clip(image, 0, 255), np.uint8)


def scene(height: int = 1500, width: int = 1000) -> tuple[Bytes, Mask]:
    """The person in the street, and their mask."""
    person, mask = figure(height, width)
    share = mask[..., None]
    behind = street(height, width).astype(np.float32)
    return np.asarray(np.rint(person + behind * (1 - share)), np.uint8), mask


if __name__ == "__main__":
    drawn, cover = figure()
    straight = np.rint(np.minimum(drawn / np.maximum(cover, 1e-3)[..., None], 255)).astype(np.uint8)
    rgba = np.dstack([straight[..., ::-1], np.rint(cover * 255).astype(np.uint8)])
    cv2.imwrite(sys.argv[1] if len(sys.argv) > 1 else "figure.png", rgba)
