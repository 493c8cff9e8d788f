"""Bars in a picture: straight, horizontal, one color, both ends alike. Geometry alone, no text; linear cost."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from inspect_tool.languages import Text
from inspect_tool.model import GrayImage, Samples
from inspect_tool.scale.bar.footer import to_8bit

Style: TypeAlias = Literal["line with end ticks", "ruler", "solid bar", "plain line"]
Plane: TypeAlias = NDArray[np.uint8]

_STEP = 28  # gray levels from bar to what is beside it
_VIVID = 150  # of saturation: JPEG keeps half of its pixels, and a thin line pales and loses its ends
_SHORTEST = 0.02  # of the width of the picture
_LONGEST = 0.8
_THICKEST = 0.5  # of its length
_LONGEST_TICK = 0.5  # of the bar, on one side
_UNSURE = 0.012  # of the length: more than this from the width of the ticks is no scale
_MOST_EDGES = 400  # the longest of them; a picture with more is a texture


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A thing that looks like a scale bar; positions in pixels, the origin is the center of the first pixel."""

    style: Style
    left: float  # center of the end tick, or outer edge of a bar without ticks
    right: float
    row: float  # middle of the line
    box: tuple[int, int, int, int]  # top, left, height, width of what is drawn
    u_px: float  # standard uncertainty of the length: drawn on whole pixels, found in the picture, width of the ticks
    bright: bool  # brighter than what is around it
    contrast: float  # [gray levels]
    level: int  # gray value of the bar in its plane
    plane: int  # 0 gray, 1 saturation of color
    clean: bool  # drawn, not photographed: even along the line, both ends the same
    drawn: tuple[tuple[int, int, int, int], ...]  # rectangles of line and ticks: top, left, height, width
    gap: tuple[int, int] | None = None  # first and last column of the opening for a label inside the line
    doubt: str = ""  # why its ends are not to be trusted

    @property
    def length_px(self) -> float:
        """From end to end. [px]"""
        return self.right - self.left


def planes(pixels: GrayImage, color: NDArray[np.uint8] | None) -> list[Plane]:
    """Gray values and, of a color picture, the saturation: a red bar on gray metal is no brighter than the metal."""
    found = [to_8bit(pixels)]
    if color is not None:
        red, green, blue = cv2.split(color)
        high, low = cv2.max(cv2.max(red, green), blue), cv2.min(cv2.min(red, green), blue)
        found.append(np.asarray(cv2.subtract(high, low), dtype=np.uint8))
    return found


def find_bars(pixels: GrayImage, color: NDArray[np.uint8] | None = None, footer_px: int = 0) -> list[Bar]:
    """Everything that looks like a scale bar, the most certain first.

    Parameters
    ----------
    pixels : array, (rows, columns)
        Gray values.
    color : array of uint8, (rows, columns, 3), optional
        RGB.
    footer_px : int
        Rows of an information bar at the bottom, where ruler ticks without a line are looked for. [px]
    """
    bars: list[Bar] = []
    for number, plane in enumerate(planes(pixels, color)):
        for bright in (True, False):
            bars += _lines(plane, number, bright)
            if number == 0:
                bars += _rulers(plane, bright, footer_px)
    return _distinct(bars)


# ----------------------------------------------------------------------------------------------------- lines


@dataclass(frozen=True, slots=True)
class _Stroke:
    """A rectangle of one value: the line itself, between its ticks."""

    left: int
    right: int  # exclusive
    top: int
    bottom: int  # exclusive
    value: float
    gap: tuple[int, int] | None = None


def _lines(plane: Plane, number: int, bright: bool) -> list[Bar]:
    shortest = max(12, round(_SHORTEST * plane.shape[1])) | 1  # odd: opening with an even side moves what it keeps
    # a frame of the opposite value: a bar at the very edge of the picture has edges, too
    framed = cv2.copyMakeBorder(plane, 2, 2, 0, 0, cv2.BORDER_CONSTANT, value=0 if bright else 255)
    here, above, below = framed[2:-2], framed[:-4], framed[4:]
    upper = cv2.subtract(here, above) if bright else cv2.subtract(above, here)
    lower = cv2.subtract(here, below) if bright else cv2.subtract(below, here)
    strokes = _strokes(plane, _edges(upper, shortest), _edges(lower, shortest))
    bars: list[Bar] = []
    halves: set[_Stroke] = set()
    for i, one in enumerate(strokes):
        for other in strokes[i + 1 :]:
            whole = _joined(one, other)
            bar = None if whole is None else _measured(plane, number, whole, bright)
            if bar is not None and bar.style == "line with end ticks":
                bars.append(bar)
                halves |= {one, other}
    found = [_measured(plane, number, stroke, bright) for stroke in strokes if stroke not in halves]
    return bars + [bar for bar in found if bar is not None]


def _edges(steps: Samples, shortest: int) -> NDArray[np.int32]:
    """Straight horizontal edges of at least ``shortest`` pixels: left, right, top, bottom; the longest first."""
    mask = cv2.threshold(steps, _STEP, 1, cv2.THRESH_BINARY)[1]
    # closed over single pixels that compression changed, then only what is long and straight stays
    mask = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((1, 3), np.uint8))
    mask = cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((1, shortest), np.uint8))
    # few rows have any: numbering pieces costs ten times the steps before, so it looks at those rows alone
    rows = np.flatnonzero(mask.max(axis=1))
    if len(rows) == 0:
        return np.zeros((0, 4), dtype=np.int32)
    packed = np.arange(len(rows)) + np.concatenate([[0], np.cumsum(np.diff(rows) > 1)])  # an empty row where some left
    few = np.zeros((packed[-1] + 1, mask.shape[1]), dtype=np.uint8)
    few[packed] = mask[rows]
    count, _, stats, _ = cv2.connectedComponentsWithStats(few, connectivity=8)
    left, place, wide, tall = stats[1:count, :4].T
    top = rows[np.searchsorted(packed, place)].astype(np.int32)
    edges = np.stack([left, left + wide, top, top + tall], axis=1)[tall <= 6]
    return np.asarray(edges[np.argsort(edges[:, 0] - edges[:, 1], kind="stable")][:_MOST_EDGES])


def _strokes(plane: Plane, tops: NDArray[np.int32], bottoms: NDArray[np.int32]) -> list[_Stroke]:
    """Pairs of an upper and a lower edge over the same columns, with one value between them."""
    found: list[_Stroke] = []
    for left, right, top, _ in tops.tolist():
        length = right - left
        if length > _LONGEST * plane.shape[1]:
            continue
        slack = max(6, round(0.04 * length))
        below = bottoms[
            (np.abs(bottoms[:, 0] - left) <= slack)
            & (np.abs(bottoms[:, 1] - right) <= slack)
            & (bottoms[:, 3] > top)
            & (bottoms[:, 3] - top <= max(5, _THICKEST * length))
        ]
        if len(below) == 0:
            continue
        nearest = below[np.argmin(below[:, 3])]
        bottom = int(nearest[3])
        left, right = max(left, int(nearest[0])), min(right, int(nearest[1]))
        middle = plane[top:bottom, left + 2 : right - 2]
        inset = (bottom - top) // 4
        core = middle[inset : bottom - top - inset] if bottom - top > 3 else middle
        spread = core.std(axis=1)
        # of a soft line, the row that it covers; of a thick one, what most rows say
        values = core[int(spread.argmin())] if bottom - top <= 4 else np.median(core, axis=0)
        value = float(np.median(values))
        if np.percentile(np.abs(values - value), 95) > 16 or np.median(spread) > 40:
            continue
        found.append(_Stroke(left, right, top, bottom, value))
    return found


def _joined(one: _Stroke, other: _Stroke) -> _Stroke | None:
    """The line that two strokes make which leave an opening for their label."""
    first, second = sorted((one, other), key=lambda stroke: stroke.left)
    gap = second.left - first.right
    whole = second.right - first.left
    alike = abs(first.top - second.top) <= 1 and abs(first.bottom - second.bottom) <= 1
    even = abs((first.right - first.left) - (second.right - second.left)) <= 0.1 * whole
    if not (alike and even and abs(first.value - second.value) <= 16 and 4 <= gap <= 0.7 * whole):
        return None
    top, bottom = min(first.top, second.top), max(first.bottom, second.bottom)
    return _Stroke(first.left, second.right, top, bottom, first.value, (first.right, second.left))


@dataclass(frozen=True, slots=True)
class _End:
    at: float  # center of the tick, or edge of the line
    edge: float  # outermost column of what is drawn
    above: int  # rows of tick above the line
    below: int
    half: float  # of the width of the tick
    soft: bool  # drawn or resampled with soft edges


def _measured(plane: Plane, number: int, stroke: _Stroke, bright: bool) -> Bar | None:
    """Ends of a stroke to a part of a pixel; None where it is no bar."""
    height, width = plane.shape
    tall = stroke.bottom - stroke.top
    length = stroke.right - stroke.left
    reach = round(_LONGEST_TICK * length) + 4
    margin = max(12, 3 * tall, round(0.06 * length))
    top, bottom = max(stroke.top - reach, 0), min(stroke.bottom + reach, height)
    left, right = max(stroke.left - margin, 0), min(stroke.right + margin, width)
    window = plane[top:bottom, left:right].astype(np.float32)
    inner = slice(stroke.left - left, stroke.right - left)
    beside = _beside(stroke, top, bottom)
    if not beside:
        return None
    ground = float(np.median(window[beside, inner]))
    rows = window[stroke.top - top : stroke.bottom - top]
    profile = np.median(rows[:, inner], axis=1)
    peak = float(profile.max() if bright else profile.min())
    contrast = peak - ground
    if (contrast > 0) != bright or abs(contrast) < (_STEP if number == 0 else _VIVID):
        return None
    share = (window - ground) / contrast  # 1 on the bar, 0 beside it
    drawn = np.flatnonzero((profile - ground) / contrast >= 0.5)
    first, last = int(drawn[0]) + stroke.top - top, int(drawn[-1]) + stroke.top - top
    seen = np.flatnonzero((profile - ground) / contrast >= 0.15) + stroke.top - top
    weights = np.clip((profile - ground) / contrast, 0, 1)
    row = float((weights * np.arange(len(weights))).sum() / weights.sum()) + stroke.top
    # what lies beside the line may change from end to end
    near = max(16, 4 * tall)
    sides = []
    for flip, start in ((False, stroke.left - left), (True, right - stroke.right)):
        turned = window[:, ::-1] if flip else window
        local = float(np.median([turned[at, : start + near] for at in _beside(stroke, top, bottom)]))
        if abs(peak - local) < _STEP or (peak > local) != bright:
            return None
        part = (turned[:, : start + length] - local) / (peak - local)
        border = right == width if flip else left == 0
        sides.append(_end(part, (first, last), (int(seen[0]), int(seen[-1])), start, border))
    one, other = sides
    if one is None or other is None:
        return None
    mirror = right - left - 1
    begin, stop = left + one.at, left + mirror - other.at
    ticked = [end.above + end.below > 0 for end in (one, other)]
    if ticked[0] != ticked[1]:
        return None
    doubt = ""
    tick_px = 0.0
    if ticked[0]:
        tallest = max(2.0, 0.25 * max(one.above, one.below))
        if abs(one.above - other.above) > tallest or abs(one.below - other.below) > tallest:
            return None
        if max(one.above, one.below, other.above, other.below) > _LONGEST_TICK * (stop - begin):
            return None
        if any(
            (end.above and _closed(share, inner, int(seen[0]) - end.above - 1, -1))
            or (end.below and _closed(share, inner, int(seen[-1]) + end.below + 1, 1))
            for end in (one, other)
        ):
            return None  # a frame, not a bar
        tick_px = max(1.0, 2 * max(one.half, other.half) + 1)
        if tick_px >= 3 and (tick_px - 1) / np.sqrt(3) > _UNSURE * (stop - begin):
            whole = stop - begin
            doubt = Text(
                "scale.bar_wide_ticks", tick_px=tick_px, inner_px=float(whole), outer_px=float(whole + tick_px)
            )
    style: Style = "line with end ticks" if ticked[0] else "plain line"
    thick = last - first + 1
    if style == "plain line" and thick >= max(4, 0.02 * (stop - begin)):
        style = "solid bar"
    if style != "line with end ticks" and (
        stroke.gap or thick > _THICKEST * (stop - begin) or stop - begin < max(24, 0.025 * width)
    ):
        return None  # what has no ticks must be long: dashes of a text are lines, too
    even = float(np.std(rows[(last + first) // 2 - (stroke.top - top), inner])) <= 8 if stroke.gap is None else True
    same = abs(one.above - other.above) <= 1 and abs(one.below - other.below) <= 1
    # drawn on whole pixels: rectangular, half a pixel to each side; the fit adds what soft edges hide; where in its
    # ticks a bar ends depends on the program that drew it: between their inner and their outer sides, at both ends
    # (JPEG keeps the colors of every second pixel)
    fit = 0.05 if not (one.soft or other.soft) else 0.2 if number == 0 else 0.5
    return Bar(
        style=style,
        left=begin,
        right=stop,
        row=row,
        box=_box(
            top + first - max(one.above, other.above),
            left + one.edge,
            top + last + 1 + max(one.below, other.below),
            left + mirror - other.edge + 1,
            plane.shape,
        ),
        u_px=float(np.sqrt(2 * (0.25 / 3 + fit**2) + tick_px**2 / 3)),
        bright=bright,
        contrast=abs(contrast),
        level=round(peak),
        plane=number,
        clean=style == "line with end ticks" and even and same and abs(contrast) >= 2 * _STEP and stop - begin >= 24,
        drawn=(
            _box(top + first - 1, begin - 1, top + last + 2, stop + 2, plane.shape),
            *(
                _box(
                    top + first - end.above - 1,
                    at - end.half - 1,
                    top + last + end.below + 2,
                    at + end.half + 2,
                    plane.shape,
                )
                for at, end in ((begin, one), (stop, other))
            ),
        ),
        gap=stroke.gap,
        doubt=doubt,
    )


def _beside(stroke: _Stroke, top: int, bottom: int) -> list[int]:
    """Rows next to a stroke, above and below, counted from ``top``."""
    rows = (stroke.top - 3, stroke.top - 2, stroke.bottom + 1, stroke.bottom + 2)
    return [row - top for row in rows if top <= row < bottom]


def _end(share: Samples, core: tuple[int, int], rows: tuple[int, int], start: int, at_border: bool) -> _End | None:
    """Left end of a line (of its mirror image: the right one); ``start`` is a column that surely belongs to it.

    ``core`` are the rows that the line covers by half or more, ``rows`` those that it touches.
    """
    line = share[core[0] : core[1] + 1].mean(axis=0)
    line = line / max(float(np.median(line[start:])), 0.5)
    first, last = rows
    thick = last - first + 1
    outside = np.flatnonzero(line[: start + 3] < 0.5)
    column = int(outside[-1]) + 1 if len(outside) else 0
    if column > start + 2 or (column == 0 and not at_border):
        return None  # the line goes on where its contrast ends
    # what comes next must not go on as the bar does: a bar ends, a scratch fades
    clear = line[max(column - max(5, thick), 0) : max(column - 2, 0)]
    if clear.size and clear.max() > 0.5:
        return None
    # up to its end a drawn bar has its full value, over its full height; where it runs into a bright grain it has not
    full = np.flatnonzero(np.abs(line[column : start + 4] - 1) <= 0.25)
    if len(full) == 0 or full[0] > 2:
        return None
    if core[1] - core[0] >= 2 and column:
        starts = [np.flatnonzero(row[: start + 3] < 0.5) for row in share[core[0] + 1 : core[1]]]
        if np.ptp([int(found[-1]) if len(found) else -1 for found in starts]) > 1:
            return None
    below, at = (float(line[column - 1]), float(line[column])) if column else (0.0, 1.0)
    edge = column - (at - 0.5) / max(at - below, 0.25) if column else -0.5
    reach = max(3, round(1.5 * thick) + 2)
    near = slice(max(column - 2, 0), column + reach + 1)  # a tick begins where the line ends
    tick_rows = {sign: _tick(share[:, near], first if sign < 0 else last, sign) for sign in (-1, 1)}
    above, below_rows = len(tick_rows[-1]), len(tick_rows[1])
    if above + below_rows < 2:
        return _End(edge, edge, 0, 0, 0.0, 0.08 < below < 0.4 or at < 0.92)
    flat = np.array([_center(share[row, near]) for found in tick_rows.values() for row in found])
    middle = float(np.median(flat))
    if float(np.abs(flat - middle).max()) > max(0.8, 0.2 * thick):
        return None  # ends of a ridge or a scratch; a tick is straight
    profile = np.mean([share[row, near] for found in tick_rows.values() for row in found], axis=0)
    center = _center(profile)
    wide = np.flatnonzero(profile >= 0.5 * profile.max())
    soft = bool(((profile > 0.1) & (profile < 0.9)).any())
    outer = near.start + min(center - (wide[-1] - wide[0]) / 2, float(wide[0]))
    return _End(near.start + center, outer, above, below_rows, (wide[-1] - wide[0]) / 2, soft)


def _closed(share: Samples, inner: slice, row: int, sign: int) -> bool:
    """Whether a line runs from tick to tick where they end, and no further."""
    rows = [at for at in (row, row + sign, row + 2 * sign) if 0 <= at < len(share)]
    outside = np.concatenate([np.arange(inner.start - 5), np.arange(inner.stop + 5, share.shape[1])])
    return any(
        float(share[at, inner].mean()) > 0.6 and not (len(outside) and float(share[at, outside].mean()) > 0.5)
        for at in rows
    )


def _tick(share: Samples, edge: int, sign: int) -> list[int]:
    """Rows of a vertical tick, outward from the edge of the line."""
    rows: list[int] = []
    row = edge + sign
    last = None
    while 0 <= row < len(share):
        values = share[row]
        high = int(values.argmax())
        stands = float(values[high]) >= 0.25 and float(values[high]) - float(np.median(values)) >= 0.2
        if not stands or (last is not None and abs(high - last) > 2):
            break
        last = high
        rows.append(row)
        row += sign
    return rows


def _center(values: Samples) -> float:
    """Center of the tick in a row of shares: weighted, over what stands out of the background."""
    rest = values - np.median(values)
    high = int(rest.argmax())
    low, top = high, high
    while low > 0 and rest[low - 1] > 0.1 * rest[high]:
        low -= 1
    while top + 1 < len(rest) and rest[top + 1] > 0.1 * rest[high]:
        top += 1
    weights = np.clip(rest[low : top + 1], 0, None)
    return float((weights * np.arange(low, top + 1)).sum() / weights.sum())


def _box(top: float, left: float, bottom: float, right: float, shape: Sequence[int]) -> tuple[int, int, int, int]:
    """Whole pixels (top, left, height, width) that hold what lies between, inside the picture."""
    t, x = max(int(np.floor(top)), 0), max(int(np.floor(left)), 0)
    return t, x, min(int(np.ceil(bottom)), shape[0]) - t, min(int(np.ceil(right)), shape[1]) - x


# ----------------------------------------------------------------------------------------------------- rulers


def _rulers(plane: Plane, bright: bool, footer_px: int) -> list[Bar]:
    """Rows of equal ticks without a line, in an information bar: their first and last are the ends."""
    if footer_px == 0:
        return []
    first = plane.shape[0] - footer_px
    band = plane[first:]
    ground = int(np.bincount(band.ravel(), minlength=256).argmax())
    away = cv2.subtract(band, ground) if bright else cv2.subtract(ground, band)  # type: ignore[call-overload]
    ink = (away > 2 * _STEP).astype(np.uint8)
    count, _, stats, _ = cv2.connectedComponentsWithStats(ink)
    found = []
    ticks = [
        (int(left), int(top), int(wide), int(tall))
        for left, top, wide, tall, area in stats[1:count]
        if tall >= 3 and 1.5 * wide <= tall and area >= 0.6 * wide * tall
    ]
    for top in sorted({tick[1] for tick in ticks}):
        # the first, middle and last tick may be taller
        row = sorted(tick for tick in ticks if tick[1] == top)
        for tops in (row, sorted(tick for tick in ticks if tick[1] + tick[3] == top)):
            bar = _ruler(tops, band, first, bright, ground, away)
            if bar is not None:
                found.append(bar)
    return found


def _ruler(
    ticks: list[tuple[int, int, int, int]], band: Plane, first: int, bright: bool, ground: int, away: Plane
) -> Bar | None:
    if len(ticks) < 5:
        return None
    centers = np.array([_tick_center(away, tick) for tick in ticks])
    steps = np.diff(centers)
    if steps.max() - steps.min() > 1.5 or steps.min() < 4 or np.ptp([wide for _, _, wide, _ in ticks]) > 2:
        return None
    top = min(tick[1] for tick in ticks)
    bottom = max(tick[1] + tick[3] for tick in ticks)
    left, right = ticks[0][0], ticks[-1][0] + ticks[-1][2]
    values = [band[t : t + h, x : x + w] for x, t, w, h in ticks]
    level = float(np.median(np.concatenate([v.ravel() for v in values])))
    return Bar(
        style="ruler",
        left=float(centers[0]),
        right=float(centers[-1]),
        row=first + (top + bottom - 1) / 2,
        box=(first + top, left, bottom - top, right - left),
        u_px=float(np.sqrt(2 * (0.25 / 3 + 0.05**2))),
        bright=bright,
        contrast=abs(level - ground),
        level=round(level),
        plane=0,
        clean=True,
        drawn=((first + top - 1, max(left - 1, 0), bottom - top + 2, right - left + 2),),
        doubt="" if len(ticks) in (5, 6, 11, 21) else Text("scale.bar_ruler_lacks", ticks=len(ticks)),
    )


def _tick_center(away: Plane, tick: tuple[int, int, int, int]) -> float:
    """Column of the middle of a tick, weighted by how far each pixel is from the background."""
    left, top, wide, tall = tick
    start = max(left - 1, 0)
    weights = away[top : top + tall, start : left + wide + 1].sum(axis=0, dtype=float)
    weights[weights < 0.1 * weights.max()] = 0
    return float((weights * np.arange(start, start + len(weights))).sum() / weights.sum())


def _distinct(bars: Sequence[Bar]) -> list[Bar]:
    """One of each: both planes of a color picture see the same bar, the gray one more sharply."""
    order = {"ruler": 0, "line with end ticks": 1, "solid bar": 2, "plain line": 3}
    kept: list[Bar] = []
    for bar in sorted(bars, key=lambda bar: (order[bar.style], bar.plane, -bar.contrast)):
        if not any(
            abs(bar.left - other.left) <= 6 and abs(bar.right - other.right) <= 6 and abs(bar.row - other.row) <= 4
            for other in kept
        ):
            kept.append(bar)
    return kept
