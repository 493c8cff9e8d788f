"""A step that a change of the method explains, proven on kept images: measured again as the new method does.

Pairs of one image have no scatter of specimens in them: three of them tell a step that a series needs dozens of values
for.
"""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from math import hypot, sqrt
from pathlib import Path
from statistics import fmean, stdev
from tempfile import TemporaryDirectory

from inspect_tool import plugins, registry
from inspect_tool.errors import InspectError, MeasurementError, ReadError
from inspect_tool.evidence.dossier import Dossier
from inspect_tool.files import sha256_file
from inspect_tool.inspection import job_plan
from inspect_tool.inspection.remeasure import remeasure
from inspect_tool.lab import objects
from inspect_tool.lab.index import dossier_at
from inspect_tool.lab.trend.found import Pair, Proof
from inspect_tool.lab.trend.series import Value
from inspect_tool.lab.trend.steps import Cause, Step
from inspect_tool.languages import Text, Words
from inspect_tool.model import Job, Report
from inspect_tool.statistics.uncertainty import coverage_factor
from inspect_tool.verify.recompute import Work, asked_of
from inspect_tool.verify.segmented_again import source_of

LEAST = 3
"""Pairs that a statement needs: of two, the mean is known to a dozen standard deviations."""
MOST = 8
"""Reports that are measured again: the newest before the step."""
IN_IMAGES = frozenset(("recipe_settings", "backend", "weights", "software", "scale"))
"""Columns whose change can be seen on an image that was taken before it."""

_BY_HAND = ("edit", "referee")  # parts of a report that a new measurement does not have


def prove(
    folder: Path,
    quantity: str,
    values: Sequence[Value],
    step: Step,
    cause: Cause,
    tell: Callable[[str], None],
) -> Proof:
    """Measure kept images from before a step with the method from after it.

    Parameters
    ----------
    folder : Path
        Of the lab.
    quantity : str
    values : sequence of Value
        The series that the step was found in.
    step, cause
        A step that a change of the method explains.
    tell : callable
        Called with the number of each report that is measured again.
    """
    if not IN_IMAGES & {change.column for change in cause.changes}:
        return Proof(state="not proven", reason=Text("trend.proof_of_specimens"))
    changed = min(change.at for change in cause.changes)
    kept = [
        (dossier, files)
        for dossier in (dossier_at(folder / one.place, one.uid) for one in _by_report(values[step.start : changed]))
        if dossier is not None and (files := _images(folder, dossier.report)) is not None
    ][:MOST]
    if not kept:
        return Proof(state="no kept images", reason=Text("trend.proof_no_images"))
    newest = values[step.end - 1]
    new = dossier_at(folder / newest.place, newest.uid)
    if new is None:
        return Proof(state="not proven", reason=Text("trend.proof_no_method", report=newest.report))
    pairs: list[Pair] = []
    try:
        for old, files in kept:
            tell(old.report.id)
            pairs += _measured_again(quantity, old, files, new, newest.fingerprint["weights"])
    except InspectError as error:
        return Proof(state="not proven", reason=Text("trend.proof_failed", reason=error.reason))
    return judged(pairs, step)


def judged(pairs: Sequence[Pair], step: Step) -> Proof:
    """Compare what the new method changes on the same images with the size of the step.

    Proven: the mean difference is told from 0, and from the size of the step it is not, both at 95 %.
    """
    if len(pairs) < LEAST:
        return Proof(state="not proven", reason=Text("trend.proof_few", n=len(pairs), least=LEAST), pairs=tuple(pairs))
    differences = [pair.after - pair.before for pair in pairs]
    mean, n = fmean(differences), len(differences)
    reach = coverage_factor(n - 1) * stdev(differences) / sqrt(n)
    moves = abs(mean) > reach
    explains = abs(mean - step.size) <= hypot(reach, step.size_u)
    reason: Words
    match moves, explains:
        case True, True:
            reason = Text("trend.proof_explains")
        case True, False:
            reason = Text("trend.proof_in_part")
        case False, True:
            reason = Text("trend.proof_not_told")
        case _:
            reason = Text("trend.proof_unmoved")
    return Proof(
        state="proven" if moves and explains else "not proven",
        reason=reason,
        pairs=tuple(pairs),
        difference=mean,
        difference_u=reach,
    )


def _by_report(values: Sequence[Value]) -> list[Value]:
    """One value of each report, the newest first."""
    return list({one.uid: one for one in reversed(values)}.values())


def _images(folder: Path, report: Report) -> tuple[Path, ...] | None:
    """Kept images of a report; None: one is missing, or a person had a hand in its results."""
    if any(item.role in _BY_HAND for item in report.attachments):
        return None
    files = tuple(objects.place_of(folder, record.sha256) for record in report.micrographs)
    return files if all(file.is_file() for file in files) else None


def _measured_again(quantity: str, old: Dossier, files: Sequence[Path], new: Dossier, weights: str) -> list[Pair]:
    """Measure the images of an old report as the new one was measured.

    Raises
    ------
    InspectError
        They cannot be: the weights are not at hand, or the method does not fit the images.
    """
    with TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "job").mkdir()
        work = Work(folder / "job")
        work.fill(new)
        asked = asked_of(work, new.report)
        job = replace(_with_models(asked.job, new.report), referee=None)
        sources = []
        for i, (record, file) in enumerate(zip(old.report.micrographs, files, strict=True)):
            image = folder / f"{i}" / Path(record.image).name  # readers tell a format by its suffix
            image.parent.mkdir()
            shutil.copyfile(file, image)
            if sha256_file(image) != record.sha256:
                msg = f"{record.image}: the kept image is damaged (SHA-256 differs)"
                raise ReadError(msg)
            sources.append(source_of(job, record, image))
        planned = job_plan.plan(
            work.folder / "job.toml",
            job=job,
            sources=tuple(sources),
            spec_files=asked.spec_files,
            editions=asked.editions,
            refereed=False,
        )
        found = remeasure(planned, alternatives=False)
    if found.weights_sha256 != weights:
        raise MeasurementError(Text("trend.proof_weights", there=found.weights_sha256[:12], asked=weights[:12]))
    after = {one.specimen: one.value for one in found.findings.results if one.quantity == quantity}
    return [
        Pair(report=old.report.id, specimen=one.specimen, before=one.value, after=after[one.specimen])
        for one in old.report.results
        if one.quantity == quantity and one.specimen in after
    ]


def _with_models(job: Job, report: Report) -> Job:
    """The job of a report with its models and files where the run found them."""
    table = dict(job.backend or {"name": report.provenance.backend["name"]})
    backend = registry.load("backend", str(table["name"]))
    for key in (*plugins.models_of(backend), *plugins.paths_of(backend)):
        stated = report.provenance.backend.get(key)
        if isinstance(stated, str) and Path(stated).is_absolute() and Path(stated).exists():
            table[key] = stated
    return replace(job, backend=table)
