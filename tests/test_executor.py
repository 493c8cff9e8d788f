"""Whoever computes the fields of a job, its report is the same."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from inspect_tool.errors import ReadError
from inspect_tool.inspection import field_record, job_plan, job_run, journal, reporting, stored

JOB = """
recipe = "porosity"
images = ["field_*.png"]
exports = ["json"]
[calibration]
pixel_um = 0.5
u_rel = 0.004
source = "stage micrometer"
[backend]
name = "threshold"
"""


@pytest.fixture
def job(tmp_path):
    rng = np.random.default_rng(2)
    for number in (1, 2, 3):
        pixels = np.full((150, 160), 200.0)
        for row, column in zip(range(10, 130, 30), rng.permutation(range(10, 130, 30)), strict=True):
            pixels[row : row + 12 + 2 * number, column : column + 13] = 60
        pixels += rng.normal(0, 3, pixels.shape)
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(tmp_path / f"field_{number}.png")
    (tmp_path / "job.toml").write_text(JOB, encoding="utf-8")
    return tmp_path / "job.toml"


def test_threads_of_the_caller_give_the_report_of_one_process(job):
    alone = job_run.run(job, job.parent / "alone")
    with ThreadPoolExecutor(3) as executor:
        beside = job_run.run(job, job.parent / "beside", executor=executor)
        assert executor.submit(int, 7).result() == 7  # is left open
    assert beside.digest == alone.digest
    assert beside.results == alone.results


def test_the_error_of_a_field_reaches_the_caller_of_an_executor(job):
    (job.parent / "field_2.png").write_bytes(b"no picture")
    with ThreadPoolExecutor(2) as executor, pytest.raises(ReadError, match=r"field_2\.png"):
        job_run.run(job, job.parent / "out", executor=executor)
    assert not (job.parent / "out" / "job").exists()


def test_what_is_kept_of_a_field_is_small_and_the_worst_features_are_those_of_the_job(job):
    """Ten are shown, of all fields together; the lean fields hold all of them, whatever field comes first."""
    folder = job.parent / "fields"
    folder.mkdir()
    planned = job_plan.plan(job)
    whole = [field_record._measure_one(journal.alone(planned, i), i, folder, None, None) for i in range(3)]
    worst = reporting.worst_first([shown for outcome in whole for shown in outcome.thumbnails])
    assert sum(len(outcome.thumbnails) for outcome in whole) > len(worst) == field_record.WORST
    for order in ((0, 1, 2), (2, 0, 1)):
        lean = field_record._lean()
        kept = {i: lean(field_record._light(whole[i])) for i in order}
        assert all(one.measurement.marks == one.measurement.worst == () for one in kept.values())
        assert reporting.worst_first([shown for i in sorted(kept) for shown in kept[i].thumbnails]) == worst
    outcomes, lost = field_record.measure_all(planned, folder, 1, job_plan.silent)
    assert [
        len(stored.dump(outcome.measurement)) < len(stored.dump(one.measurement))
        for outcome, one in zip(outcomes, whole, strict=True)
    ] == [True] * 3
    assert lost == ()
