"""How well a click chooses a person among people who touch: IoU on composed groups and on photos.

    .venv/bin/python benchmarks/choose.py [--people ../shared/people] [--groups 20] [--sheet FOLDER]

rows       2 to 5 people cut from validation photos of one person and pasted side by side so that they touch
crowds     likewise, but at any place and of any size, so that they hide much of each other
photos     people of photos in which people are told apart by hand, who touch another: validation photos, and the
           photos that scripts/click keeps from training

The first click is on the pixel of the visible person that is farthest from its edge. The second is on the pixel
farthest from the edge of the largest error: on the person if it is missing there, and not on the person if too much
was found. "Beside" is a click that misses the person by 1 to 3 % of the diagonal. Pixels without a label do not
count. "true mask" means that the people mask given beside the click is the label's, "found mask" that standout-mobile
found it. The first column is what choosing without a click network would give: the whole connected part that was
clicked on. --sheet writes pictures of the results, worst first.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from standout.clicknet import ClickNet
from standout.images import read
from standout.masks.clicks import At, inmost, parts, parts_at
from standout.segmenter import Segmenter
from standout.types import Bools, Bytes, Mask

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "scripts" / "click"))

from crowds import CROWDED, SIDE_BY_SIDE, crowd, finished  # noqa: E402
from cutouts import HELD_OUT, Kept, empty, gray, keep, opened, photo_of, singles  # noqa: E402
from scenes import SKIP, click_in  # noqa: E402

SINGLES = {"picsart": 100, "eg1800": 100, "ccp": 100}
LEAST = 250
"""Pixels of a person who is clicked on in a photo."""


@dataclass
class Group:
    """A photo of people who touch. kind: the row of the table that it counts for."""

    kind: str
    name: str
    photo: Bytes
    instances: Bytes


@dataclass
class Row:
    """The IoUs of a kind."""

    whole: list[float] = field(default_factory=list)
    one: list[float] = field(default_factory=list)
    two: list[float] = field(default_factory=list)
    found: list[float] = field(default_factory=list)
    loose: list[float] = field(default_factory=list)
    beside: list[float] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)
    """How many people apart found, minus how many there are, in each connected part."""


def composed(people: Path, folder: Path, each: int) -> Iterator[Group]:
    """Groups of 2 to 5 people of validation photos, each in one connected part."""
    for part, pictures in (("singles", singles(people / "val", SINGLES)), ("empty", empty(people / "val", 100))):
        keep(folder, part, pictures)
    alone: Kept = opened(folder, "singles")
    nobody: Kept = opened(folder, "empty")
    for kind, layout, most in (("rows", SIDE_BY_SIDE, each), ("crowds", CROWDED, each // 2)):
        for count in (2, 3, 4, 5):
            rng, made = np.random.default_rng(100 + count), 0
            while made < most:
                photo, instances = crowd(alone, nobody, count, rng, layout=layout)
                numbers = set(np.unique(instances)) - {0, SKIP}
                if len(numbers) == count and len(parts((instances > 0).astype(np.float32))) == 1:
                    made += 1
                    yield Group(f"{kind}, {count} people", f"{count}-{made}", finished(photo, rng), instances)


def alone(people: Kept, net: ClickNet) -> list[int]:
    """How many people are counted in photos of one."""
    counts = []
    for at in range(0, len(people), 2):
        mask = (people[at][..., 3] > 127).astype(np.float32)
        largest = max(parts(mask), key=lambda one: int(one.sum()))
        counts.append(len(net.apart(np.ascontiguousarray(people[at][..., :3]), largest.astype(np.float32))))
    return counts


def photographed(people: Path) -> Iterator[Group]:
    """Photos whose people are told apart: those of validation, and those that are kept from training."""
    val = sorted((people / "val" / "instances").iterdir())
    train = sorted((people / "train" / "instances").iterdir())[::HELD_OUT]
    for path in (*val, *train):
        source = path.stem.split("_")[0]
        kind = {"val": "photos, general scenes (validation)"}.get(
            path.parts[-3], f"photos, {source} (kept from training)"
        )
        yield Group(kind, path.stem, photo_of(path.parents[1], path.stem), gray(path))


def touching(group: Group) -> Iterator[tuple[Bools, list[int]]]:
    """The connected parts of the labels in which there are several people, and who they are."""
    told = group.instances
    _, labels = cv2.connectedComponents(((told > 0) & (told < SKIP)).astype(np.uint8), connectivity=8)
    for label in range(1, int(labels.max()) + 1):
        part = labels == label
        areas = np.bincount(told[part], minlength=SKIP)
        who = [int(one) for one in np.flatnonzero(areas >= (LEAST if group.kind.startswith("photos") else 1)) if one]
        if len(who) > 1:
            yield part, who


def iou(found: Mask, wanted: Bools, counts: Bools) -> float:
    """The IoU over the pixels that count."""
    body = (found > 0.5) & counts
    return float((body & wanted).sum() / max(1, (body | wanted).sum()))


def second(found: Mask, wanted: Bools, counts: Bools) -> tuple[At, bool] | None:
    """A click on the largest error, and whether it is on the person; None where nothing is wrong."""
    missing, extra = wanted & (found <= 0.5), (found > 0.5) & ~wanted & counts
    worst = max(((_largest(one), on) for one, on in ((missing, True), (extra, False))), key=lambda one: one[0].sum())
    return (inmost(worst[0])[0], worst[1]) if worst[0].any() else None


def _largest(region: Bools) -> Bools:
    count, labels, stats, _ = cv2.connectedComponentsWithStats(region.astype(np.uint8))
    return np.asarray(labels == 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())) if count > 1 else region


def beside(wanted: Bools, part: Bools, rng: np.random.Generator) -> At | None:
    """A click that misses the person, by 1 to 3 % of the diagonal, and is nearer to nobody else; None where none is."""
    diagonal = float(np.hypot(*part.shape))
    away, from_person = (cv2.distanceTransform((~one).astype(np.uint8), cv2.DIST_L2, 5) for one in (part, wanted))
    rows, columns = np.nonzero((away >= 0.01 * diagonal) & (away <= 0.03 * diagonal) & (from_person <= away + 0.5))
    if not len(rows):
        return None
    one = int(rng.integers(len(rows)))
    return float(columns[one]), float(rows[one])


def measure(group: Group, net: ClickNet, finder: Segmenter, row: Row) -> list[tuple[float, Group, int, At, Mask]]:
    """Clicks on everyone who touches another. Returns the IoU, whose it is, the click and the answer, by one click."""
    told = group.instances
    counts = told < SKIP
    label_mask = (told > 0).astype(np.float32)
    found_mask = finder.mask(group.photo)
    rng = np.random.default_rng(1)
    shown = []
    for part, who in touching(group):
        inside = np.where(part | (told == SKIP), label_mask, 0)
        for number in who:
            wanted = told == number
            at, _ = inmost(wanted & part)
            row.whole.append(iou(parts_at(label_mask > 0.5, [at]).astype(np.float32), wanted & part, counts))
            answer = net.person(group.photo, inside, at=[at])
            row.one.append(iou(answer, wanted & part, counts))
            shown.append((row.one[-1], group, number, at, answer))
            row.found.append(iou(net.person(group.photo, found_mask, at=[at]), wanted, counts))
            anywhere = click_in(wanted & part, rng, middle=0.0)
            row.loose.append(iou(net.person(group.photo, inside, at=[anywhere]), wanted & part, counts))
            missed = beside(wanted & part, part, rng)
            if missed:
                row.beside.append(iou(net.person(group.photo, inside, at=[missed]), wanted & part, counts))
            correction = second(answer, wanted & part, counts)
            if correction is None:
                row.two.append(row.one[-1])
                continue
            on = [at, correction[0]] if correction[1] else [at]
            off = [] if correction[1] else [correction[0]]
            row.two.append(iou(net.person(group.photo, inside, at=on, not_at=off), wanted & part, counts))
        row.counts.append(len(net.apart(group.photo, np.where(part, label_mask, 0).astype(np.float32))) - len(who))
    return shown


def table(rows: dict[str, Row]) -> str:
    """The Markdown."""
    heads = ["people who touch", "clicked on", "whole part", "one click", "at least 0.8", "two clicks"]
    heads += ["one click anywhere", "one click beside", "one click, found mask", "people counted right", "off by one"]
    lines = [f"| {' | '.join(heads)} |", "|" + "---|" * len(heads)]
    both = {}
    for prefix in ("rows", "crowds", "photos"):
        both[name := f"**{prefix}, all**"] = Row()
        for kind, row in rows.items():
            if kind.startswith(prefix):
                for one in ("whole", "one", "two", "found", "loose", "beside", "counts"):
                    getattr(both[name], one).extend(getattr(row, one))
    for kind, row in (rows | both).items():
        if not row.one:
            continue
        means = [f"{np.mean(some):.3f}" for some in (row.whole, row.one)]
        good = f"{100 * np.mean(np.array(row.one) >= 0.8):.0f} %"
        means += [good] + [f"{np.mean(some):.3f}" for some in (row.two, row.loose, row.beside, row.found)]
        off = np.abs(row.counts)
        cells = [
            kind,
            str(len(row.one)),
            *means,
            f"{100 * np.mean(off == 0):.0f} %",
            f"{100 * np.mean(off == 1):.0f} %",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def milliseconds(net: ClickNet, photo: Bytes, mask: Mask) -> float:
    """The median processor time of a click on a photo, in ms; other programs do not count."""
    at, _ = inmost(mask > 0.5)
    times = []
    for _ in range(15):
        begun = time.process_time()
        net.person(photo, mask, at=[at])
        times.append(1000 * (time.process_time() - begun))
    return float(np.median(times))


def sheet(shown: list[tuple[float, Group, int, At, Mask]], path: Path, *, most: int = 40) -> None:
    """A picture of answers: green where right, red where too much was found, blue where something is missing."""
    tiles = []
    for score, group, number, at, answer in shown[:most]:
        wanted, body = group.instances == number, answer > 0.5
        tile = group.photo.copy()
        for where, color in (
            (wanted & body, (0, 255, 0)),
            (body & ~wanted, (255, 0, 0)),
            (wanted & ~body, (0, 0, 255)),
        ):
            tile[where] = tile[where] // 2 + np.array(color, np.uint8) // 2
        cv2.circle(tile, (int(at[0]), int(at[1])), 3, (255, 255, 0), -1)
        scale = 240 / max(tile.shape[:2])
        small = cv2.resize(tile, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        square = np.zeros((260, 240, 3), np.uint8)
        square[: small.shape[0], : small.shape[1]] = small
        cv2.putText(square, f"{score:.2f} {group.name}", (2, 255), cv2.FONT_HERSHEY_SIMPLEX, 0.4, (255, 255, 255))
        tiles.append(square)
    tiles += [np.zeros((260, 240, 3), np.uint8)] * (-len(tiles) % 8)
    rows = [np.hstack(tiles[at : at + 8]) for at in range(0, len(tiles), 8)]
    cv2.imwrite(str(path), np.vstack(rows)[..., ::-1])


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=Path, default=ROOT.parent / "shared" / "people")
    parser.add_argument("--groups", type=int, default=20, help="composed groups of each size")
    parser.add_argument("--model", type=Path, help="an .onnx file instead of the bundled one")
    parser.add_argument("--sheet", type=Path, help="a folder for pictures, which must not leave this machine")
    options = parser.parse_args()
    net, finder = ClickNet.open(options.model, threads=1), Segmenter("standout-mobile")
    rows: dict[str, Row] = {}
    shown: dict[str, list[tuple[float, Group, int, At, Mask]]] = {"rows": [], "crowds": [], "photos": []}
    with tempfile.TemporaryDirectory() as folder:
        made = composed(options.people, Path(folder), options.groups)
        for group in (*made, *photographed(options.people)):
            shown[group.kind.split(",")[0]] += measure(group, net, finder, rows.setdefault(group.kind, Row()))
        single = alone(opened(Path(folder), "singles"), net)
    print(table(rows))
    print(f"\nOf {len(single)} photos of one person, one was counted in {100 * np.mean(np.array(single) == 1):.0f} %.")
    sample = np.asarray(read(ROOT / "examples" / "astronaut.jpg").image, np.uint8)
    mask = finder.mask(sample)
    large = np.ascontiguousarray(np.tile(sample, (7, 7, 1))[:3000, :4000])
    spread = np.tile(mask, (7, 7))[:3000, :4000]
    print(
        f"A click takes {milliseconds(net, sample, mask):.0f} ms of a processor on a photo of "
        f"{sample.shape[1]}x{sample.shape[0]} pixels, and {milliseconds(net, large, spread):.0f} ms on 12 megapixels."
    )
    if options.sheet:
        options.sheet.mkdir(parents=True, exist_ok=True)
        for kind, some in shown.items():
            some.sort(key=lambda one: one[0])
            sheet(some, options.sheet / f"{kind}-worst.jpg")
            sheet(some[:: max(1, len(some) // 40)], options.sheet / f"{kind}-spread.jpg")


if __name__ == "__main__":
    main()
