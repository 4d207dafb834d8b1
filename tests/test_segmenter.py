"""Many images at once give the masks that each gives alone, whatever runs the model and however it is batched."""

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from standout import runtimes
from standout.errors import InputError
from standout.models.card import ModelCard
from standout.runtimes import Session
from standout.segmenter import Segmenter, side_seen_by
from tests.fakes import LeftHalf
from tests.runtimes.test_contract import HERE, made

__all__ = ["made"]  # a fixture

CARD = ModelCard("echo", "1", "resnet18", (96, 64), second_look=1.3)
SHAPES = [(100, 60), (60, 100), (7, 300), (100, 60), (33, 95), (1, 1), (60, 100), (250, 130)]


def pictures(shapes: list[tuple[int, int]], *, seed: int = 0) -> list[np.ndarray]:
    """Noise of those sizes, every third of them in 16 bits."""
    rng = np.random.default_rng(seed)
    eight = [rng.integers(0, 255, (*shape, 3), np.uint8) for shape in shapes]
    return [one.astype(np.uint16) * 257 if n % 3 == 2 else one for n, one in enumerate(eight)]


def echo(*, batch: int, sizes: tuple[tuple[int, int], ...] = ()) -> tuple[Session, list[tuple[int, ...]]]:
    """A session whose network gives the red channel back, and the shapes of the batches that it was given."""
    seen: list[tuple[int, ...]] = []

    def run(given: np.ndarray) -> np.ndarray:
        seen.append(given.shape)
        return given[:, :1].copy()

    return Session(run, CARD, "cpu", "echo", sizes, batch), seen


@pytest.mark.parametrize("tta", [False, True])
@pytest.mark.parametrize("name", HERE)
def test_many_images_get_the_masks_that_each_gets_alone(
    name: str, tta: bool, made: Callable[[str], tuple[Path, str]], sample: np.ndarray
) -> None:
    file, runtime = made(name)
    session = replace(runtimes.open(file, runtime=runtime, threads=1), batch=3)
    images = [sample, *pictures([(40, 64)]), sample[:, ::-1], sample[:200, :300], sample[100:, :180]]
    segmenter = Segmenter(session, tta=tta)
    for refine in (True, False):
        found = segmenter.masks(images, refine=refine)
        assert [mask.shape for mask in found] == [image.shape[:2] for image in images]
        for mask, image in zip(found, images, strict=True):
            np.testing.assert_allclose(mask, segmenter.mask(image, refine=refine), atol=1e-5)


@pytest.mark.parametrize("tta", [False, True])
@pytest.mark.parametrize("batch", [1, 2, 3, 32])
@pytest.mark.parametrize("sizes", [(), ((96, 64),), ((64, 96), (96, 64))])
def test_each_image_gets_its_own_mask(sizes: tuple[tuple[int, int], ...], batch: int, tta: bool) -> None:
    session, seen = echo(batch=batch, sizes=sizes)
    images, segmenter = pictures(SHAPES), Segmenter(session, tta=tta)
    found = segmenter.probabilities(images)
    assert max(shape[0] for shape in seen) <= batch
    if sizes:
        assert {shape[2:] for shape in seen} <= set(sizes)
    for mask, image in zip(found, images, strict=True):
        np.testing.assert_array_equal(mask, segmenter.probability(image))


@pytest.mark.parametrize("tta", [False, True])
@pytest.mark.parametrize("sizes", [(), ((96, 64),)])
def test_prepared_images_get_the_masks_of_the_images(sizes: tuple[tuple[int, int], ...], tta: bool) -> None:
    (together, seen), (alone, other) = (echo(batch=4, sizes=sizes) for _ in range(2))
    images, segmenter = pictures(SHAPES), Segmenter(together, tta=tta)
    given = [one if n == 1 else segmenter.prepared(one) for n, one in enumerate(images)]
    assert seen == [], "the network waits until it is asked"
    wanted = Segmenter(alone, tta=tta).probabilities(images)
    for mask, want in zip(segmenter.probabilities(given), wanted, strict=True):
        np.testing.assert_array_equal(mask, want)
    assert seen == other
    with pytest.raises(InputError, match="wanted uint8 or uint16"):
        segmenter.prepared(np.zeros((4, 4), np.uint8))


def test_images_of_one_rectangle_are_seen_together() -> None:
    session, seen = echo(batch=4)
    upright, lying = (100, 60), (60, 100)
    Segmenter(session).probabilities(pictures([upright, lying, upright, upright, lying, upright, upright]))
    assert seen == [(4, 3, 96, 64), (1, 3, 96, 64), (2, 3, 64, 96), (4, 3, 128, 96), (1, 3, 128, 96), (2, 3, 96, 128)]


@pytest.mark.parametrize(
    ("shape", "sizes", "seen_in"),
    [((54, 96), (), (64, 96)), ((30, 96), (), (32, 96)), ((96, 40), (), (96, 64)), ((30, 96), ((64, 96),), (64, 96))],
)
def test_a_trimmed_letterbox_is_no_larger_than_it_must_be(
    shape: tuple[int, int], sizes: tuple[tuple[int, int], ...], seen_in: tuple[int, int]
) -> None:
    image = pictures([shape])[0]
    (whole, _), (trimmed, seen) = (echo(batch=1, sizes=sizes) for _ in range(2))
    mask = Segmenter(trimmed, tta=False, trim=True).probability(image)
    assert seen == [(1, 3, *seen_in)]
    np.testing.assert_array_equal(mask, Segmenter(whole, tta=False).probability(image))


def test_no_images_get_no_masks() -> None:
    session, seen = echo(batch=4)
    assert Segmenter(session).masks([]) == [] and seen == []


def test_an_array_among_many_that_is_no_image_is_refused_before_the_network_runs() -> None:
    session, seen = echo(batch=4)
    with pytest.raises(InputError, match=r"image is uint8 \(4, 4\); wanted uint8 or uint16 \(H, W, 3\), RGB"):
        Segmenter(session).masks([*pictures([(40, 30)]), np.zeros((4, 4), np.uint8)])
    assert seen == []


def test_an_error_of_the_network_leaves_no_thread_behind() -> None:
    def run(given: np.ndarray) -> np.ndarray:
        raise RuntimeError("out of memory")

    segmenter = Segmenter(Session(run, CARD, "cpu", "torn", (), 2))
    with pytest.raises(RuntimeError, match="out of memory"):
        segmenter.masks(pictures(SHAPES))
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("standout-step")]


def test_the_old_name_of_tta_still_works() -> None:
    session, _ = echo(batch=1)
    with pytest.warns(DeprecationWarning, match=r"mirror=\.\.\.\) is called tta= now"):
        segmenter = Segmenter(session, mirror=False)
    assert segmenter.tta is False and len(segmenter.looks(100, 60)) == 1
    with pytest.warns(DeprecationWarning, match="is called tta now"):
        assert segmenter.mirror is False
    assert Segmenter(session).tta is True


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_both_looks_at_once_give_the_mask_of_one_after_the_other(threads: int, sample: np.ndarray) -> None:
    alone = Segmenter(threads=1).probability(sample)
    segmenter = Segmenter(threads=threads)
    np.testing.assert_allclose(segmenter.probability(sample), alone, atol=1e-5)


def test_looks_share_the_threads_only_where_the_session_is_made_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    here: list[bool] = []

    def run(given: np.ndarray) -> np.ndarray:
        here.append(threading.current_thread() is threading.main_thread())
        return given[:, :1].copy()

    session = Session(run, CARD, "cpu", "echo")
    image = pictures([(100, 60)])[0]
    one = Segmenter(session).probability(image)
    assert here == [True, True]
    two = Segmenter(replace(session, calls=2)).probability(image)
    assert sorted(here[2:]) == [False, True]
    np.testing.assert_array_equal(one, two)


def test_small_pictures_are_twice_what_the_network_sees() -> None:
    large = replace(echo(batch=1)[0], card=replace(CARD, size=(384, 288)))
    assert side_seen_by(Segmenter(large)) == 768
    assert side_seen_by(Segmenter(echo(batch=1)[0])) == 640 == side_seen_by(LeftHalf()), "no smaller, so that edges are"
