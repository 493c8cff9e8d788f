"""Train the shipped StarDist network ``round_objects`` on drawn particles, pores and voids.

    OMP_NUM_THREADS=1 nice python benchmarks/train_round_objects.py --folder runs/round_objects --powder --steps 8000

``--powder`` adds bodies in an electron microscope and parts of two real pictures of powder (``_particle_scenes``) to
drawings of pores, particles and discs. The weights that ship went through the stages on their card, each from where the
one before ended (``--start``), while there was ever more in the drawings; this command trains such weights in one go.
The network sees dark objects on a lighter ground (the backend turns the gray scale over where they are bright). A run
that was killed goes on where it was; the same arguments give the same
weights. ``--ship`` writes the model folder of the package, the log and the curve.
"""

import argparse
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import exp, log, pi
from pathlib import Path
from typing import Any, Literal

os.environ.setdefault("OMP_NUM_THREADS", "1")

import cv2
import numpy as np
import torch
from _particle_scenes import LEARNED, degradation, drawn_scene, powders, real_scene
from numpy.typing import NDArray
from safetensors.torch import load_file
from stardist.geometry import polygons_to_label, star_dist
from stardist.matching import matching
from stardist.nms import non_maximum_suppression
from torch import Tensor, nn
from torch.nn import functional

from inspect_tool import synthetic
from inspect_tool.errors import SettingsError
from inspect_tool.folders import MARKER
from inspect_tool.segmentation.networks.stardist_net import StarDistNet
from inspect_tool.segmentation.networks.torch_network import TorchNetwork
from inspect_tool.segmentation.networks.weights import gray_range, normalized, save_model
from inspect_tool.synthetic._drawing import blurred
from inspect_tool.synthetic._outlines import Outline
from inspect_tool.synthetic._random import cloud
from inspect_tool.training.fit import STATE, fit

SIDE = 192  # of a sample [px]
POOL_SIDE = 288  # of a drawing from which samples are cut [px]
GRID = 2
RAYS = 32
NETWORK = {"rays": RAYS, "grid": (GRID, GRID), "depth": 3, "base": 16, "features": 64, "batch_norm": True}
NORMALIZATION = (0.05, 99.95)  # wide, so that a few pores in a bright field are not clipped
THRESHOLDS = {"prob_threshold": 0.5, "nms_threshold": 0.4}
SIZES_PX = (5.0, 80.0)  # equivalent diameters that are drawn often enough [px]
TURNED = 0.15  # share of the pictures that are shown the wrong way round: nothing is to be found there
SEED = 20

Image = NDArray[np.uint8]
Labels = NDArray[np.int32]
Powders = Sequence[tuple[Image, Labels, float]]


# ------------------------------------------------------------------------------------------------- drawings


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Drawing:
    """A perfect picture with dark objects, and label images in which no object covers another."""

    pixels: Image
    layers: list[Labels]
    bright: bool  # objects are bright before the gray scale is turned over: noise and shading act there
    xray: bool
    solid: bool = False  # a body with a height, found by its shape whichever way the gray scale is turned


def drawing(rng: np.random.Generator, side: int, powders: Powders = ()) -> Drawing:
    """Draw one picture of a kind that the network is meant for, or take a part of a real one."""
    while True:
        try:
            made = _drawing(rng, side, powders)
        except SettingsError:  # more pores than fit without contact: draw others
            continue
        if made.pixels.max() > made.pixels.min():
            turned = rng.uniform() < (TURNED if powders else 0)
            return wrong_way_round(made) if turned else made


def wrong_way_round(drawn: Drawing) -> Drawing:
    """The same picture with its objects bright: none of them, and nothing of the ground, is a dark object."""
    none = np.zeros(drawn.pixels.shape, np.int32)
    return replace(drawn, pixels=255 - drawn.pixels, layers=[none], bright=not drawn.bright)


def _drawing(rng: np.random.Generator, side: int, powders: Powders) -> Drawing:
    kind = rng.choice(
        ["pores", "particles", "discs", "balls", "bodies", "powder"],
        p=[0.13, 0.05, 0.2, 0.02, 0.4, 0.2] if powders else [0.3, 0.2, 0.4, 0.1, 0.0, 0.0],
    )
    if kind in ("bodies", "powder"):
        scene = drawn_scene(rng, side) if kind == "bodies" else real_scene(rng, side, powders)
        pixels = 255 - scene.pixels if scene.bright else scene.pixels
        return Drawing(pixels=pixels, layers=[scene.labels], bright=scene.bright, xray=False, solid=True)
    seed = int(rng.integers(2**31))
    if kind == "discs":
        picture, layers = discs(rng, side)
    else:
        kinds = {"pores": _pores, "particles": _particles, "balls": _balls}
        picture, truth = kinds[str(kind)](rng, seed, side)
        layers = [cv2.connectedComponents(truth.astype(np.uint8), connectivity=4, ltype=cv2.CV_32S)[1]]
    bright = bool(kind == "balls" or (kind != "pores" and rng.uniform() < 0.5))
    return Drawing(pixels=picture, layers=layers, bright=bright, xray=kind == "balls")


def photographed(drawn: Drawing, rng: np.random.Generator) -> Image:
    """What a microscope makes of a drawing, objects dark."""
    pixels = 255 - drawn.pixels if drawn.bright else drawn.pixels
    seed = int(rng.integers(2**31))
    how = degradation(rng) if drawn.solid else _degradation(rng)
    pixels = synthetic.degrade(pixels, how, seed=seed, modality="xray" if drawn.xray else "optical")
    return np.asarray(255 - pixels if drawn.bright else pixels, np.uint8)


def _uniform_log(rng: np.random.Generator, low: float, high: float) -> float:
    return exp(rng.uniform(log(low), log(high)))


def _pores(rng: np.random.Generator, seed: int, side: int) -> tuple[Image, NDArray[np.bool_]]:
    ecd = _uniform_log(rng, 6, 45)
    field = synthetic.pores(
        seed=seed,
        porosity_percent=_uniform_log(rng, 0.7, 18),
        mean_ecd_um=ecd,
        spread=rng.uniform(0.1, 0.55),
        shrinkage=rng.choice([0.0, 0.25, 0.5]),
        clusters=rng.choice([0.0, 0.5]),
        shape_px=(side, side),
        gray=(rng.uniform(0.5, 0.9), rng.uniform(0.05, 0.3)),
        rim=rng.uniform(0, 0.45),
        inclusions_per_mm2=rng.choice([0, 40, 150]),
        scratches=int(rng.choice([0, 20, 60])),
        stains=rng.choice([0.0, 0.05]),
    )
    return field.pixels, field.labels == 1


def _particles(rng: np.random.Generator, seed: int, side: int) -> tuple[Image, NDArray[np.bool_]]:
    ground = rng.uniform(0.45, 0.9)
    field = synthetic.two_phase(
        seed=seed,
        area_percent=_uniform_log(rng, 2, 36),
        feature_um=_uniform_log(rng, 6, 40),
        kind="particles",
        pixel_um=1.0,
        shape_px=(side, side),
        gray=(ground, ground * rng.uniform(0.15, 0.75)),
        texture=(rng.uniform(0, 0.04), rng.uniform(0, 0.05)),
        edge=rng.choice([0.0, 0.2]),
    )
    return field.pixels, field.labels == 1


def _balls(rng: np.random.Generator, seed: int, side: int) -> tuple[Image, NDArray[np.bool_]]:
    """Voids are light in the dark balls of an X-ray image; turned over they are dark in light balls."""
    field = synthetic.solder_balls(
        seed=seed,
        rows=2,
        columns=2,
        pixel_um=_uniform_log(rng, 3.0, 6.0),
        void_percent=rng.uniform(3, 17),
        voids_per_joint=int(rng.integers(1, 7)),
        void_edge=rng.uniform(0.05, 0.4),
    )
    rows, columns = field.pixels.shape
    top, left = int(rng.integers(0, max(rows - side, 0) + 1)), int(rng.integers(0, max(columns - side, 0) + 1))
    cut = (slice(top, top + side), slice(left, left + side))
    more = ((0, max(0, side - rows)), (0, max(0, side - columns)))
    picture = np.pad(255 - field.pixels[cut], more, mode="edge")
    return picture, np.pad(field.labels[cut] == 2, more, mode="edge")


def discs(rng: np.random.Generator, side: int) -> tuple[Image, list[Labels]]:
    """Round objects that touch or cover one another in part, opaque or (as in transmission) translucent."""
    mean = _uniform_log(rng, 4, 34)
    spread, rough = rng.uniform(0, 0.4), rng.choice([0.0, 0.05, 0.1])
    contact = rng.choice(["apart", "touching", "overlapping"], p=[0.2, 0.5, 0.3])
    factor = {"apart": (0.75, 0.93), "touching": (0.96, 1.02), "overlapping": (1.05, 1.35)}[str(contact)]
    outlines: list[Outline] = []
    places = np.empty((0, 3))
    wanted = int(rng.uniform(0.05, 1.0) * 0.8 * (side + mean) ** 2 / (pi * mean**2)) + 1
    for _ in range(min(6 * wanted, 900)):
        if len(outlines) >= wanted:
            break
        row, column = rng.uniform(-mean, side + mean, 2)
        radius = min(mean * exp(spread * rng.normal()), 50.0)
        if len(places):
            gap = float((np.hypot(places[:, 0] - row, places[:, 1] - column) - places[:, 2]).min())
            if gap < 0.45 * radius:
                continue
            radius = min(radius, gap * rng.uniform(*factor))
        if radius < 2.5:
            continue
        stretch = rng.uniform(1, 1 + 2 * rough + 0.1)
        outlines.append(Outline.star(rng, row, column, 2 * radius, rough=rough, stretch=stretch))
        places = np.vstack([places, [row, column, radius]])
    shape = (side, side)
    ground = rng.uniform(0.45, 0.9)
    contrast = rng.uniform(0.25, 0.85) * ground
    translucent = contact == "overlapping" and rng.uniform() < 0.6
    scatter, dome, rim = rng.uniform(0, 0.15), rng.uniform(-0.3, 0.4), rng.choice([0.0, 0.0, 0.25])
    base = ground + rng.uniform(0, 0.03) * cloud(rng, shape, 4.0) + rng.uniform(0, 0.03) * cloud(rng, shape, 40.0)
    picture = base.copy()
    masks = []
    for outline in outlines:
        window, cover, inside = outline.patch(shape)
        if not cover.size or not inside.any():
            continue
        y = np.arange(window[0].start, window[0].stop)[:, None] - outline.row
        x = np.arange(window[1].start, window[1].stop)[None, :] - outline.column
        rho2 = np.clip((y**2 + x**2) / (outline.ecd / 2) ** 2, 0, 1.5).astype(np.float32)
        depth = contrast * (1 + scatter * rng.normal()) * (1 - dome * rho2)
        if translucent:
            picture[window] -= 0.6 * depth * cover
        else:
            soft = cover * (1 - cover) * 4
            look = ground - depth + rim * contrast * soft
            picture[window] = picture[window] * (1 - cover) + cover * look
        masks.append((window, inside.astype(bool)))
    picture += rng.uniform(0, 0.03) * cloud(rng, shape, 1.5)
    pixels = np.clip(255 * blurred(picture.astype(np.float32), rng.uniform(0.4, 0.9)), 0, 255).astype(np.uint8)
    return pixels, _layers(masks, shape)


def _layers(masks: Sequence[tuple[tuple[slice, slice], NDArray[np.bool_]]], shape: tuple[int, int]) -> list[Labels]:
    """Put every object on the first layer where it covers no other one."""
    layers = [np.zeros(shape, np.int32)]
    for number, (window, inside) in enumerate(masks, start=1):
        for layer in layers:
            if not (layer[window][inside] > 0).any():
                break
        else:
            layer = np.zeros(shape, np.int32)
            layers.append(layer)
        layer[window][inside] = number
    return layers


def _degradation(rng: np.random.Generator) -> synthetic.Degradation:
    return synthetic.Degradation(
        shading=rng.uniform(0, 0.25),
        blur_px=rng.choice([0.0, rng.uniform(0.3, 1.6)]),
        contrast=rng.uniform(0.5, 1.0),
        electrons=_uniform_log(rng, 1500, 30000),
        read_noise=rng.uniform(0, 6),
        scratches=int(rng.choice([0, 0, 30])),
        stains=rng.choice([0.0, rng.uniform(0, 6)]),
        jpeg_quality=int(rng.choice([0, 0, 60, 80])),
    )


# ------------------------------------------------------------------------------------------- what is learned


def nearness(layer: Labels) -> NDArray[np.float32]:
    """Distance to the outline over its largest value in the object; 0 outside. Objects may touch."""
    edge = np.zeros(layer.shape, bool)
    for a, b in (((slice(1, None), slice(None)), (slice(-1), slice(None))), (np.s_[:, 1:], np.s_[:, :-1])):
        differ = layer[a] != layer[b]
        edge[a] |= differ
        edge[b] |= differ
    inner = ((layer > 0) & ~edge).astype(np.uint8)
    if inner.all():
        return np.ones(layer.shape, np.float32)
    distance = (cv2.distanceTransform(inner, cv2.DIST_L2, cv2.DIST_MASK_PRECISE) + 1) * (layer > 0)
    largest = np.zeros(int(layer.max()) + 1, np.float32)
    np.maximum.at(largest, layer.ravel(), distance.ravel())
    return np.asarray(distance / np.maximum(largest, 1)[layer], np.float32)


def target_of(layers: Sequence[Labels]) -> NDArray[np.float32]:
    """(2 + rays, rows, columns) on the grid: probability, weight of the distances, distances. [px]

    Where objects cover one another, the one whose middle is nearer counts.
    """
    height, width = (n // GRID for n in layers[0].shape)
    made = np.zeros((2 + RAYS, height, width), np.float32)
    for layer in layers:
        if not layer.any():
            continue
        probability = nearness(layer)[::GRID, ::GRID]
        rays = star_dist(layer, RAYS, grid=(GRID, GRID))
        mine = probability > made[0]
        made[0][mine] = probability[mine]
        made[2:, mine] = rays[mine].T
    # an error of one pixel is worse on a small object than on a large one
    mean = made[2:].mean(axis=0)
    made[1] = made[0] * np.clip(10 / np.maximum(mean, 2.0), 0.25, 2.5)
    return made


def image_of(pixels: Image, rng: np.random.Generator | None) -> NDArray[np.float32]:
    """(1, rows, columns), gray values as the backend hands them over; with ``rng`` in another contrast."""
    low, high = gray_range(pixels, NORMALIZATION)
    if rng is not None:
        span = high - low
        low, high = low - span * rng.uniform(-0.1, 0.35), high + span * rng.uniform(-0.1, 0.35)
    return normalized(pixels, low, high)[None]


def cut(drawn: Drawing, rng: np.random.Generator) -> Drawing:
    """Part of a drawing, turned and mirrored at random."""
    top, left = rng.integers(0, drawn.pixels.shape[0] - SIDE + 1, 2)
    turns, mirrored = int(rng.integers(4)), bool(rng.integers(2))

    def part(image: NDArray[Any]) -> NDArray[Any]:
        image = np.rot90(image[top : top + SIDE, left : left + SIDE], turns)
        return np.ascontiguousarray(image[:, ::-1] if mirrored else image)

    return replace(drawn, pixels=part(drawn.pixels), layers=[part(layer) for layer in drawn.layers])


def drawer(pool: Sequence[Drawing]) -> Callable[[np.random.Generator], tuple[NDArray[np.float32], NDArray[np.float32]]]:
    """Samples from parts of ready drawings, each photographed anew."""

    def draw(rng: np.random.Generator) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        while True:
            part = cut(pool[int(rng.integers(len(pool)))], rng)
            pixels = photographed(part, rng)
            if pixels.max() > pixels.min():
                return image_of(pixels, rng), target_of(part.layers)

    return draw


def loss(output: Tensor, target: Tensor) -> Tensor:
    """Cross entropy of the probability, absolute error of the distances where there is an object (as the paper)."""
    output = output.float()
    probability = functional.binary_cross_entropy_with_logits(output[:, 0], target[:, 0])
    error = (output[:, 1:] - target[:, 2:]).abs().mean(dim=1)
    weight = target[:, 1]
    distance = (error * weight).sum() / weight.sum().clamp(min=1.0)
    outside = (output[:, 1:].abs().mean(dim=1) * (target[:, 0] == 0)).mean()
    return probability + 0.2 * distance + 2e-5 * outside


def validation(count: int) -> list[tuple[NDArray[np.float32], Labels, float]]:
    """Unseen drawings: image, label image (upper layers last), true area share."""
    made = []
    for number in range(count):
        rng = np.random.default_rng((SEED + 1, number))
        drawn = drawing(rng, SIDE)
        labels = np.zeros((SIDE, SIDE), np.int32)
        for k, layer in enumerate(drawn.layers):
            labels = np.where(layer > 0, layer + 10000 * k, labels)
        made.append((image_of(photographed(drawn, rng), None), labels.astype(np.int32), float((labels > 0).mean())))
    return made


def scores(network: nn.Module, data: Sequence[tuple[NDArray[np.float32], Labels, float]]) -> Mapping[str, float]:
    """Matching at IoU 0.5 over all objects, and the mean absolute error of the area share."""
    found = true = extra = missed = 0
    areas = []
    for image, labels, share in data:
        made = network.answer(network(torch.from_numpy(image)[None]).float())[0].numpy()
        points, probability, rays = non_maximum_suppression(
            np.ascontiguousarray(made[1:].transpose(1, 2, 0)),
            made[0],
            grid=(GRID, GRID),
            b=0,
            prob_thresh=THRESHOLDS["prob_threshold"],
            nms_thresh=THRESHOLDS["nms_threshold"],
        )
        mine = polygons_to_label(rays, points, labels.shape, prob=probability)
        result = matching(labels, mine.astype(np.int32), thresh=0.5)
        found += result.tp
        extra += result.fp
        missed += result.fn
        true += result.n_true
        areas.append(100 * abs(float((mine > 0).mean()) - share))
    precision = found / max(found + extra + missed, 1)
    error = float(np.mean(areas))
    return {"score": precision - 0.02 * error, "ap50": precision, "area_error_points": error}


# ------------------------------------------------------------------------------------------------ judgment


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Unseen:
    """A field that was not trained on, of its own size and with its own noise."""

    name: str
    pixels: Image
    labels: Labels
    share: float  # true area share [1]
    phase: str


def unseen() -> Iterator[Unseen]:
    """Fields from the public generators with settings and seeds that training does not use, and packed discs."""
    for number, (ecd, spread, level) in enumerate([(9, 0.3, 1), (16, 0.45, 2), (30, 0.45, 3), (24, 0.8, 2)]):
        field = synthetic.pores(
            seed=9000 + number, porosity_percent=6, mean_ecd_um=ecd, spread=spread, shrinkage=0.25, shape_px=(400, 560)
        )
        yield _public(f"pores {ecd} px, spread {spread}", field, level, number, "dark")
    for number, (size, level) in enumerate([(9, 2), (18, 1), (35, 3)]):
        field = synthetic.two_phase(
            seed=9100 + number,
            area_percent=22,
            feature_um=size,
            kind="particles",
            pixel_um=1.0,
            gray=(0.25, 0.7),
            shape_px=(400, 560),
        )
        yield _public(f"bright particles {size} px", field, level, number, "bright")
    for number in range(5):
        rng = np.random.default_rng((SEED + 2, number))
        pixels, layers = discs(rng, 400)
        labels = np.zeros(pixels.shape, np.int32)
        for k, layer in enumerate(layers):
            labels = np.where(layer > 0, layer + 10000 * k, labels).astype(np.int32)
        pixels = np.asarray(synthetic.degrade(pixels, 2, seed=number), np.uint8)
        yield Unseen(
            name=f"packed discs {number + 1}",
            pixels=pixels,
            labels=labels,
            share=float((labels > 0).mean()),
            phase="dark",
        )


def _public(name: str, field: synthetic.Field, level: int, seed: int, phase: str) -> Unseen:
    labels = cv2.connectedComponents((field.labels == 1).astype(np.uint8), connectivity=4, ltype=cv2.CV_32S)[1]
    share = next(value for key, value in field.truth.items() if key in SHARES) / 100
    pixels = np.asarray(synthetic.degrade(field.pixels, level, seed=seed), np.uint8)
    return Unseen(name=f"{name}, level {level}", pixels=pixels, labels=labels, share=share, phase=phase)


SHARES = ("field.porosity_percent", "field.area_percent.second")


def judged(model_folder: Path) -> tuple[list[tuple[str, float, float, float, float]], dict[str, float]]:
    """AP at IoU 0.5 and error of the area percentage, beside those of the watershed on the same fields."""
    from inspect_tool.model import Calibration, Micrograph
    from inspect_tool.segmentation import stardist, watershed

    chosen = stardist.load(stardist.Settings(model=str(model_folder)))
    rows = []
    for field in unseen():
        micrograph = Micrograph(pixels=field.pixels, calibration=Calibration(source="ratio only"), path=field.name)
        ours = stardist.segment(chosen, micrograph, stardist.Settings(model=str(model_folder), phase=field.phase))  # type: ignore[arg-type]
        theirs = watershed.segment(None, micrograph, watershed.Settings(mode="particles", phase=field.phase))  # type: ignore[arg-type]
        numbers = []
        for found in (ours.labels, theirs.labels):
            numbers.append(float(matching(field.labels, np.array(found), thresh=0.5).accuracy))
            numbers.append(100 * (float((found > 0).mean()) - field.share))
        rows.append((field.name, *numbers))
    table = np.array([row[1:] for row in rows])
    means = {
        "ap50 (synthetic, unseen)": round(float(table[:, 0].mean()), 4),
        "mean |area error| in points (synthetic, unseen)": round(float(np.abs(table[:, 1]).mean()), 3),
        "ap50 of the watershed on the same": round(float(table[:, 2].mean()), 4),
        "mean |area error| in points of the watershed on the same": round(float(np.abs(table[:, 3]).mean()), 3),
    }
    return rows, means


def card_of(stages: str, scored: Mapping[str, float], *, powder: bool) -> dict[str, Any]:
    """Values of the model card."""
    real = {
        "name": f"ampis-powder: {', '.join(LEARNED)}",
        "licence": "MIT",
        "images": len(LEARNED),
        "source": "R. Cohn et al., JOM 2021, github.com/rccohn/AMPIS",
    }
    return {
        "name": "round_objects",
        "version": "2",
        "title": "Round particles, pores and voids (StarDist)",
        "architecture": "stardist",
        "network": {**NETWORK, "grid": list(NETWORK["grid"])},  # type: ignore[call-overload]
        "classes": ("background", "object"),
        "licence": "Apache-2.0",
        "commercial": True,
        "normalization": NORMALIZATION,
        "structure": "equivalent diameter of the objects",
        "structure_px": SIZES_PX,
        "recipes": ("porosity", "phase_fraction"),
        "settings": {**THRESHOLDS, "phase": "dark"},
        "training": (
            {
                "name": "inspect_tool.synthetic: pores, particles, voided balls, bodies; packed discs of the script",
                "licence": "Apache-2.0",
                "images": 750,
                "source": "drawn by benchmarks/train_round_objects.py",
            },
            *((real,) if powder else ()),
        ),
        "procedure": {"script": "benchmarks/train_round_objects.py", "seed": SEED, "stages": stages},
        "scores": dict(scored),
    }


def last_weights(folder: Path, kind: Literal["network", "average"] = "network") -> dict[str, Tensor]:
    """Weights of the network, or their moving average, at the last checkpoint of a run."""
    state = json.loads((folder / STATE).read_text(encoding="utf-8"))
    tensors = load_file(folder / state["tensors"])
    return {name.removeprefix(f"{kind}."): t for name, t in tensors.items() if name.startswith(f"{kind}.")}


def calibrated(weights: Mapping[str, Tensor], count: int = 60) -> tuple[dict[str, Tensor], float, float]:
    """Take the mean error of the mean ray out: true = offset + gain * found, from drawings used for nothing else.

    Returns
    -------
    weights, offset [px], gain
    """
    network = TorchNetwork(StarDistNet(**NETWORK))  # type: ignore[arg-type]
    network.load_state_dict(weights)
    network.eval()
    found, true = [], []
    for number in range(count):
        rng = np.random.default_rng((SEED + 3, number))
        drawn = drawing(rng, SIDE)
        target = target_of(drawn.layers)
        image = image_of(photographed(drawn, rng), None)
        with torch.inference_mode():
            made = network.answer(network(torch.from_numpy(image)[None]))[0].numpy()
        middle = (target[0] > 0.7) & (made[0] > THRESHOLDS["prob_threshold"])
        found.append(made[1:, middle].mean(axis=0))
        true.append(target[2:, middle].mean(axis=0))
    # points of one object count together as much as those of any other: one point has the share 1 / area
    x, y = (np.concatenate(part) for part in (found, true))
    near = np.abs(y - x) < 0.5 * y  # not where an object was taken for another
    gain, offset = (float(value) for value in np.polyfit(x[near], y[near], 1, w=1 / y[near]))
    changed = {name: value.clone() for name, value in weights.items()}
    changed["head.weight"][1:] *= gain
    changed["head.bias"][1:] = changed["head.bias"][1:] * gain + offset
    return changed, offset, gain


def ship(folder: Path, weights: Mapping[str, Tensor], stages: str, target: Path, record: Path, *, powder: bool) -> None:
    """Write the model folder, judge it as it is on disk, and write the record."""
    weights, offset, gain = calibrated(weights)
    print(f"rays: {offset:+.3f} px + {gain:.4f} * found")
    shutil.rmtree(target, ignore_errors=True)
    save_model(target, card_of(stages, {}, powder=powder), weights)
    rows, means = judged(target)
    save_model(target, card_of(stages, means, powder=powder), weights)
    (target / MARKER).unlink()  # ours is replaced by hand
    record.mkdir(parents=True, exist_ok=True)
    text = [
        "# Training of round_objects",
        "",
        f"`benchmarks/train_round_objects.py`, seed {SEED}, stages: {stages}; crops of {SIDE} px. One core, shared.",
        f"Rays were then calibrated on other drawings: {offset:+.3f} px + {gain:.4f} x ray. Log of the last stage:",
        "`round_objects.csv`; curve: `round_objects.svg`. Fields below were not trained on (other seeds, sizes of",
        "image and noise); errors are found minus true, in percentage points of the area.",
        "",
        "| field | AP@0.5 | area error | watershed AP@0.5 | watershed area error |",
        "| --- | --- | --- | --- | --- |",
    ]
    text += [f"| {name} | {a:.3f} | {b:+.2f} | {c:.3f} | {d:+.2f} |" for name, a, b, c, d in rows]
    text += ["", *[f"- {key}: {value:g}" for key, value in means.items()], ""]
    (record / "round_objects.md").write_text("\n".join(text), encoding="utf-8")
    log_text = (folder / "log.csv").read_text(encoding="utf-8")
    (record / "round_objects.csv").write_text(log_text, encoding="utf-8")
    _curve(log_text, record / "round_objects.svg")
    print("\n".join(text))


def averaged(one: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights half-way between two runs, of which one went on from the other: each is better at what it saw last."""
    return {name: (tensor + other[name]) / 2 if tensor.is_floating_point() else tensor for name, tensor in one.items()}


def _curve(log_text: str, path: Path) -> None:
    import csv

    import matplotlib as mpl
    from matplotlib.figure import Figure

    mpl.rcParams["svg.hashsalt"] = "round_objects"
    rows = list(csv.DictReader(log_text.splitlines()))
    steps = [float(row["step"]) for row in rows]
    figure = Figure(figsize=(6, 3.2), layout="constrained")
    left = figure.add_subplot()
    left.plot(steps, [float(row["ap50"]) for row in rows], label="AP at IoU 0.5")
    left.plot(steps, [float(row["loss"]) for row in rows], label="training loss", linestyle="--")
    left.set(xlabel="steps", ylim=(0, 1.05))
    right = left.twinx()
    right.plot(steps, [float(row["area_error_points"]) for row in rows], color="tab:green", label="area error [points]")
    right.set(ylim=(0, 6), ylabel="mean |area error| [points]")
    figure.legend(loc="outside upper center", ncols=3, fontsize=8)
    figure.savefig(path, metadata={"Date": None})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=4000)
    parser.add_argument("--batch", type=int, default=6)
    parser.add_argument("--pool", type=int, default=600)
    parser.add_argument("--every", type=int, default=250)
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--start", type=Path, help="run, or model folder, whose weights this one starts from")
    parser.add_argument("--powder", action="store_true", help="learn also from drawn bodies and real powder")
    parser.add_argument("--average", type=Path, help="run whose weights are averaged with these before they ship")
    parser.add_argument("--stages", default="", help="what the card says of the runs, with --ship")
    parser.add_argument("--ship", action="store_true", help="write the model folder and the record when done")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    torch.manual_seed(SEED)
    network = TorchNetwork(StarDistNet(**NETWORK))  # type: ignore[arg-type]
    if arguments.start is not None:
        there = arguments.start / "weights.safetensors"  # a model folder
        network.load_state_dict(load_file(there) if there.exists() else last_weights(arguments.start))
    start = time.monotonic()
    data = validation(24)
    real = powders() if arguments.powder else ()
    pool = [drawing(np.random.default_rng((SEED, number)), POOL_SIDE, real) for number in range(arguments.pool)]
    print(f"{time.monotonic() - start:7.0f} s  {len(pool)} drawings", flush=True)

    def report(step: int, steps: int, values: Mapping[str, Any]) -> None:
        if "score" in values or step % 25 == 0:
            text = ", ".join(f"{key} {value:.4g}" for key, value in values.items())
            print(f"{time.monotonic() - start:7.0f} s  {step}/{steps}  {text}", flush=True)

    fitted = fit(
        network,
        drawer(pool),
        loss,
        lambda net: scores(net, data),
        folder=arguments.folder,
        steps=arguments.steps,
        batch=arguments.batch,
        seed=SEED,
        rate=arguments.rate,
        every=arguments.every,
        device="cpu",
        report=report,
    )
    if arguments.ship:
        root = Path(__file__).resolve().parent.parent
        target = root / "inspect_tool" / "models" / "round_objects"
        weights = fitted.weights
        if arguments.average is not None:
            weights = averaged(weights, last_weights(arguments.average, "average"))
        ship(
            arguments.folder,
            weights,
            arguments.stages,
            target,
            root / "docs" / "training",
            powder=arguments.powder,
        )


if __name__ == "__main__":
    main()
