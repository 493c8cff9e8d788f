"""Lots of incoming inspection: specimens of several days and reports, one sampling plan, a verdict when it is complete.

A lot is stated before its first report by a file in the folder ``lots`` of the lab, or by the reports themselves (their
job has a ``[lot]``). What its specimens say of it is :func:`inspect_tool.acceptance.lots.verdict`, as in one report.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as default
from datetime import date
from pathlib import Path
from typing import Any, Literal, TypeAlias
from urllib.parse import quote

from sqlalchemy import Connection, func, select

from inspect_tool import typos
from inspect_tool.acceptance import lots as acceptance
from inspect_tool.errors import OutputError, SettingsError
from inspect_tool.files import checked, dump_toml, read_toml, stated, toml_text
from inspect_tool.folders import new_file
from inspect_tool.lab import tables
from inspect_tool.lab.database import Lab
from inspect_tool.model import Conformity, Day, Lot, LotVerdict, Requirement, SamplingPlan

FOLDER = "lots"

Decision: TypeAlias = Literal["accepted", "rejected", "not decided"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LotFile:
    """What a file of a lot says, before anything of it was measured."""

    lot: Lot
    opened: Day
    part: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LotReport:
    """A report on specimens of a lot."""

    report: str  # its own number
    uid: str
    day: date
    recipe: str
    part: str
    verdict: str
    specimens: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How far the sample of a lot is inspected, and what it says of the lot."""

    lot: Lot
    part: str
    decision: Decision
    sample: LotVerdict  # by the plan alone
    problems: tuple[str, ...] = ()  # why nothing is decided, whatever the plan says
    notes: tuple[str, ...] = ()
    reports: tuple[LotReport, ...] = default(default_factory=tuple)  # the oldest first; none that was superseded
    opened: date | None = None

    @property
    def measured(self) -> str:
        """How far the sample is inspected."""
        return f"{self.sample.inspected} of {self.lot.plan.n} specimens measured"


def new(lab: Lab, connection: Connection, lot: Lot, *, opened: date, part: str = "") -> Path:
    """State a lot and its sampling plan before its first report; gives the file.

    Raises
    ------
    SettingsError
        The numbers are no single sampling plan, or reports state the lot already.
    OutputError
        A file states the lot already, or its file cannot be written.
    """
    acceptance.check_plan(lot, "lab lot new:")
    if _reported(connection, [lot.id]):
        msg = f"lot {lot.id}: reports state it and its sampling plan already; inspect-tool lab lot show {lot.id}"
        raise SettingsError(msg)
    path = _file_of(lab, lot.id)
    try:
        path.parent.mkdir(exist_ok=True)
    except OSError as error:
        msg = f"{path.parent}: cannot be made: {error.strerror}"
        raise OutputError(msg) from None
    new_file(path, toml_text(LotFile(lot=lot, opened=opened, part=part)).encode())
    return path


def of_job(lot: Lot) -> str:
    """The lines by which a job says that its specimens belong to a lot."""
    return dump_toml({"lot": stated(lot)})


def standing(lab: Lab, connection: Connection, identifier: str) -> Standing:
    """How a lot stands.

    Raises
    ------
    SettingsError
        Neither a file nor a report states a lot of this name.
    """
    found = standings(lab, connection, [identifier])
    if not found:
        there = [*_stated(lab), *connection.scalars(select(tables.lot.c.identifier))]
        msg = f"lot {identifier}: neither a file nor a report of this lab states it{typos.near(identifier, there)}"
        raise SettingsError(msg)
    return found[0]


def listed(lab: Lab, connection: Connection, limit: int | None = 50) -> tuple[Standing, ...]:
    """How lots stand, those with the newest reports or files first."""
    report = tables.report.c
    newest: dict[str, date] = {name: each.opened for name, each in _stated(lab).items()}
    for name, day in connection.execute(
        select(report.lot, func.max(report.day)).where(report.lot != "").group_by(report.lot)
    ):
        newest[name] = max(day, newest.get(name, day))
    names = sorted(newest, key=lambda name: (newest[name], name), reverse=True)
    return standings(lab, connection, names[:limit])


def standings(lab: Lab, connection: Connection, identifiers: Sequence[str]) -> tuple[Standing, ...]:
    """How these lots stand, in their order; without those that nothing states."""
    filed = _stated(lab)
    found: list[Standing] = []
    for first in range(0, len(identifiers), tables.AT_ONCE):
        some = identifiers[first : first + tables.AT_ONCE]
        reported = _reported(connection, some)
        inspected = _inspected(connection, some)
        for name in some:
            file, stated_by_reports = filed.get(name), reported.get(name, [])
            if file is not None or stated_by_reports:
                found.append(_standing(file, stated_by_reports, inspected.get(name, ())))
    return tuple(found)


# ------------------------------------------------------------------------------------------------------------ a lot


@dataclass(frozen=True, slots=True, kw_only=True)
class _Inspected:
    """A report with what was decided on its specimens: (specimen, quantity, decision)."""

    report: LotReport
    decided: tuple[tuple[str, str, str], ...]


def _standing(file: LotFile | None, reported: Sequence[Lot], inspected: Sequence[_Inspected]) -> Standing:
    plans = list(dict.fromkeys([*([] if file is None else [file.lot]), *reported]))
    lot = plans[0]
    reports = tuple(each.report for each in inspected)
    specimens = dict.fromkeys(name for report in reports for name in report.specimens)
    sample = acceptance.verdict(lot, tuple(specimens), _conformities(inspected))
    parts = sorted({*(report.part for report in reports), file.part if file is not None else ""} - {""})
    problems = []
    if len(plans) > 1:
        problems.append(f"its file and its reports state different numbers: {'; '.join(map(_numbers, plans))}")
    if len(parts) > 1:
        problems.append(f"its reports and its file name several parts: {', '.join(parts)}")
    if sample.inspected > lot.plan.n:
        problems.append(f"{sample.inspected} specimens were measured, the sample of the plan has {lot.plan.n}")
    return Standing(
        lot=lot,
        part=", ".join(parts),
        decision="not decided" if problems else sample.verdict,
        sample=sample,
        problems=tuple(problems),
        notes=tuple(_repeated(reports)),
        reports=reports,
        opened=file.opened if file is not None else None,
    )


def _conformities(inspected: Sequence[_Inspected]) -> Iterable[Conformity]:
    """What was decided, and for each specimen each recipe that decides on others of the lot and not yet on this one."""
    judging = {each.report.recipe for each in inspected if each.decided}
    done = {(each.report.recipe, name) for each in inspected for name, _, _ in each.decided}
    for each in inspected:
        for specimen, quantity, decision in each.decided:
            yield _conformity(specimen, quantity, decision)
        for specimen in each.report.specimens:
            for recipe in sorted(judging):
                if (recipe, specimen) not in done:
                    yield _conformity(specimen, recipe, "not stated")


def _conformity(specimen: str, quantity: str, decision: Any) -> Conformity:
    return Conformity(
        requirement=Requirement(quantity=quantity),
        specimen=specimen,
        quantity=quantity,
        value=None,
        unit="",
        expanded_u=None,
        decision=decision,
        probability=None,
        reason="",
    )


def _repeated(reports: Sequence[LotReport]) -> Iterable[str]:
    """Specimens that one recipe measured in several reports: measured again, or several called alike."""
    where: dict[tuple[str, str], list[str]] = {}
    for report in reports:
        for name in report.specimens:
            where.setdefault((name, report.recipe), []).append(report.report)
    for (name, recipe), several in where.items():
        if len(several) > 1:
            yield (
                f"specimen '{name}' is in {', '.join(several)} ({recipe}) and counts once, with the gravest of its "
                "verdicts; call specimens by names of their own, and let a report that corrects another supersede it"
            )


def _inspected(connection: Connection, identifiers: Sequence[str]) -> Mapping[str, Sequence[_Inspected]]:
    """Reports of each lot that none supersedes, the oldest first."""
    report, specimen, result = tables.report.c, tables.specimen.c, tables.result.c
    counts = (report.lot.in_(identifiers), report.superseded_by.is_(None))
    names: dict[int, list[str]] = {}
    of_lots = (
        select(specimen.report, specimen.specimen).join(tables.report, report.id == specimen.report).where(*counts)
    )
    for of, name in connection.execute(of_lots.order_by(specimen.report, specimen.specimen)):
        names.setdefault(of, []).append(name)
    decided: dict[int, list[tuple[str, str, str]]] = {}
    verdicts = (
        select(result.report, result.specimen, result.quantity, result.verdict)
        .join(tables.report, report.id == result.report)
        .where(*counts, result.verdict != "")
        .order_by(result.report, result.position)
    )
    for of, name, quantity, word in connection.execute(verdicts):
        decided.setdefault(of, []).append((name, quantity, word))
    found: dict[str, list[_Inspected]] = {}
    for row in connection.execute(select(tables.report).where(*counts).order_by(report.day, report.started, report.id)):
        made = LotReport(
            report=row.number,
            uid=row.uid,
            day=row.day,
            recipe=row.recipe,
            part=row.part,
            verdict=row.verdict,
            specimens=tuple(names.get(row.id, ())),
        )
        found.setdefault(row.lot, []).append(_Inspected(report=made, decided=tuple(decided.get(row.id, ()))))
    return found


def _reported(connection: Connection, identifiers: Sequence[str]) -> Mapping[str, Sequence[Lot]]:
    """What the reports that count state of each lot, the oldest report first."""
    lot, of, report = tables.lot.c, tables.lot_report.c, tables.report.c
    stating = (
        select(tables.lot)
        .join(tables.lot_report, of.lot == lot.id)
        .join(tables.report, report.id == of.report)
        .where(lot.identifier.in_(identifiers), report.superseded_by.is_(None))
        .order_by(report.day, report.started, report.id)
    )
    found: dict[str, list[Lot]] = {}
    for row in connection.execute(stating):
        plan = SamplingPlan(standard=row.standard, n=row.n, ac=row.ac, re=row.re, source=row.source)
        found.setdefault(row.identifier, []).append(Lot(id=row.identifier, size=row.size, plan=plan))
    return found


def _numbers(lot: Lot) -> str:
    plan = lot.plan
    return (
        f"{lot.size} items, {plan.standard} n = {plan.n}, Ac = {plan.ac}, Re = {plan.re} ({plan.source or 'no source'})"
    )


# ------------------------------------------------------------------------------------------------------------- files


def _file_of(lab: Lab, identifier: str) -> Path:
    return lab.folder / FOLDER / f"lot {quote(identifier, safe=' ,;()+=@')}.toml"


def _stated(lab: Lab) -> dict[str, LotFile]:
    """Lots that have a file."""
    found = {}
    for path in sorted((lab.folder / FOLDER).glob("lot *.toml")):
        file = checked(LotFile, read_toml(path), str(path))
        acceptance.check_plan(file.lot, str(path))
        if path != _file_of(lab, file.lot.id):
            msg = f"{path}: states lot '{file.lot.id}', whose file is {_file_of(lab, file.lot.id).name}; rename it"
            raise SettingsError(msg)
        found[file.lot.id] = file
    return found
