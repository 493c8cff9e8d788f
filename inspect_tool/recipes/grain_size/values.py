"""What the recipe keeps of one field."""

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as default
from typing import TypeAlias

from inspect_tool.model import FieldMeasurement
from inspect_tool.model.row import Row, column


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LineFigure(Row):
    """Circles or lines of the job's method, over all places where the figure was put."""

    figure_placements: float
    figure_counts: float
    figure_counts_smallest: float  # of one placement
    figure_counts_largest: float
    figure_intersections: float
    figure_triple_points: float
    figure_tangents: float
    figure_length_mm: float  # inside grains
    figure_n_l_per_mm: float
    figure_diameter_mm: float | None = None  # of the circle, the largest of three
    figure_magnification: float | None = None  # at which the standard draws it so large
    figure_lines: float | None = None
    figure_orientations: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CircleFigure(Row):
    """Circles in which grains are counted."""

    figure_placements: float
    figure_grains: float
    figure_grains_smallest: float  # of one placement
    figure_inside: float
    figure_cut: float
    figure_diameter_mm: float
    figure_area_mm2: float
    figure_grains_per_mm2: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RectangleFigure(Row):
    """The rectangle of whole, cut and corner grains; what they come to is counted by every method."""

    figure_inside: float
    figure_cut: float
    figure_corners: float


Figure: TypeAlias = LineFigure | CircleFigure | RectangleFigure


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scaled(Row):
    """What needs the size of a pixel."""

    n_l_per_mm: float  # intercepts per length of lines over the whole field
    mean_intercept_um: float
    n_l_deg_per_mm: Mapping[int, float] = default(metadata=column("n_l_{}deg_per_mm"))  # by direction from the axis
    intercepts: float
    lost_chords_percent: float
    line_length_mm: float
    grains_counted: float  # in the rectangle
    window_mm2: float
    grains_per_mm2: float
    whole_grains: float
    whole_grains_per_mm2: float
    largest_grain_um2: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Counted(Row):
    """One segmentation counted by every method, so that alternatives have it too."""

    mean_intercept_px: float
    anisotropy_index: float | None  # None: boundaries run one way
    matrix_percent: float | None  # None: no second phase is asked for
    scaled: Scaled | None
    figure: Figure | None  # None: the method has none
    grain_size_number: float | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Doubts(Row):
    """What the plausibility of a field is judged by, see there."""

    small_apart_in_gray_percent: float
    second_gray_level_percent: float
    left_out_percent: float
    edge_held_by_one_percent: float
    twin_lamellae: float
    scratch_lines: float
    scratched_percent: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Samples(Row):
    """What is read off all fields together, one by one; of a field without a scale nothing."""

    intercept_counts: tuple[float, ...] = ()  # whole chords by length, see CHORD_EDGES_UM
    local_intercept_um: tuple[float, ...] = ()  # mean of each tile of the field; empty: too few grains for tiles
    local_pairs_um: tuple[tuple[float, float], ...] = ()  # of tiles side by side


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Values(Row):
    """One field."""

    counted: Counted
    doubts: Doubts
    samples: Samples = default(metadata=column(None))


Measured: TypeAlias = FieldMeasurement[Values, Counted]
