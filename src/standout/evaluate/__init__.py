"""Measures any model on any labeled photos: scores with intervals, curves, the worst photos, gaps between groups.

photos.py      a mask and a label -> the scores of a photo
measure.py     pairs and a Segmenter -> the scores of all photos, or a report
report.py      scores -> tables, curves, gaps, a comparison with another model
intervals.py   values -> a mean with its bootstrap interval
suspects.py    labels and the answers of folds -> a ranking of the labels that may be wrong
show.py        a report -> text for the terminal, or an HTML page
"""

from standout.evaluate.measure import Settings, evaluate, measure, pick, scored
from standout.evaluate.photos import Score
from standout.evaluate.report import Report, compare

__all__ = ["Report", "Score", "Settings", "compare", "evaluate", "measure", "pick", "scored"]
