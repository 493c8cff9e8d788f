"""Train the small Mask R-CNN of particles, from scratch, on drawn particles and parts of real pictures of powder.

    OMP_NUM_THREADS=1 nice python benchmarks/train_maskrcnn.py --folder runs/particles_maskrcnn --steps 1900
    python benchmarks/train_maskrcnn.py --folder runs/ours --own annotated --start particles_maskrcnn --steps 600

The second command goes on from a model with pictures of one's own: a folder with ``images`` and ``instances`` (label
images of the same names, 16 bits, a number for each object), which are half of what is learned from then.
Needs the extras 'maskrcnn' and 'stardist' (discs are drawn as for StarDist, scores are by its matching). A run that
was killed goes on where it was; the same arguments give the same weights. ``--ship FOLDER`` writes the model folder
with the best weights so far.
"""

import argparse
import csv
import json
import os
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import cv2
import numpy as np
import torch
from _particle_scenes import (
    DATA,
    LEARNED,
    SMALLEST_PX2,
    degradation,
    drawn_scene,
    powders,
    real_scene,
    uniform_log,
    whole,
)
from numpy.typing import NDArray
from safetensors.torch import load_file
from stardist.matching import matching
from torch import Tensor, nn
from torchvision.models.detection.image_list import ImageList
from train_round_objects import discs

from inspect_tool import synthetic
from inspect_tool.errors import SettingsError
from inspect_tool.segmentation.maskrcnn.network import CrowdedError, Detections, build, detected, prepare
from inspect_tool.segmentation.maskrcnn.painting import painted
from inspect_tool.segmentation.networks.arguments import MaskRCNNArguments
from inspect_tool.segmentation.networks.weights import gray_range, load_weights, model_folder, normalized, save_model
from inspect_tool.training.fit import STATE, Draw, fit

SEED = 31
SIDE = 192  # of a sample [px]
POOL_SIDE = 288  # of a picture from which samples are cut [px]
LAYERS = 3  # label images of a sample, in each of which no object covers another
NETWORK = MaskRCNNArguments()
NORMALIZATION = (0.5, 99.5)
SIZES_PX = (8.0, 110.0)  # equivalent diameters that are drawn often enough [px]
SETTINGS = {"score_threshold": 0.5, "mask_threshold": 0.5, "nms_threshold": 0.5}
LEARNING = {
    "rpn_batch_size_per_image": 192,
    "rpn_fg_iou_thresh": 0.6,
    "rpn_nms_thresh": 0.7,
    "rpn_pre_nms_top_n_train": 800,
    "rpn_post_nms_top_n_train": 400,
    "box_batch_size_per_image": 96,
    "box_positive_fraction": 0.33,
}

Image = NDArray[np.uint8]
Labels = NDArray[np.int32]
Real = tuple[Image, Labels, float]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Drawing:
    """A picture without noise and label images in which no object covers another."""

    pixels: Image
    layers: list[Labels]


def drawing(seed: tuple[int, int], own: Sequence[Real] = (), side: int = POOL_SIDE) -> Drawing:
    """One picture of a kind that the network is meant for, or a part of a real one."""
    rng = np.random.default_rng(seed)
    if own and rng.uniform() < 0.5:
        scene = real_scene(rng, side, own)
        return Drawing(pixels=scene.pixels, layers=[scene.labels])
    while True:
        kind = str(rng.choice(["bodies", "discs", "powder", "tem"], p=[0.55, 0.15, 0.22, 0.08]))
        try:
            if kind == "discs":
                pixels, layers = discs(rng, side)
                made = Drawing(pixels=np.asarray(pixels, np.uint8), layers=layers)
            elif kind == "bodies":
                scene = drawn_scene(rng, side)
                made = Drawing(pixels=scene.pixels, layers=[scene.labels])
            else:
                scene = real_scene(rng, side, powders() if kind == "powder" else transmission())
                made = Drawing(pixels=scene.pixels, layers=[scene.labels])
        except SettingsError:  # more than fit: draw others
            continue
        if len(made.layers) <= LAYERS and made.pixels.max() > made.pixels.min():
            return made


def transmission() -> list[Real]:
    """The picture of particles in transmission of minis-permissive, whose mask is taken apart into pieces."""
    folder = DATA / "minis-permissive"
    with (folder / "index.csv").open(encoding="utf-8", newline="") as file:
        row = next(row for row in csv.DictReader(file) if "tem_particles" in row["image"])
    pixels = cv2.imread(str(folder / row["image"]), cv2.IMREAD_GRAYSCALE)
    mask = cv2.imread(str(folder / row["mask"]), cv2.IMREAD_UNCHANGED)
    assert pixels is not None, f"{folder}: is needed for training"
    assert mask is not None, f"{folder}: is needed for training"
    labels = cv2.connectedComponents((mask == 1).astype(np.uint8), connectivity=4, ltype=cv2.CV_32S)[1]
    return [real(pixels, labels)]


def annotated(folder: Path) -> list[Real]:
    """Pictures of one's own: ``images`` and label images of the same names in ``instances``."""
    made = []
    for path in sorted((folder / "images").iterdir()):
        pixels = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        labels = cv2.imread(str(folder / "instances" / f"{path.stem}.png"), cv2.IMREAD_UNCHANGED)
        assert pixels is not None, f"{path}: is no picture"
        assert labels is not None, f"{folder / 'instances' / path.stem}.png: is missing"
        made.append(real(pixels, labels))
    return made


def real(pixels: NDArray[Any], labels: NDArray[Any]) -> Real:
    """A picture, its label image, and the median diameter of its objects. [px]"""
    areas = np.bincount(labels.ravel())[1:]
    ecd = 2 * float(np.sqrt(np.median(areas[areas > 0]) / np.pi))
    return np.asarray(pixels, np.uint8), np.asarray(labels, np.int32), ecd


def photographed(pixels: Image, rng: np.random.Generator) -> Image:
    """What a microscope makes of it, as often negative as not."""
    if rng.uniform() < 0.35:
        pixels = 255 - pixels
    made = synthetic.degrade(pixels, degradation(rng), seed=int(rng.integers(2**31)))
    return np.asarray(made, np.uint8)


def image_of(pixels: Image, rng: np.random.Generator | None = None) -> NDArray[np.float32]:
    """(1, rows, columns), gray values as the backend hands them over; with ``rng`` in another contrast."""
    low, high = gray_range(pixels, NORMALIZATION)
    if rng is not None:
        span = high - low
        low, high = low - span * rng.uniform(-0.1, 0.3), high + span * rng.uniform(-0.1, 0.3)
    return normalized(pixels, low, high)[None]


def drawn_from(pool: Sequence[Drawing]) -> Draw:
    """Parts of ready pictures, turned and mirrored, each photographed anew; targets are their label images."""

    def draw(rng: np.random.Generator) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
        while True:
            chosen = pool[int(rng.integers(len(pool)))]
            zoom = uniform_log(rng, 0.75, 1.5) if rng.uniform() < 0.4 else 1.0
            reach = min(round(SIDE / zoom), POOL_SIDE)
            top, left = rng.integers(0, POOL_SIDE - reach + 1, 2)
            turns, mirrored = int(rng.integers(4)), bool(rng.integers(2))

            def part(image: NDArray[Any], how: int) -> NDArray[Any]:
                image = image[top : top + reach, left : left + reach]  # noqa: B023 - used at once
                if reach != SIDE:  # noqa: B023
                    image = cv2.resize(image, (SIDE, SIDE), interpolation=how)
                image = np.rot90(image, turns)  # noqa: B023
                return np.ascontiguousarray(image[:, ::-1] if mirrored else image)  # noqa: B023

            pixels = photographed(part(chosen.pixels, cv2.INTER_AREA), rng)
            if pixels.max() == pixels.min():
                continue
            layers = [whole(part(layer, cv2.INTER_NEAREST).astype(np.int32)) for layer in chosen.layers]
            layers += [np.zeros((SIDE, SIDE), np.int32)] * (LAYERS - len(layers))
            return image_of(pixels, rng), np.stack(layers)

    return draw


def targets_of(layers: Tensor) -> dict[str, Tensor]:
    """Boxes, labels and masks of the objects of a sample, as torchvision takes them."""
    masks, boxes = [], []
    for layer in layers.numpy():
        for number in range(1, int(layer.max()) + 1):
            mask = layer == number
            if np.count_nonzero(mask) < SMALLEST_PX2:
                continue
            rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
            boxes.append([columns[0] - 0.5, rows[0] - 0.5, columns[-1] + 0.5, rows[-1] + 0.5])
            masks.append(mask)
    side = layers.shape[-1]
    return {
        "boxes": torch.tensor(boxes, dtype=torch.float32).reshape(-1, 4),
        "labels": torch.ones(len(boxes), dtype=torch.int64),
        "masks": torch.from_numpy(np.stack(masks) if masks else np.zeros((0, side, side), bool)).to(torch.uint8),
    }


class Learner(nn.Module):
    """A detector as ``fit`` takes it: images to features; what is learned from them is in ``losses``."""

    def __init__(self) -> None:
        super().__init__()
        self.detector = build(NETWORK, **LEARNING)

    def forward(self, image: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """Give the images and their features."""
        return image, self.detector.backbone(image)

    def losses(self, output: tuple[Tensor, dict[str, Tensor]], layers: Tensor) -> Tensor:
        """Sum of the five losses of Mask R-CNN, as torchvision weighs them."""
        image, features = output
        with torch.autocast("cpu", enabled=False):
            exact = {name: value.float() for name, value in features.items()}
            targets = [targets_of(one) for one in layers]
            sizes = [(image.shape[2], image.shape[3])] * len(image)
            proposals, first = self.detector.rpn(ImageList(image, sizes), exact, targets)
            _, second = self.detector.roi_heads(exact, proposals, sizes, targets)
        parts = {**first, **second}
        self.parts = {name: float(value.detach()) for name, value in parts.items()}
        return sum(parts.values(), torch.zeros(()))


def scores(network: nn.Module, data: Sequence[tuple[NDArray[np.float32], Labels]]) -> Mapping[str, float]:
    """Matching at an IoU of 0.5 over all objects of unseen pictures."""
    true = found = hit = 0
    prepare(network, score=SETTINGS["score_threshold"], nms=SETTINGS["nms_threshold"])
    for image, labels in data:
        try:
            seen = detected(network, image[None], inclusive=False)
        except CrowdedError:  # a network that has learned nothing yet proposes every place
            seen = Detections.none()
        mine = painted(
            seen, labels.shape, None, mask_threshold=SETTINGS["mask_threshold"], hidden_share=0.5, least_px2=15
        ).labels
        result = matching(labels, mine, thresh=0.5)
        true, found, hit = true + result.n_true, found + result.n_pred, hit + result.tp
    return {"score": 2 * hit / max(true + found, 1), "recall": hit / max(true, 1), "precision": hit / max(found, 1)}


def judging(count: int) -> list[tuple[NDArray[np.float32], Labels]]:
    """Unseen drawings of bodies: the one picture of powder that judges is left to ``instances.py``."""
    made = []
    for number in range(count):
        rng = np.random.default_rng((SEED + 1, number))
        scene = drawn_scene(rng, 256)
        made.append((image_of(photographed(scene.pixels, rng)), scene.labels))
    return made


def card_of(name: str, run: Mapping[str, Any], steps: int, scored: Mapping[str, float]) -> dict[str, Any]:
    """Values of the model card; ``run`` is what made the run this run."""
    own = None
    if run["own"]:
        folder = Path(run["own"])
        own = {"name": folder.name, "licence": run["licence"], "images": len(annotated(folder))}
    return {
        "name": name,
        "version": "1",
        "title": "Particles of any shape that touch or overlap (Mask R-CNN)",
        "architecture": "maskrcnn",
        "network": asdict(NETWORK),
        "classes": ("background", "particle"),
        "licence": f"Apache-2.0; pictures of one's own: {run['licence']}" if own else "Apache-2.0",
        "commercial": run["commercial"] if own else True,
        "normalization": NORMALIZATION,
        "structure": "equivalent diameter of the particles",
        "structure_px": SIZES_PX,
        "recipes": ("particles",),
        "settings": SETTINGS,
        "training": (
            {
                "name": "inspect_tool.synthetic.bodies; packed discs of train_round_objects.py",
                "licence": "Apache-2.0",
                "images": round(0.7 * run["pictures"]),
                "source": "drawn by benchmarks/train_maskrcnn.py",
            },
            {
                "name": f"ampis-powder: {', '.join(LEARNED)}",
                "licence": "MIT",
                "images": len(LEARNED),
                "source": "R. Cohn et al., JOM 2021, github.com/rccohn/AMPIS",
            },
            {
                "name": "minis-permissive: tem_particles_tldr",
                "licence": "MIT",
                "images": 1,
                "source": "github.com/tldr-group/interactive-seg-backend",
            },
            *((own,) if own else ()),
        ),
        "procedure": {
            "script": "benchmarks/train_maskrcnn.py",
            "seed": SEED,
            "steps": steps,
            "batch": run["batch"],
            **({"begun_with_sha256": run["start"]} if run["start"] else {}),
        },
        "scores": dict(scored),
    }


def ship(folder: Path, target: Path, licence: str, *, commercial: bool) -> None:
    """Write the model folder with the averaged weights at the last checkpoint of a run, and what they find."""
    state = json.loads((folder / STATE).read_text(encoding="utf-8"))
    kept = load_file(folder / state["tensors"])
    prefix = "average.detector."
    weights = {name.removeprefix(prefix): value for name, value in kept.items() if name.startswith(prefix)}
    network = build(NETWORK)
    network.load_state_dict({name: value.half().float() for name, value in weights.items()})  # as they are stored
    found = scores(network.eval(), judging(40)[8:])  # the first ones were looked at in the training
    scored = {f"{name}.drawn_unseen": round(float(value), 4) for name, value in found.items()}
    run = {"own": "", "start": "", **state["run"], "licence": licence, "commercial": commercial}
    save_model(target, card_of(target.name, run, int(state["step"]), scored), weights)
    print(scored)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True, help="of the checkpoint and the log")
    parser.add_argument("--steps", type=int, default=1900)
    parser.add_argument("--batch", type=int, default=3)
    parser.add_argument("--every", type=int, default=100)
    parser.add_argument("--pictures", type=int, default=540, help="that are drawn before learning begins")
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--workers", type=int, default=1, help="processes that draw them")
    parser.add_argument("--own", type=Path, help="folder of annotated pictures to learn from as well")
    parser.add_argument("--start", help="model to begin from, a folder or a shipped one; default: random weights")
    parser.add_argument("--ship", type=Path, help="write the model folder and do nothing else")
    parser.add_argument("--licence", default="", help="of the pictures of one's own, for the card")
    parser.add_argument("--commercial", action="store_true", help="their licence permits commercial use")
    given = parser.parse_args()
    if given.ship:
        own = json.loads((given.folder / STATE).read_text(encoding="utf-8"))["run"].get("own")
        if own and not given.licence:
            parser.error(
                f"--licence: say under what the pictures of {own} may be used, and --commercial if it permits that"
            )
        ship(given.folder, given.ship, given.licence, commercial=given.commercial)
        return
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    seeds = [(SEED, number) for number in range(given.pictures)]
    with ProcessPoolExecutor(given.workers) as pool:
        pictures = list(pool.map(partial(drawing, own=annotated(given.own) if given.own else ()), seeds, chunksize=8))
    torch.manual_seed(SEED)
    network = Learner()
    start = ""
    if given.start:
        card, weights = load_weights(model_folder(given.start), "maskrcnn")
        network.detector.load_state_dict({name: torch.from_numpy(values) for name, values in weights.items()})
        start = card.sha256
    judges = judging(8)

    def report(step: int, steps: int, values: Mapping[str, float]) -> None:
        if "score" in values or step % 20 == 0:
            shown = {**values, **network.parts}
            text = " ".join(f"{key} {value:.3g}" for key, value in shown.items() if key != "step")
            print(f"{step}/{steps} {text}", file=sys.stderr, flush=True)

    fit(
        network,
        drawn_from(pictures),
        network.losses,
        lambda average: scores(average.detector, judges),  # type: ignore[arg-type]
        folder=given.folder,
        steps=given.steps,
        batch=given.batch,
        seed=SEED,
        rate=given.rate,
        every=given.every,
        ema=0.99,
        identity={"pictures": given.pictures, "own": str(given.own or ""), "start": start},
        report=report,
    )


if __name__ == "__main__":
    main()
