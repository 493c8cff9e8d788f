"""What people write in a job file in place of what is meant: one line that shows the place and what to write."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from difflib import get_close_matches
from itertools import islice
from pathlib import Path
from typing import Any, get_args, get_type_hints

from inspect_tool.model import Job

_QUOTES = str.maketrans(
    dict.fromkeys("\u201c\u201d\u201e\u201f\u00ab\u00bb", '"') | dict.fromkeys("\u2018\u2019\u201a\u201b\u2032", "'")
)
_SPACES = "\u00a0\u2007\u202f\u200b\u200c\u200d\u2060\ufeff\u00ad"
_NUMBER = r"[-+]?\d+(?:\.\d+)?"
_LONGEST_LINE = 1000  # letters of a line that is looked at: patterns try every way to share out its spaces

# words of other programs and of everyday for keys of ours
_OTHER_NAMES = {
    "min": "lower",
    "minimum": "lower",
    "lsl": "lower",
    "max": "upper",
    "maximum": "upper",
    "usl": "upper",
    "limit": "upper",
    "um_per_pixel": "pixel_um",
    "um_per_px": "pixel_um",
    "microns_per_pixel": "pixel_um",
    "pixel_size": "pixel_um",
    "pixel_size_um": "pixel_um",
    "scale": "pixel_um",
    "image": "images",
    "files": "images",
    "norm": "standard",
    "roi": "rectangle",
}


def near(word: str, names: Iterable[str]) -> str:
    """Name the one that is nearest to a word that is none of them, as the end of a message; empty if none is near.

    >>> near("treshold", ["threshold", "watershed"])
    "; did you mean 'threshold'?"
    >>> near("ASTM E1245", ["astm_e1245_2016", "astm_e2109_2021"])
    "; did you mean 'astm_e1245_2016'?"
    """
    plain = {re.sub(r"[\s\-]+", "_", name.casefold()): name for name in names}
    asked = re.sub(r"[\s\-]+", "_", word.casefold())
    found = [name for name in plain if asked and name.startswith(asked)] or get_close_matches(asked, plain, 1)
    return f"; did you mean '{plain[found[0]]}'?" if found else ""


_NAMED = 1000  # files of a folder that are looked at for a name that is near


def near_file(path: Path) -> str:
    """Name the file or folder beside a path that is nearest to it, as :func:`near` does."""
    try:
        there = [item.name for item in islice(path.parent.iterdir(), _NAMED) if not item.name.startswith(".")]
    except OSError:
        return ""
    return near(path.name, there)


def encoding(error: UnicodeDecodeError) -> str:
    """Say what a file is that should be UTF-8 text and is not."""
    data = error.object
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return 'saved as UTF-16 ("Unicode"); save it as UTF-8'
    if 0 in data[:4096]:
        return "is no text; a job is a text file (TOML), as inspect-tool init writes it"
    line = data.count(b"\n", 0, error.start) + 1
    return f"not UTF-8 text (line {line}, byte {error.start}); save it as UTF-8"


def syntax(text: str, error: str) -> str:
    """Say what is wrong with text that is not TOML; ``error`` is what the parser says, with its line.

    >>> syntax("pixel_um = 0,2252", "Expected newline or end of document after a statement (at line 1, column 13)")
    "line 1, 'pixel_um = 0,2252': the decimal sign is a point; write pixel_um = 0.2252"
    """
    if re.match(r"\s*[{\[]\s*[\"{\[]", text):
        return "is written as JSON; a job is TOML, lines of the form key = value: inspect-tool init writes one"
    lines = text.splitlines()
    found = re.search(r"at line (\d+)", error)
    number = min(int(found[1]) if found else len(lines), len(lines))
    if error.startswith("Unclosed array"):  # the parser names the line where it gave up
        number = next((i for i in range(number, 0, -1) if re.search(r"=\s*\[", lines[i - 1])), number)
    line = lines[number - 1].strip() if number else ""
    shown = line if len(line) <= 60 else f"{line[:57]}..."
    slips = _SLIPS if len(line) <= _LONGEST_LINE else ()
    advice = next((said for slip in slips if (said := slip(line, error))), "")
    if not advice:
        return f"not valid TOML: {error}"
    return f"line {number}, {shown!r}: {advice}"


_Slip = Callable[[str, str], str]
"""From a line and what the parser says of it to the advice; empty where the line has not gone wrong in this way."""


def _slip(pattern: str, advice: str | Callable[[re.Match[str]], str], errors: str = "") -> _Slip:
    """A slip that shows in the line alone; ``errors`` is how the parser's message must begin.

    An advice that is a text is filled with the groups of the pattern.
    """
    sought = re.compile(pattern, re.IGNORECASE)

    def said(line: str, error: str) -> str:
        found = sought.search(line) if error.startswith(errors) else None
        if found is None:
            return ""
        return advice(found) if callable(advice) else advice.format(*found.groups())

    return said


def _given(value: str) -> str:
    """Pattern of a whole line that gives a key, its first group, such a value."""
    return rf"^([\w.-]+)\s*=\s*+{value}\s*(?:#.*)?$"


def _backslash(line: str, error: str) -> str:
    if error.startswith("Illegal character") or not re.search(r'"[^"]*\\', line):
        return ""
    return f"a backslash does not stand for itself; write {line.replace(chr(92) * 2, '/').replace(chr(92), '/')}"


def _colon(found: re.Match[str]) -> str:
    value = found[2] or "..."
    value = value if re.match(r"[\"'\[{\d+-]", value) else _text(value)
    return f"key and value are joined by =; write {found[1]} = {value}"


def _open_text(line: str, error: str) -> str:
    said = error.startswith(("Illegal character", "Unterminated"))
    return "a quotation mark is missing at one end of a text" if said and ('"' in line or "'" in line) else ""


def _comma(line: str, error: str) -> str:
    if not error.startswith("Unclosed array"):
        return ""
    between = re.sub(r"([\"'])\s+([\"'])", r"\1, \2", line)
    if between != line:
        return f"the members of a list are parted by commas; write {between}"
    return "the list that begins with [ has no ] at its end"


_SLIPS: tuple[_Slip, ...] = (
    _slip(
        f"[{''.join(map(chr, _QUOTES))}]",
        lambda found: f"these quotation marks are typographic; write {found.string.translate(_QUOTES)}",
    ),
    _slip(
        f"[{_SPACES}]",
        lambda found: f"holds a sign that is not seen (U+{ord(found[0]):04X}, of a text program); type the line again",
    ),
    _slip("", "this key stands twice; delete one of the two lines", "Cannot overwrite"),
    _slip("", "this table stands twice; join them, or write [[...]] where several are meant", "Cannot declare"),
    _backslash,
    _slip(_given(r"([-+]?\d+),(\d+)"), "the decimal sign is a point; write {0} = {1}.{2}"),
    _slip(
        rf"^[\w.-]+\s*=?\s*([<>≤≥])=?\s*({_NUMBER})\s*%?\s*(?:#.*)?$",
        lambda found: f"write {'upper' if found[1] in '<≤' else 'lower'} = {found[2]}",
    ),
    _slip(_given(rf"({_NUMBER})\s*(?:%|[A-Zµμ°/²]+[²³]?)"), "a number stands without its unit; write {0} = {1}"),
    _slip(_given("(?:true|yes|on)"), "write {0} = true"),
    _slip(_given("(?:false|no|off)"), "write {0} = false"),
    _slip(
        _given(r"\d{1,4}([-./])\d{1,2}\2\d{1,4}"),
        "is no date of the calendar; write year-month-day, as {0} = 2026-01-31",
    ),
    _slip(_given(r"(0\d+)"), 'a number does not begin with 0, a text has quotation marks; write {0} = "{1}"'),
    _slip(r"^([\w.-]+)\s*:\s*(.*)$", _colon),
    _comma,
    _open_text,
    _slip(_given(""), "has no value; give one, or put # before the line to leave {0} at its default"),
    _slip(
        r"^([^\s=\"'#\[]*[^\x00-\x7f=\"'#\[]+[^=\"'#\[]*?)\s*=",
        "there is no key {0!r}; keys are as inspect-tool init writes them",
    ),
    _slip(_given(r"([^\s\"'\[{#=][^\"'#=]*?)"), 'a text stands in quotation marks; write {0} = "{1}"'),
    _slip(r"^[^=\[\]#]+$", "is no line of a job; write key = value, or # before a remark"),
)


def in_words(kind: Any, problem: Mapping[str, Any], under: str = "") -> str:
    """One line for the first thing that is wrong with the values of a table.

    ``kind`` is the dataclass that they fill, ``problem`` an error of pydantic, ``under`` the key that holds them.
    """
    parts, found = _parts(problem), _found(problem)
    where = ".".join(parts)
    key = next((part for part in reversed(parts) if not part.isdecimal()), where)
    match problem["type"]:
        case "unexpected_keyword_argument" | "extra_forbidden":
            return f"{where}: unknown key; {_instead(kind, parts, under)}"
        case "missing" | "missing_argument" | "missing_keyword_only_argument":
            return f"{where}: is missing"
        case "literal_error":
            expected = problem["ctx"]["expected"]
            meant = near(str(problem["input"]), re.findall(r"'([^']+)'", expected))
            return f"{where}: got {found}, must be {expected}{meant}"
        case "value_error":
            return f"{where}: got {found}: {problem['ctx']['error']}"
        case "tuple_type" | "list_type" if isinstance(problem["input"], str):
            return f"{where}: got {found}, must be a list; write {key} = [{_text(problem['input'])}]"
        case "tuple_type" | "list_type" if isinstance(problem["input"], Mapping):
            return f"{where}: there can be several of them; write [[{where}]], with two brackets"
        case "float_type" | "int_type" if number := re.match(
            rf"\s*({_NUMBER})", str(problem["input"]).replace(",", ".")
        ):
            return (
                f"{where}: got {found}, must be a number; write {key} = {number[1]}, without quotation marks and unit"
            )
        case "string_type" if isinstance(problem["input"], int | float) and not isinstance(problem["input"], bool):
            return f"{where}: got {found}, must be a text; write {key} = {_text(found)}"
        case _:
            return f"{where}: got {found}, {_expected(problem)}"


def of_the_tool(problem: Mapping[str, object]) -> str:
    """One line for the first thing that is wrong with a file that the tool wrote: nobody is told what to write there.

    >>> of_the_tool({"type": "missing", "loc": ("results", 0, "unit"), "input": {}, "msg": "Field required"})
    'results.0.unit: is missing; the file was changed or damaged, or another version wrote it'
    """
    match problem["type"]:
        case "unexpected_keyword_argument" | "extra_forbidden":
            wrong = "unknown key"
        case "missing" | "missing_argument" | "missing_keyword_only_argument":
            wrong = "is missing"
        case _:
            wrong = f"got {_found(problem)}, {_expected(problem)}"
    return f"{'.'.join(_parts(problem))}: {wrong}; the file was changed or damaged, or another version wrote it"


def _parts(problem: Mapping[str, Any]) -> list[str]:
    """Keys and numbers in lists that lead to what is wrong."""
    return [str(part) for part in problem["loc"] if not str(part).startswith(("function-", "tuple["))]


def _found(problem: Mapping[str, object]) -> str:
    found = repr(problem["input"])
    return found if len(found) <= 60 else found[:57] + "..."


def _expected(problem: Mapping[str, object]) -> str:
    text = str(problem["msg"]).replace("Input should be", "must be")
    return text[0].lower() + text[1:]


def _text(text: str) -> str:
    return '"' + text.replace("\\", "/") + '"'


def _instead(kind: object, parts: list[str], under: str) -> str:
    """What to write in place of a key that is not there: the table it belongs to, or the key that is near."""
    key = parts[-1]
    own = list(_keys(_class_at(kind, parts[:-1])))
    other = _OTHER_NAMES.get(key.lower(), "")
    if other in own:
        return f"write {other}" if key.lower() != "limit" else "write upper or lower"
    if kind is Job or under in ("settings", "backend"):  # a table of a job: the line may have slipped into another one
        here = ".".join([under, *parts[:-1]] if under else parts[:-1])
        for table, keys in _tables():
            if key in keys and table != here:
                return (
                    f"it belongs {f'below [{table}]' if table else 'to the top of the file, above the first [table]'}"
                )
    return near(key, own).removeprefix("; ") or (f"there are: {', '.join(own)}" if own else "check the spelling")


def _tables() -> Iterator[tuple[str, list[str]]]:
    """Tables of a job and their keys; those of plug-ins are not among them."""
    yield "", list(_keys(Job))
    for item in fields(Job):
        if inner := _class_at(Job, [item.name]):
            several = "tuple" in str(get_type_hints(Job)[item.name])
            yield f"[{item.name}]" if several else item.name, list(_keys(inner))


def _class_at(kind: object, parts: list[str]) -> Any:
    """The dataclass that the table of a dotted name fills; None where it is free."""
    for part in parts:
        if not part.isdecimal():
            kind = _inner(get_type_hints(kind).get(part)) if is_dataclass(kind) else None
    return kind


def _inner(hint: object) -> Any:
    if is_dataclass(hint):
        return hint
    return next((found for part in get_args(hint) if (found := _inner(part)) is not None), None)


def _keys(kind: object) -> Iterator[str]:
    if is_dataclass(kind):
        yield from (item.name for item in fields(kind))
