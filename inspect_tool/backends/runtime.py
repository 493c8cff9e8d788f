"""How a network is run: device, precision, memory layout and engine; the same image gives the same map every time.

On a CPU batch normalization is folded into the convolutions, memory is channels-last, and bfloat16 is used
where the processor multiplies it natively. OpenVINO, when it is installed, compiles the same network; its
answer is compared with torch once, at load. What was chosen is stated in the provenance.
"""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from inspect_tool import offline
from inspect_tool.errors import BackendError

if TYPE_CHECKING:
    from torch import Tensor, nn

Device: TypeAlias = Literal["auto", "cpu", "cuda"]
Engine: TypeAlias = Literal["auto", "torch", "openvino"]
Precision: TypeAlias = Literal["auto", "fp32", "bf16"]
Batch: TypeAlias = NDArray[np.float32]  # (n, channels, rows, columns)

EQUIVALENT = 0.05
"""Largest difference of a probability that another engine or precision may make. Boundaries move by less than the
shift of the alternatives (0.1) then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Predictor:
    """A network made ready: batches in, what ``activation`` makes of its output comes out."""

    run: Callable[[Batch], Batch]
    device: str  # "cpu" or "cuda"
    engine: str  # "torch" or "openvino"
    precision: str  # "fp32" or "bf16"
    difference: float  # largest difference from torch fp32 on the probe [1]
    release: Callable[[], None]  # gives back what an engine holds between images

    @property
    def described(self) -> dict[str, Any]:
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
    network: "nn.Module",
    activation: "Callable[[Tensor], Tensor]",
    channels: int,
    *,
    device: Device = "auto",
    engine: Engine = "auto",
    precision: Precision = "auto",
) -> Predictor:
    """Make a network ready to predict.

    Parameters
    ----------
    network : nn.Module
        In evaluation mode; stays as it is.
    activation : callable
        From the output of the network to one tensor (n, k, rows, columns), e.g. a softmax.
    channels : int
        Channels of the image.
    device, engine, precision : str
        "auto" takes CUDA if there is a device, OpenVINO if it is installed, and bfloat16 where the
        processor has it and the network bears it. Anything else must be possible.

    Raises
    ------
    BackendError
        What is asked for is not there, or gives other answers than torch in single precision.
    """
    import torch

    used = _device(device)
    plain = deepcopy(network).eval().float()
    probe = _probe(channels)
    with torch.inference_mode():
        expected = activation(plain(torch.from_numpy(probe))).numpy()
    most = EQUIVALENT * max(1.0, float(np.abs(expected).max()))
    name = "torch" if used == "cuda" else _engine(engine)
    exact = precision == "fp32" or (precision == "auto" and used == "cpu" and not bf16_is_native())
    while True:
        run, release = _runner(plain, activation, channels, used, name, exact)
        difference = float(np.abs(run(probe) - expected).max())
        if difference <= most:
            chosen = "fp32" if exact else "bf16"
            return Predictor(
                run=run, device=used, engine=name, precision=chosen, difference=difference, release=release
            )
        if precision == "auto" and not exact:
            exact = True  # this network is too steep for bfloat16
        elif engine == "auto" and name != "torch":
            name = "torch"
        else:
            msg = (
                f"{name} with {'fp32' if exact else 'bf16'} on {used} gives other answers than torch in single "
                f"precision (difference {difference:.3g}, {most:g} allowed); "
                'set engine = "torch" and precision = "fp32"'
            )
            raise BackendError(msg)


def _runner(
    network: "nn.Module", activation: "Callable[[Tensor], Tensor]", channels: int, device: str, engine: str, exact: bool
) -> tuple[Callable[[Batch], Batch], Callable[[], None]]:
    """Predict, and give back what is held between images."""
    if engine == "openvino":
        return _openvino(network, activation, channels, exact)
    run = (_on_cuda if device == "cuda" else _on_cpu)(network, activation, exact)
    return run, _nothing


def _nothing() -> None:
    """Hold nothing, give nothing back."""


def bf16_is_native() -> bool:
    """Whether the processor multiplies bfloat16 in hardware; emulated it is slower than single precision."""
    import torch

    capability = torch.backends.cpu.get_cpu_capability()
    return capability.startswith(("AVX512", "AMX")) and bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


def _device(device: Device) -> str:
    import torch

    there = torch.cuda.is_available()
    if device == "cuda" and not there:
        msg = 'device = "cuda": torch sees no CUDA device; set device = "auto" or "cpu"'
        raise BackendError(msg)
    return "cuda" if there and device != "cpu" else "cpu"


def _engine(engine: Engine) -> str:
    from importlib.util import find_spec

    there = find_spec("openvino") is not None
    if engine == "openvino" and not there:
        msg = "engine = \"openvino\" needs the extra 'openvino': pip install 'inspect_tool[openvino]'"
        raise BackendError(msg)
    return "openvino" if there and engine != "torch" else "torch"


def _probe(channels: int) -> Batch:
    """An image of noise and edges, always the same."""
    rng = np.random.default_rng(0)
    image = rng.normal(0.5, 0.2, (1, channels, 128, 128)).astype(np.float32)
    image[:, :, 32:96, 40:44] -= 0.5
    image[:, :, 60:120, 70:120] += 0.4
    return image


def _fused(network: "nn.Module") -> "nn.Module":
    """Fold every batch normalization that directly follows a convolution into it."""
    from torch import nn
    from torch.nn.utils.fusion import fuse_conv_bn_eval

    for module in network.modules():
        if not isinstance(module, nn.Sequential):
            continue
        for i in range(len(module) - 1):
            convolution, normalization = module[i], module[i + 1]
            if isinstance(convolution, nn.Conv2d) and isinstance(normalization, nn.BatchNorm2d):
                module[i] = fuse_conv_bn_eval(convolution, normalization)
                module[i + 1] = nn.Identity()
    return network


def _on_cpu(network: "nn.Module", activation: "Callable[[Tensor], Tensor]", exact: bool) -> Callable[[Batch], Batch]:
    import torch

    fused = _fused(deepcopy(network)).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    if not exact:
        fused = fused.bfloat16()  # one conversion of the weights, none per call

    def run(batch: Batch) -> Batch:
        with torch.inference_mode():
            image = torch.from_numpy(batch).to(memory_format=torch.channels_last)
            given = image if exact else image.bfloat16()
            made: Batch = activation(fused(given).float()).contiguous().numpy()
        return made

    return run


def _on_cuda(network: "nn.Module", activation: "Callable[[Tensor], Tensor]", exact: bool) -> Callable[[Batch], Batch]:
    import torch

    there = _fused(deepcopy(network)).to("cuda", memory_format=torch.channels_last)  # type: ignore[call-overload]
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


def _openvino(
    network: "nn.Module", activation: "Callable[[Tensor], Tensor]", channels: int, exact: bool
) -> tuple[Callable[[Batch], Batch], Callable[[], None]]:
    import warnings

    import torch
    from torch import nn

    openvino = offline.openvino()

    class Whole(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def forward(self, image: torch.Tensor) -> torch.Tensor:
            return activation(self.network(image))

    with warnings.catch_warnings():  # tracing notes of torch concern shapes, which do not vary here
        warnings.simplefilter("ignore")
        converted = openvino.convert_model(
            Whole().eval(),
            example_input=torch.zeros(1, channels, 64, 64),
            input=[openvino.PartialShape([-1, channels, -1, -1])],
        )
    settings = {"INFERENCE_PRECISION_HINT": "f32" if exact else "bf16", "PERFORMANCE_HINT": "LATENCY"}
    compiled = openvino.Core().compile_model(converted, "CPU", settings)

    def run(batch: Batch) -> Batch:
        made: Batch = np.array(compiled(batch)[0], dtype=np.float32)
        return made

    # between images OpenVINO holds the memory of the largest tile, 200 MB and more
    return run, compiled.release_memory
