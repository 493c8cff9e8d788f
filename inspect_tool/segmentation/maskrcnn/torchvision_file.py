"""Networks that were fine-tuned with torchvision's own training scripts, as model folders."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inspect_tool.errors import BackendError
from inspect_tool.files import sha256_file
from inspect_tool.model import ModelCard
from inspect_tool.segmentation.networks.weights import save_model, torch_state

if TYPE_CHECKING:
    from torch import Tensor

SIDES_PX = {"short_side_px": 800, "long_side_px": 1333}  # to which torchvision brings every image by default
OF_BODY = {"resnet50_fpn": "roi_heads.box_head.fc6.weight", "resnet50_fpn_v2": "roi_heads.box_head.0.0.weight"}


def convert(
    source: Path,
    folder: Path,
    *,
    licence: str,
    commercial: bool,
    epsilon: float,
    title: str = "",
    objects: str = "object",
    resized: bool = True,
) -> ModelCard:
    """Write a model folder from the state of a ``maskrcnn_resnet50_fpn`` (or its second version) of torchvision.

    The file is read with ``torch.load(weights_only=True)``: nothing but tensors comes out of it, and code in it is
    not run. Its SHA-256 goes onto the card, so that the origin of the weights can be shown.

    Parameters
    ----------
    source : Path
        ``torch.save(network.state_dict(), source)``; a checkpoint with the state under ``model`` is read too.
    folder : Path
        Model folder to write; its name is the name of the model.
    licence : str
        Of the weights, and of the data they were trained on.
    commercial : bool
        Whether that licence permits commercial use.
    epsilon : float
        Of the batch normalization, which the file does not tell: 0.0 where training began with the weights
        ``MaskRCNN_ResNet50_FPN_Weights.COCO_V1``, else 1e-5.
    title, objects : str
        What the model is for, and what its objects are called in the report.
    resized : bool
        Whether images were brought to torchvision's default sides in training (800 px, at most 1333 px).

    Raises
    ------
    BackendError
        The file is missing, holds more than tensors, or is none of these networks.
    """
    import torch

    state = torch_state(source, "save network.state_dict()", under="model")
    weights: dict[str, Tensor] = {_named(key): value for key, value in state.items()}
    body = next((name for name, key in OF_BODY.items() if key in weights), None)
    scores = weights.get("roi_heads.box_predictor.cls_score.weight")
    if body is None or scores is None or "roi_heads.mask_predictor.mask_fcn_logits.weight" not in weights:
        msg = f"{source}: is not a Mask R-CNN of torchvision with a body of ResNet-50 (maskrcnn_resnet50_fpn or _v2)"
        raise BackendError(msg)
    for name in [name for name in weights if name.endswith(".running_var")]:
        counted = name.replace("running_var", "num_batches_tracked")  # a frozen normalization has none
        weights.setdefault(counted, torch.tensor(0))
    return save_model(
        folder,
        _card(source, folder, body, len(scores), epsilon, resized)
        | {
            "title": title or f"converted from {source.name}",
            "classes": ("background", objects),
            "licence": licence,
            "commercial": commercial,
        },
        weights,
        half=False,
    )


def _named(key: str) -> str:
    """Name of a weight as torchvision has it today; files of before 0.13 count the layers of the mask head from 1.

    >>> _named("module.roi_heads.mask_head.mask_fcn1.weight")
    'roi_heads.mask_head.0.0.weight'
    """
    return re.sub(r"mask_fcn(\d)\.", lambda found: f"{int(found[1]) - 1}.0.", key.removeprefix("module."))


def _card(source: Path, folder: Path, body: str, classes: int, epsilon: float, resized: bool) -> dict[str, Any]:
    return {
        "name": folder.name,
        "version": "1",
        "architecture": "maskrcnn",
        "network": {"body": body, "in_channels": 3, "classes": classes, "epsilon": epsilon},
        "channels": "rgb",
        "normalization": (0.0, 100.0),
        "settings": dict(SIDES_PX) if resized else {},
        "procedure": {"converted_from": source.name, "sha256_of_source": sha256_file(source)},
    }
