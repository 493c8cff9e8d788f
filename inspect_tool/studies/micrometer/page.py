"""The one-page report of a calibration: what was found, on what, with which uncertainty, and the chain behind it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from inspect_tool import __version__
from inspect_tool.model import Calibration, CalibrationRecord, Chart, Mark, Micrograph, Series
from inspect_tool.report import figures, text
from inspect_tool.report.render import data_uri, render_page
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
    warnings: Sequence[str],
    identifier: str,
    folder: Path,
    template: Path,
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
    """
    budget = sorted(record.budget, key=lambda line: -line.u)
    total = sum(line.u**2 for line in budget)
    pictures = _pictures(record, images)
    values: dict[str, object] = {
        "record": record,
        "identifier": identifier,
        "answers": _answers(record),
        "facts": _facts(record),
        "pictures": pictures,
        "chart": _deviations(images, 84.0 if len(pictures) == 1 else 56.0),
        "budget": [{"line": line, "share": line.u**2 / total if total else 0.0} for line in budget],
        "u": np.sqrt(total),
        "dof": effective_dof(record.budget),
        "readings": _rows(record)[:_MOST_ROWS],
        "more_readings": max(0, len(record.readings) - _MOST_ROWS),
        "found": _found(record, images),
        "chain": _chain(record, images),
        "warnings": warnings,
        "software": f"inspect_tool {__version__}",
    }
    return render_page("calibration.html.j2", values, folder, template, "print")


def _answers(record: CalibrationRecord) -> list[dict[str, str]]:
    """Pixel size of each axis with its expanded uncertainty, as text."""
    sides = [("Pixel size along x and y", record.pixel_um)]
    if record.pixel_y_um is not None:
        sides = [("Pixel size along x", record.pixel_um), ("Pixel size along y", record.pixel_y_um)]
    stated = record.u_rel > 0 and record.coverage_factor is not None
    return [
        {
            "what": what,
            "value": text.pm(size, (record.coverage_factor or 0) * record.u_rel * size if stated else None, "um")
            + " per px",
            "how": f"u_rel = {text.number(record.u_rel, 3)}, k = {text.number(record.coverage_factor, 3)} (95 %)"
            if stated
            else "uncertainty not stated",
        }
        for what, size in sides
    ]


def _facts(record: CalibrationRecord) -> list[tuple[str, str]]:
    size = f"{record.image_px[1]} × {record.image_px[0]} px" if record.image_px else ""
    return [
        ("Instrument", record.instrument),
        ("Objective", record.objective),
        ("Zoom", "" if record.zoom is None else f"{record.zoom:g}"),
        ("Camera", record.camera),
        ("Binning", "" if record.binning is None else str(record.binning)),
        ("Images of", size),
        ("Operator", record.operator),
        ("May be used until", text.day(record.due) if record.due else ""),
    ]


def _chain(record: CalibrationRecord, images: Sequence[MeasuredImage]) -> list[tuple[str, str]]:
    """From the certificate to the pixel: what the number rests on, each step as name and text."""
    spans = [reading.length_um for reading in record.readings]
    u = "" if record.u_certificate_um is None else f", u = {text.number(record.u_certificate_um, 3)} µm (U / 2)"
    issued = f", issued {text.day(record.issued)}" if record.issued else ""
    count = len(record.readings)
    return [
        ("Certificate", f"{record.certificate}{issued}{u}" if record.certificate else ""),
        ("Reference", record.reference),
        ("Pitch", f"{text.as_given(record.pitch_um)} µm between neighboring lines, as the laboratory states"),
        (
            "Measured",
            f"{text.plural(len(images), 'image')}, {text.plural(count, 'reading')} over {_between(spans)} µm",
        ),
    ]


def _between(values: Sequence[float]) -> str:
    low, high = text.number(min(values), 4), text.number(max(values), 4)
    return low if low == high else f"{low} to {high}"


def _found(record: CalibrationRecord, images: Sequence[MeasuredImage]) -> list[tuple[str, str]]:
    """Figures of evenness, each as name and text."""
    families = [family for image in images for family in image.families]
    along, across = (max(family.covered[i] for family in families) for i in (0, 1))
    rows = [
        (
            "Pixel shape",
            "not measured"
            if record.x_over_y_percent is None
            else f"{text.short(abs(record.x_over_y_percent), 2)} %"
            f" {'wider than high' if record.x_over_y_percent > 0 else 'higher than wide'}",
        ),
        (
            "Non-linearity",
            f"{text.number(record.non_linearity_um, 2)} µm ({text.number(record.non_linearity_px, 2)} px) at most",
        ),
    ]
    if record.local_scale_percent is None:
        rows.append(("Distortion", "none shown (F test, 1 %)"))
    else:
        low, high = record.local_scale_percent
        rows.append(("Distortion", f"scale {low:+.2g} % to {high:+.2g} % of its mean".replace("-", "−")))
    rows.append(("Field seen", f"{100 * along:.0f} % along, {100 * across:.0f} % across the axis at most"))
    return rows


def _rows(record: CalibrationRecord) -> list[dict[str, str]]:
    return [
        {
            "image": reading.image,
            "axis": reading.axis,
            "lines": str(reading.lines),
            "length": f"{reading.length_um:g}",
            "px": text.number(reading.length_px[0], 7),
            "tilt": "–" if reading.tilt_deg is None else f"{reading.tilt_deg:.2f}".replace("-", "−"),
            "pixel": text.number(reading.length_um / reading.length_px[0], 6),
        }
        for reading in record.readings
    ]


def _pictures(record: CalibrationRecord, images: Sequence[MeasuredImage]) -> list[dict[str, str]]:
    """The first image of each axis with its lines; a grid once."""
    shown: list[MeasuredImage] = []
    for axis in ("x", "y"):
        first = next((image for image in images if any(family.axis == axis for family in image.families)), None)
        if first is not None and first not in shown:
            shown.append(first)
    return [_picture(record, image) for image in shown]


def _picture(record: CalibrationRecord, image: MeasuredImage) -> dict[str, str]:
    scale = Calibration(pixel_um=record.pixel_um, pixel_y_um=record.pixel_y_um)
    jpeg, ratio = figures.field_picture(replace(image.micrograph, calibration=scale), _PICTURE_PX)
    size = figures.picture_size(image.micrograph.pixels.shape, ratio)
    marks = [mark for family in image.families for mark in _marks(family)]
    layers = list(figures.mark_layers(marks, ratio, size).values())
    axes = " and ".join(family.axis for family in image.families)
    lines = " and ".join(str(len(family.numbers)) for family in image.families)
    return {
        "src": data_uri(figures.composite(jpeg, layers, _PICTURE_PX), "image/jpeg"),
        "caption": f"{image.micrograph.path}: {lines} lines along {axes}",
        "alt": f"{image.micrograph.path} with the lines that were read",
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


def _deviations(images: Sequence[MeasuredImage], width_mm: float) -> dict[str, str]:
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
            series.append(Series(name=f"along {axis}", x=at, y=off))
    chart = Chart(
        kind="points",
        title="Distance of every line from its place on an even scale",
        x_label="Place in the field [%]",
        y_label="Distance [um]",
        series=tuple(series),
    )
    svg = figures.chart_svg(chart, width_mm, 0.75 * width_mm)
    return {"title": chart.title, "svg": data_uri(svg.encode(), "image/svg+xml")}
