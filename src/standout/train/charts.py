"""The charts of a run: curves by epoch, Dice over the threshold, the learning-rate finder.

rows   list of dict[str, float]   one for each epoch, as in log.csv
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from standout.evaluate.charts import Curves, over_thresholds
from standout.support.atomic import write_atomic
from standout.support.charts import Axis, Chart, Line, svg

Rows = Sequence[dict[str, float]]


def curves(rows: Rows, path: Path) -> None:
    """Writes loss and Dice by epoch, side by side, as SVG; the best Dice over all sources has a dot."""
    epochs = Axis("epoch", rows[0]["epoch"], max(rows[-1]["epoch"], rows[0]["epoch"] + 1), whole=True)
    best = max(rows, key=lambda row: row["val_dice"])
    names = {key: "all" if key == "val_dice" else key.removeprefix("dice_") for key in rows[-1]}
    shown = [key for key in names if key == "val_dice" or key.startswith("dice_")]
    dices = [Line(_points(rows, key), names[key], main=key == "val_dice") for key in shown]
    dices.append(Line([(best["epoch"], best["val_dice"])], main=True))
    # The first epochs would press everything after them into a line, so the axis begins where most epochs lie.
    low = max(0.0, sorted(row["val_dice"] for row in rows)[len(rows) // 4] - 0.05)
    title = f"Best Dice {best['val_dice']:.4f} in epoch {best['epoch']:.0f}"
    chart = Chart(title, epochs, Axis("Dice", low, 1.0), dices)
    write_atomic(path, svg(_losses(rows, epochs), chart).encode(), overwrite=True)


def _losses(rows: Rows, epochs: Axis) -> Chart:
    """Loss by epoch, on a logarithmic axis where it falls far."""
    lines = [Line(_points(rows, "loss"), "training (augmented)"), Line(_points(rows, "val_loss"), "validation")]
    every = [loss for line in lines for _, loss in line.points]
    far = max(every) > 4 * min(every) > 0
    return Chart("Loss", epochs, Axis("loss", min(every) if far else 0.0, max(*every, 1e-6), log=far), lines)


def _points(rows: Rows, key: str) -> list[tuple[float, float]]:
    return [(row["epoch"], row[key]) for row in rows if key in row]


def thresholds(scores: Curves, path: Path) -> None:
    """Writes the mean Dice of each source ("all" among them) at every threshold as SVG."""
    write_atomic(path, svg(over_thresholds(scores)).encode(), overwrite=True)


def rates(tried: Sequence[float], losses: Sequence[float], suggested: float, path: Path, *, overwrite: bool) -> None:
    """Writes the smoothed loss over the learning rate as SVG, with a mark at the suggested rate.

    Raises OutputError when path exists and overwrite is not set.
    """
    rate = Axis("train.lr", tried[0], max(tried[-1], tried[0] * 1.01), log=True)
    loss = Axis("loss", min(losses), max(losses))
    line = Line(list(zip(tried, losses, strict=True)), main=True)
    chart = Chart(f"Suggested train.lr: {suggested:.1e}", rate, loss, [line], mark=suggested)
    write_atomic(path, svg(chart).encode(), overwrite=overwrite)
