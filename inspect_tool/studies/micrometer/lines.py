"""Stage micrometers and pitch grids: centers of parallel lines to a part of a pixel, their spacing and its evenness.

Everything here is in pixels; the pitch of the artifact makes micrometers of it (``pixel_size``). An image is searched
for lines that follow each other along x, then, transposed, along y: lines give one family, grids and dots give two.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import atan, degrees, radians, sqrt, tan
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from inspect_tool.errors import MeasurementError
from inspect_tool.model import GrayImage

Axis: TypeAlias = Literal["x", "y"]
Array: TypeAlias = NDArray[np.float64]

MIN_INTERVALS = 5
MIN_SPACING_PX = 4.0
MAX_TILT_DEG = 5.0
_SEARCHED_DEG = 12.0
_BANDS = 15  # overlapping, each an eighth of the image: long and short lines of a graduation are told apart
_NARROW = 40  # bands in which every line is read
_ON_LATTICE = 0.2  # farthest from its place that a line is still that line, in spacings
_UNEVEN = 0.03  # distance that most lines keep to a smooth course, in spacings
_UNEVEN_PX = 0.25  # and what the reading of a profile allows [px]
_MISSING, _STRAY = 0.35, 0.2  # shares of a family that may be hidden, and that may be dirt
_SHOWN = 0.01  # significance at which unevenness counts as distortion
_WIDE = 0.3  # share of the field across which lines must reach to tell how it bends


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LineFamily:
    """Parallel lines at a constant pitch, as they appear in one image.

    Positions count from the center of the top-left pixel along the axis in which the lines follow each other, where
    they cross ``level_px`` of the other axis.
    """

    axis: Axis
    spacing_px: float  # mean distance along the axis, least squares of position against number [px]
    u_rel: float  # relative standard uncertainty of it from the scatter of the lines [1]
    dof: int
    tilt_deg: float  # of the lines against the other axis of the image
    level_px: float
    numbers: NDArray[np.intp]  # of the lines that count
    centers_px: Array
    deviations_px: Array  # from the straight line of position against number
    missing: tuple[int, ...]  # numbers between the first and the last without a line that could be read
    outliers: tuple[int, ...]  # numbers of lines that lie off and do not count
    points: Array  # (number, row, column) of every reading [px]
    covered: tuple[float, float]  # share of the field along and across the axis that has lines [1]
    local: tuple[float, float] | None  # smallest and largest um/px within it, relative to the mean [1]; None: not shown
    contrast: float  # median depth of the lines [gray levels]

    @property
    def largest_deviation_px(self) -> float:
        """Largest distance of a line from its place on an even scale. [px]"""
        return float(np.abs(self.deviations_px).max())


def measure_lines(pixels: GrayImage) -> tuple[LineFamily, ...]:
    """Find the lines of a stage micrometer, or the rows and columns of a pitch grid or dot grid.

    Parameters
    ----------
    pixels : ndarray
        (rows, columns), gray; lines dark on bright or bright on dark.

    Returns
    -------
    tuple of LineFamily
        One for lines, two for grids and dots (along x first).

    Raises
    ------
    MeasurementError
        No evenly spaced lines; fewer than 6; closer than 4 px; turned by more than 5 degrees; a spacing that is not
        constant, as where part of a scale is subdivided.
    """
    if pixels.ndim != 2 or min(pixels.shape) < 32:
        msg = f"an image of {' x '.join(map(str, pixels.shape))} px cannot hold a micrometer"
        raise MeasurementError(msg)
    image = np.asarray(pixels, dtype=np.float32)
    seen = [_family(image, "x"), _family(np.ascontiguousarray(image.T), "y")]
    found = [one for one in seen if isinstance(one, LineFamily)]
    strongest = max((one.contrast for one in seen if isinstance(one, LineFamily) or one.sure), default=0.0)
    for one in seen:
        if isinstance(one, _Refused) and one.sure and one.contrast >= strongest / 2:
            raise MeasurementError(one.reason)
    found = [one for one in found if one.contrast >= strongest / 4]
    edges = [_edges_along(image, one) for one in found]
    found = [one for one, share in zip(found, edges, strict=True) if share >= 0.4]
    if not found and all(isinstance(one, LineFamily) for one in seen):
        raise MeasurementError(_NOTHING)
    if not found:
        refused = [one for one in seen if isinstance(one, _Refused)]
        raise MeasurementError(max(refused, key=lambda one: one.contrast).reason)
    for one in found:
        if abs(one.tilt_deg) > MAX_TILT_DEG:
            much = f"{abs(one.tilt_deg):.1f}" if abs(one.tilt_deg) < _SEARCHED_DEG else f"more than {_SEARCHED_DEG:g}"
            msg = f"the micrometer is turned by {much} degrees; turn it to within {MAX_TILT_DEG:g}"
            raise MeasurementError(msg)
    if len(found) == 1 and max(edges) < 1.5:
        msg = (
            "evenly spaced along one axis, but the edges run in all directions: not lines; turn the rows of a grid to"
            f" within {MAX_TILT_DEG:g} degrees of the image, and clean it"
        )
        raise MeasurementError(msg)
    if len(found) == 2 and _crossings(image, *found) < 0.7:
        msg = (
            "rows and columns do not meet in the dots of a square grid; turn its rows to within"
            f" {MAX_TILT_DEG:g} degrees of the image, or take a square grid"
        )
        raise MeasurementError(msg)
    return tuple(found)


def pixel_size(family: LineFamily, pitch_um: float, width_over_height: float = 1.0) -> float:
    """Size of a pixel along the axis of a family, the tilt of its lines taken out. [um/px]

    Tilted lines lie farther apart along the axis than at right angles to them. With square pixels that is the
    cosine of the tilt; pixels that are not square show another tilt than the lines have.

    Parameters
    ----------
    family : LineFamily
    pitch_um : float
        Distance of neighboring lines, at right angles to them. [um]
    width_over_height : float
        Width of a pixel over its height. [1]

    >>> straight = replace(_EXAMPLE, tilt_deg=0.0)
    >>> pixel_size(straight, 10.0)
    0.5
    >>> turned = replace(_EXAMPLE, tilt_deg=60.0, spacing_px=40.0)  # lines at 60 degrees: cos = 1/2
    >>> round(pixel_size(turned, 10.0), 12)
    0.5
    """
    ratio = width_over_height if family.axis == "x" else 1 / width_over_height
    # a line u = u0 + n s + t v has its normal along (1/pixel_u, -t/pixel_v); p = s / |normal|
    slope = tan(radians(family.tilt_deg))
    return pitch_um / family.spacing_px * sqrt(1 + (slope * ratio) ** 2)


def pixel_sizes(families: list[LineFamily], pitch_um: float) -> list[float]:
    """Pixel sizes of several families together: the width over the height that they show corrects their tilt. [um/px]

    Where all lines follow one axis, pixels are taken for square: at 5 degrees an error of 1 % in that is one of 8e-5.
    """
    ratio = 1.0
    sizes: list[float] = []
    for _ in range(4):
        sizes = [pixel_size(family, pitch_um, ratio) for family in families]
        x, y = ([s for s, f in zip(sizes, families, strict=True) if f.axis == axis] for axis in ("x", "y"))
        if x and y:
            ratio = float(np.mean(x) / np.mean(y))
    return sizes


def _edges_along(image: NDArray[np.float32], family: LineFamily) -> float:
    """How strong the edges along the lines of a family are where it reaches, relative to any other direction.

    Lines at 45 degrees cross every row of pixels at a constant distance as well, but no edge runs across the rows.
    """
    import cv2

    low, high = family.points[:, 1:].min(axis=0).astype(int), family.points[:, 1:].max(axis=0).astype(int)
    reached = image[max(low[0], 0) : high[0] + 1, max(low[1], 0) : high[1] + 1]
    smooth = cv2.GaussianBlur(np.ascontiguousarray(reached), (0, 0), 1.0)
    down, right = cv2.Sobel(smooth, cv2.CV_32F, 0, 1), cv2.Sobel(smooth, cv2.CV_32F, 1, 0)
    across = right if family.axis == "x" else down
    along = down if family.axis == "x" else right
    away = np.degrees(np.arctan2(-along, across)) - family.tilt_deg  # of the edge's normal from that of the lines
    away = np.abs((away + 90) % 180 - 90)
    energy, _ = np.histogram(away, bins=6, range=(0, 90), weights=across**2 + along**2)
    return float(energy[0] / max(energy[1:].max(), 1e-12))


def _crossings(image: NDArray[np.float32], x: LineFamily, y: LineFamily) -> float:
    """Share of the places where two families cross that have what the families are made of.

    A dot grid turned by 45 degrees has rows and columns too, a part of the pitch apart; half of them are empty.
    """
    lean_x, lean_y = tan(radians(x.tilt_deg)), tan(radians(y.tilt_deg))
    u0, v0 = np.meshgrid(x.centers_px, y.centers_px)
    column = (u0 + lean_x * (v0 - x.level_px - lean_y * y.level_px)) / (1 - lean_x * lean_y)
    row = v0 + lean_y * (column - y.level_px)

    def gray(row: Array, column: Array) -> Array:
        inside = (row > 0) & (column > 0) & (row < image.shape[0] - 1) & (column < image.shape[1] - 1)
        at = np.clip(np.rint(row), 0, image.shape[0] - 1), np.clip(np.rint(column), 0, image.shape[1] - 1)
        return np.where(inside, image[at[0].astype(int), at[1].astype(int)], np.nan)

    depth = np.abs(gray(row, column) - gray(row + y.spacing_px / 2, column + x.spacing_px / 2))
    depth = depth[np.isfinite(depth)]
    return float((depth > 0.4 * np.percentile(depth, 90)).mean()) if len(depth) else 0.0


# ------------------------------------------------------------------------------------------- finding the lines


@dataclass(frozen=True, slots=True, kw_only=True)
class _Refused:
    """Why an axis has no family; ``sure``: there are lines, and they cannot be used."""

    reason: str
    contrast: float = 0.0
    sure: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Lattice:
    """Lines of one band on their places."""

    spacing: float
    numbers: NDArray[np.intp]
    centers: Array
    depth: float  # median prominence [gray levels]
    width: float  # median width at half depth [px]
    middle: float  # of the band, across [px]


def _family(image: NDArray[np.float32], axis: Axis) -> LineFamily | _Refused:
    """Find the lines that follow each other along the columns of an image."""
    height, width = image.shape
    noise = _noise(image)
    slope = _slope(image)
    best: tuple[_Lattice, int] | _Refused = _Refused(reason=_NOTHING)
    for sign in (-1, 1):  # dark lines, bright lines: what is narrower are the lines
        found = _coarse(sign * image, slope, noise)
        if isinstance(best, _Refused):
            if not isinstance(found, _Refused):
                best = found, sign
            elif found.contrast > best.contrast:
                best = found
        elif not isinstance(found, _Refused) and found.width < 0.9 * best[0].width:
            best = found, sign
    if isinstance(best, _Refused):
        return best
    lattice, sign = best
    if lattice.spacing < MIN_SPACING_PX:
        reason = f"the lines lie {lattice.spacing:.1f} px apart; at least {MIN_SPACING_PX:g} px are needed"
        return _Refused(reason=reason, contrast=lattice.depth, sure=True)
    points = _readings(sign * image, slope, noise, lattice)
    return _fitted(points, axis, (height, width), lattice)


_NOTHING = "no evenly spaced lines found"


def _noise(image: NDArray[np.float32]) -> float:
    """Noise of a pixel, from neighbors along the lines; at least that of rounding to whole levels of the range."""
    step = np.abs(np.diff(image[:, :: max(1, image.shape[1] // 500)], axis=0))
    return max(1.4826 * float(np.median(step)) / sqrt(2), 1e-3 * float(np.ptp(image)))


def _slope(image: NDArray[np.float32]) -> float:
    """Columns per row by which the lines lean: the shear that makes the profile sharpest."""
    block = max(1, min(4, image.shape[0] // 64))
    rows = image[: image.shape[0] // block * block].reshape(-1, block, image.shape[1]).mean(axis=1)
    middles = np.arange(len(rows)) * block + (block - 1) / 2 - (image.shape[0] - 1) / 2
    every = -(-len(rows) // 220)
    rows, middles = rows[::every], middles[::every]
    columns = np.arange(image.shape[1])

    def sharpness(slope: float, parts: int) -> float:
        shift = np.rint(slope * middles).astype(int)
        reach = int(np.abs(shift).max())
        if image.shape[1] - 2 * reach < 32:
            return 0.0
        place = columns[reach:-reach] if reach else columns
        leaned = rows[np.arange(len(rows))[:, None], place[None, :] + shift[:, None]]
        return sum(float(np.mean(np.diff(part.mean(axis=0)) ** 2)) for part in np.array_split(leaned, parts))

    def sharpest(slopes: Array, parts: int) -> float:
        return float(slopes[int(np.argmax([sharpness(slope, parts) for slope in slopes]))])

    step = 1.2 / image.shape[0]  # parts of the height first: their profiles stand eight times larger steps
    limit = tan(radians(_SEARCHED_DEG))
    at = sharpest(np.arange(-limit, limit, 8 * step), 8)
    at = sharpest(at + np.arange(-9, 10) * step, 1)
    return sharpest(at + np.linspace(-1.5, 1.5, 13) * step, 1)


def _profile(image: NDArray[np.float32], slope: float, top: int, bottom: int) -> Array:
    """Mean of some rows along the lines, in columns of the middle row; NaN where no row reaches."""
    height, width = image.shape
    columns = np.arange(width, dtype=float)
    block = max(1, min(bottom - top, int(0.3 / max(abs(slope), 1e-6))))
    total, count = np.zeros(width), np.zeros(width)
    for start in range(top, bottom, block):
        end = min(start + block, bottom)
        at = columns + slope * ((start + end - 1) / 2 - (height - 1) / 2)
        inside = (at >= 0) & (at <= width - 1)
        row = np.interp(at, columns, image[start:end].mean(axis=0))
        total += np.where(inside, (end - start) * row, 0)
        count += (end - start) * inside
    return np.asarray(np.where(count > 0.6 * (bottom - top), total / np.maximum(count, 1), np.nan))


def _coarse(image: NDArray[np.float32], slope: float, noise: float) -> _Lattice | _Refused:
    """Number the bright lines of an image, from the band where they lie closest."""
    height = image.shape[0]
    tall = max(8, height // 8)
    tops = np.unique(np.linspace(0, height - tall, _BANDS).astype(int))
    bands = [(0, height), *((int(top), int(top) + tall) for top in tops)]
    peaks = [_peaks(_profile(image, slope, *band), noise / sqrt(band[1] - band[0])) for band in bands]
    deepest = max((_median(depths) for _, depths, _ in peaks), default=0.0)
    most = max((len(centers) for centers, _, _ in peaks), default=0)
    if most <= MIN_INTERVALS:
        reason = f"{most} lines found, at least {MIN_INTERVALS + 1} are needed" if most else _NOTHING
        return _Refused(reason=reason, contrast=deepest if most > 2 else 0.0)
    lattices: list[_Lattice] = []
    for (top, bottom), (centers, depths, widths) in zip(bands, peaks, strict=True):
        if _median(depths) >= 0.25 * deepest:
            placed = _placed(centers)
            if placed is not None:
                spacing, numbers, on = placed
                lattices.append(
                    _Lattice(
                        spacing=spacing,
                        numbers=numbers,
                        centers=centers[on],
                        depth=_median(depths[on]),
                        width=_median(widths[on]),
                        middle=(top + bottom - 1) / 2,
                    )
                )
    if not lattices:
        gaps = np.diff(max(peaks, key=lambda found: len(found[0]))[0])
        reason = (
            f"the spacing of the lines is not constant ({gaps.min():.1f} to {gaps.max():.1f} px);"
            " take a part of the scale that is divided evenly, and clean it"
        )
        return _Refused(reason=reason, contrast=deepest)
    finest = min(one.spacing for one in lattices)
    for one in lattices:
        if abs(one.spacing / finest - round(one.spacing / finest)) > 0.1 * round(one.spacing / finest):
            reason = f"two spacings that do not fit each other: {finest:.2f} and {one.spacing:.2f} px"
            return _Refused(reason=reason, contrast=deepest)
    chosen = max((one for one in lattices if one.spacing < 1.2 * finest), key=lambda one: len(one.numbers))
    for (top, bottom), (centers, _, _) in zip(bands, peaks, strict=True):
        faint = _peaks(_profile(image, slope, top, bottom), noise / sqrt(bottom - top), least=0.04)[0]
        for between, many in ((centers, 0.25), (faint, 0.6)):  # faint ones may be dirt, or lines that blur together
            share, extra = _against(between, chosen)
            if share >= 0.7 and extra > max(3, many * len(chosen.numbers)):
                reason = (
                    f"lines {chosen.spacing:.1f} px apart, and {extra} more between them:"
                    " part of the scale is subdivided; take a part that is divided evenly"
                )
                return _Refused(reason=reason, contrast=deepest, sure=True)
    return chosen


def _peaks(profile: Array, noise: float, least: float = 0.2) -> tuple[Array, Array, Array]:
    """Lines of a profile: centers [px], depths [gray levels] and widths at half depth [px].

    ``least`` is the depth that counts, as a share of that of the deep ones.
    """
    from scipy.ndimage import gaussian_filter1d
    from scipy.signal import find_peaks, peak_widths

    valid = np.flatnonzero(np.isfinite(profile))
    if len(valid) < 16:
        return np.zeros(0), np.zeros(0), np.zeros(0)
    first = int(valid[0])
    smooth = gaussian_filter1d(profile[first : valid[-1] + 1], 0.7)
    at, facts = find_peaks(smooth, prominence=6 * noise)
    if not len(at):
        return np.zeros(0), np.zeros(0), np.zeros(0)
    depth = facts["prominences"]
    keep = depth >= least * np.percentile(depth, 80)
    at, depth = at[keep], depth[keep]
    left, right = smooth[at - 1], smooth[at + 1]
    bend = left - 2 * smooth[at] + right
    shift = np.where(bend < 0, 0.5 * (left - right) / np.where(bend < 0, bend, 1), 0)
    return at + shift + first, depth, peak_widths(smooth, at, rel_height=0.5)[0]


def _median(values: Array) -> float:
    return float(np.median(values)) if len(values) else 0.0


def _placed(centers: Array) -> tuple[float, NDArray[np.intp], NDArray[np.intp]] | None:
    """Number the peaks of a profile: spacing, numbers, and which peaks they are; None: not evenly spaced.

    The phase of each peak in the spacing is compared with that of its neighbors, so that a scale that stretches
    slowly (distortion) keeps its numbers, and dirt between the lines gets none.
    """
    if len(centers) <= MIN_INTERVALS:
        return None
    spacing = float(np.median(np.diff(centers)))
    near = np.exp(-0.5 * ((centers[:, None] - centers[None, :]) / (3 * spacing)) ** 2)
    phase = np.unwrap(np.angle(near @ np.exp(2j * np.pi * centers / spacing))) / (2 * np.pi)
    places = centers / spacing - phase
    numbers = np.rint(places).astype(np.intp)
    off = np.abs(places - numbers)
    on = np.array(
        [i for i in np.flatnonzero(off < _ON_LATTICE) if off[i] == off[numbers == numbers[i]].min()], dtype=np.intp
    )
    if len(on) <= MIN_INTERVALS or len(on) < (1 - _STRAY) * len(centers):
        return None
    numbers = numbers[on] - numbers[on[0]]
    if len(np.unique(numbers)) < len(numbers) or len(numbers) < (1 - _MISSING) * (numbers[-1] + 1):
        return None
    spacing = float(np.polyfit(numbers, centers[on], 1)[0])
    off = np.abs(centers[on] - _curve(numbers, centers[on], numbers))
    return (spacing, numbers, on) if np.percentile(off, 80) < max(_UNEVEN * spacing, _UNEVEN_PX) else None


def _against(centers: Array, lattice: _Lattice) -> tuple[float, int]:
    """Share of the lines of a lattice that a band shows, and how many lines it has between them."""
    first, last = lattice.centers[0], lattice.centers[-1]
    places = np.interp(centers, lattice.centers, lattice.numbers)
    places += (np.minimum(centers - first, 0) + np.maximum(centers - last, 0)) / lattice.spacing  # beyond its ends
    on = np.abs(places - np.rint(places)) < _ON_LATTICE
    shown = np.isin(lattice.numbers, np.rint(places[on]))
    return float(shown.mean()), int((~on).sum())


# ---------------------------------------------------------------------------------------------- reading the lines


def _readings(image: NDArray[np.float32], slope: float, noise: float, lattice: _Lattice) -> Array:
    """Read every line in narrow bands: (number, place across, center along), bright lines. [px]"""
    height = image.shape[0]
    tall = max(4, height // _NARROW)
    tops = np.arange(0, height - tall + 1, tall)
    middles = tops + (tall - 1) / 2
    numbers = np.arange(lattice.numbers[-1] + 1)
    start = int(np.argmin(np.abs(middles - lattice.middle)))
    found: list[Array] = []
    depths: list[Array] = []
    for order in (range(start, len(tops)), range(start - 1, -1, -1)):
        model = _curve(lattice.numbers, lattice.centers, numbers)
        for band in order:
            profile = _profile(image, slope, int(tops[band]), int(tops[band]) + tall)
            centers, depth = _centroids(profile, model, lattice)
            good = np.isfinite(centers) & (depth > 5 * noise / sqrt(tall))
            good &= np.abs(centers - model) < 0.3 * lattice.spacing
            if good.sum() > max(MIN_INTERVALS, 0.5 * len(numbers)):  # lines bend: the next band starts from this one
                model = _curve(numbers[good], centers[good], numbers)
            along = centers[good] + slope * (middles[band] - (height - 1) / 2)
            found.append(np.column_stack([numbers[good], np.full(good.sum(), middles[band]), along]))
            depths.append(depth[good])
    points, depth = np.concatenate(found), np.concatenate(depths)
    return points[depth > 0.35 * np.median(depth)] if len(points) else points


def _curve(numbers: NDArray[np.intp], centers: Array, at: NDArray[np.intp]) -> Array:
    """Smooth course of the lines' centers, one that lies off does not pull it."""
    degree = 3 if len(numbers) >= 10 else 1
    keep = np.ones(len(numbers), dtype=bool)
    scale = max(1.0, float(at[-1]))
    for _ in range(3):
        poly = np.polyfit(numbers[keep] / scale, centers[keep], degree)
        off = np.abs(centers - np.polyval(poly, numbers / scale))
        keep = off <= max(0.2, 4 * 1.4826 * float(np.median(off)))
    return np.asarray(np.polyval(poly, at / scale))


def _centroids(profile: Array, expected: Array, lattice: _Lattice) -> tuple[Array, Array]:
    """Centroids of the lines of a profile about where they are expected, over a straight ground; and their depths."""
    half = min(0.5 * lattice.spacing, 1.1 * lattice.width + 1.0)
    offsets = np.linspace(-half, half, max(9, 2 * round(4 * half) + 1))
    edge = max(1, len(offsets) // 10)
    columns = np.arange(len(profile), dtype=float)
    centers = expected.copy()
    depth = np.zeros(len(centers))
    weight = 1 - np.clip(np.abs(offsets) / half - 0.8, 0, 0.2) / 0.2  # nothing jumps where the window ends
    for _ in range(6):
        window = np.interp(centers[:, None] + offsets[None, :], columns, profile, left=np.nan, right=np.nan)
        low, high = window[:, :edge].mean(axis=1), window[:, -edge:].mean(axis=1)
        ground = low[:, None] + (high - low)[:, None] * (offsets[None, :] + half) / (2 * half)
        line = (window - ground) * weight
        depth = line[:, len(offsets) // 2]
        mass = line.sum(axis=1)
        good = np.isfinite(mass) & (mass > 0)
        shift = np.where(good, (line * offsets).sum(axis=1) / np.where(good, mass, 1), np.nan)
        centers = np.where(np.abs(shift) < half, centers + shift, np.nan)
    return centers, np.where(np.isfinite(centers), depth, 0.0)


# ------------------------------------------------------------------------------------------------ fitting the scale


def _fitted(points: Array, axis: Axis, shape: tuple[int, int], lattice: _Lattice) -> LineFamily | _Refused:
    height, width = shape
    too_few = _Refused(
        reason=f"fewer than {MIN_INTERVALS + 1} lines can be read over their length; clean and refocus",
        contrast=lattice.depth,
    )
    if len(points) < 3 * MIN_INTERVALS:
        return too_few
    wide = float(np.ptp(points[:, 1])) > _WIDE * height
    for _ in range(4):  # readings that lie off the smooth course of their own line are dirt
        surface = _Surface.fitted(points, wide)
        off = np.abs(_beside(points[:, 0].astype(int), points[:, 2] - surface(points)))
        limit = max(0.1, 5 * 1.4826 * float(np.median(off)))
        if off.max() <= limit:
            break
        points = points[off <= limit]
    level = float(np.median(points[:, 1]))
    counts = np.bincount(points[:, 0].astype(int))
    numbers = np.flatnonzero(counts >= max(2, 0.15 * np.median(counts[counts > 0])))
    if len(numbers) <= MIN_INTERVALS:
        return too_few
    leveled = points[:, 2] - (surface(points) - surface(_at_level(points, level)))
    centers = np.array([leveled[points[:, 0] == number].mean() for number in numbers])
    course = _curve(numbers, centers, numbers)
    off = np.abs(centers - course)
    keep = off <= max(0.1, 5 * 1.4826 * float(np.median(off)))
    outliers = tuple(int(number) for number in numbers[~keep])
    numbers, centers = numbers[keep], centers[keep]
    if len(numbers) <= MIN_INTERVALS:
        return too_few
    spacing, start = np.polyfit(numbers, centers, 1)
    deviations = centers - (start + spacing * numbers)
    dof = len(numbers) - 2
    scatter = sqrt(float((deviations**2).sum()) / dof)
    u = scatter / sqrt(float(((numbers - numbers.mean()) ** 2).sum()))
    points = points[np.isin(points[:, 0], numbers)]
    surface = _Surface.fitted(points, wide)
    tilt = degrees(atan(surface.lean(float(numbers.mean()), level)))
    inside = set(range(int(numbers[0]), int(numbers[-1]) + 1))
    rows, columns = (points[:, 1], points[:, 2]) if axis == "x" else (points[:, 2], points[:, 1])
    return LineFamily(
        axis=axis,
        spacing_px=float(spacing),
        u_rel=u / float(spacing),
        dof=dof,
        tilt_deg=tilt,
        level_px=level,
        numbers=numbers,
        centers_px=centers,
        deviations_px=deviations,
        missing=tuple(sorted(inside - {int(number) for number in numbers} - set(outliers))),
        outliers=outliers,
        points=np.column_stack([points[:, 0], rows, columns]),
        covered=(float(np.ptp(centers)) / (width - 1), float(np.ptp(points[:, 1])) / (height - 1)),
        local=_local_scale(points, surface, float(spacing), len(numbers)),
        contrast=lattice.depth,
    )


def _beside(numbers: NDArray[np.intp], off: Array) -> Array:
    """Distances of readings from the median of those of their line."""
    order = np.argsort(numbers, kind="stable")
    parts = np.split(order, np.flatnonzero(np.diff(numbers[order])) + 1)
    result = off.copy()
    for part in parts:
        result[part] -= np.median(off[part])
    return result


def _at_level(points: Array, level: float) -> Array:
    moved = points.copy()
    moved[:, 1] = level
    return moved


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Surface:
    """Place along the axis as a polynomial of line number and place across."""

    powers: tuple[tuple[int, int], ...]
    factors: Array
    middle: tuple[float, float]
    half: tuple[float, float]

    @staticmethod
    def fitted(points: Array, wide: bool, *, straight: bool = False) -> "_Surface":
        """Least squares: ``straight`` even spacing and straight parallel lines, else bent as lenses bend."""
        powers = [(0, 0), (1, 0), (0, 1)]
        if not straight and len(np.unique(points[:, 0])) >= 8:
            powers += [(2, 0), (3, 0)]
        if not straight and wide:
            powers += [(1, 1), (0, 2), (2, 1), (1, 2)]
        low, high = points[:, :2].min(axis=0), points[:, :2].max(axis=0)
        half = np.maximum((high - low) / 2, 1.0)
        surface = _Surface(
            powers=tuple(powers), factors=np.zeros(len(powers)), middle=tuple((low + high) / 2), half=tuple(half)
        )
        factors = np.linalg.lstsq(surface._terms(points), points[:, 2], rcond=None)[0]
        return replace(surface, factors=factors)

    def __call__(self, points: Array) -> Array:
        return np.asarray(self._terms(points) @ self.factors)

    def spacing(self, points: Array) -> Array:
        """Distance of neighboring lines at some places. [px]"""
        x, y = self._unit(points)
        terms = [i * x ** max(i - 1, 0) * y**j for i, j in self.powers]
        return np.asarray(np.column_stack(terms) @ self.factors / self.half[0])

    def lean(self, number: float, level: float) -> float:
        """Slope of a line at a place. [px/px]"""
        x, y = self._unit(np.array([[number, level]]))
        terms = [j * x**i * y ** max(j - 1, 0) for i, j in self.powers]
        return float((np.column_stack(terms) @ self.factors)[0]) / self.half[1]

    def _terms(self, points: Array) -> Array:
        x, y = self._unit(points)
        return np.column_stack([x**i * y**j for i, j in self.powers])

    def _unit(self, points: Array) -> tuple[Array, Array]:
        return (points[:, 0] - self.middle[0]) / self.half[0], (points[:, 1] - self.middle[1]) / self.half[1]


def _local_scale(points: Array, surface: _Surface, spacing: float, lines: int) -> tuple[float, float] | None:
    """Range of the scale over the readings, where an F test shows that it is not one scale.

    All readings of a line share its error of ruling, so that only lines count as independent.
    """
    from scipy.special import fdtrc

    more = len(surface.powers) - 3
    if not more or lines < 8:
        return None
    cells = np.array(list(_cells(points)))
    even = _Surface.fitted(cells, wide=False, straight=True)
    bent = _Surface.fitted(cells, wide=(1, 1) in surface.powers)
    rest = float(((cells[:, 2] - bent(cells)) ** 2).sum())
    gain = float(((cells[:, 2] - even(cells)) ** 2).sum()) - rest
    if rest > 0 and fdtrc(more, lines - 4, gain / more / (rest / (lines - 4))) > _SHOWN:
        return None
    relative = spacing / bent.spacing(cells) - 1
    return float(relative.min()), float(relative.max())


def _cells(points: Array) -> Iterator[Array]:
    """Readings of a line, brought together in fifths of the reach across."""
    low, reach = points[:, 1].min(), max(float(np.ptp(points[:, 1])), 1.0)
    zone = np.minimum((5 * (points[:, 1] - low) / reach).astype(int), 4)
    for key in np.unique(points[:, 0] * 5 + zone):
        yield points[points[:, 0] * 5 + zone == key].mean(axis=0)


_EXAMPLE = LineFamily(
    axis="x",
    spacing_px=20.0,
    u_rel=0.0,
    dof=4,
    tilt_deg=0.0,
    level_px=0.0,
    numbers=np.arange(6),
    centers_px=np.arange(6) * 20.0,
    deviations_px=np.zeros(6),
    missing=(),
    outliers=(),
    points=np.zeros((0, 3)),
    covered=(1.0, 1.0),
    local=None,
    contrast=100.0,
)
