from pathlib import Path

import cv2
import numpy as np

from standout.dataset import Pair, find_pairs
from standout.train.augment import Sample, augment, crop_to, paste, pipeline
from standout.train.batches import TrainView, draw_order, read_all, to_item
from standout.train.borders import weights
from standout.train.config import Config, Stage
from tests.conftest import drawn_person


def sample(seed: int = 0, *, height: int = 120, width: int = 90) -> Sample:
    image, mask = drawn_person(height, width, seed=seed)
    return Sample(image, mask, np.full_like(mask, 255))


def test_the_same_seed_draws_the_same_sample_and_another_does_not() -> None:
    transforms = pipeline()
    one, same, other = (augment(sample(), transforms, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert all((a == b).all() for a, b in zip(one.planes, same.planes, strict=True))
    assert (one.image != other.image).any()


def test_photo_and_mask_move_together() -> None:
    transforms = pipeline()
    for seed in range(30):
        plain = sample(seed)
        flat = Sample(np.dstack([plain.mask] * 3), plain.mask, plain.counts)
        done = augment(flat, transforms, np.random.default_rng(seed))
        bright, inside = done.image.mean(-1), (done.mask > 127) & (done.counts > 127)
        outside = (done.mask < 128) & (done.counts > 127)
        assert bright[inside].mean() > bright[outside].mean() + 30


def test_pixels_from_beyond_the_photo_do_not_count() -> None:
    transforms = pipeline()
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


def test_crop_to_has_the_rectangles_proportions() -> None:
    for rect in ((320, 256), (256, 320)):
        height, width = crop_to(sample(height=300, width=500), rect, np.random.default_rng(0)).mask.shape
        assert abs(height / width - rect[0] / rect[1]) < 0.02


def test_items_have_the_promised_shapes(data: Path) -> None:
    config = Config("test", data)
    pairs = find_pairs(data / "train")
    view = TrainView(read_all(pairs), config, Stage(1, (64, 32)))
    for upright, rect in ((True, (64, 32)), (False, (32, 64))):
        image, target, weight = view[(0, upright, 5)]
        assert image.shape == (3, *rect)
        assert target.shape == weight.shape == (1, *rect)
        assert image.dtype == np.uint8
        assert target.dtype == weight.dtype == np.float32
        assert 0 <= target.min() <= target.max() <= 1


def test_the_letterbox_and_ignored_pixels_have_no_weight() -> None:
    plain = sample(height=100, width=100)
    counts = plain.counts.copy()
    counts[:50] = 0
    _, _, weight = to_item(Sample(plain.image, plain.mask, counts), (64, 32), Config("test", Path()))
    assert (weight[0, :30] == 0).all()
    assert (weight[0, 36:46] > 0).all()
    assert (weight[0, -15:] == 0).all()


def test_border_weights_follow_the_outline() -> None:
    _, mask = drawn_person()
    weight = weights(mask, np.full_like(mask, 255), width=8, boost=3.0)
    assert set(np.unique(weight)) == {1.0, 3.0}
    assert weight[0, 0] == 1
    edge = np.argmax(mask[:, 45] > 0)
    assert weight[edge, 45] == 3


def test_draw_order_follows_the_recipe_and_repeats() -> None:
    names = [Path(f"{'few' if i < 20 else 'many'}_{i}.png") for i in range(100)]
    pairs = [Pair(name, name) for name in names]
    config = Config("test", Path(), batch=10, draws={"few": 3.0, "many": 0.5}, seed=4)
    order = draw_order(pairs, config, 0)
    assert order == draw_order(pairs, config, 0)
    assert order != draw_order(pairs, config, 1)
    drawn = [index for batch in order for index, _, _ in batch]
    few = sum(index < 20 for index in drawn)
    assert 50 <= few <= 60
    assert 20 <= len(drawn) - few <= 60
    assert {upright for batch in order for _, upright, _ in batch} == {True, False}
    assert all(len({upright for _, upright, _ in batch}) == 1 for batch in order)
