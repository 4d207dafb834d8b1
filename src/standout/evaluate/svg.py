"""Small line charts as SVG text, for a page that needs no other file and no plotting library.

lines   dict[str, list[tuple[float, float]]]   name -> points (x, y)
"""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence

WIDTH, HEIGHT = 460, 300
LEFT, RIGHT, TOP, BOTTOM = 52, 14, 28, 44
COLOURS = ("currentColor", "#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd", "#8c564b", "#e377c2", "#17becf")
"""The first line has the text's own colour, which a dark page turns light."""

Points = Sequence[tuple[float, float]]


def chart(
    lines: Mapping[str, Points],
    *,
    title: str,
    x: tuple[str, float, float],
    y: tuple[str, float, float],
    mark: float | None = None,
    dashed: frozenset[str] = frozenset(),
) -> str:
    """The chart. x, y: label, least and most of an axis. mark: x of a dotted upright. dashed: names of lines."""

    def at(point: tuple[float, float]) -> tuple[float, float]:
        across, up = ((value - low) / (high - low) for value, (_, low, high) in zip(point, (x, y), strict=True))
        return LEFT + across * (WIDTH - LEFT - RIGHT), HEIGHT - BOTTOM - min(1.0, max(0.0, up)) * (
            HEIGHT - TOP - BOTTOM
        )

    parts = [_text(LEFT, 16, title, bold=True)]
    for step in range(6):
        value_x, value_y = (low + step / 5 * (high - low) for _, low, high in (x, y))
        across, up = at((value_x, value_y))
        parts.append(f'<path class="grid" d="M{LEFT} {up:.1f}H{WIDTH - RIGHT}M{across:.1f} {TOP}V{HEIGHT - BOTTOM}"/>')
        parts.append(_text(LEFT - 6, up + 4, f"{value_y:.3g}", anchor="end"))
        parts.append(_text(across, HEIGHT - BOTTOM + 16, f"{value_x:.3g}", anchor="middle"))
    parts.append(_text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 8, x[0], anchor="middle"))
    parts.append(f'<g transform="rotate(-90 12 {HEIGHT / 2})">{_text(12, HEIGHT / 2, y[0], anchor="middle")}</g>')
    if mark is not None:
        across, _ = at((mark, y[1]))
        parts.append(f'<path class="mark" d="M{across:.1f} {TOP}V{HEIGHT - BOTTOM}"/>')
    for (name, points), colour in zip(lines.items(), COLOURS * (1 + len(lines) // len(COLOURS)), strict=False):
        path = " ".join(f"{across:.1f},{up:.1f}" for across, up in map(at, points))
        dash = ' stroke-dasharray="4 4"' if name in dashed else ""
        parts.append(f'<polyline points="{path}" stroke="{colour}" fill="none" stroke-width="1.8"{dash}/>')
    legend = "".join(
        f'<span style="color:{colour}">&#9644;</span> {html.escape(name)} '
        for name, colour in zip(lines, COLOURS * (1 + len(lines) // len(COLOURS)), strict=False)
    )
    drawn = f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{html.escape(title)}">{"".join(parts)}</svg>'
    return f'<figure class="chart">{drawn}<figcaption>{legend}</figcaption></figure>'


def _text(x: float, y: float, text: str, *, anchor: str = "start", bold: bool = False) -> str:
    weight = ' font-weight="600"' if bold else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{weight}>{html.escape(text)}</text>'
