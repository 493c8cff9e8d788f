"""File names and tables as people and their programs write them."""

import unicodedata

import numpy as np
import pytest
from PIL import Image

from inspect_tool.errors import ReadError
from inspect_tool.inspection import job_plan
from inspect_tool.measure import points

JOB = 'recipe = "{recipe}"\nimages = {images}\nexports = ["json"]\n[calibration]\nsource = "ratio only"\n{more}'


@pytest.fixture
def images(tmp_path):
    """Make fields in a folder; every one is another picture."""

    def make(*names):
        for i, name in enumerate(names):
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.full((4, 4), i, np.uint8)).save(path)

    return make


def named(folder, images, recipe="porosity", more=""):
    """Names of the images that a job means, in its order."""
    (folder / "job.toml").write_text(JOB.format(recipe=recipe, images=images, more=more), encoding="utf-8")
    return [source.name for source in job_plan.plan(folder / "job.toml").sources]


# ------------------------------------------------------------------------------------------------------- names


def test_hidden_files_of_a_mac_match_no_pattern_that_does_not_ask_for_them(tmp_path, images):
    images("mac/f_1.png", "mac/f_2.png")
    (tmp_path / "mac" / "._f_1.png").write_bytes(b"\0\5\x16\7" + bytes(100))
    assert named(tmp_path, '["mac/*.png"]') == ["f_1.png", "f_2.png"]
    assert named(tmp_path, '["mac/.*.png"]') == ["._f_1.png"]


@pytest.mark.parametrize("folder", ["S [1]", "a[b]/[c]"])
def test_brackets_of_a_folder_that_exists_are_letters(tmp_path, images, folder):
    images(f"{folder}/f_1.png", f"{folder}/f_10.png", f"{folder}/f_2.png")
    assert named(tmp_path, f'["{folder}/f_*.png"]') == ["f_1.png", "f_2.png", "f_10.png"]
    assert named(tmp_path, f'["{tmp_path}/{folder}/f_[12].png"]') == ["f_1.png", "f_2.png"]


def test_brackets_of_a_folder_that_does_not_exist_are_a_pattern(tmp_path, images):
    images("S1/f.png", "S2/f.png", "S3/f.png")
    assert len(named(tmp_path, '["S[12]/f.png"]')) == 2


@pytest.mark.parametrize("stored", ["NFC", "NFD"])
@pytest.mark.parametrize("asked", ["NFC", "NFD"])
@pytest.mark.parametrize("pattern", ["Prüfung/Schäffler.png", "Prüfung/Schäff*.png", "Pr*/Schäffler.png"])
def test_an_accented_letter_is_the_same_in_both_ways_to_write_it(tmp_path, images, stored, asked, pattern):
    images(unicodedata.normalize(stored, "Prüfung/Schäffler.png"))
    found = named(tmp_path, f'["{unicodedata.normalize(asked, pattern)}"]')
    assert [unicodedata.normalize("NFC", name) for name in found] == ["Schäffler.png"]


def test_a_table_is_found_by_a_name_in_the_other_way_to_write_it(tmp_path, images):
    images("f.png")
    (tmp_path / unicodedata.normalize("NFD", "Zählung.csv")).write_text("field;grid_points;pore\n1;100;5\n")
    more = '[settings]\ncounts = "Zählung.csv"\n[backend]\nname = "threshold"\nclasses = ["pore", "metal"]'
    assert named(tmp_path, '["f.png"]', "phase_fraction", more) == ["f.png"]


# ------------------------------------------------------------------------------------------------------ tables

TABLE = "specimen;field;grid_points;pore\r\n1;1;100;5,5\r\n1;2;100;5\r\n"


@pytest.mark.parametrize(
    "text",
    [
        TABLE,
        f"sep=;\r\n{TABLE}",
        TABLE.replace("\r\n", ";;\r\n"),
        "SEP=;\r\n" + TABLE.replace("\r\n", "; ;\r\n"),
        TABLE.replace(";5\r", ";5;;\r"),
    ],
)
def test_what_a_spreadsheet_adds_to_a_table_is_passed_over(tmp_path, text):
    (tmp_path / "counts.csv").write_bytes(text.encode())
    for classes in (("pore", "metal"), None):
        found = points.read_counts(tmp_path / "counts.csv", classes)
        assert [(row.specimen, row.field, row.grid_points, row.counts["pore"]) for row in found] == [
            ("1", 1, 100, 5.5),
            ("1", 2, 100, 5.0),
        ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"{TABLE}1;3;100\r\n", "line 4: 3 columns, the head has 4"),
        (TABLE.replace("5\r", "5;7\r"), "line 2: 5 columns, the head has 4"),
        ("sep=;\r\n", "counts.csv: empty; give a head line"),
    ],
)
def test_a_column_that_holds_something_or_is_missing_is_an_error(tmp_path, text, said):
    (tmp_path / "counts.csv").write_bytes(text.encode())
    with pytest.raises(ReadError, match=said):
        points.read_counts(tmp_path / "counts.csv", ("pore",))


@pytest.mark.parametrize(
    ("row", "said"),
    [("1;1;100;many", "line 2 column 'pore': got 'many'"), ("1;2;100;5", "field 2 is not a field of this job")],
)
def test_a_mistake_in_a_table_is_found_before_a_field_is_measured(tmp_path, images, row, said):
    images("f.png")
    (tmp_path / "counts.csv").write_text(f"specimen;field;grid_points;pore\n{row}\n")
    with pytest.raises(ReadError, match=said):
        named(tmp_path, '["f.png"]', "phase_fraction", '[settings]\ncounts = "counts.csv"')
