"""A watched folder: files that arrive become jobs."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from inspect_tool.cli.common import EXIT_FIX, EXIT_PASS, Quiet
from inspect_tool.errors import OutputError, SettingsError

if TYPE_CHECKING:
    from inspect_tool.batch.watch import Watched
    from inspect_tool.batch.work import News
    from inspect_tool.languages import Words


def watch(
    folder: Annotated[Path, typer.Argument(help="Folder that images arrive in.")],
    rules: Annotated[
        Path, typer.Option("--rules", "--recipe-from", help="Which files make which job (TOML, docs/batch.md).")
    ],
    lab: Annotated[Path | None, typer.Option(help="Lab that gets jobs and reports; only --check does without.")] = None,
    workers: Annotated[
        int, typer.Option("--workers", "-w", min=0, help="Jobs at the same time; 0: inspect-tool batch does them.")
    ] = 1,
    every: Annotated[float, typer.Option(min=0.1, help="Time between two looks [s].")] = 5.0,
    once: Annotated[bool, typer.Option("--once", help="Do what is there, and end.")] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Say which of the files that are there make which jobs; change nothing.")
    ] = False,
    language: Annotated[str, typer.Option(help="Of the lines, e.g. de. Errors stay English.")] = "en",
    quiet: Quiet = False,
) -> None:
    """Watch a folder: as soon as all images of a job have arrived, it is measured and its report is in the lab.

    Ctrl-C ends it; what was seen is kept, and the next start goes on from there. Exit status of --check: 2 where
    a person must put something right.
    """
    from inspect_tool.batch import watch as watching
    from inspect_tool.batch.watch_check import told, waits
    from inspect_tool.lab.database import open_lab
    from inspect_tool.languages import said
    from inspect_tool.report.template import check_language

    check_language(language, "--language")
    if not folder.is_dir():
        msg = f"{folder}: is no folder that can be watched"
        raise SettingsError(msg)
    if check:
        lines, faulty = told(folder, rules, None if lab is None else open_lab(lab))
        for line in lines if not quiet else ():
            print(said(line, language))
        raise typer.Exit(EXIT_FIX if faulty else EXIT_PASS)
    if lab is None:
        msg = "watch: give the lab that gets the reports, --lab FOLDER; inspect-tool lab init FOLDER makes one"
        raise SettingsError(msg)
    at, tell = watching.watched(folder, rules, open_lab(lab)), _tell(quiet, language)
    if once:
        found = watching.watch(at, tell, every_s=every, once=True)
        for group in found.groups if found is not None else ():
            if group.lacks:
                tell(watching.of(group.job, waits(group)))
        if workers:
            _work(at, workers, every, tell, once=True)
    elif workers == 0:
        watching.watch(at, tell, every_s=every)
    else:
        with _looking(at, every, tell) as ended:
            _work(at, workers, every, tell, ended=ended)


def _tell(quiet: bool, language: str) -> "Callable[[Words], None]":
    """Print lines with their time, as a log has them."""
    from inspect_tool.languages import said

    def tell(line: "Words") -> None:
        if not quiet:
            print(f"{datetime.now():%Y-%m-%d %H:%M:%S} {' '.join(said(line, language).split())}", flush=True)

    return tell


@contextmanager
def _looking(at: "Watched", every_s: float, tell: "Callable[[Words], None]") -> Iterator[list[BaseException]]:
    """Look at the folder in a thread of its own, while jobs are done. Gives the list that its end would fill."""
    from inspect_tool.batch import watch as watching

    over, ended = threading.Event(), list[BaseException]()

    def look() -> None:
        try:
            watching.watch(at, tell, every_s=every_s, pause=over.wait)
        except BaseException as error:  # it is raised where the command waits
            ended.append(error)

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield ended
    finally:
        over.set()
        thread.join()


def _work(
    at: "Watched",
    workers: int,
    every_s: float,
    tell: "Callable[[Words], None]",
    *,
    once: bool = False,
    ended: Sequence[BaseException] = (),
) -> None:
    """Do the jobs of the lab, and say what became of them; with ``once`` until there is none."""
    from inspect_tool.batch.watch import tried_again
    from inspect_tool.batch.work import serve

    trouble = ""
    while True:
        try:
            with closing(serve(at.lab, workers=workers, poll_s=every_s)) as all_news:
                for news in all_news:
                    trouble = ""
                    if ended:
                        raise ended[0]
                    if line := _line(news):
                        tell(line)
                    if once and news.kind == "idle":
                        return
        except OutputError as error:  # a full disk, a server that is started anew: an evening must not end by it
            if once or ended:
                raise
            if str(error) != trouble:
                tell(tried_again(str(error)))
            trouble = str(error)
            time.sleep(every_s)


def _line(news: "News") -> "Words":
    from inspect_tool.batch.watch import of
    from inspect_tool.files import load_report
    from inspect_tool.languages import Text, named

    if news.work is None:
        return ""
    name, folder = news.work.order.name, news.work.order.folder
    match news.kind:
        case "begun":
            return of(name, Text("watch.is_measured"))
        case "done":
            verdict = load_report(folder / "report.json").verdict
            shown = next((file for file in ("report.pdf", "report.html") if (folder / file).exists()), "report.json")
            words = named("terms", verdict) if verdict else Text("watch.measured")
            return of(name, of(words, str(folder / shown)))
        case "again":
            return of(name, Text("watch.failed_once", reason=news.text))
        case "failed":
            return of(name, Text("watch.failed", reason=news.text))
        case "lost":
            return of(name, Text("watch.lost"))
        case _:
            return ""
