"""Pages in a language: no English word of a page is left on them, and they are printed anew without measuring."""

import re
from dataclasses import replace
from html import unescape
from pathlib import Path
from shutil import copytree
from zipfile import ZipFile

import numpy as np
import pypdf
import pytest
from PIL import Image
from report_example import example
from typer.testing import CliRunner
from wide_words import left_of, wide_language, words_of

from inspect_tool.cli import app
from inspect_tool.errors import OutputError, SettingsError
from inspect_tool.files import dump_report, load_report
from inspect_tool.inspection import job_run
from inspect_tool.inspection.job_plan import plan
from inspect_tool.languages import Text, said
from inspect_tool.model import Table
from inspect_tool.paths import data_folder
from inspect_tool.report import text
from inspect_tool.report.charts import chart_svg
from inspect_tool.report.render import render
from inspect_tool.report.template import language_of
from inspect_tool.studies.reprint import print_anew
from inspect_tool.verify.verify import verify

SHIPPED = data_folder("templates") / "inspection"
JOB = """
language = "de"
recipe = "phase_fraction"
images = ["field_*.png"]
exports = ["json", "html", "pdf"]
[calibration]
pixel_um = 0.5
u_rel = 0.004
source = "stage micrometer"
[backend]
name = "threshold"
[[requirements]]
quantity = "area_percent.dark"
upper = 40.0
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A made-up report with a page of each kind of block, as a folder that holds its data and its pictures."""
    made = example(tmp_path_factory.mktemp("report"), fields=2, features=30, size=160, grains=12, failing=True)
    (made.folder / "report.json").write_text(dump_report(made.report), encoding="utf-8")
    return made


@pytest.fixture
def job(tmp_path):
    rng = np.random.default_rng(5)
    for number in (1, 2):
        pixels = np.full((90, 120), 200.0)
        for _ in range(4):
            row, column = rng.integers(8, 65), rng.integers(8, 95)
            pixels[row : row + 15, column : column + 14] = 70
        pixels += rng.normal(0, 4, pixels.shape)
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(tmp_path / f"field_{number}.png")
    (tmp_path / "job.toml").write_text(JOB, encoding="utf-8")
    return tmp_path / "job.toml"


@pytest.fixture
def wide(tmp_path, monkeypatch):
    with wide_language(tmp_path, monkeypatch) as language:
        yield language


@pytest.mark.parametrize("medium", ["print", "screen"])
def test_a_page_has_no_word_of_its_own_that_is_not_of_its_language(made, wide, medium):
    page = render(made.report, made.folder, SHIPPED, medium, wide, anew=True)
    assert words_of(page) > {"kiel", "turbine"}  # what a person wrote
    data = dump_report(made.report).replace("_", " ").lower()
    names = {"astm", "python", "utc", "png", "jpg"}  # of a standard, a program, a time, a file
    assert words_of(page) - set(re.findall(r"[a-z]+", data)) - names == set()


def test_english_that_is_no_name_is_seen_on_a_page(made, wide):
    """Also where the words of it stand in the report, as plain words do; at the place of a name they are one."""
    named = replace(made.report.header, remarks="grains that nobody etched")
    report = replace(made.report, header=named, warnings=(*made.report.warnings, "nobody counted again"))
    left = left_of(render(report, made.folder, SHIPPED, "print", wide), report)
    assert left >= {"counted", "again"}
    assert left.isdisjoint({"nobody", "that", "etched"})


def test_the_words_of_an_english_page_are_those_of_its_report(made):
    pages = [render(made.report, made.folder, SHIPPED, "print", *language) for language in ((), ("en",))]
    assert pages[0] == pages[1]
    assert '<html lang="en">' in pages[0]


@pytest.mark.parametrize(
    ("name", "values", "german"),
    [
        ("pm", (12.3456, 0.2345, "%"), "12,35\xa0±\xa00,23\xa0%"),
        ("pm", (25.13, 15.9, "um", (20.31, 41.03)), "25,1\xa0(20,3\xa0…\xa041,0)\xa0µm"),
        ("interval", ((12.1111, 12.58), 0.2345, "%"), "12,11\xa0…\xa012,58\xa0%"),
        ("number", (1.5e-7, 3), "1,50\xa0×\xa010⁻⁷"),
        ("number", (12345.678, 7), "12\xa0345,68"),
        ("probability", (0.99999,), ">\xa099,9\xa0%"),
        ("found", (0.54015, "1"), "0,54"),
        ("setting", (0.25,), "0.25"),  # as it stands in a job file
        ("stated", ("revision 1.5",), "revision 1.5"),
        ("file_name", ("images/1.5.tif",), "1.5.tif"),
        ("stated", ("",), said(Text("terms.not_stated"), "de")),
        ("cell", (True,), said(Text("terms.yes"), "de")),
        ("term", ("conditional pass",), said(Text("terms.conditional_pass"), "de")),
        ("term", ("phase of a customer",), "phase of a customer"),
    ],
)
def test_numbers_and_words_of_a_filter_are_those_of_the_language(name, values, german):
    assert text.filters("de")[name](*values) == german
    assert text.filters("en")[name](*values) == getattr(text, name)(*values)


def test_a_german_page_has_german_numbers_and_heads(made):
    page = render(made.report, made.folder, SHIPPED, "print", "de")
    assert '<html lang="de">' in page
    shown = unescape(re.sub(r"<[^>]+>", "", page))
    main = made.report.results[0]
    assert text.filters("de")["pm"](main.value, main.expanded_u, main.unit) in shown
    for key in ("results", "uncertainty", "checks", "decision", "provenance", "to_be_read"):
        assert f">{said(Text(f'page.{key}'), 'de')}</h2>" in page


def test_page_1_shows_limits_that_lie_unevenly_and_says_what_u_is_then(made):
    main = made.report.results[0]
    even = replace(main, interval=(main.value - main.expanded_u, main.value + main.expanded_u))
    uneven = replace(main, interval=(main.value - main.expanded_u / 2, main.value + main.expanded_u))
    for result, skewed in ((even, False), (uneven, True)):
        report = replace(made.report, results=(result, *(one for one in made.report.results[1:] if not one.main)))
        page_1 = render(report, made.folder, SHIPPED, "print", "de").partition("</section>")[0]
        shown = unescape(re.sub(r"<[^>]+>", "", page_1))
        printed = text.filters("de")["pm"](result.value, result.expanded_u, result.unit, result.interval)
        assert printed in shown
        assert ("(" in printed) == (said(Text("page.uneven"), "de") in shown) == skewed


def test_what_a_file_of_a_standard_says_is_printed_in_the_language(made):
    """As plain words, which is how reports hold them: the clause behind its edition, and the title of the edition."""
    rule = "planimetric procedures: at least three fields"
    checks = tuple(replace(check, clause=f"ASTM E562-19: {rule}") for check in made.report.checks)
    standard = replace(made.report.standard, title="Determining average grain size")
    report = replace(made.report, checks=checks, standard=standard)
    english, german = (unescape(render(report, made.folder, SHIPPED, "print", name)) for name in ("en", "de"))
    assert f"ASTM E562-19: {rule}" in english
    assert "ASTM E562-19: Flächenauszählung: mindestens drei Messfelder" in german
    assert "Bestimmung der mittleren Korngröße" in german
    assert rule not in german
    other = replace(report, checks=tuple(replace(check, clause="plan of a laboratory: 5") for check in checks))
    assert "plan of a laboratory: 5" in unescape(render(other, made.folder, SHIPPED, "print", "de"))


def test_a_table_that_is_cut_says_so_in_the_language(made):
    long = Table(title="Many", columns=("what",), rows=tuple((f"no. {i}",) for i in range(100)), note="of a person")
    report = replace(made.report, tables=(long,))
    english, german = (unescape(render(report, made.folder, SHIPPED, "print", name)) for name in ("en", "de"))
    assert "of a person 60 of 100 rows are shown; all are in report.json and in the HTML page." in english
    assert "of a person 100 Zeilen, davon 60 gezeigt; report.json und die HTML-Seite enthalten alle." in german


def test_the_axes_of_a_chart_have_the_sign_of_the_language(made):
    chart = made.report.charts[2]  # G of every field
    english, german = (re.findall(r">([^<>]+)</text>", chart_svg(chart, language=name)) for name in ("en", "de"))
    numbers = [label for label in english if re.fullmatch(r"\d+\.\d+", label)]
    assert numbers
    assert [label.replace(".", ",") if label in numbers else label for label in english] == german


# ---------------------------------------------------------------------------------------------- job and template


def test_a_job_wins_over_its_template(tmp_path):
    (tmp_path / "template.toml").write_text('language = "de"\n', encoding="utf-8")
    assert [language_of(asked, tmp_path) for asked in ("", "de", "en")] == ["de", "de", ""]
    (tmp_path / "template.toml").write_text('language = "sv"\n', encoding="utf-8")  # words of the laboratory's own
    assert language_of("", tmp_path) == ""


def test_a_language_without_words_is_refused(job):
    job.write_text(JOB.replace('"de"', '"deu"'), encoding="utf-8")
    with pytest.raises(
        SettingsError, match=r"^job.toml language: there are no words of 'deu'; there are: en, de.*'de'\?"
    ):
        plan(job)


@pytest.mark.needs("Pango")
def test_a_german_report_states_its_language_and_verifies(job, tmp_path):
    job_run.run(job, tmp_path / "reports")
    folder = tmp_path / "reports" / "job"
    report = load_report(folder / "report.json")
    assert report.language == "de"
    assert report.fields.title == "Fields"  # the data keep their words
    document = pypdf.PdfReader(folder / "report.pdf")
    assert document.root_object["/Lang"] == "de"
    found = verify(folder)
    assert [item.text for item in found.findings if item.state == "differs"] == []
    assert {item.part for item in found.findings if item.state == "verified"} >= {"HTML page", "PDF pages"}
    # a print in English, of the PDF alone, is told apart from the pages of the report, and verifies as what it is
    done = print_anew(folder / "report.pdf", language="en", out=tmp_path / "english")
    assert [path.name for path in done.files] == ["report.pdf"]
    found = verify(done.files[0])
    assert [item.text for item in found.findings if item.state == "differs"] == []


# ------------------------------------------------------------------------------------------------------ print


def test_the_sentences_of_a_report_of_schema_1_stay_as_they_are_on_a_german_page(tmp_path):
    with ZipFile(Path(__file__).parent / "reports" / "report_of_schema_1.zip") as archive:
        archive.extractall(tmp_path)
    report = load_report(tmp_path / "report.json")
    shown = unescape(re.sub(r"<[^>]+>", "", render(report, tmp_path, SHIPPED, "print", "de", anew=True)))
    assert report.warnings[0] in shown
    assert said(Text("page.to_be_read"), "de") in shown
    main = report.results[0]
    assert text.filters("de")["pm"](main.value, main.expanded_u, main.unit) in shown


@pytest.mark.needs("Pango")
def test_a_print_leaves_the_report_as_it_is_and_says_what_it_is(made, tmp_path):
    home = copytree(made.folder, tmp_path / "report")
    before = {path: path.read_bytes() for path in home.rglob("*") if path.is_file()}
    done = CliRunner().invoke(app, ["print", str(home), "--language", "de"])
    assert done.exit_code == 0, done.output
    folder = tmp_path / "report.de"
    assert [str(folder / name) in done.output for name in ("report.html", "report.pdf")] == [True, True]
    assert {path: path.read_bytes() for path in home.rglob("*") if path.is_file()} == before
    said_so = said(Text("page.print_of", report=made.report.id), "de")
    assert said_so in (folder / "report.html").read_text(encoding="utf-8")
    pages = ["".join(page.extract_text().split()) for page in pypdf.PdfReader(folder / "report.pdf").pages]
    assert all("".join(said_so.split()) in page for page in pages)
    with pytest.raises(OutputError, match=r"report.html: exists already and is left as it is"):
        print_anew(home, language="de")
    with pytest.raises(SettingsError, match=r"^--language: there are no words of 'germ'"):
        print_anew(home, language="germ")
    with pytest.raises(OutputError, match="exists already"):
        print_anew(folder.parent / "report", language="en", out=folder)
