"""Train a network on a laboratory's own annotated images: from a shipped model, or from nothing.

From images and masks to a model folder that ``[backend] name = "unet", model = "FOLDER"`` can use::

    trained = request.run(Request(recipe="porosity", images=("a*.tif",), masks=("masks",), out=Path("my_pores")))

While it runs, ``<out>.training`` holds the checkpoint and the log; a run that was stopped or killed goes on from
there with ``resume`` and ends with the same weights. At the end that folder goes and ``<out>`` is the model folder:
weights, model card, ``log.csv``, and the worst validation cases as ``validation.png`` and ``validation.html``.
"""

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from inspect_tool import __version__, plugins, registry
from inspect_tool.errors import OutputError, SettingsError
from inspect_tool.files import load_model_card, plain
from inspect_tool.folders import check, new_folder
from inspect_tool.languages import ENGLISH, Text
from inspect_tool.model import Modality, ModelCard
from inspect_tool.report.template import check_language
from inspect_tool.segmentation.networks.layers import Weights
from inspect_tool.segmentation.networks.magnification import EQUALIZED, REDUCED
from inspect_tool.segmentation.networks.torch_network import TorchNetwork
from inspect_tool.segmentation.networks.unet import UNet
from inspect_tool.segmentation.networks.weights import (
    fitted,
    load_weights,
    model_folder,
    permitted,
    shipped,
    shipped_names,
    write_model,
)
from inspect_tool.segmentation.unet import GRAINS
from inspect_tool.segmentation.unet.continuous_layer import ABOVE, BELOW
from inspect_tool.training import annotations, augment, layer_pictures, samples, worst_cases
from inspect_tool.training.annotations import UNKNOWN
from inspect_tool.training.augment import Target
from inspect_tool.training.fit import LOG, STATE, Draw, Fitted, clear, fit, judged
from inspect_tool.training.judging import in_part, predicted_classes, validation
from inspect_tool.training.losses import cross_entropy_dice
from inspect_tool.training.request import Ended, Progress, Request, Trained
from inspect_tool.training.samples import MasksAre, Sample, Split

RATE_NEW, RATE_TUNED, RATE_OF_SIDES = 1e-3, 3e-4, 4e-3
ZOOM = (0.75, 1.33)  # how much larger or smaller the structure may be than in the images
GRAIN_STRUCTURE = "mean lineal intercept of the grains"
CROPS_OF_RARE = 0.5  # share of the crops that are looked for by class, so that rare ones are seen
UPRIGHT_DEG = 8.0  # that images with an up and a down are tilted at most
LEAST_EVERY = 25  # steps between validations: fewer tell nothing new
PLACES = 50_000  # that crops may be centered on, per class


def train(request: Request, progress: Progress | None = None) -> Trained:
    """Train and write the model folder.

    Parameters
    ----------
    request : Request
        What to train.
    progress : callable, optional
        Called after every step.

    Raises
    ------
    InspectError
        For whatever the user must fix; ``out`` is not touched then.
    """
    if request.language:
        check_language(request.language, "--language")
    work = _work_folder(request)
    base = _base(request)
    reading = _reading(request, base)
    parted = _samples(request, reading, base)
    if request.continuous:
        reading = replace(reading, classes=_sides(reading.classes))
    architecture = UNet(**_arguments(request, base, reading.classes))
    network = _network(request, base, architecture, reading.classes)
    size = _crop_side(request, parted.training, architecture.stride)
    validate = validation(in_part(parted.validation), reading.classes)
    same = base is not None and base.card.classes == reading.classes
    before = judged(network, validate)["score"] if same else None
    run = fit(
        network,
        _draws(request, parted.training, reading.classes, size),
        cross_entropy_dice(len(reading.classes)),
        validate,
        folder=work,
        steps=request.steps,
        batch=request.batch,
        seed=request.seed,
        rate=request.rate or (RATE_TUNED if base is not None else RATE_OF_SIDES if request.continuous else RATE_NEW),
        every=request.every or max(LEAST_EVERY, request.steps // 20),
        patience=request.patience,
        device=request.device,
        identity=_identity(request, base, reading, parted, size),
        report=_reporter(progress),
    )
    best = fitted(TorchNetwork(architecture), run.weights, work)
    scores = judged(best, validation(parted.validation, reading.classes))
    notes = _notes(base, reading, parted, run, before)
    judging = tuple(sample.name for sample in parted.validation)
    cases = _cases(best, parted.validation, reading.classes)
    with new_folder(request.out) as folder:
        values = _card(request, base, reading, parted, run, scores, before, size)
        card = write_model(folder, values, run.weights, half=True)
        judged_on = Text("training.judged_on", images=judging, how=parted.how)
        worst_cases.write(folder, card, cases, (judged_on, *notes), request.language or ENGLISH)
        shutil.copyfile(work / LOG, folder / LOG)
    clear(work)
    return Trained(
        folder=request.out,
        card=card,
        score=run.score,
        ended=Ended(best_step=run.best_step, steps=run.steps, stopped=run.stopped),
        training=tuple(sample.name for sample in parted.training),
        validation=judging,
        how=parted.how,
        before=before,
        notes=notes,
    )


# ------------------------------------------------------------------------------------------- what is asked for


def _work_folder(request: Request) -> Path:
    """Folder of the checkpoint; refuses to mix runs or to write over a model."""
    work = request.out.with_name(request.out.name + ".training")
    begun = (work / STATE).exists()
    # both are there when a run was killed before it removed its checkpoint
    if request.out.exists() and not (begun and request.resume):
        msg = f"{request.out}: exists already; choose another folder with --out, or remove this one"
        raise OutputError(msg)
    if begun and not request.resume:
        msg = f"{work}: holds the state of a run that did not end; go on with --resume, or remove the folder"
        raise OutputError(msg)
    if not begun:
        check(work)  # what lies there is not of a run
    check(request.out)
    return work


@dataclass(frozen=True, slots=True, kw_only=True)
class _Base:
    folder: Path
    card: ModelCard
    weights: Weights


def _base(request: Request) -> _Base | None:
    """Model to start from."""
    if request.continuous and not request.from_scratch:
        msg = "--continuous: no shipped model knows the sides of a layer; train from nothing with --from-scratch"
        raise SettingsError(msg)
    if request.from_scratch:
        if request.model:
            msg = "--from-scratch starts from nothing, --model from a model; give one of them"
            raise SettingsError(msg)
        return None
    folder = model_folder(request.model) if request.model else _shipped_for(request.recipe)
    architecture = load_model_card(folder).architecture
    if architecture != "unet":
        msg = (
            f"{folder}: is a model of architecture '{architecture}'; models of architecture 'unet' can be trained here"
        )
        raise SettingsError(msg)
    card, weights = load_weights(folder, "unet")
    permitted(card, folder, request.commercial)
    return _Base(folder=folder, card=card, weights=weights)


def _shipped_for(recipe: str) -> Path:
    cards = [load_model_card(shipped(name)) for name in shipped_names()]
    names = [card.name for card in cards if card.architecture == "unet" and recipe in card.recipes]
    if len(names) != 1:
        found = (
            f"several shipped models fit ({', '.join(names)}): say which with --model" if names else "no shipped model"
        )
        msg = f"recipe {recipe}: {found}; or train from nothing with --from-scratch"
        raise SettingsError(msg)
    return shipped(names[0])


def _reading(request: Request, base: _Base | None) -> samples.Reading:
    recipe = registry.load("recipe", request.recipe)
    fixed = plugins.network_classes_of(recipe)
    usual = base.card.classes if base is not None else plugins.classes_of(recipe)
    classes = request.classes or fixed or usual
    if fixed and classes != fixed:
        msg = f"--classes {','.join(classes)}: recipe {request.recipe} has the classes {','.join(fixed)}, in this order"
        raise SettingsError(msg)
    if request.continuous and len(classes) != 2:
        msg = f"--continuous: one layer and the rest are learned, two classes; got {', '.join(classes) or 'none'}"
        raise SettingsError(msg)
    if len(classes) < 2:
        msg = f"recipe {request.recipe}: name the classes, background first: --classes matrix,carbide"
        raise SettingsError(msg)
    masks_are: MasksAre = request.masks_are if classes == GRAINS else "classes"
    if request.masks_are != "auto" and masks_are == "classes":
        msg = f"--masks-are {request.masks_are}: is for recipe grain_size; masks of {request.recipe} hold classes"
        raise SettingsError(msg)
    return samples.Reading(
        channels=base.card.channels if base is not None else "gray",
        normalization=base.card.normalization if base is not None else (1.0, 99.0),
        pixel_um=request.pixel_um,
        footer_px=request.footer_px,
        classes=tuple(classes),
        masks_are=masks_are,
        marks=annotations.Settings(names=request.names, blank=request.unmarked, may_be_empty=request.may_be_empty),
    )


def _samples(request: Request, reading: samples.Reading, base: _Base | None) -> Split:
    """Read everything that trains or judges, at one scale."""
    read = samples.read_all(request.images, request.masks, reading)
    alike = samples.to_one_scale(read, base.card.pixel_um if base is not None else None)
    alike = tuple(samples.scaled(sample, 1 / request.reduce) for sample in alike)
    if reading.classes == GRAINS:
        alike = samples.as_boundaries(alike, base.card.structure_px if base is not None else None)
    classes = reading.classes
    if request.continuous:
        alike, classes = tuple(layer_pictures.prepared(sample) for sample in alike), _sides(classes)
    return samples.split(alike, classes, chosen=request.validation, seed=request.seed)


def _sides(classes: Sequence[str]) -> tuple[str, str, str]:
    """Classes of a layer that runs through, of those of its mask."""
    return (ABOVE, classes[1], BELOW)


def _identity(
    request: Request, base: _Base | None, reading: samples.Reading, parted: Split, size: int
) -> dict[str, object]:
    """What makes a run this run, one key for each thing that may differ in a run that is to go on."""
    read = plain(reading)
    marks = read.pop("marks")
    return {
        "recipe": request.recipe,
        **{f"training image {name}": value for name, value in samples.hashes(parted.training).items()},
        **{f"validation image {name}": value for name, value in samples.hashes(parted.validation).items()},
        **read,
        **marks,
        "start": base.card.sha256 if base is not None else "from scratch",
        "network": _arguments(request, base, reading.classes),
        "crop": size,
        "upright": request.upright,
        "continuous": request.continuous,
        "reduce": request.reduce,
    }


def _arguments(request: Request, base: _Base | None, classes: Sequence[str]) -> dict[str, Any]:
    if base is not None:
        return {**base.card.network, "classes": len(classes)}
    usual = {"base": 8, "depth": 5, "widest": 64} if request.continuous else {"base": 16, "depth": 4}
    return {"in_channels": 1, **usual, **request.network, "classes": len(classes)}


def _network(request: Request, base: _Base | None, architecture: UNet, classes: Sequence[str]) -> TorchNetwork:
    """Network with the weights it starts from; what the classes of the model do not cover starts anew."""
    torch.manual_seed(request.seed)
    network = TorchNetwork(architecture)
    if base is None:
        return network
    given: dict[str, Any] = dict(base.weights)
    if base.card.classes != tuple(classes):
        given |= {name: value for name, value in network.state_dict().items() if name.startswith("head.")}
    fitted(network, given, base.folder)
    return network


def _crop_side(request: Request, training: Sequence[Sample], stride: int) -> int:
    """Side of the crops: as asked for, no larger than the smallest image, a multiple of the stride. [px]"""
    smallest = min(min(sample.target.shape) for sample in training)
    side = min(request.size_px, smallest) // stride * stride
    if side < 2 * stride:
        msg = (
            f"crops would be {side} px wide (smallest image {smallest} px, --size {request.size_px}), the least is "
            f"{2 * stride}; give larger images or a larger --size"
        )
        raise SettingsError(msg)
    return side


# ------------------------------------------------------------------------------------------------ the two sides


def _draws(request: Request, training: Sequence[Sample], classes: Sequence[str], side: int) -> Draw:
    """Make the function that draws: crops, or of a layer that runs through whole new pictures."""
    if not request.continuous:
        return drawing(training, classes, side, request.seed, upright=request.upright)

    def draw(rng: np.random.Generator) -> tuple[NDArray[np.float32], Target]:
        sample = training[int(rng.integers(len(training)))]
        image, target = layer_pictures.changed(sample.image, sample.target, rng, side)
        image, target = augment.mirror(image, target, rng)
        image = augment.altered(image, rng, augment.LOOK)
        return np.ascontiguousarray(image.transpose(2, 0, 1)), target

    return draw


def drawing(training: Sequence[Sample], classes: Sequence[str], side: int, seed: int, *, upright: bool = False) -> Draw:
    """Make the function that draws an augmented crop, half of them around any pixel, half around one of some class."""
    rng = np.random.default_rng((seed, 2))
    anywhere = _places(training, lambda target: target != UNKNOWN, rng)
    each = [_places(training, lambda target, k=k: target == k, rng) for k in range(len(classes))]  # type: ignore[misc]
    kinds = [places for places in each if len(places)]
    turned, tilt = (augment.mirror, UPRIGHT_DEG) if upright else (augment.turn, 180.0)

    def draw(rng: np.random.Generator) -> tuple[NDArray[np.float32], Target]:
        places = kinds[rng.integers(len(kinds))] if rng.random() < CROPS_OF_RARE else anywhere
        which, row, column = (int(value) for value in places[rng.integers(len(places))])
        sample = training[which]
        shift = rng.uniform(-side / 3, side / 3, 2)
        middle = [
            float(np.clip(at, (side - 1) / 2, length - (side + 1) / 2)) if length > side else (length - 1) / 2
            for at, length in zip(np.add((row, column), shift), sample.target.shape, strict=True)
        ]
        center = (middle[0], middle[1])
        image, target = augment.cut(
            sample.image, sample.target, rng, size=side, scale=ZOOM, angle_deg=tilt, center=center
        )
        image, target = turned(image, target, rng)
        image = augment.altered(image, rng, augment.LOOK)
        return np.ascontiguousarray(image.transpose(2, 0, 1)), target

    return draw


def _places(
    training: Sequence[Sample], wanted: Callable[[Target], NDArray[np.bool_]], rng: np.random.Generator
) -> NDArray[np.int32]:
    """Some of the pixels that are wanted: (n, 3) number of the sample, row, column."""
    found = []
    for i, sample in enumerate(training):
        at = np.flatnonzero(wanted(sample.target))
        if len(at) > PLACES:
            at = rng.choice(at, PLACES, replace=False)
        rows, columns = np.unravel_index(at, sample.target.shape)
        found.append(np.stack([np.full(len(at), i), rows, columns], axis=1).astype(np.int32))
    return np.concatenate(found)


# -------------------------------------------------------------------------------------------------- what came out


def _reporter(progress: Progress | None) -> Callable[[int, int, Mapping[str, float]], None] | None:
    if progress is None:
        return None
    text = "no validation yet"

    def report(step: int, steps: int, values: Mapping[str, float]) -> None:
        nonlocal text
        if "score" in values:
            text = f"loss {values['loss']:.4f}, score {values['score']:.4f}"
        progress(step, steps, text)

    return report


def _notes(
    base: _Base | None, reading: samples.Reading, parted: Split, run: Fitted, before: float | None
) -> tuple[str, ...]:
    """What the user should know."""
    notes = []
    if base is not None and base.card.classes != reading.classes:
        notes.append(Text("training.last_layer_anew", model=base.card.name, classes=base.card.classes))
    if before is not None and before >= run.score:
        notes.append(Text("training.no_better", before=before, score=run.score))
    if base is not None and base.card.pixel_um is not None and parted.training[0].pixel_um is None:
        notes.append(Text("training.no_scale", model=base.card.name, pixel_um=base.card.pixel_um))
    if len(parted.validation) == 1:
        notes.append(Text("training.one_judges", how=parted.how))
    return tuple(notes)


def _card(
    request: Request,
    base: _Base | None,
    reading: samples.Reading,
    parted: Split,
    run: Fitted,
    found: Mapping[str, float],
    before: float | None,
    size: int,
) -> dict[str, object]:
    """Values of the model card."""
    every = (*parted.training, *parted.validation)
    modalities: set[Modality] = {sample.modality for sample in every}
    metric = "F1 of boundaries" if reading.classes == GRAINS else "mean IoU"
    count = len({sample.name for sample in parted.training})
    start = f"fine-tuned from {base.card.name}" if base is not None else "trained from scratch"
    own = {
        "name": "images of the user",
        "licence": request.licence,
        "images": count,
        "source": "hashes of images and masks under procedure",
    }
    scores = {f"{metric} on validation images": found["score"]} | {
        f"{key.replace('iou.', 'IoU ').replace('area_error.', 'mean error of area % ')} on validation images": value
        for key, value in found.items()
        if key != "score"
    }
    if before is not None:
        scores[f"{metric} on validation images, of {base.card.name if base is not None else ''}"] = before
    return {
        "name": request.out.name,
        "version": "1",
        "title": f"{', '.join(reading.classes)}: {start} on {count} images",
        "architecture": "unet",
        "network": _arguments(request, base, reading.classes),
        "classes": reading.classes,
        "licence": request.licence if base is None else f"images {request.licence}; start {base.card.licence}",
        "commercial": request.commercial and (base is None or base.card.commercial),
        "channels": reading.channels,
        "normalization": reading.normalization,
        "pixel_um": None if reading.classes == GRAINS else parted.training[0].pixel_um,
        "structure": GRAIN_STRUCTURE if reading.classes == GRAINS else "",
        "structure_px": _structure_px(every) if reading.classes == GRAINS else None,
        "recipes": (request.recipe,),
        "modality": modalities.pop() if len(modalities) == 1 else "unknown",
        "settings": _settings(request, base, reading.classes),
        "training": [*(plain(base.card.training) if base is not None else []), own],
        "procedure": plain(
            {
                "script": f"inspect-tool train {__version__}",
                "start": f"{base.card.name} {base.card.version}, sha256 {base.card.sha256}" if base else "scratch",
                "seed": request.seed,
                "steps": run.steps,
                "best_step": run.best_step,
                "stopped": run.stopped,
                "batch": request.batch,
                "crop_px": size,
                "turned": "a little, mirrored" if request.upright or request.continuous else "by any angle, mirrored",
                "split": parted.how,
                "image_scale": {sample.name: round(sample.scaled, 4) for sample in every if sample.scaled != 1},
                "training_images": samples.hashes(parted.training),
                "validation_images": samples.hashes(parted.validation),
            }
        ),
        "scores": {key: round(value, 4) for key, value in scores.items() if value == value},  # not NaN
    }


def _settings(request: Request, base: _Base | None, classes: Sequence[str]) -> dict[str, Any]:
    """What turns the output into labels, but for the threshold: the network was judged at one half."""
    own: dict[str, Any] = {EQUALIZED: True} if request.continuous else {}
    if request.reduce != 1:
        own[REDUCED] = request.reduce  # for images of unknown scale
    if base is None or base.card.classes != tuple(classes):
        return own
    return own | {key: value for key, value in base.card.settings.items() if key != "threshold" or classes == GRAINS}


def _structure_px(known: Sequence[Sample]) -> tuple[float, float]:
    """Range of mean intercepts that the network has seen, with what augmentation adds. [px]"""
    sizes = [sample.intercept_px or 0.0 for sample in known]
    return round(min(sizes) * ZOOM[0], 1), round(max(sizes) * ZOOM[1], 1)


def _cases(network: TorchNetwork, judging: Sequence[Sample], classes: Sequence[str]) -> tuple[worst_cases.Case, ...]:
    """Worst places of the validation images."""
    network = network.eval()
    found = []
    with torch.inference_mode():
        for sample in judging:
            found += worst_cases.worst_places(sample, predicted_classes(network, sample), lines=classes == GRAINS)
    return tuple(sorted(found, key=lambda case: -case.wrong)[: worst_cases.CASES])
