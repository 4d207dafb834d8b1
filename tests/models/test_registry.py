import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from standout.errors import InputError, ModelError
from standout.models import registry
from standout.runtimes import onnx as runtime
from standout.segmenter import Segmenter


def test_the_package_holds_each_model_once() -> None:
    files = sorted(file.name for file in registry.WEIGHTS.iterdir())
    finders = sorted(row.file for row in registry.REGISTRY.values())
    assert finders == [f"{one}.onnx" for one in sorted(registry.REGISTRY)]
    assert files == sorted([*finders, registry.CLICK.file])


def test_the_wheel_is_under_20_megabytes(tmp_path: Path) -> None:
    """A wheel is a zip file of the package, deflated; what else it holds is a few kilobytes of text.

    Of its 20 megabytes, onnxruntime-web, which a checkout may lack, has less than 3.8.
    """
    package = registry.WEIGHTS.parents[1]
    sizes = {}
    for name, ours in (("rest", True), ("web", False)):
        with zipfile.ZipFile(tmp_path / f"{name}.zip", "w", zipfile.ZIP_DEFLATED) as wheel:
            for file in package.rglob("*"):
                if file.is_file() and "__pycache__" not in file.parts and ours == ("ort" not in file.parts):
                    wheel.write(file, file.relative_to(package.parent))
        sizes[name] = (tmp_path / f"{name}.zip").stat().st_size
    assert sizes["rest"] < 16.2e6
    assert sizes["web"] < 3.8e6


@pytest.mark.parametrize("name", sorted(registry.REGISTRY))
def test_every_bundled_model_is_whole_light_and_carries_its_card(name: str) -> None:
    path = registry.find(name)
    assert path.stat().st_size < 10e6
    card = runtime.open(path).card
    assert card.name == name
    assert set(card.scores) >= {"picsart", "eg1800", "ccp", "voc", "coco", "empty"}
    assert card.license == "Apache-2.0"


def test_the_click_network_is_whole_and_light_and_carries_its_card() -> None:
    path = registry.find_click()
    assert path.stat().st_size < 1.4e6
    card = runtime.open(path, channels=8).card
    assert (card.name, card.license) == ("standout-click", "Apache-2.0")
    with pytest.raises(ModelError, match="no person segmentation net"):
        runtime.open(path)
    with pytest.raises(ModelError, match="no click net"):
        runtime.open(registry.find(registry.DEFAULT), channels=8)


def test_an_unknown_model_names_the_nearest() -> None:
    with pytest.raises(ModelError, match="did you mean 'standout-mobile'"):
        registry.find("standout-mobil")
    with pytest.raises(ModelError, match="give the path of a model file"):
        registry.find("zebra")


def test_a_damaged_bundled_model_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = bytearray(registry.find(registry.DEFAULT).read_bytes())
    data[len(data) // 2] ^= 1
    monkeypatch.setattr(registry, "WEIGHTS", tmp_path)
    with pytest.raises(ModelError, match="is missing"):
        registry.find(registry.DEFAULT)
    (tmp_path / f"{registry.DEFAULT}.onnx").write_bytes(data)
    with pytest.raises(ModelError, match=r"is damaged .* reinstall"):
        registry.find(registry.DEFAULT)


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((4, 4), np.uint8),
        np.zeros((4, 4, 4), np.uint8),
        np.zeros((4, 4, 3), float),
        np.zeros((0, 4, 3), np.uint8),
    ],
)
def test_arrays_that_are_no_image_are_refused(image: np.ndarray) -> None:
    with pytest.raises(InputError, match="wanted uint8 or uint16"):
        Segmenter().mask(image)


def test_the_sample_photo_is_segmented_at_8_and_16_bit(sample: np.ndarray) -> None:
    segmenter = Segmenter(threads=1)
    mask = segmenter.mask(sample)
    assert mask.shape == sample.shape[:2]
    assert mask[70:160, 195:250].min() > 0.9, "the face"
    assert mask[:100, 290:500].mean() < 0.1, "the wall and the rocket's tip"
    deep = segmenter.mask(sample.astype(np.uint16) * 257)
    assert np.abs(deep - mask).mean() < 0.005


@pytest.mark.parametrize("shape", [(1, 1), (1, 5000), (5000, 1), (37, 911)])
def test_photos_of_any_shape_get_a_mask_of_their_own_size(shape: tuple[int, int]) -> None:
    image = np.random.default_rng(0).integers(0, 255, (*shape, 3), np.uint8)
    for refine in (True, False):
        mask = Segmenter(threads=1).mask(image, refine=refine)
        assert mask.shape == shape
        assert mask.dtype == np.float32
        assert 0 <= mask.min() <= mask.max() <= 1


def test_the_second_look_is_mirrored_and_larger() -> None:
    """The mean of both, each of the whole photo: a network that sees its own columns gives them back in place."""
    image = np.zeros((100, 60, 3), np.uint8)
    image[:, :20], image[:, 40:] = 255, 128
    seen = []

    def run(batch: np.ndarray) -> np.ndarray:
        seen.append(batch)
        return batch[:, :1]

    segmenter = Segmenter(threads=1)
    segmenter._run = run
    mask = segmenter.probability(image)
    assert [one.shape[2:] for one in seen] == [(320, 256), (416, 320)]
    assert seen[0][0, 0, 160, 60] == 1.0 and seen[1][0, 0, 208, 220] == 1.0, "the white side is left, then right"
    assert mask.shape == (320, 192)
    np.testing.assert_allclose(mask[160, [32, 96, 160]], [1.0, 0.0, 128 / 255], atol=0.01)


def test_how_much_larger_the_second_look_is_stands_on_the_card() -> None:
    seen = []

    def run(batch: np.ndarray) -> np.ndarray:
        seen.append(batch.shape[2:])
        return batch[:, :1]

    segmenter = Segmenter(threads=1)
    segmenter._run, segmenter.card = run, replace(segmenter.card, second_look=1.0)
    segmenter.probability(np.zeros((100, 60, 3), np.uint8))
    assert seen == [(320, 256)] * 2


def test_two_looks_are_alike_and_not_the_same(sample: np.ndarray) -> None:
    twice = Segmenter(threads=1).mask(sample, refine=False)
    once = Segmenter(threads=1, tta=False).mask(sample, refine=False)
    assert 0 < np.abs(once - twice).mean() < 0.1
