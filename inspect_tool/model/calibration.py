"""What a stage micrometer or another known picture says of the scale."""

from dataclasses import dataclass
from typing import Literal

from inspect_tool.model.findings import Component
from inspect_tool.model.image import Day


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceImage:
    """An image that a calibration was read from."""

    file: str
    sha256: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationReading:
    """A known length as it appears along one axis; several ``length_px`` are repeated readings of it."""

    axis: Literal["x", "y"]
    length_um: float
    length_px: tuple[float, ...]
    image: str = ""
    lines: int | None = None  # that were read to find it
    tilt_deg: float | None = None  # of the lines; taken out of ``length_px``


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationRecord:
    """What a laboratory keeps of the calibration of one setting of an instrument: ``calibration.toml``."""

    pixel_um: float  # width of a pixel; height too where pixel_y_um is None [um/px]
    pixel_y_um: float | None = None  # height of a pixel that is not square [um/px]
    u_rel: float = 0.0  # relative standard uncertainty; 0: not stated [1]
    coverage_factor: float | None = None  # for 95 %
    laboratory: str = ""
    instrument: str = ""
    objective: str = ""
    zoom: float | None = None
    binning: int | None = None
    camera: str = ""
    image_px: tuple[int, int] | None = None  # rows and columns of the images that it was made at
    method: str = ""  # e.g. "stage micrometer"
    reference: str = ""  # the artifact and its number, e.g. "stage micrometer 1 mm / 0.01 mm, serial 20-1187"
    certificate: str = ""  # of the reference
    u_certificate_um: float | None = None  # standard uncertainty of the length between its lines, U / 2 [um]
    pitch_um: float | None = None
    x_over_y_percent: float | None = None  # how much wider than high a pixel was found [%]
    non_linearity_um: float | None = None  # largest distance of a line from its place on an even scale [um]
    non_linearity_px: float | None = None
    local_scale_percent: tuple[float, float] | None = None  # of the field against its mean; None: none shown [%]
    images: tuple[EvidenceImage, ...] = ()
    readings: tuple[CalibrationReading, ...] = ()
    budget: tuple[Component, ...] = ()  # relative, of the pixel size [1]
    operator: str = ""
    note: str = ""
    issued: Day | None = None  # of the certificate
    due: Day | None = None  # last day on which the calibration may be used
    date: Day | None = None  # of the calibration
