"""Phases by gray level: Otsu, multi-Otsu, Li, triangle, local mean, Sauvola, fixed levels, and levels from edges.

The default method ``auto`` puts the boundary of a phase where an instrument should: half-way up its
edges. Edges are found where the gray gradient stands clear of the gradient that noise and fine texture
make; the half-rise level is read there and carried over the image by a weighted average, near edges
first. The level so follows shading and does not depend on how much of the phase there is, which is
what breaks histogram methods below a few per cent. Where there is no edge there is no phase: an image
of pure noise gives 0 %.

Levels are gray values of the image as it was read.
"""

import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Literal

from inspect_tool.model import Micrograph, Segmentation, Told, no_alternatives, stated
from inspect_tool.segmentation.threshold.classes import labels_of
from inspect_tool.segmentation.threshold.settings import Settings, number_of_classes, refuse_contradictions
from inspect_tool.segmentation.threshold.ways import NOTHING, Way, way_of

__all__ = ["KINDS", "Settings", "load", "segment"]

KINDS: tuple[Literal["semantic", "instance"], ...] = ("semantic",)


def load(settings: Settings) -> None:
    """Check what the settings demand of each other; there are no weights."""
    refuse_contradictions(settings)


def segment(model: None, micrograph: Micrograph, settings: Settings) -> Segmentation:  # noqa: ARG001 - the contract has a model
    """Tell the phases of a micrograph apart by gray level.

    Parameters
    ----------
    model : None
        This backend has none.
    micrograph : Micrograph
        Field to segment, ``pixels`` (rows, columns).
    settings : Settings
        See there.

    Returns
    -------
    Segmentation
        Semantic. Classes of interest are numbered from 1 outward from the extreme gray (dark first for
        phase dark), 0 is the matrix at the other end. ``settings`` holds the method that was taken and
        the levels that were found.

    Raises
    ------
    BackendError
        An image without contrast; a color channel of a gray image.
    SettingsError
        Settings that contradict each other.
    """
    load(settings)
    started = time.perf_counter()
    way = way_of(micrograph, settings)
    made = _segmented(way, settings, way.choice.height, started)
    return made if way.method == NOTHING else replace(made, alternatives=partial(_others, micrograph, settings, way))


def _others(micrograph: Micrograph, settings: Settings, way: Way) -> Iterator[tuple[str, Segmentation]]:
    """Segment again with the levels at 40 % and 60 % of the edge contrast, one at a time.

    The contrast is that of the edges of this image; without edges that of the two sides of each level. Of several
    levels every second one moves the other way, so that a class between two of them grows and shrinks.
    """
    moved = replace(way, outline_on_edges=None)  # was read at the height that was chosen
    for name, height in moved.choice.others.items():
        yield name, _segmented(moved, settings, height, time.perf_counter())
    if settings.method in ("otsu", "li", "triangle") and way.ready.edges.n:
        yield (
            "edges",
            replace(segment(None, micrograph, replace(settings, method="edge")), alternatives=no_alternatives),
        )


def _segmented(way: Way, settings: Settings, height: float, started: float) -> Segmentation:
    """Classes by the levels of a way at a height."""
    ready = way.ready
    levels, ranks = way.told(height)
    labels, classes, phase = labels_of(ranks, number_of_classes(settings), settings, ready.roi)
    found: dict[str, object] = {
        "denoise_px": ready.denoise_px,
        "shift": height,
        **way.facts,
        "levels_found": [ready.offset + ready.step * level for level in levels],
        "edge_contrast": ready.step * ready.edges.contrast,
        "edge_pixels": ready.edges.n,
        "own_gray": None,  # where it is not known
        **stated(
            Told(
                method_taken=way.method,
                phase_taken=phase,
                own_gray=way.own_gray,
                outline_on_edges=way.outline_on_edges,
                color_weights=None if ready.axis is None else ready.axis.weights,  # levels and contrast are along it
            )
        ),
    }
    if ready.axis is not None:
        found |= {
            "color_separation": ready.axis.separation,
            "gray_separation": ready.axis.gray_separation,
        }
    return Segmentation(
        labels=labels,
        classes=classes,
        kind="semantic",
        backend="threshold",
        settings={**{name: getattr(settings, name) for name in settings.__slots__}, **found},
        seconds=time.perf_counter() - started,
    )
