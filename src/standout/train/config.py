"""A recipe: what a training run is made of, read from TOML and checked before anything heavy is loaded.

Lengths are in pixels of the network's input; shares and probabilities are 0..1.

To add a setting: a field with its default and one line of why in the part it belongs to.
"""

from __future__ import annotations

import tomllib
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from standout.errors import InputError
from standout.models.registry import find_checkpoint
from standout.net.header import card_in

EPOCHS = 20
"""Of a run whose recipe names no stages."""


class Part(BaseModel):
    """A table of the recipe: unknown keys are errors, nothing changes after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=(), use_attribute_docstrings=True)


class Stage(Part):
    """Some epochs at one network size (long, short): small first is faster, full size last is sharper.

    compose: share of photos onto which people cut from other photos are pasted. Less of it toward the end, so that the
    network settles on photos as they are.
    """

    epochs: int = Field(ge=1)
    size: tuple[int, int]
    compose: float = Field(0.15, ge=0, le=1)

    @field_validator("size")
    @classmethod
    def _fits(cls, size: tuple[int, int]) -> tuple[int, int]:
        # Where the deepest map is one pixel wide, oneDNN's bf16 convolution of stride 2 reads beyond its input: NaN.
        if any(side < 64 or side % 32 for side in size):
            raise ValueError("both sides must be multiples of 32, and 64 at least")
        return size


class Model(Part):
    """The network, and where its first weights come from."""

    encoder: str = "mobilenetv2_100"
    decoder: Literal["slim", "light", "heavy"] = "light"
    encoder_weights: str | None = None
    """ImageNet weights: a file, "package:NAME" for an installed package's, "timm" for timm's own source (needs the
    network), or nothing: random."""
    init: str | None = None
    """A trained model to go on from: a bundled name or a .safetensors file. It brings its own encoder and decoder."""
    narrow: str | None = None
    """A trained model with a wider encoder of the same shape: this one starts with its most important channels."""


class Train(Part):
    """The loop."""

    stages: tuple[Stage, ...] = Field((Stage(epochs=EPOCHS, size=(320, 256)),), min_length=1)
    """Where a run starts from a trained model, a stage without a size has that model's."""
    batch: int = Field(16, ge=1)
    accumulate: int = Field(1, ge=1)
    """Batches whose gradients are summed before a step."""
    optimizer: Literal["adam", "adamw", "sgd"] = "adamw"
    lr: float = Field(2e-3, gt=0)
    """Peak learning rate of the decoder."""
    encoder_lr: float = Field(0.35, ge=0)
    """The encoder's share of lr: it starts trained."""
    weight_decay: float = Field(1e-2, ge=0)
    schedule: Literal["one-cycle", "cyclic", "warm-restarts", "plateau", "cosine", "constant"] = "one-cycle"
    cycles: int = Field(4, ge=1)
    """Of the cyclic and warm-restarts schedules."""
    plateau_patience: int = Field(3, ge=1)
    """Epochs without a lower validation loss after which the plateau schedule cuts the rate to 0.3."""
    patience: int = Field(0, ge=0)
    """Stop early after so many epochs without a lower validation loss; 0 = never."""
    frozen_epochs: int = Field(0, ge=0)
    """First epochs in which the encoder stays as it is, batch-norm statistics included."""
    frozen_norms: bool = False
    """All batch norms keep their statistics: for batches of very few photos."""
    clip: float = Field(2.0, ge=0)
    """Largest norm of the gradient; 0 = any."""
    ema: float = Field(0.998, ge=0, lt=1)
    """Decay of the weights' running average, which is what is validated and shipped; 0 = off."""
    ships: Literal["best", "last"] = "best"
    """Which epoch's weights are the result: the one of the best Dice, or the last. With few validation photos the best
    is a matter of luck, and a schedule that ends at 0 has its best at the end."""
    precision: Literal["bf16-mixed", "16-mixed", "32-true"] = "bf16-mixed"
    seed: int = Field(0, ge=0)


class Loss(Part):
    """Shares of the losses, summing to 1, and the border's weight."""

    bce: float = Field(0.5, ge=0, le=1)
    dice: float = Field(0.5, ge=0, le=1)
    focal: float = Field(0.0, ge=0, le=1)
    tversky: float = Field(0.0, ge=0, le=1)
    boundary: float = Field(0.0, ge=0, le=1)
    border: int = Field(8, ge=0)
    """Width of the band about a person's outline where a pixel counts more."""
    border_boost: float = Field(3.0, ge=1)
    """How many times more."""

    @property
    def shares(self) -> dict[str, float]:
        """The losses that take part, by name."""
        names = ("bce", "dice", "focal", "tversky", "boundary")
        return {name: getattr(self, name) for name in names if getattr(self, name) > 0}


class Distill(Part):
    """A teacher, whose answers count beside the labels: softer, and alike where labels of several hands are not.

    After Hinton et al., "Distilling the Knowledge in a Neural Network" (arXiv 1503.02531).
    """

    teacher: str | None = None
    """A trained model: a bundled name or a .safetensors file; nothing = labels alone."""
    share: float = Field(0.5, gt=0, le=1)
    """Of the loss; the labels have the rest."""
    doubt: dict[str, float] = Field(default_factory=dict)
    """Of sources that label only some of the people: the probability from which the teacher is believed that somebody
    is where the label says nobody. Such pixels do not count against the network."""


class Augment(Part):
    """What the network sees instead of the photo as it is."""

    set: Literal["none", "original", "standard", "strong", "colourful"] = "standard"
    background: float = Field(0.0, ge=0, le=1)
    """Share of photos whose people are put before a photo of nobody, where the data has such."""
    quarters: float = Field(0.0, ge=0, le=1)
    """Share of samples made of four photos side by side: people small and cut off."""
    cloth: float = Field(0.0, ge=0, le=1)
    """Share of samples with a rag of another photo's clothes behind the people: cloth that nobody wears."""
    smallest: float = Field(0.15, gt=0, le=0.4)
    """Least height of a person pasted by a stage's compose, as a share of the photo's."""


class Data(Part):
    """Which photos, how often, and how they are read."""

    folder: Path
    """Any layout that `standout data check` knows."""
    sources: tuple[str, ...] = ()
    """Only these; all where none is named."""
    draws: dict[str, float] = Field(default_factory=dict)
    """How often a photo of a source is drawn in an epoch; 1 where a source is not named."""
    workers: int = Field(0, ge=0)
    """Processes that make batches; 0 = one on a CPU, whose cores the network needs, else up to eight."""


class Recipe(Part):
    """A training run."""

    name: str = Field(min_length=1)
    data: Data
    model: Model = Model()
    train: Train = Train()
    loss: Loss = Loss()
    distill: Distill = Distill()
    augment: Augment = Augment()
    license: str = ""
    """Of the weights, such as "CC-BY-4.0"; nothing: not stated, or that of the model it starts from, named as such."""
    second_look: float | None = Field(None, ge=0.1, le=10)
    """How many times as long and wide photos are looked at again; nothing: as the model it starts from says, or 1.3."""
    threshold: float | None = Field(None, ge=0.01, le=0.99)
    """Probability from which a pixel is person; nothing: as the model it starts from has it, or 0.5."""
    sheet_every: int = Field(5, ge=0)
    """Every so many epochs the worst validation photos are drawn; 0 = only at the end."""

    @property
    def epochs(self) -> list[Stage]:
        """The stage of every epoch."""
        return [stage for stage in self.train.stages for _ in range(stage.epochs)]


FINE_TUNE: dict[str, Any] = {
    "train": {
        "stages": [{"epochs": 12, "compose": 0.0}],
        "batch": 8,
        "lr": 4e-4,
        "encoder_lr": 0.5,
        "ema": 0.98,
    }
}
"""Settings for a few dozen photos on top of a trained model, where no recipe says otherwise; at that model's size."""


def load(path: Path | None, changes: dict[str, Any]) -> Recipe:
    """The recipe at path, or the defaults where it is None, with changes (nested like the TOML) on top.

    Stages that name no size have that of the model the run starts from. Paths in it are relative to the folder you run
    in. Raises InputError for a file that is not there or not TOML, for unknown keys (naming the nearest known one), and
    for values that do not fit, saying which would; ModelError where the size is to come from a model that is not there.
    """
    raw = _read(path) if path else {}
    if path is None and changes.get("model", {}).get("init"):
        raw = merge(raw, FINE_TUNE)
    where = str(path) if path else "the settings"
    try:
        return Recipe.model_validate(_sized(merge(raw, changes)))
    except ValidationError as error:
        raise InputError("; ".join(f"{where}: {_explain(dict(one))}" for one in error.errors())) from None


def _sized(raw: dict[str, Any]) -> dict[str, Any]:
    """The recipe whose stages without a size have that of the model it starts from, if there is one."""
    model, settings = raw.get("model"), raw.get("train", {})
    base = (model.get("init") or model.get("narrow")) if isinstance(model, dict) else None
    if not isinstance(base, str) or not isinstance(settings, dict):
        return raw
    stages = settings.get("stages", [{"epochs": EPOCHS}])
    if not isinstance(stages, list) or all(not isinstance(one, dict) or "size" in one for one in stages):
        return raw
    size = card_in(find_checkpoint(base)).size
    sized = [{"size": size} | one if isinstance(one, dict) else one for one in stages]
    return merge(raw, {"train": {"stages": sized}})


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text())
    except FileNotFoundError:
        raise InputError(f"recipe {path} does not exist") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is not valid TOML: {error}") from None


def merge(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """Base with changes on top, table by table.

    >>> merge({"train": {"lr": 1, "batch": 8}}, {"train": {"lr": 2}})
    {'train': {'lr': 2, 'batch': 8}}
    """
    merged = dict(base)
    for key, value in changes.items():
        both = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = merge(merged[key], value) if both else value
    return merged


def parse_changes(settings: list[str]) -> dict[str, Any]:
    """`--set` values as a nested dict; a value is TOML, or text where it is not.

    Raises InputError for a setting without "=".

    >>> parse_changes(["train.lr=3e-4", "model.encoder=resnet18"])
    {'train': {'lr': 0.0003}, 'model': {'encoder': 'resnet18'}}
    """
    changes: dict[str, Any] = {}
    for setting in settings:
        key, equals, text = setting.partition("=")
        if not equals or not key.strip():
            raise InputError(f"--set {setting!r} is not of the form KEY=VALUE, such as train.lr=3e-4")
        try:
            value = tomllib.loads(f"value = {text}")["value"]
        except tomllib.TOMLDecodeError:
            value = text
        for part in reversed(key.strip().split(".")):
            value = {part: value}
        changes = merge(changes, value)
    return changes


def _explain(error: dict[str, Any]) -> str:
    """One of pydantic's findings as the value got, the value wanted and the cure."""
    place = [str(part + 1) if isinstance(part, int) else str(part) for part in error["loc"]]
    key = ".".join(place)
    if error["type"] == "extra_forbidden":
        known = _keys(place[:-1])
        near = get_close_matches(place[-1], known, 1)
        hint = f"did you mean {near[0]!r}?" if near else f"known keys: {', '.join(known)}"
        return f"unknown key {key!r}; {hint}"
    if error["type"] == "missing":
        return f"{key!r} is missing"
    return f"{key} = {error['input']!r}: {error['msg'].removeprefix('Value error, ')}"


def _keys(place: list[str]) -> list[str]:
    """The keys known in the table at place (numbers are of stages)."""
    table: type[Part] = Recipe
    for name in place:
        if name == "stages":
            table = Stage
        elif not name.isdigit():
            kind = table.model_fields[name].annotation
            table = kind if isinstance(kind, type) and issubclass(kind, Part) else table
    return list(table.model_fields)
