"""One plane out of a file with several: what the job says against what the file holds."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

from inspect_tool.errors import ReadError, SeveralPlanesError
from inspect_tool.languages import Text, Words
from inspect_tool.model import Selection

AXES = ("page", "scene", "channel", "z", "time")
"""Axes of a file with several planes: the fields of ``Selection``, in the order in which messages name them."""

Positions: TypeAlias = int | Sequence[str]
"""Positions of one axis: how many, or their names ("" where one has none)."""

_PLURAL = {"page": "pages", "scene": "scenes", "channel": "channels", "z": "z positions", "time": "times"}
_MOST_NAMES = 24  # of one axis in a message
_LONGEST_NAME = 40  # letters


def chosen(path: Path, axes: Mapping[str, Positions], which: Selection) -> dict[str, int]:
    """Find the position on every axis; an axis that ``axes`` lacks has one position.

    Parameters
    ----------
    path : Path
        For messages.
    axes : mapping of str to int or sequence of str
        Axis to its positions.
    which : Selection
        What the job says.

    Returns
    -------
    dict of str to int
        0-based position for each of ``AXES``.

    Raises
    ------
    SeveralPlanesError
        An axis with several positions and none chosen: all such axes are listed.
    ReadError
        A position that is not there, a name that is not there or not unique.
    """
    open_axes = [axis for axis in AXES if _count(axes.get(axis, 1)) > 1 and getattr(which, axis) is None]
    if open_axes:
        counts = ", ".join(f"{_count(axes[axis])} {_PLURAL[axis]}" for axis in open_axes)
        how = ", ".join(f"{axis} = 0 ... {_count(axes[axis]) - 1}{_listed(axes[axis])}" for axis in open_axes)
        msg = f"{path}: has {counts}; say which with {how}"
        raise SeveralPlanesError(msg)
    return {axis: _position(path, axis, axes.get(axis, 1), getattr(which, axis)) for axis in AXES}


def notes(axes: Mapping[str, Positions], at: Mapping[str, int]) -> dict[str, Words]:
    """State the choice on every axis that has several positions.

    >>> notes({"channel": ["DAPI", "GFP"], "z": 5, "time": 1}, {"channel": 1, "z": 4, "time": 0})
    {'channel': '1 of 2 (GFP, counted from 0)', 'z': '4 of 5 (counted from 0)'}
    """
    found: dict[str, Words] = {}
    for axis in AXES:
        positions = axes.get(axis, 1)
        if _count(positions) > 1:
            name = "" if isinstance(positions, int) else _short(positions[at[axis]])
            number, count = at[axis], _count(positions)
            found[axis] = (
                Text("readers.position_named", at=number, count=count, name=name)
                if name
                else Text("readers.position", at=number, count=count)
            )
    return found


def _count(positions: Positions) -> int:
    return positions if isinstance(positions, int) else len(positions)


def _position(path: Path, axis: str, positions: Positions, wanted: int | str | None) -> int:
    if isinstance(wanted, str):
        names = () if isinstance(positions, int) else positions
        found = [index for index, name in enumerate(names) if name == wanted]
        if len(found) == 1:
            return found[0]
        if found:
            msg = f"{path}: {axis} '{wanted}' is the name of {' and '.join(map(str, found))}; say which by number"
        else:
            msg = f"{path}: no {axis} '{wanted}'; {_there(axis, positions)}"
        raise ReadError(msg)
    index = 0 if wanted is None else wanted
    if not 0 <= index < _count(positions):
        msg = f"{path}: no {axis} {index}; {_there(axis, positions)}"
        raise ReadError(msg)
    return index


def _there(axis: str, positions: Positions) -> str:
    if _count(positions) == 1:
        return f"there is {axis} 0 only{_listed(positions)}"
    return f"there are {_PLURAL[axis]} 0 ... {_count(positions) - 1}{_listed(positions)}"


def _listed(positions: Positions) -> str:
    names = () if isinstance(positions, int) else positions
    if not any(names):
        return ""
    shown = [f"'{_short(name)}'" for name in names[:_MOST_NAMES]]
    return f" ({', '.join([*shown, '...'] if len(names) > _MOST_NAMES else shown)})"


def _short(name: str) -> str:
    text = " ".join(name.split())
    return text if len(text) <= _LONGEST_NAME else f"{text[: _LONGEST_NAME - 3]}..."
