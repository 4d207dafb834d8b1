"""Models, runtimes, devices, threads -> what is to be measured, and what cannot be measured, with the reason.

Trial     something to be measured, a row of a table
Skipped   something that cannot be measured, or whose measurement failed
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from standout import runtimes
from standout.benchmark.facts import Facts
from standout.errors import InputError, SetupError
from standout.runtimes import RUNTIMES


@dataclass(frozen=True)
class Trial:
    """What is measured.

    kind: a key of process.KINDS. model: as the user named it. size: (h, w) of the network's photo.
    """

    kind: str
    model: str
    runtime: str
    device: str
    threads: int
    size: tuple[int, int]


@dataclass(frozen=True)
class Skipped:
    """What is not measured, and why. broken: whether it should have run and failed."""

    model: str
    runtime: str
    device: str
    why: str
    broken: bool = False


def reasons(skipped: Iterable[Skipped]) -> list[str]:
    """A line for each model and reason.

    >>> reasons([Skipped("m.pt", "onnx", "", "not for it"), Skipped("m.pt", "openvino", "cpu", "not for it")])
    ['m.pt on onnx, openvino (cpu): not for it']
    """
    places: dict[tuple[str, str], list[str]] = {}
    for one in skipped:
        place = f"{one.runtime} ({one.device})" if one.device else one.runtime
        places.setdefault((one.model, one.why), []).append(place)
    return [f"{model} on {', '.join(some)}: {why}" for (model, why), some in places.items()]


def spread(
    models: Iterable[Facts],
    *,
    kinds: Sequence[str],
    names: Sequence[str] = (),
    devices: Sequence[str] = (),
    threads: Sequence[int],
) -> tuple[list[Trial], list[Skipped]]:
    """All possible trials, kind by kind, and what cannot be measured.

    names, devices: the runtimes and devices to measure; without any, all that are installed or available here.
    """
    trials: list[Trial] = []
    skipped: list[Skipped] = []
    for facts in models:
        for name in names or RUNTIMES:
            suffix = facts.path.suffix.lower()
            if name != "auto" and suffix not in RUNTIMES[name].suffixes:
                skipped.append(Skipped(facts.model, name, "", f"not for {suffix} files"))
                continue
            try:
                runtime, _ = runtimes.choose(suffix, runtime=name, where=facts.path.name)
            except SetupError as error:
                skipped.append(Skipped(facts.model, name, "", str(error)))
                continue
            for device in devices or runtimes.devices(runtime):
                device = RUNTIMES[runtime].devices[0] if device == "auto" else device
                if device not in RUNTIMES[runtime].devices:
                    why = f"it runs on {', '.join(RUNTIMES[runtime].devices)}"
                    skipped.append(Skipped(facts.model, runtime, device, why))
                    continue
                # on other devices than a CPU, threads only wait
                counts = threads if device == "cpu" else threads[-1:]
                trials += [Trial(kind, facts.model, runtime, device, n, facts.size) for kind in kinds for n in counts]
    return sorted(dict.fromkeys(trials), key=lambda trial: kinds.index(trial.kind)), list(dict.fromkeys(skipped))


def check(names: Sequence[str], devices: Sequence[str]) -> None:
    """Raises InputError for a runtime or a device that is not known."""
    every = dict.fromkeys(device for one in RUNTIMES.values() for device in one.devices)
    for option, given, known in (("--runtime", names, RUNTIMES), ("--device", devices, every)):
        for name in given:
            if name not in ("auto", *known):
                raise InputError(f"{option} {name!r} is not known; choose from: auto, {', '.join(known)}")
