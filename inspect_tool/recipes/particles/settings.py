"""Settings and quantities of the particle recipe."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Literal, TypeAlias

from typing_extensions import Doc

from inspect_tool.errors import SettingsError
from inspect_tool.languages import Text
from inspect_tool.model import Micrograph, Quantity
from inspect_tool.ranges import Above0, From0, Share

Kind: TypeAlias = Literal["number", "volume"]
POWERS: Mapping[Kind, float] = MappingProxyType({"number": 0.0, "volume": 3.0})
"""Power of the diameter that a particle counts with."""

SHARES: Mapping[str, float] = MappingProxyType({"d10": 0.1, "d50": 0.5, "d90": 0.9})
"""Share of the particles that does not reach a diameter. [1]"""

SIZES: tuple[tuple[str, str, Kind], ...] = (
    ("particle_d10_um.number", "d10", "number"),
    ("particle_d50_um.number", "d50", "number"),
    ("particle_d90_um.number", "d90", "number"),
    ("particle_d10_um.volume", "d10", "volume"),
    ("particle_d50_um.volume", "d50", "volume"),
    ("particle_d90_um.volume", "d90", "volume"),
)
"""Quantity, share and type of every quantile."""

QUANTITIES: Mapping[str, Quantity] = MappingProxyType(
    {
        "particle_d50_um.volume": Quantity(title=Text("particles.title_d50_volume"), unit="um", needs_scale=True),
        "particle_d10_um.volume": Quantity(title=Text("particles.title_d10_volume"), unit="um", needs_scale=True),
        "particle_d90_um.volume": Quantity(title=Text("particles.title_d90_volume"), unit="um", needs_scale=True),
        "particle_d50_um.number": Quantity(title=Text("particles.title_d50_number"), unit="um", needs_scale=True),
        "particle_d10_um.number": Quantity(title=Text("particles.title_d10_number"), unit="um", needs_scale=True),
        "particle_d90_um.number": Quantity(title=Text("particles.title_d90_number"), unit="um", needs_scale=True),
        "mean_particle_ecd_um": Quantity(title=Text("particles.title_mean_ecd"), unit="um", needs_scale=True),
        "sauter_diameter_um": Quantity(title=Text("particles.title_sauter"), unit="um", needs_scale=True),
        "largest_particle_feret_um": Quantity(title=Text("particles.title_largest_feret"), unit="um", needs_scale=True),
        "particle_count_per_mm2": Quantity(title=Text("particles.title_count"), unit="1/mm2", needs_scale=True),
        "particle_aspect_ratio": Quantity(title=Text("particles.title_aspect_ratio"), unit="1", needs_scale=False),
        "particle_circularity": Quantity(title=Text("particles.title_circularity"), unit="1", needs_scale=False),
        "satellite_percent": Quantity(title=Text("particles.title_satellites"), unit="%", needs_scale=False),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Settings of the recipe."""

    classes: Annotated[tuple[str, ...], Doc("names of the classes that are particles; empty: class 1")] = ()
    minimum_px2: Annotated[Above0[int], Doc("smaller objects cannot be measured: they are counted apart [px2]")] = 50
    minimum_um: Annotated[From0[float], Doc("particles of a smaller diameter do not count; 0: all [um]")] = 0.0
    edge: Annotated[
        Literal["weighted", "guard"],
        Doc(
            "weighted: whole particles by the inverse of their chance to be whole; guard: those centered inside a frame"
        ),
    ] = "weighted"
    guard_um: Annotated[
        From0[float], Doc("guard: distance of that frame from the edge, half the largest particle [um]")
    ] = 0.0
    overlap: Annotated[
        Literal["separate", "reject"], Doc("reject: particles with a concave outline are counted but not measured")
    ] = "separate"
    concave: Annotated[Share, Doc("solidity below which a particle is hidden in part or a cluster [1]")] = 0.9
    satellites: Annotated[
        Literal["counted", "left out", "with host"], Doc("small particles that touch a large one")
    ] = "counted"
    satellite_ratio: Annotated[Above0[float], Doc("diameter of the host over that of a satellite, at least [1]")] = 3.0


def check_settings(settings: Settings, micrograph: Micrograph) -> None:
    """Refuse settings that this field cannot meet.

    Raises
    ------
    SettingsError
        A length without a scale, or a guard without a width.
    """
    if settings.edge == "guard" and not settings.guard_um > 0:
        msg = 'settings.guard_um: is not set; edge = "guard" needs half the diameter of the largest particle'
        raise SettingsError(msg)
    if micrograph.calibration.pixel_um is None and (settings.minimum_um or settings.guard_um):
        msg = f"{micrograph.path}: minimum_um and guard_um need a scale; the calibration is 'ratio only'"
        raise SettingsError(msg)
    if settings.satellite_ratio < 1:
        msg = f"settings.satellite_ratio: got {settings.satellite_ratio:g}, must be at least 1"
        raise SettingsError(msg)
