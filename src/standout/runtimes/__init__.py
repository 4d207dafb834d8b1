"""Runtimes: a model file and a device -> a session, ready to run.

runner   float32 (N, 3, h, w) in 0..1 -> float32 (N, 1, h, w) in 0..1
shape    tuple of int | None          as a file tells it; None: any
size     (h, w)                       of the photos that a network takes

To add one: a module with open(path, *, device, threads) -> Session and devices() -> list of str, those that it can use
on this machine, the default first; and a row in RUNTIMES. The contract tests then run on it wherever its packages are
installed. Another package adds one by an entry point of the group "standout.runtimes" that leads to its row, a Runtime.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from math import log
from pathlib import Path
from typing import TYPE_CHECKING

from standout.errors import MissingExtra, ModelError, SetupError, StandoutError
from standout.models.card import ModelCard
from standout.support.system import cores
from standout.types import Runner

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Size = tuple[int, int]

GPU_BATCH = 32
"""Photos in one call of the network on a GPU. A CPU gets a single one, since larger batches leave its cache.

With standout-mobile on one core, ONNX Runtime took 18.5 ms for a photo by itself, and 29.7 ms for each of 16.
"""


@dataclass(frozen=True)
class Runtime:
    """What a runtime reads and needs.

    module: the full name of the module with its open and devices. title: its name as its makers write it. devices: all
    that it can use on some machine. package: the Python package that it needs. extra: the extra of standout that brings
    that package; empty where the base install, or the package that adds the runtime, does. system: the only system
    that it runs on, as sys.platform names it; empty for all. cures: device -> what makes it available.
    """

    module: str
    title: str
    suffixes: tuple[str, ...]
    devices: tuple[str, ...]
    package: str
    extra: str = ""
    system: str = ""
    cures: dict[str, str] = field(default_factory=dict)

    @property
    def distribution(self) -> str:
        """What pip calls its package."""
        return self.package.replace("_", "-")

    @property
    def here(self) -> bool:
        """Whether it can run: its package is installed (it is not loaded to find out), and this is its system."""
        return self.system in ("", sys.platform) and find_spec(self.package) is not None


RUNTIMES = {
    "onnx": Runtime(
        "standout.runtimes.onnx",
        "ONNX Runtime",
        (".onnx",),
        ("cpu", "cuda", "coreml", "directml"),
        "onnxruntime",
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
"""The first that is installed and runs the file on the device is what "auto" means."""

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
    """The runtime of that name. Packages of others are looked for only where it is none of our own."""
    return RUNTIMES[runtime] if runtime in RUNTIMES else every()[runtime]


@dataclass(frozen=True)
class Session:
    """A model that is ready to run: its runner, its card, the device it runs on and the runtime.

    sizes: the only (h, w) that it takes; empty for any, in multiples of 32. run refuses others, whatever computes it.
    batch: how many photos one call is best given; run takes any number.
    """

    run: Runner
    card: ModelCard
    device: str
    runtime: str
    sizes: tuple[Size, ...] = ()
    batch: int = 1

    def __post_init__(self) -> None:
        if self.sizes:
            object.__setattr__(self, "run", _refusing(self.run, self.sizes, self.card.name))

    @property
    def fixed(self) -> Size | None:
        """The size that it takes, where that is a single one."""
        return self.sizes[0] if len(self.sizes) == 1 else None

    def rectangle(self, height: int, width: int, size: Size) -> Size:
        """The (h, w) in which a photo of height x width is shown to it, where size (long, short) is wished for.

        That size, turned to the photo's orientation, where it is taken; else the size at which the photo is most
        nearly as large, the smaller one of two alike.
        """
        from standout.masks import letterbox

        def scale(rect: Size) -> float:
            return min(rect[0] / height, rect[1] / width)

        wanted = letterbox.rectangle(height, width, size)
        if not self.sizes or wanted in self.sizes:
            return wanted
        return min(self.sizes, key=lambda one: (round(abs(log(scale(one) / scale(wanted))), 6), one[0] * one[1]))


def _refusing(run: Runner, sizes: Sequence[Size], name: str) -> Runner:
    """The runner, which raises ModelError for photos of a size that is none of these."""

    def checked(batch: NDArray[np.float32]) -> NDArray[np.float32]:
        if batch.shape[2:] not in sizes:
            raise ModelError(
                f"{name} takes photos of {or_list(sizes)} alone (height x width), not of "
                f"{'x'.join(map(str, batch.shape[2:]))}; fit them to that size, or use a file that takes any"
            )
        return run(batch)

    return checked


def or_list(sizes: Sequence[Size]) -> str:
    """The sizes, to be read.

    >>> or_list([(320, 256), (256, 320)])
    '320x256 or 256x320'
    """
    return " or ".join(f"{height}x{width}" for height, width in sizes)


def open(path: Path, *, runtime: str = "auto", device: str = "auto", threads: int | None = None) -> Session:
    """The model at path, ready to run. threads: for one call of the network; None = all cores.

    Raises ModelError when the file is damaged, not a standout model or not for this runtime, SetupError when the
    runtime or the device is not here, MissingExtra when packages are not installed.
    """
    name, _ = choose(path.suffix.lower(), runtime=runtime, device=device, where=str(path))
    session: Session = import_module(_named(name).module).open(path, device=device, threads=threads or cores())
    return session


def choose(suffix: str, *, runtime: str = "auto", device: str = "auto", where: str = "the model") -> tuple[str, str]:
    """The runtime for a file of this suffix, and why. Raises what open raises, except about the device."""
    ours = runtime in ("auto", *RUNTIMES) and any(suffix in one.suffixes for one in RUNTIMES.values())
    every_one = RUNTIMES if ours else every()
    reading = {name: one for name, one in every_one.items() if suffix in one.suffixes}
    if not reading:
        known = sorted({suffix for one in every_one.values() for suffix in one.suffixes})
        raise ModelError(f"{where} is no model file that standout can run; it runs {', '.join(known)}")
    if runtime != "auto":
        if runtime not in every_one:
            raise SetupError(f"runtime {runtime!r} is not known; choose one of: auto, {', '.join(every_one)}")
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
    """The devices that a runtime can use on this machine, the default first; none where it is not installed here.

    >>> devices("onnx")[0]
    'cpu'
    """
    one = _named(runtime)
    if not one.here:
        return []
    if len(one.devices) == 1:  # known without loading the runtime
        return list(one.devices)
    found: list[str] = import_module(one.module).devices()
    return found


def choose_device(device: str, *, runtime: str) -> tuple[str, str]:
    """The device for this runtime to run on, and why; "auto" takes the runtime's first: the CPU, but for Core ML.

    Raises SetupError for a device that it does not know or that is not here: standout never falls back silently.
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
    """Raises as open would, for the runtime and the device, without opening the model."""
    choose_device(device, runtime=choose(suffix, runtime=runtime, device=device, where=where)[0])


@contextmanager
def loading(path: Path, runtime: str, *, line: int = 0) -> Iterator[None]:
    """Whatever goes wrong within is told as a ModelError that names the file. line: of the reason, that says most.

    Each runtime raises classes of its own, some of them private, and a damaged file leads anywhere.
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
    """For a file that standout did not write."""
    return ModelError(f"{path} holds no standout model card; export it with standout's own exporter")


def _missing(what: str, one: Runtime) -> SetupError:
    if one.system not in ("", sys.platform):
        return SetupError(f"{what} works on {one.system} alone, and this is {sys.platform}; use an .onnx file here")
    if not one.extra:
        return SetupError(f"{what} needs a package that is not installed; run: pip install {one.distribution}")
    return MissingExtra(what, one.extra)


def sizes_of(
    takes: Sequence[Sequence[int | None]], gives: Sequence[Sequence[int | None]], *, where: str
) -> tuple[Size, ...]:
    """The only (h, w) that a file with inputs and outputs of these shapes takes, as a session states it; none: any.

    Raises ModelError where it is no person segmentation net: one photo (N, 3, h, w) in, one mask (N, 1, h, w) out; and
    where one side alone is free, or the number of photos is neither free nor 1.

    >>> sizes_of([(1, 3, 320, 256)], [(1, 1, 320, 256)], where="m.onnx")
    ((320, 256),)
    >>> sizes_of([(None, 3, None, None)], [(None, 1, None, None)], where="m.onnx")
    ()
    """

    def fits(shapes: Sequence[Sequence[int | None]], channels: int) -> bool:
        return len(shapes) == 1 and len(shapes[0]) == 4 and shapes[0][1] in (channels, None)

    if not fits(takes, 3) or not fits(gives, 1):
        shown = " -> ".join(
            ", ".join("(" + ", ".join("any" if side is None else str(side) for side in one) + ")" for one in shapes)
            for shapes in (takes, gives)
        )
        raise ModelError(f"{where} is no person segmentation net: it maps {shown}; wanted (N, 3, h, w) -> (N, 1, h, w)")
    count, _, height, width = takes[0]
    if (height is None) != (width is None) or count not in (None, 1):
        sides = ", ".join("any" if side is None else str(side) for side in takes[0])
        raise ModelError(
            f"{where} takes photos of the shape ({sides}); wanted (1 or any, 3, h, w) with h and w both fixed or both "
            "any; export it with standout's own exporter"
        )
    return () if height is None or width is None else ((height, width),)


def one_by_one(run: Runner) -> Runner:
    """A runner for any N from one that takes a single photo at a time."""
    import numpy as np

    return lambda batch: np.concatenate([run(batch[i : i + 1]) for i in range(len(batch))])
