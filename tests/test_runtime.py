"""Devices, engines and precisions give the same answer, or say that they do not."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from inspect_tool import offline
from inspect_tool.errors import BackendError
from inspect_tool.segmentation.networks import runtime
from inspect_tool.segmentation.networks.torch_network import TorchNetwork
from inspect_tool.segmentation.networks.unet import UNet

NETWORK = UNet(classes=3, base=4, depth=2)
HERE = Path("model")


def drawn(network, seed=3):
    """Weights as after training: statistics that are not 0 and 1, and scores that mean something."""
    torch.manual_seed(seed)
    made = TorchNetwork(network)
    for module in made.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.2)
            module.running_var.uniform_(0.5, 2)
            module.weight.data.uniform_(0.5, 2)
            module.bias.data.normal_(0, 0.3)
    with torch.no_grad():
        made.head.weight *= 60
    return {name: values.numpy().copy() for name, values in made.state_dict().items()}


@pytest.fixture(scope="module")
def weights():
    return drawn(NETWORK)


@pytest.fixture(scope="module")
def batch():
    return np.random.default_rng(0).random((2, 1, 64, 96), dtype=np.float32)


def reference(network, weights, batch):
    module = TorchNetwork(network)
    module.load_state_dict({name: torch.from_numpy(values) for name, values in weights.items()})
    with torch.inference_mode():
        return module.eval()(torch.from_numpy(batch)).softmax(1).numpy()


def predictor(weights, **chosen):
    return runtime.predictor(NETWORK, weights, HERE, **{"device": "cpu", "engine": "torch"} | chosen)


def test_single_precision_on_torch_is_the_plain_network(weights, batch):
    made = predictor(weights, precision="fp32")
    np.testing.assert_allclose(made.run(batch), reference(NETWORK, weights, batch), atol=1e-5)
    assert made.difference < 1e-5
    assert (made.device, made.engine, made.precision) == ("cpu", "torch", "fp32")


@pytest.mark.parametrize(
    ("engine", "precision"), [("torch", "bf16"), ("torch", "auto"), ("openvino", "fp32"), ("openvino", "auto")]
)
def test_every_engine_agrees_and_says_by_how_much(weights, batch, engine, precision):
    made = predictor(weights, engine=engine, precision=precision)
    expected = reference(NETWORK, weights, batch)
    assert np.abs(expected - 1 / 3).max() > 0.3  # the network has something to say
    assert np.abs(made.run(batch) - expected).max() <= runtime.EQUIVALENT
    assert made.described["engine"] == engine
    assert made.described["difference_from_fp32"] <= runtime.EQUIVALENT
    assert precision in ("auto", made.precision)


@pytest.mark.parametrize("engine", ["torch", "openvino"])
def test_the_same_image_gives_the_same_map_every_time(weights, batch, engine):
    one, other = (predictor(weights, engine=engine) for _ in range(2))
    first = one.run(batch)
    for _ in range(3):
        np.testing.assert_array_equal(one.run(batch), first)
    one.release()
    np.testing.assert_array_equal(one.run(batch), first)
    np.testing.assert_array_equal(other.run(batch), first)


def test_the_weights_stay_as_they_are(weights):
    before = {name: values.copy() for name, values in weights.items()}
    for engine in ("torch", "openvino"):
        predictor(weights, engine=engine, precision="bf16")
    for name, values in weights.items():
        np.testing.assert_array_equal(values, before[name])


def test_a_network_whose_stride_is_larger_than_the_probe_runs():
    network = UNet(base=2, depth=8, widest=4)
    made = runtime.predictor(network, drawn(network), HERE, device="cpu", precision="fp32")
    assert made.run(np.zeros((1, 1, 256, 256), np.float32)).shape == (1, 1, 256, 256)


def test_a_device_that_gives_other_answers_is_refused(weights, monkeypatch):
    monkeypatch.setattr(runtime, "_on_cpu", lambda *_: lambda _: np.full((1, 3, 128, 128), 0.9, np.float32))
    with pytest.raises(BackendError, match=r"torch on cpu with fp32 gives other answers than in single precision"):
        predictor(weights, precision="fp32")


def test_a_network_that_bfloat16_blurs_too_much_runs_in_single_precision(weights, monkeypatch):
    honest = runtime._on_cpu

    def blurred(module, activation, exact):
        run = honest(module, activation, True)
        return run if exact else lambda batch: run(batch) + 0.1

    monkeypatch.setattr(runtime, "_on_cpu", blurred)
    monkeypatch.setattr(runtime, "bf16_is_native", lambda: True)
    assert predictor(weights).precision == "fp32"
    with pytest.raises(
        BackendError,
        match=r'torch on cpu with bf16 gives other answers .*difference 0\.1, 0\.05 allowed.*precision = "fp32"',
    ):
        predictor(weights, precision="bf16")


def test_openvino_in_bfloat16_is_held_against_single_precision(weights, monkeypatch):
    openvino = offline.openvino()
    compiled = openvino.Core.compile_model

    def blurred(core, model, device, hints):
        ready = compiled(core, model, device, hints)
        if hints["INFERENCE_PRECISION_HINT"] == "f32":
            return ready

        class Off:
            release_memory = ready.release_memory

            def __call__(self, batch):
                return [ready(batch)[0] + 0.1]

        return Off()

    monkeypatch.setattr(openvino.Core, "compile_model", blurred)
    with pytest.raises(BackendError, match=r"OpenVINO on this processor with bf16 gives other answers"):
        predictor(weights, engine="openvino", precision="bf16")
    assert predictor(weights, engine="openvino").precision == "fp32"


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_a_device_that_is_not_there_is_an_error(weights):
    with pytest.raises(BackendError, match=r'device = "cuda": torch sees no CUDA device; set device = "auto" or "cpu"'):
        predictor(weights, device="cuda")


def without(monkeypatch, *packages):
    find = importlib.util.find_spec
    monkeypatch.setattr(runtime, "find_spec", lambda name: None if name in packages else find(name))


def test_an_engine_that_is_not_installed_is_named(weights, monkeypatch):
    without(monkeypatch, "openvino")
    with pytest.raises(BackendError, match=r'engine = "openvino": the package is not installed: pip install openvino'):
        predictor(weights, engine="openvino")
    assert predictor(weights, engine="auto").engine == "torch"


def test_without_torch_what_needs_it_names_the_extra(weights, monkeypatch):
    without(monkeypatch, "torch")
    assert predictor(weights, device="auto", engine="auto").engine == "openvino"
    needs = r"needs the extra 'networks': pip install 'inspect_tool\[networks\]'"
    with pytest.raises(BackendError, match=f'engine = "torch" {needs}'):
        predictor(weights)
    with pytest.raises(BackendError, match=f'device = "cuda" {needs}'):
        predictor(weights, device="cuda")
    without(monkeypatch, "torch", "openvino")
    with pytest.raises(BackendError, match=f"a network without OpenVINO {needs}"):
        predictor(weights, engine="auto")


@pytest.mark.parametrize("built", ["cuda", "hip"])
def test_torch_is_asked_for_a_gpu_only_where_it_was_built_for_one(tmp_path, monkeypatch, built):
    found = importlib.util.find_spec("torch")
    (tmp_path / "version.py").write_text("cuda: None = None\nhip: None = None\n")
    there = type(found)("torch", None, origin=str(tmp_path / "__init__.py"))
    monkeypatch.setattr(runtime, "find_spec", lambda _: there)
    monkeypatch.setitem(sys.modules, "torch", None)  # to import it is an error
    assert not runtime._cuda_is_there()
    (tmp_path / "version.py").write_text(f'cuda = hip = None\n{built} = "12.8"\n')
    with pytest.raises(ImportError):
        runtime._cuda_is_there()
