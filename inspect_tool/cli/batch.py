"""Many jobs from a queue: batch, and its status, retry, cancel."""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from inspect_tool.cli.common import (
    EXIT_BUG,
    ClusterAddress,
    Json,
    Quiet,
    WithDefault,
    bars,
    counted,
    group,
    print_error,
    showing_progress,
    status_of,
)
from inspect_tool.errors import InspectError, SettingsError

if TYPE_CHECKING:
    from rich.progress import TaskID

    from inspect_tool.batch.queue import Order, State, Work
    from inspect_tool.batch.work import News
    from inspect_tool.lab.database import Lab
    from inspect_tool.model import Report

LabFolder = Annotated[
    Path | None,
    typer.Option("--lab", help="Lab whose database keeps the queue; default: one in the folder lab of --out."),
]
Reports = Annotated[
    Path | None, typer.Option("--out", "-o", help="Folder for the reports; default: reports, or that of --lab.")
]
Names = Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", help="Names of jobs, as status lists them.")]


def run(
    jobs: Annotated[
        list[Path] | None, typer.Argument(metavar="[JOB]...", help="Job files (TOML); none: all that the queue holds.")
    ] = None,
    workers: Annotated[int, typer.Option("--workers", "-w", min=1, help="Jobs at the same time.")] = 1,
    cluster: ClusterAddress = "",
    lab: LabFolder = None,
    out: Reports = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Run many jobs from a queue that no kill, crash or power failure empties; begun again, it goes on.

    A job that fails is tried once more, then named with its error, and takes no other with it. Exit status as of run:
    0 every requirement passed or none was set, 3 one failed, 4 undecided, 2 something must be fixed first, 1 a bug.
    """
    from inspect_tool.batch import queue, work
    from inspect_tool.inspection.job_plan import job_names
    from inspect_tool.lab.database import connected

    silent = quiet or as_json
    paths = jobs or []
    names = job_names(paths)
    opened, folder = _places(lab, out, make=True)
    orders = [queue.order(path, folder, name) for path, name in zip(paths, names, strict=True)]
    if not silent:
        print(f"reports go to {folder}, the queue is in {opened.folder}", file=sys.stderr)
    among: list[int] | None = None
    faults: Mapping[str, str] = {}
    if orders:
        with showing_progress("batch", silent, only_news=True) as tell:
            taken = work.put_in(opened, orders, *([tell] if tell else []))
        among, faults = [one.id for one in taken.works], taken.faults
        for error in faults.values():
            print_error(SettingsError(error))
    ids = set(among or ())
    with _showing(silent) as show, closing(work.serve(opened, workers=workers, among=among, address=cluster)) as news:
        for one in news:
            counts = {}
            if one.kind not in ("begun", "step"):
                with connected(opened, read_only=True) as connection:
                    counts = queue.counts(connection, among)
            if one.work is not None:
                ids.add(one.work.id)
                show(one, counts)
            elif not counts["todo"] + counts["doing"]:
                break
    with connected(opened, read_only=True) as connection:
        works = {one.order: one for one in queue.listed(connection, ids)}
    rows = [_row(asked, works.get(asked), faults) for asked in (orders or works)]
    _print(rows, quiet, as_json)
    bug = any(work.is_bug(one) for one in works.values())
    raise typer.Exit(EXIT_BUG if bug else status_of([report for _, report, _, _ in rows]))


def status(
    lab: LabFolder = None,
    out: Reports = None,
    every: Annotated[bool, typer.Option("--all", help="List the jobs that are done, too.")] = False,
    as_json: Json = False,
) -> None:
    """Tell how many jobs wait, are under way, done, failed or canceled, and which, since when and with what error."""
    from inspect_tool.batch import queue
    from inspect_tool.lab.database import connected

    opened, _ = _places(lab, out)
    with connected(opened, read_only=True) as connection:
        counts, now = queue.counts(connection), queue.clock(connection)
        works = queue.listed(connection, states=() if every or as_json else [one for one in counts if one != "done"])
    if as_json:
        _print_queue(works)
        return
    print(", ".join(f"{counts[state]} {state}" for state in counts))
    for work in works:
        gone = work.state == "doing" and work.until is not None and work.until < now
        since = work.started or now  # one that was never begun has no start
        told = {
            "todo": work.error and f"failed once: {work.error}",
            "doing": f"since {since:%Y-%m-%d %H:%M} UTC by {work.owner}{', not heard of any more' * gone}",
            "done": str(work.order.folder),
        }.get(work.state, work.error)
        print(f"{work.order.name:<24}{work.state:<10}{told}".rstrip())


def retry(names: Names = None, lab: LabFolder = None, out: Reports = None, quiet: Quiet = False) -> None:
    """Put jobs that failed, or were canceled and are named, back into the queue; without names all that failed."""
    from inspect_tool.batch import queue
    from inspect_tool.lab.database import connected

    opened, _ = _places(lab, out)
    with connected(opened) as connection:
        states: tuple[State, ...] = ("failed", "canceled") if names else ("failed",)
        number = queue.again(connection, [work.id for work in _named(queue.listed(connection), names, states)])
    if not quiet:
        where = f"--lab {lab}" if lab else f"--out {out or 'reports'}"
        print(f"{counted(number, 'job')} wait{'s' * (number == 1)} again; next: inspect-tool batch {where}")


def cancel(
    names: Names = None,
    every: Annotated[bool, typer.Option("--all", help="Cancel all that wait or are under way.")] = False,
    lab: LabFolder = None,
    out: Reports = None,
    quiet: Quiet = False,
) -> None:
    """Cancel jobs that wait, or stop them where they are under way; retry takes it back."""
    from inspect_tool.batch import queue
    from inspect_tool.lab.database import connected

    if not names and not every:
        msg = "batch cancel: name the jobs, as batch status lists them, or say --all"
        raise SettingsError(msg)
    opened, _ = _places(lab, out)
    with connected(opened) as connection:
        found = _named(queue.listed(connection), names, ("todo", "doing"))
        number = queue.cancel(connection, [work.id for work in found])
    if not quiet:
        print(f"{counted(number, 'job')} canceled")


# --------------------------------------------------------------------------------------------------------------- parts


def _places(lab: Path | None, out: Path | None, *, make: bool = False) -> "tuple[Lab, Path]":
    """The lab that keeps the queue, and the folder of the reports; ``make``: a lab beside them where none is named."""
    from inspect_tool.lab import database

    if lab is not None:
        opened = database.open_lab(lab)
        return opened, out or opened.reports
    folder = out or Path("reports")
    return database.init(folder / "lab") if make else database.open_lab(folder / "lab"), folder


def _named(works: "Sequence[Work]", names: Sequence[str] | None, states: "tuple[State, ...]") -> "list[Work]":
    """Jobs of some states: all, or those of some names, each of which must have one."""
    from inspect_tool import typos

    able = [work for work in works if work.state in states]
    for name in names or ():
        if name not in {work.order.name for work in able}:
            known = sorted({work.order.name for work in works})
            state = next((work.state for work in reversed(works) if work.order.name == name), "")
            found = f"is {state}" if state else f"is not in the queue{typos.near(name, known)}"
            msg = f"'{name}' {found}; only a job that is {' or '.join(states)} can be meant here"
            raise SettingsError(msg)
    return [work for work in able if not names or work.order.name in names]


def _row(asked: "Order", work: "Work | None", faults: Mapping[str, str]) -> "tuple[str, Report | None, Path, str]":
    """What came out of a job: its report, or what is wrong."""
    from inspect_tool.files import load_report

    if work is None or work.state != "done":
        error = faults[asked.name] if work is None else work.error or f"{asked.job}: is {work.state}"
        return asked.name, None, asked.folder, error
    try:
        return asked.name, load_report(asked.folder / "report.json"), asked.folder, ""
    except InspectError as error:
        return asked.name, None, asked.folder, str(error)


def _print(rows: "list[tuple[str, Report | None, Path, str]]", quiet: bool, as_json: bool) -> None:
    from inspect_tool.cli.jobs import print_json, print_table

    if as_json:
        print_json(rows)
    elif not quiet and any(report is not None for _, report, _, _ in rows):
        print_table(rows)


def _print_queue(works: "Sequence[Work]") -> None:
    import json

    print(
        json.dumps(
            [
                {
                    "name": work.order.name,
                    "job": str(work.order.job),
                    "folder": str(work.order.folder),
                    "state": work.state,
                    "tries": work.tries,
                    "owner": work.owner or None,
                    "until": work.until and work.until.isoformat(),
                    "error": work.error or None,
                    "report_sha256": work.report_uid if work.state == "done" else None,
                    "added": work.added.isoformat(),
                    "started": work.started and work.started.isoformat(),
                    "ended": work.ended and work.ended.isoformat(),
                }
                for work in works
            ],
            ensure_ascii=False,
            indent=1,
        )
    )


@contextmanager
def _showing(silent: bool) -> "Iterator[Callable[[News, Mapping[State, int]], None]]":
    """Show what happens to jobs: bars on a terminal, a line for each in a log; what failed is an error in any case."""

    def line(news: "News", counts: "Mapping[State, int]") -> None:
        assert news.work is not None
        said = {
            "done": "done",
            "again": f"failed once, and will be tried again: {news.text}",
            "lost": "was canceled, or another program has it now",
        }
        if news.kind == "failed":
            print_error(InspectError(news.text))
        elif news.kind in said and not silent:
            ended = sum(counts[state] for state in ("done", "failed", "canceled"))
            print(
                f"{news.work.order.name}: {said[news.kind]} ({ended}/{sum(counts.values())})",
                file=sys.stderr,
                flush=True,
            )

    if silent or not sys.stderr.isatty():
        yield line
        return
    with bars() as bar:
        whole = bar.add_task("", job="batch", total=None)
        tasks: dict[int, TaskID] = {}

        def show(news: "News", counts: "Mapping[State, int]") -> None:
            assert news.work is not None
            if news.kind == "begun":
                tasks[news.work.id] = bar.add_task("reading the job", job=news.work.order.name, total=None)
            elif news.kind == "step":
                bar.update(tasks[news.work.id], completed=news.step, total=news.steps, description=news.text)
            else:
                bar.remove_task(tasks.pop(news.work.id))
                waiting = counts["todo"] + counts["doing"]
                bar.update(whole, completed=sum(counts.values()) - waiting, total=sum(counts.values()))
                if news.kind != "done":
                    line(news, counts)

        yield show


app = group("batch", "Run many jobs from a queue that outlives a power failure; look at it, try again.", WithDefault)
app.command("run")(run)
app.command("status")(status)
app.command("retry")(retry)
app.command("cancel")(cancel)
