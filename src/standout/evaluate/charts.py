"""The charts of a report: Dice over the threshold, calibration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from standout.support.charts import Axis, Chart, Line

if TYPE_CHECKING:
    from standout.evaluate.report import Report

Curves = Mapping[str, Mapping[float, float]]
"""Source -> threshold -> mean Dice, each 0..1; "all" among the sources."""


def over_thresholds(curves: Curves) -> Chart:
    """Mean Dice over the threshold, a line for each source, with a mark at the best threshold of "all".

    The axis of Dice begins a little below the lowest source at that threshold.
    """
    best = max(curves["all"], key=lambda threshold: curves["all"][threshold])
    low = max(0.0, min(curve[best] for curve in curves.values()) - 0.1)
    lines = [Line(list(curve.items()), source, main=source == "all") for source, curve in curves.items()]
    title = f"Best threshold {best:.2f}, with Dice {curves['all'][best]:.4f}"
    return Chart(title, Axis("threshold", 0.0, 1.0), Axis("mean Dice", low, 1.0), lines, mark=best)


def calibration(report: Report) -> Chart:
    """How often pixels are person over the probability that the model gives them; ideally a diagonal line."""
    bins = [(one["probability"], one["person"]) for one in report.calibration]
    lines = [Line(bins, "found", main=True), Line([(0.0, 0.0), (1.0, 1.0)], "perfect", dashed=True)]
    title = f"Calibration error {report.calibration_error:.4f}"
    return Chart(title, Axis("probability", 0.0, 1.0), Axis("share that is person", 0.0, 1.0), lines)
