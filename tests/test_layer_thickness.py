"""Layers of known thickness: values, budgets, rules, and what is refused."""

from dataclasses import replace
from math import cos, radians, sqrt

import numpy as np
import pytest

from inspect_tool import registry, synthetic
from inspect_tool.errors import MeasurementError
from inspect_tool.model import Calibration, Micrograph, Segmentation
from inspect_tool.standards.editions import editions_for

RECIPE = registry.load("recipe", "layer_thickness")
EDITIONS = editions_for(RECIPE, RECIPE.Settings())
SCALE = Calibration(pixel_um=0.5, u_rel=0.01, source="stage micrometer")
NAMES = {0: "rest", 1: "layer", 2: "crack", 3: "primer"}


def flat(thick=40, top=30, shape=(120, 200)):
    labels = np.zeros(shape, np.int32)
    labels[top : top + thick] = 1
    return labels


def field(labels, number=1, calibration=SCALE, others=()):
    image = Micrograph(
        pixels=np.zeros(labels.shape, np.uint8), calibration=calibration, path=f"field_{number}", field=number
    )
    found = Segmentation(
        labels=labels,
        classes={k: NAMES[k] for k in (0, *np.unique(labels[labels > 0]).tolist())},
        kind="semantic",
        backend="labels",
    )
    made = tuple((name, replace(found, labels=other)) for name, other in others)
    return image, replace(found, alternatives=lambda: iter(made)) if made else found


def findings(pairs, **settings):
    chosen = RECIPE.Settings(**settings)
    return RECIPE.combine([RECIPE.measure_field(*pair, chosen, EDITIONS) for pair in pairs], chosen, EDITIONS)


def results(pairs, **settings):
    return {result.quantity: result for result in findings(pairs, **settings).results}


def lines(result):
    return {str(line.name): line for line in result.budget}


def checks(pairs, **settings):
    return {str(check.name): check for check in findings(pairs, **settings).checks}


def test_forty_rows_of_half_a_micrometer_are_twenty_micrometers():
    found = results([field(flat())])
    assert found["mean_thickness_um.layer"].value == pytest.approx(20)
    assert found["minimum_thickness_um.layer"].value == pytest.approx(20)
    assert found["maximum_thickness_um.layer"].value == pytest.approx(20)
    assert found["thickness_sd_um.layer"].value == pytest.approx(0, abs=1e-9)


def test_the_mean_is_over_fields_and_the_extremes_over_all_of_them():
    found = results([field(flat(40)), field(flat(60), number=2)])
    mean = found["mean_thickness_um.layer"]
    assert mean.value == pytest.approx(25)
    assert lines(mean)["between fields"].u == pytest.approx(10 / sqrt(2) / sqrt(2))  # s of 20 and 30 over √2
    assert found["minimum_thickness_um.layer"].value == pytest.approx(20)
    assert found["maximum_thickness_um.layer"].value == pytest.approx(30)


def test_the_lines_of_the_budget_follow_from_pixels_scale_and_tilt():
    mean = results([field(flat())], tilt_deg=10.0)["mean_thickness_um.layer"]
    budget = lines(mean)
    assert budget["both interfaces"].u == pytest.approx(sqrt(2) * 0.5 * 0.5 / sqrt(3))
    assert budget["scale"].u == pytest.approx(0.2)
    assert budget["tilt of the section"].u == pytest.approx(20 * (1 - cos(radians(10))) / sqrt(3))
    assert mean.expanded_u == pytest.approx(1.96 * sqrt(sum(line.u**2 for line in mean.budget)), rel=0.02)


def test_other_levels_are_a_line_beside_a_quarter_of_a_pixel():
    pair = field(flat(40), others=(("threshold +", flat(38, top=31)), ("threshold -", flat(42, top=29))))
    budget = lines(results([pair])["mean_thickness_um.layer"])
    assert budget["segmentation"].u == pytest.approx(1.0 / sqrt(3))  # 19 to 21
    assert budget["both interfaces"].u == pytest.approx(sqrt(2) * 0.25 * 0.5 / sqrt(3))


def test_a_level_that_loses_the_layer_doubts_the_result():
    whole, gone = field(flat(40)), field(flat(40), others=(("threshold +", np.zeros((120, 200), np.int32)),))
    name = "Other plausible segmentations that lose the layer"
    assert checks([whole])[name].passed
    assert not checks([gone])[name].passed
    assert "segmentation" not in lines(results([gone])["mean_thickness_um.layer"])


@pytest.mark.parametrize(
    ("fact", "values", "name"),
    [
        ("sizes_apart", (0.11, 0.25), "Thickness by a network that saw the picture in several sizes: range"),
        ("grays_apart", (0.11, 0.25), "Thickness by gray values beside the interfaces and farther off: range"),
        ("edge_off", (0.07, 0.11), "Step of gray along the fainter interface: off it, over the thickness"),
    ],
)
def test_a_network_whose_opinions_disagree_doubts_the_result(fact, values, name):
    image, found = field(flat())
    assert name not in checks([(image, found)])
    for apart, passes in zip(values, (True, False), strict=True):
        check = checks([(image, replace(found, settings={fact: apart}))])[name]
        assert (check.value, check.passed) == (pytest.approx(100 * apart), passes)


def test_cracks_count_as_layer_where_they_are_named_so():
    cracked = flat()
    cracked[30:70, 100:110] = 2
    found = results([field(cracked)], layers=("layer",), inside=("crack",))
    assert {name.rpartition(".")[2] for name in found} == {"layer"}
    assert found["mean_thickness_um.layer"].value == pytest.approx(20)
    with pytest.raises(MeasurementError, match="layer 'layer': the layer does not part the field in two"):
        results([field(cracked)], layers=("layer",))


def test_every_layer_of_a_stack_has_its_own_results():
    stack = flat(40)
    stack[70:80] = 3
    found = results([field(stack)], layers=())
    assert found["mean_thickness_um.layer"].value == pytest.approx(20)
    assert found["mean_thickness_um.primer"].value == pytest.approx(5)
    features = findings([field(stack)], layers=()).measurements.features
    assert features["feature"].is_unique
    assert set(features["class"]) == {"layer", "primer"}


def test_the_edition_says_how_sure_a_thickness_must_be():
    """1 µm or 10 %, whichever is more: of 20 µm that is 2 µm; with 1 % of scale and flat interfaces U is below."""
    name = "U of the mean over the allowed one"
    found = checks([field(flat())])[name]
    assert found.passed
    mean = results([field(flat())])["mean_thickness_um.layer"]
    assert found.value == pytest.approx(mean.expanded_u / 2.0)
    rough = replace(SCALE, u_rel=0.2)
    assert not checks([field(flat(), calibration=rough)])[name].passed


def test_a_tilt_that_nobody_states_is_not_zero():
    unknown, known = checks([field(flat())]), checks([field(flat())], tilt_deg=2.0)
    assert not unknown["Largest tilt of the section"].passed
    assert unknown["Largest tilt of the section"].value is None
    assert known["Largest tilt of the section"].passed


def test_area_over_length_is_another_way_to_the_same_mean():
    drawn = synthetic.layer(seed=4, thickness_um=20.0, shape_px=(240, 400))
    pair = field(drawn.labels)
    values = RECIPE.measure_field(*pair, RECIPE.Settings(), EDITIONS).values.numbers.layers["layer"]
    assert values.area_over_length["um"] == pytest.approx(values.mean_thickness["um"], rel=0.03)
    assert checks([pair])["Mean of the chords against area over length"].passed


@pytest.mark.parametrize("seed", range(4))
def test_a_perfect_mask_of_a_drawn_layer_has_the_thickness_of_the_drawing(seed):
    drawn = synthetic.layer(seed=seed, thickness_um=22.0, shape_px=(240, 400), slope_deg=12.0)
    found = results([field(drawn.labels)])
    for name, within in (("mean_thickness_um", 0.2), ("thickness_sd_um", 0.25)):
        assert found[f"{name}.layer"].value == pytest.approx(drawn.truth[f"field.{name}.layer"], abs=within)


def by_default(drawn, pixels):
    """Image and segmentation by the default backend."""
    asked = {name: value for name, value in RECIPE.BACKEND.items() if name != "name"}
    backend = registry.load("backend", RECIPE.BACKEND["name"])
    image = Micrograph(pixels=synthetic.degrade(pixels, 2, seed=1), calibration=SCALE, path="drawn")
    return image, backend.segment(None, image, backend.Settings(**asked))


DRAWN = synthetic.layer(seed=8, thickness_um=25.0, shape_px=(240, 400))


def test_a_drawn_layer_is_found_by_the_default_backend():
    value = results([by_default(DRAWN, DRAWN.pixels)])["mean_thickness_um.layer"].value
    assert value == pytest.approx(DRAWN.truth["field.mean_thickness_um.layer"], rel=0.02)


def test_two_layers_that_gray_takes_for_one_are_doubted():
    name = "Change of gray inside the layer, over its step at the fainter interface"
    assert checks([by_default(DRAWN, DRAWN.pixels)])[name].passed
    rows = np.arange(len(DRAWN.labels))[:, None]
    upper = DRAWN.labels.argmax(axis=0)
    outer = (DRAWN.labels == 1) & (rows < upper + 20)  # of some 50 px
    two = np.where(outer, 255, DRAWN.pixels).astype(np.uint8)
    assert not checks([by_default(DRAWN, two)])[name].passed
    assert name not in checks([field(DRAWN.labels)])  # as a person drew it


def test_without_a_scale_only_the_variation_comes_out():
    wavy = np.where(np.arange(200) % 40 < 20, 40, 44)
    labels = ((np.arange(120)[:, None] >= 30) & (np.arange(120)[:, None] < 30 + wavy)).astype(np.int32)
    found = results([field(labels, calibration=Calibration(pixel_um=None, source="ratio only"))])
    assert list(found) == ["thickness_variation_percent.layer"]
    assert found["thickness_variation_percent.layer"].value == pytest.approx(100 * 2 / 42, rel=0.1)


def test_a_class_that_is_not_there_is_named_with_those_that_are():
    with pytest.raises(MeasurementError, match="no class 'oxide' in the segmentation; there are: rest, layer"):
        results([field(flat())], layers=("oxide",))


def test_thin_places_are_shown_apart_from_each_other():
    notched = flat(40)
    notched[30:40, 20:30] = notched[30:36, 150:160] = 0
    measured = RECIPE.measure_field(*field(notched), RECIPE.Settings(), EDITIONS)
    first, second, *_ = measured.worst
    assert first.value == pytest.approx(15, abs=0.6)
    assert second.value == pytest.approx(17, abs=0.6)
    assert first.box[1] < 40
    assert second.box[1] > 100
