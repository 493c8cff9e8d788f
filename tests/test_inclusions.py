"""Inclusions of known length, width and gray: their types, stringers and severities, and what makes them unsure."""

from dataclasses import replace

import numpy as np
import pytest

from inspect_tool import registry, synthetic
from inspect_tool.acceptance import plausibility
from inspect_tool.errors import SettingsError
from inspect_tool.measure.regions import connected, region_table
from inspect_tool.model import Calibration, Micrograph, Requirement, Segmentation
from inspect_tool.recipes.inclusions.darkness import found_limit, outline_ratios, read_gray
from inspect_tool.recipes.inclusions.limits import limits_of
from inspect_tool.recipes.inclusions.stringers import Particles, inclusions_of
from inspect_tool.standards.editions import editions_for, load_standard
from inspect_tool.standards.formulas import iso_4967
from inspect_tool.statistics.totals import total_per_area
from inspect_tool.synthetic import steels
from inspect_tool.synthetic._outlines import Outline, numbered

RECIPE = registry.load("recipe", "inclusions")
SCALE = Calibration(pixel_um=1.0, u_rel=0.002, source="stage micrometer")
ISO, E45 = (limits_of(load_standard(name)) for name in ("iso_4967_2013", "astm_e45_2018"))
SULFIDE, OXIDE = 110, 30


def bars(*boxes, shape=(300, 400)):
    """Rectangles, each (top, left, height, width, gray), on a matrix of gray 210, with their labels."""
    pixels, labels = np.full(shape, 210, np.uint8), np.zeros(shape, np.int32)
    for top, left, height, width, gray in boxes:
        pixels[top : top + height, left : left + width] = gray
        labels[top : top + height, left : left + width] = 1
    return pixels, labels


def field(pixels, labels, number=1, calibration=SCALE, others=()):
    image = Micrograph(pixels=pixels, calibration=calibration, path=f"field_{number}", field=number)
    found = Segmentation(labels=labels, classes={0: "matrix", 1: "inclusion"}, kind="semantic", backend="labels")
    made = tuple((name, replace(found, labels=other)) for name, other in others)
    return image, replace(found, alternatives=lambda: iter(made)) if made else found


def findings(pairs, edition="", **settings):
    chosen = RECIPE.Settings(**{"sulfide_darkness": 0.68} | settings)
    editions = editions_for(RECIPE, chosen, edition)
    return RECIPE.combine([RECIPE.measure_field(*pair, chosen, editions) for pair in pairs], chosen, editions)


def results(pairs, edition="", **settings):
    return {result.quantity: result for result in findings(pairs, edition, **settings).results}


def lines(result):
    return {str(line.name): line for line in result.budget}


def particles(*rows):
    """Particles along the rows, each (row, column, length, width, sulfide) in um and px alike."""
    table = np.asarray([row[:4] for row in rows], float)
    n = len(table)
    return Particles(
        row_px=table[:, 0],
        column_px=table[:, 1],
        length_um=table[:, 2],
        width_um=table[:, 3],
        ecd_um=np.sqrt(table[:, 2] * table[:, 3]),
        angle_deg=np.zeros(n),
        sulfide=np.asarray([row[4] for row in rows], bool),
        weight=np.ones(n),
        unsure=np.zeros(n, bool),
        cut=np.zeros(n, bool),
        whole_um=table[:, 3],
    )


def types(found):
    return sorted((one.type, len(one.members), round(one.length_um)) for one in found)


# ------------------------------------------------------------------------------------------------------- standards


@pytest.mark.parametrize(
    ("kind", "lengths"),
    [
        ("A", (37, 127, 261, 436, 649, 898)),
        ("B", (17.2, 76.8, 184.2, 342.7, 554.7, 822.2)),
        ("C", (17.8, 75.6, 176, 320.5, 510.3, 746.1)),
        ("D", (1, 4, 9, 16, 25, 36)),
    ],
)
def test_the_formulas_give_the_minimum_values_of_the_tables(kind, lengths):
    """Tables of minimum values for 0.5, 1, ... 3: lengths differ by 2.2 % at most, which is 1.2 % of a severity."""
    line = ISO.lines[kind]
    for step, length in enumerate(lengths, 1):
        assert iso_4967.severity_index(length, line.slope, line.intercept) == pytest.approx(step / 2, rel=0.0125)


def test_500_um_have_the_severities_of_the_worked_case():
    """ISO 4967, Annex D: 2.1566, 2.3853 and 2.4740; all of them are reported as 2."""
    found = {kind: ISO.index(f"{kind}_thin", 500.0) for kind in "abc"}
    assert found == {"a": pytest.approx(2.1566, abs=5e-4), "b": pytest.approx(2.3853, abs=5e-4),
                     "c": pytest.approx(2.474, abs=5e-4)}  # fmt: skip
    assert {iso_4967.severity_class(index, 5.0) for index in found.values()} == {2.0}


# ------------------------------------------------------------------------------------------------ types, stringers


def test_one_oxide_has_another_type_by_another_edition():
    """Length over width of 4: C by ISO 4967 (from 3 on), B by ASTM E45 (2 to 5); of 8 C and of 1.5 D by both."""
    one = particles((10, 10, 40, 10, False))
    assert [types(inclusions_of(one, limits, 0.0, 1.0))[0][0] for limits in (ISO, E45)] == ["C", "B"]
    for aspect, kind in ((8.0, "C"), (1.5, "D")):
        other = particles((10, 10, 10 * aspect, 10, False))
        assert {types(inclusions_of(other, limits, 0.0, 1.0))[0][0] for limits in (ISO, E45)} == {kind}


def test_three_oxides_in_a_row_are_a_stringer_and_two_are_none():
    row = [(50, 20 + 30 * i, 8, 6, False) for i in range(3)]
    assert types(inclusions_of(particles(*row), ISO, 0.0, 1.0)) == [("B", 3, 68)]
    assert types(inclusions_of(particles(*row[:2]), ISO, 0.0, 1.0)) == [("D", 1, 8), ("D", 1, 8)]


@pytest.mark.parametrize(("gap", "joined"), [(39.0, True), (41.0, False)])
def test_a_gap_of_40_um_is_bridged_and_no_more(gap, joined):
    pair = particles((50, 50, 60, 3, True), (50, 110 + gap, 60, 3, True))
    assert types(inclusions_of(pair, ISO, 0.0, 1.0)) == (
        [("A", 2, round(120 + gap))] if joined else [("A", 1, 60), ("A", 1, 60)]
    )


def test_the_offset_that_is_bridged_is_10_um_by_iso_4967_and_15_by_astm_e45():
    pair = particles((50, 50, 60, 3, True), (62, 130, 60, 3, True))
    assert len(inclusions_of(pair, ISO, 0.0, 1.0)) == 2
    assert len(inclusions_of(pair, E45, 0.0, 1.0)) == 1


def test_sulfides_and_oxides_are_not_joined_to_each_other():
    found = inclusions_of(particles((50, 50, 60, 3, True), (50, 120, 60, 3, False)), ISO, 0.0, 1.0)
    assert [(one.type, one.length_um) for one in found] == [("A", 60.0), ("C", 60.0)]


def test_particles_join_along_the_rolling_direction_wherever_it_points():
    """A row of four at 30 degrees: one stringer along it, single globules along the rows."""
    turn = np.radians(30)
    row = particles(*[(200 - 30 * i * np.sin(turn), 50 + 30 * i * np.cos(turn), 8, 7, False) for i in range(4)])
    (one,) = inclusions_of(row, ISO, 30.0, 1.0)
    assert (one.type, len(one.members)) == ("B", 4)
    assert np.hypot(*np.subtract(one.end_px, one.start_px)) == pytest.approx(one.length_um, abs=1e-9)
    assert {kind for kind, _, _ in types(inclusions_of(row, ISO, 0.0, 1.0))} == {"D"}


def test_the_rolling_direction_is_found_in_the_field():
    drawn = synthetic.inclusions(
        seed=4, per_mm2={"A": 90.0, "D": 50.0}, turn_deg=-12.0, shape_px=(300, 400), pixel_um=1.0
    )
    pair = field(drawn.pixels, drawn.labels)
    values = RECIPE.measure_field(*pair, RECIPE.Settings(), editions_for(RECIPE, RECIPE.Settings())).values
    assert values.direction_found == 1
    assert values.direction_deg == pytest.approx(-12, abs=1.5)
    assert values.aligned_percent == pytest.approx(100)


def test_a_sliver_at_the_frame_belongs_to_the_stringer_it_lies_in():
    """It is short, lies across and has the gray of a sulfide, all of which is of the frame; so far inside it is one."""
    row = [(50, 20 + 30 * i, 8, 6, False) for i in range(2)]
    sliver = particles(*row, (50, 80, 6, 2, True))
    turned = {"angle_deg": np.array([0.0, 0.0, 90.0]), "unsure": np.array([False, False, True])}
    at_frame = replace(sliver, **turned, cut=np.array([False, False, True]))
    assert [kind for kind, _, _ in types(inclusions_of(at_frame, ISO, 0.0, 1.0))] == ["B"]
    inside = replace(sliver, **turned)
    assert [kind for kind, _, _ in types(inclusions_of(inside, ISO, 0.0, 1.0))] == ["C", "D", "D"]


@pytest.mark.parametrize(
    ("rest", "fragments", "expected"),
    [
        ((7, 7, 10, 10), "as seen", "heavy"),
        ((7, 7, 10, 10), "as long", "thin"),  # were it whole, its length would stand with the thin ones
        ((7, 7, 10), "as seen", "thin"),
        ((7, 7, 10), "as wide", "heavy"),
    ],
)
def test_a_fragment_that_the_frame_cuts_may_count_either_way_in_the_width_of_its_stringer(rest, fragments, expected):
    """1 um of it is seen, 5 um long; the others are as long as they are wide, and half of their length is no wider."""
    row = particles((50, 2, 5, 1, False), *[(50, 20 + 25 * i, wide, wide, False) for i, wide in enumerate(rest)])
    row = replace(row, cut=np.arange(len(rest) + 1) == 0)
    (found,) = inclusions_of(row, ISO, 0.0, 1.0, fragments)
    assert (found.type, ISO.lines["B"].thickness(found.width_um)) == ("B", expected)


def test_a_sliver_of_two_pixels_at_the_frame_lengthens_its_stringer_and_may_be_a_pit():
    """It is smaller than what counts, and the next frame leaves it to this one."""
    row = [(50, 20 + 30 * i, 8, 8, OXIDE) for i in range(4)]
    with_it, without = (
        results([field(*bars(*some))])["severity.b_thin"] for some in ([(52, 0, 2, 1, OXIDE), *row], row)
    )
    assert without.value == pytest.approx(ISO.index("b_thin", 98), abs=0.02)
    assert with_it.value == pytest.approx(ISO.index("b_thin", 118), abs=0.02)
    pit = lines(with_it)["specks that may be pits"].u
    assert pit == pytest.approx((with_it.value - without.value) / np.sqrt(3))


def test_a_particle_whose_gray_tells_nothing_and_that_lies_alone_stays_what_it_seems():
    far = replace(particles((50, 50, 8, 6, False), (50, 200, 6, 4, True)), unsure=np.array([False, True]))
    assert [one.type for one in inclusions_of(far, ISO, 0.0, 1.0)] == ["A", "D"]


# ---------------------------------------------------------------------------------------------------------- the gray


def gray_of(pixels, numbers, *, drawn=False):
    table = region_table(numbers, None)
    width = 4 / np.pi * table["area_px2"] / table["feret_max_px"]
    sizes = [one.to_numpy(float) for one in (table["feret_max_px"], width, table["perimeter_px"])]
    return read_gray(pixels, numbers, *sizes, drawn=drawn)


@pytest.mark.parametrize(("blur", "allowed"), [(0.8, 0.03), (1.4, 0.16)])
def test_globules_of_4_px_keep_their_darkness_behind_blur_and_a_mask_twice_as_large(blur, allowed):
    """Discs of 4 px beside one of 30 px that tells the blur; masks a pixel too wide would make them sulfides."""
    import cv2

    cover, mask = np.zeros((160, 320), np.float32), np.zeros((160, 320), np.uint8)
    discs = [(40, 20 + 30 * i, 2) for i in range(9)] + [(110, 160, 15)]
    for row, column, radius in discs:
        y, x = np.mgrid[:160, :320]
        cover = np.maximum(cover, np.clip(radius + 0.5 - np.hypot(y - row, x - column), 0, 1).astype(np.float32))
        mask[np.hypot(y - row, x - column) <= radius + 1] = 1
    pixels = np.rint(cv2.GaussianBlur(210 - (210 - OXIDE) * cover, (0, 0), blur)).astype(np.uint8)
    found = gray_of(pixels, connected(mask > 0))
    assert found.missing[:9].max() < 0.4  # a sulfide's
    assert found.darkness == pytest.approx([1 - OXIDE / 210] * 10, abs=allowed)


def test_blur_does_not_make_thin_oxides_sulfides():
    """Bars of 2 and 8 px of the same gray; blur leaves the thin one with half of its depth."""
    import cv2

    pixels, labels = bars((50, 50, 2, 100, OXIDE), (150, 50, 8, 100, OXIDE))
    numbers = labels.copy()
    numbers[150:158] *= 2
    found = gray_of(cv2.GaussianBlur(pixels, (0, 0), 1.2), numbers, drawn=True)
    assert found.darkness == pytest.approx([1 - OXIDE / 210] * 2, abs=0.06)
    assert found.core[0] == -1
    assert found.core[1] == pytest.approx(1 - OXIDE / 210, abs=0.02)


def test_the_area_by_gray_is_that_of_the_particle_whatever_its_mask():
    """Masks of bars of 8 px that lie a pixel too far out: 1020 px2 in the place of 800."""
    import cv2

    pixels, labels = bars(*[(40 * i, 50, 8, 100, OXIDE) for i in range(1, 6)])
    wide = cv2.dilate(labels.astype(np.uint8), np.ones((3, 3), np.uint8))
    numbers = connected(wide > 0)
    area = np.bincount(numbers.ravel())[1:].astype(float)
    found = gray_of(cv2.GaussianBlur(pixels, (0, 0), 1.0), numbers)
    by_gray = area * outline_ratios(found, np.zeros(5, bool), area)
    assert by_gray == pytest.approx([800.0] * 5, rel=0.03)
    assert area[0] == 1020


@pytest.mark.parametrize(("mask", "wide"), [(12, 1), (5, 2)])
def test_a_mask_around_a_scratch_is_no_inclusion(mask, wide):
    """A line of 1 or 2 px, a little darker than the matrix, in a mask of 12 or 5; four sulfides say how dark one is."""
    pixels, labels = bars(*[(40 * i, 50, 8, 100, SULFIDE) for i in range(1, 5)], (250, 50, mask, 300, 210))
    pixels[252 : 252 + wide, 50:350] = 150
    image, found = field(pixels, labels)
    by_machine = replace(found, backend="threshold")
    assert results([(image, by_machine)])["inclusion_count_per_mm2"].value == pytest.approx(4 / 0.12)
    assert results([(image, found)])["inclusion_count_per_mm2"].value == pytest.approx(5 / 0.12)


def test_the_limit_lies_between_two_humps_whatever_the_offset_of_the_camera():
    rng = np.random.default_rng(1)
    dark = np.concatenate([rng.normal(0.5, 0.04, 30), rng.normal(0.85, 0.04, 30)])
    for gain in (1.0, 0.7):
        found = found_limit(gain * dark, np.full(60, 50.0))
        assert found.found
        assert found.darkness == pytest.approx(gain * 0.675, abs=0.02)
    assert not found_limit(rng.normal(0.6, 0.05, 60), np.full(60, 50.0)).found


def test_fields_of_one_kind_of_gray_are_told_on_page_1():
    pair = field(*bars(*[(30 * i, 40, 8, 60, OXIDE) for i in range(1, 8)]))
    found = findings([pair], sulfide_darkness="auto")
    assert "has not two humps" in " ".join(map(str, found.warnings))
    assert "has not two humps" not in " ".join(map(str, findings([pair]).warnings))


# ------------------------------------------------------------------------------------------------------- severities


def test_thin_and_heavy_are_apart_and_wider_ones_are_stated():
    """3, 7 and 15 um of sulfide: thin to 4, heavy to 12."""
    pixels, labels = bars((50, 50, 3, 200, SULFIDE), (100, 50, 7, 100, SULFIDE), (150, 50, 15, 150, SULFIDE))
    found = findings([field(pixels, labels)])
    by_name = {result.quantity: result for result in found.results}
    assert by_name["severity.a_thin"].value == pytest.approx(ISO.index("a_thin", 200.0), rel=0.01)
    assert by_name["severity.a_heavy"].value == pytest.approx(ISO.index("a_heavy", 250.0), rel=0.01)
    assert "1 oversize" in " ".join(map(str, found.warnings))
    oversize = next(table for table in found.tables if str(table.title) == "Oversize inclusions")
    assert [row[2] for row in oversize.rows] == ["A"]


def test_the_worst_field_lies_anywhere_in_the_image():
    """Squares of 200 px in an image of 300 x 500; two sulfides meet in the middle, where a grid cuts between them."""
    pixels, labels = bars((100, 150, 3, 90, SULFIDE), (200, 260, 3, 90, SULFIDE), shape=(300, 500))
    coarse = replace(SCALE, pixel_um=710 / 200)
    found = results([field(pixels, labels, calibration=coarse)])
    # 10.7 um wide: heavy
    assert found["severity.a_heavy"].value == pytest.approx(ISO.index("a_heavy", 180 * 710 / 200), rel=0.01)


def test_the_worst_of_several_fields_counts_and_not_their_mean():
    one = field(*bars((50, 50, 3, 100, SULFIDE)), number=1)
    two = field(*bars((50, 50, 3, 300, SULFIDE)), number=2)
    assert results([one, two])["severity.a_thin"].value == pytest.approx(ISO.index("a_thin", 300.0), rel=0.01)


def test_globules_are_counted_and_a_large_one_is_rated_by_its_diameter():
    pixels, labels = bars(*[(40 * i, 60, 6, 6, OXIDE) for i in range(1, 5)], (100, 200, 27, 27, OXIDE))
    found = results([field(pixels, labels)])
    assert found["severity.d_thin"].value == pytest.approx(1.0, abs=0.01)  # √4 / 2
    diameter = 27 * np.sqrt(4 / np.pi)
    assert found["severity.ds"].value == pytest.approx(3.311 * np.log10(diameter) - 3.22, abs=0.01)
    by_e45 = results([field(pixels, labels)], "astm_e45_2018")
    assert "severity.ds" not in by_e45
    assert by_e45["severity.d_heavy"].value == pytest.approx(0.5, abs=0.01)  # there it is a wide globule


def test_one_measurement_is_rated_by_several_editions_side_by_side():
    pair = field(*bars((50, 50, 6, 24, OXIDE), (100, 60, 3, 90, SULFIDE), (150, 100, 5, 5, OXIDE)))
    both = results([pair], also_by=("astm_e45_2018",))
    alone = results([pair], "astm_e45_2018")
    for series in E45.series:
        one, other = both[f"severity.{series}.astm_e45_2018"], alone[f"severity.{series}"]
        assert one.value == pytest.approx(other.value)
        assert one.expanded_u == pytest.approx(other.expanded_u)
    assert "ASTM E45-18" in both["severity.a_thin.astm_e45_2018"].title


def test_a_requirement_on_another_edition_brings_it():
    asked = [Requirement(quantity="severity.b_thin.astm_e45_2018", unit="1", upper=2.0, source="drawing")]
    found = editions_for(RECIPE, RECIPE.Settings(), asked=asked)
    assert [edition.name for edition in found.others] == ["astm_e45_2018"]
    with pytest.raises(SettingsError, match=r"no edition 'din_50602'; there are: iso_4967_2013, astm_e45_2018"):
        editions_for(RECIPE, RECIPE.Settings(also_by=("din_50602",)))


def test_a_class_near_its_limit_says_how_sure_it_is():
    """B of 342 um: severity 2.001, hardly above the limit of 2."""
    row = [(50, 20 + 34 * i, 5, 5, OXIDE) for i in range(10)]
    found = results([field(*bars(*row, (50, 357, 5, 5, OXIDE)))])["severity.b_thin"]
    assert 2.0 <= found.value <= 2.01
    assert found.rounded == "2.0"
    shares = {str(one.name): one.probability for one in found.rating.classes}
    assert shares["2"] > 0.05
    assert shares["1.5"] > 0.05


def test_what_lies_near_a_limit_of_width_is_a_line_of_the_budget():
    """Sulfides of 4 um are thin, and heavy with outlines a quarter of a pixel farther out, their tips by what the grid
    may hide; those of 2 um stay thin."""
    near = results([field(*bars((50, 50, 4, 120, SULFIDE)))])["severity.a_heavy"]
    assert lines(near)["outline of inclusions"].u == pytest.approx(
        ISO.index("a_heavy", 120.5 + 120 / 8**2) / np.sqrt(3), rel=0.001
    )
    far = results([field(*bars((50, 50, 2, 120, SULFIDE)))])["severity.a_heavy"]
    assert lines(far)["outline of inclusions"].u == 0


@pytest.mark.parametrize("size", [7, 9, 11])
def test_round_globules_are_as_wide_as_they_are_drawn_on_average(size):
    rng = np.random.default_rng(size)
    drawn = [
        Outline(*(30 * np.add(at, rng.uniform(0.47, 0.53, 2))), size, (), rng.uniform(1, 1.25), rng.uniform(0, np.pi))
        for at in np.ndindex(12, 12)
    ]
    labels = (numbered((360, 360), drawn) > 0).astype(np.int32)
    pixels = np.where(labels > 0, OXIDE, 210).astype(np.uint8)
    table = RECIPE.measure_field(*field(pixels, labels), RECIPE.Settings(), editions_for(RECIPE, RECIPE.Settings()))
    off = table.features["width_um"].to_numpy() - [one.ecd**2 / one.feret() for one in drawn]
    assert abs(off.mean()) < 0.12  # px; with the smaller of this width and the smallest caliper 0.19 to 0.22


@pytest.mark.parametrize(("top", "cut"), [(0, True), (50, False)])
def test_the_width_of_what_the_frame_cuts_along_is_a_line_of_the_budget(top, cut):
    """3 um of a silicate of 100 um: thin as it shows, heavy if it is as wide again beyond the frame."""
    heavy = results([field(*bars((top, 50, 3, 100, OXIDE)))])["severity.c_heavy"]
    expected = ISO.index("c_heavy", 100.0) / np.sqrt(3) if cut else 0.0
    assert lines(heavy)["inclusions cut by the frame"].u == pytest.approx(expected, rel=0.01)


def test_a_series_without_inclusions_is_0_by_one_of_the_least_size():
    """One globule of 13 um makes DS 0.468, one of type D 0.5, 3 um of A 0.12; the 0 is no doubt."""
    found = findings([field(*bars((50, 50, 8, 120, OXIDE)))])
    by_name = {result.quantity: result for result in found.results}
    for series, index in (("ds", 0.468), ("d_thin", 0.5), ("a_thin", 0.1226)):
        one = by_name[f"severity.{series}"]
        assert one.value == 0
        assert lines(one)["one inclusion missed or added"].u == pytest.approx(index / np.sqrt(3), rel=0.01)
    asked = plausibility.gated(found, ["severity.d_thin"])
    assert all(check.passed for check in asked.checks if check.scope == "plausibility")


def test_a_structure_that_was_taken_for_inclusions_is_doubted():
    found = findings([field(*bars(*[(30 * i, 20, 12, 360, OXIDE) for i in range(1, 9)]))])
    failed = [check for check in found.checks if check.scope == "plausibility" and not check.passed]
    assert [str(check.name) for check in failed] == ["Area of inclusions in a field"]


def test_a_gap_near_what_is_bridged_is_a_line_of_the_budget():
    near = field(*bars((50, 20, 3, 100, SULFIDE), (50, 162, 3, 100, SULFIDE)))
    line = lines(results([near])["longest_inclusion_um"])["joining distance"]
    assert line.u == pytest.approx((242 - 100) / np.sqrt(3), rel=0.01)


def test_other_levels_move_the_result():
    pixels, labels = bars((50, 50, 3, 120, SULFIDE))
    _, longer = bars((50, 50, 3, 150, SULFIDE))
    line = lines(results([field(pixels, labels, others=(("threshold +", longer),))])["longest_inclusion_um"])
    assert line["segmentation"].u == pytest.approx(30 / np.sqrt(3), rel=0.01)


# ------------------------------------------------------------------------------------------- numbers and lengths


def test_a_particle_that_two_frames_share_is_counted_once():
    """A plane of 600 x 800 with a particle on every border between its four frames, and in each frame one."""
    boxes = [(296, 100, 8, 8, OXIDE), (296, 500, 8, 8, OXIDE), (100, 396, 8, 8, OXIDE), (500, 396, 8, 8, OXIDE)]
    boxes += [(row, column, 8, 8, OXIDE) for row in (150, 450) for column in (200, 600)]
    pixels, labels = bars(*boxes, shape=(600, 800))
    frames = [
        field(pixels[r : r + 300, c : c + 400], labels[r : r + 300, c : c + 400], n)
        for n, (r, c) in enumerate([(0, 0), (0, 400), (300, 0), (300, 400)], 1)
    ]
    assert results(frames)["inclusion_count_per_mm2"].value == pytest.approx(len(boxes) / 0.48)


def test_the_number_that_was_seen_counts_half_beyond_the_limits_of_a_total():
    """Mid-P limits by the Poisson distribution itself; of none seen half of exp(-x) is 2.5 %."""
    from scipy.stats import poisson

    found = total_per_area(np.full(16, 2.0), np.zeros(16, np.int64), np.array([4.0]))
    low, high = (end * 4 / 2 for end in found.alone)
    assert found.value == 8
    assert poisson.sf(16, low) + poisson.pmf(16, low) / 2 == pytest.approx(0.025)
    assert poisson.cdf(16, high) - poisson.pmf(16, high) / 2 == pytest.approx(0.025)
    none = total_per_area(np.zeros(0), np.zeros(0, np.int64), np.array([1.0]), unseen=(2.0,))
    assert none.alone == pytest.approx((0, 2 * -np.log(0.05)), abs=0.01)


def test_a_few_stringers_do_not_hide_among_many_globules():
    """20 globules and two stringers of 8: the two alone may as well be seven."""
    weights, kind = np.array([1.0] * 20 + [8.0] * 2), np.array([0] * 20 + [1] * 2)
    group, area = np.zeros(22, np.int64), np.array([1.0])
    apart = total_per_area(weights, group, area, kind)
    assert apart.alone[1] > total_per_area(weights, group, area).alone[1]
    assert apart.alone[1] - 36 >= 8 * (6.61 - 2)  # 6.61: mid-P limit of a Poisson number of 2


def test_without_a_scale_there_is_the_area_and_nothing_else():
    pair = field(*bars((50, 50, 3, 120, SULFIDE)), calibration=Calibration(pixel_um=None, source="ratio only"))
    found = findings([pair])
    assert [result.quantity for result in found.results] == ["inclusion_percent"]
    assert "without a scale" in " ".join(map(str, found.warnings))


def test_an_area_below_160_mm2_and_a_picture_smaller_than_a_field_are_said():
    checks = {str(check.name): check for check in findings([field(*bars((50, 50, 3, 120, SULFIDE)))]).checks}
    assert not checks["Area inspected"].passed
    assert checks["Area inspected"].value == pytest.approx(0.12)
    assert not checks["Shorter side of the smallest image"].passed


# ----------------------------------------------------------------------------------------------------------- drawn


def test_what_is_drawn_has_the_length_and_area_of_its_process():
    """3000 sulfides and silicates of the generator, without a picture."""
    rng = np.random.default_rng(0)
    for kind in ("A", "C"):
        made = [steels._MAKE[kind](rng, 0.0)[0] for _ in range(1500)]
        lengths = np.array([one.feret() for one in made])
        error = lengths.std() / np.sqrt(len(lengths))
        assert lengths.mean() == pytest.approx(steels._mean_length(kind), abs=4 * error)


def test_drawn_inclusions_keep_apart_or_lie_nearly_at_random():
    """As many sulfides of 45 um and more as no frame holds 50 um apart, and none touches another 2 um from it."""
    crowded = {"seed": 4, "per_mm2": {"A": 700.0}, "shape_px": (200, 240), "pixel_um": 0.8}
    with pytest.raises(SettingsError, match="do not fit apart"):
        synthetic.inclusions(**crowded)
    drawn = synthetic.inclusions(**crowded, apart_um=(2.0, 2.0))
    assert connected(drawn.labels == 1).max() == len(np.unique(drawn.objects)) - 1


@pytest.mark.parametrize("seed", [3, 5])
def test_drawn_steels_have_their_severities_by_the_default_backend(seed):
    """Two fields each; U holds the truth of the very fields in all but one of their series at most."""
    pairs, truth = [], []
    asked = {name: value for name, value in RECIPE.BACKEND.items() if name != "name"}
    backend = registry.load("backend", RECIPE.BACKEND["name"])
    for number in range(2):
        drawn = synthetic.inclusions(
            seed=10 * seed + number,
            per_mm2={"A": 60.0, "B": 8.0, "C": 8.0, "D": 80.0},
            shape_px=(400, 500),
            pixel_um=0.8,
        )
        image = Micrograph(
            pixels=synthetic.degrade(drawn.pixels, 1, seed=number),
            calibration=Calibration(pixel_um=0.8, u_rel=0.002, source="drawn"),
            path="drawn",
            field=number + 1,
        )
        pairs.append((image, backend.segment(None, image, backend.Settings(**asked))))
        truth.append(drawn.truth)
    found = results(pairs, sulfide_darkness="auto")
    held = []
    for series in ISO.series[:-1]:
        key = f"field.{'number' if series[0] == 'd' else 'length_um'}.{series}"
        index = ISO.index(series, max(one[key] for one in truth))
        low, high = found[f"severity.{series}"].interval
        held.append(low <= index <= high)
    assert sum(held) >= len(held) - 1
    percent = found["inclusion_percent"]
    assert percent.value == pytest.approx(np.mean([one["field.inclusion_percent"] for one in truth]), abs=0.35)
    assert percent.interval[0] <= truth[0]["process.inclusion_percent"] <= percent.interval[1]
