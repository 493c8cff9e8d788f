"""The catalogues of all languages say the same, and every sentence that the source names is in them."""

import ast
import re
import string
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
from babel import Locale
from jinja2 import Environment, nodes

from inspect_tool.languages import ENGLISH, Text, languages, named, said
from inspect_tool.languages.catalogue import catalogue, plural, template

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "inspect_tool"
FOLDER = SOURCE / "languages"
ROOMS = tuple(sorted(path.stem for path in (FOLDER / ENGLISH).glob("*.toml")))
OTHERS = languages()[1:]

PAGES = tuple(sorted((ROOT / "templates").rglob("*.j2")))

KEY = re.compile(rf"\b(?:{'|'.join(ROOMS)})\.[a-z0-9_]+")
FILES = (".toml", ".json", ".html", ".pdf", ".png", ".xlsx")

AT_RUN_TIME = {"budget.probability_of_joint", "budget.probability_of_void"}
"""Put together of parts: what a network calls its other segmentations."""


def placeholders(template: str) -> list[tuple[str, str]]:
    """Name and format of everything that a template asks for, in its order."""
    return [(name, form or "") for _, name, form, _ in string.Formatter().parse(template) if name is not None]


def value_for(forms: set[str]) -> object:
    """A value that suits all of these formats: a number, a list, or else a text."""
    if any("|" in form or is_number_format(form) for form in forms):
        return 2
    return ("one", "other") if any(forms) else "name"


def is_number_format(form: str) -> bool:
    try:
        return bool(form) and form != "+" and bool(format(2.5, form))
    except ValueError:
        return False


@cache
def sources() -> dict[Path, str]:
    return {path: path.read_text(encoding="utf-8") for path in sorted(SOURCE.rglob("*.py"))}


@cache
def trees() -> dict[Path, ast.Module]:
    """The modules that say something."""
    return {path: ast.parse(text) for path, text in sources().items() if "from inspect_tool.languages" in text}


@cache
def rule_titles() -> frozenset[str]:
    files = [tomllib.loads(path.read_text(encoding="utf-8")) for path in (ROOT / "standards").glob("*.toml")]
    return frozenset(rule["title"] for file in files for rule in file.get("rules", ()))


@dataclass(frozen=True)
class Said:
    """A place where a sentence is said: one key, or one of two that are chosen from, and the names of its values."""

    place: str
    keys: tuple[str, ...]
    given: frozenset[str]


def said_in(path: Path) -> Iterator[Said]:
    """Every ``Text("...", ...)`` of a module."""
    for node in ast.walk(trees()[path]):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Text":
            key = node.args[0]
            choice = (key.body, key.orelse) if isinstance(key, ast.IfExp) else (key,)
            keys = tuple(str(one.value) for one in choice if isinstance(one, ast.Constant))
            given = frozenset(str(keyword.arg) for keyword in node.keywords)
            if keys:
                yield Said(f"{path.relative_to(ROOT)}:{node.lineno}", keys, given)


def said_on(page: Path) -> Iterator[Said]:
    """Every ``t("...", ...)`` of a template of a page."""
    for call in Environment().parse(page.read_text(encoding="utf-8")).find_all(nodes.Call):
        if isinstance(call.node, nodes.Name) and call.node.name == "t" and isinstance(call.args[0], nodes.Const):
            given = frozenset(keyword.key for keyword in call.kwargs)
            yield Said(f"{page.relative_to(ROOT)}:{call.lineno}", (call.args[0].value,), given)


@pytest.mark.parametrize("language", OTHERS)
def test_a_language_has_the_rooms_of_english(language: str):
    assert tuple(sorted(path.stem for path in (FOLDER / language).glob("*.toml"))) == ROOMS


@pytest.mark.parametrize("language", OTHERS)
@pytest.mark.parametrize("room", ROOMS)
def test_a_language_has_the_sentences_of_english_with_the_same_values(language: str, room: str):
    def names(of: str) -> dict[str, set[str]]:
        return {key: {name for name, _ in placeholders(text)} for key, text in catalogue(of, room).items()}

    assert names(language) == names(ENGLISH)


@pytest.mark.parametrize("language", OTHERS)
@pytest.mark.parametrize("room", ROOMS)
def test_a_sentence_joins_its_neighbors_as_in_english(language: str, room: str):
    """Parts that are put behind another begin with the space or the comma; a definition ends in its version."""
    for key, english in catalogue(ENGLISH, room).items():
        text = catalogue(language, room)[key]
        assert text[:1].isspace() == english[:1].isspace(), key
        assert text[-1:].isspace() == english[-1:].isspace(), key
        assert (text[:1] in ",;:") == (english[:1] in ",;:"), key
        assert re.findall(r"/\d+$", text) == re.findall(r"/\d+$", english), key
        assert (text[-1:] == ".") == (english[-1:] == "."), key


@pytest.mark.parametrize("language", languages())
@pytest.mark.parametrize("room", ROOMS)
def test_every_sentence_can_be_filled(language: str, room: str):
    """Words that fall back to the key and its values are those of a template that raises."""
    for name, english in catalogue(ENGLISH, room).items():
        asked = placeholders(english) + placeholders(catalogue(language, room)[name])
        values = {one: value_for({form for other, form in asked if other == one}) for one, _ in asked}
        words = said(Text(f"{room}.{name}", **values), language)  # type: ignore[arg-type]
        assert not words.startswith(f"{room}.{name}"), name
        assert "{" not in words
        assert words.strip()


@pytest.mark.parametrize("language", languages())
@pytest.mark.parametrize("room", ROOMS)
def test_a_plural_has_as_many_forms_as_the_language(language: str, room: str):
    forms = len({*Locale.parse(language).plural_form.tags, "other"})
    for name, text in catalogue(language, room).items():
        for value, form in placeholders(text):
            if "|" in form:
                assert form.count("|") + 1 == forms, f"{room}.{name}: {{{value}:{form}}}"


@pytest.mark.parametrize(
    ("count", "words"),
    [(0, "0 Änderungen von Hand in 1 Messfeld"), (1, "1 Änderung von Hand in 1 Messfeld")],
)
def test_german_counts_as_german_does(count: int, words: str):
    assert said(Text("evidence.edit_hand_field", count=count, fields=1), "de") == words


def test_german_numbers_have_a_comma_and_formulas_stay():
    told = Text("statistics.s_n_over_fields_one", n=5, s=0.125)
    assert said(told, "de") == "s / √n über 5 Messfelder eines Schliffs, s = 0,125"
    assert plural("Korn|Körner", 1, "de") == "Korn"


def test_every_sentence_of_source_and_pages_is_in_the_english_catalogue_with_its_values():
    places = [one for path in trees() for one in said_in(path)] + [one for page in PAGES for one in said_on(page)]
    wrong = []
    for one in places:
        texts = [template(key, ENGLISH) for key in one.keys]
        asked = {name for text in texts for name, _ in placeholders(text or "")}
        if None in texts:
            wrong.append(f"{one.place}: no sentence {one.keys}")
        elif one.given != asked:
            wrong.append(f"{one.place}: {one.keys} asks for {sorted(asked)}, given {sorted(one.given)}")
    assert not wrong, "\n".join(wrong)


def test_every_key_in_a_table_of_the_source_is_in_the_english_catalogue():
    """Also one that is chosen at run time: whatever looks like a key, in a module that says something."""
    unknown = [
        f"{path.relative_to(ROOT)}:{node.lineno}: {node.value}"
        for path, tree in trees().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        if KEY.fullmatch(node.value) and not node.value.endswith(FILES) and template(node.value, ENGLISH) is None
    ]
    assert not unknown, "\n".join(unknown)


def test_every_english_sentence_is_said_somewhere():
    """Its key stands in the source or on a page, or it is that of a name that is looked up: ``named`` and its like."""
    everything = "\n".join([*sources().values(), *(page.read_text(encoding="utf-8") for page in PAGES)])
    keys = {*KEY.findall(everything)} | AT_RUN_TIME
    unused = [
        f"{room}.{name}"
        for room in ROOMS
        for name, text in catalogue(ENGLISH, room).items()
        if f"{room}.{name}" not in keys
        and not (isinstance(named(room, text), Text) and (text in rule_titles() or f'"{text}' in everything))
    ]
    assert not unused, "\n".join(unused)


@pytest.mark.parametrize("title", sorted(rule_titles()))
def test_a_rule_of_a_standard_has_its_title_in_every_language(title: str):
    """The files of standards are read with the English titles; the catalogues hold them once more by name."""
    assert isinstance(named("rules", title), Text)
