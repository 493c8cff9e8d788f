"""Two phases by a level on the edges between them, carried over the image or one for all of it."""

from dataclasses import dataclass, replace
from functools import partial

import cv2
import numpy as np
from numpy.typing import NDArray

from inspect_tool.images import quality_measures
from inspect_tool.model import LabelImage, Mask
from inspect_tool.pixels.parts import connected_parts
from inspect_tool.segmentation.threshold.bands import bands, by_bands, put
from inspect_tool.segmentation.threshold.contours import better_level, contours
from inspect_tool.segmentation.threshold.edges import (
    PLATEAU_PX,
    Edges,
    Level,
    above,
    carried,
    carried_level,
    gradients,
    same_everywhere,
)
from inspect_tool.segmentation.threshold.gray_levels import class_means, histogram_of
from inspect_tool.segmentation.threshold.image import Ready
from inspect_tool.segmentation.threshold.level_choice import HEIGHTS, OWN_GRAY, SHIFT, STEP, Choice, Profile, choose
from inspect_tool.segmentation.threshold.settings import Settings

_DEEP = 0.25  # an object has a pixel that lies this share of the contrast beyond the level
_SMALL = 0.005  # of the image: objects that are judged before the others
_SHARP = 0.3  # and an edge along this share of its outline
_NEAR_PX = 8  # from an edge: both its plateaus, and no place where the level is only carried
_CLASS_CONTRAST = 0.1  # of that of the edges, which two classes by one level have at least


CARRIED, ONE = "local edge", "edge"
"""Names of the two methods, as they were taken."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OnEdges:
    """A level on the edges between two phases."""

    ready: Ready
    choice: Choice  # of its height on them
    method: str
    ranks: NDArray[np.uint8] | None = None  # dark (0) and bright (1) by it

    def level_at(self, shift: float) -> float:
        """The level, or its mean over the edges, at another height of them; in 8 bits."""
        edges = self.ready.edges
        return edges.level + _height(self.choice, shift) * edges.contrast

    def ranks_at(self, shift: float) -> NDArray[np.uint8]:
        """Tell dark (0) from bright (1) at another height of the edges; keep what edges bound."""
        if self.ranks is not None and shift == self.choice.height:
            return self.ranks
        gray, edges, choice = self.ready.gray, self.ready.edges, self.choice
        height = _height(choice, shift)
        one_level = same_everywhere(self.level_at(shift))
        level = carried_level(edges, gray.shape[1], height) if self.method == CARRIED else one_level
        ranks = above(gray, level)
        if choice.is_mixed:
            rise = 0.5 + float(np.clip(shift - choice.height, -SHIFT, SHIFT))
            ranks = by_bands(partial(_ended_on_edges, rise=rise), ranks, gray, rim=PLATEAU_PX)
        # small objects first, so that they do not lengthen the outline of the object that holds them
        for largest in (_SMALL * gray.size, gray.size):
            for rank in (0, 1):
                _keep_supported(ranks, rank, gray, level, edges, largest)
        return ranks


def on_edges(ready: Ready, settings: Settings) -> OnEdges:
    """Choose a level on the edges of an image, which has some."""
    choice = _choice(ready, settings)
    found = _with_ranks(OnEdges(ready=ready, choice=choice, method=CARRIED if settings.method == "auto" else ONE))
    return _with_one_level(found) if found.method == CARRIED else found


def outline_on_edges(ranks: NDArray[np.uint8], ready: Ready) -> float | None:
    """Share of the outline of a phase that lies on edges; None: there is no outline."""
    everywhere, along = (float(of[0]) for of in _contours(ranks, ready))
    return along / everywhere if everywhere else None


def _contours(image: NDArray[np.uint8], ready: Ready) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return contours(image, ready.edges.mask, ready.roi, bands(image.shape))


def _with_one_level(found: OnEdges) -> OnEdges:
    """Take one level for the whole image where its contour follows the edges farther than that of the carried one.

    A carried level is drawn to what lies nearest (white writing on the ground, bright particles beside dim ones). Its
    contour then leaves the edges, or misses them. A phase without a gray of its own is left: its level is not meant to
    lie where the edges are steepest. So are edges of several kinds.
    """
    ready, choice = found.ready, found.choice
    if choice.is_mixed or choice.own_gray is None or choice.own_gray < OWN_GRAY:
        return found
    level = better_level(_contours(found.ranks_at(choice.height), ready), _contours(ready.gray, ready))
    one = None if level is None else by_one_level(ready, level, own_gray=choice.own_gray)
    return found if one is None else one


def by_one_level(ready: Ready, level: float, *, method: str = ONE, own_gray: float | None = None) -> OnEdges | None:
    """One level for the whole image; each outline ends half-way up its own edge. None: it parts too like grays."""
    dark, bright = class_means(histogram_of(ready.gray, ready.roi), [level])
    contrast = 2 * min(level - dark, bright - level)  # a phase is seen by the nearer side
    if contrast < _CLASS_CONTRAST * ready.edges.contrast:
        return None
    edges = replace(ready.edges, level=level, contrast=contrast)
    choice = Choice(own_gray=own_gray, is_mixed=True)
    return _with_ranks(OnEdges(ready=replace(ready, edges=edges), choice=choice, method=method))


def _with_ranks(found: OnEdges) -> OnEdges:
    return replace(found, ranks=found.ranks_at(found.choice.height))


def _choice(ready: Ready, settings: Settings) -> Choice:
    """Height of the level on the edges; of a phase that is known only by its area half-way up."""
    if settings.phase == "auto":
        return Choice()
    gray, roi, edges = ready.gray, ready.roi, ready.edges
    bins = len(HEIGHTS)
    field, pixels, steep = np.zeros(bins), np.zeros(bins), np.zeros(bins)
    level, contrast = (
        carried(values.__getitem__, values.shape, gray.shape[1]) for values in (edges.level_map, edges.contrast_map)
    )
    around = np.ones((2 * _NEAR_PX + 1, 2 * _NEAR_PX + 1), np.uint8)
    for rows, inner, smooth, gradient in gradients(gray):
        by = np.maximum(contrast(rows), 1.0)
        at = np.clip(np.rint((smooth[inner] - level(rows)) / by / STEP) + bins // 2, 0, bins - 1).astype(np.intp)
        near = cv2.dilate(np.unpackbits(edges.mask[rows], axis=1, count=gray.shape[1]), around).view(np.bool_)
        if roi is not None:
            near &= roi[rows]
        field += np.bincount((at if roi is None else at[roi[rows]]).ravel(), minlength=bins)
        pixels += np.bincount(at[near], minlength=bins)
        steep += np.bincount(at[near], (gradient / by)[near], minlength=bins)
    profile = Profile(
        field=field, pixels=pixels, steepness=steep / np.maximum(pixels, 1), edges=edges.n / max(1.0, field.sum())
    )
    choice = choose(profile, settings.phase)
    if choice.own_gray is None or choice.own_gray >= OWN_GRAY:
        return choice
    blur = quality_measures.edges(gray, roi).blur_px  # is it relief, or what a soft image leaves of small features?
    known = blur[np.isfinite(blur)]
    return choose(replace(profile, blur_px=float(np.median(known)) if known.size else 0.0), settings.phase)


def _height(choice: Choice, shift: float) -> float:
    # of edges of several kinds only the outlines move with a small shift: what the phase is stays as it was
    return choice.height if choice.is_mixed and abs(shift - choice.height) < SHIFT + STEP / 2 else shift


def _ended_on_edges(ranks: NDArray[np.uint8], gray: NDArray[np.uint8], rise: float) -> NDArray[np.uint8]:
    """Move the outline of the phase to a share of the way up each edge, by the grays it goes from and to.

    Only pixels within 2 px of the outline move.
    """
    near, around = np.ones((5, 5), np.uint8), np.ones((2 * PLATEAU_PX + 1, 2 * PLATEAU_PX + 1), np.uint8)
    moves = cv2.dilate(ranks, near) > cv2.erode(ranks, near)
    low, high = (np.asarray(of(gray, around), np.uint8)[moves].astype(np.float32) for of in (cv2.erode, cv2.dilate))
    made = ranks.copy()
    made[moves] = gray[moves] > low + np.float32(rise) * (high - low)
    return made


def _keep_supported(
    ranks: NDArray[np.uint8], rank: int, gray: NDArray[np.uint8], level: Level, edges: Edges, largest: float
) -> None:
    """Give objects of one rank (0 or 1) that no edge bounds, or that are too shallow, to the other. In place."""
    cross = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]], np.uint8)
    beyond = np.float32(_DEEP * edges.contrast)

    def inside(top: int, bottom: int) -> Mask:
        return np.asarray(ranks[top:bottom] == rank)

    def sums(top: int, bottom: int, numbers: LabelImage, n: int) -> NDArray[np.intp]:
        """Outline pixels, outline pixels on an edge, deep pixels."""
        low, rows = max(0, top - 1), slice(top, bottom)
        wide = inside(low, bottom + 1).view(np.uint8)
        eroded = cv2.erode(wide, cross, borderType=cv2.BORDER_REPLICATE)
        on_rim = (wide > eroded)[top - low : bottom - low]
        on_edge = np.unpackbits(edges.mask[rows], axis=1, count=gray.shape[1]).view(np.bool_)
        at = level(rows)
        deep = gray[rows] <= at - beyond if rank == 0 else gray[rows] >= at + beyond
        parts = (numbers[on_rim], numbers[on_rim & on_edge], numbers[deep])
        return np.stack([np.bincount(part, minlength=n) for part in parts])

    parts = connected_parts(inside, gray.shape, 8 if rank == 0 else 4)
    rim, sharp, deep = parts.sums(sums)
    kept = ((deep > 0) & (sharp >= _SHARP * rim)) | (parts.area > largest)
    for rows, gone in parts.places(~kept):
        put(ranks, rows, gone, 1 - rank)
