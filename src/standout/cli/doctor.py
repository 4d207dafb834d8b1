"""What this machine can do for standout, and what is broken on it.

    Findings   versions, machine, devices and models, each name -> what was found; broken: what does not work

To add a check: a function like _models, called in examine().
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from importlib import import_module
from math import inf

from standout.errors import SetupError, StandoutError
from standout.support.system import cores
from standout.support.version import __version__

PACKAGES = {
    "numpy": "numpy",
    "opencv-python-headless": "cv2",
    "pillow": "PIL.Image",
    "pi-heif": "pi_heif",
    "onnxruntime": "onnxruntime",
    "av": "av",
}
"""Distribution -> the module that must load."""

TRIALS, FASTER = 5, 0.9
"""Masks that each runtime makes, of which the fastest counts; and the share of the chosen runtime's time within which
another one is worth naming."""


@dataclass
class Findings:
    """What was found; broken is empty on a sound machine."""

    versions: dict[str, str] = field(default_factory=dict)
    machine: dict[str, str] = field(default_factory=dict)
    devices: dict[str, str] = field(default_factory=dict)
    models: dict[str, str] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)

    def to_json(self) -> str:
        """The findings as one JSON object."""
        return json.dumps(asdict(self), indent=2)

    def to_text(self) -> str:
        """The findings as aligned lines, what is broken last."""
        lines = []
        for title, rows in (
            ("versions", self.versions),
            ("machine", self.machine),
            ("devices", self.devices),
            ("models", self.models),
        ):
            lines.append(title)
            lines += [f"  {name:24}{value}" for name, value in rows.items()]
        lines += [f"broken: {problem}" for problem in self.broken] or ["all is well"]
        return "\n".join(lines)


def examine() -> Findings:
    """All checks, none of which stops another."""
    findings = Findings()
    for check in (_versions, _machine, _devices, _models, _trial):
        _attempt(check, findings)
    return findings


def _attempt(check: Callable[[Findings], None], findings: Findings) -> None:
    try:
        check(findings)
    except Exception as error:  # a broken installation raises anything
        reason = str(error) if isinstance(error, StandoutError) else f"{type(error).__name__}: {error}"
        if reason not in findings.broken:
            findings.broken.append(reason)


def _versions(findings: Findings) -> None:
    import platform
    from importlib.metadata import PackageNotFoundError, version

    findings.versions["python"] = platform.python_version()
    findings.versions["standout"] = __version__
    for package, module in PACKAGES.items():
        try:
            findings.versions[package] = version(package)
        except PackageNotFoundError:  # another build of the same, opencv-python or onnxruntime-gpu
            findings.versions[package] = "another build"
        try:
            import_module(module)
        except Exception as error:  # a missing system library shows as anything
            findings.versions[package] = "BROKEN"
            findings.broken.append(f"{module} does not load ({error}); run: pip install --force-reinstall {package}")


def _machine(findings: Findings) -> None:
    import platform

    findings.machine["system"] = platform.platform()
    findings.machine["processor"] = platform.machine()
    findings.machine["cores"] = f"{cores()} of {os.cpu_count()}"


def _devices(findings: Findings) -> None:
    from standout import runtimes

    try:
        every = runtimes.every()
    except SetupError as error:  # a package that adds a runtime is broken; ours may work
        findings.broken.append(str(error))
        every = runtimes.RUNTIMES
    for name, one in every.items():
        if one.system not in ("", sys.platform):
            findings.devices[name] = f"for {one.system} alone"
        elif not one.here:
            needed = f"'standout[{one.extra}]'" if one.extra else one.distribution
            findings.devices[name] = f"not installed; pip install {needed}"
        else:
            try:
                findings.devices[name] = f"runs {', '.join(one.suffixes)} on {', '.join(runtimes.devices(name))}"
            except Exception as error:  # a broken installation raises anything
                findings.devices[name] = "BROKEN"
                cure = f"pip install --force-reinstall {one.distribution}"
                findings.broken.append(f"{one.title} does not load ({error}); run: {cure}")
    chosen, why = runtimes.choose(".onnx")
    findings.devices["chosen runtime"] = f"{chosen} ({why})"
    findings.devices["chosen device"] = "{} ({})".format(*runtimes.choose_device("auto", runtime=chosen))


def _models(findings: Findings) -> None:
    from standout.models.registry import REGISTRY, find

    for name, weights in REGISTRY.items():
        try:
            size = find(name).stat().st_size / 1e6
            findings.models[name] = f"checksum OK  {size:.1f} MB  sha256 {weights.sha256[:12]}"
        except (StandoutError, OSError) as error:
            findings.models[name] = "checksum BAD"
            findings.broken.append(str(error))


def _trial(findings: Findings) -> None:
    """A picture of nobody through the default model, by each runtime that is installed and runs its file."""
    import numpy as np

    from standout import runtimes
    from standout.models.registry import DEFAULT, find
    from standout.segmenter import Segmenter

    suffix = find(DEFAULT).suffix
    names = [name for name, one in runtimes.every().items() if one.here and suffix in one.suffixes]
    segmenters = {name: Segmenter(runtime=name) for name in names}
    picture = np.full((480, 640, 3), 128, np.uint8)
    for one in segmenters.values():
        one.mask(picture)  # the first takes longer
    took = dict.fromkeys(names, inf)
    for name in names * TRIALS:  # in turns, since other programs may be at work
        began = time.perf_counter()
        segmenters[name].mask(picture)
        took[name] = min(took[name], time.perf_counter() - began)
    chosen, _ = runtimes.choose(suffix)
    for name in names:
        faster = name != chosen and took[name] < FASTER * took[chosen]
        told = f"; --runtime {name} is faster here" if faster else ""
        findings.machine[f"a mask by {name}"] = f"{1000 * took[name]:.0f} ms (640x480){told}"
