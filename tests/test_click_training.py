"""The scripts that train the click network: what they compose, and that the network learns from it."""

import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from standout.masks.clicks import PLANES, SIDE
from standout.models.registry import find_checkpoint
from standout.net import checkpoint
from standout.net.click import ClickUNet, fresh

CLICK = Path(__file__).parents[1] / "scripts" / "click"
sys.path.insert(0, str(CLICK))
from crowds import SIDE_BY_SIDE, crowd  # noqa: E402
from cutouts import Kept, is_single, keep, opened  # noqa: E402
from learn import answers, groups_of, loss_of, tensors  # noqa: E402
from scenes import CLICKS, SKIP, Pool, Scene, click_in  # noqa: E402

HUES = np.linspace(0, 179, 12, dtype=np.uint8)


def person(hue: int) -> np.ndarray:
    """A photo of somebody in one color before gray: a head on a body. RGB and mask, uint8 (200, 120, 4)."""
    mask = np.zeros((200, 120), np.uint8)
    cv2.circle(mask, (60, 50), 22, 255, -1)
    cv2.rectangle(mask, (35, 70), (85, 180), 255, -1)
    color = cv2.cvtColor(np.uint8([[[hue, 220, 200]]]), cv2.COLOR_HSV2RGB)[0, 0]
    return np.dstack([np.where(mask[..., None] > 0, color, 128).astype(np.uint8), mask])


@pytest.fixture(scope="module")
def pool(tmp_path_factory: pytest.TempPathFactory) -> Pool:
    folder = tmp_path_factory.mktemp("click")
    keep(folder, "singles", ((f"one_{hue}", person(int(hue))) for hue in HUES))
    keep(folder, "empty", ((f"empty_{level}", np.full((150, 200, 3), level, np.uint8)) for level in (60, 128, 190)))
    couple = np.hstack([person(0)[:, 20:90], person(90)[:, 30:]])
    told = np.where(couple[..., 3] > 0, 1 + (np.arange(couple.shape[1]) >= 70), 0).astype(np.uint8)
    group = np.dstack([couple[..., :3], told, couple[..., 3]])
    keep(folder, "groups", ((f"couple_{at}", group) for at in range(4)))
    return Pool(*(opened(folder, name) for name in ("singles", "empty", "groups")))


def test_pictures_of_many_sizes_come_back_as_they_were_kept(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    pictures = [(f"p{at}", rng.integers(0, 255, (at + 2, 7, 3)).astype(np.uint8)) for at in range(3)]
    assert keep(tmp_path, "some", iter(pictures)) == 3
    kept: Kept = opened(tmp_path, "some")
    assert [kept.name(at) for at in range(len(kept))] == ["p0", "p1", "p2"]
    for at, (_, picture) in enumerate(pictures):
        np.testing.assert_array_equal(kept[at], picture)


def test_photos_of_one_person_are_told_from_others() -> None:
    one = person(10)[..., 3]
    assert is_single(one)
    assert not is_single(np.hstack([one, one]))
    assert not is_single(np.where(one > 0, 255, 128).astype(np.uint8))
    assert not is_single(np.zeros_like(one))


@pytest.mark.parametrize("count", [2, 3, 5])
def test_everyone_in_a_composed_crowd_has_the_pixels_that_show_them(pool: Pool, count: int) -> None:
    """People are of one color each, so the photo itself says whose a pixel is."""
    tested = 0
    for seed in range(12):
        rng = np.random.default_rng(seed)
        photo, instances = crowd(pool.singles, pool.empty, count, rng, layout=SIDE_BY_SIDE)
        assert photo.shape[:2] == instances.shape
        numbers = [int(one) for one in np.unique(instances) if 0 < one < SKIP]
        assert len(numbers) <= count
        assert numbers == list(range(1, len(numbers) + 1))
        for number in numbers:
            inside = cv2.erode((instances == number).astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
            if inside.sum() > 30:
                lab = cv2.cvtColor(photo, cv2.COLOR_RGB2LAB)[inside].astype(float)
                assert lab.std(0).max() < 6, "no pixel of another person and none of the background"
                tested += 1
        body = (instances > 0).astype(np.uint8)
        assert cv2.connectedComponents(cv2.dilate(body, np.ones((3, 3), np.uint8)))[0] <= 2, "they touch"
    assert tested >= 12


def test_clicks_are_on_the_person() -> None:
    body = person(0)[..., 3] > 0
    rng = np.random.default_rng(0)
    for _ in range(50):
        x, y = click_in(body, rng)
        assert body[int(y), int(x)]


def test_scenes_show_the_person_under_the_click(pool: Pool) -> None:
    rng = np.random.default_rng(3)
    for _ in range(20):
        scene: Scene = pool.draw(rng)
        assert scene.photo.shape == (SIDE, SIDE, 3)
        assert scene.planes.shape == (CLICKS, PLANES, SIDE, SIDE)
        assert scene.target.shape == (CLICKS, SIDE, SIDE)
        for planes, target in zip(scene.planes, scene.target, strict=True):
            row, column = np.unravel_index(planes[1].argmax(), (SIDE, SIDE))
            around = target[max(0, row - 2) : row + 3, max(0, column - 2) : column + 3]
            assert (around == 1).any()
            assert not ((target == 1) & (planes[0] < 0.1)).any(), "a person is within the people mask"


@pytest.fixture(scope="module")
def net() -> ClickUNet:
    torch.manual_seed(0)
    return fresh(checkpoint.load(find_checkpoint("standout-mobile"))[0])


def test_the_network_begins_as_the_person_finder_and_answers_at_full_size(net: ClickUNet) -> None:
    """Before it learns, clicks do not change what the encoder sees; any size in multiples of 32 will do."""
    seen = torch.rand(2, 3 + PLANES, 64, 96)
    seen[1, :3] = seen[0, :3]
    assert net(seen).shape == (2, 1, 64, 96)
    quarter, eighth = net.kept(seen[:, :3])
    assert quarter.shape == (2, 24, 16, 24) and eighth.shape == (2, 32, 8, 12)
    added, _ = net.clicks(torch.rand(1, 4 * PLANES, 8, 12)).split(32, 1)
    assert added.abs().max() == 0


def test_a_few_steps_lower_the_loss_and_leave_the_first_stages_alone(net: ClickUNet, pool: Pool) -> None:
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    photo, planes, target = tensors([pool.draw(rng) for _ in range(2)])
    before = [one.clone() for one in (*net.stem.parameters(), *net.eighth.parameters())]
    optimizer = torch.optim.AdamW(groups_of(net), lr=1e-3)
    losses = []
    for _ in range(5):
        loss = loss_of(answers(net, photo, planes), planes, target)
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < losses[0]
    after = [*net.stem.parameters(), *net.eighth.parameters()]
    assert all(torch.equal(one, other) for one, other in zip(before, after, strict=True))


def test_pixels_that_do_not_count_change_no_loss() -> None:
    planes, target = torch.rand(1, PLANES, 32, 32), torch.randint(0, 2, (1, 1, 32, 32), dtype=torch.uint8)
    target[..., :10] = SKIP
    logits = torch.randn(1, 1, 32, 32)
    other = logits.clone()
    other[..., :10] = 50.0
    assert torch.equal(loss_of(logits, planes, target), loss_of(other, planes, target))
