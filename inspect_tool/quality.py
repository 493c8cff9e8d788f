"""Image quality before measuring: figures of focus, contrast, noise and the rest, their limits, and refusal.

Every figure is judged by two limits: beyond ``advised`` it is a remark, beyond ``red`` the image is not measured
unless the job accepts the check by name. What each figure means and where its limits come from: docs/quality.md.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from dataclasses import field as default
from fnmatch import fnmatchcase
from math import inf, isfinite, pi, sqrt
from typing import Literal, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from inspect_tool.errors import MeasurementError, SettingsError
from inspect_tool.model import Acceptance, Cell, Check, GrayImage, Mask, Micrograph, Table
from inspect_tool.preprocess import noise_sigma

Kind: TypeAlias = Literal[
    "focus", "soft_region", "contrast", "noise", "saturation", "shading", "compression", "resolution"
]
FloatArray: TypeAlias = NDArray[np.float64]
Gray: TypeAlias = NDArray[np.float32]

# ------------------------------------------------------------------------------------------------------ limits


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """Beyond ``advised`` an image gets a remark, beyond ``red`` it is not measured; infinite: no such limit."""

    advised: float
    red: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Limits of every check; the basis of each number is in docs/quality.md."""

    focus: Limit = Limit(advised=3.0, red=6.0)  # at most: blur of the edges [px]
    soft_region: Limit = Limit(advised=2.5, red=5.0)  # at most: softest tile against the sharpest ones [1]
    contrast: Limit = Limit(advised=10.0, red=4.0)  # at least: height of the edges [steps of the gray scale]
    noise: Limit = Limit(advised=5.0, red=2.0)  # at least: height of the edges over the noise [1]
    saturation: Limit = Limit(advised=5.0, red=50.0)  # at most: pixels at an end of the gray scale [%]
    shading: Limit = Limit(advised=1.0, red=2.0)  # at most: trend of brightness over the height of the edges [1]
    compression: Limit = Limit(advised=5.0, red=10.0)  # at most: steps at blocks over the height of the edges [%]
    resolution: Limit = Limit(advised=0.0, red=0.0)  # at least: size of the structure [px]


_AT_LEAST: tuple[Kind, ...] = ("contrast", "noise", "resolution")
_UNITS: Mapping[Kind, str] = {
    "focus": "px",
    "soft_region": "1",
    "contrast": "gray levels",
    "noise": "1",
    "saturation": "%",
    "shading": "1",
    "compression": "%",
    "resolution": "px",
}

# ----------------------------------------------------------------------------------------------------- figures


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One figure of one image. ``value`` None: nothing in the image to judge it by."""

    value: float | None
    where: str = ""  # e.g. "bottom right corner"


def _found(pixels, roi=None):
    pass
