"""Images of a stage micrometer or pitch grid to a calibration file and its report."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from math import sqrt
from pathlib import Path
from typing import Any

from inspect_tool import folders
from inspect_tool.errors import CalibrationError, MeasurementError, SettingsError
from inspect_tool.evidence.provenance import now
from inspect_tool.files import dump_calibration, sha256_bytes, sha256_file, write_text
from inspect_tool.images import readers
from inspect_tool.languages import ENGLISH, Text, Words
from inspect_tool.model import (
    CalibrationReading,
    CalibrationRecord,
    Component,
    EvidenceImage,
    Micrograph,
)
from inspect_tool.report.template import check_language, language_of, template_folder
from inspect_tool.report.template_process import confined
from inspect_tool.report.text import pm
from inspect_tool.scale.calibration import AGREEMENT, SAME_WITHIN
from inspect_tool.scale.laboratory_files import FILE
from inspect_tool.statistics.uncertainty import combined, coverage_factor, effective_dof, half_range
from inspect_tool.studies.micrometer.lines import measure_lines, pixel_sizes
from inspect_tool.studies.micrometer.page import MeasuredImage, page
from inspect_tool.studies.micrometer.request import Request
from inspect_tool.units import length_um

REPORT = "calibration.pdf"

_LARGEST = 1e9
_ONE_SETTING = 0.01  # images of one setting agree within this [1]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Calibrated:
    """What came out: the record that is written, the images behind it, and what to be careful about."""

    record: CalibrationRecord
    images: tuple[MeasuredImage, ...]
    warnings: tuple[Words, ...]


def calibrate(
    images: Sequence[Path],
    request: Request,
    out: Path | None = None,
    template: str = "inspection",
    language: str = "",
) -> Calibrated:
    """Measure images of a stage micrometer, a pitch grid or a dot grid, all at one setting of an instrument.

    Parameters
    ----------
    images : sequence of Path
        At least one along each axis (a grid has both), best three or more: turned, moved, focused anew.
    request : Request
    out : Path, optional
        Folder that gets ``calibration.toml`` and ``calibration.pdf``. None: nothing is written.
    template : str
        Name of a shipped template, or a folder with ``template.toml``: colors, fonts and logo of the report.
    language : str
        Of the words of the report; empty: that of the template.

    Raises
    ------
    CalibrationError
        Images of different size or scale, one axis only, or not the expected pixel size.
    MeasurementError
        An image without a micrometer that can be read; see ``measure.micrometer.measure_lines``.
    """
    _check(request)
    if out is not None:
        folders.check(out, images)
    folder = template_folder(template)
    if language:
        check_language(language, "--language")
    language = language_of(language, folder) or ENGLISH
    seen = measured((_read(path) for path in images), request.pitch_um)
    calibrated = evaluated(seen, request)
    if out is not None:
        text = dump_calibration(calibrated.record)
        made = now()
        day = calibrated.record.date or made.date()
        identifier = f"CAL-{day:%Y%m%d}-{sha256_bytes(text.encode())[:8].upper()}"
        with folders.new_folder(out, images) as target:
            write_text(target / FILE, text)
            confined(folder, len(images), _print, calibrated, seen, identifier, target, folder, text, made, language)
    return calibrated


def _print(
    calibrated: Calibrated,
    seen: tuple[MeasuredImage, ...],
    identifier: str,
    target: Path,
    template: Path,
    text: str,
    made: datetime,
    language: str,
) -> None:
    from inspect_tool.report.exporters.pdf import attachment, print_page

    html = page(calibrated.record, seen, calibrated.warnings, identifier, target, template, language)
    print_page(
        html, target / REPORT, template, identifier, [attachment(FILE, "The calibration as data", text, "Data", made)]
    )


def checked_request(stated: Mapping[str, Any]) -> Request:
    """Turn what a user writes into a request: lengths with their unit, dates as YYYY-MM-DD; "" is not stated.

    Raises
    ------
    SettingsError
        One line that names the option and what was written.
    """
    values = dict(stated)
    for name, option in (("pitch_um", "pitch"), ("u_certificate_um", "u-certificate")):
        written = values[name]
        try:
            values[name] = length_um(written) if written else None
        except SettingsError as error:
            msg = f"--{option}: {error}"
            raise SettingsError(msg) from None
    for name, option in (("issued", "issued"), ("due", "due"), ("made", "date")):
        written = values[name]
        try:
            values[name] = date.fromisoformat(written) if written else None
        except ValueError:
            msg = f"--{option}: '{written}' is not a date; write YYYY-MM-DD"
            raise SettingsError(msg) from None
    if values["pitch_um"] is None:
        msg = "--pitch: is missing; give the distance of neighboring lines, for example 10um"
        raise SettingsError(msg)
    return Request(**values)


def summary(calibrated: Calibrated) -> list[str]:
    """What came out, in a few lines for the terminal."""
    record = calibrated.record
    lines = []
    for axis, size in (("x", record.pixel_um), ("y", record.pixel_y_um)):
        if size is not None:
            name = "pixel size" if record.pixel_y_um is None else f"pixel size along {axis}"
            factor = record.coverage_factor
            expanded = None if factor is None else factor * record.u_rel * size
            lines.append(f"{name}: {pm(size, expanded, 'um')} per px" + ("" if expanded is None else " (95 %)"))
    for reading in record.readings:
        size = reading.length_um / reading.length_px[0]
        lines.append(f"  {reading.image}, {reading.axis}: {size:.6g} um per px from {reading.lines} lines")
    return [*lines, *(f"note: {warning}" for warning in calibrated.warnings)]


def _check(request: Request) -> None:
    """Refuse what cannot be meant before an image is read."""
    for name in ("pitch_um", "expected_um", "u_certificate_um", "zoom", "binning"):
        value = getattr(request, name)
        if value is not None and not 0 < value < _LARGEST:
            msg = f"calibrate: {name.removesuffix('_um').replace('_', ' ')} is {value:g}, must be > 0"
            raise SettingsError(msg)
    if request.u_certificate_um is not None and request.u_certificate_um > request.pitch_um:
        msg = f"calibrate: the certificate's uncertainty, {request.u_certificate_um:g} um, is larger than the pitch"
        raise SettingsError(msg)
    if request.due is not None and request.due < (request.made or now().date()):
        msg = f"calibrate: due {request.due.isoformat()} lies before the calibration"
        raise SettingsError(msg)


def _read(path: Path) -> Micrograph:
    return replace(readers.read(path), path=path.name, sha256=sha256_file(path))


def measured(micrographs: Iterable[Micrograph], pitch_um: float) -> tuple[MeasuredImage, ...]:
    """Measure the lines in images of one setting, and the pixel size that each family of them gives.

    Raises
    ------
    CalibrationError
        The same picture twice, or another size.
    MeasurementError
        An image without lines that can be used.
    """
    found: list[MeasuredImage] = []
    for micrograph in micrographs:
        for other in found:
            if micrograph.sha256 and micrograph.sha256 == other.micrograph.sha256:
                msg = f"{micrograph.path}: the same picture as {other.micrograph.path}; a picture counts once"
                raise CalibrationError(msg)
            if micrograph.pixels.shape != other.micrograph.pixels.shape:
                (h, w), (h0, w0) = micrograph.pixels.shape, other.micrograph.pixels.shape
                msg = (
                    f"{micrograph.path}: {w} x {h} px, but {other.micrograph.path} has {w0} x {h0} px;"
                    " all images of one setting have one size"
                )
                raise CalibrationError(msg)
        try:
            families = measure_lines(micrograph.pixels)
        except MeasurementError as error:
            msg = f"{micrograph.path}: {error}"
            raise MeasurementError(msg) from None
        found.append(MeasuredImage(micrograph=micrograph, families=families))
    if not found:
        msg = "calibrate: no image given"
        raise SettingsError(msg)
    sizes = iter(pixel_sizes([family for image in found for family in image.families], pitch_um))
    return tuple(replace(image, pixel_um=tuple(next(sizes) for _ in image.families)) for image in found)


def evaluated(images: Sequence[MeasuredImage], request: Request) -> Calibrated:
    """Pixel size of measured images with its uncertainty budget (relative, independent lines).

    One pixel size stands for both axes where they differ by no more than 0.5 %, or by no more than the scale
    changes across the field; the difference is a line of the budget then.
    """
    x, y = (_along(images, axis) for axis in ("x", "y"))
    if not (x and y) and not request.square:
        have, lack = ("x", "y") if x else ("y", "x")
        msg = (
            f"the lines follow each other along {have} in every image, so that nothing tells the pixel size along"
            f" {lack}: add an image with the micrometer turned by 90 degrees, or say --square-pixels if you know it"
        )
        raise CalibrationError(msg)
    means = [sum(values) / len(values) for values in (x, y) if values]
    for image in images:
        for family, size in zip(image.families, image.pixel_um, strict=True):
            mean = means[0] if family.axis == "x" or len(means) == 1 else means[1]
            if abs(size / mean - 1) > _ONE_SETTING:
                msg = (
                    f"{image.micrograph.path}: {size:.6g} um per pixel along {family.axis}, the mean of all images is"
                    f" {mean:.6g}; they are not of one setting, or the lines of one were not all seen"
                )
                raise CalibrationError(msg)
    local = _local(images)
    difference = means[0] / means[-1] - 1
    one = abs(difference) <= max(SAME_WITHIN, half_range(local or ()) * sqrt(3))
    pixel_um = sum(means) / len(means) if one else means[0]
    lines = _budget(images, request, means, one=one, local=local)
    budget = tuple(replace(line, u=_rounded(line.u, 4)) for line in lines)
    complete = request.u_certificate_um is not None
    families = [(family, size) for image in images for family, size in zip(image.families, image.pixel_um, strict=True)]
    worst, size = max(families, key=lambda pair: pair[0].largest_deviation_px * pair[1])
    warnings = tuple(_warnings(images, request, means, pixel_um))
    height, width = images[0].micrograph.pixels.shape
    record = CalibrationRecord(
        pixel_um=_rounded(pixel_um, 8),
        pixel_y_um=None if one else _rounded(means[-1], 8),
        u_rel=_rounded(combined(budget), 4) if complete else 0.0,
        coverage_factor=_rounded(coverage_factor(effective_dof(budget)), 4) if complete else None,
        laboratory=request.laboratory,
        instrument=request.instrument,
        objective=request.objective,
        zoom=request.zoom,
        binning=request.binning,
        camera=request.camera,
        image_px=(height, width),
        method="stage micrometer",
        reference=request.reference,
        certificate=request.certificate,
        u_certificate_um=request.u_certificate_um,
        pitch_um=request.pitch_um,
        x_over_y_percent=_rounded(100 * difference, 3) if x and y else None,
        non_linearity_um=_rounded(worst.largest_deviation_px * size, 3),
        non_linearity_px=_rounded(worst.largest_deviation_px, 3),
        local_scale_percent=None if local is None else (_rounded(100 * local[0], 3), _rounded(100 * local[1], 3)),
        images=tuple(EvidenceImage(file=i.micrograph.path, sha256=i.micrograph.sha256) for i in images),
        readings=tuple(_readings(images, request.pitch_um)),
        budget=budget,
        operator=request.operator,
        note="; ".join(warnings),
        issued=request.issued,
        due=request.due,
        date=request.made or now().date(),
    )
    expected = request.expected_um
    if expected is not None and abs(pixel_um / expected - 1) > AGREEMENT:
        msg = (
            f"{pixel_um:.6g} um per pixel was measured, {expected:.6g} was expected: ratio {pixel_um / expected:.4g};"
            " look at the pitch (are all short lines seen?), the objective, the zoom and the binning"
        )
        raise CalibrationError(msg)
    return Calibrated(record=record, images=tuple(images), warnings=warnings)


def _along(images: Iterable[MeasuredImage], axis: str) -> list[float]:
    return [
        size
        for image in images
        for family, size in zip(image.families, image.pixel_um, strict=True)
        if family.axis == axis
    ]


def _local(images: Sequence[MeasuredImage]) -> tuple[float, float] | None:
    """Range of the scale within the field; None where it does not show.

    Distortion belongs to the instrument, so it shows in every image along an axis; what one image alone shows is dirt.
    """
    shown: list[tuple[float, float]] = []
    for axis in ("x", "y"):
        along = [family.local for image in images for family in image.families if family.axis == axis]
        found = [local for local in along if local is not None]
        if 2 * len(found) > len(along):
            shown += found
    return (min(low for low, _ in shown), max(high for _, high in shown)) if shown else None


def _readings(images: Iterable[MeasuredImage], pitch_um: float) -> Iterable[CalibrationReading]:
    for image in images:
        for family, size in zip(image.families, image.pixel_um, strict=True):
            length_um = float(family.numbers[-1] - family.numbers[0]) * pitch_um
            yield CalibrationReading(
                axis=family.axis,
                length_um=length_um,
                length_px=(_rounded(length_um / size, 8),),
                image=image.micrograph.path,
                lines=len(family.numbers),
                tilt_deg=round(family.tilt_deg, 3),
            )


def _budget(
    images: Sequence[MeasuredImage],
    request: Request,
    means: Sequence[float],
    *,
    one: bool,
    local: tuple[float, float] | None,
) -> tuple[Component, ...]:
    """Lines of the budget, relative to the pixel size."""
    families = [family for image in images for family in image.families]
    by_axis = [[family for family in families if family.axis == axis] for axis in ("x", "y")]
    by_axis = [group for group in by_axis if group]
    lines: list[Component] = []
    if request.u_certificate_um is not None:
        per_length = [
            request.u_certificate_um / (request.pitch_um * float(family.numbers[-1] - family.numbers[0]))
            for family in families
        ]
        basis = Text("calibration.basis_certificate", u=request.u_certificate_um)
        name = Text("calibration.line_certificate")
        lines.append(Component(name=name, u=sum(per_length) / len(per_length), kind="B", basis=basis))
    of_axis = [sqrt(sum(family.u_rel**2 for family in group)) / len(group) for group in by_axis]
    reading = sqrt(sum(u**2 for u in of_axis)) / len(of_axis) if one else max(of_axis)
    count = sum(len(family.numbers) for family in families)
    lines.append(
        Component(
            name=Text("calibration.line_reading"),
            u=reading,
            kind="A",
            dof=sum(family.dof for family in families),
            basis=Text("calibration.basis_reading", n=count),
        )
    )
    dof = len(families) - len(by_axis)
    if dof > 0:
        squares = 0.0
        for group, mean in zip(by_axis, means, strict=True):
            squares += sum((size / mean - 1) ** 2 for size in _along(images, group[0].axis))
        per_axis = [squares / dof / len(group) for group in by_axis]
        scatter = sum(per_axis) / len(per_axis) ** 2 if one else max(per_axis)
        lines.append(
            Component(
                name=Text("calibration.line_repeatability"),
                u=sqrt(max(0.0, scatter - reading**2)),
                kind="A",
                dof=dof,
                basis=Text("calibration.basis_repeatability", n=len(families)),
            )
        )
    if one and len(means) == 2:
        relative = [mean / (sum(means) / 2) for mean in means]
        lines.append(
            Component(
                name=Text("calibration.line_difference"),
                u=half_range(relative),
                kind="B",
                basis=Text("calibration.basis_difference", percent=100 * abs(means[0] / means[1] - 1)),
            )
        )
    if local is not None:
        lines.append(
            Component(
                name=Text("calibration.line_non_linearity"),
                u=max(-local[0], local[1]) / sqrt(3),
                kind="B",
                basis=Text("calibration.basis_local_scale", low=_signed(local[0]), high=_signed(local[1])),
            )
        )
    else:
        largest = max(
            family.largest_deviation_px / (family.spacing_px * float(family.numbers[-1] - family.numbers[0]))
            for family in families
        )
        lines.append(
            Component(
                name=Text("calibration.line_non_linearity"),
                u=sqrt(2 / 3) * largest,
                kind="B",
                basis=Text("calibration.basis_largest_deviation"),
            )
        )
    return tuple(lines)


def _signed(share: float) -> str:
    return f"{100 * share:+.2g}".replace("-", "−")


def _rounded(value: float, digits: int) -> float:
    """Value as the file holds it: more digits than its uncertainty allows mean nothing."""
    return float(f"{value:.{digits}g}")


def _warnings(
    images: Sequence[MeasuredImage], request: Request, means: Sequence[float], pixel_um: float
) -> Iterable[Words]:
    if request.u_certificate_um is None:
        yield Text("calibration.warning_no_certificate_u")
    if len(means) == 1:
        yield Text("calibration.warning_one_axis")
    readings = sum(len(image.families) for image in images)
    if readings == len(means):
        yield Text("calibration.warning_one_reading")
    for image in images:
        name = image.micrograph.path
        for family in image.families:
            axis = family.axis
            if family.outliers:
                yield Text(
                    "calibration.warning_outliers", image=name, axis=axis, lines=tuple(map(int, family.outliers))
                )
            if family.missing:
                yield Text("calibration.warning_missing", image=name, axis=axis, lines=tuple(map(int, family.missing)))
    own = {image.micrograph.calibration.pixel_um for image in images} - {None}
    for value in sorted(value for value in own if value is not None):
        if abs(pixel_um / value - 1) > AGREEMENT:
            yield Text("calibration.warning_files_say", stated=value, ratio=pixel_um / value)
