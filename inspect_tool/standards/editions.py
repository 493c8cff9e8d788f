"""Standards as data: load one edition from ``standards/*.toml``, check it, turn its rules into checks."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any, Literal

from inspect_tool import slips
from inspect_tool.errors import StandardError
from inspect_tool.files import checked, read_toml, sha256_file
from inspect_tool.languages import Text, joined, named
from inspect_tool.model import Check, Constant, Rule, Standard, StandardRecord, Worked
from inspect_tool.paths import data_folder
from inspect_tool.units import UNITS

_HEAD = {"id", "edition", "title", "file_version", "notes", "tables", "rules", "worked"}


def names() -> tuple[str, ...]:
    """List the editions that are shipped."""
    return tuple(sorted(path.stem for path in data_folder("standards").glob("*.toml")))


def load_standard(name: str) -> Standard:
    """Load a shipped edition by name, or any standards file by path (a name that ends in ``.toml``).

    >>> load_standard("astm_e112_2013").edition
    '2013'
    """
    own = name.endswith(".toml")
    folder = _SHELF.get() or data_folder("standards")
    path = Path(name) if own else folder / f"{name}.toml"
    if not path.is_file():
        msg = f"unknown standard '{name}'; there are: {', '.join(names())}{slips.near(name, names())}"
        raise StandardError(msg)
    data = read_toml(path)
    used = _NOTED.get()
    if used is not None:
        used[f"own-{path.name}" if own else path.name] = path
    where = f"standards/{path.name}"
    for key in ("id", "edition", "title"):
        if not isinstance(data.get(key), str):
            msg = f"{where}: '{key}' is missing or not a text"
            raise StandardError(msg)
    values = {key: _constant(value, f"{where} [{key}]") for key, value in data.items() if key not in _HEAD}
    rules = [checked(Rule, rule, f"{where} rules.{i}", StandardError) for i, rule in enumerate(data.get("rules", []))]
    for rule in rules:
        _known_unit(rule.unit, f"{where} rule '{rule.name}'")
    tables = {key: _table(rows, f"{where} [tables.{key}]") for key, rows in data.get("tables", {}).items()}
    return Standard(
        name=path.stem,
        id=data["id"],
        edition=data["edition"],
        title=data["title"],
        values=values,
        tables=tables,
        rules={rule.name: rule for rule in rules},
        worked=tuple(
            checked(Worked, case, f"{where} worked.{i}", StandardError) for i, case in enumerate(data.get("worked", []))
        ),
        notes=tuple(data.get("notes", ())),
        sha256=sha256_file(path),
    )


def designation(standard: Standard | StandardRecord) -> str:
    """Name an edition as its publisher does.

    >>> designation(load_standard("astm_e112_2013")), designation(load_standard("astm_e1245_2016"))
    ('ASTM E112-13', 'ASTM E1245-03(2016)')
    >>> designation(load_standard("iso_643_2019")), designation(load_standard("vdg_p201_2002"))
    ('ISO 643:2019', 'VDG P 201, edition 2002')
    """
    name, edition = standard.id, standard.edition
    if name.startswith("ASTM "):
        return f"{name}-{edition[2:] if re.fullmatch(r'(19|20)[0-9]{2}', edition) else edition}"
    if name.startswith("ISO"):
        return f"{name}:{edition}"
    if not any(character.isdigit() for character in edition):
        return f"{name}, {edition if 'revision' in edition else 'revision ' + edition}"
    return f"{name}, edition {edition}"


@contextmanager
def noting() -> Iterator[dict[str, Path]]:
    """Note every file that is loaded in the block: name to path, "own-" before that of a file given by path."""
    used: dict[str, Path] = {}
    token = _NOTED.set(used)
    try:
        yield used
    finally:
        _NOTED.reset(token)


@contextmanager
def shelf(folder: Path) -> Iterator[None]:
    """Take the editions of the block from a folder and not from the shipped ones: those that came with a report."""
    token = _SHELF.set(folder)
    try:
        yield
    finally:
        _SHELF.reset(token)


_NOTED: ContextVar[dict[str, Path] | None] = ContextVar("noted", default=None)
_SHELF: ContextVar[Path | None] = ContextVar("shelf", default=None)


def check_rule(
    standard: Standard,
    name: str,
    value: float | None,
    *,
    method: str = "",
    specimen: str = "",
    note: str = "",
) -> Check | None:
    """Judge a value by a sampling rule of a standard; None when the rule is not for this method.

    ``value`` None (cannot be determined) does not pass. A rule that is this toolkit's own decides nothing about the
    conformity to the standard.
    """
    rule = standard.rules.get(name)
    if rule is None:
        msg = f"standards/{standard.name}.toml: no rule '{name}'"
        raise StandardError(msg)
    if rule.methods and method not in rule.methods:
        return None
    return Check(
        name=named("rules", rule.title),
        value=value,
        relation=rule.relation,
        limit=rule.limit,
        unit=rule.unit,
        passed=is_met(value, rule.relation, rule.limit),
        clause=Text("standards.rule_toolkit", clause=rule.clause)
        if rule.own
        else joined(": ", (designation(standard), rule.clause)),
        scope="practice" if rule.own else "method",
        specimen=specimen,
        note=note,
    )


def is_met(value: float | None, relation: Literal[">=", "<="], limit: float) -> bool:
    """Whether a value keeps a limit; None (cannot be determined) does not.

    >>> is_met(5.0, ">=", 5.0), is_met(5.1, "<=", 5.0), is_met(None, "<=", 5.0)
    (True, False, False)
    """
    return value is not None and (value >= limit if relation == ">=" else value <= limit)


def constant(standard: Standard, name: str) -> Constant:
    """Look a constant up; a missing one is a ``StandardError`` that names the file."""
    try:
        return standard.values[name]
    except KeyError:
        msg = f"standards/{standard.name}.toml: no value [{name}]"
        raise StandardError(msg) from None


def unverified(standard: Standard) -> tuple[str, ...]:
    """Names of constants and rules of the standard that nobody has compared with the bought text."""
    return tuple(
        [name for name, value in standard.values.items() if not value.verified_by]
        + [rule.name for rule in standard.rules.values() if not rule.verified_by and not rule.own]
    )


def _constant(value: Any, where: str) -> Constant:
    if not isinstance(value, Mapping):
        msg = f"{where}: must be a table with value, unit and clause"
        raise StandardError(msg)
    made = checked(Constant, value, where, StandardError)
    _known_unit(made.unit, where)
    return made


def _table(rows: Any, where: str) -> tuple[Mapping[str, Any], ...]:
    if not (isinstance(rows, list) and rows and all(isinstance(row, Mapping) for row in rows)):
        msg = f"{where}: must be a list of tables"
        raise StandardError(msg)
    columns = set(rows[0])
    for i, row in enumerate(rows):
        if set(row) != columns:
            msg = f"{where}: row {i} has columns {sorted(row)}, row 0 has {sorted(columns)}"
            raise StandardError(msg)
    return tuple(rows)


def _known_unit(unit: str, where: str) -> None:
    if unit not in UNITS:
        msg = f"{where}: unknown unit '{unit}'"
        raise StandardError(msg)
