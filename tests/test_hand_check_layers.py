"""A check by hand of a layer: lines drawn blind across it, its edges marked by one who sees them, the report of it."""

import base64
import json
import sys
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from test_hand_check import page_of, saved
from test_layer_thickness import EDITIONS, RECIPE, field, flat
from typer.testing import CliRunner

from inspect_tool.cli import app
from inspect_tool.errors import MeasurementError
from inspect_tool.inspection import job_run
from inspect_tool.recipes.layer_thickness.by_hand import layer_chords
from inspect_tool.referee import layer_lines
from inspect_tool.referee.thickness_estimate import Marked, mean_thickness
from inspect_tool.verify import verify

sys.path.insert(0, str(Path(__file__).parent / "truth"))
import drawn_layers

JOB = """
recipe = "layer_thickness"
images = ["f*.png"]
exports = ["json"]
{more}
[calibration]
pixel_um = 0.5
u_rel = 0.005
source = "drawn"
[settings]
tilt_deg = 3.0
layers = ["foreground"]
[backend]
name = "labels"
masks = ["mask*.png"]
[[requirements]]
quantity = "mean_thickness_um.foreground"
unit = "um"
lower = 2.0
[[requirements]]
quantity = "minimum_thickness_um.foreground"
unit = "um"
lower = 1.0
"""
SHAPE, THICK, SLOPE = (150, 220), 36.0, 0.15


def drawn_job(folder, more=""):
    """Two fields of a layer with a wavy lower edge on a slope; in the masks it is a fifth of the thickness too low."""
    rows, columns = np.indices(SHAPE)
    cos = 1 / np.sqrt(1 + SLOPE**2)
    truth = []
    for i in range(2):
        top = 35 + SLOPE * columns
        thick = THICK + 3 * i + 4 * np.sin(columns / 25)
        layer = (rows >= top) & (rows < top + thick / cos)
        wrong = (rows >= top) & (rows < top + 1.2 * thick / cos)
        Image.fromarray(np.where(layer, 200, 60).astype(np.uint8)).save(folder / f"f{i}.png")
        Image.fromarray(np.where(wrong, 255, 0).astype(np.uint8)).save(folder / f"mask{i}.png")
        truth.append(0.5 * float(thick[0].mean()))
    path = folder / "job.toml"
    path.write_text(JOB.format(more=more), encoding="utf-8")
    return path, float(np.mean(truth))


def marks_on(sample, item):
    """What a person marks: the first and the last place along the line that is bright."""
    gray = np.asarray(Image.open(BytesIO(base64.b64decode(sample["crops"][item["crop"]]["png"])))).astype(int)
    start, end = np.array(item["line"])
    at = np.linspace(0, 1, int(np.hypot(*(end - start)) / 0.25) + 1)
    row, column = np.rint(start + at[:, None] * (end - start)).astype(int).T
    bright = np.flatnonzero(gray[row, column] > 130)
    return [{"position": float(at[place]), "value": "edge of the layer"} for place in (bright[0], bright[-1])]


def asked(*arguments):
    return CliRunner().invoke(app, ["referee", *map(str, arguments)])


@pytest.fixture(scope="module")
def checked(tmp_path_factory):
    """A job whose masks end too low, checked by hand: folder, true mean, sample and corrected report."""
    folder = tmp_path_factory.mktemp("layers")
    job, truth = drawn_job(folder)
    told = ["--reports", folder / "reports"]
    done = asked(job, "--out", folder / "page.html", "--nonce", "x", *told)
    assert done.exit_code == 0, done.output
    sample = page_of(folder / "page.html")

    def said(one):
        return {"value": "done", "marks": marks_on(sample, one), "at": ""}

    file = saved(sample, said, file=folder / "answers.json")
    done = asked(job, "--answers", file, *told)
    assert done.exit_code == 0, done.output
    assert "60 of 60 lines by N. N." in done.output
    drawn_job(folder, more='[referee]\nfile = "answers.json"')
    return folder, truth, sample, job_run.run(job, folder / "reports")


def result_of(report, quantity="mean_thickness_um.foreground"):
    return next(one for one in report.results if one.quantity == quantity)


def test_the_page_asks_for_two_edges_on_lines_that_do_not_tell_what_the_program_saw(checked):
    sample = checked[2]
    assert (sample["kind"], sample["needed"], len(sample["items"])) == ("lines", 2, 60)
    assert sample["question"] == "Where does the layer begin and end on this line?"
    assert sample["planning"] is None
    off = []
    for item in sample["items"]:
        first, second = (mark["position"] for mark in marks_on(sample, item))
        assert 0 < first < second < 1
        off.append((first + second) / 2)
    assert np.std(off) > 0.05  # the layer is not where the middle of the line is


def test_the_corrected_mean_is_the_drawn_one_and_the_report_says_by_whom(checked):
    _, truth, _, report = checked
    found = result_of(report)
    assert found.interval[0] <= truth <= found.interval[1]
    assert abs(found.value - truth) < 0.03 * truth  # the program is 20 % off
    names = [str(line.name) for line in found.budget]
    assert "check by hand" in names
    assert {"between fields", "scale", "tilt of the section", "both interfaces"} <= set(names)
    assert any("Checked by hand: 60 lines, blind, by N. N." in one for one in report.warnings)
    table = next(one for one in report.tables if one.title == "Check by hand")
    assert table.rows[0][3] == pytest.approx(1.2 * truth, rel=0.02)


def test_what_is_not_corrected_passes_no_requirement_where_the_program_is_wrong(checked):
    report = checked[3]
    by_quantity = {one.quantity: one.decision for one in report.conformities}
    assert by_quantity["mean_thickness_um.foreground"] == "pass"
    assert by_quantity["minimum_thickness_um.foreground"] == "undecided"
    assert "corrected by hand" not in str(result_of(report, "minimum_thickness_um.foreground").title)


def test_the_report_verifies_and_a_changed_mark_does_not(checked):
    folder = checked[0]
    whole = verify.verify(folder / "reports/job")
    assert whole.verified, "\n".join(str(one.text) for one in whole.findings if one.state == "differs")
    file = next((folder / "reports/job/evidence").glob("referee-answers.json"))
    before = file.read_text(encoding="utf-8")
    answers = json.loads(before)
    answers["answers"][0]["marks"][1]["position"] += 0.1
    file.write_text(json.dumps(answers), encoding="utf-8")
    assert not verify.verify(folder / "reports/job").verified
    file.write_text(before, encoding="utf-8")


def test_a_line_with_one_edge_is_refused_in_one_line(checked, tmp_path):
    folder, _, sample, _ = checked
    one = saved(
        sample, lambda item: {"value": "done", "marks": marks_on(sample, item)[:1], "at": ""}, file=tmp_path / "a.json"
    )
    done = asked(folder / "job.toml", "--answers", one, "--reports", folder / "reports")
    assert done.exit_code != 0
    assert "item 0: 1 marks; a layer begins and ends: 2 are needed" in str(done.exception)


def test_a_line_across_several_layers_is_refused():
    labels = flat()
    labels[70:80] = 3
    image, segmentation = field(labels)
    with pytest.raises(MeasurementError, match=r"a line across 2 layers \(layer, primer\) does not say which edges"):
        layer_chords(image, segmentation, RECIPE.Settings(layers=()))
    assert (
        RECIPE.measure_field(image, segmentation, RECIPE.Settings(layers=()), EDITIONS).features["class"].nunique() == 2
    )


def test_lines_hold_the_layer_at_the_edge_of_the_field_too():
    """A layer ten pixels below the upper edge: lines begin at the edge, and hold both ends of every chord."""
    image, segmentation = field(flat(thick=30, top=10))
    _, first, second = layer_chords(image, segmentation, RECIPE.Settings())
    found = layer_lines.drawn(first, second, [None], (120, 200), 0.5, "seed")
    start, end = found.ends[:, :2], found.ends[:, 2:]
    assert (start[:, 0] >= 0).all()
    assert (start[:, 0] <= first[:, 0]).all()
    assert (end[:, 0] >= second[:, 0]).all()
    assert found.codes.tolist() == [1] * len(found.codes)  # the other segmentation sees no layer
    assert found.marked_um(0, (0.0, 1.0)) == pytest.approx(0.5 * (end - start)[0, 0])


def test_what_could_not_be_told_widens_both_limits():
    pairs = tuple((one, one) for one in (9.0, 10.0, 11.0) * 10)
    sure, some = (mean_thickness([Marked(weight=1.0, machine=10.0, pairs=pairs, untold=n)], 0.1).found for n in (0, 10))
    assert some.low == pytest.approx(sure.low - 0.25 * 10, abs=0.05)  # a quarter may be of no thickness
    assert some.high == pytest.approx(sure.high + 0.25 * 1, abs=0.05)  # or as thick as the thickest


@pytest.mark.parametrize("fault", ["a tenth too thick", "lower interface a fifth too low", "another layer"])
def test_the_interval_holds_whatever_the_segmentation_is(fault):
    """100 drawn specimens: fewer than 88 intervals that hold would be a chance of 0.2 % at 95 %."""
    found = [
        drawn_layers.answered(drawn_layers.reading(np.random.default_rng([seed, 60]), fault), 60, f"{fault}{seed}")
        for seed in range(100)
    ]
    assert sum(one.said.found.low <= one.truth <= one.said.found.high for one in found) >= 88
    width, alone = (
        np.array([one.high - one.low for one in both])
        for both in ([one.said.found for one in found], [one.said.alone for one in found])
    )
    assert (width <= alone * (1 + 1e-9)).all()
    bias = np.mean([one.said.found.value / one.truth - 1 for one in found])
    assert abs(bias) < 3 * np.mean(width / [one.truth for one in found]) / 4 / 10  # the program: 10 to 12 % off
