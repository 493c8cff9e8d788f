"""One field: which pixels are fiber and void, which fibers are whole, how thick they are and where they point."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from inspect_tool.errors import MeasurementError
from inspect_tool.languages import Text
from inspect_tool.measure.boundaries import parted_by_distance
from inspect_tool.measure.contacts import contacts
from inspect_tool.measure.edges import BLURRED_PX, whole_weights
from inspect_tool.measure.outline_noise import diameter_noise
from inspect_tool.measure.regions import region_table
from inspect_tool.measure.share_scatter import share_scatter
from inspect_tool.model import LabelImage, Mark, Mask, Micrograph, Notable, PointClass, Segmentation
from inspect_tool.pixels.distances import distances
from inspect_tool.recipes.fibres.settings import COMPONENTS, Settings
from inspect_tool.recipes.fibres.values import Numbers, Phase, Scatter, Unit
from inspect_tool.standards.formulas import fiber_sections

_MARKED = 60  # traces, as many as a reader can tell apart
_TILTED = 15.0  # from here on a trace is drawn [deg]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Phases:
    """What one segmentation says of each pixel."""

    fibers: LabelImage  # number of the fiber, 0: none
    fiber: Mask
    void: Mask | None  # None: the segmentation does not know voids


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Found:
    """Fibers and phases of one segmentation."""

    phases: Mapping[Phase, Mask]
    inner: Mask | None  # where it is known how far the next fiber is; None: nowhere
    beyond_px: float  # matrix farther than this from any fiber is rich in resin; 0: not known
    table: pd.DataFrame  # one row per fiber; "count_weight" says how many it stands for
    area_px2: float  # that counts refer to


def phases_of(segmentation: Segmentation, settings: Settings, where: str) -> Phases:
    """Tell fibers and voids in what a backend gave: objects, classes, or classes with numbered objects."""
    fiber, void = _masks_of(segmentation, settings, where)
    if segmentation.kind == "instance":
        return Phases(fibers=np.asarray(segmentation.labels, np.int32), fiber=fiber, void=void)
    if segmentation.objects is not None:
        return Phases(fibers=np.where(fiber, segmentation.objects, 0).astype(np.int32), fiber=fiber, void=void)
    depth = np.asarray(cv2.distanceTransform(fiber.astype(np.uint8), cv2.DIST_L2, 5), np.float32)
    parted = parted_by_distance(depth, fiber, settings.depth) if fiber.any() else np.zeros(fiber.shape, np.int32)
    return Phases(fibers=parted, fiber=fiber, void=void)


def point_classes(segmentation: Segmentation, settings: Settings) -> tuple[NDArray[np.uint8], tuple[PointClass, ...]]:
    """Give every pixel the class that a person would name there; the classes, each with the result that it is."""
    fiber, void = _masks_of(segmentation, settings, "fibres")
    named = (PointClass(name="matrix"), PointClass(name="fiber", quantity="fibre_percent"))
    if void is None:
        return fiber.astype(np.uint8), named
    return np.where(void, 2, fiber).astype(np.uint8), (*named, PointClass(name="void", quantity="void_percent"))


def _masks_of(segmentation: Segmentation, settings: Settings, where: str) -> tuple[Mask, Mask | None]:
    """Fiber, and void where the segmentation knows it."""
    labels = segmentation.labels
    if segmentation.kind == "instance":
        return np.asarray(labels > 0), None
    by_name = {name: number for number, name in segmentation.classes.items()}
    for name in (settings.fiber, settings.void):
        if name and name not in by_name:
            msg = f"{where}: no class '{name}' in the segmentation; there are: {', '.join(by_name)}"
            raise MeasurementError(msg)
    fiber = np.asarray(labels == (by_name[settings.fiber] if settings.fiber else 1))
    number = by_name[settings.void] if settings.void else 2
    return fiber, np.asarray(labels == number) if number in segmentation.classes else None


def found_in(micrograph: Micrograph, phases: Phases, settings: Settings) -> Found:
    """Measure the fibers, say what each stands for, and where the resin is far from any."""
    roi, pixel_um = micrograph.roi, micrograph.calibration.pixel_um
    if roi is not None and not roi.any():
        msg = f"{micrograph.path}: the region holds no pixel; check [region] of the job"
        raise MeasurementError(msg)
    area = np.bincount(phases.fibers.ravel())
    area[0] = 0
    fibers = np.where((area >= settings.minimum_px2)[phases.fibers], phases.fibers, 0).astype(np.int32)
    table = region_table(fibers, pixel_um, roi=roi)
    unit = "px" if pixel_um is None else "um"
    minor, major = (table[f"ellipse_{axis}_{unit}"].to_numpy(dtype=np.float64) for axis in ("minor", "major"))
    table["tilt_deg"] = fiber_sections.tilt_deg(minor, np.maximum(major, 1e-12))
    table["touching"] = np.isin(table["feature"].to_numpy(), contacts(fibers)[0])
    table["diameter_noise_px2"] = diameter_noise(fibers, table, unit, pixel_um or 1.0)
    table["count_weight"] = whole_weights(fibers, table, roi, margin_px=BLURRED_PX)
    used = table["count_weight"].to_numpy() > 0
    mean_px = (
        float(np.average(minor[used], weights=table["count_weight"].to_numpy()[used])) / (pixel_um or 1.0)
        if used.any()
        else 0.0
    )
    beyond_px = settings.resin_rich_um / pixel_um if settings.resin_rich_um and pixel_um is not None else mean_px / 2
    made: dict[Phase, Mask] = {"fibre": phases.fiber}
    inner = None
    if phases.void is not None:
        made["void"] = phases.void
    if beyond_px > 0 and phases.fiber.any():
        inner = _inner(fibers.shape, roi, beyond_px)
        far = distances(~phases.fiber)
        # from the middle of a pixel of matrix to that of the nearest one of fiber: the outline lies half a pixel nearer
        rich = np.asarray(far - 0.5 > beyond_px) & inner
        made["resin_rich"] = rich if phases.void is None else rich & ~phases.void
        inner = inner if inner.any() else None
    return Found(
        phases=made,
        inner=inner,
        beyond_px=beyond_px,
        table=table,
        area_px2=float(fibers.size if roi is None else np.count_nonzero(roi)),
    )


def _inner(shape: tuple[int, ...], roi: Mask | None, beyond_px: float) -> Mask:
    """Pixels so far from the edge of the field that no fiber beyond it could be nearer than the distance asked for."""
    region = np.ones(shape, np.bool_) if roi is None else roi
    depth = distances(np.pad(region, 1))[1:-1, 1:-1]
    return np.asarray(depth - 0.5 > beyond_px)


def numbers_of(found: Found, micrograph: Micrograph) -> Numbers:
    """Numbers of one segmentation of one field; the same for the main one and for its alternatives."""
    pixel_um = micrograph.calibration.pixel_um
    unit: Unit = "px" if pixel_um is None else "um"
    table = found.table
    weight = table["count_weight"].to_numpy()
    used = weight > 0
    own, minor = weight[used], table[f"ellipse_minor_{unit}"].to_numpy()[used]
    area = {phase: 100 * _share(mask, _frame(found, phase, micrograph)) for phase, mask in found.phases.items()}
    mean = float(np.average(minor, weights=own)) if used.any() else 0.0
    number = float(weight.sum())
    noise = table["diameter_noise_px2"].to_numpy()[used] * (pixel_um or 1.0) ** 2
    return Numbers(
        fibers=float(len(table)),
        fibers_cut=float(table["touches_edge"].sum()),
        fibers_counted=number,
        fibers_measured=float(used.sum()),
        touching_percent=100 * float(table["touching"].mean()) if len(table) else 0.0,
        area=area,
        resin_rich_beyond={unit: found.beyond_px * (pixel_um or 1.0)} if "resin_rich" in found.phases else {},
        fibre_count_per_mm2=None if pixel_um is None else number / (found.area_px2 * pixel_um**2 * 1e-6),
        mean_diameter={unit: mean} if used.any() else {},
        diameter_sd={unit: sqrt(max(float(np.average((minor - mean) ** 2 - noise, weights=own)), 0.0))}
        if used.any()
        else {},
        mean_fibre_tilt_deg=float(np.average(table["tilt_deg"].to_numpy()[used], weights=own)) if used.any() else None,
        tensor=tensor_of(table[used]) if used.any() else {},
    )


def _frame(found: Found, phase: Phase, micrograph: Micrograph) -> Mask | None:
    return found.inner if phase == "resin_rich" else micrograph.roi


def _share(mask: Mask, frame: Mask | None) -> float:
    return float(mask.mean()) if frame is None else float(mask[frame].mean())


def tensor_of(fibers: pd.DataFrame) -> dict[str, float]:
    """Components of the direction tensor, whole fibers by the area of their sections."""
    parts = fiber_sections.direction_tensor(fibers["tilt_deg"].to_numpy(), fibers["orientation_deg"].to_numpy())
    weight = fibers["count_weight"].to_numpy() * fibers["area_px2"].to_numpy()
    return {name: float(np.average(parts[name], weights=weight)) for name in COMPONENTS}


def scatter_of(found: Found, micrograph: Micrograph) -> dict[Phase, Scatter]:
    """How far each share may lie from that of the specimen, by the arrangement inside the field."""
    made: dict[Phase, Scatter] = {}
    for phase, mask in found.phases.items():
        frame = _frame(found, phase, micrograph)
        inside = share_scatter(mask, frame)
        along = np.count_nonzero(mask[:, 1:] != mask[:, :-1]) + np.count_nonzero(mask[1:] != mask[:-1])
        seen = mask.size if frame is None else int(np.count_nonzero(frame))
        made[phase] = Scatter(
            inner_scatter_percent=100 * inside.u,
            inner_scatter_dof=inside.dof,
            half_pixel_percent=100 * 0.5 * np.pi / 4 * along / seen,  # pixel edges over the length of an outline: 4/π
        )
    return made


def curves_of(found: Found, pixel_um: float | None) -> Mapping[str, tuple[float, ...]]:
    """Diameter, direction and weight of the whole fibers, for all fields together."""
    unit = "px" if pixel_um is None else "um"
    used = found.table[found.table["count_weight"] > 0]
    return {
        f"fiber_diameter_{unit}": tuple(used[f"ellipse_minor_{unit}"].tolist()),
        "fiber_tilt_deg": tuple(used["tilt_deg"].tolist()),
        "fiber_trace_deg": tuple(used["orientation_deg"].tolist()),
        "fiber_weight": tuple(used["count_weight"].tolist()),
        "fiber_area_px2": tuple(used["area_px2"].astype(float).tolist()),
        "fiber_noise_px2": tuple(used["diameter_noise_px2"].tolist()),
    }


def marks_of(found: Found, pixel_um: float | None) -> tuple[Mark, ...]:
    """Draw the traces of the most tilted whole fibers, and outline nothing else."""
    unit = "px" if pixel_um is None else "um"
    table = found.table[(found.table["count_weight"] > 0) & (found.table["tilt_deg"] >= _TILTED)]
    made = []
    for _, row in table.nlargest(_MARKED, "tilt_deg").iterrows():
        half = float(row[f"ellipse_major_{unit}"]) / (pixel_um or 1.0) / 2
        turn = np.radians(float(row["orientation_deg"]))
        step = -half * float(np.sin(turn)), half * float(np.cos(turn))
        at = float(row["row_px"]), float(row["column_px"])
        ends = (at[0] - step[0], at[1] - step[1]), (at[0] + step[0], at[1] + step[1])
        made.append(Mark(kind="path", points=ends, style="figure", layer=Text("fibres.layer_traces")))
    return tuple(made)


def worst_of(table: pd.DataFrame, pixel_um: float | None) -> tuple[Notable, ...]:
    """Name the ten thickest fibers of a field: two that were not parted are among them."""
    unit = "px" if pixel_um is None else "um"
    whole = table[~table["touches_edge"]]
    thickest = whole.sort_values(f"ellipse_minor_{unit}", ascending=False, kind="stable").head(10)
    return tuple(
        Notable(
            feature=int(row["feature"]),
            value=float(row[f"ellipse_minor_{unit}"]),
            unit=unit,
            caption=Text("fibres.caption_diameter"),
            box=(int(row["top_px"]), int(row["left_px"]), int(row["bottom_px"]), int(row["right_px"])),
        )
        for _, row in thickest.iterrows()
    )


def notes_of(numbers: Numbers) -> tuple[str, ...]:
    """Say what of a field was cut, in words."""
    if not numbers.fibers_cut:
        return ()
    return (Text("fibres.note_cut", cut=int(numbers.fibers_cut), fibers=int(numbers.fibers)),)
