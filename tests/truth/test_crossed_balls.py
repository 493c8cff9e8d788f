"""Balls with a lighter or darker band over them, drawn exactly: measured right, or doubted by name."""

import numpy as np
import pytest
from drawn_balls import Ball, Picture, apart, draw, overlapping
from test_covered_balls import doubts, measured
from test_drawn_balls import scene

BALLS = [Ball(row=r, column=c, radius=30, voids=((-11.0, -2.0, 8.0),)) for r in (50, 150) for c in (50, 150)]
TRUTH = 7.13  # % of every ball
DOUBT = "Balls crossed by a gray band that is not a bubble"


def crossed(band) -> Picture:
    """Four balls; ``band(row, column, away)`` absorbs within each, ``away`` from its center in radii."""

    def shadow(row, column):
        return sum(
            band(row - ball.row, column - ball.column, away) * (away < 1)
            for ball in BALLS
            for away in [np.hypot(row - ball.row, column - ball.column) / ball.radius]
        )

    picture = draw((200, 200), BALLS, seed=1, absorption=1.5, noise=0.5, shadow=shadow)
    assert picture.void_percent == pytest.approx([TRUTH] * 4, abs=0.1)
    return picture


def strip(absorption, width, off):
    return lambda row, column, _away: absorption * (np.abs(0.8 * row + 0.6 * column - off) < width / 2)


def side(absorption, start):
    return lambda row, _column, away: absorption * np.clip(10 * (away - start), 0, 1) * (row < 0)


@pytest.mark.parametrize(
    "band",
    [
        *(strip(a, width, off) for a in (-0.2, -0.4, -0.8, 0.3) for width in (6, 14) for off in (-9, 4)),
        *(side(-lighter, start) for lighter in (0.2, 0.3, 0.5) for start in (0.5, 0.6)),
    ],
)
def test_a_void_share_of_a_crossed_ball_is_right_or_in_doubt(band):
    field, findings = measured(crossed(band))
    off = np.abs(field.features["void_percent"].to_numpy() - TRUTH).max()
    assert off <= 2.0 or doubts(findings)


def test_every_crossed_ball_is_named():
    # a lead of 14 px over the voids hides them: nothing is found
    field, findings = measured(crossed(strip(-0.4, 14, -9)))
    assert field.values["void_percent.max"] < 1
    assert doubts(findings)[DOUBT].startswith("joint 1, 2, 3, 4: ")


@pytest.mark.parametrize("voids", [apart, overlapping])
def test_sound_balls_are_not_doubted(voids):
    for seed in range(500, 504):
        _, findings = measured(scene(seed, voids))
        assert DOUBT not in doubts(findings)
