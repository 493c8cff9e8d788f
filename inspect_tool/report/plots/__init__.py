"""Plots as SVG: curves, bars, bands and straight lines over two axes, whose words and numbers stay text."""

from inspect_tool.report.plots.drawing import plot_svg
from inspect_tool.report.plots.values import (
    FAINT,
    INK,
    Axis,
    Band,
    Bars,
    Curve,
    Dash,
    Hatch,
    Line,
    Mark,
    Marker,
    Note,
    Plot,
    Tick,
)

__all__ = [
    "FAINT",
    "INK",
    "Axis",
    "Band",
    "Bars",
    "Curve",
    "Dash",
    "Hatch",
    "Line",
    "Mark",
    "Marker",
    "Note",
    "Plot",
    "Tick",
    "plot_svg",
]
