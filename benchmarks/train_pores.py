"""Train the network of pores in polished metal; scratches, inclusions, etching, stains and the mount are no pores.

Drawn pictures only. Other drawn pictures decide which weights are kept.
"""

from collections.abc import Mapping

import cv2
import numpy as np
import torch
from _training_data import WORK, Picture, class_ious, confusion, crop, keep, one_core, picture, probabilities, progress
from torch import nn

from inspect_tool import synthetic
from inspect_tool.segmentation.networks.torch_network import TorchNetwork
from inspect_tool.segmentation.networks.unet import UNet
from inspect_tool.training.fit import fit
from inspect_tool.training.losses import cross_entropy_dice

CLASSES = ("metal", "pore")
NETWORK = {"in_channels": 1, "classes": 2, "base": 8, "depth": 5}
SEED, STEPS, BATCH, SIZE = 31, 640, 8, 192
POOL, SIDE = 300, 352


def drawn(number: int) -> Picture:
    """Picture of the pool; numbers from 100000 on are for validation."""
    return picture(f"pores {number}", *spoiled(number, SIDE))


def spoiled(number: int, side: int = 640) -> tuple[np.ndarray, np.ndarray]:
    """Pixels and labels (side, side) of a field of pores with what is taken for pores."""
    rng = np.random.default_rng((SEED, number))
    metal = rng.uniform(0.4, 0.92)
    pore = metal * rng.uniform(0.03, 0.5)
    large = rng.uniform() < 0.4
    ecd = float(np.exp(rng.uniform(*np.log((40, 150) if large else (4, 45)))))
    made = synthetic.pores(
        seed=number,
        porosity_percent=float(np.exp(rng.uniform(*np.log((2, 14) if large else (0.1, 14))))),
        mean_ecd_um=ecd,
        spread=rng.uniform(0.2, 0.35 if large else 0.6),
        shrinkage=rng.uniform(0, 1),
        clusters=rng.choice([0.0, 0.5]),
        shape_px=(side, side),
        gray=(metal, pore),
        rim=rng.uniform(0, 0.5),
        scratches=int(rng.choice([0, 20, 120])),
        stains=rng.choice([0.0, rng.uniform(0, 0.15)]),
    )
    image = made.pixels.astype(np.float32) / 255
    free = 1 - cv2.GaussianBlur((made.labels > 0).astype(np.float32), (0, 0), 0.8)
    pore_mask = made.labels > 0
    if rng.uniform() < 0.4:
        image = _etched(rng, image, free, number)
    if rng.uniform() < 0.5:
        _inclusions(rng, image, pore_mask, metal, pore)
    if rng.uniform() < 0.35:
        _specks(rng, image, free, metal)
    labels = made.labels.copy()
    if rng.uniform() < 0.15:
        labels = _mounted(rng, image, labels, pore)
    pixels = np.clip(255 * image, 0, 255).astype(np.uint8)
    return synthetic.degrade(pixels, int(rng.integers(0, 4)), seed=number), labels


def _etched(rng: np.random.Generator, image: np.ndarray, free: np.ndarray, number: int) -> np.ndarray:
    """Grains with dark boundaries, or a eutectic: gray cells with ragged rims."""
    if rng.uniform() < 0.6:
        grains = synthetic.grains(
            seed=number,
            grain_size_number=float(rng.uniform(4, 9)),
            shape_px=image.shape,
            pixel_um=rng.uniform(0.5, 2),
            etch=rng.uniform(0.1, 0.7),
            line_px=rng.uniform(1.2, 3),
            grain_contrast=rng.uniform(0, 0.06),
        ).pixels.astype(np.float32)
        pattern = grains / max(float(np.median(grains)), 1.0)
    else:
        phase = synthetic.two_phase(
            seed=number,
            area_percent=rng.uniform(10, 50),
            feature_um=rng.uniform(2, 8),
            pixel_um=1.0,
            shape_px=image.shape,
            gray=(0.8, 0.8 * rng.uniform(0.6, 0.95)),
        ).pixels.astype(np.float32)
        pattern = phase / 204
    return np.asarray(image * (1 - free) + image * np.clip(pattern, 0.2, 1.3) * free, np.float32)


def _inclusions(rng: np.random.Generator, image: np.ndarray, pores: np.ndarray, metal: float, pore: float) -> None:
    """Gray, angular or drawn out, lighter than pores, evenly gray inside."""
    layer = np.zeros(image.shape, np.uint8)
    turn = rng.uniform(0, np.pi)
    for _ in range(rng.integers(1, 25)):
        at = rng.uniform(0, image.shape[0], 2)
        corners = rng.integers(3, 8)
        angles = np.sort(rng.uniform(0, 2 * np.pi, corners))
        radius = np.exp(rng.uniform(np.log(1.5), np.log(14))) * rng.uniform(0.6, 1.2, corners)
        stretch = rng.choice([1.0, rng.uniform(1, 5)])
        x, y = radius * np.cos(angles) * np.sqrt(stretch), radius * np.sin(angles) / np.sqrt(stretch)
        points = np.stack([at[1] + x * np.cos(turn) - y * np.sin(turn), at[0] + x * np.sin(turn) + y * np.cos(turn)], 1)
        cv2.fillPoly(layer, [points.astype(np.int32)], 1)
    near = cv2.dilate(pores.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    layer[near] = 0
    cover = cv2.GaussianBlur(layer.astype(np.float32), (0, 0), 0.6)
    gray = pore + rng.uniform(0.4, 0.8) * (metal - pore)
    image += cover * (gray - image)


def _specks(rng: np.random.Generator, image: np.ndarray, free: np.ndarray, metal: float) -> None:
    """Etching specks and dust, one to three pixels wide, often in clouds: nobody counts them as pores."""
    rows, columns = image.shape
    count = int(rng.integers(20, 600))
    points = rng.uniform(0, 1, (count, 2)) * image.shape
    if rng.uniform() < 0.5:
        points = rng.uniform(0, 1, 2) * image.shape + rng.normal(0, 0.12, (count, 2)) * image.shape
    layer = np.zeros(image.shape, np.float32)
    inside = points[(points >= 0).all(1) & (points < image.shape).all(1)].astype(int)
    layer[inside[:, 0], inside[:, 1]] = 1
    layer = np.clip(cv2.GaussianBlur(layer, (0, 0), rng.uniform(0.5, 0.9)) * 3, 0, 1)
    image -= rng.uniform(0.2, 0.7) * metal * layer * free
    assert layer.shape == (rows, columns)


def _mounted(rng: np.random.Generator, image: np.ndarray, labels: np.ndarray, pore: float) -> np.ndarray:
    """Mounting resin along one side: as dark as pores, or lighter; nothing in it is a pore."""
    rows, columns = image.shape
    line = rng.uniform(0.08, 0.4) * rows + np.cumsum(rng.normal(0, rng.choice([0.05, 0.5]), columns))
    below = np.arange(rows)[:, None] < line[None, :]
    resin = np.rot90(below, int(rng.integers(4)))
    gray = rng.choice([pore, rng.uniform(0.02, 0.4)])
    texture = gray + 0.03 * rng.standard_normal(image.shape).astype(np.float32)
    cover = cv2.GaussianBlur(resin.astype(np.float32), (0, 0), rng.uniform(0.5, 1.5))
    image += cover * (texture - image)
    return np.where(resin, 0, labels)


def main() -> None:
    one_core()
    torch.manual_seed(SEED)
    shown = [drawn(i) for i in range(POOL)]
    decides = [drawn(100_000 + i) for i in range(40)]

    def draw(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        one = shown[rng.integers(len(shown))]
        image, labels = crop(rng, one, SIZE, zoom=(0.5, 1.7), stretch=1.1)
        if rng.uniform() < 0.5:
            image = np.clip(rng.uniform(0.75, 1.25) * (image - 0.5) + 0.5 + rng.uniform(-0.12, 0.12), -0.5, 1.5)
        return image[None].astype(np.float32), labels

    def validate(network: nn.Module) -> Mapping[str, float]:
        counts = np.zeros((2, 2), np.int64)
        errors = []
        for one in decides:
            own = confusion(one.labels, probabilities(network, one.image).argmax(0), 2)
            counts += own
            errors.append(100 * (own[:, 1].sum() - own[1].sum()) / own.sum())
        return {
            "score": float(class_ious(counts)[1]),
            "median_error": float(np.median(np.abs(errors))),
            "mean_error": float(np.mean(errors)),
        }

    fitted = fit(
        TorchNetwork(UNet(**NETWORK)),
        draw,
        cross_entropy_dice(2, dice=0.4),
        validate,
        folder=WORK / "pores",
        steps=STEPS,
        batch=BATCH,
        seed=SEED,
        rate=3e-3,
        every=80,
        ema=0.985,
        report=progress,
    )
    card = {
        "title": "Pores in polished metal",
        "network": NETWORK,
        "classes": CLASSES,
        "structure": "mean equivalent diameter of the pores",
        "structure_px": (4.0, 150.0),
        "recipes": ("porosity",),
        "modality": "optical",
        "training": [
            {
                "name": "synthetic pores with scratches, inclusions, etching, stains, mount",
                "licence": "Apache-2.0",
                "images": POOL,
                "source": "inspect_tool.synthetic.pores, benchmarks/train_pores.py",
            }
        ],
        "procedure": {"script": "train_pores.py", "seed": SEED, "steps": STEPS, "batch": BATCH, "crop_px": SIZE},
        "scores": {
            "IoU of pores, drawn pictures": round(fitted.score, 4),
            "median |error| of porosity, drawn pictures [points]": round(fitted.scores["median_error"], 4),
        },
    }
    keep("pores", fitted, card, f"Weights of step {fitted.best_step}, the best on other drawn pictures.")


if __name__ == "__main__":
    main()
