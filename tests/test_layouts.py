"""A report in each layout, as a run writes it: it verifies, is signed and is printed anew."""

import shutil

import numpy as np
import pypdf
import pytest
from PIL import Image
from signing_keys import PASSPHRASE, Chain

from inspect_tool.errors import SettingsError
from inspect_tool.files import load_report
from inspect_tool.inspection import job_run
from inspect_tool.inspection.job_plan import plan
from inspect_tool.verify import reprint, signing, verify

JOB = """
{layout}
recipe = "phase_fraction"
images = ["field.png"]
exports = ["json", "pdf"]
[header]
title = "Phase fraction of plate 7"
date_of_work = "2026-03-02"
date_of_issue = "2026-03-01"
[calibration]
pixel_um = 0.5
u_rel = 0.004
source = "stage micrometer"
[backend]
name = "threshold"
[[requirements]]
quantity = "area_percent.dark"
upper = 60.0
source = "drawing 7"
"""


def job(folder, layout):
    folder.mkdir(parents=True, exist_ok=True)
    pixels = np.full((90, 120), 200.0)
    pixels[20:50, 30:70] = 70
    pixels += np.random.default_rng(5).normal(0, 4, pixels.shape)
    Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(folder / "field.png")
    (folder / "job.toml").write_text(JOB.format(layout=layout), encoding="utf-8")
    return folder / "job.toml"


@pytest.fixture(scope="module")
def apart(tmp_path_factory):
    """A report with its annex in a file of its own."""
    folder = tmp_path_factory.mktemp("apart")
    job_run.run(job(folder, 'annex = "apart"'), folder / "out")
    return folder / "out" / "job"


def unlike(found):
    return [item.text for item in found.findings if item.state == "differs"]


def test_a_certificate_that_was_signed_verifies_with_its_annex_apart(apart, tmp_path):
    chain = Chain(tmp_path)
    shutil.copytree(apart.parent, tmp_path / "out")
    report = tmp_path / "out" / "job" / "report.pdf"
    key = signing.load_key(chain.person("Ada Example"), PASSPHRASE)
    signing.sign(report, key, name="Ada Example", role="Head of laboratory", meaning="released")
    fields = [one.get_object() for one in pypdf.PdfReader(report).pages[0]["/Annots"]]
    assert [one["/FT"] for one in fields if "/FT" in one] == ["/Sig"]
    found = verify.verify(report.parent)
    assert unlike(found) == []
    assert [item.state for item in found.findings if item.part == "PDF pages"] == [
        "verified"
    ] * 3  # both, the signature


def test_an_annex_of_other_numbers_is_found_and_one_that_is_gone(apart, tmp_path):
    folder = tmp_path / "job"
    shutil.copytree(apart, folder)
    report = (folder / "report.pdf").read_bytes()
    (folder / "annex.pdf").write_bytes(report)  # pages that are not the annex
    (folder / "report.pdf").unlink()
    assert "PDF pages" in {
        item.part for item in verify.verify(folder).findings
    }  # without a certificate nothing to compare
    (folder / "report.pdf").write_bytes(report)
    found = unlike(verify.verify(folder))
    assert found
    assert all(text.startswith("annex.pdf: ") for text in found)
    (folder / "annex.pdf").unlink()
    assert unlike(verify.verify(folder)) == ["annex.pdf: is missing"]


def test_a_report_states_its_layout_its_issue_and_dates_that_contradict_it(apart):
    report = load_report(apart / "report.json")
    assert (report.layout, report.annex, report.issued) == ("certificate", "apart", "2026-03-01")
    (check,) = [one for one in report.checks if one.name.key == "report.check_dates"]
    assert not check.passed
    assert any("2026-03-02" in one and "2026-03-01" in one for one in report.warnings)
    assert set(pypdf.PdfReader(apart / "report.pdf").attachments) >= {"report.json", "job.toml"}
    assert not pypdf.PdfReader(apart / "annex.pdf").attachments


def test_a_report_of_the_arrangement_of_before_verifies_too(tmp_path):
    job_run.run(job(tmp_path, 'layout = "full"'), tmp_path / "out")
    assert load_report(tmp_path / "out" / "job" / "report.json").layout == "full"
    assert not (tmp_path / "out" / "job" / "annex.pdf").exists()
    assert unlike(verify.verify(tmp_path / "out" / "job")) == []


def test_a_print_has_the_files_of_the_report(apart, tmp_path):
    made = reprint.print_report(apart / "report.pdf", language="de", out=tmp_path / "of the PDF")
    assert [path.name for path in made.files] == ["report.pdf"]  # an annex is printed of the folder
    shown = pypdf.PdfReader(made.files[0])
    assert f"Nachdruck des Prüfberichts {made.report}" in " ".join(shown.pages[0].extract_text().split())


@pytest.mark.parametrize(
    ("layout", "message"),
    [
        ('layout = "short"', r"layout: got 'short', must be 'certificate' or 'full'"),
        ('annex = "beside"', r"annex: got 'beside', must be 'behind' or 'apart'"),
    ],
)
def test_a_layout_that_there_is_none_of_is_one_line(tmp_path, layout, message):
    with pytest.raises(SettingsError, match=message):
        plan(job(tmp_path, layout))
