"""The user's own masks: label, class, binary or boundary images from any program, one per image.

What an image of numbers means is not written in it. ``kind = "auto"`` tells the clear cases apart and refuses the
others; what was found stands in the settings of the segmentation, and so on the report.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from dataclasses import field as default
from pathlib import Path
from time import perf_counter
from typing import Annotated, Any, Literal, get_args

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage import measure
from typing_extensions import Doc

from inspect_tool.errors import ReadError, SettingsError
from inspect_tool.files import sha256_file
from inspect_tool.images.readers import read_values
from inspect_tool.images.region import crop_like, turned_like
from inspect_tool.model import LabelImage, Mask, Micrograph, Samples, Segmentation
from inspect_tool.pixels.stored import StoredImage
from inspect_tool.segmentation.mask_signs import FULL, MOST_LINES, check_no_noise, is_thin

KINDS: tuple[Literal["semantic", "instance"], ...] = ("semantic", "instance")

MaskKind = Literal["auto", "binary", "labels", "classes", "boundaries"]

_CLASS_NUMBERS = 31  # values up to this are class numbers, larger ones are gray levels that stand for a class
_MANY = 64  # more values than this are no classes, and a photograph has more
_MOST_CHANGES = 0.25  # of a mask fewer pixels along rows have another value than their neighbor [1]
_SOFT_CHANGES = 0.5  # the same of two values with smoothed edges: JPEG makes 0.42 of pores of 3 px, noise 0.7 [1]
_FEW_SHADES = 8  # fewer values are classes whatever they look like
_SHATTERED = 3.0  # pieces per value; objects have one, classes as many as grains, but then no small ones
_SHARD_PX2 = 4  # half of the pieces of a photograph, and more, are not larger
_IN_STEPS = 0.75  # of the values have their neighbor in brightness beside them most often: shades, and no numbers [1]
_MOST_STEPS = 256  # values between which contacts are counted
_BESIDE = 0.03  # of the range: shades that belong to one gray of a photograph [1]
_MOST_BESIDE = 0.25  # of what has that gray itself; smoothed and compressed masks have up to 0.12 [1]
_FEW_REGIONS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How to read masks.

    ``masks`` are files, one per image in the order of the images. ``kind``: *binary* (two values), *labels* (a number
    per object), *classes* (a number, gray level or color per class), *boundaries* (lines between grains).
    ``foreground`` says which value of a binary mask is the class 1, or which are the lines; auto is bright for binary
    masks and the rarer value for lines. ``classes`` names what stands in the mask: values as text ("1", "255") or
    colors ("#ff0000") to names; a name for "0" is that of the matrix. ``separate`` turns the foreground of a binary
    mask into objects, one per 8-connected piece. ``boundary_pixels`` of a label image are thin lines of 0 between
    labels: auto and "given back" share them among the neighbors, "kept" leaves them 0. ``min_region_px``: smaller
    regions of a boundary map are specks inside the lines. ``kinds`` are those that auto may choose from: a recipe can
    use only some, and a job fills in which.
    """

    masks: Annotated[tuple[str, ...], Doc("files or patterns, one per image in their order")] = ()
    kind: Annotated[MaskKind, Doc("what the values of a mask mean")] = "auto"
    foreground: Annotated[Literal["auto", "bright", "dark"], Doc("which value of a binary mask is marked")] = "auto"
    classes: Annotated[Mapping[str, str], Doc("value or color -> name")] = default(default_factory=dict)
    separate: Annotated[bool, Doc("every connected piece of a binary mask is an object")] = False
    boundary_pixels: Annotated[Literal["auto", "given back", "kept"], Doc("lines of 0 between labels")] = "auto"
    min_region_px: Annotated[int, Doc("smaller regions of a boundary map are specks [px2]")] = 10
    kinds: Annotated[tuple[MaskKind, ...], Doc("that auto may choose from; a job fills in those of its recipe")] = ()


def load(settings: Settings) -> None:
    """Check the names of the classes; there are no weights.

    Raises
    ------
    SettingsError
        A class without a name, a name twice, or a key that is neither a number nor a color.
    """
    names = list(settings.classes.values())
    for key, name in settings.classes.items():
        _key(key)
        if not name.strip():
            msg = f"[backend] classes: '{key}' has an empty name"
            raise SettingsError(msg)
        if names.count(name) > 1:
            msg = f"[backend] classes: two values are named '{name}'; give each class its own name"
            raise SettingsError(msg)
    if settings.min_region_px < 0:
        msg = f"[backend] min_region_px = {settings.min_region_px}; it must be 0 or more"
        raise SettingsError(msg)


def outputs(settings: Settings) -> tuple[Literal["classes", "objects", "grains"], ...]:
    """Name what a mask can give with these settings; with ``kind = "auto"`` the mask decides among several."""
    allowed = settings.kinds or get_args(MaskKind)
    kinds = [kind for kind in (allowed if settings.kind == "auto" else (settings.kind,)) if kind != "auto"]
    binary: Literal["classes", "objects"] = "objects" if settings.separate else "classes"
    gives: dict[str, tuple[Literal["classes", "objects", "grains"], ...]] = {
        "binary": (binary,),
        "classes": (binary,),
        "labels": ("objects", "grains"),
        "boundaries": ("grains",),
    }
    return tuple(dict.fromkeys(output for kind in kinds for output in gives[kind]))


def segment(model: None, micrograph: Micrograph, settings: Settings) -> Segmentation:  # noqa: ARG001 - no weights
    """Read the mask of one image.

    Parameters
    ----------
    model : None
        There are no weights.
    micrograph : Micrograph
        The mask must have the size of its file or of the cut image.
    settings : Settings
        With exactly one mask.

    Returns
    -------
    Segmentation
        Semantic for binary masks and classes, instance for labels, boundaries and ``separate``; 0 outside ``roi``.

    Raises
    ------
    ReadError
        The mask cannot be read, has another size, one value only, or it is not clear what its values mean.
    SettingsError
        Not one mask for this image, or names that do not fit the values.
    """
    start = perf_counter()
    load(settings)
    if len(settings.masks) != 1:
        msg = f'{micrograph.path}: backend "labels" needs one mask per image, got {len(settings.masks)}'
        raise SettingsError(msg)
    path = Path(settings.masks[0])
    if isinstance(micrograph.pixels, StoredImage):
        from inspect_tool.segmentation import stored_labels

        return stored_labels.segment(path, micrograph, settings, start)
    values, lossy = read_values(path, colors=any(key.startswith("#") for key in settings.classes))
    values = turned_like(micrograph, values)
    crop_like(micrograph, values, str(path))
    # the whole mask decides what its values mean: a crop may hold one of them only
    meant = interpreted(path, values, lossy, settings)
    labels = np.ascontiguousarray(crop_like(micrograph, meant.labels, str(path)), dtype=np.int32)
    if micrograph.roi is not None:
        labels[~micrograph.roi] = 0
    labels.setflags(write=False)
    return Segmentation(
        labels=labels,
        classes=meant.classes,
        kind="instance" if meant.kind in ("labels", "boundaries") or settings.separate else "semantic",
        backend="labels",
        settings={"mask": path.name, "mask_sha256": sha256_file(path), "kind": meant.kind, **meant.found},
        seconds=perf_counter() - start,
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Meaning:
    """What the numbers of a mask mean."""

    labels: Samples  # class or object numbers, integer or bool
    classes: Mapping[int, str]  # as in ``Segmentation``
    kind: MaskKind  # never "auto"
    found: Mapping[str, Any]  # for the report: values, objects, lines, ...


def interpreted(path: Path, values: Samples, lossy: bool, settings: Settings, *, where: str = "[backend]") -> Meaning:
    """Tell what the numbers of a mask mean.

    Parameters
    ----------
    path : Path
        Name for messages.
    values : array, (rows, columns) or (rows, columns, 3)
        As read, whole.
    lossy : bool
        The file was compressed with loss.
    settings : Settings
        ``masks`` and ``separate`` of a label image do not matter here.
    where : str
        Where the settings stand, for messages.

    Raises
    ------
    ReadError
        One value only, a photograph or noise, or it is not clear what the values mean.
    SettingsError
        Names that do not fit the values.
    """
    mask = _mask(path, values, lossy, where)
    traced = _traced(mask) if settings.kind in ("auto", "binary", "boundaries") and not settings.classes else None
    mask = mask if traced is None else _mask(path, traced.marked, lossy, where)
    kind = _kind(mask, settings)
    if kind in ("labels", "classes") and not lossy:
        _check_no_photograph(mask, _MOST_CHANGES)
    labels, classes, found = _INTERPRET[kind](mask, settings)
    check_no_noise(path, labels)
    if kind in ("labels", "classes") and not settings.classes:  # who names values has looked at them
        _check_no_shades(mask)
    found = found if traced is None else {**found, "traced_in": traced.color}
    return Meaning(labels=labels, classes=classes, kind=kind, found=found)


def signs_of_photograph(values: Samples, most: float = _MOST_CHANGES) -> str:
    """What tells a photograph from a mask of numbers: more values than classes have, changing from pixel to pixel.

    Parameters
    ----------
    values : array, (rows, columns)
        As read; colors packed into one number.
    most : float
        Share of the pixels that have another value than their neighbor, at most. [1]

    Returns
    -------
    str
        With the count, the share and the first place; empty for a mask.
    """
    changes = values[:, 1:] != values[:, :-1]
    share = np.count_nonzero(changes) / values.size
    if share <= most or (count := len(np.unique(values))) <= _MANY:
        return ""
    row, column = (int(at) for at in np.unravel_index(int(changes.argmax()), changes.shape))
    return (
        f"it has {count} values, and along its rows {100 * share:.0f} % of the pixels have another one than their "
        f"neighbor (the first at row {row}, column {column + 1})"
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Mask:
    """A mask as read: whole numbers (colors packed as 0xRRGGBB) and how often each occurs."""

    path: Path
    image: Samples  # (rows, columns)
    values: NDArray[np.int64]  # distinct, ascending
    counts: NDArray[np.int64]
    lossy: bool
    colored: bool
    where: str  # the settings stand, for messages


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Traced:
    """What is drawn on a photograph in one color."""

    marked: NDArray[np.uint8]  # 0 and 255
    color: str


_PURE = 128  # range of red, green and blue from which a color is one that people draw with
_LEAST_DRAWN, _MOST_DRAWN = 0.002, 0.5  # share of the picture [1]


def _traced(mask: _Mask) -> _Traced | None:
    """Find a structure that is drawn in one pure color over a gray photograph; None where that is not what it is.

    A soft edge of the stroke goes with it where it has half of its color.
    """
    if not mask.colored:
        return None
    color = np.stack([mask.values >> shift & 255 for shift in (16, 8, 0)])
    chroma = color.max(axis=0) - color.min(axis=0)
    drawn = int(np.argmax(np.where(chroma >= _PURE, mask.counts, 0)))
    grays = chroma <= _GRAY
    if chroma[drawn] < _PURE or np.count_nonzero(grays) <= _CLASS_NUMBERS:
        return None  # a mask has few gray levels, or none
    # colors of the stroke lie between it and a gray: red, green and blue stand in one proportion
    share = chroma / chroma[drawn]
    direction = (color - color.min(axis=0)) - share * (color[:, [drawn]] - color[:, [drawn]].min())
    along = grays | (np.abs(direction).max(axis=0) <= _GRAY)
    marked = share >= 0.5
    part = int(mask.counts[marked].sum()) / mask.image.size
    if not along.all() or not _LEAST_DRAWN <= part <= _MOST_DRAWN:
        return None
    chosen = np.where(marked, np.uint8(255), np.uint8(0))
    return _Traced(marked=chosen[np.searchsorted(mask.values, mask.image)], color=_shown(mask, mask.values[drawn]))


_GRAY = 8  # range of red, green and blue up to which a pixel is gray

_Interpreted = tuple[Samples, Mapping[int, str], Mapping[str, Any]]


def _mask(path: Path, image: Samples, lossy: bool, where: str) -> _Mask:
    colored = False
    if image.ndim == 3:
        red, green, blue = (image[:, :, i] for i in range(3))
        colored = not (np.array_equal(red, green) and np.array_equal(green, blue))
        if colored and image.dtype != np.uint8:
            msg = f"{path}: a colored mask has 8 bits per color, this one {image.dtype.itemsize * 8}; save it so"
            raise ReadError(msg)
        image = (red.astype(np.int32) << 16) | (green.astype(np.int32) << 8) | blue if colored else red
    if image.dtype == np.bool_:
        image = image.astype(np.uint8)
    if image.dtype.kind == "f":
        whole = np.isfinite(image).all() and np.array_equal(image, np.rint(image)) and abs(image).max() < 2**53
        if not whole:
            msg = f"{path}: a mask holds whole numbers, this one has fractions or NaN; save it as an integer image"
            raise ReadError(msg)
        image = image.astype(np.int64)
    if image.dtype.kind == "i" and int(image.min()) < 0:
        msg = f"{path}: a mask holds numbers from 0 on, this one has {int(image.min())}"
        raise ReadError(msg)
    values, counts = _histogram(image)
    return _Mask(path=path, image=image, values=values, counts=counts, lossy=lossy, colored=colored, where=where)


def _check_no_photograph(mask: _Mask, most: float) -> None:
    if why := signs_of_photograph(mask.image, most):
        msg = f"{mask.path}: is a photograph and no mask: {why}; give the mask that belongs to it"
        raise ReadError(msg)


def _check_no_shades(mask: _Mask) -> None:
    """Refuse a smooth photograph of few gray levels: each is in many shards, or beside the next brighter or darker.

    The shards of 0 tell nothing: between objects that touch, numbered by hand, slivers of the ground are left.
    """
    count = len(mask.values)
    if count < _FEW_SHADES:
        return
    ranks = np.searchsorted(mask.values, mask.image)
    ground = 0 if mask.values[0] == 0 else -1
    pieces = measure.label(ranks, background=ground, connectivity=2)  # type: ignore[no-untyped-call]
    sizes = np.bincount(pieces.ravel())[1:]
    if len(sizes) <= _SHATTERED * count:
        return
    in_shards = np.count_nonzero(sizes <= _SHARD_PX2) >= len(sizes) / 2
    if not in_shards and (count > _MOST_STEPS or _in_steps(ranks, count) < _IN_STEPS):
        return
    small = np.concatenate([[False], sizes <= _SHARD_PX2])
    at = int(small[pieces].argmax()) if in_shards else 0
    row, column = divmod(at, mask.image.shape[1])
    msg = (
        f"{mask.path}: is a photograph and no mask: its {count} values lie in {len(sizes)} pieces, "
        f"{_share_of(sizes, _SHARD_PX2):.0f} % of them of {_SHARD_PX2} px and less (the first at row {row}, column "
        f"{column}), as shades of gray do; give the mask that belongs to it, or name its values in classes in "
        f"{mask.where}"
    )
    raise ReadError(msg)


def _share_of(sizes: NDArray[np.int64], largest: int) -> float:
    return 100 * np.count_nonzero(sizes <= largest) / len(sizes)


def _in_steps(ranks: NDArray[np.intp], count: int) -> float:
    """Share of the values that touch the next higher or lower one more often than any other. [1]"""
    contacts = np.zeros(count * count, np.int64)
    for one, other in ((ranks[:, 1:], ranks[:, :-1]), (ranks[1:], ranks[:-1])):
        differ = one != other
        contacts += np.bincount(one[differ] * count + other[differ], minlength=count * count)
    table = contacts.reshape(count, count)
    return float(np.mean(np.abs((table + table.T).argmax(axis=1) - np.arange(count)) == 1))


def _histogram(image: Samples) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Distinct values, ascending, and how often each occurs."""
    if image.dtype in (np.uint8, np.uint16):
        histogram = np.bincount(image.ravel())
        values = np.flatnonzero(histogram)
        return values.astype(np.int64), histogram[values].astype(np.int64)
    values, counts = np.unique(image, return_counts=True)
    return values.astype(np.int64), counts.astype(np.int64)


# ----------------------------------------------------------------------------------------- what the values mean


def _kind(mask: _Mask, settings: Settings) -> MaskKind:
    """Tell kinds of masks apart, or refuse: what the numbers mean is not written in the file."""
    if settings.kind != "auto":
        return settings.kind
    allowed = set(settings.kinds or get_args(MaskKind))
    count = len(mask.values)
    if count == 1:
        if settings.classes and "classes" in allowed:
            return "classes"  # a field of one class only
        msg = (
            f"{mask.path}: every pixel of the mask has the value {_shown(mask, mask.values[0])}: nothing is marked;"
            f' if that is so, say kind = "binary" in {mask.where}'
        )
        raise ReadError(msg)
    if count == 2:
        if any(_key(key) not in {0, 1, *mask.values.tolist()} for key in settings.classes):
            return "classes"  # a field in which a named class does not occur
        if "boundaries" not in allowed or "binary" not in allowed:
            return "boundaries" if "boundaries" in allowed and not settings.separate else "binary"
        # who names both values means classes, however thin one of them is
        named = len(settings.classes) > 1 or settings.separate
        return "boundaries" if not named and _is_line_map(mask) else "binary"
    if settings.classes and {0, *map(_key, settings.classes)}.issuperset(mask.values.tolist()):
        return "classes"
    pieces = _pieces(mask)
    objects = int(np.count_nonzero(mask.values))
    if not mask.colored and pieces > 2 * objects and _is_smoothed_binary(mask):
        return "binary" if "binary" in allowed else "boundaries"
    few, single = objects <= _CLASS_NUMBERS, pieces <= 1.25 * objects
    if "labels" not in allowed and few:
        return "classes"
    if "classes" not in allowed and pieces <= 3 * objects:
        return "labels"
    if {"labels", "classes"} <= allowed:
        if single and objects > _FEW_REGIONS:
            return "labels"
        if mask.colored and few:
            return "classes"
        if not few and pieces <= 3 * objects:
            return "labels"
        if few and not single:
            return "classes"
    what = "objects or classes" if single else "a mask or a picture"
    msg = (
        f"{mask.path}: {count} values in {pieces} pieces: not clear whether this is {what};"
        f' say kind = "labels" or "classes" in {mask.where}'
    )
    raise ReadError(msg)


def _is_smoothed_binary(mask: _Mask) -> bool:
    """Two values and a few between them, from smoothing, scaling or lossy compression."""
    low, high = int(mask.values[0]), int(mask.values[-1])
    near = (mask.values <= low + 0.2 * (high - low)) | (mask.values >= high - 0.2 * (high - low))
    return bool(mask.counts[near].sum() >= 0.9 * mask.image.size)


def _is_line_map(mask: _Mask) -> bool:
    """Whether the rarer value makes thin lines that part the rest into regions."""
    lines = mask.image == mask.values[int(mask.counts.argmin())]
    if lines.mean() > MOST_LINES or not is_thin(lines.__getitem__, lines.shape):
        return False
    _, _, stats, _ = cv2.connectedComponentsWithStats((~lines).view(np.uint8), connectivity=4)
    areas = stats[1:, cv2.CC_STAT_AREA]
    regions = areas[areas >= 10]
    # pores in a matrix also part the image, into one large region and nothing else
    return len(regions) > _FEW_REGIONS and int(regions.max()) < 0.6 * int(regions.sum())


def _pieces(mask: _Mask) -> int:
    return int(measure.label(mask.image, background=0, connectivity=2, return_num=True)[1])  # type: ignore[no-untyped-call]


# --------------------------------------------------------------------------------------------- interpretations


def _binary(mask: _Mask, settings: Settings) -> _Interpreted:
    bright, low, high, found = _two_values(mask)
    dark = settings.foreground == "dark"
    marked = ~bright if dark else bright
    if marked.all():
        msg = f"{mask.path}: the whole mask is foreground; check the file and foreground = ... in {mask.where}"
        raise ReadError(msg)
    classes = _binary_names(mask, settings, low=low, high=high, dark=dark)
    found = {**found, "foreground": "dark" if dark else "bright"}
    if not settings.separate:
        return marked, classes, found
    count, labels = cv2.connectedComponents(marked.view(np.uint8), connectivity=8, ltype=cv2.CV_32S)
    return labels, {1: classes[1]}, {**found, "separate": True, "objects": count - 1}


def _two_values(mask: _Mask) -> tuple[Mask, int, int, dict[str, object]]:
    """Bright part of a mask of two values; half way decides where smoothing left values between."""
    low, high = int(mask.values[0]), int(mask.values[-1])
    if mask.colored and len(mask.values) > 2:
        msg = f'{mask.path}: the mask has {len(mask.values)} colors; say kind = "classes" and name them in classes'
        raise ReadError(msg)
    if low == high:
        return np.full(mask.image.shape, high > 0), 0, max(high, 1), {"values": [high]}
    if len(mask.values) > 2 and not _is_smoothed_binary(mask):
        msg = f"{mask.path}: the mask has {len(mask.values)} values ({_listed(mask)}), a binary mask has two"
        raise ReadError(msg)
    _check_no_photograph(mask, _SOFT_CHANGES)
    level = (low + high) / 2
    _check_two_grays(mask, level)
    found: dict[str, object] = {"values": [_shown(mask, low), _shown(mask, high)]}
    if len(mask.values) > 2:
        between = int(mask.counts[1:-1].sum())
        found |= {"threshold": level, "share_between_percent": 100 * between / mask.image.size}
    return mask.image > level, low, high, found


def _check_two_grays(mask: _Mask, level: float) -> None:
    """Refuse a photograph of two grays: its pixels scatter around them, those of a mask have one value each."""
    reach = max(1.0, _BESIDE * float(mask.values[-1] - mask.values[0]))
    exact = beside = 0
    for part in (mask.values <= level, mask.values > level):
        values, counts = mask.values[part], mask.counts[part]
        gray = values[counts.argmax()]
        exact += int(counts.max())
        beside += int(counts[(values != gray) & (np.abs(values - gray) <= reach)].sum())
    if beside <= _MOST_BESIDE * exact:
        return
    grays = np.isin(mask.image, [int(mask.values[0]), int(mask.values[-1])], invert=True)
    row, column = divmod(int(grays.argmax()), mask.image.shape[1])
    msg = (
        f"{mask.path}: is a photograph and no mask: its two grays scatter over {len(mask.values)} values (the first "
        f"between them at row {row}, column {column}: {mask.image[row, column]}); give the mask that belongs to it"
    )
    raise ReadError(msg)


def _binary_names(mask: _Mask, settings: Settings, *, low: int, high: int, dark: bool) -> dict[int, str]:
    """Names of a binary mask: by class number, or by the values in the file."""
    names = {0: "background", 1: "foreground"}
    given = {_key(key): name for key, name in settings.classes.items()}
    if set(given) <= {0, 1}:
        return names | given
    numbers = {low: int(dark), high: int(not dark)}
    for value, name in given.items():
        if value not in numbers:
            raise SettingsError(_misnamed(mask, _shown(mask, value)))
        names[numbers[value]] = name
    return names


def _classes(mask: _Mask, settings: Settings) -> _Interpreted:
    """One class per value: small values are class numbers, gray levels and colors are numbered in order."""
    soft: dict[str, object] = {}
    if settings.classes and not mask.lossy:
        mask, soft = _hardened(mask, [_key(key) for key in settings.classes])
    count = max(len(mask.values), len(settings.classes))
    if count > _MANY or mask.lossy:
        why = "lossy compression blurs the values" if mask.lossy else f"{count} values are no classes"
        msg = f"{mask.path}: {why}; save the mask as PNG or TIFF with one value per class"
        raise ReadError(msg)
    given = {_key(key): name for key, name in settings.classes.items()}
    present = [int(value) for value in mask.values]
    if given:
        unnamed = [value for value in present if value not in given and value != 0]
        if unnamed:
            share = 100 * int(mask.counts[present.index(unnamed[0])]) / mask.image.size
            msg = (
                f"{mask.path}: the mask has the value {_shown(mask, unnamed[0])} ({share:.3g} % of the pixels), which"
                f" classes does not name; values are {_listed(mask)}"
            )
            raise SettingsError(msg)
        if not any(value in given for value in present if value != 0) and present != [0]:
            raise SettingsError(_misnamed(mask, ", ".join(settings.classes)))
    order = [value for value in (given or present) if value != 0]
    plain = not mask.colored and all(value <= _CLASS_NUMBERS for value in order)
    numbers = {0: 0} | {value: value if plain else at for at, value in enumerate(order, start=1)}
    table = np.array([numbers[value] for value in present], dtype=np.int32)
    labels = table[np.searchsorted(mask.values, mask.image)]
    names = {0: given.get(0, "background")} | {
        numbers[value]: given.get(value) or _class_name(mask, value, plain=plain) for value in order
    }
    return labels, names, {"values": {_shown(mask, value): numbers[value] for value in (0, *order)}, **soft}


_SOFT_PX = 2  # pixels of a smoothed edge lie this near to the classes that they are between
_MOST_SOFT = 0.3  # share of a mask that smoothed edges take at most [1]


def _hardened(mask: _Mask, named: Sequence[int]) -> tuple[_Mask, dict[str, object]]:
    """Give pixels of smoothed edges to the nearer of the named classes beside them; half way decides.

    Values that are not named stay as they are where they make areas of their own, or do not lie between two classes
    that touch them: then they are classes that somebody forgot to name.
    """
    known = np.isin(mask.values, [*named, 0])
    soft = ~known[np.searchsorted(mask.values, mask.image)]
    share = float(soft.mean())
    if share in (0.0, 1.0) or share > _MOST_SOFT or np.count_nonzero(known) < 2:
        return mask, {}
    rows, columns = np.nonzero(soft)
    value = _channels(mask, mask.image[rows, columns])
    kernel = np.ones((2 * _SOFT_PX + 1, 2 * _SOFT_PX + 1), np.uint8)
    classes = mask.values[known]
    beside = np.stack([cv2.dilate((mask.image == one).view(np.uint8), kernel)[rows, columns] > 0 for one in classes])
    distance = np.stack([np.abs(value - _channels(mask, one)).sum(axis=-1) for one in classes])
    distance = np.where(beside, distance, np.inf)
    order = np.argsort(distance, axis=0)
    nearest, second = (np.take_along_axis(distance, order[[i]], axis=0)[0] for i in (0, 1))
    ends = [_channels(mask, classes[order[i]]) for i in (0, 1)]
    apart = np.abs(ends[0] - ends[1]).sum(axis=-1)
    # on the straight line between two colors the distances to both add up to that between them
    between = np.isfinite(second) & (nearest + second <= apart + _ROUNDING)
    if not between.all():
        return mask, {}
    image = mask.image.copy()
    image[rows, columns] = classes[order[0]]
    values, counts = _histogram(image)
    return replace(mask, image=image, values=values, counts=counts), {"share_between_percent": 100 * share}


_ROUNDING = 6  # gray levels that the three channels of a color between two others may be off together


def _channels(mask: _Mask, values: object) -> NDArray[np.int64]:
    """Red, green and blue of packed colors, or the one number of gray values, along a last axis."""
    packed = np.asarray(values, dtype=np.int64)
    return np.stack([packed >> shift & 255 for shift in (16, 8, 0)] if mask.colored else [packed], axis=-1)


def _labels(mask: _Mask, settings: Settings) -> _Interpreted:
    """One object per value; thin lines of 0 between objects are shared among them."""
    if mask.lossy:
        msg = f"{mask.path}: lossy compression blurs the numbers of a label image; save it as PNG or TIFF"
        raise ReadError(msg)
    if mask.values[-1] == 0:
        msg = f"{mask.path}: the label image is empty"
        raise ReadError(msg)
    _check_not_wrapped(mask)
    image, renumbered = mask.image, bool(mask.values[-1] > np.iinfo(np.int32).max) or mask.colored
    if renumbered:
        ranks = np.arange(len(mask.values), dtype=np.int32) + np.int32(mask.values[0] != 0)
        image = ranks[np.searchsorted(mask.values, image)]
    labels = image.astype(np.int32)
    found: dict[str, Any] = {"objects": int(np.count_nonzero(mask.values)), "renumbered": renumbered}
    lines = labels == 0
    share = float(lines.mean())
    give = settings.boundary_pixels == "given back" or (
        settings.boundary_pixels == "auto" and 0 < share < MOST_LINES and is_thin(lines.__getitem__, lines.shape)
    )
    if give and share > 0:
        labels = _given_back(labels)
        found["boundary_percent"] = 100 * share
    return labels, {1: _object_name(mask, settings)}, {**found, "boundary_pixels": "given back" if give else "kept"}


def _check_not_wrapped(mask: _Mask) -> None:
    """Refuse object numbers that were cut to 8 or 16 bits: they begin again at 0, so that one stands for several."""
    bits = {np.dtype(np.uint8): 8, np.dtype(np.uint16): 16}.get(mask.image.dtype)
    if bits is None or len(mask.values) < FULL * 2**bits:
        return
    pieces, objects = _pieces(mask), int(np.count_nonzero(mask.values))
    if pieces > _SPLIT * objects:
        msg = (
            f"{mask.path}: {objects} object numbers, all that {bits} bits can hold, in {pieces} pieces: larger numbers"
            f" were cut off; save the mask with {2 * bits} bits per pixel"
        )
        raise ReadError(msg)


_SPLIT = 1.05  # pieces per number that cuts of objects explain [1]


def _boundaries(mask: _Mask, settings: Settings) -> _Interpreted:
    """Regions between lines: 4-connected, because lines are 8-connected; every line pixel goes to the nearest."""
    bright, _, _, found = _two_values(mask)
    lines = {"bright": bright, "dark": ~bright}.get(settings.foreground)
    if lines is None:
        lines = bright if np.count_nonzero(bright) * 2 <= bright.size else ~bright
    count, regions, stats, _ = cv2.connectedComponentsWithStats(
        (~lines).view(np.uint8), connectivity=4, ltype=cv2.CV_32S
    )
    areas = stats[:, cv2.CC_STAT_AREA]
    numbers = np.zeros(count, dtype=np.int32)
    kept = np.flatnonzero(areas[1:] >= settings.min_region_px) + 1
    numbers[kept] = np.arange(1, len(kept) + 1)
    if len(kept) == 0:
        msg = f"{mask.path}: no region between the lines; check foreground and min_region_px in {mask.where}"
        raise ReadError(msg)
    labels = _given_back(numbers[regions])
    found |= {
        "lines": "bright" if lines is bright else "dark",
        "boundary_percent": 100 * float(lines.mean()),
        "boundary_pixels": "given back",
        "regions": len(kept),
        "specks_given_back": int(count - 1 - len(kept)),
        "min_region_px": settings.min_region_px,
    }
    return labels, {1: _object_name(mask, settings)}, found


_INTERPRET = {"binary": _binary, "classes": _classes, "labels": _labels, "boundaries": _boundaries}


def _given_back(labels: LabelImage) -> NDArray[np.int32]:
    """Share the pixels of value 0 among the nearest labels (influence zones); linear in pixels."""
    empty = (labels == 0).view(np.uint8)
    _, nearest = cv2.distanceTransformWithLabels(empty, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    number = np.zeros(int(nearest.max()) + 1, dtype=np.int32)
    filled = empty == 0
    number[nearest[filled]] = labels[filled]
    shared: NDArray[np.int32] = number[nearest]
    return shared


# -------------------------------------------------------------------------------------------------------- names


def _key(key: str) -> int:
    text = key.strip()
    try:
        if text.startswith("#") and len(text) == 7:
            return int(text[1:], 16)
        if text.isdecimal():
            return int(text)
    except ValueError:
        pass
    msg = f'[backend] classes: \'{key}\' is neither a value such as "1" nor a color such as "#ff0000"'
    raise SettingsError(msg)


def _shown(mask: _Mask, value: Any) -> str:
    return f"#{int(value):06x}" if mask.colored else str(int(value))


def _listed(mask: _Mask) -> str:
    shown = [_shown(mask, value) for value in mask.values[:8]]
    return ", ".join(shown) + (", ..." if len(mask.values) > 8 else "")


def _misnamed(mask: _Mask, name: str) -> str:
    return f"{mask.path}: classes names {name}, but the mask has the values {_listed(mask)}; name those"


def _class_name(mask: _Mask, value: int, *, plain: bool) -> str:
    if mask.colored:
        return _shown(mask, value)
    return f"class_{value}" if plain else f"gray_{value}"


def _object_name(mask: _Mask, settings: Settings) -> str:
    """Name of the objects of an instance mask: they are all of one class."""
    names = [name for key, name in settings.classes.items() if _key(key) != 0]
    if len(names) > 1:
        msg = f"{mask.path}: the mask numbers objects, which are of one class; classes names {len(names)}"
        raise SettingsError(msg)
    return names[0] if names else "object"
