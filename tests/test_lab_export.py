"""Results of a lab as a table: what is in it, and that a spreadsheet runs nothing of it."""

import csv
import sys
from datetime import UTC, date, datetime

import openpyxl
import pytest
from lab_example import filled, put, result

from inspect_tool.errors import OutputError, SettingsError
from inspect_tool.lab.database import connected
from inspect_tool.lab.export import COLUMNS, export
from inspect_tool.lab.query import parse

FORMULA = '=HYPERLINK("http://x")'
NAMES = [name for name, _, _ in COLUMNS]


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    made = filled(tmp_path_factory.mktemp("lab") / "lab")
    with connected(made) as connection:
        put(connection, "bbbb01", result("pores", 3, specimen="@1"), customer=FORMULA, heat="+7", day="2026-12-24")
    return made


def written(lab, out, query=""):
    with connected(lab, read_only=True) as connection:
        return export(connection, parse(query), out)


def read_csv(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_row_is_a_result_with_all_that_tells_its_report(lab, tmp_path):
    out = tmp_path / "results.csv"
    assert written(lab, out, "heat:730218") == 4
    rows = read_csv(out)
    assert list(rows[0]) == NAMES
    assert [(row["report"], row["specimen"], row["quantity"], row["value"]) for row in rows] == [
        ("IT-aaaa02", "A", "grain_size_number", "6.2"),  # the newest report first, its results in their order
        ("IT-aaaa02", "B", "grain_size_number", "9.1"),
        ("IT-aaaa01", "A", "grain_size_number", "7.93"),
        ("IT-aaaa01", "A", "mean_intercept_um", "20.5"),
    ]
    last = rows[2]
    assert (last["expanded_u"], last["u"], last["lower"], last["upper"], last["n"]) == ("0.21", "0.105", "7.0", "", "5")
    assert (last["verdict"], last["report_verdict"], last["weights"]) == ("pass", "pass", "04f2")
    assert (last["day"], last["started"]) == ("2026-09-30", "2026-09-30T09:30:00Z")
    assert last["customer"] == "Meier, Sohn & Co"


def test_both_databases_give_the_same_table(tmp_path, database_url):
    made = filled(tmp_path / "lab", database_url)
    assert written(made, tmp_path / "results.csv", "since:2026-10 -superseded:yes") == 4
    found = [(row["report"], row["value"], row["main"], row["started"]) for row in read_csv(tmp_path / "results.csv")]
    assert found == [
        ("IT-aaaa05", "0.0", "true", "2026-11-02T09:30:00Z"),
        ("IT-aaaa03", "1.5", "true", "2026-10-31T09:30:00Z"),
        ("IT-aaaa02", "6.2", "true", "2026-10-01T09:30:00Z"),
        ("IT-aaaa02", "9.1", "true", "2026-10-01T09:30:00Z"),
    ]


def test_what_was_asked_for_and_not_found_is_an_empty_value(lab, tmp_path):
    written(lab, tmp_path / "results.csv", "superseded:yes")
    (row,) = read_csv(tmp_path / "results.csv")
    assert (row["value"], row["verdict"], row["superseded_by"][:6]) == ("", "not stated", "aaaa05")


def test_a_query_with_a_result_gives_the_whole_report(lab, tmp_path):
    # the table of results is in the statement twice: to choose reports, and to list
    assert written(lab, tmp_path / "results.csv", "grain_size_number<7 specimen:b quantity:grain*") == 2


def test_no_cell_of_a_spreadsheet_is_a_formula(lab, tmp_path):
    for name in ("results.csv", "results.xlsx"):
        written(lab, tmp_path / name, "quantity:pores")
    (row,) = read_csv(tmp_path / "results.csv")
    assert (row["customer"], row["heat"], row["specimen"]) == (f"'{FORMULA}", "'+7", "'@1")
    head, cells = openpyxl.load_workbook(tmp_path / "results.xlsx")["results"].iter_rows()
    found = {name.value: cell for name, cell in zip(head, cells, strict=True)}
    assert list(found) == NAMES
    assert found["customer"].value == FORMULA
    assert {cell.data_type for cell in cells} <= {"s", "n", "b", "inlineStr"}
    assert (found["value"].value, found["day"].value) == (3, "2026-12-24")


def test_parquet_keeps_texts_days_and_numbers_as_they_are(lab, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    assert written(lab, tmp_path / "all.parquet") == 8
    table = parquet.read_table(tmp_path / "all.parquet")
    assert table.column_names == NAMES
    first, *_, last = table.to_pylist()
    assert (first["customer"], first["day"], first["value"]) == (FORMULA, date(2026, 12, 24), 3.0)
    assert first["started"] == datetime(2026, 12, 24, 9, 30, tzinfo=UTC)
    assert (last["quantity"], last["main"], last["lower"], last["conforming"]) == (
        "mean_intercept_um",
        False,
        None,
        None,
    )
    assert str(table.schema.field("n").type) == "int64"


def test_without_the_extra_there_is_one_line_and_no_file(lab, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(SettingsError, match=r"needs the extra 'parquet': pip install 'inspect_tool\[parquet\]'"):
        written(lab, tmp_path / "all.parquet")
    assert list(tmp_path.iterdir()) == []


def test_nothing_found_is_a_table_without_rows(lab, tmp_path):
    for name in ("a.csv", "a.xlsx"):
        assert written(lab, tmp_path / name, "heat:none") == 0
    assert (tmp_path / "a.csv").read_text(encoding="utf-8").strip() == ",".join(NAMES)


@pytest.mark.parametrize("name", ["results.ods", "results"])
def test_another_ending_is_refused(lab, tmp_path, name):
    with pytest.raises(SettingsError, match=r"end the name with \.csv, \.xlsx or \.parquet"):
        written(lab, tmp_path / name)


def test_a_file_is_whole_or_not_there(lab, tmp_path, monkeypatch):
    out = tmp_path / "results.csv"
    out.write_text("of somebody")
    with pytest.raises(OutputError, match="exists already and is left as it is"):
        written(lab, out)
    assert out.read_text() == "of somebody"
    with pytest.raises(OutputError, match="there is no folder"):
        written(lab, tmp_path / "no" / "results.csv")

    def full(_file, _columns, rows):
        next(iter(rows))
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("inspect_tool.report.exporters.csv.write_rows", full)
    with pytest.raises(OutputError, match=r"other.csv: cannot be written: No space left"):
        written(lab, tmp_path / "other.csv")
    assert list(tmp_path.iterdir()) == [out]


def test_more_rows_than_a_worksheet_holds_are_refused(lab, tmp_path, monkeypatch):
    monkeypatch.setattr("inspect_tool.lab.export._MOST_XLSX", 7)
    with pytest.raises(SettingsError, match=r"holds 7 rows and 8 were found; ask for fewer, or write \.csv"):
        written(lab, tmp_path / "all.xlsx")
    assert list(tmp_path.iterdir()) == []
