"""The model's card: what the weights expect and promise; it travels inside the model file as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields

from standout.errors import ModelError

CARD_VERSION = 1
CARD_KEY = "standout.card"
"""Under this key the card stands in ONNX metadata_props and in safetensors metadata."""


@dataclass(frozen=True)
class ModelCard:
    """Identity, expectations and measured scores of one set of weights.

    size: the network's rectangle (long, short), in pixels. second_look: how many times as long and wide it sees a
    photo when it looks at it again. threshold: probability from which a pixel is person.
    sha256: of the weights, see net.checkpoint.fingerprint. scores: mean per-photo Dice by source of validation photos,
    and "empty": mean share of people-free photos called person.
    """

    name: str
    version: str
    encoder: str
    size: tuple[int, int]
    second_look: float = 1.3
    threshold: float = 0.5
    license: str = "Apache-2.0"
    decoder: str = "light"
    data: str = ""
    sha256: str = ""
    scores: dict[str, float] = field(default_factory=dict)
    card_version: int = CARD_VERSION

    def to_json(self) -> str:
        """The card as one line of JSON."""
        return json.dumps(asdict(self), sort_keys=True)

    @staticmethod
    def from_json(text: str, *, where: str) -> ModelCard:
        """The card that text holds.

        Raises ModelError, naming where it came from, when it is no card or a newer kind of card.
        """
        try:
            raw = json.loads(text)
            if raw["card_version"] > CARD_VERSION:
                raise ModelError(
                    f"{where}: its card is version {raw['card_version']}, this standout reads up to {CARD_VERSION}; "
                    "upgrade standout"
                )
            known = {f.name for f in fields(ModelCard)}
            raw["size"] = (int(raw["size"][0]), int(raw["size"][1]))
            return ModelCard(**{key: value for key, value in raw.items() if key in known})
        except (ValueError, KeyError, TypeError, IndexError) as error:
            raise ModelError(f"{where}: its model card is damaged ({error}); get the model file again") from None
