"""From decoded samples to a micrograph: what every reader does after its format is done.

A reader makes a ``Raster`` (samples as stored, what the file says of its scale, notes); this module turns it
into a ``Micrograph``: gray values, color if the image is truly colored, read-only, checked. It also holds the two
rules that every reader needs: how large an image may be, and when a resolution tag is believed.
"""

import logging
import struct
import warnings
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from dataclasses import field as default
from math import log
from pathlib import Path
from typing import TypeVar
from xml.etree import ElementTree

import cv2
import numpy as np
from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring
from numpy.typing import NDArray

from inspect_tool.errors import ReadError
from inspect_tool.files import sha256_source
from inspect_tool.languages import Text, Words, joined, named
from inspect_tool.model import Calibration, GrayImage, Micrograph, Modality, Samples
from inspect_tool.scale.calibration import AGREEMENT

N = TypeVar("N", bound=np.generic)

MAX_PIXELS = 500_000_000
MAX_WINDOWED = 20_000_000_000
"""Pixels of the largest image that is read window by window."""
"""Largest image that is decoded, rows x columns."""

_MAX_BYTES_PER_PIXEL = 8
MAX_COMPRESSION = 2000
"""No factor of deflate (1032), LZW (about 1400), PackBits (64) or JPEG (about 500) is larger [1]."""

LUMINANCE = "0.299 R + 0.587 G + 0.114 B (ITU-R BT.601)"

COARSEST_TRUSTED_UM = 10.0
"""A resolution tag that means larger pixels is a screen, print, camera or scanner setting [um/px]."""

FINEST_UM, COARSEST_UM = 1e-5, 1e4
"""Pixel sizes outside this range (0.01 nm to 10 mm) are not believed, whoever states them [um/px]."""

# settings of film scanners and imagesetters that would pass as a pixel below 10 um [px/inch]
_SCANNER_DPI = (2880, 3000, 3200, 3600, 4000, 4800, 5000, 5400, 5760, 6000, 6400, 7200, 9600)

SQUARE_WITHIN = 0.005
"""Pixels count as square when their sides differ by no more than this [1]."""

_LONGEST_NOTE = 500  # letters

# JEOL adds 64 or 128 rows to 960, FEI 29 to 442 and 70 to 1024 (where its own tag says 0): at most 13 % of the scan [1]
_TALLEST_BAR = 0.15

UNIT_UM = {
    "um": 1.0,
    "µm": 1.0,  # micro sign
    "μm": 1.0,  # greek mu
    "micron": 1.0,
    "microns": 1.0,
    "micrometer": 1.0,
    "micrometre": 1.0,
    "nm": 1e-3,
    "nanometer": 1e-3,
    "nanometre": 1e-3,
    "pm": 1e-6,
    "å": 1e-4,
    "angstrom": 1e-4,
    "mm": 1e3,
    "millimeter": 1e3,
    "millimetre": 1e3,
    "m": 1e6,
    "meter": 1e6,
    "metre": 1e6,
}
"""Units of length as microscopes and image programs write them, in lower case [um]."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Raster:
    """One decoded plane of an image file.

    ``samples`` are (rows, columns) or (rows, columns, 3) as they are to be seen: palette applied, white is high.
    ``stored`` are the numbers in the file where they differ from that (palette indices): label images need them.
    """

    samples: Samples
    notes: Mapping[str, Words]
    calibration: Calibration
    lossy: bool = False
    stored: Samples | None = None
    alpha: Samples | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """What a file says of its scale: pixel size [um] when it is believed, and in words what was found."""

    pixel_um: float | None = None  # width of a pixel; height too where pixel_y_um is None
    pixel_y_um: float | None = None  # height of a pixel that is not square
    source: Words = ""
    note: Words = ""
    notes: Mapping[str, Words] = default(default_factory=dict)  # "pixel_aspect": not square, and of unknown size
    refused: bool = False  # the file has a scale of its own that contradicts itself or the image

    def calibration(self) -> Calibration:
        """Write it down as a calibration without a stated uncertainty; the note in one line, whatever a tag holds."""
        line = " ".join(self.note.split())[:_LONGEST_NOTE]
        note = self.note if line == self.note else line
        source = self.source if self.pixel_um else ""
        return Calibration(pixel_um=self.pixel_um, pixel_y_um=self.pixel_y_um, source=source, note=note)

    def turned(self) -> "Scale":
        """Scale of the image after a quarter turn: width and height of its pixels change places."""
        if self.pixel_y_um is None:
            return self
        return replace(
            self,
            pixel_um=self.pixel_y_um,
            pixel_y_um=self.pixel_um,
            note=Text("readers.before_the_turn", note=self.note),
        )


def scale_of(size_x_um: float, size_y_um: float, what: Words) -> Scale:
    """Scale from a pixel size that a file states with its unit on purpose (OME, ImageJ).

    Parameters
    ----------
    size_x_um, size_y_um : float
        Width and height of a pixel. [um]
    what : str
        What said so, e.g. "OME PhysicalSizeX".

    Returns
    -------
    Scale
        ``pixel_um`` is the geometric mean of both where they differ by no more than 0.5 %; else the width, and
        ``pixel_y_um`` the height.
    """
    what = named("readers", what)
    if not all(FINEST_UM <= size <= COARSEST_UM for size in (size_x_um, size_y_um)):
        return Scale(note=Text("readers.no_possible_pixel_size", what=what, x_um=size_x_um, y_um=size_y_um))
    source = Text("readers.file_metadata", what=what)
    if abs(size_x_um / size_y_um - 1) > SQUARE_WITHIN:
        note = Text("readers.pixels_not_square", what=what, x_um=size_x_um, y_um=size_y_um)
        return Scale(pixel_um=size_x_um, pixel_y_um=size_y_um, source=source, note=note)
    pixel_um = (size_x_um * size_y_um) ** 0.5
    return Scale(pixel_um=pixel_um, source=source, note=Text("readers.um_per_pixel", what=what, pixel_um=pixel_um))


def placeholder(*sizes: float) -> bool:
    """Whether the numbers of a pixel size are all 1, of whatever unit: writers without a scale fill it in so.

    >>> placeholder(1.0, 1.0), placeholder(1.0, 0.5)
    (True, False)
    """
    return all(size == 1 for size in sizes)


def stale(what: str, stated: tuple[int, int], found: tuple[int, int], pixel_um: float) -> Scale:
    """Refuse a pixel size that was written for an image of another size.

    Cut out, an image keeps its pixel size; made smaller, it does not. Nobody can tell which from the file.

    Parameters
    ----------
    what : str
        Where the pixel size stands, e.g. "Zeiss SEM tags".
    stated, found : tuple of int
        Width and height that belong to the pixel size, and those of the image. [px]
    pixel_um : float
        Pixel size as written. [um]

    Examples
    --------
    >>> stale("Zeiss SEM tags", (1024, 768), (512, 384), 0.25).note
    'Zeiss SEM tags are for 1024 x 768 px, the image has 512 x 384 px: 0.25 um per pixel if cropped, 0.5 if resized'
    """
    if stated[0] == found[0]:
        otherwise = Text("readers.if_stretched", pixel_um=pixel_um * stated[1] / found[1])
    else:
        otherwise = Text("readers.if_resized", pixel_um=pixel_um * stated[0] / found[0])
    note = Text(
        "readers.stale",
        what=named("readers", what),
        w=stated[0],
        h=stated[1],
        width=found[0],
        height=found[1],
        pixel_um=pixel_um,
        otherwise=otherwise,
    )
    return Scale(note=note, refused=True)


def scan_fits(scan: tuple[int, int], width: int, height: int) -> bool:
    """Whether an image is the scan itself or the scan with a data bar below, which some microscopes add to it."""
    return scan[0] == width and scan[1] <= height <= scan[1] * (1 + _TALLEST_BAR)


def with_data_bar(scale: Scale, rows: int) -> Scale:
    """Tell of the rows that a microscope added below its scan: they are no specimen. [px]"""
    if rows <= 0:
        return scale
    note = Text("readers.rows_below_scan", rows=rows, footer=rows)
    return replace(scale, notes={**scale.notes, "data bar": note})


def agreed(scale: Scale, other: Scale | None) -> Scale:
    """Join two things that one file says of its scale; ``scale`` counts more.

    Two pixel sizes must agree within 2 %, as a job's must with the file's. What contradicts itself stays refused,
    whatever the other one says.
    """
    if other is None or scale.refused or (other.pixel_um is None and not other.refused):
        return scale
    if other.pixel_um is None or scale.pixel_um is None:
        return other
    high, other_high = (item.pixel_y_um or item.pixel_um or 0.0 for item in (scale, other))
    ratio = max(scale.pixel_um / other.pixel_um, high / other_high, key=lambda item: abs(log(item)))
    if abs(ratio - 1) > AGREEMENT:
        return Scale(note=Text("readers.two_scales", note=scale.note, other=other.note, ratio=ratio), refused=True)
    return replace(scale, note=Text("readers.agrees_with", note=scale.note, other=other.note))


def scale_from_density(x: float, y: float, unit: str, what: str) -> Scale:
    """Scale from a resolution tag, if it can be one.

    Screens, printers, cameras and scanners write the same tag. A resolution is believed only when it
    means a pixel of at most 10 um (2540 px/inch and finer) and is not one of the usual settings of
    film scanners; everything coarser is a dummy as far as anybody can tell from the file.

    Parameters
    ----------
    x, y : float
        Pixels per unit.
    unit : {"inch", "cm", "m", ""}
        Unit of length; "" where the tag has none and only tells the shape of a pixel.
    what : str
        Name of the tag for the note.

    Examples
    --------
    >>> scale_from_density(96, 96, "inch", "TIFF resolution").note
    'TIFF resolution is 96 dpi: a screen or print setting, not a scale'
    >>> scale_from_density(20000, 20000, "cm", "TIFF resolution").pixel_um
    0.5
    """
    name = named("readers", what)
    if not (0 < x < float("inf") and 0 < y < float("inf")):
        return Scale(note=Text("readers.is_empty", what=name))
    if not unit:
        if abs(x / y - 1) > SQUARE_WITHIN:
            note = Text("readers.not_square_without_unit", what=name, x=x, y=y)
            return Scale(note=note, notes={"pixel_aspect": note}, refused=True)
        return Scale(note=Text("readers.no_unit_of_length", what=name))
    unit_um = {"inch": 25400.0, "cm": 1e4, "m": 1e6}[unit]
    per = "dpi" if unit == "inch" else f"px/{unit}"
    square = abs(x / y - 1) <= SQUARE_WITHIN
    found = Text("readers.density", x=x, per=per) if square else Text("readers.densities", x=x, y=y, per=per)
    dpi = x * 25400.0 / unit_um
    scanner = any(abs(dpi / known - 1) < 5e-4 for known in _SCANNER_DPI)
    if unit_um / min(x, y) > COARSEST_TRUSTED_UM * 1.0001 or scanner:
        in_dpi = "" if unit == "inch" else Text("readers.in_dpi", dpi=dpi)
        return Scale(note=Text("readers.screen_or_print", what=name, found=found + in_dpi))
    return scale_of(unit_um / x, unit_um / y, joined(" ", (name, found)))


def check_size(
    path: Path, height: int, width: int, samples: int, bits: int, *, factor: float, most: int = MAX_PIXELS
) -> None:
    """Refuse an image that cannot be, or should not be, decoded: before a byte of it is.

    Parameters
    ----------
    height, width : int
        Size that the header states. [px]
    samples, bits : int
        Samples per pixel and bits per sample.
    factor : float
        How much smaller than its pixels the file can be at most: 1 without compression, infinite where nobody
        knows.
    most : int
        Pixels of the largest image that is decoded.
    """
    if height < 1 or width < 1 or samples < 1 or bits < 1:
        msg = f"{path}: the header says {width} x {height} px, {samples} samples of {bits} bit; the file is damaged"
        raise ReadError(msg)
    pixels, size = height * width, (height * width * samples * bits) // 8
    if pixels > most or size > most * _MAX_BYTES_PER_PIXEL:
        msg = (
            f"{path}: {width} x {height} px, the limit is {most // 1_000_000} Mpx; cut it into fields, or measure it"
            " by windows (docs/huge_images.md)"
        )
        raise ReadError(msg)
    held = path.stat().st_size
    if size > held * factor:
        msg = (
            f"{path}: the header promises {width} x {height} px ({size} bytes), the file has {held} bytes;"
            " it is truncated or damaged"
        )
        raise ReadError(msg)


def missing(path: Path, what: str, extra: str) -> ReadError:
    """Error of a reader whose library is not installed."""
    return ReadError(f"{path}: {what} files need the extra '{extra}': pip install 'inspect_tool[{extra}]'")


_DAMAGE: tuple[type[Exception], ...] = (
    OSError,
    EOFError,
    SyntaxError,  # of XML; also what Pillow throws at a broken PNG
    ValueError,
    RuntimeError,  # imagecodecs; also nesting without end
    LookupError,
    TypeError,
    AttributeError,
    ArithmeticError,
    AssertionError,
    MemoryError,
    struct.error,
    zlib.error,
)
"""What decoders throw at damaged bytes."""


@contextmanager
def careful(path: Path, what: str, library: str = "", also: tuple[type[Exception], ...] = ()) -> Iterator[None]:
    """Turn whatever a library throws at a damaged file into one line, and keep its warnings from the user.

    Parameters
    ----------
    path : Path
        The file.
    what : str
        What it should be, e.g. "TIFF".
    library : str
        Name of the logger of a library that logs what it finds odd.
    also : tuple of exception types
        Errors of the library's own.

    Raises
    ------
    ReadError
        As raised inside, or made of what the library threw.
    """
    with quiet(library):
        try:
            yield
        except ReadError:
            raise
        except _DAMAGE + also as error:
            reason = " ".join(str(error).split()).replace(repr(str(path)), "the file").replace(str(path), "the file")
            found = reason[:160] or type(error).__name__
            msg = f"{path}: not a readable {what}, damaged or truncated ({found}); export it again"
            raise ReadError(msg) from error


def parse_xml(path: Path, text: str, what: str) -> ElementTree.Element:
    """Parse metadata of a file; a document type is refused, because entities that blow up need one."""
    try:
        return plain_xml(text)
    except DefusedXmlException:
        msg = f"{path}: {what} declares a document type, which no microscope writes; the file is not read"
        raise ReadError(msg) from None
    except (ElementTree.ParseError, ValueError) as error:
        msg = f"{path}: {what} cannot be parsed ({error}); the file is damaged"
        raise ReadError(msg) from None


def plain_xml(text: str) -> ElementTree.Element:
    """Parse XML that has no document type; one that has is a ``DefusedXmlException``."""
    root: ElementTree.Element = fromstring(text, forbid_dtd=True)
    return root


@contextmanager
def quiet(library: str = "") -> Iterator[None]:
    """Keep warnings of an image library from the user: what matters becomes a note or a ``ReadError``.

    ``library`` names the logger of one that logs what it finds odd.
    """
    logger = logging.getLogger(library or __name__)
    before = logger.disabled
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logger.disabled = True
        try:
            yield
        finally:
            logger.disabled = before


_TURNS = {2: (1, -1), 3: (-1, -1), 4: (-1, 1), 5: (1, 1), 6: (1, -1), 7: (-1, -1), 8: (-1, 1)}
"""Direction of rows and columns by orientation; from 5 on, rows and columns change places before."""


def turned(samples: NDArray[N], orientation: int) -> NDArray[N]:
    """Turn upright what an orientation tag (TIFF 6.0, tag 274; the same in EXIF) says is turned; 1 is upright."""
    if orientation not in _TURNS:
        return samples
    if orientation >= 5:
        samples = np.swapaxes(samples, 0, 1)
    rows, columns = _TURNS[orientation]
    return np.ascontiguousarray(samples[::rows, ::columns])


def turned_point(
    point: tuple[float, float], shape: tuple[int, int], orientation: int, *, back: bool = False
) -> tuple[float, float]:
    """Find the place that a pixel of a stored image has in the upright one.

    Parameters
    ----------
    point : (row, column)
        In the stored image. [px]
    shape : (rows, columns)
        Of the upright image. [px]
    orientation : int
        Of the stored image.
    back : bool
        The other way round: ``point`` and ``shape`` swap their images.

    Examples
    --------
    >>> turned_point((0, 0), (30, 40), 3), turned_point((0, 5), (40, 30), 6)
    ((29, 39), (5, 29))
    """
    if orientation not in _TURNS:
        return point
    rows, columns = _TURNS[{6: 8, 8: 6}.get(orientation, orientation) if back else orientation]
    row, column = point if orientation < 5 else point[::-1]
    return row if rows > 0 else shape[0] - 1 - row, column if columns > 0 else shape[1] - 1 - column


def micrograph(path: Path, raster: Raster, modality: Modality = "unknown") -> Micrograph:
    """Turn a decoded plane of a file into a checked, read-only micrograph, as :func:`micrograph_of`."""
    return replace(micrograph_of(str(path), raster, modality), sha256=sha256_source(path))


def micrograph_of(path: str, raster: Raster, modality: Modality = "unknown") -> Micrograph:
    """Turn a plane into a checked, read-only micrograph; ``path`` is its name, and has no file behind it.

    Pixels are uint8 when the samples are, else float32 with the values of the file (nothing is rescaled).
    A pixel that is fully transparent is not part of the image and leaves the region of interest.
    """
    notes = dict(raster.notes)
    samples = raster.samples
    notes["bit depth"] = Text(_BITS.get(samples.dtype.kind, _BITS["u"]), bits=samples.dtype.itemsize * 8)
    if raster.calibration.note:
        notes["scale in the file"] = raster.calibration.note
    color = None
    if samples.ndim == 3:
        if is_gray(samples, LOSSY_TOLERANCE if raster.lossy else 0):
            samples = samples[:, :, 1]
            notes["color"] = Text("readers.gray_stored_as_rgb")
        else:
            color = _color8(samples)
            samples = gray(samples)
            notes["color"] = Text("readers.gray_of_colors", weights=LUMINANCE)
    pixels = _pixels(path, samples)
    roi = None
    if raster.alpha is not None:
        roi, notes["alpha"] = _opaque(raster.alpha)
    cleared = _cleared(pixels)
    if cleared is not None:
        roi = ~cleared if roi is None else roi & ~cleared
        notes["NaN"] = Text("readers.pixels_are_nan", count=int(np.count_nonzero(cleared)))
        pixels[cleared] = np.median(pixels[~cleared])  # no filter finds a structure there
    _check_content(path, pixels)
    for array in (pixels, color, roi):
        if array is not None:
            array.setflags(write=False)
    return Micrograph(
        pixels=pixels,
        calibration=raster.calibration,
        path=path,
        color=color,
        roi=roi,
        meta=notes,
        modality=modality,
    )


_BITS = {
    "f": "readers.bits_float",
    "i": "readers.bits_signed",
    "u": "readers.bits_integer",
    "b": "readers.bits_binary",
}


def _pixels(path: str, samples: Samples) -> GrayImage:
    if samples.dtype == np.uint8:
        return np.array(samples, order="C")
    if samples.dtype.kind not in "iuf":
        msg = f"{path}: pixels are of kind {samples.dtype}; save the image with integer or real gray values"
        raise ReadError(msg)
    with np.errstate(over="ignore", invalid="ignore"):  # a value beyond float32 becomes infinite and is refused
        return np.array(samples, dtype=np.float32, order="C")


LOSSY_TOLERANCE = 4
"""By which lossy compression may part the channels of a gray image. [gray levels]"""

_SMALLEST_CLEARED = 16
"""Pixels of a cleared area; fewer together are dead pixels of a detector, or damage."""


def _cleared(pixels: GrayImage) -> NDArray[np.bool_] | None:
    """Areas of NaN, as programs write them that clear what is outside of a selection; None without any."""
    if pixels.dtype.kind != "f":
        return None
    blank = np.isnan(pixels)
    if not blank.any() or blank.all():
        return None
    _, _, stats, _ = cv2.connectedComponentsWithStats(blank.view(np.uint8), connectivity=8)
    return blank if int(stats[1:, cv2.CC_STAT_AREA].min()) >= _SMALLEST_CLEARED else None


def _check_content(path: str, pixels: GrayImage) -> None:
    low, high = float(pixels.min()), float(pixels.max())
    if not (np.isfinite(low) and np.isfinite(high)):
        bad = int(pixels.size - np.count_nonzero(np.isfinite(pixels)))
        msg = f"{path}: {bad} of {pixels.size} pixels are NaN or infinite; repair or crop the image"
        raise ReadError(msg)
    if low == high:
        msg = f"{path}: every pixel has the value {low:g}; this is no picture of a specimen"
        raise ReadError(msg)


def is_gray(rgb: Samples, tolerance: int) -> bool:
    """Whether red, green and blue are the same; lossy compression may part them by a few levels."""
    red, green, blue = rgb[:, :, 0], rgb[:, :, 1], rgb[:, :, 2]
    if tolerance and rgb.dtype == np.uint8:
        return all(
            int(cv2.absdiff(np.ascontiguousarray(one), np.ascontiguousarray(green)).max()) <= tolerance
            for one in (red, blue)
        )
    return bool(np.array_equal(red, green) and np.array_equal(green, blue))


def gray(rgb: Samples) -> Samples:
    """Gray values of colors, see ``LUMINANCE``: uint8 of uint8, float32 of anything else."""
    if rgb.dtype == np.uint8:
        return np.asarray(cv2.cvtColor(np.ascontiguousarray(rgb), cv2.COLOR_RGB2GRAY))
    values = np.empty(rgb.shape[:2], dtype=np.float32)
    for rows in _blocks(rgb):
        values[rows] = cv2.cvtColor(rgb[rows].astype(np.float32), cv2.COLOR_RGB2GRAY)
    return values


def _color8(rgb: Samples) -> NDArray[np.uint8]:
    """8-bit colors for pictures and color thresholds; 16-bit data by the bits that are in use."""
    if rgb.dtype == np.uint8:
        return np.array(rgb, order="C")
    high = float(rgb.max())
    if rgb.dtype.kind in "iu":
        full = next((2.0**bits - 1 for bits in (8, 10, 12, 14, 16) if high < 2**bits), max(high, 1.0))
    else:
        full = 1.0 if high <= 1.0 else max(high, 1.0)
    color = np.empty(rgb.shape, dtype=np.uint8)
    for rows in _blocks(rgb):
        scaled = np.nan_to_num(rgb[rows].astype(np.float32) * np.float32(255.0 / full))
        color[rows] = np.clip(np.rint(scaled), 0, 255)
    return color


def _blocks(rgb: Samples) -> Iterator[slice]:
    """Rows of about a million pixels at a time: deep color images would else need many times their size."""
    tall = max(1, 1_000_000 // rgb.shape[1])
    for top in range(0, rgb.shape[0], tall):
        yield slice(top, top + tall)


def _opaque(alpha: Samples) -> tuple[NDArray[np.bool_] | None, Words]:
    solid = alpha > 0
    count = int(np.count_nonzero(solid))
    if count == alpha.size:
        return None, Text("readers.alpha_left_out")
    if count == 0:
        return None, Text("readers.alpha_zero")
    return solid, Text("readers.transparent_pixels", count=int(alpha.size - count))
