"""POST /v1/mask and POST /v1/edit."""

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("fastapi")
from fastapi.testclient import TestClient
from PIL import Image

from standout.models.registry import REGISTRY
from standout.types import Judged, Mask
from tests.pictures import exif_block, exif_of, pillow
from tests.serve.conftest import BOX, HEIGHT, RED, WIDTH, Bright, Made, code, drawn, nobody, opened, red_box

SHARE = (BOX[2] - BOX[0]) * (BOX[3] - BOX[1]) / (HEIGHT * WIDTH)


def edited(client: TestClient, edit: Any, *, accept: str = "image/png", **files: bytes) -> Any:
    sent = {"image": drawn(), **files}
    return client.post(
        "/v1/edit",
        files={name: (name, data) for name, data in sent.items()},
        data={"edit": edit if isinstance(edit, str) else json.dumps(edit)},
        headers={"Accept": accept},
    )


@pytest.mark.parametrize("whole", [True, False])
def test_the_mask(client: TestClient, whole: bool) -> None:
    if whole:
        answer = client.post("/v1/mask", content=drawn(), headers={"Content-Type": "image/png"})
    else:
        answer = client.post("/v1/mask", files={"image": ("a.png", drawn())})
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "image/png")
    mask = opened(answer.content)
    assert mask.shape == (HEIGHT, WIDTH) and mask[100, 90] == 255 and mask[10, 10] == 0
    assert abs(float(answer.headers["X-Person-Share"]) - SHARE) < 0.01


def test_nobody_has_an_empty_mask(client: TestClient) -> None:
    answer = client.post("/v1/mask", content=nobody(), headers={"Content-Type": "image/png"})
    assert answer.status_code == 200 and opened(answer.content).max() == 0
    assert float(answer.headers["X-Person-Share"]) == 0


class Judging(Bright):
    """A fake model that also tells how far its masks can be trusted."""

    def judge(self, mask: Mask) -> Judged:
        return Judged(mask, confidence=0.25, nobody=float(mask.max() == 0))


def test_how_far_a_mask_can_be_trusted_is_in_the_headers(made: Made, client: TestClient) -> None:
    judging = made(finder=Judging())
    for path in ("/v1/mask", "/v1/edit"):
        answer = judging.post(path, content=drawn(), headers={"Content-Type": "image/png"})
        assert (answer.headers["X-Confidence"], answer.headers["X-Nobody"]) == ("0.2500", "0.0000")
        plain = client.post(path, content=drawn(), headers={"Content-Type": "image/png"})
        assert plain.status_code == 200 and not {"X-Confidence", "X-Nobody"} & {*plain.headers}
    answer = judging.post("/v1/mask", content=nobody(), headers={"Content-Type": "image/png"})
    assert answer.headers["X-Nobody"] == "1.0000"
    given = judging.post("/v1/edit", files={"image": ("a.png", drawn()), "mask": ("m.png", drawn())})
    assert given.status_code == 200 and "X-Confidence" not in given.headers, "a mask that was sent is not judged"


@pytest.mark.parametrize(
    ("accept", "kind", "name"),
    [
        ("image/png", "image/png", "PNG"),
        ("*/*", "image/png", "PNG"),
        ("image/*", "image/png", "PNG"),
        ("image/jpeg", "image/jpeg", "JPEG"),
        ("text/html, image/webp;q=0.9, */*", "image/webp", "WEBP"),
        ("image/avif", "image/avif", "AVIF"),
    ],
)
def test_formats(client: TestClient, accept: str, kind: str, name: str) -> None:
    answer = edited(client, {"effect": {"name": "blur"}}, accept=accept)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, kind)
    with Image.open(io.BytesIO(answer.content)) as picture:
        assert (picture.format, picture.size) == (name, (WIDTH, HEIGHT))


def test_no_format_of_ours(client: TestClient) -> None:
    answer = edited(client, {}, accept="text/html")
    assert code(answer) == "bad_request" and "wanted one of image/png, image/jpeg" in answer.text


def test_edits(client: TestClient) -> None:
    cut = opened(edited(client, {}).content)
    assert cut.shape == (HEIGHT, WIDTH, 4) and red_box(cut) == BOX
    colored = opened(edited(client, {"effect": {"name": "color", "color": "#00ff00"}}).content)
    assert (colored[10, 10] == (0, 255, 0)).all() and (colored[100, 90] == RED).all()
    cropped = opened(edited(client, {"placement": {"crop": True}}).content)
    assert cropped.shape[:2] == (104, 64)
    square = opened(edited(client, {"placement": {"preset": "square", "canvas": "90x90"}}).content)
    assert square.shape == (90, 90, 4)
    white = opened(edited(client, {}, accept="image/jpeg").content)
    assert white[5, 5].min() > 250, "JPEG holds no transparency"


def test_a_picture_behind_them_comes_with_the_request(client: TestClient) -> None:
    behind = pillow(np.full((10, 10, 3), (0, 255, 0), np.uint8), "PNG")
    answer = edited(client, {"effect": {"name": "replace", "background": "any name"}}, background=behind)
    picture = opened(answer.content)
    assert (picture[10, 10] == (0, 255, 0)).all() and (picture[100, 90] == RED).all()


def test_no_file_of_the_server_is_read(client: TestClient, tmp_path: Path) -> None:
    mine = tmp_path / "secret.png"
    mine.write_bytes(drawn())
    for path in (str(mine), "/etc/passwd", str(tmp_path / "missing.mp4")):
        answer = edited(client, {"effect": {"name": "replace", "background": path}})
        assert code(answer) == "bad_request" and "background is missing; send a picture" in answer.text


@pytest.mark.parametrize(
    ("edit", "told"),
    [
        ("{", "the edit is not JSON"),
        ("[" * 100_000, "edit: "),
        ("[]", "wanted an object"),
        ({"effect": {"name": "blurr"}}, "did you mean 'blur'"),
        ({"effect": {"name": "blur", "strength": "much"}}, "wanted a number"),
        ({"effect": {"name": "blur", "strength": 7}}, "wanted 0 to 1"),
        ({"effect": {"name": "color", "color": "no color"}}, "no color"),
        ({"edge": {"feather": -1}}, "feather is -1"),
        ({"peeple": {}}, "did you mean 'people'"),
        ({"placement": {"canvas": "9000x9000"}}, "canvas is 9000x9000; wanted at most 50 megapixels"),
        ({"placement": {"roi": "0 0 9999 10"}}, "give a region within the picture"),
        ({"placement": {"preset": "portrat"}}, "did you mean 'portrait'"),
    ],
)
def test_edits_that_are_none(client: TestClient, edit: Any, told: str) -> None:
    answer = edited(client, edit)
    assert (answer.status_code, code(answer)) == (400, "bad_request")
    assert told in answer.json()["errors"][0]["detail"]


@pytest.mark.parametrize("path", ["/v1/mask", "/v1/edit"])
def test_no_picture(client: TestClient, path: str) -> None:
    for fields in ({}, {"image": "text"}):
        answer = client.post(path, data=fields)
        assert code(answer) == "bad_request" and "send a picture as a file" in answer.text
    assert code(client.post(path, files={"image": ("a", b"nothing")})) == "invalid_file_type"


def test_metadata_as_the_command_line_keeps_it(client: TestClient) -> None:
    photo = drawn("JPEG", exif=b"Exif\0\0" + exif_block(1, width=WIDTH, height=HEIGHT))
    answer = edited(client, {"effect": {"name": "blur"}}, image=photo)
    with Image.open(io.BytesIO(answer.content)) as picture:
        kept = picture.getexif()
    assert kept[0x0110] == "Camera 5000" and 0x8825 not in kept, "the camera stays, the place does not"
    assert exif_of(exif_block())[0x0110] == "Camera 5000", "it was there"


def test_whoever_is_hidden_is_not_told_by_metadata(client: TestClient) -> None:
    photo = drawn("JPEG", exif=b"Exif\0\0" + exif_block(1, width=WIDTH, height=HEIGHT))
    hide = {"name": "anonymize", "how": "silhouette", "color": "black", "margin": 0}
    answer = edited(client, {"effect": hide}, image=photo)
    assert answer.status_code == 200 and b"Camera 5000" not in answer.content and b"eXIf" not in answer.content
    picture = opened(answer.content)
    assert not picture[BOX[0] : BOX[2], BOX[1] : BOX[3]].any(), "the person is hidden"
    assert abs(float(answer.headers["X-Person-Share"]) - SHARE) < 0.02


def test_models(client: TestClient, made: Made) -> None:
    told = client.get("/v1/models").json()["models"]
    assert [one["name"] for one in told] == list(REGISTRY) and [one["used"] for one in told].count(True) == 1
    assert made(keys=("long-enough",)).get("/v1/models").status_code == 403


def test_who_is_in_the_photo(client: TestClient) -> None:
    answer = client.post("/v1/people", content=drawn(), headers={"Content-Type": "image/png"})
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/json")
    told = answer.json()
    assert (told["width"], told["height"]) == (WIDTH, HEIGHT)
    (person,) = told["people"]
    assert person["index"] == 1 and abs(person["share"] - SHARE) < 0.01 and person["confidence"] > 0.5
    left, top, right, bottom = person["box"]
    assert np.abs(np.subtract((top, left, bottom, right), BOX)).max() <= 4
    assert client.post("/v1/people", files={"image": ("a.png", nobody())}).json()["people"] == []


@pytest.mark.parametrize(
    ("people", "told"),
    [({"which": "7"}, "there is no person 7; one person was found: 1 at "), ({"at": ["1%,1%"]}, "is on nobody")],
)
def test_people_who_are_not_there(client: TestClient, people: Any, told: str) -> None:
    answer = edited(client, {"people": people})
    assert code(answer) == "bad_request" and told in answer.json()["errors"][0]["detail"]
