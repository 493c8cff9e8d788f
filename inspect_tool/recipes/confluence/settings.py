"""Settings and quantities of the confluence recipe."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Literal, TypeAlias

from typing_extensions import Doc

from inspect_tool.languages import Text
from inspect_tool.model import Quantity
from inspect_tool.ranges import Above0, From0

Count: TypeAlias = Literal["nothing", "nuclei", "cells"]

COVERED = "area_percent.covered"
COUNTED: Mapping[Count, str] = MappingProxyType({"nuclei": "nuclei_per_mm2", "cells": "cells_per_mm2"})
"""What is counted, and the quantity that it gives."""

QUANTITIES: Mapping[str, Quantity] = MappingProxyType(
    {
        COVERED: Quantity(title=Text("confluence.title_covered"), unit="%", needs_scale=False),
        "nuclei_per_mm2": Quantity(title=Text("confluence.title_nuclei"), unit="1/mm2", needs_scale=True),
        "cells_per_mm2": Quantity(title=Text("confluence.title_cells"), unit="1/mm2", needs_scale=True),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Settings of the recipe."""

    count: Annotated[
        Count,
        Doc("what single objects of the backend are; nuclei (of a nuclear stain) tell nothing of what is covered"),
    ] = "nothing"
    minimum_px2: Annotated[Above0[int], Doc("smaller objects are not counted [px2]")] = 30
    well_area_mm2: Annotated[From0[float], Doc("growth area of the well or dish; 0: not stated [mm2]")] = 0.0
    wanted_ra_percent: Annotated[Above0[float], Doc("relative accuracy that the planning of fields aims at [%]")] = 10.0
