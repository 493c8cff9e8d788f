"""Scale of an image: what the job states against what the file says; or a refusal.

A scale that is missing, untrusted or contradictory is an error, never a guess. A scale that stands but is weak
(no certificate, an expired one, no stated uncertainty) is a failed ``Check`` beside the number.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date
from itertools import combinations
from math import hypot, isfinite, log2, sqrt

from inspect_tool.errors import CalibrationError, SettingsError
from inspect_tool.languages import Text, Words, joined
from inspect_tool.model import Calibration, Check, Micrograph, ScaleSource

RATIO_ONLY = "ratio only"
FROM_BAR = "scale bar"
FROM_FILE = "file metadata"

AGREEMENT = 0.02
"""Relative expanded uncertainty that the scale of an instrument is allowed when nobody states one [1]."""

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
        uncertainty outside 0 to 0.5; a zoom, a binning or an image size that is not above 0.
    """
    if stated.source == RATIO_ONLY and stated.pixel_um is not None:
        msg = f'{where}: source = "ratio only" stands beside pixel_um = {stated.pixel_um:g}; give one of them'
        raise SettingsError(msg)
    for name, size in (("pixel_um", stated.pixel_um), ("pixel_y_um", stated.pixel_y_um)):
        if size is not None and not _FINEST_UM <= size <= _COARSEST_UM:
            limits = f"{_FINEST_UM:g} to {_COARSEST_UM:g}"
            msg = f"{where}: {name} = {size:g}; put in the measured um per pixel, {limits}"
            raise SettingsError(msg)
    if stated.pixel_um is None and stated.pixel_y_um is not None:
        msg = f"{where}: pixel_y_um (height of a pixel) stands without pixel_um (its width); give both"
        raise SettingsError(msg)
    if not (isfinite(stated.u_rel) and 0 <= stated.u_rel < _LARGEST_U_REL):
        msg = (
            f"{where}: u_rel = {stated.u_rel:g}; it is a relative standard uncertainty,"
            " from 0 to below 0.5 (0.004 means 0.4 %)"
        )
        raise SettingsError(msg)
    for name, numbers in (("zoom", [stated.zoom]), ("binning", [stated.binning]), ("image_px", stated.image_px or ())):
        low = next((number for number in numbers if number is not None and not number > 0), None)
        if low is not None:
            msg = f"{where}: {name} has {low:g}, must be above 0"
            raise SettingsError(msg)


def settle(micrograph: Micrograph, stated: Calibration | None, bar: ScaleSource | None = None) -> Micrograph:
    """Settle the scale of an image from what the job states, what the file says and what a bar in the picture says.

    Whatever of the three exists must agree (see :func:`difference`). A scale that the job states is used before that of
    the file. A stated calibration without a pixel size (an uncertainty and a certificate, say) completes the scale
    of the file, or that of the bar where the job says ``source = "scale bar"``: a bar alone is never used unasked.

    Parameters
    ----------
    micrograph : Micrograph
        As read: its calibration is the file's own.
    stated : Calibration, optional
        ``[calibration]`` of the job.
    bar : ScaleSource, optional
        What the bar in the picture makes of the width of a pixel.

    Returns
    -------
    Micrograph
        With the calibration that is to be used, and all that tells the scale in ``scale_sources``. ``pixel_um`` is
        None only when the job says ``ratio only``.

    Raises
    ------
    CalibrationError
        No scale, or scales that disagree.
    SettingsError
        The stated calibration cannot be meant.
    """
    where, found = micrograph.path, micrograph.calibration
    if stated is not None:
        check_stated(stated, f"{where}: [calibration]")
        if stated.source == RATIO_ONLY:
            return replace(micrograph, calibration=replace(stated, note=_joined(stated.note, found.note)))
    given = stated is not None and stated.pixel_um is not None
    aspect = micrograph.meta.get("pixel_aspect", "")
    if aspect and not (stated is not None and stated.pixel_y_um is not None):
        msg = (
            f"{where}: {aspect}; give both sides, [calibration] pixel_um (width) and pixel_y_um (height),"
            ' or take source = "ratio only"'
        )
        raise CalibrationError(msg)
    sources = [item for item in (by_job(stated), by_file(found), bar) if item is not None]
    check_agreement(where, sources)
    if given:
        assert stated is not None
        chosen, used = stated, 0
    elif stated is not None and stated.source == FROM_BAR:
        if bar is None:
            msg = f'{where}: source = "{FROM_BAR}", but no bar was read in the picture; give [calibration] pixel_um'
            raise CalibrationError(msg)
        u_rel = hypot(bar.u_rel, stated.u_rel)  # of the reading, and what the job states of the instrument
        chosen, used = replace(stated, pixel_um=bar.pixel_um, u_rel=u_rel), len(sources) - 1
    elif found.pixel_um is not None:
        chosen, used = (found if stated is None else _completed(stated, found)), 0
    else:
        seen = "" if bar is None else f'; the {_told(bar)}, which source = "{FROM_BAR}" takes'
        msg = (
            f"{where}: {found.note or 'no scale in the file'}; give [calibration] pixel_um = ... (um per pixel),"
            f' or source = "ratio only" to report ratios alone{seen}'
        )
        raise CalibrationError(msg)
    taken = replace(sources[used], used=True)
    others = [item for i, item in enumerate(sources) if i != used]
    notes = [_agreeing(taken, item) for item in others]
    if not any(item.kind == "file metadata" for item in sources):
        notes.append(found.note)
    chosen = replace(chosen, note=_joined(chosen.note, *notes))
    return replace(micrograph, calibration=chosen, scale_sources=(taken, *others))


def difference(one: ScaleSource, other: ScaleSource) -> tuple[float, float]:
    """How far two scales are apart, and how far they may be; both relative. [1]

    An instrument's own scale (tags, bars) is allowed 2 % as an expanded uncertainty, whoever reads it; uncertainties
    that are stated, or that come from reading a bar, join it in quadrature (coverage factor 2). A bar tells the width
    of a pixel only.
    """
    apart = abs(one.pixel_um / other.pixel_um - 1)
    if "scale bar" not in (one.kind, other.kind):
        apart = max(apart, abs((one.pixel_y_um or one.pixel_um) / (other.pixel_y_um or other.pixel_um) - 1))
    return apart, sqrt(AGREEMENT**2 + (2 * one.u_rel) ** 2 + (2 * other.u_rel) ** 2)


def agreement(told: Iterable[Sequence[ScaleSource]]) -> tuple[Check, ...]:
    """Say how well the scales of the images agree, where an image has more than one: the pair nearest to its limit.

    Parameters
    ----------
    told : iterable of sequences of ScaleSource
        ``scale_sources`` of each image.
    """
    pairs = [(*difference(one, other), one, other) for item in told for one, other in combinations(item, 2)]
    if not pairs:
        return ()
    apart, limit, one, other = max(pairs, key=lambda pair: pair[0] / pair[1])
    return (
        Check(
            name=Text("scale.check_scales_agree"),
            value=100 * apart,
            relation="<=",
            limit=100 * limit,
            unit="%",
            passed=apart <= limit,
            clause=Text("scale.clause_iso_17025"),
            scope="calibration",
            note=joined("; ", (_told(one), _told(other))),
        ),
    )


def magnification_planes(calibrations: Iterable[Calibration]) -> tuple[Check, ...]:
    """Ask in which plane the scale of an X-ray image holds; ratios need none.

    Parameters
    ----------
    calibrations : iterable of Calibration
        Of the X-ray images, as settled.
    """
    found = []
    for item in dict.fromkeys(calibrations):
        if item.pixel_um is None:
            continue
        plane = item.plane or (Text("scale.plane_of_object") if item.source.startswith(f"{FROM_FILE}: DICOM") else "")
        note = (
            Text("scale.note_plane_of_scale", plane=plane)
            if plane
            else Text("scale.note_plane_not_stated", item=_named(item))
        )
        found.append(_check(Text("scale.check_magnification_plane"), float(bool(plane)), "1", bool(plane), note, 1.0))
    return tuple(dict.fromkeys(found))


def checks(calibrations: Sequence[Calibration], today: date) -> tuple[Check, ...]:
    """Judge the scales of a job; equal calibrations are judged once, ratio-only ones not at all.

    - *certificate valid*: fails after ``valid_until``; there is none to judge where no date is given.
    - *uncertainty stated*: fails at ``u_rel`` 0, which no scale has; the budget then lacks its scale line.
    - *certificate behind the scale*: fails when the scale is the file's own, or that of a bar, and the job names no
      certificate. The number may well be right, but nobody has compared it with a reference, so it is not traceable.
      A scale that the job states is a declaration of the laboratory; its source is printed, no check is made of it.

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
            valid = Text(
                "scale.note_valid_until",
                name=name,
                valid_until=item.valid_until.isoformat(),
                today=today.isoformat(),
            )
            found.append(_check(Text("scale.check_certificate_valid"), float(left), "days", left >= 0, valid, 0.0))
        found.append(
            _check(
                Text("scale.check_uncertainty_stated"),
                100 * item.u_rel if item.u_rel > 0 else None,
                "%",
                item.u_rel > 0,
                name if item.u_rel > 0 else Text("scale.note_uncertainty_not_stated", name=name),
                0.0,
            )
        )
        if item.source.startswith((FROM_FILE, FROM_BAR)):
            certified = bool(item.certificate)
            taken = Text("scale.taken_from_file") if item.source.startswith(FROM_FILE) else Text("scale.taken_from_bar")
            note = name if certified else Text("scale.note_no_certificate", name=name, taken=taken)
            found.append(
                _check(Text("scale.check_certificate_behind_scale"), float(certified), "1", certified, note, 1.0)
            )
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


def by_job(stated: Calibration | None) -> ScaleSource | None:
    """What a stated calibration tells of the scale; None: nothing."""
    if stated is None or stated.pixel_um is None:
        return None
    return ScaleSource(
        kind="calibration file" if stated.file else "job",
        pixel_um=stated.pixel_um,
        pixel_y_um=stated.pixel_y_um,
        u_rel=stated.u_rel,
        note=stated.source,
    )


def by_file(found: Calibration) -> ScaleSource | None:
    """What the file of an image tells of its scale, as its reader found it; None: nothing."""
    if found.pixel_um is None:
        return None
    return ScaleSource(
        kind="file metadata", pixel_um=found.pixel_um, pixel_y_um=found.pixel_y_um, u_rel=found.u_rel, note=found.note
    )


_SAYS = {
    "job": Text("scale.says_job"),
    "calibration file": Text("scale.says_calibration_file"),
    "file metadata": Text("scale.says_file"),
    "scale bar": Text("scale.says_scale_bar"),
}


_COMPARED = {
    "job": Text("scale.compared_job"),
    "calibration file": Text("scale.compared_calibration_file"),
    "file metadata": Text("scale.compared_file"),
    "scale bar": Text("scale.compared_scale_bar"),
}


def _told(source: ScaleSource) -> Words:
    parts: list[Words] = [Text("scale.source_says", says=_SAYS[source.kind], pixel_um=source.pixel_um)]
    if source.pixel_y_um is not None:
        parts.append(Text("scale.source_height", pixel_um=source.pixel_y_um))
    if source.note:
        parts += [" (", source.note, ")"]
    return joined("", parts)


def _agreeing(one: ScaleSource, other: ScaleSource) -> str:
    apart, _ = difference(one, other)
    return Text("scale.agrees_within", name=_COMPARED[other.kind], apart=100 * apart, note=other.note)


def check_agreement(where: str, sources: Sequence[ScaleSource]) -> None:
    """Refuse scales that disagree: all the numbers, and what the difference does to lengths, areas and grain size.

    Raises
    ------
    CalibrationError
        ``where`` starts the message.
    """
    apart = [(*difference(one, other), one, other) for one, other in combinations(sources, 2)]
    wrong = [pair for pair in apart if pair[0] > pair[1]]
    if not wrong:
        return
    _, limit, one, other = max(wrong, key=lambda pair: pair[0] / pair[1])
    ratio = one.pixel_um / other.pixel_um
    if abs(ratio - 1) <= limit:  # the widths agree, the heights do not
        ratio = (one.pixel_y_um or one.pixel_um) / (other.pixel_y_um or other.pixel_um)
    names = ", the ".join(_told(source) for source in sources)
    msg = (
        f"{where}: the {names}; ratio {ratio:.4g}, allowed {100 * limit:.2g} %: lengths differ by {ratio:.4g} times,"
        f" areas by {ratio**2:.4g}, G by {-2 * log2(ratio):+.2f}; correct the one that is wrong"
        " (a resized image keeps an old scale)"
    )
    raise CalibrationError(msg)


def _completed(stated: Calibration, found: Calibration) -> Calibration:
    """The scale of the file with the uncertainty and certificate that the job states."""
    note = _joined(stated.note, Text("scale.source_stated", source=stated.source) if stated.source else "")
    return replace(
        stated,
        pixel_um=found.pixel_um,
        pixel_y_um=found.pixel_y_um,
        source=found.source,
        note=_joined(note, found.note),
    )


def _named(item: Calibration) -> str:
    certificate = Text("scale.calibration_certificate", certificate=item.certificate) if item.certificate else ""
    return Text(
        "scale.um_per_pixel",
        pixel_um=item.pixel_um,
        source=item.source or Text("scale.source_not_stated"),
        certificate=certificate,
    )


def _joined(*texts: str) -> str:
    return joined("; ", (text for text in texts if text))


def _check(name: str, value: float | None, unit: str, passed: bool, note: str, limit: float) -> Check:
    return Check(
        name=name,
        value=value,
        relation=">=",
        limit=limit,
        unit=unit,
        passed=passed,
        clause=Text("scale.clause_iso_17025"),
        scope="calibration",
        note=note,
    )
