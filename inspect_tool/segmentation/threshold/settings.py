"""Settings of the threshold backend, and what they demand of each other."""

from dataclasses import dataclass
from typing import Annotated, Literal

from typing_extensions import Doc

from inspect_tool.errors import SettingsError
from inspect_tool.ranges import From0, Share

Method = Literal["auto", "edge", "otsu", "multi_otsu", "li", "triangle", "local", "sauvola", "fixed"]


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
    ] = "auto"
    specks: Annotated[
        bool, Doc("over a tinted matrix: half-way between black and it, for numbers, as faint specks count")
    ] = False


def refuse_contradictions(settings: Settings) -> None:
    """Refuse settings that contradict each other, by a ``SettingsError``."""
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
    if settings.matrix == "tinted" and not (settings.method == "auto" and settings.phase != "auto" and n == 2):
        msg = "backend threshold: matrix 'tinted' is for method 'auto', phase 'dark' or 'bright', and two classes"
        raise SettingsError(msg)
    for name in ("window_px", "min_object_px", "fill_holes_px", "n_classes", "min_contrast"):
        if getattr(settings, name) < 0:
            msg = f"backend threshold: {name} must not be negative, got {getattr(settings, name)}"
            raise SettingsError(msg)


def number_of_classes(settings: Settings) -> int:
    """Count the classes that settings ask for."""
    if settings.method == "fixed":
        return len(settings.levels) + 1
    return settings.n_classes or len(settings.classes) or 2


def may_take_hues(settings: Settings) -> bool:
    """Whether two hues may take the place of gray where an image is in color: a look at all of it decides."""
    return settings.channel == "auto" and settings.method != "fixed" and number_of_classes(settings) == 2


def window_of(shape: tuple[int, ...], settings: Settings, path: str, parts: int = 8) -> int:
    """Side of the window around a pixel, odd; by default so many of them lie along the shorter side. [px]"""
    window_px = (settings.window_px or max(3, min(shape) // parts)) | 1
    if window_px > min(shape) | 1:  # the sums take memory with the window, and mirrored rows tell nothing new
        msg = (
            f"{path}: backend.window_px: got {settings.window_px}, the image is {shape[1]} x {shape[0]} px; give at "
            "most its shorter side, or method 'otsu' for one level of the image"
        )
        raise SettingsError(msg)
    return window_px
