"""What all commands share: exit status, options, progress, how an error is printed."""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from inspect_tool.errors import InspectError, OutputError

if TYPE_CHECKING:
    from rich.progress import Progress

    from inspect_tool.model import Report


EXIT_PASS, EXIT_BUG, EXIT_FIX, EXIT_FAIL, EXIT_UNDECIDED = 0, 1, 2, 3, 4


class ManyFiles(TyperCommand):
    """A command whose repeated options take several values in a row, as a shell makes of a pattern."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Name an option anew before each of its values."""
        names = {name for option in self.params if getattr(option, "multiple", False) for name in option.opts}
        repeated: list[str] = []
        current = ""
        for arg in args:
            if arg.startswith("-") and len(arg) > 1:
                current = arg if arg in names else ""
            elif current and repeated[-1] != current:
                repeated.append(current)
            repeated.append(arg)
        return super().parse_args(ctx, repeated)


Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of a table.")]
Workers = Annotated[int, typer.Option("--workers", "-w", min=1, help="Fields measured at the same time.")]
ClusterAddress = Annotated[
    str,
    typer.Option(
        "--cluster",
        metavar="ADDRESS",
        help="Dask scheduler whose workers measure the fields, as tcp://pc1:8786, or the file that it wrote.",
    ),
]
Out = Annotated[Path, typer.Option("--out", "-o", help="Folder for the reports.")]
Language = Annotated[str, typer.Option(help="Of the words of the pages, e.g. de; default: that of the template.")]
LabFolder = Annotated[
    Path,
    typer.Option(
        "--lab", envvar="INSPECT_TOOL_LAB", help="Folder of the lab; by default the current one.", metavar="FOLDER"
    ),
]


class _Stream(TextIOWrapper):
    """Standard output or error: a full disk, or a pipe that nobody reads, is one line and no traceback."""

    def write(self, text: str) -> int:
        with self._delivered():
            super().write(text)
        return len(text)

    def flush(self) -> None:
        with self._delivered():
            super().flush()

    @contextmanager
    def _delivered(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self.fileno())  # what is still to come, up to the last flush of the interpreter
            os.close(nowhere)
            if self.name != "<stderr>":  # without messages the exit status is still right
                msg = f"standard output: {error.strerror}; what was printed is not complete, send it elsewhere"
                raise OutputError(msg) from None


def reliable(stream: object) -> Any:
    """The stream of a console, a pipe or a file with its faults told; one of a test as it is."""
    if stream is None:  # closed: what is printed goes nowhere, and not into the next file that is opened
        return Path(os.devnull).open("w", encoding="utf-8")
    if type(stream) is not TextIOWrapper:
        return stream
    lines, through, encoding = stream.line_buffering, stream.write_through, stream.encoding
    # a console without "µ" must not stop a run
    return _Stream(stream.detach(), encoding, "replace", line_buffering=lines, write_through=through)


class Stopped(BaseException):
    """Somebody ended the program; not a KeyboardInterrupt, which Typer takes for itself."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.name = signal.Signals(number).name


@contextmanager
def stoppable() -> "Iterator[None]":
    """Let Ctrl-C, SIGTERM and the end of a terminal unwind the program; what is ignored (nohup) stays so."""

    def stop(number: int, _: object) -> None:
        raise Stopped(number)

    numbers = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = {number: signal.getsignal(number) for number in numbers}
    for number, handler in before.items():
        if handler is not signal.SIG_IGN:
            signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def group(name: str, says: str, kind: type[TyperGroup] = TyperGroup) -> typer.Typer:
    """Give a group of commands, which without one shows its help; ``kind``: what else it does then."""
    return typer.Typer(
        name=name,
        help=says,
        cls=kind,
        no_args_is_help=kind is TyperGroup,
        add_completion=False,  # the program has it, for all of them
        rich_markup_mode=None,  # plain help: loads in half the time and reads the same in a log
        pretty_exceptions_enable=False,
    )


class WithDefault(TyperGroup):
    """A group that is itself its first command: what is not the name of another one is an argument of that."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the name of the first command before arguments that name none."""
        named = args and args[0] in {*self.commands, "-h", "--help"}
        return super().parse_args(ctx, args if named else [next(iter(self.commands)), *args])


def recover_first(report: Path) -> None:
    """Put right what a killed process left around a report, before it is looked at."""
    from inspect_tool.evidence import audit
    from inspect_tool.evidence.recovery import recover

    for folder in dict.fromkeys((report.parent, report.parent.parent, audit.project_folder(report))):
        recover(folder)


def status_of(reports: "list[Report | None]") -> int:
    """Exit status of several jobs: the gravest first."""
    verdicts = ["fix" if report is None else report.verdict for report in reports]
    for verdict, status in (("fix", EXIT_FIX), ("fail", EXIT_FAIL), ("undecided", EXIT_UNDECIDED)):
        if verdict in verdicts:
            return status
    return EXIT_PASS


@contextmanager
def showing_progress(
    name: str, silent: bool, only_news: bool = False
) -> "Iterator[Callable[[int, int, str], None] | None]":
    """Show a bar on a terminal, plain lines in a log (``only_news``: where the text is new), nothing when silent."""
    if silent:
        yield None
    elif sys.stderr.isatty():
        with bars() as bar:
            task = bar.add_task("reading the job", total=None, job=name)
            yield lambda done, total, text: bar.update(task, completed=done, total=total, description=text)
    else:
        last = ""

        def tell(done: int, total: int, text: str) -> None:
            nonlocal last
            if text != last or not only_news:
                print(f"{name}: {done}/{total} {text}", file=sys.stderr, flush=True)
            last = text

        yield tell


def bars() -> "Progress":
    """Give the bars of a terminal, one for each task, which has a ``job``."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns: tuple[Any, ...] = (
        TextColumn("{task.fields[job]:<16}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.description}"),
    )
    return Progress(*columns, console=Console(stderr=True))


def print_error(error: InspectError) -> None:
    """Print an error as one line on the error stream."""
    line = " ".join(str(error).split())
    print(f"error: {line}", file=sys.stderr)


NAMED = 3  # values in one line


def counted(n: int, noun: str) -> str:
    """Say how many there are of something: 1 job, 2 jobs."""
    return f"{n} {noun}{'' if n == 1 else 's'}"
