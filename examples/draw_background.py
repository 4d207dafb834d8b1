"""Draws examples/background.jpg, hills at dusk, so that the samples need nobody's photo.

python examples/draw_background.py
"""

from pathlib import Path

import cv2
import numpy as np


def dusk(height: int = 900, width: int = 1200) -> np.ndarray:
    """The picture, (H, W, 3) uint8 RGB."""
    rng = np.random.default_rng(7)
    y, x = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    stops = np.array([[46, 58, 110], [120, 92, 140], [226, 132, 110], [252, 196, 120]], float)
    sky = np.stack([np.interp(y, [0.0, 0.3, 0.55, 0.75], stops[:, c]) for c in range(3)], -1)
    glow = np.exp(-(((x - 0.72) / 0.25) ** 2 + ((y - 0.6) / 0.2) ** 2))[..., None]
    image = sky + glow * np.array([40, 60, 40])
    for level, shade in ((0.62, (96, 84, 120)), (0.72, (62, 62, 92)), (0.84, (34, 42, 60))):
        phase = rng.uniform(0, 6, 4)
        ridge = level + sum(0.05 / k * np.sin(2 * np.pi * k * x[0] + phase[k - 1]) for k in range(1, 5))
        edge = np.clip((y - ridge) * height + 0.5, 0, 1)[..., None]
        image = image * (1 - edge) + np.array(shade) * edge
    image += cv2.GaussianBlur(rng.normal(0, 4, image.shape), (0, 0), 0.8)
    return np.clip(image, 0, 255).astype(np.uint8)


if __name__ == "__main__":
    cv2.imwrite(str(Path(__file__).parent / "background.jpg"), dusk()[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 88])
