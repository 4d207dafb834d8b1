"""Bundles a trained click network: ONNX with weights in 8 bits, and its checksum in the registry.

    python scripts/click/ship.py runs/click/first/mean.pt [MORE.pt ...]

The mean of the weights of several files is bundled. It prints how far the answers of the bundled file are from those of
the network, over random input.
"""

from __future__ import annotations

import argparse
import re
import tempfile
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import torch

from standout.export.onnx import to_onnx, to_weights8
from standout.masks.clicks import PLANES, SIDE
from standout.models import registry
from standout.models.card import ModelCard
from standout.net import checkpoint
from standout.net.click import ClickUNet
from standout.net.unet import Probability
from standout.support.version import __version__

LEVELS = 12
"""Of the weights on either side of 0, see to_weights8: deflated, as in a wheel, the file is smaller than with 127."""
DATA = (
    "crowds composed of people cut from photos of one person, and groups of held-out photos of COCO val2017 and of "
    "the Penn-Fudan pedestrians"
)


def main() -> None:
    """Writes the model file and the registry's row."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weights", type=Path, nargs="+")
    options = parser.parse_args()
    finder, base = checkpoint.load(registry.find_checkpoint("standout-mobile"))
    net = ClickUNet(finder)
    states = [torch.load(path, weights_only=True) for path in options.weights]
    net.load_state_dict({name: sum(one[name] for one in states) / len(states) for name in states[0]})
    network = Probability(net).eval()
    card = ModelCard(
        "standout-click",
        __version__,
        "mobilenetv2_100",
        (SIDE, SIDE),
        license=base.license,
        decoder="click",
        data=DATA,
        base=base.identity,
        sha256=checkpoint.fingerprint(net.state_dict()),
    )
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "click.onnx"
        to_onnx(network, card, made, fixed=(SIDE, SIDE), channels=3 + PLANES)
        model = onnx.load(made)
    to_weights8(model, levels=LEVELS)
    onnx.checker.check_model(model, full_check=True)
    written = model.SerializeToString()
    seen = torch.rand(1, 3 + PLANES, SIDE, SIDE)
    session = ort.InferenceSession(written, providers=["CPUExecutionProvider"])
    answer = session.run(None, {session.get_inputs()[0].name: seen.numpy()})[0]
    with torch.no_grad():
        wanted = network(seen).numpy()
    print(f"{len(written) / 1e6:.2f} MB; most that a probability differs: {np.abs(answer - wanted).max():.3f}")
    registry.CLICK.path.write_bytes(written)
    source = Path(registry.__file__)
    text = re.sub(
        r'(CLICK = Weights\(\s*"[^"]+",\s*)"[0-9a-f]+"',
        rf'\1"{registry.sha256(registry.CLICK.path)}"',
        source.read_text(),
    )
    source.write_text(text)


if __name__ == "__main__":
    main()
