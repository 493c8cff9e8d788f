"""What can be set of the backend, and what the classes on a model card make of its answer."""

from dataclasses import dataclass
from typing import Annotated, Literal

from typing_extensions import Doc

from inspect_tool.model import ModelCard
from inspect_tool.ranges import Above0, Share
from inspect_tool.segmentation.networks import tiling
from inspect_tool.segmentation.networks.runtime import Device, Engine, Precision

GRAINS = ("grain", "boundary")
"""Classes of a model whose labels are grains."""

JOINTS = ("background", "joint", "void")
"""Classes of a model whose labels are joints and the voids in them."""

GRAY = "gray_separation"
"""Setting of a card whose first two classes differ in gray: by how many spreads at least, see ``gray_opinion``."""

SHIFT = 0.2
"""A class is plausible where its probability is between 0.5 ± this, if the card says nothing else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What can be set; the model card has the rest."""

    model: Annotated[str, Doc("name of a shipped model, or a folder with weights and model.toml")] = "grain_boundary"
    threshold: Annotated[
        Share | None, Doc("of two classes: probability of the second; grains: of a boundary; None: of the card [1]")
    ] = None
    scale: Annotated[
        Above0[float] | None, Doc("enlargement before the network; None: to the scale of its training [1]")
    ] = None
    mount: Annotated[Literal["auto", "keep"], Doc("grains: dark mounting material at the image edge is left out")] = (
        "auto"
    )
    twins: Annotated[Literal["ignore", "count"], Doc("grains: twins that are etched like grain boundaries")] = "ignore"
    scratches: Annotated[
        Literal["ignore", "count"], Doc("grains: thin lines among boundaries etched wide and dark")
    ] = "ignore"
    joint_mask: Annotated[
        str, Doc("joints: image whose values number the joints, 0 outside; empty: they are found")
    ] = ""
    commercial: Annotated[bool, Doc("false permits models whose licence forbids commercial use")] = True
    device: Annotated[Device, Doc("auto: CUDA if there is a device, else the CPU")] = "auto"
    engine: Annotated[Engine, Doc("auto: OpenVINO where it is installed, else torch")] = "auto"
    precision: Annotated[Precision, Doc("auto: as the model card says, else bfloat16 where the processor has it")] = (
        "auto"
    )
    tile_px: Annotated[Above0[int], Doc("side of a tile; the result depends on it by less than 0.1 % [px]")] = (
        tiling.TILE_PX
    )


def threshold_of(card: ModelCard, settings: Settings) -> float:
    """Probability from which on a pixel is of the second of two classes: that of the job, else of the card. [1]"""
    return float(settings.threshold if settings.threshold is not None else card.settings.get("threshold", 0.5))


def shift_of(card: ModelCard) -> float:
    """By how much a probability may be off that is as plausible. [1]"""
    return float(card.settings.get("shift", SHIFT))
