"""Pieces of SVG: texts, lines, boxes with hatching.

Texts are measured by the font of the pages, whatever fonts a machine has. Lengths are in points of paper.
"""

from collections.abc import Iterator
from functools import cache
from html import escape
from typing import Any, Literal

from PIL import ImageFont

from inspect_tool.paths import data_folder
from inspect_tool.report.plots.values import INK, NAME_SIZE, Dash

FAMILY = "'Report Sans', 'Liberation Sans', Arial, Helvetica, 'DejaVu Sans', sans-serif"
ASCENT, DESCENT = 0.73, 0.21  # of Liberation Sans, in sizes of the font


@cache
def _font() -> Any:
    """The font of the pages, laid out without the help of libraries that other machines lack."""
    path = data_folder("templates") / "fonts" / "LiberationSans-Regular.ttf"
    return ImageFont.truetype(str(path), 1000, layout_engine=ImageFont.Layout.BASIC)


def length_of(words: str, size: float) -> float:
    """Length of words in a size of the font."""
    return float(_font().getlength(words)) * size / 1000


def text(
    words: str,
    x: float,
    y: float,
    anchor: Literal["start", "middle", "end"],
    size: float = NAME_SIZE,
    *,
    turned: int = 0,
    color: str = INK,
) -> str:
    """Words on a base line that begin, have their middle or end at a point; ``turned`` clockwise about it [degree]."""
    turn = f' transform="rotate({turned} {number(x)} {number(y)})"' if turned else ""
    return (
        f'<text x="{number(x)}" y="{number(y)}" font-size="{number(size)}" text-anchor="{anchor}" fill="{color}"{turn}>'
        f"{escape(words, quote=False)}</text>"
    )


def number(value: float) -> str:
    """A coordinate, to a hundredth of a point."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


def line(way: str, color: str, width: float, dash: Dash = (), *, clipped: bool = False) -> str:
    """Draw a line along a way; ``clipped``: no farther than the axes."""
    dashes = f' stroke-dasharray="{" ".join(number(part * width) for part in dash)}"' if dash else ""
    clip = ' clip-path="url(#axes)"' if clipped else ""
    return f'<path d="{way}" fill="none" stroke="{color}" stroke-width="{number(width)}"{dashes}{clip}/>'


def box(x0: float, y0: float, x1: float, y1: float, fill: str) -> str:
    """Draw a filled box."""
    way = f"M{number(x0)} {number(y0)}H{number(x1)}V{number(y1)}H{number(x0)}z"
    return f'<path d="{way}" fill="{fill}"/>'


def hatched(
    x0: float, y0: float, x1: float, y1: float, hatch: str, color: str = "white", width: float = 0.9, step: float = 5.5
) -> str:
    """Slanted lines or dots in a box, which tell it from others in a black-and-white print."""
    if hatch == "dots":
        dots = (
            f"M{number(x - 0.7)} {number(y)}a0.7 0.7 0 1 0 1.4 0a0.7 0.7 0 1 0 -1.4 0z"
            for j, y in enumerate(_every(2.5, y0 + 1, y1 - 1))
            for x in _every(5.0, x0 + 1 + 2.5 * (j % 2), x1 - 1)
        )
        return f'<path d="{"".join(dots)}" fill="{color}"/>'
    # along a rising line x + y is the same everywhere
    ways = (
        ((max(x0, c - y1), min(y1, c - x0)), (min(x1, c - y0), max(y0, c - x1)))
        for c in _every(step, x0 + y0 + 2, x1 + y1)
    )
    mirror, sign = (0.0, 1) if hatch == "rising" else (x0 + x1, -1)
    lines = (
        f"M{number(mirror + sign * a[0])} {number(a[1])}L{number(mirror + sign * b[0])} {number(b[1])}" for a, b in ways
    )
    return line("".join(lines), color, width)


def _every(step: float, start: float, end: float) -> Iterator[float]:
    while start < end:
        yield start
        start += step
