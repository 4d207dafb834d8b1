"""The browser finds the same people in a photo as the Python package: pixels of both masks are compared.

What differs is the runtime's arithmetic, the decoder of JPEG files, what OpenCV rounds on the way, and the 256 steps of
the browser's alpha. Photos are turned upright by their EXIF orientation on both sides.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page

from standout import images
from standout.models.registry import REGISTRY
from standout.segmenter import Segmenter
from tests.conftest import SAMPLE, SHARED
from tests.serve.private.conftest import from_page, to_page

MOST = 0.01
"""The mean absolute difference of two masks that is allowed."""

Found = Callable[..., np.ndarray]


def sample(*, turn: int = 0, scale: float = 1.0, box: tuple[int, int, int, int] | None = None) -> Callable[[], bytes]:
    """The sample photo as JPEG: a part of it, scaled, and turned on the side with an EXIF tag that turns it back."""

    def made() -> bytes:
        with Image.open(SAMPLE) as photo:
            picture = photo.convert("RGB").crop(box) if box else photo.convert("RGB")
        picture = picture.resize(
            (round(picture.width * scale), round(picture.height * scale)), Image.Resampling.BICUBIC
        )
        exif = Image.Exif()
        if turn:
            exif[0x0112] = turn
            ways = {3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_90, 8: Image.Transpose.ROTATE_270}
            picture = picture.transpose(ways[turn])
        return encoded(picture, "JPEG", quality=92, exif=exif)

    return made


def lossless(height: int, width: int) -> Callable[[], bytes]:
    """The upper half of the sample photo as PNG, stretched to that size."""

    def made() -> bytes:
        with Image.open(SAMPLE) as photo:
            upper = photo.convert("RGB").crop((80, 0, 380, 300))
        return encoded(upper.resize((width, height), Image.Resampling.BICUBIC), "PNG")

    return made


def encoded(picture: Image.Image, kind: str, **options: object) -> bytes:
    data = io.BytesIO()
    picture.save(data, kind, **options)
    return data.getvalue()


PICTURES = {
    "whole": sample(),
    "large": sample(scale=3.1),
    "small": sample(scale=0.37),
    "odd crop": sample(box=(101, 3, 352, 448)),
    "wide crop": sample(box=(0, 37, 512, 290), scale=1.7),
    "no larger than the network": sample(scale=0.2),
    "upside down": sample(turn=3, scale=1.3),
    "on its right side": sample(turn=6, box=(60, 0, 450, 511)),
    "on its left side": sample(turn=8, scale=0.81),
    "PNG, tall": lossless(601, 403),
    "PNG, wide": lossless(240, 333),
    "tiny": sample(scale=0.2, box=(60, 0, 452, 512)),
}
RESEARCH = ("picsart", "eg1800", "ccp", "cocoval", "voc", "empty")


@pytest.fixture(scope="module")
def found(page: Page) -> Iterator[Found]:
    """(Bytes of a photo, options of segment) -> the browser's alpha (H, W) in 0..1."""
    page.evaluate(
        """async (models) => {
            const { load } = await import(new URL("standout.js", location.href).href);
            globalThis.segmenters = {};
            for (const name of models) {
                segmenters[name] = await load({ model: new URL(`models/${name}.onnx`, location.href).href });
            }
        }""",
        list(REGISTRY),
    )

    def called(photo: bytes, *, model: str = "standout-mobile", **options: bool) -> np.ndarray:
        data = to_page(np.frombuffer(photo, np.uint8))
        answer = page.evaluate(
            """async ([model, { data }, options]) => {
                const bitmap = await createImageBitmap(new Blob([bytesOf(data)]));
                return sent(await segmenters[model].segment(bitmap, options));
            }""",
            [model, data, options],
        )
        return from_page(answer).astype(np.float32) / 255

    yield called
    page.evaluate("() => Object.values(segmenters).forEach((one) => one.close())")


@pytest.fixture(scope="module")
def segmenter() -> Segmenter:
    return Segmenter(threads=1)


def apart(one: np.ndarray, other: np.ndarray) -> float:
    assert one.shape == other.shape
    return float(np.abs(one - other).mean())


@pytest.mark.parametrize("name", PICTURES)
def test_browser_and_python_agree(found: Found, segmenter: Segmenter, name: str) -> None:
    data = PICTURES[name]()
    image = images.read(data).image
    mask = segmenter.mask(image)
    assert mask.mean() > 0.05, "somebody is in the picture"
    difference = apart(found(data), mask)
    print(f"{name}, {image.shape[1]}x{image.shape[0]}: mean difference {difference:.5f}")
    assert difference < MOST


@pytest.mark.slow
@pytest.mark.parametrize("source", RESEARCH)
def test_browser_and_python_agree_on_photos_of_people(found: Found, segmenter: Segmenter, source: str) -> None:
    folder = SHARED / "people" / "val" / "images"
    if not folder.is_dir():
        pytest.skip(f"needs {folder}")
    for path in sorted(folder.glob(f"{source}_*"))[:4]:
        difference = apart(found(path.read_bytes()), segmenter.mask(images.read(path).image))
        print(f"{path.name}: mean difference {difference:.5f}")
        assert difference < MOST, path.name


@pytest.mark.parametrize("model", REGISTRY)
@pytest.mark.parametrize(("refine", "tta"), [(False, False), (True, False), (False, True)])
def test_every_model_and_option(found: Found, model: str, refine: bool, tta: bool) -> None:
    data = PICTURES["odd crop"]()
    mask = Segmenter(model, threads=1, tta=tta).mask(images.read(data).image, refine=refine)
    difference = apart(found(data, model=model, refine=refine, tta=tta), mask)
    print(f"{model}, refine {refine}, tta {tta}: mean difference {difference:.5f}")
    assert difference < MOST
