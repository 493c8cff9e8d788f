"""Model folders: weights as safetensors beside a model card, checked before anything is loaded.

A folder holds ``weights.safetensors`` and ``model.toml``. The card states the SHA-256 of the weights;
a file that differs is refused. Files that can run code when they are loaded (pickle: ``.pt``, ``.pth``)
are never opened.
"""

from collections.abc import Mapping
from pathlib import Path
from pickle import UnpicklingError
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, deserialize

import inspect_tool
from inspect_tool.errors import BackendError
from inspect_tool.files import CARD, MOST_WEIGHTS, checked, dump_model_card, load_model_card, read_bytes, sha256_file
from inspect_tool.folders import new_folder
from inspect_tool.model import Mask, ModelCard, Samples
from inspect_tool.segmentation.networks.arguments import check_card
from inspect_tool.segmentation.networks.layers import Network, Weights, shapes

if TYPE_CHECKING:
    from torch import Tensor, nn

PICKLES = (".pt", ".pth", ".pkl", ".ckpt", ".bin")
DTYPES = {
    "F64": "<f8",
    "F32": "<f4",
    "F16": "<f2",
    "BF16": "<u2",  # the upper half of a float32
    "I64": "<i8",
    "I32": "<i4",
    "I16": "<i2",
    "I8": "<i1",
    "U8": "<u1",
    "BOOL": "?",
}
"""Types of values that networks are stored with: names in safetensors and in NumPy."""

CLIP = (-0.5, 1.5)  # of normalized gray values: a glint must not outshine the structure


def shipped(name: str) -> Path:
    """Folder of a model that comes with the package."""
    return _models() / name


def shipped_names() -> tuple[str, ...]:
    """Names of the models that come with the package."""
    return tuple(sorted(path.parent.name for path in _models().glob(f"*/{CARD}")))


def _models() -> Path:
    return Path(inspect_tool.__file__).resolve().parent / "models"


def model_folder(model: str) -> Path:
    """Folder of a model that a job names: one that is shipped, or a folder of the laboratory.

    Raises
    ------
    BackendError
        No model is named, there is no such model, or the name is that of a pickle.
    """
    if not model:
        msg = (
            "[backend] model: none is named, and none of this kind is shipped; give the folder of one of your own "
            "(docs/training.md)"
        )
        raise BackendError(msg)
    path = Path(model)
    if path.suffix.lower() in PICKLES:
        msg = (
            f"{path.name}: weights of this kind can run code when they are loaded and are refused; read them where you "
            "trust them and save them with safetensors.torch.save_file beside a model.toml (docs/models.md)"
        )
        raise BackendError(msg)
    if path.is_dir():
        return path
    if model in shipped_names():
        return shipped(model)
    msg = f"model '{model}': no such folder, and none of the shipped models: {', '.join(shipped_names())}"
    raise BackendError(msg)


def torch_state(source: Path, advice: str, *, under: str = "") -> "dict[str, Tensor]":
    """Read the tensors of a file of torch, and nothing else: code in it is not run (``torch.load(weights_only=True)``).

    Parameters
    ----------
    source : Path
        File of ``torch.save``.
    advice : str
        What to give instead where it is not the state of a network.
    under : str
        Key that may hold the state in a checkpoint.

    Raises
    ------
    BackendError
        The file is missing, damaged, or holds more than tensors.
    """
    import torch

    if not source.is_file():
        msg = f"{source}: no such file"
        raise BackendError(msg)
    try:
        state = torch.load(source, map_location="cpu", weights_only=True)
    except (UnpicklingError, RuntimeError, EOFError) as error:
        first = str(error).strip().split("\n")[0]
        msg = f"{source}: holds more than weights or is damaged, and was not loaded: {first[:160]}"
        raise BackendError(msg) from None
    if under and isinstance(state, dict) and isinstance(state.get(under), dict):
        state = state[under]
    if not isinstance(state, dict) or not all(isinstance(value, torch.Tensor) for value in state.values()):
        msg = f"{source}: is not the state of a network; {advice}"
        raise BackendError(msg)
    return {str(key): value for key, value in state.items()}


def load_weights(folder: Path, architecture: str = "") -> tuple[ModelCard, Weights]:
    """Read the card and the weights of a model folder.

    Parameters
    ----------
    folder : Path
        Holds ``model.toml`` and the weights it names.
    architecture : str
        What the caller can use; another one on the card is refused. Empty: any.

    Returns
    -------
    ModelCard, Weights
        Floating-point weights as float32.

    Raises
    ------
    BackendError
        A file is missing, damaged or changed, the architecture is another, a weight is not a number.
    """
    card = load_model_card(folder)
    check_card(card, folder)
    where = folder / card.weights
    if architecture and card.architecture != architecture:
        msg = f"{folder / CARD} architecture: is '{card.architecture}', this backend uses '{architecture}' models"
        raise BackendError(msg)
    if where.suffix != ".safetensors" or where.parent != folder:
        msg = f"{folder / CARD} weights: got '{card.weights}', must name a .safetensors file in this folder"
        raise BackendError(msg)
    if not where.is_file():
        msg = f"{where}: no such file; {CARD} names it"
        raise BackendError(msg)
    found = sha256_file(where)
    if found != card.sha256:
        msg = f"{where}: sha256 is {found[:12]}..., {CARD} says {card.sha256[:12]}...; the file was changed"
        raise BackendError(msg)
    try:
        stored: list[tuple[str, dict[str, Any]]] = deserialize(read_bytes(where, MOST_WEIGHTS))  # type: ignore[no-untyped-call]
    except (SafetensorError, OSError, ValueError, OverflowError) as error:
        msg = f"{where}: not safetensors: {str(error)[:160]}"
        raise BackendError(msg) from None
    return card, {name: _values(part, f"{where}: '{name}'") for name, part in stored}


def _values(part: Mapping[str, Any], where: str) -> Samples:
    """Values of one weight as safetensors holds them: floating-point numbers as float32, others as they are."""
    kind = part["dtype"]
    if kind not in DTYPES:
        msg = f"{where} has the type {kind}; save the weights as float16 or float32"
        raise BackendError(msg)
    values: Samples = np.frombuffer(part["data"], DTYPES[kind]).reshape(part["shape"])
    if kind == "BF16":
        values = (values.astype(np.uint32) << np.uint32(16)).view(np.float32)
    if not np.issubdtype(values.dtype, np.floating):
        return np.array(values)
    if not np.isfinite(values).all():
        msg = f"{where} holds values that are not finite numbers; train again or take another copy"
        raise BackendError(msg)
    return np.array(values, np.float32)


def missing_extra(what: str, extra: str = "networks") -> str:
    """Sentence for an optional package that is not installed."""
    return f"{what} needs the extra '{extra}': pip install 'inspect_tool[{extra}]'"


def permitted(card: ModelCard, folder: Path, commercial: bool) -> None:
    """Refuse a model whose licence does not permit the use; ``commercial`` says whether the use is commercial."""
    if commercial and not card.commercial:
        msg = (
            f"{folder / CARD}: licence '{card.licence}' does not permit commercial use; choose another model, or set "
            "commercial = false in [backend] for research"
        )
        raise BackendError(msg)


def described(card: ModelCard) -> dict[str, str]:
    """What the settings of a segmentation say of the model that made it."""
    return {"model": card.name, "model_version": card.version, "model_title": card.title, "licence": card.licence}


def check_fit(network: Network, weights: Weights, folder: Path) -> None:
    """Refuse weights that a network does not name, or that it names in another shape: ``BackendError``."""
    check_shapes(shapes(network), weights, folder)


def check_shapes(wanted: Mapping[str, tuple[int, ...]], weights: Weights, folder: Path) -> None:
    """Refuse weights that are not those wanted, by name and shape: ``BackendError``."""
    found = {name: values.shape for name, values in weights.items()}
    for name in (*wanted, *found):
        if found.get(name) != wanted.get(name):
            msg = (
                f"{folder}: the weights do not fit the network of {CARD}: '{name}' {_shaped(found.get(name))}, "
                f"the network {_shaped(wanted.get(name))}"
            )
            raise BackendError(msg)


def _shaped(shape: tuple[int, ...] | None) -> str:
    return "has none" if shape is None else f"has the shape {list(shape)}"


def fitted(module: "nn.Module", weights: Mapping[str, "Tensor | Samples"], folder: Path) -> Any:
    """Put weights into a torch module, which is returned ready to predict; a misfit is a ``BackendError``."""
    import torch

    try:
        module.load_state_dict({name: torch.as_tensor(values) for name, values in weights.items()})
    except RuntimeError as error:
        first = str(error).split("\n")[1 if "\n" in str(error) else 0].strip()
        msg = f"{folder}: the weights do not fit the network of {CARD}: {first[:200]}"
        raise BackendError(msg) from None
    return module.eval()


def save_model(
    folder: Path, card: Mapping[str, object], weights: Mapping[str, "Tensor | Samples"], *, half: bool = True
) -> ModelCard:
    """Write a model folder as a whole: weights, and the card with their SHA-256.

    Parameters
    ----------
    folder : Path
        An older model of ours that is there is replaced.
    card : mapping
        Values of the ``ModelCard`` but for ``sha256``.
    weights : mapping of Tensor or ndarray
        State of the network.
    half : bool
        Store floating-point weights as float16: half the size; the prediction moves by less than 0.1 %.
    """
    with new_folder(folder) as made:
        return write_model(made, card, weights, half=half)


def write_model(
    folder: Path, card: Mapping[str, object], weights: Mapping[str, "Tensor | Samples"], *, half: bool
) -> ModelCard:
    """Write weights and card into a folder that is there; as ``save_model``."""
    from safetensors.numpy import save_file

    values = checked(ModelCard, {**card, "sha256": ""}, CARD, BackendError)
    file = folder / values.weights
    save_file({name: _kept(value, half) for name, value in weights.items()}, file)
    complete = checked(ModelCard, {**card, "sha256": sha256_file(file)}, CARD, BackendError)
    (folder / CARD).write_text(dump_model_card(complete), encoding="utf-8", newline="\n")
    return complete


def _kept(value: "Tensor | Samples", half: bool) -> Samples:
    """Values of one weight as they are stored; torch is not needed for those that are none of its tensors."""
    plain = value if isinstance(value, np.ndarray) else value.detach().cpu().numpy()
    return np.array(plain, np.float16 if half and plain.dtype == np.float32 else plain.dtype, order="C")


def gray_range(
    pixels: Samples, normalization: tuple[float, float] = (1.0, 99.0), roi: Mask | None = None
) -> tuple[float, float]:
    """Gray values that become 0 and 1: percentiles of the whole image, so that every tile is treated alike.

    Parameters
    ----------
    pixels : ndarray
        (rows, columns) or (rows, columns, channels).
    normalization : tuple of float
        Lower and upper percentile.
    roi : ndarray of bool, optional
        (rows, columns); only what it marks counts.

    Raises
    ------
    BackendError
        The image is constant.
    """
    stride = max(
        1, int((pixels.shape[0] * pixels.shape[1] / 4_000_000) ** 0.5)
    )  # percentiles of 4 Mpx are exact enough
    few = pixels[::stride, ::stride]
    if roi is not None and roi[::stride, ::stride].any():
        few = few[roi[::stride, ::stride]]
    low, high = (float(value) for value in np.percentile(few, normalization))
    if not high > low:
        low, high = float(few.min()), float(few.max())
    if not high > low:
        msg = f"the image is constant (gray value {low:g}) where it counts; check the exposure and the region"
        raise BackendError(msg)
    return low, high


def normalized(pixels: Samples, low: float, high: float) -> NDArray[np.float32]:
    """Gray values with ``low`` at 0 and ``high`` at 1, clipped to -0.5 ... 1.5; same shape, float32."""
    scaled = (pixels.astype(np.float32) - np.float32(low)) * np.float32(1 / (high - low))
    return np.clip(scaled, *CLIP, out=scaled)


_LEVELS = 4096  # gray values that are told apart


def equalized(image: NDArray[np.float32], inside: Mask | None = None) -> NDArray[np.float32]:
    """Share of the pixels that are darker: gray values of which there are many are spread, others drawn together.

    Two materials of nearly one gray, and a third far brighter, are as far apart from each other as from it.

    Parameters
    ----------
    image : ndarray of float32
        (rows, columns).
    inside : ndarray of bool, optional
        (rows, columns); only what it marks is counted.

    Examples
    --------
    >>> equalized(np.float32([[1, 1, 2, 9]])).tolist()
    [[0.25, 0.25, 0.625, 0.875]]
    """
    low, high = float(image.min()), float(image.max())
    level = ((image - low) * ((_LEVELS - 1) / max(high - low, 1e-12))).astype(np.intp)
    counted = level.ravel() if inside is None or not inside.any() else level[inside]
    many = np.bincount(counted, minlength=_LEVELS)
    darker = (np.cumsum(many) - many / 2) / counted.size
    return np.asarray(darker[level], np.float32)
