"""What a person says of an object: clicks inside and outside of it, a box about it; and the table they stand in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import isfinite
from pathlib import Path

from inspect_tool import typos
from inspect_tool.errors import SettingsError
from inspect_tool.files import read_csv

COLUMNS = ("image", "object", "label", "x", "y", "x2", "y2")
LABELS = {"inside": "inside", "1": "inside", "outside": "outside", "0": "outside", "box": "box", "none": "none"}

Point = tuple[float, float]
"""Row and column of a place in the image, 0 in the middle of the first pixel. [px]"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """What is said of one object."""

    inside: tuple[Point, ...] = ()
    outside: tuple[Point, ...] = ()
    box: tuple[float, float, float, float] | None = None  # top, left, bottom, right [px]
    name: str = ""  # of the object in the table

    @property
    def middle(self) -> Point:
        """Of the box, else of the clicks inside. [px]"""
        if self.box is not None:
            top, left, bottom, right = self.box
            return (top + bottom) / 2, (left + right) / 2
        rows, columns = zip(*self.inside, strict=True)
        return sum(rows) / len(rows), sum(columns) / len(columns)


def read_clicks(path: Path, image: str, shape: tuple[int, int]) -> tuple[Prompt, ...]:
    """Read what is said of the objects of one image.

    Parameters
    ----------
    path : Path
        Table (CSV) with the columns image, object, label, x, y and, for boxes, x2 and y2. Labels are inside (or 1),
        outside (or 0), box, and none for an image without an object. x is the column, y the row. [px]
    image : str
        As the job names it; the name of the file is enough.
    shape : tuple of int
        Rows and columns of the image.

    Returns
    -------
    tuple of Prompt
        In the order in which objects are first named.

    Raises
    ------
    SettingsError
        The table cannot be read, says nothing of this image, or a line of it says what cannot be.
    """
    rows = _rows(path)
    names = {row["image"] or "" for _, row in rows}
    mine = [(number, row) for number, row in rows if Path(row["image"] or "").name == Path(image).name]
    if not mine:
        msg = (
            f"{path}: no line is of {Path(image).name}{typos.near(Path(image).name, names)}; give clicks for every "
            "image of the job, or one line with the label none where there is no object"
        )
        raise SettingsError(msg)
    found: dict[str, Prompt] = {}
    empty = False
    for number, row in mine:
        where = f"{path} line {number}"
        label = LABELS.get((row["label"] or "").strip())
        if label is None:
            msg = f"{where} label: got '{row['label']}', must be inside, outside, box or none"
            raise SettingsError(msg)
        if label == "none":
            empty = True
            continue
        name = (row["object"] or "").strip()
        if not name:
            msg = f"{where} object: is empty; give every click the name or number of its object"
            raise SettingsError(msg)
        found[name] = _with(found.get(name, Prompt(name=name)), label, row, shape, where)
    for name, prompt in found.items():
        if not prompt.inside and prompt.box is None:
            msg = f"{path}: object {name} of {Path(image).name} has no click inside and no box"
            raise SettingsError(msg)
    if empty and found:
        msg = f"{path}: one line says that {Path(image).name} has no object, others name some"
        raise SettingsError(msg)
    return tuple(found.values())


def _rows(path: Path) -> Sequence[tuple[int, Mapping[str, str | None]]]:
    """Lines of the table with their numbers, counted from 1 with the heads."""
    heads, rows = read_csv(path)
    lacking = [name for name in COLUMNS[:5] if name not in heads]
    if lacking:
        msg = f"{path}: lacks the column {lacking[0]}; the first line is: {','.join(COLUMNS)}"
        raise SettingsError(msg)
    return list(enumerate(({**dict.fromkeys(COLUMNS), **row} for row in rows), start=2))


def _with(prompt: Prompt, label: str, row: Mapping[str, str | None], shape: tuple[int, int], where: str) -> Prompt:
    """Add what one line says."""
    x, y = (_number(row, key, size, where) for key, size in (("x", shape[1]), ("y", shape[0])))
    if label != "box":
        if label == "inside":
            return replace(prompt, inside=(*prompt.inside, (y, x)))
        return replace(prompt, outside=(*prompt.outside, (y, x)))
    x2, y2 = (_number(row, key, size, where) for key, size in (("x2", shape[1]), ("y2", shape[0])))
    top, bottom = sorted((y, y2))
    left, right = sorted((x, x2))
    if bottom - top < 1 or right - left < 1:
        msg = f"{where} box: is {right - left:g} px by {bottom - top:g} px, must be at least 1 px either way"
        raise SettingsError(msg)
    if prompt.box is not None:
        msg = f"{where} box: object {prompt.name} has one already"
        raise SettingsError(msg)
    return replace(prompt, box=(top, left, bottom, right))


def _number(row: Mapping[str, str | None], key: str, size: int, where: str) -> float:
    try:
        value = float(row[key] or "")
    except ValueError:
        value = float("nan")
    if not isfinite(value) or not -0.5 <= value <= size - 0.5:
        msg = f"{where} {key}: got '{row[key] or ''}', must be a place in the image, from 0 to {size - 1}"
        raise SettingsError(msg)
    return value
