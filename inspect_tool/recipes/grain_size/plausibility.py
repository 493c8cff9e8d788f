"""Whether what was taken for grains can be: what was left out, what runs along the edge, what is no grain among them.

A check that fails here doubts every number of the specimen: nothing passes on it (``conformity.doubted``).
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from math import sqrt

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from inspect_tool.acceptance import plausibility
from inspect_tool.languages import Text
from inspect_tool.measure.edges import present_labels
from inspect_tool.measure.flooding import strips
from inspect_tool.measure.gray import read_off
from inspect_tool.measure.recall import ANEW, Numbers, Parts, rows_of, window_of
from inspect_tool.model import Check, GrayImage, LabelImage, Mask, Micrograph, Segmentation
from inspect_tool.pixels.stored import zeros_like
from inspect_tool.recipes.grain_size.results import QUANTITIES
from inspect_tool.recipes.grain_size.values import Doubts, Measured

LEFT_OUT = 50.0  # share of a field without grains beyond which it is not the field that is measured [%]
EDGE = 50.0  # share of the edge of a field that one grain may hold [%]
LARGEST = 50.0  # share of the area of a field that one grain may hold [%]
FINE = 50.0  # share of the grains that may be fine ones [%] ...
FINE_AREA = 0.1  # ... below this share of the mean area, weighted by area [1]
SCRATCHED = 20.0  # share of the boundary length that may be taken for scratches: 0.5 G [%]
TWINNED = 0.15  # lamellae that were merged, over the grains [1]
SECOND = 20.0  # share of the grains that may be of a second gray level [%] ...
APART = 6.0  # ... whose distance is so many times the scatter within both; evenly spread tints have 3.5
SMALL_APART = 30.0  # share of the grains that may be small and darker, or brighter, than the others: 0.5 G by areas [%]
NEARLY_ALL = 0.9  # share of the area of the other grains that a fine one must be darker, or brighter, than [1]
CERTAIN = 2.0  # difference of two shares over what chance makes of so many grains: Kolmogorov, 1 in 1500 [1]

_LEFT_OUT = Text("grain_size.check_field_left_out")
_EDGE_HELD = Text("grain_size.check_one_grain_holds_edge")
_OF_REGION = (_LEFT_OUT, _EDGE_HELD)  # checks of what part of a field is specimen


def doubts_of(
    micrograph: Micrograph, segmentation: Segmentation, labels: LabelImage, parts: Parts = ANEW
) -> tuple[Doubts, dict[str, tuple[int, ...]]]:
    """What the checks look at, and what of it was not read off the labels.

    Parameters
    ----------
    labels : array, shape (rows, columns)
        Grains and second phase; 0 is left out.
    parts : Parts
        What is known of these labels and gray values.
    """
    pixels = micrograph.pixels
    edge = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
    held = np.bincount(edge[edge > 0])
    told = segmentation.told
    kept = tuple(read_off(micrograph, "twin_lamellae", lambda: (told.twin_lamellae_merged or 0,)))
    scratched = tuple(
        read_off(
            micrograph, "scratches", lambda: (told.scratch_lines_merged or 0, round(told.scratched_percent or 0.0))
        )
    )
    second = tuple(
        read_off(micrograph, "second_gray_level", lambda: (round(_second_level_percent(pixels, labels, parts)),))
    )
    apart = tuple(
        read_off(micrograph, "small_apart_in_gray", lambda: (round(_small_apart_percent(pixels, labels, parts)),))
    )
    doubts = Doubts(
        small_apart_in_gray_percent=float(apart[0]),
        second_gray_level_percent=float(second[0]),
        left_out_percent=_left_out_percent(labels, micrograph.roi),
        edge_held_by_one_percent=100.0 * float(held.max(initial=0)) / len(edge),
        twin_lamellae=float(kept[0]),
        scratch_lines=float(scratched[0]),
        scratched_percent=float(scratched[1]),
    )
    return doubts, {
        "twin_lamellae": kept,
        "scratches": scratched,
        "second_gray_level": second,
        "small_apart_in_gray": apart,
    }


def _second_level_percent(pixels: GrayImage, labels: LabelImage, parts: Parts) -> float:
    """Share of the grains whose mean gray level is that of the level that holds less area; 0 where there is one level.

    The grains fall into two classes of least scatter (Otsu 1979, each grain counts once).
    """
    size, gray = np.zeros(int(labels.max()) + 1, np.int64), np.zeros(int(labels.max()) + 1)
    for rows in strips(labels.shape):
        summed = partial(_gray_sums, pixels[rows], labels[rows])
        numbers, pixels_of, gray_of = parts.part("gray sums", rows_of(labels, rows), summed)
        size[numbers] += pixels_of
        gray[numbers] += gray_of
    present = np.flatnonzero(size[1:]) + 1
    order = present[np.argsort(gray[present] / size[present])]
    level, area = gray[order] / size[order], size[order]
    below = np.arange(1, len(level))
    lower, upper = np.cumsum(level)[:-1] / below, np.cumsum(level[::-1])[-2::-1] / below[::-1]
    cut = int(np.argmax(below * below[::-1] * (upper - lower) ** 2)) + 1
    within = np.sqrt((level[:cut].var() * cut + level[cut:].var() * (len(level) - cut)) / len(level))
    if not level[cut:].mean() - level[:cut].mean() > APART * max(float(within), 1e-9):
        return 0.0
    second = cut if area[:cut].sum() < area[cut:].sum() else len(level) - cut
    return 100.0 * second / len(level)


def _gray_sums(pixels: GrayImage, labels: LabelImage) -> tuple[Numbers, Numbers, NDArray[np.float64]]:
    """Numbers of the grains of a strip, their pixels, and the sum of their gray levels."""
    flat = np.maximum(labels, 0).ravel()
    size = np.bincount(flat)
    numbers = np.flatnonzero(size)
    return numbers, size[numbers], np.asarray(np.bincount(flat, pixels.ravel())[numbers], np.float64)


def _small_apart_percent(pixels: GrayImage, labels: LabelImage, parts: Parts) -> float:
    """Share of the grains that are small and darker than the others, or brighter, whichever are more.

    Of grains that differ in gray level as they like (channeling, tints) the small ones are as dark as any; particles
    among them are small and dark at once. Looked at is the core of each grain, which its boundary does not reach.
    Two signs, of which the stronger counts: fine grains darker than nearly all of the area of the others; and by how
    much more of the number than of the area lies below a gray level, where chance does not make such a difference.
    """
    cores = parts.objects("cores", present_labels(labels, parts), partial(_cores, pixels, labels))
    size, gray = np.asarray(cores, np.float64).T
    fine = size < FINE_AREA * (size**2).sum() / size.sum()
    independent = size.sum() ** 2 / (size**2).sum()  # grains of equal size whose shares would scatter as much
    shares = []
    for sign in (1, -1):
        order = np.argsort(sign * gray)
        area = np.cumsum(np.where(fine, 0, size)[order])
        level = gray[order][np.searchsorted(area, (1 - NEARLY_ALL) * area[-1])]
        shares.append(float(np.mean(fine & (sign * gray < sign * level))))
        more = float(np.max(np.arange(1, len(size) + 1) / len(size) - np.cumsum(size[order]) / size.sum()))
        shares.append(more if more * sqrt(independent) > CERTAIN else 0.0)
    return 100.0 * max(shares)


def _cores(whole_pixels: GrayImage, whole_labels: LabelImage, numbers: Numbers) -> list[tuple[float, float]]:
    """Size of some grains [px], and their gray level where each is at least half as deep as it gets."""
    within, columns = window_of(whole_labels, numbers)
    # sums are added up strip by strip of the whole image, whatever part of it is looked at
    bands = [slice(max(one.start, within.start), min(one.stop, within.stop)) for one in strips(whole_labels.shape)]
    bands = [one for one in bands if one.start < one.stop]
    depth = _depths(whole_labels, within, columns)
    count = int(whole_labels.max()) + 1
    deepest = np.zeros(count, np.uint8)
    for rows in bands:
        number = np.maximum(whole_labels[rows, columns], 0)
        np.maximum.at(deepest, number.ravel(), depth[rows, columns].ravel())
    size, core, gray = np.zeros(count), np.zeros(count), np.zeros(count)
    for rows in bands:
        number = np.maximum(whole_labels[rows, columns], 0)
        size += np.bincount(number.ravel(), minlength=count)
        deep = 2 * depth[rows, columns].astype(np.int32) >= deepest[number]
        core += np.bincount(number[deep], minlength=count)
        gray += np.bincount(number[deep], whole_pixels[rows, columns][deep], count)
    return list(zip(size[numbers].tolist(), (gray[numbers] / core[numbers]).tolist(), strict=True))


_DEEPEST = 255  # that is told apart [px]


def _depths(labels: LabelImage, within: slice, columns: slice) -> NDArray[np.uint8]:
    """City-block distance of the pixels of a part of the image from the pixels along boundaries in it. [px]"""
    depth: NDArray[np.uint8] = zeros_like(labels, np.uint8)
    width = columns.stop - columns.start
    for band in strips((within.stop - within.start, width), max(1 << 22, 4 * _DEEPEST * width)):
        rows = slice(band.start + within.start, band.stop + within.start)
        top, bottom = max(within.start, rows.start - _DEEPEST - 1), min(within.stop, rows.stop + _DEEPEST + 1)
        part = labels[top:bottom, columns]
        inner = np.ones(part.shape, np.uint8)
        for one, other, here, there in (
            (part[:, :-1], part[:, 1:], inner[:, :-1], inner[:, 1:]),
            (part[:-1], part[1:], inner[:-1], inner[1:]),
        ):
            parted = one != other
            here[parted] = 0
            there[parted] = 0
        far = cv2.distanceTransform(inner, cv2.DIST_L1, 3, dstType=cv2.CV_8U)
        depth[rows, columns] = far[rows.start - top : rows.stop - top]
    return depth


def _left_out_percent(labels: LabelImage, roi: Mask | None) -> float:
    out = counted = 0
    for rows in strips(labels.shape):
        free = labels[rows] == 0
        out += int(np.count_nonzero(free if roi is None else free & roi[rows]))
        counted += free.size if roi is None else int(np.count_nonzero(roi[rows]))
    return 100.0 * float(out) / max(1, counted)


def plausible(fields: Sequence[Measured], grains: pd.DataFrame, specimen: str) -> Iterator[Check]:
    """Checks of one specimen.

    Parameters
    ----------
    grains : DataFrame
        Of the specimen, with ``section``, ``field`` and ``area_px2``.
    """
    doubts = [field.values.doubts for field in fields]
    area = grains["area_px2"].to_numpy(dtype=np.float64)
    of_field = [group["area_px2"] for _, group in grains.groupby(["section", "field"])]
    fine = 100.0 * float(np.mean(area < FINE_AREA * (area**2).sum() / area.sum()))
    lamellae = sum(one.twin_lamellae for one in doubts) / len(area)
    found: Mapping[str, tuple[float, float, str, str]] = {
        _LEFT_OUT: (
            max(one.left_out_percent for one in doubts),
            LEFT_OUT,
            "%",
            Text("grain_size.why_field_left_out"),
        ),
        _EDGE_HELD: (
            max(one.edge_held_by_one_percent for one in doubts),
            EDGE,
            "%",
            Text("grain_size.why_one_grain_holds_edge"),
        ),
        Text("grain_size.check_one_grain_covers_field"): (
            100.0 * max(float(part.max() / part.sum()) for part in of_field),
            LARGEST,
            "%",
            Text("grain_size.why_one_grain_covers_field"),
        ),
        Text("grain_size.check_fine_grains"): (
            fine,
            FINE,
            "%",
            Text("grain_size.why_fine_grains", fine_area=FINE_AREA),
        ),
        Text("grain_size.check_grains_of_own_gray"): (
            max(one.second_gray_level_percent for one in doubts),
            SECOND,
            "%",
            Text("grain_size.why_grains_of_own_gray"),
        ),
        Text("grain_size.check_particles_among_grains"): (
            max(one.small_apart_in_gray_percent for one in doubts),
            SMALL_APART,
            "%",
            Text("grain_size.why_particles_among_grains"),
        ),
        Text("grain_size.check_scratches_left_out"): (
            max(one.scratched_percent for one in doubts),
            SCRATCHED,
            "%",
            Text("grain_size.why_scratches_left_out"),
        ),
        Text("grain_size.check_twin_lamellae"): (
            lamellae,
            TWINNED,
            "1",
            Text("grain_size.why_twin_lamellae"),
        ),
    }
    for name, (value, limit, unit, why) in found.items():
        yield plausibility.check(
            name,
            value,
            "<=",
            limit,
            unit,
            clause=Text("grain_size.clause_toolkit_limit", why=why),
            specimen=specimen,
            # what is no grain at all stays in doubt whoever counts; the others are answered by a check by hand
            quantities=() if name in _OF_REGION else tuple(QUANTITIES),
        )


def left_out_warnings(fields: Sequence[Measured], specimen: str) -> Iterator[str]:
    """Say on page 1 what part of the fields was not measured."""
    shares = [field.values.doubts.left_out_percent for field in fields]
    if max(shares) >= 1:
        yield (
            Text(
                "grain_size.warning_fields_left_out",
                specimen=specimen,
                shares=float(np.mean(shares)),
                shares_2=max(shares),
            )
        )


def scratch_warnings(fields: Sequence[Measured], specimen: str) -> Iterator[str]:
    """Say on page 1 what was taken for scratches."""
    lines = round(sum(field.values.doubts.scratch_lines for field in fields))
    if lines:
        most = max(field.values.doubts.scratched_percent for field in fields)
        yield (Text("grain_size.warning_scratches_left_out", specimen=specimen, lines=lines, most=most))
