"""The command line: parse, print, show progress; decide nothing.

Only light modules are imported here; each command imports what it needs, so that help comes at once.
"""

import atexit
import gc
import sys
from typing import Annotated

import typer

from inspect_tool import __version__
from inspect_tool.cli.commands import Program
from inspect_tool.cli.common import (
    EXIT_BUG,
    EXIT_FAIL,
    EXIT_FIX,
    EXIT_PASS,
    EXIT_UNDECIDED,
    Stopped,
    print_error,
    reliable,
    stoppable,
)
from inspect_tool.errors import InspectError, OutputError, ReadError

__all__ = ["EXIT_BUG", "EXIT_FAIL", "EXIT_FIX", "EXIT_PASS", "EXIT_UNDECIDED", "app", "main"]


app = typer.Typer(
    name="inspect-tool",
    cls=Program,
    help="Turn micrographs and X-ray images into inspection reports.",
    add_completion=True,
    rich_markup_mode=None,  # plain help: loads in half the time and reads the same in a log
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


_COLLECTED_AFTER = 20_000  # objects that are made beyond those that are gone; Python has 700


def main() -> None:
    """Entry point of ``inspect-tool``: an ``InspectError`` becomes one line and exit status 2."""
    # nearly all that a command makes lives until it ends: search rarely for what nothing refers to, and not at the end
    gc.set_threshold(_COLLECTED_AFTER)
    atexit.register(gc.freeze)
    sys.stdout, sys.stderr = reliable(sys.stdout), reliable(sys.stderr)
    status: str | int | None = EXIT_FIX
    try:
        with stoppable():
            app(standalone_mode=True)
    except SystemExit as ended:
        status = ended.code
    except InspectError as error:
        print_error(error)
    except Stopped as stopped:
        print(f"stopped by {stopped.name}; the job in progress left nothing half written", file=sys.stderr)
        status = 128 + stopped.number
    except OSError as error:
        if error.filename is None:
            raise
        print_error(ReadError(f"{error.filename}: {error.strerror}"))  # a name too long, a file that vanished
    try:
        sys.stdout.flush()
    except OutputError as error:
        print_error(error)
        status = EXIT_FIX
    sys.exit(status)


def _root(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    if version:
        print(f"inspect-tool {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        print(_FIRST_STEPS)


_FIRST_STEPS = """\
inspect-tool turns micrographs and X-ray images into inspection reports. First steps:

  inspect-tool demo              run the sample inspections and look at their reports
  inspect-tool init              answer a few questions, get a job file for your own images
  inspect-tool check job.toml    is all there? With --preview FOLDER: see what will be measured
  inspect-tool run job.toml      measure, and write the report

All commands: inspect-tool --help. One of them: inspect-tool run --help."""

app.callback(invoke_without_command=True)(_root)
