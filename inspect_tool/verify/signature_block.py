"""How a signature enters a PDF: the visible block, drawn with embedded fonts, and an update that keeps PDF/A."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Any

from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont, TTLibError
from fontTools.ttLib.scaleUpem import scale_upem
from pyhanko.pdf_utils.content import ResourceType
from pyhanko.pdf_utils.font.opentype import GlyphAccumulator
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.stamp import BaseStamp, BaseStampStyle

from inspect_tool.errors import SettingsError
from inspect_tool.paths import data_folder

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


def fonts(font: Path | None, text: str) -> tuple[bytes, bytes]:
    """Regular and bold font with the letters of a text: the user's own for both, or those of the pages."""
    if font is None:
        folder = data_folder("templates") / "fonts"
        return _reduced(folder / "DejaVuSans.ttf", text), _reduced(folder / "DejaVuSans-Bold.ttf", text)
    try:
        found = _reduced(font, text)
    except (OSError, TTLibError) as error:
        msg = f"{font}: not a font that can be used: {getattr(error, 'strerror', None) or error}; give a .ttf or .otf"
        raise SettingsError(msg) from None
    return found, found


def _reduced(font: Path, text: str) -> bytes:
    """A font with some letters only, on the grid of 1000 units that pyHanko takes every font to have."""
    with TTFont(font) as found:
        subsetter = Subsetter(Options(layout_features=[], notdef_outline=True, drop_tables=["FFTM"]))
        subsetter.populate(text=text)
        subsetter.subset(found)
        scale_upem(found, 1000)
        made = BytesIO()
        found.save(made)
    return made.getvalue()


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
    """Writer that leaves metadata and version as they are, for PDF/A-3.

    pyHanko would put itself into the document information and not into the XMP metadata, which must be alike, and
    raise the version to 2.0 for a key on an elliptic curve.
    """

    def _update_meta(self) -> None:
        """Change nothing."""

    def register_extension(self, ext: object) -> None:
        """Change nothing."""

    def ensure_output_version(self, version: object) -> None:
        """Change nothing."""


class _Drawing(BaseStamp):
    def render(self) -> bytes:
        """Draw from the top: meaning and time, name, role, then the small print."""
        style: Block = self.style
        words = style.words
        assert words is not None
        assert style.time is not None
        assert self.writer is not None
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
        y = float(height)
        for option, text, name, font, full, color in rows:
            room = (width - 10) / (font.shape(text).x_advance or 1)
            if option and room < _SMALLEST * full:
                msg = f"--{option}: too long for the signature block; say it shorter"
                raise SettingsError(msg)
            size = min(full, room)
            font.font_size = size  # type: ignore[assignment]  # for accents that are placed; any number will do
            y -= full * 1.32
            drawn.append(f"q BT {color} {name} {size:.3f} Tf 1 0 0 1 8 {y:.2f} Tm".encode())
            drawn.append(font.shape(text).graphics_ops + b" ET Q")
        return b" ".join(drawn)
