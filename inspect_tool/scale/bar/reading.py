"""From a picture to what its scale bar says, or to the reason why it says nothing."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import hypot, isclose
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from inspect_tool.errors import SettingsError
from inspect_tool.languages import Text, Words, joined
from inspect_tool.model import GrayImage
from inspect_tool.scale.bar import label as labels
from inspect_tool.scale.bar.finding import Bar, Style, find_bars
from inspect_tool.scale.bar.footer import find_footer, to_8bit

Point: TypeAlias = tuple[float, float]  # row, column
Box: TypeAlias = tuple[int, int, int, int]  # top, left, height, width

_FINEST_UM, _COARSEST_UM = 1e-5, 1e4  # as for a scale that a job states
_MOST_BARS = 6
_SPACE = 0.36  # between words, of the height of the box around them
_BY_HAND = Text("scale.bar_by_hand", command="inspect-tool calibrate IMAGE --line x1,y1,x2,y2 --length 10um")
_AND = " " + Text("words.and") + " "


@dataclass(frozen=True, slots=True, kw_only=True)
class BarReading:
    """What the scale bar of a picture says; positions are (row, column), the origin the center of the first pixel."""

    status: Literal["read", "none", "refused"]
    pixel_um: float | None = None  # [um/px]
    u_rel: float = 0.0  # relative standard uncertainty of it [1]
    length_px: float | None = None  # between the ends
    label: str = ""  # as read
    length_um: float | None = None  # that the label states
    ends: tuple[Point, Point] | None = None  # left and right: centers of the ticks, or outer edges of a bar
    box: Box | None = None  # bar and label together [px]
    footer_px: int = 0  # rows of an information bar at the bottom
    style: Style | Literal["by hand", ""] = ""
    note: str = ""  # what was seen, and what to do


def read_bar(pixels: GrayImage, color: NDArray[np.uint8] | None = None) -> BarReading:
    """Find the scale bar of a picture, read its label, and give the size of a pixel; with any doubt, refuse.

    Parameters
    ----------
    pixels : array, (rows, columns)
        Gray values.
    color : array of uint8, (rows, columns, 3), optional
        RGB of a color picture: a colored bar may be no brighter than the specimen.

    Returns
    -------
    BarReading
        ``read``: a bar with a label that several readings agree on. ``none``: nothing looks like a bar. ``refused``:
        something does; the note says what was seen and what to do.

    Notes
    -----
    Ends are centers of the end ticks, or the outer edges of a bar that has none. A program draws them on whole
    pixels, so each end is uncertain by half a pixel to either side (rectangular, u = 0.29 px); soft edges add 0.2
    px (in color alone 0.5 px); of ticks of w pixels nobody says whether centers or outer sides are meant (makers
    differ), which adds a rectangular distribution of half width w to the length. The ticks of a ruler count from
    center to center.
    """
    footer_px = find_footer(pixels, color)
    bars = find_bars(pixels, color, footer_px)
    if not bars:
        return BarReading(status="none", footer_px=footer_px, note=Text("scale.bar_none"))
    if not labels.installed():
        return _without_reader(bars, footer_px)
    # those that can only be bars come first; of lines and rectangles that may be anything, only a few are looked at
    bars = sorted(bars, key=lambda bar: (not bar.clean, bar.doubt != "", bar.style == "plain line", -bar.contrast))
    picture = _picture(pixels, color)
    seen = [_labeled(bar, picture) for bar in bars[:_MOST_BARS]]
    return _decided(_owners(seen), footer_px)


def by_hand(line: tuple[float, float, float, float], length_um: float) -> BarReading:
    """Size of a pixel from two points that a person has picked, each to half a pixel.

    Parameters
    ----------
    line : (x1, y1, x2, y2)
        Column and row of both ends. [px]
    length_um : float
        Distance of the two. [um]

    Raises
    ------
    SettingsError
        The ends are one point or not finite, the length is not positive, or the pixel is finer than 0.01 nm or
        coarser than 10 mm.

    Examples
    --------
    >>> by_hand((10, 5, 110, 5), 200.0).pixel_um
    2.0
    """
    x1, y1, x2, y2 = line
    length_px = hypot(x2 - x1, y2 - y1)
    if not (np.isfinite(length_px) and length_px >= 1):
        msg = f"--line {x1:g},{y1:g},{x2:g},{y2:g}: its ends lie {length_px:g} px apart; give both ends of the bar"
        raise SettingsError(msg)
    pixel_um = length_um / length_px
    if not (length_um > 0 and _FINEST_UM <= pixel_um <= _COARSEST_UM):
        msg = f"--length: {length_um:g} um over {length_px:g} px is {pixel_um:g} um per pixel; no microscope has that"
        raise SettingsError(msg)
    top, left = int(np.floor(min(y1, y2))), int(np.floor(min(x1, x2)))
    return BarReading(
        status="read",
        pixel_um=pixel_um,
        u_rel=float(np.sqrt(2)) * _HALF_PIXEL / length_px,
        length_px=length_px,
        length_um=length_um,
        ends=((y1, x1), (y2, x2)),
        box=(top, left, int(np.ceil(max(y1, y2))) - top + 1, int(np.ceil(max(x1, x2))) - left + 1),
        style="by hand",
        note=Text("scale.bar_two_points"),
    )


_HALF_PIXEL = 0.5 / float(np.sqrt(3))


# -------------------------------------------------------------------------------------------------------- labels


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """A bar and what its label was read as."""

    bar: Bar
    length: labels.Length | None = None
    text: str = ""
    box: Box | None = None  # of the label
    distance: float = 0.0  # from bar to label, in heights of the text
    doubt: str = ""  # a label was seen, but not understood


def _picture(pixels: GrayImage, color: NDArray[np.uint8] | None) -> labels.Picture:
    if color is not None:
        return color
    return np.repeat(to_8bit(pixels)[:, :, None], 3, axis=2)


def _labeled(bar: Bar, picture: labels.Picture) -> _Seen:
    """Read what is written beside a bar."""
    top, left, window = _window(bar, picture)
    ink = _ink(bar, picture, window)
    found, doubts = _labels(bar, picture, window, ink, (top, left), labels.find_texts(window))
    if not found and not doubts and bar.clean:
        # over a busy specimen letters are lost in it; of the color of the bar there is little else
        alone = np.repeat((255 * ink[:, :, None]).astype(np.uint8), 3, axis=2)
        found, doubts = _labels(bar, picture, window, ink, (top, left), labels.find_texts(alone))
    if not found:
        return _Seen(bar=bar, doubt=next(iter(doubts), ""))
    found.sort(key=lambda seen: seen.distance)
    others = {seen.length for seen in found[1:]} - {found[0].length}
    if others or doubts:
        beside = Text("scale.bar_beside", texts=joined(_AND, [f"'{seen.text}'" for seen in found]))
        return _Seen(bar=bar, doubt=joined("; ", dict.fromkeys([beside, *doubts])))
    return found[0]


def _labels(
    bar: Bar,
    picture: labels.Picture,
    window: labels.Picture,
    ink: NDArray[np.float32],
    origin: tuple[int, int],
    boxes: Sequence[Box],
) -> tuple[list[_Seen], list[str]]:
    """Labels among the texts of a window, and why others that may be labels are not taken."""
    found: list[_Seen] = []
    doubts: list[str] = []
    whole = [_extended(ink, box) for box in _lines_of_text(boxes)]
    for box in dict.fromkeys(part for line in whole for part in _parts(ink, line)):
        place = (box[0] + origin[0], box[1] + origin[1], box[2], box[3])
        distance = _distance(bar, place)
        if distance is None:
            continue
        own = ink if _is_written_in(ink, box) else None
        texts = labels.read_text(window, box, own)
        length, doubt = labels.agreed(texts)
        if length is None:
            if doubt or _may_be_length(texts):
                doubts.append(doubt or Text("scale.bar_label_reads", label=max(texts, key=len)))
            continue
        text = next(text for text in texts if labels.parse(text) == length)
        points, stated = labels.count_points(window, box, text, own), int("." in text or "," in text)
        if bar.gap is None and _is_cut(box, window, place, picture):
            doubts.append(Text("scale.bar_may_go_on", label=text))
        elif own is None and bar.style in ("solid bar", "plain line"):
            doubts.append(Text("scale.bar_not_of_its_color", label=text))
        # a point that was lost is a factor of ten; one that was read every time may have run into a letter
        elif points is not None and points > stated:
            doubts.append(Text("scale.bar_decimal_point", label=text))
        else:
            found.append(_Seen(bar=bar, length=length, text=text, box=place, distance=distance))
    return found, doubts


def _window(bar: Bar, picture: labels.Picture) -> tuple[int, int, labels.Picture]:
    """Part of the picture that can hold the label, with the bar itself painted over: a tick is no letter."""
    height, width = picture.shape[:2]
    top, left, tall, wide = bar.box
    if bar.gap is not None:
        start, stop = bar.gap
        rows = slice(max(top - tall // 2, 0), min(top + tall + tall // 2, height))
        return rows.start, start, np.ascontiguousarray(picture[rows, start:stop])
    more = max(48, round(0.35 * wide), 3 * tall)
    aside = max(220, round(0.5 * wide))
    rows = slice(max(top - more, 0), min(top + tall + more, height))
    columns = slice(max(left - aside, 0), min(left + wide + aside, width))
    window = picture[rows, columns].copy()
    ground = np.median(picture[max(top - 3, 0) : top + tall + 3, columns], axis=(0, 1))
    for t, x, h, w in bar.drawn:
        window[max(t - rows.start, 0) : t + h - rows.start, max(x - columns.start, 0) : x + w - columns.start] = ground
    return rows.start, columns.start, window


def _lines_of_text(boxes: Sequence[Box]) -> list[Box]:
    """Words that stand on one line with no more than a space between them, as one box."""
    lines: list[Box] = []
    for box in sorted(boxes, key=lambda box: box[1]):
        for i, (top, left, tall, wide) in enumerate(lines):
            overlap = min(top + tall, box[0] + box[2]) - max(top, box[0])
            space = box[1] - (left + wide)
            if overlap >= 0.5 * min(tall, box[2]) and space <= _SPACE * min(tall, box[2]):
                t, x = min(top, box[0]), min(left, box[1])
                lines[i] = (t, x, max(top + tall, box[0] + box[2]) - t, max(left + wide, box[1] + box[3]) - x)
                break
        else:
            lines.append(box)
    return lines


def _distance(bar: Bar, box: Box) -> float | None:
    """How far a text stands from a bar, in heights of the text; None where it cannot be the label of it."""
    top, left, tall, wide = box
    middle = left + wide / 2
    b_top, b_left, b_tall, b_wide = bar.box
    if bar.gap is not None:
        return 0.0 if bar.gap[0] - 2 <= middle <= bar.gap[1] + 2 else None
    within = bar.left - 0.5 * tall <= middle <= bar.right + 0.5 * tall
    around = left <= (bar.left + bar.right) / 2 <= left + wide
    if within or around:
        # beside the ticks or between them, but not across the line
        gap = b_top - (top + tall) if top + tall / 2 <= bar.row else top - (b_top + b_tall)
        return max(gap / tall, 0.0) if gap <= 2.0 * tall else None
    level = abs(top + tall / 2 - bar.row) <= max(0.8 * tall, b_tall / 2)
    if level and middle > bar.right:
        gap = left - (b_left + b_wide)
        return max(gap / tall, 0.0) if gap <= 2.0 * tall else None
    return None


def _ink(bar: Bar, picture: labels.Picture, window: labels.Picture) -> NDArray[np.float32]:
    """How near every pixel is to the color of the bar: 1 the same, 0 far from it."""
    columns = slice(max(round(bar.left) + 2, 0), round(bar.right) - 1)
    line = picture[round(bar.row), columns] if bar.style != "ruler" else np.full((1, 3), bar.level)
    if bar.gap is not None:
        line = picture[round(bar.row), round(bar.left) + 2 : bar.gap[0] - 2]
    away = np.abs(window.astype(np.float32) - np.median(line, axis=0).astype(np.float32)).max(axis=2)
    return np.asarray(np.clip(1.5 - away / 60, 0, 1), dtype=np.float32)


def _extended(ink: NDArray[np.float32], box: Box) -> Box:
    """A box that holds the letters of the same color next to it: a figure that was left out is a factor of ten."""
    top, left, tall, wide = box
    if not _is_written_in(ink, box):
        return box
    inset = round(0.15 * tall)  # a frame or a rule above the text is no letter
    columns = np.flatnonzero((ink[top + inset : top + tall - inset] > 0.5).sum(axis=0) >= max(2, 0.08 * tall))
    space = max(3, round(_SPACE * tall))
    start, stop = left, left + wide
    for column in columns[columns < left + wide // 2][::-1].tolist():
        if start - column > space or left - column > 6 * tall:
            break
        start = min(start, column)
    for column in columns[columns > left + wide // 2].tolist():
        if column - stop > space or column - left - wide > 6 * tall:
            break
        stop = max(stop, column + 1)
    return top, start, tall, stop - start


def _parts(ink: NDArray[np.float32], box: Box) -> list[Box]:
    """Texts on one line with more than a space between them: an information bar says more than the length."""
    top, left, tall, wide = box
    if not _is_written_in(ink, box):
        return [box]
    columns = np.flatnonzero((ink[top : top + tall, left : left + wide] > 0.5).any(axis=0))
    wider = np.flatnonzero(np.diff(columns) > 2.1 * _SPACE * tall)
    starts = [left, *(left + columns[wider + 1] - 1).tolist()]
    stops = [*(left + columns[wider] + 2).tolist(), left + wide]
    return [(top, start, tall, stop - start) for start, stop in zip(starts, stops, strict=True)]


def _is_written_in(ink: NDArray[np.float32], box: Box) -> bool:
    """Whether a text has the color of the bar, and what lies around it has not."""
    top, left, tall, wide = box
    letters = ink[top : top + tall, left : left + wide]
    around = np.concatenate([letters[0], letters[-1], letters[:, 0], letters[:, -1]])
    return bool(0.03 <= (letters > 0.5).mean() <= 0.6 and np.median(around) < 0.5)


def _is_cut(box: Box, window: labels.Picture, place: Box, picture: labels.Picture) -> bool:
    """Whether a text reaches the end of the part of the picture that was read, and may go on behind it."""
    left, right = box[1] <= 2, box[1] + box[3] >= window.shape[1] - 2
    return (left and place[1] > 4) or (right and place[1] + place[3] < picture.shape[1] - 4)


def _may_be_length(texts: Sequence[str]) -> bool:
    return sum(re.fullmatch(r"\W*\d[\d.,]* ?[a-zA-Zµμ'.]{1,14}\W*", text) is not None for text in texts) >= 2


def _owners(seen: Sequence[_Seen]) -> list[_Seen]:
    """One bar per label: a label belongs to the nearest of the bars beside it."""
    kept: list[_Seen] = []
    for one in sorted(seen, key=lambda item: (item.length is None, item.distance, item.bar.doubt != "")):
        taken = one.box is not None and any(other.box is not None and _overlap(one.box, other.box) for other in kept)
        # a frame or a rule around a label that has its bar is not another bar
        near = one.box is None and any(
            other.box is not None and _overlap(other.box, _grown(one.bar.box)) for other in kept
        )
        if not taken and not near:
            kept.append(one)
    return kept


def _grown(box: Box) -> Box:
    top, left, tall, wide = box
    more = max(tall, wide // 4)
    return top - more, left - more, tall + 2 * more, wide + 2 * more


def _overlap(one: Box, other: Box) -> bool:
    return (
        one[0] < other[0] + other[2]
        and other[0] < one[0] + one[2]
        and one[1] < other[1] + other[3]
        and other[1] < one[1] + one[3]
    )


# ------------------------------------------------------------------------------------------------------ decision


def _decided(seen: Sequence[_Seen], footer_px: int) -> BarReading:
    readings = [_reading(item, footer_px) for item in seen]
    read = [reading for reading in readings if reading.status == "read"]
    refused = [reading for reading in readings if reading.status == "refused"]
    if refused:
        return refused[0]
    if not read:
        return BarReading(status="none", footer_px=footer_px, note=Text("scale.bar_none_labeled"))
    best = min(read, key=lambda reading: reading.u_rel)
    for other in read:
        assert best.pixel_um is not None
        assert other.pixel_um is not None
        if not isclose(best.pixel_um, other.pixel_um, rel_tol=3 * hypot(best.u_rel, other.u_rel) + 0.005):
            note = Text("scale.bars_disagree", one=_told(best), other=_told(other))
            return BarReading(status="refused", footer_px=footer_px, box=best.box, style=best.style, note=note)
    return best


def _reading(seen: _Seen, footer_px: int) -> BarReading:
    bar = seen.bar
    ends = ((bar.row, bar.left), (bar.row, bar.right))
    where = _where(bar)
    doubt = ""
    if seen.length is not None:
        pixel_um = seen.length.um / bar.length_px
        if bar.doubt:
            doubt = Text("scale.bar_doubt_of_label", doubt=bar.doubt, label=seen.text)
        elif not _FINEST_UM <= pixel_um <= _COARSEST_UM:
            doubt = Text("scale.bar_no_microscope", label=seen.text, pixel_um=pixel_um)
    elif seen.doubt:
        doubt = seen.doubt
    elif bar.clean:
        doubt = Text("scale.bar_no_label")
    else:
        return BarReading(status="none", footer_px=footer_px)
    box = bar.box if seen.box is None else _union(bar.box, seen.box)
    if doubt or seen.length is None:
        return BarReading(
            status="refused",
            length_px=bar.length_px,
            label=seen.text,
            ends=ends,
            box=box,
            footer_px=footer_px,
            style=bar.style,
            note=Text("scale.bar_refused", where=where, doubt=doubt, by_hand=_BY_HAND),
        )
    return BarReading(
        status="read",
        pixel_um=seen.length.um / bar.length_px,
        u_rel=bar.u_px / bar.length_px,
        length_px=bar.length_px,
        label=seen.text,
        length_um=seen.length.um,
        ends=ends,
        box=box,
        footer_px=footer_px,
        style=bar.style,
        note=Text("scale.bar_read", where=where, label=seen.text),
    )


def _without_reader(bars: Sequence[Bar], footer_px: int) -> BarReading:
    clean = [bar for bar in bars if bar.clean]
    if not clean:
        note = Text("scale.bar_lines_seen", extra=labels.EXTRA)
        return BarReading(status="none", footer_px=footer_px, note=note)
    bar = clean[0]
    return BarReading(
        status="refused",
        length_px=bar.length_px,
        ends=((bar.row, bar.left), (bar.row, bar.right)),
        box=bar.box,
        footer_px=footer_px,
        style=bar.style,
        note=Text("scale.bar_not_read", where=_where(bar), extra=labels.EXTRA, by_hand=_BY_HAND),
    )


def _where(bar: Bar) -> Words:
    style = Text(f"scale.bar_style_{bar.style.replace(' ', '_')}")
    return Text("scale.bar_where", style=style, length_px=bar.length_px, left=bar.left, row=bar.row, right=bar.right)


def _told(reading: BarReading) -> Words:
    return Text("scale.bar_told", label=reading.label, length_px=reading.length_px, pixel_um=reading.pixel_um)


def _union(one: Box, other: Box) -> Box:
    top, left = min(one[0], other[0]), min(one[1], other[1])
    bottom, right = max(one[0] + one[2], other[0] + other[2]), max(one[1] + one[3], other[1] + other[3])
    return top, left, bottom - top, right - left
