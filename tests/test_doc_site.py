"""The pages of docs/, and those made of the code: complete, in the navigation, with links that lead somewhere."""

import hashlib
import json
import os
import re
import tomllib
from dataclasses import fields
from itertools import pairwise
from pathlib import Path

import pytest
import typer
from doc_site import navigation, site, written
from markdown_it import MarkdownIt

import inspect_tool
from inspect_tool import registry
from inspect_tool.cli import app
from inspect_tool.model import Calibration, Header, Job, Region, Requirement, Specimen
from inspect_tool.standards import editions

ROOT = Path(__file__).resolve().parent.parent
WRITTEN = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "standards" / "README.md"]
WRITTEN += sorted(path for path in (ROOT / "docs").rglob("*.md") if "_site" not in path.parts)


@pytest.fixture(scope="module")
def pages():
    return site.pages()


def anchors(text):
    """Anchors of the headings of a page, as GitHub makes them of their words."""
    text = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    found = set()
    for words in re.findall(r"^#+ (.+)$", text, flags=re.MULTILINE):
        words = re.sub(r"<[^>]+>|`", "", re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", words)).replace("&#95;", "_")
        slug = re.sub(r"[^\w\- ]", "", words.strip().lower()).replace(" ", "-")
        found.add(next(one for one in (slug, *(f"{slug}-{i}" for i in range(1, 99))) if one not in found))
    return found


def dead(text, texts, at, there):
    """Links of a page that lead nowhere.

    ``texts`` gives the text of a page by its place, None where it is no page; ``there``: whether a place holds a file.
    """
    for link in written.links(text):
        target, _, anchor = link.partition("#")
        if link.startswith(("http:", "https:", "mailto:")):
            continue
        place = at if not target else (at.parent / target)
        page = texts(place)
        if page is None and not there(place):
            yield f"{at}: {link}"
        elif anchor and (page is None or anchor not in anchors(page)):
            yield f"{at}: {link}: there is no such heading"


def test_every_link_of_a_written_page_leads_to_a_file_and_a_heading_of_it():
    def text_of(path):
        return path.read_text("utf-8") if path.suffix == ".md" and path.is_file() else None

    found = [link for path in WRITTEN for link in dead(path.read_text("utf-8"), text_of, path, Path.exists)]
    assert found == []


def test_every_link_of_the_site_leads_to_a_page_or_a_file_of_it(pages, tmp_path):
    site.stage(pages, tmp_path)

    def text_of(path):
        return pages.get(Path(os.path.relpath(path, tmp_path)).as_posix())

    found = [link for name, text in pages.items() for link in dead(text, text_of, tmp_path / name, Path.exists)]
    assert found == []


def test_a_dead_link_is_told(tmp_path):
    page = tmp_path / "one.md"
    page.write_text("# One\n\n[a](two.md) [b](one.md#one) [c](#two) `[d](three.md)`\n\n```\n[e](four.md)\n```\n")
    found = list(dead(page.read_text(), lambda path: path.read_text() if path.is_file() else None, page, Path.exists))
    assert found == [f"{page}: two.md", f"{page}: #two: there is no such heading"]


def test_every_table_is_one():
    found = []
    for path in WRITTEN:
        text = path.read_text("utf-8")
        lines, tokens = text.split("\n"), MarkdownIt("commonmark").enable("table").parse(text)
        for opened, token in pairwise(tokens):
            if opened.type == "paragraph_open" and re.search(r"^\|", token.content, flags=re.MULTILINE):
                found.append(f"{path.name}:{token.map[0] + 1}: begins with a bar and stands in no table")
            if token.type == "table_open":
                cells = [
                    len(re.findall(r"(?<!\\)\|", row)) for row in lines[token.map[0] : token.map[1]] if row.strip()
                ]
                found += [f"{path.name}:{token.map[0] + 1}: rows of several widths"] if len(set(cells)) > 1 else []
    assert found == []


def test_every_command_that_a_page_shows_exists_with_its_options():
    program = typer.main.get_command(app)
    seen, found = 0, []
    for path in WRITTEN:
        text = path.read_text("utf-8")
        blocks = re.findall(r"^```(?:console|sh|text)?\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE)
        inline = re.findall(r"`([^`]+)`", re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE))
        shown = "\n".join([*blocks, *inline]).replace("\\\n", " ")
        for typed in re.findall(r"inspect-tool((?: [^\n;|#(]*)?)", shown):
            words = re.sub(r"'[^']*'|\"[^\"]*\"", "TEXT", typed).replace("[", " ").replace("]", " ").split()
            command, parts = program, list(words)
            while parts and parts[0] in getattr(command, "commands", {}):
                command = command.commands[parts.pop(0)]
            known = {"--help", "--version"}
            for one in (command, next(iter(getattr(command, "commands", {"": command}).values()))):
                known |= {option for parameter in one.params for option in (*parameter.opts, *parameter.secondary_opts)}
            unknown = [part for part in parts if part.startswith("--") and part.split("=")[0] not in known]
            if unknown or (command is program and parts and parts[0].islower() and parts[0].isalpha()):
                found.append(f"{path.name}: inspect-tool{typed}")
            seen += 1
    assert found == []
    assert seen > 150


def test_every_page_stands_in_the_navigation_once(pages):
    listed = list(navigation.pages_of(navigation.entries(pages)))
    assert sorted(listed) == sorted(pages)
    for path in WRITTEN[1:]:
        assert written.on_site(path.relative_to(ROOT).as_posix()) in listed


def test_a_page_that_stands_nowhere_is_told(pages):
    with pytest.raises(ValueError, match=r"each page stands there once, but not forgotten\.md"):
        navigation.entries({**pages, "forgotten.md": "# Forgotten\n"})


@pytest.mark.parametrize("kind", ["recipe", "backend"])
def test_every_setting_is_in_the_reference(pages, kind):
    for name in registry.names(kind):
        page = plain(pages[f"reference/{kind}s/{name}.md"])
        for item in fields(registry.load(kind, name).Settings):
            assert f"| <code>{item.name}</code> |" in page, (name, item.name)


def test_every_key_of_a_job_every_quantity_and_every_command_is_in_the_reference(pages):
    job, commands, quantities = (plain(pages[f"reference/{name}.md"]) for name in ("job", "commands", "quantities"))
    for kind in (Job, Header, Calibration, Region, Requirement, Specimen):
        assert [item.name for item in fields(kind) if f"| <code>{item.name}</code> |" not in job] == []
    for recipe in registry.names("recipe"):
        for name in registry.load("recipe", recipe).QUANTITIES:
            assert f"<code>{name}</code>" in quantities
    for name, command in typer.main.get_command(app).commands.items():
        for whole in [f"{name} {part}" for part in getattr(command, "commands", {})] or [name]:
            assert f"## <code>inspect-tool {whole}" in commands
    assert "Exit status: 0 every requirement passed or none was set" in commands


def test_a_setting_is_told_with_its_range_its_default_and_its_unit(pages):
    page = plain(pages["reference/recipes/porosity.md"])
    (line,) = re.findall(r"^\| <code>minimum_px2</code> .*$", page, flags=re.MULTILINE)
    assert line.startswith("| <code>minimum_px2</code> | whole number > 0 | <code>9</code> | smaller dark spots")
    assert line.endswith("[px2] |")


def test_every_number_of_every_edition_is_in_the_reference(pages):
    for name in editions.names():
        standard, page = editions.load_standard(name), plain(pages[f"reference/standards/{name}.md"])
        for key, constant in standard.values.items():
            assert f"| <code>{key}</code> | {constant.value:g} | {constant.unit} |" in page
        assert [key for key in standard.rules if f"| <code>{key}</code> |" not in page] == []
        assert standard.sha256 in page


def test_every_name_of_the_package_and_every_key_of_a_report_is_in_the_reference(pages):
    python, report = plain(pages["reference/python.md"]), plain(pages["reference/report_json.md"])
    assert [
        name for name in inspect_tool.__all__ if name != "__version__" and f"## <code>{name}</code>" not in python
    ] == []
    schema = json.loads((ROOT / "docs" / "report.schema.json").read_text("utf-8"))
    for part in (schema, *schema["$defs"].values()):
        for key in part.get("properties", {}):
            assert f"| <code>{key}</code> |" in report
    measure = plain(pages["reference/rooms/measure.md"])
    assert "## <code>inspect_tool.measure.intercepts</code>" in measure
    assert "| <code>triple_weight</code> | <code>float</code> | What a triple point counts" in measure
    assert "(2.0, 2.0)" in measure  # its example


def test_what_the_site_takes_from_others_is_as_it_was_published():
    vendor = ROOT / "docs" / "_site" / "vendor"
    (library,) = tomllib.loads((vendor / "vendor.toml").read_text())["library"]
    (file,) = library["files"]
    assert hashlib.sha256((vendor / file["name"]).read_bytes()).hexdigest() == file["sha256"]
    assert {path.name for path in vendor.iterdir()} == {"vendor.toml", file["name"], library["license_file"]}


def plain(page):
    """A page without the signs that keep Markdown from reading more into a name than it is."""
    for sign in "*_`[]|\\~^":
        if sign != "|":
            page = page.replace(f"&#{ord(sign)};", sign)
    return page.replace("&gt;", ">").replace("&lt;", "<")
