"""What of a picture is no specimen: fill of a mosaic, the surround of an eyepiece, mount and the gap before it.

It is left out only where it cannot be a part of the structure: an area of one value with straight borders; or one that
holds a corner of the picture, is even, darker than the specimen or parted from it by a dark gap, much thicker than
anything of its level inside, and ends in a smooth sharp line that does not bulge into the specimen. What fails one of
the last is left in the picture and told of.
"""

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from inspect_tool.languages import Text, joined
from inspect_tool.model import Check, GrayImage, Mask, Micrograph, MicrographRecord, Samples

_LEAST, _LEAST_PX = 0.004, 400  # size of an area that is looked at: share of the picture [1], and [px]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Area:
    """An area at the edge of a picture that is no specimen (``doubtful``: may be none)."""

    kind: Literal["fill", "mount", "doubtful"]
    where: Mask


@dataclass(frozen=True, slots=True, kw_only=True)
class Packed:
    """An area in few bytes, to be kept or sent."""

    kind: Literal["fill", "mount", "doubtful"]
    shape: tuple[int, int]
    bits: bytes


def packed(area: Area) -> Packed:
    """Pack an area."""
    rows, columns = area.where.shape
    return Packed(kind=area.kind, shape=(rows, columns), bits=zlib.compress(np.packbits(area.where).tobytes(), 1))


def unpacked(area: Packed) -> Area:
    """Give an area that was packed."""
    bits = np.frombuffer(zlib.decompress(area.bits), np.uint8)
    where = np.unpackbits(bits, count=area.shape[0] * area.shape[1]).reshape(area.shape)
    return Area(kind=area.kind, where=where.view(np.bool_))


def without(micrograph: Micrograph, found: Sequence[Area]) -> Micrograph:
    """Take areas out of the region that counts.

    Parameters
    ----------
    micrograph : Micrograph
        Cut to its region.
    found : sequence of Area
        As ``areas`` finds them in it; those that are doubtful are told of, and stay.

    Returns
    -------
    Micrograph
        What is left out has the median gray value of the specimen in ``pixels`` and ``color``, so that no filter finds
        a structure there; ``shown`` keeps the picture, and ``mount`` what of it is no fill, up to the surface.
        ``meta["left_out_percent"]`` is its share of what counted before [%], ``meta["doubtful_percent"]`` that of areas
        which may be no specimen and stay.
    """
    if not found:
        return micrograph
    before = np.ones(micrograph.pixels.shape, np.bool_) if micrograph.roi is None else micrograph.roi
    total = int(np.count_nonzero(before))
    meta = dict(micrograph.meta)
    doubtful = sum(int(np.count_nonzero(area.where)) for area in found if area.kind == "doubtful")
    if doubtful:
        meta["doubtful_percent"] = f"{100 * doubtful / total:.3g}"
    sure = [area for area in found if area.kind != "doubtful"]
    if not sure:
        return replace(micrograph, meta=meta) if doubtful else micrograph
    out = np.logical_or.reduce([area.where for area in sure])
    kinds = [name for kind, name in _NAMES.items() if any(area.kind == kind for area in sure)]
    meta["left_out_percent"] = f"{100 * np.count_nonzero(out) / total:.3g}"
    meta["left_out_as"] = joined(_AND, kinds)
    roi = before & ~out
    mounts = [area.where for area in sure if area.kind == "mount"]
    color = micrograph.color
    return replace(
        micrograph,
        pixels=_blanked(micrograph.pixels, roi, out),
        color=None if color is None else _blanked(color, roi, out),
        shown=micrograph.pixels if color is None else color,
        roi=_read_only(roi),
        mount=_beyond_surface(mounts),
        meta=meta,
    )


def told(records: Sequence[MicrographRecord]) -> tuple[str, ...]:
    """Say on page 1 how much was left out, and how to have it otherwise."""
    shares = [float(record.meta.get("left_out_percent", 0.0)) for record in records]
    if not any(shares):
        return ()
    worst = int(np.argmax(shares))
    images = sum(share > 0 for share in shares)
    most = Text("images.left_out_of_image", shares=shares[worst])
    if len(records) > 1:
        most = Text(
            "images.left_out_of_images",
            shares=shares[worst],
            image=records[worst].image,
            images=images,
            n_records=len(records),
        )
    what = records[worst].meta["left_out_as"]
    more = Text("images.left_out_area_is_pale")
    return (Text("images.warning_area_left_out", most=most, what=what, more=more),)


def checks(records: Sequence[MicrographRecord]) -> tuple[Check, ...]:
    """Limit what is left out of a field, and doubt the results of a specimen whose fields may hold more of it."""
    found = []
    for key, name, limit, scope, note in _LIMITS:
        worst: dict[str, tuple[float, str]] = {}
        for record in records:
            share, of = float(record.meta.get(key, 0.0)), record.specimen if scope == "plausibility" else ""
            if share > worst.get(of, (0.0, ""))[0]:
                worst[of] = share, record.image
        found += [
            Check(
                name=name,
                value=share,
                relation="<=",
                limit=limit,
                unit="%",
                passed=share <= limit,
                clause=Text("images.clause_area_left_out"),
                scope=scope,
                specimen=specimen,
                note=f"{image}{note}",
            )
            for specimen, (share, image) in worst.items()
        ]
    return tuple(found)


_LIMITS: tuple[tuple[str, str, float, Literal["image", "plausibility"], str], ...] = (
    ("left_out_percent", Text("images.check_area_left_out"), 60.0, "image", ""),
    (
        "doubtful_percent",
        Text("images.check_even_area_at_edge"),
        100 * _LEAST,
        "plausibility",
        Text("images.note_even_area_measured"),
    ),
)
_NAMES = {"fill": Text("readers.fill_of_one_value"), "mount": Text("readers.mount_surround_or_gap")}
_AND = " " + Text("words.and") + " "


def _beyond_surface(mounts: Sequence[Mask]) -> Mask | None:
    """Mount without the blurred rim of the specimen, so that its border is the surface; None: nothing is left of it."""
    if not mounts:
        return None
    kept = cv2.erode(
        np.logical_or.reduce(mounts).view(np.uint8),
        np.ones((3, 3), np.uint8),
        iterations=_RIM_PX,
        borderType=cv2.BORDER_REPLICATE,
    )
    return _read_only(kept > 0) if kept.any() else None


_RIM_PX = 3  # in drawn sections the border of the area lies 2.7 to 3.9 px within the specimen


def _blanked(image: Samples, roi: Mask, out: Mask) -> Samples:
    blanked = image.copy()
    blanked[out] = np.median(image[roi], axis=0)
    return _read_only(blanked)


def _read_only(image: Samples) -> Samples:
    image.setflags(write=False)
    return image


def areas(pixels: GrayImage, roi: Mask | None = None, *, mounted: bool = True, surface: bool = False) -> list[Area]:
    """Find what is no specimen, and what may be none.

    Parameters
    ----------
    pixels : array, (rows, columns)
        Gray values.
    roi : array of bool, optional
        Pixels that count.
    mounted : bool
        The picture may show mount or the surround of an eyepiece; else areas of one value alone are looked for.
    surface : bool
        The picture is asked for its surface: an area that may be mount is taken for it.
    """
    counts = np.ones(pixels.shape, np.bool_) if roi is None else roi
    found = list(_fills(pixels, counts))
    if mounted:
        # a gap may have one value, and is known for a gap beside its mount only
        filled = np.logical_or.reduce([np.zeros(pixels.shape, np.bool_), *(area.where for area in found)])
        mounts = [replace(area, where=area.where & ~filled) for area in _mounts(pixels, counts, surface=surface)]
        found += [area for area in mounts if area.where.any()]
    out = np.logical_or.reduce([np.zeros(pixels.shape, np.bool_), *(a.where for a in found if a.kind != "doubtful")])
    if out.any() and not surface and not _shows_structure(pixels, counts & ~out, out):
        return [replace(area, kind="doubtful") for area in found]
    return found


_SEEN = 0.5  # least range of gray values in what is left, of its distance to what is left out [1]
_RARE = 0.05  # share of what is left whose gray values do not count at either end [%]
_BORDER_PX = 9


def _shows_structure(pixels: GrayImage, rest: Mask, out: Mask) -> bool:
    """Whether what is left shows anything else: if not, the area itself may be what is measured, e.g. a coating."""
    kernel = np.ones((_BORDER_PX, _BORDER_PX), np.uint8)
    inside = cv2.erode(rest.view(np.uint8), kernel, borderValue=1).view(np.bool_)
    if np.count_nonzero(inside) < _LEAST_PX:
        return False
    gray = cv2.GaussianBlur(pixels.astype(np.float32), (0, 0), _BLUR_PX)[inside]
    low, level, high = np.percentile(gray, [_RARE, 50.0, 100 - _RARE])
    return bool(high - low > _SEEN * abs(float(np.median(pixels[out])) - level))


# ------------------------------------------------------------------------------------------------------ fills

_DRAWN = 0.5  # share of even pixels beyond which the picture is a drawing: any of its phases has one value [1]
_MOST_VALUES = 8
_STRAIGHT_PX = 1.5  # that a straight side may deviate
_LONG = 0.06  # length of a long side, of the short side of the picture [1]
_STRAIGHT = 0.8  # share of the border inside the picture in long straight sides [1]


def _fills(pixels: GrayImage, counts: Mask) -> Iterator[Area]:
    """Areas of exactly one value that touch the edge and end in straight lines: a structure has noise, and is rough."""
    kernel = np.ones((5, 5), np.uint8)
    flat = (cv2.dilate(pixels, kernel) == cv2.erode(pixels, kernel)) & counts
    values, often = np.unique(_edge(pixels)[_edge(flat)], return_counts=True)
    chosen = values[np.argsort(-often, kind="stable")][:_MOST_VALUES]
    others = flat & ~np.isin(pixels, chosen[:1])
    if not len(chosen) or np.count_nonzero(others) > _DRAWN * np.count_nonzero(counts & (pixels != chosen[0])):
        return
    for value in chosen:
        same = (pixels == value) & counts
        _, labels, stats, _ = cv2.connectedComponentsWithStats(same.view(np.uint8), connectivity=4)
        at_edge = np.unique(_edge(labels))
        for number in at_edge[at_edge > 0]:
            if stats[number, cv2.CC_STAT_AREA] < max(_LEAST_PX, _LEAST * pixels.size):
                continue
            where = labels == number
            if not where.all() and _is_straight(where):
                yield Area(kind="fill", where=where)


def _edge(image: Samples) -> Samples:
    """Values along the four sides of a picture."""
    return np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]])


def _is_straight(area: Mask) -> bool:
    """Whether nearly all of the border inside the picture is made of long straight sides."""
    outlines, _ = cv2.findContours(area.view(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    last = np.array(area.shape[::-1]) - 1
    lengths = []
    for outline in outlines:
        corners = cv2.approxPolyDP(outline, _STRAIGHT_PX, closed=True)[:, 0].astype(float)
        ends = np.roll(corners, -1, axis=0)
        along = ((corners <= 1) & (ends <= 1)) | ((corners >= last - 1) & (ends >= last - 1))
        lengths.append(np.hypot(*(ends - corners)[~along.any(axis=1)].T))
    sides = np.concatenate(lengths)
    long = sides >= max(8.0, _LONG * min(area.shape))
    return bool(sides.sum() > 0 and sides[long].sum() >= _STRAIGHT * sides.sum())


# ----------------------------------------------------------------------------------------------------- mount

_LOOKED_AT = 640  # long side of the picture on which mount is looked for [px]
_BLUR_PX = 1.2
_CORNER = 0.03  # side of the corner whose level is taken, of the short side of the picture [1]
_CONTRAST = 16.0  # least difference to the specimen, of 255 between the darkest and the brightest
_MOST = 0.7  # share of the picture [1]
_OPENED = 0.04  # radius up to which what hangs at a mount (pores at its border) is cut off, of the short side [1]
_EVEN = 0.08  # spread within mount, of its contrast to the specimen [1]
_EVEN_ENOUGH = 0.2  # the same where there is mount for certain, of the step at its border where that is more [1]
_SMOOTH = 0.85  # share of the border that cutting off leaves in place [1]
_STEP = 0.6  # of the contrast that lies within a few pixels at the border [1]
_HALF, _QUARTER = 0.5, 0.25  # of the way to the level of the specimen; less where a phase of it lies there [1]
_THICKER = 2.5  # than anything of its level inside [1]
_THICKER_STRIP = 5.0  # along a whole side: than long things of its level inside [1]
_LARGE_PIECE = 0.25  # extent of what a strip along a whole side is compared with, of the short side [1]
_DARK, _DARK_RAW = 0.2, 0.5  # level of mount, of that of the specimen, from the darkest of the picture and from 0 [1]
_GAP = 0.25  # how much darker than mount the gap before it is, of the contrast [1]
_GAP_DEPTH = 0.05  # how far behind the border of an area the gap is looked for, of the short side [1]
_BULGE = {1: 0.04, 2: 0.12}  # into the specimen, of the chord, by the number of corners that the area holds [1]
_ARC = 0.015  # deviation of the border at one corner from a line or an arc, of the chord [1]
_WAVY = 0.12  # bulge at one corner of what may be mount or a part of the structure; a disc at a corner has 0.21 [1]
_CHORD = 0.2  # least length of it, of the short side of the picture [1]
_SOLID = 0.93  # share of its convex hull that a specimen inside a surround fills [1]
_ENCLOSED = 0.1  # share of an area that other things inside it may have [1]
_REACHED = 0.15  # of the contrast: so near to the level of the specimen the gap and the edge end [1]
_LARGE = 0.05  # share of the picture from which an area that may be no specimen is told of [1]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _View:
    """The picture on which mount is looked for."""

    gray: NDArray[np.float32]  # 0 is the darkest, 255 the brightest
    zero: float  # gray value of black on this scale
    taken: Mask  # does not count
    surface: bool  # there is mount, and what may be mount is


def _mounts(pixels: GrayImage, counts: Mask, *, surface: bool) -> Iterator[Area]:
    """Mount, the surround of an eyepiece, and gaps before them; linear in pixels, on a picture of 640 px."""
    shrink = max(1.0, max(pixels.shape) / _LOOKED_AT)
    size = (max(1, round(pixels.shape[1] / shrink)), max(1, round(pixels.shape[0] / shrink)))
    small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    taken = cv2.resize(counts.view(np.uint8), size, interpolation=cv2.INTER_NEAREST) == 0
    if min(small.shape) < 48 or taken.all():
        return
    low, high = (float(level) for level in np.percentile(small[~taken], [0.5, 99.5]))
    if high <= low:
        return
    scale = 255 / (high - low)
    stretched = (small - np.float32(low)) * np.float32(scale)
    gray = np.asarray(cv2.GaussianBlur(stretched, (0, 0), _BLUR_PX), np.float32)
    full = (pixels.shape[1], pixels.shape[0])
    for _ in range(4):  # as many as there are corners
        area = _next(_View(gray=gray, zero=-low * scale, taken=taken, surface=surface))
        if area is None:
            return
        taken = taken | area.where
        where = cv2.resize(area.where.view(np.uint8), full, interpolation=cv2.INTER_NEAREST) > 0
        yield Area(kind=area.kind, where=where & counts)


def _next(view: _View) -> Area | None:
    """The largest area that holds a corner of the picture and is no specimen, or may be none."""
    rows, columns = view.gray.shape
    middle = np.s_[rows // 4 : rows - rows // 4, columns // 4 : columns - columns // 4]
    counted = view.gray[middle][~view.taken[middle]]
    if not len(counted):
        return None
    specimen = float(np.median(counted))
    side = max(6, round(_CORNER * min(rows, columns)))
    found: list[Area] = []
    for top in (0, rows - side):
        for left in (0, columns - side):
            patch = np.s_[top : top + side, left : left + side]
            if view.taken[patch].mean() < 0.5 and not any(area.where[patch].mean() > 0.5 for area in found):
                half = _grown(view, patch, specimen, _HALF)
                less = None if half is not None and half.kind == "mount" else _grown(view, patch, specimen, _QUARTER)
                area = less if less is not None and less.kind == "mount" else half
                found += [area] if area is not None else []
    sure = [area for area in found if area.kind == "mount"]
    return max(sure or found, key=lambda area: int(np.count_nonzero(area.where)), default=None)


def _grown(view: _View, patch: tuple[slice, slice], specimen: float, part: float) -> Area | None:
    """The area of a corner, up to a part of the way to the level of the specimen; None where it is structure."""
    gray, short = view.gray, min(view.gray.shape)
    corner = gray[patch][~view.taken[patch]]
    level = float(np.median(corner))
    contrast = abs(specimen - level)
    if contrast < _CONTRAST:
        return None
    end = level + part * (specimen - level)
    beyond = ((gray <= end) if level < specimen else (gray >= end)) & ~view.taken
    own = _piece(beyond, patch)
    if own is None:
        return None
    rough = _without_holes(own)
    area = _piece(_opened(rough, min(0.5 * _thickness(rough), _OPENED * short)), patch)
    if area is None or not _LEAST <= area.mean() <= _MOST or area.all():
        return None
    if np.count_nonzero(rough & ~own) > _ENCLOSED * np.count_nonzero(own):
        return None  # the ground between particles
    rim = _rim(area)
    depth, away = _distance(area), _distance(~area)
    inner, outer = gray[(depth > 4) & (depth <= 8)], gray[(away > 4) & (away <= 8) & ~view.taken]
    core = gray[area & (depth > 5)]
    if not (rim.any() and len(inner) and len(outer) and len(core)):
        return None
    uneven = 1.4826 * float(np.median(np.abs(core - np.median(core))))
    kept = float((_distance(~_rim(rough))[rim] <= 2).mean())
    strip = _corners(area) > 1
    alike = _inside_only(beyond & (away > 3), _LARGE_PIECE * short if strip else 0.0)
    step = abs(float(np.median(outer)) - float(np.median(inner)))
    even = _EVEN_ENOUGH * max(step, contrast) if view.surface else _EVEN * contrast
    if (
        uneven > even
        or kept < _SMOOTH
        or step < _STEP * contrast
        or _thickness(area) < (_THICKER_STRIP if strip and not view.surface else _THICKER) * _thickness(alike)
    ):
        return None
    rings = [gray[(depth > at) & (depth <= at + 1)] for at in range(max(2, round(_GAP_DEPTH * short)))]
    gap = min(float(np.median(ring)) for ring in rings if len(ring))
    dark = level <= _DARK * specimen and level - view.zero <= _DARK_RAW * (specimen - view.zero)
    parted = level < specimen and gap <= level - _GAP * contrast
    outside = _is_outside(area)
    if (dark or parted or (view.surface and level < specimen)) and outside:
        return Area(kind="mount", where=_widened(view, area, away, contrast))
    if area.mean() < _LARGE or level > specimen or not (strip or _is_outside(area, surely=False)):
        return None  # what bulges out of a corner is a pore, a grain or a region of a phase
    return Area(kind="doubtful", where=area)


def _is_outside(area: Mask, *, surely: bool = True) -> bool:
    """Whether an area lies around the specimen, and not in it: its border does not bulge into the picture.

    A grain at a corner has a border of several sides, the mount there surely one line or arc. A wavy border may be that
    of either.
    """
    corners = _corners(area)
    if corners in _BULGE:
        along, beyond = _border(area)
        if not len(along):
            return False
        chord = float(np.ptp(along))
        straight = float(beyond.max()) <= (_BULGE[corners] if surely or corners > 1 else _WAVY) * chord
        if corners > 1:
            return straight
        arc = np.polyval(np.polyfit(along, beyond, 2), along)
        apart = float(np.quantile(np.abs(beyond - arc), 0.95)) if surely else 0.0
        return straight and apart <= _ARC * chord and chord >= _CHORD * min(area.shape)
    outlines, _ = cv2.findContours((~area).view(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    specimen = max(outlines, key=cv2.contourArea)
    return bool(cv2.contourArea(specimen) >= _SOLID * cv2.contourArea(cv2.convexHull(specimen)))


def _border(area: Mask) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Places of the border of an area along the chord between its ends at the edge of the picture, and beyond it. [px]

    Empty where it has no two ends.
    """
    points = np.argwhere(_rim(area)).astype(float)
    last = np.array(area.shape) - 1
    ends = points[((points == 0) | (points == last)).any(axis=1)]
    if len(ends) < 2:
        return np.empty(0), np.empty(0)
    one = ends[np.hypot(*(ends - ends[0]).T).argmax()]
    other = ends[np.hypot(*(ends - one).T).argmax()]
    length = float(np.hypot(*(other - one)))
    if length < 1:
        return np.empty(0), np.empty(0)
    direction = (other - one) / length
    normal = np.array([-direction[1], direction[0]])
    side = float(np.sign((np.argwhere(area).mean(axis=0) - one) @ normal))
    return (points - one) @ direction, -side * ((points - one) @ normal)


def _widened(view: _View, area: Mask, away: NDArray[np.float32], contrast: float) -> Mask:
    """An area with the gap and the blurred edge before the specimen: up to where its level is reached."""
    reach = max(6, round(0.06 * min(area.shape)))
    rings = [view.gray[(away > at) & (away <= at + 1) & ~view.taken] for at in range(2 * reach)]
    levels = [float(np.median(ring)) if len(ring) else np.nan for ring in rings]
    plateau = float(np.nanmedian(levels[reach:]))
    reached = [at for at in range(reach) if abs(levels[at] - plateau) <= _REACHED * contrast]
    return np.asarray((away <= (reached[0] + 2 if reached else 1)) & ~view.taken)


def _piece(mask: Mask, patch: tuple[slice, slice]) -> Mask | None:
    """The connected part of a mask that most of a corner belongs to."""
    _, labels = cv2.connectedComponents(mask.view(np.uint8), connectivity=4)
    there = labels[patch][labels[patch] > 0]
    return np.asarray(labels == np.bincount(there).argmax()) if 2 * len(there) > labels[patch].size else None


def _inside_only(mask: Mask, smallest: float) -> Mask:
    """Parts of a mask that hold no corner of the picture, where they may be further mount, and are not small. [px]"""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask.view(np.uint8), connectivity=4)
    kept = np.max(stats[:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]], axis=1) >= smallest
    kept[[0, *(int(labels[row, column]) for row in (0, -1) for column in (0, -1))]] = False
    return np.asarray(kept[labels])


def _corners(area: Mask) -> int:
    """Corners of the picture that an area holds."""
    return int(area[0, 0]) + int(area[0, -1]) + int(area[-1, 0]) + int(area[-1, -1])


def _without_holes(area: Mask) -> Mask:
    """Fill what an area encloses, alone or with the edge of the picture, except for the largest: the specimen."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats((~area).view(np.uint8), connectivity=4)
    return np.asarray(labels != 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())) if len(stats) > 1 else area


def _distance(area: Mask) -> NDArray[np.float32]:
    """Distance to the nearest pixel that is not of the area; the edge of the picture is none. [px]"""
    return np.asarray(cv2.distanceTransform(area.view(np.uint8), cv2.DIST_L2, 5), np.float32)


def _thickness(area: Mask) -> float:
    return float(max(area.shape)) if area.all() else float(_distance(area).max())


def _opened(area: Mask, radius: float) -> Mask:
    """Parts of an area in which a circle finds room; it may stand over the edge of the picture."""
    room = int(radius) + 2
    wide = cv2.copyMakeBorder(area.view(np.uint8), room, room, room, room, cv2.BORDER_REPLICATE)
    core = cv2.distanceTransform(wide, cv2.DIST_L2, 5) > radius
    if not core.any():
        return np.zeros_like(area)
    back = cv2.distanceTransform((~core).view(np.uint8), cv2.DIST_L2, 5) <= radius
    return np.asarray(back[room:-room, room:-room] & area)


def _rim(area: Mask) -> Mask:
    """Pixels of an area beside others, the edge of the picture left out."""
    inner = cv2.erode(area.view(np.uint8), np.ones((3, 3), np.uint8), borderType=cv2.BORDER_REPLICATE) > 0
    return np.asarray(area & ~inner)
