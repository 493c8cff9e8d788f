"""A check by hand of grain size: lines drawn blind, boundaries marked by one who sees them, report and verification."""

import base64
import json
import sys
import time
from dataclasses import replace
from io import BytesIO
from itertools import pairwise
from pathlib import Path

import browsing
import numpy as np
import pytest
from PIL import Image
from test_hand_check import decoded, page_of, saved
from typer.testing import CliRunner

from inspect_tool.cli import app
from inspect_tool.errors import MeasurementError, ReadError
from inspect_tool.inspection import job_run
from inspect_tool.model import Calibration, Micrograph, Segmentation
from inspect_tool.recipes import grain_size
from inspect_tool.referee import correction, ledger
from inspect_tool.referee.population import population
from inspect_tool.standards.editions import editions_for
from inspect_tool.verify import verify

sys.path.insert(0, str(Path(__file__).parent / "truth"))
from drawn_mosaics import merged
from drawn_tessellations import poisson

JOB = """
recipe = "grain_size"
images = ["f*.png"]
exports = ["json"]
{more}
[calibration]
pixel_um = 0.5
u_rel = 0.01
source = "drawn"
[settings]
{settings}
[backend]
name = "labels"
masks = ["mask*.png"]
kind = "labels"
[[requirements]]
quantity = "grain_size_number"
unit = "G"
upper = 9.5
"""
SHAPE = (220, 240)
E112 = editions_for(grain_size, grain_size.Settings())


def drawn_job(folder, settings="", more=""):
    """Three fields of grains that differ in tone from all neighbors; the masks lack three of ten boundaries."""
    rng = np.random.default_rng(11)
    truth = []
    for i in range(3):
        mosaic = poisson(rng, SHAPE, 18.0)
        labels = mosaic.labels()
        tone = rng.permutation(np.linspace(20, 235, int(labels.max()) + 1))
        Image.fromarray(tone[labels].astype(np.uint8)).save(folder / f"f{i}.png")
        Image.fromarray(merged(rng, labels, 0.3).astype(np.uint16)).save(folder / f"mask{i}.png")
        truth.append(mosaic.n_l_px() / 0.5e-3)
    path = folder / "job.toml"
    path.write_text(JOB.format(settings=settings, more=more), encoding="utf-8")
    return path, float(np.mean(truth))


def marks_on(sample, item):
    """What a person marks: every change of tone along the line; a tone that comes back within 2 px is one touch."""
    crop = sample["crops"][item["crop"]]
    gray = np.asarray(Image.open(BytesIO(base64.b64decode(crop["png"])))).astype(int)
    start, end = np.array(item["line"])
    at = np.linspace(0, 1, int(np.hypot(*(end - start)) / 0.25) + 1)
    row, column = np.rint(start + at[:, None] * (end - start)).astype(int).T
    seen = gray[row, column]
    places = np.flatnonzero(seen[1:] != seen[:-1]) + 1
    found = []
    for place in places:
        if found and place - found[-1] < 8:
            if seen[place] == seen[found[-1] - 1]:
                found.pop()
            continue
        found.append(place)
    return [{"position": float(at[place]), "value": "crossing"} for place in found]


def answered(sample, count=None, *, file, **values):
    return saved(
        sample, lambda one: {"value": "done", "marks": marks_on(sample, one), "at": ""}, count, file=file, **values
    )


@pytest.fixture(scope="module")
def checked(tmp_path_factory):
    """A job whose masks lack boundaries, checked by hand: folder, true N_L, sample and corrected report."""
    folder = tmp_path_factory.mktemp("grains")
    job, truth = drawn_job(folder)
    told = ["--reports", str(folder / "reports")]
    page = str(folder / "page.html")
    done = CliRunner().invoke(app, ["referee", str(job), "--out", page, "--nonce", "x", *told])
    assert done.exit_code == 0, done.output
    sample = page_of(folder / "page.html")
    file = answered(sample, file=folder / "answers.json")
    done = CliRunner().invoke(app, ["referee", str(job), "--answers", str(file), *told])
    assert done.exit_code == 0, done.output
    assert "60 of 60 lines by N. N." in done.output
    assert "grain_size_number: " in done.output
    drawn_job(folder, more='[referee]\nfile = "answers.json"')
    return folder, truth, sample, job_run.run(job, folder / "reports")


def result_of(report, quantity="grain_size_number"):
    return next(one for one in report.results if one.quantity == quantity)


def table_of(report):
    return next(table for table in report.tables if table.title == "Check by hand")


def g_of(n_l_per_mm):
    """G of ASTM E112: 32.0 mm at 100 x is the mean intercept of G = 0."""
    return 2 * np.log2(0.32 * n_l_per_mm)


def test_a_person_corrects_the_grain_size_where_boundaries_were_missed(checked):
    _, truth, _, report = checked
    after = result_of(report)
    before = table_of(report).rows[0][3]
    assert before < g_of(truth) - 0.7
    assert after.interval[0] <= g_of(truth) <= after.interval[1]
    assert abs(after.value - g_of(truth)) < 0.4
    assert after.rounded == f"{after.value:.1f}"
    assert [line.name for line in after.budget][-1] == "check by hand"
    assert {line.name for line in after.budget} == {"scale", "between fields", "check by hand"}


def test_all_that_rests_on_intercepts_says_the_same(checked):
    *_, report = checked
    length = result_of(report, "mean_intercept_um")
    assert result_of(report).value == pytest.approx(g_of(1e3 / length.value), abs=1e-3)
    assert result_of(report, "grain_size_number.intercept").value == pytest.approx(result_of(report).value)
    assert result_of(report, "mean_intercept_um.figure").value == pytest.approx(length.value)
    area, number = (
        result_of(report, name) for name in ("boundary_area_per_volume_per_mm", "grain_size_number.intercept")
    )
    assert area.value * length.value == pytest.approx(2e3)
    # G = 2 log2 N_L + c
    assert [line.u / area.value for line in area.budget[:-1]] == pytest.approx(
        [line.u * np.log(2) / 2 for line in number.budget[:-1]], rel=1e-3
    )


def test_page_1_says_who_checked_how_many_lines_blind(checked):
    *_, report = checked
    told = next(text for text in report.warnings if text.startswith("Checked by hand"))
    assert "60 lines, blind, by N. N., 2026-12-01" in told
    assert [row[2] for row in table_of(report).rows] == ["G", "G", "um", "um", "1/mm"]


def test_what_is_not_counted_on_lines_passes_no_requirement_where_the_masks_are_off(checked):
    *_, report = checked
    check = next(one for one in report.checks if one.name.startswith("Deviation of the segmentation beyond"))
    assert (check.passed, check.scope) == (False, "plausibility")
    assert {"grain_size_number.planimetric", "grain_size_number.largest", "anisotropy_index"} <= set(check.quantities)
    assert "grain_size_number" not in check.quantities


def test_a_doubt_of_the_boundaries_does_not_reach_what_a_person_counted_and_one_of_the_region_does(told, checked):
    _, _, sample, _ = checked
    seen = [{"n": item["n"], "value": "done", "marks": marks_on(sample, item)} for item in sample["items"]]
    field = grain_size.measure_field(
        Micrograph(
            pixels=np.zeros(SHAPE, np.uint8), calibration=Calibration(pixel_um=0.5, source="drawn"), specimen="1"
        ),
        Segmentation(labels=half_without_grains(), classes={1: "grain"}, kind="instance", backend="labels"),
        grain_size.Settings(method="intercept"),
        E112,
    )
    findings = grain_size.combine([field], grain_size.Settings(method="intercept"), E112)
    doubts = [one.name for one in findings.checks if one.scope == "plausibility" and not one.passed]
    assert doubts[0] == "Excluded area of a field, field with the most"
    assert "Proportion of a field covered by one grain" in doubts
    left = [
        one
        for one in correction.applied(findings, told(seen)).checks
        if one.scope == "plausibility"
        and not one.passed
        and (not one.quantities or "grain_size_number" in one.quantities)
    ]
    assert [one.name for one in left] == doubts[:1]


def half_without_grains():
    """More than half of a field left out; one grain covers most of the rest, and touches little of the edge."""
    labels = np.zeros(SHAPE, np.int32)
    labels[120:, :] = 1
    labels[-6:, :] = np.arange(SHAPE[1]) // 12 + 2
    labels[:, :6] = labels[:, -6:] = 0
    labels[120:, :6] = 90 + np.arange(100)[:, None] // 12
    labels[120:, -6:] = 120 + np.arange(100)[:, None] // 12
    return labels


def test_verify_draws_the_lines_again(checked):
    folder, *_ = checked
    found = verify.verify(folder / "reports/job")
    assert found.verified, [item.text for item in found.findings if item.state == "differs"]


def test_the_page_shows_lines_and_nothing_of_what_the_program_saw(checked):
    _, _, sample, _ = checked
    assert sample["kind"] == "lines"
    assert sample["stages"] == [20, 40, 60]
    assert all(set(item) == {"n", "crop", "line"} for item in sample["items"])
    assert {one["value"]: one["count"] for one in sample["choices"]} == {
        "crossing": 1, "triple point": 1.5, "tangent": 1, "end on a boundary": 0.5,
    }  # fmt: skip
    for item in sample["items"]:
        shape = np.array(sample["crops"][item["crop"]]["shape"])
        ends = np.array(item["line"])
        assert ((ends >= 0) & (ends <= shape - 1)).all()


def test_the_page_forecasts_from_the_result_that_the_report_has(checked):
    """With all lines answered the plan of the page gives the corrected G, by its distance to the limit of 9.5."""
    _, _, sample, report = checked
    plan = json.loads(decoded(sample))
    worth = plan["worth"]
    counts = [scale * sum(worth[mark["value"]] for mark in marks_on(sample, item))
              for item, scale in zip(sample["items"], plan["scales"], strict=True)]  # fmt: skip
    differences = [w * (count - m) for w, count, m in zip(plan["w"], counts, plan["m"], strict=True)]
    value = plan["machine"] + sum(differences) / sum(plan["w"])
    assert 9.5 - 2 * np.log2(plan["limit"] / value) == pytest.approx(result_of(report).value, abs=1e-6)
    assert "worth" not in json.dumps(sample)  # not in the clear


@pytest.fixture(scope="module")
def told(checked):
    """Function that makes a correction of answers to the sample, without measuring the job again."""
    folder, _, sample, report = checked
    settings = grain_size.Settings()
    found = population(
        "grain_size",
        grain_size,
        settings,
        E112,
        report.micrographs,
        lambda f: (folder / "reports/job" / f).read_bytes(),
    )

    def correct(answers):
        data = answered(sample, file=folder / "some.json", answers=answers).read_bytes()
        entries = ledger.read(folder / "job.referee")
        parsed = ledger.parsed_answers(data, "some.json")
        drawn = ledger.sample_of(entries, sample["id"], "some.json")
        given = ledger.Given(where="some.json", data=data, answers=parsed, sample=drawn, entries=entries)
        return correction.corrected(found, given)

    return correct


def test_every_kind_of_mark_counts_as_the_standard_says(checked, told):
    _, _, sample, _ = checked
    found = {}
    for kind in ("crossing", "triple point", "tangent", "end on a boundary"):
        marks = [{"position": 0.5, "value": kind}]
        made = told([{"n": item["n"], "value": "done", "marks": marks} for item in sample["items"]])
        found[kind] = next(one.found.value for one in made.results if one.quantity == "mean_intercept_um")
    per_mark = {kind: found["crossing"] / length for kind, length in found.items()}
    assert per_mark == pytest.approx({"crossing": 1, "triple point": 1.5, "tangent": 1, "end on a boundary": 0.5})


@pytest.mark.needs("Chromium")
def test_marks_by_keys_in_a_browser_are_what_the_report_counts(checked, told, tmp_path):
    """The boundaries of the first line, step by step along it; the second cannot be told; a reload forgets nothing."""
    pytest.importorskip("selenium.webdriver")
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.keys import Keys

    folder, _, sample, _ = checked
    item = next(one for one in sample["items"] if one["n"] == 0)
    length = float(np.hypot(*(np.array(item["line"][1]) - item["line"][0])))
    wanted = [mark["position"] for mark in marks_on(sample, item)]
    browser = browsing.started(tmp_path)
    try:
        browser.get((folder / "page.html").as_uri())
        browser.find_element("id", "person").send_keys("N. N.", Keys.ENTER)
        browsing.eventually(lambda: browser.find_elements("css selector", "#stage[aria-busy=false]"))
        assert "Which grain boundaries does the line meet? Twin boundaries do not count." in (
            browser.find_element("id", "question").text
        )
        time.sleep(0.2)  # a page does not believe in answers before anybody has seen the picture
        steps = [round(position * length) for position in wanted]
        keys = ActionChains(browser)
        for before, step in pairwise([0, *steps]):
            keys = keys.send_keys(Keys.ARROW_RIGHT * (step - before), "1")
        keys.send_keys(Keys.ENTER).perform()
        time.sleep(0.3)
        ActionChains(browser).send_keys("0").perform()
        kept = f"inspect_tool referee {sample['id']}"
        read = "return JSON.parse(localStorage.getItem(arguments[0])).answers"
        browsing.eventually(lambda: len(browser.execute_script(read, kept)) == 2)
        browser.refresh()
        browser.find_element("id", "start").click()
        browsing.eventually(lambda: "2 of 20" in browser.find_element("id", "progress").text)
        answers = browser.execute_script(read, kept)
        assert browsing.asked_of_the_network(browser) == []
    finally:
        browser.quit()
    assert [mark["position"] for mark in answers[0]["marks"]] == pytest.approx(wanted, abs=0.6 / length)
    assert [one["value"] for one in answers] == ["done", "cannot tell"]
    rest = [{"n": one["n"], "value": "done", "marks": marks_on(sample, one)} for one in sample["items"][2:]]
    by_keys, by_truth = (
        told([*answers, *rest]),
        told([{**answers[0], "marks": marks_on(sample, item)}, answers[1], *rest]),
    )
    assert [one.found for one in by_keys.results] == [one.found for one in by_truth.results]


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ({"n": 0, "value": "crossing", "marks": []}, "item 0: 'crossing' is none of done, cannot tell"),
        (
            {"n": 0, "value": "done", "marks": [{"position": 0.5, "value": "twin"}]},
            "'twin' is none of crossing, triple",
        ),
        ({"n": 900, "value": "done", "marks": []}, "item 900 is none of the 60 of the sample"),
        ({"n": 18, "value": "done", "marks": []}, "19 of 20 lines are answered"),
    ],
)
def test_answers_that_the_page_does_not_give_are_refused(told, answer, says):
    with pytest.raises(ReadError, match=says):
        told([answer])


def test_lines_without_an_answer_widen_the_interval_and_none_at_all_give_no_number(checked, told):
    _, _, sample, _ = checked
    untold = [{"n": n, "value": "cannot tell", "marks": []} for n in range(60)]
    seen = [{"n": item["n"], "value": "done", "marks": marks_on(sample, item)} for item in sample["items"]]
    clear, vague = told(seen), told([*untold[:6], *seen[6:]])
    assert vague.untold == 6
    for one, other in zip(clear.results, vague.results, strict=True):
        assert other.found.low < one.found.low
        assert other.found.high > one.found.high
    with pytest.raises(MeasurementError, match="60 of 60 lines could not be told and 0 show a boundary"):
        told(untold)


def test_two_phases_are_refused_in_one_line():
    settings = grain_size.Settings(second_phase="given", second_phase_percent=20.0)
    image = Micrograph(pixels=np.zeros((4, 4), np.uint8), calibration=Calibration(pixel_um=1.0, source="drawn"))
    grains = Segmentation(labels=np.ones((4, 4), np.int32), classes={1: "grain"}, kind="instance", backend="labels")
    with pytest.raises(MeasurementError, match=r"are for one phase, settings\.second_phase is 'given'"):
        grain_size.crossed(image, grains, settings)


def test_fields_on_several_planes_are_refused_in_one_line(checked):
    *_, report = checked
    first, *rest = report.micrographs
    records = [replace(first, plane="longitudinal"), *(replace(one, plane="transverse") for one in rest)]
    with pytest.raises(MeasurementError, match=r"several planes \(longitudinal, transverse\)"):
        population(
            "grain_size",
            grain_size,
            grain_size.Settings(),
            E112,
            records,
            bytes,
        )
