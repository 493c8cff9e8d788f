"""Balls of a board with parts on both sides: what a component of the other side covers is found, or doubted by name."""

import numpy as np
import pytest
from drawn_balls import Picture, apart, array, draw

from inspect_tool.measure import ball_doubts
from inspect_tool.measure.joints import JOINT, measure_voids
from inspect_tool.model import Calibration, Micrograph
from inspect_tool.recipes import solder_voids
from inspect_tool.segmentation import joints
from inspect_tool.standards.editions import editions_for


def board(shadow) -> Picture:
    """Twelve balls of 80 px at places that are known to a pixel, one pitch of 128 px apart."""
    shape, balls = array(np.random.default_rng(5), rows=3, columns=4, radius=40.0, voids=apart)
    return draw(shape, balls, seed=5, absorption=1.4, shadow=shadow)


def measured(picture: Picture):
    micrograph = Micrograph(pixels=picture.pixels, calibration=Calibration(source="ratio only"), path="x.png")
    found = joints.segment(None, micrograph, joints.Settings())
    editions = editions_for(solder_voids, solder_voids.Settings())
    field = solder_voids.measure_field(micrograph, found, solder_voids.Settings(), editions)
    return field, solder_voids.combine([field], solder_voids.Settings(), editions)


def doubts(findings) -> dict[str, str]:
    return {c.name: c.note for c in findings.checks if c.scope == "plausibility" and not c.passed}


# rows of the balls: 70, 198, 326; columns: 70, 198, 326, 454
@pytest.mark.parametrize("depth", [0.15, 0.3])
def test_balls_under_a_component_are_measured_like_free_ones(depth):
    # over the six balls of columns 2 and 3, its edges halfway to the next
    picture = board(lambda r, c: depth * ((np.abs(c - 262) < 126) & (r > 10) & (r < 386)))
    field, findings = measured(picture)
    shares = field.features.sort_values(["row_px", "column_px"])["void_percent"].to_numpy()
    assert len(shares) == 12
    order = np.lexsort((field.features["column_px"], np.rint(field.features["row_px"] / 128)))
    assert field.features["void_percent"].to_numpy()[order] == pytest.approx(picture.void_percent, abs=2.5)
    assert not doubts(findings)


def test_balls_under_the_edge_of_a_component_are_named():
    picture = board(lambda r, c: 0.3 * ((c > 326) & (r > 134)) + 0 * r)
    field, findings = measured(picture)
    assert len(field.features) == 12
    assert doubts(findings)["Round joints crossed by the edge of another object"].startswith("joint 7, 11: ")


def test_free_balls_that_a_layout_leaves_out_are_told():
    # three balls stand free beside one large dark region: too few to know an array by
    _, findings = measured(board(lambda r, c: 0.6 * ((np.abs(c - 198) < 190) & (r > 10) & (r < 386))))
    assert "Round regions resembling free balls that are not among the joints" in doubts(findings)


def test_an_even_board_is_not_doubted():
    _, findings = measured(board(None))
    assert not doubts(findings)


@pytest.mark.parametrize(("square", "doubted"), [(False, [0]), (True, [])])
def test_a_trace_that_ends_at_a_pad_is_no_part_that_covers_a_ball(square, doubted):
    """Every pad of a board has a trace; a ball hides its own, so that what shows beside it is of something else."""
    rows, columns = np.ogrid[:300, :300]
    body = (abs(rows - 150) <= 50) & (abs(columns - 150) <= 50) if square else np.hypot(rows - 150, columns - 150) <= 50
    pixels = np.where(body, 80, np.where((abs(rows - 150) <= 10) & (columns > 150), 130, 200)).astype(np.uint8)
    objects = body.astype(np.int32)
    found, _ = measure_voids(np.where(body, JOINT, 0).astype(np.uint8), objects, 0)
    assert ball_doubts.unevenly_covered(pixels, objects, found) == doubted
