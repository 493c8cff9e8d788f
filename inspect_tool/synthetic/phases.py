"""Phases of known area fraction in a matrix."""

from collections.abc import Mapping, Sequence
from math import exp, log, pi
from typing import Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray
from scipy import fft
from scipy.special import ndtri

from inspect_tool.errors import SettingsError
from inspect_tool.synthetic._drawing import blurred, to_8bit
from inspect_tool.synthetic._outlines import Outline, drawn, placed
from inspect_tool.synthetic._random import cloud, cut_moment, cut_normal, fft_length, filtered_noise
from inspect_tool.synthetic.field import Field, Gray, Shape, checked_share

PhaseKind: TypeAlias = Literal["gaussian", "boolean", "particles"]


def two_phase(
    *,
    seed: int,
    area_percent: float,
    feature_um: float,
    kind: PhaseKind = "gaussian",
    shape_px: Shape = (800, 1000),
    pixel_um: float = 0.5,
    name: str = "second",
    matrix: str = "matrix",
    gray: tuple[float, float] = (0.75, 0.3),
    texture: tuple[float, float] = (0.02, 0.03),
    edge: float = 0.0,
) -> Field:
    """Draw a phase of known area fraction in a matrix.

    Parameters
    ----------
    seed : int
        The same seed gives the same field.
    area_percent : float
        Expected area fraction of the phase. [%]
    feature_um : float
        Mean intercept length of the phase, V_V / N_L, of the process; "particles": of their equivalent
        circles, which is a few percent more. [um]
    kind : str
        "gaussian": thresholded Gaussian random field; "boolean": discs that may overlap; "particles":
        rounded particles that do not, up to 40 %.
    name, matrix : str
        Names of the classes 1 and 0.
    gray, texture : tuple of float
        Mean and standard deviation of the gray value of matrix and phase, shares of the full range.
    edge : float
        Depth of a dark line along the phase border, share of the gray value.

    Returns
    -------
    Field
        Semantic labels. Truth ``area_percent.<name>`` and ``area_percent.<matrix>`` of process and field;
        for "gaussian" and "boolean" also ``process.intercepts_per_mm`` (N_L), ``mean_intercept_um`` and
        ``mean_free_path_um`` (ASTM E1245 sense).

    References
    ----------
    Gaussian field: crossings after S. O. Rice (1944). Boolean model: D. Stoyan et al., Stochastic Geometry.

    Examples
    --------
    >>> field = two_phase(seed=1, area_percent=30.0, feature_um=8.0, shape_px=(64, 64))
    >>> round(field.truth["process.mean_free_path_um"], 3)
    18.667
    """
    rng = np.random.default_rng(seed)
    share = checked_share(area_percent, "two_phase")
    truth: dict[str, float] = {}
    if kind == "gaussian":
        cover, labels = gaussian_phase(rng, shape_px, share, feature_um / pixel_um)
    elif kind == "boolean":
        cover, labels = _boolean_phase(rng, shape_px, share, feature_um / pixel_um)
    elif kind == "particles":
        cover, labels = _particle_phase(rng, shape_px, share, feature_um / pixel_um)
    else:
        msg = f"synthetic.two_phase: unknown kind '{kind}'; there are: {', '.join(get_args(PhaseKind))}"
        raise SettingsError(msg)
    # every pixel center is a test point: unbiased, whatever the shape
    found = 100 * float(labels.mean())
    truth = {
        f"process.area_percent.{name}": area_percent,
        f"process.area_percent.{matrix}": 100 - area_percent,
        f"field.area_percent.{name}": found,
        f"field.area_percent.{matrix}": 100 - found,
    }
    if kind != "particles":
        truth |= {
            "process.intercepts_per_mm": 1e3 * share / feature_um,
            "process.mean_intercept_um": feature_um,
            "process.mean_free_path_um": feature_um * (1 - share) / share,
        }
    picture = _paint_phases(rng, [cover], gray, texture, edge, feature_um / pixel_um)
    return Field(
        pixels=to_8bit(picture),
        labels=labels.astype(np.int32),
        classes={0: matrix, 1: name},
        kind="semantic",
        pixel_um=pixel_um,
        truth=truth,
    )


def bands(
    *,
    seed: int,
    area_percent: float,
    spacing_um: float,
    anisotropy: float,
    shape_px: Shape = (600, 800),
    pixel_um: float = 0.5,
    gray: tuple[float, float] = (0.75, 0.3),
    texture: tuple[float, float] = (0.02, 0.03),
) -> Field:
    """Draw a phase in bands along the rows.

    Parameters
    ----------
    seed : int
        The same seed gives the same field.
    area_percent : float
        Expected area fraction of the bands. [%]
    spacing_um : float
        Expected 1 / N_L of lines across the bands. [um]
    anisotropy : float
        Expected N_L of lines across the bands over that of lines along them, at least 1. [1]
    gray, texture : tuple of float
        Mean and standard deviation of the gray value of matrix and bands, shares of the full range.

    Returns
    -------
    Field
        Semantic labels, 1 = banded: a thresholded Gaussian random field, longer along the rows. Truth of process and
        field: ``area_percent.banded``, ``interceptions_across_per_mm``, ``interceptions_along_per_mm``,
        ``anisotropy_index`` and ``band_spacing_um``.

    References
    ----------
    Crossings of a Gaussian field after S. O. Rice (1944).

    Examples
    --------
    >>> field = bands(seed=1, area_percent=40.0, spacing_um=10.0, anisotropy=3.0, shape_px=(64, 64))
    >>> field.truth["process.interceptions_along_per_mm"] * 3.0
    100.0
    """
    rng = np.random.default_rng(seed)
    share = checked_share(area_percent, "bands")
    if anisotropy < 1:
        msg = f"synthetic.bands: anisotropy is {anisotropy:g}, must be at least 1; turn the picture"
        raise SettingsError(msg)
    cover, labels = gaussian_phase(rng, shape_px, share, share * spacing_um / pixel_um, anisotropy)
    across = 0.5 * float((labels[1:] != labels[:-1]).mean()) * 1e3 / pixel_um
    along = 0.5 * float((labels[:, 1:] != labels[:, :-1]).mean()) * 1e3 / pixel_um
    picture = _paint_phases(rng, [cover], gray, texture, 0.0, share * spacing_um / pixel_um)
    return Field(
        pixels=to_8bit(picture),
        labels=labels.astype(np.int32),
        classes={0: "matrix", 1: "banded"},
        kind="semantic",
        pixel_um=pixel_um,
        truth={
            "process.area_percent.banded": area_percent,
            "process.interceptions_across_per_mm": 1e3 / spacing_um,
            "process.interceptions_along_per_mm": 1e3 / spacing_um / anisotropy,
            "process.anisotropy_index": anisotropy,
            "process.band_spacing_um": spacing_um,
            "field.area_percent.banded": 100 * float(labels.mean()),
            "field.interceptions_across_per_mm": across,
            "field.interceptions_along_per_mm": along,
            "field.anisotropy_index": across / along if along else 0.0,
            "field.band_spacing_um": 1e3 / across if across else 0.0,
        },
    )


def multi_phase(
    *,
    seed: int,
    area_percents: Mapping[str, float],
    feature_um: float,
    shape_px: Shape = (800, 1000),
    pixel_um: float = 0.5,
    matrix: str = "matrix",
    gray: Sequence[float] = (0.82, 0.5, 0.2, 0.35),
    texture: Sequence[float] = (0.02, 0.02, 0.03, 0.03),
    edge: float = 0.0,
) -> Field:
    """Draw several phases of known area fraction; classes 1, 2, ... in the order of ``area_percents``.

    Each phase is a thresholded Gaussian random field on what the phases before it left free, so that the
    expected fractions are exact. ``gray`` and ``texture`` start with the matrix. See ``two_phase``.

    Examples
    --------
    >>> field = multi_phase(seed=1, area_percents={"pearlite": 20.0, "carbide": 5.0}, feature_um=6.0, shape_px=(64, 64))
    >>> field.classes
    {0: 'matrix', 1: 'pearlite', 2: 'carbide'}
    """
    rng = np.random.default_rng(seed)
    total = sum(area_percents.values())
    if not area_percents or total >= 100 or len(area_percents) >= len(gray) or len(gray) != len(texture):
        msg = (
            f"synthetic.multi_phase: {len(area_percents)} phases of together {total:g} % and {len(gray)} gray values; "
            "give phases of less than 100 % together, one gray and one texture for each and for the matrix"
        )
        raise SettingsError(msg)
    free = np.ones(shape_px, dtype=np.float32)
    labels = np.zeros(shape_px, dtype=np.int32)
    left = 1.0
    covers = []
    truth: dict[str, float] = {}
    for number, (name, percent) in enumerate(area_percents.items(), start=1):
        share = checked_share(percent, "multi_phase")
        cover, mask = gaussian_phase(rng, shape_px, share / left, feature_um / pixel_um)
        cover = cover * free
        labels[(mask == 1) & (labels == 0)] = number
        free = free - cover
        left -= share
        covers.append(cover)
        truth[f"process.area_percent.{name}"] = percent
        truth[f"field.area_percent.{name}"] = 100 * float((labels == number).mean())
    truth[f"process.area_percent.{matrix}"] = 100 - total
    truth[f"field.area_percent.{matrix}"] = 100 * float((labels == 0).mean())
    picture = _paint_phases(rng, covers, gray, texture, edge, feature_um / pixel_um)
    return Field(
        pixels=to_8bit(picture),
        labels=labels,
        classes={0: matrix, **dict(enumerate(area_percents, start=1))},
        kind="semantic",
        pixel_um=pixel_um,
        truth=truth,
    )


def gaussian_phase(
    rng: np.random.Generator, shape: Shape, share: float, feature_px: float, longer: float = 1.0
) -> tuple[Gray, NDArray[np.uint8]]:
    """Cover and pixels of a thresholded Gaussian random field of this expected share and mean intercept. [1, px]

    Along the rows the intercepts are ``longer`` than across them by this factor.
    """
    level = float(ndtri(1 - share))
    # N_L = sqrt(l2) / (2 pi) exp(-level^2 / 2), l2 the variance of the slope; the spectrum below has l2 = cut^2
    cut = 2 * pi * share / feature_px * exp(level**2 / 2)
    rows, columns = (fft_length(n + 4 * feature_px * times) for n, times in zip(shape, (1.0, longer), strict=True))
    k2 = (2 * pi * fft.fftfreq(rows)[:, None]) ** 2 + (2 * pi * longer * fft.rfftfreq(columns)[None, :]) ** 2
    spectrum = np.sqrt(k2) * np.exp(-k2 / (2 * cut**2))
    field = filtered_noise(rng, (rows, columns), spectrum)[: shape[0] + 2, : shape[1] + 2] - level
    slope = np.hypot(field[2:, 1:-1] - field[:-2, 1:-1], field[1:-1, 2:] - field[1:-1, :-2]) / 2
    field = field[1:-1, 1:-1]
    cover = np.clip(0.5 + field / np.maximum(slope, 1e-6), 0, 1).astype(np.float32)
    return cover, (field > 0).astype(np.uint8)


def _boolean_phase(
    rng: np.random.Generator, shape: Shape, share: float, feature_px: float
) -> tuple[Gray, NDArray[np.uint8]]:
    mean_cover = -log(1 - share)  # discs over one point
    # V_V / N_L of discs of radius R: (1 - q) pi R / (2 nu q), with q = exp(-nu)
    radius = feature_px * 2 * mean_cover * (1 - share) / (pi * share)
    margin = radius + 2
    area = (shape[0] + 2 * margin) * (shape[1] + 2 * margin)
    uncovered = np.ones(shape, dtype=np.float32)
    hit = np.zeros(shape, dtype=np.uint8)
    for _ in range(rng.poisson(mean_cover / (pi * radius**2) * area)):
        outline = Outline.disc(rng.uniform(-margin, shape[0] + margin), rng.uniform(-margin, shape[1] + margin), radius)
        window, cover, inside = outline.patch(shape)
        if cover.size:
            # overlapping borders: the larger cover, since independent covers would count slivers twice
            uncovered[window] = np.minimum(uncovered[window], 1 - cover)
            hit[window] |= inside
    return 1 - uncovered, hit


def _particle_phase(
    rng: np.random.Generator, shape: Shape, share: float, feature_px: float
) -> tuple[Gray, NDArray[np.uint8]]:
    if share > 0.4:
        msg = f"synthetic: particles that do not overlap fill at most 40 %, not {100 * share:g} %; use kind 'gaussian'"
        raise SettingsError(msg)
    # mean intercept of discs: V_V / N_L = (pi / 4) E[d^2] / E[d]
    spread = 0.35
    low, high = -2.0, 2.0
    mean = cut_moment(spread, 1, low, high)
    square = cut_moment(spread, 2, low, high)
    median = feature_px * 4 / pi * mean / square
    area = pi / 4 * square * median**2
    outlines = placed(
        rng,
        shape,
        lambda row, column: Outline.star(
            rng,
            row,
            column,
            median * exp(spread * cut_normal(rng, low, high)),
            rough=0.10,
            stretch=rng.uniform(1, 1.5),
        ),
        share / area,
        largest_px=median * exp(spread * high),
        gap_px=1.5,
    )
    return drawn(shape, outlines)


def _paint_phases(
    rng: np.random.Generator,
    covers: Sequence[Gray],
    gray: Sequence[float],
    texture: Sequence[float],
    edge: float,
    feature_px: float,
) -> Gray:
    shape = covers[0].shape
    grain = max(feature_px / 5, 1.5)
    free = np.ones(shape, dtype=np.float32)
    picture = np.zeros(shape, dtype=np.float32)
    border = np.zeros(shape, dtype=np.float32)
    for cover, level, rough in zip(covers, gray[1:], texture[1:], strict=False):
        surface = level + rough * (0.7 * cloud(rng, shape, grain) + 0.7 * cloud(rng, shape, 1.6))
        picture += cover * surface
        free -= cover
        if edge > 0:
            soft = blurred(cover, 1.2)
            border = np.maximum(border, 4 * soft * (1 - soft))
    ground = gray[0] + texture[0] * (0.7 * cloud(rng, shape, 3 * grain) + 0.7 * cloud(rng, shape, 1.6))
    picture += free * ground
    if edge > 0:
        picture *= 1 - edge * border
    return blurred(picture, 0.5)
