"""Information bar at the bottom of a picture: rows that a microscope added and that are no specimen."""

import cv2
import numpy as np
from numpy.typing import NDArray

from inspect_tool.model import GrayImage

_TALLEST = 0.25  # of the picture
_FLAT = 6  # gray levels that compression moves a drawn background
_THICKEST_FRAME = 4  # rows
_INK = 40  # gray levels between background and what is written on it


def to_8bit(pixels: GrayImage) -> NDArray[np.uint8]:
    """Gray values stretched to 0 ... 255 where they are not 8 bit already; what is burned in lies at the ends."""
    if pixels.dtype == np.uint8:
        return np.asarray(pixels, dtype=np.uint8)
    low, high = float(pixels.min()), float(pixels.max())
    scale = 255.0 / (high - low) if high > low else 0.0
    return np.asarray(cv2.convertScaleAbs(pixels, alpha=scale, beta=-low * scale), dtype=np.uint8)


def find_footer(pixels: GrayImage, color: NDArray[np.uint8] | None = None) -> int:  # noqa: ARG001
    """Rows at the bottom that are an information bar and no specimen; 0 where there is none, or any doubt.

    A bar is drawn, not photographed: its background has one value, something is written on it, and it begins at one
    row, over the whole width. A dark mount, a shaded edge or an empty corner has none of this.

    Parameters
    ----------
    pixels : array, (rows, columns)
        Gray values.
    color : array of uint8, (rows, columns, 3), optional
        Not looked at: brightness tells a bar from a specimen.

    Returns
    -------
    int
        Rows to leave out. [px]
    """
    height, width = pixels.shape
    least = max(10, round(0.012 * height))
    if height < 64 or width < 64:
        return 0
    first = height - round(_TALLEST * height) - 2
    band = to_8bit(pixels)[first:]
    rows = len(band)
    ground = int(np.bincount(band[rows - least :].ravel(), minlength=256).argmax())
    on_ground = np.abs(band.astype(np.int16) - ground) <= _FLAT
    share = on_ground.mean(axis=1)
    line = _lines(band, ground)
    bottom = rows
    while bottom > rows - 4 and (share[bottom - 1] < 0.4 or line[bottom - 1]):
        bottom -= 1  # the frame of the bar, and specimen that peeps out below it
    top = bottom
    while top > 0 and share[top - 1] >= 0.4 and not (line[top - 1] and bottom - top >= least):
        top -= 1
    frame = 0
    while (
        frame < top and line[top - 1 - frame] and abs(_middle(band, top - 1 - frame) - _middle(band, top - 1)) <= _FLAT
    ):
        frame += 1
    # an even specimen has rows of one value, too, but many of them
    framed = 0 < frame <= _THICKEST_FRAME and (
        frame == top or abs(_middle(band, top - 1 - frame) - _middle(band, top - 1)) > _INK
    )
    top -= frame if framed else 0
    if top == 0 or bottom - top < least:
        return 0
    # without a frame the bar begins where the picture ends: from one row to the next
    if not framed and (share[top] < 0.9 or share[top - 1] > 0.5 or share[max(top - 3, 0) : top].mean() > 0.5):
        return 0
    return rows - top if _is_written(band[top:bottom], on_ground[top:bottom], ground) else 0


def _lines(band: NDArray[np.uint8], ground: int) -> NDArray[np.bool_]:
    """Rows of one value that is not that of the background: a frame drawn over the whole width."""
    middle = np.median(band, axis=1)
    alike = (np.abs(band - middle[:, None]) <= _FLAT).mean(axis=1)
    return np.asarray((alike >= 0.75) & (np.abs(middle - ground) > _INK))


def _middle(band: NDArray[np.uint8], row: int) -> float:
    return float(np.median(band[row]))


def _is_written(bar: NDArray[np.uint8], on_ground: NDArray[np.bool_], ground: int) -> bool:
    if on_ground.mean() < 0.55:
        return False
    # a drawn background has the same value from one side to the other, a photographed one has noise or shading
    quiet = on_ground[:, 1:] & on_ground[:, :-1]
    steps = np.abs(np.diff(bar.astype(np.int16), axis=1))[quiet]
    if steps.size == 0 or (steps <= 1).mean() < 0.9:
        return False
    exact = np.abs(bar.astype(np.int16) - ground) <= 1
    if exact.sum() < 0.75 * on_ground.sum():
        return False
    ink = np.abs(bar.astype(np.int16) - ground) > _INK
    if not 0.003 <= ink.mean() <= 0.45:
        return False
    count, _, stats, _ = cv2.connectedComponentsWithStats(ink.astype(np.uint8))
    tall = stats[1:count, cv2.CC_STAT_HEIGHT]
    wide = stats[1:count, cv2.CC_STAT_WIDTH]
    letters = (tall >= 4) & (tall <= 0.8 * len(bar)) & (wide <= 2.5 * tall)
    return int(letters.sum()) >= 4
