"""What ``inspect-tool calibrate IMAGE`` asks for and prints: from words to values, and back."""

import re
from dataclasses import asdict
from pathlib import Path

from inspect_tool.errors import CalibrationError, SettingsError
from inspect_tool.images.readers import read
from inspect_tool.model import Selection
from inspect_tool.scale.bar import picture
from inspect_tool.scale.bar.reading import BarReading, by_hand, read_bar
from inspect_tool.units import convert

_HAND = "by hand: --line x1,y1,x2,y2 --length 200um"


def measure(
    path: Path, *, which: Selection = Selection(), line: str = "", length: str = "", out: Path | None = None
) -> BarReading:
    """Scale of an image from the bar burned into it, or from two points that a person picked.

    Parameters
    ----------
    path : Path
        The image.
    which : Selection
        Plane of a file with several.
    line, length : str
        "x1,y1,x2,y2" in pixels and "200um": by hand, without looking for a bar. Both or none.
    out : Path, optional
        PNG that shows what was read; also what was seen and not read.

    Raises
    ------
    ReadError, SettingsError, OutputError
        The image cannot be read, an option is wrong, the picture cannot be written.
    """
    if bool(line) != bool(length):
        msg = f"--{'line' if line else 'length'} alone is not enough; give both {_HAND}"
        raise SettingsError(msg)
    image = read(path, which)
    if line:
        points = parse_line(line)
        height, width = image.pixels.shape
        if not all(-1 <= x <= width and -1 <= y <= height for x, y in (points[:2], points[2:])):
            msg = f"--line {line}: lies outside the image of {width} x {height} px (columns x rows)"
            raise SettingsError(msg)
        reading = by_hand(points, parse_length(length))
    else:
        reading = read_bar(image.pixels, image.color)
    if out is not None:
        picture.write(out, picture.evidence(image.pixels, image.color, reading))
    return reading


def parse_line(text: str) -> tuple[float, float, float, float]:
    """Four numbers separated by commas: column and row of both ends.

    >>> parse_line("10,20, 110.5,20")
    (10.0, 20.0, 110.5, 20.0)
    """
    try:
        x1, y1, x2, y2 = (float(part) for part in text.split(","))
    except ValueError:
        msg = f"--line {text}: give four numbers, column and row of both ends: --line x1,y1,x2,y2"
        raise SettingsError(msg) from None
    return x1, y1, x2, y2


def parse_length(text: str) -> float:
    """A number and its unit, nm, um (also µm) or mm, as um.

    >>> parse_length("0.2 mm")
    200.0
    """
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(nm|um|µm|μm|mm)\s*", text)
    if found is None:
        msg = f"--length {text}: give a number and nm, um or mm: --length 200um"
        raise SettingsError(msg)
    return convert(float(found.group(1)), found.group(2), "um")


def check_read(reading: BarReading, path: Path) -> None:
    """Refuse to go on without a scale.

    Raises
    ------
    CalibrationError
        No bar was read; the message says what was seen.
    """
    if reading.status != "read":
        hint = "" if "--line" in reading.note else f"; give it {_HAND}"
        msg = f"{path}: no scale: {reading.note}{hint}"
        raise CalibrationError(msg)


def summary(reading: BarReading, path: Path, out: Path | None) -> list[str]:
    """Lines to print: the value and where it comes from, and the block for a job."""
    assert reading.pixel_um is not None
    assert reading.length_um is not None
    assert reading.ends is not None
    (y1, x1), (y2, x2) = reading.ends
    label = f"label '{reading.label}', " if reading.label else ""
    lines = [
        f"{path}: {reading.pixel_um:.6g} um per pixel, relative standard uncertainty {100 * reading.u_rel:.2g} %",
        f"  {label}{reading.length_um:g} um over {reading.length_px:.2f} px, {reading.style}",
        f"  from ({x1:.1f}, {y1:.1f}) to ({x2:.1f}, {y2:.1f}) (column, row)",
    ]
    if reading.footer_px:
        lines.append(f"  information bar at the bottom: footer_px = {reading.footer_px}")
    if out is not None:
        lines.append(f"  {out}: shows what was read")
    return [*lines, "", *block(reading, path)]


def block(reading: BarReading, path: Path) -> list[str]:
    """``[calibration]`` of a job, ready to paste."""
    name = path.name.replace("\\", "\\\\").replace('"', '\\"')
    source = "line measured by hand" if reading.style == "by hand" else "scale bar in the picture"
    return [
        "[calibration]",
        f"pixel_um = {reading.pixel_um:.6g}",
        f"u_rel = {reading.u_rel:.2g}",
        f'source = "{source}, {name}"',
    ]


def as_data(reading: BarReading, path: Path) -> dict[str, object]:
    """The reading as plain data for JSON."""
    return {"image": str(path), **asdict(reading)}
