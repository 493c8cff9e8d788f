"""What people write in a job file in place of what is meant gets one line that says what to write."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from inspect_tool import cli, synthetic
from inspect_tool.cli import jobs
from inspect_tool.errors import InspectError
from inspect_tool.files import load_job
from inspect_tool.inspection import field_record, job_run
from inspect_tool.inspection.job_run import check

TOP = 'recipe = "porosity"\nstandard = "astm_e1245_2016"\nimages = ["field_1.tif"]\n'
CALIBRATION = '[calibration]\npixel_um = 0.2252\nsource = "stage micrometer"\n'
LIMIT = '[[requirements]]\nquantity = "porosity_percent"\n'


def said(folder: Path, text: str | bytes) -> str:
    path = folder / "job.toml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    with pytest.raises(InspectError, match=r"job\.toml") as caught:
        load_job(path)
    assert "\n" not in str(caught.value)
    return str(caught.value).removeprefix(str(path))


@pytest.mark.parametrize(
    ("line", "advice"),
    [
        ("pixel_um = 0,2252", "the decimal sign is a point; write pixel_um = 0.2252"),
        ("upper = -2,5  # of the drawing", "the decimal sign is a point; write upper = -2.5"),
        ("upper = 2 %", "a number stands without its unit; write upper = 2"),
        ("pixel_um = 0.2252 µm", "a number stands without its unit; write pixel_um = 0.2252"),
        ("upper = <= 2.5", "write upper = 2.5"),
        ("lower >= 3", "write lower = 3"),
        ("recipe = “porosity”", 'these quotation marks are typographic; write recipe = "porosity"'),
        ("recipe = „porosity“", 'these quotation marks are typographic; write recipe = "porosity"'),
        ("recipe = ‘porosity’", "these quotation marks are typographic; write recipe = 'porosity'"),
        ('images = ["C:\\Users\\me\\a.tif"]', 'does not stand for itself; write images = ["C:/Users/me/a.tif"]'),
        ("recipe = porosity", 'a text stands in quotation marks; write recipe = "porosity"'),
        ("recipe: porosity", 'key and value are joined by =; write recipe = "porosity"'),
        ("page: 3", "key and value are joined by =; write page = 3"),
        ("square = True", "write square = true"),
        ("square = no  # not", "write square = false"),
        ("order = 0815", 'a number does not begin with 0, a text has quotation marks; write order = "0815"'),
        ("valid_until = 2027-13-41", "is no date of the calendar; write year-month-day, as valid_until = 2026-01-31"),
        ("valid_until = 31.12.2026", "is no date of the calendar; write year-month-day, as valid_until = 2026-01-31"),
        ('recipe = "porosity', "a quotation mark is missing at one end of a text"),
        ('images = ["a.tif" "b.tif"]', 'the members of a list are parted by commas; write images = ["a.tif", "b.tif"]'),
        ('images = ["a.tif"', "the list that begins with [ has no ] at its end"),
        ("upper =", "has no value; give one, or put # before the line to leave upper at its default"),
        ('Prüfer = "x"', "there is no key 'Prüfer'; keys are as inspect-tool init writes them"),
        ('recipe\u00a0= "porosity"', "holds a sign that is not seen (U+00A0, of a text program); type the line again"),
        ("our first job", "is no line of a job; write key = value, or # before a remark"),
    ],
)
def test_a_line_that_is_no_toml_is_shown_with_what_to_write(tmp_path, line, advice):
    message = said(tmp_path, f"# a job\n{line}\n")
    assert message.startswith(f": line 2, {line!r}: ")
    assert message.endswith(advice)


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        (TOP + TOP, "line 4, 'recipe = \"porosity\"': this key stands twice; delete one of the two lines"),
        (TOP + CALIBRATION + CALIBRATION, "line 7, '[calibration]': this table stands twice"),
        (TOP + "u_rel = = 1\n", "not valid TOML: Invalid value (at line 4, column 9)"),
        ('{"recipe": "porosity"}', "is written as JSON; a job is TOML"),
        (TOP + LIMIT + "min = 8\n", "requirements.0.min: unknown key; write lower"),
        (TOP + LIMIT + "max = 8\n", "requirements.0.max: unknown key; write upper"),
        (TOP + LIMIT + "limit = 8\n", "requirements.0.limit: unknown key; write upper or lower"),
        (TOP + LIMIT + 'upper = "2,5 %"\n', "must be a number; write upper = 2.5, without quotation marks and unit"),
        (
            TOP + LIMIT.replace("[[", "[").replace("]]", "]"),
            "there can be several of them; write [[requirements]], with two",
        ),
        (TOP.replace("standard", "standart"), "standart: unknown key; did you mean 'standard'?"),
        (TOP.replace('["field_1.tif"]', '"field_1.tif"'), 'must be a list; write images = ["field_1.tif"]'),
        (TOP + "[header]\norder = 4711\n", 'got 4711, must be a text; write order = "4711"'),
        (TOP + "[header]\npixel_um = 0.5\n", "header.pixel_um: unknown key; it belongs below [calibration]"),
        (TOP + "[header]\nupper = 5\n", "header.upper: unknown key; it belongs below [[requirements]]"),
        (
            'recipe = "porosity"\n[header]\nimages = ["a.tif"]\n',
            "it belongs to the top of the file, above the first [table]",
        ),
        (TOP + CALIBRATION.replace("pixel_um", "um_per_pixel"), "um_per_pixel: unknown key; write pixel_um"),
        (TOP.encode("utf-16"), 'saved as UTF-16 ("Unicode"); save it as UTF-8'),
        ((TOP + "# für\n").encode("cp1252"), "not UTF-8 text (line 4, byte 77); save it as UTF-8"),
        (b"II*\x00\x08\x00\x00\x00\xff\xff", "is no text; a job is a text file (TOML), as inspect-tool init writes it"),
    ],
)
def test_what_a_job_may_not_say_is_answered_with_what_to_write(tmp_path, text, advice):
    assert advice in said(tmp_path, text)


@pytest.mark.parametrize(
    ("given", "changed", "advice"),
    [
        ('"porosity"', '"porositty"', "did you mean 'porosity'?"),
        ("astm_e1245_2016", "ASTM E1245", "did you mean 'astm_e1245_2016'?"),
        ('["field_1.tif"]', '["feld_1.tif"]', "did you mean 'field_1.tif'?"),
        ('["field_1.tif"]', '["Field_1.TIF"]', "did you mean 'field_1.tif'?"),
        ('["field_1.tif"]', '["feld_*.tif"]', "did you mean 'field_1.tif'?"),
        ('["field_1.tif"]', r'["a\field_1.tif"]', "write / between folders"),
        ("[calibration]", '[backend]\nname = "treshold"\n[calibration]', "did you mean 'threshold'?"),
        ("[calibration]", '[backend]\nname = "threshold"\nlevel = 9\n[calibration]', "did you mean 'levels'?"),
        ("[calibration]", "[settings]\nexports = []\n[calibration]", "to the top of the file, above the first [table]"),
        ("porosity_percent", "porosity", "did you mean 'porosity_percent'?"),
    ],
)
def test_a_name_that_is_not_there_suggests_the_nearest(tmp_path, given, changed, advice):
    cv2.imwrite(str(tmp_path / "field_1.tif"), np.zeros((40, 40), np.uint8))
    path = tmp_path / "job.toml"
    text = TOP + CALIBRATION + LIMIT
    assert given in text
    path.write_text(text.replace(given, changed, 1) + "upper = 2\n", encoding="utf-8")
    with pytest.raises(InspectError) as caught:
        check(path)
    assert advice in str(caught.value)


def test_a_folder_or_a_name_without_its_ending_finds_the_job(tmp_path):
    (tmp_path / "steel.toml").write_text(TOP)
    with pytest.raises(InspectError, match=r"no such file; did you mean 'steel\.toml'\?"):
        load_job(tmp_path / "steel")
    with pytest.raises(InspectError, match="is a folder; name a file in it"):
        load_job(tmp_path)


def test_a_line_of_a_million_spaces_is_answered_at_once(tmp_path):
    assert "not valid TOML" in said(tmp_path, f"upper = 5{' ' * 1_000_000}!\n")


# ------------------------------------------------------------------------------------------- several jobs at once


def test_all_jobs_of_a_command_are_checked_before_the_first_is_measured(tmp_path, monkeypatch):
    """The last job has a setting that only its backend knows to be wrong: told first, and the other one is measured."""
    cv2.imwrite(
        str(tmp_path / "a.png"),
        synthetic.pores(seed=1, porosity_percent=8.0, mean_ecd_um=12.0, shape_px=(300, 300)).pixels,
    )
    text = 'recipe = "porosity"\nimages = ["a.png"]\nexports = ["json"]\n[calibration]\npixel_um = 1.0\nsource = "x"\n'
    (tmp_path / "a.toml").write_text(text)
    (tmp_path / "b.toml").write_text(f'{text}[backend]\nname = "threshold"\nmethod = "fixed"\n')
    order = []
    measuring = field_record.measure_all
    monkeypatch.setattr(job_run, "measure_all", lambda *given: order.append("measured") or measuring(*given))
    monkeypatch.setattr(jobs, "print_error", lambda error: order.append(str(error)))
    names = [str(tmp_path / name) for name in ("a.toml", "b.toml")]
    done = CliRunner().invoke(cli.app, ["run", *names, "--out", str(tmp_path / "out")])
    assert done.exit_code == 2
    assert order == ["backend threshold: method 'fixed' needs 'levels', one or more gray values", "measured"]
    assert (tmp_path / "out" / "a" / "report.json").exists()
    assert "no report: see the message above" in done.stdout


def test_wrong_files_of_the_commands_that_ask_a_person_are_told_with_what_to_give(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    cv2.imwrite("a.png", np.full((60, 60), 200, np.uint8))
    Path("job.toml").write_text(
        'recipe = "porosity"\nimages = ["a.png"]\n[calibration]\npixel_um = 1.0\nsource = "stage micrometer"\n'
    )
    Path("notes.txt").write_text("ten pores")

    def said(*arguments):
        with pytest.raises(InspectError) as caught:
            CliRunner().invoke(cli.app, list(arguments), catch_exceptions=False)
        return str(caught.value)

    page = "the page saved"
    assert page in said("referee", "job.toml", "--answers", "notes.txt")
    assert page in said("referee", "job.toml", "--answers", "missing.json")
    assert said("validate", "job.toml", "--truth", "b.png", "--person", "A", "--out", "v.toml").startswith(
        "--truth: 'b.png' does not exist in"
    )
