"""All commands: a table, so that the list of them is shown without importing any.

What it says of a command is the first sentence of its own help (a test holds it).
"""

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any, NamedTuple

import typer
from typer.core import TyperCommand, TyperGroup

from inspect_tool.cli.common import ManyFiles


class Command(NamedTuple):
    """A command, or a group of them: where it stands (module:name), and what the list of commands says of it."""

    place: str
    says: str
    kind: type[TyperCommand] = TyperCommand


COMMANDS: dict[str, Command] = {
    "run": Command("jobs:run", "Inspect: measure the images of each job and write its report."),
    "demo": Command(
        "jobs:demo", "Run the sample inspections that come with the tool, and make a lab of them for the workbench."
    ),
    "check": Command("jobs:check", "Check jobs without measuring: keys, files, images, scale, masks and requirements."),
    "watch": Command(
        "watch:watch",
        "Watch a folder: as soon as all images of a job have arrived, it is measured and its report is in the lab.",
    ),
    "workbench": Command(
        "workbench:workbench",
        "Open the workbench: inbox, inspections, corrections, review and the lab's memory, as pages in the browser.",
    ),
    "compare": Command(
        "studies:compare",
        "Compare backends on the fields of one job: differences in the measurand, and whether they agree.",
    ),
    "calibrate": Command(
        "studies:calibrate",
        "Read the scale bar of an image, or measure the pixel size on images of a stage micrometer or pitch grid.",
        ManyFiles,
    ),
    "gauge": Command(
        "studies:gauge",
        "Judge the gauge: repeatability and reproducibility of a study with parts, appraisers and trials.",
    ),
    "init": Command(
        "jobs:init",
        "Write a commented job for a recipe; on a terminal, images, scale and limit are asked for and the job runs.",
    ),
    "train": Command(
        "learn:train",
        "Train a network on annotated images of your own; the result is a model folder for backend unet.",
        ManyFiles,
    ),
    "score": Command(
        "learn:score",
        "Judge masks or a backend against annotated images: in pixels, objects and what the recipe measures.",
        ManyFiles,
    ),
    "validate": Command(
        "studies:validate",
        "Compare the backend of a job with masks of a person, and keep its errors for the budgets of later jobs.",
        ManyFiles,
    ),
    "selftest": Command(
        "studies:selftest",
        "Does the method work here? Measure drawn images of known truth and judge bias, coverage, linearity ...",
    ),
    "referee": Command(
        "by_hand:referee",
        "Let a person correct the results of a job: draw random points or lines, blind, on a page; record the answers.",
    ),
    "audit": Command("trust:audit", "Print the audit trail of a project folder, and verify that it is whole."),
    "sign": Command("trust:sign", "Sign a report with a visible block; a second person signs the same file once more."),
    "validate-pdf": Command(
        "trust:validate_pdf", "Check the signatures and the structure of a PDF, and compare it with its audit trail."
    ),
    "verify": Command(
        "trust:verify",
        "Verify a report: recompute its numbers from the masks it carries and compare everything it says.",
    ),
    "print": Command(
        "trust:print_",
        "Print the pages of a report or a study anew, e.g. in another language; nothing is measured, its files stay.",
    ),
    "list": Command("jobs:list_", "List what there is of one kind; of specs also which are valid today."),
    "batch": Command("batch:app", "Run many jobs from a queue that outlives a power failure; look at it, try again."),
    "golden": Command("studies:golden_app", "Keep the results of your own images, and compare with them later."),
    "lab": Command("lab:app", "The laboratory's memory: remember reports, and find them again."),
    "edit": Command("by_hand:edit_app", "Correct a segmentation by hand; take a correction back, or give it up."),
    "fields": Command("fields:app", "Fields at random places of a huge image: cut them out, and what more would add."),
    "standards": Command("standards:app", "Values of standards, compared with the published text by the laboratory."),
    "key": Command("trust:key_app", "Keys to sign with."),
}


class _Imported(Mapping[str, Any]):
    """The commands by name: the module of one is imported when it is asked for."""

    def __getitem__(self, name: str) -> Any:
        place, _, kind = COMMANDS[name]
        module, attribute = place.split(":")
        found = getattr(import_module(f"inspect_tool.cli.{module}"), attribute)
        if isinstance(found, typer.Typer):
            return typer.main.get_group(found)
        alone = typer.Typer(add_completion=False, rich_markup_mode=None)
        alone.command(name, cls=kind)(found)
        return typer.main.get_command(alone)

    def __iter__(self) -> Iterator[str]:
        return iter(COMMANDS)

    def __len__(self) -> int:
        return len(COMMANDS)


class Program(TyperGroup):
    """The whole program, whose list of commands is shown without any of them."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**{**settings, "commands": _Imported()})

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the list of commands."""
        listed: dict[str, Any] = {name: TyperCommand(name, help=command.says) for name, command in COMMANDS.items()}
        TyperGroup(commands=listed).format_commands(ctx, formatter)
