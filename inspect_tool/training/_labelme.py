"""LabelMe files: shapes with a class name; the origin is the corner of the top-left pixel."""

import base64
import binascii
from collections.abc import Iterator, Mapping
from typing import Any

import cv2
import numpy as np

from inspect_tool.errors import ReadError
from inspect_tool.model import Mask
from inspect_tool.training.shapes import Points, Shape, ellipse, rectangle

_LEAST = {"polygon": 3, "rectangle": 2, "circle": 2, "linestrip": 2, "line": 2, "mask": 2}


def shapes(where: str, data: Mapping[str, object], shape: tuple[int, int], line_px: float) -> Iterator[Shape]:
    """Read the shapes of one image; pictures that the file names or holds are not looked at.

    Raises
    ------
    ReadError
        The file is of an image of another size, or a shape cannot be understood.
    """
    size = data.get("imageHeight"), data.get("imageWidth")
    if None not in size and size != shape:
        msg = (
            f"{where}: is of an image of {size[0]} x {size[1]} px (rows x columns), this one has"
            f" {shape[0]} x {shape[1]}; give the annotation of this image"
        )
        raise ReadError(msg)
    listed = data["shapes"]
    if not isinstance(listed, list):
        msg = f"{where}: 'shapes' is no list; save the file from LabelMe again"
        raise ReadError(msg)
    for i, item in enumerate(listed, start=1):
        if not isinstance(item, dict) or not isinstance(item.get("label"), str):
            msg = f"{where}: shape {i} has no label; give it one in LabelMe"
            raise ReadError(msg)
        yield _shape(f"{where}: shape {i} '{item['label']}'", item, shape, line_px)


def _shape(where: str, item: Mapping[str, object], shape: tuple[int, int], line_px: float) -> Shape:
    kind = item.get("shape_type") or "polygon"  # files before version 4 have polygons only
    if kind not in _LEAST and kind != "oriented_rectangle":
        msg = f"{where}: a {kind} marks no area; known are {', '.join(_LEAST)}; draw one of those"
        raise ReadError(msg)
    group = "" if item.get("group_id") is None else str(item["group_id"])
    points = _points(where, item.get("points"), _LEAST.get(kind, 4))
    name = str(item["label"])
    if kind in ("linestrip", "line"):
        return Shape(where=where, name=name, group=group, line=points, width_px=line_px)
    if kind == "mask":
        top, left = (round(float(value) + 0.5) for value in points.min(axis=0))
        return Shape(
            where=where, name=name, group=group, mask=_mask(where, item.get("mask"), shape), corner=(top, left)
        )
    if kind == "circle":
        radius = float(np.hypot(*(points[1] - points[0])))
        points = ellipse(points[0, 0], points[0, 1], radius, radius)
    elif kind == "rectangle" and len(points) == 2:
        (top, left), (bottom, right) = points.min(axis=0), points.max(axis=0)
        points = rectangle(top, left, bottom, right)
    return Shape(where=where, name=name, group=group, outlines=(points,))


def _points(where: str, given: object, least: int) -> Points:
    """Rows and columns from pairs x, y."""
    try:
        points = np.asarray(given, dtype=float)
    except (TypeError, ValueError):
        points = np.empty(0)
    if points.ndim != 2 or points.shape[1] != 2 or not np.isfinite(points).all():
        msg = f"{where}: its points are no list of x, y pairs; draw the shape again"
        raise ReadError(msg)
    if len(points) < least:
        msg = f"{where}: has {len(points)} points, it needs {least}; draw the shape again"
        raise ReadError(msg)
    return points[:, ::-1] - 0.5


def _mask(where: str, text: Any, shape: tuple[int, int]) -> Mask:
    """Mask shapes hold a small PNG as base64 text."""
    try:
        data = base64.b64decode(text, validate=True)
    except (TypeError, ValueError, binascii.Error):
        data = b""
    if data[:8] != b"\x89PNG\r\n\x1a\n" or len(data) < 33:
        msg = f"{where}: its mask is no PNG in base64; draw the shape again"
        raise ReadError(msg)
    width, height = int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")
    if height > shape[0] or width > shape[1]:
        msg = f"{where}: its mask has {height} x {width} px, the image {shape[0]} x {shape[1]}; draw the shape again"
        raise ReadError(msg)
    image = cv2.imdecode(np.frombuffer(data, dtype=np.uint8), cv2.IMREAD_GRAYSCALE)
    if image is None:
        msg = f"{where}: its mask is a damaged PNG; draw the shape again"
        raise ReadError(msg)
    inside: Mask = np.asarray(image) > 0
    return inside
