"""Train the shipped network ``grain_boundary``: where one grain ends and the next begins, whatever the etch.

    python benchmarks/train_grain_boundary.py pool FOLDER            draw the synthetic training fields once
    python benchmarks/train_grain_boundary.py train FOLDER           fit; picks up where it was stopped
    python benchmarks/train_grain_boundary.py write FOLDER           model folder, log and curve

Real images: $INSPECT_TOOL_SHARED or ../shared beside the checkout. Crops of TBM whose parent image has a number
n with n % 3 == 1 are never trained on (scores), nor those with n % 9 == 2 (validation); the steel of NIST and the
brass are never trained on.
"""

import argparse
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from _training_data import keep
from numpy.typing import NDArray
from skimage.morphology import skeletonize

from inspect_tool import synthetic
from inspect_tool.segmentation.networks.torch_network import TorchNetwork
from inspect_tool.segmentation.networks.unet import UNet
from inspect_tool.segmentation.networks.weights import CLIP, gray_range, normalized
from inspect_tool.synthetic import Degradation
from inspect_tool.synthetic.irregular import Etch, Structure, irregular_grains
from inspect_tool.training import augment
from inspect_tool.training.fit import Fitted, fit
from inspect_tool.training.losses import cross_entropy_dice

ROOT = Path(__file__).resolve().parent.parent
SHARED = Path(os.environ.get("INSPECT_TOOL_SHARED", ROOT.parent / "shared"))
TBM = SHARED / "data" / "tbm-grains-mlographypp"
SIDE = 512  # of a synthetic field [px]
FIELDS, VALIDATION = 700, 40
LITTERED = 520  # fields from this number on: more of what lies in and on grains and is no boundary
VALIDATION_SEED = 900_000
CROP = 160  # [px]
SEED = 20261123
STRUCTURE_PX = (12.0, 90.0)  # of the training fields, magnified by 0.7 to 1.4
NETWORK = {"in_channels": 3, "classes": 2, "base": 16, "depth": 4}

SCORES = {
    "median size of the error of G, 72 drawn fields": 0.045,
    "95th percentile of the error of G, 72 drawn fields": 0.144,
    "error of G, steel of NIST": 0.143,
    "error of the mean intercept over 23 traced crops [%]": 5.2,
}
"""What score_grains.py found with these weights (docs/validation-networks.md)."""

Pixels = NDArray[np.uint8]
Labels = NDArray[np.int32]


# ---------------------------------------------------------------------------------------------- synthetic fields


def drawn_field(seed: int, *, littered: bool = False) -> tuple[Pixels, Labels, str]:
    """Draw a field of any kind: pixels (rows, columns) or (rows, columns, 3), labels, what it is."""
    rng = np.random.default_rng(seed)
    intercept_px = float(np.exp(rng.uniform(np.log(12), np.log(80))))
    if rng.uniform() < 0.4 and not littered:
        return _formula_field(rng, intercept_px)
    kind = str(
        rng.choice(
            ["dark", "bright", "tinted", "relief", "channelling", "color"], p=[0.36, 0.12, 0.16, 0.06, 0.12, 0.18]
        )
    )
    structure = _structure(rng, intercept_px, ragged=kind == "color")
    etch = _etch(rng, kind, intercept_px)
    if littered:
        etch = replace(
            etch,
            specks_per_mpx=rng.uniform(0, 600),
            large_specks=rng.uniform(0, 0.4),
            clusters_per_mpx=rng.uniform(0, 200),
            cluster_px=rng.uniform(3, 8),
            strays_per_mpx=rng.uniform(0, 200),
        )
    pixels, labels = irregular_grains(
        seed=int(rng.integers(1 << 31)), structure=structure, etch=etch, shape_px=(SIDE, SIDE)
    )
    return pixels, labels, kind


def _formula_field(rng: np.random.Generator, intercept_px: float) -> tuple[Pixels, Labels, str]:
    look = str(rng.choice(["etched", "bright", "tinted"], p=[0.5, 0.2, 0.3]))
    kind = str(rng.choice(["poisson_voronoi", "laguerre", "elongated", "hexagons"], p=[0.5, 0.35, 0.1, 0.05]))
    field = synthetic.grains(
        seed=int(rng.integers(1 << 31)),
        grains_per_mm2=(np.pi / 4 / intercept_px) ** 2 * 1e6,  # one pixel is one micrometer
        kind=kind,
        shape_px=(SIDE, SIDE),
        pixel_um=1.0,
        spread=rng.uniform(0.3, 0.9),
        curvature=rng.choice([0.0, rng.uniform(0.05, 0.3)]) if kind != "hexagons" else 0.0,
        look=look,
        line_px=min(float(np.exp(rng.uniform(np.log(1.2), np.log(4.5)))), 0.2 * intercept_px),
        etch=rng.uniform(0.3, 0.95),
        faint=rng.choice([0.0, rng.uniform(0.03, 0.25)]),
        grain_contrast=rng.uniform(0.01, 0.06),
        twins=rng.choice([0.0, rng.uniform(0.2, 0.8)]),
        precipitates_per_mm2=rng.choice([0.0, rng.uniform(50, 600)]),
    )
    return field.pixels, field.labels, look


def _structure(rng: np.random.Generator, intercept_px: float, *, ragged: bool) -> Structure:
    def some(share: float, low: float, high: float) -> float:
        value = rng.uniform(low, high)
        return float(value) if rng.uniform() < share else 0.0

    return Structure(
        mean_intercept_px=intercept_px,
        regular=some(0.3, 0.3, 0.85),
        spread=some(0.6, 0.25, 0.9),
        stretch=1 + some(0.3, 0.2, 2.0),
        angle=float(rng.uniform(0, np.pi)),
        bend=some(0.75, 0.05, 0.45 if ragged else 0.35),
        ragged=some(0.9, 0.1, 0.5) if ragged else some(0.25, 0.05, 0.3),
        merged=some(0.4, 0.05, 0.5),
    )


def _etch(rng: np.random.Generator, kind: str, intercept_px: float) -> Etch:
    def some(share: float, low: float, high: float) -> float:
        value = rng.uniform(low, high)
        return float(value) if rng.uniform() < share else 0.0

    line_px = min(float(np.exp(rng.uniform(np.log(1.0), np.log(4.5)))), 0.2 * intercept_px)
    common: dict[str, Any] = {
        "line_px": line_px,
        "gradient": some(0.3, 0.01, 0.08),
        "striation": some(0.15, 0.01, 0.05),
        "specks_per_mpx": some(0.5, 20, 700),
        "clusters_per_mpx": some(0.2, 10, 120),
        "twins": some(0.3, 0.2, 0.8),
        "twin_line": float(rng.uniform(0.2, 1.0)),
    }
    if kind == "dark":
        return Etch(
            line="dark",
            ground=rng.uniform(0.5, 0.92),
            depth=rng.uniform(0.25, 0.98),
            faint=some(0.6, 0.03, 0.25),
            broken=some(0.4, 0.02, 0.2),
            facets=rng.uniform(0.0, 0.08),
            texture=rng.uniform(0.003, 0.03),
            **common,
        )
    if kind == "bright":
        return Etch(
            line="bright",
            ground=rng.uniform(0.2, 0.55),
            depth=rng.uniform(0.3, 0.95),
            faint=some(0.6, 0.03, 0.25),
            broken=some(0.4, 0.02, 0.2),
            facets=rng.uniform(0.0, 0.08),
            texture=rng.uniform(0.003, 0.03),
            **common,
        )
    if kind == "relief":
        return Etch(
            line="relief",
            ground=rng.uniform(0.4, 0.65),
            depth=rng.uniform(0.2, 0.9),
            faint=some(0.3, 0.03, 0.15),
            broken=some(0.2, 0.02, 0.1),
            facets=rng.uniform(0.01, 0.08),
            texture=rng.uniform(0.003, 0.03),
            **common,
        )
    if kind == "channelling":  # electrons: shade by orientation, bent lattices, hardly any line
        common |= {"gradient": some(0.6, 0.02, 0.1), "line_px": rng.uniform(1, 2)}
        return Etch(
            line=str(rng.choice(["none", "none", "bright", "dark"])),
            ground=rng.uniform(0.35, 0.6),
            depth=rng.uniform(0.05, 0.25),
            facets=rng.uniform(0.06, 0.2),
            texture=rng.uniform(0.005, 0.03),
            **common,
        )
    color = kind == "color"
    if color:
        common |= {"striation": some(0.6, 0.01, 0.07), "gradient": some(0.6, 0.02, 0.1)}
    return Etch(
        line=str(rng.choice(["none", "dark"], p=[0.6, 0.4])),
        ground=rng.uniform(0.35, 0.65),
        depth=rng.uniform(0.05, 0.4),
        facets=rng.uniform(0.07, 0.2),
        texture=rng.uniform(0.01, 0.06 if color else 0.03),
        color=rng.uniform(0.3, 1) if color else 0.0,
        **common,
    )


def specimen(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """What polishing and light do to a field as a whole; blur, noise and JPEG come with each crop."""
    settings = Degradation(
        shading=rng.choice([0.0, rng.uniform(0.0, 0.35)]),
        contrast=rng.uniform(0.6, 1.0),
        scratches=int(rng.choice([0, rng.integers(0, 18)])),
        pits=int(rng.choice([0, rng.integers(0, 60)])),
        stains=rng.choice([0.0, rng.uniform(0, 10)]),
    )
    seed = int(rng.integers(1 << 31))
    channels = pixels.reshape(*pixels.shape[:2], -1)
    # one seed: scratches lie in the same place in every channel
    done = [synthetic.degrade(channels[..., k], settings, seed=seed) for k in range(channels.shape[2])]
    return np.dstack(done) if len(done) > 1 else done[0]


def draw_pool(folder: Path) -> None:
    """Draw every field once; those that are there already are kept."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, count, first in (("train", FIELDS, 0), ("validation", VALIDATION, VALIDATION_SEED)):
        for number in range(count):
            path = folder / f"{name}_{number:04d}.npz"
            if path.exists():
                continue
            littered = name == "train" and number >= LITTERED
            pixels, labels, kind = drawn_field(first + number, littered=littered)
            pixels = specimen(pixels, np.random.default_rng(first + number + 1))
            part = path.with_suffix(".part.npz")
            np.savez(part, pixels=pixels, labels=labels.astype(np.uint16), kind=kind)
            part.rename(path)


# ------------------------------------------------------------------------------------------------------ training


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Example:
    """A field, its gray values between 0 and 1; labels 1, 2, ... or, of traced boundaries, 0 and -1."""

    image: NDArray[np.float32]  # (rows, columns, 1 or 3)
    labels: Labels
    traced: bool


def read_pool(folder: Path, name: str) -> list[Example]:
    found = []
    for path in sorted(folder.glob(f"{name}_[0-9]*.npz")):
        if ".part" in path.name:
            continue
        with np.load(path) as data:
            pixels, labels = data["pixels"], data["labels"].astype(np.int32)
        pixels = pixels.reshape(*pixels.shape[:2], -1)
        found.append(Example(image=normalized(pixels, *gray_range(pixels)), labels=labels, traced=False))
    return found


def read_tbm(part: str) -> list[Example]:
    """Crops for "train", "validation" or "score"; crops of one parent image stay together."""
    found = []
    for path in sorted((TBM / "images").glob("*.png")):
        parent = int(path.stem.split("__")[1].split("-")[0])
        if part != ("score" if parent % 3 == 1 else "validation" if parent % 9 == 2 else "train"):
            continue
        pixels = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
        mask = cv2.imread(str(TBM / "masks" / path.name), cv2.IMREAD_GRAYSCALE) > 127
        thin = skeletonize(mask)
        line = cv2.dilate(thin.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
        labels = np.where(line, 1, np.where(mask, -1, 0)).astype(np.int32)
        found.append(Example(image=normalized(pixels, *gray_range(pixels)), labels=labels, traced=True))
    return found


def boundary(labels: Labels) -> Labels:
    """Target of a label image: 1 within a pixel of another grain, -1 where nothing is known, else 0."""
    known = labels >= 0
    kernel = np.ones((3, 3), np.uint8)
    values = np.where(known, labels, 0).astype(np.float32)
    highest = cv2.dilate(values, kernel)
    lowest = cv2.erode(np.where(known, values, np.float32(1e9)), kernel)
    return np.where(known, (highest != lowest).astype(np.int32), -1).astype(np.int32)


LOOK = (
    (0.12, augment.invert),
    (0.8, partial(augment.change_tone, gamma=(0.65, 1.5), contrast=(0.6, 1.3))),
    (0.25, augment.shade),
    (0.08, augment.scratch),
    (0.5, partial(augment.blur, sigma_px=(0.4, 1.5))),
    (0.75, partial(augment.add_noise, sigma=(0.004, 0.09), grain_px=(0.0, 0.8))),
    (0.25, augment.compress),
)


def draw_sample(
    rng: np.random.Generator, pool: list[Example], tbm: list[Example], share: float
) -> tuple[NDArray[np.float32], Labels]:
    """Draw one augmented crop: image (3, side, side), target (side, side)."""
    examples = tbm if rng.uniform() < share else pool
    example = examples[int(rng.integers(len(examples)))]
    image = example.image
    if image.shape[2] == 3:
        image = _recolored(image, rng)
    image, labels = augment.cut(image, example.labels, rng, size=CROP, scale=(0.7, 1.4))
    image, labels = augment.turn(image, labels, rng)
    image = augment.altered(image, rng, LOOK)
    target = labels if example.traced else boundary(labels)
    image = np.clip(image, *CLIP)
    return np.ascontiguousarray(np.broadcast_to(image.transpose(2, 0, 1), (3, CROP, CROP)), np.float32), target


def _recolored(image: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    if rng.uniform() < 0.25:
        return np.asarray(image @ np.array([[0.299], [0.587], [0.114]], np.float32), np.float32)
    mixing = np.eye(3)[rng.permutation(3)] + 0.2 * rng.standard_normal((3, 3))
    mixing /= mixing.sum(axis=0)
    return np.asarray(image @ mixing.astype(np.float32), np.float32)


def probability(network: torch.nn.Module, image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Boundary probability of an image (rows, columns, 1 or 3) whose sides are multiples of 16."""
    channels = np.ascontiguousarray(np.broadcast_to(image.transpose(2, 0, 1), (3, *image.shape[:2])))
    with torch.inference_mode():
        scores = network(torch.from_numpy(channels)[None]).float()
    return np.asarray(scores.softmax(dim=1)[0, 1])


def agreement(found: NDArray[np.bool_], truth: NDArray[np.bool_], reach_px: int = 2) -> float:
    """F1 of boundary pixels, a pixel counting when the other map has one within reach."""
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach_px + 1, 2 * reach_px + 1))
    near_truth, near_found = (cv2.dilate(part.astype(np.uint8), kernel) > 0 for part in (truth, found))
    precision = (found & near_truth).sum() / max(found.sum(), 1)
    recall = (truth & near_found).sum() / max(truth.sum(), 1)
    return float(2 * precision * recall / max(precision + recall, 1e-9))


def validation_images(folder: Path) -> dict[str, list[tuple[NDArray[np.float32], NDArray[np.bool_]]]]:
    images: dict[str, list[tuple[NDArray[np.float32], NDArray[np.bool_]]]] = {"synthetic": [], "tbm": []}
    for number, example in enumerate(read_pool(folder, "validation")):
        rng = np.random.default_rng(VALIDATION_SEED + 2 * number)
        image = augment.altered(example.image[:256, :256], rng, LOOK[4:])
        images["synthetic"].append((image, boundary(example.labels[:256, :256]) == 1))
    for example in read_tbm("validation"):
        images["tbm"].append((example.image, example.labels == 1))
    return images


def validate(
    network: torch.nn.Module, images: Mapping[str, list[tuple[NDArray[np.float32], NDArray[np.bool_]]]]
) -> dict[str, float]:
    scores = {
        f"f1_{name}": float(np.mean([agreement(probability(network, image) > 0.5, truth) for image, truth in pairs]))
        for name, pairs in images.items()
    }
    return {"score": 0.8 * scores["f1_synthetic"] + 0.2 * scores["f1_tbm"], **scores}


def train(folder: Path) -> tuple[Fitted, Fitted]:
    """Fit in two stages, or pick up where a run was stopped: plain fields first, then the littered ones as well."""
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    pool, tbm = read_pool(folder, "train"), read_tbm("train")
    images = validation_images(folder)

    def said(step: int, of: int, values: Mapping[str, float]) -> None:
        if "score" in values:
            print(step, of, {key: round(value, 4) for key, value in values.items()}, flush=True)

    def stage(network: TorchNetwork, name: str, fields: int, steps: int, rate: float, every: int) -> Fitted:
        return fit(
            network,
            partial(draw_sample, pool=pool[:fields], tbm=tbm, share=0.2),
            cross_entropy_dice(2, weights=(1.0, 2.0), dice=0.5),
            lambda network: validate(network, images),
            folder=folder / name,
            steps=steps,
            batch=8,
            seed=SEED,
            rate=rate,
            every=every,
            device="cpu",
            identity={"fields": fields, "tbm": len(tbm), "crop": CROP},
            report=said,
        )

    torch.manual_seed(SEED)
    network = TorchNetwork(UNet(**NETWORK))
    first = stage(network, "run", LITTERED, 3600, 2e-3, 300)
    network.load_state_dict(first.weights)
    return first, stage(network, "run2", FIELDS, 4000, 1.5e-3, 400)


def write(folder: Path) -> None:
    """Write the model folder that ships, and the record of the training."""
    first, second = train(folder)
    card = {
        "title": "Grain boundaries: etched dark or bright, tinted grains, electron channelling",
        "network": NETWORK,
        "classes": ("grain", "boundary"),
        "channels": "rgb",
        "structure": "mean lineal intercept of the grains",
        "structure_px": STRUCTURE_PX,
        "recipes": ("grain_size",),
        "modality": "unknown",
        "training": [
            {
                "name": "synthetic grains",
                "licence": "Apache-2.0",
                "images": FIELDS,
                "source": "inspect_tool.synthetic.irregular and .grains",
            },
            {
                "name": "TBM, crops of MLOgraphy++, two thirds of the parent images",
                "licence": "MIT",
                "images": len(read_tbm("train")),
                "source": "github.com/Scientific-Computing-Lab/MLOgraphyPlusPlus",
            },
        ],
        "procedure": {
            "script": "train_grain_boundary.py",
            "seed": SEED,
            "steps": first.steps + second.steps,
            "batch": 8,
            "crop_px": CROP,
        },
        "scores": {
            "boundary F1 within 2 px, 40 drawn fields": round(second.scores["f1_synthetic"], 4),
            "boundary F1 within 2 px, 11 traced crops": round(second.scores["f1_tbm"], 4),
            **SCORES,
        },
    }
    note = (
        f"Two stages: {first.steps} steps on {LITTERED} drawn fields and {len(read_tbm('train'))} traced crops, then\n"
        f"{second.steps} steps on {FIELDS} fields, of which {FIELDS - LITTERED} are littered with pits, particles and\n"
        f"stray lines. Weights of step {second.best_step} of the second stage, the best on {VALIDATION} drawn fields\n"
        "of other seeds and 11 traced crops of three parent images. The steel of NIST and a third of the traced\n"
        "parent images were kept out."
    )
    keep("grain_boundary", [first, second], card, note)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["pool", "train", "write"])
    parser.add_argument("folder", type=Path)
    arguments = parser.parse_args()
    if arguments.what == "pool":
        draw_pool(arguments.folder)
    elif arguments.what == "train":
        train(arguments.folder)
    else:
        write(arguments.folder)


if __name__ == "__main__":
    main()
