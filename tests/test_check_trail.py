"""The audit trail knows how many samples were drawn and answered: a ledger that was cut stops the next run."""

import shutil

import pytest
from test_hand_check import JOB, answered, drawn_job, page_of

from inspect_tool.errors import ReadError
from inspect_tool.evidence import audit
from inspect_tool.files import sha256_bytes
from inspect_tool.inspection import hand_check, job_run
from inspect_tool.verify import verify

REFEREED = '[referee]\nfile = "answers.json"'


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """A job whose trail was told of a sample, of answers to it, and of a second sample that nobody answered."""
    folder = tmp_path_factory.mktemp("told")
    job, _ = drawn_job(folder)
    reports = folder / "reports"
    hand_check.draw(job, folder / "page.html", points=50, nonce="x", reports=reports)
    file = answered(page_of(folder / "page.html"), file=folder / "answers.json")
    hand_check.record(job, file, reports=reports)
    hand_check.draw(job, folder / "second.html", points=50, nonce="y", reports=reports)
    drawn_job(folder, more=REFEREED)
    job_run.run(job, reports)
    return folder


@pytest.fixture
def job(told, tmp_path):
    """A copy that a test may damage."""
    shutil.copytree(told, tmp_path / "copy")
    return tmp_path / "copy/job.toml"


def test_every_sample_and_every_file_of_answers_is_an_event(told):
    *events, run = audit.read(told / "reports").entries
    assert [(entry.event, entry.subject, entry.new["did"]) for entry in events] == [
        ("check by hand", "job", did) for did in ("drawn", "answered", "drawn")
    ]
    assert events[1].new["by"] == "N. N."
    last = sha256_bytes((told / "job.referee/0003.json").read_bytes())
    assert [entry.new["referee"]["entries"] for entry in (*events, run)] == [1, 2, 3, 3]
    assert events[2].new["referee"]["last_sha256"] == run.new["referee"]["last_sha256"] == last
    assert audit.verify(told / "reports").problems == ()


def test_what_is_recorded_already_is_no_second_event(job):
    hand_check.record(job, job.parent / "answers.json", reports=job.parent / "reports")
    assert [entry.event for entry in audit.read(job.parent / "reports").entries][4:] == []


def test_a_sample_that_was_removed_again_stops_the_next_run_draw_and_answers(job):
    reports = job.parent / "reports"
    (job.parent / "job.referee/0003.json").unlink()
    says = r"job.referee: holds 2 entries, entry 4 of the audit trail \(.*\) tells of 3: 0003.json is missing; put the"
    with pytest.raises(ReadError, match=says):
        job_run.run(job, reports, progress=lambda *_: pytest.fail("measured"))
    with pytest.raises(ReadError, match=says):
        hand_check.draw(job, job.parent / "third.html", points=50, reports=reports)
    with pytest.raises(ReadError, match=says):
        hand_check.record(job, job.parent / "answers.json", reports=reports)
    assert any("0003.json is missing" in problem for problem in audit.verify(reports).problems)
    shutil.copy(reports / "job/evidence/referee-0003.json", job.parent / "job.referee/0003.json")  # as the message says
    job_run.run(job, reports)
    assert audit.verify(reports).problems == ()


def test_a_ledger_that_was_begun_again_is_not_the_one_that_the_trail_knows(job):
    reports = job.parent / "reports"
    drawn_job(job.parent)
    shutil.rmtree(job.parent / "job.referee")
    for i, nonce in enumerate("abc"):
        hand_check.draw(job, job.parent / f"again{i}.html", points=50, nonce=nonce)
    with pytest.raises(ReadError, match=r"job.referee: 0003.json is not the one that entry 4 of the audit trail"):
        job_run.run(job, reports)


def test_a_check_that_the_job_does_not_name_any_more_is_not_forgotten(job):
    drawn_job(job.parent)
    shutil.rmtree(job.parent / "job.referee")
    with pytest.raises(ReadError, match=r"0001\.json to 0003.json are missing"):
        job_run.run(job, job.parent / "reports")


def test_answers_that_the_job_does_not_name_any_more_are_told_on_page_1_and_found_by_verify(job):
    drawn_job(job.parent)
    reports = job.parent / "reports"
    report = job_run.run(job, reports)
    [told] = [text for text in report.warnings if text.startswith("Samples for a check by hand were drawn")]
    assert "nothing is corrected: 1 answered and not used; 1 not answered." in told
    assert told.endswith("Recorded answers: 50 by N. N., 2026-12-01.")
    assert not any(text.startswith("Checked by hand") for text in report.warnings)
    run = audit.read(reports).entries[-1]
    assert (run.event, run.new["referee"]["entries"]) == ("run", 3)
    assert verify.verify(reports / "job").verified
    stated = reports / "job/report.json"
    text = stated.read_text("utf-8")
    assert text.count("referee.samples_answered_not_used") == 1
    stated.write_text(text.replace("referee.samples_answered_not_used", "referee.samples_given_up"), "utf-8")
    assert any("which the report does not state" in one.text for one in verify.verify(reports / "job").findings)


def test_a_run_of_an_old_version_with_a_cut_ledger_is_named_by_the_trail_and_by_verify(job, monkeypatch):
    reports = job.parent / "reports"
    (job.parent / "job.referee/0003.json").unlink()
    monkeypatch.setattr(job_run, "check_ledger", lambda *_: None)
    job_run.run(job, reports)
    assert any("was run with 2 entries of its check by hand" in text for text in audit.verify(reports).problems)
    differing = [item.text for item in verify.verify(reports / "job").findings if item.state == "differs"]
    assert any("the check by hand of the report holds 2 entries, entry 4" in text for text in differing)


def test_another_job_of_that_name_with_other_images_is_not_stopped(job, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    drawn_job(other, level=130.0)
    shutil.move(other / "f1.png", other / "g1.png")
    (other / "f0.png").unlink()
    (other / "g1.png").write_bytes((other / "g1.png").read_bytes() + b"\0")  # other bytes
    (other / "job.toml").write_text(JOB.format(level=130.0, more=""), encoding="utf-8")
    job_run.run(other / "job.toml", job.parent / "reports")
