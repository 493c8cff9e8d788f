"""Pictures in which a person corrects a segmentation with a painting program: written, and read back as labels.

The *overlay* is a PNG of the micrograph with the outlines of what was found: what is painted on it in one of a few
colors counts. The *layered* file is OpenRaster (a ZIP of PNG layers, https://www.openraster.org), which GIMP and Krita
open: the micrograph lies below, every object or class in a color above it, an empty layer to draw on at the top.
Painting is read as the difference to the picture as it was written, so that nothing else is taken for a correction.
"""

import io
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from inspect_tool.errors import ReadError, SettingsError
from inspect_tool.evidence import edits
from inspect_tool.images.readers.raster import parse_xml
from inspect_tool.model import Mask, Micrograph, Samples, Segmentation
from inspect_tool.pixels.png import LARGEST_PX, own_limits
from inspect_tool.report import field_pictures
from inspect_tool.segmentation import choice

SUFFIX = ".ora"

_COLORS = {
    "red": (255, 0, 0),
    "green": (0, 255, 0),
    "blue": (0, 0, 255),
    "yellow": (255, 255, 0),
    "magenta": (255, 0, 255),
    "cyan": (0, 255, 255),
    "orange": (255, 128, 0),
    "violet": (128, 0, 255),
}
_CUT, _JOIN = 0, 1  # what the brushes of objects do
_TINT = 0.25  # of the color of a class over the micrograph [1]
_SEEN = 0.4  # opacity of the layer of labels [1]
_SOLID = 24  # a pixel this near to the color of a brush has it [gray levels]
_ROUNDING = 12  # a soft edge may lie this far outside of the two colors it is between [gray levels]
_MOST_PAINTED = 0.6  # more of a picture is not painted by hand but saved with other colors [1]
_SPECK_PX = 10  # smaller pieces beside a cut are crumbs of the stroke
_NEAR_PX = 3
_LARGEST_LAYER = 200_000_000  # bytes of a layer in its file
_DRAW, _LABELS = "draw here", "labels"
_FACTOR = 0x9E3779  # odd, so that numbers below 2**24 get a color each

Rgb = NDArray[np.uint8]  # (rows, columns, 3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Brush:
    """A color to paint with."""

    name: str
    color: tuple[int, int, int]
    number: int  # class; of objects 0: takes away and cuts, 1: makes one object
    meaning: str

    def __str__(self) -> str:
        return f"{self.name} #{_packed(self.color):06x}: {self.meaning}"


def brushes(current: Segmentation) -> tuple[Brush, ...]:
    """Give the colors to paint with: red takes away, the others give a class, or make one object.

    Raises
    ------
    SettingsError
        More classes than colors that can be told apart.
    """
    if current.kind == "instance":
        meanings = {
            _CUT: "boundary or background: takes away, and cuts in two",
            _JOIN: "one object: joins what it touches",
        }
    else:
        meanings = {0: current.classes.get(0, "background")}
        meanings |= {number: current.classes[number] for number in sorted(current.classes) if number > 0}
    if len(meanings) > len(_COLORS):
        msg = (
            f"{len(meanings)} classes are more than there are colors to paint with; correct the mask of numbers instead"
        )
        raise SettingsError(msg)
    return tuple(
        Brush(name=name, color=color, number=number, meaning=meaning)
        for (name, color), (number, meaning) in zip(_COLORS.items(), meanings.items(), strict=False)
    )


# ------------------------------------------------------------------------------------------------------- writing


def overlay(micrograph: Micrograph, current: Segmentation) -> Rgb:
    """Draw the micrograph with outlines, and classes tinted; paler where the region does not count."""
    rgb = field_pictures.full_size(micrograph).copy()
    if current.kind == "semantic":
        for brush in brushes(current)[1:]:
            inside = current.labels == brush.number
            tinted = rgb[inside] * np.float32(1 - _TINT) + np.array(brush.color, np.float32) * np.float32(_TINT)
            rgb[inside] = np.rint(tinted).astype(np.uint8)
    rgb[_outlines(current)] = field_pictures.BOUNDARY
    if micrograph.roi is not None:
        rgb[~micrograph.roi] = rgb[~micrograph.roi] // 2 + 128
    return rgb


def _outlines(current: Segmentation) -> Mask:
    edge = np.zeros(current.labels.shape, np.bool_)
    edge[:-1] |= current.labels[:-1] != current.labels[1:]
    edge[:, :-1] |= current.labels[:, :-1] != current.labels[:, 1:]
    return edge


def layered(micrograph: Micrograph, current: Segmentation) -> bytes:
    """Write an OpenRaster file: an empty layer to draw on, labels in colors, and the micrograph."""
    rows, columns = current.labels.shape
    below = field_pictures.full_size(micrograph)
    layers = {
        _DRAW: np.zeros((rows, columns, 4), np.uint8),
        _LABELS: _label_layer(current),
        "micrograph": below,
    }
    drawn = "".join(
        f' <layer name="{name}" src="data/{i}.png" x="0" y="0" opacity="{_SEEN if name == _LABELS else 1.0}"/>\n'
        for i, name in enumerate(layers)
    )
    stack = f'<image version="0.0.3" w="{columns}" h="{rows}">\n<stack>\n{drawn}</stack>\n</image>\n'
    colors = np.ascontiguousarray(layers[_LABELS][..., :3])
    merged = cv2.addWeighted(below, 1 - _SEEN, colors, _SEEN, 0.0).astype(np.uint8)
    merged = np.where(layers[_LABELS][..., 3:] > 0, merged, below)
    scale = min(1.0, 256 / max(rows, columns))
    small = cv2.resize(merged, (max(1, round(columns * scale)), max(1, round(rows * scale))))
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as whole:
        for name, data in (
            ("mimetype", b"image/openraster"),  # first, and not compressed: the format asks for it
            ("stack.xml", ('<?xml version="1.0" encoding="UTF-8"?>\n' + stack).encode()),
            *((f"data/{i}.png", png(layer)) for i, layer in enumerate(layers.values())),
            ("mergedimage.png", png(merged)),
            ("Thumbnails/thumbnail.png", png(small.astype(np.uint8))),
        ):
            whole.writestr(zipfile.ZipInfo(name), data)  # of 1980: the same labels give the same bytes
    return file.getvalue()


def _label_layer(current: Segmentation) -> NDArray[np.uint8]:
    """Labels as opaque colors, background transparent: (rows, columns, 4)."""
    if current.kind == "semantic":
        table = np.zeros(max(current.classes, default=0) + 1, np.uint32)
        for brush in brushes(current)[1:]:
            table[brush.number] = _packed(brush.color)
        packed = table[current.labels]
    else:
        packed = current.labels.astype(np.uint32) * np.uint32(_FACTOR)  # modulo 2**32, of which 24 bits count
    layer = np.empty((*packed.shape, 4), np.uint8)
    for channel, shift in enumerate((16, 8, 0)):
        layer[..., channel] = packed >> np.uint32(shift) & np.uint32(255)
    layer[..., 3] = np.where(current.labels > 0, 255, 0)
    return layer


def png(values: NDArray[np.uint8]) -> bytes:
    """Write a picture, (rows, columns, 3 or 4), as PNG."""
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(values).save(file, "PNG", compress_level=6)
    return file.getvalue()


def _packed(color: Sequence[int]) -> int:
    return int(color[0]) << 16 | int(color[1]) << 8 | int(color[2])


# ------------------------------------------------------------------------------------------------ the overlay, read


def is_overlay(picture: Samples, micrograph: Micrograph, current: Segmentation) -> bool:
    """Whether a picture is the overlay of this field, painted on or not."""
    if picture.ndim != 3 or picture.dtype != np.uint8 or picture.shape[:2] != current.labels.shape:
        return False
    same = (picture[..., :3] == overlay(micrograph, current)).all(axis=-1)
    return bool(same.mean() >= 1 - _MOST_PAINTED)


def from_overlay(
    path: Path, picture: Rgb, micrograph: Micrograph, current: Segmentation, used: int = 0
) -> NDArray[np.int32]:
    """Read the labels that an overlay was painted to.

    Parameters
    ----------
    path : Path
        For messages.
    picture : array, (rows, columns, 3)
        As ``overlay`` wrote it, painted on.
    micrograph, current : Micrograph, Segmentation
        The field as it is measured now.
    used : int
        The largest number that an object ever had.

    Raises
    ------
    ReadError
        A color that is none of the brushes, or a stroke that changes nothing; the place is named.
    """
    base = overlay(micrograph, current)
    differs = (picture != base).any(axis=-1)
    if micrograph.roi is not None:
        differs &= micrograph.roi
    strokes = np.zeros(differs.shape, np.uint8)
    rows, columns = np.nonzero(differs)
    if len(rows):
        strokes[rows, columns] = _strokes(path, picture, base, differs, brushes(current))
    return _applied(path, current, strokes, used, micrograph.roi)


def _strokes(path: Path, picture: Rgb, base: Rgb, differs: Mask, given: Sequence[Brush]) -> NDArray[np.uint8]:
    """For every pixel that differs the number of its brush from 1 on; 0 at the faint side of a soft edge."""
    pixels, under = picture[differs].astype(np.int32), base[differs].astype(np.int32)
    colors = np.array([brush.color for brush in given], np.int32)
    count, pieces = cv2.connectedComponents(differs.view(np.uint8), connectivity=8)
    piece = pieces[differs]
    exact = np.abs(pixels[:, None] - colors).max(axis=2) <= _SOLID
    solid = exact.any(axis=1)
    there = np.zeros((count, len(colors)), np.bool_)
    there[piece[solid], exact[solid].argmax(axis=1)] = True
    found = np.where(solid, exact.argmax(axis=1) + 1, 0).astype(np.uint8)
    soft = np.flatnonzero(~solid)
    known = there[piece[soft]]
    far = ((pixels[soft, None] - colors) ** 2).sum(axis=2)
    own = ((pixels[soft] - under[soft]) ** 2).sum(axis=1)
    between = np.stack([known[:, k] & _between(pixels[soft], under[soft], color) for k, color in enumerate(colors)], 1)
    # where strokes overlap softly their colors mix, and with what is below
    several = ~between.any(axis=1) & (known.sum(axis=1) > 1)
    mixed = np.where(known[..., None], colors, under[soft, None])
    ends = (np.minimum(under[soft], mixed.min(axis=1)), np.maximum(under[soft], mixed.max(axis=1)))
    several &= _between(pixels[soft], *ends)
    between[several] = known[several]
    unknown = ~between.any(axis=1)
    if unknown.any():
        rows, columns = np.nonzero(differs)
        first = soft[np.flatnonzero(unknown)[0]]
        msg = (
            f"{path}: the color #{_packed(pixels[first]):06x} at row {rows[first]}, column {columns[first]} is none to "
            f"paint with ({'; '.join(str(brush) for brush in given)}). If nothing was painted there, the picture was "
            "saved with other colors or exported before another edit: export it again"
        )
        raise ReadError(msg)
    far = np.where(between, far, np.iinfo(np.int32).max)
    found[soft] = np.where(far.min(axis=1) < own, far.argmin(axis=1) + 1, 0)
    return found


def _between(pixels: NDArray[np.int32], one: NDArray[np.int32], other: NDArray[np.int32]) -> Mask:
    """Whether colors, (n, 3), lie between two others in red, green and blue, however they were mixed."""
    low, high = np.minimum(one, other) - _ROUNDING, np.maximum(one, other) + _ROUNDING
    inside: Mask = ((pixels >= low) & (pixels <= high)).all(axis=1)
    return inside


# ------------------------------------------------------------------------------------------------ the layers, read


def is_layered(path: Path) -> bool:
    """Whether a file is OpenRaster, by its content."""
    try:
        with zipfile.ZipFile(path) as whole:
            return whole.read("mimetype")[:32].strip() == b"image/openraster"
    except (OSError, KeyError, zipfile.BadZipFile, NotImplementedError, RuntimeError):
        return False


def layered_shape(path: Path) -> tuple[int, int]:
    """Rows and columns that an OpenRaster file states, without its layers.

    Raises
    ------
    ReadError
        It cannot be read.
    """
    image, _ = _stack(path)
    return image


def from_layers(path: Path, micrograph: Micrograph, current: Segmentation, used: int = 0) -> NDArray[np.int32]:
    """Read the labels of an OpenRaster file: the colors of its layer of labels, then what is drawn above it.

    Parameters are those of ``from_overlay``.

    Raises
    ------
    ReadError
        No such layers, a layer that cannot be read, or a color that means nothing; the place is named.
    """
    _, layers = _stack(path)
    shape = (current.labels.shape[0], current.labels.shape[1])
    if not {_DRAW, _LABELS} & set(layers):
        named = ", ".join(f"'{name}'" for name in layers) or "none"
        msg = f"{path}: has no layer '{_DRAW}' and none '{_LABELS}' (there are: {named}); keep the layers as exported"
        raise ReadError(msg)
    labels = np.asarray(current.labels, np.int32)
    if _LABELS in layers:
        labels = _from_label_layer(path, _layer(path, *layers[_LABELS], shape), micrograph.roi, current, used)
    used = max(used, int(labels.max(initial=0)))
    if _DRAW in layers:
        strokes = _drawn(path, _layer(path, *layers[_DRAW], shape), micrograph.roi, brushes(current))
        labels = _applied(path, replace(current, labels=labels), strokes, used, micrograph.roi)
    return labels


def _stack(path: Path) -> tuple[tuple[int, int], dict[str, tuple[str, int, int]]]:
    """Size of the picture, and file, row and column of every layer by its name."""
    try:
        with zipfile.ZipFile(path) as whole:
            text = _member(path, whole, "stack.xml").decode("utf-8", "replace")
        image = parse_xml(path, text, "stack.xml")
        layers = {
            str(one.get("name")): (str(one.get("src")), int(one.get("y", "0")), int(one.get("x", "0")))
            for one in image.iter("layer")
        }
        return (int(image.get("h", "0")), int(image.get("w", "0"))), layers
    except (OSError, ValueError, KeyError, zipfile.BadZipFile, NotImplementedError, RuntimeError, zlib.error) as error:
        msg = f"{path}: cannot be read as OpenRaster: {error}; save it as .ora again"
        raise ReadError(msg) from None


def _member(path: Path, whole: zipfile.ZipFile, name: str) -> bytes:
    size = whole.getinfo(name).file_size
    if size > _LARGEST_LAYER:
        msg = f"{path}: {name} has {size / 1e6:.0f} MB; the file is not read"
        raise ReadError(msg)
    return whole.read(name)


def _layer(path: Path, name: str, top: int, left: int, shape: tuple[int, int]) -> NDArray[np.uint8]:
    """One layer as (rows, columns, 4) of the picture, whatever part of it was saved."""
    from PIL import Image

    drawn = np.zeros((*shape, 4), np.uint8)
    try:
        with zipfile.ZipFile(path) as whole:
            data = _member(path, whole, name)
        with own_limits(), Image.open(io.BytesIO(data), formats=("PNG",)) as image:
            if image.width * image.height > LARGEST_PX:
                msg = f"the layer {name} has {image.height} x {image.width} px"
                raise ValueError(msg)
            part = np.asarray(image.convert("RGBA"))
    except (OSError, ValueError, KeyError, SyntaxError, zipfile.BadZipFile, RuntimeError, zlib.error) as error:
        msg = f"{path}: the layer {name} cannot be read: {error}; save it as .ora again"
        raise ReadError(msg) from None
    first, last = np.maximum([top, left], 0), np.minimum([top + part.shape[0], left + part.shape[1]], shape)
    if (last > first).all():
        inside = np.s_[first[0] - top : last[0] - top, first[1] - left : last[1] - left]
        drawn[first[0] : last[0], first[1] : last[1]] = part[inside]
    return drawn


def _drawn(path: Path, layer: NDArray[np.uint8], roi: Mask | None, given: Sequence[Brush]) -> NDArray[np.uint8]:
    """Strokes on the empty layer: half of a soft edge goes with the stroke."""
    opaque = layer[..., 3] >= 128
    if roi is not None:
        opaque &= roi
    strokes = np.zeros(opaque.shape, np.uint8)
    rows, columns = np.nonzero(opaque)
    if not len(rows):
        return strokes
    colors = np.array([brush.color for brush in given], np.int32)
    off = np.abs(layer[rows, columns, None, :3].astype(np.int32) - colors).max(axis=2)
    wrong = np.flatnonzero(off.min(axis=1) > 2 * _SOLID)
    if len(wrong):
        row, column = int(rows[wrong[0]]), int(columns[wrong[0]])
        msg = (
            f"{path}: the color #{_packed(layer[row, column]):06x} at row {row}, column {column} of the layer "
            f"'{_DRAW}' is none to paint with ({'; '.join(str(brush) for brush in given)})"
        )
        raise ReadError(msg)
    strokes[rows, columns] = off.argmin(axis=1) + 1
    return strokes


def _from_label_layer(
    path: Path, layer: NDArray[np.uint8], roi: Mask | None, current: Segmentation, used: int
) -> NDArray[np.int32]:
    """Labels of the layer of labels; what was not painted on keeps its own."""
    base = _label_layer(current)
    opaque = layer[..., 3] >= 128
    differs = np.where(opaque, (layer[..., :3] != base[..., :3]).any(axis=-1), False) | (opaque != (base[..., 3] > 0))
    if roi is not None:
        differs &= roi
    labels = np.array(current.labels, np.int32)
    if not differs.any():
        return labels
    packed = layer[..., 0].astype(np.int32) << 16 | layer[..., 1].astype(np.int32) << 8 | layer[..., 2]
    new = differs & opaque
    values, place = np.unique(packed[new], return_inverse=True)
    labels[new] = _meanings(path, packed, new, values, current, used)[place]
    soft = new & (labels < 0)
    if soft.any():
        labels[soft] = _nearest_color(layer, labels, opaque & ~soft, soft)
    erased = differs & ~opaque
    if current.kind == "semantic":
        labels[erased] = 0
        return labels
    labels = _parted(labels, np.asarray(current.labels), differs, used)
    return cut(labels, erased, _is_filled(current, roi), max(used, int(labels.max(initial=0))))


def _meanings(
    path: Path, packed: NDArray[np.int32], painted: Mask, values: NDArray[np.int32], current: Segmentation, used: int
) -> NDArray[np.int32]:
    """Number of each of the colors that were painted: a known one, a new one above ``used``; -1 of a soft edge.

    A color that nothing had before is new where it fills a square of 3 x 3 pixels; else it is of an edge between two.
    """
    if current.kind == "semantic":
        known = {_packed(brush.color): brush.number for brush in brushes(current)[1:]}
    else:
        inverse = pow(_FACTOR, -1, 1 << 24)
        there = set(np.unique(current.labels).tolist()) - {0}
        known = {value: number for value in values.tolist() if (number := value * inverse & 0xFFFFFF) in there}
    image = packed.astype(np.float32)  # whole numbers below 2**24 are exact
    square = np.ones((3, 3), np.uint8)
    flat = painted & (cv2.erode(image, square) == image) & (cv2.dilate(image, square) == image)
    flat &= cv2.erode(painted.view(np.uint8), square, borderValue=1) > 0
    fresh = sorted(set(np.unique(packed[flat]).tolist()) - set(known))
    if fresh and current.kind == "semantic":
        row, column = (int(axis[0]) for axis in np.nonzero(flat & (packed == fresh[0])))
        listed = "; ".join(str(brush) for brush in brushes(current)[1:])
        msg = (
            f"{path}: the color #{fresh[0]:06x} at row {row}, column {column} of the layer '{_LABELS}' is that of no "
            f"class ({listed}); erase where there is none"
        )
        raise ReadError(msg)
    used = max(used, int(current.labels.max(initial=0)))
    numbers = known | {value: used + 1 + i for i, value in enumerate(fresh)}
    return np.array([numbers.get(value, -1) for value in values.tolist()], np.int32)


def _nearest_color(layer: NDArray[np.uint8], labels: NDArray[np.int32], solid: Mask, soft: Mask) -> NDArray[np.int32]:
    """Give pixels of soft edges the label of the most similar color near them; of the nearest where none is near."""
    rows, columns = np.nonzero(soft)
    value = layer[rows, columns, :3].astype(np.int32)
    best = np.full(len(rows), np.iinfo(np.int32).max, np.int32)
    _, nearest = cv2.distanceTransformWithLabels(
        (~solid).view(np.uint8), cv2.DIST_L2, 3, labelType=cv2.DIST_LABEL_PIXEL
    )
    of = np.zeros(int(nearest.max()) + 1, np.int32)
    of[nearest[solid]] = labels[solid]
    found = np.asarray(of[nearest[rows, columns]], np.int32)
    for down in range(-_NEAR_PX, _NEAR_PX + 1):
        for right in range(-_NEAR_PX, _NEAR_PX + 1):
            there = (np.clip(rows + down, 0, soft.shape[0] - 1), np.clip(columns + right, 0, soft.shape[1] - 1))
            far = np.abs(layer[(*there, slice(3))].astype(np.int32) - value).sum(axis=1)
            better = solid[there] & (far < best)
            best[better], found[better] = far[better], labels[there][better]
    return found


# -------------------------------------------------------------------------------------------- what strokes mean


def _applied(
    path: Path, current: Segmentation, strokes: NDArray[np.uint8], used: int, roi: Mask | None
) -> NDArray[np.int32]:
    """Labels after strokes, which hold the number of a brush from 1 on; 0: nothing was painted."""
    if current.kind == "semantic":
        table = np.array([0, *(brush.number for brush in brushes(current))], np.int32)
        return np.where(strokes > 0, table[strokes], current.labels).astype(np.int32)
    used = max(used, int(current.labels.max(initial=0)))
    labels = _joined(np.array(current.labels, np.int32), strokes == _JOIN + 1, used)
    used = max(used, int(labels.max(initial=0)))
    line = strokes == _CUT + 1
    labels = cut(labels, line, _is_filled(current, roi), used)
    if strokes.any() and np.array_equal(labels, current.labels):
        row, column = (int(axis[0]) for axis in np.nonzero(strokes))
        msg = (
            f"{path}: what is painted (first at row {row}, column {column}) neither parts nor joins anything: draw a "
            "boundary from one boundary to another, and join across one"
        )
        raise ReadError(msg)
    return labels


def _is_filled(current: Segmentation, roi: Mask | None) -> bool:
    return choice.output_of(current, roi) == "grains"


def _joined(labels: NDArray[np.int32], painted: Mask, used: int) -> NDArray[np.int32]:
    """Make every piece of paint one object with all that it touches; the largest keeps its number."""
    count, pieces, boxes, _ = cv2.connectedComponentsWithStats(painted.view(np.uint8), connectivity=8)
    sizes = np.bincount(labels.ravel(), minlength=used + count + 1)
    for piece in range(1, count):
        left, top, wide, tall = boxes[piece, :4]
        part = np.s_[top : top + tall, left : left + wide]
        inside = pieces[part] == piece
        touched = np.unique(labels[part][inside])
        touched = touched[touched > 0]
        if len(touched):
            number = int(touched[sizes[touched].argmax()])
            for other in touched[touched != number].tolist():
                labels[labels == other] = number
                sizes[number] += sizes[other]
        else:
            used += 1
            number = used
        labels[part][inside] = number
    return labels


def cut(labels: NDArray[np.int32], line: Mask, filled: bool, used: int) -> NDArray[np.int32]:
    """Take pixels away from objects and number the pieces: the largest keeps its number.

    Pieces are 4-connected, because a line may be 8-connected. Of grains, which fill the field, the line itself goes to
    the nearest piece of the same grain.
    """
    from scipy import ndimage

    labels = labels.copy()
    boxes = ndimage.find_objects(labels)
    for number in np.unique(labels[line & (labels > 0)]).tolist():
        box = boxes[number - 1]
        part = labels[box]
        own = part == number
        taken = own & line[box]
        count, pieces = cv2.connectedComponents((own & ~taken).view(np.uint8), connectivity=4)
        areas = np.bincount(pieces.ravel(), minlength=count)
        areas[0] = 0
        beside = np.unique(pieces[cv2.dilate(taken.view(np.uint8), np.ones((3, 3), np.uint8)) > 0])
        kept = int(areas.argmax())
        parts = [piece for piece in beside.tolist() if piece not in (0, kept)]
        crumbs = [piece for piece in parts if areas[piece] < _SPECK_PX]
        numbers = np.full(count, number, np.int32)
        numbers[[0, *crumbs]] = 0
        for piece in parts:
            if piece not in crumbs:
                used += 1
                numbers[piece] = used
        part[own] = numbers[pieces[own]]
        if filled and count > 1:
            given = np.where(own, part, 0)
            part[own] = _nearest(given)[own]
    return _nearest(labels) if filled and (labels == 0).any() else labels


def _nearest(labels: NDArray[np.int32]) -> NDArray[np.int32]:
    """Share the pixels of value 0 among the nearest labels."""
    empty = labels == 0
    _, nearest = cv2.distanceTransformWithLabels(empty.view(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    number = np.zeros(int(nearest.max()) + 1, np.int32)
    number[nearest[~empty]] = labels[~empty]
    shared: NDArray[np.int32] = np.where(empty, number[nearest], labels)
    return shared


def _parted(labels: NDArray[np.int32], before: Samples, painted: Mask, used: int) -> NDArray[np.int32]:
    """Give pieces of one number that painting has made a number each; the largest keeps it."""
    from scipy import ndimage

    used = max(used, int(labels.max(initial=0)))
    near = cv2.dilate(painted.view(np.uint8), np.ones((3, 3), np.uint8)) > 0
    was = edits.pieces_of(before)
    boxes = ndimage.find_objects(labels)
    for number in np.unique(labels[near & (labels > 0)]).tolist():
        box = boxes[number - 1]
        part = labels[box]
        count, pieces = cv2.connectedComponents((part == number).view(np.uint8), connectivity=8)
        if count - 1 <= was.get(number, 1):
            continue
        areas = np.bincount(pieces.ravel(), minlength=count)
        areas[0] = 0
        for piece in np.unique(pieces[near[box]]).tolist():
            if piece not in (0, int(areas.argmax())):
                used += 1
                part[pieces == piece] = used
    return labels
