"""Train the small Cellpose 3 network of touching particles that ships.

    OMP_NUM_THREADS=1 nice python benchmarks/train_particles_cellpose.py [--powder] [--start FOLDER] [--steps N]

On drawn fields of flat particles alone; ``--powder`` adds bodies in an electron microscope and parts of two real
pictures of powder (``_particle_scenes``). ``--start`` goes on from the weights of a model folder. What ships are 600
steps of 1500 without an option, then, from these, ``--powder --steps 2000``.

Needs the extra 'cellpose' with Cellpose 3.1. The target of a pixel is what Cellpose asks for: whether it lies in a
particle, and the unit vector of the flow toward the particle's middle; the loss is Cellpose's.
"""

import argparse
from collections.abc import Iterable
from itertools import count
from pathlib import Path

import numpy as np
import torch
from _particle_scenes import LEARNED, degradation, drawn_scene, powders, real_scene
from _training_data import WORK, keep, one_core, progress
from cellpose import dynamics, metrics
from cellpose.resnet_torch import CPnet
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, mse_loss

from inspect_tool import synthetic
from inspect_tool.files import sha256_file
from inspect_tool.segmentation.networks.weights import gray_range, normalized
from inspect_tool.training.fit import Draw, fit

NETWORK = {"nbase": [2, 12, 24, 48, 96], "nout": 3, "sz": 3, "diam_mean": 30.0}
SEED, STEPS, BATCH, SIZE, EVERY = 11, 1500, 4, 224, 150
BODIES, REAL = 400, 0.3  # pictures of bodies that are learned from as well, and the share of real ones
FIELDS, LARGE = 400, 288  # fields that are learned from, and their side [px]
ECD_PX = (16.0, 48.0)  # mean diameters of the fields
DECIDE = range(910_000, 910_010)  # seeds of the fields that decide which weights are kept
HELD_OUT = range(920_000, 920_020)  # seeds of the fields of the score on the card

Powders = list[tuple[NDArray[np.uint8], NDArray[np.int32], float]]


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
    return learned(*field(seed, LARGE))


def bodies(seed: int, size: int, pictures: Powders) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """Drawn bodies in an electron microscope, or a part of a real picture of powder."""
    for attempt in count():
        rng = np.random.default_rng((SEED, seed, 1, attempt))
        real = pictures and rng.uniform() < REAL
        scene = real_scene(rng, size, pictures) if real else drawn_scene(rng, size)
        pixels = np.asarray(synthetic.degrade(scene.pixels, degradation(rng), seed=seed), np.uint8)
        low, high = np.quantile(pixels, [0.01, 0.99])
        if high > low:  # a picture of which nearly nothing is seen cannot be normalized
            break
    return normalized(pixels, *gray_range(pixels)), scene.labels


def learned(image: NDArray[np.float32], labels: NDArray[np.int32]) -> NDArray[np.float16]:
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


def average_precision(network: nn.Module, pictures: Iterable[tuple[NDArray[np.float32], NDArray[np.int32]]]) -> float:
    """Mean over pictures of TP / (TP + FP + FN) at IoU 0.5, by the metric of Cellpose itself."""
    found = []
    for image, labels in pictures:
        given = torch.from_numpy(np.stack([image, np.zeros_like(image)]))[None]
        flows = network(given)[0][0].float().numpy()
        masks = dynamics.compute_masks(flows[:2], flows[2], min_size=15)
        found.append(float(metrics.average_precision(labels, masks.astype(np.int32), [0.5])[0][0]))
    return float(np.mean(found))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--powder", action="store_true", help="learn also from drawn bodies and real powder")
    parser.add_argument("--start", type=Path, help="model folder whose weights this run starts from")
    arguments = parser.parse_args()
    one_core()
    torch.manual_seed(SEED)
    network = CPnet(**NETWORK)
    given = None
    if arguments.start is not None:
        weights = arguments.start / "weights.safetensors"
        network.load_state_dict(load_file(weights))
        given = sha256_file(weights)
    real = powders() if arguments.powder else []
    pool = [example(seed) for seed in range(FIELDS)]
    pool += [learned(*bodies(seed, LARGE, real)) for seed in range(BODIES if arguments.powder else 0)]

    def scores(network: nn.Module, seeds: range) -> dict[str, float]:
        flat = average_precision(network, (field(seed, 256) for seed in seeds))
        if not arguments.powder:
            return {"score": flat}
        drawn = average_precision(network, (bodies(seed, 256, []) for seed in seeds))
        return {"score": (flat + drawn) / 2, "flat": flat, "bodies": drawn}

    fitted = fit(
        network,
        drawn_from(pool),
        loss,
        lambda found: scores(found, DECIDE),
        folder=WORK / "particles_cellpose",
        steps=arguments.steps,
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
        held_out = scores(network, HELD_OUT)
    learned_from = [
        {"name": "synthetic.particles", "licence": "Apache-2.0", "images": FIELDS, "source": "inspect_tool"}
    ]
    if arguments.powder:
        learned_from += [
            {"name": "synthetic.bodies", "licence": "Apache-2.0", "images": BODIES, "source": "inspect_tool"},
            {
                "name": f"ampis-powder: {', '.join(LEARNED)}",
                "licence": "MIT",
                "images": len(LEARNED),
                "source": "R. Cohn et al., JOM 2021, github.com/rccohn/AMPIS",
            },
        ]
    start = {} if given is None else {"start": f"weights with sha256 {given}"}
    card = {
        "version": "2",
        "title": "Touching particles, lighter or darker than the matrix",
        "architecture": "cellpose3",
        "network": NETWORK,
        "classes": ("background", "particle"),
        "structure": "diameter of the particles",
        "structure_px": (12.0, 60.0),
        "settings": {"diameter_px": 30.0},
        "training": tuple(learned_from),
        "procedure": {
            "script": "train_particles_cellpose.py",
            "seed": SEED,
            "steps": fitted.best_step,
            "of_steps": arguments.steps,
            "batch": BATCH,
            **start,
        },
        "scores": {
            f"average_precision_50.{name}.drawn_held_out": round(value, 4)
            for name, value in held_out.items()
            if name != "score" or len(held_out) == 1
        },
    }
    told = ", ".join(f"{name} {value:.3f}" for name, value in held_out.items())
    note = f"Average precision at IoU 0.5 on {len(HELD_OUT)} drawn pictures of a kind not trained on: {told}."
    print(keep("particles_cellpose", fitted, card, note))


if __name__ == "__main__":
    main()
