"""Interfaces of a layer, settled on the gray values of the picture itself.

A network that sees a picture reduced, so that it sees the whole stack, knows roughly where the interfaces are. The
picture knows better, and needs no teaching: what lies on either side of a line near it shows which gray values are of
which side (dark ones of a gap or of pores beside a layer, a slightly other gray of a substrate). By them the line is
laid anew, a few times (region competition: S. C. Zhu, A. Yuille, IEEE Trans. Pattern Anal. Mach. Intell. 18, 1996).
Where both sides have the same gray values they say nothing, and the network decides alone. Dark ones may say that a
place is not of the layer (a gap), and never that it is: a pore is dark in whatever it lies, and a layer that has pores
would else reach for those of its substrate.

A line that is far off has gray values of the wrong side beside it, and they confirm it. So another opinion takes them
from farther off, half a thickness and more from the line, and beside it only what is more frequent there than in the
layer: where the line is right, both agree.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from inspect_tool.measure.regions import connected
from inspect_tool.model import Mask, Samples
from inspect_tool.segmentation.unet.continuous_layer import SHIFT, Lines, Probability, Rows, averaged, line

WEIGHT = 4.0
"""Of what gray values say, against what the network says."""

_SMOOTH = 0.1  # width of the bell over gray values, of a pixel of the network
_CLIMB = 1 / 3  # what a row of climbing costs, of a pixel of the network [evidence]
_SUREST = 4.0  # logarithm of the largest odds that a network is believed
_ROUNDS = 3
_GRAYS = 48  # as many, each of which is as frequent
_FLOOR = 0.002  # of the pixels of a side are of every gray, seen or not
_SKIN = 0.2  # of the thickness: so near to an interface nobody knows on which side a gray value is [1]
_MIXED_PX = 2  # beyond an interface gray values are of both sides
_BESIDE = 0.5  # of the thickness: so far from an interface lies what is beside it [1]
_FARTHER = 1.5  # and what is farther off [1]
_THINNEST = 8.0  # of a layer from which gray values are taken [px]
_PORE = 0.04  # of the thickness: dark places narrower than twice this are cracks [1]
_TOUCH_PX = 3  # from an interface
_DARK_SPREADS = 4.0  # below the gray of the layer is at least so many spreads darker


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Settled:
    """The interfaces, and what the gray values say of every pixel."""

    lines: Lines
    farther: Lines  # by gray values of what lies farther off
    says: tuple[Probability, Probability]  # logarithm of the odds to lie below the upper, the lower interface
    climb: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Seen:
    """A picture, and what the network says of it."""

    smooth: NDArray[np.float32]  # (rows, columns), without the noise of single pixels
    edges: NDArray[np.float32]  # between the gray values that are told apart
    grays: NDArray[np.intp]  # (rows, columns), number of the gray value
    many: int
    priors: tuple[Probability, Probability]  # logarithm of the odds to lie below the upper, the lower interface
    inside: Mask | None
    climb: float


def settled(pixels: Samples, maps: Probability, rough: Lines, inside: Mask | None, scale: float) -> Settled:
    """Lay both interfaces by the network and by the gray values beside them.

    Parameters
    ----------
    pixels : ndarray
        (rows, columns), gray values.
    maps : ndarray of float32
        (3, rows, columns), probabilities that a pixel lies above, in and below the layer.
    rough : tuple of Rows
        Interfaces by the network alone.
    inside : ndarray of bool, optional
        Where the image counts.
    scale : float
        Pixels of the network per pixel of the picture.
    """
    smooth = np.asarray(cv2.GaussianBlur(np.asarray(pixels, np.float32), (0, 0), max(_SMOOTH / scale, 0.5)), np.float32)
    edges = np.unique(np.quantile(smooth[:: max(1, len(smooth) // 1000)], np.linspace(0, 1, _GRAYS + 1)[1:-1]))
    seen = _Seen(
        smooth=smooth,
        edges=edges,
        grays=np.searchsorted(edges, smooth),
        many=len(edges) + 1,
        priors=odds(maps),
        inside=inside,
        climb=_CLIMB / scale,
    )
    lines, says = _laid(seen, rough, farther=False)
    others, _ = _laid(seen, lines, farther=True)
    return Settled(lines=lines, farther=others, says=says, climb=seen.climb)


def _laid(seen: _Seen, lines: Lines, *, farther: bool) -> tuple[Lines, tuple[Probability, Probability]]:
    """Lay the lines anew a few times, by gray values beside them or farther off, and say what these say."""
    rows = np.arange(len(seen.grays))[:, None]
    says: list[Probability] = []
    for _ in range(_ROUNDS):
        upper, lower = lines
        thick = max(float(np.median(lower - upper)), _THINNEST)
        middle = (rows >= upper + _SKIN * thick) & (rows < lower - _SKIN * thick)
        core, dark = _shares(seen, middle), _dark_grays(seen, middle)
        says, laid = [], list[Rows]()
        for at, prior, beyond, sign in (
            (upper, seen.priors[0], upper - 1 - rows, 1),  # beyond: how many rows from the line, away from the layer
            (lower, seen.priors[1], rows - lower, -1),
        ):
            other = _shares(seen, (beyond >= _MIXED_PX) & (beyond < _BESIDE * thick))
            if farther:
                off = _shares(seen, (beyond >= _BESIDE * thick) & (beyond < _FARTHER * thick))
                other = np.maximum(off, other - core)
            near = (rows >= at - thick / 2) & (rows < at + thick / 2)
            of_layer = _odds_of(core, other)
            of_layer[:dark] = np.minimum(of_layer[:dark], 0)
            told = np.where(near, np.float32(sign) * of_layer[seen.grays], np.float32(0))
            says.append(told)
            laid.append(line(prior + np.float32(WEIGHT) * told, seen.inside, laid[0] if laid else None, seen.climb))
        lines = laid[0], laid[1]
    return lines, (says[0], says[1])


def opinions(found: Settled, views: Mapping[float, Probability], inside: Mask | None) -> Iterator[tuple[str, Lines]]:
    """Interfaces that are nearly as plausible, by name.

    Either one from another probability on; both by gray values that count half and twice as much, by those of what lies
    farther off, and by each size of the picture alone.
    """
    mean = averaged(views)
    for place, name in enumerate(("upper", "lower")):
        for sign, change in (("-", -SHIFT), ("+", SHIFT)):
            shifts = (change, 0.0) if place == 0 else (0.0, change)
            yield f"{name} interface {sign}", _by(found, mean, inside, shifts=shifts)
    for sign, weight in (("-", WEIGHT / 2), ("+", 2 * WEIGHT)):
        yield f"weight of gray values {sign}", _by(found, mean, inside, weight=weight)
    yield "gray values farther off", found.farther
    for zoom, one in views.items():
        name = "shown as it is" if zoom == 1 else "shown larger" if zoom > 1 else "shown smaller"
        yield name, _by(found, one, inside)


def _by(
    found: Settled,
    maps: Probability,
    inside: Mask | None,
    *,
    weight: float = WEIGHT,
    shifts: tuple[float, float] = (0.0, 0.0),
) -> Lines:
    upper_odds, lower_odds = odds(maps)
    raised = [np.float32(np.log((0.5 + shift) / (0.5 - shift))) for shift in shifts]
    says = [np.float32(weight) * one for one in found.says]
    upper = line(upper_odds - raised[0] + says[0], inside, None, found.climb)
    return upper, line(lower_odds - raised[1] + says[1], inside, upper, found.climb)


def odds(maps: Probability) -> tuple[Probability, Probability]:
    """Logarithm of the odds that a pixel lies below the upper and below the lower interface, as far as believed."""
    most = 1 / (1 + np.exp(-_SUREST))
    upper, lower = (np.clip(one, 1 - most, most) for one in (maps[1] + maps[2], maps[2]))
    return np.log(upper / (1 - upper)).astype(np.float32), np.log(lower / (1 - lower)).astype(np.float32)


def without_open_pores(pixels: Samples, layer: Mask) -> Mask:
    """Take dark places that touch an interface out of a layer; closed ones and cracks stay in it.

    Dark is what lies nearer to the darkest of the picture than to the layer, and well below what the layer varies by.
    """
    if not layer.any():
        return layer
    smooth = np.asarray(cv2.GaussianBlur(np.asarray(pixels, np.float32), (0, 0), 1.0), np.float32)
    dark = smooth < _dark_below(smooth, layer)
    thick = float(np.median(layer.sum(axis=0)))
    radius = max(1, round(_PORE * thick))
    near = cv2.dilate(layer.view(np.uint8), np.ones((2 * _TOUCH_PX + 1, 1), np.uint8)) > 0
    core = cv2.erode(layer.view(np.uint8), np.ones((2 * _TOUCH_PX + 1, 1), np.uint8)) > 0
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    wide = cv2.morphologyEx(dark.view(np.uint8), cv2.MORPH_OPEN, disc) > 0
    pores = connected(wide & near)
    open_ones = np.zeros(int(pores.max()) + 1, bool)
    open_ones[np.unique(pores[near & ~core])] = True
    open_ones[0] = False
    return np.asarray(layer & ~open_ones[pores], np.bool_)


def _dark_below(smooth: NDArray[np.float32], layer: Mask) -> float:
    """Gray value below which a place is dark beside a layer."""
    own = smooth[layer]
    middle = float(np.median(own))
    spread = 1.4826 * float(np.median(np.abs(own - middle)))
    return min((middle + float(np.percentile(smooth, 1))) / 2, middle - _DARK_SPREADS * spread)


def _dark_grays(seen: _Seen, layer: Mask) -> int:
    """How many of the gray values are dark, from the lowest on; that which is so in part is one of them."""
    return 1 + int(np.searchsorted(seen.edges, _dark_below(seen.smooth, layer))) if layer.any() else 0


def _shares(seen: _Seen, side: Mask) -> NDArray[np.float32]:
    """How frequent each gray value is on one side, (grays,); all 0 where nobody sees it."""
    if seen.inside is not None:
        side = side & seen.inside
    count = np.bincount(seen.grays[side], minlength=seen.many).astype(np.float32)
    spread = np.asarray(cv2.GaussianBlur(count[None], (0, 0), 1.0), np.float32)[0]
    return np.asarray(spread / max(float(count.sum()), 1.0), np.float32)


def _odds_of(layer: NDArray[np.float32], other: NDArray[np.float32]) -> NDArray[np.float32]:
    """Logarithm of how much more frequent each gray value is in the layer; 0 where one of the two is not seen."""
    if not layer.any() or not other.any():
        return np.zeros_like(layer)
    shares = [(one + _FLOOR) / (one + _FLOOR).sum() for one in (layer, other)]
    return np.asarray(np.log(shares[0] / shares[1]), np.float32)
