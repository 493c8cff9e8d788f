"""Joints that are given: shapes, a CSV of positions, or a mask."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np

from inspect_tool.errors import BackendError, SettingsError
from inspect_tool.files import read_bytes
from inspect_tool.model import LabelImage, Mask, Samples
from inspect_tool.pixels.parts import strips
from inspect_tool.segmentation.joints.regions import Box
from inspect_tool.segmentation.joints.settings import Shape


def read_positions(path: Path) -> tuple[Shape, ...]:
    """Read joint positions from a CSV: name,row,column,diameter, or name,row,column,height,width. [px].

    Rows and columns are those of the joint's center. Anything wrong is a ``SettingsError`` that names line and column.
    """
    try:
        text = read_bytes(path).decode("utf-8-sig")
    except UnicodeDecodeError:
        msg = f"{path.name}: not UTF-8 text; save it as CSV UTF-8"
        raise SettingsError(msg) from None
    except OSError as error:
        msg = f"{path.name}: cannot be read: {error.strerror}"
        raise SettingsError(msg) from None
    first = text.split("\n", 1)[0]
    reader = csv.reader(text.splitlines(), delimiter=";" if first.count(";") > first.count(",") else ",")
    try:
        rows = [(reader.line_num, cells) for cells in reader]
    except csv.Error as error:
        msg = f"{path.name} line {reader.line_num}: no CSV: {error}"
        raise SettingsError(msg) from None
    head = [name.strip() for name in rows[0][1]] if rows else []
    for needed in ("name", "row", "column"):
        if needed not in head:
            msg = f"{path.name} line 1: column '{needed}' is missing; the columns are name,row,column,diameter"
            raise SettingsError(msg)
    if not ("diameter" in head or {"height", "width"} <= set(head)):
        msg = f"{path.name} line 1: give column 'diameter', or 'height' and 'width'"
        raise SettingsError(msg)
    shapes: list[Shape] = []
    seen: dict[str, int] = {}
    for line, cells in rows[1:]:
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(head):
            msg = f"{path.name} line {line}: has {len(cells)} cells, the head has {len(head)}"
            raise SettingsError(msg)
        texts = dict(zip(head, (cell.strip() for cell in cells), strict=True))
        name = texts["name"]
        if not name or name in seen:
            what = f"'{name}' stands already in line {seen[name]}" if name else "is empty"
            msg = f"{path.name} line {line}, column 'name': {what}; every joint needs its own name"
            raise SettingsError(msg)
        seen[name] = line
        row, column = (_number(texts, key, path.name, line) for key in ("row", "column"))
        if texts.get("diameter"):
            circle = (row, column, _number(texts, "diameter", path.name, line, positive=True))
            shapes.append(Shape(name=name, circle=circle))
        else:
            height, width = (
                _number(texts, key if key in texts else "diameter", path.name, line, positive=True)
                for key in ("height", "width")
            )
            shapes.append(Shape(name=name, rectangle=(row - height / 2, column - width / 2, height, width)))
    if not shapes:
        msg = f"{path.name}: holds no joint; give one line per joint"
        raise SettingsError(msg)
    return tuple(shapes)


def _number(texts: Mapping[str, str], key: str, file: str, line: int, *, positive: bool = False) -> float:
    try:
        value = float(texts[key])
    except ValueError:
        value = float("nan")
    if not np.isfinite(value) or (positive and value <= 0):
        must = "a number > 0" if positive else "a number"
        msg = f"{file} line {line}, column '{key}': got '{texts[key]}', must be {must} of pixels, with a decimal point"
        raise SettingsError(msg)
    return value


def joints_of_mask(path: Path, shape: tuple[int, ...]) -> tuple[LabelImage, tuple[str, ...]]:
    """Read joint numbers and names from a mask of the image's shape.

    Several values above 0 name one joint each; with one value the connected parts are the joints. A file that is
    no such mask is a ``BackendError``.
    """
    data = np.frombuffer(path.read_bytes(), np.uint8)
    mask = cv2.imdecode(data, cv2.IMREAD_UNCHANGED) if data.size else None
    if mask is None:
        msg = f"{path.name}: not an image; give the joint mask as PNG or TIFF"
        raise BackendError(msg)
    if mask.ndim == 3:
        mask = mask[..., :3].max(axis=2)
    if mask.shape != shape:
        msg = f"{path.name}: the mask is {mask.shape[0]} x {mask.shape[1]} px, the image {shape[0]} x {shape[1]} px"
        raise BackendError(msg)
    values = np.unique(mask)
    values = values[values > 0]
    if not len(values):
        msg = f"{path.name}: the joint mask is empty; mark the joints with values above 0"
        raise BackendError(msg)
    if len(values) == 1:
        count, lab = cv2.connectedComponents((mask > 0).astype(np.uint8), connectivity=4)
        return np.asarray(lab, dtype=np.int32), tuple(str(i) for i in range(1, count))
    objects = np.empty(mask.shape, np.int32)
    for top, bottom in strips(mask.shape):
        rows = mask[top:bottom]
        objects[top:bottom] = np.where(rows > 0, np.searchsorted(values, rows) + 1, 0)
    return objects, tuple(str(value) for value in values.tolist())


def drawn(shapes: Sequence[Shape], shape: tuple[int, ...], where: str) -> tuple[LabelImage, tuple[str, ...]]:
    """Draw given joints: their numbers and names; a pixel belongs to a shape when its center lies inside.

    A joint outside the image is a ``BackendError``, a name given twice a ``SettingsError``.
    """
    objects = np.zeros(shape, np.int32)
    names = []
    for i, each in enumerate(shapes):
        name = each.name or str(i + 1)
        box, mask = drawn_shape(each, shape)
        if not mask.any():
            msg = f"{where}: joint '{name}' lies outside the image of {shape[0]} x {shape[1]} px; check its position"
            raise BackendError(msg)
        objects[box][mask & (objects[box] == 0)] = i + 1
        names.append(name)
    for i, name in enumerate(names):
        if name in names[:i]:
            msg = f"backend.joints: the name '{name}' is given twice; every joint needs its own name"
            raise SettingsError(msg)
    return objects, tuple(names)


def drawn_shape(shape: Shape, size: tuple[int, ...]) -> tuple[Box, Mask]:
    """Pixels whose centers lie inside a shape, as a box and a mask within it."""
    if shape.circle is not None:
        row, column, diameter = shape.circle
        corners = [(row - diameter / 2, column - diameter / 2), (row + diameter / 2, column + diameter / 2)]
    elif shape.rectangle is not None:
        top, left, height, width = shape.rectangle
        corners = [(top, left), (top + height, left + width)]
    else:
        corners = list(shape.polygon)
    (top, left), (bottom, right) = np.min(corners, axis=0), np.max(corners, axis=0)
    rows = slice(int(np.clip(np.floor(top), 0, size[0])), int(np.clip(np.ceil(bottom) + 1, 0, size[0])))
    columns = slice(int(np.clip(np.floor(left), 0, size[1])), int(np.clip(np.ceil(right) + 1, 0, size[1])))
    r, c = np.mgrid[rows, columns]
    if shape.circle is not None:
        mask = (r - shape.circle[0]) ** 2 + (c - shape.circle[1]) ** 2 <= (shape.circle[2] / 2) ** 2
    elif shape.rectangle is not None:
        mask = (r >= top) & (r < bottom) & (c >= left) & (c < right)
    else:
        mask = _inside_polygon(r, c, corners)
    return (rows, columns), np.asarray(mask, dtype=bool)


def _inside_polygon(r: Samples, c: Samples, corners: Sequence[tuple[float, float]]) -> Mask:
    """Even-odd rule for pixel centers."""
    inside = np.zeros(r.shape, bool)
    for (r0, c0), (r1, c1) in zip(corners, [*corners[1:], corners[0]], strict=True):
        if r0 == r1:
            continue
        crosses = (r >= min(r0, r1)) & (r < max(r0, r1)) & (c < c0 + (r - r0) * (c1 - c0) / (r1 - r0))
        inside ^= crosses
    return inside


def check_shape(shape: Shape, where: str) -> None:
    """Refuse a shape without exactly one outline of some size: a ``SettingsError`` that starts with ``where``."""
    given = sum((shape.rectangle is not None, bool(shape.polygon), shape.circle is not None))
    if given != 1:
        msg = f"{where}: give one of 'circle', 'rectangle' and 'polygon', got {given}"
        raise SettingsError(msg)
    if shape.polygon and len(shape.polygon) < 3:
        msg = f"{where}.polygon: got {len(shape.polygon)} corners, must be at least 3"
        raise SettingsError(msg)
    sizes = shape.circle[2:] if shape.circle else shape.rectangle[2:] if shape.rectangle else (1.0,)
    if min(sizes) <= 0:
        msg = f"{where}: got a size of {min(sizes):g} px, must be > 0"
        raise SettingsError(msg)
