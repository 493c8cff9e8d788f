"""Phases by gray level: Otsu, multi-Otsu, Li, triangle, local mean, Sauvola, fixed levels, and levels from edges.

The default method ``auto`` puts the boundary of a phase where an instrument should: half-way up its
edges. Edges are found where the gray gradient stands clear of the gradient that noise and fine texture
make; the half-rise level is read there and carried over the image by a weighted average, near edges
first. The level so follows shading and does not depend on how much of the phase there is, which is
what breaks histogram methods below a few per cent. Where there is no edge there is no phase: an image
of pure noise gives 0 %.

Levels are gray values of the image as it was read.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from typing import Annotated, Literal, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray
from typing_extensions import Doc

from inspect_tool.errors import BackendError, SettingsError
from inspect_tool.images import color, quality_measures
from inspect_tool.images.preprocess import denoise, flat_field, noise_sigma
from inspect_tool.model import (
    GrayImage,
    LabelImage,
    Mask,
    Micrograph,
    Samples,
    Segmentation,
    Told,
    no_alternatives,
    stated,
)
from inspect_tool.pixels.gradients import magnitude
from inspect_tool.ranges import From0, Share
from inspect_tool.segmentation.threshold.contours import BETTER, better_level, contours, darkest_level, followed
from inspect_tool.segmentation.threshold.gray_levels import (
    Histogram,
    class_means,
    has_two_humps,
    histogram_of,
    li,
    otsu,
    own_gray_between,
    separation,
    triangle,
    without_transitions,
)
from inspect_tool.segmentation.threshold.level_choice import HEIGHTS, OWN_GRAY, SHIFT, STEP, Choice, Profile, choose
from inspect_tool.segmentation.threshold.tints import MATRIX, OVER_MATRIX, black_of, is_tinted, over_matrix

KINDS: tuple[Literal["semantic", "instance"], ...] = ("semantic",)

Method = Literal["auto", "edge", "otsu", "multi_otsu", "li", "triangle", "local", "sauvola", "fixed"]

_GRADIENT_SIGMA = 1.5  # [px] derivative of a Gaussian
_GATE = 5.0  # an edge has a gradient of at least this many times what noise and texture make
_SURE = 6.0  # and somewhere in the image some of them reach this; one pixel of noise in 10^7 does
_SURE_PIXELS = 12
_COARSE = 0.15  # [gray levels/px] what whole gray values make of noise below one level; an edge has 3 levels or more
_DEEP = 0.25  # an object has a pixel that lies this share of the contrast beyond the level
_ON_EDGES = 0.8  # of the outline of a phase; where less of it lies on edges, the level runs through something
_CLASS_CONTRAST = 0.1  # of that of the edges, which two classes by one level have at least
_SMALL = 0.005
_SUPPORT = 0.5  # of the gradient of a typical edge: enough for the outline of an object
_SHARP = 0.3  # and an edge along this share of its outline
_QUIET = 0.25  # share of the pixels that are surely no edge: their gradient is that of noise and texture
_PLATEAU_PX = 4  # half width of the window in which an edge reaches both its plateaus
_NEAR_PX = 8  # from an edge: both its plateaus, and no place where the level is only carried
_BLOCK = 4  # [px] the level is carried on a grid this coarse
_CLEAR = 8.0  # contrast / noise that denoising aims at: a pixel then lies wrong once in 30 000
_WIDEST_MEDIAN = 9  # [px]
_DENOISE_TINTS = 3  # [px] median of an image over its matrix
_BAND_PX = 1 << 20  # pixels that are worked on at a time, to bound memory


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Settings of the threshold backend; the defaults are meant to work untuned."""

    method: Annotated[Method, Doc("auto: half-way up the edges, see docs/threshold.md")] = "auto"
    phase: Annotated[Literal["dark", "bright", "auto"], Doc("the phase of interest; auto: the one with less area")] = (
        "dark"
    )
    classes: Annotated[
        tuple[str, ...], Doc("names from dark to bright; default dark, bright (with 3: dark, gray, bright)")
    ] = ()
    n_classes: Annotated[From0[int], Doc("for multi_otsu; 0: as many as names are given, else 2")] = 0
    levels: Annotated[
        tuple[float, ...], Doc("for fixed, ascending; a pixel at the level belongs to the darker class [gray levels]")
    ] = ()
    window_px: Annotated[From0[int], Doc("for local and sauvola; 0: an eighth of the shorter side [px]")] = 0
    sauvola_k: Annotated[Share, Doc("for sauvola: share of the local contrast that lowers the level [1]")] = 0.2
    flat_field: Annotated[Literal["auto", "on", "off"], Doc("for the methods with one level per image")] = "auto"
    denoise_px: Annotated[int | Literal["auto"], Doc("median filter, odd; 1: none; auto: none for fixed [px]")] = "auto"
    min_object_px: Annotated[From0[int], Doc("smaller objects of a phase of interest become matrix [px2]")] = 0
    fill_holes_px: Annotated[From0[int], Doc("smaller holes in a phase of interest are filled [px2]")] = 0
    min_contrast: Annotated[
        From0[float], Doc("for auto and edge: least contrast of an edge between phases [gray levels]")
    ] = 0.0
    channel: Annotated[
        Literal["auto", "gray", "red", "green", "blue"], Doc("auto: gray, or two hues where gray is the same")
    ] = "auto"
    matrix: Annotated[
        Literal["even", "tinted", "auto"],
        Doc("tinted: grains of many tints, each dark thing against those around it; auto: where the color says so"),
    ] = "even"


_Level: TypeAlias = Callable[[slice], NDArray[np.float32] | float]
"""The level between two phases in some rows: one number, or one for each of their pixels."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Edges:
    """Where the edges are, and what they say of the level between two phases (gray values of the 8-bit image)."""

    mask: NDArray[np.uint8]  # bits, eight columns in a byte: 1 on edges and on what is half as steep as they are
    noise: float  # gradient that noise and texture make (Rayleigh parameter) [1/px]
    n: int  # edge pixels
    level: float  # half-rise level over all edges
    contrast: float
    level_map: NDArray[np.float32]  # on the block grid
    contrast_map: NDArray[np.float32]


def load(settings: Settings) -> None:
    """Check what the settings demand of each other; there are no weights."""
    if settings.method == "fixed" and not settings.levels:
        msg = "backend threshold: method 'fixed' needs 'levels', one or more gray values"
        raise SettingsError(msg)
    if settings.method != "fixed" and settings.levels:
        msg = f"backend threshold: 'levels' is only for method 'fixed', the method is '{settings.method}'"
        raise SettingsError(msg)
    if any(b <= a for a, b in zip(settings.levels, settings.levels[1:], strict=False)):
        msg = f"backend threshold: levels must ascend, got {', '.join(f'{level:g}' for level in settings.levels)}"
        raise SettingsError(msg)
    if len(set(settings.classes)) != len(settings.classes) or not all(settings.classes):
        msg = f"backend threshold: class names must differ and not be empty, got {list(settings.classes)}"
        raise SettingsError(msg)
    n = number_of_classes(settings)
    if settings.classes and len(settings.classes) != n:
        msg = f"backend threshold: {len(settings.classes)} class names for {n} classes; give one name per class"
        raise SettingsError(msg)
    if not 2 <= n <= 8:
        msg = f"backend threshold: {n} classes; from 2 to 8 can be told apart by gray level"
        raise SettingsError(msg)
    if n > 2 and settings.method not in ("auto", "multi_otsu", "fixed"):
        msg = f"backend threshold: method '{settings.method}' makes 2 classes, {n} are wanted; use 'multi_otsu'"
        raise SettingsError(msg)
    if n > 2 and settings.phase == "auto":
        msg = "backend threshold: phase 'auto' is for 2 classes; say 'dark' (brightest is the matrix) or 'bright'"
        raise SettingsError(msg)
    if settings.denoise_px != "auto" and not (1 <= settings.denoise_px <= 31 and settings.denoise_px % 2):
        msg = f"backend threshold: denoise_px must be odd from 1 to 31, got {settings.denoise_px}"
        raise SettingsError(msg)
    if settings.matrix == "tinted" and not _may_be_tinted(settings):
        msg = "backend threshold: matrix 'tinted' is for method 'auto', phase 'dark' and two classes"
        raise SettingsError(msg)
    for name in ("window_px", "min_object_px", "fill_holes_px", "n_classes", "min_contrast"):
        if getattr(settings, name) < 0:
            msg = f"backend threshold: {name} must not be negative, got {getattr(settings, name)}"
            raise SettingsError(msg)


def segment(model: None, micrograph: Micrograph, settings: Settings) -> Segmentation:  # noqa: ARG001 - the contract has a model
    """Tell the phases of a micrograph apart by gray level.

    Parameters
    ----------
    model : None
        This backend has none.
    micrograph : Micrograph
        Field to segment, ``pixels`` (rows, columns).
    settings : Settings
        See there.

    Returns
    -------
    Segmentation
        Semantic. Classes of interest are numbered from 1 outward from the extreme gray (dark first for
        phase dark), 0 is the matrix at the other end. ``settings`` holds the method that was taken and
        the levels that were found.

    Raises
    ------
    BackendError
        An image without contrast; a color channel of a gray image.
    SettingsError
        Settings that contradict each other.
    """
    load(settings)
    ready = _prepared(micrograph, settings)
    made = _segmented(ready, micrograph, settings, ready.choice.height)
    method = made.told.method_taken
    if method is None or method == "nothing found":
        return made
    return replace(made, alternatives=partial(_others, micrograph, settings, method))


def _others(micrograph: Micrograph, settings: Settings, method: str) -> Iterator[tuple[str, Segmentation]]:
    """Segment again with the levels at 40 % and 60 % of the edge contrast, one at a time.

    The contrast is that of the edges of this image; without edges that of the two sides of each level. Of several
    levels every second one moves the other way, so that a class between two of them grows and shrinks.
    """
    # where the carried level was kept, no better one needs to be looked for again
    ready = _prepared(micrograph, settings, carried=method == "local edge")
    for name, height in ready.choice.others.items():
        yield name, _segmented(ready, micrograph, settings, height)
    if settings.method in ("otsu", "li", "triangle") and ready.edges.n:
        yield (
            "edges",
            replace(segment(None, micrograph, replace(settings, method="edge")), alternatives=no_alternatives),
        )


def _may_be_tinted(settings: Settings) -> bool:
    return settings.method == "auto" and settings.phase == "dark" and number_of_classes(settings) == 2


def number_of_classes(settings: Settings) -> int:
    """Count the classes that settings ask for."""
    if settings.method == "fixed":
        return len(settings.levels) + 1
    return settings.n_classes or len(settings.classes) or 2


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Prepared:
    """An image made ready once for the segmentation or for both of its alternatives."""

    gray: NDArray[np.uint8]  # flat and smooth
    offset: float  # gray value of the file = offset + step * value
    step: float
    axis: color.Axis | None  # along which color was taken in place of gray
    edges: _Edges
    choice: Choice
    denoise_px: int
    seconds: float
    over_matrix: bool = False  # the matrix has grains of many tints, and gray is a share of the matrix around
    black: float | None = None  # value of what is black then; None: nothing is clearly darker than the matrix
    one_level: bool = False  # of method auto: the level is not carried, see _with_one_level
    carried: NDArray[np.uint8] | None = None  # dark (0) and bright (1) by the carried level, where it was compared


def _prepared(micrograph: Micrograph, settings: Settings, *, carried: bool = False) -> _Prepared:
    started = time.perf_counter()
    roi = micrograph.roi
    may_be = settings.matrix == "auto" and _may_be_tinted(settings)
    if settings.matrix == "tinted" or (may_be and is_tinted(micrograph.color, roi)):
        return _over_matrix(micrograph, settings, started)
    image, axis = _channel(micrograph, settings)
    gray, offset, step = _eight_bit(image, roi, micrograph.path)
    if settings.method in ("auto", "edge") and settings.flat_field != "off" and number_of_classes(settings) == 2:
        gray = np.asarray(flat_field(gray, model="subtract", roi=roi), dtype=np.uint8)
    edges = _find_edges(gray, roi, settings.min_contrast / step)
    gray, denoise_px = _denoised(gray, roi, edges, settings)
    if denoise_px > 1 and edges.n:
        # a median makes patches of noise, with edges of their own: where there was none before, there is none
        edges = _find_edges(gray, roi, settings.min_contrast / step)
    ready = _Prepared(
        gray=gray,
        offset=offset,
        step=step,
        axis=axis,
        edges=edges,
        choice=_choice(gray, roi, edges, settings),
        denoise_px=denoise_px,
        seconds=0.0,
    )
    if settings.method == "auto" and edges.n and number_of_classes(settings) == 2 and not carried:
        ready = _with_one_level(ready, micrograph, settings)
    return replace(ready, seconds=time.perf_counter() - started)


def _over_matrix(micrograph: Micrograph, settings: Settings, started: float) -> _Prepared:
    """The same of an image over a matrix of many tints; its level comes from what is black in it."""
    roi = micrograph.roi
    side = _DENOISE_TINTS if settings.denoise_px == "auto" else settings.denoise_px
    picture = micrograph.color if micrograph.color is not None else _eight_bit(micrograph.pixels, roi, "")[0]
    gray = over_matrix(picture, roi, _window_of(picture.shape[:2], settings, micrograph.path), side)
    return _Prepared(
        gray=gray,
        offset=0.0,
        step=1 / MATRIX,
        axis=None,
        edges=_find_edges(gray, roi, 0.0),
        choice=Choice(),
        denoise_px=side,
        seconds=time.perf_counter() - started,
        over_matrix=True,
        black=black_of(gray, roi),
    )


def _window_of(shape: tuple[int, ...], settings: Settings, path: str) -> int:
    """Side of the window of local levels, odd. [px]"""
    window_px = (settings.window_px or max(3, min(shape) // 8)) | 1
    if window_px > min(shape) | 1:  # the sums take memory with the window, and mirrored rows tell nothing new
        msg = (
            f"{path}: backend.window_px: got {settings.window_px}, the image is {shape[1]} x {shape[0]} px; give at "
            "most its shorter side, or method 'otsu' for one level of the image"
        )
        raise SettingsError(msg)
    return window_px


def _with_one_level(ready: _Prepared, micrograph: Micrograph, settings: Settings) -> _Prepared:
    """Take one level for the whole image where its contour follows the edges farther than that of the carried one.

    A carried level is drawn to what lies nearest (white writing on the ground, bright particles beside dim ones). Its
    contour then leaves the edges, or misses them. A phase without a gray of its own is left: its level is not meant to
    lie where the edges are steepest. So are edges of several kinds, but for those between grains of many tints, which
    color tells from the edges of what is dark, or bright, among them.
    """
    edges, choice, gray, roi = ready.edges, ready.choice, ready.gray, micrograph.roi
    is_clear = not choice.is_mixed and choice.own_gray is not None and choice.own_gray >= OWN_GRAY
    may_be_tinted = (
        micrograph.color is not None and ready.axis is None and settings.channel == "auto" and settings.phase != "auto"
    )
    if not is_clear and not may_be_tinted:
        return ready
    carried = _by_edges(gray, edges, choice, choice.height, carried=True)
    now, levels = (contours(image, edges.mask, roi, _bands(gray.shape)) for image in (carried, gray))
    ready = replace(ready, carried=carried)
    among = _level_among_tints(ready, now, levels, micrograph, settings) if may_be_tinted else None
    level = better_level(now, levels) if is_clear and among is None else among
    if level is None:
        return ready
    dark, bright = class_means(histogram_of(gray, roi), [float(level)])
    contrast = 2 * min(level - dark, bright - level)  # a phase is seen by the nearer side
    if contrast < _CLASS_CONTRAST * edges.contrast:
        return ready
    return replace(
        ready,
        edges=replace(edges, level=float(level), contrast=contrast),
        # each outline ends half-way up its own edge
        choice=Choice(own_gray=choice.own_gray if among is None else None, is_mixed=True),
        one_level=True,
        carried=None,
    )


def _level_among_tints(
    ready: _Prepared,
    now: tuple[NDArray[np.float64], NDArray[np.float64]],
    levels: tuple[NDArray[np.float64], NDArray[np.float64]],
    micrograph: Micrograph,
    settings: Settings,
) -> int | None:
    """Level of a phase among grains of many tints, where the carried one runs among them; None elsewhere.

    Most edges there are those between grains, of every contrast, so that half-way up the edges lies inside grains or
    takes some of them for the phase. What is darker, or brighter, than all grains ends at edges all around.
    """
    ranks, picture, roi = ready.carried, micrograph.color, micrograph.roi
    if ranks is None or picture is None or color.spread_inside(picture, ranks, roi) <= color.MANY_TINTS:
        return None
    phase = 0 if settings.phase == "dark" else 1
    histogram = histogram_of(ready.gray, roi)
    counted = int(histogram.sum())
    level = darkest_level(levels if phase == 0 else (levels[0][::-1], levels[1][::-1]), counted)
    if level is None:
        return None
    level = level if phase == 0 else len(histogram) - 1 - level
    everywhere, on_edges = now[0][0], now[1][0]
    if followed(levels[0][level], levels[1][level]) >= BETTER * followed(everywhere, on_edges):
        return level
    darker = float(histogram[: level + 1].sum()) / counted
    dark = float(np.mean((ranks if roi is None else ranks[roi]) == 0))
    if (darker >= dark) if phase == 0 else (darker <= dark):
        return None
    is_one_color = color.spread_inside(picture, ranks, roi, (phase,)) <= color.MANY_TINTS
    return None if is_one_color and on_edges >= _ON_EDGES * everywhere else level


def _segmented(ready: _Prepared, micrograph: Micrograph, settings: Settings, shift: float) -> Segmentation:
    started = time.perf_counter()
    roi, gray, edges, offset, step = micrograph.roi, ready.gray, ready.edges, ready.offset, ready.step
    n = number_of_classes(settings)
    if ready.over_matrix:
        method = "nothing found" if ready.black is None else OVER_MATRIX
    else:
        method = "edge" if ready.one_level else _chosen(gray, roi, edges, n, settings.method)
    found: dict[str, object] = {"denoise_px": ready.denoise_px, "shift": shift}
    own_gray, on_edges = ready.choice.own_gray, None
    ranks: NDArray[np.uint8]  # 0 for the darkest class
    if method == "nothing found":
        levels: list[float] = []
        ranks = np.full(gray.shape, 1 if settings.phase == "dark" else 0, np.uint8)
    elif method in ("local edge", "edge"):
        levels = [edges.level + _height(ready.choice, shift) * edges.contrast]
        is_reported = shift == ready.choice.height  # and no alternative
        ranks = (
            ready.carried
            if is_reported and ready.carried is not None
            else _by_edges(gray, edges, ready.choice, shift, carried=method == "local edge")
        )
        if is_reported:
            everywhere, along = (float(of[0]) for of in contours(ranks, edges.mask, roi, _bands(gray.shape)))
            on_edges = along / everywhere if everywhere else None
    elif ready.black is not None:
        levels = [(MATRIX + ready.black) / 2 + shift * (MATRIX - ready.black)]
        ranks = _above(gray, _same_everywhere(levels[0]))
    elif method in ("local", "sauvola"):
        window_px = _window_of(gray.shape, settings, micrograph.path)
        found["window_px"] = window_px
        level_image = _window_levels(gray, window_px, settings.sauvola_k if method == "sauvola" else None)
        dark, bright = class_means(histogram_of(gray, roi), [float(level_image.mean())])
        level_image += np.float32(shift * (edges.contrast or bright - dark))
        levels = [float(level_image.mean() if roi is None else level_image[roi].mean())]
        ranks = _above(gray, level_image.__getitem__)
    else:
        if method != "fixed" and settings.flat_field != "off":
            flat = np.asarray(flat_field(gray, roi=roi), dtype=np.uint8)
            before, after = (separation(histogram_of(image, roi), n) for image in (gray, flat))
            found |= {"separation": before, "separation_flat": after}
            # where phases lie unevenly, a background fitted to them takes them for shading and mixes their grays
            if settings.flat_field == "on" or after > before:
                gray = flat
                found["flat_field_taken"] = True
        given = [(level - offset) / step for level in settings.levels]
        levels = levels_of(histogram_of(gray, roi), n, method, given, micrograph.path)
        if method == "multi_otsu" and n > 2:
            own_gray = own_gray_between(histogram_of(gray, roi), levels)
        levels = moved_levels(histogram_of(gray, roi), levels, shift)
        ranks = ranks_of(gray, levels, method)
    labels, classes, phase = _labels(ranks, n, settings, roi)
    found |= {
        "levels_found": [offset + step * level for level in levels],
        "edge_contrast": step * edges.contrast,
        "edge_pixels": edges.n,
        "own_gray": None,  # where it is not known
        **stated(
            Told(
                method_taken=method,
                phase_taken=phase,
                own_gray=own_gray,
                outline_on_edges=on_edges,
                color_weights=None if ready.axis is None else ready.axis.weights,  # levels and contrast are along it
            )
        ),
    }
    if ready.axis is not None:
        found |= {
            "color_separation": ready.axis.separation,
            "gray_separation": ready.axis.gray_separation,
        }
    return Segmentation(
        labels=labels,
        classes=classes,
        kind="semantic",
        backend="threshold",
        settings={**{name: getattr(settings, name) for name in settings.__slots__}, **found},
        seconds=ready.seconds + time.perf_counter() - started,
    )


def _channel(micrograph: Micrograph, settings: Settings) -> tuple[GrayImage, color.Axis | None]:
    """The image that levels are applied to, and the axis where it was made from color."""
    if settings.channel in ("auto", "gray"):
        wanted = settings.channel == "auto" and settings.method != "fixed" and number_of_classes(settings) == 2
        if micrograph.color is None or not wanted:
            return micrograph.pixels, None
        axis = color.axis_of(micrograph.color, micrograph.roi)
        if axis is None:
            return micrograph.pixels, None
        # two hues are neither dark nor bright: the one of less area takes the place of the phase of interest
        axis = color.reversed_axis(axis) if settings.phase == "bright" else axis
        return color.along_axis(micrograph.color, axis), axis
    if micrograph.color is None:
        msg = f"{micrograph.path}: a gray image has no {settings.channel} channel; set channel = 'gray'"
        raise BackendError(msg)
    return micrograph.color[:, :, ("red", "green", "blue").index(settings.channel)], None


def _eight_bit(image: GrayImage, roi: Mask | None, path: str) -> tuple[NDArray[np.uint8], float, float]:
    """Bring an image to 8 bits: gray = offset + step * value; extreme outliers are clipped."""
    inside: Samples = image if roi is None else image[roi]
    if inside.size == 0:
        msg = f"{path}: the region holds no pixel; check [region] of the job"
        raise BackendError(msg)
    if image.dtype == np.uint8:
        low, high = float(inside.min()), float(inside.max())
        offset, step = 0.0, 1.0
    else:
        low, high = ends_of(inside.ravel()[:: sample_step(inside.size)])
        offset, step = low, (high - low) / 255
    if not high > low:
        msg = f"{path}: the image is constant (gray value {low:g}); there is nothing to tell apart"
        raise BackendError(msg)
    if image.dtype == np.uint8:
        return np.ascontiguousarray(image), offset, step
    made = np.empty(image.shape, np.uint8)
    for rows in _bands(image.shape):
        made[rows] = in_eight_bits(image[rows], offset, step)
    return made, offset, step


def sample_step(pixels: int) -> int:
    """Every how many pixels of an image tell its range of gray values."""
    return max(1, pixels // 1_000_000)


def ends_of(sample: Samples) -> tuple[float, float]:
    """Gray values that become 0 and 255: without extreme outliers."""
    low, high = (float(value) for value in np.percentile(sample, (0.01, 99.99)))
    return low, high


def in_eight_bits(band: Samples, offset: float, step: float) -> NDArray[np.uint8]:
    """Bring real gray values to 8 bits: gray = offset + step * value."""
    made: NDArray[np.uint8] = np.clip(np.rint((band - offset) / step), 0, 255).astype(np.uint8)
    return made


def _floats(image: object) -> NDArray[np.float32]:
    return np.asarray(image, dtype=np.float32)


def _bands(shape: tuple[int, ...]) -> Iterator[slice]:
    """Rows of an image in bands of whole blocks."""
    tall = max(8, _BAND_PX // shape[1] // _BLOCK) * _BLOCK
    for start in range(0, shape[0], tall):
        yield slice(start, min(start + tall, shape[0]))


def _gradients(
    gray: NDArray[np.uint8],
) -> Iterator[tuple[slice, slice, NDArray[np.float32], NDArray[np.float32]]]:
    """Smoothed gray values and gradient magnitude, in bands: rows, where they lie in the former, which is wider."""
    margin = 2 * _PLATEAU_PX + 8
    for rows in _bands(gray.shape):
        low, high = max(0, rows.start - margin), min(gray.shape[0], rows.stop + margin)
        smooth = _floats(cv2.GaussianBlur(gray[low:high].astype(np.float32), (0, 0), _GRADIENT_SIGMA))
        across = _floats(cv2.Sobel(smooth, cv2.CV_32F, 1, 0, scale=1 / 8))
        down = _floats(cv2.Sobel(smooth, cv2.CV_32F, 0, 1, scale=1 / 8))
        inner = slice(rows.start - low, rows.stop - low)
        yield rows, inner, smooth, magnitude(across, down)[inner]


def _find_edges(gray: NDArray[np.uint8], roi: Mask | None, min_contrast: float) -> _Edges:
    histogram = np.zeros(4096, np.int64)
    for rows, _, _, gradient in _gradients(gray):
        inside = gradient.ravel() if roi is None else gradient[roi[rows]]
        histogram += np.bincount(np.minimum(inside * 50, 4095).astype(np.int32), minlength=4096)
    share = np.cumsum(histogram) / max(1, histogram.sum())
    quiet = float(np.interp(_QUIET, share, (np.arange(4096) + 1) / 50))
    # the gradient of noise is Rayleigh distributed
    noise = max(_COARSE, quiet / float(np.sqrt(-2 * np.log(1 - _QUIET))))
    gate, sure = _GATE * noise, _SURE * noise
    # dense structure leaves few quiet places and the gate comes out high: an outline may then be weaker than it
    centers = (np.arange(4096) + 0.5) / 50
    strong = histogram * np.where(centers > gate, centers, 0)
    typical = float((strong * centers).sum() / strong.sum()) if strong.any() else gate
    support = min(gate, _SUPPORT * typical)

    height, width = gray.shape
    blocks = ((height + _BLOCK - 1) // _BLOCK, (width + _BLOCK - 1) // _BLOCK)
    mask = np.zeros((height, (width + 7) // 8), np.uint8)
    sums = [np.zeros(blocks, np.float32) for _ in range(3)]
    n_edge = n_sure = 0
    window = np.ones((2 * _PLATEAU_PX + 1, 2 * _PLATEAU_PX + 1), np.uint8)
    for rows, inner, smooth, gradient in _gradients(gray):
        edge = gradient > gate
        n = rows.stop - rows.start
        contrast = (cv2.dilate(smooth, window) - cv2.erode(smooth, window))[inner]
        visible = contrast >= min_contrast
        if roi is not None:
            visible &= roi[rows]
        edge &= visible
        n_edge += int(np.count_nonzero(edge))
        mask[rows] = np.packbits(visible & (gradient > support), axis=1)
        n_sure += int(np.count_nonzero(edge & (gradient > sure)))
        weight = np.where(edge, np.minimum(gradient, 3 * gate), 0).astype(np.float32)
        band = slice(rows.start // _BLOCK, (rows.stop + _BLOCK - 1) // _BLOCK)
        for total, values in zip(sums, (weight, weight * smooth[inner], weight * contrast), strict=True):
            padded = cv2.copyMakeBorder(values, 0, -n % _BLOCK, 0, -width % _BLOCK, cv2.BORDER_CONSTANT, value=0)
            total[band] = cv2.resize(padded, None, fx=1 / _BLOCK, fy=1 / _BLOCK, interpolation=cv2.INTER_AREA)
    weight, level, contrast = sums
    total_weight = float(weight.sum(dtype=np.float64))
    if n_sure < _SURE_PIXELS or total_weight == 0:
        empty = np.zeros(blocks, np.float32)
        return _Edges(mask=mask, noise=noise, n=0, level=0.0, contrast=0.0, level_map=empty, contrast_map=empty)
    mean_level = float(level.sum(dtype=np.float64)) / total_weight
    mean_contrast = float(contrast.sum(dtype=np.float64)) / total_weight
    near = _spread(weight) + 1e-6 * total_weight / weight.size
    return _Edges(
        mask=mask,
        noise=noise,
        n=n_edge,
        level=mean_level,
        contrast=mean_contrast,
        level_map=(_spread(level) + 1e-6 * total_weight / weight.size * mean_level) / near,
        contrast_map=(_spread(contrast) + 1e-6 * total_weight / weight.size * mean_contrast) / near,
    )


def _spread(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Sum of Gaussian means over octaves of width, each half the weight of the one before: near counts more."""
    shape = (image.shape[1], image.shape[0])
    total = np.zeros_like(image)
    octave, share = image, 1.0
    while True:
        smooth = cv2.GaussianBlur(octave, (0, 0), 1.0, borderType=cv2.BORDER_REFLECT)
        total += share * _floats(cv2.resize(smooth, shape, interpolation=cv2.INTER_LINEAR))
        if min(octave.shape) < 8:
            return total
        half = ((octave.shape[1] + 1) // 2, (octave.shape[0] + 1) // 2)
        octave = _floats(cv2.resize(smooth, half, interpolation=cv2.INTER_AREA))
        share /= 2


def _same_everywhere(level: float) -> _Level:
    return lambda _: level


def _carried_level(edges: _Edges, width: int, shift: float) -> Callable[[slice], NDArray[np.float32]]:
    """Level of every pixel of some rows."""
    return _carried(edges.level_map + shift * edges.contrast_map, width)


def _carried(levels: NDArray[np.float32], width: int) -> Callable[[slice], NDArray[np.float32]]:
    """Values of the block grid in every pixel of some rows; no image of full size is held."""

    def level(rows: slice) -> NDArray[np.float32]:
        # a block more on both sides: between block centers the level is linear
        low, high = max(0, rows.start // _BLOCK - 1), min(len(levels), -(-rows.stop // _BLOCK) + 1)
        size = (levels.shape[1] * _BLOCK, (high - low) * _BLOCK)
        first = low * _BLOCK
        full = _floats(cv2.resize(levels[low:high], size, interpolation=cv2.INTER_LINEAR))
        return full[rows.start - first : rows.stop - first, :width]

    return level


def _choice(gray: NDArray[np.uint8], roi: Mask | None, edges: _Edges, settings: Settings) -> Choice:
    """Where between two phases the level lies; of a method that does not go by edges it stays where that puts it."""
    if (
        settings.method not in ("auto", "edge")
        or number_of_classes(settings) > 2
        or not edges.n
        or settings.phase == "auto"
    ):
        return Choice()
    bins = len(HEIGHTS)
    field, pixels, steep = np.zeros(bins), np.zeros(bins), np.zeros(bins)
    level, contrast = (_carried(values, gray.shape[1]) for values in (edges.level_map, edges.contrast_map))
    around = np.ones((2 * _NEAR_PX + 1, 2 * _NEAR_PX + 1), np.uint8)
    for rows, inner, smooth, gradient in _gradients(gray):
        by = np.maximum(contrast(rows), 1.0)
        at = np.clip(np.rint((smooth[inner] - level(rows)) / by / STEP) + bins // 2, 0, bins - 1).astype(np.intp)
        near = cv2.dilate(np.unpackbits(edges.mask[rows], axis=1, count=gray.shape[1]), around).view(np.bool_)
        if roi is not None:
            near &= roi[rows]
        field += np.bincount((at if roi is None else at[roi[rows]]).ravel(), minlength=bins)
        pixels += np.bincount(at[near], minlength=bins)
        steep += np.bincount(at[near], (gradient / by)[near], minlength=bins)
    profile = Profile(
        field=field, pixels=pixels, steepness=steep / np.maximum(pixels, 1), edges=edges.n / max(1.0, field.sum())
    )
    choice = choose(profile, settings.phase)
    if choice.own_gray is None or choice.own_gray >= OWN_GRAY:
        return choice
    blur = quality_measures.edges(gray, roi).blur_px  # is it relief, or what a soft image leaves of small features?
    known = blur[np.isfinite(blur)]
    return choose(replace(profile, blur_px=float(np.median(known)) if known.size else 0.0), settings.phase)


def _height(choice: Choice, shift: float) -> float:
    # of edges of several kinds only the outlines move with a small shift: what the phase is stays as it was
    return choice.height if choice.is_mixed and abs(shift - choice.height) < SHIFT + STEP / 2 else shift


def _by_edges(
    gray: NDArray[np.uint8], edges: _Edges, choice: Choice, shift: float, *, carried: bool
) -> NDArray[np.uint8]:
    """Tell dark (0) from bright (1) by a level on the edges, carried or of the image; keep what edges bound."""
    height = _height(choice, shift)
    one_level = _same_everywhere(edges.level + height * edges.contrast)
    level = _carried_level(edges, gray.shape[1], height) if carried else one_level
    ranks = _above(gray, level)
    if choice.is_mixed:
        _end_on_edges(ranks, gray, 0.5 + float(np.clip(shift - choice.height, -SHIFT, SHIFT)))
    # small objects first, so that they do not lengthen the outline of the object that holds them
    for largest in (_SMALL * gray.size, gray.size):
        for rank in (0, 1):
            _keep_supported(ranks, rank, gray, level, edges, largest)
    return ranks


def _end_on_edges(ranks: NDArray[np.uint8], gray: NDArray[np.uint8], rise: float) -> None:
    """Move the outline of the phase to a share of the way up each edge, by the grays it goes from and to; in place.

    Only pixels within 2 px of the outline move.
    """
    near, around = np.ones((5, 5), np.uint8), np.ones((2 * _PLATEAU_PX + 1, 2 * _PLATEAU_PX + 1), np.uint8)
    moves = cv2.dilate(ranks, near) > cv2.erode(ranks, near)
    low, high = (np.asarray(of(gray, around), np.uint8)[moves].astype(np.float32) for of in (cv2.erode, cv2.dilate))
    ranks[moves] = gray[moves] > low + np.float32(rise) * (high - low)


def _keep_supported(
    ranks: NDArray[np.uint8], rank: int, gray: NDArray[np.uint8], level: _Level, edges: _Edges, largest: float
) -> None:
    """Give objects of one rank (0 or 1) that no edge bounds, or that are too shallow, to the other. In place."""
    cross = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]], np.uint8)
    beyond = np.float32(_DEEP * edges.contrast)

    def inside(rows: slice) -> NDArray[np.uint8]:
        return np.asarray(ranks[rows] == rank).view(np.uint8)

    def sums(rows: slice, numbers: NDArray[np.int32], n: int) -> NDArray[np.intp]:
        """Pixels, outline pixels, outline pixels on an edge, deep pixels."""
        low = max(0, rows.start - 1)
        wide = inside(slice(low, rows.stop + 1))
        eroded = cv2.erode(wide, cross, borderType=cv2.BORDER_REPLICATE)
        on_rim = (wide > eroded)[rows.start - low : rows.stop - low]
        on_edge = np.unpackbits(edges.mask[rows], axis=1, count=gray.shape[1]).view(np.bool_)
        at = level(rows)
        deep = gray[rows] <= at - beyond if rank == 0 else gray[rows] >= at + beyond
        parts = (numbers.ravel(), numbers[on_rim], numbers[on_rim & on_edge], numbers[deep])
        return np.stack([np.bincount(part, minlength=n) for part in parts])

    def unsupported(found: NDArray[np.intp]) -> Mask:
        area, rim, sharp, deep = found
        kept: Mask = ((deep > 0) & (sharp >= _SHARP * rim)) | (area > largest)
        return ~kept

    for rows, gone in _picked(inside, gray.shape, 8 if rank == 0 else 4, sums, unsupported):
        ranks[rows][gone] = 1 - rank


def _picked(
    inside: Callable[[slice], NDArray[np.uint8]],
    shape: tuple[int, ...],
    connectivity: int,
    sums: Callable[[slice, NDArray[np.int32], int], NDArray[np.intp]],
    pick: Callable[[NDArray[np.intp]], Mask],
) -> Iterator[tuple[slice, Mask]]:
    """Find the pixels of the connected objects of a mask that ``pick`` chooses, without a label image of full size.

    Objects are numbered band by band and joined across the bands, then the bands with chosen ones are
    numbered again.

    Parameters
    ----------
    inside : callable
        Gives the mask (0 and 1) of some rows. The rows that were yielded may change it.
    shape : (rows, columns)
        Of the mask.
    connectivity : int
        4 or 8.
    sums : callable
        Gives (k, n) sums over the pixels of some rows, for the numbers 0 to n - 1.
    pick : callable
        Chooses among objects by their sums over all rows, (k, objects).

    Yields
    ------
    rows : slice
    chosen : array of bool
        True on the pixels of chosen objects in these rows.
    """
    tables, firsts, seams = [], [], []
    total, above = 0, np.zeros(shape[1], np.int64)
    for rows in _bands(shape):
        n, numbers = cv2.connectedComponents(inside(rows), connectivity=connectivity)
        tables.append(sums(rows, np.asarray(numbers, np.int32), n)[:, 1:])
        firsts.append(total)
        below = np.where(numbers[0] > 0, numbers[0].astype(np.int64) + total, 0)  # from 1 over all bands
        seams.append(_touching(above, below, connectivity))
        above = np.where(numbers[-1] > 0, numbers[-1].astype(np.int64) + total, 0)
        total += n - 1
    if not total:
        return
    whole = _joined(total, np.concatenate(seams) - 1)
    found = np.concatenate(tables, axis=1)
    added = np.zeros_like(found)
    for row, values in zip(added, found, strict=True):
        np.add.at(row, whole, values)
    chosen = pick(added)[whole]
    for rows, first, table in zip(_bands(shape), firsts, tables, strict=True):
        mine = np.concatenate([[False], chosen[first : first + table.shape[1]]])
        if mine.any():
            numbers = cv2.connectedComponents(inside(rows), connectivity=connectivity)[1]
            yield rows, mine[numbers]


def _touching(above: NDArray[np.int64], below: NDArray[np.int64], connectivity: int) -> NDArray[np.int64]:
    """Pairs of numbers that touch across two rows; 0 is no number."""
    pairs = [np.column_stack([above, below])]
    if connectivity == 8:
        pairs += [np.column_stack([above[1:], below[:-1]]), np.column_stack([above[:-1], below[1:]])]
    together = np.concatenate(pairs)
    touching: NDArray[np.int64] = np.unique(together[(together > 0).all(axis=1)], axis=0)
    return touching


def _joined(n: int, pairs: NDArray[np.int64]) -> NDArray[np.int64]:
    """Number of the object that each of n pieces belongs to: one of its pieces stands for all."""
    above: dict[int, int] = {}

    def top(piece: int) -> int:
        while (higher := above.get(piece, piece)) != piece:
            above[piece] = above.get(higher, higher)
            piece = higher
        return piece

    for one, other in pairs.tolist():
        above[top(other)] = top(one)
    whole = np.arange(n)
    for piece in list(above):
        whole[piece] = top(piece)
    return whole


def _denoised(
    gray: NDArray[np.uint8], roi: Mask | None, edges: _Edges, settings: Settings
) -> tuple[NDArray[np.uint8], int]:
    """Image behind the smallest median that shows the classes clear of the noise, and its side.

    They are clear where the contrast of the edges is; where no edge is found, where the gray values have two humps. A
    median that takes noise away moves the classes apart, one that takes fine structure away brings them together:
    a wider one is tried only as long as the separation of the classes does not fall.
    """
    if settings.denoise_px != "auto":
        return _median(gray, settings.denoise_px), settings.denoise_px
    if settings.method == "fixed":
        return gray, 1  # who gives a level means the pixels as they are
    n, noise = number_of_classes(settings), noise_sigma(gray)
    side = 3 if edges.n else 1
    taken = _median(gray, side)
    histogram = histogram_of(taken, roi)
    while side < _WIDEST_MEDIAN:
        # a median of n pixels leaves 1.25 / sqrt(n) of the noise
        if edges.contrast >= _CLEAR * noise * 1.25 / side if edges.n else has_two_humps(histogram):
            break
        wider = _median(gray, side + 2)
        then = histogram_of(wider, roi)
        if separation(then, n) < separation(histogram, n):
            break
        taken, side, histogram = wider, side + 2, then
    return taken, side


def _median(gray: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    return np.asarray(denoise(gray, size=side), dtype=np.uint8) if side > 1 else gray


def _chosen(gray: NDArray[np.uint8], roi: Mask | None, edges: _Edges, n: int, method: Method) -> str:
    if method == "auto" and n > 2:
        return "multi_otsu"
    if method not in ("auto", "edge"):
        return method
    if edges.n:
        return "local edge" if method == "auto" else "edge"
    # structure so fine or soft that no place is quiet has no clear edge, but two humps of gray
    return "otsu" if has_two_humps(histogram_of(gray, roi)) else "nothing found"


def _above(gray: NDArray[np.uint8], level: _Level) -> NDArray[np.uint8]:
    """1 where the gray value is above the level, else 0; in bands, so that no second float image is made."""
    made = np.empty(gray.shape, np.uint8)
    for rows in _bands(gray.shape):
        made[rows] = gray[rows] > level(rows)
    return made


# ------------------------------------------------------------------------------------- one or more levels per image


def moved_levels(histogram: Histogram, levels: list[float], shift: float) -> list[float]:
    """Levels moved by a share of the contrast of the classes on both sides of each.

    Neighboring levels move against each other: together they would leave a class between them as it is.
    """
    means = class_means(histogram, levels)
    moves = [shift * (-1) ** i * (bright - dark) for i, (dark, bright) in enumerate(pairwise(means))]
    return [level + move for level, move in zip(levels, moves, strict=True)]


def ranks_of(gray: NDArray[np.uint8], levels: list[float], method: str) -> NDArray[np.uint8]:
    """Class of every pixel by levels of the whole image, 0 for the darkest."""
    table = np.searchsorted(np.asarray(levels), np.arange(256), side="left").astype(np.uint8)
    ranks = np.asarray(cv2.LUT(gray, table), dtype=np.uint8)
    return without_transitions(ranks, gray, len(levels) + 1) if method == "multi_otsu" and len(levels) > 1 else ranks


def levels_of(histogram: Histogram, n: int, method: str, fixed: list[float], path: str) -> list[float]:
    """Levels between neighboring classes; a pixel at the level belongs to the darker one."""
    if method == "fixed":
        return fixed
    if np.count_nonzero(histogram) < n:
        msg = f"{path}: {np.count_nonzero(histogram)} gray values cannot make {n} classes; give fewer classes"
        raise BackendError(msg)
    match method:
        case "li":
            return [li(histogram)]
        case "triangle":
            return [triangle(histogram)]
        case _:
            return otsu(histogram, n)


def _window_levels(gray: NDArray[np.uint8], window_px: int, sauvola_k: float | None) -> NDArray[np.float32]:
    """Mean of a square window, or Sauvola's level, which lies below it where the window has little contrast.

    J. Sauvola, M. Pietikainen, Pattern Recogn. 33 (2000) 225, with R half the range of the deviations.
    """
    size = (window_px, window_px)
    mean = _floats(cv2.boxFilter(gray, cv2.CV_32F, size, borderType=cv2.BORDER_REFLECT))
    if sauvola_k is None:
        return mean
    deviation = _floats(cv2.sqrBoxFilter(gray, cv2.CV_32F, size, borderType=cv2.BORDER_REFLECT))
    for rows in _bands(gray.shape):
        deviation[rows] -= mean[rows] * mean[rows]
    np.sqrt(np.maximum(deviation, 0, out=deviation), out=deviation)
    deviation /= max(1e-6, float(deviation.max()))
    for rows in _bands(gray.shape):
        mean[rows] *= 1 + np.float32(sauvola_k) * (deviation[rows] - 1)
    return mean


# ------------------------------------------------------------------------------------------------------------ labels


def _labels(
    ranks: NDArray[np.uint8], n: int, settings: Settings, roi: Mask | None
) -> tuple[LabelImage, dict[int, str], str]:
    phase = settings.phase
    if phase == "auto":
        dark = np.count_nonzero((ranks == 0) if roi is None else (ranks == 0) & roi)
        phase = "dark" if 2 * dark <= (ranks.size if roi is None else np.count_nonzero(roi)) else "bright"
    order, classes = numbered(n, settings, phase)
    table = np.zeros(256, np.int32)
    table[:n] = order
    labels: LabelImage = np.asarray(cv2.LUT(ranks, table), dtype=np.int32)
    for number in range(1, n):
        _tidy(labels, number, settings)
    if roi is not None:
        labels[~roi] = 0
    return labels, classes, phase


def numbered(n: int, settings: Settings, phase: str) -> tuple[list[int], dict[int, str]]:
    """Number of the class of each rank, from the darkest on, and the names by number."""
    names = settings.classes or {2: ("dark", "bright"), 3: ("dark", "gray", "bright")}.get(
        n, tuple(f"gray {i + 1}" for i in range(n))
    )
    order = [(rank + 1) % n for rank in range(n)] if phase == "dark" else list(range(n))
    return order, {order[rank]: names[rank] for rank in range(n)}


def _tidy(labels: LabelImage, number: int, settings: Settings) -> None:
    """Drop small objects of a class and fill small holes in it; in place."""
    around = (labels != number).view(np.uint8) if settings.fill_holes_px > 1 else None

    def area(_: slice, numbers: NDArray[np.int32], n: int) -> NDArray[np.intp]:
        return np.bincount(numbers.ravel(), minlength=n)[None]

    if settings.min_object_px > 1:
        small = _picked(
            lambda rows: (labels[rows] == number).view(np.uint8),
            labels.shape,
            8,
            area,
            lambda found: found[0] < settings.min_object_px,
        )
        for rows, chosen in small:
            labels[rows][chosen] = 0
    if around is not None:
        hole = _picked(around.__getitem__, labels.shape, 4, area, lambda found: found[0] < settings.fill_holes_px)
        for rows, chosen in hole:
            labels[rows][chosen] = number
