"""How fast this machine trains, validates and answers, measured for a few seconds.

seconds   float   of wall time; other programs that take the cores make it longer, here and later in the run
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import nn

from standout.data import Pair
from standout.evaluate import measure
from standout.models.card import ModelCard
from standout.net.arrange import arrange
from standout.net.unet import Probability, UNet
from standout.runtimes import pytorch
from standout.segmenter import Segmenter
from standout.train.batches import TrainView, ValView, collate, draw_order
from standout.train.config import Recipe
from standout.train.module import ask, optimizer, to_input
from standout.train.parts import Stage
from standout.train.store import Store

LEAST, MOST = 2, 6
"""How often something is done for a measurement, after once that does not count."""

LONG = 3.0
"""Seconds after which a measurement ends."""

DTYPES = {"bf16-mixed": torch.bfloat16, "16-mixed": torch.float16}
"""Precision -> what the network computes with."""


@dataclass(frozen=True)
class Rates:
    """Seconds for a batch of training at each size of the recipe's stages, for a validation, and for the finish.

    step: size (long, short) -> seconds. validation: of all validation photos after an epoch. finish: from the last
    epoch to the model's file, in which the validation photos are answered as users get their masks.
    """

    step: dict[tuple[int, int], float]
    validation: float
    finish: float


def timed(do: Callable[[], object]) -> float:
    """The seconds that do takes: the median of a few times, after once that does not count."""
    do()
    began = time.monotonic()
    each: list[float] = []
    while len(each) < LEAST or (len(each) < MOST and time.monotonic() - began < LONG):
        start = time.monotonic()
        do()
        each.append(time.monotonic() - start)
    return sorted(each)[len(each) // 2]


def measure_rates(
    net: UNet, recipe: Recipe, stores: tuple[Store, Store], card: ModelCard, *, device: str, teacher: nn.Module | None
) -> Rates:
    """The pace of the recipe with these stores of training and validation photos on a device, "cpu" or "cuda".

    net: it is copied, and stays as it is. card: what the finished model's card says before its scores are known.
    """
    training, validation = stores
    mine = copy.deepcopy(net)
    mine.to(device)
    steps = {}
    for stage in {stage.size: stage for stage in recipe.train.stages}.values():
        network = step_seconds(mine, recipe, stage, device=device, teacher=teacher)
        steps[stage.size] = max(network, _batch_seconds(training, recipe, stage))
    each = _answer_seconds(mine, recipe, validation, device)
    full = finish_seconds(copy.deepcopy(net), card, validation.pairs, device)
    count = len(validation)
    return Rates(steps, count * each, count * (2 * each + full))


def step_seconds(net: UNet, recipe: Recipe, stage: Stage, *, device: str, teacher: nn.Module | None = None) -> float:
    """The seconds in which the network learns from a batch at the stage's size; net is trained on noise by this."""
    long, short = stage.size
    order = arrange(net, device)
    chosen = optimizer(net, recipe.train)
    image = torch.randint(0, 255, (recipe.train.batch, 3, long, short), dtype=torch.uint8, device=device)
    net.train()
    kind = DTYPES.get(recipe.train.precision)

    def step() -> None:
        with torch.autocast(device, kind or torch.bfloat16, enabled=kind is not None):
            if teacher is not None:
                ask(teacher, image)
            loss = net(to_input(image, order)).float().square().mean()
        chosen.zero_grad(set_to_none=True)
        loss.backward()
        chosen.step()
        _wait(device)

    return timed(step)


def _batch_seconds(store: Store, recipe: Recipe, stage: Stage) -> float:
    """The seconds in which a single process makes a batch."""
    view = TrainView(store, recipe, stage)
    keys = iter([*draw_order(store, recipe, 0), *draw_order(store, recipe, 1)] * (MOST + 1))
    return timed(lambda: collate([view[key] for key in next(keys)]))


@torch.inference_mode()
def _answer_seconds(net: UNet, recipe: Recipe, store: Store, device: str) -> float:
    """The seconds for a photo of validation."""
    net.eval()
    size = recipe.epochs[-1].size
    view = ValView(store, recipe.loss, size)
    image = torch.randint(0, 255, (recipe.train.batch, 3, *size), dtype=torch.uint8, device=device)
    numbers, order = iter(list(range(len(store))) * (MOST + 1)), arrange(net, device)

    def answer() -> None:
        net(to_input(image, order))
        _wait(device)

    return timed(answer) / recipe.train.batch + timed(lambda: view[next(numbers)])


def finish_seconds(net: UNet, card: ModelCard, pairs: Sequence[Pair], device: str) -> float:
    """The seconds for a photo that is measured as users get its mask."""
    threads = torch.get_num_threads()
    try:
        session = pytorch.session(Probability(net).eval(), card, device=device, threads=1)
        some = list(pairs[:: max(1, len(pairs) // 4)][:4])
        measure(some[:1], Segmenter(session))
        began = time.monotonic()
        measure(some, Segmenter(session))
        return (time.monotonic() - began) / len(some)
    finally:
        torch.set_num_threads(threads)


def _wait(device: str) -> None:
    """Waits until a GPU has done what it was asked to do."""
    if device == "cuda":
        torch.cuda.synchronize()
