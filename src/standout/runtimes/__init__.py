"""Runtimes: a model file and a device -> a session, ready to run.

runner   float32 (N, 3, h, w) in 0..1 -> float32 (N, 1, h, w) in 0..1
size     (h, w)                       of the photos that a network takes

To add one: a module with open(path, *, device, threads) -> Session and devices() -> list of str, those that it can use
on this machine, the default first; and a row in RUNTIMES. The contract tests then run on it wherever its packages are
installed. Another package adds one by an entry point of the group "standout.runtimes" that leads to its row, a Runtime.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from importlib import import_module
from importlib.util import find_spec
from math import log
from pathlib import Path
from typing import TYPE_CHECKING

from standout.errors import MissingExtra, ModelError, SetupError, StandoutError
from standout.models.card import ModelCard
from standout.runtimes.sizes import Size, or_list
from standout.support.system import cores
from standout.types import Runner

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

GPU_BATCH = 32
"""Photos in one call of the network on a GPU. A CPU gets a single one, since larger batches leave its cache.

With standout-mobile on one core, ONNX Runtime took 18.5 ms for a single photo, and 29.7 ms for each photo of 16.
"""


@dataclass(frozen=True)
class Runtime:
    """What a runtime reads and needs.

    module: the full name of the module with its open and devices. title: its name as its makers write it. devices: all
    that it can use on some machine. package: the Python package that it needs. extra: the extra of standout that brings
    that package; empty where the base install, or the package that adds the runtime, does. system: the only system
    that it runs on, as sys.platform names it; empty for all. by_callers: the thread that calls it computes, too, on the
    CPU, and calls at once each do. cures: device -> what makes it available.
    """

    module: str
    title: str
    suffixes: tuple[str, ...]
    devices: tuple[str, ...]
    package: str
    extra: str = ""
    system: str = ""
    by_callers: bool = False
    cures: dict[str, str] = field(default_factory=dict)

    @property
    def distribution(self) -> str:
        """The name of its package for pip."""
        return self.package.replace("_", "-")

    @property
    def here(self) -> bool:
        """Whether it can run: its package is installed (this does not load it), and this system is the right one."""
        return self.system in ("", sys.platform) and find_spec(self.package) is not None


RUNTIMES = {
    "onnx": Runtime(
        "standout.runtimes.onnx",
        "ONNX Runtime",
        (".onnx",),
        ("cpu", "cuda", "coreml", "directml"),
        "onnxruntime",
        by_callers=True,
        cures={
            "cuda": "install onnxruntime-gpu in place of onnxruntime, on a machine with an NVIDIA GPU",
            "coreml": "use macOS, where onnxruntime brings it",
            "directml": "install onnxruntime-directml in place of onnxruntime, on Windows",
        },
    ),
    "openvino": Runtime("standout.runtimes.openvino", "OpenVINO", (".xml", ".onnx"), ("cpu",), "openvino", "openvino"),
    "pytorch": Runtime(
        "standout.runtimes.pytorch",
        "PyTorch",
        (".safetensors", ".pt"),
        ("cpu", "cuda"),
        "torch",
        "train",
        cures={
            "cuda": "torch finds no CUDA device here; install a CUDA build of torch, on a machine with an NVIDIA GPU"
        },
    ),
    "litert": Runtime("standout.runtimes.litert", "LiteRT", (".tflite",), ("cpu",), "ai_edge_litert", "litert"),
    "coreml": Runtime(
        "standout.runtimes.coreml", "Core ML", (".mlpackage",), ("coreml", "cpu"), "coremltools", "coreml", "darwin"
    ),
}
"""Runtimes by name. "auto" means the first that is installed and runs the file on the device."""

GROUP = "standout.runtimes"
"""The entry points by which other packages add a runtime."""


def every() -> dict[str, Runtime]:
    """Our own runtimes, then those that other packages add.

    Raises SetupError, naming the package, for a package that cannot be loaded or adds something else.
    """
    from standout.support.plugins import found

    added: dict[str, Runtime] = {}
    for name, one in found(GROUP, ours=("auto", *RUNTIMES)).items():
        if not isinstance(one, Runtime):
            raise SetupError(
                f"the entry point {name!r} of {GROUP} leads to an object of the type {type(one).__name__}; "
                "wanted a standout.runtimes.Runtime"
            )
        added[name] = one
    return RUNTIMES | added


def _named(runtime: str) -> Runtime:
    """The runtime of that name. Other packages are asked only where it is none of our own."""
    return RUNTIMES[runtime] if runtime in RUNTIMES else every()[runtime]


@dataclass(frozen=True)
class Session:
    """A model that is ready to run: its runner, its card, the device it runs on and the runtime.

    sizes: the only (h, w) that it takes; empty for any, in multiples of 32. run refuses others, whatever computes it.
    batch: how many photos one call is best given; run takes any number (see in_few_sizes). calls: how many calls at
    once it is made for.
    """

    run: Runner
    card: ModelCard
    device: str
    runtime: str
    sizes: tuple[Size, ...] = ()
    batch: int = 1
    calls: int = 1

    def __post_init__(self) -> None:
        if self.batch > 1:
            object.__setattr__(self, "run", in_few_sizes(self.run, self.batch))
        if self.sizes:
            object.__setattr__(self, "run", _refusing(self.run, self.sizes, self.card.name))

    @property
    def fixed(self) -> Size | None:
        """The only size that it takes; None where it takes several, or any."""
        return self.sizes[0] if len(self.sizes) == 1 else None

    def rectangle(self, height: int, width: int, size: Size) -> Size:
        """The (h, w) in which a photo of height x width is shown to it, where size (long, short) is wanted.

        This is the wanted size, turned to the photo's orientation, where the session takes it. Otherwise it is the size
        at which the photo is most nearly as large; of two such sizes, the smaller.
        """
        from standout.masks import letterbox

        def scale(rect: Size) -> float:
            return min(rect[0] / height, rect[1] / width)

        wanted = letterbox.rectangle(height, width, size)
        if not self.sizes or wanted in self.sizes:
            return wanted
        return min(self.sizes, key=lambda one: (round(abs(log(scale(one) / scale(wanted))), 6), one[0] * one[1]))


def _refusing(run: Runner, sizes: Sequence[Size], name: str) -> Runner:
    """The runner, which raises ModelError for photos of any size but these."""

    def checked(batch: NDArray[np.float32]) -> NDArray[np.float32]:
        if batch.shape[2:] not in sizes:
            raise ModelError(
                f"{name} takes photos of {or_list(sizes)} alone (height x width), not of "
                f"{'x'.join(map(str, batch.shape[2:]))}; fit them to that size, or use a file that takes any"
            )
        return run(batch)

    return checked


def open(
    path: Path, *, runtime: str = "auto", device: str = "auto", threads: int | None = None, calls: int = 1
) -> Session:
    """The model at path, ready to run. threads: of the network for one call; None means all cores.

    calls: how many there may be at once, which share the threads where the runtime can do so; see Session.calls.

    Raises ModelError where the file is damaged, is no standout model or is not for this runtime, SetupError where the
    runtime or the device is not available, and MissingExtra where packages are not installed.
    """
    name, _ = choose(path.suffix.lower(), runtime=runtime, device=device, where=str(path))
    one, given = _named(name), threads or cores()
    calls = min(calls, given) if one.by_callers and device in ("auto", "cpu") else 1
    session: Session = import_module(one.module).open(path, device=device, threads=given - (calls - 1))
    return session if calls == 1 else replace(session, calls=calls)


def choose(suffix: str, *, runtime: str = "auto", device: str = "auto", where: str = "the model") -> tuple[str, str]:
    """The runtime for a file of this suffix, and why. Raises what open raises, except about the device."""
    ours = runtime in ("auto", *RUNTIMES) and any(suffix in one.suffixes for one in RUNTIMES.values())
    runtimes = RUNTIMES if ours else every()
    reading = {name: one for name, one in runtimes.items() if suffix in one.suffixes}
    if not reading:
        known = sorted({suffix for one in runtimes.values() for suffix in one.suffixes})
        raise ModelError(f"{where} is no model file that standout can run; it runs {', '.join(known)}")
    if runtime != "auto":
        if runtime not in runtimes:
            raise SetupError(f"runtime {runtime!r} is not known; choose one of: auto, {', '.join(runtimes)}")
        if runtime not in reading:
            raise ModelError(f"runtime {runtime!r} does not run {where}; {' or '.join(reading)} does")
        if not reading[runtime].here:
            raise _missing(f"runtime {runtime!r}", reading[runtime])
        return runtime, "asked for"
    fitting = {name: one for name, one in reading.items() if device in ("auto", *one.devices)}
    for name, one in (fitting or reading).items():
        if one.here:
            return name, f"the first installed that runs {suffix} files" + ("" if device == "auto" else f" on {device}")
    raise _missing(f"running {where}", next(iter((fitting or reading).values())))


def devices(runtime: str) -> list[str]:
    """The devices that a runtime can use on this machine, the default first; empty where it is not installed.

    >>> devices("onnx")[0]
    'cpu'
    """
    one = _named(runtime)
    if not one.here:
        return []
    if len(one.devices) == 1:  # then the runtime need not be loaded
        return list(one.devices)
    found: list[str] = import_module(one.module).devices()
    return found


def choose_device(device: str, *, runtime: str) -> tuple[str, str]:
    """The device on which this runtime runs, and why; "auto" takes its default, which is the CPU except for Core ML.

    Raises SetupError for a device that the runtime does not know or that is not available: there is no silent fallback.
    """
    one, here = _named(runtime), devices(runtime)
    if not here:
        raise _missing(f"runtime {runtime!r}", one)
    if device == "auto":
        why = "fast enough for photos, and the same result everywhere" if here[0] == "cpu" else "whatever is fastest"
        return here[0], f"the default: {why}"
    if device not in one.devices:
        others = [name for name, other in RUNTIMES.items() if device in other.devices]
        known = dict.fromkeys(name for other in RUNTIMES.values() for name in other.devices)
        cure = f"; --runtime {' or '.join(others)} knows it" if others else f"; all devices: auto, {', '.join(known)}"
        raise SetupError(
            f"device {device!r} is not known to {one.title}; choose one of: auto, {', '.join(one.devices)}{cure}"
        )
    if device not in here:
        raise SetupError(
            f"device {device!r} is not available here to {one.title} (available: {', '.join(here)}); "
            f"{one.cures.get(device, 'try --device cpu')}"
        )
    return device, "asked for"


def check(suffix: str, *, runtime: str = "auto", device: str = "auto", where: str = "the model") -> None:
    """Raises what open would raise about the runtime and the device, without opening the model."""
    choose_device(device, runtime=choose(suffix, runtime=runtime, device=device, where=where)[0])


@contextmanager
def loading(path: Path, runtime: str, *, line: int = 0) -> Iterator[None]:
    """Turns any error inside into a ModelError that names the file. line: the line of the error's text to repeat.

    Each runtime raises classes of its own, some of them private, and a damaged file may cause any of them.
    """
    try:
        yield
    except StandoutError:
        raise
    except Exception as error:
        said = str(error).strip().splitlines() or [type(error).__name__]
        raise ModelError(
            f"{path} cannot be loaded by {_named(runtime).title} ({said[line][:200]}); get the file again"
        ) from None


def no_card(path: Path) -> ModelError:
    """The error for a file that standout did not write."""
    return ModelError(f"{path} holds no standout model card; export it with standout's own exporter")


def _missing(what: str, one: Runtime) -> SetupError:
    if one.system not in ("", sys.platform):
        return SetupError(f"{what} works on {one.system} alone, and this is {sys.platform}; use an .onnx file here")
    if not one.extra:
        return SetupError(f"{what} needs a package that is not installed; run: pip install {one.distribution}")
    return MissingExtra(what, one.extra)


def one_by_one(run: Runner) -> Runner:
    """A runner for any N, made of one that takes a single photo at a time."""
    import numpy as np

    return lambda batch: np.concatenate([run(batch[i : i + 1]) for i in range(len(batch))])


def in_few_sizes(run: Runner, most: int) -> Runner:
    """A runner whose network only sees batches of 1, 2, 4, 8, ... and most photos, filled up with black ones.

    On a GPU the first call of each size takes seconds, in which the library looks for its fastest kernels.
    """
    import numpy as np

    def padded(batch: NDArray[np.float32]) -> NDArray[np.float32]:
        missing = min(1 << (len(batch) - 1).bit_length(), most) - len(batch)
        if missing <= 0:
            return run(batch)
        return run(np.concatenate([batch, np.zeros((missing, *batch.shape[1:]), np.float32)]))[: len(batch)]

    return padded
