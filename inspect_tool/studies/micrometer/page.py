"""The one-page report of a calibration: what was found, on what, with which uncertainty, and the chain behind it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from inspect_tool import __version__
from inspect_tool.languages import ENGLISH, Text, Words, joined, localized, translated
from inspect_tool.model import Calibration, CalibrationRecord, Chart, Mark, Micrograph, Series
from inspect_tool.report import charts, field_pictures, text
from inspect_tool.report.render import render_page
from inspect_tool.report.template import data_uri
from inspect_tool.statistics.uncertainty import effective_dof
from inspect_tool.studies.micrometer.lines import LineFamily

_PICTURE_PX = 1000
_MOST_ROWS = 6  # readings that are printed; all of them stand in the file
_LABELS = 6  # line numbers on a picture


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MeasuredImage:
    """One image of the reference, its lines, and the pixel size along the axis of each family. [um/px]"""

    micrograph: Micrograph
    families: tuple[LineFamily, ...]
    pixel_um: tuple[float, ...] = ()


def page(
    record: CalibrationRecord,
    images: Sequence[MeasuredImage],
    warnings: Sequence[Words],
    identifier: str,
    folder: Path,
    template: Path,
    language: str = ENGLISH,
) -> str:
    """Render the report of a calibration to HTML for paper.

    Parameters
    ----------
    record : CalibrationRecord
        What is stated.
    images : sequence of MeasuredImage
        What it was read from.
    warnings : sequence of str
        What is to be read with it.
    identifier : str
        Number of the report.
    folder, template : Path
        Where it is written; the template folder.
    language : str
        Of the words of the page.
    """
    budget = sorted(record.budget, key=lambda line: -line.u)
    total = sum(line.u**2 for line in budget)
    pictures = tuple(_pictures(record, images))
    values: dict[str, object] = {
        "record": record,
        "identifier": identifier,
        "answers": _answers(record),
        "facts": _facts(record),
        "pictures": pictures,
        "chart": _deviations(images, 84.0 if len(pictures) == 1 else 56.0, language),
        "budget": tuple({"line": line, "share": line.u**2 / total if total else 0.0} for line in budget),
        "u": np.sqrt(total),
        "dof": effective_dof(record.budget),
        "readings": tuple(_rows(record, language)[:_MOST_ROWS]),
        "more_readings": max(0, len(record.readings) - _MOST_ROWS),
        "found": _found(record, images),
        "chain": _chain(record, images),
        "warnings": tuple(warnings),
        "software": f"inspect_tool {__version__}",
    }
    return render_page("calibration.html.j2", translated(values, language), folder, template, "print", language)


def _answers(record: CalibrationRecord) -> tuple[dict[str, Words], ...]:
    """Pixel size of each axis with its expanded uncertainty, as text."""
    sides = [(Text("calibration.along_both"), record.pixel_um)]
    if record.pixel_y_um is not None:
        sides = [
            (Text("calibration.along_x"), record.pixel_um),
            (Text("calibration.along_y"), record.pixel_y_um),
        ]
    stated = record.u_rel > 0 and record.coverage_factor is not None
    how = Text("page.uncertainty_not_stated")
    if stated:
        factor = text.number(record.coverage_factor, 3)
        how = Text("calibration.u_is", u=text.number(record.u_rel, 3), k=factor)
    return tuple(
        {
            "what": what,
            "value": Text(
                "calibration.per_px",
                size=text.pm(size, (record.coverage_factor or 0) * record.u_rel * size if stated else None, "um"),
            ),
            "how": how,
        }
        for what, size in sides
    )


def _facts(record: CalibrationRecord) -> tuple[tuple[Words, Words], ...]:
    size = f"{record.image_px[1]} × {record.image_px[0]} px" if record.image_px else ""
    return (
        (Text("calibration.instrument"), record.instrument),
        (Text("calibration.objective"), record.objective),
        (Text("calibration.zoom"), "" if record.zoom is None else text.figure(f"{record.zoom:g}")),
        (Text("calibration.camera"), record.camera),
        (Text("calibration.binning"), "" if record.binning is None else str(record.binning)),
        (Text("calibration.images_of"), size),
        (Text("calibration.operator"), record.operator),
        (Text("calibration.due"), text.day(record.due) if record.due else ""),
    )


def _chain(record: CalibrationRecord, images: Sequence[MeasuredImage]) -> tuple[tuple[Words, Words], ...]:
    """From the certificate to the pixel: what the number rests on, each step as name and text."""
    certificate: list[Words] = [record.certificate]
    if record.certificate and record.issued:
        certificate.append(Text("calibration.certificate_issued", day=text.day(record.issued)))
    if record.certificate and record.u_certificate_um is not None:
        certificate.append(Text("calibration.certificate_u", u=text.number(record.u_certificate_um, 3)))
    return (
        (Text("calibration.certificate"), joined("", certificate)),
        (Text("calibration.reference"), record.reference),
        (Text("calibration.pitch"), Text("calibration.pitch_text", pitch=text.as_given(record.pitch_um))),
        (Text("calibration.measured"), _measured(record, len(images))),
    )


def _measured(record: CalibrationRecord, images: int) -> Words:
    """Say what was read, and over which lengths."""
    spans = [reading.length_um for reading in record.readings]
    low, high = text.number(min(spans), 4), text.number(max(spans), 4)
    pictures, readings = text.plural(images, "image"), text.plural(len(record.readings), "reading")
    if low == high:
        return Text("calibration.measured_text_one", images=pictures, readings=readings, low=low)
    return Text("calibration.measured_text", images=pictures, readings=readings, low=low, high=high)


def _found(record: CalibrationRecord, images: Sequence[MeasuredImage]) -> tuple[tuple[Words, Words], ...]:
    """Figures of evenness, each as name and text."""
    families = [family for image in images for family in image.families]
    along, across = (max(family.covered[i] for family in families) for i in (0, 1))
    shape = Text("calibration.not_measured")
    if record.x_over_y_percent is not None:
        percent = text.with_unit(text.short(abs(record.x_over_y_percent), 2), "%")
        wider = record.x_over_y_percent > 0
        shape = Text("calibration.wider" if wider else "calibration.higher", percent=percent)
    off_um, off_px = (text.number(value, 2) for value in (record.non_linearity_um, record.non_linearity_px))
    distortion = Text("calibration.distortion_none")
    if record.local_scale_percent is not None:
        low, high = (f"{share:+.2g}".replace("-", text.MINUS) for share in record.local_scale_percent)
        distortion = Text("calibration.distortion_text", low=low, high=high)
    return (
        (Text("calibration.pixel_shape"), shape),
        (Text("calibration.non_linearity"), Text("calibration.non_linearity_text", um=off_um, px=off_px)),
        (Text("calibration.distortion"), distortion),
        (
            Text("calibration.field_seen"),
            Text("calibration.field_seen_text", along=100 * along, across=100 * across),
        ),
    )


def _rows(record: CalibrationRecord, language: str) -> list[dict[str, str]]:
    def number(printed: str) -> str:
        return localized(printed.replace("-", text.MINUS), language)

    return [
        {
            "image": reading.image,
            "axis": reading.axis,
            "lines": str(reading.lines),
            "length": number(f"{reading.length_um:g}"),
            "px": number(text.number(reading.length_px[0], 7)),
            "tilt": text.NO_VALUE if reading.tilt_deg is None else number(f"{reading.tilt_deg:.2f}"),
            "pixel": number(text.number(reading.length_um / reading.length_px[0], 6)),
        }
        for reading in record.readings
    ]


def _pictures(record: CalibrationRecord, images: Sequence[MeasuredImage]) -> list[dict[str, Words]]:
    """The first image of each axis with its lines; a grid once."""
    shown: list[MeasuredImage] = []
    for axis in ("x", "y"):
        first = next((image for image in images if any(family.axis == axis for family in image.families)), None)
        if first is not None and first not in shown:
            shown.append(first)
    return [_picture(record, image) for image in shown]


def _picture(record: CalibrationRecord, image: MeasuredImage) -> dict[str, Words]:
    scale = Calibration(pixel_um=record.pixel_um, pixel_y_um=record.pixel_y_um)
    jpeg, ratio = field_pictures.field_picture(replace(image.micrograph, calibration=scale), _PICTURE_PX)
    size = field_pictures.picture_size(image.micrograph.pixels.shape, ratio)
    marks = [mark for family in image.families for mark in _marks(family)]
    layers = list(field_pictures.mark_layers(marks, ratio, size).values())
    axes = tuple(family.axis for family in image.families)
    lines = tuple(str(len(family.numbers)) for family in image.families)
    return {
        "src": data_uri(field_pictures.composite(jpeg, layers, _PICTURE_PX), "image/jpeg"),
        "caption": Text("calibration.caption", image=image.micrograph.path, lines=lines, axes=axes),
        "alt": Text("calibration.alt_picture", image=image.micrograph.path),
    }


def _marks(family: LineFamily) -> list[Mark]:
    """Course of every line as it was read, and some of their numbers."""
    across = 1 if family.axis == "x" else 2
    marks = []
    step = max(1, 5 * round(len(family.numbers) / _LABELS / 5))
    for number in family.numbers.tolist():
        course = family.points[family.points[:, 0] == number]
        course = course[np.argsort(course[:, across])]
        parts = [part[:, 1:].mean(axis=0) for part in np.array_split(course, min(len(course), 6))]
        ends = [course[0, 1:], *parts, course[-1, 1:]]
        label = str(number) if number % step == 0 else ""
        path = tuple((float(row), float(column)) for row, column in ends)
        marks.append(Mark(kind="path", points=path, style="hit", layer="lines", label=label))
    return marks


def _reach(image: MeasuredImage, axis: str) -> int:
    """Distance of the outermost pixels along an axis. [px]"""
    return image.micrograph.pixels.shape[1 if axis == "x" else 0] - 1


def _deviations(images: Sequence[MeasuredImage], width_mm: float, language: str) -> dict[str, Words]:
    """Chart of the distance of each line from its place on an even scale."""
    series = []
    for axis in ("x", "y"):
        points = [
            (100 * float(center) / _reach(image, axis), float(deviation) * size)
            for image in images
            for family, size in zip(image.families, image.pixel_um, strict=True)
            if family.axis == axis
            for center, deviation in zip(family.centers_px, family.deviations_px, strict=True)
        ]
        if points:
            at, off = zip(*points, strict=True)
            series.append(Series(name=Text("calibration.along", axis=axis), x=at, y=off))
    chart = Chart(
        kind="points",
        title=Text("calibration.chart"),
        x_label=Text("calibration.chart_x"),
        y_label=Text("calibration.chart_y"),
        series=tuple(series),
    )
    svg = charts.chart_svg(translated(chart, language), width_mm, 0.75 * width_mm, language)
    return {"title": chart.title, "svg": data_uri(svg.encode(), "image/svg+xml")}
