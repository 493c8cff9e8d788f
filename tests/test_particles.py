"""Synthetic particles: what is drawn is what the labels and the truth say."""

from math import pi

import numpy as np
import pytest
from scipy import ndimage

from inspect_tool import synthetic
from inspect_tool.errors import SettingsError


def test_discs_that_do_not_touch_have_the_area_of_discs() -> None:
    field = synthetic.particles(
        seed=3, area_percent=8, mean_ecd_um=30.0, spread=0.0, contact=0.0, roughness=0.0, shape_px=(600, 600)
    )
    numbers, areas = np.unique(field.labels[field.labels > 0], return_counts=True)
    boxes = ndimage.find_objects(field.labels)
    whole = [
        n - 1 for n, box in enumerate(boxes, 1) if all(cut.start > 0 and cut.stop < 600 for cut in box)
    ]  # the edge cuts the others
    free = [areas[n] for n in whole if areas[n] > 0.999 * areas[whole].max() - 20]
    # area of a disc of 30 px, in pixels whose centers it covers
    assert np.median(free) == pytest.approx(pi / 4 * 30**2, rel=0.02)
    assert np.array_equal(numbers, np.arange(1, len(numbers) + 1))
    assert field.truth["field.particle_count"] == len(numbers)
    assert field.truth["field.area_percent.particle"] == pytest.approx(100 * areas.sum() / 600**2)


def test_the_share_asked_for_is_about_the_share_drawn() -> None:
    shares = [
        synthetic.particles(seed=seed, area_percent=30, mean_ecd_um=16.0, contact=0.3, shape_px=(300, 300)).truth[
            "field.area_percent.particle"
        ]
        for seed in range(8)
    ]
    # a Poisson-like scatter of about 60 particles' worth per field; contacts flatten a few percent of the area
    assert np.mean(shares) == pytest.approx(29, abs=2.5)


def test_particles_in_contact_touch_and_keep_their_numbers() -> None:
    field = synthetic.particles(seed=1, area_percent=50, mean_ecd_um=24.0, contact=0.9, shape_px=(300, 300))
    beside = (field.labels[:, 1:] != field.labels[:, :-1]) & (field.labels[:, 1:] > 0) & (field.labels[:, :-1] > 0)
    assert beside.sum() > 50
    pieces = ndimage.label(field.labels > 0)[1]
    assert pieces < 0.6 * field.labels.max()


def test_light_and_dark_particles_on_their_matrix() -> None:
    for gray in ((0.2, 0.8), (0.8, 0.2)):
        field = synthetic.particles(seed=2, area_percent=40, mean_ecd_um=30.0, gray=gray, seam=0.0, dome=0.0)
        inside = np.median(field.pixels[field.labels > 0]) / 255
        outside = np.median(field.pixels[field.labels == 0]) / 255
        assert (outside, inside) == pytest.approx(gray, abs=0.05)


def test_more_than_fits_is_refused() -> None:
    with pytest.raises(SettingsError, match="fill at most 70 %, not 80 %"):
        synthetic.particles(seed=1, area_percent=80, mean_ecd_um=20.0)
