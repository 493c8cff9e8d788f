"""Networks from a laboratory's own images: train, score."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from inspect_tool.model import Table
from inspect_tool.cli.asked import options_of
from inspect_tool.cli.common import Json, Language, Quiet, Stopped, showing_progress
from inspect_tool.training.request import Request


@options_of(Request)
def train(
    asked: Mapping[str, Any],
    non_commercial: Annotated[bool, typer.Option("--non-commercial", help="No commercial use of the images.")] = False,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Train a network on annotated images of your own; the result is a model folder for backend unet."""
    import json

    from inspect_tool.training import request

    wanted = request.checked_request({**asked, "commercial": not non_commercial})
    try:
        with showing_progress(wanted.out.name, quiet or as_json, only_news=True) as tell:
            trained = request.run(wanted, tell)
    except Stopped:
        print("the same command with --resume goes on from the last validation", file=sys.stderr)
        raise
    if as_json:
        print(json.dumps(request.outcome(trained), ensure_ascii=False, indent=1))
    elif not quiet:
        print("\n".join(request.summary(trained)))


def score(
    recipe: Annotated[str, typer.Option("--recipe", "-r", help="Recipe whose quantities are compared.")],
    truth: Annotated[
        list[str], typer.Option("--truth", metavar="FILES", help="Annotations, paired with the images by name.")
    ],
    predicted: Annotated[
        list[str] | None, typer.Option("--predicted", metavar="FILES", help="Masks to judge; or give a backend.")
    ] = None,
    images: Annotated[
        list[str] | None, typer.Option("--images", metavar="FILES", help="Images: for a backend, and for the scale.")
    ] = None,
    backend: Annotated[str, typer.Option("--backend", "-b", help="Backend to judge, see: list backends.")] = "",
    model: Annotated[str, typer.Option("--model", "-m", help="Shipped model or model folder of the backend.")] = "",
    set_: Annotated[list[str] | None, typer.Option("--set", help="Setting of the backend: threshold=0.4.")] = None,
    recipe_set: Annotated[list[str] | None, typer.Option(help="Setting of the recipe: method=heyn.")] = None,
    standard: Annotated[str, typer.Option(help="Edition, see: list standards.")] = "",
    classes: Annotated[str, typer.Option(help="Names of the classes, background first: matrix,carbide.")] = "",
    name: Annotated[list[str] | None, typer.Option(help="Meaning of a mask: 255=carbide, scratch=ignore.")] = None,
    kind: Annotated[str, typer.Option(help="Masks hold: semantic (classes) or instance (objects).")] = "auto",
    masks_are: Annotated[str, typer.Option(help="binary, labels, classes or boundaries.")] = "auto",
    unmarked: Annotated[str, typer.Option(help="What is not marked: background or unknown.")] = "background",
    may_be_empty: Annotated[bool, typer.Option("--may-be-empty", help="Masks with nothing marked are meant.")] = False,
    pixel_um: Annotated[float | None, typer.Option(help="Pixel size of every image [um/px].")] = None,
    footer_px: Annotated[int, typer.Option(min=0, help="Rows at the bottom that are no image.")] = 0,
    tolerance_px: Annotated[float, typer.Option(min=0, help="Boundaries this near are the same [px].")] = 2.0,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Folder for score.json, .csv and .html.")] = None,
    language: Language = "",
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Judge masks or a backend against annotated images: in pixels, objects and what the recipe measures."""
    import json

    from inspect_tool import folders
    from inspect_tool.languages import ENGLISH
    from inspect_tool.report.template import check_language
    from inspect_tool.training import request, score_files
    from inspect_tool.training import score as scoring

    asked = scoring.checked_request(
        {
            "recipe": recipe,
            "truth": truth,
            "predicted": predicted,
            "images": images,
            "backend": backend,
            "backend_settings": scoring.setting_table(set_ or []) | ({"model": model} if model else {}),
            "classes": request.class_names(classes),
            "kind": kind,
            "marks": {
                "names": request.name_table(name or []),
                "blank": unmarked,
                "mask": masks_are,
                "may_be_empty": may_be_empty,
            },
            "settings": scoring.setting_table(recipe_set or [], "--recipe-set"),
            "standard": standard,
            "pixel_um": pixel_um,
            "footer_px": footer_px,
            "tolerance_px": tolerance_px,
            "picture_px": 640 if out is not None else 0,
        }
    )
    if language:
        check_language(language, "--language")
    if out is not None:
        folders.check(out)
    with showing_progress("score", quiet or as_json) as tell:
        scores = scoring.score(asked, tell)
    page = score_files.write(scores, out, language or ENGLISH) if out is not None else None
    if as_json:
        print(json.dumps(score_files.as_data(scores), ensure_ascii=False, indent=1))
    elif not quiet:
        print_scores(score_files.tables(scores), (score_files.boundary_line(scores), *scores.notes), page)


def print_scores(tables: "tuple[Table, ...]", lines: tuple[str, ...], page: Path | None) -> None:
    """Print the tables of a score."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table as Grid

    console = Console(width=None if sys.stdout.isatty() else 140)
    for table in tables:
        grid = Grid(title=table.title, title_justify="left", header_style="bold", pad_edge=False)
        for i, column in enumerate(table.columns):
            grid.add_column(escape(column), justify="left" if i == 0 else "right")
        for row in table.rows:
            grid.add_row(*("" if cell is None else escape(str(cell)) for cell in row))
        console.print(grid)
    for line in (*lines, *([str(page)] if page is not None else [])):
        console.print(line, highlight=False, soft_wrap=True, markup=False)
