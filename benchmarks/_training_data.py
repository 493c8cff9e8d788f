"""What the training scripts of the semantic networks have in common: pictures, augmented crops, scores, records."""

import os
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import cv2
import matplotlib as mpl
import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from inspect_tool import __version__
from inspect_tool.folders import MARKER
from inspect_tool.model import ModelCard
from inspect_tool.segmentation.networks.weights import gray_range, normalized, save_model, shipped
from inspect_tool.training.fit import Fitted
from inspect_tool.training.losses import UNKNOWN

mpl.use("svg")
import matplotlib.pyplot as plt

ROOT = Path(__file__).resolve().parent.parent
DATA = Path(os.environ.get("INSPECT_TOOL_SHARED", ROOT.parent / "shared")) / "data"
RECORDS = ROOT / "docs" / "training"
WORK = Path(os.environ.get("INSPECT_TOOL_TRAINING", ROOT / "build" / "training"))  # checkpoints
SHIPPED = {"version": "1", "licence": "Apache-2.0", "commercial": True, "architecture": "unet"}

Gray = NDArray[np.float32]
Labels = NDArray[np.int8]


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """An image as the network sees it, and what its pixels are."""

    name: str
    image: Gray  # (rows, columns), percentiles at 0 and 1
    labels: Labels  # (rows, columns), UNKNOWN where nobody knows


def one_core() -> None:
    """Let a run have one core, so that it disturbs nobody and takes the same course everywhere."""
    torch.set_num_threads(1)
    cv2.setNumThreads(1)


def read_gray(path: Path) -> NDArray[np.uint8]:
    """Picture as one channel."""
    pixels = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    assert pixels is not None, path
    return np.asarray(pixels if pixels.ndim == 2 else pixels[..., 0], dtype=np.uint8)


def picture(name: str, pixels: NDArray[Any], labels: NDArray[Any], zoom: float = 1.0) -> Picture:
    """Normalize as the backend does, and bring image and labels to another scale (> 1: larger)."""
    image = normalized(pixels, *gray_range(pixels))
    if zoom != 1:
        size = (round(image.shape[1] * zoom), round(image.shape[0] * zoom))
        how = cv2.INTER_AREA if zoom < 1 else cv2.INTER_LINEAR
        image = cv2.resize(image, size, interpolation=how)
        planes = [(labels == k).astype(np.float32) for k in range(labels.max() + 1)]
        labels = np.argmax([cv2.resize(plane, size, interpolation=how) for plane in planes], axis=0)
    return Picture(name=name, image=np.ascontiguousarray(image), labels=labels.astype(np.int8))


def crop(
    rng: np.random.Generator,
    source: Picture,
    size: int,
    *,
    zoom: tuple[float, float] = (1.0, 1.0),
    stretch: float = 1.0,
    turn: bool = True,
    at: tuple[float, float] | None = None,
) -> tuple[Gray, Labels]:
    """Square crop, turned by any angle, zoomed, mirrored; what lies outside the picture is its mirror image.

    Parameters
    ----------
    at : tuple of float, optional
        Row and column that shall lie in the crop.
    """
    rows, columns = source.image.shape
    scale = float(np.exp(rng.uniform(*np.log(zoom))))
    ratio = float(np.exp(rng.uniform(-np.log(stretch), np.log(stretch)) / 2))
    angle = rng.uniform(0, 2 * np.pi) if turn else rng.integers(4) * np.pi / 2
    reach = size / scale
    if at is None:
        middle = [rng.uniform(min(reach / 2, side / 2), max(side - reach / 2, side / 2)) for side in (rows, columns)]
    else:
        middle = [value + rng.uniform(-0.35, 0.35) * reach for value in at]
    c, s = np.cos(angle), np.sin(angle)
    matrix = np.array([[c, -s], [s, c]]) @ np.diag([scale * ratio, scale / ratio])
    if rng.uniform() < 0.5:
        matrix[:, 0] *= -1
    offset = np.array([size / 2, size / 2]) - matrix @ np.array([middle[1], middle[0]])
    affine = np.column_stack([matrix, offset]).astype(np.float64)
    soft = cv2.GaussianBlur(source.image, (0, 0), 0.4 / scale) if scale < 0.75 else source.image
    image = cv2.warpAffine(soft, affine, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
    labels = cv2.warpAffine(
        source.labels.astype(np.int16), affine, (size, size), flags=cv2.INTER_NEAREST, borderMode=cv2.BORDER_REFLECT_101
    )
    return image.astype(np.float32), labels.astype(np.int8)


def shaken(
    rng: np.random.Generator, image: Gray, *, noise: float = 0.08, blur: float = 1.2, shade: float = 0.2
) -> Gray:
    """Other contrast, brightness, gamma, shading, blur, noise: what changes from one picture to the next."""
    result = image.copy()
    if rng.uniform() < 0.3:
        result = cv2.GaussianBlur(result, (0, 0), rng.uniform(0.3, blur))
    if rng.uniform() < 0.2:
        result = result + rng.uniform(0.3, 1.2) * (result - cv2.GaussianBlur(result, (0, 0), 1.5))
    if rng.uniform() < 0.5:
        result = np.clip(result, 0, 1.5) ** np.float32(np.exp(rng.uniform(-0.4, 0.4)))
    result = np.float32(rng.uniform(0.7, 1.3)) * (result - 0.5) + np.float32(0.5 + rng.uniform(-0.15, 0.15))
    if rng.uniform() < 0.5:
        small = rng.standard_normal((4, 4)).astype(np.float32)
        result = result + rng.uniform(0, shade) * cv2.resize(small, image.shape[::-1], interpolation=cv2.INTER_CUBIC)
    if rng.uniform() < 0.6:
        result = result + rng.uniform(0, noise) * rng.standard_normal(image.shape, dtype=np.float32)
    return np.clip(result, -0.5, 1.5).astype(np.float32)


# ----------------------------------------------------------------------------------------------------- scores


def probabilities(network: nn.Module, image: Gray, *, turns: int = 1) -> Gray:
    """Class probabilities (classes, rows, columns) of a whole picture; mean over ``turns`` (1, 4 or 8) views of it."""
    stride = int(network.stride)
    rows, columns = image.shape
    total: Gray | None = None
    views = list(product((False, True), repeat=3))[: {1: 1, 4: 4, 8: 8}[turns]]
    for swap, up, left in views:
        view = image.T if swap else image
        view = view[:: -1 if up else 1, :: -1 if left else 1]
        below, right = -view.shape[0] % stride, -view.shape[1] % stride
        padded = np.pad(view, ((0, below), (0, right)), mode="reflect")
        given = torch.from_numpy(np.ascontiguousarray(padded))[None, None].contiguous(memory_format=torch.channels_last)
        with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16):
            found = network(given).float().softmax(1)[0].numpy()
        found = found[:, : view.shape[0], : view.shape[1]][:, :: -1 if up else 1, :: -1 if left else 1]
        found = found.transpose(0, 2, 1) if swap else found
        total = found.copy() if total is None else total + found
    assert total is not None
    assert total.shape[1:] == (rows, columns)
    return np.asarray(total / len(views), dtype=np.float32)


def confusion(truth: NDArray[Any], found: NDArray[Any], classes: int) -> NDArray[np.int64]:
    """Pixels by true class (row) and found class (column); unknown ones are left out."""
    known = truth != UNKNOWN
    pairs = classes * truth[known].astype(np.int64) + found[known]
    return np.bincount(pairs, minlength=classes**2).reshape(classes, classes)


def class_ious(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Intersection over union of every class; NaN for one that nobody saw."""
    both = np.diag(counts).astype(float)
    either = counts.sum(0) + counts.sum(1) - np.diag(counts)
    return np.asarray(np.divide(both, either, out=np.full(len(both), np.nan), where=either > 0))


def validation(pictures: Sequence[Picture], classes: int) -> Callable[[nn.Module], Mapping[str, float]]:
    """Mean IoU over the classes, all pictures pooled, and the largest error of an area share in points."""

    def validate(network: nn.Module) -> Mapping[str, float]:
        counts = np.zeros((classes, classes), np.int64)
        worst = 0.0
        for one in pictures:
            own = confusion(one.labels, probabilities(network, one.image).argmax(0), classes)
            counts += own
            worst = max(worst, float(np.abs(100 * (own.sum(0) - own.sum(1)) / own.sum()).max()))
        ious = class_ious(counts)
        each = {f"iou_{k}": float(iou) for k, iou in enumerate(ious)}
        return {"score": float(np.nanmean(ious)), **each, "largest_area_error": worst}

    return validate


# ---------------------------------------------------------------------------------------------------- records


def progress(step: int, steps: int, values: Mapping[str, float]) -> None:
    """Print what a validation gave, and now and then the loss."""
    if "score" in values or step % 20 == 0:
        text = " ".join(f"{key} {value:.4g}" for key, value in values.items() if key != "step")
        print(f"{step}/{steps} {text}", file=sys.stderr, flush=True)


def keep(name: str, fitted: Fitted | Sequence[Fitted], card: Mapping[str, Any], note: str) -> ModelCard:
    """Write the model folder that ships, and the record of how it was trained."""
    runs = [fitted] if isinstance(fitted, Fitted) else list(fitted)
    last = runs[-1]
    shutil.rmtree(shipped(name), ignore_errors=True)
    made = save_model(shipped(name), {"name": name, **SHIPPED, **card}, last.weights)
    (shipped(name) / MARKER).unlink()  # ours is replaced by hand
    RECORDS.mkdir(parents=True, exist_ok=True)
    keys = list(last.history[0])
    lines = [",".join(["run", *keys])]
    for number, run in enumerate(runs):
        for entry in run.history:
            values = [f"{entry.get(key, float('nan')):.5g}" for key in keys]
            lines += [",".join([str(number), *values])]
    (RECORDS / f"{name}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")
    figure, axis = plt.subplots(figsize=(6, 3), layout="constrained")
    for number, run in enumerate(runs):
        steps = [entry["step"] for entry in run.history]
        name_of = f"score {number}" if len(runs) > 1 else "score"
        axis.plot(steps, [entry["score"] for entry in run.history], label=name_of)
        if run is last and "mean_iou" not in run.history[0]:
            axis.plot(steps, [entry["loss"] for entry in run.history], "k:", label="loss")
    axis.set(xlabel="step", ylim=(0, 1))
    axis.legend(fontsize="small")
    mpl.rcParams["svg.hashsalt"] = name
    figure.savefig(RECORDS / f"{name}.svg", metadata={"Date": None})
    plt.close(figure)
    size = sum(value.numel() for value in last.weights.values())
    text = [
        f"# Training of `{name}`",
        "",
        f"{card['title']}. Script `benchmarks/{card['procedure']['script']}`, seed {card['procedure']['seed']},",
        f"version {__version__};",
        f"{last.steps} steps in {last.seconds / 60:.0f} min on one core, {size / 1e6:.2f} M numbers.",
        "",
        f"![validation curve]({name}.svg)",
        "",
        note,
        "",
    ]
    (RECORDS / f"{name}.md").write_text("\n".join(text), encoding="utf-8", newline="\n")
    return made
