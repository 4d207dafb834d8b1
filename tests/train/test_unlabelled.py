import json
import shutil
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from standout.errors import InputError
from standout.net import checkpoint
from standout.train import run
from standout.train.averaging import Averaging
from standout.train.config import load
from standout.train.module import SegmentationModule
from standout.train.pseudo import believed, mixed, taught
from standout.train.unlabelled import (
    Hint,
    UnlabelledBatch,
    UnlabelledKey,
    UnlabelledStore,
    UnlabelledView,
    draw_unlabelled,
    find_photos,
    looks,
)
from tests.conftest import drawn_person
from tests.data.test_boxes import coco, of_person
from tests.train.conftest import tiny
from tests.train.test_run import CPU, same, sees_everywhere


@pytest.fixture
def more(tmp_path: Path) -> Path:
    """Ten photos without masks, one of them in a folder inside; people before scenes that all differ."""
    folder = tmp_path / "more"
    (folder / "inside").mkdir(parents=True)
    for n in range(10):
        image, mask = drawn_person(seed=100 + n)
        blobs = np.random.default_rng(n).integers(0, 255, (6, 5, 3), np.uint8)
        scene = cv2.resize(blobs, image.shape[1::-1], interpolation=cv2.INTER_CUBIC)
        shown = np.where(mask[..., None] > 0, image, scene)
        cv2.imwrite(str(folder / ("inside" if n == 9 else "") / f"more_{n}.png"), shown[..., ::-1])
    return folder


def taught_by_average(data: Path, more: Path, **settings: Any) -> Any:
    return tiny(data, distill={"unlabelled": str(more), "burn_in": 0.3} | settings)


def store_of(more: Path, **settings: Any) -> UnlabelledStore:
    recipe = tiny(more, distill={"unlabelled": str(more)} | settings)
    return UnlabelledStore(find_photos(recipe.distill), side=100, held_out=[])


def test_near_duplicates_of_photos_that_measure_are_left_out(data: Path, more: Path) -> None:
    """Such as one that is mirrored, brighter and smaller, of validation or of a test part."""
    copied = cv2.imread(str(data / "val" / "images" / "drawn_1.png"))
    cv2.imwrite(str(more / "leak.jpg"), cv2.resize(copied[:, ::-1], (72, 96)) // 2 + 40)
    test = next(more.glob("more_*.png"))
    for part in ("images", "masks"):
        (data / "test" / part).mkdir(parents=True)
    cv2.imwrite(str(data / "test" / "images" / "t.png"), cv2.imread(str(test))[:, ::-1])
    cv2.imwrite(str(data / "test" / "masks" / "t.png"), np.zeros((120, 90), np.uint8))
    recipe = taught_by_average(data, more)
    val = run.Store(run.pairs(recipe)[1])
    tests = [pair for pair in run.find_pairs(data) if pair.split == "test"]
    store = UnlabelledStore(find_photos(recipe.distill), side=100, held_out=looks(val, tests))
    assert {photo.path.name for photo in store.dropped} == {"leak.jpg", test.name}
    assert len(store) == 9 and all(max(image.shape) <= 100 for image in store.images)
    for photo in (*more.glob("*.png"), *more.glob("*/*.png")):
        photo.unlink()
    with pytest.raises(InputError, match="all 1 photos without masks are near-duplicates"):
        UnlabelledStore(find_photos(recipe.distill), side=100, held_out=looks(val, []))


def test_the_strong_view_shows_the_weak_one_in_other_colors(more: Path) -> None:
    """No pixel moves, and the same key gives the same views."""
    recipe = tiny(more, distill={"unlabelled": str(more), "mix": 1.0})
    view = UnlabelledView(store_of(more), recipe, recipe.epochs[0])
    apart = []
    for seed in range(20):
        weak, strong, hint, covered = view[UnlabelledKey(seed % 10, seed % 2 == 0, seed)]
        assert weak.shape == strong.shape == (3, *hint.shape[1:])
        assert hint.shape == covered.shape == ((1, 96, 64) if seed % 2 == 0 else (1, 64, 96))
        assert 0.05 < covered.mean() < 0.6 and set(np.unique(hint)) <= {Hint.OUTSIDE, Hint.UNKNOWN}
        edges = [cv2.Laplacian(cv2.GaussianBlur(one.mean(0), (7, 7), 0), cv2.CV_64F).ravel() for one in (weak, strong)]
        assert np.corrcoef(*edges)[0, 1] > 0.3
        apart.append(np.abs(weak.astype(float) - strong).mean())
        again = view[UnlabelledKey(seed % 10, seed % 2 == 0, seed)]
        assert all(np.array_equal(one, two) for one, two in zip(again, (weak, strong, hint, covered), strict=True))
    assert np.median(apart) > 10


def test_every_photo_is_drawn_before_any_is_drawn_again(data: Path, more: Path) -> None:
    recipe = taught_by_average(data, more, unlabelled_batch=3)
    epochs = [draw_unlabelled(10, [True, False, True], recipe, epoch) for epoch in range(10)]
    drawn = [key.photo for epoch in epochs for batch in epoch for key in batch]
    assert all(sorted(drawn[start : start + 10]) == list(range(10)) for start in range(0, 90, 10))
    assert [batch[0].upright for batch in epochs[0]] == [True, False, True]
    assert len({key.seed for epoch in epochs for batch in epoch for key in batch}) == 90
    assert drawn[:10] != drawn[10:20]
    halves = [[batch[rank::2] for batch in draw_unlabelled(10, [True], recipe, 0, processes=2)] for rank in (0, 1)]
    assert [len(batch[0]) for batch in halves] == [3, 3]
    assert not {key.photo for key in halves[0][0]} & {key.photo for key in halves[1][0]}


def test_boxes_say_where_nobody_is(more: Path, tmp_path: Path) -> None:
    """Photos that the file does not name stay unknown, and so do crowds."""
    people = [of_person([0, 0, 100, 100]), of_person([150, 0, 50, 100], crowd=1)]
    boxes = coco(tmp_path / "boxes.json", people, names=("more_0.png", "photos/more_9.png"))
    store = store_of(more, boxes=str(boxes))
    names = [photo.path.name for photo in store.photos]
    first, nobody, unknown = (store[names.index(f"more_{n}.png")].mask for n in (0, 9, 1))
    height, width = first.shape
    assert first[0, 0] == 255 and first[0, width * 5 // 8] == 0 and first[-1, -1] == 128
    assert (first == 255).mean() == pytest.approx(0.5, abs=0.02) and height == 100
    assert not nobody.any() and (unknown == 128).all()
    with pytest.raises(InputError, match="names none of the 10 photos"):
        store_of(more, boxes=str(coco(tmp_path / "others.json", people)))


def test_a_teacher_that_is_blind_in_a_box_is_not_believed_there() -> None:
    answer = torch.full((2, 1, 4, 4), 0.01)
    answer[1, 0, 0] = 0.6
    box = torch.full((2, 1, 4, 4), int(Hint.BOX))
    target, weight = believed(answer, box, confidence=0.9)
    assert not weight[0].any() and weight[1].all()
    assert target[1, 0, 0].all() and not target[1, 0, 1:].any()
    _, weight = believed(answer, torch.full_like(box, int(Hint.OUTSIDE)), confidence=0.9)
    assert not weight.any()


def test_mixed_photos_keep_their_answers() -> None:
    where = torch.zeros(3, 1, 2, 2, dtype=torch.bool)
    where[0, 0, 0, 1] = True
    photos = torch.arange(3.0).view(3, 1, 1, 1).expand(3, 1, 2, 2)
    found = mixed(photos, where)
    assert found[0, 0].tolist() == [[0.0, 2.0], [0.0, 0.0]]
    assert torch.equal(found[1:], photos[1:])


def test_a_photo_counts_by_what_the_teacher_is_sure_of() -> None:
    """And a student that agrees costs nothing, whatever the unsure pixels say."""
    answer = torch.tensor([0.99, 0.99, 0.6, 0.4]).view(1, 1, 2, 2)
    hint = torch.full((1, 1, 2, 2), int(Hint.UNKNOWN))
    none = torch.zeros(1, 1, 2, 2, dtype=torch.bool)
    batch = UnlabelledBatch(torch.empty(0), torch.empty(0), hint, none)

    def wrong(logits: torch.Tensor, target: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        return (((logits > 0) != (target > 0)) * weight).sum((1, 2, 3)) / weight.sum((1, 2, 3))

    logits = torch.tensor([9.0, -9.0, 9.0, -9.0]).view(1, 1, 2, 2)
    assert float(taught(wrong, logits, answer, batch, confidence=0.9)) == 0.25  # half of the sure half
    assert float(taught(wrong, logits.abs(), answer, batch, confidence=0.9)) == 0.0


@pytest.mark.slow
def test_photos_without_masks_teach(data: Path, more: Path, tmp_path: Path, finished: Path) -> None:
    """A teacher that sees people everywhere is believed; the labels of the same run alone say otherwise."""
    teacher = sees_everywhere(finished / "model.safetensors", tmp_path / "everywhere.safetensors")
    settings = {"teacher": teacher, "share": 1e-6, "burn_in": 0.0, "unlabelled_weight": 20.0}
    found = {}
    for name, distill in (
        ("with", settings | {"unlabelled": str(more)}),
        ("without", {"teacher": teacher, "share": 1e-6}),
    ):
        model = run.train(tiny(data, distill=distill, train={"lr": 2e-2}), tmp_path / name, CPU)
        found[name] = float(checkpoint.load(model)[0](torch.rand(1, 3, 96, 64)).detach().mean())
    assert found["with"] > found["without"] + 0.1


@pytest.mark.slow
def test_a_run_with_photos_without_masks_goes_on_exactly(
    data: Path, more: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The average teaches; photos that were added or changed since are noticed, and a moved folder is none of these."""
    recipe, asked = taught_by_average(data, more), []
    average = Averaging.average

    def seen(callback: Averaging) -> Any:
        asked.append(callback)
        return average.fget(callback)  # type: ignore[attr-defined]

    monkeypatch.setattr(Averaging, "average", property(seen))
    whole = run.train(recipe, tmp_path / "whole", CPU).parent
    assert len(asked) == 6 + 10, "nine steps, of which three are the burn-in, and ten photos on the last sheet"
    shown = cv2.imread(str(whole / "answers.jpg"))
    assert shown is not None and shown.std() > 10

    def die(module: SegmentationModule) -> None:
        if module.current_epoch == 1:
            raise RuntimeError("power cut")

    out = tmp_path / "broken"
    with monkeypatch.context() as patch:
        patch.setattr(SegmentationModule, "on_train_epoch_end", die)
        with pytest.raises(RuntimeError, match="power cut"):
            run.train(recipe, out, CPU)
    moved = shutil.move(more, tmp_path / "moved")
    extra = moved / "more_zz.png"
    shutil.copy(data / "train" / "images" / "drawn_0.png", extra)
    with pytest.raises(InputError, match=r"the photos without masks were 10, are 11 or different ones"):
        run.train(taught_by_average(data, moved), out, CPU)
    extra.unlink()
    run.train(taught_by_average(data, moved), out, CPU)
    assert same(whole, out)
    facts = json.loads((out / "run.json").read_text())["data"]["unlabelled"]
    assert (facts["photos"], facts["used"], facts["dropped"]) == (10, 10, [])
    kept = torch.load(out / "last.ckpt", weights_only=True)["state_dict"]
    assert {name.split(".")[0] for name in kept} == {"net"}


def test_what_a_recipe_says_of_photos_without_masks_must_fit(data: Path, more: Path, tmp_path: Path) -> None:
    given = {"name": "x", "data": {"folder": str(data)}}
    with pytest.raises(InputError, match=r"the settings: distill\.unlabelled needs a teacher.*train\.ema above 0"):
        load(None, given | {"distill": {"unlabelled": str(more)}, "train": {"ema": 0.0}})
    with pytest.raises(InputError, match=r"distill\.boxes is of photos without masks"):
        load(None, given | {"distill": {"boxes": "boxes.json"}})
    with pytest.raises(InputError, match="nowhere, which is no folder"):
        store_of(tmp_path / "nowhere")
    (tmp_path / "bare").mkdir()
    with pytest.raises(InputError, match="holds no photo"):
        store_of(tmp_path / "bare")
    (more / "broken.jpg").write_bytes(b"no picture")
    with pytest.raises(InputError, match=r"broken\.jpg"):
        store_of(more)
