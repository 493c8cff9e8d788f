"""Where between two phases the level lies: what the edges say, what the gray values say, and whether both agree.

Heights are shares of the contrast of the edges: 0 half-way up them, about -1/2 at their dark foot and 1/2 at their top.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

SHIFT = 0.1
"""A boundary is plausible anywhere from 40 % to 60 % of the way up an edge: the level ± 10 % of the contrast."""

STEP = 0.05  # width of a bin of heights
HEIGHTS = np.arange(-24, 25) * STEP  # centers of the bins; what is lower or higher lies in the outermost ones

OWN_GRAY = 1.15
"""A phase has a gray of its own: beyond its edges pixels are denser than on them by this factor at least."""

ON_EDGES = 0.8
"""Share of the outline of a phase that lies on edges; where less of it does, the level runs through something."""

_MIDDLE = len(HEIGHTS) // 2
_APART = 0.5  # a height between two crests that has this share of the steepness of the lower one lies on a plateau
_ENOUGH = 30  # [px] fewer pixels in a bin say nothing
_SAME_KIND = 0.2  # of the edges of the crest that was chosen: fewer are dirt, pits, another kind of thing
_MATRIX = 0.8  # what covers more than this share of the field is what the phase lies in
_REACH = 0.75  # from the steepest height: farther out lies no plateau of that edge
_TRACE = 0.02  # of the density on the edges: less is no gray of anything
_THIN = 4.5  # [px] mean width of the phase; a thinner one has no plateau behind the smoothing of the gradient
_RESOLVED = 4.0  # blurs that a phase is wide at least to have a plateau
_SPARSE = 0.025  # of the field on edges; fewer are no structure that fills it
_TO_FOOT = 0.75  # of the way from half-way up to the foot of the edges (measured: docs/threshold.md)
_FARTHEST = 0.3  # from half-way up an edge: the middle between two grays lies no farther

_Crest: TypeAlias = tuple[int, int, int]  # first bin, steepest bin, last bin: from half as steep to half as steep


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Profile:
    """How many pixels lie at every height, and how steep the image is there; (49,) each."""

    field: NDArray[np.float64]  # pixels of the whole field
    pixels: NDArray[np.float64]  # of them, those near edges: far from any a height says nothing
    steepness: NDArray[np.float64]  # mean gradient of pixels near edges; 0 where there are none [contrasts/px]
    edges: float  # share of the field that lies on edges [1]
    blur_px: float = 0.0  # standard deviation of the blur of its edges, as far as it is known


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Height of the level, other heights that are as plausible, and how clear the phase shows."""

    height: float = 0.0
    others: Mapping[str, float] = field(default_factory=lambda: {"threshold -": -SHIFT, "threshold +": SHIFT})
    is_mixed: bool = False  # edges of several kinds: the height tells what the phase is, each edge where it ends
    own_gray: float | None = (
        None  # density of the gray of the phase over the least between it and the level; None: not judged
    )


def choose(profile: Profile, phase: Literal["dark", "bright"]) -> Choice:
    """Choose the level between a phase and the rest by its edges, and look what the gray values say of it.

    A level between two phases is steep: its pixels lie on edges. Where those half-way up all edges lie on a plateau, or
    nearly all of the field would be the phase, edges of several kinds were averaged (pores in a metal, bright rims
    around them): then the level is that of the edges next to the commonest gray. Other edges on the same side are
    another gray that may belong to the phase or not. Where the pixels beyond the edges only get fewer, the phase has no
    gray of its own (relief, a network that is all rim): any level from the foot of the edges to half-way up
    is as good, and one nearer to the foot is taken, because whatever stands out of the matrix is the phase.

    Parameters
    ----------
    profile : Profile
        Of the image, relative to the level that all its edges give together.
    phase : {"dark", "bright"}
        The side of interest.
    """
    if phase == "bright":
        mirror = choose(mirrored(profile), "dark")
        swapped = {"threshold -": "threshold +", "threshold +": "threshold -"}
        others = {swapped.get(name, name): -height for name, height in mirror.others.items()}
        return replace(mirror, height=0.0 - mirror.height, others=others)
    density = _smoothed(profile.pixels)
    known = profile.pixels >= _ENOUGH
    if not known.any():
        return Choice()
    # a sharp straight edge has pixels at a few heights only: between them it is as steep as they are
    steepness = _smoothed(np.interp(HEIGHTS, HEIGHTS[known], profile.steepness[known], left=0.0, right=0.0))
    crests = _crests(steepness)
    share = np.cumsum(profile.field) / profile.field.sum()
    # pixels at a height times the gradient there: the length of that contour
    length = [float((profile.pixels * profile.steepness)[first : last + 1].mean()) for first, _, last in crests]
    usual = [crest for crest, edges in zip(crests, length, strict=True) if edges >= _SAME_KIND * max(length)]
    matrix = int(density.argmax())
    below = [crest for crest in usual if crest[1] < matrix]
    own = next((crest for crest in usual if crest[0] <= _MIDDLE <= crest[2]), None)
    height, is_mixed = 0.0, own is None or bool(share[_MIDDLE] > _MATRIX and below)
    if own is None or is_mixed:
        own = below[-1] if below else usual[0]
        height = float(HEIGHTS[own[0]] + HEIGHTS[own[2]]) / 2
    low, high = float(HEIGHTS[own[0]]), float(HEIGHTS[own[2]])
    own_gray: float | None
    dark, own_gray = _gray_beyond(density[own[1] :: -1])
    bright, _ = _gray_beyond(density[own[1] :])
    at = int(np.abs(HEIGHTS - height).argmin())
    contour = profile.pixels[at] * profile.steepness[at] / STEP  # [px]
    wide = 2 * share[at] * profile.field.sum() / max(1.0, contour)  # a band of width w has two contours and w a length
    if wide < max(_THIN, _RESOLVED * profile.blur_px) or profile.edges < _SPARSE:
        own_gray = None  # too thin to reach a gray of its own, too few to tell
    elif own_gray < OWN_GRAY:
        foot = min(high, float(HEIGHTS[matrix]) - STEP) if matrix > own[1] else high
        others = {"half-way up the edges": height, "foot of the edges": foot}
        nearer = height + _TO_FOOT * (foot - height)
        return Choice(height=nearer, others=others, is_mixed=is_mixed, own_gray=own_gray)
    others = {"threshold -": height - SHIFT, "threshold +": height + SHIFT}
    if not is_mixed:  # a level that reaches a plateau is none
        others = {name: float(np.clip(other, low, high)) for name, other in others.items()}
    middle = float(HEIGHTS[own[1] - dark] + HEIGHTS[own[1] + bright]) / 2
    if abs(middle - height) > SHIFT:
        others["gray values"] = float(np.clip(middle, height - _FARTHEST, height + _FARTHEST))
    for i, crest in enumerate(usual):
        if crest != own and share[crest[1]] <= _MATRIX and share[crest[1]] >= _SAME_KIND * share[at]:
            others[f"another gray {i + 1}"] = float(HEIGHTS[crest[0]] + HEIGHTS[crest[2]]) / 2
    return Choice(height=height, others=others, is_mixed=is_mixed, own_gray=own_gray)


def mirrored(profile: Profile) -> Profile:
    """Profile of the negative."""
    reverse = {name: getattr(profile, name)[::-1] for name in ("field", "pixels", "steepness")}
    return replace(profile, **reverse)


def _smoothed(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.convolve(np.pad(values, 1, mode="edge"), (0.25, 0.5, 0.25), mode="valid")


def _gray_beyond(density: NDArray[np.float64]) -> tuple[int, float]:
    """Find the gray of a phase, going out from its edges: bins to it, and its density over the least before it.

    Both plateaus of an edge lie within its height; what is farther out are pits and other dirt.
    """
    near = density[: int(_REACH / STEP) + 1]
    prominence = near / np.minimum.accumulate(np.maximum(near, max(_ENOUGH, _TRACE * near[0])))
    at = int(prominence.argmax())
    return at, float(prominence[at])


def _crests(steepness: NDArray[np.float64]) -> list[_Crest]:
    """Crests with a plateau between them, from dark to bright."""
    tops: list[int] = []
    for at in np.flatnonzero(steepness > 0):
        if tops and steepness[tops[-1] : at + 1].min() > _APART * min(steepness[tops[-1]], steepness[at]):
            if steepness[at] > steepness[tops[-1]]:
                tops[-1] = int(at)
        else:
            tops.append(int(at))
    crests = []
    for top in tops:
        steep = steepness >= _APART * steepness[top]
        flat_below, flat_above = np.flatnonzero(~steep[:top]), np.flatnonzero(~steep[top:])
        first = int(flat_below[-1]) + 1 if len(flat_below) else 0
        last = top + int(flat_above[0]) - 1 if len(flat_above) else len(steepness) - 1
        crests.append((first, top, last))
    return crests
