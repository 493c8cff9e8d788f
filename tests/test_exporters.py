"""The views of a report: PDF, HTML, CSV, XLSX, JSON."""

import csv
import gc
import io
import json
import os
import subprocess
import sys
from contextlib import nullcontext
from dataclasses import replace

import jsonschema
import openpyxl
import pikepdf
import pydyf
import pypdf
import pytest
from PIL import Image
from report_example import HEADER, ROOT, example

from inspect_tool import files
from inspect_tool.acceptance import lots
from inspect_tool.errors import OutputError
from inspect_tool.model import Attachment, Lot, SamplingPlan, Table
from inspect_tool.paths import data_folder
from inspect_tool.report.exporters import csv as csv_exporter
from inspect_tool.report.exporters import html, pdf, xlsx
from inspect_tool.report.template import data_uri

SHIPPED = data_folder("templates") / "inspection"
SCHEMA_COMMAND = (
    'run: python -c "import json; from inspect_tool.files import report_schema; '
    'print(json.dumps(report_schema(), indent=1, ensure_ascii=False))" > docs/report.schema.json'
)
FORMULAS = ('=HYPERLINK("http://x")', "+1", "-1+2", "@SUM(A1)", "\tx", "\rx")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    made = example(tmp_path_factory.mktemp("report"), fields=2, features=60, size=160, grains=12)
    (made.folder / "job.toml").write_text('recipe = "grain_size"\n', encoding="utf-8")
    job = Attachment(file="job.toml", sha256=files.sha256_file(made.folder / "job.toml"), role="job")
    return replace(made, report=replace(made.report, attachments=(job,)))


@pytest.fixture(scope="module")
def document(made):
    return pypdf.PdfReader(pdf.write(made.report, made.folder, SHIPPED))


def test_a_stream_that_is_compressed_once_is_written_as_it_was():
    files = []
    for once in (False, True):
        made, file = pydyf.PDF(), io.BytesIO()
        made.add_object(pydyf.Stream([b"word " * 500, b"\nstream\n", b"\nendstream"], {"Type": "/X"}, compress=True))
        made.add_object(pydyf.Stream([b"plain"]))
        if once:
            pdf._compress_once(made)
        made.write(file, b"1.7", b"id", compress=True)
        files.append(file.getvalue())
    assert files[0] == files[1]
    assert len(files[0]) < 1500


def test_pdf_is_archival_tagged_and_named(made, document):
    xmp = document.trailer["/Root"]["/Metadata"].get_object().get_data().decode()
    assert 'pdfaid:part="3"' in xmp
    assert 'pdfaid:conformance="B"' in xmp
    assert "OutputIntents" in str(document.trailer["/Root"].keys())
    assert document.trailer["/Root"]["/MarkInfo"]["/Marked"]
    assert document.trailer["/Root"]["/StructTreeRoot"]["/K"]
    assert document.trailer["/Root"]["/Lang"] == "en"
    assert document.metadata.title == f"{made.report.title} · {made.report.id}"
    assert document.metadata.author == HEADER.laboratory


def test_every_page_bears_identification_and_number(made, document):
    total = len(document.pages)
    for number, sheet in enumerate(document.pages, start=1):
        text = sheet.extract_text()
        assert made.report.id in text
        assert f"page {number} of {total}" in text
    assert "End of report" in document.pages[-1].extract_text()


def test_data_is_attached_to_the_pdf(made, document):
    assert set(document.attachments) == {"report.json", "job.toml", "features.csv"}
    assert document.attachments["report.json"][0].decode() == files.dump_report(made.report)
    assert document.attachments["job.toml"][0] == (made.folder / "job.toml").read_bytes()
    assert document.attachments["features.csv"][0].decode() == csv_exporter.csv_text(made.report.features)
    with pikepdf.open(made.folder / "report.pdf") as opened:
        relations = {str(item.get("/UF", item.F)): str(item.AFRelationship) for item in opened.Root.AF}
    assert set(relations.values()) == {"/Source", "/Data"}


def test_fonts_are_embedded(document):
    fonts = [
        font.get_object()
        for sheet in document.pages
        for font in sheet["/Resources"].get("/Font", {}).get_object().values()
    ]
    assert fonts
    for font in fonts:
        inner = font["/DescendantFonts"][0].get_object() if "/DescendantFonts" in font else font
        descriptor = inner["/FontDescriptor"].get_object()
        assert {"/FontFile2", "/FontFile3", "/FontFile"} & set(descriptor)


def test_equal_reports_give_equal_pdf_text(made, document):
    again = pypdf.PdfReader(pdf.write(made.report, made.folder, SHIPPED))
    assert [sheet.extract_text() for sheet in again.pages] == [sheet.extract_text() for sheet in document.pages]


def test_report_with_5000_features_and_ten_fields_stays_short_and_small(tmp_path):
    large = example(tmp_path, fields=10, features=5000, size=200, grains=40, failing=True)
    assert len(pypdf.PdfReader(pdf.write(large.report, large.folder, SHIPPED)).pages) < 15
    assert html.write(large.report, large.folder, SHIPPED).stat().st_size < 10e6


def test_page_1_stays_one_page_when_there_is_much_to_say(made, tmp_path):
    (tmp_path / "template.toml").write_text('blocks = ["summary", "identification"]', encoding="utf-8")
    letters = "ABCDEFGH"
    much = replace(
        made.report,
        title="Grain size of a forged and normalized flange with a rather long name",
        header=replace(
            HEADER, item="specimen B2, longitudinal section, mounted and etched; one ring segment of several"
        ),
        conformities=tuple(replace(item, specimen=x) for x in letters for item in made.report.conformities),
        results=tuple(replace(item, specimen=x) for x in letters for item in made.report.results),
        micrographs=tuple(replace(item, specimen=x) for x in letters for item in made.report.micrographs),
        checks=tuple(replace(item, specimen=x, passed=False) for x in letters for item in made.report.checks),
        warnings=("A remark that goes over one line, because it says which fields show it and what can be done." * 2,)
        * 9,
        conforming=False,
    )
    pages = pypdf.PdfReader(pdf.write(much, made.folder, tmp_path)).pages
    assert "only in full" in " ".join(pages[0].extract_text().split())
    assert "the end is marked" in " ".join(pages[1].extract_text().split())


@pytest.mark.parametrize(
    "address",
    ["http://127.0.0.1:9/x.png", "https://example.invalid/x.png", "file:///etc/hostname", "ftp://localhost/x"],
)
def test_pdf_fetches_nothing_from_elsewhere(made, tmp_path, address):
    (tmp_path / "template.toml").write_text('blocks = ["results"]', encoding="utf-8")
    (tmp_path / "print.css").write_text(f"body {{ background: url({address}); }}", encoding="utf-8")
    with pytest.raises(OutputError, match="a report shows only files of its own folder and of its template"):
        pdf.write(made.report, made.folder, tmp_path)
    assert not list(made.folder.glob("*.partial"))  # hidden ones too


@pytest.mark.parametrize("collecting", [True, False])
@pytest.mark.parametrize("page", ["<p>whole</p>", '<img src="http://example.org/a.png">'])
def test_printing_leaves_the_collector_of_python_as_it_was(tmp_path, page, collecting):
    before = gc.isenabled()
    try:
        (gc.enable if collecting else gc.disable)()
        with nullcontext() if "whole" in page else pytest.raises(OutputError, match="shows only files of its own"):
            pdf.print_page(f'<html lang="en"><title>a</title>{page}', tmp_path / "a.pdf", SHIPPED, "a", ())
        assert gc.isenabled() is collecting
    finally:
        (gc.enable if before else gc.disable)()


def test_pdf_shows_each_picture_of_a_page_once_and_words_that_look_like_one_as_words(tmp_path):
    colors = [(250, 10, 20), (10, 250, 20)]
    addresses = []
    for color in colors:
        file = io.BytesIO()
        Image.new("RGB", (8, 8), color).save(file, "PNG")
        addresses.append(data_uri(file.getvalue(), "image/png"))
    one, other = addresses
    words = "data:image/png;base64,iVBORw0KGgo="
    page = f'<html lang="en"><title>a</title><p>{words} data:,0</p>' + "".join(
        f'<img alt="" src="{address}">' for address in (one, other, one)
    )
    path = pdf.print_page(page, tmp_path / "a.pdf", SHIPPED, "a", ())
    (sheet,) = pypdf.PdfReader(path).pages
    shown = sorted(image.image.convert("RGB").getpixel((4, 4)) for image in sheet.images)
    assert shown == sorted(colors)
    assert f"{words} data:,0" in sheet.extract_text()


def test_pdf_shows_a_picture_of_its_own_template(made, tmp_path):
    (tmp_path / "template.toml").write_text('paper = "letter"\nblocks = ["results"]', encoding="utf-8")
    (tmp_path / "own.svg").write_text(
        "<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>", encoding="utf-8"
    )
    (tmp_path / "print.css").write_text("body { background: url(own.svg); }", encoding="utf-8")
    pages = pypdf.PdfReader(pdf.write(made.report, made.folder, tmp_path)).pages
    assert [round(float(size)) for size in pages[0].mediabox[2:]] == [612, 792]


PANGO = {
    "linux": (
        "`apt install libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0` (Debian, Ubuntu)",
        "`dnf install pango harfbuzz` (Fedora)",
    ),
    "darwin": ("`brew install pango`",),
    "win32": ("`pip install gstreamer-libs`",),
}


def test_missing_pango_is_one_sentence_that_says_how_to_get_it(tmp_path):
    (tmp_path / "weasyprint.py").write_text(
        "print('a banner')\nraise OSError(\"cannot load library 'libpango-1.0-0': error 0x7e\\nsecond line\")",
        encoding="utf-8",
    )
    script = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        "import inspect_tool.report.render\n"
        "from inspect_tool.errors import OutputError\n"
        f"for sys.platform in {[*PANGO]}:\n"
        "    try:\n        import inspect_tool.report.exporters.pdf\n"
        "    except OutputError as error:\n        print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT)
    for commands, said in zip(PANGO.values(), done.stdout.splitlines(), strict=True):
        assert said.startswith("WeasyPrint needs the Pango library, which cannot be loaded")
        assert [command for command in commands if command not in said] == []


@pytest.mark.parametrize(("stated", "used"), [(None, "gstreamer_libs/bin"), ("/own/dlls", "/own/dlls")])
def test_on_windows_the_libraries_are_those_of_the_wheel_unless_others_are_named(tmp_path, monkeypatch, stated, used):
    (tmp_path / "gstreamer_libs").mkdir()
    (tmp_path / "gstreamer_libs" / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr("sys.platform", "win32")
    monkeypatch.setenv("WEASYPRINT_DLL_DIRECTORIES", stated or "")
    if stated is None:
        monkeypatch.delenv("WEASYPRINT_DLL_DIRECTORIES")
    pdf._show_bundled_pango()
    assert os.environ["WEASYPRINT_DLL_DIRECTORIES"].endswith(used)


def test_csv_has_every_feature_with_numbers_as_numbers(made):
    path = csv_exporter.write(made.report, made.folder, SHIPPED)
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(made.report.features.rows)
    assert float(rows[0]["area_um2"]) == made.report.features.rows[0][made.report.features.columns.index("area_um2")]
    with (made.folder / "fields.csv").open(encoding="utf-8", newline="") as file:
        assert [row["field"] for row in csv.DictReader(file)] == ["1", "2"]


def injected(made):
    rows = tuple((text, -1.5, None, True) for text in FORMULAS)
    return replace(made.report, features=Table(title="Features", columns=("=cmd", "x", "none", "edge"), rows=rows))


def test_csv_text_never_begins_like_a_formula(made):
    rows = list(csv.reader(io.StringIO(csv_exporter.csv_text(injected(made).features), newline="")))
    assert rows[0][0] == "'=cmd"
    assert [row[0] for row in rows[1:]] == [f"'{text}" for text in FORMULAS]
    assert {tuple(row[1:]) for row in rows[1:]} == {("-1.5", "", "true")}


def test_workbook_holds_no_formula(made, tmp_path):
    (tmp_path / "w").mkdir()
    odd = replace(injected(made), job="=1+1", header=replace(HEADER, laboratory="=A1"), title="bad \x01 sign")
    book = openpyxl.load_workbook(xlsx.write(odd, tmp_path / "w", SHIPPED))
    assert book.sheetnames == ["Results", "Checks", "Fields", "Features", "Budget"]
    types = {cell.data_type for sheet in book for row in sheet for cell in row}
    assert "f" not in types
    cells = [row[0].value for row in book["Features"].iter_rows(min_row=2)]
    assert [value.strip() for value in cells] == [text.strip() for text in FORMULAS]
    assert book["Features"]["B2"].value == -1.5
    results = [row[4].value for row in book["Results"].iter_rows(min_row=2)]
    assert results == [pytest.approx(result.value) for result in made.report.results]


def test_workbook_is_in_the_language_of_the_report(made, tmp_path):
    book = openpyxl.load_workbook(xlsx.write(replace(made.report, language="de"), tmp_path, SHIPPED))
    assert book.sheetnames == ["Ergebnisse", "Kontrollen", "Messfelder", "Objekte", "Budget"]
    heads = {sheet.title: [cell.value for cell in sheet[1]] for sheet in book}
    assert heads["Ergebnisse"][:6] == ["Prüfbericht", "Ergebnis", "Größe", "Probe", "Wert", "Einheit"]
    assert heads["Kontrollen"][:4] == ["Regel", "Gefunden", "Relation", "Grenzwert"]
    assert heads["Budget"][:4] == ["Ergebnis", "Probe", "Beitrag", "Typ"]
    assert "Fläche [µm²]" in heads["Objekte"]
    assert "Mittlere Sehnenlänge [µm]" in heads["Messfelder"]
    assert {row[5].value for row in book["Kontrollen"].iter_rows(min_row=2)} <= {"ja", "nein"}
    values = [row[4].value for row in book["Ergebnisse"].iter_rows(min_row=2)]
    assert values == [pytest.approx(result.value) for result in made.report.results]  # numbers stay numbers


def test_a_lot_has_a_sheet_with_a_row_for_each_specimen(made, tmp_path):
    sample = ("A", "B")
    plan = SamplingPlan(standard="ISO 2859-1", n=2, ac=0, re=1, source="QA-118")
    (asked,) = made.report.conformities
    bad = replace(asked, specimen="B", decision="fail")
    conformities = (replace(asked, specimen="A", decision="pass"), bad)
    report = replace(
        made.report,
        micrographs=tuple(replace(made.report.micrographs[0], specimen=x) for x in sample),
        results=tuple(replace(one, specimen=x) for x in sample for one in made.report.results if one.main),
        conformities=conformities,
        lot=lots.verdict(Lot(id="=L7", size=90, plan=plan), sample, conformities),
    )
    book = openpyxl.load_workbook(xlsx.write(report, tmp_path, SHIPPED))
    assert book.sheetnames[0] == "Lot"
    heads, *rows = ([cell.value for cell in row] for row in book["Lot"])
    assert heads == [
        *("Lot", "Specimen", "Verdict", "ASTM grain size number G (Abrams)", "U", "Verdict"),
        *("Mean lineal intercept [µm]", "U", "Verdict", "Verdict of the lot", "Reason", "Items in the lot"),
        *("Sampling plan", "n", "Ac", "Re", "Plan from"),
    ]
    size, intercept = (one for one in made.report.results if one.main)
    for row, name, verdict in zip(rows, sample, ("pass", "fail"), strict=True):
        assert row[:3] == ["=L7", name, verdict]
        assert row[3:6] == [pytest.approx(size.value), pytest.approx(size.expanded_u), verdict]
        assert row[6:9] == [pytest.approx(intercept.value), pytest.approx(intercept.expanded_u), None]
        assert row[9] == "rejected"
        assert row[11:] == [90, "ISO 2859-1", 2, 0, 1, "QA-118"]
    assert {cell.data_type for row in book["Lot"] for cell in row} == {"s", "n"}  # no formula


def test_json_follows_the_published_schema(made):
    schema = json.loads((ROOT / "docs" / "report.schema.json").read_text(encoding="utf-8"))
    assert schema == json.loads(json.dumps(files.report_schema())), SCHEMA_COMMAND
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(json.loads(files.dump_report(made.report)), schema)


def test_full_disk_leaves_no_half_written_file(made, monkeypatch):
    def full(*_args, **_options):
        raise OSError(28, "No space left on device")

    before = {path: path.read_bytes() for path in made.folder.iterdir() if path.is_file()}
    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        html.write(made.report, made.folder, SHIPPED)
    assert {path: path.read_bytes() for path in made.folder.iterdir() if path.is_file()} == before
