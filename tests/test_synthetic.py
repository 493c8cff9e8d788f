"""The generators against closed formulas: what they call truth is true.

Expected numbers come from stereology and integral geometry (named at each test), never from the generators.
"""

from collections.abc import Callable, Sequence
from math import asin, pi, sqrt
from pathlib import Path

import cv2
import numpy as np
import pytest

from inspect_tool import synthetic
from inspect_tool.errors import SettingsError
from inspect_tool.synthetic import Degradation, Field, Joint
from inspect_tool.synthetic._outlines import Outline

SMALL = (200, 250)


def field_statistics(draw: Callable[[int], Field], quantity: str, n: int) -> tuple[float, float, float]:
    """Mean and standard error of a field quantity over seeds, and the process value."""
    fields = [draw(seed) for seed in range(n)]
    values = np.array([field.truth[f"field.{quantity}"] for field in fields])
    return float(values.mean()), float(values.std(ddof=1) / sqrt(n)), fields[0].truth[f"process.{quantity}"]


# ------------------------------------------------------------------------------------------------- grains


def test_process_truth_of_poisson_voronoi_follows_the_formulas() -> None:
    truth = synthetic.grains(seed=1, grain_size_number=8.0, shape_px=(40, 40), pixel_um=1.0).truth
    # ASTM E112: G 8 has 1984.0 grains per mm2 (value table); Poisson-Voronoi has the mean intercept pi / (4 sqrt(N_A))
    assert truth["process.grains_per_mm2"] == pytest.approx(1984.004, abs=0.001)
    assert truth["process.mean_grain_area_um2"] == pytest.approx(504.031, abs=0.001)
    assert truth["process.mean_intercept_um"] == pytest.approx(pi / 4 * sqrt(504.03125), rel=1e-6)
    # G_intercept - G_planimetric is 0.3635 for every Poisson-Voronoi mosaic
    difference = truth["process.grain_size_number.intercept"] - truth["process.grain_size_number.planimetric"]
    assert difference == pytest.approx(0.3635, abs=0.0001)


def test_poisson_voronoi_fields_agree_with_their_process() -> None:
    fields = [synthetic.grains(seed=s, grains_per_mm2=1111.0, shape_px=SMALL, pixel_um=1.0) for s in range(30)]
    process = fields[0].truth
    density = np.array([field.truth["field.grains_per_mm2"] for field in fields])
    assert density.mean() == pytest.approx(1111.0, abs=3 * density.std(ddof=1) / sqrt(30))
    # crossings per length, not their reciprocal, are unbiased; lines on pixel rows lose chords below one pixel
    crossings = np.array([1 / field.truth["field.mean_intercept_um"] for field in fields])
    allowed = 3 * crossings.std(ddof=1) / sqrt(30) + 0.01 * crossings.mean()
    assert crossings.mean() == pytest.approx(1 / process["process.mean_intercept_um"], abs=allowed)


def test_bent_and_stretched_boundaries_keep_the_density_and_lengthen_the_boundaries_as_stated() -> None:
    def draw(seed: int) -> Field:
        return synthetic.grains(
            seed=seed, grains_per_mm2=1111.0, kind="elongated", aspect=2.0, curvature=0.2, shape_px=SMALL, pixel_um=1.0
        )

    fields = [draw(seed) for seed in range(24)]
    process = fields[0].truth
    density = np.array([field.truth["field.grains_per_mm2"] for field in fields])
    assert density.mean() == pytest.approx(1111.0, abs=3 * density.std(ddof=1) / sqrt(24))
    # stretched by sqrt(2) along the rows, shrunk by it across; bends cost a little of both
    assert 1.8 < process["process.mean_intercept_um.0deg"] / process["process.mean_intercept_um.90deg"] < 2.0
    for direction in ("0deg", "90deg"):
        crossings = np.array([1 / field.truth[f"field.mean_intercept_um.{direction}"] for field in fields])
        allowed = 3 * crossings.std(ddof=1) / sqrt(24) + 0.012 * crossings.mean()
        assert crossings.mean() == pytest.approx(1 / process[f"process.mean_intercept_um.{direction}"], abs=allowed)


def test_bending_alone_lengthens_test_lines_by_the_mean_of_a_rice_variable() -> None:
    # E sqrt((1 + s a)^2 + (s b)^2), a and b standard normal, by 4 million draws of another generator
    random = np.random.RandomState(5)
    a, b = random.standard_normal((2, 4_000_000))
    expected = np.hypot(1 + 0.3 * a, 0.3 * b).mean()
    plain = synthetic.grains(seed=1, grains_per_mm2=1000.0, shape_px=(30, 30), pixel_um=1.0).truth
    bent = synthetic.grains(seed=1, grains_per_mm2=1000.0, curvature=0.3, shape_px=(30, 30), pixel_um=1.0).truth
    ratio = plain["process.mean_intercept_um"] / bent["process.mean_intercept_um"]
    assert ratio == pytest.approx(expected, abs=0.0005)


def test_squares_are_exact() -> None:
    # pitch 20 um = 20 px, corner of the cells at the corner of the image: 4 x 5 whole squares
    field = synthetic.grains(
        seed=1, grains_per_mm2=2500.0, kind="squares", offset_um=(0.0, 0.0), shape_px=(80, 100), pixel_um=1.0
    )
    blocks = np.arange(20).reshape(4, 5).repeat(20, axis=0).repeat(20, axis=1)
    _, first = np.unique(field.labels, return_inverse=True)
    assert (first.reshape(80, 100) == blocks).all()
    assert field.truth["field.grains_per_mm2"] == pytest.approx(2500.0, rel=1e-9)
    # lines at 0 and 90 degrees: the pitch; isotropic: pi a / 4
    assert field.truth["process.mean_intercept_um.0deg"] == pytest.approx(20.0)
    assert field.truth["process.mean_intercept_um"] == pytest.approx(pi * 20 / 4)
    # 4 changes on 99 px of each row
    assert field.truth["field.mean_intercept_um.0deg"] == pytest.approx(99 / 4)


def test_hexagons_have_the_area_and_the_intercepts_of_hexagons() -> None:
    field = synthetic.grains(seed=3, grains_per_mm2=400.0, kind="hexagons", shape_px=(400, 500), pixel_um=1.0)
    # side s: area 2.5981 s2, isotropic mean intercept 1.3603 s; rows 1.299 s, columns 1.5 s (area over width)
    side = sqrt(2500.0 / 2.598076)
    assert field.truth["process.mean_intercept_um"] == pytest.approx(1.36035 * side, rel=1e-4)
    assert field.truth["process.mean_intercept_um.0deg"] == pytest.approx(1.299038 * side, rel=1e-5)
    assert field.truth["process.mean_intercept_um.90deg"] == pytest.approx(1.5 * side, rel=1e-5)
    sizes = np.bincount(field.labels.ravel())[1:]
    cut = np.unique(np.concatenate([field.labels[0], field.labels[-1], field.labels[:, 0], field.labels[:, -1]]))
    whole = np.setdiff1d(np.arange(1, len(sizes) + 1), cut)
    assert len(whole) > 40
    assert sizes[whole - 1].mean() == pytest.approx(2500.0, rel=0.002)
    assert field.truth["field.grains_per_mm2"] == pytest.approx(400.0, rel=0.005)


def test_laguerre_has_a_wider_spread_than_voronoi_and_no_process_truth() -> None:
    laguerre = synthetic.grains(
        seed=1, grains_per_mm2=1000.0, kind="laguerre", spread=0.6, shape_px=(600, 600), pixel_um=1.0
    )
    voronoi = synthetic.grains(seed=1, grains_per_mm2=1000.0, shape_px=(600, 600), pixel_um=1.0)
    assert not [name for name in laguerre.truth if name.startswith("process.")]

    def variation(field: Field) -> float:
        sizes = np.bincount(field.labels.ravel())[1:]
        return float(sizes.std() / sizes.mean())

    assert variation(laguerre) > 1.15 * variation(voronoi)


def test_labels_are_numbered_without_gaps_and_boundaries_are_drawn_dark_where_labels_change() -> None:
    field = synthetic.grains(seed=2, grains_per_mm2=500.0, shape_px=(300, 300), pixel_um=1.0, grain_contrast=0.0)
    assert set(np.unique(field.labels)) == set(range(1, field.labels.max() + 1))
    edge = np.zeros(field.labels.shape, dtype=bool)
    edge[:, 1:] |= field.labels[:, 1:] != field.labels[:, :-1]
    edge[1:] |= field.labels[1:] != field.labels[:-1]
    inside = cv2.distanceTransform((~edge).astype(np.uint8), cv2.DIST_L2, 5) > 6
    assert field.pixels[edge].mean() < 0.65 * field.pixels[inside].mean()


@pytest.mark.parametrize("look", ["etched", "bright", "tinted"])
def test_looks_twins_and_precipitates_leave_the_truth_alone(look: synthetic.GrainLook) -> None:
    plain = synthetic.grains(seed=7, grains_per_mm2=1000.0, shape_px=(100, 120), pixel_um=1.0)
    other = synthetic.grains(
        seed=7,
        grains_per_mm2=1000.0,
        shape_px=(100, 120),
        pixel_um=1.0,
        look=look,
        twins=0.5,
        faint=0.2,
        precipitates_per_mm2=500,
    )
    assert (plain.labels == other.labels).all()
    assert plain.truth == other.truth
    assert (plain.pixels != other.pixels).any()


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({}, "give either grain_size_number or grains_per_mm2"),
        ({"grain_size_number": 8.0, "grains_per_mm2": 1.0}, "give either"),
        ({"grains_per_mm2": 0.0}, "must be > 0, got 0"),
        ({"grain_size_number": 8.0, "curvature": 0.5}, "curvature is 0.5, must lie between 0 and 0.3"),
        ({"grain_size_number": 8.0, "kind": "pentagons"}, "unknown kind 'pentagons'; there are: poisson_voronoi"),
    ],
)
def test_impossible_grains_are_refused(settings: dict[str, object], match: str) -> None:
    with pytest.raises(SettingsError, match=match):
        synthetic.grains(seed=1, shape_px=(20, 20), **settings)  # type: ignore[arg-type]  # wrong on purpose


# ------------------------------------------------------------------------------------------------- phases


@pytest.mark.parametrize("kind", ["gaussian", "boolean", "particles"])
def test_area_fraction_of_fields_agrees_with_the_process(kind: synthetic.PhaseKind) -> None:
    mean, error, truth = field_statistics(
        lambda seed: synthetic.two_phase(
            seed=seed, area_percent=20.0, feature_um=14.0, kind=kind, shape_px=SMALL, pixel_um=1.0
        ),
        "area_percent.second",
        40,
    )
    assert truth == 20.0
    assert mean == pytest.approx(20.0, abs=3 * error)


@pytest.mark.parametrize("kind", ["gaussian", "boolean"])
def test_feature_size_is_the_mean_intercept_of_the_phase(kind: synthetic.PhaseKind) -> None:
    shares, entries = [], []
    for seed in range(30):
        labels = synthetic.two_phase(
            seed=seed, area_percent=30.0, feature_um=16.0, kind=kind, shape_px=(300, 300), pixel_um=1.0
        ).labels
        shares.append((labels == 1).mean())
        entries.append(((labels[:, :-1] == 0) & (labels[:, 1:] == 1)).mean())
    # V_V / N_L, with N_L the entries into the phase per length of test line
    ratio = np.array(shares) / np.array(entries)
    assert np.mean(shares) / np.mean(entries) == pytest.approx(16.0, abs=3 * ratio.std(ddof=1) / sqrt(30) + 0.16)


def test_phases_of_a_mixture_have_their_shares() -> None:
    wanted = {"pearlite": 25.0, "carbide": 8.0}
    fields = [
        synthetic.multi_phase(seed=s, area_percents=wanted, feature_um=8.0, shape_px=SMALL, pixel_um=1.0)
        for s in range(40)
    ]
    assert fields[0].classes == {0: "matrix", 1: "pearlite", 2: "carbide"}
    for name, percent in {**wanted, "matrix": 67.0}.items():
        values = np.array([field.truth[f"field.area_percent.{name}"] for field in fields])
        assert fields[0].truth[f"process.area_percent.{name}"] == percent
        assert values.mean() == pytest.approx(percent, abs=3 * values.std(ddof=1) / sqrt(40))
    assert fields[0].truth["field.area_percent.carbide"] == pytest.approx(100 * (fields[0].labels == 2).mean())


def test_phases_differ_in_gray() -> None:
    field = synthetic.two_phase(
        seed=1, area_percent=30.0, feature_um=20.0, gray=(0.8, 0.3), shape_px=SMALL, pixel_um=1.0
    )
    assert field.pixels[field.labels == 0].mean() == pytest.approx(0.8 * 255, abs=8)
    assert field.pixels[field.labels == 1].mean() == pytest.approx(0.3 * 255, abs=8)


def test_impossible_phases_are_refused() -> None:
    with pytest.raises(SettingsError, match="area fraction is 0 %, must lie between 0 and 100"):
        synthetic.two_phase(seed=1, area_percent=0.0, feature_um=5.0)
    with pytest.raises(SettingsError, match="fill at most 40 %, not 60 %; use kind 'gaussian'"):
        synthetic.two_phase(seed=1, area_percent=60.0, feature_um=5.0, kind="particles")
    with pytest.raises(SettingsError, match="unknown kind 'cubes'; there are: gaussian, boolean, particles"):
        synthetic.two_phase(seed=1, area_percent=6.0, feature_um=5.0, kind="cubes")  # type: ignore[arg-type]
    with pytest.raises(SettingsError, match="2 phases of together 110 %"):
        synthetic.multi_phase(seed=1, area_percents={"a": 60.0, "b": 50.0}, feature_um=5.0)


# -------------------------------------------------------------------------------------------------- pores


def test_pores_of_fields_agree_with_the_process() -> None:
    fields = [
        synthetic.pores(seed=s, porosity_percent=4.0, mean_ecd_um=12.0, clusters=0.3, shape_px=SMALL, pixel_um=1.0)
        for s in range(80)
    ]
    for quantity in ("porosity_percent", "pore_count_per_mm2", "mean_pore_ecd_um"):
        values = np.array([field.truth[f"field.{quantity}"] for field in fields])
        expected = fields[0].truth[f"process.{quantity}"]
        assert values.mean() == pytest.approx(expected, abs=3 * values.std(ddof=1) / sqrt(80)), quantity
    assert fields[0].truth["process.porosity_percent"] == 4.0
    assert fields[0].truth["process.mean_pore_ecd_um"] == 12.0


def test_pore_labels_hold_the_stated_area_and_do_not_touch() -> None:
    field = synthetic.pores(seed=2, porosity_percent=6.0, mean_ecd_um=30.0, shape_px=(500, 600), pixel_um=1.0)
    assert 100 * (field.labels == 1).mean() == pytest.approx(field.truth["field.porosity_percent"], rel=0.01)
    count, _, stats, centroids = cv2.connectedComponentsWithStats(field.labels.astype(np.uint8), connectivity=8)
    inside = [
        i
        for i in range(1, count)
        if stats[i, 0] > 0
        and stats[i, 1] > 0
        and stats[i, 0] + stats[i, 2] < 600
        and stats[i, 1] + stats[i, 3] < 500
        and centroids[i, 0] > 0
    ]
    # the pores with their centers inside are those inside, and some of those cut by the edge
    assert len(inside) <= field.truth["field.pore_count"] <= count - 1


@pytest.mark.parametrize(("rough", "stretch"), [(0.0, 1.0), (0.1, 1.3), (0.4, 2.0)])
def test_outlines_cover_the_area_of_their_equivalent_circle(rough: float, stretch: float) -> None:
    rng = np.random.default_rng(1)
    areas = []
    for _ in range(200):
        at = 60 + rng.uniform(size=2)
        outline = Outline.star(rng, at[0], at[1], 24.0, rough=rough, stretch=stretch)
        areas.append(float(outline.patch((120, 120))[1].sum()))
    assert np.mean(areas) == pytest.approx(pi / 4 * 24.0**2, rel=0.002)


def test_impossible_pores_are_refused() -> None:
    with pytest.raises(SettingsError, match="pores that do not touch fill at most 30 %, not 50 %"):
        synthetic.pores(seed=1, porosity_percent=50.0, mean_ecd_um=10.0)


# ------------------------------------------------------------------------------------------------- solder


def ball(voids: Sequence[tuple[float, float, float]], pixel_um: float = 6.0) -> Joint:
    field = synthetic.solder_balls(seed=1, rows=1, columns=1, diameter_um=500.0, voids=[voids], pixel_um=pixel_um)
    return field.joints[0]


def test_void_shares_of_separate_discs() -> None:
    # ball 0.5 mm, voids 0.2, 0.1, 0.08 mm: 16 + 4 + 2.56 = 22.56 %, largest 16 %
    joint = ball([(-120.0, 0.0, 200.0), (60.0, 60.0, 100.0), (60.0, -100.0, 80.0)])
    assert joint.void_percent == pytest.approx(22.56, abs=1e-9)
    assert joint.largest_void_percent == pytest.approx(16.0, abs=1e-9)
    assert joint.area_um2 == pytest.approx(pi * 250.0**2)
    joint = ball([(-50.0, 0.0, 250.0), (150.0, 0.0, 50.0)])
    assert joint.void_percent == pytest.approx(26.0, abs=1e-9)
    assert joint.largest_void_percent == pytest.approx(25.0, abs=1e-9)


def test_overlapping_voids_count_once() -> None:
    # two circles of radius r at distance r: lens area r2 (2 pi / 3 - sqrt(3) / 2)
    r = 60.0
    lens = r**2 * (2 * pi / 3 - sqrt(3) / 2)
    joint = ball([(0.0, 0.0, 2 * r), (0.0, r, 2 * r)])
    expected = 100 * (2 * pi * r**2 - lens) / (pi * 250.0**2)
    assert joint.void_percent == pytest.approx(expected, rel=1e-5)
    assert joint.largest_void_percent == pytest.approx(expected, rel=1e-5)
    assert ball([(0.0, 0.0, 120.0), (10.0, 10.0, 40.0)]).void_percent == pytest.approx(5.76, rel=1e-5)


def test_only_the_part_inside_the_ball_counts() -> None:
    # void of the ball's own radius R centered on the rim: lens R2 (2 pi / 3 - sqrt(3) / 2)
    joint = ball([(0.0, 250.0, 500.0)])
    assert joint.void_percent == pytest.approx(100 * (2 / 3 - sqrt(3) / 2 / pi), rel=1e-5)


def test_labels_of_balls_hold_the_same_shares() -> None:
    field = synthetic.solder_balls(seed=5, rows=2, columns=3, pixel_um=3.0, void_percent=12.0)
    radius = 250 / 3.0
    for joint in field.joints:
        y, x = np.ogrid[: field.labels.shape[0], : field.labels.shape[1]]
        own = field.labels[(y - joint.row_px) ** 2 + (x - joint.column_px) ** 2 <= (radius + 2) ** 2]
        assert (own > 0).sum() * 9.0 == pytest.approx(joint.area_um2, rel=0.003)
        assert 100 * (own == 2).sum() / (own > 0).sum() == pytest.approx(joint.void_percent, abs=0.15)
    assert field.truth["field.void_percent.max"] == max(joint.void_percent for joint in field.joints)


def test_joints_are_numbered_row_by_row_and_take_the_wanted_shares() -> None:
    wanted = [0.0, 5.0, 10.0, 15.0, 20.0, 25.0]
    field = synthetic.solder_balls(seed=5, rows=2, columns=3, void_percent=wanted)
    assert [joint.joint for joint in field.joints] == [1, 2, 3, 4, 5, 6]
    assert field.joints[0].row_px == field.joints[2].row_px < field.joints[3].row_px
    assert [joint.void_percent for joint in field.joints] == pytest.approx(wanted)
    assert field.truth["field.void_percent.mean"] == pytest.approx(12.5)


def test_shares_too_small_to_be_split_are_one_void() -> None:
    # 0.01 % of a ball is a void of a hundredth of its diameter; 45 % in up to 40 voids hardly ever fits without contact
    for wanted, most in ((0.01, 3), (0.25, 3), (0.3, 50), (45.0, 40)):
        field = synthetic.solder_balls(seed=2, rows=2, columns=2, void_percent=[wanted] * 4, voids_per_joint=most)
        assert [joint.void_percent for joint in field.joints] == pytest.approx([wanted] * 4)
    assert field.truth["field.largest_void_percent.max"] <= 45.0 + 1e-9
    # one of the six joints draws a share of less than 0.25 %
    field = synthetic.solder_balls(seed=84, rows=2, columns=3, pixel_um=7.616, void_percent=5.04)
    assert 0 < min(joint.void_percent for joint in field.joints) < 0.25


def test_light_through_a_ball_follows_beer_and_lambert() -> None:
    field = synthetic.solder_balls(
        seed=1,
        rows=1,
        columns=1,
        voids=[[]],
        pixel_um=2.0,
        absorption=1.5,
        height_ratio=0.75,
        background=0.8,
        vias=False,
        traces=False,
        blur_px=0.0,
    )
    row, column = (round(x) for x in (field.joints[0].row_px, field.joints[0].column_px))
    radius = 125.0
    # the board and its pad take a tenth: compare two places on the pad. Path of a truncated sphere: at the
    # middle the full height, near the rim the chord 2 sqrt(R2 - d2)
    center = field.pixels[row - 3 : row + 4, column - 3 : column + 4].mean()
    away = 0.83 * radius
    chord = 2 * sqrt(radius**2 - away**2) / (0.75 * 2 * radius)
    assert chord < 1
    ring = field.pixels[row - 2 : row + 3, column + round(away) - 1 : column + round(away) + 2].mean()
    assert ring / center == pytest.approx(np.exp(1.5 * (1 - chord)), rel=0.03)


def test_thermal_pad_truth_is_what_the_labels_hold() -> None:
    field = synthetic.thermal_pad(seed=3, void_percent=20.0, vias=(3, 3), leads=False)
    joint = field.joints[0]
    assert joint.void_percent == pytest.approx(20.0, abs=0.2)
    found = 100 * (field.labels == 2).sum() / (field.labels > 0).sum()
    assert found == pytest.approx(joint.void_percent, abs=0.1)
    # nine vias of 250 um are neither joint nor void
    corners = (4 - pi) * (0.04 * 4000) ** 2
    assert joint.area_um2 == pytest.approx(4000.0**2 - corners - 9 * pi * 125.0**2, rel=0.001)
    assert len(field.vias_px) == 9
    assert all(field.labels[round(row), round(column)] == 0 for row, column, _ in field.vias_px)


def test_quadrants_of_a_die_average_to_the_whole() -> None:
    field = synthetic.die_attach(seed=3, void_percent=12.0)
    assert np.mean(field.joints[0].quadrants) == pytest.approx(field.joints[0].void_percent, abs=0.1)
    assert field.joints[0].largest_void_percent < 12.0


def test_impossible_joints_are_refused() -> None:
    with pytest.raises(SettingsError, match="leaves no gap between balls of 500 um"):
        synthetic.solder_balls(seed=1, pitch_um=500.0)
    with pytest.raises(SettingsError, match="voids of 1 joints given, the array has 20"):
        synthetic.solder_balls(seed=1, voids=[[]])
    with pytest.raises(SettingsError, match="void shares must lie between 0 and 45 %, got 60 %"):
        synthetic.solder_balls(seed=1, rows=1, columns=1, void_percent=[60.0])
    with pytest.raises(SettingsError, match="2 void shares given, there are 1 joints"):
        synthetic.solder_balls(seed=1, rows=1, columns=1, void_percent=[6.0, 7.0])
    with pytest.raises(SettingsError, match="voids do not fit in the pad"):
        synthetic.thermal_pad(seed=1, void_percent=70.0, voids=30)


# --------------------------------------------------------------------------------------- seeds and degrading

GENERATORS: dict[str, Callable[[int], Field]] = {
    "grains": lambda s: synthetic.grains(seed=s, grain_size_number=9.0, curvature=0.1, shape_px=(60, 80)),
    "two_phase": lambda s: synthetic.two_phase(seed=s, area_percent=30.0, feature_um=5.0, shape_px=(60, 80)),
    "pores": lambda s: synthetic.pores(seed=s, porosity_percent=5.0, mean_ecd_um=8.0, scratches=9, shape_px=(60, 80)),
    "solder_balls": lambda s: synthetic.solder_balls(seed=s, rows=1, columns=2),
    "thermal_pad": lambda s: synthetic.thermal_pad(seed=s, size_um=(800.0, 800.0), voids=5),
    "die_attach": lambda s: synthetic.die_attach(seed=s, size_um=(800.0, 800.0), voids=5),
}


@pytest.mark.parametrize("name", GENERATORS)
def test_the_same_seed_gives_the_same_field(name: str) -> None:
    one, again, other = GENERATORS[name](4), GENERATORS[name](4), GENERATORS[name](5)
    assert (one.pixels == again.pixels).all()
    assert (one.labels == again.labels).all()
    assert one.truth == again.truth
    assert (one.pixels != other.pixels).any()


@pytest.mark.parametrize("name", GENERATORS)
def test_fields_are_what_they_say(name: str) -> None:
    field = GENERATORS[name](4)
    assert field.pixels.dtype == np.uint8
    assert field.labels.dtype == np.int32
    assert field.pixels.shape == field.labels.shape
    if field.kind == "semantic":
        assert set(np.unique(field.labels)) <= set(field.classes)
    assert all(type(value) is float for value in field.truth.values())


def test_degrading_is_repeatable_and_gets_worse() -> None:
    field = synthetic.two_phase(seed=1, area_percent=30.0, feature_um=15.0, shape_px=(400, 500), pixel_um=0.5)
    worse = [synthetic.degrade(field.pixels, level, seed=3) for level in range(4)]
    assert (worse[0] == field.pixels).all()
    assert (worse[2] == synthetic.degrade(field.pixels, 2, seed=3)).all()
    contrasts = [
        (p[field.labels == 0].mean() - p[field.labels == 1].mean())
        / sqrt(p[field.labels == 0].std() * p[field.labels == 1].std())
        for p in worse
    ]
    assert contrasts == sorted(contrasts, reverse=True)
    assert all(p.dtype == np.uint8 for p in worse)


def test_noise_has_the_stated_size() -> None:
    flat = np.full((400, 400), 128, dtype=np.uint8)
    # shot noise of n electrons: 128 gray levels of 255 are 10000 * 128 / 255 electrons
    electrons = 10000 * 128 / 255
    expected = sqrt((128 / sqrt(electrons)) ** 2 + 2.0**2 + 1 / 12)
    noisy = synthetic.degrade(flat, Degradation(electrons=10000, read_noise=2.0), seed=1)
    assert noisy.std() == pytest.approx(expected, rel=0.02)
    assert noisy.mean() == pytest.approx(128, abs=0.05)


def test_shading_has_the_stated_depth() -> None:
    flat = np.full((200, 300), 200, dtype=np.uint8)
    even = synthetic.degrade(flat, Degradation(shading=0.25), seed=1, modality="xray")
    assert even[100, 150] == 200
    assert even[0, 0] == even[-1, -1] == 150


def test_an_unknown_level_is_refused() -> None:
    with pytest.raises(SettingsError, match="level is 4, must lie between 0 and 3"):
        synthetic.degrade(np.zeros((2, 2), dtype=np.uint8), 4, seed=1)


def test_lens_formula_of_the_tests_is_right() -> None:
    # the lens of two circles of radius 1 at distance 1, from the general formula 2 acos(d / 2) - d / 2 sqrt(4 - d2)
    assert 2 * pi / 3 - sqrt(3) / 2 == pytest.approx(2 * (pi / 2 - asin(0.5)) - 0.5 * sqrt(3))


def test_code_of_the_documentation_runs(capsys: pytest.CaptureFixture[str]) -> None:
    page = Path(__file__).resolve().parent.parent / "docs" / "synthetic.md"
    names: dict[str, object] = {}
    for block in page.read_text(encoding="utf-8").split("```python\n")[1:]:
        exec(block.split("```")[0], names)
    hits = int(capsys.readouterr().out.split()[0])
    # a 95 % interval misses in 1 of 20 jobs; 4 or more misses have a chance of 1.6 % (binomial)
    assert hits >= 17
