"""Lines through a field, drawn at known places: what is found of them, and what is not taken for them."""

import numpy as np
import pytest
from drawn_fields import mosaic
from drawn_structures import cut_gaussian

from inspect_tool.measure.through_lines import through_lines

SIDE = 256


def drawn(lines, size=SIDE):
    """Lines by direction [rad], offset from the center and width, both over the side of the field."""
    y, x = (np.indices((size, size)) + 0.5) / size - 0.5
    phase = np.zeros((size, size), bool)
    for turn, off, width in lines:
        phase |= np.abs(np.cos(turn) * y - np.sin(turn) * x - off) < width / 2
    return phase


def area(turn, off, width):
    """Share of a line of the unit square, by a million points."""
    at = np.linspace(-1, 1, 2_000_001)
    y, x = off * np.cos(turn) + at * np.sin(turn), at * np.cos(turn) - off * np.sin(turn)
    return width * 2 * np.mean((np.abs(y) < 0.5) & (np.abs(x) < 0.5))


APART = ((0.2, -0.3, 0.032), (0.9, 0.1, 0.048), (1.7, 0.25, 0.032), (2.6, -0.1, 0.04))  # a pixel of 256 is an eighth


@pytest.mark.parametrize("size", [SIDE, 4 * SIDE])
def test_every_line_is_found_once_with_its_area(size):
    assert sorted(through_lines(drawn(APART, size)).areas) == pytest.approx(
        sorted(area(*one) for one in APART), rel=0.15
    )


@pytest.mark.parametrize("turn", [0.0, 0.004, -0.004])
def test_a_line_along_the_rows_is_no_two_lines(turn):
    assert len(through_lines(drawn(((turn, 0.05, 0.04), *APART[1:]))).areas) == 4


def test_lines_in_the_rest_of_a_frequent_phase_are_found():
    assert through_lines(~drawn(APART)) == through_lines(drawn(APART))


def test_only_what_lies_in_the_region_counts():
    roi = np.zeros((300, 400), bool)
    roi[20:276, 100:356] = True
    phase = np.zeros((300, 400), bool)
    phase[20:276, 100:356] = drawn(APART)
    phase[:, 380:] = True
    assert sorted(through_lines(phase, roi).areas) == pytest.approx(sorted(through_lines(drawn(APART)).areas), rel=0.1)


@pytest.mark.parametrize("turns", [(0.3,), (0.3, 0.3 + np.pi / 2), (0.3, 0.3 + np.pi / 3, 0.3 + 2 * np.pi / 3)])
def test_stripes_and_meshes_are_no_lines_thrown_at_random(turns):
    assert through_lines(drawn([(turn, off, 0.016) for turn in turns for off in np.linspace(-0.4, 0.4, 7)])) is None


def test_lines_that_are_little_of_the_phase_do_not_speak_for_it():
    y, x = np.indices((SIDE, SIDE)) - SIDE / 2
    assert through_lines(drawn(APART) | (np.hypot(y, x) < 70)) is None


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (3, 20_000), (60, 200)])
def test_fields_without_a_line_through_them(shape):
    assert through_lines(np.zeros(shape, bool)) is None
    assert through_lines(np.random.default_rng(1).random(shape) < 0.3) is None


@pytest.mark.parametrize("share", [0.3, 0.45])
def test_a_row_of_features_is_no_line(share):
    random = np.random.default_rng(12)
    assert [through_lines(mosaic(random, share, cell) == 1) for cell in (25, 40, 60) for _ in range(2)] == [None] * 6
    blobs = [cut_gaussian(random, share, size) == 1 for size in (10.0, 20.0) for _ in range(2)]
    assert [through_lines(phase) for phase in blobs] == [None] * 4
