"""What an edition says of inclusions, as numbers: joining, types, series."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from inspect_tool.model import Standard
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
class Limits:
    """Numbers of one edition."""

    name: str
    side_um: float  # of a field
    along_um: float  # gap along the rolling direction that is bridged
    across_um: float  # offset across it
    direction_deg: float  # deviation from it
    particles: float  # least number of a stringer B
    elongated: float  # length over width from which on a single oxide is of type C
    globular: float  # and below which it is of type D
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


def limits_of(edition: Standard) -> Limits:
    """Take the numbers of an edition."""
    said = {name: constant(edition, name).value for name in _CONSTANTS}
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
        name=edition.name,
        side_um=said["field_side_um"],
        along_um=said["join_along_um"],
        across_um=said["join_across_um"],
        direction_deg=said["direction_deg"],
        particles=said["stringer_particles"],
        elongated=said["elongated_aspect"],
        globular=said["globular_aspect"],
        highest=said["highest_index"],
        lines=lines,
        globule=globule,
    )


_CONSTANTS = (
    *("field_side_um", "join_along_um", "join_across_um", "direction_deg", "stringer_particles"),
    *("elongated_aspect", "globular_aspect", "highest_index"),
)


def _type_of(series: str) -> Type:
    return next(one for one in TYPES if series.startswith(one.lower()))
