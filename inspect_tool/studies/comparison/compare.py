"""Several backends on the same fields of one job: paired differences in the measurand, and a verdict.

The reference is the job's own backend; every other one is compared with it, field by field. The value of a field is
what the recipe reports for that field alone, so that it holds for every recipe and every quantity.
"""

import gzip
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from math import ceil, sqrt
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any, get_origin, get_type_hints

import cv2
import numpy as np
from numpy.typing import NDArray

from inspect_tool import registry
from inspect_tool.errors import BackendError, InspectError, MeasurementError, ReadError, SettingsError
from inspect_tool.evidence.provenance import now, provenance
from inspect_tool.files import load_job, plain, read_toml, toml_value
from inspect_tool.folders import check_name, new_folder
from inspect_tool.inspection import field_record, job_plan, one_field
from inspect_tool.inspection.job_plan import Plan, Progress, Source, silent
from inspect_tool.languages import Text, Words
from inspect_tool.model import FieldMeasurement, LabelImage, Micrograph, Result, Segmentation, StandardRecord
from inspect_tool.report import document
from inspect_tool.report.template import language_of
from inspect_tool.statistics.agreement import agreement, equivalence
from inspect_tool.studies.comparison.page import (
    SCHEMA,
    WHAT,
    Candidate,
    ComparedField,
    Comparison,
    Pair,
    Plate,
    Refusal,
    overall,
    page,
)

_PICTURE_PX = 1100  # longest side of a picture
_SMALLEST_PART = 160  # side of the part of a field that is shown [px]
_LOOKED_AT = 25_000_000  # pixels in which that part is looked for
_STRIP = 1024  # rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """One backend of a comparison: its name for the reader and its ``[backend]`` table."""

    label: str
    table: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    """What one backend gave on all fields."""

    candidate: Candidate
    results: tuple[Mapping[str, Result], ...]  # by quantity, one mapping per field; empty where it refused
    fields: tuple[ComparedField, ...]
    segmentations: tuple[Segmentation | None, ...]  # without their labels, which lie in files
    labels: tuple[Path, ...]


def compare(
    job_path: str | Path,
    backends: Sequence[str],
    out: str | Path,
    *,
    margins: Sequence[str] = (),
    alpha: float = 0.05,
    progress: Progress | None = None,
) -> tuple[Comparison, Path]:
    """Run several backends on the fields of one job and write the comparison.

    Parameters
    ----------
    job_path : path
        Job file (TOML); its own backend is the reference.
    backends : sequence of str
        Those to compare with it, see ``chosen_backends``.
    out : path
        Folder that gets ``<job name>_compare/compare.json``, and ``compare.html`` and ``compare.pdf`` where the job
        exports these formats.
    margins : sequence of str
        ``"quantity=0.25"``, in the unit of the quantity; ``"0.25"`` is for the first main result of the job and
        those in the same unit.
    alpha : float
        Risk of stating equivalence where there is none.
    progress : callable, optional
        Called with (steps done, steps in all, text).

    Returns
    -------
    Comparison, Path
        What was found, and the folder.

    Raises
    ------
    InspectError
        For whatever the user must fix; nothing is written then.
    """
    started, clock = now(), perf_counter()
    path = Path(job_path)
    chosen = chosen_backends(path, backends)
    plans = [_planned(path, one) for one in chosen]
    asked = stated_margins(margins, registry.load("recipe", plans[0].job.recipe), plans[0].job.recipe)
    equivalence(None, None, alpha)  # refuses an alpha out of range before the work
    tell = progress or silent
    name = f"{path.stem}_compare"
    check_name(name, str(path))
    inputs = [file for plan in plans for file in (path, *job_plan.inputs_of(plan))]
    beside = field_record.check_images(plans[0])  # those of the other backends are the same
    with new_folder(Path(out) / name, inputs) as folder:
        (folder / "pictures").mkdir()
        total = len(chosen) * len(plans[0].sources) + 2
        runs: list[_Run] = []
        for plan, one in zip(plans, chosen, strict=True):
            runs.append(_run(plan, one, folder, len(runs), tell, total, beside))
            _check_margins(asked, runs[0])  # after the first backend: the others may take long
        tell(total - 2, total, "HTML")
        found = _comparison(plans, runs, asked, alpha, folder, started, perf_counter() - clock)
        for file in folder.glob("*.labels"):
            file.unlink()
        exports, template = plans[0].job.exports, plans[0].template
        document.write(found, folder, "compare", page, template, what=WHAT, exports=exports)
    tell(total, total, "done")
    return found, Path(out) / name


def load_comparison(path: Path) -> Comparison:
    """Read ``compare.json`` back."""
    return document.load(Comparison, path, SCHEMA, "a comparison")


# ---------------------------------------------------------------------------------------------- what was asked for


def chosen_backends(job_path: Path, texts: Sequence[str]) -> tuple[Chosen, ...]:
    """Read the backends of a comparison, the job's own first.

    Each text holds one or more, separated by commas:

    * ``watershed``: a name. That of the job's own backend, or of the recipe's default, means their own table;
    * ``threshold:method=otsu;phase=dark``: a name with settings on top of that table, values as in TOML, a bare word
      is a text;
    * ``traced@labels:masks=...``: any of these under a name for the reader;
    * ``lab/unet.toml``: a file with the keys of a ``[backend]`` table. File names in a table are relative to the job.

    Raises
    ------
    SettingsError
        Nothing to compare, a backend twice, or text that cannot be read.
    """
    job = load_job(job_path)
    recipe = registry.load("recipe", job.recipe)
    own = dict(job.backend or recipe.BACKEND)
    chosen = [Chosen(label=str(own.get("name", "")), table=own)]
    known = {str(recipe.BACKEND["name"]): dict(recipe.BACKEND), chosen[0].label: own}
    for item in (item for text in texts for item in _split(text)):
        one = _chosen(item, known)
        if dict(one.table) == own:
            continue  # the reference is always there
        if any(one.label == other.label for other in chosen):
            msg = f"--backends: '{one.label}' is named twice"
            raise SettingsError(msg)
        chosen.append(one)
    if len(chosen) == 1:
        msg = (
            f"--backends: names only the job's own backend '{chosen[0].label}', which is the reference; name another, "
            f"there are: {', '.join(registry.names('backend'))}"
        )
        raise SettingsError(msg)
    return tuple(chosen)


def _split(text: str) -> list[str]:
    """Cut at commas outside brackets, braces and quotes."""
    parts = re.findall(r"""(?:\[[^\]]*\]|\{[^}]*\}|"[^"]*"|'[^']*'|[^,\[{"'])+""", text)
    return [part.strip() for part in parts if part.strip()]


def _chosen(item: str, known: Mapping[str, Mapping[str, Any]]) -> Chosen:
    named = re.fullmatch(r"([^@:=/\\]+)@(.+)", item)
    if named:
        return replace(_chosen(named[2].strip(), known), label=named[1].strip())
    if item.lower().endswith(".toml"):
        data = read_toml(Path(item))
        table = dict(data.get("backend", data))
        return Chosen(label=f"{table.get('name', '')} ({Path(item).stem})", table=table)
    name, colon, rest = item.partition(":")
    name = name.strip()
    if not colon:
        return Chosen(label=name, table=known.get(name, {"name": name}))
    table = {"name": name} | dict(known.get(name, {}))
    changed = {}
    for setting in filter(None, (part.strip() for part in rest.split(";"))):
        key, equals, value = (part.strip() for part in setting.partition("="))
        if not equals or not key:
            msg = f"--backends {item}: '{setting}' is not key=value; write {name}:key=value;key=value"
            raise SettingsError(msg)
        changed[key] = toml_value(value)
    shown = ", ".join(f"{key} = {_shown(value)}" for key, value in changed.items())
    return Chosen(label=f"{name}, {shown}" if shown else name, table=table | changed)


def _shown(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str).strip("[]").replace('"', "")


def _planned(path: Path, one: Chosen) -> Plan:
    """Plan the job with one of the backends; what is wrong names the backend."""
    try:
        name = one.table.get("name")
        if not isinstance(name, str):
            msg = f"backend.name: is missing; there are: {', '.join(registry.names('backend'))}"
            raise SettingsError(msg)
        settings = registry.load("backend", name).Settings
        hints = get_type_hints(settings)
        lists = {item.name for item in fields(settings) if get_origin(hints[item.name]) is tuple}
        table = {
            key: [value] if key in lists and not isinstance(value, list | tuple) else value
            for key, value in one.table.items()
        }
        return job_plan.plan(path, table)
    except InspectError as error:
        msg = f"backend '{one.label}': {error}"
        raise type(error)(msg) from None


def stated_margins(texts: Sequence[str], recipe: Any, recipe_name: str) -> dict[str, float]:
    """Read margins by quantity; the key "" stands for the first main result and those in its unit.

    Raises
    ------
    SettingsError
        No number, not above 0, or a quantity that the recipe does not have.
    """
    found: dict[str, float] = {}
    for text in texts:
        quantity, equals, number = text.rpartition("=")
        quantity = quantity.strip()
        try:
            value = float(number)
        except ValueError:
            msg = f"--margin {text}: '{number}' is not a number; write --margin 0.25 or --margin quantity=0.25"
            raise SettingsError(msg) from None
        try:
            equivalence(None, value)
        except SettingsError as error:
            msg = f"--margin {text}: {error}"
            raise SettingsError(msg) from None
        stem = quantity.split(".", 1)[0] + ".*"
        if equals and quantity not in recipe.QUANTITIES and stem not in recipe.QUANTITIES:
            msg = (
                f"--margin {text}: recipe {recipe_name} has no '{quantity}'; there are: {', '.join(recipe.QUANTITIES)}"
            )
            raise SettingsError(msg)
        if quantity in found:
            msg = f"--margin {text}: a margin for {quantity or 'the main results'} was given before"
            raise SettingsError(msg)
        found[quantity] = value
    return found


def _check_margins(margins: Mapping[str, float], reference: _Run) -> None:
    """Refuse margins for what the job does not report."""
    found = _by_quantity(reference.results)
    for quantity in margins:
        if quantity and quantity not in found:
            msg = f"--margin {quantity}: this job gives no such result; it gives {', '.join(found)}"
            raise SettingsError(msg)


# ------------------------------------------------------------------------------------------------------ measuring


def _run(
    planned: Plan,
    one: Chosen,
    folder: Path,
    number: int,
    tell: Progress,
    total: int,
    beside: Sequence[one_field.Beside],
) -> _Run:
    """Measure every field of a job with one backend."""
    recipe = registry.load("recipe", planned.job.recipe)
    clock = perf_counter()
    model = registry.load("backend", planned.backend).load(planned.backend_settings)
    loading = perf_counter() - clock
    results: list[Mapping[str, Result]] = []
    compared: list[ComparedField] = []
    segmentations: list[Segmentation | None] = []
    files = tuple(folder / f"{i}_{number}.labels" for i in range(len(planned.sources)))
    refused: list[Refusal] = []
    steps: dict[Words, None] = {}
    times: list[float] = []
    weights = ""
    for i, source in enumerate(planned.sources):
        tell(number * len(planned.sources) + i, total, f"{one.label}: {source.name}")
        micrograph = one_field.read_source(planned, source, beside[i])
        compared.append(_field(source, micrograph))
        try:
            figures = one_field.judge_image(planned, source, micrograph)
            segmentation, measurement, step = one_field.measured_field(
                planned, source, micrograph, model, alternatives=False
            )
            one_field.judge_structure(planned, source, segmentation, measurement, figures)
            results.append(_alone(recipe, planned, measurement))
        except (BackendError, MeasurementError, ReadError) as error:
            refused.append(Refusal(image=source.name, reason=error.reason))
            results.append({})
            segmentations.append(None)
            continue
        if step is not None:
            steps[step.text] = None
        weights = segmentation.weights_sha256
        if segmentation.seconds > 0:
            times.append(segmentation.seconds / (segmentation.labels.size / 1e6))
        _store(files[i], segmentation.labels)
        segmentations.append(
            replace(segmentation, labels=segmentation.labels[:0, :0].copy(), objects=None, doubtful=None)
        )
        del segmentation
    if not any(results):
        msg = f"backend '{one.label}': no field could be measured: {refused[0].reason}"
        raise BackendError(msg)
    return _Run(
        candidate=Candidate(
            label=one.label,
            backend=planned.backend,
            settings=plain(planned.backend_settings),
            weights_sha256=weights,
            load_seconds=loading,
            first_seconds_per_mpx=times[0] if times else None,
            later_seconds_per_mpx=median(times[1:]) if len(times) > 1 else None,
            refused=tuple(refused),
            steps=tuple(steps),
        ),
        results=tuple(results),
        fields=tuple(compared),
        segmentations=tuple(segmentations),
        labels=files,
    )


def _alone(recipe: Any, planned: Plan, measurement: FieldMeasurement) -> dict[str, Result]:
    """Results of a recipe for one field alone, by quantity."""
    findings = recipe.combine([measurement], planned.settings, planned.editions)
    return {result.quantity: result for result in findings.results}


def _field(source: Source, micrograph: Micrograph) -> ComparedField:
    height, width = micrograph.pixels.shape
    return ComparedField(
        image=source.name,
        sha256=source.sha256,
        specimen=source.specimen,
        section=source.section,
        field=source.field,
        height_px=height,
        width_px=width,
    )


def _store(path: Path, labels: LabelImage) -> None:
    """Put labels aside, in strips: only those of the fields that are shown are needed again."""
    with gzip.open(path, "wb", compresslevel=1) as file:
        for start in range(0, labels.shape[0], _STRIP):
            file.write(np.ascontiguousarray(labels[start : start + _STRIP]).tobytes())


def _stored(run: _Run, place: int) -> Segmentation:
    """Put the labels of a field back into its segmentation."""
    segmentation, field = run.segmentations[place], run.fields[place]
    assert segmentation is not None  # only asked for where the backend gave a value
    with gzip.open(run.labels[place], "rb") as file:
        labels: Any = np.frombuffer(file.read(), segmentation.labels.dtype)
    return replace(segmentation, labels=labels.reshape(field.height_px, field.width_px))


# ------------------------------------------------------------------------------------------------------ comparing


def _comparison(
    plans: Sequence[Plan],
    runs: Sequence[_Run],
    margins: Mapping[str, float],
    alpha: float,
    folder: Path,
    started: datetime,
    seconds: float,
) -> Comparison:
    planned = plans[0]
    recipe = registry.load("recipe", planned.job.recipe)
    reference, *others = runs
    pairs = [pair for other in others for pair in _pairs(reference, other, margins, alpha)]
    found = Comparison(
        schema=SCHEMA,
        id="",
        job=planned.path.stem,
        recipe=planned.job.recipe,
        question=recipe.QUESTION,
        title=planned.job.header.title or recipe.TITLE,
        header=planned.job.header,
        standard=StandardRecord(
            name=planned.editions.job.name,
            id=planned.editions.job.id,
            edition=planned.editions.job.edition,
            title=planned.editions.job.title,
            sha256=planned.editions.job.sha256,
        ),
        alpha=alpha,
        verdict=overall(pairs),
        candidates=tuple(run.candidate for run in runs),
        fields=reference.fields,
        pairs=tuple(pairs),
        plates=tuple(
            plate
            for number, other in enumerate(others, start=1)
            for plate in _plates(planned, reference, other, pairs, folder, number)
        ),
        warnings=_warnings(reference, others, pairs),
        provenance=provenance(
            job_sha256=planned.sha256,
            settings=planned.settings,
            backend=planned.backend,
            backend_settings=planned.backend_settings,
            started=started,
            seconds=seconds,
        ),
        language=language_of(planned.job.language, planned.template),
    )
    return replace(found, id=document.identification("IC", _timeless(found)))


def _pairs(reference: _Run, other: _Run, margins: Mapping[str, float], alpha: float) -> list[Pair]:
    """Compare every quantity that both backends gave in some field; those of the main results first."""
    mine, theirs = (_by_quantity(run.results) for run in (reference, other))
    common = [quantity for quantity in mine if quantity in theirs]
    label = other.candidate.label
    if not common:
        msg = (
            f"backend '{label}': no quantity in common with '{reference.candidate.label}': {', '.join(theirs)} against "
            f"{', '.join(mine)}; give the classes the same names (classes = ... of the backend)"
        )
        raise SettingsError(msg)
    common.sort(key=lambda quantity: not mine[quantity].main)
    lost = [name for name in margins if name and name not in common]
    if lost:
        msg = f"--margin {lost[0]}: backend '{label}' gives no such result; it gives {', '.join(theirs)}"
        raise SettingsError(msg)
    first = mine[common[0]].unit  # a margin without a name is for the main results in this unit
    named = {name: margins[""] for name in common if "" in margins and mine[name].main and mine[name].unit == first}
    asked = named | {name: margin for name, margin in margins.items() if name}
    return [_pair(mine[quantity], reference, other, asked.get(quantity), alpha) for quantity in common]


def _by_quantity(results: Iterable[Mapping[str, Result]]) -> dict[str, Result]:
    """One result of every quantity, for its title and unit."""
    found: dict[str, Result] = {}
    for field in results:
        for quantity, result in field.items():
            found.setdefault(quantity, result)
    return found


def _pair(result: Result, reference: _Run, other: _Run, margin: float | None, alpha: float) -> Pair:
    mine, theirs = (
        [field[result.quantity].value if result.quantity in field else None for field in run.results]
        for run in (reference, other)
    )
    both = [(a, b) for a, b in zip(mine, theirs, strict=True) if a is not None and b is not None]
    found = agreement(*zip(*both, strict=True)) if both else None
    verdict = equivalence(found, margin, alpha)
    lonely = sum((a is None) != (b is None) for a, b in zip(mine, theirs, strict=True))
    if lonely and margin is not None:  # what one of them cannot measure is seldom the easy part
        reason = Text("comparison.lonely_fields", lonely=lonely, n=len(mine))
        verdict = replace(verdict, decision="not stated", reason=reason)
    return Pair(
        quantity=result.quantity,
        title=result.title or result.quantity,
        unit=result.unit,
        main=result.main,
        other=other.candidate.label,
        reference_values=tuple(mine),
        other_values=tuple(theirs),
        agreement=found,
        equivalence=verdict,
    )


def _plates(
    planned: Plan, reference: _Run, other: _Run, pairs: Sequence[Pair], folder: Path, number: int
) -> list[Plate]:
    """Draw the field in which the first main quantity differs most, where the outlines differ most."""
    own = [pair for pair in pairs if pair.other == other.candidate.label and pair.agreement is not None]
    if not own:
        return []
    pair = own[0]
    differences = [
        (abs(b - a), -i, a, b)
        for i, (a, b) in enumerate(zip(pair.reference_values, pair.other_values, strict=True))
        if a is not None and b is not None
    ]
    _, place, a, b = max(differences)
    i = -place
    field = reference.fields[i]
    micrograph = one_field.read_source(planned, planned.sources[i])
    drawn = [_stored(run, i) for run in (reference, other)]
    box = where_outlines_differ(*(segmentation.labels for segmentation in drawn))
    names = [f"pictures/{number}_{name}.jpg" for name in ("reference", "compared")]
    for segmentation, name in zip(drawn, names, strict=True):
        (folder / name).write_bytes(_picture(micrograph, segmentation, box))
    return [
        Plate(
            other=pair.other,
            quantity=pair.quantity,
            image=field.image,
            specimen=field.specimen,
            field=field.field,
            box=box,
            reference_value=a,
            other_value=b,
            reference_picture=names[0],
            other_picture=names[1],
        )
    ]


def where_outlines_differ(first: LabelImage, second: LabelImage) -> tuple[int, int, int, int]:
    """Find the part, a third of the longer side, with most outlines of one segmentation that the other lacks.

    Outlines up to 3 px apart are the same. Of large images every second, third ... pixel is looked at.

    Returns
    -------
    top, left, bottom, right : int
        Half-open; the whole image where no outline differs.
    """
    step = max(1, ceil(sqrt(first.size / _LOOKED_AT)))
    a, b = (_outlines(np.ascontiguousarray(labels[::step, ::step])) for labels in (first, second))
    near = np.ones((7, 7), np.uint8)
    near_a, near_b = (cv2.dilate(outlines, near).astype(np.uint8, copy=False) for outlines in (a, b))
    alone = (a & (1 - near_b)) | (b & (1 - near_a))
    height, width = first.shape
    if not alone.any():
        return 0, 0, height, width
    side = min(max(_SMALLEST_PART, max(height, width) // 3), height, width)
    kernel = (min(side // step, alone.shape[1]), min(side // step, alone.shape[0]))
    counts = cv2.boxFilter(alone, cv2.CV_32F, kernel, normalize=False, borderType=cv2.BORDER_CONSTANT)
    row, column = (int(at) for at in np.unravel_index(int(counts.argmax()), counts.shape))
    half = side // step // 2
    top, left = max(row - half, 0), max(column - half, 0)
    found = np.argwhere(alone[top : row + half + 1, left : column + half + 1])
    row, column = (np.add(found.mean(axis=0), (top, left)) * step).round().astype(int).tolist()  # the middle of them
    top = min(max(row - side // 2, 0), height - side)
    left = min(max(column - side // 2, 0), width - side)
    return top, left, top + side, left + side


def _outlines(labels: LabelImage) -> NDArray[np.uint8]:
    edge = np.zeros(labels.shape, np.uint8)
    edge[:-1] |= labels[:-1] != labels[1:]
    edge[:, :-1] |= labels[:, :-1] != labels[:, 1:]
    return edge


def _picture(micrograph: Micrograph, segmentation: Segmentation, box: tuple[int, int, int, int]) -> bytes:
    from inspect_tool.report import field_pictures

    window = np.s_[box[0] : box[2], box[1] : box[3]]
    color = None if micrograph.color is None else micrograph.color[window]
    part = replace(micrograph, pixels=micrograph.pixels[window], color=color, roi=None)
    picture, scale = field_pictures.field_picture(part, _PICTURE_PX)
    size = field_pictures.picture_size(part.pixels.shape, scale)
    objects = None if segmentation.objects is None else segmentation.objects[window]
    shown = replace(segmentation, labels=segmentation.labels[window], objects=objects)
    layer = field_pictures.segmentation_layer(shown, size)
    return field_pictures.composite(picture, (layer,))


def _warnings(reference: _Run, others: Sequence[_Run], pairs: Sequence[Pair]) -> tuple[Words, ...]:
    found: list[Words] = []
    for run in (reference, *others):
        refused = run.candidate.refused
        if refused:
            found.append(
                Text(
                    "comparison.could_not_measure_more" if len(refused) > 3 else "comparison.could_not_measure",
                    backend=run.candidate.label,
                    refused=len(refused),
                    n=len(run.fields),
                    named=tuple(f"{item.image}: {item.reason}" for item in refused[:3]),
                )
            )
    mine = _by_quantity(reference.results)
    for other in others:
        theirs = _by_quantity(other.results)
        for label, only in (
            (reference.candidate.label, [name for name in mine if name not in theirs]),
            (other.candidate.label, [name for name in theirs if name not in mine]),
        ):
            if only:
                found.append(Text("comparison.only_one_gives", backend=label, names=tuple(only)))
    if len({(field.specimen, field.section) for field in reference.fields}) > 1:
        found.append(Text("comparison.one_sample"))
    judged = [pair for pair in pairs if pair.equivalence.margin is not None]
    if len(judged) > 1:
        found.append(Text("comparison.several_verdicts", n=len(judged)))
    return tuple(found)


def _timeless(found: Comparison) -> Comparison:
    return replace(
        found,
        candidates=tuple(
            replace(one, load_seconds=0.0, first_seconds_per_mpx=None, later_seconds_per_mpx=None)
            for one in found.candidates
        ),
    )
