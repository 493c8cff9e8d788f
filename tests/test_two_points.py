"""A pixel size from two points that a person placed, and how well the scale of an image stands."""

from datetime import date
from math import sqrt

import numpy as np
import pytest

from inspect_tool.errors import SettingsError
from inspect_tool.model import Calibration, Micrograph, ScaleSource
from inspect_tool.scale.standing import ON_BAR, standing
from inspect_tool.scale.two_points import two_points
from inspect_tool.synthetic.scale_bars import scale_bar

TODAY = date(2026, 6, 1)
GRAY = np.full((120, 400), 90, np.uint8)


def clicked(bar, errors):
    """Lines as a person places them at the ends of a drawn bar, so many pixels off."""
    (y1, x1), (y2, x2) = bar.ends
    return [(x1 + a, y1 + b, x2 + c, y2 + d) for a, b, c, d in errors]


@pytest.mark.parametrize("style", ["line with end ticks", "solid bar", "plain line"])
def test_the_exact_ends_of_a_drawn_bar_give_its_scale(style):
    bar = scale_bar(GRAY, pixel_um=0.25, length=50, style=style)
    found = two_points(clicked(bar, np.zeros((3, 4))), 50.0, tolerance_um=0.1)
    assert found.pixel_um == pytest.approx(50 / bar.length_px, rel=1e-12)
    assert found.lengths_px == pytest.approx([bar.length_px] * 3)


def test_the_truth_lies_within_the_stated_uncertainty_as_often_as_it_says():
    # ends drawn on whole pixels, the true end anywhere in its own; clicks that scatter; a length within its tolerance
    draw = np.random.default_rng(7)
    hits, times, true_px, true_um = 0, 400, 203.0, 100.0
    for _ in range(times):
        ends = draw.uniform(-0.5, 0.5, 2)
        stated_um = true_um + draw.uniform(-0.4, 0.4)
        lines = [(ends[0] + a, 0, true_px + ends[1] + b, 0) for a, b in draw.normal(0, 0.6, (3, 2))]
        found = two_points(lines, stated_um, tolerance_um=0.4)
        hits += abs(found.pixel_um / (true_um / true_px) - 1) <= found.expanded_rel
    assert hits / times >= 0.95


def test_the_budget_is_that_of_the_guide():
    found = two_points([(0, 0, 99, 0), (0, 0, 101, 0)], 10.0, tolerance_um=0.1, step_px=2.0)
    again, ends, length = found.budget
    assert again.u == pytest.approx(sqrt(2) / sqrt(2) / 100)  # s / sqrt(n), of the mean
    assert again.dof == 1
    assert ends.u == pytest.approx(sqrt(2) * 1.0 / sqrt(3) / 100, rel=1e-3)  # each to half a step of 2 px
    assert length.u == pytest.approx(0.01 / sqrt(3))
    assert found.u_rel == pytest.approx(sqrt(again.u**2 + ends.u**2 + length.u**2))
    k1, k = 12.7062, 1.959964  # Student factors of 1 and of infinitely many degrees of freedom
    assert found.expanded_rel == pytest.approx(sqrt((k1 * again.u) ** 2 + k**2 * (ends.u**2 + length.u**2)), rel=1e-4)


@pytest.mark.parametrize(
    ("lines", "length", "tolerance", "what"),
    [
        ([(0, 0, 100, 0)], 10.0, None, "1 placements of the two ends; place them 2 to 30 times"),
        ([(0, 0, 100, 0), (0, 0, 200, 0)], 10.0, None, r"the placements are 100\.0, 200\.0 px long"),
        ([(0, 0, 0, 0)] * 2, 10.0, None, "its ends lie 0 px apart"),
        ([(0, 0, float("nan"), 0)] * 2, 10.0, None, "its ends lie nan px apart"),
        ([(0, 0, 100, 0)] * 2, -1.0, None, "no microscope has that"),
        ([(0, 0, 100, 0)] * 2, 10.0, 10.0, "the tolerance is 10 um; it lies between 0 and the length"),
    ],
)
def test_what_cannot_be_meant_is_refused(lines, length, tolerance, what):
    with pytest.raises(SettingsError, match=what):
        two_points(lines, length, tolerance_um=tolerance)


# ------------------------------------------------------------------------------------------------------------ standing


def image(pixel_um=None, **meta):
    return Micrograph(
        pixels=GRAY, calibration=Calibration(pixel_um=pixel_um, source="file metadata", note="TIFF tag"), meta=meta
    )


def bar(pixel_um):
    return ScaleSource(kind="scale bar", pixel_um=pixel_um, u_rel=0.003)


HAND = Calibration(pixel_um=0.502, u_rel=0.003, source=f"calibration file a.toml: {ON_BAR}", file="a.toml")
OF_INSTRUMENT = Calibration(pixel_um=0.5, u_rel=0.002, source="calibration file b.toml", file="b.toml")
CERTIFIED = Calibration(
    pixel_um=0.5, u_rel=0.002, source="b.toml", file="b.toml", certificate="K-17", valid_until=date(2027, 1, 1)
)
ENDED = Calibration(
    pixel_um=0.5, u_rel=0.002, source="b.toml", file="b.toml", certificate="K-16", valid_until=date(2026, 1, 1)
)


@pytest.mark.parametrize(
    ("micrograph", "of_bar", "stated", "color", "reason"),
    [
        (image(), None, [], "red", "TIFF tag"),
        (image(0.5), None, [], "amber", "0.5 µm per pixel: the file alone; nothing confirms it"),
        (image(), bar(0.5), [], "amber", "0.5 µm per pixel: the scale bar alone; nothing confirms it"),
        (image(0.5), bar(0.504), [], "green", "the file and the scale bar agree within 0.8 %"),
        (image(0.5), bar(0.25), [], "red", "0.25 µm per pixel"),
        (image(), bar(0.5), [HAND], "amber", "rest on the same bar"),
        (image(0.5), None, [HAND], "green", "the bar by hand and the file agree within 0.4 %"),
        (image(0.4), bar(0.5), [HAND], "red", "0.4 µm per pixel"),
        (image(), None, [HAND, OF_INSTRUMENT], "green", "agree within 0.4 %"),
        (image(), None, [OF_INSTRUMENT], "amber", "nothing confirms it"),
        (image(), None, [CERTIFIED], "green", "certificate K-17, valid until 2027-01-01"),
        (image(0.6), None, [CERTIFIED], "red", "0.6 µm per pixel"),
        (image(), None, [ENDED], "amber", "its certificate K-16 ended on 2026-01-01"),
        (image(pixel_aspect="the pixels are not square"), bar(0.5), [], "red", "the pixels are not square"),
    ],
)
def test_the_color_says_whether_two_agree_one_is_alone_or_they_disagree(micrograph, of_bar, stated, color, reason):
    found = standing(micrograph, of_bar, stated, TODAY)
    assert (found.color, reason in found.reason) == (color, True), found
    assert (found.pixel_um is None) == (color == "red")


def test_a_calibration_of_another_image_size_is_red_with_both_sizes():
    other = Calibration(pixel_um=0.5, source="b.toml", file="b.toml", image_px=(768, 1024))
    found = standing(image(0.5), None, [other], TODAY)
    assert found.color == "red"
    assert "the image is 400 x 120 px, b.toml was made at 1024 x 768 px" in found.reason


def test_a_bar_that_was_seen_and_not_read_is_told():
    found = standing(image(0.5), None, [], TODAY, unread="its label cannot be read")
    assert found.reason.endswith("nothing confirms it; a bar was seen and not read: its label cannot be read")
