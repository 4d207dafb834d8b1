"""What all exports of a checkpoint share; each part is made when it is first asked for.

photo    float32 (1, 3, h, w)   RGB 0..1, letterboxed as the network takes it
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
from standout.masks.letterbox import fit, to_input
from standout.models.card import ModelCard
from standout.net import checkpoint
from standout.net.fold import fold_batch_norms
from standout.net.unet import Probability
from standout.runtimes import pytorch
from standout.runtimes.sizes import Size
from standout.segmenter import Segmenter
from standout.support.portrait import portrait

Photo = NDArray[np.float32]

CALIBRATE = 100
"""How many photos the scales of 8 bits are calibrated with."""
LOOK = 20
"""How many photos the probabilities are compared over."""


class Source:
    """A checkpoint that is to be exported; see opened().

    fixed: the only size (h, w) that its exports are to take; None means all sizes that the target supports.
    """

    def __init__(self, path: Path, folder: Path, pairs: Sequence[Pair], fixed: Size | None) -> None:
        self.path, self.fixed, self._folder = path, fixed, folder
        self.card: ModelCard = checkpoint.load_any(path)[1]
        if fixed:
            self.card = replace(self.card, size=(max(fixed), min(fixed)))
        self.training = [pair for pair in pairs if pair.split == "train"] or list(pairs)
        self.proving = [pair for pair in pairs if pair.split != "train"] or list(pairs)

    def network(self) -> nn.Module:
        """A new copy of the network as it ships, with its batch norms folded; converters may change their copy."""
        net, _ = checkpoint.load_any(self.path)
        fold_batch_norms(net)
        return Probability(net).eval().to(memory_format=torch.contiguous_format)

    def trainable(self) -> tuple[dict[str, NDArray[np.generic]], dict[str, tuple[str, float]]]:
        """The checkpoint's own tensors, and which of its batch norms are folded: what net.trainable.keep takes."""
        net, _ = checkpoint.load_any(self.path)
        return {name: tensor.numpy() for name, tensor in checkpoint.state_of(net).items()}, checkpoint.norms_of(net)

    def once(self, name: str, make: Callable[[Path], object]) -> Path:
        """The file or folder of that name, which make writes when it is first asked for."""
        path = self._folder / name
        if not path.exists():
            make(path)
        return path

    def calibration(self, shape: Size | None = None) -> list[Photo]:
        """Photos to calibrate 8 bits with: all of that shape (h, w), or each in the rectangle turned as it is."""
        some = random.Random(0).sample(self.training, min(CALIBRATE, len(self.training)))
        only = shape or self.fixed
        return list(_photos(some, self.session((only,) if only else ())))

    def session(self, sizes: tuple[Size, ...]) -> runtimes.Session:
        """The checkpoint as a Session, for photos of the sizes that an export takes."""
        return replace(self._checkpoint, sizes=sizes, card=self.card)

    def looked_at(self, sizes: tuple[Size, ...]) -> list[Photo]:
        """Photos to compare probabilities over; drawn portraits where no photos are given."""
        if self.proving:
            return list(_photos(self.proving[:LOOK], self.session(sizes)))
        shapes = sizes or [self.card.size, self.card.size[::-1]]
        return [to_input(portrait(*shape, seed=seed)) for shape in shapes for seed in range(4)]

    def before(self, sizes: tuple[Size, ...]) -> list[dict[str, Any]]:
        """The checkpoint's rows of scores over the photos of the proof."""
        if sizes not in self._before:
            scores = measure(self.proving, Segmenter(self.session(sizes)))
            self._before[sizes] = [score.row() for score in scores]
        return self._before[sizes]

    @cached_property
    def _checkpoint(self) -> runtimes.Session:
        return pytorch.open(self.path, threads=1)

    @cached_property
    def _before(self) -> dict[tuple[Size, ...], list[dict[str, Any]]]:
        return {}


@contextmanager
def opened(path: Path, *, pairs: Sequence[Pair] = (), fixed: Size | None = None) -> Iterator[Source]:
    """The checkpoint at path, ready to be exported; intermediate files are removed at the end.

    pairs: labeled photos. Those of the part "train" calibrate int8, and the others are for the proof; where one of the
    two is empty, all photos take its place. Without photos, the proof compares probabilities over drawn portraits and
    no Dice, and int8 is not possible.

    Raises ModelError when path is not a checkpoint, InputError when the network cannot take the size fixed.
    """
    if fixed and any(side < 64 or side % 32 for side in fixed):
        raise InputError(f"size {fixed[0]}x{fixed[1]}: both sides must be multiples of 32, and 64 at least")
    with tempfile.TemporaryDirectory() as folder:
        yield Source(path, Path(folder), pairs, fixed)


def _photos(pairs: Sequence[Pair], session: runtimes.Session) -> Iterator[Photo]:
    """The pairs' photos, letterboxed as the session takes them in its first pass."""
    for pair in pairs:
        photo, _ = read_pair(pair)
        yield to_input(fit(photo, session.rectangle(photo.shape[0], photo.shape[1], session.card.size))[0])
