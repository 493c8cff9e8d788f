"""A click on something that was missed: the network that is asked for single objects outlines it.

What is kept of it is the outline, a new object like one that a hand drew around: the network may be another one when
the draft is read again. Who clicked sees the outline, and undoes it where it is wrong.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from inspect_tool.errors import ReadError
from inspect_tool.files import checked
from inspect_tool.model import Micrograph
from inspect_tool.segmentation.prompt import THRESHOLD, Model
from inspect_tool.segmentation.prompt.patches import drawn
from inspect_tool.segmentation.prompt.prompts import Prompt
from inspect_tool.web.editing.operations import MOST_POINTS, NewObject
from inspect_tool.web.editing.raster import Point

NAME = "click"
"""How a click is called in JSON, under ``do``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Click:
    """A place in something; of classes ``number`` says which."""

    point: Point  # column, row
    number: int | None = None


def read(told: dict[str, object], shape: tuple[int, ...]) -> Click:
    """Read a click that was parsed from JSON.

    Raises
    ------
    ReadError
        It is none, or lies outside an image of this shape.
    """
    values = {key: value for key, value in told.items() if key != "do"}
    click = checked(Click, values, f"the correction '{NAME}':", ReadError, by_hand=False)
    column, row = click.point
    if not (0 <= column < shape[1] and 0 <= row < shape[0]):
        msg = f"the point {column}, {row} lies outside the image of {shape[1]} x {shape[0]} pixels"
        raise ReadError(msg)
    return click


def outlined(model: Model, micrograph: Micrograph, click: Click) -> NewObject:
    """Outline what lies under a click.

    Raises
    ------
    ReadError
        The network sees nothing there.
    """
    column, row = click.point
    shape = (micrograph.pixels.shape[0], micrograph.pixels.shape[1])
    patch = model.engine.field(micrograph).answer(Prompt(inside=((float(row), float(column)),)))
    (rows, columns), mask = drawn(patch, THRESHOLD, shape)
    found, _ = cv2.findContours(
        mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE, offset=(columns.start, rows.start)
    )
    outline = max(found, key=cv2.contourArea, default=None)
    if outline is None or len(outline) < 3:
        msg = f"nothing is seen at column {column}, row {row}; draw around it"
        raise ReadError(msg)
    while len(outline) > MOST_POINTS:
        outline = cv2.approxPolyDP(outline, 1.0 + len(outline) / MOST_POINTS, closed=True)
    points = tuple((int(x), int(y)) for x, y in outline[:, 0])
    return NewObject(points=points, number=click.number)
