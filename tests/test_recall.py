"""Numbers beside a correction: what did not change is known, and the answer is that of measuring everything."""

from dataclasses import fields

import numpy as np
import pandas as pd
import pytest
from test_grain_size import E112, mosaic, segmented

from inspect_tool.measure import flooding, recall
from inspect_tool.model import Calibration, Micrograph
from inspect_tool.recipes import grain_size
from inspect_tool.recipes.grain_size import Settings
from inspect_tool.web.editing import operations
from inspect_tool.web.editing.operations import Ground

SIDE = 1040  # px, so that the image is measured in several strips
CHANGES = (
    {"do": "stroke", "points": [[100, 300], [210, 320]], "radius": 6},
    {"do": "boundary", "points": [[300, 960], [800, 1030]]},  # over the rows where two strips meet
    {"do": "delete", "point": [1030, 5]},
    {"do": "stroke", "points": [[700, 100], [700, 1000]], "radius": 3, "number": 0},
)


def corrected(labels, told, ground):
    part, box = operations.applied(labels, operations.read(told, labels.shape), ground)
    after = labels.copy()
    after[box.part] = part
    return after


def assert_equal(found, expected):
    """Every value of two measurements is the same, to the last bit."""
    pd.testing.assert_frame_equal(found.features, expected.features, check_exact=True)
    for one in fields(expected):
        if one.name != "features":
            assert getattr(found, one.name) == getattr(expected, one.name), one.name


@pytest.fixture(scope="module")
def grains():
    """A mosaic of which some grains have fragments, as a network leaves them."""
    labels, rng = mosaic(3, (SIDE, SIDE), 60.0), np.random.default_rng(2)
    row, column = rng.integers(0, SIDE, (2, 60))
    labels[row, column] = labels[row - 200, column]
    return labels


@pytest.mark.parametrize(("second_phase", "changes"), [("none", CHANGES), ("dark", CHANGES[1:2])])
def test_what_is_measured_again_equals_the_whole_measurement_to_the_last_bit(grains, second_phase, changes):
    labels = grains
    assert len(list(flooding.strips(labels.shape))) == 2
    # gray values whose sums depend on the order in which they are added
    gray = np.random.default_rng(1).uniform(20, 200, labels.shape).astype(np.float32)
    gray[labels % 7 == 0] /= 10
    image = Micrograph(pixels=gray, calibration=Calibration(pixel_um=0.5, u_rel=0.004, source="x"), path="f.tif")
    settings = Settings(second_phase=second_phase, second_phase_threshold=40.0)
    known = recall.Recall()
    for told in (None, *changes):
        if told is not None:
            labels = corrected(labels, told, Ground(kind="grains", used=int(labels.max())))
        arguments = image, segmented(labels), settings, E112
        assert_equal(grain_size.measure_again(*arguments, known), grain_size.measure_field(*arguments))


def test_a_part_is_measured_again_where_a_change_reached_it_alone():
    labels = np.zeros((60, 40), np.int32)
    labels[10:20, 10:20], labels[40:50, 10:20] = 1, 2
    known = recall.Recall()
    measured = []

    def ask(image):
        parts = known.of("objects", image)
        for top in (0, 30):
            where = (slice(top, top + 30), slice(0, 40))
            parts.part("rows", where, lambda top=top: measured.append(top))
        numbers = np.unique(image[image > 0])
        parts.objects("areas", numbers, lambda few: [measured.append(-number) for number in few.tolist()])

    ask(labels)
    assert measured == [0, 30, -1, -2]
    measured.clear()
    ask(labels.copy())
    assert measured == []
    changed = labels.copy()
    changed[45, 15] = 3
    ask(changed)
    assert measured == [30, -2, -3]
    measured.clear()
    ask(np.full_like(labels, 9))  # of another picture nothing is known
    assert measured == [0, 30, -9]
