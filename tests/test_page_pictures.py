"""``pages/page_01.png``: the pages of the PDF as pictures."""

import io

import pypdf
import pytest
from PIL import Image
from report_example import example

from inspect_tool import registry
from inspect_tool.errors import SettingsError
from inspect_tool.report.exporters import pdf
from inspect_tool.report.template import load_settings

pytestmark = pytest.mark.needs("pypdfium2")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return example(tmp_path_factory.mktemp("report"), fields=1, features=8, size=160, grains=12)


def template(folder, more=""):
    (folder / "template.toml").write_text(f'blocks = ["summary", "results"]\n{more}', encoding="utf-8")
    return folder


def pictures(folder):
    return [Image.open(io.BytesIO(path.read_bytes())) for path in sorted((folder / "pages").glob("*.png"))]


def test_every_page_is_a_picture_of_a4_at_150_dpi(made, tmp_path):
    printed = pdf.write(made.report, made.folder, template(tmp_path))
    (made.folder / "pages").mkdir(exist_ok=True)
    (made.folder / "pages" / "page_99.png").write_bytes(b"of an older report")
    first = registry.load("exporter", "png").write(made.report, made.folder, tmp_path)
    assert first == made.folder / "pages" / "page_01.png"
    drawn = pictures(made.folder)
    assert len(drawn) == len(pypdf.PdfReader(printed).pages) >= 2
    assert {(one.mode, one.size) for one in drawn} == {("RGB", (1241, 1754))}  # 210 x 297 mm
    assert drawn[0].info["dpi"] == pytest.approx((150, 150), abs=0.0127)  # whole pixels per meter
    assert len({one.tobytes() for one in drawn}) == len(drawn)
    assert (0x1B, 0x6E, 0x3C) in {color for _, color in drawn[0].getcolors(1 << 20)}  # the green of a pass


def test_gray_pictures_of_a_report_without_a_pdf_leave_none(made, tmp_path):
    (made.folder / "report.pdf").unlink(missing_ok=True)
    folder = template(tmp_path, "[png]\ndpi = 40\ngray = true\n")
    registry.load("exporter", "png").write(made.report, made.folder, folder)
    assert not (made.folder / "report.pdf").exists()
    (first, *_) = pictures(made.folder)
    assert (first.mode, first.size) == ("L", (331, 468))
    assert first.getextrema()[1] == 255


def test_a_resolution_beyond_reason_is_refused(tmp_path):
    with pytest.raises(SettingsError, match=r"png.dpi: .*600"):
        load_settings(template(tmp_path, "[png]\ndpi = 6000\n"))


def test_a_drawing_keeps_its_colors_and_its_edges():
    import weasyprint

    from inspect_tool.report import pdf_pictures

    page = "<style>@page { size: 20mm 10mm; margin: 0 } body { margin: 0; background: #336699 }</style>"
    (drawn,) = pdf_pictures.pages(weasyprint.HTML(string=page).write_pdf(), 254)
    assert drawn.size == (200, 100)
    assert drawn.getcolors() == [(20000, (0x33, 0x66, 0x99))]
    again = Image.open(io.BytesIO(pdf_pictures.png(drawn, 254)))
    assert again.tobytes() == drawn.tobytes()
