"""TIFF of every usual kind: baseline, tiled, BigTIFF, OME-TIFF, ImageJ; scale from metadata that can be trusted."""

import re
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from functools import lru_cache, partial
from math import inf, prod
from pathlib import Path
from typing import cast

import numpy as np
import tifffile
from numpy.typing import NDArray

from inspect_tool.errors import ReadError
from inspect_tool.images.readers import _planes
from inspect_tool.images.readers._ome import OmePlane, ome_planes, scale_ome, scale_ome_of
from inspect_tool.images.readers._side_car import scale_beside
from inspect_tool.images.readers._vendor_scale import EXIF, TAGS, scale_of_tags
from inspect_tool.images.readers._windows import KEPT_BYTES, MOST_IN_PART, Box, PixelWindows, gray_of
from inspect_tool.images.readers.raster import (
    LOSSY_TOLERANCE,
    MAX_COMPRESSION,
    MAX_PIXELS,
    MAX_WINDOWED,
    UNIT_UM,
    Raster,
    Scale,
    agreed,
    careful,
    check_size,
    micrograph,
    placeholder,
    scale_from_density,
    scale_of,
    turned,
)
from inspect_tool.languages import Text, Words
from inspect_tool.model import Calibration, Micrograph, Samples, Selection

SUFFIXES = (".tif", ".tiff", ".btf", ".tf8")

_PHOTOMETRIC = {0, 1, 2, 3, 4, 5, 6}  # white is zero, black is zero, RGB, palette, mask, CMYK, YCbCr
_JPEG = {6, 7, 33007, 34892}
_LOSSY = {*_JPEG, 33003, 33004, 33005, 34712, 34933, 34934, 50001, 50002, 52546}
_FAX = {2, 3, 4}  # of pictures of one bit per pixel
_WHOLE_NUMBERS = {1, 3, 4}  # types of a tag: BYTE, SHORT, LONG
# compressions whose largest factor is known: LZW, JPEG, deflate, PackBits
_BOUNDED = {5, 6, 7, 8, 32773, 32946}

# resolution units as ImageJ writes them
_DENSITY_UNIT = {"inch": "inch", "in": "inch", "inches": "inch", "cm": "cm", "centimeter": "cm"}


def recognizes(head: bytes) -> bool:
    """Whether a file that starts with these bytes is a TIFF."""
    return head[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


def read(path: Path, which: Selection = Selection()) -> Micrograph:
    """Read one page of a TIFF file.

    Parameters
    ----------
    path : Path
        The file.
    which : Selection
        ``page``, or scene, channel, z and time where OME-XML names them; may be left out when the file has one page.

    Returns
    -------
    Micrograph
        Its calibration is what the file itself says.

    Raises
    ------
    ReadError
        The file is damaged, too large, of an unknown kind, or has several pages and none was chosen.
    """
    return micrograph(path, raster(path, which))


def raster(path: Path, which: Selection = Selection()) -> Raster:
    """Decode one page; samples as they are to be seen, the stored numbers where they differ."""
    with _opened(path) as file:
        return _decode(path, file, _plane(path, file, which))


def scale(path: Path, which: Selection = Selection()) -> Calibration:
    """Tell what the file says of its scale; no pixel is decoded."""
    with _opened(path) as file:
        return _scale(path, file, _plane(path, file, which)).calibration()


@contextmanager
def windows(path: Path, which: Selection = Selection()) -> Iterator[PixelWindows]:
    """Open one page to be read window by window; it must be stored in tiles or strips of a bearable size.

    Raises
    ------
    ReadError
        As ``read``; or the page is in color of more than 8 bits, transparent, turned, has a palette, or must be
        decoded as a whole.
    """
    with ExitStack() as stack:
        with _careful(path):  # of what is done with the image nothing is taken for a fault of the file
            _check_chain(path)
            file = stack.enter_context(tifffile.TiffFile(path))
            plane = _plane(path, file, which, most=MAX_WINDOWED)
            page = plane.page
            depth = _readable(path, _odd(plane), page)
            read = _reading(path, file, page)
            color = cast("Callable[[Box], NDArray[np.uint8]]", read) if _is_color(page) else None
            opened = PixelWindows(
                shape=(int(page.imagelength), int(page.imagewidth)),
                dtype=depth,
                calibration=_scale(path, file, plane).calibration(),
                read=read if color is None else partial(gray_of, color),
                color=color,
                tolerance=LOSSY_TOLERANCE if int(page.compression) in _LOSSY else 0,
            )
        yield opened


def _is_color(page: tifffile.TiffPage) -> bool:
    """Whether each pixel has red, green and blue, beside each other."""
    return int(page.photometric) in (2, 6) and int(page.samplesperpixel) == 3 and int(page.planarconfig) == 1


def _odd(plane: "_Plane") -> list[str]:
    """Say what of a page is more than gray values, or colors of 8 bits, in their places."""
    page = plane.page
    is_plain = int(page.photometric) == 1 and int(page.samplesperpixel) == 1
    odd = {
        "in color of another kind than 8 bits of red, green and blue": not is_plain
        and not (_is_color(page) and int(page.bitspersample) == 8),
        "a stack": plane.frame is not None or int(page.imagedepth) > 1,
        "turned by its orientation tag": _orientation(page) != 1,
        f"of {int(page.bitspersample)} bits": int(page.bitspersample) < 8,
    }
    return [name for name, is_so in odd.items() if is_so]


def _readable(path: Path, odd: Sequence[str], page: tifffile.TiffPage) -> "np.dtype[np.generic]":
    """Refuse, in one line, a page that is not read window by window."""
    part = (int(page.tilelength) * int(page.tilewidth)) if page.is_tiled else int(page.rowsperstrip) * page.imagewidth
    if part > MOST_IN_PART:
        odd = (*odd, f"stored in parts of {part // 1_000_000} Mpx")
    if odd:
        msg = f"{path}: is {' and '.join(odd)}; by windows, gray and RGB images in tiles or strips are read: save it so"
        raise ReadError(msg)
    return np.dtype(page.dtype)


def _reading(path: Path, file: tifffile.TiffFile, page: tifffile.TiffPage) -> Callable[[Box], Samples]:
    """What reads a box of a page: its tiles or strips, each decoded once as long as it is kept."""
    tall, wide = (
        (int(page.tilelength), int(page.tilewidth)) if page.is_tiled else (int(page.rowsperstrip), int(page.imagewidth))
    )
    across = -(-int(page.imagewidth) // wide)
    tables = page.jpegtables

    size, is_color = np.dtype(page.dtype).itemsize, _is_color(page)

    @lru_cache(maxsize=max(4, KEPT_BYTES // (tall * wide * size * int(page.samplesperpixel))))
    def part(number: int) -> Samples:
        file.filehandle.seek(page.dataoffsets[number])
        data = file.filehandle.read(page.databytecounts[number])
        segment, _, shape = page.decode(data, number, jpegtables=tables)
        if segment is None:
            msg = f"{path}: part {number + 1} of {len(page.dataoffsets)} of the image is missing; the file is damaged"
            raise ReadError(msg)
        found: Samples = np.asarray(segment).reshape(shape)[0]
        return found if is_color else found[:, :, 0]

    def read(box: Box) -> Samples:
        with _careful(path):
            return boxed(*box)

    def boxed(rows: slice, columns: slice) -> Samples:
        size = rows.stop - rows.start, columns.stop - columns.start
        made = np.empty((*size, 3) if is_color else size, page.dtype)
        for i in range(rows.start // tall, (rows.stop - 1) // tall + 1):
            for j in range(columns.start // wide, (columns.stop - 1) // wide + 1):
                tile = part(i * across + j)
                top, left = max(rows.start, i * tall), max(columns.start, j * wide)
                own = tile[top - i * tall : rows.stop - i * tall, left - j * wide : columns.stop - j * wide]
                if own.size == 0:
                    msg = f"{path}: tile {i * across + j + 1} has fewer rows than its tags say; the file is damaged"
                    raise ReadError(msg)
                made[
                    top - rows.start : top - rows.start + own.shape[0],
                    left - columns.start : left - columns.start + own.shape[1],
                ] = own
        return made

    return read


@contextmanager
def _opened(path: Path) -> Iterator[tifffile.TiffFile]:
    with _careful(path):
        _check_chain(path)
        with tifffile.TiffFile(path) as file:
            yield file


def _careful(path: Path) -> AbstractContextManager[None]:
    return careful(path, "TIFF", "tifffile", (tifffile.TiffFileError, struct.error))


def _check_chain(path: Path) -> None:
    """Each page names the next one; a list that comes back to a page would be followed without end."""
    with path.open("rb") as file:
        head = file.read(16)
        order = "<" if head[:2] == b"II" else ">"
        big = head[2:4] in (b"+\0", b"\0+")
        count, offset, entry = ("Q", "Q", 20) if big else ("H", "I", 12)
        at = struct.unpack_from(order + offset, head, 8 if big else 4)[0]
        seen: set[int] = set()
        size = path.stat().st_size
        while 0 < at < size:
            if at in seen:
                msg = f"{path}: page {len(seen)} names an earlier page as the next one; the file is damaged"
                raise ReadError(msg)
            seen.add(at)
            file.seek(at)
            tags = struct.unpack(order + count, file.read(struct.calcsize(count)))[0]
            file.seek(at + struct.calcsize(order + count) + tags * entry)
            at = struct.unpack(
                order + offset, file.read(struct.calcsize(order + offset)).ljust(8 if big else 4, b"\0")
            )[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plane:
    """The plane that was chosen, checked as far as its header tells."""

    first: tifffile.TiffPage  # page with the tags of the whole file
    page: tifffile.TiffPage  # page with the tags of the plane
    frame: int | None  # number behind the one header of a stack, see ``_frames_in_one_page``
    frames: int
    notes: dict[str, Words]
    ome: OmePlane | None  # what OME-XML says of this plane


def _plane(path: Path, file: tifffile.TiffFile, which: Selection, most: int = MAX_PIXELS) -> _Plane:
    pages = [item for item in file.pages if not (isinstance(item, tifffile.TiffPage) and item.is_reduced)]
    if not pages:
        msg = f"{path}: the TIFF file holds no image; export it again"
        raise ReadError(msg)
    first = pages[0].aspage()
    count = len(pages)
    stack = _frames_in_one_page(file, first) if count == 1 else 1
    # a page number counts pages, whatever OME-XML calls them
    named = ome_planes(str(first.description), len(file.pages)) if file.is_ome and which.page is None else None
    ome = None
    if named is None:
        axes: dict[str, _planes.Positions] = {"page": max(count, stack)}
        at = _planes.chosen(path, axes, which)
        chosen = pages[at["page"]].aspage() if stack == 1 else first
    else:
        scene = _planes.chosen(path, {"scene": named.scenes}, Selection(scene=which.scene))["scene"]
        axes = {"scene": named.scenes, **named.axes[scene]}
        at = _planes.chosen(path, axes, which)
        ome = named.plane(path, at)
        chosen = file.pages[ome.page].aspage()
    _check_tags(path, file, chosen)
    photometric, compression = int(chosen.photometric), int(chosen.compression)
    _check_kind(path, chosen, photometric, compression)
    check_size(
        path,
        int(chosen.imagelength),
        int(chosen.imagewidth),
        int(chosen.samplesperpixel),
        max(int(chosen.bitspersample), 1),
        factor=1 if compression == 1 else (MAX_COMPRESSION if compression in _BOUNDED else inf),
        most=most,
    )
    _check_segments(path, file, chosen)
    if stack > 1:
        check_size(path, int(first.imagelength) * stack, int(first.imagewidth), 1, int(first.bitspersample), factor=1)
    return _Plane(
        first=first,
        page=chosen,
        frame=at["page"] if stack > 1 else None,
        frames=stack,
        notes=_planes.notes(axes, at),
        ome=ome,
    )


def _decode(path: Path, file: tifffile.TiffFile, plane: _Plane) -> Raster:
    chosen, first = plane.page, plane.first
    photometric, compression = int(chosen.photometric), int(chosen.compression)
    if plane.frame is None:
        data = chosen.asarray()
    else:
        data = file.series[0].asarray().reshape((plane.frames, *first.shape))[plane.frame]
    notes: dict[str, Words] = {
        "format": "BigTIFF" if file.is_bigtiff else "TIFF",
        "compression": _compression(chosen, compression),
        **plane.notes,
    }
    samples, alpha = _channels(path, chosen, np.asarray(data), notes)
    stored = None
    if photometric == 3 and samples.ndim == 2:
        seen = _through_palette(path, file, chosen, samples, notes)
        stored = samples if seen.ndim == 3 else None
        samples = seen
    elif photometric == 0:
        # programs that write masks this way mean the larger number as the foreground, though it shows black
        stored = samples
        samples = _inverted(samples, int(chosen.bitspersample))
        notes["gray scale"] = Text("readers.white_is_zero")
    elif photometric == 5:
        samples = _cmyk_to_rgb(path, samples)
        notes["color model"] = Text("readers.cmyk_converted")
    if samples.dtype == np.bool_ or int(chosen.bitspersample) < 8:
        levels = 1 if samples.dtype == np.bool_ else 2 ** int(chosen.bitspersample) - 1
        stored = samples if stored is None else stored
        if photometric != 3:
            notes["bits per pixel"] = Text("readers.bits_spread", bits=int(chosen.bitspersample))
            samples = (samples.astype(np.uint16) * 255 // levels).astype(np.uint8)
    found = _scale(path, file, plane)
    notes.update(found.notes)
    orientation = _orientation(chosen)
    if orientation in range(2, 9):
        samples = turned(samples, orientation)
        stored, alpha = (None if item is None else turned(item, orientation) for item in (stored, alpha))
        notes["orientation"] = Text("readers.tag_orientation", orientation=orientation)
    if 34675 in chosen.tags:
        notes["color profile"] = Text("readers.icc_not_applied")
    return Raster(
        samples=samples,
        notes=notes,
        calibration=found.calibration(),
        lossy=compression in _LOSSY,
        stored=stored,
        alpha=alpha,
    )


def _frames_in_one_page(file: tifffile.TiffFile, first: tifffile.TiffPage) -> int:
    """Count the frames behind one page header: ImageJ writes long stacks so; volumes too."""
    if first.imagedepth > 1:
        return int(first.imagedepth)
    if not file.is_imagej:
        return 1
    images = (file.imagej_metadata or {}).get("images", 1)
    return int(images) if isinstance(images, int) and images > 1 and int(first.compression) == 1 else 1


def _check_tags(path: Path, file: tifffile.TiffFile, page: tifffile.TiffPage) -> None:
    """Refuse a file whose tags of bits and of what is black are gone, or cannot be what was written."""
    needed = ((262, "PhotometricInterpretation"), (258, "BitsPerSample"))
    missing = [name for code, name in needed if code not in page.tags]
    if missing == ["BitsPerSample"] and (int(page.compression) in _FAX or _is_bilevel(file, page)):
        return  # some writers leave it out where it is 1
    if missing:
        msg = f"{path}: has no tag {missing[0]}; the file is damaged, export it again"
        raise ReadError(msg)
    odd = [name for code, name in needed if code in page.tags and page.tags[code].dtype not in _WHOLE_NUMBERS]
    if odd:
        msg = f"{path}: tag {odd[0]} is no whole number; the file is damaged, export it again"
        raise ReadError(msg)
    if int(page.compression) in _FAX and page.bitspersample != 1:
        msg = f"{path}: {page.bitspersample} bits per pixel in a compression for one; the file is damaged"
        raise ReadError(msg)


def _is_bilevel(file: tifffile.TiffFile, page: tifffile.TiffPage) -> bool:
    """Whether the first strip or tile holds as much as one bit per pixel takes."""
    file.filehandle.seek(page.dataoffsets[0])
    data = file.filehandle.read(page.databytecounts[0])
    plain = tifffile.TIFF.DECOMPRESSORS[page.compression](data) if int(page.compression) != 1 else data
    rows, columns = page.chunks[:2]
    return bool(len(plain) < 2 * rows * -(-columns // 8))


def _check_kind(path: Path, page: tifffile.TiffPage, photometric: int, compression: int) -> None:
    if photometric not in _PHOTOMETRIC or (photometric == 6 and compression not in _JPEG):
        name = getattr(page.photometric, "name", str(photometric))
        msg = f"{path}: color model {name} is not read; save the image as gray or RGB"
        raise ReadError(msg)


def _check_segments(path: Path, file: tifffile.TiffFile, page: tifffile.TiffPage) -> None:
    """Every strip or tile must be in the tables and inside the file: a missing one would come out as black pixels."""
    size = file.filehandle.size
    offsets, counts = page.dataoffsets, page.databytecounts
    if not offsets or len(offsets) != len(counts):
        msg = f"{path}: the table of strips is damaged ({len(offsets)} offsets, {len(counts)} lengths)"
        raise ReadError(msg)
    wanted = prod(page.chunked)
    if len(offsets) < wanted:
        msg = f"{path}: {len(offsets)} of {wanted} parts of the image are there; the file is truncated or damaged"
        raise ReadError(msg)
    for number, (offset, length) in enumerate(zip(offsets, counts, strict=True)):
        if offset <= 0 or length <= 0 or offset + length > size:
            part = f"part {number + 1} of {len(offsets)}"
            msg = f"{path}: {part} of the image is missing; the file is truncated or damaged"
            raise ReadError(msg)
    _check_apart(path, page, offsets, counts)
    if int(page.compression) != 1 or page.is_tiled:
        return
    if page.is_contiguous and sum(counts) < page.nbytes:
        msg = f"{path}: {page.nbytes} bytes of pixels promised, {sum(counts)} there; the file is truncated or damaged"
        raise ReadError(msg)
    row = -(-int(page.imagewidth) * int(page.samplesperpixel) * int(page.bitspersample) // 8)
    pixels = int(page.imagelength) * int(page.imagedepth) * row
    if len(counts) == 1 and counts[0] > _MOST_PADDING * pixels + _BLOCK:
        msg = f"{path}: {counts[0]} bytes of pixels, its size and depth make {pixels}; a tag of the file is damaged"
        raise ReadError(msg)


def _check_apart(path: Path, page: tifffile.TiffPage, offsets: Sequence[int], counts: Sequence[int]) -> None:
    """No two parts lie on one another, and none on the tags: else an offset points to the wrong bytes.

    Programs that store equal tiles once do so with compressed ones, and then wholly. What tags of makers point to is
    theirs.
    """
    fixed, entry, inline = (6, 12, 4) if page.parent.tiff.offsetsize == 4 else (16, 20, 8)
    tags = [(int(page.offset), fixed + entry * len(page.tags))]
    tags += [
        (int(tag.valueoffset), int(tag.valuebytecount))
        for tag in page.tags
        if tag.code < _OF_MAKERS and tag.valuebytecount > inline
    ]
    parts = np.array([*zip(offsets, counts, strict=True)], dtype=np.int64)
    if int(page.compression) != 1:
        parts = np.unique(parts, axis=0)
    parts = np.concatenate([parts, np.array(tags, dtype=np.int64)])
    starts, lengths = parts[np.argsort(parts[:, 0], kind="stable")].T
    if np.any(starts[1:] < (starts + lengths)[:-1]):
        msg = f"{path}: parts of the image lie on one another in the file; a tag of the file is damaged"
        raise ReadError(msg)


_OF_MAKERS = 32768
"""Tags from this number on are private."""

_MOST_PADDING, _BLOCK = 1.1, 8192
"""How much longer than its pixels an uncompressed strip may be: factor, and a block of a disk. [1], [byte]"""


def _compression(page: tifffile.TiffPage, compression: int) -> Words:
    name = Text("readers.none") if compression == 1 else getattr(page.compression, "name", str(compression))
    return Text("readers.lossy", name=name) if compression in _LOSSY else name


def _channels(
    path: Path, page: tifffile.TiffPage, data: Samples, notes: dict[str, Words]
) -> tuple[Samples, Samples | None]:
    """Bring samples to (rows, columns) or (rows, columns, 3 or 4 for CMYK), and part alpha from them."""
    height, width = int(page.imagelength), int(page.imagewidth)
    if data.ndim == 3 and data.shape[1:] == (height, width) and data.shape[2] != int(page.samplesperpixel):
        data = np.moveaxis(data, 0, 2)
    if data.ndim == 3 and data.shape[:2] == (height, width) and data.shape[2] == 1:
        data = data[:, :, 0]
    if data.shape == (height, width):
        return data, None
    if data.ndim != 3 or data.shape[:2] != (height, width):
        msg = f"{path}: pixels come as {' x '.join(map(str, data.shape))}; one gray or RGB plane is needed"
        raise ReadError(msg)
    kind = int(page.photometric)
    wanted = {2: 3, 6: 3, 5: 4}.get(kind, 1)
    if data.shape[2] < wanted:
        msg = f"{path}: {data.shape[2]} samples per pixel where {wanted} are needed; save the image as gray or RGB"
        raise ReadError(msg)
    extra = data.shape[2] - wanted
    kinds = tuple(int(item) for item in page.extrasamples or ())
    alpha = None
    if extra:
        # 1: associated, 2: unassociated alpha; anything else is data of unknown meaning
        at = next((i for i, item in enumerate(kinds[:extra]) if item in (1, 2)), None)
        if at is not None:
            alpha = data[:, :, wanted + at]
        elif wanted == 1:
            msg = f"{path}: {data.shape[2]} channels without a stated meaning; save the one that counts as a gray image"
            raise ReadError(msg)
        else:
            notes["extra channels"] = Text("readers.extra_channels_left_out", extra=extra)
    body = data[:, :, 0] if wanted == 1 else data[:, :, :wanted]
    return body, alpha


def _through_palette(
    path: Path, file: tifffile.TiffFile, page: tifffile.TiffPage, index: Samples, notes: dict[str, Words]
) -> Samples:
    colormap = page.colormap
    if colormap is None or colormap.ndim != 2 or colormap.shape[0] != 3:
        msg = f"{path}: a palette image without a palette; save it as gray or RGB"
        raise ReadError(msg)
    if int(index.max()) >= colormap.shape[1]:
        msg = f"{path}: pixel value {int(index.max())} lies outside the palette of {colormap.shape[1]} colors"
        raise ReadError(msg)
    # the palette has 16 bits; some programs write 8
    table = (colormap if int(colormap.max()) < 256 else colormap >> 8).astype(np.uint8)
    gray = np.array_equal(table[0], table[1]) and np.array_equal(table[1], table[2])
    if file.is_imagej and not gray:
        notes["palette"] = Text("readers.false_colors")
        return index
    notes["palette"] = Text("readers.gray_palette" if gray else "readers.color_palette")
    samples: Samples = table[0][index] if gray else table.T[index]
    return samples


def _inverted(samples: Samples, bits: int) -> Samples:
    if samples.dtype == np.bool_:
        return ~samples
    if samples.dtype.kind == "u":
        top = samples.dtype.type(min(2**bits - 1, np.iinfo(samples.dtype).max))
        inverted: Samples = top - samples
        return inverted
    return np.negative(samples.astype(np.float64))


def _cmyk_to_rgb(path: Path, samples: Samples) -> NDArray[np.uint8]:
    if samples.dtype != np.uint8:
        msg = f"{path}: CMYK with {samples.dtype.itemsize * 8} bits is not read; save the image as gray or RGB"
        raise ReadError(msg)
    paper = (255 - samples).astype(np.uint16)
    return (paper[:, :, :3] * paper[:, :, 3:] // 255).astype(np.uint8)


def _orientation(page: tifffile.TiffPage) -> int:
    return int(page.tags.valueof(274, 1) or 1)


# ------------------------------------------------------------------------------------------------------ scale


def _scale(path: Path, file: tifffile.TiffFile, plane: _Plane) -> Scale:
    """Pixel size from the file and the text beside it, of the image as it stands after its orientation tag."""
    found = agreed(_scale_in(file, plane), scale_beside(path, int(plane.page.imagewidth), int(plane.page.imagelength)))
    return found.turned() if _orientation(plane.page) in (5, 6, 7, 8) else found


def _scale_in(file: tifffile.TiffFile, plane: _Plane) -> Scale:
    """Find the pixel size in the metadata: OME, then ImageJ, then the tags of the maker, then the resolution."""
    first, page = plane.first, plane.page
    width, height = int(page.imagewidth), int(page.imagelength)
    if file.is_ome:
        found = scale_ome(str(first.description), width, height) if plane.ome is None else None
        if plane.ome is not None:
            found = scale_ome_of(plane.ome.pixels, width, height)
        if found is not None:
            return found
    x, y = (_ratio(page.tags.valueof(code, first.tags.valueof(code))) for code in (282, 283))
    if file.is_imagej:
        found = _scale_imagej(file.imagej_metadata or {}, x, y)
        if found is not None:
            return found
    resolution = _scale_resolution(x, y, page.tags.valueof(296, first.tags.valueof(296, 2)))
    # a stack of a microscope has its tags on the first page only, a preview in front of the image has none
    with_tags = page if any(code in page.tags for code in TAGS) else first
    values = {code: with_tags.tags.valueof(code) for code in (*TAGS, EXIF) if code in with_tags.tags}
    vendor = scale_of_tags(values, width, height)
    return resolution if vendor is None else agreed(vendor, resolution)


def _scale_resolution(x: float | None, y: float | None, unit: int) -> Scale:
    if x is None and y is None:
        return Scale(note=Text("readers.no_scale_in_file"))
    name = {1: "", 2: "inch", 3: "cm"}.get(int(unit))
    if name is None:
        return Scale(note=Text("readers.tiff_unknown_unit"))
    return scale_from_density(x or 0.0, y or 0.0, name, "TIFF resolution")


def _ratio(value: float | tuple[float, float] | None) -> float | None:
    if isinstance(value, tuple) and len(value) == 2:
        return value[0] / value[1] if value[1] else 0.0
    return None if value is None else float(value)


def _scale_imagej(metadata: Mapping[str, object], x: float | None, y: float | None) -> Scale | None:
    """Pixel size from ImageJ's unit and the resolution tags; None when ImageJ names no unit."""
    unit = re.sub(r"\\u00[bB]5", "µ", str(metadata.get("unit", ""))).strip()
    if not unit or unit.lower() in ("pixel", "pixels"):
        return None
    if not x or not y:
        return Scale(note=Text("readers.imagej_no_resolution", unit=unit))
    if str(metadata.get("yunit", unit)).strip() not in (unit, str(metadata.get("unit"))):
        return Scale(note=Text("readers.imagej_two_units", x=unit, y=str(metadata["yunit"])), refused=True)
    if unit.lower() in _DENSITY_UNIT:
        return scale_from_density(x, y, _DENSITY_UNIT[unit.lower()], "ImageJ resolution")
    factor = UNIT_UM.get(unit.lower())
    if factor is None:
        return Scale(note=Text("readers.imagej_unknown_unit", unit=unit))
    if placeholder(x, y):
        return Scale(note=Text("readers.placeholder", what=Text("readers.imagej_scale"), unit=unit))
    return scale_of(factor / x, factor / y, Text("readers.imagej_scale_unit", unit=unit))
