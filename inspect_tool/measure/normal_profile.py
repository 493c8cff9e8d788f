"""Profiles normal to the surface of a specimen: shares of what is counted by how deep it lies below the surface.

The surface is the border to what lies beyond it (mount, scale), smoothed along itself, so that its roughness does not
bring the depths nearer to it. Every pixel belongs to the place of the surface that is nearest: on a round bar the
profile runs along its radius.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt
from skimage.measure import find_contours

from inspect_tool.errors import MeasurementError
from inspect_tool.measure.lines import evenly, gaps_closed, is_closed, length_of, smoothed
from inspect_tool.measure.regions import connected
from inspect_tool.model import Mask

_LEAST_BEYOND = 0.002  # of the field: a smaller piece beyond is no surround, but a pore at the edge of the picture
_SMOOTH_PX = 10.0  # standard deviation of the smoothing along the surface
_LEAST_PIECE = 0.25  # of the longest piece of surface: shorter ones are left out
_LEAST_PX = 40.0  # length of surface that has a direction
_BINS = 240  # of the depth
_BLOCKS = 64  # of the surface
_SEEN = 0.3  # of the surface that a depth is seen below: where less is left, the profile ends

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Surface:
    """Surface of a specimen: its pieces one after the other; positions are (row, column). [px]"""

    line: Floats  # points one pixel apart, (n, 2)
    inward: Floats  # unit normals into the specimen, (n, 2)
    ends: NDArray[np.bool_]  # True at ends of open pieces, (n,)
    specimen: Mask  # cracks that open to the surface counted in


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Profile:
    """Pixels by their place along the surface and their depth below it."""

    depth: Floats  # middle of every step of depth, (depths,) [px]
    known: Floats  # pixels that count, (blocks, depths)
    counted: Floats  # those of what is counted, (blocks, depths)
    middle: Floats  # place of every block on the surface, (blocks, 2) [px]
    inward: Floats  # unit normal into the specimen there, (blocks, 2)
    block_px: float  # length of surface of a block

    @property
    def share(self) -> Floats:
        """Share by the depth, averaged along the surface, (depths,). [1]"""
        return np.asarray(self.counted.sum(axis=0) / self.known.sum(axis=0))

    @property
    def line_px(self) -> float:
        """Length of the surface."""
        return self.block_px * len(self.known)

    @property
    def reach_px(self) -> float:
        """Depth at which the profile ends."""
        return float(self.depth[-1] + self.depth[0])


def surface_of(beyond: Mask, crack_px: int = 0) -> Surface:
    """Find the surface of a specimen.

    Parameters
    ----------
    beyond : array of bool, (rows, columns)
        True on what lies beyond the surface. Pieces that do not touch the edge of the picture are inside the specimen.
    crack_px : int
        Openings of the surface up to so wide are cracks and no surface.

    Raises
    ------
    MeasurementError
        Nothing lies beyond a surface, or it is too short to have a direction.
    """
    pieces = connected(beyond)
    at_edge = np.unique(np.concatenate([pieces[0], pieces[-1], pieces[:, 0], pieces[:, -1]]))
    sizes = np.bincount(pieces.ravel())
    around = [int(k) for k in at_edge[at_edge > 0] if sizes[k] >= _LEAST_BEYOND * beyond.size]
    if not around:
        msg = "the surface of the specimen is not in the picture"
        raise MeasurementError(msg)
    specimen = ~np.isin(pieces, around)
    if crack_px > 0:
        specimen = gaps_closed(specimen, crack_px)
    found = find_contours(specimen.astype(np.float32), 0.5)  # type: ignore[no-untyped-call]
    lines = sorted((np.asarray(line, np.float64) for line in found), key=length_of, reverse=True)
    lines = [line for line in lines if length_of(line) >= max(_LEAST_PX, _LEAST_PIECE * length_of(lines[0]))]
    if not lines:
        msg = "the surface of the specimen is hardly in the picture"
        raise MeasurementError(msg)
    made = [_smooth(line) for line in lines]
    line = np.concatenate([one for one, _ in made])
    inward = np.concatenate([_normals(one) for one, _ in made])
    ahead = np.clip(np.rint(line + 3 * inward).astype(np.intp), 0, np.asarray(specimen.shape) - 1)
    behind = np.clip(np.rint(line - 3 * inward).astype(np.intp), 0, np.asarray(specimen.shape) - 1)
    start = 0
    for one, _ in made:  # all along a piece the specimen lies on the same side
        piece = slice(start, start + len(one))
        inside = specimen[tuple(ahead[piece].T)].mean() - specimen[tuple(behind[piece].T)].mean()
        if inside < 0:
            inward[piece] *= -1
        start += len(one)
    return Surface(line=line, inward=inward, ends=np.concatenate([ends for _, ends in made]), specimen=specimen)


def _smooth(line: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """Points of a smoothed line one pixel apart, and which of them are ends."""
    closed = is_closed(line)
    even = evenly(line, 1.0)
    if closed:
        even[-1] = even[0]
    points = evenly(smoothed(even, _SMOOTH_PX), 1.0)
    ends = np.zeros(len(points), bool)
    if not closed:
        ends[:2] = ends[-2:] = True
    return points, ends


def _normals(line: Floats) -> Floats:
    along = np.gradient(line, axis=0)
    normal = np.column_stack([along[:, 1], -along[:, 0]])
    return np.asarray(normal / np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-12))


def normal_profiles(surface: Surface, counted: list[Mask], known: Mask) -> list[Profile]:
    """Count by depth below the surface and by place along it.

    Parameters
    ----------
    surface : Surface
        Of the specimen.
    counted : list of arrays of bool, (rows, columns)
        True on what is counted; one profile for each.
    known : array of bool, (rows, columns)
        True where the picture counts.

    Returns
    -------
    list of Profile
        With steps of a pixel, or more where the specimen is seen deeper than 240 of them. They end where less than
        30 % of the surface has something known so deep below it.

    Raises
    ------
    MeasurementError
        Nothing known below the surface.
    """
    n = len(surface.line)
    where = np.full(known.shape, -1, np.int64)
    rows, columns = np.clip(np.rint(surface.line).astype(np.intp), 0, np.asarray(known.shape)[:, None].T - 1).T
    where[rows, columns] = np.arange(n)
    nearest = distance_transform_edt(where < 0, return_distances=False, return_indices=True)
    point = where[nearest[0], nearest[1]]
    inside = surface.specimen & known & ~surface.ends[point]
    at = np.argwhere(inside)
    point = point[inside]
    depth = ((at - surface.line[point]) * surface.inward[point]).sum(axis=1)
    below = depth > 0
    at, point, depth = at[below], point[below], depth[below]
    if not len(depth):
        msg = "nothing of the specimen is seen below its surface"
        raise MeasurementError(msg)
    step = max(1.0, float(depth.max()) / _BINS)
    bins = int(depth.max() / step) + 1
    blocks = max(1, min(_BLOCKS, n // 4))
    index = (point * blocks // n) * bins + (depth / step).astype(np.intp)
    total = np.bincount(index, minlength=blocks * bins).reshape(blocks, bins).astype(np.float64)
    seen = total.sum(axis=0)
    enough = seen >= _SEEN * n * step
    first = int(enough.argmax())
    last = first + int(np.argmin(np.append(enough[first:], False)))
    if not enough.any():
        msg = "hardly anything of the specimen is seen below its surface"
        raise MeasurementError(msg)
    middle = ((np.arange(blocks) + 0.5) * n / blocks).astype(np.intp)
    made = []
    for mask in counted:
        hits = np.bincount(index, mask[at[:, 0], at[:, 1]], minlength=blocks * bins).astype(np.float64)
        made.append(
            Profile(
                depth=(np.arange(first, last) + 0.5) * step,
                known=total[:, first:last],
                counted=hits.reshape(blocks, bins)[:, first:last],
                middle=surface.line[middle],
                inward=surface.inward[middle],
                block_px=n / blocks,
            )
        )
    return made
