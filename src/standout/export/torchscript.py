"""Network -> TorchScript, for C++ and for PyTorch on phones; the file takes photos of any size.

PyTorch has deprecated TorchScript, but still supports it. Where possible, use ONNX instead.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import torch

from standout.models.card import CARD_KEY

if TYPE_CHECKING:
    from standout.export.source import Source


def convert(source: Source, made: Path, precision: str) -> None:
    """Writes the source as TorchScript, in float32."""
    traced(source).save(str(made), _extra_files={CARD_KEY: source.card.to_json()})


def traced(source: Source) -> torch.jit.ScriptModule:
    """The network as a traced program."""
    program: torch.jit.ScriptModule = torch.jit.trace(  # type: ignore[no-untyped-call]
        source.network(), torch.rand(1, 3, 64, 96)
    )
    return program
