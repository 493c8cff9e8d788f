"""Classes by levels of the whole image, window by window: the labels that ``segment`` gives of the image whole.

Two looks at the image: the gray values of all windows are counted, then each window is told apart by the levels that
they give. What a pixel becomes depends on its surroundings of a few pixels alone, which a window sees as its rim.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import cv2
import numpy as np
from numpy.typing import NDArray

from inspect_tool.errors import BackendError, SettingsError
from inspect_tool.model import LabelImage
from inspect_tool.segmentation.threshold.classes import numbered
from inspect_tool.segmentation.threshold.gray_levels import (
    TRANSITION_PX,
    Histogram,
    histogram_of,
    own_gray_between,
)
from inspect_tool.segmentation.threshold.level_choice import SHIFT
from inspect_tool.segmentation.threshold.levels import levels_of, moved_levels, ranks_of
from inspect_tool.segmentation.threshold.settings import Settings, number_of_classes, refuse_contradictions

_SHIFTS: Mapping[str, float] = MappingProxyType({"threshold -": -SHIFT, "threshold +": SHIFT})


DEPTHS = ("uint8", "uint16")
"""Types of the pixels that are measured by windows."""

INSTEAD = "flat_field 'off' and denoise_px as a number, and leave the others out"


@dataclass(frozen=True, slots=True, kw_only=True)
class Levels:
    """What tells the classes of an image apart. [gray values]"""

    levels: tuple[float, ...]  # from dark to bright
    others: Mapping[str, tuple[float, ...]]  # at 40 % and 60 % of the contrast, as plausible
    shifts: Mapping[str, float]  # of these, as shares of the contrast
    phase: str  # of interest: "dark" or "bright"
    own_gray: float | None  # see ``gray_levels.own_gray_between``; None: not judged
    order: tuple[int, ...]  # number of the class of each rank, from the darkest on
    classes: Mapping[int, str]  # number -> name


def check(settings: Settings) -> None:
    """Refuse settings by which a window cannot be told apart by itself.

    Raises
    ------
    SettingsError
        Names what they need and what there is instead.
    """
    refuse_contradictions(settings)
    found = refusal(settings)
    if found:
        msg = (
            f"backend threshold: by windows, {found} cannot be used yet; give method 'fixed', 'otsu', 'multi_otsu',"
            f" 'li' or 'triangle', {INSTEAD}"
        )
        raise SettingsError(msg)


def refusal(settings: Settings) -> str:
    """Name the settings by which a window cannot be told apart by itself; empty: there are none."""
    smooth = settings.denoise_px if settings.denoise_px != "auto" or settings.method != "fixed" else 1
    wrong = {
        f"method = '{settings.method}'": settings.method not in ("fixed", "otsu", "multi_otsu", "li", "triangle"),
        f"flat_field = '{settings.flat_field}'": settings.method != "fixed" and settings.flat_field != "off",
        f"denoise_px = '{smooth}'": smooth == "auto",
        f"min_object_px = {settings.min_object_px}": settings.min_object_px > 1,
        f"fill_holes_px = {settings.fill_holes_px}": settings.fill_holes_px > 1,
        f"channel = '{settings.channel}'": settings.channel not in ("auto", "gray"),
    }
    return ", ".join(name for name, is_wrong in wrong.items() if is_wrong)


def is_by_levels(settings: Settings) -> bool:
    """Whether each window of the image of a job can be told apart by itself, its other segmentations too."""
    return settings.method in ("fixed", "multi_otsu") and not refusal(settings)


def reach_px(settings: Settings) -> int:
    """How far ``labels_of`` looks around a pixel. [px]"""
    return TRANSITION_PX if settings.method == "multi_otsu" else 0


def rim_px(settings: Settings) -> int:
    """How far around a window must be seen. [px]"""
    return side_px(settings) // 2 + reach_px(settings)


def smoothed(gray: NDArray[np.uint8], settings: Settings) -> NDArray[np.uint8]:
    """Gray values of a window as the levels are applied to them; exact but for half a side of the median."""
    side = side_px(settings)
    return np.asarray(cv2.medianBlur(np.ascontiguousarray(gray), side), np.uint8) if side > 1 else gray


def found_levels(histogram: Histogram, settings: Settings, where: str) -> Levels:
    """Levels by the gray values of all windows, inside the region that counts.

    Raises
    ------
    BackendError
        Nothing counts, or fewer gray values than classes.
    """
    filled = int(np.count_nonzero(histogram))
    if filled < 2:
        msg = f"{where}: the image is constant; there is nothing to tell apart"
        raise BackendError(msg)
    n = number_of_classes(settings)
    levels = levels_of(histogram, n, settings.method, list(settings.levels), where)
    phase = settings.phase
    if phase == "auto":
        dark = histogram[: int(np.floor(levels[0])) + 1].sum()
        phase = "dark" if 2 * dark <= histogram.sum() else "bright"
    order, classes = numbered(n, settings, phase)
    return Levels(
        levels=tuple(moved_levels(histogram, levels, 0.0)),
        others={name: tuple(moved_levels(histogram, levels, shift)) for name, shift in _SHIFTS.items()},
        shifts=_SHIFTS,
        phase=phase,
        own_gray=own_gray_between(histogram, levels) if settings.method == "multi_otsu" and n > 2 else None,
        order=tuple(order),
        classes=classes,
    )


def labels_of(smooth: NDArray[np.uint8], levels: tuple[float, ...], found: Levels, settings: Settings) -> LabelImage:
    """Class numbers of a window and its rim; exact but for a rim of ``reach_px``."""
    table = np.zeros(256, np.uint8)
    table[: len(found.order)] = found.order
    labels: LabelImage = np.asarray(cv2.LUT(ranks_of(smooth, list(levels), settings.method), table), np.uint8)
    return labels


def counted(smooth: NDArray[np.uint8], roi: NDArray[np.bool_] | None) -> Histogram:
    """Gray values of a window: those of its core."""
    return histogram_of(np.ascontiguousarray(smooth), None if roi is None else np.ascontiguousarray(roi))


def side_px(settings: Settings) -> int:
    """Side of the median by which a window is smoothed; 1: none. [px]"""
    return 1 if settings.denoise_px == "auto" else settings.denoise_px
