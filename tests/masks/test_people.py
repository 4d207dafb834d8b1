"""Who is who in a mask, and from frame to frame, with figures that are drawn."""

from dataclasses import replace
from fractions import Fraction

import cv2
import numpy as np
import pytest

from standout.masks.people.apart import apart, parts
from standout.masks.people.body import body_of, moved_on, taken_from
from standout.masks.people.found import Group, or_whole_part, people_in
from standout.masks.people.looks import bins_of, likeness, look_of
from standout.masks.people.numbered import COLORS, SHOWN_SIDE, numbered
from standout.masks.people.tracker import Tracker
from standout.types import Image, Mask

HEIGHT, WIDTH = 180, 320
SHIRTS = ((200, 40, 40), (40, 60, 200), (240, 220, 60))


def figure(x: float, *, scale: float = 1.0, size: tuple[int, int] = (HEIGHT, WIDTH)) -> Mask:
    """Somebody upright with a head, a body and two legs, whose middle is at x."""
    mask = np.zeros(size, np.uint8)
    foot, unit = size[0] - 4, scale * size[0] / 180

    def at(dx: float, up: float) -> tuple[int, int]:
        return round(x + dx * unit), round(foot - up * unit)

    cv2.circle(mask, at(0, 145), round(13 * unit), 1, -1)
    cv2.rectangle(mask, at(-4, 138), at(4, 120), 1, -1)
    cv2.ellipse(mask, at(0, 90), (round(22 * unit), round(40 * unit)), 0, 0, 360, 1, -1)
    for side in (-1, 1):
        cv2.rectangle(mask, at(side * 10 - 6, 60), at(side * 10 + 6, 0), 1, -1)
    return mask.astype(np.float32)


def scene(*people: tuple[float, int], level: int = 120) -> tuple[Image, Mask, np.ndarray]:
    """A frame, its mask and who is where; people: (x, index of the shirt), the last is the nearest."""
    image, truth = np.full((HEIGHT, WIDTH, 3), level, np.uint8), np.zeros((HEIGHT, WIDTH), np.int32)
    for x, shirt in people:
        own = figure(x) > 0
        image[own], truth[own] = SHIRTS[shirt], shirt + 1
        legs = own.copy()
        legs[: HEIGHT - 64] = False
        image[legs] = [value // 2 for value in SHIRTS[shirt][::-1]]
    return image, (truth > 0).astype(np.float32), truth


def overlap(one: np.ndarray, other: np.ndarray) -> float:
    return float((one & other).sum() / max(1, (one | other).sum()))


def test_people_apart_are_parts_and_those_who_touch_come_apart_at_their_heads() -> None:
    left, right = figure(100), figure(143)
    both = np.maximum(left, right)
    assert parts(both).max() == 1, "they touch"
    labels = apart(both)
    assert labels.max() == 2
    for own in (left > 0, right > 0):
        assert max(overlap(labels == number, own) for number in (1, 2)) > 0.9
    assert apart(np.maximum(figure(60), figure(200))).max() == 2


def test_arms_and_legs_are_not_cut_off() -> None:
    one = figure(150)
    raised = one.copy()
    cv2.line(raised, (168, 80), (186, 20), 1.0, 9)
    for mask in (one, raised, np.ascontiguousarray(one.T), np.ascontiguousarray(one[::-1])):
        assert apart(mask).max() == 1


@pytest.mark.parametrize("size", [(61, 97), (180, 320), (1400, 1000)])
def test_people_are_listed_from_left_to_right_with_their_masks(size: tuple[int, int]) -> None:
    middle = size[1]
    first, second = (figure(share * middle, scale=0.5, size=size) for share in (0.75, 0.2))
    soft = cv2.GaussianBlur(np.maximum(first, second), (0, 0), 1.0)
    group = people_in(soft)
    assert [one.index for one in group.people] == [1, 2]
    left, right = group.people
    assert left.box[2] < right.box[0] and left.confidence > 0.8
    assert left.share == pytest.approx(float((second > 0).mean()), rel=0.15)
    np.testing.assert_allclose(left.mask + right.mask, soft, atol=1e-6)
    assert right.mask[:, : size[1] // 2].max() == 0
    assert str(left).startswith("1 at ") and left.to_dict()["box"] == list(left.box)


def test_nobody_everybody_and_specks() -> None:
    nobody = people_in(np.zeros((40, 60), np.float32))
    assert nobody.people == () and nobody.at(3, 3, size=(40, 60)) == 0
    everybody = people_in(np.ones((40, 60), np.float32))
    assert [one.box for one in everybody.people] == [(0, 0, 60, 40)]
    speck = figure(60)
    speck[5:7, 300:302] = 1
    group = people_in(speck)
    assert len(group.people) == 1 and group.people[0].mask[6, 301] == 0
    assert group.at(301, 6, size=speck.shape) == 0


def test_a_point_beside_somebody_is_on_them() -> None:
    group = people_in(figure(60))
    row, column = np.argwhere(group.labels == 1)[0]
    assert group.at(column, row - 3, size=(HEIGHT, WIDTH)) == 1
    assert group.at(250, 60, size=(HEIGHT, WIDTH)) == 0


def test_masks_from_elsewhere_say_who_is_who_and_legs_are_nobody_else() -> None:
    left, right = figure(100), figure(130)
    both = np.maximum(left, right)
    mine = np.where(right > 0, 0, left).astype(np.float32)
    group = people_in(both, masks=[right, mine])
    assert len(group.people) == 2
    np.testing.assert_allclose(group.people[1].mask, right, atol=1e-6)
    upper, lower = left.copy(), left.copy()
    upper[HEIGHT - 60 :], lower[: HEIGHT - 60] = 0, 0
    assert len(people_in(left, masks=[upper, lower]).people) == 1


def test_who_fills_most_of_a_part_fills_all_of_it() -> None:
    left, right = figure(60), figure(220)
    both = np.maximum(left, right)
    trimmed = left.copy()
    trimmed[HEIGHT - 12 :] = 0
    assert overlap(or_whole_part(both, trimmed, (60, 90)) > 0.5, left > 0) == 1
    half = left.copy()
    half[HEIGHT // 2 :] = 0
    np.testing.assert_array_equal(or_whole_part(both, half, (60, 90)), half)


def test_looks_are_of_colors_by_halves() -> None:
    image, _, truth = scene((80, 0), (200, 1))
    bins = bins_of(image)
    red, blue = (look_of(bins, truth == number) for number in (1, 2))
    assert likeness(red, red) == pytest.approx(1, abs=1e-5) and likeness(red, blue) < 0.3
    dim, _, _ = scene((80, 0), (200, 1))
    assert likeness(red, look_of(bins_of((dim * 0.93).astype(np.uint8)), truth == 1)) > 0.5


def test_the_numbered_picture_tints_everybody_and_names_them_below() -> None:
    image, mask, _ = scene((80, 0), (200, 1))
    picture = numbered(image, people_in(mask))
    assert picture.shape[1] == WIDTH and picture.shape[0] > HEIGHT and picture.dtype == np.uint8
    background = picture[2, 2]
    assert (background == image[2, 2]).all(), "what is nobody's stays as it is"
    mixed = 0.6 * np.array(SHIRTS[0]) + 0.4 * np.array(COLORS[0])
    np.testing.assert_allclose(picture[HEIGHT - 70, 92], mixed, atol=1)
    large = cv2.resize(image, (3000, 1700)).astype(np.uint16) * 257
    shown = numbered(large, people_in(cv2.resize(mask, (3000, 1700))))
    assert shown.shape[1] == SHOWN_SIDE and shown.dtype == np.uint8
    nobody = numbered(image, Group((), np.zeros((HEIGHT, WIDTH), np.int32)))
    np.testing.assert_array_equal(nobody[:HEIGHT], image)


def crossing(count: int = 60) -> list[tuple[Image, Mask, np.ndarray]]:
    """Two people who walk past one another; the first comes from the right and is hidden for a while."""
    return [scene((250 - 180 * t, 1), (70 + 180 * t, 0)) for t in np.linspace(0, 1, count)]


def follow(frames: list[tuple[Image, Mask, np.ndarray]], tracker: Tracker, first: int = 0) -> list[np.ndarray]:
    return [tracker(mask, image, Fraction(first + n, 25)) for n, (image, mask, _) in enumerate(frames)]


def number_of(labels: np.ndarray, truth: np.ndarray, person: int) -> int:
    small = cv2.resize(truth.astype(np.uint8), labels.shape[::-1], interpolation=cv2.INTER_NEAREST)
    found = labels[small == person]
    return int(np.bincount(found[found > 0]).argmax()) if (found > 0).any() else 0


def test_people_keep_their_numbers_through_a_crossing() -> None:
    frames, tracker = crossing(), Tracker()
    found = follow(frames, tracker)
    for person in (1, 2):
        assert number_of(found[0], frames[0][2], person) == number_of(found[-1], frames[-1][2], person)
    assert len(tracker.people) == 2
    hidden = number_of(found[0], frames[0][2], 2)
    assert (found[30] == hidden).sum() < 0.5 * (found[0] == hidden).sum(), "little is seen of who is behind"


def test_who_is_hidden_by_two_leaves_nothing_behind_and_is_found_on_the_other_side() -> None:
    times = np.linspace(0, 1, 90)
    frames, tracker = [scene((160, 2), (280 - 240 * t, 1), (40 + 240 * t, 0)) for t in times], Tracker()
    found = follow(frames, tracker)
    numbers = [number_of(found[0], frames[0][2], person) for person in (1, 2, 3)]
    assert len(set(numbers)) == 3 and len(tracker.people) == 3
    for index in (*range(0, 36), *range(56, 90)):
        truth = cv2.resize(frames[index][2].astype(np.uint8), found[index].shape[::-1], interpolation=cv2.INTER_NEAREST)
        for person, number in enumerate(numbers, 1):
            own = truth == person
            if own.sum() > 300:
                assert overlap(found[index] == number, own) > 0.6, (index, person)


def test_a_body_is_looked_for_where_motion_takes_it_and_only_where_nobody_else_is() -> None:
    still, moved = (scene((x, 0)) for x in (100, 106))
    paint, after = (np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2LAB), np.uint8) for image, _, _ in (still, moved))
    body = body_of(paint, still[1] > 0)
    found = moved_on(replace(body, speed=np.array([0.5, 0.0])), after, moved[1], 0.04, seen=True)
    assert found.box[0] * WIDTH == pytest.approx(106, abs=2) and not found.hidden
    free = moved[1].copy()
    taken_from(free, found, after)
    assert free.sum() < 0.3 * moved[1].sum(), "most of who is there is explained"
    lost = moved_on(body, after, np.zeros_like(free), 0.04, seen=True)
    np.testing.assert_allclose(lost.box, body.box)
    assert lost.hidden == pytest.approx(0.04)


def test_a_stranger_who_comes_in_as_somebody_leaves_is_somebody_else() -> None:
    leaving = [scene((200, 1), (60 - 3 * n, 0)) for n in range(25)]
    coming = [scene((200, 1), (-12 + 3 * n, 2)) for n in range(25)]
    there = leaving[0]
    found = follow([there] * 5 + leaving + coming, Tracker())
    red = number_of(found[0], there[2], 1)
    assert number_of(found[-1], coming[-1][2], 3) not in (0, red)


def test_somebody_who_was_away_is_known_again_and_somebody_new_is_not_taken_for_them() -> None:
    there, tracker = scene((80, 0), (200, 1)), Tracker()
    frames = [there] * 5 + [scene((200, 1))] * 20 + [scene((200, 1), (120, 2))] * 5 + [scene((200, 1), (60, 0))] * 5
    found = follow(frames, tracker)
    red = number_of(found[0], there[2], 1)
    assert not (found[10] == red).any()
    assert number_of(found[27], frames[27][2], 3) not in (0, red)
    assert number_of(found[-1], frames[-1][2], 1) == red


def test_a_tracker_that_is_restored_goes_on_as_it_would_have() -> None:
    frames, whole, begun, rest = crossing(), Tracker(), Tracker(), Tracker()
    expected = follow(frames, whole)
    follow(frames[:28], begun)
    state = {name: np.array(value) for name, value in begun.state().items()}
    rest.restore(state)
    for labels, wanted in zip(follow(frames[28:], rest, 28), expected[28:], strict=True):
        np.testing.assert_array_equal(labels, wanted)
    assert Tracker().state() == {}


def test_frames_of_another_size_begin_anew() -> None:
    tracker = Tracker()
    image, mask, _ = scene((80, 0))
    tracker(mask, image, Fraction(0))
    assert tracker(np.ascontiguousarray(mask.T), np.ascontiguousarray(image.transpose(1, 0, 2)), Fraction(1)).any()
