"""Images -> masks, and how far these can be trusted: the model, kept ready between photos.

image         uint8 or uint16  (H, W, 3)  RGB
mask          float32          (H, W)     0..1, at the image's own size
probability   float32          (h, w)     0..1, at the size at which the network saw the whole image
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import cached_property, partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from standout import runtimes
from standout.errors import InputError
from standout.masks.full_size import full_size
from standout.masks.letterbox import Where, fit, inner, resize, to_input, trimmed
from standout.models.registry import DEFAULT, find
from standout.support.system import cores
from standout.types import Floats, Image, Judged, Mask, PersonFinder, Runner

if TYPE_CHECKING:
    from standout.second_opinion import SecondOpinion


@dataclass(frozen=True)
class Prepared:
    """An image as the network is shown it. shape: (height, width) of the image. views: by the network's rectangle."""

    shape: tuple[int, int]
    views: dict[tuple[int, int], tuple[Floats, Where]]


class Segmenter:
    """Finds the people in photos. It is safe to share between threads.

    model: a bundled model's name, the path of a model file, or an open session. runtime: "auto", one of
    runtimes.RUNTIMES, or one that another package adds. device: "auto", "cpu", "cuda", "coreml", "directml". threads:
    of the network for one call; None means all cores.

    tta: test-time augmentation. The network sees each photo a second time, mirrored and at the TTA scale of its card,
    and the two answers are averaged. That makes outlines steadier and finds more small people, and takes 2 times (at a
    scale of 1) to 2.7 times (at a scale of 1.3) as long. Models that take fixed sizes see both at those of their sizes
    that come nearest. mirror: the old name of tta. trim: the letterbox is no larger than a photo needs, which takes a
    quarter less time on pictures of 16:9 and changes masks by as little as a frame more or less of gray around them
    does; for clips and live pictures. Models that take fixed sizes have none to trim.

    Raises ModelError for an unknown or damaged model, SetupError for a runtime or device that is not available.
    """

    def __init__(
        self,
        model: str | Path | runtimes.Session = DEFAULT,
        *,
        runtime: str = "auto",
        device: str = "auto",
        threads: int | None = None,
        tta: bool = True,
        mirror: bool | None = None,
        trim: bool = False,
    ) -> None:
        if mirror is not None:
            warnings.warn("Segmenter(mirror=...) is called tta= now", DeprecationWarning, stacklevel=2)
            tta = mirror
        if isinstance(model, runtimes.Session):
            session = model
        else:
            calls = 2 if tta else 1
            session = runtimes.open(find(model), runtime=runtime, device=device, threads=threads, calls=calls)
        self._run: Runner = session.run
        self._session, self._trim = session, trim and not session.sizes
        self.batch = session.batch
        self.tta = tta
        self.threads = threads
        self.card = session.card
        self._judge = session.card.judge
        self.device = session.device
        self.runtime = session.runtime

    @property
    def mirror(self) -> bool:
        """The old name of tta."""
        warnings.warn("Segmenter.mirror is called tta now", DeprecationWarning, stacklevel=2)
        return self.tta

    def mask(self, image: Image, *, refine: bool = True) -> Mask:
        """The person mask of an RGB image, at its own size.

        refine=False gives the network's own probability, merely enlarged: it is softer, and faster on large photos.

        Raises InputError for an array that is no such image.
        """
        return full_size(self.probability(image), image, refined=refine)

    def masks(self, images: Sequence[Image], *, refine: bool = True) -> list[Mask]:
        """The person mask of each RGB image, at its own size, in their order; what mask gives for each of them.

        Images may be of any sizes. On a GPU the network sees many of them in one call; on a CPU, where that is not
        faster, it sees one after the other. Edges are refined on all cores.

        Raises InputError for an array that is no such image.
        """
        from standout.support.pipeline import in_order  # a single photo needs no threads

        def enlarged(pair: tuple[Mask, Image]) -> Mask:
            return full_size(*pair, refined=refine)

        found = zip(self.probabilities(images), images, strict=True)
        return list(in_order(found, enlarged, workers=max(1, min(cores(), len(images)))))

    def find(self, image: Image, *, refine: bool = True) -> Judged:
        """The person mask of an RGB image as mask gives it, the Dice to be expected of it, and whether nobody is there.

        Both figures are None for a model whose card does not say how its masks are judged; `standout evaluate
        --fit-confidence` writes that into the card. Raises InputError for an array that is no such image.
        """
        found = self.judge(self.probability(image))
        return replace(found, mask=full_size(found.mask, image, refined=refine))

    def judge(self, mask: Mask) -> Judged:
        """A mask that probability gave, and how far it can be trusted."""
        return Judged(mask) if self._judge is None else self._judge.judged(mask, tta=self.tta)

    def probability(self, image: Image) -> Mask:
        """The network's own mask of the whole RGB image, which is small; its threshold is moved to 0.5.

        Raises InputError for an array that is no such image.
        """
        return self.probabilities([image])[0]

    def prepared(self, image: Image) -> Prepared:
        """What probabilities takes in place of the image; making it is all the work before the network runs.

        Raises InputError for an array that is no such image.
        """
        _check(image)
        height, width = image.shape[:2]
        return Prepared(
            (height, width), {rect: _view(image, rect) for rect in dict.fromkeys(self.looks(height, width))}
        )

    def probabilities(self, images: Sequence[Image | Prepared]) -> list[Mask]:
        """What probability gives for each image, in their order.

        Raises InputError for an array that is no such image.
        """
        for image in images:
            if not isinstance(image, Prepared):
                _check(image)
        looks = [self.looks(*image.shape[:2]) for image in images]
        first = partial(self._seen, images, [first for first, *_ in looks])
        if not self.tta:
            found = first()
        else:
            second = partial(self._seen, images, [second for _, second in looks], mirrored=True)
            found, again = self._both(first, second)
            found = [
                np.asarray((one + resize(two, *one.shape)) / 2, np.float32)
                for one, two in zip(found, again, strict=True)
            ]
        return [centered(one, self.card.threshold) for one in found]

    def _both(self, first: Callable[[], list[Mask]], second: Callable[[], list[Mask]]) -> tuple[list[Mask], list[Mask]]:
        """What both give, at the same time where the session is made for that."""
        if self._session.calls == 1:
            return first(), second()
        from standout.support.pipeline import soon

        waiting = soon(second)  # the larger one
        return first(), waiting()

    def at_scale(self, images: Sequence[Image], scale: float) -> list[Mask]:
        """The network's mask of each whole image, seen once, at so many times the usual size."""
        size = scaled(self.card.size, scale)
        found = self._seen(images, [self._rectangle(image.shape[0], image.shape[1], size) for image in images])
        return [centered(one, self.card.threshold) for one in found]

    @cached_property
    def _hiding(self) -> SecondOpinion:
        from standout.second_opinion import SecondOpinion

        return SecondOpinion(self, lambda name: Segmenter(name, threads=self.threads))

    def for_hiding(self) -> PersonFinder:
        """What finds the people where they are to be hidden: it misses fewer, takes longer, and errs more often."""
        return self._hiding

    def looks(self, height: int, width: int) -> list[tuple[int, int]]:
        """The (h, w) at which the network sees a photo of height x width: once, or with TTA twice."""
        sizes = [self.card.size, *([scaled(self.card.size, self.card.second_look)] if self.tta else [])]
        return [self._rectangle(height, width, size) for size in sizes]

    def _rectangle(self, height: int, width: int, size: tuple[int, int]) -> tuple[int, int]:
        """The (h, w) in which a photo of height x width is shown to the network, where size (long, short) is wanted."""
        found = self._session.rectangle(height, width, size)
        return trimmed(height, width, found) if self._trim else found

    def _seen(
        self, images: Sequence[Image | Prepared], rectangles: Sequence[tuple[int, int]], *, mirrored: bool = False
    ) -> list[Mask]:
        """The network's mask of each whole image, seen in the rectangle (h, w) of the same index."""
        turn = slice(None, None, -1 if mirrored else None)
        found: dict[int, Mask] = {}
        for rectangle in dict.fromkeys(rectangles):
            alike = [i for i, one in enumerate(rectangles) if one == rectangle]
            with closing(self._fitted([images[i] for i in alike], rectangle)) as fitted:
                for start in range(0, len(alike), self.batch):
                    chunk = alike[start : start + self.batch]
                    batch, places = np.empty((len(chunk), 3, *rectangle), np.float32), []
                    for taken, (pixels, where) in zip(batch, islice(fitted, len(chunk)), strict=True):
                        taken[:] = pixels[..., turn]
                        places.append(where)
                    for i, answer, where in zip(chunk, self._run(batch), places, strict=True):
                        found[i] = inner(answer[0][:, turn], where)
        return [found[i] for i in range(len(images))]

    def _fitted(
        self, images: Sequence[Image | Prepared], rectangle: tuple[int, int]
    ) -> Generator[tuple[Floats, Where], None, None]:
        """Each image as (3, h, w) in the rectangle, and where it lies there; for batches, made on all cores."""
        view = partial(_view, rectangle=rectangle)
        if self.batch == 1 or all(isinstance(image, Prepared) for image in images):
            yield from map(view, images)
            return
        from standout.support.pipeline import in_order

        yield from in_order(images, view, workers=cores())


def _check(image: Image) -> None:
    """Raises InputError for an array that is no image."""
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype not in (np.uint8, np.uint16) or not image.size:
        raise InputError(f"image is {image.dtype} {image.shape}; wanted uint8 or uint16 (H, W, 3), RGB")


def _view(image: Image | Prepared, rectangle: tuple[int, int]) -> tuple[Floats, Where]:
    """The image as (3, h, w) in the rectangle, and where it lies there."""
    if isinstance(image, Prepared):
        return image.views[rectangle]
    pixels, where = fit(image, rectangle)
    return to_input(pixels)[0], where


SEEN = 640
"""The longer side, in pixels, of small pictures of frames, where the finder's network asks for no more."""


def side_seen_by(finder: PersonFinder) -> int:
    """The longer side, in pixels, of the small picture of each frame in which the finder looks for people.

    It is at least twice that at which the network sees it, since masks are refined by a picture of that size.
    """
    return max(SEEN, 2 * max(finder.card.size)) if isinstance(finder, Segmenter) else SEEN


def scaled(size: tuple[int, int], by: float) -> tuple[int, int]:
    """The size so many times as long and wide, in multiples of 32.

    >>> scaled((320, 256), 1.3), scaled((64, 32), 1.3), scaled((384, 288), 1)
    ((416, 320), (96, 32), (384, 288))
    """
    long, short = (max(32, 32 * round(by * side / 32)) for side in size)
    return long, short


def centered(probability: Mask, threshold: float) -> Mask:
    """The probability with the threshold moved to one half, where masks are cut, refined and blended.

        p (1 - t) / (p (1 - t) + (1 - p) t),    the logistic function of logit(p) - logit(t)

    0 and 1 stay where they are; a threshold of one half changes nothing.

    >>> centered(np.float32([0, 0.2, 0.5, 1]), 0.2).tolist()
    [0.0, 0.5, 0.800000011920929, 1.0]
    """
    if threshold == 0.5:
        return probability
    person, other = probability * np.float32(1 - threshold), (1 - probability) * np.float32(threshold)
    return np.asarray(person / (person + other), np.float32)
