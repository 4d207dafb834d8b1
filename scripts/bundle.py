"""Puts a trained run into the package: exports it, measures it, writes the card with its scores, updates the shelf.

    .venv/bin/python scripts/bundle.py runs/standout-mobile [--data ../shared/people/val]

The scores are measured on the validation photos through the ONNX file, refined, as users get it.
"""

from __future__ import annotations

import argparse
import re
from dataclasses import replace
from pathlib import Path

from standout import export, models
from standout.dataset import find_pairs
from standout.evaluate import evaluate
from standout.net import checkpoint
from standout.segmenter import Segmenter

ROOT = Path(__file__).parent.parent
DATA = (
    "4,858 photos: portraits, full-body street fashion, general scenes with several people, and people-free scenes; "
    "research photos, not redistributed. Encoder started from ImageNet weights (Apache-2.0)."
)


def main() -> None:
    """Bundles the run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "people" / "val")
    options = parser.parse_args()
    net, card = checkpoint.load(options.run / "model.safetensors")
    target = models.WEIGHTS / f"{card.name}.onnx"
    weights = target.with_suffix(".safetensors")
    checkpoint.save(net, card, weights)
    with export.opened(weights) as source:
        export.export(source, target, overwrite=True)
    report = evaluate(find_pairs(options.data), Segmenter(target, threads=1))
    means = {name: round(row["dice"].mean, 4) for name, row in report.by_source.items() if name != "all"}
    means |= {"empty": round(report.nobody.mean, 4)} if report.nobody else {}
    checkpoint.save(net, replace(card, data=DATA, scores=means), weights)
    with export.opened(weights, pairs=find_pairs(options.data)[::14]) as source:
        proof = export.export(source, target, overwrite=True)
    shelf = Path(models.__file__)
    row = rf'("{target.name}", ")[0-9a-f]*"'
    shelf.write_text(re.sub(row, rf'\g<1>{models.sha256(target)}"', shelf.read_text()))
    print(f"{target}: {target.stat().st_size / 1e6:.2f} MB, {means}")
    print(f"probability differs from the checkpoint by at most {proof.largest:.4f}, on average {proof.mean:.6f}; "
          f"Dice {proof.dice}")  # fmt: skip


if __name__ == "__main__":
    main()
