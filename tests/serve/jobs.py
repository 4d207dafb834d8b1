"""Jobs for worker processes, which import them from here."""

from __future__ import annotations

import os
import signal
import sys
from threading import Event
from typing import Any

import numpy as np

from standout.errors import ModelError
from standout.serve import pictures
from standout.serve.refusals import Refusal, busy
from standout.types import PersonFinder


def process_id(finder: PersonFinder) -> int:
    return os.getpid()


def kinds_of_modules(finder: PersonFinder) -> set[str]:
    return {name.partition(".")[0] for name in sys.modules}


def shape_of_mask(finder: PersonFinder) -> tuple[int, ...]:
    return finder.probability(np.zeros((40, 30, 3), np.uint8)).shape


def hang(finder: PersonFinder) -> None:
    Event().wait()


def kill(finder: PersonFinder) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def kill_while_decoding(finder: PersonFinder) -> None:
    with pictures._decoding():
        kill(finder)


def kill_after_decoding(finder: PersonFinder) -> None:
    with pictures._decoding():
        pass
    kill(finder)


def take_memory(finder: PersonFinder) -> Any:
    return np.ones(2**33, np.uint8).sum()


def refuse(finder: PersonFinder) -> None:
    raise busy("come again", seconds=7)


def refuse_oddly(finder: PersonFinder) -> None:
    raise Refusal(418, "teapot", title="No coffee", detail="wanted tea", headers={"X-Tea": "green"})


def fail(finder: PersonFinder) -> None:
    raise RuntimeError("secret/path/to/model.onnx")


def fail_as_the_model(finder: PersonFinder) -> None:
    raise ModelError("the model has holes")
