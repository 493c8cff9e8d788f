"""Job to report: the only place that knows the order of the steps.

``plan`` reads and checks everything a job names, before any long work; ``run`` measures field by
field (one field in memory at a time, or one per worker process), combines, decides, and writes
the report folder under a temporary name that is renamed when everything is there. ``read``,
``segment`` and ``measure_fields`` are the same steps for a notebook.
"""

import json
import os
import re
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from dataclasses import field as default
from datetime import date
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, Literal
from unicodedata import normalize

from inspect_tool import folders, plugins, registry, slips
from inspect_tool.acceptance import lots, specs
from inspect_tool.acceptance.conformity import check_requirement, decide, doubted
from inspect_tool.errors import CalibrationError, InspectError, MeasurementError, OutputError, ReadError, SettingsError
from inspect_tool.evidence import audit, edits, recovery, trail_checks, trail_reports
from inspect_tool.evidence.masks import FOLDER, Keeper
from inspect_tool.evidence.provenance import now, provenance
from inspect_tool.files import (
    MOST_DATA,
    checked,
    dump_report,
    load_job,
    parse_report,
    plain,
    sha256_bytes,
    sha256_file,
    sha256_source,
)
from inspect_tool.images import colored_marks, preprocess, quality, readers, specimen_area
from inspect_tool.inspection import supersede
from inspect_tool.inspection.conclusion import concluded
from inspect_tool.inspection.workers import each, processes
from inspect_tool.model import (
    Alternatives,
    Attachment,
    Calibration,
    Check,
    Conformity,
    Criteria,
    FieldMeasurement,
    Findings,
    Job,
    Micrograph,
    MicrographRecord,
    Notable,
    Plane,
    Quantity,
    Region,
    Report,
    Requirement,
    ScaleSource,
    Segmentation,
    Selection,
    Specimen,
    Standard,
    Statement,
    Table,
    Thumbnail,
    no_alternatives,
)
from inspect_tool.paths import matching
from inspect_tool.plugins import Backend, Recipe
from inspect_tool.referee import ledger as referee
from inspect_tool.referee.correction import Correction, corrected
from inspect_tool.referee.population import population
from inspect_tool.report.confined import confined
from inspect_tool.scale import calibration, laboratory_files
from inspect_tool.scale.bar import BarReading, find_footer, read_bar, written
from inspect_tool.scale.calibration import check_stated, same_scale, settle, stop_if_expired
from inspect_tool.segmentation import question
from inspect_tool.standards.editions import load_standard, noting
from inspect_tool.units import dimension
from inspect_tool.validation import finding
from inspect_tool.validation.features import with_features
from inspect_tool.validation.finding import ValidationFile

Progress = Callable[[int, int, str], None]
"""Called with (steps done, steps in all, what is being done)."""

_PAGES = ("html", "pdf")  # what a template makes
EXPORT_ORDER = ("json", "csv", "xlsx", "html", "pdf")  # the PDF attaches what was written before it
_LONGEST_PATTERN = 1000  # letters
WORST = 10  # features shown as thumbnails
PICTURES = ("pictures", "overlays", "thumbnails")  # folders of a report


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One image of a job and what the job says about it."""

    path: Path
    name: str  # as the report prints it
    sha256: str
    specimen: str
    section: str
    plane: Plane
    field: int
    stated: Calibration | None
    mask: str = ""  # file with the user's own segmentation of this image


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A checked job: every name resolved, every file found, nothing measured yet."""

    job: Job
    path: Path
    sha256: str
    standard: Standard
    settings: Any
    backend: str
    backend_settings: Any
    sources: tuple[Source, ...]
    requirements: tuple[Requirement, ...]
    template: Path
    limits: quality.Limits = default(default_factory=quality.Limits)
    criteria: Criteria = default(default_factory=Criteria)
    spec_files: tuple[specs.SpecFile, ...] = ()  # of the part, those left out too
    ledger: tuple[edits.Entry, ...] = ()  # corrections by hand
    validation: ValidationFile | None = None  # errors of the backend on labelled images
    refereed: referee.Given | None = None  # answers of a person to a random sample


# ------------------------------------------------------------------------------------------------ whole jobs


def run(
    job_path: str | Path,
    out: str | Path | None = None,
    *,
    name: str = "",
    workers: int = 1,
    backend: Mapping[str, Any] | None = None,
    exports: tuple[str, ...] | None = None,
    progress: Progress | None = None,
    trail: bool = True,
) -> Report:
    """Run one job.

    Parameters
    ----------
    job_path : path
        Job file (TOML).
    out : path, optional
        Folder that gets ``<name>/report.json``, ``report.html``, ``report.pdf``, tables and
        pictures. None: nothing is kept but the returned report.
    name : str, optional
        Name of the folder; default: the name of the job file without its suffix.
    workers : int
        Number of fields measured at the same time, each in a process of its own.
    backend : mapping, optional
        A ``[backend]`` table that takes the place of the job's own.
    exports : tuple of str, optional
        Files that are written, in the place of the job's own.
    progress : callable, optional
        Called with (steps done, steps in all, text).
    trail : bool
        Record the run in the audit trail of ``out``.

    Raises
    ------
    InspectError
        For whatever the user must fix; nothing is written then. An audit trail that is broken or cannot be
        written stops the run before it measures.
    """
    started, clock = now(), time.perf_counter()
    with noting() as used:
        planned = plan(job_path, backend, exports=exports)
    name = name or planned.path.stem
    replaced, before = _place(planned, out, name, trail=trail, edited=backend is None)
    recipe = registry.load("recipe", planned.job.recipe)
    with _output(out, name, (planned.path, *inputs_of(planned))) as (folder, made):
        outcomes = _measure_all(planned, folder, workers, progress or _silent)
        measured = [outcome.measurement for outcome in outcomes]
        with noting() as combining:
            findings = concluded(
                recipe,
                measured,
                planned.settings,
                planned.standard,
                [requirement.quantity for requirement in planned.requirements],
                None if planned.validation is None else planned.validation.validation,
                correction_of(
                    planned.job,
                    planned.settings,
                    planned.standard,
                    planned.refereed,
                    planned.ledger,
                    _records(outcomes),
                    lambda file: (folder / file).read_bytes(),
                ),
                accepting=bool(planned.job.accept),
            )
        findings = replace(findings, checks=(*findings.checks, *specimen_area.checks(_records(outcomes))))
        findings = edits.told(
            findings,
            _before(planned, recipe, outcomes),
            [outcome.edited for outcome in outcomes if outcome.edited is not None],
            planned.job.edit_cap,
        )
        settings = supersede.settings_of(
            plain(planned.settings), {"name": planned.backend, **plain(planned.backend_settings)}
        )
        findings = supersede.told(
            findings,
            None if replaced is None else replaced.report,
            planned.job.supersedes_reason,
            issued(planned.job, planned.standard, planned.requirements, findings, _records(outcomes), settings),
        )
        for more in (*(outcome.standards for outcome in outcomes), combining):
            used.update(more)
        steps = dict.fromkeys(outcome.step for outcome in outcomes if outcome.step is not None)
        figures = [figure for outcome in outcomes for figure in outcome.figures]
        seen = quality.table(figures, [source.name for source in planned.sources])
        findings = replace(
            findings,
            checks=(*findings.checks, *doubted_fields(seen, planned.job, _records(outcomes))),
            statements=(*steps, *findings.statements),
            tables=(*findings.tables, seen),
        )
        report = _report(
            planned,
            recipe,
            outcomes,
            findings,
            (
                *scale_checks(_records(outcomes), date_of_work(planned.job, started.date())),
                *quality.as_checks(figures, planned.limits, quality.default_limits(planned.job.recipe)),
            ),
            folder,
            provenance(
                job_sha256=planned.sha256,
                settings=planned.settings,
                backend=planned.backend,
                backend_settings=planned.backend_settings,
                started=started,
                seconds=time.perf_counter() - clock,
                audit=before,
                typesetting=_typesetting(planned) if out is not None else "",
            ),
            _carried(planned, recipe, folder, used, replaced),
        )
        # pages are views of report.json, to the last of its digits
        report = parse_report(dump_report(report).encode(), "report.json")
        if out is not None:
            _export(planned, report, folder, progress or _silent, len(outcomes))
        if made is not None:
            folders.seal(made)
            _issue(made, _facts(planned, report, made) if trail else None, report, planned.job, replaced)
    return report


def _place(
    planned: Plan, out: str | Path | None, name: str, *, trail: bool = True, edited: bool = True
) -> tuple[supersede.Replaced | None, str]:
    """Check that a report may be written to its place: the report that it replaces, and the state of the audit trail.

    ``edited``: corrections by hand count (another backend measures without them).
    """
    folders.check_name(name, str(planned.path))
    replaced = supersede.read(planned.job, planned.path.parent, planned.path.name)
    if out is None:
        return replaced, ""
    if replaced is not None:
        supersede.check_place(replaced, Path(out), name)
    before = _ready(Path(out), name) if trail else ""
    if trail and edited:
        check_ledger(planned, Path(out), name)
    return replaced, before


def measured(
    planned: Plan, folder: Path, workers: int = 1, progress: Progress | None = None
) -> tuple[list[MicrographRecord], Findings]:
    """Measure a planned job without a report; a folder gets the masks that its records name."""
    outcomes = _measure_all(planned, folder, workers, progress or _silent)
    recipe = registry.load("recipe", planned.job.recipe)
    fields = [outcome.measurement for outcome in outcomes]
    validation = None if planned.validation is None else planned.validation.validation
    found = concluded(
        recipe,
        fields,
        planned.settings,
        planned.standard,
        [one.quantity for one in planned.requirements],
        validation,
        accepting=bool(planned.job.accept),
    )
    return _records(outcomes), found


def correction_of(
    job: Job,
    settings: Any,
    standard: Standard,
    given: referee.Given | None,
    ledger: Sequence[edits.Entry],
    records: Sequence[MicrographRecord],
    read: Callable[[str], bytes],
) -> Correction | None:
    """What the answers that a job names say of its results; None: it names none. ``read`` gives the kept masks."""
    if given is None:
        return None
    recipe = registry.load("recipe", job.recipe)
    return corrected(population(job.recipe, recipe, settings, standard, records, read, ledger), given)


def issued(
    job: Job,
    standard: Standard,
    requirements: Sequence[Requirement],
    findings: Findings,
    records: Sequence[MicrographRecord],
    settings: Mapping[str, Any],
) -> supersede.Issued:
    """What a new report says, as far as it is compared with the one it replaces."""
    return supersede.Issued(
        results=findings.results,
        conformities=judged(requirements, findings, [record.specimen for record in records]),
        images={record.sha256: record.image for record in records},
        header=job.header,
        standard=standard.name,
        settings=settings,
        edits=supersede.edits_of(findings.tables),
    )


def check(job_path: str | Path, out: str | Path | None = None, name: str = "") -> Plan:
    """Check a job without measuring: its keys, files, images and their quality, scales, masks and requirements.

    With ``out`` also that a run of it into this folder would find its place there, see ``run``.
    """
    planned = plan(job_path)
    _place(planned, out, name or planned.path.stem)
    model_of(planned)  # a backend checks its own settings and files when it loads
    look(planned)
    return planned


def plan(
    job_path: str | Path,
    backend: Mapping[str, Any] | None = None,
    *,
    exports: tuple[str, ...] | None = None,
    folder: Path | None = None,
    sources: tuple[Source, ...] | None = None,
    spec_files: tuple[specs.SpecFile, ...] | None = None,
    refereed: bool = True,
) -> Plan:
    """Resolve and check everything a job names; the images themselves are read later.

    ``backend`` takes the place of the job's own ``[backend]`` table, ``exports`` that of the files it asks for,
    ``folder`` that of the folder of the job, which relative names start from, ``sources`` that of the images it
    names, and ``spec_files`` that of the acceptance criteria. Without ``refereed`` the answers of a check by hand,
    which may not be there yet, are not read.
    """
    from inspect_tool.report.render import load_settings, template_folder

    path = Path(job_path)
    job = load_job(path)
    if exports is not None:
        job = replace(job, exports=exports)
    where = path.name
    alone = sources is None
    recipe = registry.load("recipe", job.recipe)
    settings = checked(recipe.Settings, job.settings, where, under="settings")
    table = dict(backend or job.backend or recipe.BACKEND)
    backend_name = table.pop("name", None)
    if not isinstance(backend_name, str):
        msg = f"{where} backend.name: is missing; there are: {', '.join(registry.names('backend'))}"
        raise SettingsError(msg)
    module = registry.load("backend", backend_name)
    backend_settings = checked(module.Settings, table, where, under="backend")
    folder = folder or path.parent
    standard = _standard(job, recipe, folder / path.name)
    for exporter in job.exports:
        registry.load("exporter", exporter)
    settings = _with_paths(recipe, settings, folder, f"{where} settings")
    backend_settings = _with_paths(module, backend_settings, folder, f"{where} backend")
    sources = _sources(job, folder, where) if sources is None else sources
    if isinstance(recipe, plugins.ReadsTables):  # a mistake in a table must not cost the measurement of the fields
        recipe.check_tables(settings, {(source.specimen, source.field) for source in sources})
    if getattr(backend_settings, "kinds", None) == ():  # what the numbers of a mask may mean, the question decides
        backend_settings = replace(backend_settings, kinds=plugins.masks_of(recipe))
    question.check_backend(job.recipe, recipe, backend_name, module, backend_settings)
    if hasattr(backend_settings, "masks"):
        sources = _with_masks(sources, backend_settings.masks, folder, where)
    if spec_files is None:
        spec_files = spec_files_of(job, folder, now().date(), where)
    requirements = requirements_of(job, recipe, settings, where, spec_files)
    criteria = criteria_of(job, recipe, requirements, where, spec_files, now().date())
    limits = quality.limits_of(job, where)
    quality.check_acceptances(job.accept, [source.name for source in sources], where)
    template = template_folder(job.template, folder)
    load_settings(template)
    known = dict.fromkeys(source.specimen for source in sources)
    for place, requirement in _asked_for(job, where, spec_files):
        if requirement.specimen and requirement.specimen not in known:
            msg = f"{place}.specimen: '{requirement.specimen}' is not one of {', '.join(sorted(known))}"
            raise SettingsError(msg)
    if job.lot is not None:
        lots.check(job.lot, tuple(known), requirements, where)
    if not 0 <= job.edit_cap <= 1:
        msg = f"{where} edit_cap: {job.edit_cap:g} is no share of pixels; give a number from 0 to 1"
        raise SettingsError(msg)
    own = backend is None and alone  # another backend, or other images, are not those that were edited
    return Plan(
        job=job,
        path=folder / path.name,
        sha256=sha256_file(path),
        standard=standard,
        settings=settings,
        backend=backend_name,
        backend_settings=backend_settings,
        sources=sources,
        requirements=requirements,
        template=template,
        limits=limits,
        criteria=criteria,
        spec_files=spec_files,
        ledger=_ledger(path, sources) if own else (),
        validation=_validation(job, folder, backend_name, module, backend_settings, where, own=own),
        refereed=referee.given(folder / job.referee.file, referee.folder_of(path))
        if refereed and own and job.referee
        else None,
    )


def _validation(
    job: Job, folder: Path, name: str, module: Backend, settings: Any, where: str, *, own: bool
) -> ValidationFile | None:
    """Errors on labelled images that are for a job; none for masks of a person. ``own``: it is the backend it names."""
    if hasattr(settings, "masks"):
        if job.validation and own:
            msg = f"{where} validation: the masks of a person have no error of a backend; leave the key out"
            raise SettingsError(msg)
        return None
    backend = finding.backend_of(job.recipe, name, module, settings)
    if job.validation and own:
        return finding.named(Path(*_literal_part(job.validation, folder)), backend, where)
    return finding.shipped(backend)


def inputs_of(planned: Plan) -> Iterator[Path]:
    """Files, and folders, beside the job file that a run of it reads."""
    job, home = planned.job, planned.path.parent
    yield from (file.path for file in planned.spec_files)
    for source in planned.sources:
        yield source.path
        if source.mask:
            yield Path(source.mask)
    recipe, backend = registry.load("recipe", job.recipe), registry.load("backend", planned.backend)
    for module, settings in ((recipe, planned.settings), (backend, planned.backend_settings)):
        for key in (*plugins.paths_of(module), *plugins.models_of(module)):
            value = getattr(settings, key)
            if value and (home / value).exists():
                yield home / value
    calibrations = [job.calibration, *(specimen.calibration for specimen in job.specimens)]
    named = [job.region.mask, *(one.file for one in calibrations if one is not None)]
    if planned.template == home / job.template:
        named.append(job.template)
    named.append(job.validation)
    if job.standard.endswith(".toml"):
        named.append(job.standard)
    if job.referee is not None:
        named.append(job.referee.file)
    for name in named:
        if name and (home / name).exists():
            yield home / name


def job_names(paths: Sequence[Path]) -> tuple[str, ...]:
    """Give each job of one command its folder name: the file's, or its folder's where names collide.

    >>> job_names([Path("a/job.toml"), Path("b/job.toml"), Path("c/steel.toml")])
    ('a', 'b', 'steel')
    """
    stems = [path.stem for path in paths]
    same = [_same_name(stem) for stem in stems]
    names = [
        stem if same.count(_same_name(stem)) == 1 else path.resolve().parent.name
        for stem, path in zip(stems, paths, strict=True)
    ]
    same = [_same_name(name) for name in names]
    for name, path in zip(names, paths, strict=True):
        folders.check_name(name, str(path))
        if same.count(_same_name(name)) > 1:
            msg = f"{path}: another job of this command is called '{name}' too; rename one, or run them one by one"
            raise SettingsError(msg)
    return tuple(names)


def _same_name(name: str) -> str:
    """What names have in common that are one folder on some disk: capitals, and how an accent is written."""
    return normalize("NFC", name).casefold()


# --------------------------------------------------------------------------------------------- step by step


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
    return preprocess.to_square_pixels(settle(readers.read(Path(path), which), stated))


def with_own_scale(path: Path) -> Micrograph:
    """Read an image with the scale that its file or a bar in it tells; with neither, a ``CalibrationError``."""
    micrograph = readers.read(path)
    bar = _bar(micrograph, "auto")
    if bar is None or bar.pixel_um is None:
        return settle(micrograph, None)
    told = _told_by(bar)
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
    edition = load_standard(standard or module.STANDARDS[0])
    numbered = _numbered(micrographs)
    answers = [question.answer(recipe, module, s, m.roi) for m, s in zip(numbered, segmentations, strict=True)]
    fields = [module.measure_field(m, s, chosen, edition) for m, (s, _) in zip(numbered, answers, strict=True)]
    findings = concluded(module, fields, chosen, edition)
    steps = dict.fromkeys(step for _, step in answers if step is not None)
    return replace(findings, statements=(*steps, *findings.statements))


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


# ------------------------------------------------------------------------------------------------- planning


def _standard(job: Job, recipe: Recipe, path: Path) -> Standard:
    name = job.standard or recipe.STANDARDS[0]
    if name.endswith(".toml"):  # the laboratory's own edition, relative to the job file
        return load_standard(str(path.parent / name))
    if name not in recipe.STANDARDS:
        there_are = ", ".join(recipe.STANDARDS) + slips.near(name, recipe.STANDARDS)
        msg = f"{path.name} standard: '{name}' is not for recipe {job.recipe}; there are: {there_are}"
        raise SettingsError(msg)
    return load_standard(name)


def spec_files_of(job: Job, folder: Path, today: date, where: str) -> tuple[specs.SpecFile, ...]:
    """Find the acceptance criteria that a job names, in its own folder or in the one it says."""
    if not job.spec:
        if job.specs:
            msg = f"{where} specs: is given, but 'spec' names no part and revision"
            raise SettingsError(msg)
        return ()
    if job.header.date_of_work and not _is_day(job.header.date_of_work):
        msg = (
            f"{where} header.date_of_work: '{job.header.date_of_work}' must be a day as 2026-01-31: it decides whether"
        )
        msg += f" '{job.spec}' is valid"
        raise SettingsError(msg)
    files = specs.read(folder / (job.specs or specs.FOLDER))
    return specs.find(job.spec, files, date_of_work(job, today), job.recipe, where)


def criteria_of(
    job: Job,
    recipe: Recipe,
    requirements: Sequence[Requirement],
    where: str,
    spec_files: Sequence[specs.SpecFile],
    today: date,
) -> Criteria:
    """Say where the requirements of a job come from, and compare what several sources ask of one quantity."""

    def title(name: str) -> str:
        quantity = _quantity(recipe, name)
        if quantity is None or name not in recipe.QUANTITIES:
            return name.replace("_", " ") if quantity is None else f"{quantity.title} ({name.split('.', 1)[1]})"
        return quantity.title

    def unit(name: str) -> str:
        quantity = _quantity(recipe, name)
        return quantity.unit if quantity is not None else next(r.unit for r in requirements if r.quantity == name)

    conflicts, agreements = specs.compared(requirements, unit, title, where)
    return Criteria(
        spec=job.spec,
        day=date_of_work(job, today) if job.spec else None,
        files=tuple(specs.record(file) for file in spec_files),
        conflicts=conflicts,
        agreements=agreements,
    )


def _asked_for(job: Job, where: str, spec_files: Sequence[specs.SpecFile]) -> Iterator[tuple[str, Requirement]]:
    """Every requirement and where it stands: the job's own, then those of the files that count."""
    for i, requirement in enumerate(job.requirements):
        yield f"{where} requirements.{i}", requirement
    for file in spec_files:
        for i, requirement in enumerate(file.spec.requirements if not file.left_out else ()):
            yield f"{file.path.name} requirements.{i}", requirement


def requirements_of(
    job: Job, recipe: Recipe, settings: Any, where: str, spec_files: Sequence[specs.SpecFile] = ()
) -> tuple[Requirement, ...]:
    """Check the requirements of a job and of its acceptance criteria against its recipe, class strings spelled out."""
    expanded: list[Requirement] = []
    for place, requirement in _asked_for(job, where, spec_files):
        if requirement.class_string:
            if not isinstance(recipe, plugins.ExpandsRequirements):
                msg = f"{place}.class_string: recipe {job.recipe} knows no class strings"
                raise SettingsError(msg)
            expanded.extend(recipe.expand(requirement, settings))
            continue
        quantity = _quantity(recipe, requirement.quantity)
        if quantity is None:
            msg = (
                f"{place}.quantity: recipe {job.recipe} has no '{requirement.quantity}'; "
                f"there are: {', '.join(recipe.QUANTITIES)}{slips.near(requirement.quantity, recipe.QUANTITIES)}"
            )
            raise SettingsError(msg)
        check_requirement(requirement, place)
        if requirement.unit and dimension(requirement.unit) != dimension(quantity.unit):
            msg = f"{place}.unit: '{requirement.unit}' does not fit {requirement.quantity} [{quantity.unit}]"
            raise SettingsError(msg)
        if quantity.needs_scale and _is_ratio_only(job):
            msg = f"{place}: {requirement.quantity} needs a scale; the calibration is 'ratio only'"
            raise CalibrationError(msg)
        if quantity.needs_setting and not getattr(settings, quantity.needs_setting):
            name = quantity.needs_setting
            what = f"'{name} = true'" if isinstance(getattr(settings, name), bool) else f"a '{name}'"
            msg = f"{place}: {requirement.quantity} comes out with {what} only; set it in [settings]"
            raise SettingsError(msg)
        expanded.append(requirement)
    return tuple(expanded)


def _is_ratio_only(job: Job) -> bool:
    stated = [job.calibration, *(specimen.calibration for specimen in job.specimens)]
    return any(item is not None and item.source == "ratio only" for item in stated)


def _quantity(recipe: Recipe, name: str) -> Quantity | None:
    quantities: Mapping[str, Quantity] = recipe.QUANTITIES
    return quantities.get(name) or quantities.get(name.split(".", 1)[0] + ".*")


def _sources(job: Job, folder: Path, where: str) -> tuple[Source, ...]:
    specimens = job.specimens or (Specimen(id="1", images=job.images),)
    found: list[Source] = []
    counts: dict[str, int] = {}
    seen: dict[str, Path] = {}
    for i, specimen in enumerate(specimens):
        own = f"{where} specimens.{i}.calibration" if specimen.calibration is not None else f"{where} calibration"
        stated = _stated(specimen.calibration or job.calibration, job, folder, own)
        for pattern in specimen.images:
            for path in files_of(pattern, folder, f"{where} images"):
                digest = _digest(path)
                if digest in seen:
                    msg = f"{where} images: {path.name} is the same picture as {seen[digest].name}; a field counts once"
                    raise SettingsError(msg)
                seen[digest] = path
                counts[specimen.id] = counts.get(specimen.id, 0) + 1
                found.append(
                    Source(
                        path=path,
                        name=path.name,
                        sha256=digest,
                        specimen=specimen.id,
                        section=specimen.section,
                        plane=specimen.plane,
                        field=counts[specimen.id],
                        stated=stated,
                    )
                )
    if not found:
        msg = f"{where} images: names no image"
        raise SettingsError(msg)
    return tuple(found)


def _stated(calibration: Calibration | None, job: Job, folder: Path, where: str) -> Calibration | None:
    """Calibration of some images, with what its file says, and still in force where the job insists on it."""
    if calibration is None:
        return None
    check_stated(calibration, where)
    resolved = laboratory_files.resolve(calibration, folder, where)
    stop_if_expired(resolved, date_of_work(job, now().date()), where)
    return resolved


def scale_lines(planned: Plan) -> list[str]:
    """What the calibrations of a checked job are, and which of their rules they fail: one line each."""
    stated = dict.fromkeys(source.stated for source in planned.sources if source.stated is not None)
    made = [item for item in stated if item.pixel_um is not None]
    lines = [laboratory_files.described(item) for item in made]
    failed = [rule for rule in calibration.checks(made, date_of_work(planned.job, now().date())) if not rule.passed]
    return [*lines, *(f"not met: {rule.name}: {rule.note}" for rule in failed)]


def _digest(path: Path) -> str:
    try:
        if path.stat().st_size > MOST_DATA:
            readers.check_known(path)  # before minutes go into the hash of what is no image
        return sha256_source(path)
    except OSError as error:
        msg = f"{path.name}: cannot be read: {error.strerror}"
        raise ReadError(msg) from None


def files_of(pattern: str, folder: Path, where: str) -> list[Path]:
    """Files of one pattern, and folders that are images, in natural order (field_2 before field_10).

    Hidden files (macOS keeps a ``._name`` beside files on other disks) match only a pattern that begins with a dot.
    """
    if len(pattern) > _LONGEST_PATTERN:
        msg = f"{where}: '{pattern[:40]}...' has {len(pattern)} letters; no name of a file is so long"
        raise SettingsError(msg)
    base, relative = _literal_part(pattern, folder)
    literal = base / relative if relative else base
    if literal.is_file() or readers.is_image_folder(literal):
        return [literal]  # the text of a job file is UTF-8
    if literal.is_dir():
        msg = f"{where}: '{pattern}' is a folder; name the files, for example '{pattern}/*.tif'"
        raise SettingsError(msg)
    if not any(sign in pattern for sign in "*?["):
        msg = f"{where}: '{pattern}' does not exist in {base.resolve()}{_near_file(relative, base, pattern)}"
        raise SettingsError(msg)
    try:
        forms = {normalize(form, relative) for form in ("NFC", "NFD")}
        found = sorted({path for form in forms for path in matching(base, form)}, key=_natural)
    except ValueError as error:
        msg = f"{where}: '{pattern}' is not a pattern that can be followed: {error}"
        raise SettingsError(msg) from None
    hidden = Path(pattern).name.startswith(".")
    found = [path for path in found if hidden or not path.name.startswith(".")]
    found = [path for path in found if path.is_file() or readers.is_image_folder(path)]
    if not found:
        msg = f"{where}: '{pattern}' matches no file in {folder.resolve()}{_near_file(relative, base, pattern)}"
        raise SettingsError(msg)
    for path in found:
        check_name_is_text(path.name, where)
    return found


def check_name_is_text(name: str, where: str) -> None:
    """Refuse a name of a file that a report cannot hold: its bytes are no UTF-8."""
    try:
        name.encode()
    except UnicodeEncodeError:
        msg = f"{where}: the name {os.fsencode(name)!r} is no UTF-8 text and cannot stand in a report; rename the file"
        raise SettingsError(msg) from None


def _near_file(relative: str, base: Path, pattern: str) -> str:
    """End of a message about a name that is not there: what may have been meant."""
    if re.search(r"[\x00-\x1f]", pattern):
        return "; a backslash does not stand for itself in a job file: write / between folders"
    return slips.near_file(base / Path(relative).parts[0]) if relative else ""


def _literal_part(pattern: str, folder: Path) -> tuple[Path, str]:
    """The part of a pattern that exists as it is written, brackets and all, and the rest of it.

    An accented letter is one sign or a letter and an accent (as a Mac writes it): both mean the same name.
    """
    parts = Path(pattern).parts
    base = folder
    for i, part in enumerate(parts):
        forms = [base / part, *(base / normalize(form, part) for form in ("NFC", "NFD"))]
        there = next((path for path in forms if path.exists()), None)
        if there is None:
            return base, str(Path(*parts[i:]))
        base = there
    return base, ""


def _natural(path: Path) -> list[tuple[int, str]]:
    parts = re.split(r"(\d+)", str(path))
    return [(int(part), "") if part.isdecimal() else (-1, part.casefold()) for part in parts]


def _ledger(path: Path, sources: Sequence[Source]) -> tuple[edits.Entry, ...]:
    """Ledger of a job; an edit of an image that the job does not have is an error, or it would be lost unseen."""
    ledger = edits.read(edits.folder_of(path))
    known = {source.sha256 for source in sources}
    for entry in ledger:
        if entry.edit.image_sha256 not in known:
            msg = (
                f"{edits.folder_of(path) / edits.text_name(entry.edit)}: {entry.edit.image} as it was edited is not "
                "among the images of the job; put it back, or move the folder of the edits aside and make them again"
            )
            raise SettingsError(msg)
    return ledger


def _with_masks(sources: tuple[Source, ...], patterns: Sequence[str], folder: Path, where: str) -> tuple[Source, ...]:
    if not patterns:
        msg = f"{where} backend.masks: is missing; name one mask file per image"
        raise SettingsError(msg)
    masks = [path for pattern in patterns for path in files_of(pattern, folder, f"{where} backend.masks")]
    if len(masks) != len(sources):
        msg = f"{where} backend.masks: {len(masks)} masks for {len(sources)} images; give one per image, in their order"
        raise SettingsError(msg)
    return tuple(replace(source, mask=str(mask.resolve())) for source, mask in zip(sources, masks, strict=True))


def _with_paths(module: Backend | Recipe, settings: Any, folder: Path, where: str) -> Any:
    """Make the file names among the settings of a plug-in (its ``PATHS``) absolute; a missing file is an error.

    Its ``MODELS`` name a model: a folder beside the job file, or one that the backend knows by name.
    """
    for key in plugins.paths_of(module):
        value = getattr(settings, key)
        if not value:
            continue
        path = Path(*_literal_part(value, folder))
        if not path.is_file():  # looked at before it is resolved: a link may lead to itself
            msg = f"{where}.{key}: '{value}' does not exist in {folder.resolve()}"
            raise SettingsError(msg)
        settings = replace(settings, **{key: str(path.resolve())})
    for key in plugins.models_of(module):
        path = folder / getattr(settings, key)
        if path.is_dir():
            settings = replace(settings, **{key: str(path.resolve())})
    return settings


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def date_of_work(job: Job, today: date) -> date:
    """The day that a certificate must cover: that of the work as the job states it, else that of the run."""
    try:
        return date.fromisoformat(job.header.date_of_work)
    except ValueError:
        return today


# ------------------------------------------------------------------------------------------------ one field


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Outcome:
    """What remains of one field: its tables, its record and its pictures on disk."""

    measurement: FieldMeasurement
    record: MicrographRecord
    thumbnails: tuple[Thumbnail, ...]
    step: Statement | None  # how the labels were made to answer the question, where that took a step
    figures: tuple[quality.Figure, ...] = ()  # of image quality
    standards: Mapping[str, Path] = default(default_factory=dict)  # files that were loaded, see ``noting``
    edited: edits.Edited | None = None  # what corrections by hand changed
    before: FieldMeasurement | None = None  # without them; None too where that cannot be measured


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What looking at an image showed: that it can be read and measured, its scale and its quality."""

    calibration: Calibration
    figures: tuple[quality.Figure, ...]


def look(planned: Plan, pool: ProcessPoolExecutor | None = None) -> list[Seen]:
    """Look at every image of a job, and at its mask, before any is measured: the last one must not cost the others.

    Raises
    ------
    InspectError
        Names every image that cannot be used, or says that their scales differ.
    """
    count = len(planned.sources)
    answers = each(pool, _seen, [(planned, i) for i in range(count)], lambda *_: None)
    refused = [answer for answer in answers if isinstance(answer, InspectError)]
    if refused:
        told = [" ".join(str(error).split()) for error in refused]
        if len(told) == 1:
            raise refused[0]
        more = f"; and {len(told) - _NAMED} more" if len(told) > _NAMED else ""
        msg = f"{len(told)} of {count} images cannot be used: {'; '.join(told[:_NAMED])}{more}"
        raise type(refused[0])(msg)
    seen = [answer for answer in answers if isinstance(answer, Seen)]
    scales = [one.calibration for one in seen]
    same_scale(scales, planned.job.mixed_scales, [source.name for source in planned.sources])
    return seen


def check_images(planned: Plan) -> None:
    """Read every image of a job before any is measured: a damaged one, or another scale, must not be found last.

    Raises
    ------
    ReadError, CalibrationError
        Names the image.
    """
    scales = [read_source(planned, source).calibration for source in planned.sources]
    same_scale(scales, planned.job.mixed_scales, [source.name for source in planned.sources])


_NAMED = 12  # images that one message names


def _seen(planned: Plan, index: int) -> Seen | InspectError:
    source = planned.sources[index]
    try:
        micrograph = read_source(planned, source)
        figures = judge_image(planned, source, micrograph)
        if source.mask:
            segmented(planned, source, micrograph, model_of(planned))
    except InspectError as error:
        return error
    return Seen(calibration=micrograph.calibration, figures=figures)


def _measure_all(planned: Plan, folder: Path, workers: int, progress: Progress) -> list[Outcome]:
    count = len(planned.sources)
    total = count + len(planned.job.exports)
    with processes(min(workers, count)) as pool:
        seen: Sequence[Seen | None] = [None]
        if count > 1:
            progress(0, total, f"looking at {count} images")
            seen = look(planned, pool)
        outcomes = each(
            pool,
            _measure_one,
            [(planned, i, folder, seen[i]) for i in range(count)],
            lambda done, i: progress(done, total, planned.sources[i].name),
        )
    if not any(source.mask for source in planned.sources):
        quality.stop_if_all([outcome.figures for outcome in outcomes], planned.job.accept)
    return outcomes


def _measure_one(planned: Plan, index: int, folder: Path, seen: Seen | None = None) -> Outcome:
    source = planned.sources[index]
    micrograph = read_source(planned, source)
    figures = judge_image(planned, source, micrograph) if seen is None else seen.figures
    keep = Keeper(folder, stem(index, source.name))
    entries = edits.of_image(planned.ledger, source.sha256)
    raw: list[Segmentation] = []
    given: dict[str, Any] = {}  # what the kept masks hold: objects that the recipe takes as one class are objects still

    def kept(name: str, segmentation: Segmentation) -> None:
        keep(name, segmentation)
        if not name:
            given["kind"] = segmentation.kind
            given["classes"] = {str(number): title for number, title in segmentation.classes.items()}
        if entries and not name:
            raw.append(segmentation)

    with noting() as used:
        segmentation, measurement, step = measured_field(
            planned, source, micrograph, model_of(planned), keep=kept, entries=entries
        )
        edited, before = None, None
        if entries:
            edited = edits.edited_field(entries, raw[0], edits.applied(raw[0], entries, source.name), micrograph.roi)
            before = measured_before(
                planned.job.recipe, micrograph, raw[0], settings=planned.settings, standard=planned.standard
            )
            _edited_places(folder, micrograph, raw[0], entries)
    figures = quality.with_acceptances(
        quality.structure_figures(segmentation, measurement.values, figures, planned.limits), planned.job.accept
    )
    outcome = _pictures(planned, index, folder, micrograph, segmentation, measurement, step)
    record = replace(
        outcome.record,
        evidence=keep.evidence(micrograph, measurement, before),
        segmentation={**outcome.record.segmentation, **given},
    )
    return replace(outcome, record=record, standards=used, figures=figures, edited=edited, before=before)


def _edited_places(folder: Path, micrograph: Micrograph, raw: Segmentation, entries: Sequence[edits.Entry]) -> None:
    """Write a picture of the place that each edit of a field changed, before and after it."""
    from inspect_tool.report import figures

    before = raw
    for entry in entries:
        after = edits.applied(before, [entry], micrograph.path)
        _write(folder / edits.picture_name(entry.edit.number), figures.edited_place(micrograph, before, after))
        before = after


def measured_before(
    recipe: str, micrograph: Micrograph, raw: Segmentation, *, settings: Any, standard: Standard
) -> FieldMeasurement | None:
    """Measure the segmentation of an edited field as the backend gave it; None where it holds nothing to measure."""
    module = registry.load("recipe", recipe)
    try:
        taken, _ = question.answer(recipe, module, raw, micrograph.roi)
        found: FieldMeasurement = module.measure_field(micrograph, taken, settings, standard)
    except MeasurementError:
        return None
    return found


def findings_before(
    recipe: Recipe,
    settings: Any,
    standard: Standard,
    fields: Sequence[FieldMeasurement],
    before: Mapping[int, FieldMeasurement | None],
) -> Findings | None:
    """What a job finds without its edits; ``before`` holds the raw measurements by the index of their field.

    Values only: without other segmentations the budgets lack a line.
    """
    raw = [replace(found, alternatives={}) for i, field in enumerate(fields) if (found := before.get(i, field))]
    if len(raw) < len(fields):
        return None
    try:
        findings: Findings = recipe.combine(raw, settings, standard)
    except MeasurementError:
        return None
    return findings


def _records(outcomes: Sequence[Outcome]) -> list[MicrographRecord]:
    return [outcome.record for outcome in outcomes]


def _before(planned: Plan, recipe: Recipe, outcomes: Sequence[Outcome]) -> Findings | None:
    before = {i: outcome.before for i, outcome in enumerate(outcomes) if outcome.edited is not None}
    if not before:
        return None
    measured = [outcome.measurement for outcome in outcomes]
    return findings_before(recipe, planned.settings, planned.standard, measured, before)


def judge_image(planned: Plan, source: Source, micrograph: Micrograph) -> tuple[quality.Figure, ...]:
    """Judge an image before it is measured; with masks of the user's own it is a picture only, and never refused.

    Raises
    ------
    MeasurementError
        It is not fit to be measured, and the job does not accept it.
    """
    return _judged(
        planned, source, quality.image_figures(micrograph.pixels, micrograph.roi, planned.limits, source.name)
    )


def judge_structure(
    planned: Plan,
    source: Source,
    segmentation: Segmentation,
    measurement: FieldMeasurement,
    figures: Sequence[quality.Figure],
) -> tuple[quality.Figure, ...]:
    """Judge what was segmented by the image it comes from, one field alone; gives the figures of both.

    Raises
    ------
    MeasurementError
        As ``judge_image``.
    """
    found = quality.structure_figures(segmentation, measurement.values, figures, planned.limits)
    return _judged(planned, source, found)


def _judged(planned: Plan, source: Source, figures: Sequence[quality.Figure]) -> tuple[quality.Figure, ...]:
    return tuple(figures) if source.mask else quality.judged(figures, planned.job.accept)


def measured_field(
    planned: Plan,
    source: Source,
    micrograph: Micrograph,
    model: Any,
    *,
    alternatives: bool = True,
    keep: Callable[[str, Segmentation], None] | None = None,
    entries: Sequence[edits.Entry] = (),
) -> tuple[Segmentation, FieldMeasurement, Statement | None]:
    """Segment one field with the backend of a plan and measure it with its recipe.

    Parameters
    ----------
    planned : Plan
    source : Source
        One of its sources.
    micrograph : Micrograph
        As read from it.
    model : Any
        What ``load`` of the backend gave.
    alternatives : bool
        Measure the plausible other segmentations too, for the segmentation line of the budgets.
    keep : callable, optional
        Gets every segmentation as the backend gave it, with its name; that of the measured one is empty.
    entries : sequence of edits.Entry
        Corrections by hand of this field, laid over every segmentation before it is measured.

    Returns
    -------
    Segmentation
        As the recipe took it; without its alternatives, which hold memory.
    FieldMeasurement
    Statement or None
        The step that made the labels answer the question of the recipe.
    """
    recipe = registry.load("recipe", planned.job.recipe)
    try:
        segmentation = segmented(planned, source, micrograph, model)
        alone = replace(segmentation, alternatives=no_alternatives)
        if keep is not None:
            keep("", alone)
            segmentation = replace(segmentation, alternatives=partial(_keeping, segmentation.alternatives, keep))
        corrected = edits.applied(segmentation if alternatives else alone, entries, source.name)
        taken, step = question.answer(planned.job.recipe, recipe, corrected, micrograph.roi)
        measurement: FieldMeasurement = recipe.measure_field(micrograph, taken, planned.settings, planned.standard)
    except MemoryError:
        msg = f"{source.name}: not enough memory for {micrograph.pixels.shape[1]} x {micrograph.pixels.shape[0]} pixels"
        raise MeasurementError(msg) from None
    if not source.mask:  # what a person drew has no error of a backend
        measurement = with_features(measurement, micrograph, taken)
    return replace(taken, alternatives=no_alternatives), measurement, step


def segmented(planned: Plan, source: Source, micrograph: Micrograph, model: Any) -> Segmentation:
    """Segment one field with the backend of a plan; as ``measured_field`` does, without edits."""
    backend = registry.load("backend", planned.backend)
    found: Segmentation = backend.segment(model, micrograph, _settings_for(planned, source))
    return found


def _settings_for(planned: Plan, source: Source) -> Any:
    """Settings of the backend for one image: with its own mask where the user gave one."""
    settings = planned.backend_settings
    return replace(settings, masks=(source.mask,)) if source.mask else settings


def _keeping(
    alternatives: Alternatives, keep: Callable[[str, Segmentation], None]
) -> Iterator[tuple[str, Segmentation]]:
    for name, other in alternatives():
        keep(name, other)
        yield name, other
        del other  # or two of them are held at a time


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """A backend with its settings, which may be tables and have no hash of their own."""

    backend: str
    stated: str
    settings: Any = default(compare=False)


def model_of(planned: Plan) -> Any:
    """Load the model of a backend once per process and settings."""
    stated = json.dumps(plain(planned.backend_settings), sort_keys=True)
    return _model(_Asked(backend=planned.backend, stated=stated, settings=planned.backend_settings))


@lru_cache(maxsize=1)  # loading weights takes longer than using them
def _model(asked: _Asked) -> Any:
    return registry.load("backend", asked.backend).load(asked.settings)


def read_source(planned: Plan, source: Source) -> Micrograph:
    """Read one image with its place in the job, its scale and the region that counts."""
    micrograph = replace(
        readers.read(source.path, selection(planned.job)),
        path=source.name,
        sha256=source.sha256,
        specimen=source.specimen,
        section=source.section,
        plane=source.plane,
        field=source.field,
    )
    if planned.job.modality != "unknown":
        micrograph = replace(micrograph, modality=planned.job.modality)
    if source.stated is not None:
        laboratory_files.check_image(
            source.stated, micrograph.pixels.shape, micrograph.path, micrograph.meta.get("binning", "")
        )
    bar = _bar(micrograph, planned.job.scale_bar)
    told = None if bar is None or bar.pixel_um is None else _told_by(bar)
    micrograph = settle(_noted(micrograph, bar), source.stated, told)
    asked = planned.job.region
    cut = preprocess.apply_region(micrograph, _without_writing(micrograph, asked, bar), planned.path.parent)
    if asked.colored_marks == "auto" and not source.mask:  # who drew a mask has seen the marks
        cut = colored_marks.leave_out(cut)
    stated = asked.rectangle is not None or asked.polygon or asked.mask or asked.exclude
    if asked.specimen == "auto" and not stated:  # who states the region has seen what counts
        recipe = registry.load("recipe", planned.job.recipe)
        cut = specimen_area.left_out(cut, mounted=cut.modality != "xray" and plugins.is_mounted(recipe))
    return preprocess.to_square_pixels(cut)


def _bar(micrograph: Micrograph, wanted: Literal["auto", "off", "required"]) -> BarReading | None:
    """What a bar burned into the picture says; one that must be read and cannot be is an error."""
    if wanted == "off":
        return None
    bar = read_bar(micrograph.pixels, micrograph.color)
    if wanted == "required" and bar.pixel_um is None:
        msg = f'{micrograph.path}: scale_bar = "required", but {bar.note or "the picture holds no scale bar"}'
        raise CalibrationError(msg)
    return bar


def _told_by(bar: BarReading) -> ScaleSource:
    assert bar.pixel_um is not None
    return ScaleSource(kind="scale bar", pixel_um=bar.pixel_um, u_rel=bar.u_rel, note=bar.note)


def _noted(micrograph: Micrograph, bar: BarReading | None) -> Micrograph:
    """Tell of a bar that was seen and not read, so that nobody takes it for compared."""
    if bar is None or bar.status != "refused":
        return micrograph
    return replace(micrograph, meta={**micrograph.meta, "scale bar in the picture": f"not used: {bar.note}"})


def _without_writing(micrograph: Micrograph, region: Region, bar: BarReading | None) -> Region:
    """Leave out of the region what is no specimen: a data bar at the foot, a bar and its label in the picture.

    A footer that the job states is taken as it is, 0 too.
    """
    height = micrograph.pixels.shape[0]
    if region.footer_px is None:
        found = find_footer(micrograph.pixels, micrograph.color) if bar is None else bar.footer_px
        region = replace(region, footer_px=found)
    kept = height - (region.footer_px or 0)
    read = [bar.box] if bar is not None and bar.status == "read" and bar.box is not None else []
    boxes = [
        preprocess.stored_box(
            (top, left, min(tall, kept - top), wide),
            (height, micrograph.pixels.shape[1]),
            preprocess.orientation(micrograph.meta),
        )
        for top, left, tall, wide in (*read, *written(micrograph.pixels, micrograph.color))
        if top < kept
    ]
    return replace(region, exclude=(*region.exclude, *boxes))


def scale_checks(records: Sequence[MicrographRecord], today: date) -> tuple[Check, ...]:
    """Judge the scales of a job: what stands behind them, and whether all that tells one agrees."""
    return (
        *calibration.checks([record.calibration for record in records], today),
        *calibration.agreement(record.scale_sources for record in records),
        *calibration.magnification_planes(record.calibration for record in records if record.modality == "xray"),
    )


def doubted_fields(seen: Table, job: Job, records: Sequence[MicrographRecord]) -> list[Check]:
    """Doubts on specimens in some fields of which what was found is too fine or too blurred; none on masks of a person.

    ``seen`` is the table of the image quality of a run.
    """
    if any(record.segmentation["backend"] == "labels" for record in records):
        return []
    return quality.doubts(seen, [record.specimen for record in records], quality.limits_of(job, "job"), job.accept)


def remarks(job: Job, records: Iterable[MicrographRecord]) -> tuple[str, ...]:
    """Sentences for page 1 on what of the images counts, and what only a person can tell of it."""
    records = list(records)
    found = list(specimen_area.told(records))
    for record in records:
        drawn = bool(job.region.mask) or record.segmentation["backend"] == "labels"
        turn = preprocess.orientation(record.meta)
        if drawn and turn > 1 and (turn < 5 or record.height_px == record.width_px):
            found.append(
                f"{record.image} is turned upright by its orientation tag ({turn}); its mask is taken to be drawn on "
                "the pixels as they are stored, by a program that does not look at the tag. Look at the overlay: if "
                "they do not fit, turn the mask, or save the picture without the tag."
            )
    return tuple(found)


def selection(job: Job) -> Selection:
    """Plane of the files that a job asks for."""
    return Selection(page=job.page, scene=job.scene, channel=job.channel, z=job.z, time=job.time)


def _pictures(
    planned: Plan,
    index: int,
    folder: Path,
    micrograph: Micrograph,
    segmentation: Segmentation,
    measurement: FieldMeasurement,
    step: Statement | None,
) -> Outcome:
    """Write the pictures of one field and describe them."""
    from inspect_tool.report import figures

    source = planned.sources[index]
    files = figures.write_field(folder, stem(index, source.name), micrograph, segmentation, measurement.marks)
    height, width = micrograph.pixels.shape
    thumbnails = []
    for notable in measurement.worst[:WORST]:
        shown = thumbnail(index, measurement, notable)
        _write(folder / shown.file, figures.thumbnail(micrograph, segmentation, notable))
        thumbnails.append(shown)
    record = MicrographRecord(
        image=source.name,
        sha256=source.sha256,
        specimen=source.specimen,
        section=source.section,
        plane=source.plane,
        field=source.field,
        height_px=height,
        width_px=width,
        calibration=micrograph.calibration,
        modality=micrograph.modality,
        meta=dict(micrograph.meta),
        segmentation={
            "backend": segmentation.backend,
            "kind": segmentation.kind,
            "classes": {str(number): name for number, name in segmentation.classes.items()},
            "settings": plain(segmentation.settings),
            "weights_sha256": segmentation.weights_sha256,
            "coverage": segmentation.coverage,
            "seconds": round(segmentation.seconds, 3),
        },
        picture=files.picture,
        picture_scale=files.scale,
        layers=files.layers,
        overlay=files.overlay,
        notes=measurement.notes,
        scale_sources=micrograph.scale_sources,
    )
    return Outcome(measurement=measurement, record=record, thumbnails=tuple(thumbnails), step=step)


def thumbnail(index: int, measurement: FieldMeasurement, notable: Notable) -> Thumbnail:
    """Describe the picture of a notable feature of the field of this index."""
    return Thumbnail(
        image=measurement.image,
        specimen=measurement.specimen,
        field=measurement.field,
        feature=notable.feature,
        value=notable.value,
        unit=notable.unit,
        caption=notable.caption,
        file=f"thumbnails/{stem(index, measurement.image)}_{notable.feature}.jpg",
    )


def stem(index: int, image: str) -> str:
    """File name of what is written of a field, without suffix."""
    return f"{index + 1:03d}_{re.sub(r'[^A-Za-z0-9_-]+', '_', Path(image).stem)[:40]}"


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)


# ------------------------------------------------------------------------------------------------ the report


@contextmanager
def _output(out: str | Path | None, name: str, inputs: Iterable[Path]) -> Iterator[tuple[Path, folders.Partial | None]]:
    """The folder of a run: one that gets its name when it is whole, or a passing one when nothing is kept."""
    if out is None:
        with tempfile.TemporaryDirectory(prefix="inspect_tool_") as folder:
            yield Path(folder), None
    else:
        with folders.partial_folder(Path(out) / name, inputs) as made:
            yield made.folder, made


def _report(
    planned: Plan,
    recipe: Recipe,
    outcomes: Sequence[Outcome],
    findings: Findings,
    checks: tuple[Check, ...],
    folder: Path,
    made_by: Any,
    carried: tuple[Attachment, ...],
) -> Report:
    from inspect_tool.report.build import build, table
    from inspect_tool.report.render import load_settings, template_sha256
    from inspect_tool.report.selection import shown_fields

    sizes = load_settings(planned.template).sizes
    records = _records(outcomes)
    fields = table("Fields", findings.measurements.fields)
    shown = [records[i] for i in shown_fields(fields, records, findings.results, sizes.most_fields)]
    printed = {file: sizes.picture_px for record in (records[0], *shown) for file in (record.picture, record.overlay)}
    thumbnails = [shown for outcome in outcomes for shown in outcome.thumbnails]
    worst = worst_first(thumbnails)
    for one in thumbnails:
        if one not in worst:
            (folder / one.file).unlink()
    pictures = [path for name in PICTURES for path in sorted((folder / name).glob("*"))]
    return build(
        job_name=planned.path.stem,
        job=planned.job,
        standard=planned.standard,
        findings=findings,
        micrographs=records,
        checks=checks,
        conformities=judged(planned.requirements, findings, [source.specimen for source in planned.sources]),
        worst=worst,
        provenance=made_by,
        title=recipe.TITLE,
        warnings=remarks(planned.job, _records(outcomes)),
        criteria=planned.criteria,
        attachments=(*carried, *(_picture(folder, path, printed) for path in pictures)),
        template_sha256=template_sha256(planned.template),
    )


def _typesetting(planned: Plan) -> str:
    """How this machine sets the samples of the template; empty: nothing is printed."""
    if "pdf" not in planned.job.exports:
        return ""
    from inspect_tool.report.exporters.pdf import typesetting

    return typesetting(planned.template)


def _picture(folder: Path, path: Path, printed: Mapping[str, int]) -> Attachment:
    """A picture with its hash, and that of what paper shows; ``printed``: longest side of the printed ones."""
    from inspect_tool.report.figures import reduced

    made = _attachment(folder, path, "picture")
    if made.file not in printed:
        return made
    shown = sha256_bytes(reduced(path.read_bytes(), printed[made.file]))
    return made if shown == made.sha256 else replace(made, printed_sha256=shown)


def worst_first(thumbnails: Sequence[Thumbnail]) -> list[Thumbnail]:
    """The worst features of a job, as many as are shown."""
    return sorted(thumbnails, key=lambda item: -item.value)[:WORST]


def _carried(
    planned: Plan,
    recipe: Recipe,
    folder: Path,
    standards: Mapping[str, Path],
    replaced: supersede.Replaced | None,
) -> tuple[Attachment, ...]:
    """Copy into the report folder what the numbers rest on besides the masks: job, standards, tables of the job."""
    (folder / "job.toml").write_bytes(planned.path.read_bytes())
    (folder / FOLDER).mkdir(exist_ok=True)
    found = [_attachment(folder, folder / "job.toml", "job")]
    for name, path in sorted(standards.items()):
        copy = folder / FOLDER / name
        copy.write_bytes(path.read_bytes())
        found.append(_attachment(folder, copy, "own standard" if name.startswith("own-") else "standard"))
    for file in planned.spec_files:
        copy = folder / FOLDER / f"spec-{file.path.name}"
        copy.write_bytes(file.path.read_bytes())
        found.append(_attachment(folder, copy, "spec"))
    for name, data in referee.files(planned.refereed):
        copy = folder / FOLDER / f"referee-{name}"
        copy.write_bytes(data)
        found.append(_attachment(folder, copy, "referee"))
    for key in plugins.paths_of(recipe):
        if getattr(planned.settings, key):
            path = Path(getattr(planned.settings, key))
            copy = folder / FOLDER / f"input-{path.name}"
            copy.write_bytes(path.read_bytes())
            found.append(replace(_attachment(folder, copy, "input"), key=key))
    if planned.validation is not None:
        copy = folder / FOLDER / "validation.toml"
        copy.write_bytes(planned.validation.path.read_bytes())
        found.append(_attachment(folder, copy, "validation"))
    for entry in planned.ledger:
        for name, data in (
            (edits.text_name(entry.edit), entry.text),
            (edits.difference_name(entry.edit), entry.difference),
        ):
            copy = folder / FOLDER / f"edit-{name}"
            copy.write_bytes(data)
            found.append(_attachment(folder, copy, "edit"))
    if replaced is not None:
        copy = folder / FOLDER / "replaced-report.json"
        copy.write_bytes(replaced.json)
        found.append(_attachment(folder, copy, "replaced"))
    return tuple(found)


def _attachment(
    folder: Path,
    path: Path,
    role: Literal[
        "job", "standard", "own standard", "spec", "input", "picture", "edit", "replaced", "referee", "validation"
    ],
) -> Attachment:
    return Attachment(file=path.relative_to(folder).as_posix(), sha256=sha256_file(path), role=role)


def judged(requirements: Sequence[Requirement], findings: Findings, fields: Sequence[str]) -> tuple[Conformity, ...]:
    """Judge every requirement for every specimen it is for; ``fields`` names the specimen of each field."""
    specimens = tuple(dict.fromkeys(fields))
    found = {(result.quantity, result.specimen): result for result in findings.results}
    verdicts = []
    for requirement in requirements:
        for specimen in (requirement.specimen,) if requirement.specimen else specimens:
            result = found.get((requirement.quantity, specimen))
            if result is not None:
                verdicts.append(doubted(decide(result, requirement), findings.checks))
                continue
            verdicts.append(
                Conformity(
                    requirement=requirement,
                    specimen=specimen,
                    quantity=requirement.quantity,
                    value=None,
                    unit=requirement.unit,
                    expanded_u=None,
                    decision="not stated",
                    probability=None,
                    reason="this inspection has no such result for the specimen",
                )
            )
    return tuple(verdicts)


def _export(planned: Plan, report: Report, folder: Path, progress: Progress, fields: int) -> None:
    wanted = [name for name in EXPORT_ORDER if name in planned.job.exports]
    wanted += [name for name in planned.job.exports if name not in EXPORT_ORDER]
    total = fields + len(wanted)
    for i, name in enumerate(wanted):
        progress(fields + i, total, name.upper())
        write = registry.load("exporter", name).write
        if name in _PAGES:
            confined(planned.template, fields, write, report, folder, planned.template)
        else:
            write(report, folder, planned.template)
    progress(total, total, "done")


def _ready(out: Path, name: str) -> str:
    """Make sure that the audit trail of a folder can take a run, and that the run replaces nothing signed."""
    before = audit.ready(out)
    if (out / audit.LOG).exists() and (out / name / "report.pdf").exists():
        for entry in reversed(audit.read(out).entries):
            if entry.event == "run" and entry.new.get("job") == name:
                break
            if entry.event == "sign" and entry.new.get("file") == f"{name}/report.pdf":
                msg = (
                    f"{out / name / 'report.pdf'}: is signed (entry {entry.number} of the audit trail) and is not "
                    "replaced; choose another folder with --out, or move the signed report to where it is kept (a "
                    "report that supersedes it comes from a job file of another name)"
                )
                raise OutputError(msg)
    return before


def check_ledger(planned: Plan, out: Path, name: str) -> None:
    """Refuse a job whose ledgers lack an edit or a check by hand that the audit trail of a folder knows of.

    Raises
    ------
    ReadError
        With what is missing, and how to go on.
    """
    if (out / audit.LOG).exists():
        images = {source.sha256 for source in planned.sources}
        entries = audit.read(out).entries
        known = trail_reports.anchor(entries, job=planned.path.stem, name=name, images=images)
        trail_reports.check(planned.ledger, known, planned.path, out, name)
        trail_checks.check(entries, planned.path, out, name, images)


def _issue(
    made: folders.Partial,
    facts: Mapping[str, Any] | None,
    report: Report,
    job: Job,
    replaced: supersede.Replaced | None,
) -> None:
    """Give a report its place and record its facts, with nothing of another process in between.

    A kill after the first of the two leaves in the folder what is to be recorded (``recovery``).
    """
    if facts is None:
        folders.put(made)
        return
    name, out = made.target.name, made.target.parent
    with audit.held(out) as log:
        more = () if replaced is None else (supersede.event(replaced.report, report, job, name),)
        events = (*audit.run_events(log.trail.entries, report.id, name, facts), *more)
        recovery.note(made.folder, len(log.trail.entries), events)
        folders.put(made)
        audit.add(log, *events)
        recovery.settled(made.target)


def _facts(planned: Plan, report: Report, made: folders.Partial) -> dict[str, Any]:
    """What the audit trail tells of a run."""
    job = planned.job
    return {
        "job_sha256": planned.sha256,
        "verdict": report.verdict,
        "conforming": report.conforming,
        "files": {
            file: sha256_file(made.folder / file)
            for file in ("report.json", "report.pdf")
            if (made.folder / file).exists()
        },
        "images": len(planned.sources),
        "after_entry": int(report.provenance.audit.split(" ")[0]),
        "results": trail_reports.main_values(plain(report.results)),
        "edits": len(planned.ledger),
        "ledger": edits.state(planned.ledger),
        "referee": referee.state(
            () if planned.refereed is None else planned.refereed.entries, (one.sha256 for one in planned.sources)
        ),
        "job_file": trail_reports.relative(planned.path, made.target.parent),
        "settings": {
            "recipe": job.recipe,
            "standard": {"name": planned.standard.name, "sha256": planned.standard.sha256},
            "settings": planned.settings,
            "backend": report.provenance.backend,
            "calibration": job.calibration,
            "specimens": {f"{item.id}/{item.section}": item.calibration for item in job.specimens},
            "region": job.region,
            "requirements": planned.requirements,
            **{
                key: getattr(job, key)
                for key in ("modality", "page", "scale_bar", "mixed_scales", "template", "edit_cap")
            },
        },
    }


def _silent(done: int, total: int, text: str) -> None:
    """Report no progress."""
