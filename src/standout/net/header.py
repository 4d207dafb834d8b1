"""The card in a checkpoint, or in an export that can be trained on; read without torch."""

from __future__ import annotations

from pathlib import Path

from safetensors import SafetensorError, safe_open

from standout.errors import ModelError
from standout.models.card import CARD_KEY, ModelCard


def is_export(path: Path) -> bool:
    """Whether the file at path is an ONNX file, and no checkpoint that training wrote."""
    return path.suffix.lower() == ".onnx"


def card_in(path: Path) -> ModelCard:
    """The card of the file at path. Raises ModelError when it is neither of the two, or its card is damaged."""
    text = _of_export(path) if is_export(path) else _of_checkpoint(path)
    if text is None:
        raise ModelError(
            f"{path} holds no standout model card: neither `standout train` nor `standout export` wrote it; give a "
            "file that one of them wrote"
        )
    return ModelCard.from_json(text, where=str(path))


def _of_checkpoint(path: Path) -> str | None:
    try:
        with safe_open(str(path), framework="numpy") as file:
            text: str | None = (file.metadata() or {}).get(CARD_KEY)
            return text
    except (SafetensorError, OSError) as error:
        raise ModelError(f"{path} is not a readable safetensors checkpoint: {error}") from None


def _of_export(path: Path) -> str | None:
    from standout.net import trainable  # loads onnx, which a checkpoint does not need

    try:
        return {one.key: one.value for one in trainable.load(path).metadata_props}.get(CARD_KEY)
    except UnicodeDecodeError as error:
        raise ModelError(f"{path}: its model card is damaged ({error}); get the model file again") from None
