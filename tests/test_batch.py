"""Batches: each job is done once, whatever is killed, damaged or full, and one that fails takes no other with it."""

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from contextlib import closing, contextmanager, suppress
from datetime import timedelta
from io import BytesIO
from pathlib import Path

import batch_kills
import pytest
from batch_kills import field, small_jobs
from sqlalchemy import select
from typer.testing import CliRunner

from inspect_tool import folders
from inspect_tool.batch import queue, work
from inspect_tool.cli import app
from inspect_tool.errors import OutputError, SettingsError
from inspect_tool.evidence import audit, recovery
from inspect_tool.evidence.provenance import now
from inspect_tool.evidence.recovery import recover
from inspect_tool.files import load_report, sha256_file
from inspect_tool.inspection import job_run, journal
from inspect_tool.lab import index, tables
from inspect_tool.lab.database import connected, init


def batch(*arguments):
    done = CliRunner().invoke(app, ["batch", *map(str, arguments)])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done


def orders(paths, out):
    return [queue.order(path, out, path.stem) for path in paths]


def claimed(lab, owner="me", **options):
    with connected(lab) as connection:
        return queue.claim(connection, owner, **options)


def carried_out(lab, one, owner="me"):
    return work.carry_out(lab, owner, one, lease_s=60.0, tell=lambda *_: None)


def image_bytes(seed):
    stream = BytesIO()
    field(seed).save(stream, "PNG")
    return stream.getvalue()


def runs(out):
    """How often the audit trail, whose chain holds, says that each job ran."""
    trail = audit.verify(out)
    assert trail.problems == ()
    names = [entry.new["job"] for entry in trail.entries if entry.event == "run"]
    return {name: names.count(name) for name in sorted(set(names))}


@pytest.fixture
def lab(tmp_path):
    return init(tmp_path / "lab")


@pytest.fixture
def queued(lab, tmp_path):
    """A lab whose queue holds a job, which somebody has taken: the job as taken."""
    work.put_in(lab, orders(small_jobs(tmp_path / "jobs", 1), tmp_path / "out"))
    return claimed(lab)


# ------------------------------------------------------------------------------------------------------------ commands


def test_a_damaged_job_is_named_the_others_are_done_and_a_second_batch_does_only_what_is_left(tmp_path):
    out = tmp_path / "out"
    good, damaged, wrong = small_jobs(tmp_path / "jobs", 3)
    whole = (damaged.parent / "field_1.png").read_bytes()
    (damaged.parent / "field_1.png").write_bytes(whole[:300])
    wrong.write_text(wrong.read_text().replace("images", "imags"))
    done = batch(good, damaged, wrong, "--out", out, "--json", "--workers", 2)
    assert done.exit_code == 2
    rows = {row["job"]: row for row in json.loads(done.stdout)}
    assert rows["part_0"]["error"] is None
    assert {result["quantity"] for result in rows["part_0"]["results"]} >= {"porosity_percent"}
    assert "field_1.png" in rows["part_1"]["error"]
    assert "imags" in rows["part_2"]["error"]
    assert done.stderr.splitlines() == [f"error: {rows[name]['error']}" for name in ("part_2", "part_1")]

    told = batch("status", "--out", out).stdout.splitlines()
    assert told[0] == "0 todo, 0 doing, 1 done, 1 failed, 0 canceled"
    assert told[1].split()[:2] == ["part_1", "failed"]
    (status,) = [row for row in json.loads(batch("status", "--out", out, "--json").stdout) if row["state"] == "failed"]
    assert (status["tries"], status["error"]) == (2, rows["part_1"]["error"])

    (damaged.parent / "field_1.png").write_bytes(whole)
    wrong.write_text(wrong.read_text().replace("imags", "images"))
    done = batch(good, damaged, wrong, "--out", out, "--quiet")
    assert (done.exit_code, done.stdout, done.stderr) == (0, "", "")
    assert runs(out) == {"part_0": 1, "part_1": 1, "part_2": 1}
    assert {path.name for path in out.iterdir()} == {"part_0", "part_1", "part_2", "lab", *audit_files()}


def audit_files():
    return {audit.LOG, audit.HEAD}


def test_what_was_canceled_or_failed_is_put_back_by_its_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    lab = init(tmp_path / "lab")
    one, two = small_jobs(tmp_path / "jobs", 2)
    work.put_in(lab, orders([one, two], lab.reports))
    assert batch("cancel", "part_1", "--lab", "lab").stdout == "1 job canceled\n"
    done = batch("--lab", "lab")
    assert done.exit_code == 0
    assert [path.name for path in lab.reports.iterdir() if path.is_dir()] == ["part_0"]
    for command, names in (("cancel", ["part_0"]), ("retry", ["part_0"])):
        with pytest.raises(SettingsError, match="'part_0' is done; only a job that is"):
            batch(command, *names, "--lab", "lab")
    with pytest.raises(SettingsError, match="'part_l' is not in the queue; did you mean 'part_1'"):
        batch("retry", "part_l", "--lab", "lab")
    with pytest.raises(SettingsError, match="name the jobs"):
        batch("cancel", "--lab", "lab")
    assert batch("retry", "--lab", "lab").stdout.startswith("0 jobs wait again")  # none has failed
    assert batch("retry", "part_1", "--lab", "lab").stdout == "1 job waits again; next: inspect-tool batch --lab lab\n"
    done = batch("--lab", "lab", "--json")
    assert [row["job"] for row in json.loads(done.stdout)] == ["part_1"]


def test_a_done_job_is_done_again_where_its_report_or_its_images_are_not_what_they_were(lab, tmp_path):
    paths = small_jobs(tmp_path / "jobs", 3)
    asked = orders(paths, tmp_path / "out")
    for _ in work.put_in(lab, asked).works:
        carried_out(lab, claimed(lab))
    assert [one.state for one in work.put_in(lab, asked).works] == ["done"] * 3
    field(99).save(paths[0].parent / "field_1.png")
    (tmp_path / "out" / "part_1" / "report.json").unlink()
    assert [one.state for one in work.put_in(lab, asked).works] == ["todo", "todo", "done"]


def test_a_bug_in_a_job_ends_the_batch_with_the_exit_status_of_a_bug(tmp_path, monkeypatch):
    """The bug is one of a plug-in, installed as pip would: it is met in the process of the job, as any other."""
    info = tmp_path / "site" / "buggy-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: buggy\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[inspect_tool.exporter]\nbuggy = buggy\n")
    code = 'SUFFIX = ".txt"\n\ndef write(report, folder, template):\n    raise KeyError("n")\n'
    (info.parent / "buggy.py").write_text(code)
    monkeypatch.syspath_prepend(info.parent)
    good, bad = small_jobs(tmp_path / "jobs", 2)
    bad.write_text(bad.read_text().replace('"json"', '"json", "buggy"'))
    done = batch(bad, good, "--out", tmp_path / "out", "--json")
    errors = {row["job"]: row["error"] for row in json.loads(done.stdout)}
    assert (done.exit_code, errors) == (1, {"part_0": None, "part_1": f"{bad}: a bug of inspect_tool: KeyError('n')"})


# ------------------------------------------------------------------------------------------------- signals and disks


@pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_batch_that_is_told_to_end_says_so_and_its_jobs_wait_again(number, lab, tmp_path):
    out = tmp_path / "out"
    process = batch_kills.started(lab, small_jobs(tmp_path / "jobs", 3), out, workers=1)
    under_way = False
    while not under_way and process.poll() is None:
        with connected(lab, read_only=True) as connection:
            under_way = bool(queue.counts(connection)["doing"])
        time.sleep(0.05)
    if number == signal.SIGINT:
        os.killpg(process.pid, number)  # as Ctrl-C does
    else:
        process.send_signal(number)
    assert process.wait(30) == 128 + number
    ends = time.monotonic() + 20.0  # what others are copies of ends when it sees that its starter has
    while (left := batch_kills.group(process.pid)) and time.monotonic() < ends:
        time.sleep(0.05)
    assert left == []
    told = (tmp_path / "log").read_text()  # of all of them
    assert told.splitlines()[-1] == f"stopped by {number.name}; the job in progress left nothing half written"
    assert "Traceback" not in told
    with connected(lab, read_only=True) as connection:
        works = queue.listed(connection)
    assert {(one.state, one.tries) for one in works} <= {("todo", 0), ("done", 0)}
    assert [one.state for one in works].count("todo") > 0
    assert {path.name for path in out.glob("*") if path.is_dir()} == {
        one.order.name for one in works if one.state == "done"
    }


@pytest.fixture
def small_disk(tmp_path):
    """Folder on a disk of its own, which holds 100 kB; ``remount`` changes that."""
    folder = tmp_path / "disk"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=100k", "none", folder], check=True)
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


def remount(folder, options):
    subprocess.run(["mount", "-o", f"remount,{options}", folder], check=True)


@pytest.mark.needs("mount")
def test_a_full_or_read_only_disk_for_the_reports_fails_the_job_until_there_is_room(lab, tmp_path, small_disk):
    (job,) = small_jobs(tmp_path / "jobs", 1)  # its report has 170 kB
    out = small_disk / "out"
    for options, why in (
        ("size=100k", "cannot be written: No space left on device; nothing was changed there"),
        ("ro", "cannot write here: Read-only file system; choose another folder with --out"),
    ):
        remount(small_disk, options)
        done = batch(job, "--lab", lab.folder, "--out", out, "--quiet")
        assert (done.exit_code, done.stderr) == (2, f"error: {out / 'part_0'}: {why}\n")
        assert list(out.iterdir()) == []
    with pytest.raises(OutputError, match=r"^\S+lab: cannot be made: Read-only file system"):
        batch(job, "--out", out)  # the queue would be there, too
    remount(small_disk, "rw,size=4m")
    assert batch("retry", "--lab", lab.folder, "--out", out, "--quiet").exit_code == 0
    assert batch("--lab", lab.folder, "--quiet").exit_code == 0
    assert runs(out) == {"part_0": 1}


@pytest.mark.needs("mount")
def test_a_full_disk_for_the_queue_ends_the_batch_in_one_line_and_the_next_goes_on(tmp_path, small_disk):
    jobs, out = small_jobs(tmp_path / "jobs", 2), tmp_path / "out"
    remount(small_disk, "size=4m")
    lab = init(small_disk / "lab")
    work.put_in(lab, orders(jobs, out))
    with (small_disk / "of others").open("wb", buffering=0) as filler, suppress(OSError):
        while True:
            filler.write(bytes(4096))
    with pytest.raises(OutputError, match="full"):
        batch("--lab", lab.folder, "--quiet")
    (small_disk / "of others").unlink()
    assert batch("--lab", lab.folder, "--quiet").exit_code == 0
    assert runs(out) == {"part_0": 1, "part_1": 1}


# ------------------------------------------------------------------------------------------- one job, and what kills it


def test_the_report_of_a_batch_is_that_of_a_run(lab, queued, tmp_path):
    uid = carried_out(lab, queued)
    alone = job_run.run(queued.order.job, tmp_path / "alone")
    report = load_report(queued.order.folder / "report.json")
    assert report.digest == alone.digest
    assert uid == sha256_file(queued.order.folder / "report.json")
    with connected(lab) as connection:
        assert queue.listed(connection)[0].report_uid == uid
        assert connection.execute(select(tables.report.c.uid)).scalars().all() == [uid]  # the lab finds it


@pytest.mark.parametrize(
    ("place", "step"), [(recovery, "settled"), (audit, "add"), (journal, "finished"), (index, "add"), (queue, "done")]
)
def test_a_job_that_was_published_and_not_marked_done_is_not_measured_twice(place, step, lab, queued, monkeypatch):
    """By a computer whose clock is a day slow: the moment in which a report was begun tells nothing of it."""

    def killed(*_):
        raise SystemExit

    monkeypatch.setattr(job_run, "now", lambda: now() - timedelta(days=1))
    monkeypatch.setattr(journal, "LEAST", 1)  # its fields are kept beside the report until that has its place
    with monkeypatch.context() as patched:
        patched.setattr(place, step, killed)
        with pytest.raises(SystemExit):
            carried_out(lab, queued)
    with connected(lab) as connection:
        queue.release(connection, "me")
    monkeypatch.setattr(job_run, "run", lambda *_, **__: pytest.fail("measured twice"))
    uid = carried_out(lab, claimed(lab, "next"), "next")
    assert uid == sha256_file(queued.order.folder / "report.json")
    assert runs(queued.order.out) == {"part_0": 1}
    assert {path.name for path in queued.order.out.iterdir()} == {"part_0", *audit_files()}


def test_another_report_in_the_place_is_not_taken_for_that_of_the_job(lab, queued):
    """One of the same job and images that a person made; one that was changed; one of images that were replaced."""
    job_run.run(queued.order.job, queued.order.out)
    assert not work.published(lab, queued)
    carried_out(lab, queued)
    with connected(lab) as connection:
        (made,) = queue.listed(connection)
    assert work.published(lab, made)
    images, table = queued.order.job.parent / "field_1.png", queued.order.folder / "job.toml"
    for changed, other in ((table, b"of somebody else"), (images, image_bytes(99))):
        whole = changed.read_bytes()
        changed.write_bytes(other)
        assert not work.published(lab, made)
        changed.write_bytes(whole)
    assert work.published(lab, made)


def test_a_run_is_recorded_when_its_report_has_its_place_and_not_before(lab, queued, monkeypatch):
    """One that waits for the audit trail while its holder is killed finds a report there that was never published."""
    out, events = queued.order.out, (audit.Event(event="run", subject="IT-1", new={"job": "part_0"}),)
    with folders.partial_folder(out / "part_0") as made:  # not removed: its process seems to live
        recovery.note(made.folder, 0, events)
        recovery.recover(out)
        assert not (out / audit.LOG).exists()
    carried_out(lab, queued)
    assert runs(out) == {"part_0": 1}


def test_a_report_whose_run_cannot_be_recorded_is_not_measured_again(lab, queued, monkeypatch):
    def killed(*_):
        raise SystemExit

    with monkeypatch.context() as patched:
        patched.setattr(audit, "add", killed)
        with pytest.raises(SystemExit):
            carried_out(lab, queued)
    with connected(lab) as connection:
        queue.release(connection, "me")
    (queued.order.out / audit.HEAD).write_text("{}")  # a trail that is broken takes no entry
    (queued.order.out / audit.LOG).write_text("of somebody else\n")
    with pytest.raises(OutputError, match="nothing is added to a broken audit trail"):
        carried_out(lab, claimed(lab, "next"), "next")
    assert (queued.order.folder / folders.PENDING).exists()


def test_a_report_that_cannot_be_read_is_no_reason_to_make_another(lab, queued, monkeypatch):
    carried_out(lab, queued)

    def unreadable(path):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(work, "sha256_file", unreadable)
    taken = work.put_in(lab, [queued.order])
    assert taken.works == ()
    assert "report.json: cannot be read: Input/output error" in taken.faults["part_0"]


def test_who_lost_its_lease_while_it_waited_for_the_audit_trail_publishes_nothing(lab, queued, monkeypatch):
    held = audit.held

    @contextmanager
    def late(folder):
        with held(folder) as log:
            with connected(lab) as connection:
                queue.cancel(connection, [queued.id])
            yield log

    monkeypatch.setattr(audit, "held", late)
    with pytest.raises(work.LeaseLostError, match="another worker has it, or it was canceled"):
        carried_out(lab, queued)
    assert runs(queued.order.out) == {}
    assert [path for path in queued.order.out.iterdir() if path.is_dir()] == []


def test_nobody_takes_a_job_over_while_its_report_takes_its_place(lab, queued, monkeypatch, tmp_path):
    """A worker that was held up longer than its lease is about to publish, and another asks for work just then."""
    tries = []
    issue = job_run.issue

    def slow(*arguments):
        with connected(lab, read_only=True) as connection:
            tries.append(queue.listed(connection)[0].owner)
        issue(*arguments)

    with connected(lab) as connection:  # its lease has ended, nobody has taken it yet
        queue.beat(connection, "me", [queued.id], -1.0)
    monkeypatch.setattr(job_run, "issue", slow)
    carried_out(lab, queued)
    assert tries == ["me"]
    assert claimed(lab, "other") is None


def test_a_job_file_that_changed_in_the_queue_is_not_measured_as_another(lab, queued):
    queued.order.job.write_text(queued.order.job.read_text() + "# later")
    with pytest.raises(SettingsError, match="was changed after it was put into the queue"):
        carried_out(lab, queued)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_an_error_of_the_job_and_leaves_nothing(lab, queued, monkeypatch):
    from inspect_tool.inspection import field_record

    def write_to_a_full_disk(path, data):
        with Path("/dev/full").open("wb", buffering=0) as full:  # a real ENOSPC from the kernel
            full.write(data)

    with monkeypatch.context() as full:
        full.setattr(field_record, "_write", write_to_a_full_disk)
        with pytest.raises(OutputError, match="No space left on device; nothing was changed"):
            carried_out(lab, queued)
    assert list(queued.order.out.iterdir()) == []
    carried_out(lab, queued)
    assert runs(queued.order.out) == {"part_0": 1}


CHANGES = ("open", "os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.chmod", "os.truncate", "shutil", "sqlite3")


def carried_out_until(lab, one, last=None):
    """Do a job in a copy of this process, which dies before its last-th change of the disk; all that it made."""
    reads, writes = os.pipe()
    child = os.fork()
    if child == 0:
        seen = []

        def hook(event, arguments):
            here = any(str(one.order.out.parent) in str(part) for part in arguments[:2])
            if here and event.startswith(CHANGES) and arguments[1:2] != ("r",):  # what only reads changes nothing
                seen.append(f"{event} {arguments[event == 'os.rename']}")
                if len(seen) == last:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(hook)
        try:
            carried_out(lab, one)
            os.write(writes, "\n".join(seen).encode())
        finally:
            os._exit(0)
    os.close(writes)
    _, status = os.waitpid(child, 0)
    with os.fdopen(reads) as told:
        return None if os.WIFSIGNALED(status) else told.read().splitlines()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no kill -9 here")
def test_a_job_that_is_killed_at_any_operation_is_done_once_by_who_takes_it_next(tmp_path, database_url):
    """Before every change of the disk from the moment in which the report is whole, and before one in eight earlier.

    PostgreSQL forgets a killed program wherever that was; there the kills are before and after the report takes its
    place, while the row of the job is locked, and before the last change.
    """
    lab, out = init(tmp_path / "lab", database_url), tmp_path / "out"
    work.put_in(lab, orders(small_jobs(tmp_path / "first", 2), out))
    carried_out(lab, claimed(lab))
    made = carried_out_until(lab, claimed(lab))
    placed = made.index(f"os.rename {out / 'part_1'}") + 1
    whole = max(
        i for i, change in enumerate(made[:placed], 1) if change == f"open {out / audit.LOG}"
    )  # held to the end
    before, after = [*range(1, whole, 8), *range(whole, placed + 1)], [*range(placed + 1, len(made) + 1)]
    assert (min(len(before), len(after)) > 6, whole > placed - 12) == (True, True)
    if database_url:
        before, after = [placed], [placed + 1, len(made)]
    out = tmp_path / "killed"
    asked = orders(small_jobs(tmp_path / "jobs", 1 + len(after)), out)
    ids = [one.id for one in work.put_in(lab, asked).works]
    # a job that is not published yet is begun anew, and can be killed again
    for id_, points in zip(ids, (before, *([point] for point in after)), strict=True):
        for point in points:
            assert carried_out_until(lab, claimed(lab, among=[id_]), point) is None
            recover(out)
            with connected(lab) as connection:
                queue.release(connection, "me")
        carried_out(lab, claimed(lab, "next", among=[id_]), "next")
    assert runs(out) == dict.fromkeys(sorted(order.name for order in asked), 1)
    assert {path.name for path in out.iterdir()} == {*audit_files(), *(order.name for order in asked)}
    assert [one.state for one in work.put_in(lab, asked).works] == ["done"] * len(asked)


# ------------------------------------------------------------------------------------------------------------- workers


def served(lab, heard, **options):
    """What workers told until nothing was left; ``heard`` is called with each, and may end them by True."""
    told = []
    with closing(work.serve(lab, poll_s=0.05, **options)) as news:
        for one in news:
            if one.kind != "step":
                told.append((one.kind, one.work and one.work.order.name))
            if one.kind == "idle" or heard(one):
                return told
    raise AssertionError


def kill_all_jobs():
    for child in multiprocessing.active_children():
        os.kill(child.pid, signal.SIGKILL)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no kill -9 here")
def test_a_crash_of_one_job_fails_that_job_after_two_tries_and_no_other(lab, tmp_path):
    work.put_in(lab, orders(small_jobs(tmp_path / "jobs", 2), tmp_path / "out"))

    def heard(news):
        if (news.kind, news.work.order.name) == ("begun", "part_0"):
            kill_all_jobs()

    assert served(lab, heard, workers=1) == [
        *(("begun", "part_0"), ("again", "part_0"), ("begun", "part_1"), ("done", "part_1")),
        *(("begun", "part_0"), ("failed", "part_0"), ("idle", None)),
    ]
    with connected(lab) as connection:
        (failed,) = queue.listed(connection, states=["failed"])
    assert "was ended by SIGKILL (as the system does where memory runs out" in failed.error


def test_who_stops_listening_stops_the_jobs_which_wait_again_and_leave_nothing(lab, tmp_path):
    work.put_in(lab, orders(small_jobs(tmp_path / "jobs", 3), tmp_path / "out"))
    served(lab, lambda news: news.kind == "step", workers=2)
    assert multiprocessing.active_children() == []
    with connected(lab) as connection:
        counts = queue.counts(connection)
        assert {one.tries for one in queue.listed(connection)} == {0}
    assert (counts["doing"], counts["failed"]) == (0, 0)
    out = tmp_path / "out"
    assert not [path for path in out.iterdir() if path.name.startswith(".")] if out.exists() else True
    assert list((lab.folder / "workers").iterdir()) == []


def test_a_job_that_is_canceled_under_way_is_stopped(lab, tmp_path, monkeypatch):
    monkeypatch.setattr(work, "BEAT_S", 0.05)
    (one,) = work.put_in(lab, orders(small_jobs(tmp_path / "jobs", 1), tmp_path / "out")).works

    def heard(news):
        if news.kind == "begun":
            with connected(lab) as connection:
                queue.cancel(connection, [one.id])

    assert served(lab, heard, workers=1) == [("begun", "part_0"), ("lost", "part_0"), ("idle", None)]
    assert not (tmp_path / "out" / "part_0").exists()


def test_jobs_of_a_program_that_was_killed_are_taken_at_once_and_those_of_another_computer_when_their_lease_ends(
    lab, tmp_path
):
    work.put_in(lab, orders(small_jobs(tmp_path / "jobs", 2), tmp_path / "out"))
    script = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from inspect_tool.batch import owners, queue\n"
        "from inspect_tool.lab.database import connected, open_lab\n"
        "lab = open_lab(Path(sys.argv[1]))\n"
        "with owners.alive(lab) as owner, connected(lab) as connection:\n"
        "    queue.claim(connection, owner)\n"
        "    connection.commit()\n"
        "    os.kill(os.getpid(), 9)\n"
    )
    subprocess.run([sys.executable, "-c", script, lab.folder], check=False)
    claimed(lab, "elsewhere-1-0")
    with connected(lab) as connection:
        assert len(queue.owners(connection)) == 2
    told = served(lab, lambda _: False, workers=1)
    assert told == [("begun", "part_0"), ("done", "part_0"), ("idle", None)]
    assert list((lab.folder / "workers").iterdir()) == []


@pytest.mark.long
@pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")
def test_a_batch_that_is_killed_again_and_again_does_each_job_once(lab, tmp_path):
    found = batch_kills.batches(lab, tmp_path, kills=3, jobs=4, workers=2, longest_s=2.0, seed=3)
    assert found.wrong == []
    assert found.kills.total() == 3


def test_status_lists_a_job_that_was_never_begun(lab, tmp_path):
    work.put_in(lab, orders(small_jobs(tmp_path / "jobs", 1), tmp_path / "out"))
    said = CliRunner().invoke(app, ["batch", "status", "--lab", str(lab.folder)])
    assert said.exit_code == 0, said.exception
    assert said.output.splitlines()[1].split() == ["part_0", "todo"]
