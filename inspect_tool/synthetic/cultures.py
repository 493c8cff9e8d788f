"""Cells of a culture on the bottom of a dish, and their nuclei, as a microscope shows them."""

from dataclasses import dataclass
from math import exp, pi
from typing import Literal, TypeAlias, get_args

import cv2
import numpy as np
from numpy.typing import NDArray

from inspect_tool.errors import SettingsError
from inspect_tool.synthetic._drawing import blurred, to_8bit
from inspect_tool.synthetic._outlines import Outline, placed
from inspect_tool.synthetic._random import cloud, cut_moment, cut_normal
from inspect_tool.synthetic.field import Field, Gray, Shape, checked_share
from inspect_tool.synthetic.phases import gaussian_phase

CultureLook: TypeAlias = Literal["phase contrast", "fluorescence"]

_PATCH = 0.85  # mean intercept of what is covered over the diameter of a cell, at half of the area
_APART = 0.8  # least distance of two nuclei in diameters of a cell
_DEEP = 0.16  # least distance of a nucleus from the outline, the same
_CUT = 2.5  # diameters of nuclei are log-normal, cut at so many standard deviations


def culture(
    *,
    seed: int,
    area_percent: float,
    cell_um: float = 40.0,
    look: CultureLook = "phase contrast",
    shape_px: Shape = (600, 800),
    pixel_um: float = 0.65,
    ground: float = 0.52,
    texture: float = 0.07,
    halo: float = 0.16,
    debris_per_mm2: float = 60.0,
) -> Field:
    """Draw adherent cells that cover a known share of the ground.

    Parameters
    ----------
    seed : int
        The same seed gives the same field.
    area_percent : float
        Expected share of the area that cells cover. [%]
    cell_um : float
        Diameter of a cell, about. [um]
    look : str
        "phase contrast": granular cells of the gray of the ground, with a dark rim inside and a bright halo outside;
        "fluorescence": cells that shine on a dark ground, each with a brightness of its own.
    ground : float
        Gray value of the ground in phase contrast, share of the full range.
    texture : float
        Standard deviation of the granules around the nucleus, share of the full range.
    halo : float
        How much brighter than the ground the halo is, share of the full range.
    debris_per_mm2 : float
        Specks on the free ground that are no cells.

    Returns
    -------
    Field
        Semantic labels, 1 on cells. Truth ``area_percent.covered`` of process and field.

    References
    ----------
    What is covered is a thresholded Gaussian random field, as in ``two_phase``: its expected share is exact.

    Examples
    --------
    >>> field = culture(seed=1, area_percent=40.0, shape_px=(96, 128))
    >>> field.kind, field.classes, field.truth["process.area_percent.covered"]
    ('semantic', {0: 'ground', 1: 'cells'}, 40.0)
    """
    rng = np.random.default_rng(seed)
    share = checked_share(area_percent, "culture")
    if look not in get_args(CultureLook):
        msg = f"synthetic.culture: unknown look '{look}'; there are: {', '.join(get_args(CultureLook))}"
        raise SettingsError(msg)
    cell_px = cell_um / pixel_um
    cover, labels = patches(rng, shape_px, share, cell_px)
    cells = _cells(rng, labels, cell_px)
    paint = _phase_contrast if look == "phase contrast" else _fluorescence
    picture = paint(rng, cover, labels, cells, cell_px, ground, texture, halo)
    _debris(rng, picture, cover, debris_per_mm2 * pixel_um**2 * 1e-6, bright=look == "fluorescence")
    return Field(
        pixels=to_8bit(blurred(picture, 0.7)),
        labels=labels.astype(np.int32),
        classes={0: "ground", 1: "cells"},
        kind="semantic",
        pixel_um=pixel_um,
        truth={
            "process.area_percent.covered": area_percent,
            "field.area_percent.covered": 100 * float(labels.mean()),
        },
    )


def patches(rng: np.random.Generator, shape_px: Shape, share: float, cell_px: float) -> tuple[Gray, NDArray[np.uint8]]:
    """Cover and pixels of what cells of this diameter cover; the expected share is exact. [1, px]"""
    # patches grow together as they cover more: the free gaps between them shrink in the same measure
    feature_px = _PATCH * cell_px * 2 * max(share, 1 - share) * (share / (1 - share) if share > 0.5 else 1.0)
    return gaussian_phase(rng, shape_px, share, feature_px)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Cells:
    """Where the nuclei of the cells lie, and which pixel is of which cell."""

    at: NDArray[np.float64]  # (cells, 2): row, column
    number: NDArray[np.int32]  # (rows, columns): index of the nearest nucleus
    away_px: Gray  # (rows, columns): distance to it


def _cells(rng: np.random.Generator, labels: NDArray[np.uint8], cell_px: float) -> _Cells:
    """Throw nuclei into what is covered, none near another one or the outline; every patch of some size has one."""
    inside = np.pad(labels, 1, constant_values=1)
    depth = cv2.distanceTransform(inside, cv2.DIST_L2, 5)[1:-1, 1:-1]
    rows, columns = np.nonzero(depth > _DEEP * cell_px)
    taken = np.zeros(labels.shape, np.uint8)
    at: list[tuple[float, float]] = []
    for k in rng.permutation(len(rows)).tolist():
        place = int(rows[k]), int(columns[k])
        if taken[place]:
            continue
        at.append((float(place[0]), float(place[1])))
        cv2.circle(taken, (place[1], place[0]), round(_APART * cell_px), 1, -1)
    if not at:
        deepest = np.unravel_index(int(depth.argmax()), depth.shape)
        at.append((float(deepest[0]), float(deepest[1])))
    seeds = np.ones(labels.shape, np.uint8)
    for row, column in at:
        seeds[int(row), int(column)] = 0
    away, number = cv2.distanceTransformWithLabels(seeds, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    order = np.zeros(int(number.max()) + 1, np.int32)
    for k, (row, column) in enumerate(at):
        order[number[int(row), int(column)]] = k
    return _Cells(at=np.asarray(at, np.float64), number=order[number], away_px=np.asarray(away, np.float32))


def _phase_contrast(
    rng: np.random.Generator,
    cover: Gray,
    labels: NDArray[np.uint8],
    cells: _Cells,
    cell_px: float,
    ground: float,
    texture: float,
    halo: float,
) -> Gray:
    shape = labels.shape
    out_px = _distance(labels == 0)  # of the ground from the nearest cell
    in_px = _distance(labels)
    # thick places stand out more: rims and halo are not alike all around
    thick = np.clip(1 + 0.45 * cloud(rng, shape, 0.6 * cell_px), 0.35, 2.0)
    free = ground + 0.006 * cloud(rng, shape, 3.0) + halo * thick * np.exp(-((out_px / (0.06 * cell_px)) ** 2))
    free -= 0.03 * np.exp(-(((out_px - 0.16 * cell_px) / (0.08 * cell_px)) ** 2))
    near = np.exp(-((cells.away_px / (0.36 * cell_px)) ** 2))  # organelles crowd around the nucleus
    grains = 0.6 * cloud(rng, shape, 1.7) + 0.75 * cloud(rng, shape, 3.6)
    grains += 1.3 * np.clip(cloud(rng, shape, 2.4) - 1.1, 0, 2)
    own = rng.normal(0, 0.018, len(cells.at))[cells.number]
    body = ground - 0.015 + own + 0.02 * cloud(rng, shape, 0.3 * cell_px)
    body += texture * (0.38 + 0.75 * near) * grains
    body -= 0.13 * thick * np.exp(-in_px / (0.035 * cell_px))
    body += 0.09 * np.exp(-((_seams(cells, labels) / 1.6) ** 2))
    picture = np.asarray(cover * body + (1 - cover) * free, np.float32)
    for row, column in cells.at:
        _nucleus(rng, picture, float(row), float(column), cell_px, ground)
    return picture


def _fluorescence(
    rng: np.random.Generator,
    cover: Gray,
    labels: NDArray[np.uint8],
    cells: _Cells,
    cell_px: float,
    ground: float,  # noqa: ARG001 - as in phase contrast
    texture: float,
    halo: float,  # noqa: ARG001 - as in phase contrast
) -> Gray:
    shape = labels.shape
    in_px = _distance(labels)
    own = np.clip(0.4 * np.exp(rng.normal(0, 0.22, len(cells.at))), 0.22, 0.85)[cells.number]
    thick = 0.55 + 0.45 * (1 - np.exp(-in_px / (0.13 * cell_px)))
    near = np.exp(-((cells.away_px / (0.34 * cell_px)) ** 2))
    body = own * thick * (0.75 + 0.4 * near) * (1 + 1.6 * texture * cloud(rng, shape, 2.2))
    body -= 0.1 * own * np.exp(-((_seams(cells, labels) / 1.5) ** 2))
    picture = np.asarray(cover * body + (1 - cover) * 0.05, np.float32)
    for row, column in cells.at:  # the stain of the plasma leaves the nucleus out
        outline = Outline.star(rng, float(row), float(column), 0.3 * cell_px, rough=0.03, stretch=rng.uniform(1, 1.4))
        window, part, _ = outline.patch(shape)
        picture[window] *= 1 - 0.45 * part
    return np.asarray(picture + 0.1 * blurred(picture, 0.25 * cell_px), np.float32)  # light from out of focus


def _distance(mask: NDArray[np.uint8] | NDArray[np.bool_]) -> Gray:
    far = cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, 5)
    return np.asarray(np.minimum(far, 1e4), np.float32)  # from nothing it is without end


def _seams(cells: _Cells, labels: NDArray[np.uint8]) -> Gray:
    """Distance from where two cells touch. [px]"""
    number = cells.number
    seam = np.zeros(labels.shape, bool)
    seam[:, 1:] |= number[:, 1:] != number[:, :-1]
    seam[1:] |= number[1:] != number[:-1]
    return (
        _distance((~(seam & (labels == 1))).astype(np.uint8)) if seam.any() else np.full(labels.shape, 1e3, np.float32)
    )


def _nucleus(rng: np.random.Generator, picture: Gray, row: float, column: float, cell_px: float, ground: float) -> None:
    """A smooth oval with a fine dark outline and one to three dark nucleoli, in place."""
    oval = Outline.star(rng, row, column, 0.34 * cell_px, rough=0.03, stretch=rng.uniform(1.0, 1.45))
    window, part, _ = oval.patch(picture.shape)
    if not part.size:
        return
    inside = picture[window]
    smooth = 0.3 * inside + 0.7 * (ground + 0.03)
    ring = np.clip(4 * part * (1 - part), 0, 1) + 0.6 * np.clip(part - blurred(part, 1.6), 0, 1)
    picture[window] = inside + part * (smooth - inside) - 0.14 * ring
    for _ in range(int(rng.integers(1, 4))):
        angle, away = rng.uniform(0, 2 * pi), rng.uniform(0, 0.09) * cell_px
        spot = Outline.disc(
            row + away * np.sin(angle), column + away * np.cos(angle), rng.uniform(0.025, 0.05) * cell_px
        )
        place, dark, _ = spot.patch(picture.shape)
        if dark.size:
            picture[place] -= np.float32(0.2) * dark


def _debris(rng: np.random.Generator, picture: Gray, cover: Gray, per_px2: float, *, bright: bool) -> None:
    """Specks on the free ground, in place; in phase contrast dark with a bright ring."""
    for _ in range(int(rng.poisson(per_px2 * picture.size))):
        row, column = rng.uniform(0, picture.shape[0]), rng.uniform(0, picture.shape[1])
        if cover[int(row), int(column)] > 0:
            continue
        radius = rng.uniform(1.0, 2.2)
        for factor, depth in ((2.0, 0.07), (1.0, 0.2 if bright else -0.24)):
            window, part, _ = Outline.disc(row, column, factor * radius).patch(picture.shape)
            if part.size:
                picture[window] += np.float32(depth) * part


# --------------------------------------------------------------------------------------------------------- nuclei


def nuclei(
    *,
    seed: int,
    per_mm2: float,
    mean_um: float = 13.0,
    sigma: float = 0.15,
    near: float = 0.3,
    dividing: float = 0.03,
    shape_px: Shape = (600, 800),
    pixel_um: float = 0.65,
    haze: float = 0.1,
) -> Field:
    """Draw nuclei in a nuclear stain: bright ovals with chromatin of their own on a dark ground, some side by side.

    Parameters
    ----------
    seed : int
        The same seed gives the same field.
    per_mm2 : float
        Expected number per area; together they fill at most 30 %. [1/mm2]
    mean_um : float
        Median diameter. [um]
    sigma : float
        Standard deviation of the logarithm of the diameters, cut at 2.5 of it. [1]
    near : float
        Share of the nuclei that lie beside another one.
    dividing : float
        Share of the nuclei that are small, long and very bright.
    haze : float
        Light from out of focus around each nucleus, share of its own.

    Returns
    -------
    Field
        Instance labels, 0 = ground. Truth ``nuclei_per_mm2`` of the process, and of the field by the centers in it.

    Examples
    --------
    >>> field = nuclei(seed=1, per_mm2=400.0, shape_px=(96, 128))
    >>> field.kind, field.classes
    ('instance', {1: 'nucleus'})
    """
    rng = np.random.default_rng(seed)
    median_px = mean_um / pixel_um
    per_px2 = per_mm2 * pixel_um**2 * 1e-6
    share = per_px2 * pi / 4 * median_px**2 * cut_moment(sigma, 2, -_CUT, _CUT)
    if not 0 < share <= 0.3:
        msg = (
            f"synthetic.nuclei: {per_mm2:g} nuclei per mm2 would fill {100 * share:.3g} %, must lie between 0 and 30 %"
        )
        raise SettingsError(msg)

    def one(row: float, column: float) -> Outline:
        ecd = median_px * exp(sigma * cut_normal(rng, -_CUT, _CUT))
        return Outline.star(rng, row, column, ecd, rough=0.035, stretch=rng.uniform(1.0, 1.5))

    outlines = placed(
        rng, shape_px, one, per_px2, largest_px=1.3 * median_px * exp(_CUT * sigma), gap_px=0.5, near=near
    )
    labels = np.zeros(shape_px, np.int32)
    picture = np.full(shape_px, 0.045, np.float32)
    light = np.zeros(shape_px, np.float32)
    chromatin = 0.6 * cloud(rng, shape_px, 2.2) + 0.8 * cloud(rng, shape_px, 0.16 * median_px)
    number = 0
    for outline in outlines:
        divides = rng.uniform() < dividing
        level = min(0.85, 0.75 if divides else 0.42 * exp(rng.normal(0, 0.25)))
        window, part, inside = outline.patch(shape_px)
        if not part.size or not inside.any():
            continue
        number += 1
        labels[window][inside == 1] = number
        own = level * (1 + 0.13 * chromatin[window])
        light[window] = np.maximum(light[window], part * own)
    picture += light + haze * blurred(light, 0.5 * median_px)
    rows, columns = shape_px
    centers = sum(-0.5 <= o.row < rows - 0.5 and -0.5 <= o.column < columns - 0.5 for o in outlines)
    return Field(
        pixels=to_8bit(blurred(picture, 0.9)),
        labels=labels,
        classes={1: "nucleus"},
        kind="instance",
        pixel_um=pixel_um,
        truth={
            "process.nuclei_per_mm2": per_mm2,
            "field.nuclei_per_mm2": centers / (rows * columns * pixel_um**2 * 1e-6),
        },
    )
