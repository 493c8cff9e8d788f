"""What color tells and gray does not: the axis that separates two hues, and areas of another color inside a class.

Color is taken as two differences of the channels, without the part that a tint of the whole picture makes of its
brightness: an orange lamp colors bright grains more than dark ones, which says nothing of phases.
"""

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from inspect_tool.model import LabelImage, Mask
from inspect_tool.pixels.parts import strips
from inspect_tool.pixels.reduced import area_mean, nearest
from inspect_tool.pixels.stored import StoredImage, zeros_like

MANY_TINTS = 12.0
"""Spread of color from which on there are areas of other tints: lamps and texture make 1 to 8 of one material, grains
of other tints 11 to 50. [gray levels]"""

_LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601, as the gray image
_OPPONENT = np.array([[1, -1, 0], [-1, -1, 2]], np.float32) / np.sqrt(np.array([[2], [6]], np.float32))
_PIXELS = 300_000  # structure is looked for in a picture of at most about this many pixels
_SIGMA_PX = 1.5  # of the Gaussian whose derivative shows edges
_QUIET = 0.25  # share of the pixels that are surely no edge
_GATE = 6.0  # an edge is this many times as steep as what noise makes
_REACH_PX = 4  # half width of the window in which an edge reaches both its plateaus
_DISTINCT = 12.0  # difference of two colors across an edge from which it counts [gray levels]
_LEAST = 0.0005  # of the picture must be edges
_SEPARATED = 6.0  # distance of two clean classes over their standard deviation; a single hump cut in two has 2.7
_BETTER = 2.0  # color is taken where gray does not separate, and color does this many times as well
_BAND_PX = 1 << 20
_NEAR_PX = 3  # this near to the border of a class its color is mixed
_SMOOTH_PX = 2.5  # of the Gaussian that takes noise and fine texture away


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """A direction in color along which two hues lie apart."""

    weights: tuple[float, float, float]  # of red, green and blue; the hue of less area lies low
    separation: float  # distance of the two classes over their standard deviation, along the axis [1]
    gray_separation: float  # the same for gray, at its own best edges; 0: gray has no edge [1]
    minor_percent: float  # area of the hue that has less [%]


def axis_of(color: NDArray[np.uint8], roi: Mask | None = None) -> Axis | None:
    """Find the color axis that separates two phases where gray does not.

    Parameters
    ----------
    color : array, (rows, columns, 3)
        RGB, 8 bit.
    roi : array of bool, (rows, columns), optional
        Pixels that count.

    Returns
    -------
    Axis or None
        None where color has no distinct edges, does not fall into two classes, or gray separates about as well.
    """
    small, inside = _reduced(color, roi)
    gray, opponent, tint = _channels(small)
    edges = _edges(opponent, inside)
    if edges is None:
        return None
    mask, direction = edges
    along = opponent @ direction
    apart, low = _separation(along, mask, inside)
    own = _edges(gray[..., None], inside)
    gray_apart = 0.0 if own is None else _separation(gray, own[0], inside)[0]
    if gray_apart >= _SEPARATED or apart < max(_SEPARATED, _BETTER * gray_apart):
        return None
    sign = 1.0 if low <= 0.5 else -1.0
    weights = sign * direction @ (_OPPONENT - tint[:, None] * _LUMA)
    red, green, blue = (float(weight) for weight in weights)
    return Axis(
        weights=(red, green, blue),
        separation=apart,
        gray_separation=gray_apart,
        minor_percent=100 * min(low, 1 - low),
    )


def reversed_axis(axis: Axis) -> Axis:
    """The same axis with the hue of less area at the high end."""
    red, green, blue = axis.weights
    return replace(axis, weights=(-red, -green, -blue))


def along_axis(color: NDArray[np.uint8], axis: Axis) -> NDArray[np.float32]:
    """Color of every pixel along an axis, (rows, columns). [gray levels]"""
    made = zeros_like(color, np.float32, color.shape[:2])
    weights = np.array([axis.weights], np.float32)
    tall = max(1, _BAND_PX // color.shape[1])
    for top in range(0, color.shape[0], tall):
        rows = slice(top, min(top + tall, color.shape[0]))
        made[rows] = cv2.transform(color[rows].astype(np.float32), weights)
    return made


def channel(color: NDArray[np.uint8], number: int) -> NDArray[np.uint8]:
    """Red (0), green (1) or blue (2) of every pixel, (rows, columns)."""
    if not isinstance(color, StoredImage):
        return np.ascontiguousarray(color[:, :, number])
    made = zeros_like(color, np.uint8, color.shape[:2])
    for top, bottom in strips(color.shape):
        made[top:bottom] = color[top:bottom][:, :, number]
    return made


def spread_inside(
    color: NDArray[np.uint8], labels: LabelImage | Mask, roi: Mask | None = None, classes: tuple[int, ...] = ()
) -> float:
    """Standard deviation of the color inside the classes, away from their borders. [gray levels]

    Noise and fine texture are smoothed away, so that what is left are areas of another color in the same class.

    Parameters
    ----------
    color : array, (rows, columns, 3)
        RGB, 8 bit.
    labels : array, (rows, columns)
        Classes.
    roi : array of bool, (rows, columns), optional
        Pixels that count.
    classes : tuple of int
        Classes to look at; empty: all.

    Returns
    -------
    float
        Root mean square distance from the mean color of the class, over all classes; 0 where no class is wide enough.
    """
    small, inside = _reduced(color, roi)
    opponent = cv2.GaussianBlur(_channels(small)[1], (0, 0), _SMOOTH_PX)
    size = (small.shape[1], small.shape[0])
    few = nearest(labels, size, exact=True).astype(np.float32)
    square = np.ones((2 * _NEAR_PX + 1, 2 * _NEAR_PX + 1), np.uint8)
    plain = inside & (cv2.dilate(few, square) == cv2.erode(few, square))
    squares, n = 0.0, 0
    for number in classes or np.unique(few):
        found = opponent[plain & (few == number)]
        squares += float(found.var(axis=0).sum()) * len(found) if len(found) else 0.0
        n += len(found)
    return float(np.sqrt(squares / n)) if n else 0.0


def _reduced(color: NDArray[np.uint8], roi: Mask | None) -> tuple[NDArray[np.uint8], Mask]:
    """A smaller picture by means over blocks, and the pixels whose neighborhood counts."""
    rows, columns = color.shape[:2]
    factor = max(1, int(np.ceil((rows * columns / _PIXELS) ** 0.5)))
    size = (max(1, columns // factor), max(1, rows // factor))
    small = np.asarray(area_mean(color, size), dtype=np.uint8)
    if roi is None:
        return small, np.ones(small.shape[:2], np.bool_)
    counts = nearest(roi, size, exact=True).astype(np.uint8)
    square = np.ones((2 * _REACH_PX + 1, 2 * _REACH_PX + 1), np.uint8)
    return small, cv2.erode(counts, square, borderType=cv2.BORDER_REPLICATE).view(np.bool_)


def _channels(
    color: NDArray[np.uint8],
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Smooth gray (rows, columns), smooth color without the tint (rows, columns, 2), and that tint (2,)."""
    smooth = cv2.GaussianBlur(color.astype(np.float32), (0, 0), _SIGMA_PX)
    gray = np.asarray(cv2.transform(smooth, _LUMA[None]), dtype=np.float32)
    opponent = cv2.transform(smooth, _OPPONENT)
    tint = np.asarray(opponent.sum(axis=(0, 1)) / max(1.0, float(gray.sum())), dtype=np.float32)
    return gray, np.asarray(opponent - gray[..., None] * tint, dtype=np.float32), tint


def _edges(image: NDArray[np.float32], inside: Mask) -> tuple[Mask, NDArray[np.float32]] | None:
    """Distinct edges of a smooth image (rows, columns, channels), and the direction (channels,) it changes in there.

    The direction is the first principal one of the gradients: the difference of what lies on both sides.
    """
    channels = [np.ascontiguousarray(image[..., i]) for i in range(image.shape[2])]
    gradients = [
        np.stack([cv2.Sobel(channel, cv2.CV_32F, 1 - down, down, scale=1 / 8) for channel in channels], axis=-1)
        for down in (0, 1)
    ]
    steep = np.sqrt(sum((gradient**2).sum(axis=-1) for gradient in gradients))
    if not inside.any():
        return None
    noise = float(np.quantile(steep[inside], _QUIET)) / float(np.sqrt(-2 * np.log(1 - _QUIET)))
    square = np.ones((2 * _REACH_PX + 1, 2 * _REACH_PX + 1), np.uint8)
    reach = [cv2.dilate(channel, square) - cv2.erode(channel, square) for channel in channels]
    contrast = np.sqrt(sum(part**2 for part in reach))
    mask: Mask = inside & (steep > _GATE * noise) & (contrast >= _DISTINCT)
    if np.count_nonzero(mask) < _LEAST * np.count_nonzero(inside):
        return None
    found = np.concatenate([gradient[mask] for gradient in gradients])
    _, vectors = np.linalg.eigh(found.T @ found)
    return mask, np.asarray(vectors[:, -1], dtype=np.float32)


def _separation(image: NDArray[np.float32], edges: Mask, inside: Mask) -> tuple[float, float]:
    """Distance over standard deviation of the classes on both sides of the level at the edges; share of the lower."""
    level = float(image[edges].mean())
    square = np.ones((2 * _REACH_PX + 1, 2 * _REACH_PX + 1), np.uint8)
    plain = inside & ~cv2.dilate(edges.view(np.uint8), square).view(np.bool_)
    parts = image[plain & (image <= level)], image[plain & (image > level)]
    if min(part.size for part in parts) < _LEAST * image.size:
        return 0.0, 0.5
    within = float(np.sqrt(sum(float(part.var()) for part in parts) / 2))
    low = int(np.count_nonzero(inside & (image <= level))) / int(np.count_nonzero(inside))
    return abs(float(parts[1].mean() - parts[0].mean())) / max(within, 0.25), low
