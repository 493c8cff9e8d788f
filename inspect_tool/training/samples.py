"""Annotated images: found, paired by name, read, brought to one scale, parted into those that train and that judge.

What judges is never trained on, and the parting goes by whole images: two crops of one image look more alike than
two images do, and a score from crops would promise too much.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from dataclasses import field as default
from pathlib import Path
from typing import Literal, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from inspect_tool.errors import CalibrationError, InspectError, ReadError, SettingsError
from inspect_tool.files import sha256_file
from inspect_tool.images import readers
from inspect_tool.images.region import apply_region
from inspect_tool.languages import Text, Words, named
from inspect_tool.model import Modality, Region
from inspect_tool.paths import matching, natural
from inspect_tool.segmentation.networks.weights import gray_range, normalized
from inspect_tool.segmentation.unet import GRAINS
from inspect_tool.training import annotations
from inspect_tool.training.annotations import UNKNOWN
from inspect_tool.training.augment import Target

MasksAre: TypeAlias = Literal["auto", "classes", "labels", "boundaries"]

DRAWN = (".json", ".roi", ".zip")  # files of shapes, not of pixels
THICKEST_LINE_PX = 9.0  # boundary lines are nowhere wider
ENOUGH_PX = 100  # annotated pixels of a class without which nothing can be learned of it
SHARE_VALIDATION = 0.25  # of the images
SHARE_OF_ONE = 1 / 3  # of the only image
_LISTED = 5  # inputs that a message names
SAME_SCALE = 0.02  # relative difference of pixel sizes that is no difference


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sample:
    """An annotated image, or the part of one that trains or judges."""

    name: str  # of the image file
    image: NDArray[np.float32]  # (rows, columns, channels), percentiles of the whole image at 0 and 1
    target: Target  # (rows, columns), class numbers, -1 = not annotated
    image_sha256: str
    mask_sha256: str
    modality: Modality = "unknown"
    pixel_um: float | None = None  # of ``image``, as scaled
    scaled: float = 1.0  # pixels of ``image`` per pixel of the file
    part: str = ""  # of the image, in words; empty: all of it
    intercept_px: float | None = None  # mean lineal intercept of the grains, of ``image`` [px]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Split:
    """Which samples train, which judge, and how that came about."""

    training: tuple[Sample, ...]
    validation: tuple[Sample, ...]
    how: Words


# ------------------------------------------------------------------------------------------------- files


def files_of(patterns: Sequence[str], what: str) -> tuple[Path, ...]:
    """Files that names, patterns and folders stand for, in natural order, each once.

    Raises
    ------
    SettingsError
        A pattern matches nothing.
    """
    found: dict[Path, None] = {}
    for pattern in patterns:
        path = Path(pattern)
        if path.is_file():
            names = [path]  # also where the name has brackets
        elif path.is_dir():
            names = list(path.iterdir())
        else:
            names = _matching(path)
        here = [item for item in names if item.is_file() and not item.name.startswith(".")]
        if not here:
            msg = f"{pattern}: no {what} matches; check the folder and the pattern (quote it: '*.tif')"
            raise SettingsError(msg)
        found |= dict.fromkeys(sorted(here, key=lambda path: natural(str(path))))
    return tuple(found)


def _matching(pattern: Path) -> list[Path]:
    try:
        return matching(Path(pattern.anchor or "."), str(pattern.relative_to(pattern.anchor)))
    except ValueError as error:
        msg = f"{pattern}: {error}"
        raise SettingsError(msg) from None


def paired(images: Sequence[Path], masks: Sequence[Path]) -> tuple[tuple[Path, Path], ...]:
    """Find the mask of each image by its name; a wrong pair would teach nonsense, so doubt is an error.

    The names fit when the stems are equal, when the mask adds a word to the stem (``field_1_mask.png``,
    ``mask-field_1.png``), or when images and masks differ in one and the same part each (``field_1.tif``,
    ``field_2.tif`` and ``gt1.png``, ``gt2.png``). One file of all annotations (COCO) goes with every image.

    Raises
    ------
    SettingsError
        An image without mask, a mask without image, or two candidates.

    Examples
    --------
    >>> pairs = paired([Path("a/f_1.tif"), Path("a/f_2.tif")], [Path("m/gt2.png"), Path("m/gt1.png")])
    >>> [(image.name, mask.name) for image, mask in pairs]
    [('f_1.tif', 'gt1.png'), ('f_2.tif', 'gt2.png')]
    """
    if len(masks) == 1 and masks[0].suffix.lower() == ".json" and len(images) > 1:
        return tuple((image, masks[0]) for image in images)
    fits = [[mask for mask in masks if mask.stem == image.stem] for image in images]
    if not all(len(found) == 1 for found in fits):
        fits = [[mask for mask in masks if _adds_a_word(mask.stem, image.stem)] for image in images]
    if not all(len(found) == 1 for found in fits) and len(images) == len(masks):
        parts = dict(zip(_distinct([mask.stem for mask in masks]), masks, strict=True))
        fits = [[parts[part]] if part in parts else [] for part in _distinct([image.stem for image in images])]
    for image, found in zip(images, fits, strict=True):
        if len(found) != 1:
            names = ", ".join(mask.name for mask in (found or masks)[:3]) + (", ..." if len(found or masks) > 3 else "")
            msg = (
                f"{image}: {'two masks fit' if found else 'no mask fits'} its name ({names}); "
                f"name the mask {image.stem}_mask.png or the like, or leave the image out"
            )
            raise SettingsError(msg)
    used = [found[0] for found in fits]
    for mask in masks:
        if used.count(mask) != 1:
            what = "no image has its name" if mask not in used else "it fits more than one image"
            msg = f"{mask}: {what}; give the images and masks that belong together"
            raise SettingsError(msg)
    return tuple(zip(images, used, strict=True))


def _adds_a_word(longer: str, stem: str) -> bool:
    """Whether a name is a stem with words before or behind it, set off by a mark."""
    return re.fullmatch(rf"(.+[-_. ])?{re.escape(stem)}([-_. ].+)?", longer) is not None


def _distinct(stems: Sequence[str]) -> list[str]:
    """What is left of names when their common beginning and end are taken off; numbers stay whole.

    >>> _distinct(["field_10_raw", "field_11_raw"])
    ['10', '11']
    """
    start = re.sub(r"\d+$", "", _shared_start(stems))
    rest = [stem[len(start) :] for stem in stems]
    end = re.sub(r"^\d+", "", _shared_start([stem[::-1] for stem in rest])[::-1])
    return [stem[: len(stem) - len(end)] for stem in rest]


def _shared_start(texts: Sequence[str]) -> str:
    first, last = min(texts), max(texts)
    count = next((i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), min(len(first), len(last)))
    return first[:count]


# ----------------------------------------------------------------------------------------------- reading


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How images and masks are read."""

    channels: Literal["gray", "rgb"] = "gray"
    normalization: tuple[float, float] = (1.0, 99.0)  # percentiles that become 0 and 1
    pixel_um: float | None = None  # of every image; None: as the files tell, or unknown [um/px]
    footer_px: int = 0  # rows at the bottom that are no image [px]
    classes: tuple[str, ...] = ()
    masks_are: MasksAre = "auto"
    strokes: bool = False  # what no stroke touches is not annotated
    marks: annotations.Settings = default(default_factory=annotations.Settings)


def read_sample(path: Path, mask: Path, reading: Reading) -> Sample:
    """Read an image as the network will see it, and its annotation; the target holds what the annotation holds.

    Grains keep their numbers here: their boundaries are drawn at the scale at which the network learns.

    Raises
    ------
    InspectError
        The image or the annotation cannot be read, do not fit, or it is not clear what the mask means.
    """
    sample, shape = _read_image(path, reading)
    rows, columns = sample.target.shape
    found = _read_mask(mask, shape, reading, path.name)
    return replace(sample, target=found[:rows, :columns], mask_sha256=sha256_file(mask))


def read_image(path: Path, reading: Reading) -> Sample:
    """Read an image without an annotation.

    Raises
    ------
    InspectError
        It cannot be read.
    """
    return _read_image(path, reading)[0]


def read_all(images: Sequence[str], masks: Sequence[str], reading: Reading) -> tuple[Sample, ...]:
    """Read every image with its annotation, paired by name; what cannot be used stops all of it, in one line.

    Raises
    ------
    InspectError
        See ``files_of``, ``paired`` and ``read_sample``; or two images have one name.
    """
    read: list[Sample] = []
    wrong: list[InspectError] = []
    for image, mask in paired(files_of(images, "image"), files_of(masks, "mask")):
        try:
            read.append(read_sample(image, mask, reading))
        except InspectError as error:
            wrong.append(error)
    stop_if_wrong(wrong)
    names = [sample.name for sample in read]
    for name in names:
        if names.count(name) > 1:
            msg = f"{name}: two images have this name; give each its own"
            raise SettingsError(msg)
    return tuple(read)


def stop_if_wrong(wrong: Sequence[InspectError]) -> None:
    """Stop before long work begins; all the inputs that cannot be used stand in the one line."""
    if len(wrong) == 1:
        raise wrong[0]
    if wrong:
        more = f"; and {len(wrong) - _LISTED} more" if len(wrong) > _LISTED else ""
        msg = f"{len(wrong)} inputs cannot be used: {'; '.join(str(error) for error in wrong[:_LISTED])}{more}"
        raise SettingsError(msg)


def _read_mask(mask: Path, shape: tuple[int, int], reading: Reading, image: str) -> Target:
    settings, classes = reading.marks, reading.classes
    if reading.strokes:
        return np.asarray(annotations.read_strokes(mask, shape, classes, settings.names, image), np.int32)
    if reading.masks_are != "classes":
        if reading.masks_are == "auto" and mask.suffix.lower() not in DRAWN and not _is_clear(mask):
            msg = (
                f"{mask}: two values, neither of them thin lines: not clear whether it shows grains or boundaries;"
                " say --masks-are labels or --masks-are boundaries"
            )
            raise ReadError(msg)
        settings = replace(settings, kind="instance", mask=reading.masks_are)
        classes = ("background", GRAINS[1] if reading.masks_are == "boundaries" else GRAINS[0])
    return np.asarray(annotations.read_annotation(mask, shape, classes, settings, image), np.int32)


def _is_clear(mask: Path) -> bool:
    """Whether a mask of two values can only be a map of boundaries: the rarer value is nowhere thick."""
    values = readers.read_values(mask)[0]
    found, counts = np.unique(values, return_counts=True)
    if len(found) != 2:
        return True
    lines = (values == found[int(counts.argmin())]).astype(np.uint8)
    return float(cv2.distanceTransform(lines, cv2.DIST_L2, 5).max()) <= THICKEST_LINE_PX / 2


def _read_image(path: Path, reading: Reading) -> tuple[Sample, tuple[int, int]]:
    """Image without its annotation, and the size of the file before the footer was cut off. [px]"""
    whole = readers.read(path)
    micrograph = apply_region(whole, Region(footer_px=reading.footer_px), path.parent)
    seen = micrograph.pixels if reading.channels == "gray" or micrograph.color is None else micrograph.color
    low, high = gray_range(seen, reading.normalization)
    pixels = normalized(seen, low, high)
    if pixels.ndim == 2:  # a gray image is red, green and blue alike
        pixels = np.repeat(pixels[..., np.newaxis], 3 if reading.channels == "rgb" else 1, axis=2)
    told, pixel_y_um, pixel_um = micrograph.calibration.pixel_um, micrograph.calibration.pixel_y_um, reading.pixel_um
    if pixel_y_um is not None:
        msg = f"{path}: pixels are {told:g} um wide and {pixel_y_um:g} um high; resample image and mask to square ones"
        raise CalibrationError(msg)
    if pixel_um is not None and told is not None and abs(told / pixel_um - 1) > SAME_SCALE:
        msg = f"{path}: the file says {told:g} um/px, --pixel-um says {pixel_um:g}; correct one of them"
        raise CalibrationError(msg)
    sample = Sample(
        name=path.name,
        image=pixels,
        target=np.full(pixels.shape[:2], UNKNOWN, dtype=np.int32),
        image_sha256=micrograph.sha256 or sha256_file(path),
        mask_sha256="",
        modality=micrograph.modality,
        pixel_um=pixel_um or told,
    )
    return sample, (int(whole.pixels.shape[0]), int(whole.pixels.shape[1]))


def scaled(sample: Sample, factor: float) -> Sample:
    """Bring a sample to another scale; class and object numbers are never interpolated."""
    if abs(factor - 1) <= SAME_SCALE:
        return sample
    rows, columns = (max(1, round(side * factor)) for side in sample.target.shape)
    how = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
    image = cv2.resize(sample.image, (columns, rows), interpolation=how).reshape(rows, columns, -1)
    target = cv2.resize(sample.target, (columns, rows), interpolation=cv2.INTER_NEAREST_EXACT)
    pixel_um = sample.pixel_um / factor if sample.pixel_um else None
    return replace(
        sample,
        image=np.asarray(image, np.float32),
        target=np.asarray(target, np.int32),
        pixel_um=pixel_um,
        scaled=sample.scaled * factor,
    )


def to_one_scale(samples: Sequence[Sample], pixel_um: float | None) -> tuple[Sample, ...]:
    """Bring images of different pixel size to one; a network learns one magnification.

    Parameters
    ----------
    samples : sequence of Sample
        As read.
    pixel_um : float, optional
        Scale of the model that training starts from; None: that of the image in the middle. [um/px]

    Raises
    ------
    CalibrationError
        Some files tell a pixel size and some do not.
    """
    known = sorted(sample.pixel_um for sample in samples if sample.pixel_um)
    if not known:
        return tuple(samples)
    for sample in samples:
        if not sample.pixel_um:
            msg = f"{sample.name}: tells no pixel size, others do; give --pixel-um if all have the same"
            raise CalibrationError(msg)
    wanted = pixel_um or known[len(known) // 2]
    return tuple(scaled(sample, (sample.pixel_um or wanted) / wanted) for sample in samples)


def as_boundaries(samples: Sequence[Sample], structure_px: tuple[float, float] | None) -> tuple[Sample, ...]:
    """Turn grain numbers into the classes grain and boundary, at a magnification that the model knows.

    ``structure_px`` is the range of mean intercepts that the model has seen; grains of another size are brought to its
    middle, all images by the same factor. [px]
    """
    sizes = [mean_intercept_px(sample.target) for sample in samples]
    middle = float(np.median(sizes))
    if structure_px is not None and not structure_px[0] <= middle <= structure_px[1]:
        samples = [scaled(sample, float(np.sqrt(structure_px[0] * structure_px[1])) / middle) for sample in samples]
    return tuple(
        replace(sample, target=boundary_target(sample.target), intercept_px=mean_intercept_px(sample.target))
        for sample in samples
    )


# ----------------------------------------------------------------------------------------------- targets


def boundary_target(labels: Target) -> Target:
    """Make the classes grain (0) and boundary (1) of grain numbers: the boundary lies on both sides of the edge.

    Parameters
    ----------
    labels : ndarray of int32
        A number per grain; 0 where there is no grain and -1 where nobody annotated stay unknown, and so does the
        outline of the grains toward them.

    Examples
    --------
    >>> boundary_target(np.array([[1, 1, 1, 2, 2, 2]], dtype=np.int32))
    array([[0, 0, 1, 1, 0, 0]], dtype=int32)
    """
    grain = labels > 0
    kernel = np.ones((3, 3), np.uint8)
    highest = cv2.dilate(np.where(grain, labels, 0).astype(np.float64), kernel, borderType=cv2.BORDER_REPLICATE)
    lowest = cv2.erode(np.where(grain, labels, np.inf), kernel, borderType=cv2.BORDER_REPLICATE)
    target = np.asarray(highest != lowest, dtype=np.int32)
    target[~grain] = UNKNOWN
    return target


def mean_intercept_px(labels: Target) -> float:
    """Mean length of rows and columns inside one grain, where the image is annotated. [px]

    >>> mean_intercept_px(np.array([[1, 1, 1, 2, 2, 2]], dtype=np.int32))
    5.0
    """
    length = crossed = 0
    for one, next_ in ((labels[:, :-1], labels[:, 1:]), (labels[:-1], labels[1:])):
        inside = (one > 0) & (next_ > 0)
        length += int(inside.sum())
        crossed += int((inside & (one != next_)).sum())
    return length / max(crossed, 1)


def class_counts(samples: Sequence[Sample], classes: int) -> NDArray[np.int64]:
    """Annotated pixels of each class. [px]"""
    counts = np.zeros(classes, dtype=np.int64)
    for sample in samples:
        counts += np.bincount(sample.target[sample.target >= 0], minlength=classes)
    return counts


# ------------------------------------------------------------------------------------------------- split


def split(samples: Sequence[Sample], classes: Sequence[str], *, chosen: Sequence[str], seed: int) -> Split:
    """Part samples into those that train and those that judge.

    Parameters
    ----------
    samples : sequence of Sample
        All of them.
    classes : sequence of str
        Names, for messages.
    chosen : sequence of str
        Names of the images that judge; empty: a quarter is drawn, so that both sides hold every class where that is
        possible.
    seed : int
        Of the draw.

    Raises
    ------
    SettingsError
        A class is missing or rare, or nothing is left on one side.
    """
    counts = class_counts(samples, len(classes))
    for name, count in zip(classes, counts, strict=True):
        if count < ENOUGH_PX:
            found = "is missing in every mask" if count == 0 else f"has {count} annotated pixels in all masks together"
            msg = f"class '{name}' {found}, {ENOUGH_PX} are needed; annotate more, or check --classes"
            raise SettingsError(msg)
    if chosen:
        parted = _by_name(samples, chosen)
    elif len(samples) == 1:
        parted = _within(samples[0], len(classes))
    else:
        parted = _drawn(samples, len(classes), seed)
    for name, count in zip(classes, class_counts(parted.training, len(classes)), strict=True):
        if count < ENOUGH_PX:
            msg = (
                f"class '{name}' has {count} annotated pixels in what trains ({parted.how}), {ENOUGH_PX} are needed; "
                "annotate it in one more image, or choose the images that judge with --validation"
            )
            raise SettingsError(msg)
    if not class_counts(parted.validation, len(classes)).any():
        msg = f"nothing is annotated in what judges ({parted.how}); annotate more, or choose with --validation"
        raise SettingsError(msg)
    return parted


def _by_name(samples: Sequence[Sample], chosen: Sequence[str]) -> Split:
    names = {Path(name).name for name in chosen}
    for name in sorted(names - {sample.name for sample in samples}):
        msg = f"--validation {name}: is none of the images ({', '.join(sample.name for sample in samples[:5])}, ...)"
        raise SettingsError(msg)
    training = tuple(sample for sample in samples if sample.name not in names)
    if not training:
        msg = "--validation names every image; leave some for training"
        raise SettingsError(msg)
    judging = tuple(sample for sample in samples if sample.name in names)
    return Split(training=training, validation=judging, how=Text("training.how_stated"))


def _drawn(samples: Sequence[Sample], classes: int, seed: int) -> Split:
    count = max(1, round(SHARE_VALIDATION * len(samples)))
    held = np.stack([class_counts([sample], classes) >= ENOUGH_PX for sample in samples])
    rng = np.random.default_rng((seed, 1))
    best, most = np.arange(len(samples)), -1
    for _ in range(64):
        order = rng.permutation(len(samples))
        # every class on the training side comes first, then every class on the other
        worth = int(10 * held[order[count:]].any(axis=0).sum() + held[order[:count]].any(axis=0).sum())
        if worth > most:
            best, most = order, worth
    judging = set(best[:count].tolist())
    return Split(
        training=tuple(sample for i, sample in enumerate(samples) if i not in judging),
        validation=tuple(sample for i, sample in enumerate(samples) if i in judging),
        how=Text("training.how_drawn", count=count, total=len(samples), seed=seed),
    )


def _within(sample: Sample, classes: int) -> Split:
    """The only image: one part along its longer side judges, at the end where more classes are."""
    axis = int(np.argmax(sample.target.shape))
    side = sample.target.shape[axis]
    small = max(1, round(SHARE_OF_ONE * side))
    names = (("top", "bottom"), ("left", "right"))[axis]
    options = []
    for at_end in (True, False):
        few = slice(side - small, side) if at_end else slice(0, small)
        rest = slice(0, side - small) if at_end else slice(small, side)
        judging = _part(sample, axis, few, f"{names[at_end]} third")
        training = _part(sample, axis, rest, f"{names[not at_end]} two thirds")
        options.append((training, judging))
    training, judging = max(
        options, key=lambda pair: [int((class_counts([part], classes) >= ENOUGH_PX).sum()) for part in pair]
    )
    trains, judges = named("training", training.part), named("training", judging.part)
    how = Text("training.how_within", training=trains, judging=judges)
    return Split(training=(training,), validation=(judging,), how=how)


def _part(sample: Sample, axis: int, which: slice, words: str) -> Sample:
    area = (which, slice(None)) if axis == 0 else (slice(None), which)
    return replace(sample, image=sample.image[area], target=sample.target[area], part=words)


def hashes(samples: Sequence[Sample]) -> Mapping[str, str]:
    """Image name to the SHA-256 of image and mask."""
    return {sample.name: f"{sample.image_sha256} {sample.mask_sha256}" for sample in samples}
