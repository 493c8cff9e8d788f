"""Mask R-CNN of torchvision: built as a model card says, and run so that no detection is cut off unseen.

Two kinds of body: ``narrow``, residual stages with group normalization small enough to be shipped and trained on a
CPU; and those of torchvision itself, so that a network that was fine-tuned there can be used.

Positions are (x, y) with the center of the top-left pixel at 0, as torchvision samples its features.
"""

import sys
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from inspect_tool.segmentation.networks.arguments import MaskRCNNArguments
from inspect_tool.segmentation.networks.runtime import Batch, OutOfMemoryError

if TYPE_CHECKING:
    from torch import Tensor, nn

RATIOS = (0.5, 1.0, 2.0)  # heights over widths of the anchors
GROUPS = 8  # of a group normalization
CANONICAL_PX = 112  # a box of this size is looked at on the level of stride 16 by the heads of ``narrow``
LEAST_PROPOSAL = 0.2  # of the score with which the first stage proposes a place
PROPOSAL_NMS = 0.6  # of the proposals of ``narrow``: its anchors lie close together
CELLS = 28  # of a mask along each side of its box, in every network that can be built here
STRIDE = 32  # rows and columns are filled up to multiples of it, so that every level halves exactly [px]
MOST = 20_000  # places looked at in one part of an image
PLACES_AT_ONCE, MASKS_AT_ONCE = 2000, 128  # which bounds the memory of the heads


def build(arguments: MaskRCNNArguments, **training: Any) -> Any:
    """Make a network without weights; ``training`` are arguments of torchvision's ``MaskRCNN``."""
    from torch import nn
    from torchvision.models import detection

    if arguments.body != "narrow":
        make = {
            "resnet50_fpn": detection.maskrcnn_resnet50_fpn,
            "resnet50_fpn_v2": detection.maskrcnn_resnet50_fpn_v2,
        }[arguments.body]
        network = make(weights=None, weights_backbone=None, num_classes=arguments.classes, **training)
        for part in network.modules():
            if isinstance(part, nn.BatchNorm2d):
                part.eps = arguments.epsilon
        return network
    from torchvision.models.detection.anchor_utils import AnchorGenerator
    from torchvision.models.detection.backbone_utils import BackboneWithFPN
    from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead
    from torchvision.models.detection.mask_rcnn import MaskRCNNHeads, MaskRCNNPredictor
    from torchvision.ops import MultiScaleRoIAlign

    stages = [str(number) for number in range(len(arguments.widths))]
    levels = len(stages) + 1
    each = len(arguments.anchors_px) // levels
    anchors = AnchorGenerator(
        tuple(arguments.anchors_px[each * level : each * (level + 1)] for level in range(levels)), (RATIOS,) * levels
    )
    width = arguments.features
    pooled = partial(MultiScaleRoIAlign, stages, sampling_ratio=2, canonical_scale=CANONICAL_PX)
    return detection.MaskRCNN(
        BackboneWithFPN(
            _body(arguments),
            {f"stage{name}": name for name in stages},
            list(arguments.widths),
            width,
        ),
        rpn_anchor_generator=anchors,
        box_roi_pool=pooled(output_size=7),
        box_head=TwoMLPHead(width * 7 * 7, arguments.hidden),
        box_predictor=FastRCNNPredictor(arguments.hidden, arguments.classes),
        mask_roi_pool=pooled(output_size=14),
        mask_head=MaskRCNNHeads(width, (width,) * arguments.mask_layers, 1),
        mask_predictor=MaskRCNNPredictor(width, width, arguments.classes),
        image_mean=[0.0] * arguments.in_channels,
        image_std=[1.0] * arguments.in_channels,
        **{"rpn_nms_thresh": PROPOSAL_NMS, **training},
    )


def shapes(arguments: MaskRCNNArguments) -> dict[str, tuple[int, ...]]:
    """Shapes of all weights by name; no memory is taken for them."""
    import torch

    with torch.device("meta"):
        return {name: tuple(value.shape) for name, value in build(arguments).state_dict().items()}


def _body(arguments: MaskRCNNArguments) -> "nn.Module":
    """Residual stages at strides 4, 8, 16, ..."""
    from torch import nn
    from torchvision.models.resnet import BasicBlock

    norm = partial(nn.GroupNorm, GROUPS, eps=arguments.epsilon)
    half, first = arguments.widths[0] // 2 // GROUPS * GROUPS or GROUPS, arguments.widths[0]
    parts: OrderedDict[str, nn.Module] = OrderedDict(
        stem=nn.Sequential(
            nn.Conv2d(arguments.in_channels, half, 3, 2, 1, bias=False),
            norm(half),
            nn.ReLU(inplace=True),
            nn.Conv2d(half, first, 3, 2, 1, bias=False),
            norm(first),
            nn.ReLU(inplace=True),
        )
    )
    given = first
    for number, width in enumerate(arguments.widths):
        stride = 1 if number == 0 else 2
        down = None
        if stride > 1 or given != width:
            down = nn.Sequential(nn.Conv2d(given, width, 1, stride, bias=False), norm(width))
        blocks = [BasicBlock(given, width, stride, down, norm_layer=norm)]
        blocks += [BasicBlock(width, width, norm_layer=norm) for _ in range(arguments.blocks - 1)]
        parts[f"stage{number}"] = nn.Sequential(*blocks)
        given = width
    return nn.Sequential(parts)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Detections:
    """What was found in one part of an image, best first.

    Attributes
    ----------
    boxes : ndarray of float32
        (n, 4): left, top, right, bottom; the center of the top-left pixel is at 0. [px]
    scores : ndarray of float32
        (n,): how sure the network is that there is an object. [1]
    masks : ndarray of uint8
        (n, cells, cells): probability that a cell of the box belongs to the object, 255 for 1.
    """

    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]
    masks: NDArray[np.uint8]

    @staticmethod
    def none() -> "Detections":
        """Nothing found."""
        return Detections(
            boxes=np.zeros((0, 4), np.float32),
            scores=np.zeros(0, np.float32),
            masks=np.zeros((0, CELLS, CELLS), np.uint8),
        )

    def __len__(self) -> int:
        return len(self.scores)

    def __getitem__(self, which: NDArray[Any] | slice) -> "Detections":
        return Detections(boxes=self.boxes[which], scores=self.scores[which], masks=self.masks[which])


def joined(parts: Sequence[Detections]) -> Detections:
    """All detections of several parts, one part after the other."""
    return Detections(
        boxes=np.concatenate([part.boxes for part in parts]),
        scores=np.concatenate([part.scores for part in parts]),
        masks=np.concatenate([part.masks for part in parts]),
    )


class CrowdedError(Exception):
    """The first stage proposes as many places as it may: others may have been cut off."""


def prepare(network: Any, *, score: float, nms: float) -> Any:
    """Set what decides in torchvision's network which detections are given; its own limits on their number are lifted.

    Parameters
    ----------
    network : MaskRCNN of torchvision
        As ``build`` gives it; changed in place and returned.
    score : float
        Detections with a lower score are left out. [1]
    nms : float
        Of two boxes that overlap by more than this (intersection over union) the better one is kept. [1]
    """
    first, heads = network.rpn, network.roi_heads
    first.score_thresh = LEAST_PROPOSAL
    first._pre_nms_top_n["testing"] = sys.maxsize  # there is no public name for them
    first._post_nms_top_n["testing"] = MOST
    heads.score_thresh, heads.nms_thresh, heads.detections_per_img = score, nms, MOST
    return network


def detected(network: Any, image: Batch, *, inclusive: bool) -> Detections:
    """Find what a network sees in one part of an image.

    Parameters
    ----------
    network : MaskRCNN of torchvision
        From ``prepare``, in evaluation mode.
    image : ndarray of float32
        (1, channels, rows, columns), gray values from 0 to 1.
    inclusive : bool
        Boxes reach from the middle of the first pixel to that of the last one, as torchvision paints them; else they
        reach to the outer sides of these pixels.

    Raises
    ------
    CrowdedError
        More places are proposed than are looked at in one part.
    OutOfMemoryError
        The device has too little memory for this part.
    FloatingPointError
        The network gives values that are not finite numbers.
    """
    import torch
    from torchvision.models.detection.image_list import ImageList

    heads, sizes = network.roi_heads, [(image.shape[2], image.shape[3])]
    below, beside = (-size % STRIDE for size in sizes[0])
    padded = np.pad(image, ((0, 0), (0, 0), (0, below), (0, beside)), mode="edge")
    try:
        with torch.inference_mode():
            given = torch.from_numpy(padded).to(next(network.parameters()).device)
            mean, spread = (
                torch.tensor(values, device=given.device)[:, None, None]
                for values in (network.transform.image_mean, network.transform.image_std)
            )
            features = network.backbone((given - mean) / spread)
            _check_finite(*features.values())
            proposals, _ = network.rpn(ImageList(given, sizes), features)
            if len(proposals[0]) >= MOST:
                raise CrowdedError
            judged = [_judged(heads, features, some, sizes) for some in proposals[0].split(PLACES_AT_ONCE)]
            logits, shifts = (torch.cat(part) for part in zip(*judged, strict=True))
            _check_finite(logits, shifts)
            boxes, scores, labels = (part[0] for part in heads.postprocess_detections(logits, shifts, proposals, sizes))
            masks = [
                _masks(heads, features, *some, sizes)
                for some in zip(boxes.split(MASKS_AT_ONCE), labels.split(MASKS_AT_ONCE), strict=True)
            ]
    except torch.cuda.OutOfMemoryError as error:
        torch.cuda.empty_cache()
        raise OutOfMemoryError(str(error).split(".")[0]) from None
    edges = boxes.float().cpu().numpy()
    if inclusive:
        edges += np.array([-0.5, -0.5, 0.5, 0.5], np.float32)
    else:
        edges[edges <= 0] = -0.5  # torchvision cuts them off at 0, which is the middle of the first pixel
    return Detections(boxes=edges, scores=scores.float().cpu().numpy(), masks=np.concatenate(masks))


def _check_finite(*values: "Tensor") -> None:
    if not all(bool(part.isfinite().all()) for part in values):
        raise FloatingPointError


def _judged(heads: Any, features: Any, places: "Tensor", sizes: list[tuple[int, int]]) -> tuple["Tensor", "Tensor"]:
    """Scores of some places, and how their boxes are to be moved."""
    looked = heads.box_head(heads.box_roi_pool(features, [places], sizes))
    logits, shifts = heads.box_predictor(looked)
    return logits, shifts


def _masks(
    heads: Any, features: Any, boxes: "Tensor", labels: "Tensor", sizes: list[tuple[int, int]]
) -> NDArray[np.uint8]:
    """Masks of some boxes, as whole numbers: (n, cells, cells)."""
    import torch

    if not len(boxes):
        return np.zeros((0, CELLS, CELLS), np.uint8)
    logits = heads.mask_predictor(heads.mask_head(heads.mask_roi_pool(features, [boxes], sizes)))
    own = logits[torch.arange(len(labels), device=logits.device), labels].float().sigmoid()
    made: NDArray[np.uint8] = (own * 255).round().to(torch.uint8).cpu().numpy()
    return made
