"""How a field of a request is typed on a command line, where that is not plainly its name and its type.

It stands in the annotation of the field, beside the ``Doc`` that says what the field is for::

    size_px: Annotated[int, Doc("Side of a crop [px]."), Option("--size", least=1)] = 256

``cli.asked.options_of`` makes the options of a command of such fields.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Option:
    """An option of a command."""

    name: str = ""  # "--size"; empty: the name of the field
    short: str = ""  # "-s"
    shows: str = ""  # what the help shows for the value; empty: its type
    least: int | None = None  # of a number; less is a slip
    text: bool = False  # typed as a text, which the request reads: "0.15um" for a length [um]
