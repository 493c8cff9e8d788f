"""Pages of a laboratory's own template: they may print anything, so that a verdict on them is held against the data."""

import shutil
from pathlib import Path

import numpy as np
import pypdf
import pytest
from PIL import Image
from typer.testing import CliRunner

from inspect_tool.cli import app
from inspect_tool.errors import SettingsError
from inspect_tool.files import load_report
from inspect_tool.inspection import job_run
from inspect_tool.paths import data_folder
from inspect_tool.report import template_process
from inspect_tool.verify import pages, verify

JOB = """\
recipe = "phase_fraction"
images = ["field_*.png"]
exports = ["json", "html", "pdf"]
template = "own"

[backend]
name = "threshold"
classes = ["pore", "metal"]

[calibration]
pixel_um = 0.5
source = "stage micrometer"

[[requirements]]
quantity = "area_percent.pore"
unit = "%"
upper = 1.0
source = "drawing 3"
"""


FIRST = ("blocks/summary.html.j2", "certificate.html.j2")
"""What the page on the screen and what the PDF begins with."""


def failing(folder, change):
    """Report of a field that is 25 % pore by drawing and may have 1 %, with another begin by an own template."""
    gray = np.full((120, 160), 190.0)
    for row in range(0, 120, 40):
        for column in range(0, 160, 40):
            gray[row + 5 : row + 25, column + 10 : column + 30] = 60.0
    gray += np.random.default_rng(0).normal(0, 4, gray.shape)
    Image.fromarray(gray.clip(0, 255).astype(np.uint8)).save(folder / "field_0.png")
    (folder / "own" / "blocks").mkdir(parents=True)
    (folder / "own" / "template.toml").write_text('language = "en"\n')
    for name in FIRST:
        shipped = (data_folder("templates") / "inspection" / name).read_text(encoding="utf-8")
        (folder / "own" / name).write_text(change(shipped), encoding="utf-8")
    (folder / "job.toml").write_text(JOB)
    assert job_run.run(folder / "job.toml", folder / "reports").verdict == "fail"
    return folder / "reports" / "job"


@pytest.fixture(scope="module")
def lying(tmp_path_factory):
    """Its first block lays a PASS over the verdict."""
    cover = '<div style="position:absolute;top:60mm;background:#fff;z-index:9;font-size:40pt">PASS 0.2 %</div>\n'
    return failing(tmp_path_factory.mktemp("lying"), lambda shipped: cover + shipped)


@pytest.fixture(scope="module")
def honest(tmp_path_factory):
    """It adds a line of the house, which speaks of verdicts without stating one."""
    line = '<p class="note">In this house an item may pass, fail or stay undecided, and the customer decides.</p>\n'
    return failing(tmp_path_factory.mktemp("honest"), lambda shipped: shipped.replace("<h1>", line + "<h1>", 1))


def test_a_pass_printed_over_a_failed_verdict_does_not_verify(lying):
    found = verify.verify(lying, template=lying.parents[1] / "own")
    unlike = {item.part: item.text for item in found.findings if item.state == "differs"}
    assert not found.verified
    assert unlike.keys() == {"HTML page", "PDF pages"}
    assert all("'PASS 0.2 %', the verdict of the report is 'fail'" in text for text in unlike.values())


def test_the_pdf_alone_with_a_pass_printed_over_its_verdict_does_not_verify(lying):
    done = CliRunner().invoke(app, ["verify", str(lying / "report.pdf")])
    assert done.exit_code == 3
    assert "DOES NOT VERIFY" in done.stdout.splitlines()[0]


def test_an_honest_template_of_its_own_verifies_and_the_first_line_says_what_was_not_looked_at(honest):
    own = str(honest.parents[1] / "own")
    done = CliRunner().invoke(app, ["verify", str(honest), "--template", own])
    assert done.exit_code == 0, done.stdout
    assert "numbers verified; the look of the pages was not checked: own template; " in done.stdout.splitlines()[0]


def test_a_text_of_the_data_is_no_verdict_of_the_page(honest):
    report = load_report(honest / "report.json")
    shown = "<section><p>{}</p></section><p>PASS</p>"
    assert pages.html_contradictions(report, shown.format("Specimen: pass")) == [
        "it shows 'Specimen: pass', the verdict of the report is 'fail'"
    ]
    assert pages.html_contradictions(report, shown.format("fail")) == []
    assert pages.html_contradictions(report, shown.format(report.warnings[0])) == []


def test_what_an_own_template_gets_wrong_is_one_line_that_names_it(tmp_path):
    with pytest.raises(SettingsError, match=r"summary\.html\.j2:1: .*no attribute"):
        failing(tmp_path, lambda _: "{{ 5 | requirement_text }}")


def test_a_template_that_loops_is_stopped_in_verify_as_in_a_run(honest, tmp_path, monkeypatch):
    made, own = honest, Path(shutil.copytree(honest.parents[1] / "own", tmp_path / "own"))
    report = load_report(made / "report.json")
    loop = "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}"
    for name in FIRST:
        (own / name).write_text(loop, encoding="utf-8")
    monkeypatch.setattr(template_process, "SECONDS", 2)
    monkeypatch.setattr(template_process, "SECONDS_PER_IMAGE", 0)
    held = pages.Files(json=(made / "report.json").read_bytes(), read={}.get, pictures=made)
    too_much = "needs more than 2 s of processor time"
    assert any(too_much in text for text in pages.html_differences(report, made / "report.html", own, made))
    with pypdf.PdfReader(made / "report.pdf") as shown:
        assert any(too_much in text for text in pages.pdf_differences(report, shown, own, held, tmp_path))
