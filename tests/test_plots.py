"""Plots: what is drawn lies where its value is, numbers are round, words stay in the picture and apart."""

import re
from itertools import pairwise
from math import inf, log10, nan
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ImageFont

from inspect_tool.paths import data_folder
from inspect_tool.report.plots import Axis, Bars, Curve, Line, Note, Plot, plot_svg

SVG = "{http://www.w3.org/2000/svg}"
FONT = ImageFont.truetype(str(data_folder("templates") / "fonts" / "LiberationSans-Regular.ttf"), 200)


def drawn(*marks, x=None, y=None, size=(84.0, 56.0), language="en"):
    return ElementTree.fromstring(plot_svg(Plot(marks=marks, x=x or Axis(), y=y or Axis()), *size, language))


def texts(picture):
    return [(one.text, float(one.get("x")), float(one.get("y")), one) for one in picture.iter(f"{SVG}text")]


def numbers(picture, anchor):
    """Numbers under the axis ("middle") or left of it ("end"), with their places across or down."""
    which = 1 if anchor == "middle" else 2
    found = [
        (one[0], one[which]) for one in texts(picture) if one[3].get("anchor", one[3].get("text-anchor")) == anchor
    ]
    return [(float(text.replace("\N{MINUS SIGN}", "-")), at) for text, at in found]


def points_of(picture, color):
    """Middles of the round markers of a color, (x, y)."""
    ways = [one.get("d") for one in picture.iter(f"{SVG}path") if one.get("fill") == color]
    starts = [re.match(r"M(\S+) (\S+?)a(\S+?) ", way) for way in ways]
    return np.array([(float(one[1]) + float(one[3]), float(one[2])) for one in starts])


@pytest.mark.parametrize(
    ("low", "high", "axis", "expected"),
    [
        (0.0, 10.0, Axis(margin=0.0), ["0", "2", "4", "6", "8", "10"]),
        (0.0, 1.1, Axis(margin=0.0), ["0.00", "0.25", "0.50", "0.75", "1.00"]),
        (-3.2, 3.2, Axis(margin=0.0), ["\N{MINUS SIGN}2", "0", "2"]),
        (1.0, 4.0, Axis(margin=0.03, intervals=6, whole=True), ["1", "2", "3", "4"]),
        (0.0, 15.0, Axis(margin=0.0, intervals=6, whole=True), ["0", "5", "10", "15"]),
        (1.0, 100.0, Axis(margin=0.0, log=True), ["1", "2", "5", "10", "20", "50", "100"]),
        (1.0, 1e5, Axis(margin=0.0, log=True), ["1", "10", "100", "1000", "10000", "100000"]),
        (30.0, 40.0, Axis(margin=0.0, log=True), ["30.0", "32.5", "35.0", "37.5", "40.0"]),
        (
            0.0,
            2e7,
            Axis(margin=0.0),
            ["0", "5\xa0000\xa0000", "10\xa0000\xa0000", "15\xa0000\xa0000", "20\xa0000\xa0000"],
        ),
    ],
)
def test_numbers_of_an_axis_are_round(low, high, axis, expected):
    picture = drawn(Curve(x=[low, high], y=[0.0, 1.0]), x=axis, size=(120.0, 60.0))
    assert [text for text, *_, one in texts(picture) if one.get("text-anchor") == "middle"] == expected


def test_a_point_lies_where_the_numbers_of_both_axes_say():
    rng = np.random.default_rng(1)
    x, y = rng.uniform(2, 9, 20), rng.uniform(-5, 40, 20)
    picture = drawn(Curve(x=x, y=y, marker="circle", fill="#123456"))
    places = points_of(picture, "#123456")
    for values, which, anchor in ((x, 0, "middle"), (y, 1, "end")):
        known = numbers(picture, anchor)
        slope, start = np.polyfit(*zip(*known, strict=True), 1)
        shift = 0 if which == 0 else places[:, 1].mean() - (start + slope * values).mean()  # of a text to its line
        assert np.allclose(places[:, which], start + slope * values + shift, atol=0.02)
        assert abs(shift) < 4


def test_equal_ratios_are_equal_lengths_on_a_logarithmic_axis():
    x = [1.0, 3.0, 9.0, 27.0, 81.0]
    places = points_of(drawn(Curve(x=x, y=x, marker="circle", fill="#123456"), x=Axis(log=True)), "#123456")
    assert np.allclose(np.diff(places[:, 0]), places[1, 0] - places[0, 0], atol=0.02)
    ends = numbers(drawn(Curve(x=x, y=x), x=Axis(log=True)), "middle")
    slopes = [(b[1] - a[1]) / log10(b[0] / a[0]) for a, b in pairwise(ends)]
    assert np.allclose(slopes, slopes[0], rtol=1e-3)


def test_bars_stand_on_zero_and_are_as_high_as_their_values():
    heights = [4.0, 1.0, -2.0, 0.0]
    bars = Bars(left=[0, 1, 2, 3], right=[0.8, 1.8, 2.8, 3.8], height=heights, fill="#123456")
    picture = drawn(bars, y=Axis(low=-2.0))
    (way,) = (one.get("d") for one in picture.iter(f"{SVG}path") if one.get("fill") == "#123456")
    boxes = [tuple(map(float, box)) for box in re.findall(r"M\S+ (\S+?)H\S+?V(\S+?)H", way)]
    assert len(boxes) == 3  # a bar of 0 is none
    zero = boxes[0][1]
    unit = (zero - boxes[0][0]) / 4
    truth = [(zero - 4 * unit, zero), (zero - unit, zero), (zero, zero + 2 * unit)]
    assert np.allclose(boxes, truth, atol=0.02)


@pytest.mark.parametrize("bad", [nan, inf, -inf, 1e308, -1e308])
def test_what_is_no_number_is_left_out(bad):
    y = [1.0, bad, 2.0]
    x = [bad, 2.0, 3.0]
    marks = (
        Curve(x=[1, 2, 3], y=y, width=1.0, marker="circle", fill="#123456", reach=[(1.0, bad)] * 3),
        Bars(left=[1, 2, 3], right=x, height=y, fill="red", labels=["a", "b", "c"]),
        Line(at=1.5),
    )
    for axis in (Axis(), Axis(log=True)):
        written = plot_svg(Plot(marks=marks, x=axis, y=Axis()), 84.0, 56.0)
        assert not re.search(r"\b(nan|inf)\b|e\+", written)
        assert len(points_of(ElementTree.fromstring(written), "#123456")) == 2


def extent(one):
    """Left, right, top and bottom of a text that is not turned."""
    text, x, y, element = one
    size = float(element.get("font-size"))
    length = FONT.getlength(text) * size / 200
    left = x - {"start": 0.0, "middle": length / 2, "end": length}[element.get("text-anchor")]
    return left, left + length, y - 0.73 * size, y + 0.21 * size


@given(
    values=st.lists(st.floats(-1e9, 1e9, allow_nan=False).map(lambda v: float(f"{v:.3g}")), min_size=1, max_size=8),
    scale=st.sampled_from([1e-7, 1e-3, 1.0, 1e4]),
    names=st.lists(st.text("aWi &<", min_size=1, max_size=24), max_size=6, unique=True),
    wide=st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_words_stay_in_the_picture_and_apart(values, scale, names, wide):
    y = [value * scale for value in values]
    long = "Diameter of the circle of the same projected area [µm]"
    named = Axis(label="x", names=list(enumerate(names))) if names else Axis(label=long, intervals=6)
    bars = Bars(left=range(len(y)), right=[i + 0.7 for i in range(len(y))], height=y, fill="red", name="A & B")
    marks = (
        bars,
        Curve(x=range(len(y)), y=y, width=1.0, name="<means>"),
        Line(at=0.5, upright=True, label="limit"),
        Note(words="mean", y=y[0]),
    )
    picture = drawn(
        *marks, x=named, y=Axis(label="Area of all that was found [µm²]"), size=(84.0 if wide else 60.0, 50.0)
    )
    width, height = (float(picture.get(key).removesuffix("pt")) for key in ("width", "height"))
    plain = [one for one in texts(picture) if one[3].get("transform") is None]
    for one in plain:
        left, right, top, bottom = extent(one)
        assert min(left, top) >= -0.5, one
        assert right <= width + 0.5, one
        assert bottom <= height + 0.5, one
    under = sorted(
        extent(one)[:2] for one in plain if one[3].get("text-anchor") == "middle" and one[0] not in named.label
    )
    assert all(a[1] < b[0] for a, b in pairwise(under))
    assert {"A & B", "<means>"} <= {text for text, *_ in texts(picture)}


def test_numbers_are_those_of_the_language():
    picture = drawn(Curve(x=[0.0, 1.0], y=[0.0, 1.0]), language="de")
    assert {"0,00", "0,25", "1,00"} <= {text for text, *_ in texts(picture)}
