"""Networks of Cellpose: found as installed, built, filled with the weights of a model folder, and run our way.

Nothing of Cellpose that looks for weights elsewhere is imported.
"""

import logging
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inspect_tool.errors import BackendError
from inspect_tool.files import CARD, load_model_card, sha256_file
from inspect_tool.model import ModelCard
from inspect_tool.segmentation.networks.runtime import (
    Batch,
    Device,
    OutOfMemoryError,
    Precision,
    Predictor,
    bf16_is_native,
    probe_image,
    torch_predictor,
)
from inspect_tool.segmentation.networks.weights import (
    fitted,
    load_weights,
    missing_extra,
    permitted,
    save_model,
    torch_state,
)

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(slots=True, kw_only=True, eq=False)
class Model:
    """A network made ready. Where memory runs out ``batch`` and ``network`` change, and ``notes`` say so."""

    card: ModelCard
    network: "Network"
    on_cpu: Callable[[], "Network"]
    batch: int
    cellpose: str  # version
    notes: list[str] = field(default_factory=list)

    @property
    def made_of(self) -> Mapping[str, object]:
        """What decides about its answers."""
        return {"weights": self.card.sha256, "cellpose": self.cellpose, **self.network.described}


def ready_model(folder: Path, *, commercial: bool, device: Device, precision: Precision, batch: int) -> Model:
    """Check licence, version and weights of a model folder, and make its network ready.

    Raises
    ------
    BackendError
        Cellpose is not installed or of another version than the model asks for; the licence forbids commercial use;
        a file is missing, damaged or changed; the weights do not fit.
    """
    card = load_model_card(folder)
    installed = _installed(card.name)
    _usable(card, folder, installed, commercial)
    _, weights = load_weights(folder, card.architecture)
    network = fitted(_built(card, folder), weights, folder)
    del weights

    def ready(place: Device) -> Network:
        if card.architecture == "cellpose3":
            return _cellpose3(network, card, place, precision)
        return _cellpose4(network, place, precision)

    return Model(card=card, network=ready(device), on_cpu=lambda: ready("cpu"), batch=batch, cellpose=installed)


def convert(
    source: Path,
    folder: Path,
    *,
    licence: str,
    commercial: bool,
    title: str = "",
    objects: str = "object",
    diameter_px: float | None = None,
) -> ModelCard:
    """Write a model folder from a weight file of Cellpose, which is a pickle of tensors.

    The file is read with ``torch.load(weights_only=True)``: nothing but tensors comes out of it, and code in it is
    not run. Its SHA-256 goes onto the card, so that the origin of the weights can be shown.

    Parameters
    ----------
    source : Path
        Weight file of Cellpose 3 or 4, as Cellpose itself saves it.
    folder : Path
        Model folder to write; its name is the name of the model.
    licence : str
        Of the weights, and of the data they were trained on.
    commercial : bool
        Whether that licence permits commercial use.
    title, objects : str
        What the model is for, and what its objects are called in the report.
    diameter_px : float, optional
        Mean diameter of the objects in training; default: what the file says. [px]

    Raises
    ------
    BackendError
        The file is missing, holds more than tensors, or is not of Cellpose.
    """
    import torch

    state = torch_state(source, "give the file that Cellpose saved")
    weights = {key.removeprefix("module."): value for key, value in state.items()}
    architecture, network = _recognized(weights, source)
    for key in ("diam_mean", "diam_labels"):  # files of older versions do not have them
        weights.setdefault(key, torch.tensor([30.0]))
    if diameter_px is None:
        diameter_px = round(float(weights["diam_labels"][0]), 2)
    card = {
        "name": folder.name,
        "version": "1",
        "title": title or f"converted from {source.name}",
        "architecture": architecture,
        "network": network,
        "classes": ("background", objects),
        "licence": licence,
        "commercial": commercial,
        "structure": f"diameter of the {objects}s",
        "settings": {"diameter_px": diameter_px},
        "procedure": {"converted_from": source.name, "sha256_of_source": sha256_file(source)},
    }
    return save_model(folder, card, weights, half=False)


def _installed(name: str) -> str:
    try:
        found = version("cellpose")
        logging.getLogger("cellpose").setLevel(logging.ERROR)  # it remarks on optional parts when it is imported
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of torch, for what Cellpose 3 takes from it
            import_module("cellpose.core")
    except (PackageNotFoundError, ImportError) as error:
        if isinstance(error, PackageNotFoundError) or error.name in {"cellpose", "torch"}:
            raise BackendError(missing_extra(f"model {name}", "cellpose")) from None
        msg = f"cellpose is installed but cannot be imported: {error}; install it in an environment of its own"
        raise BackendError(msg) from None
    return found


def _usable(card: ModelCard, folder: Path, installed: str, commercial: bool) -> None:
    """Refuse what may not, or cannot, be used."""
    if not card.architecture.startswith("cellpose"):
        msg = f'{folder / CARD} architecture: is "{card.architecture}"; this backend uses "cellpose3" and "cellpose4"'
        raise BackendError(msg)
    permitted(card, folder, commercial)
    major = int(installed.split(".")[0])
    wanted = int(card.architecture.removeprefix("cellpose"))
    if (wanted == 3) != (major == 3) or major < 3:
        get = "'cellpose>=3.1,<4'" if wanted == 3 else "'cellpose>=4' with torch and torchvision"
        msg = (
            f"{folder / CARD}: is a model of Cellpose {wanted}, installed is cellpose {installed}; "
            f"pip install {get} in an environment of its own"
        )
        raise BackendError(msg)
    if card.channels != "gray":
        msg = f"{folder / CARD} channels: is '{card.channels}', this backend gives gray images"
        raise BackendError(msg)


def _built(card: ModelCard, folder: Path) -> Any:
    """The network of the installed Cellpose, without weights."""
    try:
        if card.architecture == "cellpose3":
            return import_module("cellpose.resnet_torch").CPnet(**card.network)
        if find_spec("cellpose.vit") is not None:  # since 4.2
            return import_module("cellpose.vit").CPSAM(**card.network)
        return import_module("cellpose.vit_sam").Transformer(**card.network)
    except (TypeError, ValueError) as error:
        msg = f"{folder / CARD} network: {str(error).split('.__init__() ')[-1]}"
        raise BackendError(msg) from None


def _recognized(weights: dict[str, "Tensor"], source: Path) -> tuple[str, dict[str, Any]]:
    """Architecture and arguments of the network that a state belongs to, from the shapes."""
    if "encoder.cls_token" in weights:
        msg = f"{source}: weights of Cellpose-DINO, whose network is not on the package index; use Cellpose-SAM weights"
        raise BackendError(msg)
    if "W2" in weights and "encoder.pos_embed" in weights:
        _, nout, ps, _ = weights["W2"].shape
        return "cellpose4", {"ps": ps, "nout": nout, "bsize": weights["encoder.pos_embed"].shape[1] * ps}
    first = "downsample.down.res_down_0.proj.0.weight"
    if first in weights and "output.2.weight" in weights:
        levels = sum(key.endswith(".proj.1.weight") and key.startswith("downsample.") for key in weights)
        widths = [weights[f"downsample.down.res_down_{n}.proj.1.weight"].shape[0] for n in range(levels)]
        return "cellpose3", {
            "nbase": [weights[first].shape[0], *widths],
            "nout": weights["output.2.weight"].shape[0],
            "sz": weights["downsample.down.res_down_0.conv.conv_0.2.weight"].shape[-1],
        }
    msg = f"{source}: is not a network of Cellpose 3 (CPnet) or 4 (Cellpose-SAM)"
    raise BackendError(msg)


class Network:
    """The network as Cellpose's tiling calls it; how it is run is ours."""

    nout = 3
    mkldnn = False

    def __init__(self, run: Callable[[Batch], Batch], channels: int, tile_px: int, described: dict[str, Any]) -> None:
        import torch

        self.run, self.channels, self.tile_px, self.described = run, channels, tile_px, described
        self.device, self.dtype = torch.device("cpu"), torch.float32  # of what is handed over

    def eval(self) -> "Network":
        """Stay as it is: it is never trained."""
        return self

    def __call__(self, tiles: "Tensor") -> tuple["Tensor", "Tensor"]:
        """Predict flows and style of tiles (n, 3, rows, columns)."""
        import torch

        return torch.from_numpy(self.run(tiles.numpy())), torch.ones(len(tiles), 256)  # the style is not used


def _cellpose3(network: Any, card: ModelCard, device: Device, precision: Precision) -> Network:
    from torch import nn

    class Flow(nn.Module):
        """The network without the style and the maps inside it that it also gives."""

        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def forward(self, image: "Tensor") -> "Tensor":
            made: Tensor = self.network(image)[0]
            return made

    channels = int(card.network["nbase"][0])

    def make(chosen: Precision) -> Predictor:
        return torch_predictor(Flow(), lambda flow: flow, probe_image(channels), device=device, precision=chosen)

    try:
        made = make(precision)
    except BackendError:  # bfloat16 moves the flows of this network too far
        if precision != "auto":
            raise
        made = make("fp32")
    # a difference on the probe would be one of flows and scores; docs/cellpose.md has it in area percent
    described = {"device": made.device, "engine": made.engine, "precision": made.precision}
    return Network(made.run, channels, 224, described)


def _cellpose4(network: Any, device: Device, precision: Precision) -> Network:
    """Cellpose-SAM takes tiles of one size only, and casts itself."""
    import torch

    there = torch.cuda.is_available()
    if device == "cuda" and not there:
        msg = 'device = "cuda": torch sees no CUDA device; set device = "auto" or "cpu"'
        raise BackendError(msg)
    used = "cuda" if there and device != "cpu" else "cpu"
    half = precision == "bf16" or (precision == "auto" and (used == "cuda" or bf16_is_native()))
    kind = torch.bfloat16 if half else torch.float32
    network.dtype = kind
    ready = network.to(used)

    def run(batch: Batch) -> Batch:
        try:
            with torch.inference_mode():
                made: Batch = ready(torch.from_numpy(batch).to(used, kind))[0].float().cpu().numpy()
        except torch.cuda.OutOfMemoryError as error:
            torch.cuda.empty_cache()
            raise OutOfMemoryError(str(error).split(".")[0]) from None
        return made

    side = int(network.encoder.pos_embed.shape[1]) * int(network.W2.shape[-1])
    return Network(run, 3, side, {"device": used, "engine": "torch", "precision": "bf16" if half else "fp32"})
