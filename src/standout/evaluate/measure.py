"""Measures a model as users get its masks: labeled photos go through the Segmenter, and their scores into a report.

To measure something else: a field in photos.Score, named in photos.METRICS.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from standout import images
from standout.data import Pair, find_pairs, fingerprint, read_label
from standout.errors import InputError
from standout.evaluate.photos import Score, score
from standout.evaluate.report import Groups, Report
from standout.metrics.boundary import TOLERANCE
from standout.models.card import ModelCard, protocol
from standout.segmenter import Segmenter, centered
from standout.support.system import cores
from standout.support.version import __version__
from standout.types import Mask, Photo


@dataclass(frozen=True)
class Settings:
    """How masks are made and judged.

    refine: whether the edges are refined at the photo's size. threshold: the probability from which a pixel is person,
    0..1; None means the one on the model's card. tolerance: how far apart two outlines may be, as a share of the
    photo's diagonal.
    """

    refine: bool = True
    threshold: float | None = None
    tolerance: float = TOLERANCE


def measure(
    pairs: Sequence[Pair],
    segmenter: Segmenter,
    settings: Settings = Settings(),
    *,
    workers: int | None = None,
    tick: Callable[[], None] = lambda: None,
) -> list[Score]:
    """The scores of each pair, in the order of the pairs.

    workers: how many photos are measured at once; None means one for each core. tick: called after each photo.

    Raises InputError, naming the file, when a photo or mask cannot be read or when their sizes differ.
    """
    threshold = level_of(segmenter, settings)

    def one(pair: Pair) -> Score:
        photo = images.read(pair.image)
        label = read_label(pair, photo.image.shape[:2])
        mask = mask_of(photo, segmenter, settings)
        found = score(
            mask, label, threshold=threshold, tolerance=settings.tolerance, name=pair.name, source=pair.source
        )
        tick()
        return found

    with ThreadPoolExecutor(workers or cores()) as pool:
        return list(pool.map(one, pairs))


def mask_of(photo: Photo, segmenter: Segmenter, settings: Settings) -> Mask:
    """The photo's mask as users get it, float32 (H, W) in 0..1: it is 0 where the photo itself is transparent."""
    mask = segmenter.mask(photo.image, refine=settings.refine)
    return mask if photo.alpha is None else np.minimum(mask, photo.alpha)


def evaluate(
    pairs: Sequence[Pair],
    segmenter: Segmenter,
    settings: Settings = Settings(),
    *,
    groups: Groups | None = None,
    tick: Callable[[], None] = lambda: None,
) -> Report:
    """The report of a model on labeled pairs.

    groups: as groups.read_groups gives them. tick: called after each photo. Raises InputError as measure does.
    """
    scores = measure(pairs, segmenter, settings, tick=tick)
    card = segmenter.card
    facts = {
        "model": {"name": card.name, "encoder": card.encoder, "sha256": card.sha256, "device": segmenter.device}
        | {"runtime": segmenter.runtime},
        "data": {"photos": len(pairs), "fingerprint": fingerprint(pairs)},
        "settings": asdict(settings) | {"threshold": threshold_of(segmenter, settings), "mirror": segmenter.tta},
        "standout": __version__,
    }
    return Report(scores, facts, groups or {}, card_threshold=card.threshold)


def scored(
    card: ModelCard, pairs: Sequence[Pair], segmenter: Segmenter, *, tick: Callable[[], None] = lambda: None
) -> ModelCard:
    """The card with the model's scores on the pairs, and with the protocol that says how they were measured.

    The scores on every card come from here, for bundled models and for those that users train alike. segmenter: one
    with the same weights. Raises InputError as measure does.
    """
    return with_scores(card, measure(pairs, segmenter, tick=tick), segmenter)


def with_scores(card: ModelCard, found: list[Score], segmenter: Segmenter) -> ModelCard:
    """The card with these scores, and with the protocol that says how they were measured.

    found: what measure gave for the segmenter with its default settings.
    """
    report = Report(found)
    scores = {name: round(row["dice"].mean, 4) for name, row in report.by_source.items() if name != "all"}
    scores |= {"empty": round(report.nobody.mean, 4)} if report.nobody else {}
    looks = [(max(look), min(look)) for look in segmenter.looks(2, 1)]
    said = protocol(looks=looks, refined=Settings().refine, threshold=card.threshold, photos=len(found))
    return replace(card, scores=scores, protocol=said)


def threshold_of(segmenter: Segmenter, settings: Settings) -> float:
    """The threshold of the settings, otherwise the one on the model's card."""
    return segmenter.card.threshold if settings.threshold is None else settings.threshold


def level_of(segmenter: Segmenter, settings: Settings) -> float:
    """The level of the segmenter's masks that stands for that threshold: in masks, the card's threshold is at 0.5."""
    level = np.asarray([threshold_of(segmenter, settings)], np.float32)
    return float(centered(level, segmenter.card.threshold)[0])


def pick(data: Path, part: str = "auto") -> list[Pair]:
    """The pairs of data that belong to a part: "train", "val", "test" or "all".

    part: "auto" means "val" if the data have such a part, otherwise "all". Raises InputError when there are none, and
    as data.find_pairs does.
    """
    pairs = find_pairs(data)
    parts = {pair.split for pair in pairs}
    if part == "auto":
        part = "val" if "val" in parts else "all"
    chosen = pairs if part == "all" else [pair for pair in pairs if pair.split == part]
    if not chosen:
        known = ", ".join(sorted(parts - {""})) or "none; standout data split makes some"
        raise InputError(f"{data} has no photos of part {part!r}; its parts: {known}")
    return chosen
