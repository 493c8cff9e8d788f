"""Every engine answers as the network written down in plain torch does, for all shipped models and drawn ones."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import plain_networks
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from inspect_tool.files import load_model_card
from inspect_tool.segmentation.networks import runtime
from inspect_tool.segmentation.networks.layers import shapes
from inspect_tool.segmentation.networks.stardist_net import ACTIVATIONS, StarDistNet
from inspect_tool.segmentation.networks.torch_network import TorchNetwork
from inspect_tool.segmentation.networks.unet import UNet
from inspect_tool.segmentation.networks.weights import load_weights, shipped, shipped_names

KINDS = {"unet": (UNet, plain_networks.unet), "stardist": (StarDistNet, plain_networks.stardist)}
SHIPPED = [name for name in shipped_names() if load_model_card(shipped(name)).architecture in KINDS]
TOLERANCE = 1e-4  # of a probability, and of a ray distance over the longest one


def agrees(kind, arguments, weights, image, engine):
    """Largest difference of an engine in single precision from plain torch."""
    network, plain = KINDS[kind]
    made = runtime.predictor(
        network(**arguments), weights, Path("model"), device="cpu", engine=engine, precision="fp32"
    )
    tensors = {name: torch.from_numpy(values) for name, values in weights.items()}
    with torch.inference_mode():
        expected = plain(tensors, torch.from_numpy(image), **arguments).numpy()
    answer = made.run(image)
    assert answer.shape == expected.shape
    assert np.ptp(expected) > 0
    assert np.abs(answer - expected).max() <= TOLERANCE * max(1.0, np.abs(expected).max())


def drawn(network, rng):
    """Random weights that keep the size of what passes through them, so that the answer depends on every layer."""
    made = {}
    for name, shape in shapes(network).items():
        if name.endswith("num_batches_tracked"):
            made[name] = np.array(0)
        elif len(shape) == 4:
            made[name] = rng.normal(0, (2 / np.prod(shape[1:])) ** 0.5, shape)
        elif name.endswith(("running_var", ".weight")):
            made[name] = rng.uniform(0.5, 2, shape)
        else:
            made[name] = rng.normal(0, 0.3, shape)
    return {name: values if values.dtype.kind == "i" else values.astype(np.float32) for name, values in made.items()}


@pytest.mark.parametrize("engine", ["openvino", "torch"])
@pytest.mark.parametrize("name", SHIPPED)
def test_every_shipped_model_answers_as_plain_torch(name, engine):
    card, weights = load_weights(shipped(name))
    image = runtime.probe_image(card.network.get("in_channels", 1))[:, :, :96]
    agrees(card.architecture, dict(card.network), weights, image, engine)


UNETS = st.fixed_dictionaries(
    {
        "in_channels": st.sampled_from([1, 3]),
        "classes": st.integers(2, 5),
        "base": st.integers(1, 9),
        "depth": st.integers(0, 4),
        "widest": st.integers(1, 40),
    }
)
STARDISTS = st.fixed_dictionaries(
    {
        "in_channels": st.sampled_from([1, 3]),
        "rays": st.integers(3, 16),
        "grid": st.tuples(*[st.sampled_from([1, 2, 4])] * 2),
        "depth": st.integers(0, 2),
        "base": st.integers(1, 6),
        "convolutions": st.integers(1, 3),
        "kernel": st.tuples(*[st.sampled_from([1, 3, 5])] * 2),
        "pool": st.tuples(*[st.sampled_from([1, 2, 4])] * 2),
        "features": st.integers(0, 6),
        "activation": st.sampled_from(ACTIVATIONS),
        "last_activation": st.sampled_from(ACTIVATIONS),
        "batch_norm": st.booleans(),
        "expansion": st.sampled_from([1.0, 1.5, 2.0]),
    }
)


@pytest.mark.parametrize("engine", ["openvino", "torch"])
@settings(max_examples=12, derandomize=True)
@given(st.one_of(st.tuples(st.just("unet"), UNETS), st.tuples(st.just("stardist"), STARDISTS)), st.integers(0, 2**32))
def test_drawn_architectures_answer_as_plain_torch(engine, chosen, seed):
    kind, arguments = chosen
    network, rng = KINDS[kind][0](**arguments), np.random.default_rng(seed)
    rows, columns = (-(-24 // step) * step for step in np.broadcast_to(network.stride, 2))
    image = rng.random((2, network.in_channels, rows, columns), dtype=np.float32)
    agrees(kind, arguments, drawn(network, rng), image, engine)


@pytest.mark.parametrize("network", [UNet(classes=3, base=4, depth=2), StarDistNet(base=4, batch_norm=True)])
def test_weights_have_the_names_and_shapes_that_torch_stores(network):
    stored = {name: tuple(values.shape) for name, values in TorchNetwork(network).state_dict().items()}
    assert list(stored.items()) == list(shapes(network).items())


@pytest.mark.parametrize(("backend", "shape"), [("unet", (1, 1, 64, 64)), ("stardist", (1, 33, 32, 32))])
def test_prediction_on_a_cpu_imports_no_torch(backend, shape):
    if backend == "stardist":
        pytest.importorskip("stardist", reason="the extra 'stardist' is not installed")
    code = (
        "import sys\n"
        "sys.modules['torch'] = None\n"  # to import it is an error
        f"from inspect_tool.segmentation import {backend} as backend\n"
        "import numpy as np\n"
        "made = backend.load(backend.Settings())\n"
        "assert made.predictor.engine == 'openvino'\n"
        "tile = np.zeros((1, made.network.in_channels, 64, 64), np.float32)\n"
        f"assert made.predictor.run(tile).shape == {shape}\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
