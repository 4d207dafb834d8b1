"""Work on the tiles of a picture: all of it is done once, whatever does it."""

import cv2
import numpy as np
import pytest

from standout.masks import tiles
from standout.masks.tiles import EDGE, NOBODY, PERSON, TILE, Tile


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("large", [False, True])
def test_each_pixel_is_worked_on_once_for_what_its_tile_shows(
    threads: int, large: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    height, width = 7 * TILE + 5, 40 * TILE + 9
    kinds = np.random.default_rng(0).choice([NOBODY, EDGE, EDGE, EDGE, PERSON], (8, -(-width // TILE))).astype(np.uint8)
    kinds[3] = EDGE
    seen = np.full((height, width), -1)

    def mark(tile: Tile, kind: int) -> None:
        assert (seen[tile] == -1).all()
        seen[tile] = kind

    monkeypatch.setattr(tiles, "LARGE", 1 if large else height * width + 1)
    before = cv2.getNumThreads()
    cv2.setNumThreads(threads)
    try:
        tiles.each_run(mark, kinds, height, width)
    finally:
        cv2.setNumThreads(before)
    np.testing.assert_array_equal(seen, np.kron(kinds, np.ones((TILE, TILE), np.uint8))[:height, :width])


def test_an_error_in_a_thread_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiles, "LARGE", 1)

    def fail(tile: Tile, kind: int) -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        tiles.each_run(fail, np.zeros((9, 1), np.uint8), 9 * TILE, 5)
