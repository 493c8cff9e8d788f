"""Header values that a laboratory need not type again: ``defaults.toml`` of the lab, where a job leaves them empty.

What belongs to one specimen or one day has no default: a heat number that nobody stated would be a guess.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from dataclasses import field as default
from pathlib import Path
from typing import Any

from inspect_tool import locks, typos
from inspect_tool.errors import OutputError, SettingsError
from inspect_tool.files import checked, dump_toml, load_job, read_bytes, read_toml, toml_text, write_whole
from inspect_tool.lab.database import Lab
from inspect_tool.model import Header

FILE = "defaults.toml"
SCHEMA = "inspect_tool/lab_defaults/1"
SCOPES = ("customer", "instrument", "operator")
"""What a default may be for alone; the first one counts where two say something else."""

OF_ONE_JOB = (
    *("title", "part", "item", "condition", "heat", "date_sampled", "date_received", "date_of_work", "date_of_issue"),
    *("authorised_by", "customer_supplied", "deviations", "remarks"),
)
"""Fields of the header that a person states for every job."""

_PATIENCE_S = 30.0
_HEADER = re.compile(r"^[ \t]*\[[ \t]*header[ \t]*\][ \t]*(#.*)?$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Defaults:
    """What a laboratory's jobs need not state."""

    schema: str = SCHEMA
    header: Mapping[str, str] = default(default_factory=dict)  # field to value, of every job
    customer: Mapping[str, Mapping[str, str]] = default(default_factory=dict)  # of jobs for this customer alone
    instrument: Mapping[str, Mapping[str, str]] = default(default_factory=dict)
    operator: Mapping[str, Mapping[str, str]] = default(default_factory=dict)


def read(lab: Lab) -> Defaults:
    """Read the defaults of a lab; one without a file has none.

    Raises
    ------
    SettingsError
        The file is wrong, or names a field that has no default.
    """
    path = lab.folder / FILE
    if not path.exists():
        return Defaults()
    found = checked(Defaults, read_toml(path), str(path))
    if found.schema != SCHEMA:
        msg = f"{path}: schema is '{found.schema}', this version reads '{SCHEMA}'"
        raise SettingsError(msg)
    for table in (found.header, *(part for scope in SCOPES for part in getattr(found, scope).values())):
        for key in table:
            check_key(key, str(path))
    return found


def check_key(key: str, where: str) -> None:
    """Refuse what is no field of the header, or one that a person states for every job.

    Raises
    ------
    SettingsError
        With what to do.
    """
    names = [item.name for item in fields(Header) if item.name not in OF_ONE_JOB]
    if key in OF_ONE_JOB:
        msg = f"{where}: '{key}' has no default: it belongs to one job, whose file states it"
        raise SettingsError(msg)
    if key not in names:
        msg = f"{where}: '{key}' is no field of a header; there are: {', '.join(names)}{typos.near(key, names)}"
        raise SettingsError(msg)


def change(lab: Lab, key: str, value: str, scope: str = "", of: str = "") -> None:
    """Set a default, or remove it where the value is empty; ``scope`` and ``of``: only for jobs that name this one.

    Raises
    ------
    SettingsError
        No such field or scope, or nothing there to remove.
    OutputError
        The file cannot be written.
    """
    path = lab.folder / FILE
    check_key(key, "lab defaults")
    if scope == key:
        msg = f"lab defaults: '{key}' cannot depend on the {scope}"
        raise SettingsError(msg)
    with locks.held(lab.folder / f".{FILE}.lock", patience_s=_PATIENCE_S):
        old = read(lab)
        named = getattr(old, scope) if scope else {"": old.header}
        table = dict(named.get(of, {}))
        if value:
            table[key] = value
        elif key not in table:
            msg = f"lab defaults: there is none of '{key}'{f' for {scope} {of}' if scope else ''}"
            raise SettingsError(msg)
        else:
            del table[key]
        tables = {name: part for name, part in {**named, of: table}.items() if part}
        changed: dict[str, Any] = {scope: tables} if scope else {"header": table}
        new = replace(old, **changed)
        try:
            write_whole(path, toml_text(new).encode())
        except OSError as error:
            msg = f"{path}: cannot be written: {error.strerror}"
            raise OutputError(msg) from None


def filled_in(defaults: Defaults, header: Header) -> dict[str, str]:
    """Fields that a header leaves empty and that have a default, with its value.

    A default for one customer, instrument or operator comes before that of every job; which one it is may be a
    default itself.
    """
    stated = {item.name: getattr(header, item.name) for item in fields(Header) if getattr(header, item.name)}
    named = {scope: stated.get(scope) or defaults.header.get(scope, "") for scope in SCOPES}
    found = dict(defaults.header)
    for scope in reversed(SCOPES):
        found |= getattr(defaults, scope).get(named[scope], {})
    order = [item.name for item in fields(Header)]
    return {key: found[key] for key in order if key in found and key not in stated}


def completed(lab: Lab, path: Path) -> bytes | None:
    """Text of a job file with what the defaults of a lab fill in, and a table that says so; None: they fill in nothing.

    Raises
    ------
    SettingsError
        The job or the defaults are wrong.
    """
    job = load_job(path)
    values = filled_in(read(lab), job.header)
    if not values:
        return None
    text = read_bytes(path).decode("utf-8-sig").replace("\r\n", "\n")
    told = {"lab": lab.name, "header": list(values)}
    asked = tomllib.loads(text)
    wanted = {**asked, "header": {**asked.get("header", {}), **values}, "defaults": told}
    comment = "# of the defaults of the lab"
    lines = "".join(f"{line}\n" for line in (comment, *dump_toml(values).splitlines()))
    place = _HEADER.search(text)
    if place is None:
        made = f"{text}\n\n[header]\n{lines}"
    else:
        kept = f"{place[0]}\n{lines}"
        made = text[: place.start()] + kept + _without(text[place.end() :].removeprefix("\n"), values)
    made = f"{made.rstrip()}\n\n{dump_toml({'defaults': told})}"
    if _says(made, wanted):
        return made.encode()
    return f"{comment}; without the comments of {path.name}\n{dump_toml(wanted)}".encode()


def _without(text: str, values: Mapping[str, str]) -> str:
    """The rest of a job file from within its header on, without the empty values that are filled in."""
    end = re.search(r"^[ \t]*\[", text, re.MULTILINE)
    header, rest = (text[: end.start()], text[end.start() :]) if end else (text, "")
    names = "|".join(map(re.escape, values))
    empty = re.compile(rf"^[ \t]*({names})[ \t]*=[ \t]*(\"\"|'')[ \t]*(#.*)?\n?", re.MULTILINE)
    return empty.sub("", header) + rest


def _says(text: str, wanted: Mapping[str, object]) -> bool:
    try:
        return tomllib.loads(text) == wanted
    except tomllib.TOMLDecodeError:
        return False
