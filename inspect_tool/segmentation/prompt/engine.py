"""What answers prompts: an engine makes a field ready, a field answers what is said of its objects."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from inspect_tool.model import Mask, Micrograph, ModelCard
from inspect_tool.segmentation.prompt.patches import Patch, drawn
from inspect_tool.segmentation.prompt.prompts import Point, Prompt

SEED = 7  # of the order of the points of a grid, which is always the same


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """How objects are looked for where nobody clicks."""

    grid: int | None  # points along a side of what the engine sees at once; None: of the engine
    object_px: tuple[float, float] | None  # smallest and largest diameters; None: any the engine sees [px]
    quality: float  # least predicted quality of a mask [1]
    stability: float  # least stability of a mask [1]


class Field(Protocol):
    """One image as an engine sees it."""

    @property
    def described(self) -> dict[str, Any]:
        """What the report states of it."""

    def answer(self, prompt: Prompt) -> Patch:
        """Give the object that is meant."""

    def found(self, search: Search) -> Iterator[Patch]:
        """Give what may be an object, wherever it is; several may be the same one."""


class Engine(Protocol):
    """A model made ready."""

    @property
    def card(self) -> ModelCard:
        """Card of its weights."""

    def field(self, micrograph: Micrograph) -> Field:
        """Make one image ready."""


class Ask(Protocol):
    """Ask for the objects at several points, one patch or None each."""

    def __call__(self, points: Sequence[Point], /) -> Sequence[Patch | None]:
        """Ask."""


def grid_points(rows: tuple[int, int], columns: tuple[int, int], pitch: float, roi: Mask | None) -> list[Point]:
    """Points of a grid in the middle of cells of ``pitch``, as far as they count, in an order that leaps about.

    Neighbors come at different times, so that most points of an object are asked after it was found.

    >>> sorted(grid_points((0, 20), (0, 10), 10, None))
    [(4.5, 4.5), (14.5, 4.5)]
    """
    down, across = (np.arange(low + pitch / 2 - 0.5, high - 0.5, pitch) for low, high in (rows, columns))
    at = np.stack(np.meshgrid(down, across, indexing="ij"), axis=-1).reshape(-1, 2)
    if roi is not None:
        near = np.rint(at).astype(int)
        at = at[roi[near[:, 0], near[:, 1]]]
    return [(float(row), float(column)) for row, column in at[np.random.default_rng(SEED).permutation(len(at))]]


def asked_all(
    points: Sequence[Point], ask: Ask, search: Search, covered: NDArray[np.bool_], batch: int
) -> Iterator[Patch]:
    """Ask at every point that lies in no object that was found; what is sure enough is an object.

    Parameters
    ----------
    points : sequence of Point
        In the image. [px]
    ask : Ask
        Of the engine.
    search : Search
        What is sure enough.
    covered : ndarray of bool
        (rows, columns) of the image; objects that are found are marked here.
    batch : int
        Points at a time.
    """
    waiting: list[Point] = []
    for number, point in enumerate(points, start=1):
        if not covered[round(point[0]), round(point[1])]:
            waiting.append(point)
        if len(waiting) < batch and number < len(points):
            continue
        for one in ask(waiting) if waiting else ():
            if one is None or one.quality < search.quality or one.stability < search.stability:
                continue
            area, mask = drawn(one, 0.5, (covered.shape[0], covered.shape[1]))
            covered[area] |= mask
            yield one
        waiting = []
