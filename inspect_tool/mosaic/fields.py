"""Fields at systematic random places of a huge image: for what windows cannot answer, and for a scatter.

One image, however large, is one field and shows no scatter between fields. A grid with a start drawn at random takes
every place of a field with the same probability, covers the image evenly, and follows no feature that a person would
look for (Howard and Reed, Unbiased Stereology, 2nd ed., chapter 1; ASTM E1245 and E562 ask for fields chosen without
bias).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import floor, log

import numpy as np

from inspect_tool.errors import SettingsError
from inspect_tool.images.readers import PixelWindows
from inspect_tool.model import Samples

Box = tuple[slice, slice]
MOST_BLANK = 0.5
"""Share of a field that shows no specimen beyond which it is left out. [1]"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Design:
    """Where the fields of a huge image lie. Positions are (row, column) of the image. [px]"""

    shape: tuple[int, int]  # of the image
    side_px: int  # of a field
    grid: tuple[int, int]  # rows and columns of fields
    start: tuple[float, float]  # of the first field, in steps of the grid: 0 up to 1
    seed: int  # that the start was drawn with

    @property
    def boxes(self) -> tuple[Box, ...]:
        """The fields, row by row."""
        tops, lefts = (
            [floor((i + start) * (length - self.side_px + 1) / count) for i in range(count)]
            for length, count, start in zip(self.shape, self.grid, self.start, strict=True)
        )
        return tuple(
            (slice(top, top + self.side_px), slice(left, left + self.side_px)) for top in tops for left in lefts
        )

    @property
    def most(self) -> float:
        """How many fields have the area of the image."""
        return self.shape[0] * self.shape[1] / self.side_px**2


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Field:
    """A field that was cut out."""

    box: Box
    pixels: Samples  # as they are stored
    blank: float  # share of it that shows no specimen [1]


def design(shape: tuple[int, int], number: int, side_px: int, seed: int) -> Design:
    """Lay so many fields over an image, or a few more where they make no even grid.

    Parameters
    ----------
    shape : (rows, columns)
        Of the image. [px]
    number : int
        Of fields, at least 2: one has no scatter.
    side_px : int
        Of a field.
    seed : int
        The same one gives the same fields.

    Raises
    ------
    SettingsError
        Fewer than two, or more than lie beside each other without overlap.

    Examples
    --------
    >>> found = design((1000, 2000), 8, 100, seed=1)
    >>> found.grid, len(found.boxes)
    ((2, 4), 8)
    """
    if number < 2 or side_px < 1 or seed < 0:
        msg = f"fields: got {number} of {side_px} px, seed {seed}; take 2 or more, of 1 px or more, and a seed from 0"
        raise SettingsError(msg)
    # one field lies wherever it has room, several have a step that is no shorter than they are
    largest = tuple(max((length - side_px + 1) // side_px, int(length >= side_px)) for length in shape)
    grids = [
        (rows, columns)
        for rows in range(1, min(number, largest[0]) + 1)
        if 1 <= (columns := -(-number // rows)) <= largest[1]
    ]
    if not grids:
        msg = (
            f"fields: {number} of {side_px} px do not lie beside each other in {shape[1]} x {shape[0]} px; "
            f"there are at most {largest[0] * largest[1]}: take fewer, or smaller ones"
        )
        raise SettingsError(msg)

    def is_uneven(grid: tuple[int, int]) -> float:
        """How far the steps are from equal in both directions, and how many fields more than asked for."""
        steps = [length / count for length, count in zip(shape, grid, strict=True)]
        return abs(log(steps[0] / steps[1])) + grid[0] * grid[1] / number - 1

    first, second = np.random.default_rng(seed).random(2)
    return Design(
        shape=shape, side_px=side_px, grid=min(grids, key=is_uneven), start=(float(first), float(second)), seed=seed
    )


def cut(image: PixelWindows, laid: Design, blank: Sequence[int] = ()) -> Iterator[Field]:
    """Give the fields of a design one after the other, each with how much of it shows no specimen.

    ``blank``: gray values where nothing was imaged.
    """
    for box in laid.boxes:
        gray = image.read(box)
        pixels = gray if image.color is None else image.color(box)
        yield Field(box=box, pixels=pixels, blank=float(np.isin(gray, list(blank)).mean()) if blank else 0.0)
