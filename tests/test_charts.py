"""Charts of a report: limits and results lie where their numbers are, and what is drawn tells the numbers."""

import re
from itertools import pairwise
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import ImageFont

from inspect_tool.model import Chart, Series
from inspect_tool.paths import data_folder
from inspect_tool.report import charts
from inspect_tool.report.judged import Limit, OnAxis, Row, Stated, Strip

SVG = "{http://www.w3.org/2000/svg}"
FONT = ImageFont.truetype(str(data_folder("templates") / "fonts" / "LiberationSans-Regular.ttf"), 200)
ON = OnAxis(
    limits=(Limit(at=60.0, upper=True, words="≤ 60 %", guard=(58.0, 62.0)),),
    results=(Stated(value=46.0, low=45.0, high=47.0),),
)


def chart_of(kind, values, **more):
    """A chart over the values 40 to 50, or of them."""
    series = tuple(Series(name=f"series {i}", x=x, y=y) for i, (x, y) in enumerate(values))
    return Chart(kind=kind, title="t", x_label="x", y_label="y", series=series, **more)


FIELDS = chart_of("points", [((1.0, 2.0, 3.0), (44.0, 46.0, 48.0))])
BARS = chart_of("bars", [((0.0, 1.0, 2.0), (1.0, 46.0, 48.0))], categories=("a", "b", "c"))
COUNTS = chart_of("histogram", [((40.0, 45.0, 50.0, 55.0), (20.0, 30.0, 5.0))])
CURVE = chart_of("cumulative", [((40.0, 45.0, 50.0), (0.0, 50.0, 100.0))])


def drawn(chart, on=ON, size=(84.0, 56.0), language="en"):
    return ElementTree.fromstring(charts.chart_svg(chart, *size, language, on))


def words(picture):
    return [(one.text, float(one.get("x")), float(one.get("y")), one) for one in picture.iter(f"{SVG}text")]


def paths(picture, **wanted):
    found = [
        one
        for one in picture.iter(f"{SVG}path")
        if all(one.get(key.replace("_", "-")) == value for key, value in wanted.items())
    ]
    return [one.get("d") for one in found]


def place_of(picture, value, upright):
    """Where a value lies, by the numbers of its axis."""
    anchor, which = ("middle", 1) if upright else ("end", 2)
    known = [
        (float(one[0]), one[which])
        for one in words(picture)
        if one[3].get("text-anchor") == anchor and one[3].get("font-size") == "8.5" and re.fullmatch(r"[\d.]+", one[0])
    ]
    slope, start = np.polyfit(*zip(*known, strict=True), 1)
    return start + slope * value - (0 if upright else 0.73 * 8.5 / 2)  # of a base line to the middle of its number


def numbers(way):
    return [float(found) for found in re.findall(r"-?[\d.]+", way)]


@pytest.mark.parametrize("chart", [FIELDS, BARS, COUNTS, CURVE], ids=lambda chart: chart.kind)
def test_limit_guard_band_and_result_lie_where_the_numbers_of_the_axis_say(chart):
    picture, upright = drawn(chart), chart.kind in ("histogram", "cumulative")
    (limit,) = paths(picture, stroke=charts.LIMIT, stroke_width="1.4")
    at = numbers(limit)[0 if upright else 1]
    assert at == pytest.approx(place_of(picture, 60.0, upright), abs=0.06)
    result, *_ = (numbers(way) for way in paths(picture, fill=charts.RESULT))
    edges = (result[0], result[2]) if upright else (result[1], result[3])  # M x0 y0 H x1 V y1
    wanted = sorted(place_of(picture, value, upright) for value in (45.0, 47.0))
    assert sorted(edges) == pytest.approx(wanted, abs=0.06)
    hatching = numbers(paths(picture, stroke=charts.LIMIT, stroke_width="0.5")[0])[0 if upright else 1 :: 2]
    low, high = sorted(place_of(picture, value, upright) for value in (58.0, 62.0))
    assert low - 0.1 <= min(hatching) <= low + 4
    assert high - 4 <= max(hatching) <= high + 0.1


@pytest.mark.parametrize("chart", [FIELDS, BARS, COUNTS, CURVE], ids=lambda chart: chart.kind)
@pytest.mark.parametrize("size", [(84.0, 48.0), (56.0, 50.0)])
def test_a_limit_is_named_by_its_number_in_a_size_that_can_be_read(chart, size):
    said = words(drawn(chart, size=size))
    assert [one[0] for one in said].count("≤ 60 %") == 1
    assert {"result ± U", "guard band"} <= {one[0] for one in said}
    assert min(float(one[3].get("font-size")) for one in said) >= 7.0


def test_a_limit_far_beyond_the_classes_of_a_histogram_is_said_at_the_edge_and_not_drawn():
    far = OnAxis(limits=(Limit(at=500.0, upper=True, words="≤ 500 %", guard=(499.0, 501.0)),))
    picture = drawn(COUNTS, far)
    assert "≤ 500 %\N{NO-BREAK SPACE}→" in [one[0] for one in words(picture)]
    assert not paths(picture, stroke=charts.LIMIT)
    low = OnAxis(limits=(Limit(at=-900.0, upper=False, words="≥ −900"),))
    assert "≥ −900\N{NO-BREAK SPACE}↓" in [one[0] for one in words(drawn(FIELDS, low))]


def test_fewer_than_ten_counted_things_are_each_a_dot_in_its_class():
    few = chart_of("histogram", [((0.0, 1.0, 2.0, 3.0), (4.0, 0.0, 2.0)), ((0.0, 1.0, 2.0, 3.0), (1.0, 0.0, 2.0))])
    picture = drawn(few, OnAxis())
    dots = [numbers(way)[:2] for way in paths(picture, fill=charts.LINES[0][0])]  # begins at the left of the dot
    assert len(dots) == 6 + 1  # and one in the legend
    left = sorted({round(x, 1) for x, _ in dots[:6]})
    assert len(left) == 2  # none in the empty class
    assert left[0] + 2.5 == pytest.approx(place_of(picture, 0.5, True), abs=0.1)
    assert len([way for way in paths(picture, fill="white") if "h5v5" in way]) == 3 + 1
    many = chart_of("histogram", [((0.0, 1.0, 2.0), (6.0, 4.0))])
    shares = chart_of("histogram", [((0.0, 1.0, 2.0), (2.5, 4.0))])
    for chart in (many, shares):
        assert len(paths(drawn(chart, OnAxis()), fill=charts.FILLS[0])) == 1  # bars


def test_bars_stand_on_zero_only_where_it_is_near():
    near = chart_of("bars", [((0.0, 1.0), (1.0, 2.5))], categories=("1", "2"))
    far = chart_of("bars", [((0.0, 1.0), (46.0, 47.5))], categories=("1", "2"))
    below = chart_of("bars", [((0.0, 1.0), (-46.0, 47.5))], categories=("1", "2"))
    for chart, bars in ((near, 1), (far, 0), (below, 1)):
        picture = drawn(chart, OnAxis())
        assert len(paths(picture, fill=charts.FILLS[0])) == bars
        assert (len(paths(picture, fill=charts.LINES[0][0])) == 2) is not bool(bars)


@pytest.mark.parametrize("count", [4, 12, 24, 60])
@pytest.mark.parametrize("size", [(84.0, 48.0), (56.0, 50.0)])
def test_names_of_joints_do_not_collide(count, size):
    names = tuple(f"U7/{i % 3}/A{i}" for i in range(count))
    values = (tuple(map(float, range(count))), tuple(float(i % 7) for i in range(count)))
    said = words(drawn(chart_of("bars", [values], categories=names), OnAxis(), size))
    named = sorted((x, text, one) for text, x, _, one in said if text in names)
    assert len(named) == count if (count, size[0]) in ((4, 84.0), (12, 84.0), (24, 84.0), (4, 56.0)) else len(named) > 5
    for (x, text, one), (other_x, _, _) in pairwise(named):
        turn, font = re.match(r"rotate\(-(\d+)", one.get("transform") or ""), float(one.get("font-size"))
        needed = FONT.getlength(text) * font / 200 if turn is None else font * np.sin(np.radians(int(turn[1]))) ** -1
        assert other_x - x >= min(needed, 1e9) - 0.1


def test_numbers_over_bars_are_left_out_where_they_would_run_into_each_other():
    values = (tuple(map(float, range(12))), (*(100.0 + i for i in range(11)), 1.0))
    chart = chart_of("bars", [values], categories=tuple("abcdefghijkl"))
    shown = [{one[0] for one in words(drawn(chart, OnAxis(), size))} for size in ((120.0, 48.0), (40.0, 48.0))]
    assert {"101", "110"} <= shown[0]
    assert not {"101", "110"} & shown[1]


STRIP = Strip(
    title="Void share",
    unit="%",
    rows=(
        Row(name="U7", result=Stated(value=20.0, low=19.0, high=21.0), values=(18.0, 22.0),
            limits=(Limit(at=25.0, upper=True, words="≤ 25 %", guard=(24.0, 26.0)),)),
        Row(name="Q3", result=Stated(value=16.0, low=12.0, high=20.0),
            limits=(Limit(at=25.0, upper=True, words="≤ 25 %", guard=(21.0, 29.0)),)),
    ),
)  # fmt: skip


def test_a_strip_shows_every_specimen_with_its_fields_interval_and_own_guard_band():
    picture = ElementTree.fromstring(charts.strip_svg(STRIP))
    said = [one[0] for one in words(picture)]
    assert said.count("≤ 25 %") == 1
    assert {"U7", "Q3", "Void share [%]", "single fields", "result ± U", "guard band"} <= set(said)
    way = numbers(paths(picture, stroke=charts.LIMIT, stroke_width="1.4")[0])
    assert way[0] == pytest.approx(place_of(picture, 25.0, True), abs=0.06)
    fields = [numbers(way)[0] + 1.7 for way in paths(picture, fill="white") if "a1.7" in way]
    assert fields[:2] == pytest.approx([place_of(picture, value, True) for value in (18.0, 22.0)], abs=0.06)
    for hatching, (low, high) in zip(
        paths(picture, stroke=charts.LIMIT, stroke_width="0.5"), ((24.0, 26.0), (21.0, 29.0)), strict=False
    ):
        across = numbers(hatching)[::2]
        assert min(across) >= place_of(picture, low, True) - 0.1
        assert max(across) <= place_of(picture, high, True) + 0.1
