"""The shipped networks on drawn fields whose truth is known: tiles do not matter, precision does not matter."""

import numpy as np
import pytest

from inspect_tool import measure_fields, synthetic
from inspect_tool.model import Calibration, Micrograph
from inspect_tool.segmentation import unet


def micrograph(field, level, seed):
    return Micrograph(
        pixels=synthetic.degrade(field.pixels, level, seed=seed),
        calibration=Calibration(pixel_um=field.pixel_um, source="synthetic"),
        path="field.tif",
    )


def labels(image, model, **settings):
    chosen = unet.Settings(model=model, engine="torch", **settings)
    return unet.segment(unet.load(chosen), image, chosen)


def grain_sizes(image, segmentation):
    results = measure_fields("grain_size", [image], [segmentation]).results
    names = ("grain_size_number.intercept", "grain_size_number.planimetric")
    return np.array([result.value for name in names for result in results if result.quantity == name])


def test_grain_size_does_not_depend_on_the_tile():
    field = synthetic.grains(seed=91, grain_size_number=8.5, shape_px=(700, 800))
    image = micrograph(field, 2, 91)
    usual, *others = (grain_sizes(image, labels(image, "grain_boundary", tile_px=size)) for size in (512, 256, 1024))
    for other in others:
        assert usual == pytest.approx(other, abs=0.02)


def test_area_does_not_depend_on_the_tile():
    field = synthetic.pores(seed=92, porosity_percent=6, mean_ecd_um=14, shape_px=(700, 800))
    image = micrograph(field, 2, 92)
    usual, *others = (100 * np.mean(labels(image, "pores", tile_px=size).labels == 1) for size in (512, 256, 1024))
    assert usual > 3
    for other in others:
        assert usual == pytest.approx(other, abs=0.1)  # points of area percent


def test_precision_costs_less_than_the_measurand_can_show():
    field = synthetic.grains(seed=93, grain_size_number=8.5, shape_px=(700, 800))
    image = micrograph(field, 2, 93)
    exact, fast = (
        grain_sizes(image, labels(image, "grain_boundary", precision=precision)) for precision in ("fp32", "bf16")
    )
    assert exact == pytest.approx(fast, abs=0.02)
