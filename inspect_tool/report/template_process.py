"""What follows a template of a laboratory is done in a process of its own: bounded time, bounded memory, one line.

A template is a program: it can loop, double a text until no memory is left, or ask the page for a hundred thousand
columns. No rule about its text finds that before it is run, so the operating system watches over it. The shipped
templates are trusted and need no process.
"""

import logging
import os
import sys
from collections.abc import Callable
from logging.handlers import QueueHandler
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from queue import SimpleQueue
from typing import Any, ParamSpec, TypeVar

from inspect_tool.errors import InspectError, SettingsError
from inspect_tool.paths import data_folder

P = ParamSpec("P")
T = TypeVar("T")

SECONDS, SECONDS_PER_IMAGE = 20, 3
"""Processor time that a page may take. [s]"""

MEMORY = 2 << 30
"""Memory that a page may take beyond what the libraries take; Linux keeps the bound. [byte]"""

_WAITING = 5 if sys.platform == "win32" else 60
"""Times the processor time that is waited for at most: other work may have the processor, and but for Windows the
system ends the page itself once it has had its time."""


def confined(template: Path, images: int, work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Do a step that follows a template, away from this process where the template is not a shipped one.

    Parameters
    ----------
    template : Path
        The template folder.
    images : int
        Number of images that the page shows.
    work : callable
        A function of a module; its arguments and its answer can be pickled.

    Raises
    ------
    SettingsError
        The template needs too much time or memory, or what it prints cannot be laid out.
    InspectError
        As ``work`` raises it.
    """
    if template.resolve().is_relative_to(data_folder("templates").resolve()):
        return work(*args, **kwargs)
    seconds = SECONDS + SECONDS_PER_IMAGE * images
    context = get_context("spawn")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=_child, args=(there, seconds, work, args, kwargs), daemon=True)
    process.start()
    there.close()
    try:
        answer = here.recv() if here.poll(_WAITING * seconds) else None
    except EOFError:  # it was ended by one of the limits
        answer = None
    finally:
        process.kill()
        process.join()
        here.close()
    if answer is None:
        msg = (
            f"{template}: a page needs more than {seconds} s of processor time or {MEMORY >> 30} GB of memory; "
            "look for loops and texts that grow, absurd sizes, or print fewer rows and pictures"
        )
        raise SettingsError(msg)
    error, value, records = answer
    for record in records:
        logging.getLogger(record.name).handle(record)
    if isinstance(error, InspectError):
        raise error
    if error is not None:
        msg = f"{template}: what it prints cannot be laid out ({error}); compare it with the shipped template"
        raise SettingsError(msg)
    return value  # type: ignore[no-any-return]  # what work returned, through a pipe


def _child(
    there: Connection, seconds: int, work: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> None:
    """Work under limits and send (error, value, records of the log); a limit that is reached ends the process, which
    sends nothing."""
    _limit(seconds)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # where Pango says what no reader of a line needs
    told: SimpleQueue[logging.LogRecord] = SimpleQueue()
    logging.getLogger("inspect_tool").addHandler(QueueHandler(told))
    answer: tuple[InspectError | str | None, Any]
    try:
        answer = None, work(*args, **kwargs)
    except InspectError as error:
        answer = error, None
    except MemoryError:
        return
    except Exception as error:  # whatever a library makes of a page that nobody foresaw
        answer = f"{type(error).__name__}: {error}"[:200], None
    there.send((*answer, [told.get() for _ in range(told.qsize())]))


def _limit(seconds: int) -> None:
    if sys.platform == "win32":
        return
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    if sys.platform == "linux":
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[5])  # data and stack of this process
        most = pages * resource.getpagesize() + MEMORY
        resource.setrlimit(resource.RLIMIT_DATA, (most, most))
