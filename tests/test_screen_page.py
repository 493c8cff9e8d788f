"""What the page on the screen holds, within its budget, and the data that its script reads."""

import json
from dataclasses import replace

import pytest
from report_example import example
from screen_data import unpacked

from inspect_tool.acceptance.conformity import decide
from inspect_tool.errors import SettingsError
from inspect_tool.model import Requirement, Table
from inspect_tool.paths import data_folder
from inspect_tool.report import render, screen, text
from inspect_tool.report.exporters import html
from inspect_tool.report.selection import worst_fields
from inspect_tool.report.template import load_settings
from inspect_tool.verify import pages

SHIPPED = data_folder("templates") / "inspection"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return example(tmp_path_factory.mktemp("report"), fields=5, features=60, size=160, grains=12)


def data_of(report, shown):
    return json.loads("".join(screen.feature_data(report, shown, "en", text.PLAIN)))


def test_the_script_gets_every_feature_and_where_it_lies(made):
    report = made.report
    shown = screen.inside(report, made.folder, 48, 12.0)
    data = data_of(report, shown)
    kept = [name for name in report.features.columns if name not in ("specimen", "section")]  # one of each
    assert [column["name"] for column in data["columns"]] == kept
    places = [report.features.columns.index(name) for name in kept]
    assert unpacked(data) == [[row[i] for i in places] for row in report.features.rows]
    fields = [image + 1 for image, count in data["runs"] for _ in range(count)]
    assert fields == [row[report.features.columns.index("field")] for row in report.features.rows]
    assert [one["id"] for one in data["pictures"]] == [f"field-{i}" for i in range(1, 6)]
    assert [one["scale"] for one in data["pictures"]] == [record.picture_scale for record in report.micrographs]


def test_columns_take_fewer_bytes_than_rows(made):
    columns = ("specimen", "section", "field", "feature", "class", "touches_edge", "area_px2")
    rows = tuple(("1", "1", 1 + i // 100, i, "secondary phase", i % 3 == 0, 50 + i) for i in range(500))
    report = replace(made.report, features=Table(title="", columns=columns, rows=rows))
    packed = data_of(report, screen.inside(report, made.folder, 48, 12.0))
    assert unpacked(packed) == [list(row[2:]) for row in rows]
    by_row = len(json.dumps(rows, separators=(",", ":")))
    by_column = len(json.dumps(packed["columns"], separators=(",", ":")))
    assert by_column < by_row / 3


def test_no_value_is_lost_where_some_are_missing(made):
    columns, rows = (
        ("feature", "linear", "class", "gap_um"),
        ((1, None, "a", None), (2, True, None, 1.5), (3, False, "a", 2.0)),
    )
    report = replace(made.report, features=Table(title="", columns=columns, rows=rows))
    assert unpacked(data_of(report, screen.inside(report, made.folder, 48, 12.0))) == [list(row) for row in rows]


def size_of(made, record):
    files = (record.picture, *(layer.file for layer in record.layers))
    return sum((made.folder / file).stat().st_size for file in files) * 4 / 3 / screen.MEGABYTE


def test_beyond_its_budget_the_page_holds_the_worst_fields_and_names_the_files_of_the_others(made):
    report = made.report
    table, at = report.fields, report.fields.columns.index("mean_intercept_um")
    values = (20.0, 31.0, 18.0, 21.0, 40.0)  # the third is smallest, the fifth largest
    rows = tuple((*row[:at], value, *row[at + 1 :]) for row, value in zip(table.rows, values, strict=True))
    report = replace(report, fields=replace(table, rows=rows), features=replace(report.features, rows=()))
    sizes = [size_of(made, record) for record in report.micrographs]
    two = screen.inside(report, made.folder, 48, sizes[2] + sizes[4] + min(sizes) / 2)
    assert two.fields == (2, 4)
    assert screen.inside(report, made.folder, 48, sum(sizes) + 0.001).fields == (0, 1, 2, 3, 4)
    assert screen.inside(report, made.folder, 3, 12.0).fields == (0, 2, 4)  # smallest, largest, second smallest
    assert screen.inside(report, made.folder, 48, 0.0).fields == (2,)  # one is always shown


def test_a_field_outside_a_limit_comes_before_the_extreme_ones(made):
    report = made.report
    result = next(one for one in report.results if one.quantity == "mean_intercept_um")
    limit = Requirement(quantity="mean_intercept_um", unit="um", upper=25.0)
    table, at = report.fields, report.fields.columns.index("mean_intercept_um")
    values = (20.0, 31.0, 18.0, 21.0, 26.0)
    rows = tuple((*row[:at], value, *row[at + 1 :]) for row, value in zip(table.rows, values, strict=True))
    fields, verdicts = replace(table, rows=rows), [decide(result, limit)]
    assert worst_fields(fields, report.micrographs, report.results, verdicts)[:3] == (1, 4, 2)
    elsewhere = [replace(verdicts[0], specimen="2")]  # a limit of another specimen says nothing of these
    assert worst_fields(fields, report.micrographs, report.results, elsewhere) == (2, 1, 0, 4, 3)


def test_too_many_features_stand_beside_the_page_which_says_so(made):
    report = made.report
    some = screen.inside(report, made.folder, 1, 0.009)
    assert some.rows is not None
    data = data_of(report, some)
    assert (data["count"], data["all"]) == (len(some.rows), 60)
    assert 0 < data["count"] < 60
    assert data["count"] * screen._bytes_of_a_row(report.features) <= 0.0045 * screen.MEGABYTE


def small_budget(tmp_path, mb):
    folder = tmp_path / "own"
    folder.mkdir()
    (folder / "template.toml").write_text(f"[sizes]\nmost_mb_on_screen = {mb}\n", encoding="utf-8")
    return folder


def test_a_page_of_a_small_budget_is_small_and_links_to_the_rest(made, tmp_path):
    own = small_budget(tmp_path, 0.009)
    page = render.render(made.report, made.folder, own, "screen")
    beside = render.beside(made.report, made.folder, own)
    assert page.count('class="field"') == 1
    assert len(beside) == 2 * 4 + 1
    assert "features.csv" in beside
    assert all(f'href="{file}"' in page for file in beside)
    assert "those of the pictured fields first; the filter and its count apply to these only" in page
    assert len(page) < len(render.render(made.report, made.folder, SHIPPED, "screen"))
    assert render.beside(made.report, made.folder, SHIPPED) == ()


def test_the_page_is_written_in_pieces_of_which_none_is_larger_than_a_picture(made):
    pieces = list(render.rendered(made.report, made.folder, SHIPPED, "screen"))
    largest = max(path.stat().st_size for path in made.folder.rglob("*.*g") if path.is_file())
    assert max(map(len, pieces)) <= max(largest * 4 / 3 + 100, 30_000)  # or than a script
    written = html.write(made.report, made.folder, SHIPPED)
    assert (
        written.read_text(encoding="utf-8")
        == "".join(pieces)
        == render.render(made.report, made.folder, SHIPPED, "screen")
    )


def test_a_number_changed_in_the_table_of_the_script_is_named(made, tmp_path):
    page = render.render(made.report, made.folder, SHIPPED, "screen")
    value = made.report.features.rows[40][made.report.features.columns.index("area_um2")]
    changed = tmp_path / "report.html"
    changed.write_text(page.replace(f",{value},", ",77.5,", 1), encoding="utf-8")
    found = pages.html_differences(made.report, changed, SHIPPED, made.folder)
    assert len(found) == 1
    assert ",77.5," in found[0].partition("the data say")[0]
    assert f",{value}," in found[0].partition("the data say")[2]


@pytest.mark.parametrize(("place", "media"), [("blocks", {"print", "screen"}), ("screen", {"screen"})])
def test_a_block_of_a_laboratory_is_shown_where_it_is_meant_for(made, tmp_path, place, media):
    folder = tmp_path / "own"
    (folder / place).mkdir(parents=True)
    (folder / "template.toml").write_text('language = "en"\n', encoding="utf-8")
    (folder / place / "features.html.j2").write_text("<p>our own features</p>", encoding="utf-8")
    shows = {
        medium
        for medium in ("print", "screen")
        if "our own features" in render.render(made.report, made.folder, folder, medium)
    }
    assert shows == media


def test_a_broken_block_of_the_screen_is_found_before_anything_is_measured(tmp_path):
    (tmp_path / "screen").mkdir()
    (tmp_path / "template.toml").write_text('language = "en"\n', encoding="utf-8")
    (tmp_path / "screen" / "fields.html.j2").write_text("{% for %}", encoding="utf-8")
    with pytest.raises(SettingsError, match=r"screen/fields\.html\.j2:1: "):
        load_settings(tmp_path)
