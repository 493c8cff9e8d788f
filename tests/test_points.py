"""Point counting: geometry that can be counted by hand, an unbiased grid, and tables with mistakes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspect_tool.errors import MeasurementError, ReadError
from inspect_tool.measure import points

STRIPE = np.repeat(np.array([[0] * 37 + [1] * 63], np.int32), 80, axis=0)  # 63 % by construction


@given(st.sampled_from([16, 25, 49, 100]), st.integers(0, 10**6), st.integers(10, 300), st.integers(10, 300))
def test_every_point_lies_in_the_field_and_the_spacing_is_even(n, seed, rows, columns):
    grid = points.grid((rows, columns), n, seed)
    assert grid.shape == (n, 2)
    assert grid[:, 0].min() >= -0.5
    assert grid[:, 0].max() < rows - 0.5
    assert grid[:, 1].max() < columns - 0.5
    steps = np.diff(np.unique(np.round(grid[:, 1], 6)))
    assert steps == pytest.approx(np.full(len(steps), columns / round(n**0.5)), abs=1e-5)


def test_the_same_seed_gives_the_same_grid_and_another_field_another():
    one, two, other = (points.grid((80, 100), 25, seed) for seed in ((1, 1), (1, 1), (1, 2)))
    assert (one == two).all()
    assert not (one == other).any()


@given(st.integers(0, 10**6))
def test_every_point_counts_once_in_all(seed):
    labels = np.random.default_rng(seed).integers(0, 3, (20, 30)).astype(np.int32)
    counted = points.count_points(labels, (0, 1, 2), points.grid((20, 30), 49, seed))
    assert sum(counted.count(number) for number in (0, 1, 2)) == pytest.approx(49)


def test_a_random_start_makes_the_count_unbiased():
    shares = [
        points.count_points(STRIPE, (0, 1), points.grid((80, 100), 16, seed)).count(1) / 16 for seed in range(600)
    ]
    # each count is 0.5 or 0.75; three standard errors of the mean of 600
    assert np.mean(shares) == pytest.approx(0.63, abs=3 * np.std(shares) / 600**0.5)


def test_a_point_within_half_a_pixel_of_the_boundary_counts_half():
    # the boundary runs at column 36.5
    at = np.array([[10.0, 35.9], [10.0, 36.2], [10.0, 36.8], [10.0, 37.3]])
    counted = points.count_points(STRIPE, (0, 1), at)
    assert counted.shares[1].tolist() == [0, 0.5, 0.5, 1]


def test_points_outside_the_region_do_not_count_and_its_rim_is_no_boundary():
    roi = np.zeros(STRIPE.shape, bool)
    roi[:, 50:] = True
    counted = points.count_points(STRIPE, (0, 1), np.array([[10.0, 20.0], [10.0, 49.6], [10.0, 70.0]]), roi)
    assert counted.n == 2
    assert counted.count(1) == 2


def test_marks_show_every_point_once():
    counted = points.count_points(STRIPE, (0, 1), np.array([[10.0, 20.0], [10.0, 36.5], [10.0, 70.0], [9.0, 71.0]]))
    marks = points.marks(counted, 1, "pearlite")
    assert {mark.style: len(mark.points) for mark in marks} == {"hit": 2, "half hit": 1, "miss": 1}
    assert {mark.layer for mark in marks} == {"point grid"}


def test_a_grid_needs_points():
    with pytest.raises(MeasurementError, match="at least 1 point"):
        points.grid((10, 10), 0, 1)


# ------------------------------------------------------------------------------------------------ manual counts


def _read(tmp_path, text, classes=("ferrite", "pearlite"), encoding="utf-8"):
    path = tmp_path / "counts.csv"
    path.write_bytes(text.encode(encoding))
    return points.read_counts(path, classes)


@pytest.mark.parametrize(
    "text",
    [
        "specimen,field,grid_points,pearlite\nA,1,25,3.5\nA,2,25,4\n",
        "specimen;field;grid_points;pearlite\nA;1;25;3,5\nA;2;25;4,0\n",
        "specimen\tfield\tgrid_points\tpearlite\r\nA\t1\t25\t3,5\r\n\r\nA\t2\t25\t4\r\n",
        "specimen|field|grid_points|pearlite\nA|1|25|3.5\nA|2|25|4\n",
        'specimen,field,grid_points,pearlite\nA,1,25,"3,5"\nA,2,25,4\n',
        "\ufeffspecimen;field;grid_points;pearlite\nA;1;25;3,5\nA;2;25;4\n",
    ],
)
def test_tables_of_any_program_are_read(tmp_path, text):
    rows = _read(tmp_path, text)
    assert [(row.specimen, row.field, row.grid_points, row.counts["pearlite"]) for row in rows] == [
        ("A", 1, 25, 3.5),
        ("A", 2, 25, 4.0),
    ]


def test_a_table_in_windows_letters_without_specimen(tmp_path):
    rows = _read(tmp_path, "field;grid_points;Gefüge\n1;16;2\n", ("Gefüge",), "cp1252")
    assert (rows[0].specimen, dict(rows[0].counts)) == ("1", {"Gefüge": 2.0})


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("", r"counts\.csv: empty"),
        ("field;grid_points;pearlite\n", "no field below the head line"),
        ("field;pearlite\n1;2\n", r"line 1: no column 'grid_points'; found: field, pearlite"),
        ("field;grid_points;perlite\n1;25;2\n", r"line 1 column 3: 'perlite' is no class; classes are ferrite"),
        ("field;grid_points;pearlite;pearlite\n1;25;2;3\n", r"line 1 column 3: 'pearlite' is there twice"),
        ("field;grid_points\n1;25\n", "no class column"),
        ("field;grid_points;pearlite\n1;25\n", r"line 2: 2 columns, the head has 3"),
        ("field;grid_points;pearlite\n1;25;x\n", r"line 2 column 'pearlite': got 'x', must be a number"),
        ("field;grid_points;pearlite\n\n1;25;26\n", r"line 3 column 'pearlite': got '26', must be 0 to 25"),
        ("field;grid_points;pearlite\n1;25;3.2\n", r"column 'pearlite': got '3.2', must be 0 to 25 in steps of 1/2"),
        ("field;grid_points;pearlite\n1.5;25;3\n", r"column 'field': got '1.5', must be a whole number"),
        ("field;grid_points;pearlite\n1;0;0\n", r"column 'grid_points': got 0, must be at least 1"),
        ("field;grid_points;pearlite\n1;25;3\n1;25;4\n", r"line 3: specimen '1' field 1 was given in line 2 already"),
        ("field;grid_points;pearlite\n1;25;nan\n", "must be a number"),
        ("field;grid_points;pearlite\n1;25;" + "x" * 200_000, r"line 2: no CSV: field larger than"),
    ],
)
def test_mistakes_in_a_table_are_named_by_line_and_column(tmp_path, text, match):
    with pytest.raises(ReadError, match=match):
        _read(tmp_path, text)


def test_a_missing_or_binary_table_is_an_error(tmp_path):
    with pytest.raises(ReadError, match=r"none\.csv: cannot be read"):
        points.read_counts(tmp_path / "none.csv", ("a",))
    with pytest.raises(ReadError, match="not a text table"):
        _read(tmp_path, "PK\0\0")
