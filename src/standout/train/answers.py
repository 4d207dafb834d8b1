"""What the teacher answers for photos without masks, drawn as the run goes on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning.pytorch import Callback, Trainer

from standout.support.atomic import write_atomic
from standout.support.draw import jpeg
from standout.train.augment import Sample, sheet
from standout.train.module import SegmentationModule, ask
from standout.train.pseudo import believed
from standout.train.unlabelled import UnlabelledKey, UnlabelledStore, UnlabelledView, collate_unlabelled


class Answers(Callback):
    """Writes answers.jpg: photos without masks, people tinted red, and pixels that are not believed darkened.

    It shows the same photos every time. every: the sheet is written after every so many epochs and after the last; 0
    means only after the last. count: how many photos it shows.
    """

    def __init__(self, out: Path, store: UnlabelledStore, *, every: int, count: int = 32) -> None:
        self.out, self.store, self.every = out, store, every
        self.chosen = np.random.default_rng(0).permutation(len(store))[:count].tolist()

    def on_train_epoch_end(self, trainer: Trainer, module: SegmentationModule) -> None:  # type: ignore[override]
        """Writes the sheet if it is due."""
        epoch, recipe = trainer.current_epoch + 1, module.recipe
        due = epoch == len(recipe.epochs) or (self.every > 0 and epoch % self.every == 0)
        if not (due and trainer.is_global_zero):
            return
        view, samples = UnlabelledView(self.store, recipe, recipe.epochs[-1]), list[Sample]()
        for photo in self.chosen:
            height, width = self.store.images[photo].shape[:2]
            batch = collate_unlabelled([view[UnlabelledKey(photo, height >= width, photo)]])
            answer = ask(module.teacher, batch.weak.to(module.device))
            target, weight = believed(answer, batch.hint.to(module.device), confidence=recipe.distill.confidence)
            image = np.ascontiguousarray(batch.weak[0].numpy().transpose(1, 2, 0))
            samples.append(Sample(image, _plane(target), _plane(weight)))
        write_atomic(self.out / "answers.jpg", jpeg(sheet(samples)), overwrite=True)


def _plane(plane: torch.Tensor) -> Any:
    """A plane of 0 and 1, (1, 1, h, w), as uint8 (h, w) of 0 and 255."""
    return (plane[0, 0] * 255).to(torch.uint8).cpu().numpy()
