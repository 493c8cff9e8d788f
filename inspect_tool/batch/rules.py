"""Rules of a watched folder: which files make one job, when it is complete, and what the job says."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Annotated, Any

from typing_extensions import Doc

from inspect_tool import folders, typos
from inspect_tool.batch.name_patterns import Pattern, check_known, filled, pattern, placeholders
from inspect_tool.errors import SettingsError
from inspect_tool.files import checked, dump_toml, plain, read_bytes, read_toml
from inspect_tool.inspection.job_plan import Source, plan
from inspect_tool.model import Header, Job, Selection
from inspect_tool.scale import laboratory_files
from inspect_tool.scale.calibration import check_stated

SIDECARS = (".toml", ".csv")
_FILES = ("images", "specimens")  # of a job: the watch puts them in
_MOST_SIDECAR = 1 << 20  # [byte]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Which files make one job. It is complete when all of ``count``, ``sidecar``, ``ready`` and ``quiet_s`` hold."""

    files: Annotated[str, Doc("pattern below the watched folder, e.g. {heat}_{specimen}_{field}.tif")]
    job: Annotated[str, Doc("files that agree in this make one job; name of its report, e.g. {heat}")]
    template: Annotated[str, Doc("job file without images, relative to the rules; {heat} in its texts is filled in")]
    specimen: Annotated[str, Doc("id of the specimen of a file, e.g. {specimen}; empty: one specimen")] = ""
    section: Annotated[str, Doc("section of the specimen, e.g. {plane}")] = ""
    count: Annotated[int | None, Doc("images of a job")] = None
    sidecar: Annotated[str, Doc("file (.toml or .csv) with header values, e.g. {heat}.toml")] = ""
    ready: Annotated[str, Doc("file that says that all images are there, e.g. {heat}.ready")] = ""
    quiet_s: Annotated[float | None, Doc("no file of the job came or changed for so long [s]")] = None
    beside: Annotated[str, Doc("ending of a text that the microscope writes beside every image, e.g. .txt")] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RulesFile:
    """What ``rules.toml`` says. The first rule that a file fits counts."""

    rules: tuple[Rule, ...]
    rest_s: Annotated[float, Doc("a file counts when its size and time have rested for so long [s]")] = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A rule that was checked."""

    rule: Rule
    place: str  # for messages, e.g. "rules.toml rules.0"
    files: Pattern
    sidecar: Pattern | None
    ready: Pattern | None
    template: Path
    data: Mapping[str, Any]  # of the template, placeholders and all
    which: Selection  # plane of the images that is measured


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Checked rules, in their order."""

    path: Path
    rest_s: float
    rules: tuple[Prepared, ...]

    @property
    def depth(self) -> int:
        """Names in the longest path that a rule is for."""
        made = (each for rule in self.rules for each in (rule.files, rule.sidecar, rule.ready) if each is not None)
        return max(len(each.parts) for each in made)


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """A file of a job, and what its name says."""

    path: Path
    values: Mapping[str, str]


def read(path: Path) -> Rules:
    """Read and check rules and the templates that they name.

    Raises
    ------
    InspectError
        One line for the first thing that is wrong.
    """
    stated = checked(RulesFile, read_toml(path), str(path))
    where = path.name
    if not stated.rules:
        msg = f"{where}: holds no [[rules]]"
        raise SettingsError(msg)
    if stated.rest_s <= 0:
        msg = f"{where} rest_s: got {stated.rest_s:g}, must be larger than 0, or a file that grows would count"
        raise SettingsError(msg)
    prepared = tuple(_prepared(rule, f"{where} rules.{i}", path.parent) for i, rule in enumerate(stated.rules))
    return Rules(path=path, rest_s=stated.rest_s, rules=prepared)


def _prepared(rule: Rule, place: str, folder: Path) -> Prepared:
    files = pattern(rule.files, f"{place}.files")
    groups = files.groups
    named = placeholders(rule.job, f"{place}.job")
    for key in ("job", "specimen", "section"):
        for name in placeholders(getattr(rule, key), f"{place}.{key}"):
            check_known(name, groups, f"{place}.{key}")
    own: dict[str, Pattern | None] = {}
    for key in ("sidecar", "ready"):
        text = getattr(rule, key)
        own[key] = made = pattern(text, f"{place}.{key}") if text else None
        for name in made.groups if made else ():
            check_known(name, named, f"{place}.{key}")
        if any(sign in text for sign in "*?"):
            msg = f"{place}.{key}: '{text}' must be one file; * and ? are for 'files'"
            raise SettingsError(msg)
    if rule.sidecar and not rule.sidecar.casefold().endswith(SIDECARS):
        msg = f"{place}.sidecar: '{rule.sidecar}' must end in .toml or .csv"
        raise SettingsError(msg)
    if rule.beside and (not rule.beside.startswith(".") or "/" in rule.beside):
        msg = f"{place}.beside: got '{rule.beside}', must be the ending of a name, e.g. .txt"
        raise SettingsError(msg)
    if rule.count is None and rule.quiet_s is None and not rule.sidecar and not rule.ready:
        msg = f"{place}: says nowhere when a job is complete; give count, sidecar, ready or quiet_s"
        raise SettingsError(msg)
    for key, least in (("count", 1), ("quiet_s", 0)):
        value = getattr(rule, key)
        if value is not None and value < least:
            msg = f"{place}.{key}: got {value:g}, must be at least {least}"
            raise SettingsError(msg)
    template = folder / rule.template
    data = read_toml(template)
    known = (*groups, *_heads()) if rule.sidecar else groups
    which = _check_template(template, data, known)
    return Prepared(
        rule=rule,
        place=place,
        files=files,
        sidecar=own["sidecar"],
        ready=own["ready"],
        template=template,
        data=data,
        which=which,
    )


def _check_template(path: Path, data: Mapping[str, Any], known: Sequence[str]) -> Selection:
    """Check a template as a job is checked, with stand-ins for what only files tell."""
    where = path.name
    for key in _FILES:
        if key in data:
            msg = f"{where} {key}: is put in for each job; leave it out of the template"
            raise SettingsError(msg)
    job = checked(Job, {**filled(data, dict.fromkeys(known, "1"), where), "images": ["1"]}, str(path))
    if job.calibration is not None:
        check_stated(job.calibration, f"{where} calibration")
        laboratory_files.resolve(job.calibration, path.parent, f"{where} calibration")
    if not _names({key: value for key, value in data.items() if key != "header"}, where):
        names = dict.fromkeys(one.specimen for one in job.requirements if one.specimen) or {"1": None}
        sources = tuple(
            Source(
                path=path,
                name=where,
                sha256="",
                specimen=name,
                section="1",
                plane="not stated",
                field=1,
                stated=None,
            )
            for name in names
        )
        plan(path, job=replace(job, header=Header(), lot=None), sources=sources, refereed=False)
    return Selection(page=job.page, scene=job.scene, channel=job.channel, z=job.z, time=job.time)


def job_name(rule: Prepared, values: Mapping[str, str]) -> str:
    """Name of the job that a file belongs to; a name that no folder can have is a ``SettingsError``."""
    name = str(filled(rule.rule.job, values, rule.place))
    folders.check_name(name, rule.place)
    return name


def beside_name(made: Pattern | None, values: Mapping[str, str]) -> str:
    """Path below the watched folder of the side-car or the ready file of a job; empty where the rule has none."""
    return "" if made is None else str(filled(made.text, values, made.text))


def header_values(path: Path, values: Mapping[str, str]) -> dict[str, str]:
    """Header values of a side-car: a TOML table of texts, or a CSV of one row below its heads.

    A CSV of several rows is that of several jobs: the row counts whose columns that are parts of the names of files
    agree with them.

    Raises
    ------
    SettingsError
        It cannot be read, holds a key that neither a header nor the names of the files have, or contradicts these.
    """
    where = path.name
    found = read_toml(path) if path.suffix.casefold() == ".toml" else _row(path, values)
    heads = _heads()
    stated = {key: text for key, text in found.items() if key in heads or key not in values}
    header = {key: text for key, text in plain(checked(Header, stated, where)).items() if text}
    for key in found.keys() & values.keys():
        if str(found[key]) != values[key]:
            msg = (
                f"{where} {key}: says '{found[key]}', the names of the images '{values[key]}'; put right which is wrong"
            )
            raise SettingsError(msg)
    return header


def _row(path: Path, values: Mapping[str, str]) -> dict[str, object]:
    try:
        text = read_bytes(path, _MOST_SIDECAR).decode("utf-8-sig")
        lines = text.splitlines()
        # a spreadsheet of a country with a decimal comma separates by semicolons
        rows = list(csv.DictReader(lines, strict=True, delimiter=";" if lines and ";" in lines[0] else ","))
    except OSError as error:
        msg = f"{path.name}: cannot be read: {error.strerror}"
        raise SettingsError(msg) from None
    except UnicodeDecodeError as error:
        msg = f"{path.name}: {typos.encoding(error)}"
        raise SettingsError(msg) from None
    except csv.Error as error:
        msg = f"{path.name}: is no table: {error}"
        raise SettingsError(msg) from None
    fitting = [row for row in rows if all(row[key] == values[key] for key in row if key in values)]
    fitting = rows if len(rows) == 1 else fitting  # a single row that differs is a contradiction, and is told so
    if len(fitting) != 1:
        msg = f"{path.name}: {len(fitting)} of its {len(rows)} rows are of {_shown(values)}; there must be one"
        raise SettingsError(msg)
    row = fitting[0]
    if None in row or None in row.values():
        msg = f"{path.name}: a row has more or fewer cells than there are heads"
        raise SettingsError(msg)
    return dict(row)


def _shown(values: Mapping[str, str]) -> str:
    return ", ".join(f"{key} {value}" for key, value in values.items())


def job_data(rule: Prepared, images: Sequence[Image], sidecar: Path | None) -> dict[str, Any]:
    """Plain data of the job of some files: the template filled in, the images, and the header of the side-car.

    Parameters
    ----------
    rule : Prepared
    images : sequence of Image
        At least one, in the order of their fields.
    sidecar : Path, optional
        Its values go over those of the template.

    Raises
    ------
    InspectError
        The side-car is wrong, or what the template asks for differs between the files; the job would be refused.
    """
    first = images[0].values
    common = {key: text for key, text in first.items() if all(image.values[key] == text for image in images)}
    header = {} if sidecar is None else header_values(sidecar, common)
    for name in sorted(_names(rule.data, rule.template.name) & first.keys() - common.keys() - header.keys()):
        told = " and ".join(sorted({image.values[name] for image in images})[:2])
        msg = f"{rule.template.name}: {{{name}}} is {told} in files of one job; make it part of 'job'"
        raise SettingsError(msg)
    blank = dict.fromkeys(_heads(), "") if rule.rule.sidecar else {}
    data: dict[str, Any] = filled(rule.data, {**blank, **common, **header}, rule.template.name)
    if header:
        data["header"] = {**data.get("header", {}), **header}
    data |= _images(rule, images)
    checked(Job, data, rule.template.name)
    return data


def _heads() -> tuple[str, ...]:
    return tuple(item.name for item in fields(Header))


def _names(value: Any, where: str) -> set[str]:
    """Placeholders of plain data."""
    if isinstance(value, Mapping):
        return set().union(*(_names(item, where) for item in value.values()))
    if isinstance(value, list):
        return set().union(*(_names(item, where) for item in value))
    return set(placeholders(value, where)) if isinstance(value, str) else set()


def _images(rule: Prepared, images: Sequence[Image]) -> dict[str, Any]:
    if not rule.rule.specimen and not rule.rule.section:
        return {"images": [image.path.as_posix() for image in images]}
    parts: dict[tuple[str, str], list[str]] = {}
    for image in images:
        key = (
            filled(rule.rule.specimen, image.values, rule.place) or "1",
            filled(rule.rule.section, image.values, rule.place) or "1",
        )
        parts.setdefault(key, []).append(image.path.as_posix())
    return {"specimens": [{"id": id_, "section": section, "images": own} for (id_, section), own in parts.items()]}


def job_text(rule: Prepared, data: Mapping[str, Any]) -> str:
    """Text of a job file; the same data give the same text."""
    return f"{MADE} {rule.template.name} and the names of the images.\n\n{dump_toml(data)}"


MADE = "# Made by inspect-tool watch from"
"""How a job file begins that may be written anew as long as nobody works by it."""
