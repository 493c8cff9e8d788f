"""What an edition says of inclusions, as numbers: joining, types, series."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias, TypedDict

from inspect_tool.errors import StandardError
from inspect_tool.model import Editions, Standard
from inspect_tool.standards.editions import constant
from inspect_tool.standards.formulas import iso_4967
from inspect_tool.standards.formulas.iso_4967 import Thickness

Type: TypeAlias = Literal["A", "B", "C", "D"]
TYPES: tuple[Type, ...] = ("A", "B", "C", "D")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One type: severity from what is rated, and the widths of its series [um]."""

    slope: float
    intercept: float
    thin_um: float
    heavy_um: float
    oversize_um: float

    def thickness(self, width_um: float) -> Thickness:
        """Series of an inclusion of this width."""
        return iso_4967.thickness(width_um, self.thin_um, self.heavy_um, self.oversize_um)


@dataclass(frozen=True, slots=True, kw_only=True)
class Globule:
    """Type DS: single globules from a diameter on."""

    minimum_um: float
    slope: float
    intercept: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Joining:
    """How an edition joins particles to inclusions, and tells their types."""

    name: str
    along_um: float  # gap along the rolling direction that is bridged
    across_um: float  # offset across it
    direction_deg: float  # deviation from it
    particles: float  # least number of a stringer B
    elongated: float  # length over width from which on a single oxide is of type C
    globular: float  # and below which it is of type D


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits(Joining):
    """Numbers of an edition that gives severities."""

    side_um: float  # of a field
    highest: float
    lines: Mapping[Type, Line]
    globule: Globule | None

    @property
    def series(self) -> tuple[str, ...]:
        """Keys of the series that are rated: a_thin ... d_heavy, and ds where the edition has it."""
        return tuple(f"{one.lower()}_{thick}" for one in TYPES for thick in ("thin", "heavy")) + (
            ("ds",) if self.globule else ()
        )

    def index(self, series: str, total: float) -> float:
        """Severity of the total of one series in one field."""
        if series == "ds":
            globule = self.globule
            return iso_4967.severity_of_globule(total, globule.slope, globule.intercept) if globule else 0.0
        line = self.lines[_type_of(series)]
        return iso_4967.severity_index(total, line.slope, line.intercept)


def gives_severities(edition: Standard) -> bool:
    """Whether an edition rates worst fields by series; else it sorts inclusions by sizes (``sizes``).

    Raises
    ------
    StandardError
        It does neither.
    """
    if "series" not in edition.tables and "sizes" not in edition.tables:
        msg = (
            f"{edition.name}.toml: is no edition for inclusions: it has neither [[tables.series]] nor [[tables.sizes]]"
        )
        raise StandardError(msg)
    return "series" in edition.tables


def of_severities(editions: Editions) -> tuple[Standard, ...]:
    """Editions that give severities, that of the job first."""
    return tuple(one for one in (editions.job, *editions.others) if gives_severities(one))


def of_sizes(editions: Editions) -> tuple[Standard, ...]:
    """Editions that sort inclusions by sizes."""
    return tuple(one for one in (editions.job, *editions.others) if not gives_severities(one))


class _Join(TypedDict):
    name: str
    along_um: float
    across_um: float
    direction_deg: float
    particles: float
    elongated: float
    globular: float


def joining_of(edition: Standard) -> _Join:
    """What an edition says of joining and types: the first entries of ``Joining`` and what derives from it."""
    return _Join(
        name=edition.name,
        along_um=constant(edition, "join_along_um").value,
        across_um=constant(edition, "join_across_um").value,
        direction_deg=constant(edition, "direction_deg").value,
        particles=constant(edition, "stringer_particles").value,
        elongated=constant(edition, "elongated_aspect").value,
        globular=constant(edition, "globular_aspect").value,
    )


def limits_of(edition: Standard) -> Limits:
    """Take the numbers of an edition that gives severities.

    Raises
    ------
    StandardError
        It gives none, or lacks a value.
    """
    if not gives_severities(edition):
        msg = f"{edition.name}.toml: gives sizes and no severities; name it in settings.also_by, not as the standard"
        raise StandardError(msg)
    lines = {
        row["type"]: Line(
            slope=row["slope"],
            intercept=row["intercept"],
            thin_um=row["thin_um"],
            heavy_um=row["heavy_um"],
            oversize_um=row["oversize_um"],
        )
        for row in edition.tables["series"]
    }
    globule = None
    if "ds_minimum_um" in edition.values:
        minimum, slope, intercept = (
            constant(edition, f"ds_{name}").value for name in ("minimum_um", "slope", "intercept")
        )
        globule = Globule(minimum_um=minimum, slope=slope, intercept=intercept)
    return Limits(
        **joining_of(edition),
        side_um=constant(edition, "field_side_um").value,
        highest=constant(edition, "highest_index").value,
        lines=lines,
        globule=globule,
    )


def _type_of(series: str) -> Type:
    return next(one for one in TYPES if series.startswith(one.lower()))
