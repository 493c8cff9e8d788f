"""The ways to tell the classes of an image apart by gray, and which of them is taken."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from inspect_tool.images.filters import flat_field
from inspect_tool.model import Micrograph
from inspect_tool.segmentation.threshold import tints
from inspect_tool.segmentation.threshold.bands import by_bands, count
from inspect_tool.segmentation.threshold.by_edges import OnEdges, on_edges, outline_on_edges
from inspect_tool.segmentation.threshold.edges import above, same_everywhere
from inspect_tool.segmentation.threshold.gray_levels import (
    class_means,
    has_two_humps,
    histogram_of,
    own_gray_between,
    separation,
)
from inspect_tool.segmentation.threshold.image import Ready, made_ready
from inspect_tool.segmentation.threshold.level_choice import ON_EDGES, Choice
from inspect_tool.segmentation.threshold.levels import levels_of, moved_levels, ranks_of
from inspect_tool.segmentation.threshold.settings import Settings, number_of_classes, window_of
from inspect_tool.segmentation.threshold.window_levels import mean_of, window_levels

NOTHING = "nothing found"
"""Name of the method where nothing tells of a phase."""

Ranks: TypeAlias = NDArray[np.uint8]
"""Class of every pixel, 0 for the darkest."""

Telling: TypeAlias = Callable[[float], tuple[list[float], Ranks]]
"""Levels in 8 bits, and ranks, at a height of the levels."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Way:
    """A way that was taken for an image."""

    method: str
    ready: Ready
    told: Telling
    choice: Choice = field(default_factory=Choice)  # of heights
    own_gray: float | None = None  # see ``Told``
    outline_on_edges: float | None = None  # the same, of the levels at the height that was chosen
    facts: Mapping[str, object] = field(default_factory=dict)  # that the report has of it


def way_of(micrograph: Micrograph, settings: Settings) -> Way:
    """Choose a way for an image."""
    if settings.matrix == "tinted":
        return _over_matrix(micrograph, settings)
    ready = made_ready(micrograph, settings)
    if settings.method not in ("auto", "edge"):
        return _by_window(ready, settings) if settings.method in ("local", "sauvola") else _by_levels(ready, settings)
    if number_of_classes(settings) > 2:
        return _by_levels(ready, settings, "multi_otsu")
    way = _by_edges(on_edges(ready, settings)) if ready.edges.n else _without_edges(ready, settings)
    if not tints.may_hide(way.ready, micrograph, settings):
        return way
    return _among_tints(way, micrograph, settings)


def _among_tints(by_gray: Way, micrograph: Micrograph, settings: Settings) -> Way:
    """Against the matrix, where classes by gray have areas of many tints and gray tells no more of a clear phase."""
    ranks = by_gray.told(by_gray.choice.height)[1]
    if not tints.vary_inside(ranks, micrograph):
        return by_gray
    over = _over_matrix(micrograph, settings)
    if settings.specks:
        return over
    phase = 0 if settings.phase == "dark" else 1
    is_clear = (by_gray.outline_on_edges or 0.0) >= ON_EDGES and not tints.vary_inside(ranks, micrograph, phase)
    found, against = (count(some, phase) for some in (ranks, over.told(over.choice.height)[1]))
    # what fills half of a window is taken for its matrix
    return by_gray if is_clear and found > against else over


def _by_edges(found: OnEdges, *, has_outline: bool = True) -> Way:
    return Way(
        method=found.method,
        ready=found.ready,
        told=lambda height: ([found.level_at(height)], found.ranks_at(height)),
        choice=found.choice,
        own_gray=found.choice.own_gray,
        outline_on_edges=outline_on_edges(found.ranks_at(found.choice.height), found.ready) if has_outline else None,
    )


def _without_edges(ready: Ready, settings: Settings) -> Way:
    """Structure so fine or soft that no place is quiet has no clear edge, but two humps of gray; else there is none."""
    if has_two_humps(histogram_of(ready.gray, ready.roi)):
        return _by_levels(ready, settings, "otsu")
    return _nothing(ready, settings)


def _nothing(ready: Ready, settings: Settings) -> Way:
    matrix = 1 if settings.phase == "dark" else 0
    return Way(
        method=NOTHING,
        ready=ready,
        told=lambda _: ([], by_bands(lambda gray: np.full(gray.shape, matrix), ready.gray)),
    )


def _over_matrix(micrograph: Micrograph, settings: Settings) -> Way:
    """Of what is darker, or brighter, than the matrix around it."""
    ready, black = tints.made_ready(micrograph, settings)
    if black is None:
        return _nothing(ready, settings)
    found = None if settings.specks else tints.on_edges(ready, black)
    has_outline = not settings.specks  # those of a few pixels hardly have one
    way = _half_way(ready, black, has_outline) if found is None else _by_edges(found, has_outline=has_outline)
    if settings.phase == "dark":
        return way

    def of_image(height: float) -> tuple[list[float], Ranks]:
        levels, ranks = way.told(height)  # of the negative
        return levels, by_bands(lambda part: 1 - part, ranks)

    return replace(way, told=of_image)


def _half_way(ready: Ready, black: float, has_outline: bool) -> Way:
    """Half-way between black and the matrix: faint specks count, and nothing needs to lie on edges."""

    def told(height: float) -> tuple[list[float], Ranks]:
        level = (tints.MATRIX + black) / 2 + height * (tints.MATRIX - black)
        return [level], above(ready.gray, same_everywhere(level))

    outline = outline_on_edges(told(0.0)[1], ready) if has_outline else None
    return Way(method=tints.OVER_MATRIX, ready=ready, told=told, outline_on_edges=outline)


def _by_window(ready: Ready, settings: Settings) -> Way:
    """By the gray values in a window around every pixel."""
    side = window_of(ready.gray.shape, settings, ready.path)
    sauvola_k = settings.sauvola_k if settings.method == "sauvola" else None

    levels = window_levels(ready.gray, side, sauvola_k)
    dark, bright = class_means(histogram_of(ready.gray, ready.roi), [mean_of(levels, None)])
    mean = mean_of(levels, ready.roi)

    def told(height: float) -> tuple[list[float], Ranks]:
        by = height * (ready.edges.contrast or bright - dark)
        return [mean + by], above(ready.gray, lambda rows: levels[rows] + np.float32(by))

    return Way(method=settings.method, ready=ready, told=told, facts={"window_px": side})


def _by_levels(ready: Ready, settings: Settings, method: str = "") -> Way:
    """By levels of the gray values of the whole image; with a flat field where it tells the classes farther apart."""
    method, n, facts = method or settings.method, number_of_classes(settings), {}
    if method != "fixed" and settings.flat_field != "off":
        flat = cast("Ranks", flat_field(ready.gray, roi=ready.roi))
        before, after = (separation(histogram_of(image, ready.roi), n) for image in (ready.gray, flat))
        facts = {"separation": before, "separation_flat": after}
        # where phases lie unevenly, a background fitted to them takes them for shading and mixes their grays
        if settings.flat_field == "on" or after > before:
            ready, facts = replace(ready, gray=flat), {**facts, "flat_field_taken": True}
    histogram = histogram_of(ready.gray, ready.roi)
    given = [(level - ready.offset) / ready.step for level in settings.levels]
    levels = levels_of(histogram, n, method, given, ready.path)

    def told(height: float) -> tuple[list[float], Ranks]:
        moved = moved_levels(histogram, levels, height)
        return moved, ranks_of(ready.gray, moved, method)

    own_gray = own_gray_between(histogram, levels) if method == "multi_otsu" and n > 2 else None
    return Way(method=method, ready=ready, told=told, own_gray=own_gray, facts=facts)
