"""What every registered exporter must do."""

import inspect

import pytest
from report_example import example

from inspect_tool import files, registry
from inspect_tool.paths import data_folder

TEMPLATE = data_folder("templates") / "inspection"


LIBRARIES = {"docx": ("python-docx", "pypdfium2"), "png": ("pypdfium2",)}
NAMES = [pytest.param(name, marks=pytest.mark.needs(*LIBRARIES.get(name, ()))) for name in registry.names("exporter")]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return example(tmp_path_factory.mktemp("report"), fields=1, features=8, size=160, grains=12)


@pytest.mark.parametrize("name", NAMES)
def test_exporter_writes_one_whole_file_into_the_folder(made, name):
    exporter = registry.load("exporter", name)
    assert tuple(inspect.signature(exporter.write).parameters) == ("report", "folder", "template")
    before = files.dump_report(made.report)
    path = exporter.write(made.report, made.folder, TEMPLATE)
    assert path.is_relative_to(made.folder)
    assert path.suffix == exporter.SUFFIX
    assert path.stat().st_size > 0
    assert not list(made.folder.rglob("*.partial"))
    assert files.dump_report(made.report) == before
    assert exporter.write(made.report, made.folder, TEMPLATE) == path  # over an older one


@pytest.mark.parametrize("name", NAMES)
def test_exporter_shows_the_numbers_of_the_report_that_it_reads_back(made, name, tmp_path):
    (tmp_path / "report.json").write_text(files.dump_report(made.report), encoding="utf-8")
    again = files.load_report(tmp_path / "report.json")
    assert registry.load("exporter", name).write(again, made.folder, TEMPLATE).is_file()
