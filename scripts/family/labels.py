"""Softer and fuller labels from two teachers: a copy of a training set, with the masks that the bundled models learn.

    export PYTHONPATH=benchmarks
    .venv/bin/python scripts/family/labels.py ../shared/people/train runs/people --alphas FOLDER --scenes FILE.tflite

    alphas   FOLDER/<stem>.png, 8-bit gray at the photo's size: MODNet's alpha of portraits and street fashion
    scenes   deeplabv3_mnv2_pascal_quant.tflite, DeepLabv3 with MobileNetV2, trained on COCO and VOC

- Hair: within a band about the label's outline the target is the alpha, where both agree about the photo as a whole
  (IoU of at least AGREE) and about the place; elsewhere the label stays as it is.
- Undecided pixels (128): person or nobody where DeepLab and standout-quality are both sure and of one mind.
- Passers-by whom street fashion leaves unlabeled: undecided where both call them person.

Photos and instance maps are linked, not copied. Needs ai-edge-litert.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from peers_run.deeplab import load

from standout.data import IGNORE, Pair, find_pairs, read_pair
from standout.masks.letterbox import resize
from standout.segmenter import Segmenter

AGREE = 0.95
"""The least IoU of label and alpha for the alpha to be believed."""
BELIEF = {"ccp": 1.0, "picsart": 0.7, "eg1800": 0.7}
"""The alpha's share of the target in the band, by source; the label has the rest."""
UNDECIDED, PASSERS = ("cocoweak",), ("ccp",)
Plane = NDArray[np.uint8]
Share = NDArray[np.float32]


def softened(mask: Plane, alpha: Plane, belief: float) -> Plane:
    """The mask with the alpha in the band about its outline, where the two agree."""
    counts = mask != IGNORE
    person, found = (mask > IGNORE) & counts, (alpha > 127) & counts
    if (person & found).sum() < AGREE * max(1, (person | found).sum()):
        return mask
    reach = max(3, round(0.02 * float(np.hypot(*mask.shape))))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    plane = person.astype(np.uint8)
    band = (cv2.dilate(plane, kernel) != cv2.erode(plane, kernel)) & counts
    # A bag that one calls person and the other does not is no hair: there the label stays.
    apart = cv2.blur((person != found).astype(np.float32), (2 * reach + 1, 2 * reach + 1))
    share = belief * cv2.GaussianBlur(np.where(band & (apart < 0.15), 1, 0).astype(np.float32), (0, 0), 1.5)
    soft = share * alpha + (1 - share) * np.where(person, 255, 0)
    soft = np.clip(soft + 0.5, 0, 255).astype(np.uint8)
    soft[soft == IGNORE] = IGNORE + 1
    return np.where(counts, soft, np.uint8(IGNORE)).astype(np.uint8)


def decided(mask: Plane, scene: Share, ours: Share) -> Plane:
    """The mask whose undecided pixels are person or nobody where both teachers are sure of it."""
    unsure = mask == IGNORE
    yes, no = np.minimum(scene, ours) > 0.8, np.maximum(scene, ours) < 0.1
    return np.where(unsure & yes, 255, np.where(unsure & no, 0, mask)).astype(np.uint8)


def passed_by(mask: Plane, scene: Share, ours: Share) -> Plane:
    """The mask in which people that both teachers see away from the labeled ones do not count."""
    near = cv2.dilate((mask > IGNORE).astype(np.uint8), np.ones((25, 25), np.uint8)) > 0
    seen = (np.minimum(scene, ours) > 0.6) & (mask < IGNORE) & ~near
    grown = cv2.dilate(seen.astype(np.uint8), np.ones((7, 7), np.uint8)) > 0
    return np.where(grown & ~near, np.uint8(IGNORE), mask).astype(np.uint8)


def target(pair: Pair, alphas: Path, scenes: Callable[[Plane], Share], segmenter: Segmenter) -> Plane:
    """The mask that the pair is learned with; 0..255, IGNORE where nothing is to be learned."""
    image, mask = read_pair(pair)
    image, mask = np.asarray(image, np.uint8), np.asarray(mask, np.uint8)
    if pair.source in UNDECIDED + PASSERS:
        scene, ours = scenes(image), resize(segmenter.probability(image), *mask.shape)
        mask = (decided if pair.source in UNDECIDED else passed_by)(mask, scene, np.asarray(ours, np.float32))
    soft = alphas / f"{pair.image.stem}.png"
    if pair.source in BELIEF and soft.exists():
        alpha = cv2.imread(str(soft), cv2.IMREAD_GRAYSCALE)
        mask = softened(mask, np.asarray(alpha, np.uint8), BELIEF[pair.source])
    return mask


def main() -> None:
    """Writes the set."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--alphas", type=Path, required=True)
    parser.add_argument("--scenes", type=Path, required=True)
    options = parser.parse_args()
    (options.out / "masks").mkdir(parents=True)
    for name in ("images", "instances"):
        (options.out / name).symlink_to((options.data / name).resolve())
    scenes = load({"model": str(options.scenes)}, lambda call: call)
    segmenter = Segmenter("standout-quality", threads=1)
    for pair in find_pairs(options.data):
        mask = target(pair, options.alphas, scenes, segmenter)
        cv2.imwrite(str(options.out / "masks" / f"{pair.image.stem}.png"), mask, [cv2.IMWRITE_PNG_COMPRESSION, 9])


if __name__ == "__main__":
    main()
