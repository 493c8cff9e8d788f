"""Void shares of balls drawn by the Beer-Lambert law with spherical voids, also where these overlap in projection."""

import numpy as np
import pytest
from drawn_balls import Ball, Picture, Voids, apart, array, draw, overlapping

from inspect_tool.model import Calibration, Micrograph
from inspect_tool.segmentation import joints


def segmented(pixels):
    micrograph = Micrograph(pixels=pixels, calibration=Calibration(source="ratio only"), path="x.png")
    return joints.segment(None, micrograph, joints.Settings())


def errors(picture: Picture) -> list[float]:
    """Void share that was found less the drawn one, ball by ball; every ball is found once. [points]."""
    found = segmented(picture.pixels)
    assert found.objects is not None
    assert found.objects.max() == len(picture.balls)
    off = []
    for ball, truth in zip(picture.balls, picture.void_percent, strict=True):
        own = found.objects == found.objects[round(ball.row), round(ball.column)]
        off.append(100 * float((found.labels[own] == 2).mean()) - truth)
    return off


def scene(seed: int, voids: Voids) -> Picture:
    """Six balls, spheres or barrels, of 42 to 90 px (standards ask for 40), at some absorption, sharpness and noise."""
    rng = np.random.default_rng(seed)
    height = 1.0 if rng.random() < 0.5 else rng.uniform(0.6, 0.95)
    shape, balls = array(rng, rows=2, columns=3, radius=rng.uniform(21, 45), height=height, voids=voids)
    return draw(
        shape,
        balls,
        seed=seed,
        absorption=rng.uniform(0.7, 2.2),
        blur=rng.uniform(0.6, 1.4),
        noise=rng.uniform(1, 3),
    )


def test_two_voids_that_overlap_are_one_void_with_both_outlines():
    # discs of 12 px whose centers are 0.6 radii apart cover 1.377 times one of them: 10.7 % of a ball of 43 px
    voids = ((0.0, -1.8, 6.0), (0.0, 1.8, 6.0))
    balls = [Ball(row=r, column=c, radius=21.5, voids=voids) for r in (40, 110) for c in (40, 110)]
    picture = draw((150, 150), balls, seed=1)
    assert picture.void_percent == pytest.approx([10.72] * 4, abs=0.1)
    assert errors(picture) == pytest.approx([0] * 4, abs=2.0)


def test_faint_bubbles_at_the_side_of_a_ball_are_found():
    # domes of a few gray levels on the steep side, without an outline; the last ball is sound
    places = ((41.0, 41.0), (41.0, 104.0), (104.0, 41.0), (104.0, 104.0))
    voids = (((17.0, 0.0, 4.0),), ((-17.0, 0.0, 4.0),), ((0.0, 17.0, 4.0),), ())
    balls = [Ball(row=r, column=c, radius=24, voids=each) for (r, c), each in zip(places, voids, strict=True)]
    picture = draw((146, 146), balls, seed=1, absorption=2.2, noise=0.5)
    assert picture.void_percent == pytest.approx([2.78, 2.78, 2.78, 0], abs=0.1)
    off = errors(picture)
    assert off == pytest.approx([0] * 4, abs=1.0)
    assert off[3] == 0


@pytest.mark.parametrize(("lighter", "start"), [(0.1, 0.5), (0.2, 0.6), (0.2, 0.7)])
def test_a_light_side_of_a_ball_is_no_part_of_the_void_beside_it(lighter, start):
    # the upper side of each ball absorbs less, in a band that touches or nearly touches a void of 7.1 %
    balls = [Ball(row=r, column=c, radius=30, voids=((-11.0, -2.0, 8.0),)) for r in (50, 150) for c in (50, 150)]

    def shadow(row, column):
        away = [np.hypot(row - ball.row, column - ball.column) / ball.radius for ball in balls]
        upper = [(far < 1) & (row < ball.row) for far, ball in zip(away, balls, strict=True)]
        bands = [np.clip(10 * (far - start), 0, 1) * side for far, side in zip(away, upper, strict=True)]
        return -lighter * np.sum(bands, axis=0)

    picture = draw((200, 200), balls, seed=1, absorption=1.5, noise=0.5, shadow=shadow)
    assert picture.void_percent == pytest.approx([7.13] * 4, abs=0.1)
    assert errors(picture) == pytest.approx([0] * 4, abs=1.0)


@pytest.mark.parametrize(
    ("voids", "median", "most"),
    [
        # a quarter of a pixel all around the voids of such a ball is 0.7 points
        (apart, 0.4, 1.5),
        (overlapping, 1.0, 3.0),
        (lambda rng, radius: (overlapping if rng.random() < 1 / 3 else apart)(rng, radius), 0.7, 2.0),
    ],
    ids=["apart", "overlapping", "a third overlapping"],
)
def test_void_shares_of_drawn_balls(voids, median, most):
    off = np.abs([each for seed in range(300, 308) for each in errors(scene(seed, voids))])
    assert np.median(off) <= median
    assert np.percentile(off, 90) <= most
