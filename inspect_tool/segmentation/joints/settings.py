"""What the backend ``joints`` looks for: its settings and the shapes of joints, voids and vias."""

from dataclasses import dataclass
from typing import Annotated, Literal

from typing_extensions import Doc


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """A joint, void or via in pixels of the image; give exactly one of the three outlines."""

    name: str = ""
    rectangle: Annotated[tuple[float, float, float, float] | None, Doc("top, left, height, width")] = None
    polygon: Annotated[tuple[tuple[float, float], ...], Doc("(row, column) corners")] = ()
    circle: Annotated[tuple[float, float, float] | None, Doc("row, column, diameter")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What to look for. Lengths are pixels of the image, contrasts are shares of the joint's own contrast."""

    layout: Annotated[
        Literal["auto", "balls", "pads", "die"], Doc("what is in the image: solder balls, pads, or one die")
    ] = "auto"
    polarity: Annotated[Literal["auto", "solder dark", "solder bright"], Doc("dark: as more metal absorbs more")] = (
        "auto"
    )
    joints: Annotated[
        tuple[Shape, ...], Doc("outlines to measure in; empty: they are looked for (docs/solder_voids.md)")
    ] = ()
    positions: Annotated[str, Doc("CSV: name,row,column,diameter or name,row,column,height,width")] = ""
    joint_mask: Annotated[str, Doc("image: 0 outside; other values number the joints (one value: connected parts)")] = (
        ""
    )
    outline: Annotated[Literal["given", "found"], Doc("given joints: take the shape, or look for the edge near it")] = (
        "given"
    )
    voids: Annotated[tuple[Shape, ...], Doc("drawn by hand: nothing else counts as a void, overlaps count once")] = ()
    vias: Annotated[tuple[Shape, ...], Doc("plated holes in the pad: neither solder nor void")] = ()
    find_vias: Annotated[bool, Doc("true: look for round, sharp ones, nearly as light as the surroundings")] = False
    straight_bands: Annotated[Literal["ignore", "count"], Doc("leads and wires that cross a joint")] = "ignore"
    void_polarity: Annotated[Literal["lighter", "darker"], Doc("of a void against its solder, in transmission")] = (
        "lighter"
    )
    min_void_px: Annotated[float, Doc("equivalent diameter of the smallest void that counts [px]")] = 3.0
    min_contrast: Annotated[float, Doc("of a void, as a share of joint against surroundings [1]")] = 0.04
    significance: Annotated[float, Doc("contrast x sqrt(area) in units of the local noise")] = 12.0
    min_joint_px: Annotated[float, Doc("equivalent diameter of the smallest joint that is looked for [px]")] = 12.0
    surface_degree: Annotated[
        int | None, Doc("of the polynomial solder background; None: 2 for round joints, 4 for others")
    ] = None
