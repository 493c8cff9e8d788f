"""What the commands lab search, show, export and lot print, and how they end."""

import json

import pytest
from lab_example import filled, put, result
from sqlalchemy import update
from typer.testing import CliRunner

from inspect_tool.cli import app
from inspect_tool.errors import SettingsError
from inspect_tool.lab import tables
from inspect_tool.lab.database import connected


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    return filled(tmp_path_factory.mktemp("lab") / "lab")


@pytest.fixture
def said(lab, monkeypatch):
    """Run a command of this lab: its exit status and what it prints."""
    monkeypatch.setenv("INSPECT_TOOL_LAB", str(lab.folder))

    def run(*arguments):
        done = CliRunner().invoke(app, ["lab", *arguments])
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return done.exit_code, done.output

    return run


def test_a_search_is_a_table_with_the_newest_report_first(said):
    status, text = said("search", "heat:730218")
    assert status == 0
    lines = [line for line in text.splitlines() if "IT-" in line]
    assert [line.split("│")[2].strip() for line in lines] == ["IT-aaaa02", "IT-aaaa01"]
    assert "grain_size_number 7.93\xa0±\xa00.21" in lines[1]
    assert "lot" not in text.splitlines()[1]  # no report has one
    assert text.splitlines()[-1] == "2 reports"
    assert len({len(line) for line in text.splitlines()[:-1]}) == 1  # aligned


def test_terms_may_be_parted_by_the_shell_and_begin_with_a_minus(said):
    for arguments in (
        ("heat:730218 -verdict:fail",),
        ("-verdict:fail", "heat:730218"),
        ("--limit", "5", "-verdict:fail", "-zzz", "heat:730218"),
    ):
        status, text = said("search", *arguments)
        assert status == 0
        assert [word for word in ("IT-aaaa01", "IT-aaaa02") if word in text] == ["IT-aaaa01"]


def test_a_limit_is_told(said):
    _, text = said("search", "-n", "2")
    assert text.splitlines()[-1] == "6 reports, the newest 2 shown (--limit 0: all)"
    _, text = said("search", "-n", "0")
    assert text.splitlines()[-1] == "6 reports"


def test_nothing_found_says_what_would_be(said):
    assert said("search", "heat:7302") == (0, "no report found; heat:*7302* finds 2\n")


def test_a_search_for_a_program_is_json(said):
    _, text = said("search", "--json", "heat:730218 -verdict:fail")
    found = json.loads(text)
    assert found["total"] == 1
    (report,) = found["reports"]
    assert (report["report"], report["day"], report["order"]) == ("IT-aaaa01", "2026-09-30", "PO 1")
    assert report["results"][0]["value"] == 7.93


def test_a_slip_is_an_error(said):
    with pytest.raises(SettingsError, match="there is no field 'haet'"):
        said("search", "haet:730218")


def test_a_report_whose_file_is_gone_is_shown_and_ends_with_3(said):
    status, text = said("show", "IT-aaaa01")
    assert status == 3
    assert text.startswith("IT-aaaa01: Grain size: pass\n")
    for part in ("customer        Meier, Sohn & Co", "7.72\xa0…\xa08.14", "≥ 7", "weights         04f2", "field_1.tif"):
        assert part in text
    assert f"job_aaaa01: IS NOT THERE ANY MORE\n  SHA-256 aaaa01{'0' * 58}\n" in text
    status, text = said("show", "IT-aaaa01", "--json")
    assert (status, json.loads(text)["state"]) == (3, "missing")


def test_what_a_report_says_is_no_command_of_the_terminal(lab, said):
    with connected(lab) as connection:
        evil = "\x1b[31mred\x1b]0;title\x07 [bold]b[/]"
        row = tables.report.c.uid.like("aaaa06%")
        connection.execute(update(tables.report).where(row).values(customer=evil, title=evil))
    for arguments in (("search", "uid:aaaa06*"), ("show", "aaaa06")):
        _, text = said(*arguments)
        assert "\x1b" not in text
        assert "[bold]b[/]" in text


def test_an_export_says_what_it_wrote(said, tmp_path):
    out = tmp_path / "results.csv"
    assert said("export", "-verdict:fail", "heat:730218", "--out", str(out)) == (0, f"{out}: 2 results\n")
    assert len(out.read_text(encoding="utf-8").splitlines()) == 3


def test_a_lot_from_its_first_line_to_its_verdict(lab, said):
    plan = ("--size", "280", "--n", "2", "--ac", "0", "--standard", "ISO 2859-1", "--source", "QA-118")
    status, text = said("lot", "new", "2611-05", *plan, "--part", "CB-9")
    assert status == 0
    numbers = 'standard = "ISO 2859-1"\nn = 2\nac = 0\nre = 1\nsource = "QA-118"\n'
    assert text.endswith(f'\n\n[lot]\nid = "2611-05"\nsize = 280\n\n[lot.plan]\n{numbers}')
    of_lot = {"lot": "2611-05", "part": "CB-9", "recipe": "porosity"}
    for uid, specimen, status, words in (
        ("cccc01", "S1", 4, "1 of 2 specimens measured, not decided"),
        ("cccc02", "S2", 0, "2 of 2 specimens measured, accepted"),
    ):
        with connected(lab) as connection:
            put(connection, uid, result("porosity_percent", 1.0, specimen=specimen, verdict="pass"), **of_lot)
        found, text = said("lot", "show", "2611-05")
        assert (found, text.splitlines()[0]) == (status, f"lot 2611-05: {words}")
    assert "plan            ISO 2859-1: n = 2, Ac = 0, Re = 1" in text
    with connected(lab) as connection:
        connection.execute(update(tables.result).where(tables.result.c.specimen == "S2").values(verdict="fail"))
    status, text = said("lot", "show", "2611-05", "--json")
    assert (status, json.loads(text)["decision"]) == (3, "rejected")
    status, text = said("lot", "list")
    assert status == 0
    assert [cell.strip() for cell in text.splitlines()[3].split("│")[1:-1]] == [
        *("2611-05", "CB-9", "280", "2 of 2 specimens measured", "1", "rejected", "2026-10-05"),
    ]
