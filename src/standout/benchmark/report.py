"""The report of a benchmark, as text in columns, as Markdown and as JSON.

To add a column: a head and a cell in _facts() or _figures().
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import PurePath
from typing import Any

from standout import __version__
from standout.benchmark.facts import Facts
from standout.benchmark.machine import CAVEAT, ORIGINAL, Machine
from standout.benchmark.process import FRAME
from standout.benchmark.rounds import Row
from standout.benchmark.trials import Skipped, reasons

UNKNOWN = "-"

RATIO = "ratio: how many times as fast as the first row; figures are medians over rounds that take turns."

BUSY = 0.2
"""The share of the cores' time, 0..1, above which the report mentions other programs."""


@dataclass(frozen=True)
class Table:
    """A table with cells of text. words: how many columns are aligned to the left; the numbers after them are not."""

    title: str
    rows: list[dict[str, str]]
    words: int

    def to_text(self) -> str:
        """The table as text in columns."""
        lines = [list(self.rows[0]), *[list(row.values()) for row in self.rows]]
        widths = [max(len(cell) for cell in column) for column in zip(*lines, strict=True)]

        def padded(cells: Sequence[str]) -> str:
            return "  ".join(
                f"{cell:{'<' if n < self.words else '>'}{width}s}"
                for n, (cell, width) in enumerate(zip(cells, widths, strict=True))
            ).rstrip()

        return "\n".join([self.title, *["  " + padded(cells) for cells in lines]])

    def to_markdown(self) -> str:
        """The table as Markdown."""
        rule = ["---" if n < self.words else "---:" for n in range(len(self.rows[0]))]
        lines = [list(self.rows[0]), rule, *[list(row.values()) for row in self.rows]]
        return "\n".join([self.title, "", *[f"| {' | '.join(cells)} |" for cells in lines]])


@dataclass(frozen=True)
class BenchmarkReport:
    """All that was measured.

    rounds: how many were asked for. photo: a description of the photo that was cut out.
    """

    machine: Machine
    models: list[Facts]
    rows: list[Row]
    skipped: list[Skipped]
    rounds: int
    photo: str = ""

    @property
    def broken(self) -> bool:
        """Whether a trial failed that should have run."""
        return any(one.broken for one in self.skipped)

    def tables(self) -> list[Table]:
        """A table of the models, one for each kind of trial, and one of the original project's figures."""
        titles = {
            "network": "The network's call for one photo, by itself",
            "photo": f"`standout cut`, JPEG to PNG, as a process of its own: {self.photo}",
            "video": f"Video of {FRAME[1]}x{FRAME[0]}, background blurred: frames in memory; no decoding or encoding",
        }
        names = _names(self.models)
        found = [Table("Models", [_facts(one, names[one.model]) for one in self.models], 2)]
        for kind, title in titles.items():
            rows = [_figures(one, names[one.trial.model]) for one in self.rows if one.trial.kind == kind]
            found += [Table(title, rows, 3)] if rows else []
        old = [{"encoder": name, "machine": where, "ms": str(ms)} for (name, where), ms in ORIGINAL.items()]
        return [*found, Table(CAVEAT, old, 2)]

    def to_text(self) -> str:
        """The report as text for a terminal."""
        lines = [table.to_text() for table in self.tables()]
        lines.insert(-1, self._remarks(""))
        return "\n\n".join([str(self.machine), *lines])

    def to_markdown(self) -> str:
        """The report as Markdown."""
        lines = [table.to_markdown() for table in self.tables()]
        lines.insert(-1, self._remarks("- "))
        return "\n\n".join([str(self.machine), *lines])

    def _remarks(self, bullet: str) -> str:
        done = min(one.rounds for one in self.rows)
        short = f" of {self.rounds}, as --seconds allowed no more" if done < self.rounds else ""
        names = _names(self.models)
        skipped = reasons(replace(one, model=names.get(one.model, one.model)) for one in self.skipped)
        lines = [f"not measured: {line}" for line in skipped]
        if (self.machine.busy or 0) > BUSY:
            others = f"other programs kept {self.machine.busy:.0%} of this machine busy when the benchmark began, "
            lines.insert(0, others + "so the figures are too high, most of all those of several threads.")
        return "\n".join(bullet + line for line in [f"{RATIO} Rounds: {done}{short}.", *lines])

    def to_json(self) -> str:
        """All figures as JSON, unrounded; what is not known is null."""
        original = [{"encoder": name, "machine": where, "ms": ms} for (name, where), ms in ORIGINAL.items()]
        found: dict[str, Any] = {
            "standout": __version__,
            "machine": asdict(self.machine),
            "models": [asdict(one) | {"path": str(one.path)} for one in self.models],
            "photo": self.photo or None,
            "rows": [one.row() for one in self.rows],
            "skipped": [asdict(one) for one in self.skipped],
            "original": {"note": CAVEAT, "rows": original},
        }
        return json.dumps(found, indent=1)


def _facts(facts: Facts, name: str) -> dict[str, str]:
    """The row of a model: head -> cell."""
    needs = f"needs {facts.lacking}" if facts.lacking else UNKNOWN
    return {
        "model": name,
        "encoder": facts.encoder or needs,
        "parameters": needs if facts.parameters is None else f"{facts.parameters / 1e6:.2f} M",
        "multiply-adds": needs if facts.multiply_adds is None else f"{facts.multiply_adds / 1e9:.2f} G",
        "at": f"{facts.size[0]}x{facts.size[1]}",
        "MB on disk": f"{facts.megabytes:.1f}",
    }


def _figures(row: Row, name: str) -> dict[str, str]:
    """The row of a trial: head -> cell."""
    trial = row.trial
    unit, scale = ("s", 1000) if trial.kind == "photo" else ("ms", 1)
    spread = f"{_number(row.low / scale)} to {_number(row.high / scale)}" if row.rounds > 1 else UNKNOWN
    cells = {
        "model": name,
        "runtime": trial.runtime,
        "device": trial.device,
        "threads" if trial.kind == "network" else "cores": str(trial.threads),
        unit: _number(row.ms / scale),
        "quartiles": spread,
    }
    if trial.kind != "photo":  # a photo's time is that of a whole process, which would do a second photo faster
        cells |= {"photos/s" if trial.kind == "network" else "frames/s": _number(row.per_second)}
        cells |= {"start-up ms": _number(row.start_ms)}
    return cells | {"peak MB": UNKNOWN if row.peak_mb is None else f"{row.peak_mb:.0f}", "ratio": f"{row.ratio:.2f}"}


def _names(models: Sequence[Facts]) -> dict[str, str]:
    """Model -> the name that is shown: a file's without its folder, unless two files have the same name."""
    names = {one.model: PurePath(one.model).name for one in models}
    return names if len(set(names.values())) == len(names) else {one: one for one in names}


def _number(value: float | None) -> str:
    """A number with three digits, or with all digits before the point; "-" for None.

    >>> _number(12.345), _number(1234.5), _number(0.7654), _number(None)
    ('12.3', '1234', '0.77', '-')
    """
    if value is None:
        return UNKNOWN
    return f"{value:.{2 if value < 10 else 1 if value < 100 else 0}f}"
