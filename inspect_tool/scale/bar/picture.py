"""Picture of what was read: the field with the box of bar and label, the bar enlarged with its ends, and the value."""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from inspect_tool.errors import SettingsError
from inspect_tool.folders import new_file
from inspect_tool.model import GrayImage
from inspect_tool.scale.bar.footer import to_8bit
from inspect_tool.scale.bar.reading import BarReading

_WIDE = 1200  # of the picture [px]
_MARK, _FOOTER, _GROUND = (255, 0, 200), (0, 160, 255), (245, 245, 245)  # RGB


def evidence(pixels: GrayImage, color: NDArray[np.uint8] | None, reading: BarReading) -> NDArray[np.uint8]:
    """Draw what was read, for a person who checks it.

    Parameters
    ----------
    pixels, color : array
        As given to ``read_bar``.
    reading : BarReading
        Its answer.

    Returns
    -------
    array of uint8, (rows, columns, 3)
        RGB: the field reduced to 1200 px, the surroundings of the bar enlarged, and lines of text.
    """
    field = np.repeat(to_8bit(pixels)[:, :, None], 3, axis=2) if color is None else color
    parts = [_field(field, reading)]
    if reading.box is not None and reading.ends is not None:
        parts.append(_bar(field, reading))
    parts.append(_text(_caption(reading)))
    width = max(part.shape[1] for part in parts)
    padded = [
        cv2.copyMakeBorder(part, 0, 6, 0, width - part.shape[1], cv2.BORDER_CONSTANT, value=_GROUND) for part in parts
    ]
    return np.asarray(np.concatenate(padded), dtype=np.uint8)


def write(path: Path, picture: NDArray[np.uint8]) -> None:
    """Write a picture as PNG, whole or not at all.

    Raises
    ------
    SettingsError
        The name does not end in ``.png``.
    OutputError
        It cannot be written, or there is a file of that name.
    """
    if path.suffix.lower() != ".png":
        msg = f"{path}: the picture is written as PNG; give --out a name that ends in .png"
        raise SettingsError(msg)
    packed = cv2.imencode(".png", np.ascontiguousarray(picture[:, :, ::-1]))[1]
    new_file(path, packed.tobytes())


def _field(field: NDArray[np.uint8], reading: BarReading) -> NDArray[np.uint8]:
    scale = min(1.0, _WIDE / field.shape[1])
    small = cv2.resize(field, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    if reading.footer_px:
        row = round((field.shape[0] - reading.footer_px) * scale)
        cv2.line(small, (0, row), (small.shape[1], row), _FOOTER, 2)
    if reading.box is not None:
        top, left, tall, wide = (round(value * scale) for value in reading.box)
        cv2.rectangle(small, (left - 4, top - 4), (left + wide + 4, top + tall + 4), _MARK, 2)
    return np.asarray(small, dtype=np.uint8)


def _bar(field: NDArray[np.uint8], reading: BarReading) -> NDArray[np.uint8]:
    assert reading.box is not None
    assert reading.ends is not None
    top, left, tall, wide = reading.box
    margin = max(12, wide // 8)
    rows = slice(max(top - margin, 0), top + tall + margin)
    columns = slice(max(left - margin, 0), left + wide + margin)
    crop = field[rows, columns]
    scale = max(1, min(8, _WIDE // crop.shape[1]))
    large = cv2.resize(crop, None, fx=scale, fy=scale, interpolation=cv2.INTER_NEAREST)
    for row, column in reading.ends:
        # the origin is the center of a pixel, which is half a step from the corner of its square
        x, y = (round((at + 0.5 - first) * scale) for at, first in ((column, columns.start), (row, rows.start)))
        reach = 10 + 3 * scale
        cv2.line(large, (x, y - reach), (x, y + reach), _MARK, 1)
        cv2.line(large, (x - 3, y), (x + 3, y), _MARK, 1)
    return np.asarray(large, dtype=np.uint8)


def _caption(reading: BarReading) -> list[str]:
    lines = []
    if reading.pixel_um is not None:
        lines.append(f"{reading.pixel_um:.6g} um/px, u = {100 * reading.u_rel:.2g} %")
    if reading.length_px is not None:
        label = f"'{reading.label}' = " if reading.label else ""
        length = f"{label}{reading.length_um:g} um over " if reading.length_um is not None else ""
        lines.append(f"{length}{reading.length_px:.1f} px, {reading.style}")
    if reading.footer_px:
        lines.append(f"information bar: {reading.footer_px} rows")
    return lines if reading.status == "read" else [f"{reading.status}: not read", *lines]


def _text(lines: list[str]) -> NDArray[np.uint8]:
    strip = np.full((30 * len(lines) + 10, _WIDE // 2, 3), _GROUND, dtype=np.uint8)
    for i, line in enumerate(lines):
        plain = line.replace("µ", "u").replace("μ", "u")
        cv2.putText(strip, plain, (10, 28 + 30 * i), cv2.FONT_HERSHEY_SIMPLEX, 0.7, (20, 20, 20), 1, cv2.LINE_AA)
    return strip
