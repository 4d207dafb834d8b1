"""The registry of bundled models: a name -> a model file whose checksum is verified.

To add a model: put its file in weights/ and add a row with the sha256 of the file to REGISTRY. The first row is the
default model. scripts/bundle.py does both.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from standout.errors import ModelError, suggestion

WEIGHTS = Path(__file__).parent / "weights"
CHECKPOINT = ".safetensors"
"""The suffix of the files that training writes."""
TRAINABLE = (CHECKPOINT, ".onnx")
"""The suffixes of files that can hold weights to train on from."""


@dataclass(frozen=True)
class Weights:
    """A bundled model file, the sha256 it must have, and what it is made for."""

    file: str
    sha256: str
    purpose: str

    @property
    def path(self) -> Path:
        """Where the file lies in the installed package."""
        return WEIGHTS / self.file


REGISTRY: dict[str, Weights] = {
    "standout-mobile": Weights(
        "standout-mobile.onnx",
        "ce603b01fb61b02a30b86c89e5130b0db20a9d28633780f3324c9b15b618b103",
        "photos and clips of all kinds",
    ),
    "standout-tiny": Weights(
        "standout-tiny.onnx",
        "df3cec231b58fcc2c934373f526187f9b2eb1ca2af2ad898216210268793054f",
        "live pictures, long clips and small devices: three times as fast, finds small people less well",
    ),
    "standout-quality": Weights(
        "standout-quality.onnx",
        "7771150a6b85f17fb596d720425f79a8b332c448b563b4a922386e1d99cdc672",
        "stills with small people, in about twice the time of the default",
    ),
}
CLICK = Weights(
    "standout-click.onnx",
    "c7744e6bbbe3fc14d0fe96736753df5ed204cb6c775ab2c2ef167427e5d4a429",
    "tells the people of a mask apart by clicks; it finds nobody by itself, so it is no model to name for photos",
)
"""The click network, see standout.clicknet."""
DEFAULT = next(iter(REGISTRY))
"""The model that is used where none is named: the first in the registry."""


def sha256(path: Path) -> str:
    """The file's sha256 in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def find(model: str | Path) -> Path:
    """The file of a bundled model's name, its checksum verified, or the model file at a path.

    Raises ModelError when there is neither, or when a bundled file is damaged.
    """
    if str(model) in REGISTRY:
        return _checked(str(model), REGISTRY[str(model)])
    return _given(model, "the path of a model file", folders=(".mlpackage",))


def find_click() -> Path:
    """The file of the click network, its checksum verified. Raises ModelError when it is missing or damaged."""
    return _checked(Path(CLICK.file).stem, CLICK)


def fingerprint(model: str | Path) -> str:
    """The name of a model and the sha256 of its file, by which it can be told again; the name alone of a folder.

    Raises ModelError as find does.
    """
    path = find(model)
    return f"{model} {sha256(path)}" if path.is_file() else str(model)


def find_checkpoint(model: str | Path) -> Path:
    """The file of trainable weights of a bundled model's name, or the file at a path: .safetensors, or an .onnx export.

    Raises ModelError when there is neither, or when a bundled file is damaged.
    """
    if str(model) in REGISTRY:
        return find(model)
    path = _given(model, f"a {CHECKPOINT} file")
    if path.suffix.lower() not in TRAINABLE:
        raise ModelError(
            f"{path} is no checkpoint; give the {CHECKPOINT} file that `standout train` wrote, or an .onnx file that "
            "`standout export` made of it"
        )
    return path


def _given(model: str | Path, kind: str, *, folders: tuple[str, ...] = ()) -> Path:
    path = Path(model)
    try:
        if path.is_file() or (path.suffix.lower() in folders and path.is_dir()):
            return path
        if path.is_dir():
            trained = path / f"model{CHECKPOINT}"
            raise ModelError(f"model {str(model)!r} is a folder; give {trained if trained.is_file() else kind}")
    except OSError as error:  # a name too long, a folder that may not be looked into
        raise ModelError(f"model {str(model)!r} cannot be looked at ({error.strerror}); give {kind}") from None
    hint = suggestion(str(model), REGISTRY, f"bundled: {', '.join(REGISTRY)}; or give {kind}")
    raise ModelError(f"model {str(model)!r} is neither a bundled model nor a file; {hint}")


def _checked(name: str, weights: Weights) -> Path:
    if not weights.path.is_file():
        raise ModelError(f"the bundled model {name} is missing ({weights.path}); reinstall standout")
    found = sha256(weights.path)
    if found != weights.sha256:
        raise ModelError(
            f"the bundled model {name} is damaged ({weights.path}: sha256 {found[:12]}..., "
            f"wanted {weights.sha256[:12]}...); reinstall standout"
        )
    return weights.path
