"""Folds in processes of their own, so that several GPUs, or the cores of one machine, train several at once."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from multiprocessing.context import SpawnProcess
from pathlib import Path

import torch

from standout.errors import InputError, StandoutError
from standout.support.system import cores
from standout.train import run
from standout.train.config import Recipe
from standout.train.folds.fold import Fold, work
from standout.train.record import say

OUTPUT = "output.txt"
"""The file in a fold's folder that holds what its process printed."""

WAIT = 0.2
"""Seconds between two looks at the processes."""


def work_all(folds: Sequence[Fold], recipes: Callable[[Fold, int], Recipe], machine: run.Compute) -> None:
    """Works on all folds, machine.devices of them at the same time, each on a device of its own.

    recipes: (fold, how many wait, with it) -> its recipe, as it begins. What a fold prints goes to its output.txt.

    Raises InputError, with the fold's own message, when a fold fails; the others are stopped then, and continue with
    the same command. Raises KeyboardInterrupt as it comes, when all processes have ended.
    """
    context = multiprocessing.get_context("spawn")
    waiting, running = list(folds), dict[int, tuple[Fold, SpawnProcess]]()
    try:
        while waiting or running:
            for place in range(machine.devices):
                if waiting and place not in running:
                    recipe, fold = recipes(waiting[0], len(waiting)), waiting.pop(0)
                    fold.folder.mkdir(parents=True, exist_ok=True)
                    say(f"fold {fold.number} begins; it prints to {fold.folder / OUTPUT}")
                    alone = replace(machine, devices=1)
                    process = context.Process(
                        target=_process, args=(fold, recipe, alone, place, machine.devices), daemon=False
                    )
                    process.start()
                    running[place] = fold, process
            time.sleep(WAIT)
            for place, (fold, process) in list(running.items()):
                if not process.is_alive():
                    del running[place]
                    if process.exitcode:
                        raise InputError(f"fold {fold.number} failed: {_last(fold.folder / OUTPUT)}")
                    say(f"fold {fold.number} is done")
    finally:
        for _, process in running.values():
            process.terminate()
        for _, process in running.values():
            process.join()


def _process(fold: Fold, recipe: Recipe, machine: run.Compute, place: int, places: int) -> None:
    """What runs in a process: the fold, on the place-th device, with its share of the cores.

    The process leaves Ctrl-C to its parent, and ends between two batches when the parent sends SIGTERM.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if machine.on_gpu:
        named = [one for one in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if one]
        os.environ["CUDA_VISIBLE_DEVICES"] = named[place] if place < len(named) else str(place)
    torch.set_num_threads(max(1, cores() // places))
    with (fold.folder / OUTPUT).open("a", buffering=1) as file:
        os.dup2(file.fileno(), sys.stderr.fileno())
        try:
            work(fold, recipe, machine)
        except StandoutError as error:
            print(f"error: {error}", file=sys.stderr, flush=True)
            sys.exit(1)
        except KeyboardInterrupt:
            sys.exit(1)


def _last(path: Path) -> str:
    """The last line that a process printed."""
    lines = path.read_text(errors="replace").strip().splitlines() if path.exists() else []
    return lines[-1].removeprefix("error: ") if lines else "it printed nothing; the system may have ended it"
