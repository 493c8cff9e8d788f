"""A model folder as StarDist writes it: ``config.json``, ``thresholds.json`` and weights of Keras in HDF5.

Only numbers and names are read from the HDF5 file; nothing in it can run. The layouts of Keras 2, of the
compatible format that StarDist writes under Keras 3, of whole models, and of ``*.weights.h5`` are known.
"""

import json
import re
from collections.abc import Mapping
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inspect_tool.errors import BackendError
from inspect_tool.files import read_bytes, sha256_file
from inspect_tool.model import ModelCard
from inspect_tool.segmentation.networks.arguments import stardist_arguments
from inspect_tool.segmentation.networks.layers import Weights, shapes
from inspect_tool.segmentation.networks.stardist_net import ACTIVATIONS, StarDistNet
from inspect_tool.segmentation.networks.weights import missing_extra

CONFIG = "config.json"
THRESHOLDS = "thresholds.json"
WEIGHTS = ("weights_best.h5", "weights_last.h5", "weights_now.h5")  # the order in which StarDist itself prefers them
DEFAULT_THRESHOLDS = {"prob": 0.5, "nms": 0.4}  # of StarDist, where a folder has no thresholds.json
NORMALIZATION = (1.0, 99.8)  # percentiles; a folder does not say, these are those of the StarDist examples

_NETWORK = {  # argument of StarDistNet: key of config.json
    "in_channels": "n_channel_in",
    "rays": "n_rays",
    "grid": "grid",
    "depth": "unet_n_depth",
    "base": "unet_n_filter_base",
    "convolutions": "unet_n_conv_per_depth",
    "kernel": "unet_kernel_size",
    "pool": "unet_pool",
    "features": "net_conv_after_unet",
    "activation": "unet_activation",
    "last_activation": "unet_last_activation",
    "batch_norm": "unet_batch_norm",
    "expansion": "unet_expansion",
}
_MOST_JSON = 1 << 20  # of a settings file [byte]
_MOST_NUMBERS = 1 << 27  # of all weights of a file: a thousand times those of StarDist's own models
_DEEPEST = 8  # groups in each other
_MOST_ITEMS = 10_000  # groups and arrays of a file
_PARTS = ("kernel", "bias"), ("gamma", "beta", "moving_mean", "moving_variance")  # in the order of *.weights.h5
_SUFFIX = re.compile(r"^(.*?)(?:_(\d+))?$")

Arrays = dict[str, NDArray[np.float32]]


def is_stardist_folder(folder: Path) -> bool:
    """Whether a folder is one that StarDist wrote."""
    return (folder / CONFIG).is_file()


def weights_sha256(folder: Path) -> str:
    """SHA-256 of the weights of a folder that StarDist wrote. Raises a ``BackendError`` where there are none."""
    return sha256_file(_weights_file(folder))


def read_folder(folder: Path) -> tuple[ModelCard, Weights]:
    """Read a StarDist 2D model folder.

    Parameters
    ----------
    folder : Path
        Holds ``config.json``, weights in HDF5 and, usually, ``thresholds.json``.

    Returns
    -------
    ModelCard
        What the folder says; its licence is not stated.
    Weights
        Of ``StarDistNet``.

    Raises
    ------
    BackendError
        A file is missing or damaged, the network is none of StarDist 2D, a layer is missing or has another shape,
        a weight is not a number, h5py is not installed.
    """
    config = _json(folder / CONFIG)
    network = _network(config, folder / CONFIG)
    weights = _weights_file(folder)
    thresholds = dict(DEFAULT_THRESHOLDS)
    if (folder / THRESHOLDS).is_file():
        thresholds |= _json(folder / THRESHOLDS)
    for name in DEFAULT_THRESHOLDS:
        if not isinstance(thresholds[name], int | float) or not 0 < thresholds[name] < 1:
            msg = f"{folder / THRESHOLDS} {name}: got {thresholds[name]!r}, must lie between 0 and 1"
            raise BackendError(msg)
    channels = network["in_channels"]
    card = ModelCard(
        name=folder.name,
        version="not stated",
        title=f"StarDist 2D model '{folder.name}'",
        architecture="stardist",
        network=network,
        classes=("background", "object"),
        sha256=sha256_file(weights),
        licence="not stated",
        commercial=True,  # nothing in the folder forbids it; the laboratory knows where it has it from
        weights=weights.name,
        channels="rgb" if channels == 3 else "gray",
        normalization=NORMALIZATION,
        settings={"prob_threshold": thresholds["prob"], "nms_threshold": thresholds["nms"]},
    )
    return card, _state(network, read_layers(weights), weights)


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(read_bytes(path, _MOST_JSON))
    except (OSError, ValueError, RecursionError) as error:
        msg = f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}"
        raise BackendError(msg) from None
    if not isinstance(found, dict):
        msg = f"{path}: holds no table of settings"
        raise BackendError(msg)
    return found


def _network(config: Mapping[str, object], where: Path) -> dict[str, Any]:
    for key, wanted in (("n_dim", 2), ("backbone", "unet")):
        if config.get(key, wanted) != wanted:
            msg = f"{where} {key}: is {config[key]!r}; only StarDist 2D models with {key} {wanted!r} can be used"
            raise BackendError(msg)
    missing = [key for key in _NETWORK.values() if key not in config and key != "unet_expansion"]
    if missing:
        msg = f"{where}: has no '{missing[0]}'; this is no configuration of a StarDist 2D model"
        raise BackendError(msg)
    if config.get("unet_prefix"):
        msg = f"{where} unet_prefix: is '{config['unet_prefix']}'; layers with a prefix cannot be read"
        raise BackendError(msg)
    stated = {name: config[key] for name, key in _NETWORK.items() if key in config}
    network = stardist_arguments(stated, str(where), _NETWORK)
    if network["in_channels"] not in (1, 3):
        msg = f"{where} n_channel_in: is {network['in_channels']}; gray (1) and color (3) images can be segmented"
        raise BackendError(msg)
    for name in ("activation", "last_activation"):
        if network[name] not in ACTIVATIONS:
            msg = f"{where} unet_{name}: is '{network[name]}', must be one of {', '.join(ACTIVATIONS)}"
            raise BackendError(msg)
    return network


def _weights_file(folder: Path) -> Path:
    for name in WEIGHTS:
        for candidate in (folder / name, folder / name.replace(".h5", ".weights.h5")):
            if candidate.is_file():
                return candidate
    others = sorted(path for path in (*folder.glob("*.h5"), *folder.glob("*.hdf5")) if path.is_file())
    if len(others) != 1:
        found = ", ".join(path.name for path in others) or "none"
        msg = f"{folder}: needs weights_best.h5 or one .h5 file beside {CONFIG}; there are: {found}"
        raise BackendError(msg)
    return others[0]


# -------------------------------------------------------------------------------------------- weights of Keras


def read_layers(path: Path) -> dict[str, Arrays]:
    """Weights by layer and part ("kernel", "bias", "gamma", ...), whatever layout Keras wrote.

    Raises
    ------
    BackendError
        The file is no HDF5 file, or holds no layers.
    """
    try:
        import h5py
    except ImportError:
        raise BackendError(missing_extra(f"{path}:", "stardist")) from None
    try:
        read_bytes(path)  # a pipe or a device would be waited for
        with h5py.File(path, "r") as file:
            whole = "model_weights/" if "model_weights" in file else ""
            arrays, labels = _arrays(file)
            arrays = {name.removeprefix(whole): values for name, values in arrays.items() if name.startswith(whole)}
            newer = any(name.startswith("layers/") for name in arrays)
            layers = _newer(arrays, labels) if newer else _compatible(arrays)
    except (OSError, RuntimeError, LookupError, ValueError, TypeError, AttributeError, MemoryError) as error:
        msg = f"{path}: is no HDF5 file of weights that can be read: {str(error)[:160]}"
        raise BackendError(msg) from None
    if not layers:
        msg = f"{path}: holds no weights of layers"
        raise BackendError(msg)
    for name, parts in layers.items():
        for part, values in parts.items():
            if not np.isfinite(values).all():
                msg = f"{path}: '{name}/{part}' holds values that are not finite numbers; take another copy"
                raise BackendError(msg)
    return layers


def _arrays(file: Any) -> tuple[Arrays, dict[str, str]]:
    """Every array of a file by its path, and names that groups carry; links are not followed, loops are left.

    A ``ValueError`` says what is no weight: text, tables, arrays of which nothing was stored, too many.
    """
    import h5py

    arrays: Arrays = {}
    labels: dict[str, str] = {}
    seen: set[int] = set()
    waiting: list[tuple[str, Any]] = [("", file["/"])]
    numbers = 0
    while waiting:
        path, item = waiting.pop()
        address = h5py.h5o.get_info(item.id).addr
        if address in seen or path.count("/") > _DEEPEST:
            continue
        seen.add(address)
        if len(seen) > _MOST_ITEMS:
            msg = f"more than {_MOST_ITEMS} groups and arrays"
            raise ValueError(msg)
        if isinstance(item, h5py.Dataset):
            numbers += item.size
            stored = item.id.get_storage_size() or not item.size
            if item.dtype.kind not in "fiu" or not stored or numbers > _MOST_NUMBERS:
                msg = f"'{path}' promises {item.size} values of kind {item.dtype}: no weights, or not in the file"
                raise ValueError(msg)
            arrays[path] = np.asarray(item, np.float32)
            continue
        label = item.attrs.get("name")
        if label is not None:
            labels[path] = label.decode() if isinstance(label, bytes) else str(label)
        # the last one that waits is looked at first: turned around, the order of the file is kept
        waiting += [
            (f"{path}/{name}" if path else name, item[name])
            for name in reversed(list(item))
            if isinstance(item.get(name, getlink=True), h5py.HardLink)
        ]
    return arrays, labels


def _compatible(arrays: Arrays) -> dict[str, Arrays]:
    """One group per layer; arrays below it end in kernel, bias, ... with or without ':0'."""
    layers: dict[str, Arrays] = {}
    for path, values in arrays.items():
        layer, _, rest = path.partition("/")
        if rest:
            layers.setdefault(layer, {})[rest.rsplit("/", 1)[-1].split(":")[0]] = values
    return layers


def _newer(arrays: Arrays, labels: Mapping[str, str]) -> dict[str, Arrays]:
    """One group per layer, named by class; the name of the layer is an attribute, arrays have numbers."""
    numbered: dict[str, dict[int, NDArray[np.float32]]] = {}
    for path, values in arrays.items():
        found = re.fullmatch(r"(layers/[^/]+/vars)/(\d+)", path)
        if found:
            numbered.setdefault(found[1], {})[int(found[2])] = values
    layers: dict[str, Arrays] = {}
    for group, parts in numbered.items():
        names = _PARTS[0] if len(parts) <= len(_PARTS[0]) else _PARTS[1]
        ordered = [parts[number] for number in sorted(parts)]
        layers[labels.get(group, group.split("/")[1])] = dict(zip(names, ordered, strict=False))
    return layers


def _state(network: Mapping[str, Any], layers: Mapping[str, Arrays], path: Path) -> Weights:
    """Weights under the names of ``StarDistNet``, shapes checked."""
    net = StarDistNet(**network)
    expected = shapes(net)
    grids = iter(_in_order(layers, "conv2d"))
    norms = iter(_in_order(layers, "batch_normalization"))
    state: Weights = {}

    def part(layer: str | None, name: str, wanted: str) -> NDArray[np.float32]:
        if layer is None or layer not in layers or name not in layers[layer]:
            msg = f"{path}: has no '{name}' of layer '{layer or wanted}', which {CONFIG} asks for"
            raise BackendError(msg)
        return layers[layer][name]

    def put(name: str, values: NDArray[np.float32], layer: str) -> None:
        if values.shape != expected[name]:
            msg = f"{path}: layer '{layer}' has shape {values.shape}, {CONFIG} asks for {expected[name]}"
            raise BackendError(msg)
        state[name] = np.array(values, np.float32)

    def convolution(layer: str | None, wanted: str) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        # Keras: rows, columns, in, out; torch: out, in, rows, columns
        return part(layer, "kernel", wanted).transpose(3, 2, 0, 1), part(layer, "bias", wanted)

    for made in net.layers[:-1]:
        name = made.name.split(".")[1]
        kernel, bias = convolution(next(grids, None) if name.startswith("grid_") else name, name)
        put(f"{made.name}.weight", kernel, name)
        put(f"{made.name}.bias", bias, name)
        if made.norm:
            norm = next(norms, None)
            for key, its in (
                ("weight", "gamma"),
                ("bias", "beta"),
                ("running_mean", "moving_mean"),
                ("running_var", "moving_variance"),
            ):
                put(f"{made.norm}.{key}", part(norm, its, f"batch_normalization of {name}"), name)
            state[f"{made.norm}.num_batches_tracked"] = np.array(0)
    heads = [convolution(name, name) for name in ("prob", "dist")]
    put("head.weight", np.concatenate([kernel for kernel, _ in heads]), "prob and dist")
    put("head.bias", np.concatenate([bias for _, bias in heads]), "prob and dist")
    return state


def _in_order(layers: Mapping[str, Arrays], stem: str) -> list[str]:
    """Layers that Keras named itself, in the order in which they were made: stem, stem_1, ... stem_10.

    >>> _in_order({"conv2d_10": {}, "conv2d_9": {}, "prob": {}}, "conv2d")
    ['conv2d_9', 'conv2d_10']
    """
    found = []
    for name in layers:
        match = _SUFFIX.match(name)
        if match and match[1] == stem:
            found.append((int(match[2] or 0), name))
    return [name for _, name in sorted(found)]


def threshold_of(card: ModelCard, name: str, where: Path) -> float:
    """One threshold of a card, checked."""
    value = card.settings.get(name)
    if not isinstance(value, int | float) or not isfinite(value) or not 0 < value < 1:
        msg = f"{where} settings.{name}: got {value!r}, must lie between 0 and 1"
        raise BackendError(msg)
    return float(value)
