"""A watched folder: what counts as arrived, what makes a job, and that a kill loses nothing and does nothing twice.

The clock is the test's own; files are small drawn pictures, and nothing is measured here.
"""

import os
import re
import signal
import sys
from copy import copy
from datetime import UTC, datetime, timedelta
from io import BytesIO
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image
from sqlalchemy import Engine, event
from wide_words import wide_language, words_in
from zarr_example import write_zarr

from inspect_tool.batch import arrivals, queue, rules, watch, watch_check
from inspect_tool.errors import SettingsError
from inspect_tool.files import load_job
from inspect_tool.lab import tables
from inspect_tool.lab.database import connected, init
from inspect_tool.languages import said

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
REST_S = 10
RULES = """
rest_s = 10
[[rules]]
files = "{heat}_{specimen}_{field}.tif"
job = "{heat}"
specimen = "{specimen}"
template = "template.toml"
"""
TEMPLATE = """
recipe = "grain_size"
[header]
title = "Heat {heat}"
heat = "{heat}"
[calibration]
pixel_um = 0.5
source = "stage micrometer"
"""


def picture(seed, size=(96, 128)):
    """TIFF of noise: no two are the same, and none has zeros at its end."""
    made = BytesIO()
    tifffile.imwrite(made, np.random.default_rng(seed).integers(1, 255, size, dtype=np.uint8))
    return made.getvalue()


class Folder:
    """A watched folder, its lab, and a clock that only the test moves."""

    def __init__(self, home, url=""):
        self.home = home
        self.incoming = home / "incoming"
        for folder in (self.incoming, home / "rules"):
            folder.mkdir()
        self.lab = init(home / "lab", url)
        self.now, self.known, self.lines = NOON, None, []
        (home / "rules" / "template.toml").write_text(TEMPLATE, encoding="utf-8")

    def ruled(self, complete, text=RULES):
        """Give rules: when a job is complete."""
        (self.home / "rules" / "rules.toml").write_text(text + complete, encoding="utf-8")
        self.at = watch.watched(self.incoming, self.home / "rules" / "rules.toml", self.lab)
        return self

    def put(self, name, data, mtime=None):
        """A file that arrives, all of it at once."""
        path = self.incoming / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        stamp = (NOON if mtime is None else mtime).timestamp()
        os.utime(path, (stamp, stamp))
        return path

    def look(self, after_s=0):
        """Look once, so many seconds after the last look; gives the lines that are new."""
        self.now += timedelta(seconds=after_s)
        if self.known is None:
            self.known = watch.Known(arrivals=watch.kept(self.lab, self.incoming.absolute()))
        self.known, self.found, lines = watch.look(self.at, self.known, self.now)
        self.lines += lines
        return lines

    def settle(self):
        """Look until what is there has rested."""
        return [*self.look(), *self.look(REST_S)]

    def restart(self):
        """Forget all that is not in the database."""
        self.known = None

    def jobs(self):
        """Names of the jobs in the queue, in order."""
        with connected(self.lab, read_only=True) as connection:
            return [work.order.name for work in queue.listed(connection)]

    def job(self, name):
        return load_job(self.home / "rules" / f"{name}.toml")

    def states(self):
        """What the database says of each file."""
        return {each.path: (each.state, each.job) for each in watch.kept(self.lab, self.incoming.absolute()).values()}


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path)


# ----------------------------------------------------------------------------------------------- one file, and the rest


def test_files_that_agree_make_one_job_of_their_specimens(folder):
    folder.ruled("count = 4")
    for seed, name in enumerate(("730218_B_1", "730218_A_10", "730218_A_2", "730218_A_1")):
        folder.put(f"{name}.TIF", picture(seed))
    assert folder.look() == ()
    assert folder.look(REST_S - 1) == ()
    assert folder.look(1) == ("730218: in the queue, number of images: 4",)
    job = folder.job("730218")
    assert [(one.id, [Path(path).name for path in one.images]) for one in job.specimens] == [
        ("A", ["730218_A_1.TIF", "730218_A_2.TIF", "730218_A_10.TIF"]),
        ("B", ["730218_B_1.TIF"]),
    ]
    assert (job.header.heat, job.header.title) == ("730218", "Heat 730218")
    assert folder.states()["730218_A_1.TIF"] == ("taken", "730218")
    assert folder.look(3600) == ()
    assert folder.jobs() == ["730218"]


def test_a_file_that_grows_is_not_taken_however_slowly(folder):
    folder.ruled("count = 1")
    whole = picture(1)
    for part in range(1, 6):
        folder.put("1_A_1.tif", whole[: len(whole) * part // 5], NOON + timedelta(seconds=part))
        assert folder.look(REST_S - 1) == ()
    assert folder.look(REST_S) == ("1: in the queue, number of images: 1",)


def test_a_copy_that_stands_still_is_not_taken_for_a_whole_file(folder):
    folder.ruled("count = 1", RULES.replace(".tif", ".*"))
    lossless = BytesIO()
    Image.fromarray(tifffile.imread(BytesIO(picture(2)))).save(lossless, "png")
    for name, whole in (("1_A_1.tif", picture(1)), ("2_A_1.png", lossless.getvalue())):
        path = folder.put(name, whole[: len(whole) - 300])
        (line,) = folder.settle()
        assert line.startswith(f"{name}: ")
        assert folder.look(3600) == ()  # said once
        folder.put(name, whole, NOON + timedelta(hours=1))
        assert folder.settle()[-1].endswith("in the queue, number of images: 1")
        path.unlink()


@pytest.mark.parametrize("written", [0, 4096, 3 * 4096])
def test_a_file_whose_place_was_reserved_is_not_taken_before_its_last_block_is_written(folder, written):
    folder.ruled("count = 1")
    whole = picture(3, (160, 128))
    assert len(whole) > 4 * 4096 + 4096
    folder.put("1_A_1.tif", whole[:written] + bytes(len(whole) - written))
    assert "was not written to its end" in folder.settle()[0]
    folder.put("1_A_1.tif", whole, NOON + timedelta(minutes=5))
    assert folder.settle() == ["1: in the queue, number of images: 1"]


def test_an_image_that_is_black_at_its_end_is_whole(folder):
    folder.ruled("count = 1")
    made = BytesIO()
    pixels = np.random.default_rng(0).integers(1, 255, (200, 128), dtype=np.uint8)
    pixels[100:] = 0  # 12 800 bytes of zeros, as below the picture of an electron microscope
    tifffile.imwrite(made, pixels)
    folder.put("1_A_1.tif", made.getvalue())
    assert folder.settle() == ["1: in the queue, number of images: 1"]


def test_a_file_that_cannot_be_opened_is_tried_again_though_it_does_not_change(folder, monkeypatch):
    folder.ruled("count = 1")
    folder.put("1_A_1.tif", picture(1))
    opened = []

    def refusing(path, which):
        opened.append(folder.now)
        raise PermissionError(13, "in use by another program")

    monkeypatch.setattr(arrivals.readers, "read", refusing)
    folder.look()
    for _ in range(40):
        folder.look(REST_S)
    waits = [(later - now).total_seconds() for now, later in pairwise(opened)]
    assert waits == [20, 40, 80, 160]  # ever more seldom
    assert folder.lines == ["1_A_1.tif: cannot be read: in use by another program"]
    monkeypatch.undo()
    folder.look(600)
    assert folder.jobs() == ["1"]


def test_what_is_no_arrival_is_passed_over_and_what_is_no_file_is_told(folder):
    folder.ruled("count = 1")
    for name in ("._1_A_1.tif", ".DS_Store", "~$1_A_1.tif", "1_A_1.tif.part", "1_A_1.tif.crdownload", "1_A_1.tmp"):
        folder.put(name, picture(1))
    assert folder.settle() == []
    secret = folder.home / "secret.tif"
    secret.write_bytes(picture(2))
    (folder.incoming / "2_A_1.tif").symlink_to(secret)
    (folder.incoming / "3").symlink_to(folder.home)
    os.mkfifo(folder.incoming / "4_A_1.tif")
    lines = folder.settle()
    assert sorted(lines) == [
        "2_A_1.tif: is a link that leads out of the folder; copy the file itself",
        "3: is a link that leads out of the folder; copy the file itself",
        "4_A_1.tif: is a pipe, a socket or a device, no file",
    ]
    (folder.incoming / "1_A_1.tif.part").rename(folder.incoming / "1_A_1.tif")  # a download that ends
    assert folder.settle() == ["1: in the queue, number of images: 1"]


@pytest.mark.skipif(sys.platform != "linux", reason="other systems know no names that are no text")
def test_a_name_that_no_report_can_hold_is_told(folder):
    folder.ruled("count = 1")
    (folder.incoming / os.fsdecode(b"1_\xff_1.tif")).write_bytes(picture(1))
    assert folder.settle() == [r"1_\udcff_1.tif: its name is no UTF-8 text and cannot stand in a report; rename it"]


def test_a_folder_that_appears_by_one_rename_rests_first(folder):
    folder.ruled("count = 2", RULES.replace('"{heat}_{specimen}', '"{heat}/{specimen}'))
    aside = folder.home / "aside"
    aside.mkdir()
    for i in (1, 2):
        (aside / f"A_{i}.tif").write_bytes(picture(i))
    folder.look()
    aside.rename(folder.incoming / "730218")
    assert folder.look(3600) == ()  # new here, however old
    assert folder.look(REST_S) == ("730218: in the queue, number of images: 2",)


def test_a_folder_that_is_one_image_counts_as_one_file_when_all_of_it_rests(folder):
    folder.ruled("count = 1", RULES.replace("{field}.tif", "{field}.zarr"))
    path = folder.incoming / "1_A_1.zarr"
    write_zarr(path, np.random.default_rng(0).integers(0, 255, (64, 64), dtype=np.uint8))
    folder.look()
    (path / "0" / "late").write_bytes(b"one more file of it")
    assert folder.look(REST_S) == ()
    assert folder.look(REST_S) == ("1: in the queue, number of images: 1",)


# ----------------------------------------------------------------------------------------- the same picture, or another


def test_a_picture_counts_once_whatever_it_is_called(folder):
    folder.ruled("count = 2")
    folder.put("1_A_1.tif", picture(1))
    folder.put("1_A_2.tif", picture(1))
    assert folder.settle() == ["1_A_2.tif: is the same picture as 1_A_1.tif; it counts once"]
    folder.put("1_A_3.tif", picture(3))
    assert folder.settle() == ["1: in the queue, number of images: 2"]
    folder.put("2_A_1.tif", picture(1))
    folder.restart()
    assert "2_A_1.tif: is the same picture as 1_A_1.tif, which job 1 has; it counts once" in folder.settle()
    assert folder.states()["2_A_1.tif"] == ("duplicate", "2")


def test_a_taken_file_may_be_renamed_or_moved_away_and_is_not_measured_again(folder):
    folder.ruled("count = 1")
    path = folder.put("1_A_1.tif", picture(1))
    folder.settle()
    path.rename(folder.incoming / "9_A_1.tif")
    folder.restart()
    assert folder.settle() == ["9_A_1.tif: is the same picture as 1_A_1.tif, which job 1 has; it counts once"]
    assert folder.jobs() == ["1"]


def test_the_other_one_counts_where_the_first_of_two_equal_pictures_is_deleted(folder):
    folder.ruled("count = 2")
    first = folder.put("1_A_1.tif", picture(1))
    folder.put("1_A_2.tif", picture(1))
    folder.put("1_B_1.tif", picture(2), NOON)
    folder.look()
    folder.now -= timedelta(seconds=REST_S)  # nothing has rested: no job yet
    first.unlink()
    assert folder.look(2 * REST_S) == ("1: in the queue, number of images: 2",)
    assert [image for one in folder.job("1").specimens for image in one.images] == [
        str(folder.incoming / name) for name in ("1_A_2.tif", "1_B_1.tif")
    ]


def test_a_file_that_changes_after_it_was_taken_is_named_and_one_that_was_only_touched_is_not(folder):
    folder.ruled("count = 1")
    folder.put("1_A_1.tif", picture(1))
    folder.settle()
    folder.put("1_A_1.tif", picture(1), NOON + timedelta(hours=1))
    assert folder.settle() == []
    folder.put("1_A_1.tif", picture(2), NOON + timedelta(hours=2))
    (line,) = folder.settle()
    assert line.startswith("1_A_1.tif: changed after it was taken for job 1 (then SHA-256 ")
    assert folder.jobs() == ["1"]


def test_files_that_come_after_their_job_was_made_are_told(folder):
    folder.ruled('ready = "{heat}.ready"')
    folder.put("1_A_1.tif", picture(1))
    assert folder.settle() == []
    folder.put("1.ready", b"")
    assert folder.settle() == ["1: in the queue, number of images: 1"]
    folder.put("1_A_2.tif", picture(2))
    assert folder.settle()[-1].startswith("1: a job of this name was made before, and its report is not replaced")
    assert folder.jobs() == ["1"]


def test_more_images_than_a_job_has_are_not_guessed_apart(folder):
    folder.ruled("count = 2")
    for i in (1, 2, 3):
        folder.put(f"1_A_{i}.tif", picture(i))
    assert folder.settle() == ["1: 3 images where 2 make a job: 1_A_1.tif, 1_A_2.tif, 1_A_3.tif"]
    (folder.incoming / "1_A_2.tif").unlink()
    assert folder.settle() == ["1: in the queue, number of images: 2"]


# ----------------------------------------------------------------------------------------------- when a job is complete


def test_a_job_waits_until_nothing_has_come_for_the_stated_time(folder):
    folder.ruled("quiet_s = 60")
    folder.put("1_A_1.tif", picture(1))
    folder.look()
    folder.put("1_A_2.tif", picture(2))
    assert folder.look(59) == ()
    assert folder.look(59) == ()
    assert folder.look(1) == ("1: in the queue, number of images: 2",)


def test_an_image_that_is_not_whole_keeps_its_job_back(folder):
    folder.ruled('ready = "{heat}.ready"')
    folder.put("1.ready", b"")
    folder.put("1_A_1.tif", picture(1))
    folder.put("1_A_2.tif", picture(2)[:-200])
    (line,) = folder.settle()
    assert line.startswith("1_A_2.tif: ")
    assert folder.jobs() == []
    folder.put("1_A_2.tif", picture(2), NOON + timedelta(hours=1))
    assert folder.settle() == ["1: in the queue, number of images: 2"]


def test_a_text_that_the_microscope_writes_beside_each_image_is_waited_for(folder):
    folder.ruled('count = 1\nbeside = ".txt"')
    folder.put("1_A_1.tif", picture(1))
    assert folder.settle() == []
    assert folder.found.groups[0].lacks == ("text 1_A_1.txt",)
    folder.put("1_A_1.TXT", b"$CM_FULL_SIZE 128 96\n")
    assert folder.settle() == ["1: in the queue, number of images: 1"]


def test_a_side_car_completes_a_job_and_fills_its_header(folder):
    folder.ruled('sidecar = "{heat}.toml"')
    folder.put("1_A_1.tif", picture(1))
    folder.put("1.toml", b'heat = "2"\noperator = "J. Lindqvist"\ntitle = "Ring"\n')
    (line,) = folder.settle()
    assert line == "1: 1.toml heat: says '2', the names of the images '1'; put right which is wrong"
    folder.put("1.toml", b'heat = "1"\noperator = "J. Lindqvist"\ntitle = "Ring"\n', NOON + timedelta(hours=1))
    assert folder.settle() == ["1: in the queue, number of images: 1"]
    header = folder.job("1").header
    assert (header.heat, header.operator, header.title) == ("1", "J. Lindqvist", "Ring")
    assert folder.states()["1.toml"] == ("taken", "1")


# ------------------------------------------------------------------------------------------------- what must not happen


def test_a_job_or_a_report_of_another_origin_is_never_replaced(folder):
    folder.ruled("count = 1")
    own = folder.home / "rules" / "1.toml"
    own.write_text("# written by hand\n", encoding="utf-8")
    folder.put("1_A_1.tif", picture(1))
    assert folder.settle()[0].endswith("1.toml: is there already and not of this job; move it away")
    own.unlink()
    (folder.lab.reports / "1").mkdir()
    assert "a report or a job of this name is there already" in folder.look(REST_S)[0]
    (folder.lab.reports / "1").rmdir()
    assert folder.look(REST_S) == ("1: in the queue, number of images: 1",)


def test_what_the_tool_writes_must_not_arrive(folder):
    folder.ruled("count = 1")
    with pytest.raises(SettingsError, match="lies in the watched folder, where its jobs would arrive"):
        watch.watched(folder.home / "rules", folder.home / "rules" / "rules.toml", folder.lab)
    with pytest.raises(SettingsError, match="lies in the watched folder, where its reports would arrive"):
        watch.watched(folder.lab.folder, folder.home / "rules" / "rules.toml", folder.lab)


def test_one_folder_is_watched_once(folder):
    folder.ruled("count = 1")

    def second(_):
        with pytest.raises(SettingsError, match="is watched already for the lab"):
            watch.watch(folder.at, folder.lines.append, every_s=1)
        return True

    watch.watch(folder.at, folder.lines.append, every_s=1, pause=second)


def test_a_folder_that_vanishes_is_waited_for_and_told_once(folder):
    folder.ruled("count = 1", RULES.replace("rest_s = 10", "rest_s = 1e-3"))
    folder.put("1_A_1.tif", picture(1))
    away = folder.home / "away"
    steps = iter([lambda: folder.incoming.rename(away), None, None, lambda: away.rename(folder.incoming), None, None])

    def pause(_):
        step = next(steps, "over")
        if callable(step):
            step()
        return step == "over"

    watch.watch(folder.at, folder.lines.append, every_s=1, pause=pause)
    assert folder.lines == [
        f"{folder.incoming}: cannot be listed: No such file or directory; it is tried again",
        f"{folder.incoming}: is watched again",
        "1: in the queue, number of images: 1",
    ]


def test_a_disk_that_is_full_for_a_while_costs_nothing(folder, monkeypatch):
    folder.ruled("count = 1", RULES.replace("rest_s = 10", "rest_s = 1e-3"))
    folder.put("1_A_1.tif", picture(1))
    looks = iter(range(1, 7))

    def full(*_):
        raise OSError(28, "No space left on device")

    def pause(_):
        at = next(looks)
        if at == 3:
            monkeypatch.undo()
        return at == 6

    monkeypatch.setattr(watch, "write_text", full)
    watch.watch(folder.at, folder.lines.append, every_s=1, pause=pause)
    assert folder.lines[0].endswith(
        "1.toml: cannot be written: No space left on device; jobs stand beside their template; it is tried again"
    )
    assert folder.jobs() == ["1"]


# --------------------------------------------------------------------------------------------------- killed at any time


@pytest.mark.skipif(not hasattr(os, "fork"), reason="a process is killed that is a copy of this one")
@pytest.mark.parametrize(("stage", "least"), [("before_cursor_execute", 8), ("commit", 2)])
def test_a_watch_that_is_killed_at_any_statement_or_commit_loses_nothing_and_does_nothing_twice(tmp_path, stage, least):
    start = Folder(tmp_path).ruled("count = 2")
    for i in (1, 2):
        start.put(f"1_A_{i}.tif", picture(i))
    start.look()
    killed = 0
    while _killed(start, stage, killed + 1):
        killed += 1
    assert killed >= least


def _killed(start, stage, at):
    """Kill the look that makes the job at a statement or commit, and let another go on; whether it was killed."""
    child = os.fork()
    if not child:
        counted = iter(range(1, at))
        event.listen(Engine, stage, lambda *_: next(counted, None) or os.kill(os.getpid(), signal.SIGKILL))
        start.look(REST_S)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    later = copy(start)
    later.restart()
    later.look(REST_S)
    assert later.jobs() == ["1"]
    assert later.states() == {f"1_A_{i}.tif": ("taken", "1") for i in (1, 2)}
    assert [len(one.images) for one in later.job("1").specimens] == [2]
    with connected(later.lab) as connection:  # as it was before
        connection.execute(tables.work.delete())
        connection.execute(tables.arrival.update().values(state="waiting", sha256=None))
    (later.home / "rules" / "1.toml").unlink()
    return os.waitstatus_to_exitcode(status) == -signal.SIGKILL


def test_a_job_file_that_a_kill_left_is_written_anew_where_more_has_come_since(folder):
    folder.ruled("quiet_s = 10")
    folder.put("1_A_1.tif", picture(1))
    left = folder.home / "rules" / "1.toml"
    left.write_text(f"{rules.MADE} template.toml, of fewer images\n", encoding="utf-8")
    folder.put("1_A_2.tif", picture(2))
    assert folder.settle() == ["1: in the queue, number of images: 2"]
    assert len(folder.job("1").specimens[0].images) == 2


def test_the_same_on_a_server(tmp_path, database_url):
    folder = Folder(tmp_path, database_url).ruled('ready = "{heat}.ready"')
    folder.put("1_A_1.tif", picture(1))
    folder.put("1.ready", b"")
    assert folder.settle() == ["1: in the queue, number of images: 1"]
    folder.put("2_A_1.tif", picture(1))
    folder.put("100%_A_1.tif", picture(2))
    folder.put("1_A_1.tif", picture(3), NOON + timedelta(hours=1))
    folder.restart()
    folder.settle()
    assert folder.states() == {
        "1_A_1.tif": ("refused", "1"),
        "1.ready": ("taken", "1"),
        "2_A_1.tif": ("duplicate", "2"),
        "100%_A_1.tif": ("waiting", "100%"),
    }
    assert folder.jobs() == ["1"]


def test_every_line_is_a_sentence_that_another_language_says(folder, monkeypatch):
    """In a language of other letters nothing of English is left but names and what the system says."""
    folder.ruled('ready = "{heat}.ready"')
    for name, data in (
        *(("1_A_1.tif", picture(1)), ("1_A_2.tif", picture(1)), ("1.ready", b""), ("2_A_1.tif", picture(2)[:-300])),
        *(("notes.tif", picture(3)), ("2_A_B_2.tif", picture(4)), ("3_A_1.tif", picture(5) + bytes(9000))),
        ("4_A_1.tif", picture(6)),
    ):
        folder.put(name, data)
    (folder.incoming / "5_A_1.tif").symlink_to(folder.home / "nothing")
    own = {name for path in folder.incoming.iterdir() for name in words_in(path.name)}
    with wide_language(folder.home, monkeypatch) as language:
        lines = [*folder.settle(), *watch_check.told(folder.incoming, folder.at.rules.path, folder.lab)[0]]
        folder.put("1_A_1.tif", picture(7), NOON + timedelta(hours=1))
        folder.put("1_A_9.tif", picture(8))
        lines += folder.settle()
        left = {line: words_in(re.sub(r"[0-9a-f]{12}\.\.\.", "", said(line, language))) for line in lines}
    assert len(left) > 10
    read = [line for line in left if "2_A_1.tif" in line]  # holds what a reader says, which is an error
    assert len(read) == 2
    english = set().union(*(words for line, words in left.items() if line not in read))
    assert english <= own | {"heat", "specimen", "field", "template", "toml", "rules", "sha"}


# -------------------------------------------------------------------------------------------------------------- --check


def test_check_says_what_would_become_of_each_file_and_writes_nothing(folder):
    folder.ruled("count = 2")
    for i in (1, 2):
        folder.put(f"1_A_{i}.tif", picture(i))
    folder.put("2_A_1.tif", picture(3))
    folder.put("2_A_B_2.tif", picture(4))
    folder.put("notes.tif", picture(5))
    before = sorted(path for path in folder.home.rglob("*"))
    lines, faulty = watch_check.told(folder.incoming, folder.home / "rules" / "rules.toml", folder.lab)
    ambiguous = (
        "its name can be read in two ways: heat 2, specimen A, field B_2; or heat 2, specimen A_B, field 2; "
        "rename it, or part '{heat}_{specimen}_{field}.tif' otherwise"
    )
    assert lines == (
        "1 (template.toml, number of images: 2: 1_A_1.tif, 1_A_2.tif): complete",
        "2 (template.toml, number of images: 1: 2_A_1.tif): waits for: 1 of 2 images",
        "notes.tif: fits no rule of rules.toml",
        f"2_A_B_2.tif: {ambiguous}",
    )
    assert faulty
    assert sorted(path for path in folder.home.rglob("*") if path.suffix not in (".db-shm", ".db-wal")) == before
