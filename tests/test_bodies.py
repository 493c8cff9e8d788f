"""Drawn bodies: sizes by geometry, labels of what is seen, gray values by signal."""

from math import pi, sqrt

import cv2
import numpy as np
import pytest

from inspect_tool import synthetic
from inspect_tool.errors import SettingsError

SMALL = (220, 260)
APART = {"overlap": 0.0, "clusters": 0.0, "spread": 0.0, "roughness": 0.0, "shape_px": SMALL}


def uncut(field):
    """Areas of the objects that no edge of the image cuts. [px2]"""
    edge = np.concatenate([field.labels[0], field.labels[-1], field.labels[:, 0], field.labels[:, -1]])
    return np.array([np.count_nonzero(field.labels == n) for n in range(1, field.labels.max() + 1) if n not in edge])


@pytest.mark.parametrize(("kind", "aspect"), [("spheres", 1.0), ("rods", 1.0), ("rods", 4.0)])
def test_silhouette_has_the_area_of_the_circle_that_was_asked_for(kind, aspect):
    field = synthetic.bodies(seed=1, area_percent=15, mean_ecd_um=14.0, pixel_um=0.5, kind=kind, aspect=aspect, **APART)
    areas = uncut(field)
    lonely = np.median(areas)  # places keep circles apart, rods may lie over one another
    assert lonely == pytest.approx(pi / 4 * 28**2, rel=0.02)
    if kind == "spheres":
        assert field.truth["field.mean_particle_ecd_um"] == pytest.approx(14.0, rel=0.01)


@pytest.mark.parametrize("kind", ["spheres", "nodules", "crystals", "plates", "rods"])
def test_every_object_is_one_piece_and_the_truth_is_that_of_the_labels(kind):
    field = synthetic.bodies(
        seed=2, area_percent=60, mean_ecd_um=24.0, kind=kind, aspect=2.0, overlap=0.3, satellites=0.5, shape_px=SMALL
    )
    numbers = range(1, int(field.labels.max()) + 1)
    assert len(numbers) > 15
    for number in numbers:
        pieces = cv2.connectedComponents((field.labels == number).astype(np.uint8), connectivity=4)[0] - 1
        assert pieces == 1
    assert field.truth["field.particle_count"] == len(numbers)
    assert field.truth["field.area_percent.particle"] == 100 * np.mean(field.labels > 0)
    assert field.truth["field.mean_particle_ecd_um"] == pytest.approx(np.mean(2 * np.sqrt(uncut(field) / pi)), rel=1e-9)


def test_bodies_that_lie_over_others_hide_them():
    apart = synthetic.bodies(seed=3, area_percent=30, mean_ecd_um=24.0, **APART)
    heap = synthetic.bodies(seed=3, area_percent=70, mean_ecd_um=24.0, **APART | {"overlap": 0.4, "clusters": 0.9})
    full = pi / 4 * 24**2
    assert uncut(apart) == pytest.approx(np.full(len(uncut(apart)), full), rel=0.02)
    assert np.mean(uncut(heap) < 0.95 * full) > 0.2  # hidden in part
    assert uncut(heap).min() >= 0.25 * full * 0.95  # of which less is seen is no object
    assert uncut(heap).max() <= full * 1.02


def test_bodies_are_bright_by_electrons_that_come_back_and_dark_in_transmission():
    for signal, gray, brighter in (("sem", (0.15, 0.5), True), ("tem", (0.8, 0.3), False)):
        field = synthetic.bodies(seed=4, area_percent=30, mean_ecd_um=30.0, signal=signal, gray=gray, shape_px=SMALL)
        body, ground = (np.median(field.pixels[where]) for where in (field.labels > 0, field.labels == 0))
        assert (body > ground) is np.bool_(brighter)


def test_slopes_shine_and_a_flat_face_has_one_gray():
    plain = {"light": 0.0, "texture": 0.0, "variation": 0.0, "shadow": 0.0, "depth": 0.0, "ground": 0.0}
    for rim in (0.0, 1.0):
        look = synthetic.BodyLook(rim=rim, **plain)
        field = synthetic.bodies(
            seed=5, area_percent=12, mean_ecd_um=60.0, gray=(0.1, 0.4), look=look, **APART | {"shape_px": (300, 300)}
        )
        inner = cv2.distanceTransform((field.labels > 0).astype(np.uint8), cv2.DIST_L2, 5)
        middle, edge = (np.median(field.pixels[where]) for where in (inner > 25, (inner > 2) & (inner < 4)))
        assert middle == pytest.approx(0.4 * 255, abs=2)
        # at 3 px from the edge of a sphere of radius 30 the surface is inclined by acos(1 - 0.9)
        inclined = 1 - sqrt(1 - 0.9**2)
        assert edge / middle == pytest.approx(1 + rim * inclined**1.5, rel=0.12)


def test_same_seed_same_field_and_a_fuller_heap_is_refused():
    one, two = (synthetic.bodies(seed=6, area_percent=40, mean_ecd_um=20.0, shape_px=SMALL) for _ in range(2))
    assert np.array_equal(one.pixels, two.pixels)
    assert np.array_equal(one.labels, two.labels)
    with pytest.raises(SettingsError, match="bodies are asked to cover at most 95 %, not 96 %"):
        synthetic.bodies(seed=6, area_percent=96, mean_ecd_um=20.0)
