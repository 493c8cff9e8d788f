"""Train the network of solder joints and their voids in X-ray pictures: background, joint, void.

Drawn pictures only (``_xray_scenes`` and ``inspect_tool.synthetic``); no real picture was trained on or decided
anything. Other drawn pictures decide which weights are kept.

    python benchmarks/train_solder_voids.py [pool]        "pool" only draws the pictures
"""

import sys
from collections.abc import Mapping

import numpy as np
import torch
from _training_data import WORK, Picture, class_ious, confusion, crop, keep, one_core, picture, probabilities, progress
from _xray_scenes import scene
from torch import nn

from inspect_tool import synthetic
from inspect_tool.segmentation.networks.torch_network import TorchNetwork
from inspect_tool.segmentation.networks.unet import UNet
from inspect_tool.training.fit import fit
from inspect_tool.training.losses import cross_entropy_dice

CLASSES = ("background", "joint", "void")
NETWORK = {"in_channels": 1, "classes": 3, "base": 16, "depth": 5}
SEED, STEPS, BATCH, SIZE = 23, 1300, 8, 160
SHARES = {"balls": 0.22, "pad": 0.26, "die": 0.2, "led": 0.16, "filled": 0.1, "empty": 0.06}
POOL, SIDE = 560, 320
OWN = 120  # fields of inspect_tool.synthetic


def drawn(number: int) -> Picture:
    """Scene of the pool; numbers from 100000 on are for validation."""
    rng = np.random.default_rng((SEED, 2, number))
    kind = str(rng.choice(list(SHARES), p=list(SHARES.values())))
    pixels, labels = scene(rng, kind, (SIDE, SIDE))
    return picture(f"{kind} {number}", pixels, labels)


def field(number: int) -> Picture:
    """Field of the public generators, at one of three levels of degradation."""
    rng = np.random.default_rng((SEED, 3, number))
    kind = number % 3
    if kind == 0:
        made = synthetic.solder_balls(
            seed=number,
            rows=int(rng.integers(2, 5)),
            columns=int(rng.integers(2, 5)),
            pixel_um=rng.uniform(5, 14),
            void_percent=rng.uniform(1, 16),
            voids_per_joint=int(rng.integers(1, 6)),
            void_edge=rng.uniform(0.1, 0.5),
            absorption=rng.uniform(1, 3),
        )
    elif kind == 1:
        made = synthetic.thermal_pad(
            seed=number,
            void_percent=rng.uniform(2, 30),
            voids=int(rng.integers(5, 30)),
            pixel_um=rng.uniform(14, 28),
            leads=bool(rng.integers(2)),
            absorption=rng.uniform(0.5, 1.6),
        )
    else:
        made = synthetic.die_attach(
            seed=number,
            void_percent=rng.uniform(2, 25),
            voids=int(rng.integers(3, 16)),
            pixel_um=rng.uniform(12, 28),
            absorption=rng.uniform(0.4, 1.2),
        )
    pixels = synthetic.degrade(made.pixels, int(rng.integers(1, 4)), seed=number, modality="xray")
    return picture(f"field {number}", pixels, made.labels)


def solder_dark(one: Picture) -> Picture | None:
    """Picture with solder darker than what is around it, as more metal absorbs more; None where that cannot be told."""
    mean = [float(one.image[one.labels == k].mean()) if (one.labels == k).mean() > 0.01 else None for k in range(3)]
    board, solder, void = mean
    other = board if board is not None else void
    if solder is None:
        return one
    if other is None:
        return None
    return one if solder < other else Picture(name=one.name, image=1 - one.image, labels=one.labels)


def pool() -> list[Picture]:
    """Pictures to train on, kept between runs; an inverted one is turned, as the backend does."""
    path = WORK / "solder_voids" / "pool.npz"
    names = [f"scene {i}" for i in range(POOL)] + [f"field {i}" for i in range(OWN)]
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        values: dict[str, np.ndarray] = {}
        for i, name in enumerate(names):
            one = drawn(i) if i < POOL else field(i - POOL)
            values |= {f"image {name}": one.image.astype(np.float16), f"labels {name}": one.labels}
        np.savez_compressed(path, **values)
    with np.load(path) as stored:
        every = [
            Picture(name=name, image=stored[f"image {name}"].astype(np.float32), labels=stored[f"labels {name}"])
            for name in names
        ]
    return [turned for turned in map(solder_dark, every) if turned is not None]


def shaken(rng: np.random.Generator, image: np.ndarray) -> np.ndarray:
    """Little: the scenes have met their detector already."""
    result = image
    if rng.uniform() < 0.5:
        result = np.float32(rng.uniform(0.75, 1.25)) * (result - 0.5) + np.float32(0.5 + rng.uniform(-0.12, 0.12))
    if rng.uniform() < 0.3:
        result = result + rng.uniform(0, 0.04) * rng.standard_normal(image.shape, dtype=np.float32)
    return np.clip(result, -0.5, 1.5).astype(np.float32)


def main() -> None:
    one_core()
    torch.manual_seed(SEED)
    shown = pool()
    if "pool" in sys.argv[1:]:
        return
    decides = [drawn(100_000 + i) for i in range(36)] + [field(100_000 + i) for i in range(12)]
    decides = [turned for turned in map(solder_dark, decides) if turned is not None]

    def draw(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        one = shown[rng.integers(len(shown))]
        turn = bool(rng.uniform() < 0.25)
        image, labels = crop(rng, one, SIZE, zoom=(0.42, 1.4), stretch=1.1, turn=turn)
        return shaken(rng, image)[None], labels

    def validate(network: nn.Module) -> Mapping[str, float]:
        counts = np.zeros((3, 3), np.int64)
        errors = []
        for one in decides:
            found = probabilities(network, one.image).argmax(0)
            counts += confusion(one.labels, found, 3)
            if (one.labels > 0).any() and (found > 0).any():
                shares = [100 * np.count_nonzero(m == 2) / np.count_nonzero(m) for m in (found, one.labels)]
                errors.append(abs(shares[0] - shares[1]))
        ious = class_ious(counts)
        joint = counts[1:, 1:].sum() / (counts.sum() - counts[0, 0])
        return {
            "score": float((joint + ious[2]) / 2),
            "iou_joint_and_void": float(joint),
            "iou_void": float(ious[2]),
            "median_void_error": float(np.median(errors)),
        }

    fitted = fit(
        TorchNetwork(UNet(**NETWORK)),
        draw,
        cross_entropy_dice(3, weights=(1.0, 1.0, 2.0)),
        validate,
        folder=WORK / "solder_voids",
        steps=STEPS,
        batch=BATCH,
        seed=SEED,
        rate=2e-3,
        every=100,
        ema=0.99,
        report=progress,
    )
    card = {
        "title": "Solder joints and voids in X-ray pictures",
        "network": NETWORK,
        "classes": CLASSES,
        "structure": "equivalent diameter of the joints",
        "structure_px": (16.0, 350.0),
        "settings": {"polarity": "solder dark"},
        "recipes": ("solder_voids",),
        "modality": "xray",
        "training": [
            {
                "name": "drawn X-ray scenes",
                "licence": "Apache-2.0",
                "images": POOL,
                "source": "benchmarks/_xray_scenes.py",
            },
            {
                "name": "synthetic joints",
                "licence": "Apache-2.0",
                "images": OWN,
                "source": "inspect_tool.synthetic: solder_balls, thermal_pad, die_attach",
            },
        ],
        "procedure": {
            "script": "train_solder_voids.py",
            "seed": SEED,
            "steps": STEPS,
            "batch": BATCH,
            "crop_px": SIZE,
        },
        "scores": {f"{key}, drawn pictures": round(value, 4) for key, value in fitted.scores.items() if key != "score"},
    }
    keep("solder_voids", fitted, card, f"Weights of step {fitted.best_step}, the best on other drawn pictures.")


if __name__ == "__main__":
    main()
