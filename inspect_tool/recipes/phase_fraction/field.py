"""One field: shares, lines, points and features of every class."""

from collections.abc import Hashable, Mapping
from typing import Any
from zlib import crc32

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from inspect_tool.errors import MeasurementError, SettingsError
from inspect_tool.languages import Text, Words, named
from inspect_tool.measure import points
from inspect_tool.measure.class_shape import cells_percent, line_percent, rim_percent
from inspect_tool.measure.fraction import LineCounts, area_percent, contacts, line_counts
from inspect_tool.measure.seamless.tables import feature_table
from inspect_tool.measure.share_scatter import of_the_rest, share_scatter
from inspect_tool.model import (
    Editions,
    FieldMeasurement,
    LabelImage,
    Mark,
    Mask,
    Micrograph,
    PointClass,
    Segmentation,
)
from inspect_tool.recipes import _colors, _empty_fields, _feature_sizes
from inspect_tool.recipes._common import largest_features, place_of
from inspect_tool.recipes._level_doubts import (
    facts_of_level,
    layers_of,
    paler_of,
    relief_of,
)
from inspect_tool.recipes.phase_fraction.settings import Settings
from inspect_tool.recipes.phase_fraction.values import (
    Contacts,
    Features,
    InnerScatter,
    Lines,
    Measured,
    Shares,
    Values,
)
from inspect_tool.standards.editions import edition_of
from inspect_tool.standards.formulas import astm_e562


def measure_field(
    micrograph: Micrograph,
    segmentation: Segmentation,
    settings: Settings,
    editions: Editions,
) -> Measured:
    """Measure the classes of one field.

    Parameters
    ----------
    micrograph : Micrograph
        The field; of its pixels only the color is looked at, and only to doubt the classes.
    segmentation : Segmentation
        Semantic labels of the same size; class 0 is the matrix. Its alternatives are taken one at a time.
    settings : Settings
        See there.
    editions : Editions
        E562 or E1245; the other of the two gives what this one has no rule for.

    Returns
    -------
    FieldMeasurement
        Its ``values`` are ``Values``; see the page of the recipe.

    Raises
    ------
    MeasurementError
        Settings out of range, an instance segmentation, or a class without a name.
    """
    check_field(settings, segmentation, micrograph.path)
    roi, pixel_um = micrograph.roi, micrograph.calibration.pixel_um
    labels, classes = segmentation.labels, _ordered(segmentation.classes)
    shares = _shares(labels, classes, roi, pixel_um)
    sizes = _feature_sizes.facts_of(micrograph)
    inner_scatter = _inner_scatter(labels, classes, roi, sizes)
    shifted: dict[str, Shares] = {}
    for name, other in segmentation.alternatives():
        shifted[name] = _shares(other.labels, classes, roi, pixel_um)
        del other  # let go before the next one is made

    of_interest = {number: name for number, name in classes.items() if number}
    smallest = min(shares.area_percent[name] for name in of_interest.values())
    counted, marks = _point_count(micrograph, labels, classes, smallest, settings, editions)

    tables: list[pd.DataFrame] = []
    kept: dict[str, Features] = {}
    for number, name in of_interest.items():
        table = _feature_table(labels == number, name, roi, pixel_um)
        kept[name] = _features(table, labels, number, roi, settings, pixel_um, is_between=len(classes) > 2)
        table["feature"] += sum(len(other) for other in tables)
        tables.append(table)
    features = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame({"feature": [], "class": []})
    judged = tuple(number for number in classes if number) if settings.tinted_grains else ()
    spread = _colors.spread_of(micrograph, segmentation.backend, labels, judged)
    values = Values(
        shares=shares,
        inner_scatter=inner_scatter,
        grid_points=counted.n,
        points={name: counted.count(number) for number, name in classes.items()},
        contacts=_contacts(segmentation, roi),
        features=kept,
        color=_colors.color_of(spread, segmentation),
    )
    return FieldMeasurement(
        **place_of(micrograph),
        shape_px=(labels.shape[0], labels.shape[1]),
        values=values,
        features=features,
        alternatives=shifted,
        marks=marks,
        worst=largest_features(features, pixel_um, _caption, (labels.shape[0], labels.shape[1])),
        notes=_notes(segmentation),
        read_off={
            _colors.SPREAD: spread,
            **_empty_fields.signs_of(micrograph, segmentation, found=bool(labels.any())),
            **facts_of_level(segmentation, micrograph),
            **layers_of(segmentation, micrograph),
            **paler_of(segmentation, micrograph),
            **relief_of(segmentation, micrograph, labels == 1),
            **sizes,
        },
    )


def point_classes(segmentation: Segmentation, settings: Settings) -> tuple[NDArray[np.uint8], tuple[PointClass, ...]]:  # noqa: ARG001
    """Give every pixel the class that a person would name there; the classes, each with the result that it is."""
    classes = segmentation.classes
    table = np.zeros(max(classes) + 1, np.uint8)
    table[list(classes)] = np.arange(len(classes))
    named = tuple(PointClass(name=name, quantity=f"area_percent.{name}") for name in classes.values())
    return table[segmentation.labels], named


def check_field(settings: Settings, segmentation: Segmentation, where: str) -> None:
    """Refuse a segmentation that this recipe cannot measure, or settings out of range."""
    if segmentation.kind != "semantic":
        msg = f"{where}: phase fraction needs classes, the backend '{segmentation.backend}' gives single objects"
        raise MeasurementError(msg)
    if len(segmentation.classes) < 2:
        msg = f"{where}: phase fraction needs two classes or more, got {', '.join(segmentation.classes.values())}"
        raise MeasurementError(msg)
    names = list(segmentation.classes.values())
    if len(set(names)) < len(names):
        msg = f"{where}: two classes have the same name: {', '.join(names)}"
        raise MeasurementError(msg)
    if not settings.wanted_ra_percent > 0:
        msg = f"settings.wanted_ra_percent: got {settings.wanted_ra_percent:g}, must be > 0"
        raise SettingsError(msg)
    if settings.smallest_feature_px2 < 1:
        msg = f"settings.smallest_feature_px2: got {settings.smallest_feature_px2}, must be 1 or more"
        raise SettingsError(msg)
    if settings.grid_points < 0 or round(settings.grid_points**0.5) ** 2 != settings.grid_points:
        msg = f"settings.grid_points: got {settings.grid_points}, must be a square number (16, 25, 49, 100) or 0"
        raise SettingsError(msg)


def _ordered(classes: Mapping[int, str]) -> dict[int, str]:
    """Classes of interest first, the matrix (0) last: ``combine`` takes the last one for the matrix."""
    return {number: classes[number] for number in sorted(classes, key=lambda number: (number == 0, number))}


def _shares(labels: LabelImage, classes: Mapping[int, str], roi: Mask | None, pixel_um: float | None) -> Shares:
    """What follows from the class image alone."""
    percent = area_percent(labels, tuple(classes), roi)
    return Shares(
        area_percent={name: percent[number] for number, name in classes.items()},
        lines={
            name: _lines(line_counts(labels == number, roi), pixel_um if number else None)
            for number, name in classes.items()
        },
    )


def _lines(counts: LineCounts, pixel_um: float | None) -> Lines:
    def per_mm(per_px: float) -> float | None:
        return None if pixel_um is None else 1e3 * per_px / pixel_um

    return Lines(
        half_pixel_percent=100 * 0.5 * counts.boundary_density,
        intercepts_per_mm=per_mm(counts.per_px),
        intercepts_per_mm_horizontal=per_mm(counts.across_rows / max(counts.length_rows_px, 1.0)),
        intercepts_per_mm_vertical=per_mm(counts.across_columns / max(counts.length_columns_px, 1.0)),
    )


def _inner_scatter(
    labels: LabelImage, classes: Mapping[int, str], roi: Mask | None, sizes: Mapping[str, bool]
) -> dict[str, InnerScatter]:
    first, *others = classes
    needles = _feature_sizes.needles_count(sizes)
    found = {first: share_scatter(labels == first, roi, needles=needles)}
    if len(others) == 1:
        found[others[0]] = of_the_rest(found[first], labels == others[0], roi)
    else:
        found |= {number: share_scatter(labels == number, roi, needles=needles) for number in others}
    return {
        classes[number]: InnerScatter(
            inner_scatter_percent=100 * scatter.u,
            inner_scatter_dof=scatter.dof,
            areas=_feature_sizes.that_count(scatter.areas, sizes),
        )
        for number, scatter in found.items()
    }


def _contacts(segmentation: Segmentation, roi: Mask | None) -> dict[str, Contacts]:
    if segmentation.objects is None:
        return {}
    like, matrix = contacts(segmentation.objects, roi)
    return {segmentation.classes[1]: Contacts(contacts_like=like, contacts_matrix=matrix)}


def _point_count(
    micrograph: Micrograph,
    labels: LabelImage,
    classes: Mapping[int, str],
    smallest_percent: float,
    settings: Settings,
    editions: Editions,
) -> tuple[points.GridCount, tuple[Mark, ...]]:
    """Count a systematic grid with a random start that depends on specimen and field, and on nothing in the image."""
    of_interest = {number: name for number, name in classes.items() if number}
    n = settings.grid_points or astm_e562.grid_points(smallest_percent, edition_of(editions, "ASTM E562"))
    seed = (settings.seed, micrograph.field, crc32(micrograph.specimen.encode()))
    grid = points.grid((labels.shape[0], labels.shape[1]), n, seed)
    counted = points.count_points(labels, tuple(classes), grid, micrograph.roi)
    marks: list[Mark] = []
    for number, name in of_interest.items():
        layer = (
            Text("phase_fraction.layer_point_grid")
            if len(of_interest) == 1
            else Text("phase_fraction.layer_point_grid_class", name=named("terms", name))
        )
        marks += points.marks(counted, number, name, layer)
    return counted, tuple(marks)


def _feature_table(phase: Mask, name: str, roi: Mask | None, pixel_um: float | None) -> pd.DataFrame:
    inside = phase if roi is None else phase & roi
    table = feature_table(inside, pixel_um, roi=roi, shape_factors=False)
    table.insert(1, "class", name)
    return table


def _features(
    table: pd.DataFrame,
    labels: LabelImage,
    number: int,
    roi: Mask | None,
    settings: Settings,
    pixel_um: float | None,
    *,
    is_between: bool,
) -> Features:
    """Features from the declared size on; those cut by the frame count 1/2 in the number per area (E1245)."""
    inside = (labels == number) if roi is None else (labels == number) & roi
    area = table["area_px2"].to_numpy()
    large = area >= settings.smallest_feature_px2
    weight = np.where(table["touches_edge"].to_numpy(bool), 0.5, 1.0)
    total = float(area.sum())
    per_mm2: float | None = None
    if pixel_um is not None:
        field_mm2 = (labels.size if roi is None else int(roi.sum())) * pixel_um**2 * 1e-6
        per_mm2 = float(weight[large].sum()) / field_mm2
    return Features(
        count=int(large.sum()),
        too_small_percent=100 * float(area[~large].sum()) / total if total else 0.0,
        count_per_mm2=per_mm2,
        line_percent=line_percent(inside),
        cells_percent=cells_percent(inside),
        rim_percent=rim_percent(labels, number, roi) if is_between else None,
    )


def _caption(row: Mapping[Hashable, Any]) -> Words:
    cut = Text("phase_fraction.caption_cut_by_edge") if row["touches_edge"] else ""
    return Text("phase_fraction.caption_largest_features", class_=named("terms", row["class"])) + cut


def _notes(segmentation: Segmentation) -> tuple[str, ...]:
    if segmentation.told.method_taken == "nothing found":
        return (Text("phase_fraction.note_no_phase_found"),)
    return ()
