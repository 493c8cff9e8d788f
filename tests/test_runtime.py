"""Devices, engines and precisions give the same answer, or say that they do not."""

import importlib.util

import numpy as np
import pytest
import torch

from inspect_tool.backends import runtime
from inspect_tool.errors import BackendError
from inspect_tool.networks.unet import UNet


def softmax(scores):
    return scores.softmax(1)


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(3)
    made = UNet(classes=3, base=4, depth=2)
    for module in made.modules():  # as after training: statistics that are not 0 and 1
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.2)
            module.running_var.uniform_(0.5, 2)
            module.weight.data.uniform_(0.5, 2)
            module.bias.data.normal_(0, 0.3)
    with torch.no_grad():
        made.head.weight *= 60
    return made.eval()


@pytest.fixture(scope="module")
def batch():
    return np.random.default_rng(0).random((2, 1, 64, 96), dtype=np.float32)


def reference(network, batch):
    with torch.inference_mode():
        return softmax(network(torch.from_numpy(batch))).numpy()


def test_single_precision_on_torch_is_the_plain_network(network, batch):
    made = runtime.predictor(network, softmax, 1, device="cpu", engine="torch", precision="fp32")
    np.testing.assert_allclose(made.run(batch), reference(network, batch), atol=1e-5)
    assert made.difference < 1e-5
    assert (made.device, made.engine, made.precision) == ("cpu", "torch", "fp32")


@pytest.mark.parametrize(
    ("engine", "precision"), [("torch", "bf16"), ("torch", "auto"), ("openvino", "fp32"), ("openvino", "auto")]
)
def test_every_engine_agrees_and_says_by_how_much(network, batch, engine, precision):
    if importlib.util.find_spec(engine) is None:
        pytest.skip(f"{engine} is not installed")
    made = runtime.predictor(network, softmax, 1, device="cpu", engine=engine, precision=precision)
    expected = reference(network, batch)
    assert np.abs(expected - 1 / 3).max() > 0.3  # the network has something to say
    assert np.abs(made.run(batch) - expected).max() <= runtime.EQUIVALENT
    assert made.described["engine"] == engine
    assert made.described["difference_from_fp32"] <= runtime.EQUIVALENT
    assert precision in ("auto", made.precision)


def test_the_same_image_gives_the_same_map_every_time(network, batch):
    one, other = (runtime.predictor(network, softmax, 1, device="cpu", engine="torch") for _ in range(2))
    first = one.run(batch)
    for _ in range(3):
        np.testing.assert_array_equal(one.run(batch), first)
    np.testing.assert_array_equal(other.run(batch), first)


def test_the_network_stays_as_it_is(network, batch):
    before = reference(network, batch)
    runtime.predictor(network, softmax, 1, device="cpu", engine="torch", precision="bf16")
    np.testing.assert_array_equal(reference(network, batch), before)


def test_an_engine_that_gives_other_answers_is_refused(network, monkeypatch):
    monkeypatch.setattr(runtime, "_on_cpu", lambda *_: lambda _: np.full((1, 3, 128, 128), 0.9, np.float32))
    with pytest.raises(
        BackendError, match=r'gives other answers than torch in single precision .* set engine = "torch"'
    ):
        runtime.predictor(network, softmax, 1, device="cpu", engine="torch")


def test_a_network_that_bfloat16_blurs_too_much_runs_in_single_precision(network, monkeypatch):
    honest = runtime._on_cpu

    def blurred(network, activation, exact):
        run = honest(network, activation, True)
        return run if exact else lambda batch: run(batch) + 0.1

    monkeypatch.setattr(runtime, "_on_cpu", blurred)
    monkeypatch.setattr(runtime, "bf16_is_native", lambda: True)
    assert runtime.predictor(network, softmax, 1, device="cpu", engine="torch").precision == "fp32"
    with pytest.raises(
        BackendError, match=r"torch with bf16 on cpu gives other answers .*difference 0\.1, 0\.05 allowed"
    ):
        runtime.predictor(network, softmax, 1, device="cpu", engine="torch", precision="bf16")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_a_device_that_is_not_there_is_an_error(network):
    with pytest.raises(BackendError, match=r'device = "cuda": torch sees no CUDA device; set device = "auto" or "cpu"'):
        runtime.predictor(network, softmax, 1, device="cuda")


def test_an_engine_that_is_not_installed_names_the_extra(network, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(BackendError, match=r"needs the extra 'openvino': pip install 'inspect_tool\[openvino\]'"):
        runtime.predictor(network, softmax, 1, device="cpu", engine="openvino")
    assert runtime.predictor(network, softmax, 1, device="cpu").engine == "torch"
