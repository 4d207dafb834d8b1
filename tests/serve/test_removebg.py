"""POST /v1.0/removebg, by pictures whose answers are known to the pixel and by the sample photo."""

import base64
import io
import json
import zipfile
import zlib
from typing import Any
from urllib.parse import urlencode

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st

pytest.importorskip("fastapi")
from fastapi.testclient import TestClient
from PIL import Image

from standout.serve.removebg.errors import TITLES
from standout.serve.removebg.fields import SIZES
from tests.pictures import exif_block, pillow, saved, srgb_profile
from tests.serve.conftest import BOX, HEIGHT, RED, REMOVE, WIDTH, Made, code, drawn, nobody, opened, red_box

TALL, WIDE = BOX[2] - BOX[0], BOX[3] - BOX[1]


def asked(client: TestClient, data: bytes | None = None, **fields: Any) -> Any:
    """The answer for a picture, by default the drawn one. bytes among the fields are files."""
    files = {"image_file": ("a.png", drawn() if data is None else data)}
    files |= {name: (f"{name}.png", value) for name, value in fields.items() if isinstance(value, bytes)}
    text = {name: value for name, value in fields.items() if isinstance(value, str)}
    return client.post(REMOVE, files=files, data=text)


def told(answer: Any, *names: str) -> list[int]:
    return [int(answer.headers[f"X-{name}"]) for name in names]


def test_the_people_on_transparency(client: TestClient) -> None:
    answer = asked(client)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "image/png")
    picture = opened(answer.content)
    assert picture.shape == (HEIGHT, WIDTH, 4) and red_box(picture) == BOX
    middle = picture[BOX[0] + 5 : BOX[2] - 5, BOX[1] + 5 : BOX[3] - 5]
    assert (middle == (*RED, 255)).all()
    assert picture[:40].max() == 0 and picture[:, 140:].max() == 0, "nothing of the background stays in the file"


def test_headers(client: TestClient) -> None:
    answer = asked(client, bg_color="red")
    assert told(answer, "Width", "Height", "Max-Width", "Max-Height") == [WIDTH, HEIGHT] * 2
    assert told(answer, "Foreground-Top", "Foreground-Left", "Foreground-Width", "Foreground-Height") == [
        *BOX[:2], WIDE, TALL,
    ]  # fmt: skip
    assert (answer.headers["X-Type"], answer.headers["X-Credits-Charged"]) == ("person", "0")
    left = told(answer, "RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset")
    assert 0 < left[1] < left[0] == 20_000 and left[2] > 1.7e9 and left[2] % 60 == 0
    assert "Retry-After" not in answer.headers
    assert "X-Type" not in asked(client, type_level="none").headers


def test_json(client: TestClient) -> None:
    files = {"image_file": ("a.png", drawn())}
    answer = client.post(REMOVE, files=files, headers={"Accept": "application/json"})
    assert answer.headers["Content-Type"] == "application/json" and answer.headers["X-Width"] == str(WIDTH)
    (data,) = answer.json().values()
    assert base64.b64decode(data.pop("result_b64")) == asked(client).content
    assert data == {
        "foreground_top": BOX[0],
        "foreground_left": BOX[1],
        "foreground_width": WIDE,
        "foreground_height": TALL,
    }


@pytest.mark.parametrize("kind", ["multipart", "urlencoded", "json"])
def test_all_kinds_of_body_mean_the_same(client: TestClient, kind: str) -> None:
    fields = {"image_file_b64": base64.b64encode(drawn()).decode(), "crop": "true", "bg_color": "#0000ff"}
    if kind == "multipart":
        answer = client.post(REMOVE, files={name: (None, value) for name, value in fields.items()})
    elif kind == "urlencoded":
        answer = client.post(
            REMOVE, content=urlencode(fields), headers={"Content-Type": "application/x-www-form-urlencoded"}
        )
    else:
        answer = client.post(REMOVE, json=fields | {"crop": True, "roi": None})
    assert answer.status_code == 200 and answer.content == asked(client, crop="true", bg_color="00f").content


@pytest.mark.parametrize(
    ("fields", "kind", "shape"),
    [
        ({"format": "png"}, "image/png", (HEIGHT, WIDTH, 4)),
        ({"format": "jpg"}, "image/jpeg", (HEIGHT, WIDTH, 3)),
        ({"format": "webp"}, "image/webp", (HEIGHT, WIDTH, 4)),
        ({"format": "auto", "bg_color": "red"}, "image/jpeg", (HEIGHT, WIDTH, 3)),
        ({"format": "png", "bg_color": "red"}, "image/png", (HEIGHT, WIDTH, 3)),
        ({"bg_color": "ff000080"}, "image/png", (HEIGHT, WIDTH, 4)),
        ({"bg_color": "ff000000"}, "image/png", (HEIGHT, WIDTH, 4)),
        ({"channels": "alpha"}, "image/png", (HEIGHT, WIDTH)),
        ({"channels": "alpha", "format": "jpg"}, "image/jpeg", (HEIGHT, WIDTH)),
        ({"channels": "alpha", "format": "webp"}, "image/webp", (HEIGHT, WIDTH, 3)),
    ],
)
def test_formats(client: TestClient, fields: dict[str, str], kind: str, shape: tuple[int, ...]) -> None:
    answer = asked(client, **fields)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, kind), answer.text
    assert opened(answer.content).shape == shape


def test_jpg_is_on_white_and_alpha_is_the_mask(client: TestClient) -> None:
    assert (opened(asked(client, format="jpg").content)[:30] > 250).all()
    mask, picture = opened(asked(client, channels="alpha").content), opened(asked(client).content)
    assert (mask == picture[..., 3]).all() and mask[100, 90] == 255


@pytest.mark.parametrize("channels", ["rgba", "alpha"])
def test_zip(client: TestClient, channels: str) -> None:
    answer = asked(client, format="zip", channels=channels)
    assert answer.headers["Content-Type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.namelist() == ["color.jpg", "alpha.png"]
        color, alpha = (opened(archive.read(name)) for name in archive.namelist())
    assert color.shape == (HEIGHT, WIDTH, 3) and (alpha == opened(asked(client).content)[..., 3]).all()
    inside = color[BOX[0] + 2 : BOX[2] - 2, BOX[1] + 2 : BOX[3] - 2].astype(int)
    assert np.abs(inside - RED).max() < 12, "no black from outside flows into the people's edge"


def test_zip_with_a_background_shows_all_of_it(client: TestClient) -> None:
    with zipfile.ZipFile(io.BytesIO(asked(client, format="zip", bg_color="0f0").content)) as archive:
        assert opened(archive.read("alpha.png")).min() == 255
        assert (np.abs(opened(archive.read("color.jpg"))[10, 10].astype(int) - (0, 255, 0)) < 8).all()


@pytest.mark.parametrize(
    ("color", "wanted"),
    [("81d4fa", (0x81, 0xD4, 0xFA, 255)), ("#0f08", (0, 255, 0, 0x88)), ("navy", (0, 0, 128, 255))],
)
def test_colors(client: TestClient, color: str, wanted: tuple[int, ...]) -> None:
    picture = opened(asked(client, bg_color=color, format="png").content)
    assert (np.abs(picture[10, 10].astype(int) - wanted[: picture.shape[2]]) <= 1).all()
    assert (picture[100, 90, :3] == RED).all() and picture.shape[2] == (4 if wanted[3] < 255 else 3)


def test_a_picture_as_the_background_covers_the_frame(client: TestClient) -> None:
    behind = np.zeros((100, 400, 3), np.uint8)
    behind[:] = (0, 0, 200)
    behind[:, 160:240] = (0, 200, 0)
    picture = opened(asked(client, bg_image_file=pillow(behind, "PNG"), format="png").content)
    assert picture.shape == (HEIGHT, WIDTH, 3)
    assert (picture[5, 75:225] == (0, 200, 0)).all(), "twice as large, and its middle in the middle"
    assert (picture[5, :65] == (0, 0, 200)).all() and (picture[5, 235:] == (0, 0, 200)).all()
    assert (picture[100, 90] == RED).all()


@pytest.mark.parametrize(
    ("fields", "shape", "box"),
    [
        ({"crop": "true"}, (TALL, WIDE), (0, 0, TALL, WIDE)),
        ({"crop": "true", "crop_margin": "10px"}, (TALL + 20, WIDE + 20), (10, 10, TALL + 10, WIDE + 10)),
        ({"crop": "true", "crop_margin": "10% 50%"}, (120, 120), (10, 30, 110, 90)),
        ({"crop": "true", "crop_margin": "1px 2px 3px 4px"}, (TALL + 4, WIDE + 6), (1, 4, TALL + 1, WIDE + 4)),
        ({"crop": "true", "crop_margin": "400px"}, (TALL + 800, WIDE + 800), (400, 400, TALL + 400, WIDE + 400)),
        ({"crop_margin": "10px"}, (HEIGHT, WIDTH), BOX),
        ({"position": "center"}, (HEIGHT, WIDTH), (50, 120, 150, 180)),
        ({"position": "0%"}, (HEIGHT, WIDTH), (0, 0, TALL, WIDE)),
        ({"position": "100% 0%"}, (HEIGHT, WIDTH), (0, WIDTH - WIDE, TALL, WIDTH)),
        ({"position": "original"}, (HEIGHT, WIDTH), BOX),
        ({"scale": "100%"}, (HEIGHT, WIDTH), (0, 90, 200, 210)),
        ({"scale": "25%"}, (HEIGHT, WIDTH), (75, 135, 125, 165)),
        ({"scale": "25%", "position": "100%"}, (HEIGHT, WIDTH), (150, 270, 200, 300)),
        ({"crop": "true", "crop_margin": "50%", "scale": "100%"}, (200, 120), (0, 0, 200, 120)),
        ({"roi": "0px 0px 90px 100px"}, (HEIGHT, WIDTH), (50, 60, 100, 90)),
        ({"roi": "30% 50% 100% 100%", "crop": "true"}, (50, 30), (0, 0, 50, 30)),
    ],
)
def test_where_the_people_stand(
    client: TestClient, fields: dict[str, str], shape: tuple[int, int], box: tuple[int, ...]
) -> None:
    answer = asked(client, **fields, bg_color="0000ff", format="png")
    assert answer.status_code == 200, answer.text
    picture = opened(answer.content)
    assert picture.shape[:2] == shape == tuple(told(answer, "Height", "Width"))
    assert np.abs(np.subtract(red_box(picture), box)).max() <= 1, red_box(picture)


def test_people_moved_beyond_the_photo_bring_none_of_it_along(client: TestClient) -> None:
    picture = opened(asked(client, scale="100%").content)
    assert picture[:, :80].max() == 0 and picture[:, 220:].max() == 0


@pytest.mark.parametrize(
    ("size", "most"), [("preview", 0.25), ("regular", 0.25), ("medium", 1.5), ("hd", 4), ("full", 10), ("50MP", 50)]
)
def test_sizes_are_the_most_and_never_enlarge(client: TestClient, size: str, most: float) -> None:
    side = 2100
    image = np.zeros((side, side, 3), np.uint8)
    image[500:1500, 700:1200] = RED
    large = pillow(image, "PNG", compress_level=1)
    answer = asked(client, large, size=size, roi="700px 500px 1200px 1500px")
    width, height = told(answer, "Width", "Height")
    assert width * height <= min(most * 1e6, side**2) < (width + 1) * (height + 1) or width == height == side
    assert told(answer, "Max-Width", "Max-Height") == [side, side]
    inexact = side / width
    found = told(answer, "Foreground-Top", "Foreground-Left", "Foreground-Height", "Foreground-Width")
    assert np.abs(np.subtract(found, [500, 700, 1000, 500])).max() <= 2 * inexact, "as the photo's own pixels count"


def test_a_transparent_photo_stays_transparent(client: TestClient) -> None:
    image = np.full((600, 600, 4), (*RED, 255), np.uint8)
    image[:300] = (0, 255, 0, 0)
    picture = opened(asked(client, pillow(image, "PNG")).content)
    assert picture.shape == (500, 500, 4) and picture[:249].max() == 0 and (picture[252:, :, 3] == 255).all()
    assert (np.abs(picture[251:, :, :3].astype(int) - RED) <= 2).all(), "hidden green flows into nothing"


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_what_is_in_the_file_besides_the_pixels(client: TestClient, kind: str) -> None:
    """The photo is upright; its color profile stays, its EXIF does not."""
    icc = srgb_profile()
    photo = drawn(
        kind, exif=b"Exif\0\0" + exif_block(6), icc_profile=icc, **({"lossless": True} if kind == "WEBP" else {})
    )
    answer = asked(client, photo)
    assert told(answer, "Width", "Height") == [HEIGHT, WIDTH], "turned by a quarter"
    with Image.open(io.BytesIO(answer.content)) as picture:
        assert picture.info["icc_profile"] == icc and not picture.getexif() and "exif" not in picture.info


def damaged() -> bytes:
    whole = drawn("JPEG")
    return whole[: len(whole) // 2]


def wide() -> bytes:
    """A PNG whose header claims 60 megapixels."""
    claimed = bytearray(drawn())
    claimed[16:24] = (10_000).to_bytes(4) + (6_000).to_bytes(4)
    return bytes(claimed[:29]) + zlib.crc32(claimed[12:29]).to_bytes(4) + bytes(claimed[33:])


ERRORS: dict[str, dict[str, Any]] = {
    "missing_source": {"data": b"", "image_file": ""},
    "multiple_sources": {"image_url": "https://example.com/a.jpg"},
    "invalid_image_url": {"data": b"", "image_url": "a.jpg"},
    "failed_image_download": {"data": b"", "image_url": "https://example.com/a.jpg"},
    "invalid_file_type": {"data": b"\0\0\0\x18ftypmp42 a clip"},
    "file_too_large": {"data": drawn() + bytes(22 * 2**20)},
    "resolution_too_high": {"data": wide()},
    "failed_to_read_image": {"data": damaged()},
    "invalid_dimensions": {"data": drawn()[:12]},
    "invalid_size": {"size": "huge"},
    "invalid_format": {"format": "bmp"},
    "invalid_channels": {"channels": "red"},
    "invalid_bg_color": {"bg_color": "reddish"},
    "invalid_bg_image_url": {"bg_image_url": "b.jpg"},
    "failed_bg_download": {"bg_image_url": "https://example.com/b.jpg"},
    "multiple_bg_sources": {"bg_color": "red", "bg_image_url": "https://example.com/b.jpg"},
    "invalid_crop_margin": {"crop": "true", "crop_margin": "60%"},
    "invalid_scale": {"scale": "5%"},
    "invalid_position": {"position": "left"},
    "invalid_roi": {"roi": "everything"},
    "roi_region_empty": {"roi": "50% 50% 50% 60%"},
    "roi_exceeds_bounds": {"roi": "0px 0px 301px 200px"},
    "invalid_semitransparency": {"semitransparency": "glass"},
    "unknown_foreground": {"data": nobody()},
    "invalid_parameter": {"crop": "perhaps"},
}
"""Code -> what causes it."""


def test_there_is_a_case_for_every_code() -> None:
    assert ERRORS.keys() == TITLES.keys() and len(ERRORS) == 24 + 1


@pytest.mark.parametrize("wanted", ERRORS)
def test_errors(client: TestClient, wanted: str) -> None:
    fields = dict(ERRORS[wanted])
    data = fields.pop("data", None)
    answer = client.post(REMOVE, data=fields) if data == b"" else asked(client, data, **fields)
    assert (answer.status_code, code(answer)) == (400, wanted), answer.text
    assert answer.headers["Content-Type"] == "application/json"
    (error,) = answer.json()["errors"]
    assert error["title"].startswith(TITLES[wanted]) and len(error["detail"]) > 20
    assert "Traceback" not in answer.text and "/src/" not in answer.text
    assert asked(client).status_code == 200, "the next request is answered"


def test_nobody_in_the_region_of_interest(client: TestClient) -> None:
    answer = asked(client, roi="150px 0px 300px 200px")
    assert code(answer) == "unknown_foreground" and "region of interest" in answer.text


def test_a_bad_background_names_its_field(client: TestClient) -> None:
    answer = asked(client, bg_image_file=b"no picture")
    assert code(answer) == "invalid_file_type" and "bg_image_file begins with" in answer.text


def test_a_format_that_cannot_hold_the_size(client: TestClient) -> None:
    answer = asked(client, pillow(np.full((2, 17000, 3), RED, np.uint8), "PNG"), format="webp")
    assert code(answer) == "invalid_format" and "17000x2" in answer.text


def test_pictures_of_sixteen_bits_and_of_other_kinds(client: TestClient) -> None:
    deep = Image.fromarray(np.full((20, 20), 60000, np.uint16))
    assert opened(asked(client, saved(deep, "PNG")).content).shape == (20, 20, 4)
    assert opened(asked(client, drawn("BMP")).content).shape == (HEIGHT, WIDTH, 4)


def test_a_real_photo(real: TestClient, astronaut: bytes) -> None:
    answer = asked(real, astronaut)
    assert (answer.status_code, told(answer, "Width", "Height")) == (200, [500, 500])
    alpha = opened(answer.content)[..., 3]
    assert alpha[150, 210] == 255 and alpha[400, 200] == 255, "face and suit"
    assert alpha[100, 400] == 0 and alpha[30, 450] == 0, "the wall"
    assert 0.3 < (alpha > 127).mean() < 0.55


def test_a_real_photo_of_nobody(real: TestClient, sample: np.ndarray) -> None:
    wall = pillow(sample[:200, 300:], "PNG")
    assert code(asked(real, wall)) == "unknown_foreground"


def test_the_account(made: Made) -> None:
    client = made(keys=("long-enough",))
    assert client.get("/v1.0/account").status_code == 403
    answer = client.get("/v1.0/account", headers={"X-Api-Key": "long-enough"})
    attributes = json.loads(answer.content)["data"]["attributes"]
    assert attributes["credits"]["total"] >= 1000 and attributes["api"]["sizes"] == "all"
    assert set(attributes["credits"]) == {"total", "subscription", "payg", "enterprise"}


def test_nothing_is_taken_for_training(client: TestClient) -> None:
    answer = client.post("/v1.0/improve", files={"image_file": ("a.png", drawn())})
    assert (answer.status_code, code(answer)) == (404, "not_found") and "nothing leaves this machine" in answer.text


_LENGTHS = st.builds("{}{}".format, st.integers(0, 600), st.sampled_from(["px", "%", ""]))
_SEVERAL = st.lists(_LENGTHS, min_size=1, max_size=4).map(" ".join)
_FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "roi": st.lists(_LENGTHS, min_size=4, max_size=4).map(" ".join),
        "crop": st.sampled_from(["true", "false"]),
        "crop_margin": _SEVERAL,
        "scale": _LENGTHS,
        "position": _SEVERAL,
        "format": st.sampled_from(["png", "jpg", "webp", "zip", "auto"]),
        "channels": st.sampled_from(["rgba", "alpha"]),
        "bg_color": st.text("0123456789abcdef#", max_size=9),
        "size": st.sampled_from(list(SIZES)),
        "type": st.text(max_size=5),
    },
)


@hypothesis.given(
    fields=_FIELDS, noise=st.dictionaries(st.sampled_from(["roi", "scale", "bg_color"]), st.text(), max_size=1)
)
@hypothesis.settings(max_examples=60)
def test_any_fields_are_answered(client: TestClient, fields: dict[str, str], noise: dict[str, str]) -> None:
    """By a picture, or by an error of ours that names what is wrong; never by a fault of the server."""
    answer = asked(client, **fields | noise)
    if answer.status_code == 200:
        height, width = told(answer, "Height", "Width")
        assert height * width <= 5_000_000
        if "zip" not in answer.headers["Content-Type"]:
            assert opened(answer.content).shape[:2] == (height, width)
    else:
        assert answer.status_code == 400 and code(answer) in TITLES
