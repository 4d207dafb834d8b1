"""The fields of a request as a value, each with every kind of value that it takes and does not take."""

import base64
from typing import Any

import pytest

pytest.importorskip("fastapi")
from standout.lengths import Box, Length, Point, Sides
from standout.serve.refusals import Refusal
from standout.serve.removebg.fields import Removal, parsed

PX, PERCENT = "px", "%"


def percent(across: float, down: float) -> Point:
    return Point(Length(across, PERCENT), Length(down, PERCENT))


def order(**fields: Any) -> Removal:
    return parsed({"image_file": b"picture", **fields})


def test_what_is_not_sent_is_at_its_default() -> None:
    assert order() == Removal(image=b"picture", field="image_file")
    assert (order().size, order().format, order().type_level) == ("preview", "auto", "1")


@pytest.mark.parametrize("value", ["", "undefined", "null", "None"])
def test_what_clients_send_for_nothing_counts_as_not_sent(value: str) -> None:
    names = ("size", "type", "type_level", "format", "roi", "crop", "crop_margin", "scale", "position", "channels")
    more = (
        "bg_color",
        "bg_image_url",
        "bg_image_file",
        "add_shadow",
        "semitransparency",
        "image_url",
        "image_file_b64",
    )
    assert order(**dict.fromkeys((*names, *more), value)) == order()


def test_fields_that_are_not_known_are_left_out() -> None:
    assert order(shadow_type="drop", shadow_opacity="40", invented="yes", type="car") == order()


@pytest.mark.parametrize(
    ("fields", "wanted"),
    [
        ({"size": "4k"}, {"size": "4k"}),
        ({"size": "50MP"}, {"size": "50mp"}),
        ({"format": "WebP"}, {"format": "webp"}),
        ({"type_level": "latest"}, {"type_level": "latest"}),
        ({"crop": "true"}, {"crop": True}),
        ({"crop": "1"}, {"crop": True}),
        ({"crop": "False"}, {"crop": False}),
        ({"roi": "0% 0% 50% 100%"}, {"roi": Box(*(Length(n, PERCENT) for n in (0, 0, 50, 100)))}),
        ({"roi": "1px 2.5px 30% 4"}, {"roi": Box(Length(1, PX), Length(2.5, PX), Length(30, PERCENT), Length(4, PX))}),
        ({"crop_margin": "30px"}, {"margin": Sides(*(Length(30, PX),) * 4)}),
        ({"crop_margin": "10% 20px"}, {"margin": Sides(*(Length(10, PERCENT), Length(20, PX)) * 2)}),
        ({"crop_margin": "1px 2px 3px 4px"}, {"margin": Sides(*(Length(n, PX) for n in (1, 2, 3, 4)))}),
        ({"crop_margin": "500px 50%"}, {"margin": Sides(*(Length(500, PX), Length(50, PERCENT)) * 2)}),
        ({"scale": "original"}, {"scale": None, "position": None}),
        ({"scale": "10%"}, {"scale": 10, "position": percent(50, 50)}),
        ({"scale": "55.5%", "position": "original"}, {"scale": 55.5, "position": percent(50, 50)}),
        ({"position": "center"}, {"position": percent(50, 50)}),
        ({"position": "20%"}, {"position": percent(20, 20)}),
        ({"position": "0% 100%"}, {"position": percent(0, 100)}),
        ({"position": "center 10%"}, {"position": percent(50, 10)}),
        ({"channels": "alpha"}, {"channels": "alpha"}),
        ({"bg_color": "81d4fa"}, {"color": (0x81, 0xD4, 0xFA, 255)}),
        ({"bg_color": "#fff"}, {"color": (255, 255, 255, 255)}),
        ({"bg_color": "fff8"}, {"color": (255, 255, 255, 0x88)}),
        ({"bg_color": "81d4fa77"}, {"color": (0x81, 0xD4, 0xFA, 0x77)}),
        ({"bg_color": "ForestGreen"}, {"color": (34, 139, 34, 255)}),
        ({"bg_image_file": b"other"}, {"background": b"other"}),
    ],
)
def test_values(fields: dict[str, str], wanted: dict[str, Any]) -> None:
    found = order(**fields)
    assert {name: getattr(found, name) for name in wanted} == wanted


@pytest.mark.parametrize("prefix", ["", "data:image/png;base64,"])
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode, base64.encodebytes])
def test_base64(prefix: str, encode: Any) -> None:
    data = bytes(range(256)) * 3
    found = parsed({"image_file_b64": prefix + encode(data).decode()})
    assert (found.image, found.field) == (data, "image_file_b64")
    bare = encode(data[:7]).decode().strip().rstrip("=")
    assert parsed({"image_file_b64": prefix + bare}).image == data[:7], "without the padding, too"


@pytest.mark.parametrize(
    ("fields", "megapixels"),
    [
        ({}, 0.25),
        ({"size": "small"}, 0.25),
        ({"size": "regular"}, 0.25),
        ({"size": "medium"}, 1.5),
        ({"size": "hd"}, 4),
        ({"size": "full"}, 10),
        ({"size": "full", "format": "png", "bg_color": "red"}, 10),
        ({"size": "4k", "format": "jpg"}, 25),
        ({"size": "full", "format": "zip"}, 25),
        ({"size": "auto", "bg_color": "red"}, 25),
        ({"size": "auto", "bg_color": "ff000080"}, 10),
        ({"size": "auto", "bg_image_file": b"other"}, 25),
        ({"size": "50MP"}, 50),
    ],
)
def test_sizes(fields: dict[str, Any], megapixels: float) -> None:
    assert order(**fields).megapixels == megapixels


@pytest.mark.parametrize(
    ("fields", "code", "told"),
    [
        ({"image_file": ""}, "missing_source", "image_file"),
        ({"image_file": "text"}, "missing_source", "as a file with a name"),
        ({"image_file_b64": "AAAA"}, "multiple_sources", "image_file, image_file_b64 are given"),
        ({"image_url": "http://example.com/a.jpg"}, "multiple_sources", "image_file, image_url are given"),
        ({"image_file": "", "image_url": "http://example.com/a.jpg"}, "failed_image_download", "fetches nothing"),
        ({"image_file": "", "image_url": "file:///etc/passwd"}, "invalid_image_url", "'file:///etc/passwd'"),
        ({"image_file": "", "image_url": "http://[bad"}, "invalid_image_url", "no URL"),
        ({"image_file": "", "image_file_b64": "not base64!"}, "failed_to_read_image", "not Base64"),
        ({"size": "huge"}, "invalid_size", "'huge'; wanted one of preview"),
        ({"format": "gif"}, "invalid_format", "'gif'"),
        ({"channels": "rgb"}, "invalid_channels", "'rgb'; wanted one of rgba, alpha"),
        ({"type_level": "3"}, "invalid_parameter", "type_level is '3'"),
        ({"crop": "maybe"}, "invalid_parameter", "crop is 'maybe'; wanted true or false"),
        ({"add_shadow": "dark"}, "invalid_parameter", "add_shadow is 'dark'"),
        ({"semitransparency": "half"}, "invalid_semitransparency", "'half'"),
        ({"roi": "0% 0% 50%"}, "invalid_roi", "'0% 0% 50%'"),
        ({"roi": "a b c d"}, "invalid_roi", "wanted left, top, right and bottom"),
        ({"roi": "-1px 0px 5px 5px"}, "invalid_roi", "'-1px"),
        ({"crop_margin": "1px 2px 3px"}, "invalid_crop_margin", "1, 2 or 4 lengths"),
        ({"crop_margin": "51%"}, "invalid_crop_margin", "at most 500px or 50%"),
        ({"crop_margin": "501px"}, "invalid_crop_margin", "at most 500px or 50%"),
        ({"crop_margin": "wide"}, "invalid_crop_margin", "'wide'"),
        ({"scale": "9%"}, "invalid_scale", "10% to 100%"),
        ({"scale": "101%"}, "invalid_scale", "'101%'"),
        ({"scale": "50px"}, "invalid_scale", "'50px'"),
        ({"position": "101%"}, "invalid_position", "'101%'"),
        ({"position": "left"}, "invalid_position", "'left'"),
        ({"position": "1% 2% 3%"}, "invalid_position", "one or two"),
        ({"bg_color": "12345"}, "invalid_bg_color", "'12345'"),
        ({"bg_color": "no color"}, "invalid_bg_color", "the name of a color"),
        ({"bg_color": b"\xff"}, "invalid_bg_color", "wanted"),
        ({"bg_image_url": "https://example.com/b.jpg"}, "failed_bg_download", "send it as bg_image_file"),
        ({"bg_image_url": "b.jpg"}, "invalid_bg_image_url", "'b.jpg'"),
        ({"bg_image_file": "text"}, "failed_bg_download", "as a file with a name"),
        ({"bg_color": "red", "bg_image_file": b"b"}, "multiple_bg_sources", "bg_color, bg_image_file are given"),
    ],
)
def test_what_is_wrong_is_told(fields: dict[str, Any], code: str, told: str) -> None:
    with pytest.raises(Refusal) as caught:
        order(**fields)
    assert (caught.value.status, caught.value.code) == (400, code)
    assert told in caught.value.detail, caught.value.detail
