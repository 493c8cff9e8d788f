"""Solder joints and their voids in X-ray transmission images.

Joints are given (shapes, a CSV of positions, a mask) or found. Voids are found inside each joint
against that joint's own solder background, so that the dome of a ball or the shading of a large pad
does not decide what a void is.

Joints and voids are found by one principle: of all nested gray-level regions of the image, those
are kept whose outline lies on the steepest gray-level edge. For a step edge blurred by the focal
spot this is the true outline. On a round shoulder, as of a spherical void or the side of a ball, the steepest
edge lies up to a pixel inside the rim; how round the shoulders of an image are shows in the height of
their steepest edge between ground and middle, and the outlines are moved to the rim by what blurred
discs and balls of that shape need. A region counts as a void when it stands
out against the solder around it by a share of the joint's own contrast and by a multiple of the local
noise, is at least as large as the stated minimum size, and does not just continue a ramp.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from inspect_tool.errors import BackendError, SettingsError
from inspect_tool.model import LabelImage, Mask, Micrograph, Segmentation, Told, stated
from inspect_tool.pixels.parts import Rows, connected_parts, strips
from inspect_tool.segmentation.joints.finding import edges_near, find_joints, likely_polarities, polarity_of_joints
from inspect_tool.segmentation.joints.outlines import (
    Fringe,
    balls_at_rim,
    edge_shape,
    fringe_of,
    moved_outline,
    rims_of,
    roundness_of_edges,
    ways_to_rim,
)
from inspect_tool.segmentation.joints.regions import Box, Floats, Gray, Levels, boxes, eight_bit_scale, grown
from inspect_tool.segmentation.joints.settings import Settings, Shape
from inspect_tool.segmentation.joints.shapes import check_shape, drawn, drawn_shape, joints_of_mask, read_positions
from inspect_tool.segmentation.joints.voids import voids_of_joint

__all__ = [
    "CLASSES",
    "KINDS",
    "PATHS",
    "VIA",
    "Settings",
    "Shape",
    "load",
    "read_positions",
    "segment",
]

KINDS: tuple[Literal["semantic", "instance"], ...] = ("semantic",)
PATHS = ("positions", "joint_mask")
CLASSES = {0: "background", 1: "joint", 2: "void"}
VIA = 3

_EDGE_SHARE = 0.07  # of the local contrast: how far a plausible outline lies from the one that was drawn


def load(settings: Settings) -> None:
    """Check what can be checked without an image; there is nothing to load."""
    given = sum((bool(settings.joints), bool(settings.positions), bool(settings.joint_mask)))
    if given > 1:
        msg = "backend joints: give one of 'joints', 'positions' and 'joint_mask', not several"
        raise SettingsError(msg)
    for key in ("joints", "voids", "vias"):
        for i, shape in enumerate(getattr(settings, key)):
            check_shape(shape, f"backend.{key}.{i}")
    for key, low in (("min_void_px", 1.0), ("min_joint_px", 4.0), ("significance", 0.0), ("min_contrast", 0.0)):
        if getattr(settings, key) < low:
            msg = f"backend.{key}: got {getattr(settings, key):g}, must be >= {low:g}"
            raise SettingsError(msg)
    if settings.surface_degree is not None and not 0 <= settings.surface_degree <= 6:
        msg = f"backend.surface_degree: got {settings.surface_degree}, must be 0 to 6"
        raise SettingsError(msg)


def segment(model: None, micrograph: Micrograph, settings: Settings) -> Segmentation:  # noqa: ARG001 - contract
    """Label solder 1, voids 2 and vias 3; ``objects`` numbers the joints.

    Returns
    -------
    Segmentation
        Semantic. ``settings`` holds the joint names in the order of their numbers, the polarity
        and layout that were found, and the contrast and noise of the joints.
    """
    started = perf_counter()
    pixels, where = micrograph.pixels, micrograph.path or "image"
    if not all(np.isfinite(pixels[top:bottom]).all() for top, bottom in strips(pixels.shape)):
        msg = f"{where}: holds values that are not numbers; repair the image"
        raise BackendError(msg)
    if pixels.min() == pixels.max():
        msg = f"{where}: every pixel has the same gray value; check the file"
        raise BackendError(msg)
    inside = _inside(micrograph)
    objects, image, told, source = _joints(eight_bit_scale(pixels), inside, settings, where)
    labels, doubtful, found = _labels(image, objects, settings)
    if micrograph.roi is not None:
        labels[~inside] = 0
        objects[~inside] = 0
    has_vias = bool((labels == VIA).any())
    made = Segmentation(
        labels=labels,
        classes={**CLASSES, VIA: "via"} if has_vias else dict(CLASSES),
        kind="semantic",
        backend="joints",
        objects=objects,
        doubtful=None if settings.voids else doubtful,
        settings={
            **{
                key: getattr(settings, key)
                for key in (
                    "outline", "straight_bands", "void_polarity", "min_void_px", "min_contrast",
                    "significance", "min_joint_px", "surface_degree", "find_vias",
                )
            },
            **stated(told),
            "joints": source,
            **found,
        },
        seconds=perf_counter() - started,
        coverage=1.0 if micrograph.roi is None else float(inside.mean()),
    )  # fmt: skip
    return replace(made, alternatives=partial(_others, micrograph, settings, made))


def _others(
    micrograph: Micrograph, settings: Settings, segmentation: Segmentation
) -> Iterator[tuple[str, Segmentation]]:
    """Yield the same joints with outlines at other plausible gray levels.

    The outline of every void and of every joint is moved to the gray level that lies 7 % of the local
    contrast lower or higher, within two pixels of where it was; given outlines are not moved. Voids that just
    count, or just do not, are left out or taken in.
    """
    base, objects = segmentation.labels, segmentation.objects
    assert objects is not None  # segment numbers them
    levels = replace(eight_bit_scale(micrograph.pixels), inverted=segmentation.told.polarity != "solder dark")

    def blurred(*, negative: bool) -> Rows[Gray]:
        def rows(top: int, bottom: int) -> Gray:
            gray = levels.blurred(top, bottom, 0.8)
            return -gray if negative else gray

        return Rows(rows, base.shape)

    if not settings.voids:
        assert segmentation.doubtful is not None
        for name, doubtful, label in zip(
            ("faint voids -", "faint voids +"), segmentation.doubtful, (1, 2), strict=True
        ):
            if len(doubtful):
                labels = base.copy()
                labels.flat[doubtful[base.flat[doubtful] != VIA]] = label
                yield name, replace(segmentation, labels=labels)
                del labels  # before the next one is made
        voids = connected_parts(lambda top, bottom: base[top:bottom] == 2, base.shape)
        for name, share, label in (("void edge -", -_EDGE_SHARE, 1), ("void edge +", _EDGE_SHARE, 2)):
            image = blurred(negative=settings.void_polarity == "darker")
            labels = base.copy()
            for box, moved in moved_outline(image, voids, lambda box: (objects[box] > 0) & (base[box] != VIA), share):
                labels[box][moved] = label
            yield name, replace(segmentation, labels=labels)
            del labels
    if not (settings.joints or settings.positions or settings.joint_mask) or settings.outline == "found":
        inside = _inside(micrograph)
        joints = connected_parts(lambda top, bottom: objects[top:bottom] > 0, base.shape)
        for name, share, label in (("joint edge -", -_EDGE_SHARE, 0), ("joint edge +", _EDGE_SHARE, 1)):
            labels = base.copy()
            for box, moved in moved_outline(blurred(negative=True), joints, lambda box: inside[box], share):
                labels[box][moved] = label
            yield name, replace(segmentation, labels=labels, objects=None)
            del labels


def _inside(micrograph: Micrograph) -> Mask:
    """Where the image counts; one byte in memory where it counts as a whole."""
    return np.broadcast_to(np.True_, micrograph.pixels.shape) if micrograph.roi is None else micrograph.roi


def _joints(gray: Levels, inside: Mask, settings: Settings, where: str) -> tuple[LabelImage, Levels, Told, str]:
    """Joint numbers, the image with dark solder, what was found about it, and where the joints come from."""
    shape = gray.shape
    if settings.joints or settings.positions or settings.joint_mask:
        if settings.joint_mask:
            objects, names = joints_of_mask(Path(settings.joint_mask), shape)
            source = f"mask {Path(settings.joint_mask).name}"
        elif settings.positions:
            objects, names = drawn(read_positions(Path(settings.positions)), shape, where)
            source = f"positions {Path(settings.positions).name}"
        else:
            objects, names = drawn(settings.joints, shape, where)
            source = "shapes of the job"
        objects[~inside] = 0
        polarity = settings.polarity if settings.polarity != "auto" else polarity_of_joints(gray, objects)
        image = replace(gray, inverted=polarity != "solder dark")
        if settings.outline == "found":
            objects = balls_at_rim(image, inside, edges_near(image, inside, objects))
        return objects, image, Told(polarity=polarity, layout="given", joint_names=names), source
    polarities = [settings.polarity] if settings.polarity != "auto" else likely_polarities(gray, inside)
    for polarity in polarities:
        image = replace(gray, inverted=polarity != "solder dark")
        objects, layout, left_out = find_joints(image, inside, settings)
        if objects.any():
            told = Told(
                polarity=polarity,
                layout=layout,
                layout_guessed=settings.layout == "auto",
                round_regions_left_out=left_out,
                joint_names=tuple(str(i + 1) for i in range(int(objects.max()))),
            )
            return objects, image, told, "found in the image"
    msg = (
        f"{where}: no joint found ({' or '.join(polarities)}, layout '{settings.layout}', diameter >= "
        f"{settings.min_joint_px:g} px); give [backend] joints, positions or joint_mask"
    )
    raise BackendError(msg)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Edges:
    """What is kept of the voids of one joint until the voids of all joints are known."""

    box: Box
    fringe: Fringe
    shape: tuple[Floats, Floats, Floats]
    support: NDArray[np.uint8]  # of every void


def _labels(
    image: Levels, objects: LabelImage, settings: Settings
) -> tuple[LabelImage, tuple[NDArray[np.intp], NDArray[np.intp]], dict[str, Any]]:
    """Label the voids and vias of every joint; tell the pixels of voids that just count and of what just does not."""
    labels = (objects > 0).astype(np.int32)
    support = np.zeros(image.shape, np.uint8)  # quarters
    bands = found_vias = round_ones = unsure = 0
    contrasts, noises = [], []
    edges: list[_Edges] = []
    via = np.zeros(image.shape, bool)
    for shape in settings.vias:
        box, mask = drawn_shape(shape, image.shape)
        via[box] |= mask
    if settings.voids:
        for shape in settings.voids:
            box, mask = drawn_shape(shape, image.shape)
            labels[box][mask & (objects[box] > 0)] = 2
    else:
        for number, tight in boxes(objects):
            box = grown(tight, 8, image.shape)
            joint = objects[box] == number
            free = joint & ~via[box]
            surroundings = (objects[box] == 0) & ~via[box]
            found = voids_of_joint(image[box], free, surroundings, settings)
            free &= ~found.via
            rims = rims_of(found.value, found.parts, free)
            quarters = (4 * found.support).astype(np.uint8)
            best = np.zeros(len(rims.area), np.uint8)
            np.maximum.at(best, rims.parts[found.void], quarters[found.void])
            support[box] = np.maximum(support[box], np.where(found.void & (quarters != 2), best[rims.parts], quarters))
            labels[box][found.void | found.bubbles] = 2
            edges.append(
                _Edges(box=box, fringe=fringe_of(found.value, rims, free), shape=edge_shape(rims), support=best)
            )
            via[box] |= found.via
            bands += found.bands
            found_vias += found.vias
            round_ones += found.disc
            unsure += found.unsure
            contrasts.append(found.contrast)
            noises.append(found.noise)
    if edges:
        # bubbles in a ball are rather round, those in a thin layer between two plates have walls
        usual = 0.5 if 2 * round_ones > len(edges) else 0.0
        roundness = roundness_of_edges([each.shape for each in edges], [each.fringe.length for each in edges], usual)
        for each in edges:
            fringe = each.fringe
            taken = fringe.taken(ways_to_rim(each.shape, roundness))
            at = fringe.row[taken], fringe.column[taken]
            labels[each.box][at] = 2
            support[each.box][at] = each.support[fringe.owner[taken]]
    labels[via & (objects > 0)] = VIA
    details: dict[str, Any] = {"voids": "drawn by hand" if settings.voids else "found in the image"}
    if contrasts:
        details |= {
            "joint_contrast": round(float(np.median(contrasts)), 2),
            "gray_noise": round(float(np.median(noises)), 2),
            **stated(Told(straight_bands_ignored=bands, joints_unsure=unsure)),
            "vias_found": found_vias,
        }
    if edges:
        details["void_edge_roundness"] = round(roundness, 2)
    if settings.vias:
        details["vias_given"] = len(settings.vias)
    counting, not_counting = [], []
    for top, bottom in strips(labels.shape):
        void, quarters = labels[top:bottom] == 2, support[top:bottom]
        counting.append(np.flatnonzero(void & (quarters < 4)) + top * labels.shape[1])
        not_counting.append(np.flatnonzero(~void & (quarters > 0)) + top * labels.shape[1])
    return labels, (np.concatenate(counting), np.concatenate(not_counting)), details
