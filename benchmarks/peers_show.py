"""The figures that peers.py measured, as Markdown tables and as a chart.

results   dict   as in benchmarks/results/peers.json
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from standout.support.atomic import write_atomic
from standout.support.charts import Axis, Chart, Dot, svg

GROUPS = {"portraits": ("picsart", "eg1800"), "fashion": ("ccp",), "scenes": ("voc", "coco", "cocoval")}
"""Columns and panels, of which sources."""

DEFAULT = "standout-mobile"
Row = dict[str, Any]


def table(results: Row, *, details: bool = False) -> str:
    """Markdown: a row a model, with a caption; or the details, intervals by source and differences to standout."""
    rows = ordered(results)
    parts = [_details(rows), _groups(rows), _differences(rows)] if details else [_overview(rows), _caption(results)]
    return "\n\n".join(part for part in parts if part)


def ordered(results: Row) -> list[Row]:
    """The models' rows: standout's first, then by time."""
    return sorted(results["peers"].values(), key=lambda row: (not row["ours"], _ms(row) or float("inf")))


def _ms(row: Row) -> float | None:
    """Milliseconds for a photo."""
    speed = row.get("speed")
    return float(speed["photo_ms"]) if speed else None


def _mean(row: Row, kind: str, key: str = "dice") -> Row | None:
    """Mean and interval of a source or group."""
    found: Row | None = row.get("quality", {}).get("means", {}).get(kind, {}).get(key)
    return found


def _overview(rows: list[Row]) -> str:
    head = ["model", "finds", "MB", "network ms", "photo ms", *GROUPS, "nobody there", "license"]
    lines = []
    for row in rows:
        speed = row.get("speed") or {}
        means = [_mean(row, kind) for kind in GROUPS]
        nobody = row.get("quality", {}).get("nobody")
        title = f"**{row['title']}**" if row["ours"] else row["title"]
        lines.append([
            title, row["finds"], _megabytes(row["megabytes"]),
            *(_number(speed[key]) if speed else "" for key in ("network_ms", "photo_ms")),
            *(f"{one['mean']:.3f}" if one else "" for one in means),
            f"{nobody['mean']:.1%}".replace("%", " %") if nobody else "", row["license"],
        ])  # fmt: skip
    return _markdown(head, lines)


def brief(results: Row, names: list[str]) -> str:
    """Markdown of four columns: these models, in this order, with their time and their Dice."""
    lines = []
    for row in (results["peers"][name] for name in names):
        means = [_mean(row, kind) for kind in ("portraits", "scenes")]
        title = f"**{row['title']}**" if row["ours"] else row["title"]
        lines.append([title, _number(row["speed"]["photo_ms"]), *(f"{one['mean']:.3f}" for one in means if one)])
    return _markdown(["model", "ms a photo", "Dice, portraits", "Dice, general scenes"], lines)


def _details(rows: list[Row]) -> str:
    sources = sorted({kind for row in rows for kind in row.get("quality", {}).get("means", {})} - set(GROUPS))
    kinds = [source for group in GROUPS.values() for source in group if source in sources]
    kinds += [source for source in sources if source not in kinds]
    lines = []
    for row in rows:
        if "quality" not in row:
            continue
        for key, what in (("dice", "Dice"), ("boundary_f", "boundary F")):
            cells = [_interval(one) if (one := _mean(row, kind, key)) else "" for kind in kinds]
            nobody = row["quality"]["nobody"]
            cells.append(_interval(nobody, percent=True) if nobody and key == "dice" else "")
            lines.append([row["title"] if key == "dice" else "", what, *cells])
    return _markdown(["model", "", *(f"`{kind}`" for kind in kinds), "nobody there"], lines)


def _groups(rows: list[Row]) -> str:
    """Every model's means over the groups of the overview, with their intervals."""
    lines = []
    for row in rows:
        for key, what in (("dice", "Dice"), ("boundary_f", "boundary F")):
            found = [_mean(row, kind, key) for kind in GROUPS]
            if any(found):
                cells = [_interval(one) if one else "" for one in found]
                lines.append([row["title"] if key == "dice" else "", what, *cells])
    return _markdown(["model", "", *GROUPS], lines)


def _markdown(head: list[str], lines: list[list[str]]) -> str:
    rows = [f"| {' | '.join(row)} |" for row in (head, *lines)]
    return "\n".join([rows[0], "|" + "---|" * len(head), *rows[1:]])


def _number(value: float) -> str:
    """Three digits, no more.

    >>> _number(4.218), _number(52.31), _number(3120.4)
    ('4.2', '52', '3120')
    """
    return f"{value:.1f}" if value < 10 else f"{value:.0f}"


def _megabytes(value: float) -> str:
    return f"{value:.2f}" if value < 1 else f"{value:.1f}" if value < 10 else f"{value:.0f}"


def _interval(one: Row, *, percent: bool = False, sign: str = "") -> str:
    """A mean with its interval."""
    scale, form, unit = (100, f"{sign}.1f", " %") if percent else (1, f"{sign}.4f" if sign else ".3f", "")
    low, middle, high = (format(one[key] * scale, form) for key in ("low", "mean", "high"))
    return f"{middle}{unit} ({low} to {high})"


def _differences(rows: list[Row]) -> str:
    """Every model's scores less those of standout-mobile on the same photos."""
    lines = []
    for row in rows:
        apart = row.get("quality", {}).get("less_ours", {})
        for key, what in (("dice", "Dice"), ("boundary_f", "boundary F")):
            found = [apart.get(kind, {}).get(key) for kind in GROUPS]
            if any(found):
                cells = [_interval(one, sign="+") if one else "" for one in found]
                lines.append([row["title"] if key == "dice" else "", what, *cells])
    return _markdown([f"less {DEFAULT}", "", *GROUPS], lines) if lines else ""


def _caption(results: Row) -> str:
    sources, timing = results["photos"]["sources"], results.get("timing")
    photos = ", ".join(
        f"{kind} ({', '.join(f'`{s}` {sources[s]}' for s in own if s in sources)})"
        for kind, own in GROUPS.items()
        if any(source in sources for source in own)
    )
    text = (
        f'Mean per-photo Dice at the photo\'s own size on the validation photos: {photos}; "nobody there" is the '
        f"share of {sources.get('empty', 0)} photos without people that is called person. Each model has its own "
        "preparation and enlarging, and threshold 0.5."
    )
    if any(row["finds"] != "people" for row in results["peers"].values()):
        text += (
            " U2-Net and ISNet are not person models: they mark whatever stands out, people or not, as the figures "
            'for "nobody there" show; the package of U2-Net stretches each mask until something is marked.'
        )
    if "deeplab" in results["peers"]:
        text += (
            " DeepLab learned from PASCAL VOC and COCO, so some of these very scenes may be among its training photos."
        )
    if timing:
        text += (
            f" Times: one thread on one core of {timing['cores']}, {timing['cpu']}, {timing['date']}, medians of "
            f'{timing["rounds"]} rounds in turn over {timing["photos"]} photos, one of each source. "photo ms" leads '
            'from the decoded photo to the mask at its size, "network ms" is the model alone; with test-time '
            "augmentation (TTA), standout calls it twice, the second time on the mirrored and mostly larger photo."
        )
        text += " OpenVINO computes in bfloat16 here, the others in float32." if timing["bfloat16"] else ""
    return text


def chart(results: Row, path: Path) -> None:
    """Writes Dice over milliseconds for a photo as SVG, a panel for each group; nothing where no model has both."""
    rows = [row for row in ordered(results) if _ms(row) and "quality" in row]
    panels = [_panel(rows, kind) for kind in GROUPS if any(_mean(row, kind) for row in rows)]
    if panels:
        path.parent.mkdir(parents=True, exist_ok=True)
        note = "Bars are 95 % intervals; a hollow dot is a model that marks any object, people or not."
        write_atomic(path, svg(*panels, caption=note).encode(), overwrite=True)


def _panel(rows: list[Row], kind: str) -> Chart:
    points = [
        Dot(
            x=_ms(row) or 0.0,
            y=one["mean"],
            name=row["title"].split(" (")[0],
            low=one["low"],
            high=one["high"],
            main=row["ours"],
            hollow=row["finds"] != "people",
        )
        for row in rows
        if (one := _mean(row, kind))
    ]
    lows, highs = [point.low or 0.0 for point in points], [point.high or 0.0 for point in points]
    room = 0.08 * (max(highs) - min(lows)) + 0.002
    times = Axis(
        "ms for a photo, one thread (logarithmic)",
        min(point.x for point in points) / 2,
        max(point.x for point in points) * 2.5,
        log=True,
    )
    dice = Axis("mean Dice", min(lows) - room, max(highs) + room)
    return Chart(f"{kind} ({', '.join(GROUPS[kind])})", times, dice, points=points)
