"""PNG, JPEG and BMP: the formats of cameras, screens and office programs."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import imagecodecs
import numpy as np
from PIL import Image, ImageOps

from inspect_tool.errors import ReadError
from inspect_tool.images.readers._planes import chosen
from inspect_tool.images.readers._side_car import scale_beside
from inspect_tool.images.readers.raster import (
    MAX_COMPRESSION,
    Raster,
    Scale,
    agreed,
    careful,
    check_size,
    micrograph,
    scale_from_density,
    turned,
)
from inspect_tool.languages import Text, Words
from inspect_tool.model import Calibration, Micrograph, Samples, Selection
from inspect_tool.pixels.png import own_limits

SUFFIXES = (".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".bmp", ".dib")

_FORMATS = ("PNG", "JPEG", "BMP", "MPO")

_ORIENTATION = 274


def recognizes(head: bytes) -> bool:
    """Whether a file that starts with these bytes is a PNG, JPEG or BMP."""
    return head.startswith((b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"BM"))


def read(path: Path, which: Selection = Selection()) -> Micrograph:
    """Read a PNG, JPEG or BMP file.

    Parameters
    ----------
    path : Path
        The file.
    which : Selection
        These formats have one plane: 0 or None everywhere.

    Returns
    -------
    Micrograph
        Its calibration is what the file itself says.

    Raises
    ------
    ReadError
        The file is damaged, too large or not of these formats.
    """
    return micrograph(path, raster(path, which))


def raster(path: Path, which: Selection = Selection()) -> Raster:
    """Decode the image; samples as they are to be seen, palette indices beside them."""
    chosen(path, {}, which)
    with _opened(path) as image:
        return _decode(path, image)


def scale(path: Path, which: Selection = Selection()) -> Calibration:
    """Tell what the file says of its scale; nothing is decoded."""
    chosen(path, {}, which)
    with _opened(path) as image:
        _check_header(path, image)
        return _scale(path, image).calibration()


@contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    with careful(path, "image"), own_limits(), Image.open(path, formats=_FORMATS) as image:
        yield image


def _check_header(path: Path, image: Image.Image) -> None:
    factor = MAX_COMPRESSION if image.format != "BMP" or image.info.get("compression") else 1
    bits = 1 if image.mode == "1" else 8
    check_size(path, image.height, image.width, len(image.getbands()), bits, factor=factor)


def _decode(path: Path, image: Image.Image) -> Raster:
    kind = str(image.format)
    _check_header(path, image)
    notes: dict[str, Words] = {"format": "JPEG" if kind == "MPO" else kind}
    lossy = kind in ("JPEG", "MPO")
    lossless = Text("readers.none") if kind == "BMP" else "deflate"
    notes["compression"] = Text("readers.lossy", name="JPEG") if lossy else lossless
    if getattr(image, "n_frames", 1) > 1:
        notes["page"] = Text("readers.first_picture", count=image.n_frames)  # type: ignore[attr-defined]
    found = _scale(path, image)
    notes.update(found.notes)
    if "icc_profile" in image.info:
        notes["color profile"] = Text("readers.icc_not_applied")
    orientation = image.getexif().get(_ORIENTATION, 1)
    stored: Samples | None = None
    alpha: Samples | None = None
    deep = _deep_png(path) if kind == "PNG" else False
    if deep:
        samples = np.asarray(imagecodecs.png_decode(path.read_bytes()))
        if samples.ndim == 3 and samples.shape[2] in (2, 4):
            samples, alpha = samples[:, :, :-1], samples[:, :, -1]
        samples = samples[:, :, 0] if samples.ndim == 3 and samples.shape[2] == 1 else samples
        samples, alpha = turned(samples, orientation), None if alpha is None else turned(alpha, orientation)
    else:
        if orientation != 1:
            image = ImageOps.exif_transpose(image)
        image.load()
        if lossy:
            _check_jpeg(path)
        samples, stored, alpha = _samples(image, notes)
    if orientation in range(2, 9):
        notes["orientation"] = Text("readers.exif_orientation", orientation=orientation)
    return Raster(
        samples=samples, notes=notes, calibration=found.calibration(), lossy=lossy, stored=stored, alpha=alpha
    )


def _check_jpeg(path: Path) -> None:
    """Refuse a JPEG whose decoder noticed damage and went on: the format has no check sum, and gray shifts unseen.

    Pillow does not hand on what libjpeg warns of. What the second decoder does not know at all is left to the first.
    """
    import simplejpeg

    data = path.read_bytes()
    try:
        simplejpeg.decode_jpeg(data, colorspace="GRAY", strict=True)
    except ValueError as error:
        try:
            simplejpeg.decode_jpeg(data, colorspace="GRAY", strict=False)
        except ValueError:
            return
        msg = f"{path}: damaged JPEG ({error}); export it again from the microscope, or from an undamaged copy"
        raise ReadError(msg) from None


def _samples(image: Image.Image, notes: dict[str, Words]) -> tuple[Samples, Samples | None, Samples | None]:
    """Samples, stored indices of a palette image, alpha."""
    match image.mode:
        case "1":
            return np.asarray(image.convert("L")), None, None
        case "L" | "RGB" | "F" | "I" | "I;16" | "I;16B" | "I;16L":
            return np.asarray(image), None, None
        case "LA" | "RGBA":
            data = np.asarray(image)
            body = data[:, :, 0] if image.mode == "LA" else data[:, :, :3]
            return body, None, data[:, :, -1]
        case "P" | "PA":
            notes["palette"] = Text("readers.palette_applied")
            stored = np.asarray(image if image.mode == "P" else image.getchannel("P"))
            if "transparency" in image.info or image.mode == "PA":
                data = np.asarray(image.convert("RGBA"))
                return data[:, :, :3], stored, data[:, :, 3]
            colors = np.asarray(image.convert("RGB"))
            return colors, None if _gray_palette(image) else stored, None
        case _:
            notes["color model"] = Text("readers.converted_to_rgb", mode=image.mode)
            return np.asarray(image.convert("RGB")), None, None


def _gray_palette(image: Image.Image) -> bool:
    colors = image.getpalette("RGB") or []
    return colors[0::3] == colors[1::3] == colors[2::3]


def _deep_png(path: Path) -> bool:
    """Whether a PNG has 16 bits per sample: Pillow would drop half of them from color images."""
    with path.open("rb") as file:
        head = file.read(26)
    return len(head) == 26 and head[24] == 16


def _scale(path: Path, image: Image.Image) -> Scale:
    """Pixel size from the file and the text beside it, of the image as it stands after its orientation tag."""
    found = agreed(_scale_in(image, str(image.format)), scale_beside(path, image.width, image.height))
    if found.pixel_y_um is None:  # a PNG is decoded to know its orientation, which is no matter for square pixels
        return found
    return found.turned() if image.getexif().get(_ORIENTATION, 1) in (5, 6, 7, 8) else found


def _scale_in(image: Image.Image, kind: str) -> Scale:
    """Pixel size from the density that PNG, JFIF, EXIF or BMP carry, if it can be one."""
    info = image.info
    if kind == "PNG":
        if "aspect" in info:
            x, y = info["aspect"]
            return scale_from_density(x, y, "", "PNG pHYs")
        if "dpi" in info:
            x, y = info["dpi"]
            return scale_from_density(x / 0.0254, y / 0.0254, "m", "PNG pHYs")
        return Scale(note=_NONE)
    if kind == "BMP":
        x, y = info.get("dpi", (0.0, 0.0))
        return scale_from_density(x / 0.0254, y / 0.0254, "m", "BMP resolution") if x and y else Scale(note=_NONE)
    exif = image.getexif()
    if exif.get(282) and exif.get(283):
        unit = {1: "", 2: "inch", 3: "cm"}.get(int(exif.get(296, 2)))
        if unit is not None:
            return scale_from_density(float(exif[282]), float(exif[283]), unit, "EXIF resolution")
    if "jfif_density" in info:
        x, y = info["jfif_density"]
        unit = {0: "", 1: "inch", 2: "cm"}.get(int(info.get("jfif_unit", 0)))
        if unit is not None:
            return scale_from_density(x, y, unit, "JFIF density")
    return Scale(note=_NONE)


_NONE = Text("readers.no_scale_in_file")
