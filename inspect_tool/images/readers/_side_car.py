"""Pixel size from the text file that JEOL and Hitachi microscopes write beside an image.

Both write TIFF, BMP or JPEG and a ``.txt`` of the same name. The text counts for this image only when the size of the
image that it states is the one that the image has; a text that names another file is refused.
"""

import re
from collections.abc import Mapping
from pathlib import Path

from inspect_tool.images.readers.raster import UNIT_UM, Scale, scale_of, scan_fits, stale, with_data_bar
from inspect_tool.languages import Text, named

_LONGEST = 65536  # side-cars have a few kB; a text that is longer is something else, and only its start is looked at


def scale_beside(path: Path, width: int, height: int) -> Scale | None:
    """Scale in the text file beside an image; None when there is none, or it is of another kind.

    Parameters
    ----------
    path : Path
        The image.
    width, height : int
        Its size. [px]
    """
    for suffix in (".txt", ".TXT"):
        beside = path.with_suffix(suffix)
        try:
            with beside.open("rb") as file:
                text = _decoded(file.read(_LONGEST))
        except (OSError, ValueError):
            continue
        if "[SemImageFile]" in text[:64]:
            return hitachi(text, path.stem, width, height)
        if re.match(r"\s*\${1,2}[A-Z]+_", text):
            return jeol(text, width, height)
        return None
    return None


def hitachi(text: str, stem: str, width: int, height: int) -> Scale:
    """Hitachi: ``[SemImageFile]`` with ``PixelSize`` in nm, ``DataSize`` and ``ImageName``.

    That ``PixelSize`` is in nm follows from field width (127 mm over the magnification) and ``DataSize``, and from
    scale bars in the same pictures.
    """
    what = "Hitachi side-car"
    values = {key.strip(): value.strip() for key, _, value in (line.partition("=") for line in text.splitlines())}
    name = values.get("ImageName", "")
    # the name may come with a folder of the microscope's own computer
    if name and Path(name.replace("\\", "/")).stem.casefold() != stem.casefold():
        return _refused("readers.of_another_image", what, name=name, stem=stem)
    pixel_nm, size = _number(values.get("PixelSize", "")), _size(values.get("DataSize", ""))
    if pixel_nm is None:
        return _refused("readers.holds_no_pixel_size", what, value=values.get("PixelSize", ""))
    if size is None:
        return _refused("readers.no_data_size", what, pixel_nm=pixel_nm)
    if size != (width, height):
        return stale(Text("readers.values_of", what=named("readers", what)), size, (width, height), pixel_nm * 1e-3)
    return scale_of(pixel_nm * 1e-3, pixel_nm * 1e-3, what)


def jeol(text: str, width: int, height: int) -> Scale:
    """JEOL: the length of the scale bar, ``$$SM_MICRON_MARKER``, over its pixels, ``$$SM_MICRON_BAR``.

    Newer ones state the field of view as well, which is finer than a bar of whole pixels and must agree with it. The
    size is ``$CM_FULL_SIZE`` or ``$CM_IMAGE_SIZE``; the picture may be taller by a data bar.
    """
    what = "JEOL side-car"
    values = _dollar_values(text)
    size = _size(values.get("CM_IMAGE_SIZE", "")) or _size(values.get("CM_FULL_SIZE", ""))
    bar_px, bar_um = _number(values.get("SM_MICRON_BAR", "")), _lengths(values.get("SM_MICRON_MARKER", ""))
    field_um = _lengths(values.get("CM_FIELD_OF_VIEW", ""))
    by_bar = bar_um[0] / bar_px if bar_px and len(bar_um) == 1 else None
    if by_bar is None and not (size and len(field_um) == 2):
        bar, marker = values.get("SM_MICRON_BAR", ""), values.get("SM_MICRON_MARKER", "")
        return _refused("readers.holds_no_scale_bar", what, bar=bar, marker=marker)
    if size is None:
        return _refused("readers.no_size_of_image", what, pixel_um=by_bar)
    x_um = y_um = by_bar or 0.0
    if len(field_um) == 2:
        x_um, y_um = field_um[0] / size[0], field_um[1] / size[1]
        # the bar is cut to whole pixels at both ends
        if by_bar and bar_px and abs(by_bar / x_um - 1) > max(0.005, 1.0 / bar_px):
            return _refused("readers.bar_and_field_differ", what, bar_um=by_bar, field_um=x_um)
    if not scan_fits(size, width, height):
        return stale(Text("readers.values_of", what=named("readers", what)), size, (width, height), x_um)
    rounded = bar_px and len(field_um) != 2
    source = Text("readers.bar_rounded", what=named("readers", what), bar_px=bar_px) if rounded else what
    return with_data_bar(scale_of(x_um, y_um, source), height - size[1])


def _refused(key: str, what: str, **values: str | float | None) -> Scale:
    return Scale(note=Text(key, what=named("readers", what), **values), refused=True)


def _decoded(data: bytes) -> str:
    """Text of a file that may be UTF-16, UTF-8 or of the code page of a Windows computer."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", errors="replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")


def _dollar_values(text: str) -> Mapping[str, str]:
    found = re.findall(r"^\s*\$+(\w+)[ \t]+(.*?)\s*$", text, flags=re.MULTILINE)
    return dict(found)


def _number(text: str) -> float | None:
    match = re.fullmatch(r"(\d+(?:[.,]\d+)?)(?:\s*nm)?", text.strip())
    value = float(match[1].replace(",", ".")) if match else 0.0
    return value if value > 0 else None


def _size(text: str) -> tuple[int, int] | None:
    match = re.fullmatch(r"(\d+)\s*[xX* ]\s*(\d+)", text.strip())
    return (int(match[1]), int(match[2])) if match and int(match[1]) and int(match[2]) else None


def _lengths(text: str) -> list[float]:
    """Every length in a text such as "10um" or "25.6µm 19.2µm"; none at all when anything else is in it. [um]"""
    found = re.findall(r"(\d+(?:[.,]\d+)?)\s*([^\W\d]+)", text)
    if re.sub(r"(\d+(?:[.,]\d+)?)\s*([^\W\d]+)", "", text).strip():
        return []
    factors = [UNIT_UM.get(unit.lower()) for _, unit in found]
    return [float(value.replace(",", ".")) * f for (value, _), f in zip(found, factors, strict=True) if f]
