"""How near masks come to a known alpha: of hair drawn strand by strand, and of people composed over new backgrounds.

    .venv/bin/python benchmarks/matte.py [--model FILE ...] [--mattes FOLDER [--modnet FILE]] [--crops FOLDER]

`drawn` are the portraits of 12 megapixels of hair.py. `composed` needs --mattes: validation portraits (`picsart`,
`eg1800`) before validation photos of nobody, with the alpha that FOLDER holds as PNG, named as the photo or with
`val_` before it. MODNet's ONNX file (--modnet) makes those that are missing. An alpha counts as true where it agrees
with the label (IoU at least 0.97); the people's own colors are estimated. Each picture goes through every model as
users get it, and the edge is refined or not.

MAD is the mean difference of the alphas; at the edge: where the true alpha is neither 0 nor 1, and EDGE of the diagonal
around. Gradient is the error of the alphas' slopes, in thousands. Boundary F is that of the outlines at one half,
within 0.6 % of the diagonal and within 0.1 % (at least a pixel). --crops writes pictures to look at: the head's outline
in the photo, the true alpha, the mask enlarged and refined. It takes about two minutes.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import hair
import numpy as np
from numpy.typing import NDArray
from peers_run.modnet import load

import standout
from standout import metrics
from standout.data import IGNORE, find_splits, read_pair
from standout.effects.foreground import Foreground
from standout.effects.framing import framed
from standout.masks.full_size import full_size
from standout.models.registry import REGISTRY
from standout.support import draw
from standout.types import Bytes, Image, Mask

PORTRAITS = ("picsart", "eg1800")
AGREES = 0.97
"""The least IoU with the label at which an alpha counts as true."""
EDGE = 0.002
NEAR = 0.001
CROP = 800
"""The side of a crop of --crops, in pixels."""


def drawn() -> Iterator[tuple[str, Image, Mask]]:
    """Each portrait of hair.py: name, picture and true alpha."""
    for name in hair.HEADS:
        yield (name, *hair.portrait(name))


def composed(data: Path, mattes: Path, modnet: Path | None, photos: int) -> Iterator[tuple[str, Image, Mask]]:
    """People of validation portraits before photos of nobody: name, picture and alpha."""
    pairs = find_splits(data)[1]
    behind = [read_pair(pair)[0] for pair in pairs if pair.source.startswith("empty")]
    portraits = [pair for pair in pairs if pair.source in PORTRAITS]
    network = load({"model": str(modnet)}, lambda call: call) if modnet else None
    for number, pair in enumerate(portraits[:: max(1, len(portraits) // photos)][:photos]):
        image, label = read_pair(pair)
        alpha = matte(image, pair.name, mattes, network)
        if alpha is None or metrics.iou(alpha > 0.5, label > IGNORE, label != IGNORE) < AGREES:
            continue
        front = Foreground(image, alpha)((slice(0, alpha.shape[0]), slice(0, alpha.shape[1])))
        back = framed(behind[number % len(behind)], alpha.shape, "fill").astype(np.float32)
        mixed = back + alpha[..., None] * (front - back)
        yield pair.name, np.clip(np.rint(mixed), 0, 255).astype(np.uint8), alpha


def matte(image: Bytes, name: str, folder: Path, network: Callable[[Any], Any] | None) -> Mask | None:
    """The photo's alpha from the folder, into which MODNet, if it is given, writes it first; None without."""
    files = [folder / f"{name}.png", folder / f"val_{name}.png"]
    if network and not any(file.exists() for file in files):
        folder.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(files[0]), np.rint(network(image) * 255).astype(np.uint8))
    there = next((file for file in files if file.exists()), None)
    if there is None:
        return None
    return np.asarray(cv2.imread(str(there), cv2.IMREAD_GRAYSCALE), np.float32) / np.float32(255)


def figures(found: Mask, truth: Mask) -> list[float]:
    """MAD in percent, MAD at the edge in percent, gradient error, and boundary F within 0.6 % and NEAR."""
    soft = ((truth > 0.02) & (truth < 0.98)).astype(np.uint8)
    reach = 2 * max(1, round(EDGE * float(np.hypot(*truth.shape)))) + 1
    edge = np.asarray(cv2.dilate(soft, np.ones((reach, reach), np.uint8))) > 0
    wide, near = (
        metrics.boundary_f(found > 0.5, truth > 0.5, tolerance=tolerance) for tolerance in (metrics.TOLERANCE, NEAR)
    )
    apart = [100 * metrics.mad(found, truth), 100 * metrics.mad(found, truth, edge)]
    return [*apart, metrics.gradient_error(found, truth), wide, near]


def crop(image: Image, planes: list[Mask]) -> NDArray[np.uint8]:
    """Part of the picture and of masks of it, the true one first, side by side: where most of the true edge is soft."""
    truth = planes[0]
    soft = cv2.boxFilter(4 * truth * (1 - truth), -1, (CROP, CROP), borderType=cv2.BORDER_CONSTANT)
    row, column = np.unravel_index(int(np.argmax(soft)), soft.shape)
    top, left = (
        max(0, min(int(at) - CROP // 2, side - CROP)) for at, side in zip((row, column), soft.shape, strict=True)
    )
    place = slice(top, top + CROP), slice(left, left + CROP)
    grays = [cv2.cvtColor(np.rint(255 * plane[place]).astype(np.uint8), cv2.COLOR_GRAY2RGB) for plane in planes]
    return np.hstack([image[place].astype(np.uint8), *grays])


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", nargs="+", default=list(REGISTRY), metavar="FILE")
    parser.add_argument("--mattes", type=Path, metavar="FOLDER")
    parser.add_argument("--modnet", type=Path, metavar="FILE")
    parser.add_argument("--photos", type=int, default=100, metavar="N")
    parser.add_argument("--crops", type=Path, metavar="FOLDER")
    parser.add_argument("--data", type=Path, default=Path(__file__).parents[2] / "shared" / "people")
    options = parser.parse_args()
    finders = {model: standout.Segmenter(model, threads=1) for model in options.model}
    pictures = {"drawn": drawn()}
    if options.mattes:
        pictures["composed"] = composed(options.data, options.mattes, options.modnet, options.photos)
    print("| pictures | model | edges | MAD % | at the edge | gradient | boundary F | within 0.1 % |\n|" + "---|" * 8)
    for kind, every in pictures.items():
        scores: dict[tuple[str, str], list[list[float]]] = {}
        for name, image, truth in every:
            for model, finder in finders.items():
                answer = finder.probability(image)
                masks = [full_size(answer, image, refined=refined) for refined in (False, True)]
                for edges, found in zip(("enlarged", "refined"), masks, strict=True):
                    scores.setdefault((model, edges), []).append(figures(found, truth))
                if options.crops:
                    options.crops.mkdir(parents=True, exist_ok=True)
                    file = options.crops / f"{kind}-{name.replace(', ', '-')}-{Path(model).stem}.jpg"
                    file.write_bytes(draw.jpeg(crop(image, [truth, *masks])))
        for (model, edges), rows in scores.items():
            mad, near_edge, gradient, wide, near = np.mean(rows, axis=0).tolist()
            cells = [f"{kind} ({len(rows)})", f"`{Path(model).name}`", edges, f"{mad:.3f}", f"{near_edge:.2f}"]
            print(f"| {' | '.join([*cells, f'{gradient:.2f}', f'{wide:.3f}', f'{near:.3f}'])} |", flush=True)


if __name__ == "__main__":
    main()
