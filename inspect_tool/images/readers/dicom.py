"""DICOM and DICONDE radiographs, uncompressed; pixel size at the object told apart from that at the detector."""

from collections.abc import Iterator
from contextlib import contextmanager
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from inspect_tool.errors import ReadError
from inspect_tool.images.readers import _planes
from inspect_tool.images.readers.raster import Raster, Scale, careful, check_size, micrograph, missing, scale_of
from inspect_tool.languages import Text, Value, Words
from inspect_tool.model import Calibration, Micrograph, Samples, Selection
from inspect_tool.scale.calibration import AGREEMENT

if TYPE_CHECKING:
    from pydicom import Dataset

SUFFIXES = (".dcm", ".dicom", ".dcn")

# implicit VR little endian, explicit little endian, explicit big endian
_UNCOMPRESSED = ("1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2")
# computed and digital radiography, fluoroscopy, angiography, mammography, dental, film, tomography
_XRAY = ("CR", "DX", "DR", "RF", "XA", "MG", "IO", "PX", "RG", "CT")


_SHORT = 65536  # values of more bytes are left in the file when only the header counts


def recognizes(head: bytes) -> bool:
    """Whether a file that starts with these bytes is DICOM: four letters after a preamble of 128 bytes."""
    return head[128:132] == b"DICM"


def read(path: Path, which: Selection = Selection()) -> Micrograph:
    """Read one frame of an uncompressed DICOM or DICONDE file.

    Gray values are those of the file; rescale, window and look-up tables are for displays and are not applied.
    ``MONOCHROME1`` (low is white) is inverted, so that bright is high. Pixels of the padding value do not count.

    Parameters
    ----------
    path : Path
        The file.
    which : Selection
        ``page`` or ``time`` is the frame; may be left out when the file has one.

    Returns
    -------
    Micrograph
        Its calibration is the pixel size at the object, as far as the file states it.

    Raises
    ------
    ReadError
        The file is damaged, compressed, without pixels, too large, or has several frames and none was chosen; or the
        extra ``dicom`` is not installed.
    """
    with _careful(path):
        data, index = _header(path, which, pixels=True)
        raster = _decode(path, data, index)
    return micrograph(path, raster, "xray" if str(data.get("Modality", "")) in _XRAY else "unknown")


def scale(path: Path, which: Selection = Selection()) -> Calibration:
    """Tell what the file says of its scale; no pixel is decoded."""
    with _careful(path):
        data, _ = _header(path, which, pixels=False)
        return _scale(data).calibration()


@contextmanager
def _careful(path: Path) -> Iterator[None]:
    try:
        from pydicom.errors import InvalidDicomError
    except ImportError:
        raise missing(path, "DICOM", "dicom") from None
    with careful(path, "DICOM file", "pydicom", (InvalidDicomError,)):
        yield


def _header(path: Path, which: Selection, *, pixels: bool) -> "tuple[Dataset, int]":
    """Elements of the file, as far as they were checked without decoding a pixel, and the frame that was chosen."""
    from pydicom import dcmread
    from pydicom.filereader import read_file_meta_info

    # looked at first: a deflated file would be unpacked, to whatever size, before anything is known of it
    syntax = read_file_meta_info(path).get("TransferSyntaxUID", None)
    if syntax is None or str(syntax) not in _UNCOMPRESSED:
        name = "not stated" if syntax is None else f"'{syntax.name}'"
        msg = f"{path}: transfer syntax is {name}; only uncompressed DICOM is read, so export it uncompressed"
        raise ReadError(msg)
    with path.open("rb") as file:
        data = dcmread(file, defer_size=None if pixels else _SHORT)
    if "PixelData" not in data:
        msg = f"{path}: holds no pixel data ({data.get('Modality', 'no')} modality); take the file with the image"
        raise ReadError(msg)
    height, width, samples, bits = (
        int(data.get(name) or otherwise)
        for name, otherwise in (("Rows", 0), ("Columns", 0), ("SamplesPerPixel", 1), ("BitsAllocated", 0))
    )
    check_size(path, height, width, samples, bits, factor=1)
    index = _frame(path, _frames(data), which)
    color = str(data.get("PhotometricInterpretation", ""))
    if color not in ("MONOCHROME1", "MONOCHROME2", "RGB") or bits not in (8, 16, 32) or samples not in (1, 3):
        msg = f"{path}: {color or 'no'} color model with {samples} x {bits} bit is not read; export it as gray"
        raise ReadError(msg)
    if float(data.get("RescaleSlope") or 1) < 0:
        msg = f"{path}: rescale slope {data.RescaleSlope} turns the gray scale over; export it without"
        raise ReadError(msg)
    return data, index


def _frames(data: "Dataset") -> int:
    return int(data.get("NumberOfFrames") or 1)


def _decode(path: Path, data: "Dataset", index: int) -> Raster:
    from pydicom.pixels.utils import pixel_array

    stored, bits = int(data.get("BitsStored") or 0), int(data.BitsAllocated)
    color = str(data.PhotometricInterpretation)
    values = np.asarray(pixel_array(data, index=index, raw=True, correct_unused_bits=False))
    _check_stored(path, values, stored)
    notes: dict[str, Words] = {"format": "DICOM", "compression": Text("readers.none")}
    if str(data.get("LossyImageCompression", "")) == "01":
        notes["compression"] = Text("readers.none_after_lossy")
    notes.update(_planes.notes({"page": _frames(data)}, {"page": index}))
    if stored != bits:
        notes["bits per pixel"] = Text("readers.bits_in_use", stored=stored, bits=bits)
    alpha = _counting(data, values, notes)
    if color == "MONOCHROME1":
        values = _inverted(values, stored)
        notes["gray scale"] = Text("readers.white_is_zero_dicom")
    if any(name in data for name in ("WindowCenter", "VOILUTSequence", "RescaleSlope", "ModalityLUTSequence")):
        notes["display settings"] = Text("readers.display_not_applied")
    relation = " ".join(str(data.get(f"PixelIntensityRelationship{end}", "")) for end in ("", "Sign")).strip()
    if relation:
        notes["gray against X-ray intensity"] = relation
    found = _scale(data)
    notes.update(found.notes)
    return Raster(samples=values, notes=notes, calibration=found.calibration(), alpha=alpha)


def _scale(data: "Dataset") -> Scale:
    return spacing_scale(
        spacing=_pair(data.get("PixelSpacing")),
        detector=_pair(data.get("ImagerPixelSpacing")) or _pair(data.get("NominalScannedPixelSpacing")),
        calibrated=str(data.get("PixelSpacingCalibrationType", "") or ""),
        magnification=_positive(data.get("EstimatedRadiographicMagnificationFactor")),
        distances=(_positive(data.get("DistanceSourceToDetector")), _positive(data.get("DistanceSourceToPatient"))),
        is_slice=str(data.get("Modality", "")) == "CT",
    )


def spacing_scale(
    *,
    spacing: tuple[float, float] | None,
    detector: tuple[float, float] | None,
    calibrated: str = "",
    magnification: float | None = None,
    distances: tuple[float | None, float | None] = (None, None),
    is_slice: bool = False,
) -> Scale:
    """Pixel size at the object from what DICOM states of spacings and magnification.

    A radiograph is larger than the object. *Imager Pixel Spacing* is always at the detector; *Pixel Spacing* is at
    the object only when it says how it was calibrated, or differs from the former. Where neither is so and no
    magnification is stated, nobody can tell the size at the object.

    Parameters
    ----------
    spacing : tuple of float, optional
        Pixel Spacing (0028,0030): between rows, between columns. [mm]
    detector : tuple of float, optional
        Imager Pixel Spacing (0018,1164), or Nominal Scanned Pixel Spacing (0018,2010) of a film. [mm]
    calibrated : str
        Pixel Spacing Calibration Type (0028,0A02): GEOMETRY, FIDUCIAL or nothing.
    magnification : float, optional
        Estimated Radiographic Magnification Factor (0018,1114). [1]
    distances : tuple of float
        Source to detector (0018,1110) and source to object (0018,1111; in DICOM the patient). [mm]
    is_slice : bool
        A computed tomogram, whose Pixel Spacing is at the object.

    References
    ----------
    DICOM PS3.3, section 10.7.1 (Basic Pixel Spacing Calibration Macro); ASTM E2339 (DICONDE) takes it over.
    """
    to_detector, to_object = distances
    by_distances = to_detector / to_object if to_detector and to_object else None
    if magnification and by_distances and abs(magnification / by_distances - 1) > AGREEMENT:
        return _refused(
            "readers.dicom_magnifications",
            factor=magnification,
            one=to_detector,
            other=to_object,
            ratio=by_distances,
        )
    factor = magnification or by_distances
    if factor is not None and factor < 1:
        return _refused("readers.dicom_never_smaller", factor=factor)
    if spacing is None and detector is None:
        return Scale(note=Text("readers.no_scale_in_file"))
    is_detector = spacing is None or (detector is not None and not calibrated and _near(spacing, detector, 1e-4))
    if not is_detector and spacing is not None:
        if detector is None and not calibrated and not is_slice:
            size = f"{spacing[1]:g} mm"
            if factor is not None:
                size = Text("readers.dicom_with_magnification", spacing=spacing[1], factor=factor)
            return _refused("readers.dicom_where_unsaid", size=size)
        if detector is not None and not is_slice and spacing[1] > detector[1] * (1 + AGREEMENT):
            return _refused("readers.dicom_spacings", object=spacing[1], detector=detector[1])
        if detector is not None and factor and not _near(spacing, (detector[0] / factor, detector[1] / factor)):
            return _refused("readers.dicom_contradict", spacing=spacing[1], imager=detector[1] / factor)
        what = Text("readers.dicom_calibrated_by", by=calibrated.lower()) if calibrated else "DICOM PixelSpacing"
        return scale_of(spacing[1] * 1e3, spacing[0] * 1e3, what)
    plane = detector or spacing or (inf, inf)
    if factor is None:
        return _refused("readers.dicom_of_detector", spacing=plane[1])
    what = Text("readers.dicom_over_magnification", spacing=plane[1], factor=factor)
    return scale_of(plane[1] * 1e3 / factor, plane[0] * 1e3 / factor, what)


def _refused(key: str, **values: Value) -> Scale:
    return Scale(note=Text(key, **values), refused=True)


def _near(one: tuple[float, float], other: tuple[float, float], within: float = AGREEMENT) -> bool:
    return all(abs(a / b - 1) <= within for a, b in zip(one, other, strict=True))


def _pair(value: Any) -> tuple[float, float] | None:
    """Spacing between rows and between columns; None when it is missing, empty or zero. [mm]"""
    if value is None or isinstance(value, (str, bytes, float)) or len(value) != 2:
        return None
    rows, columns = (_positive(item) for item in value)
    return (rows, columns) if rows and columns else None


def _positive(value: Any) -> float | None:
    number = float(value) if value not in (None, "") else 0.0
    return number if 0 < number < inf else None


def _frame(path: Path, frames: int, which: Selection) -> int:
    axis = "page" if which.time is None else "time"  # a frame is called either; both is one too many
    return _planes.chosen(path, {axis: frames}, which)[axis]


def _check_stored(path: Path, values: Samples, stored: int) -> None:
    """Refuse values above the stored bits: drawings in old files, or a wrong header; cut off, values would wrap."""
    signed = values.dtype.kind == "i"
    low, high = (-(2 ** (stored - 1)), 2 ** (stored - 1) - 1) if signed else (0, 2**stored - 1)
    if stored < 1 or int(values.min()) < low or int(values.max()) > high:
        found = f"{int(values.min())} ... {int(values.max())}"
        msg = f"{path}: values {found} do not fit into the {stored} bits that the header states; export it again"
        raise ReadError(msg)


def _counting(data: "Dataset", values: Samples, notes: dict[str, Words]) -> NDArray[np.bool_] | None:
    """Pixels that are no padding; None when no padding is stated."""
    padding = data.get("PixelPaddingValue")
    if not isinstance(padding, int) or values.ndim != 2:
        return None
    limit = data.get("PixelPaddingRangeLimit")
    low, high = sorted((padding, limit if isinstance(limit, int) else padding))
    counts: NDArray[np.bool_] = (values < low) | (values > high)
    if counts.all():
        return None
    notes["padding"] = Text("readers.padding_left_out", count=int(np.count_nonzero(~counts)), padding=padding)
    return counts


def _inverted(values: Samples, stored: int) -> Samples:
    if values.dtype.kind == "i":
        return ~values  # -1 - v
    inverted: Samples = values.dtype.type(2**stored - 1) - values
    return inverted
