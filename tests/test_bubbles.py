"""Bubbles in the solder of a ball that has next to none left."""

import numpy as np
import pytest
from numpy.typing import NDArray

from inspect_tool.segmentation.joints.bubbles import faint_bubbles

LEAST = {"contrast": 60.0, "min_px": 3.0, "min_contrast": 0.05, "significance": 5.0}


def ball(radius: int) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.float32]]:
    """Distance from the middle of an image with a ball, the ball, and its gray values."""
    at = np.arange(2 * radius + 9) - (radius + 4.0)
    away = np.hypot(at[:, None], at[None])
    chord = np.sqrt(np.maximum(1 - (away / radius) ** 2, 0))
    return away, away <= radius, (160 - 80 * chord).astype(np.float32)


@pytest.mark.parametrize("radius", [3, 8, 9, 12, 20, 43])
@pytest.mark.parametrize("share", [0.8, 0.9, 1.0])
def test_where_no_solder_is_left_no_bubble_is_looked_for(radius: int, share: float) -> None:
    away, joint, image = ball(radius)
    void = (away <= share * radius) & joint
    assert faint_bubbles(image, joint, void, **LEAST) == []
