import numpy as np
import pytest

from standout.effects.pixelate import Pixelate
from standout.errors import InputError
from tests.effects.test_compose import BLUE, ORANGE, composed, soft_disc


def test_the_background_becomes_blocks_of_its_own_mean_color() -> None:
    image = np.random.default_rng(0).integers(0, 255, (200, 300, 3), np.uint8)
    picture = Pixelate(block=0.1)(image, np.zeros((200, 300), np.float32))
    for top in range(0, 200, 20):
        for left in range(0, 300, 20):
            block = picture[top : top + 20, left : left + 20].reshape(-1, 3)
            assert (block == block[0]).all()
            mean = image[top : top + 20, left : left + 20].reshape(-1, 3).mean(0)
            assert np.abs(block[0] - mean).max() < 1


def test_nothing_of_the_people_runs_into_the_blocks() -> None:
    mask = soft_disc()
    picture = Pixelate(block=0.15)(composed(mask, ORANGE, BLUE), mask)
    assert np.abs(picture[mask == 0].astype(int) - BLUE).max() <= 3
    np.testing.assert_array_equal(picture[mask == 1], np.broadcast_to(ORANGE, (int((mask == 1).sum()), 3)))


def test_what_a_photo_hides_colors_no_block() -> None:
    image, alpha = np.full((40, 80, 3), (200, 0, 0), np.uint8), np.zeros((40, 80), np.float32)
    image[:, :40], alpha[:, :40] = (0, 0, 90), 1
    picture = Pixelate(block=0.5)(image, np.zeros((40, 80), np.float32), alpha=alpha)
    assert (picture[:, :40] == (0, 0, 90, 255)).all() and not picture[:, 40:].any()


@pytest.mark.parametrize("block", [0, 0.6, -1, float("nan")])
def test_a_share_out_of_range_is_refused(block: float) -> None:
    with pytest.raises(InputError, match=r"wanted 0\.005 to 0\.5"):
        Pixelate(block)
