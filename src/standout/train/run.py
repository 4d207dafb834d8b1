"""One training run, from a recipe to a model with its card; a run that was stopped continues where it was.

What the folder of a run holds:

    run.json            recipe, data fingerprint, versions, machine, timings, results
    log.csv, curves.svg, tensorboard/    the scores of every epoch
    worst.jpg           the worst validation photos
    answers.jpg         the teacher's answers for photos without masks, if there are any
    last.ckpt           the state from which the run continues
    best-dice.ckpt, best-loss.ckpt       the weights of the best epochs so far
    model.safetensors   the result: the weights of best-dice.ckpt with their card
    threshold.svg       Dice at each threshold
"""

from __future__ import annotations

import logging
import warnings
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from lightning.pytorch import Callback, Trainer, seed_everything
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint
from lightning.pytorch.loggers import Logger
from lightning.pytorch.strategies import DDPStrategy
from torch import nn

from standout.data import Pair, find_pairs, find_splits
from standout.errors import InputError, SetupError
from standout.models import registry
from standout.models.card import ModelCard
from standout.net import checkpoint
from standout.net.header import card_in
from standout.net.prune import prune
from standout.net.unet import UNet
from standout.support.system import cores
from standout.support.version import __version__
from standout.train import finish
from standout.train.answers import Answers
from standout.train.averaging import Averaging
from standout.train.batches import Batches, draw_order
from standout.train.budget import Budget, Clock, sliced
from standout.train.callbacks import BEST, Bar, Interrupt, Journal, SafeCheckpoints, Worst, going
from standout.train.config import Recipe
from standout.train.logs import tracked
from standout.train.module import SegmentationModule
from standout.train.pace import measure_rates
from standout.train.record import Record
from standout.train.store import STORED_SIDE, Store
from standout.train.unlabelled import SHARPER, UnlabelledPhoto, UnlabelledStore, find_photos, looks


@dataclass(frozen=True)
class Compute:
    """Where a run is computed.

    device: "auto", "cpu" or "gpu". devices: processes on each machine, one for each GPU. nodes: machines.
    """

    device: str = "auto"
    devices: int = 1
    nodes: int = 1

    @property
    def processes(self) -> int:
        """How many processes train in all."""
        return self.devices * self.nodes

    @property
    def on_gpu(self) -> bool:
        """Whether the run is computed by CUDA. Raises SetupError when a GPU is asked for and there is none."""
        there = torch.cuda.is_available()
        if self.device == "gpu" and not there:
            raise SetupError(
                "--device gpu: torch finds no CUDA device here; install a CUDA build of torch, or use --device cpu"
            )
        return there and self.device != "cpu"


Splits = tuple[list[Pair], list[Pair]]
"""The pairs to train on and those to validate with."""


def train(
    recipe: Recipe,
    out: Path,
    machine: Compute = Compute(),
    *,
    splits: Splits | None = None,
    clock: Clock | None = None,
    scored: bool = True,
) -> Path:
    """Trains the recipe, continuing what out already holds of this run, and returns the path of the model.

    splits: the pairs of the run; None means those that the recipe names. Folds are not the business of this function.
    clock: from which train.minutes are counted; None means from now on. scored: whether the card gets the scores of the
    masks that users get, which folds measure themselves.

    Raises InputError when out holds a run of another recipe or other data, when data cannot be read, or when the loss
    is no longer finite; OutputError when out cannot be written; SetupError when the machine has no such device. What
    out held before stays in each case.
    """
    clock = clock or Clock()
    quiet()
    torch.set_num_threads(min(torch.get_num_threads(), cores()))  # torch ignores the CPU quota of a container
    workers = recipe.data.workers or (min(8, cores()) if machine.on_gpu else 1)
    splits = splits or pairs(recipe)
    without_masks = find_photos(recipe.distill)
    record = Record(out, recipe, *splits, processes=machine.processes, unlabelled=without_masks)
    model = out / "model.safetensors"
    if model.exists() and record.done:
        record.tell(model)
        return model
    seed_everything(recipe.train.seed, verbose=False)
    net = build(recipe)
    record.announce(net)
    with going("reading photos", len(splits[0]) + len(splits[1]), wanted=record.rank_zero) as tick:
        train_store, val_store = (Store(part, tick=tick) for part in splits)
    device, taught = "cuda" if machine.on_gpu else "cpu", teacher(recipe)
    unlabelled = _unlabelled(recipe, without_masks, val_store, record)
    if recipe.model.init and record.rank_zero:
        before = SegmentationModule(net, recipe, steps=1, train=splits[0], val=splits[1])
        record.start_from(lambda: finish.measure(before, val_store, recipe)[0])
    budget = None
    if recipe.train.minutes:
        card = card_of(recipe, splits)
        pace = measure_rates(net, recipe, (train_store, val_store), card, device=device, teacher=taught)
        pace = pace if scored else replace(pace, finish=2 * pace.validation)
        recipe = record.sliced(lambda: sliced(recipe, pace, clock, processes=machine.processes))
        budget = Budget(recipe, pace, clock, alone=machine.processes == 1)
    steps = count_steps(train_store, recipe, machine.processes)
    module = SegmentationModule(net, recipe, steps=steps, train=splits[0], val=splits[1], teacher=taught, device=device)
    module.budget = budget
    batches = Batches(train_store, val_store, recipe, workers=workers, budget=budget, unlabelled=unlabelled)
    last = out / "last.ckpt"
    with Interrupt() as interrupt, tracked(recipe, out, record.settings, record.trackers) as loggers:
        watching: list[Callback] = [interrupt, *([budget] if budget else [])]
        watching += [Answers(out, unlabelled, every=recipe.sheet_every)] if unlabelled else []
        trainer = _trainer(recipe, out, machine, [*watching, *_callbacks(recipe, out)], loggers)
        record.begin(trainer)
        try:
            trainer.fit(module, datamodule=batches, ckpt_path=str(last) if last.exists() else None, weights_only=True)
        except SystemExit:  # Lightning turns Ctrl-C into this
            raise KeyboardInterrupt(interrupt.number) from None
        except InputError as error:
            raise _as_raised(error) from None
    if trainer.is_global_zero:
        results = finish.finish(
            module, val_store, recipe, out, card_of(recipe, splits), device=device if scored else None
        )
        record.end(results)
        record.tell(model)
    return model


def _unlabelled(recipe: Recipe, photos: list[UnlabelledPhoto], val: Store, record: Record) -> UnlabelledStore | None:
    """The photos without masks, if the recipe names any, without near-duplicates of photos that measure a model.

    Those are the run's validation photos, and the recipe's validation and test photos where the run has others.
    """
    if not photos:
        return None
    tests = [pair for pair in find_pairs(recipe.data.folder) if pair.split == "test"]
    others = [pair for pair in pairs(recipe)[1] + tests if pair not in val.pairs]
    with going("reading photos without masks", len(photos) + len(others), wanted=record.rank_zero) as tick:
        held_out = looks(val, others, tick=tick)
        longest = max(stage.size[0] for stage in recipe.train.stages)
        store = UnlabelledStore(photos, side=min(STORED_SIDE, round(SHARPER * longest)), held_out=held_out, tick=tick)
    record.tell_unlabelled(len(store), [photo.path.name for photo in store.dropped])
    return store


def _as_raised(error: InputError) -> InputError:
    """The error with its own message, without the traceback that an error from a worker process begins with.

    >>> _as_raised(InputError("Caught InputError in DataLoader ...\\nstandout.errors.InputError: a.jpg is damaged\\n"))
    InputError('a.jpg is damaged')
    """
    kind = type(error)
    _, worker, words = str(error).rpartition(f"{kind.__module__}.{kind.__name__}: ")
    return kind(words.strip()) if worker else error


def pairs(recipe: Recipe) -> Splits:
    """The recipe's training pairs and its validation pairs.

    Raises InputError when a source that the recipe names has no photo, or when there is no pair for one of the two.
    """
    train, val = find_splits(recipe.data.folder)
    known = sorted({pair.source for pair in train + val})
    for source in (*recipe.data.sources, *recipe.data.draws, *recipe.distill.doubt):
        if source not in known:
            raise InputError(
                f"{recipe.data.folder} has no photo of source {source!r}; its sources are {', '.join(known)}"
            )
    if recipe.data.sources:
        train, val = ([pair for pair in part if pair.source in recipe.data.sources] for part in (train, val))
    for part, name in ((train, "training"), (val, "validation")):
        if not part:
            asked = ", ".join(recipe.data.sources) or "any source"
            raise InputError(
                f"{recipe.data.folder} has no {name} photos of {asked}; standout data split decides which photos "
                "are for validation"
            )
    return train, val


def build(recipe: Recipe) -> UNet:
    """The recipe's network with its first weights; the caller seeds torch's random numbers.

    Raises ModelError when the weights are not found or do not fit the network.
    """
    settings = recipe.model
    if settings.init:
        return trained(settings.init)
    net = UNet(settings.encoder, decoder=settings.decoder, weights=settings.encoder_weights)
    if settings.prune:
        prune(trained(settings.prune).encoder, net.encoder)
    return net


def teacher(recipe: Recipe) -> nn.Module | None:
    """The recipe's teacher, if it names one; it may be an ensemble. Raises ModelError when there is no such model."""
    name = recipe.distill.teacher
    return checkpoint.load_any(registry.find_checkpoint(name))[0] if name else None


def trained(model: str) -> UNet:
    """The network of a bundled model's name, or of a file of trainable weights. Raises ModelError if there is none."""
    return checkpoint.load(registry.find_checkpoint(model))[0]


def card_of(recipe: Recipe, splits: Splits) -> ModelCard:
    """The model's card before its scores are known: what the recipe says, otherwise the card of the base model.

    A model that starts from another model (model.init) keeps all that the card of that model says about how photos are
    fitted and masks are cut, including what a newer standout may have added. A model that starts with some channels of
    another one has the other's TTA scale and license, but a threshold of its own.
    """
    settings = recipe.model
    data = f"{recipe.data.folder.name}: {len(splits[0])} photos, {len(splits[1])} to validate"
    card = ModelCard(recipe.name, __version__, settings.encoder, recipe.epochs[-1].size, decoder=settings.decoder)
    if settings.init:
        base = _card(settings.init)
        data = f"{data}; started from {base.name} {base.sha256[:12]}"
        card = replace(base, name=card.name, version=card.version, size=card.size, base=base.identity)
        card = replace(card, license=base.license_as_base, teacher="", scores={}, protocol="", sha256="")
    elif settings.prune:
        wide = _card(settings.prune)
        card = replace(card, second_look=wide.second_look, license=wide.license_as_base)
        card = replace(card, base=f"the encoder's channels: {wide.identity}")
    elif settings.encoder_weights:
        card = replace(card, base=f"encoder weights: {Path(settings.encoder_weights).name}")
    return replace(
        card,
        data=data,
        teacher=_card(recipe.distill.teacher).identity if recipe.distill.teacher else "",
        license=recipe.license or card.license,
        second_look=recipe.second_look or card.second_look,
        threshold=recipe.threshold or card.threshold,
    )


def _card(model: str) -> ModelCard:
    return card_in(registry.find_checkpoint(model))


def count_steps(store: Store, recipe: Recipe, processes: int) -> int:
    """The number of optimizer steps of the whole run."""
    batches = [len(draw_order(store, recipe, epoch, processes=processes)) for epoch in range(len(recipe.epochs))]
    return sum(-(-count // recipe.train.accumulate) for count in batches)


def _trainer(recipe: Recipe, out: Path, machine: Compute, callbacks: list[Callback], loggers: list[Logger]) -> Trainer:
    settings = recipe.train
    parallel = machine.processes > 1
    on_gpu = machine.on_gpu
    strategy = DDPStrategy(
        process_group_backend="nccl" if on_gpu else "gloo", find_unused_parameters=settings.frozen_epochs > 0
    )
    return Trainer(
        max_epochs=len(recipe.epochs),
        default_root_dir=out,
        accelerator="gpu" if on_gpu else "cpu",
        devices=machine.devices,
        num_nodes=machine.nodes,
        strategy=strategy if parallel else "auto",
        sync_batchnorm=parallel and on_gpu,
        precision=settings.precision,
        accumulate_grad_batches=settings.accumulate,
        gradient_clip_val=settings.clip or None,
        callbacks=callbacks,
        logger=loggers,
        plugins=[SafeCheckpoints()],
        reload_dataloaders_every_n_epochs=1,
        use_distributed_sampler=False,
        num_sanity_val_steps=0,
        log_every_n_steps=1,
        enable_progress_bar=False,
        enable_model_summary=False,
    )


def _callbacks(recipe: Recipe, out: Path) -> list[Callback]:
    def keep(name: str, monitor: str | None, mode: str) -> ModelCheckpoint:
        return ModelCheckpoint(
            out,
            filename=name,
            monitor=monitor,
            mode=mode,
            save_on_train_epoch_end=True,
            enable_version_counter=False,
        )

    chosen: list[Callback] = [Bar(), Worst(out, every=recipe.sheet_every), Journal(out)]
    if recipe.train.ema:
        chosen.append(Averaging(recipe.train.ema))
    if recipe.train.patience:
        chosen.append(EarlyStopping("val_loss", patience=recipe.train.patience, check_on_train_epoch_end=True))
    # The checkpoint "last" comes last, since it holds the state of the other callbacks.
    return [
        *chosen,
        keep(f"{BEST}dice", "val_dice", "max"),
        keep(f"{BEST}loss", "val_loss", "min"),
        keep("last", None, "min"),
    ]


def quiet() -> None:
    """Keeps Lightning's advice out of the terminal, since the settings that it advises on are chosen on purpose."""
    for part in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(part).setLevel(logging.WARNING)
    warnings.filterwarnings("ignore", module="lightning")
