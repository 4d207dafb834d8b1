"""Which people an edit chooses, in photos and in clips."""

from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest

from standout.editing import Edit, People
from standout.editing.follow import PATIENCE, Follower
from standout.editing.who import Who
from standout.errors import InputError
from standout.lengths import Point
from standout.types import Image, Mask
from tests.masks.test_people import HEIGHT, WIDTH, crossing, figure, overlap, scene

IMAGE, MASK, TRUTH = scene((50, 0), (150, 1), (270, 2))


def at(x: float, y: float) -> Point:
    return Point.of(f"{x},{y}")


def chosen(people: People, image: Image = IMAGE, mask: Mask = MASK) -> set[int]:
    """Whose pixels are kept, of the truth."""
    kept = people.chosen(mask, image) > 0.5
    persons = {person: person == TRUTH for person in (1, 2, 3)}
    return {person for person, own in persons.items() if (kept & own).sum() > 0.9 * own.sum()}


@pytest.mark.parametrize(
    ("people", "who"),
    [
        (People(), {1, 2, 3}),
        (People("left"), {1}),
        (People("right"), {3}),
        (People("center"), {2}),
        (People("2"), {2}),
        (People("3, 1"), {1, 3}),
        (People(at=(at(50, 90),)), {1}),
        (People(at=(Point.of("16%,50%"), at(270, 90))), {1, 3}),
        (People(not_at=(at(150, 90),)), {1, 3}),
        (People("1,2", not_at=(at(150, 90),)), {1}),
    ],
)
def test_people_are_chosen_by_word_number_and_point(people: People, who: set[int]) -> None:
    assert chosen(people) == who


def test_the_largest_is_whoever_covers_most() -> None:
    mask = np.maximum(figure(60, scale=0.7), figure(200))
    kept = People("largest").chosen(mask, IMAGE)
    assert overlap(kept > 0.5, figure(200) > 0) > 0.95


def test_nobody_there_leaves_words_without_effect_and_makes_numbers_and_points_fail() -> None:
    nobody = np.zeros((HEIGHT, WIDTH), np.float32)
    assert not People("largest").chosen(nobody, IMAGE).any()
    for people in (People("1"), People(at=(at(5, 5),))):
        with pytest.raises(InputError, match="nobody was found"):
            people.chosen(nobody, IMAGE)


@pytest.mark.parametrize(
    ("people", "told"),
    [
        (People("4"), "there is no person 4; 3 people were found: 1 at "),
        (People(at=(at(100, 10),)), "at 100px,10px is on nobody .*; 3 people were found: 1 at "),
        (People(not_at=(Point.of("99%,2%"),)), "not_at 99%,2% is on nobody"),
        (People(at=(at(900, 90),)), "at 900px,90px is on nobody"),
    ],
)
def test_errors_say_who_is_there(people: People, told: str) -> None:
    with pytest.raises(InputError, match=told):
        people.chosen(MASK, IMAGE)


@pytest.mark.parametrize("text", ["tallest", "0", "1,", "-1", "1.5", ""])
def test_words_that_mean_nobody(text: str) -> None:
    with pytest.raises(InputError, match="wanted all, largest, center, left or right, or numbers"):
        People(text)
    with pytest.raises(InputError, match="give one of the two"):
        People("2", at=(at(1, 1),))
    with pytest.raises(InputError, match="wanted 0 or more seconds"):
        People(at_time=-1)


def test_people_as_json_with_the_earlier_words_too() -> None:
    assert Edit.from_json('{"people": {"which": "largest"}}').people == People("largest")
    edit = Edit(people=People(at=(Point.of("10%,20"),), not_at=(at(3, 4),), at_time=2.5))
    assert Edit.from_json(edit.to_json()) == edit
    assert str(Who.of(str(Who.of("3,1,3")))) == "1,3"
    halved = edit.people.scaled(0.5)
    assert halved.at == (Point.of("10%,10"),) and halved.not_at == (at(1.5, 2),)


def frames(of: Callable[[int], tuple[tuple[float, int], ...]], count: int) -> list[tuple[Image, Mask, np.ndarray]]:
    return [scene(*of(n)) for n in range(count)]


def followed(people: People, some: list[tuple[Image, Mask, np.ndarray]], fps: int = 25) -> list[Mask]:
    follower = Follower(people)
    return [follower(mask, image, Fraction(n, fps)) for n, (image, mask, _) in enumerate(some)]


def test_whoever_is_chosen_stays_chosen_through_a_crossing() -> None:
    some = crossing()
    for people, person in ((People("1"), 1), (People(at=(at(250, 90),)), 2), (People("right"), 2)):
        found = followed(people, some)
        for index in (0, 15, -15, -1):
            assert overlap(found[index] > 0.5, some[index][2] == person) > 0.8, (people, index)


def test_everybody_but_one_and_masks_that_are_not_touched() -> None:
    some = crossing(4)
    found = followed(People(not_at=(at(250, 90),)), some)
    assert overlap(found[-1] > 0.5, some[-1][2] == 1) > 0.9
    follower = Follower(People())
    assert follower(MASK, IMAGE, Fraction(0)) is MASK and follower.state() == {}


def test_the_choice_waits_for_its_time_and_for_enough_people() -> None:
    some = frames(lambda n: ((60, 0),) if n < 5 else ((60, 0), (200, 1)), 10)
    found = followed(People("2"), some)
    assert not found[4].any() and overlap(found[9] > 0.5, some[9][2] == 2) > 0.9
    late = followed(People("left", at_time=0.3), some)
    assert not late[7].any() and overlap(late[8] > 0.5, some[8][2] == 1) > 0.9


def test_a_point_on_nobody_fails_in_clips_and_waits_in_live_pictures() -> None:
    image, mask, _ = scene((60, 0))
    people = People(at=(at(250, 90),))
    with pytest.raises(
        InputError, match=r"is on nobody .* one person was found.*another frame may be chosen by at_time"
    ):
        Follower(people)(mask, image, Fraction(0))
    live = Follower(people, waits=True)
    assert not live(mask, image, Fraction(0)).any()
    image, mask, _ = scene((60, 0), (250, 1))
    assert live(mask, image, Fraction(1, 25))[90, 250] > 0.5


def test_a_word_chooses_anew_after_a_while_and_a_number_never() -> None:
    some = frames(lambda n: ((60, 0), (200, 1)) if n < 3 else ((200, 1),), PATIENCE + 8)
    assert followed(People("left"), some, fps=1)[-1].any()
    assert not followed(People("1"), some, fps=1)[-1].any()


def test_a_follower_that_is_restored_goes_on_as_it_would_have() -> None:
    some, people = crossing(), People(at=(at(250, 90),))
    expected = followed(people, some)
    begun, rest = Follower(people), Follower(people)
    for n, (image, mask, _) in enumerate(some[:31]):
        begun(mask, image, Fraction(n, 25))
    rest.restore(begun.state())
    for n, (image, mask, _) in enumerate(some[31:], 31):
        np.testing.assert_array_equal(rest(mask, image, Fraction(n, 25)), expected[n])
