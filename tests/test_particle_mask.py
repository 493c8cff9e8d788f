"""Which pixels are particles: discs of known area on a ground that is not even, and holes of known depth."""

import cv2
import numpy as np
import pytest

from inspect_tool.measure import boundaries, particle_mask
from inspect_tool.measure.boundaries import FloatImage
from inspect_tool.model import Calibration, Mask, Micrograph
from inspect_tool.segmentation import watershed

SIDE = 300
CENTERS = [(row, column) for row in range(40, SIDE, 55) for column in range(40, SIDE, 55)]
RADIUS = 12


def discs(ground: FloatImage, height: float) -> tuple[FloatImage, Mask]:
    """Discs that rise above a ground, and which pixels they are."""
    mask = np.zeros((SIDE, SIDE), np.uint8)
    for row, column in CENTERS:
        cv2.circle(mask, (column, row), RADIUS, 1, -1)
    return np.asarray(ground + height * mask, np.float32), mask > 0


def ramp(rise: float) -> FloatImage:
    return np.broadcast_to(np.linspace(40, 40 + rise, SIDE, dtype=np.float32), (SIDE, SIDE)).copy()


def found(pixels: FloatImage) -> watershed.Segmentation:
    image = Micrograph(pixels=pixels.astype(np.uint8), calibration=Calibration(source="ratio only"), path="drawn")
    return watershed.segment(None, image, watershed.Settings(mode="particles", phase="bright"))


@pytest.mark.parametrize("rise", [0.0, 120.0])
def test_particles_are_found_whole_on_a_ground_that_rises_by_more_than_they_do(rise: float) -> None:
    """Of a ramp that rises by three times their height one level alone takes the bright side for a particle."""
    pixels, truth = discs(ramp(rise), 40)
    made = found(pixels)
    assert made.labels.max() == len(CENTERS)
    assert np.count_nonzero((made.labels > 0) ^ truth) < 0.1 * np.count_nonzero(truth)
    assert made.settings["ground_taken_out"] == bool(rise)


def separation(gray: FloatImage) -> float:
    """Share of the variance between the two sides of the level of least spread."""
    above = gray > boundaries.otsu(gray.ravel())
    apart = float(gray[above].mean()) - float(gray[~above].mean())
    return float(above.mean() * (1 - above.mean())) * apart**2 / float(gray.var())


@pytest.mark.parametrize(("share", "rise"), [(0.5, 0.0), (0.1, 0.0), (0.0, 120.0)])
def test_taking_out_the_ground_never_lowers_the_separation(share: float, rise: float) -> None:
    """One particle along the left edge is most of its own surroundings; discs on a ramp are little of them."""
    rng = np.random.default_rng(5)
    drawn = discs(ramp(rise), 100)[0] if rise else ramp(rise)
    drawn[:, : int(SIDE * share)] += 100
    pixels = np.clip(drawn + rng.normal(0, 8, drawn.shape), 0, 255).astype(np.uint8)
    slow = np.asarray(cv2.GaussianBlur(pixels.astype(np.float32), (0, 0), 40), np.float32)
    gray = np.asarray(cv2.GaussianBlur(pixels.astype(np.float32), (0, 0), particle_mask.BLUR_PX), np.float32)
    made = particle_mask.leveled(pixels, slow, np.ones(pixels.shape, bool), dark=False)
    assert made.flattened == (separation(gray - slow) > separation(gray)) == bool(rise)


def test_the_grain_of_a_surface_is_no_hole_and_a_gap_between_particles_is_one() -> None:
    """Three discs that touch, a shallow pit in one of them and the gap between them, as deep as the ground."""
    mask = np.zeros((120, 120), np.uint8)
    for row, column in ((40, 38), (40, 78), (75, 58)):
        cv2.circle(mask, (column, row), 20, 1, -1)
    beyond = np.where(mask > 0, -50.0, 50.0).astype(np.float32)
    pit, gap = (slice(38, 41), slice(30, 33)), (52, 58)
    assert not mask[gap]
    mask[pit], beyond[pit] = 0, 5
    filled = particle_mask.without_shallow_holes(mask > 0, beyond, shallow=20)
    assert filled[pit].all()
    assert not filled[gap]
    assert np.count_nonzero(filled) == np.count_nonzero(mask) + 9


def test_a_hole_as_large_as_the_ring_about_it_stays_however_shallow() -> None:
    ring = np.zeros((100, 100), np.uint8)
    cv2.circle(ring, (50, 50), 30, 1, -1)
    cv2.circle(ring, (50, 50), 20, 0, -1)
    beyond = np.where(ring > 0, -50.0, 1.0).astype(np.float32)
    assert np.array_equal(particle_mask.without_shallow_holes(ring > 0, beyond, shallow=20), ring > 0)


def test_the_blur_grows_with_the_particles() -> None:
    """3 % of a diameter of 100 px; of small particles the least blur."""
    for radius, expected in ((8, particle_mask.BLUR_PX), (50, 3.0)):
        pixels = np.full((4 * radius + 100, 4 * radius + 100), 50, np.uint8)
        cv2.circle(pixels, (len(pixels) // 2, len(pixels) // 2), radius, 200, -1)
        slow = np.full((2, 2), 60, np.float32)
        made = particle_mask.leveled(pixels, slow, np.ones(pixels.shape, bool), dark=False)
        assert made.blur_px == pytest.approx(expected, rel=0.03)
