"""Acceptance criteria as data: the files of a part, what is valid on a day, and where sources conflict.

One file holds what one source (customer, drawing, class of a standard) asks of one revision of a part. The newest
revision that is valid on the day counts; several files of it are taken together, and none takes the place of another.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from math import inf, isclose
from pathlib import Path
from typing import Literal

from inspect_tool.errors import SettingsError
from inspect_tool.files import load_spec, sha256_file
from inspect_tool.languages import Text
from inspect_tool.model import Requirement, Spec, SpecRecord
from inspect_tool.units import convert

FOLDER = "specs"
"""Beside the job file, where the job names no other."""

_MOST_NAMED = 20  # parts in the line that says which there are


@dataclass(frozen=True, slots=True, kw_only=True)
class SpecFile:
    """A file of acceptance criteria; every requirement in it has its source."""

    path: Path
    sha256: str
    spec: Spec
    left_out: str = ""  # why it does not count; empty: it does


# ------------------------------------------------------------------------------------------------------ finding


def read(path: Path) -> tuple[SpecFile, ...]:
    """Read one file of acceptance criteria, or every ``*.toml`` of a folder in the order of their names.

    Raises
    ------
    SettingsError
        Nothing is there, or a file cannot be read: one that is passed over might hold the newest revision.
    """
    if path.is_dir():
        paths = sorted(item for item in path.glob("*.toml") if item.is_file() and not item.name.startswith("."))
    else:
        paths = [path] if path.is_file() else []
    if not paths:
        found = "holds no *.toml file" if path.is_dir() else "no such file or folder"
        msg = f"{path}: {found}; acceptance criteria are TOML files in the folder '{FOLDER}' beside the job file"
        raise SettingsError(msg)
    return tuple(_read_file(item) for item in paths)


def _read_file(path: Path) -> SpecFile:
    spec = load_spec(path)
    for key in ("part", "revision"):
        if not getattr(spec, key).strip():
            msg = f"{path} {key}: is empty"
            raise SettingsError(msg)
    if spec.valid_to is not None and spec.valid_to < spec.valid_from:
        msg = f"{path} valid_to: {spec.valid_to} lies before valid_from {spec.valid_from}"
        raise SettingsError(msg)
    if not spec.requirements:
        msg = f"{path}: holds no [[requirements]]"
        raise SettingsError(msg)
    stated = tuple(
        replace(requirement, source=requirement.source.strip() or spec.source.strip())
        for requirement in spec.requirements
    )
    for i, requirement in enumerate(stated):
        if not requirement.source:
            msg = f"{path} requirements.{i}.source: is missing; say who asks for it, here or once for the file"
            raise SettingsError(msg)
    return SpecFile(path=path, sha256=sha256_file(path), spec=replace(spec, requirements=stated))


def designation(spec: Spec) -> str:
    """Name what a job asks for: part and revision.

    >>> designation(Spec(part="4711", revision="B", valid_from=date(2026, 1, 1), requirements=()))
    '4711 rev B'
    """
    return _words(f"{spec.part} rev {spec.revision}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A file of acceptance criteria, and whether it counts on a day."""

    file: SpecFile
    state: Literal["valid", "superseded", "not yet valid", "no longer valid", "not told apart"]


def listed(files: Sequence[SpecFile], day: date) -> tuple[Listed, ...]:
    """Say of every file whether it counts on a day, parts in their order and the newest revision of each first.

    "not told apart" are valid revisions of a part that began on one day, of which a job may name none.
    """
    found = []
    for file in sorted(files, key=lambda one: (_words(one.spec.part), -one.spec.valid_from.toordinal())):
        part = [one for one in files if _words(one.spec.part) == _words(file.spec.part)]
        current = _current(part, day)
        state: Literal["valid", "superseded", "not yet valid", "no longer valid", "not told apart"]
        if not _is_valid(file.spec, day):
            state = "not yet valid" if day < file.spec.valid_from else "no longer valid"
        elif designation(file.spec) not in current:
            state = "superseded"
        else:
            state = "valid" if len(current) == 1 else "not told apart"
        found.append(Listed(file=file, state=state))
    return tuple(found)


def find(name: str, files: Sequence[SpecFile], day: date, recipe: str, where: str) -> tuple[SpecFile, ...]:
    """Find the files of a part, and say which of them count.

    Parameters
    ----------
    name : str
        Part and revision, as ``designation`` spells them.
    files : sequence of SpecFile
    day : date
        Date of the work.
    recipe : str
        The inspection of the job; files for others are left out.
    where : str
        Starts the message.

    Returns
    -------
    tuple of SpecFile
        Every file of the part, of all its revisions; those whose requirements count have no ``left_out``.

    Raises
    ------
    SettingsError
        Unknown, superseded or not yet valid on that day, or without criteria for this inspection.
    """
    name = _words(name)
    own = [file for file in files if designation(file.spec) == name]
    if not own:
        msg = f"{where} spec: there is no '{name}'; there are: {_listed([designation(file.spec) for file in files])}"
        raise SettingsError(msg)
    part = [file for file in files if _words(file.spec.part) == _words(own[0].spec.part)]
    _stop_unless_current(name, part, day, where)
    judged = tuple(replace(file, left_out=_why_not(file.spec, name, day, recipe)) for file in part)
    if all(file.left_out for file in judged):
        recipes = sorted({file.spec.recipe for file in own if _is_valid(file.spec, day)})
        msg = f"{where} spec: '{name}' has criteria for {', '.join(recipes)} only, this job is {recipe}"
        raise SettingsError(msg)
    return judged


def _listed(names: Iterable[str]) -> str:
    known = list(dict.fromkeys(names))
    more = len(known) - _MOST_NAMED
    return ", ".join(known[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def _words(name: str) -> str:
    return " ".join(name.split())


def _is_valid(spec: Spec, day: date) -> bool:
    return spec.valid_from <= day and (spec.valid_to is None or day <= spec.valid_to)


def _starts(part: Iterable[SpecFile]) -> dict[str, date]:
    """First day of each revision of a part: a revision is as new as its earliest file."""
    start: dict[str, date] = {}
    for file in part:
        revision = designation(file.spec)
        start[revision] = min(start.get(revision, date.max), file.spec.valid_from)
    return start


def _current(part: Sequence[SpecFile], day: date) -> list[str]:
    """The newest revisions of a part that are valid on a day: one, unless two began on the same day."""
    start = _starts(part)
    valid = {designation(file.spec) for file in part if _is_valid(file.spec, day)}
    newest = max((start[revision] for revision in valid), default=None)
    return sorted(revision for revision in valid if start[revision] == newest)


def _stop_unless_current(name: str, part: Sequence[SpecFile], day: date, where: str) -> None:
    """Refuse a revision that is not the newest valid one."""
    start, current = _starts(part), _current(part, day)
    valid = {designation(file.spec) for file in part if _is_valid(file.spec, day)}
    if current == [name]:
        return
    since = f"(valid from {start[current[0]]})" if current else ""
    now = f"current on that day: {' and '.join(current)} {since}" if current else "no revision is"
    if name in current:
        msg = f"{where} spec: {now}: which is the newer cannot be told; give the older one a valid_to"
        raise SettingsError(msg)
    if name in valid:
        why = f"is superseded on {day}"
    elif start[name] > day:
        why = f"is not yet valid on {day}: valid from {start[name]}"
    else:
        last = max(f.spec.valid_to for f in part if designation(f.spec) == name and f.spec.valid_to is not None)
        why = f"is no longer valid on {day}: valid to {last}"
    msg = f"{where} spec: '{name}' {why}; {now}"
    raise SettingsError(msg)


def _why_not(spec: Spec, name: str, day: date, recipe: str) -> str:
    if designation(spec) != name:
        return "another revision"
    if day < spec.valid_from:
        return f"valid from {spec.valid_from}"
    if spec.valid_to is not None and day > spec.valid_to:
        return f"valid to {spec.valid_to}"
    return f"for {spec.recipe}" if spec.recipe not in ("", recipe) else ""


def record(file: SpecFile) -> SpecRecord:
    """Say of a file what the report says."""
    spec = file.spec
    return SpecRecord(
        file=file.path.name,
        sha256=file.sha256,
        revision=spec.revision,
        source="; ".join(dict.fromkeys(requirement.source for requirement in spec.requirements)),
        valid_from=spec.valid_from,
        valid_to=spec.valid_to,
        left_out=file.left_out,
    )


# ------------------------------------------------------------------------------------------------------ comparing


@dataclass(frozen=True, slots=True, kw_only=True)
class _Limits:
    """What one source asks of one quantity, in one unit."""

    source: str
    lower: float
    upper: float
    rules: tuple[str, ...]
    asked: tuple[Requirement, ...]
    differs: bool  # the source states one side of one rule twice, and not alike


def compared(
    requirements: Sequence[Requirement], unit: Callable[[str], str], title: Callable[[str], str], where: str
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Compare what several sources ask of the same quantity and specimen.

    Parameters
    ----------
    requirements : sequence of Requirement
        Of a job and of its acceptance criteria, class strings spelled out.
    unit, title : callable
        Unit and name for the reader of a quantity.
    where : str
        Starts the message.

    Returns
    -------
    tuple of str
        A sentence per conflict: the sources, their limits, and which is the stricter.
    tuple of str
        A sentence per quantity on which all sources agree.

    Raises
    ------
    SettingsError
        Nothing can fulfill them: a lower limit lies above an upper one.
    """
    conflicts, agreements = [], []
    for quantity, specimen, group in _groups(requirements):
        sources = _by_source(group, unit(quantity))
        _stop_if_contradictory(sources, f"{where} requirements on {quantity}")
        name = (
            Text("acceptance.quantity_of_specimen", title=title(quantity), specimen=specimen)
            if specimen
            else title(quantity)
        )
        alike = all(_alike(sources[0], other) for other in sources) and not any(item.differs for item in sources)
        if not alike:
            conflicts.append(_conflict(name, sources))
        elif len(sources) > 1:
            sources_named = tuple(item.source for item in sources)
            agreements.append(
                Text("acceptance.sources_agree", name=name, sources=sources_named, limits=_text(sources[0]))
            )
    return tuple(conflicts), tuple(agreements)


def _groups(requirements: Sequence[Requirement]) -> Iterator[tuple[str, str, list[Requirement]]]:
    """Requirements that meet: those on every specimen, and for each specimen with its own also these."""
    for quantity in dict.fromkeys(item.quantity for item in requirements):
        own = [item for item in requirements if item.quantity == quantity]
        for specimen in dict.fromkeys(["", *(item.specimen for item in own)]):
            group = [item for item in own if item.specimen in ("", specimen)]
            if group:
                yield quantity, specimen, group


def _by_source(group: Sequence[Requirement], unit: str) -> list[_Limits]:
    found = []
    for source in dict.fromkeys(item.source for item in group):
        asked = [item for item in group if item.source == source]
        lowers = [-inf if r.lower is None else convert(r.lower, r.unit or unit, unit) for r in asked]
        uppers = [inf if r.upper is None else convert(r.upper, r.unit or unit, unit) for r in asked]
        stated = [(_rule(r), "lower", v) for r, v in zip(asked, lowers, strict=True) if v > -inf]
        stated += [(_rule(r), "upper", v) for r, v in zip(asked, uppers, strict=True) if v < inf]
        found.append(
            _Limits(
                source=source or "a source that is not stated",
                lower=max(lowers),
                upper=min(uppers),
                rules=tuple(sorted({_rule(item) for item in asked})),
                asked=tuple(asked),
                differs=any(a[:2] == b[:2] and not _same(a[2], b[2]) for a in stated for b in stated),
            )
        )
    return found


def _same(one: float, other: float) -> bool:
    return one == other or isclose(one, other, rel_tol=1e-9)  # 0.32 mm and 320 um are one limit


def _alike(one: _Limits, other: _Limits) -> bool:
    return _same(one.lower, other.lower) and _same(one.upper, other.upper) and one.rules == other.rules


def _stop_if_contradictory(sources: Sequence[_Limits], where: str) -> None:
    low, high = max(sources, key=lambda item: item.lower), min(sources, key=lambda item: item.upper)
    if low.lower > high.upper and not _same(low.lower, high.upper):
        msg = f"{where}: nothing can fulfill both '{low.source}' ({_text(low)}) and '{high.source}' ({_text(high)})"
        raise SettingsError(msg)


def _conflict(name: str, sources: Sequence[_Limits]) -> str:
    stated = "; ".join(f"{item.source}: {_text(item)}" for item in sources)
    if len(sources) == 1:
        return Text("acceptance.conflict_within_source", name=name, stated=stated)
    return Text("acceptance.conflict_between_sources", name=name, stated=stated, sources=_stricter(sources))


def _stricter(sources: Sequence[_Limits]) -> str:
    """Say which source is the stricter: on the lower side the larger limit, on the upper side the smaller."""
    lower, upper = max(item.lower for item in sources), min(item.upper for item in sources)
    low = [item.source for item in sources if lower > -inf and _same(item.lower, lower)]
    high = [item.source for item in sources if upper < inf and _same(item.upper, upper)]
    both = [item.source for item in sources if (not low or item.source in low) and (not high or item.source in high)]
    rules = len({item.rules for item in sources}) > 1
    if len(both) == len(sources):
        return Text("acceptance.same_limits_other_rules") if rules else Text("acceptance.neither_stricter")
    if both:
        said = Text("acceptance.stricter_sources", n=len(both), both=tuple(both))
    else:
        said = Text("acceptance.none_stricter_on_both_sides", low=tuple(low), high=tuple(high))
    return said + (Text("acceptance.stricter_by_limits_only") if rules else ".")


def _text(limits: _Limits) -> str:
    return ", ".join(dict.fromkeys(_one(item) for item in limits.asked))


def _one(asked: Requirement) -> str:
    unit = "" if asked.unit in ("", "1") else f" {asked.unit}"
    sides = [(asked.lower, "at least"), (asked.upper, "at most")]
    said = " and ".join(f"{word} {value:g}{unit}" for value, word in sides if value is not None)
    code = f" (class {asked.class_string})" if asked.class_string else ""
    return f"{said}{code} ({_rule(asked)})"


def _rule(asked: Requirement) -> str:
    said = asked.rule.replace("_", "-")
    if asked.guard_band != "U":
        said += f", w = {asked.guard_band}"
    return said + (f", rounded to {asked.round_to:g}" if asked.round_to is not None else "")
