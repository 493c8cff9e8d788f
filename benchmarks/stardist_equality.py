"""Show that the torch network predicts what the original StarDist predicts, on the same folders with random weights.

    python -m venv /tmp/tf; /tmp/tf/bin/pip install tensorflow-cpu stardist
    python benchmarks/stardist_equality.py --python /tmp/tf/bin/python

TensorFlow runs in an environment of its own: this script calls itself there to make the folders and the original
predictions, then reads both here and prints the largest absolute differences, as a table for docs/stardist.md.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

CONFIGS: dict[str, dict[str, object]] = {
    "grid 1": {"grid": (1, 1)},
    "grid 2": {"grid": (2, 2)},
    "grid 4, batch norm": {"grid": (4, 4), "unet_batch_norm": True},
    "grid 2, batch norm, color": {"grid": (2, 2), "unet_batch_norm": True, "n_channel_in": 3},
    "grid 2 x 1, color, elu": {"grid": (2, 1), "n_channel_in": 3, "unet_activation": "elu"},
    "depth 4, 3 convolutions, no features": {
        "unet_n_depth": 4,
        "unet_n_conv_per_depth": 3,
        "net_conv_after_unet": 0,
        "unet_last_activation": "tanh",
    },
    "kernel 5, pool 4, 96 rays": {"unet_kernel_size": (5, 5), "unet_pool": (4, 4), "unet_n_depth": 2, "n_rays": 96},
    "grid 2, *.weights.h5": {"grid": (2, 2), "unet_batch_norm": True, "newer": True},
}
SHAPE = (250, 333)  # no multiple of anything: padding counts


def make(folder: Path) -> None:
    """Write model folders, an image and the predictions of the original."""
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    from stardist.models import Config2D, StarDist2D

    rng = np.random.default_rng(7)
    for number, options in enumerate(CONFIGS.values()):
        keys = {"n_rays": 32, "unet_n_filter_base": 16, "unet_n_depth": 3, "net_conv_after_unet": 32, **options}
        newer = bool(keys.pop("newer", False))
        model = StarDist2D(Config2D(**keys), name=str(number), basedir=str(folder))
        # biases and normalization that Keras starts at 0 or 1 would hide what is put in the wrong place
        for weight in model.keras_model.weights:
            name, shape = weight.path, tuple(weight.shape)
            if "variance" in name:
                weight.assign(rng.uniform(0.5, 2.0, shape))
            elif "kernel" not in name:
                weight.assign(rng.normal(1.0 if "gamma" in name else 0.0, 0.2, shape))
        model.keras_model.save_weights(str(folder / str(number) / f"weights_best{'.weights' if newer else ''}.h5"))
        model.thresholds = {"prob": 0.5, "nms": 0.4}
        channels = int(keys.get("n_channel_in", 1))
        image = rng.normal(0.5, 0.3, (*SHAPE, channels)).astype(np.float32)
        prob, dist = model.predict(image)[:2]
        np.savez(folder / f"{number}.npz", image=image, prob=prob, dist=dist)


def compare(folder: Path) -> None:
    """Predict the same images in torch."""
    import torch

    from inspect_tool.segmentation.networks.stardist_net import StarDistNet
    from inspect_tool.segmentation.networks.torch_network import TorchNetwork
    from inspect_tool.segmentation.networks.weights import fitted
    from inspect_tool.segmentation.stardist.stardist_folder import read_folder

    print("| model | probability | distances [px] | largest distance [px] |")
    print("| --- | --- | --- | --- |")
    for number, name in enumerate(CONFIGS):
        card, state = read_folder(folder / str(number))
        network = fitted(TorchNetwork(StarDistNet(**card.network)), state, folder)
        with np.load(folder / f"{number}.npz") as kept:
            image, prob, dist = kept["image"], kept["prob"], kept["dist"]
        pads = [(0, -size % step) for size, step in zip(SHAPE, network.stride, strict=True)]
        padded = np.pad(image, [*pads, (0, 0)], mode="reflect").transpose(2, 0, 1)
        with torch.inference_mode():
            made = network.answer(network(torch.from_numpy(np.ascontiguousarray(padded))[None]))[0].numpy()
        made = made[:, : prob.shape[0], : prob.shape[1]]
        rows = f"{np.abs(made[0] - prob).max():.1e} | {np.abs(made[1:].transpose(1, 2, 0) - dist).max():.1e}"
        print(f"| {name} | {rows} | {dist.max():.2f} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--python", help="interpreter of an environment with tensorflow and stardist")
    parser.add_argument("--make", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.make is not None:
        make(arguments.make)
        return
    if not arguments.python:
        parser.error("give --python, an interpreter with tensorflow and stardist")
    with TemporaryDirectory() as folder:
        subprocess.run([arguments.python, __file__, "--make", folder], check=True, stdout=sys.stderr)
        compare(Path(folder))


if __name__ == "__main__":
    main()
