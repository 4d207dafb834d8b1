"""PyTorch: it runs checkpoints, so that they can be measured before they are exported, and TorchScript files.

A TorchScript file is a program: run only files of people whom you trust.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from standout.models.card import CARD_KEY, ModelCard
from standout.net import checkpoint
from standout.net.arrange import arrange
from standout.net.unet import Probability
from standout.runtimes import GPU_BATCH, Session, choose_device, loading, no_card


def devices() -> list[str]:
    """The devices that this machine's torch can use, the default first."""
    return ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]


def open(path: Path, *, device: str = "auto", threads: int | None = None) -> Session:
    """The checkpoint or TorchScript file at path, ready to run. threads: of the whole process, as torch has no others.

    Raises ModelError where the file is damaged or no standout model, SetupError where the device is not available.
    """
    network, card = _script(path) if path.suffix.lower() == ".pt" else _checkpoint(path)
    return session(network, card, device=device, threads=threads)


def session(network: torch.nn.Module, card: ModelCard, *, device: str = "auto", threads: int | None = None) -> Session:
    """A network that gives probabilities (see net.unet.Probability), ready to run. threads: as for open.

    Raises SetupError where the device is not available.
    """
    chosen, _ = choose_device(device, runtime="pytorch")
    order = arrange(network.to(chosen), chosen)
    if threads is not None:
        torch.set_num_threads(threads)

    def run(batch: NDArray[np.float32]) -> NDArray[np.float32]:
        image = torch.from_numpy(np.ascontiguousarray(batch)).to(chosen, memory_format=order)
        with torch.inference_mode():
            found: NDArray[np.float32] = network(image).cpu().numpy()
        return found

    return Session(run, card, chosen, "pytorch", batch=1 if chosen == "cpu" else GPU_BATCH)


def _checkpoint(path: Path) -> tuple[torch.nn.Module, ModelCard]:
    with loading(path, "pytorch"):
        net, card = checkpoint.load_any(path)
    return Probability(net).eval(), card


def _script(path: Path) -> tuple[torch.nn.Module, ModelCard]:
    held: dict[str, str | bytes] = {CARD_KEY: ""}
    with loading(path, "pytorch"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch warns that TorchScript is deprecated, which does not help its users
        network = torch.jit.load(str(path), map_location="cpu", _extra_files=held)  # type: ignore[no-untyped-call]
    if not held[CARD_KEY]:
        raise no_card(path)
    return network, ModelCard.from_json(held[CARD_KEY], where=str(path))
