"""Annotations of any common program to one label image: masks, LabelMe, COCO and ImageJ regions.

What is asked for is explicit: class numbers (``semantic``) or object numbers (``instance``). A pixel that nobody
looked at is -1, which is neither background nor an error of the network.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as default
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from typing_extensions import Doc

from inspect_tool.errors import ReadError, SettingsError
from inspect_tool.files import read_bytes
from inspect_tool.images.readers import read_values
from inspect_tool.model import LabelImage, Samples
from inspect_tool.segmentation import labels as masks
from inspect_tool.training import _coco, _imagej, _labelme
from inspect_tool.training.shapes import Shape, drawn

UNKNOWN = -1
"""Label of pixels that are not annotated."""

IGNORE = "ignore"
"""Class name of shapes and mask values that say: not annotated here."""

_IN_SETTINGS = "the settings of the annotations (--masks-are)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How annotations are read.

    ``kind``: *semantic* gives class numbers, *instance* object numbers. ``names`` translates what stands in the file
    (a class name, a mask value such as "255" or a color such as "#ff0000") to class names or to "ignore". ``blank``:
    what is not marked is *background*, or *unknown* where only some of the structure was marked. ``mask``: what the
    values of a mask image mean, see backend ``labels``; for instances, a *binary* mask gives one object per
    8-connected piece, and *boundaries* says of drawn shapes too that they are the lines between objects. ``line_px``:
    width of drawn lines that have none. ``may_be_empty``: a field with nothing marked is meant, not a mistake.
    """

    kind: Literal["semantic", "instance"] = "semantic"
    names: Annotated[Mapping[str, str], Doc("in the file -> class name")] = default(default_factory=dict)
    blank: Annotated[Literal["background", "unknown"], Doc("what is not marked")] = "background"
    mask: Annotated[masks.MaskKind, Doc("what the values of a mask image mean")] = "auto"
    foreground: Annotated[Literal["auto", "bright", "dark"], Doc("which value of a mask of two is marked")] = "auto"
    line_px: Annotated[float, Doc("[px]")] = 1.0
    may_be_empty: Annotated[bool, Doc("a field without anything marked is meant")] = False


def read_annotation(
    path: Path, shape: tuple[int, int], classes: Sequence[str], settings: Settings | None = None, image: str = ""
) -> LabelImage:
    """Read the annotation of one image.

    Parameters
    ----------
    path : Path
        Mask image (TIFF, PNG, BMP; 8, 16 or 32 bit, palette or colors), LabelMe or COCO ``.json``, ImageJ ``.roi`` or
        ``.zip``. Nothing that the file points to is opened.
    shape : (rows, columns)
        Size of the image. [px]
    classes : sequence of str
        Names of the classes, background first; the position is the class number.
    settings : Settings, optional
        Default: class numbers, what is not marked is background.
    image : str
        File name of the image, by which COCO files know it.

    Returns
    -------
    array of int32, (rows, columns)
        Class numbers, or object numbers from 1 on; 0 is background, -1 is not annotated. Where shapes overlap, the
        smaller one is seen. Thin lines of 0 between objects are given back to them.

    Raises
    ------
    ReadError
        The file cannot be read or understood, is of another image, or marks nothing.
    SettingsError
        A class that is not one of ``classes``, or settings that do not fit the file.
    """
    chosen = settings or Settings()
    _check(classes, chosen)
    suffix = path.suffix.lower()
    if suffix == ".json":
        found = _from_shapes(path, tuple(_json_shapes(path, shape, image, chosen)), shape, classes, chosen)
    elif suffix in (".roi", ".zip"):
        if not path.is_file():
            msg = f"{path}: no such file"
            raise ReadError(msg)
        found = _from_shapes(path, tuple(_imagej.shapes(path, chosen.line_px)), shape, classes, chosen)
    else:
        found = _from_mask(path, shape, classes, chosen)
    found.setflags(write=False)
    return found


def read_strokes(
    path: Path, shape: tuple[int, int], classes: Sequence[str], names: Mapping[str, str], image: str = ""
) -> LabelImage:
    """Read strokes of every class, background included; what no stroke touches is not annotated.

    Parameters
    ----------
    path : Path
        Shapes as for ``read_annotation``, or an image in which 0 is no stroke and 1, 2, ... are the first, the second,
        ... of ``classes``; with ``names`` the values or colors that they name, and nothing else, are strokes.
    shape : (rows, columns)
        Size of the image. [px]
    classes : sequence of str
        Names of the classes, background first.
    names : mapping of str to str
        What stands in the file to the name of a class.
    image : str
        File name of the image, by which COCO files know it.

    Returns
    -------
    array of int32, (rows, columns)
        Class numbers from 0 on; -1 where there is no stroke.

    Raises
    ------
    ReadError
        The file cannot be read, is of another image, was compressed with loss, or has no stroke.
    SettingsError
        A class that is not one of ``classes``, or values that stand for none.
    """
    if path.suffix.lower() in (".json", ".roi", ".zip"):
        return read_annotation(path, shape, classes, Settings(names=names, blank="unknown"), image)
    _check(classes, Settings(names=names))
    values, lossy = _values(path, shape, names)
    if lossy:
        msg = f"{path}: was compressed with loss, which mixes the colors of strokes at their edges; save it as PNG"
        raise ReadError(msg)
    found = np.full(shape, UNKNOWN, dtype=np.int32)
    for key, name in names.items():
        if name != IGNORE:
            found[_is(path, values, key)] = list(classes).index(name)
    if not names:
        if values.ndim != 2 or values.dtype.kind not in "biu" or int(values.max()) > len(classes):
            held = "colors" if values.ndim == 3 else f"values up to {values.max()}"
            msg = (
                f"{path}: holds {held}; strokes of the classes {', '.join(classes)} have the values 1 to"
                f" {len(classes)} on 0, or say which is which with --name '#ff0000={classes[-1]}'"
            )
            raise SettingsError(msg)
        found[values > 0] = values[values > 0].astype(np.int32) - 1
    if not (found != UNKNOWN).any():
        msg = f"{path}: no stroke is drawn in it; draw some of every class, or leave the image out"
        raise ReadError(msg)
    found.setflags(write=False)
    return found


def _is(path: Path, values: Samples, key: str) -> NDArray[np.bool_]:
    """Where a mask has the value or color that a name stands for."""
    if re.fullmatch(r"#[0-9a-fA-F]{6}", key):
        color = [int(key[at : at + 2], 16) for at in (1, 3, 5)]
        return np.asarray((values[..., :3] == color).all(axis=2) if values.ndim == 3 else np.zeros(values.shape, bool))
    if not key.isdecimal() or values.ndim != 2:
        kind = "a mask has colors" if values.ndim == 3 else "a mask has values"
        msg = f"{path}: names has '{key}', but {kind}; write '#ff0000' for a color and '255' for a value"
        raise SettingsError(msg)
    return np.asarray(values == int(key))


def _check(classes: Sequence[str], settings: Settings) -> None:
    if len(classes) < 2 or len(set(classes)) != len(classes):
        msg = f"classes are {', '.join(classes) or 'none'}; give different names, background first"
        raise SettingsError(msg)
    unknown = [name for name in settings.names.values() if name not in (*classes, IGNORE)]
    if unknown:
        raise SettingsError(_no_class("names", unknown[0], classes))
    if not settings.line_px > 0:
        msg = f"line_px = {settings.line_px:g}; a line needs a width above 0"
        raise SettingsError(msg)


# -------------------------------------------------------------------------------------------------------- shapes


def _json_shapes(path: Path, shape: tuple[int, int], image: str, settings: Settings) -> Iterator[Shape]:
    data = _json(path)
    if isinstance(data, dict) and "shapes" in data:
        return _labelme.shapes(str(path), data, shape, settings.line_px)
    if isinstance(data, dict) and "annotations" in data:
        return _coco.shapes(str(path), data, shape, image)
    msg = f"{path}: neither LabelMe (no 'shapes') nor COCO (no 'annotations'); export it as one of them"
    raise ReadError(msg)


def _json(path: Path) -> Any:
    try:
        state = path.stat()
        return _parsed(path, state.st_mtime_ns, state.st_size)
    except FileNotFoundError:
        msg = f"{path}: no such file"
        raise ReadError(msg) from None
    except OSError as error:
        msg = f"{path}: cannot be read: {error.strerror}"
        raise ReadError(msg) from None


@lru_cache(maxsize=1)  # a COCO file holds many images and may take seconds to parse
def _parsed(path: Path, changed_ns: int, size: int) -> Any:  # noqa: ARG001 - they tell versions of a file apart
    try:
        return json.loads(read_bytes(path))
    except (ValueError, RecursionError) as error:
        msg = f"{path}: not valid JSON ({' '.join(str(error).split())[:100]}); export it again"
        raise ReadError(msg) from None


def _from_shapes(
    path: Path, shapes: Sequence[Shape], shape: tuple[int, int], classes: Sequence[str], settings: Settings
) -> LabelImage:
    if not shapes and not settings.may_be_empty:
        raise ReadError(_empty(path, "holds no shape"))
    numbers = [_class_number(item, path, classes, settings) for item in shapes]
    if settings.kind == "instance" and settings.mask == "boundaries":
        return _between_lines(path, drawn(shapes, numbers, shape, 0))
    if settings.kind == "instance":
        numbers = _object_numbers(shapes, numbers)
    labels = drawn(shapes, numbers, shape, 0 if settings.blank == "background" else UNKNOWN)
    return _without_gaps(path, labels) if settings.kind == "instance" else labels


def _without_gaps(path: Path, labels: LabelImage) -> LabelImage:
    """Give thin gaps between drawn objects back to them, as in a label image; wide ones are background."""
    if not (labels > 0).any() or labels.all():
        return labels
    unknown = int(labels.max()) + 1
    meant = masks.interpreted(
        path, np.where(labels < 0, unknown, labels), False, masks.Settings(kind="labels"), where=_IN_SETTINGS
    )
    return np.where(meant.labels == unknown, UNKNOWN, meant.labels).astype(np.int32)


def _between_lines(path: Path, lines: LabelImage) -> LabelImage:
    """Number the regions between drawn lines; what is not annotated stays so."""
    meant = masks.interpreted(
        path,
        (lines > 0).astype(np.uint8),
        False,
        masks.Settings(kind="boundaries", foreground="bright"),
        where=_IN_SETTINGS,
    )
    regions = np.array(meant.labels, dtype=np.int32)
    regions[lines == UNKNOWN] = UNKNOWN
    return regions


def _object_numbers(shapes: Sequence[Shape], numbers: Sequence[int]) -> list[int]:
    """Number objects in the order of the file; a crowd has no objects that could be told apart."""
    objects: dict[tuple[int, str], int] = {}
    found = []
    for i, (item, number) in enumerate(zip(shapes, numbers, strict=True)):
        if number <= 0 or item.crowd:
            found.append(UNKNOWN if item.crowd else number)
        else:
            key = (number, item.group) if item.group else (-1, str(i))
            found.append(objects.setdefault(key, len(objects) + 1))
    return found


def _class_number(item: Shape, path: Path, classes: Sequence[str], settings: Settings) -> int:
    """Class of a shape by its name; regions of ImageJ are often called after their place, and have a number."""
    imagej = path.suffix.lower() != ".json"
    for text in (item.name, _imagej.class_name(item.name)) if imagej else (item.name,):
        name = settings.names.get(text, text)
        if name in classes:
            return list(classes).index(name)
        if name == IGNORE:
            return UNKNOWN
        folded = [i for i, known in enumerate(classes) if known.casefold() == name.casefold()]
        if len(folded) == 1:
            return folded[0]
    if imagej and 0 < item.number < len(classes):
        return item.number
    if imagej and item.number == 0 and len(classes) == 2 and _imagej.is_given_by_program(item.name):
        return 1
    groups = "1" if len(classes) == 2 else f"1 to {len(classes) - 1}"
    hint = f"; or give it group {groups} in ImageJ" if imagej else ""
    raise SettingsError(_no_class(item.where, item.name, classes) + hint)


def _no_class(where: str, name: str, classes: Sequence[str]) -> str:
    return (
        f"{where}: '{name}' is not one of the classes {', '.join(classes)} (or {IGNORE}); rename it or map it in names"
    )


def _empty(path: Path, found: str) -> str:
    return f"{path}: {found}; mark the structure, or say may_be_empty if there is none in this field"


# --------------------------------------------------------------------------------------------------------- masks


def _values(path: Path, shape: tuple[int, int], names: Mapping[str, str]) -> tuple[Samples, bool]:
    """Numbers or colors of a mask of the size of its image, and whether it was compressed with loss."""
    values, lossy = read_values(path, colors=any(key.startswith("#") for key in names))
    if values.shape[:2] != tuple(shape):
        msg = (
            f"{path}: mask has {values.shape[0]} x {values.shape[1]} px (rows x columns), the image"
            f" {shape[0]} x {shape[1]}; give the mask of this image"
        )
        raise ReadError(msg)
    return values, lossy


def _from_mask(path: Path, shape: tuple[int, int], classes: Sequence[str], settings: Settings) -> LabelImage:
    values, lossy = _values(path, shape, settings.names)
    if not values.any() and not {"0", "#000000"} & set(settings.names):
        if not settings.may_be_empty:
            raise ReadError(_empty(path, "every pixel of the mask is 0"))
        return np.full(shape, 0 if settings.blank == "background" else UNKNOWN, dtype=np.int32)
    if settings.kind == "instance":
        found = _objects(path, values, lossy, settings)
    else:
        found = _class_image(path, values, lossy, classes, settings)
    if settings.blank == "unknown":
        found[found == 0] = UNKNOWN
    return found


def _objects(path: Path, values: Samples, lossy: bool, settings: Settings) -> LabelImage:
    """Object numbers of a label image, a map of boundaries or, where stated, the pieces of a binary mask."""
    if settings.names:
        names = ", ".join(settings.names)
        msg = f"{path}: a mask of objects has no class names, settings name {names}; take kind semantic, or no names"
        raise SettingsError(msg)
    meant = masks.interpreted(
        path,
        values,
        lossy,
        masks.Settings(
            kind=settings.mask,
            foreground=settings.foreground,
            separate=settings.mask in ("binary", "classes"),
            kinds=("binary", "labels", "boundaries"),
        ),
        where=_IN_SETTINGS,
    )
    if settings.mask == "auto" and meant.kind == "binary":
        msg = (
            f"{path}: the mask has two values, and neither makes thin lines around many regions: not clear whether it"
            f' shows boundaries or objects; say "boundaries", or "binary" for one object per piece, in {_IN_SETTINGS}'
        )
        raise ReadError(msg)
    return np.array(meant.labels, dtype=np.int32)


def _class_image(path: Path, values: Samples, lossy: bool, classes: Sequence[str], settings: Settings) -> LabelImage:
    """Class numbers: the values themselves where they are some, a binary mask, or values with given names."""
    wrong = [key for key in settings.names if not re.fullmatch(r"\d+|#[0-9a-fA-F]{6}", key)]
    if wrong:
        msg = f'{path}: names has \'{wrong[0]}\', but a mask has values such as "255" or colors such as "#ff0000"'
        raise SettingsError(msg)
    whole = values.ndim == 2 and values.dtype.kind in "biu" and not lossy
    numbered = not settings.names and settings.mask in ("auto", "classes") and settings.foreground != "dark"
    if whole and numbered and int(values.min()) >= 0 and int(values.max()) < len(classes):
        return values.astype(np.int32)
    meant = masks.interpreted(
        path,
        values,
        lossy,
        masks.Settings(
            kind="classes" if settings.names and settings.mask == "auto" else settings.mask,
            foreground=settings.foreground,
            classes=settings.names,
            kinds=("binary", "classes"),
        ),
        where=_IN_SETTINGS,
    )
    if settings.names:
        # a value 0 that names leave out has a name of the mask's own: it is the background
        places = {IGNORE: UNKNOWN, **{name: i for i, name in enumerate(classes)}}
        table = {number: places.get(name, 0) for number, name in meant.classes.items()}
    elif meant.kind in ("binary", "boundaries") and len(classes) == 2:
        table = {0: 0, 1: 1}
    else:
        found = ", ".join(str(value) for value in list(meant.found.get("values", meant.classes))[:8])
        msg = (
            f"{path}: the mask has the values {found}, which are no numbers of the classes {', '.join(classes)}"
            f' (0 to {len(classes) - 1}); say in names which is which, such as "255" = "{classes[-1]}"'
        )
        raise SettingsError(msg)
    numbers = np.zeros(max(table) + 1, dtype=np.int32)
    numbers[list(table)] = list(table.values())
    return np.asarray(numbers[np.asarray(meant.labels, dtype=np.int32)], dtype=np.int32)
