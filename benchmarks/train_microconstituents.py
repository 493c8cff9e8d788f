"""Train the network of microconstituents in ultrahigh-carbon steel: matrix, network, spheroidite, Widmanstatten.

Cross-validation over the published folds, then one network from all pictures, which ships. Every picture is brought
to one scale first, because its pixel size is known. A fold that is measured decides nothing: the weights of the last
step count.

    python benchmarks/train_microconstituents.py [FOLD ... | all]     default: every fold, then "all"
"""

import csv
import json
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

import cv2
import numpy as np
import torch
from _training_data import (
    DATA,
    RECORDS,
    WORK,
    Picture,
    class_ious,
    confusion,
    crop,
    keep,
    one_core,
    picture,
    probabilities,
    progress,
    read_gray,
    shaken,
)
from torch import nn

from inspect_tool.segmentation.networks.torch_network import TorchNetwork
from inspect_tool.segmentation.networks.unet import UNet
from inspect_tool.training.fit import Fitted, fit
from inspect_tool.training.losses import cross_entropy_dice

CLASSES = ("ferritic matrix", "cementite network", "spheroidite", "Widmanstatten cementite")
NETWORK = {"in_channels": 1, "classes": 4, "base": 8, "depth": 5}
PIXEL_UM = 0.26
SEED, BATCH, SIZE = 17, 8, 160
WEIGHTS = (1.3, 1.0, 0.8, 2.0)
CYCLES = (750, 280, 300, 300)  # steps, each a cosine of its own that starts from the averaged weights of the one before
CENTERS = (0.2, 0.1, 0.2, 0.5)  # share of the crops that are laid on a pixel of the class


def pictures() -> dict[str, tuple[int, Picture]]:
    """Fold and picture, by name."""
    folder = DATA / "uhcs-microconstituents"
    with (folder / "index.csv").open(encoding="utf-8") as stream:
        return {
            row["name"]: (
                int(row["published_cv_fold"]),
                picture(
                    row["name"],
                    read_gray(folder / "images" / f"{row['name']}.png"),
                    read_gray(folder / "masks" / f"{row['name']}.png"),
                    zoom=float(row["um_per_px"]) / PIXEL_UM,
                ),
            )
            for row in csv.DictReader(stream)
        }


def train(name: str, shown: Sequence[Picture], kept_aside: Sequence[Picture]) -> Fitted:
    torch.manual_seed(SEED)
    places = {  # pixels of every class in every picture, to lay crops on
        (one.name, k): np.argwhere(one.labels == k)[::7] for one in shown for k in range(len(CLASSES))
    }
    holds = {k: [one for one in shown if len(places[one.name, k])] for k in range(len(CLASSES))}

    def draw(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        k = int(rng.choice(len(CLASSES), p=CENTERS))
        one = holds[k][rng.integers(len(holds[k]))]
        at = places[one.name, k]
        row, column = at[rng.integers(len(at))]
        image, labels = crop(rng, one, SIZE, zoom=(0.65, 1.6), stretch=1.25, at=(row, column))
        return shaken(rng, image, noise=0.1, blur=0.8)[None], labels

    def validate(network: nn.Module) -> Mapping[str, float]:
        counts = np.zeros((4, 4), np.int64)
        for one in kept_aside:
            counts += confusion(one.labels, probabilities(network, one.image).argmax(0), 4)
        ious = {f"iou_{k}": float(iou) for k, iou in enumerate(class_ious(counts))}
        # the score rises with time: what is kept aside must not choose the weights
        return {"score": time.time() / 1e10, "mean_iou": float(np.nanmean(list(ious.values()))), **ious}

    network = TorchNetwork(UNet(**NETWORK))
    history: list[Mapping[str, float]] = []
    seconds = 0.0
    for cycle, steps in enumerate(CYCLES):
        fitted = fit(
            network,
            draw,
            cross_entropy_dice(4, weights=WEIGHTS),
            validate,
            folder=WORK / "microconstituents" / (f"{name}-{cycle}" if cycle else name),
            steps=steps,
            batch=BATCH,
            seed=SEED + cycle,
            rate=4e-3 if cycle == 0 else 3e-3,
            every=(125, 140, 150, 150)[cycle],
            ema=0.985,
            wd=1e-3,
            report=progress,
        )
        network.load_state_dict(fitted.weights)
        seconds += fitted.seconds
        history += [
            {**entry, "step": entry["step"] + sum(CYCLES[:cycle]), "score": entry["mean_iou"]}
            for entry in fitted.history
        ]
    return replace(
        fitted, weights=unweighted(fitted.weights), history=tuple(history), steps=sum(CYCLES), seconds=seconds
    )


def unweighted(weights: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Weights whose probabilities are those of the pixels: what the weights of the loss put in is taken out."""
    return {**weights, "head.bias": weights["head.bias"] - torch.tensor(WEIGHTS).log()}


def measured(weights: Mapping[str, torch.Tensor], kept_aside: Sequence[Picture]) -> dict[str, list[list[list[int]]]]:
    """Confusion of every picture at its own scale, with one view and with the mean over eight."""
    network = TorchNetwork(UNet(**NETWORK))
    network.load_state_dict(dict(weights))
    network.eval().to(memory_format=torch.channels_last)
    counts: dict[str, list[list[list[int]]]] = {}
    for one in kept_aside:
        truth = read_gray(DATA / "uhcs-microconstituents" / "masks" / f"{one.name}.png")
        counts[one.name] = []
        for turns in (1, 8):
            maps = probabilities(network, one.image, turns=turns)
            whole = np.stack([cv2.resize(plane, truth.shape[::-1], interpolation=cv2.INTER_LINEAR) for plane in maps])
            counts[one.name].append(confusion(truth, whole.argmax(0), 4).tolist())
    return counts


def main() -> None:
    one_core()
    every = pictures()
    folds = sorted({fold for fold, _ in every.values()})
    wanted = sys.argv[1:] or [*map(str, folds), "all"]
    results = WORK / "microconstituents"
    for fold in (int(name) for name in wanted if name != "all"):
        shown = [one for own, one in every.values() if own != fold]
        aside = [one for own, one in every.values() if own == fold]
        fitted = train(str(fold), shown, aside)
        counts = measured(fitted.weights, aside)
        (results / f"fold_{fold}.json").write_text(
            json.dumps({"counts": counts, "history": list(map(dict, fitted.history))})
        )
        print(fold, class_ious(sum(np.array(c[1]) for c in counts.values())).round(3), file=sys.stderr)
    if "all" in wanted:
        ship([one for _, one in every.values()], folds)


def ship(shown: Sequence[Picture], folds: Sequence[int]) -> None:
    """Train on everything; the scores on the card are those of the cross-validation."""
    runs = [json.loads((WORK / "microconstituents" / f"fold_{fold}.json").read_text()) for fold in folds]
    one, eight = (
        class_ious(sum(np.array(counts[i]) for run in runs for counts in run["counts"].values())) for i in (0, 1)
    )
    records = RECORDS / "microconstituents_folds.json"
    counts = {name: own for run in runs for name, own in run["counts"].items()}
    records.write_text(json.dumps(counts) + "\n", encoding="utf-8", newline="\n")
    fitted = train("all", shown, shown[::5])
    histories = [run["history"] for run in runs]
    curves = [
        Fitted(
            weights=fitted.weights,
            best_step=sum(CYCLES),
            score=history[-1]["score"],
            scores={},
            history=tuple(history),
            steps=sum(CYCLES),
            seconds=history[-1]["seconds"],
            stopped="steps",
        )
        for history in histories
    ]
    card = {
        "title": "Microconstituents of ultrahigh-carbon steel",
        "network": NETWORK,
        "classes": CLASSES,
        "pixel_um": PIXEL_UM,
        "recipes": ("phase_fraction",),
        "modality": "sem",
        "training": [
            {
                "name": "UHCSDB micrographs, annotated",
                "licence": "micrographs CC BY 3.0 US (M. Hecht, B. DeCost, T. Francis, E. Holm, Y. Picard, B. Webler), "
                "masks MIT",
                "images": len(shown),
                "source": "B. DeCost et al., IMMI 6 (2017) 197, doi 10.1007/s40192-017-0097-0; B. DeCost et al., "
                "Microsc. Microanal. 25 (2019) 21, doi 10.1017/S1431927618015635; changed: scale, gray, crops",
            }
        ],
        "settings": {"eight_views": True},
        "procedure": {
            "script": "train_microconstituents.py",
            "seed": SEED,
            "steps": sum(CYCLES),
            "batch": BATCH,
            "crop_px": SIZE,
            "folds": len(folds),
        },
        "scores": {
            "mean IoU in cross-validation, 8 views": round(float(eight.mean()), 4),
            "mean IoU in cross-validation, 1 view": round(float(one.mean()), 4),
            **{
                f"IoU of {name} in cross-validation, 8 views": round(float(eight[k]), 4)
                for k, name in enumerate(CLASSES)
            },
        },
    }
    keep(
        "microconstituents",
        [*curves, fitted],
        card,
        f"Curves 0 to {len(folds) - 1}: mean IoU of the fold that was kept aside. The network that ships has seen "
        "every picture; nothing is left to score it with.",
    )


if __name__ == "__main__":
    main()
