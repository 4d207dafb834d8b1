"""Clicks on people who touch: with a fake network that goes by color, and with the bundled one."""

from typing import Any

import numpy as np
import pytest

from standout.clicknet import ClickNet
from standout.errors import InputError
from standout.models.card import ModelCard
from standout.runtimes import Session

RED, BLUE = (200, 40, 30), (30, 40, 200)


def by_color(batch: np.ndarray) -> np.ndarray:
    """A fake network: whatever has the color of the first click is the person."""
    (seen,) = batch
    row, column = np.unravel_index(seen[4].argmax(), seen[4].shape)
    alike = np.abs(seen[:3] - seen[:3, row, column, None, None]).sum(0) < 0.2
    return alike.astype(np.float32)[None, None]


@pytest.fixture
def net() -> ClickNet:
    return ClickNet(Session(by_color, ModelCard("fake", "1", "none", (160, 160)), "cpu", "onnx"))


@pytest.fixture
def couple() -> tuple[np.ndarray, np.ndarray]:
    """A red and a blue person who touch, before gray, and a small red one apart."""
    image = np.full((240, 320, 3), 128, np.uint8)
    image[60:220, 60:140], image[80:220, 140:200] = RED, BLUE
    image[100:160, 260:290] = RED
    mask = (image != 128).any(2).astype(np.float32)
    return image, mask


def test_the_person_clicked_on_is_found_and_nobody_else(net: ClickNet, couple: tuple[Any, Any]) -> None:
    image, mask = couple
    red = net.person(image, mask, at=[(100, 150)])
    assert red.shape == mask.shape and red.dtype == np.float32
    assert red[65:215, 65:130].min() == 1 and red[85:215, 150:195].max() == 0
    assert red[:, 250:].max() == 0, "people of the same color who do not touch are not meant"
    assert (red <= mask + 1e-6).all()
    blue = net.person(image, mask, at=[(170, 150)])
    assert blue[85:215, 150:195].min() == 1 and blue[65:215, 65:130].max() == 0


def test_points_are_pixels_of_the_photo_whatever_the_masks_size(net: ClickNet, couple: tuple[Any, Any]) -> None:
    image, mask = couple
    large = image.repeat(6, 0).repeat(6, 1)
    blue = net.person(large, mask, at=[(6 * 170, 6 * 150)])
    assert blue.shape == large.shape[:2]
    assert blue[6 * 90 : 6 * 210, 6 * 150 : 6 * 190].min() > 0.99
    assert blue[6 * 90 : 6 * 210, 6 * 70 : 6 * 130].max() < 0.01


def test_a_click_beside_the_people_is_one_on_the_nearest(net: ClickNet, couple: tuple[Any, Any]) -> None:
    image, mask = couple
    assert net.person(image, mask, at=[(50, 150)])[150, 100] == 1
    assert net.person(image, np.zeros_like(mask), at=[(50, 150)]).max() == 0


def test_everyone_is_found_largest_first_and_together_they_are_the_mask(net: ClickNet, couple: tuple[Any, Any]) -> None:
    image, mask = couple
    found = net.apart(image, mask)
    assert [np.median(np.nonzero(one > 0.5)[1]) for one in found] == pytest.approx([100, 170, 275], abs=3)
    np.testing.assert_allclose(np.sum(found, 0), mask, atol=1e-4)
    assert net.apart(image, np.zeros_like(mask)) == []


def test_many_small_people_in_a_row_are_looked_at_closer(couple: tuple[Any, Any]) -> None:
    """Of twelve people in a row, each is a few pixels wide in the square about all of them."""
    sides = []

    def run(batch: np.ndarray) -> np.ndarray:
        sides.append(int((batch[0, 3] > 0.5).any(1).sum()))
        return by_color(batch)

    image = np.full((120, 640, 3), 128, np.uint8)
    for at in range(12):
        color = (min(255, 128 * (at % 3)), 255 * (at // 3 % 2), 255 * (at // 6))
        image[20:100, 20 + 50 * at : 70 + 50 * at] = color
    mask = (image != 128).any(2).astype(np.float32)
    found = ClickNet(Session(run, ModelCard("fake", "1", "none", (160, 160)), "cpu", "onnx")).apart(image, mask)
    assert len(found) == 12
    assert sorted(int(np.median(np.nonzero(one > 0.5)[1])) // 50 for one in found) == list(range(12))
    np.testing.assert_allclose(np.sum(found, 0), mask, atol=1e-4)
    assert max(sides) > 4 * min(sides), "the people filled several times more of the closer squares"


@pytest.mark.parametrize(("at", "says"), [([], "no click says"), ([(320, 10)], "outside the photo, which is 320x240")])
def test_clicks_that_mean_nobody_are_refused(net: ClickNet, couple: Any, at: Any, says: str) -> None:
    with pytest.raises(InputError, match=says):
        net.person(*couple, at=at)


@pytest.mark.parametrize(("at", "least"), [((225, 350), 0.95), ((120, 400), 0.95), ((225, 110), 0.75)])
def test_the_bundled_network_leaves_a_person_alone_whole(sample: np.ndarray, at: tuple[int, int], least: float) -> None:
    """Where a part of the mask is one person, the person is the part; from the face, a sleeve far off is in doubt."""
    from standout.segmenter import Segmenter

    mask = Segmenter(threads=1).mask(sample)
    person = ClickNet.open(threads=1).person(sample, mask, at=[at])
    assert (person > 0.5)[mask > 0.5].mean() > least


def test_the_bundled_network_tells_two_alike_apart(sample: np.ndarray) -> None:
    """The sample person twice, side by side and touching: a click on either finds mostly that one."""
    from standout.segmenter import Segmenter

    mask = Segmenter(threads=1).mask(sample)[:, 60:440]
    photo = sample[:, 60:440]
    double, people = np.hstack([photo, photo[:, ::-1]]), np.hstack([mask, mask[:, ::-1]])
    left = ClickNet.open(threads=1).person(double, people, at=[(165, 200)]) > 0.5
    body = people > 0.5
    assert left[:, :380][body[:, :380]].mean() > 0.8
    assert left[:, 380:][body[:, 380:]].mean() < 0.2
