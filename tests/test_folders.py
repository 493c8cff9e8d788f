"""What a command may replace, and what a killed one leaves: nothing of the user's is ever lost."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import tifffile
from typer.testing import CliRunner

from inspect_tool import folders
from inspect_tool.cli import app
from inspect_tool.errors import InspectError, OutputError, SettingsError
from inspect_tool.evidence import audit, recovery
from inspect_tool.folders import MARKER, PENDING, check_name, new_folder, partial_folder, put, recover, seal
from inspect_tool.inspection import job_plan, job_run, one_field

JOB = (
    'recipe = "porosity"\nimages = ["{images}"]\nexports = ["json"]\nscale_bar = "off"\n'
    '[calibration]\nsource = "ratio only"\n'
)


def contents(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def written(target, text="ours"):
    with new_folder(target) as folder:
        (folder / "report.txt").write_text(text)
        (folder / "pictures").mkdir()
        (folder / "pictures" / "a.jpg").write_bytes(b"a")
    return target


def images(folder, count=2):
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    for i in range(count):
        pixels = np.clip(rng.normal(180, 8, (128, 128)), 0, 255).astype(np.uint8)
        pixels[20 : 40 + i, 30:50] = 30
        tifffile.imwrite(folder / f"f_{i}.tif", pixels)


# ------------------------------------------------------------------------------------------------ what is replaced


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda f: (f / "notes.txt").write_text("mine"), "holds notes.txt, which inspect_tool did not write"),
        (lambda f: (f / "pictures" / "mine.jpg").write_bytes(b"b"), "holds pictures/mine.jpg, which inspect_tool did"),
        (lambda f: (f / "report.txt").write_text("edited"), "its report.txt was changed after it was written"),
        (lambda f: (f / "more").mkdir(), "holds more, which inspect_tool did not write"),
        (lambda f: (f / "link").symlink_to(f.parent), "holds link, which inspect_tool did not write"),
        (lambda f: (f / "s.pdf").write_bytes(b"%PDF- /ByteRange [0 1]"), "holds s.pdf, which is signed"),
        (lambda f: (f / MARKER).unlink(), r"holds pictures/a.jpg and no list of what inspect_tool wrote"),
        (lambda f: (f / MARKER).write_text("{"), r"holds .inspect-tool.json and no list of what inspect_tool wrote"),
    ],
)
def test_what_is_not_ours_stays_and_is_named(tmp_path, change, told):
    target = written(tmp_path / "report")
    change(target)
    before = contents(target)
    with pytest.raises(OutputError, match=told) as raised, new_folder(target):
        pytest.fail("the work began")
    assert "\n" not in str(raised.value)
    assert contents(target) == before


@pytest.mark.parametrize("name", [".DS_Store", "pictures/Thumbs.db"])
def test_what_a_file_manager_leaves_is_not_the_users(tmp_path, name):
    target = written(tmp_path / "report")
    (target / name).write_bytes(b"x")
    assert (written(target, "new") / "report.txt").read_text() == "new"
    assert sorted(contents(target)) == [MARKER, "pictures/a.jpg", "report.txt"]


def test_a_file_that_is_gone_keeps_nobody_from_a_new_report(tmp_path):
    target = written(tmp_path / "report")
    (target / "report.txt").unlink()
    assert (written(target, "new") / "report.txt").read_text() == "new"


def test_what_comes_while_the_work_is_done_stays_too(tmp_path):
    target = written(tmp_path / "report", "old")
    with partial_folder(target) as new:
        (new.folder / "report.txt").write_text("new")
        seal(new)
        (target / "signed.pdf").write_bytes(b"%PDF- /ByteRange")
        with pytest.raises(OutputError, match=r"holds signed\.pdf, which is signed"):
            put(new)
    assert (target / "report.txt").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["report"]


def test_an_empty_folder_is_nobodys_and_the_present_one_and_links_are_not_replaced(tmp_path, monkeypatch):
    (tmp_path / "empty").mkdir()
    assert (written(tmp_path / "empty") / "report.txt").is_file()
    (tmp_path / "link").symlink_to(tmp_path / "empty")
    with pytest.raises(OutputError, match="is a link to another place"):
        written(tmp_path / "link")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    with pytest.raises(OutputError, match="is the folder you are in"):
        written(Path())


def test_what_is_read_is_neither_replaced_nor_written_into(tmp_path):
    target = written(tmp_path / "report")
    with pytest.raises(OutputError, match=r"holds a\.jpg, which is read"):
        folders.check(target, [target / "pictures" / "a.jpg"])
    (tmp_path / "image.zarr").mkdir()
    with pytest.raises(OutputError, match=r"lies in .*image\.zarr, which is read"):
        folders.check(tmp_path / "image.zarr" / "report", [tmp_path / "image.zarr"])


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", ".hidden", "a.", "a ", "a/b", "a\\b", "con", "NUL.x", "Com1", "a\nb", "x" * 201, "\udcff"],
)
def test_names_that_would_lead_elsewhere_are_refused(name):
    with pytest.raises(SettingsError, match=r"no folder can be called .* \(.*\); rename the file") as raised:
        check_name(name, "job.toml")
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("name", ["plate", "S [1]", "Schäffler", "4711 rev. B", "console", "com10", "x" * 200])
def test_names_of_every_day_are_taken(name):
    check_name(name, "job.toml")


# ------------------------------------------------------------------------------------------------------ whole runs


def test_the_users_images_are_not_replaced_by_the_report(tmp_path):
    images(tmp_path / "bracket")
    job = tmp_path / "bracket.toml"
    job.write_text(JOB.format(images="bracket/*.tif"))
    before = contents(tmp_path)
    told = []
    with pytest.raises(OutputError, match=r"bracket: holds f_0\.tif, which is read"):
        job_run.run(job, tmp_path, progress=lambda *step: told.append(step))
    assert told == []  # before anything is measured
    assert contents(tmp_path) == before


@pytest.mark.parametrize(
    "command",
    [
        ["compare", "bracket.toml", "-b", "labels:masks=bracket/*.tif", "--out", "."],
        ["gauge", "bracket.csv", "--tolerance", "20", "--out", "."],
        ["golden", "record", "bracket.toml", "--out", "bracket"],
        ["check", "bracket.toml", "--preview", "."],
        ["selftest", "--out", "bracket"],
        ["score", "-r", "porosity", "--truth", "bracket", "--predicted", "bracket", "--out", "bracket"],
    ],
    ids=lambda command: command[0],
)
def test_no_other_command_writes_over_the_users_images_and_it_says_so_before_the_work(tmp_path, monkeypatch, command):
    for folder in ("bracket", "bracket_compare", "bracket_gauge"):
        images(tmp_path / folder)
    (tmp_path / "bracket.toml").write_text(JOB.format(images="bracket/*.tif"))
    (tmp_path / "bracket.csv").write_text("part,operator,value\nA,x,1\nA,x,2\n")
    before = contents(tmp_path)
    monkeypatch.chdir(tmp_path)
    for work in ("measured_field", "segmented"):
        monkeypatch.setattr(one_field, work, lambda *_, **__: pytest.fail("work was begun"))
    done = CliRunner().invoke(app, command)
    assert isinstance(done.exception, InspectError) or done.exit_code == 2
    told = r"bracket\w*: (holds f_0\.tif(, which is read| and no list)|is there and holds no selftest)"
    assert re.search(told, f"{done.output} {done.exception}")
    assert contents(tmp_path) == before


def test_every_file_of_a_folder_is_on_the_disk_before_the_folder_has_its_name(tmp_path, monkeypatch):
    flushed, name, at_name = set(), Path.rename, []
    flush = os.fsync

    def noted(number):
        flushed.add(os.fstat(number).st_ino)
        flush(number)

    def named(self, target):
        at_name.append(set(flushed))
        return name(self, target)

    monkeypatch.setattr(os, "fsync", noted)
    monkeypatch.setattr(Path, "rename", named)
    target = written(tmp_path / "report")
    inodes = {path.stat().st_ino for path in (target, *target.rglob("*"))}
    assert len(inodes) == 5  # itself, two files, the list of them, and a folder
    assert inodes <= at_name[0]
    assert tmp_path.stat().st_ino in flushed - at_name[0] or sys.platform == "win32"


@pytest.mark.parametrize("file", ["..toml", "...toml", ".toml", "con.toml"])
def test_a_job_without_a_name_of_its_own_does_not_replace_the_output_folder(tmp_path, file):
    images(tmp_path)
    (tmp_path / "out" / "other").mkdir(parents=True)
    (tmp_path / "out" / "other" / "report.json").write_text("{}")
    (tmp_path / file).write_text(JOB.format(images="f_*.tif"))
    before = contents(tmp_path)
    with pytest.raises(SettingsError, match=r"no folder can be called"):
        job_run.run(tmp_path / file, tmp_path / "out")
    with pytest.raises(SettingsError, match=r"no folder can be called"):
        job_plan.job_names([tmp_path / file])
    assert contents(tmp_path) == before


def test_jobs_whose_names_are_one_on_some_disks_are_refused(tmp_path):
    with pytest.raises(SettingsError, match="another job of this command is called 'x' too"):
        job_plan.job_names([Path("a/x/Plate.toml"), Path("b/x/plate.toml")])
    assert job_plan.job_names([Path("a/Plate.toml"), Path("b/plate.toml")]) == ("a", "b")


# ----------------------------------------------------------------------------------------------------------- kills


def begun(target, text):
    """What a process leaves that is killed when its folder is whole and not yet in its place."""
    work = (
        "import os, sys; from pathlib import Path; from inspect_tool.folders import partial_folder, seal\n"
        "with partial_folder(Path(sys.argv[1])) as new:\n"
        "    (new.folder / 'report.txt').write_text(sys.argv[2]); seal(new); print(new.folder, flush=True); os._exit(9)"
    )
    done = subprocess.run([sys.executable, "-c", work, target, text], capture_output=True, text=True, check=False)
    assert done.returncode == 9, done.stderr
    return Path(done.stdout.strip())


def test_after_a_kill_between_the_two_renames_the_old_report_comes_back(tmp_path, caplog):
    target = written(tmp_path / "report", "old")
    new = begun(target, "new")
    before = contents(target)
    target.rename(new.with_suffix(".old"))
    recover(tmp_path)
    assert contents(target) == before
    assert [path.name for path in tmp_path.iterdir()] == ["report"]
    assert "had moved it aside; it is back" in caplog.text
    assert "removed what a run that was stopped had begun" in caplog.text


def test_after_a_kill_behind_the_two_renames_the_new_report_stays(tmp_path):
    target = written(tmp_path / "report", "old")
    new = begun(target, "new")
    target.rename(new.with_suffix(".old"))
    new.rename(target)
    recover(tmp_path)
    assert (target / "report.txt").read_text() == "new"
    assert [path.name for path in tmp_path.iterdir()] == ["report"]


def test_what_a_living_process_writes_is_left_alone(tmp_path):
    with partial_folder(tmp_path / "report") as new:
        (new.folder / "report.txt").write_text("here")
        subprocess.run(
            [
                sys.executable,
                "-c",
                "import sys; from inspect_tool.folders import *; recover(Path(sys.argv[1]))",
                tmp_path,
            ],
            check=True,
        )
        assert (new.folder / "report.txt").read_text() == "here"
        seal(new)
        put(new)
    assert (tmp_path / "report" / "report.txt").read_text() == "here"


def test_hidden_folders_of_others_are_left_alone(tmp_path):
    for name in (".cache", ".report.abc.partial", ".report.abcdefgh.partial", ".report.abcdefgh.old"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "mine.txt").write_text("mine")
    before = contents(tmp_path)
    recover(tmp_path)
    assert contents(tmp_path) == before


def test_a_run_that_was_killed_before_it_was_recorded_is_recorded_by_the_next_command(tmp_path, monkeypatch, caplog):
    images(tmp_path)
    (tmp_path / "plate.toml").write_text(JOB.format(images="f_*.tif"))
    out = tmp_path / "out"
    job_run.run(tmp_path / "plate.toml", out)

    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(audit, "add", killed)
        with pytest.raises(KeyboardInterrupt):
            job_run.run(tmp_path / "plate.toml", out)
    report = json.loads((out / "plate" / "report.json").read_bytes())
    assert (out / "plate" / PENDING).exists()
    recovery.recover(out)
    trail = audit.verify(out)
    assert trail.problems == ()
    assert [entry.event for entry in trail.entries] == ["run", "run"]
    assert trail.entries[-1].subject == report["id"]
    assert "it is recorded now" in caplog.text
    recovery.recover(out)
    assert len(audit.read(out).entries) == 2  # once
    job_run.run(tmp_path / "plate.toml", out)  # and what was recorded late is ours as before


def test_a_file_takes_a_free_name_only_and_as_a_whole(tmp_path):
    folders.new_file(tmp_path / "a.png", b"one")
    with pytest.raises(OutputError, match="exists already and is left as it is"):
        folders.new_file(tmp_path / "a.png", b"two")
    assert contents(tmp_path) == {"a.png": b"one"}
    assert os.stat(tmp_path / "a.png").st_nlink == 1  # noqa: PTH116 - of the one name that is left


# --------------------------------------------------------------------------------------------------------- signals


def long_job(folder):
    """A job of many fields, which takes far longer than the test waits."""
    images(folder, 40)
    (folder / "long.toml").write_text(JOB.format(images="f_*.tif"))
    return folder / "long.toml"


def started(job, *options):
    """``inspect-tool run`` on its way: the first fields are measured."""
    command = [sys.executable, "-m", "inspect_tool", "run", job, "--out", job.parent / "out", *options]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    for line in process.stderr:
        if re.match(r"long: [2-9]/41 ", line):
            return process
    return pytest.fail("the run ended before it measured")


def children(pid):
    """Processes that were started by one, and by these."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
        except (OSError, IndexError):
            continue
        if parent == pid:
            found += [int(stat.parent.name), *children(int(stat.parent.name))]
    return found


def living(pids):
    return [
        pid
        for pid in pids
        if Path(f"/proc/{pid}").exists() and "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    ]


def gone(pids, within_s=20.0):
    ends = time.monotonic() + within_s
    while living(pids) and time.monotonic() < ends:
        time.sleep(0.05)
    return not living(pids)


def left(out):
    """What a run left, but for the fields that the next one goes on with."""
    return [path for path in out.iterdir() if path.name != ".long.fields"]


WORKERS = pytest.param(("--workers", "2"), marks=pytest.mark.needs("shared memory"))


@pytest.mark.parametrize("options", [(), WORKERS])
def test_a_run_that_is_told_to_end_says_so_in_one_line_and_leaves_nothing(tmp_path, options):
    process = started(long_job(tmp_path), *options)
    workers = children(process.pid)
    assert bool(workers) == bool(options)
    process.terminate()
    told = process.communicate(timeout=30)[1].splitlines()
    assert process.returncode == 128 + signal.SIGTERM
    assert told[-1] == "stopped by SIGTERM; the job in progress left nothing half written"
    assert [line for line in told if not line.startswith("long: ")] == told[-1:]
    assert gone(workers)
    assert left(tmp_path / "out") == []


@pytest.mark.needs("shared memory")
def test_workers_end_with_a_run_that_is_killed_and_the_next_one_cleans_up(tmp_path):
    job = long_job(tmp_path)
    process = started(job, "--workers", "2")
    workers = children(process.pid)
    assert len(workers) >= 2
    process.kill()
    process.communicate(timeout=30)
    assert gone(workers)
    assert [path.suffix for path in left(tmp_path / "out")] == [".partial"]
    recover(tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == [".long.fields"]


@pytest.mark.needs("shared memory")
def test_a_worker_that_is_ended_from_outside_is_one_line(tmp_path):
    process = started(long_job(tmp_path), "--workers", "2")
    os.kill(max(children(process.pid)), signal.SIGKILL)
    told = process.communicate(timeout=60)[1].splitlines()
    assert process.returncode == 2
    assert told[-1].endswith("a worker process was ended from outside, or ran out of memory; try fewer --workers")
    assert left(tmp_path / "out") == []


@pytest.mark.needs("shared memory")
def test_a_pool_ends_though_much_was_still_to_be_handed_out():
    """More than a pipe holds waits for a process that is gone; Python 3.11.2 of Debian 12 waits with it."""
    code = """
from inspect_tool.inspection.workers import each, processes
from inspect_tool.errors import MeasurementError
try:
    with processes(2) as pool:
        more = "#" + 300_000 * "x"
        each(pool, exec, [("import os; os._exit(1)" + more,), *[("import time; time.sleep(0.2)" + more,)] * 20], print)
except MeasurementError as error:
    print(error)
"""
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert ended.stdout.splitlines()[-1] == (
        "a worker process was ended from outside, or ran out of memory; try fewer --workers"
    )
