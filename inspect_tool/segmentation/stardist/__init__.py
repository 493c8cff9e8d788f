"""Round objects one by one with StarDist: pores, particles, voids, also where they touch or cover one another.

The network gives, on a coarse grid, the probability of being well inside an object and the distances to
its outline along rays; rays, polygons and the choice among candidates are those of the package ``stardist``, whose
own network needs TensorFlow and is not used. Model folders of StarDist itself are read as they are.

The network only sees so far. Where nobody states how large the objects are, the image is predicted at scales a factor
of two apart, both ways round in gray if need be, and what the scales agree on is taken; where sizes are stated, up to
three scales follow from them.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from time import perf_counter
from typing import Annotated, Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from typing_extensions import Doc

from inspect_tool.errors import BackendError
from inspect_tool.model import GrayImage, Micrograph, ModelCard, Samples, Segmentation
from inspect_tool.ranges import Above0, Share
from inspect_tool.segmentation.networks import runtime
from inspect_tool.segmentation.networks.arguments import stardist_arguments
from inspect_tool.segmentation.networks.overlap import overlap_facts
from inspect_tool.segmentation.networks.runtime import Batch, Device, Engine, OutOfMemoryError, Precision, Predictor
from inspect_tool.segmentation.networks.stardist_net import StarDistNet
from inspect_tool.segmentation.networks.tiling import middle
from inspect_tool.segmentation.networks.weights import (
    CLIP,
    check_fit,
    described,
    gray_range,
    load_weights,
    missing_extra,
    model_folder,
    permitted,
)
from inspect_tool.segmentation.stardist import agreement, stardist_folder
from inspect_tool.segmentation.stardist import polygons as polygons
from inspect_tool.segmentation.stardist.polygons import Stars

KINDS: tuple[Literal["semantic", "instance"], ...] = ("instance",)
MODELS = ("model",)  # names of settings that name a model: shipped, or a folder beside the job file

SHIFT = 0.1  # of the probability threshold, as plausible as the one used; if the card says nothing else [1]
OUTLINE_PX = 0.5  # shift of every outline that is as plausible [px]

_LEVELS = 3  # scales at most
_STEP = 4.0  # between scales
_COMFORT = 4.0  # the finest scale is made coarser while the smallest objects stay so many times the smallest trained on
_SMALLEST_TILE = 128  # to which a lack of device memory shrinks a tile [px]
_FLAT = 0.02  # an image that varies less within a tile may give a constant answer
_PILOT_PX = 1024  # side of the middle of the image in which both polarities are tried [px]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What can be set; the model has the rest."""

    model: Annotated[str, Doc("name of a shipped model, or a folder: model.toml, or config.json of StarDist")] = (
        "round_objects"
    )
    sha256: Annotated[str, Doc("of the weights file; when given, another file is refused")] = ""
    phase: Annotated[
        Literal["auto", "as trained", "dark", "bright"] | None,
        Doc(
            "objects against what is around them; auto: what the scales agree on, as trained where sizes are stated; "
            "None: what the recipe looks for (pores are dark), else auto"
        ),
    ] = None
    prob_threshold: Annotated[Share | None, Doc("from which a point is a candidate; None: of the model [1]")] = None
    nms_threshold: Annotated[
        Share | None, Doc("largest shared part of the smaller of two objects; None: of the model [1]")
    ] = None
    object_px: Annotated[
        tuple[Above0[float], Above0[float]] | None, Doc("smallest and largest diameters; None: any [px]")
    ] = None
    scale: Annotated[
        Above0[float] | None, Doc("enlargement before the network, and no other scale; None: found [1]")
    ] = None
    normalization: Annotated[
        tuple[float, float] | None, Doc("percentiles that become 0 and 1; None: of the model [%]")
    ] = None
    outline: Annotated[Literal["smooth", "polygon"], Doc("between the ends of the rays")] = "smooth"
    commercial: Annotated[bool, Doc("false permits models whose licence forbids commercial use")] = True
    device: Annotated[Device, Doc("auto: CUDA if there is a device, else the CPU")] = "auto"
    engine: Annotated[Engine, Doc("auto: OpenVINO where it is installed, else torch")] = "auto"
    precision: Annotated[
        Precision, Doc("rays are lengths: bfloat16 resolves 0.4 % of them, and is refused where it shows")
    ] = "fp32"
    tile_px: Annotated[Above0[int], Doc("side of a tile without its margin [px]")] = 1024


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Model:
    """A network made ready, with its card."""

    card: ModelCard
    network: StarDistNet
    predictor: Predictor
    on_cpu: Callable[[], Predictor]  # where the device runs out of memory
    prob_threshold: float
    nms_threshold: float
    clipped: bool  # gray values far outside the range are cut off, as in the training of our own models


def load(settings: Settings) -> Model:
    """Read the model folder and make its network ready.

    Raises
    ------
    BackendError
        There is no such model; its files are missing, damaged or changed; its licence forbids the use; the extra
        is not installed; the device or engine asked for is not there.
    """
    try:
        import stardist.nms  # noqa: F401 - told now, not after the first prediction
    except ImportError:
        raise BackendError(missing_extra("backend 'stardist'", "stardist")) from None
    folder = model_folder(settings.model)
    theirs = stardist_folder.is_stardist_folder(folder)
    card, weights = stardist_folder.read_folder(folder) if theirs else load_weights(folder, "stardist")
    if settings.sha256 and settings.sha256.lower() != card.sha256:
        msg = (
            f"{folder / card.weights}: sha256 is {card.sha256[:12]}..., the job says {settings.sha256[:12]}...; "
            "the file was changed, or another one is meant"
        )
        raise BackendError(msg)
    permitted(card, folder, settings.commercial)
    network = StarDistNet(**stardist_arguments(card.network, f"{folder} network"))
    check_fit(network, weights, folder)
    thresholds = {}
    for name in ("prob_threshold", "nms_threshold"):
        given = getattr(settings, name)
        if given is not None and not 0 < given < 1:
            msg = f"{name} = {given:g}: must lie between 0 and 1"
            raise BackendError(msg)
        thresholds[name] = stardist_folder.threshold_of(card, name, folder) if given is None else float(given)
    ready = partial(runtime.predictor, network, weights, folder, engine=settings.engine, precision=settings.precision)
    return Model(
        card=card,
        network=network,
        predictor=ready(device=settings.device),
        on_cpu=partial(ready, device="cpu"),
        clipped=not theirs,
        **thresholds,
    )


def segment(model: Model, micrograph: Micrograph, settings: Settings) -> Segmentation:
    """Find and outline every object of one field.

    Raises
    ------
    BackendError
        The image is constant, has not the channels the model needs, or the network gives no usable numbers.
    """
    start = perf_counter()
    stars, found = _stars(model, micrograph, settings)
    made = _segmentation(model, micrograph, settings, stars, found, start=start)
    return replace(made, alternatives=partial(_others, model, micrograph, settings, stars, found))


def _others(
    model: Model, micrograph: Micrograph, settings: Settings, stars: Stars, found: dict[str, Any]
) -> Iterator[tuple[str, Segmentation]]:
    """Segmentations that are as plausible: other probability thresholds, outlines half a pixel further in or out.

    Nothing is predicted again for them: ``stars`` hold the objects a little below the threshold too.
    """
    shift = _shift(model.card)
    for name, change, grow_px in (
        ("probability -", -shift, 0.0),
        ("probability +", shift, 0.0),
        ("outline -", 0.0, -OUTLINE_PX),
        ("outline +", 0.0, OUTLINE_PX),
    ):
        start = perf_counter()
        yield (
            name,
            _segmentation(model, micrograph, settings, stars, found, start=start, change=change, grow_px=grow_px),
        )


def _shift(card: ModelCard) -> float:
    return float(card.settings.get("shift", SHIFT))


def _segmentation(
    model: Model,
    micrograph: Micrograph,
    settings: Settings,
    stars: Stars,
    found: dict[str, Any],
    *,
    start: float,
    change: float = 0.0,
    grow_px: float = 0.0,
) -> Segmentation:
    card = model.card
    threshold = model.prob_threshold + change
    shape = (micrograph.pixels.shape[0], micrograph.pixels.shape[1])
    drawn = polygons.drawn(
        stars[stars.probability > threshold],
        shape,
        micrograph.roi,
        smooth=settings.outline == "smooth",
        grow_px=grow_px,
    )
    used = {item: getattr(settings, item) for item in settings.__dataclass_fields__}
    named = described(card)
    labels = drawn.labels
    labels.setflags(write=False)
    return Segmentation(
        labels=labels,
        classes={1: card.classes[-1]},
        kind="instance",
        backend="stardist",
        weights_sha256=card.sha256,
        settings={
            **used,
            **named,
            **found,
            "prob_threshold": round(threshold, 4),
            "nms_threshold": model.nms_threshold,
            "outline_shift_px": grow_px,
            **overlap_facts(drawn.areas_px2, drawn.visible_px2, drawn.covered, drawn.hidden),
        },
        seconds=perf_counter() - start,
    )


# -------------------------------------------------------------------------------------------------- scales


def _scales(model: Model, micrograph: Micrograph, settings: Settings) -> tuple[list[float] | None, dict[str, object]]:
    """Enlargements at which the image is predicted, finest first, and what they follow from; None: to be found."""
    card = model.card
    if settings.scale is not None:
        if not settings.scale > 0:
            msg = f"scale = {settings.scale:g}: must be > 0"
            raise BackendError(msg)
        return [settings.scale], {"scales": [settings.scale], "scales_from": "set"}
    pixel_um = micrograph.calibration.pixel_um
    if card.pixel_um is not None and pixel_um is not None:
        scale = pixel_um / card.pixel_um
        how = f"{pixel_um:.4g} um/px against {card.pixel_um:.4g} um/px of the training"
        return [scale], {"scales": [round(scale, 4)], "scales_from": how}
    if card.structure_px is None:
        return [1.0], {"scales": [1.0], "scales_from": "as it is; the model states no size"}
    if settings.object_px is None:
        return None, {"scales_from": "agreement of scales a factor of 2 apart"}
    smallest, largest = settings.object_px
    if not 0 < smallest <= largest:
        msg = f"object_px = {list(settings.object_px)}: must be diameters > 0 px, the smaller first"
        raise BackendError(msg)
    scales = scales_for(smallest, largest, card.structure_px)
    return scales, {"scales_from": "object_px of the job", **_sizes(scales, smallest, largest, card.structure_px)}


def _sizes(scales: list[float], smallest: float, largest: float, trained: tuple[float, float]) -> dict[str, object]:
    """What the report states of scales and sizes."""
    low, high = round(trained[0] / scales[0], 1), round(trained[1] / scales[-1], 1)
    found: dict[str, object] = {
        "scales": [round(scale, 4) for scale in scales],
        "object_sizes_px": [round(smallest, 1), round(largest, 1)],
        "trained_sizes_px": [low, high],
    }
    if largest > high:
        found["size_note"] = f"objects of up to {largest:.0f} px; the model is trained for at most {high:g} px here"
    return found


def scales_for(smallest: float, largest: float, trained: tuple[float, float]) -> list[float]:
    """Enlargements, finest first, that bring objects of all sizes into the range of the training.

    >>> scales_for(10, 60, (6, 80)), scales_for(4, 60, (6, 80)), scales_for(10, 500, (6, 80))
    ([1.0], [2.0, 0.5], [1.0, 0.25, 0.0625])
    """
    low, high = trained
    scale = 1.0
    if smallest < low and largest * 2 <= high * _STEP ** (_LEVELS - 1):
        scale = 2.0
    while smallest * scale / 2 >= _COMFORT * low and largest * scale > high:
        scale /= 2
    scales = [scale]
    while largest * scales[-1] > high and len(scales) < _LEVELS:
        scales.append(scales[-1] / _STEP)
    return scales


# ---------------------------------------------------------------------------------------------- prediction


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Seen:
    """One image as the network is to see it."""

    model: Model
    pixels: GrayImage | Samples
    gray: tuple[float, float]  # of the image, which become 0 and 1
    path: str
    settings: Settings
    described: dict[str, Any]  # filled by what is predicted

    def level(self, scale: float, *, inverted: bool) -> Iterator[tuple[float, Stars]]:
        low, high = self.gray
        zero_one = (high, low) if inverted else (low, high)
        return _level(self.model, self.path, self.pixels, zero_one, scale, self.settings, self.described)


def _stars(model: Model, micrograph: Micrograph, settings: Settings) -> tuple[Stars, dict[str, object]]:
    """Objects down to the lowest threshold of the alternatives, in pixels of the image."""
    if settings.tile_px < model.network.stride[0]:
        msg = f"tile_px = {settings.tile_px}: must be at least {model.network.stride[0]}"
        raise BackendError(msg)
    pixels = _channels(model.card, micrograph)
    try:
        low, high = gray_range(pixels, settings.normalization or model.card.normalization, micrograph.roi)
    except BackendError as error:
        msg = f"{micrograph.path}: {error}"
        raise BackendError(msg) from None
    seen = _Seen(model=model, pixels=pixels, gray=(low, high), path=micrograph.path, settings=settings, described={})
    scales, found = _scales(model, micrograph, settings)
    inverted = _inverted(model.card, settings)
    if scales is not None:
        stars = _of_sizes(seen, scales, inverted=bool(inverted))
    else:
        if inverted is None:
            inverted, weights = _agreed_polarity(seen, micrograph)
            found |= weights
        stars, more = _agreed(seen, inverted=inverted)
        found |= more
    found["phase_used"] = _phase_used(model.card, inverted=bool(inverted))
    facts = {"inverted": bool(inverted), "gray_range": [round(low, 3), round(high, 3)], "predicted_percent": 100.0}
    return stars, {**found, **facts, **seen.described}


def _of_sizes(seen: _Seen, scales: list[float], *, inverted: bool) -> Stars:
    """Objects of known sizes: each scale gives those of its range."""
    model = seen.model
    sure = model.prob_threshold + _shift(model.card)

    def bands() -> Iterator[tuple[float, Stars]]:
        for level in reversed(range(len(scales))):  # large objects first: they are few
            for bottom, part in seen.level(scales[level], inverted=inverted):
                kept = _of_level(part, model.card, level, scales, sure)
                # a row is complete only when the finest scale has passed it
                yield (bottom if level == 0 else -1.0), kept

    return polygons.chosen_in_bands(bands(), model.network.rays, model.nms_threshold)


def _agreed(seen: _Seen, *, inverted: bool, largest: float = agreement.LARGEST) -> tuple[Stars, dict[str, object]]:
    """Objects that scales agree on, and what the report states of scales and sizes."""
    model, trained = seen.model, seen.model.card.structure_px
    assert trained is not None, "agreement needs the sizes of the training"
    rays, nms = model.network.rays, model.nms_threshold

    def chosen(scale: float) -> tuple[float, Stars]:
        return scale, polygons.chosen_in_bands(seen.level(scale, inverted=inverted), rays, nms)

    levels = [chosen(scale) for scale in agreement.scales_of((seen.pixels.shape[0], seen.pixels.shape[1]))]
    stars = agreement.agreed(levels, trained, nms, largest)
    if agreement.typical_px(stars) < agreement.FEW * trained[0]:
        levels.insert(0, chosen(agreement.STEP))
        stars = agreement.agreed(levels, trained, nms, largest)
    scales = [scale for scale, _ in levels]
    sizes = np.sort(polygons.mean_diameters(stars)) if len(stars) else np.zeros(1)
    return stars, _sizes(scales, float(np.quantile(sizes, 0.25)), float(sizes[-1]), trained)


def _agreed_polarity(seen: _Seen, micrograph: Micrograph) -> tuple[bool, dict[str, object]]:
    """Which way round the scales agree on more, in the middle of what counts."""
    rows, columns = middle(micrograph.roi, (seen.pixels.shape[0], seen.pixels.shape[1]), _PILOT_PX)
    part = replace(seen, pixels=seen.pixels[rows, columns], described={})
    lowest = max(seen.model.prob_threshold - _shift(seen.model.card), 0.0)
    weights = {}
    for inverted in (False, True):
        stars, _ = _agreed(part, inverted=inverted, largest=agreement.POLARITY_LARGEST)
        weights[inverted] = agreement.weight(stars, lowest)
    return weights[True] > weights[False], {
        "phase_from": "agreement of the scales [px of diameter that they agree on]",
        "phase_agreement": {
            _phase_used(seen.model.card, inverted=inverted): round(value, 2) for inverted, value in weights.items()
        },
    }


def _of_level(part: Stars, card: ModelCard, level: int, scales: list[float], sure: float) -> Stars:
    """Candidates of the sizes that a scale is there for, when there are several scales."""
    part = replace(part, level=np.full(len(part), level, np.int8))
    if len(scales) == 1 or card.structure_px is None or not len(part):
        return part
    diameters = polygons.mean_diameters(part)
    high = card.structure_px[1]
    keep = np.ones(len(part), bool)
    if level < len(scales) - 1:
        keep &= diameters <= 1.25 * high / scales[level]
    if level > 0:  # what the next finer scale sees whole is left to it; what remains must be sure
        keep &= (diameters > high / scales[level - 1]) & (part.probability > sure)
    return part[keep]


def _inverted(card: ModelCard, settings: Settings) -> bool | None:
    """Whether the gray scale is turned over; None: to be found."""
    trained = card.settings.get("phase")
    if settings.phase == "as trained":
        return False
    if settings.phase in (None, "auto"):
        return None if trained in ("dark", "bright") else False
    if trained not in ("dark", "bright"):
        msg = (
            f"model '{card.name}' does not say whether its objects are dark or bright; set phase = \"as trained\", "
            "and turn the image over beforehand if its objects look otherwise"
        )
        raise BackendError(msg)
    return bool(settings.phase != trained)


def _phase_used(card: ModelCard, *, inverted: bool) -> str:
    trained = str(card.settings.get("phase", "as trained"))
    other = {"dark": "bright", "bright": "dark"}
    return other[trained] if inverted else trained


def _channels(card: ModelCard, micrograph: Micrograph) -> Samples:
    """What the network sees: gray values, or colors."""
    if card.channels == "gray":
        return micrograph.pixels
    if micrograph.color is None:
        msg = f"{micrograph.path}: model '{card.name}' needs a color image, this one is gray; choose another model"
        raise BackendError(msg)
    return micrograph.color


def _level(
    model: Model,
    where: str,
    pixels: GrayImage | Samples,
    zero_one: tuple[float, float],
    scale: float,
    settings: Settings,
    described: dict[str, Any],
) -> Iterator[tuple[float, Stars]]:
    """Candidates of one scale, row of tiles by row of tiles, in pixels of the image.

    What is done about a lack of device memory: smaller tiles, then the CPU; both are stated in ``described``.
    """
    shape = (pixels.shape[0], pixels.shape[1])
    if scale != 1:
        size = (max(1, round(shape[1] * scale)), max(1, round(shape[0] * scale)))
        how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        pixels = np.asarray(cv2.resize(pixels, size, interpolation=how))
    ratio = np.array([shape[0] / pixels.shape[0], shape[1] / pixels.shape[1]], np.float32)
    predictor, tile_px = model.predictor, settings.tile_px
    described.update({**predictor.described, "tile_px": tile_px})
    lowest = max(model.prob_threshold - _shift(model.card), 0.0)
    while True:
        tiles = _Tiles(network=model.network, shape=(pixels.shape[0], pixels.shape[1]), tile_px=tile_px)
        try:
            for bottom, part in _candidates(tiles, pixels, zero_one, predictor.run, lowest, where, model.clipped):
                points = (part.points + 0.5) * ratio - 0.5
                rays = part.rays * np.float32(ratio.mean())
                yield (
                    float(bottom * ratio[0]),
                    Stars(points=points, rays=rays, probability=part.probability, level=part.level),
                )
        except OutOfMemoryError:
            # candidates that were given away before come again, and of two equal ones the choice leaves one
            if tile_px // 2 >= _SMALLEST_TILE:
                tile_px //= 2
                described["fallback"] = f"tiles of {tile_px} px: the device has too little memory for larger ones"
            else:
                predictor = model.on_cpu()
                described.update(predictor.described)
                described["fallback"] = "CPU: the device has too little memory"
            described["tile_px"] = tile_px
            continue
        return


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Tiles:
    """How an image is cut: tiles side by side, each predicted with all that has a say in it."""

    network: StarDistNet
    shape: tuple[int, int]
    tile_px: int

    def spans(self, axis: int) -> Iterator[tuple[int, int, int, int]]:
        """Begin and end of a tile, begin and end with its margin; multiples of the stride. [px]"""
        stride = self.network.stride[axis]
        margin = -(-self.network.reach[axis] // stride) * stride
        step = max(self.tile_px // stride, 1) * stride
        size = -(-self.shape[axis] // stride) * stride
        for begin in range(0, size, step):
            end = min(begin + step, size)
            yield begin, end, max(0, begin - margin), min(size, end + margin)


def _candidates(
    tiles: _Tiles,
    pixels: Samples,
    zero_one: tuple[float, float],
    run: Callable[[Batch], Batch],
    lowest: float,
    where: str,
    clipped: bool,
) -> Iterator[tuple[int, Stars]]:
    """Grid points whose probability is above ``lowest``, in pixels of the scaled image; every pixel is proved seen."""
    height, width = tiles.shape
    grid, stride = tiles.network.grid, tiles.network.stride
    seen = np.zeros((-(-height // stride[0]), -(-width // stride[1])), np.uint8)
    for top, bottom, above, below in tiles.spans(0):
        parts = []
        for left, right, before, behind in tiles.spans(1):
            given = _padded(pixels, (above, below), (before, behind), zero_one, clipped)
            made = run(given[None])[0]
            _sound(made, given, f"{where}: tile at row {top}, column {left}")
            rows = slice((top - above) // grid[0], (bottom - above) // grid[0])
            columns = slice((left - before) // grid[1], (right - before) // grid[1])
            probability = made[0, rows, columns]
            at = np.nonzero(probability > lowest)
            points = np.stack([at[0] * grid[0] + top, at[1] * grid[1] + left], axis=1).astype(np.float32)
            inside = (points[:, 0] < height) & (points[:, 1] < width)
            rays = made[1:, rows, columns][:, at[0], at[1]].T
            parts.append(
                Stars(
                    points=points[inside],
                    rays=np.ascontiguousarray(rays[inside]),
                    probability=probability[at][inside],
                    level=np.zeros(int(inside.sum()), np.int8),
                )
            )
            seen[top // stride[0] : bottom // stride[0], left // stride[1] : right // stride[1]] += 1
        yield bottom, polygons.joined(parts, tiles.network.rays)
    if (seen != 1).any():
        row, column = np.argwhere(seen != 1)[0] * stride
        msg = (
            f"{where}: the pixel at row {row}, column {column} was predicted {seen[row, column]} times instead of once"
        )
        raise BackendError(msg)


def _padded(
    pixels: Samples, rows: tuple[int, int], columns: tuple[int, int], zero_one: tuple[float, float], clipped: bool
) -> NDArray[np.float32]:
    """Normalized pixels of an area, (channels, rows, columns); beyond the image they are mirrored, as StarDist does."""
    part = pixels[rows[0] : rows[1], columns[0] : columns[1]].astype(np.float32)
    part = (part - np.float32(zero_one[0])) * np.float32(1 / (zero_one[1] - zero_one[0]))
    if clipped:
        part = np.clip(part, *CLIP)
    part = part[None] if part.ndim == 2 else np.moveaxis(part, 2, 0)
    below, beside = rows[1] - rows[0] - part.shape[1], columns[1] - columns[0] - part.shape[2]
    if below or beside:
        part = np.pad(part, ((0, 0), (0, below), (0, beside)), mode="reflect")
    return np.ascontiguousarray(part)


def _sound(made: NDArray[np.float32], given: NDArray[np.float32], where: str) -> None:
    if not np.isfinite(made).all():
        msg = f'{where}: the network gives values that are not finite numbers; check the weights, or precision = "fp32"'
        raise BackendError(msg)
    if float(np.ptp(given)) > _FLAT and float(np.ptp(made, axis=(1, 2)).max()) == 0:
        msg = f"{where}: the network gives {made.flat[0]:.3g} for every pixel of a tile that is not uniform"
        raise BackendError(msg)
