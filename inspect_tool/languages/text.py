"""A sentence as data: its key and its values, and how they become words."""

import re
import string
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from functools import lru_cache
from math import inf
from typing import Any, TypeAlias, TypeVar, cast

from inspect_tool.languages.catalogue import ENGLISH, FIRST_SCHEMA, localized, plural, template

T = TypeVar("T")

Value: TypeAlias = "str | int | float | bool | tuple[Value, ...] | None"
"""What a sentence may hold: a name, a number, another sentence (a ``Text`` is a ``str``), or several of them."""

RUN_ON = "words.run_on"
"""Key of texts that were joined."""

_DEEPEST = 12  # sentences in each other


class Text(str):
    """A sentence that knows its key and its values; as a ``str`` it is its English words.

    So it stands wherever a text may stand, and whoever must find it again, or say it in another language, looks at the
    key. Text that a person wrote is a plain ``str`` and stays as it is in every language.

    Parameters
    ----------
    key : str
        Room and name, e.g. "grain_size.few_grains": an entry of the catalogues.
    **values
        What the template names.

    Raises
    ------
    LookupError
        There is no such sentence, or it names another value: a fault of the program.

    Examples
    --------
    >>> found = Text("words.pair", one="a", other="b")
    >>> found, found.key, dict(found.values)
    ('a and b', 'words.pair', {'one': 'a', 'other': 'b'})
    """

    __slots__ = ("key", "values")

    key: str
    values: Mapping[str, Value]

    def __new__(cls, key: str, /, **values: Value) -> "Text":  # noqa: D102 - the class says it
        found = template(key, ENGLISH)
        if found is None:
            msg = f"no sentence '{key}' in the English catalogue"
            raise LookupError(msg)
        return worded(key, values, _filled(found, values, ENGLISH))

    def __reduce__(self) -> tuple[Any, ...]:
        return worded, (self.key, self.values, str(self))

    def __add__(self, other: str) -> "Text":
        return cast("Text", joined("", (self, other)))

    def __radd__(self, other: str) -> "Text":
        return cast("Text", joined("", (other, self)))


Words: TypeAlias = str
"""Text of a report: a sentence as data, or what a person wrote."""


def worded(key: str, values: Mapping[str, Value], words: str) -> Text:
    """Make a sentence that has its words already, whatever the catalogue says today."""
    text = str.__new__(Text, words)
    text.key, text.values = key, values
    return text


def of_data(key: str, values: Mapping[str, object], depth: int = 0) -> Text:
    """Make a sentence of its key and its values as a file holds them, those that are sentences with their own.

    Raises
    ------
    ValueError
        These are no values of a sentence.

    >>> of_data("words.of_a_later_version", {"n": 3})
    'words.of_a_later_version (n = 3)'
    """
    read = {str(name): _value_of(value, depth + 1) for name, value in values.items()}
    return worded(key, read, _in_words(key, read, ENGLISH))


def _value_of(value: object, depth: int) -> Value:
    if depth > _DEEPEST:
        msg = f"sentences lie deeper than {_DEEPEST} in each other"
        raise ValueError(msg)
    if isinstance(value, Mapping):
        known = value.keys() == {"key", "values"}
        if not known or not isinstance(value["key"], str) or not isinstance(value["values"], Mapping):
            msg = "a value must be a text, a number, a list of them, or a sentence"
            raise ValueError(msg)
        return of_data(value["key"], value["values"], depth)
    if isinstance(value, list):
        return tuple(_value_of(item, depth + 1) for item in value)
    return cast("Value", value)


def as_data(text: Text) -> dict[str, object]:
    """Key and values of a sentence, as JSON can hold them.

    >>> as_data(Text("words.pair", one=Text("words.and"), other=2))
    {'key': 'words.pair', 'values': {'one': {'key': 'words.and', 'values': {}}, 'other': 2}}
    """
    return {"key": text.key, "values": {name: _data_of(value) for name, value in text.values.items()}}


def _data_of(value: object) -> Any:
    if isinstance(value, Text):
        return as_data(value)
    if isinstance(value, tuple | list):
        return [_data_of(item) for item in value]
    if isinstance(value, float):
        return float(f"{value:.12g}") if abs(value) < inf else None
    return value.item() if hasattr(value, "item") else value  # of numpy


def sentences(value: object, place: str = "") -> Iterator[tuple[str, Text]]:
    """Find every sentence in dataclasses, mappings and lists, with its place in their JSON as a pointer (RFC 6901).

    >>> dict(sentences({"warnings": ["by hand", Text("words.and")]}))
    {'/warnings/1': 'and'}
    """
    if isinstance(value, Text):
        yield place, value
        return
    if is_dataclass(value) and not isinstance(value, type):
        items: Iterable[tuple[object, object]] = [(item.name, getattr(value, item.name)) for item in fields(value)]
    elif isinstance(value, Mapping) and not is_bare(value.values()):
        items = value.items()
    elif isinstance(value, list | tuple) and not is_bare(value):
        items = enumerate(value)
    else:
        return
    for name, item in items:
        if type(item) not in _BARE:  # most are numbers of a table, which need no place
            yield from sentences(item, f"{place}/{_step(name)}")


_BARE = frozenset((float, int, bool, str, type(None)))  # a sentence is a kind of ``str``, and not among them


def is_bare(values: Iterable[object]) -> bool:
    """Whether values are nothing but numbers and words, as the rows of a table of features are, which are many."""
    return _BARE.issuperset(map(type, values))


def _step(name: object) -> str:
    return str(name).replace("~", "~0").replace("/", "~1")


def placed(value: T, texts: Mapping[str, Text]) -> T:
    """Make the words at these places the sentences that they are; the words stay as they are stated."""
    above = {place[:end] for place in texts for end, sign in enumerate(place) if sign == "/"}

    def at(place: str, value: object) -> Any:
        if isinstance(value, str):
            found = texts.get(place)
            return value if found is None else worded(found.key, found.values, value)
        if place not in above:  # the cells of a table of features are many, and hold no sentence
            return value
        return _each(value, lambda name, item: at(f"{place}/{_step(name)}", item))

    return cast("T", at("", value))


def _in_words(key: str, values: Mapping[str, Value], language: str) -> str:
    """Words of a sentence that may be of another version."""
    found = template(key, language)
    if found is not None:
        try:
            return _filled(found, values, language)
        except (LookupError, ValueError, TypeError, ArithmeticError):  # a file may hold any values
            pass
    named = ", ".join(f"{name} = {_shown(value, '', language)}" for name, value in values.items())
    return f"{key} ({named})" if named else key


def _filled(found: str, values: Mapping[str, Value], language: str) -> str:
    """Put values into a template."""
    words = []
    for before, name, form in _pieces(found):
        words.append(before)
        if name is not None:
            words.append(_shown(values[name], form, language))
    return "".join(words)


@lru_cache(maxsize=4096)
def _pieces(found: str) -> tuple[tuple[str, str | None, str], ...]:
    """The pieces of a template: words, and the name and format of the value behind them."""
    return tuple((before, name, form or "") for before, name, form, _ in string.Formatter().parse(found))


def _shown(value: Value, form: str, language: str) -> str:
    """Show one value as a template asks for it."""
    if isinstance(value, tuple | list):
        return _listed([_shown(item, "", language) for item in value], form, language)
    if isinstance(value, str):
        return said(value, language) if isinstance(value, Text) else localized(value, language)
    if isinstance(value, bool) or value is None:
        return str(value)
    if "|" in form:
        return plural(form, value, language)
    return localized(format(value, form), language)


def _listed(items: Sequence[str], form: str, language: str) -> str:
    if form != "&":
        return {"": ", ", "+": ""}.get(form, form).join(items)
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} {template('words.and', language)} {items[-1]}"


def said(text: str, language: str = ENGLISH) -> str:
    """Put a text into the words of a language; what a person wrote, and a name, stay as they are.

    >>> said(Text("words.pair", one="a", other="b"), "de"), said("any name", "de")
    ('a und b', 'any name')
    """
    if isinstance(text, Text):
        return str(text) if language == ENGLISH else _in_words(text.key, text.values, language)
    return text


def reworded(text: Text) -> str:
    """English words that a sentence has by the catalogue of this version, whatever words it came with."""
    return _in_words(text.key, text.values, ENGLISH)


def joined(between: str, texts: Iterable[str]) -> str:
    """Join texts as ``str.join`` does, so that what was a sentence stays one.

    >>> joined("; ", [Text("words.and"), "b"]).values
    {'parts': ('and', '; ', 'b')}
    """
    parts: list[str] = []
    for i, text in enumerate(texts):
        pieces = _parts(text)
        parts += [between, *pieces] if i and between else pieces
    kept = tuple(part for part in parts if part)
    if not any(isinstance(part, Text) for part in kept):
        return "".join(kept)
    return kept[0] if len(kept) == 1 else worded(RUN_ON, {"parts": kept}, "".join(kept))


def _parts(text: str) -> tuple[str, ...]:
    """What a text was joined of; itself, where it was not, or a file says so and holds no texts."""
    parts = text.values.get("parts") if isinstance(text, Text) and text.key == RUN_ON else None
    return cast("tuple[str, ...]", parts) if _are_texts(parts) else (text,)


def _are_texts(parts: Value) -> bool:
    return isinstance(parts, tuple) and all(isinstance(part, str) for part in parts)


def named(room: str, name: str) -> str:
    """Give the sentence for a name that a program uses, where a room has one under it.

    >>> named("budget", "void edge").key, named("budget", "an edge of somebody else")
    ('budget.void_edge', 'an edge of somebody else')
    """
    slug = _slug(name)
    key = f"{room}.{slug}"
    found = template(key, ENGLISH)
    known = found is not None and name in (found, slug.replace("_", " "))  # whatever the words of today
    return Text(key) if known else name


def recognized(room: str, words: str) -> str:
    """Give the sentence for words of a file of this software, such as a note of a standard, where a room has them.

    They are known by their letters, so that the sentence is the same under every wording of it.

    >>> recognized("notes", "Twin boundaries are not counted unless the report says so.").key
    'notes.twin_boundaries_are_not_counted_unless_the_report_says_so'
    """
    key = key_of(words, room)
    return Text(key) if is_known(key) else words


def is_known(key: str) -> bool:
    """Whether there is a sentence of this key.

    >>> is_known("words.and"), is_known("words.of_a_later_version")
    (True, False)
    """
    return template(key, ENGLISH) is not None


def _slug(name: str) -> str:
    """A name as catalogues write it.

    >>> _slug("Smallest joint, equivalent diameter")
    'smallest_joint_equivalent_diameter'
    """
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")


def key_of(text: str, room: str) -> str:
    """Key of a sentence; for a name in plain words, that which it would have in a room.

    >>> key_of(Text("budget.pore_edge"), "budget"), key_of("pore edge", "budget")
    ('budget.pore_edge', 'budget.pore_edge')
    """
    return text.key if isinstance(text, Text) else f"{room}.{_slug(text)}"


def same(one: str, other: str) -> bool:
    """Whether two texts say the same: sentences by key and values, whatever their words; others by their words.

    One version may hold in plain words what another holds as a sentence, also within a sentence.

    >>> told, plain = (Text("words.pair", one=one, other="b") for one in (Text("words.and"), "and"))
    >>> same(told, plain), same(told, Text("words.pair", one="or", other="b"))
    (True, False)
    """
    if isinstance(one, Text) and isinstance(other, Text):
        alike = one.key == other.key and one.values.keys() == other.values.keys()
        if alike and all(_same_value(value, other.values[name]) for name, value in one.values.items()):
            return True
        return one.key == other.key == RUN_ON and reworded(one) == reworded(other)  # parted otherwise
    return one == other


def _same_value(one: Value, other: Value) -> bool:
    if isinstance(one, str) and isinstance(other, str):
        return same(one, other)
    if isinstance(one, tuple | list) and isinstance(other, tuple | list):
        return len(one) == len(other) and all(map(_same_value, one, other))
    return bool(_data_of(one) == _data_of(other))


def is_text(text: str, key: str) -> bool:
    """Whether a text is the sentence of a key; one of a report of schema 1 is known by its words."""
    if isinstance(text, Text):
        return text.key == key
    return "{" not in (words := template(key, FIRST_SCHEMA) or "") and text == words


def translated(value: T, language: str) -> T:
    """Put every sentence in a value into the words of a language: dataclasses, mappings and tuples, to any depth.

    They stay the sentences that they are: only their words are others.
    """
    if isinstance(value, Text):
        return cast("T", worded(value.key, value.values, said(value, language)))
    if type(value) in _BARE or (isinstance(value, tuple) and is_bare(value)):
        return value
    return _each(value, lambda _, item: translated(item, language))


def _each(value: T, change: Callable[[object, Any], Any]) -> T:
    """Change what a dataclass, a mapping or a tuple holds, by name or number; any other value stays as it is."""
    if is_dataclass(value) and not isinstance(value, type):
        made = {item.name: change(item.name, getattr(value, item.name)) for item in fields(value)}
        changed = {name: new for name, new in made.items() if new is not getattr(value, name)}
        return cast("T", replace(value, **changed)) if changed else value
    if isinstance(value, Mapping):
        return cast("T", {name: change(name, item) for name, item in value.items()})
    if isinstance(value, tuple):
        new = tuple(change(i, item) for i, item in enumerate(value))
        return cast("T", new) if any(a is not b for a, b in zip(value, new, strict=True)) else value
    return value
