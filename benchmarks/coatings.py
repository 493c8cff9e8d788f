"""Thickness of oxide layers on real coatings, by pixel classifiers that never saw the image.

    python benchmarks/coatings.py [image ...]

Environmental barrier coatings of NASA (MIT licence; they lie outside this project): 11 pictures with a layer that a
person drew, cracks in it apart. For each picture a small perceptron is taught on the ten others, at a quarter of the
size, what lies above the layer, the layer, and what lies below it: by gray, edges and roughness at several widths, and
by what lies up to 256 px of the picture above and below a pixel. The pictures it is taught with are shown in several
sizes, so that no thickness is learned by heart. Nothing is chosen by the picture that is judged. The likeliest class is
measured by the recipe, and so is what the person drew, the cracks as a part of the layer. Pictures of the same specimen
are among the ten: *another specimen* leaves them out as well.
"""

import sys
from typing import Any

import cv2
import numpy as np
import torch
from _training_data import DATA, Gray, Picture, one_core, picture, read_gray
from numpy.typing import NDArray
from torch import nn

from inspect_tool.errors import InspectError
from inspect_tool.model import Calibration, Micrograph, Segmentation
from inspect_tool.registry import load
from inspect_tool.standards.editions import editions_for

SCALE = 0.25
SIGMAS_PX = (1, 2, 4, 8, 16)  # of the picture as it is looked at
APART_PX = (4, 8, 16, 28, 44, 64)  # of the places above and below a pixel that are looked at too
ZOOMS = (0.5, 0.65, 0.8, 1.0, 1.0, 1.3, 1.7, 2.2)
EACH, STEPS, BATCH, SEED = 3000, 700, 2048, 1
LIMIT = 5.0  # of the error of the mean thickness [%]


def specimen_of(name: str) -> str:
    """Specimen in the name of a file: EBC1_val__050317-3_S0440026 is of 050317-3."""
    return name.split("__")[1].split("_")[0]


def sides_of(layer: NDArray[np.bool_]) -> NDArray[np.int32]:
    """0 above the layer, 1 in it, 2 below."""
    columns = np.flatnonzero(layer.any(axis=0))
    ends = [np.flatnonzero(layer[:, column])[[0, -1]].mean() for column in columns]
    below = np.arange(layer.shape[0])[:, None] > np.interp(np.arange(layer.shape[1]), columns, ends)
    return np.where(layer, 1, np.where(below, 2, 0)).astype(np.int32)


def smooth(image: Gray, across: float, down: float) -> Gray:
    return np.asarray(cv2.GaussianBlur(image, (0, 0), sigmaX=across, sigmaY=down, borderType=cv2.BORDER_REFLECT))


def rough(image: Gray, across: float, down: float) -> Gray:
    return np.sqrt(np.maximum(smooth(image * image, across, down) - smooth(image, across, down) ** 2, 0))


def looks(image: Gray) -> NDArray[np.float32]:
    """What a pixel looks like, (pixels, features)."""
    found = [image]
    for sigma in SIGMAS_PX:
        even = smooth(image, sigma, sigma)
        found += [even, np.asarray(cv2.Sobel(even, cv2.CV_32F, 0, 1)) * sigma]
        if sigma > 1:
            found.append(rough(image, sigma, sigma))
    wide = (smooth(image, 12, 1.5), rough(image, 12, 3))
    found += wide
    rows = np.arange(len(image))
    for apart in APART_PX:
        for sign in (1, -1):
            gray, texture = (one[np.clip(rows + sign * apart, 0, len(image) - 1)] for one in wide)
            found += [gray, texture, gray - wide[0]]
    return np.stack(found, axis=-1).reshape(image.size, -1)


def drawn(rng: np.random.Generator, one: Picture) -> tuple[NDArray[np.float32], NDArray[np.intp]]:
    """Pixels of a picture in several sizes and exposures: as many of each class, and as many near the layer."""
    seen, classes = [], []
    for zoom in ZOOMS:
        how = cv2.INTER_AREA if zoom < 1 else cv2.INTER_LINEAR
        image = np.asarray(cv2.resize(one.image, None, fx=zoom, fy=zoom, interpolation=how))
        labels = cv2.resize(one.labels.view(np.uint8), image.shape[::-1], interpolation=cv2.INTER_NEAREST)
        if zoom > 1:  # no more than a picture shows
            height = len(one.image)
            middle = float(np.flatnonzero((labels == 1).any(axis=1)).mean())
            top = int(np.clip(middle - height * rng.uniform(0.3, 0.7), 0, len(image) - height))
            image, labels = image[top : top + height], labels[top : top + height]
        exposed = np.clip(image, 0, 1) ** np.exp(rng.normal(0, 0.35)) * np.exp(rng.normal(0, 0.1))
        exposed = exposed + rng.normal(0, 0.05) + rng.normal(0, 0.02, image.shape)
        features = looks(exposed.astype(np.float32) if zoom != 1 else image)
        edge = cv2.morphologyEx((labels == 1).astype(np.uint8), cv2.MORPH_GRADIENT, np.ones((9, 9), np.uint8)) > 0
        for where in (*(labels == kind for kind in range(3)), edge):
            some = rng.choice(np.flatnonzero(where), EACH)
            seen.append(features[some])
            classes.append(labels.ravel()[some])
    return np.concatenate(seen), np.concatenate(classes).astype(np.intp)


def taught(pixels: NDArray[np.float32], classes: NDArray[np.intp]) -> nn.Module:
    """A perceptron that saw these pixels."""
    torch.manual_seed(SEED)
    mean, spread = pixels.mean(axis=0), pixels.std(axis=0) + 1e-6
    first = nn.Linear(pixels.shape[1], 48)
    network = nn.Sequential(first, nn.ReLU(), nn.Dropout(0.3), nn.Linear(48, 24), nn.ReLU(), nn.Linear(24, 3))
    x, y = torch.tensor((pixels - mean) / spread), torch.tensor(classes)
    optimizer = torch.optim.AdamW(network.parameters(), 3e-3, weight_decay=0.03)
    rate = torch.optim.lr_scheduler.OneCycleLR(optimizer, 6e-3, total_steps=STEPS)
    for _ in range(STEPS):
        some = torch.randint(len(x), (BATCH,))
        optimizer.zero_grad()
        shaken = x[some] + 0.1 * torch.randn(BATCH, x.shape[1])
        nn.functional.cross_entropy(network(shaken), y[some], label_smoothing=0.05).backward()
        optimizer.step()
        rate.step()
    with torch.no_grad():  # it takes the features as they are
        scale = torch.tensor(spread)
        first.bias -= first.weight @ (torch.tensor(mean) / scale)
        first.weight /= scale
    return network.eval()


def classes_of(network: nn.Module, image: Gray, shape: tuple[int, int]) -> NDArray[np.intp]:
    """The likeliest class of every pixel at the size of the picture."""
    with torch.no_grad():
        likely = torch.softmax(network(torch.tensor(looks(image))), dim=1).numpy().reshape(*image.shape, 3)
    return np.asarray(cv2.resize(likely, shape[::-1], interpolation=cv2.INTER_LINEAR).argmax(axis=2))


def measured(labels: NDArray[Any]) -> tuple[float, float, float]:
    """Mean, smallest thickness and U of the mean. [px]"""
    recipe: Any = load("recipe", "layer_thickness")
    settings = recipe.Settings(tilt_deg=0.0, bridge_px=8)
    editions = editions_for(recipe, settings)
    image = Micrograph(
        pixels=np.zeros(labels.shape, np.uint8),
        calibration=Calibration(pixel_um=1.0, u_rel=0.0001, source="pixels"),
        path="coating",
    )
    found = Segmentation(
        labels=labels.astype(np.int32), classes={0: "rest", 1: "layer"}, kind="semantic", backend="labels"
    )
    findings = recipe.combine([recipe.measure_field(image, found, settings, editions)], settings, editions)
    mean, least = findings.results[:2]
    return mean.value, least.value, mean.expanded_u


def error(layer: NDArray[Any], truth: float) -> tuple[float, str]:
    """Error of the mean thickness [%], NaN where the recipe refuses, and its words."""
    try:
        found = 100 * (measured(layer)[0] / truth - 1)
    except InspectError:
        return float("nan"), "refused"
    return found, f"{found:+.1f} %"


def main() -> None:
    one_core()
    folder = DATA / "nasa-ebc-oxide-crack"
    paths = sorted((folder / "images").glob("*.png"))
    layers = {path.stem: read_gray(folder / "masks" / path.name) > 0 for path in paths}
    small = {path.stem: picture(path.stem, read_gray(path), sides_of(layers[path.stem]), SCALE) for path in paths}
    rng = np.random.default_rng(SEED)
    pixels = {name: drawn(rng, one) for name, one in small.items()}
    ways = ("another image", "another specimen")
    errors: dict[str, list[float]] = {way: [] for way in ways}
    print(f"| picture | person: mean [px] | {' | '.join(ways)} |")
    print("| --- | --- | --- | --- |", flush=True)
    for name in sys.argv[1:] or list(small):
        truth = measured(layers[name])[0]
        told: dict[tuple[str, ...], tuple[float, str]] = {}
        row = []
        for way in ways:
            apart = specimen_of if way == "another specimen" else str
            others = tuple(other for other in small if apart(other) != apart(name))
            if others not in told:
                network = taught(
                    *(np.concatenate(parts) for parts in zip(*(pixels[other] for other in others), strict=True))
                )
                told[others] = error(classes_of(network, small[name].image, layers[name].shape) == 1, truth)
            errors[way].append(told[others][0])
            row.append(told[others][1])
        print(f"| {name.split('__')[1]} | {truth:.1f} | {' | '.join(row)} |", flush=True)
    for way, found in errors.items():
        known = np.abs(np.asarray(found)[np.isfinite(found)])
        inside = f"within {LIMIT:g} %: {int((known <= LIMIT).sum())} of {len(found)}"
        if known.size:
            inside = f"median |error| {np.median(known):.1f} %, largest {known.max():.1f} %, {inside}"
        print(f"{way}: {inside}")


if __name__ == "__main__":
    main()
