"""Void percentages: worked values by hand, exact geometry, properties."""

from math import acos, pi, sqrt

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from inspect_tool.errors import MeasurementError
from inspect_tool.standards.formulas import voids


@pytest.mark.parametrize(
    ("diameters", "total", "largest"),
    [
        ([0.2, 0.1, 0.08], 22.56, 16.0),  # standards-vectors.json IPC-BGA-1
        ([0.25, 0.05], 26.0, 25.0),  # by hand: fails a 25 % limit in total though the largest just meets it
        ([], 0.0, 0.0),
    ],
)
def test_ball_of_half_a_millimeter(diameters: list[float], total: float, largest: float) -> None:
    areas = [pi / 4 * diameter**2 for diameter in diameters]
    joint = pi / 4 * 0.5**2
    assert voids.void_percent(sum(areas), joint) == pytest.approx(total, abs=1e-6)
    assert voids.void_percent(max(areas, default=0.0), joint) == pytest.approx(largest, abs=1e-6)


def test_union_of_two_discs_is_the_lens_formula() -> None:
    # two unit circles at distance 1: lens area 2 acos(1/2) - sqrt(3)/2 (closed form)
    lens = 2 * acos(0.5) - sqrt(3) / 2
    assert voids.disc_union_area([(0, 0, 2), (1, 0, 2)]) == pytest.approx(2 * pi - lens, rel=1e-12)


@example([(0.0, 0.0, 1.0), (0.0, 1e-139, 1.0)])  # nearer to each other than can be computed
@given(st.lists(st.tuples(st.floats(-3, 3), st.floats(-3, 3), st.floats(0.1, 3)), min_size=1, max_size=6))
def test_union_lies_between_the_largest_disc_and_the_sum(discs: list[tuple[float, float, float]]) -> None:
    areas = [pi / 4 * d**2 for _, _, d in discs]
    union = voids.disc_union_area(discs)
    assert max(areas) * (1 - 1e-6) <= union <= sum(areas) * (1 + 1e-6)


def test_a_joint_without_area_is_an_error() -> None:
    with pytest.raises(MeasurementError, match="joint area must be > 0, got 0"):
        voids.void_percent(1.0, 0.0)
    with pytest.raises(MeasurementError, match="void area must be >= 0, got -1"):
        voids.void_percent(-1.0, 1.0)
