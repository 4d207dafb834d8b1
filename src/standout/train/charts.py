"""Pictures of a run: curves, Dice against threshold, the learning-rate finder.

rows   list of dict[str, float]   one an epoch, as in log.csv
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from standout.support.atomic import write_atomic

Rows = Sequence[dict[str, float]]


def curves(rows: Rows, path: Path) -> None:
    """Loss and Dice by epoch, side by side, as PNG."""
    figure = Figure(figsize=(11, 4.2), layout="constrained")
    losses, dices = figure.subplots(1, 2)
    epochs = [row["epoch"] for row in rows]
    for key, label in (("loss", "training (augmented)"), ("val_loss", "validation")):
        losses.plot(epochs, [row[key] for row in rows], label=label)
    losses.set(xlabel="epoch", ylabel="loss")
    best = max(rows, key=lambda row: row["val_dice"])
    for key in rows[-1]:
        if key == "val_dice" or key.startswith("dice_"):
            whole = key == "val_dice"
            points = [(row["epoch"], row[key]) for row in rows if key in row]
            dices.plot(
                *zip(*points, strict=True),
                label="all" if whole else key.removeprefix("dice_"),
                color="black" if whole else None,
                linewidth=2 if whole else 1,
            )
    dices.plot([best["epoch"]], [best["val_dice"]], "o", color="black")
    dices.set(xlabel="epoch", ylabel="Dice", title=f"best {best['val_dice']:.4f} in epoch {best['epoch']:.0f}")
    # the first epochs would press everything after them into a line
    dices.set_ylim(bottom=max(0.0, sorted(row["val_dice"] for row in rows)[len(rows) // 4] - 0.05), top=1.0)
    least, most = (pick(row[key] for row in rows for key in ("loss", "val_loss")) for pick in (min, max))
    if most > 4 * least > 0:
        losses.set_yscale("log")
    for axes in (losses, dices):
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(alpha=0.3)
        axes.legend()
    _save(figure, path)


def thresholds(scores: dict[str, dict[float, float]], path: Path) -> None:
    """Mean Dice at every threshold, by source; a mark at the best of "all"."""
    figure = Figure(figsize=(6.4, 4.2), layout="constrained")
    axes = figure.subplots()
    for source, curve in scores.items():
        whole = source == "all"
        axes.plot(
            list(curve),
            list(curve.values()),
            label=source,
            color="black" if whole else None,
            linewidth=2 if whole else 1,
        )
    best = max(scores["all"], key=lambda threshold: scores["all"][threshold])
    axes.axvline(best, linestyle=":", color="black")
    axes.set(xlabel="threshold", ylabel="Dice", title=f"best threshold {best:.2f}: {scores['all'][best]:.4f}")
    low = min(curve[best] for curve in scores.values())
    axes.set_ylim(bottom=max(0.0, low - 0.1), top=1.0)
    axes.grid(alpha=0.3)
    axes.legend()
    _save(figure, path)


def rates(tried: Sequence[float], losses: Sequence[float], suggested: float, path: Path, *, overwrite: bool) -> None:
    """Smoothed loss against learning rate, a mark at the suggestion."""
    figure = Figure(figsize=(6.4, 4.2), layout="constrained")
    axes = figure.subplots()
    axes.plot(tried, losses)
    axes.axvline(suggested, linestyle=":", color="black")
    axes.set(xscale="log", xlabel="train.lr", ylabel="loss", title=f"suggested train.lr = {suggested:.1e}")
    axes.grid(alpha=0.3)
    _save(figure, path, overwrite=overwrite)


def _save(figure: Figure, path: Path, *, overwrite: bool = True) -> None:
    data = io.BytesIO()
    figure.savefig(data, format="png", dpi=110)
    write_atomic(path, data.getvalue(), overwrite=overwrite)
