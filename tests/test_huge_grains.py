"""Grain size of a huge image: by windows, with the results of the image measured whole, all digits."""

import signal
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import tifffile
from known_networks import seeing_model
from scipy.spatial import cKDTree

from inspect_tool import synthetic
from inspect_tool.errors import ReadError
from inspect_tool.files import plain
from inspect_tool.inspection import huge_field, job_run, windowed
from inspect_tool.measure import flooding
from inspect_tool.measure.seamless import tables
from inspect_tool.mosaic import classes
from inspect_tool.pixels import kept
from inspect_tool.verify import verify

JOB = """
recipe = "grain_size"
images = ["mosaic.tif"]
exports = ["json", "csv"]
[calibration]
pixel_um = 0.5
u_rel = 0.004
source = "stage micrometer"
certificate = "1"
[settings]
{settings}
[backend]
{backend}
"""
LABELS = 'name = "labels"\nkind = "labels"\nmasks = ["labels.tif"]'
WATERSHED = 'name = "watershed"'
UNET = 'name = "unet"\nmodel = "{model}"\ntile_px = 96\n{more}'


def mosaic(shape=(420, 500), n=260, seed=5):
    """Grains; one across all windows of a side of 12 px, a boundary along seams, and triple points in their corners."""
    rng = np.random.default_rng(seed)
    pixels = np.stack(np.mgrid[: shape[0], : shape[1]], axis=-1).reshape(-1, 2)
    labels = (cKDTree(rng.random((n, 2)) * shape).query(pixels)[1].reshape(shape) + 1).astype(np.uint32)
    rows, columns = np.indices(shape)
    labels[np.abs(rows - 300 - 30 * np.sin(columns / 40)) < 4] = n + 1
    labels[64:128, 128:256], labels[64:128, 256:320] = n + 2, n + 3  # corners at multiples of 64, 128 and 256
    labels[128:200, 200:320] = n + 4
    return labels


@pytest.fixture
def job(tmp_path, monkeypatch):
    def made(backend, pixels, labels=None, settings=""):
        tifffile.imwrite(tmp_path / "mosaic.tif", pixels, tile=(64, 64))
        if labels is not None:
            tifffile.imwrite(tmp_path / "labels.tif", labels, tile=(64, 64))
        (tmp_path / "job.toml").write_text(JOB.format(backend=backend, settings=settings), encoding="utf-8")
        return tmp_path / "job.toml"

    monkeypatch.setattr(huge_field, "_BLANK_PX", 16)
    monkeypatch.setattr(classes, "_PICTURE_PX", 200)
    return made


def both(path, tmp_path, monkeypatch, side):
    """The reports of the image measured whole and by windows."""
    whole = job_run.run(path, tmp_path / "whole", trail=False)
    monkeypatch.setattr(windowed, "FROM_PX", 1000)
    monkeypatch.setattr(tables, "SIDE_PX", side)
    cut = job_run.run(path, tmp_path / "cut", trail=False)
    assert "windows" in cut.micrographs[0].meta
    return whole, cut


def judged(report):
    """Checks but those of nine windows for the image, and of mount, which is not looked for by windows."""
    return {
        check.name: check
        for check in report.checks
        if check.scope != "image" and not check.name.startswith("Uniform area at the edge")
    }


def assert_same(whole, cut, tmp_path):
    assert plain(cut.results) == plain(whole.results)
    assert plain(cut.conformities) == plain(whole.conformities)
    assert plain(judged(cut)) == plain(judged(whole))
    assert (plain(cut.tables), plain(cut.charts)) == (plain(whole.tables), plain(whole.charts))
    for name in ("features", "fields"):
        one, other = (pd.read_csv(tmp_path / run / "job" / f"{name}.csv") for run in ("cut", "whole"))
        pd.testing.assert_frame_equal(one, other, check_exact=True)
    record = cut.micrographs[0]
    assert record.evidence.gap == ""
    assert record.evidence.read_off == whole.micrographs[0].evidence.read_off


@pytest.mark.parametrize(("side", "method"), [(64, "abrams"), (128, "heyn"), (256, "saltykov")])
def test_labels_by_windows_have_the_results_of_the_whole_image(job, tmp_path, monkeypatch, side, method):
    labels = mosaic()
    pixels = (40 + labels * 37 % 180).astype(np.uint8)
    path = job(LABELS, pixels, labels, f'method = "{method}"')
    assert_same(*both(path, tmp_path, monkeypatch, side), tmp_path)


def test_a_label_in_pieces_and_pixels_without_a_grain_are_taken_as_in_the_whole_image(job, tmp_path, monkeypatch):
    labels = mosaic()
    labels[labels == 7] = 9  # two pieces, as a rule far apart
    labels[10:12, 300:302] = labels[200, 40]  # a fragment
    labels[:90, :70] = 0  # beyond the specimen, and a speck inside it
    labels[350:353, 350:352] = 0
    path = job(LABELS + '\nboundary_pixels = "kept"', (40 + labels * 37 % 180).astype(np.uint8), labels)
    whole, cut = both(path, tmp_path, monkeypatch, 128)
    assert_same(whole, cut, tmp_path)
    assert plain(cut.statements) == plain(whole.statements)


@pytest.mark.parametrize("look", ["etched", "tinted"])
def test_the_watershed_by_windows_has_the_results_of_the_whole_image(job, tmp_path, monkeypatch, look):
    field = synthetic.grains(
        seed=3, grain_size_number=7.5, shape_px=(270, 320), pixel_um=0.5, look=look, twins=0.2, line_px=2.4
    )
    monkeypatch.setattr(flooding, "TILE_PX", 120)
    whole, cut = both(job(WATERSHED, np.clip(field.pixels, 1, 254)), tmp_path, monkeypatch, 96)
    assert_same(whole, cut, tmp_path)
    found = verify.verify(tmp_path / "cut" / "job", images=tmp_path)
    assert found.verified, [item for item in found.findings if item.state == "differs"]


@pytest.mark.parametrize(("side", "scale"), [(64, 1.0), (128, 0.7), (256, 1.6)])
def test_a_network_by_windows_has_the_grains_of_the_whole_image(job, tmp_path, monkeypatch, side, scale):
    seeing_model(tmp_path / "lines", classes=["grain", "boundary"])
    field = synthetic.grains(seed=3, grain_size_number=7.5, shape_px=(250, 300), pixel_um=0.5, look="etched", line_px=3)
    pixels = np.clip(255 - field.pixels, 1, 254)  # bright boundaries
    pixels[:70, 200:] = 0  # no specimen
    monkeypatch.setattr(flooding, "TILE_PX", 120)
    path = job(UNET.format(model="lines", more=f"scale = {scale}"), pixels)
    whole, cut = both(path, tmp_path, monkeypatch, side)
    assert_same(whole, cut, tmp_path)
    assert len(pd.read_csv(tmp_path / "cut" / "job" / "features.csv")) > 20
    if scale < 1:
        found = verify.verify(tmp_path / "cut" / "job", images=tmp_path)
        assert found.verified, [item for item in found.findings if item.state == "differs"]


def balls(shape=(200, 230)):
    """Dark discs that touch and cover others, one across many windows, and a corner that shows nothing."""
    rows, columns = np.indices(shape)
    places = [(20 + 31 * i, 20 + 31 * j, 13 + (3 * i + 5 * j) % 6) for i in range(6) for j in range(7)]
    away = np.sort([np.hypot(rows - y, columns - x) / r for y, x, r in places], axis=0)
    depth = np.clip(15 * (1 - away[0]) + 0.5, 0, 1) * np.clip(4 * (away[1] - away[0]) + 0.3, 0.3, 1)
    depth[100:, :100] = np.clip(45.5 - np.hypot(rows - 150, columns - 50), 0, 1)[100:, :100]
    pixels = np.clip(190 - 130 * depth + np.random.default_rng(0).normal(0, 2, shape), 1, 254).astype(np.uint8)
    pixels[:40, 190:] = 0
    return pixels


def test_stars_by_windows_are_the_objects_of_the_whole_image(job, tmp_path, monkeypatch):
    pytest.importorskip("stardist", reason="the extra 'stardist' is not installed")
    path = job('name = "stardist"\ntile_px = 96\nscale = 1.3', balls(), settings='method = "saltykov"')
    whole, cut = both(path, tmp_path, monkeypatch, 64)
    assert_same(whole, cut, tmp_path)
    assert len(pd.read_csv(tmp_path / "cut" / "job" / "features.csv")) > 20


KILLED = """
import os, signal, sys
from inspect_tool.inspection import job_run, windowed
from inspect_tool.measure import flooding
from inspect_tool.pixels import kept
written = kept.write_part
def write(path, arrays):
    if path.stem == "flood 3":
        os.kill(os.getpid(), signal.SIGKILL)
    written(path, arrays)
windowed.FROM_PX, flooding.TILE_PX, kept.write_part = 1000, 120, write
job_run.run(sys.argv[1], sys.argv[2], trail=False)
"""


@pytest.mark.parametrize("backend", [WATERSHED, UNET.format(model="lines", more="")])
def test_a_run_that_was_killed_goes_on_where_it_was(job, tmp_path, monkeypatch, backend):
    seeing_model(tmp_path / "lines", classes=["grain", "boundary"])
    field = synthetic.grains(seed=3, grain_size_number=7.5, shape_px=(250, 300), pixel_um=0.5, look="etched", line_px=3)
    path = job(backend, np.clip(field.pixels if backend == WATERSHED else 255 - field.pixels, 1, 254))
    said = subprocess.run([sys.executable, "-c", KILLED, path, tmp_path / "cut"], capture_output=True, check=False)
    assert said.returncode == -signal.SIGKILL, said.stderr
    folder = windowed.records_of(tmp_path / "cut" / "job")
    before = {part.stem for part in folder.rglob("*.npz")}
    assert {"flood 0", "flood 1", "flood 2"} < before
    assert {"strength 0", "probability 1.0 0"} & before
    monkeypatch.setattr(flooding, "TILE_PX", 120)
    made: list[str] = []
    written = kept.write_part
    monkeypatch.setattr(kept, "write_part", lambda path, arrays: (made.append(path.stem), written(path, arrays)))
    assert_same(*both(path, tmp_path, monkeypatch, 64), tmp_path)
    assert made[0] == "flood 3"
    assert not before & set(made)
    assert not folder.exists()


def test_what_cannot_be_done_by_windows_is_said_in_one_line(job, monkeypatch, tmp_path):
    monkeypatch.setattr(windowed, "FROM_PX", 1000)
    monkeypatch.setattr(windowed, "MAX_PIXELS", 2000)
    monkeypatch.setattr(windowed, "_LARGE_FILE", 0)
    pixels = np.full((100, 100), 90, np.uint8)
    pixels[:, ::7] = 20
    for backend, settings, said in (
        (WATERSHED, "smallest_grain_px = 20", "settings.smallest_grain_px is not measured by windows yet"),
        (WATERSHED, 'method = "jeffries"', "settings.method is not measured by windows yet"),
        ('name = "labels"\nmasks = ["labels.tif"]', "", 'backend labels works by windows with kind "labels"'),
    ):
        path = job(backend, pixels, mosaic((100, 100), 20), settings)
        with pytest.raises(ReadError, match=said):
            job_run.run(path, tmp_path / "out", trail=False)
