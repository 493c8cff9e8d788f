"""The recipe of fibers on exactly known label images, its drawings, and the backend that puts voids beside objects."""

from dataclasses import replace
from math import cos, pi, radians, sin

import cv2
import numpy as np
import pytest

from inspect_tool import registry, synthetic
from inspect_tool.errors import BackendError, MeasurementError, SettingsError
from inspect_tool.files import checked
from inspect_tool.measure import packed
from inspect_tool.model import Calibration, Micrograph, Segmentation
from inspect_tool.segmentation import watershed, with_voids
from inspect_tool.standards.editions import editions_for

RECIPE = registry.load("recipe", "fibres")
CLASSES = {0: "matrix", 1: "fiber", 2: "void"}


def ellipses(places, minor, *, tilt=0.0, trace=0.0, shape=(600, 700)):
    """Label image of fibers of one radius (px) and direction (deg), at places (row, column)."""
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    labels = np.zeros(shape, np.int32)
    c, s = cos(radians(trace)), sin(radians(trace))
    for number, (row, column) in enumerate(places, 1):
        x, y = columns - column, row - rows
        u, v = x * c + y * s, y * c - x * s
        labels[(u * cos(radians(tilt))) ** 2 + v**2 <= minor**2] = number
    return labels


GRID = [(row, column) for row in range(100, 600, 130) for column in range(90, 680, 130)]


def measured(labels, *, classes=None, kind="semantic", settings=None, pixel_um=0.5, fields=1):
    """Findings of fields with these labels; fibers are numbered by ``labels`` unless ``classes`` are given alone."""
    settings = settings or RECIPE.Settings()
    editions = editions_for(RECIPE, settings)
    calibration = Calibration(pixel_um=pixel_um, source="drawn" if pixel_um else "ratio only")
    image = Micrograph(pixels=np.zeros(labels.shape, np.uint8), calibration=calibration, path="drawn")
    if kind == "instance":
        made = Segmentation(labels=labels, classes={1: "fiber"}, kind="instance", backend="labels")
    elif classes is None:
        made = Segmentation(
            labels=(labels > 0).astype(np.int32), objects=labels, classes=CLASSES, kind="semantic", backend="labels"
        )
    else:
        made = Segmentation(labels=classes, objects=None, classes=CLASSES, kind="semantic", backend="labels")
    every = [RECIPE.measure_field(replace(image, field=n + 1), made, settings, editions) for n in range(fields)]
    found = RECIPE.combine(every, settings, editions)
    return {result.quantity: result for result in found.results}, found


@pytest.mark.parametrize(("tilt", "trace"), [(60.0, 30.0), (60.0, 210.0), (45.0, 120.0)])
def test_an_ellipse_tells_diameter_and_direction_but_for_its_two_fold_ambiguity(tilt, trace):
    found, _ = measured(ellipses(GRID, 25.0, tilt=tilt, trace=trace))
    assert found["mean_fibre_diameter_um"].value == pytest.approx(25.0, abs=0.1)  # 50 px of half a micrometer
    assert found["mean_fibre_tilt_deg"].value == pytest.approx(tilt, abs=0.3)
    flat = sin(radians(tilt)) ** 2
    turn = radians(trace % 180)
    for name, value in (
        ("a11", flat * cos(turn) ** 2),
        ("a22", flat * sin(turn) ** 2),
        ("a33", 1 - flat),
        ("a12", flat * sin(turn) * cos(turn)),
    ):
        assert found[f"orientation_{name}"].value == pytest.approx(value, abs=0.006), name


def test_three_phases_are_shares_of_all_pixels():
    labels = ellipses(GRID, 30.0)
    classes = (labels > 0).astype(np.int32)
    classes[20:40, 100:300] = np.where(classes[20:40, 100:300] == 0, 2, 1)
    found, _ = measured(labels, classes=classes)
    assert found["fibre_percent"].value == pytest.approx(100 * float((classes == 1).mean()), abs=1e-9)
    assert found["void_percent"].value == pytest.approx(100 * 20 * 200 / labels.size, abs=1e-9)


def test_resin_is_rich_where_no_fiber_is_near_and_near_the_edge_nothing_is_judged():
    side, radius, beyond = 401, 40.0, 60.0
    labels = ellipses([(200, 200)], radius, shape=(side, side))
    # one whole fiber is enough for shares, and too few for means
    found, all_of_it = measured(labels, settings=RECIPE.Settings(resin_rich_um=beyond / 2))
    inner = side - 2 * beyond
    share = 100 * (1 - pi * (radius + beyond) ** 2 / inner**2)
    assert found["resin_rich_percent"].value == pytest.approx(share, abs=0.6)
    assert "mean_fibre_diameter_um" not in found
    assert any("1 whole fibers" in warning for warning in all_of_it.warnings)


def test_the_distance_is_half_a_mean_diameter_if_none_is_stated():
    _, found = measured(ellipses(GRID, 30.0))
    assert found.measurements.fields["resin_rich_beyond_um"].iloc[0] == pytest.approx(15.0, abs=0.1)


def test_fibers_of_a_mask_of_classes_are_parted_where_they_touch():
    places = [(row, column) for row in range(60, 560, 60) for column in range(60, 660, 60)]
    labels = ellipses(places, 30.4)  # each touches four others
    assert cv2.connectedComponents((labels > 0).astype(np.uint8))[0] == 2
    found, all_of_it = measured(labels, classes=(labels > 0).astype(np.int32))
    assert found["mean_fibre_diameter_um"].value == pytest.approx(30.4, rel=0.02)
    assert len(all_of_it.measurements.features) == len(places)


@pytest.mark.parametrize("fields", [1, 5])
def test_fields_without_a_void_hold_what_a_few_voids_would_be(fields):
    # voids a tenth of the side across, thrown at random: e^-n of all sets of fields show none of n, 2.5 % of 3.69
    found, _ = measured(ellipses(GRID, 25.0), fields=fields)
    assert found["void_percent"].value == 0
    assert found["void_percent"].interval == pytest.approx((0.0, 100 * 3.689 * pi / 4 * 0.1**2 / fields), rel=1e-3)


def test_objects_alone_know_no_voids_and_the_report_says_so():
    found, all_of_it = measured(ellipses(GRID, 25.0), kind="instance")
    assert "void_percent" not in found
    assert any("voids from resin" in warning for warning in all_of_it.warnings)


def test_square_fibers_seem_tilted_and_the_interval_reaches_to_none():
    rng = np.random.default_rng(4)
    rough = [(row + rng.uniform(), column + rng.uniform()) for row, column in GRID]
    found, all_of_it = measured(ellipses(rough, 9.0))
    tilt, normal = found["mean_fibre_tilt_deg"], found["orientation_a33"]
    assert tilt.value > 2.0  # the pixel grid alone makes a disc longer
    assert tilt.interval[0] == 0.0
    assert normal.interval[1] == 1.0
    diameter = found["mean_fibre_diameter_um"]  # what noise adds to one axis of a disc it takes from the other
    assert diameter.interval[1] - diameter.value > diameter.value - diameter.interval[0]
    assert any(line.name == "roughness of outlines" for line in tilt.budget)
    assert any("may be due to roughness" in warning for warning in all_of_it.warnings)


def test_a_large_tilt_is_hardly_moved_by_noise():
    found, all_of_it = measured(ellipses(GRID, 25.0, tilt=50.0, trace=10.0))
    tilt = found["mean_fibre_tilt_deg"]
    assert tilt.value - tilt.interval[0] < 1.0
    assert not any("may be due to roughness" in warning for warning in all_of_it.warnings)


def test_two_square_fibers_taken_for_one_do_not_make_the_others_tilted():
    """Of 20 fibers that stand square one is twice as long: what the interval reaches to is the value without it."""
    rng = np.random.default_rng(4)
    rough = [(row + rng.uniform(), column + rng.uniform()) for row, column in GRID]
    both, others = ellipses(rough[:1], 9.0, tilt=65.0), ellipses(rough[1:], 9.0)
    found, _ = measured(np.where(both > 0, 1, np.where(others > 0, others + 1, 0)).astype(np.int32))
    alone, _ = measured(others)
    reached = [
        [line.basis.values["without"] for line in one["orientation_a33"].budget if line.name == "roughness of outlines"]
        for one in (found, alone)
    ]
    assert found["orientation_a33"].value < 0.95  # one in 20 by number is one in nine by area
    assert reached[0] == pytest.approx(reached[1], abs=0.002)


@pytest.mark.parametrize("piece", [True, False])
def test_the_scatter_of_diameters_is_doubted_where_a_piece_of_a_fiber_makes_it(piece):
    radii = np.random.default_rng(2).normal(15.0, 0.6, 25)  # as many micrometers across, at half a micrometer per pixel
    own = float(np.delete(radii, 7).std(ddof=1))
    radii[7] = 7.0 if piece else 15.0
    places = [(row, column) for row in range(30, 210, 40) for column in range(30, 210, 40)]
    labels = sum(ellipses([place], radii[k], shape=(220, 220)) * (k + 1) for k, place in enumerate(places))
    found, all_of_it = measured(labels)
    spread = found["fibre_diameter_sd_um"]
    doubt = "Noise of outlines and few fibers in the scatter of the diameters"
    assert [one.passed for one in all_of_it.checks if one.name == doubt] == [not piece]
    assert any(line.name == "fibers far from the others" for line in spread.budget) == piece
    if piece:
        assert spread.value > 2 * own
        assert spread.interval[0] < own
    else:
        assert spread.value == pytest.approx(radii.std(ddof=1), rel=0.06)


def test_more_fields_that_agree_leave_a_narrower_interval():
    labels = ellipses(GRID, 25.0, tilt=30.0)
    one, _ = measured(labels)
    five, _ = measured(labels, fields=5)
    for name in ("mean_fibre_diameter_um", "mean_fibre_tilt_deg"):
        assert five[name].value == pytest.approx(one[name].value, rel=1e-9)
        assert five[name].expanded_u <= one[name].expanded_u * (
            1 + 1e-12
        )  # equal but for the last digit where fields agree wholly


@pytest.mark.parametrize(
    ("settings", "pixel_um", "error", "said"),
    [
        ({"resin_rich_um": 5.0}, None, SettingsError, "resin_rich_um needs a scale"),
        ({"fiber": "glass"}, 0.5, MeasurementError, "no class 'glass' in the segmentation; there are: matrix, fiber"),
        ({"void": "pore"}, 0.5, MeasurementError, "no class 'pore'"),
    ],
)
def test_what_a_field_cannot_meet_is_refused(settings, pixel_um, error, said):
    with pytest.raises(error, match=said):
        measured(ellipses(GRID, 25.0), settings=RECIPE.Settings(**settings), pixel_um=pixel_um)


# ------------------------------------------------------------------------------------------------------ drawn sections


@pytest.fixture(scope="module")
def section():
    return synthetic.fibers(
        seed=11,
        fiber_percent=58.0,
        diameter_um=7.0,
        tilt_deg=25.0,
        void_percent=2.5,
        shape_px=(340, 400),
        pixel_um=0.32,
    )


@pytest.fixture(scope="module")
def segmented(section):
    table = dict(RECIPE.BACKEND)
    backend = registry.load("backend", table.pop("name"))
    settings = checked(backend.Settings, table, "fibres")
    image = Micrograph(
        pixels=synthetic.degrade(section.pixels, 2, seed=1),
        calibration=Calibration(pixel_um=section.pixel_um, source="drawn"),
        path="drawn",
    )
    return backend.segment(backend.load(settings), image, settings), image, settings


def test_the_default_backend_finds_the_drawn_phases(section, segmented):
    found, _, _ = segmented
    for number, tolerance in ((1, 1.5), (2, 0.5)):
        drawn = 100 * float((section.labels == number).mean())
        assert 100 * float((found.labels == number).mean()) == pytest.approx(drawn, abs=tolerance)
    both = (section.labels == 2) & (found.labels == 2)
    assert both.sum() > 0.7 * (section.labels == 2).sum()  # the same places, and not as many elsewhere


def test_touching_fibers_are_told_apart(section, segmented):
    found, _, _ = segmented
    number, drawn = (int((np.bincount(one.ravel())[1:] >= 100).sum()) for one in (found.objects, section.objects))
    assert number == pytest.approx(drawn, rel=0.03)  # slivers at the edge of the field are not asked for
    connected = cv2.connectedComponents((found.labels == 1).astype(np.uint8))[0] - 1
    assert connected < 0.6 * number  # they do touch


def test_the_alternatives_move_fibers_and_voids(segmented):
    found, _, _ = segmented
    shares = {
        name: (float((other.labels == 1).mean()), float((other.labels == 2).mean()))
        for name, other in found.alternatives()
    }
    fiber, void = float((found.labels == 1).mean()), float((found.labels == 2).mean())
    assert min(one for one, _ in shares.values()) < fiber < max(one for one, _ in shares.values())
    assert shares["voids -"][1] < void < shares["voids +"][1]


def test_without_voids_none_are_found(segmented):
    _, _, settings = segmented
    drawn = synthetic.fibers(
        seed=12, fiber_percent=55.0, diameter_um=7.0, void_percent=0.0, shape_px=(260, 300), pixel_um=0.32
    )
    pixels = synthetic.degrade(drawn.pixels, 1, seed=1)
    image = Micrograph(pixels=pixels, calibration=Calibration(source="ratio only"), path="drawn")
    found = with_voids.segment(with_voids.load(settings), image, settings)
    assert 100 * float((found.labels == 2).mean()) < 0.05


def test_matrix_in_a_dark_corner_is_no_void(section, segmented):
    _, image, settings = segmented
    dark = synthetic.degrade(section.pixels, synthetic.Degradation(shading=0.45), seed=1)
    found = with_voids.segment(with_voids.load(settings), replace(image, pixels=dark), settings)
    elsewhere = (found.labels == 2) & (section.labels != 2)
    assert 100 * float(elsewhere.mean()) < 0.1
    assert np.count_nonzero((found.labels == 2) & (section.labels == 2)) > 0.85 * np.count_nonzero(section.labels == 2)


def test_any_backend_of_objects_may_find_the_fibers(section, segmented):
    _, image, _ = segmented
    settings = with_voids.Settings(objects={"name": "watershed", "mode": "particles", "phase": "bright"})
    found = with_voids.segment(with_voids.load(settings), image, settings)
    alone = watershed.segment(None, image, watershed.Settings(mode="particles", phase="bright"))
    assert np.array_equal(found.objects, alone.labels)
    assert np.array_equal(found.labels == 1, alone.labels > 0)
    assert 100 * float((found.labels == 2).mean()) == pytest.approx(section.truth["field.void_percent"], abs=0.5)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"objects": {"name": "with_voids"}}, "objects: 'with_voids' cannot be a part of itself"),
        ({"objects": {"name": "labels"}}, "objects: 'labels' reads what a person drew"),
        ({"names": ("matrix", "fiber", "fiber")}, "backend.names: must be three different names"),
        ({"objects": {"name": "threshold", "fase": "dark"}}, "backend with_voids objects.fase"),
    ],
)
def test_a_composition_that_cannot_work_is_refused(settings, said):
    with pytest.raises(SettingsError, match=said):
        with_voids.load(with_voids.Settings(**settings))


def test_a_picture_without_objects_is_refused():
    rng = np.random.default_rng(1)
    pixels = np.clip(rng.normal(120, 2, (120, 140)), 0, 255).astype(np.uint8)
    image = Micrograph(pixels=pixels, calibration=Calibration(source="ratio only"), path="flat.png")
    settings = with_voids.Settings(objects={"name": "threshold", "phase": "bright"})
    with pytest.raises(BackendError, match=r"flat.png: no object found by 'threshold'"):
        with_voids.segment(with_voids.load(settings), image, settings)


def test_the_usual_diameter_is_that_of_the_discs():
    drawn = synthetic.fibers(
        seed=3,
        fiber_percent=50.0,
        diameter_um=30.0,
        scatter_deg=0.0,
        void_percent=0.0,
        shape_px=(300, 300),
        pixel_um=1.0,
    )
    found = packed.usual_diameter(drawn.pixels.astype(np.float32), drawn.labels == 1)
    assert found == pytest.approx(30.0, rel=0.15)


def test_the_rest_of_a_fiber_at_the_edge_is_no_part_of_the_whole_one_beside_it():
    """Discs 22 px across, blurred until they join: one whole, one with its middle beyond the edge, one cut alone."""
    rows, columns = np.mgrid[:80, :160]
    middles = ((16, 50), (-4, 59), (6, 110))
    discs = np.max([np.hypot(rows - row, columns - column) <= 11 for row, column in middles], axis=0)
    gray = cv2.GaussianBlur(discs.astype(np.float32), (0, 0), 1.5)
    mask = gray > 0.5
    assert cv2.connectedComponents(mask.astype(np.uint8))[0] - 1 == 2
    found = packed.parted(gray, mask, 22.0)
    whole, cut = (found == found[row, column] for row, column in ((16, 50), (6, 110)))
    assert not whole[:2].any()
    assert np.count_nonzero(whole) == pytest.approx(pi * 11**2, rel=0.06)
    assert np.array_equal(cut, mask & (columns > 90))  # what is cut and has no neighbor stays in one piece
    assert found[0, 59] not in (0, found[16, 50])


def test_matrix_beside_a_void_is_no_fiber():
    drawn = synthetic.fibers(
        seed=5_000_001,
        fiber_percent=60.0,
        diameter_um=7.7,
        tilt_deg=4.0,
        void_percent=1.5,
        shape_px=(340, 400),
        pixel_um=0.35,
    )
    table = dict(RECIPE.BACKEND)
    settings = checked(with_voids.Settings, {key: table[key] for key in table.keys() - {"name"}}, "fibres")
    image = Micrograph(
        pixels=synthetic.degrade(drawn.pixels, 2, seed=5_000_001),
        calibration=Calibration(source="ratio only"),
        path="drawn",
    )
    found = with_voids.segment(with_voids.load(settings), image, settings)
    fibers = found.objects[found.objects > 0]
    area, drawn_area = np.bincount(fibers), np.bincount(fibers, (drawn.labels == 1)[found.objects > 0])
    assert (drawn_area >= 0.5 * area).all()


def test_drawn_sections_hold_their_share_on_average_and_fibers_touch():
    shares = []
    for seed in range(6):
        drawn = synthetic.fibers(
            seed=seed,
            fiber_percent=60.0,
            diameter_um=10.0,
            tilt_deg=30.0,
            void_percent=1.0,
            shape_px=(150, 160),
            pixel_um=1.0,
        )
        shares.append(drawn.truth["field.fibre_percent"])
    error = float(np.std(shares, ddof=1)) / len(shares) ** 0.5
    assert abs(np.mean(shares) - 60.0) < 3.5 * error


def test_the_truth_of_a_direction_is_that_of_its_fibers():
    drawn = synthetic.fibers(
        seed=1,
        fiber_percent=30.0,
        diameter_um=10.0,
        tilt_deg=40.0,
        azimuth_deg=70.0,
        scatter_deg=0.0,
        shape_px=(80, 80),
    )
    flat = sin(radians(40)) ** 2
    assert drawn.truth["process.mean_fibre_tilt_deg"] == pytest.approx(40.0, abs=1e-6)
    assert drawn.truth["process.orientation_a33"] == pytest.approx(cos(radians(40)) ** 2, abs=1e-9)
    assert drawn.truth["process.orientation_a12"] == pytest.approx(flat * sin(radians(70)) * cos(radians(70)), abs=1e-9)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [({"fiber_percent": 80.0}, "fill at most 72 %"), ({"tilt_deg": 80.0}, "tilt_deg is 80, must lie between 0 and 70")],
)
def test_what_cannot_be_drawn_is_refused(wrong, said):
    with pytest.raises(SettingsError, match=said):
        synthetic.fibers(**{"seed": 1, "fiber_percent": 50.0, "diameter_um": 7.0, **wrong})
