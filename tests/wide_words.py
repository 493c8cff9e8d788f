"""A language whose words are those of English in full-width letters, so that what is not in it can be seen."""

import base64
import json
import re
import string
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from fnmatch import fnmatchcase
from html import unescape
from pathlib import Path
from typing import Any

from inspect_tool.languages import Text, catalogue

_WIDE = str.maketrans({letter: chr(ord(letter) - 0x21 + 0xFF01) for letter in string.ascii_letters})


@contextmanager
def wide_language(folder: Path, monkeypatch: Any) -> Iterator[str]:
    """Put the wide catalogues in the place of the German ones, and give the code of that language."""
    for path in (Path(catalogue.__file__).parent / "en").glob("*.toml"):
        sentences = tomllib.loads(path.read_text(encoding="utf-8"))
        for language, change in (("en", str), ("de", _widened)):
            (folder / language).mkdir(exist_ok=True)
            lines = [f"{name} = {json.dumps(change(found), ensure_ascii=False)}\n" for name, found in sentences.items()]
            (folder / language / path.name).write_text("".join(lines), encoding="utf-8")
    monkeypatch.setattr(catalogue, "_FOLDER", folder)
    kept = (catalogue.catalogue, catalogue.template)
    for one in kept:
        one.cache_clear()
    yield "de"
    for one in kept:
        one.cache_clear()


def _widened(template: str) -> str:
    parts = []
    for before, name, form, _ in string.Formatter().parse(template):
        forms = form.translate(_WIDE) if form and "|" in form else form
        parts += [before.translate(_WIDE), "" if name is None else f"{{{name}:{forms}}}" if forms else f"{{{name}}}"]
    return "".join(parts)


def words_of(html: str) -> set[str]:
    """Words of a page, of what is read aloud and of its drawings, in letters of English."""
    html = re.sub(r"<(style|script)\b.*?</\1>|\b[0-9a-fA-F]{8}\b", " ", html, flags=re.DOTALL)  # and no hashes
    shown = re.findall(r">([^<]+)<", html) + re.findall(r'(?:alt|aria-label|placeholder)="([^"]*)"', html)
    return words_in(unescape(" ".join(shown)))


def drawn_in(html: str) -> str:
    """The drawings of a page, as they are."""
    pictures = re.findall(r"data:image/svg\+xml;base64,([A-Za-z0-9+/=]+)", html)
    return " ".join(
        re.sub(r"<\?xml.*</metadata>", "", base64.b64decode(one).decode(), flags=re.DOTALL) for one in pictures
    )


def words_in(text: str) -> set[str]:
    """Words of a text in letters of English, in small letters."""
    return set(re.findall(r"[a-z]{3,}", text.lower()))


def names_in(value: Any) -> set[str]:
    """Words of all texts in a value that are no sentences: names, settings, files, what a person wrote."""
    if isinstance(value, Text):
        return names_in(tuple(value.values.values()))
    if isinstance(value, str):
        return words_in(value.replace("_", " "))
    if is_dataclass(value):
        return names_in(tuple(getattr(value, item.name) for item in fields(value)))
    if isinstance(value, Mapping):
        return names_in((*map(str, value), *value.values()))
    if isinstance(value, list | tuple):
        return set().union(*map(names_in, value))
    return set()


def texts_of(value: Any, place: str = "") -> Iterator[tuple[str, str]]:
    """Texts in a value that are no sentences, each with its place.

    It is a JSON pointer without the numbers of lists, and with ``#`` for the names in a mapping. What a sentence holds
    has the key of the sentence and the name of the value, ``scale.um_per_pixel:source``.
    """
    if isinstance(value, Text):
        for name, item in value.values.items():
            yield from texts_of(item, f"{value.key}:{name}")
    elif isinstance(value, str):
        yield place, value
    elif is_dataclass(value):
        for item in fields(value):
            yield from texts_of(getattr(value, item.name), f"{place}/{item.name}")
    elif isinstance(value, Mapping):
        for name, item in value.items():
            yield f"{place}/#", str(name)
            yield from texts_of(item, f"{place}/{name}")
    elif isinstance(value, list | tuple):
        for item in value:
            yield from texts_of(item, place)


NAMES = {"inspect", "tool", "python", "utc", "sha", "astm", "imagej", "scikit", "convex", "true", "false"}
"""Of this program and others, standards, a symbol of a formula, a setting."""

NAMED = (
    # what the job says: what it inspects, with what settings, by whose calibration; names of its files
    *("/header/*", "/title", "/job", "/recipe", "/attachments/*", "*/file", "*/image", "*/source", "*/certificate"),
    *("/provenance/*", "/conformities/requirement/*", "/micrographs/picture", "/micrographs/overlay", "/template"),
    # what a program calls itself, its settings, its methods and a format
    *("/schema", "/standard/name", "/standard/unverified", "/results/quantity", "/checks/quantities"),
    *("/editions/values/name", "/editions/values/key"),
    *("*/columns", "/conformities/quantity", "/micrographs/meta/format", "/micrographs/meta/compression"),
    *("/micrographs/segmentation/backend", "/micrographs/segmentation/settings/#"),
    *(
        f"/micrographs/segmentation/settings/{part}/*" for part in ("objects", "proposals", "refine")
    ),  # of one in another
    # of those that are words: names of methods, of a network by its card, and of what somebody else measured errors on
    *(
        f"/micrographs/segmentation/settings/{name}"
        for name in ("model", "model_title", "licence", "method_taken", "polarity", "layout", "joints", "voids")
    ),
    # what a study is of: its files, jobs, settings, machine and networks
    *("/files/name", "/candidates/*", "*/other", "*/quantity", "/variations/name", "/installation/*", "/golden/*"),
    *("*/recipe", "/judged/rule", "/recipes/settings/*", "/quantities/*", "/worked/standard"),
    *("selftest.model_version:model", "selftest.no_result:quantities"),
    *("*:image", "*:backend", "*:source", "*:certificate", "*:quantity"),
    *(
        f"validation.{sentence}:{value}"
        for sentence in ("basis_labeled_images", "segmentation_error_source", "segmentation_error_text")
        for value in ("name", "person", "licence")
    ),
)
"""Places of texts that stay as they are in every language."""


def left_of(page: str, value: Any) -> set[str]:
    """Words of a page, and of its drawings, that are neither of its language nor, by their place in what it shows, a
    name."""
    names = (text for place, text in texts_of(value) if any(fnmatchcase(place, pattern) for pattern in NAMED))
    return words_of(page + drawn_in(page)) - words_in(" ".join(names).replace("_", " ")) - NAMES
