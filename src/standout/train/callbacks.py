"""What a run shows and keeps as it goes on: progress, log.csv, curves, the worst validation photos, checkpoints.

To add something that happens at every batch or epoch: a lightning Callback, listed in run._callbacks.
"""

from __future__ import annotations

import csv
import heapq
import io
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import Callback, Trainer
from lightning.pytorch.plugins.io import TorchCheckpointIO
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from torch import Tensor

from standout.errors import OutputError
from standout.support import draw
from standout.support.atomic import discard, part_for, publish, write_atomic
from standout.train import charts
from standout.train.batches import Batch
from standout.train.module import SegmentationModule
from standout.types import Bytes

SIDE = 256
"""Side in pixels of a photo on the sheet of the worst photos."""


class Bar(Callback):
    """A progress bar for each epoch, with loss, photos a second and the time left; without a terminal, only a line."""

    def __init__(self) -> None:
        self.bar: Progress | None = None

    def on_train_epoch_start(self, trainer: Trainer, module: SegmentationModule) -> None:  # type: ignore[override]
        """Starts the bar of the epoch."""
        budget = module.budget
        self.began = time.monotonic()
        self.total = budget.expected if budget else int(trainer.num_training_batches)
        if not trainer.is_global_zero:
            return
        size = module.recipe.epochs[trainer.current_epoch].size
        head = f"epoch {trainer.current_epoch + 1}/{len(module.recipe.epochs)}  {size[0]}x{size[1]}"
        columns = (
            TextColumn("{task.description}"),
            BarColumn(None),
            MofNCompleteColumn(),
            TextColumn("loss {task.fields[loss]:.4f}  {task.fields[rate]:.1f} photos/s  {task.fields[left]} left"),
        )
        if sys.stderr.isatty():
            self.bar = Progress(*columns, console=Console(stderr=True), transient=True)
            self.bar.start()
            self.row = self.bar.add_task(head, total=self.total, loss=0.0, rate=0.0, left="?")

    def on_train_batch_end(  # type: ignore[override]
        self, trainer: Trainer, module: SegmentationModule, outputs: Any, batch: Batch, batch_idx: int
    ) -> None:
        """Moves the bar on by a step."""
        if self.bar is None:
            return
        done = batch_idx + 1
        pace = (time.monotonic() - self.began) / done
        epochs = len(module.recipe.epochs) - trainer.current_epoch - 1
        self.bar.update(
            self.row,
            completed=done,
            loss=float(outputs["loss"]),
            rate=len(batch[3]) * trainer.world_size / pace,
            left=clock(module.budget.left() if module.budget else pace * (self.total - done + epochs * self.total)),
        )

    def on_validation_end(self, trainer: Trainer, module: SegmentationModule) -> None:  # type: ignore[override]
        """Removes the bar and prints the epoch's line."""
        self.stop()
        if trainer.is_global_zero:
            means = trainer.callback_metrics
            size = module.recipe.epochs[trainer.current_epoch].size
            print(
                f"epoch {trainer.current_epoch + 1:3d}  {size[0]}x{size[1]}  loss {float(means['loss']):.4f}  "
                f"validation: loss {float(means['val_loss']):.4f}, Dice {float(means['val_dice']):.4f}  "
                f"({clock(time.monotonic() - self.began)})",
                file=sys.stderr,
                flush=True,
            )

    def on_exception(self, trainer: Trainer, module: Any, exception: BaseException) -> None:
        """Removes the bar, so that the terminal is left in order."""
        self.stop()

    def stop(self) -> None:
        """Removes the bar if there is one."""
        if self.bar is not None:
            self.bar.stop()
            self.bar = None


@contextmanager
def going(what: str, total: int, *, wanted: bool = True) -> Iterator[Callable[[], None]]:
    """A function to call after each photo, which moves a progress bar if there is a terminal.

    what: what is being done, as the label of the bar. total: the number of photos. wanted: False shows no bar.
    """
    if not wanted or not sys.stderr.isatty():
        yield lambda: None
        return
    columns = (TextColumn(what), BarColumn(None), MofNCompleteColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        row = bar.add_task("", total=total)
        yield lambda: bar.advance(row)


def clock(seconds: float) -> str:
    """A length of time as text.

    >>> clock(42), clock(754), clock(7384)
    ('42 s', '12:34 min', '2:03 h')
    """
    if seconds < 60:
        return f"{seconds:.0f} s"
    if seconds < 3600:
        return f"{int(seconds) // 60}:{int(seconds) % 60:02d} min"
    return f"{int(seconds) // 3600}:{int(seconds) % 3600 // 60:02d} h"


class Journal(Callback):
    """Writes log.csv and curves.svg anew after every epoch."""

    def __init__(self, out: Path) -> None:
        self.out = out

    def on_train_epoch_start(self, trainer: Trainer, module: SegmentationModule) -> None:  # type: ignore[override]
        """Starts the clock of the epoch."""
        self.began, self.photos = time.monotonic(), 0

    def on_train_batch_end(  # type: ignore[override]
        self, trainer: Trainer, module: SegmentationModule, outputs: Any, batch: Batch, batch_idx: int
    ) -> None:
        """Counts the photos, and takes the time up to here, so that validation is not timed."""
        self.photos += len(batch[3]) * trainer.world_size
        self.seconds = time.monotonic() - self.began

    def on_validation_end(self, trainer: Trainer, module: SegmentationModule) -> None:  # type: ignore[override]
        """Writes the log with the epoch's row, without rows of this and later epochs from before a resume."""
        if not trainer.is_global_zero:
            return
        epoch = trainer.current_epoch + 1
        row = {"epoch": float(epoch), "seconds": self.seconds, "photos_per_second": self.photos / self.seconds}
        row["lr"] = trainer.optimizers[0].param_groups[-1]["lr"]
        row |= {name: float(value) for name, value in trainer.callback_metrics.items()}
        rows = [one for one in read_log(self.out / "log.csv") if one["epoch"] < epoch] + [row]
        text = io.StringIO()
        writer = csv.DictWriter(text, list(row), restval="", extrasaction="ignore")
        writer.writeheader()
        writer.writerows({key: f"{value:.6g}" for key, value in one.items()} for one in rows)
        write_atomic(self.out / "log.csv", text.getvalue().encode(), overwrite=True)
        charts.curves(rows, self.out / "curves.svg")


def read_log(path: Path) -> list[dict[str, float]]:
    """The rows of a log.csv; none where there is no such file."""
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return [{key: float(value) for key, value in row.items() if value} for row in csv.DictReader(file)]


class Worst(Callback):
    """Writes worst.jpg: the validation photos of the lowest Dice, or, without people, the most false area.

    Each photo is shown with the outlines of its label and of the mask that was found. every: the sheet is written after
    every so many epochs and after the last; 0 means only after the last. count: how many photos it shows.
    """

    def __init__(self, out: Path, *, every: int, count: int = 24) -> None:
        self.out, self.every, self.count = out, every, count
        self.heap: list[tuple[float, int, Bytes]] = []

    def on_validation_epoch_start(self, trainer: Trainer, module: SegmentationModule) -> None:  # type: ignore[override]
        """Forgets the photos of the epoch before."""
        self.heap = []

    def on_validation_batch_end(  # type: ignore[override]
        self,
        trainer: Trainer,
        module: SegmentationModule,
        outputs: Tensor,
        batch: Batch,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Keeps tiles of those photos of the batch that are among the worst so far."""
        for row, index in enumerate(batch[3].tolist()):
            photo = module.photos[index]
            badness = photo.dice if photo.empty else 1 - photo.dice
            if len(self.heap) < self.count or badness > self.heap[0][0]:
                shown = tile(batch[0][row], batch[1][row], batch[2][row], outputs[row], module.val_pairs[index].name)
                entry = (badness, index, shown)
                heapq.heappush(self.heap, entry) if len(self.heap) < self.count else heapq.heapreplace(self.heap, entry)

    def on_validation_end(self, trainer: Trainer, module: SegmentationModule) -> None:  # type: ignore[override]
        """Writes the sheet, worst photo first, if it is due."""
        epoch, last = trainer.current_epoch + 1, len(module.recipe.epochs)
        due = epoch == last or (self.every > 0 and epoch % self.every == 0)
        if due and trainer.is_global_zero and self.heap:
            tiles = [shown for _, _, shown in sorted(self.heap, key=lambda entry: -entry[0])]
            write_atomic(self.out / "worst.jpg", draw.jpeg(draw.mosaic(tiles, columns=6)), overwrite=True)


def tile(image: Tensor, target: Tensor, weight: Tensor, logits: Tensor, name: str) -> Bytes:
    """A validation photo as a square with its name below: label outlined green, mask red, uncounted pixels dark.

    image: uint8 (3, h, w). target, weight, logits: (1, h, w). The tile is uint8 (SIDE + 20, SIDE, 3).
    """
    planes = {"truth": target[0] > 0.5, "found": logits[0] >= 0, "counts": weight[0] > 0}
    masks = {key: plane.cpu().numpy() for key, plane in planes.items()}
    shown = draw.outlined(image.cpu().numpy().transpose(1, 2, 0), **masks)
    return draw.captioned(draw.boxed(shown, SIDE, level=0), name)


class Interrupt(Callback):
    """Makes Ctrl-C end the run between two batches, where nothing is half done; pressed again, it ends it at once.

    SIGTERM and SIGHUP do the same where they already have a handler, as on the command line. number: the signal that
    came first.
    """

    def __init__(self) -> None:
        self.pressed = False
        self.number: int = signal.SIGINT

    def __enter__(self) -> Interrupt:
        """Installs its handlers, except for ignored signals, if this is the main thread, as Python requires."""
        self.before: dict[int, Any] = {}
        if threading.current_thread() is threading.main_thread():
            others = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
            heard = [number for number in (signal.SIGINT, *others) if signal.getsignal(number) is not signal.SIG_IGN]
            heard = [one for one in heard if one == signal.SIGINT or callable(signal.getsignal(one))]
            self.before = {number: signal.signal(number, self.press) for number in heard}
        return self

    def __exit__(self, *_: object) -> None:
        """Restores the handlers that were there before."""
        for number, handler in self.before.items():
            signal.signal(number, handler)

    def press(self, number: int = signal.SIGINT, *_: object) -> None:
        """Asks for the end of the run after this batch; raises KeyboardInterrupt when called again."""
        if self.pressed:
            raise KeyboardInterrupt
        self.pressed, self.number = True, number

    def on_train_batch_end(self, *_: Any) -> None:
        """Raises KeyboardInterrupt if the run is to end."""
        if self.pressed:
            raise KeyboardInterrupt

    def on_validation_batch_end(self, *_: Any) -> None:
        """Raises KeyboardInterrupt if the run is to end."""
        self.on_train_batch_end()


BEST = "best-"
"""Prefix of the names of checkpoints that hold only the weights that may ship, which are the averaged ones."""


class SafeCheckpoints(TorchCheckpointIO):
    """Writes each checkpoint whole or not at all: the earlier one stays until the new one is complete.

    Lightning's own weights-only checkpoints would hold the weights in training, since it does not let a callback
    replace them by the average.
    """

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
        """Writes the checkpoint beside path and renames it.

        Raises OutputError when it cannot be written, as on a full disk.
        """
        target = Path(path)
        if target.name.startswith(BEST):
            checkpoint = {key: checkpoint[key] for key in ("epoch", "global_step", "state_dict")}
        part = part_for(target, overwrite=True)
        try:
            torch.save(checkpoint, part)
            publish(part, target, overwrite=True)
        except (OSError, RuntimeError) as error:  # torch reports a full disk as a RuntimeError
            raise OutputError(
                f"{target} could not be written ({str(error).splitlines()[0]}); free some disk space, then give the "
                "same command: it continues from the checkpoint before"
            ) from None
        finally:
            discard(part)
