"""One field: how thick every layer is, normal to its middle line."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from inspect_tool.errors import MeasurementError
from inspect_tool.languages import Text
from inspect_tool.measure.gray import asked
from inspect_tool.measure.normal_chords import Chords, Sides, gray_inside, normal_chords, sides_of
from inspect_tool.model import Editions, FieldMeasurement, LabelImage, Mark, Mask, Micrograph, Notable, Segmentation
from inspect_tool.recipes._common import length_in, numbers_of_classes, place_of
from inspect_tool.recipes._level_doubts import facts_of_level, is_automatic
from inspect_tool.recipes.layer_thickness.settings import Settings
from inspect_tool.recipes.layer_thickness.values import Layer, Measured, Numbers, Scatter, Values
from inspect_tool.statistics.series import series_scatter

_DRAWN = 25  # chords of a layer that are drawn, as many as a reader can tell apart
_SHOWN = 3  # thinnest places of a layer that are shown
_MARGIN = 0.5  # of the chord: what is shown around it


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FoundLayer:
    """One layer of one segmentation."""

    sides: Sides
    chords: Chords


def measure_field(
    micrograph: Micrograph,
    segmentation: Segmentation,
    settings: Settings,
    editions: Editions,  # noqa: ARG001 - a contract
) -> Measured:
    """Measure the layers of one field.

    Parameters
    ----------
    micrograph : Micrograph
        The field; its scale, place in the job and region are used.
    segmentation : Segmentation
        Classes; a layer runs from edge to edge of the field and has something else on both sides. Its alternatives are
        taken one at a time.
    settings : Settings
        See there.
    editions : Editions
        Of the procedure.

    Returns
    -------
    FieldMeasurement
        One row per chord in ``features``.

    Raises
    ------
    MeasurementError
        A class that the segmentation does not have, or a layer that does not part the field in two.
    """
    pixel_um = micrograph.calibration.pixel_um
    names = layers_of(segmentation, settings, micrograph.path)
    shifted: dict[str, Numbers] = {}
    without = 0
    for name, other in segmentation.alternatives():
        try:
            found = layers_found(other.labels, names, segmentation, micrograph, settings)
            shifted[name] = Numbers(layers={layer: _numbers(one, pixel_um) for layer, one in found.items()})
            del found
        except MeasurementError:  # the layer hangs on this very choice, which a check says
            without += 1
        del other  # before the next one is made
    found = layers_found(segmentation.labels, names, segmentation, micrograph, settings)
    tables: list[pd.DataFrame] = []
    for layer, one in found.items():
        table = _table(one.chords, layer, pixel_um)
        table["feature"] += sum(len(other) for other in tables)
        tables.append(table)
    return FieldMeasurement(
        **place_of(micrograph),
        shape_px=(segmentation.labels.shape[0], segmentation.labels.shape[1]),
        values=Values(
            numbers=Numbers(layers={layer: _numbers(one, pixel_um) for layer, one in found.items()}),
            scatter={layer: _scatter(one.chords, pixel_um) for layer, one in found.items()},
            others_without_layer=without,
        ),
        features=pd.concat(tables, ignore_index=True),
        alternatives=shifted,
        marks=tuple(mark for one in found.values() for mark in _marks(one.chords)),
        worst=tuple(_worst(tables)),
        curves={
            f"{what}.{layer}": tuple((values * (pixel_um or 1.0)).tolist())
            for layer, one in found.items()
            for what, values in (("along", one.chords.along), ("thickness", one.chords.length))
        },
        read_off={
            **facts_of_level(segmentation, micrograph),
            **_opinions_apart(segmentation),
            **_gray_inside(found, segmentation, micrograph),
        },
    )


def _gray_inside(
    found: Mapping[str, FoundLayer], segmentation: Segmentation, micrograph: Micrograph
) -> Mapping[str, float]:
    """How much gray changes inside the layer in which it does so most; of a level that no person gave.

    Nothing where no layer shows both of its sides, or where a report is from before it was asked.
    """

    def read() -> float | None:
        if not is_automatic(segmentation):
            return None
        shares = (gray_inside(micrograph.pixels, one.chords) for one in found.values())
        return max((share for share in shares if share is not None), default=None)

    return asked(micrograph, "gray_inside", read)


def _opinions_apart(segmentation: Segmentation) -> Mapping[str, float]:
    told = segmentation.told
    apart = {"sizes_apart": told.sizes_apart, "grays_apart": told.grays_apart, "edge_off": told.edge_off}
    return {name: value for name, value in apart.items() if value is not None}


def layers_of(segmentation: Segmentation, settings: Settings, where: str) -> Mapping[str, int]:
    """Name of every layer and the number of its class, in the order of the numbers.

    Raises
    ------
    MeasurementError
        A class that the segmentation does not have, or none at all.
    """
    by_name = {name: number for number, name in sorted(segmentation.classes.items())}
    numbers_of_classes(segmentation, (*settings.layers, *settings.inside), where)
    found = {
        name: number
        for name, number in by_name.items()
        if (name in settings.layers if settings.layers else number > 0) and name not in settings.inside
    }
    if not found:
        msg = f"{where}: every class counts as inside of a layer, and none is one; look at settings.layers"
        raise MeasurementError(msg)
    return found


def layers_found(
    labels: LabelImage, names: Mapping[str, int], segmentation: Segmentation, micrograph: Micrograph, settings: Settings
) -> dict[str, FoundLayer]:
    """Every layer; what counts as inside belongs to the one that it lies in or touches most.

    Raises
    ------
    MeasurementError
        A layer does not part the field in two.
    """
    within: Mask = np.isin(labels, [n for n, name in segmentation.classes.items() if name in settings.inside])
    made = {}
    for name, number in names.items():
        layer = (labels == number) | within
        try:
            sides = sides_of(layer, micrograph.roi, settings.bridge_px)
            made[name] = FoundLayer(sides=sides, chords=normal_chords(sides, settings.chords, micrograph.roi))
        except MeasurementError as error:
            msg = f"{micrograph.path}: layer '{name}': {error}"
            raise MeasurementError(msg) from None
    return made


def _numbers(found: FoundLayer, pixel_um: float | None) -> Layer:
    chords = found.chords
    length = chords.length
    mean, sd = float(length.mean()), float(length.std(ddof=1)) if len(length) > 1 else 0.0
    return Layer(
        mean_thickness=length_in(mean, pixel_um),
        minimum_thickness=length_in(float(length.min()), pixel_um),
        maximum_thickness=length_in(float(length.max()), pixel_um),
        thickness_sd=length_in(sd, pixel_um),
        thickness_variation_percent=100 * sd / mean,
        chords=len(length),
        chords_missed=chords.missed,
        area_over_length=length_in(_between(chords) / chords.line_px, pixel_um),
    )


def _between(chords: Chords) -> float:
    """Area between the ends of the chords, by the polygon that they span, with half a step more at both ends. [px2]"""
    outline = np.concatenate([chords.first, chords.second[::-1]])
    row, column = outline.T
    area = abs(float(np.dot(row, np.roll(column, -1)) - np.dot(column, np.roll(row, -1)))) / 2
    return area + chords.step * float(chords.length[0] + chords.length[-1]) / 2


def _scatter(chords: Chords, pixel_um: float | None) -> Scatter:
    inside = series_scatter(chords.length)
    return Scatter(
        inner_scatter={} if inside is None else length_in(inside.u, pixel_um),
        inner_scatter_dof=None if inside is None else inside.dof,
        line=length_in(chords.line_px, pixel_um),
    )


def _table(chords: Chords, layer: str, pixel_um: float | None) -> pd.DataFrame:
    ends = np.stack([chords.first, chords.second])
    low, high = np.floor(ends.min(axis=0)).astype(int), np.ceil(ends.max(axis=0)).astype(int) + 1
    lengths = {"along_px": chords.along, "thickness_px": chords.length}
    if pixel_um is not None:
        lengths |= {"along_um": pixel_um * chords.along, "thickness_um": pixel_um * chords.length}
    return pd.DataFrame(
        {
            "feature": np.arange(1, len(chords.length) + 1),
            "class": layer,
            "row_px": chords.middle[:, 0],
            "column_px": chords.middle[:, 1],
            **lengths,
            "touches_edge": False,  # a chord that meets the edge is none
            "top_px": low[:, 0],
            "left_px": low[:, 1],
            "bottom_px": high[:, 0],
            "right_px": high[:, 1],
        }
    )


def _marks(chords: Chords) -> list[Mark]:
    """Draw the middle line, some of the chords, and the thinnest and the thickest one."""
    layer = Text("layer_thickness.layer_chords")
    chosen = np.unique(np.linspace(0, len(chords.length) - 1, min(_DRAWN, len(chords.length))).astype(int))
    made = [_path(chords.middle, "object", Text("layer_thickness.layer_middle"))]
    made += [_path(np.stack([chords.first[k], chords.second[k]]), "figure", layer) for k in chosen]
    for k in (int(chords.length.argmin()), int(chords.length.argmax())):
        made.append(_path(np.stack([chords.first[k], chords.second[k]]), "warning", layer))
    return made


def _path(points: NDArray[np.float64], style: Literal["object", "figure", "warning"], layer: Text) -> Mark:
    return Mark(
        kind="path",
        points=tuple((float(row), float(column)) for row, column in points),
        style=style,
        layer=layer,
    )


def _worst(tables: Sequence[pd.DataFrame]) -> list[Notable]:
    """Name the thinnest places of every layer, each farther from the others than the layer is thick there."""
    made = []
    for table in tables:
        far: list[float] = []
        unit = "um" if "thickness_um" in table else "px"
        for row in table.sort_values("thickness_px", kind="stable").to_dict("records"):
            if len(far) == _SHOWN:
                break
            if any(abs(row["along_px"] - place) < row["thickness_px"] for place in far):
                continue
            far.append(row["along_px"])
            margin = round(_MARGIN * row["thickness_px"])
            made.append(
                Notable(
                    feature=int(row["feature"]),
                    value=float(row[f"thickness_{unit}"]),
                    unit=unit,
                    caption=Text("layer_thickness.caption_thin", layer=row["class"]),
                    box=(
                        max(int(row["top_px"]) - margin, 0),
                        max(int(row["left_px"]) - margin, 0),
                        int(row["bottom_px"]) + margin,
                        int(row["right_px"]) + margin,
                    ),
                )
            )
    return made
