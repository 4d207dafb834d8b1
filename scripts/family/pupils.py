"""Trains standout-mobile and standout-tiny on, together, on a processor: by labels and by answers of standout-quality.

    export MALLOC_MMAP_MAX_=0 MALLOC_TRIM_THRESHOLD_=100000000000 MALLOC_TOP_PAD_=500000000
    .venv/bin/python scripts/family/pupils.py runs/people --answers runs/answers --out FOLDER --seconds 3300

    answers   a folder that is made, with standout-quality's probability for each photo of somebody as an 8-bit PNG
    out       mobile and tiny, .safetensors each: running averages of the weights

The data are those of labels.py. A target is the label with a share of the answer, and the answer alone where the label
is undecided and the answer sure. Photos of nobody with pieces of clothing in them teach that clothes alone are no
person. standout-tiny goes on from its mean with recipes/family-tiny.safetensors.

Two cores take 11 photos a second (both networks, augmentation included), in 19 GB of memory; without the settings of
glibc above, which keep freed memory, 6.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import torch
from pack import LEAKED, hardness
from photos import Draw, Files, Photos, Rows

from standout.data import Pair, find_pairs, read_pair
from standout.models.registry import find_checkpoint
from standout.net import checkpoint
from standout.net.arrange import arrange
from standout.net.soup import average
from standout.segmenter import Segmenter
from standout.train.augment import Sample, drop_cloth
from standout.train.store import instances_of, read_sample
from train import DRAWS, MOBILE, TEACHERS, TINY, Batch, Learner, answers, drawn, labeled, smaller

SIDE, BATCH, SHARE, NOBODY, CLOTHES = 416, 32, 0.4, 3.0, 350
"""Longest side of photos; photos in a step; the answer's share; how often nobody counts; photos with clothing."""
RATES = {"picsart": 0.9, "eg1800": 0.7, "ccp": 0.8, "cloth": 1.5, "empty": 1.4, "empty3": 2.2}
"""How often photos of these sources are drawn; the others as in DRAWS."""


def answer(pairs: list[Pair], folder: Path) -> None:
    """Writes the answers that are missing in the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    segmenter = Segmenter("standout-quality", threads=1)

    def one(pair: Pair) -> None:
        file = folder / f"{pair.image.stem}.png"
        if not file.exists():
            found = segmenter.probability(np.asarray(read_pair(pair)[0], np.uint8))
            cv2.imwrite(str(file), np.asarray(np.asarray(found) * 255 + 0.5, np.uint8))

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(one, pairs))


def taught(sample: Sample, file: Path) -> Sample:
    """The sample with the answer's share in its mask."""
    height, width = sample.mask.shape
    found = cv2.resize(np.asarray(cv2.imread(str(file), cv2.IMREAD_GRAYSCALE), np.float32), (width, height))
    sure = (sample.counts < 128) & ((found > 0.9 * 255) | (found < 0.06 * 255))
    mask = np.where(sure, found, (1 - SHARE) * sample.mask + SHARE * found)
    counts = np.where(sure, 255, sample.counts).astype(np.uint8)
    return Sample(sample.image, np.clip(mask + 0.5, 0, 255).astype(np.uint8), counts)


def clothes(nobody: list[Sample], standing: list[Sample], rng: np.random.Generator) -> Iterator[Sample]:
    """Photos of nobody with one or two pieces of clothing of the standing."""
    for _ in range(CLOTHES):
        sample = nobody[int(rng.integers(len(nobody)))]
        for _ in range(int(rng.integers(1, 3))):
            donor = standing[int(rng.integers(len(standing)))]
            mask = np.where(donor.mask > 127, 255, 0).astype(np.uint8)
            sample = drop_cloth(sample, Sample(donor.image, mask, donor.counts), rng)
        yield sample


def packed(pairs: list[Pair], folder: Path) -> tuple[Rows, Files]:
    """The photos as those of a pack; see Photos."""
    rows: Rows = []
    files: Files = {}
    nobody: list[Sample] = []
    standing: list[Sample] = []
    judge = Segmenter("standout-mobile", threads=1, tta=False)

    def add(stem: str, source: str, draw: float, sample: Sample) -> None:
        mask = np.where(sample.mask == 128, 129, sample.mask)
        mask = np.where(sample.counts < 128, 128, mask).astype(np.uint8)
        files[f"images/{stem}.avif"] = encoded(".jpg", sample.image[..., ::-1], cv2.IMWRITE_JPEG_QUALITY, 93)
        files[f"masks/{stem}.webp"] = encoded(".png", mask, cv2.IMWRITE_PNG_COMPRESSION, 1)
        rows.append({"stem": stem, "source": source, "draw": draw})

    for pair in pairs:
        sample = read_sample(pair, SIDE)
        if pair.source.startswith("empty"):
            nobody.append(sample)
        else:
            sample = taught(sample, folder / f"{pair.image.stem}.png")
        if pair.source in ("ccp", "penn"):
            standing.append(sample)
        add(pair.image.stem, pair.source, hardness(pair, judge), sample)
        path = instances_of(pair)
        if path:
            height, width = sample.mask.shape
            people = np.asarray(cv2.imread(str(path), cv2.IMREAD_UNCHANGED), np.uint8)
            people = np.asarray(cv2.resize(people, (width, height), interpolation=cv2.INTER_NEAREST), np.uint8)
            files[f"people/{pair.image.stem}.png"] = encoded(".png", people, cv2.IMWRITE_PNG_COMPRESSION, 1)
    for number, sample in enumerate(clothes(nobody, standing, np.random.default_rng(7))):
        add(f"cloth_{number:04d}", "cloth", 1.0, sample)
    return rows, files


def encoded(kind: str, picture: np.ndarray, setting: int, value: int) -> bytes:
    """The picture as a file of that kind."""
    return bytes(cv2.imencode(kind, picture, [setting, value])[1])


def main() -> None:
    """Answers the photos, trains, and writes the averages."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--answers", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    options = parser.parse_args()
    torch.manual_seed(101)
    pairs = [pair for pair in find_pairs(options.data) if pair.image.stem != LEAKED]
    answer([pair for pair in pairs if not pair.source.startswith("empty")], options.answers)
    photos = Photos(*packed(pairs, options.answers), DRAWS | RATES, torch.device("cpu"), side=SIDE)
    mobile, mobile_card = checkpoint.load(find_checkpoint("standout-mobile"))
    tiny, tiny_card = checkpoint.load(find_checkpoint("standout-tiny"))
    tiny = average([tiny, checkpoint.load(Path("recipes/family-tiny.safetensors"))[0]], [0.5, 0.5])
    for net in (mobile, tiny):
        arrange(net, "cpu")
    learners = [Learner("mobile", mobile, 1.6e-3, 0.5), Learner("tiny", tiny, 2.5e-3, 0.5)]
    start, done, told = time.monotonic(), 0.0, 0.0
    while done < 1:
        batch = drawn(photos, BATCH, Draw(MOBILE, 0.25 if done < 0.75 else 0.12))
        for learner, size in zip(learners, (MOBILE, TINY), strict=True):
            image, target, weight = batch if size == MOBILE else smaller(batch, size)
            small: Batch = (image.contiguous(memory_format=torch.channels_last), target, weight)
            learner.step(labeled(answers(learner, small[0]), small, NOBODY), done)
        done = (time.monotonic() - start) / options.seconds
        if done > told + 0.01:
            told = done
            losses = ", ".join(f"{one.name} {np.mean(one.losses[-100:]):.4f}" for one in learners)
            print(f"{100 * done:.0f} %: {learners[0].steps} steps, loss of {losses}", flush=True)
    options.out.mkdir(parents=True, exist_ok=True)
    for learner, card in zip(learners, (mobile_card, tiny_card), strict=True):
        teacher = f"{TEACHERS}, standout-quality"
        card = replace(
            card, name=f"pupil-{learner.name}", base=card.identity, teacher=teacher, sha256="", scores={}, protocol=""
        )
        checkpoint.save(learner.averaged(), card, options.out / f"{learner.name}.safetensors")


if __name__ == "__main__":
    main()
