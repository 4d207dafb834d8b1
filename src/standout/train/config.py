"""What a training run is made of: one dataclass, read from a recipe (TOML)."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from standout.errors import InputError


@dataclass(frozen=True)
class Stage:
    """Some epochs at one network size (long, short), in pixels: small first is faster, full size last is sharper.

    compose: share of photos onto which people cut from other photos are pasted. Less of it toward the end, so that the
    network settles on photos as they are.
    """

    epochs: int
    size: tuple[int, int]
    compose: float = 0.3

    def __post_init__(self) -> None:
        if any(side % 32 for side in self.size):
            raise InputError(f"stage size {self.size} is not a multiple of 32 on both sides")


@dataclass(frozen=True)
class Config:
    """A training run. Lengths are in pixels of the network's input; shares and probabilities are 0..1."""

    name: str
    data: Path
    encoder: str = "mobilenetv2_100"
    encoder_weights: Path | None = None
    stages: tuple[Stage, ...] = (Stage(12, (256, 192)), Stage(8, (320, 256), compose=0.15))
    batch: int = 16
    draws: dict[str, float] = field(default_factory=dict)
    """How often each photo of a source is drawn in an epoch; 1 where a source is not named."""
    lr: float = 2e-3
    """Peak of the one-cycle schedule, for the decoder."""
    encoder_lr: float = 0.35
    """The encoder's share of lr."""
    weight_decay: float = 1e-2
    bce_share: float = 0.5
    border: int = 8
    """Width of the band about a person's outline where BCE counts more."""
    border_boost: float = 3.0
    """How many times more."""
    ema: float = 0.998
    seed: int = 0


def load_config(path: Path) -> Config:
    """The recipe at path. Paths in it are relative to the folder you run in.

    Raises InputError for unknown keys (naming the nearest known one), missing ones, and files that are not TOML.
    """
    try:
        raw = tomllib.loads(path.read_text())
    except FileNotFoundError:
        raise InputError(f"recipe {path} does not exist") from None
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{path} is not valid TOML: {error}") from None
    return _from_dict(raw, path)


def _from_dict(raw: dict[str, Any], path: Path) -> Config:
    _check_keys(raw, Config, ("name", "data"), str(path))
    raw = dict(raw, data=Path(raw["data"]))
    if "encoder_weights" in raw:
        raw["encoder_weights"] = Path(raw["encoder_weights"])
    if "stages" in raw:
        for number, stage in enumerate(raw["stages"], 1):
            _check_keys(stage, Stage, ("epochs", "size"), f"{path}, stage {number}")
        raw["stages"] = tuple(Stage(**(stage | {"size": tuple(stage["size"])})) for stage in raw["stages"])
    return Config(**raw)


def _check_keys(raw: dict[str, Any], kind: type[Config | Stage], needed: tuple[str, ...], where: str) -> None:
    """Raises InputError for a key that kind does not have, naming the nearest, and for a needed one that is missing."""
    known = [f.name for f in fields(kind)]
    for key in raw:
        if key not in known:
            near = get_close_matches(key, known, 1)
            hint = f"; did you mean {near[0]!r}?" if near else f"; known keys: {', '.join(known)}"
            raise InputError(f"{where}: unknown key {key!r}{hint}")
    for key in needed:
        if key not in raw:
            raise InputError(f"{where}: {key!r} is missing")
