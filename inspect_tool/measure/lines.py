"""Lines of points, (row, column): their length, even distances along them, smoothing; and gaps of what they bound."""

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from inspect_tool.model import Mask

Floats = NDArray[np.float64]


def length_of(line: Floats) -> float:
    """Length along the points, (n, 2), in the unit of their positions."""
    return float(np.linalg.norm(np.diff(line, axis=0), axis=1).sum())


def evenly(line: Floats, step: float) -> Floats:
    """Points of a line at even distances along it."""
    steps = np.linalg.norm(np.diff(line, axis=0), axis=1)
    place = np.concatenate([[0.0], np.cumsum(steps)])
    wanted = np.arange(0.0, place[-1] + step / 2, step)
    return np.column_stack([np.interp(wanted, place, line[:, k]) for k in (0, 1)])


def is_closed(line: Floats) -> bool:
    """Whether a line ends where it begins."""
    return len(line) > 2 and bool(np.allclose(line[0], line[-1]))


def smoothed(line: Floats, sigma_px: float) -> Floats:
    """A line of points one pixel apart smoothed along itself; the ends of an open one are continued as they point."""
    if is_closed(line):
        return np.asarray(gaussian_filter1d(line, sigma_px, axis=0, mode="wrap"))
    pad = min(len(line) - 1, round(4 * sigma_px))
    before, behind = (2 * line[0] - line[pad:0:-1], 2 * line[-1] - line[-2 : -pad - 2 : -1]) if pad else (line[:0],) * 2
    whole = gaussian_filter1d(np.concatenate([before, line, behind]), sigma_px, axis=0, mode="nearest")
    return np.asarray(whole[len(before) : len(before) + len(line)])


def gaps_closed(mask: Mask, gap_px: int) -> Mask:
    """Close gaps of a mask up to so wide; the frame closes none."""
    radius = -(-gap_px // 2)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    padded = cv2.copyMakeBorder(mask.astype(np.uint8), radius, radius, radius, radius, cv2.BORDER_REPLICATE)
    closed = cv2.morphologyEx(padded, cv2.MORPH_CLOSE, kernel, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(closed[radius:-radius, radius:-radius] > 0)
