"""Standards as data: load one edition from ``standards/*.toml``, check it, turn its rules into checks."""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from inspect_tool import typos
from inspect_tool.errors import StandardError
from inspect_tool.files import checked, read_toml, sha256_file
from inspect_tool.languages import Text, Words, joined, named, recognized
from inspect_tool.model import Check, Constant, Editions, Requirement, Rule, Standard, StandardRecord, Worked
from inspect_tool.paths import data_folder
from inspect_tool.plugins import Recipe, others_of
from inspect_tool.units import UNITS

OWN = "own-"
"""What the name of a copy of an edition that is not shipped begins with in a report."""

_HEAD = {"id", "follows", "edition", "title", "file_version", "notes", "tables", "rules", "worked"}


def names() -> tuple[str, ...]:
    """List the editions that are shipped."""
    return tuple(sorted(path.stem for path in data_folder("standards").glob("*.toml")))


def load_standard(name: str, folder: Path | None = None) -> Standard:
    """Load a shipped edition by name, or any standards file by path (a name that ends in ``.toml``).

    ``folder`` takes the place of the shipped editions.

    >>> load_standard("astm_e112_2013").edition
    '2013'
    """
    path = _file_of(name, folder)
    if not path.is_file():
        msg = f"unknown standard '{name}'; there are: {', '.join(names())}{typos.near(name, names())}"
        raise StandardError(msg)
    found = path.stat()
    return _loaded(path, found.st_size, found.st_mtime_ns)


@lru_cache(maxsize=64)  # a job asks for its editions again and again, and to read one takes 5 ms
def _loaded(path: Path, _size: int, _changed_ns: int) -> Standard:
    """Read an edition once per process and file: one that is changed is another one."""
    data = read_toml(path)
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
        follows=_followed(data, where),
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


def designation(standard: Standard | StandardRecord) -> Words:
    """Name an edition as its publisher does.

    >>> designation(load_standard("astm_e112_2013")), designation(load_standard("astm_e1245_2016"))
    ('ASTM E112-13', 'ASTM E1245-03(2016)')
    >>> designation(load_standard("iso_643_2019")), designation(load_standard("vdg_p201_2002"))
    ('ISO 643:2019', 'VDG P 201, edition 2002')
    """
    name, edition = recognized("editions", standard.id), standard.edition
    if name.startswith("ASTM "):
        return f"{name}-{edition[2:] if re.fullmatch(r'(19|20)[0-9]{2}', edition) else edition}"
    if name.startswith("ISO"):
        return f"{name}:{edition}"
    if not any(character.isdigit() for character in edition):
        stated = edition != "revision not stated"
        return (
            Text("standards.revision", name=name, revision=edition)
            if stated
            else Text("standards.no_revision", name=name)
        )
    return Text("standards.edition", name=name, edition=edition)


def names_for(recipe: Recipe) -> tuple[str, ...]:
    """Names of the editions that a job of a recipe may be judged by.

    Those that the recipe names come first; every shipped edition of the same standards, or that follows one of them,
    joins by itself.
    """
    known = {load_standard(name).follows for name in recipe.STANDARDS}
    joining = (name for name in names() if load_standard(name).follows in known)
    return tuple(dict.fromkeys((*recipe.STANDARDS, *joining)))


def editions_for(
    recipe: Recipe,
    settings: object,
    name: str = "",
    asked: Sequence[Requirement] = (),
    folder: Path | None = None,
    home: Path = Path(),
) -> Editions:
    """Read the edition of a job and those that its recipe draws on beside it.

    Parameters
    ----------
    recipe : Recipe
    settings : Any
        Of the recipe.
    name : str
        Edition of the job, or path of a file that ends in ``.toml``; empty: the default of the recipe.
    asked : sequence of Requirement
        As the job and its acceptance criteria state them.
    folder : Path, optional
        Takes the place of the shipped editions: those that came with a report. What it lacks is left out.
    home : Path
        Folder from which the settings of the recipe name editions of the laboratory's own; with ``folder`` that in
        which all of them lie.

    Raises
    ------
    StandardError
        There is no such edition, its file is wrong, or two have one name.
    """
    name = name or recipe.STANDARDS[0]
    job = load_standard(name, folder)
    stated = [
        str(home / (other if folder is None else Path(other).name)) if other.endswith(".toml") else other
        for other in others_of(recipe, settings, job, asked)
    ]
    names = [other for other in stated if other != name]
    if folder is not None:
        names = [other for other in names if _file_of(other, folder).is_file()]
    stems = [Path(one).stem if one.endswith(".toml") else one for one in (name, *names)]
    twice = next((stem for stem in stems if stems.count(stem) > 1), None)
    if twice is not None:
        msg = f"two editions are called '{twice}'; results tell them by their names: rename the file of one"
        raise StandardError(msg)
    return Editions(
        job=job,
        others=tuple(load_standard(other, folder) for other in names),
        files=dict(_copied(one, folder) for one in (name, *names)),
    )


def edition_of(editions: Editions, standard: str) -> Standard:
    """Give the edition of a standard: that of the job where it is of it, else the one that is drawn on beside it.

    Parameters
    ----------
    editions : Editions
    standard : str
        What the editions of a standard have in common, e.g. "ASTM E562".

    Raises
    ------
    StandardError
        None of them is of this standard.
    """
    known = (editions.job, *editions.others)
    for edition in known:
        if edition.follows == standard:
            return edition
    msg = f"no edition of {standard} was read; there are: {', '.join(edition.name for edition in known)}"
    raise StandardError(msg)


def _copied(name: str, folder: Path | None) -> tuple[str, Path]:
    """Name of the copy of an edition in a report, and its file."""
    path = _file_of(name, folder)
    return (f"{OWN}{path.name}" if name.endswith(".toml") else path.name), path


def _file_of(name: str, folder: Path | None) -> Path:
    return Path(name) if name.endswith(".toml") else (folder or data_folder("standards")) / f"{name}.toml"


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
        clause=rule_clause(standard, rule),
        scope="practice" if rule.own else "method",
        specimen=specimen,
        note=note,
    )


def rule_clause(standard: Standard, rule: Rule) -> Words:
    """Say whose rule it is: of the edition, with its clause, or of this toolkit."""
    if rule.own:
        return Text("standards.clause_toolkit_rule", clause=rule.clause)
    return joined(": ", (designation(standard), rule.clause))


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


def _followed(data: Mapping[str, object], where: str) -> str:
    """The standard that an edition follows, its own where it names none; one that nobody knows is an error."""
    own, stated = str(data["id"]), data.get("follows")
    if stated is None:
        return own
    known = {read_toml(path)["id"] for path in data_folder("standards").glob("*.toml")}
    if stated not in known:
        there_are = ", ".join(sorted(known))
        msg = f"{where}: follows '{stated}', which is no known standard; there are: {there_are}"
        raise StandardError(msg + typos.near(str(stated), sorted(known)))
    return str(stated)


def _constant(value: object, where: str) -> Constant:
    if not isinstance(value, Mapping):
        msg = f"{where}: must be a table with value, unit and clause"
        raise StandardError(msg)
    made = checked(Constant, value, where, StandardError)
    _known_unit(made.unit, where)
    return made


def _table(rows: object, where: str) -> tuple[Mapping[str, Any], ...]:
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
