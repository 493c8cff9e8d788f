"""Sections of steel that lost carbon at its surface: ferrite whose share falls to that of the core."""

from collections.abc import Callable, Mapping
from math import ceil, sqrt
from typing import Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from scipy.special import erf, erfinv, ndtr, ndtri

from inspect_tool.errors import SettingsError
from inspect_tool.synthetic._drawing import blurred, scratch_depths, to_8bit
from inspect_tool.synthetic._random import MOST_BENT, bent_waves, cloud, gaussian_field
from inspect_tool.synthetic.field import Field, Gray, Shape

CarbonProfile: TypeAlias = Literal["diffusion", "linear", "front"]

_STEP_PX = 0.25  # between points of the surface
_COMPLETE, _REACHED = (
    0.05,
    0.95,
)  # shares of the core's pearlite: up to one all is ferrite, from the other on all is core
_PARTS = 400  # of the distribution of local depths that the mean profile is summed over
_OF_GRAIN = (
    0.75  # share of the variance that is the same all over a grain: the rest makes the outlines of pearlite wavy
)

Floats = NDArray[np.float64]


def _front(z: Floats) -> Floats:
    inside = np.clip(z, 0, 1)
    return np.asarray(inside * inside * (3 - 2 * inside))


_RISES: Mapping[CarbonProfile, tuple[Callable[[Floats], Floats], Callable[[float], float]]] = {
    "diffusion": (lambda z: np.asarray(erf(np.maximum(z, 0))), lambda share: float(erfinv(share))),
    "linear": (lambda z: np.clip(z, 0, 1), lambda share: share),
    "front": (_front, lambda share: 0.5 - float(np.sin(np.arcsin(1 - 2 * share) / 3))),
}
"""Rise from 0 to 1 with the scaled depth, and its inverse."""


def decarburised(
    *,
    seed: int,
    total_um: float,
    complete_um: float = 0.0,
    surface_percent: float = 0.0,
    core_ferrite_percent: float = 25.0,
    profile: CarbonProfile = "diffusion",
    grain_um: float = 18.0,
    spread: float = 0.0,
    length_um: float | None = None,
    roughness_um: float = 0.6,
    slope_deg: float = 2.0,
    radius_um: float | None = None,
    oxide_um: float = 0.0,
    shape_px: Shape = (600, 800),
    pixel_um: float = 0.8,
    gray: tuple[float, float, float, float] = (0.06, 0.82, 0.34, 0.42),
    scratches: int = 4,
) -> Field:
    """Draw the transverse section of a steel with ferrite and pearlite, etched, below a dark mount.

    Parameters
    ----------
    seed : int
        The same seed gives the same field.
    total_um : float
        Depth at which the share of pearlite has come back to 95 % of that of the core; 0: no carbon was lost. [um]
    complete_um : float
        Depth at which it has come back to 5 %: above there is ferrite alone. 0: partial decarburization alone. [um]
    surface_percent : float
        Share of the pearlite of the core that is left at the surface, without complete decarburization. [%]
    core_ferrite_percent : float
        Share of ferrite in the core. [%]
    profile : str
        "diffusion": error function of the depth; "linear"; "front": S-shaped.
    grain_um : float
        Root of the mean area of the grains. [um]
    spread, length_um : float
        Standard deviation of the local depths over their mean [1], which vary along the surface over this length; a
        sixth of the field if None. [um]
    roughness_um : float
        Standard deviation of the surface about the smooth one, over lengths of some pixels. [um]
    slope_deg : float
        Of the surface against the rows. [deg]
    radius_um : float, optional
        Of a bar, whose surface is round; flat if None. [um]
    oxide_um : float
        Thickness of a scale of oxide on the surface; depths are measured below it. [um]
    gray : tuple of float
        Gray values of mount, ferrite, pearlite and oxide; shares of the full range.
    scratches : int
        Polishing marks per megapixel.

    Returns
    -------
    Field
        Labels 0 ferrite, 1 pearlite, 2 mount, 3 oxide. Truth of process and field: ``mean_total_depth_um``,
        ``mean_complete_depth_um`` and ``mean_partial_depth_um``, where the mean profile along the surface comes back to
        95 % and 5 %, and ``core_ferrite_percent``.

    Examples
    --------
    >>> field = decarburised(seed=1, total_um=60.0, complete_um=10.0, shape_px=(160, 200))
    >>> round(field.truth["process.mean_total_depth_um"], 3), round(field.truth["process.mean_partial_depth_um"], 3)
    (60.0, 50.0)
    """
    if profile not in _RISES:
        known = ", ".join(get_args(CarbonProfile))
        msg = f"synthetic.decarburised: unknown profile '{profile}'; there are: {known}"
        raise SettingsError(msg)
    if not 0 <= complete_um <= total_um or not 0 <= surface_percent < 100 or not 0 <= core_ferrite_percent < 100:
        msg = (
            f"synthetic.decarburised: complete depth {complete_um:g}, total {total_um:g} um, {surface_percent:g} % at "
            f"the surface, {core_ferrite_percent:g} % of ferrite; depths must ascend from 0, shares lie from 0 to 100"
        )
        raise SettingsError(msg)
    rng = np.random.default_rng(seed)
    recovered = _recovered(profile, total_um / pixel_um, complete_um / pixel_um, surface_percent / 100)
    rows, columns = shape_px
    top = rows * 0.14 + oxide_um / pixel_um
    length = columns / 6 if length_um is None else length_um / pixel_um
    x, y = _surface(rng, shape_px, top, slope_deg, None if radius_um is None else radius_um / pixel_um)
    local = np.maximum(1 + spread * bent_waves(rng, len(x), length / _STEP_PX), 0.1)
    rough = roughness_um / pixel_um * bent_waves(rng, len(x), 4.0 / _STEP_PX)
    scale = oxide_um / pixel_um * np.maximum(1 + 0.15 * bent_waves(rng, len(x), length / 3 / _STEP_PX), 0.2)
    depth, near = _depths(x, y, shape_px, None if radius_um is None else radius_um / pixel_um)
    share = (1 - core_ferrite_percent / 100) * recovered(depth / local[near])
    grain, between, number = _grains(rng, shape_px, grain_um / pixel_um)
    fine = gaussian_field(rng, shape_px, 0.18 * grain_um / pixel_um)
    is_pearlite = ndtr(sqrt(_OF_GRAIN) * grain + sqrt(1 - _OF_GRAIN) * fine) < share
    beyond, outer = depth < rough[near], depth < rough[near] - scale[near]
    labels = is_pearlite.astype(np.int32)
    labels[beyond] = 3 if oxide_um > 0 else 2
    labels[outer] = 2
    picture = _painted(rng, labels, between, number, gray)
    if scratches:
        marks = scratch_depths(rng, shape_px, scratches, 1.0)
        picture = np.where(labels == 2, picture, picture * (1 - 0.35 * marks))
    inside = (x >= 0) & (x <= columns - 1)
    process, field = (
        _truth(recovered, depths, max(total_um / pixel_um, 1.0), pixel_um)
        for depths in (np.maximum(1 + spread * _bent_quantiles(), 0.1), local[inside])
    )
    return Field(
        pixels=to_8bit(blurred(np.asarray(picture, np.float32), 0.7)),
        labels=labels,
        classes={0: "ferrite", 1: "pearlite", 2: "mount", **({3: "oxide"} if oxide_um > 0 else {})},
        kind="semantic",
        pixel_um=pixel_um,
        truth={
            **{f"process.{name}": value for name, value in process.items()},
            **{f"field.{name}": value for name, value in field.items()},
            "process.core_ferrite_percent": core_ferrite_percent,
            "field.core_ferrite_percent": core_ferrite_percent,
        },
    )


def _recovered(profile: CarbonProfile, total: float, complete: float, surface: float) -> Callable[[Floats], Floats]:
    """Share of the core's pearlite by the depth: 5 % at the complete depth, 95 % at the total one."""
    rise, inverse = _RISES[profile]
    if total <= 0:
        return np.ones_like
    if complete > 0:
        first, last = inverse(_COMPLETE), inverse(_REACHED)
        length = max(total - complete, 1e-9) / (last - first)
        start, at_surface = complete - first * length, 0.0
    else:
        start, at_surface = 0.0, surface
        length = total / inverse(max(_REACHED - surface, 1e-9) / (1 - surface))
    return lambda depth: at_surface + (1 - at_surface) * rise((depth - start) / length)


def _bent_quantiles() -> Floats:
    """Values of a bent Gaussian series, each as probable as the others."""
    z = ndtri((np.arange(_PARTS) + 0.5) / _PARTS)
    return np.asarray(MOST_BENT * np.tanh(z / MOST_BENT))


def _truth(recovered: Callable[[Floats], Floats], local: Floats, total_px: float, pixel_um: float) -> dict[str, float]:
    """Depths at which the mean profile over places of these relative depths has come back."""
    depth = np.linspace(0, 3 * total_px * float(local.max()), 6001)
    mean = np.zeros_like(depth)
    for one in local[:: max(1, len(local) // _PARTS)]:
        mean += recovered(depth / one)
    mean /= len(local[:: max(1, len(local) // _PARTS)])
    complete, total = (_first(depth, mean, share) * pixel_um for share in (_COMPLETE, _REACHED))
    return {
        "mean_total_depth_um": total,
        "mean_complete_depth_um": complete,
        "mean_partial_depth_um": total - complete,
    }


def _first(depth: Floats, rising: Floats, share: float) -> float:
    k = int((rising >= share).argmax())
    if k == 0:
        return 0.0
    low, high = rising[k - 1], rising[k]
    return float(depth[k - 1] + (depth[k] - depth[k - 1]) * (share - low) / (high - low))


def _surface(
    rng: np.random.Generator, shape: Shape, top: float, slope_deg: float, radius: float | None
) -> tuple[Floats, Floats]:
    """Points of the smooth surface, columns and rows, from beyond the left edge to beyond the right one."""
    rows, columns = shape
    reach = ceil(rows * 0.7)
    x = np.arange(-reach, columns + reach, _STEP_PX)
    away = x - columns / 2
    if radius is not None:
        if radius < 0.6 * columns:
            msg = f"synthetic.decarburised: a bar of radius {radius:g} px does not fit a field {columns} px wide"
            raise SettingsError(msg)
        away = away[np.abs(away) < 0.99 * radius]
        return away + columns / 2, top + radius - np.sqrt(radius**2 - away**2)
    sign = 1.0 if rng.uniform() < 0.5 else -1.0
    return x, top + sign * np.tan(np.radians(slope_deg)) * away


def _depths(x: Floats, y: Floats, shape: Shape, radius: float | None) -> tuple[Floats, NDArray[np.intp]]:
    """Depth of every pixel below the surface, negative above it, and the point of it that is nearest.

    The points lie on a straight line, or on a circle of that radius whose middle is below the first row.
    """
    rows, columns = np.mgrid[: shape[0], : shape[1]].astype(np.float64)
    if radius is None:
        slope = (y[-1] - y[0]) / (x[-1] - x[0])
        foot = (columns - x[0] + slope * (rows - y[0])) / (1 + slope**2) + x[0]
    else:
        middle = (x[0] + x[-1]) / 2
        top = float(y.min())
        right, up = columns - middle, top + radius - rows
        foot = middle + radius * np.where(up > 0, right / np.maximum(np.hypot(right, up), 1e-9), np.sign(right))
    nearest = np.clip(np.rint((foot - x[0]) / _STEP_PX), 0, len(x) - 1).astype(np.intp)
    line = np.column_stack([y, x])
    along = np.gradient(line, axis=0)
    normal = np.column_stack([along[:, 1], -along[:, 0]])
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    down, right = rows - y[nearest], columns - x[nearest]
    return down * normal[nearest, 0] + right * normal[nearest, 1], nearest


def _grains(rng: np.random.Generator, shape: Shape, size: float) -> tuple[Floats, Floats, NDArray[np.intp]]:
    """Standard normal number of the grain at every pixel, how far it is from the next grain [px], and its number."""
    margin = 3 * size
    area = (shape[0] + 2 * margin) * (shape[1] + 2 * margin)
    seeds = -margin + rng.uniform(size=(round(area / size**2), 2)) * (np.asarray(shape) + 2 * margin)
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    bend = np.stack([0.12 * size * cloud(rng, shape, 0.6 * size) for _ in range(2)])
    at = np.column_stack([(rows + bend[0]).ravel(), (columns + bend[1]).ravel()])
    far, nearest = cKDTree(seeds).query(at, k=2)
    values = rng.standard_normal(len(seeds))
    return (
        values[nearest[:, 0]].reshape(shape),
        (far[:, 1] - far[:, 0]).reshape(shape),
        nearest[:, 0].reshape(shape),
    )


def _painted(
    rng: np.random.Generator,
    labels: NDArray[np.int32],
    between: Floats,
    number: NDArray[np.intp],
    gray: tuple[float, float, float, float],
) -> Gray:
    """Gray values: ferrite with faint boundaries, pearlite in colonies, mount and oxide with some texture."""
    shape = labels.shape
    mount, ferrite, pearlite, oxide = gray
    tint = rng.standard_normal(int(number.max()) + 1)[number]
    line = np.clip(1.3 - between, 0, 1) * (0.6 + 0.4 * cloud(rng, shape, 9.0))
    bright = ferrite + 0.018 * tint + 0.012 * cloud(rng, shape, 1.5) - 0.2 * ferrite * np.clip(line, 0, 1)
    dark = pearlite + 0.05 * tint + 0.045 * cloud(rng, shape, 3.0) + 0.03 * cloud(rng, shape, 1.2)
    outside = mount + 0.008 * cloud(rng, shape, 5.0)
    scale = oxide + 0.03 * cloud(rng, shape, 4.0)
    return np.asarray(np.choose(labels, [bright, dark, outside, scale]), np.float32)
