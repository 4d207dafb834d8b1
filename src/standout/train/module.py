"""The network with its loss, optimizer and scores, as Lightning drives it.

batch    see batches.py
scores   dict index -> PhotoScore   of the validation photos, gathered from all processes after each epoch
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from lightning.pytorch import LightningModule
from torch import Tensor, nn

from standout.data import Pair
from standout.errors import InputError
from standout.metrics import compute, update
from standout.net.arrange import arrange
from standout.net.unet import UNet
from standout.train.averaging import Averaging
from standout.train.batches import Batch, MixedBatch
from standout.train.config import Recipe
from standout.train.groups import groups
from standout.train.losses import border_bce, combine
from standout.train.parts import Training
from standout.train.pseudo import mixed, taught
from standout.train.schedules import SCHEDULES, Plateau

if TYPE_CHECKING:
    from standout.train.budget import Budget


@dataclass(frozen=True)
class PhotoScore:
    """A validation photo's loss, and its Dice at threshold 0.5 (0..1).

    empty: whether the label shows nobody; dice is then the share of the photo that is called person.
    """

    loss: float
    dice: float
    empty: bool


class SegmentationModule(LightningModule):
    """The network of one training run, with its loss, its scores and its learning rate."""

    def __init__(
        self,
        net: UNet,
        recipe: Recipe,
        *,
        steps: int,
        train: Sequence[Pair],
        val: Sequence[Pair],
        teacher: nn.Module | None = None,
        device: str = "cpu",
    ) -> None:
        """steps: optimizer steps of the whole run. train, val: the pairs that the indices of a batch point to.

        teacher: a trained network whose answers count beside the labels; None where the recipe names none. device: what
        Lightning will move the network to, "cpu" or "cuda".
        """
        super().__init__()
        self.net, self.order = net, arrange(net, device)
        self.recipe, self.steps = recipe, max(1, steps)
        self.budget: Budget | None = None
        self.pairs, self.val_pairs = train, val
        self.loss = combine(recipe.loss.shares)
        # It is kept in a list, so that neither checkpoints nor the weight averaging treat it as part of the network.
        self.teachers = [] if teacher is None else [teacher]
        self.plateau = Plateau(recipe.train.plateau_patience)
        self.photos: dict[int, PhotoScore] = {}
        self.train_loss = 0.0

    def forward(self, image: Tensor) -> Tensor:
        """The logits, float32 (N, 1, h, w), of photos in uint8 (N, 3, h, w)."""
        logits: Tensor = self.net(to_input(image, self.order))
        return logits.float()

    # -- training

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """The optimizer; its learning rates are set anew before every step."""
        return optimizer(self.net, self.recipe.train)

    def on_train_epoch_start(self) -> None:
        """Freezes what the recipe freezes in this epoch, and seeds torch's random numbers for it."""
        settings = self.recipe.train
        torch.manual_seed(settings.seed * 100_003 + self.current_epoch)
        frozen = self.current_epoch < settings.frozen_epochs
        self.net.train()
        self.net.encoder.requires_grad_(not frozen)
        if frozen:
            self.net.encoder.eval()
        if settings.frozen_norms:
            for layer in self.net.modules():
                if isinstance(layer, nn.modules.batchnorm._BatchNorm):
                    layer.eval()
        self._losses: list[Tensor] = []

    def training_step(self, batch: Batch | MixedBatch, batch_idx: int) -> Tensor:
        """The mean loss of the batch, as a tensor with a gradient.

        Raises InputError, naming the photos, when the loss is not finite; the checkpoints of earlier epochs are kept.
        """
        image, index, settings = batch[0], batch[3], self.recipe.distill
        if isinstance(batch, MixedBatch) and self.done >= settings.burn_in * self.steps:
            free = batch.unlabelled
            logits = self(torch.cat([image, mixed(free.strong, free.mixed)]))
            answer = ask(self.teacher, free.weak)
            loss = self.labeled_loss(logits[: len(image)], batch)
            learned = taught(self.loss, logits[len(image) :], answer, free, confidence=settings.confidence)
            loss = loss + settings.unlabelled_weight * learned
        else:
            loss = self.labeled_loss(self(image), batch)
        if not torch.isfinite(loss):
            names = ", ".join(self.pairs[int(i)].image.name for i in index)
            raise InputError(
                f"the loss became {float(loss.detach())} in epoch {self.current_epoch + 1}, batch {batch_idx + 1}, "
                f"of {names}; look at these photos, or set train.lr lower than {self.recipe.train.lr} in a new --out. "
                "The checkpoints of earlier epochs are kept"
            )
        self._losses.append(loss.detach())
        return loss

    @property
    def done(self) -> float:
        """How many of the run's steps are done; of a run that takes a given time, its share of the time in steps."""
        return self.global_step if self.budget is None else self.budget.progress * self.steps

    @property
    def teacher(self) -> nn.Module:
        """The network that answers for photos without masks: the trained teacher, else the weights' running average."""
        if self.teachers:
            return self.teachers[0]
        callbacks: list[Any] = self.trainer.callbacks  # type: ignore[attr-defined]
        net: nn.Module = next(one for one in callbacks if isinstance(one, Averaging)).average.net
        return net

    def labeled_loss(self, logits: Tensor, batch: Batch | MixedBatch) -> Tensor:
        """The mean loss of the photos that have masks, in which a trained teacher has its share."""
        image, target, weight, index = batch[:4]
        if not self.teachers:
            return self.loss(logits, target, weight).mean()
        settings, answer = self.recipe.distill, ask(self.teachers[0], image)
        doubts = [settings.doubt.get(self.pairs[int(i)].source, 1.0) for i in index]
        trusted = weight * ~doubted(target, answer, doubts)
        soft = border_bce(logits, answer, weight).mean()
        return (1 - settings.share) * self.loss(logits, target, trusted).mean() + settings.share * soft

    def on_before_optimizer_step(self, optimizer: torch.optim.Optimizer) -> None:
        """Sets this step's learning rate, which depends on the steps done, or the time, and on the plateau's state."""
        settings = self.recipe.train
        share = SCHEDULES[settings.schedule](self.done, self.steps, settings.cycles) * self.plateau.factor
        for group in optimizer.param_groups:
            group["lr"] = settings.lr * group["share"] * share

    def on_train_epoch_end(self) -> None:
        """Unfreezes the encoder, so that checkpoints and callbacks between epochs see the network unfrozen."""
        self.net.encoder.requires_grad_(True)

    # -- validation

    def on_validation_epoch_start(self) -> None:
        """Forgets the scores of the epoch before, and sums up the training loss, since validation ends the epoch."""
        self.photos = {}
        losses = getattr(self, "_losses", [])
        self.train_loss = float(torch.stack(losses).mean()) if losses else 0.0

    def validation_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Scores the photos of the batch and returns their logits, which callbacks draw."""
        image, target, weight, index = batch
        logits: Tensor = self(image)
        losses = self.loss(logits, target, weight)
        for row, i in enumerate(index.tolist()):
            self.photos[i] = score(logits[row], target[row], weight[row], loss=float(losses[row]))
        return logits

    def on_validation_epoch_end(self) -> None:
        """Logs the mean scores over all photos of all processes.

        Raises InputError when the loss is not finite, before any checkpoint of this epoch is written.
        """
        if self.trainer.world_size > 1:
            every: list[dict[int, PhotoScore]] = [{} for _ in range(self.trainer.world_size)]
            torch.distributed.all_gather_object(every, self.photos)
            self.photos = {index: photo for part in every for index, photo in part.items()}
            losses = self.all_gather(torch.tensor(self.train_loss))
            self.train_loss = float(torch.as_tensor(losses).mean())
        means = summary(self.photos, self.val_pairs)
        if not torch.isfinite(torch.tensor(means["val_loss"])):
            raise InputError(
                f"the validation loss became {means['val_loss']} after epoch {self.current_epoch + 1}; set train.lr "
                f"lower than {self.recipe.train.lr} in a new --out. The checkpoints of earlier epochs are kept"
            )
        if self.recipe.train.schedule == "plateau":
            self.plateau.update(means["val_loss"])
        self.log_dict({"loss": self.train_loss} | means, rank_zero_only=False, sync_dist=False)

    # -- checkpoints

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Saves the state of the plateau schedule with the checkpoint."""
        checkpoint["plateau"] = [self.plateau.factor, self.plateau.best, self.plateau.waited]

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Restores the state of the plateau schedule from the checkpoint."""
        self.plateau.factor, self.plateau.best, self.plateau.waited = checkpoint["plateau"]


def to_input(image: Tensor, order: torch.memory_format) -> Tensor:
    """The network's input, RGB float32 0..1 in the order of arrange, from photos in uint8; both (N, 3, h, w)."""
    return (image.float() / 255).contiguous(memory_format=order)


@torch.no_grad()
def ask(teacher: nn.Module, image: Tensor) -> Tensor:
    """The teacher's probability, float32 (N, 1, h, w) in 0..1, for photos in uint8 (N, 3, h, w)."""
    order = arrange(teacher.to(image.device), image.device.type)
    logits: Tensor = teacher(to_input(image, order))
    return logits.float().sigmoid()


def doubted(target: Tensor, answer: Tensor, levels: Sequence[float]) -> Tensor:
    """The pixels where the label says nobody and the teacher's probability exceeds the photo's level; (N, 1, h, w).

    target, answer: float (N, 1, h, w), 0..1. levels: a probability for each of the N photos.

    >>> doubted(torch.tensor([[[[0.0, 0.0, 1.0]]]]), torch.tensor([[[[0.8, 0.95, 0.95]]]]), [0.9])
    tensor([[[[False,  True, False]]]])
    """
    level = torch.tensor(levels, device=answer.device).view(-1, 1, 1, 1)
    return (target < 0.5) & (answer > level)


def score(logits: Tensor, target: Tensor, weight: Tensor, *, loss: float, threshold: float = 0.5) -> PhotoScore:
    """One photo's scores from its planes, each (1, h, w), by the metrics that evaluation uses.

    threshold: the probability from which a pixel is called person. Pixels of weight 0 do not count.
    """
    planes = (logits >= math.log(threshold / (1 - threshold)), target > 0.5, weight > 0)
    sums = update(*(plane.cpu().numpy() for plane in planes))
    found = compute(sums)
    return PhotoScore(loss, found.dice if sums.truth else found.area, empty=sums.truth == 0)


def summary(photos: dict[int, PhotoScore], pairs: Sequence[Pair]) -> dict[str, float]:
    """Mean loss and mean Dice, over all photos and by source, named as in log.csv.

    "val_empty", where some photos show nobody, is the mean share of them that is called person.
    """
    means = {"val_loss": _mean([photo.loss for photo in photos.values()])}
    shown = {index: photo.dice for index, photo in photos.items() if not photo.empty}
    means["val_dice"] = _mean(list(shown.values()))
    for source in sorted({pairs[index].source for index in shown}):
        means[f"dice_{source}"] = _mean([dice for index, dice in shown.items() if pairs[index].source == source])
    empty = [photo.dice for photo in photos.values() if photo.empty]
    return means | ({"val_empty": _mean(empty)} if empty else {})


def _mean(values: list[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def optimizer(net: UNet, settings: Training) -> torch.optim.Optimizer:
    """The optimizer over the groups of weights.

    adam couples its decay with the gradient, as in the original (Kingma and Ba, arXiv 1412.6980); adamw decouples it
    (Loshchilov and Hutter, arXiv 1711.05101); sgd has Nesterov momentum 0.9.
    """
    split = groups(net, lr=settings.lr, encoder_lr=settings.encoder_lr, weight_decay=settings.weight_decay)
    if settings.optimizer == "sgd":
        return torch.optim.SGD(split, lr=settings.lr, momentum=0.9, nesterov=True)
    kind = torch.optim.Adam if settings.optimizer == "adam" else torch.optim.AdamW
    return kind(split, lr=settings.lr)
