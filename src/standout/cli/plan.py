"""`standout plan`: a recipe for your photos and your time."""

# Typer looks at these annotations as the program runs, so they must not be turned into strings by a __future__ import.

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from standout.cli.show import examples, needs_extra, say
from standout.cli.train import Device
from standout.errors import OutputError

EPILOG = examples(
    ("standout plan my/ --minutes 30 -o mine.toml", "write a recipe for half an hour on this machine"),
    ("standout train mine.toml -o runs/mine", "train it"),
)


@dataclass(frozen=True, kw_only=True)
class PlanCommand:
    """Look at photos and masks, measure this machine for a few seconds, and write a recipe for `standout train`."""

    data: Annotated[Path, typer.Argument(metavar="DATA", help="Photos and masks, in any layout `data check` knows.")]
    minutes: Annotated[float, typer.Option(metavar="N", min=0.5, help="How long the training may take.")] = 30.0
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="FILE.toml", help="The recipe; default: standard output.")
    ] = None
    device: Annotated[Device, typer.Option(help="Where the training will be computed.")] = Device.auto
    overwrite: Annotated[bool, typer.Option(help="Replace a FILE.toml that exists.")] = False

    def run(self) -> int:
        """Carries the command out and returns its exit code."""
        if self.out is not None and self.out.exists() and not self.overwrite:
            raise OutputError(f"{self.out} exists and is kept; use --overwrite to replace it")
        with needs_extra():
            from standout.train import plan, run
        from standout.support.atomic import write_atomic

        found = plan.propose(self.data, self.minutes, run.Compute(str(self.device)))
        text = found.to_toml(self.data, self.out.stem if self.out else self.data.stem or "mine")
        for line in [*found.traits.lines(), *found.reasons]:
            say(line)
        if self.out is None:
            print(text, end="")
            return 0
        write_atomic(self.out, text.encode(), overwrite=self.overwrite)
        say(f"wrote {self.out}; standout train {self.out} -o runs/{self.out.stem} takes {found.minutes:.3g} minutes")
        return 0
