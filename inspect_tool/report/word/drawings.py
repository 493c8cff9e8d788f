"""Drawings of a page as PNG, which every Word shows: drawn by WeasyPrint and PDFium, from the same SVG as on paper."""

import base64
import re
from collections.abc import Iterator, Sequence
from typing import Any
from xml.etree import ElementTree

import weasyprint

from inspect_tool.report import pdf_pictures

SVG = "{http://www.w3.org/2000/svg}"
"""Namespace of the names of its elements."""

_DPI = 250


def drawn(body: Any, ink: str) -> dict[str, bytes]:
    """Draw every SVG of a page once: those in addresses under the address, those in the text under their text."""
    sources = {one.get("src", "") for one in body.iter("img")}
    found = {one: bytes_of(one).decode() for one in sorted(sources) if one.startswith("data:image/svg+xml")}
    found |= {text: text for one in body.iter(f"{SVG}svg") for text in [svg_text(one, ink)]}
    names = list(found)
    return dict(zip(names, _pngs([found[name] for name in names]), strict=True))


def bytes_of(source: str) -> bytes:
    """Bytes of a picture that stands in its address."""
    head, _, data = source.partition(",")
    return base64.b64decode(data) if head.startswith("data:image/") and head.endswith(";base64") else b""


def svg_text(element: Any, ink: str) -> str:
    """An SVG of the page as a file of its own, in the color that it takes from what is around it."""
    alone = ElementTree.Element(element.tag, dict(element.attrib))
    alone.extend(element)
    if "width" not in alone.attrib and (box := alone.get("viewBox", "").split())[2:]:
        alone.attrib |= {"width": box[2], "height": box[3]}
    color = alone.get("color") or ink
    return ElementTree.tostring(alone, encoding="unicode").replace("currentColor", color)


def _pngs(drawings: Sequence[str]) -> Iterator[bytes]:
    """Draw SVG files as PNG, each on a page of its own size."""
    rules, pages = [], []
    for i, text in enumerate(drawings):
        width, height = size_mm(text)
        rules.append(f"@page p{i} {{ size: {width}mm {height}mm; margin: 0 }} .p{i} {{ page: p{i}; }}")
        address = f"data:image/svg+xml;base64,{base64.b64encode(text.encode()).decode()}"
        pages.append(f'<img class="p{i}" style="width: {width}mm; height: {height}mm; display: block" src="{address}">')
    if not pages:
        return
    page = f"<style>body {{ margin: 0 }} {''.join(rules)}</style>{''.join(pages)}"
    for picture in pdf_pictures.pages(weasyprint.HTML(string=page).write_pdf(), _DPI):
        yield pdf_pictures.png(picture, _DPI)


def size_mm(svg: str) -> tuple[float, float]:
    """Width and height that a drawing states."""
    head = svg[svg.find("svg") :].partition(">")[0]
    stated = re.search(r'\bwidth="([\d.]+)(mm|pt|px)?"[^>]*\bheight="([\d.]+)(mm|pt|px)?"', head)
    if stated:
        per = {"mm": 1.0, "pt": 25.4 / 72, "px": 25.4 / 96}[stated[2] or "px"]
        return float(stated[1]) * per, float(stated[3]) * per
    return (30.0, 30.0)
