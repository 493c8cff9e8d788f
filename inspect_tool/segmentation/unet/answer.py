"""Labels that were made of the answer of a network, with what a report states of them."""

from collections.abc import Mapping
from time import perf_counter

from inspect_tool.model import LabelImage, Segmentation, Told, stated
from inspect_tool.segmentation.networks.weights import described
from inspect_tool.segmentation.unet import grain_labels
from inspect_tool.segmentation.unet.joint_labels import VIA
from inspect_tool.segmentation.unet.prediction import Model
from inspect_tool.segmentation.unet.settings import GRAINS, Settings, threshold_of


def segmentation_of(
    model: Model,
    settings: Settings,
    labels: LabelImage,
    found: Mapping[str, object],
    start: float,
    objects: LabelImage | None = None,
    vias: bool = False,
    unsure: int | None = None,
) -> Segmentation:
    """Put a segmentation together; ``found``: what the labels were made by, ``start``: when that began."""
    card = model.card
    used = {item: getattr(settings, item) for item in settings.__dataclass_fields__}
    named = {
        **described(card),
        **stated(Told(joints_unsure=unsure)),
    }
    grains = card.classes == GRAINS
    classes = {1: "grain"} if grains else dict(enumerate(card.classes))
    return Segmentation(
        labels=labels,
        classes={**classes, VIA: "via"} if vias else classes,
        kind="instance" if grains else "semantic",
        backend="unet",
        weights_sha256=card.sha256,
        settings={**used, **named, "threshold": threshold_of(card, settings), **found},
        seconds=perf_counter() - start,
        objects=objects,
        missed_u_rel=float(card.settings.get("missed_u_rel", grain_labels.MISSED_U_REL if grains else 0.0)),
    )
