"""The steps of a run one by one, for a notebook."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from inspect_tool import registry
from inspect_tool.files import (
    checked,
)
from inspect_tool.images import readers, region
from inspect_tool.inspection.conclusion import concluded
from inspect_tool.inspection.one_field import bar_of, measured_labels, told_by
from inspect_tool.model import (
    Calibration,
    Findings,
    Micrograph,
    Segmentation,
    Selection,
)
from inspect_tool.scale.calibration import settle
from inspect_tool.standards.editions import editions_for


def read(
    path: str | Path,
    *,
    pixel_um: float | None = None,
    calibration: Calibration | None = None,
    page: int | None = None,
    scene: int | str | None = None,
    channel: int | str | None = None,
    z: int | None = None,
    time: int | None = None,
) -> Micrograph:
    """Read one image with its scale: stated here, or from the file's own trusted metadata.

    ``page`` to ``time`` choose a plane of a file with several, see ``model.Selection``.
    """
    stated = calibration
    if pixel_um is not None:
        stated = Calibration(pixel_um=pixel_um, source="stated by the caller")
    which = Selection(page=page, scene=scene, channel=channel, z=z, time=time)
    return region.to_square_pixels(settle(readers.read(Path(path), which), stated))


def with_own_scale(path: Path) -> Micrograph:
    """Read an image with the scale that its file or a bar in it tells; with neither, a ``CalibrationError``."""
    micrograph = readers.read(path)
    bar = bar_of(micrograph, "auto")
    if bar is None or bar.pixel_um is None:
        return settle(micrograph, None)
    told = told_by(bar)
    return settle(micrograph, None if micrograph.calibration.pixel_um else Calibration(source="scale bar"), told)


def segment(micrograph: Micrograph, backend: str, **settings: Any) -> Segmentation:
    """Segment one image with a backend by name and its settings by keyword."""
    module = registry.load("backend", backend)
    chosen = checked(module.Settings, settings, "segment()")
    return module.segment(module.load(chosen), micrograph, chosen)


def measure_fields(
    recipe: str,
    micrographs: Sequence[Micrograph],
    segmentations: Sequence[Segmentation],
    *,
    standard: str = "",
    **settings: Any,
) -> Findings:
    """Measure segmented fields with a recipe by name; settings by keyword.

    The segmentation line of the budgets comes from the alternatives that a segmentation carries, as in ``run``; where
    it carries none, from half a pixel of boundary.
    """
    module = registry.load("recipe", recipe)
    chosen = checked(module.Settings, settings, "measure_fields()")
    editions = editions_for(module, chosen, standard)
    numbered = _numbered(micrographs)
    fields, steps = [], []
    for micrograph, segmentation in zip(numbered, segmentations, strict=True):
        _, measurement, step = measured_labels(recipe, micrograph, segmentation, chosen, editions)
        fields.append(measurement)
        steps += [step] if step is not None else []
    findings = concluded(module, fields, chosen, editions)
    return replace(findings, statements=(*dict.fromkeys(steps), *findings.statements))


def _numbered(micrographs: Sequence[Micrograph]) -> list[Micrograph]:
    """Give fields of one specimen different numbers when the caller has not."""
    keys = [(m.specimen, m.field) for m in micrographs]
    if len(set(keys)) == len(keys):
        return list(micrographs)
    counts: dict[str, int] = {}
    numbered = []
    for micrograph in micrographs:
        counts[micrograph.specimen] = counts.get(micrograph.specimen, 0) + 1
        numbered.append(replace(micrograph, field=counts[micrograph.specimen]))
    return numbered
