"""``report.docx`` says what the printed page says, in words that Word knows as headings, tables and pictures."""

import io
import re
import zipfile
from collections import Counter
from dataclasses import replace

import pytest
import tinyhtml5
from report_example import HEADER, example

from inspect_tool import registry
from inspect_tool.errors import SettingsError
from inspect_tool.paths import data_folder
from inspect_tool.report.render import render
from inspect_tool.report.template import load_settings

pytestmark = pytest.mark.needs("python-docx", "pypdfium2")

SHIPPED = data_folder("templates") / "inspection"
W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
WP = "{http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing}"
LEFT_OUT = {"meter", "up", "signatures"}  # a bar, a link to the top of the page, the room of digital signatures


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return example(tmp_path_factory.mktemp("report"), fields=2, features=20, size=160, grains=12)


@pytest.fixture(scope="module")
def page(made):
    """The printed page, read by an HTML parser."""
    return tinyhtml5.parse(render(made.report, made.folder, SHIPPED, "print"), namespace_html_elements=False)


@pytest.fixture(scope="module")
def document(made):
    return opened(written(made.report, made.folder, SHIPPED))


def written(report, folder, template):
    return registry.load("exporter", "docx").write(report, folder, template)


def opened(path):
    import docx

    return docx.Document(str(path))


def words(element):
    """Words that an element of the page shows, sheets and what is left out aside."""
    if element.tag in ("style", "script") or set(element.get("class", "").split()) & LEFT_OUT:
        return
    yield element.text or ""
    for child in element:
        yield " "
        yield from words(child)
        yield " "
        yield child.tail or ""


def squeezed(text):
    return Counter(re.sub(r"\s", "", text))


def word_text(document):
    return "".join(one.text or "" for one in document.element.body.iter(f"{W}t"))


def test_it_holds_every_letter_of_the_printed_page_and_no_other(page, document):
    shown = "".join(words(page.find("body")))
    added = squeezed(word_text(document)) - squeezed(shown)
    assert added == Counter({"■": sum("swatch" in one.get("class", "").split() for one in page.iter())})
    assert not squeezed(shown) - squeezed(word_text(document))


def test_a_certificate_and_its_annex_are_one_document_whose_links_lead_somewhere(made, tmp_path):
    report = replace(made.report, layout="certificate")
    shown = tinyhtml5.parse(render(report, made.folder, SHIPPED, "print"), namespace_html_elements=False).find("body")
    document = opened(written(report, made.folder, SHIPPED))
    added = squeezed(word_text(document))
    assert not squeezed("".join(words(shown))) - added
    links = {one.get(f"{W}anchor") for one in document.element.body.iter(f"{W}hyperlink")}
    assert len(links) > 5
    assert links <= {one.get(f"{W}name") for one in document.element.body.iter(f"{W}bookmarkStart")}
    pages = [one for one in document.element.body.iter(f"{W}br") if one.get(f"{W}type") == "page"]
    assert len(pages) == 1  # before the annex


def test_numbers_are_rounded_as_on_paper(made, page, document):
    digits = re.compile(r"\d+(?:[.,]\d+)?\s±\s\d+(?:[.,]\d+)?")
    shown = set(digits.findall("".join(words(page.find("body")))))
    assert len(shown) >= 2
    cells = {cell for text in document.element.body.iter(f"{W}t") for cell in digits.findall(text.text or "")}
    assert cells == shown


def test_headings_are_those_of_the_page_at_their_level(page, document):
    asked = [(one.tag, "".join(one.itertext()).strip()) for one in page.iter() if one.tag in ("h1", "h2", "h3")]
    styles = {f"Heading {i}": f"h{i}" for i in (1, 2, 3)}
    assert asked
    assert [(styles[p.style.name], p.text) for p in document.paragraphs if p.style.name in styles] == asked


def test_heads_of_tables_are_repeated_and_rows_stay_whole(page, document):
    heads = sum(1 for row in page.iter("thead") for _ in row.iter("tr"))
    assert heads > 3
    assert len(list(document.element.body.iter(f"{W}tblHeader"))) == heads
    rows = list(document.element.body.iter(f"{W}tr"))
    assert all(row.find(f"{W}trPr/{W}cantSplit") is not None for row in rows)


def test_every_picture_is_there_with_its_words(page, document):
    alts = [one.get("alt") for one in page.iter("img")]
    signs = [one for one in page.iter() if one.tag.endswith("}svg")]
    about = [one.get("descr") for one in document.element.body.iter(f"{WP}docPr")]
    assert len(about) == len(alts) + len(signs)
    assert all(alts)
    assert not Counter(alts) - Counter(about)


def test_charts_are_drawn_as_on_paper(made, document):
    from PIL import Image

    pictures = [Image.open(io.BytesIO(part.blob)) for part in document.part.package.image_parts]
    drawn = [one for one in pictures if one.format == "PNG" and one.width > 400]
    judged = [chart for chart in drawn if chart.height < 300]  # the strip of what is judged, with its limit
    assert len(judged) == 1
    assert len(drawn) - len(judged) == len(made.report.charts)
    for one in drawn:
        colors = {color for _, color in one.convert("RGB").getcolors(1 << 20)}
        assert one in judged or (0x0B, 0x4F, 0x6C) in colors or (0x35, 0x64, 0x7E) in colors
        border = {one.convert("RGB").getpixel(at) for at in ((0, 0), (one.width - 1, 0), (0, one.height - 1))}
        assert border == {(255, 255, 255)}


def test_its_foot_numbers_the_pages(made, document):
    foot = document.sections[0].footer
    fields = [one.get(f"{W}instr") for one in foot._element.iter(f"{W}fldSimple")]
    assert fields == ["PAGE", "NUMPAGES"]
    assert made.report.id in foot.paragraphs[0].text


def test_equal_reports_give_equal_bytes(made, document):
    path = written(made.report, made.folder, SHIPPED)
    before = path.read_bytes()
    assert written(made.report, made.folder, SHIPPED).read_bytes() == before
    with zipfile.ZipFile(path) as packed:
        assert {entry.date_time for entry in packed.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    properties = document.core_properties
    assert properties.created.isoformat() == made.report.provenance.started  # UTC
    assert (properties.author, properties.comments) == (HEADER.laboratory, "")


def test_it_is_in_the_language_of_the_report(made, tmp_path):
    (tmp_path / "template.toml").write_text('blocks = ["results"]\nlanguage = "de"\n', encoding="utf-8")
    document = opened(written(replace(made.report, language="de"), made.folder, tmp_path))
    assert [p.text for p in document.paragraphs if p.style.name == "Heading 2"] == ["Ergebnisse"]
    assert re.search(r"\d,\d+ ± \d", word_text(document).replace("\N{NO-BREAK SPACE}", " "))
    assert {one.get(f"{W}val") for one in document.styles.element.iter(f"{W}lang")} == {"de-DE"}


def frame(folder, fill):
    """A template whose frame a laboratory made: its header, its words before and behind."""
    import docx

    made = docx.Document()
    made.sections[0].header.paragraphs[0].text = "Works Laboratory, accredited"
    made.styles["Normal"].font.name = "Georgia"
    for name in ("List Bullet", "Heading 2"):
        made.styles.element.remove(made.styles[name].element)
    made.add_paragraph("Dear customer,")
    fill(made)
    made.add_paragraph("With kind regards")
    made.save(folder / "frame.docx")
    (folder / "template.toml").write_text('blocks = ["summary", "results"]\ndocx = "frame.docx"\n', encoding="utf-8")


def bookmarked(made):
    from docx.oxml import OxmlElement

    paragraph = made.add_paragraph("Results:")
    for tag in ("bookmarkStart", "bookmarkEnd"):
        mark = OxmlElement(f"w:{tag}")
        mark.set(f"{W}id", "1")
        mark.set(f"{W}name", "report")
        paragraph._p.append(mark)


@pytest.mark.parametrize(
    ("fill", "before"),
    [(lambda made: made.add_paragraph("{{report}}"), ["Dear customer,"]), (bookmarked, ["Dear customer,", "Results:"])],
    ids=["placeholder", "bookmark"],
)
def test_a_report_stands_at_its_place_in_the_frame_of_a_laboratory(made, tmp_path, fill, before):
    frame(tmp_path, fill)
    document = opened(written(made.report, made.folder, tmp_path))
    said = [p.text for p in document.paragraphs if p.text.strip()]
    assert said[: len(before)] == before
    assert said[-1] == "With kind regards"
    assert "{{report}}" not in said
    assert document.sections[0].header.paragraphs[0].text == "Works Laboratory, accredited"
    assert document.styles["Normal"].font.name == "Georgia"
    levels = {
        p.text: p.style.element.find(f"{W}pPr/{W}outlineLvl") for p in document.paragraphs if "Heading" in p.style.name
    }
    assert levels["Results"].get(f"{W}val") == "1"
    assert "Logo" not in [one.get("descr") for one in document.element.body.iter(f"{WP}docPr")]


def test_without_a_place_a_report_stands_at_the_end_of_the_frame(made, tmp_path):
    frame(tmp_path, lambda _: None)
    said = [p.text for p in opened(written(made.report, made.folder, tmp_path)).paragraphs if p.text.strip()]
    assert said[:2] == ["Dear customer,", "With kind regards"]
    assert len(said) > 10


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("frame.docx", b"not a file of Word", r"frame.docx: is no Word file; save it anew as .docx"),
        ("frame.doc", b"", r"docx: got 'frame.doc', must be the name of a .docx file beside it"),
        ("gone.docx", None, r"gone.docx: not found; the template names this file"),
    ],
)
def test_a_frame_that_cannot_be_used_is_named_before_anything_is_measured(tmp_path, name, content, message):
    (tmp_path / "template.toml").write_text(f'docx = "{name}"\n', encoding="utf-8")
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(SettingsError, match=message):
        load_settings(tmp_path)
