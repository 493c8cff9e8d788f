"""How well the scale of an image stands, at a glance: green, amber or red, and why in one sentence."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import combinations
from typing import Literal, TypeAlias

from inspect_tool.errors import CalibrationError
from inspect_tool.model import Calibration, Micrograph, ScaleSource
from inspect_tool.scale import laboratory_files
from inspect_tool.scale.calibration import by_file, by_job, check_agreement, difference

Color: TypeAlias = Literal["green", "amber", "red"]

ON_BAR = "two points on the scale bar"
"""How a calibration by hand names its method where it rests on the bar that the program reads too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How well the scale of an image stands."""

    color: Color
    reason: str
    pixel_um: float | None = None  # None: there is none that could be used [um/px]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Voice:
    """One thing that tells the scale, and what it rests on: two that rest on one do not confirm each other."""

    source: ScaleSource
    name: str
    origin: str


def standing(
    micrograph: Micrograph,
    bar: ScaleSource | None,
    stated: Sequence[Calibration],
    today: date,
    unread: str = "",
) -> Standing:
    """Judge all that tells the scale of an image.

    Green: two that are independent agree, or a calibration with a certificate that has not ended says it. Amber: one
    source alone. Red: none, or they disagree.

    Parameters
    ----------
    micrograph : Micrograph
        As read: its calibration is the file's own.
    bar : ScaleSource, optional
        What the bar in its picture says.
    stated : sequence of Calibration
        Calibrations that somebody gave for it, as ``laboratory_files.resolve`` gives them, the best first.
    today : date
    unread : str
        Why a bar that was seen says nothing; empty: none was.
    """
    try:
        for calibration in stated:
            laboratory_files.check_image(calibration, micrograph.pixels.shape, "", micrograph.meta.get("binning", ""))
    except CalibrationError as error:
        return Standing(color="red", reason=_without_place(error))
    if micrograph.meta.get("pixel_aspect") and not any(one.pixel_y_um for one in stated):
        return Standing(color="red", reason=f"{micrograph.meta['pixel_aspect']}; state both sides in the inspection")
    voices = _voices(micrograph, bar, stated)
    doubt = _with_sign(f"; a bar was seen and not read: {unread}") if unread else ""
    if not voices:
        return Standing(color="red", reason=_with_sign(micrograph.calibration.note or "no scale in the file") + doubt)
    pixel_um = voices[0].source.pixel_um
    said = f"{pixel_um:.4g} µm per pixel"
    try:
        check_agreement("", [voice.source for voice in voices])
    except CalibrationError as error:
        return Standing(color="red", reason=_without_place(error))
    certified = next((one for one in stated if one.certificate and not _has_ended(one, today)), None)
    if certified is not None:
        until = f", valid until {certified.valid_until.isoformat()}" if certified.valid_until else ""
        return Standing(color="green", reason=f"{said}: certificate {certified.certificate}{until}", pixel_um=pixel_um)
    pairs = [pair for pair in combinations(voices, 2) if pair[0].origin != pair[1].origin]
    if pairs:
        one, other = max(pairs, key=lambda pair: difference(pair[0].source, pair[1].source)[0])
        apart, _ = difference(one.source, other.source)
        reason = f"{said}: {one.name} and {other.name} agree within {100 * apart:.1f} %"
        return Standing(color="green", reason=reason, pixel_um=pixel_um)
    ended = next((one for one in stated if one.certificate), None)
    if ended is not None and ended.valid_until is not None:
        weak = f"its certificate {ended.certificate} ended on {ended.valid_until.isoformat()}"
    else:
        weak = "nothing confirms it"
    names = " and ".join(dict.fromkeys(voice.name for voice in voices))
    alone = f"{names} rest on the same bar" if len(voices) > 1 else f"{names} alone"
    return Standing(color="amber", reason=f"{said}: {alone}; {weak}{doubt}", pixel_um=pixel_um)


def _voices(micrograph: Micrograph, bar: ScaleSource | None, stated: Sequence[Calibration]) -> list[_Voice]:
    """All that tells the scale, what the measurement would use first."""
    found = []
    for calibration in stated:
        source = by_job(calibration)
        if source is not None:
            is_of_bar = ON_BAR in calibration.source
            name = "the bar by hand" if is_of_bar else f"the {calibration.source}"
            found.append(_Voice(source=source, name=name, origin="bar" if is_of_bar else calibration.file))
    of_file = by_file(micrograph.calibration)
    if of_file is not None:
        found.append(_Voice(source=of_file, name="the file", origin="file"))
    if bar is not None:
        found.append(_Voice(source=bar, name="the scale bar", origin="bar"))
    return found


def _has_ended(calibration: Calibration, today: date) -> bool:
    return calibration.valid_until is not None and calibration.valid_until < today


def _without_place(error: CalibrationError) -> str:
    return _with_sign(str(error).removeprefix(": "))


def _with_sign(text: str) -> str:
    """A sentence for a person: readers and errors write the micrometer as files do."""
    return re.sub(r"(?<=\d) um\b", " µm", text)
