"""What is stated of a gauge study before its values are looked at; the command line makes its options of it."""

from dataclasses import dataclass
from typing import Annotated, Literal

from typing_extensions import Doc


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Options of the command, or ``[plan]`` of a study file."""

    method: Annotated[Literal["anova", "range"], Doc("anova or range (average and range).")] = "anova"
    nested: Annotated[bool, Doc("Every appraiser has parts of his own.")] = False
    type1: Annotated[bool, Doc("One part of known value: Cg, Cgk, bias.")] = False
    # empty: their first main result
    quantity: Annotated[str, Doc("Result of the reports, see: list quantities.")] = ""
    unit: Annotated[str, Doc("Unit of a CSV file that does not state it.")] = ""
    tolerance: Annotated[float | None, Doc("Upper less lower limit, in the unit of the values.")] = None
    lower: Annotated[float | None, Doc("Lower limit; with --upper, in place of --tolerance.")] = None
    upper: Annotated[float | None, Doc("Upper limit.")] = None
    reference: Annotated[float | None, Doc("Type 1: known value of the part.")] = None
    resolution: Annotated[float | None, Doc("Type 1: smallest step of the gauge.")] = None
    criteria: Annotated[
        str, Doc("By commas: study, tolerance, ndc; type 1: cg, cgk, resolution; or none. Default: all.")
    ] = ""
    # empty: that of the design
    standard: Annotated[str, Doc("Edition or file with constants and limits.")] = ""
