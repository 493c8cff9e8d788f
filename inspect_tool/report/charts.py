"""Charts of a report: histograms, curves, points and bars as SVG whose numbers are text of a language.

Lines differ by color and dash, fills by color and hatch: a black-and-white print tells them apart. The same input
gives the same bytes.
"""

import io
import re
import warnings
from collections.abc import Callable
from functools import cache, lru_cache
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, ScalarFormatter

from inspect_tool.languages import ENGLISH, localized
from inspect_tool.model import Chart
from inspect_tool.paths import data_folder
from inspect_tool.report.text import MINUS, heading, short

INK = "#1f2933"
FAINT = "#9aa5b1"

_STYLE: dict[Any, Any] = {
    "text.parse_math": False,  # a dollar sign in a name is a dollar sign
    "font.family": "sans-serif",
    "font.sans-serif": ["Report Sans", "Liberation Sans", "Arial", "Helvetica", "DejaVu Sans"],
    "font.size": 8.5,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": FAINT,
    "axes.linewidth": 0.7,
    "xtick.color": FAINT,
    "ytick.color": FAINT,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.major.size": 3,
    "ytick.major.size": 0,
    "svg.hashsalt": "inspect_tool",
    "svg.fonttype": "none",
    "axes.unicode_minus": True,
}
# dark to light: the order of curves can be read in gray; dashes tell them apart as well
LINES = (("#0b4f6c", "-"), ("#c4560a", (0, (5, 2))), ("#4f9d69", (0, (1.5, 1.5))), ("#7a6f9b", (0, (6, 2, 1, 2))))
_NUMBERS = re.compile(r"(?<=>)[^<>]+(?=</text>)")  # what is written in a drawing
FILLS = ("#35647e", "#d89a5b", "#9cc5a9", "#c3bcd4")
HATCHES = ("", "///", "...", "\\\\\\")


@lru_cache(maxsize=64)
def chart_svg(chart: Chart, width_mm: float = 84.0, height_mm: float = 56.0, language: str = ENGLISH) -> str:
    """Draw a chart as SVG: thin axes, direct labels, distinguishable without color.

    The picture has no title: the report prints ``chart.title`` as text. Its own words are text too, so that
    they can be searched. The same chart gives the same bytes: no date, no random names.
    """

    def draw(axes: Axes) -> None:
        {"histogram": _histogram, "cumulative": _curves, "points": _points, "bars": _bars}[chart.kind](axes, chart)
        _dress(axes, chart, legend_columns=1 if width_mm < 70 else 3)

    return _NUMBERS.sub(lambda found: localized(found[0], language), drawn_svg(draw, width_mm, height_mm))


@cache
def _know_fonts() -> None:
    """Let matplotlib measure texts by the font of the pages, whatever fonts the machine has."""
    for path in sorted((data_folder("templates") / "fonts").glob("LiberationSans-*.ttf")):
        font_manager.fontManager.addfont(path)


class _Ticks(ScalarFormatter):
    """Numbers of an axis with the decimal sign of a language; names under an axis stay as they are."""

    def __init__(self, language: str) -> None:
        super().__init__()
        self._language = language

    def __call__(self, x: float, pos: int | None = None) -> str:
        return localized(super().__call__(x, pos), self._language)


def drawn_svg(draw: Callable[[Axes], None], width_mm: float, height_mm: float, language: str = ENGLISH) -> str:
    """Draw on axes in the style of the report; the same drawing gives the same bytes.

    Its own words are drawn as they come; numbers of the axes are those of the language.
    """
    _know_fonts()
    with mpl.rc_context(_STYLE), warnings.catch_warnings():
        # texts stay texts in the SVG: what shows them has other fonts than what measured them here; and numbers that
        # no instrument gives, in a report that was changed, make an empty chart
        words_of_them = (
            "overflow encountered",
            "invalid value encountered",
            "constrained_layout not",
            "Attempting to set",
        )
        for words in ("Glyph ", *words_of_them):
            warnings.filterwarnings("ignore", message=words)
        figure = Figure(figsize=(width_mm / 25.4, height_mm / 25.4), layout="constrained")
        canvas = FigureCanvasSVG(figure)
        axes = figure.add_subplot()
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(_Ticks(language))
        draw(axes)
        for patch in (figure.patch, axes.patch):
            patch.set_facecolor("none")
        file = io.StringIO()
        nothing = {"Date": None, "Creator": None}
        canvas.print_svg(file, metadata=nothing)  # type: ignore[no-untyped-call]  # `savefig` lays all out twice
    return file.getvalue()


def _histogram(axes: Axes, chart: Chart) -> None:
    for i, series in enumerate(chart.series):
        edges = np.asarray(series.x, float)
        counts = np.asarray(series.y, float)
        if i == 0:
            axes.stairs(counts, edges, fill=True, color=FILLS[0], lw=0, label=series.name)
            axes.stairs(counts, edges, fill=False, color="white", lw=0.4)
            axes.vlines(edges[1:-1], 0, np.minimum(counts[1:], counts[:-1]), color="white", lw=0.5)
        else:
            color, dash = LINES[i % len(LINES)]
            axes.stairs(counts, edges, fill=False, color=color, linestyle=dash, lw=1.3, label=series.name)
    axes.set_ylim(bottom=0)


def _curves(axes: Axes, chart: Chart) -> None:
    for i, series in enumerate(chart.series):
        color, dash = LINES[i % len(LINES)]
        axes.plot(series.x, series.y, color=color, linestyle=dash, lw=1.5, drawstyle="steps-post", label=series.name)
    axes.set_ylim(bottom=0)


def _points(axes: Axes, chart: Chart) -> None:
    for i, series in enumerate(chart.series):
        color, _ = LINES[i % len(LINES)]
        marker = "osD^"[i % 4]
        fill = color if i % 2 == 0 else "white"
        axes.plot(series.x, series.y, marker, ms=4.2, mec=color, mfc=fill, mew=0.9, label=series.name)


def _bars(axes: Axes, chart: Chart) -> None:
    n = len(chart.series)
    width = 0.72 / n
    for i, series in enumerate(chart.series):
        x = np.arange(len(series.y)) + (i - (n - 1) / 2) * width
        fill, hatch = FILLS[i % 4], HATCHES[i % 4]
        bars = axes.bar(x, series.y, width * 0.94, color=fill, hatch=hatch, edgecolor="white", lw=0, label=series.name)
        if len(series.y) * n <= 12:  # direct labels
            axes.bar_label(bars, labels=[short(value, 3) for value in series.y], padding=1.5, fontsize=7.5)
    step = -(-len(chart.categories) // 14)  # names that would run into each other are left out
    shown = chart.categories[::step] if step else ()
    axes.set_xticks(range(0, len(chart.categories), max(1, step)), shown)
    if max((len(name) for name in shown), default=0) * len(shown) > 44:
        axes.tick_params(axis="x", labelrotation=40)
        for label in axes.get_xticklabels():
            label.set_horizontalalignment("right")
    axes.set_ylim(bottom=min(0.0, *(value for series in chart.series for value in series.y)))


def _dress(axes: Axes, chart: Chart, legend_columns: int) -> None:
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.grid(axis="y", color="#e4e7eb", lw=0.6)
    axes.set_axisbelow(True)
    axes.set_xlabel(heading(chart.x_label) if "[" in chart.x_label else chart.x_label)
    axes.set_ylabel(heading(chart.y_label) if "[" in chart.y_label else chart.y_label)
    axes.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))
    if chart.x_scale == "log":
        axes.set_xscale("log")
        low, high = axes.get_xlim()
        if high < 300 * low:  # few decades: numbers between the powers of ten as well
            axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0), numticks=20))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.xaxis.set_minor_formatter("")
    elif chart.kind != "bars":
        whole = all(float(x).is_integer() for series in chart.series for x in series.x)
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=whole))
    if chart.kind in ("points", "bars", "histogram"):
        axes.margins(x=0.03)
    if len(chart.series) > 1:
        axes.legend(
            frameon=False,
            fontsize=7.5,
            loc="lower left",
            bbox_to_anchor=(-0.02, 1.0),
            borderaxespad=0.1,
            ncols=min(legend_columns, len(chart.series)),
            handlelength=2.4,
            columnspacing=1.4,
        )
    if chart.limits:
        low, high = axes.get_ylim()
        axes.set_ylim(low, high + 0.1 * (high - low))  # room for the labels
    for x, label in chart.limits:
        axes.axvline(x, color=INK, lw=0.9, ls=(0, (4, 2)))
        right = axes.transData.transform((x, 0))[0] > axes.get_window_extent().x0 + 0.7 * axes.get_window_extent().width
        axes.annotate(
            label.replace("-", MINUS) if label.startswith("-") else label,
            (x, 1.0),
            xycoords=("data", "axes fraction"),
            xytext=(-3 if right else 3, -1),
            textcoords="offset points",
            ha="right" if right else "left",
            va="top",
            fontsize=7.5,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6, "alpha": 0.85},
        )
