from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from standout.data import Pair, find_pairs
from standout.errors import InputError
from standout.train import store as storing
from standout.train.augment import Sample
from standout.train.batches import Batches, TrainView, ValView, collate, draw_order, to_item, val_order
from standout.train.config import Loss, Recipe
from standout.train.parts import Stage
from standout.train.store import STORED_SIDE, Store, read_sample
from tests.conftest import drawn_person
from tests.train.conftest import tiny


@pytest.fixture
def store(data: Path) -> Store:
    return Store(find_pairs(data / "train"))


def test_items_have_the_promised_shapes(data: Path, store: Store) -> None:
    recipe = tiny(data)
    view = TrainView(store, recipe, recipe.epochs[0])
    for upright, rect in ((True, (96, 64)), (False, (64, 96))):
        image, target, weight, index = view[(0, upright, 5)]
        assert image.shape == (3, *rect)
        assert target.shape == weight.shape == (1, *rect)
        assert image.dtype == np.uint8 and index == 0
        assert target.dtype == weight.dtype == np.float32
        assert 0 <= target.min() <= target.max() <= 1
    assert ValView(store, recipe.loss, (64, 32))[0][0].shape == (3, 64, 32), "an upright photo stands"
    assert [tuple(plane.shape) for plane in collate([view[(i, True, i)] for i in range(3)])] == [
        (3, 3, 96, 64), (3, 1, 96, 64), (3, 1, 96, 64), (3,)
    ]  # fmt: skip


def test_the_letterbox_and_ignored_pixels_have_no_weight() -> None:
    image, mask = drawn_person(100, 100)
    counts = np.full_like(mask, 255)
    counts[:50] = 0
    _, _, weight, _ = to_item(Sample(image, mask, counts), (64, 32), Loss(), 0)
    assert (weight[0, :30] == 0).all()
    assert (weight[0, 36:46] > 0).all()
    assert (weight[0, -15:] == 0).all()


def test_soft_edges_reach_the_network(tmp_path: Path) -> None:
    mask = np.tile(np.linspace(0, 255, 64).astype(np.uint8), (64, 1))
    cv2.imwrite(str(tmp_path / "m.png"), mask)
    cv2.imwrite(str(tmp_path / "a_1.png"), np.zeros((64, 64, 3), np.uint8))
    sample = read_sample(Pair(tmp_path / "a_1.png", tmp_path / "m.png"))
    _, target, _, _ = to_item(sample, (64, 64), Loss(), 0)
    np.testing.assert_allclose(target[0, 10] * 255, mask[10], atol=1.01)


def fake(pairs: list[Pair], *, upright: float = 0.6) -> Store:
    store = Store([])
    store.pairs = pairs
    store.upright = [i < upright * len(pairs) for i in range(len(pairs))]
    store.people, store.known = [0.3] * len(pairs), [True] * len(pairs)
    return store


def recipe(**train: object) -> Recipe:
    draws = {"few": 3.0, "many": 0.5}
    return Recipe.model_validate({"name": "a", "data": {"folder": "b", "draws": draws}, "train": train})


PAIRS = [Pair(Path(f"{'few' if i < 20 else 'many'}_{i}.png"), Path("m.png")) for i in range(100)]


def test_draw_order_follows_the_recipe_and_repeats() -> None:
    store, settings = fake(PAIRS), recipe(batch=10, seed=4)
    order = draw_order(store, settings, 0)
    assert order == draw_order(store, settings, 0)
    assert order != draw_order(store, settings, 1)
    drawn = [index for batch in order for index, _, _ in batch]
    few = sum(index < 20 for index in drawn)
    assert 50 <= few <= 60
    assert 20 <= len(drawn) - few <= 60
    assert {upright for batch in order for _, upright, _ in batch} == {True, False}
    assert all(len({upright for _, upright, _ in batch}) == 1 for batch in order)


def test_upright_photos_are_trained_upright() -> None:
    order = draw_order(fake(PAIRS, upright=1.0), recipe(batch=10), 0)
    assert all(upright for batch in order for _, upright, _ in batch)


def test_processes_share_the_batches_of_one() -> None:
    one, two = draw_order(fake(PAIRS), recipe(batch=10), 0), draw_order(fake(PAIRS), recipe(batch=5), 0, processes=2)
    assert one == two


def test_a_folder_smaller_than_a_batch_is_one_batch() -> None:
    assert [len(batch) for batch in draw_order(fake(PAIRS[:6]), recipe(batch=100), 0)] == [18]


def test_every_validation_photo_comes_once_in_batches_of_one_orientation() -> None:
    store = fake(PAIRS)
    order = val_order(store, 16)
    assert sorted(i for batch in order for i in batch) == list(range(100))
    assert all(len({store.upright[i] for i in batch}) == 1 for batch in order)


@pytest.mark.parametrize("world", [1, 2, 3, 5])
def test_processes_validate_as_many_batches_each_and_miss_no_photo(data: Path, store: Store, world: int) -> None:
    seen, counts = set(), set()
    for rank in range(world):
        batches = Batches(store, store, tiny(data), workers=0)
        batches.trainer = SimpleNamespace(global_rank=rank, world_size=world)  # type: ignore[assignment]
        mine = list(batches.val_dataloader())
        counts.add(len(mine))
        seen |= {int(index) for batch in mine for index in batch[3]}
    assert seen == set(range(len(store))) and len(counts) == 1


def test_large_photos_are_stored_small(tmp_path: Path) -> None:
    image, mask = drawn_person(900, 700)
    cv2.imwrite(str(tmp_path / "a_1.png"), image)
    cv2.imwrite(str(tmp_path / "m.png"), mask)
    sample = read_sample(Pair(tmp_path / "a_1.png", tmp_path / "m.png"))
    assert sample.image.shape == (STORED_SIDE, round(700 * STORED_SIDE / 900), 3)


def test_photos_that_memory_cannot_hold_are_read_when_drawn(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pairs = find_pairs(data / "train")
    held = Store(pairs)
    monkeypatch.setattr(storing, "_memory", lambda: 1000)
    read = Store(pairs)
    assert held.kept is not None and read.kept is None
    assert (held[3].image == read[3].image).all()
    assert (held.upright, held.people, held.known) == (read.upright, read.people, read.known)
    assert held.standing == read.standing
    pairs[5].image.write_bytes(b"damaged later")
    with pytest.raises(InputError, match=pairs[5].image.name):
        read[5]


def test_a_damaged_photo_is_named_before_the_first_epoch(data: Path) -> None:
    pairs = find_pairs(data / "train")
    pairs[2].image.write_bytes(b"damaged")
    with pytest.raises(InputError, match=pairs[2].image.name):
        Store(pairs)


def test_people_who_are_told_apart_are_pasted_one_by_one(tmp_path: Path) -> None:
    for name in ("images", "masks", "instances"):
        (tmp_path / name).mkdir()
    image, mask = drawn_person(120, 160)
    for number in range(4):
        cv2.imwrite(str(tmp_path / "images" / f"drawn_{number}.png"), image)
        cv2.imwrite(str(tmp_path / "masks" / f"drawn_{number}.png"), mask)
    halves = np.where(mask > 127, 1 + (np.arange(160) > 80)[None], 0).astype(np.uint8)
    cv2.imwrite(str(tmp_path / "instances" / "drawn_2.png"), halves)
    store = Store(find_pairs(tmp_path))
    recipe = Recipe.model_validate(
        {"name": "r", "data": {"folder": str(tmp_path)}, "augment": {"singles": 1.0, "turned": 1.0}}
    )
    view = TrainView(store, recipe, Stage(epochs=1, size=(64, 64), compose=1.0))
    assert [store.pairs[i].image.stem for i in view.apart] == ["drawn_2"]
    for seed in range(8):
        donor = view._donor(np.random.default_rng(seed))
        people = np.unique(halves[(donor.mask > 127) & (halves > 0)])
        assert len(people) == 1, "one of the two halves alone"
        item = view[(0, True, seed)]
        assert item[0].shape == (3, 64, 64) and item[1].shape == (1, 64, 64)
    cv2.imwrite(str(tmp_path / "instances" / "drawn_2.png"), image)
    with pytest.raises(InputError, match=r"drawn_2\.png is no gray picture of 8 bits"):
        store.people_of(view.apart[0])
