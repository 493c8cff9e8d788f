"""The command line: parse, print, show progress; decide nothing.

Only light modules are imported here; each command imports what it needs, so that help comes at once.
"""

import atexit
import gc
import sys
from typing import Annotated

import typer

from inspect_tool import __version__
from inspect_tool.cli import (
    batch,
    by_hand,
    fields,
    find,
    jobs,
    lab,
    learn,
    standards,
    studies,
    trend,
    trust,
    watch,
    workbench,
)
from inspect_tool.cli.common import (
    EXIT_BUG,
    EXIT_FAIL,
    EXIT_FIX,
    EXIT_PASS,
    EXIT_UNDECIDED,
    ManyFiles,
    Stopped,
    WithDefault,
    print_error,
    reliable,
    stoppable,
)
from inspect_tool.errors import InspectError, OutputError, ReadError

__all__ = ["EXIT_BUG", "EXIT_FAIL", "EXIT_FIX", "EXIT_PASS", "EXIT_UNDECIDED", "app", "main"]


app = typer.Typer(
    name="inspect-tool",
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

golden_app = typer.Typer(
    name="golden", help="Keep the results of your own images, and compare with them later.", no_args_is_help=True
)

lab_app = typer.Typer(
    name="lab", help="The laboratory's memory: remember reports, and find them again.", no_args_is_help=True
)

defaults_app = typer.Typer(
    name="defaults",
    help="Header values that jobs of the lab need not state; without a command: show them.",
    cls=WithDefault,
)

lot_app = typer.Typer(
    name="lot", help="Lots: a sampling plan, its specimens over several days, a verdict.", no_args_is_help=True
)

edit_app = typer.Typer(
    name="edit", help="Correct a segmentation by hand; take a correction back, or give it up.", cls=WithDefault
)

batch_app = typer.Typer(
    name="batch",
    help="Run many jobs from a queue that outlives a power failure; look at it, try again.",
    cls=WithDefault,
)

key_app = typer.Typer(name="key", help="Keys to sign with.", no_args_is_help=True)

standards_app = typer.Typer(
    name="standards",
    help="Values of standards, compared with the published text by the laboratory.",
    no_args_is_help=True,
)

fields_app = typer.Typer(
    name="fields",
    help="Fields at random places of a huge image: cut them out, and what more would add.",
    no_args_is_help=True,
)

app.callback(invoke_without_command=True)(_root)
app.command()(jobs.run)
app.command()(jobs.demo)
app.command()(jobs.check)
app.add_typer(batch_app)
batch_app.command("run")(batch.run)
batch_app.command("status")(batch.status)
batch_app.command("retry")(batch.retry)
batch_app.command("cancel")(batch.cancel)
app.command()(watch.watch)
app.command()(workbench.workbench)
app.command()(studies.compare)
app.command(cls=ManyFiles)(studies.calibrate)
app.command()(studies.gauge)
app.command()(jobs.init)
app.command(cls=ManyFiles)(learn.train)
app.command(cls=ManyFiles)(learn.score)
app.command(cls=ManyFiles)(studies.validate)
app.command()(studies.selftest)
app.add_typer(golden_app)
golden_app.command("record")(studies.golden_record)
golden_app.command("check")(studies.golden_check)
app.add_typer(lab_app)
lab_app.command("init")(lab.init)
lab_app.command("add", cls=ManyFiles)(lab.add)
lab_app.command("rebuild")(lab.rebuild)
lab_app.command("search", cls=find.QueryTerms)(find.search)
lab_app.command("show")(find.show)
lab_app.command("export", cls=find.QueryTerms)(find.export)
lab_app.add_typer(defaults_app)
defaults_app.command("show")(lab.defaults_show)
defaults_app.command("set")(lab.defaults_set)
defaults_app.command("remove")(lab.defaults_remove)
lab_app.command("account")(lab.account)
lab_app.command("trend", cls=find.QueryTerms)(trend.trend)
lab_app.add_typer(lot_app)
lot_app.command("new")(find.lot_new)
lot_app.command("show")(find.lot_show)
lot_app.command("list")(find.lot_list)
app.add_typer(edit_app)
app.add_typer(fields_app)
fields_app.command("cut")(fields.cut)
fields_app.command("gain")(fields.gain)
edit_app.command("record")(by_hand.edit)
edit_app.command("undo")(by_hand.edit_undo)
edit_app.command("withdraw")(by_hand.edit_withdraw)
app.command()(by_hand.referee)
app.add_typer(standards_app)
standards_app.command("list")(standards.list_)
standards_app.command("show")(standards.show)
standards_app.command("verify")(standards.verify)
app.command()(trust.audit)
app.add_typer(key_app)
key_app.command("new")(trust.key_new)
app.command()(trust.sign)
app.command(name="validate-pdf")(trust.validate_pdf)
app.command()(trust.verify)
app.command(name="print")(trust.print_)
app.command(name="list")(jobs.list_)
