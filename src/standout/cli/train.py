"""`standout train`: trains a model from a recipe, or from a folder of photos and masks."""

# Typer looks at these annotations as the program runs, so they must not be turned into strings by a __future__ import.

import time
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from standout.cli.show import examples, needs_extra, say
from standout.cli.signals import INTERRUPTED
from standout.errors import InputError
from standout.support.system import process_age

BEGAN = time.monotonic() - process_age()
"""When the command began, from which --minutes are counted."""

EPILOG = examples(
    ("standout train --data my/ --init standout-mobile -o runs/mine", "fine-tune the bundled model on your photos"),
    ("standout train recipes/picsart-mobilenetv2.toml -o runs/p", "train a recipe; again, to continue after a stop"),
    ("standout train RECIPE --set train.lr=3e-4 -o runs/q", "change a setting of the recipe"),
    (
        "standout train --data my/ --init standout-mobile --folds 5 -o runs/five",
        "five folds, one model",
    ),
    ("standout train RECIPE --minutes 30 -o runs/half-an-hour", "fit the schedule to half an hour"),
    ("standout train RECIPE --preview sheet.jpg", "draw what the network will see"),
    ("standout train RECIPE --find-lr lr.svg", "find a learning rate that fits"),
    ("torchrun --nproc-per-node 4 -m standout train RECIPE --devices 4 -o runs/p", "train on four GPUs"),
)


class Device(StrEnum):
    """Where a run is computed."""

    auto = "auto"
    cpu = "cpu"
    gpu = "gpu"


@dataclass(frozen=True, kw_only=True)
class TrainCommand:
    """Train a model. After a stop, the same command continues where the run was."""

    recipe: Annotated[
        Path | None, typer.Argument(metavar="RECIPE", help="The recipe, a .toml file; recipes/ holds some.")
    ] = None
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="DIR", help="The folder for the model, checkpoints, log and charts."),
    ] = None
    data: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Photos and masks, in any layout that `data check` knows.")
    ] = None
    init: Annotated[
        str | None,
        typer.Option(metavar="MODEL", help="Start from a bundled model, a .safetensors file or an .onnx export."),
    ] = None
    encoder: Annotated[
        str | None, typer.Option(metavar="NAME", help="The encoder's name in timm, such as resnet34.")
    ] = None
    decoder: Annotated[str | None, typer.Option(help="The decoder: slim, light or heavy.")] = None
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Change a setting of the recipe, such as train.lr=3e-4."),
    ] = None
    device: Annotated[Device, typer.Option(help="Where to compute.")] = Device.auto
    devices: Annotated[
        int,
        typer.Option(min=1, help="How many processes, or GPUs, train; or how many folds at once."),
    ] = 1
    nodes: Annotated[int, typer.Option(min=1, help="How many machines train.")] = 1
    folds: Annotated[
        int | None, typer.Option(metavar="N", min=2, max=20, help="Train N folds, and make one model of them.")
    ] = None
    minutes: Annotated[
        float | None, typer.Option(metavar="N", min=0.1, help="End after N minutes, with the schedule fitted to them.")
    ] = None
    preview: Annotated[
        Path | None, typer.Option(metavar="FILE.jpg", help="Only draw what the network will see, and do not train.")
    ] = None
    find_lr: Annotated[
        Path | None, typer.Option(metavar="FILE.svg", help="Only try learning rates, and draw the loss over them.")
    ] = None
    overwrite: Annotated[bool, typer.Option(help="Replace the FILE of --preview or --find-lr.")] = False

    def run(self) -> int:
        """Carries the command out and returns its exit code."""
        with needs_extra():
            from standout.train import config

        changes = config.parse_changes(self.settings or [])
        given: dict[str, Any] = {"model": {"init": self.init, "encoder": self.encoder, "decoder": self.decoder}}
        given["data"] = {"folder": str(self.data) if self.data else None}
        given |= {"folds": {"count": self.folds}, "train": {"minutes": self.minutes}}
        for table, values in given.items():
            kept = {key: value for key, value in values.items() if value is not None}
            changes = config.merge(changes, {table: kept} if kept else {})
        if self.recipe is None and self.data is None:
            raise InputError("standout train needs a RECIPE, or --data DIR with photos and masks; see --help")
        if self.recipe is None:
            changes = config.merge({"name": self.out.name if self.out else "preview"}, changes)
        plan = config.load(self.recipe, changes)
        if self.preview or self.find_lr:
            return _look(plan, self.preview, self.find_lr, self.overwrite)
        if self.out is None:
            raise InputError("standout train needs --out DIR (-o), such as -o runs/mine")
        with needs_extra():
            from standout.train import run
            from standout.train.budget import Clock
            from standout.train.folds import train_folds
        machine = run.Compute(str(self.device), self.devices, self.nodes)
        try:
            if plan.folds.count:
                train_folds(plan, self.out, machine, clock=Clock(BEGAN))
            else:
                run.train(plan, self.out, machine, clock=Clock(BEGAN))
        except KeyboardInterrupt as stop:
            say(f"stopped; the same command continues after the last complete epoch in {self.out}")
            return 128 + stop.args[0] if stop.args else INTERRUPTED
        return 0


def _look(plan: Any, preview: Path | None, find_lr: Path | None, overwrite: bool) -> int:
    """Draws the preview and finds the learning rate, whichever is asked for."""
    with needs_extra():
        from standout.train import look
    if preview:
        look.preview(plan, preview, overwrite=overwrite)
        say(f"wrote {preview}")
    if find_lr:
        rate = look.find_lr(plan, find_lr, overwrite=overwrite)
        say(f"wrote {find_lr}; try --set train.lr={rate:.1e}")
    return 0
