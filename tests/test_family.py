"""The scripts that train the bundled models on a GPU: what they do to photos, on the processor."""

import json
import sys
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

FAMILY = Path(__file__).parents[1] / "scripts" / "family"
sys.path.insert(0, str(FAMILY))
from light import compressed, relit  # noqa: E402
from pack import packed  # noqa: E402
from photos import FILL, SIDE, Draw, Photos, unpacked  # noqa: E402

from standout.data import find_pairs  # noqa: E402

SIZE = (160, 128)
SOURCES = ("voc", "voc", "cocoval", "empty")


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Photos:
    """Three photos of a red person before green, two of whom are told apart in the third, and one of green alone."""
    root = tmp_path_factory.mktemp("family")
    for folder in ("images", "masks", "instances"):
        (root / folder).mkdir()
    for number, source in enumerate(SOURCES):
        image = np.full((400, 300, 3), (0, 160, 0), np.uint8)
        people = np.zeros((400, 300), np.uint8)
        if source != "empty":
            cv2.rectangle(people, (100, 80), (200, 320), 1, -1)
        if source == "cocoval":
            cv2.rectangle(people, (220, 80), (280, 320), 2, -1)
        image[people > 0] = (0, 0, 220)
        mask = np.where(people > 0, 255, 0).astype(np.uint8)
        if source == "cocoval":
            mask[:20] = 128
        cv2.imwrite(str(root / "images" / f"{source}_{number}.png"), image)
        cv2.imwrite(str(root / "masks" / f"{source}_{number}.png"), mask)
        if source == "cocoval":
            cv2.imwrite(str(root / "instances" / f"{source}_{number}.png"), people)
    pack, rows = root / "pack.zip", []
    with zipfile.ZipFile(pack, "w") as held:
        for pair in find_pairs(root):
            rows.append({"stem": pair.image.stem, "source": pair.source, "draw": 1.0})
            for name, data in packed(pair, 60).items():
                held.writestr(name, data)
        held.writestr("index.json", json.dumps(rows))
    return Photos(*unpacked(pack), {}, torch.device("cpu"))


def test_a_pack_brings_photos_masks_and_people_back(photos: Photos) -> None:
    assert sorted(photos.source) == sorted(SOURCES)
    assert len(photos.singles) == 2
    first = photos.source.index("cocoval")
    *rgb, mask, counts = photos.levels[0][first].numpy()
    assert mask.shape == (SIDE, SIDE)
    assert (mask[100, 120], mask[100, 250], mask[100, 210], counts[10, 100]) == (255, 255, 0, 0)
    red, green, _ = rgb
    assert red[200, 150] > 180 > 60 > green[200, 150]


def test_photo_and_mask_move_together(photos: Photos) -> None:
    torch.manual_seed(3)
    index = torch.tensor([i for i, source in enumerate(photos.source) if source != "empty"] * 8)
    seen = photos.render(index, photos.moves(index, SIZE, turned=0.5), SIZE)
    red = (seen[:, 0] > 0.45) & (seen[:, 1] < 0.4)
    person, sure = seen[:, 3] > 0.5, (seen[:, 4] > 0.5) & ((seen[:, 3] - 0.5).abs() > 0.45)
    assert sure.float().mean() > 0.5
    assert (red == person)[sure].float().mean() > 0.995


def test_outside_of_a_photo_nothing_counts(photos: Photos) -> None:
    index = torch.zeros(1, dtype=torch.long)
    small = torch.tensor([[[0.1, 0.0, 50.0], [0.0, 0.1, 50.0], [0.0, 0.0, 1.0]]])
    seen = photos.render(index, small, SIZE)[0]
    assert torch.equal(seen[:, 0, 0], torch.tensor([FILL, FILL, FILL, 0.0, 0.0]))
    assert seen[4].sum() == pytest.approx(30 * 38, rel=0.05)


def test_a_single_person_is_pasted_alone(photos: Photos) -> None:
    second = photos.singles[photos.singles[:, 2] == 2]
    index = second[:, 0].long()
    scale = torch.tensor([[[0.4, 0.0, 0.0], [0.0, 0.4, 0.0], [0.0, 0.0, 1.0]]])
    mask = photos.render(index, scale, SIZE, second)[0, 3]
    assert mask[80, 100] == 1 and mask[80, 60] == 0


def test_batches_hold_what_was_composed(photos: Photos) -> None:
    torch.manual_seed(4)
    how = Draw(SIZE, compose=1.0, background=0.5, quarters=0.3, turned=0.2)
    sample, boost = photos.batch(16, how)
    assert sample.shape[:2] == (16, 5) and sorted(sample.shape[2:]) == sorted(SIZE)
    assert sample.min() >= 0 and sample.max() <= 1
    assert set(boost.tolist()) <= {1.5, 3.0}
    alone, _ = photos.batch(64, Draw(SIZE, compose=0.0, background=0.0, quarters=0.0))
    assert sample[:, 3].mean() > alone[:, 3].mean()


def test_light_changes_photos_one_by_one_and_stays_in_range() -> None:
    torch.manual_seed(5)
    gray = torch.full((64, 3, 32, 48), 0.5)
    seen = relit(gray)
    assert seen.shape == gray.shape
    assert seen.min() >= 0 and seen.max() <= 1
    assert len({round(float(one), 4) for one in seen.mean((1, 2, 3))}) > 30


@pytest.mark.parametrize(("quality", "least", "most"), [(100.0, 0.0, 0.02), (5.0, 0.02, 0.2)])
def test_compression_costs_what_the_quality_says(quality: float, least: float, most: float) -> None:
    torch.manual_seed(6)
    coarse = torch.nn.functional.interpolate(torch.rand(2, 3, 8, 8), (64, 64), mode="bilinear")
    apart = (compressed(coarse, torch.full((2,), quality)) - coarse).abs().mean()
    assert least <= float(apart) < most
