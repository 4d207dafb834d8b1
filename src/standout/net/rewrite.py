"""Another card in a model file, whose weights stay bit for bit what they are."""

from __future__ import annotations

import json
import struct
from pathlib import Path

from standout.errors import ModelError
from standout.models.card import CARD_KEY, ModelCard
from standout.net.header import card_in, is_export


def with_card(path: Path, card: ModelCard) -> bytes:
    """The bytes of the model file at path, a checkpoint or an ONNX export, with this card in place of its own.

    Raises ModelError when the file is neither of the two, or when the card is that of other weights.
    """
    before = card_in(path)
    if before.sha256 != card.sha256:
        raise ModelError(
            f"{path} holds the weights {before.sha256[:12]}, the card is that of {card.sha256[:12]}; give the card of "
            "the file's own weights"
        )
    return _in_export(path, card) if is_export(path) else _in_checkpoint(path, card)


def _in_checkpoint(path: Path, card: ModelCard) -> bytes:
    """A safetensors file: 8 bytes with the length of the header, the header in JSON, and the tensors."""
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    header["__metadata__"] = header.get("__metadata__", {}) | {CARD_KEY: card.to_json()}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # tensors begin at a multiple of 8 bytes
    return struct.pack("<Q", len(text)) + text + data[8 + length :]


def _in_export(path: Path, card: ModelCard) -> bytes:
    from standout.net import trainable

    model = trainable.load(path)
    for one in model.metadata_props:
        if one.key == CARD_KEY:
            one.value = card.to_json()
    return bytes(model.SerializeToString())
