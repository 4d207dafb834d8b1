import cv2
import numpy as np
import pytest

from standout.train.augment import (
    AUGMENTATIONS,
    Sample,
    augment,
    crop_to,
    drop_cloth,
    one_person,
    paste,
    pipeline,
    quarters,
    sheet,
    stands,
    swap_background,
    turn,
)
from tests.conftest import drawn_person


def sample(seed: int = 0, *, height: int = 120, width: int = 90) -> Sample:
    image, mask = drawn_person(height, width, seed=seed)
    return Sample(image, mask, np.full_like(mask, 255))


SETS = sorted(AUGMENTATIONS.keys() - {"none"})


@pytest.mark.parametrize("name", SETS)
def test_the_same_seed_draws_the_same_sample_and_another_does_not(name: str) -> None:
    transforms = pipeline(name)
    one, same, other = (augment(sample(), transforms, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert all((a == b).all() for a, b in zip(one.planes, same.planes, strict=True))
    others = [other, *(augment(sample(), transforms, np.random.default_rng(seed)) for seed in range(3, 6))]
    assert any((one.image != other.image).any() for other in others)


def test_the_set_none_changes_nothing() -> None:
    done = augment(sample(), pipeline("none"), np.random.default_rng(0))
    assert all((a == b).all() for a, b in zip(done.planes, sample().planes, strict=True))


@pytest.mark.parametrize("name", SETS)
def test_photo_and_mask_move_together(name: str) -> None:
    transforms = pipeline(name)
    for seed in range(30):
        plain = sample(seed)
        flat = Sample(np.dstack([plain.mask] * 3), plain.mask, plain.counts)
        done = augment(flat, transforms, np.random.default_rng(seed))
        bright, inside = done.image.mean(-1), (done.mask > 127) & (done.counts > 127)
        outside = (done.mask < 128) & (done.counts > 127)
        assert bright[inside].mean() > bright[outside].mean() + 20


@pytest.mark.parametrize("name", SETS)
def test_pixels_from_beyond_the_photo_do_not_count(name: str) -> None:
    transforms = pipeline(name)
    beyond = 0
    for seed in range(20):
        white = Sample(*(np.full(s, 255, np.uint8) for s in ((80, 60, 3), (80, 60), (80, 60))))
        done = augment(white, transforms, np.random.default_rng(seed))
        assert done.mask[done.counts > 250].min() > 200, "what counts must be of the photo, all person here"
        beyond += int((done.counts == 0).sum())
    assert beyond > 0


def test_paste_adds_a_person_to_photo_and_mask_alike() -> None:
    ground = Sample(
        np.zeros((200, 300, 3), np.uint8), np.zeros((200, 300), np.uint8), np.full((200, 300), 255, np.uint8)
    )
    for seed in range(20):
        done = paste(ground, sample(seed), np.random.default_rng(seed))
        found = done.mask > 127
        assert 0.001 < found.mean() < 0.95
        beside = cv2.dilate(done.mask, np.ones((5, 5))) == 0
        assert (done.image[beside] == 0).all()
        assert not ground.mask.any(), "the stored photo must not be painted on"


def test_a_pasted_person_is_no_smaller_than_asked() -> None:
    heights = []
    for seed in range(40):
        done = paste(ground(0), sample(seed), np.random.default_rng(seed), smallest=0.05)
        rows = np.flatnonzero((done.mask > 127).any(1))
        heights.append((rows[-1] - rows[0] + 1) / 200)
    assert min(heights) < 0.25, "drawn people are cut off below, so twice 0.05 is their least"
    assert max(heights) > 0.6


def test_quarters_are_four_crops_with_their_masks() -> None:
    levels = (40, 90, 140, 190)
    others = [ground(level, height=90 + level, width=120) for level in levels]
    for seed in range(10):
        done = quarters(others, (96, 128), np.random.default_rng(seed))
        corners = [int(done.image[y, x, 0]) for y in (0, -1) for x in (0, -1)]
        assert done.image.shape == (96, 128, 3) and corners == list(levels)
    people = quarters([sample(seed) for seed in range(4)], (96, 128), np.random.default_rng(0))
    bright = people.image.mean(-1)
    assert bright[people.mask > 200].mean() > bright[people.mask < 50].mean() + 60
    assert people.counts.min() == 255


def test_a_sheet_takes_samples_of_both_orientations() -> None:
    picture = sheet([sample(), sample(height=90, width=120)], columns=2)
    assert picture.shape == (120, 240, 3)


def test_crop_to_has_the_rectangles_proportions() -> None:
    for rect in ((320, 256), (256, 320)):
        height, width = crop_to(sample(height=300, width=500), rect, np.random.default_rng(0)).mask.shape
        assert abs(height / width - rect[0] / rect[1]) < 0.02


def ground(level: int, *, height: int = 200, width: int = 300) -> Sample:
    mask = np.zeros((height, width), np.uint8)
    return Sample(np.full((height, width, 3), level, np.uint8), mask, np.full_like(mask, 255))


def test_a_new_background_keeps_the_person_and_the_mask() -> None:
    plain = sample()
    for seed in range(10):
        done = swap_background(plain, ground(200), np.random.default_rng(seed))
        assert (done.mask == plain.mask).all() and done.image.shape == plain.image.shape
        far = cv2.dilate(plain.mask, np.ones((7, 7))) == 0
        assert (np.abs(done.image[far].astype(int) - 200) <= 1).all()
        deep = cv2.erode(plain.mask, np.ones((9, 9))) > 0
        moved = done.image[deep].astype(float) - plain.image[deep]
        assert moved.std() < 12, "the person is lit otherwise, not drawn anew"
    assert (plain.image == sample().image).all(), "the stored photo must not be painted on"


def test_a_new_background_leaves_what_is_unclear_as_it_is() -> None:
    plain = sample()
    counts = plain.counts.copy()
    counts[:40, :40] = 0
    done = swap_background(Sample(plain.image, plain.mask, counts), ground(200), np.random.default_rng(0))
    assert np.abs(done.image[5:30, 5:30].astype(int) - plain.image[5:30, 5:30]).max() < 60
    assert (done.counts == counts).all()


def test_a_sheet_shows_every_sample_that_fills_a_row() -> None:
    assert sheet([sample(n) for n in range(9)], columns=4).shape == (360, 480, 3), "a last row that is not full, too"


def test_cloth_lies_behind_people_and_is_nobody() -> None:
    donor = ground(200, height=200, width=100)
    donor.mask[10:190, 30:70] = 255
    assert stands(donor.mask) and not stands(ground(0).mask)
    changed = 0
    for seed in range(20):
        photo = ground(0)
        photo.mask[:, :150] = 255
        done = drop_cloth(photo, donor, np.random.default_rng(seed))
        assert (done.mask == photo.mask).all() and (done.counts == photo.counts).all()
        assert not done.image[:, :149].any(), "people stay in front"
        changed += int(done.image.any())
        assert not photo.image.any(), "the stored photo must not be painted on"
    assert changed > 5


def test_a_turned_photo_is_whole_and_its_corners_do_not_count() -> None:
    for seed in range(10):
        whole = sample(seed)
        turned = turn(whole, np.random.default_rng(seed))
        assert abs(int((turned.mask > 127).sum()) / int((whole.mask > 127).sum()) - 1) < 0.02, "nobody is cut off"
        assert int((turned.counts == 255).sum()) <= whole.counts.size
        assert int((turned.counts == 255).sum()) > 0.93 * whole.counts.size
        bright = Sample(np.dstack([whole.mask] * 3), whole.mask, whole.counts)
        both = turn(bright, np.random.default_rng(seed))
        counted = both.counts == 255
        np.testing.assert_allclose(both.image[counted][:, 0], both.mask[counted], atol=1)


def test_one_person_of_several_is_taken_alone() -> None:
    image, mask = np.zeros((60, 90, 3), np.uint8), np.zeros((60, 90), np.uint8)
    people = np.zeros((30, 45), np.uint8)  # half the size, as a file may be
    for number, left in enumerate((5, 35, 65), 1):
        mask[10:50, left : left + 20] = 255
        people[5:25, left // 2 : left // 2 + 10] = number
    people[0, 0], mask[0, 0] = 7, 255  # too small to be pasted
    people[28:, :] = 255  # unclear
    whole = Sample(image, mask, np.full_like(mask, 255))
    seen = set()
    for seed in range(30):
        alone = one_person(whole, people, np.random.default_rng(seed))
        assert alone is not None and 0 < (alone.mask > 0).sum() <= 20 * 40
        seen.add(int(np.flatnonzero(alone.mask.any(0))[0]) // 30)
    assert seen == {0, 1, 2}
    assert one_person(whole, np.zeros_like(people), np.random.default_rng(0)) is None
