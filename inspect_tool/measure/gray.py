"""Values that are read off the gray image and not off its labels: they alone need the image to be repeated."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import floor
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from inspect_tool.errors import MeasurementError
from inspect_tool.model import GrayImage, Mask, Micrograph, Samples
from inspect_tool.pixels.parts import strips

T = TypeVar("T")

_WHOLE = 1 << 16  # whole gray values that are counted one by one


def read_off(micrograph: Micrograph, name: str, read: Callable[[], T]) -> T:
    """Read a value off the gray image, or take the one that was kept where the image is gone.

    A recipe puts what it gets into ``FieldMeasurement.read_off`` under the same name.

    Raises
    ------
    MeasurementError
        The image is gone and no such value was kept.
    """
    if micrograph.read_off is None:
        return read()
    if name not in micrograph.read_off:
        msg = f"{micrograph.path}: '{name}' was read off the image and not kept"
        raise MeasurementError(msg)
    kept: T = micrograph.read_off[name]
    return kept


def asked(micrograph: Micrograph, name: str, read: Callable[[], float | None]) -> Mapping[str, float]:
    """Read a figure off the gray image, for ``FieldMeasurement.read_off``, that older reports do not have.

    Nothing where there is no such figure, and where the image is gone and it was not kept.
    """
    found = read() if micrograph.read_off is None else micrograph.read_off.get(name)
    return {} if found is None else {name: float(found)}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Grays:
    """Gray values that some pixels have, and how many of them have each."""

    values: Samples  # (n,), different and ascending
    counts: NDArray[np.int64]  # (n,)

    @property
    def pixels(self) -> int:
        """How many there are in all."""
        return int(self.counts.sum())

    def quantile(self, share: float) -> float:
        """Value that so large a share of the pixels does not exceed, as ``numpy.quantile`` gives of them one by one.

        >>> found = Grays(values=np.array([10.0, 20.0]), counts=np.array([3, 1]))
        >>> found.quantile(0.5), found.quantile(0.75)
        (10.0, 12.5)
        """
        ends = np.cumsum(self.counts)
        place = share * (self.pixels - 1)
        low = floor(place)
        at = np.searchsorted(ends, [low, min(low + 1, self.pixels - 1)], side="right")
        below, above = (float(value) for value in self.values[at])
        part = place - low
        return below + (above - below) * part if part < 0.5 else above - (above - below) * (1 - part)


def grays_of(pixels: GrayImage, inside: Mask) -> Grays:
    """Count the gray values of the pixels of a mask; strips of the image are looked at one after the other."""
    counts = np.zeros(_WHOLE, np.int64)
    for top, bottom in strips(inside.shape):
        values = pixels[top:bottom][inside[top:bottom]]
        numbers = values.astype(np.uint16) if values.size and values.min() >= 0 and values.max() < _WHOLE else None
        if values.size and (numbers is None or (numbers != values).any()):
            return _grays_of_reals(pixels, inside)
        if numbers is not None:
            counts += np.bincount(numbers, minlength=_WHOLE)
    return Grays(values=np.flatnonzero(counts), counts=counts[counts > 0])


def _grays_of_reals(pixels: GrayImage, inside: Mask) -> Grays:
    parts = [pixels[top:bottom][inside[top:bottom]] for top, bottom in strips(inside.shape)]
    values, counts = np.unique(np.concatenate(parts), return_counts=True)
    return Grays(values=values, counts=counts.astype(np.int64))
