"""Methods K and M by the sizes of a laboratory's own file. The table here is made up and is that of no standard."""

import re
from dataclasses import replace
from math import pi
from pathlib import Path

import cv2
import numpy as np
import pytest
from test_inclusions import OXIDE, SULFIDE, bars, field, lines

from inspect_tool import registry
from inspect_tool.errors import MeasurementError, StandardError
from inspect_tool.files import load_report
from inspect_tool.inspection.job_run import run
from inspect_tool.recipes.inclusions.sizes import size_limits_of, sorted_by
from inspect_tool.recipes.inclusions.stringers import Particles, inclusions_of
from inspect_tool.standards.editions import editions_for, load_standard
from inspect_tool.standards.formulas import inclusion_sizes
from inspect_tool.verify.verify import verify

RECIPE = registry.load("recipe", "inclusions")
PAGE = (Path(__file__).parent.parent / "docs" / "inclusions.md").read_text(encoding="utf-8")
TEMPLATE = next(text for text in re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL) if "tables.sizes" in text)
JOINING = (40.0, 10.0, 20.0, 3.0, 3.0, 3.0, 2.0)
"""Made up: gaps along and across, direction, stringers of, elongated from, globular below, sizes from 2 on."""


def made_up(folder, told_by=("area_um2",), name="made_up"):
    """Sizes 1 to 4 of every type: areas of 20, 40, 80, 160 um2 and factors of 1, 2, 4, 8, all of them made up."""
    head = TEMPLATE[: TEMPLATE.index("[[tables.sizes]]")].replace("DIN 50602", "LAB SIZES")
    for value in JOINING:
        head = re.sub(r"value = (0\.0|-1)\n", f"value = {value}\n", head, count=1)
    rows = [
        f'[[tables.sizes]]\ntype = "{kind}"\nsize = {size}\nfactor = {2.0 ** (size - 1)}\n'
        + "".join(f"{one} = {20.0 * 2.0 ** (size - 1) * (1.0 if one == 'area_um2' else 0.1)}\n" for one in told_by)
        for kind in "ABCD"
        for size in range(1, 5)
    ]
    path = Path(folder) / f"{name}.toml"
    path.write_text(head + "\n".join(rows), encoding="utf-8")
    return path


def results(pairs, path, **settings):
    chosen = RECIPE.Settings(sulfide_darkness=0.68, rolling_direction_deg=0.0, also_by=(path.name,), **settings)
    editions = editions_for(RECIPE, chosen, home=path.parent)
    found = RECIPE.combine([RECIPE.measure_field(*pair, chosen, editions) for pair in pairs], chosen, editions)
    return {result.quantity: result for result in found.results}, found


# ------------------------------------------------------------------------------------------------------- the file


def test_the_template_of_the_page_is_refused_until_it_is_filled_in(tmp_path):
    (tmp_path / "own.toml").write_text(TEMPLATE, encoding="utf-8")
    with pytest.raises(StandardError, match=r"own\.toml \[join_along_um\]: 0 is none; fill in from your copy"):
        size_limits_of(load_standard(str(tmp_path / "own.toml")))
    head, rows = TEMPLATE.split("[[tables.sizes]]", 1)
    head = head.replace("value = 0.0", "value = 3.0")
    (tmp_path / "half.toml").write_text(head + "[[tables.sizes]]" + rows, encoding="utf-8")
    with pytest.raises(StandardError, match=r"half\.toml \[least_size\]: -1 is none; fill in from your copy"):
        size_limits_of(load_standard(str(tmp_path / "half.toml")))
    head = head.replace("value = -1", "value = 1")
    (tmp_path / "most.toml").write_text(head + "[[tables.sizes]]" + rows, encoding="utf-8")
    with pytest.raises(StandardError, match=r"row 1: factor of size 1 of type A is 0\.0; fill in from your copy"):
        size_limits_of(load_standard(str(tmp_path / "most.toml")))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("area_um2 = 40.0", "area_um2 = 19.0", r"type A: area_um2 must grow with the size: got 20, 19, 80, 160"),
        ("size = 3", "size = 5", r"type A: sizes must be two or more whole numbers, one after the other"),
        ("factor = 2.0", "factor = 0.0", r"factor of size 2 of type A is 0.0; fill in"),
        ('type = "A"', 'type = "SS"', r"row 1: type must be one of A, B, C, D"),
    ],
)
def test_a_table_that_cannot_be_is_refused_by_name(tmp_path, old, new, message):
    path = made_up(tmp_path)
    path.write_text(path.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")
    with pytest.raises(StandardError, match=message):
        size_limits_of(load_standard(str(path)))


def test_a_file_of_sizes_is_no_edition_of_a_job_and_a_file_of_neither_is_none_at_all(tmp_path):
    path = made_up(tmp_path)
    pair = field(*bars((50, 50, 4, 10, OXIDE)))
    with pytest.raises(StandardError, match="gives sizes and no severities; name it in"):
        RECIPE.measure_field(*pair, RECIPE.Settings(), editions_for(RECIPE, RECIPE.Settings(), str(path)))
    path.write_text(path.read_text(encoding="utf-8").split("[[tables.sizes]]")[0], encoding="utf-8")
    with pytest.raises(StandardError, match=r"has neither \[\[tables.series\]\] nor \[\[tables.sizes\]\]"):
        results([pair], path)


# ------------------------------------------------------------------------------------------------- size and index


def test_a_size_is_whole_at_its_least_value_and_goes_on_by_logarithms():
    least = (20.0, 40.0, 80.0, 160.0)
    assert [inclusion_sizes.size_reached(one, least, 1) for one in (20.0, 160.0)] == pytest.approx([1.0, 4.0])
    assert inclusion_sizes.size_reached(20.0 * 2**1.3, least, 1) == pytest.approx(2.3)
    assert inclusion_sizes.size_reached(10.0, least, 1) == pytest.approx(0.0)
    with pytest.raises(MeasurementError, match="least values of classes must ascend"):
        inclusion_sizes.size_reached(10.0, (20.0, 20.0), 1)


def test_an_inclusion_has_the_largest_size_of_which_it_reaches_every_least_value(tmp_path):
    """Length and width of 2, 4, 8, 16 um for sizes 1 to 4: 30 by 5 um are of size 2, by their width."""
    limits = size_limits_of(load_standard(str(made_up(tmp_path, ("length_um", "width_um")))))
    size = limits.types["A"].of({"area_um2": 150.0, "length_um": 30.0, "width_um": 5.0})
    assert size == pytest.approx(2 + np.log2(5 / 4))
    assert limits.types["A"].size_class(size) == 2


def test_the_index_is_number_times_factor_for_1000_mm2_each_by_its_chance_to_be_whole(tmp_path):
    """A sulfide of 2 x 60 um (120 um2: size 3, factor 4) and a globule of 7 x 7 um (49 um2: size 2, factor 2); one of
    5 x 5 um (25 um2: size 1) is below the least size. A field of 300 x 400 um has 0.12 mm2."""
    pair = field(*bars((100, 150, 2, 60, SULFIDE), (200, 300, 7, 7, OXIDE), (250, 100, 5, 5, OXIDE)))
    found, report = results([pair], made_up(tmp_path))

    def times(height, width):  # as many as it stands for: a box grown by 40 um along the rows and 10 um across
        return 300 * 400 / ((300 - height - 20) * (400 - width - 80))

    sulfides, oxides = 4 * times(2, 60), 2 * times(7, 7)
    for group, value in (("sulfides", sulfides), ("oxides", oxides), ("total", sulfides + oxides)):
        assert found[f"total_index.{group}.made_up"].value == pytest.approx(1000 * value / 0.12, rel=0.01)
    assert found["largest_size.a.made_up"].rounded == "3"
    assert found["largest_size.d.made_up"].rounded == "2"
    assert found["largest_size.b.made_up"].rounded == "0"  # there is none: below the first
    table = next(one for one in report.tables if "Inclusions by size" in one.title)
    assert [row[1:] for row in table.rows] == [("A", 0, 0, 1, 0), ("D", 1, 1, 0, 0)]


def test_a_size_near_its_limit_says_how_sure_it_is(tmp_path):
    """162 um2 are hardly above the 160 um2 of size 4, and size 3 with outlines a quarter of a pixel farther in."""
    found = results([field(*bars((100, 100, 9, 18, OXIDE)))], made_up(tmp_path))[0]["largest_size.d.made_up"]
    assert found.rounded == "4"
    shares = {str(one.name): one.probability for one in found.rating.classes}
    assert shares["3"] > 0.2
    assert lines(found)["outline of inclusions"].u > 0


def plane(rng, side, n):
    """Particles along the rows in a plane of side x side um: strings of three, and single ones of any shape."""
    row, column = rng.uniform(0, side, (2, n))
    length, width = rng.uniform(5, 60, n), rng.uniform(2, 8, n)
    strings = np.arange(n) % 3 == 0
    row = np.concatenate([row, row[strings] + rng.uniform(-9, 9, strings.sum())])
    column = np.concatenate([column, column[strings] + length[strings] / 2 + rng.uniform(6, 50, strings.sum())])
    length, width = (np.concatenate([one, one[strings]]) for one in (length, width))
    return np.stack([row, column, length, width])


def cut_out(rows, top, left, side):
    """What a field of side x side um sees of particles along the rows: cut ones as far as they lie in it."""
    row, column, length, width = rows
    low, high = np.maximum(column - length / 2, left), np.minimum(column + length / 2, left + side)
    up, down = np.maximum(row - width / 2, top), np.minimum(row + width / 2, top + side)
    seen = (high > low) & (down > up)
    low, high, up, down = low[seen], high[seen], up[seen], down[seen]
    n = len(low)
    return Particles(
        row_px=(up + down) / 2 - top - 0.5,
        column_px=(low + high) / 2 - left - 0.5,
        length_um=high - low,
        width_um=down - up,
        ecd_um=np.sqrt(4 / pi * (high - low) * (down - up)),
        angle_deg=np.zeros(n),
        sulfide=np.zeros(n, bool),
        unsure=np.zeros(n, bool),
        weight=np.ones(n),
        cut=(low == left) | (high == left + side) | (up == top) | (down == top + side),
        whole_um=down - up,
    )


def test_the_frame_biases_neither_numbers_nor_sizes(tmp_path):
    """The mean over random fields is the index of the whole plane within its scatter."""
    limits = size_limits_of(load_standard(str(made_up(tmp_path))))
    rng = np.random.default_rng(3)
    whole, side = 4000.0, 250.0
    rows = plane(rng, whole, 2500)

    def of(seen, width):
        inclusions = inclusions_of(seen, limits, 0.0, 1.0)
        shape = (round(width), round(width))
        found = sorted_by(inclusions, seen, limits, direction_deg=0.0, pixel_um=1.0, shape=shape, region=False)
        return replace(found, share=np.ones(len(found.size))) if width > whole else found

    true = of(cut_out(rows, -200, -200, whole + 400), whole + 400).index_sum(limits, "total") / whole**2
    corners = rng.uniform(-side, whole, (300, 2))  # every place of the plane lies in as many fields
    found = [of(cut_out(rows, *corner, side), side) for corner in corners]
    density = np.array([one.index_sum(limits, "total") for one in found]) / side**2 * ((whole + side) / whole) ** 2
    assert abs(density.mean() - true) < 3 * density.std() / np.sqrt(len(density))
    plain = np.array([replace(one, share=np.ones(len(one.size))).index_sum(limits, "total") for one in found])
    plain *= ((whole + side) / whole / side) ** 2
    assert plain.mean() - true > 3 * plain.std() / np.sqrt(len(plain))  # cut ones twice


# ---------------------------------------------------------------------------------------------------------- a report


def test_the_file_travels_with_the_report_which_verifies_without_it(tmp_path):
    made_up(tmp_path)
    pixels, labels = bars((100, 150, 9, 18, SULFIDE), (200, 300, 7, 7, OXIDE))
    cv2.imwrite(str(tmp_path / "field.png"), pixels)
    cv2.imwrite(str(tmp_path / "field_mask.png"), (255 * labels).astype(np.uint8))
    (tmp_path / "job.toml").write_text(
        'recipe = "inclusions"\nimages = ["field.png"]\nexports = ["json"]\n'
        '[calibration]\npixel_um = 1.0\nu_rel = 0.002\nsource = "stage micrometer"\n'
        '[settings]\nalso_by = ["made_up.toml"]\nsulfide_darkness = 0.68\nrolling_direction_deg = 0.0\n'
        '[backend]\nname = "labels"\nmasks = ["*_mask.png"]\n'
        '[[requirements]]\nquantity = "total_index.total.made_up"\nunit = "1"\nupper = 1e6\nsource = "a test"\n',
        encoding="utf-8",
    )
    run(tmp_path / "job.toml", tmp_path / "reports")
    folder = tmp_path / "reports" / "job"
    (tmp_path / "made_up.toml").unlink()
    report = load_report(folder / "report.json")
    assert any(re.fullmatch(r"evidence/own-made_up\.toml", one.file) for one in report.attachments)
    assert verify(folder).verified
