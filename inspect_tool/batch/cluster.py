"""Fields measured by the workers of a Dask cluster, with the numbers of one machine.

Images and pictures travel through folders that all machines see under the same paths; tables and records come back
with the answers. What a worker does is done in a folder of its own below the report that is being written, and goes
into it as a whole: a worker that is lost, or takes itself for lost, leaves nothing half written there. Such a folder
is also the mark of a try. It counts the tries of a field itself, because Dask suspects all that waited at a worker.
"""

import ctypes
import itertools
import logging
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError, Executor, Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from dataclasses import field as default
from functools import lru_cache
from pathlib import Path
from threading import Condition, Event, Thread
from time import monotonic
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from inspect_tool.batch import alike
from inspect_tool.errors import ClusterError, InspectError, MeasurementError, NoClusterError
from inspect_tool.inspection.job_plan import Plan, Source

if TYPE_CHECKING:
    from distributed import Client
    from distributed import Future as Asked

TRIES = 2
"""How often a field is begun that ends the worker that measures it."""

_FOLDER = ".tries"  # below a report that is being written
_SUSPECTED = 20  # times that a field is given up by Dask without having been begun, before we give up too
_PATIENCE_S = 60.0  # without any worker
_LOOKS_S = 2.0
_GATHERED_S = 0.02  # for so long calls are collected before they go out
_FETCHED_S = 0.5  # at the latest after so long answers are asked for


@dataclass(frozen=True, slots=True, kw_only=True)
class _PlanOf:
    """Stands in the arguments of a call for the plan of the job, which a worker has; None: of all its images."""

    sources: tuple[Source, ...] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _FolderOf:
    """Stands for a folder that is written into, or for what has one (``holder``): a worker gives it one of its own."""

    place: Path
    holder: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    """What every field of a job needs at a worker."""

    planned: Plan
    folder: Path
    expected: alike.Expected


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    """What came of one call at a worker."""

    value: Any = None
    refused: InspectError | None = None
    ended: bool = False  # whoever began it before was ended, each time


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Order:
    """A call that somebody waits for."""

    call: "_Call"
    answer: "Future[Any]" = default(default_factory=Future)
    before: int = 0  # how often Dask gave it up


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cluster:
    """The workers that a Dask scheduler knows, in the place of processes of this machine."""

    client: "Client"

    @contextmanager
    def for_job(self, planned: Plan, folder: Path) -> Iterator[Executor]:
        """Give an executor for the fields of one job.

        Every worker is looked at first: its software, the weights and the first image by their SHA-256, and that it
        sees ``folder`` and writes into it. One that comes later is looked at before its first field.

        Raises
        ------
        ClusterError
            Names the worker, and what it does not have.
        """
        planned = replace(
            planned,
            path=planned.path.absolute(),
            sources=_absolute(planned.sources),
        )
        job = _Job(planned=planned, folder=folder.absolute(), expected=alike.expected_of(planned))
        tries = _tries(job.folder)
        tries.mkdir()
        try:
            _look_at_workers(self.client, job)
            with _Workplace(self.client, job) as workplace:
                yield workplace
        finally:
            for _ in range(3):  # somebody may still be writing into it
                shutil.rmtree(tries, ignore_errors=True)


@contextmanager
def connected(address: str) -> Iterator[Cluster]:
    """Connect to a scheduler; what the configuration of Dask says of TLS and timeouts holds.

    Parameters
    ----------
    address : str
        Of the scheduler, as ``tcp://pc1:8786`` or ``tls://pc1:8786``, or the file that it wrote
        (``dask scheduler --scheduler-file``).

    Raises
    ------
    NoClusterError
        Dask is not installed, nobody answers, or there is no worker.
    """
    try:
        from dask import config
        from dask.utils import parse_timedelta
        from distributed import Client
    except ImportError:
        msg = "--cluster needs the extra 'cluster': pip install 'inspect_tool[cluster]'"
        raise NoClusterError(msg) from None
    if shown(address) != address:
        msg = (
            f"{shown(address)}: no user, password or token belongs into an address; keys stand in Dask's configuration"
        )
        raise NoClusterError(msg)
    patience_s = parse_timedelta(config.get("distributed.comm.timeouts.connect", "30s"))
    place = {"scheduler_file": address} if Path(address).is_file() else {"address": address}
    client, told = None, ""
    with _told_once():
        try:
            client = Client(**place, set_as_default=False, name="inspect-tool", timeout=patience_s)  # type: ignore[no-untyped-call]
        except (OSError, ValueError, TypeError, RuntimeError) as error:  # TypeError: tls:// without certificates
            told = " ".join(str(error).split())
        if client is None:  # said here: the error from above would keep a half-made client that cannot be closed later
            msg = f"{address}: no Dask scheduler can be reached there ({told}); start one with: dask scheduler"
            raise NoClusterError(msg)
        with client:
            try:
                client.wait_for_workers(1, timeout=patience_s)
            except TimeoutError:
                msg = (
                    f"{address}: the scheduler has no worker; start some with: "
                    f"dask worker {address} --nworkers N --nthreads 1"
                )
                raise NoClusterError(msg) from None
            yield Cluster(client=client)


def shown(address: str) -> str:
    """An address as it may be printed: without a password.

    >>> shown("tls://anna:secret@pc1:8786/?token=1")
    'tls://pc1:8786'
    >>> shown("/shared/scheduler.json")
    '/shared/scheduler.json'
    """
    if "://" not in address:
        return address
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


@contextmanager
def _told_once() -> Iterator[None]:
    """Keep Dask from logging what becomes an error of ours; tracebacks of it may hold addresses and settings."""
    logger = logging.getLogger("distributed")
    before = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        logger.setLevel(before)


# ---------------------------------------------------------------------------------------------- on this machine


def _look_at_workers(client: "Client", job: _Job) -> None:
    """Refuse a worker that is unlike this machine, or does not share its folders with it."""
    folder = _tries(job.folder)
    (folder / alike.QUESTION).write_text(f"{job.planned.sha256} {monotonic()}", encoding="utf-8")
    answers = client.run(_looked_at, job, on_error="return")
    for address, told in sorted(answers.items()):
        if isinstance(told, ClusterError):
            msg = f"worker {shown(address)}: {told}"
            raise ClusterError(msg)
        if isinstance(told, OSError):  # it was lost meanwhile; one that comes back is looked at before its first field
            continue
        if isinstance(told, BaseException):  # our own functions cannot be found there
            said = " ".join(f"{type(told).__name__}: {told}".split())
            msg = f"worker {shown(address)}: cannot run inspect_tool ({said}); install the same version there"
            raise ClusterError(msg)
        if not alike.answered(folder, told):
            msg = (
                f"worker {shown(address)}: what it writes into {job.folder.parent} is not seen here; "
                "all machines must see the same folder under this path: choose a shared one with --out"
            )
            raise ClusterError(msg)


class _Workplace(Executor):
    """Where the calls of one job are done; the answer of a call is a future as that of any other executor.

    Each message costs both this side and the scheduler a thousandth of a second or more, so that calls go out and
    answers are fetched as many at a time as there are. One thread does all of it.
    """

    def __init__(self, client: "Client", job: _Job) -> None:
        self._client = client
        self._job = job
        self._scheduler = shown(str(client.scheduler.address)) if client.scheduler is not None else "the scheduler"
        # a task, and not data: where the workers that hold it are lost, it is made again
        self._given = client.submit(_same, job, pure=False)
        self._numbers = itertools.count()
        self._changed = Condition()
        self._new: list[_Order] = []
        self._open: dict[int, tuple[_Order, Asked[Any]]] = {}
        self._closed = Event()
        for work in (self._tend, self._watch):
            Thread(target=work, daemon=True).start()

    def submit(self, work: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        """Have a function of a module called by a worker; the plan and the folder of the job are there already."""
        assert not kwargs, "what is called for a field is given by its place"
        call = _Call(number=next(self._numbers), work=work, arguments=tuple(map(self._stood_for, args)))
        order = _Order(call=call)
        with self._changed:
            self._new.append(order)
            self._changed.notify_all()
        return order.answer

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: ARG002 - as all executors
        """Begin nothing more. What is being measured is not waited for: its folder goes, and it with it."""
        self._closed.set()
        with self._changed:
            left = [asked for _, asked in self._open.values()]
            self._open.clear()
            self._new.clear()
            self._changed.notify_all()
        self._cancel([*left, self._given])

    def _cancel(self, asked: "Sequence[Asked[Any]]") -> None:
        with suppress(Exception):  # the scheduler may be gone
            self._client.cancel(list(asked), force=True)  # type: ignore[no-untyped-call]

    def _stood_for(self, argument: Any) -> Any:
        if isinstance(argument, Plan):
            whole = len(argument.sources) == len(self._job.planned.sources)
            return _PlanOf(sources=None if whole else _absolute(argument.sources))
        if isinstance(argument, Path):
            return _FolderOf(place=argument.absolute())
        if isinstance(getattr(argument, "folder", None), Path):
            return _FolderOf(place=argument.folder.absolute(), holder=argument)
        return argument

    def _tend(self) -> None:
        """Send out what is new and fetch what is done, until the job ends."""
        while not self._closed.is_set():
            with self._changed:
                pause_s = min(_FETCHED_S, 0.05 + len(self._open) / 500) if self._open else None
                if self._changed.wait_for(lambda: self._new or self._closed.is_set(), pause_s):
                    self._changed.wait(_GATHERED_S)  # the others of the same job follow at once
                new, self._new = self._new, []
            if new:
                self._begin(new)
            self._fetch()

    def _begin(self, orders: "Sequence[_Order]") -> None:
        """Ask for calls."""
        calls = [order.call for order in orders]
        try:
            # a worker that stumbles over its network disk is given a second chance
            asked = self._client.map(_called, [self._given] * len(calls), calls, pure=False, retries=TRIES - 1)
        except Exception as error:  # whatever it is, whoever waits for the answers must hear of it
            for order in orders:
                order.answer.set_exception(error)
            return
        with self._changed:
            closed = self._closed.is_set()
            if not closed:
                self._open |= {order.call.number: (order, one) for order, one in zip(orders, asked, strict=True)}
        if closed:
            self._cancel(asked)

    def _fetch(self) -> None:
        """Take the answers that are there."""
        with self._changed:
            ended = [pair for pair in self._open.values() if pair[1].status not in ("pending", "lost")]
        whole = [(order.call.number, asked) for order, asked in ended if asked.status == "finished"]
        found: dict[int, _Answer] = {}
        with suppress(Exception):  # each is asked for below, then
            answers = self._client.gather([asked for _, asked in whole]) if whole else []  # type: ignore[no-untyped-call]
            found = {number: answer for (number, _), answer in zip(whole, answers, strict=True)}
        again = []
        for order, asked in ended:
            with self._changed:
                if self._open.pop(order.call.number, None) is None:
                    continue  # given up
            if self._ended(order, asked, found.get(order.call.number)):
                again.append(replace(order, before=order.before + 1))
        if again:
            self._begin(again)

    def _ended(self, order: "_Order", asked: "Asked[Any]", found: _Answer | None) -> bool:
        """Give the answer of a call to whoever waits for it; True: Dask gave the call up, and it is to be asked anew.

        ``found`` is what came of it, where that is here already.
        """
        from distributed import KilledWorker

        call, answer = order.call, order.answer
        try:
            made: _Answer = asked.result() if found is None else found
        except KilledWorker:
            if order.before < _SUSPECTED:
                return True
            made = _Answer(ended=True)
        except CancelledError:
            msg = f"{self._scheduler}: the scheduler was lost; run the job again when it is back"
            made = _Answer(refused=NoClusterError(msg))
        except Exception as error:
            answer.set_exception(error)
            return False
        if made.ended:
            self._of_ended(call, answer)
        elif made.refused is not None:
            answer.set_exception(made.refused)
        else:
            answer.set_result(made.value)
        return False

    def _of_ended(self, call: "_Call", answer: "Future[Any]") -> None:
        """A field that ends whoever measures it ends the job, or is one of those that the job goes on without."""
        planned = self._job.planned
        source = call.source(planned)
        error = MeasurementError(
            f"{call.work.__name__ if source is None else source.name}: {TRIES} workers ended while they measured it "
            "(not enough memory, or a library that crashes on it); measure it alone with inspect-tool run, or leave it "
            "out"
        )
        if source is not None and planned.job.skip_damaged == "report":
            answer.set_result(error)  # as a field that is refused by a worker
        else:
            answer.set_exception(error)

    def _watch(self) -> None:
        """Give up when all workers are gone: Dask itself waits for ever."""
        last = monotonic()
        while not self._closed.wait(_LOOKS_S):
            with suppress(Exception):  # that the scheduler is gone is told by the calls
                if self._client.scheduler_info()["workers"]:
                    last = monotonic()
            if monotonic() - last > _PATIENCE_S:
                break
        else:
            return
        with self._changed:
            left = [order.answer for order in (*self._new, *(order for order, _ in self._open.values()))]
            self._open.clear()
            self._new.clear()
        for answer in left:
            answer.set_exception(NoClusterError(f"{self._scheduler}: has had no worker for {_PATIENCE_S:g} s"))


# ------------------------------------------------------------------------------------------------- at a worker


@dataclass(frozen=True, slots=True, kw_only=True)
class _Call:
    """One call, and its number in the job."""

    number: int
    work: Callable[..., Any]
    arguments: tuple[Any, ...]

    def source(self, planned: Plan) -> Source | None:
        """Image that it is for; None: it is for none, or for several."""
        given = next((given for given in self.arguments if isinstance(given, _PlanOf)), None)
        if given is not None and given.sources is not None and len(given.sources) == 1:
            return given.sources[0]
        index = next((given for given in self.arguments if isinstance(given, int)), None)
        return None if given is None or index is None else planned.sources[index]


def _same(job: _Job) -> _Job:
    return job


def _absolute(sources: Sequence[Source]) -> tuple[Source, ...]:
    return tuple(replace(source, path=source.path.absolute()) for source in sources)


def _tries(folder: Path) -> Path:
    return folder / _FOLDER


def _looked_at(job: _Job, dask_worker: Any) -> str | ClusterError:
    """Name of the answer that this worker left; what it does not have as it is expected."""
    try:
        _check_here(job.expected, dask_worker)
        name = dask_worker.id
        alike.answer(_tries(job.folder), name)
    except ClusterError as error:
        return error
    return str(name)


def _check_here(expected: alike.Expected, worker: Any) -> None:
    threads = worker.state.nthreads
    if threads != 1:  # a field that ends its process ends what is measured beside it
        msg = f"has {threads} threads; start it with --nthreads 1, and --nworkers for as many as it has cores"
        raise ClusterError(msg)
    alike.check(expected)


def _called(job: _Job, call: _Call) -> _Answer:
    """Do a call in a folder of its own, and put what it wrote into that of the job."""
    import cv2
    from distributed import get_worker

    worker = get_worker()
    try:
        _check_here(job.expected, worker)
        source = call.source(job.planned)
        if source is not None and any(isinstance(given, _FolderOf) for given in call.arguments):
            alike.check_file(str(source.path), source.sha256)
    except ClusterError as error:
        return _Answer(refused=ClusterError(f"worker {shown(worker.address)}: {error}"))
    cv2.setNumThreads(1)  # the others of this machine measure beside it
    _keep_memory()
    tried = _begun(job, call.number)
    if tried is None:
        return _Answer(ended=True)
    places = dict.fromkeys(given.place for given in call.arguments if isinstance(given, _FolderOf))
    own = {place: tried / str(i) for i, place in enumerate(places)}
    try:
        for place, new in own.items():
            new.mkdir()
            for folder in place.iterdir():  # whoever writes into it finds them there, too
                if folder.is_dir() and folder != _tries(job.folder):
                    (new / folder.name).mkdir()
        value = call.work(*(_had(given, job, own) for given in call.arguments))
        for place, new in own.items():
            _hand_over(new, place)
    except InspectError as error:
        return _Answer(refused=error)
    finally:
        shutil.rmtree(tried, ignore_errors=True)
    return _Answer(value=value)


def _had(given: Any, job: _Job, own: Mapping[Path, Path]) -> Any:
    """What an argument is at a worker."""
    if isinstance(given, _PlanOf):
        return job.planned if given.sources is None else replace(job.planned, sources=given.sources)
    if isinstance(given, _FolderOf):
        folder = own[given.place]
        return folder if given.holder is None else replace(given.holder, folder=folder)
    return given


@lru_cache(maxsize=1)
def _keep_memory() -> None:
    """Let the C library keep what arrays of images gave back, as it does by itself in any other process.

    Dask's nanny has it returned at once (``MALLOC_TRIM_THRESHOLD_``), and with that glibc no longer learns how large
    the blocks are that come and go: each array is mapped and cleared anew, which doubles the time of a small field.
    """
    if sys.platform == "linux" and "MALLOC_TRIM_THRESHOLD_" in os.environ:
        library = ctypes.CDLL(None)
        if hasattr(library, "mallopt"):  # not everywhere
            library.mallopt(_M_MMAP_THRESHOLD, _LEARNED_BYTES)
            library.mallopt(_M_TRIM_THRESHOLD, 2 * _LEARNED_BYTES)


_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # of malloc.h
_LEARNED_BYTES = 32 << 20  # the most that glibc learns by itself: mallopt(3), DEFAULT_MMAP_THRESHOLD_MAX


def _begun(job: _Job, number: int) -> Path | None:
    """Folder of this try; None: as many as there are have ended whoever made them."""
    for k in range(TRIES):
        own = _tries(job.folder) / f"{number}.{k}"
        with suppress(FileExistsError):
            own.mkdir()
            return own
    return None


def _hand_over(own: Path, folder: Path) -> None:
    for path in sorted(own.rglob("*")):
        place = folder / path.relative_to(own)
        if path.is_dir():
            place.mkdir(exist_ok=True)
        else:
            path.replace(place)
