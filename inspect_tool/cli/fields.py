"""Fields of a huge image: cut them out, and say what more of them would add."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from inspect_tool.cli.common import Json, Quiet, group


def cut(
    image: Annotated[Path, typer.Argument(metavar="IMAGE", help="TIFF, BigTIFF or OME-Zarr of any size.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="New folder for the fields and their job.")],
    recipe: Annotated[str, typer.Option("--recipe", "-r", help="Of the job, see: list recipes.")],
    number: Annotated[int, typer.Option("--number", "-n", min=2, help="Fields, or a few more for an even grid.")] = 20,
    side_px: Annotated[int, typer.Option("--side", min=16, help="Side of a field [px].")] = 1024,
    seed: Annotated[int | None, typer.Option(min=0, help="Of the start; the same one gives the same fields.")] = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Cut fields at systematic random places out of a huge image, with a job that measures them."""
    import json

    from inspect_tool.files import plain
    from inspect_tool.inspection.fields_of_mosaic import cut_fields

    told = cut_fields(image, out, recipe=recipe, number=number, side_px=side_px, seed=seed)
    if as_json:
        print(json.dumps(plain(told), ensure_ascii=False, indent=1))
    elif not quiet:
        left_out = len(told.fields) - len(told.measured)
        print(
            f"{out}: {len(told.measured)} fields of {told.side_px} x {told.side_px} px, {told.grid[0]} x "
            f"{told.grid[1]} over {told.shape[1]} x {told.shape[0]} px, seed {told.seed}"
            + (f"; {left_out} left out, which show no specimen for more than half" if left_out else "")
        )
        print(f"inspect-tool run {out / 'job.toml'} --out reports")


def gain(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="As fields cut wrote it.")],
    report: Annotated[Path, typer.Argument(metavar="REPORT", help="Report folder of these fields.")],
    as_json: Json = False,
) -> None:
    """Say what U of each main result would be if all of the image were measured, and how many fields are enough."""
    import json

    from rich.console import Console
    from rich.table import Table

    from inspect_tool.files import plain
    from inspect_tool.inspection.fields_of_mosaic import gains_of, load_fields
    from inspect_tool.report.text import pm

    found = gains_of(folder, report)
    if as_json:
        print(json.dumps([plain(one) for one in found], ensure_ascii=False, indent=1))
        return
    told = load_fields(folder)
    table = Table(title=None, header_style="bold", pad_edge=False)
    heads = ("Specimen", "Result", "Now", "U of all of the image", "U however many fields", "Enough fields")
    for head in heads:
        table.add_column(head)
    for one in found:
        shown = [pm(one.value, one.expanded_u, one.unit), *(f"± {u:.3g}" for u in (one.of_all, one.rest))]
        table.add_row(
            one.specimen, str(one.title), *shown, "not all of them" if one.enough is None else str(one.enough)
        )
    console = Console(width=None if sys.stdout.isatty() else 140, highlight=False)
    console.print(table)
    console.print(
        f"All of {told.image} would be some {told.of_all:.0f} fields like these {len(told.measured)}. Enough: U is at "
        "most a tenth larger than with any number of fields.",
        soft_wrap=True,
    )


app = group("fields", "Fields at random places of a huge image: cut them out, and what more would add.")
app.command("cut")(cut)
app.command("gain")(gain)
