"""The two ends of a scale bar or of a stage micrometer, clicked."""

from datetime import date

from starlette.responses import Response

from inspect_tool.errors import SettingsError
from inspect_tool.lab import hand_calibration, intake
from inspect_tool.lab.database import connected
from inspect_tool.lab.hand_calibration import METHODS, Instrument, Placed
from inspect_tool.lab.intake import Given
from inspect_tool.lab.users import Role
from inspect_tool.report.text import pm
from inspect_tool.units import length_um
from inspect_tool.web.bench import Asked, Page
from inspect_tool.web.html import page, to

CALIBRATE: frozenset[Role] = frozenset({"analyst"})


def show(asked: Asked) -> Response:
    """The picture, and what is to be done with it."""
    given = _given(asked)
    intake.file_of(asked.bench.lab, given)
    kept = intake.calibrations_of(asked.bench.lab, given.id)
    return page(asked, "calibrate.html", given=given, kept=[path.name.partition("-")[2] for path in kept])


def picture(asked: Asked) -> Response:
    """The image as it is shown, with its own pixels where it is not too large for that."""
    drawn = hand_calibration.picture(asked.bench.lab, _given(asked))
    return Response(drawn.jpeg, media_type="image/jpeg", headers={"Cache-Control": "private, max-age=86400"})


def reckon(asked: Asked) -> Response:
    """What the placements say so far."""
    given, placed = _given(asked), _placed(asked)
    found = hand_calibration.reckoned(given, placed)
    return page(
        asked,
        "calibrate_found.html",
        found=found,
        size=pm(found.pixel_um, found.expanded_rel * found.pixel_um, "um"),
        is_stated=placed.tolerance_um is not None,
    )


def keep(asked: Asked) -> Response:
    """Keep it for this image, or for the instrument that took it."""
    given, placed = _given(asked), _placed(asked)
    lab, by = asked.bench.lab, asked.person.full_name
    if asked.form.get("keep") == "instrument":
        path = hand_calibration.keep_for_instrument(lab, given, placed, _instrument(asked), by)
        intake.calibrated(lab, given.id, instrument=path.name)
    else:
        hand_calibration.keep_for_image(lab, given, placed, by)
    return to("/inbox")


def _given(asked: Asked) -> Given:
    with connected(asked.bench.lab, read_only=True) as connection:
        return intake.one(connection, asked.at["id"])


def _placed(asked: Asked) -> Placed:
    what = _text(asked, "what")
    if what not in METHODS:
        msg = "say what the ends belong to: the scale bar of the picture, or a stage micrometer"
        raise SettingsError(msg)
    tolerance = _text(asked, "tolerance").removeprefix("±").strip()
    return Placed(
        what=what,
        lines=hand_calibration.lines_of(_text(asked, "lines")),
        length_um=length_um(_text(asked, "length")),
        tolerance_um=length_um(tolerance) if tolerance else None,
    )


def _instrument(asked: Asked) -> Instrument:
    due, zoom = _text(asked, "due"), _text(asked, "zoom").replace(",", ".")
    try:
        return Instrument(
            instrument=_text(asked, "instrument"),
            objective=_text(asked, "objective"),
            zoom=float(zoom) if zoom else None,
            reference=_text(asked, "reference"),
            certificate=_text(asked, "certificate"),
            due=date.fromisoformat(due) if due else None,
        )
    except ValueError:
        msg = f"zoom '{zoom}' or valid until '{due}': write a number, and a day as YYYY-MM-DD"
        raise SettingsError(msg) from None


def _text(asked: Asked, name: str) -> str:
    return " ".join(str(asked.form.get(name, "")).split())


PAGES: tuple[Page, ...] = (
    Page(path="/calibrate/{id:int}", show=show, roles=CALIBRATE),
    Page(path="/calibrate/{id:int}/picture", show=picture, roles=CALIBRATE),
    Page(path="/calibrate/{id:int}/reckon", show=reckon, roles=CALIBRATE, method="POST"),
    Page(path="/calibrate/{id:int}/keep", show=keep, roles=CALIBRATE, method="POST"),
)
