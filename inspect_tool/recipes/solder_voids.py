"""Voids in solder joints and die attach from one X-ray projection: coverage, joint by joint.

Per joint the void share and the share of the largest void; per specimen the worst and the mean joint.
Both areas of a share come from the same image, so no scale is needed unless the denominator is a pad
of known size. What the number is not: a volume, or a statement about the interface a void lies at.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import pi, sqrt
from typing import Any, Literal, TypeAlias

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from inspect_tool.acceptance import plausibility
from inspect_tool.errors import MeasurementError, SettingsError
from inspect_tool.measure import ball_doubts
from inspect_tool.measure import joints as measure
from inspect_tool.measure.gray import read_off
from inspect_tool.model import (
    Carried,
    Cell,
    Chart,
    Check,
    Component,
    FieldMeasurement,
    Findings,
    GrayImage,
    LabelImage,
    Mark,
    Mask,
    Measurements,
    Micrograph,
    Notable,
    Quantity,
    Result,
    Segmentation,
    Series,
    Standard,
    Statement,
    Table,
)
from inspect_tool.ranges import Above0, From0, Percent
from inspect_tool.standards.editions import check_rule, designation
from inspect_tool.standards.formulas.voids import void_percent
from inspect_tool.statistics.fields import field_statistics, scatter_line
from inspect_tool.statistics.uncertainty import coverage_factor, evaluated, excess_of_largest, half_range

TITLE = "Solder voids"
QUESTION: Literal["coverage", "count"] = "coverage"
ACCEPTS: Mapping[str, str] = {"classes": "as they are"}  # objects of one kind do not say which is joint, which void
USE = "use a backend that gives the classes joint and void (joints, or labels with these classes)"
MOUNTED = False  # the images show no section in its mount
MASKS: tuple[str, ...] = ("binary", "classes")  # what a mask of the user may be
STANDARDS = ("xray_projected_voids", "ipc_a_610_e", "ipc_7095_c", "iec_61191_6_2010", "mil_std_883")
BACKEND: Mapping[str, Any] = {"name": "joints"}
CARRIED: Mapping[str, Carried] = {  # see validation.line
    "void_percent.max": Carried(of="void_percent.max", over="largest"),
    "void_percent.mean": Carried(of="void_percent.mean"),
    "largest_void_percent.max": Carried(of="largest_void_percent.max", over="largest"),
}
QUANTITIES: Mapping[str, Quantity] = {
    "void_percent.max": Quantity(title="Void share of the worst joint", unit="%", needs_scale=False),
    "void_percent.mean": Quantity(title="Mean void share of the joints", unit="%", needs_scale=False),
    "largest_void_percent.max": Quantity(
        title="Largest connected void, share of its joint", unit="%", needs_scale=False
    ),
    "void_diameter_percent.max": Quantity(
        title="Diameter of the largest connected void, share of that of its joint", unit="%", needs_scale=False
    ),
    "joints_above_limit": Quantity(
        title="Joints with more voids than the limit", unit="counts", needs_scale=False, needs_setting="limit_percent"
    ),
    "quadrant_void_percent.max": Quantity(
        title="Void share of the worst quadrant", unit="%", needs_scale=False, needs_setting="quadrants"
    ),
    "corner_void_percent.max": Quantity(
        title="Largest connected void in a corner, share of its joint",
        unit="%",
        needs_scale=False,
        needs_setting="quadrants",
    ),
    "across_void_percent.max": Quantity(
        title="Largest connected void from side to side, share of its joint",
        unit="%",
        needs_scale=False,
        needs_setting="quadrants",
    ),
}

_SHARES = ("void_percent", "largest_void_percent", "void_diameter_percent")
_Lines: TypeAlias = Mapping[str, Mapping[str, NDArray[np.float64]]]  # share -> budget line -> u per joint [%]
_MOST = 80.0  # % of the image that one joint covers at most, where its layout was not given
_WORST = 10
_BARS = 20
_VOID_ROWS = 25


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How void shares are formed."""

    denominator: Literal["joint projection", "pad", "wetted area"] = "joint projection"  # what the voids are a share of
    pad_diameter_um: Above0[float] | None = None  # of round pads, for denominator "pad" [um]
    pad_length_um: Above0[float] | None = None  # of rectangular pads, with pad_width_um [um]
    pad_width_um: Above0[float] | None = None  # [um]
    vias: Literal["left out", "part of the joint"] = "left out"  # of the joint projection; never a void
    min_void_px: From0[float] = 3.0  # equivalent diameter of the smallest void that counts [px]
    expected_joints: From0[int] | None = None  # per image; another number found is a failed check
    edge_joints: Literal["left out", "counted"] = "left out"  # joints cut by the edge of the image
    limit_percent: Percent = 0.0  # void share above which a joint is counted; 0: not asked
    quadrants: bool = False  # die attach: quadrants, corner voids, voids across
    joints_are: Literal["all", "sample"] = "all"  # sample: the mean speaks of joints that were not inspected


def measure_field(
    micrograph: Micrograph,
    segmentation: Segmentation,
    settings: Settings,
    standard: Standard,
) -> FieldMeasurement:
    """Void shares of every joint of one image, and how they move with the outlines."""
    del standard  # rules are judged over the specimen
    where = micrograph.path or "image"
    _check_settings(settings, micrograph, where)
    _check_classes(segmentation, where)
    objects = measure.number_joints(segmentation.labels) if segmentation.objects is None else segmentation.objects
    found, voids = measure.measure_voids(segmentation.labels, objects, settings.min_void_px, micrograph.roi)
    if not len(found.number):
        msg = f"{where}: no joint in the segmentation; check the joint outlines, or give them in [backend]"
        raise MeasurementError(msg)
    area = _denominator(found, settings, micrograph)
    names = _names(segmentation, found.number)
    table = _shares(found, area)
    used = np.ones(len(names), bool) if settings.edge_joints == "counted" else ~found.touches_edge
    dies = _dies(segmentation.labels, objects, found, settings)

    moved: dict[str, dict[str, NDArray[np.float64]]] = {}
    summaries: dict[str, Mapping[str, float]] = {}
    for name, other in segmentation.alternatives():
        moved_joints = other.objects is None
        numbers = objects if other.objects is None else other.objects
        again, _ = measure.measure_voids(other.labels, numbers, settings.min_void_px, moved=moved_joints)
        del other, numbers  # before the next one is made
        shares = _aligned(found.number, again, settings, micrograph)
        moved[name] = shares
        summaries[name] = _summary(shares, used)
    lines = _joint_lines(found, area, table, moved)

    features = _features(micrograph, found, names, table, area, dies)
    quality: Mapping[str, float | int | str] = read_off(
        micrograph, "image_quality", lambda: _image_quality(micrograph.pixels, segmentation, objects, found, names)
    )
    seen = segmentation.labels.size if micrograph.roi is None else np.count_nonzero(micrograph.roi)
    values: dict[str, float | int | str] = {
        "joints": len(names),
        "joints_at_edge": int(found.touches_edge.sum()),
        **_summary(table, used),
        "voids": int(found.voids.sum()),
        "smallest_joint_px": float(np.sqrt(4 * found.area.min() / pi)),
        **quality,
        "largest_joint_of_image_percent": 100 * float(found.area.max()) / seen,
        "layout_guessed": int(segmentation.settings.get("layout_guessed", 0)),
        "round_regions_left_out": int(segmentation.settings.get("round_regions_left_out", 0)),
        "smallest_void_px": max(settings.min_void_px, float(segmentation.settings.get("min_void_px", 0.0))),
    }
    return FieldMeasurement(
        specimen=micrograph.specimen,
        section=micrograph.section,
        plane=micrograph.plane,
        field=micrograph.field,
        image=micrograph.path,
        shape_px=(micrograph.pixels.shape[0], micrograph.pixels.shape[1]),
        calibration=micrograph.calibration,
        values=values,
        features=features,
        alternatives=summaries,
        marks=_marks(objects, found, names),
        worst=_worst(found, names, table, used),
        notes=_notes(found, names, settings, segmentation, where),
        curves={f"{share}.{line}": tuple(u.tolist()) for share in _SHARES for line, u in lines[share].items()},
        parts=_void_table(voids, found, names, area, micrograph.calibration.pixel_um),
        read_off={"image_quality": quality},
    )


def sampled_joints(
    segmentation: Segmentation, settings: Settings, roi: Mask | None, where: str
) -> tuple[LabelImage, dict[int, str]]:
    """Number the joints that a person may be asked about, pixel by pixel; with their names.

    Those that count, without the vias that are left out; their outlines are taken as given.

    Raises
    ------
    MeasurementError
        The denominator is not what a person sees.
    """
    if settings.denominator != "joint projection":
        msg = (
            f"{where}: points in a joint are a share of its projection, not of the {settings.denominator}; "
            'for a check by hand set [settings] denominator = "joint projection"'
        )
        raise MeasurementError(msg)
    objects = measure.number_joints(segmentation.labels) if segmentation.objects is None else segmentation.objects
    found, _ = measure.measure_voids(segmentation.labels, objects, settings.min_void_px, roi)
    counts = found.number if settings.edge_joints == "counted" else found.number[~found.touches_edge]
    asked = np.isin(objects, counts)
    if settings.vias == "left out":
        asked &= segmentation.labels != measure.VIA
    names = dict(zip(found.number.tolist(), _names(segmentation, found.number), strict=True))
    return np.where(asked, objects, 0).astype(np.int32), names


def void_classes(segmentation: Segmentation) -> NDArray[np.uint8]:
    """Give every pixel what the program took it for: 1 void, 0 anything else."""
    return np.asarray(segmentation.labels == measure.VOID, np.uint8)


def combine(fields: Sequence[FieldMeasurement], settings: Settings, standard: Standard) -> Findings:
    """Worst and mean joint of each specimen, with the checks of the method card."""
    results: list[Result] = []
    checks: list[Check] = []
    warnings: list[str] = []
    every = dict.fromkeys(field.specimen for field in fields)
    for specimen in every:
        own = [field for field in fields if field.specimen == specimen]
        joints = pd.concat([_placed(field) for field in own], ignore_index=True)
        whole = np.ones(len(joints), bool) if settings.edge_joints == "counted" else ~joints["touches_edge"].to_numpy()
        used = joints[whole]
        checks += _checks(own, settings, standard, specimen)
        if used.empty:
            msg = (
                f"specimen {specimen}: every joint is cut by the edge of its image; take a wider image, "
                'or set [settings] edge_joints = "counted"'
            )
            raise MeasurementError(msg)
        left_out = len(joints) - len(used)
        if left_out:
            warnings.append(
                f"specimen {specimen}: {left_out} of {len(joints)} joints are cut by the image edge: left out"
            )
        results += _results(used, _budget_lines(own, whole), specimen, settings, standard)
        if settings.joints_are == "sample" and used["section"].nunique() == 1:
            warnings.append(
                f"specimen {specimen}: the joints of one board are the sample: what differs between boards is not in U "
                "of the mean; give the boards as sections"
            )
    features = pd.concat([_placed(field) for field in fields], ignore_index=True)
    return Findings(
        results=tuple(results),
        checks=tuple(checks),
        measurements=Measurements(features=features, fields=_fields_table(fields)),
        statements=_statements(settings, fields),
        tables=_tables(fields, features, settings),
        charts=_charts(fields, features),
        warnings=tuple(warnings),
    )


# ---------------------------------------------------------------------------------------------------- one field


def _check_settings(settings: Settings, micrograph: Micrograph, where: str) -> None:
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


def _check_classes(segmentation: Segmentation, where: str) -> None:
    if segmentation.kind != "semantic" or segmentation.labels.max(initial=0) > measure.VIA:
        msg = (
            f"{where}: solder voids need the classes 0 background, 1 joint, 2 void (3 via); "
            "use backend 'joints', or 'labels' with these classes"
        )
        raise MeasurementError(msg)


def _denominator(found: measure.Joints, settings: Settings, micrograph: Micrograph) -> NDArray[np.float64]:
    """Area that void areas are divided by, joint by joint. [px2]."""
    vias = found.via_area.astype(np.float64)
    if settings.denominator == "joint projection":
        return np.asarray(found.area - (vias if settings.vias == "left out" else 0.0), dtype=np.float64)
    pixel_um = micrograph.calibration.pixel_um
    assert pixel_um is not None  # _check_settings
    if settings.pad_diameter_um is not None:
        pad_um2 = pi / 4 * settings.pad_diameter_um**2
    else:
        pad_um2 = (settings.pad_length_um or 0.0) * (settings.pad_width_um or 0.0)
    pad = np.full(len(vias), pad_um2 / pixel_um**2)
    return pad - vias if settings.denominator == "wetted area" else pad


def _shares(found: measure.Joints, area: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    return {
        "void_percent": np.array([void_percent(v, a) for v, a in zip(found.void_area, area, strict=True)]),
        "largest_void_percent": np.array([void_percent(v, a) for v, a in zip(found.largest_void, area, strict=True)]),
        "void_diameter_percent": 100 * np.sqrt(found.largest_void / found.area),  # of discs of the same areas
    }


def _aligned(
    numbers: NDArray[np.int64], again: measure.Joints, settings: Settings, micrograph: Micrograph
) -> dict[str, NDArray[np.float64]]:
    """Shares of a re-segmentation in the order of the joints; a joint that vanished is NaN."""
    shares = _shares(again, _denominator(again, settings, micrograph))
    place = {number: i for i, number in enumerate(again.number.tolist())}
    index = [place.get(number, -1) for number in numbers.tolist()]
    return {key: np.array([values[i] if i >= 0 else np.nan for i in index]) for key, values in shares.items()}


def _joint_lines(
    found: measure.Joints,
    area: NDArray[np.float64],
    table: Mapping[str, NDArray[np.float64]],
    moved: Mapping[str, Mapping[str, NDArray[np.float64]]],
) -> dict[str, dict[str, NDArray[np.float64]]]:
    """Uncertainty lines of each joint's void share: share name -> line name -> u per joint. [%].

    Re-evaluations that differ by their sign only ("void edge -", "void edge +") are the two ends of one
    rectangular distribution. Doubtful voids act on one side of the value, so their line takes the whole way to the
    farther end. An outline that was found lies within a quarter of a pixel where it should, at best: the line
    of the pixel has what that of the other levels lacks. One that was given is known to half a pixel, to
    which side of the edge its pixels belong being a convention.
    """
    lines: dict[str, dict[str, NDArray[np.float64]]] = {share: {} for share in _SHARES}
    groups = dict.fromkeys(name.rstrip(" +-") for name in moved)
    for share in _SHARES:
        base = table[share]
        for group in groups:
            ends = [values[share] for name, values in moved.items() if name.rstrip(" +-") == group]
            rows = np.stack([base, *(np.where(np.isnan(end), base, end) for end in ends)], axis=1)
            if group == "faint voids":
                lines[share][group] = np.abs(rows - rows[:, :1]).max(axis=1) / sqrt(3)
            else:
                lines[share][group] = np.array([half_range(row) for row in rows.tolist()])
        percent, whole, slope = base, area, np.ones(len(base))
        if share == "void_diameter_percent":  # = 10 sqrt(percent)
            percent, whole = base**2 / 100, found.area.astype(np.float64)
            slope = np.divide(50.0, base, out=np.zeros(len(base)), where=base > 0)
        if share == "void_percent":
            void_edge = found.void_edge.astype(np.float64)
        else:  # the outline of the largest void alone is not counted; that of a disc of its area is
            void_edge = 4 / pi * np.sqrt(4 * pi * found.largest_void)
        for part, length in (("void", void_edge), ("joint", percent / 100 * found.joint_edge)):
            name, way = ("quarter pixel", 0.25) if f"{part} edge" in groups else ("half pixel", 0.5)
            # pixel sides of a smooth outline are 4/pi times its length
            least = 100 * (way * pi / 4 * length / sqrt(3)) / whole * slope
            # where the outline lies is one error: the pixel is the least of it and not another beside the levels
            told = lines[share].get(f"{part} edge", np.zeros(len(base)))
            lines[share][f"{part} {name}"] = np.sqrt(np.clip(least**2 - told**2, 0.0, None))
    return lines


def _summary(table: Mapping[str, NDArray[np.float64]], used: NDArray[np.bool_]) -> dict[str, float]:
    if not used.any():
        return {}
    largest = {f"{share}.max": float(np.nanmax(table[share][used])) for share in _SHARES}
    return {**largest, "void_percent.mean": float(np.nanmean(table["void_percent"][used]))}


def _dies(
    labels: LabelImage, objects: LabelImage, found: measure.Joints, settings: Settings
) -> list[measure.DieAttach]:
    if not settings.quadrants:
        return []
    return [measure.die_attach(labels, objects, number, settings.min_void_px) for number in found.number.tolist()]


def _names(segmentation: Segmentation, numbers: NDArray[np.int64]) -> list[str]:
    given = segmentation.settings.get("joint_names", ())
    return [str(given[n - 1]) if 0 < n <= len(given) else str(n) for n in numbers.tolist()]


def _features(
    micrograph: Micrograph,
    found: measure.Joints,
    names: Sequence[str],
    table: Mapping[str, NDArray[np.float64]],
    area: NDArray[np.float64],
    dies: Sequence[measure.DieAttach],
) -> pd.DataFrame:
    pixel_um = micrograph.calibration.pixel_um
    unit, size = ("px", 1.0) if pixel_um is None else ("um", pixel_um)
    columns: dict[str, Any] = {
        "feature": found.number,
        "joint": list(names),
        "row_px": found.row,
        "column_px": found.column,
        "touches_edge": found.touches_edge,
        "void_percent": table["void_percent"],
        "largest_void_percent": table["largest_void_percent"],
        "void_diameter_percent": table["void_diameter_percent"],
        "voids": found.voids,
        f"joint_diameter_{unit}": np.sqrt(4 * found.area / pi) * size,
        f"joint_area_{unit}2": found.area * size**2,
        f"denominator_area_{unit}2": area * size**2,
        f"void_area_{unit}2": found.void_area * size**2,
        f"via_area_{unit}2": found.via_area * size**2,
    }
    if dies:
        for name in measure.QUADRANTS:
            columns[f"{name.replace(' ', '_')}_void_percent"] = [die.quadrants[name] for die in dies]
        columns["worst_quadrant"] = [die.worst_quadrant for die in dies]
        columns["quadrant_void_percent"] = [die.quadrants[die.worst_quadrant] for die in dies]
        columns["corner_void_percent"] = [die.corner_void for die in dies]
        columns["across_void_percent"] = [die.across_void for die in dies]
        columns["across"] = [die.across for die in dies]
    return pd.DataFrame(columns)


def _void_table(
    voids: measure.Voids, found: measure.Joints, names: Sequence[str], area: NDArray[np.float64], pixel_um: float | None
) -> pd.DataFrame:
    """One row per void."""
    place = {number: i for i, number in enumerate(found.number.tolist())}
    index = np.array([place[number] for number in voids.joint.tolist()], dtype=np.intp)
    unit, size = ("px", 1.0) if pixel_um is None else ("um", pixel_um)
    return pd.DataFrame(
        {
            "joint": [names[i] for i in index.tolist()],
            "row_px": voids.row,
            "column_px": voids.column,
            "void_percent": 100 * voids.area / area[index] if len(index) else np.empty(0),
            f"void_diameter_{unit}": np.sqrt(4 * voids.area / pi) * size,
            f"void_area_{unit}2": voids.area * size**2,
        }
    )


def _image_quality(
    pixels: GrayImage,
    segmentation: Segmentation,
    objects: LabelImage,
    found: measure.Joints,
    names: Sequence[str],
) -> dict[str, float | int | str]:
    """All that is read off the gray values."""
    contrast_to_noise, clipped = _contrast(pixels, segmentation.labels, objects, found)
    uneven = ball_doubts.unevenly_covered(pixels, objects, found)
    crossed = ball_doubts.crossed(pixels, segmentation.labels, objects, found)
    if segmentation.settings.get("layout") == "balls":  # what is of another shape is a ball and something else
        odd = [i for i in range(len(names)) if not (ball_doubts.is_round(found, i) or found.touches_edge[i])]
        crossed = sorted({*crossed, *odd})
    return {
        "contrast_to_noise": contrast_to_noise,
        "clipped_percent": clipped,
        "joints_lighter_in_the_middle": ball_doubts.hollow(pixels, segmentation, objects, found),
        "joints_unevenly_covered": len(uneven),
        "unevenly_covered": ", ".join(names[i] for i in uneven),
        "joints_crossed": len(crossed),
        "crossed": ", ".join(names[i] for i in crossed),
        "joints_unsure": int(segmentation.settings.get("joints_unsure", 0)),
    }


def _contrast(pixels: GrayImage, labels: LabelImage, objects: LabelImage, found: measure.Joints) -> tuple[float, float]:
    """Contrast-to-noise of the joint that has the lowest one, and the share of clipped pixels in joints. [1], [%]."""
    low, high = (0, 255) if pixels.dtype == np.uint8 else (pixels.min(), pixels.max())
    noise = max(measure.gray_noise(pixels, labels == measure.JOINT), 0.29 if pixels.dtype == np.uint8 else 1e-12)
    ratios = []
    clipped = 0
    darkest, lightest = np.inf, -np.inf
    for number, (top, left, bottom, right) in zip(found.number.tolist(), found.box.tolist(), strict=True):
        box = (slice(max(top - 6, 0), bottom + 6), slice(max(left - 6, 0), right + 6))
        gray = pixels[box].astype(np.float32)
        own = objects[box] == number
        clipped += np.count_nonzero(own & ((gray <= low) | (gray >= high)))
        darkest, lightest = min(darkest, gray[own].min()), max(lightest, gray[own].max())
        around = (cv2.dilate(own.astype(np.uint8), np.ones((11, 11), np.uint8)) > 0) & (objects[box] == 0)
        inside = own & (labels[box] == measure.JOINT)
        if around.any() and inside.any():
            ratios.append(abs(float(np.median(gray[around])) - float(np.median(gray[inside]))) / noise)
    ratio = min(ratios) if ratios else float(lightest - darkest) / noise
    return ratio, 100 * (clipped / int(found.area.sum()))


def _marks(objects: LabelImage, found: measure.Joints, names: Sequence[str]) -> tuple[Mark, ...]:
    marks: list[Mark] = []
    for i, number in enumerate(found.number.tolist()):
        top, left, bottom, right = found.box[i].tolist()
        style: Literal["object", "warning"] = "warning" if found.touches_edge[i] else "object"
        points = measure.outline(objects, number, (top, left, bottom, right))
        marks.append(Mark(kind="path", points=points, style=style, layer="joints"))
        marks.append(
            Mark(
                kind="text",
                points=((float(top), float(found.column[i])),),
                style=style,
                layer="joints",
                label=names[i],
            )
        )
    return tuple(marks)


def _worst(
    found: measure.Joints, names: Sequence[str], table: Mapping[str, NDArray[np.float64]], used: NDArray[np.bool_]
) -> tuple[Notable, ...]:
    order = np.argsort(-table["void_percent"], kind="stable")
    return tuple(
        Notable(
            feature=int(found.number[i]),
            value=float(table["void_percent"][i]),
            unit="%",
            caption=f"joint {names[i]}: {int(found.voids[i])} voids, largest {table['largest_void_percent'][i]:.1f} %",
            box=(int(found.box[i, 0]), int(found.box[i, 1]), int(found.box[i, 2]), int(found.box[i, 3])),
        )
        for i in order[used[order]][:_WORST].tolist()
    )


def _notes(
    found: measure.Joints, names: Sequence[str], settings: Settings, segmentation: Segmentation, where: str
) -> tuple[str, ...]:
    notes = []
    cut = [names[i] for i in np.nonzero(found.touches_edge)[0].tolist()]
    if cut:
        what = "left out of the largest and mean value" if settings.edge_joints == "left out" else "counted"
        notes.append(f"{where}: cut by the image edge and {what}: joint {', '.join(cut)}")
    bands = segmentation.settings.get("straight_bands_ignored", 0)
    if bands:
        notes.append(f"{where}: {bands} straight bands from edge to edge taken as leads or wires, not as voids")
    if found.via_area.any():
        notes.append(f"{where}: vias are not voids; their area is {settings.vias} of the joint projection")
    return tuple(notes)


# ------------------------------------------------------------------------------------------------ all fields


def _placed(field: FieldMeasurement) -> pd.DataFrame:
    table = field.features.copy()
    table.insert(0, "field", field.field)
    table.insert(0, "section", field.section)
    table.insert(0, "specimen", field.specimen)
    return table


def _fields_table(fields: Sequence[FieldMeasurement]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "specimen": field.specimen,
                "section": field.section,
                "plane": field.plane,
                "field": field.field,
                "image": field.image,
                **field.values,
            }
            for field in fields
        ]
    )


def _budget_lines(fields: Sequence[FieldMeasurement], whole: NDArray[np.bool_]) -> _Lines:
    """Budget lines of the joints that count, in the order of their table; a line that a field has not is 0 there."""
    names = dict.fromkeys(name for field in fields for name in field.curves)
    return {
        share: {
            name.removeprefix(f"{share}."): np.concatenate(
                [np.asarray(field.curves.get(name, (0.0,) * len(field.features))) for field in fields]
            )[whole]
            for name in names
            if name.startswith(f"{share}.")
        }
        for share in _SHARES
    }


def _results(used: pd.DataFrame, lines: _Lines, specimen: str, settings: Settings, standard: Standard) -> list[Result]:
    largest = {
        "void_percent": f"union of voids / {settings.denominator}",
        "largest_void_percent": f"largest void / {settings.denominator}",
        "void_diameter_percent": "equivalent diameter of the largest connected void / that of the joint",
    }
    budgets = dict(lines)
    if settings.quadrants:
        whole = used["void_percent"].to_numpy()
        for part, of in (("quadrant", "quadrant"), ("corner", "joint"), ("across", "joint")):
            share = f"{part}_void_percent"
            largest[share] = f"share of the {of}"
            # the outline of the parts moves like that of the whole: the relative uncertainty is taken over
            scale = np.divide(used[share], whole, out=np.zeros(len(used)), where=whole > 0)
            budgets[share] = {line: u * scale for line, u in lines["void_percent"].items()}
    clause = designation(standard)
    results = [_worst_joint(used, share, largest[share], budgets[share], specimen, clause) for share in largest]
    results.insert(1, _mean(used, lines["void_percent"], settings, specimen, clause))
    if settings.limit_percent:
        results.append(_above_limit(used, lines["void_percent"], settings.limit_percent, specimen, clause))
    return [evaluated(replace(result, title=QUANTITIES[result.quantity].title)) for result in results]


def _worst_joint(
    used: pd.DataFrame,
    share: str,
    definition: str,
    lines: Mapping[str, NDArray[np.float64]],
    specimen: str,
    clause: str,
) -> Result:
    """Largest share of the joints that were inspected, with the budget of the joint it belongs to.

    Of several joints that cannot be told apart, the one that was measured too large is the largest: the excess is
    anything from nothing (all joints err the same way) to that of independent errors, and acts on one side.
    """
    shares = used[share].to_numpy()
    at = int(shares.argmax())
    joint = used["joint"].iloc[at]
    budget = [
        Component(name=line, u=float(u[at]), kind="B", basis=f"{_BASIS.get(line, _MOVED)}; joint {joint}")
        for line, u in lines.items()
    ]
    rivals, excess = excess_of_largest(shares, _combined(lines, len(shares)))
    if excess:
        basis = (
            f"{rivals} joints cannot be told from it: the largest of their errors is {excess:.2g} % on average; / √3"
        )
        budget.append(Component(name="choice of the largest", u=excess / sqrt(3), kind="B", basis=basis))
    return Result(
        quantity=f"{share}.max",
        specimen=specimen,
        n=len(shares),
        n_of="joints",
        clause=clause,
        value=float(shares[at]),
        unit="%",
        definition=f"{definition}, largest over joints/1",
        budget=tuple(budget),
        main=share == "void_percent",
    )


def _combined(lines: Mapping[str, NDArray[np.float64]], n: int) -> NDArray[np.float64]:
    """Combined standard uncertainty of each of n joints. [%]."""
    return np.sqrt(sum((u**2 for u in lines.values()), start=np.zeros(n)))


def _mean(
    used: pd.DataFrame, lines: Mapping[str, NDArray[np.float64]], settings: Settings, specimen: str, clause: str
) -> Result:
    """Mean void share: over all joints, or, of a sample, over boards of images of joints, with their scatter."""
    shares = used["void_percent"]
    value, over = float(shares.mean()), "joints"
    budget = [
        Component(
            name=line,
            u=float(u.mean()),  # an outline rule moves all joints the same way
            kind="B",
            basis=f"{_BASIS.get(line, _MOVED)}; the same way in all joints",
        )
        for line, u in lines.items()
    ]
    if settings.joints_are == "sample":
        images = used.groupby(["section", "field"], sort=False)["void_percent"].mean()
        if len(images) > 1:
            found = field_statistics(images.tolist(), [str(section) for section, _ in images.index])
            value, over = found.mean, "boards of means over images" if len(found.sections) > 1 else "images of means"
            budget = [*scatter_line(found), *budget]
        else:
            between = [
                replace(line, name="between joints", basis=f"s / √n over {len(shares)} joints of one image")
                for line in scatter_line(field_statistics(shares.tolist()))
            ]
            budget = [*between, *budget]
    return Result(
        quantity="void_percent.mean",
        specimen=specimen,
        n=len(shares),
        n_of="joints",
        clause=clause,
        value=value,
        unit="%",
        definition=f"union of voids / {settings.denominator}, mean over {over}/1",
        budget=tuple(budget),
        main=False,
    )


def _above_limit(
    used: pd.DataFrame, lines: Mapping[str, NDArray[np.float64]], limit: float, specimen: str, clause: str
) -> Result:
    """Count joints above a limit; the joints within their own U of it may lie on either side."""
    shares = used["void_percent"].to_numpy()
    way = coverage_factor(None) * _combined(lines, len(shares))
    low, count, high = (int(np.count_nonzero(moved > limit)) for moved in (shares - way, shares, shares + way))
    return Result(
        quantity="joints_above_limit",
        specimen=specimen,
        n=len(shares),
        n_of="joints",
        clause=clause,
        value=float(count),
        unit="counts",
        definition=f"joints with a void share above {limit:g} %/1",
        interval=(float(low), float(high)),
        budget=(
            Component(
                name="joints near the limit",
                u=max(high - count, count - low) / coverage_factor(None),
                kind="B",
                basis=f"{high - low} joints lie within U of their own void share of the limit",
            ),
        ),
        main=False,
    )


_MOVED = "half range of the value with the outline at other plausible gray levels / √3"
_BASIS = {
    "void quarter pixel": "outline of the voids a quarter of a pixel in or out, 0.25 px / √3, beyond 'void edge'",
    "joint quarter pixel": "outline of the joint a quarter of a pixel in or out, 0.25 px / √3, beyond 'joint edge'",
    "void half pixel": "outline of the voids half a pixel in or out, 0.5 px / √3",
    "joint half pixel": "outline of the joint half a pixel in or out, 0.5 px / √3",
    "faint voids": "change of the value with voids left out or taken in that just count or are seen in one of two "
    "ways, the larger one / √3",
}


def _checks(fields: Sequence[FieldMeasurement], settings: Settings, standard: Standard, specimen: str) -> list[Check]:
    rules = {
        "joint_diameter_px": min(float(field.values["smallest_joint_px"]) for field in fields),
        "void_diameter_px": min(float(field.values["smallest_void_px"]) for field in fields),
        "contrast_to_noise": min(float(field.values["contrast_to_noise"]) for field in fields),
        "clipped_percent": max(float(field.values["clipped_percent"]) for field in fields),
    }
    made = [
        check_rule(standard, name, value, specimen=specimen) for name, value in rules.items() if name in standard.rules
    ]
    checks = [check for check in made if check is not None]
    hollow = sum(int(field.values["joints_lighter_in_the_middle"]) for field in fields)
    checks.append(
        Check(
            name="Round joints lighter in the middle than near the rim",
            value=float(hollow),
            relation="<=",
            limit=0.0,
            unit="joints",
            passed=hollow == 0,
            clause="own rule: a ball is thickest in its middle; a void as wide as most of it may have been missed",
            scope="image",
            specimen=specimen,
            note="look at these joints, or draw the void by hand" if hollow else "",
        )
    )
    beside, across = (
        ", ".join(str(field.values[key]) for field in fields if field.values.get(key))
        for key in ("unevenly_covered", "crossed")
    )
    for key, name, note in (
        (
            "round_regions_left_out",
            "Round regions like free balls that are no joint of the result",
            "joints may be missing; give [backend] layout, joints or positions",
        ),
        (
            "joints_unevenly_covered",
            "Round joints crossed by the edge of something else",
            f"joint {beside}: a component, trace or wire may be taken for a void or hide one; draw the voids by hand",
        ),
        (
            "joints_crossed",
            "Balls with a band of gray that is no bubble",
            f"joint {across}: a lead, a part or shading may be taken for a void or hide one; draw the voids by hand",
        ),
    ):
        count = sum(int(field.values.get(key, 0)) for field in fields)
        checks.append(
            plausibility.check(
                name,
                float(count),
                "<=",
                0.0,
                "joints",
                clause="own rule: every joint in the image is judged, against solder alone",
                specimen=specimen,
                advice=note,
            )
        )
    if any(field.values["layout_guessed"] for field in fields):
        most = max(float(field.values["largest_joint_of_image_percent"]) for field in fields)
        checks.append(
            plausibility.check(
                "Share of the image that one joint of a guessed layout covers",
                most,
                "<=",
                _MOST,
                "%",
                clause="own rule: around a joint its surroundings show",
                specimen=specimen,
                advice="the board or package may be taken for a joint; give [backend] layout or the joints",
            )
        )
    if settings.joints_are == "sample":
        cut = 0 if settings.edge_joints == "counted" else sum(int(field.values["joints_at_edge"]) for field in fields)
        sample = sum(int(field.values["joints"]) for field in fields) - cut
        checks.append(
            plausibility.check(
                "Joints in the sample",
                float(sample),
                ">=",
                2.0,
                "joints",
                clause="own rule: one joint does not tell how joints scatter",
                specimen=specimen,
                advice="U of the mean does not hold what differs between joints",
                quantities=("void_percent.mean",),
            )
        )
    unsure = sum(int(field.values["joints_unsure"]) for field in fields)
    checks.append(
        plausibility.check(
            "Joints whose gray levels do not tell void from solder",
            float(unsure),
            "<=",
            0.0,
            "joints",
            clause="own rule: outlines and two gray levels agree on 95 % of a joint, it has no third level, a network "
            "takes none of it for board, and voids of a ball have an edge all around",
            specimen=specimen,
            advice="void shares may be wrong by more than their U: look at the picture, or draw the voids",
        )
    )
    if settings.expected_joints is not None:
        off = max(abs(int(field.values["joints"]) - settings.expected_joints) for field in fields)
        seen = ", ".join(str(field.values["joints"]) for field in fields)
        checks.append(
            Check(
                name="Joints found, difference from the expected number",
                value=float(off),
                relation="<=",
                limit=0.0,
                unit="joints",
                passed=off == 0,
                clause="expected_joints of the job",
                scope="method",
                specimen=specimen,
                note=f"found {seen}, expected {settings.expected_joints} per image",
            )
        )
    return checks


def _statements(settings: Settings, fields: Sequence[FieldMeasurement]) -> tuple[Statement, ...]:
    denominators = {
        "joint projection": "projected area of the joint in the same image, voids included"
        + ("; vias left out" if settings.vias == "left out" else "; vias are part of it"),
        "pad": "area of the pad as the job states it",
        "wetted area": "area of the pad as the job states it, less the vias",
    }
    pad = (
        f" (diameter {settings.pad_diameter_um:g} µm)"
        if settings.pad_diameter_um is not None
        else f" ({settings.pad_length_um:g} × {settings.pad_width_um:g} µm)"
        if settings.pad_length_um is not None and settings.pad_width_um is not None
        else ""
    )
    if settings.denominator == "joint projection":
        pad = ""
    statements = [
        Statement(name="Denominator", text=denominators[settings.denominator] + pad),
        Statement(
            name="Void area",
            text="union of the projected voids of a joint, each pixel counted once; "
            f"voids below {settings.min_void_px:g} px equivalent diameter are not counted",
        ),
        Statement(
            name="What the number is",
            text="an area share in a two-dimensional X-ray projection; of a ball it stands for the mid-plane, not for "
            "the volume, and it does not tell at which interface a void lies",
        ),
        Statement(
            name="Outlines",
            text="a void percentage depends on the gray level at which outlines are drawn; the budget moves the "
            "outlines over plausible levels",
        ),
        Statement(
            name="Joints",
            text="all joints of interest are in the images: the mean has no sampling line"
            if settings.joints_are == "all"
            else "the joints are a sample of more joints: the mean carries the spread between joints",
        ),
    ]
    if settings.quadrants:
        statements.append(
            Statement(
                name="Die attach",
                text="quadrants meet at the center of the smallest rectangle around the joint; a corner void reaches "
                "two adjacent sides, a void across two opposite sides, within 2.5 px",
            )
        )
    statements += [Statement(name="Note", text=note) for field in fields for note in field.notes]
    return tuple(statements)


def _tables(fields: Sequence[FieldMeasurement], features: pd.DataFrame, settings: Settings) -> tuple[Table, ...]:
    voids = pd.concat(
        [
            field.parts.assign(specimen=field.specimen, field=field.field)
            for field in fields
            if field.parts is not None and not field.parts.empty
        ]
        or [pd.DataFrame()],
        ignore_index=True,
    )
    tables = []
    if not voids.empty:
        voids = voids.sort_values("void_percent", ascending=False, kind="stable")
        size = next(column for column in voids.columns if column.startswith("void_diameter_"))
        unit = "µm" if size.endswith("um") else "px"
        rows = [
            (
                str(row["specimen"]),
                int(row["field"]),
                str(row["joint"]),
                round(float(row["void_percent"]), 3),
                round(float(row[size]), 2),
                round(float(row["row_px"]), 1),
                round(float(row["column_px"]), 1),
            )
            for _, row in voids.head(_VOID_ROWS).iterrows()
        ]
        tables.append(
            Table(
                title="Largest voids",
                columns=(
                    *("Specimen", "Field", "Joint", "Share of joint [%]"),
                    *(f"Equivalent diameter [{unit}]", "Row [px]", "Column [px]"),
                ),
                rows=tuple(rows),
                note=f"{len(rows)} of {len(voids)} voids",
            )
        )
    if settings.quadrants:
        quadrants = [f"{name.replace(' ', '_')}_void_percent" for name in measure.QUADRANTS]
        facts: list[tuple[Cell, ...]] = [
            (
                str(row["specimen"]),
                int(row["field"]),
                str(row["joint"]),
                *(round(float(row[column]), 2) for column in quadrants),
                str(row["worst_quadrant"]),
                round(float(row["corner_void_percent"]), 2),
                round(float(row["across_void_percent"]), 2),
                str(row["across"]) or "none",
            )
            for _, row in features.iterrows()
        ]
        tables.append(
            Table(
                title="Die attach: where the voids lie",
                columns=(
                    *("Specimen", "Field", "Joint", *(f"{name.capitalize()} [%]" for name in measure.QUADRANTS)),
                    *("Worst quadrant", "Corner void [%]", "Void across [%]", "Across"),
                ),
                rows=tuple(facts),
                note="facts about the geometry, judged by nothing unless the job states a requirement",
            )
        )
    return tuple(tables)


def _charts(fields: Sequence[FieldMeasurement], features: pd.DataFrame) -> tuple[Chart, ...]:
    charts = []
    if len(features) > 1:
        many = len(features) > _BARS
        worst = features.sort_values("void_percent", ascending=False, kind="stable").head(_BARS) if many else features
        places = tuple(range(len(worst)))
        # a joint is named as far as its name alone does not tell it
        names = [name for name in ("specimen", "field") if features[name].nunique() > 1] + ["joint"]
        charts.append(
            Chart(
                kind="bars",
                title=f"Void share of the worst {_BARS} of {len(features)} joints"
                if many
                else "Void share of each joint",
                x_label=" / ".join(names),
                y_label="void share [%]",
                series=(
                    Series(name="all voids", x=places, y=tuple(worst["void_percent"].tolist())),
                    Series(name="largest void", x=places, y=tuple(worst["largest_void_percent"].tolist())),
                ),
                categories=tuple("/".join(str(row[name]) for name in names) for _, row in worst.iterrows()),
            )
        )
        if many:
            charts.append(
                _histogram(features["void_percent"].to_numpy(), "Void share of the joints", "void share [%]", "joints")
            )
    parts = [field.parts for field in fields if field.parts is not None and len(field.parts)]
    if parts:
        column = next(name for name in parts[0].columns if name.startswith("void_diameter_"))
        sizes = np.concatenate([part[column].to_numpy() for part in parts if column in part.columns])
        unit = "µm" if column.endswith("um") else "px"
        charts.append(_histogram(sizes, "Void sizes", f"equivalent diameter [{unit}]", "voids"))
    return tuple(charts)


def _histogram(values: NDArray[np.float64], title: str, x_label: str, y_label: str) -> Chart:
    edges = np.histogram_bin_edges(values, bins=min(30, max(5, round(sqrt(len(values))))))
    counts, _ = np.histogram(values, edges)
    return Chart(
        kind="histogram",
        title=title,
        x_label=x_label,
        y_label=y_label,
        series=(Series(name=y_label, x=tuple(edges.tolist()), y=tuple(float(c) for c in counts)),),
    )
