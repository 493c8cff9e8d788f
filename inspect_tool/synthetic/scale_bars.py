"""Scale bars burned into a picture, as microscopes and programs draw them; the exact truth comes back with it."""

from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from inspect_tool.errors import SettingsError
from inspect_tool.paths import data_folder
from inspect_tool.synthetic.field import Image
from inspect_tool.units import convert

BarStyle: TypeAlias = Literal["line with end ticks", "ruler", "solid bar", "plain line"]
Font: TypeAlias = Literal["sans", "sans bold", "serif", "mono", "hershey"]
Place: TypeAlias = Literal["above", "below", "right", "inside"]
Color: TypeAlias = tuple[int, int, int]

_FONTS = {
    "sans": "DejaVuSans.ttf",
    "sans bold": "DejaVuSans-Bold.ttf",
    "serif": "DejaVuSerif.ttf",
    "mono": "DejaVuSansMono.ttf",
}
_INTERVALS = 10  # of a ruler


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BurnedBar:
    """A picture with a scale bar, and all that is true of it; positions are (row, column)."""

    pixels: Image  # (rows, columns), or (rows, columns, 3) RGB where anything has a color
    pixel_um: float  # [um/px]
    length_um: float
    length_px: float  # as drawn: between centers of the end ticks, or from side to side of a bar without
    ends: tuple[tuple[float, float], tuple[float, float]]
    label: str
    box: tuple[int, int, int, int]  # top, left, height, width of bar and label
    footer_px: int
    style: BarStyle


def scale_bar(
    pixels: Image,
    *,
    pixel_um: float,
    length: float,
    unit: Literal["nm", "um", "mm"] = "um",
    style: BarStyle = "line with end ticks",
    color: Color = (255, 255, 255),
    at: tuple[float, float] = (0.9, 0.7),
    line_px: int = 2,
    tick_px: int = 2,
    tick_tall_px: int = 14,
    text_px: int = 20,
    font: Font = "sans",
    place: Place = "above",
    label: str = "",
    box: Color | None = None,
    footer_px: int = 0,
    ground: Color = (0, 0, 0),
    text: str = "",
    soft: bool = False,
    noise: float = 0.0,
    jpeg_quality: int = 0,
    seed: int = 0,
) -> BurnedBar:
    """Burn a scale bar into a picture.

    Parameters
    ----------
    pixels : array of uint8, (rows, columns) or (rows, columns, 3)
        The picture. It is not changed.
    pixel_um : float
        Size of a pixel. [um/px]
    length, unit : float, str
        Length that the bar stands for.
    style : str
        A ruler has 11 ticks and no line.
    color : (red, green, blue)
        Of bar and label.
    at : (down, across)
        Middle of the bar, as shares of height and width; in an information bar, of its height.
    line_px, tick_px, tick_tall_px, text_px : int
        Thickness of the line, width and height of the ticks, height of the font. [px]
    font : str
        "hershey" are the line letters of OpenCV, which have no micro sign.
    place : str
        Where the label stands; "inside" opens the line for it.
    label : str
        Text instead of number and unit.
    box : (red, green, blue), optional
        The label stands on a field of this color, in black or white.
    footer_px : int
        Rows of an information bar of the color ``ground`` added at the bottom, with ``text`` at its left; the bar
        is drawn in it. [px]
    soft : bool
        Edges that cover a part of a pixel, and letters with gray edges; else all is drawn on whole pixels.
    noise : float
        Standard deviation of noise over everything. [gray levels]
    jpeg_quality : int
        1 to 100; 0 is no compression.
    seed : int
        Of the noise.

    Returns
    -------
    BurnedBar
        ``length_px`` is what was drawn: the length in whole pixels, or exact where ``soft``.

    Raises
    ------
    SettingsError
        The bar is shorter than 3 px, or does not fit into the picture.

    Examples
    --------
    >>> scale_bar(np.full((80, 200), 90, dtype=np.uint8), pixel_um=0.5, length=50).length_px
    100.0
    """
    exact = convert(length, unit, "um") / pixel_um
    length_px = exact if soft else float(round(exact))
    colored = len({*color}) > 1 or pixels.ndim == 3 or len({*ground}) > 1 or (box is not None and len({*box}) > 1)
    canvas = (np.repeat(pixels[:, :, None], 3, axis=2) if pixels.ndim == 2 else pixels).astype(np.float32)
    if footer_px:
        canvas = np.concatenate([canvas, np.full((footer_px, canvas.shape[1], 3), ground, dtype=np.float32)])
    height, width = canvas.shape[:2]
    row = height - footer_px + at[0] * footer_px if footer_px else at[0] * height
    left = at[1] * width - length_px / 2
    if not soft:
        row, left = float(round(row)), float(round(left))
    if length_px < 3 or left < 0 or left + length_px > width - 1:
        msg = f"synthetic.scale_bar: {length_px:g} px do not fit at column {left:.0f} of {width}; change pixel_um"
        raise SettingsError(msg)
    label = label or f"{length:g} {'um' if font == 'hershey' and unit == 'um' else unit.replace('u', 'µ')}"
    letters = _letters(label, font, text_px, soft)
    cover = np.zeros((height, width), dtype=np.float32)
    bar = _draw(cover, style, row, left, length_px, line_px, tick_px, tick_tall_px, letters.shape[1], place)
    top, start = _place(place, bar, letters.shape, row)
    if top < 0 or start < 0 or top + letters.shape[0] > height or start + letters.shape[1] > width:
        msg = f"synthetic.scale_bar: the label '{label}' does not fit {place} of the bar; change at, text_px or place"
        raise SettingsError(msg)
    canvas += cover[:, :, None] * (np.array(color, dtype=np.float32) - canvas)
    window = canvas[top : top + letters.shape[0], start : start + letters.shape[1]]
    ink = np.array(color, dtype=np.float32)
    if box is not None:
        window[:] = box
        ink = np.array((0, 0, 0) if sum(box) > 380 else (255, 255, 255), dtype=np.float32)
    window += letters[:, :, None] * (ink - window)
    if footer_px and text:
        written = _letters(text, font, min(text_px, footer_px // 2), soft)
        shown = written[:, : max(0, min(start, bar[1]) - 40)]
        into = canvas[height - footer_px + 4 : height - footer_px + 4 + len(shown), 20 : 20 + shown.shape[1]]
        into += shown[:, :, None] * (np.array(color, dtype=np.float32) - into)
    half = 0.0 if style in ("solid bar", "plain line") else (tick_px - 1) / 2
    first = left - 0.5 if style in ("solid bar", "plain line") else left + half
    middle = row + (line_px - 1) / 2 if style != "ruler" else row + (tick_tall_px - 1) / 2
    top_left = min(bar[0], top), min(bar[1], start)
    bottom_right = max(bar[0] + bar[2], top + letters.shape[0]), max(bar[1] + bar[3], start + letters.shape[1])
    return BurnedBar(
        pixels=_finished(canvas, colored, noise, jpeg_quality, seed),
        pixel_um=pixel_um,
        length_um=convert(length, unit, "um"),
        length_px=length_px,
        ends=((middle, first), (middle, first + length_px)),
        label=label,
        box=(*top_left, bottom_right[0] - top_left[0], bottom_right[1] - top_left[1]),
        footer_px=footer_px,
        style=style,
    )


def _draw(
    cover: NDArray[np.float32],
    style: BarStyle,
    row: float,
    left: float,
    length: float,
    line: int,
    tick: int,
    tall: int,
    label_wide: int,
    place: Place,
) -> tuple[int, int, int, int]:
    """Cover of line and ticks; top, left, height and width of what was drawn."""
    if style in ("solid bar", "plain line"):
        _rectangle(cover, row, left, line, length)
        return int(row), int(left), line, int(np.ceil(length))
    up = row if style == "ruler" else row - (tall - line) // 2
    count = _INTERVALS if style == "ruler" else 1
    for i in range(count + 1):
        along = i * length / count
        _rectangle(cover, up, left + (along if length % 1 else round(along)), tall, tick)  # whole pixels stay whole
    if style == "line with end ticks":
        gap = label_wide + 12 if place == "inside" else 0
        half = (length + tick - gap) / 2
        _rectangle(cover, row, left, line, half)
        _rectangle(cover, row, left + length + tick - half, line, half)
    return int(up), int(left), tall, int(np.ceil(length + tick))


def _rectangle(cover: NDArray[np.float32], top: float, left: float, tall: float, wide: float) -> None:
    """Share of each pixel that a rectangle covers; ``top`` and ``left`` are centers of its first row and column."""
    rows, columns = (
        np.clip(
            np.minimum(np.arange(size) + 0.5, start - 0.5 + length) - np.maximum(np.arange(size) - 0.5, start - 0.5),
            0,
            1,
        )
        for size, start, length in ((cover.shape[0], top, tall), (cover.shape[1], left, wide))
    )
    np.maximum(cover, np.outer(rows, columns), out=cover)


def _place(place: Place, bar: tuple[int, int, int, int], text: tuple[int, ...], row: float) -> tuple[int, int]:
    """Top and left of the label."""
    top, left, tall, wide = bar
    middle = left + (wide - text[1]) // 2
    if place == "above":
        return top - 4 - text[0], middle
    if place == "below":
        return top + tall + 4, middle
    across = round(row - text[0] / 2 + 0.5)
    return (across, middle) if place == "inside" else (across, left + wide + 8)


@cache
def _font(name: str, size: int) -> Any:
    from PIL import ImageFont

    return ImageFont.truetype(str(data_folder("templates") / "fonts" / _FONTS[name]), size)


def _letters(text: str, font: Font, size: int, soft: bool) -> NDArray[np.float32]:
    """Cover of a line of text, 0 to 1, trimmed with one pixel to each side."""
    if font == "hershey":
        scale = size / 30
        thick = max(1, round(size / 14))
        (wide, tall), below = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, scale, thick)
        drawn = np.zeros((tall + below + 8, wide + 8), dtype=np.uint8)
        kind = cv2.LINE_AA if soft else cv2.LINE_8
        cv2.putText(drawn, text, (4, tall + 4), cv2.FONT_HERSHEY_SIMPLEX, scale, 255, thick, kind)
    else:
        from PIL import Image as Pictures
        from PIL import ImageDraw

        face = _font(font, size)
        left, top, right, bottom = (round(edge) for edge in face.getbbox(text))
        picture = Pictures.new("L", (right - left + 4, bottom - top + 4))
        pen = ImageDraw.Draw(picture)
        pen.fontmode = "L" if soft else "1"
        pen.text((2 - left, 2 - top), text, fill=255, font=face)
        drawn = np.array(picture)
    rows, columns = np.flatnonzero(drawn.any(axis=1)), np.flatnonzero(drawn.any(axis=0))
    trimmed = drawn[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return np.asarray(np.pad(trimmed, 1).astype(np.float32) / 255)


def _finished(canvas: NDArray[np.float32], colored: bool, noise: float, quality: int, seed: int) -> Image:
    if noise > 0:
        rng = np.random.default_rng(seed)
        canvas = canvas + noise * rng.standard_normal(canvas.shape[:2], dtype=np.float32)[:, :, None]
    picture = np.clip(np.rint(canvas if colored else canvas[:, :, 0]), 0, 255).astype(np.uint8)
    if quality:
        swapped = picture[:, :, ::-1] if colored else picture
        packed = cv2.imencode(".jpg", swapped, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        kind = cv2.IMREAD_COLOR if colored else cv2.IMREAD_GRAYSCALE
        picture = np.asarray(cv2.imdecode(packed, kind), dtype=np.uint8)
        picture = np.ascontiguousarray(picture[:, :, ::-1]) if colored else picture
    return picture
