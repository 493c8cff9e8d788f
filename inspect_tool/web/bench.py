"""A workbench as a value: its lab, where it is reached, and whether people have accounts; and a request to it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response

from inspect_tool.evidence import audit
from inspect_tool.lab.database import Lab
from inspect_tool.lab.users import ROLES, Person, Role

HERE = "127.0.0.1"
READING = "reading"
"""Of what lets in only so many that read images which were given, among what a bench keeps."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Bench:
    """What every page knows."""

    lab: Lab
    origins: tuple[str, ...]  # scheme, host and port, as a browser states where a page came from
    is_open: bool = False  # single-user mode: nobody has an account, and who sits there may do everything
    key: Path | None = None  # PKCS#12 of the laboratory, which seals what was released
    workers: int = 1  # jobs at the same time
    kept: Mapping[str, Any] = field(default_factory=dict)  # what runs beside the pages, by the name of its room

    @property
    def hosts(self) -> frozenset[str]:
        """Hosts with their ports under which a browser may ask."""
        return frozenset(origin.partition("://")[2] for origin in self.origins)

    @property
    def is_secure(self) -> bool:
        """Whether it is reached by TLS."""
        return all(origin.startswith("https:") for origin in self.origins)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Asked:
    """A request whose person may make it, with its form or body read."""

    bench: Bench
    person: Person
    at: Mapping[str, Any]  # what stands in the path
    query: Mapping[str, str]
    form: FormData
    body: bytes
    request: Request


NOBODY = Person(id=None, name="", full_name="", roles=frozenset())

Endpoint: TypeAlias = Callable[[Asked], Response]
Method: TypeAlias = Literal["GET", "POST", "PUT", "DELETE"]

PUBLIC: frozenset[Role] = frozenset()
"""A page that needs nobody to be in."""
ANYONE: frozenset[Role] = frozenset(ROLES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A line of the table of permission: who may ask for what."""

    path: str
    show: Endpoint
    roles: frozenset[Role]  # one of them is enough
    method: Method = "GET"
    most_bytes: int = 1 << 20  # of a body


def whole_number(text: str) -> int | None:
    """A whole number as it stands in an address or a form; None: it is none, or too large for a database.

    >>> whole_number("12"), whole_number("-1"), whole_number("1.5"), whole_number("9" * 10), whole_number("")
    (12, None, None, None, None)
    """
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else None


def alone() -> Person:
    """Who sits at a workbench in single-user mode."""
    name = audit.user()
    return Person(id=None, name=name, full_name=name, roles=ANYONE)
