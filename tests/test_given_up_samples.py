"""A sample that cannot be answered any more is given up by name and with a reason, and every later report says so."""

import json
import shutil

import pytest
from test_check_trail import REFEREED
from test_hand_check import answered, drawn_job, page_of
from typer.testing import CliRunner

from inspect_tool.cli import app
from inspect_tool.errors import ReadError, SettingsError
from inspect_tool.evidence import audit
from inspect_tool.inspection import field_record, hand_check, job_run
from inspect_tool.referee import design, history, ledger, lines
from inspect_tool.verify import verify


@pytest.fixture(scope="module")
def asked(tmp_path_factory):
    """A job with a sample of 50 points that nobody has answered, told to the trail of its reports."""
    folder = tmp_path_factory.mktemp("asked")
    job, _ = drawn_job(folder)
    hand_check.draw(job, folder / "page.html", points=50, nonce="x", reports=folder / "reports")
    return folder


@pytest.fixture
def job(asked, tmp_path):
    """A copy of it that a test may change."""
    shutil.copytree(asked, tmp_path / "copy")
    return tmp_path / "copy/job.toml"


def given_up(job, reason="page lost", by="N. N."):
    told = ["--reports", str(job.parent / "reports")]
    done = CliRunner().invoke(app, ["referee", str(job), "--give-up", "--reason", reason, "--by", by, *told])
    assert done.exit_code == 0, done.output
    return done.output


def drawn(job, name, **asked):
    """Id of the sample of a page that is written now."""
    hand_check.draw(job, job.parent / name, reports=job.parent / "reports", **asked)
    return page_of(job.parent / name)["id"]


def checked(job, page):
    """Report of the job with all points of a page answered."""
    file = answered(page_of(job.parent / page), file=job.parent / "answers.json")
    hand_check.record(job, file, reports=job.parent / "reports")
    drawn_job(job.parent, more=REFEREED)
    return job_run.run(job, job.parent / "reports")


def test_a_page_that_was_lost_is_written_again_and_is_no_second_sample(job):
    first = page_of(job.parent / "page.html")
    out = job.parent / "again.html"
    done = CliRunner().invoke(app, ["referee", str(job), "--out", str(out), "--reports", str(job.parent / "reports")])
    assert "it was drawn before: this is its page again" in done.output
    assert page_of(job.parent / "again.html") == first
    assert [entry.event for entry in ledger.read(job.parent / "job.referee")] == ["drawn"]
    assert drawn(job, "more.html", points=60) != first["id"]
    assert drawn(job, "other.html", nonce="y", points=60) != first["id"]


def test_a_sample_that_was_given_up_makes_place_for_another_and_the_report_says_so(job):
    first = page_of(job.parent / "page.html")["id"]
    assert f"0002.json: given up, 0 answers known: {first[:12]}" in given_up(job)
    second = drawn(job, "second.html", points=50)
    assert second != first
    report = checked(job, "second.html")
    day = ledger.read(job.parent / "job.referee")[1].when[:10]
    says = (
        "2 samples were drawn for this job; in addition to the one used: "
        f"1 given up by N. N., {day}, 0 answers known (page lost)."
    )
    assert sum(says in text for text in report.warnings) == 1
    assert any(says in one.text for one in report.statements)
    assert verify.verify(job.parent / "reports/job").verified
    events = [entry for entry in audit.read(job.parent / "reports").entries if entry.event == "check by hand"]
    assert [entry.new["did"] for entry in events] == ["drawn", "given up", "drawn", "answered"]
    assert (events[1].reason, events[1].new["by"], events[1].new["samples"]) == ("page lost", "N. N.", [first])
    assert audit.verify(job.parent / "reports").problems == ()


def test_answers_to_a_sample_that_was_given_up_are_told_and_not_used(job):
    checked(job, "page.html")
    assert "50 answers known" in given_up(job, "the lens was dirty")
    for use in (
        lambda: job_run.run(job, job.parent / "reports"),
        lambda: hand_check.record(job, job.parent / "answers.json", reports=job.parent / "reports"),
    ):
        with pytest.raises(ReadError, match=r"answers\.json: sample .{12}\.\.\. was given up by N\. N\., \d{4}-"):
            use()
    drawn_job(job.parent)
    drawn(job, "second.html", points=50)
    report = checked(job, "second.html")
    assert any("50 answers known (the lens was dirty)" in text for text in report.warnings)


def test_samples_beside_the_one_that_is_used_are_counted_though_nobody_gave_them_up(job):
    first, folder = page_of(job.parent / "page.html"), job.parent / "job.referee"
    second = drawn(job, "second.html", points=50, nonce="y")
    says = "2 samples were drawn for this job; in addition to the one used: 1 {}."
    assert history.told(ledger.read(folder), second) == says.format("not answered")
    hand_check.record(job, answered(first, file=job.parent / "first.json"), reports=job.parent / "reports")
    assert history.told(ledger.read(folder), second) == says.format("answered and not used")


def test_a_ledger_that_is_lost_is_given_up_with_all_that_the_trail_knows_of_it(job):
    reports, folder = job.parent / "reports", job.parent / "job.referee"
    first = answered(page_of(job.parent / "page.html"), file=job.parent / "first.json")
    hand_check.record(job, first, reports=reports)
    shutil.move(folder, job.parent / "lost")
    with pytest.raises(ReadError, match=r"job\.referee, which would hold its sample, is empty or not there; put the l"):
        ledger.given(first, folder)
    with pytest.raises(ReadError, match=r'0002\.json are missing.*, or give the samples up: .* --give-up --reason "'):
        job_run.run(job, reports)
    given_up(job, "disk lost")
    assert audit.verify(reports).problems == ()
    drawn(job, "second.html", points=50)
    report = checked(job, "second.html")
    assert any(
        "1 given up with a damaged ledger of 2 entries by N. N." in x and "50 answers known (disk lost)" in x
        for x in report.warnings
    )
    assert verify.verify(reports / "job").verified
    shutil.rmtree(folder)
    shutil.copytree(job.parent / "lost", folder)  # found again: it is not the one that counts any more
    with pytest.raises(ReadError, match=r"holds 2 entries, entry \d of the audit trail .* tells of 3"):
        hand_check.draw(job, job.parent / "third.html", reports=reports)


def test_a_ledger_that_was_damaged_is_moved_aside_as_it_is(job):
    folder = job.parent / "job.referee"
    given_up(job)
    damaged = folder / "0001.json"
    damaged.write_bytes(damaged.read_bytes() + b" ")
    kept = {path.name: path.read_bytes() for path in folder.glob("*.json")}
    with pytest.raises(
        ReadError, match=r"0001\.json: was changed.* or give it up: inspect-tool referee job\.toml --give"
    ):
        ledger.read(folder)
    given_up(job, "file server restored")
    aside = job.parent / "job.referee.given-up-1"
    assert {path.name: path.read_bytes() for path in aside.iterdir()} == kept
    (entry,) = ledger.read(folder)
    assert entry.given_up.lost == 2
    assert entry.given_up.samples == (page_of(job.parent / "page.html")["id"],)
    drawn(job, "second.html", points=50)
    assert audit.verify(job.parent / "reports").problems == ()


def test_a_ledger_without_a_trail_is_given_up_by_what_can_be_read_of_it(job):
    (job.parent / "job.referee/0002.json").write_text("torn")
    made = hand_check.give_up(job, reason="torn", by="N. N.")
    assert made.given_up.samples == (page_of(job.parent / "page.html")["id"],)
    assert [entry.event for entry in ledger.read(job.parent / "job.referee")] == ["given up"]


def test_there_must_be_something_to_give_up_a_reason_and_a_name(job, tmp_path):
    with pytest.raises(SettingsError, match="--reason: is empty"):
        hand_check.give_up(job, reason=" ", by="N. N.")
    with pytest.raises(SettingsError, match="--by: is empty"):
        hand_check.give_up(job, reason="lost", by="")
    hand_check.give_up(job, reason="lost", by="N. N.")
    with pytest.raises(ReadError, match="holds no sample that is not given up already"):
        hand_check.give_up(job, reason="lost", by="N. N.")
    (tmp_path / "new").mkdir()
    other, _ = drawn_job(tmp_path / "new")
    with pytest.raises(ReadError, match=r"job\.referee: there is no such folder"):
        hand_check.give_up(other, reason="lost", by="N. N.")


def test_entries_of_earlier_versions_keep_their_bytes(job):
    assert "given_up" not in json.loads((job.parent / "job.referee/0001.json").read_bytes())


@pytest.mark.parametrize(
    ("recipe", "points", "says"),
    [
        ("phase_fraction", 49, "--points: got 49, must be from 50 to 1000 points of every specimen"),
        ("phase_fraction", 1001, "--points: got 1001, must be from 50 to 1000 points of every specimen"),
        ("grain_size", 19, "--points: got 19, must be from 20 to 1000 lines of every specimen"),
    ],
)
def test_a_number_of_points_that_is_none_is_refused_before_the_job_is_measured(
    tmp_path, monkeypatch, recipe, points, says
):
    drawn_job(tmp_path)
    (tmp_path / "other.toml").write_text(f'recipe = "{recipe}"\nimages = ["*.png"]\n[calibration]\npixel_um = 1.0\n')
    monkeypatch.setattr(field_record, "measure_all", lambda *_: pytest.fail("the job was measured first"))
    with pytest.raises(SettingsError, match=says):
        hand_check.draw(tmp_path / "other.toml", tmp_path / "page.html", points=points)


@pytest.mark.parametrize(("points", "stage"), [(51, design.FIRST), (21, lines.STAGE)])
def test_a_last_stage_of_a_single_point_is_drawn_where_most_is_missing(points, stage):
    areas = [design.Area(specimen="1", section="1", pixels=(700, 100, 150, 50))]
    places = design.drawn(areas, points, "seed", stage)
    assert len(places) == points
    assert places[:stage] == design.drawn(areas, stage, "seed", stage)
    assert {place.code for place in places[:stage]} == {0, 1, 2, 3}
    assert places[stage].code == 0  # the largest stratum
