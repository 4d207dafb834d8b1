"""Any model on any labelled photos -> a report: scores with intervals, curves, worst photos, gaps between groups."""

from standout.evaluate.measure import Settings, evaluate, measure, pick, scored
from standout.evaluate.photos import Score
from standout.evaluate.report import Report, compare

__all__ = ["Report", "Score", "Settings", "compare", "evaluate", "measure", "pick", "scored"]
