"""Scale of an image: what the job states against what the file says; or a refusal.

A scale that is missing, untrusted or contradictory is an error, never a guess. A scale that stands but is weak
(no certificate, an expired one, no stated uncertainty) is a failed ``Check`` beside the number.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from math import isfinite

from inspect_tool.errors import CalibrationError, SettingsError
from inspect_tool.model import Calibration, Check, Micrograph

RATIO_ONLY = "ratio only"
FROM_FILE = "file metadata"

AGREEMENT = 0.02
"""Largest relative difference between the stated scale and the file's own [1]."""

SAME_WITHIN = 0.005
"""Pixel sizes that differ by no more than this are one scale [1]."""

_FINEST_UM, _COARSEST_UM = 1e-5, 1e4
_LARGEST_U_REL = 0.5


def check_stated(stated: Calibration, where: str) -> None:
    """Refuse a stated calibration that cannot be meant; ``where`` starts the message.

    Raises
    ------
    SettingsError
        A pixel size beside ``source = "ratio only"``, a pixel size outside 0.01 nm to 10 mm, or a relative
        uncertainty outside 0 to 0.5.
    """
    if stated.source == RATIO_ONLY and stated.pixel_um is not None:
        msg = f'{where}: source = "ratio only" stands beside pixel_um = {stated.pixel_um:g}; give one of them'
        raise SettingsError(msg)
    if stated.pixel_um is not None and not _FINEST_UM <= stated.pixel_um <= _COARSEST_UM:
        limits = f"{_FINEST_UM:g} to {_COARSEST_UM:g}"
        msg = f"{where}: pixel_um = {stated.pixel_um:g}; put in the measured um per pixel, {limits}"
        raise SettingsError(msg)
    if not (isfinite(stated.u_rel) and 0 <= stated.u_rel < _LARGEST_U_REL):
        msg = (
            f"{where}: u_rel = {stated.u_rel:g}; it is a relative standard uncertainty,"
            " from 0 to below 0.5 (0.004 means 0.4 %)"
        )
        raise SettingsError(msg)


def settle(micrograph: Micrograph, stated: Calibration | None) -> Micrograph:
    """Settle the scale of an image from what the job states and what the file says.

    A stated pixel size needs no metadata, but must agree with a trusted one within 2 %. A stated calibration
    without a pixel size (an uncertainty and a certificate, say) completes the scale of the file.

    Parameters
    ----------
    micrograph : Micrograph
        As read: its calibration is the file's own.
    stated : Calibration, optional
        ``[calibration]`` of the job.

    Returns
    -------
    Micrograph
        With the calibration that is to be used. ``pixel_um`` is None only when the job says ``ratio only``.

    Raises
    ------
    CalibrationError
        No scale, two scales that disagree, or pixels that are not square.
    SettingsError
        The stated calibration cannot be meant.
    """
    where, found = micrograph.path, micrograph.calibration
    if stated is not None:
        check_stated(stated, f"{where}: [calibration]")
        if stated.source == RATIO_ONLY:
            return replace(micrograph, calibration=replace(stated, note=_joined(stated.note, found.note)))
    aspect = micrograph.meta.get("pixel_aspect", "")
    if aspect:
        msg = (
            f"{where}: {aspect}; lengths cannot be measured on such an image: resample it to square pixels,"
            ' or take [calibration] source = "ratio only"'
        )
        raise CalibrationError(msg)
    if stated is None or stated.pixel_um is None:
        if found.pixel_um is None:
            msg = (
                f"{where}: {found.note or 'no scale in the file'}; give [calibration] pixel_um = ... (um per pixel),"
                ' or source = "ratio only" to report ratios alone'
            )
            raise CalibrationError(msg)
        return replace(micrograph, calibration=found if stated is None else _completed(stated, found))
    if found.pixel_um is None:
        return replace(micrograph, calibration=replace(stated, note=_joined(stated.note, found.note)))
    ratio = stated.pixel_um / found.pixel_um
    if abs(ratio - 1) > AGREEMENT:
        msg = (
            f"{where}: the job states {stated.pixel_um:.6g} um per pixel, the file says {found.pixel_um:.6g}"
            f" ({found.note}); ratio {ratio:.4g}; correct the one that is wrong (a resized image keeps an old scale)"
        )
        raise CalibrationError(msg)
    note = f"agrees with the file within {100 * abs(ratio - 1):.2g} % ({found.note})"
    return replace(micrograph, calibration=replace(stated, note=_joined(stated.note, note)))


def checks(calibrations: Sequence[Calibration], today: date) -> tuple[Check, ...]:
    """Judge the scales of a job; equal calibrations are judged once, ratio-only ones not at all.

    - *certificate valid*: fails after ``valid_until``; there is none to judge where no date is given.
    - *uncertainty stated*: fails at ``u_rel`` 0, which no scale has; the budget then lacks its scale line.
    - *certificate behind the scale*: fails when the scale is the file's own and the job names no certificate. The
      number may well be right, but nobody has compared it with a reference, so it is not traceable. A scale that
      the job states is a declaration of the laboratory; its source is printed and no check is made of it.

    Parameters
    ----------
    calibrations : sequence of Calibration
        As settled.
    today : date
        Date of the work.
    """
    found: list[Check] = []
    for item in dict.fromkeys(calibrations):
        if item.pixel_um is None:
            continue
        name = _named(item)
        if item.valid_until is not None:
            left = (item.valid_until - today).days
            note = f"{name}: valid until {item.valid_until.isoformat()}, work done {today.isoformat()}"
            found.append(_check("certificate of the scale valid", float(left), "days", left >= 0, note, 0.0))
        found.append(
            _check(
                "uncertainty of the scale stated",
                100 * item.u_rel if item.u_rel > 0 else None,
                "%",
                item.u_rel > 0,
                name if item.u_rel > 0 else f"{name}: uncertainty of the scale not stated; give [calibration] u_rel",
                0.0,
            )
        )
        if item.source.startswith(FROM_FILE):
            certified = bool(item.certificate)
            note = name if certified else f"{name}: taken from the file, no certificate stands behind it"
            found.append(_check("certificate behind the scale", float(certified), "1", certified, note, 1.0))
    return tuple(dict.fromkeys(found))


def same_scale(calibrations: Sequence[Calibration], allowed: bool = False, names: Sequence[str] = ()) -> None:
    """Refuse images of different scale in one job unless the job says that this is meant.

    Parameters
    ----------
    calibrations : sequence of Calibration
        One per image, as settled.
    allowed : bool
        ``mixed_scales`` of the job.
    names : sequence of str, optional
        Names of the images, in the same order; the message then names one image of each scale.

    Raises
    ------
    CalibrationError
        Pixel sizes differ by more than 0.5 %, or some images have a scale and others are ratio only.
    """
    if allowed:
        return
    groups: list[tuple[float | None, int, str]] = []
    for i, item in enumerate(calibrations):
        for at, (pixel_um, count, first) in enumerate(groups):
            if _same(pixel_um, item.pixel_um):
                groups[at] = (pixel_um, count + 1, first)
                break
        else:
            groups.append((item.pixel_um, 1, names[i] if i < len(names) else ""))
    if len(groups) < 2:
        return
    listed = ", ".join(
        (RATIO_ONLY if pixel_um is None else f"{pixel_um:.6g} um per pixel")
        + f" ({count} image{'s' if count > 1 else ''}{', e.g. ' + first if first else ''})"
        for pixel_um, count, first in groups
    )
    msg = f"the images of the job have different scales: {listed}; say mixed_scales = true if this is meant"
    raise CalibrationError(msg)


def stop_if_expired(stated: Calibration, today: date, where: str) -> None:
    """Refuse a calibration that may not be used any more, where its job says ``expired = "stop"``."""
    if stated.expired == "stop" and stated.valid_until is not None and stated.valid_until < today:
        name = stated.source or stated.certificate or "the calibration"
        msg = (
            f"{where}: {name}: valid until {stated.valid_until.isoformat()}, work done {today.isoformat()};"
            ' calibrate again (expired = "stop" is set)'
        )
        raise CalibrationError(msg)


def _same(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    return abs(one / other - 1) <= SAME_WITHIN


def _completed(stated: Calibration, found: Calibration) -> Calibration:
    """The scale of the file with the uncertainty and certificate that the job states."""
    note = _joined(stated.note, f"source stated: {stated.source}" if stated.source else "")
    return replace(stated, pixel_um=found.pixel_um, source=found.source, note=_joined(note, found.note))


def _named(item: Calibration) -> str:
    certificate = f", certificate {item.certificate}" if item.certificate else ""
    return f"{item.pixel_um:.6g} um per pixel, {item.source or 'source not stated'}{certificate}"


def _joined(*texts: str) -> str:
    return "; ".join(text for text in texts if text)


def _check(name: str, value: float | None, unit: str, passed: bool, note: str, limit: float) -> Check:
    return Check(
        name=name,
        value=value,
        relation=">=",
        limit=limit,
        unit=unit,
        passed=passed,
        clause="ISO/IEC 17025: equipment and metrological traceability",
        scope="calibration",
        note=note,
    )
