"""Joins pictures into one labeled contact sheet, on which transparency shows as a checkerboard.

python examples/contact_sheet.py OUT.jpg PICTURE...
"""

import sys
from pathlib import Path

import cv2
import numpy as np

import standout

SIDE, LABEL, GAP = 420, 34, 10


def on_checkerboard(image: np.ndarray, alpha: np.ndarray | None) -> np.ndarray:
    """The picture, over gray squares where it is transparent."""
    if alpha is None:
        return image
    y, x = np.indices(alpha.shape) // max(4, max(alpha.shape) // 32)
    board = np.where(((y + x) % 2)[..., None], 255.0, 205.0)
    return np.rint(board + alpha[..., None] * (image - board)).astype(np.uint8)


def cell(path: Path) -> np.ndarray:
    """A picture, scaled to fit into a square, with its name below."""
    photo = standout.read(path)
    image = on_checkerboard(photo.image, photo.alpha)
    scale = SIDE / max(image.shape)
    image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    done = np.full((SIDE + LABEL + GAP, SIDE + GAP, 3), 255, np.uint8)
    top, left = (SIDE - image.shape[0]) // 2, (SIDE - image.shape[1]) // 2
    done[top : top + image.shape[0], left : left + image.shape[1]] = image
    cv2.putText(done, path.stem, (4, SIDE + 24), cv2.FONT_HERSHEY_SIMPLEX, 0.7, (40, 40, 40), 1, cv2.LINE_AA)
    return done


def main() -> None:
    """Writes the sheet."""
    out, *pictures = map(Path, sys.argv[1:])
    columns = 3
    cells = [cell(path) for path in pictures]
    cells += [np.full_like(cells[0], 255)] * (-len(cells) % columns)
    rows = [np.hstack(cells[i : i + columns]) for i in range(0, len(cells), columns)]
    standout.write(out, np.vstack(rows), overwrite=True)
    print(out)


if __name__ == "__main__":
    main()
