"""Images that were given to the workbench, with what is known of their scale."""

from collections.abc import Mapping
from typing import Any

from starlette.datastructures import UploadFile
from starlette.responses import FileResponse, Response

from inspect_tool.batch.arrivals import passed_over
from inspect_tool.errors import SettingsError
from inspect_tool.lab import intake
from inspect_tool.lab.database import connected
from inspect_tool.lab.file_names import shown_name
from inspect_tool.lab.intake import Given
from inspect_tool.lab.users import Role
from inspect_tool.web import watching as watching_
from inspect_tool.web.bench import ANYONE, READING, Asked, Page, whole_number
from inspect_tool.web.html import is_part, page, to

GIVERS: frozenset[Role] = frozenset({"operator", "analyst"})
"""Who may give images, and remove them."""

_FILTERS: Mapping[str, tuple[intake.State, ...]] = {
    "new": ("new",),
    "used": ("used",),
    "refused": ("refused",),
    "all": ("new", "used", "refused"),
}
_MOST = 120  # images on one page
_TINTS = {"green": "good", "amber": "warn", "red": "bad"}


def inbox(asked: Asked) -> Response:
    """Show what is there, and take more."""
    chosen = asked.query.get("state", "new")
    chosen = chosen if chosen in _FILTERS else "new"
    number = whole_number(asked.query.get("page", "")) or 0
    with connected(asked.bench.lab, read_only=True) as connection:
        counted = intake.counts(connection)
        shown = intake.listed(connection, _FILTERS[chosen], most=_MOST, skip=_MOST * number)
    settings, watching = intake.settings_of(asked.bench.lab), watching_.of(asked.bench)
    counts = {name: sum(counted[state] for state in states) for name, states in _FILTERS.items()}
    return page(
        asked,
        "inbox.html",
        images=[_tile(one) for one in shown],
        number=number,
        last=max(0, (counts[chosen] - 1) // _MOST),
        counts=counts,
        chosen=chosen,
        most_mb=settings.most_mb,
        watched=settings.watch,
        faults=watching.faults if watching is not None else (),
        instruments=intake.instruments(asked.bench.lab),
        runs="operator" in asked.person.roles,
        gives=bool(GIVERS & asked.person.roles),
        calibrates="analyst" in asked.person.roles,
    )


def give(asked: Asked) -> Response:
    """Take the files of a form; a script sends one at a time, and gets what to show for it."""
    files = [each for each in asked.form.getlist("file") if isinstance(each, UploadFile) and each.filename]
    if not files:
        msg = "no file was given; choose one or more"
        raise SettingsError(msg)
    stated = str(asked.form.get("name", ""))
    calibration = str(asked.form.get("calibration", ""))
    texts = {_stem(one.filename): one.file.read(intake.LONGEST_TEXT + 1) for one in files if _is_text(one)}
    images = [one for one in files if not (_is_text(one) and any(_goes_with(one, other) for other in files))]
    taken = []
    for file in images:
        name = stated if stated and len(images) == 1 else file.filename or ""
        text = texts.get(_stem(file.filename))
        if passed_over(name.replace("\\", "/").rpartition("/")[2]):
            msg = f"{shown_name(name)}: is hidden or unfinished, no image"
            raise SettingsError(msg)
        taken.append(
            intake.give(
                asked.bench.lab,
                file.file,
                name,
                asked.person.full_name,
                text=text if text is not None and not _is_text(file) and len(text) <= intake.LONGEST_TEXT else None,
                calibration=calibration,
                reading=asked.bench.kept.get(READING),
            )
        )
    if not is_part(asked):
        return to("/inbox")
    given, is_new = taken[0]
    return page(asked, "inbox_tile.html", image=_tile(given), is_new=is_new, calibrates="analyst" in asked.person.roles)


def _is_text(file: UploadFile) -> bool:
    return (file.filename or "").casefold().endswith(".txt")


def _stem(name: str | None) -> str:
    return (name or "").rpartition(".")[0].casefold()


def _goes_with(text: UploadFile, image: UploadFile) -> bool:
    """Whether a text is what a microscope wrote beside an image."""
    return not _is_text(image) and _stem(text.filename) == _stem(image.filename)


def remove(asked: Asked) -> Response:
    """Remove what no inspection uses."""
    intake.remove(asked.bench.lab, _numbers(asked))
    return to("/inbox")


def take_scale(asked: Asked) -> Response:
    """Give images the calibration of the instrument that took them."""
    name = str(asked.form.get("calibration", ""))
    if not name:
        msg = "no instrument was chosen"
        raise SettingsError(msg)
    for number in _numbers(asked):
        intake.calibrated(asked.bench.lab, number, instrument=name)
    return to("/inbox")


def thumbnail(asked: Asked) -> Response:
    """Small picture of an image."""
    path = intake.thumbnail_file(asked.bench.lab, asked.at["id"])
    if not path.is_file():
        msg = f"image {asked.at['id']}: has no picture"
        raise SettingsError(msg)
    return FileResponse(path, media_type="image/jpeg", headers={"Cache-Control": "private, max-age=86400"})


def _numbers(asked: Asked) -> list[int]:
    """Numbers of the images that were chosen."""
    numbers = [number for each in asked.form.getlist("images") if (number := whole_number(str(each))) is not None]
    if not numbers or len(numbers) < len(asked.form.getlist("images")):
        msg = "no image was chosen"
        raise SettingsError(msg)
    return list(dict.fromkeys(numbers))


def _tile(given: Given) -> dict[str, Any]:
    """What is shown of an image."""
    megapixels = (given.rows or 0) * (given.columns or 0) / 1e6
    return {
        "given": given,
        "bytes": _bytes(given.size),
        "pixels": f"{given.columns} × {given.rows} px, {megapixels:.3g} Mpx" if given.rows else "",
        "tint": _TINTS.get(given.scale or "", ""),
        "inspection": given.place.split("/")[1] if given.place.startswith("inspections/") else "",
    }


def _bytes(size: int) -> str:
    for unit, name in ((1 << 30, "GB"), (1 << 20, "MB"), (1 << 10, "kB")):
        if size >= unit:
            return f"{size / unit:.3g} {name}"
    return f"{size} B"


PAGES: tuple[Page, ...] = (
    Page(path="/inbox", show=inbox, roles=ANYONE),
    Page(path="/inbox/give", show=give, roles=GIVERS, method="POST", most_bytes=(intake.MOST_MB + 1) << 20),
    Page(path="/inbox/remove", show=remove, roles=GIVERS, method="POST"),
    Page(path="/inbox/scale", show=take_scale, roles=GIVERS, method="POST"),
    Page(path="/inbox/{id:int}/thumbnail", show=thumbnail, roles=ANYONE),
)
