"""Image files to micrographs: one module per family of formats, each with ``SUFFIXES`` and ``read``.

A reader is chosen by what the file holds (``recognizes(head)`` of the module, where it has one), then by
the suffix of its name. A name that does not fit the content is read and noted. An image that is a folder goes to
the reader whose ``recognizes_folder(path)`` says so.
"""

from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import numpy as np

from inspect_tool import registry
from inspect_tool.errors import ReadError
from inspect_tool.images.readers._windows import PixelWindows as PixelWindows
from inspect_tool.languages import Text, Words
from inspect_tool.model import Calibration, Micrograph, Samples, Selection
from inspect_tool.plugins import KnowsContent, KnowsFolders, Reader, ReadsMasks, ReadsWindows, TellsScale


def read(path: Path, which: Selection = Selection()) -> Micrograph:
    """Read one plane of an image of any known format.

    Parameters
    ----------
    path : Path
        The file, or the folder of a format whose images are folders.
    which : Selection
        Which plane of a file with several.

    Returns
    -------
    Micrograph
        Read-only pixels, uint8 or float32; its calibration is what the file itself says
        (``pixel_um`` None where that cannot be trusted, ``note`` tells what was found).

    Raises
    ------
    ReadError
        The file is missing, empty, damaged, too large, of an unknown format, constant or not finite; or it has
        several planes and ``which`` does not say which one counts.
    """
    reader, note = _reader_for(path)
    found = reader.read(path, which)
    return replace(found, meta={**found.meta, "file name": note}) if note else found


def windows(path: Path, which: Selection = Selection()) -> AbstractContextManager[PixelWindows]:
    """Open one plane of an image to be read window by window.

    Raises
    ------
    ReadError
        As ``read``; or images of this format are not read by windows.
    """
    reader, _ = _reader_for(path)
    if not isinstance(reader, ReadsWindows):
        msg = f"{path}: by windows, TIFF (BigTIFF) and OME-Zarr are read; convert it"
        raise ReadError(msg)
    opened: AbstractContextManager[PixelWindows] = reader.windows(path, which)
    return opened


def check_known(path: Path) -> None:
    """Refuse, by its first bytes and its name, a file that no reader knows.

    Raises
    ------
    ReadError
        It is missing, empty, no file, or of an unknown format.
    """
    _reader_for(path)


def scale(path: Path, which: Selection = Selection()) -> Calibration:
    """Tell what the file says of its scale, without decoding its pixels (where its reader can).

    Raises
    ------
    ReadError
        As :func:`read`, as far as it shows without the pixels.
    """
    reader, _ = _reader_for(path)
    return reader.scale(path, which) if isinstance(reader, TellsScale) else reader.read(path, which).calibration


def is_image_folder(path: Path) -> bool:
    """Whether a folder is one image, of a format whose images are folders."""
    return path.is_dir() and _folder_reader(path) is not None


def read_values(path: Path, *, colors: bool = False) -> tuple[Samples, bool]:
    """Read a mask or label image: the numbers that mean something, and whether compression was lossy.

    Parameters
    ----------
    path : Path
        The file; it has one page.
    colors : bool
        Colors of a color palette instead of its indices.

    Returns
    -------
    values : array
        (rows, columns) of any integer or real type, or (rows, columns, 3) colors. A color palette gives its
        indices, a gray one its gray values. Of a mask drawn on a transparent layer what is opaque is marked: the
        rest is 0, whatever color it hides, and black becomes 255.
    lossy : bool
        True for JPEG and the like: values near edges are not what was saved.
    """
    reader, _ = _reader_for(path)
    if not isinstance(reader, ReadsMasks):
        msg = f"{path}: masks are read from TIFF, PNG or BMP; save it so"
        raise ReadError(msg)
    found = reader.raster(path)
    values = found.samples if colors or found.stored is None else found.stored
    return (values if found.alpha is None else _marked(path, values, found.alpha)), found.lossy


def _marked(path: Path, values: Samples, alpha: Samples) -> Samples:
    """What is drawn on a transparent layer; half way decides at a soft edge."""
    full = int(alpha.max())
    opaque = alpha > full // 2
    if full == 0 or opaque.all():
        return values
    drawn = values[alpha == full]
    if not drawn.any():
        return np.where(opaque, np.uint8(255), np.uint8(0))
    if (drawn == drawn[0]).all():
        return np.where(opaque if values.ndim == 2 else opaque[:, :, None], drawn[0], values.dtype.type(0))
    if not drawn.reshape(len(drawn), -1).any(axis=1).all():
        msg = f"{path}: some pixels of the mask are black and others are transparent; save it without transparency"
        raise ReadError(msg)
    return np.where(opaque if values.ndim == 2 else opaque[:, :, None], values, values.dtype.type(0))


def _folder_reader(path: Path) -> Reader | None:
    for name in registry.each("reader"):
        module = registry.load("reader", name)
        if isinstance(module, KnowsFolders) and module.recognizes_folder(path):
            return module
    return None


def _reader_for(path: Path) -> tuple[Reader, Words]:
    if path.is_dir():
        module = _folder_reader(path)
        if module is None:
            msg = f"{path}: is a folder, not an image"
            raise ReadError(msg)
        return module, ""
    head = _head(path)
    suffix = path.suffix.lower()
    readers = []
    # one after the other: a reader of another package is imported only when no other knows the content
    for name in registry.each("reader"):
        module = registry.load("reader", name)
        if isinstance(module, KnowsContent) and module.recognizes(head):
            fits = suffix in module.SUFFIXES
            return module, "" if fits else Text("readers.suffix_does_not_fit", suffix=suffix)
        readers.append(module)
    for module in readers:
        if suffix in module.SUFFIXES and not isinstance(module, KnowsContent):
            return module, ""
    known = sorted({item for module in readers for item in module.SUFFIXES})
    msg = f"{path}: not an image of a known format (starts with {head[:4]!r}); known are {' '.join(known)}"
    raise ReadError(msg)


def _head(path: Path) -> bytes:
    try:
        if path.exists() and not path.is_file():
            msg = f"{path}: is a pipe, a socket or a device, not an image"
            raise ReadError(msg)
        with path.open("rb") as file:
            head = file.read(256)
    except FileNotFoundError:
        msg = f"{path}: no such file"
        raise ReadError(msg) from None
    except (OSError, ValueError) as error:
        msg = f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}"
        raise ReadError(msg) from None
    if not head:
        msg = f"{path}: is empty"
        raise ReadError(msg)
    return head
