"""The sampling part of U, by true labels: what the stated interval holds, and what a guarded rule passes."""

import numpy as np
import pytest
from drawn_structures import cut_gaussian, discs

from inspect_tool.conformity import decide
from inspect_tool.measure.fields import field_statistics
from inspect_tool.measure.share_scatter import sampling_lines, share_scatter
from inspect_tool.model import Calibration, Micrograph, Requirement, Result, Segmentation
from inspect_tool.recipes import phase_fraction
from inspect_tool.standards import load_standard
from inspect_tool.uncertainty import evaluated

E562 = load_standard("astm_e562_2019")

STRUCTURES = {
    "blobs of 4 px": (lambda random: cut_gaussian(random, 0.25, 4.0), 25.0),
    "blobs of 15 px": (lambda random: cut_gaussian(random, 0.25, 15.0), 25.0),
    "lamellae": (lambda random: cut_gaussian(random, 0.4, 4.0, aspect=10.0), 40.0),
    "bands": (lambda random: cut_gaussian(random, 0.3, 5.0, aspect=40.0), 30.0),
    "discs": (lambda random: discs(random, 0.08, 5.0, spread=0.4), 8.0),
}


def from_one_field(labels):
    """Result of one field whose labels are the truth: nothing but sampling is in its budget."""
    share = 100 * labels.mean()
    lines = sampling_lines(field_statistics([share]), [share], [share_scatter(labels == 1)])
    bare = Result(quantity="share", specimen="1", value=share, unit="%", n=1, clause="", definition="", budget=lines)
    return evaluated(bare)


@pytest.mark.parametrize("structure", STRUCTURES)
def test_one_field_tells_how_far_its_share_may_lie_from_that_of_the_process(structure):
    draw, truth = STRUCTURES[structure]
    random = np.random.default_rng(8)
    results = [from_one_field(draw(random)) for _ in range(60)]
    # 95 % of 60 draws: 51 or more but for 3 in 1000
    assert sum(abs(one.value - truth) <= one.expanded_u for one in results) >= 51
    # and not by being useless: U is at most twice what the scatter of these fields asks for
    assert np.median([one.expanded_u for one in results]) <= 2 * 1.96 * np.std([one.value for one in results])
    # a specimen 2 % beyond the limit (relative) does not pass a guarded rule but for the risk of it: 5 of 60 at 97.5 %
    limit = Requirement(quantity="share", unit="%", upper=truth / 1.02, source="drawing")
    assert sum(decide(one, limit).decision == "pass" for one in results) <= 5


def test_the_line_is_that_of_independent_pixels_where_they_are():
    random = np.random.default_rng(2)
    found = [share_scatter(random.random((320, 320)) < 0.3).u for _ in range(20)]
    assert np.median(found) == pytest.approx((0.3 * 0.7) ** 0.5 / 320, rel=0.1)


def test_the_line_does_not_depend_on_where_the_region_lies():
    random = np.random.default_rng(4)
    phase = cut_gaussian(random, 0.3, 4.0).astype(bool)
    roi = np.zeros((400, 400), bool)
    roi[70:326, 100:356] = True
    inside = np.zeros((400, 400), bool)
    inside[70:326, 100:356] = phase
    assert share_scatter(inside, roi).u == pytest.approx(share_scatter(phase).u, rel=0.25)


def share_of(labels):
    micrograph = Micrograph(pixels=np.zeros(labels.shape, np.uint8), calibration=Calibration())
    segmentation = Segmentation(labels=labels, classes={0: "matrix", 1: "phase"}, kind="semantic", backend="truth")
    settings = phase_fraction.Settings()
    field = phase_fraction.measure_field(micrograph, segmentation, settings, E562, [("same", segmentation)])
    found = phase_fraction.combine([field], settings, E562)
    return next(one for one in found.results if one.quantity == "area_percent.phase"), found


def test_the_recipe_has_the_line_of_one_field_and_says_so():
    labels = cut_gaussian(np.random.default_rng(1), 0.25, 4.0)
    result, found = share_of(labels)
    assert result.expanded_u == pytest.approx(from_one_field(labels).expanded_u)
    assert any("one field only" in warning for warning in found.warnings)


def test_what_was_not_seen_at_all_does_not_pass():
    result, found = share_of(np.zeros((100, 100), np.int32))
    assert result.value == 0
    doubts = [check for check in found.checks if check.scope == "plausibility" and not check.passed]
    assert [check.quantities for check in doubts] == [("area_percent.phase",)]
