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

from inspect_tool import registry
from inspect_tool.languages import ENGLISH, Text, key_of, languages, named, recognized, said
from inspect_tool.languages.catalogue import catalogue, plural, template
from inspect_tool.report.template import Texts
from inspect_tool.standards.editions import load_standard, names_for
from inspect_tool.standards.formulas.shape import FORMULAS
from inspect_tool.verify.findings import PARTS

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "inspect_tool"
FOLDER = SOURCE / "languages"
ROOMS = tuple(sorted(path.stem for path in (FOLDER / ENGLISH).glob("*.toml")))
OTHERS = languages()[1:]

PAGES = tuple(sorted((ROOT / "templates").rglob("*.j2")))

KEY = re.compile(rf"\b(?:{'|'.join(ROOMS)})\.[a-z0-9_]+")
FILES = (".toml", ".json", ".csv", ".html", ".pdf", ".png", ".xlsx", ".docx")

LEFT_OUT = {"page.items_not_stated": {"items"}}
"""Values that a language may do without, because another one says the same."""

STATES = (
    *("pass", "fail", "undecided", "conditional_pass", "conditional_fail", "not_stated", "no_requirement"),
    *("lot_accepted", "lot_rejected", "lot_not_decided"),
)
"""What the verdicts of a report come to for who reads its certificate."""

BY_NAME = {
    *("budget", "clauses", "columns", "counted", "editions", "heads", "notes", "readers", "rules"),
    *("segmentation", "terms", "training"),
}
"""Rooms whose sentences are looked up by a name in the program, in a column or in a standard."""

STATES_NOTES = (
    "banding",
    "confluence",
    "decarburisation",
    "fibres",
    "grain_size",
    "graphite",
    "inclusions",
    "layer_thickness",
    "particles",
    "porosity",
)
"""Recipes whose reports print the notes of their edition."""

AT_RUN_TIME = {
    *("budget.probability_of_joint", "budget.probability_of_void"),  # what a network calls its other segmentations
    *(f"porosity.{name}" for name in FORMULAS),
    *(f"training.{side}_{part}" for side in ("top", "bottom", "left", "right") for part in ("third", "two_thirds")),
    *(f"console.part_{part.lower().replace(' ', '_')}" for part in PARTS),
    *(f"console.{name}" for name in ("verified", "differs", "not_checked", "part", "state", "looked_at")),
    *("heads.n_l_45", "heads.n_l_135"),  # columns of the directions of test lines
    *(f"certificate.{state}_{kept}" for state in STATES for kept in ("kept", "not_kept", "not_told")),
    *(f"page.{name}" for name in Texts.__slots__),  # what a laboratory may word itself in its template
    *(
        f"terms.{name}" for name in ("austenite", "bainite", "martensite", "graphite")
    ),  # usual names of classes of a job
}
"""Put together of parts, or named by the user."""


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
def said_by_standards() -> frozenset[tuple[str, str]]:
    """Words of the files of standards that a page says, each with the room that has them."""
    files = [tomllib.loads(path.read_text(encoding="utf-8")) for path in (ROOT / "standards").rglob("*.toml")]
    rules = [rule for file in files for rule in file.get("rules", ())]
    stating = [name for recipe in STATES_NOTES for name in names_for(registry.load("recipe", recipe))]
    return frozenset(
        {("editions", file["title"]) for file in files}
        | {("editions", file["id"]) for file in files if " " in file["id"] and not file["id"].isupper()}
        | {("notes", note) for name in stating for note in load_standard(name).notes}
        | {("rules", rule["title"]) for rule in rules}
        | {("clauses", rule["clause"].removeprefix("criterion of this toolkit: ")) for rule in rules}
    )


@dataclass(frozen=True)
class Said:
    """A place where a sentence is said: one key, or one of two that are chosen from, and the names of its values."""

    place: str
    keys: tuple[str, ...]
    given: frozenset[str]


def strings_of(path: Path) -> Iterator[str]:
    """Every string of a module that does not stand in an f-string."""
    parts = {id(part) for node in ast.walk(trees()[path]) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(trees()[path]):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in parts:
            yield node.value


def beginnings_of(path: Path) -> Iterator[str]:
    """What keys begin with that are put together in an f-string."""
    for node in ast.walk(trees()[path]):
        if isinstance(node, ast.JoinedStr) and node.values and isinstance(node.values[0], ast.Constant):
            begun = str(node.values[0].value)
            if re.fullmatch(rf"(?:{'|'.join(ROOMS)})\.[a-z0-9_]*", begun):
                yield begun


def begins(begun: str) -> bool:
    room, _, name = begun.partition(".")
    return any(one.startswith(name) for one in catalogue(ENGLISH, room))


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

    english, other = names(ENGLISH), names(language)
    assert other.keys() == english.keys()
    for key, asked in english.items():
        assert other[key] in (asked, asked - LEFT_OUT.get(f"{room}.{key}", set())), key


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
    assert said(Text("evidence.edits_made", count=count, fields=1), "de") == words


def test_german_numbers_have_a_comma_and_formulas_stay():
    told = Text("statistics.basis_between_fields", n=5, s=0.125)
    assert said(told, "de") == "s / √n, 5 Messfelder eines Schliffs, s = 0,125"
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
        f"{path.relative_to(ROOT)}: {text}"
        for path in trees()
        for text in strings_of(path)
        if KEY.fullmatch(text) and not text.endswith(FILES) and template(text, ENGLISH) is None
    ]
    assert not unknown, "\n".join(unknown)


def test_every_key_that_is_put_together_begins_as_a_sentence_does():
    """``f"page.rule_{name}"``: there are sentences that begin so."""
    wrong = {one for path in trees() for one in beginnings_of(path) if not begins(one)}
    assert not wrong


def looked_up(name: str) -> Iterator[str]:
    """Names by which a program, a column or a page asks for a sentence: in the singular too, with the unit left out."""
    stem = re.sub(r"_(per_area|per_length|d\d\d)$", "", name)
    for one in (name, stem):
        yield from (one, one.replace("_", " "), one.removesuffix("s").replace("_", " "))


def test_every_english_sentence_is_said_somewhere():
    """Its key stands in the source or on a page, or begins as one that is put together, or is that of a known name."""
    shipped = [path.read_text(encoding="utf-8") for path in (*PAGES, *(SOURCE / "models").rglob("*.toml"))]
    everything = "\n".join([*sources().values(), *shipped, *(words for _, words in said_by_standards())])
    keys = {*KEY.findall(everything)}
    keys |= {key_of(words, room) for room, words in said_by_standards()}  # known by their letters
    begun = tuple(one for path in trees() for one in beginnings_of(path) if not one.endswith("."))
    unused = [
        f"{room}.{name}"
        for room in ROOMS
        for name, text in catalogue(ENGLISH, room).items()
        if f"{room}.{name}" not in keys | AT_RUN_TIME
        and not f"{room}.{name}".startswith(begun)
        and not (room in BY_NAME and any(one in everything for one in (text, *looked_up(name))))
    ]
    assert not unused, "\n".join(unused)


@pytest.mark.parametrize(("room", "words"), sorted(said_by_standards()))
def test_what_a_file_of_a_standard_says_has_its_words_in_every_language(room: str, words: str):
    """The files of standards are read with the English words; the catalogues hold them once more by name."""
    known = named(room, words) if room == "rules" else recognized(room, words)  # as the program asks for them
    assert isinstance(known, Text)
