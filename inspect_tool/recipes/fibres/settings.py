"""Settings and quantities of the recipe for fibers."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated

from typing_extensions import Doc

from inspect_tool.errors import SettingsError
from inspect_tool.languages import Text
from inspect_tool.model import Micrograph, Quantity
from inspect_tool.ranges import Above0, From0, Share

COMPONENTS: tuple[str, ...] = ("a11", "a22", "a33", "a12")
"""Of the direction tensor: those that an ellipse tells without ambiguity."""

QUANTITIES: Mapping[str, Quantity] = MappingProxyType(
    {
        "fibre_percent": Quantity(title=Text("fibres.title_fiber_percent"), unit="%", needs_scale=False),
        "void_percent": Quantity(title=Text("fibres.title_void_percent"), unit="%", needs_scale=False),
        "resin_rich_percent": Quantity(title=Text("fibres.title_resin_rich"), unit="%", needs_scale=False),
        "mean_fibre_diameter_um": Quantity(title=Text("fibres.title_mean_diameter"), unit="um", needs_scale=True),
        "fibre_diameter_sd_um": Quantity(title=Text("fibres.title_diameter_sd"), unit="um", needs_scale=True),
        "fibre_count_per_mm2": Quantity(title=Text("fibres.title_count"), unit="1/mm2", needs_scale=True),
        "mean_fibre_tilt_deg": Quantity(title=Text("fibres.title_tilt"), unit="deg", needs_scale=False),
        "orientation_a11": Quantity(title=Text("fibres.title_a11"), unit="1", needs_scale=False),
        "orientation_a22": Quantity(title=Text("fibres.title_a22"), unit="1", needs_scale=False),
        "orientation_a33": Quantity(title=Text("fibres.title_a33"), unit="1", needs_scale=False),
        "orientation_a12": Quantity(title=Text("fibres.title_a12"), unit="1", needs_scale=False),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Settings of the recipe."""

    fiber: Annotated[str, Doc("name of the class that is fiber; empty: class 1")] = ""
    void: Annotated[str, Doc("name of the class that is void; empty: class 2, if there is one")] = ""
    minimum_px2: Annotated[Above0[int], Doc("smaller pieces of fiber count as area, and not as fibers [px2]")] = 50
    resin_rich_um: Annotated[
        From0[float], Doc("matrix farther than this from any fiber is rich in resin; 0: half a mean diameter [um]")
    ] = 0.0
    roundness: Annotated[
        Share, Doc("standard deviation of (major - minor) / mean axis of a fiber that is cut square [1]")
    ] = 0.02
    depth: Annotated[
        Share, Doc("masks of classes: neck narrower than (1 - depth) of the smaller fiber parts it [1]")
    ] = 0.15


def check_settings(settings: Settings, micrograph: Micrograph) -> None:
    """Refuse settings that this field cannot meet.

    Raises
    ------
    SettingsError
        A length without a scale.
    """
    if settings.resin_rich_um and micrograph.calibration.pixel_um is None:
        msg = f"{micrograph.path}: settings.resin_rich_um needs a scale; the calibration is 'ratio only'"
        raise SettingsError(msg)
