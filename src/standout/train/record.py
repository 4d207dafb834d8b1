"""run.json: what a run is made of, and how it went.

recipe     the recipe as it was checked, with all defaults
data       the number of pairs, and their fingerprint; of photos without masks, too, and the names of those left out
processes  how many processes train; each draws train.batch photos a step
network    parameters, multiply-adds
before     the scores of the model that the run starts from
slices     of a run with train.minutes: the stages in which the epochs are slices of the time
trackers   the ids of the run in W&B and MLflow, where the recipe asks for them
sessions   for each start of the run: when, on what machine, with which versions, how many seconds
results    of the epoch that ships: its scores at the network's own size, which can be compared with those before and
           after every epoch; the scores and the protocol of its card; the best threshold by source; the weights' sha256
"""

from __future__ import annotations

import json
import os
import platform
import sys
import time
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from lightning.pytorch import Trainer
from lightning.pytorch.utilities import rank_zero_only

from standout.data import Pair, fingerprint
from standout.errors import InputError
from standout.net.cost import cost
from standout.net.unet import UNet
from standout.support.atomic import write_atomic
from standout.support.system import cores
from standout.train.config import RENAMED, RESPELLED, Data, Recipe
from standout.train.unlabelled import UnlabelledPhoto, identity


class Record:
    """Keeps run.json, and prints what a reader of the terminal should know about the run.

    out: the run's folder. train, val: its pairs. processes: how many processes train.
    """

    SHIPS = frozenset({"train.ships", "license", "second_look", "threshold"})
    """Settings of the finished model: they may change when a run continues, and even after it has ended."""

    FREE = SHIPS | {
        "sheet_every",
        "log",
        "data.workers",
        "data.folder",
        "distill.unlabelled",
        "distill.boxes",
        "train.minutes",
    }
    """Settings that may change when a run continues."""

    def __init__(
        self,
        out: Path,
        recipe: Recipe,
        train: list[Pair],
        val: list[Pair],
        *,
        processes: int,
        unlabelled: Sequence[UnlabelledPhoto] = (),
    ) -> None:
        """Raises InputError when out holds a run of another recipe, other data, or another number of processes."""
        self.path, self.recipe = out / "run.json", recipe
        self.rank_zero = getattr(rank_zero_only, "rank", 0) == 0
        facts: dict[str, Any] = {
            "processes": processes,
            "recipe": _json(recipe),
            "data": {"train": len(train), "val": len(val), "fingerprint": fingerprint(train + val)},
        }
        if unlabelled:
            facts["data"]["unlabelled"] = {"photos": len(unlabelled), "fingerprint": identity(unlabelled)}
        self.facts = facts
        self.ships_anew = False
        if self.path.exists():
            before = json.loads(self.path.read_text())
            self._compare(before)
            self.facts = before | facts
        elif (out / "last.ckpt").exists():
            raise InputError(f"{out} holds a last.ckpt but no run.json, so the run cannot continue; give another --out")

    @property
    def done(self) -> bool:
        """Whether the run has ended, and its model is still what the recipe asks for."""
        return "results" in self.facts and not self.ships_anew

    @property
    def settings(self) -> dict[str, Any]:
        """The recipe as a flat dict, as trackers keep it."""
        return _flat(self.facts["recipe"])

    @property
    def trackers(self) -> dict[str, str]:
        """The ids under which trackers know the run, by the trackers' names; they add theirs."""
        known: dict[str, str] = self.facts.setdefault("trackers", {})
        return known

    def _compare(self, before: dict[str, Any]) -> None:
        """Raises InputError, saying what has changed, when run.json is of another run than the one asked for."""
        # A setting that was added to standout after the run began had its default value then.
        now = _flat(self.facts["recipe"])
        then = {RENAMED.get(key, key): value for key, value in _flat(before["recipe"]).items()}
        then |= {"augment.set": "colorful"} if then.get("augment.set") == RESPELLED else {}
        was = _flat(_json(Recipe(name="any", data=Data(folder=Path())))) | then
        self.ships_anew = any(was.get(key) != now.get(key) for key in self.SHIPS)
        changed = [
            f"{key} was {was.get(key)!r}, is {now.get(key)!r}"
            for key in sorted(was.keys() | now.keys())
            if was.get(key) != now.get(key) and key not in self.FREE
        ]
        if before["processes"] != self.facts["processes"]:
            changed.append(f"processes (--devices x --nodes) were {before['processes']}, are {self.facts['processes']}")
        if before["data"]["fingerprint"] != self.facts["data"]["fingerprint"]:
            changed.append(
                f"the data were {before['data']['train']} + {before['data']['val']} pairs, "
                f"are {self.facts['data']['train']} + {self.facts['data']['val']} pairs or different ones"
            )
        photos = [_unlabelled(facts) for facts in (before, self.facts)]
        if photos[0] != photos[1]:
            changed.append(
                f"the photos without masks were {photos[0]['photos']}, are {photos[1]['photos']} or different ones"
            )
        if changed:
            raise InputError(
                f"{self.path.parent} holds a run of another recipe: {'; '.join(changed)}. Restore the old values to "
                f"continue that run, or give another --out (and --init {self.path.parent / 'model.safetensors'} to "
                "start from its result)"
            )

    def start_from(self, measure: Callable[[], dict[str, float]]) -> None:
        """Records and prints the scores of the model that the run starts from; they are measured once a run."""
        if "before" not in self.facts:
            self.facts["before"] = measure()
        before = self.facts["before"]
        say(f"before training: validation loss {before['val_loss']:.4f}, Dice {before['val_dice']:.4f}")

    def announce(self, net: UNet) -> None:
        """Records and prints the size of the network and of the data."""
        long, short = self.recipe.epochs[-1].size
        found = cost(net, (long, short))
        self.facts["network"] = {"parameters": found.parameters, "multiply_adds": found.multiply_adds}
        if self.rank_zero:
            data = self.facts["data"]
            say(
                f"{self.recipe.model.init or self.recipe.model.encoder}: {found} at {long}x{short}; {data['train']} "
                f"photos to train on, {data['val']} to validate; {len(self.recipe.epochs)} epochs"
            )

    def sliced(self, make: Callable[[], Recipe]) -> Recipe:
        """The recipe with the slices of time that the run began with, or, where it begins, those that make gives."""
        kept = self.facts.get("slices")
        if kept is None:
            made = make()
            table = _json(made)["train"]
            self.facts["slices"] = {key: table[key] for key in ("stages", "frozen_epochs")}
        else:
            table = _json(self.recipe)
            made = Recipe.model_validate(table | {"train": table["train"] | kept})
        if self.rank_zero:
            sizes = ", ".join(f"{one.epochs} at {one.size[0]}x{one.size[1]}" for one in made.train.stages)
            say(
                f"{made.train.minutes:g} minutes in {len(made.epochs)} epochs: {sizes}; an epoch is a slice of the time"
            )
        return made

    def tell_unlabelled(self, used: int, dropped: Sequence[str]) -> None:
        """Records and prints how many photos without masks are used, and how many were left out."""
        self.facts["data"]["unlabelled"] |= {"used": used, "dropped": sorted(dropped)}
        if self.rank_zero:
            left_out = f"; left out {len(dropped)} near-duplicates of validation photos" if dropped else ""
            say(f"{used} photos without masks beside them{left_out}")

    def begin(self, trainer: Trainer) -> None:
        """Records the machine and the versions of packages of this session."""
        packages = ("standout", "torch", "lightning", "timm", "albumentations", "opencv-python-headless", "numpy")
        self.began = time.monotonic()
        session = {
            "began": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
            "machine": f"{platform.machine()}, {cores()} of {os.cpu_count()} cores, {trainer.world_size} processes, "
            f"{trainer.accelerator.__class__.__name__}",
            "python": platform.python_version(),
            "versions": {name: version(name) for name in packages},
        }
        self.facts["sessions"] = [*self.facts.get("sessions", []), session]
        self._write()

    def end(self, results: dict[str, Any]) -> None:
        """Records the results, and how long the session took."""
        self.facts["sessions"][-1]["seconds"] = round(time.monotonic() - self.began)
        self.facts["results"] = results
        self._write()

    def tell(self, model: Path) -> None:
        """Prints how the run ended."""
        results = self.facts["results"]
        before = f" (before training {self.facts['before']['val_dice']:.4f})" if "before" in self.facts else ""
        found = f"validation loss {results['val_loss']:.4f}, Dice {results['val_dice']:.4f}{before}"
        say(f"epoch {results['epoch']}, which ships: {found}")
        if results.get("protocol"):
            scores = ", ".join(f"{source} {score:.4f}" for source, score in results["scores"].items())
            say(f"on its card: {scores or 'no scores'} ({results['protocol']})")
        say(f"trained; the model is {model}, its curves are in {self.path.parent}")

    def _write(self) -> None:
        if self.rank_zero:
            write_atomic(self.path, json.dumps(self.facts, indent=1).encode(), overwrite=True)


def _json(recipe: Recipe) -> dict[str, Any]:
    """The recipe as a JSON object."""
    table: dict[str, Any] = json.loads(recipe.model_dump_json())
    return table


def _flat(table: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """A nested dict as a flat dict with dotted keys.

    >>> _flat({"train": {"lr": 1}, "name": "a"})
    {'train.lr': 1, 'name': 'a'}
    """
    flat: dict[str, Any] = {}
    for key, value in table.items():
        flat |= _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
    return flat


def say(text: str) -> None:
    """Prints a line about the run on standard error, where progress is shown too."""
    print(text, file=sys.stderr, flush=True)


def _unlabelled(facts: dict[str, Any]) -> dict[str, Any]:
    """How many photos without masks a run has, and their fingerprint."""
    found = facts["data"].get("unlabelled", {})
    return {"photos": found.get("photos", 0), "fingerprint": found.get("fingerprint")}
