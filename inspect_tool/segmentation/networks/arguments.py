"""Numbers that describe a network, checked before one is built of them: a line of a text file may ask for any memory.

The ranges are wider than any network that was published for such images, and narrow enough that building the
description alone costs nothing.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from math import isfinite
from pathlib import Path
from typing import Any, Literal

from inspect_tool.errors import BackendError
from inspect_tool.files import CARD, checked
from inspect_tool.model import ModelCard

_WIDEST = 4096  # channels of a layer
_MOST_SIGMAS = 12
_MOST_STAGES = 5
_GROUPS = 8  # of a group normalization
_GRIDS = (1, 2, 4, 8, 16)  # a grid is reached by halving the image
_FINEST_UM, _COARSEST_UM = 1e-4, 1e4  # per pixel of training images


@dataclass(frozen=True, slots=True, kw_only=True)
class UNetArguments:
    """Arguments of ``networks.unet.UNet``."""

    in_channels: int = 1
    classes: int = 2
    base: int = 16
    depth: int = 4
    widest: int = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class StarDistArguments:
    """Arguments of ``networks.stardist_net.StarDistNet``."""

    in_channels: int = 1
    rays: int = 32
    grid: tuple[int, int] = (2, 2)
    depth: int = 3
    base: int = 32
    convolutions: int = 2
    kernel: tuple[int, int] = (3, 3)
    pool: tuple[int, int] = (2, 2)
    features: int = 128
    activation: str = "relu"
    last_activation: str = "relu"
    batch_norm: bool = False
    expansion: float = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PixelArguments:
    """Arguments of the classifier of backend ``pixels``."""

    in_channels: int = 1
    classes: int = 2
    sigmas: tuple[float, ...] = (0.7, 1.5, 3.0, 6.0, 10.0)
    hidden: int = 24
    members: int = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptArguments:
    """Arguments of ``networks.unet.UNet`` that a click-conditioned network leaves open."""

    base: int = 12
    depth: int = 4
    widest: int = 96


@dataclass(frozen=True, slots=True, kw_only=True)
class MaskRCNNArguments:
    """Arguments of the networks of backend ``maskrcnn``; those of torchvision itself have no widths to choose."""

    body: Literal["narrow", "resnet50_fpn", "resnet50_fpn_v2"] = "narrow"
    in_channels: int = 1
    classes: int = 2
    widths: tuple[int, ...] = (48, 96, 160)  # of the stages, at strides 4, 8, 16, ...
    blocks: int = 2  # residual blocks of a stage
    features: int = 64  # channels of the pyramid
    hidden: int = 256  # of the head that tells objects from background
    mask_layers: int = 2
    anchors_px: tuple[float, ...] = (8.0, 12.0, 18.0, 27.0, 40.0, 60.0, 90.0, 135.0)  # finest first, evenly on levels
    epsilon: float = 1e-5  # of the normalization


@dataclass(frozen=True, slots=True, kw_only=True)
class SamArguments:
    """How an encoder and a decoder of the SAM family, exported to ONNX, are to be used."""

    decoder: str = "decoder.onnx"  # file beside the encoder
    decoder_sha256: str = ""
    side: int = 1024  # of the square image that the encoder takes, where its graph does not say [px]
    resize: Literal["pad", "stretch"] = "pad"  # how an image becomes a square
    mean: tuple[float, float, float] = (123.675, 116.28, 103.53)  # of red, green and blue, taken off
    deviation: tuple[float, float, float] = (58.395, 57.12, 57.375)  # and divided by


_RANGES: Mapping[str, tuple[float, float]] = {
    "in_channels": (1, 3),
    "classes": (2, 64),
    "base": (1, 512),
    "depth": (0, 8),
    "widest": (1, _WIDEST),
    "rays": (3, 512),
    "convolutions": (1, 8),
    "kernel": (1, 15),
    "pool": (1, 4),
    "features": (0, _WIDEST),
    "expansion": (0.25, 4.0),
    "sigmas": (0.3, 64.0),
    "hidden": (1, 512),
    "members": (2, 64),
    "widths": (8, 512),
    "blocks": (1, 8),
    "mask_layers": (1, 8),
    "anchors_px": (2.0, 1024.0),
    "epsilon": (0.0, 1.0),
    "side": (64, 4096),
    "mean": (0, 255),
    "deviation": (0.001, 255),
}


def unet_arguments(network: Mapping[str, object], where: str) -> dict[str, Any]:
    """Arguments of a U-Net from a model card; ``where`` starts the message of a ``BackendError``."""
    return _in_range(checked(UNetArguments, network, where, BackendError), where, {})


def stardist_arguments(
    network: Mapping[str, object], where: str, names: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Arguments of a StarDist network; ``names`` are those of the file, where it has others."""
    found = _in_range(checked(StarDistArguments, network, where, BackendError), where, names or {})
    for key, allowed, what in (
        ("grid", _GRIDS, "powers of 2 up to 16"),
        ("kernel", range(1, 16, 2), "odd sizes"),
    ):
        if not all(number in allowed for number in found[key]):
            msg = f"{where} {(names or {}).get(key, key)}: is {list(found[key])}; only {what} can be used"
            raise BackendError(msg)
    widest = found["base"] * max(1.0, found["expansion"]) ** found["depth"]
    if widest > _WIDEST:
        msg = f"{where}: {widest:.0f} channels in the deepest layer, at most {_WIDEST} can be used"
        raise BackendError(msg)
    return found


def pixel_arguments(network: Mapping[str, object], where: str) -> PixelArguments:
    """Arguments of a pixel classifier from a model card; ``where`` starts the message of a ``BackendError``."""
    found = checked(PixelArguments, network, where, BackendError)
    _in_range(found, where, {})
    if not 1 <= len(found.sigmas) <= _MOST_SIGMAS:
        msg = f"{where} sigmas: {len(found.sigmas)} widths; 1 to {_MOST_SIGMAS} can be used"
        raise BackendError(msg)
    return found


def prompt_arguments(network: Mapping[str, object], where: str) -> dict[str, Any]:
    """Arguments of a click-conditioned network from a model card."""
    return _in_range(checked(PromptArguments, network, where, BackendError), where, {})


def maskrcnn_arguments(network: Mapping[str, object], where: str) -> MaskRCNNArguments:
    """Arguments of a Mask R-CNN from a model card; ``where`` starts the message of a ``BackendError``."""
    found = checked(MaskRCNNArguments, network, where, BackendError)
    _in_range(found, where, {})
    if found.body != "narrow":
        if found.in_channels != 3:
            msg = f"{where} in_channels: got {found.in_channels}; those of torchvision take 3 (equal for gray)"
            raise BackendError(msg)
        return found
    if not found.features:
        msg = f"{where} features: got 0, must be at least 1"
        raise BackendError(msg)
    levels = len(found.widths) + 1  # the coarsest is taken from the last stage
    if not 1 <= len(found.widths) <= _MOST_STAGES:
        msg = f"{where} widths: {len(found.widths)} stages; 1 to {_MOST_STAGES} can be used"
        raise BackendError(msg)
    if any(width % _GROUPS for width in found.widths):
        msg = f"{where} widths: is {list(found.widths)}; only multiples of {_GROUPS} can be used"
        raise BackendError(msg)
    if not found.anchors_px or len(found.anchors_px) % levels or list(found.anchors_px) != sorted(found.anchors_px):
        msg = f"{where} anchors_px: is {list(found.anchors_px)}; must rise, as many for each of {levels} levels"
        raise BackendError(msg)
    return found


def sam_arguments(network: Mapping[str, object], where: str) -> SamArguments:
    """How a pair of the SAM family is used, from a model card."""
    found = checked(SamArguments, network, where, BackendError)
    numbers = {key: getattr(found, key) for key in ("side", "mean", "deviation")}
    _numbers_in_range(numbers, where, {})
    return found


def _in_range(
    arguments: UNetArguments | StarDistArguments | PixelArguments | MaskRCNNArguments | PromptArguments,
    where: str,
    names: Mapping[str, str],
) -> dict[str, Any]:
    found = asdict(arguments)
    _numbers_in_range(found, where, names)
    return found


def _numbers_in_range(found: Mapping[str, Any], where: str, names: Mapping[str, str]) -> None:
    for key, value in found.items():
        low, high = _RANGES.get(key, (-float("inf"), float("inf")))
        numbers = value if isinstance(value, tuple) else () if isinstance(value, str) else (value,)
        if not all(low <= number <= high for number in numbers):
            shown = list(value) if isinstance(value, tuple) else value
            msg = f"{where} {names.get(key, key)}: got {shown}, must lie between {low:g} and {high:g}"
            raise BackendError(msg)


def check_card(card: ModelCard, folder: Path) -> None:
    """Refuse a model card whose numbers cannot be: percentiles, scales, sizes, and those of its settings.

    Raises
    ------
    BackendError
        One line that names the key.
    """
    where = folder / CARD
    low, high = card.normalization
    if not 0 <= low < high <= 100:
        msg = f"{where} normalization: got [{low:g}, {high:g}], must be two percentiles from 0 to 100, the lower first"
        raise BackendError(msg)
    if card.pixel_um is not None and not _FINEST_UM <= card.pixel_um <= _COARSEST_UM:
        msg = f"{where} pixel_um: got {card.pixel_um:g}, no possible pixel size"
        raise BackendError(msg)
    if card.structure_px is not None and not 0 < card.structure_px[0] <= card.structure_px[1]:
        msg = f"{where} structure_px: got {list(card.structure_px)}, must be two sizes above 0, the smaller first"
        raise BackendError(msg)
    if not 1 <= len(card.classes) <= _RANGES["classes"][1]:
        msg = (
            f"{where} classes: {len(card.classes)} names; a network tells 1 to {_RANGES['classes'][1]:g} classes apart"
        )
        raise BackendError(msg)
    for key, value in card.settings.items():
        if isinstance(value, float) and not isfinite(value):
            msg = f"{where} settings.{key}: got {value}, must be a finite number"
            raise BackendError(msg)
    if card.architecture in ("unet", "pixels"):
        given = {"gray": 1, "rgb": 3}[card.channels]
        in_card = f"{where} network"
        is_unet = card.architecture == "unet"
        asked = unet_arguments(card.network, in_card) if is_unet else asdict(pixel_arguments(card.network, in_card))
        for key, number, said in (
            ("in_channels", given, f"channels = '{card.channels}'"),
            ("classes", len(card.classes), f"{len(card.classes)} classes are named"),
        ):
            if asked[key] != number and not (key == "in_channels" and card.channels == "gray" and asked[key] == 3):
                msg = f"{where} network.{key}: got {asked[key]}, but {said}"
                raise BackendError(msg)
        for key in ("missed_u_rel", "threshold", "shift", "gray_separation", "level", "lower", "higher", "smallest_px"):
            number_ = card.settings.get(key, 0.0)
            if isinstance(number_, bool) or not isinstance(number_, int | float) or not 0 <= number_ < 1e6:
                msg = f"{where} settings.{key}: got {number_!r}, must be a number from 0 on"
                raise BackendError(msg)
        if (precision := card.settings.get("precision", "auto")) not in ("auto", "fp32", "bf16"):
            msg = f"{where} settings.precision: got {precision!r}, must be 'auto', 'fp32' or 'bf16'"
            raise BackendError(msg)
    if card.architecture == "stardist":
        stardist_arguments(card.network, f"{where} network")
    if card.architecture == "prompt":
        prompt_arguments(card.network, f"{where} network")
    if card.architecture == "maskrcnn":
        told_apart = maskrcnn_arguments(card.network, f"{where} network").classes
        if told_apart != len(card.classes):
            msg = f"{where} network.classes: got {told_apart}, but {len(card.classes)} classes are named"
            raise BackendError(msg)
    if card.architecture == "sam":
        sam_arguments(card.network, f"{where} network")
