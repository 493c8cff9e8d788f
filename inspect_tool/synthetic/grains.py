"""Mosaics of grains whose size is known exactly."""

from math import ceil, log2, pi, sqrt
from typing import Literal, TypeAlias, get_args

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from scipy.special import roots_hermitenorm

from inspect_tool.errors import SettingsError
from inspect_tool.model import LabelImage
from inspect_tool.synthetic._drawing import blurred, to_8bit
from inspect_tool.synthetic._outlines import Outline, darken
from inspect_tool.synthetic._random import cloud, gaussian_field, pair_noise
from inspect_tool.synthetic.field import Field, Gray, Shape

GrainKind: TypeAlias = Literal["poisson_voronoi", "hexagons", "squares", "laguerre", "elongated"]
GrainLook: TypeAlias = Literal["etched", "bright", "tinted"]

G_FROM_DENSITY = log2(10000 / 645.16) - 1.0
"""log2 of the grains per mm2 at G = 0: 2**(G - 1) grains per square inch at 100x (definition of ASTM E112)."""


def grains(
    *,
    seed: int,
    grain_size_number: float | None = None,
    grains_per_mm2: float | None = None,
    kind: GrainKind = "poisson_voronoi",
    shape_px: Shape = (800, 1000),
    pixel_um: float = 0.5,
    aspect: float | None = None,
    curvature: float = 0.0,
    spread: float = 0.5,
    offset_um: tuple[float, float] | None = None,
    look: GrainLook = "etched",
    line_px: float = 2.4,
    etch: float = 0.8,
    faint: float = 0.0,
    grain_contrast: float = 0.035,
    twins: float = 0.0,
    precipitates_per_mm2: float = 0.0,
) -> Field:
    """Draw a mosaic of grains whose size is known exactly.

    Parameters
    ----------
    seed : int
        The same seed gives the same field.
    grain_size_number, grains_per_mm2 : float
        Size of the process, one of the two: planimetric ASTM G, or N_A. [G, 1/mm2]
    kind : str
        "poisson_voronoi"; "hexagons" and "squares" (regular, random position unless ``offset_um``);
        "laguerre" (wide, log-normal-like sizes; some nuclei get no grain, so that the field holds fewer than
        asked for); "elongated" (Poisson-Voronoi stretched along the rows).
    shape_px : tuple of int
        Rows, columns.
    pixel_um : float
        Scale. [um/px]
    aspect : float
        Stretch along the image rows (horizontally) at constant area per grain; 1, or 3 for "elongated". [1]
    curvature : float
        Bends the boundaries: rms slope of a smooth displacement field, up to 0.3; 0 is straight. [1]
    spread : float
        Of "laguerre": standard deviation of the logarithm of the seed radii. [1]
    offset_um : tuple of float
        Of the lattices: position (row, column) of a corner of the cells (squares) or of a cell center
        (hexagons), from the outer corner of the first pixel. [um]
    look : str
        "etched" dark boundaries, "bright" boundaries on dark grains, "tinted" grains told apart by gray only.
    line_px, etch, faint : float
        Mean width of the boundaries [px], their depth (0 to 1), share of boundaries that are hardly etched.
    grain_contrast : float
        Standard deviation of the gray value from grain to grain, share of full range; "tinted" uses 5 times this.
    twins : float
        Share of grains that carry annealing twins. They are no grains: labels and truth ignore them.
    precipitates_per_mm2 : float
        Dark particles of 1-3 px radius.

    Returns
    -------
    Field
        Instance labels 1, 2, ... without boundary pixels. Truth, process and field:
        ``grains_per_mm2``, ``mean_grain_area_um2``, ``mean_intercept_um`` (isotropic),
        ``mean_intercept_um.0deg`` (along rows), ``.90deg``, ``grain_size_number.planimetric``, ``.mean_area``,
        ``.intercept``. "laguerre" has no process truth. Field N_A is exact for grains cut by the edge:
        each counts with the share of its area that lies inside.

    References
    ----------
    Boundary length per area of Poisson-Voronoi 2 sqrt(N_A), hence mean intercept pi / (4 sqrt(N_A));
    lattices by integral geometry; ASTM E112 for G.

    Examples
    --------
    >>> field = grains(seed=1, grain_size_number=8.0, shape_px=(64, 64), pixel_um=1.0)
    >>> round(field.truth["process.grains_per_mm2"]), round(field.truth["process.mean_intercept_um"], 2)
    (1984, 17.63)
    """
    rng = np.random.default_rng(seed)
    density = _density(grain_size_number, grains_per_mm2)  # 1/mm2
    stretch = aspect if aspect is not None else (3.0 if kind == "elongated" else 1.0)
    if not 0 <= curvature <= 0.3:
        msg = f"synthetic.grains: curvature is {curvature:g}, must lie between 0 and 0.3 (cells fold over themselves)"
        raise SettingsError(msg)
    rows, columns = shape_px
    pitch = 1e3 / sqrt(density)  # um, root of the mean area
    seeds, weights = _seeds(rng, kind, shape_px, pixel_um, pitch, stretch, spread, offset_um)
    warp = _Warp(rng, shape_px, pixel_um, pitch, stretch, curvature)
    cells = _Cells(seeds, weights)

    grid = _pixel_centers(shape_px, pixel_um)
    at = warp.to_seed_space(grid)
    nearest = cells.nearest(at.reshape(-1, 2), 3)
    owner = nearest[:, 0].reshape(shape_px)
    present, labels = np.unique(owner, return_inverse=True)
    labels = (labels.reshape(shape_px) + 1).astype(np.int32)

    truth = _grain_process(kind, density, stretch, curvature)
    truth |= _grain_field(labels, present, cells, warp, shape_px, pixel_um, pitch, stretch)

    pixels = _paint_grains(
        rng,
        at,
        owner,
        nearest,
        cells,
        pixel_um=pixel_um,
        pitch=pitch,
        stretch=stretch,
        look=look,
        line_px=line_px,
        etch=etch,
        faint=faint,
        grain_contrast=grain_contrast,
        twins=twins,
    )
    if precipitates_per_mm2 > 0:
        count = rng.poisson(precipitates_per_mm2 * rows * columns * pixel_um**2 * 1e-6)
        for _ in range(count):
            outline = Outline.disc(rng.uniform(0, rows), rng.uniform(0, columns), rng.uniform(0.8, 2.6))
            darken(pixels, outline, rng.uniform(0.3, 0.75))
    return Field(
        pixels=to_8bit(pixels),
        labels=labels,
        classes={1: "grain"},
        kind="instance",
        pixel_um=pixel_um,
        truth=truth,
    )


def _density(grain_size_number: float | None, grains_per_mm2: float | None) -> float:
    if (grain_size_number is None) == (grains_per_mm2 is None):
        msg = "synthetic.grains: give either grain_size_number or grains_per_mm2"
        raise SettingsError(msg)
    if grains_per_mm2 is None:
        assert grain_size_number is not None
        return float(2.0 ** (grain_size_number + G_FROM_DENSITY))
    if not grains_per_mm2 > 0:
        msg = f"synthetic.grains: grains_per_mm2 must be > 0, got {grains_per_mm2:g}"
        raise SettingsError(msg)
    return grains_per_mm2


def _seeds(
    rng: np.random.Generator,
    kind: GrainKind,
    shape_px: Shape,
    pixel_um: float,
    pitch: float,
    stretch: float,
    spread: float,
    offset_um: tuple[float, float] | None,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Nuclei in seed space (um, before the stretch), with a margin that no cell of the field reaches beyond."""
    height, width = shape_px[0] * pixel_um * sqrt(stretch), shape_px[1] * pixel_um / sqrt(stretch)
    margin = 6.0 * pitch
    if kind in ("poisson_voronoi", "elongated", "laguerre"):
        area = (height + 2 * margin) * (width + 2 * margin)
        count = rng.poisson(area / pitch**2)
        seeds = rng.uniform((-margin, -margin), (height + margin, width + margin), (count, 2))
        weights = np.zeros(count)
        if kind == "laguerre":
            weights = (0.45 * pitch * np.exp(spread * rng.standard_normal(count) - spread**2)) ** 2
        return seeds, weights
    if kind == "squares":
        step = (pitch, pitch)
        rows = np.arange(-margin - 2 * step[0], height + margin + 2 * step[0], step[0])
        columns = np.arange(-margin - 2 * step[1], width + margin + 2 * step[1], step[1])
        lattice = np.stack(np.meshgrid(rows, columns, indexing="ij"), axis=-1).reshape(-1, 2)
        # the given point is a corner of the cells, half a pitch from the center
        phase = rng.uniform(0, pitch, 2) if offset_um is None else np.asarray(offset_um, dtype=float) + pitch / 2
    elif kind == "hexagons":
        side = pitch * sqrt(2 / (3 * sqrt(3)))
        step = (3 * side, sqrt(3) * side)
        rows = np.arange(-margin - 2 * step[0], height + margin + 2 * step[0], step[0])
        columns = np.arange(-margin - 2 * step[1], width + margin + 2 * step[1], step[1])
        even = np.stack(np.meshgrid(rows, columns, indexing="ij"), axis=-1).reshape(-1, 2)
        lattice = np.concatenate([even, even + np.array(step) / 2])
        phase = rng.uniform(0, 1, 2) * step if offset_um is None else np.asarray(offset_um, dtype=float)
    else:
        msg = f"synthetic.grains: unknown kind '{kind}'; there are: {', '.join(get_args(GrainKind))}"
        raise SettingsError(msg)
    # lattice points sit at multiples of the step, whatever the margin, so that the phase is a position
    origin = np.array([rows[0], columns[0]])
    lattice = lattice - origin + np.round(origin / step) * step
    seeds = lattice + np.mod(phase, step)
    return seeds, np.zeros(len(seeds))


class _Cells:
    """Cells of nuclei: nearest by distance (Voronoi) or by distance less weight (Laguerre)."""

    def __init__(self, seeds: NDArray[np.float64], weights: NDArray[np.float64]) -> None:
        self.seeds = seeds
        self.weights = weights
        self.power = bool(weights.any())
        # |x - s|^2 - w is smallest where |x - s|^2 + (w_max - w) is: a distance in one more dimension
        lift = np.sqrt(weights.max() - weights)[:, None] if self.power else np.empty((len(seeds), 0))
        self.tree = cKDTree(np.hstack([seeds, lift]), leafsize=8)

    def nearest(self, points: NDArray[np.float64], count: int) -> NDArray[np.intp]:
        """Indices of the nearest cells, (n, count), for points (n, 2) [um]."""
        if self.power:
            points = np.hstack([points, np.zeros((len(points), 1))])
        found: NDArray[np.intp] = self.tree.query(points, k=count)[1]
        return found.reshape(len(points), count)

    def gap(self, points: NDArray[np.float64], a: NDArray[np.intp], b: NDArray[np.intp]) -> NDArray[np.float64]:
        """Power distance to ``b`` less that to ``a`` [um2]."""
        to_a = ((points - self.seeds[a]) ** 2).sum(axis=-1) - self.weights[a]
        to_b = ((points - self.seeds[b]) ** 2).sum(axis=-1) - self.weights[b]
        difference: NDArray[np.float64] = to_b - to_a
        return difference


class _Warp:
    """Image space to seed space: a smooth random displacement (curved boundaries), then the stretch undone."""

    def __init__(
        self,
        rng: np.random.Generator,
        shape_px: Shape,
        pixel_um: float,
        pitch: float,
        stretch: float,
        slope: float,
    ) -> None:
        self.scale = np.array([sqrt(stretch), 1 / sqrt(stretch)])
        self.grids: list[Gray] = []
        if slope > 0:
            length = 0.35 * pitch  # correlation length of exp(-d^2 / (2 length^2)): a few bends per grain side
            self.step = length / 6
            self.margin = 5 * pitch * sqrt(stretch)
            extent = [ceil((n * pixel_um + 2 * self.margin) / self.step) + 8 for n in shape_px]
            # slope variance of a field with variance v is v / length^2
            deviation = slope * length
            self.grids = [
                (deviation * gaussian_field(rng, (extent[0], extent[1]), length / self.step)).astype(np.float32)
                for _ in range(2)
            ]

    def to_seed_space(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Map an image-like array of points (rows, columns, 2) [um]."""
        if self.grids:
            at = ((points + self.margin) / self.step + 3).astype(np.float32)
            moved = [
                cv2.remap(grid, at[..., 1], at[..., 0], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
                for grid in self.grids
            ]
            points = points + np.stack(moved, axis=-1)
        result: NDArray[np.float64] = points * self.scale
        return result


def _pixel_centers(shape_px: Shape, pixel_um: float) -> NDArray[np.float64]:
    rows = (np.arange(shape_px[0]) + 0.5) * pixel_um
    columns = (np.arange(shape_px[1]) + 0.5) * pixel_um
    return np.stack(np.meshgrid(rows, columns, indexing="ij"), axis=-1)


def _grain_process(kind: GrainKind, density: float, stretch: float, slope: float) -> dict[str, float]:
    if kind == "laguerre":
        return {}
    pitch = 1e3 / sqrt(density)
    if kind == "squares":
        isotropic, along = pi / 4, (1.0, 1.0)
    elif kind == "hexagons":
        side = sqrt(2 / (3 * sqrt(3)))
        isotropic = pi * sqrt(3) / 4 * side
        # crossings per length along rows and along columns: projected side length per cell area
        along = (1 / (2 * side), 1 / (sqrt(3) * side))
    else:
        isotropic, along = pi / 4, (pi / 4, pi / 4)
    truth = {"process.grains_per_mm2": density, "process.mean_grain_area_um2": pitch**2}
    g_area = log2(density) - G_FROM_DENSITY
    truth["process.grain_size_number.planimetric"] = truth["process.grain_size_number.mean_area"] = g_area
    if kind in ("squares", "hexagons"):
        if stretch != 1.0 or slope > 0:
            return truth  # crossings of a bent or stretched lattice depend on its position: no closed form
        lengths = (isotropic, *along)
    else:
        # a test line in the image is a bent and stretched line in seed space, where the mosaic is isotropic:
        # crossings grow with its length
        lengths = (
            isotropic / _line_growth(None, stretch, slope),
            isotropic / _line_growth(0.0, stretch, slope),
            isotropic / _line_growth(pi / 2, stretch, slope),
        )
    truth["process.mean_intercept_um"] = pitch * lengths[0]
    truth["process.mean_intercept_um.0deg"] = pitch * lengths[1]
    truth["process.mean_intercept_um.90deg"] = pitch * lengths[2]
    truth["process.grain_size_number.intercept"] = _g_from_intercept(truth["process.mean_intercept_um"])
    return truth


def _g_from_intercept(mean_intercept_um: float) -> float:
    return -2.0 * log2(mean_intercept_um / 320.0)


def _line_growth(angle: float | None, stretch: float, slope: float) -> float:
    """Mean length in seed space of a unit line of the image; ``angle`` from the rows [rad], None: isotropic.

    The line t becomes diag(sqrt(a), 1/sqrt(a)) (t + slope * g), g two independent standard normal numbers.
    """
    nodes, weights = roots_hermitenorm(24)
    weights = weights / weights.sum()
    angles = np.array([angle]) if angle is not None else (np.arange(360) + 0.5) * pi / 360
    a, b, c = np.meshgrid(nodes, nodes, angles, indexing="ij")
    row = (np.sin(c) + slope * a) * sqrt(stretch)
    column = (np.cos(c) + slope * b) / sqrt(stretch)
    mean = np.hypot(row, column).mean(axis=2)
    return float(weights @ mean @ weights)


def _grain_field(
    labels: LabelImage,
    present: NDArray[np.intp],
    cells: _Cells,
    warp: _Warp,
    shape_px: Shape,
    pixel_um: float,
    pitch: float,
    stretch: float,
) -> dict[str, float]:
    inside = np.bincount(labels.ravel(), minlength=len(present) + 1)[1:] * pixel_um**2
    # the parts of the cut grains outside the field, on a coarse grid around it
    ring = 4.0 * pitch * sqrt(stretch)
    step = pitch / 16
    spans = [np.arange(-ring, n * pixel_um + ring, step) + step / 2 for n in shape_px]
    outside = np.zeros(len(cells.seeds))
    for band in np.array_split(spans[0], 8):
        grid = np.stack(np.meshgrid(band, spans[1], indexing="ij"), axis=-1)
        free = (
            (grid[..., 0] < 0)
            | (grid[..., 0] > shape_px[0] * pixel_um)
            | (grid[..., 1] < 0)
            | (grid[..., 1] > shape_px[1] * pixel_um)
        )
        owner = cells.nearest(warp.to_seed_space(grid)[free], 1)[:, 0]
        outside += np.bincount(owner, minlength=len(outside)) * step**2
    area_um2 = shape_px[0] * shape_px[1] * pixel_um**2
    density = float((inside / (inside + outside[present])).sum() / area_um2 * 1e6)
    changes = {
        "0deg": (labels[:, 1:] != labels[:, :-1]).mean() / pixel_um,
        "90deg": (labels[1:] != labels[:-1]).mean() / pixel_um,
        "45deg": (labels[1:, 1:] != labels[:-1, :-1]).mean() / pixel_um / sqrt(2),
        "135deg": (labels[1:, :-1] != labels[:-1, 1:]).mean() / pixel_um / sqrt(2),
    }
    truth = {
        "field.grains": float(len(present)),
        "field.grains_per_mm2": density,
        "field.mean_grain_area_um2": 1e6 / density,
        "field.grain_size_number.planimetric": log2(density) - G_FROM_DENSITY,
        "field.grain_size_number.mean_area": log2(density) - G_FROM_DENSITY,
    }
    mean = sum(changes.values()) / 4
    if mean > 0:
        truth["field.mean_intercept_um"] = 1 / mean
        truth["field.grain_size_number.intercept"] = _g_from_intercept(1 / mean)
    truth |= {f"field.mean_intercept_um.{k}": 1 / changes[k] for k in ("0deg", "90deg") if changes[k] > 0}
    return {name: float(value) for name, value in truth.items()}


def _paint_grains(
    rng: np.random.Generator,
    at: NDArray[np.float64],
    owner: NDArray[np.intp],
    nearest: NDArray[np.intp],
    cells: _Cells,
    *,
    pixel_um: float,
    pitch: float,
    stretch: float,
    look: GrainLook,
    line_px: float,
    etch: float,
    faint: float,
    grain_contrast: float,
    twins: float,
) -> Gray:
    shape = owner.shape
    count = len(cells.seeds)
    tinted = look == "tinted"
    ground = {"etched": 0.86, "bright": 0.42, "tinted": 0.55}[look]
    shade = grain_contrast * rng.standard_normal(count)
    if tinted:
        # a tint shows orientation: spread evenly, so that neighbors differ
        shade = 5 * grain_contrast * 2 * sqrt(3) * (rng.permutation(count) / max(count - 1, 1) - 0.5)
    gray = (ground + shade[owner]).astype(np.float32)
    gray += 0.010 * cloud(rng, shape, 0.2 * pitch / pixel_um) + 0.006 * cloud(rng, shape, 2.0)

    points = at.reshape(-1, 2)
    if twins > 0:
        # twin planes stay straight where the boundaries bend
        straight = (_pixel_centers(shape, pixel_um) * (sqrt(stretch), 1 / sqrt(stretch))).reshape(-1, 2)
        _paint_twins(
            rng, gray, straight, owner, cells.seeds, pixel_um=pixel_um, pitch=pitch, share=twins, tinted=tinted
        )

    # distance to the boundary between the two nearest nuclei, in image pixels
    first, second, third = nearest[:, 0], nearest[:, 1], nearest[:, 2]
    normal = cells.seeds[second] - cells.seeds[first]
    along = normal * (sqrt(stretch), 1 / sqrt(stretch))
    distance = cells.gap(points, first, second) / (2 * np.hypot(along[:, 0], along[:, 1])) / pixel_um
    near = np.flatnonzero(distance < 4 * line_px + 2)
    distance = distance[near]
    low, high = np.minimum(first[near], second[near]), np.maximum(first[near], second[near])
    chance = pair_noise(low, high, 1)
    half_width = line_px / 2 * (0.65 + 0.7 * pair_noise(low, high, 2))
    strength = etch * (0.7 + 0.3 * chance)
    if faint > 0:
        strength = np.where(pair_noise(low, high, 3) < faint, strength * (0.05 + 0.35 * chance), strength)
    patchy = cloud(rng, shape, 0.3 * pitch / pixel_um).ravel()[near]
    strength = strength * np.clip(0.92 + 0.14 * patchy, 0.35 if faint > 0 else 0.6, 1.1)
    half_width = half_width * np.clip(1 + 0.22 * patchy, 0.5, 1.6)
    cover = np.clip(half_width - distance + 0.5, 0, 1)
    shoulder = 0.16 * np.exp(-((distance / (1.8 * half_width + 0.8)) ** 2))
    depth = strength * np.maximum(cover, shoulder)
    # etchant digs deeper where three grains meet
    third_gap = cells.gap(points[near], first[near], third[near])
    reach = (0.5 + 1.6 * pair_noise(low + high, third[near], 4)) * line_px * pixel_um
    corner = np.clip(1 - third_gap / (2 * pitch * reach), 0, 1) * np.clip(1.6 * half_width - distance + 0.5, 0, 1)
    depth = np.maximum(depth, 0.9 * strength * corner)
    flat = gray.reshape(-1)
    if tinted:
        flat[near] *= (1 - 0.25 * depth).astype(np.float32)
    elif look == "bright":
        flat[near] += (depth * (0.95 - flat[near])).astype(np.float32)
    else:
        flat[near] *= (1 - 0.88 * depth).astype(np.float32)
    return blurred(gray, 0.6)


def _paint_twins(
    rng: np.random.Generator,
    gray: Gray,
    points: NDArray[np.float64],
    owner: NDArray[np.intp],
    seeds: NDArray[np.float64],
    *,
    pixel_um: float,
    pitch: float,
    share: float,
    tinted: bool,
) -> None:
    """Parallel-sided bands through a share of the grains."""
    count = len(seeds)
    angle = rng.uniform(0, pi, count)
    normal = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    middle = rng.uniform(-0.2, 0.2, count) * pitch
    half = rng.uniform(0.05, 0.17, count) * pitch
    step = rng.choice([-1.0, 1.0], count) * rng.uniform(0.04, 0.10, count) * (3.0 if tinted else 1.0)
    twinned = rng.uniform(size=count) < share
    which = np.flatnonzero(twinned[owner.ravel()])
    grain = owner.ravel()[which]
    across = ((points[which] - seeds[grain]) * normal[grain]).sum(axis=1)
    distance = (half[grain] - np.abs(across - middle[grain])) / pixel_um
    flat = gray.reshape(-1)
    flat[which] += (step[grain] * np.clip(distance + 0.5, 0, 1)).astype(np.float32)
    flat[which] -= (0.22 * np.clip(1.1 - np.abs(distance), 0, 1)).astype(np.float32)
