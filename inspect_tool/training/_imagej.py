"""ImageJ regions: a ``.roi`` file or a ``.zip`` of them.

Areas have their origin at the corner of the top-left pixel, lines at its center, as ImageJ draws and fills them.
"""

import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import numpy as np

from inspect_tool.errors import ReadError
from inspect_tool.training.shapes import Points, Shape, ellipse, rectangle

if TYPE_CHECKING:
    from roifile import ImagejRoi

_LARGEST = 1 << 28  # bytes of one region
_MANY = 200_000  # regions of one file

# what roifile and zipfile throw at damaged bytes
_DAMAGE = (
    ValueError,
    RuntimeError,
    NotImplementedError,
    IndexError,
    TypeError,
    AssertionError,
    OSError,
    EOFError,
    struct.error,
    zlib.error,
    zipfile.BadZipFile,
)


def shapes(path: Path, line_px: float) -> Iterator[Shape]:
    """Read the regions of one file; nothing is unpacked to disk.

    Raises
    ------
    ReadError
        The package roifile is missing, the file is damaged, or a region marks no area.
    """
    try:
        from roifile import ImagejRoi
    except ImportError:
        msg = f'{path}: ImageJ regions need the package roifile; install it: pip install "inspect_tool[annotations]"'
        raise ReadError(msg) from None
    for entry, data in _entries(path):
        where = f"{path}: region '{entry}'"
        try:
            roi = ImagejRoi.frombytes(data)
            # the entry of an archive is the name of its region; a file of one region is named after the image
            yield _shape(where, roi, "" if path.suffix.lower() == ".roi" else PurePosixPath(entry).stem, line_px)
        except ReadError:
            raise
        except _DAMAGE as error:
            msg = f"{where}: cannot be read ({' '.join(str(error).split())[:80]}); save it from ImageJ again"
            raise ReadError(msg) from error


def class_name(text: str) -> str:
    """Name of a class from that of a region: what ImageJ appends to equal names is taken off.

    >>> class_name("void-12"), class_name("void")
    ('void', 'void')
    """
    return re.sub(r"[-_ ]\d+$", "", text)


def is_given_by_program(text: str) -> bool:
    """Whether the name of a region is one that a program gave: a place, a number, an identifier.

    >>> is_given_by_program("0012-0345"), is_given_by_program("roi 3"), is_given_by_program("scratch")
    (True, True, False)
    """
    identifier = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|f\d+-c.*"
    return re.fullmatch(rf"(roi)?[\d\s._-]*|{identifier}", text.lower()) is not None


def _entries(path: Path) -> Iterator[tuple[str, bytes]]:
    if path.suffix.lower() == ".roi":
        yield path.name, path.read_bytes()[:_LARGEST]
        return
    try:
        with zipfile.ZipFile(path) as archive:
            entries = [item for item in archive.infolist() if item.filename.lower().endswith(".roi")]
            if len(entries) > _MANY:
                msg = f"{path}: holds {len(entries)} regions, at most {_MANY} are read; split the file"
                raise ReadError(msg)
            for item in entries:
                with archive.open(item) as file:
                    yield item.filename, file.read(_LARGEST)
    except ReadError:
        raise
    except _DAMAGE as error:
        msg = f"{path}: not a readable ZIP of ImageJ regions ({' '.join(str(error).split())[:80]}); save it again"
        raise ReadError(msg) from error


def _shape(where: str, roi: "ImagejRoi", entry: str, line_px: float) -> Shape:
    from roifile import ROI_SUBTYPE, ROI_TYPE

    name, number = roi.name or entry, int(roi.group)
    if roi.subtype in (ROI_SUBTYPE.TEXT, ROI_SUBTYPE.ARROW, ROI_SUBTYPE.IMAGE):
        msg = f"{where}: a text, arrow or picture marks no area; delete it from the regions"
        raise ReadError(msg)
    if roi.roitype in (ROI_TYPE.LINE, ROI_TYPE.POLYLINE, ROI_TYPE.FREELINE, ROI_TYPE.ANGLE):
        width = float(roi.float_stroke_width or roi.stroke_width)
        line = _checked(where, roi.coordinates(), 2)
        return Shape(where=where, name=name, number=number, line=line, width_px=width if width > 1 else line_px)
    return Shape(where=where, name=name, number=number, outlines=_outlines(where, roi))


def _outlines(where: str, roi: "ImagejRoi") -> tuple[Points, ...]:
    """Outlines of an area, corner origin taken off."""
    from roifile import ROI_TYPE

    if roi.composite:
        loops = [loop for loop in roi.coordinates(multi=True) if len(np.unique(loop, axis=0)) > 2]
        if not loops:
            msg = f"{where}: is empty; delete it from the regions"
            raise ReadError(msg)
        return tuple(_checked(where, loop, 3) - 0.5 for loop in loops)
    if roi.roitype in (ROI_TYPE.RECT, ROI_TYPE.OVAL):
        if roi.subpixelrect:
            top, left, tall, wide = roi.yd, roi.xd, roi.heightd, roi.widthd
        else:
            top, left, tall, wide = roi.top, roi.left, roi.bottom - roi.top, roi.right - roi.left
        if roi.roitype == ROI_TYPE.OVAL:
            return (ellipse(top + tall / 2 - 0.5, left + wide / 2 - 0.5, tall / 2, wide / 2),)
        if roi.rounded_rect_arc_size:
            msg = f"{where}: rounded rectangles are not read; make it a polygon in ImageJ (Edit > Selection)"
            raise ReadError(msg)
        return (rectangle(top, left, top + tall, left + wide) - 0.5,)
    if roi.roitype in (ROI_TYPE.POLYGON, ROI_TYPE.FREEHAND, ROI_TYPE.TRACED):
        return (_checked(where, roi.coordinates(), 3) - 0.5,)
    kind = roi.roitype.name.lower() if roi.roitype in ROI_TYPE.__members__.values() else "region of an unknown type"
    msg = f"{where}: a {kind} marks no area; draw an outline or a line, or delete it from the regions"
    raise ReadError(msg)


def _checked(where: str, given: object, least: int) -> Points:
    points = np.asarray(given, dtype=float)[:, ::-1]
    if len(points) < least or not np.isfinite(points).all():
        msg = f"{where}: has {len(points)} points, it needs {least}; draw it again"
        raise ReadError(msg)
    return points
