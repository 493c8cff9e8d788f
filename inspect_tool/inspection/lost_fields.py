"""Images that a job goes on without: which may be lost, what the report says of them, and how a user is told.

A field is not lost at random. A file that is damaged says nothing of the specimen; an image that the quality gate, the
backend or the recipe fails on does, and what it would have shown is not in the numbers: it passes no requirement.
"""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from inspect_tool.acceptance import plausibility
from inspect_tool.errors import BackendError, InspectError, MeasurementError, ReadError
from inspect_tool.inspection.job_plan import Plan, Source
from inspect_tool.languages import Text, joined
from inspect_tool.model import Check, LostField, MicrographRecord, Table

OF_ONE_IMAGE = (ReadError, MeasurementError, BackendError)
"""Errors that may be those of one image; what is wrong with settings or scales is wrong for the job."""

_NAMED = 12  # images that one message names
_NOTED = 3  # that a check names; the table has all
_LOG = logging.getLogger(__name__)


def ways_on(planned: Plan) -> tuple[str | None, ...]:
    """How to go on without each image of a job, for the end of a message; None: the job does so.

    It does where it says so and no person has corrected the image by hand. The words are empty where it could not.
    """
    counts = Counter(source.specimen for source in planned.sources)
    edited = {entry.edit.image_sha256 for entry in planned.ledger}

    def way(source: Source) -> str | None:
        if source.sha256 in edited:
            return ""
        if planned.job.skip_damaged == "report":
            return None
        return _ADVICE if counts[source.specimen] > 1 else ""

    return tuple(way(source) for source in planned.sources)


def skipped(
    planned: Plan, refused: Mapping[int, InspectError], before: Mapping[int, LostField] | None = None
) -> dict[int, LostField]:
    """Images that a job goes on without, by index; ``before``: those that are lost already.

    Raises
    ------
    InspectError
        The job does not go on without one of them, or a specimen has lost all of its images.
    """
    if not refused:
        return {}
    ways = ways_on(planned)
    stops = {i: error for i, error in refused.items() if ways[i] is not None or not isinstance(error, OF_ONE_IMAGE)}
    if stops:
        raise _together(stops, ways)
    found = {i: _lost(planned, i, error) for i, error in refused.items()}
    gone = {*found, *(before or {})}
    for specimen in dict.fromkeys(source.specimen for source in planned.sources):
        own = {i for i, source in enumerate(planned.sources) if source.specimen == specimen}
        if own <= gone:
            why = {i: refused[i] for i in sorted(own) if i in refused}
            told = _named([" ".join(str(error).split()) for error in why.values()])
            msg = (
                f"specimen '{specimen}': none of its {len(own)} images can be measured, so nothing can be said of it: "
                f"{told}; mend them, or take the specimen out of the job"
            )
            raise type(next(iter(why.values())))(msg)
    for error in list(refused.values())[:_NAMED]:
        _LOG.warning("goes on without %s", error)
    return found


def others(sources: Sequence[Source], lost: Sequence[LostField]) -> tuple[Source, ...]:
    """Sources of a job without those that it has lost."""
    gone = {one.place for one in lost}
    return tuple(source for place, source in enumerate(sources, start=1) if place not in gone)


def checks(lost: Sequence[LostField], records: Sequence[MicrographRecord]) -> tuple[Check, ...]:
    """One check, which is not met, for every specimen and state of the images that a job goes on without.

    That of images which were read and not measured doubts all results of the specimen (``plausibility``).
    """
    made = []
    for specimen, state in dict.fromkeys((one.specimen, one.state) for one in lost):
        own = [one for one in lost if (one.specimen, one.state) == (specimen, state)]
        count = sum(one.specimen == specimen for one in lost) + sum(one.specimen == specimen for one in records)
        more = Text("inspection.and_more_lost", n=len(own) - _NOTED) if len(own) > _NOTED else ""
        shown = joined("; ", (joined(": ", (one.image, one.reason)) for one in own[:_NOTED])) + more
        if state == "not read":
            made.append(
                Check(
                    name=Text("inspection.check_not_read"),
                    value=float(len(own)),
                    relation="<=",
                    limit=0.0,
                    unit=Text("terms.fields"),
                    passed=False,
                    clause=Text("inspection.clause_lost"),
                    scope="practice",
                    specimen=specimen,
                    note=Text("inspection.note_not_read", lost=len(own), count=count, shown=shown),
                )
            )
        else:
            made.append(
                plausibility.check(
                    Text("inspection.check_not_measured"),
                    float(len(own)),
                    "<=",
                    0.0,
                    Text("terms.fields"),
                    clause=Text("inspection.clause_lost"),
                    specimen=specimen,
                    note=Text("inspection.note_not_measured", lost=len(own), count=count, shown=shown),
                    advice=Text("inspection.advice_not_measured"),
                )
            )
    return tuple(made)


def tables(lost: Sequence[LostField]) -> tuple[Table, ...]:
    """A table of every image that a job goes on without; none where it lost none."""
    if not lost:
        return ()
    states = {"not read": Text("inspection.state_not_read"), "not measured": Text("inspection.state_not_measured")}
    return (
        Table(
            title=Text("inspection.title_lost"),
            columns=(
                *(Text(f"words.{name}") for name in ("image", "specimen", "section", "field")),
                Text("inspection.column_state"),
                Text("inspection.column_reason"),
            ),
            rows=tuple(
                (one.image, one.specimen, one.section, one.field, states[one.state], one.reason) for one in lost
            ),
            note=Text("inspection.note_lost"),
        ),
    )


_ADVICE = '; to have the other images measured, and this one counted as lost in the report: skip_damaged = "report"'


def _lost(planned: Plan, index: int, error: InspectError) -> LostField:
    source = planned.sources[index]
    return LostField(
        image=source.name,
        sha256=source.sha256,
        specimen=source.specimen,
        section=source.section,
        field=source.field,
        place=index + 1,
        # a mask that a person drew, and that cannot be taken, may be that of an odd field
        state="not read" if isinstance(error, ReadError) and not source.mask else "not measured",
        reason=_reason(source, error),
    )


def _reason(source: Source, error: InspectError) -> str:
    """What is wrong with an image, without its name, and without folders of this machine."""
    reason: str = error.reason
    for path in filter(None, (str(source.path), source.mask)):
        if path in reason:
            reason = reason.replace(path, Path(path).name)
    before, named, after = reason.partition(f"{source.name}: ")
    return before + after if named else reason


def _together(stops: Mapping[int, InspectError], ways: Sequence[str | None]) -> InspectError:
    """One error of all images that end a job, with the way on where it is the same for all of them."""
    error = next(iter(stops.values()))
    told = {(ways[i] or "") if isinstance(one, OF_ONE_IMAGE) else "" for i, one in stops.items()}
    way = told.pop() if len(told) == 1 else ""
    if len(stops) == 1:
        return type(error)(f"{error}{way}") if way else error
    shown = _named([" ".join(str(one).split()) for one in stops.values()])
    return type(error)(f"{len(stops)} of {len(ways)} images cannot be used: {shown}{way}")


def _named(told: Sequence[str]) -> str:
    more = f"; and {len(told) - _NAMED} more" if len(told) > _NAMED else ""
    return f"{'; '.join(told[:_NAMED])}{more}"
