"""Train the small Cellpose 3 network of touching particles that ships: from scratch, on synthetic fields alone.

Needs the extra 'cellpose' with Cellpose 3.1. The target of a pixel is what Cellpose asks for: whether it lies in a
particle, and the unit vector of the flow toward the particle's middle; the loss is Cellpose's.
"""

import numpy as np
import torch
from _training_data import WORK, keep, one_core, progress
from cellpose import dynamics, metrics
from cellpose.resnet_torch import CPnet
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, mse_loss

from inspect_tool import synthetic
from inspect_tool.segmentation.networks.weights import gray_range, normalized
from inspect_tool.training.fit import Draw, fit

NETWORK = {"nbase": [2, 12, 24, 48, 96], "nout": 3, "sz": 3, "diam_mean": 30.0}
SEED, STEPS, BATCH, SIZE, EVERY = 11, 1500, 4, 224, 150
FIELDS, LARGE = 400, 288  # fields that are learned from, and their side [px]
ECD_PX = (16.0, 48.0)  # mean diameters of the fields
DECIDE = range(910_000, 910_010)  # seeds of the fields that decide which weights are kept
HELD_OUT = range(920_000, 920_020)  # seeds of the fields of the score on the card


def field(seed: int, size: int) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """Particles of any look: lighter or darker than the matrix, smooth or rough, few or packed, degraded or not."""
    rng = np.random.default_rng((SEED, seed))
    step = rng.uniform(0.12, 0.6)
    low = rng.uniform(0.05, 0.95 - step)
    gray = (low, low + step) if rng.uniform() < 0.5 else (low + step, low)
    made = synthetic.particles(
        seed=seed,
        area_percent=rng.uniform(4, 68),
        mean_ecd_um=float(np.exp(rng.uniform(*np.log(ECD_PX)))),
        spread=rng.uniform(0.08, 0.5),
        contact=rng.uniform(0.2, 0.95),
        roughness=rng.uniform(0, 0.12),
        shape_px=(size, size),
        gray=gray,
        seam=rng.choice([0.0, rng.uniform(0, 0.6)]),
        dome=rng.uniform(-0.3, 0.5),
        variation=rng.uniform(0, 0.15),
    )
    pixels = synthetic.degrade(made.pixels, int(rng.integers(4)), seed=seed)
    return normalized(pixels, *gray_range(pixels)), made.labels


def example(seed: int) -> NDArray[np.float16]:
    """A field and its target: image, in a particle or not, flow along the rows, flow along the columns."""
    image, labels = field(seed, LARGE)
    flows = dynamics.masks_to_flows(labels) if labels.any() else np.zeros((2, *labels.shape))
    return np.stack([image, labels > 0, *flows]).astype(np.float16)


def drawn_from(pool: list[NDArray[np.float16]]) -> Draw:
    """Crops of the fields, mirrored and turned by right angles; the flow turns with the picture."""

    def draw(rng: np.random.Generator) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        top, left = rng.integers(LARGE - SIZE + 1, size=2)
        image, inside, down, across = pool[rng.integers(len(pool))][:, top : top + SIZE, left : left + SIZE]
        if rng.uniform() < 0.5:
            image, inside, down, across = image[::-1], inside[::-1], -down[::-1], across[::-1]
        if rng.uniform() < 0.5:
            image, inside, down, across = image[:, ::-1], inside[:, ::-1], down[:, ::-1], -across[:, ::-1]
        if rng.uniform() < 0.5:
            image, inside, down, across = image.T, inside.T, across.T, down.T
        return np.stack([image, np.zeros_like(image)]).astype(np.float32), np.stack([inside, down, across]).astype(
            np.float32
        )

    return draw


def loss(output: tuple[Tensor, ...], target: Tensor) -> Tensor:
    found = output[0].float()
    return mse_loss(found[:, :2], 5 * target[:, 1:]) / 2 + binary_cross_entropy_with_logits(found[:, 2], target[:, 0])


def average_precision(network: nn.Module, seeds: range) -> float:
    """Mean over fields of TP / (TP + FP + FN) at IoU 0.5, by the metric of Cellpose itself."""
    found = []
    for seed in seeds:
        image, labels = field(seed, 256)
        given = torch.from_numpy(np.stack([image, np.zeros_like(image)]))[None]
        flows = network(given)[0][0].float().numpy()
        masks = dynamics.compute_masks(flows[:2], flows[2], min_size=15)
        found.append(float(metrics.average_precision(labels, masks.astype(np.int32), [0.5])[0][0]))
    return float(np.mean(found))


def validate(network: nn.Module) -> dict[str, float]:
    return {"score": average_precision(network, DECIDE)}


def main() -> None:
    one_core()
    torch.manual_seed(SEED)
    network = CPnet(**NETWORK)
    fitted = fit(
        network,
        drawn_from([example(seed) for seed in range(FIELDS)]),
        loss,
        validate,
        folder=WORK / "particles_cellpose",
        steps=STEPS,
        batch=BATCH,
        seed=SEED,
        rate=2e-3,
        every=EVERY,
        ema=0.99,
        report=progress,
    )
    network.load_state_dict(fitted.weights)
    network.eval()
    with torch.inference_mode():
        score = average_precision(network, HELD_OUT)
    card = {
        "title": "Touching particles, lighter or darker than the matrix",
        "architecture": "cellpose3",
        "network": NETWORK,
        "classes": ("background", "particle"),
        "structure": "diameter of the particles",
        "structure_px": (12.0, 60.0),
        "settings": {"diameter_px": 30.0},
        "training": (
            {"name": "synthetic.particles", "licence": "Apache-2.0", "images": FIELDS, "source": "inspect_tool"},
        ),
        "procedure": {"script": "train_particles_cellpose.py", "seed": SEED, "steps": fitted.steps, "batch": BATCH},
        "scores": {"average_precision_50.synthetic_held_out": round(score, 4)},
    }
    note = f"Average precision at IoU 0.5 on {len(HELD_OUT)} synthetic fields not trained on: {score:.3f}."
    print(keep("particles_cellpose", fitted, card, note))


if __name__ == "__main__":
    main()
