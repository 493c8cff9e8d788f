"""Cross sections of a layer between a substrate and what lies above it."""

from math import ceil

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from inspect_tool.errors import SettingsError
from inspect_tool.synthetic._drawing import blurred, scratch_depths, to_8bit
from inspect_tool.synthetic._random import bent_waves, cloud
from inspect_tool.synthetic.field import Field, Gray, Shape

_STEP_PX = 0.25  # between points of the middle line
_LEAST = 0.1  # of the mean thickness that is left at the thinnest place

Floats = NDArray[np.float64]


def layer(
    *,
    seed: int,
    thickness_um: float,
    spread: float = 0.08,
    length_um: float | None = None,
    roughness_um: float | None = None,
    waviness_um: float | None = None,
    slope_deg: float = 4.0,
    pores: int = 20,
    shape_px: Shape = (600, 800),
    pixel_um: float = 0.5,
    gray: tuple[float, float, float] = (0.12, 0.78, 0.45),
    texture: float = 0.02,
    scratches: int = 10,
) -> Field:
    """Draw a layer that runs through the field from left to right.

    Parameters
    ----------
    seed : int
        The same seed gives the same field.
    thickness_um : float
        Expected thickness normal to the middle line. [um]
    spread : float
        Standard deviation of the local thickness over its mean; it varies over ``length_um``. [1]
    length_um : float, optional
        Correlation length of thickness and waviness along the layer; a twelfth of the field if None. [um]
    roughness_um : float, optional
        Standard deviation of either interface about the smooth one, over lengths of some pixels; 1 % of the thickness
        if None. [um]
    waviness_um : float, optional
        Standard deviation of the middle line; a quarter of the thickness, at most a fifth of the field, if None. [um]
    slope_deg : float
        Of the middle line against the rows. [deg]
    pores : int
        Closed pores inside the layer per megapixel of layer.
    gray : tuple of float
        Gray value above the layer, of the layer, and of the substrate below it; shares of the full range.
    texture : float
        Standard deviation of the gray value inside each.
    scratches : int
        Polishing marks per megapixel.

    Returns
    -------
    Field
        Labels 0 rest, 1 layer (pores in it too). Truth ``mean_thickness_um.layer`` of process and field, and of the
        field ``minimum_thickness_um.layer`` and ``thickness_sd_um.layer``, all normal to the middle line, with the
        roughness.

    Examples
    --------
    >>> field = layer(seed=1, thickness_um=20.0, shape_px=(120, 160))
    >>> field.classes, field.truth["process.mean_thickness_um.layer"]
    ({0: 'rest', 1: 'layer'}, 20.0)
    """
    rng = np.random.default_rng(seed)
    thick_px = thickness_um / pixel_um
    height, width = shape_px
    if not 0 < thick_px < 0.7 * height:
        msg = f"synthetic.layer: a layer of {thick_px:g} px does not fit into a field {height} px high"
        raise SettingsError(msg)
    length = width / 12 if length_um is None else length_um / pixel_um
    rough = (0.01 * thick_px) if roughness_um is None else roughness_um / pixel_um
    wave = min(thick_px / 4, height / 20) if waviness_um is None else waviness_um / pixel_um
    reach = ceil(thick_px) + 20
    x = np.arange(-reach, width + reach, _STEP_PX)
    slope = np.tan(np.radians(slope_deg)) * (1 if rng.uniform() < 0.5 else -1)
    y = height / 2 + slope * (x - width / 2) + wave * bent_waves(rng, len(x), 2 * length / _STEP_PX)
    line = np.column_stack([y, x])
    steps = np.linalg.norm(np.diff(line, axis=0), axis=1)
    local = thick_px * np.maximum(1 + spread * bent_waves(rng, len(x), length / _STEP_PX), _LEAST)
    below, above = (rough * bent_waves(rng, len(x), 4.0 / _STEP_PX) for _ in range(2))
    inside = (x[:-1] >= 0) & (x[:-1] <= width - 1)
    seen = (local + below - above)[:-1][inside]
    weight = steps[inside]
    mean = float(np.average(seen, weights=weight))
    picture, labels = _painted(rng, line, local, above, below, shape_px, gray, texture, pores, thick_px)
    if scratches:
        picture *= 1 - 0.5 * scratch_depths(rng, shape_px, scratches, 1.0)
    return Field(
        pixels=to_8bit(blurred(picture.astype(np.float32), 0.7)),
        labels=labels,
        classes={0: "rest", 1: "layer"},
        kind="semantic",
        pixel_um=pixel_um,
        truth={
            "process.mean_thickness_um.layer": thickness_um,
            "field.mean_thickness_um.layer": mean * pixel_um,
            "field.minimum_thickness_um.layer": float(seen.min()) * pixel_um,
            "field.thickness_sd_um.layer": float(np.sqrt(np.average((seen - mean) ** 2, weights=weight))) * pixel_um,
        },
    )


def _painted(
    rng: np.random.Generator,
    line: Floats,
    local: Floats,
    above: Floats,
    below: Floats,
    shape: Shape,
    gray: tuple[float, float, float],
    texture: float,
    pores: int,
    thick_px: float,
) -> tuple[Gray, NDArray[np.int32]]:
    """Gray values and labels: every pixel by its distance to the middle line, and the place on it that is nearest."""
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    at = np.column_stack([rows.ravel(), columns.ravel()]).astype(float)
    _, nearest = cKDTree(line).query(at)
    along = np.gradient(line, axis=0)
    normal = np.column_stack([along[:, 1], -along[:, 0]])
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    off = ((at - line[nearest]) * normal[nearest]).sum(axis=1).reshape(shape)  # downward
    near = nearest.reshape(shape)
    up, down = -local[near] / 2 + above[near], local[near] / 2 + below[near]
    over, under = np.clip(up - off + 0.5, 0, 1), np.clip(off - down + 0.5, 0, 1)
    inside = 1 - over - under
    mottle = [texture * cloud(rng, shape, length) for length in (1.5, 6.0, 3.0)]
    picture = over * (gray[0] + mottle[0]) + inside * (gray[1] + mottle[1]) + under * (gray[2] + mottle[2])
    for _ in range(rng.poisson(pores * thick_px * shape[1] / 1e6)):
        k = int(rng.integers(0, len(line)))
        radius = rng.uniform(0.02, 0.12) * thick_px
        place = line[k] + normal[k] * rng.uniform(-0.3, 0.3) * local[k]
        far = np.hypot(rows - place[0], columns - place[1])
        hole = np.clip(radius - far + 0.5, 0, 1)
        picture = picture * (1 - hole) + 0.1 * hole
    return np.asarray(picture, np.float32), (inside >= 0.5).astype(np.int32)
