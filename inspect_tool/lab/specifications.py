"""Part specifications of a lab: the files in its folder ``specs``, which reports used them, and how one is changed.

A file is checked by what jobs read it with. One whose revision a report was judged by is never written over: a change
of it is another revision.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from math import isfinite, nan
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import Connection, func, select

from inspect_tool import locks, plugins, registry, typos
from inspect_tool.acceptance import specs
from inspect_tool.acceptance.conformity import check_requirement
from inspect_tool.acceptance.criteria import quantity_of
from inspect_tool.acceptance.specs import SpecFile
from inspect_tool.errors import InspectError, OutputError, SettingsError
from inspect_tool.evidence import audit
from inspect_tool.files import checked, sha256_file, stated, toml_text, write_whole
from inspect_tool.folders import new_file
from inspect_tool.lab import tables
from inspect_tool.lab.database import Lab, connected
from inspect_tool.model import Requirement, Spec
from inspect_tool.plugins import Recipe
from inspect_tool.units import dimension

_PATIENCE_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A file of the folder; without ``file`` it cannot be read, and ``fault`` says why."""

    name: str
    file: SpecFile | None
    fault: str = ""
    reports: int = 0  # that were judged by this revision
    is_valid: bool = False  # on the day that was asked for, and no newer revision is


def folder_of(lab: Lab) -> Path:
    """Folder of the specifications of a lab."""
    return lab.folder / specs.FOLDER


def every(connection: Connection, lab: Lab, day: date) -> tuple[Listed, ...]:
    """All specifications of a lab, by part and the newest revision first; those that cannot be read before them."""
    files: list[Listed] = []
    faults: list[Listed] = []
    for path in sorted(folder_of(lab).glob("*.toml")):
        try:
            (file,) = specs.read(path)
        except InspectError as error:
            faults.append(Listed(name=path.name, file=None, fault=str(error).replace(f"{path.parent}/", "")))
            continue
        files.append(Listed(name=path.name, file=file, reports=used(connection, file.spec)))
    readable = [one.file for one in files if one.file is not None]
    known = [
        Listed(name=one.name, file=one.file, reports=one.reports, is_valid=_counts(one.file, readable, day))
        for one in files
        if one.file is not None
    ]
    newest = sorted(known, key=lambda one: _spec(one).valid_from, reverse=True)
    return (*faults, *sorted(newest, key=lambda one: _plain(_spec(one).part)))


def find(listed: Sequence[Listed], name: str) -> Listed:
    """The file of a name.

    Raises
    ------
    SettingsError
        There is none.
    """
    found = next((one for one in listed if one.name == name), None)
    if found is None:
        msg = f"specification '{name}': there is none of this name; it may have been replaced by another revision"
        raise SettingsError(msg)
    return found


def used(connection: Connection, spec: Spec) -> int:
    """How many reports were judged by this revision of the part."""
    part, kept = tables.part.c, tables.spec.c
    rows = connection.execute(
        select(part.name, kept.revision, func.count())
        .select_from(tables.report)
        .join(tables.spec, kept.id == tables.report.c.spec)
        .join(tables.part, part.id == kept.part)
        .group_by(part.name, kept.revision)
    )
    return sum(n for name, revision, n in rows if _named(name, revision) == _named(spec.part, spec.revision))


def save(lab: Lab, spec: Spec, reason: str, by: str, *, before: str = "", before_sha256: str = "") -> str:
    """Write a specification, new or in the place of an older file, and the change into the audit trail.

    Parameters
    ----------
    lab : Lab
    spec : Spec
    reason, by : str
        Why, and the full name of who does it.
    before, before_sha256 : str
        Name of the file that was changed, and its hash when the change began; empty: a new one. It stays, unless the
        revision is the same and no report was judged by it.

    Returns
    -------
    str
        Name of the file.

    Raises
    ------
    SettingsError
        Jobs could not read it, it says what no recipe knows, there is no reason, the revision was used by a report or
        begins on the same day as another one, or somebody else changed the file in the meantime.
    OutputError
        It cannot be written.
    """
    if not reason.strip():
        msg = "specification: say why it is made or changed; the reason goes into the audit trail"
        raise SettingsError(msg)
    _check_asked(spec)
    folder = folder_of(lab)
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        msg = f"{folder}: cannot be made: {error.strerror}"
        raise OutputError(msg) from None
    audit.ready(lab.reports)
    with locks.held(folder / ".lock", patience_s=_PATIENCE_S):
        with connected(lab, read_only=True) as connection:
            there = every(connection, lab, spec.valid_from)
        old = find(there, before) if before else None
        if old is not None and sha256_file(folder / before) != before_sha256:
            msg = f"{before}: somebody else changed it in the meantime; look at it again"
            raise SettingsError(msg)
        replaced = old if old is not None and old.file is not None and _same(old.file.spec, spec) else None
        if replaced is not None and replaced.reports:
            n = replaced.reports
            msg = (
                f"{specs.designation(spec)}: {n} report{'s were' if n > 1 else ' was'} judged by this revision, and "
                "it stays as it is; give the change a revision of its own"
            )
            raise SettingsError(msg)
        others = [one.file for one in there if one.file is not None and one is not replaced]
        _check_beside(spec, others)
        name = before if replaced is not None else _free_name(spec, folder)
        text = toml_text(spec).encode()
        _check_readable(text, name)
        if replaced is not None:
            try:
                write_whole(folder / name, text)
            except OSError as error:
                msg = f"{folder / name}: cannot be written: {error.strerror}"
                raise OutputError(msg) from None
        else:
            new_file(folder / name, text)
    audit.append(
        lab.reports,
        audit.Event(
            event="specification",
            subject=specs.designation(spec),
            user=by,
            reason=reason.strip(),
            old=None if old is None or old.file is None else {"file": before, **stated(old.file.spec)},
            new={"file": name, **stated(spec)},
        ),
    )
    return name


def recipes() -> tuple[Recipe, ...]:
    """Recipes that are here."""
    return tuple(registry.load("recipe", name) for name in registry.names("recipe"))


# ------------------------------------------------------------------------------------------------------------- checks


def _check_asked(spec: Spec) -> None:
    """Refuse requirements that no job could be judged by."""
    if not spec.requirements:
        msg = "specification: holds no requirement; give a quantity and a limit"
        raise SettingsError(msg)
    known = (registry.load("recipe", spec.recipe),) if spec.recipe else recipes()
    names = sorted({name for recipe in known for name in recipe.QUANTITIES})
    for number, asked in enumerate(spec.requirements, 1):
        where = f"requirement {number}"
        if asked.class_string:
            if not any(isinstance(recipe, plugins.ExpandsRequirements) for recipe in known):
                msg = f"{where}: recipe {spec.recipe} knows no class strings"
                raise SettingsError(msg)
            continue
        found = [quantity for recipe in known if (quantity := quantity_of(recipe, asked.quantity)) is not None]
        if not found:
            whose = f"recipe {spec.recipe} has no" if spec.recipe else "no recipe has a"
            msg = f"{where}: {whose} quantity '{asked.quantity}'{typos.near(asked.quantity, names)}"
            raise SettingsError(msg)
        check_requirement(asked, where)
        if asked.unit and dimension(asked.unit) not in {dimension(one.unit) for one in found}:
            msg = f"{where}: unit '{asked.unit}' does not fit {asked.quantity} [{found[0].unit}]"
            raise SettingsError(msg)


def _check_beside(spec: Spec, others: Sequence[SpecFile]) -> None:
    """Refuse what would leave jobs of the part without a current revision, or with the same source twice."""
    own = [one for one in others if _plain(one.spec.part) == _plain(spec.part)]
    same = [one for one in own if _same(one.spec, spec)]
    said = {asked.source.strip() or spec.source.strip() for asked in spec.requirements}
    for one in same:
        if said & {asked.source for asked in one.spec.requirements}:
            msg = (
                f"{specs.designation(spec)}: {one.path.name} states it already, of the same source; change that one, "
                "or give this one a revision of its own"
            )
            raise SettingsError(msg)
    start: dict[str, date] = {}
    for one in own:
        revision = specs.designation(one.spec)
        start[revision] = min(start.get(revision, date.max), one.spec.valid_from)
    mine = min([spec.valid_from, *(one.spec.valid_from for one in same)])
    for revision, first in start.items():
        if revision != specs.designation(spec) and first == mine:
            msg = f"{specs.designation(spec)}: begins on {mine} as {revision} does: which is the newer cannot be told"
            raise SettingsError(msg)


def _check_readable(text: bytes, name: str) -> None:
    """Read a file as jobs read it."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(text)
        try:
            specs.read(path)
        except SettingsError as error:
            raise SettingsError(str(error).replace(f"{path} ", "").replace(f"{path}: ", f"{name}: ")) from None


def _counts(file: SpecFile, every: Sequence[SpecFile], day: date) -> bool:
    """Whether jobs of a day are judged by a file."""
    name = specs.designation(file.spec)
    try:
        found = specs.find(name, every, day, file.spec.recipe, "")
    except SettingsError:
        return False
    return any(one.path == file.path and not one.left_out for one in found)


# -------------------------------------------------------------------------------------------------------------- names


def _spec(one: Listed) -> Spec:
    assert one.file is not None
    return one.file.spec


def _same(one: Spec, other: Spec) -> bool:
    return specs.designation(one) == specs.designation(other)


def _named(part: str, revision: str) -> tuple[str, str]:
    return _plain(part), _plain(revision)


def _plain(text: str) -> str:
    return " ".join(text.split())


def _free_name(spec: Spec, folder: Path) -> str:
    stem = re.sub(r"[^A-Za-z0-9.-]+", "_", specs.designation(spec)).strip("._-")[:80] or "specification"
    taken = {path.name.casefold() for path in folder.glob("*.toml")}
    names = (f"{stem}.toml", *(f"{stem}_{n}.toml" for n in range(2, 1000)))
    return next(name for name in names if name.casefold() not in taken)


def requirement(values: dict[str, str], number: int) -> Requirement | None:
    """Make a requirement of what was typed into a form; None: nothing was.

    Raises
    ------
    SettingsError
        A limit that is no number.
    """
    filled = {key: value.strip() for key, value in values.items() if value.strip()}
    if not set(filled) - {"rule", "guard_band"}:
        return None
    numbers: dict[str, float] = {}
    for key in ("lower", "upper", "round_to"):
        if key in filled:
            try:
                numbers[key] = float(filled[key])
            except ValueError:
                numbers[key] = nan
            if not isfinite(numbers[key]):
                msg = f"requirement {number}: {key.replace('_', ' ')} '{filled[key]}' is no number; write it as 12.5"
                raise SettingsError(msg)
    return checked(Requirement, {"quantity": "", **filled, **numbers}, f"requirement {number}")
