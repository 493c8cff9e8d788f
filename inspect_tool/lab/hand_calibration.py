"""A scale that a person placed by hand, kept for one image or as the calibration of an instrument."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Literal, TypeAlias

from inspect_tool.errors import OutputError, SettingsError
from inspect_tool.evidence import audit
from inspect_tool.evidence.provenance import now
from inspect_tool.files import dump_calibration, sha256_bytes, write_whole
from inspect_tool.lab import intake, intake_reading
from inspect_tool.lab.database import Lab
from inspect_tool.lab.file_names import safe_name
from inspect_tool.lab.intake import Given
from inspect_tool.lab.intake_reading import Picture
from inspect_tool.model import Calibration, CalibrationRecord, EvidenceImage
from inspect_tool.scale.calibration import check_stated
from inspect_tool.scale.standing import ON_BAR
from inspect_tool.scale.two_points import Line, TwoPoints, record, two_points

What: TypeAlias = Literal["bar", "micrometer"]

METHODS: dict[What, str] = {"bar": ON_BAR, "micrometer": "two points on a stage micrometer"}
"""How a calibration file names what the ends belong to."""

_NO_TOLERANCE = (
    "the tolerance of the length is not stated; the certificate of the stage micrometer says it, such as 0.5 µm"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """What a person placed and said of it."""

    what: What
    lines: tuple[Line, ...]
    length_um: float  # between the ends [um]
    tolerance_um: float | None  # None: not stated [um]


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument:
    """What a calibration of an instrument says beside the size of a pixel."""

    instrument: str
    objective: str
    zoom: float | None = None
    reference: str = ""
    certificate: str = ""
    due: date | None = None  # last day on which it may be used


def picture(lab: Lab, given: Given) -> Picture:
    """The picture of an image in which ends are placed; it is drawn once and kept.

    Raises
    ------
    ReadError, SettingsError
        The image cannot be read, or nothing of it is kept.
    """
    path = intake.file_of(lab, given)
    kept = intake.picture_file(lab, given.id)
    if kept.exists() and given.rows is not None and given.columns is not None:
        step_px = max(1.0, max(given.rows, given.columns) / intake_reading.PICTURE_PX)
        return Picture(jpeg=kept.read_bytes(), rows=given.rows, columns=given.columns, step_px=step_px)
    made = intake_reading.picture(path, given.name)
    try:
        write_whole(kept, made.jpeg)
    except OSError as error:
        msg = f"{given.name}: its picture cannot be kept: {error.strerror}"
        raise OutputError(msg) from None
    return made


def reckoned(given: Given, placed: Placed) -> TwoPoints:
    """Size of a pixel of an image from what was placed on it.

    Raises
    ------
    SettingsError
        An end lies outside the image, or see ``two_points``.
    """
    rows, columns = given.rows or 0, given.columns or 0
    for x1, y1, x2, y2 in placed.lines:
        if not all(-1 <= x <= columns and -1 <= y <= rows for x, y in ((x1, y1), (x2, y2))):
            msg = f"an end lies outside the image of {columns} x {rows} px"
            raise SettingsError(msg)
    step_px = max(1.0, max(rows, columns) / intake_reading.PICTURE_PX)
    return two_points(placed.lines, placed.length_um, tolerance_um=placed.tolerance_um, step_px=step_px)


def keep_for_image(lab: Lab, given: Given, placed: Placed, by: str) -> Given:
    """Keep what was placed as one more voice on the scale of an image; its scale is judged anew.

    Raises
    ------
    SettingsError
        See ``reckoned``; or the length of a micrometer is without its tolerance.
    """
    if placed.what == "micrometer" and placed.tolerance_um is None:
        raise SettingsError(_NO_TOLERANCE)
    text = dump_calibration(_record(given, placed, by))
    return intake.calibrated(lab, given.id, by_hand=text.encode())


def keep_for_instrument(lab: Lab, given: Given, placed: Placed, instrument: Instrument, by: str) -> Path:
    """Keep what was placed as the calibration of an instrument; an earlier one is put aside, and the trail says so.

    Returns
    -------
    Path
        Of the new file in ``calibrations/``.

    Raises
    ------
    SettingsError
        Instrument, objective or tolerance are not stated, the ends are those of a scale bar, or it may not be used any
        more today.
    """
    if not (instrument.instrument and instrument.objective):
        msg = "a calibration is kept for an instrument and its objective: state both"
        raise SettingsError(msg)
    if placed.what == "bar":
        msg = "a scale bar is drawn by the instrument itself and proves nothing of it: place ends on a stage micrometer"
        raise SettingsError(msg)
    if placed.tolerance_um is None:
        raise SettingsError(_NO_TOLERANCE)
    if instrument.due is not None and instrument.due < now().date():
        msg = f"valid until {instrument.due.isoformat()}: this day is over"
        raise SettingsError(msg)
    made = replace(
        _record(given, placed, by),
        laboratory=lab.name,
        instrument=instrument.instrument,
        objective=instrument.objective,
        zoom=instrument.zoom,
        reference=instrument.reference,
        certificate=instrument.certificate,
        due=instrument.due,
    )
    check_stated(Calibration(pixel_um=made.pixel_um, u_rel=made.u_rel, zoom=made.zoom), "calibration")
    zoom = "" if instrument.zoom is None else f" {instrument.zoom:g}x"
    name = safe_name(f"{instrument.instrument} {instrument.objective}{zoom}".replace("/", "-").replace("\\", "-"))
    path = lab.folder / "calibrations" / f"{name}.toml"
    _replaced(path, dump_calibration(made).encode(), by, lab)
    return path


def _replaced(path: Path, data: bytes, by: str, lab: Lab) -> None:
    old = None
    try:
        path.parent.mkdir(exist_ok=True)
        if path.exists():
            before = path.read_bytes()
            old = sha256_bytes(before)
            earlier = path.parent / "earlier"  # which is no place where jobs look for calibrations
            earlier.mkdir(exist_ok=True)
            write_whole(earlier / f"{path.stem} {old[:12]}.toml", before)
        write_whole(path, data)
    except OSError as error:
        msg = f"{path}: cannot be written: {error.strerror}"
        raise OutputError(msg) from None
    audit.append(
        lab.reports,
        audit.Event(
            event="settings change",
            subject=f"calibrations/{path.name}",
            reason="calibrated by hand",
            old=old,
            new=sha256_bytes(data),
            user=by,
        ),
    )


def _record(given: Given, placed: Placed, by: str) -> CalibrationRecord:
    found = reckoned(given, placed)
    made = record(
        found,
        placed.lines,
        placed.length_um,
        EvidenceImage(file=given.name, sha256=given.sha256),
        (given.rows or 0, given.columns or 0),
    )
    return replace(made, method=METHODS[placed.what], operator=by, date=now().date())


def lines_of(text: str) -> tuple[Line, ...]:
    """Placements as a page sends them: column and row of both ends, a semicolon between two placements.

    Raises
    ------
    SettingsError

    >>> lines_of("10,5,110.5,5;10,5,110,5")
    ((10.0, 5.0, 110.5, 5.0), (10.0, 5.0, 110.0, 5.0))
    """
    try:
        found: Sequence[list[float]] = [[float(part) for part in line.split(",")] for line in text.split(";") if line]
        return tuple((x1, y1, x2, y2) for x1, y1, x2, y2 in found)
    except ValueError:
        msg = f"placements '{text[:40]}': each has four numbers, column and row of both ends"
        raise SettingsError(msg) from None
