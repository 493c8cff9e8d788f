"""Train the network of gamma-prime precipitates in nickel superalloys: matrix, secondary, tertiary.

Pictures: the training images of the NASA benchmark (MIT), never its other sets; two of ten decide which
weights are kept. Besides, two-phase fields of our own, so that other grays and shapes have been seen.
"""

import sys

import cv2
import numpy as np
import torch
from _training_data import DATA, WORK, Picture, crop, keep, one_core, picture, progress, read_gray, shaken, validation

from inspect_tool import synthetic
from inspect_tool.segmentation.networks.torch_network import TorchNetwork
from inspect_tool.segmentation.networks.unet import UNet
from inspect_tool.training.fit import fit
from inspect_tool.training.losses import cross_entropy_dice

CLASSES = ("matrix", "secondary precipitate", "tertiary precipitate")
NETWORK = {"in_channels": 1, "classes": 3, "base": 16, "depth": 4}
SEED, STEPS, BATCH, SIZE = 5, 440, 8, 224
DECIDES = ("train__spot4_180d_2", "train__spot7_0d_5")  # a picture with many tertiary precipitates, and one with few


def real(prefix: str) -> list[Picture]:
    folder = DATA / "nasa-ni-superalloy"
    paths = sorted((folder / "images").glob(f"{prefix}*.png"))
    return [picture(path.stem, read_gray(path), read_gray(folder / "masks" / path.name)) for path in paths]


def drawn(number: int) -> Picture:
    """Two-phase field: a dark phase of large features, and specks of the same gray in the matrix."""
    rng = np.random.default_rng((SEED, 1, number))
    gray = (rng.uniform(0.45, 0.85), 0.0)
    gray = (gray[0], gray[0] - rng.uniform(0.08, 0.35))
    large = synthetic.two_phase(
        seed=number,
        area_percent=rng.uniform(20, 60),
        feature_um=rng.uniform(22, 60),
        pixel_um=1.0,
        shape_px=(400, 400),
        gray=gray,
        texture=tuple(rng.uniform(0.005, 0.04, 2)),
        edge=rng.choice([0.0, -0.15, -0.3]),
    )
    small = synthetic.two_phase(
        seed=number + 10_000,
        area_percent=rng.uniform(1, 5),
        feature_um=rng.uniform(3.5, 7),
        kind="particles",
        pixel_um=1.0,
        shape_px=(400, 400),
        gray=gray,
        texture=(0.0, 0.0),
    )
    room = np.asarray(large.labels == 0)
    # specks lie in the matrix only, a few pixels from the large features
    speck = (small.labels == 1) & (cv2.distanceTransform(room.astype(np.uint8), cv2.DIST_L2, 3) > 4)
    pixels = large.pixels.astype(np.float32)
    soft = cv2.GaussianBlur(speck.astype(np.float32), (0, 0), 0.8)
    pixels += soft * 255 * (gray[1] - gray[0]) * rng.uniform(0.6, 1.0)
    level = synthetic.degrade(np.clip(pixels, 0, 255).astype(np.uint8), int(rng.integers(1, 4)), seed=number)
    return picture(f"two_phase {number}", level, np.where(speck, 2, large.labels))


def main() -> None:
    one_core()
    torch.manual_seed(SEED)
    everything = real("train__")
    shown = [one for one in everything if one.name not in DECIDES]
    decides = [one for one in everything if one.name in DECIDES]
    own = [drawn(number) for number in range(24)]

    def draw(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        pool = shown if rng.uniform() < 0.75 else own
        image, labels = crop(rng, pool[rng.integers(len(pool))], SIZE, zoom=(0.7, 1.5), stretch=1.15)
        return shaken(rng, image)[None], labels

    network = TorchNetwork(UNet(**NETWORK))
    fitted = fit(
        network,
        draw,
        cross_entropy_dice(3),
        validation(decides, 3),
        folder=WORK / "superalloy",
        steps=STEPS,
        batch=BATCH,
        seed=SEED,
        rate=2e-3,
        every=40,
        ema=0.98,
        report=progress,
    )
    card = {
        "title": "Gamma-prime precipitates in nickel superalloys",
        "network": NETWORK,
        "classes": CLASSES,
        "structure": "mean intercept length of the secondary precipitates",
        "structure_px": (25.0, 75.0),
        "recipes": ("phase_fraction",),
        "modality": "sem",
        "training": [
            {
                "name": "pretrained microscopy models, Super1 train (NASA)",
                "licence": "MIT",
                "images": len(everything),
                "source": "J. Stuckner, B. Harder, T. Smith, npj Comput. Mater. 8 (2022) 200, "
                "doi 10.1038/s41524-022-00878-5",
            },
            {
                "name": "synthetic two-phase fields",
                "licence": "Apache-2.0",
                "images": len(own),
                "source": "inspect_tool.synthetic.two_phase",
            },
        ],
        "procedure": {"script": "train_superalloy.py", "seed": SEED, "steps": STEPS, "batch": BATCH, "crop_px": SIZE},
        "scores": {"mean IoU of two training pictures kept aside": round(fitted.score, 4)},
    }
    keep("superalloy", fitted, card, f"Weights of step {fitted.best_step}, the best on {' and '.join(DECIDES)}.")
    print(fitted.scores, file=sys.stderr)


if __name__ == "__main__":
    main()
