"""Conversions to ONNX that are made once: torch takes twenty seconds for one, and the same network gives the same."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest


@contextmanager
def converted_once(made_once: Callable[[str, Callable[[Path], object]], Path]) -> Iterator[None]:
    """torch.onnx.export as it is, the first time; after that, of the same network and options, what it gave then.

    All that standout does before and behind it is done each time.
    """
    import onnx
    import torch

    export = torch.onnx.export

    def found(network: torch.nn.Module, inputs: tuple[torch.Tensor, ...], **options: Any) -> SimpleNamespace:
        told = hashlib.sha256(repr((network, [one.shape for one in inputs], sorted(options.items()))).encode())
        for name, tensor in network.state_dict().items():
            told.update(name.encode() + tensor.numpy().tobytes())

        def make(path: Path) -> None:
            program = export(network, inputs, **options)
            assert program is not None
            path.write_bytes(program.model_proto.SerializeToString())

        return SimpleNamespace(model_proto=onnx.load(made_once(f"{told.hexdigest()[:32]}.onnx", make)))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.onnx, "export", found)
        yield
