"""The card of a model: what its weights expect and promise. It travels inside the model file, as JSON.

To add a field: give it a default below. Readers that do not know the field keep it (ModelCard.unknown), so CARD_VERSION
rises only where a reader that ignores a field would use the weights wrongly.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

from standout.errors import ModelError
from standout.masks.confidence import Judge

CARD_VERSION = 2
"""The newest kind of card that this standout reads."""
PLAIN_VERSION = 1
"""The kind of the cards of single networks, which every standout reads. Ensembles have cards of kind 2."""
CARD_KEY = "standout.card"
"""The key of the card in the metadata of ONNX, safetensors and other files."""

OF_BASE = " (of the base weights)"
"""The ending of a license that comes from the model that training started from, not from the person who trained."""

FIRST_BUNDLED = {
    "84292dd41bc2c8b791bd9bbe27bbfc1eae5518a80224384a8faacf0a5107192e": ((320, 256), (416, 320)),
    "27be37667c70fb478cd2a63b4abea1b48a6f5da770759b7309efa7f96adf254f": ((256, 192), (320, 256)),
    "da4767f81b4a20dd571667cf45a3ea815d3437c7de587cb70ecd8df7798a73cd": ((384, 288), (384, 288)),
}
"""Fingerprints of the weights that were bundled before cards named their protocol, and their two sizes with TTA."""


@dataclass(frozen=True)
class ModelCard:
    """Identity, expectations and measured scores of one set of weights.

    size: the network's rectangle (long, short), in pixels. second_look: the TTA scale, which says how many times as
    long and wide the network sees a photo the second time. threshold: the probability from which a pixel is person.
    license: of the weights, as the person who trained them stated it; with OF_BASE at its end, the license of the
    weights that training started from; empty where none is stated. base: the models or encoder weights that training
    started from, with their fingerprints and licenses. teacher: the model whose answers it learned from, likewise.
    sha256: of the weights, see net.checkpoint.fingerprint. scores: the mean Dice of a photo by source of the validation
    photos, and "empty", the mean share of photos without people that was called person. protocol: how the scores were
    measured, in words; empty where it is not stated. confidence: the weights by which masks are judged (a
    masks.confidence.Judge), the fingerprint "of" the weights that they were fitted for, and the "protocol", in words;
    empty where none were fitted. members: how many networks the file holds, whose outputs are
    averaged. unknown: the fields of a newer card.
    """

    name: str
    version: str
    encoder: str
    size: tuple[int, int]
    second_look: float = 1.3
    threshold: float = 0.5
    license: str = ""
    decoder: str = "light"
    data: str = ""
    base: str = ""
    teacher: str = ""
    sha256: str = ""
    scores: dict[str, float] = field(default_factory=dict)
    protocol: str = ""
    confidence: dict[str, Any] = field(default_factory=dict)
    members: int = 1
    card_version: int = PLAIN_VERSION
    unknown: dict[str, Any] = field(default_factory=dict)

    @property
    def identity(self) -> str:
        """The model in one line: its name, the beginning of its fingerprint, and its license where it has one.

        >>> ModelCard("mine", "1", "resnet18", (320, 256), sha256="0123456789abcdef", license="MIT").identity
        'mine 0123456789ab (MIT)'
        """
        parts = (self.name, self.sha256[:12], f"({self.license})" if self.license else "")
        return " ".join(part for part in parts if part)

    @property
    def license_as_base(self) -> str:
        """The license on the card of a model that is fine-tuned from this one, where no other license is stated.

        >>> ModelCard("mine", "1", "resnet18", (320, 256), license="MIT").license_as_base
        'MIT (of the base weights)'
        """
        return f"{self.license.removesuffix(OF_BASE)}{OF_BASE}" if self.license else ""

    @property
    def judge(self) -> Judge | None:
        """What judges the model's masks; None where it was not fitted, or was fitted for other weights than these."""
        return Judge.of(self.confidence) if self.confidence.get("of") == self.sha256 else None

    def to_json(self) -> str:
        """The card as one line of JSON."""
        known = {one.name: getattr(self, one.name) for one in fields(self) if one.name != "unknown"}
        return json.dumps(self.unknown | known, sort_keys=True)

    @staticmethod
    def from_json(text: str | bytes, *, where: str) -> ModelCard:
        """The card that the text holds.

        Raises ModelError, which names where the text came from, where it is no card, or a newer kind of card.
        """
        try:
            raw = dict(json.loads(text))
            if raw["card_version"] > CARD_VERSION:
                raise ModelError(
                    f"{where}: its card is version {raw['card_version']}, this standout reads up to {CARD_VERSION}; "
                    "upgrade standout"
                )
            known = {one.name for one in fields(ModelCard)} - {"unknown"}
            card = ModelCard(
                **{key: _checked(key, value) for key, value in raw.items() if key in known},
                unknown={key: value for key, value in raw.items() if key not in known},
            )
        except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
            raise ModelError(f"{where}: its model card is damaged ({error}); get the model file again") from None
        if not card.protocol and card.sha256 in FIRST_BUNDLED:
            looks = FIRST_BUNDLED[card.sha256]
            return replace(card, protocol=protocol(looks=looks, refined=True, threshold=0.5, photos=419))
        return card


def protocol(*, looks: Sequence[tuple[int, int]], refined: bool, threshold: float, photos: int) -> str:
    """How scores were measured, in words. looks: the sizes (long, short) at which the network saw each photo.

    >>> protocol(looks=[(320, 256), (416, 320)], refined=True, threshold=0.5, photos=419)
    'mean Dice of a photo at its own size, edges refined, two looks (320x256, 416x320), threshold 0.5, 419 photos'
    """
    edges = "edges refined" if refined else "edges not refined"
    seen = f"{'one look' if len(looks) == 1 else 'two looks'} ({', '.join(f'{long}x{short}' for long, short in looks)})"
    return f"mean Dice of a photo at its own size, {edges}, {seen}, threshold {threshold:g}, {photos} photos"


def _checked(key: str, value: Any) -> Any:
    """The value of a field as the card holds it. Raises ValueError or TypeError for an impossible value."""
    if key == "size":
        long, short = (int(side) for side in value)
        if min(long, short) < 32 or long % 32 or short % 32:
            raise ValueError(f"size {value}: both sides must be multiples of 32")
        return long, short
    if key in ("second_look", "threshold"):
        number = float(value)
        least, most = {"second_look": (0.1, 10.0), "threshold": (0.01, 0.99)}[key]
        if not least <= number <= most:
            raise ValueError(f"{key} {number:g} is not from {least:g} to {most:g}")
        return number
    if key == "scores":
        return {str(source): float(score) for source, score in value.items()}
    if key == "confidence":
        Judge.of(value)
        return dict(value)
    if key == "members":
        if not isinstance(value, int) or value < 1:
            raise ValueError(f"members {value!r} is no number of networks")
        return value
    if key != "card_version" and not isinstance(value, str):
        raise TypeError(f"{key} {value!r} is not text")
    return value
