"""What a recipe lets the self-test draw for it: fields of known truth, and what is known of them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from dataclasses import field as default
from typing import Literal, TypeAlias

from inspect_tool.synthetic.field import Field


@dataclass(frozen=True, slots=True, kw_only=True)
class Kit:
    """What is drawn: how much of it, how often, and how large."""

    quick: bool = False  # a few truths of each recipe
    truths: Mapping[str, tuple[float, ...]] = default(default_factory=dict)  # by recipe, in the place of its own
    looks: tuple[str, ...] = ("good", "ordinary", "poor")
    repeats: int = 2  # phantoms of the same truth and look
    fields: int = 3  # of one phantom
    least_px: int = 400  # shortest side of a grain field [px]
    most_px: int = 800  # longest side of a grain field: stands for the laboratory's image [px]
    side_px: int = 512  # of phase and pore fields [px]
    balls: int = 3  # rows and columns of joints
    grains_wanted: float = 40.0  # of one field, where ``most_px`` holds them
    least_grains: float = 50.0  # of one phantom
    least_intercept_px: float = 10.0  # of grains: below, an etched boundary takes a quarter of them [px]
    pore_sizes_px: tuple[float, ...] = (2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 14.0)  # equivalent diameters [px]
    pores_of_a_size: int = 150  # about

    @property
    def shape_px(self) -> tuple[int, int]:
        """Rows and columns of phase and pore fields. [px]"""
        return self.side_px, self.side_px


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """Key of the truth of a quantity: of the material, and how that of several fields goes together."""

    process: str  # "": the fields themselves are the material
    field: str
    pooled: Literal["mean", "max", "count weighted", "lines", "areas", "sizes"] = "mean"


Draw: TypeAlias = Callable[[float, int, float, Kit], Field]
"""Draws one field from its nominal truth, a seed and a pixel size [um/px]; the same ones give the same field."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OneSize:
    """Features that all have one size: the self-test says down to which size they are found, and how large.

    The recipe tells where its features lie and how large they are in columns ``row_px``, ``column_px``, ``ecd_um``.
    """

    what: str  # in the plural
    draw: Draw  # of the equivalent diameter, in the place of the truth [px]


def within_reach(truth: float, pixel_um: float, kit: Kit) -> str:  # noqa: ARG001 - one shape
    """Leave no truth out."""
    return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Phantoms:
    """The phantoms of one recipe."""

    says: str  # what is drawn, with {} for the truths: words, or a sentence with a value of that name
    unit: str  # of the nominal truths
    truths: tuple[float, ...]
    quick: tuple[float, ...]  # truths of the short test
    pixel_um: float  # where the laboratory states none [um/px]
    known: Mapping[str, Truth]  # by quantity; one that stands for every class is that of the class with number 1
    plotted: tuple[str, ...]  # quantities; the first is that of the test with two sizes of tiles
    draw: Draw
    modality: Literal["optical", "xray"] = "optical"
    out_of_reach: Callable[[float, float, Kit], str] = within_reach  # why a truth cannot be measured; empty: it can
    one_size: OneSize | None = None  # of the recipes of one self-test, those of the first are drawn
