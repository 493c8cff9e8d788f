"""Inspections that the workbench makes: a job file and its images in a folder of their own, and a row that finds them.

``inspections/NAME/job.toml`` is a job like any other: ``inspect-tool run`` takes it too. Its images, and the
calibrations that somebody gave for them, come from the inbox.
"""

import os
import shutil
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from fnmatch import fnmatchcase
from itertools import count
from pathlib import Path
from typing import Any, Literal, TypeAlias

from sqlalchemy import Connection, Row, func, literal, select, update

from inspect_tool import registry
from inspect_tool.errors import OutputError, SettingsError
from inspect_tool.evidence.provenance import now
from inspect_tool.files import read_bytes, sha256_file, write_text, write_whole
from inspect_tool.inspection.job_plan import Plan, plan
from inspect_tool.inspection.starter import Answers, starter_job
from inspect_tool.lab import intake, tables
from inspect_tool.lab.database import Lab, connected
from inspect_tool.lab.users import Person
from inspect_tool.model import Acceptance, Calibration, Plane, Specimen
from inspect_tool.paths import same_name

FOLDER = "inspections"
JOB = "job.toml"
LAB = "../.."
"""Where the folder of the lab is from that of a job."""
CHECKED = ".."
"""Where it is from a job that is only checked."""

State: TypeAlias = Literal["draft", "waiting", "measuring", "done", "failed", "canceled"]
_OF_QUEUE: dict[str, State] = {"todo": "waiting", "doing": "measuring"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Images of one section of one specimen, by their numbers in the intake."""

    images: tuple[int, ...]
    specimen: str = "1"
    section: str = "1"
    plane: Plane = "not stated"


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """An inspection and what became of it."""

    name: str
    title: str
    recipe: str
    job: Path
    by: str  # full name of who sent it to the queue last, or made it
    account: int | None  # None: single-user mode
    added: datetime
    work: int | None  # in the queue; None: it was not sent there yet
    state: State
    error: str  # of the last try, in one line
    report: str  # uid of its report; empty: there is none
    started: datetime | None
    ended: datetime | None


def make(
    lab: Lab,
    person: Person,
    recipe: str,
    groups: Sequence[Group],
    answers: Answers,
    *,
    again: Collection[int] = (),
    single_user: bool = False,
) -> str:
    """Make an inspection of images of the intake; gives its name.

    Parameters
    ----------
    person : Person
        Who asks for it, and stands in the report as its operator.
    recipe : str
    groups : sequence of Group
    answers : Answers
        All that the job says besides its images and its operator; files that it names are relative to the lab's folder
        by ``LAB``.
    again : collection of int
        Images that are meant although another inspection has them already.
    single_user : bool
        Nobody has an account; the job and its report say so.

    Raises
    ------
    SettingsError
        An image is not there, or not any more; nothing was changed then.
    OutputError
        The folder cannot be written.
    """
    title = answers.header.get("title") or str(registry.load("recipe", recipe).TITLE)
    numbers = [number for group in groups for number in group.images]
    with connected(lab, read_only=True) as connection:
        names = {image.id: image.name for image in images_of(connection, numbers, again)}
    scales = _scales(lab, answers, numbers)
    kept = {number: f"calibrations/{sha256_file(path)[:12]}.toml" for number, path in scales.items()}
    with _new_place(lab, recipe) as folder, intake.using(lab, numbers, folder / "images", again) as (connection, paths):
        places = {n: path.relative_to(folder).as_posix() for n, path in zip(numbers, paths, strict=True)}
        asked = replace(
            with_images(answers, groups, places, kept),
            header={**answers.header, "operator": person.full_name},
            accept=tuple(replace(one, by=person.full_name) for one in _accepted(answers, names, places)),
            single_user=single_user,
        )
        try:
            for number, path in scales.items():
                (folder / "calibrations").mkdir(exist_ok=True)
                write_whole(folder / kept[number], read_bytes(path))
            write_text(folder / JOB, starter_job(recipe, JOB, asked))
        except OSError as error:
            msg = f"{folder}: cannot be written: {error.strerror}; nothing was changed"
            raise OutputError(msg) from None
        connection.execute(
            tables.inspection.insert().values(
                name=folder.name,
                title=title,
                recipe=recipe,
                job=f"{FOLDER}/{folder.name}/{JOB}",
                by=person.full_name,
                account=person.id,
                added=now(),
            )
        )
    return folder.name


def draft(lab: Lab, recipe: str, groups: Sequence[Group], answers: Answers, again: Collection[int] = ()) -> Plan:
    """Check an inspection that is not made yet, as its job will be; files that it names are relative to ``CHECKED``.

    Raises
    ------
    InspectError
        What is wrong with it.
    """
    with connected(lab, read_only=True) as connection:
        images = images_of(connection, [number for group in groups for number in group.images], again)
    scales = {
        number: f"{CHECKED}/{path.relative_to(lab.folder).as_posix()}"
        for number, path in _scales(lab, answers, [image.id for image in images]).items()
    }
    places = {image.id: f"{CHECKED}/{image.place}" for image in images}
    accept = _accepted(answers, {image.id: image.name for image in images}, places)
    named = with_images(replace(answers, accept=accept), groups, places, scales)
    folder = lab.folder / FOLDER
    folder.mkdir(exist_ok=True)
    return plan(folder / "new.toml", text=starter_job(recipe, JOB, named).encode())


def _accepted(answers: Answers, names: Mapping[int, str], places: Mapping[int, str]) -> tuple[Acceptance, ...]:
    """What is measured in spite of its quality, by the names of files in place of those in the intake."""

    def files(asked: str) -> list[str]:
        found = [Path(places[number]).name for number, name in names.items() if fnmatchcase(name, asked)]
        return found or [asked]  # is refused by this name

    return tuple(
        replace(one, images=tuple(file for asked in one.images for file in files(asked))) for one in answers.accept
    )


def with_images(
    answers: Answers, groups: Sequence[Group], places: Mapping[int, str], scales: Mapping[int, str]
) -> Answers:
    """Answers that name the files of images and their calibrations, relative to the job, by numbers of the intake."""
    alone = len(groups) == 1 and groups[0] == Group(images=groups[0].images)
    if len({scales.get(number) for number in places}) == 1:
        if scales:
            answers = replace(answers, scale="laboratory", calibration={"file": next(iter(scales.values()))})
        scales = {}
    if alone and not scales:
        return replace(answers, images=tuple(places[number] for number in groups[0].images))
    specimens = tuple(
        Specimen(
            id=group.specimen,
            section=group.section,
            plane=group.plane,
            images=tuple(places[number] for number in group.images if scales.get(number) == scale),
            calibration=None if scale is None else Calibration(file=scale),
        )
        for group in groups
        for scale in dict.fromkeys(scales.get(number) for number in group.images)
    )
    return replace(answers, specimens=specimens)


def images_of(connection: Connection, numbers: Sequence[int], again: Collection[int] = ()) -> list[Row[Any]]:
    """Rows of images of the intake, in the order in which they are asked for.

    ``again``: those that are meant although an inspection has them already.

    Raises
    ------
    SettingsError
        None is asked for, one twice, one that may not be measured, or one that somebody else was first with.
    """
    if not numbers:
        msg = "images: none is chosen; choose at least one"
        raise SettingsError(msg)
    found = {row.id: row for row in connection.execute(select(tables.intake).where(tables.intake.c.id.in_(numbers)))}
    for i, number in enumerate(numbers):
        row = found.get(number)
        if row is None or row.state not in ("new", "used"):
            why = "there is none" if row is None else f"'{row.name}' was {row.state}"
            msg = f"image {number}: {why}; choose it anew in the inbox"
            raise SettingsError(msg)
        if number in numbers[:i]:
            msg = f"image {number}: '{row.name}' is chosen twice; a field counts once"
            raise SettingsError(msg)
        if row.state == "used" and number not in again:
            owner = Path(row.place).parts[1]
            msg = f"image {number}: inspection {owner} has '{row.name}' meanwhile; choose it anew to measure it again"
            raise SettingsError(msg)
    return [found[number] for number in numbers]


# ------------------------------------------------------------------------------------------------------------ a look


def by_name(lab: Lab, connection: Connection, name: str) -> Inspection:
    """One inspection.

    Raises
    ------
    SettingsError
        There is none of this name.
    """
    row = connection.execute(_with_work().where(tables.inspection.c.name == name)).one_or_none()
    if row is None:
        msg = f"inspection '{name[:80]}': there is none"
        raise SettingsError(msg)
    return _inspection(lab, row)


def listed(lab: Lab, connection: Connection, limit: int = 100) -> tuple[Inspection, ...]:
    """The newest inspections."""
    rows = connection.execute(_with_work().order_by(tables.inspection.c.id.desc()).limit(limit))
    return tuple(_inspection(lab, row) for row in rows)


def is_any_open(connection: Connection) -> bool:
    """Whether one waits or is measured."""
    open_ = select(func.count()).select_from(tables.inspection.join(tables.work))
    return bool(connection.scalar(open_.where(tables.work.c.state.in_(tuple(_OF_QUEUE)))))


def sender(lab: Lab, job: Path) -> str:
    """Full name of who sent a job to the queue from the workbench; empty: nobody did."""
    if not job.is_relative_to(lab.folder):
        return ""
    place = job.relative_to(lab.folder).as_posix()
    with connected(lab, read_only=True) as connection:
        return connection.scalar(select(tables.inspection.c.by).where(tables.inspection.c.job == place)) or ""


def change(connection: Connection, name: str, *, person: Person | None = None, work: int | None = None) -> None:
    """Note who sends an inspection to the queue, and which job of the queue it is."""
    values = {} if person is None else {"by": person.full_name, "account": person.id}
    values |= {} if work is None else {"work": work}
    connection.execute(update(tables.inspection).where(tables.inspection.c.name == name).values(values))


# ------------------------------------------------------------------------------------------------------------- parts


def _with_work() -> Any:
    work, report = tables.work.c, tables.report.c
    here = report.place == literal("reports/") + tables.inspection.c.name
    return (
        select(
            tables.inspection,
            work.state.label("work_state"),
            work.error,
            work.report_uid,
            work.started,
            work.ended,
            select(report.uid).where(here).limit(1).scalar_subquery().label("uid"),
        )
        .select_from(tables.inspection)
        .outerjoin(tables.work, tables.inspection.c.work == work.id)
    )


def _inspection(lab: Lab, row: Row[Any]) -> Inspection:
    state: State = "draft" if row.work_state is None else _OF_QUEUE.get(row.work_state, row.work_state)
    return Inspection(
        name=row.name,
        title=row.title,
        recipe=row.recipe,
        job=lab.folder / row.job,
        by=row.by,
        account=row.account,
        added=row.added,
        work=row.work,
        state=state,
        error=" ".join((row.error or "").split()).replace(f"{lab.folder}{os.sep}", ""),
        report=(row.uid or row.report_uid or "") if state == "done" else "",
        started=row.started,
        ended=row.ended,
    )


@contextmanager
def _new_place(lab: Lab, recipe: str) -> Iterator[Path]:
    """Make a folder of a name that is free: the recipe, the day and a number; it is gone when the block fails."""
    begin = f"{same_name(recipe)}_{now():%Y%m%d}_"
    with connected(lab, read_only=True) as connection:
        known = select(tables.inspection.c.name).where(tables.inspection.c.name.startswith(begin, autoescape=True))
        taken = set(connection.scalars(known))
    for number in count(1):
        folder = lab.folder / FOLDER / f"{begin}{number}"
        if folder.name in taken or (lab.reports / folder.name).exists():
            continue
        try:
            folder.parent.mkdir(exist_ok=True)
            folder.mkdir()
            (folder / "images").mkdir()
        except FileExistsError:
            continue
        except OSError as error:
            msg = f"{folder}: cannot be made: {error.strerror}"
            raise OutputError(msg) from None
        break
    try:
        yield folder
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _scales(lab: Lab, answers: Answers, numbers: Sequence[int]) -> dict[int, Path]:
    """Calibration files that somebody gave for images in the inbox, where the job leaves the scale to them."""
    if answers.scale != "file":
        return {}
    found = {number: intake.calibrations_of(lab, number) for number in numbers}
    return {number: paths[0] for number, paths in found.items() if paths}
