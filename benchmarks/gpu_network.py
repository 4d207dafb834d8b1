"""How fast networks run on a device by themselves; gpu.py prints it.

moment   seconds on a CPU, an event on a GPU, which nothing has to wait for
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Sequence
from copy import deepcopy
from functools import partial
from typing import Any

import numpy as np
import torch
from throughput import SAMPLE
from torch import Tensor, nn

from standout import images
from standout.masks.letterbox import fit, to_input
from standout.models.registry import find_checkpoint
from standout.net import checkpoint
from standout.net.arrange import arrange
from standout.net.fold import fold_batch_norms
from standout.net.unet import Probability, UNet
from standout.runtimes import pytorch

RECTANGLE = (320, 256)
ORIGINAL = {
    "ResNet101, heavy decoder": ("resnet101", "heavy"),
    "MobileNetV2, light decoder": ("mobilenetv2_100", "light"),
}


def now(device: str) -> Any:
    """This moment, of the device: an event on a GPU, else seconds."""
    if device == "cpu":
        return time.perf_counter()
    event = torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]
    event.record()
    return event


def seconds_of(work: Callable[[], object], device: str, *, calls: int, warm: int) -> list[float]:
    """The seconds of each call of work on the device."""
    for _ in range(warm):
        work()
    spans = []
    for _ in range(calls):
        began = now(device)
        work()
        spans.append((began, now(device)))
    if device == "cpu":
        return [end - begin for begin, end in spans]
    torch.cuda.synchronize()
    return [begin.elapsed_time(end) / 1000 for begin, end in spans]


def graphed(name: str, net: nn.Module, image: Tensor) -> dict[str, Callable[[], object]]:
    """What runs the network on that image by one call, which replays its kernels, under its name; none on a CPU.

    Where PyTorch cannot do so, there is none either, and standard error says why.
    """
    if image.device.type == "cpu":
        return {}
    try:
        torch.cuda.synchronize()
        with torch.cuda.stream(torch.cuda.Stream()):  # type: ignore[no-untyped-call]
            for _ in range(3):
                net(image)
        torch.cuda.synchronize()
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            net(image)
    except RuntimeError as error:
        print(f"no graph of {name}: {error}", file=sys.stderr, flush=True)
        return {}
    return {f"{name}, one graph": graph.replay}


class Halves(nn.Module):
    """The network, run in bfloat16 where PyTorch's autocast does so."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, image: Tensor) -> Tensor:
        """What the network gives."""
        with torch.autocast(image.device.type, torch.bfloat16, cache_enabled=False):
            found: Tensor = self.net(image)
        return found


@torch.inference_mode()
def alone(model: str, device: str, batches: Sequence[int], calls: int) -> list[dict[str, float]]:
    """For each batch, photos a second by each way to run the network, and how far masks differ from float32's."""
    net, card = checkpoint.load_any(find_checkpoint(model))
    plain = Probability(net).eval().to(device)
    order = arrange(plain, device)
    folded = deepcopy(plain)
    fold_batch_norms(folded)
    session = pytorch.session(plain, card, device=device)
    nets = {"float32": plain, "bfloat16": Halves(plain), "float32, folded": folded, "bfloat16, folded": Halves(folded)}
    pixels, rows = to_input(fit(images.read(SAMPLE).image, RECTANGLE)[0]), []
    for batch in batches:
        array = np.repeat(pixels, batch, axis=0)
        image = torch.from_numpy(array).to(device, memory_format=order)
        ways: dict[str, Callable[[], object]] = {way: partial(one, image) for way, one in nets.items()}
        for way in ("float32, folded", "bfloat16, folded"):
            ways |= graphed(way, nets[way], image)
        ways["float32, from memory"] = partial(session.run, array)
        took = {way: statistics.median(seconds_of(work, device, calls=calls, warm=3)) for way, work in ways.items()}
        rows.append({"batch": float(batch)} | {way: batch / seconds for way, seconds in took.items()})
    one = torch.from_numpy(pixels).to(device, memory_format=order)
    exact = plain(one)
    for way, other in nets.items():
        rows[0][f"{way}, largest difference"] = float((other(one).float() - exact).abs().max())
    return rows


@torch.inference_mode()
def original(device: str, calls: int) -> dict[str, dict[str, float]]:
    """Of the two networks of docs/research/original.md, milliseconds for a single photo."""
    found = {}
    for name, (encoder, decoder) in ORIGINAL.items():
        net = Probability(UNet(encoder, decoder=decoder)).eval().to(device)
        image = torch.rand(1, 3, *RECTANGLE).to(device, memory_format=arrange(net, device))
        ways: dict[str, Callable[[], object]] = {"float32": partial(net, image)}
        ways |= graphed("float32", net, image)
        found[name] = {
            way: 1000 * statistics.median(seconds_of(work, device, calls=calls, warm=max(3, calls // 5)))
            for way, work in ways.items()
        }
    return found
