"""Which object lies at a point of a field, and which row of the table of features is its own."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from inspect_tool.errors import ReadError
from inspect_tool.model import Mask, Segmentation
from inspect_tool.plugins import Output
from inspect_tool.web.editing.fields import Features, Measured

_BOX = ("top_px", "left_px", "bottom_px", "right_px")
_MOST_POINTS = 600  # of an outline that a browser draws


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """An object: its row in the table (None: the table has none of it) and its outlines, (column, row) each."""

    row: int | None
    outlines: tuple[tuple[tuple[int, int], ...], ...]


def at(measured: Measured, x: int, y: int) -> Found:
    """Find the object at a point.

    Raises
    ------
    ReadError
        There is none.
    """
    current, features = measured.present.current, measured.features
    if not (0 <= y < current.labels.shape[0] and 0 <= x < current.labels.shape[1]) or not current.labels[y, x]:
        msg = f"at {x}, {y}: there is no object"
        raise ReadError(msg)
    numbers, pieces = _numbers(current, measured.kind)
    number = int(numbers[y, x])
    mask = numbers == number
    if pieces:
        _, found = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
        mask = found == found[y, x]
    left, top, width, height = cv2.boundingRect(mask.view(np.uint8))
    row = _row_by_box(features, (top, left, top + height, left + width)) if pieces else _row_by_number(features, number)
    return Found(row=row, outlines=_outlines(mask))


def of_row(measured: Measured, row: int) -> Found:
    """Find the object of a row of the table.

    Raises
    ------
    ReadError
        There is no such row, or nothing on the picture is known to be its object.
    """
    features, current = measured.features, measured.present.current
    if not 0 <= row < len(features.rows):
        msg = f"the table has no row {row}"
        raise ReadError(msg)
    numbers, pieces = _numbers(current, measured.kind)
    values = dict(zip(features.columns, features.rows[row], strict=True))
    if not pieces:
        return Found(row=row, outlines=_outlines(numbers == values["feature"]))
    if not set(_BOX) <= set(values):
        msg = "the table does not say where its objects are"
        raise ReadError(msg)
    top, left, bottom, right = (int(str(values[name])) for name in _BOX)
    part = numbers[top:bottom, left:right]
    for number in np.unique(part[part > 0]).tolist():
        count, found, boxes, _ = cv2.connectedComponentsWithStats((part == number).astype(np.uint8), connectivity=8)
        for piece in range(1, count):
            if boxes[piece, :4].tolist() == [0, 0, right - left, bottom - top]:
                return Found(row=row, outlines=_outlines(found == piece, left, top))
    msg = "the object of this row is not on the picture any more: the field was corrected since"
    raise ReadError(msg)


def _numbers(current: Segmentation, kind: Output) -> tuple[NDArray[np.int32], bool]:
    """What tells objects apart, and whether they are its connected pieces."""
    if current.objects is not None:
        return np.asarray(current.objects, np.int32), False
    return np.asarray(current.labels, np.int32), kind == "classes"


def _row_by_number(features: Features, number: int) -> int | None:
    if "feature" not in features.columns:
        return None
    place = features.columns.index("feature")
    return next((i for i, row in enumerate(features.rows) if row[place] == number), None)


def _row_by_box(features: Features, box: tuple[int, int, int, int]) -> int | None:
    if not set(_BOX) <= set(features.columns):
        return None
    places = [features.columns.index(name) for name in _BOX]
    return next((i for i, row in enumerate(features.rows) if tuple(row[k] for k in places) == box), None)


def _outlines(mask: Mask, x0: int = 0, y0: int = 0) -> tuple[tuple[tuple[int, int], ...], ...]:
    """Outlines of a mask whose first pixel is at (x0, y0)."""
    left, top, width, height = cv2.boundingRect(mask.view(np.uint8))
    part = np.ascontiguousarray(mask[top : top + height, left : left + width]).view(np.uint8)
    drawn, _ = cv2.findContours(part, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    return tuple(
        tuple((int(x) + left + x0, int(y) + top + y0) for x, y in one[:: -(-len(one) // _MOST_POINTS), 0].tolist())
        for one in drawn
    )
