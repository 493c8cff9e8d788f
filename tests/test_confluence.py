"""What cells cover and how many there are, on labels that are known."""

from dataclasses import replace

import numpy as np
import pytest

from inspect_tool import registry, synthetic
from inspect_tool.errors import MeasurementError, SettingsError
from inspect_tool.model import Calibration, Micrograph, Segmentation
from inspect_tool.standards.editions import editions_for

RECIPE = registry.load("recipe", "confluence")
EDITIONS = editions_for(RECIPE, RECIPE.Settings())
SCALE = Calibration(pixel_um=2.0, u_rel=0.01, source="stage micrometer")


def field(labels, kind="semantic", number=1, pixels=None, calibration=SCALE, roi=None, **told):
    names = {0: "ground", 1: "cells"} if kind == "semantic" else {1: "nucleus"}
    shown = np.zeros(labels.shape, np.uint8) if pixels is None else pixels
    image = Micrograph(pixels=shown, calibration=calibration, path=f"field_{number}", field=number, roi=roi)
    return image, Segmentation(
        labels=labels.astype(np.int32), classes=names, kind=kind, backend="labels", settings=told
    )


def findings(pairs, **settings):
    chosen = RECIPE.Settings(**settings)
    return RECIPE.combine([RECIPE.measure_field(*pair, chosen, EDITIONS) for pair in pairs], chosen, EDITIONS)


def results(pairs, **settings):
    return {result.quantity: result for result in findings(pairs, **settings).results}


def checks(pairs, **settings):
    return {str(check.name): check for check in findings(pairs, **settings).checks}


def half(share=0.5, shape=(100, 200)):
    labels = np.zeros(shape)
    labels[:, : round(share * shape[1])] = 1
    return labels


def objects():
    """Squares of 6 x 6 px: 17 whole in a frame of 100 x 1000 px, 6 that its edge cuts; at 2 um it has 0.4 mm2."""
    labels = np.zeros((100, 1000))
    for number in range(17):
        labels[40:46, 50 * number + 30 : 50 * number + 36] = number + 1
    for number in range(6):
        labels[:3, 100 * number + 50 : 100 * number + 60] = number + 18
    return labels


def test_the_share_is_that_of_the_pixels_of_all_fields():
    found = results([field(half(0.25)), field(half(0.75), number=2)])
    assert list(found) == ["area_percent.covered"]
    assert found["area_percent.covered"].value == pytest.approx(50)
    # two fields 25 and 75: s = 35.36, u = s / √2
    lines = {str(line.name): line for line in found["area_percent.covered"].budget}
    assert lines["between fields"].u == pytest.approx(25.0)
    # one border of 100 px in 20 000 px; crossings along rows and columns see π/4 of a straight one along the pixels
    assert lines["segmentation"].u == pytest.approx(np.pi / 4 * 0.25 / 3**0.5, rel=0.02)


def test_only_what_lies_in_the_region_counts():
    roi = np.zeros((100, 200), bool)
    roi[:, 50:150] = True
    assert results([field(half(0.3), roi=roi)])["area_percent.covered"].value == pytest.approx(10)


PLACES = 91 * 991  # of the corner of a square of 6 px that keeps 2 px from the edge of the frame
PER_MM2 = 17 * 100 * 1000 / PLACES / 0.4


def test_whole_objects_stand_for_those_that_the_edge_cuts():
    found = results([field(objects(), "instance")], count="nuclei")
    assert list(found) == ["nuclei_per_mm2"]  # nuclei tell nothing of what cells cover
    assert found["nuclei_per_mm2"].value == pytest.approx(PER_MM2)
    scale = next(line for line in found["nuclei_per_mm2"].budget if str(line.name) == "scale")
    assert scale.u == pytest.approx(PER_MM2 * 2 * 0.01)  # an area goes with the square of the pixel size


def test_the_number_is_right_over_all_places_of_a_lattice():
    """Squares of 4 px, one for each 7 x 7 px: of all fields of 40 x 40 px that a lattice has, on average exact."""
    numbers = []
    for down in range(7):
        for right in range(7):
            every = np.zeros((60, 60))
            starts = [(top, left) for top in range(down, 56, 7) for left in range(right, 56, 7)]
            for number, (top, left) in enumerate(starts, 1):
                every[top : top + 4, left : left + 4] = number
            image, given = field(np.ascontiguousarray(every[9:49, 9:49]), "instance")
            settings = RECIPE.Settings(count="nuclei", minimum_px2=16)
            measured = RECIPE.measure_field(image, given, settings, EDITIONS)
            numbers.append(measured.values.numbers.counted_per_mm2)
    assert np.mean(numbers) == pytest.approx(1e6 / (7 * 2) ** 2, rel=1e-9)


def test_single_cells_give_both():
    found = results([field(objects(), "instance")], count="cells")
    assert found["cells_per_mm2"].value == pytest.approx(PER_MM2)
    assert found["area_percent.covered"].value == pytest.approx(100 * (17 * 36 + 6 * 30) / 1e5)
    assert results([field(objects(), "instance")])["area_percent.covered"].value == pytest.approx(0.792)


def test_sheets_of_cells_are_not_shown_as_the_worst_features():
    def worst(pair, count):
        return RECIPE.measure_field(*pair, RECIPE.Settings(count=count), EDITIONS).worst

    assert worst(field(half()), "nothing") == ()
    assert len(worst(field(objects(), "instance"), "nuclei")) == 10


def test_objects_below_the_least_size_do_not_count():
    labels = objects()
    labels[80:85, 500:506] = 24  # 30 px2; those that the edge cuts are as small, and tell nothing of what is small
    found = checks([field(labels, "instance")], count="nuclei", minimum_px2=32)
    assert results([field(labels, "instance")], count="nuclei", minimum_px2=32)[
        "nuclei_per_mm2"
    ].value == pytest.approx(PER_MM2)
    assert found["Objects below the smallest size that counts"].value == pytest.approx(100 / 18)
    assert found["Objects counted"].value == 17


def test_the_area_of_the_well_is_asked_for():
    pairs = [field(half(), number=number) for number in range(1, 4)]
    unknown = checks(pairs)["Area of the fields over that of the well"]
    assert unknown.value is None
    assert not unknown.passed
    # three fields of 100 x 200 px of 4 um2 are 0.24 mm2
    assert checks(pairs, well_area_mm2=32.0)["Area of the fields over that of the well"].value == pytest.approx(0.75)


def test_touching_objects_of_a_class_are_not_counted():
    with pytest.raises(MeasurementError, match=r"field_1: settings.count is 'nuclei', and the backend 'labels' gives"):
        results([field(half())], count="nuclei")


def test_a_number_per_area_needs_a_scale():
    pair = field(objects(), "instance", calibration=Calibration(source="ratio only"))
    with pytest.raises(SettingsError, match=r"field_1: settings.count: a number per area needs a scale"):
        results([pair], count="nuclei")


@pytest.mark.parametrize(("share", "apart", "doubted"), [(0.5, 2.2, 0), (0.5, 1.1, 1), (0.995, 2.2, 1)])
def test_a_level_that_parts_nothing_is_doubted(share, apart, doubted):
    found = findings([field(half(share), texture_separation=apart), field(half(0.6), number=2)])
    failed = [check for check in found.checks if check.scope == "plausibility" and not check.passed]
    assert len(failed) == doubted
    assert all(check.quantities == ("area_percent.covered",) for check in failed)


def test_an_interval_of_a_share_ends_at_all_and_nothing():
    found = results([field(half(0.9)), field(half(0.99), number=2)])["area_percent.covered"]
    assert found.interval[1] == 100
    assert found.interval[0] < found.value - 20


def test_drawn_cultures_and_nuclei_have_the_share_and_the_number_that_they_say():
    """Means over independent fields agree with the process within three standard errors."""
    shares = [
        synthetic.culture(seed=seed, area_percent=70.0, cell_um=25.0, shape_px=(160, 200)).truth[
            "field.area_percent.covered"
        ]
        for seed in range(60)
    ]
    numbers = [
        synthetic.nuclei(seed=seed, per_mm2=600.0, shape_px=(160, 200)).truth["field.nuclei_per_mm2"]
        for seed in range(60)
    ]
    for values, truth in ((shares, 70.0), (numbers, 600.0)):
        assert abs(np.mean(values) - truth) < 3 * np.std(values, ddof=1) / len(values) ** 0.5


def test_drawn_nuclei_are_counted_by_watershed():
    """Nuclei of a stain that lie apart or side by side; watershed parts at necks."""
    drawn = synthetic.nuclei(seed=4, per_mm2=400.0, shape_px=(500, 600))
    pixels = synthetic.degrade(drawn.pixels, 1, seed=1, modality="xray")
    backend = registry.load("backend", "watershed")
    calibration = replace(SCALE, pixel_um=drawn.pixel_um)
    image = Micrograph(pixels=pixels, calibration=calibration, path="stain")
    found = backend.segment(None, image, backend.Settings(mode="particles", phase="bright"))
    result = results([(image, found)], count="nuclei")["nuclei_per_mm2"]
    assert result.value == pytest.approx(drawn.truth["field.nuclei_per_mm2"], rel=0.08)
    assert result.interval[0] < 400 < result.interval[1]
