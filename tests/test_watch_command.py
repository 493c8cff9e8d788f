"""``inspect-tool watch``: from an image in a folder to a report that the lab finds."""

import json

import numpy as np
import pytest
import tifffile
from typer.testing import CliRunner

from inspect_tool.batch import watch
from inspect_tool.cli import app
from inspect_tool.errors import SettingsError
from inspect_tool.lab.database import init

RULES = """
rest_s = 0.6
[[rules]]
files = "{heat}_{field}.tif"
job = "{heat}"
template = "template.toml"
count = 1
"""
TEMPLATE = """
recipe = "phase_fraction"
exports = ["json"]
[header]
heat = "{heat}"
[calibration]
source = "ratio only"
"""


@pytest.fixture
def home(tmp_path):
    (tmp_path / "incoming").mkdir()
    (tmp_path / "rules.toml").write_text(RULES, encoding="utf-8")
    (tmp_path / "template.toml").write_text(TEMPLATE, encoding="utf-8")
    init(tmp_path / "lab")
    return tmp_path


def typed(home, *options):
    """What the command prints and how it ends; an error of a user is raised."""
    where = [str(home / "incoming"), "--recipe-from", str(home / "rules.toml"), *options]
    return CliRunner().invoke(app, ["watch", *where], catch_exceptions=False)


def test_an_image_that_arrived_is_a_report_that_the_lab_finds_and_is_measured_once(home):
    pixels = np.random.default_rng(0).normal(60, 4, (200, 240))
    pixels[60:140, 60:180] += 120
    tifffile.imwrite(home / "incoming" / "730218_1.tif", pixels.astype(np.uint8))
    lab = ["--lab", str(home / "lab")]
    first = typed(home, *lab, "--once").output
    assert "730218: in the queue, number of images: 1" in first
    found = CliRunner().invoke(app, ["lab", "search", "heat:730218", *lab, "--json"], catch_exceptions=False)
    (report,) = json.loads(found.output)["reports"]
    assert (report["name"], report["place"]) == ("730218", "reports/730218")
    begun = (home / "lab" / "reports" / "730218" / "report.json").stat().st_mtime_ns
    assert typed(home, *lab, "--once", "--language", "de").output == ""
    assert (home / "lab" / "reports" / "730218" / "report.json").stat().st_mtime_ns == begun


def test_what_ends_the_looks_ends_the_command(home):
    lab = home / "lab"
    at = watch.watched(home / "incoming", home / "rules.toml", init(lab))

    def second(_):
        with pytest.raises(SettingsError, match="is watched already for the lab"):
            typed(home, "--lab", str(lab), "--every", "0.1")
        return True

    watch.watch(at, print, every_s=1, pause=second)


def test_a_lab_is_asked_for_and_check_does_without(home):
    with pytest.raises(SettingsError, match="give the lab that gets the reports, --lab FOLDER"):
        typed(home)
    with pytest.raises(SettingsError, match="--language: there are no words of 'dee'"):
        typed(home, "--check", "--language", "dee")
    german = typed(home, "--check", "--language", "de")
    assert german.output.endswith("enthält keine Datei, für die es in rules.toml eine Regel gibt\n")
    told = typed(home, "--check")
    assert told.exit_code == 0
    assert "holds no file that a rule of rules.toml is for" in told.output
    (home / "incoming" / "7_1.tif").write_bytes(b"no image at all")
    assert typed(home, "--check").exit_code == 2
