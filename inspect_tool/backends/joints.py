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
from pathlib import Path
from time import perf_counter
from typing import Any, Literal

import cv2
import numpy as np

from inspect_tool.backends._joint_finding import edges_near, find_joints, likely_polarities, polarity_of_joints
from inspect_tool.backends._joint_outlines import (
    Rims,
    balls_at_rim,
    connected,
    grown_by,
    moved_outline,
    rims_of,
    roundness_of_edges,
    ways_to_rim,
)
from inspect_tool.backends._joint_regions import Box, Gray, boxes, grown
from inspect_tool.backends._joint_settings import Settings, Shape
from inspect_tool.backends._joint_shapes import check_shape, drawn, drawn_shape, joints_of_mask, read_positions
from inspect_tool.backends._joint_voids import Voids, voids_of_joint
from inspect_tool.errors import BackendError, SettingsError
from inspect_tool.model import LabelImage, Mask, Micrograph, Segmentation

__all__ = [
    "CLASSES",
    "KINDS",
    "PATHS",
    "VIA",
    "Settings",
    "Shape",
    "alternatives",
    "load",
    "read_positions",
    "segment",
]

KINDS: tuple[Literal["semantic", "instance"], ...] = ("semantic",)
PATHS = ("positions", "joint_mask")
CLASSES = {0: "background", 1: "joint", 2: "void"}
VIA = 3

_BAND = 256  # rows
_BESIDE = 16  # rows beside a band that are looked at; outlines move by two
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
    gray = micrograph.pixels.astype(np.float32)
    where = micrograph.path or "image"
    if not np.isfinite(gray).all():
        msg = f"{where}: holds values that are not numbers; repair the image"
        raise BackendError(msg)
    if float(np.ptp(gray)) <= 0:
        msg = f"{where}: every pixel has the same gray value; check the file"
        raise BackendError(msg)
    gray = _eight_bit_scale(gray, micrograph.pixels.dtype)
    inside = np.ones(gray.shape, bool) if micrograph.roi is None else micrograph.roi
    objects, names, image, found = _joints(gray, inside, settings, where)
    labels, support, details = _labels(image, objects, settings)
    labels[~inside] = 0
    objects[~inside] = 0
    has_vias = bool((labels == VIA).any())
    return Segmentation(
        labels=labels,
        classes={**CLASSES, VIA: "via"} if has_vias else dict(CLASSES),
        kind="semantic",
        backend="joints",
        objects=objects,
        probability=None if settings.voids else support,
        settings={
            **{
                key: getattr(settings, key)
                for key in (
                    "outline", "straight_bands", "void_polarity", "min_void_px", "min_contrast",
                    "significance", "min_joint_px", "surface_degree", "find_vias",
                )
            },
            **found,
            **details,
            "joint_names": names,
        },
        seconds=perf_counter() - started,
        coverage=float(inside.mean()),
    )  # fmt: skip


def alternatives(
    model: None, micrograph: Micrograph, settings: Settings, segmentation: Segmentation
) -> Iterator[tuple[str, Segmentation]]:
    """Yield the same joints with outlines at other plausible gray levels.

    The outline of every void and of every joint is moved to the gray level that lies 7 % of the local
    contrast lower or higher, within two pixels of where it was; given outlines are not moved. Voids that just
    count, or just do not, are left out or taken in.
    """
    load(settings)
    del model
    image = _eight_bit_scale(micrograph.pixels.astype(np.float32), micrograph.pixels.dtype)
    if segmentation.settings["polarity"] != "solder dark":
        np.subtract(255, image, out=image)
    cv2.GaussianBlur(image, (0, 0), 0.8, dst=image)
    lighter = settings.void_polarity == "lighter"
    assert segmentation.objects is not None  # made by segment above
    joint = segmentation.objects > 0
    if not settings.voids:
        void = segmentation.labels == 2
        assert segmentation.probability is not None
        for name, doubtful in (
            ("faint voids -", void & (segmentation.probability < 0.9)),
            ("faint voids +", ~void & (segmentation.probability > 0.1)),
        ):
            if doubtful.any():
                changed = np.where(doubtful, 1 if name.endswith("-") else 2, segmentation.labels)
                labels = np.where(segmentation.labels == VIA, VIA, changed).astype(np.int32)
                yield name, _with_labels(segmentation, labels, segmentation.objects)
        if not lighter:
            np.negative(image, out=image)
        for name, share in (("void edge -", -_EDGE_SHARE), ("void edge +", _EDGE_SHARE)):
            moved = moved_outline(image, void, joint & (segmentation.labels != VIA), share)
            labels = segmentation.labels.copy()
            labels[void] = 1
            labels[moved] = 2
            del moved
            yield name, _with_labels(segmentation, labels, segmentation.objects)
            del labels
        del void
        if not lighter:
            np.negative(image, out=image)
    if not (settings.joints or settings.positions or settings.joint_mask) or settings.outline == "found":
        everywhere = np.ones(joint.shape, bool) if micrograph.roi is None else micrograph.roi
        np.negative(image, out=image)
        for name, share in (("joint edge -", -_EDGE_SHARE), ("joint edge +", _EDGE_SHARE)):
            moved = moved_outline(image, joint, everywhere, share)
            objects = _nearest(segmentation.objects) if share > 0 else segmentation.objects.copy()
            objects[~moved] = 0
            labels = segmentation.labels.copy()
            labels[moved & (labels < 1)] = 1
            labels[~moved] = 0
            del moved
            yield name, _with_labels(segmentation, labels, objects)
            del labels, objects


def _joints(
    gray: Gray, inside: Mask, settings: Settings, where: str
) -> tuple[LabelImage, tuple[str, ...], Gray, dict[str, Any]]:
    """Joint numbers, their names, the image with dark solder, and what was found about it."""
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
        image = gray if polarity == "solder dark" else 255 - gray
        if settings.outline == "found":
            objects = balls_at_rim(image, inside, edges_near(image, inside, objects))
        return objects, names, image, {"polarity": polarity, "layout": "given", "joints": source}
    polarities = [settings.polarity] if settings.polarity != "auto" else likely_polarities(gray, inside)
    for polarity in polarities:
        image = gray if polarity == "solder dark" else 255 - gray
        objects, layout = find_joints(image, inside, settings)
        if objects.any():
            names = tuple(str(i + 1) for i in range(int(objects.max())))
            return objects, names, image, {"polarity": polarity, "layout": layout, "joints": "found in the image"}
    msg = (
        f"{where}: no joint found ({' or '.join(polarities)}, layout '{settings.layout}', diameter >= "
        f"{settings.min_joint_px:g} px); give [backend] joints, positions or joint_mask"
    )
    raise BackendError(msg)


def _labels(image: Gray, objects: LabelImage, settings: Settings) -> tuple[LabelImage, Gray, dict[str, Any]]:
    """Label the voids and vias of every joint."""
    labels = (objects > 0).astype(np.int32)
    support = np.zeros(image.shape, np.float32)
    bands = found_vias = 0
    contrasts, noises = [], []
    joints: list[tuple[Box, Voids, Rims, Mask]] = []
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
            support[box] = np.maximum(support[box], found.support)
            free &= ~found.via
            joints.append((box, found, rims_of(found.value, connected(found.void), free), free))
            via[box] |= found.via
            bands += found.bands
            found_vias += found.vias
            contrasts.append(found.contrast)
            noises.append(found.noise)
    if joints:
        # bubbles in a ball are rather round, those in a thin layer between two plates have walls
        round_ones = sum(found.disc for _, found, _, _ in joints)
        usual = 0.3 if 2 * round_ones > len(joints) else 0.0
        roundness = roundness_of_edges([rims for _, _, rims, _ in joints], usual)
        for box, found, rims, free in joints:
            moved = grown_by(found.value, rims, free, ways_to_rim(rims, roundness))
            labels[box][moved > 0] = 2
            best = np.zeros(int(rims.parts.max()) + 1, np.float32)
            np.maximum.at(best, rims.parts.ravel(), np.where(found.void, found.support, np.float32(0)).ravel())
            support[box] = np.where(moved > 0, best[moved], support[box])
    labels[via & (objects > 0)] = VIA
    details: dict[str, Any] = {"voids": "drawn by hand" if settings.voids else "found in the image"}
    if contrasts:
        details |= {
            "joint_contrast": round(float(np.median(contrasts)), 2),
            "gray_noise": round(float(np.median(noises)), 2),
            "straight_bands_ignored": bands,
            "vias_found": found_vias,
        }
    if joints:
        details["void_edge_roundness"] = round(roundness, 2)
    if settings.vias:
        details["vias_given"] = len(settings.vias)
    return labels, support, details


def _nearest(objects: LabelImage) -> LabelImage:
    """Number of the nearest object for every pixel within some pixels of one; band by band, to bound memory."""
    numbers = objects.copy()
    for top in range(0, len(objects), _BAND):
        start = max(top - _BESIDE, 0)
        own = objects[start : top + _BAND + _BESIDE]
        if not own.any():
            continue
        _, index = cv2.distanceTransformWithLabels(
            (own == 0).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
        )
        number = np.zeros(int(index.max()) + 1, np.int32)
        inside = own > 0
        number[index[inside]] = own[inside]
        numbers[top : top + _BAND] = number[index[top - start : top - start + _BAND]]
    return numbers


def _with_labels(segmentation: Segmentation, labels: LabelImage, objects: LabelImage) -> Segmentation:
    return Segmentation(
        labels=labels,
        classes=segmentation.classes,
        kind="semantic",
        backend=segmentation.backend,
        settings=segmentation.settings,
        objects=objects,
        coverage=segmentation.coverage,
    )


def _eight_bit_scale(gray: Gray, kind: np.dtype[Any]) -> Gray:
    """Bring gray values to 0..255; 8-bit images stay as they are, others are stretched over their range."""
    if kind == np.uint8:
        return gray
    low, high = float(gray.min()), float(gray.max())
    return np.asarray((gray - low) * np.float32(255 / max(high - low, 1e-12)), dtype=np.float32)
