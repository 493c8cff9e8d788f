"""The language of a search: ``heat:730218 recipe:grain_size since:2026-10 -verdict:fail grain_size_number>7``.

A text becomes a value here; what it asks of the database stands in :mod:`inspect_tool.lab.find`.

============================  ==========================================================================================
``heat:730218``               the whole text of a field, capitals or not; ``*``: any letters; ``a,b``: either
``since:2026-10``             day of the work, from the first day of that month on (also a year, or a day)
``until:2026-10``             up to the last day of that month; ``day:2026-10``: within it
``grain_size_number>7``       a result of that name; several comparisons of one name are of one and the same result
``weld``, ``"weld 3"``        free words: in any text that identifies a report
``-verdict:fail``             not that, before any of these
============================  ==========================================================================================

All terms hold together. What stands in quotation marks is taken as it is; ``\"`` is a quotation mark in it.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from math import isfinite
from typing import Literal, TypeAlias

from inspect_tool import typos
from inspect_tool.errors import SettingsError

TEXTS = (
    *("recipe", "verdict", "part", "heat", "order", "lot", "sample", "customer", "material", "laboratory"),
    *("operator", "instrument", "name", "title", "report", "standard", "language", "spec", "uid"),
)
"""Fields that a report has one text of."""
MANY = ("specimen", "quantity", "image")
"""Fields that a report may have several texts of: one of them is sought."""
PRINTS = ("software", "backend", "weights", "settings", "scale")
"""Fields of the fingerprint: what made the numbers."""
DAYS = ("since", "until", "day")
SUPERSEDED = "superseded"
FIELDS = (*TEXTS, *MANY, *PRINTS, *DAYS, SUPERSEDED)

VERDICTS = ("pass", "fail", "undecided", "no requirement")

Relation: TypeAlias = Literal["<", "<=", ">", ">=", "="]
Pattern: TypeAlias = tuple[str, ...]
"""A text that is sought: what stands between its stars; one member: the whole text."""

_QUOTES = frozenset('"\N{LEFT DOUBLE QUOTATION MARK}\N{RIGHT DOUBLE QUOTATION MARK}\N{DOUBLE LOW-9 QUOTATION MARK}')
_COMPARED = re.compile(r"<=|>=|<|>|=|:|\N{LESS-THAN OR EQUAL TO}|\N{GREATER-THAN OR EQUAL TO}")
_PLAIN = {"\N{LESS-THAN OR EQUAL TO}": "<=", "\N{GREATER-THAN OR EQUAL TO}": ">="}
_DAY = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?")
_MOST = 2000  # letters of a query
_MOST_TERMS = 50  # each is a condition of the database


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """Free words: a text that stands somewhere in what identifies a report."""

    text: str
    negated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """A field is one of these texts."""

    field: str
    patterns: tuple[Pattern, ...]
    negated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Days:
    """The day of the work lies from the one to before the other; None: open on that side."""

    first: date | None = None
    before: date | None = None
    negated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Superseded:
    """A later report replaces it."""

    negated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Compare:
    """A result of this name is so large, in its own unit."""

    quantity: str
    relation: Relation
    number: float
    negated: bool = False


Term: TypeAlias = Words | Match | Days | Superseded | Compare


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What a search asks for: all terms hold together; none: every report."""

    terms: tuple[Term, ...] = ()


Letter: TypeAlias = tuple[str, bool]
"""A letter, and whether it stands in quotation marks."""


def parse(text: str) -> Query:
    """Read a query.

    >>> parse("heat:730218 -verdict:fail").terms  # doctest: +NORMALIZE_WHITESPACE
    (Match(field='heat', patterns=(('730218',),), negated=False),
     Match(field='verdict', patterns=(('fail',),), negated=True))
    >>> parse("grain_size_number>=7").terms
    (Compare(quantity='grain_size_number', relation='>=', number=7.0, negated=False),)

    Raises
    ------
    SettingsError
        There is no such field, or a value is none of its kind.
    """
    if len(text) > _MOST:
        msg = f"query: it has {len(text)} letters, at most {_MOST} are read"
        raise SettingsError(msg)
    if any(letter == "\0" or "\ud800" <= letter <= "\udfff" for letter in text):
        msg = "query: it holds a sign that is no text"
        raise SettingsError(msg)
    terms = tuple(_term(letters) for letters in _split(text))
    if len(terms) > _MOST_TERMS:
        msg = f"query: it has {len(terms)} terms, at most {_MOST_TERMS} are taken"
        raise SettingsError(msg)
    return Query(terms=terms)


def quoted(text: str) -> str:
    """Write a text so that a query takes it as it is.

    >>> quoted("730218"), quoted('3" pipe')
    ('730218', '"3\\\\" pipe"')
    """
    if re.fullmatch(r"\w[\w.-]*", text):
        return text
    return '"' + "".join(f"\\{letter}" if letter in _QUOTES or letter == "\\" else letter for letter in text) + '"'


def _split(text: str) -> Iterator[list[Letter]]:
    """The terms of a query: what spaces part outside of quotation marks."""
    term: list[Letter] = []
    begun = 0  # letters up to the open quotation mark; 0: none is open
    any_quotes = escaped = False
    for i, letter in enumerate(text, start=1):
        if escaped:
            term.append((letter, True))
            escaped = False
        elif begun and letter == "\\" and text[i : i + 1] in {*_QUOTES, "\\"}:
            escaped = True
        elif letter in _QUOTES:
            begun = 0 if begun else i
            any_quotes = True
        elif letter.isspace() and not begun:
            if term or any_quotes:
                yield term
            term, any_quotes = [], False
        else:
            term.append((letter, bool(begun)))
    if begun:
        msg = f"query: the quotation mark before {text[begun : begun + 20]!r} has no other one after it"
        raise SettingsError(msg)
    if term or any_quotes:
        yield term


def _term(letters: Sequence[Letter]) -> Term:
    negated = bool(letters) and letters[0] == ("-", False)
    letters = letters[1:] if negated else letters
    plain = "".join("\0" if quoted else letter for letter, quoted in letters)  # a quoted sign parts nothing
    found = _COMPARED.search(plain)
    if found is None:
        words = _text(letters)
        if not words.strip():
            msg = 'query: a minus or quotation marks stand alone; put the words to them, as -"weld 3"'
            raise SettingsError(msg)
        return Words(text=words, negated=negated)
    name, value = _text(letters[: found.start()]), letters[found.end() :]
    if found[0] == ":":
        return _field(name.casefold(), value, negated)
    return _comparison(name, _PLAIN.get(found[0], found[0]), _text(value), negated)


def _field(name: str, value: Sequence[Letter], negated: bool) -> Term:
    if name not in FIELDS:
        shown = _text(value) or "..."
        near = typos.near(name, FIELDS)
        advice = near or f"; fields are {', '.join(FIELDS)}; a result is compared, as {name}>{shown}"
        if not re.fullmatch(r"[\w.]+", name):
            advice = "; a text with a colon stands in quotation marks"
        msg = f"query: there is no field '{name}'{advice}"
        raise SettingsError(msg)
    if not value and name in DAYS:
        msg = f"query: {name}: has no value; give a year, a month or a day, as {name}:2026-10"
        raise SettingsError(msg)
    if name in DAYS:
        first, before = _span(name, _text(value))
        return Days(
            first=None if name == "until" else first, before=None if name == "since" else before, negated=negated
        )
    if name == SUPERSEDED:
        answer = _text(value).casefold()
        if answer not in ("yes", "no"):
            msg = f"query: superseded:{answer}: must be yes or no"
            raise SettingsError(msg)
        return Superseded(negated=negated != (answer == "no"))
    patterns = tuple(_pattern(part) for part in _alternatives(value))
    if name == "verdict":
        for pattern in patterns:
            if len(pattern) == 1 and pattern[0].casefold() not in VERDICTS:
                word = pattern[0]
                msg = f'query: verdict:{word}: must be {", ".join(VERDICTS[:-1])} or "{VERDICTS[-1]}"'
                raise SettingsError(msg + typos.near(word, VERDICTS))
    return Match(field=name, patterns=patterns, negated=negated)


def _alternatives(value: Sequence[Letter]) -> Iterator[Sequence[Letter]]:
    """The texts that commas part outside of quotation marks."""
    begin = 0
    for i, letter in enumerate(value):
        if letter == (",", False):
            yield value[begin:i]
            begin = i + 1
    yield value[begin:]


def _pattern(letters: Sequence[Letter]) -> Pattern:
    """What stands between the stars of a text."""
    parts = [""]
    for letter, quoted in letters:
        if letter == "*" and not quoted:
            parts.append("")
        else:
            parts[-1] += letter
    return tuple(parts)


def _comparison(name: str, relation: str, number: str, negated: bool) -> Compare:
    field = name.casefold()
    if field in FIELDS:
        advice = "compare days by since: and until:" if field in DAYS else f"write {field}:{number or '...'}"
        msg = f"query: {name}{relation}{number}: {field} is a field and no result; {advice}"
        raise SettingsError(msg)
    if not name:
        msg = f"query: {relation}{number}: no result is named; write it before, as grain_size_number{relation}{number}"
        raise SettingsError(msg)
    shown = f"query: {name}{relation}{number}"
    try:
        value = float(number)
    except ValueError:
        begun = re.match(r"[-+]?\d+(?:[.,]\d+)?", number)
        advice = "give the number in the unit of the result"
        if begun:
            advice = f"write {name}{relation}{begun[0].replace(',', '.')}"
            advice += ": the decimal sign is a point" if begun[0] == number else ", in the unit of the result"
        msg = f"{shown}: '{number}' is no number; {advice}"
        raise SettingsError(msg) from None
    if not isfinite(value):
        msg = f"{shown}: the number is not finite"
        raise SettingsError(msg)
    return Compare(quantity=name, relation=relation, number=value, negated=negated)  # type: ignore[arg-type]


def _span(name: str, text: str) -> tuple[date, date]:
    """First day of a year, a month or a day, and the first one after it."""
    found = _DAY.fullmatch(text)
    year, month, day = (int(part) if part else None for part in found.groups()) if found else (0, None, None)
    try:
        first = date(year or 0, month or 1, day or 1)
        if day:
            return first, first + timedelta(days=1)
        if month:
            return first, (first + timedelta(days=31)).replace(day=1)
        return first, date(first.year + 1, 1, 1)
    except (ValueError, OverflowError):
        msg = f"query: {name}:{text}: is no year, month or day; write it as 2026, 2026-10 or 2026-10-31"
        raise SettingsError(msg) from None


def _text(letters: Sequence[Letter]) -> str:
    return "".join(letter for letter, _ in letters)
