"""What can be set of StarDist; the model has the rest."""

from dataclasses import dataclass
from typing import Annotated, Literal

from typing_extensions import Doc

from inspect_tool.ranges import Above0, Share
from inspect_tool.segmentation.networks.runtime import Device, Engine, Precision


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What can be set; the model has the rest."""

    model: Annotated[str, Doc("name of a shipped model, or a folder: model.toml, or config.json of StarDist")] = (
        "round_objects"
    )
    sha256: Annotated[str, Doc("of the weights file; when given, another file is refused")] = ""
    phase: Annotated[
        Literal["auto", "as trained", "dark", "bright"] | None,
        Doc(
            "objects against what is around them; auto: what the scales agree on, as trained where sizes are stated; "
            "None: what the recipe looks for (pores are dark), else auto"
        ),
    ] = None
    prob_threshold: Annotated[Share | None, Doc("from which a point is a candidate; None: of the model [1]")] = None
    nms_threshold: Annotated[
        Share | None, Doc("largest shared part of the smaller of two objects; None: of the model [1]")
    ] = None
    object_px: Annotated[
        tuple[Above0[float], Above0[float]] | None, Doc("smallest and largest diameters; None: any [px]")
    ] = None
    scale: Annotated[
        Above0[float] | None, Doc("enlargement before the network, and no other scale; None: found [1]")
    ] = None
    normalization: Annotated[
        tuple[float, float] | None, Doc("percentiles that become 0 and 1; None: of the model [%]")
    ] = None
    outline: Annotated[Literal["smooth", "polygon"], Doc("between the ends of the rays")] = "smooth"
    commercial: Annotated[bool, Doc("false permits models whose licence forbids commercial use")] = True
    device: Annotated[Device, Doc("auto: CUDA if there is a device, else the CPU")] = "auto"
    engine: Annotated[Engine, Doc("auto: OpenVINO where it is installed, else torch")] = "auto"
    precision: Annotated[
        Precision, Doc("rays are lengths: bfloat16 resolves 0.4 % of them, and is refused where it shows")
    ] = "fp32"
    tile_px: Annotated[Above0[int], Doc("side of a tile without its margin [px]")] = 1024
