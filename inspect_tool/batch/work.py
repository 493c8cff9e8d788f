"""Workers: they take jobs from the queue of a lab, one at a time, each done in a process of its own.

What ends such a process (memory that runs out, a crash of a library) ends one try of one job. Its fields may be
measured by the workers of a cluster; the job, its lease and its report stay with the process. A report takes its place
while its row in the queue is locked, so that nobody takes the job over in that moment; the row has said before which
report that will be. One that was killed between that and the note that it is done finds this report at the next try,
and measures nothing twice.
"""

import logging
import multiprocessing
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Literal

from inspect_tool import folders
from inspect_tool.batch import cluster, queue
from inspect_tool.batch.owners import alive, take_from_the_dead
from inspect_tool.batch.queue import LEASE_S, Order, Work
from inspect_tool.errors import InspectError, NoClusterError, OutputError, SettingsError
from inspect_tool.evidence.recovery import record, recover
from inspect_tool.files import load_job, load_report, sha256_bytes, sha256_file
from inspect_tool.inspection import job_plan, job_run, journal
from inspect_tool.inspection.workers import Machines, begin, deaf_offspring
from inspect_tool.lab import defaults, index, inspections
from inspect_tool.lab import run as for_lab
from inspect_tool.lab.database import Lab, connected

Kind = Literal["begun", "step", "done", "again", "failed", "lost", "alone", "idle"]
POLL_S = 2.0
"""How often a worker without work looks for some [s]."""
BEAT_S = 5.0
"""How often leases are renewed [s]: as soon a job that was canceled is stopped."""
LOADED = ("inspect_tool.recipes.porosity", "inspect_tool.segmentation.threshold", "inspect_tool.images.readers.tiff")
"""Modules that most jobs need."""
_GRACE_S = 10.0  # for a job that is stopped to clean up [s]
_LOG = logging.getLogger(__name__)


class LeaseLostError(InspectError):
    """A job belongs to another worker, or was canceled; nothing of it is published."""


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """What happened to a job: it was begun, measured a step of, done, failed (for good, or once), or taken away.

    ``alone``: its process has no cluster to work with, which ends ``serve``. ``idle``: nothing is under way, and there
    is nothing to take.
    """

    kind: Kind
    work: Work | None = None
    text: str = ""  # of a step: what is being done; of a failure: its error
    step: int = 0
    steps: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Running:
    work: Work
    process: BaseProcess
    told: "Connection[Any, News]"


# ------------------------------------------------------------------------------------------------------- into the queue


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """Jobs that are in the queue, and the names of those that something is wrong with, and what."""

    works: tuple[Work, ...]
    faults: Mapping[str, str]


def put_in(lab: Lab, orders: Sequence[Order], tell: job_plan.Progress = job_plan.silent) -> Taken:
    """Put jobs that were named into the queue, whatever became of them before; what can be wrong is looked for first.

    What waits or is under way stays so; what failed or was canceled gets all its tries again; what is done is done
    again only where its report is gone or changed, or its images or corrections are others now.
    """
    sound: list[Order] = []
    anew: set[str] = set()  # keys
    faults: dict[str, str] = {}
    with connected(lab, read_only=True) as connection:
        seen = queue.clock(connection)
        known = {work.key: work for work in queue.listed(connection, names=[asked.name for asked in orders])}
    for i, asked in enumerate(orders):
        tell(i, len(orders), "checking the jobs")
        try:
            key = queue.key_of(asked)
            work = known.get(key)
            if work is None or work.state not in ("todo", "doing"):
                planned = _planned(lab, asked)
                if work is None or work.state != "done" or not _stands(work, planned):
                    anew.add(key)
        except InspectError as error:
            faults[asked.name] = str(error)
        else:
            sound.append(asked)
    with connected(lab) as connection:
        ids = queue.submit(connection, sound)
        queue.again(connection, [work.id for work in queue.listed(connection, ids) if work.key in anew], by=seen)
        return Taken(works=queue.listed(connection, ids), faults=faults)


def _planned(lab: Lab, asked: Order) -> job_plan.Plan:
    return job_plan.plan(asked.job, text=defaults.completed(lab, asked.job))


def _stands(work: Work, planned: job_plan.Plan) -> bool:
    """Whether the report of a job is in its place, and of its text, images and corrections as they are now."""
    path = work.order.folder / "report.json"
    if not _is_in_its_place(work):
        return False
    report = load_report(path)
    told = {one.sha256 for one in report.micrographs} | {one.sha256 for one in report.lost}
    there = {one.sha256 for one in planned.sources}
    used = {one.sha256 for one in report.attachments if one.role == "edit" and one.file.endswith(".toml")}
    corrected = {sha256_bytes(entry.text) for entry in planned.ledger}
    return report.provenance.job_sha256 == planned.sha256 and told == there and used == corrected


def _is_in_its_place(work: Work) -> bool:
    """Whether the report that a job announced is where it was to be; a disk that cannot be read is no answer."""
    path = work.order.folder / "report.json"
    try:
        return sha256_file(path) == work.report_uid
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        msg = f"{path}: cannot be read: {error.strerror}; whether the job is to be measured again cannot be told"
        raise OutputError(msg) from None


# ------------------------------------------------------------------------------------------------------------ one job


def carry_out(
    lab: Lab, owner: str, work: Work, *, lease_s: float, tell: job_plan.Progress, machines: Machines | None = None
) -> str:
    """Measure a job, publish its report, let the lab remember it, and mark it done. Gives its uid.

    ``machines`` measure its fields; None: this process does.

    Raises
    ------
    LeaseLostError
        The job is not the owner's any more.
    InspectError
        As ``job_run.run``, and where the job file was changed since it was put into the queue.
    """
    asked = work.order
    if queue.key_of(asked) != work.key:
        msg = f"{asked.job}: was changed after it was put into the queue; put it in again"
        raise SettingsError(msg)
    if published(lab, work):
        journal.left_of(asked.folder)
    else:
        text = defaults.completed(lab, asked.job)
        if asked.out == lab.reports:
            for_lab.check_same(asked.job, text, asked.folder)
        exports = tuple(dict.fromkeys(("json", *load_job(asked.job).exports)))
        fence = partial(_fenced, lab, owner, work, lease_s)
        job_run.run(
            asked.job,
            asked.out,
            name=asked.name,
            text=text,
            executor=machines,
            exports=exports,
            progress=tell,
            user=inspections.sender(lab, asked.job),
            publication=fence,
        )
    uid = index.add(lab, asked.folder).uid
    with connected(lab) as connection:
        if not queue.done(connection, owner, work.id, uid):
            raise _lost(work)
    return uid


def published(lab: Lab, work: Work) -> bool:
    """Whether the report of a job lies in its place: an earlier try was ended after it had put it there.

    It is the one that this try had announced in the queue, nothing in its folder was changed since, and the text of the
    job, the defaults of the lab and the images are what they were. Its run is recorded, where the try did not come to
    that. No clock is asked: those of several computers differ.

    Raises
    ------
    InspectError
        Its run cannot be recorded, or it cannot be told: measuring the job again would be wrong.
    """
    folder = work.order.folder
    recover(work.order.out)
    if not work.report_uid or not _is_in_its_place(work) or folders.in_the_way(folder):
        return False
    if (folder / folders.PENDING).exists():
        record(folder)
    return _stands(work, _planned(lab, work.order))


@contextmanager
def _fenced(lab: Lab, owner: str, work: Work, lease_s: float, folder: Path) -> Iterator[None]:
    """Announce the report in a folder, then hold the row of its job, so that nobody takes that meanwhile."""
    uid = sha256_file(folder / "report.json")
    with connected(lab) as connection:  # a transaction of its own: it must outlive a kill in the next one
        if not queue.announce(connection, owner, work.id, uid):
            raise _lost(work)
    with connected(lab) as connection:
        if not queue.beat(connection, owner, [work.id], lease_s):
            raise _lost(work)
        yield


def _lost(work: Work) -> LeaseLostError:
    return LeaseLostError(f"{work.order.job}: another worker has it, or it was canceled; nothing was published")


def _do(
    lab: Lab, owner: str, work: Work, lease_s: float, address: str, told: "Connection[News, Any]", watched: Connection
) -> None:
    """Do a job in this process, which is its own, and tell what became of it."""
    begin(watched)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # unwinds: what is half written is removed

    def tell(kind: Kind, text: str = "", step: int = 0, steps: int = 0) -> None:
        with suppress(OSError):  # nobody listens any more: this process is about to end too
            told.send(News(kind=kind, text=text, step=step, steps=steps))

    def step(done: int, steps: int, text: str) -> None:
        tell("step", text, done, steps)

    try:
        with cluster.connected(address) if address else nullcontext() as machines:
            carry_out(lab, owner, work, lease_s=lease_s, tell=step, machines=machines)
        tell("done")
    except LeaseLostError:
        tell("lost")
    except NoClusterError as error:
        tell("alone", str(error))
    except InspectError as error:
        tell("failed", str(error))
    except MemoryError:
        tell("failed", f"{work.order.job}: memory ran out; try fewer --workers")
    except Exception as error:
        traceback.print_exc()
        tell("failed", str(InspectError(f"{_of_a_bug(work)}{error!r}")))


def is_bug(work: Work) -> bool:
    """Whether a job failed by a fault of ours, and not by what its user can mend."""
    return work.state == "failed" and work.error.startswith(str(InspectError(_of_a_bug(work))))


def _of_a_bug(work: Work) -> str:
    return f"{work.order.job}: a bug of inspect_tool: "


# ------------------------------------------------------------------------------------------------------------- workers


def serve(
    lab: Lab,
    *,
    workers: int,
    among: Iterable[int] | None = None,
    lease_s: float = LEASE_S,
    poll_s: float = POLL_S,
    address: str = "",
) -> Generator[News, None, None]:
    """Do the jobs of a queue, and tell what happens; it goes on until whoever listens has heard enough and closes it.

    Jobs that are under way then are stopped, leave nothing half written, and wait again in the queue.

    Parameters
    ----------
    lab : Lab
        Whose queue it is; other programs, on other computers too, may do jobs of it at the same time.
    workers : int
        Jobs at the same time.
    among : iterable of int, optional
        Ids of the jobs that are done; None: all, also those that come later.
    lease_s : float
        How long a job is left to a program that is not heard of [s].
    poll_s : float
        How often is looked for jobs while there is room for more [s].
    address : str
        Of the scheduler of a cluster that measures the fields, as ``cluster.connected`` takes it. Empty: each job is
        measured by its own process.

    Raises
    ------
    NoClusterError
        Nobody is there at the address, or not any more. No job loses a try by it.
    OutputError
        The database of the lab cannot be reached or written.
    """
    among = None if among is None else tuple(among)
    running: dict[int, _Running] = {}
    with (
        alive(lab) as owner,
        _starter(lab, owner, lease_s, address) as start,
        _beating(lab, owner, running, lease_s) as lost,
    ):
        try:
            looks = 0.0
            while True:
                while len(running) < workers and time.monotonic() >= looks:
                    work = _next(lab, owner, among, running, lease_s)
                    if work is None:
                        looks = time.monotonic() + poll_s
                        break
                    running[work.id] = start(work)
                    yield News(kind="begun", work=work)
                if not running:
                    yield News(kind="idle")
                    time.sleep(max(0.0, looks - time.monotonic()))
                    continue
                full = len(running) == workers
                patience = 1.0 if full else max(0.0, looks - time.monotonic())
                ready = wait([one.told for one in running.values()], patience)
                for one in [one for one in running.values() if one.told in ready or one.process.name in lost]:
                    news = _heard(lab, owner, one, taken=one.process.name in lost)
                    if news.kind == "alone":
                        raise NoClusterError(news.text)
                    if news.kind != "step":
                        del running[one.work.id]
                        looks = 0.0
                    yield news
        finally:
            for one in running.values():
                one.process.terminate()
            for one in running.values():
                _end(one)
            with suppress(OutputError), connected(lab) as connection:  # else they are taken when their lease ends
                queue.release(connection, owner)


def _heard(lab: Lab, owner: str, one: _Running, *, taken: bool) -> News:
    """What a job that runs has told, or what became of it."""
    if taken:
        one.process.terminate()
        one.process.join(_GRACE_S)
    try:
        news = replace(one.told.recv(), work=one.work)
    except (EOFError, OSError):
        news = None
    if news is not None and news.kind == "step":
        return news
    _end(one)
    if news is None:
        news = News(kind="lost", work=one.work) if taken else News(kind="failed", work=one.work, text=_cause(one))
    if news.kind == "failed":
        with connected(lab) as connection:
            state = queue.failed(connection, owner, one.work.id, news.text)
        return replace(news, kind="failed" if state == "failed" else "again" if state == "todo" else "lost")
    return news


def _next(lab: Lab, owner: str, among: tuple[int, ...] | None, running: Iterable[int], lease_s: float) -> Work | None:
    with connected(lab) as connection:
        work = queue.claim(connection, owner, among=among, without=running, lease_s=lease_s)
    if work is None and take_from_the_dead(lab, owner):
        return _next(lab, owner, among, running, lease_s)
    return work


@contextmanager
def _starter(lab: Lab, owner: str, lease_s: float, address: str) -> Iterator[Callable[[Work], _Running]]:
    """Give what starts the process of a job; all of them end when this process does, however it ends."""
    # on Linux they are copies of a process that has loaded what most jobs need, and done nothing
    forks = sys.platform == "linux"
    context = multiprocessing.get_context("forkserver") if forks else multiprocessing.get_context("spawn")
    context.set_forkserver_preload([__name__, *LOADED])
    watched, held = context.Pipe(duplex=False)

    def start(work: Work) -> _Running:
        told, tells = context.Pipe(duplex=False)
        process = context.Process(target=_do, args=(lab, owner, work, lease_s, address, tells, watched), daemon=True)
        with deaf_offspring():
            process.start()
        tells.close()
        return _Running(work=work, process=process, told=told)

    try:
        yield start
    finally:
        held.close()
        watched.close()


def _end(one: _Running) -> None:
    """Wait for the process of a job; one that does not end is killed, and what it left half written goes."""
    one.process.join(_GRACE_S)
    if one.process.is_alive():
        one.process.kill()
        one.process.join()
    one.told.close()
    if one.process.exitcode:
        recover(one.work.order.out)


def _cause(one: _Running) -> str:
    """Why a process told nothing more."""
    code = one.process.exitcode or 0
    name = signal.Signals(-code).name if code < 0 else f"exit status {code}"
    memory = " (as the system does where memory runs out: try fewer --workers)" if name == "SIGKILL" else ""
    return f"{one.work.order.job}: the process that measured it was ended by {name}{memory}"


@contextmanager
def _beating(lab: Lab, owner: str, running: dict[int, _Running], lease_s: float) -> Iterator[set[str]]:
    """Renew the leases of what runs, beside the work. Gives the processes whose job was taken away, by their names."""
    lost: set[str] = set()
    over = threading.Event()

    def beat() -> None:
        while not over.wait(min(BEAT_S, lease_s / 4)):
            held = dict(running)
            try:
                with connected(lab) as connection:
                    still = queue.beat(connection, owner, held, lease_s)
            except InspectError as error:  # the next beat may come through; who publishes asks again
                _LOG.warning("%s", error)
            else:
                lost.update(one.process.name for id_, one in held.items() if id_ not in still)

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield lost
    finally:
        over.set()
        thread.join()
