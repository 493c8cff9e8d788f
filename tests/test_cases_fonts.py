"""Characters without a font are printed by their codes, which page 1 tells; long words stay on the page."""

import pypdf
import pytest

from inspect_tool.paths import data_folder
from inspect_tool.report.exporters.pdf import print_page
from inspect_tool.report.template_process import confined


def printed(folder, body):
    template = data_folder("templates") / "inspection"
    style = (template / "style.css").read_text(encoding="utf-8")
    page = f"<html lang='en'><head><title>t</title><style>{style}</style></head><body>{body}</body></html>"
    return pypdf.PdfReader(print_page(page, folder / "a.pdf", template, "x", ()))


@pytest.mark.needs("fonts")
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("\ue123 and \ue124, \ue123", "Nofontfor2characters(U+E123,U+E124):shownbytheircodes;installone."),
        ("Größe in µm, ≤ 5 %, Žďár, Ω", ""),
    ],
)
def test_characters_without_a_font_stand_on_page_1(tmp_path, text, said):
    # characters for private use have no glyph in the fonts of a text
    found = "".join(printed(tmp_path, f"<p>{text}</p>").pages[0].extract_text().replace("\0", "").split())
    assert said in found
    assert bool(said) == ("Nofontfor" in found) == ("[U+E123]and[U+E124],[U+E123]" in found)


def test_a_long_item_without_spaces_stays_in_its_column(tmp_path):
    item = ";".join(f"SN{i:04}" for i in range(40))
    page = printed(tmp_path, f"<dl style='width:60mm'><dd>{item}</dd></dl>").pages[0]
    lines = page.extract_text().split()
    assert "".join(lines) == item
    assert max(map(len, lines)) < 60  # 60 mm hold fewer letters of 9 pt


@pytest.mark.needs("fonts")
@pytest.mark.parametrize("own", [False, True], ids=["shipped template", "template of a laboratory"])
def test_characters_without_a_font_are_a_line_of_the_log_too(tmp_path, caplog, own):
    template = data_folder("templates") / "inspection"
    if own:
        template = tmp_path / "template"
        template.mkdir()
        (template / "template.toml").write_text("", encoding="utf-8")
    page = '<html lang="de"><head><title>t</title></head><body><p>\ue123 and \ue124</p></body></html>'
    path = confined(template, 0, print_page, page, tmp_path / "a.pdf", template, "x", ())
    line = "a.pdf: No font for 2\xa0characters (U+E123, U+E124): shown by their codes; install one."
    assert [record.getMessage() for record in caplog.records] == [line]
    found = "".join(pypdf.PdfReader(path).pages[0].extract_text().split())  # and on page 1 in the words of the page
    assert "KeineSchriftfür2Zeichen(U+E123,U+E124)" in found
