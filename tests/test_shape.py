"""Shape factors: values of exact shapes."""

import numpy as np
import pytest

from inspect_tool.measure.regions import region_table
from inspect_tool.standards.formulas import shape


def test_the_two_circularities_are_square_and_root():
    area, perimeter = np.array([1.0, 50.0, 3.0]), np.array([4.0, 30.0, 9.0])
    assert shape.circularity_iso(area, perimeter) ** 2 == pytest.approx(shape.circularity_4pi(area, perimeter))


def test_factors_of_the_square_are_those_of_geometry():
    # square of side 1: pi/4, sqrt(pi)/2, 2/pi (facts 5.1)
    assert shape.circularity_4pi(1.0, 4.0) == pytest.approx(0.7854, abs=5e-5)
    assert shape.circularity_iso(1.0, 4.0) == pytest.approx(0.8862, abs=5e-5)
    assert shape.roundness(1.0, np.sqrt(2)) == pytest.approx(0.6366, abs=5e-5)
    assert shape.compactness(1.0, np.sqrt(2)) == pytest.approx(np.sqrt(2 / np.pi))
    assert shape.solidity(1.0, 1.0) == 1


def test_a_circle_has_one_everywhere():
    r = 7.0
    area, perimeter = np.pi * r**2, 2 * np.pi * r
    assert shape.equivalent_diameter(area) == pytest.approx(2 * r)
    for factor in (
        shape.circularity_4pi(area, perimeter),
        shape.circularity_iso(area, perimeter),
        shape.roundness(area, 2 * r),
        shape.compactness(area, 2 * r),
        shape.aspect_ratio(2 * r, 2 * r),
    ):
        assert factor == pytest.approx(1)


@pytest.mark.parametrize(
    ("area_um2", "feret_um", "expected"),
    # vector E2567 of the standards facts: 4A/(pi F²)
    [(700, 30, 0.9903), (450, 25, 0.9167), (500, 40, 0.3979), (300, 20, 0.9549), (60, 12, 0.5305), (45, 8, 0.8952)],
)
def test_roundness_is_the_shape_factor_of_nodularity(area_um2, feret_um, expected):
    assert shape.roundness(area_um2, feret_um) == pytest.approx(expected, abs=5e-5)


def test_every_factor_of_the_table_has_a_printed_formula():
    image = np.zeros((20, 20), dtype=np.int32)
    image[5:15, 5:12] = 1
    assert set(shape.FORMULAS) <= set(region_table(image).columns)
    assert all(hasattr(shape, name) for name in shape.FORMULAS)
