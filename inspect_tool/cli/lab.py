"""The laboratory's memory: lab init, add, rebuild, defaults."""

from pathlib import Path
from typing import Annotated

import typer

LabFolder = Annotated[
    Path,
    typer.Option(
        "--lab", envvar="INSPECT_TOOL_LAB", help="Folder of the lab; by default the current one.", metavar="FOLDER"
    ),
]


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
