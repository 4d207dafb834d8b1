"""What all exports of one checkpoint share, each made when it is first asked for.

photo    float32 (1, 3, h, w)   as the network takes it
"""

from __future__ import annotations

import random
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from standout import runtimes
from standout.data import Pair, read_pair
from standout.errors import InputError
from standout.evaluate import measure
from standout.export.int8 import to_int8
from standout.export.onnx import fold_batch_norms, to_onnx
from standout.masks.letterbox import fit, to_input
from standout.models.card import ModelCard
from standout.net import checkpoint
from standout.net.unet import Probability
from standout.runtimes import Size
from standout.segmenter import Segmenter
from standout.support.portrait import portrait

Photo = NDArray[np.float32]

CALIBRATE = 100
"""Photos over which 8-bit scales are found."""
LOOK = 20
"""Photos over which probabilities are compared."""


class Source:
    """A checkpoint about to be exported. See opened().

    fixed: the only (h, w) that its exports are to take; None: as many as the target can.
    """

    def __init__(self, path: Path, folder: Path, pairs: Sequence[Pair], fixed: Size | None) -> None:
        self.path, self.fixed, self._folder = path, fixed, folder
        self.card: ModelCard = checkpoint.load(path)[1]
        if fixed:
            self.card = replace(self.card, size=(max(fixed), min(fixed)))
        self.training = [pair for pair in pairs if pair.split == "train"] or list(pairs)
        self.proving = [pair for pair in pairs if pair.split != "train"] or list(pairs)

    def network(self) -> nn.Module:
        """The network as it ships, batch norms folded; a new one each time, since converters change what they get."""
        net, _ = checkpoint.load(self.path)
        fold_batch_norms(net)
        return Probability(net).eval().to(memory_format=torch.contiguous_format)

    def once(self, name: str, make: Callable[[Path], object]) -> Path:
        """The file or folder of that name, made when it is first asked for."""
        path = self._folder / name
        if not path.exists():
            make(path)
        return path

    @property
    def plain(self) -> Path:
        """The float32 ONNX file."""
        return self.once("plain.onnx", lambda path: to_onnx(self.network(), self.card, path, fixed=self.fixed))

    @property
    def quantized(self) -> Path:
        """The 8-bit ONNX file."""
        return self.once("int8.onnx", lambda path: to_int8(self.plain, path, self.calibration()))

    def calibration(self, shape: Size | None = None) -> list[Photo]:
        """Photos to find 8-bit scales with, all of that shape or each turned its way."""
        some = random.Random(0).sample(self.training, min(CALIBRATE, len(self.training)))
        only = shape or self.fixed
        return list(_photos(some, self.session((only,) if only else ())))

    def session(self, sizes: tuple[Size, ...]) -> runtimes.Session:
        """The checkpoint, ready to run, with photos fitted to the sizes that an export takes."""
        return replace(self._checkpoint, sizes=sizes, card=self.card)

    def looked_at(self, sizes: tuple[Size, ...]) -> list[Photo]:
        """Photos to compare probabilities over; drawn figures where none are given."""
        if self.proving:
            return list(_photos(self.proving[:LOOK], self.session(sizes)))
        shapes = sizes or [self.card.size, self.card.size[::-1]]
        return [to_input(portrait(*shape, seed=seed)) for shape in shapes for seed in range(4)]

    def before(self, sizes: tuple[Size, ...]) -> list[dict[str, Any]]:
        """The checkpoint's rows of scores over the proving photos."""
        if sizes not in self._before:
            scores = measure(self.proving, Segmenter(self.session(sizes)))
            self._before[sizes] = [score.row() for score in scores]
        return self._before[sizes]

    @cached_property
    def _checkpoint(self) -> runtimes.Session:
        return runtimes.open(self.path, threads=1)

    @cached_property
    def _before(self) -> dict[tuple[Size, ...], list[dict[str, Any]]]:
        return {}


@contextmanager
def opened(path: Path, *, pairs: Sequence[Pair] = (), fixed: Size | None = None) -> Iterator[Source]:
    """The checkpoint at path, ready to be exported; what is made on the way is gone at the end.

    pairs: labelled photos. Those of part train calibrate int8, and the others prove (all do both where none is of part
    train, or none of another). Without any, the proof is of drawn figures, without Dice, and int8 cannot be had.

    Raises ModelError when path is no checkpoint, InputError when fixed is no size for the network.
    """
    if fixed and any(side < 64 or side % 32 for side in fixed):
        raise InputError(f"size {fixed[0]}x{fixed[1]}: both sides must be multiples of 32, and 64 at least")
    with tempfile.TemporaryDirectory() as folder:
        yield Source(path, Path(folder), pairs, fixed)


def _photos(pairs: Sequence[Pair], session: runtimes.Session) -> Iterator[Photo]:
    """The pairs' photos as the session sees them first."""
    for pair in pairs:
        photo, _ = read_pair(pair)
        yield to_input(fit(photo, session.rectangle(photo.shape[0], photo.shape[1], session.card.size))[0])
