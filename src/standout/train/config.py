"""A recipe: what a training run is made of, read from TOML and checked before anything heavy is loaded.

Lengths are in pixels of the network's input; shares and probabilities are 0..1.

To add a setting: a field with its default in the table it belongs to, and below it a docstring, which the reference
shows.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError, field_validator, model_validator

from standout.errors import InputError, suggestion
from standout.models.registry import find_checkpoint
from standout.net.header import card_in
from standout.train.distill import Distill
from standout.train.parts import EPOCHS, Folds, Part, Stage, Training

RENAMED = {"model.narrow": "model.prune"}
"""Keys of older recipes and the keys that took their place."""

RESPELLED = "colourful"
"""The value of augment.set in older recipes that is spelled "colorful" now."""


Tracker = Literal["tensorboard", "wandb", "mlflow"]
"""The trackers of logs.TRACKERS."""


class Model(Part):
    """The network, and where its first weights come from."""

    encoder: str = "mobilenetv2_100"
    """Any timm model with five feature maps, each half the size of the one before."""
    decoder: Literal["slim", "light", "heavy"] = "light"
    """light has depthwise-separable convolutions, slim has half of its channels, and heavy has plain 3x3
    convolutions."""
    encoder_weights: str | None = None
    """The encoder's first weights: a .safetensors or .pth file, "package:NAME" for the file in an installed package, or
    "timm" for timm's own source, which needs the network. Without them, the encoder starts from random weights."""
    init: str | None = None
    """The trained model that the run starts from: a bundled name, a .safetensors file, or an .onnx export in float32 or
    float16. It brings its own encoder, decoder, size, TTA scale and threshold."""
    prune: str | None = None
    """A trained model with a wider encoder of the same shape. The new model starts with its most important channels,
    which standout[prune] finds."""


class Loss(Part):
    """The shares of the losses, which sum to 1, and the weight of pixels near an outline."""

    bce: float = Field(0.5, ge=0, le=1)
    """Share of binary cross-entropy."""
    dice: float = Field(0.5, ge=0, le=1)
    """Share of -log Dice of each photo."""
    focal: float = Field(0.0, ge=0, le=1)
    """Share of the focal loss."""
    tversky: float = Field(0.0, ge=0, le=1)
    """Share of the Tversky loss."""
    boundary: float = Field(0.0, ge=0, le=1)
    """Share of the boundary loss."""
    matting: float = Field(0.0, ge=0, le=1)
    """Share of the matting loss, for masks with soft hair: the difference, its gradient and its Laplacian pyramid near
    the outline."""
    border: int = Field(8, ge=0)
    """Width in pixels of the band around a person's outline in which a pixel counts more."""
    border_boost: float = Field(3.0, ge=1)
    """How many times as much a pixel in that band counts."""

    @property
    def shares(self) -> dict[str, float]:
        """The losses that take part, by name."""
        names = ("bce", "dice", "focal", "tversky", "boundary", "matting")
        return {name: getattr(self, name) for name in names if getattr(self, name) > 0}


class Augment(Part):
    """How photos are changed before the network sees them."""

    set: Literal["none", "original", "standard", "strong", "colorful"] = "standard"
    """original flips, shifts, scales, turns and relights photos; strong adds lamp light, night and defocus to standard,
    and colorful shows a third of the photos in other hues or in gray."""
    background: float = Field(0.0, ge=0, le=1)
    """Share of photos whose people are put before a photo of nobody, if the data have such photos."""
    quarters: float = Field(0.0, ge=0, le=1)
    """Share of samples that are made of four photos side by side, in which people are small and cut off."""
    cloth: float = Field(0.0, ge=0, le=1)
    """Share of samples with a piece of clothing of another photo behind the people, as cloth that nobody wears."""
    smallest: float = Field(0.15, gt=0, le=0.4)
    """The smallest height of a person that is pasted by a stage's compose, as a share of the photo's height."""

    turned: float = Field(0.0, ge=0, le=1)
    """Share of samples that are turned by any angle, so that people upside down and in mid-air are found."""
    singles: float = Field(0.0, ge=0, le=1)
    """Share of pasted people that are one person of a photo alone, if an instances/ folder beside masks/ tells them
    apart: gray pictures with 0 for nobody, 1, 2, ... for each person and 255 for unclear pixels."""

    @field_validator("set", mode="before")
    @classmethod
    def _respelled(cls, name: Any) -> Any:
        return "colorful" if name == RESPELLED else name


class Data(Part):
    """Which photos, how often, and how they are read."""

    folder: Path
    """A folder or file in any layout that standout data check knows."""
    sources: tuple[str, ...] = ()
    """Only photos of these sources are used; without any, those of all sources."""
    draws: dict[str, float] = Field(default_factory=dict)
    """How often each photo of a source is drawn in an epoch, such as { coco = 3.5 }; once if the source is not
    named."""
    workers: int = Field(0, ge=0)
    """Processes that make batches; 0 means one on a CPU, whose cores the network needs, and up to eight on a GPU."""


class Recipe(Part):
    """A training run."""

    name: str = Field(min_length=1)
    """The name of the model."""
    data: Data
    model: Model = Model()
    train: Training = Training()
    loss: Loss = Loss()
    distill: Distill = Distill()
    folds: Folds = Folds()
    augment: Augment = Augment()
    license: str = ""
    """The license of the weights, such as "CC-BY-4.0". Without one, the card states none, or that of the base weights,
    named as such."""
    second_look: float | None = Field(None, ge=0.1, le=10)
    """TTA scale: how many times as long and wide photos are in the second pass. Without it, that of the base model, or
    1.3."""
    threshold: float | None = Field(None, ge=0.01, le=0.99)
    """The probability from which a pixel is person. Without it, that of the base model, or 0.5."""
    log: tuple[Tracker, ...] = ("tensorboard",)
    """Where the scores of every epoch go beside log.csv: "tensorboard", "wandb", "mlflow" or several of them. W&B stays
    offline unless WANDB_MODE says otherwise, and MLflow writes into the run's folder unless MLFLOW_TRACKING_URI names
    another place."""
    sheet_every: int = Field(5, ge=0)
    """After every so many epochs the worst validation photos are drawn; 0 means only at the end."""

    @field_validator("log", mode="before")
    @classmethod
    def _one_or_several(cls, log: Any) -> Any:
        return (log,) if isinstance(log, str) else log

    @model_validator(mode="after")
    def _agrees(self) -> Recipe:
        taught = self.distill
        if taught.unlabelled and not taught.teacher and not self.train.ema:
            raise ValueError(
                "distill.unlabelled needs a teacher: name one as distill.teacher, or let the running average of the "
                "weights teach, with train.ema above 0, such as 0.998"
            )
        if taught.boxes and not taught.unlabelled:
            raise ValueError("distill.boxes is of photos without masks; name their folder as distill.unlabelled")
        return self

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
    base = (model.get("init") or model.get("prune")) if isinstance(model, dict) else None
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
    if not place:
        return str(error["msg"]).removeprefix("Value error, ")
    if error["type"] == "extra_forbidden":
        if key in RENAMED:
            return f"{key!r} is called {RENAMED[key]!r} now; rename it"
        known = _keys(place[:-1])
        hint = suggestion(place[-1], known, f"known keys: {', '.join(known)}")
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
