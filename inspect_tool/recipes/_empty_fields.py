"""Doubts of fields in which nothing was found: whether the picture could have shown it at all."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np

from inspect_tool.errors import MeasurementError
from inspect_tool.images import quality_measures
from inspect_tool.languages import Text
from inspect_tool.measure.gray import read_off
from inspect_tool.model import Check, FieldMeasurement, GrayImage, Mask, Micrograph, Segmentation
from inspect_tool.recipes._worst_field import worst_check


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sign:
    """One sign that a picture could have shown what is looked for: its figure, the limit, and what a failure means."""

    title: str
    unit: str
    relation: Literal[">=", "<="]
    limit: float
    figure: Callable[[GrayImage, Mask | None], float]
    advice: str
    of_bright: bool = True  # asked where a bright phase is looked for, too


_SIGNS: Mapping[str, _Sign] = {
    "sharpest_detail": _Sign(
        title=Text("recipes.sign_sharpest_detail"),
        unit="1",
        relation=">=",
        limit=7.0,  # white noise alone makes 4 to 6
        figure=quality_measures.sharpest_detail,
        advice=Text("recipes.advice_nothing_in_focus"),
    ),
    "speck_percent": _Sign(
        title=Text("recipes.sign_tiles_of_specks"),
        unit="%",
        relation="<=",
        limit=50.0,
        figure=lambda pixels, roi: 100 * float(quality_measures.edges(pixels, roi).is_speck.mean()),
        advice=Text("recipes.advice_higher_magnification"),
    ),
    "contrast_of_black": _Sign(
        title=Text("recipes.sign_gray_over_noise"),
        unit="1",
        relation=">=",
        limit=5.0,
        figure=quality_measures.contrast_of_black,
        advice=Text("recipes.advice_too_dark_or_noisy"),
        of_bright=False,
    ),
    "white_percent": _Sign(
        title=Text("recipes.sign_clipped_at_white"),
        unit="%",
        relation="<=",
        limit=50.0,
        figure=lambda pixels, roi: quality_measures.clipped_percent(pixels, roi)[1],
        advice=Text("recipes.advice_overexposed"),
        of_bright=False,
    ),
}


def signs_of(micrograph: Micrograph, segmentation: Segmentation, *, found: bool) -> dict[str, float | None]:
    """Signs of a field for ``FieldMeasurement.read_off``; None where something was found, or a person drew the mask."""
    judged = not found and segmentation.backend != "labels"
    of_bright = segmentation.told.phase_taken == "bright"

    def read(sign: _Sign) -> float | None:
        asked = judged and (sign.of_bright or not of_bright)
        if asked and not isinstance(micrograph.pixels, np.ndarray):
            msg = (
                f"{micrograph.path}: nothing of what is looked for was found; by windows it cannot be judged whether"
                " the image could have shown it: check the levels, or cut the image into fields"
            )
            raise MeasurementError(msg)
        return sign.figure(micrograph.pixels, micrograph.roi) if asked else None

    return {name: read_off(micrograph, name, partial(read, sign)) for name, sign in _SIGNS.items()}


def checks_of(fields: Sequence[FieldMeasurement], wanted: str) -> list[Check]:
    """Doubts of one specimen: its worst field by each sign; none where every field shows what is wanted, e.g. pores."""
    made: list[Check] = []
    for name, sign in _SIGNS.items():
        seen = [(float(value), field.image) for field in fields if (value := field.read_off.get(name)) is not None]
        made += worst_check(
            Text("recipes.check_fields_without", wanted=wanted, title=sign.title),
            seen,
            sign.relation,
            sign.limit,
            sign.unit,
            clause=Text("recipes.clause_fields_without"),
            specimen=fields[0].specimen,
            advice=sign.advice,
        )
    return made
