"""What may stand for a key of a file, in the words of TOML."""

from collections.abc import Iterator, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from datetime import date
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt

from doc_site.markdown import code, prose
from inspect_tool.inspection.starter import toml

_BOUNDS = {Ge: "≥", Gt: "&gt;", Le: "≤", Lt: "&lt;"}
_WORDS: Mapping[Any, str] = {
    bool: "<code>true</code> or <code>false</code>",
    int: "whole number",
    float: "number",
    str: "text",
    date: "date",
    NoneType: "",
    Any: "anything",
}


def kind(hint: Any, *, is_named: bool = False) -> str:
    """Say what a type of Python is in a file.

    Parameters
    ----------
    hint : type
        With the ranges that are annotated.
    is_named : bool
        Tables are described elsewhere under their name, so that their keys are not listed.

    Examples
    --------
    >>> from inspect_tool.ranges import From0
    >>> kind(From0[int] | None), kind(tuple[str, ...]), kind(tuple[int, int] | Literal["all"])
    ('whole number ≥ 0', 'list of texts', 'list of 2 whole numbers or <code>"all"</code>')
    """
    return " or ".join(dict.fromkeys(word for word in _kinds(hint, is_named) if word))


def explained(says: str, up: str = "../") -> str:
    """What a key is for, with a word of files for what is not stated; ``up``: as ``markdown.prose`` has it."""
    return prose(says.replace("None:", "not set:"), up)


def default(item: "Field[Any]") -> Any:
    """The value of a field that is not stated; MISSING: it must be."""
    return item.default if item.default_factory is MISSING else item.default_factory()


def _kinds(hint: Any, is_named: bool) -> Iterator[str]:
    origin, within = get_origin(hint), get_args(hint)
    if origin is Annotated:
        bounds = ", ".join(_bound(part) for part in within[1:] if type(part) in _BOUNDS)
        for word in _kinds(within[0], is_named):
            yield f"{word} {bounds}".strip()
    elif origin is Literal:
        yield from (code(toml(choice)) for choice in within)
    elif origin in (Union, UnionType):
        for part in within:
            yield from _kinds(part, is_named)
    elif origin is tuple:
        of = [part for part in within if part is not ...]
        count = "" if ... in within else f"{len(of)} "
        yield f"list of {count}{' and '.join(dict.fromkeys(_many(kind(part, is_named=is_named)) for part in of))}"
    elif isinstance(origin, type) and issubclass(origin, Mapping):
        yield "table"
    elif is_dataclass(hint):
        yield "table" if is_named else f"table with {', '.join(code(item.name) for item in fields(hint))}"
    else:
        yield _WORDS.get(hint, code(getattr(hint, "__name__", str(hint))))


def _many(words: str) -> str:
    """Several of a kind."""
    for one in ("number", "text", "table", "list", "date"):
        head, found, rest = words.partition(one)
        if found:
            return f"{head}{one}s{rest}"
    return words


def _bound(part: Any) -> str:
    value = next(getattr(part, name) for name in ("ge", "gt", "le", "lt") if hasattr(part, name))
    return f"{_BOUNDS[type(part)]} {value:g}"
