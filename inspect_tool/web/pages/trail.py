"""The audit trails of the lab: what was done, by whom, and whether the record of it is whole."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import urlencode

from starlette.responses import Response

from inspect_tool.errors import SettingsError
from inspect_tool.evidence import audit
from inspect_tool.evidence.audit import Entry
from inspect_tool.lab import accounts, inspections
from inspect_tool.lab.database import Lab
from inspect_tool.lab.users import Role
from inspect_tool.web.bench import Asked, Page, whole_number
from inspect_tool.web.html import page

_AUDIT: frozenset[Role] = frozenset(["auditor", "manager"])
_SHOWN = 100  # entries of a page


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What of which trail is looked at; empty: all of it."""

    of: str = "reports"
    event: str = ""
    by: str = ""
    about: str = ""
    since: str = ""

    def address(self, **more: object) -> str:
        """Query of an address that asks for the same."""
        stated = {key: getattr(self, key) for key in self.__slots__}
        return urlencode({key: value for key, value in {**stated, **more}.items() if value})


def show(asked: Asked) -> Response:
    """Show the newest entries, and whether the chain holds."""
    choice, folder = _chosen(asked)
    is_there = (folder / audit.LOG).exists() or (folder / audit.HEAD).exists()
    is_compared = asked.query.get("compared") == "yes"
    found = audit.Trail(entries=())
    if is_there:
        found = audit.verify(folder) if is_compared else audit.read(folder)
    chosen = _selected(found, choice)
    before = whole_number(asked.query.get("before", ""))
    older = [entry for entry in reversed(chosen) if before is None or entry.number < before]
    return page(
        asked,
        "trail.html",
        trails=tuple(_trails(asked.bench.lab)),
        choice=choice,
        found=found,
        is_there=is_there,
        is_compared=is_compared,
        total=len(chosen),
        entries=[(entry, [text.strip() for text in audit.lines(entry)[1:]]) for entry in older[:_SHOWN]],
        subject=subject,
        more=older[_SHOWN - 1].number if len(older) > _SHOWN else None,
        is_first=before is None,
        events=sorted({entry.event for entry in found.entries}),
        people=sorted({entry.user for entry in found.entries}),
    )


def export(asked: Asked) -> Response:
    """Give entries as the lines that they are: whoever has them checks their hashes without this program."""
    choice, folder = _chosen(asked)
    chosen = _selected(audit.read(folder), choice)
    headers = {"Content-Disposition": f'attachment; filename="{choice.of}-audit.jsonl"'}
    content = b"".join(audit.line(entry) + b"\n" for entry in chosen)
    return Response(content, media_type="application/jsonl", headers=headers)


def _chosen(asked: Asked) -> tuple[Choice, Path]:
    choice = Choice(**{key: asked.query[key].strip() for key in Choice.__slots__ if key in asked.query})
    trails = _trails(asked.bench.lab)
    if choice.of not in trails:
        msg = f"audit trail '{choice.of}': there is none; there are: {', '.join(trails)}"
        raise SettingsError(msg)
    return choice, trails[choice.of]


def _trails(lab: Lab) -> Mapping[str, Path]:
    return {"reports": lab.reports, "accounts": accounts.trail(lab)}


def _selected(found: audit.Trail, choice: Choice) -> tuple[Entry, ...]:
    events = [choice.event] if choice.event else []
    entries = audit.select(found.entries, events=events, since=choice.since, by=choice.by)
    wanted = choice.about.casefold()
    return tuple(one for one in entries if any(wanted in text.casefold() for text in (one.subject, subject(one))))


def subject(entry: Entry) -> str:
    """What an entry is of; of a correction or a check by hand the inspection, whose job file is called as all are."""
    file = entry.new.get("job_file", "") if isinstance(entry.new, Mapping) else ""
    parts = PurePosixPath(str(file)).parts
    return parts[-2] if parts[-1:] == (inspections.JOB,) and parts[-3:-2] == (inspections.FOLDER,) else entry.subject


PAGES = (
    Page(path="/trail", show=show, roles=_AUDIT),
    Page(path="/trail/export", show=export, roles=_AUDIT),
)
