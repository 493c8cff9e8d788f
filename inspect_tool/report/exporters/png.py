"""``pages/page_01.png`` and so on: every page of the PDF as a picture, for what shows no PDF."""

from pathlib import Path

from inspect_tool.files import write_whole
from inspect_tool.model import Report
from inspect_tool.report import pdf_pictures
from inspect_tool.report.exporters import pdf
from inspect_tool.report.template import load_settings

SUFFIX = ".png"

FOLDER = "pages"

_FILES = ("report.pdf", "annex.pdf")  # the annex of a certificate goes on with the numbers


def write(report: Report, folder: Path, template: Path) -> Path:
    """Write the pictures into ``pages`` of the report folder; gives the first.

    They are of the PDF that is there; where the job asks for none, it is printed for them and goes again. Pictures of
    pages that an older report had more are removed.
    """
    settings = load_settings(template).png
    place = folder / FOLDER
    place.mkdir(exist_ok=True)
    files = [folder / name for name in _FILES]
    kept = files[0].is_file()
    try:
        if not kept:
            pdf.write(report, folder, template)
        printed = [file.read_bytes() for file in files if file.is_file()]
    finally:
        for file in () if kept else files:
            file.unlink(missing_ok=True)
    drawn = (picture for data in printed for picture in pdf_pictures.pages(data, settings.dpi, gray=settings.gray))
    made = []
    for number, picture in enumerate(drawn, start=1):
        made.append(place / f"page_{number:02d}.png")
        write_whole(made[-1], pdf_pictures.png(picture, settings.dpi))
    for path in place.glob("page_*.png"):
        if path not in made:
            path.unlink()
    return made[0]
