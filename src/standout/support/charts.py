"""Small charts as SVG text, which need no plotting library and no other file: lines, points with intervals, legends.

chart    Chart   a panel: axes, lines, points
svg      str     one or more panels side by side, as a file of its own or as part of an HTML page

To draw something else: a dataclass like Line, and a function like _line that returns its SVG elements.
"""

from __future__ import annotations

import html
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from standout.errors import InputError

WIDTH, HEIGHT = 460, 300
"""Of a panel without its legend, in pixels."""

LEFT, RIGHT, TOP, BOTTOM = 56, 14, 28, 44
"""Margins of a panel around the area that is plotted, in pixels."""

COLORS = ("#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd", "#8c564b", "#e377c2", "#7f7f7f", "#17becf")
INK, PAPER = "#222222", "#ffffff"
LETTER = 6.1
"""Average width of a letter at FONT pixels; a little too much, so that labels keep apart."""
FONT = 11

STYLE = (
    "@media (prefers-color-scheme: dark) { .chart .ink { fill: #dddddd } .chart .stroke { stroke: #dddddd } "
    ".chart .paper { fill: #181818 } .chart .halo { stroke: #181818 } }"
)
"""What turns the charts light on dark where the reader's system asks for it; everything else is in attributes."""


@dataclass(frozen=True)
class Axis:
    """A label and a range. log: logarithmic, with both ends above 0. whole: ticks at whole numbers alone."""

    label: str
    low: float
    high: float
    log: bool = False
    whole: bool = False

    def place(self, value: float) -> float:
        """Where value lies between low (0) and high (1); below 0 or above 1 outside of them.

        >>> Axis("", 0, 10).place(2.5), Axis("", 1, 100, log=True).place(10), Axis("", 0, 1).place(7)
        (0.25, 0.5, 7.0)
        """
        low, high, at = (math.log(max(one, 1e-300)) if self.log else one for one in (self.low, self.high, value))
        return (at - low) / (high - low) if high > low else 0.5

    def ticks(self) -> list[float]:
        """Round numbers within the range, about five.

        >>> Axis("", 0, 1).ticks(), Axis("", 1, 3, whole=True).ticks(), Axis("", 0.001, 0.2, log=True).ticks()
        ([0.0, 0.2, 0.4, 0.6, 0.8, 1.0], [1, 2, 3], [0.001, 0.01, 0.1])
        """
        if self.log:
            return self._log_ticks()
        rough = (self.high - self.low) / 5 or 1.0
        unit = 10 ** math.floor(math.log10(rough))
        step = next(factor * unit for factor in (1, 2, 5, 10) if factor * unit >= rough * 0.999)
        step = max(1, round(step)) if self.whole else step
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        return [n * step if self.whole else round(n * step, 12) for n in range(first, last + 1)]

    def _log_ticks(self) -> list[float]:
        powers = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
        factors = (1, 2, 5) if math.log10(self.high / self.low) < 2 else (1,)
        every = [float(f"{factor}e{power}") for power in powers for factor in factors]
        found = [one for one in every if self.low * 0.999 <= one <= self.high * 1.001]
        return found[:: 1 + len(found) // 9]


@dataclass(frozen=True)
class Line:
    """Points (x, y) joined by a line. name: for the legend, "" leaves it out. main: drawn bold, in the text's color."""

    points: Sequence[tuple[float, float]]
    name: str = ""
    main: bool = False
    dashed: bool = False


@dataclass(frozen=True)
class Dot:
    """A labeled dot with an interval from low to high of y. main: green, else gray. hollow: a ring."""

    x: float
    y: float
    name: str = ""
    low: float | None = None
    high: float | None = None
    main: bool = False
    hollow: bool = False


@dataclass(frozen=True)
class Chart:
    """A panel. mark: an x at which a dotted line stands upright."""

    title: str
    x: Axis
    y: Axis
    lines: Sequence[Line] = ()
    points: Sequence[Dot] = ()
    mark: float | None = None

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Where a point is drawn, in pixels from the panel's upper left corner."""
        return (
            LEFT + self.x.place(x) * (WIDTH - LEFT - RIGHT),
            HEIGHT - BOTTOM - self.y.place(y) * (HEIGHT - TOP - BOTTOM),
        )


def check_suffix(path: Path) -> None:
    """Raises InputError where path is not named as an SVG file."""
    if path.suffix.lower() != ".svg":
        raise InputError(f"{path}: charts are SVG files; give a name that ends in .svg, such as {path.stem}.svg")


def svg(*charts: Chart, caption: str = "", inline: bool = False) -> str:
    """The charts side by side, with a caption below them.

    inline: as part of an HTML page, which names no XML namespace, instead of a file of its own.
    """
    legends = [_legend(chart) for chart in charts]
    below = max((height for _, height in legends), default=0)
    width, height = WIDTH * len(charts), HEIGHT + below + (22 if caption else 0)
    parts = [f"<style>{STYLE}</style>", f'<rect class="paper" width="{width}" height="{height}" fill="{PAPER}"/>']
    for n, (chart, (legend, _)) in enumerate(zip(charts, legends, strict=True)):
        drawn = [*_frame(chart), *_lines(chart), *_points(chart), *legend]
        parts.append(f'<g transform="translate({n * WIDTH} 0)">{"".join(drawn)}</g>')
    if caption:
        parts.append(_text(width / 2, height - 8, caption, anchor="middle"))
    space = "" if inline else ' xmlns="http://www.w3.org/2000/svg"'
    named = html.escape("; ".join(chart.title for chart in charts))
    return (
        f'<svg class="chart"{space} viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" role="img" aria-label="{named}" font-family="system-ui, sans-serif" font-size="{FONT}">'
        f"{''.join(parts)}</svg>"
    )


def _frame(chart: Chart) -> Iterator[str]:
    """Title, grid, ticks, labels and mark."""
    yield _text(LEFT, 16, chart.title, bold=True)
    right, bottom = WIDTH - RIGHT, HEIGHT - BOTTOM
    grid = 'stroke="#888888" stroke-opacity=".3" fill="none"'
    for tick in chart.x.ticks():
        across, _ = chart.at(tick, chart.y.low)
        yield f'<path {grid} d="M{across:.1f} {TOP}V{bottom}"/>' + _text(across, bottom + 16, _number(tick), "middle")
    for tick in chart.y.ticks():
        _, up = chart.at(chart.x.low, tick)
        yield f'<path {grid} d="M{LEFT} {up:.1f}H{right}"/>' + _text(LEFT - 6, up + 4, _number(tick), "end")
    yield _text((LEFT + right) / 2, HEIGHT - 8, chart.x.label, "middle")
    middle = (TOP + bottom) / 2
    yield f'<g transform="rotate(-90 12 {middle})">{_text(12, middle, chart.y.label, "middle")}</g>'
    if chart.mark is not None:
        across, _ = chart.at(chart.mark, chart.y.low)
        yield f'<path class="stroke" d="M{across:.1f} {TOP}V{bottom}" stroke="{INK}" stroke-dasharray="2 4"/>'


def _colors(chart: Chart) -> list[str]:
    """The color of each line; a main line has the text's."""
    others = iter(COLORS * (1 + len(chart.lines) // len(COLORS)))
    return [INK if line.main else next(others) for line in chart.lines]


def _stroke(line: Line, color: str) -> str:
    dash = ' stroke-dasharray="4 4"' if line.dashed else ""
    ink = ' class="stroke"' if line.main else ""
    return f'{ink} stroke="{color}" fill="none" stroke-width="{2.4 if line.main else 1.4}"{dash}'


def _lines(chart: Chart) -> Iterator[str]:
    """The lines, main ones on top; a line of one point is a dot. Points that are not finite are left out."""
    drawn = sorted(zip(chart.lines, _colors(chart), strict=True), key=lambda pair: pair[0].main)
    for line, color in drawn:
        points = [chart.at(x, y) for x, y in line.points if math.isfinite(x) and math.isfinite(y)]
        if len(points) == 1 and TOP <= points[0][1] <= HEIGHT - BOTTOM:
            ink = ' class="ink"' if line.main else ""
            yield f'<circle{ink} cx="{points[0][0]:.1f}" cy="{points[0][1]:.1f}" r="3.5" fill="{color}"/>'
            continue
        for run in _inside(points):
            path = " ".join(f"{across:.1f},{up:.1f}" for across, up in run)
            yield f'<polyline points="{path}"{_stroke(line, color)}/>'


def _inside(points: Sequence[tuple[float, float]]) -> list[list[tuple[float, float]]]:
    """The parts of a line, in pixels, that lie between the top and the bottom of the plotted area.

    >>> _inside([(60, 100), (80, 100), (100, HEIGHT), (120, HEIGHT)])
    [[(60, 100), (80, 100), (95.6, 256.0)]]
    """
    runs: list[list[tuple[float, float]]] = []
    for (x0, y0), (x1, y1) in pairwise(points):
        ends = [0.0, 1.0]  # where the segment enters and leaves, as shares of it
        for start, move in ((y0 - TOP, y1 - y0), (HEIGHT - BOTTOM - y0, y0 - y1)):
            if move:
                end = 1 if move < 0 else 0
                ends[end] = (min if end else max)(ends[end], -start / move)
            elif start < 0:
                ends = [1.0, 0.0]
        if ends[0] > ends[1]:
            continue
        first, last = ((x0 + at * (x1 - x0), y0 + at * (y1 - y0)) if 0 < at < 1 else None for at in ends)
        first, last = first or (x0, y0), last or (x1, y1)
        if runs and runs[-1][-1] == first:
            runs[-1].append(last)
        else:
            runs.append([first, last])
    return runs


def _legend(chart: Chart) -> tuple[list[str], int]:
    """The names of the lines beside a piece of each, in rows below the panel, and the height of the rows."""
    parts: list[str] = []
    across, row = float(LEFT), 0
    for line, color in zip(chart.lines, _colors(chart), strict=True):
        if not line.name:
            continue
        width = 34 + LETTER * len(line.name)
        if across + width > WIDTH and across > LEFT:
            across, row = float(LEFT), row + 1
        up = HEIGHT + 8 + 18 * row
        parts.append(f'<path d="M{across:.1f} {up}h18"{_stroke(line, color)}/>')
        parts.append(_text(across + 23, up + 4, line.name))
        across += width
    return parts, 18 * (row + 1) + 6 if parts else 0


def _points(chart: Chart) -> Iterator[str]:
    """Intervals, dots, and each dot's name where it covers nothing, with a line to the dot where it is far off."""
    placed = [(point, *chart.at(point.x, point.y)) for point in chart.points]
    taken = [(x - 6, y - 6, x + 6, y + 6) for _, x, y in placed]
    for point, x, y in placed:
        color = COLORS[2] if point.main else "#777777"
        if point.low is not None and point.high is not None:
            low, high = (chart.at(point.x, end)[1] for end in (point.low, point.high))
            yield f'<path d="M{x:.1f} {low:.1f}V{high:.1f}" stroke="{color}" stroke-opacity=".4" stroke-width="2"/>'
        fill = f'class="paper" fill="{PAPER}"' if point.hollow else f'fill="{color}"'
        yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" {fill} stroke="{color}" stroke-width="1.5"/>'
    for point, x, y in placed:
        box, leader = _spot(x, y, LETTER * len(point.name), taken)
        taken.append(box)
        if leader:
            end = box[0] if box[0] > x else box[2]
            yield f'<path d="M{x:.1f} {y:.1f}L{end:.1f} {(box[1] + box[3]) / 2:.1f}" stroke="#aaaaaa"/>'
        yield _label(box[0] + 2, box[3] - 3, point)


Box = tuple[float, float, float, float]
"""Left, top, right, bottom, in pixels."""


def _spot(x: float, y: float, width: float, taken: Sequence[Box]) -> tuple[Box, bool]:
    """A free box for a name beside a dot, and whether it is so far off that it needs a line to the dot.

    Where no place is free, the name covers something beside the dot.
    """
    offsets = [
        (side * across, up)
        for across, ups in (
            (7, (0, 8, -8)),
            (2, (14, -14, 24, -24)),
            (16, (24, -24, 40, -40, 56, -56, 72, -72, 90, -90)),
        )
        for up in ups
        for side in (1, -1)
    ]
    for across, up in offsets:
        left = x + across if across > 0 else x + across - width - 4
        box = (left, y + up - 7, left + width + 4, y + up + 7)
        inside = box[0] > LEFT and box[2] < WIDTH - 2 and box[1] > TOP and box[3] < HEIGHT - BOTTOM
        if inside and not any(_overlap(box, other) for other in taken):
            return box, abs(up) > 14
    return (x + 7, y - 7, x + 11 + width, y + 7), False


def _overlap(one: Box, two: Box) -> bool:
    return one[0] < two[2] and two[0] < one[2] and one[1] < two[3] and two[1] < one[3]


def _number(value: float) -> str:
    """A tick's label.

    >>> _number(0.30000000000000004), _number(1e-5), _number(2000.0), _number(3)
    ('0.3', '1e-5', '2000', '3')
    """
    if value and not 1e-3 <= abs(value) < 1e5:
        digits, _, power = f"{value:.3g}".partition("e")
        return f"{digits}e{int(power)}" if power else digits
    return f"{value:.6g}"


def _text(x: float, y: float, text: str, anchor: str = "start", *, bold: bool = False) -> str:
    weight = ' font-weight="600"' if bold else ""
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"'
    return f'<text class="ink" {place} fill="{INK}"{weight}>{html.escape(text)}</text>'


def _label(x: float, y: float, point: Dot) -> str:
    """The name of a dot, in its color, with a halo that keeps it readable on lines."""
    fill = f'fill="{COLORS[2]}"' if point.main else f'class="ink" fill="{INK}"'
    name = f"<tspan {fill}>{html.escape(point.name)}</tspan>"
    halo = f'class="halo" stroke="{PAPER}" stroke-width="3" paint-order="stroke"'
    return f'<text {halo} x="{x:.1f}" y="{y:.1f}">{name}</text>'
