"""Draw the sample of a check by hand for a job and write its page; record the answers to it."""

import base64
import secrets
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from math import ceil
from pathlib import Path
from statistics import fmean
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from inspect_tool import folders, registry
from inspect_tool.errors import ReadError
from inspect_tool.evidence import audit, trail_checks, trail_reports
from inspect_tool.files import plain, read_bytes
from inspect_tool.inspection import (
    conclusion,
    field_record,
    job_plan,
    job_trail,
    lost_fields,
    one_field,
    reporting,
)
from inspect_tool.inspection.conclusion import Asked, Measured
from inspect_tool.model import Conformity, Findings, Requirement, Result
from inspect_tool.referee import design, history, joint_sample, ledger, planning, regions
from inspect_tool.referee.correction import Correction, corrected, scatter_of
from inspect_tool.referee.layer_lines import EDGES, LayerLines
from inspect_tool.referee.page import page
from inspect_tool.referee.plans import corrected_quantities, plan_of
from inspect_tool.referee.population import (
    Population,
    joints_of_field,
    sample,
    stage_of,
    strata_of_field,
    what_is_drawn,
)
from inspect_tool.report.field_pictures import full_size
from inspect_tool.units import convert

POINTS, LINES = 150, 60
"""Points, or test lines, of a specimen where the user asks for no other number: about six and about four minutes."""

_CROP_PX = 161  # side of what is shown around a point: a structure of some pixels among its neighbors
_AROUND, _AROUND_PX = 0.25, 16  # what is shown on either side of a line: a share of its length, and more [1, px]

_Spot: TypeAlias = tuple[tuple[float, float], ...]
"""A place in a field, or the two ends of a line. [(row, column) px]"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where a check by hand stands."""

    correction: Correction
    results: tuple[tuple[Result, Result], ...]  # machine alone, corrected
    conformities: tuple[Conformity, ...]
    more: int | None  # answers that should decide the first requirement on a corrected result; None: not known


@dataclass(frozen=True, slots=True, kw_only=True)
class _Measured:
    """A job as it is measured now."""

    planned: job_plan.Plan
    asked: Asked
    measured: Measured
    findings: Findings  # of the machine alone
    found: Population


def draw(
    job: Path,
    out: Path,
    *,
    points: int | None = None,
    nonce: str = "",
    reports: Path | None = None,
    workers: int = 1,
    progress: job_plan.Progress | None = None,
) -> ledger.Sample:
    """Draw a sample of a job, record it in the ledger beside the job, and write the page that asks it.

    The page of the last sample is written again, where it is neither answered nor given up and no other one is asked
    for by ``nonce`` or ``points``.

    Parameters
    ----------
    job : Path
        Job file; it is measured.
    out : Path
        HTML file; none of that name exists.
    points : int, optional
        Points or lines of every specimen; default: ``POINTS`` or ``LINES``.
    nonce : str
        Text that makes the sample another one; empty: a random one, or that of the sample that waits for answers. It
        is recorded.
    reports : Path, optional
        Folder of reports whose audit trail is told of it; None: none is.
    workers : int
        Fields measured at the same time.
    progress : callable, optional
        Called with (steps done, steps in all, text).

    Raises
    ------
    InspectError
        For whatever the user must fix.
    """
    folders.check_new_file(out)
    drawn, shown = asked_by_hand(job, points=points, nonce=nonce, reports=reports, workers=workers, progress=progress)
    folders.new_file(out, page(shown).encode())
    return drawn


def asked_by_hand(
    job: Path,
    *,
    points: int | None = None,
    nonce: str = "",
    reports: Path | None = None,
    name: str = "",
    by: str = "",
    workers: int = 1,
    progress: job_plan.Progress | None = None,
) -> tuple[ledger.Sample, dict[str, object]]:
    """Draw a sample as ``draw`` does, and give what a page of it shows (``referee.page``).

    ``name``: of the report, where it is not that of the job file; ``by``: who draws, see ``audit.Event.user``.
    """
    planned = _planned(job, reports, name)
    what = what_is_drawn(planned.job.recipe, _recipe(planned))
    if points is not None:
        design.stages_of(points, stage_of(what), what)
    with tempfile.TemporaryDirectory(prefix="inspect_tool_") as folder:
        now = _measured(planned, Path(folder), workers, progress)
        usual = POINTS if what == "points" else LINES
        drawn = _waiting(job, now.found, points, nonce) or sample(
            now.found, usual if points is None else points, nonce or secrets.token_hex(8)
        )
        shown = _shown(now, drawn)
    made = ledger.record(ledger.folder_of(job), "drawn", sample=drawn)
    _tell(planned, reports, made, {"sample": drawn.id}, name=name, by=by)
    return drawn, shown


def _waiting(job: Path, found: Population, points: int | None, nonce: str) -> ledger.Sample | None:
    """The sample that waits for answers, where it is the one that is asked for."""
    last = history.waiting(ledger.read(ledger.folder_of(job)))
    if last is None or points not in (None, last.points) or nonce not in ("", last.nonce):
        return None
    return last if sample(found, last.points, last.nonce) == last else None  # else it is of other masks


def record(
    job: Path,
    answers: Path,
    *,
    reports: Path | None = None,
    name: str = "",
    by: str = "",
    workers: int = 1,
    progress: job_plan.Progress | None = None,
) -> tuple[ledger.Entry, Standing]:
    """Check a file of answers against its sample and the job as it is now, record it, and tell where it stands.

    ``name``: of the report, where it is not that of the job file; ``by``: who records, see ``audit.Event.user``.

    Raises
    ------
    InspectError
        As ``draw``; the answers do not fit, or no stage is answered to its end.
    """
    try:
        data = read_bytes(answers)
    except OSError as error:
        msg = f"{answers}: cannot be read: {error.strerror}; give the file that the page saved (--out writes the page)"
        raise ReadError(msg) from None
    parsed = ledger.parsed_answers(data, str(answers))
    entries = ledger.read(ledger.folder_of(job))
    drawn = ledger.sample_of(entries, parsed.sample, str(answers))
    planned = _planned(job, reports, name)
    with tempfile.TemporaryDirectory(prefix="inspect_tool_") as folder:
        now = _measured(planned, Path(folder), workers, progress)
    given = ledger.Given(where=str(answers), data=data, answers=parsed, sample=drawn, entries=entries)
    correction = corrected(now.found, given)
    made = ledger.record(ledger.folder_of(job), "answered", answers=data)
    _tell(
        planned,
        reports,
        made,
        {
            "sample": drawn.id,
            "by": parsed.person,
            "answers": len(parsed.answers),
            "answers_sha256": made.answers_sha256,
        },
        name=name,
        by=by,
    )
    return made, _standing(now, correction, given)


def give_up(job: Path, *, reason: str, by: str, reports: Path | None = None, name: str = "") -> ledger.Entry:
    """Give up the last sample of a job, or all of a ledger that is damaged or lost, so that another may be drawn.

    The ledger and the audit trail keep by whom, why, and how many answers were known; the report says so.

    Parameters
    ----------
    job : Path
        Job file.
    reason, by : str
        Why, and who says so.
    reports : Path, optional
        Folder of reports whose audit trail is told of it; None: none is.
    name : str
        Of the report, where it is not that of the job file.

    Raises
    ------
    InspectError
        There is nothing to give up; no reason or no name; for whatever else the user must fix.
    """
    planned, folder = job_plan.plan(job, exports=(), refereed=False), ledger.folder_of(job)
    if reports is None:
        return history.give_up(folder, by=by, reason=reason)
    audit.ready(reports)
    entries = audit.read(reports).entries if (reports / audit.LOG).exists() else ()
    images = [source.sha256 for source in planned.sources]
    file = trail_reports.relative(job, reports)
    known = trail_checks.anchor(entries, job=job.stem, name=name or job.stem, images=images, file=file)
    made = history.give_up(
        folder,
        by=by,
        reason=reason,
        told=trail_checks.samples(entries, job=job.stem, images=images),
        lost=known.entries if known is not None and trail_checks.lacking(trail_checks.hashes(job), known) else None,
    )
    assert made.given_up is not None
    _tell(planned, reports, made, plain(made.given_up), made.given_up.reason, name=name, by=by)
    return made


def _planned(job: Path, reports: Path | None, name: str = "") -> job_plan.Plan:
    """Read a job whose ledgers lack nothing that the audit trail of a folder knows of."""
    planned = job_plan.plan(job, exports=(), refereed=False)
    if reports is not None:
        audit.ready(reports)
        job_trail.check_ledger(planned, reports, name or job.stem)
    return planned


def _measured(planned: job_plan.Plan, folder: Path, workers: int, progress: job_plan.Progress | None) -> _Measured:
    asked = reporting.asked_of(planned)
    outcomes, lost = field_record.measure_all(planned, folder, workers, progress or job_plan.silent)
    measured = reporting.measured_of(planned, outcomes, folder, lost)
    findings, found = conclusion.findings_of(asked, measured), conclusion.population_of(asked, measured)
    return _Measured(planned=planned, asked=asked, measured=measured, findings=findings, found=found)


def _tell(
    planned: job_plan.Plan,
    reports: Path | None,
    made: ledger.Entry,
    facts: Mapping[str, object],
    reason: str = "",
    name: str = "",
    by: str = "",
) -> None:
    """Tell an audit trail of an entry of the ledger that it does not know."""
    if reports is None:
        return
    job, images = planned.path, [source.sha256 for source in planned.sources]
    with audit.held(reports) as log:
        known = trail_checks.anchor(log.trail.entries, job=job.stem, name=name or job.stem, images=images)
        if known is None or known.entries < made.number or made.event == trail_checks.GIVEN_UP:
            entries = ledger.read(ledger.folder_of(job))[: made.number]
            new = {
                "did": made.event,
                **facts,
                "referee": ledger.state(entries, images),
                "job_file": trail_reports.relative(job, reports),
            }
            told = audit.Event(event=trail_checks.EVENT, subject=job.stem, reason=reason, new=new, user=by)
            audit.add(log, told)


def _recipe(planned: job_plan.Plan) -> Any:
    return registry.load("recipe", planned.job.recipe)


# ------------------------------------------------------------------------------------------------------- the page


def _shown(now: _Measured, drawn: ledger.Sample) -> dict[str, object]:
    """All that the page shows: no label of the program, and the items in the order in which they are answered."""
    job, found = now.planned.job, now.found
    places = _places(found, drawn)
    specimens = len(design.weights(found.areas))
    items, crops = _items(now, places)
    return {
        "schema": ledger.SAMPLE,
        "id": drawn.id,
        "job": now.planned.path.stem,
        "recipe": _recipe(now.planned).TITLE,
        "title": job.header.title or job.header.part or now.planned.path.stem,
        "kind": found.what,
        **({"needed": EDGES, "rule": found.lines.rule} if isinstance(found.lines, LayerLines) else {}),
        "question": "What lies under the mark?" if found.lines is None else found.lines.question,
        "choices": [
            {"value": one.name, "label": one.name, **({} if found.lines is None else {"count": one.counts})}
            for one in found.classes
        ],
        "stages": [stage * specimens for stage in design.stages_of(drawn.points, found.stage)],
        "items": items,
        "crops": crops,
        "planning": _block(now, drawn, places),
    }


def _places(found: Population, drawn: ledger.Sample) -> tuple[design.Place, ...]:
    return design.drawn(found.areas, drawn.points, drawn.id, found.stage)


def _items(now: _Measured, places: Sequence[design.Place]) -> tuple[list[dict[str, object]], list[dict[str, object]]]:
    """Cut the surroundings of every point or line out of its field, one field in memory at a time.

    A joint is shown as a whole, once for all its points.
    """
    numbers: dict[tuple[int, ...], int] = {}  # of the crops, by image and window
    crops: list[dict[str, object]] = []
    items: dict[int, dict[str, object]] = {}
    of_image: dict[int, list[tuple[int, design.Place]]] = {}
    for n, place in enumerate(places):
        of_image.setdefault(now.found.image_of(place), []).append((n, place))
    sources = lost_fields.others(now.planned.sources, now.measured.lost)
    for i, (source, record) in enumerate(zip(sources, now.measured.records, strict=True)):
        own = of_image.get(i, [])
        if not own:
            continue
        rgb = full_size(one_field.read_source(now.planned, source))
        for n, spot in _spots(now, i, own):
            top, left, bottom, right = _window(now.found, places[n], spot, rgb.shape)
            crop = numbers.setdefault((i, top, left, bottom, right), len(crops))
            if crop == len(crops):
                cut = rgb[top:bottom, left:right]
                crops.append(
                    {
                        "png": base64.b64encode(_png(cut)).decode(),
                        "shape": list(cut.shape[:2]),
                        "pixel_um": record.calibration.pixel_um,
                        "context": None,
                    }
                )
            ends = [[row - top, column - left] for row, column in spot]
            items[n] = {
                "n": n,
                "crop": crop,
                **({"at": ends[0]} if now.found.lines is None else {"line": ends}),
            }
    return [items[n] for n in range(len(places))], crops


def _window(found: Population, place: design.Place, spot: _Spot, shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    """Part of a field that is shown: top, left, bottom, right; a whole joint, or what surrounds a point or line."""
    if found.joints:
        rows, columns = found.joints[place.field].box
        more = ceil(_AROUND * max(rows.stop - rows.start, columns.stop - columns.start))
        low = max(0, rows.start - more), max(0, columns.start - more)
        return *low, min(shape[0], rows.stop + more), min(shape[1], columns.stop + more)
    lines = found.lines
    side = _CROP_PX if lines is None else ceil((1 + 2 * _AROUND) * lines.fields[place.field].length_px) + 2 * _AROUND_PX
    top, left = (
        max(0, min(int(fmean(ends)) - side // 2, size - side))
        for ends, size in zip(zip(*spot, strict=True), shape[:2], strict=True)
    )
    return top, left, min(shape[0], top + side), min(shape[1], left + side)


def _spots(now: _Measured, field: int, own: Sequence[tuple[int, design.Place]]) -> Iterator[tuple[int, _Spot]]:
    """Find the points or lines of one field."""
    planned = now.planned
    if now.found.lines is not None:
        yield from ((n, now.found.lines.fields[field].located(place.code, place.rank)) for n, place in own)
        return
    asked = (
        planned.job.recipe,
        _recipe(planned),
        planned.settings,
        now.measured.records[field],
        now.measured.read,
        planned.ledger,
    )
    if now.found.joints:
        strata, numbers, _ = joints_of_field(*asked)
        for n, place in own:
            code = place.code % design.CODES
            yield n, (joint_sample.located(strata, numbers, now.found.joints[place.field], code, place.rank),)
        return
    strata, _ = strata_of_field(*asked)
    for code in sorted({place.code for _, place in own}):
        mine = [(n, place.rank) for n, place in own if place.code == code]
        for (n, _), at in zip(mine, regions.located(strata, code, [rank for _, rank in mine]), strict=True):
            yield n, (at,)


def _png(rgb: NDArray[np.uint8]) -> bytes:
    from PIL import Image

    gray = (rgb == rgb[..., :1]).all()
    file = BytesIO()
    Image.fromarray(np.ascontiguousarray(rgb[..., 0] if gray else rgb)).save(file, "PNG")
    return file.getvalue()


# ------------------------------------------------------------------------------------------------------- planning


def _asked(now: _Measured) -> tuple[Requirement, Result] | None:
    """The first requirement on a result that the answers correct, and its result."""
    own = corrected_quantities(now.found)
    for requirement in now.planned.requirements:
        for result in now.findings.results:
            wanted = requirement.quantity == result.quantity and requirement.specimen in ("", result.specimen)
            if wanted and result.quantity in own:
                return requirement, result
    return None


def _block(now: _Measured, drawn: ledger.Sample, places: Sequence[design.Place]) -> dict[str, str] | None:
    asked = _asked(now)
    plan = None if asked is None else plan_of(now.found, places, asked)
    return None if plan is None else planning.block(plan, drawn.id)


def _standing(now: _Measured, correction: Correction, given: ledger.Given) -> Standing:
    after = conclusion.findings_of(now.asked, now.measured, correction)
    own = {(one.specimen, one.quantity) for one in correction.results}
    pairs = tuple(
        (old, new)
        for old, new in zip(now.findings.results, after.results, strict=True)
        if (old.specimen, old.quantity) in own
    )
    judged = conclusion.verdicts(now.asked, now.measured, after)
    decided = tuple(one for one in judged if (one.specimen, one.quantity) in own)
    return Standing(
        correction=correction, results=pairs, conformities=decided, more=_more(now, correction, pairs, given)
    )


def _more(
    now: _Measured, correction: Correction, pairs: Sequence[tuple[Result, Result]], given: ledger.Given
) -> int | None:
    """Answers that should decide the first requirement on a corrected result; None: none is asked, or no number does.

    Of lines by the interval itself, which the page does not have.
    """
    if now.found.lines is not None:
        return _more_lines(now, correction, [new for _, new in pairs])
    asked = _asked(now)
    if asked is None:
        return None
    value = next(new.value for old, new in pairs if old == asked[1])
    plan = plan_of(now.found, _places(now.found, given.sample), asked, value)
    count = correction.points * len({one.specimen for one in correction.results})
    said = {one.n: one for one in given.answers.answers}
    untold = [ledger.Answer(n=n, value=ledger.CANNOT_TELL) for n in range(count)]
    return None if plan is None else planning.more(plan, [said.get(one.n, one) for one in untold])


def _more_lines(now: _Measured, correction: Correction, results: Sequence[Result]) -> int | None:
    """Lines that should decide the first requirement on a corrected result; None: none is asked, or no number does."""
    by_hand = {(one.specimen, one.quantity): one.found for one in correction.results}
    for requirement in now.planned.requirements:
        for result in results:
            if requirement.quantity == result.quantity and requirement.specimen in ("", result.specimen):
                found, unit = by_hand[result.specimen, result.quantity], requirement.unit or result.unit
                limits = [one for one in (requirement.lower, requirement.upper) if one is not None]
                return planning.more_lines(
                    correction.points,
                    side=max(found.value - found.low, found.high - found.value),
                    distance=min(abs(convert(limit, unit, result.unit) - result.value) for limit in limits),
                    fixed_u=scatter_of(result),
                )
    return None
