"""A check by hand: drawn blind, answered by one who sees the truth, recorded, put into the report, and verified."""

import base64
import json
import shutil
from hashlib import sha256
from io import BytesIO
from itertools import cycle

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from inspect_tool.cli import app
from inspect_tool.errors import MeasurementError, OutputError, ReadError, SettingsError
from inspect_tool.inspection import hand_check, job_plan, job_run
from inspect_tool.referee import ledger
from inspect_tool.verify import verify

JOB = """
recipe = "phase_fraction"
images = ["*.png"]
exports = ["json"]
{more}
[calibration]
source = "ratio only"
[backend]
name = "threshold"
method = "fixed"
levels = [{level}]
classes = ["dark", "bright"]
phase = "dark"
[[requirements]]
quantity = "area_percent.dark"
unit = "%"
upper = 40.0
"""
SHAPE = (200, 240)


def drawn_job(folder, level=128.0, more=""):
    """Two fields of dark disks with a gray rim half as wide; the level decides whether the rim is dark."""
    rng = np.random.default_rng(3)
    rows, columns = np.mgrid[: SHAPE[0], : SHAPE[1]]
    shares = []
    for i in range(2):
        away = np.full(SHAPE, np.inf)
        for row, column in rng.uniform(0, 1, (14, 2)) * SHAPE:
            away = np.minimum(away, np.hypot(rows - row, columns - column))
        gray = np.where(away < 16, 50.0, np.where(away < 24, 110.0, 200.0)) + rng.normal(0, 4, SHAPE)
        Image.fromarray(np.clip(gray, 0, 255).astype(np.uint8)).save(folder / f"f{i}.png")
        shares.append(100 * float((away < 24).mean()))
    path = folder / "job.toml"
    path.write_text(JOB.format(level=level, more=more), encoding="utf-8")
    return path, float(np.mean(shares))


def page_of(file):
    """The sample that a page holds."""
    html = file.read_text(encoding="utf-8")
    start = html.index('type="application/json"')
    return json.loads(html[html.index(">", start) + 1 : html.index("</script>", start)])


def decoded(sample):
    """The block of the forecast, as the page reads it."""
    key = sha256(sample["id"].encode()).digest()
    data = base64.b64decode(sample["planning"]["value"])
    return bytes(one ^ other for one, other in zip(data, cycle(key), strict=False))


def seen(sample, item):
    """What a person names: dark up to a gray of 155, by the pixel under the mark and those around it."""
    crop = sample["crops"][item["crop"]]
    gray = np.asarray(Image.open(BytesIO(base64.b64decode(crop["png"]))))
    return "dark" if gray[tuple(item["at"])] < 155 else "bright"


def answered(drawn, count=None, *, file, **values):
    """The file that the page saves when every point is named as it is."""
    return saved(drawn, lambda one: {"value": seen(drawn, one), "at": "", "seconds": 1.5}, count, file=file, **values)


def saved(drawn, answer, count=None, *, file, **values):
    """The file that the page saves, with the answer to every item, or to some of the first."""
    items = drawn["items"][:count]
    whole = {
        "schema": ledger.ANSWERS, "sample": drawn["id"], "person": "N. N.", "started": "2026-12-01T09:00:00Z",
        "saved": "2026-12-01T09:05:00Z", "finished": count is None,
        "answers": [{"n": one["n"], **answer(one)} for one in items],
        **values,
    }  # fmt: skip
    file.write_text(json.dumps(whole), encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def checked(tmp_path_factory):
    """A job that takes the rims for bright, checked by hand: folder, truth, sample, machine and corrected report."""
    folder = tmp_path_factory.mktemp("checked")
    job, truth = drawn_job(folder, level=80.0)
    machine = job_run.run(job, folder / "machine", trail=False)
    told = ["--reports", str(folder / "reports")]
    done = CliRunner().invoke(app, ["referee", str(job), "--out", str(folder / "page.html"), "--nonce", "x", *told])
    assert done.exit_code == 0, done.output
    sample = page_of(folder / "page.html")
    file = answered(sample, file=folder / "answers.json")
    done = CliRunner().invoke(app, ["referee", str(job), "--answers", str(file), *told])
    assert done.exit_code == 0, done.output
    assert "150 of 150 points by N. N." in done.output
    drawn_job(folder, level=80.0, more='[referee]\nfile = "answers.json"')
    report = job_run.run(job, folder / "reports")
    return folder, truth, sample, machine, report


def result_of(report, quantity="area_percent.dark"):
    return next(one for one in report.results if one.quantity == quantity)


def test_a_person_corrects_a_segmentation_that_is_off_by_ten_points(checked):
    _, truth, _, machine, report = checked
    before, after = result_of(machine), result_of(report)
    assert abs(before.value - truth) > 10
    assert abs(after.value - truth) < 7  # 150 points, p (1 - p) split by strata: two standard deviations
    assert after.interval[0] <= truth <= after.interval[1]
    assert after.clause == f"check by hand, in place of {before.clause}"  # the standard did not make this number
    assert [line.name for line in after.budget][-1] == "check by hand"
    assert "segmentation" not in {line.name for line in after.budget}
    both = result_of(report).value + result_of(report, "area_percent.bright").value
    assert both == pytest.approx(100)


def test_page_1_says_who_checked_how_many_points_blind(checked):
    *_, report = checked
    told = next(text for text in report.warnings if text.startswith("Checked by hand"))
    assert "150 points, blind, by N. N., 2026-12-01" in told
    assert next(table for table in report.tables if table.title == "Check by hand").rows[0][0].startswith("Area")


def test_what_rests_on_a_segmentation_found_wrong_passes_no_requirement(checked):
    *_, report = checked
    check = next(one for one in report.checks if one.name.startswith("Deviation of the segmentation beyond"))
    assert not check.passed
    assert check.scope == "plausibility"
    assert "mean_free_path_um.dark" not in check.quantities  # no scale: there is none
    assert "worst_field_percent.dark" in check.quantities
    assert "area_percent.dark" not in check.quantities


def test_the_verdict_that_is_told_with_the_answers_is_that_of_the_report(tmp_path):
    """A field of nothing but a scratch is doubted by its image: that passes no requirement, by hand or not."""
    job, _ = drawn_job(tmp_path)
    asked = JOB.replace("upper", 'rule = "simple"\nupper')
    job.write_text(asked.format(level=128.0, more=""), encoding="utf-8")
    scratch = np.full(SHAPE, 200, np.uint8)
    scratch[100, 20:220] = 50
    Image.fromarray(scratch).save(tmp_path / "f1.png")
    hand_check.draw(job, tmp_path / "page.html", nonce="x")
    file = answered(page_of(tmp_path / "page.html"), file=tmp_path / "answers.json")
    _, standing = hand_check.record(job, file)
    job.write_text(asked.format(level=128.0, more='[referee]\nfile = "answers.json"'), encoding="utf-8")
    report = job_run.run(job)
    (told,), (printed,) = standing.conformities, report.conformities
    assert told.value < 40  # the limit: but for the doubt it would pass
    assert told.value == pytest.approx(printed.value, rel=1e-9)
    assert (told.decision, told.reason) == (printed.decision, printed.reason)
    assert told.decision == "undecided"


def test_verify_computes_the_correction_again_from_masks_sample_and_answers(checked):
    folder, *_ = checked
    found = verify.verify(folder / "reports/job")
    assert found.verified, [item.text for item in found.findings if item.state == "differs"]


def test_verify_finds_an_answer_that_was_changed(checked, tmp_path):
    folder, *_ = checked
    copy = tmp_path / "job"
    shutil.copytree(folder / "reports/job", copy)
    file = copy / "evidence/referee-answers.json"
    file.write_bytes(file.read_bytes().replace(b'"bright"', b'"dark"', 1))
    found = verify.verify(copy)
    assert not found.verified
    assert any("referee-answers.json" in item.text for item in found.findings if item.state == "differs")


def test_the_page_says_nothing_of_what_the_program_saw(checked):
    _, _, sample, *_ = checked
    assert set(sample) == {
        *(
            "schema",
            "id",
            "job",
            "recipe",
            "title",
            "kind",
            "question",
            "choices",
            "stages",
            "items",
            "crops",
            "planning",
        )
    }
    assert all(set(item) == {"n", "crop", "at"} for item in sample["items"])
    assert sample["stages"] == [50, 100, 150]
    assert len(sample["items"]) == 150


def test_the_block_of_the_page_decodes_to_what_the_forecast_needs(checked):
    _, _, sample, *_ = checked
    found = json.loads(decoded(sample))
    assert (found["target"], found["limit"]) == ("dark", 40.0)
    assert len(found["m"]) == len(found["w"]) == 150
    assert sum(found["w"]) == pytest.approx(1)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"sample": "0" * 64}, r"no sample 000000000000\.\.\. was drawn for this job"),
        ({"person": " "}, "person is empty"),
        ({"schema": "x"}, "schema is 'x'"),
    ],
)
def test_answers_that_are_not_ours_are_refused_in_one_line(checked, tmp_path, change, says):
    folder, _, sample, *_ = checked
    with pytest.raises(ReadError, match=says):
        hand_check.record(folder / "job.toml", answered(sample, file=tmp_path / "a.json", **change))


def test_less_than_a_stage_is_refused_and_two_stages_count_as_two(checked, tmp_path):
    folder, _, sample, *_ = checked
    with pytest.raises(ReadError, match="49 of 50 points are answered"):
        hand_check.record(folder / "job.toml", answered(sample, 49, file=tmp_path / "a.json"))
    _, standing = hand_check.record(folder / "job.toml", answered(sample, 120, file=tmp_path / "b.json"))
    assert standing.correction.points == 100


def test_answers_that_were_not_recorded_are_refused(checked, tmp_path):
    folder, _, sample, *_ = checked
    file = answered(sample, file=tmp_path / "new.json", saved="2026-12-02T09:00:00Z")
    with pytest.raises(ReadError, match="is not recorded"):
        ledger.given(file, folder / "job.referee")


def test_another_segmentation_is_refused_for_the_sample_of_this_one(checked):
    folder, *_ = checked
    job = folder / "other_level.toml"
    job.write_text(JOB.format(level=150.0, more='[referee]\nfile = "answers.json"'), encoding="utf-8")
    shutil.copytree(folder / "job.referee", folder / "other_level.referee", dirs_exist_ok=True)
    with pytest.raises(ReadError, match="drawn from other images, settings or masks"):
        job_run.run(job, folder / "other", trail=False)


def test_a_changed_entry_of_the_ledger_is_named(checked, tmp_path):
    folder, *_ = checked
    copy = tmp_path / "job.referee"
    shutil.copytree(folder / "job.referee", copy)
    assert [entry.event for entry in ledger.read(copy)][:2] == ["drawn", "answered"]
    first = copy / "0001.json"
    first.write_text(first.read_text(encoding="utf-8").replace('"nonce": "x"', '"nonce": "y"'), encoding="utf-8")
    with pytest.raises(ReadError, match=r"0002\.json: was changed, or does not follow"):
        ledger.read(copy)


def test_one_of_page_and_answers_is_asked_for(tmp_path):
    with pytest.raises(SettingsError, match="give --out"):
        CliRunner().invoke(app, ["referee", str(tmp_path / "job.toml")], catch_exceptions=False)


def test_as_many_points_as_anybody_answers(checked, tmp_path):
    folder, *_ = checked
    with pytest.raises(SettingsError, match="got 20, must be from 50 to 1000"):
        hand_check.draw(folder / "job.toml", tmp_path / "page.html", points=20)


POROSITY = """
recipe = "porosity"
exports = ["json"]
{more}
[[accept]]
check = "size"
reason = "nothing is seen in B"
images = ["b*.png"]
[[accept]]
check = "resolution"
reason = "nothing is seen in B"
images = ["b*.png"]
[calibration]
source = "ratio only"
[[specimens]]
id = "A"
images = ["a*.png"]
[[specimens]]
id = "B"
images = ["b*.png"]
[backend]
name = "threshold"
method = "fixed"
levels = [70.0]
phase = "dark"
classes = ["pore", "metal"]
channel = "gray"
"""


def test_pores_that_the_program_misses_are_found_in_every_specimen(tmp_path):
    """Specimen A has black pores that are all seen, B only gray ones that are not: each is its own population."""
    rows, columns = np.mgrid[:120, :150]
    truth = {}
    for name, gray in (("a", 30.0), ("b", 110.0)):
        rng = np.random.default_rng(ord(name))
        for i in range(2):
            pore = np.zeros((120, 150), bool)
            for row, column in rng.uniform(0, 1, (8, 2)) * (120, 150):
                pore |= np.hypot(rows - row, columns - column) < 10
            noisy = np.where(pore, gray, 200.0) + rng.normal(0, 4, pore.shape)
            Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8)).save(tmp_path / f"{name}{i}.png")
            truth.setdefault(name.upper(), []).append(100 * pore.mean())
    job = tmp_path / "job.toml"
    job.write_text(POROSITY.format(more=""), encoding="utf-8")
    hand_check.draw(job, tmp_path / "page.html", points=50, nonce="n")
    sample = page_of(tmp_path / "page.html")
    assert sample["stages"] == [100]
    assert [choice["value"] for choice in sample["choices"]] == ["metal", "pore"]
    said = [{"n": one["n"], "value": "pore" if seen(sample, one) == "dark" else "metal"} for one in sample["items"]]
    file = answered(sample, file=tmp_path / "answers.json", answers=said)
    hand_check.record(job, file)
    job.write_text(POROSITY.format(more='[referee]\nfile = "answers.json"'), encoding="utf-8")
    report = job_run.run(job, tmp_path / "reports", trail=False)
    found = {one.specimen: one for one in report.results if one.quantity == "porosity_percent"}
    for specimen, result in found.items():
        low, high = result.interval
        assert low <= np.mean(truth[specimen]) <= high
    widths = {specimen: result.interval[1] - result.interval[0] for specimen, result in found.items()}
    assert found["B"].value > 5  # the program saw none
    assert widths["A"] < widths["B"]
    unseen = next(one for one in report.checks if one.name == "Structure missed by the program, pore")
    assert (unseen.specimen, unseen.passed) == ("B", False)
    assert verify.verify(tmp_path / "reports/job").verified


LEVEL = 'name = "threshold", method = "fixed", levels = [80.0], phase = "dark"'
CONFLUENCE = f'recipe = "confluence"\nbackend = {{ {LEVEL}, classes = ["cells", "ground"] }}'
FIBERS = f"""recipe = "fibres"
backend = {{ name = "with_voids", objects = {{ {LEVEL} }}, names = ["matrix", "fiber", "void"] }}"""


@pytest.mark.parametrize(
    ("table", "quantity", "classes"),
    [
        (CONFLUENCE, "area_percent.covered", {"ground": "bright", "cells": "dark"}),
        (FIBERS, "fibre_percent", {"matrix": "bright", "fiber": "dark", "void": "never seen"}),
    ],
)
def test_what_cells_cover_and_the_share_of_fibers_are_corrected(tmp_path, table, quantity, classes):
    """The rims of the discs are missed by the program and seen by the person."""
    job, truth = drawn_job(tmp_path)
    more = 'images = ["*.png"]\nexports = ["json"]\ncalibration = { source = "ratio only" }'
    job.write_text(f"{table}\n{more}\n", encoding="utf-8")
    hand_check.draw(job, tmp_path / "page.html", nonce="x")
    sample = page_of(tmp_path / "page.html")
    assert [choice["value"] for choice in sample["choices"]] == list(classes)
    named = {look: name for name, look in classes.items()}
    said = [{"n": one["n"], "value": named[seen(sample, one)]} for one in sample["items"]]
    hand_check.record(job, answered(sample, file=tmp_path / "answers.json", answers=said))
    job.write_text(f'{table}\n{more}\nreferee = {{ file = "answers.json" }}\n', encoding="utf-8")
    report = job_run.run(job, tmp_path / "reports", trail=False)
    after = result_of(report, quantity)
    table = next(one for one in report.tables if one.title == "Check by hand")
    alone = table.columns.index("Software alone")
    machine = [row[alone] for row in table.rows if f"{row[0]}, corrected" in after.title]
    assert machine[0] < truth - 10
    assert abs(after.value - truth) < 7  # 150 points, as above
    assert after.interval[0] <= truth <= after.interval[1]
    assert "segmentation" not in {line.name for line in after.budget}
    assert verify.verify(tmp_path / "reports/job").verified


def test_a_number_of_nuclei_is_not_corrected_by_points(tmp_path):
    job, _ = drawn_job(tmp_path)
    job.write_text(
        """
recipe = "confluence"
images = ["*.png"]
calibration = { pixel_um = 0.5, source = "stage micrometer", u_rel = 0.01 }
settings = { count = "nuclei" }
backend = { name = "watershed", mode = "particles", phase = "dark" }
""",
        encoding="utf-8",
    )
    with pytest.raises(MeasurementError, match=r"settings.count is 'nuclei': points correct what is covered"):
        hand_check.draw(job, tmp_path / "page.html")


@pytest.mark.parametrize(("name", "text"), [("job.toml", "exists already"), ("gone/page.html", "there is no folder")])
def test_a_page_is_written_over_nothing_and_refused_before_the_job_is_measured(tmp_path, monkeypatch, name, text):
    (tmp_path / "job.toml").write_text("kept")
    monkeypatch.setattr(job_plan, "plan", lambda *_, **__: pytest.fail("the job was looked at first"))
    with pytest.raises(OutputError, match=text):
        hand_check.draw(tmp_path / "job.toml", tmp_path / name)
    assert (tmp_path / "job.toml").read_text() == "kept"


def test_a_hundred_thousand_answers_are_looked_through_at_once():
    answers = [{"n": n, "value": "ferrite"} for n in range(100_000)]
    head = {"schema": ledger.ANSWERS, "sample": "0" * 64, "person": "N. N.", "started": "", "saved": ""}
    data = json.dumps({**head, "finished": True, "answers": [*answers, answers[-1]]}).encode()
    with pytest.raises(ReadError, match="item 99999 is answered twice"):
        ledger.parsed_answers(data, "answers.json")
