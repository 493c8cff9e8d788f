"""A check of solder joints by hand: whole joints shown, the mean and the worst joint in the report, and verified."""

import base64
import json
from io import BytesIO

import numpy as np
import pytest
from PIL import Image
from test_hand_check import answered, decoded, page_of, result_of

from inspect_tool.errors import MeasurementError
from inspect_tool.inspection import hand_check, job_run
from inspect_tool.verify import verify

JOB = """
recipe = "solder_voids"
images = ["board.png"]
exports = ["json"]
{more}
[calibration]
source = "ratio only"
[settings]
limit_percent = 10.0
{settings}
[backend]
name = "labels"
masks = ["masks/board.png"]
kind = "classes"
classes = {{0 = "background", 1 = "joint", 2 = "void"}}
[[requirements]]
quantity = "void_percent.mean"
unit = "%"
upper = 20.0
[[requirements]]
quantity = "void_percent.max"
unit = "%"
upper = 60.0
[[requirements]]
quantity = "joints_above_limit"
unit = "counts"
upper = 9.0
"""
PITCH = 80


def drawn_board(folder, *, outline=24, more="", settings=""):
    """Nine balls with a void each, of which the mask has every second; light void in dark ball on lighter ground."""
    rng = np.random.default_rng(2)
    rows, columns = np.mgrid[: 3 * PITCH, : 3 * PITCH]
    gray, mask = np.full(rows.shape, 220.0), np.zeros(rows.shape, np.uint8)
    shares = []
    for i in range(9):
        row, column = (PITCH * (one + 0.5) for one in divmod(i, 3))
        away, radius = np.hypot(rows - row, columns - column), 7 + i
        void = np.hypot(rows - row - 4, columns - column) < radius
        ball = away < 24
        gray[ball], gray[ball & void] = 60, 130
        mask[away < outline] = 1
        if i % 2:
            mask[ball & void] = 2
        shares.append(100 * (ball & void).sum() / ball.sum())
    noisy = np.clip(gray + rng.normal(0, 4, gray.shape), 0, 255).astype(np.uint8)
    Image.fromarray(noisy).save(folder / "board.png")
    (folder / "masks").mkdir(exist_ok=True)
    Image.fromarray(mask).save(folder / "masks/board.png")
    job = folder / "job.toml"
    job.write_text(JOB.format(more=more, settings=settings), encoding="utf-8")
    return job, shares


def said_of(sample):
    """Answers of one who sees the gray values, and knows that nothing of a ball is as light as the ground."""
    pictures = [np.asarray(Image.open(BytesIO(base64.b64decode(crop["png"])))) for crop in sample["crops"]]
    said = []
    for item in sample["items"]:
        gray = pictures[item["crop"]][tuple(item["at"])]
        value = "solder" if gray < 95 else "void" if gray < 175 else "not in the joint"
        said.append({"n": item["n"], "value": value, "at": ""})
    return said


def checked_board(folder, **drawn):
    """Run a board that was checked by hand: its report, the drawn shares and the sample."""
    job, shares = drawn_board(folder, **drawn)
    hand_check.draw(job, folder / "page.html", points=200, nonce="n")
    sample = page_of(folder / "page.html")
    file = answered(sample, file=folder / "answers.json", answers=said_of(sample))
    hand_check.record(job, file)
    drawn_board(folder, **{**drawn, "more": '[referee]\nfile = "answers.json"'})
    return job_run.run(job, folder / "reports", trail=False), shares, sample


@pytest.fixture(scope="module")
def checked(tmp_path_factory):
    """A board of which the mask misses every second void."""
    folder = tmp_path_factory.mktemp("joints")
    return folder, *checked_board(folder)


def test_the_mean_and_the_worst_joint_are_those_of_the_person(checked):
    folder, report, shares, _ = checked
    mean, worst = result_of(report, "void_percent.mean"), result_of(report, "void_percent.max")
    machine = np.mean([share if i % 2 else 0 for i, share in enumerate(shares)])
    assert abs(machine - np.mean(shares)) > 8
    assert mean.interval[0] <= np.mean(shares) <= mean.interval[1]
    assert abs(mean.value - np.mean(shares)) < 6
    assert worst.interval[0] <= max(shares) <= worst.interval[1]
    assert worst.interval[1] < 70
    assert [line.name for line in mean.budget] == [line.name for line in worst.budget] == ["check by hand"]
    assert verify.verify(folder / "reports/job").verified


def test_what_is_not_corrected_passes_no_requirement(checked):
    _, report, *_ = checked
    decisions = {one.quantity: one.decision for one in report.conformities}
    assert decisions["joints_above_limit"] == "undecided"
    check = next(one for one in report.checks if one.name.startswith("Deviation of the segmentation beyond"))
    assert "largest_void_percent.max" in check.quantities
    assert "void_percent.max" not in check.quantities
    assert not any(one.name.startswith("Structure missed by the program") for one in report.checks)


def test_the_report_says_which_joints_were_looked_at(checked):
    _, report, shares, _ = checked
    table = next(one for one in report.tables if one.title == "Joints checked by hand")
    assert [row[1] for row in table.rows] == ["4", "6", "8"]  # the worst that the mask knows of
    for row in table.rows:
        assert row[6] <= shares[int(row[1]) - 1] <= row[7]
    told = next(text for text in report.warnings if text.startswith("Checked by hand: points were set in 9 of 9"))
    assert "0 of 200 points lay outside any joint" in told


def test_a_joint_is_shown_whole_and_once(checked):
    *_, sample = checked
    assert [choice["value"] for choice in sample["choices"]] == ["solder", "void", "not in the joint"]
    assert len(sample["crops"]) == 9
    assert {tuple(crop["shape"]) for crop in sample["crops"]} == {(47 + 2 * 12, 47 + 2 * 12)}
    assert {item["crop"] for item in sample["items"]} == set(range(9))
    assert json.dumps(sample).count('"m"') == 0  # no label of the program in the clear


def test_the_page_forecasts_the_worst_joint_where_the_first_requirement_is_on_it(tmp_path):
    job, shares = drawn_board(tmp_path)
    mean = JOB[JOB.index("[[requirements]]") : JOB.index("[[requirements]]", JOB.index("[[requirements]]") + 1)]
    job.write_text(job.read_text(encoding="utf-8").replace(mean, ""), encoding="utf-8")
    hand_check.draw(job, tmp_path / "page.html", points=200, nonce="n")
    sample = page_of(tmp_path / "page.html")
    plan = json.loads(decoded(sample))
    assert plan["kind"] == "worst"
    # the worst three of the mask are joints 4, 6 and 8, of which it has every void
    assert [one["machine"] for one in plan["joints"]] == pytest.approx([shares[i] for i in (3, 5, 7)], abs=1e-9)
    for one in plan["joints"]:
        assert {item["crop"] for item, w in zip(sample["items"], one["w"], strict=True) if w} == {
            next(item["crop"] for item, w in zip(sample["items"], one["w"], strict=True) if w)
        }
        assert sum(one["w"]) == pytest.approx(1)
    # 60 % less the worst of the others, joint 2; missed voids of 0.025 / 9 = 1 - (1 - room)^((1 - m) / m)
    room, limit = 60 - shares[1], plan["others"]["limit"]
    assert (1 - room / 100) ** ((100 - limit) / limit) == pytest.approx(0.025 / 9)


def test_outlines_that_are_too_wide_leave_the_mean_right_and_every_verdict_undecided(tmp_path):
    report, shares, _ = checked_board(tmp_path, outline=27)
    mean = result_of(report, "void_percent.mean")
    assert mean.interval[0] <= np.mean(shares) <= mean.interval[1]
    check = next(one for one in report.checks if one.name.startswith("Area within the outlines that is not joint"))
    assert not check.passed
    assert {one.decision for one in report.conformities} == {"undecided"}


def test_joints_that_are_a_sample_keep_their_scatter_and_it_grows_with_the_voids_that_were_missed(tmp_path):
    machine, *_ = checked_board(tmp_path, settings='joints_are = "sample"')
    mean = result_of(machine, "void_percent.mean")
    assert [line.name for line in mean.budget] == ["between joints", "check by hand"]
    scatter = next(line for line in mean.budget if line.name == "between joints")
    assert "times wider because of the answers" in scatter.basis
    assert scatter.dof == 8
    assert [line.name for line in result_of(machine, "void_percent.max").budget] == ["check by hand"]


def test_a_share_of_the_pad_is_refused(tmp_path):
    more = 'denominator = "pad"\npad_diameter_um = 100.0'
    job, _ = drawn_board(tmp_path, settings=more)
    job.write_text(job.read_text().replace('source = "ratio only"', 'pixel_um = 2.0\nsource = "stage micrometer"'))
    with pytest.raises(MeasurementError, match="are a share of its projection, not of the pad; for a check by hand"):
        hand_check.draw(job, tmp_path / "page.html")
