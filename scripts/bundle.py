"""Puts a trained run into the package: exports it, measures it, writes the card with its scores, updates the registry.

    .venv/bin/python scripts/bundle.py runs/mobile-wide --name standout-mobile [--data ../shared/people/val]
    .venv/bin/python scripts/bundle.py runs/a runs/b:2 --name standout-mobile     # their mean, b counting twice

A run is a folder of runs/, a file of trainable weights, or the name of a bundled model. Several must come from the same
first weights (net/soup.py); the card, and so the size that photos are seen at, is the last one's, and names them all
with their shares. The weights are kept as float16. The scores are measured on the validation photos through the file
that users get, by the code that measures every trained model (evaluate.scored), and how its masks are judged is fitted
on the same photos (evaluate.confidence). The license is the package's own,
unless another is given: whoever bundles a model gives it on. The card names the sources of the training photos, as
sources.py has them.
"""

from __future__ import annotations

import argparse
import re
import tempfile
from dataclasses import replace
from pathlib import Path

from sources import DATA

from standout import export
from standout.data import find_pairs
from standout.evaluate import scored
from standout.evaluate.confidence import judged_card
from standout.models import registry
from standout.models.card import ModelCard
from standout.net import checkpoint
from standout.net.soup import average, card_of_mean
from standout.net.unet import UNet
from standout.segmenter import Segmenter

ROOT = Path(__file__).parent.parent


def main() -> None:
    """Bundles the run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", metavar="RUN[:SHARE]")
    parser.add_argument("--name", help="of the model; the run's own where it is not given")
    parser.add_argument(
        "--purpose", default="", help="what the model is made for; needed where it is new in the registry"
    )
    parser.add_argument(
        "--second-look", type=float, metavar="TIMES", help="how much larger it is; the card's own if not given"
    )
    parser.add_argument("--license", default="Apache-2.0", help="of the weights")
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "people" / "val")
    options = parser.parse_args()
    net, card = mean(options.runs)
    card = replace(card, name=options.name or card.name, second_look=options.second_look or card.second_look)
    card = replace(card, data=DATA, license=options.license)
    target = registry.WEIGHTS / f"{card.name}.onnx"
    pairs = find_pairs(options.data)
    with tempfile.TemporaryDirectory() as folder:
        weights, measured = Path(folder) / f"model{registry.CHECKPOINT}", Path(folder) / target.name
        checkpoint.save(net, card, weights)
        with export.opened(weights) as source:
            export.export(source, measured, precision="float16")
        segmenter = Segmenter(measured, threads=1)
        card = checkpoint.save(net, scored(card, pairs, segmenter), weights)
        checkpoint.save(net, judged_card(card, pairs, segmenter), weights)
        with export.opened(weights, pairs=pairs[::14]) as source:
            proof = export.export(source, target, precision="float16", overwrite=True)
    register(card.name, registry.sha256(target), options.purpose)
    print(f"{target}: {target.stat().st_size / 1e6:.2f} MB, {card.scores}; {card.protocol}")
    print(f"probability differs from the checkpoint by at most {proof.largest:.4f}, on average {proof.mean:.6f}; "
          f"Dice {proof.dice}")  # fmt: skip


def mean(runs: list[str]) -> tuple[UNet, ModelCard]:
    """The mean of the runs' networks by their shares, and its card."""
    nets, shares, cards = [], [], []
    for text in runs:
        name, _, share = text.partition(":")
        path = Path(name) / f"model{registry.CHECKPOINT}" if Path(name).is_dir() else registry.find_checkpoint(name)
        net, card = checkpoint.load(path)
        nets.append(net)
        cards.append(card)
        shares.append(float(share or 1))
    shares = [share / sum(shares) for share in shares]
    return average(nets, shares), card_of_mean(cards, shares)


def register(name: str, sha256: str, purpose: str) -> None:
    """Writes the checksum of the file into its row of the registry, or into a new row at the end, with its purpose."""
    rows = Path(registry.__file__)
    text = rows.read_text()
    text, found = re.subn(rf'("{name}\.onnx",\s+)"[0-9a-f]+"', rf'\g<1>"{sha256}"', text)
    if not found:
        row = f'    "{name}": Weights(\n        "{name}.onnx",\n        "{sha256}",\n        "{purpose}",\n    ),\n'
        text = re.sub(r"(REGISTRY: .*? = \{\n.*?)(\n\}\n)", rf"\g<1>\n{row.rstrip()}\g<2>", text, flags=re.DOTALL)
    rows.write_text(text)


if __name__ == "__main__":
    main()
