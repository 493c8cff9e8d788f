"""A test that lacks something of the system is not run and counted; a failure that lacks nothing stays one."""

from types import SimpleNamespace

import needs
import pytest


@pytest.fixture
def without_pango(monkeypatch):
    monkeypatch.setattr(needs, "is_there", lambda need: need != "Pango")


def failed(said):
    return SimpleNamespace(outcome="failed", longreprtext=said, longrepr=said, nodeid="a.py::test_b", when="call")


@pytest.mark.parametrize(
    ("said", "tries"),
    [("OutputError: WeasyPrint needs the Pango library, which cannot be loaded", []), ("assert 2 == 0", [needs.PDF])],
)
def test_a_test_that_came_to_print_without_pango_counts_as_not_run(without_pango, said, tries):
    report = needs.not_run(failed(said), tries)
    assert report.outcome == "skipped"
    assert needs.counted([report, report]) == ["2 tests not run: Pango is missing"]


def test_a_failure_that_has_nothing_to_do_with_it_stays_one(without_pango):
    assert needs.not_run(failed("assert 2 == 0"), []).outcome == "failed"


def test_where_pango_is_there_every_failure_stays_one(monkeypatch):
    monkeypatch.setattr(needs, "is_there", lambda _: True)
    assert needs.not_run(failed("needs the Pango library"), [needs.PDF]).outcome == "failed"


def test_reasons_are_counted_apart_and_files_are_told_from_tests():
    def skipped(reason, when="call"):
        return SimpleNamespace(longrepr=("a.py", 1, f"Skipped: {reason}"), when=when)

    reports = [skipped("strace is missing"), skipped("Chromium is missing"), skipped("no torch", "collect")]
    assert needs.counted([*reports, reports[1]]) == [
        "1 test not run: strace is missing",
        "2 tests not run: Chromium is missing",
        "1 file of tests not run: no torch",
    ]


def test_printing_a_pdf_is_noticed():
    tries = []
    finder = needs.recorder(tries)
    assert finder.find_spec("inspect_tool.report.exporters.html", None) is None
    assert tries == []
    finder.find_spec(needs.PDF, None, None)
    assert tries == [needs.PDF]
