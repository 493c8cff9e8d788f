"""Work of which nobody knows what it takes, done in a process of its own: bounded time, bounded memory.

A program of a user and a file from anywhere can loop, or ask for all memory. No rule about their content finds that
before they are run or decoded, so the operating system watches over it; a crash ends that process only.
"""

import logging
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from logging.handlers import QueueHandler
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from inspect_tool.errors import InspectError


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What a process may take; Linux keeps the bound of memory, and all but Windows that of processor time."""

    seconds: int  # processor time [s]
    patience_s: float  # that is waited for it at most: other work may have the processor [s]
    memory: int  # beyond what the libraries take [byte]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came of it."""

    value: Any = None
    error: InspectError | str | None = None  # a text: of an error that nobody foresaw


def answered(
    work: Callable[..., Any], bounds: Bounds, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
) -> Answer | None:
    """Call a function in a process of its own; what it tells the log is told here.

    Parameters
    ----------
    work : callable
        A function of a module; its arguments and its answer can be pickled.
    bounds : Bounds
    args, kwargs
        Its arguments.

    Returns
    -------
    Answer or None
        None: it was ended by one of the bounds, or by a crash.
    """
    context = get_context("spawn")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=_child, args=(there, bounds, work, args, kwargs or {}), daemon=True)
    process.start()
    there.close()
    try:
        told = here.recv() if here.poll(bounds.patience_s) else None
    except (EOFError, OSError):
        told = None
    finally:
        process.kill()
        process.join()
        here.close()
    if told is None:
        return None
    answer, records = told
    for record in records:
        logging.getLogger(record.name).handle(record)
    return answer  # type: ignore[no-any-return]  # what the child made, through a pipe


def _child(
    there: Connection, bounds: Bounds, work: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> None:
    """Work under limits and send the answer and records of the log; a limit that is reached ends the process, which
    sends nothing."""
    _limit(bounds)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # where libraries say what no reader of a line needs
    told: SimpleQueue[logging.LogRecord] = SimpleQueue()
    logging.getLogger("inspect_tool").addHandler(QueueHandler(told))
    try:
        answer = Answer(value=work(*args, **kwargs))
    except InspectError as error:
        answer = Answer(error=error)
    except MemoryError:
        return
    except Exception as error:  # whatever a library makes of what nobody foresaw
        answer = Answer(error=f"{type(error).__name__}: {error}"[:200])
    there.send((answer, [told.get() for _ in range(told.qsize())]))


def _limit(bounds: Bounds) -> None:
    if sys.platform == "win32":
        return
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (bounds.seconds, bounds.seconds + 1))
    if sys.platform == "linux":
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[5])  # data and stack of this process
        most = pages * resource.getpagesize() + bounds.memory
        resource.setrlimit(resource.RLIMIT_DATA, (most, most))
