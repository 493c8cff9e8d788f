"""Settings of the recipe, and the quantities it gives."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Literal

from typing_extensions import Doc

from inspect_tool.languages import Text
from inspect_tool.model import Quantity
from inspect_tool.ranges import Above0, From0

NODULARITY, BY_NUMBER, NODULES, GRAPHITE = (
    "nodularity_percent",
    "nodularity_by_number_percent",
    "nodule_count_per_mm2",
    "graphite_percent",
)

QUANTITIES: Mapping[str, Quantity] = MappingProxyType(
    {
        NODULARITY: Quantity(title=Text("graphite.title_nodularity"), unit="%", needs_scale=False),
        NODULES: Quantity(title=Text("graphite.title_nodules"), unit="1/mm2", needs_scale=True),
        BY_NUMBER: Quantity(title=Text("graphite.title_by_number"), unit="%", needs_scale=False),
        f"{NODULARITY}.*": Quantity(title=Text("graphite.title_nodularity"), unit="%", needs_scale=False),
        GRAPHITE: Quantity(title=Text("graphite.title_graphite"), unit="%", needs_scale=False),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Settings of the recipe."""

    classes: Annotated[tuple[str, ...], Doc("names of the classes that are graphite; empty: class 1")] = ()
    edge: Annotated[
        Literal["weighted", "left out"],
        Doc(
            "those that the frame cuts are left out; weighted: each whole one counts with the inverse of its chance to "
            "be whole, as long ones are cut more often than round ones"
        ),
    ] = "weighted"
    also_by: Annotated[
        tuple[str, ...],
        Doc('editions that the same particles are rated by besides that of the job, e.g. "iso_16112_2017"'),
    ] = ()
    minimum_px2: Annotated[
        Above0[int], Doc("smaller particles have no shape that could be told: they are left out [px2]")
    ] = 30
    minimum_feret_um: Annotated[
        From0[float], Doc("smallest largest dimension of a particle that counts; 0: that of the edition [um]")
    ] = 0.0
