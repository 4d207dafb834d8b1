"""The fields mask and longest of POST /v1/edit, and GET /v1/effects."""

import io
import json
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
import pytest

pytest.importorskip("fastapi")
from fastapi.testclient import TestClient
from PIL import Image

from standout import editing, effects, images
from standout.editing import Edit
from standout.effects import Effect, Setting
from standout.serve import catalog
from tests.pictures import pillow
from tests.serve.conftest import BOX, HEIGHT, WIDTH, Made, code, drawn, opened, red_box

LEFT = (20, 10, 120, 80)
"""Top, left, bottom, right of the people in a mask given by hand, where the fake model finds nobody."""


class Forbidden:
    """A fake model that must not be run."""

    def probability(self, image: np.ndarray) -> np.ndarray:
        raise AssertionError("the model was run")


def by_hand(height: int = HEIGHT, width: int = WIDTH) -> np.ndarray:
    mask = np.zeros((height, width), np.uint8)
    top, left, bottom, right = (np.array(LEFT) * height // HEIGHT).tolist()
    mask[top:bottom, left:right] = 255
    return mask


def asked(client: TestClient, edit: Any = None, *, fields: dict[str, str] | None = None, **files: bytes) -> Any:
    sent = {"image": drawn(), **files}
    return client.post(
        "/v1/edit",
        files={name: (name, data) for name, data in sent.items()},
        data={"edit": json.dumps(edit or {}), **(fields or {})},
        headers={"Accept": "image/png"},
    )


def seen(picture: np.ndarray) -> tuple[int, int, int, int]:
    """Top, left, bottom, right of what is not transparent."""
    rows, columns = (np.flatnonzero((picture[..., 3] > 127).any(axis)) for axis in (1, 0))
    return int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1


@pytest.fixture
def unrun(made: Made) -> TestClient:
    return made(Forbidden())


@pytest.mark.parametrize("form", ["gray", "rgb", "alpha", "16 bits", "half the size"])
def test_a_mask_stands_in_for_the_model(unrun: TestClient, form: str) -> None:
    mask = by_hand()
    if form == "rgb":
        mask = np.dstack([mask] * 3)
    elif form == "alpha":
        mask = np.dstack([np.zeros((HEIGHT, WIDTH, 3), np.uint8), mask])
    elif form == "16 bits":
        mask = mask.astype(np.uint16) * 257
    elif form == "half the size":
        mask = by_hand(HEIGHT // 2, WIDTH // 2)
    answer = asked(unrun, mask=pillow(mask, "PNG"))
    assert answer.status_code == 200, answer.text
    assert seen(opened(answer.content)) == LEFT
    share = (LEFT[2] - LEFT[0]) * (LEFT[3] - LEFT[1]) / (HEIGHT * WIDTH)
    assert abs(float(answer.headers["X-Person-Share"]) - share) < 1e-3


def test_soft_and_faint_masks_are_taken_as_they_are(unrun: TestClient) -> None:
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[50:100, 50:100], mask[100:150, 50:100] = 1, 96
    found = opened(asked(unrun, {"effect": {"name": "mask"}}, mask=pillow(mask, "PNG")).content)
    assert (found == mask).all()


def test_people_edge_and_placement_apply_to_a_mask(unrun: TestClient) -> None:
    mask = by_hand()
    mask[180:190, 280:290] = 255
    data = pillow(mask, "PNG")
    largest = opened(asked(unrun, {"people": {"which": "largest"}}, mask=data).content)
    assert seen(largest) == LEFT
    edit = {"people": {"which": "largest"}, "edge": {"grow": 5}}
    assert seen(opened(asked(unrun, edit, mask=data).content)) == (15, 5, 125, 85)
    cropped = opened(asked(unrun, {"people": {"which": "largest"}, "placement": {"crop": True}}, mask=data).content)
    assert cropped.shape[:2] == (104, 74)


def test_a_mask_and_a_background_together_equal_the_edit_in_python(unrun: TestClient) -> None:
    edit = {"effect": {"name": "blur", "strength": 0.8}, "edge": {"feather": 3.0}}
    answer = opened(asked(unrun, edit, mask=pillow(by_hand(), "PNG")).content)
    expected = Edit.from_dict(edit).of_photo(images.read(drawn()), by_hand().astype(np.float32) / 255).picture
    assert (answer == expected).all()


@pytest.mark.parametrize(
    ("mask", "told"), [(b"no picture", "invalid_file_type"), (drawn()[:200], "failed_to_read_image")]
)
def test_masks_that_are_none(unrun: TestClient, mask: bytes, told: str) -> None:
    answer = asked(unrun, mask=mask)
    assert code(answer) == told and "mask" in answer.json()["errors"][0]["detail"]


def test_a_mask_that_is_text(unrun: TestClient) -> None:
    answer = asked(unrun, fields={"mask": "white"})
    assert code(answer) == "bad_request" and "mask is text; send a picture as a file" in answer.text


@pytest.mark.parametrize(("longest", "size"), [(150, (100, 150)), (300, (200, 300)), (5000, (200, 300)), (1, (1, 1))])
def test_a_preview_is_shrunk_and_never_enlarged(client: TestClient, longest: int, size: tuple[int, int]) -> None:
    for path in ("/v1/edit", "/v1/mask"):
        files = {"image": ("a.png", drawn())}
        answer = client.post(path, files=files, data={"longest": str(longest)})
        assert answer.status_code == 200 and opened(answer.content).shape[:2] == size


def test_a_preview_shows_what_the_result_will_be(client: TestClient) -> None:
    whole = opened(asked(client, {"edge": {"grow": 10}}).content)
    half = opened(asked(client, {"edge": {"grow": 10}}, fields={"longest": str(WIDTH // 2)}).content)
    assert seen(whole) == (BOX[0] - 10, BOX[1] - 10, BOX[2] + 10, BOX[3] + 10)
    assert seen(half) == tuple(side // 2 for side in seen(whole)), "the outline moved by as much of the picture"
    assert red_box(half) == tuple(side // 2 for side in BOX)


@pytest.mark.parametrize("longest", ["0", "-5", "many", "1.5", "9" * 40, "²"])
def test_no_length(client: TestClient, longest: str) -> None:
    answer = asked(client, fields={"longest": longest})
    assert code(answer) == "bad_request" and "longest is" in answer.text


def test_effects(client: TestClient, made: Made) -> None:
    told = client.get("/v1/effects").json()["effects"]
    assert [one["name"] for one in told] == list(effects.known())
    by_name = {one["name"]: one for one in told}
    assert by_name["blur"]["settings"] == [
        {
            **{"name": "strength", "help": "How blurred, from 0 (not at all) to 1 (most).", "kind": "number"},
            **{"default": 0.5, "required": False, "optional": False, "least": 0, "most": 1, "choices": []},
        }
    ]
    assert by_name["cut"]["transparent"] and not by_name["blur"]["transparent"] and by_name["mask"]["is_mask"]
    kinds = {(one["name"], each["name"]): each["kind"] for one in told for each in one["settings"]}
    assert kinds[("cut", "background")] == kinds[("color", "color")] == "color"
    assert kinds[("replace", "background")] == "file" and kinds[("replace", "fit")] == "switch"
    assert made(keys=("long-enough",)).get("/v1/effects").status_code == 403


def test_what_goes_with_every_effect_is_listed(client: TestClient) -> None:
    told = client.get("/v1/effects").json()
    assert list(told["parts"]) == list(editing.PARTS)
    dress = {one["name"]: one for one in told["parts"]["dress"]}
    assert dress["shadow"]["choices"] == ["none", "soft", "contact"] and dress["shadow"]["default"] == "none"
    kinds = {name: (one["kind"], one["default"]) for name, one in dress.items()}
    assert kinds["outline"] == ("text", "0px") and kinds["shadow_color"] == ("color", "black")
    assert kinds["match"] == ("number", 0.0) and dress["match"]["most"] == 1
    by_name = {one["name"]: one for one in told["effects"]}
    assert by_name["lens"]["dressed"] and not by_name["mask"]["dressed"]
    given = {part: {one["name"]: one["default"] for one in settings} for part, settings in told["parts"].items()}
    assert editing.Edit.from_dict({"effect": {"name": "cut"}, **given}) == editing.Edit()


def test_people_are_dressed_by_the_server(client: TestClient) -> None:
    plain, worn = (
        asked(client, {"effect": {"name": "cut"}, "dress": {"outline": outline, "shadow": "soft"}})
        for outline in ("0", "3%")
    )
    assert plain.status_code == worn.status_code == 200, worn.text
    refused = asked(client, {"effect": {"name": "mask"}, "dress": {"shadow": "soft"}})
    assert code(refused) == "bad_request" and "the effect mask puts nothing behind the people" in refused.text


def test_what_is_listed_makes_an_edit(client: TestClient) -> None:
    """Each effect, with every setting at the default that is listed, is one that the server does."""
    for one in client.get("/v1/effects").json()["effects"]:
        given = {each["name"]: "x" if each["kind"] == "file" else each["default"] for each in one["settings"]}
        answer = asked(client, {"effect": {"name": one["name"], **given}}, background=drawn())
        assert answer.status_code == 200, answer.text
        with Image.open(io.BytesIO(answer.content)) as picture:
            assert one["transparent"] == (picture.mode == "RGBA") and one["is_mask"] == (picture.mode == "L")


@dataclass(frozen=True)
class Framed(Effect):
    """Put a frame about the people. It has every other kind of setting."""

    name: ClassVar[str] = "framed"
    sides: Annotated[int, Setting("How many sides.", least=3, most=9)]
    style: Annotated[Literal["plain", "dotted"], Setting("What lines are like.")] = "plain"
    title: Annotated[str, Setting("What is written.")] = ""

    def __call__(self, *args: Any, **options: Any) -> Any: ...


def test_a_new_effect_is_listed_by_itself() -> None:
    told = catalog.described(Framed)
    assert told["summary"] == "Put a frame about the people." and not told["transparent"]
    sides, style, title = told["settings"]
    assert (sides["kind"], sides["required"], sides["least"], sides["most"]) == ("integer", True, 3, 9)
    assert (style["kind"], style["choices"], style["default"]) == ("choice", ["plain", "dotted"], "plain")
    assert title["kind"] == "text"
