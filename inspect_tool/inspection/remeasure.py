"""A planned job measured without pictures and pages: results, and the hash of every mask."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from inspect_tool import registry
from inspect_tool.evidence.masks import mask_sha256
from inspect_tool.inspection import one_field
from inspect_tool.inspection.job_plan import Plan
from inspect_tool.model import FieldMeasurement, Findings
from inspect_tool.scale.calibration import same_scale


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Remeasured:
    """What a job gave; masks and classes in the order of its images."""

    findings: Findings
    fields: tuple[FieldMeasurement, ...]
    masks_sha256: tuple[str, ...]
    classes: Mapping[int, str]  # of the first field
    weights_sha256: str  # empty: no weights
    used: Mapping[str, Any]  # settings of the first segmentation, found values included
    seconds: float  # of all segmentations


def remeasure(
    planned: Plan,
    tell: Callable[[int, str], None] | None = None,
    *,
    model: object = None,
    alternatives: bool = True,
) -> Remeasured:
    """Run the steps of a job, from its files to its results, by the functions that ``run`` uses.

    Parameters
    ----------
    planned : Plan
        From ``job_plan.plan``.
    tell : callable, optional
        Called with (fields done, name of the image).
    model : Any
        What ``load`` of the backend gave, where the caller keeps it; None: it is loaded.
    alternatives : bool
        Measure the plausible other segmentations too: without them the budgets lack their segmentation line.
    """
    recipe = registry.load("recipe", planned.job.recipe)
    if model is None:
        model = registry.load("backend", planned.backend).load(planned.backend_settings)
    fields, masks, seconds = [], [], 0.0
    classes: Mapping[int, str] = {}
    used: Mapping[str, object] = {}
    weights = ""
    for i, source in enumerate(planned.sources):
        if tell is not None:
            tell(i, source.name)
        micrograph = one_field.read_source(planned, source)
        segmentation, measurement, _ = one_field.measured_field(
            planned, source, micrograph, model, alternatives=alternatives
        )
        if i == 0:
            classes, used, weights = segmentation.classes, segmentation.settings, segmentation.weights_sha256
        fields.append(measurement)
        masks.append(mask_sha256(segmentation.labels))
        seconds += segmentation.seconds
    same_scale([field.calibration for field in fields], planned.job.mixed_scales, [s.name for s in planned.sources])
    return Remeasured(
        findings=recipe.combine(fields, planned.settings, planned.editions),
        fields=tuple(fields),
        masks_sha256=tuple(masks),
        classes=classes,
        weights_sha256=weights,
        used=used,
        seconds=seconds,
    )
