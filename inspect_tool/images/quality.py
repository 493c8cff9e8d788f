"""Image quality before measuring: what is judged, by which limits, and when an image is refused.

Every figure has two limits: beyond ``advised`` it is a remark, beyond ``red`` the image is not measured unless the
job accepts the check by its name. What a figure means and where its limits come from: docs/quality.md.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from fnmatch import fnmatchcase
from math import hypot
from typing import Literal

import numpy as np

from inspect_tool import plugins, registry
from inspect_tool.acceptance import plausibility
from inspect_tool.errors import MeasurementError, SettingsError
from inspect_tool.files import checked, plain
from inspect_tool.images import quality_measures
from inspect_tool.languages import Text, joined
from inspect_tool.model import (
    Acceptance,
    Cell,
    Check,
    GrayImage,
    Job,
    LabelImage,
    Limit,
    Limits,
    Mask,
    Micrograph,
    Segmentation,
    Table,
)

# ------------------------------------------------------------------------------------------------------ limits


_DEFAULT = Limits()

TABLE = Text("images.title_image_quality")
"""Title of the table with every figure of every image."""

NAMES: tuple[str, ...] = tuple(item.name for item in fields(Limits))
"""Names of the checks, as ``[[accept]]`` and ``[quality]`` of a job use them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Says:
    """What the report says of a check."""

    title: str
    unit: str
    relation: Literal[">=", "<="]
    basis: str


_SAYS: Mapping[str, _Says] = {
    "focus": _Says(
        title=Text("images.check_focus"),
        unit="px",
        relation="<=",
        basis=Text("images.basis_focus"),
    ),
    "soft_region": _Says(
        title=Text("images.check_even_focus"),
        unit="1",
        relation="<=",
        basis=Text("images.basis_even_focus"),
    ),
    "contrast": _Says(
        title=Text("images.check_contrast"),
        unit="gray levels",
        relation=">=",
        basis=Text("images.basis_contrast"),
    ),
    "noise": _Says(
        title=Text("images.check_contrast_to_noise"),
        unit="1",
        relation=">=",
        basis=Text("images.basis_contrast_to_noise"),
    ),
    "saturation": _Says(
        title=Text("images.check_saturation"),
        unit="%",
        relation="<=",
        basis=Text("images.basis_saturation"),
    ),
    "shading": _Says(
        title=Text("images.check_even_illumination"),
        unit="1",
        relation="<=",
        basis=Text("images.basis_even_illumination"),
    ),
    "compression": _Says(
        title=Text("images.check_compression"),
        unit="%",
        relation="<=",
        basis=Text("images.basis_compression"),
    ),
    "saturated_joints": _Says(
        title=Text("images.check_saturated_joints"),
        unit="%",
        relation="<=",
        basis=Text("images.basis_saturated_joints"),
    ),
    "size": _Says(
        title=Text("images.check_size"),
        unit="px",
        relation=">=",
        basis=Text("images.basis_size"),
    ),
    "resolution": _Says(
        title=Text("images.check_resolution"),
        unit="1",
        relation=">=",
        basis=Text("images.basis_resolution"),
    ),
}


def default_limits(recipe: str) -> Limits:
    """Limits of a recipe, unless a job changes them."""
    return plugins.quality_of(registry.load("recipe", recipe))


def title_of(name: str) -> tuple[str, str]:
    """What a check judges, for the reader, and the unit of its limits."""
    return _SAYS[name].title, _SAYS[name].unit


def limits_of(job: Job, where: str) -> Limits:
    """Limits of a job: those of its recipe, changed by its ``[quality]`` table.

    Raises
    ------
    SettingsError
        An unknown check or key, no number, or a red limit that is stricter than the advised one.
    """
    changed = plain(default_limits(job.recipe))
    for name, table in job.quality.items():
        if name not in changed:
            msg = f"{where} quality.{name}: no such check; there are: {', '.join(NAMES)}"
            raise SettingsError(msg)
        if not isinstance(table, Mapping):
            msg = f"{where} quality.{name}: got {table!r}; write {name} = {{ advised = ..., red = ... }}"
            raise SettingsError(msg)
        changed[name] = {**(changed[name] or {}), **table}
    limits = checked(Limits, changed, where, under="quality")
    for name in NAMES:
        limit: Limit | None = getattr(limits, name)
        if (
            limit is not None
            and limit.red is not None
            and _is_beyond(name, limit.advised, limit.red)
            and limit.advised != limit.red
        ):
            msg = f"{where} quality.{name}.red: {limit.red:g} is stricter than advised = {limit.advised:g}; swap them"
            raise SettingsError(msg)
    return limits


def check_acceptances(acceptances: Sequence[Acceptance], images: Iterable[str], where: str) -> None:
    """Refuse an acceptance of an unknown check or image, or one without a reason."""
    names = list(images)
    for i, one in enumerate(acceptances):
        if one.check not in NAMES:
            msg = f"{where} accept.{i}.check: '{one.check}' is no check of image quality; there are: {', '.join(NAMES)}"
            raise SettingsError(msg)
        if not one.reason.strip():
            msg = f"{where} accept.{i}.reason: is empty; say why the image is measured all the same, it is printed"
            raise SettingsError(msg)
        for pattern in one.images:
            if not any(fnmatchcase(name, pattern) for name in names):
                msg = f"{where} accept.{i}.images: '{pattern}' is no image of this job"
                raise SettingsError(msg)


def _is_beyond(name: str, value: float, limit: float) -> bool:
    return value < limit if _SAYS[name].relation == ">=" else value > limit


# ----------------------------------------------------------------------------------------------------- figures


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One figure of one image with its limits. ``value`` None: the image holds nothing to judge it by."""

    check: str
    value: float | None
    limit: Limit
    image: str = ""
    where: str = ""  # the place of the figure, e.g. "bottom right corner, tile 4, 4 of 4 x 4"
    share: float = 1.0  # of the tiles, that show edges; specks are none [1]
    accepted: str = ""  # who accepted a red one, and why


def is_red(figure: Figure) -> bool:
    """Whether the image must not be measured, acceptances aside."""
    red = figure.limit.red
    return red is not None and figure.value is not None and _is_beyond(figure.check, figure.value, red)


def is_advised(figure: Figure) -> bool:
    """Whether the figure is as it should be."""
    return figure.value is not None and not _is_beyond(figure.check, figure.value, figure.limit.advised)


def image_figures(
    pixels: GrayImage, roi: Mask | None = None, limits: Limits = _DEFAULT, image: str = ""
) -> tuple[Figure, ...]:
    """Every figure that pixels alone give; one that the image is too small for is left out.

    Parameters
    ----------
    pixels : array, (rows, columns)
        Gray values, uint8 or float32.
    roi : array of bool, optional
        Pixels that count.
    limits : Limits
    image : str
        Name for the messages.
    """
    edges = quality_measures.edges(pixels, roi)
    found: dict[str, tuple[float | None, str]] = {"focus": (None, ""), "contrast": (None, ""), "noise": (None, "")}
    known = np.isfinite(edges.blur_px)
    if known.any():
        height = float(np.median(edges.height[known]))
        found["focus"] = float(np.median(edges.blur_px[known])), ""
        if int(known.sum()) >= _COMPARED:
            reference = max(1.0, float(np.quantile(edges.blur_px[known], 0.25)))
            softest = int(np.nanargmax(edges.blur_px))
            found["soft_region"] = float(edges.blur_px.flat[softest]) / reference, _place(softest, edges.blur_px.shape)
        found["contrast"] = height / edges.step, ""
        found["noise"] = height / edges.noise, ""
        level = quality_measures.trend(edges.level)
        if level is not None:
            darkest = int(level.argmin())
            found["shading"] = (
                float(np.ptp(level)) / height,
                Text("images.place_darkest", darkest=_place(darkest, level.shape)),
            )
        step = quality_measures.block_step(pixels)
        if step is not None:
            found["compression"] = 100 * step / height, ""
    dark, bright = quality_measures.clipped_percent(pixels, roi)
    found["saturation"] = max(dark, bright), ("black" if dark > bright else "white") if max(dark, bright) > 0 else ""
    return tuple(
        Figure(
            check=name,
            value=found[name][0],
            where=found[name][1],
            share=float((known & ~edges.is_speck).mean()),
            limit=getattr(limits, name),
            image=image,
        )
        for name in NAMES
        if name in found
    )


_COMPARED = 4  # tiles with structure below which none of them is the softest


def _place(tile: int, tiles: tuple[int, ...]) -> str:
    """Name the place of a tile.

    >>> _place(15, (4, 4)), _place(1, (3, 3)), _place(4, (3, 3))
    ('bottom right corner, tile 4, 4 of 4 x 4', 'top, tile 1, 2 of 3 x 3', 'middle, tile 2, 2 of 3 x 3')
    """
    row, column = divmod(tile, tiles[1])
    rows = (Text("images.place_top"), "", Text("images.place_bottom"))[3 * (2 * row + 1) // (2 * tiles[0])]
    columns = (Text("images.place_left"), "", Text("images.place_right"))[3 * (2 * column + 1) // (2 * tiles[1])]
    name = (
        Text("images.place_corner", rows=rows, columns=columns)
        if rows and columns
        else rows or columns or Text("images.place_middle")
    )
    return Text("images.place_tile", name=name, row=row + 1, column=column + 1, tiles=tiles[0], tiles_2=tiles[1])


def structure_figures(
    segmentation: Segmentation,
    values: Mapping[str, float | int | str],
    figures: Sequence[Figure],
    limits: Limits = _DEFAULT,
) -> tuple[Figure, ...]:
    """Figures of an image together with those of what was segmented in it.

    Where half of the tiles and more show edges and the segmentation holds nothing, the size is 0: what is there was not
    found. Where fewer do, or specks are all there is, nothing may be what there is (a dense section).

    Parameters
    ----------
    segmentation : Segmentation
        As the recipe took it.
    values : mapping
        What the recipe measured on the field; ``clipped_percent`` is looked at. [%]
    figures : sequence of Figure
        Of the image, from ``image_figures``.
    limits : Limits
    """
    image = figures[0].image
    found = list(figures)
    focus = next(figure for figure in figures if figure.check == "focus")
    size = structure_px(segmentation.labels, segmentation.kind) or 0.0
    if focus.value is not None and (size or focus.share >= _COVERED):
        where = Text("images.place_chord", size=size) if size else _NOTHING
        if limits.size is not None:
            found.append(Figure(check="size", value=size, limit=limits.size, image=image))
        width = hypot(focus.value, _LEAST_BLUR_PX)
        found.append(Figure(check="resolution", value=size / width, limit=limits.resolution, image=image, where=where))
    clipped = values.get("clipped_percent")
    if isinstance(clipped, float | int):
        found.append(Figure(check="saturated_joints", value=float(clipped), limit=limits.saturated_joints, image=image))
    return tuple(found)


def _is_full(figures: Sequence[Figure]) -> bool:
    """Whether an image is full of edges, or holds joints, of which few can stand on an even ground."""
    shares = {figure.check: figure.share for figure in figures}
    return shares["focus"] >= _FULL or "saturated_joints" in shares


_COVERED, _FULL = 0.5, 0.75  # of the tiles; a line across a small image is in half of them
_NOTHING = Text("images.nothing_found")
_LEAST_BLUR_PX = 0.5  # half a pixel: what the pixel grid itself does to an edge


def structure_px(labels: LabelImage, kind: Literal["semantic", "instance"]) -> float | None:
    """Mean chord of the objects (label above 0), weighted by length, along rows and columns. [px]

    Semantic classes above 0 count together. None when there is no object.

    >>> structure_px(np.array([[1, 1, 0, 0], [1, 1, 0, 2]], dtype=np.int32), "semantic")
    1.8
    """
    sums = np.zeros(2)
    for axis, side in enumerate(labels.shape):
        for start in range(0, side, _ROWS):
            lines = slice(start, start + _ROWS)
            part = np.ascontiguousarray(labels[lines] if axis == 0 else labels[:, lines].T)
            part = part > 0 if kind == "semantic" else part
            new = np.ones(part.shape, np.bool_)
            np.not_equal(part[:, 1:], part[:, :-1], out=new[:, 1:])
            first = np.flatnonzero(new)
            length = np.diff(np.append(first, part.size))[part.ravel()[first] > 0].astype(float)
            sums += (length**2).sum(), length.sum()
    return float(sums[0] / sums[1]) if sums[1] > 0 else None


_ROWS = 512  # looked at together


def assess(micrograph: Micrograph, limits: Limits = _DEFAULT) -> tuple[Check, ...]:
    """Judge one image before it is measured: one check per kind, failed beyond the advised limit.

    Examples
    --------
    >>> from inspect_tool import read
    >>> for check in assess(read("field.tif", pixel_um=0.5)):  # doctest: +SKIP
    ...     print(check.name, check.value, check.passed, check.note)
    """
    return as_checks(image_figures(micrograph.pixels, micrograph.roi, limits, micrograph.path), limits)


# ----------------------------------------------------------------------------------------------------- judging


def judged(figures: Sequence[Figure], acceptances: Sequence[Acceptance]) -> tuple[Figure, ...]:
    """Figures with what was accepted of them.

    Raises
    ------
    MeasurementError
        A figure is beyond its red limit and nobody accepted it.
    """
    marked = with_acceptances(figures, acceptances)
    if stops := _stops(marked):
        found = "; ".join(_sentence(figure) for figure in stops)
        names = " and ".join(f'check = "{figure.check}"' for figure in stops)
        way = (
            Text("images.advice_another_backend")
            if any(figure.where == _NOTHING for figure in stops)
            else Text("images.advice_take_image_again")
        )
        accept = Text("images.advice_accept_in_job", names=names)
        msg = f"{stops[0].image}: image quality: {found}; {way}, or {accept}"
        raise MeasurementError(msg)
    return marked


def with_acceptances(figures: Sequence[Figure], acceptances: Sequence[Acceptance]) -> tuple[Figure, ...]:
    """Figures, the red ones with what a job says of accepting them; none stops."""
    return tuple(
        replace(figure, accepted=_accepted(figure, acceptances)) if is_red(figure) else figure for figure in figures
    )


def stop_if_all(fields: Sequence[Sequence[Figure]], acceptances: Sequence[Acceptance]) -> None:
    """Refuse a job in every field of which what was found is too fine or too blurred: its images are the fault.

    Where only some fields are so, the others are kept and the number is doubted (``doubts``). It is doubted too where
    most of a field is even: what little there is may be no structure (a scratch), and only the overlay shows it.

    Parameters
    ----------
    fields : sequence of sequence of Figure
        Figures of every field, those of its structure among them.
    acceptances : sequence of Acceptance

    Raises
    ------
    MeasurementError
        Names the first field, as ``judged`` does.
    """
    if all(_is_full(figures) and _stops(with_acceptances(figures, acceptances)) for figures in fields):
        for figures in fields:
            judged(figures, acceptances)


def doubts(made: Table, specimens: Sequence[str], limits: Limits, acceptances: Sequence[Acceptance]) -> list[Check]:
    """Doubt the numbers of specimens in some fields of which what was found is too fine, too blurred or clipped.

    Parameters
    ----------
    made : Table
        Figures of every image, from ``table``.
    specimens : sequence of str
        Specimen of each of its rows.
    limits : Limits
    acceptances : sequence of Acceptance

    Returns
    -------
    list of Check
        One that is not met per check and specimen, with the worst figure and the names of the images.
    """
    found = []
    for name in _OF_STRUCTURE:
        limit: Limit | None = getattr(limits, name)
        if limit is None or limit.red is None or _HEADS[name] not in made.columns:
            continue
        column, says = made.columns.index(_HEADS[name]), _SAYS[name]
        for specimen in dict.fromkeys(specimens):
            figures = [
                Figure(check=name, value=_number(row[column]), limit=limit, image=str(row[0]))
                for row, one in zip(made.rows, specimens, strict=True)
                if one == specimen
            ]
            if red := _stops(with_acceptances(figures, acceptances)):
                found.append(
                    plausibility.check(
                        Text("images.check_field_by_field", title=says.title),
                        _worst(red, name).value,
                        says.relation,
                        limit.red,
                        says.unit,
                        clause=Text("images.clause_field_by_field", basis=says.basis),
                        specimen=specimen,
                        note=_named([figure.image for figure in red]),
                        advice=Text("images.advice_look_at_overlay"),
                    )
                )
    return found


def with_chords(made: Table, chords: Sequence[float | None]) -> Table:
    """A table of figures with the chords of what was segmented in each image, which need no image; None: nothing was.

    Where the table gives no chord, none was asked for.
    """
    if _HEADS["size"] not in made.columns or len(chords) != len(made.rows):
        return made
    column = made.columns.index(_HEADS["size"])
    rows = [
        row if row[column] is None else (*row[:column], _short(chord or 0.0), *row[column + 1 :])
        for row, chord in zip(made.rows, chords, strict=True)
    ]
    return replace(made, rows=tuple(rows))


_OF_STRUCTURE = ("saturated_joints", "size", "resolution")  # known when a field has been measured
_MOST_NAMED = 3  # images in a remark


def _number(cell: Cell) -> float | None:
    return float(cell) if isinstance(cell, int | float) else None


def _named(images: Sequence[str]) -> str:
    more = Text("images.and_more_images", n_images=len(images) - _MOST_NAMED) if len(images) > _MOST_NAMED else ""
    return ", ".join(images[:_MOST_NAMED]) + more


def _stops(marked: Sequence[Figure]) -> list[Figure]:
    """The red ones that nobody accepted."""
    return [figure for figure in marked if is_red(figure) and not figure.accepted]


def _worst(figures: Sequence[Figure], name: str) -> Figure:
    """The worst figure of a check; each has a value."""
    sign = 1 if _SAYS[name].relation == ">=" else -1
    return min(figures, key=lambda figure: sign * (figure.value or 0.0))


def worst_of(parts: Sequence[Sequence[Figure]]) -> tuple[Figure, ...]:
    """Of the figures of several parts of an image the worst of each check; its place in the part is left out."""
    found = []
    for name in dict.fromkeys(figure.check for part in parts for figure in part):
        every = [figure for part in parts for figure in part if figure.check == name]
        known = [figure for figure in every if figure.value is not None]
        found.append(replace(_worst(known, name) if known else every[0], where=""))
    return tuple(found)


def _sentence(figure: Figure) -> str:
    says = _SAYS[figure.check]
    unit = "" if says.unit == "1" else f" {says.unit}"
    place = f" ({figure.where})" if figure.where else ""
    bound = Text("images.bound_at_least") if says.relation == ">=" else Text("images.bound_at_most")
    title = says.title[0].lower() + says.title[1:]
    return Text(
        "images.figure_beyond_limit",
        title=title,
        value=figure.value,
        unit=unit,
        place=place,
        bound=bound,
        red=figure.limit.red,
    )


def _accepted(figure: Figure, acceptances: Sequence[Acceptance]) -> str:
    for one in acceptances:
        if one.check == figure.check and (
            not one.images or any(fnmatchcase(figure.image, pattern) for pattern in one.images)
        ):
            return (
                Text("images.accepted_by", by=one.by.strip(), reason=one.reason.strip())
                if one.by.strip()
                else one.reason.strip()
            )
    return ""


def as_checks(figures: Sequence[Figure], limits: Limits = _DEFAULT, default: Limits = _DEFAULT) -> tuple[Check, ...]:
    """One check per kind for all images together: the worst figure, the image it belongs to, and what was accepted.

    ``default`` holds the limits that the recipe has by itself; changed ones are named.
    """
    checks = []
    for name in NAMES:
        own = [figure for figure in figures if figure.check == name]
        # joints have a rule of their method for the same figure, with the same advised limit
        if own and (name != "saturated_joints" or any(figure.accepted for figure in own)):
            checks.append(_folded(name, own, getattr(limits, name), getattr(default, name)))
    return tuple(checks)


def _folded(name: str, own: Sequence[Figure], limit: Limit, default: Limit | None) -> Check:
    says = _SAYS[name]
    seen = [figure for figure in own if figure.value is not None]
    worst = _worst(seen, name) if seen else own[0]
    notes: list[str] = []
    if not seen:
        notes.append(Text("images.note_none_shows_structure"))
    elif len(own) > 1:
        notes.append(joined(", ", filter(None, (Text("images.note_worst_image", image=worst.image), worst.where))))
        beyond = sum(not is_advised(figure) for figure in seen)
        if beyond > 1:
            notes.append(Text("images.note_images_beyond_limit", beyond=beyond, n_own=len(own)))
        if len(seen) < len(own):
            notes.append(Text("images.note_some_without_structure", n_own=len(own) - len(seen), n_own_2=len(own)))
    elif worst.where:
        notes.append(worst.where)
    accepted: dict[str, list[str]] = {}
    for figure in own:
        if figure.accepted:
            accepted.setdefault(figure.accepted, []).append(figure.image)
    beyond_red = Text("images.passes_nothing") if name in _OF_STRUCTURE else Text("images.stops_inspection")
    stops = (
        Text("images.never_stops")
        if limit.red is None
        else Text("images.consequence_at", beyond_red=beyond_red, red=limit.red)
    )
    changed = "" if limit == default else Text("images.limits_of_job", default=_pair(default))
    return Check(
        name=says.title,
        value=worst.value,
        relation=says.relation,
        limit=limit.advised,
        unit=says.unit,
        passed=is_advised(worst),
        clause=Text("images.clause_own_check", basis=says.basis, stops=stops, changed=changed),
        scope="image",
        note=joined("; ", notes),
        accepted="; ".join(f"{text} ({', '.join(images)})" for text, images in accepted.items()),
    )


def _pair(limit: Limit | None) -> str:
    if limit is None:
        return Text("images.not_judged")
    return f"{limit.advised:g}, " + (
        Text("images.never_stops") if limit.red is None else Text("images.stops_at", red=limit.red)
    )


def table(figures: Sequence[Figure], images: Sequence[str]) -> Table:
    """Every figure of every image, for the report."""
    names = [name for name in NAMES if any(figure.check == name for figure in figures)]
    values = {(figure.image, figure.check): figure.value for figure in figures}
    return Table(
        title=TABLE,
        columns=(Text("words.image"), *(_HEADS[name] for name in names)),
        rows=tuple((image, *(_short(values.get((image, name))) for name in names)) for image in images),
        note=Text("images.note_image_quality"),
    )


_HEADS: Mapping[str, str] = {
    "focus": Text("images.column_blur"),
    "soft_region": Text("images.column_softest_tile"),
    "contrast": Text("images.column_edge_height"),
    "noise": Text("images.column_edges_to_noise"),
    "saturation": Text("images.column_clipped"),
    "shading": Text("images.column_shading"),
    "compression": Text("images.column_blocks"),
    "saturated_joints": Text("images.column_clipped_in_joints"),
    "size": Text("images.column_chord"),
    "resolution": Text("images.column_size_to_blur"),
}


def _short(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.3g}")
