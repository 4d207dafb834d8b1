"""The packed training set in the memory of a GPU, and random views of its photos.

planes   uint8 (N, 5, S, S)    RGB, mask, counts of photos in the top left corner; also at 1/2 and 1/4 of the size
sample   float32 (n, 5, H, W)  the same five planes, 0..1, moved, turned, scaled, composed

Everything happens on the device: a processor with 16 cores augments 800 photos a second, a GPU several thousands.
"""

from __future__ import annotations

import io
import json
import math
import zipfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from PIL import AvifImagePlugin, Image
from torch import Tensor
from torch.nn import functional as F

SIDE, FILL = 448, 128 / 255
AvifImagePlugin.DEFAULT_MAX_THREADS = 1  # the pool below has a thread for each core


@dataclass(frozen=True)
class Draw:
    """How a batch is drawn: its size, and how often each way of composing is used."""

    size: tuple[int, int]
    compose: float
    background: float = 0.1
    quarters: float = 0.12
    turned: float = 0.12
    singles: float = 0.6
    smallest: float = 0.07


Rows = list[dict[str, object]]
Files = dict[str, bytes]


class Photos:
    """All photos of a pack (see pack.py), on the device.

    rows: what index.json says of each. files: the other files by name, in any format that Pillow and OpenCV read.
    draws: how often a photo of each source is drawn, once if it is not named. side: the longest side that photos have.
    """

    def __init__(
        self, rows: Rows, files: Files, draws: dict[str, float], device: torch.device, *, side: int = SIDE
    ) -> None:
        self.device, self.side, self.source = device, side, [str(row["source"]) for row in rows]
        # Filled on the device: to gather them in main memory first took a virtual machine with a GPU most of a minute.
        planes = torch.zeros((len(rows), 5, side, side), dtype=torch.uint8, device=device)
        people: list[Tensor] = []
        singles: list[list[float]] = []
        sizes = np.zeros((len(rows), 2), np.float32)
        boxes, facts = np.zeros((len(rows), 4), np.float32), np.zeros((len(rows), 2), np.float32)

        def read(index: int) -> tuple[int, np.ndarray, np.ndarray, np.ndarray | None]:
            stem = rows[index]["stem"]
            image = np.asarray(Image.open(io.BytesIO(files[f"images/{stem}.avif"])).convert("RGB"))
            mask = _gray(files[f"masks/{stem}.webp"])
            apart = files.get(f"people/{stem}.png")
            return index, image, mask, None if apart is None else _gray(apart)

        with ThreadPoolExecutor(16) as pool:
            for index, image, mask, apart in pool.map(read, range(len(rows))):
                h, w = mask.shape
                counts = np.where(mask == 128, 0, 255).astype(np.uint8)
                person = np.where(mask == 128, 0, mask).astype(np.uint8)
                stacked = np.concatenate([image.transpose(2, 0, 1), person[None], counts[None]])
                planes[index, :, :h, :w] = torch.from_numpy(stacked).to(device)
                sizes[index], boxes[index] = (h, w), _box(person > 127)
                facts[index] = (person > 127).mean(), counts.all()
                if apart is None:
                    continue
                canvas = torch.zeros((side, side), dtype=torch.uint8)
                canvas[:h, :w] = torch.from_numpy(apart)
                for one in np.unique(apart):
                    alone = apart == one
                    if 0 < one < 255 and alone.mean() > 0.02:
                        singles.append([index, len(people), float(one), *_box(alone)])
                people.append(canvas)
        self.levels = [planes]
        for _ in range(2):
            last = self.levels[-1]
            halves = [F.avg_pool2d(part.float(), 2).round().to(torch.uint8) for part in last.chunk(32)]
            self.levels.append(torch.cat(halves))
        self.people = torch.stack(people).to(device) if people else None
        self.singles = torch.tensor(singles, device=device)
        self.sizes, self.boxes = torch.tensor(sizes, device=device), torch.tensor(boxes, device=device)
        share, known = torch.tensor(facts[:, 0]), torch.tensor(facts[:, 1]) > 0
        self.weights = torch.tensor(
            [draws.get(str(r["source"]), 1.0) * float(str(r["draw"])) for r in rows], device=device
        )
        self.shows = (share > 0).to(device)
        self.donors = ((share > 0.05) & (share < 0.7) & known).nonzero()[:, 0].to(device)
        self.nobody = ((share == 0) & known).nonzero()[:, 0].to(device)
        upright = (self.sizes[:, 0] >= self.sizes[:, 1]).float()
        self.upright = float((upright * self.weights).sum() / self.weights.sum())
        coarse = ("coco", "cocoval", "cocoweak")
        self.boost = torch.tensor([1.5 if s in coarse else 3.0 for s in self.source], device=device)

    def batch(self, count: int, how: Draw) -> tuple[Tensor, Tensor]:
        """Random samples (count, 5, H, W), and how much a pixel near an outline counts in each, (count,)."""
        high, wide = max(how.size), min(how.size)
        upright = float(torch.rand(())) < self.upright
        rect = (high, wide) if upright else (wide, high)
        index = torch.multinomial(self.weights, count, replacement=True)
        moves = self.moves(index, rect, turned=how.turned)
        sample = self.render(index, moves, rect)
        chance = torch.rand(count, device=self.device)
        sample = self._before_others(sample, index, chance < how.background, rect)
        sample = self._quarters(sample, (chance > 1 - how.quarters).nonzero()[:, 0], rect)
        composed = torch.rand(count, device=self.device) < how.compose
        for share in (1.0, 0.6, 0.4):
            rows = (composed & (torch.rand(count, device=self.device) < share)).nonzero()[:, 0]
            sample = self._pasted(sample, rows, rect, how)
        return sample, self.boost[index]

    def moves(self, index: Tensor, rect: tuple[int, int], *, turned: float, cover: float = 0.3) -> Tensor:
        """Random moves of photos into rect, as matrices (n, 3, 3) from the photo's pixels to those of rect."""
        n, (h, w) = len(index), self.sizes[index].unbind(1)
        lies = (h >= w) != (rect[0] >= rect[1])
        covers = self._rand(n) < torch.where(lies, max(0.7, cover), cover)
        fit, fill = torch.minimum(rect[0] / h, rect[1] / w), torch.maximum(rect[0] / h, rect[1] / w)
        k = torch.where(covers, fill, fit)
        free_x, free_y = (w - rect[1] / k).clamp_min(0), (h - rect[0] / k).clamp_min(0)
        cx = w / 2 + (self._rand(n) - 0.5) * free_x
        cy = h / 2 + (self._rand(n) - 0.5) * free_y
        moved = self._rand(n) < 0.75
        # Now and then a part of a body fills the picture: an arm, a back, legs.
        near = self._rand(n) < 0.12
        zoom = torch.where(near, self._uniform(n, 1.4, 2.4), self._uniform(n, 0.65, 1.5))
        zoom = torch.where(moved, zoom, torch.ones_like(k))
        angle = torch.where(moved, self._uniform(n, -18, 18), torch.zeros_like(k))
        angle = torch.where(self._rand(n) < turned, self._uniform(n, -180, 180), angle)
        shear = torch.where(moved, self._uniform(n, -4, 4), torch.zeros_like(k))
        tx = torch.where(moved, self._uniform(n, -0.12, 0.12), torch.zeros_like(k)) * rect[1]
        ty = torch.where(moved, self._uniform(n, -0.12, 0.12), torch.zeros_like(k)) * rect[0]
        return self._matrix((cx, cy), k * zoom, angle, shear, (rect[1] / 2 + tx, rect[0] / 2 + ty))

    def _matrix(
        self, center: tuple[Tensor, Tensor], scale: Tensor, angle: Tensor, shear: Tensor, to: tuple[Tensor, Tensor]
    ) -> Tensor:
        """Scales, flips (half of them), shears and turns about center, which comes to lie at `to`."""
        n = len(scale)
        flip = torch.where(self._rand(n) < 0.5, -1.0, 1.0)
        cos, sin = torch.cos(angle * math.pi / 180), torch.sin(angle * math.pi / 180)
        skew = torch.tan(shear * math.pi / 180)
        a, b = cos * flip * scale, (cos * skew - sin) * scale
        c, d = sin * flip * scale, (sin * skew + cos) * scale
        matrix = torch.zeros((n, 3, 3), device=self.device)
        matrix[:, 0, 0], matrix[:, 0, 1], matrix[:, 1, 0], matrix[:, 1, 1], matrix[:, 2, 2] = a, b, c, d, 1
        matrix[:, 0, 2] = to[0] - a * center[0] - b * center[1]
        matrix[:, 1, 2] = to[1] - c * center[0] - d * center[1]
        return matrix

    def render(self, index: Tensor, matrix: Tensor, rect: tuple[int, int], one: Tensor | None = None) -> Tensor:
        """The photos moved into rect, (n, 5, H, W); outside of them nothing counts.

        one: rows of self.singles; the mask then shows that person alone.
        """
        inverse = torch.linalg.inv(matrix)
        ys, xs = (torch.arange(side, device=self.device) + 0.5 for side in rect)
        x = (
            inverse[:, 0, 0, None, None] * xs
            + inverse[:, 0, 1, None, None] * ys[:, None]
            + inverse[:, 0, 2, None, None]
        )
        y = (
            inverse[:, 1, 0, None, None] * xs
            + inverse[:, 1, 1, None, None] * ys[:, None]
            + inverse[:, 1, 2, None, None]
        )
        h, w = (side[:, None, None] for side in self.sizes[index].unbind(1))
        inside = ((x >= 0) & (x < w) & (y >= 0) & (y < h))[:, None]
        shrink = torch.linalg.det(inverse[:, :2, :2]).abs().sqrt()
        level = (shrink > 1.35).long() + (shrink > 2.7).long()
        out = torch.empty((len(index), 5, *rect), device=self.device)
        for one_level, planes in enumerate(self.levels):
            rows = (level == one_level).nonzero()[:, 0]
            if len(rows):
                edge = 0.5 * 2**one_level
                grid = torch.stack([_within(x[rows], edge, w[rows]), _within(y[rows], edge, h[rows])], -1)
                seen = planes[index[rows]].float() / 255
                grid = grid * (2 / self.side) - 1
                out[rows] = F.grid_sample(seen, grid, mode="bilinear", padding_mode="border", align_corners=False)
        if one is not None and self.people is not None:
            grid = torch.stack([x, y], -1) * (2 / self.side) - 1
            maps = self.people[one[:, 1].long()].float()[:, None]
            alone = (
                F.grid_sample(maps, grid, mode="nearest", align_corners=False).round() == one[:, 2, None, None, None]
            )
            out[:, 3:4] *= alone
        out[:, :3] = torch.where(inside, out[:, :3], FILL)
        out[:, 3:] = torch.where(inside, out[:, 3:], 0.0)
        out[:, 4] = (out[:, 4] > 0.5).float()
        return out

    def _before_others(self, sample: Tensor, index: Tensor, chosen: Tensor, rect: tuple[int, int]) -> Tensor:
        """The chosen samples' people, and what does not count, before photos of nobody."""
        rows = (chosen & self.shows[index]).nonzero()[:, 0]
        if not len(rows):
            return sample
        behind = self.nobody[torch.randint(len(self.nobody), (len(rows),), device=self.device)]
        other = self.render(behind, self.moves(behind, rect, turned=0.0, cover=1.0), rect)
        kept = torch.maximum(sample[rows, 3:4], 1 - sample[rows, 4:5])
        alpha = F.avg_pool2d(-F.max_pool2d(-kept, 3, 1, 1), 3, 1, 1)
        sample[rows, :3] = alpha * _lit(sample[rows, :3], kept, other[:, :3], self._uniform(len(rows), 0, 0.4))
        sample[rows, :3] += (1 - alpha) * other[:, :3]
        return sample

    def _quarters(self, sample: Tensor, rows: Tensor, rect: tuple[int, int]) -> Tensor:
        """The rows made of four photos that meet in the middle."""
        half = (rect[0] // 2, rect[1] // 2)
        for top in (0, half[0]):
            for left in (0, half[1]):
                if len(rows):
                    index = torch.multinomial(self.weights, len(rows), replacement=True)
                    part = self.render(index, self.moves(index, half, turned=0.0, cover=1.0), half)
                    sample[rows, :, top : top + half[0], left : left + half[1]] = part
        return sample

    def _pasted(self, sample: Tensor, rows: Tensor, rect: tuple[int, int], how: Draw) -> Tensor:
        """The rows with other photos' people, or one of their people alone, over them."""
        alone = self._rand(len(rows)) < (how.singles if len(self.singles) else 0.0)
        for group, single in ((rows[~alone], False), (rows[alone], True)):
            if not len(group):
                continue
            n = len(group)
            one = self.singles[torch.randint(len(self.singles), (n,), device=self.device)] if single else None
            index = (
                self.donors[torch.randint(len(self.donors), (n,), device=self.device)]
                if one is None
                else one[:, 0].long()
            )
            x0, y0, x1, y1 = (self.boxes[index] if one is None else one[:, 3:]).unbind(1)
            cut = y1 >= self.sizes[index, 0] - 2
            least = how.smallest * (1 + cut.float())
            tall = rect[0] * (least + self._rand(n) * (0.9 - least))
            k = torch.minimum(tall / (y1 - y0), 0.9 * rect[1] / (x1 - x0))
            high, wide = k * (y1 - y0), k * (x1 - x0)
            cx = self._rand(n) * (rect[1] + wide / 3) - wide / 6
            low = rect[0] - high / 2
            cy = torch.where(
                cut & (self._rand(n) < 0.8), low + 1, high / 3 + self._rand(n) * (low + high / 6 - high / 3)
            )
            angle = torch.where(self._rand(n) < 0.15, self._uniform(n, -180, 180), self._uniform(n, -12, 12))
            angle = torch.where(cut, self._uniform(n, -6, 6), angle)
            shear = self._uniform(n, -4, 4)
            matrix = self._matrix(((x0 + x1) / 2, (y0 + y1) / 2), k, angle, shear, (cx, cy))
            donor = self.render(index, matrix, rect, one)
            matte = donor[:, 3:4]
            alpha = F.avg_pool2d(matte, 3, 1, 1) * 0.5 + matte * 0.5
            lit = _lit(donor[:, :3], matte, sample[group, :3], self._uniform(n, 0, 0.6))
            sample[group, :3] = alpha * lit + (1 - alpha) * sample[group, :3]
            sample[group, 3:] = torch.maximum(sample[group, 3:], matte)
        return sample

    def _rand(self, n: int) -> Tensor:
        return torch.rand(n, device=self.device)

    def _uniform(self, n: int, low: float, high: float) -> Tensor:
        return low + (high - low) * self._rand(n)


def _lit(person: Tensor, matte: Tensor, place: Tensor, share: Tensor) -> Tensor:
    """The person with its mean brightness moved by share toward that of the place."""
    inside = matte.sum((1, 2, 3)).clamp_min(1.0)
    mean = (person * matte).sum((1, 2, 3)) / (3 * inside)
    return (person + (share * (place.mean((1, 2, 3)) - mean))[:, None, None, None]).clamp(0, 1)


def _within(x: Tensor, edge: float, side: Tensor) -> Tensor:
    return torch.minimum(x.clamp_min(edge), side - edge)


def _gray(data: bytes) -> np.ndarray:
    return np.asarray(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE), np.uint8)


def _box(person: np.ndarray) -> tuple[float, float, float, float]:
    """Left, top, right and bottom of what is True; a pixel where nothing is."""
    ys, xs = np.nonzero(person)
    return (xs.min(), ys.min(), xs.max() + 1, ys.max() + 1) if len(xs) else (0.0, 0.0, 1.0, 1.0)


def unpacked(pack: Path) -> tuple[Rows, Files]:
    """The rows of the index, and the files by name."""
    with zipfile.ZipFile(pack) as held:
        files = {name: held.read(name) for name in held.namelist()}
    return json.loads(files.pop("index.json")), files
