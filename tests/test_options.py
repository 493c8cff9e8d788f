"""Options of a command made of the fields of a request: name, type, default, range and help are stated once."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
import typer
from typer.testing import CliRunner
from typing_extensions import Doc

from inspect_tool.cli import app
from inspect_tool.cli.asked import options_of
from inspect_tool.options import Option


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """A request with a field of every kind."""

    sheet: Annotated[str, Doc("Sheet to cut."), Option(short="-s")]
    parts: Annotated[tuple[str, ...], Doc("Parts."), Option(shows="NAMES")]
    width_um: Annotated[float | None, Doc("Width: 2mm."), Option("--width", text=True)] = None
    side_px: Annotated[int, Doc("Side."), Option(least=1)] = 256
    fast: Annotated[bool, Doc("Be quick.")] = False
    kind: Annotated[Literal["saw", "torch"], Doc("saw or torch.")] = "saw"
    rate: Annotated[float | None, Doc("Rate.")] = None
    folder: Annotated[Path, Doc("Folder.")] = Path("out")
    names: Annotated[Mapping[str, str], Doc("A=b."), Option("--name")] = field(default_factory=dict)
    hidden: int = 3


def command(**how: Any) -> tuple[typer.Typer, list[Any]]:
    told: list[Any] = []
    made = typer.Typer(rich_markup_mode=None)

    @made.command()
    @options_of(Cut, **how)
    def cut(*, first: Annotated[str, typer.Argument()] = "", asked: Mapping[str, Any], loud: bool = False) -> None:
        """Cut."""
        told.append((first, dict(asked), loud))

    return made, told


DEFAULTS = {
    "width_um": "", "side_px": 256, "fast": False, "kind": "saw", "rate": None, "folder": Path("out"), "names": None,
}  # fmt: skip


def test_what_is_typed_arrives_by_the_name_of_its_field_and_the_rest_as_the_request_has_it():
    made, told = command()
    done = CliRunner().invoke(made, ["x", "-s", "A", "--parts", "a", "--parts", "b", "--loud"])
    assert done.exit_code == 0, done.output
    assert told == [("x", {"sheet": "A", "parts": ["a", "b"], **DEFAULTS}, True)]
    typed = "--sheet A --parts a --width 2mm --side-px 9 --fast --kind torch --rate 0.5 --folder f --name a=b"
    assert CliRunner().invoke(made, typed.split()).exit_code == 0
    assert told[1][1] == {
        "sheet": "A", "parts": ["a"], "width_um": "2mm", "side_px": 9, "fast": True, "kind": "torch", "rate": 0.5,
        "folder": Path("f"), "names": ["a=b"],
    }  # fmt: skip


def test_where_only_what_was_typed_counts_the_rest_is_none():
    made, told = command(given=True)
    assert CliRunner().invoke(made, ["-s", "A", "--parts", "a", "--side-px", "7"]).exit_code == 0
    assert told[0][1] == {"sheet": "A", "parts": ["a"], **dict.fromkeys(DEFAULTS), "side_px": 7}


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        (["--parts", "a"], "--sheet"),
        (["-s", "A"], "--parts"),
        (["-s", "A", "--parts", "a", "--side-px", "0"], "--side-px"),
        (["-s", "A", "--parts", "a", "--rate", "fast"], "--rate"),
        (["-s", "A", "--parts", "a", "--hidden", "4"], "--hidden"),
    ],
)
def test_a_slip_is_named_by_the_option(typed, says):
    made, _ = command()
    done = CliRunner().invoke(made, typed)
    assert done.exit_code == 2
    assert says in done.output


def test_the_help_shows_names_defaults_and_ranges():
    shown = " ".join(CliRunner().invoke(command()[0], ["--help"]).output.split())
    for said in (
        "-s",
        "Sheet to cut.",
        "--parts",
        "NAMES",
        "--width",
        "--side-px",
        "default: 256",
        "x>=1",
        "saw or torch.",
    ):
        assert said in shown
    assert "hidden" not in shown
    assert "no-fast" not in shown


@pytest.mark.parametrize(("name", "option"), [("train", "--size"), ("gauge", "--tolerance"), ("calibrate", "--pitch")])
def test_commands_show_the_options_of_their_requests(name, option):
    done = CliRunner().invoke(app, [name, "--help"])
    assert done.exit_code == 0
    assert option in done.output
