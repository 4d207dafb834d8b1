"""`standout improve`: learns from corrected photos, and says what that gains."""

# Typer looks at these annotations as the program runs, so they must not be turned into strings by a __future__ import.

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from standout.cli.show import examples, needs_extra, say
from standout.cli.signals import INTERRUPTED
from standout.cli.train import Device
from standout.errors import InputError

EPILOG = examples(
    ("standout improve standout-pairs.zip -o runs/mine", "learn from what was corrected on the page"),
    ("standout improve photos/ --mask-from retouched/ -o runs/mine", "learn from retouched masks"),
    ("standout improve *.zip --check general/ -o runs/mine", "and see that nothing is lost on other photos"),
    ("standout improve new.zip --init mine.safetensors --replace mine.safetensors -o runs/2", "replace, if better"),
)


@dataclass(frozen=True, kw_only=True)
class ImproveCommand:
    """Fine-tune a model on photos you corrected, and measure the gain on photos it has not learned from."""

    corrections: Annotated[
        list[Path],
        typer.Argument(metavar="CORRECTIONS...", help="ZIP files that the page saved, or folders of photos and masks."),
    ]
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="A new folder for the model and its runs.")]
    mask_from: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Masks retouched by hand; CORRECTIONS are then their photos."),
    ] = None
    init: Annotated[
        str, typer.Option(metavar="MODEL", help="The model to improve: a bundled model or a .safetensors file.")
    ] = "standout-mobile"
    check: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Other photos with masks, on which nothing should be lost.")
    ] = None
    folds: Annotated[
        int, typer.Option(min=0, max=20, help="How often a part is left out to measure; 0 chooses by the photos.")
    ] = 0
    keep: Annotated[
        float, typer.Option(min=0, max=0.95, help="Share of the first model's weights in the result, 0 to 0.95.")
    ] = 0.5
    replace: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Put a better model in the place of FILE, which is kept as FILE-before-1."),
    ] = None
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Change a setting of the recipe, such as train.lr=2e-4."),
    ] = None
    device: Annotated[Device, typer.Option(help="Where to compute.")] = Device.auto

    def run(self) -> int:
        """Carries the command out and returns its exit code: 1 where --replace is given and the model is no better."""
        with needs_extra():
            from standout.train.corrections import improve
        if self.replace is not None and not self.replace.is_file():
            raise InputError(f"--replace {self.replace} is no file; name the model that a better one should replace")
        try:
            found = self._improved()
        except KeyboardInterrupt as stop:
            say(f"stopped; the same command continues where it was in {self.out}")
            return 128 + stop.args[0] if stop.args else INTERRUPTED
        print("\n".join(found.lines()))
        model = self.out / "model.safetensors"
        say(f"the model is {model}; nothing uses it until you name it, as in: standout cut photo.jpg --model {model}")
        if self.replace is None:
            return 0
        kept = improve.replaced(model, self.replace, found)
        if kept is None:
            say(f"{self.replace} stays as it is, since the new model is not shown to be better")
            return 1
        say(f"{self.replace} is the new model now; the one before is {kept}")
        return 0

    def _improved(self) -> Any:
        """The assessment of the new model, which is written."""
        with needs_extra():
            from standout.evaluate import pick
            from standout.train import config, run
            from standout.train.corrections.collect import TABLE, collect
            from standout.train.corrections.improve import Plan, improve
        pairs = collect(self.corrections, self.out / "pairs", masks=self.mask_from)
        given: dict[str, Any] = {
            "name": self.out.resolve().name,
            "data": {"folder": str(self.out / "pairs" / TABLE)},
            "model": {"init": self.init},
            # Batch norms would take their statistics from a few batches of photos that are all unlike the others.
            "train": {"ships": "last", "frozen_norms": True},
            "sheet_every": 0,
        }
        recipe = config.load(None, config.merge(given, config.parse_changes(self.settings or [])))
        check = pick(self.check) if self.check else []
        plan = Plan(recipe, folds=self.folds, keep=self.keep)
        return improve(pairs, plan, self.out, run.Compute(str(self.device)), check=check)
