"""One fold: a plain run without the fold's photos, and then the run's answers for them.

answers.json   {"sha256": of the weights that answered, "photos": [Score.row() with "fold", "mask" and "part"]}
mask           PNG, gray, 8 bits, of the photo's size: probability of person, 128 and more is called person
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

from standout import images
from standout.data import Pair, read_label
from standout.errors import OutputError
from standout.evaluate.measure import Settings, level_of, mask_of
from standout.evaluate.photos import Score, score
from standout.net.header import card_in
from standout.runtimes import pytorch
from standout.segmenter import Segmenter
from standout.support.atomic import write_atomic
from standout.support.system import cores
from standout.train import run
from standout.train.budget import Clock
from standout.train.callbacks import going
from standout.train.config import Recipe
from standout.train.parts import Folds
from standout.train.record import say
from standout.types import Mask


@dataclass(frozen=True)
class Fold:
    """A fold's number (1 is the first), its pairs to train on and those left out, and the folder of all folds.

    masks: the file for the answer to each pair left out, relative to that folder.
    """

    number: int
    splits: run.Splits
    masks: tuple[str, ...]
    out: Path

    @property
    def folder(self) -> Path:
        """The folder of the fold's run."""
        return self.out / f"fold-{self.number}"

    @property
    def model(self) -> Path:
        """The fold's model."""
        return self.folder / "model.safetensors"

    @property
    def answers(self) -> Path:
        """The file with the scores of the answers."""
        return self.folder / "answers.json"


def recipe_of(recipe: Recipe, fold: Fold) -> Recipe:
    """The recipe of a fold's run. Its last epoch ships, as the photos left out would choose the best one."""
    train = recipe.train.model_copy(update={"ships": "last"})
    return recipe.model_copy(update={"name": f"{recipe.name}-fold-{fold.number}", "train": train, "folds": Folds()})


def work(fold: Fold, recipe: Recipe, machine: run.Compute, *, clock: Clock | None = None) -> None:
    """Trains the fold and answers the photos that it left out, unless both is done already.

    clock: from which the recipe's train.minutes are counted; None means from now on.
    """
    model = run.train(recipe_of(recipe, fold), fold.folder, machine, splits=fold.splits, clock=clock, scored=False)
    if not answered(fold):
        segmenter = Segmenter(pytorch.open(model, device="cuda" if machine.on_gpu else "cpu"))
        pairs = fold.splits[1]
        with going(f"answering the photos of fold {fold.number}", len(pairs)) as tick:
            scores = answer(pairs, segmenter, [fold.out / one for one in fold.masks], tick=tick)
        write_rows(fold.answers, rows(scores, fold.masks, fold.number, "train"), sha256=segmenter.card.sha256)


def answered(fold: Fold) -> bool:
    """Whether the answers of the fold's finished model are there."""
    if not (fold.answers.is_file() and fold.model.is_file()):
        return False
    return bool(json.loads(fold.answers.read_text())["sha256"] == card_in(fold.model).sha256)


def answer(
    pairs: Sequence[Pair], segmenter: Segmenter, masks: Sequence[Path] = (), *, tick: Callable[[], None] = lambda: None
) -> list[Score]:
    """The scores of the segmenter's masks, which are written to the files masks if there are any.

    tick: called after each photo. Raises InputError, naming the file, when a photo or its mask cannot be read, and
    OutputError when a mask cannot be written.
    """
    settings = Settings()
    threshold = level_of(segmenter, settings)

    def one(number: int) -> Score:
        pair = pairs[number]
        photo = images.read(pair.image)
        label = read_label(pair, photo.image.shape[:2])
        mask = mask_of(photo, segmenter, settings)
        if masks:
            write_mask(mask, masks[number])
        tick()
        return score(mask, label, threshold=threshold, tolerance=settings.tolerance, name=pair.name, source=pair.source)

    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # photos are answered side by side, a thread for each
    try:
        with ThreadPoolExecutor(cores()) as pool:
            return list(pool.map(one, range(len(pairs))))
    finally:
        torch.set_num_threads(threads)


def write_mask(mask: Mask, path: Path) -> None:
    """Writes a mask in 0..1 as a gray PNG. Raises OutputError when it cannot be written."""
    whole, data = cv2.imencode(".png", np.rint(mask * 255).astype(np.uint8))
    if not whole:
        raise OutputError(f"{path}: the mask of {mask.shape[1]}x{mask.shape[0]} pixels cannot be encoded as PNG")
    write_atomic(path, data.tobytes(), overwrite=True)


def rows(scores: Sequence[Score], masks: Sequence[str], fold: int, part: str) -> list[dict[str, Any]]:
    """The rows of answers.json. fold: 0 where a model of all folds answered. part: of the data, "train" or "val"."""
    return [score.row() | {"fold": fold, "mask": mask, "part": part} for score, mask in zip(scores, masks, strict=True)]


def write_rows(path: Path, found: list[dict[str, Any]], *, sha256: str) -> None:
    """Writes answers.json."""
    write_atomic(path, json.dumps({"sha256": sha256, "photos": found}, indent=1).encode(), overwrite=True)


def read_answers(fold: Fold) -> list[dict[str, Any]]:
    """The rows of the photos that the fold left out."""
    found: list[dict[str, Any]] = json.loads(fold.answers.read_text())["photos"]
    return found


def begin(fold: Fold, count: int) -> None:
    """Says on standard error which fold begins."""
    say(f"fold {fold.number} of {count}: {len(fold.splits[0])} photos to train on, {len(fold.splits[1])} left out")


def parted(pairs: Sequence[Pair], part: str) -> list[Pair]:
    """The pairs with that part, since a run's record tells its parts apart by it."""
    return [replace(pair, split=part) for pair in pairs]
