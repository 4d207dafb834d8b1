"""The model's card: what is kept, what is refused, what older ones mean."""

import json
from dataclasses import replace

import pytest

from standout.errors import ModelError
from standout.models import registry
from standout.models.card import FIRST_BUNDLED, OF_BASE, ModelCard, protocol
from standout.net.header import card_in
from standout.runtimes import onnx
from standout.segmenter import Segmenter, scaled

CARD = ModelCard("mine", "1", "resnet18", (320, 256))
FULL = ModelCard(
    name="mine",
    version="1.2",
    encoder="mobilenetv2_050",
    size=(96, 64),
    second_look=1.7,
    threshold=0.35,
    license="CC-BY-4.0",
    decoder="slim",
    data="my photos, 'quoted' & <odd>, ümlauts",
    base="standout-tiny 27be37667c70 (Apache-2.0)",
    teacher="standout-mobile 84292dd41bc2 (Apache-2.0)",
    scores={"mine": 0.75, "empty": 0.01},
    protocol="as the test says",
    unknown={"later": {"deep": [1, 2.5, None]}},
)


def test_a_card_comes_back_whole_with_what_a_newer_one_holds() -> None:
    assert ModelCard.from_json(FULL.to_json(), where="here") == FULL
    newer = json.dumps(json.loads(CARD.to_json()) | {"normalization": "none"})
    read = ModelCard.from_json(newer, where="here")
    assert read.unknown == {"normalization": "none"}
    assert json.loads(replace(read, name="other").to_json()) == json.loads(newer) | {"name": "other"}


def test_a_license_that_nobody_stated_is_not_stated() -> None:
    assert CARD.license == CARD.license_as_base == ""
    assert "Apache" not in CARD.to_json()
    first = replace(CARD, license="MIT").license_as_base
    assert first == f"MIT{OF_BASE}" == replace(CARD, license=first).license_as_base


@pytest.mark.parametrize("name", sorted(registry.REGISTRY))
def test_bundled_cards_state_their_protocol(name: str) -> None:
    """As the code that measures every card today would word it."""
    segmenter = Segmenter(name, threads=1)
    card = segmenter.card
    looks = [card.size, scaled(card.size, card.second_look)]
    assert card.protocol == protocol(looks=looks, refined=True, threshold=card.threshold, photos=569)
    assert [(max(look), min(look)) for look in segmenter.looks(2, 1)] == looks


@pytest.mark.parametrize("sha256", sorted(FIRST_BUNDLED))
def test_cards_that_were_bundled_without_a_protocol_have_theirs(sha256: str) -> None:
    """Exports and checkpoints of earlier versions carry such cards."""
    card = replace(card_in(registry.find("standout-mobile")), sha256=sha256)
    old = {key: value for key, value in json.loads(card.to_json()).items() if key != "protocol"}
    wanted = protocol(looks=FIRST_BUNDLED[sha256], refined=True, threshold=0.5, photos=419)
    assert ModelCard.from_json(json.dumps(old), where="here").protocol == wanted
    other = old | {"sha256": "0" * 64}
    assert ModelCard.from_json(json.dumps(other), where="here").protocol == ""


def test_other_cards_without_a_protocol_do_not_state_one() -> None:
    old = {
        key: value for key, value in json.loads(CARD.to_json()).items() if key not in ("protocol", "base", "teacher")
    }
    assert ModelCard.from_json(json.dumps(old), where="here").protocol == ""


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("size", [320]),
        ("size", [320, 250]),
        ("size", [0, 0]),
        ("size", "320x256"),
        ("size", [320, 256, 3]),
        ("second_look", "large"),
        ("second_look", 0),
        ("second_look", float("nan")),
        ("threshold", 1.5),
        ("threshold", None),
        ("name", 7),
        ("encoder", None),
        ("scores", [1]),
        ("scores", {"a": "good"}),
        ("card_version", "one"),
    ],
)
def test_a_card_that_cannot_be_is_damaged(field: str, value: object) -> None:
    text = json.dumps(json.loads(CARD.to_json()) | {field: value})
    with pytest.raises(ModelError, match=r"^here: its model card is damaged \(.+\); get the model file again$"):
        ModelCard.from_json(text, where="here")


@pytest.mark.parametrize("text", ["", "[]", "3", "{}", '"card"', "{", b"\xff\xfe\x00", '[["card_version", 1]]'])
def test_what_is_no_card_is_damaged(text: str | bytes) -> None:
    with pytest.raises(ModelError, match="its model card is damaged"):
        ModelCard.from_json(text, where="here")


def test_a_bundled_models_card_still_reads_from_its_file() -> None:
    assert onnx.open(registry.find(registry.DEFAULT)).card.license == "Apache-2.0"
