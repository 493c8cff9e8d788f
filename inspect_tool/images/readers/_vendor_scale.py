"""Pixel size from the private TIFF tags of microscope makers: one pure function per maker.

Each takes the tag as tifffile gives it and the size of the image, and answers with a scale or a refusal that names the
numbers that do not fit. No maker documents these tags in public. What a number means is taken from field width
and image size in the same tag, which must give the same pixel; a scale bar in the same picture agrees with both in
the files at hand (see ``docs/calibration.md``).
"""

import re
from collections.abc import Callable, Mapping
from math import isfinite
from typing import Any

from inspect_tool.images.readers.raster import UNIT_UM, Scale, scale_of, scan_fits, stale, with_data_bar
from inspect_tool.languages import Text, named

ZEISS, FEI, FEI_OLD, TVIPS, SIS_TEXT, SIS, EXIF = 34118, 34682, 34680, 37706, 33471, 33560, 34665
DM_UNITS, DM_SIZES = (65003, 65004), (65009, 65010)

TAGS = (ZEISS, FEI, FEI_OLD, TVIPS, SIS_TEXT, SIS, *DM_UNITS, *DM_SIZES)
"""Numbers of the tags of makers; :func:`scale_of_tags` looks at EXIF beside them."""

_WITHIN = 0.005  # numbers of one file that mean one length agree within this: they have four digits [1]
_ZEISS_DISPLAY_PX = 1024  # width of the display that AP_PIXEL_SIZE counts for, whatever the stored size
_ZEISS_STORE_STEP_PX = 512  # widths that SmartSEM stores are 512, 1024, 2048, 3072, ...: multiples of this


def scale_of_tags(tags: Mapping[int, object], width: int, height: int) -> Scale | None:
    """Scale from the tags of one page; None when no maker's tag is among them.

    Parameters
    ----------
    tags : mapping of int to value
        Tag number to the value that tifffile gives.
    width, height : int
        Size of the image. [px]
    """
    readers: tuple[tuple[int, Callable[[Any, int, int], Scale]], ...] = (
        (ZEISS, zeiss_sem),
        (FEI, fei_sem),
        (FEI_OLD, fei_sem),
        (TVIPS, tvips),
    )
    for code, reader in readers:
        if code in tags:
            return reader(tags[code] if isinstance(tags[code], Mapping) else {}, width, height)
    if SIS in tags or SIS_TEXT in tags:
        return olympus_sis(tags, width, height)
    if any(code in tags for code in DM_SIZES):
        return digital_micrograph(tags)
    return None


def zeiss_sem(tag: Mapping[str, Any], width: int, height: int) -> Scale:
    """Zeiss SmartSEM: the field of view over the size of the image.

    ``AP_PIXEL_SIZE`` is the pixel of a display of 1024 px: stored with 512 px, an image has pixels of twice that.
    ``AP_IMAGE_PIXEL_SIZE`` of newer versions is the pixel of the stored image. ``AP_WIDTH`` and ``AP_HEIGHT`` are the
    field of view. Whatever is there must agree; the unnamed fourth number, in meters and with more digits,
    is taken when it does.
    """
    what = "Zeiss SEM tags"
    display, image = _named(tag, "ap_pixel_size"), _named(tag, "ap_image_pixel_size")
    field_x, field_y = _named(tag, "ap_width"), _named(tag, "ap_height")
    if _state(tag, "dp_zoom") is True:
        return _refused("readers.zoom_is_on", what)
    if "FIB" in str(_state(tag, "dp_fib_imaging")):
        return _refused("readers.ion_beam", what)
    store = _pair(tag.get("dp_image_store"))
    if store is not None and store != (width, height):
        pixel = image or (field_x / store[0] if field_x else None) or display
        return stale(what, store, (width, height), pixel) if pixel else _refused("readers.hold_no_pixel_size", what)
    if field_x and field_y and not _same(field_x / width, field_y / height):
        return _refused(
            "readers.field_makes_pixels",
            what,
            x_um=field_x,
            y_um=field_y,
            width=width,
            height=height,
            wide_um=field_x / width,
            high_um=field_y / height,
        )
    by_field = field_x / width if field_x else None
    if image and by_field and not _same(image, by_field):
        return _refused("readers.image_and_field_contradict", what, pixel_um=image, field_um=by_field)
    if store is None and image is None and by_field and width % _ZEISS_STORE_STEP_PX:
        as_stored = (
            Text("readers.pixel_size_for", pixel_um=display, px=_ZEISS_DISPLAY_PX)
            if display
            else Text("readers.no_pixel_size")
        )
        return _refused("readers.no_size_it_stores", what, field_um=by_field, as_stored=as_stored, width=width)
    counted = display * _ZEISS_DISPLAY_PX / width if display else None
    pixel = image or by_field
    if pixel is None:
        if display is None or counted is None:
            return _refused("readers.hold_no_pixel_size", what)
        if not _same(display, counted):
            return _refused(
                "readers.display_pixel_alone",
                what,
                one_um=display,
                width=width,
                other_um=counted,
                display=_ZEISS_DISPLAY_PX,
            )
        pixel = display
    fine = _number(tag.get("", ())[3]) if len(tag.get("", ())) > 3 else None
    for candidate in () if fine is None else (fine * 1e6, fine * 1e6 * _ZEISS_DISPLAY_PX / width):
        if _same(candidate, pixel):
            pixel = candidate
            break
    return scale_of(pixel, pixel, what)


def fei_sem(tag: Mapping[str, object], width: int, height: int) -> Scale:
    """FEI, Thermo Fisher: ``PixelWidth`` and ``PixelHeight`` of the scan, in meters.

    ``[Image] ResolutionX`` and ``ResolutionY`` are the size of the scan; the picture may be taller by a data bar.
    """
    what = "FEI SEM tags"
    beam = str(_in(tag, "Beam", "Scan") or "")
    found: dict[str, tuple[float, float]] = {}
    for section in dict.fromkeys(("Scan", beam)):
        x, y = (_number(_in(tag, section, name)) for name in ("PixelWidth", "PixelHeight"))
        if x and y:
            found[section] = x * 1e6, y * 1e6
    if not found:
        return _refused("readers.hold_no_pixel_width", what, sections=" ".join(map(str, tag)) or "-")
    (x_um, y_um), *others = found.values()
    for other in others:
        if not _same(x_um, other[0]):
            return _refused("readers.sections_disagree", what, one_um=x_um, beam=beam, other_um=other[0])
    zoom = _number(_in(tag, "Image", "ZoomFactor"))
    if zoom is not None and zoom != 1:
        return _refused("readers.digital_zoom", what, zoom=zoom, pixel_um=x_um)
    field = _number(_in(tag, "Scan", "HorFieldsize")) or _number(_in(tag, beam, "HorFieldsize"))
    columns, rows = (_number(_in(tag, "Image", name)) for name in ("ResolutionX", "ResolutionY"))
    if columns is None and field is not None and isfinite(across := field * 1e6 / x_um):
        columns = float(round(across))
    if not columns:  # also of a field that is narrower than its pixel
        return _refused("readers.for_which_size", what, pixel_um=x_um)
    if field is not None and not _same(field * 1e6 / columns, x_um):
        return _refused(
            "readers.width_and_field_contradict",
            what,
            pixel_um=x_um,
            field_um=field * 1e6,
            columns=columns,
            by_field_um=field * 1e6 / columns,
        )
    scan = round(columns), height if rows is None else round(rows)
    if not scan_fits(scan, width, height):
        return stale(what, scan, (width, height), x_um)
    return with_data_bar(scale_of(x_um, y_um, what), height - scan[1])


def tvips(tag: Mapping[str, object], width: int, height: int) -> Scale:
    """TVIPS EM-MENU: ``PixelSizeX`` and ``PixelSizeY`` in nm, binning counted, for ``ImageSizeX`` x ``ImageSizeY``."""
    what = "TVIPS tags"
    x, y = (_number(tag.get(name)) for name in ("PixelSizeX", "PixelSizeY"))
    if not x or not y:
        return _refused("readers.no_pixel_size_in_version", what, version=str(tag.get("Version", "?")))
    size = tuple(int(_number(tag.get(name)) or 0) for name in ("ImageSizeX", "ImageSizeY"))
    if size != (width, height):
        return stale(what, (size[0], size[1]), (width, height), x * 1e-3)
    return scale_of(x * 1e-3, y * 1e-3, what)


def olympus_sis(tags: Mapping[int, Any], width: int, height: int) -> Scale:
    """Olympus Soft Imaging: pixel size in meters; the EXIF tag of the same file has the size of the image."""
    what = "Olympus SIS tags"
    text, found, exif = (tags[code] if isinstance(tags.get(code), Mapping) else {} for code in (SIS_TEXT, SIS, EXIF))
    x, y = (_number(found.get(name)) or _number(text.get(name)) for name in ("pixelsizex", "pixelsizey"))
    if not x or not y:
        return _refused("readers.hold_no_pixel_size", what)
    size = tuple(round(_number(exif.get(f"Pixel{axis}Dimension")) or 0) for axis in "XY")
    if all(size) and size != (width, height):
        return stale(what, (size[0], size[1]), (width, height), x * 1e6)
    return scale_of(x * 1e6, y * 1e6, what)


def digital_micrograph(tags: Mapping[int, object]) -> Scale:
    """Gatan DigitalMicrograph: size and unit of both axes in tags of their own."""
    what = "DigitalMicrograph tags"
    units = [str(tags.get(code, "")).strip() for code in DM_UNITS]
    sizes = [_number(tags.get(code)) for code in DM_SIZES]
    factors = [UNIT_UM.get(unit.lower()) for unit in units]
    if None in factors:
        return _refused("readers.units_are_no_length", what, one=units[0], other=units[1])
    x, y = (size * factor if size and factor else 0.0 for size, factor in zip(sizes, factors, strict=True))
    return scale_of(x, y, what)


def _refused(key: str, what: str, **values: str | float) -> Scale:
    return Scale(note=Text(key, what=named("readers", what), **values), refused=True)


def _same(one: float, other: float) -> bool:
    return abs(one / other - 1) <= _WITHIN


def _in(tag: Mapping[str, object], section: str, name: str) -> Any:
    found = tag.get(section)
    return found.get(name) if isinstance(found, Mapping) else None


def _number(value: object) -> float | None:
    """Read a positive number; a decimal comma counts."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        number = float(value.replace(",", ".") if isinstance(value, str) else value)
    except ValueError:
        return None
    return number if isfinite(number) and number > 0 else None


def _named(tag: Mapping[str, object], key: str) -> float | None:
    """Length [um] of an entry (name, value, unit); None when it is missing, zero or in another unit."""
    entry = tag.get(key)
    if not isinstance(entry, tuple) or len(entry) < 2:
        return None
    parts = str(entry[1]).split() if len(entry) == 2 else [str(entry[1]), str(entry[2])]
    value = _number(parts[0]) if len(parts) == 2 else None
    factor = UNIT_UM.get(parts[1].lower()) if len(parts) == 2 else None
    return value * factor if value and factor else None


def _state(tag: Mapping[str, object], key: str) -> Any:
    entry = tag.get(key)
    return entry[1] if isinstance(entry, tuple) and len(entry) > 1 else None


def _pair(entry: object) -> tuple[int, int] | None:
    """Size in an entry such as ("Store resolution", "1024 * 768"). [px]"""
    if not isinstance(entry, tuple) or len(entry) < 2:
        return None
    found = re.fullmatch(r"\s*(\d+)\s*[*xX]\s*(\d+)\s*", str(entry[1]))
    return (int(found[1]), int(found[2])) if found and int(found[1]) and int(found[2]) else None
