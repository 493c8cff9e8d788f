"""From image file to report: scales that disagree stop a run, and what is no specimen is not measured."""

import json

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageDraw, ImageFont

from inspect_tool import synthetic
from inspect_tool.errors import CalibrationError
from inspect_tool.inspection import job_run
from inspect_tool.paths import data_folder


def font(size):
    return ImageFont.truetype(str(data_folder("templates") / "fonts" / "DejaVuSans.ttf"), size)


def with_footer(pixels, length_px, label, rows=64):
    """A white footer with a black bar with end ticks, as many microscopes write it."""
    height, width = pixels.shape
    picture = Image.fromarray(np.vstack([pixels, np.full((rows, width), 255, dtype=np.uint8)]))
    draw = ImageDraw.Draw(picture)
    top, left = height + 40, 30
    draw.rectangle((left, top - 1, left + length_px, top), fill=0)
    for x in (left, left + length_px):
        draw.rectangle((x, top - 8, x, top + 7), fill=0)
    draw.text((left + 10, height + 8), label, font=font(20), fill=0)
    return np.asarray(picture)


def job(folder, recipe="phase_fraction", calibration="", more="", image="a.tif", backend=""):
    text = f'recipe = "{recipe}"\nimages = ["{image}"]\nexports = ["json"]\n{more}\n'
    if calibration:
        text += f"[calibration]\n{calibration}\n"
    path = folder / "job.toml"
    path.write_text(text + backend, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def field():
    return synthetic.two_phase(seed=3, area_percent=30, feature_um=12, shape_px=(480, 640), pixel_um=0.5)


@pytest.fixture
def folder(tmp_path, field):
    # 200 px of 0.5 um are 100 um
    tifffile.imwrite(tmp_path / "a.tif", with_footer(field.pixels, 200, "100 µm"))
    return tmp_path


def test_a_bar_that_agrees_is_evidence_and_its_footer_is_not_measured(folder, field):
    report = job_run.run(job(folder, calibration='pixel_um = 0.5\nu_rel = 0.004\nsource = "stage micrometer"'))
    (record,) = report.micrographs
    assert [(item.kind, item.used) for item in record.scale_sources] == [("job", True), ("scale bar", False)]
    assert (record.height_px, record.width_px) == field.pixels.shape
    (check,) = [item for item in report.checks if item.name == "Agreement of the sources of the scale"]
    assert check.passed
    assert check.value < 0.5


@pytest.mark.parametrize("pixel_um", [0.25, 1.0, 3.25])
def test_a_bar_that_disagrees_with_the_job_stops_the_run(folder, pixel_um):
    # twice, half and 6.5 times: errors of the public record
    with pytest.raises(CalibrationError, match=r"a\.tif: the job states .*scale bar makes it 0\.[45].*G by"):
        job_run.run(job(folder, calibration=f"pixel_um = {pixel_um}\nu_rel = 0.004"), folder / "out")
    assert not (folder / "out").exists() or not any((folder / "out").glob("job*"))


def test_a_bar_alone_tells_the_scale_when_the_job_says_so(folder):
    with pytest.raises(CalibrationError, match=r'has no unit of length.*source = "scale bar" takes'):
        job_run.run(job(folder))
    report = job_run.run(job(folder, calibration='source = "scale bar"\nu_rel = 0.01'))
    scale = report.micrographs[0].calibration
    assert scale.pixel_um == pytest.approx(0.5, rel=0.005)
    assert scale.u_rel > 0.01


def test_a_bar_may_be_required_or_left_alone(folder, field):
    stated = "pixel_um = 0.25\nu_rel = 0.004"
    assert job_run.run(job(folder, calibration=stated, more='scale_bar = "off"')).results
    tifffile.imwrite(folder / "a.tif", field.pixels)
    with pytest.raises(CalibrationError, match=r'a\.tif: scale_bar = "required", but'):
        job_run.run(job(folder, calibration=stated, more='scale_bar = "required"'))


# ---------------------------------------------------------------------------------------------- pixels not square


def grains(folder, fields=3):
    """The same grains seen by square pixels and by pixels of twice the width, with their masks."""
    for i in range(fields):
        drawn = synthetic.grains(seed=40 + i, grain_size_number=8, shape_px=(500, 600), pixel_um=0.5)
        labels = drawn.labels.astype(np.uint16)
        tifffile.imwrite(folder / f"square_{i}.tif", drawn.pixels, ome=False)
        tifffile.imwrite(folder / f"square_mask_{i}.tif", labels)
        wide = drawn.pixels.reshape(500, 300, 2).mean(axis=2).astype(np.uint8)
        tifffile.imwrite(
            folder / f"wide_{i}.ome.tif",
            wide,
            metadata={"axes": "YX", "PhysicalSizeX": 1.0, "PhysicalSizeY": 0.5},
        )
        tifffile.imwrite(folder / f"wide_mask_{i}.tif", labels[:, ::2])


def measured(folder, name, suffix, calibration, recipe, more=""):
    path = job(
        folder,
        recipe,
        calibration,
        image=f"{name}_[0-9]{suffix}",
        backend=f'[backend]\nname = "labels"\nkind = "labels"\nmasks = ["{name}_mask_*.tif"]\n{more}',
    )
    out = folder / f"out_{name}"
    job_run.run(path, out)
    found = json.loads((out / "job" / "report.json").read_text(encoding="utf-8"))
    return {item["quantity"]: item for item in found["results"]}, found


def test_grain_size_is_that_of_square_pixels(tmp_path):
    grains(tmp_path)
    square, _ = measured(tmp_path, "square", ".tif", "pixel_um = 0.5\nu_rel = 0.004", "grain_size")
    wide, report = measured(tmp_path, "wide", ".ome.tif", "u_rel = 0.004", "grain_size")
    for quantity in square:
        # the drawn figure counts about 100 intersections: one more or less is 0.03 G; over the whole field far less
        if quantity.startswith("grain_size_number."):
            assert wide[quantity]["value"] == pytest.approx(square[quantity]["value"], abs=0.03), quantity
    assert wide["grains_per_mm2"]["value"] == pytest.approx(square["grains_per_mm2"]["value"], rel=0.01)
    assert wide["mean_intercept_um"]["value"] == pytest.approx(square["mean_intercept_um"]["value"], rel=0.01)
    (record, *_) = report["micrographs"]
    assert (record["height_px"], record["width_px"]) == (250, 300)
    assert record["calibration"]["pixel_um"] == 1.0
    assert "1 um wide and 0.5 um high" in record["meta"]["pixels"]


def test_a_job_may_state_both_sides_of_a_pixel(tmp_path):
    grains(tmp_path, 1)
    tifffile.imwrite(tmp_path / "wide_0.tif", tifffile.imread(tmp_path / "wide_0.ome.tif"))
    (tmp_path / "wide_0.ome.tif").unlink()
    found, _ = measured(tmp_path, "wide", ".tif", "pixel_um = 1.0\npixel_y_um = 0.5\nu_rel = 0.004", "grain_size")
    square, _ = measured(tmp_path, "square", ".tif", "pixel_um = 0.5\nu_rel = 0.004", "grain_size")
    assert found["mean_intercept_um"]["value"] == pytest.approx(square["mean_intercept_um"]["value"], rel=0.01)
