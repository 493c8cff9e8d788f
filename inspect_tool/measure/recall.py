"""What was measured of parts of a label image, kept while a person corrects it: only what changed is measured again.

A measure that adds up parts of an image, or lists objects, asks ``Parts`` for each. ``ANEW`` measures them all; what a
``Recall`` gives measures those that a change reached, and knows the others. Either way the same numbers are put
together in the same order: the answers are equal to the last bit.
"""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from inspect_tool.measure.flooding import Area, strips
from inspect_tool.model import LabelImage

T = TypeVar("T")
Numbers: TypeAlias = NDArray[np.integer[Any]]
_MOST_CHANGED = 1 / 16  # of the pixels: beyond that, nothing is gained by knowing the others


class Parts(Protocol):
    """Measures of the parts and of the objects of one label image."""

    def part(self, what: Hashable, where: Area, measure: Callable[[], T]) -> T:
        """Measure a part; ``where``: all pixels that the measure looks at."""

    def objects(self, what: Hashable, numbers: Numbers, measure: Callable[[Numbers], Sequence[T]]) -> Sequence[T]:
        """Measure objects by their own pixels alone, one answer each, in the order of their numbers."""


@dataclass(frozen=True, slots=True)
class _Anew:
    def part(self, what: Hashable, where: Area, measure: Callable[[], T]) -> T:  # noqa: ARG002 - a contract
        return measure()

    def objects(self, what: Hashable, numbers: Numbers, measure: Callable[[Numbers], Sequence[T]]) -> Sequence[T]:  # noqa: ARG002
        return measure(numbers)


ANEW: Parts = _Anew()
"""Measures everything that it is asked for, and keeps nothing."""


@dataclass(slots=True, kw_only=True, eq=False)
class _Kept:
    """What is known of one label image."""

    labels: LabelImage | None = None
    parts: dict[Hashable, tuple[Area, Any]] = field(default_factory=dict)
    of_objects: dict[Hashable, dict[int, Any]] = field(default_factory=dict)

    def part(self, what: Hashable, where: Area, measure: Callable[[], T]) -> T:
        key = (what, *((one.start, one.stop) for one in where))
        if key not in self.parts:
            self.parts[key] = where, measure()
        found: T = self.parts[key][1]
        return found

    def objects(self, what: Hashable, numbers: Numbers, measure: Callable[[Numbers], Sequence[T]]) -> Sequence[T]:
        known = self.of_objects.setdefault(what, {})
        unknown = [number for number in numbers.tolist() if number not in known]
        if unknown:
            known.update(zip(unknown, measure(np.asarray(unknown, numbers.dtype)), strict=True))
        return [known[number] for number in numbers.tolist()]

    def look_at(self, labels: LabelImage) -> None:
        """Forget what was measured of what is not as it was."""
        before, self.labels = self.labels, labels
        if before is labels:
            return
        changed = None if before is None or before.shape != labels.shape else _changed(before, labels)
        if before is None or changed is None:
            self.parts, self.of_objects = {}, {}
            return
        row, column = changed
        self.parts = {key: one for key, one in self.parts.items() if not _within(one[0], row, column).any()}
        gone = np.unique(np.concatenate([before[row, column], labels[row, column]])).tolist()
        for known in self.of_objects.values():
            for number in gone:
                known.pop(number, None)


@dataclass(slots=True, kw_only=True, eq=False)
class Recall:
    """What is known of the label images of one field, by what they are."""

    kept: dict[str, _Kept] = field(default_factory=dict)

    def of(self, name: str, labels: LabelImage) -> Parts:
        """Give what is known of an image as it is now; it must not be changed afterwards."""
        kept = self.kept.setdefault(name, _Kept())
        kept.look_at(labels)
        return kept


def parts_of(recall: Recall | None, name: str, labels: LabelImage) -> Parts:
    """Give what is known of an image, where anything is kept."""
    return ANEW if recall is None else recall.of(name, labels)


def rows_of(labels: LabelImage, rows: slice, below: int = 0) -> Area:
    """Some rows of an image, and so many below them, as a part of it."""
    return slice(rows.start, min(rows.stop + below, labels.shape[0])), slice(0, labels.shape[1])


def window_of(labels: LabelImage, numbers: Numbers) -> Area:
    """The part of an image that holds objects, and a pixel around it."""
    wanted = np.zeros(int(labels.max(initial=0)) + 1, np.bool_)
    wanted[numbers] = True
    in_rows, in_columns = np.zeros(labels.shape[0], np.bool_), np.zeros(labels.shape[1], np.bool_)
    for rows in strips(labels.shape):
        held = wanted[np.maximum(labels[rows], 0)]
        in_rows[rows] = held.any(axis=1)
        in_columns |= held.any(axis=0)
    row, column = np.flatnonzero(in_rows), np.flatnonzero(in_columns)
    return (
        slice(max(0, int(row[0]) - 1), min(labels.shape[0], int(row[-1]) + 2)),
        slice(max(0, int(column[0]) - 1), min(labels.shape[1], int(column[-1]) + 2)),
    )


def _changed(before: LabelImage, after: LabelImage) -> tuple[NDArray[np.intp], NDArray[np.intp]] | None:
    """Rows and columns of the pixels that differ; None: they are so many that nothing is worth keeping."""
    row, column = [np.zeros(0, np.intp)], [np.zeros(0, np.intp)]
    count = 0
    for rows in strips(before.shape):
        if np.array_equal(before[rows], after[rows]):
            continue
        y, x = np.nonzero(before[rows] != after[rows])
        count += len(y)
        if count > _MOST_CHANGED * before.size:
            return None
        row.append(y + rows.start)
        column.append(x)
    return np.concatenate(row), np.concatenate(column)


def _within(where: Area, row: NDArray[np.intp], column: NDArray[np.intp]) -> NDArray[np.bool_]:
    rows, columns = where
    inside: NDArray[np.bool_] = (
        (row >= rows.start) & (row < rows.stop) & (column >= columns.start) & (column < columns.stop)
    )
    return inside
