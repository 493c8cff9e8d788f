"""Pages of a PDF as pictures, by PDFium: the same pixels on every machine, and no program of the system is needed."""

from collections.abc import Iterator
from io import BytesIO
from typing import TYPE_CHECKING

from inspect_tool.errors import OutputError

if TYPE_CHECKING:
    from PIL.Image import Image

try:
    import pypdfium2
except ImportError:
    msg = "drawn pages need pypdfium2; install it with: pip install 'inspect_tool[docx]', or [png] for pictures alone"
    raise OutputError(msg) from None

_POINTS_PER_INCH = 72


def pages(data: bytes, dpi: float, *, gray: bool = False) -> Iterator["Image"]:
    """Draw the pages of a PDF one after the other, as RGB or 8-bit gray pictures.

    Parameters
    ----------
    data : bytes
        The PDF.
    dpi : float
        Pixels per inch of paper.
    gray : bool
        As a black-and-white printer shows them.
    """
    with pypdfium2.PdfDocument(data) as document:
        for page in document:
            picture = page.render(
                scale=dpi / _POINTS_PER_INCH, grayscale=gray, may_draw_forms=False, rev_byteorder=True
            )
            drawn: Image = picture.to_pil()
            yield drawn if gray else drawn.convert("RGB")
            page.close()


def png(picture: "Image", dpi: float) -> bytes:
    """Write a picture as PNG that says how large it is on paper."""
    file = BytesIO()
    picture.save(file, "PNG", dpi=(dpi, dpi))
    return file.getvalue()
