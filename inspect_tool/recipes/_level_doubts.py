"""Doubts about the gray level that a share rests on: no gray of its own, pale features, two ways, layers, relief."""

from collections.abc import Mapping, Sequence

from inspect_tool.errors import MeasurementError
from inspect_tool.languages import Text, named
from inspect_tool.measure.gray import asked
from inspect_tool.measure.gray_of_matrix import paler_percent
from inspect_tool.measure.layers import layered_percent
from inspect_tool.measure.relief import relief_percent
from inspect_tool.model import Check, FieldMeasurement, Mask, Micrograph, Segmentation
from inspect_tool.recipes._worst_field import worst_check
from inspect_tool.segmentation.threshold.level_choice import ON_EDGES, OWN_GRAY
from inspect_tool.statistics.uncertainty import half_range

_SHIFTS = ("threshold -", "threshold +")  # one level, moved: no second way to it
_ON_EDGES = 100 * ON_EDGES  # of the outline: drawn ones have 91 and more, right real ones 80 (docs/threshold.md)
_ON_EDGES_FIRST = 75.0  # what was asked before a field stated what was asked of it
_MOST_PORES = 80.0  # of a field, by an automatic level: more is what the pores lie in
_MOST_PHASE = 95.0  # the same of any phase; ferrite among little pearlite has about 90
_MOST_IN_LAYERS = 30.0  # coatings have 45 to 74; by chance 19 at most (docs/threshold.md)
_LAYERED = "layered_percent"
_MOST_PALER = 10.0  # of the matrix at a level of its own, toward that of the phase
_PALER = "paler_percent"
_MOST_RELIEF = 40.0  # drawn pits lit aslant have 70 and more, real classes 5 at most (docs/threshold.md)
_RELIEF = "relief_percent"
_MOST_SHALLOWER = 10.0  # of the pores, at a gray level of its own toward that of the metal, as of the matrix
_SHALLOWER = "shallower_percent"


def facts_of_level(segmentation: Segmentation, micrograph: Micrograph) -> Mapping[str, float]:
    """What the backend found out of the gray values about its level, for ``FieldMeasurement.read_off``.

    What is asked of it stands beside it, so that an older report is recomputed by what was asked when it was made.
    """
    told = segmentation.told
    found = {
        "level_is_automatic": True if is_automatic(segmentation) else None,
        "own_gray": told.own_gray,
        "outline_on_edges": told.outline_on_edges,
        "asked_on_edges": None if told.outline_on_edges is None else _asked_on_edges(micrograph),
    }
    return {name: value for name, value in found.items() if value is not None}


def _asked_on_edges(micrograph: Micrograph) -> float:
    before = micrograph.read_off
    return _ON_EDGES if before is None else float(before.get("asked_on_edges", _ON_EDGES_FIRST))


def is_automatic(segmentation: Segmentation) -> bool:
    """Whether a level was found in the histogram or on the edges, and not given by a person."""
    return segmentation.told.method_taken not in (None, "fixed", "nothing found")


def layers_of(segmentation: Segmentation, micrograph: Micrograph) -> Mapping[str, float]:
    """How much a class lies in layers, the class that does so most, for ``FieldMeasurement.read_off``. [%]

    Nothing where no level was automatic, or where a report does not have it, which is from before it was asked.
    """
    before = micrograph.read_off
    if not (is_automatic(segmentation) if before is None else _LAYERED in before):
        return {}
    labels = segmentation.labels
    return {_LAYERED: max(layered_percent(labels == number, micrograph.roi) for number in segmentation.classes)}


def paler_of(segmentation: Segmentation, micrograph: Micrograph) -> Mapping[str, float]:
    """How much of the matrix has a gray of its own toward that of the phase, for ``FieldMeasurement.read_off``. [%]

    Nothing where no level of gray was automatic, where there are more than two classes, or where a report does not
    have it, which is from before it was asked.
    """

    def read() -> float | None:
        if not _is_by_gray(segmentation) or set(segmentation.classes) != {0, 1}:
            return None
        phase = segmentation.labels == 1
        return paler_percent(micrograph.pixels, phase, _rest(phase, micrograph))

    return asked(micrograph, _PALER, read)


def relief_of(segmentation: Segmentation, micrograph: Micrograph, phase: Mask) -> Mapping[str, float]:
    """How much shines on one side of a phase, for ``FieldMeasurement.read_off``. [%]

    Nothing where no level of gray was automatic, where there are more than two classes, or where a report does not
    have it, which is from before it was asked.
    """

    def read() -> float | None:
        if not _is_by_gray(segmentation) or set(segmentation.classes) != {0, 1}:
            return None
        return relief_percent(micrograph.pixels, phase, micrograph.roi)

    return asked(micrograph, _RELIEF, read)


def shallower_of(segmentation: Segmentation, micrograph: Micrograph, pores: Mask) -> Mapping[str, float]:
    """How much of the pores has a gray of its own toward that of the metal, for ``FieldMeasurement.read_off``. [%]

    Nothing where no level of gray was automatic, or where a report does not have it, which is from before it was asked.
    """

    def read() -> float | None:
        if not _is_by_gray(segmentation):
            return None
        return paler_percent(micrograph.pixels, _rest(pores, micrograph), pores)

    return asked(micrograph, _SHALLOWER, read)


def _is_by_gray(segmentation: Segmentation) -> bool:
    """Whether a level was automatic, and one of gray and not of hues."""
    return is_automatic(segmentation) and segmentation.told.color_weights is None


def _rest(phase: Mask, micrograph: Micrograph) -> Mask:
    return ~phase if micrograph.roi is None else ~phase & micrograph.roi


def check_pores_are_no_matrix(segmentation: Segmentation, porosity_percent: float, image: str) -> None:
    """Refuse pores that take nearly all of a field: an automatic level found something bright among all the rest.

    Raises
    ------
    MeasurementError
        More than 80 % would be pores by an automatic level.
    """
    if porosity_percent > _MOST_PORES and is_automatic(segmentation):
        msg = (
            f"{image}: {porosity_percent:.1f} % would be pores: the gray level that was found separates something "
            "bright (a scratch, a reflection) from all the rest, and shows no pore; leave it out by [region], give the "
            'level (method = "fixed", levels = [...]) or masks (backend "labels")'
        )
        raise MeasurementError(msg)


def matrix_check(fields: Sequence[FieldMeasurement], shares: Sequence[float], name: str) -> tuple[Check, ...]:
    """Doubt of a class that takes nearly all of a field by an automatic level; none where no level was automatic.

    Parameters
    ----------
    fields : sequence of FieldMeasurement
        Of one specimen.
    shares : sequence of float
        Of the class, in their order. [%]
    name : str
        Of the class.
    """
    return worst_check(
        Text("recipes.check_share_beside_level", name=named("terms", name)),
        (
            (share, field.image)
            for field, share in zip(fields, shares, strict=True)
            if field.read_off.get("level_is_automatic")
        ),
        "<=",
        _MOST_PHASE,
        "%",
        clause=Text("recipes.clause_share_beside_level"),
        specimen=fields[0].specimen,
        advice=Text("recipes.advice_scratch_may_stand_out"),
    )


def layer_checks(fields: Sequence[FieldMeasurement], *, expected: bool) -> tuple[Check, ...]:
    """Doubt of classes in layers, of which gray tells those of one gray as one; none where no level was automatic.

    Parameters
    ----------
    fields : sequence of FieldMeasurement
        Of one specimen.
    expected : bool
        The job says that any shape of a class is meant.
    """
    return worst_check(
        Text("recipes.check_layers"),
        _read_off(fields, _LAYERED),
        "<=",
        100.0 if expected else _MOST_IN_LAYERS,
        "%",
        clause=Text("recipes.clause_layers"),
        specimen=fields[0].specimen,
        advice=Text("recipes.advice_layers"),
    )


def paler_checks(fields: Sequence[FieldMeasurement]) -> tuple[Check, ...]:
    """Doubt of a level that leaves features of less contrast to the matrix; none where it was asked of no field."""
    return worst_check(
        Text("recipes.check_paler"),
        _read_off(fields, _PALER),
        "<=",
        _MOST_PALER,
        "%",
        clause=Text("recipes.clause_paler"),
        specimen=fields[0].specimen,
        advice=Text("recipes.advice_paler"),
    )


def shallower_checks(fields: Sequence[FieldMeasurement]) -> tuple[Check, ...]:
    """Doubt of pores of two grays, of which one is another phase; none where it was asked of no field."""
    return worst_check(
        Text("recipes.check_shallower"),
        _read_off(fields, _SHALLOWER),
        "<=",
        _MOST_SHALLOWER,
        "%",
        clause=Text("recipes.clause_shallower"),
        specimen=fields[0].specimen,
        advice=Text("recipes.advice_shallower"),
    )


def relief_checks(fields: Sequence[FieldMeasurement]) -> tuple[Check, ...]:
    """Doubt of a class that is one side of a relief; none where it was asked of no field."""
    return worst_check(
        Text("recipes.check_relief"),
        _read_off(fields, _RELIEF),
        "<=",
        _MOST_RELIEF,
        "%",
        clause=Text("recipes.clause_relief"),
        specimen=fields[0].specimen,
        advice=Text("recipes.advice_relief"),
    )


def own_gray_checks(fields: Sequence[FieldMeasurement]) -> tuple[Check, ...]:
    """Whether the phase has a gray of its own in every field of a specimen; none where no level was chosen by edges."""
    return worst_check(
        Text("recipes.check_gray_of_its_own"),
        _read_off(fields, "own_gray"),
        ">=",
        OWN_GRAY,
        "1",
        clause=Text("recipes.clause_gray_of_its_own"),
        specimen=fields[0].specimen,
        advice=Text("recipes.advice_no_gray_level_separates"),
    )


def outline_checks(fields: Sequence[FieldMeasurement]) -> tuple[Check, ...]:
    """Whether the outline of the phase runs along edges in every field of a specimen; none without a level by edges."""
    return worst_check(
        Text("recipes.check_outline_on_edges"),
        ((100 * share, image) for share, image in _read_off(fields, "outline_on_edges")),
        ">=",
        max((float(field.read_off.get("asked_on_edges", 0)) for field in fields), default=_ON_EDGES),
        "%",
        clause=Text("recipes.clause_outline_on_edges"),
        specimen=fields[0].specimen,
        advice=Text("recipes.advice_outline_off_edges"),
    )


def _read_off(fields: Sequence[FieldMeasurement], key: str) -> list[tuple[float, str]]:
    """What was read off each field and its image, of those that it was read off."""
    return [(float(field.read_off[key]), field.image) for field in fields if key in field.read_off]


def disagreement(share: float, means: Mapping[str, float]) -> str:
    """Name the ways to the level that lie farther from a share than what moving the level alone makes of U. [%]

    Parameters
    ----------
    share : float
        As reported. [%]
    means : mapping
        Name of an alternative -> share of it. [%]

    Examples
    --------
    >>> disagreement(20.0, {"threshold -": 19.0, "threshold +": 21.0, "gray values": 26.0})
    'gray values: 26 %'
    >>> disagreement(20.0, {"threshold -": 19.0, "threshold +": 21.0, "gray values": 20.5})
    ''
    """
    moved = [means[name] for name in _SHIFTS if name in means]
    if not moved:
        return ""
    reach = 2 * half_range([share, *moved])
    apart = [f"{name}: {mean:.3g} %" for name, mean in means.items() if abs(mean - share) > reach]
    return ", ".join(text for text in apart if not text.startswith(_SHIFTS))
