"""The words of a language: a folder of TOML files, one per room, that map the name of a sentence to its template.

A template is written as ``str.format`` writes it, with names only: ``{n}``, ``{share:.3g}``. Three ways of its own:
``{n:grain|grains}`` takes the form that the language uses for so many (in the order of the plural categories of CLDR
that it has), ``{names:; }`` puts what stands behind the colon between the items of a list (else a
comma, with ``+`` nothing), and ``{names:&}`` joins them as a sentence does.
"""

import hashlib
import os
import re
import tomllib
from collections.abc import Mapping
from functools import cache, lru_cache
from pathlib import Path

ENGLISH = "en"

FIRST_SCHEMA = "report_1"
"""The English of reports of schema 1, which hold words and no keys: what differs from today's."""

_FOLDER = Path(__file__).parent
_PLURALS = ("zero", "one", "two", "few", "many", "other")  # categories of CLDR
_ONE = r"[−+-]?\d[\d\u00a0]*(?:\.\d+)?(?:e[+-]?\d+)?(?:\u00a0×\u00a010[⁻⁰¹²³⁴-⁹]+)?"
_LIMITS = rf"\u00a0\({_ONE}\u00a0…\u00a0{_ONE}\)"
_NUMBER = re.compile(
    rf"(?:[≤≥<>±=]\u00a0)?{_ONE}(?:\u00a0[±…]\u00a0{_ONE})*(?:{_LIMITS})?(?:\u00a0\S{{1,8}}|°)?"
)  # sign, unit
_POINT = re.compile(r"(?<=\d)\.(?=\d)")


def languages() -> tuple[str, ...]:
    """Codes of the languages there are catalogues of, English first."""
    found = sorted(item.name for item in _FOLDER.iterdir() if item.is_dir() and len(item.name) == 2)
    return (ENGLISH, *(name for name in found if name != ENGLISH))


@cache
def fingerprint(language: str) -> str:
    """SHA-256 of the catalogues of a language, hexadecimal."""
    found = hashlib.sha256()
    for path in sorted((_FOLDER / language).glob("*.toml")):
        found.update(path.name.encode() + b"\n" + path.read_bytes().replace(b"\r\n", b"\n"))
    return found.hexdigest()


@cache
def _is_known(language: str) -> bool:
    """Whether there are words of a language; a file may name any, and its sentences are English then."""
    return language in languages()


@cache
def catalogue(language: str, room: str) -> Mapping[str, str]:
    """Templates of a room in a language, by the name of the sentence; empty where the language has no such room."""
    if language != FIRST_SCHEMA and not _is_known(language):
        return {}
    path = _FOLDER / language / f"{room}.toml"
    is_there = os.path.isfile(path)  # noqa: PTH113 - False, too, where a file names a room longer than a name may be
    return tomllib.loads(path.read_text(encoding="utf-8")) if is_there else {}


@lru_cache(maxsize=16384)
def template(key: str, language: str) -> str | None:
    """Find the template of a sentence; the English one where a language lacks it; None where there is none at all.

    >>> template("words.and", "de"), template(f"{'a' * 300}.and", "de")
    ('und', None)
    """
    room, _, name = key.partition(".")
    if not re.fullmatch(r"[a-z_]+", room):
        return None
    found = catalogue(language, room).get(name)
    return found if found is not None or language == ENGLISH else catalogue(ENGLISH, room).get(name)


@cache
def _plural_rule(language: str) -> tuple[object, tuple[str, ...]]:
    from babel import Locale

    locale = Locale.parse(language)
    return locale.plural_form, tuple(name for name in _PLURALS if name in {*locale.plural_form.tags, "other"})


def plural(forms: str, count: float, language: str) -> str:
    """Choose among the forms of a word, by the plural rule of the language.

    >>> plural("grain|grains", 1, "en"), plural("Korn|Körner", 3, "de")
    ('grain', 'Körner')
    """
    given = forms.split("|")
    if language == ENGLISH or not _is_known(language):
        return given[0 if count == 1 else -1]
    rule, categories = _plural_rule(language)
    assert callable(rule)
    place = categories.index(rule(count))
    return given[min(place, len(given) - 1)]


@cache
def decimal_sign(language: str) -> str:
    """Sign between the whole and the broken part of a number."""
    if language == ENGLISH or not _is_known(language):
        return "."
    from babel import Locale

    sign: str = Locale.parse(language).number_symbols["latn"]["decimal"]
    return sign


def localized(number: str, language: str) -> str:
    """Write a number that was printed with a point, or several with signs between them, as the language does; any other
    text stays as it is.

    >>> localized("12\\xa0345.6\\xa0±\\xa00.5\\xa0%", "de"), localized("version 1.5", "de")
    ('12\\xa0345,6\\xa0±\\xa00,5\\xa0%', 'version 1.5')
    >>> localized("2.5\\xa0(2.1\\xa0…\\xa04.0)\\xa0µm", "de")
    '2,5\\xa0(2,1\\xa0…\\xa04,0)\\xa0µm'
    """
    sign = decimal_sign(language)
    return _POINT.sub(sign, number) if sign != "." and _NUMBER.fullmatch(number) else number
