"""A field in which what was found is too fine is named and costs no other; a job full of such structure is refused."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from inspect_tool.errors import MeasurementError
from inspect_tool.images import quality
from inspect_tool.inspection import job_run
from inspect_tool.model import Acceptance
from inspect_tool.verify import verify

SHAPE = (300, 400)


def field(seed, kind):
    """Dark discs of 24 px on a bright ground, squares of 6 px all over it, or one scratch of 1 px, 0.25 % of it."""
    rng = np.random.default_rng(seed)
    gray = np.full(SHAPE, 190.0)
    rows, columns = np.mgrid[: SHAPE[0], : SHAPE[1]]
    if kind == "discs":
        for row in range(40, 300, 75):
            for column in range(40, 400, 80):
                gray[(rows - row) ** 2 + (columns - column) ** 2 <= 144] = 60
    elif kind == "squares":
        gray[(rows % 18 < 6) & (columns % 18 < 6)] = 60
    else:
        cv2.line(gray, (30, 20), (330, 270), 60.0)
    gray = cv2.GaussianBlur(gray, (0, 0), 1.0) + rng.normal(0, 3, SHAPE)
    return np.clip(gray, 0, 255).astype(np.uint8)


def job(tmp_path, *kinds, more=""):
    for i, kind in enumerate(kinds):
        cv2.imwrite(str(tmp_path / f"{i}_{kind}.png"), field(i, kind))
    (tmp_path / "job.toml").write_text(
        'recipe = "phase_fraction"\nimages = ["*.png"]\nexports = ["json"]\n[calibration]\npixel_um = 0.5\n'
        'source = "stage micrometer"\nu_rel = 0.01\n[[requirements]]\nquantity = "area_percent.dark"\nupper = 60.0\n'
        'rule = "simple"\n' + more
    )
    return tmp_path / "job.toml"


def doubts(report):
    return [check for check in report.checks if "each field" in check.name]


def test_a_field_of_nothing_but_a_scratch_costs_no_other_field_and_is_named(tmp_path):
    report = job_run.run(job(tmp_path, "discs", "scratch", "discs"), tmp_path / "out")
    assert len(report.fields.rows) == 3
    (doubt,) = doubts(report)
    assert (doubt.scope, doubt.passed, doubt.limit) == ("plausibility", False, 9.0)
    assert doubt.value < 9
    assert doubt.note.startswith("1_scratch.png: inspect the overlay")
    assert report.verdict == "undecided"
    assert any("1_scratch.png: inspect the overlay" in said for said in report.warnings)  # page 1
    assert verify.verify(tmp_path / "out" / "job").verified


def test_fields_that_are_as_they_should_be_are_not_doubted_and_what_is_accepted_is_not(tmp_path):
    assert doubts(job_run.run(job(tmp_path, "discs", "discs"))) == []
    accepted = '[[accept]]\ncheck = "size"\nreason = "the scratch is meant"\n'
    report = job_run.run(job(tmp_path, "discs", "scratch", more=accepted))
    assert [check.name for check in doubts(report) if check.name.startswith("Size")] == []


@pytest.mark.parametrize("kinds", [["scratch"], ["scratch", "scratch"]])
def test_a_job_of_nothing_but_scratches_gives_its_overlays_and_a_number_that_passes_nothing(tmp_path, kinds):
    report = job_run.run(job(tmp_path, *kinds), tmp_path / "out")
    assert report.verdict == "undecided"
    (size,) = [check for check in doubts(report) if check.name.startswith("Size")]
    assert "0_scratch.png" in size.note
    (lines,) = [check for check in report.checks if check.name == "Area of thin, long lines, dark"]
    assert (lines.passed, lines.value, lines.limit) == (False, pytest.approx(100, abs=2), 20.0)
    said = " ".join(report.warnings)  # page 1
    assert "Area of thin, long lines, dark" in said
    assert all((tmp_path / "out/job" / record.overlay).is_file() for record in report.micrographs)


def test_a_job_of_nothing_but_fine_structure_all_over_is_refused(tmp_path):
    with pytest.raises(MeasurementError, match=r"0_squares\.png: image quality: size of the measured features: .* px"):
        job_run.run(job(tmp_path, "squares", "squares"))


def test_specimens_are_doubted_apart_and_many_images_are_counted():
    made = quality.table(
        [
            quality.Figure(check="size", value=value, limit=quality.Limit(advised=15, red=9), image=f"{i}.png")
            for i, value in enumerate((5.0, 20.0, 4.0, 3.0, 2.0, 30.0, None))
        ],
        [f"{i}.png" for i in range(7)],
    )
    limits = quality.default_limits("phase_fraction")
    (doubt,) = quality.doubts(made, [*"AAAAABB"], limits, ())
    assert (doubt.specimen, doubt.value, doubt.note.split(":")[0]) == ("A", 2.0, "0.png, 2.png, 3.png and 1 more")
    assert quality.doubts(made, [*"AAAAABB"], limits, [Acceptance(check="size", reason="meant")]) == []
    assert quality.doubts(made, [*"AAAAABB"], replace(limits, size=None), ()) == []
