"""Values of an edition that a laboratory compared with the published text: its file, and what a report says of it."""

import shutil
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from inspect_tool.cli import app
from inspect_tool.errors import StandardError
from inspect_tool.files import dump_report, load_report, sha256_file
from inspect_tool.inspection import job_run
from inspect_tool.languages import is_text
from inspect_tool.model import Comparison
from inspect_tool.paths import data_folder
from inspect_tool.recipes import grain_size
from inspect_tool.report.build import _not_compared, report_digest, report_id
from inspect_tool.standards import verified
from inspect_tool.standards.editions import load_standard, names, unverified
from inspect_tool.verify.verify import verify

NAME = "astm_e1245_2016"
COPY = "ASTM E1245-03(2016), printed copy no. 4"
JOB = """
recipe = "phase_fraction"
standard = "astm_e1245_2016"
images = ["field.png"]
exports = ["json", "html"]
[calibration]
pixel_um = 0.5
u_rel = 0.004
source = "stage micrometer"
[backend]
name = "threshold"
"""


def told(key, value, *, agrees=True, note=""):
    return Comparison(key=key, value=value, agrees=agrees, by="R. Ito", day=date(2026, 3, 9), text=COPY, note=note)


def all_of(standard, **changed):
    return [told(one.key, one.shown, agrees=changed.get(one.key, True)) for one in verified.published(standard)]


def warning(report):
    found = [one for one in report.warnings if is_text(one, "report.warning_values_open")]
    return found[0] if found else ""


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A job with one field, and the report of it before any value was compared."""
    folder = tmp_path_factory.mktemp("jobs")
    pixels = np.full((80, 100), 200.0)
    pixels[20:50, 30:60] = 70
    pixels += np.random.default_rng(3).normal(0, 4, pixels.shape)
    Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(folder / "field.png")
    (folder / "job.toml").write_text(JOB, encoding="utf-8")
    job_run.run(folder / "job.toml", folder / "before")
    return folder


@pytest.fixture(scope="module")
def compared(project):
    """The same job once the laboratory has compared every value."""
    for name in (NAME, "astm_e562_2019"):  # fields are planned by the second
        standard = load_standard(name)
        verified.record(standard, all_of(standard), project / verified.FOLDER)
    job_run.run(project / "job.toml", project / "after")
    return project / "after" / "job"


# ---------------------------------------------------------------------------------------------------------- the report


def test_page_1_says_once_that_values_in_use_were_not_compared(project):
    report = load_report(project / "before" / "job" / "report.json")
    job = report.editions[0]
    assert warning(report).count("values of ASTM E1245-03(2016)") == 1
    assert {value.state for value in job.values} == {"not compared"}
    assert report.standard.unverified == tuple(value.key for value in job.values)
    assert verify(project / "before" / "job").verified


def test_a_report_names_who_compared_its_values_and_page_1_is_silent(compared):
    report = load_report(compared / "report.json")
    assert warning(report) == ""
    assert report.standard.unverified == ()
    assert {(value.by, value.text) for value in report.editions[0].values} == {("R. Ito", COPY)}
    carried = [item.file for item in report.attachments if item.role == "comparison"]
    assert carried == [f"evidence/compared-{NAME}.toml", "evidence/compared-astm_e562_2019.toml"]
    page = (compared / "report.html").read_text(encoding="utf-8")
    assert f"R. Ito, 2026-03-09, {COPY}" in page


def test_such_a_report_verifies_and_one_with_a_forged_comparison_does_not(compared, tmp_path):
    assert verify(compared).verified
    forged = Path(shutil.copytree(compared, tmp_path / "forged"))
    report = load_report(forged / "report.json")
    job = report.editions[0]
    values = tuple(replace(value, by="A. Other") for value in job.values)
    other = replace(report, editions=(replace(job, values=values), *report.editions[1:]))
    other = replace(other, digest=report_digest(other))
    (forged / "report.json").write_text(
        dump_report(replace(other, id=report_id(other, other.digest))), encoding="utf-8"
    )
    found = verify(forged)
    assert not found.verified
    assert any("editions" in one.text and "A. Other" in one.text for one in found.findings)


def test_a_report_of_a_version_that_did_not_tell_verifies_with_the_sentence_of_that_version(project, tmp_path):
    """It said of every value of its edition that nobody compared it, and did not know which it used."""
    old = Path(shutil.copytree(project / "before" / "job", tmp_path / "old"))
    (old / "report.html").unlink()
    report = load_report(old / "report.json")
    standard = load_standard(NAME)
    kept = [one for one in report.warnings if not is_text(one, "report.warning_values_open")]
    bare = replace(
        report,
        editions=(),
        standard=replace(report.standard, unverified=unverified(standard)),
        warnings=(*kept, *_not_compared(unverified(standard), standard)),
    )
    for changed, verifies in ((bare, True), (replace(bare, warnings=tuple(kept)), False)):
        digested = replace(changed, digest=report_digest(changed))
        whole = replace(digested, id=report_id(digested, digested.digest))
        (old / "report.json").write_text(dump_report(whole), encoding="utf-8")
        assert verify(old).verified is verifies


# ------------------------------------------------------------------------------------------------------ which are used


@pytest.mark.parametrize(
    ("method", "left_out"),
    [
        ("abrams", {"jeffries_area"}),
        ("jeffries", {"tables.abrams_circles"}),
        ("intercept", {"jeffries_area", "tables.abrams_circles"}),
    ],
)
def test_a_test_figure_that_is_not_drawn_is_not_used(method, left_out):
    standard = load_standard("astm_e112_2013")
    used = set(grain_size.values_used(grain_size.Settings(method=method), standard))
    assert {"intercept_g0", "density_g1", "reference_magnification"} <= used
    assert left_out.isdisjoint(used)


def test_a_procedure_of_the_toolkit_has_no_published_text():
    own = {name for name in names() if not verified.published(load_standard(name))}
    assert {
        "areal_porosity_2026",
        "confluence_2026",
        "fiber_sections",
        "xray_projected_voids",
        "type_1_study_2026",
    } <= own
    assert not any(name.startswith(("astm", "aiag", "iso_643")) for name in own)


# ------------------------------------------------------------------------------------------------ the laboratory's file


def test_another_file_of_the_edition_takes_every_comparison_with_it(tmp_path):
    """The hash binds: a clause or a relation may be another one, although the number is the same."""
    shipped = data_folder("standards") / f"{NAME}.toml"
    own = tmp_path / f"{NAME}.toml"
    own.write_bytes(shipped.read_bytes())
    folder = tmp_path / verified.FOLDER
    standard = load_standard(str(own))
    verified.record(standard, all_of(standard), folder)
    own.write_bytes(shipped.read_bytes() + b"\n# a remark\n")
    changed = load_standard(str(own))
    changed = replace(changed, compared=verified.read(changed, folder))
    assert verified.states(changed) == {}
    first = verified.published(changed)[0]
    verified.record(changed, [told(first.key, first.shown)], folder)
    found = verified.read(changed, folder)
    assert [one.key for one in found.values] == [first.key]
    (kept,) = (folder / "earlier").iterdir()
    assert standard.sha256[:8] in kept.name


def test_what_was_answered_is_kept_and_answered_anew_only_where_it_is_asked_for(tmp_path):
    standard = load_standard(NAME)
    first, second, *_ = verified.published(standard)
    verified.record(standard, [told(second.key, second.shown)], tmp_path)
    verified.record(standard, [told(first.key, first.shown, agrees=False, note="the text says 2")], tmp_path)
    found = verified.read(standard, tmp_path)
    assert [(one.key, one.agrees) for one in found.values] == [(first.key, False), (second.key, True)]
    assert found.edition_sha256 == sha256_file(data_folder("standards") / f"{NAME}.toml")


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        (f'edition = "{NAME}"', 'edition = "astm_e112_2013"', "edition: is 'astm_e112_2013', must be"),
        ('key = "frame_weight"', 'key = "frame_wieght"', "no value 'frame_wieght' to be compared; did you mean"),
        ('value = "', 'value = "9', "was compared, the edition has"),
        ('by = "R. Ito"', 'by = " "', "say who compared it with which copy"),
        ("agrees = true", "agreed = true", "values.0.agrees: is missing"),
    ],
)
def test_a_wrong_file_is_one_line(tmp_path, before, after, message):
    standard = load_standard(NAME)
    verified.record(standard, all_of(standard), tmp_path)
    path = verified.file_of(standard, tmp_path)
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after, 1), encoding="utf-8")
    with pytest.raises(StandardError, match=message):
        verified.read(standard, tmp_path)


def test_a_folder_is_found_beside_the_job_above_it_or_where_the_job_says(tmp_path):
    home = tmp_path / "lab" / "jobs"
    home.mkdir(parents=True)
    (tmp_path / "lab" / verified.FOLDER).mkdir()
    (tmp_path / "elsewhere").mkdir()
    assert verified.folder_for("", home, "job.toml").samefile(tmp_path / "lab" / verified.FOLDER)
    (home / verified.FOLDER).mkdir()
    assert verified.folder_for("", home, "job.toml").samefile(home / verified.FOLDER)
    assert verified.folder_for("../../elsewhere", home, "job.toml").samefile(tmp_path / "elsewhere")
    with pytest.raises(StandardError, match=r"job.toml standards_verified: 'nowhere' is no folder in"):
        verified.folder_for("nowhere", home, "job.toml")


# ---------------------------------------------------------------------------------------------------------- the command


def asked(*words):
    return CliRunner().invoke(app, ["standards", *words])


def test_the_command_records_single_values_then_the_rest_and_says_how_many(tmp_path):
    folder = ("--folder", str(tmp_path / verified.FOLDER))
    who = ("--by", "R. Ito", "--text", COPY)
    first = asked("verify", NAME, *who, *folder, "--value", "frame_weight=differs", "--note", "the text says 2")
    assert "0 of 5 values verified, 1 found to differ" in first.output
    rest = asked("verify", NAME, *who, *folder, "--all")
    assert "frame_weight" not in rest.output.splitlines()[0]
    assert "4 of 5 values verified, 1 found to differ" in rest.output
    shown = asked("show", NAME, *folder).output
    assert "DIFFERS: R. Ito" in shown
    assert "(the text says 2)" in shown
    assert "4 of 5 values verified, 1 found to differ" in asked("list", *folder).output


def test_the_command_never_guesses(tmp_path):
    folder = ("--folder", str(tmp_path))
    who = ("--by", "R. Ito", "--text", COPY)
    assert "nobody can be asked here" in str(asked("verify", NAME, *who, *folder).exception)
    assert "say frame_weight=ok or frame_weight=differs" in str(
        asked("verify", NAME, *who, *folder, "--value", "frame_weight=yes").exception
    )
    assert "--text is empty" in str(asked("verify", NAME, "--by", "R. Ito", "--text", " ", *folder).exception)
    assert list(tmp_path.iterdir()) == []
    assert "without a published text" in asked("verify", "confluence_2026", *who, *folder).output
