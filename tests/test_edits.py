"""Corrections by hand are recorded as differences, replayed exactly, told on the report, and never lost unseen."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from inspect_tool import audit, correct, edits, evidence, pipeline, verify
from inspect_tool.cli import app
from inspect_tool.errors import InspectError, MeasurementError, ReadError, SettingsError
from inspect_tool.files import load_report
from inspect_tool.model import Calibration, Micrograph, Segmentation

JOB = """
recipe = "phase_fraction"
images = ["*.png"]
exports = ["json"]
{more}
[calibration]
pixel_um = 1.0
u_rel = 0.004
source = "stage micrometer"
[backend]
name = "threshold"
method = "fixed"
levels = [128.0]
classes = ["ferrite", "austenite"]
phase = "dark"
"""
SHAPE = (120, 160)


def disk(row, column, radius, shape=SHAPE):
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    return np.hypot(rows - row, columns - column) < radius


@pytest.fixture
def job(tmp_path):
    """Two fields of three dark disks each, sharp but for a little noise."""
    rng = np.random.default_rng(1)
    for i in (1, 2):
        dark = disk(30, 30, 12) | disk(60, 100 + i, 20) | disk(95, 40, 10)
        gray = np.where(dark, 60.0, 190.0) + rng.normal(0, 5, SHAPE)
        Image.fromarray(np.clip(gray, 0, 255).astype(np.uint8)).save(tmp_path / f"f{i}.png")
    path = tmp_path / "job.toml"
    path.write_text(JOB.format(more=""), encoding="utf-8")
    return path


def labels_of(job, field):
    return correct.current_segmentation(job, field=field)[2].labels.copy()


def save(path, labels):
    path.write_bytes(evidence.encode(labels))
    return path


def edited(job, field, where, number, reason="an artefact of polishing"):
    """Record an edit that gives the pixels of a mask a number."""
    labels = labels_of(job, field)
    labels[where] = number
    mask = save(job.parent / "corrected.tmp", labels).rename(job.parent / "corrected.tif")
    return correct.correct(job, mask, field=field, reason=reason, by="M. Example")


def area(report):
    return next(result.value for result in report.results if result.quantity == "area_percent.ferrite")


def test_debug(job):
    report = pipeline.run(job)
    print([ (r.quantity, r.value) for r in report.results])
    made = edited(job, 2, disk(95, 40, 12), 0)
    print(made)
    report = pipeline.run(job, job.parent / "reports")
    print(report.warnings, report.tables[-4:], report.checks[-5:])
    found = verify.verify(job.parent / "reports" / "job")
    for f in found.findings: print(f)
    assert 0
