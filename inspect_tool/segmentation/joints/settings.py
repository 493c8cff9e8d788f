"""What the backend ``joints`` looks for: its settings and the shapes of joints, voids and vias."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """A joint, void or via in pixels of the image; give exactly one of the three outlines."""

    name: str = ""
    rectangle: tuple[float, float, float, float] | None = None  # top, left, height, width
    polygon: tuple[tuple[float, float], ...] = ()  # (row, column) corners
    circle: tuple[float, float, float] | None = None  # row, column, diameter


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What to look for. Lengths are pixels of the image, contrasts are shares of the joint's own contrast."""

    layout: Literal["auto", "balls", "pads", "die"] = "auto"  # what is in the image: solder balls, pads, or one die
    polarity: Literal["auto", "solder dark", "solder bright"] = "auto"  # dark: as more metal absorbs more
    joints: tuple[Shape, ...] = ()  # outlines to measure in; empty: they are looked for (docs/solder_voids.md)
    positions: str = ""  # CSV: name,row,column,diameter or name,row,column,height,width
    joint_mask: str = ""  # image: 0 outside; other values number the joints (one value: connected parts)
    outline: Literal["given", "found"] = "given"  # given joints: take the shape, or look for the edge near it
    voids: tuple[Shape, ...] = ()  # drawn by hand: nothing else counts as a void, overlaps count once
    vias: tuple[Shape, ...] = ()  # plated holes in the pad: neither solder nor void
    find_vias: bool = False  # true: look for round, sharp ones, nearly as light as the surroundings
    straight_bands: Literal["ignore", "count"] = "ignore"  # leads and wires that cross a joint
    void_polarity: Literal["lighter", "darker"] = "lighter"  # of a void against its solder, in transmission
    min_void_px: float = 3.0  # equivalent diameter of the smallest void that counts [px]
    min_contrast: float = 0.04  # of a void, as a share of joint against surroundings [1]
    significance: float = 12.0  # contrast x sqrt(area) in units of the local noise
    min_joint_px: float = 12.0  # equivalent diameter of the smallest joint that is looked for [px]
    surface_degree: int | None = None  # of the polynomial solder background; None: 2 for round joints, 4 for others
