"""How a signature enters a PDF: the visible block, drawn with embedded fonts, and an update that keeps PDF/A."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Any

from fontTools.ttLib import TTFont, TTLibError
from pyhanko.pdf_utils.content import ResourceType
from pyhanko.pdf_utils.font.opentype import GlyphAccumulator
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.stamp import BaseStamp, BaseStampStyle

from inspect_tool.errors import SettingsError

WIDTH_PT, HEIGHT_PT = 236.0, 71.0
"""Size of a block [1/72 in]; two stand side by side on A4 and on letter."""
_INK, _MUTED, _ACCENT = "0.110 0.149 0.188 rg", "0.357 0.404 0.455 rg", "0.043 0.310 0.424 rg"
_SMALLEST = 0.6  # of its size, for a text that is too long [1]


@dataclass(frozen=True)
class Words:
    """What the block says."""

    meaning: str
    name: str
    role: str
    reason: str
    certificate: str
    trail: str


@dataclass(frozen=True)
class Block(BaseStampStyle):
    """Style of pyHanko that draws the words of a signature."""

    words: Words | None = None
    font: bytes = b""
    bold: bytes = b""
    time: datetime | None = None

    def create_stamp(self, writer: Any, box: Any, text_params: dict[str, Any]) -> BaseStamp:  # noqa: ARG002
        """Make what pyHanko puts into the field."""
        return _Drawing(writer=writer, style=self, box=box)


def font_bytes(font: Path | None) -> tuple[bytes, bytes]:
    """Regular and bold font: the user's own for both, or those that come with matplotlib."""
    if font is not None:
        try:
            data = font.read_bytes()
            TTFont(BytesIO(data)).close()
        except (OSError, TTLibError) as error:
            found = getattr(error, "strerror", None) or error
            msg = f"{font}: not a font that can be used: {found}; give a .ttf or .otf file"
            raise SettingsError(msg) from None
        return data, data
    import matplotlib as mpl

    folder = Path(mpl.get_data_path()) / "fonts" / "ttf"
    return (folder / "DejaVuSans.ttf").read_bytes(), (folder / "DejaVuSans-Bold.ttf").read_bytes()


def check_letters(font: bytes, texts: Mapping[str, str]) -> None:
    """Refuse a text, named by its option, with a letter that the font does not have."""
    for name, text in texts.items():
        missing = next((sign for sign in text if sign not in known_letters(font, text)), "")
        if missing:
            msg = f"--{name}: the font of the signature block has no {missing!r}; give one with --font FILE.ttf"
            raise SettingsError(msg)


def known_letters(font: bytes, text: str) -> str:
    """Give a text with a question mark for every letter that the font does not have."""
    with TTFont(BytesIO(font)) as found:
        known = found.getBestCmap() or {}
    return "".join(sign if ord(sign) in known else "?" for sign in text)


class Appending(IncrementalPdfFileWriter):
    """Writer that leaves the metadata as they are.

    pyHanko would put itself into the document information and not into the XMP metadata; PDF/A wants both alike.
    """

    def _update_meta(self) -> None:
        """Change nothing."""


class _Drawing(BaseStamp):  # type: ignore[misc]  # pyHanko's stamps have no types
    def render(self) -> bytes:
        """Draw from the top: meaning and time, name, role, then the small print."""
        style: Block = self.style
        words = style.words
        assert words is not None
        assert style.time is not None
        plain = GlyphAccumulator(self.writer, BytesIO(style.font), font_size=8)
        bold = GlyphAccumulator(self.writer, BytesIO(style.bold), font_size=8)
        for name, font in (("/F1", plain), ("/F2", bold)):
            self.set_resource(ResourceType.FONT, pdf_name(name), font.as_resource())
        width, height = self.box.width, self.box.height
        when = f"signed {style.time:%Y-%m-%d %H:%M} UTC"
        rows = (
            ("meaning", words.meaning, "/F2", bold, 9.5, _ACCENT),
            ("name", words.name, "/F2", bold, 8.5, _INK),
            ("role", words.role, "/F1", plain, 7.5, _INK),
            ("reason", " · ".join(filter(None, (when, words.reason))), "/F1", plain, 7.0, _INK),
            ("", words.certificate, "/F1", plain, 5.6, _MUTED),
            ("", words.trail, "/F1", plain, 5.6, _MUTED),
        )
        drawn = [f"q 0.043 0.310 0.424 RG 1.4 w 0.7 0 m 0.7 {height:g} l S Q".encode()]
        y = height
        for option, text, name, font, size, color in rows:
            room = (width - 10) / (font.shape(text).x_advance or 1)
            if option and room < _SMALLEST * size:
                msg = f"--{option}: too long for the signature block; say it shorter"
                raise SettingsError(msg)
            font.font_size = min(size, room)
            y -= size * 1.32
            drawn.append(f"q BT {color} {name} {font.font_size:.3f} Tf 1 0 0 1 8 {y:.2f} Tm".encode())
            drawn.append(font.shape(text).graphics_ops + b" ET Q")
        return b" ".join(drawn)
