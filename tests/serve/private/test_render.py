"""Pictures made in the browser are those that the Python package makes of the same photo and the same mask."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page

from standout import images
from standout.editing import Edge, Edit, People, Placement
from standout.effects import Blur, Color, Cut, Matte, Pixelate, Replace
from standout.effects.compose import before_white
from standout.segmenter import Segmenter
from standout.serve import catalog, private
from standout.types import Photo
from tests.conftest import SAMPLE
from tests.pictures import pillow

Rendered = Callable[..., np.ndarray]

MOST = 0.2
"""The mean difference of two pictures that is allowed, in levels of 255."""


@pytest.fixture(scope="module")
def rendered(page: Page) -> Iterator[Rendered]:
    """(Photo, alpha in bytes (H, W), edit, options) -> the picture that the browser's engine makes."""
    page.evaluate(
        """async () => {
            const { create } = await import(new URL("engine.js", location.href).href);
            globalThis.engine = await create({});
        }"""
    )

    def called(
        photo: bytes, alpha: np.ndarray, edit: dict[str, Any], *, background: bytes = b"", **options: Any
    ) -> Any:
        given = [coded(photo), {"width": alpha.shape[1], "height": alpha.shape[0], "data": coded(alpha.tobytes())}]
        answer = page.evaluate(
            """async ([photo, alpha, edit, background, options]) => {
                if (background) options.background = new Blob([bytesOf(background)]);
                alpha.data = new Uint8ClampedArray(bytesOf(alpha.data).buffer);
                const made = await engine.render(new Blob([bytesOf(photo)]), alpha, edit, options);
                return [made.type, textOf(new Uint8Array(await made.arrayBuffer()))];
            }""",
            [*given, edit, coded(background) if background else "", options],
        )
        assert answer[0] == options.get("type", "image/png")
        with Image.open(io.BytesIO(base64.b64decode(answer[1]))) as picture:
            return np.asarray(picture)

    yield called
    page.evaluate("() => engine.close()")


def coded(data: bytes) -> str:
    return base64.b64encode(data).decode()


def file_of(image: np.ndarray) -> bytes:
    """A PNG, which both sides decode to the same pixels."""
    return pillow(image, "PNG")


@pytest.fixture(scope="module")
def photo() -> np.ndarray:
    """The sample photo, in a size that is no multiple of anything."""
    with Image.open(SAMPLE) as picture:
        return np.asarray(picture.convert("RGB").crop((3, 0, 490, 451)))


@pytest.fixture(scope="module")
def alpha(photo: np.ndarray) -> np.ndarray:
    return np.rint(Segmenter(threads=1).mask(photo) * 255).astype(np.uint8)


@pytest.fixture(scope="module")
def beach() -> np.ndarray:
    """A background: bands and a disc, smaller than the photo in one direction, larger in the other."""
    rows, columns = np.indices((300, 700))
    disc = (rows - 100) ** 2 + (columns - 420) ** 2 < 60**2
    bands = np.dstack([rows * 0.8, columns / 3, 255 - rows * 0.5])
    return np.where(disc[..., None], (250, 220, 40), bands).astype(np.uint8)


def by_python(data: bytes, alpha: np.ndarray, edit: Edit) -> np.ndarray:
    photo: Photo = images.read(data)
    found = (alpha / np.float32(255)).astype(np.float32)
    if photo.alpha is not None:
        found = np.minimum(found, photo.alpha)
    return edit.of_photo(photo, found).picture


def apart(found: np.ndarray, wanted: np.ndarray) -> float:
    """The mean difference in levels; colors count by how much of them is seen."""
    found, wanted = (one if one.ndim == 3 else one[..., None] for one in (found, wanted))
    assert found.shape == wanted.shape
    found, wanted = found.astype(np.float32), wanted.astype(np.float32)
    if found.shape[2] != 4:
        return float(np.abs(found - wanted).mean())
    seen = np.maximum(found[..., 3:], wanted[..., 3:]) / 255
    return float(max(np.abs((found - wanted)[..., :3] * seen).mean(), np.abs(found - wanted)[..., 3].mean()))


EDITS = {
    "cut": Edit(Cut()),
    "cut, crop": Edit(Cut(), placement=Placement(crop=True)),
    "cut, not freed": Edit(Cut(decontaminate=False)),
    "cut before a color": Edit(Cut(background="#1e90ff")),
    "blur": Edit(Blur()),
    "strongest blur": Edit(Blur(strength=1.0)),
    "weak blur": Edit(Blur(strength=0.07)),
    "no blur": Edit(Blur(strength=0.0)),
    "color": Edit(Color(color="lightgrey")),
    "color by numbers": Edit(Color(color=(10, 200, 30), decontaminate=False)),
    "pixelate": Edit(Pixelate()),
    "large blocks": Edit(Pixelate(block=0.31)),
    "mask": Edit(Matte()),
    "mask, grown": Edit(Matte(), edge=Edge(grow=5)),
    "mask, shrunk by a fraction": Edit(Matte(), edge=Edge(grow=-2.4)),
    "mask, feathered": Edit(Matte(), edge=Edge(feather=7)),
    "cut, grown and feathered": Edit(Cut(), edge=Edge(grow=3, feather=2.5)),
}


@pytest.mark.parametrize("name", EDITS)
def test_effects(rendered: Rendered, photo: np.ndarray, alpha: np.ndarray, name: str) -> None:
    data = file_of(photo)
    found = rendered(data, alpha, EDITS[name].to_dict())
    difference = apart(found, by_python(data, alpha, EDITS[name]))
    print(f"{name}: mean difference {difference:.4f} of 255")
    assert difference < MOST


@pytest.mark.parametrize("fit", [False, True])
@pytest.mark.parametrize("kind", ["opaque", "transparent", "turned"])
def test_replacing(
    rendered: Rendered, photo: np.ndarray, alpha: np.ndarray, beach: np.ndarray, fit: bool, kind: str
) -> None:
    behind = beach if kind != "turned" else beach.transpose(1, 0, 2)[:, :80]
    if kind == "transparent":
        fade = np.clip(np.indices(beach.shape[:2])[1] - 100, 0, 255).astype(np.uint8)
        behind = np.dstack([beach, fade])
    data, background = file_of(photo), file_of(behind)
    edit = Edit(Replace(images.read(background), fit=fit))
    shown = {"effect": {"name": "replace", "background": "beach.png", "fit": fit}}
    difference = apart(rendered(data, alpha, shown, background=background), by_python(data, alpha, edit))
    print(f"replace, {kind}, fit {fit}: mean difference {difference:.4f} of 255")
    assert difference < MOST


def test_the_largest_person(rendered: Rendered, photo: np.ndarray, alpha: np.ndarray) -> None:
    """Beside a smaller one whom nothing connects: whoever touches is told apart by Python alone."""
    rows, columns = np.indices(photo.shape[:2])
    small = 255 - np.clip(4 * (np.hypot(rows - 60, columns - 420) - 22), 0, 255)
    both = np.maximum(small, alpha).astype(np.uint8)
    assert alpha[20:110, 370:470].max() < 10, "nothing connects them"
    edit = Edit(Matte(), people=People("largest"))
    data = file_of(photo)
    found = rendered(data, both, edit.to_dict())
    assert found[60, 420] == 0 and found[300, 250] == 255
    assert apart(found, by_python(data, both, edit)) < MOST


@pytest.mark.parametrize("edit", [Edit(Blur()), Edit(Pixelate()), Edit(Cut()), Edit(Color(color="red"))])
def test_photos_that_are_transparent(rendered: Rendered, photo: np.ndarray, alpha: np.ndarray, edit: Edit) -> None:
    fade = np.clip(np.indices(photo.shape[:2])[1] * 2, 0, 255).astype(np.uint8)
    data = file_of(np.dstack([photo, fade]))
    assert apart(rendered(data, alpha, edit.to_dict()), by_python(data, alpha, edit)) < 2


def test_previews_and_other_formats(rendered: Rendered, photo: np.ndarray, alpha: np.ndarray) -> None:
    """A preview is made of the smaller photo, with lengths in pixels made smaller as well. JPEG has white behind."""
    data = file_of(photo)
    edit = Edit(Cut(), edge=Edge(grow=4))
    found = rendered(data, alpha, edit.to_dict(), type="image/jpeg", longest=240)
    assert found.shape == (222, 240, 3)
    small = images.read(file_of(np.asarray(Image.fromarray(photo).resize((240, 222), Image.Resampling.BOX))))
    mask = np.asarray(Image.fromarray(alpha).resize((240, 222), Image.Resampling.BOX)) / np.float32(255)
    wanted = before_white(replace(edit, edge=Edge(grow=4 * 240 / 487)).of_photo(small, mask).picture)
    assert apart(found, wanted) < 3
    assert rendered(data, alpha, edit.to_dict(), type="image/webp", longest=240).shape == (222, 240, 4)


def test_what_it_cannot_do_is_told(page: Page, rendered: Rendered, photo: np.ndarray, alpha: np.ndarray) -> None:
    from playwright.sync_api import Error

    for edit, told in (
        ({"effect": {"name": "sepia"}}, "the effect sepia cannot be made in the browser; use the server"),
        ({"effect": {"name": "color", "color": "beige-ish"}}, "beige-ish is no color"),
        ({"effect": {"name": "replace", "background": "a"}}, "needs a picture to put behind"),
    ):
        with pytest.raises(Error, match=told):
            rendered(file_of(photo), alpha, edit)
    with pytest.raises(Error, match="the mask is 100x90, the photo 487x451"):
        rendered(file_of(photo), np.zeros((90, 100), np.uint8), {})
    with pytest.raises(Error, match="this browser cannot read the picture"):
        rendered(b"no picture", alpha, {})


def test_its_effects_are_those_of_the_server(page: Page, rendered: Rendered) -> None:
    found = page.evaluate("async () => engine.effects()")
    names = page.evaluate("async () => (await import(new URL('lib/render.js', location.href).href)).NAMES")
    assert names == list(private.LOCAL) == [one["name"] for one in found]
    listed = {one["name"]: one for one in catalog.listed()}
    assert all(len(one["settings"]) == len(listed[one["name"]]["settings"]) for one in found)
    assert page.evaluate("() => engine.formats") == ["image/png", "image/jpeg", "image/webp"]


def test_work_that_is_canceled_ends(page: Page, rendered: Rendered, photo: np.ndarray, alpha: np.ndarray) -> None:
    """A signal rejects at once; what comes after it is answered."""
    told = page.evaluate(
        """async ([photo, alpha]) => {
            const blob = new Blob([bytesOf(photo)]);
            const stop = new AbortController();
            const waiting = engine.segment(blob, { signal: stop.signal });
            stop.abort();
            const reason = await waiting.catch((error) => error.name);
            const later = await engine.segment(blob);
            return [reason, later.width, later.height];
        }""",
        [coded(file_of(photo)), ""],
    )
    assert told == ["AbortError", photo.shape[1], photo.shape[0]]
