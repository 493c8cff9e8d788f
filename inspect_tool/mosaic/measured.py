"""The classes of a huge image and their features, by windows."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from inspect_tool.measure.fraction import LineCounts, class_areas, line_counts
from inspect_tool.measure.seamless.tables import feature_table
from inspect_tool.mosaic.classes import Classes, Progress, classes_of, silent
from inspect_tool.mosaic.request import Request
from inspect_tool.pixels.bits import BitClasses, as_labels, as_mask


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Mosaic:
    """What was measured of a huge image."""

    classes: Classes
    pixel_um: float | None  # [um/px]
    scale: str  # where the pixel size comes from
    areas_px: Mapping[str, int]  # by class, inside the specimen; the matrix last
    others_percent: Mapping[str, Mapping[str, float]]  # shares by other levels that are as plausible
    lines: Mapping[str, LineCounts]  # interceptions of each class
    features: pd.DataFrame  # one row for each connected feature of the classes of interest

    @property
    def specimen_px(self) -> int:
        """Pixels that count."""
        return sum(self.areas_px.values())

    @property
    def percent(self) -> Mapping[str, float]:
        """Area share of every class in the specimen. [%]"""
        return {name: 100.0 * area / self.specimen_px for name, area in self.areas_px.items()}

    @property
    def coverage(self) -> NDArray[np.uint8]:
        """How often each window of the grid was told apart: once."""
        return self.classes.coverage


def measure(asked: Request, records: Path, progress: Progress = silent) -> Mosaic:
    """Measure the classes of an image of any size window by window.

    Parameters
    ----------
    asked : Request
    records : Path
        Folder that keeps every window as soon as it is told apart: a run that was stopped goes on there. Of another
        image, other settings or another version it is not taken. It may be deleted at any time.
    progress : callable, optional
        Called with (windows done, windows in all, text).

    Raises
    ------
    ReadError, SettingsError, BackendError, MeasurementError
        The image cannot be read by windows, or told apart by them; a window is missing.
    """
    with classes_of(asked, records, progress) as found:
        pixel_um = asked.pixel_um or (None if found.scale.pixel_y_um is not None else found.scale.pixel_um)
        others = {name: _shares(labels, found) for name, labels in found.others()}
        named = found.named
        return Mosaic(
            classes=found,
            pixel_um=pixel_um,
            scale="stated" if asked.pixel_um else str(found.scale.note),
            areas_px=_areas(found.labels, found),
            others_percent=others,
            lines={name: line_counts(found.labels == number, as_mask(found.roi)) for number, name in named.items()},
            features=_features(found, pixel_um, asked),
        )


def _areas(labels: BitClasses, found: Classes) -> dict[str, int]:
    areas = class_areas(as_labels(labels), tuple(found.named), as_mask(found.roi))
    return {name: areas[number] for number, name in found.named.items()}


def _shares(labels: BitClasses, found: Classes) -> dict[str, float]:
    areas = _areas(labels, found)
    return {name: 100.0 * area / sum(areas.values()) for name, area in areas.items()}


def _features(found: Classes, pixel_um: float | None, asked: Request) -> pd.DataFrame:
    """Tabulate the connected features of every class of interest, numbered through."""
    tables: list[pd.DataFrame] = []
    for number, name in found.named.items():
        if number == 0:
            continue
        mask = found.labels.masks[number]
        table = feature_table(
            mask if found.roi is None else mask & found.roi,
            pixel_um,
            roi=found.roi,
            shape_factors=False,
            where=str(asked.image),
            side_px=asked.side_px,
        )
        table.insert(1, "class", name)
        table["feature"] += sum(len(other) for other in tables)
        tables.append(table)
    return pd.concat(tables, ignore_index=True)
