"""Every command, of the command line itself."""

import re
from collections.abc import Iterator
from typing import Any

import typer

from doc_site.markdown import block, code, page, prose, table
from inspect_tool.cli import app

_PARAGRAPH = re.compile(r"\n\s*\n")


def pages() -> dict[str, str]:
    """One page of all commands, by name."""
    program = typer.main.get_command(app)
    listed = sorted(_commands(program, "inspect-tool"))
    parts = [
        "# Commands",
        (
            "What `inspect-tool COMMAND --help` says. Exit status of every command: 0 done (and every requirement "
            "passed, where there is one), 1 a bug, 2 something must be fixed first (one line says what), "
            "3 a requirement failed, 4 undecided."
        ),
        table(
            ("command", "what it does"),
            ((f"[{code(name)}](#{_anchor(name)})", prose(_first(command.help))) for name, command in listed),
        ),
    ]
    for name, command in listed:
        parts += _one(name, command)
    return {"reference/commands.md": page(*parts)}


def _commands(group: Any, name: str) -> Iterator[tuple[str, Any]]:
    for part, command in group.commands.items():
        whole = f"{name} {part}"
        if hasattr(command, "commands"):
            yield from _commands(command, whole)
        else:
            yield whole, command


def _one(name: str, command: Any) -> Iterator[str]:
    context = command.make_context(name, [], resilient_parsing=True)
    yield f"## {code(name)}"
    yield from (prose(" ".join(part.split())) for part in _PARAGRAPH.split((command.help or "").replace("\b", "")))
    yield block(" ".join([name, *command.collect_usage_pieces(context)]), "text")
    listed = [one.get_help_record(context) for one in command.get_params(context) if one.name != "help"]
    rows = [(code(names.strip()), prose(" ".join(says.split()))) for names, says in filter(None, listed)]
    yield table(("argument or option", "what it is for"), rows)


def _first(text: str | None) -> str:
    return _PARAGRAPH.split((text or "").strip())[0].replace("\n", " ")


def _anchor(name: str) -> str:
    return name.replace(" ", "-")
