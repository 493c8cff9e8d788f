"""Nodules, their number and the limit of their shape, on particles that are known."""

from dataclasses import replace
from math import pi, sqrt

import numpy as np
import pytest

from inspect_tool import registry, synthetic
from inspect_tool.errors import MeasurementError, SettingsError
from inspect_tool.measure.regions import region_table
from inspect_tool.model import Calibration, Micrograph, Segmentation
from inspect_tool.recipes.graphite.field import limits_of
from inspect_tool.standards.editions import editions_for
from inspect_tool.standards.formulas import iso_945_4, shape
from inspect_tool.synthetic._outlines import Outline
from inspect_tool.synthetic._outlines import drawn as drawn_outlines

RECIPE = registry.load("recipe", "graphite")
SCALE = Calibration(pixel_um=1.0, u_rel=0.01, source="stage micrometer")


def editions(name=""):
    return editions_for(RECIPE, RECIPE.Settings(), name)


def ellipses(rows: int, columns: int, axes, shape=(400, 600)) -> np.ndarray:
    """Ellipses on a grid, their long axes along the rows; ``axes`` gives long and short one of each."""
    labels = np.zeros(shape, np.int32)
    y, x = np.mgrid[: shape[0], : shape[1]]
    number = 0
    for row in range(rows):
        for column in range(columns):
            long, short = axes(number)
            center = (row + 0.5) * shape[0] / rows, (column + 0.5) * shape[1] / columns
            labels[((y - center[0]) / (short / 2)) ** 2 + ((x - center[1]) / (long / 2)) ** 2 < 1] = 1
            number += 1
    return labels


def field(labels, number=1, calibration=SCALE, others=()):
    image = Micrograph(
        pixels=np.zeros(labels.shape, np.uint8), calibration=calibration, path=f"field_{number}", field=number
    )
    found = Segmentation(labels=labels, classes={0: "matrix", 1: "graphite"}, kind="semantic", backend="labels")
    made = tuple((name, replace(found, labels=other)) for name, other in others)
    return image, replace(found, alternatives=lambda: iter(made)) if made else found


def findings(pairs, edition="", **settings):
    chosen = RECIPE.Settings(**settings)
    found = editions_for(RECIPE, chosen, edition)
    return RECIPE.combine([RECIPE.measure_field(*pair, chosen, found) for pair in pairs], chosen, found)


def results(pairs, edition="", **settings):
    return {result.quantity: result for result in findings(pairs, edition, **settings).results}


def lines(result):
    return {str(line.name): line for line in result.budget}


def half_and_half(number):
    return (40.0, 40.0) if number % 2 else (60.0, 60.0 * 0.4)


@pytest.mark.parametrize(
    ("edition", "percent"), [("iso_945_4_2019", 72.14), ("astm_e2567_2016", 72.14), ("iso_16112_2017", 73.63)]
)
def test_six_particles_have_the_nodularity_of_the_edition(edition, percent):
    """The worked case of the fact sheet, through the numbers that the edition holds."""
    limits = limits_of(editions(edition).job, RECIPE.Settings())
    area, feret = np.array([700.0, 450, 500, 300, 60, 45]), np.array([30.0, 25, 40, 20, 12, 8])
    counts = feret >= limits.feret_um
    nodular = iso_945_4.nodular_area(
        area[counts], shape.roundness(area, feret)[counts], limits.nodule, limits.between, limits.weight
    )
    assert 100 * nodular / area[counts].sum() == pytest.approx(percent, abs=0.005)


def test_the_nodularity_is_by_area_and_the_other_by_number():
    found = results([field(ellipses(4, 6, half_and_half))], edge="left out")
    disc, flat = pi / 4 * 40**2, pi / 4 * 60 * 24
    assert found["nodularity_percent"].value == pytest.approx(100 * disc / (disc + flat), abs=0.3)
    assert found["nodularity_by_number_percent"].value == pytest.approx(50)
    assert found["graphite_percent"].value == pytest.approx(100 * 12 * (disc + flat) / 240000, rel=0.015)


def test_nodules_per_area_count_whole_ones_for_those_cut():
    """12 nodules of 41 rows and columns in 400 x 600 um, each by its chance to be whole in the frame."""
    found = results([field(ellipses(4, 6, half_and_half))])
    chance = (1 - 42 / 399) * (1 - 42 / 599)
    assert found["nodule_count_per_mm2"].value == pytest.approx(12 / chance / 0.24, rel=0.02)


def test_particles_in_between_count_one_half_by_iso_16112_and_nothing_by_iso_945_4():
    def axes(number):
        return ((40.0, 40.0), (50.0, 50.0 * 0.57), (60.0, 60.0 * 0.3))[number % 3]

    labels = ellipses(4, 6, axes)
    areas = [pi / 4 * long * short for long, short in map(axes, range(3))]
    whole = results([field(labels)], edge="left out")["nodularity_percent"].value
    half = results([field(labels)], "iso_16112_2017", edge="left out")["nodularity_percent"].value
    assert whole == pytest.approx(100 * areas[0] / sum(areas), abs=0.4)
    assert half == pytest.approx(100 * (areas[0] + areas[1] / 2) / sum(areas), abs=0.4)


def test_one_measurement_is_rated_by_several_editions_side_by_side():
    def axes(number):
        return ((40.0, 40.0), (50.0, 50.0 * 0.57), (60.0, 60.0 * 0.3))[number % 3]

    pair = field(ellipses(4, 6, axes))
    both = results([pair], also_by=("iso_16112_2017",))
    for edition, quantity in (("", "nodularity_percent"), ("iso_16112_2017", "nodularity_percent.iso_16112_2017")):
        alone = results([pair], edition)["nodularity_percent"]
        assert both[quantity].value == pytest.approx(alone.value)
        assert both[quantity].expanded_u == pytest.approx(alone.expanded_u)
    assert "ISO 16112" in both["nodularity_percent.iso_16112_2017"].title


def test_the_step_of_five_percent_of_iso_945_4_says_how_sure_it_is():
    found = results([field(ellipses(4, 6, half_and_half))])["nodularity_percent"]
    assert found.rating.classes[0].name == f"{5 * round(found.value / 5)}"
    assert 0 < found.rating.classes[0].probability < 1
    assert results([field(ellipses(4, 6, half_and_half))], "iso_16112_2017")["nodularity_percent"].rating is None


def test_an_edition_that_rates_no_graphite_is_refused():
    with pytest.raises(SettingsError, match=r"no edition 'iso_16112'; there are: iso_945_4_2019.*did you mean"):
        editions_for(RECIPE, RECIPE.Settings(also_by=("iso_16112",)))


def test_particles_below_the_least_dimension_do_not_count():
    """With 0.2 um per pixel discs of 40 px are 8 um wide: below 10."""
    labels = ellipses(4, 6, half_and_half)
    fine = field(labels, calibration=replace(SCALE, pixel_um=0.2))
    measured = RECIPE.measure_field(*fine, RECIPE.Settings(), editions())
    assert measured.values.numbers.shares.counted == 12
    assert measured.values.numbers.below_minimum == 12
    assert results([fine], minimum_feret_um=5.0)["nodularity_by_number_percent"].value == pytest.approx(50, abs=2)


def test_particles_that_the_frame_cuts_have_no_shape():
    labels = ellipses(4, 6, half_and_half)
    labels[:, :40] = 0
    labels[100:140, :20] = 1
    measured = RECIPE.measure_field(*field(labels), RECIPE.Settings(), editions())
    assert measured.values.numbers.cut >= 1
    cut = measured.features[measured.features["touches_edge"]]
    assert (cut["count_weight"] == 0).all()
    assert not cut["counts"].any()


def test_long_particles_are_cut_more_often_and_the_weights_give_them_back():
    """40 drawn fields of few large particles: without weights the nodularity comes out too high."""
    weighted, plain, truth = [], [], []
    for seed in range(40):
        drawn = synthetic.graphite(
            seed=seed, nodularity_percent=60.0, median_um=40.0, shape_px=(300, 400), pixel_um=1.0, scratches=0
        )
        pair = field(drawn.labels)
        for edge, into in (("weighted", weighted), ("left out", plain)):
            shares = RECIPE.measure_field(*pair, RECIPE.Settings(edge=edge), editions()).values.numbers.shares
            into.append((shares.nodular_area_px2, shares.counted_area_px2))
        truth.append(drawn.truth["process.nodularity_percent"])
    percent = {name: 100 * np.sum(values, axis=0) for name, values in (("weighted", weighted), ("plain", plain))}
    off = {name: float(a / b) * 100 - 60 for name, (a, b) in percent.items()}
    assert off["plain"] > off["weighted"]
    assert abs(off["weighted"]) < 4


def test_what_lies_near_the_limit_is_a_line_of_the_budget():
    """At a shape factor of 0.603 half a pixel decides; at 1 and 0.4 it decides nothing."""

    def near(number):
        return (40.0, 40.0 * 0.575) if number % 2 else (40.0, 40.0)

    far_line = lines(results([field(ellipses(4, 6, half_and_half))])["nodularity_percent"])["limit of the shape factor"]
    near_line = lines(results([field(ellipses(4, 6, near))])["nodularity_percent"])["limit of the shape factor"]
    assert far_line.u < 0.5
    area = 100 * 0.575 / 1.575  # of those near the limit, all of which may change sides
    assert near_line.u == pytest.approx(area / 2 / sqrt(3), rel=0.1)


def test_only_nodules_leave_an_interval_below_them():
    found = results([field(ellipses(4, 6, lambda _: (40.0, 40.0)))])["nodularity_percent"]
    assert found.value == pytest.approx(100)
    # of 24 of 24 half of the chance p^24 is 2.5 % at 0.05^(1/24), 88.3 %
    assert found.interval[0] == pytest.approx(100 * 0.05 ** (1 / 24), abs=1.0)
    assert found.interval[1] == 100


def test_other_levels_move_the_result():
    wide, narrow = ellipses(4, 6, lambda _: (40.0, 26.0)), ellipses(4, 6, lambda _: (40.0, 22.0))
    pair = field(ellipses(4, 6, lambda _: (40.0, 25.4)), others=(("threshold +", wide), ("threshold -", narrow)))
    line = lines(results([pair])["nodularity_percent"])["segmentation"]
    assert line.u == pytest.approx(50 / sqrt(3), rel=0.02)  # from none to all


def test_few_particles_say_nothing_of_their_form():
    found = findings([field(ellipses(1, 3, half_and_half))])
    assert [result.quantity for result in found.results] == ["graphite_percent"]
    assert "3 whole particles" in " ".join(map(str, found.warnings))


def test_without_a_scale_there_are_shares_and_no_number():
    pair = field(ellipses(4, 6, half_and_half), calibration=Calibration(pixel_um=None, source="ratio only"))
    found = results([pair])
    assert set(found) == {"nodularity_percent", "nodularity_by_number_percent", "graphite_percent"}
    smallest = {str(c.name): c for c in findings([pair]).checks}["Smallest particle that counts in pixels"]
    assert smallest.value is None
    assert not smallest.passed


@pytest.mark.parametrize("percent", [45.0, 80.0])
def test_drawn_irons_have_their_nodularity_by_the_default_backend(percent):
    """Four degraded fields; the truth lies in the interval."""
    pairs = []
    asked = {name: value for name, value in RECIPE.BACKEND.items() if name != "name"}
    backend = registry.load("backend", RECIPE.BACKEND["name"])
    for number in range(4):
        drawn = synthetic.graphite(
            seed=50 + number, nodularity_percent=percent, median_um=30.0, shape_px=(400, 520), pixel_um=1.0
        )
        image = Micrograph(
            pixels=synthetic.degrade(drawn.pixels, 1, seed=number), calibration=SCALE, path="drawn", field=number + 1
        )
        pairs.append((image, backend.segment(None, image, backend.Settings(**asked))))
    found = results(pairs)["nodularity_percent"]
    assert found.interval[0] <= percent <= found.interval[1]
    assert found.expanded_u < 25


def test_pixels_leave_the_shape_factor_of_an_ellipse_as_it_is():
    """That of an ellipse is its short over its long axis."""
    rng = np.random.default_rng(1)
    off = []
    for _ in range(80):
        factor = rng.uniform(0.45, 0.75)
        one = Outline(60 + rng.uniform(), 60 + rng.uniform(), 30.0, (), 1 / factor, rng.uniform(0, pi))
        table = region_table(drawn_outlines((120, 120), [one])[1].astype(np.int32))
        off.append(table["roundness"].iloc[0] - factor)
    assert abs(np.mean(off)) < 0.005
    assert np.std(off) < 0.01


def test_a_class_that_is_not_there_is_named_with_those_that_are():
    with pytest.raises(MeasurementError, match="no class 'flake' in the segmentation; there are: matrix, graphite"):
        results([field(ellipses(4, 6, half_and_half))], classes=("flake",))
