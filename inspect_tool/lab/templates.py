"""Inspections that a lab has prepared for others: what is locked, and what an operator fills in.

``templates/NAME.toml`` holds the answers of a form (see ``inspection.starter_form``) as they were typed, and the keys
of those that are left open. Its SHA-256 is its version; every change has a reason, and stands in the audit trail with
what there was before.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from dataclasses import field as default

from inspect_tool import locks, registry
from inspect_tool.errors import OutputError, SettingsError
from inspect_tool.evidence import audit
from inspect_tool.files import checked, dump_toml, read_bytes, read_toml, sha256_bytes, stated, write_whole
from inspect_tool.inspection import starter_form
from inspect_tool.lab.database import Lab
from inspect_tool.lab.inspections import CHECKED
from inspect_tool.lab.users import Person
from inspect_tool.model import Header

FOLDER = "templates"
SCHEMA = "inspect_tool/lab_template/1"
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,59}")
_PATIENCE_S = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What the file of a template says."""

    schema: str = SCHEMA
    title: str
    recipe: str
    by: str  # full name of who changed it last
    open: tuple[str, ...] = ()  # keys of the form that an operator fills in
    values: Mapping[str, str] = default(default_factory=dict)  # texts of all others that are not the default


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """An inspection that was prepared for others."""

    name: str
    title: str
    recipe: str
    by: str
    open: tuple[str, ...]
    values: Mapping[str, str]
    sha256: str  # of its file: its version


def listed(lab: Lab) -> tuple[tuple[Template, ...], tuple[str, ...]]:
    """All templates of a lab, by name; and what is wrong with those that cannot be read."""
    found, faults = [], []
    for path in sorted((lab.folder / FOLDER).glob("*.toml")):
        try:
            found.append(by_name(lab, path.stem))
        except SettingsError as error:
            faults.append(str(error))
    return tuple(found), tuple(faults)


def by_name(lab: Lab, name: str) -> Template:
    """One template.

    Raises
    ------
    SettingsError
        There is none of this name, or its file is wrong.
    """
    path = lab.folder / FOLDER / f"{name}.toml"
    if not _NAME.fullmatch(name) or not path.is_file():
        msg = f"template '{name[:60]}': the lab has none of this name"
        raise SettingsError(msg)
    data = read_bytes(path)
    kept = checked(Kept, read_toml(path, data), str(path))
    if kept.schema != SCHEMA:
        msg = f"{path}: schema is '{kept.schema}', this version reads '{SCHEMA}'"
        raise SettingsError(msg)
    return Template(
        name=name,
        title=kept.title,
        recipe=kept.recipe,
        by=kept.by,
        open=kept.open,
        values=kept.values,
        sha256=sha256_bytes(data),
    )


def filled(template: Template, given: Mapping[str, str]) -> dict[str, str]:
    """A form as an operator filled it in: what the template locks stays, whatever was given."""
    opened = {key: given[key] for key in template.open if given.get(key, "").strip()}
    return {
        **template.values,
        **opened,
        "recipe": template.recipe,
        "template": template.name,
        "version": template.sha256,
    }


def save(lab: Lab, person: Person, asked: Template, reason: str) -> Template:
    """Write a template; ``sha256`` is the version that was changed, empty for a new one.

    Raises
    ------
    SettingsError
        There is no reason, the answers are wrong, the name is taken, or somebody else changed it meanwhile.
    OutputError
        It cannot be written.
    """
    _check(asked, reason)
    path = lab.folder / FOLDER / f"{asked.name}.toml"
    kept = Kept(
        title=asked.title.strip(),
        recipe=asked.recipe,
        by=person.full_name,
        open=asked.open,
        values={key: text for key, text in asked.values.items() if text.strip() and key not in asked.open},
    )
    data = dump_toml(stated(kept)).encode()
    try:
        path.parent.mkdir(exist_ok=True)
        with locks.held(path.parent / ".lock", patience_s=_PATIENCE_S):
            old = by_name(lab, asked.name) if path.exists() else None
            _check_version(asked, old)
            write_whole(path, data)
            new = replace(asked, by=kept.by, values=kept.values, title=kept.title, sha256=sha256_bytes(data))
            audit.append(
                lab.reports,
                audit.Event(
                    event="template",
                    subject=asked.name,
                    reason=reason.strip(),
                    old=None if old is None else _told(old),
                    new=_told(new),
                    user=person.full_name,
                ),
            )
    except OSError as error:
        msg = f"{path}: cannot be written: {error.strerror}"
        raise OutputError(msg) from None
    return new


def _check(asked: Template, reason: str) -> None:
    if not _NAME.fullmatch(asked.name):
        msg = f"name: '{asked.name[:60]}' cannot be that of a template: 1 to 60 letters a to z, digits, '_' or '-'"
        raise SettingsError(msg)
    if not asked.title.strip():
        msg = "title: is missing; say what is inspected"
        raise SettingsError(msg)
    if not reason.strip():
        msg = "reason: is missing; say why, it stands in the audit trail"
        raise SettingsError(msg)
    unknown = [key for key in asked.open if key.removeprefix("header.") not in Header.__dataclass_fields__]
    if unknown:
        msg = f"open: '{unknown[0][:60]}' is no field of the header; all else is locked"
        raise SettingsError(msg)
    answers = starter_form.answers_of(asked.recipe, asked.values, CHECKED)
    checked(registry.load("recipe", asked.recipe).Settings, answers.settings, "template", under="settings")
    if answers.backend:
        table = {key: value for key, value in answers.backend.items() if key != "name"}
        checked(registry.load("backend", answers.backend["name"]).Settings, table, "template", under="backend")


def _check_version(asked: Template, old: Template | None) -> None:
    if old is not None and not asked.sha256:
        msg = f"name: there is a template '{asked.name}' already; choose another name, or change that one"
        raise SettingsError(msg)
    if asked.sha256 and (old is None or old.sha256 != asked.sha256):
        who = "it is gone" if old is None else f"{old.by} changed it"
        msg = f"template '{asked.name}': {who} while you were at it; look at it again, then make your change"
        raise SettingsError(msg)


def _told(template: Template) -> dict[str, object]:
    return {
        "sha256": template.sha256,
        "title": template.title,
        "recipe": template.recipe,
        "open": template.open,
        "values": dict(template.values),
    }
