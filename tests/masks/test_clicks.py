"""What the click network sees, and how its answers become masks."""

import numpy as np
import pytest

from standout.masks.clicks import (
    SIDE,
    Square,
    back,
    colors,
    inmost,
    inward,
    parts,
    parts_at,
    place_in,
    planes,
    seen,
    square_about,
)
from standout.masks.everyone import everyone
from standout.masks.share import shares, without_scraps


def box(shape: tuple[int, int], rows: slice, columns: slice) -> np.ndarray:
    region = np.zeros(shape, bool)
    region[rows, columns] = True
    return region


def test_the_square_is_about_the_middle_and_a_little_larger() -> None:
    square = square_about(box((300, 400), slice(100, 200), slice(50, 90)), margin=1.2)
    assert square == Square(left=10, top=90, side=120)


@pytest.mark.parametrize("square", [Square(-30, -20, 200), Square(10, 20, 77), Square(60, 40, 90), Square(-5, 50, 161)])
def test_what_lies_in_the_square_comes_back_to_where_it_was(square: Square) -> None:
    """A smooth picture survives the way there and back, at its place, also where the square reaches beyond it."""
    rows, columns = np.mgrid[:120, :140].astype(np.float32)
    picture = np.sin(rows / 20) + np.cos(columns / 25)
    view = seen(picture, square, fill=9.0)
    assert view.shape == (SIDE, SIDE)
    at, part = back(view, square, 120, 140)
    assert part.shape == picture[at].shape
    assert np.abs(part - picture[at])[3:-3, 3:-3].max() < 0.06
    beyond = np.ones((SIDE, SIDE), bool)
    beyond[square.inner(120, 140)] = False
    assert (view[beyond] == 9).all()


def test_colors_are_alike_at_8_and_16_bit() -> None:
    image = np.random.default_rng(0).integers(0, 256, (50, 60, 3)).astype(np.uint8)
    square = Square(-4, -4, 80)
    shallow, deep = colors(image, square), colors(image.astype(np.uint16) * 257, square)
    assert shallow.shape == (3, SIDE, SIDE) and shallow.dtype == np.float32
    assert np.abs(shallow - deep).max() < 0.004


def test_clicks_come_to_lie_on_what_was_clicked() -> None:
    mask = np.zeros((100, 100), np.float32)
    mask[40:44, 60:64] = 1
    square = Square(20, 10, 80)
    people, near, far, not_near, not_far = planes(mask, square, at=[(61.5, 41.5)])
    row, column = np.unravel_index(near.argmax(), near.shape)
    assert people[row, column] == 1
    assert (abs(column - place_in(square, (61.5, 41.5))[0]), abs(row - place_in(square, (61.5, 41.5))[1])) < (1, 1)
    assert far.argmax() == near.argmax() and far[0, 0] > near[0, 0]
    assert not_near.max() == not_far.max() == 0


@pytest.mark.parametrize(
    ("click", "moved"),
    [((150.5, 200.5), (150.5, 200.5)), ((102, 200), (102, 200)), ((70, 200), (111, 200)), ((236, 200), (249, 200))],
    ids=["inside", "near the outline", "beside", "between two"],
)
def test_clicks_beside_people_move_inward(click: tuple[float, float], moved: tuple[float, float]) -> None:
    """By REACH, 11 pixels here, and never to somebody else."""
    people = np.zeros((600, 400), bool)
    people[100:500, 100:230] = people[100:500, 238:396] = True
    found = inward(people, click)
    assert found == pytest.approx(moved, abs=1.5)


def test_parts_are_told_apart_and_scraps_passed_over() -> None:
    mask = np.zeros((100, 100), np.float32)
    mask[10:40, 10:30], mask[50:90, 50:90], mask[5, 80] = 0.9, 1, 1
    assert [int(one.sum()) for one in parts(mask)] == [600, 1600]
    assert parts_at(mask > 0.5, [(12, 12), (60, 60)]).sum() == 2200
    assert parts_at(mask > 0.5, [(12, 12)]).sum() == 600
    assert inmost(box((50, 50), slice(10, 31), slice(5, 26))) == ((15, 20), pytest.approx(11, abs=0.3))


def test_shares_of_two_people_are_one_together_and_the_outline_stays_with_the_mask() -> None:
    """The network hesitates at the outline, since it only tells people apart; that must not eat the person's edge."""
    mask = np.zeros((80, 80), np.float32)
    mask[20:60, 10:70] = 1
    mask[19, 10:70] = mask[60, 10:70] = 0.4
    square = Square(0, 0, 80)
    left = np.zeros((80, 80), np.float32)
    left[22:58, 12:40] = 1
    right = np.zeros((80, 80), np.float32)
    right[22:58, 40:68] = 1
    answers = [seen(one, square, fill=0) for one in (left, right)]
    first, second = shares([(square, one) for one in answers], mask > 0.5, np.full((80, 80, 3), 128, np.uint8), mask)
    assert np.abs(first + second - 1)[15:65, 15:65].max() < 1e-4
    assert first[19, 20] > 0.99 > 0.01 > second[19, 20], "the soft outline belongs to whom it is beside"
    assert first[40, 30] == 1 and second[40, 50] == 1


def test_where_two_people_meet_the_border_follows_the_photo() -> None:
    """The network's border is two of its pixels off, as is the photo's: red to the left of column 150, blue beyond."""
    mask = np.zeros((320, 320), np.float32)
    mask[80:240, 40:280] = 1
    photo = np.zeros((320, 320, 3), np.uint8)
    photo[:, :150], photo[:, 150:] = (200, 40, 40), (40, 40, 200)
    answer = np.clip((77 - np.arange(SIDE, dtype=np.float32)) / 8 + 0.5, 0, 1)[None, :].repeat(SIDE, 0)
    share = shares([(Square(0, 0, 320), answer)], mask > 0.5, photo, mask)[0]
    assert share[100:220, 60:147].min() > 0.7 > 0.3 > share[100:220, 154:270].max()


def test_other_parts_are_nobody_elses_share() -> None:
    mask = np.zeros((60, 60), np.float32)
    mask[10:50, 10:28] = mask[10:50, 32:50] = 1
    part = box((60, 60), slice(10, 50), slice(10, 28))
    looks = [(Square(0, 0, 60), np.ones((SIDE, SIDE), np.float32))]
    share = shares(looks, part, np.full((60, 60, 3), 128, np.uint8), mask)[0]
    assert share[part].min() == 1 and share[10:50, 32:50].max() == 0


def test_small_pieces_go_unless_they_were_clicked_on() -> None:
    share = np.zeros((60, 60), np.float32)
    share[10:40, 10:40], share[50:53, 50:53] = 1, 1
    part = np.ones((60, 60), bool)
    assert without_scraps(share, part, [(20, 20)]).sum() == 900
    assert without_scraps(share, part, [(20, 20), (51, 51)]).sum() == 909


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_everyone_in_a_part_is_found(count: int) -> None:
    """The fake network knows whose every pixel is; people stand side by side."""
    part = box((SIDE, SIDE), slice(40, 120), slice(10, 10 + 28 * count))
    whose = np.where(part, (np.arange(SIDE)[None, :] - 10) // 28, -1)

    def answers(at: list[tuple[float, float]], not_at: list[tuple[float, float]]) -> np.ndarray:
        (x, y), *_ = at
        return (whose == whose[int(y), int(x)]).astype(np.float32) * part

    found = everyone(part, answers)
    assert len(found) == count
    assert (np.sum(found, 0)[part] == 1).all()


def test_two_people_found_as_one_at_first_come_apart_by_the_other_click() -> None:
    """The fake network gives both for a click on the left person, until it hears that the right person is not meant."""
    part = box((SIDE, SIDE), slice(40, 120), slice(10, 110))
    left = box((SIDE, SIDE), slice(40, 120), slice(10, 70))

    def answers(at: list[tuple[float, float]], not_at: list[tuple[float, float]]) -> np.ndarray:
        (x, y), *_ = at
        if not left[int(y), int(x)]:
            return (part & ~left).astype(np.float32)
        told = any(not left[int(b), int(a)] for a, b in not_at)
        return (left if told else part & (np.arange(SIDE) < 90)).astype(np.float32)

    assert sorted(int(one.sum()) for one in everyone(part, answers)) == [80 * 40, 80 * 60]
