"""The figures that meeting.py measured, as Markdown tables and as a chart.

results   dict   as in benchmarks/results/meeting.json
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from standout.evaluate.intervals import Mean, mean
from standout.support.atomic import write_atomic
from standout.support.charts import Axis, Chart, Dot, svg

COLUMNS = {"iou": "IoU", "boundary_f": "boundary F", "warping": "flow-warping error, ‰"}
REFERENCE = "standout-mobile"
Row = dict[str, Any]


def table(results: Row) -> str:
    """A row a model, a row a scene, and a caption."""
    return "\n\n".join([overview(results), scenes(results), caption(results)])


def overview(results: Row) -> str:
    """A row a model: means over the clips with their 95 % intervals, and latency."""
    lines = [["model", *COLUMNS.values(), "P95 ms", "mean ms"]]
    for row in results["ways"].values():
        title = f"**{row['title']}**" if row["ours"] and row["steady"] else row["title"]
        times = [f"{row[key]:.1f}" if key in row else "" for key in ("p95_ms", "mean_ms")]
        lines.append([title, *(_cell(row.get("sequences", []), key) for key in COLUMNS), *times])
    lines.append(["the truth itself", "1", "1", _cell(results.get("truth", []), "warping"), "", ""])
    return _markdown(lines)


def scenes(results: Row) -> str:
    """A row a scene: the flow-warping error and the IoU of each model that is shown to users by default."""
    shown = {name: row for name, row in results["ways"].items() if row["steady"] and row.get("sequences")}
    lines = [["IoU / flow-warping error, ‰", *(row["title"].partition(" (")[0] for row in shown.values())]]
    for scene in results["scenes"]:
        cells = []
        for row in shown.values():
            own = [one for one in row["sequences"] if one["scene"] == scene]
            cells.append(f"{mean([one['iou'] for one in own]).mean:.3f} / {_warping(own).mean:.2f}")
        lines.append([scene, *cells])
    return _markdown(lines)


def caption(results: Row) -> str:
    """What was measured, and where."""
    width, height = results["size"]
    clips = len(results["scenes"]) * results["casts"]
    text = (
        f"{clips} clips of {results['frames']} frames of {width}x{height} (`{results['clips']}`); in brackets, 95 % "
        "bootstrap intervals over clips. IoU is over all pixels of a clip, boundary F within 0.8 % of the diagonal, "
        "and the flow-warping error in thousandths of the pixels near people, where less is steadier."
    )
    if timing := results.get("timing"):
        text += (
            f" Latency: one frame of 1280x720, from pixels to its mask, one thread on one core of {timing['cores']}, "
            f"{timing['cpu']}, {timing['date']}, a median of {timing['rounds']} rounds in turn."
        )
    left = [f"{name} ({reason})" for name, reason in results["failed"].items()]
    return text + (f" Left out: {'; '.join(left)}." if left else "")


def apart(before: Row, after: Row) -> str:
    """What each model of both runs gained from one to the other, clip by clip. Raises ValueError for other clips."""
    if before["clips"] != after["clips"]:
        raise ValueError(f"the runs are of other clips ({before['clips']}, {after['clips']}); measure both anew")
    lines = [["after less before", *COLUMNS.values(), "P95 ms"]]
    for name, row in after["ways"].items():
        was = before["ways"].get(name, {})
        if not (was.get("sequences") and row.get("sequences")):
            continue
        cells = []
        for key in COLUMNS:
            pairs = zip(was["sequences"], row["sequences"], strict=True)
            cells.append(_interval(mean([_shown(now, key) - _shown(then, key) for then, now in pairs]), sign="+"))
        times = f"{was['p95_ms']:.1f} to {row['p95_ms']:.1f}" if "p95_ms" in was and "p95_ms" in row else ""
        lines.append([row["title"], *cells, times])
    return _markdown(lines)


def chart(results: Row, path: Path) -> None:
    """Writes quality and steadiness over latency as SVG, a panel for each; nothing where no model has both."""
    rows = [row for row in results["ways"].values() if row.get("sequences") and "p95_ms" in row]
    if rows:
        path.parent.mkdir(parents=True, exist_ok=True)
        note = "Bars are 95 % intervals over clips; a hollow dot is standout without its temporal filter."
        write_atomic(path, svg(*(_panel(rows, key) for key in COLUMNS), caption=note).encode(), overwrite=True)


def _panel(rows: list[Row], key: str) -> Chart:
    points = []
    for row in rows:
        one = mean([_shown(clip, key) for clip in row["sequences"]])
        name = row["title"].partition(" (")[0] if row["steady"] else ""
        dot = Dot(row["p95_ms"], one.mean, name, one.low, one.high, main=row["ours"], hollow=not row["steady"])
        points.append(dot)
    lows, highs = [point.low or 0.0 for point in points], [point.high or 0.0 for point in points]
    room = 0.08 * (max(highs) - min(lows))
    times = Axis(
        "P95 ms a frame of 1280x720, one core (logarithmic)", min(dot.x for dot in points) / 1.5,
        max(dot.x for dot in points) * 3, log=True,
    )  # fmt: skip
    return Chart(COLUMNS[key], times, Axis(COLUMNS[key], min(lows) - room, max(highs) + room), points=points)


def _shown(one: Row, key: str) -> float:
    """A clip's figure; the flow-warping error in thousandths."""
    return float(one[key]) * (1000 if key == "warping" else 1)


def _warping(rows: list[Row]) -> Mean:
    return mean([_shown(one, "warping") for one in rows])


def _cell(rows: list[Row], key: str) -> str:
    return _interval(mean([_shown(one, key) for one in rows])) if rows else ""


def _interval(one: Mean, *, sign: str = "") -> str:
    """A mean with its interval.

    >>> _interval(Mean(0.98, 0.975, 0.984, 9)), _interval(Mean(-0.01, -0.02, 0.0, 9), sign="+")
    ('0.980 (0.975 to 0.984)', '-0.010 (-0.020 to +0.000)')
    """
    middle, low, high = (format(value, f"{sign}.3f") for value in (one.mean, one.low, one.high))
    return f"{middle} ({low} to {high})"


def _markdown(lines: list[list[str]]) -> str:
    head, *rest = (f"| {' | '.join(cells)} |" for cells in lines)
    return "\n".join([head, "|" + "---|" * len(lines[0]), *rest])
