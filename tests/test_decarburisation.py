"""Decarburized steels of known depth: values, budgets, rules, what is not found and what is refused."""

from dataclasses import replace
from math import cos, radians, sqrt

import numpy as np
import pytest

from inspect_tool import registry, synthetic
from inspect_tool.errors import MeasurementError, SettingsError
from inspect_tool.images.specimen_area import areas, without
from inspect_tool.measure.normal_profile import normal_profiles, surface_of
from inspect_tool.model import Calibration, Micrograph, Segmentation
from inspect_tool.standards.editions import editions_for

RECIPE = registry.load("recipe", "decarburisation")
EDITIONS = editions_for(RECIPE, RECIPE.Settings())
SCALE = Calibration(pixel_um=0.5, u_rel=0.01, source="stage micrometer")
NAMES = {0: "ferrite", 1: "pearlite", 2: "mount", 3: "oxide"}
TOTAL, COMPLETE = "mean_total_depth_um", "mean_complete_depth_um"


def stepped(complete=20, total=60, core=0.75, shape=(200, 240), top=30, seed=0):
    """Mount, ferrite alone, and pixels of pearlite whose share rises in a straight line to that of the core."""
    depth = np.arange(shape[0])[:, None] - top + 0.5
    share = core * np.clip((depth - complete) / max(total - complete, 1e-9), 0, 1)
    labels = (np.random.default_rng(seed).uniform(size=shape) < share).astype(np.int32)
    labels[:top] = 2
    return labels


def field(labels, number=1, calibration=SCALE, others=(), plane="transverse"):
    image = Micrograph(
        pixels=np.zeros(labels.shape, np.uint8),
        calibration=calibration,
        path=f"field_{number}",
        field=number,
        plane=plane,
    )
    found = Segmentation(
        labels=labels,
        classes={k: NAMES[k] for k in (0, *np.unique(labels[labels > 0]).tolist())},
        kind="semantic",
        backend="labels",
    )
    made = tuple((name, replace(found, labels=other)) for name, other in others)
    return image, replace(found, alternatives=lambda: iter(made)) if made else found


def measured(pair, **settings):
    return RECIPE.measure_field(*pair, RECIPE.Settings(**settings), EDITIONS)


def findings(pairs, **settings):
    chosen = RECIPE.Settings(**settings)
    return RECIPE.combine([RECIPE.measure_field(*pair, chosen, EDITIONS) for pair in pairs], chosen, EDITIONS)


def results(pairs, **settings):
    return {result.quantity: result for result in findings(pairs, **settings).results}


def lines(result):
    return {str(line.name): line for line in result.budget}


def checks(pairs, **settings):
    return {str(check.name): check for check in findings(pairs, **settings).checks}


def test_a_straight_rise_ends_where_95_percent_of_the_core_is_back():
    """From 20 to 60 px: 5 % at 22, 95 % at 58 px; of half a micrometer each."""
    found = results([field(stepped())])
    assert found[TOTAL].value == pytest.approx(29, abs=1.5)
    assert found[COMPLETE].value == pytest.approx(11, abs=1.0)
    assert found["mean_partial_depth_um"].value == pytest.approx(18, abs=2.0)
    assert found["core_ferrite_percent"].value == pytest.approx(25, abs=1.0)


def test_a_sharp_front_has_one_depth():
    """Ferrite alone to 40 px, the core behind, without any noise: complete and total depth are the same."""
    labels = np.ones((160, 200), np.int32)
    labels[:70] = 0
    labels[:30] = 2
    found = results([field(labels)])
    assert found[TOTAL].value == pytest.approx(20, abs=0.6)
    assert found[COMPLETE].value == pytest.approx(20, abs=0.6)
    assert found["core_ferrite_percent"].value == 0


def test_the_share_that_a_depth_ends_at_is_a_setting():
    deeper, shallower = (results([field(stepped())], reached_percent=p)[TOTAL].value for p in (98.0, 80.0))
    assert deeper == pytest.approx(0.5 * (20 + 0.98 * 40), abs=1.5)
    assert shallower == pytest.approx(0.5 * (20 + 0.80 * 40), abs=1.5)


def test_halving_the_pixel_halves_the_depths():
    labels = stepped()
    half = replace(SCALE, pixel_um=0.25)
    one, other = results([field(labels)]), results([field(labels, calibration=half)])
    for quantity in (TOTAL, COMPLETE, "maximum_total_depth_um"):
        assert other[quantity].value == pytest.approx(one[quantity].value / 2)


def test_a_turned_picture_has_the_same_depths():
    labels = stepped(shape=(200, 200))
    turned = np.ascontiguousarray(np.rot90(labels))
    assert results([field(turned)])[TOTAL].value == pytest.approx(results([field(labels)])[TOTAL].value, rel=0.02)


def test_places_have_a_mean_a_smallest_and_a_largest_depth():
    """The left fifth of the surface is decarburized twice as deep: its place is the largest."""
    labels = stepped(complete=0, total=40, shape=(240, 300))
    labels[:, :60] = stepped(complete=0, total=80, shape=(240, 60))
    table = measured(field(labels)).features
    assert len(table) == 5
    assert table["total_depth_um"].idxmax() == 0
    assert table["total_depth_um"].max() / table["total_depth_um"].iloc[1:].mean() == pytest.approx(2, abs=0.4)
    found = results([field(labels)])
    assert found["minimum_total_depth_um"].value < found[TOTAL].value < found["maximum_total_depth_um"].value
    assert found["maximum_total_depth_um"].value == pytest.approx(table["total_depth_um"].max())


def test_lines_of_the_budget_follow_from_pixels_scale_and_tilt():
    found = results([field(stepped())], tilt_deg=10.0)[TOTAL]
    budget = lines(found)
    assert budget["line of the surface"].u == pytest.approx(0.5 * 0.5 / sqrt(3))
    assert budget["scale"].u == pytest.approx(0.01 * found.value)
    assert budget["tilt of the section"].u == pytest.approx(found.value * (1 - cos(radians(10))) / sqrt(3))


def test_other_levels_are_a_line_of_the_budget_and_one_that_loses_the_core_is_a_doubt():
    labels = stepped()
    more, none = stepped(total=70), np.where(labels == 2, 2, 0).astype(np.int32)
    budget = lines(results([field(labels, others=(("threshold +", more),))])[TOTAL])
    assert budget["segmentation"].u == pytest.approx(0.5 * 9.5 / 2 / sqrt(3), abs=0.5)
    name = "Other plausible segmentations without a depth"
    assert checks([field(labels)])[name].passed
    assert not checks([field(labels, others=(("threshold +", none),))])[name].passed


def test_several_fields_scatter_between_each_other():
    found = results([field(stepped(total=50)), field(stepped(total=80), number=2)])[TOTAL]
    each = [results([field(stepped(total=total))])[TOTAL].value for total in (50, 80)]
    assert found.value == pytest.approx(np.mean(each))
    assert lines(found)["between fields"].u == pytest.approx(abs(each[0] - each[1]) / 2)


def test_no_decarburization_is_nothing_up_to_a_bound():
    rng = np.random.default_rng(5)
    labels = (rng.uniform(size=(200, 240)) < 0.6).astype(np.int32)
    labels[:30] = 2
    found = findings([field(labels)])
    total = next(one for one in found.results if one.quantity == TOTAL)
    assert total.value == 0
    assert 0 < total.interval[1] < 10
    assert total.interval == (0.0, pytest.approx(total.expanded_u))
    assert any("no decarburization was found" in warning for warning in found.warnings)


def test_a_layer_of_ferrite_thinner_than_the_structure_is_nothing_up_to_a_bound():
    drawn = synthetic.decarburised(seed=2, total_um=50.0, surface_percent=30.0, shape_px=(260, 320), pixel_um=1.0)
    found = findings([field(drawn.labels, calibration=replace(SCALE, pixel_um=1.0))])
    complete = next(one for one in found.results if one.quantity == COMPLETE)
    assert complete.value == 0
    assert complete.interval[0] == 0 < complete.interval[1]
    assert any("no layer of ferrite" in warning for warning in found.warnings)


def test_a_layer_through_the_whole_picture_is_refused_with_the_least_that_it_is():
    with pytest.raises(MeasurementError, match=r"still changes at the far end of the picture.*at least about"):
        measured(field(stepped(complete=20, total=300)))


def test_a_picture_without_a_surface_is_refused():
    labels = np.random.default_rng(1).integers(0, 2, (100, 120)).astype(np.int32)
    with pytest.raises(MeasurementError, match="surface of the specimen is not in the picture; show mount"):
        measured(field(labels))


def test_ferrite_everywhere_has_no_core():
    labels = np.zeros((120, 160), np.int32)
    labels[:30] = 2
    with pytest.raises(MeasurementError, match="no structure but ferrite"):
        measured(field(labels))


def test_a_class_that_is_not_there_is_named_with_those_that_are():
    with pytest.raises(MeasurementError, match="no class 'oxide' in the segmentation; there are: ferrite"):
        measured(field(stepped()), outside=("mount", "oxide"))


def test_oxide_counts_as_outside_where_it_is_named_so_and_is_a_doubt_where_not():
    drawn = synthetic.decarburised(
        seed=1, total_um=60.0, complete_um=20.0, oxide_um=12.0, shape_px=(260, 320), pixel_um=1.0
    )
    scale = replace(SCALE, pixel_um=1.0)
    named = results([field(drawn.labels, calibration=scale)], outside=("mount", "oxide"))[TOTAL]
    mounted = np.where(drawn.labels == 3, 2, drawn.labels)
    assert named.value == pytest.approx(results([field(mounted, calibration=scale)])[TOTAL].value)
    taken = np.where(drawn.labels == 3, 1, drawn.labels)  # as a dark level takes it
    rim = "Structure with carbon at the very surface beyond what lies below it, over the core"
    assert not checks([field(taken, calibration=scale)])[rim].passed
    assert checks([field(drawn.labels, calibration=scale)], outside=("mount", "oxide"))[rim].passed


def test_a_crack_is_no_surface_and_its_flank_is_an_uneven_place():
    drawn = synthetic.decarburised(seed=6, total_um=50.0, complete_um=10.0, shape_px=(300, 400), pixel_um=1.0)
    cracked = drawn.labels.copy()
    cracked[:160, 296:300] = 2  # open to the mount
    scale = replace(SCALE, pixel_um=1.0)
    whole, open_ = (results([field(one, calibration=scale)])[TOTAL].value for one in (drawn.labels, cracked))
    assert open_ == pytest.approx(whole, rel=0.05)
    flanks = drawn.labels.copy()
    flanks[:220, 250:350] = np.where(flanks[:220, 250:350] == 2, 2, 0)  # ferrite on both sides of it
    name = "Deepest place over the mean of a field"
    assert not checks([field(flanks, calibration=scale)])[name].passed
    assert checks([field(drawn.labels, calibration=scale)])[name].passed


def test_rules_that_are_not_met():
    short = measured(field(stepped(shape=(200, 60))))
    assert len(short.features) == 3
    made = checks([field(stepped(shape=(200, 60)), plane="longitudinal")])
    assert not made["Places measured along the surface"].passed
    assert not made["Fields of a transverse section"].passed
    unknown = checks([field(stepped(), plane="not stated")])
    assert unknown["Fields of a transverse section"].value is None
    assert unknown["Largest tilt of the section"].value is None
    assert checks([field(stepped())], tilt_deg=2.0)["Largest tilt of the section"].passed


def test_without_a_scale_only_the_core_comes_out():
    found = results([field(stepped(), calibration=Calibration(pixel_um=None, source="ratio only"))])
    assert list(found) == ["core_ferrite_percent"]
    assert found["core_ferrite_percent"].main


def test_page_1_says_by_which_rule_a_depth_ends():
    found = results([field(stepped())])
    assert found[TOTAL].title == "Mean total depth of decarburization, to 95 % of the core"
    assert found[COMPLETE].title == "Mean depth of complete decarburization, to 5 % of the core"
    total = found[TOTAL]
    assert "ends at 95 % of the core's structure (own rule)" in total.clause


@pytest.mark.parametrize("radius", [None, 260.0])
def test_depths_run_normal_to_a_surface_that_slopes_or_is_round(radius):
    """Ferrite to a depth of 40 px exactly: every pixel of it lies less than that below the surface."""
    rows, columns = np.mgrid[:240, :320].astype(float)
    if radius is None:
        depth = (rows - 60 - 0.25 * (columns - 160)) * cos(np.arctan(0.25))
    else:
        depth = radius - np.hypot(rows - 40 - radius, columns - 160)
    beyond = depth < 0
    (profile,) = normal_profiles(surface_of(beyond), [depth >= 40], ~beyond)
    share = profile.share
    at_half = float(np.interp(0.5, share[30:50], profile.depth[30:50]))
    assert at_half == pytest.approx(40, abs=0.7)
    assert np.interp(38, profile.depth, share) < 0.02
    assert np.interp(42, profile.depth, share) > 0.98


def test_a_drawn_steel_is_found_by_the_default_backend():
    drawn = synthetic.decarburised(
        seed=8, total_um=90.0, complete_um=25.0, shape_px=(320, 400), pixel_um=1.0, gray=(0.16, 0.82, 0.34, 0.42)
    )
    asked = {name: value for name, value in RECIPE.BACKEND.items() if name != "name"}
    backend = registry.load("backend", RECIPE.BACKEND["name"])
    scale = Calibration(pixel_um=1.0, u_rel=0.002, source="drawn")
    image = Micrograph(pixels=synthetic.degrade(drawn.pixels, 3, seed=1), calibration=scale, path="drawn")
    assert not [one for one in areas(image.pixels) if one.kind == "mount"]  # it may be a phase, unless one is asked for
    image = without(image, areas(image.pixels, surface=True))
    found = results([(image, backend.segment(None, image, backend.Settings(**asked)))])
    by_labels = results([field(drawn.labels, calibration=scale)])
    assert found[TOTAL].value == pytest.approx(by_labels[TOTAL].value, rel=0.1)
    assert found[TOTAL].interval[0] <= 90 <= found[TOTAL].interval[1]


def test_a_drawing_has_the_shares_that_it_states():
    """In the mean of many fields the share of pearlite at a depth is that of the profile: 5 and 95 % of the core's."""
    shares = []
    for seed in range(8):
        drawn = synthetic.decarburised(
            seed=seed, total_um=90.0, complete_um=30.0, core_ferrite_percent=20.0, slope_deg=0.0, roughness_um=0.0,
            grain_um=8.0, shape_px=(240, 400), pixel_um=1.0,
        )  # fmt: skip
        top = int((drawn.labels == 2).sum(axis=0).max())
        shares.append([(drawn.labels[top + depth] == 1).mean() for depth in (15, 30, 90, 150)])
    clear, complete, total, core = np.mean(shares, axis=0)
    assert clear < 0.02
    assert complete == pytest.approx(0.05 * 0.8, abs=0.03)
    assert total == pytest.approx(0.95 * 0.8, abs=0.05)
    assert core == pytest.approx(0.8, abs=0.05)


def test_a_drawing_that_cannot_be_is_refused():
    with pytest.raises(SettingsError, match="depths must ascend from 0"):
        synthetic.decarburised(seed=1, total_um=10.0, complete_um=20.0)
    with pytest.raises(SettingsError, match="unknown profile 'step'"):
        synthetic.decarburised(seed=1, total_um=10.0, profile="step")
