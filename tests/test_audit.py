import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from random import Random

import pytest
import tifffile
from test_bad_input import tool

from inspect_tool import synthetic
from inspect_tool.errors import OutputError, ReadError, SettingsError
from inspect_tool.evidence import audit
from inspect_tool.evidence.audit import HEAD, LOG, NOTHING, Event, append, read, verify
from inspect_tool.inspection import job_run


def event(i, **more):
    return Event(event="edit", subject=f"IT-{i}", old={"G": i}, new={"G": i + 0.25}, reason=f"because {i} µm", **more)


@pytest.fixture
def log(tmp_path):
    """A log of eight entries."""
    append(tmp_path, *(event(i) for i in range(1, 9)))
    return tmp_path


def lines(folder):
    return (folder / LOG).read_bytes().splitlines(keepends=True)


def write(folder, *parts):
    (folder / LOG).write_bytes(b"".join(parts))


def write_job(folder, settings="", name="plate"):
    folder.mkdir(exist_ok=True)
    field = synthetic.pores(seed=1, porosity_percent=3.0, mean_ecd_um=12.0, shape_px=(200, 200))
    tifffile.imwrite(folder / "a.tif", field.pixels)
    job = folder / f"{name}.toml"
    job.write_text(
        'recipe = "porosity"\nimages = ["a.tif"]\nexports = ["json"]\n'
        f'[calibration]\npixel_um = 1.0\nu_rel = 0.005\nsource = "stage micrometer"\n[settings]\n{settings}\n'
    )
    return job


# ---------------------------------------------------------------------------------------------------- the chain


def test_each_line_names_the_hash_of_the_line_before_and_its_own(log):
    previous = NOTHING
    for i, line in enumerate(lines(log), 1):
        data = json.loads(line)
        assert data["number"] == i
        assert data["previous"] == previous
        own = data.pop("sha256")
        body = json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode()
        assert hashlib.sha256(body).hexdigest() == own
        previous = hashlib.sha256(line.rstrip(b"\n")).hexdigest()
    assert json.loads((log / HEAD).read_text()) == {"entries": 8, "sha256": previous}
    assert read(log).last == f"8 {previous}"


def test_an_entry_says_who_when_with_what_and_why(tmp_path, monkeypatch):
    monkeypatch.setenv("INSPECT_TOOL_USER", "M. Curie")
    (entry,) = append(tmp_path, event(3))
    assert (entry.number, entry.event, entry.subject, entry.user) == (1, "edit", "IT-3", "M. Curie")
    assert (entry.old, entry.new, entry.reason) == ({"G": 3}, {"G": 3.25}, "because 3 µm")
    assert entry.software.startswith("inspect_tool ")
    assert entry.time.endswith("Z")
    assert read(tmp_path).entries == (entry,)
    monkeypatch.delenv("INSPECT_TOOL_USER")
    assert append(tmp_path, event(4))[0].user not in ("", "M. Curie")


def test_a_server_says_who_did_it(tmp_path, monkeypatch):
    monkeypatch.setenv("INSPECT_TOOL_USER", "the account that the server runs as")
    first, second = append(tmp_path, event(1, user="Marie Curie"), event(2))
    assert (first.user, second.user) == ("Marie Curie", "the account that the server runs as")


def test_an_entry_gives_the_line_that_it_was_read_from(log):
    append(log, event(9.1e-7, user='"\ud800\u2028 Müller'), Event(event="run", subject="\\", new={"x": [1, 1.0, None]}))
    assert [audit.line(entry) + b"\n" for entry in read(log).entries] == lines(log)


def test_a_whole_log_alarms_nobody(log):
    trail = verify(log)
    assert (trail.problems, trail.notes, len(trail.entries)) == ((), (), 8)
    assert read(log / LOG) == trail


@pytest.mark.parametrize("line", range(8))
def test_a_removed_line_is_found_and_located(log, line):
    before = lines(log)
    write(log, *before[:line], *before[line + 1 :])
    problem = read(log).problems[0]
    if line == 7:
        assert problem == f"the log ends after line 7, {HEAD} says entry 8: entry 8 is missing at the end"
    else:
        assert problem == f"line {line + 1}: entry {line + 2} follows entry {line}: entry {line + 1} is missing here"


def test_another_order_is_found_and_located(log):
    before = lines(log)
    write(log, *before[:3], before[4], before[3], *before[5:])
    assert read(log).problems[:2] == (
        "line 4: entry 5 follows entry 3: entry 4 is missing here",
        "line 5: entry 4 follows entry 5: repeated, or in another order",
    )


def test_a_repeated_line_is_found(log):
    before = lines(log)
    write(log, *before[:3], before[2], *before[3:])
    assert "line 4: entry 3 follows entry 3: repeated" in read(log).problems[0]


def test_every_changed_byte_is_found_in_its_line(log):
    random = Random(5)
    before = (log / LOG).read_bytes()
    starts = [0]
    for line in lines(log):
        starts.append(starts[-1] + len(line))
    for _ in range(200):
        place = random.randrange(len(before))
        changed = bytearray(before)
        changed[place] ^= 1 << random.randrange(8)
        write(log, bytes(changed))
        line = sum(start <= place for start in starts)
        problem = read(log).problems[0]
        assert f"line {line} " in problem or f"line {line - 1}," in problem or f"{line - 1} to" in problem, problem


def test_a_changed_entry_with_a_new_hash_of_its_own_does_not_fit_its_neighbor(log):
    before = lines(log)
    data = json.loads(before[4])
    data["new"] = {"G": 99}
    del data["sha256"]
    body = json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode()
    forged = body[:-1] + b',"sha256":"' + hashlib.sha256(body).hexdigest().encode() + b'"}\n'
    write(log, *before[:4], forged, *before[5:])
    assert read(log).problems == (
        "line 6 (entry 6) does not continue what stands before it: line 5 (entry 5) was replaced",
    )
    write(log, *before[:7], forged.replace(b'"number":5', b'"number":5'))
    assert "repeated" in read(log).problems[0]


@pytest.mark.parametrize("left", [0, 3, 7])
def test_a_cut_tail_is_found_by_the_head(log, left):
    write(log, *lines(log)[:left])
    assert f"the log ends after line {left}, {HEAD} says entry 8" in read(log).problems[0]
    (log / HEAD).unlink()
    if left:
        assert f"{HEAD} is missing" in read(log).problems[0]


def test_a_broken_log_takes_no_more_entries_and_stays_as_it_is(log):
    write(log, *lines(log)[:5])
    before = (log / LOG).read_bytes()
    with pytest.raises(OutputError, match=r"entries 6 to 8 are missing at the end; nothing is added to a broken"):
        append(log, event(9))
    assert (log / LOG).read_bytes() == before


def test_a_log_that_vanished_is_not_begun_anew_in_silence(log):
    (log / LOG).unlink()
    with pytest.raises(OutputError, match=f"{HEAD} says that there was one"):
        audit.ready(log)
    with pytest.raises(ReadError, match="the folder has no audit trail"):
        read(log)


def test_a_clock_that_was_set_back_is_a_note(log, monkeypatch):
    from datetime import UTC, datetime

    monkeypatch.setattr(audit, "now", lambda: datetime(2001, 1, 1, tzinfo=UTC))
    append(log, event(9))
    trail = read(log)
    assert trail.problems == ()
    assert trail.notes == ("entry 9 is dated before entry 8: a clock was set back",)


# ------------------------------------------------------------------------------------------ kills and neighbors


@pytest.mark.parametrize("left", [1, 40, -1])
def test_an_unfinished_line_is_kept_in_a_repair_entry(log, left):
    before = lines(log)
    write(log, *before, before[0][:left])
    trail = read(log)
    assert trail.problems == ()
    assert "bytes of an entry that was not finished" in trail.notes[0]
    repair, entry = append(log, event(9))
    assert (repair.event, repair.number, entry.number) == ("repair", 9, 10)
    torn = before[0][:left]
    assert repair.old == {"bytes": len(torn), "sha256": hashlib.sha256(torn).hexdigest(), "text": torn.decode()}
    assert lines(log)[:8] == before
    assert (read(log).problems, read(log).notes) == ((), ())


def test_zeros_after_a_power_failure_are_repaired_too(log):
    write(log, *lines(log), b"\0" * 500)
    assert append(log, event(9))[0].old["bytes"] == 500
    assert read(log).problems == ()


def test_a_writer_stopped_before_the_head_leaves_a_whole_chain(log):
    head = (log / HEAD).read_bytes()
    append(log, event(9))
    (log / HEAD).write_bytes(head)
    trail = read(log)
    assert trail.problems == ()
    assert f"{HEAD} names entry 8, the log has 9" in trail.notes[0]
    append(log, event(10))
    assert verify(log).notes == ()


WRITER = """
import sys
from pathlib import Path
from inspect_tool.evidence.audit import Event, append
print("ready", flush=True)
for i in range(int(sys.argv[3])):
    append(Path(sys.argv[1]), Event(event="edit", subject=f"{sys.argv[2]}-{i}", new="x" * 3000))
    print(i, flush=True)
"""


def writer(folder, name, count):
    return subprocess.Popen([sys.executable, "-c", WRITER, str(folder), name, str(count)], stdout=subprocess.PIPE)


def test_processes_that_write_at_once_lose_and_mix_nothing(tmp_path):
    both = [writer(tmp_path, name, 40) for name in "abc"]
    for process in both:
        assert process.communicate(timeout=100)[0].split()[-1] == b"39"
        assert process.returncode == 0
    trail = verify(tmp_path)
    assert (trail.problems, trail.notes) == ((), ())
    subjects = [entry.subject for entry in trail.entries]
    for name in "abc":  # all there, each writer's in its order
        assert [s for s in subjects if s[0] == name] == [f"{name}-{i}" for i in range(40)]


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no kill -9 here")
@pytest.mark.parametrize("seed", range(4))
def test_a_killed_writer_leaves_a_chain_that_others_go_on_with(tmp_path, seed):
    process = writer(tmp_path, "a", 100_000)
    assert process.stdout.readline() == b"ready\n"
    time.sleep(Random(seed).uniform(0.05, 0.3))
    process.send_signal(signal.SIGKILL)
    told = [int(line) for line in process.communicate()[0].split()]
    trail = read(tmp_path) if (tmp_path / LOG).exists() else audit.Trail(entries=())
    assert trail.problems == ()
    assert len(trail.entries) >= len(told)  # what was confirmed is there
    append(tmp_path, event(1))
    assert verify(tmp_path).problems == ()
    assert verify(tmp_path).notes == ()


def test_a_kill_in_the_middle_of_a_line_leaves_a_chain_up_to_the_last_whole_entry(tmp_path):
    """The child writes byte by byte and kills itself: the system cannot be relied on to tear a line otherwise."""
    append(tmp_path, event(1))
    script = (
        "import os, signal, sys\nfrom pathlib import Path\nfrom inspect_tool.evidence import audit\n"
        "def torn(file, start, data):\n"
        "    os.lseek(file, start, os.SEEK_SET)\n"
        "    for i in range(77): os.write(file, data[i:i + 1])\n"
        "    os.kill(os.getpid(), 9)\n"
        "audit._write = torn\n"
        "audit.append(Path(sys.argv[1]), audit.Event(event='edit', subject='lost'))\n"
    )
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=False)
    assert done.returncode != 0
    trail = read(tmp_path)
    assert (trail.problems, len(trail.entries), len(trail.torn)) == ((), 1, 77)
    repair, _ = append(tmp_path, event(2))
    assert repair.old["text"].startswith('{"number":2,')
    assert verify(tmp_path).problems == ()


def test_a_log_that_another_process_holds_is_one_line(tmp_path, monkeypatch):
    monkeypatch.setattr(audit, "PATIENCE_S", 0.05)
    with (
        audit._opened(tmp_path, write=True),
        pytest.raises(OutputError, match="another process has held it"),
    ):
        append(tmp_path, event(1))


def test_a_full_disk_is_one_line(log, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(audit, "_write", full)
    with pytest.raises(OutputError, match="No space left on device; the event is not in the audit trail"):
        append(log, event(9))
    assert verify(log).problems == ()


# ----------------------------------------------------------------------------------------------- runs and lists


def test_a_run_is_recorded_and_another_setting_with_its_old_and_new_value(tmp_path):
    out = tmp_path / "out"
    first = job_run.run(write_job(tmp_path), out)
    second = job_run.run(write_job(tmp_path, "minimum_um = 4.0"), out)
    trail = verify(out)
    assert (trail.problems, trail.notes) == ((), ())
    assert [entry.event for entry in trail.entries] == ["run", "settings change", "run"]
    run, change, again = trail.entries
    assert (run.subject, again.subject, change.subject) == (first.id, second.id, "plate")
    assert run.new["job_sha256"] == first.provenance.job_sha256
    assert run.new["verdict"] == "no requirement"
    assert again.new["files"] == {
        "report.json": hashlib.sha256((out / "plate" / "report.json").read_bytes()).hexdigest()
    }
    assert (change.old, change.new) == ({"settings.minimum_um": 0.0}, {"settings.minimum_um": 4.0})
    assert first.provenance.audit == f"0 {NOTHING}"
    assert second.provenance.audit == f"1 {run.line_sha256}"


def test_the_same_job_gives_the_same_identification_whatever_the_log_holds(tmp_path):
    job = write_job(tmp_path)
    one, two = job_run.run(job, tmp_path / "out"), job_run.run(job, tmp_path / "out")
    assert one.provenance.audit != two.provenance.audit
    assert one.id == two.id or one.provenance.started[:10] != two.provenance.started[:10]
    assert [entry.event for entry in read(tmp_path / "out").entries] == ["run", "run"]


def test_nothing_kept_or_not_wanted_is_not_recorded(tmp_path):
    job = write_job(tmp_path)
    assert job_run.run(job).provenance.audit == ""
    job_run.run(job, tmp_path / "out", trail=False)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["plate"]


def test_reports_uncover_a_log_that_was_cut_together_with_its_head(tmp_path):
    out = tmp_path / "out"
    report = job_run.run(write_job(tmp_path), out)
    kept = {name: (out / name).read_bytes() for name in (LOG, HEAD)}
    other = job_run.run(write_job(tmp_path, name="other"), out)
    for name, data in kept.items():
        (out / name).write_bytes(data)
    assert read(out).problems == ()  # the log alone looks whole
    assert verify(out).problems == (
        f"other/report.json ({other.id}) was made with this log, which has no entry of that run",
    )
    for name in kept:
        (out / name).unlink()
    append(out, event(1))
    found = verify(out).problems
    assert any(f"other/report.json ({other.id}) was made after entry 1 " in problem for problem in found)
    assert any(f"plate/report.json ({report.id})" in problem for problem in found)


def test_a_run_stops_before_it_measures_where_the_log_is_broken(tmp_path):
    job, out = write_job(tmp_path), tmp_path / "out"
    job_run.run(job, out)
    before = (out / "plate" / "report.json").read_bytes()
    write(out, lines(out)[0].replace(b'"verdict"', b'"Verdict"'))
    with pytest.raises(OutputError, match=r"line 1 \(entry 1\) was changed after it was written.*begin a new one"):
        job_run.run(job, out, progress=lambda *_: pytest.fail("measured"))
    assert (out / "plate" / "report.json").read_bytes() == before


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everything")
def test_a_run_stops_before_it_measures_where_the_log_cannot_be_written(tmp_path):
    job, out = write_job(tmp_path), tmp_path / "out"
    append(out, event(1))
    (out / LOG).chmod(0o444)
    with pytest.raises(OutputError, match="cannot be written; every run is recorded here"):
        job_run.run(job, out, progress=lambda *_: pytest.fail("measured"))


def test_a_signed_report_is_not_replaced(tmp_path):
    job, out = write_job(tmp_path), tmp_path / "out"
    report = job_run.run(job, out)
    (out / "plate" / "report.pdf").write_bytes(b"signed")
    append(out, Event(event="sign", subject=report.id, new={"file": "plate/report.pdf"}))
    with pytest.raises(OutputError, match=r"report.pdf: is signed \(entry 2 of the audit trail\) and is not replaced"):
        job_run.run(job, out)
    (out / "plate" / "report.pdf").rename(tmp_path / "kept.pdf")
    job_run.run(job, out)
    assert tool("run", job, "--out", out, "--quiet").returncode == 0


def test_entries_are_chosen_by_kind_day_and_person(log, monkeypatch):
    monkeypatch.setenv("INSPECT_TOOL_USER", "Ada")
    append(log, Event(event="sign", subject="IT-9", new={}))
    entries = read(log).entries
    assert [entry.number for entry in audit.select(entries, events=["sign"])] == [9]
    assert [entry.number for entry in audit.select(entries, by="Ada")] == [9]
    assert len(audit.select(entries, since=entries[0].time[:10])) == 9
    assert audit.select(entries, since="2999-01-01T00:00") == ()
    assert [entry.number for entry in audit.select(entries, about="it-3")] == [3]
    with pytest.raises(SettingsError, match="'yesterday' is not a date"):
        audit.select(entries, since="yesterday")
    with pytest.raises(SettingsError, match="--event: 'ran' is none of account, check by hand, classifier, edit"):
        audit.select(entries, events=["ran"])


def test_the_command_prints_filters_and_verifies(log):
    done = tool("audit", log, "--event", "edit", "--since", "2020-01-01")
    assert done.returncode == 0
    assert "edit            IT-8" in done.stdout
    assert "G: 8 -> 8.25" in done.stdout
    assert "reason: because 8 µm" in done.stdout
    assert done.stdout.splitlines()[-1] == f"whole; number and SHA-256 of the last entry: {read(log).last}"
    assert tool("audit", log, "--verify").stdout.count("\n") == 1
    told = json.loads(tool("audit", log, "--json").stdout)
    assert (told["whole"], len(told["entries"])) == (True, 8)
    write(log, *lines(log)[1:])
    done = tool("audit", log, "--verify")
    assert done.returncode == 3
    assert "BROKEN: line 1: entry 2 follows entry 0: entry 1 is missing here" in done.stdout
    done = tool("audit", log / "nowhere")
    assert done.returncode == 2
    assert "no such file; the folder has no audit trail" in done.stderr


def test_a_name_cannot_steer_the_terminal(tmp_path):
    append(tmp_path, Event(event="edit", subject="\x1b[31mred\nline", reason="\x07"))
    printed = audit.lines(read(tmp_path).entries[0])
    assert all(line.isprintable() for line in printed)
