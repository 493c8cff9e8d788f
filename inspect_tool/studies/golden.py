"""Expected results of a laboratory's own images: recorded once, later measured again and compared.

What is kept is what the method gave, not what is true: a difference tells that something changed, and by how much in
the unit of the quantity. Images are named by path and hash; they are not copied unless that is asked for.
"""

import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from time import perf_counter
from typing import Any, Literal

from inspect_tool.errors import InspectError, ReadError, SettingsError
from inspect_tool.evidence.provenance import now, provenance
from inspect_tool.files import as_json, plain, sha256_file, write_text
from inspect_tool.folders import new_folder
from inspect_tool.inspection import field_record, job_plan
from inspect_tool.inspection.job_plan import Plan, Progress, job_names, silent
from inspect_tool.inspection.remeasure import Remeasured, remeasure
from inspect_tool.languages import Text, Words, joined
from inspect_tool.model import Provenance
from inspect_tool.report import document

SCHEMA = "inspect_tool/golden/1"
FILE = "golden.json"
SHARE = 0.25
"""Default tolerance, as a share of the stated U: a shift of U/4 would widen an interval by 3 % (√(1 + 1/16))."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GoldenImage:
    """One image and the mask it gave."""

    name: str
    file: str  # relative to the folder of the record where both lie on one drive
    sha256: str
    mask_sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GoldenResult:
    """One expected result."""

    quantity: str
    specimen: str
    title: str
    value: float
    unit: str
    expanded_u: float | None
    main: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class GoldenJob:
    """One job: what was measured, with what, and what came out."""

    name: str
    job: str  # file, relative to the folder of the record where both lie on one drive
    recipe: str
    standard: str
    standard_sha256: str
    weights_sha256: str  # empty: no weights
    used: Mapping[str, Any]  # settings of the first segmentation, found values included
    images: tuple[GoldenImage, ...]
    results: tuple[GoldenResult, ...]
    provenance: Provenance


@dataclass(frozen=True, slots=True, kw_only=True)
class Golden:
    """What ``golden.json`` holds."""

    schema: str
    recorded: str  # UTC, ISO 8601
    jobs: tuple[GoldenJob, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One result then and now, in the unit of the quantity."""

    job: str
    quantity: str
    specimen: str
    title: str
    unit: str
    main: bool
    before: float | None  # None: there was no such result
    after: float | None  # None: there is none any more
    difference: float | None
    expanded_u: float | None  # as recorded
    tolerance: float | None  # None: no U was stated; only an equal value is within
    within: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class JobCheck:
    """One job measured again."""

    name: str
    masks: int
    masks_changed: int
    changes: tuple[Words, ...]  # versions, weights, settings, device and precision that are not as recorded
    differences: tuple[Difference, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class GoldenCheck:
    """What a check found."""

    folder: str
    recorded: str
    checked: str
    tolerance: Words
    verdict: Literal["within tolerance", "beyond tolerance"]
    jobs: tuple[JobCheck, ...]

    @property
    def worst(self) -> float | None:
        """Largest difference over its tolerance; None where a difference has no tolerance to be compared with."""
        ratios = [_ratio(found) for job in self.jobs for found in job.differences]
        return None if None in ratios else max((ratio for ratio in ratios if ratio is not None), default=0.0)


# -------------------------------------------------------------------------------------------------------- record


def record(jobs: Sequence[Path], out: Path, *, copy: bool = False, progress: Progress | None = None) -> Golden:
    """Measure jobs and keep their results as the expected ones.

    Parameters
    ----------
    jobs : sequence of Path
        Job files.
    out : Path
        Folder that gets ``golden.json``; an older record that is there is replaced as a whole.
    copy : bool
        Copy job files and images into the folder, so that the record does not depend on where they lie.
    progress : callable, optional
        Called with (fields done, fields in all, text).

    Raises
    ------
    InspectError
        For whatever the user must fix; nothing is written then.
    """
    names = job_names(jobs)
    inputs = [file for path in jobs for file in (path, *job_plan.inputs_of(job_plan.plan(path)))]
    tell = progress or silent
    with new_folder(out, inputs) as folder:
        paths = [_copied(path, folder / name) if copy else path for path, name in zip(jobs, names, strict=True)]
        plans = [job_plan.plan(path) for path in paths]
        for plan in plans:
            field_record.check_images(plan)
        base = folder if copy else out
        made, started = [], now()
        total, before = sum(len(plan.sources) for plan in plans), 0
        for plan, name in zip(plans, names, strict=True):
            made.append(_measured(plan, name, base, lambda i, text, b=before: tell(b + i, total, text)))
            before += len(plan.sources)
        golden = Golden(schema=SCHEMA, recorded=_stamp(started), jobs=tuple(made))
        write_text(folder / FILE, as_json(golden))
        tell(total, total, "done")
    return golden


def load_golden(folder: Path) -> Golden:
    """Read ``golden.json`` of a folder."""
    path = folder / FILE
    if not path.exists():
        msg = f"{path}: no such file; make it with inspect-tool golden record JOB --out {folder}"
        raise SettingsError(msg)
    return document.load(Golden, path, SCHEMA, "a record of golden results")


def _measured(plan: Plan, name: str, base: Path, tell: Any) -> GoldenJob:
    started, clock = now(), perf_counter()
    found = remeasure(plan, tell)
    return GoldenJob(
        name=name,
        job=_relative(plan.path, base),
        recipe=plan.job.recipe,
        standard=plan.editions.job.name,
        standard_sha256=plan.editions.job.sha256,
        weights_sha256=found.weights_sha256,
        used=plain(found.used),
        images=tuple(
            GoldenImage(
                name=source.name, file=_relative(source.path, base), sha256=source.sha256, mask_sha256=mask_sha256
            )
            for source, mask_sha256 in zip(plan.sources, found.masks_sha256, strict=True)
        ),
        results=_results(found),
        provenance=provenance(
            job_sha256=plan.sha256,
            settings=plan.settings,
            backend=plan.backend,
            backend_settings=plan.backend_settings,
            started=started,
            seconds=perf_counter() - clock,
        ),
    )


def _results(found: Remeasured) -> tuple[GoldenResult, ...]:
    return tuple(
        GoldenResult(
            quantity=result.quantity,
            specimen=result.specimen,
            title=result.title or result.quantity,
            value=plain(result.value),  # to the digits that are kept
            unit=result.unit,
            expanded_u=plain(result.expanded_u),
            main=result.main,
        )
        for result in found.findings.results
    )


def _copied(path: Path, folder: Path) -> Path:
    """Copy a job file with the files it names; they must lie in its folder, so that its relative names stay true."""
    plan = job_plan.plan(path)
    home = path.resolve().parent
    folder.mkdir()
    for file in (path, *job_plan.inputs_of(plan)):
        resolved = file.resolve()
        if not resolved.is_relative_to(home):
            msg = f"{path}: {file} lies outside the folder of the job; put it there, or record without --copy"
            raise SettingsError(msg)
        target = folder / resolved.relative_to(home)
        target.parent.mkdir(parents=True, exist_ok=True)
        if resolved.is_dir():
            shutil.copytree(resolved, target, dirs_exist_ok=True)
        else:
            shutil.copyfile(resolved, target)
    copy = folder / path.resolve().name
    try:
        again = job_plan.plan(copy)
    except InspectError as error:
        msg = f"{path}: the copy lacks something: {error}; record without --copy"
        raise SettingsError(msg) from None
    if [source.sha256 for source in again.sources] != [source.sha256 for source in plan.sources]:
        msg = f"{path}: the copy finds other images than the job; record without --copy"
        raise SettingsError(msg)
    return copy


# --------------------------------------------------------------------------------------------------------- check


def check(folder: Path, *, tolerances: Sequence[str] = (), progress: Progress | None = None) -> GoldenCheck:
    """Measure the recorded jobs again and compare.

    Parameters
    ----------
    folder : Path
        That of ``record``.
    tolerances : sequence of str
        ``"0.25"``: share of the stated U; ``"quantity=0.05"``: in the unit of the quantity.
    progress : callable, optional
        Called with (fields done, fields in all, text).

    Raises
    ------
    SettingsError, ReadError
        The record or an image cannot be read, or an image is not the one that was recorded.
    """
    golden = load_golden(folder)
    share, named = stated_tolerances(tolerances)
    known = {result.quantity for job in golden.jobs for result in job.results}
    for quantity in named:
        if quantity not in known:
            msg = f"--tolerance {quantity}: no recorded job has it; there are: {', '.join(sorted(known))}"
            raise SettingsError(msg)
    plans = [_same_images(job, folder) for job in golden.jobs]
    for plan in plans:
        field_record.check_images(plan)
    tell = progress or silent
    total, before, found = sum(len(plan.sources) for plan in plans), 0, []
    for job, plan in zip(golden.jobs, plans, strict=True):
        new = _measured(plan, job.name, folder, lambda i, text, b=before: tell(b + i, total, text))
        before += len(plan.sources)
        found.append(_compared(job, new, share, named))
    tell(total, total, "done")
    beyond = any(not one.within for job in found for one in job.differences)
    words = [Text("selftest.share_of_u", share=share), *(f"{name} {value:g}" for name, value in named.items())]
    return GoldenCheck(
        folder=folder.name,
        recorded=golden.recorded,
        checked=_stamp(now()),
        tolerance=joined("; ", words),
        verdict="beyond tolerance" if beyond else "within tolerance",
        jobs=tuple(found),
    )


def stated_tolerances(texts: Sequence[str]) -> tuple[float, dict[str, float]]:
    """Read tolerances: the share of U for all, and those of single quantities in their unit.

    >>> stated_tolerances(["0.5", "porosity_percent=0.05"])
    (0.5, {'porosity_percent': 0.05})
    """
    share, named = SHARE, {}
    for text in texts:
        quantity, _, number = text.rpartition("=")
        try:
            value = float(number)
        except ValueError:
            value = -1.0
        if not 0 < value < float("inf"):
            msg = f"--tolerance {text}: write a share of U such as 0.25, or quantity=0.05; numbers above 0"
            raise SettingsError(msg)
        if quantity.strip():
            named[quantity.strip()] = value
        else:
            share = value
    return share, named


def _same_images(job: GoldenJob, folder: Path) -> Plan:
    """Plan a recorded job; its images must be those that were recorded."""
    path = folder / job.job
    for image in job.images:
        file = folder / image.file
        if not file.is_file():
            msg = f"{job.name}: {image.name} is missing: {file}; put it back, or record anew"
            raise ReadError(msg)
        if sha256_file(file) != image.sha256:
            msg = f"{job.name}: {image.name} is not the image that was recorded (SHA-256 differs): {file}"
            raise ReadError(msg)
    plan = job_plan.plan(path)
    if [source.sha256 for source in plan.sources] != [image.sha256 for image in job.images]:
        msg = f"{path}: the job names other images now, or in another order; record anew"
        raise SettingsError(msg)
    return plan


def _compared(old: GoldenJob, new: GoldenJob, share: float, named: Mapping[str, float]) -> JobCheck:
    before = {(result.quantity, result.specimen): result for result in old.results}
    after = {(result.quantity, result.specimen): result for result in new.results}
    return JobCheck(
        name=old.name,
        masks=len(old.images),
        masks_changed=sum(a.mask_sha256 != b.mask_sha256 for a, b in zip(old.images, new.images, strict=True)),
        changes=tuple(_changes(old, new)),
        differences=tuple(
            _difference(old.name, before.get(key), after.get(key), share, named)
            for key in dict.fromkeys([*before, *after])
        ),
    )


def _difference(
    job: str, old: GoldenResult | None, new: GoldenResult | None, share: float, named: Mapping[str, float]
) -> Difference:
    either = old or new
    assert either is not None  # a key comes from one of them
    before, after = (None if one is None else one.value for one in (old, new))
    difference = None if before is None or after is None else after - before
    expanded_u = None if old is None else old.expanded_u
    tolerance = named.get(either.quantity, share * expanded_u if expanded_u is not None else None)
    found = Difference(
        job=job,
        quantity=either.quantity,
        specimen=either.specimen,
        title=(new or either).title,  # a sentence, where the record holds its words alone
        unit=either.unit,
        main=either.main,
        before=before,
        after=after,
        difference=difference,
        expanded_u=expanded_u,
        tolerance=tolerance,
        within=False,
    )
    ratio = _ratio(found)
    return replace(found, within=ratio is not None and ratio <= 1)


def _ratio(found: Difference) -> float | None:
    """Difference over tolerance; None where there is nothing to compare with."""
    if found.difference is None or found.before is None:
        return None
    if found.difference == 0:
        return 0.0
    return abs(found.difference) / found.tolerance if found.tolerance else None


def _changes(old: GoldenJob, new: GoldenJob) -> Iterator[Words]:
    """Name what is not as recorded: software, machine, weights, standard, settings."""
    was, now_ = plain(old.provenance), plain(new.provenance)
    for key in ("version", "python", "platform"):
        yield from _changed(key if key != "version" else "inspect_tool", was[key], now_[key])
    yield from _table("", was["packages"], now_["packages"])
    yield from _changed(Text("selftest.changed_standard"), old.standard, new.standard)
    yield from _changed(Text("selftest.changed_standards_file"), old.standard_sha256[:12], new.standard_sha256[:12])
    yield from _changed(
        Text("selftest.changed_weights"), old.weights_sha256[:12] or None, new.weights_sha256[:12] or None
    )
    yield from _changed(Text("selftest.changed_job"), was["job_sha256"][:12], now_["job_sha256"][:12])
    yield from _table("settings.", was["settings"], now_["settings"])
    yield from _table("backend.", was["backend"], now_["backend"])
    kept = ("device", "engine", "precision")  # what was taken where the setting says "auto"
    yield from _table("used: ", *({key: job.used.get(key) for key in kept} for job in (old, new)))


def _table(prefix: str, old: Mapping[str, object], new: Mapping[str, object]) -> Iterator[Words]:
    for key in dict.fromkeys([*old, *new]):
        yield from _changed(f"{prefix}{key}", old.get(key), new.get(key))


def _changed(name: Words, old: object, new: object) -> Iterator[Words]:
    if old != new:
        yield Text("selftest.changed", name=name, before=_shown(old), after=_shown(new))


def _shown(value: object) -> Words:
    return (
        Text("selftest.changed_none")
        if value is None
        else value
        if isinstance(value, str)
        else json.dumps(value, ensure_ascii=False)
    )


def _relative(path: Path, base: Path) -> str:
    """Name a file as seen from a folder, with forward slashes; as a whole path on another drive."""
    try:
        return Path(os.path.relpath(path.resolve(), base.resolve())).as_posix()
    except ValueError:
        return path.resolve().as_posix()


def _stamp(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
