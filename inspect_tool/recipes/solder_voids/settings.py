"""Settings of the recipe, and the quantities it gives."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from typing_extensions import Doc

from inspect_tool.errors import MeasurementError, SettingsError
from inspect_tool.languages import Text
from inspect_tool.measure import joints as measure
from inspect_tool.model import (
    Micrograph,
    Quantity,
    Segmentation,
)
from inspect_tool.ranges import Above0, From0, Percent

QUANTITIES: Mapping[str, Quantity] = {
    "void_percent.max": Quantity(title=Text("solder_voids.title_worst_joint"), unit="%", needs_scale=False),
    "void_percent.mean": Quantity(title=Text("solder_voids.title_mean_void_share"), unit="%", needs_scale=False),
    "largest_void_percent.max": Quantity(title=Text("solder_voids.title_largest_void"), unit="%", needs_scale=False),
    "void_diameter_percent.max": Quantity(
        title=Text("solder_voids.title_largest_void_diameter"), unit="%", needs_scale=False
    ),
    "joints_above_limit": Quantity(
        title=Text("solder_voids.title_joints_above_limit"),
        unit="counts",
        needs_scale=False,
        needs_setting="limit_percent",
    ),
    "quadrant_void_percent.max": Quantity(
        title=Text("solder_voids.title_worst_quadrant"), unit="%", needs_scale=False, needs_setting="quadrants"
    ),
    "corner_void_percent.max": Quantity(
        title=Text("solder_voids.title_corner_void"),
        unit="%",
        needs_scale=False,
        needs_setting="quadrants",
    ),
    "across_void_percent.max": Quantity(
        title=Text("solder_voids.title_void_across"),
        unit="%",
        needs_scale=False,
        needs_setting="quadrants",
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How void shares are formed."""

    denominator: Annotated[Literal["joint projection", "pad", "wetted area"], Doc("what the voids are a share of")] = (
        "joint projection"
    )
    pad_diameter_um: Annotated[Above0[float] | None, Doc('of round pads, for denominator "pad" [um]')] = None
    pad_length_um: Annotated[Above0[float] | None, Doc("of rectangular pads, with pad_width_um [um]")] = None
    pad_width_um: Annotated[Above0[float] | None, Doc("[um]")] = None
    vias: Annotated[Literal["left out", "part of the joint"], Doc("of the joint projection; never a void")] = "left out"
    min_void_px: Annotated[From0[float], Doc("equivalent diameter of the smallest void that counts [px]")] = 3.0
    expected_joints: Annotated[From0[int] | None, Doc("per image; another number found is a failed check")] = None
    edge_joints: Annotated[Literal["left out", "counted"], Doc("joints cut by the edge of the image")] = "left out"
    limit_percent: Annotated[Percent, Doc("void share above which a joint is counted; 0: not asked")] = 0.0
    quadrants: Annotated[bool, Doc("die attach: quadrants, corner voids, voids across")] = False
    joints_are: Annotated[
        Literal["all", "sample"], Doc("sample: the mean speaks of joints that were not inspected")
    ] = "all"


def check_settings(settings: Settings, micrograph: Micrograph, where: str) -> None:
    """Refuse settings out of range, or a scale that a setting needs and an image has not."""
    if not 0 <= settings.limit_percent < 100:
        msg = f"settings.limit_percent: {settings.limit_percent:g} is no void share; give 0 to below 100 (0: not asked)"
        raise SettingsError(msg)
    if settings.denominator == "joint projection":
        return
    round_pad = settings.pad_diameter_um is not None
    sides = (settings.pad_length_um is not None) + (settings.pad_width_um is not None)
    if (round_pad and sides) or (not round_pad and sides != 2):
        msg = (
            f"settings.denominator: '{settings.denominator}' needs the pad: "
            "give pad_diameter_um, or pad_length_um and pad_width_um"
        )
        raise SettingsError(msg)
    if micrograph.calibration.pixel_um is None:
        msg = f"{where}: denominator '{settings.denominator}' needs the scale of the image; give [calibration] pixel_um"
        raise SettingsError(msg)


def check_classes(segmentation: Segmentation, where: str) -> None:
    """Refuse labels that are not the classes of this recipe."""
    if segmentation.kind != "semantic" or segmentation.labels.max(initial=0) > measure.VIA:
        msg = (
            f"{where}: solder voids need the classes 0 background, 1 joint, 2 void (3 via); "
            "use backend 'joints', or 'labels' with these classes"
        )
        raise MeasurementError(msg)
