"""A report as text for the terminal, and as one HTML page with charts and pictures."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any

from standout.evaluate.charts import calibration, over_thresholds
from standout.evaluate.intervals import Mean
from standout.evaluate.photos import METRICS, SIZES
from standout.evaluate.report import FEW, Comparison, Means, Report
from standout.support.charts import svg
from standout.support.html import figure, page, table
from standout.types import Bytes

HEADS = {
    "dice": "Dice",
    "iou": "IoU",
    "boundary_f": "boundary F",
    "precision": "precision",
    "recall": "recall",
    "mad": "MAD",
}
"""Metric -> its name in the head of a table."""

Shown = tuple[Bytes, str]
"""A picture, uint8 (H, W, 3), and its caption."""


def to_text(report: Report) -> str:
    """The report's tables as text in columns, by source and size, with the photos of nobody and the groups."""
    lines: list[str] = []
    if report.people:
        rows = _rows(report.by_source) + _rows({f"{name} people": row for name, row in report.by_size.items()})
        lines += _columns([["photos", "n", *HEADS.values()], *rows])
        best = report.best_threshold
        lines.append(f"best threshold {best:.2f}; calibration error {report.calibration_error:.4f}")
    if report.nobody:
        lines.append(f"photos of nobody: {report.nobody.n}; area called person {_percent(report.nobody)}")
    for label, (rows_of, apart) in report.gaps.items():
        lines.append(f"gap between groups of {label}: {apart}")
        lines += [f"  {name:20s} {row}  n {row.n}{_few(row)}" for name, row in rows_of.items()]
    return "\n".join(lines)


def comparison_to_text(found: Comparison, other: str) -> str:
    """What --compare prints: the verdict, and the differences to the other model with their intervals."""
    lines = [f"against {other}: {found.verdict}"]
    for name, one in (("Dice", found.dice), ("boundary F", found.boundary_f), ("area of nobody", found.area)):
        if one is not None:
            sign = "less" if name == "area of nobody" else "more"
            lines.append(f"  {one.mean:+.4f} ({one.low:+.4f} to {one.high:+.4f}) {sign} {name}, n {one.n}")
    return "\n".join(lines)


def to_page(report: Report, worst: Sequence[Shown], *, title: str, comparison: tuple[Comparison, str] | None) -> bytes:
    """The page as HTML.

    worst: the worst photos with their outlines. comparison: the comparison with another model and that model's name.
    """
    parts = [_facts(report.facts)]
    if comparison is not None:
        found, other = comparison
        kind = found.verdict if found.verdict in ("better", "worse") else "note"
        parts.append(
            f'<h2>Against another model</h2><pre class="{kind}">{html.escape(comparison_to_text(found, other))}</pre>'
        )
    if report.people:
        head = ["photos", "n", *HEADS.values()]
        sizes = "; ".join(f"{name} is up to {most:.0%}" for name, most in SIZES.items())
        parts += ["<h2>Scores</h2>", table(head, _rows(report.by_source))]
        parts += [f"<h2>By size of person</h2><p>Share of the photo: {sizes}.</p>", table(head, _rows(report.by_size))]
    if report.nobody:
        text = f"In {report.nobody.n} photos, {_percent(report.nobody)} of the area is called person."
        parts.append(f"<h2>Photos of nobody</h2><p>{html.escape(text)}</p>")
    parts.append("<h2>Threshold and calibration</h2>" + _charts(report))
    for label, (rows, apart) in report.gaps.items():
        groups = [[name, str(row.n), f"{row}{_few(row)}"] for name, row in rows.items()]
        parts.append(f"<h2>Groups of {html.escape(label)}</h2><p>The gap of Dice is {apart}.</p>")
        parts.append(table(["group", "n", "Dice"], groups))
    parts.append("<h2>The worst photos</h2><p>The label is outlined in green, the model's mask in red.</p>")
    parts += [figure(picture, caption, alt=f"photo with label and mask: {caption}") for picture, caption in worst]
    note = (
        "Intervals hold 95 % of the bootstrap means over photos. MAD is the mean absolute difference of alpha, F the "
        "F-score of the outline."
    )
    return page(title, "".join([*parts, f"<p><small>{note}</small></p>"]))


def _facts(facts: dict[str, Any]) -> str:
    rows = []
    for key, value in facts.items():
        inner = value if isinstance(value, dict) else {"": value}
        rows += [[f"{key} {name}", str(one)] for name, one in inner.items()]
    return table(["measured", ""], rows)


def _charts(report: Report) -> str:
    drawn = [over_thresholds(report.thresholds)] if report.thresholds else []
    return "".join(f"<figure>{svg(chart, inline=True)}</figure>" for chart in [*drawn, calibration(report)])


def _rows(means: dict[str, Means]) -> list[list[str]]:
    rows = []
    for name, row in means.items():
        cells = [f"{row[metric].mean:.4f}" if metric == "mad" else _short(row[metric]) for metric in METRICS]
        rows.append([name, str(row["dice"].n), *cells])
    return rows


def _short(one: Mean) -> str:
    """A mean and half its interval's width.

    >>> _short(Mean(0.98, 0.975, 0.985, 100))
    '0.980 ±0.005'
    """
    return f"{one.mean:.3f} ±{(one.high - one.low) / 2:.3f}"


def _percent(one: Mean) -> str:
    return f"{one.mean:.2%} ({one.low:.2%} to {one.high:.2%})"


def _few(one: Mean) -> str:
    return "  (few)" if one.n < FEW else ""


def _columns(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    return ["  ".join(f"{cell:{width}s}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
