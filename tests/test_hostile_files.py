"""Files that are no files, numbers that are none, texts without end, streams that take no text: one line, and soon."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import tifffile
from stardist_example import CONFIG as STARDIST

from inspect_tool import paths
from inspect_tool.cli import main
from inspect_tool.errors import BackendError, OutputError, ReadError, SettingsError
from inspect_tool.evidence import audit
from inspect_tool.files import load_report, read_bytes, read_toml, sha256_file, toml_value
from inspect_tool.images.readers import read
from inspect_tool.inspection.job_plan import files_of, plan
from inspect_tool.report.template import load_settings, template_sha256
from inspect_tool.report.template_process import confined
from inspect_tool.segmentation.stardist.stardist_folder import read_folder

posix = pytest.mark.skipif(sys.platform == "win32", reason="pipes and devices have no names here")


# --------------------------------------------------------------------------------------- files that are no files


@posix
@pytest.mark.parametrize("reading", [read_toml, load_report, read])
@pytest.mark.parametrize("what", ["pipe", "device"])
def test_a_pipe_or_a_device_is_never_waited_for(tmp_path, reading, what):
    path = tmp_path / "odd.tif"
    os.mkfifo(path) if what == "pipe" else path.symlink_to("/dev/zero")
    with pytest.raises((SettingsError, ReadError), match="pipe, a socket or a device"):
        reading(path)


def test_a_file_of_more_than_the_bound_is_not_read(tmp_path):
    path = tmp_path / "large"
    with path.open("wb") as file:
        file.truncate(1 << 40)  # no block of it is on the disk
    with pytest.raises(OSError, match="1099511627776 bytes, at most"):
        read_bytes(path)


def test_a_small_file_takes_no_more_memory_than_it_holds_whatever_the_bound(tmp_path):
    (tmp_path / "small").write_bytes(b"weights")
    assert read_bytes(tmp_path / "small", 1 << 60) == b"weights"  # no machine has that much to give


@pytest.mark.skipif(sys.platform != "linux", reason="a file that hides its size is one of /proc")
def test_a_file_that_says_it_is_empty_is_read_whole():
    assert b"Linux" in read_bytes(Path("/proc/version"))


@posix
@pytest.mark.parametrize("backend", ['name = "joints"\njoint_mask = "loop"', 'name = "unet"\nmodel = "loop"'])
def test_a_link_to_itself_is_a_file_that_is_not_there(tmp_path, backend):
    tifffile.imwrite(tmp_path / "a.tif", np.arange(400, dtype=np.uint8).reshape(20, 20))
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "job.toml").write_text(f'recipe = "solder_voids"\nimages = ["a.tif"]\n[backend]\n{backend}\n')
    with pytest.raises((SettingsError, BackendError), match="loop"):
        plan(tmp_path / "job.toml")


@posix
@pytest.mark.parametrize(
    "command", [("verify", "loop"), ("validate-pdf", "loop"), ("gauge", "loop", "--out", "reports"), ("run", "loop")]
)
def test_a_command_with_a_link_to_itself_is_one_line(tmp_path, monkeypatch, capsys, command):
    (tmp_path / "loop").symlink_to("loop")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["inspect-tool", *command])
    with pytest.raises(SystemExit, match="2"):
        main()
    assert len(capsys.readouterr().err.splitlines()) == 1


@posix
def test_a_pipe_has_no_hash(tmp_path):
    os.mkfifo(tmp_path / "weights.h5")
    with pytest.raises(OSError, match=r"no regular file .*weights\.h5"):
        sha256_file(tmp_path / "weights.h5")


@posix
def test_weights_that_are_a_pipe_are_not_waited_for(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps(STARDIST))
    os.mkfifo(tmp_path / "weights.h5")
    with pytest.raises(BackendError, match=r"needs weights_best\.h5 .* there are: none"):
        read_folder(tmp_path)


@posix
def test_a_name_whose_bytes_are_no_text_is_asked_to_be_changed(tmp_path):
    name = os.fsdecode(b"a\xff.tif")
    try:
        tifffile.imwrite(tmp_path / name, np.zeros((20, 20), np.uint8))
    except OSError:
        pytest.skip("this file system takes names of text only")
    with pytest.raises(SettingsError, match=r"images: the name b'a\\xff\.tif' is no UTF-8 text .* rename the file"):
        files_of("*.tif", tmp_path, "job.toml images")


def test_a_large_file_that_is_no_image_is_not_hashed(tmp_path, monkeypatch):
    with (tmp_path / "a.tif").open("wb") as file:
        file.truncate(20 << 30)  # no block of it is on the disk
    (tmp_path / "job.toml").write_text('recipe = "porosity"\nimages = ["a.tif"]\n')
    monkeypatch.setattr("inspect_tool.inspection.job_plan.sha256_source", None)
    with pytest.raises(ReadError, match=r"a\.tif: not an image of a known format"):
        plan(tmp_path / "job.toml")


@posix
def test_an_audit_log_that_is_a_pipe_stops_before_anything_is_measured(tmp_path):
    os.mkfifo(tmp_path / audit.LOG)
    with pytest.raises(OutputError, match="no regular file"):
        audit.ready(tmp_path)


def test_infinity_is_no_entry_of_an_audit_log(tmp_path):
    audit.append(tmp_path, audit.Event(event="repair", subject="a", new={"i": 2}))
    path = tmp_path / audit.LOG
    path.write_bytes(path.read_bytes().replace(b'{"i":2}', b'{"i":Infinity}'))
    assert "is no entry" in audit.read(tmp_path).problems[0]


# ------------------------------------------------------------------------------------------- numbers and nesting


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("[backend]\nlevels = [nan]", r"backend\.levels\.0: got nan, must be a number"),
        ("page = 0x" + "f" * 20_000, "page: a whole number of 20000 hexadecimal digits"),
        ("page = " + "9" * 20_000, "a number of thousands of digits"),
        ("page = " + "x" * 100_000, r"not valid TOML: Invalid value \(at line 1, column 8\)$"),
        ("[settings]\nmin_void_px = 1e308", r"settings\.min_void_px: got 1e\+308, which is no number of anything"),
        ("[calibration]\npixel_um = 1e-300", r"calibration\.pixel_um: got 1e-300, which is no number of anything"),
        ("x = " + "[" * 5000 + "]" * 5000, "deeper than 50"),
        (".".join(["a"] * 20_000) + " = 1", "more than 50 parts"),
        ("[" + ".".join(['"a b"'] * 20_000) + "]", "more than 50 parts"),
    ],
)
def test_what_no_file_may_hold(tmp_path, text, match):
    (tmp_path / "job.toml").write_text(text)
    with pytest.raises(SettingsError, match=match) as found:
        read_toml(tmp_path / "job.toml")
    assert len(str(found.value)) < 2000


def test_fifty_words_with_points_are_no_deep_key(tmp_path):
    (tmp_path / "job.toml").write_text('a.b.c = "1.2.3 and so on. Then more."\nx = [1.5, 2.5]\n')
    assert read_toml(tmp_path / "job.toml") == {"a": {"b": {"c": "1.2.3 and so on. Then more."}}, "x": [1.5, 2.5]}


@pytest.mark.parametrize("text", ["[" * 3000, "9" * 6000, "1, 2", ""])
def test_a_typed_value_that_is_none_is_a_text(text):
    assert toml_value(text) == text


@pytest.mark.parametrize(
    ("line", "match"),
    [
        ("[calibration]\npixel_um = nan", r"calibration\.pixel_um: got nan"),
        ("[calibration]\npixel_um = 0.5\nzoom = inf", r"calibration\.zoom.*finite"),
        ("[[requirements]]\nquantity = 'porosity_percent'\nupper = inf", r"requirements\.0\.upper.*finite"),
        ("[settings]\nminimum_um = inf", r"settings\.minimum_um.*finite"),
        ("[quality]\nfocus = { advised = inf }", r"focus\.advised.*finite"),
    ],
)
def test_a_number_that_is_none_is_named_when_the_job_is_read(tmp_path, line, match):
    tifffile.imwrite(tmp_path / "a.tif", np.arange(400, dtype=np.uint8).reshape(20, 20))
    (tmp_path / "job.toml").write_text(f'recipe = "porosity"\nimages = ["a.tif"]\n{line}\n')
    with pytest.raises(SettingsError, match=match):
        plan(tmp_path / "job.toml")


# ------------------------------------------------------------------------------------------------------ patterns


@pytest.mark.parametrize(
    "pattern", ["*.tif", "**/*.tif", "*/b?.tif", "c/../*.tif", "**/**/*.tif", "[ab]*.tif", "c/**/x"]
)
def test_a_pattern_means_what_pathlib_says(tmp_path, pattern):
    for name in ("a1.tif", "b2.tif", "c/b3.tif", "c/d/b4.tif", "c/x", "x.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    assert sorted(paths.matching(tmp_path, pattern)) == sorted(set(tmp_path.glob(pattern)))


def test_a_pattern_that_walks_a_disk_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "MOST_VISITED", 20)
    for i in range(30):
        (tmp_path / f"{i}.png").write_bytes(b"x")
    with pytest.raises(ValueError, match="more than 20 files; begin it with the folder"):
        paths.matching(tmp_path, "**/*.tif")


@posix
def test_a_folder_that_vanishes_or_loops_holds_nothing(tmp_path, monkeypatch):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x.tif").write_bytes(b"x")
    (tmp_path / "loop").symlink_to(tmp_path)
    scan = os.scandir

    def gone(folder):
        if Path(folder).name == "a":
            raise FileNotFoundError(2, "No such file or directory", str(folder))
        return scan(folder)

    monkeypatch.setattr(os, "scandir", gone)
    assert paths.matching(tmp_path, "**/*.tif") == []


# ----------------------------------------------------------------------------------------------------- templates


def looped(_: str) -> int:
    """Work without an end."""
    while True:
        pass


def grown(_: str) -> int:
    """Work that takes all the memory."""
    parts = []
    while True:
        parts.append(bytearray(64 << 20))


def waited(seconds: float) -> float:
    """Work that computes nothing for a time, as on a machine on which others work."""
    time.sleep(seconds)
    return seconds


def failed(_: str) -> int:
    """Work at which a library fails."""
    msg = "a column of\nnegative width"
    raise ZeroDivisionError(msg)


def grumbled(_: str) -> int:
    """Work at which a library that is no Python says something."""
    return os.write(2, b"Pango-CRITICAL: assertion failed")


def test_what_a_library_says_of_an_own_template_is_no_line_of_the_command(tmp_path, capfd):
    assert confined(tmp_path, 0, grumbled, "x") == 32
    assert capfd.readouterr().err == ""


@posix
@pytest.mark.parametrize("work", [looped, grown])
def test_a_page_of_an_own_template_has_bounds(tmp_path, monkeypatch, work):
    monkeypatch.setattr("inspect_tool.report.template_process.SECONDS", 2)
    with pytest.raises(SettingsError, match="a page needs more than 2 s of processor time or 2 GB of memory"):
        confined(tmp_path, 0, work, "x")


@posix
def test_a_page_that_waits_for_the_processor_is_not_taken_for_one_that_needs_it(tmp_path, monkeypatch):
    monkeypatch.setattr("inspect_tool.report.template_process.SECONDS", 2)
    assert confined(tmp_path, 0, waited, 11.0) == 11.0  # more than five times what it may compute


def test_a_page_that_cannot_be_laid_out_is_one_line(tmp_path):
    with pytest.raises(SettingsError, match=r"cannot be laid out \(ZeroDivisionError: a column of\\nnegative width\)"):
        confined(tmp_path, 0, failed, "x")


def test_the_answer_and_the_errors_of_the_work_come_back(tmp_path):
    assert confined(tmp_path, 0, toml_value, "[1, 2]") == [1, 2]
    with pytest.raises(SettingsError, match="no such file"):
        confined(tmp_path, 0, read_toml, tmp_path / "gone.toml")


def own(tmp_path, block=None, name="summary"):
    (tmp_path / "blocks").mkdir()
    (tmp_path / "template.toml").write_text('language = "en"\n')
    if block is not None:
        (tmp_path / "blocks" / f"{name}.html.j2").write_bytes(block)
    return tmp_path


@pytest.mark.parametrize(
    ("block", "match"),
    [
        (b"\xff\xfe", r"summary\.html\.j2: not UTF-8 text \(byte 0\); save it as UTF-8"),
        (b"{{ " + b"(" * 3000 + b"1" + b")" * 3000 + b" }}", "too deep in each other"),
        (b"{% if 1 %}" * 3000 + b"{% endif %}" * 3000, "too deep in each other"),
    ],
)
def test_a_block_that_is_no_template(tmp_path, block, match):
    with pytest.raises(SettingsError, match=match) as found:
        load_settings(own(tmp_path, block))
    assert len(str(found.value).splitlines()) == 1


@posix
@pytest.mark.parametrize("what", ["pipe", "device", "loop"])
def test_what_is_no_file_in_a_template_is_never_read(tmp_path, what):
    block = own(tmp_path, b"x") / "blocks" / "notes.html.j2"
    os.mkfifo(block) if what == "pipe" else block.symlink_to("/dev/zero" if what == "device" else block)
    with pytest.raises(SettingsError, match=r"notes\.html\.j2: cannot be read: .*; take it out of the template"):
        template_sha256(tmp_path)


def test_a_folder_in_place_of_a_block_is_not_passed_over_for_the_shipped_block(tmp_path):
    (own(tmp_path) / "blocks" / "summary.html.j2").mkdir()
    with pytest.raises(SettingsError, match=r"summary\.html\.j2: cannot be read: Is a directory; take it out"):
        load_settings(tmp_path)


def test_nothing_is_computed_when_a_template_is_read(tmp_path):
    load_settings(own(tmp_path, b"{{ 9 ** 9 ** 9 }}{{ 'x' | center(5000000000) }}{{ 'x' * 5000000000 }}"))


# ------------------------------------------------------------------------------------------------------- streams


@posix
@pytest.mark.parametrize(
    ("redirect", "status", "said"),
    [
        ("> /dev/full", 2, "standard output: No space left on device"),
        ("| true; exit ${PIPESTATUS[0]}", 2, "standard output: Broken pipe"),
        (">&-", 0, ""),
    ],
)
def test_a_stream_that_takes_no_text(redirect, status, said):
    line = f"'{sys.executable}' -m inspect_tool list backends {redirect}"
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == status
    assert said in done.stderr
    assert len(done.stderr.splitlines()) <= 1
