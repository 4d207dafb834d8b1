import numpy as np
import pytest

from standout.effects import Checker, Gradient
from standout.errors import InputError


def behind(effect: Gradient | Checker, shape: tuple[int, int], dtype: type = np.uint8) -> np.ndarray:
    return effect.behind(np.zeros((*shape, 3), dtype), np.zeros(shape, np.float32))


@pytest.mark.parametrize(
    ("angle", "first", "last"),
    [(0, (-1, 0), (0, 0)), (180, (0, 0), (-1, 0)), (90, (0, 0), (0, -1)), (270, (0, -1), (0, 0))],
)
def test_the_colors_run_where_the_angle_says(angle: float, first: tuple[int, int], last: tuple[int, int]) -> None:
    picture = behind(Gradient("black, #ff8000", angle=angle), (200, 300)).astype(int)
    assert picture[first].max() <= 2 and np.abs(picture[last] - (255, 128, 0)).max() <= 2


def test_a_slanted_gradient_has_its_colors_in_the_corners() -> None:
    picture = behind(Gradient("black, white", angle=30), (200, 300)).astype(int)
    assert picture[-1, 0].max() <= 3 and picture[0, -1].min() >= 252


def test_three_colors_meet_in_the_middle() -> None:
    picture = behind(Gradient("red, lime, blue", angle=90), (9, 301)).astype(int)
    assert np.abs(picture[:, 150] - (0, 255, 0)).max() <= 2
    assert np.abs(picture[:, 75] - (128, 128, 0)).max() <= 2


def test_a_radial_one_runs_from_the_middle_to_the_corners() -> None:
    picture = behind(Gradient("white, black", radial=True), (201, 301)).astype(int)
    assert picture[100, 150].min() >= 253 and max(picture[y, x].max() for y in (0, -1) for x in (0, -1)) <= 2
    assert picture[100, 0].max() > picture[0, 0].max() + 20, "sides are nearer than corners"


def test_shades_run_without_bands() -> None:
    picture = behind(Gradient("#404040, #484848", angle=90), (64, 1600))[..., 0].astype(float)
    assert set(np.unique(picture)) <= set(range(0x40, 0x49))
    blocks = picture.reshape(8, 8, 50, 32).mean(axis=(1, 3))
    steps = np.diff(blocks, axis=1)
    assert np.abs(steps - 8 / 50).max() < 0.08, "each block is a little lighter than the last: no flat band, no step"


def test_16_bits_are_used() -> None:
    picture = behind(Gradient("black, #010101", angle=90), (2, 2570), np.uint16)
    assert len(np.unique(picture)) == 257 + 1 or len(np.unique(picture)) == 257


@pytest.mark.parametrize("colors", ["red", "red,", "red, blurple", ",".join(["red"] * 17)])
def test_what_makes_no_gradient_is_refused(colors: str) -> None:
    with pytest.raises(InputError, match=r"wanted 2 to 16 with commas|is no color"):
        Gradient(colors)
    with pytest.raises(InputError, match="angle is nan"):
        Gradient(angle=float("nan"))


def test_a_checkerboard_has_squares_of_two_colors() -> None:
    picture = behind(Checker(square=0.1, light="#fff", dark="#888"), (100, 205))
    assert (picture[:10, :10] == 255).all() and (picture[:10, 10:20] == 0x88).all()
    assert (picture[10:20, :10] == 0x88).all() and (picture[10:20, 10:20] == 255).all()
    assert picture[0, 204, 0] == 255, "squares are cut off where the picture ends"


@pytest.mark.parametrize("square", [0, 0.6, float("nan")])
def test_a_square_out_of_range_is_refused(square: float) -> None:
    with pytest.raises(InputError, match=r"wanted 0\.002 to 0\.5"):
        Checker(square=square)
