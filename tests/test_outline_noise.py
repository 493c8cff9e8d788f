"""What noise of outlines adds to diameters, on discs whose picture is blurred and noisy and that a level cuts out."""

import cv2
import numpy as np
import pytest

from inspect_tool.measure.outline_noise import diameter_noise
from inspect_tool.measure.regions import region_table

CELL, CELLS, DIAMETER, SD = 36, 14, 22.0, 1.0


def found_and_drawn(blur_px, noise, squeezed):
    """Table of the pieces above half of the step, the noise of each, and the diameter that each was drawn with."""
    rng = np.random.default_rng(5)
    drawn = rng.normal(DIAMETER, SD, CELLS**2)
    rows, columns = np.mgrid[: CELL * CELLS, : CELL * CELLS]
    cell = rows // CELL * CELLS + columns // CELL
    off = rng.uniform(-0.5, 0.5, (2, CELLS**2)) + CELL / 2
    away = np.hypot(rows % CELL - off[0][cell], (columns % CELL - off[1][cell]) * squeezed)
    picture = np.clip(drawn[cell] / 2 - away + 0.5, 0, 1).astype(np.float32)
    if blur_px:
        grain = cv2.GaussianBlur(rng.normal(0, 1, cell.shape).astype(np.float32), (0, 0), blur_px)
        picture = cv2.GaussianBlur(picture, (0, 0), blur_px) + grain * np.float32(noise / grain.std())
    labels = np.where(picture > 0.5, cell + 1, 0).astype(np.int32)
    table = region_table(labels)
    return table, diameter_noise(labels, table, "px", 1.0), drawn[table["feature"] - 1]


@pytest.mark.parametrize(("blur_px", "noise", "squeezed"), [(2.0, 0.1, 1.0), (3.0, 0.1, 1.0), (3.0, 0.1, 0.8)])
def test_the_noise_that_is_told_is_within_half_of_what_was_added(blur_px, noise, squeezed):
    table, told, drawn = found_and_drawn(blur_px, noise, squeezed)
    added = float(np.var(table["ellipse_minor_px"].to_numpy() - drawn))
    assert added > 0.2  # a fifth of the variance of the diameters and more
    assert told.mean() == pytest.approx(added, rel=0.5)


def test_exact_outlines_have_hardly_any():
    _, told, _ = found_and_drawn(0.0, 0.0, 0.8)
    assert told.mean() < 0.03 * SD**2


def test_a_length_in_micrometers_is_the_same_noise_in_pixels():
    labels = np.zeros((30, 30), np.int32)
    labels[5:22, 8:19] = 3
    in_px = diameter_noise(labels, region_table(labels), "px", 1.0)
    assert diameter_noise(labels, region_table(labels, 0.5), "um", 0.5) == pytest.approx(in_px)
    assert in_px[0] > 1.0  # a rectangle is no ellipse
