"""How good a segmentation is: labels against annotated images, in pixels, in objects and in the measured quantity.

What counts in the end is the last: both label images go through the recipe's own ``measure_field`` and ``combine``,
image by image, and their results are compared as pairs. Scores of pixels and objects tell why they differ.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from dataclasses import field as default
from math import isfinite
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np

from inspect_tool import plugins, registry
from inspect_tool.errors import BackendError, InspectError, MeasurementError, SettingsError
from inspect_tool.files import checked, sha256_file, toml_value
from inspect_tool.images import readers
from inspect_tool.images.region import apply_region, crop_like, original_shape, to_square_pixels
from inspect_tool.inspection.one_field import measured_labels
from inspect_tool.languages import Text
from inspect_tool.model import (
    Calibration,
    Editions,
    LabelImage,
    Mask,
    Micrograph,
    Quantity,
    Region,
    Result,
    Segmentation,
    no_alternatives,
)
from inspect_tool.paths import natural
from inspect_tool.plugins import Recipe
from inspect_tool.scale.calibration import RATIO_ONLY, settle
from inspect_tool.segmentation import choice
from inspect_tool.standards.editions import editions_for
from inspect_tool.statistics.agreement import Agreement, agreement
from inspect_tool.training import annotations, samples
from inspect_tool.training.annotations import UNKNOWN
from inspect_tool.training.metrics import (
    THRESHOLDS,
    TOLERANCE_PX,
    BoundaryMatch,
    Labels,
    Match,
    Overlap,
    boundary_errors,
    class_overlaps,
    matches,
    mean_of,
    object_pairs,
)
from inspect_tool.training.samples import DRAWN, files_of, paired

Progress = Callable[[int, int, str], None]
Kind = Literal["semantic", "instance"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is to be scored. Files are names, folders or patterns; they are paired by name."""

    recipe: str
    truth: tuple[str, ...]  # annotations of the images, any format of ``annotations``
    predicted: tuple[str, ...] = ()  # label images to be judged; empty: a backend makes them
    images: tuple[str, ...] = ()  # needed for a backend; else they give names and the scale
    backend: str = ""
    backend_settings: Mapping[str, Any] = default(default_factory=dict)
    classes: tuple[str, ...] = ()  # background first; empty: of the recipe or of the backend
    kind: Literal["auto", "semantic", "instance"] = "auto"  # of the masks; auto: what the recipe asks
    marks: annotations.Settings = default(
        default_factory=annotations.Settings
    )  # how masks are read; its kind is not used
    settings: Mapping[str, Any] = default(default_factory=dict)  # of the recipe
    standard: str = ""  # empty: the recipe's default edition
    pixel_um: float | None = None  # of every image; None: as the files tell [um/px]
    footer_px: int = 0  # rows at the bottom of every image that are no image [px]
    tolerance_px: float = TOLERANCE_PX  # of boundaries [px]
    picture_px: int = 0  # longer side of a picture of the errors of each image; 0: none is made [px]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Case:
    """What stays the same over the images of one score."""

    recipe_name: str
    recipe: Recipe
    settings: Any
    editions: Editions
    classes: tuple[str, ...]  # background first
    tolerance_px: float = TOLERANCE_PX
    picture_px: int = 0  # longer side of the pictures; 0: none [px]


@dataclass(frozen=True, slots=True, kw_only=True)
class QuantityPair:
    """One result of the recipe on one image: from the truth and from the prediction."""

    title: str
    unit: str
    main: bool
    truth: float | None  # None: could not be measured
    predicted: float | None

    @property
    def difference(self) -> float | None:
        """Predicted minus true."""
        return None if self.truth is None or self.predicted is None else self.predicted - self.truth


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageScore:
    """All scores of one image."""

    image: str
    truth_sha256: str
    shape_px: tuple[int, int]
    annotated_percent: float
    pixels: Mapping[str, Overlap]  # by class; empty for grains, which leave no background
    boundary: BoundaryMatch
    objects: Mapping[str, Mapping[float, Match]]  # by kind of object and threshold of the IoU
    quantities: Mapping[str, QuantityPair]
    notes: tuple[str, ...] = ()  # what could not be measured, and why
    picture: bytes = b""  # JPEG: missed orange, invented blue, taken for another class magenta; empty: not asked


@dataclass(frozen=True, slots=True, kw_only=True)
class QuantityScore:
    """Error of one quantity over the images, predicted minus true, in its unit."""

    title: str
    unit: str
    main: bool
    missing: int  # images without a value from the truth, the prediction or both
    mean_truth: float | None
    found: Agreement | None  # None: no image has both values
    median_abs: float | None
    p95_abs: float | None  # 95 % of the images are no farther off; None: fewer than 5 images
    largest_abs: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """What ``score`` found: every image, and all of them together (counts added before a score is taken)."""

    recipe: str
    title: str
    standard: str
    classes: tuple[str, ...]
    backend: Mapping[str, Any]  # name, settings, weights; empty: masks were given
    tolerance_px: float
    images: tuple[ImageScore, ...]
    pixels: Mapping[str, Overlap]
    boundary: BoundaryMatch
    objects: Mapping[str, Mapping[float, Match]]
    quantities: Mapping[str, QuantityScore]
    notes: tuple[str, ...]


def checked_request(values: Mapping[str, object]) -> Request:
    """Make a request of what was typed.

    Raises
    ------
    SettingsError
        A value that is none of the choices, or a number out of range.
    """
    request = checked(Request, {key: value for key, value in values.items() if value is not None}, "inspect-tool score")
    if request.pixel_um is not None and not request.pixel_um > 0:
        msg = f"inspect-tool score pixel_um: got {request.pixel_um:g}, must be above 0"
        raise SettingsError(msg)
    if not request.tolerance_px >= 0:
        msg = f"inspect-tool score tolerance_px: got {request.tolerance_px:g}, must be 0 or more"
        raise SettingsError(msg)
    return request


# ------------------------------------------------------------------------------------------------------ whole runs


def score(request: Request, progress: Progress | None = None) -> Scores:
    """Score predictions, or a backend, against annotated images.

    Raises
    ------
    SettingsError
        Files, classes or settings that do not fit together.
    ReadError
        An image or annotation that cannot be read.
    InspectError
        What a backend refuses.
    """
    fields = _fields(request)
    usual = plugins.classes_of(registry.load("recipe", request.recipe))
    known = request.classes or usual or not request.backend
    case = make_case(request) if known else None  # else the backend says what the classes are
    samples.stop_if_wrong(tuple(_wrong(fields, request, case)))
    segment, described = _segmenter(request)
    found: list[ImageScore] = []
    refused: list[InspectError] = []
    for i, field in enumerate(fields):
        if progress is not None:
            progress(i, len(fields), field.name)
        micrograph = _micrograph(field, request)
        segmentation, note = None, ""
        if segment is not None:
            try:
                segmentation = segment(micrograph)
            except (BackendError, MeasurementError) as error:  # a result too: nothing was found in this image
                refused.append(error)
                note = f"no prediction: {error}"
        if segmentation is not None and segmentation.weights_sha256:
            described = {**described, "weights_sha256": segmentation.weights_sha256}
        if case is None:
            if refused and not (request.classes or usual):
                raise refused[0]
            case = make_case(request, segmentation)
        kind = _kind(request, case.recipe)
        marks = replace(request.marks, kind=kind)
        truth = _read(field.truth, field, micrograph, case, marks)
        if segmentation is None:
            segmentation = _nothing(truth, case, kind) if note else _given(field, micrograph, case, marks)
        score_ = field_score(case, micrograph, as_segmentation(truth, case.classes, kind), segmentation, field.truth)
        found.append(replace(score_, notes=(note, *score_.notes)) if note else score_)
    if refused and len(refused) == len(fields):
        raise refused[0]
    assert case is not None
    if progress is not None:
        progress(len(fields), len(fields), "done")
    return summarized(case, found, described)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Field:
    name: str
    truth: Path
    image: Path | None
    predicted: Path | None


def _fields(request: Request) -> list[_Field]:
    """Pair truth, predictions and images by name."""
    if bool(request.predicted) == bool(request.backend):
        both = "not both" if request.backend else "one of them"
        msg = f"score needs masks to judge (--predicted) or a backend that makes them (--backend), {both}"
        raise SettingsError(msg)
    if request.backend and not request.images:
        msg = f"backend '{request.backend}' needs the images that it is to segment; give --images"
        raise SettingsError(msg)
    truth = files_of(request.truth, "annotation")
    images = files_of(request.images, "image") if request.images else ()
    predicted = files_of(request.predicted, "mask") if request.predicted else ()
    named = images or predicted
    true = dict(paired(named, truth))
    guess = dict(paired(named, predicted)) if predicted else {}
    return [
        _Field(
            name=path.name,
            truth=true[path],
            image=path if images else None,
            predicted=guess.get(path) if images else path,
        )
        for path in (named if not images else sorted(named, key=lambda path: natural(str(path))))
    ]


def _wrong(fields: Sequence[_Field], request: Request, case: Case | None) -> Iterator[InspectError]:
    """What is wrong with the images and masks, found before a backend begins."""
    for field in fields:
        try:
            micrograph = _micrograph(field, request)
            if case is None:
                if field.truth.suffix.lower() not in DRAWN:
                    crop_like(micrograph, readers.read_values(field.truth)[0], str(field.truth))
                continue
            marks = replace(request.marks, kind=_kind(request, case.recipe))
            _read(field.truth, field, micrograph, case, marks)
            if field.predicted is not None:
                _given(field, micrograph, case, marks)
        except InspectError as error:
            yield error


def _micrograph(field: _Field, request: Request) -> Micrograph:
    """Read the image with its scale; without one, an empty image of the size of a mask stands in."""
    stated = None
    if request.pixel_um is not None:
        stated = Calibration(pixel_um=request.pixel_um, source="stated by the caller")
    if field.image is None:
        masks = [path for path in (field.predicted, field.truth) if path is not None]
        masks = [path for path in masks if path.suffix.lower() not in DRAWN]
        if not masks:
            msg = f"{field.name}: drawn shapes have no size of their own; give the images with --images"
            raise SettingsError(msg)
        shape = readers.read_values(masks[0])[0].shape[:2]
        found = Micrograph(
            pixels=np.broadcast_to(np.uint8(128), shape), calibration=Calibration(), path=field.name, field=1
        )
    else:
        found = replace(readers.read(field.image), path=field.name)
    if stated is None and found.calibration.pixel_um is None:
        stated = Calibration(source=RATIO_ONLY)
    return to_square_pixels(apply_region(settle(found, stated), Region(footer_px=request.footer_px), Path()))


def setting_table(pairs: Sequence[str], option: str = "--set") -> dict[str, object]:
    """Read settings as they are typed: values as in TOML, bare words as text.

    >>> setting_table(["threshold=0.4", "phase=dark", "levels=[90, 120]"])
    {'threshold': 0.4, 'phase': 'dark', 'levels': [90, 120]}
    """
    table: dict[str, object] = {}
    for pair in pairs:
        key, mark, value = (part.strip() for part in pair.partition("="))
        if not mark or not key or not value:
            msg = f"{option} {pair}: write the setting and its value, such as threshold=0.4"
            raise SettingsError(msg)
        table[key] = toml_value(value)
    return table


def _given(field: _Field, micrograph: Micrograph, case: Case, marks: annotations.Settings) -> Segmentation:
    """Segmentation from a mask; a field in which nothing was found is a result, not a mistake."""
    assert field.predicted is not None
    labels = _read(field.predicted, field, micrograph, case, replace(marks, may_be_empty=True))
    return as_segmentation(labels, case.classes, marks.kind, "masks")


def _nothing(truth: LabelImage, case: Case, kind: Kind) -> Segmentation:
    return as_segmentation(np.zeros(truth.shape, np.int32), case.classes, kind, "none")


def _read(path: Path, field: _Field, micrograph: Micrograph, case: Case, marks: annotations.Settings) -> LabelImage:
    """Read a mask of the size of the image in its file, and cut it as the image was cut."""
    labels = annotations.read_annotation(path, original_shape(micrograph), case.classes, marks, field.name)
    cut: LabelImage = crop_like(micrograph, labels, str(path))
    return cut


def _kind(request: Request, recipe: Recipe) -> Kind:
    if request.kind != "auto":
        return request.kind
    return "instance" if recipe.QUESTION == "count" else "semantic"


def _segmenter(request: Request) -> tuple[Callable[[Micrograph], Segmentation] | None, Mapping[str, object]]:
    """Load a backend once, with the settings of the recipe where it is the recipe's own."""
    if not request.backend:
        return None, {}
    recipe = registry.load("recipe", request.recipe)
    backend = registry.load("backend", request.backend)
    if isinstance(backend, plugins.InterpretsMasks):
        msg = f"backend '{request.backend}' reads masks; give them with --predicted"
        raise SettingsError(msg)
    own = {key: value for key, value in recipe.BACKEND.items() if key != "name"}
    table = (own if recipe.BACKEND.get("name") == request.backend else {}) | dict(request.backend_settings)
    for key in plugins.models_of(backend):
        if key in table and Path(str(table[key])).is_dir():
            table[key] = str(Path(str(table[key])).resolve())
    settings = choice.suited(recipe, checked(backend.Settings, table, "--set"))
    choice.check_backend(request.recipe, recipe, request.backend, backend, settings)
    model = backend.load(settings)
    return lambda micrograph: backend.segment(model, micrograph, settings), {
        "name": request.backend,
        "settings": settings,
    }


def make_case(request: Request, first: Segmentation | None = None) -> Case:
    """Load what the images have in common.

    Parameters
    ----------
    request : Request
    first : Segmentation, optional
        Of a backend, whose classes are taken where neither the request nor the recipe has any.
    """
    recipe = registry.load("recipe", request.recipe)
    classes = request.classes or plugins.classes_of(recipe)
    if not classes and first is not None and sorted(first.classes) == list(range(len(first.classes))):
        classes = tuple(first.classes[i] for i in range(len(first.classes)))
    if not classes:
        msg = (
            f"recipe {request.recipe} has no classes of its own; name them, background first: --classes matrix,carbide"
        )
        raise SettingsError(msg)
    settings = checked(recipe.Settings, request.settings, "--recipe-set")
    return Case(
        recipe_name=request.recipe,
        recipe=recipe,
        settings=settings,
        editions=editions_for(recipe, settings, request.standard),
        classes=classes,
        tolerance_px=request.tolerance_px,
        picture_px=request.picture_px,
    )


# -------------------------------------------------------------------------------------------------------- one image


def as_segmentation(labels: LabelImage, classes: Sequence[str], kind: Kind, backend: str = "truth") -> Segmentation:
    """Take an annotation as a segmentation; -1 stays in it and means not annotated."""
    names = dict(enumerate(classes)) if kind == "semantic" else {1: classes[1]}
    return Segmentation(labels=labels, classes=names, kind=kind, backend=backend)


def field_score(
    case: Case, micrograph: Micrograph, truth: Segmentation, predicted: Segmentation, annotation: Path | None = None
) -> ImageScore:
    """Score one image.

    Parameters
    ----------
    case : Case
    micrograph : Micrograph
        Its scale and region are used.
    truth : Segmentation
        Negative labels are not annotated.
    predicted : Segmentation
        Of any backend; semantic classes are brought to those of the case by name.
    annotation : Path, optional
        File of the truth, for its hash.

    Raises
    ------
    MeasurementError
        Images of different size.
    SettingsError
        Classes of the prediction that are none of the case.
    """
    shape = truth.labels.shape
    if predicted.labels.shape != shape:
        msg = (
            f"{micrograph.path}: the truth has {shape} px, the prediction {predicted.labels.shape}; they must be equal"
        )
        raise MeasurementError(msg)
    known = truth.labels >= 0
    if micrograph.roi is not None:
        known &= micrograph.roi
    if not known.any():
        msg = f"{micrograph.path}: no pixel of the truth is annotated; mark something"
        raise MeasurementError(msg)
    true = replace(truth, labels=np.where(known, truth.labels.astype(np.int32, copy=False), np.int32(UNKNOWN)))
    guess, meant = _aligned(case, predicted, micrograph.path)
    region = replace(micrograph, roi=None if known.all() else known)
    quantities, notes = _quantities(case, region, true, guess)
    boundary, missed, invented = boundary_errors(true.labels, np.maximum(guess.labels, 0), case.tolerance_px, known)
    picture = b""
    if case.picture_px:
        if "instance" in (true.kind, guess.kind):
            wrong: tuple[Mask, ...] = (missed, invented)
        else:
            wrong = _wrong_pixels(true.labels, guess.labels)
        picture = _picture(micrograph, wrong, case.picture_px)
    return ImageScore(
        image=micrograph.path,
        truth_sha256=sha256_file(annotation) if annotation is not None else "",
        shape_px=(int(shape[0]), int(shape[1])),
        annotated_percent=100 * float(known.mean()),
        pixels=_pixels(case, true, guess),
        boundary=boundary,
        objects={
            name: matches(object_pairs(one, other), THRESHOLDS) for name, one, other in _objects(case, true, guess)
        },
        quantities=quantities,
        notes=(*meant, *notes),
        picture=picture,
    )


def _wrong_pixels(truth: Labels, predicted: Labels) -> tuple[Mask, Mask, Mask]:
    """Pixels that were missed, invented, or taken for another class."""
    missed, invented = (truth > 0) & (predicted <= 0), (truth == 0) & (predicted > 0)
    return missed, invented, (truth > 0) & (predicted > 0) & (truth != predicted)


_COLORS = ((230, 97, 0), (26, 93, 200), (190, 40, 160))  # told apart by color-deficient sight too


def _picture(micrograph: Micrograph, wrong: Sequence[Mask], longest_px: int) -> bytes:
    """Paint errors over a pale copy of the image; thin ones are made two pixels wide to be seen."""
    height, width = micrograph.pixels.shape
    scale = min(longest_px / max(height, width), 1.0)
    size = max(round(width * scale), 1), max(round(height * scale), 1)
    gray = cv2.resize(np.ascontiguousarray(micrograph.pixels), size, interpolation=cv2.INTER_AREA).astype(np.float32)
    low, high = float(gray.min()), float(gray.max())
    pale = 110 + 130 * (gray - low) / (high - low) if high > low else np.full_like(gray, 225)
    picture = np.repeat(pale[:, :, None], 3, axis=2)
    for mask, color in zip(wrong, _COLORS, strict=False):
        share = cv2.resize(mask.astype(np.float32), size, interpolation=cv2.INTER_AREA)
        seen = cv2.dilate(share, np.ones((2, 2), np.uint8)) > 0.2 * scale
        picture[seen] = color[::-1]
    return bytes(cv2.imencode(".jpg", picture.astype(np.uint8), (cv2.IMWRITE_JPEG_QUALITY, 90))[1].tobytes())


def _aligned(case: Case, predicted: Segmentation, where: str) -> tuple[Segmentation, tuple[str, ...]]:
    """Give the classes of a prediction the numbers that the truth has; say so where the names do not tell."""
    if predicted.kind == "instance" or tuple(predicted.classes.values()) == case.classes:
        return predicted, ()
    numbers = {name.casefold(): i for i, name in enumerate(case.classes)}
    table = {number: numbers.get(name.casefold()) for number, name in predicted.classes.items()}
    if None in [number for label, number in table.items() if label != 0]:
        by_number = bool(plugins.classes_of(case.recipe)) or len(case.classes) == len(predicted.classes) == 2
        if not by_number or max(predicted.classes) >= len(case.classes):
            names = ", ".join(predicted.classes.values())
            msg = (
                f"{where}: the prediction has the classes {names}, the truth {', '.join(case.classes)};"
                " give --classes with the names of the prediction"
            )
            raise SettingsError(msg)
        pairs = [f"'{name}' for {case.classes[i]}" for i, name in predicted.classes.items() if name != case.classes[i]]
        note = f"classes of the prediction are taken by their number: {', '.join(pairs)}"
        return replace(predicted, classes=dict(enumerate(case.classes))), (note,)
    lookup = np.zeros(max(table) + 1, dtype=np.int32)
    lookup[list(table)] = [number or 0 for number in table.values()]
    labels = np.where(predicted.labels < 0, UNKNOWN, lookup[np.maximum(predicted.labels, 0)]).astype(np.int32)
    return replace(predicted, labels=labels, classes=dict(enumerate(case.classes))), ()


def _pixels(case: Case, truth: Segmentation, predicted: Segmentation) -> dict[str, Overlap]:
    single = "instance" in (truth.kind, predicted.kind)  # objects of one class
    one, other = (np.sign(item.labels) if single else item.labels for item in (truth, predicted))
    names = case.classes[:2] if single else case.classes
    found = class_overlaps(one, np.maximum(other, 0), len(names))
    if single and not found[0].truth and not found[0].predicted:
        return {}  # grains leave nothing between them: that every pixel is a grain is no merit
    return {name: overlap for name, overlap in zip(names, found, strict=True) if overlap.truth or overlap.predicted}


def _objects(case: Case, truth: Segmentation, predicted: Segmentation) -> Iterator[tuple[str, Labels, Labels]]:
    """Objects of each kind: as numbered, or the 8-connected pieces of classes where the recipe takes them so."""
    if "instance" in (truth.kind, predicted.kind):
        one, other = (
            item.labels if item.kind == "instance" else _pieces(item.labels, (1,)) for item in (truth, predicted)
        )
        yield case.classes[1], one, other
        return
    groups = plugins.objects_of(case.recipe)
    if groups is None and choice.step(case.recipe, "classes") == "pieces":
        groups = {name: (name,) for name in case.classes[1:]}
    for name, members in (groups or {}).items():
        numbers = [case.classes.index(member) for member in members if member in case.classes]
        if numbers:
            yield name, _pieces(truth.labels, numbers), _pieces(predicted.labels, numbers)


def _pieces(labels: Labels, numbers: Sequence[int]) -> Labels:
    marked = np.isin(labels, numbers) if len(numbers) > 1 else labels == numbers[0]
    _, found = cv2.connectedComponents(marked.view(np.uint8), connectivity=8, ltype=cv2.CV_32S)
    return np.where(labels < 0, np.int32(UNKNOWN), found).astype(np.int32)


def _quantities(
    case: Case, micrograph: Micrograph, truth: Segmentation, predicted: Segmentation
) -> tuple[dict[str, QuantityPair], tuple[str, ...]]:
    """Results of the recipe on both; what cannot be measured is said and does not stop the rest."""
    notes: list[str] = []
    found: list[dict[str, Result]] = []
    for name, item in (("truth", truth), ("prediction", predicted)):
        try:
            found.append(measured(case, micrograph, item))
        except MeasurementError as error:
            notes.append(f"{name} not measured: {error}")
            found.append({})
    one, other = found
    pairs = {}
    for name in dict.fromkeys((*one, *other)):
        result = one.get(name) or other[name]
        pairs[name] = QuantityPair(
            title=result.title or name,
            unit=result.unit,
            main=result.main,
            truth=one[name].value if name in one else None,
            predicted=other[name].value if name in other else None,
        )
    return pairs, tuple(notes)


def measured(case: Case, micrograph: Micrograph, segmentation: Segmentation) -> dict[str, Result]:
    """Results of the recipe from one image alone, by quantity."""
    labels = segmentation.labels
    if micrograph.roi is not None or (labels < 0).any():
        labels = np.where(labels < 0, 0, labels)
        if micrograph.roi is not None:
            labels = labels * micrograph.roi
    field = replace(segmentation, labels=np.asarray(labels, dtype=np.int32), alternatives=no_alternatives)
    _, measurement, _ = measured_labels(case.recipe_name, micrograph, field, case.settings, case.editions)
    findings = case.recipe.combine([measurement], case.settings, case.editions)
    return {result.quantity: result for result in findings.results if isfinite(result.value)}


# ------------------------------------------------------------------------------------------------------- all images


def summarized(case: Case, images: Sequence[ImageScore], backend: Mapping[str, object] | None = None) -> Scores:
    """Put the images together: counts are added, differences of the quantities become an agreement."""
    names = dict.fromkeys(name for image in images for name in image.quantities)
    quantities = {name: quantity_score([image.quantities.get(name) for image in images]) for name in names}
    return Scores(
        recipe=case.recipe_name,
        title=case.recipe.TITLE,
        standard=case.editions.job.name,
        classes=case.classes,
        backend=backend or {},
        tolerance_px=case.tolerance_px,
        images=tuple(images),
        pixels=_added(image.pixels for image in images),
        boundary=sum((image.boundary for image in images[1:]), start=images[0].boundary),
        objects={
            name: _added(image.objects[name] for image in images if name in image.objects)
            for name in dict.fromkeys(name for image in images for name in image.objects)
        },
        quantities=quantities,
        notes=_notes(case, images, quantities),
    )


def _added(items: Iterable[Mapping[Any, Any]]) -> dict[Any, Any]:
    total: dict[Any, Any] = {}
    for item in items:
        for key, value in item.items():
            total[key] = total[key] + value if key in total else value
    return total


def _notes(case: Case, images: Sequence[ImageScore], found: Mapping[str, QuantityScore]) -> tuple[str, ...]:
    everywhere = set.intersection(*(set(image.notes) for image in images))
    notes = [note for note in images[0].notes if note in everywhere]
    notes += [f"{image.image}: {note}" for image in images for note in image.notes if note not in everywhere]
    quantities: Mapping[str, Quantity] = case.recipe.QUANTITIES
    scaled = [name for name, quantity in quantities.items() if quantity.needs_scale and "*" not in name]
    if scaled and not any(name in found for name in scaled):
        has_g = any(quantity.unit == "G" for quantity in quantities.values())
        key = "score.note_no_scale_g" if has_g else "score.note_no_scale"
        notes.append(Text(key, names=tuple(scaled[:3])))
    if len(images) < 3:
        notes.append(Text("score.note_few_images", n=len(images)))
    return tuple(notes)


def quantity_score(pairs: Sequence[QuantityPair | None]) -> QuantityScore:
    """Error of one quantity over the images."""
    there = [pair for pair in pairs if pair is not None]
    both = [(pair.truth, pair.predicted) for pair in there if pair.truth is not None and pair.predicted is not None]
    off = np.abs([predicted - truth for truth, predicted in both])
    return QuantityScore(
        title=there[0].title,
        unit=there[0].unit,
        main=there[0].main,
        missing=len(pairs) - len(both),
        mean_truth=mean_of(truth for truth, _ in both),
        found=agreement([truth for truth, _ in both], [predicted for _, predicted in both]) if both else None,
        median_abs=float(np.median(off)) if both else None,
        p95_abs=float(np.quantile(off, 0.95)) if len(both) >= 5 else None,
        largest_abs=float(off.max()) if both else None,
    )
