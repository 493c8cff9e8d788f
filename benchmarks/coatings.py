"""Thickness of oxide layers on real coatings, by networks that never saw the image.

    python benchmarks/coatings.py [steps] [image ...]

Environmental barrier coatings of NASA (MIT licence; they lie outside this project): 11 pictures with a layer that a
person drew, cracks in it apart. For each picture a small U-Net is trained on the ten others at a quarter of the size,
for a fixed number of steps (nothing is chosen by the picture that is judged), and its layer is measured by the recipe;
so is what the person drew, the cracks as a part of the layer. Pictures of the same specimen are among the ten:
*another specimen* leaves them out as well (one more training, where there are any).
"""

import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from _training_data import DATA, WORK, Picture, crop, one_core, picture, probabilities, read_gray, shaken
from numpy.typing import NDArray

from inspect_tool.errors import InspectError
from inspect_tool.model import Calibration, Micrograph, Segmentation
from inspect_tool.registry import load
from inspect_tool.segmentation.networks.torch_network import TorchNetwork
from inspect_tool.segmentation.networks.unet import UNet
from inspect_tool.standards.editions import editions_for
from inspect_tool.training.fit import fit
from inspect_tool.training.losses import cross_entropy_dice

SCALE = 0.25
STEPS, BATCH, SIZE, SEED = 160, 4, 176, 31
NETWORK: dict[str, Any] = {"in_channels": 1, "classes": 2, "base": 12, "depth": 4}


def specimen_of(name: str) -> str:
    """Specimen in the name of a file: EBC1_val__050317-3_S0440026 is of 050317-3."""
    return name.split("__")[1].split("_")[0]


def trained(shown: list[Picture], name: str, steps: int) -> TorchNetwork:
    """A network that saw these pictures, after so many steps."""
    torch.manual_seed(SEED)
    network = TorchNetwork(UNet(**NETWORK))

    def draw(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        one = shown[rng.integers(len(shown))]
        image, labels = crop(rng, one, SIZE, zoom=(0.7, 1.4), stretch=1.15, turn=False)
        return shaken(rng, image)[None], labels

    fitted = fit(
        network,
        draw,
        cross_entropy_dice(2),
        lambda _: {"score": 0.0},  # nothing is chosen: the weights of the last step are taken
        folder=WORK / "coatings" / f"{name}_{steps}",
        steps=steps,
        batch=BATCH,
        seed=SEED,
        rate=2e-3,
        every=steps,
        ema=0.97,
    )
    network.load_state_dict(dict(fitted.weights))
    return network.eval()


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


def main() -> None:
    one_core()
    steps = int(sys.argv[1]) if len(sys.argv) > 1 else STEPS
    folder = DATA / "nasa-ebc-oxide-crack"
    paths = sorted((folder / "images").glob("*.png"))
    masks = {path.stem: (read_gray(folder / "masks" / path.name) > 0).astype(np.int32) for path in paths}
    small = {path.stem: picture(path.stem, read_gray(path), masks[path.stem], SCALE) for path in paths}
    asked = sys.argv[2:] or [path.stem for path in paths]
    print(
        "| picture | person: mean, smallest [px] | ten others: mean, smallest | error of the mean | another specimen |"
    )
    print("| --- | --- | --- | --- | --- |", flush=True)
    errors: dict[str, list[float]] = {"image": [], "specimen": []}
    for name in asked:
        truth = measured(masks[name])
        line = [f"| {name.split('__')[1]} | {truth[0]:.1f}, {truth[1]:.1f} |"]
        for kind in errors:
            others = [
                one
                for other, one in small.items()
                if other != name and (kind == "image" or specimen_of(other) != specimen_of(name))
            ]
            if kind == "specimen" and len(others) == len(small) - 1:
                errors[kind].append(errors["image"][-1])
                line.append(" the same |")
                continue
            network = trained(others, f"{kind}_{name}", steps)
            layer = probabilities(network, small[name].image, turns=1)[1]
            shape = masks[name].shape
            large = cv2.resize(layer, (shape[1], shape[0]), interpolation=cv2.INTER_LINEAR) > 0.5
            if len(sys.argv) > 2:
                cv2.imwrite(str(Path(WORK) / f"{kind}_{name}.png"), large.astype(np.uint8) * 255)
            try:
                mean, least, _ = measured(large)
            except InspectError as error:
                line.append(f" refused: {error} | |")
                errors[kind].append(np.nan)
                continue
            errors[kind].append(100 * (mean / truth[0] - 1))
            line.append(
                f" {mean:.1f}, {least:.1f} | {errors[kind][-1]:+.1f} % |"
                if kind == "image"
                else f" {errors[kind][-1]:+.1f} % |"
            )
        print("".join(line), flush=True)
    for kind, found in errors.items():
        known = np.abs(np.asarray(found)[np.isfinite(found)])
        inside = f"within 5 %: {int((known <= 5).sum())} of {len(found)}"
        if known.size:
            inside = f"median |error| {np.median(known):.1f} %, largest {known.max():.1f} %, {inside}"
        print(f"{kind}: {inside}")


if __name__ == "__main__":
    main()
