"""Synthetic micrographs and X-ray images with exactly known truth: public, fast, deterministic by seed.

Every generator is keyword-only and gives a ``Field``: 8-bit pixels, the label image of a perfect
segmentation, the scale and the truth. Truth has two kinds of numbers, told apart by their prefix.

``process.<quantity>``
    The expected value of the random process that the field was drawn from, from a closed formula. A
    measurement over many fields must agree with it; a stated interval must cover it.
``field.<quantity>``
    What this very field holds, found from the geometry that was drawn (not from the gray values). A
    perfect segmentation measures it.

Quantities carry the names of the reports (``area_percent.<class>``, ``porosity_percent``,
``grain_size_number.planimetric`` ...), so that the two can be compared key by key.

Generators::

    grains(seed=, grain_size_number= | grains_per_mm2=, kind="poisson_voronoi", ...)   instance labels
    two_phase(seed=, area_percent=, feature_um=, kind="gaussian", ...)                semantic labels
    multi_phase(seed=, area_percents={name: %}, feature_um=, ...)                     semantic labels
    pores(seed=, porosity_percent=, mean_ecd_um=, ...)                                semantic labels
    solder_balls(seed=, rows=, columns=, diameter_um=, void_percent=, ...)            0 background, 1 joint, 2 void
    thermal_pad(seed=, size_um=, void_percent=, ...)                                  the same
    die_attach(seed=, size_um=, void_percent=, ...)                                   the same
    degrade(pixels, level, seed=)                                                     what a microscope does to them

Objects are drawn with the share of each pixel that they cover (from the distance to their outline),
so that edges are physical and areas are not biased by the pixel grid.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil, cos, exp, hypot, log, log2, pi, sin, sqrt
from typing import Literal, TypeAlias, get_args

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import fft
from scipy.spatial import cKDTree
from scipy.special import ndtr, ndtri, roots_hermitenorm

from inspect_tool.errors import SettingsError
from inspect_tool.model import LabelImage

Image: TypeAlias = NDArray[np.uint8]
Gray: TypeAlias = NDArray[np.float32]
Shape: TypeAlias = tuple[int, ...]  # rows, columns
GrainKind: TypeAlias = Literal["poisson_voronoi", "hexagons", "squares", "laguerre", "elongated"]
GrainLook: TypeAlias = Literal["etched", "bright", "tinted"]
PhaseKind: TypeAlias = Literal["gaussian", "boolean", "particles"]

G_FROM_DENSITY = log2(10000 / 645.16) - 1.0
"""log2 of the grains per mm2 at G = 0: 2**(G - 1) grains per square inch at 100x (definition of ASTM E112)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Joint:
    """True geometry of one solder joint; positions in pixels, percentages of the joint's projected area."""

    joint: int  # 1-based, row by row
    row_px: float
    column_px: float
    area_um2: float
    void_percent: float  # union of the projected voids
    largest_void_percent: float  # largest connected projected void
    quadrants: tuple[float, ...] = ()  # void % of the quadrants: top left, top right, bottom left, bottom right


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Field:
    """One synthetic field and everything that is known about it."""

    pixels: Image  # (rows, columns)
    labels: LabelImage  # (rows, columns): grain numbers (kind "instance") or class numbers ("semantic")
    classes: Mapping[int, str]
    kind: Literal["semantic", "instance"]
    pixel_um: float  # [um/px]
    truth: Mapping[str, float]  # "process.<quantity>" and "field.<quantity>"
    joints: tuple[Joint, ...] = ()
    vias_px: tuple[tuple[float, float, float], ...] = ()  # row, column, radius: light discs that are not voids


@dataclass(frozen=True, slots=True, kw_only=True)
class Degradation:
    """What is done to perfect pixels; 0 everywhere is nothing. Gray values run from 0 to 255."""

    shading: float = 0.0  # darkening towards one corner, share of the gray value [1]
    blur_px: float = 0.0  # standard deviation of the point spread
    contrast: float = 1.0  # factor about the mean gray value [1]
    electrons: float = 0.0  # full well of the camera: shot noise is sqrt(signal); 0 is no shot noise
    read_noise: float = 0.0  # standard deviation [gray levels]
    scratches: int = 0  # per megapixel
    pits: int = 0  # small dark spots per megapixel; nobody can tell them from pores
    stains: float = 0.0  # depth of soft spots and etch clouds [gray levels]
    jpeg_quality: int = 0  # 1-100; 0 is no round trip


LEVELS: tuple[Degradation, ...] = (
    Degradation(),
    Degradation(shading=0.05, blur_px=0.5, electrons=20000, read_noise=1.0, stains=1.5),
    Degradation(
        shading=0.14, blur_px=0.8, contrast=0.9, electrons=8000, read_noise=2.0, scratches=4, pits=12, stains=4.0
    ),
    Degradation(
        shading=0.28,
        blur_px=1.3,
        contrast=0.7,
        electrons=2500,
        read_noise=4.5,
        scratches=14,
        pits=45,
        stains=9.0,
        jpeg_quality=70,
    ),
)
"""0 as drawn, 1 good laboratory image, 2 ordinary, 3 poor."""


# ------------------------------------------------------------------------------------------------- grains


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
            outline = _Outline.disc(rng.uniform(0, rows), rng.uniform(0, columns), rng.uniform(0.8, 2.6))
            _darken(pixels, outline, rng.uniform(0.3, 0.75))
    return Field(
        pixels=_to_8bit(pixels),
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
                (deviation * _gaussian_field(rng, (extent[0], extent[1]), length / self.step)).astype(np.float32)
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
    gray += 0.010 * _cloud(rng, shape, 0.2 * pitch / pixel_um) + 0.006 * _cloud(rng, shape, 2.0)

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
    chance = _pair_noise(low, high, 1)
    half_width = line_px / 2 * (0.65 + 0.7 * _pair_noise(low, high, 2))
    strength = etch * (0.7 + 0.3 * chance)
    if faint > 0:
        strength = np.where(_pair_noise(low, high, 3) < faint, strength * (0.05 + 0.35 * chance), strength)
    patchy = _cloud(rng, shape, 0.3 * pitch / pixel_um).ravel()[near]
    strength = strength * np.clip(0.92 + 0.14 * patchy, 0.35 if faint > 0 else 0.6, 1.1)
    half_width = half_width * np.clip(1 + 0.22 * patchy, 0.5, 1.6)
    cover = np.clip(half_width - distance + 0.5, 0, 1)
    shoulder = 0.16 * np.exp(-((distance / (1.8 * half_width + 0.8)) ** 2))
    depth = strength * np.maximum(cover, shoulder)
    # etchant digs deeper where three grains meet
    third_gap = cells.gap(points[near], first[near], third[near])
    reach = (0.5 + 1.6 * _pair_noise(low + high, third[near], 4)) * line_px * pixel_um
    corner = np.clip(1 - third_gap / (2 * pitch * reach), 0, 1) * np.clip(1.6 * half_width - distance + 0.5, 0, 1)
    depth = np.maximum(depth, 0.9 * strength * corner)
    flat = gray.reshape(-1)
    if tinted:
        flat[near] *= (1 - 0.25 * depth).astype(np.float32)
    elif look == "bright":
        flat[near] += (depth * (0.95 - flat[near])).astype(np.float32)
    else:
        flat[near] *= (1 - 0.88 * depth).astype(np.float32)
    return _blurred(gray, 0.6)


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


# ------------------------------------------------------------------------------------------------- phases


def two_phase(
    *,
    seed: int,
    area_percent: float,
    feature_um: float,
    kind: PhaseKind = "gaussian",
    shape_px: Shape = (800, 1000),
    pixel_um: float = 0.5,
    name: str = "second",
    matrix: str = "matrix",
    gray: tuple[float, float] = (0.75, 0.3),
    texture: tuple[float, float] = (0.02, 0.03),
    edge: float = 0.0,
) -> Field:
    """Draw a phase of known area fraction in a matrix.

    Parameters
    ----------
    seed : int
        The same seed gives the same field.
    area_percent : float
        Expected area fraction of the phase. [%]
    feature_um : float
        Mean intercept length of the phase, V_V / N_L, of the process; "particles": of their equivalent
        circles, which is a few percent more. [um]
    kind : str
        "gaussian": thresholded Gaussian random field; "boolean": discs that may overlap; "particles":
        rounded particles that do not, up to 40 %.
    name, matrix : str
        Names of the classes 1 and 0.
    gray, texture : tuple of float
        Mean and standard deviation of the gray value of matrix and phase, shares of the full range.
    edge : float
        Depth of a dark line along the phase border, share of the gray value.

    Returns
    -------
    Field
        Semantic labels. Truth ``area_percent.<name>`` and ``area_percent.<matrix>`` of process and field;
        for "gaussian" and "boolean" also ``process.intercepts_per_mm`` (N_L), ``mean_intercept_um`` and
        ``mean_free_path_um`` (ASTM E1245 sense).

    References
    ----------
    Gaussian field: crossings after S. O. Rice (1944). Boolean model: D. Stoyan et al., Stochastic Geometry.

    Examples
    --------
    >>> field = two_phase(seed=1, area_percent=30.0, feature_um=8.0, shape_px=(64, 64))
    >>> round(field.truth["process.mean_free_path_um"], 3)
    18.667
    """
    rng = np.random.default_rng(seed)
    share = _share(area_percent, "two_phase")
    truth: dict[str, float] = {}
    if kind == "gaussian":
        cover, labels = _gaussian_phase(rng, shape_px, share, feature_um / pixel_um)
    elif kind == "boolean":
        cover, labels = _boolean_phase(rng, shape_px, share, feature_um / pixel_um)
    elif kind == "particles":
        cover, labels = _particle_phase(rng, shape_px, share, feature_um / pixel_um)
    else:
        msg = f"synthetic.two_phase: unknown kind '{kind}'; there are: {', '.join(get_args(PhaseKind))}"
        raise SettingsError(msg)
    # every pixel center is a test point: unbiased, whatever the shape
    found = 100 * float(labels.mean())
    truth = {
        f"process.area_percent.{name}": area_percent,
        f"process.area_percent.{matrix}": 100 - area_percent,
        f"field.area_percent.{name}": found,
        f"field.area_percent.{matrix}": 100 - found,
    }
    if kind != "particles":
        truth |= {
            "process.intercepts_per_mm": 1e3 * share / feature_um,
            "process.mean_intercept_um": feature_um,
            "process.mean_free_path_um": feature_um * (1 - share) / share,
        }
    picture = _paint_phases(rng, [cover], gray, texture, edge, feature_um / pixel_um)
    return Field(
        pixels=_to_8bit(picture),
        labels=labels.astype(np.int32),
        classes={0: matrix, 1: name},
        kind="semantic",
        pixel_um=pixel_um,
        truth=truth,
    )


def multi_phase(
    *,
    seed: int,
    area_percents: Mapping[str, float],
    feature_um: float,
    shape_px: Shape = (800, 1000),
    pixel_um: float = 0.5,
    matrix: str = "matrix",
    gray: Sequence[float] = (0.82, 0.5, 0.2, 0.35),
    texture: Sequence[float] = (0.02, 0.02, 0.03, 0.03),
    edge: float = 0.0,
) -> Field:
    """Draw several phases of known area fraction; classes 1, 2, ... in the order of ``area_percents``.

    Each phase is a thresholded Gaussian random field on what the phases before it left free, so that the
    expected fractions are exact. ``gray`` and ``texture`` start with the matrix. See ``two_phase``.

    Examples
    --------
    >>> field = multi_phase(seed=1, area_percents={"pearlite": 20.0, "carbide": 5.0}, feature_um=6.0, shape_px=(64, 64))
    >>> field.classes
    {0: 'matrix', 1: 'pearlite', 2: 'carbide'}
    """
    rng = np.random.default_rng(seed)
    total = sum(area_percents.values())
    if not area_percents or total >= 100 or len(area_percents) >= len(gray) or len(gray) != len(texture):
        msg = (
            f"synthetic.multi_phase: {len(area_percents)} phases of together {total:g} % and {len(gray)} gray values; "
            "give phases of less than 100 % together, one gray and one texture for each and for the matrix"
        )
        raise SettingsError(msg)
    free = np.ones(shape_px, dtype=np.float32)
    labels = np.zeros(shape_px, dtype=np.int32)
    left = 1.0
    covers = []
    truth: dict[str, float] = {}
    for number, (name, percent) in enumerate(area_percents.items(), start=1):
        share = _share(percent, "multi_phase")
        cover, mask = _gaussian_phase(rng, shape_px, share / left, feature_um / pixel_um)
        cover = cover * free
        labels[(mask == 1) & (labels == 0)] = number
        free = free - cover
        left -= share
        covers.append(cover)
        truth[f"process.area_percent.{name}"] = percent
        truth[f"field.area_percent.{name}"] = 100 * float((labels == number).mean())
    truth[f"process.area_percent.{matrix}"] = 100 - total
    truth[f"field.area_percent.{matrix}"] = 100 * float((labels == 0).mean())
    picture = _paint_phases(rng, covers, gray, texture, edge, feature_um / pixel_um)
    return Field(
        pixels=_to_8bit(picture),
        labels=labels,
        classes={0: matrix, **dict(enumerate(area_percents, start=1))},
        kind="semantic",
        pixel_um=pixel_um,
        truth=truth,
    )


def _share(percent: float, where: str) -> float:
    if not 0 < percent < 100:
        msg = f"synthetic.{where}: area fraction is {percent:g} %, must lie between 0 and 100"
        raise SettingsError(msg)
    return percent / 100


def _gaussian_phase(
    rng: np.random.Generator, shape: Shape, share: float, feature_px: float
) -> tuple[Gray, NDArray[np.uint8]]:
    level = float(ndtri(1 - share))
    # N_L = sqrt(l2) / (2 pi) exp(-level^2 / 2), l2 the variance of the slope; the spectrum below has l2 = cut^2
    cut = 2 * pi * share / feature_px * exp(level**2 / 2)
    rows, columns = (_fft_length(n + 4 * feature_px) for n in shape)
    k2 = (2 * pi * fft.fftfreq(rows)[:, None]) ** 2 + (2 * pi * fft.rfftfreq(columns)[None, :]) ** 2
    spectrum = np.sqrt(k2) * np.exp(-k2 / (2 * cut**2))
    field = _filtered_noise(rng, (rows, columns), spectrum)[: shape[0] + 2, : shape[1] + 2] - level
    slope = np.hypot(field[2:, 1:-1] - field[:-2, 1:-1], field[1:-1, 2:] - field[1:-1, :-2]) / 2
    field = field[1:-1, 1:-1]
    cover = np.clip(0.5 + field / np.maximum(slope, 1e-6), 0, 1).astype(np.float32)
    return cover, (field > 0).astype(np.uint8)


def _boolean_phase(
    rng: np.random.Generator, shape: Shape, share: float, feature_px: float
) -> tuple[Gray, NDArray[np.uint8]]:
    mean_cover = -log(1 - share)  # discs over one point
    # V_V / N_L of discs of radius R: (1 - q) pi R / (2 nu q), with q = exp(-nu)
    radius = feature_px * 2 * mean_cover * (1 - share) / (pi * share)
    margin = radius + 2
    area = (shape[0] + 2 * margin) * (shape[1] + 2 * margin)
    uncovered = np.ones(shape, dtype=np.float32)
    hit = np.zeros(shape, dtype=np.uint8)
    for _ in range(rng.poisson(mean_cover / (pi * radius**2) * area)):
        outline = _Outline.disc(
            rng.uniform(-margin, shape[0] + margin), rng.uniform(-margin, shape[1] + margin), radius
        )
        window, cover, inside = outline.patch(shape)
        if cover.size:
            # overlapping borders: the larger cover, since independent covers would count slivers twice
            uncovered[window] = np.minimum(uncovered[window], 1 - cover)
            hit[window] |= inside
    return 1 - uncovered, hit


def _particle_phase(
    rng: np.random.Generator, shape: Shape, share: float, feature_px: float
) -> tuple[Gray, NDArray[np.uint8]]:
    if share > 0.4:
        msg = f"synthetic: particles that do not overlap fill at most 40 %, not {100 * share:g} %; use kind 'gaussian'"
        raise SettingsError(msg)
    # mean intercept of discs: V_V / N_L = (pi / 4) E[d^2] / E[d]
    spread = 0.35
    low, high = -2.0, 2.0
    mean = _cut_moment(spread, 1, low, high)
    square = _cut_moment(spread, 2, low, high)
    median = feature_px * 4 / pi * mean / square
    area = pi / 4 * square * median**2
    outlines = _placed(
        rng,
        shape,
        lambda row, column: _Outline.star(
            rng,
            row,
            column,
            median * exp(spread * _cut_normal(rng, low, high)),
            rough=0.10,
            stretch=rng.uniform(1, 1.5),
        ),
        share / area,
        largest_px=median * exp(spread * high),
        gap_px=1.5,
    )
    return _drawn(shape, outlines)


def _paint_phases(
    rng: np.random.Generator,
    covers: Sequence[Gray],
    gray: Sequence[float],
    texture: Sequence[float],
    edge: float,
    feature_px: float,
) -> Gray:
    shape = covers[0].shape
    grain = max(feature_px / 5, 1.5)
    free = np.ones(shape, dtype=np.float32)
    picture = np.zeros(shape, dtype=np.float32)
    border = np.zeros(shape, dtype=np.float32)
    for cover, level, rough in zip(covers, gray[1:], texture[1:], strict=False):
        surface = level + rough * (0.7 * _cloud(rng, shape, grain) + 0.7 * _cloud(rng, shape, 1.6))
        picture += cover * surface
        free -= cover
        if edge > 0:
            soft = _blurred(cover, 1.2)
            border = np.maximum(border, 4 * soft * (1 - soft))
    ground = gray[0] + texture[0] * (0.7 * _cloud(rng, shape, 3 * grain) + 0.7 * _cloud(rng, shape, 1.6))
    picture += free * ground
    if edge > 0:
        picture *= 1 - edge * border
    return _blurred(picture, 0.5)


# -------------------------------------------------------------------------------------------------- pores


def pores(
    *,
    seed: int,
    porosity_percent: float,
    mean_ecd_um: float,
    spread: float = 0.45,
    shrinkage: float = 0.25,
    clusters: float = 0.0,
    shape_px: Shape = (800, 1000),
    pixel_um: float = 1.0,
    gray: tuple[float, float] = (0.72, 0.12),
    rim: float = 0.35,
    inclusions_per_mm2: float = 0.0,
    scratches: int = 0,
    stains: float = 0.0,
) -> Field:
    """Draw pores in a polished surface, none touching another.

    Parameters
    ----------
    seed : int
        The same seed gives the same field.
    porosity_percent : float
        Expected area fraction, up to 30 %. [%]
    mean_ecd_um : float
        Expected equivalent circle diameter by number. [um]
    spread : float
        Standard deviation of the logarithm of the diameters, which are log-normal, cut at 2.5 of it. [1]
    shrinkage : float
        Share of pores that are irregular (shrinkage) instead of round (gas). [1]
    clusters : float
        Share of pores that sit close to another one. [1]
    gray : tuple of float
        Gray value of metal and pore, shares of the full range.
    rim : float
        Height of the bright rim and of the gradient inside the pores, share of the metal's gray value.
    inclusions_per_mm2 : float
        Gray inclusions: no pores, and lighter than half way between metal and pore.
    scratches : int
        Polishing scratches per megapixel.
    stains : float
        Depth of drying stains, share of the full range.

    Returns
    -------
    Field
        Semantic labels, 1 = pore. Truth of process and field: ``porosity_percent``, ``pore_count_per_mm2``,
        ``mean_pore_ecd_um``; field also ``largest_pore_feret_um``, ``pore_count``. A pore belongs to the field
        when its center lies in it; the porosity takes every pore with the part inside.

    Examples
    --------
    >>> field = pores(seed=1, porosity_percent=2.0, mean_ecd_um=20.0, shape_px=(200, 200))
    >>> field.classes
    {0: 'metal', 1: 'pore'}
    """
    rng = np.random.default_rng(seed)
    share = _share(porosity_percent, "pores")
    if share > 0.3:
        msg = f"synthetic.pores: pores that do not touch fill at most 30 %, not {porosity_percent:g} %"
        raise SettingsError(msg)
    cut = 2.5
    median_px = mean_ecd_um / pixel_um / _cut_moment(spread, 1, -cut, cut)
    area_px = pi / 4 * median_px**2 * _cut_moment(spread, 2, -cut, cut)
    per_px2 = share / area_px

    def one(row: float, column: float) -> "_Outline":
        ecd = median_px * exp(spread * _cut_normal(rng, -cut, cut))
        if rng.uniform() < shrinkage:
            return _Outline.star(rng, row, column, ecd, rough=rng.uniform(0.3, 0.5), stretch=rng.uniform(1.2, 2.4))
        return _Outline.star(rng, row, column, ecd, rough=0.03, stretch=rng.uniform(1, 1.12))

    largest_px = 1.5 * median_px * exp(cut * spread)
    outlines = _placed(rng, shape_px, one, per_px2, largest_px=largest_px, gap_px=3.0, near=clusters)
    cover, labels = _drawn(shape_px, outlines)
    mine = [o for o in outlines if -0.5 <= o.row < shape_px[0] - 0.5 and -0.5 <= o.column < shape_px[1] - 0.5]
    area_mm2 = shape_px[0] * shape_px[1] * pixel_um**2 * 1e-6
    truth = {
        "process.porosity_percent": porosity_percent,
        "process.pore_count_per_mm2": per_px2 / pixel_um**2 * 1e6,
        "process.mean_pore_ecd_um": mean_ecd_um,
        "field.porosity_percent": 100 * float(cover.mean()),
        "field.pore_count": float(len(mine)),
        "field.pore_count_per_mm2": len(mine) / area_mm2,
    }
    if mine:
        truth["field.mean_pore_ecd_um"] = sum(o.ecd for o in mine) / len(mine) * pixel_um
        truth["field.largest_pore_feret_um"] = max(o.feret() for o in mine) * pixel_um
    picture = _paint_pores(rng, cover, gray, rim)
    rows, columns = shape_px
    for _ in range(rng.poisson(inclusions_per_mm2 * area_mm2)):
        outline = _Outline.star(
            rng, rng.uniform(0, rows), rng.uniform(0, columns), rng.uniform(3, 9), rough=0.12, stretch=rng.uniform(1, 2)
        )
        window, part, _ = outline.patch(shape_px)
        if part.size and not cover[window].any():
            picture[window] *= 1 - 0.25 * part
    if scratches:
        picture -= 0.10 * _scratches(rng, shape_px, scratches, 0.9) * (1 - cover)
    if stains > 0:
        picture -= stains * np.clip(_cloud(rng, shape_px, 0.12 * min(shape_px)) - 0.8, 0, None) * (1 - cover)
    return Field(
        pixels=_to_8bit(_blurred(picture, 0.55)),
        labels=labels.astype(np.int32),
        classes={0: "metal", 1: "pore"},
        kind="semantic",
        pixel_um=pixel_um,
        truth=truth,
    )


def _paint_pores(rng: np.random.Generator, cover: Gray, gray: tuple[float, float], rim: float) -> Gray:
    """Metal with a faint polishing texture; pores dark, lighter glints at their bottom, a bright rounded edge."""
    shape = cover.shape
    metal = gray[0] * (
        1 + 0.007 * _cloud(rng, shape, 9.0) + 0.006 * _cloud(rng, shape, 60.0) + 0.012 * _cloud(rng, shape, 1.5)
    )
    wide = _blurred(cover, 2.0)
    metal = metal * (1 + 0.35 * rim * wide)
    depth = _blurred(cover, 4.0)
    glint = np.clip(_cloud(rng, shape, 3.5) - 1.6, 0, 1)
    pore = gray[1] + 0.4 * rim * gray[0] * np.clip(0.8 - depth, 0, 1) + 0.15 * rim * glint
    return np.asarray(cover * pore + (1 - cover) * metal, dtype=np.float32)


# ------------------------------------------------------------------------------------------------- solder


def solder_balls(
    *,
    seed: int,
    rows: int = 4,
    columns: int = 5,
    diameter_um: float = 500.0,
    pitch_um: float | None = None,
    pixel_um: float = 6.0,
    void_percent: float | Sequence[float] = 8.0,
    voids_per_joint: int = 3,
    voids: Sequence[Sequence[tuple[float, float, float]]] | None = None,
    void_edge: float = 0.2,
    height_ratio: float = 0.75,
    absorption: float = 2.0,
    vias: bool = True,
    traces: bool = True,
    background: float = 0.86,
    blur_px: float = 0.8,
) -> Field:
    """Draw an X-ray image of a ball grid array.

    Parameters
    ----------
    seed : int
        The same seed gives the same field.
    rows, columns : int
        Of the array; the joints are numbered row by row.
    diameter_um, pitch_um : float
        Of the projected balls; pitch 1.6 diameters unless given. [um]
    void_percent : float or sequence of float
        Wanted void share of each joint, or its mean, from which joints scatter (0 to about 2.5 times). [%]
    voids_per_joint : int
        Most voids in one joint.
    voids : sequence of sequence of (row_um, column_um, diameter_um)
        Voids of every joint, given exactly, from the center of the joint. They may overlap; only the part
        inside the ball counts.
    void_edge : float
        Steepness of the voids: thickness (1 - (d/r)^2)^void_edge; 0.5 sphere, 0.2 flattened, 0 disc.
    height_ratio : float
        Height of the collapsed ball over its diameter (truncated sphere). [1]
    absorption : float
        Attenuation over one ball height, Beer-Lambert exponent. [1]
    vias, traces : bool
        Plated holes and copper traces of the board, which are no voids.

    Returns
    -------
    Field
        Labels 0 background, 1 joint, 2 void; ``joints`` with the exact projected shares; truth of the field
        ``void_percent.max``, ``void_percent.mean``, ``largest_void_percent.max``.

    Examples
    --------
    >>> field = solder_balls(seed=1, rows=1, columns=1, voids=[[(0.0, 0.0, 200.0)]])
    >>> round(field.joints[0].void_percent, 6)
    16.0
    """
    rng = np.random.default_rng(seed)
    pitch = pitch_um if pitch_um is not None else 1.6 * diameter_um
    if pitch < 1.05 * diameter_um:
        msg = f"synthetic.solder_balls: pitch {pitch:g} um leaves no gap between balls of {diameter_um:g} um"
        raise SettingsError(msg)
    count = rows * columns
    radius = diameter_um / 2
    if voids is None:
        wanted = _void_shares(rng, void_percent, count, "solder_balls")
        voids = [_random_voids(rng, share, radius, voids_per_joint) for share in wanted]
    if len(voids) != count:
        msg = f"synthetic.solder_balls: voids of {len(voids)} joints given, the array has {count}"
        raise SettingsError(msg)
    step, r_px = pitch / pixel_um, radius / pixel_um
    shape = (ceil((rows + 0.25) * step), ceil((columns + 0.25) * step))
    at = [
        ((shape[0] - 1) / 2 + (i - (rows - 1) / 2) * step, (shape[1] - 1) / 2 + (j - (columns - 1) / 2) * step)
        for i in range(rows)
        for j in range(columns)
    ]
    board, vias_px = _board(rng, shape, at, step, r_px, vias=vias, traces=traces)
    labels = np.zeros(shape, dtype=np.int32)
    path = np.zeros(shape, dtype=np.float32)  # solder in units of the ball height
    joints = []
    for number, ((row, column), holes) in enumerate(zip(at, voids, strict=True), start=1):
        window, d2 = _around(shape, row, column, r_px + 2)
        ball = np.minimum(2 * np.sqrt(np.clip(r_px**2 - d2, 0, None)), 2 * r_px * height_ratio) / (
            2 * r_px * height_ratio
        )
        # the rim is a circle whatever the height: cover of the outermost pixels
        ball *= np.clip(r_px - np.sqrt(d2) + 0.5, 0, 1)
        labels[window][d2 <= r_px**2] = 1
        taken = np.zeros_like(ball)
        for hole_row, hole_column, hole_diameter in holes:
            r = hole_diameter / 2 / pixel_um
            _, h2 = _around(shape, row + hole_row / pixel_um, column + hole_column / pixel_um, 0, window)
            profile = np.clip(1 - h2 / r**2, 0, 1) ** void_edge * np.clip(r - np.sqrt(h2) + 0.5, 0, 1)
            # a void is a little thicker than wide, up to four fifths of the joint
            taken = np.maximum(taken, min(0.8, 1.3 * r / (r_px * height_ratio)) * profile)
            labels[window][(h2 <= r**2) & (d2 <= r_px**2)] = 2
        path[window] = np.maximum(path[window], ball - np.minimum(taken, ball))
        groups = _void_groups(holes, radius)
        total = 100 * sum(groups) / (pi * radius**2)
        joints.append(
            Joint(
                joint=number,
                row_px=row,
                column_px=column,
                area_um2=pi * radius**2,
                void_percent=total,
                largest_void_percent=100 * max(groups, default=0.0) / (pi * radius**2),
            )
        )
    light = background * board * np.exp(-absorption * path)
    return _xray_field(rng, light, labels, joints, vias_px, pixel_um, blur_px)


def thermal_pad(
    *,
    seed: int,
    size_um: tuple[float, float] = (4000.0, 4000.0),
    void_percent: float = 18.0,
    voids: int = 30,
    pixel_um: float = 8.0,
    leads: bool = True,
    vias: tuple[int, int] | None = None,
    via_diameter_um: float = 250.0,
    absorption: float = 1.1,
    background: float = 0.88,
    blur_px: float = 0.8,
) -> Field:
    """Draw an X-ray image of the thermal pad of a bottom-terminated package (QFN), one joint.

    Parameters
    ----------
    seed : int
        The same seed gives the same field.
    size_um : tuple of float
        Height and width of the pad. [um]
    void_percent : float
        Void share aimed at, of the solderable area; the truth is what was drawn. [%]
    voids : int
        Number of voids, a few large and many small ones, round to irregular, not touching.
    leads : bool
        Draw the terminals around the pad.
    vias : tuple of int
        Rows and columns of vias in the pad: light discs that belong neither to the joint nor to the voids
        (label 0, listed in ``vias_px``).

    Returns
    -------
    Field
        As ``solder_balls``; the joint has ``quadrants``.

    Examples
    --------
    >>> field = thermal_pad(seed=1, size_um=(1000.0, 1000.0), voids=5)
    >>> len(field.joints), len(field.joints[0].quadrants)
    (1, 4)
    """
    return _slab(
        seed=seed,
        where="thermal_pad",
        size_um=size_um,
        void_percent=void_percent,
        voids=voids,
        pixel_um=pixel_um,
        leads=leads,
        vias=vias,
        via_um=via_diameter_um,
        absorption=absorption,
        background=background,
        blur_px=blur_px,
        corner=0.04,
        rough=0.10,
        die=0.0,
    )


def die_attach(
    *,
    seed: int,
    size_um: tuple[float, float] = (4000.0, 4000.0),
    void_percent: float = 10.0,
    voids: int = 14,
    pixel_um: float = 8.0,
    absorption: float = 0.7,
    background: float = 0.7,
    blur_px: float = 0.9,
) -> Field:
    """Draw an X-ray image of the solder under a die: as ``thermal_pad``, with irregular voids and a substrate behind.

    Examples
    --------
    >>> field = die_attach(seed=1, size_um=(1000.0, 1000.0), voids=3)
    >>> field.classes
    {0: 'background', 1: 'joint', 2: 'void'}
    """
    return _slab(
        seed=seed,
        where="die_attach",
        size_um=size_um,
        void_percent=void_percent,
        voids=voids,
        pixel_um=pixel_um,
        leads=False,
        vias=None,
        via_um=0.0,
        absorption=absorption,
        background=background,
        blur_px=blur_px,
        corner=0.01,
        rough=0.28,
        die=0.18,
    )


def _slab(
    *,
    seed: int,
    where: str,
    size_um: tuple[float, float],
    void_percent: float,
    voids: int,
    pixel_um: float,
    leads: bool,
    vias: tuple[int, int] | None,
    via_um: float,
    absorption: float,
    background: float,
    blur_px: float,
    corner: float,
    rough: float,
    die: float,
) -> Field:
    rng = np.random.default_rng(seed)
    share = _share(void_percent, where)
    height, width = size_um[0] / pixel_um, size_um[1] / pixel_um
    margin = (0.42 if leads else 0.16) * min(height, width)
    shape = (ceil(height + 2 * margin), ceil(width + 2 * margin))
    center = ((shape[0] - 1) / 2, (shape[1] - 1) / 2)
    pad = _rectangle(shape, center, height, width, corner * min(height, width))
    # a pixel on an edge averages light, not thickness: every layer is mixed by its cover after the exponential
    board = _layer(_rectangle(shape, center, height + 1.2 * margin, width + 1.2 * margin, 4), 0.06)
    board *= _layer(pad, 0.3) * _layer(_rectangle(shape, center, 0.96 * height, 0.96 * width, 2), die)
    # the solder layer is never quite even
    depth = absorption * (1 + 0.035 * _cloud(rng, shape, 0.3 * min(height, width)))
    if leads:
        copper, lead = _leads(shape, center, height, width, margin)
        board *= _layer(copper, 0.25) * _layer(lead, 0.9 * depth)

    vias_px: list[tuple[float, float, float]] = []
    if vias is not None:
        r = via_um / 2 / pixel_um
        vias_px = [
            (
                center[0] + (i + 0.5 - vias[0] / 2) * height / vias[0],
                center[1] + (j + 0.5 - vias[1] / 2) * width / vias[1],
                r,
            )
            for i in range(vias[0])
            for j in range(vias[1])
        ]
    open_hole = np.zeros(shape, dtype=np.float32)
    for row, column, r in vias_px:
        window, d2 = _around(shape, row, column, r + 4)
        distance = np.sqrt(d2)
        open_hole[window] = np.maximum(open_hole[window], np.clip(r - distance + 0.5, 0, 1))
        board[window] *= np.exp(-0.5 * np.exp(-(((distance - r - 1) / 1.3) ** 2)))

    joint = pad * (1 - open_hole)
    outlines = _pad_voids(rng, center, (height, width), share * float(joint.sum()), voids, rough, vias_px, where)
    void, inside = _drawn(shape, outlines)
    solder = np.exp(-depth)
    for outline in outlines:
        window, cover, _ = outline.patch(shape)
        # small bubbles do not reach through the whole joint
        left = 1 - min(0.95, 0.45 + outline.ecd / 60)
        solder[window] += cover * (np.exp(-left * depth[window]) - np.exp(-depth[window]))
    void = void * joint

    labels = np.where(pad >= 0.5, 1, 0).astype(np.int32)
    labels[(inside == 1) & (labels == 1)] = 2
    labels[open_hole >= 0.5] = 0
    total = float(joint.sum())
    areas = [float((o.patch(shape)[1] * joint[o.patch(shape)[0]]).sum()) for o in outlines]
    middle = (round(center[0]), round(center[1]))
    quadrants = []
    for vertical in (slice(None, middle[0]), slice(middle[0], None)):
        for horizontal in (slice(None, middle[1]), slice(middle[1], None)):
            part = (vertical, horizontal)
            quadrants.append(100 * float(void[part].sum()) / float(joint[part].sum()))
    one = Joint(
        joint=1,
        row_px=center[0],
        column_px=center[1],
        area_um2=total * pixel_um**2,
        void_percent=100 * float(void.sum()) / total,
        largest_void_percent=100 * max(areas, default=0.0) / total,
        quadrants=tuple(quadrants),
    )
    light = background * board * (1 - joint + joint * solder)
    return _xray_field(rng, light, labels, [one], vias_px, pixel_um, blur_px)


def _layer(cover: Gray, exponent: float | Gray) -> Gray:
    """Light that passes a layer of known cover and absorption."""
    return np.asarray(1 + cover * (np.exp(-np.asarray(exponent)) - 1), dtype=np.float32)


def _xray_field(
    rng: np.random.Generator,
    light: Gray,
    labels: LabelImage,
    joints: Sequence[Joint],
    vias_px: Sequence[tuple[float, float, float]],
    pixel_um: float,
    blur_px: float,
) -> Field:
    shape = light.shape
    light = _blurred(light.astype(np.float32), blur_px) if blur_px > 0 else light
    light = light * (1 + 0.006 * _cloud(rng, shape, 20.0))
    shares = [joint.void_percent for joint in joints]
    truth = {
        "field.void_percent.max": float(max(shares)),
        "field.void_percent.mean": float(sum(shares) / len(shares)),
        "field.largest_void_percent.max": float(max(joint.largest_void_percent for joint in joints)),
    }
    return Field(
        pixels=_to_8bit(light),
        labels=labels,
        classes={0: "background", 1: "joint", 2: "void"},
        kind="semantic",
        pixel_um=pixel_um,
        truth=truth,
        joints=tuple(joints),
        vias_px=tuple(vias_px),
    )


def _void_shares(
    rng: np.random.Generator, void_percent: float | Sequence[float], count: int, where: str
) -> list[float]:
    if isinstance(void_percent, int | float):
        # a gamma distribution of shape 2: most joints below the mean, a few well above
        wanted = [float(x) for x in np.clip(rng.gamma(2.0, void_percent / 2, count), 0, 2.5 * void_percent)]
    else:
        wanted = [float(x) for x in void_percent]
    if len(wanted) != count:
        msg = f"synthetic.{where}: {len(wanted)} void shares given, there are {count} joints"
        raise SettingsError(msg)
    if not all(0 <= x <= 45 for x in wanted):
        msg = f"synthetic.{where}: void shares must lie between 0 and 45 %, got {max(wanted):g} %"
        raise SettingsError(msg)
    return wanted


def _random_voids(
    rng: np.random.Generator, percent: float, radius: float, most: int
) -> list[tuple[float, float, float]]:
    """Discs inside a circle that do not touch and fill ``percent`` of it; one disc where no other choice was found."""
    if percent == 0:
        return []
    whole = radius * sqrt(percent / 100)
    for _ in range(200 if whole > 0.05 * radius else 0):
        parts = rng.dirichlet(np.full(int(rng.integers(1, most + 1)), 1.2))
        radii = [r for r in radius * np.sqrt(percent / 100 * np.sort(parts)[::-1]) if r > 0.05 * radius]
        if not radii:
            continue
        scale = sqrt(percent / 100 * radius**2 / sum(r**2 for r in radii))
        found: list[tuple[float, float, float]] = []
        for r in (r * scale for r in radii):
            for _ in range(60):
                away, angle = (0.94 * radius - r) * sqrt(rng.uniform()), rng.uniform(0, 2 * pi)
                row, column = away * sin(angle), away * cos(angle)
                if r < 0.94 * radius and all(
                    hypot(row - a, column - b) > r + d / 2 + 0.05 * radius for a, b, d in found
                ):
                    found.append((row, column, 2 * r))
                    break
        if len(found) == len(radii):
            return found
    # too small a share to be split, or never free of contact: one void of at most 45 % always fits
    away, angle = (0.94 * radius - whole) * sqrt(rng.uniform()), rng.uniform(0, 2 * pi)
    return [(away * sin(angle), away * cos(angle), 2 * whole)]


def _void_groups(holes: Sequence[tuple[float, float, float]], radius: float) -> list[float]:
    """Area of every connected group of discs, cut by the circle of the joint. [unit of the input, squared]"""
    left = list(range(len(holes)))
    areas = []
    while left:
        group = [left.pop()]
        for member in group:
            a, b, d = holes[member]
            touching = [i for i in left if hypot(a - holes[i][0], b - holes[i][1]) < (d + holes[i][2]) / 2]
            left = [i for i in left if i not in touching]
            group += touching
        first = holes[group[0]]
        if len(group) == 1 and hypot(first[0], first[1]) + first[2] / 2 <= radius:
            areas.append(pi * first[2] ** 2 / 4)
        else:
            areas.append(_union_area([holes[i] for i in group], radius))
    return areas


def _union_area(holes: Sequence[tuple[float, float, float]], radius: float) -> float:
    """Area of the union of discs inside a circle, by exact chords on 4000 lines."""
    top = max(min(a - d / 2 for a, _, d in holes), -radius)
    bottom = min(max(a + d / 2 for a, _, d in holes), radius)
    if bottom <= top:
        return 0.0
    lines = 4000
    y = top + (np.arange(lines) + 0.5) * (bottom - top) / lines
    limit = np.sqrt(radius**2 - y**2)
    chords = []
    for a, b, d in holes:
        half = np.sqrt(np.clip(d**2 / 4 - (y - a) ** 2, 0, None))
        cut = half > 0
        chords.append(
            (
                np.where(cut, np.clip(b - half, -limit, limit), limit),
                np.where(cut, np.clip(b + half, -limit, limit), limit),
            )
        )
    starts = np.stack([c[0] for c in chords])
    ends = np.stack([c[1] for c in chords])
    order = np.argsort(starts, axis=0)
    starts, ends = np.take_along_axis(starts, order, 0), np.take_along_axis(ends, order, 0)
    covered = np.zeros(lines)
    reach = np.full(lines, -np.inf)
    for start, end in zip(starts, ends, strict=True):
        covered += np.clip(end - np.maximum(start, reach), 0, None)
        reach = np.maximum(reach, end)
    return float(covered.sum() * (bottom - top) / lines)


def _pad_voids(
    rng: np.random.Generator,
    center: tuple[float, float],
    size: tuple[float, float],
    area: float,
    count: int,
    rough: float,
    vias_px: Sequence[tuple[float, float, float]],
    where: str,
) -> list["_Outline"]:
    """Voids of a pad, large ones first, that keep clear of each other, of the rim and of the vias."""
    for _ in range(40):
        parts = np.sort(rng.lognormal(0.0, 1.6, count))[::-1]
        ecds = np.sqrt(4 / pi * area * parts / parts.sum())
        if ecds[0] > 0.45 * min(size):
            continue
        placed: list[_Outline] = []
        for ecd in ecds:
            for _ in range(300):
                outline = _Outline.star(
                    rng,
                    center[0] + rng.uniform(-0.5, 0.5) * size[0],
                    center[1] + rng.uniform(-0.5, 0.5) * size[1],
                    float(ecd),
                    rough=rough * min(1.0, ecd / 25),
                    stretch=rng.uniform(1, 1.5),
                )
                reach = outline.reach + 3
                if (
                    abs(outline.row - center[0]) + reach < size[0] / 2
                    and abs(outline.column - center[1]) + reach < size[1] / 2
                    and all(hypot(outline.row - o.row, outline.column - o.column) > reach + o.reach for o in placed)
                    and all(hypot(outline.row - a, outline.column - b) > reach + r for a, b, r in vias_px)
                ):
                    placed.append(outline)
                    break
            else:
                break
        if len(placed) == count:
            return placed
    msg = f"synthetic.{where}: {count} voids do not fit in the pad; ask for fewer, or a smaller void share"
    raise SettingsError(msg)


def _board(
    rng: np.random.Generator,
    shape: Shape,
    at: Sequence[tuple[float, float]],
    step: float,
    r_px: float,
    *,
    vias: bool,
    traces: bool,
) -> tuple[Gray, list[tuple[float, float, float]]]:
    """Transmission of the board: laminate, copper traces and plated holes between the balls."""
    copper = np.zeros(shape, dtype=np.uint8)
    holes: list[tuple[float, float, float]] = []
    r = max(0.13 * step, 2.0)
    width = max(round(0.09 * step), 2)
    ring = np.zeros(shape, dtype=np.float32)
    for row, column in at:
        if rng.uniform() < 0.55:
            down, right = rng.choice([-0.5, 0.5]), rng.choice([-0.5, 0.5])
            hole = (row + down * step, column + right * step, r)
            if traces:
                _line(copper, (row, column), hole[:2], width)
            if vias and all(hypot(hole[0] - a, hole[1] - b) > r for a, b, _ in holes):
                holes.append(hole)
        elif traces:
            _line(copper, (row, column), (row + rng.choice([-1, 1]) * 0.5 * step, column), width)
    for row, column, radius in holes:
        window, d2 = _around(shape, row, column, radius + 6)
        if d2.size:
            distance = np.sqrt(d2)
            ring[window] = np.maximum(ring[window], np.exp(-(((distance - radius) / (0.22 * radius)) ** 2)))
    pads = np.zeros(shape, dtype=np.float32)
    for row, column in at:
        window, d2 = _around(shape, row, column, r_px)
        pads[window] = np.clip(0.86 * r_px - np.sqrt(d2) + 0.5, 0, 1)
    weave = 0.5 * (np.sin(np.arange(shape[0]) * 2 * pi / 7.3)[:, None] + np.sin(np.arange(shape[1]) * 2 * pi / 8.1))
    path = 0.10 * copper.astype(np.float32) / 255 + 0.10 * pads + 0.5 * ring + 0.006 * weave.astype(np.float32)
    return np.exp(-path).astype(np.float32), holes


def _leads(shape: Shape, center: tuple[float, float], height: float, width: float, margin: float) -> tuple[Gray, Gray]:
    """Copper and solder of the terminals around a pad."""
    copper = np.zeros(shape, dtype=np.float32)
    solder = np.zeros(shape, dtype=np.float32)
    pitch = 0.19 * min(height, width) / 1.6
    for side in range(4):
        length = width if side % 2 == 0 else height
        across = height if side % 2 == 0 else width
        count = int(length / pitch)
        for i in range(count):
            shift = (i - (count - 1) / 2) * pitch
            away = (across / 2 + 0.62 * margin) * (1 if side < 2 else -1)
            row, column = (away, shift) if side % 2 == 0 else (shift, away)
            long, short = 0.5 * margin, 0.55 * pitch
            size = (long, short) if side % 2 == 0 else (short, long)
            where = (center[0] + row, center[1] + column)
            for canvas, scale in ((solder, 0.8), (copper, 1.0)):
                reach = ceil(max(size)) + 4
                top, left = int(where[0]) - reach, int(where[1]) - reach
                window = (slice(max(top, 0), top + 2 * reach), slice(max(left, 0), left + 2 * reach))
                part = canvas[window]
                local = (where[0] - max(top, 0), where[1] - max(left, 0))
                part[:] = np.maximum(part, _rectangle(part.shape, local, scale * size[0], scale * size[1], 0.2 * short))
    return copper, solder


# ------------------------------------------------------------------------------------------------ degrade


def degrade(
    pixels: Image, level: int | Degradation = 2, *, seed: int, modality: Literal["optical", "xray"] = "optical"
) -> Image:
    """Do to perfect pixels what specimen, microscope and camera do.

    Parameters
    ----------
    pixels : ndarray of uint8
        (rows, columns).
    level : int or Degradation
        0 as drawn, 1 good laboratory image, 2 ordinary, 3 poor (``LEVELS``), or explicit settings.
    seed : int
        The same seed gives the same picture.
    modality : str
        "xray" leaves out scratches, pits and stains, and vignettes evenly.

    Returns
    -------
    ndarray of uint8
        (rows, columns).

    Examples
    --------
    >>> degrade(np.full((4, 4), 100, dtype=np.uint8), 0, seed=1)[0, 0]
    np.uint8(100)
    """
    if isinstance(level, int):
        if not 0 <= level < len(LEVELS):
            msg = f"synthetic.degrade: level is {level}, must lie between 0 and {len(LEVELS) - 1}"
            raise SettingsError(msg)
        level = LEVELS[level]
    rng = np.random.default_rng(seed)
    shape = (pixels.shape[0], pixels.shape[1])
    picture = pixels.astype(np.float32)
    if modality == "optical":
        if level.stains > 0:
            picture += level.stains * _cloud(rng, shape, 0.22 * min(shape))
            drops = np.clip(_cloud(rng, shape, 0.06 * min(shape)) - 1.9, 0, 1)
            picture -= 3 * level.stains * drops
        megapixels = shape[0] * shape[1] / 1e6
        for _ in range(rng.poisson(level.pits * megapixels)):
            spot = _Outline.disc(rng.uniform(0, shape[0]), rng.uniform(0, shape[1]), rng.uniform(0.8, 2.4))
            _darken(picture, spot, rng.uniform(0.3, 0.8))
        if level.scratches:
            picture *= 1 - 0.16 * _scratches(rng, shape, level.scratches, 1.0)
    if level.contrast != 1:
        picture = picture.mean() + level.contrast * (picture - picture.mean())
    if level.blur_px > 0:
        picture = _blurred(picture, level.blur_px)
    if level.shading > 0:
        picture *= _shading(rng, shape, level.shading, even=modality == "xray")
    variance = np.full(shape, level.read_noise**2, dtype=np.float32)
    if level.electrons > 0:
        # shot noise of n electrons is sqrt(n); thousands of them are as good as normal
        variance += np.clip(picture, 0, None) * (255 / level.electrons)
    picture += np.sqrt(variance) * rng.standard_normal(shape, dtype=np.float32)
    result: Image = np.clip(np.rint(picture), 0, 255).astype(np.uint8)
    if level.jpeg_quality:
        packed = cv2.imencode(".jpg", result, [cv2.IMWRITE_JPEG_QUALITY, level.jpeg_quality])[1]
        result = np.asarray(cv2.imdecode(packed, cv2.IMREAD_GRAYSCALE), dtype=np.uint8)
    return result


def _shading(rng: np.random.Generator, shape: Shape, depth: float, *, even: bool) -> Gray:
    """Illumination: brightest near the middle, or off to one side."""
    row = np.linspace(-1, 1, shape[0], dtype=np.float32)[:, None]
    column = np.linspace(-1, 1, shape[1], dtype=np.float32)[None, :]
    r0, c0 = (0.0, 0.0) if even else rng.uniform(-0.7, 0.7, 2)
    d2 = (row - np.float32(r0)) ** 2 + (column - np.float32(c0)) ** 2
    return np.asarray(1 - depth * d2 / d2.max(), dtype=np.float32)


def _scratches(rng: np.random.Generator, shape: Shape, per_megapixel: int, width_px: float) -> Gray:
    """Long, nearly straight lines, most of them in one grinding direction; depth 0 to 1."""
    total = np.zeros(shape, dtype=np.float32)
    main = rng.uniform(0, pi)
    reach = hypot(*shape)
    for _ in range(rng.poisson(per_megapixel * shape[0] * shape[1] / 1e6)):
        canvas = np.zeros(shape, dtype=np.uint8)
        angle = main + rng.normal(0, 0.12) if rng.uniform() < 0.75 else rng.uniform(0, pi)
        row, column = rng.uniform(0, shape[0]), rng.uniform(0, shape[1])
        half = reach * rng.uniform(0.1, 0.7)
        bend = rng.normal(0, 0.01) * half
        ends = [
            (row - half * sin(angle), column - half * cos(angle)),
            (row + bend * cos(angle), column - bend * sin(angle)),
            (row + half * sin(angle), column + half * cos(angle)),
        ]
        for a, b in pairwise(ends):
            _line(canvas, a, b, 1)
        total = np.maximum(total, canvas.astype(np.float32) * np.float32(rng.uniform(0.25, 1.0) / 255))
    if width_px > 0 and total.any():
        total = _blurred(total, 0.5 * width_px)
    return total


# -------------------------------------------------------------------------------------- outlines and noise


class _Outline:
    """A star-shaped outline, r(angle) = scale * (1 + harmonics), then stretched; its area is exact."""

    def __init__(
        self,
        row: float,
        column: float,
        ecd: float,
        harmonics: Sequence[tuple[int, float, float]],
        stretch: float,
        turn: float,
    ) -> None:
        self.row, self.column, self.ecd = row, column, ecd
        self.harmonics, self.stretch, self.turn = harmonics, stretch, turn
        # area = 1/2 int r^2 = pi scale^2 (1 + sum a^2 / 2); the stretch keeps it
        self.scale = ecd / 2 / sqrt(1 + sum(a * a for _, a, _ in harmonics) / 2)
        angles = np.linspace(0, 2 * pi, 180, endpoint=False)
        radius = self._radius(angles)
        u, v = radius * np.cos(angles) * sqrt(stretch), radius * np.sin(angles) / sqrt(stretch)
        self.points = np.stack([u * sin(turn) + v * cos(turn), u * cos(turn) - v * sin(turn)], axis=1)
        self.reach = float(np.hypot(u, v).max())

    @classmethod
    def disc(cls, row: float, column: float, radius: float) -> "_Outline":
        return cls(row, column, 2 * radius, (), 1.0, 0.0)

    @classmethod
    def star(
        cls, rng: np.random.Generator, row: float, column: float, ecd: float, *, rough: float, stretch: float
    ) -> "_Outline":
        """Random outline; ``rough`` is the rms of its harmonics, kept so small that the radius stays positive."""
        if rough == 0:
            return cls(row, column, ecd, (), stretch, rng.uniform(0, pi))
        orders = np.arange(2, 7)
        sizes = np.abs(rng.normal(0, 1, len(orders))) / orders**1.4
        sizes *= rough / np.sqrt((sizes**2).sum() / 2)
        sizes *= min(1.0, 0.66 / sizes.sum())
        phases = rng.uniform(0, 2 * pi, len(orders))
        harmonics = [(int(k), float(a), float(p)) for k, a, p in zip(orders, sizes, phases, strict=True)]
        return cls(row, column, ecd, harmonics, stretch, rng.uniform(0, pi))

    def _radius(self, angles: NDArray[np.float64]) -> NDArray[np.float64]:
        total = np.ones_like(angles)
        for order, size, phase in self.harmonics:
            total += size * np.cos(order * angles + phase)
        return self.scale * total

    def patch(self, shape: Shape) -> tuple[tuple[slice, slice], Gray, NDArray[np.uint8]]:
        """Window of the image, share of each of its pixels covered, and whether its center lies inside."""
        window, _ = _window(shape, self.row, self.column, self.reach + 2)
        y = np.arange(window[0].start, window[0].stop)[:, None] - self.row
        x = np.arange(window[1].start, window[1].stop)[None, :] - self.column
        if not y.size or not x.size:
            nothing = np.zeros((y.size, x.size))
            return window, nothing.astype(np.float32), nothing.astype(np.uint8)
        s, c = sin(self.turn), cos(self.turn)
        u, v = (x * c + y * s) / sqrt(self.stretch), (y * c - x * s) * sqrt(self.stretch)
        rho = np.hypot(u, v)
        if not self.harmonics and self.stretch == 1:
            distance = self.scale - rho
        else:
            angle = np.arctan2(v, u)
            gap = self._radius(angle) - rho
            # distance ~ gap / |gradient of the gap| in the image
            slope = np.zeros_like(angle)
            for order, size, phase in self.harmonics:
                slope -= order * size * np.sin(order * angle + phase)
            tangential = self.scale * slope / np.maximum(rho, 0.5)
            cos_a, sin_a = u / np.maximum(rho, 1e-9), v / np.maximum(rho, 1e-9)
            du = (-cos_a - tangential * sin_a) / sqrt(self.stretch)
            dv = (-sin_a + tangential * cos_a) * sqrt(self.stretch)
            distance = gap / np.maximum(np.hypot(du, dv), 0.3)
        # a soft edge of one pixel adds pi/12 px2 to any closed outline (Steiner formula); taken off again
        cover = np.clip(distance + 0.5 - 1 / (12 * self.ecd), 0, 1)
        return window, cover.astype(np.float32), (distance > 0).astype(np.uint8)

    def feret(self) -> float:
        """Largest distance between two points of the outline. [px]"""
        from scipy.spatial.distance import pdist

        return float(pdist(self.points).max())


def _placed(
    rng: np.random.Generator,
    shape: Shape,
    one: Callable[[float, float], _Outline],
    per_px2: float,
    *,
    largest_px: float,
    gap_px: float,
    near: float = 0.0,
) -> list[_Outline]:
    """Place a Poisson number of outlines without contact, in a larger frame so that the edge is not special.

    The number and all outlines are drawn first, then every outline is tried, large ones first, until it fits
    on a torus: the expected count and area of the process are exact, whatever was refused.
    """
    margin = 10 + 0.12 * max(shape) + largest_px
    size = np.array([shape[0] + 2 * margin, shape[1] + 2 * margin])
    count = rng.poisson(per_px2 * size[0] * size[1])
    outlines = sorted((one(0.0, 0.0) for _ in range(count)), key=lambda outline: -outline.reach)
    centers = np.empty((count, 2))
    reaches = np.array([outline.reach for outline in outlines])
    for n, outline in enumerate(outlines):
        least = (reaches[:n] + reaches[n] + gap_px) ** 2
        for _ in range(60):
            # sixteen places at a time; the first that is free is taken
            trial = rng.uniform(0, size, (16, 2))
            if n and near > 0:
                mother = rng.integers(n, size=16)
                away = (reaches[mother] + reaches[n] + gap_px) * rng.uniform(1.02, 1.7, 16)
                angle = rng.uniform(0, 2 * pi, 16)
                beside = centers[mother] + away[:, None] * np.stack([np.sin(angle), np.cos(angle)], axis=1)
                trial = np.where(rng.uniform(size=(16, 1)) < near, np.mod(beside, size), trial)
            d = np.abs(trial[:, None, :] - centers[None, :n, :])
            d = np.minimum(d, size - d)
            free = np.flatnonzero(((d**2).sum(axis=2) >= least).all(axis=1))
            if free.size:
                centers[n] = trial[free[0]]
                break
        else:
            msg = f"synthetic: {count} objects do not fit in the field without contact; ask for a smaller fraction"
            raise SettingsError(msg)
        outline.row, outline.column = float(centers[n, 0] - margin), float(centers[n, 1] - margin)
    return outlines


def _drawn(shape: Shape, outlines: Sequence[_Outline]) -> tuple[Gray, NDArray[np.uint8]]:
    cover = np.zeros(shape, dtype=np.float32)
    hit = np.zeros(shape, dtype=np.uint8)
    for outline in outlines:
        window, part, inside = outline.patch(shape)
        if part.size:
            cover[window] = np.maximum(cover[window], part)
            hit[window] |= inside
    return cover, hit


def _darken(picture: Gray, outline: _Outline, depth: float) -> None:
    window, cover, _ = outline.patch((picture.shape[0], picture.shape[1]))
    if cover.size:
        picture[window] *= 1 - np.float32(depth) * cover


def _window(shape: Shape, row: float, column: float, reach: float) -> tuple[tuple[slice, slice], bool]:
    top, left = max(int(row - reach), 0), max(int(column - reach), 0)
    bottom, right = min(ceil(row + reach) + 1, shape[0]), min(ceil(column + reach) + 1, shape[1])
    return (slice(top, max(bottom, top)), slice(left, max(right, left))), bottom > top and right > left


def _around(
    shape: Shape, row: float, column: float, reach: float, window: tuple[slice, slice] | None = None
) -> tuple[tuple[slice, slice], NDArray[np.float64]]:
    """Window about a point and squared distances to the point in it. [px2]"""
    if window is None:
        window = _window(shape, row, column, reach)[0]
    y = np.arange(window[0].start, window[0].stop, dtype=float)[:, None] - row
    x = np.arange(window[1].start, window[1].stop, dtype=float)[None, :] - column
    return window, y**2 + x**2


def _rectangle(shape: Shape, center: tuple[float, float], height: float, width: float, corner: float) -> Gray:
    """Cover of a rectangle with rounded corners."""
    y = np.abs(np.arange(shape[0])[:, None] - center[0]) - (height / 2 - corner)
    x = np.abs(np.arange(shape[1])[None, :] - center[1]) - (width / 2 - corner)
    outside = np.hypot(np.maximum(y, 0), np.maximum(x, 0)) + np.minimum(np.maximum(y, x), 0)
    return np.asarray(np.clip(corner - outside + 0.5, 0, 1), dtype=np.float32)


def _line(canvas: NDArray[np.uint8], a: tuple[float, float], b: tuple[float, float], width: int) -> None:
    points = [(round(p[1] * 16), round(p[0] * 16)) for p in (a, b)]
    cv2.line(canvas, points[0], points[1], 255, width, cv2.LINE_AA, shift=4)


def _pixel_centers(shape_px: Shape, pixel_um: float) -> NDArray[np.float64]:
    rows = (np.arange(shape_px[0]) + 0.5) * pixel_um
    columns = (np.arange(shape_px[1]) + 0.5) * pixel_um
    return np.stack(np.meshgrid(rows, columns, indexing="ij"), axis=-1)


def _pair_noise(a: NDArray[np.intp], b: NDArray[np.intp], salt: int) -> NDArray[np.float64]:
    """Uniform number in [0, 1) that belongs to a pair of numbers: every boundary keeps its own look."""
    with np.errstate(over="ignore"):
        x = a.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + b.astype(np.uint64) * np.uint64(0xC2B2AE3D27D4EB4F)
        x += np.uint64((salt * 0x165667B19E3779F9) % 2**64)
        x ^= x >> np.uint64(29)
        x *= np.uint64(0xBF58476D1CE4E5B9)
        x ^= x >> np.uint64(32)
    result: NDArray[np.float64] = (x >> np.uint64(11)).astype(np.float64) / 2.0**53
    return result


def _cloud(rng: np.random.Generator, shape: Shape, length_px: float) -> Gray:
    """Smooth noise of about unit variance; cheap, for looks only."""
    length = max(length_px, 1.0)
    small = (ceil(shape[0] / length) + 4, ceil(shape[1] / length) + 4)
    noise = rng.standard_normal(small, dtype=np.float32)
    if length <= 1.0:
        return noise[: shape[0], : shape[1]]
    size = (ceil(small[1] * length), ceil(small[0] * length))
    large = cv2.resize(noise, size, interpolation=cv2.INTER_CUBIC)
    top, left = (int(rng.integers(0, max(int(length), 1))) for _ in range(2))
    return (1.2 * large[top : top + shape[0], left : left + shape[1]]).astype(np.float32)


def _gaussian_field(rng: np.random.Generator, shape: Shape, length_px: float) -> Gray:
    """Random field of variance 1 with correlation exp(-d^2 / (2 length^2))."""
    rows, columns = (_fft_length(n + 8 * length_px) for n in shape)
    k2 = (2 * pi * fft.fftfreq(rows)[:, None]) ** 2 + (2 * pi * fft.rfftfreq(columns)[None, :]) ** 2
    return _filtered_noise(rng, (rows, columns), np.exp(-k2 * length_px**2 / 4))[: shape[0], : shape[1]]


def _filtered_noise(rng: np.random.Generator, shape: Shape, spectrum: NDArray[np.float64]) -> Gray:
    """White noise times an amplitude spectrum (rfft layout), scaled to expected variance 1."""
    noise = rng.standard_normal(shape, dtype=np.float32)
    power = spectrum**2
    # columns of the half spectrum stand for two, but for the first and (even length) the last
    twice = np.full(power.shape[1], 2.0)
    twice[0] = 1.0
    if shape[1] % 2 == 0:
        twice[-1] = 1.0
    variance = float((power * twice).sum()) / (shape[0] * shape[1])
    field = fft.irfft2(fft.rfft2(noise) * (spectrum / sqrt(variance)).astype(np.float32), s=shape)
    return np.asarray(field, dtype=np.float32)


def _fft_length(n: float) -> int:
    return int(fft.next_fast_len(ceil(n) + 2, real=True))


def _cut_normal(rng: np.random.Generator, low: float, high: float) -> float:
    """Standard normal number between two limits."""
    p = rng.uniform(float(ndtr(low)), float(ndtr(high)))
    return float(ndtri(p))


def _cut_moment(spread: float, order: int, low: float, high: float) -> float:
    """Mean of exp(order * spread * z) for a standard normal z between two limits."""
    shift = order * spread
    inside = float(ndtr(high) - ndtr(low))
    return exp(shift**2 / 2) * float(ndtr(high - shift) - ndtr(low - shift)) / inside


def _blurred(picture: Gray, sigma_px: float) -> Gray:
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma_px), dtype=np.float32)


def _to_8bit(picture: Gray) -> Image:
    """Shares of the full range to 8 bit."""
    return np.asarray(np.clip(np.rint(picture * 255), 0, 255), dtype=np.uint8)
