"""Lines, boxes and writing in color over a gray picture: found, and left out of what is measured.

A measuring line, a scale bar or a label that a program has burned into a picture is no specimen. In a picture that is
gray, or of one tint all over, nothing else is as colorful. A picture with colors of its own is left as it is.
"""

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from inspect_tool.errors import MeasurementError
from inspect_tool.languages import Text, joined, named
from inspect_tool.model import Mask, Micrograph

META = "colored marks left out"
"""Note of a micrograph with the share of its region that marks cover."""

_ONE_TINT = 0.15  # of nine pixels in ten the color differs by less from that of the picture, else it is colored [1]
_WEAK = 0.35  # and that color is as weak as lamps and filters make it [1]
_PURE = 0.5  # a mark has pixels whose color differs by this much: red on gray has about 1, brass and gold 0.4 [1]
_FAINT = 0.2  # and smooth rims, or thin strokes blurred by compression, that differ by this much [1]
_OVER_SPREAD = 4.0  # both are also this many times as far off as nine pixels in ten
_DARK = 160  # below this brightness color is noise or a deep shadow: differences are taken as shares of it
_LEAST_PX = 4  # pure pixels of a mark
_NEAR_PX = 12  # a faint stroke this near to a mark belongs to it: letters of a word
_RIM_PX = 3  # left out around a mark: smoothing and compression have spread it
_STROKE = 4.0  # a stroke has this many times the area of the square of its width; a disc has 0.8 [1]
_FILLED = 0.85  # a bar or a box fills its upright frame by this share [1]
_FLAT = 2.5  # painted areas have one color where a camera has noise: half of their pixels are this near [gray levels]
_BAND_PX = 1 << 20
_HUES = ("red", "yellow", "green", "cyan", "blue", "magenta")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Marks:
    """Colored marks of a picture."""

    mask: Mask  # pixels of marks and the rim around them
    hues: tuple[str, ...]  # the most common first
    painted_percent: float  # share of the picture in spots of one color, where they are more than the strokes [%]


def find(color: NDArray[np.uint8]) -> Marks | None:
    """Find colored marks in a gray picture.

    Parameters
    ----------
    color : array, (rows, columns, 3)
        RGB, 8 bit.

    Returns
    -------
    Marks or None
        None where the picture has colors of its own, or no mark. Colored spots of uneven color are of the specimen.
    """
    stride = max(1, int((color[..., 0].size / 250_000) ** 0.5))
    few = _tint(color[::stride, ::stride])
    tint = np.median(few.reshape(-1, 2), axis=0).astype(np.float32)
    spread = float(np.quantile(np.hypot(*np.moveaxis(few - tint, 2, 0)), 0.9))
    if spread > _ONE_TINT or float(np.hypot(*tint)) > _WEAK:
        return None
    shape = color.shape[:2]
    pure, faint = np.empty(shape, np.bool_), np.empty(shape, np.uint8)
    tall = max(1, _BAND_PX // shape[1])
    for top in range(0, shape[0], tall):
        rows = slice(top, top + tall)
        off = np.hypot(*np.moveaxis(_tint(color[rows]) - tint, 2, 0))
        pure[rows] = off >= max(_PURE, _OVER_SPREAD * spread)
        faint[rows] = off >= max(_FAINT, _OVER_SPREAD * spread)
    if np.count_nonzero(pure) < _LEAST_PX:
        return None
    n, numbers, boxes, _ = cv2.connectedComponentsWithStats(faint, connectivity=8)
    marks = np.bincount(numbers[pure], minlength=n) >= _LEAST_PX
    if not marks.any():
        return None
    near = np.ones((2 * _NEAR_PX + 1, 2 * _NEAR_PX + 1), np.uint8)
    marks[np.unique(numbers[cv2.dilate(marks[numbers].view(np.uint8), near) > 0])] = True
    marks[0] = False
    mask = marks[numbers]
    closed = cv2.morphologyEx(mask.view(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    depth = cv2.distanceTransform(closed, cv2.DIST_L2, 3)
    width = np.zeros(n)
    np.maximum.at(width, numbers[mask], 2 * depth[mask] - 1)
    area = boxes[:, cv2.CC_STAT_AREA]
    upright = area >= _FILLED * boxes[:, cv2.CC_STAT_WIDTH] * boxes[:, cv2.CC_STAT_HEIGHT]
    spot = marks & (area < _STROKE * width**2) & ~upright
    if area[spot].sum() > area[marks & ~spot].sum():
        if not _is_flat(color[spot[numbers] & (depth > 1)]):
            return None
        painted = 100 * float(area[spot].sum()) / mask.size
    else:
        painted = 0.0
    rim = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * _RIM_PX + 1, 2 * _RIM_PX + 1))
    return Marks(
        mask=cv2.dilate(mask.view(np.uint8), rim).view(np.bool_),
        hues=_hues(color[mask & pure]),
        painted_percent=painted,
    )


def leave_out(micrograph: Micrograph) -> Micrograph:
    """Take colored marks over a gray picture out of the region that counts, and note it.

    Raises
    ------
    MeasurementError
        Areas, and not only lines and writing, are painted over: what is below them cannot be measured.
    """
    if micrograph.color is None:
        return micrograph
    marks = find(micrograph.color)
    if marks is None:
        return micrograph
    inside = np.ones(marks.mask.shape, np.bool_) if micrograph.roi is None else micrograph.roi
    share = 100 * float(np.count_nonzero(marks.mask & inside)) / max(1, int(np.count_nonzero(inside)))
    if share == 0:
        return micrograph
    if marks.painted_percent:
        msg = (
            f"{micrograph.path}: areas of a gray picture are painted {' and '.join(marks.hues)}"
            f" ({marks.painted_percent:.3g} % of it); give the picture without them, or set [region] colored_marks ="
            ' "keep" if these colors are of the specimen'
        )
        raise MeasurementError(msg)
    roi = inside & ~marks.mask
    if not roi.any():
        msg = f"{micrograph.path}: colored marks leave nothing of the region; give the picture without them"
        raise MeasurementError(msg)
    roi.setflags(write=False)
    note = Text(
        "readers.marks_of_region", share=share, hues=joined(", ", (named("readers", hue) for hue in marks.hues))
    )
    return replace(micrograph, roi=roi, meta={**micrograph.meta, META: note})


def _tint(color: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Red and blue against green, as shares of the brightest of the three: (rows, columns, 2)."""
    values = color.astype(np.float32)
    brightest = np.maximum(values.max(axis=2), _DARK)[..., None]
    return np.asarray((values[..., ::2] - values[..., 1:2]) / brightest, dtype=np.float32)


def _is_flat(colors: NDArray[np.uint8]) -> bool:
    """Whether some pixels, (n, 3), have one color."""
    if not len(colors):
        return False
    off = np.abs(colors.astype(np.float32) - np.median(colors, axis=0)).max(axis=1)
    return bool(np.median(off) <= _FLAT)


def _hues(colors: NDArray[np.uint8]) -> tuple[str, ...]:
    """Names of the hues of more than a twentieth of some pixels, (n, 3); the most common first."""
    hue = cv2.cvtColor(colors[None], cv2.COLOR_RGB2HSV)[0, :, 0].astype(np.intp)  # half degrees
    counts = np.bincount((hue + 15) // 30 % 6, minlength=6)
    return tuple(_HUES[i] for i in np.argsort(-counts, kind="stable") if counts[i] > counts.sum() / 20)
