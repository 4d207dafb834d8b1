"""How growth.py's points grow: the exponents with their intervals, tables, and charts.

    point   dict   a growth.Point: part, way, n, seconds, processor, peak, first

Processor time is fitted as a + b n^k, since a command takes a while to start, whatever it does. The relative errors of
all points count alike; a and b are not negative. The interval of k holds those exponents whose squared errors are not
larger, by the F distribution at 95 %, than chance would make them (profile likelihood).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from standout.support.atomic import write_atomic
from standout.support.charts import Axis, Chart, Line, svg

UNITS = {"pixels": "megapixels", "frames": "frames", "files": "files"}
"""Part -> the unit of n."""

EXPONENTS = np.arange(0.0, 2.0001, 0.005)

F_95 = {1: 161.4, 2: 18.51, 3: 10.13, 4: 7.71, 5: 6.61, 6: 5.99, 7: 5.59, 8: 5.32, 9: 5.12, 10: 4.96}
"""Degrees of freedom -> the 95 % quantile of F(1, degrees)."""

MANY = 100_000
"""Frames or files whose time is told: continued in a straight line through the last two points if there are fewer."""

Points = Sequence[dict[str, Any]]


@dataclass(frozen=True)
class Growth:
    """a + b n^k, and the interval of k."""

    a: float
    b: float
    k: float
    low: float
    high: float

    def at(self, n: float) -> float:
        """The value at n."""
        return float(self.a + self.b * n**self.k)


def fitted(n: Sequence[float], values: Sequence[float], exponents: np.ndarray = EXPONENTS) -> Growth:
    """The growth a + b n^k that fits the values best.

    >>> found = fitted([1, 10, 100, 1000, 10000], [2.01, 2.1, 3.0, 12, 102])
    >>> round(found.k, 2), round(found.a, 1)
    (1.0, 2.0)
    """
    counts, wanted = np.asarray(n, float), np.asarray(values, float)
    found = [_weighed(counts**k, wanted) for k in exponents]
    errors = np.array([error for error, *_ in found])
    best = int(errors.argmin())
    free = len(counts) - 3
    likely = errors <= errors[best] * (1 + F_95.get(free, 4.9) / free) + 1e-12 if free > 0 else errors >= 0
    spread = exponents[likely]
    _, a, b = found[best]
    return Growth(a, b, float(exponents[best]), float(spread.min()), float(spread.max()))


def _weighed(grown: np.ndarray, wanted: np.ndarray) -> tuple[float, float, float]:
    """The squared relative error, a and b of the best a + b grown, neither of which is negative."""
    columns = np.stack([1 / wanted, grown / wanted], axis=1)
    a, b = np.linalg.lstsq(columns, np.ones(len(wanted)), rcond=None)[0]
    if a < 0 or b < 0:
        kept = int(a < 0)  # the column that stays
        only = columns[:, kept] @ np.ones(len(wanted)) / (columns[:, kept] @ columns[:, kept])
        a, b = (0.0, only) if kept else (only, 0.0)
    return float(np.square(columns @ (a, b) - 1).sum()), float(a), float(b)


def series(points: Points, part: str) -> dict[str, Points]:
    """Way -> its points, by n."""
    ways = dict.fromkeys(one["way"] for one in points if one["part"] == part)
    mine = sorted((one for one in points if one["part"] == part), key=lambda one: one["n"])
    return {way: [one for one in mine if one["way"] == way] for way in ways}


def tables(points: Points) -> str:
    """What the points show: exponents, then all points, then cores."""
    return "\n\n".join([exponents(points), *(each(points, part) for part in UNITS), cores(points)])


def exponents(points: Points) -> str:
    """A row a part and way."""
    head = ["what grows", "measured", "k", "95 %", "start", "one more", "MB, fewest", "MB, most", "100,000 take"]
    lines = [f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
    for part, unit in UNITS.items():
        for way, some in series(points, part).items():
            n, seconds = [one["n"] for one in some], [one["seconds"] for one in some]
            if len(n) < 4:
                continue
            found = fitted(n, [one["processor"] for one in some])
            more = (seconds[-1] - seconds[-2]) / (n[-1] - n[-2])
            cells = [f"{unit}, {way}", f"{n[0]:g} to {n[-1]:,g}", f"{found.k:.2f}"]
            cells += [f"{found.low:.2f} to {found.high:.2f}", f"{found.a:.2f} s", f"{1000 * more:.2g} ms"]
            cells += [f"{some[0]['peak']:.0f}", f"{some[-1]['peak']:.0f}"]
            cells += ["" if part == "pixels" else f"{(seconds[-1] + more * (MANY - n[-1])) / 60:.1f} min"]
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def each(points: Points, part: str) -> str:
    """A row a count, with the seconds and the peak memory of each way."""
    ways = series(points, part)
    names = [f"{way}: {what}" for way in ways for what in _columns(way, part)]
    lines = [f"| {UNITS[part]} | {' | '.join(names)} |", "|" + "---|" * (len(names) + 1)]
    for n in sorted({one["n"] for some in ways.values() for one in some}):
        cells = [f"{n:,g}"]
        for way, some in ways.items():
            here = next((one for one in some if one["n"] == n), None)
            cells += [form(here) if here else "" for form in _columns(way, part).values()]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _columns(way: str, part: str) -> dict[str, Any]:
    first = {"first result": lambda one: f"{one['first']:.2f} s"} if part == "files" and "kept" not in way else {}
    return {"time": lambda one: f"{one['seconds']:.2f} s", "peak": lambda one: f"{one['peak']:.0f} MB"} | first


MORE_CORES = (4, 8, 16)


def cores(points: Points) -> str:
    """A row a way: how many times as fast two cores are, and what Amdahl's law makes of that for more of them."""
    head = [
        "what",
        "one core",
        "two cores",
        "times as fast",
        "share in turn",
        *(f"{n} cores, on paper" for n in MORE_CORES),
    ]
    lines = [f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
    for way, some in series(points, "cores").items():
        if len(some) < 2:
            continue
        one, two = some[0]["seconds"], some[-1]["seconds"]
        turn = serial(one / two)
        cells = [way, f"{one:.1f} s", f"{two:.1f} s", f"{one / two:.2f}", f"{100 * turn:.1f} %"]
        cells += [f"{amdahl(turn, n):.1f}" for n in MORE_CORES]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) if len(lines) > 2 else "(not measured yet)"


def serial(twice: float) -> float:
    """The share of the work that one core does alone, where two cores are that many times as fast.

    >>> serial(2.0), round(serial(1.6), 3)
    (0.0, 0.25)
    """
    return max(0.0, 2 / twice - 1)


def amdahl(share: float, cores: int) -> float:
    """How many times as fast that many cores are (Amdahl, 1967), where nothing else holds them up.

    >>> amdahl(0.25, 4)
    2.2857142857142856
    """
    return 1 / (share + (1 - share) / cores)


def draw(points: Points, folder: Path) -> None:
    """Draws time, with a line of exactly linear growth, and memory over each unit."""
    charts = [_charts(points, part) for part in UNITS if series(points, part)]
    for name, panels in zip(("time", "memory"), zip(*charts, strict=True), strict=False):
        write_atomic(folder / f"growth-{name}.svg", svg(*panels).encode(), overwrite=True)


def _charts(points: Points, part: str) -> tuple[Chart, Chart]:
    ways = series(points, part)
    every = [one for some in ways.values() for one in some]
    n, times = [one["n"] for one in every], [one["seconds"] for one in every]
    across = Axis(UNITS[part], min(n), 1.3 * max(n), log=True)  # the last label needs the room
    up = Axis("seconds", 10 ** math.floor(math.log10(min(times))), 10 ** math.ceil(math.log10(max(times))), log=True)
    lines = [Line([(one["n"], one["seconds"]) for one in some], way) for way, some in ways.items()]
    most = max(every, key=lambda one: (one["n"], one["seconds"]))
    straight = [(each, most["seconds"] * each / most["n"]) for each in sorted(set(n))]
    lines.append(Line(straight, "linear", dashed=True))
    memory = [Line([(one["n"], one["peak"]) for one in some], way) for way, some in ways.items()]
    high = Axis("MB", 0, 1.1 * max(one["peak"] for one in every))
    of_memory = Axis(UNITS[part], 0, 1.05 * max(n)) if part == "pixels" else across  # the only one where it grows
    held = Chart(f"Memory over {UNITS[part]}", of_memory, high, memory)
    return Chart(f"Time over {UNITS[part]}", across, up, lines), held
