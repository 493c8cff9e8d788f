"""Calibration files of a laboratory: checked, found by instrument and objective, and compared with the images.

A laboratory keeps one ``calibration.toml`` for every setting of its instruments. A job names the file, or the folder
with the instrument and the objective; whatever does not fit is refused with both values.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import mean

from inspect_tool.errors import CalibrationError, SettingsError
from inspect_tool.files import load_calibration
from inspect_tool.languages import Text, Words, joined
from inspect_tool.model import Calibration, CalibrationRecord
from inspect_tool.scale.calibration import check_stated
from inspect_tool.statistics.uncertainty import combined

FILE = "calibration.toml"

_KEYS = ("instrument", "objective", "zoom", "binning")  # which setting of which instrument
_FROM_FILE = ("pixel_um", "pixel_y_um", "u_rel", "certificate", "valid_until", "source", "image_px")
_SAME_READING = 0.01  # largest relative difference of the pixel size from the readings in its own file [1]
_SAME_BUDGET = 0.05  # and of the uncertainty from its own budget [1]


def read(path: Path) -> CalibrationRecord:
    """Read a calibration file.

    Raises
    ------
    SettingsError
        The file is missing, is not TOML, or has a wrong key or value.
    CalibrationError
        Its numbers cannot be meant, or contradict each other: pixel size and readings, uncertainty and budget, dates.
    """
    record = load_calibration(path)
    for axis, pixel_um in (("x", record.pixel_um), ("y", record.pixel_y_um or record.pixel_um)):
        stated = Calibration(pixel_um=pixel_um, u_rel=record.u_rel, zoom=record.zoom, binning=record.binning)
        check_stated(stated, str(path))
        read_px = [
            (reading.length_um, px) for reading in record.readings if reading.axis == axis for px in reading.length_px
        ]
        if any(length <= 0 or px <= 0 for length, px in read_px):
            msg = f"{path}: a reading along {axis} is not > 0"
            raise CalibrationError(msg)
        found = mean(length / px for length, px in read_px) if read_px else pixel_um
        if abs(found / pixel_um - 1) > _SAME_READING:
            msg = (
                f"{path}: {pixel_um:.6g} um per pixel is stated, its readings along {axis} give {found:.6g};"
                " correct what is wrong"
            )
            raise CalibrationError(msg)
    if record.budget and record.u_rel > 0 and abs(combined(record.budget) / record.u_rel - 1) > _SAME_BUDGET:
        msg = (
            f"{path}: u_rel = {record.u_rel:.3g}, but the lines of its budget add up to"
            f" {combined(record.budget):.3g} (root of the sum of squares)"
        )
        raise CalibrationError(msg)
    if record.date is not None and record.due is not None and record.due < record.date:
        msg = f"{path}: due {record.due.isoformat()} lies before the calibration, {record.date.isoformat()}"
        raise CalibrationError(msg)
    if record.image_px is not None and min(record.image_px) < 1:
        msg = f"{path}: image_px = {list(record.image_px)}; give rows and columns of the images"
        raise CalibrationError(msg)
    return record


def files(folder: Path) -> tuple[Path, ...]:
    """Calibration files of a folder: its ``*.toml`` and the ``calibration.toml`` of its folders, by name."""
    return tuple(sorted([*folder.glob("*.toml"), *folder.glob(f"*/{FILE}")]))


def resolve(stated: Calibration, folder: Path, where: str) -> Calibration:
    """Fill in a stated calibration from the calibration file that it names; without ``file`` it stays as it is.

    Parameters
    ----------
    stated : Calibration
        ``[calibration]`` of a job. ``file`` is a calibration file, or a folder of them (its ``*.toml`` and the
        ``calibration.toml`` of its folders) in which ``instrument`` and ``objective`` (``zoom``, ``binning``) name one.
    folder : Path
        Of the job file.
    where : str
        Starts the messages.

    Returns
    -------
    Calibration
        With pixel size, uncertainty, certificate, last day and image size of the file; ``source`` names it.

    Raises
    ------
    SettingsError
        ``file`` stands beside a pixel size or something else that the file says; there is no such file.
    CalibrationError
        No file fits, or several do (they are listed); the file is for another setting than the job states.
    """
    if not stated.file:
        return stated
    empty = Calibration()
    for name in _FROM_FILE:
        if getattr(stated, name) != getattr(empty, name):
            msg = f"{where}: 'file' and '{name}' are both given; the calibration file says it: leave out one of them"
            raise SettingsError(msg)
    path, file = folder / stated.file, stated.file
    if path.is_dir():
        chosen, record = _chosen(path, stated, where)
        file = (Path(file) / chosen.relative_to(path)).as_posix()
    elif path.is_file():
        record = read(path)
        wrong = [name for name in _KEYS if _asked(stated, name) and not _fits(stated, record, name)]
        if wrong:
            name = wrong[0]
            found = getattr(record, name)
            made = "does not state it" if found in ("", None) else f"was made with {name} {_said(found)}"
            msg = f"{where}: the job states {name} {_said(getattr(stated, name))}, {path.name} {made}"
            raise CalibrationError(msg)
    else:
        msg = f"{where}.file: '{stated.file}' does not exist in {folder.resolve()}"
        raise SettingsError(msg)
    return replace(
        stated,
        pixel_um=record.pixel_um,
        pixel_y_um=record.pixel_y_um,
        u_rel=record.u_rel,
        source=Text("scale.calibration_file_by", file=_name(folder / file), method=record.method)
        if record.method
        else Text("scale.calibration_file_of", file=_name(folder / file)),
        certificate=record.certificate,
        valid_until=record.due,
        note=joined("; ", (text for text in (stated.note, _setting(record), record.note) if text)),
        file=file,
        instrument=record.instrument,
        objective=record.objective,
        zoom=record.zoom,
        binning=record.binning,
        image_px=record.image_px,
    )


def check_image(calibration: Calibration, shape: Sequence[int], where: str, binning: str = "") -> None:
    """Refuse an image that a calibration is not for.

    Parameters
    ----------
    calibration : Calibration
        As resolved.
    shape : sequence of int
        Rows and columns of the image as its file holds it, nothing cropped.
    where : str
        Starts the message.
    binning : str
        What the metadata of the image say about it, e.g. "2" or "2 x 2"; empty: nothing.

    Raises
    ------
    CalibrationError
        Another image size (a resized image has another scale) or another binning; both numbers are given.
    """
    source = calibration.source or "the calibration"
    if calibration.image_px is not None and tuple(shape[:2]) != tuple(calibration.image_px):
        msg = (
            f"{where}: the image is {shape[1]} x {shape[0]} px, {source} was made at"
            f" {calibration.image_px[1]} x {calibration.image_px[0]} px; an image of another size was resized, binned"
            " or cropped: take the original, or calibrate at this size"
        )
        raise CalibrationError(msg)
    found = re.findall(r"\d+", binning)
    if calibration.binning is not None and found and {int(one) for one in found} != {calibration.binning}:
        msg = (
            f"{where}: the image says binning {binning}, {source} was made at binning {calibration.binning};"
            " take the calibration of this binning"
        )
        raise CalibrationError(msg)


def described(calibration: Calibration) -> Words:
    """One line on a calibration: pixel size, uncertainty, source, certificate, last day.

    >>> described(Calibration(pixel_um=0.25, u_rel=0.002, source="stage micrometer"))
    '0.25 um per pixel, u 0.2 %, stage micrometer, certificate not stated, valid until not stated'
    """
    size = Text("scale.size", size=calibration.pixel_um)
    if calibration.pixel_y_um is not None:
        size = Text("scale.sizes", wide=calibration.pixel_um, high=calibration.pixel_y_um)
    u = Text("scale.u_is", u=100 * calibration.u_rel) if calibration.u_rel > 0 else Text("scale.u_not_stated")
    return Text(
        "scale.described",
        size=size,
        u=u,
        source=calibration.source or Text("scale.source_not_stated"),
        certificate=calibration.certificate or Text("terms.not_stated"),
        until=calibration.valid_until.isoformat() if calibration.valid_until else Text("terms.not_stated"),
    )


def _chosen(folder: Path, stated: Calibration, where: str) -> tuple[Path, CalibrationRecord]:
    """The one calibration file of a folder that is for a setting."""
    if not (stated.instrument and stated.objective):
        msg = f"{where}: file = '{stated.file}' is a folder; name instrument and objective, or one file of it"
        raise SettingsError(msg)
    paths = files(folder)
    if not paths:
        msg = f"{where}.file: '{stated.file}' holds no calibration file (*.toml)"
        raise SettingsError(msg)
    records = [(path, read(path)) for path in paths]
    asked = [name for name in _KEYS if _asked(stated, name)]
    fit = [(path, record) for path, record in records if all(_fits(stated, record, name) for name in asked)]
    if len(fit) == 1:
        return fit[0]
    wanted = ", ".join(f"{name} {_said(getattr(stated, name))}" for name in asked)
    listed = "; ".join(f"{_name(path)}: {_setting(record)}" for path, record in fit or records)
    if fit:
        msg = f"{where}: {len(fit)} calibration files fit {wanted}; state zoom or binning, or name one: {listed}"
    else:
        msg = f"{where}: no calibration file is for {wanted}; there are: {listed}"
    raise CalibrationError(msg)


def _asked(stated: Calibration, name: str) -> bool:
    return getattr(stated, name) not in ("", None)


def _fits(stated: Calibration, record: CalibrationRecord, name: str) -> bool:
    return _plain(getattr(stated, name)) == _plain(getattr(record, name))


def _plain(value: str | float | None) -> str | float | None:
    return "".join(value.casefold().split()) if isinstance(value, str) else value


def _said(value: str | float) -> str:
    return f"'{value}'" if isinstance(value, str) else f"{value:g}"


def _setting(record: CalibrationRecord) -> Words:
    """Setting that a calibration is for, in words."""
    said = [record.instrument, record.objective]
    said += [Text("scale.setting_zoom", zoom=record.zoom)] if record.zoom is not None else []
    said += [Text("scale.setting_binning", binning=record.binning)] if record.binning is not None else []
    said += [Text("scale.setting_due", day=record.due.isoformat())] if record.due is not None else []
    return joined(", ", (text for text in said if text)) or Text("scale.setting_not_stated")


def _name(path: Path) -> str:
    """Name of a calibration file, with its own folder where all files are called the same."""
    return f"{path.resolve().parent.name}/{FILE}" if path.name == FILE else path.name
