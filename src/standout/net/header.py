"""The card in the header of a checkpoint, read without torch and without the weights."""

from __future__ import annotations

from pathlib import Path

from safetensors import SafetensorError, safe_open

from standout.errors import ModelError
from standout.models.card import CARD_KEY, ModelCard


def card_in(path: Path) -> ModelCard:
    """The card of the checkpoint at path. Raises ModelError where it is no checkpoint, or its card is damaged."""
    try:
        with safe_open(str(path), framework="numpy") as file:
            text = (file.metadata() or {}).get(CARD_KEY)
    except (SafetensorError, OSError) as error:
        raise ModelError(f"{path} is not a readable safetensors checkpoint: {error}") from None
    if text is None:
        raise ModelError(f"{path} holds no standout model card; it was not written by standout train")
    return ModelCard.from_json(text, where=str(path))
