"""Fits how the masks of bundled models are judged, and writes that into their cards; the weights stay as they are.

    .venv/bin/python scripts/judge.py [standout-mobile ...] [--data ../shared/people/val]

The photos are the validation photos, which no bundled model was trained on. What the judges say of photos that they
have not seen is measured by benchmarks/confidence.py.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from bundle import register

from standout.data import find_pairs
from standout.evaluate.confidence import judged_card
from standout.models import registry
from standout.net.rewrite import with_card
from standout.segmenter import Segmenter
from standout.support.atomic import write_atomic

ROOT = Path(__file__).parent.parent


def main() -> None:
    """Fits, and rewrites the files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", default=list(registry.REGISTRY), metavar="NAME")
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "people" / "val")
    options = parser.parse_args()
    pairs = find_pairs(options.data)
    for name in options.models:
        segmenter = Segmenter(name, threads=1)
        card = judged_card(segmenter.card, pairs, segmenter)
        target = registry.find(name)
        write_atomic(target, with_card(target, card), overwrite=True)
        register(name, registry.sha256(target), registry.REGISTRY[name].purpose)
        print(f"{target}: {card.confidence}")


if __name__ == "__main__":
    main()
