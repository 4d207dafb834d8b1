"""Network -> Core ML, for iOS 16 and macOS 13: it takes a picture and returns a gray picture of the probability.

The file takes upright photos and photos in landscape format, in the network's two rectangles, or only one size where
that is asked for. Pixels go in as 8-bit RGB, 0..255; the probability comes out as OneComponent16Half, 0..1.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import coremltools as ct
import coremltools.optimize.coreml as optimize

from standout.export.torchscript import traced
from standout.models.card import CARD_KEY

if TYPE_CHECKING:
    from standout.export.source import Source


def convert(source: Source, made: Path, precision: str) -> None:
    """Writes the source for Core ML. int8 quantizes only the weights: Core ML of iOS 16 has no 8-bit activations."""
    computed = "float32" if precision == "float32" else "float16"
    plain = source.once(f"{computed}.mlpackage", lambda path: _converted(source, computed).save(str(path)))
    model = ct.models.MLModel(str(plain), skip_model_load=True)
    if precision == "int8":
        how = optimize.OpLinearQuantizerConfig(mode="linear_symmetric")
        model = optimize.linear_quantize_weights(model, config=optimize.OptimizationConfig(global_config=how))
    _describe(model, source)
    model.save(str(made))


def _converted(source: Source, precision: str) -> ct.models.MLModel:
    """The model as Core ML computes it, in float32 or float16."""
    upright = source.card.size
    shapes = [source.fixed] if source.fixed else [upright, upright[::-1]]
    sizes = [(1, 3, *shape) for shape in shapes]
    return ct.convert(
        traced(source),
        inputs=[
            ct.ImageType(
                name="image",
                shape=sizes[0] if len(sizes) == 1 else ct.EnumeratedShapes(sizes, default=sizes[0]),
                scale=1 / 255,
                color_layout=ct.colorlayout.RGB,
            )
        ],
        outputs=[ct.ImageType(name="probability", color_layout=ct.colorlayout.GRAYSCALE_FLOAT16)],
        minimum_deployment_target=ct.target.iOS16,
        compute_precision=ct.precision.FLOAT32 if precision == "float32" else ct.precision.FLOAT16,
        skip_model_load=True,
    )


def _describe(model: ct.models.MLModel, source: Source) -> None:
    """Adds the description that Xcode shows, and the model card."""
    card = source.card
    model.short_description = "Finds the people in a photo."
    model.input_description["image"] = "The photo, scaled to fit, RGB."
    model.output_description["probability"] = "How likely each pixel is a person, 0..1."
    model.version, model.license = card.version, card.license or "not stated"
    model.user_defined_metadata[CARD_KEY] = card.to_json()
