import cv2
import numpy as np
import pytest

from standout.masks.people import bounds, feather, keep_largest
from standout.masks.refine import FADE, NEAR, SURE, TAKEN, refine
from standout.masks.tiles import NOBODY, PERSON, TILE, enlarge, kinds_of, runs
from standout.metrics.overlap import dice


def disc(size: int, radius: float) -> np.ndarray:
    y, x = np.mgrid[:size, :size] + 0.5
    return (np.hypot(y - size / 2, x - size / 2) < radius).astype(np.float32)


def scene(size: int, truth: np.ndarray, dtype: type = np.uint8) -> np.ndarray:
    """Orange person on blue, with a little texture."""
    rng = np.random.default_rng(0)
    image = np.where(truth[..., None] > 0.5, (220, 120, 60), (30, 60, 130)) + rng.normal(0, 4, (size, size, 3))
    eight = np.clip(image, 0, 255).astype(np.uint8)
    return eight if dtype is np.uint8 else eight.astype(np.uint16) * 257


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("size", [400, 1600])
def test_refine_snaps_a_coarse_mask_to_the_photos_edge(size: int, dtype: type) -> None:
    truth = disc(size, size * 0.3)
    coarse = cv2.GaussianBlur(cv2.resize(truth, (80, 80), interpolation=cv2.INTER_AREA), (0, 0), 0.8)
    enlarged = cv2.resize(coarse, (size, size))
    refined = refine(coarse, scene(size, truth, dtype))
    assert refined.shape == truth.shape
    assert refined.dtype == np.float32
    assert np.abs(refined - truth).mean() < 0.3 * np.abs(enlarged - truth).mean()
    assert dice(refined > 0.5, truth > 0.5) > 0.998


def test_refine_finds_strands_that_the_network_saw_as_a_soft_rim() -> None:
    """Rays of hair around a head; the network's mask is their mean over its own large pixels, and softer than that."""
    size, small = 2560, 320
    y, x = np.mgrid[:size, :size] - size / 2
    distance, turn = np.hypot(y, x), np.arctan2(y, x) * 60 / np.pi
    rays = (distance < 940) & (np.abs(turn - np.rint(turn)) < 0.12)
    truth = ((distance < 900) | rays).astype(np.float32)
    coarse = cv2.GaussianBlur(cv2.resize(truth, (small, small), interpolation=cv2.INTER_AREA), (0, 0), 2.0)
    refined = refine(coarse, scene(size, truth))
    rim = np.abs(distance - 920) < 10
    assert refined[rim & rays].mean() > 0.5
    assert refined[rim & ~rays].mean() < 0.03


def test_refine_leaves_no_haze_where_background_has_the_persons_colors() -> None:
    truth = disc(400, 100)
    image = scene(400, truth)
    image[:60, :60] = (220, 120, 60)
    refined = refine(cv2.resize(truth, (80, 80), interpolation=cv2.INTER_AREA), image)
    assert refined[:60, :60].max() == 0.0
    assert refined[200, 200] == 1.0


def test_refine_drops_islands_that_are_nowhere_surely_a_person() -> None:
    truth = disc(400, 100)
    coarse = cv2.resize(truth, (80, 80), interpolation=cv2.INTER_AREA)
    coarse[4:10, 60:76] = 0.7
    coarse[68:76, 4:14] = 0.7
    coarse[70, 8] = 0.9
    refined = refine(coarse, np.full((400, 400, 3), 128, np.uint8))
    assert refined[:60, 280:].max() == 0.0
    assert refined[355, 45] > 0.5


def person_and_flag() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """How far each pixel is from the middle of a person, where she is, where a flag is, and their photo."""
    y, x = np.mgrid[:320, :320]
    away, flag = np.hypot(y - 200, x - 220), (y < 90) & (x < 60)
    person = away < 80
    photo = np.where((person | flag)[..., None], np.uint8((220, 120, 60)), np.uint8((30, 60, 130)))
    return away, person, flag, photo


def test_refine_drops_what_is_half_taken_for_a_person_and_lies_far_from_one() -> None:
    """A flag beside a person, which haze holds together with her; the same haze at her outline stays, as hair does."""
    away, person, flag, photo = person_and_flag()
    coarse = np.where(person, 0.98, np.where(flag, 0.4, 0.1)).astype(np.float32)
    assert refine(coarse, photo)[:80, :50].max() == 0
    about = (away < 80 + NEAR) & ~person
    coarse[about] = 0.4
    photo[about] = 220, 120, 60
    assert refine(coarse, photo)[about].mean() > 0.2


def test_what_lies_far_from_people_fades_in_as_it_is_taken_for_one() -> None:
    _, person, flag, photo = person_and_flag()
    found = [
        refine(np.where(person, 0.98, np.where(flag, level, 0.1)).astype(np.float32), photo)[40, 30]
        for level in np.linspace(TAKEN[0] - 0.02, TAKEN[1] + 0.02, 40)
    ]
    assert found[0] == 0 and found[-1] > 0.3
    assert np.abs(np.diff(found)).max() < 0.1


def test_an_island_fades_rather_than_pops_as_it_nears_sure() -> None:
    coarse = cv2.resize(disc(400, 100), (80, 80), interpolation=cv2.INTER_AREA)
    areas = []
    for peak in np.linspace(SURE - FADE, SURE, 11):
        coarse[68:76, 4:14] = peak
        areas.append(refine(coarse, np.full((400, 400, 3), 128, np.uint8))[320:, :80].sum())
    steps = np.diff(areas)
    assert areas[0] == 0
    assert (steps >= 0).all()
    assert steps.max() < 0.4 * areas[-1]


def test_refine_draws_a_16_bit_photo_as_it_does_an_8_bit_one() -> None:
    truth = disc(400, 120)
    coarse = cv2.resize(truth, (80, 80), interpolation=cv2.INTER_AREA)
    eight, sixteen = (refine(coarse, scene(400, truth, dtype)) for dtype in (np.uint8, np.uint16))
    np.testing.assert_allclose(eight, sixteen, atol=0.02)


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_refine_keeps_nobody_and_everybody(value: float) -> None:
    image = np.random.default_rng(0).integers(0, 255, (150, 200, 3), np.uint8)
    refined = refine(np.full((30, 40), value, np.float32), image)
    assert (refined == value).all()


@pytest.mark.parametrize("shape", [(1, 1), (1, 5000), (5000, 1), (2, 3), (129, 127)])
def test_refine_stands_odd_sizes(shape: tuple[int, int]) -> None:
    image = np.random.default_rng(0).integers(0, 255, (*shape, 3), np.uint8)
    coarse = np.random.default_rng(1).random((max(1, shape[0] // 9), max(1, shape[1] // 9)), np.float32)
    refined = refine(coarse, image)
    assert refined.shape == shape
    assert np.isfinite(refined).all()
    assert refined.min() >= 0
    assert refined.max() <= 1


@pytest.mark.parametrize("shape", [(1, 1), (100, 70), (TILE, 3 * TILE)])
def test_runs_cover_each_pixel_once_and_know_what_it_shows(shape: tuple[int, int]) -> None:
    mask = np.clip(cv2.resize(np.random.default_rng(0).normal(0.5, 2, (4, 4)), shape[::-1]), 0, 1).astype(np.float32)
    kinds = kinds_of(mask, mask, *shape, nobody=0.0, person=1.0)
    seen = np.zeros(shape, int)
    for tile, kind in runs(kinds, *shape):
        seen[tile] += 1
        assert (mask[tile] == 0).all() == (kind == NOBODY)
        assert (mask[tile] == 1).all() == (kind == PERSON)
    assert (seen == 1).all()


def test_tiles_agree_with_one_whole_enlargement() -> None:
    small = np.random.default_rng(0).random((20, 30)).astype(np.float32)
    whole = cv2.resize(small, (600, 400), interpolation=cv2.INTER_LINEAR)
    kinds = np.random.default_rng(1).integers(0, 3, (-(-400 // TILE), -(-600 // TILE)), np.uint8)
    for tile, _ in runs(kinds, 400, 600):
        np.testing.assert_allclose(enlarge(small, tile, 400, 600), whole[tile], atol=0.04)


def test_keep_largest_drops_the_smaller_person_with_its_soft_edge() -> None:
    mask = np.zeros((200, 300), np.float32)
    cv2.circle(mask, (80, 100), 60, 1.0, -1)
    cv2.circle(mask, (250, 60), 20, 1.0, -1)
    soft = cv2.GaussianBlur(mask, (0, 0), 3)
    kept = keep_largest(soft)
    assert kept[:, 220:].max() == 0.0
    np.testing.assert_array_equal(kept[:, :160], soft[:, :160])


def test_keep_largest_of_one_or_none_changes_nothing() -> None:
    one = disc(50, 10)
    np.testing.assert_array_equal(keep_largest(one), one)
    np.testing.assert_array_equal(keep_largest(one * 0), one * 0)


def test_feather_softens_but_keeps_the_area() -> None:
    mask = disc(200, 60)
    soft = feather(mask, 8)
    assert abs(soft.mean() - mask.mean()) < 1e-3
    assert 0 < soft[100, 100 + 60 + 4] < 0.5
    assert feather(mask, 0) is mask


def test_bounds_of_nobody_is_none() -> None:
    assert bounds(np.zeros((4, 4), np.float32)) is None
    assert bounds(disc(100, 10)) == (40, 40, 60, 60)
