"""How a network is run: device, precision, memory layout and engine; the same image gives the same map every time.

On a CPU OpenVINO runs the network from its weights, and torch is not imported. Where OpenVINO is not installed, on a
GPU, and where a job asks for it, torch does: on a CPU with batch normalization folded into the convolutions and
memory channels-last. bfloat16 is used where the processor has it, and its answer is compared with single precision
once, at load. What was chosen is stated in the provenance.
"""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from functools import cache, partial
from importlib.util import find_spec
from pathlib import Path
from runpy import run_path
from threading import Lock
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from inspect_tool import offline
from inspect_tool.errors import BackendError
from inspect_tool.segmentation.networks.layers import Network, Weights
from inspect_tool.segmentation.networks.weights import fitted, missing_extra

if TYPE_CHECKING:
    from torch import Tensor, nn

Device: TypeAlias = Literal["auto", "cpu", "cuda"]
Engine: TypeAlias = Literal["auto", "torch", "openvino"]
Precision: TypeAlias = Literal["auto", "fp32", "bf16"]
Batch: TypeAlias = NDArray[np.float32]  # (n, channels, rows, columns)
Run: TypeAlias = Callable[[Batch], Batch]

EQUIVALENT = 0.05
"""Largest difference of a probability that another precision may make. Boundaries move by less than the
shift of the alternatives (0.1) then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Predictor:
    """A network made ready: batches in, its answers out."""

    run: Run
    device: str  # "cpu" or "cuda"
    engine: str  # "torch" or "openvino"
    precision: str  # "fp32" or "bf16"
    difference: float  # largest difference from single precision on the probe [1]
    release: Callable[[], None]  # gives back what an engine holds between images

    @property
    def described(self) -> dict[str, object]:
        """What the report says of it."""
        return {
            "device": self.device,
            "engine": self.engine,
            "precision": self.precision,
            "difference_from_fp32": round(self.difference, 6),
        }


class OutOfMemoryError(Exception):
    """The device has too little memory for the batch; a smaller tile or the CPU may do."""


def predictor(
    network: Network,
    weights: Weights,
    folder: Path,
    *,
    device: Device = "auto",
    engine: Engine = "auto",
    precision: Precision = "auto",
) -> Predictor:
    """Make a network ready to predict: batches of images to its answer.

    Parameters
    ----------
    network : Network
        What it is made of.
    weights : Weights
        All that the network names, in its shapes.
    folder : Path
        Where they come from, for errors.
    device, engine, precision : str
        "auto" takes CUDA if there is a device, OpenVINO if it is installed, and bfloat16 where the
        processor has it and the network bears it. Anything else must be possible.

    Raises
    ------
    BackendError
        What is asked for is not there, or gives other answers than single precision.
    """
    used = used_device(device)
    if used == "cpu" and _engine(engine) == "openvino":
        return _on_openvino(network, weights, precision)
    from inspect_tool.segmentation.networks.torch_network import TorchNetwork

    module = fitted(TorchNetwork(network), weights, folder)
    probe = probe_image(network.in_channels, network.stride)
    return torch_predictor(module, module.answer, probe, device=used, precision=precision)


def torch_predictor(
    module: "nn.Module",
    activation: "Callable[[Tensor], Tensor]",
    probe: Batch,
    *,
    device: Device = "auto",
    precision: Precision = "auto",
) -> Predictor:
    """Make a torch module ready to predict.

    Parameters
    ----------
    module : nn.Module
        In evaluation mode; stays as it is.
    activation : callable
        From the output of the module to one tensor (n, k, rows, columns), e.g. a softmax.
    probe : ndarray
        Image on which answers are compared, see ``probe_image``.
    device, precision : str
        As in ``predictor``.

    Raises
    ------
    BackendError
        The device is not there, or gives other answers than the module as it is on a CPU.
    """
    import torch

    used = used_device(device)
    plain = deepcopy(module).eval().float()
    with torch.inference_mode():
        expected = activation(plain(torch.from_numpy(probe))).numpy()
    make = partial(_on_cuda if used == "cuda" else _on_cpu, plain, activation)
    native = used == "cuda" or bf16_is_native()
    run, exact, difference = _checked(make, probe, expected, precision, native, f"torch on {used}")
    precision_used = "fp32" if exact else "bf16"
    return Predictor(
        run=run, device=used, engine="torch", precision=precision_used, difference=difference, release=_nothing
    )


def probe_image(channels: int, stride: int | tuple[int, int] = 1) -> Batch:
    """An image of noise and edges, always the same: (1, channels, 128, 128), or the next multiples of ``stride``."""
    rows, columns = (-(-128 // step) * step for step in np.broadcast_to(stride, 2))
    rng = np.random.default_rng(0)
    image = rng.normal(0.5, 0.2, (1, channels, rows, columns)).astype(np.float32)
    image[:, :, 32:96, 40:44] -= 0.5
    image[:, :, 60:120, 70:120] += 0.4
    return image


def bf16_is_native() -> bool:
    """Whether the processor multiplies bfloat16 in hardware; emulated it is slower than single precision."""
    import torch

    capability = torch.backends.cpu.get_cpu_capability()
    return capability.startswith(("AVX512", "AMX")) and bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


def used_device(device: Device) -> Literal["cpu", "cuda"]:
    """Device that a network runs on; one that is asked for and not there is a ``BackendError``."""
    if device == "cpu":
        return "cpu"
    if device == "cuda" and find_spec("torch") is None:
        raise BackendError(missing_extra('device = "cuda"'))
    there = _cuda_is_there()
    if device == "cuda" and not there:
        msg = 'device = "cuda": torch sees no CUDA device; set device = "auto" or "cpu"'
        raise BackendError(msg)
    return "cuda" if there else "cpu"


def _cuda_is_there() -> bool:
    """Whether torch sees a CUDA device; a torch that was built without CUDA is not imported, which takes seconds."""
    found = find_spec("torch")
    if found is None or found.origin is None:
        return False
    built = run_path(str(Path(found.origin).with_name("version.py")))
    if not (built.get("cuda") or built.get("hip")):
        return False
    import torch

    return torch.cuda.is_available()


def _engine(engine: Engine) -> str:
    there = find_spec("openvino") is not None
    if engine == "openvino" and not there:
        msg = 'engine = "openvino": the package is not installed: pip install openvino'
        raise BackendError(msg)
    if there and engine != "torch":
        return "openvino"
    if find_spec("torch") is None:
        raise BackendError(missing_extra('engine = "torch"' if engine == "torch" else "a network without OpenVINO"))
    return "torch"


def _checked(
    make: Callable[[bool], Run], probe: Batch, expected: Batch, precision: Precision, native: bool, who: str
) -> tuple[Run, bool, float]:
    """Runner, whether it is in single precision, and how far it is from what is expected of the probe."""
    most = EQUIVALENT * max(1.0, float(np.abs(expected).max()))
    exact = precision == "fp32" or (precision == "auto" and not native)
    while True:
        run = make(exact)
        difference = float(np.abs(run(probe) - expected).max())
        if difference <= most:
            return run, exact, difference
        if exact or precision != "auto":
            msg = (
                f"{who} with {'fp32' if exact else 'bf16'} gives other answers than in single precision (difference "
                f'{difference:.3g}, {most:g} allowed); set precision = "fp32"'
            )
            raise BackendError(msg)
        exact = True  # this network is too steep for bfloat16


def _nothing() -> None:
    """Hold nothing, give nothing back."""


def _on_openvino(network: Network, weights: Weights, precision: Precision) -> Predictor:
    from inspect_tool.segmentation.networks.openvino_graph import graph

    core, model = offline.openvino().Core(), graph(network, weights)

    @cache
    def compiled(exact: bool) -> Any:
        hints = {"INFERENCE_PRECISION_HINT": "f32" if exact else "bf16", "PERFORMANCE_HINT": "LATENCY"}
        return core.compile_model(model, "CPU", hints)

    turn = Lock()  # a compiled network answers one call at a time, on all cores; another one meanwhile is an error

    def make(exact: bool) -> Run:
        ready = compiled(exact)

        def run(batch: Batch) -> Batch:
            with turn:
                return np.array(ready(batch)[0], dtype=np.float32)

        return run

    def release() -> None:
        """Give back what OpenVINO holds between images: the memory of the largest tile, 200 MB and more."""
        with turn:
            compiled(exact).release_memory()

    probe = probe_image(network.in_channels, network.stride)
    native = "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    run, exact, difference = _checked(make, probe, make(True)(probe), precision, native, "OpenVINO on this processor")
    return Predictor(
        run=run,
        device="cpu",
        engine="openvino",
        precision="fp32" if exact else "bf16",
        difference=difference,
        release=release,
    )


def _on_cpu(module: "nn.Module", activation: "Callable[[Tensor], Tensor]", exact: bool) -> Run:
    import torch

    ready = _folded(module).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    if not exact:
        ready = ready.bfloat16()  # one conversion of the weights, none per call

    def run(batch: Batch) -> Batch:
        with torch.inference_mode():
            image = torch.from_numpy(batch).to(memory_format=torch.channels_last)
            given = image if exact else image.bfloat16()
            made: Batch = activation(ready(given).float()).contiguous().numpy()
        return made

    return run


def _on_cuda(module: "nn.Module", activation: "Callable[[Tensor], Tensor]", exact: bool) -> Run:
    import torch

    there = _folded(module).to("cuda", memory_format=torch.channels_last)  # type: ignore[call-overload]
    torch.backends.cudnn.deterministic = True
    torch.backends.cudnn.benchmark = False

    def run(batch: Batch) -> Batch:
        try:
            with torch.inference_mode(), torch.autocast("cuda", torch.bfloat16, enabled=not exact):
                image = torch.from_numpy(batch).to("cuda", memory_format=torch.channels_last)
                made: Batch = activation(there(image).float()).contiguous().cpu().numpy()
        except torch.cuda.OutOfMemoryError as error:
            torch.cuda.empty_cache()
            raise OutOfMemoryError(str(error).split(".")[0]) from None
        return made

    return run


def _folded(module: "nn.Module") -> "nn.Module":
    """Copy of a module, with its batch normalization folded into the convolutions where it is one of ours."""
    from inspect_tool.segmentation.networks.torch_network import TorchNetwork

    return module.folded() if isinstance(module, TorchNetwork) else deepcopy(module)
