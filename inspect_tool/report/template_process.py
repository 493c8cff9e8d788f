"""What follows a template of a laboratory is done in a process of its own: bounded time, bounded memory, one line.

A template is a program: it can loop, double a text until no memory is left, or ask the page for a hundred thousand
columns. No rule about its text finds that before it is run, so the operating system watches over it. The shipped
templates are trusted and need no process.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec, TypeVar

from inspect_tool.bounded import Bounds, answered
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


def is_shipped(template: Path) -> bool:
    """Whether a template is one of those that come with the tool."""
    return template.resolve().is_relative_to(data_folder("templates").resolve())


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
    if is_shipped(template):
        return work(*args, **kwargs)
    seconds = SECONDS + SECONDS_PER_IMAGE * images
    bounds = Bounds(seconds=seconds, patience_s=_WAITING * seconds, memory=MEMORY)
    answer = answered(work, bounds, args, kwargs)
    if answer is None:
        msg = (
            f"{template}: a page needs more than {seconds} s of processor time or {MEMORY >> 30} GB of memory; "
            "look for loops and texts that grow, absurd sizes, or print fewer rows and pictures"
        )
        raise SettingsError(msg)
    if isinstance(answer.error, InspectError):
        raise answer.error
    if answer.error is not None:
        msg = f"{template}: what it prints cannot be laid out ({answer.error}); compare it with the shipped template"
        raise SettingsError(msg)
    return answer.value  # type: ignore[no-any-return]  # what work returned, through a pipe
