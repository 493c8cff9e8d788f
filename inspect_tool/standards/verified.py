"""Values of an edition compared with the published text: by a person of the laboratory, one by one.

The numbers of the editions that are shipped come from public material. A laboratory that has bought the text compares
them and keeps what it found in a folder beside its jobs, one file per edition, bound to the bytes of the edition's file
by their hash: if that file changes in any way, all of its values are to be compared again. A rule is more than its
number, and what a person signed was the file that lay there.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from inspect_tool import typos
from inspect_tool.errors import StandardError
from inspect_tool.files import checked, read_toml, toml_text, write_text
from inspect_tool.languages import Words, named, same
from inspect_tool.model import (
    Check,
    Comparison,
    ComparisonFile,
    EditionRecord,
    Editions,
    EditionValue,
    Standard,
)
from inspect_tool.plugins import Recipe, values_of
from inspect_tool.standards.editions import designation, rule_clause

FOLDER = "standards_verified"
"""Beside the job file or above it, where the job names no other."""

COPY = "compared-"
"""What the name of a copy in a report begins with."""

_EARLIER = "earlier"  # what was found at other files of the editions


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """A value of an edition that has a published text."""

    key: str  # as the file of the edition has it: "intercept_g0", "rules.total_counts", "tables.abrams_circles"
    name: Words  # of a rule: its title
    shown: str  # as a person compares it
    clause: str
    relation: str = ""
    value: float | None = None  # None: a table
    unit: str = ""


def published(standard: Standard) -> tuple[Published, ...]:
    """Name every value of an edition that stands in a published text: constants, tables, rules.

    What is this toolkit's own, or was compared by who made the file, is not among them.

    >>> from inspect_tool.standards.editions import load_standard
    >>> [one.key for one in published(load_standard("astm_e2109_2021"))]
    ['linear_elongation', 'rules.fields_for_spread', 'rules.lower_limit']
    >>> published(load_standard("confluence_2026"))
    ()
    """
    constants = [
        Published(
            key=name,
            name=name,
            shown=_shown(one.value, one.unit),
            clause=one.clause,
            value=one.value,
            unit=one.unit,
        )
        for name, one in standard.values.items()
        if not one.verified_by
    ]
    rules = [
        Published(
            key=f"rules.{rule.name}",
            name=named("rules", rule.title),
            shown=f"{rule.relation} {_shown(rule.limit, rule.unit)}",
            clause=rule.clause,
            relation=rule.relation,
            value=rule.limit,
            unit=rule.unit,
        )
        for rule in standard.rules.values()
        if not rule.verified_by and not rule.own
    ]
    tables = [
        Published(
            key=f"tables.{name}",
            name=name,
            shown="; ".join(", ".join(f"{column} {_cell(cell)}" for column, cell in row.items()) for row in rows),
            clause=f"table of {len(rows)} rows",
        )
        for name, rows in standard.tables.items()
    ]
    return (*constants, *tables, *rules)


def _shown(value: float, unit: str) -> str:
    return f"{value:g}" if unit == "1" else f"{value:g} {unit}"


def _cell(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


# ------------------------------------------------------------------------------------------------ the laboratory's file


def file_of(standard: Standard, folder: Path) -> Path:
    """Where a laboratory keeps what it found at the values of an edition."""
    return folder / f"{standard.name}.toml"


def read(standard: Standard, folder: Path) -> ComparisonFile | None:
    """Read what a laboratory found at the values of an edition; None: there is no file of it.

    Raises
    ------
    StandardError
        The file is of another edition, names a value twice or one that the edition does not have, or a value in it is
        not the one that the edition has, although it is said to be of this very file.
    """
    path = file_of(standard, folder)
    if not path.is_file():
        return None
    found = checked(ComparisonFile, read_toml(path), str(path), StandardError)
    if found.edition != standard.name:
        msg = f"{path} edition: is '{found.edition}', must be '{standard.name}', as the file is called"
        raise StandardError(msg)
    keys = [one.key for one in found.values]
    if twice := next((key for key in keys if keys.count(key) > 1), None):
        msg = f"{path}: value '{twice}' stands there twice; keep one of them"
        raise StandardError(msg)
    for one in found.values:
        if not (one.by.strip() and one.text.strip()):
            msg = f"{path} '{one.key}': 'by' and 'text' say who compared it with which copy; one of them is empty"
            raise StandardError(msg)
    if found.edition_sha256 == standard.sha256:
        known = {one.key: one.shown for one in published(standard)}
        for one in found.values:
            if one.key not in known:
                msg = f"{path}: the edition has no value '{one.key}' to be compared{typos.near(one.key, known)}"
                raise StandardError(msg)
            if one.value != known[one.key]:
                msg = f"{path} '{one.key}': '{one.value}' was compared, the edition has '{known[one.key]}'"
                raise StandardError(msg)
    return found


def with_comparisons(editions: Editions, folder: Path | None) -> Editions:
    """Join to each edition what the laboratory found at its values; the files of that travel with the report."""
    if folder is None:
        return editions
    joined = [replace(one, compared=read(one, folder)) for one in (editions.job, *editions.others)]
    files = {
        f"{COPY}{one.name}.toml": file_of(one, folder)
        for one in joined
        if one.compared is not None  # a report without such a file is as it was
    }
    return replace(editions, job=joined[0], others=tuple(joined[1:]), files={**editions.files, **files})


def folder_for(stated: str, folder: Path, where: str) -> Path | None:
    """Find the folder of comparisons: the one that a job states, else the nearest beside it or above it.

    Raises
    ------
    StandardError
        The job states one that is not there.
    """
    if stated:
        if not (folder / stated).is_dir():
            msg = f"{where} standards_verified: '{stated}' is no folder in {folder.resolve()}"
            raise StandardError(msg)
        return folder / stated
    home = folder.resolve()
    return next((place / FOLDER for place in (home, *home.parents) if (place / FOLDER).is_dir()), None)


def record(standard: Standard, found: Sequence[Comparison], folder: Path) -> ComparisonFile:
    """Add what a person found to the file of an edition, which is whole at every moment.

    What was found at another file of the edition is kept under a name with the beginning of its hash, and begun anew.

    Raises
    ------
    StandardError
        The edition has no such value.
    """
    known = {one.key for one in published(standard)}
    for one in found:
        if one.key not in known:
            msg = f"{standard.name}: there is no value '{one.key}' to be compared{typos.near(one.key, known)}"
            raise StandardError(msg)
    folder.mkdir(parents=True, exist_ok=True)
    path, before = file_of(standard, folder), read(standard, folder)
    if before is not None and before.edition_sha256 != standard.sha256:
        (folder / _EARLIER).mkdir(exist_ok=True)
        write_text(folder / _EARLIER / f"{standard.name}-{before.edition_sha256[:8]}.toml", toml_text(before))
        before = None
    kept = {} if before is None else {one.key: one for one in before.values}
    kept |= {one.key: one for one in found}
    made = ComparisonFile(
        edition=standard.name,
        edition_sha256=standard.sha256,
        values=tuple(kept[one.key] for one in published(standard) if one.key in kept),
    )
    write_text(path, toml_text(made))
    return made


# --------------------------------------------------------------------------------------------------- what a report says


def states(standard: Standard) -> Mapping[str, Comparison]:
    """What the laboratory found at the values of this very file of an edition, by their keys."""
    made = standard.compared
    return {one.key: one for one in made.values} if made is not None and made.edition_sha256 == standard.sha256 else {}


def records(recipe: Recipe, settings: object, editions: Editions, checks: Sequence[Check]) -> tuple[EditionRecord, ...]:
    """Say of every edition that a report draws on which values of its published text are used, and who compared them.

    A rule is used where it became a check of the report, a constant or a table where the recipe says so.
    """
    return tuple(
        EditionRecord(
            name=one.name,
            edition=designation(one),
            sha256=one.sha256,
            values=tuple(_used(recipe, settings, one, checks)),
            outdated=one.compared is not None and one.compared.edition_sha256 != one.sha256,
        )
        for one in (editions.job, *editions.others)
    )


def _used(recipe: Recipe, settings: object, standard: Standard, checks: Sequence[Check]) -> Iterator[EditionValue]:
    taken, found = set(values_of(recipe, settings, standard)), states(standard)
    taken |= {
        f"rules.{rule.name}"
        for rule in standard.rules.values()
        for check in checks
        if same(check.name, named("rules", rule.title)) and same(check.clause, rule_clause(standard, rule))
    }
    for one in published(standard):
        if one.key in taken:
            told = found.get(one.key)
            value = EditionValue(
                key=one.key,
                name=one.name,
                relation=one.relation,  # type: ignore[arg-type]  # of a rule
                value=one.value,
                unit=one.unit,
            )
            yield (
                value
                if told is None
                else replace(
                    value,
                    state="agrees" if told.agrees else "differs",
                    by=told.by,
                    day=told.day,
                    text=told.text,
                    note=told.note,
                )
            )
