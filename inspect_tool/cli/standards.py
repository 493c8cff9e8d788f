"""Editions of standards: list, show, verify (their values compared with the published text)."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from inspect_tool.cli.common import group
from inspect_tool.errors import SettingsError, StandardError

if TYPE_CHECKING:
    from inspect_tool.model import Comparison, Standard
    from inspect_tool.standards.verified import Published

Edition = Annotated[
    str, typer.Argument(metavar="EDITION", help="As in: inspect-tool standards list; or a file of your own (.toml).")
]
Folder = Annotated[
    Path | None,
    typer.Option("--folder", metavar="FOLDER", help="Default: the nearest 'standards_verified', here or above."),
]


def list_(folder: Folder = None) -> None:
    """List the editions, and how many values of each were compared with its published text."""
    from inspect_tool.standards import editions, verified

    for name in editions.names():
        standard = _with_comparisons(name, folder)
        print(f"{name:<24}{editions.designation(standard)!s:<52}{_counted(standard, verified.published(standard))}")


def show(edition: Edition, folder: Folder = None) -> None:
    """Show the values of an edition with unit and clause, and who compared them with the published text."""
    from inspect_tool.standards import editions, verified

    standard = _with_comparisons(edition, folder)
    values = verified.published(standard)
    print(f"{editions.designation(standard)}: {standard.title}; {_counted(standard, values)}")
    for one in values:
        print(_line(one, verified.states(standard)))


def verify(
    edition: Edition,
    by: Annotated[str, typer.Option(help="Name of the person who compares.")],
    text: Annotated[str, typer.Option(help="Copy that is read, e.g. 'ASTM E112-13, printed copy no. 12'.")],
    value: Annotated[
        list[str] | None, typer.Option("--value", metavar="KEY=ok", help="One value: ok, or differs; may be repeated.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Show the list, then record that all of it agrees.")] = False,
    note: Annotated[str, typer.Option(help="On the values of --value, e.g. what the text says instead.")] = "",
    folder: Folder = None,
) -> None:
    """Compare the values of an edition with its published text: each is shown and asked for, and kept at once.

    Values that were compared before are not asked for again, unless the file of the edition has changed since. Every
    answer is kept in FOLDER/EDITION.toml, so that the work can be stopped at any value and taken up again.
    """
    from inspect_tool.standards import editions, verified

    for name, stated in (("--by", by), ("--text", text)):
        if not stated.strip():
            msg = f"{name} is empty: it says who compared the values with which copy"
            raise SettingsError(msg)
    place = _place(folder) or Path(verified.FOLDER)
    standard = _with_comparisons(edition, place)
    values = verified.published(standard)
    if not values:
        print(f"{editions.designation(standard)}: a procedure without a published text: nothing is to be compared")
        return
    if standard.compared is not None and standard.compared.edition_sha256 != standard.sha256:
        print(f"{verified.file_of(standard, place)}: is of another file of the edition; its values are asked for anew")
    told = _stated(value or (), {one.key for one in values}, standard.name)
    left = [one for one in values if one.key not in verified.states(standard)]
    if told:
        _keep(standard, [(one, told[one.key], note) for one in values if one.key in told], by, text, place)
    elif every:
        for one in left:
            print(_line(one, {}))
        _keep(standard, [(one, True, "") for one in left], by, text, place)
    elif not sys.stdin.isatty():
        msg = f"{standard.name}: nobody can be asked here; give --value KEY=ok for each value, or --all"
        raise SettingsError(msg)
    else:
        _ask(standard, left, by, text, place)
    standard = _with_comparisons(edition, place)
    print(f"{verified.file_of(standard, place)}: {_counted(standard, values)}")


def _ask(standard: "Standard", left: "Sequence[Published]", by: str, text: str, place: Path) -> None:
    """Ask for one value after the other; each answer is kept before the next is asked for."""
    for number, one in enumerate(left, start=1):
        print(f"\n{number} of {len(left)}: {_line(one, {})}")
        answer = ""
        while answer not in ("y", "n", "s", "q"):
            answer = typer.prompt("Does the text say the same? y(es), n(o), s(kip), q(uit)", default="s").strip()[:1]
        if answer == "q":
            return
        if answer != "s":
            note = typer.prompt("What does it say?", default="") if answer == "n" else ""
            _keep(standard, [(one, answer == "y", note)], by, text, place)


def _keep(
    standard: "Standard", found: "Sequence[tuple[Published, bool, str]]", by: str, text: str, place: Path
) -> None:
    from inspect_tool.evidence.provenance import now
    from inspect_tool.model import Comparison
    from inspect_tool.standards import verified

    made = [
        Comparison(
            key=one.key, value=one.shown, agrees=agrees, by=by.strip(), day=now().date(), text=text.strip(), note=note
        )
        for one, agrees, note in found
    ]
    verified.record(standard, made, place)


def _stated(given: Sequence[str], known: set[str], name: str) -> dict[str, bool]:
    """What ``--value`` says of each value: whether it agrees."""
    found = {}
    for item in given:
        key, _, answer = item.partition("=")
        if key not in known:
            from inspect_tool import typos

            msg = f"{name}: there is no value '{key}' to be compared{typos.near(key, known)}"
            raise StandardError(msg)
        if answer not in ("ok", "differs"):
            msg = f"--value {item}: say {key}=ok or {key}=differs"
            raise SettingsError(msg)
        found[key] = answer == "ok"
    return found


def _place(folder: Path | None) -> Path | None:
    from inspect_tool.standards import verified

    return verified.folder_for("", Path(), "") if folder is None else folder


def _with_comparisons(edition: str, folder: Path | None) -> "Standard":
    from dataclasses import replace

    from inspect_tool.standards import editions, verified

    standard, place = editions.load_standard(edition), _place(folder)
    return standard if place is None else replace(standard, compared=verified.read(standard, place))


def _counted(standard: "Standard", values: "Sequence[Published]") -> str:
    from inspect_tool.standards import verified

    if not values:
        return "no published values"
    found = verified.states(standard)
    differing = sum(not one.agrees for one in found.values())
    agreeing = len(found) - differing
    text = f"{agreeing} of {len(values)} values verified"
    text += f", {differing} found to differ" if differing else ""
    outdated = standard.compared is not None and standard.compared.edition_sha256 != standard.sha256
    return text + ("; compared with another file of the edition: verify again" if outdated else "")


def _line(one: "Published", found: "Mapping[str, Comparison]") -> str:
    told = found.get(one.key)
    line = f"{one.key}: {one.name if one.relation else ''} {one.shown}  ({one.clause})".replace(":  ", ": ")
    if told is None:
        return line
    state = "agrees" if told.agrees else "DIFFERS"
    return f"{line}\n    {state}: {told.by}, {told.day}, {told.text}{f' ({told.note})' if told.note else ''}"


app = group("standards", "Values of standards, compared with the published text by the laboratory.")
app.command("list")(list_)
app.command("show")(show)
app.command("verify")(verify)
