"""Two gray levels on one smooth surface: solder and void of a pad, however much of it is void.

In a layer between two plates a void takes away the whole thickness. Its gray value is that of the solder beside it plus
a step that is the same in the whole pad, on a surface that only shading bends. How that surface bends is told by
the gradients away from edges, which are those of solder and void alike: a plateau cannot pull it up, as it does where
the surface is fitted to gray values. The model is the piecewise constant one of Chan and Vese (2001) on the smooth
bias of Li et al. (2011), solved by classifying and fitting in turn.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from inspect_tool.model import Mask
from inspect_tool.segmentation.joints.regions import CROSS, Floats, Gray, gradient_of, smoothed

_SAMPLES = 6000  # pixels that a surface is fitted to
_ROUNDS = 12
_STEEP = 0.5  # of the steepness of the outlines: an edge that the two levels should explain
APART = 2.5  # step over spread of two levels that are no halves of one
MOST_OUTLINE = 0.75  # share of the outline that voids may lie at
_THIRD = 0.4  # of the step: as far from a level belongs to none of the two
_WIDE = np.ones((5, 5), np.uint8)


@dataclass(frozen=True, slots=True, kw_only=True)
class Polynomial:
    """Terms ``y**i * x**j`` of the place in a picture, counted from the middle of a region in its half extents."""

    middle: tuple[float, float]
    half: tuple[float, float]
    powers: tuple[tuple[int, int], ...]


def polynomial_over(region: Mask, degree: int) -> Polynomial:
    """All terms up to that degree; a plane where there are few pixels."""
    rows, columns = np.nonzero(region)
    powers = [(i, j) for i in range(degree + 1) for j in range(degree + 1 - i)]
    if len(rows) < 20 * len(powers):
        powers = [(0, 0), (0, 1), (1, 0)]
    return Polynomial(
        middle=(float(rows.mean()), float(columns.mean())),
        half=(max(float(np.ptp(rows)) / 2, 1.0), max(float(np.ptp(columns)) / 2, 1.0)),
        powers=tuple(powers),
    )


def samples_of(region: Mask) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows and columns of at most 6000 pixels, evenly out of those of a region."""
    rows, columns = np.nonzero(region)
    pick = np.linspace(0, len(rows) - 1, min(len(rows), _SAMPLES)).astype(np.intp)
    return rows[pick], columns[pick]


def terms_at(surface: Polynomial, rows: NDArray[np.intp], columns: NDArray[np.intp]) -> Floats:
    """Value of every term at every place: array (places, terms)."""
    y, x = (rows - surface.middle[0]) / surface.half[0], (columns - surface.middle[1]) / surface.half[1]
    return np.stack([y**i * x**j for i, j in surface.powers], axis=-1)


def drawn_surface(surface: Polynomial, factors: Floats, shape: tuple[int, ...]) -> Gray:
    """The sum of the terms times their factors, all over a picture of that shape."""
    y = (np.arange(shape[0]) - surface.middle[0]) / surface.half[0]
    x = (np.arange(shape[1]) - surface.middle[1]) / surface.half[1]
    drawn = np.zeros(shape)
    for i in {power for power, _ in surface.powers}:
        row = sum((k * x**j for k, (power, j) in zip(factors, surface.powers, strict=True) if power == i), 0 * x)
        drawn += np.outer(y**i, row)
    return drawn.astype(np.float32)


def weighted_fit(terms: Floats, values: Floats, weights: Floats) -> Floats:
    """Factors of the terms in weighted least squares."""
    weighted = terms * weights[:, None]
    return np.asarray(np.linalg.solve(weighted.T @ terms + 1e-6 * np.eye(terms.shape[1]), weighted.T @ values))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TwoLevels:
    """Solder and void of one joint as two gray levels; arrays (rows, columns) of its box."""

    void: Mask
    surface: Gray  # gray value of the solder
    step: float  # of the void above it [gray levels]
    spread: float  # about the two levels, away from their border; with what has a third level in it [gray levels]
    width: float  # of the edges: step over gradient [px]
    explained: float  # share of the edge pixels of the joint that lie at the border of the two levels [1]
    even: float  # share of that border that is an edge [1]
    third: float  # share of the joint that is at neither level [1]
    at_outline: float  # share of the pixels beside the joint's outline that are void [1]


def two_levels(image: Gray, core: Mask, degree: int) -> TwoLevels | None:
    """Describe a joint by two gray levels on one smooth surface; None where it has but one.

    Parameters
    ----------
    image : array (rows, columns)
        Gray values, voids light.
    core : boolean array (rows, columns)
        The joint without the blurred edge of its outline.
    degree : int
        Of the polynomial surface.
    """
    surface = polynomial_over(core, degree)
    rows, columns = samples_of(core)
    terms = terms_at(surface, rows, columns)
    values = image[rows, columns].astype(np.float64)
    factors = _bent_as_gradients(image, surface, rows, columns)
    rest = values - terms @ factors
    cut = _between_modes(rest)
    weights = np.ones(len(values))
    step = 0.0
    for _ in range(_ROUNDS):
        void = (rest > cut).astype(np.float64)
        if not 0 < void.sum() < len(void):
            return None
        solution = weighted_fit(np.column_stack([terms, void]), values, weights)
        factors, step = solution[:-1], float(solution[-1])
        rest = values - terms @ factors
        cut = step / 2
        weights = _trust(rest - step * (rest > cut))
    if step <= 0:
        return None
    drawn = drawn_surface(surface, factors, image.shape)
    return _described(image, core, drawn, step)


def are_two(levels: TwoLevels) -> bool:
    """Tell whether two levels are what a joint is made of.

    Either they stand far apart for the spread about each, or every edge in the joint is a border between them (as where
    blur leaves no flat ground between many voids). Structures of a third level (chips, traces) add edges and
    spread. Where nearly all that lies beside the outline is light, the dark part is rather a structure on the solder.
    """
    apart = levels.step / levels.spread
    parted = apart >= 7 or (apart >= APART and levels.explained >= 0.92 and levels.even >= 0.9)
    return parted and levels.at_outline <= MOST_OUTLINE


def in_dispute(levels: TwoLevels, void: Mask) -> Mask:
    """Pixels on which the levels and the outlines of ``void`` disagree, where it is more than the blur of a rim.

    Nothing, where the gray values of the joint do not gather about two levels at all.
    """
    if levels.step < APART * levels.spread or levels.at_outline > MOST_OUTLINE:
        return np.zeros_like(void)
    differ = (levels.void != void).astype(np.uint8)
    return cv2.morphologyEx(differ, cv2.MORPH_OPEN, _WIDE, borderValue=0) > 0


def are_more(levels: TwoLevels) -> bool:
    """Tell that a joint holds structures of other levels than solder and void: a level tells no void there."""
    if levels.step < APART * levels.spread:
        return levels.explained < 0.5
    return not are_two(levels) or levels.third > 0.02


def _described(image: Gray, core: Mask, surface: Gray, step: float) -> TwoLevels:
    """Classify the pixels of a joint, and tell how well that explains them."""
    void = core & (image - surface > step / 2)
    void8, core8 = void.astype(np.uint8), core.astype(np.uint8)
    flat = core & (cv2.dilate(void8, _WIDE) == cv2.erode(void8, _WIDE, borderValue=0))
    if flat.sum() < 0.1 * core.sum():
        flat = core
    off = (image - surface - np.float32(step) * void)[flat]
    third = np.count_nonzero(np.abs(off) > _THIRD * step) / np.count_nonzero(core)
    rim = void & (cv2.erode(void8, CROSS, borderValue=0) == 0)
    gradient = gradient_of(image)
    steepness = gradient[rim & (cv2.erode(core8, CROSS, borderValue=0) > 0)]
    steep = float(np.median(steepness)) if len(steepness) else 0.0
    edges = (cv2.erode(core8, _WIDE, borderValue=0) > 0) & (gradient >= _STEEP * steep)
    at_rim = cv2.dilate(rim.astype(np.uint8), np.ones((7, 7), np.uint8)) > 0
    return TwoLevels(
        void=void,
        surface=surface,
        step=step,
        spread=max(1.4826 * float(np.median(np.abs(off))), 0.7 * float(off.std()), 0.3),
        width=step / max(steep, 1e-6),
        explained=float(np.count_nonzero(edges & at_rim) / max(np.count_nonzero(edges), 1)),
        even=float(np.mean(steepness >= 0.4 * steep)) if len(steepness) else 0.0,
        third=third,
        at_outline=float(np.mean(void[core & (cv2.erode(core8, CROSS, borderValue=0) == 0)])),
    )


def _bent_as_gradients(image: Gray, surface: Polynomial, rows: NDArray[np.intp], columns: NDArray[np.intp]) -> Floats:
    """Factors of a surface that bends as the gray values do away from edges; its height stays 0."""
    gentle = smoothed(image, 1.0)
    y, x = (rows - surface.middle[0]) / surface.half[0], (columns - surface.middle[1]) / surface.half[1]
    down = [i * y ** max(i - 1, 0) * x**j / surface.half[0] for i, j in surface.powers]
    along = [j * y**i * x ** max(j - 1, 0) / surface.half[1] for i, j in surface.powers]
    slopes = np.concatenate([np.stack(down, axis=-1), np.stack(along, axis=-1)])
    found = [
        np.asarray(cv2.Sobel(gentle, cv2.CV_32F, *way, ksize=3), dtype=np.float64)[rows, columns] / 8
        for way in ((0, 1), (1, 0))
    ]
    values = np.concatenate(found)
    weights = np.ones(len(values))
    factors = np.zeros(len(surface.powers))
    for _ in range(_ROUNDS):
        factors = weighted_fit(slopes, values, weights)
        weights = _trust(values - slopes @ factors)
    return factors


def _trust(rest: Floats) -> Floats:
    """Weights that fall with the distance from a fit, in units of the usual one."""
    scale = max(2 * 1.4826 * float(np.median(np.abs(rest))), 1e-3)
    return np.asarray(1 / (1 + (rest / scale) ** 2) ** 2)


def _between_modes(values: Floats) -> float:
    """Value that parts the values into the two groups of least variance (Otsu 1979)."""
    low, high = np.percentile(values, [0.1, 99.9])
    scaled = np.clip((values - low) * (255 / max(high - low, 1e-6)), 0, 255).astype(np.uint8)
    level, _ = cv2.threshold(scaled.reshape(-1, 1), 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    return float(low + (level + 0.5) * max(high - low, 1e-6) / 255)
