"""The laboratory's memory: lab init, add, rebuild, account, defaults."""

import sys
from itertools import chain
from pathlib import Path
from typing import Annotated

import typer

from inspect_tool.cli import find
from inspect_tool.cli.common import (
    EXIT_FIX,
    EXIT_PASS,
    LabFolder,
    ManyFiles,
    Quiet,
    WithDefault,
    counted,
    group,
    print_error,
    showing_progress,
)
from inspect_tool.cli.trend import trend
from inspect_tool.errors import InspectError, ReadError, SettingsError


def init(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Is made where it is missing.")],
    database: Annotated[
        str, typer.Option("--database", metavar="URL", help="postgresql://user@host/name; by default SQLite in FOLDER.")
    ] = "",
    name: Annotated[str, typer.Option("--name", help="Of the laboratory; by default that of the folder.")] = "",
) -> None:
    """Make a lab: a folder that remembers every report. One that exists is brought up to this version."""
    from inspect_tool.lab import database as databases

    lab = databases.init(folder, database, name)
    print(f"{lab.folder}: lab '{lab.name}', database {lab.database}")
    print(f"  inspect-tool run JOB --lab {folder}           measure, and remember the report")
    print(f"  inspect-tool lab add REPORT... --lab {folder}  remember reports that are there already")


def add(
    reports: Annotated[
        list[Path], typer.Argument(metavar="REPORT...", help="Report folders, folders of them, PDF reports.")
    ],
    lab: LabFolder = Path(),
    keep: Annotated[bool, typer.Option("--keep", help="Keep copies of the masks, by their hash.")] = False,
    images: Annotated[
        list[Path] | None,
        typer.Option("--images", metavar="FOLDER", help="Keep copies of the images too, which are looked for here."),
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Remember reports. One that is known already is left as it is; one that cannot be read stops no other."""
    from inspect_tool.lab import index
    from inspect_tool.lab.database import open_lab

    opened = open_lab(lab)
    kept = index.Keep(images=tuple(images or ())) if keep or images else None
    status = EXIT_PASS
    for path in chain.from_iterable(map(index.reports_of, reports)):
        try:
            added = index.add(opened, path, kept)
        except InspectError as error:
            print_error(error)
            status = EXIT_FIX
            continue
        if not quiet:
            print(f"{path}: {added.number} {'added' if added.is_new else 'is known'}")
            for number in added.gone:
                print(f"  {number}, which lay there, was written over and is forgotten")
    raise typer.Exit(status)


def rebuild(
    lab: LabFolder = Path(),
    check_objects: Annotated[
        bool, typer.Option("--check-objects", help="Read every kept image and mask, and compare its hash.")
    ] = False,
    quiet: Quiet = False,
) -> None:
    """Make the database again from the reports: in the folder of the lab, and wherever a report was added from.

    Exit status: 0 every report that the lab was ever given is there, 2 some are not: they are listed.
    """
    from inspect_tool.lab.rebuild import rebuild as rebuilt

    with showing_progress("rebuild", quiet, only_news=True) as tell:
        found = rebuilt(lab, check_objects=check_objects, progress=tell)
    if found.kept_aside is not None:
        print(
            f"{found.kept_aside}: the damaged database; the queue, the limits of trends, and accounts were in it",
            file=sys.stderr,
        )
    lines = [
        *(f"{place}: {text}" for place, text in found.missing),
        *found.unreadable,
        *(f"{path}: is damaged; put it back from a copy" for path in found.damaged),
    ]
    if found.lost_lines:
        lines.append(f"reports.jsonl: {counted(found.lost_lines, 'line')} cannot be read")
    for line in lines:
        print_error(ReadError(line))
    if not quiet:
        others = f", {counted(found.other_pdfs, 'PDF')} of other kinds" if found.other_pdfs else ""
        print(f"{counted(found.reports, 'report')} in the index{others}; {len(lines) or 'none'} missing or damaged")
        if found.releases:
            print(f"{counted(found.releases, 'release')} taken from audit trails")
    raise typer.Exit(EXIT_FIX if lines else EXIT_PASS)


def account(
    name: Annotated[str, typer.Argument(metavar="NAME", help="To enter with; without one: list the accounts.")] = "",
    new_password: Annotated[
        bool, typer.Option("--new-password", help="Ask for one here; it must be changed at the next entry.")
    ] = False,
    lab: LabFolder = Path(),
) -> None:
    """Show the accounts of the workbench, or set the password of who manages them and has lost it."""
    from inspect_tool.evidence import audit
    from inspect_tool.lab import accounts, users
    from inspect_tool.lab.database import connected, open_lab

    opened = open_lab(lab)
    with connected(opened, read_only=True) as connection:
        shown = (users.by_name(connection, name),) if name else users.every(connection)
    if new_password:
        if not name:
            msg = "lab account: whose password? inspect-tool lab account NAME --new-password"
            raise SettingsError(msg)
        (person,) = shown
        assert person.id is not None
        password = _asked_twice(person.name)
        shown = (accounts.set_password(opened, f"{audit.user()}, at the command line", person.id, password),)
        print(f"{person.name}: the password is set; it must be changed at the next entry")
    for one in shown:
        locked = f", locked until {one.locked_until:%Y-%m-%d %H:%M} UTC" if one.locked_until else ""
        state = f"open{locked}" if one.active else "closed"
        print(f"{one.name:<20} {one.full_name:<30} {' '.join(sorted(one.roles)):<30} {state}")
    if not shown:
        print(f"nobody has an account; the workbench asks for the first one: inspect-tool workbench {lab}")


def _asked_twice(name: str) -> str:
    """A password from the terminal, which does not show it; from a pipe: its first line."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    password = typer.prompt(f"New password of {name}", hide_input=True)
    if typer.prompt("The same again", hide_input=True) != password:
        msg = f"account '{name}': the two passwords differ; nothing was changed"
        raise SettingsError(msg)
    return str(password)


Key = Annotated[str, typer.Argument(metavar="KEY", help="Field of the header of a job, e.g. laboratory.")]
For = Annotated[
    str,
    typer.Option(
        "--for", metavar="WHO", help="Only for jobs that name it: customer=ACME, instrument=..., operator=..."
    ),
]


def defaults_show(lab: LabFolder = Path()) -> None:
    """Show the defaults of the lab."""
    from inspect_tool.lab import defaults
    from inspect_tool.lab.database import settings_of

    found = defaults.read(settings_of(lab))
    tables = {"": found.header}
    tables |= {f"{scope}={of}": part for scope in defaults.SCOPES for of, part in getattr(found, scope).items()}
    for who, table in tables.items():
        for key, value in table.items():
            print(f"{key:<20} {value}{f'   (for {who})' if who else ''}")
    if not any(tables.values()):
        print(f"no defaults; inspect-tool lab defaults set laboratory 'Name of yours' --lab {lab}")


def defaults_set(
    key: Key,
    value: Annotated[str, typer.Argument(metavar="VALUE", help="What a job means that leaves the field empty.")],
    only: For = "",
    lab: LabFolder = Path(),
) -> None:
    """Set a default: jobs that leave the field empty mean this."""
    if not value.strip():
        msg = f"lab defaults: '{key}' is empty; inspect-tool lab defaults remove {key} takes a default away"
        raise SettingsError(msg)
    _change(lab, key, value.strip(), only)


def defaults_remove(key: Key, only: For = "", lab: LabFolder = Path()) -> None:
    """Take a default away."""
    _change(lab, key, "", only)


def _change(lab: Path, key: str, value: str, only: str) -> None:
    from inspect_tool.lab import defaults
    from inspect_tool.lab.database import settings_of

    scope, _, of = only.partition("=")
    if only and (scope not in defaults.SCOPES or not of.strip()):
        msg = f"--for: got '{only}', must be {', '.join(f'{name}=NAME' for name in defaults.SCOPES)}"
        raise SettingsError(msg)
    defaults.change(settings_of(lab), key, value, scope, of.strip())


app = group("lab", "The laboratory's memory: remember reports, and find them again.")
app.command("init")(init)
app.command("add", cls=ManyFiles)(add)
app.command("rebuild")(rebuild)
app.command("search", cls=find.QueryTerms)(find.search)
app.command("show")(find.show)
app.command("export", cls=find.QueryTerms)(find.export)
app.command("account")(account)
app.command("trend", cls=find.QueryTerms)(trend)

_defaults_app = group(
    "defaults", "Header values that jobs of the lab need not state; without a command: show them.", WithDefault
)
_defaults_app.command("show")(defaults_show)
_defaults_app.command("set")(defaults_set)
_defaults_app.command("remove")(defaults_remove)
app.add_typer(_defaults_app)
app.add_typer(find.lot_app)
