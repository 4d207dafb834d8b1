"""The charts, read back from their SVG text."""

from __future__ import annotations

import math
from itertools import combinations
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from standout.errors import InputError
from standout.support.charts import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, Axis, Chart, Dot, Line, check_suffix, svg

SVG = "{http://www.w3.org/2000/svg}"
UNIT = Axis("share", 0, 1)


def points_of(drawn: str) -> list[list[tuple[float, float]]]:
    """The points of each polyline."""
    found = ElementTree.fromstring(drawn).iter(f"{SVG}polyline")
    return [[tuple(map(float, pair.split(","))) for pair in one.get("points", "").split()] for one in found]  # type: ignore[misc]


def texts_of(drawn: str) -> list[str]:
    return [one.text or "" for one in ElementTree.fromstring(drawn).iter(f"{SVG}text")]


def test_points_lie_where_the_axes_say() -> None:
    chart = Chart("t", Axis("rate", 1, 100, log=True), UNIT, [Line([(1, 0), (10, 0.5), (100, 1)], "a")])
    [points] = points_of(svg(chart))
    middle = (LEFT + WIDTH - RIGHT) / 2
    assert points == [(LEFT, HEIGHT - BOTTOM), (middle, (TOP + HEIGHT - BOTTOM) / 2), (WIDTH - RIGHT, TOP)]
    assert {"t", "rate", "share", "a", "1", "10", "100", "0", "0.4"} <= set(texts_of(svg(chart)))


def test_a_line_that_leaves_the_plot_ends_at_its_edge_and_comes_back() -> None:
    line = Line([(0, 0.5), (0.2, 2.5), (0.4, 0.5), (0.6, -1.5), (0.8, 0.5), (0.9, math.nan), (1, 0.5)])
    runs = points_of(svg(Chart("", UNIT, UNIT, [line])))
    assert len(runs) == 3
    assert all(TOP <= up <= HEIGHT - BOTTOM for run in runs for _, up in run)
    assert runs[0][-1][1] == TOP and runs[1][0][1] == TOP and runs[1][-1][1] == HEIGHT - BOTTOM
    as_numpy = Line([(np.float64(x), np.float64(y)) for x, y in line.points])
    assert points_of(svg(Chart("", UNIT, UNIT, [as_numpy]))) == runs, "as means of numpy give them"
    outside = Chart("", UNIT, UNIT, [Line([(0, 2), (1, 3)]), Line([(0.5, 7)])])
    assert points_of(svg(outside)) == [] and "<circle" not in svg(outside)


def test_numbers_of_numpy_draw_the_same_line() -> None:
    points = [(0.0, 0.5), (0.2, 2.0), (0.5, 0.25), (0.7, -1.0), (1.0, 0.75)]
    theirs = [(np.float64(x), np.float64(y)) for x, y in points]
    assert svg(Chart("", UNIT, UNIT, [Line(theirs)])) == svg(Chart("", UNIT, UNIT, [Line(points)]))


def test_names_of_dots_keep_apart_and_inside() -> None:
    """Ten dots close together, with names of the lengths that models have."""
    dots = [Dot(0.45 + n / 100, 0.5, f"a model of the name {n}", 0.4, 0.6, main=n % 2 == 0) for n in range(10)]
    drawn = ElementTree.fromstring(svg(Chart("", UNIT, UNIT, points=dots)))
    names = [one for one in drawn.iter(f"{SVG}text") if one.find(f"{SVG}tspan") is not None]
    places = [(float(one.get("x", "")), float(one.get("y", ""))) for one in names]
    width = 6 * len("a model of the name 0")
    assert len(places) == 10
    for (x0, y0), (x1, y1) in combinations(places, 2):
        assert abs(x0 - x1) >= width or abs(y0 - y1) >= 11
    assert all(x > LEFT and x + width < WIDTH and TOP < y < HEIGHT - BOTTOM for x, y in places)


def test_what_comes_from_outside_is_text_and_panels_stand_side_by_side() -> None:
    chart = Chart("<b> & co", UNIT, UNIT, [Line([(0, 0), (1, 1)], "<script>alert(1)</script>")])
    drawn = svg(chart, chart, caption="1 < 2")
    root = ElementTree.fromstring(drawn)
    assert root.get("viewBox", "").startswith(f"0 0 {2 * WIDTH} ")
    assert not list(root.iter(f"{SVG}script")) and "<script>" not in drawn
    assert {"<b> & co", "<script>alert(1)</script>", "1 < 2"} <= set(texts_of(drawn))


@pytest.mark.parametrize("axis", [Axis("", 0, 1), Axis("", 3, 3.0001), Axis("", -5, 7e6), Axis("", 1, 50, whole=True)])
def test_ticks_are_few_and_inside(axis: Axis) -> None:
    ticks = axis.ticks()
    assert 3 <= len(ticks) <= 8
    assert all(axis.low <= one * (1 + 1e-9) and one <= axis.high * (1 + 1e-9) for one in ticks)
    assert ticks == sorted(set(ticks))


def test_a_flat_range_is_drawn_in_the_middle() -> None:
    [[(_, up), _]] = points_of(svg(Chart("", UNIT, Axis("", 2, 2), [Line([(0, 2), (1, 2)])])))
    assert up == (TOP + HEIGHT - BOTTOM) / 2


def test_only_names_of_svg_files_will_do() -> None:
    check_suffix(Path("a.SVG"))
    with pytest.raises(InputError, match=r"a\.png: charts are SVG files; give a name .* such as a\.svg"):
        check_suffix(Path("a.png"))
