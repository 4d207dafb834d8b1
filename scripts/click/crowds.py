"""Composed crowds: people cut from photos of one person, pasted so that they touch, with known instances.

photo       uint8 (h, w, 3)     RGB
instances   uint8 (h, w)        0 nobody, 1..n person n, 255 does not count

The colors of those who are pasted are drawn toward the background's, and the whole is then blurred, compressed or made
noisy, so that the edge of a paste tells as little as may be.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from cutouts import Kept

from standout.types import Bools, Bytes, Floats

LEAST_SEEN = 0.22
"""The share of a person that must be left to be seen for the person to stay in the crowd."""
LEAST_PIXELS = 90
TRIES = 12


@dataclass(frozen=True)
class Layout:
    """How people stand.

    real: how often the photo is one of a person, who stays as photographed, with the others pasted in front. row: how
    often they stand in a row. spread: of the logarithm of their heights. apart: how far from each other the middles of
    neighbors in a row are, as a share of what would make them just touch.
    """

    real: float = 0.3
    row: float = 0.75
    spread: tuple[float, float] = (0.05, 0.3)
    apart: tuple[float, float] = (0.35, 1.05)


SIDE_BY_SIDE = Layout(real=0.0, row=1.0, spread=(0.02, 0.12), apart=(0.65, 1.0))
CROWDED = Layout()


@dataclass
class Cutout:
    """A person without a background. bust: whether the person is cut off at the photo's bottom edge."""

    rgb: Bytes
    alpha: Floats
    bust: bool


@dataclass
class Placed:
    """A cutout at its place on the canvas; it may reach beyond the canvas."""

    cutout: Cutout
    left: int
    top: int

    def on(self, height: int, width: int) -> tuple[tuple[slice, slice], tuple[slice, slice]] | None:
        """The part of the canvas that it covers, and the part of the cutout that lies there."""
        tall, wide = self.cutout.alpha.shape
        top, left = max(0, self.top), max(0, self.left)
        bottom, right = min(height, self.top + tall), min(width, self.left + wide)
        if top >= bottom or left >= right:
            return None
        there = (slice(top - self.top, bottom - self.top), slice(left - self.left, right - self.left))
        return (slice(top, bottom), slice(left, right)), there


def cutout(rgba: Bytes, rng: np.random.Generator) -> Cutout:
    """The person of a photo, mirrored half of the time, with an edge a pixel soft."""
    mask = rgba[..., 3]
    left, top, width, height = cv2.boundingRect(mask)
    box = (slice(top, top + height), slice(left, left + width))
    part = rgba[box]
    if rng.random() < 0.5:
        part = part[:, ::-1]
    inside = cv2.erode(part[..., 3], np.ones((3, 3), np.uint8), borderValue=255) if rng.random() < 0.7 else part[..., 3]
    alpha = cv2.GaussianBlur(np.pad(inside, 0), (0, 0), 0.8).astype(np.float32) / 255
    return Cutout(np.ascontiguousarray(part[..., :3]), alpha.astype(np.float32), _is_bust(rgba))


def scaled(one: Cutout, height: float) -> Cutout:
    """The cutout at that height, in pixels."""
    scale = height / one.alpha.shape[0]
    size = (max(3, round(one.alpha.shape[1] * scale)), max(3, round(height)))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return Cutout(
        np.asarray(cv2.resize(one.rgb, size, interpolation=how), np.uint8),
        np.asarray(cv2.resize(one.alpha, size, interpolation=how), np.float32),
        one.bust,
    )


def relit(rgb: Bytes, alpha: Floats, toward: Bytes, share: float) -> Bytes:
    """The people's colors with mean and spread drawn that share of the way toward another picture's, in Lab."""
    lab = cv2.cvtColor(rgb, cv2.COLOR_RGB2LAB).astype(np.float32)
    other = cv2.cvtColor(cv2.resize(toward, (48, 48), interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2LAB)
    inside = lab[alpha > 0.5]
    if len(inside) < 10:
        return rgb
    mean, spread = inside.mean(0), inside.std(0) + 4
    pixels = other.reshape(-1, 3).astype(np.float32)
    to_mean, to_spread = pixels.mean(0), pixels.std(0) + 4
    to_mean = mean + np.clip(to_mean - mean, -45, 45) * share * np.array([0.6, 0.8, 0.8], np.float32)
    to_spread = spread * np.clip(to_spread / spread, 0.7, 1.4) ** (0.5 * share)
    done = (lab - mean) * (to_spread / spread) + to_mean
    return np.asarray(cv2.cvtColor(np.clip(done, 0, 255).astype(np.uint8), cv2.COLOR_LAB2RGB), np.uint8)


def background(kept: Kept, height: int, width: int, rng: np.random.Generator) -> Bytes:
    """A random part of a photo of nobody, at that size."""
    photo = kept[int(rng.integers(len(kept)))]
    share = rng.uniform(0.6, 1.0)
    tall = max(8, int(min(photo.shape[0], photo.shape[1] * height / width) * share))
    wide = max(8, min(photo.shape[1], int(tall * width / height)))
    top, left = int(rng.integers(photo.shape[0] - tall + 1)), int(rng.integers(photo.shape[1] - wide + 1))
    part = photo[top : top + tall, left : left + wide]
    return np.asarray(cv2.resize(part, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)


def crowd(
    singles: Kept, empty: Kept, count: int, rng: np.random.Generator, *, layout: Layout = CROWDED
) -> tuple[Bytes, Bytes]:
    """A photo of up to count people who touch, and its instances."""
    people = _alike(singles, count, rng)
    if count > 1 and rng.random() < 0.08:
        people[1] = people[0]  # alike, as in a team's shirts
    if rng.random() < layout.real:
        canvas, first = _photographed(people[0], rng)
    else:
        height = int(rng.integers(190, 270))
        canvas, first = background(empty, height, int(height * rng.uniform(0.75, 1.9)), rng), None
    height, width = canvas.shape[:2]
    placed = _placed([cutout(one, rng) for one in people], first, (height, width), layout, rng)
    instances = np.zeros((height, width), np.uint8) if first is None else first.astype(np.uint8)
    order = list(rng.permutation(len(placed)))
    canvas = canvas.copy()
    share = rng.uniform(0, 0.8)
    light = canvas if rng.random() < 0.7 else people[0][..., :3]
    number = int(first is not None)
    for at in order:
        if (where := placed[at].on(height, width)) is None:
            continue
        there, here = where
        number += 1
        alpha = placed[at].cutout.alpha[here]
        rgb = relit(placed[at].cutout.rgb, placed[at].cutout.alpha, np.ascontiguousarray(light), share)[here]
        mixed = canvas[there] + (rgb.astype(np.float32) - canvas[there]) * alpha[..., None]
        canvas[there] = np.clip(mixed + 0.5, 0, 255).astype(np.uint8)
        instances[there][alpha > 0.5] = number
    return canvas, _kept(instances, placed, first)


def _alike(singles: Kept, count: int, rng: np.random.Generator) -> list[Bytes]:
    """Photos of that many people, mostly all busts or all whole figures."""
    people = [singles[int(rng.integers(len(singles)))]]
    any_kind = rng.random() < 0.2
    while len(people) < count:
        one = singles[int(rng.integers(len(singles)))]
        if any_kind or _is_bust(one) == _is_bust(people[0]):
            people.append(one)
    return people


def _is_bust(rgba: Bytes) -> bool:
    """Whether the person is cut off at the photo's bottom edge."""
    return bool(rgba[-2:, :, 3].any())


def _photographed(rgba: Bytes, rng: np.random.Generator) -> tuple[Bytes, Bytes]:
    """A photo at a canvas's size, and the person's mask in it."""
    scale = rng.uniform(180, 260) / max(rgba.shape[:2])
    size = (max(60, round(rgba.shape[1] * scale)), max(60, round(rgba.shape[0] * scale)))
    photo = np.asarray(cv2.resize(rgba, size, interpolation=cv2.INTER_AREA), np.uint8)
    if rng.random() < 0.5:
        photo = photo[:, ::-1]
    return np.ascontiguousarray(photo[..., :3]), np.ascontiguousarray(photo[..., 3] > 127)


def _placed(
    people: list[Cutout], first: Bytes | None, size: tuple[int, int], layout: Layout, rng: np.random.Generator
) -> list[Placed]:
    """Those who are pasted, each touching those before. first: the mask of the person who is in the photo already."""
    height, width = size
    union = np.zeros(size, bool) if first is None else first.astype(bool)
    boxes = [] if first is None else [_box(first)]
    aspect = float(np.mean([one.alpha.shape[1] / one.alpha.shape[0] for one in people]))
    alike = rng.uniform(0.45, 0.95) * height if first is None else boxes[0][3] * rng.uniform(0.8, 1.2)
    alike = min(alike, 1.2 * width / max(1, len(people)) / aspect)
    baseline = rng.uniform(alike / height * 0.9, 1.05) * height if first is None else boxes[0][1] + boxes[0][3]
    spread, row = rng.uniform(*layout.spread), rng.random() < layout.row
    done: list[Placed] = []
    for one in people if first is None else people[1:]:
        one = scaled(one, float(np.clip(alike * np.exp(rng.normal(0, spread)), 24, height * 1.3)))
        bottom = baseline + rng.normal(0, 0.05 if row else 0.2) * alike
        if one.bust and rng.random() < 0.92:
            bottom = height + rng.uniform(0, 0.3) * one.alpha.shape[0]
        apart = rng.uniform(*layout.apart) if row else rng.uniform(0.1, 0.9)
        found = _beside(one, boxes, union, (bottom, apart, row), rng)
        if found is not None:
            done.append(found)
            there, here = found.on(height, width) or ((slice(0), slice(0)),) * 2
            union[there] |= one.alpha[here] > 0.5
            boxes.append((found.left, found.top, one.alpha.shape[1], one.alpha.shape[0]))
    return done


def _box(mask: Bytes) -> tuple[int, int, int, int]:
    left, top, width, height = cv2.boundingRect(mask.astype(np.uint8))
    return left, top, width, height


def _beside(
    one: Cutout,
    boxes: list[tuple[int, int, int, int]],
    union: Bools,
    wish: tuple[float, float, bool],
    rng: np.random.Generator,
) -> Placed | None:
    """A place for a person that touches those who have theirs, or None. wish: its bottom, how far apart, and in a row.

    boxes: left, top, width and height of the others. union: their pixels.
    """
    bottom, apart, row = wish
    height, width = union.shape
    tall, wide = one.alpha.shape
    side = rng.choice([-1.0, 1.0])
    if boxes and row:  # whoever stands at the end of the row that has more room
        first, last = min(boxes), max(boxes, key=lambda box: box[0] + box[2])
        side = -1.0 if first[0] > width - last[0] - last[2] else 1.0
        anchor = first if side < 0 else last
    else:
        anchor = boxes[int(rng.integers(len(boxes)))] if boxes else (0, 0, 0, height)
    for _ in range(TRIES):
        left = rng.uniform(0, max(1, width - wide))
        if boxes:
            left = anchor[0] + anchor[2] / 2 + side * apart * (anchor[2] + wide) / 2 - wide / 2
            if not row and not -0.3 * wide < left < width - 0.7 * wide:
                side = -side
                left = anchor[0] + anchor[2] / 2 + side * apart * (anchor[2] + wide) / 2 - wide / 2
        candidate = Placed(one, round(left), round(bottom - tall))
        where = candidate.on(height, width)
        if where is not None:
            there, here = where
            body = one.alpha[here] > 0.5
            grown = cv2.dilate(body.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
            touches = not boxes or (grown & union[there]).sum() > 4
            if touches and body.sum() > 0.4 * (one.alpha > 0.5).sum():
                return candidate
        apart *= 0.85
        if boxes:
            bottom = 0.7 * bottom + 0.3 * (anchor[1] + anchor[3])
    return None


def _kept(instances: Bytes, placed: list[Placed], first: Bytes | None) -> Bytes:
    """The instances numbered anew; scraps of people who are nearly hidden belong to whoever hides them most."""
    areas = np.bincount(instances.reshape(-1), minlength=256)
    whole = [float((one.cutout.alpha > 0.5).sum()) for one in placed]
    least = min([*whole, float(first.sum()) if first is not None else np.inf]) if whole else 0.0
    result = np.zeros_like(instances)
    number = 0
    hidden = np.zeros(instances.shape, bool)
    for at in range(1, int(instances.max()) + 1):
        if areas[at] < max(LEAST_PIXELS, LEAST_SEEN * 0.5 * least):
            hidden |= instances == at
            continue
        number += 1
        result[instances == at] = number
    result[hidden] = 255
    return result


def finished(photo: Bytes, rng: np.random.Generator) -> Bytes:
    """The whole photo in another light, a little blurred, noisy or compressed, so that it is of one piece."""
    done = photo.astype(np.float32) / 255
    done = done ** np.exp(rng.normal(0, 0.2)) * np.exp(rng.normal(0, 0.12)) * np.exp(rng.normal(0, 0.06, 3))
    if rng.random() < 0.06:
        done = done.mean(2, keepdims=True).repeat(3, 2)
    elif rng.random() < 0.3:
        gray = done.mean(2, keepdims=True)
        done = gray + (done - gray) * rng.uniform(0.4, 1.3)
    if rng.random() < 0.4:
        done = cv2.GaussianBlur(done.astype(np.float32), (0, 0), rng.uniform(0.4, 1.1))
    if rng.random() < 0.4:
        done = done + rng.normal(0, rng.uniform(0.005, 0.03), done.shape)
    result: Bytes = np.clip(done * 255 + 0.5, 0, 255).astype(np.uint8)
    if rng.random() < 0.35:
        quality = int(rng.integers(35, 90))
        _, coded = cv2.imencode(".jpg", result, [cv2.IMWRITE_JPEG_QUALITY, quality])
        result = np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.uint8)
    return result
