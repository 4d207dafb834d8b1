"""PyTorch: a checkpoint as it comes from training, for measuring it before it is exported."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from standout.errors import SetupError
from standout.net import checkpoint
from standout.net.unet import Probability
from standout.runtimes import Session

DEVICES = ("cpu", "cuda")


def open(path: Path, *, device: str = "auto", threads: int | None = None) -> Session:
    """The checkpoint at path, ready to run. threads: of the whole process, since torch knows no other.

    Raises ModelError when the file is damaged or no checkpoint, SetupError when the device is not here.
    """
    chosen = "cpu" if device == "auto" else device
    if chosen not in DEVICES:
        raise SetupError(f"device {device!r} does not run checkpoints; choose one of: auto, {', '.join(DEVICES)}")
    if chosen == "cuda" and not torch.cuda.is_available():
        raise SetupError("device 'cuda': torch finds no CUDA device here; install a CUDA build of torch, or use cpu")
    net, card = checkpoint.load(path)
    network = Probability(net).eval().to(chosen)
    if threads is not None:
        torch.set_num_threads(threads)

    def run(batch: NDArray[np.float32]) -> NDArray[np.float32]:
        image = torch.from_numpy(np.ascontiguousarray(batch)).to(chosen, memory_format=torch.channels_last)
        with torch.inference_mode():
            found: NDArray[np.float32] = network(image).cpu().numpy()
        return found

    return Session(run, card, chosen, "pytorch")
