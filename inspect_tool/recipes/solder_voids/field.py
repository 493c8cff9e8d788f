"""One image: shares of every joint, and how they move with the outlines."""

from collections.abc import Mapping, Sequence
from math import pi, sqrt
from typing import Literal

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from inspect_tool.errors import MeasurementError
from inspect_tool.languages import Text, named
from inspect_tool.measure import ball_doubts
from inspect_tool.measure import joints as measure
from inspect_tool.measure.gray import read_off
from inspect_tool.model import (
    Editions,
    FieldMeasurement,
    GrayImage,
    LabelImage,
    Mark,
    Mask,
    Micrograph,
    Notable,
    Segmentation,
)
from inspect_tool.recipes._common import place_of
from inspect_tool.recipes.solder_voids.settings import Settings, check_classes, check_settings
from inspect_tool.recipes.solder_voids.values import SHARES, Measured, Quality, Share, Shares, Values, quality_in
from inspect_tool.standards.formulas.voids import void_percent
from inspect_tool.statistics.uncertainty import half_range

_WORST = 10


def measure_field(
    micrograph: Micrograph,
    segmentation: Segmentation,
    settings: Settings,
    editions: Editions,  # noqa: ARG001 - rules are judged over the specimen
) -> Measured:
    """Void shares of every joint of one image, and how they move with the outlines."""
    where = micrograph.path or "image"
    check_settings(settings, micrograph, where)
    check_classes(segmentation, where)
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

    moved: dict[str, Mapping[Share, NDArray[np.float64]]] = {}
    for name, other in segmentation.alternatives():
        moved_joints = other.objects is None
        numbers = objects if other.objects is None else other.objects
        again, _ = measure.measure_voids(other.labels, numbers, settings.min_void_px, moved=moved_joints)
        del other, numbers  # before the next one is made
        moved[name] = _aligned(found.number, again, settings, micrograph)
    lines = _joint_lines(found, area, table, moved)

    features = _features(micrograph, found, names, table, area, dies)
    quality = read_off(
        micrograph,
        "image_quality",
        lambda: _image_quality(micrograph.pixels, segmentation, objects, found, names).columns(),
    )
    told = segmentation.told
    seen = segmentation.labels.size if micrograph.roi is None else np.count_nonzero(micrograph.roi)
    values = Values(
        joints=len(names),
        joints_at_edge=int(found.touches_edge.sum()),
        shares=_summary(table, used),
        voids=int(found.voids.sum()),
        smallest_joint_px=float(np.sqrt(4 * found.area.min() / pi)),
        quality=quality_in(quality),
        largest_joint_of_image_percent=100 * float(found.area.max()) / seen,
        layout_guessed=int(told.layout_guessed or 0),
        round_regions_left_out=told.round_regions_left_out or 0,
        smallest_void_px=max(settings.min_void_px, told.min_void_px or 0.0),
        lines={share: {line: tuple(u.tolist()) for line, u in own.items()} for share, own in lines.items()},
    )
    return FieldMeasurement(
        **place_of(micrograph),
        shape_px=(micrograph.pixels.shape[0], micrograph.pixels.shape[1]),
        values=values,
        features=features,
        alternatives={name: _summary(shares, used) or {} for name, shares in moved.items()},
        marks=_marks(objects, found, names),
        worst=_worst(found, names, table, used),
        notes=_notes(found, names, settings, segmentation, where),
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


def _shares(found: measure.Joints, area: NDArray[np.float64]) -> dict[Share, NDArray[np.float64]]:
    return {
        "void_percent": np.array([void_percent(v, a) for v, a in zip(found.void_area, area, strict=True)]),
        "largest_void_percent": np.array([void_percent(v, a) for v, a in zip(found.largest_void, area, strict=True)]),
        "void_diameter_percent": np.asarray(
            100 * np.sqrt(found.largest_void / found.area), np.float64
        ),  # of discs of the same areas
    }


def _aligned(
    numbers: NDArray[np.int64], again: measure.Joints, settings: Settings, micrograph: Micrograph
) -> dict[Share, NDArray[np.float64]]:
    """Shares of a re-segmentation in the order of the joints; a joint that vanished is NaN."""
    shares = _shares(again, _denominator(again, settings, micrograph))
    place = {number: i for i, number in enumerate(again.number.tolist())}
    index = [place.get(number, -1) for number in numbers.tolist()]
    return {key: np.array([values[i] if i >= 0 else np.nan for i in index]) for key, values in shares.items()}


def _joint_lines(
    found: measure.Joints,
    area: NDArray[np.float64],
    table: Mapping[Share, NDArray[np.float64]],
    moved: Mapping[str, Mapping[Share, NDArray[np.float64]]],
) -> dict[Share, dict[str, NDArray[np.float64]]]:
    """Uncertainty lines of each joint's void share: share name -> line name -> u per joint. [%].

    Re-evaluations that differ by their sign only ("void edge -", "void edge +") are the two ends of one
    rectangular distribution. Doubtful voids act on one side of the value, so their line takes the whole way to the
    farther end. An outline that was found lies within a quarter of a pixel where it should, at best: the line
    of the pixel has what that of the other levels lacks. One that was given is known to half a pixel, to
    which side of the edge its pixels belong being a convention.
    """
    lines: dict[Share, dict[str, NDArray[np.float64]]] = {share: {} for share in SHARES}
    groups = dict.fromkeys(name.rstrip(" +-") for name in moved)
    for share in SHARES:
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


def _summary(table: Mapping[Share, NDArray[np.float64]], used: NDArray[np.bool_]) -> Shares | None:
    if not used.any():
        return None
    largest = {share: float(np.nanmax(table[share][used])) for share in SHARES}
    return Shares(
        void_percent_max=largest["void_percent"],
        largest_void_percent_max=largest["largest_void_percent"],
        void_diameter_percent_max=largest["void_diameter_percent"],
        void_percent_mean=float(np.nanmean(table["void_percent"][used])),
    )


def _dies(
    labels: LabelImage, objects: LabelImage, found: measure.Joints, settings: Settings
) -> list[measure.DieAttach]:
    if not settings.quadrants:
        return []
    return [measure.die_attach(labels, objects, number, settings.min_void_px) for number in found.number.tolist()]


def _names(segmentation: Segmentation, numbers: NDArray[np.int64]) -> list[str]:
    given = segmentation.told.joint_names
    return [given[n - 1] if 0 < n <= len(given) else str(n) for n in numbers.tolist()]


def _features(
    micrograph: Micrograph,
    found: measure.Joints,
    names: Sequence[str],
    table: Mapping[Share, NDArray[np.float64]],
    area: NDArray[np.float64],
    dies: Sequence[measure.DieAttach],
) -> pd.DataFrame:
    pixel_um = micrograph.calibration.pixel_um
    unit, size = ("px", 1.0) if pixel_um is None else ("um", pixel_um)
    columns: dict[str, object] = {
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
) -> Quality:
    """All that is read off the gray values."""
    contrast_to_noise, clipped = _contrast(pixels, segmentation.labels, objects, found)
    told = segmentation.told
    uneven = ball_doubts.unevenly_covered(pixels, objects, found)
    crossed = ball_doubts.crossed(pixels, segmentation.labels, objects, found)
    if told.layout == "balls":  # what is of another shape is a ball and something else
        odd = [i for i in range(len(names)) if not (ball_doubts.is_round(found, i) or found.touches_edge[i])]
        crossed = sorted({*crossed, *odd})
    return Quality(
        contrast_to_noise=contrast_to_noise,
        clipped_percent=clipped,
        joints_lighter_in_the_middle=ball_doubts.hollow(pixels, segmentation, objects, found),
        joints_unevenly_covered=len(uneven),
        unevenly_covered=", ".join(names[i] for i in uneven),
        joints_crossed=len(crossed),
        crossed=", ".join(names[i] for i in crossed),
        joints_unsure=told.joints_unsure or 0,
    )


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
    found: measure.Joints, names: Sequence[str], table: Mapping[Share, NDArray[np.float64]], used: NDArray[np.bool_]
) -> tuple[Notable, ...]:
    order = np.argsort(-table["void_percent"], kind="stable")
    return tuple(
        Notable(
            feature=int(found.number[i]),
            value=float(table["void_percent"][i]),
            unit="%",
            caption=Text(
                "solder_voids.caption_joint",
                names=names[i],
                voids=int(found.voids[i]),
                largest_void_percent=table["largest_void_percent"][i],
            ),
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
        what = Text("solder_voids.cut_joints_left_out") if settings.edge_joints == "left out" else "counted"
        notes.append(Text("solder_voids.note_joints_cut_by_edge", where=where, what=what, cut=", ".join(cut)))
    bands = segmentation.told.straight_bands_ignored
    if bands:
        notes.append(Text("solder_voids.note_straight_bands", where=where, bands=bands))
    if found.via_area.any():
        notes.append(Text("solder_voids.note_vias_not_voids", where=where, vias=named("terms", settings.vias)))
    return tuple(notes)
