"""LiteRT (TensorFlow Lite): it reads .tflite files, which take one photo of one size at a time, channels last."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

from standout.errors import ModelError
from standout.models.card import CARD_KEY, ModelCard
from standout.runtimes import Session, choose_device, loading, no_card, one_by_one
from standout.runtimes.sizes import sizes_of
from standout.support.quiet import hushed
from standout.support.system import cores


def devices() -> list[str]:
    """The CPU alone: the delegates of LiteRT for other devices are parts of phones."""
    return ["cpu"]


def open(path: Path, *, device: str = "auto", threads: int | None = None) -> Session:
    """The model at path, ready to run. threads: of the network for one call; None means all cores.

    Raises ModelError where the file is damaged or no standout model, SetupError where the device is not available.
    """
    choose_device(device, runtime="litert")
    with loading(path, "litert"):
        data = path.read_bytes()
    card = ModelCard.from_json(_card(data, path), where=str(path))
    with hushed(f"loading {path} with LiteRT"):
        interpreter = Interpreter(model_content=data, num_threads=threads or cores())
        interpreter.allocate_tensors()
    takes, gives = interpreter.get_input_details(), interpreter.get_output_details()
    shapes = [[_channels_first(one["shape"]) for one in some] for some in (takes, gives)]
    sizes = sizes_of(*shapes, where=str(path))
    one_at_a_time = threading.Lock()

    def run(photo: NDArray[np.float32]) -> NDArray[np.float32]:
        with one_at_a_time:  # an interpreter holds the tensors of a single photo
            interpreter.set_tensor(takes[0]["index"], np.ascontiguousarray(photo.transpose(0, 2, 3, 1)))
            interpreter.invoke()
            found = interpreter.get_tensor(gives[0]["index"])
        return np.ascontiguousarray(found.transpose(0, 3, 1, 2))

    return Session(one_by_one(run), card, "cpu", "litert", sizes)


def _card(data: bytes, path: Path) -> str:
    """The text under CARD_KEY in the metadata of the file."""
    if data[4:8] != b"TFL3":
        raise ModelError(f"{path} is no LiteRT model; get the file again")
    model = schema.Model.GetRootAs(data, 0)
    try:
        for i in range(model.MetadataLength()):
            row = model.Metadata(i)
            if row.Name() == CARD_KEY.encode():
                return bytes(model.Buffers(row.Buffer()).DataAsNumpy()).decode()
    except Exception as error:  # the offsets of a damaged file cause struct.error, IndexError, TypeError, ...
        raise ModelError(f"{path} is damaged ({error}); get the file again") from None
    raise no_card(path)


def _channels_first(shape: NDArray[np.int32]) -> list[int | None]:
    sides: list[int | None] = [int(side) for side in shape]
    return [sides[0], sides[3], sides[1], sides[2]] if len(sides) == 4 else sides
