"""Pictures of a report: a readable field, and what was measured on it.

Everything drawn must survive a black-and-white print: lines have a dark casing and a bright core,
classes differ by hatching, marks by shape. Colors are those of Okabe and Ito (2008), which people with
color-deficient sight can tell apart. The same input gives the same bytes.
"""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from math import floor, log10
from pathlib import Path
from typing import Any, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from inspect_tool.model import LabelImage, Layer, Mark, Micrograph, Notable, Segmentation
from inspect_tool.paths import data_folder
from inspect_tool.pixels.png import RUNS
from inspect_tool.report.text import NBSP

Rgb: TypeAlias = NDArray[np.uint8]  # (rows, columns, 3)
Shape: TypeAlias = tuple[int, int]  # rows, columns

PICTURE_PX = 1600  # longest side of a field picture
PICTURE_BYTES = 420_000  # ten fields and their layers stay below 10 MB as base64
SMALL_PX = 800  # pictures of smaller images are enlarged to this, so that marks can be read
THUMBNAIL_PX = 280
PLACE_PX, PLACE_GAP_PX = 480, 12  # of a place before and after an edit, side by side
PLACE_LEAST_PX = 64  # of the field that is shown around an edit, at least
_BRIGHT = 400  # sum of red, green and blue from which a color stands out on dark objects

BOUNDARY = (255, 196, 37)  # bright: stands out on gray and prints nearly white, within a dark casing
# bright and dark take turns, so that tinted classes differ in gray as well
CLASS_COLORS = (BOUNDARY, (0, 114, 178), (240, 160, 200), (0, 130, 95), (160, 220, 255), (190, 70, 0), (240, 228, 66))
MARK_COLORS: Mapping[str, tuple[int, int, int]] = {
    "figure": (255, 255, 255),
    "hit": (255, 110, 60),
    "half hit": (110, 225, 255),
    "double hit": (255, 150, 225),
    "miss": (255, 255, 255),
    "object": (110, 235, 170),
    "warning": (250, 235, 80),
}
FONTS = data_folder("templates") / "fonts"  # of pictures and pages: the same on every machine


@dataclass(frozen=True, slots=True, kw_only=True)
class Stroke:
    """How outlines of a segmentation are drawn: so that they and the picture below them can be judged."""

    of_side: int  # the longest side of the picture is so many widths of a line
    least_px: int
    casing: int  # opacity of the dark line on both sides [of 255]
    tint: int  # opacity of the color of a class [of 255]
    light: int  # outlines of dark colors are mixed with so much white [of 255]: they stand out on dark objects


THIN = Stroke(of_side=800, least_px=1, casing=105, tint=55, light=110)
"""A tenth of a millimeter on paper: an etched boundary is wider and is seen on both sides of its outline."""
STROKES = (THIN, Stroke(of_side=450, least_px=2, casing=150, tint=80, light=0))
"""What reports are drawn with, and what earlier versions drew with, by which their pictures verify."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldFiles:
    """Pictures of one field, written; names are relative to the report folder."""

    picture: str
    scale: float  # picture pixels per image pixel
    overlay: str
    layers: tuple[Layer, ...]


def write_field(
    folder: Path, stem: str, micrograph: Micrograph, segmentation: Segmentation, marks: Sequence[Mark] = ()
) -> FieldFiles:
    """Write every picture of one field below a report folder: ``pictures/`` and ``overlays/``.

    Parameters
    ----------
    folder : Path
        The report folder.
    stem : str
        File name without suffix, unique in the job, e.g. ``"1_field_03"``.

    Returns
    -------
    FieldFiles
        What ``MicrographRecord`` needs: picture, picture_scale, overlay, layers.
    """
    for name in ("pictures", "overlays"):
        (folder / name).mkdir(exist_ok=True)
    picture, scale = field_picture(micrograph)
    size = picture_size(micrograph.pixels.shape, scale)
    drawn = {"segmentation": segmentation_layer(segmentation, size), **mark_layers(marks, scale, size)}
    files = FieldFiles(
        picture=f"pictures/{stem}.jpg",
        scale=scale,
        overlay=f"overlays/{stem}.jpg",
        layers=tuple(Layer(name=name, file=f"overlays/{stem}.{_slug(name)}.png") for name in drawn),
    )
    (folder / files.picture).write_bytes(picture)
    for layer, data in zip(files.layers, drawn.values(), strict=True):
        (folder / layer.file).write_bytes(data)
    labels = label_layers(marks)
    burned = tuple(data for name, data in drawn.items() if name not in labels)
    (folder / files.overlay).write_bytes(composite(picture, burned))
    return files


def label_layers(marks: Sequence[Mark]) -> set[str]:
    """Layers that an overlay on paper leaves out: labels alone would hide the structure."""
    return {mark.layer for mark in marks} - {mark.layer for mark in marks if mark.kind != "text"}


def picture_size(shape: tuple[int, ...], scale: float) -> Shape:
    """Rows and columns of the picture of an image of ``shape`` pixels.

    >>> picture_size((1000, 2000), 0.8)
    (800, 1600)
    """
    return max(1, round(shape[0] * scale)), max(1, round(shape[1] * scale))


# ------------------------------------------------------------------------------------------------- fields


def field_picture(micrograph: Micrograph, max_px: int = PICTURE_PX) -> tuple[bytes, float]:
    """Draw a field for the reader: 8 bit, at most ``max_px`` on its longest side, a scale bar below it.

    The bar stands on a white strip under the image, so that it is legible on any ground and hides nothing
    that was measured; without a scale there is no strip. Rows and columns of the image keep their place:
    layers of ``picture_size`` lie on the picture from its top left corner.

    The gray values of an 8-bit image stay as they are unless all of them lie within a third of the range;
    other images are stretched between their 0.1 % and 99.9 % quantiles. Only the picture is stretched,
    never what is measured.

    Returns
    -------
    jpeg : bytes
    scale : float
        Picture pixels per image pixel. [1]
    """
    rgb = full_size(micrograph)
    longest = max(rgb.shape[:2])
    scale = max_px / longest if longest > max_px else max(1.0, min(SMALL_PX, max_px) / longest)
    while True:
        drawn = _resized(rgb, picture_size(rgb.shape[:2], scale))
        jpeg = _jpeg(_with_scale_bar(drawn, micrograph.calibration.pixel_um, scale), PICTURE_BYTES)
        if len(jpeg) <= PICTURE_BYTES or max(drawn.shape[:2]) < SMALL_PX:
            return jpeg, scale
        scale *= 0.8  # nothing but noise: fewer pixels


def bare_picture(micrograph: Micrograph, max_px: int, most_bytes: int = PICTURE_BYTES) -> bytes:
    """Draw a field as ``field_picture`` does, with nothing added: no bar that might be taken for one of the image."""
    return _jpeg(shrunk(full_size(micrograph), max_px), most_bytes)


def segmentation_layer(segmentation: Segmentation, size: Shape, stroke: Stroke = THIN) -> bytes:
    """Draw a segmentation as a transparent picture: outlines, and translucent hatched classes.

    Parameters
    ----------
    segmentation : Segmentation
        Instance: outlines only. Semantic: classes above 0 are tinted and outlined, and from the second
        class on hatched, so that they differ without color; objects that touch are parted by a line.
    size : (rows, columns)
        Size of the picture. [px]
    stroke : Stroke
        How outlines are drawn.

    Returns
    -------
    bytes
        PNG with a palette.
    """
    labels = _resized_labels(segmentation.labels, size)
    inner = _boundaries(labels)
    if segmentation.objects is not None:
        inner |= _boundaries(_resized_labels(segmentation.objects, size), between_objects=True)
    width = max(stroke.least_px, round(max(size) / stroke.of_side))
    fine = np.count_nonzero(inner) > 0.12 * inner.size  # a wide line would hide it
    core = cv2.dilate(inner, np.ones((width, width), np.uint8)) if width > 1 and not fine else inner
    casing = core if fine else cv2.dilate(core, np.ones((3, 3), np.uint8))

    palette: list[tuple[int, int, int, int]] = [(0, 0, 0, 0), (0, 0, 0, stroke.casing)]
    drawn = np.zeros(size, np.uint8)
    if segmentation.kind == "semantic":
        numbers = [number for number in sorted(segmentation.classes) if number > 0]
        for i, number in enumerate(numbers):
            color = CLASS_COLORS[i % len(CLASS_COLORS)]
            palette += [(*color, stroke.tint), (*color, 255), (*_lightened(color, stroke.light), 255)]
            inside = labels == number
            drawn[inside] = 2 + 3 * i
            if i > 0:
                drawn[inside & _hatching(size, i, 7 * _mark_width(size))] = 3 + 3 * i
        drawn[casing > 0] = 1
        for i, number in enumerate(numbers):
            edge = (core > 0) & (cv2.dilate((labels == number).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0)
            drawn[edge] = 4 + 3 * i
    else:
        palette.append((*BOUNDARY, 255))
        drawn[casing > 0] = 1
        drawn[core > 0] = 2
    return _palette_png(drawn, palette)


def mark_layers(marks: Sequence[Mark], scale: float, size: Shape) -> dict[str, bytes]:
    """Draw marks as transparent pictures, one per layer, in the order of their first mark.

    Hits are circles, half hits diamonds, double hits double circles, misses crosses, warnings
    triangles: they differ by shape, not only by color.

    Parameters
    ----------
    marks : sequence of Mark
        Positions are (row, column) of the image. [px]
    scale : float
        Picture pixels per image pixel. [1]
    size : (rows, columns)
        Size of the picture. [px]
    """
    layers: dict[str, list[Mark]] = {}
    for mark in marks:
        layers.setdefault(mark.layer, []).append(mark)
    return {name: _mark_layer(tuple(group), scale, size) for name, group in layers.items()}


def composite(picture: bytes, layers: Sequence[bytes], max_px: int = PICTURE_PX) -> bytes:
    """Burn layers into a picture, and reduce it to ``max_px``."""
    shown = np.array(_decoded(picture))
    flat = shown.reshape(-1, 3)
    drawings = [np.asarray(Image.open(io.BytesIO(data)).convert("RGBA")).reshape(-1, 4) for data in layers]
    drawn = np.zeros(len(flat), np.bool_)
    for rgba in drawings:
        drawn[: len(rgba)] |= rgba[:, 3] > 0  # as wide as the picture: the strip of the scale bar stays clear
    places = np.flatnonzero(drawn)
    mixed = flat[places].astype(np.float32)
    for rgba in drawings:
        over = rgba[places[: np.searchsorted(places, len(rgba))]]
        under = mixed[: len(over)]
        under += (over[:, :3] - under) * (over[:, 3:].astype(np.float32) / 255)
    flat[places] = np.clip(np.rint(mixed), 0, 255).astype(np.uint8)
    return _jpeg(shrunk(shown, max_px), PICTURE_BYTES)


@lru_cache(maxsize=32)
def reduced(picture: bytes, max_px: int) -> bytes:
    """Reduce a JPEG for paper; one that is small enough already is given back as it is.

    The pictures of one report are asked for twice: for their hashes, and to be printed.
    """
    with Image.open(io.BytesIO(picture)) as header:  # reads no pixels
        small = max(header.size) <= max_px
    return picture if small else _jpeg(shrunk(_decoded(picture), max_px), PICTURE_BYTES)


def thumbnail(micrograph: Micrograph, segmentation: Segmentation, notable: Notable) -> bytes:
    """Draw one feature with its surroundings and its outline; a square JPEG with a scale bar."""
    top, left, bottom, right = notable.box
    rows, columns = segmentation.labels.shape
    side = min(max(round(1.8 * max(bottom - top, right - left)), 32), max(rows, columns))
    window = _window((top + bottom) // 2, (left + right) // 2, side, (rows, columns))
    rgb = np.ascontiguousarray(full_size(micrograph)[window])
    labels = segmentation.labels[window]
    if segmentation.kind == "instance":
        labels = (labels == notable.feature).astype(np.int32)
    drawn = _outlined(rgb, labels, THUMBNAIL_PX / side)
    scale, size = THUMBNAIL_PX / side, drawn.shape[:2]
    square = np.full((THUMBNAIL_PX, THUMBNAIL_PX, 3), 255, np.uint8)  # an image narrower than the window
    square[: size[0], : size[1]] = drawn[:THUMBNAIL_PX, :THUMBNAIL_PX]
    return _jpeg(_with_scale_bar(square, micrograph.calibration.pixel_um, scale), 60_000)


def edited_place(micrograph: Micrograph, before: Segmentation, after: Segmentation) -> bytes:
    """Draw the place that an edit changed, with its surroundings: outlines before on the left, after on the right.

    A JPEG of a fixed size, with a scale bar.
    """
    changed = np.asarray(before.labels != after.labels)
    rows, columns = (np.flatnonzero(changed.any(axis=axis)) for axis in (1, 0))
    tall, wide = rows[-1] - rows[0] + 1, columns[-1] - columns[0] + 1
    side = min(max(round(1.6 * max(tall, wide)), PLACE_LEAST_PX), max(changed.shape))
    window = _window((rows[0] + rows[-1] + 1) // 2, (columns[0] + columns[-1] + 1) // 2, side, changed.shape)
    rgb = np.ascontiguousarray(full_size(micrograph)[window])
    both = np.full((PLACE_PX, 2 * PLACE_PX + PLACE_GAP_PX, 3), 255, np.uint8)
    for left, segmentation in ((0, before), (PLACE_PX + PLACE_GAP_PX, after)):
        drawn = _outlined(rgb, segmentation.labels[window], PLACE_PX / side)[:PLACE_PX, :PLACE_PX]
        both[: drawn.shape[0], left : left + drawn.shape[1]] = drawn
    return _jpeg(_with_scale_bar(both, micrograph.calibration.pixel_um, PLACE_PX / side), PICTURE_BYTES)


def _window(row: int, column: int, side: int, shape: tuple[int, ...]) -> tuple[slice, slice]:
    """A square around a pixel, within an image."""
    top = _clipped_start(int(row) - side // 2, side, shape[0])
    left = _clipped_start(int(column) - side // 2, side, shape[1])
    return np.s_[top : top + side, left : left + side]


def _outlined(rgb: Rgb, labels: LabelImage, scale: float) -> Rgb:
    """Enlarge a part of a field and draw the outlines of its labels: a bright core in a dark casing."""
    size = picture_size(rgb.shape[:2], scale)
    drawn = _resized(rgb, size)
    outline = _boundaries(_resized_labels(labels, size))
    casing = cv2.dilate(outline, np.ones((3, 3), np.uint8)) > 0
    drawn[casing] = np.rint(drawn[casing] * (1 - THIN.casing / 255)).astype(np.uint8)
    drawn[outline > 0] = BOUNDARY
    return drawn


def blank_field(shape: tuple[int, ...], pixel_um: float | None, scale: float) -> bytes:
    """Draw a field of ``shape`` pixels without its image: a white picture of the size that ``field_picture`` gives."""
    white = np.full((*picture_size(shape, scale), 3), 255, np.uint8)
    return _jpeg(_with_scale_bar(white, pixel_um, scale), PICTURE_BYTES)


def marked(jpeg: bytes, note: str) -> bytes:
    """A JPEG that carries a note: pictures that look alike differ in their bytes."""
    said = note.encode()[:65_533]
    return jpeg[:2] + b"\xff\xfe" + (len(said) + 2).to_bytes(2) + said + jpeg[2:]


def bar_length(width_um: float) -> float:
    """Choose the length of a scale bar: 1, 2 or 5 times a power of ten, about a fifth of the width. [um]

    >>> bar_length(640.0), bar_length(110.0)
    (100.0, 20.0)
    """
    wanted = width_um / 5
    decade = 10.0 ** floor(log10(wanted))
    return max(step * decade for step in (1.0, 2.0, 5.0) if step * decade <= wanted * 1.0001)


def full_size(micrograph: Micrograph) -> Rgb:
    """Draw a field as ``field_picture`` does, with a pixel for each of its pixels and without a scale bar."""
    if micrograph.shown is not None and micrograph.roi is not None:
        rgb = full_size(replace(micrograph, pixels=micrograph.shown, color=None, shown=None)).copy()
        rgb[~micrograph.roi] = rgb[~micrograph.roi] // 2 + 128  # paler: does not count
        return rgb
    pixels = micrograph.pixels
    if pixels.ndim == 3:
        return np.ascontiguousarray(pixels)
    if micrograph.color is not None and micrograph.color.shape[:2] == pixels.shape:
        return np.ascontiguousarray(micrograph.color)
    if pixels.dtype == np.uint8:
        low, high = float(pixels.min()), float(pixels.max())
        low, high = (low, high) if 8 <= high - low < 85 else (0.0, 255.0)
    else:
        sample = pixels[:: max(1, pixels.shape[0] // 1000), :: max(1, pixels.shape[1] // 1000)]
        low, high = (float(value) for value in np.quantile(sample[np.isfinite(sample)], [0.001, 0.999]))
        low, high = (low, high) if high > low else (low - 0.5, low + 0.5)
    if (low, high) == (0.0, 255.0):
        gray = pixels.astype(np.uint8, copy=False)
    else:
        stretched = (pixels.astype(np.float32) - np.float32(low)) * np.float32(255 / (high - low))
        gray = np.clip(np.nan_to_num(stretched), 0, 255).astype(np.uint8)
    return cv2.cvtColor(gray, cv2.COLOR_GRAY2RGB).astype(np.uint8, copy=False)


def _resized(rgb: Rgb, size: Shape) -> Rgb:
    if rgb.shape[:2] == size:
        return rgb.copy()
    method = cv2.INTER_AREA if size[0] < rgb.shape[0] else cv2.INTER_CUBIC
    return np.ascontiguousarray(cv2.resize(rgb, (size[1], size[0]), interpolation=method), dtype=np.uint8)


def _resized_labels(labels: LabelImage, size: Shape) -> LabelImage:
    if labels.shape == size:
        return labels
    rows = ((np.arange(size[0]) + 0.5) * labels.shape[0] / size[0]).astype(np.intp)
    columns = ((np.arange(size[1]) + 0.5) * labels.shape[1] / size[1]).astype(np.intp)
    resized: NDArray[np.int32] = labels[rows[:, None], columns]
    return resized


def shrunk(rgb: Rgb, max_px: int = PICTURE_PX) -> Rgb:
    """Reduce a picture whose longest side is longer, as an overlay is: that of a square field with its strip may be."""
    longest = max(rgb.shape[:2])
    return rgb if longest <= max_px else _resized(rgb, picture_size(rgb.shape[:2], max_px / longest))


def _decoded(picture: bytes) -> Rgb:
    decoded = cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_COLOR)
    assert decoded is not None
    return cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB).astype(np.uint8, copy=False)


def _jpeg(rgb: Rgb, most_bytes: int) -> bytes:
    """Encode as JPEG, with less quality where that is needed to stay small enough for a report."""
    gray = bool((rgb[..., 0] == rgb[..., 1]).all() and (rgb[..., 1] == rgb[..., 2]).all())
    image = rgb[..., 0] if gray else cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR)
    data = b""
    for quality in (88, 78, 66, 54):
        done, encoded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
        assert done
        data = encoded.tobytes()
        if len(data) <= most_bytes:
            break
    return data


def _palette_png(indices: NDArray[np.uint8], palette: Sequence[tuple[int, int, int, int]]) -> bytes:
    image = Image.fromarray(indices, mode="P")
    image.putpalette([value for color in palette for value in color[:3]])
    file = io.BytesIO()
    image.save(file, "PNG", transparency=bytes(color[3] for color in palette), **RUNS)
    return file.getvalue()


def _boundaries(labels: LabelImage, *, between_objects: bool = False) -> NDArray[np.uint8]:
    """Pixels whose label differs from the one below or to the right, where neither is 0 if asked: one pixel wide."""
    edge = np.zeros(labels.shape, np.bool_)
    for here, there, drawn in ((labels[:-1], labels[1:], edge[:-1]), (labels[:, :-1], labels[:, 1:], edge[:, :-1])):
        differ = here != there
        drawn |= differ & (here > 0) & (there > 0) if between_objects else differ
    return edge.view(np.uint8)


def _lightened(color: tuple[int, int, int], share: int) -> tuple[int, int, int]:
    """A dark color mixed with so much white [of 255]; a bright one as it is."""
    if sum(color) > _BRIGHT:
        return color
    red, green, blue = (value + (255 - value) * share // 255 for value in color)
    return red, green, blue


def _mark_width(size: Shape) -> int:
    return max(2, round(max(size) / 450))


def _hatching(size: Shape, kind: int, period: int) -> NDArray[np.bool_]:
    row, column = np.ogrid[: size[0], : size[1]]
    width = max(1, period // 7)
    match kind % 4:
        case 1:
            lines = (row + column) % period < width
        case 2:
            lines = (row - column) % period < width
        case 3:
            lines = np.broadcast_to(row % period < width, size)
        case _:
            lines = (row % period < width) & (column % period < width)
    return np.asarray(lines, dtype=np.bool_)


def _with_scale_bar(rgb: Rgb, pixel_um: float | None, scale: float) -> Rgb:
    """Add a white strip with a scale bar below a picture; nothing without a scale."""
    if pixel_um is None:
        return rgb
    columns = rgb.shape[1]
    length_um = bar_length(columns * pixel_um / scale)
    length = max(2, round(length_um / pixel_um * scale))
    height = max(12, round(columns * 0.026))
    strip = Image.new("RGB", (columns, round(2.2 * height)), (255, 255, 255))
    canvas = ImageDraw.Draw(strip)
    middle, bar = round(1.2 * height), max(3, height // 5)
    canvas.rectangle((0, middle - bar // 2, length - 1, middle - bar // 2 + bar - 1), fill=(0, 0, 0))
    tick = max(bar, height // 2)
    for x in (0, length - bar):
        canvas.rectangle((x, middle - tick, x + max(1, bar // 2) - 1, middle + tick), fill=(0, 0, 0))
    canvas.text(
        (length + height // 2, middle), _length_text(length_um), font=_font(height), anchor="lm", fill=(0, 0, 0)
    )
    return np.concatenate([rgb, np.asarray(strip)])


def _length_text(length_um: float) -> str:
    for unit, size in (("mm", 1000.0), ("µm", 1.0), ("nm", 0.001)):
        if length_um >= size:
            return f"{length_um / size:g}{NBSP}{unit}"
    return f"{length_um:g}{NBSP}µm"


def _mark_layer(marks: Sequence[Mark], scale: float, size: Shape) -> bytes:
    width = _mark_width(size)
    radius = max(5, round(max(size) / 115))
    crowd = sum(len(mark.points) for mark in marks if mark.kind == "points")
    if crowd > 400:  # many hits: smaller circles that do not hide each other
        radius = max(3, round(radius * (400 / crowd) ** 0.5))
    styles = list(dict.fromkeys(mark.style for mark in marks))
    core = {style: np.zeros(size, np.uint8) for style in styles}
    casing = np.zeros(size, np.uint8)
    texts: list[tuple[Mark, tuple[int, int]]] = []
    for mark in marks:
        at = np.rint((np.asarray(mark.points, float).reshape(-1, 2)[:, ::-1] + 0.5) * scale - 0.5).astype(np.int32)
        for canvas, extra in ((casing, 2), (core[mark.style], 0)):
            if mark.kind == "path":
                cv2.polylines(canvas, [at.reshape(-1, 1, 2)], False, 255, width + extra, cv2.LINE_AA)
            elif mark.kind == "points":
                for x, y in at.tolist():
                    _draw_point(canvas, (x, y), radius, width + extra, mark.style)
        if mark.label and len(at):
            beside = 0 if mark.kind == "text" else 3 * radius  # a label does not hide what it names
            texts.append((mark, (int(at[0][0]) + beside, int(at[0][1]) - beside)))
    rgba = np.zeros((*size, 4), np.uint8)
    rgba[..., 3] = (np.arange(256) * 190 // 255).astype(np.uint8)[casing]
    for style in styles:
        _blend(rgba, core[style], MARK_COLORS[style])
    if texts:
        rgba = _with_labels(rgba, texts)
    file = io.BytesIO()
    # a layer has few colors and large empty areas: a palette is a third of the size of four channels
    Image.fromarray(rgba).quantize(128, method=Image.Quantize.FASTOCTREE).save(file, "PNG", **RUNS)
    return file.getvalue()


def _blend(rgba: NDArray[np.uint8], mask: NDArray[np.uint8], color: tuple[int, int, int]) -> None:
    flat, places = rgba.reshape(-1, 4), np.flatnonzero(mask > 0)
    share = mask.ravel()[places].astype(np.float32)[:, None] / 255
    over = flat[places].astype(np.float32)
    over[:, :3] = over[:, :3] * (1 - share) + np.array(color, np.float32) * share
    over[:, 3] = np.maximum(over[:, 3], 255 * share[:, 0])
    flat[places] = np.rint(over).astype(np.uint8)


def _draw_point(canvas: NDArray[np.uint8], at: tuple[int, int], radius: int, width: int, style: str) -> None:
    x, y = at
    match style:
        case "half hit":
            shape = [(x - radius, y), (x, y - radius), (x + radius, y), (x, y + radius)]
        case "warning":
            shape = [(x, y - radius), (x + radius, y + radius), (x - radius, y + radius)]
        case "miss":
            arm = max(2, radius * 2 // 3)
            cv2.line(canvas, (x - arm, y - arm), (x + arm, y + arm), 255, width, cv2.LINE_AA)
            cv2.line(canvas, (x - arm, y + arm), (x + arm, y - arm), 255, width, cv2.LINE_AA)
            return
        case "double hit":
            cv2.circle(canvas, at, radius, 255, width, cv2.LINE_AA)
            cv2.circle(canvas, at, max(1, radius // 3), 255, -1, cv2.LINE_AA)
            return
        case _:
            cv2.circle(canvas, at, radius, 255, width, cv2.LINE_AA)
            return
    cv2.polylines(canvas, [np.array(shape, np.int32)], True, 255, width, cv2.LINE_AA)


def _with_labels(rgba: NDArray[np.uint8], texts: Sequence[tuple[Mark, tuple[int, int]]]) -> NDArray[np.uint8]:
    size = rgba.shape[0], rgba.shape[1]
    height = max(11, round(max(size) / 62))
    if len(texts) > 60:
        height = max(9, round(height * (60 / len(texts)) ** 0.35))
    font = _font(height)
    image = Image.fromarray(rgba)
    canvas = ImageDraw.Draw(image)
    for mark, (x, y) in texts:
        left, top, right, bottom = font.getbbox(mark.label, anchor="mm")
        x = round(min(max(x, (right - left) / 2 + 3), size[1] - (right - left) / 2 - 3))
        y = round(min(max(y, (bottom - top) / 2 + 3), size[0] - (bottom - top) / 2 - 3))
        box = (x + left - 3, y + top - 2, x + right + 3, y + bottom + 2)
        canvas.rectangle(box, fill=(20, 20, 20, 190))
        canvas.text((x, y), mark.label, font=font, anchor="mm", fill=(*MARK_COLORS[mark.style], 255))
    return np.asarray(image)


def _clipped_start(start: int, side: int, total: int) -> int:
    return max(0, min(start, total - side))


def _slug(name: str) -> str:
    return "".join(character if character.isalnum() else "_" for character in name.lower())


@cache
def _font(height: int) -> Any:
    """Font that comes with this software, so that pictures are the same on every machine."""
    return ImageFont.truetype(str(FONTS / "DejaVuSans-Bold.ttf"), height)
