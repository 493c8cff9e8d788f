"""Patterns of file names with named parts: ``{heat}/{specimen}_{field}.tif``; read in one way, or refused."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from string import Formatter
from typing import Any, Literal
from unicodedata import normalize

from inspect_tool import typos
from inspect_tool.errors import SettingsError

_LONGEST = 1000  # letters of a pattern, and of a path


@dataclass(frozen=True, slots=True, kw_only=True)
class _Piece:
    kind: Literal["text", "group", "many", "one"]  # many: *, one: ?
    text: str = ""  # the text itself, or the name of the group


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """A pattern below a folder, one tuple of pieces for each name of the path."""

    text: str
    parts: tuple[tuple[_Piece, ...], ...]

    @property
    def groups(self) -> tuple[str, ...]:
        """Names of its named parts, in their order."""
        return tuple(piece.text for part in self.parts for piece in part if piece.kind == "group")


def placeholders(text: str, where: str) -> tuple[str, ...]:
    """Names that stand in braces in a text; a brace of its own is written twice.

    Raises
    ------
    SettingsError
        ``where`` starts the message: a brace is open, or what stands in the braces is no name.
    """
    return tuple(name for _, name in _split(text, where) if name is not None)


def filled(value: Any, values: Mapping[str, str], where: str) -> Any:
    """Put values for the placeholders of all texts in plain data; keys of tables stay as they are.

    >>> filled({"header": {"heat": "H {heat}"}, "page": 0}, {"heat": "730218"}, "rules.toml")
    {'header': {'heat': 'H 730218'}, 'page': 0}

    Raises
    ------
    SettingsError
        There is no such value.
    """
    if isinstance(value, Mapping):
        return {key: filled(item, values, f"{where}.{key}") for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [filled(item, values, where) for item in value]
    if not isinstance(value, str):
        return value
    found = ""
    for text, name in _split(value, where):
        found += text
        if name is not None:
            check_known(name, values, where)
            found += values[name]
    return found


def check_known(name: str, known: Mapping[str, Any] | tuple[str, ...], where: str) -> None:
    """Refuse a placeholder that nothing gives a value for."""
    if name not in known:
        there = ", ".join(f"{{{each}}}" for each in known) or "none"
        msg = f"{where}: there is no value for {{{name}}}; there are: {there}{typos.near(name, known)}"
        raise SettingsError(msg)


def pattern(text: str, where: str) -> Pattern:
    """Read a pattern: ``{name}`` stands for one letter or more, ``*`` for any, ``?`` for one, never for ``/``.

    Raises
    ------
    SettingsError
        It is empty, leads out of the folder, names a part twice, or its braces are not in order.
    """
    if not text.strip() or len(text) > _LONGEST:
        msg = f"{where}: is empty or too long; write for example {{heat}}_{{specimen}}_{{field}}.tif"
        raise SettingsError(msg)
    parts: list[list[_Piece]] = [[]]
    for literal, name in _split(normalize("NFC", text), where):
        for at, piece in enumerate(literal.split("/")):
            if at:
                parts.append([])
            parts[-1] += _pieces(piece)
        if name is not None:
            parts[-1].append(_Piece(kind="group", text=name))
    made = Pattern(text=text, parts=tuple(map(tuple, parts)))
    names = made.groups
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        msg = f"{where}: {{{twice}}} stands twice in '{text}'; write * where it stands again"
        raise SettingsError(msg)
    plain = {"".join(piece.text for piece in part) for part in made.parts if all(p.kind == "text" for p in part)}
    if plain & {"", ".", ".."} or "\\" in text:
        msg = f"{where}: '{text}' must name files below the watched folder, with / between folders"
        raise SettingsError(msg)
    return made


def readings(made: Pattern, path: str) -> tuple[dict[str, str], ...]:
    """What the named parts of a pattern are in a path: nothing where it does not fit, two where nobody can tell.

    Capitals of the fixed text do not matter (``.TIF``), and an accented letter is the same in its two forms.

    >>> readings(pattern("{heat}_{field}.tif", "rules.toml"), "730218_4.TIF")
    ({'heat': '730218', 'field': '4'},)
    >>> readings(pattern("{heat}_{field}.tif", "rules.toml"), "H_730218_4.tif")
    ({'heat': 'H', 'field': '730218_4'}, {'heat': 'H_730218', 'field': '4'})
    """
    names = normalize("NFC", path).split("/")
    if len(names) != len(made.parts) or len(path) > _LONGEST:
        return ()
    found: list[dict[str, str]] = [{}]
    for part, name in zip(made.parts, names, strict=True):
        own = _two(part, name)
        found = [{**before, **now} for before in found for now in own][:2]
    return tuple(found)


def _two(part: tuple[_Piece, ...], name: str) -> tuple[dict[str, str], ...]:
    """The first two different readings of one name.

    Built from the end: two readings of what follows are enough to know whether there are two from a letter on, so that
    the work grows with the square of the name and not with the number of readings.
    """
    after: list[tuple[dict[str, str], ...]] = [()] * len(name) + [({},)]  # by the letter at which a piece begins
    for piece in reversed(part):
        here = []
        for at in range(len(name) + 1):
            found: list[dict[str, str]] = []
            for end in _ends(piece, name, at):
                for rest in after[end]:
                    own = {piece.text: name[at:end], **rest} if piece.kind == "group" else rest
                    if len(found) < 2 and own not in found:
                        found.append(own)
                if len(found) == 2:
                    break
            here.append(tuple(found))
        after = here
    return after[0]


def _ends(piece: _Piece, name: str, at: int) -> range:
    """Where a piece that begins at a letter may end."""
    match piece.kind:
        case "text":
            end = at + len(piece.text)
            return range(end, end + (name[at:end].casefold() == piece.text.casefold()))
        case "one":
            return range(at + 1, min(at + 2, len(name) + 1))
        case "group":
            return range(at + 1, len(name) + 1)
        case "many":
            return range(at, len(name) + 1)


def _pieces(text: str) -> Iterator[_Piece]:
    plain = ""
    for sign in text:
        if sign not in "*?":
            plain += sign
            continue
        if plain:
            yield _Piece(kind="text", text=plain)
        plain = ""
        yield _Piece(kind="many" if sign == "*" else "one")
    if plain:
        yield _Piece(kind="text", text=plain)


def _split(text: str, where: str) -> list[tuple[str, str | None]]:
    """Text before each placeholder, and its name; the last has none."""
    try:
        found = list(Formatter().parse(text))
    except ValueError as error:
        msg = f"{where}: '{text}': {error}; a placeholder is {{name}}, a brace of its own is written twice"
        raise SettingsError(msg) from None
    for _, name, form, conversion in found:
        if name is not None and (not name.isidentifier() or form or conversion):
            msg = f"{where}: '{text}': a placeholder is a word in braces, as {{heat}}; a brace is written twice"
            raise SettingsError(msg)
    return [(literal, name) for literal, name, _, _ in found]
