"""The figures that peers_whole.py measured, as a Markdown table and as a chart.

results   dict   as in benchmarks/results/peers_whole.json
"""

from __future__ import annotations

from typing import Any

REFERENCE = "standout-mobile"
"""The program against which the ratios are."""

JOBS = {
    "photo": "s a photo, 2 MP",
    "large": "s a photo, 12 MP",
    "folder": "photos a second, folder",
    "clip": "frames a second, 720p",
}
"""Job -> its column."""

Row = dict[str, Any]


def table(results: Row) -> str:
    """A row a program, with a caption."""
    lines = [["program", *JOBS.values(), "peak MB: photo, 12 MP, folder, clip", "installed MB"]]
    reference = results["programs"].get(REFERENCE, {})
    for row in results["programs"].values():
        title = f"**{row['title']}**" if row["ours"] else row["title"]
        cells = [_cell(row.get(job), reference.get(job), rate=job in ("folder", "clip")) for job in JOBS]
        peaks = [str(row[job]["peak"]) if job in row else "-" for job in JOBS]
        lines.append([title, *cells, ", ".join(peaks), f"{row['bytes'] / 1e6:.0f}"])
    rows = [f"| {' | '.join(line)} |" for line in lines]
    return "\n".join([rows[0], "|" + "---|" * len(lines[0]), *rows[1:], "", _caption(results)])


def _cell(one: Row | None, reference: Row | None, *, rate: bool) -> str:
    """Seconds, or pictures a second, and in brackets how many times as long as the reference a picture takes.

    >>> job = {"seconds": 4.0, "pictures": 20}
    >>> _cell(job, job | {"seconds": 2.0}, rate=True), _cell(job, None, rate=False), _cell(None, job, rate=True)
    ('5.0 (2.0)', '0.20', '-')
    """
    if one is None:
        return "-"
    each = one["seconds"] / one["pictures"]
    value = f"{1 / each:.1f}" if rate else f"{each:.2f}"
    return value if reference is None else f"{value} ({each / (reference['seconds'] / reference['pictures']):.1f})"


def _caption(results: Row) -> str:
    timing = results["timing"]
    counts = {row["clip"]["pictures"] for row in results["programs"].values() if "clip" in row}
    text = (
        f"In brackets, how many times as long as {REFERENCE} a picture takes in the same run. Each program has the "
        f"threads that it takes by default, on {timing['used']} cores of {timing['cores']}, {timing['cpu']}, "
        f"{timing['date']}; best of {timing['rounds']} rounds in turn, start-up included."
    )
    if len(counts) > 1:
        text += f" Slow programs got the first {', '.join(map(str, sorted(counts)[:-1]))} of {max(counts)} frames."
    left = [f"{name} ({reason})" for name, reason in (results["absent"] | results["failed"]).items()]
    return text + (f" Left out: {'; '.join(left)}." if left else "")
