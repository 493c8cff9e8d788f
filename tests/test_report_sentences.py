"""report.json says which sentence each of its texts is, so that no program and no verification depends on wording."""

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path
from shutil import copytree
from zipfile import ZipFile

import numpy as np
import pytest
import tomli_w
from PIL import Image

import inspect_tool
from inspect_tool import languages
from inspect_tool.files import dump_report, load_report
from inspect_tool.inspection import job_run
from inspect_tool.languages import Text, as_data
from inspect_tool.report.build import report_digest
from inspect_tool.verify import verify
from inspect_tool.verify.differences import differences

OLD = Path(__file__).parent / "reports" / "report_of_schema_1.zip"  # phase fraction of two fields, without its pages
JOB = """
recipe = "phase_fraction"
images = ["field_*.png"]
[calibration]
pixel_um = 0.5
u_rel = 0.004
source = "stage micrometer"
[backend]
name = "threshold"
[[requirements]]
quantity = "area_percent.dark"
upper = 40.0
rule = "guarded"
"""
REWORDED = """
import sys
from pathlib import Path
from inspect_tool.languages import catalogue
catalogue._FOLDER = Path(sys.argv[1])  # before anything puts a sentence into words
from inspect_tool.verify.verify import verify
found = verify(sys.argv[2])
print(found.verified)
for one in found.findings:
    print(f"{one.part}: {one.state}: {one.text}")
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sentences")
    rng = np.random.default_rng(5)
    for number in (1, 2):
        pixels = np.full((90, 120), 200.0)
        for _ in range(4):
            row, column = rng.integers(8, 65), rng.integers(8, 95)
            pixels[row : row + 15, column : column + 14] = 70
        pixels += rng.normal(0, 4, pixels.shape)
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(folder / f"field_{number}.png")
    (folder / "job.toml").write_text(JOB, encoding="utf-8")
    job_run.run(folder / "job.toml", folder / "reports")
    return folder / "reports" / "job"


@pytest.fixture
def bare(made, tmp_path):
    """A copy of the report without its pages, which a forger or another version could not print alike."""
    copy = copytree(made, tmp_path / "copy")
    for name in ("report.html", "report.pdf"):
        (copy / name).unlink()
    return copy


@pytest.fixture
def old(tmp_path):
    with ZipFile(OLD) as archive:
        archive.extractall(tmp_path / "old")
    return tmp_path / "old"


@pytest.fixture(scope="module")
def other_words(tmp_path_factory):
    """Catalogues of a version that words every sentence otherwise, and keeps the words of schema 1 beside them."""
    folder = tmp_path_factory.mktemp("languages")
    for path in (Path(languages.__file__).parent / "en").glob("*.toml"):
        text = path.read_text(encoding="utf-8")
        first = path.parents[1] / "report_1" / path.name
        old = tomllib.loads(text) | (tomllib.loads(first.read_text(encoding="utf-8")) if first.is_file() else {})
        for name, lines in (("report_1", tomli_w.dumps(old)), ("en", text.replace(' = "', ' = "Said otherwise: '))):
            (folder / name).mkdir(exist_ok=True)
            (folder / name / path.name).write_text(lines, encoding="utf-8")
    return folder


def told_by(other_words, folder):
    """What a version with other words finds: whether it verifies, and the lines of its findings."""
    root = Path(inspect_tool.__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-c", REWORDED, str(other_words), str(folder)],
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    verified, *lines = done.stdout.splitlines()
    return verified == "True", lines


def at(data, pointer):
    """The value at a JSON pointer (RFC 6901)."""
    for step in pointer.split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        data = data[int(name)] if isinstance(data, list) else data[name]
    return data


def test_every_sentence_stands_in_its_words_and_is_named_beside_them(made):
    data = json.loads((made / "report.json").read_text(encoding="utf-8"))
    assert data["schema"] == "inspect_tool/report/2"
    places = [place for sentence in data["sentences"] for place in sentence["at"]]
    assert len(places) == len(set(places)) > 100
    for sentence in data["sentences"]:
        words = languages.of_data(sentence["key"], sentence["values"])
        assert {at(data, place) for place in sentence["at"]} == {str(words)}


def test_what_page_1_and_the_budgets_say_are_sentences(made):
    report = load_report(made / "report.json")
    said = [
        *report.warnings,
        *(item.name for item in report.statements),
        *(item.name for item in report.checks),
        *(table.title for table in report.tables),
        *(item.reason for item in report.conformities),
        *(line.name for result in report.results for line in result.budget),
        *(result.title for result in report.results),
    ]
    assert [text for text in said if not isinstance(text, Text)] == []


def test_a_report_read_back_has_the_same_sentences_and_is_written_alike(made):
    path = made / "report.json"
    report = load_report(path)
    assert dump_report(report) == path.read_text(encoding="utf-8")
    assert report_digest(report) == report.digest


def test_other_words_over_the_same_key_do_not_verify(bare):
    data = json.loads((bare / "report.json").read_text(encoding="utf-8"))
    data["warnings"][0] = "All is well."
    (bare / "report.json").write_text(json.dumps(data), encoding="utf-8")
    found = verify.verify(bare)
    assert not found.verified
    wrong = [item.text for item in found.findings if item.state == "differs"]
    assert any(
        text.startswith("report.json /warnings/0: says 'All is well.', its key and values say") for text in wrong
    )


def test_another_key_or_value_does_not_verify(bare):
    data = json.loads((bare / "report.json").read_text(encoding="utf-8"))
    counted = next(one for one in data["sentences"] if one["key"] == "budget.between_fields")
    counted["key"] = "budget.between_sections"
    for place in counted["at"]:
        at(data, place.rsplit("/", 1)[0])["name"] = "between sections"
    (bare / "report.json").write_text(json.dumps(data), encoding="utf-8")
    wrong = [item.text for item in verify.verify(bare).findings if item.state == "differs" and item.part == "numbers"]
    assert any("'between sections'" in text and "'between fields'" in text for text in wrong)


def test_a_report_that_another_wording_reads_verifies_all_the_same(bare, other_words):
    verified, lines = told_by(other_words, bare)
    assert verified, lines
    assert any(line.startswith("numbers: verified") for line in lines)
    assert any(line.startswith("digest: not checked: wording") for line in lines)


def test_a_report_of_schema_1_verifies(old):
    assert json.loads((old / "report.json").read_text(encoding="utf-8"))["schema"] == "inspect_tool/report/1"
    found = verify.verify(old)
    assert found.verified, [item.text for item in found.findings if item.state == "differs"]


def test_a_report_of_schema_1_verifies_whatever_the_words_of_today(old, other_words):
    verified, lines = told_by(other_words, old)
    assert verified, lines
    assert any(line.startswith("numbers: verified") for line in lines)


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({"key": "words.and", "values": {"a": {"b": 1}}, "at": []}, "a value must be a text, a number"),
        (
            {"key": "words.and", "values": {"a": {"key": "words.and", "values": [1]}}, "at": []},
            "a value must be a text",
        ),
        ({"key": "words.and", "values": {"a": [[[[[[[[[[[[[1]]]]]]]]]]]]]}, "at": []}, "lie deeper than 12"),
        ({"key": "words.and", "values": {}, "at": [1]}, "sentences"),
        ({"key": "words.and", "values": {}, "at": [], "more": 1}, "sentences"),
        ("words.and", "sentences"),
    ],
)
def test_a_sentence_that_is_none_is_one_line(bare, entry, said):
    data = json.loads((bare / "report.json").read_text(encoding="utf-8"))
    data["sentences"].append(entry)
    (bare / "report.json").write_text(json.dumps(data), encoding="utf-8")
    with pytest.raises(inspect_tool.errors.SettingsError, match=said) as caught:
        load_report(bare / "report.json")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("key", "values", "words"),
    [
        ("words.run_on", {}, "words.run_on"),  # which is joined of nothing
        ("words.run_on", {"parts": [1, 2]}, "12"),
        ("validation.basis_method_states", {"stated": 10**400}, "validation.basis_method_states (stated = 1000"),
        ("validation.basis_method_states", {"other": 1}, "validation.basis_method_states (other = 1)"),
    ],
)
def test_a_sentence_with_other_values_than_it_has_is_shown_and_joined_all_the_same(key, values, words):
    made = languages.of_data(key, values)
    assert made.startswith(words)
    assert languages.said(made, "de").startswith(words)
    assert languages.joined("; ", (made, "more")) == f"{made}; more"


def test_a_sentence_with_rows_and_columns_is_compared_as_one():
    here, there = (
        Text("images.place_corner", rows=Text(f"images.place_{one}"), columns=Text("images.place_right"))
        for one in ("top", "bottom")
    )
    assert not list(differences(as_data(here), as_data(here), "note", 0.0))
    assert list(differences(as_data(here), as_data(there), "note", 0.0)) == [
        "note values rows key: report 'images.place_top', recomputed 'images.place_bottom'"
    ]
