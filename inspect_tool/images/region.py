"""From the image of a file to the area that is measured: crop, region, square pixels. Linear cost throughout."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from inspect_tool.errors import CalibrationError, ReadError, SettingsError
from inspect_tool.images.readers import read_values
from inspect_tool.images.readers.raster import turned, turned_point
from inspect_tool.languages import Text
from inspect_tool.model import GrayImage, Mask, Micrograph, Region, Samples

# ------------------------------------------------------------------------------------------------------ region


def apply_region(micrograph: Micrograph, region: Region, folder: Path) -> Micrograph:
    """Cut the image and mark what counts.

    The footer and everything outside the rectangle are cut off; a polygon and a mask leave the image whole
    and become ``roi``. All positions of a region are pixels of the image file as they are stored: where an orientation
    tag turned the image, they are turned with it. The footer is at the foot of the upright image.

    Parameters
    ----------
    micrograph : Micrograph
        As read.
    region : Region
        As the job states it.
    folder : Path
        Folder of the job: a relative mask path starts there.

    Returns
    -------
    Micrograph
        ``meta["original_shape_px"]`` ("600 x 800", rows x columns) and ``meta["crop_offset_px"]`` ("0, 0", row and
        column of the first pixel kept) let masks of the original size be cut alike: see ``crop_like``.

    Raises
    ------
    SettingsError
        The region lies outside the image, or nothing is left of it.
    ReadError
        The mask cannot be read, or has neither the size of the file nor that of the cut image.
    """
    where = micrograph.path
    height, width = micrograph.pixels.shape
    region = _upright(region, (height, width), orientation(micrograph.meta))
    top, left, rows, columns = _window(where, height, width, region)
    cut = (slice(top, top + rows), slice(left, left + columns))
    meta = {
        **micrograph.meta,
        "original_shape_px": f"{height} x {width}",
        "crop_offset_px": f"{top}, {left}",
    }
    if (rows, columns) != (height, width):
        meta["crop"] = Text(
            "readers.crop_of", rows=rows, columns=columns, top=top, left=left, height=height, width=width
        )
    pixels: GrayImage = _kept(micrograph.pixels[cut])
    color = None if micrograph.color is None else _kept(micrograph.color[cut])
    roi = None if micrograph.roi is None else micrograph.roi[cut]
    cropped = replace(micrograph, pixels=pixels, color=color, roi=None if roi is None else _kept(roi), meta=meta)
    if region.polygon:
        roi = _both(roi, _polygon(where, region.polygon, (top, left), (rows, columns)))
    if region.mask:
        roi = _both(roi, _mask_file(cropped, folder / region.mask))
    if region.exclude:
        roi = _both(roi, _without(where, region.exclude, (height, width))[cut])
    if roi is None:
        return cropped
    count = int(np.count_nonzero(roi))
    if count == 0:
        msg = (
            f"{where}: no pixel is left inside the region; check [region] polygon, mask, rectangle, exclude and"
            " footer_px"
        )
        raise SettingsError(msg)
    meta["region"] = Text("readers.region_counts", count=count, total=roi.size, percent=100 * count / roi.size)
    return replace(cropped, roi=_kept(roi), meta=meta)


def orientation(meta: Mapping[str, str]) -> int:
    """Orientation tag by which a reader turned an image; 1 where it did not.

    >>> orientation({"orientation": "EXIF orientation 3; image turned upright"}), orientation({})
    (3, 1)
    """
    found = re.search(r"\d", meta.get("orientation", ""))
    return int(found[0]) if found else 1


def stored_box(box: tuple[int, int, int, int], shape: tuple[int, int], orientation: int) -> tuple[int, int, int, int]:
    """Rectangle (top, left, height, width) of an upright image as pixels of its file.

    Parameters
    ----------
    shape : (rows, columns)
        Of the upright image. [px]
    """
    return _turned_box(box, shape if orientation < 5 else shape[::-1], orientation, back=True)


def turned_like(micrograph: Micrograph, mask: Samples) -> Samples:
    """Turn a mask of the stored image as the orientation tag turned its image.

    A mask drawn on the upright image is told from it where a quarter turn makes the sizes differ.
    """
    turn = orientation(micrograph.meta)
    whole = original_shape(micrograph)
    return turned(mask, turn) if mask.shape[:2] == (whole if turn < 5 else whole[::-1]) else mask


def _upright(region: Region, shape: tuple[int, int], orientation: int) -> Region:
    if orientation == 1:
        return region
    rectangle = region.rectangle
    return replace(
        region,
        rectangle=None if rectangle is None else _turned_box(rectangle, shape, orientation),
        polygon=tuple(turned_point(corner, shape, orientation) for corner in region.polygon),
        exclude=tuple(_turned_box(box, shape, orientation) for box in region.exclude),
    )


def _turned_box(
    box: tuple[int, int, int, int], shape: tuple[int, int], orientation: int, *, back: bool = False
) -> tuple[int, int, int, int]:
    top, left, tall, wide = box
    one, other = (
        turned_point(corner, shape, orientation, back=back)
        for corner in ((top, left), (top + tall - 1, left + wide - 1))
    )
    (first, last), (start, end) = (sorted(int(at) for at in pair) for pair in zip(one, other, strict=True))
    return first, start, last - first + 1, end - start + 1


def original_shape(micrograph: Micrograph) -> tuple[int, int]:
    """Rows and columns of the image in its file, before anything was cut off. [px]"""
    text = micrograph.meta.get("original_shape_px")
    if text is None:
        return (int(micrograph.pixels.shape[0]), int(micrograph.pixels.shape[1]))
    rows, columns = text.split(" x ")
    return int(rows), int(columns)


def crop_like(micrograph: Micrograph, mask: Samples, where: str) -> Samples:
    """Bring a mask to the size of a micrograph: it may have the size of the file or of the cut image.

    Parameters
    ----------
    mask : array, (rows, columns) or (rows, columns, channels)
        As read.
    where : str
        Name of the mask for the message.

    Raises
    ------
    ReadError
        The mask has another size.
    """
    size = mask.shape[:2]
    shape = micrograph.pixels.shape
    if size == shape:
        return mask
    whole, cropped = original_shape(micrograph), _before_squaring(micrograph)
    if size in (whole, cropped):
        if size == whole:
            top, left = (int(part) for part in micrograph.meta["crop_offset_px"].split(", "))
            mask = mask[top : top + cropped[0], left : left + cropped[1]]
        if cropped == shape:
            return mask
        rows, columns = (float(part) for part in micrograph.meta["pixels_joined"].split(", "))
        return _sampled(mask, (rows, columns))
    cut = "" if whole == cropped else f" or {cropped[0]} x {cropped[1]} px after the crop"
    msg = (
        f"{where}: mask has {size[0]} x {size[1]} px (rows x columns), image {micrograph.path} has"
        f" {whole[0]} x {whole[1]} px{cut}; give a mask of the same size"
    )
    raise ReadError(msg)


_LONGEST_PIXEL = 4.0
"""A pixel with sides further apart than this is a mistake in a tag, or a line scan, and no picture [1]."""


def to_square_pixels(micrograph: Micrograph) -> Micrograph:
    """Resample an image whose pixels are not square to squares of their longer side.

    Every measurement that follows counts pixels along rows, columns and diagonals alike, so the shape of a pixel is
    honored here, once. Along the finer direction gray values are averaged over the length of a new pixel; masks give
    the pixel in which its center lies (see :func:`crop_like`). The longer side is taken because squares of
    the shorter one would give the outline of every object in a mask steps of several pixels, which counts of
    intersections and perimeters take for outline: 7 % of a mean intercept at a ratio of 2. Less than one new
    pixel at the far end is left out. Cost is linear in pixels.

    Parameters
    ----------
    micrograph : Micrograph
        With a settled scale; ``calibration.pixel_y_um`` says how high a pixel is.

    Returns
    -------
    Micrograph
        With ``pixel_y_um`` None and ``meta["pixels"]`` that tells what was done. An image of square pixels, or without
        a scale, comes back as it is.

    Raises
    ------
    CalibrationError
        The sides differ by more than four times.
    """
    scale = micrograph.calibration
    if scale.pixel_um is None or scale.pixel_y_um is None:
        return micrograph
    wide, high = scale.pixel_um, scale.pixel_y_um
    if max(wide, high) > _LONGEST_PIXEL * min(wide, high):
        msg = (
            f"{micrograph.path}: a pixel of {wide:.6g} um x {high:.6g} um (width x height) is no shape that a picture"
            " has; correct the scale, or resample the image"
        )
        raise CalibrationError(msg)
    side = max(wide, high)
    joined = side / high, side / wide  # pixels of the file in one new pixel, along rows and along columns
    rows, columns = micrograph.pixels.shape
    note = Text("readers.squared", wide_um=wide, high_um=high, side_um=side)
    meta = {**micrograph.meta, "pixels": note, "before_squaring_px": f"{rows} x {columns}"}
    meta["pixels_joined"] = f"{joined[0]!r}, {joined[1]!r}"
    color, roi, mount, shown = micrograph.color, micrograph.roi, micrograph.mount, micrograph.shown
    return replace(
        micrograph,
        pixels=_kept(_averaged(micrograph.pixels, joined)),
        shown=None if shown is None else _kept(_averaged(shown, joined)),
        color=None if color is None else _kept(_averaged(color, joined)),
        roi=None if roi is None else _kept(_sampled(roi, joined)),
        mount=None if mount is None else _kept(_sampled(mount, joined)),
        calibration=replace(scale, pixel_um=side, pixel_y_um=None),
        meta=meta,
    )


def _before_squaring(micrograph: Micrograph) -> tuple[int, int]:
    """Rows and columns after the crop and before pixels were made square. [px]"""
    rows, columns = micrograph.meta.get("before_squaring_px", " x ".join(map(str, micrograph.pixels.shape))).split(
        " x "
    )
    return int(rows), int(columns)


def _sampled(values: Samples, joined: tuple[float, float]) -> Samples:
    """Take the pixel in which the center of each new pixel lies: classes and object numbers have nothing between."""
    rows, columns = (
        ((np.arange(_fitting(old, factor)) + 0.5) * factor).astype(np.intp)
        for old, factor in zip(values.shape, joined, strict=False)
    )
    return values[rows][:, columns]


def _averaged(values: Samples, joined: tuple[float, float]) -> Samples:
    """Mean over the pixels that a new one covers, in part or whole, in blocks of rows: one block is held as reals."""
    rows, columns = (_fitting(old, factor) for old, factor in zip(values.shape, joined, strict=False))
    made = np.empty((rows, columns, *values.shape[2:]), dtype=values.dtype)
    tall = max(1, 4_000_000 // values.shape[1])
    for top in range(0, rows, tall):
        block = np.arange(top, min(top + tall, rows))
        mean = _mean_along(_mean_along(values, block, joined[0], 0), np.arange(columns), joined[1], 1)
        made[block] = np.rint(mean) if values.dtype.kind == "u" else mean
    return made


def _mean_along(values: Samples, at: NDArray[np.intp], factor: float, axis: int) -> NDArray[np.float32]:
    """Mean over ``factor`` pixels along an axis, from pixel ``at * factor`` on."""
    start, end = at * factor, (at + 1) * factor
    total = np.zeros((), np.float32)
    for step in range(int(np.ceil(factor)) + 1):
        pixel = np.floor(start).astype(np.intp) + step
        share = np.clip(np.minimum(end, pixel + 1) - np.maximum(start, pixel), 0, None) / factor
        share = share.astype(np.float32).reshape(-1, *[1] * (values.ndim - 1 - axis))
        total = total + share * np.take(values, np.minimum(pixel, values.shape[axis] - 1), axis=axis)
    return np.asarray(total, dtype=np.float32)


def _fitting(pixels: int, factor: float) -> int:
    """How many new pixels fit into a number of old ones; the last one may be short by a rounding error."""
    return max(1, int(pixels / factor + 1e-6))


def polygon_mask(corners: Sequence[tuple[float, float]], shape: tuple[int, int]) -> Mask:
    """Pixels whose center lies inside a polygon (even-odd rule); cost is linear in pixels plus edge rows.

    Parameters
    ----------
    corners : sequence of (row, column)
        Corners in order, closed by itself; the origin is the center of the first pixel. [px]
    shape : (rows, columns)
        Size of the mask. [px]

    Examples
    --------
    >>> int(polygon_mask([(1, 1), (1, 4), (3, 4), (3, 1)], (5, 6)).sum())
    6
    """
    return outlines_mask([np.asarray(corners, dtype=float)], shape)


def outlines_mask(outlines: Sequence[NDArray[np.float64]], shape: tuple[int, int]) -> Mask:
    """Pixels whose center lies inside an odd number of closed outlines: an outline inside another is a hole.

    Parameters
    ----------
    outlines : sequence of arrays, (corners, 2)
        Row and column of the corners of each; the origin is the center of the first pixel. [px]
    shape : (rows, columns)
        Size of the mask. [px]
    """
    start = np.concatenate(outlines)
    end = np.concatenate([np.roll(outline, -1, axis=0) for outline in outlines])
    upward = start[:, 0] > end[:, 0]
    # an edge that two outlines share is cut at the same places, in whichever direction each follows it
    (r0, c0), (r1, c1) = (np.where(upward, one, other) for one, other in ((end.T, start.T), (start.T, end.T)))
    # half-open in rows, so that a corner counts once
    first = np.clip(np.ceil(r0), 0, shape[0]).astype(np.intp)
    count = np.clip(np.ceil(r1), 0, shape[0]).astype(np.intp) - first
    edge = np.repeat(np.arange(len(count)), count)
    rows = np.arange(len(edge)) - np.repeat(np.cumsum(count) - count, count) + first[edge]
    slope = (c1 - c0) / np.where(r1 > r0, r1 - r0, 1.0)
    crossing = c0[edge] + (rows - r0[edge]) * slope[edge]
    columns = np.clip(np.ceil(crossing), 0, shape[1]).astype(np.intp)
    toggles = np.zeros((shape[0], shape[1] + 1), dtype=np.uint8)
    np.bitwise_xor.at(toggles, (rows, columns), 1)
    np.bitwise_xor.accumulate(toggles, axis=1, out=toggles)
    inside: Mask = toggles[:, : shape[1]].astype(np.bool_)
    return inside


def _window(where: str, height: int, width: int, region: Region) -> tuple[int, int, int, int]:
    footer_px = region.footer_px or 0
    if footer_px < 0 or footer_px >= height:
        msg = f"{where}: footer_px = {footer_px}, the image has {height} rows; give 0 to {height - 1}"
        raise SettingsError(msg)
    rows = height - footer_px
    if region.rectangle is None:
        return 0, 0, rows, width
    top, left, tall, wide = region.rectangle
    if top < 0 or left < 0 or tall < 1 or wide < 1 or top + tall > rows or left + wide > width:
        footer = f" above the footer of {footer_px} rows" if footer_px else ""
        msg = (
            f"{where}: rectangle [top, left, height, width] = {list(region.rectangle)} does not lie inside"
            f" the {rows} rows x {width} columns{footer}"
        )
        raise SettingsError(msg)
    return top, left, tall, wide


def _polygon(
    where: str, corners: Sequence[tuple[float, float]], offset: tuple[int, int], shape: tuple[int, int]
) -> Mask:
    if len(corners) < 3 or not np.isfinite(np.asarray(corners, dtype=float)).all():
        msg = f"{where}: [region] polygon needs three or more (row, column) corners, got {len(corners)}"
        raise SettingsError(msg)
    shifted = [(row - offset[0], column - offset[1]) for row, column in corners]
    return polygon_mask(shifted, shape)


def _mask_file(micrograph: Micrograph, path: Path) -> Mask:
    """The brighter value of a mask of two values counts; of several values everything but 0."""
    values, _ = read_values(path)
    values = crop_like(micrograph, turned_like(micrograph, values), str(path))
    if values.ndim == 3:
        values = values.max(axis=2)
    if values.dtype.kind == "f":
        values = np.nan_to_num(values)  # what is cleared outside of a region
    low, high = values.min(), values.max()
    if low == high:
        return np.full(values.shape, bool(high), dtype=np.bool_)
    # lossy or smoothed masks have values between: half way decides
    inside: Mask = values > (float(low) + float(high)) / 2 if low == 0 and high == 255 else values > low
    return inside


def _without(where: str, boxes: Sequence[tuple[int, int, int, int]], shape: tuple[int, int]) -> Mask:
    """Everything but some rectangles (top, left, height, width) of the image file."""
    counts = np.ones(shape, dtype=np.bool_)
    for top, left, tall, wide in boxes:
        if top < 0 or left < 0 or tall < 1 or wide < 1 or top + tall > shape[0] or left + wide > shape[1]:
            msg = (
                f"{where}: exclude [top, left, height, width] = {[top, left, tall, wide]} does not lie inside"
                f" the {shape[0]} rows x {shape[1]} columns"
            )
            raise SettingsError(msg)
        counts[top : top + tall, left : left + wide] = False
    return counts


def _both(one: Mask | None, other: Mask) -> Mask:
    return other if one is None else one & other


def _kept(array: Samples) -> Samples:
    kept = np.ascontiguousarray(array)
    kept.setflags(write=False)
    return kept


# --------------------------------------------------------------------------------------------------- rectangle


def largest_rectangle(mask: Iterable[Mask]) -> tuple[int, int, int, int]:
    """Largest axis-parallel rectangle inside a mask.

    Row by row: height of the column of pixels above each pixel, and the left and right bound within which
    that height holds. Exact; time is linear in pixels, memory in columns.

    Parameters
    ----------
    mask : array of bool, (rows, columns), or its rows one after the other
        True where the rectangle may lie.

    Returns
    -------
    (top, left, height, width)
        All zero for an empty mask. [px]

    Examples
    --------
    >>> largest_rectangle(np.array([[1, 1, 0], [1, 1, 1], [0, 1, 1]], dtype=bool))
    (0, 0, 2, 2)
    """
    lines = iter(mask)
    first = next(lines)
    columns = len(first)
    at = np.arange(columns)
    tall = np.zeros(columns, dtype=np.intp)
    left = np.zeros(columns, dtype=np.intp)
    right = np.full(columns, columns, dtype=np.intp)
    best, found = 0, (0, 0, 0, 0)
    for row, inside in enumerate(chain([first], lines)):
        tall = np.where(inside, tall + 1, 0)
        # bounds of the run of this row, then the narrower of it and what holds above
        run_left = np.maximum.accumulate(np.where(inside, 0, at + 1))
        run_right = np.minimum.accumulate(np.where(inside, columns, at)[::-1])[::-1]
        left = np.where(inside, np.maximum(left, run_left), 0)
        right = np.where(inside, np.minimum(right, run_right), columns)
        area = tall * (right - left)
        top_at = int(area.argmax())
        if area[top_at] > best:
            best = int(area[top_at])
            height = int(tall[top_at])
            found = (row - height + 1, int(left[top_at]), height, int(right[top_at] - left[top_at]))
    return found
