"""Find solder joints: dark regions with the steepest closed outlines that belong to one layout (balls, pads, die)."""

from collections.abc import Sequence
from math import pi
from typing import Literal

import cv2
import numpy as np

from inspect_tool.model import LabelImage, Mask
from inspect_tool.pixels.parts import strips
from inspect_tool.segmentation.joints.ball_array import covered_balls
from inspect_tool.segmentation.joints.levels import APART, MOST_OUTLINE, two_levels
from inspect_tool.segmentation.joints.outlines import balls_at_rim
from inspect_tool.segmentation.joints.regions import (
    CROSS,
    Box,
    Gray,
    Levels,
    boxes,
    filled,
    gradient_of,
    is_disc,
    kept_regions,
    nested_regions,
    outer_outline,
    region_of,
    smoothed,
    widened,
)
from inspect_tool.segmentation.joints.settings import Settings

_ARRAY = 4  # balls
_LITTLE = 0.02  # of the pixels of the joints: too few beside them to tell solder from what is around it
_SMALLEST_PAD = 0.25  # share of the largest; what is smaller is a lead or a part beside the pads
_BAND = 256  # rows, a multiple of 4: half of them is even, as rounding looks at it


def likely_polarities(gray: Levels, inside: Mask) -> list[Literal["solder dark", "solder bright"]]:
    """Order the polarities: what lies along the border of the image is rather not solder."""
    smooth = np.empty(gray.shape, np.uint8)
    for top, bottom in strips(gray.shape):
        smooth[top:bottom] = gray.blurred(top, bottom, 1.5)
    level, _ = cv2.threshold(smooth[inside].reshape(-1, 1), 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    border = np.concatenate([smooth[0], smooth[-1], smooth[:, 0], smooth[:, -1]])
    # solder is dark in transmission; only a border that is clearly dark speaks for an inverted picture
    return ["solder bright", "solder dark"] if (border <= level).mean() > 0.75 else ["solder dark", "solder bright"]


def polarity_of_joints(gray: Levels, objects: LabelImage) -> Literal["solder dark", "solder bright"]:
    """Compare given joints with what lies around them."""
    within, beside = [], []
    for top, bottom in strips(gray.shape):
        start = max(top - 6, 0)
        joint = objects[start : bottom + 6] > 0
        around = (cv2.dilate(joint.astype(np.uint8), np.ones((13, 13), np.uint8)) > 0) & ~joint
        own = slice(top - start, bottom - start)
        within.append(gray[top:bottom][joint[own]])
        beside.append(gray[top:bottom][around[own]])
    inner, outer = np.concatenate(within), np.concatenate(beside)
    if len(outer) < _LITTLE * len(inner) or not len(inner):  # the joint fills the picture
        return "solder dark"
    return "solder bright" if np.median(inner) > np.median(outer) else "solder dark"


def _reduced(image: Levels, step: int) -> Gray:
    """Mean gray values of squares of ``step`` x ``step`` pixels, 1 or 2; made in bands, to bound memory."""
    if step == 1:
        return image[:]
    bands = [image[top : top + _BAND] for top in range(0, image.shape[0], _BAND)]
    return np.concatenate([cv2.resize(each, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA) for each in bands])


def find_joints(image: Levels, inside: Mask, settings: Settings) -> tuple[LabelImage, str, int]:
    """Find joints: dark regions with the steepest closed outlines, then those that belong to one layout.

    Parameters
    ----------
    image : Levels
        Gray values of 0 to 255, solder dark.
    inside : boolean array (rows, columns)
        Where joints may lie.
    settings : Settings
        Its ``layout`` and ``min_joint_px``.

    Returns
    -------
    tuple
        Numbers of the joints in reading order, 0 elsewhere (nothing but 0: no joint was found), the layout, and how
        many other regions have the round outline of a free ball.
    """
    step = 2 if image.pixels.size > 500_000 else 1
    small = _reduced(image, step)
    mask = inside if step == 1 else cv2.resize(inside.astype(np.uint8), small.shape[::-1], interpolation=0) > 0
    bright = np.asarray(255 - cv2.GaussianBlur(cv2.medianBlur(small, 3), (0, 0), 1.2), dtype=np.float32)
    del small
    low, high = np.percentile(bright[mask], [1, 99.5])
    if high - low < 3:
        return np.zeros(image.shape, np.int32), settings.layout, 0
    levels = np.linspace(low + 0.04 * (high - low), high, 40)[::-1].tolist()
    least = pi / 4 * (settings.min_joint_px / step) ** 2
    if settings.layout in ("pads", "die"):
        least = max(least, {"pads": 0.002, "die": 0.05}[settings.layout] * mask.sum())
    nest = nested_regions(
        bright,
        mask,
        gradient_of(bright),
        levels,
        min_area=least,
        max_area=0.97 * float(mask.sum()),
        max_contact=0.45,
        min_roundness=0.12,
        fill=True,
    )
    candidates: list[tuple[int, Box, Mask, float, float]] = []
    for i in kept_regions(nest, list(nest.roots)):
        box, region = region_of(nest, i, bright, mask, fill=True)
        candidates.append((i, box, region, _roundness(region), float(nest.score[i])))
    candidates = _dark_inside(candidates, bright)
    chosen, layout = _of_one_layout(candidates, settings.layout)
    free = [each for each in chosen if _is_ball(each)]
    covered = (
        covered_balls(bright, gradient_of(bright), mask, [each[1:3] for each in free])
        if layout == "balls" and len(free) >= _ARRAY
        else []
    )
    if covered:
        chosen = [each for each in chosen if _is_ball(each) or not _overlaps(each[1:3], covered, bright.shape)]
    objects = np.zeros(image.shape, np.int32)
    regions = []
    for i, box, region, _, _ in chosen:
        full, region = _enlarged(box, region, step, image.shape)
        drawn = _at_steepest_edge(image, inside, full, region, 255 - float(nest.level[i]))
        regions.append(drawn if layout == "balls" else _without_frame(image, *drawn))
    regions += [_enlarged(box, region, step, image.shape) for box, region in covered]
    for number, (box, region) in enumerate(_in_reading_order(regions), start=1):
        objects[box][region & (objects[box] == 0)] = number
    out = sum(_is_ball(each) and not objects[_scaled(each[1], step)].any() for each in candidates)
    return balls_at_rim(image, inside, objects), layout, out


def _enlarged(box: Box, region: Mask, step: int, shape: tuple[int, ...]) -> tuple[Box, Mask]:
    """Bring a region of the reduced image to the size of the image."""
    if step == 1:
        return box, region
    full = _scaled(box, step)
    full = slice(full[0].start, min(full[0].stop, shape[0])), slice(full[1].start, min(full[1].stop, shape[1]))
    size = (full[1].stop - full[1].start, full[0].stop - full[0].start)
    return full, cv2.resize(region.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0


def _scaled(box: Box, step: int) -> Box:
    return slice(box[0].start * step, box[0].stop * step), slice(box[1].start * step, box[1].stop * step)


def _overlaps(one: tuple[Box, Mask], others: Sequence[tuple[Box, Mask]], shape: tuple[int, ...]) -> bool:
    """Tell whether a region shares pixels with any of the others."""
    drawn = np.zeros(shape, bool)
    for box, region in others:
        drawn[box] |= region
    return bool((drawn[one[0]] & one[1]).any())


def _is_ball(candidate: tuple[int, Box, Mask, float, float]) -> bool:
    """Tell the outline of a free ball: round, without notches."""
    return 0.80 <= candidate[3] <= 1.15 and _solid(candidate[2])


def _dark_inside(
    candidates: list[tuple[int, Box, Mask, float, float]], bright: Gray
) -> list[tuple[int, Box, Mask, float, float]]:
    """Leave out rings and faint shapes: the inside of a joint differs from its surroundings as that of the others."""
    contrast = []
    for _, box, region, _, _ in candidates:
        wide, own = widened(box, region, 6, bright.shape)
        own8 = own.astype(np.uint8)
        around = (cv2.dilate(own8, np.ones((11, 11), np.uint8)) > 0) & (
            cv2.dilate(own8, np.ones((5, 5), np.uint8)) == 0
        )
        outside = float(np.median(bright[wide][around])) if around.any() else float(bright.min())
        contrast.append(float(np.median(bright[wide][own])) - outside)
    if not contrast:
        return candidates
    weight = np.array([region.sum() for _, _, region, _, _ in candidates], dtype=float)
    typical = contrast[int(np.argmax(weight * np.maximum(contrast, 0)))]
    return [each for each, found in zip(candidates, contrast, strict=True) if found >= 0.5 * typical]


def _roundness(region: Mask) -> float:
    """Area of a region over that of a disc as wide as its longer extent."""
    height, width = region.shape
    return float(region.sum() / (pi / 4 * max(height, width) ** 2))


def _of_one_layout(
    candidates: list[tuple[int, Box, Mask, float, float]], layout: str
) -> tuple[list[tuple[int, Box, Mask, float, float]], str]:
    """Choose the joints among the candidates: those of an array of balls, the large ones, or the one die."""
    if not candidates:
        return [], layout
    area = np.array([region.sum() for _, _, region, _, _ in candidates], dtype=float)
    score = np.array([each[4] for each in candidates])
    strong = score >= 0.35 * score.max()
    round_ones = np.array([_is_ball(each) for each in candidates]) & strong
    if layout in ("auto", "balls") and round_ones.any():
        usual = float(np.median(area[round_ones & (area >= 0.25 * np.max(area[round_ones]))]))
        alike = round_ones & (area > 0.4 * usual) & (area < 2.5 * usual)
        array = alike.sum() >= _ARRAY and area[alike].sum() > 0.5 * area[strong].sum()
        if not array:  # balls that are equal are an array also where something larger lies over others of it
            equal = [round_ones & (area > 0.9 * each) & (area < 1.1 * each) for each in area[round_ones]]
            largest = max(equal, key=lambda these: float(area[these].sum()) if these.sum() >= _ARRAY else 0.0)
            array = largest.sum() >= _ARRAY and area[largest].sum() > 0.15 * area[strong].sum()
            usual = float(np.median(area[largest])) if array else usual
        if layout == "balls" or array:
            # the others of the array: cut by the image edge or joined to a trace
            also = strong & (area > 0.25 * usual) & (area < 2.5 * usual)
            return [each for each, keep in zip(candidates, also, strict=True) if keep], "balls"
    if layout == "balls":
        return [], layout
    weight = area * score
    if layout == "die":
        return [candidates[int(np.argmax(weight))]], "die"
    large = strong & (area >= _SMALLEST_PAD * area[np.argmax(weight)])
    chosen = [each for each, keep in zip(candidates, large, strict=True) if keep]
    return chosen, "pads" if layout == "pads" or len(chosen) > 1 else "die"


def _solid(region: Mask) -> bool:
    """Tell a region without deep notches: it fills 85 % of its convex hull."""
    hull = cv2.contourArea(cv2.convexHull(outer_outline(region)))
    return bool(region.sum() >= 0.85 * hull)


def _at_steepest_edge(image: Levels, inside: Mask, box: Box, region: Mask, level: float) -> tuple[Box, Mask]:
    """Draw the outline of one dark region again at full resolution, at the level with the steepest edge."""
    wide, seed = widened(box, region, 6, image.shape)
    crop = smoothed(image[wide], 0.8)
    near = cv2.dilate(seed.astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
    sure = cv2.erode(seed.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    around = near & ~cv2.dilate(seed.astype(np.uint8), np.ones((5, 5), np.uint8)).astype(bool)
    rim = seed & ~sure
    if not (sure.any() and around.any() and rim.any()):
        return wide, seed & inside[wide]
    gradient = gradient_of(crop)
    inner = np.ones(crop.shape, bool)
    inner[[0, -1]] = False
    inner[:, [0, -1]] = False
    low, high = float(np.percentile(crop[rim], 10)), float(np.percentile(crop[around], 60))
    best, best_region = -1.0, seed
    for candidate in [level, *np.linspace(low, high, 16)[1:-1].tolist()]:
        drawn = filled((((crop <= candidate) & near) | sure).astype(np.uint8))
        inside_edge = (drawn > 0) & (cv2.erode(drawn, CROSS) == 0) & inner
        outside_edge = (drawn == 0) & (cv2.dilate(drawn, CROSS) > 0) & inner
        if not (inside_edge.any() and outside_edge.any()):
            continue
        # the outline runs between the outermost pixels of the region and the first ones outside
        steep = float(gradient[inside_edge].mean() + gradient[outside_edge].mean()) / 2
        if steep > best:
            best, best_region = steep, drawn > 0
    count, lab, stats, _ = cv2.connectedComponentsWithStats(best_region.astype(np.uint8), connectivity=4)
    if count > 2:
        best_region = lab == 1 + int(np.argmax(stats[1:, 4]))
    return wide, best_region & inside[wide]


def _without_frame(image: Levels, box: Box, region: Mask) -> tuple[Box, Mask]:
    """Leave out the paddle or body that a pad was found with: a lighter frame all around most of the region.

    A ball has no frame: its rim is lighter.
    """
    core = cv2.erode(region.astype(np.uint8), np.ones((5, 5), np.uint8), borderValue=0) > 0
    if core.sum() < 100 or is_disc(region):
        return box, region
    levels = two_levels(smoothed(image[box], 0.8), core, 2)
    if levels is None or levels.at_outline <= MOST_OUTLINE or levels.step < APART * levels.spread:
        return box, region
    dark = filled((core & ~levels.void).astype(np.uint8))
    _, lab, stats, _ = cv2.connectedComponentsWithStats(dark, connectivity=4)
    largest = lab == 1 + int(np.argmax(stats[1:, 4]))
    return box, largest if largest.sum() >= 0.5 * region.sum() and _solid(largest) else region


def edges_near(image: Levels, inside: Mask, objects: LabelImage) -> LabelImage:
    """Move given outlines to the steepest edge near them."""
    found = np.zeros_like(objects)
    for number, box in boxes(objects):
        given = objects[box] == number
        for _ in range(3):  # each round reaches four pixels
            middle = float(np.median(image[box][given]))
            box, given = _at_steepest_edge(image, inside, box, given, middle)
        found[box][given & (found[box] == 0)] = number
    return found


def _in_reading_order(regions: list[tuple[Box, Mask]]) -> list[tuple[Box, Mask]]:
    """Sort by rows of joints, then from left to right."""
    if not regions:
        return []
    middle = [((box[0].start + box[0].stop) / 2, (box[1].start + box[1].stop) / 2) for box, _ in regions]
    height = float(np.median([box[0].stop - box[0].start for box, _ in regions]))
    order = sorted(range(len(regions)), key=lambda i: middle[i][0])
    lines: list[list[int]] = []
    for i in order:
        if lines and middle[i][0] - middle[lines[-1][0]][0] < height / 2:
            lines[-1].append(i)
        else:
            lines.append([i])
    return [regions[i] for line in lines for i in sorted(line, key=lambda i: middle[i][1])]
