"""What a person draws, as values, and what each does to labels: one rule for each, in whole numbers.

What is drawn means the right thing for what a segmentation is (``segmentation.choice``): of *grains* every pixel
belongs to one, so that what is taken away goes to the nearest other grain; between *objects* there is background, 0;
of *classes* the numbers are names, and an object is a connected piece. Nothing changes outside the region that counts.
An object that is cut keeps its number in its largest piece, the others get new ones; an object that is made whole
keeps that of its largest part: so that as few pixels as can be change.
"""

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from inspect_tool.errors import ReadError
from inspect_tool.files import checked, plain
from inspect_tool.inspection import painted
from inspect_tool.model import LabelImage, Mask
from inspect_tool.plugins import Output
from inspect_tool.web.editing import raster
from inspect_tool.web.editing.raster import Box, Point

MOST_POINTS = 4000
"""Points of one operation, at most."""
MOST_RADIUS_PX = 500
"""Radius of a brush, at most. [px]"""

_SPECK_PX = 10  # smaller pieces beside a cut are crumbs of the stroke, as of what is painted
_SQUARE = np.ones((3, 3), np.uint8)

Labels: TypeAlias = NDArray[np.int32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stroke:
    """A brush drawn along a line. ``number`` 0 rubs out; None: what the line begins on, or something new."""

    points: tuple[Point, ...]
    radius: int
    number: int | None = None  # of the object, or the class


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitLine:
    """A line that cuts the one object that most of it lies on."""

    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Boundary:
    """A missing boundary: cuts whatever it crosses."""

    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Merge:
    """Objects made one, by a point in each."""

    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Delete:
    """The object at a point is none."""

    point: Point


@dataclass(frozen=True, slots=True, kw_only=True)
class Fill:
    """The holes of the object at a point belong to it; or the hole at a point belongs to what encloses it."""

    point: Point


@dataclass(frozen=True, slots=True, kw_only=True)
class NewObject:
    """An object by its outline; of classes ``number`` says which."""

    points: tuple[Point, ...]
    number: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reclass:
    """The connected piece at a point is of another class."""

    point: Point
    number: int


Operation: TypeAlias = Stroke | SplitLine | Boundary | Merge | Delete | Fill | NewObject | Reclass

_KINDS: dict[str, type[Operation]] = {
    "stroke": Stroke,
    "split": SplitLine,
    "boundary": Boundary,
    "merge": Merge,
    "delete": Delete,
    "fill": Fill,
    "new": NewObject,
    "class": Reclass,
}
_NAMES = {kind: name for name, kind in _KINDS.items()}
_LEAST = {SplitLine: 2, Boundary: 2, Merge: 2, NewObject: 3}
NAMES = tuple(_KINDS)
"""How operations are called in JSON, under ``do``."""


def parsed(data: bytes | str, shape: tuple[int, ...]) -> Operation:
    """Read an operation from JSON, ``{"do": "stroke", "points": [[column, row], ...], "radius": 4}``.

    Raises
    ------
    ReadError
        It is none, has too many points, or lies outside an image of this shape.

    >>> parsed('{"do": "delete", "point": [3, 4]}', (10, 10))
    Delete(point=(3, 4))
    """
    try:
        told = json.loads(data)
    except (ValueError, RecursionError):
        msg = "the correction is no JSON"
        raise ReadError(msg) from None
    return read(told, shape)


def read(told: object, shape: tuple[int, ...]) -> Operation:
    """Read an operation that was parsed from JSON; see ``parsed``."""
    if not isinstance(told, dict) or told.get("do") not in _KINDS:
        msg = f"the correction does not say what to do; it is one of {', '.join(_KINDS)}"
        raise ReadError(msg)
    kind = _KINDS[told["do"]]
    values = {key: value for key, value in told.items() if key != "do"}
    made: Operation = checked(kind, values, f"the correction '{told['do']}':", ReadError, by_hand=False)
    points = _points(made)
    least = _LEAST.get(kind, 1)
    if not least <= len(points) <= MOST_POINTS:
        msg = f"the correction '{told['do']}' has {len(points)} points, must have {least} to {MOST_POINTS}"
        raise ReadError(msg)
    outside = next((one for one in points if not (0 <= one[0] < shape[1] and 0 <= one[1] < shape[0])), None)
    if outside is not None:
        msg = f"the point {outside[0]}, {outside[1]} lies outside the image of {shape[1]} x {shape[0]} pixels"
        raise ReadError(msg)
    if isinstance(made, Stroke) and not 0 <= made.radius <= MOST_RADIUS_PX:
        msg = f"the radius of the brush is {made.radius} px, must be 0 to {MOST_RADIUS_PX}"
        raise ReadError(msg)
    return made


def told(operation: Operation) -> dict[str, Any]:
    """Give an operation as ``read`` takes it."""
    return {"do": _NAMES[type(operation)], **plain(operation)}


def _points(operation: Operation) -> tuple[Point, ...]:
    match operation:
        case Delete() | Fill() | Reclass():
            return (operation.point,)
        case _:
            return operation.points


# ------------------------------------------------------------------------------------------------- what they do


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ground:
    """What operations are drawn on."""

    kind: Output  # grains, objects or classes
    region: Mask | None = None  # pixels that count; None: all
    classes: Collection[int] = ()  # numbers that pixels may have, where they are classes
    under: int = 0  # the class of what is taken away: within joints there is solder, and no background
    used: int = 0  # the largest number that an object ever had: it is given to no other


def applied(labels: LabelImage, operation: Operation, ground: Ground) -> tuple[Labels, Box]:
    """Say what an operation makes of labels; they are left as they are.

    Parameters
    ----------
    labels : int array (rows, columns)
    operation : Operation
    ground : Ground

    Returns
    -------
    array
        New labels of a part of the image.
    Box
        That part: around all that changed, and no larger.

    Raises
    ------
    ReadError
        It changes nothing, lies where nothing counts, or means nothing here; the place is named.
    """
    match operation:
        case Stroke():
            part, box = _stroke(labels, operation, ground)
        case SplitLine() | Boundary():
            part, box = _cut(labels, operation, ground)
        case Merge():
            part, box = _merge(labels, operation, ground)
        case Delete():
            part, box = _delete(labels, operation, ground)
        case Fill():
            part, box = _fill(labels, operation, ground)
        case NewObject():
            part, box = _new(labels, operation, ground)
        case Reclass():
            part, box = _reclass(labels, operation, ground)
    before = labels[box.part]
    if ground.region is not None:
        part = np.where(ground.region[box.part], part, before).astype(np.int32)
    changed = part != before
    if not changed.any():
        raise _nothing(operation)
    left, top, width, height = cv2.boundingRect(changed.view(np.uint8))
    inner = Box(top=box.top + top, left=box.left + left, bottom=box.top + top + height, right=box.left + left + width)
    return np.ascontiguousarray(part[inner.within(box)]), inner


def _nothing(operation: Operation) -> ReadError:
    x, y = _points(operation)[0]
    match operation:
        case SplitLine() | Boundary():
            what = "the line parts nothing: draw it from one boundary to another"
        case Fill():
            what = "there is no hole to fill"
        case _:
            what = "nothing changes"
    return ReadError(f"at {x}, {y}: {what}")


def _counts(ground: Ground, box: Box) -> Mask:
    return np.ones(box.shape, np.bool_) if ground.region is None else ground.region[box.part]


def _at(labels: LabelImage, point: Point, ground: Ground) -> int:
    """Number of the pixel at a point, which must count."""
    x, y = point
    if ground.region is not None and not ground.region[y, x]:
        msg = f"at {x}, {y}: lies outside the part that is measured"
        raise ReadError(msg)
    return int(labels[y, x])


def _object_at(labels: LabelImage, point: Point, ground: Ground) -> int:
    number = _at(labels, point, ground)
    if not number:
        msg = f"at {point[0]}, {point[1]}: there is no object"
        raise ReadError(msg)
    return number


def _checked_class(number: int | None, ground: Ground) -> int:
    if number is None or number not in ground.classes:
        msg = f"there is no class {'' if number is None else number}; there are: {', '.join(map(str, ground.classes))}"
        raise ReadError(msg)
    return number


def _stroke(labels: LabelImage, operation: Stroke, ground: Ground) -> tuple[Labels, Box]:
    box = raster.box_of(operation.points, operation.radius, labels.shape)
    mask = raster.line(operation.points, operation.radius, box) & _counts(ground, box)
    if operation.number == 0 and ground.kind != "classes":
        return _taken_away(labels, mask, box, ground)
    start = _at(labels, operation.points[0], ground)
    number = start if operation.number is None else operation.number
    if ground.kind == "classes":
        part = labels[box.part].astype(np.int32)
        part[mask] = _checked_class(number or ground.under, ground)
        return part, box
    own = labels[box.part] == number
    if not number:  # begins on background
        number = ground.used + 1
        own = np.zeros(box.shape, np.bool_)
        own[operation.points[0][1] - box.top, operation.points[0][0] - box.left] = True
    elif not (mask & (cv2.dilate(own.view(np.uint8), _SQUARE) > 0)).any():
        msg = f"the stroke does not touch object {number}; begin it there"
        raise ReadError(msg)
    return _painted(labels, _reaching(mask, own), number, box, ground)


def _reaching(mask: Mask, own: Mask) -> Mask:
    """Pieces of a mask that hang together with something."""
    _, pieces = cv2.connectedComponents((mask | own).view(np.uint8), connectivity=8)
    held: Mask = mask & np.isin(pieces, np.unique(pieces[own]))
    return held


def _painted(labels: LabelImage, mask: Mask, number: int, box: Box, ground: Ground) -> tuple[Labels, Box]:
    """Give pixels of a box to one object, and number the pieces of others that this cuts."""
    losing = set(np.unique(labels[box.part][mask]).tolist()) - {0, number}
    outer = _around(labels, losing, box)
    part = labels[outer.part].astype(np.int32)
    part[box.within(outer)][mask] = number
    return _parted(labels, part, outer, losing, max(ground.used, number), ground), outer


def _taken_away(labels: LabelImage, mask: Mask, box: Box, ground: Ground) -> tuple[Labels, Box]:
    """Take pixels of a box away from their objects; of grains they go to the nearest one that is left."""
    losing = set(np.unique(labels[box.part][mask]).tolist()) - {0}
    outer = _around(labels, losing, box)
    part = labels[outer.part].astype(np.int32)
    if ground.kind == "grains":
        part[box.within(outer)] = _shared(part[box.within(outer)], mask, _counts(ground, box))
    else:
        part[box.within(outer)][mask] = 0
    return _parted(labels, part, outer, losing, ground.used, ground), outer


def _shared(part: Labels, empty: Mask, counts: Mask) -> Labels:
    """Give pixels the nearest label that is not theirs to give up (distance along rows and columns)."""
    sources = counts & ~empty & (part > 0)
    if not sources.any():
        msg = "no grain is left to give these pixels to"
        raise ReadError(msg)
    _, nearest = cv2.distanceTransformWithLabels(
        (~sources).view(np.uint8), cv2.DIST_L1, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    of = np.zeros(int(nearest.max()) + 1, np.int32)
    of[nearest[sources]] = part[sources]
    return np.where(empty, of[nearest], part).astype(np.int32)


def _parted(labels: LabelImage, part: Labels, outer: Box, losing: Iterable[int], used: int, ground: Ground) -> Labels:
    """Number the pieces into which objects fell; crumbs go, of grains to the nearest other one."""
    before = labels[outer.part]
    touched = cv2.dilate((part != before).view(np.uint8), _SQUARE) > 0
    crumbs = np.zeros(part.shape, np.bool_)
    for number in sorted(losing):
        count, pieces = cv2.connectedComponents((part == number).view(np.uint8), connectivity=8)
        if count - 1 <= max(1, cv2.connectedComponents((before == number).view(np.uint8), connectivity=8)[0] - 1):
            continue
        areas = np.bincount(pieces.ravel(), minlength=count)
        areas[0] = 0
        for piece in np.unique(pieces[touched]).tolist():
            if piece in (0, int(areas.argmax())):
                continue
            if areas[piece] < _SPECK_PX:
                crumbs |= pieces == piece
            else:
                used += 1
                part[pieces == piece] = used
    if not crumbs.any():
        return part
    if ground.kind == "grains":
        return _shared(part, crumbs, _counts(ground, outer))
    part[crumbs] = 0
    return part


def _cut(labels: LabelImage, operation: SplitLine | Boundary, ground: Ground) -> tuple[Labels, Box]:
    box = raster.box_of(operation.points, 0, labels.shape)
    line = raster.line(operation.points, 0, box)
    if ground.kind == "classes":  # pieces are 8-connected: what parts them is 4-connected
        line[:, 1:] |= line[:, :-1].copy()
    line &= _counts(ground, box) & (labels[box.part] > 0)
    numbers, counts = np.unique(labels[box.part][line], return_counts=True)
    if not len(numbers):
        raise _nothing(operation)
    if isinstance(operation, SplitLine):
        numbers = numbers[[int(counts.argmax())]]
        line &= labels[box.part] == numbers[0]
    if ground.kind == "classes":
        part = labels[box.part].astype(np.int32)
        part[line] = _checked_class(ground.under, ground)
        return part, box
    outer = _around(labels, numbers.tolist(), box).grown(1, labels.shape)
    part = labels[outer.part].astype(np.int32)
    drawn = np.zeros(outer.shape, np.bool_)
    drawn[box.within(outer)] = line
    made = painted.cut(part, drawn, ground.kind == "grains", ground.used)
    if len(np.unique(made)) == len(np.unique(part)):
        raise _nothing(operation)
    return made, outer


def _merge(labels: LabelImage, operation: Merge, ground: Ground) -> tuple[Labels, Box]:
    numbers = {_object_at(labels, point, ground) for point in operation.points}
    bridge_box = raster.box_of(operation.points, 1, labels.shape)
    outer = bridge_box
    for number in numbers if ground.kind != "classes" else ():
        outer = outer.joined(_whole(labels, number))
    part = labels[outer.part].astype(np.int32)
    bridge = np.zeros(outer.shape, np.bool_)
    bridge[bridge_box.within(outer)] = raster.line(operation.points, 1, bridge_box)
    bridge &= (part == 0) & _counts(ground, outer)
    if ground.kind == "classes":
        if len(numbers) > 1:
            msg = f"classes {', '.join(map(str, sorted(numbers)))} are not made one; give one of them another class"
            raise ReadError(msg)
        part[bridge] = min(numbers)
        return part, outer
    if len(numbers) < 2:
        msg = f"at {operation.points[0][0]}, {operation.points[0][1]}: all points lie in one object"
        raise ReadError(msg)
    together = np.isin(part, sorted(numbers)) | bridge
    _, pieces = cv2.connectedComponents(together.view(np.uint8), connectivity=8)
    held = {int(pieces[y - outer.top, x - outer.left]) for x, y in operation.points}
    if len(held) > 1:
        msg = f"objects {', '.join(map(str, sorted(numbers)))} do not touch"
        raise ReadError(msg)
    sizes = {number: int(np.count_nonzero(part == number)) for number in numbers}
    part[together] = min(numbers, key=lambda number: (-sizes[number], number))
    return part, outer


def _delete(labels: LabelImage, operation: Delete, ground: Ground) -> tuple[Labels, Box]:
    number = _object_at(labels, operation.point, ground)
    if ground.kind == "classes":
        piece, box = _piece(labels == number, operation.point, 8)
        part = labels[box.part].astype(np.int32)
        part[piece] = _checked_class(ground.under, ground)
        return part, box
    box = _whole(labels, number).grown(1, labels.shape)
    part = labels[box.part].astype(np.int32)
    own = (part == number) & _counts(ground, box)
    if ground.kind == "grains":
        return _shared(part, own, _counts(ground, box)), box
    part[own] = 0
    return part, box


def _fill(labels: LabelImage, operation: Fill, ground: Ground) -> tuple[Labels, Box]:
    number = _at(labels, operation.point, ground)
    if number:
        if ground.kind == "classes":
            own, box = _piece(labels == number, operation.point, 8)
        else:
            box = _whole(labels, number)
            own = labels[box.part] == number
        part = labels[box.part].astype(np.int32)
        holes = _holes(own)
        part[holes if ground.kind == "grains" else holes & (part == 0)] = number
        return part, box
    hole, box = _piece(labels == 0, operation.point, 4)
    outer = box.grown(1, labels.shape)
    inside = np.zeros(outer.shape, np.bool_)
    inside[box.within(outer)] = hole
    rim = (cv2.dilate(inside.view(np.uint8), _SQUARE) > 0) & ~inside
    ends = box.top == 0 or box.left == 0 or box.bottom == labels.shape[0] or box.right == labels.shape[1]
    around = labels[outer.part][rim]
    numbers = sorted(set(np.unique(around).tolist()) - {0})
    if ends or not _counts(ground, outer)[inside | rim].all() or len(numbers) != 1:
        why = f"lies between {len(numbers)} objects" if len(numbers) > 1 else "is not closed"
        msg = f"at {operation.point[0]}, {operation.point[1]}: the hole {why}"
        raise ReadError(msg)
    part = labels[outer.part].astype(np.int32)
    part[inside] = numbers[0]
    return part, outer


def _holes(own: Mask) -> Mask:
    """Pixels that an object encloses."""
    padded = np.pad(np.ascontiguousarray(own).view(np.uint8), 1)
    cv2.floodFill(padded, None, (0, 0), 1, flags=4)
    found: Mask = padded[1:-1, 1:-1] == 0
    return found


def _new(labels: LabelImage, operation: NewObject, ground: Ground) -> tuple[Labels, Box]:
    box = raster.box_of(operation.points, 0, labels.shape)
    mask = raster.filled(operation.points, box) & _counts(ground, box)
    if ground.kind == "classes":
        part = labels[box.part].astype(np.int32)
        part[mask] = _checked_class(operation.number, ground)
        return part, box
    if ground.kind == "objects":
        mask &= labels[box.part] == 0
    _, pieces = cv2.connectedComponents(mask.view(np.uint8), connectivity=8)
    areas = np.bincount(pieces[mask])
    if not len(areas):
        raise _nothing(operation)
    return _painted(labels, pieces == areas.argmax(), ground.used + 1, box, ground)


def _reclass(labels: LabelImage, operation: Reclass, ground: Ground) -> tuple[Labels, Box]:
    if ground.kind != "classes":
        msg = "objects of one kind have no classes to choose from"
        raise ReadError(msg)
    number = _at(labels, operation.point, ground)
    piece, box = _piece(labels == number, operation.point, 8)
    part = labels[box.part].astype(np.int32)
    part[piece] = _checked_class(operation.number, ground)
    return part, box


# ------------------------------------------------------------------------------------------------- where things are


def _whole(labels: LabelImage, number: int) -> Box:
    """Where an object is, all pieces of it."""
    left, top, width, height = cv2.boundingRect((labels == number).view(np.uint8))
    return Box(top=top, left=left, bottom=top + height, right=left + width)


def _around(labels: LabelImage, numbers: Sequence[int] | set[int], start: Box) -> Box:
    """A box around objects that lie in a box too; of one in pieces, those that are no further than the box is large."""
    found = start
    for number in sorted(numbers):
        box = start
        while True:
            left, top, width, height = cv2.boundingRect((labels[box.part] == number).view(np.uint8))
            inner = Box(
                top=box.top + top, left=box.left + left, bottom=box.top + top + height, right=box.left + left + width
            )
            outer = inner.grown(max(*box.shape, 8), labels.shape)
            ends = (
                (inner.top == box.top > 0)
                or (inner.left == box.left > 0)
                or (inner.bottom == box.bottom < labels.shape[0])
                or (inner.right == box.right < labels.shape[1])
            )
            if not ends:
                break
            box = box.joined(outer)
        found = found.joined(inner)
    return found


def _piece(of: Mask, point: Point, connectivity: int) -> tuple[Mask, Box]:
    """The connected piece of a mask at a point, and where it is."""
    filled = np.ascontiguousarray(of).view(np.uint8)
    _, _, _, (left, top, width, height) = cv2.floodFill(filled, None, point, 2, flags=connectivity)
    box = Box(top=top, left=left, bottom=top + height, right=left + width)
    return filled[box.part] == 2, box
