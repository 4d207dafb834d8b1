"""Augmentations: how photos are changed before the network sees them.

    image   uint8 (H, W, 3)   RGB, of any size
    mask    uint8 (H, W)      255 = person, 0 = background, soft edges in between
    counts  uint8 (H, W)      255 = the pixel counts, 0 = it does not

All randomness comes from the generator that is passed in, so that the same generator always gives the same sample.

To add a set: a function that lists its transforms, named in AUGMENTATIONS and in config.Augment.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import albumentations as A
import cv2
import numpy as np

from standout.masks.letterbox import FILL, resize
from standout.support.draw import boxed, mosaic
from standout.types import Bytes


@dataclass(frozen=True)
class Sample:
    """A photo with its mask and with the pixels that count, all of one size."""

    image: Bytes
    mask: Bytes
    counts: Bytes

    @property
    def planes(self) -> tuple[Bytes, Bytes, Bytes]:
        """Photo, mask and counts, in this order."""
        return self.image, self.mask, self.counts


def _original() -> list[A.BasicTransform | A.BaseCompose]:
    """The augmentation of the original project: flips, brightness and contrast, and shift, scale and rotation."""
    return [
        A.HorizontalFlip(p=0.5),
        A.RandomBrightnessContrast(brightness_limit=0.2, contrast_limit=0.2, p=0.5),
        A.Affine(scale=(0.9, 1.1), translate_percent=(-0.0625, 0.0625), rotate=(-15, 15), fill=FILL, p=0.5),
    ]


def _standard() -> list[A.BasicTransform | A.BaseCompose]:
    """Wider shifts, scales and rotations, and the color, light and image quality of bad cameras and messengers."""
    return [
        A.HorizontalFlip(p=0.5),
        A.Affine(
            scale=(0.65, 1.5),
            translate_percent=(-0.12, 0.12),
            rotate=(-18, 18),
            shear=(-4, 4),
            fill=FILL,
            p=0.75,
        ),
        A.RandomBrightnessContrast(brightness_limit=0.3, contrast_limit=0.3, p=0.5),
        A.HueSaturationValue(hue_shift_limit=8, sat_shift_limit=35, val_shift_limit=0, p=0.3),
        A.RGBShift(r_shift_limit=18, g_shift_limit=18, b_shift_limit=18, p=0.2),
        A.RandomGamma(gamma_limit=(60, 150), p=0.2),
        A.ToGray(p=0.04),
        A.OneOf(
            [
                A.GaussianBlur(blur_limit=(3, 5)),
                A.MotionBlur(blur_limit=(3, 7)),
                A.Downscale(scale_range=(0.4, 0.8)),
            ],
            p=0.12,
        ),
        A.GaussNoise(std_range=(0.01, 0.06), p=0.1),
        A.ImageCompression(quality_range=(35, 90), p=0.2),
    ]


def _strong() -> list[A.BasicTransform | A.BaseCompose]:
    """The standard set with lamp light, nights with a sensor's noise, and lenses out of focus."""
    night = A.Sequential(
        [
            A.RandomBrightnessContrast(brightness_limit=(-0.55, -0.3), contrast_limit=(-0.3, 0.0), p=1.0),
            A.ISONoise(color_shift=(0.02, 0.08), intensity=(0.2, 0.6), p=1.0),
        ],
        p=0.08,
    )
    *moves, noise, compression = _standard()
    return [
        *moves,
        A.PlanckianJitter(mode="blackbody", temperature_limit=(3500, 12000), p=0.15),
        A.Defocus(radius=(2, 4), alias_blur=(0.1, 0.3), p=0.05),
        night,
        noise,
        compression,
    ]


def _colorful() -> list[A.BasicTransform | A.BaseCompose]:
    """The strong set with every third photo in other hues or in gray, so that clothes of any color are found."""
    turned = A.HueSaturationValue(hue_shift_limit=90, sat_shift_limit=60, val_shift_limit=0)
    return [*_strong(), A.OneOf([turned, turned, A.ToGray()], p=0.33)]


AUGMENTATIONS: dict[str, Callable[[], list[A.BasicTransform | A.BaseCompose]]] = {
    "none": list,
    "original": _original,
    "standard": _standard,
    "strong": _strong,
    "colorful": _colorful,
}


def moved() -> A.Compose:
    """The weak transforms of photos without masks: only flips, scales and shifts, so that a teacher knows its way."""
    return A.Compose(
        [
            A.HorizontalFlip(p=0.5),
            A.Affine(scale=(0.75, 1.4), translate_percent=(-0.1, 0.1), fill=FILL, p=0.75),
        ]
    )


def in_other_light() -> A.Compose:
    """The strong transforms of photos without masks: color, light and image quality, which move no pixel.

    After the strong view of Yang et al., "Revisiting Weak-to-Strong Consistency in Semi-Supervised Semantic
    Segmentation" (UniMatch, arXiv 2208.09910), with noise and compression beside its jitter, gray and blur.
    """
    return A.Compose(
        [
            A.ColorJitter(brightness=(0.5, 1.5), contrast=(0.5, 1.5), saturation=(0.5, 1.5), hue=(-0.15, 0.15), p=0.8),
            A.ToGray(p=0.2),
            A.OneOf(
                [A.GaussianBlur(blur_limit=(3, 7)), A.MotionBlur(blur_limit=(3, 9)), A.Downscale((0.3, 0.7))], p=0.4
            ),
            A.GaussNoise(std_range=(0.01, 0.08), p=0.2),
            A.ImageCompression(quality_range=(30, 90), p=0.2),
        ]
    )


def pipeline(name: str = "standard") -> A.Compose:
    """The transforms of the set of that name in AUGMENTATIONS, for a photo, its mask and its counts together."""
    return A.Compose(AUGMENTATIONS[name]())


def augment(sample: Sample, transforms: A.Compose, rng: np.random.Generator) -> Sample:
    """The sample, transformed; pixels that come from outside the photo do not count."""
    transforms.set_random_seed(int(rng.integers(2**31)))
    done = transforms(image=sample.image, masks=[sample.mask, sample.counts])
    mask, counts = done["masks"]
    return Sample(done["image"], mask, counts)


def crop_to(sample: Sample, rect: tuple[int, int], rng: np.random.Generator) -> Sample:
    """The largest crop with the proportions of rect, (h, w), at a random place.

    It shows people larger, and cut off by the frame.
    """
    height, width = sample.mask.shape
    crop_h = min(height, round(width * rect[0] / rect[1]))
    crop_w = min(width, round(height * rect[1] / rect[0]))
    top, left = int(rng.integers(height - crop_h + 1)), int(rng.integers(width - crop_w + 1))
    image, mask, counts = (plane[top : top + crop_h, left : left + crop_w] for plane in sample.planes)
    return Sample(image, mask, counts)


def turn(sample: Sample, rng: np.random.Generator) -> Sample:
    """The whole sample, turned by any angle, on a larger canvas whose corners do not count."""
    height, width = sample.mask.shape
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), float(rng.uniform(-180, 180)), 1.0)
    cos, sin = abs(matrix[0, 0]), abs(matrix[0, 1])
    size = (round(height * sin + width * cos), round(height * cos + width * sin))  # width, height
    matrix[:, 2] += (size[0] - width) / 2, (size[1] - height) / 2
    image = cv2.warpAffine(sample.image, matrix, size, flags=cv2.INTER_LINEAR, borderValue=(FILL, FILL, FILL))
    mask, counts = (cv2.warpAffine(plane, matrix, size, flags=cv2.INTER_LINEAR) for plane in sample.planes[1:])
    # Where the fill runs into the photo, neither is what it seems.
    sure = np.where(np.asarray(counts) == 255, 255, 0) if sample.counts.all() else counts
    return Sample(np.asarray(image, np.uint8), np.asarray(mask, np.uint8), np.asarray(sure, np.uint8))


def one_person(sample: Sample, people: Bytes, rng: np.random.Generator, *, least: float = 0.02) -> Sample | None:
    """The sample with one of its people alone in the mask; None where nobody is large enough.

    people: uint8, of any size in the sample's proportions: 0 nobody, 1, 2, ... a person each, 255 unclear. least: the
    share of the sample that the person must cover.
    """
    height, width = sample.mask.shape
    apart = cv2.resize(people, (width, height), interpolation=cv2.INTER_NEAREST)
    sizes = np.bincount(apart.ravel(), minlength=256)[1:255]
    large = np.flatnonzero(sizes >= least * apart.size) + 1
    if not large.size:
        return None
    mask = np.where(apart == rng.choice(large), sample.mask, 0).astype(np.uint8)
    return Sample(sample.image, mask, sample.counts)


def quarters(samples: Sequence[Sample], rect: tuple[int, int], rng: np.random.Generator) -> Sample:
    """Four samples as the quarters of one sample of rect's size, (h, w), which meet near its middle.

    It shows people small, in numbers, and cut off. After the mosaic of Bochkovskiy et al., "YOLOv4" (arXiv 2004.10934);
    here each quarter is a crop that fills it.
    """
    middle, center = (int(side * rng.uniform(0.35, 0.65)) for side in rect)
    cells = [(middle, center), (middle, rect[1] - center), (rect[0] - middle, center)]
    cells.append((rect[0] - middle, rect[1] - center))
    filled = []
    for sample, cell in zip(samples, cells, strict=True):
        cropped = crop_to(sample, cell, rng)
        filled.append([resize(plane, *cell) for plane in cropped.planes])
    rows = zip(*filled, strict=True)
    image, mask, counts = (np.vstack([np.hstack(row[:2]), np.hstack(row[2:])]) for row in rows)
    return Sample(image, mask, counts)


def paste(onto: Sample, donor: Sample, rng: np.random.Generator, *, smallest: float = 0.15) -> Sample:
    """The sample onto with the donor's people pasted over it, their light adapted to where they stand.

    They are as tall as 90 % of the photo at most. smallest: their least height as a share of the photo's; it is doubled
    for people who are cut off by the bottom of their own photo, and who are mostly put at the bottom of this one.
    """
    found = cv2.findNonZero(donor.mask)
    if found is None:
        return onto
    x, y, w, h = cv2.boundingRect(found)
    cut_off = y + h >= donor.mask.shape[0] - 2
    height, width = onto.mask.shape
    tall = height * rng.uniform((1 + cut_off) * smallest, 0.9)
    scale = min(tall / h, 0.9 * width / w)
    size = (max(2, round(h * scale)), max(2, round(w * scale)))
    person, matte = (resize(p[y : y + h, x : x + w], *size) for p in donor.planes[:2])
    if rng.random() < 0.5:
        person, matte = person[:, ::-1], matte[:, ::-1]
    left = int(rng.integers(-size[1] // 3, max(1, width - 2 * size[1] // 3)))
    lowest = height - size[0]
    top = lowest if cut_off and rng.random() < 0.8 else int(rng.integers(lowest // 3, lowest + size[0] // 6 + 1))
    return _blend(onto, person, matte, top, left, match=float(rng.uniform(0.0, 0.6)))


def stands(mask: Bytes) -> bool:
    """Whether the people in a mask are much taller than wide, as somebody is who stands and whose clothes are seen."""
    _, _, w, h = cv2.boundingRect(mask)
    return h > 1.8 * w


def drop_cloth(onto: Sample, donor: Sample, rng: np.random.Generator) -> Sample:
    """The sample onto with a piece of the donor's clothes behind its people, so that loose cloth is learnt as nobody.

    The piece is torn along random smooth lines out of a donor for whom stands() is true, between breast and knees. It
    is turned by a quarter or more, so that no person can be seen in it, and its height is a tenth to a half of the
    photo's. Mask and counts do not change.
    """
    x, y, w, h = cv2.boundingRect(donor.mask)
    y, h = y + h // 4, max(1, 2 * h // 5)
    cloth, matte = (p[y : y + h, x : x + w] for p in donor.planes[:2])
    torn = resize(rng.normal(size=(4, 4)).astype(np.float32), h, w) > 0
    matte = np.asarray(cv2.erode(np.where(torn, matte, 0), np.ones((3, 3), np.uint8)), np.uint8)
    turns = int(rng.integers(1, 4))
    cloth, matte = np.rot90(cloth, turns), np.rot90(matte, turns)
    height, width = onto.mask.shape
    tall = height * float(rng.uniform(0.1, 0.5))
    wide = min(float(width), tall * matte.shape[1] / matte.shape[0] * float(rng.uniform(0.6, 1.6)))
    size = (max(2, round(tall)), max(2, round(wide)))
    cloth, matte = (resize(np.ascontiguousarray(p), *size) for p in (cloth, matte))
    top, left = int(rng.integers(height - size[0] // 2)), int(rng.integers(width - size[1] // 2))
    matte = matte[: height - top, : width - left]
    behind = np.minimum(matte, 255 - onto.mask[top : top + matte.shape[0], left : left + matte.shape[1]])
    laid = _blend(onto, cloth, behind, top, left, match=float(rng.uniform(0.0, 0.6)))
    return Sample(laid.image, onto.mask, onto.counts)


def swap_background(sample: Sample, background: Sample, rng: np.random.Generator) -> Sample:
    """The sample's people, and its pixels that do not count, before another photo, scaled and cropped to cover.

    The cut is moved inward by a pixel and feathered, so that hair brings little of the old background with it.
    """
    height, width = sample.mask.shape
    other = background.image
    scale = max(height / other.shape[0], width / other.shape[1]) * float(rng.uniform(1.0, 1.3))
    other = resize(other, max(height, round(other.shape[0] * scale)), max(width, round(other.shape[1] * scale)))
    top, left = (int(rng.integers(a - b + 1)) for a, b in zip(other.shape, (height, width), strict=False))
    other = other[top : top + height, left : left + width]
    if rng.random() < 0.5:
        other = other[:, ::-1]
    kept = np.maximum(sample.mask, 255 - sample.counts)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (3, 3))
    alpha = cv2.GaussianBlur(cv2.erode(kept, kernel), (3, 3), 0).astype(np.float32)[..., None] / 255.0
    person = sample.image.astype(np.float32)
    inside = sample.mask > 127
    light = float(other.mean()) - float(person[inside].mean()) if inside.any() else 0.0
    person = np.clip(person + float(rng.uniform(0.0, 0.4)) * light, 0, 255)
    image = (alpha * person + (1 - alpha) * other).astype(np.uint8)
    return Sample(image, sample.mask, sample.counts)


def _blend(onto: Sample, person: Bytes, matte: Bytes, top: int, left: int, *, match: float) -> Sample:
    """The sample onto with a person laid over it at (top, left), which may be outside.

    person: uint8 (h, w, 3). matte: uint8 (h, w), its alpha. match: how far the person's mean brightness is moved to
    that of the place, 0..1.
    """
    height, width = onto.mask.shape
    y0, x0 = max(0, top), max(0, left)
    y1, x1 = min(height, top + matte.shape[0]), min(width, left + matte.shape[1])
    if y1 <= y0 or x1 <= x0:
        return onto
    person, matte = (
        person[y0 - top : y1 - top, x0 - left : x1 - left],
        matte[y0 - top : y1 - top, x0 - left : x1 - left],
    )
    alpha = cv2.GaussianBlur(matte, (3, 3), 0).astype(np.float32)[..., None] / 255.0
    here = onto.image[y0:y1, x0:x1].astype(np.float32)
    light = float(here.mean()) - float(person[matte > 127].mean() if (matte > 127).any() else here.mean())
    lit = np.clip(person.astype(np.float32) + match * light, 0, 255)
    image, mask, counts = (plane.copy() for plane in onto.planes)
    image[y0:y1, x0:x1] = (alpha * lit + (1 - alpha) * here).astype(np.uint8)
    mask[y0:y1, x0:x1] = np.maximum(mask[y0:y1, x0:x1], matte)
    counts[y0:y1, x0:x1] = np.maximum(counts[y0:y1, x0:x1], matte)
    return Sample(image, mask, counts)


def sheet(samples: list[Sample], *, columns: int = 8) -> Bytes:
    """A picture of the samples in rows, with people tinted red and uncounted pixels darkened; uint8 (H, W, 3)."""
    tiles = []
    for sample in samples:
        tile = sample.image.astype(np.float32)
        tile[..., 0] += 0.4 * sample.mask
        tile *= np.where(sample.counts > 127, 1.0, 0.4)[..., None]
        tiles.append(boxed(np.clip(tile, 0, 255).astype(np.uint8), max(tile.shape)))
    return mosaic(tiles, columns=columns)
