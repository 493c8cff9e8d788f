"""Parts of a job done side by side, in processes that end with the one that started them, however it ends."""

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Executor, ProcessPoolExecutor, as_completed
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from multiprocessing import get_context, resource_tracker
from multiprocessing.connection import Connection
from pathlib import Path
from threading import Thread
from typing import Any, Protocol, TypeVar, runtime_checkable

from inspect_tool.errors import MeasurementError
from inspect_tool.inspection.job_plan import Plan

T = TypeVar("T")


@runtime_checkable
class Machines(Protocol):
    """Other machines: they are looked at before each job, and told once what all of its fields need."""

    def for_job(self, planned: Plan, folder: Path, /) -> AbstractContextManager[Executor]:
        """Give an executor for the fields of one job, whose pictures are written into a folder."""


def hands(
    given: "Executor | Machines | None", workers: int, planned: Plan, folder: Path
) -> AbstractContextManager[Executor | None]:
    """Give what the fields of a job are measured by: an executor of the caller's, left open, or processes."""
    if given is None:
        return processes(workers)
    return given.for_job(planned, folder) if isinstance(given, Machines) else nullcontext(given)


def each(
    pool: Executor | None,
    work: Callable[..., T],
    given: Sequence[tuple[Any, ...]],
    tell: Callable[[int, int], None],
    take: Callable[[T], T] = lambda answer: answer,
) -> list[T]:
    """Answers of ``work`` to each of its arguments, in their order; the first error ends all.

    Parameters
    ----------
    pool : Executor or None
        From ``processes``, or any of ``concurrent.futures`` or made like them. None: all is done here.
    work : callable
        A function of a module, so that another process can import it.
    given : sequence of tuple
        The arguments of each call.
    tell : callable
        Called with (answers so far, index of the last one; without processes of the next one).
    take : callable
        What is kept of an answer, as soon as it is there: all of them are held until the last one has come.

    Raises
    ------
    MeasurementError
        A process was ended from outside.
    """
    found: dict[int, T] = {}
    if pool is None:
        for i, arguments in enumerate(given):
            tell(i, i)
            found[i] = take(work(*arguments))
        return list(found.values())
    with deaf_offspring():
        waiting = {pool.submit(work, *arguments): i for i, arguments in enumerate(given)}
    try:
        for future in as_completed(list(waiting)):
            i = waiting.pop(future)  # which holds its answer
            found[i] = take(future.result())
            tell(len(found), i)
    except BrokenExecutor:
        msg = "a worker process was ended from outside, or ran out of memory; try fewer --workers"
        raise MeasurementError(msg) from None
    return [found[i] for i in range(len(given))]


@contextmanager
def processes(workers: int) -> Iterator[ProcessPoolExecutor | None]:
    """Give processes to work in; None where one is enough, or a system lets none share work: all is done in this one.

    They hold one end of a pipe and end as soon as the other end, which this process holds, is closed: the system
    closes it when this process is killed.
    """
    if workers <= 1:
        yield None
        return
    context = get_context("spawn")
    watched, held = context.Pipe(duplex=False)
    try:
        pool = ProcessPoolExecutor(workers, mp_context=context, initializer=begin, initargs=(watched,))
    except (ImportError, OSError):  # no semaphores: a sandbox without /dev/shm, or one that may not be written to
        held.close()
        watched.close()
        yield None
        return
    try:
        yield pool
    except BaseException:
        held.close()
        _read_no_more(pool)
        raise
    finally:
        pool.shutdown(cancel_futures=True)
        held.close()
        watched.close()


def _read_no_more(pool: ProcessPoolExecutor) -> None:
    """Let a pool end that has work left to hand out.

    Python before 3.11.5 waits for ever to write it to processes that are gone, as it holds the reading end itself
    (CPython 94777); what closes it there is not public.
    """
    with suppress(AttributeError):
        pool._call_queue._reader.close()  # type: ignore[attr-defined]


@contextmanager
def deaf_offspring() -> Iterator[None]:
    """Let no Ctrl-C reach the processes that are started here, from their first moment on: ``begin`` comes too late.

    One that is interrupted while it loads its modules says so aloud, or goes on with the half of them. A Ctrl-C in the
    meantime reaches this process afterwards. Windows cannot do that.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # its start, which the first process brings along, would end the blocking
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # a child begins with it
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def begin(watched: Connection) -> None:
    """Let this process end as soon as the other end of a pipe is closed, and not by the Ctrl-C of its starter."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to all of a terminal: the first process ends the others
    Thread(target=_end_with, args=(watched,), daemon=True).start()


def _end_with(watched: Connection) -> None:
    with suppress(EOFError, OSError):
        watched.recv_bytes()
    os._exit(1)
