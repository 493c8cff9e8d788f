"""A watched folder: look at it, and put a job into the queue of a lab as soon as all of its files are there.

What was seen is kept in the table ``arrival``; a job enters the queue in the same transaction that marks its files as
taken, so that whatever is killed loses no file and measures none twice. One look is a function of the folder, the
rules, what was known before, and the time.
"""

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import ColumnElement, Connection, and_, delete, func, insert, select, update

from inspect_tool import registry
from inspect_tool.batch import arrivals, groups, queue, rules
from inspect_tool.batch.arrivals import Arrival, Key
from inspect_tool.batch.groups import Group, Place
from inspect_tool.errors import OutputError, SettingsError
from inspect_tool.files import sha256_bytes, write_text
from inspect_tool.lab.database import Lab, connected
from inspect_tool.lab.tables import arrival as arrived
from inspect_tool.lab.tables import work
from inspect_tool.languages import Text, Words, joined
from inspect_tool.locks import try_lock
from inspect_tool.model import Selection
from inspect_tool.paths import real, same_name

_PAUSE_S = 600.0  # at most, between two tries to open a file that does not open [s]
_AGES = timedelta(days=365)


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """A folder, its rules, and the lab that gets the jobs."""

    folder: Path  # absolute
    rules: rules.Rules
    lab: Lab


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """How often a file was opened in vain, and when last."""

    times: int
    last: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What one look hands to the next."""

    arrivals: Mapping[Key, Arrival]
    tried: Mapping[Key, Tried] = field(default_factory=dict)
    told: Mapping[str, Words] = field(default_factory=dict)  # by what it is of


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """A folder as it was found."""

    here: tuple[Arrival, ...]  # what is there now
    places: Mapping[str, Place]  # of the images among them, by path
    groups: tuple[Group, ...]
    strangers: tuple[str, ...]  # images that fit no rule
    refused: Mapping[str, Words]  # path to reason


def watched(folder: Path, rules_file: Path, lab: Lab) -> Watched:
    """Check a folder and its rules before anything is looked at.

    Raises
    ------
    SettingsError
        The rules are wrong; or reports or job files would be written into the watched folder, and arrive there.
    """
    prepared = rules.read(rules_file)
    home = real(folder)
    for each in prepared.rules:
        if real(each.template).is_relative_to(home):
            msg = f"{each.template}: lies in the watched folder, where its jobs would arrive; keep it elsewhere"
            raise SettingsError(msg)
    for place in (lab.folder, lab.reports):
        if real(place).is_relative_to(home):
            msg = f"{lab.folder}: lies in the watched folder, where its reports would arrive; watch a folder beside it"
            raise SettingsError(msg)
    return Watched(folder=folder.absolute(), rules=prepared, lab=lab)


def look(at: Watched, known: Known, now: datetime) -> tuple[Known, Look, tuple[Words, ...]]:
    """Look at a folder once, and put the jobs that are complete into the queue.

    Gives what is known now, what was found, and the lines that are new.

    Raises
    ------
    OSError
        The folder cannot be listed.
    InspectError
        The database or a job file cannot be written; nothing is lost by trying again.
    """
    found, tried = seen(at.folder, at.rules, known, now)
    _keep(at, known.arrivals, {each.key: each for each in found.here})
    told = faults(found, at.rules.path.name)
    news: list[Words] = []
    taken: dict[Key, Arrival] = {}
    for group in found.groups:
        if not group.complete:
            continue
        try:
            mine = take(at, group, found.places)
        except SettingsError as error:
            told[group.job] = of(group.job, str(error))
        else:
            taken |= {each.key: each for each in mine}
            news.append(of(group.job, Text("watch.queued", n=len(group.images))))
    here = tuple(taken.get(each.key, each) for each in found.here)
    before = {key: each for key, each in known.arrivals.items() if each.state == "taken"}
    after = Known(arrivals={**before, **{each.key: each for each in here}}, tried=tried, told=told)
    new = (line for what, line in told.items() if known.told.get(what) != line)
    return after, replace(found, here=here), (*new, *news)


def seen(
    folder: Path, by: rules.Rules, known: Known, now: datetime, *, at_once: bool = False
) -> tuple[Look, Mapping[Key, Tried]]:
    """List a folder, open what rests, and put its images into groups; nothing is written.

    ``at_once``: everything counts as resting, for a look that no other one follows.
    """
    listing = arrivals.listed(folder, by.depth)
    all_ = arrivals.noticed(known.arrivals, listing, now)
    if at_once:
        all_ = {key: replace(each, seen=min(each.seen, now - _AGES)) for key, each in all_.items()}
    taken = {each.path: each for each in all_.values() if each.state == "taken"}
    here: list[Arrival] = []
    places: dict[str, Place] = {}
    tried: dict[Key, Tried] = {}
    for path, entry in listing.entries.items():
        each = all_[path, entry.size, entry.mtime_ns]
        place = None if path in taken else groups.place(by, path)
        if place is not None:
            places[path] = place
            note = place.fault or ("" if each.sha256 else each.note)  # of a file that does not open
            each = replace(each, state="refused" if place.fault else "waiting", job=place.job, note=note)
        if each.state == "waiting" and (path in taken or place is not None):
            which = place.rule.which if place is not None else None
            each, again = _opened(folder, each, which, by.rest_s, known.tried.get(each.key), now)
            tried |= {each.key: again} if again is not None else {}
        here.append(_compared(each, taken[path]) if path in taken else each)
    listed = {each.key for each in here}
    away = [each for key, each in all_.items() if key not in listed]  # taken, and moved or changed since
    twice = {each.key: other for each, other in arrivals.duplicates([*away, *here]) if each.path in places}
    here = [_duplicate(each, twice[each.key]) if each.key in twice else each for each in here]
    used = frozenset(same_name(each.job) for each in taken.values())
    found = Look(
        here=tuple(here),
        places=places,
        groups=groups.gathered(by, here, places, used, now),
        strangers=_strangers(listing.entries.keys() - places.keys() - taken.keys()),
        refused=listing.refused,
    )
    return found, tried


def of(what: str, words: Words) -> Words:
    """A line of a watch: the file, the folder or the job that it is of, and what there is to say."""
    return Text("watch.of", what=what, words=words)


def faults(found: Look, rules_name: str) -> dict[str, Words]:
    """What a person should know of a look, by the file or the job that it is of."""
    lines = {path: of(path, reason) for path, reason in found.refused.items()}
    lines |= {path: of(path, Text("watch.no_rule", rules=rules_name)) for path in found.strangers}
    lines |= {each.path: of(each.path, each.note) for each in found.here if each.note and each.state != "taken"}
    return lines | {group.job: of(group.job, joined("; ", group.wrong)) for group in found.groups if group.wrong}


def _strangers(paths: Iterable[str]) -> tuple[str, ...]:
    """Those of some paths whose ending a reader knows."""
    known = image_suffixes()
    return tuple(sorted(path for path in paths if Path(path).suffix.casefold() in known))


def image_suffixes() -> frozenset[str]:
    """Endings of names that a reader knows, in small letters."""
    return frozenset(suffix for name in registry.names("reader") for suffix in registry.load("reader", name).SUFFIXES)


def _opened(
    folder: Path, each: Arrival, which: Selection | None, rest_s: float, before: Tried | None, now: datetime
) -> tuple[Arrival, Tried | None]:
    """Open a file that rests, seldom where that was in vain before: a share may refuse for a while."""
    if each.sha256 or not arrivals.rests(each, now, rest_s):
        return each, None
    times = 0 if before is None else before.times
    if before is not None and timedelta(0) <= now - before.last < timedelta(seconds=min(rest_s * 2**times, _PAUSE_S)):
        return each, before
    found = arrivals.examined(folder, each, which)
    return found, None if found.sha256 else Tried(times=times + 1, last=now)


def _compared(each: Arrival, before: Arrival) -> Arrival:
    """A file whose place held one that was taken: the same, copied anew or touched, or another one."""
    if each.state == "taken" or not each.sha256:
        return each
    if each.sha256 == before.sha256:
        return replace(each, state="taken", job=before.job)
    note = Text("watch.changed_since", job=before.job, then=before.sha256[:12], now=each.sha256[:12])
    return replace(each, state="refused", job=before.job, note=note)


def _duplicate(each: Arrival, other: Arrival) -> Arrival:
    note = (
        Text("watch.same_as_of_job", other=other.path, job=other.job)
        if other.state == "taken"
        else Text("watch.same_as", other=other.path)
    )
    return replace(each, state="duplicate", note=note)


# ------------------------------------------------------------------------------------------------------------- a job


def take(at: Watched, group: Group, places: Mapping[str, Place]) -> tuple[Arrival, ...]:
    """Write the job of a complete group, put it into the queue, and mark its files as taken.

    Raises
    ------
    SettingsError
        It cannot be: a side-car is wrong, a file changed just now, or the name is in use.
    """
    beside = [arrivals.examined(at.folder, each, None) for each in group.beside]
    late = next((each for each in beside if not each.sha256), None)
    late = late or next((each for each in group.images if not arrivals.unchanged(at.folder, each)), None)
    if late is not None:
        msg = f"{late.path}: {late.note or 'changed just now'}"
        raise SettingsError(msg)
    images, sidecar = parts_of(at.folder, group, places)
    text = rules.job_text(group.rule, rules.job_data(group.rule, images, sidecar))
    order = queue.order(group.rule.template.parent / f"{group.job}.toml", at.lab.reports, group.job)
    mine = tuple(replace(each, state="taken", job=group.job, note="") for each in (*group.images, *beside))
    with connected(at.lab) as connection:
        _check_free(connection, order, text)
        try:
            write_text(order.job, text)
        except OSError as error:
            msg = f"{order.job}: cannot be written: {error.strerror}; jobs stand beside their template"
            raise OutputError(msg) from None
        queue.submit(connection, [order])
        for each in mine:
            put(connection, at.folder, each)
    return mine


def parts_of(folder: Path, group: Group, places: Mapping[str, Place]) -> tuple[tuple[rules.Image, ...], Path | None]:
    """What a job is made of: the images of a group with what their names say, and its side-car."""
    images = tuple(rules.Image(path=folder / each.path, values=places[each.path].values) for each in group.images)
    return images, None if group.sidecar is None else folder / group.sidecar.path


def _check_free(connection: Connection, order: queue.Order, text: str) -> None:
    """Refuse a job that would take the place of another one.

    A job file that the watch wrote and no job in the queue names was left by a kill: it is written anew.
    """
    if (
        order.folder.exists()
        or connection.execute(
            select(work.c.id)
            .where(work.c.out == str(order.out), func.lower(work.c.name) == order.name.lower())
            .limit(1)
        ).first()
    ):
        msg = f"a report or a job of this name is there already ({order.folder}); give the new files another name"
        raise SettingsError(msg)
    try:
        before = order.job.read_text(encoding="utf-8")
    except FileNotFoundError:
        return
    except (OSError, UnicodeDecodeError):
        before = ""
    in_use = connection.execute(select(work.c.id).where(work.c.job == str(order.job)).limit(1)).first()
    if before != text and (in_use or not before.startswith(rules.MADE)):
        msg = f"{order.job}: is there already and not of this job; move it away"
        raise SettingsError(msg)


# -------------------------------------------------------------------------------------------------------- what is kept


def kept(lab: Lab, folder: Path) -> dict[Key, Arrival]:
    """What is known of a folder from before."""
    home = _home(folder)
    with connected(lab, read_only=True) as connection:
        rows = connection.execute(
            select(arrived).where(arrived.c.path.startswith(home, autoescape=True)).order_by(arrived.c.id)
        ).all()
    found = (
        Arrival(
            path=row.path.removeprefix(home),
            size=row.size,
            mtime_ns=row.mtime_ns,
            seen=row.seen,
            sha256=row.sha256 or "",
            state=row.state,
            job=row.job,
            note=row.note,
        )
        for row in rows
    )
    return {each.key: each for each in found}


def _home(folder: Path) -> str:
    return f"{folder.as_posix().rstrip('/')}/"


def _keep(at: Watched, before: Mapping[Key, Arrival], after: Mapping[Key, Arrival]) -> None:
    """Keep what has changed of the files that a rule is for; what is gone is forgotten unless it was taken."""
    changed = [each for key, each in after.items() if each != before.get(key) and (each.job or each.note)]
    gone = [each for key, each in before.items() if key not in after and each.state != "taken" and each.job + each.note]
    if changed or gone:
        with connected(at.lab) as connection:
            for each in gone:
                connection.execute(delete(arrived).where(_is(at.folder, each)))
            for each in changed:
                put(connection, at.folder, each)


def put(connection: Connection, folder: Path, each: Arrival) -> None:
    """Keep what is known of a file of a folder."""
    values = {
        "seen": each.seen,
        "sha256": each.sha256 or None,
        "state": each.state,
        "job": each.job,
        "note": str(each.note),  # its English words: it is found again at the first look
    }
    if not connection.execute(update(arrived).where(_is(folder, each)).values(values)).rowcount:
        path = _home(folder) + each.path
        connection.execute(insert(arrived).values(path=path, size=each.size, mtime_ns=each.mtime_ns, **values))


def _is(folder: Path, each: Arrival) -> ColumnElement[bool]:
    mine = (arrived.c.path == _home(folder) + each.path, arrived.c.size == each.size)
    return and_(*mine, arrived.c.mtime_ns == each.mtime_ns)


# ------------------------------------------------------------------------------------------------------------ the loop


def watch(
    at: Watched,
    tell: Callable[[Words], None],
    *,
    every_s: float,
    once: bool = False,
    pause: Callable[[float], object] = time.sleep,
) -> Look | None:
    """Look at a folder again and again, until ``pause`` gives True.

    What passes, a share that is gone or a disk that is full, is told once and waited for.

    Parameters
    ----------
    at : Watched
    tell : callable
        Gets each line that is new.
    every_s : float
        Time between two looks [s].
    once : bool
        Look, and where files do not rest yet look once more after the time of rest; then end.
    pause : callable
        Waits for so many seconds.

    Returns
    -------
    Look or None
        The last one; None where the last failed.

    Raises
    ------
    SettingsError
        Another program watches the folder for this lab.
    """
    with _alone(at):
        known = Known(arrivals=kept(at.lab, at.folder))
        trouble: Words = ""
        looks = 0
        while True:
            now, looks, found, before = datetime.now(UTC), looks + 1, None, trouble
            try:
                known, found, lines = look(at, known, now)
                trouble = ""
            except OSError as error:
                lines, trouble = (), of(str(at.folder), Text("watch.not_listed", reason=error.strerror))
            except OutputError as error:
                lines, trouble = (), str(error)
            if trouble != before:
                tell(tried_again(trouble) if trouble else of(str(at.folder), Text("watch.watched_again")))
            for line in lines:
                tell(line)
            if once and (looks == 2 or (found is not None and _all_rest(found, at.rules.rest_s, now))):
                return found
            if pause(at.rules.rest_s if once else every_s):
                return found


def tried_again(trouble: Words) -> Words:
    """Say that what passes is waited for."""
    return Text("watch.tried_again", trouble=trouble)


def _all_rest(found: Look, rest_s: float, now: datetime) -> bool:
    """Whether nothing that belongs to a job still changes."""
    mine = {each.path for group in found.groups for each in group.beside} | found.places.keys()
    return all(arrivals.rests(each, now, rest_s) for each in found.here if each.path in mine)


@contextmanager
def _alone(at: Watched) -> Iterator[None]:
    """Hold the lock of a folder of a lab: two that watch it would tell everything twice."""
    path = at.lab.folder / f".watch-{sha256_bytes(str(real(at.folder)).encode())[:16]}.lock"
    try:
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        msg = f"{path}: cannot be made: {error.strerror}; get write access to the folder"
        raise OutputError(msg) from None
    try:
        if not try_lock(file, path):
            msg = f"{at.folder}: is watched already for the lab {at.lab.folder}; end that program first"
            raise SettingsError(msg)
        yield
    finally:
        os.close(file)
