"""``pages/page_01.png`` and so on: every page of the PDF as a picture, for what shows no PDF."""

from contextlib import suppress
from pathlib import Path

from inspect_tool.files import write_whole
from inspect_tool.model import Report
from inspect_tool.report import pdf_pictures
from inspect_tool.report.exporters import pdf
from inspect_tool.report.render import load_settings

SUFFIX = ".png"

FOLDER = "pages"


def write(report: Report, folder: Path, template: Path) -> Path:
    """Write the pictures into ``pages`` of the report folder; gives the first.

    They are of the PDF that is there; where the job asks for none, it is printed for them and goes again. Pictures of
    pages that an older report had more are removed.
    """
    settings = load_settings(template).png
    place = folder / FOLDER
    place.mkdir(exist_ok=True)
    printed = folder / "report.pdf"
    kept = printed.is_file()
    try:
        data = (printed if kept else pdf.write(report, folder, template)).read_bytes()
    finally:
        if not kept:
            with suppress(FileNotFoundError):
                printed.unlink()
    made = []
    for number, picture in enumerate(pdf_pictures.pages(data, settings.dpi, gray=settings.gray), start=1):
        made.append(place / f"page_{number:02d}.png")
        write_whole(made[-1], pdf_pictures.png(picture, settings.dpi))
    for path in place.glob("page_*.png"):
        if path not in made:
            path.unlink()
    return made[0]
