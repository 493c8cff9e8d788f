"""A job that names a huge image: the ordinary recipe by windows, with the results of the image measured whole."""

import json
from dataclasses import replace

import numpy as np
import pytest
import tifffile
from known_networks import seeing_model
from PIL import Image
from test_huge_grains import assert_same

from inspect_tool import synthetic
from inspect_tool.errors import MeasurementError, ReadError
from inspect_tool.evidence import masks
from inspect_tool.evidence.dossier import open_dossier
from inspect_tool.inspection import huge_field, job_run, windowed
from inspect_tool.mosaic import classes
from inspect_tool.pixels.bits import decode_bits
from inspect_tool.verify import verify

JOB = """
recipe = "{recipe}"
images = ["mosaic.tif"]
exports = ["json", "csv"]
{top}
[calibration]
pixel_um = 0.5
u_rel = 0.004
source = "stage micrometer"
certificate = "1"
[settings]
{settings}
[backend]
{backend}
[[requirements]]
quantity = "{quantity}"
unit = "%"
upper = 90.0
source = "drawing"
"""
PHASES = {"recipe": "phase_fraction", "settings": "grid_points = 100", "quantity": "area_percent.dark"}
PARTICLES = {"recipe": "particles", "settings": "", "quantity": "satellite_percent"}
PORES = {"recipe": "porosity", "settings": "worst_field_um = 60.0", "quantity": "porosity_percent"}
DEEP = dict(PORES)  # of 16 bits
OTSU = 'method = "multi_otsu"\nflat_field = "off"\ndenoise_px = 3'
THREE = 'method = "multi_otsu"\nn_classes = 3\nflat_field = "off"\ndenoise_px = 3\nclasses = ["dark", "gray", "bright"]'
STARDIST = (
    r"backend stardist does not work by windows yet; change the job \(docs/huge_images.md\), or measure fields of the"
    r" image \(inspect-tool fields cut\)"
)
NETWORK = 'name = "unet"\nmodel = "seen"\ntile_px = 96\n'
ACCEPT = '[[accept]]\ncheck = "*"\nreason = "drawn"\nby = "a test"\n'


@pytest.fixture
def job(tmp_path):
    def made(backend, pixels, top="", asked=PHASES):
        tifffile.imwrite(tmp_path / "mosaic.tif", pixels, tile=(64, 64))
        backend = backend if backend.startswith("name") else f'name = "threshold"\n{backend}'
        (tmp_path / "job.toml").write_text(JOB.format(backend=backend, top=top, **asked), encoding="utf-8")
        return tmp_path / "job.toml"

    return made


def drawn(seed=3):
    field = synthetic.two_phase(seed=seed, area_percent=25.0, feature_um=9.0, pixel_um=0.5, shape_px=(300, 380))
    return np.clip(field.pixels, 1, 254)


def porous():
    """Pores; one in the corner of four windows with a hole, a crack through many, specks, and one along a seam."""
    field = synthetic.pores(seed=8, porosity_percent=8.0, mean_ecd_um=9.0, pixel_um=0.5, shape_px=(290, 350))
    pixels = np.clip(field.pixels, 1, 254)
    rows, columns = np.indices(pixels.shape)
    dark = (int(pixels.min()) + (7 * rows + 3 * columns) % 5).astype(np.uint8)  # no fill of one value
    ring = np.hypot(rows - 128, columns - 128)
    black = (ring < 14) & (ring > 5) | (abs(rows - 230 - 9 * np.sin(columns / 20)) < 2)
    black |= (rows >= 60) & (rows < 70) & (columns >= 192) & (columns < 260)  # its left side lies along a seam
    black |= (rows >= 5) & (rows < 8) & (columns >= 300) & (columns < 302)
    pixels[black] = dark[black]
    pixels[ring <= 5] = pixels.max() - dark[ring <= 5] % 5
    return pixels


@pytest.fixture
def by_windows(monkeypatch):
    def start(side=96):
        monkeypatch.setattr(windowed, "FROM_PX", 1000)
        asked = huge_field._request
        monkeypatch.setattr(huge_field, "_request", lambda *of: replace(asked(*of), side_px=side, blank_px=16))

    return start


@pytest.mark.parametrize(
    ("asked", "backend", "side"),
    [
        (PHASES, OTSU, 96),
        (PHASES, THREE, 96),
        (PHASES, 'method = "fixed"\nlevels = [120.0]', 96),
        (PHASES, NETWORK + "scale = 0.8", 96),
        (PHASES, "", 96),
        (PHASES, 'method = "otsu"\nmin_object_px = 20\nfill_holes_px = 20', 96),
        (PHASES, 'method = "multi_otsu"\nn_classes = 3', 96),
        (PHASES, 'method = "edge"\nphase = "auto"', 96),
        (PORES, "", 96),
        (PORES, 'matrix = "tinted"', 96),
        (DEEP, "", 96),
        (PORES, NETWORK, 64),
        (PORES, OTSU, 64),
        (PORES, OTSU, 128),
        (PORES, 'method = "fixed"\nlevels = [110.0]', 256),
        (DEEP, OTSU, 96),
        (DEEP, 'method = "fixed"\nlevels = [22000.0]', 128),
    ],
)
def test_a_report_by_windows_has_the_results_of_the_image_measured_whole(
    job, by_windows, tmp_path, asked, backend, side
):
    pixels = drawn() if asked is PHASES else porous()
    if backend.startswith("name"):
        names = ["metal", "pore"] if asked is PORES else ["dark", "bright"]
        seeing_model(tmp_path / "seen", classes=names, settings={"gray_separation": 1.0})
        pixels = 255 - pixels if asked is PORES else pixels
    if asked is DEEP:
        pixels = pixels * np.uint16(200) + np.random.default_rng(1).integers(0, 200, pixels.shape, np.uint16)
    if asked is not PORES:
        pixels[:70, 280:] = 0  # no specimen
    path = job(backend, pixels, asked=asked)
    whole = job_run.run(path, tmp_path / "whole", trail=False)
    by_windows(side)
    cut = job_run.run(path, tmp_path / "cut", trail=False)
    assert "windows" in cut.micrographs[0].meta
    assert_same(whole, cut, tmp_path)
    assert {path.name for path in (tmp_path / "cut" / "job" / "overlays").iterdir()} >= {"001_mosaic.jpg"}
    assert not windowed.records_of(tmp_path / "cut" / "job").exists()


@pytest.mark.parametrize(("asked", "backend"), [(PORES, OTSU), (PHASES, THREE)])
def test_a_report_by_windows_is_recomputed_from_its_masks_and_from_its_image(job, by_windows, tmp_path, asked, backend):
    by_windows()
    pixels = porous()
    pixels[200:, :40] = 0  # no specimen
    job_run.run(job(backend, pixels, asked=asked), tmp_path / "out", trail=False)
    folder = tmp_path / "out" / "job"
    found = verify.verify(folder, images=tmp_path)
    assert found.verified, [item for item in found.findings if item.state == "differs"]
    assert {item.part: item.state for item in found.findings}["segmentation"] == "verified"
    for mask in masks.masks_of(open_dossier(folder).report):
        held = np.asarray(Image.open(folder / mask.file)).astype(np.uint8)  # as any other program reads it
        assert held.shape == pixels.shape
        assert np.array_equal(
            held, np.asarray(decode_bits((folder / mask.file).read_bytes(), held.shape, np.unique(held[held > 0])))
        )
    record = open_dossier(folder).report.micrographs[0]
    assert masks.why_not_by_hand(record).startswith("the field was measured by windows; cut fields out of it")


def test_black_corners_and_gaps_are_left_out_and_said(job, by_windows, tmp_path):
    pixels = drawn(4)
    rows, columns = np.indices(pixels.shape)
    outside = (rows + columns < 150) | ((columns >= 250) & (columns < 256))
    pixels[outside] = 0
    by_windows()
    report = job_run.run(job(OTSU, pixels), tmp_path / "out", trail=False)
    with Image.open(tmp_path / "out" / "job" / "pictures" / "001_mosaic.jpg") as picture:
        corner = np.asarray(picture.convert("L"))[:60, :60]
    assert corner.min() > 100  # pale, not black
    assert report.micrographs[0].meta["left_out_percent"] == f"{100 * outside.mean():.3g}"
    shares = {result.quantity: result.value for result in report.results if result.quantity.startswith("area_percent")}
    assert sum(shares[f"area_percent.{name}"] for name in ("dark", "bright")) == pytest.approx(100)
    assert shares["area_percent.dark"] == pytest.approx(25, abs=5)


def test_a_run_that_was_killed_goes_on_at_the_next_window(job, by_windows, tmp_path, monkeypatch):
    path = job(OTSU, drawn())
    by_windows()
    written = classes.write_part
    done = []

    def fail(path, data):
        if len(done) == 9:
            raise KeyboardInterrupt
        done.append(path.name)
        written(path, data)

    monkeypatch.setattr(classes, "write_part", fail)
    with pytest.raises(KeyboardInterrupt):
        job_run.run(path, tmp_path / "out", trail=False)
    kept = windowed.records_of(tmp_path / "out" / "job")
    assert len(list(kept.rglob("*.npz"))) == 9
    assert not (tmp_path / "out" / "job").exists()
    monkeypatch.setattr(classes, "write_part", lambda path, data: (done.append(path.name), written(path, data)))
    job_run.run(path, tmp_path / "out", trail=False)
    assert len(done) == len(set(done)) == 16
    assert not kept.exists()
    assert json.loads((tmp_path / "out" / "job" / "report.json").read_text(encoding="utf-8"))["results"]


def test_what_is_too_large_to_be_measured_whole_is_refused_with_the_reason(job, by_windows, tmp_path, monkeypatch):
    by_windows()
    monkeypatch.setattr(windowed, "MAX_PIXELS", 1000)
    monkeypatch.setattr(windowed, "_LARGE_FILE", 0)
    for asked, backend, says in (
        (PHASES, 'name = "texture"', "backend texture does not work by windows yet"),
        (PORES | {"settings": "reference_area = { size_mm = 0.1 }"}, OTSU, "settings.reference_area is not measured"),
        (PARTICLES, OTSU, "recipe particles is not measured by windows yet; change the job"),
        (PORES, 'name = "stardist"', STARDIST),
        (PHASES, 'name = "unet"\nmodel = "solder_voids"', "backend unet works by windows with a model of classes, and"),
    ):
        path = job(backend, drawn(), asked=asked)
        with pytest.raises(ReadError, match=f"mosaic.tif: 0 Mpx are measured by windows only, and that .*: {says}"):
            job_run.run(path, tmp_path / "out", trail=False)
    assert not (tmp_path / "out" / "job").exists()


@pytest.mark.parametrize("asked", [PHASES, PORES])
def test_an_image_in_which_nothing_is_found_is_refused(job, by_windows, tmp_path, asked):
    by_windows()
    path = job('method = "fixed"\nlevels = [1.0]', drawn(), asked=asked)
    with pytest.raises(MeasurementError, match="nothing of what is looked for was found; by windows it cannot be"):
        job_run.run(path, tmp_path / "out", trail=False)


def test_a_job_that_windows_cannot_do_measures_its_image_whole(job, by_windows, tmp_path):
    by_windows()
    report = job_run.run(job(OTSU, drawn(), top="[region]\nfooter_px = 20\n"), trail=False)
    assert "windows" not in report.micrographs[0].meta
    assert report.micrographs[0].evidence.gap == ""
