"""OME-XML of a TIFF file: which page is which plane, and the pixel size."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from math import log
from pathlib import Path
from xml.etree import ElementTree

from defusedxml.common import DefusedXmlException

from inspect_tool.errors import ReadError
from inspect_tool.images.readers._planes import Positions
from inspect_tool.images.readers.raster import (
    SQUARE_WITHIN,
    UNIT_UM,
    Scale,
    placeholder,
    plain_xml,
    scale_of,
    stale,
)
from inspect_tool.languages import Text

_MOST_PLANES = 1_000_000  # of one file; more is damage
_AXIS = {"C": "channel", "Z": "z", "T": "time"}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OmePlane:
    """One plane: the page that holds it, counted over all pages of the file, and what OME-XML says of it."""

    page: int
    pixels: ElementTree.Element


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OmePlanes:
    """All planes of a file; one entry per scene (``Image`` of OME-XML)."""

    scenes: tuple[str, ...]
    axes: tuple[Mapping[str, Positions], ...]
    pixels: tuple[ElementTree.Element, ...]
    pages: tuple[Mapping[tuple[int, int, int], int | str], ...]  # (channel, z, time): page, or name of another file

    def plane(self, path: Path, at: Mapping[str, int]) -> OmePlane:
        """Plane at a position on every axis; one that lies in another file, or nowhere, is a ``ReadError``."""
        place = at["channel"], at["z"], at["time"]
        page = self.pages[at["scene"]].get(place)
        if isinstance(page, int):
            return OmePlane(page=page, pixels=self.pixels[at["scene"]])
        where = "channel {}, z {}, time {}".format(*place)
        found = "is not in the file" if page is None else f"lies in another file of the set; name that one: {page}"
        msg = f"{path}: the plane at {where} {found}"
        raise ReadError(msg)


def ome_planes(text: str, pages: int) -> OmePlanes | None:
    """Planes of a TIFF file by its OME-XML; None unless every page of the file is named once.

    Parameters
    ----------
    text : str
        OME-XML: the description of the first page.
    pages : int
        Pages of the file.
    """
    root = _root(text)
    if root is None:
        return None
    found: list[tuple[str, Mapping[str, Positions], ElementTree.Element, Mapping[tuple[int, int, int], int | str]]] = []
    try:
        for image in root.iterfind("{*}Image"):
            pixels = image.find("{*}Pixels")
            if pixels is not None and pixels.find("{*}TiffData") is not None:
                name = image.get("Name") or image.get("ID") or ""
                found.append((name, _positions(pixels), pixels, _table(pixels, str(root.get("UUID")), pages)))
    except (ValueError, KeyError):
        return None
    own = [page for _, _, _, table in found for page in table.values() if isinstance(page, int)]
    if not found or sorted(own) != list(range(pages)):
        return None
    scenes, axes, elements, tables = zip(*found, strict=True)
    return OmePlanes(scenes=scenes, axes=axes, pixels=elements, pages=tables)


def _root(text: str) -> ElementTree.Element | None:
    try:
        return plain_xml(text)
    except (ElementTree.ParseError, DefusedXmlException):
        return None


def _positions(pixels: ElementTree.Element) -> dict[str, Positions]:
    """Positions on the axes of one image; channels by their names."""
    channels = pixels.findall("{*}Channel")
    samples = [int(item.get("SamplesPerPixel", 1)) for item in channels]
    count = int(pixels.get("SizeC", 1))
    if channels and sum(samples) == count:
        if len(channels) > 1 and max(samples) > 1:
            raise ValueError  # several color images: nobody says how their planes are counted
        names: Positions = [item.get("Name") or "" for item in channels]
    else:
        names = count
    return {"channel": names, "z": int(pixels.get("SizeZ", 1)), "time": int(pixels.get("SizeT", 1))}


def _table(pixels: ElementTree.Element, own: str, pages: int) -> dict[tuple[int, int, int], int | str]:
    """Page of every plane, or the name of the file of the set that holds it."""
    axes = _positions(pixels)
    sizes = {axis: n if isinstance(n, int) else len(n) for axis, n in axes.items()}
    if min(sizes.values()) < 1 or sizes["channel"] * sizes["z"] * sizes["time"] > _MOST_PLANES:
        raise ValueError
    # the last axis of the order is the slowest
    order = [_AXIS[letter] for letter in reversed(pixels.get("DimensionOrder", "XYCZT")[2:])]
    places = [dict(zip(order, at, strict=True)) for at in product(*(range(sizes[axis]) for axis in order))]
    planes = [(at["channel"], at["z"], at["time"]) for at in places]
    place_of = {plane: number for number, plane in enumerate(planes)}
    table: dict[tuple[int, int, int], int | str] = {}
    for item in pixels.iterfind("{*}TiffData"):
        first = place_of[tuple(int(item.get(f"First{letter}", 0)) for letter in "CZT")]  # type: ignore[index]
        page = int(item.get("IFD", 0))
        count = int(item.get("PlaneCount", 1 if "IFD" in item.attrib else min(pages, len(planes))))
        uuid = item.find("{*}UUID")
        other = uuid.get("FileName", "not named") if uuid is not None and (uuid.text or "").strip() != own else None
        for step in range(count):
            plane = planes[first + step] if first + step < len(planes) else None
            if plane is None or plane in table:
                raise ValueError
            table[plane] = page + step if other is None else other
    return table


def scale_ome(text: str, width: int, height: int) -> Scale | None:
    """Pixel size from OME-XML where nobody says which of its images counts; None when it says nothing."""
    try:
        root = plain_xml(text)
    except DefusedXmlException:
        return Scale(note=Text("readers.ome_document_type"), refused=True)
    except ElementTree.ParseError:
        return Scale(note=Text("readers.ome_not_parsed"), refused=True)
    images = [item for item in root.iterfind(".//{*}Pixels") if item.get("PhysicalSizeX") is not None]
    if not images:
        return None
    sizes = [_ome_size(item) for item in images]
    fitting = [item for item, size in zip(images, sizes, strict=True) if size in (None, (width, height))]
    if not fitting:
        return scale_ome_of(images[0], width, height)
    scales = [_scale_ome_pixels(item) for item in fitting]
    refused = next((scale for scale in scales if scale.pixel_um is None), None)
    if refused is not None:
        return refused
    # the pages are not told apart here, so the scales of all images must be one
    for size in (_wide, _high):
        finest, coarsest = min(scales, key=size), max(scales, key=size)
        if size(coarsest) > size(finest) * (1 + SQUARE_WITHIN):
            note = Text("readers.ome_different_scales", one=finest.note, other=coarsest.note)
            return Scale(note=note, refused=True)
    return scales[0]


def scale_ome_of(pixels: ElementTree.Element, width: int, height: int) -> Scale | None:
    """Pixel size of one image of OME-XML; None when it has none."""
    if pixels.get("PhysicalSizeX") is None:
        return None
    found, size = _scale_ome_pixels(pixels), _ome_size(pixels)
    if found.pixel_um is not None and size not in (None, (width, height)):
        return stale("OME-XML values", size or (0, 0), (width, height), found.pixel_um)
    return found


def _wide(scale: Scale) -> float:
    return scale.pixel_um or 0.0


def _high(scale: Scale) -> float:
    return scale.pixel_y_um or scale.pixel_um or 0.0


def _ome_size(pixels: ElementTree.Element) -> tuple[int, int] | None:
    x, y = (pixels.get(f"Size{axis}", "") for axis in ("X", "Y"))
    return (int(x), int(y)) if x.isdecimal() and y.isdecimal() and int(x) and int(y) else None


def _scale_ome_pixels(pixels: ElementTree.Element) -> Scale:
    """Pixel size as written; the unit is um where none is (OME schema).

    A height without a unit is of that under which the pixel is nearer to a square: of the schema, or of the width.
    """
    factors, sizes = [], []
    for axis in ("X", "Y"):
        unit = pixels.get(f"PhysicalSize{axis}Unit", "µm").strip()
        factor = UNIT_UM.get(unit.lower(), {"cm": 1e4, "in": 25400.0}.get(unit))
        text_value = pixels.get(f"PhysicalSize{axis}", pixels.get("PhysicalSizeX", ""))
        if factor is None:
            note = Text("readers.unit_is_no_length", what=f"OME PhysicalSize{axis}", unit=unit)
            return Scale(note=note, refused=True)
        try:
            sizes.append(float(text_value))
        except ValueError:
            note = Text("readers.is_no_number", what=f"OME PhysicalSize{axis}", value=text_value)
            return Scale(note=note, refused=True)
        factors.append(factor)
    wide, high = sizes
    if "PhysicalSizeYUnit" not in pixels.attrib and min(wide, high) > 0:
        factors[1] = min(factors[::-1], key=lambda factor: abs(log(high * factor / (wide * factors[0]))))
    if placeholder(wide, high):
        unit = pixels.get("PhysicalSizeXUnit", "µm").strip()
        return Scale(note=Text("readers.placeholder", what=Text("readers.physical_size_x_and_y"), unit=unit))
    return scale_of(wide * factors[0], high * factors[1], "OME PhysicalSizeX")
