"""Find the voids and vias inside one joint, against the solder background of that joint."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import pi

import cv2
import numpy as np

from inspect_tool.measure.ball_doubts import of_bubbles
from inspect_tool.model import LabelImage, Mask
from inspect_tool.segmentation.joints.ball_voids import EVEN, groups_of_plateaus, parts_of_void, with_slopes
from inspect_tool.segmentation.joints.bands import is_band, without_bands
from inspect_tool.segmentation.joints.bubbles import faint_bubbles
from inspect_tool.segmentation.joints.levels import (
    TwoLevels,
    are_more,
    are_two,
    drawn_surface,
    in_dispute,
    polynomial_over,
    samples_of,
    terms_at,
    two_levels,
    weighted_fit,
)
from inspect_tool.segmentation.joints.regions import (
    CROSS,
    MARGIN,
    MAX_CONTACT,
    MAX_SHARE,
    MIN_ROUNDNESS,
    Candidate,
    Gray,
    connected,
    filled,
    gradient_of,
    is_disc,
    kept_regions,
    nested_regions,
    region_of,
    smoothed,
)
from inspect_tool.segmentation.joints.settings import Settings

_LEVELS = 48  # gray levels between the weakest void and the brightest one
_FLOOR = 1.6  # of the contrast a void must have: what a slope beside a void must stand out [1]
_LARGE = 0.08  # share of a joint from which its voids pull up a background that is fitted to all of it
_UNSURE = 0.05  # share of a joint in dispute (between two ways to tell its voids; void whose outline is an edge only
# in parts), from which its voids are not known
_SHARP = 0.5  # of the steepness of the edges between two levels: an edge like theirs
_ABOVE_NOISE = 3.0  # times the noise of a pixel: the steps of its specks are lower, and their edges as steep as any
_FAINT = 0.25  # of the step between solder and void: a lower one among noise is taken for a speck of it
_SURE_EDGE = 0.35  # of the significance that is asked for is enough for a region with such an edge
_DOUBT = 0.45  # evidence between this and 1/this of what is asked for: a void that may or may not be one


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Voids:
    """What was found in one joint; arrays (rows, columns) of its box."""

    void: Mask
    bubbles: Mask  # faint voids of a ball beside those, which end at their rim
    via: Mask
    parts: LabelImage  # of the void, each with its own edge
    support: Gray  # 1 a void beyond doubt, 0.75 it just counts, 0.5 in dispute, 0.25 it just does not, 0 solder
    contrast: float  # joint against surroundings [gray levels]
    noise: float  # [gray levels]
    value: Gray  # image above the solder background
    disc: bool = False  # the joint is round
    bands: int = 0
    vias: int = 0
    unsure: bool = False  # its levels do not tell solder from void


def voids_of_joint(image: Gray, joint: Mask, surroundings: Mask, settings: Settings) -> Voids:
    """Find the voids and vias of one joint.

    Parameters
    ----------
    image : array (rows, columns)
        Gray values of 0 to 255 around the joint, solder dark.
    joint, surroundings : boolean array (rows, columns)
        Pixels of the joint without given vias, and those that belong to no joint.
    settings : Settings
        What counts as a void or via.

    Returns
    -------
    Voids
        Empty, with contrast and noise 0, for a joint of less than 30 pixels two pixels inside its outline.
    """
    none = np.zeros(joint.shape, bool)
    joint8 = joint.astype(np.uint8)
    core = cv2.erode(joint8, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 5)), borderValue=0) > 0
    if core.sum() < 30:
        return Voids(
            void=none,
            bubbles=none,
            via=none,
            parts=none.astype(np.int32),
            support=none.astype(np.float32),
            contrast=0.0,
            noise=0.0,
            value=image,
        )
    noise = float(1.4826 * np.median(np.abs(image - cv2.medianBlur(image, 3))[joint]))
    around = surroundings & (cv2.dilate(joint8, np.ones((9, 9), np.uint8)) > 0)
    around &= cv2.dilate(joint8, CROSS) == 0
    low, middle, high = np.percentile(image[joint], [20, 50, 98])
    light = float(np.median(image[around])) if around.sum() >= 20 else float(high)
    contrast = max(light - float(middle), float(high - low), 2.0)
    noisy = noise > 0.04 * contrast
    smooth = smoothed(np.asarray(cv2.medianBlur(image, 5), np.float32), 1.2) if noisy else smoothed(image, 0.8)
    round_one = is_disc(joint)
    degree = settings.surface_degree if settings.surface_degree is not None else 2 if round_one else 4
    one = _Joint(image=image, mask=joint, core=core, light=light, contrast=contrast, noise=noise, disc=round_one)
    sign = np.float32(-1 if settings.void_polarity == "darker" else 1)
    if not round_one:
        return _voids_of_pad(sign * smooth, one, settings, degree)
    return _with_bubbles(sign * image, joint, _voids_of_ball(sign, smooth, one, settings, degree), settings)


def _above_ball(smooth: Gray, joint: Mask, solder: Mask, share: int, degree: int) -> Gray:
    """Gray values above the solder of a ball: without its shoulder (``share`` as there) and the shading.

    A large void would pull the surface up: what lies far above the darkest solder is no part of it.
    """
    dome = smooth - _shoulder(smooth, joint, solder, share)
    rest = dome - _solder_surface(dome, solder & (dome <= np.percentile(dome[solder], 35)), degree)
    low, quarter = np.percentile(rest[solder], (5, 25))
    return dome - _solder_surface(dome, solder & (rest <= low + 6 * (quarter - low)), degree)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Joint:
    """What is known of a joint before its voids are; arrays (rows, columns) of its box."""

    image: Gray
    mask: Mask
    core: Mask  # without the blurred edge of its outline
    light: float  # gray value around it
    contrast: float  # [gray levels]
    noise: float  # [gray levels]
    disc: bool


def _voids_of_ball(sign: np.float32, smooth: Gray, ball: _Joint, settings: Settings, degree: int) -> Voids:
    """Find the voids of a ball by their outlines."""
    core = ball.core
    first = _voids_above(sign * _above_ball(smooth, ball.mask, core, 25, degree), ball, settings)
    if first.void.sum() < _LARGE * core.sum():
        return first
    # a large void of a ball pulls the background up, its middle most of all: once more, without it
    wide = cv2.dilate(first.void.astype(np.uint8), np.ones((5, 5), np.uint8))
    solder = core & (filled(np.asarray(wide, dtype=np.uint8)) == 0)
    if solder.sum() < 0.2 * core.sum():
        return first
    return _voids_above(sign * _above_ball(smooth, ball.mask, solder, 50, degree), ball, settings)


def _with_bubbles(bright: Gray, joint: Mask, found: Voids, settings: Settings) -> Voids:
    """Add the faint voids of a ball that have no outline of their own."""
    bubbles, support = np.zeros(joint.shape, bool), found.support.copy()
    for mask, told in faint_bubbles(
        bright,
        joint,
        found.void | found.via,
        contrast=found.contrast,
        min_px=settings.min_void_px,
        min_contrast=settings.min_contrast,
        significance=settings.significance,
    ):
        more = mask & ~found.void & ~found.via
        bubbles |= more
        share = np.float32(1.0 if told >= settings.significance / _DOUBT else 0.75)
        support[more] = np.maximum(support[more], share)
    return replace(found, bubbles=bubbles, support=support)


def _voids_of_pad(bright: Gray, joint: _Joint, settings: Settings, degree: int) -> Voids:
    """Find the voids of a joint without a dome in two ways: by their outlines, and as the lighter of two levels.

    The outlines tell more (small and faint voids) and count. Where the levels disagree, the void is in doubt.
    """
    core = joint.core
    levels = two_levels(bright, core, degree)
    if levels is None:
        return _voids_above(bright - _solder_surface(bright, core, degree), joint, settings)
    two = are_two(levels)
    if two and levels.void.sum() >= _LARGE * core.sum():
        surface = levels.surface
    else:
        voids = cv2.dilate(levels.void.astype(np.uint8), np.ones((5, 5), np.uint8)) if two else np.zeros_like(core)
        surface = _solder_surface(bright, core & (voids == 0), degree)
    found = _voids_above(bright - surface, joint, settings, levels if two else None)
    dispute = in_dispute(levels, found.void | found.via) & core
    return replace(
        found,
        support=np.where(dispute, np.where(found.void, np.float32(0.5), np.float32(0.25)), found.support),
        unsure=are_more(levels) or dispute.sum() > _UNSURE * joint.mask.sum(),
    )


def _voids_above(value: Gray, joint: _Joint, settings: Settings, levels: TwoLevels | None = None) -> Voids:
    """Regions that stand out from the solder background: ``value`` is the height above it.

    Where solder and void are known as two ``levels``, what is void is no solder to compare with, an edge as sharp
    as theirs is evidence, and voids may hang together in any shape.
    """
    core, contrast = joint.core, joint.contrast
    none = np.zeros(core.shape, bool)
    support = np.zeros(core.shape, np.float32)
    beside = core if levels is None else core & (cv2.dilate(levels.void.astype(np.uint8), CROSS) == 0)
    weakest = max(0.4 * settings.min_contrast * contrast, 0.5)
    void, via = none.copy(), none.copy()
    bands = vias = 0
    uneven: list[tuple[Candidate, float]] = []  # with how far they stand out

    def taken(each: Candidate, step: float, share: float) -> None:
        nonlocal bands
        box, region, level = each.box, each.region, each.level
        if not joint.disc and settings.straight_bands == "ignore":
            region = without_bands(region, core[box])
            bands += np.count_nonzero(region) < np.count_nonzero(each.region)
        if joint.disc:
            region = with_slopes(region, value[box], core[box], step, _FLOOR * settings.min_contrast * contrast)
            level = step / 2
        if each.contact > 0:  # the core stops two pixels short of the joint's edge
            near = cv2.dilate(region.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
            region = region | (near & joint.mask[box] & ~core[box] & (value[box] >= level))
        void[box] |= region
        support[box] = np.maximum(support[box], np.where(region, np.float32(share), np.float32(0)))

    def settled(each: Candidate) -> bool:
        nonlocal bands, vias
        box, region = each.box, each.region
        step, spread, ramp = _step(value[box], region, beside[box])
        shape_right = each.score > 0.06 * step and ramp < 0.5 * step and step >= 3 * spread
        if joint.disc and shape_right and each.contact > 0 and not (of_bubbles(region) or is_band(region)):
            return False  # a band or the side of the ball, which ends at its rim, with voids in it or without
        # how often the region stands out as much as it must
        in_noise = levels is not None and step < _ABOVE_NOISE * joint.noise
        sharp = levels is not None and not in_noise and each.score * levels.width >= _SHARP * step
        asked = settings.significance * (_SURE_EDGE if sharp else 1)
        evidence = min(
            step / max(settings.min_contrast * contrast * (1 + 8 * each.contact), 1e-6),
            step * (region.sum() / 12) ** 0.5 / max(asked * spread, 1e-6),
        )
        if levels is not None and in_noise and step < _FAINT * levels.step:
            return False
        if not (shape_right and evidence >= 1):
            if shape_right and evidence >= _DOUBT:
                support[box] = np.maximum(support[box], np.where(region, np.float32(0.25), np.float32(0)))
            return False
        if settings.straight_bands == "ignore" and each.contact > 0 and is_band(region):
            bands += 1
        elif settings.find_vias and _is_via(joint.image[box], region, joint.light, contrast):
            via[box] |= region
            vias += 1
        elif each.even < EVEN:  # a void and what is light beside it: there may be an outline of the void alone
            uneven.append((each, step))
            return False
        else:
            taken(each, step, 1.0 if evidence >= 1 / _DOUBT else 0.75)
        return True

    smallest = pi / 4 * settings.min_void_px**2
    if joint.disc:
        groups_of_plateaus(value, core, noise=joint.noise, weakest=weakest, min_area=smallest, settled=settled)
    else:
        roundness = MIN_ROUNDNESS if levels is None else 0.0
        _nested(value, core, weakest=weakest, min_area=smallest, min_roundness=roundness, settled=settled)
    in_doubt = none.copy()
    for each, step in sorted(uneven, key=lambda found: found[0].score, reverse=True):
        if not (void[each.box] & each.region).any():
            taken(each, step, 0.75)
            in_doubt[each.box] |= each.region
    void &= joint.mask
    return Voids(
        void=void,
        bubbles=none,
        via=via & joint.mask,
        parts=parts_of_void(void, value, core) if joint.disc else connected(void),
        support=np.where(void, np.maximum(support, np.float32(0.75)), np.where(joint.mask, support, np.float32(0))),
        contrast=contrast,
        noise=joint.noise,
        value=value,
        disc=joint.disc,
        bands=bands,
        vias=vias,
        unsure=bool(in_doubt.sum() > _UNSURE * joint.mask.sum()),
    )


def _nested(
    value: Gray,
    core: Mask,
    *,
    weakest: float,
    min_area: float,
    min_roundness: float,
    settled: Callable[[Candidate], bool],
) -> None:
    """Show the regions with the steepest outlines among nested ones, and what lies in those that are not settled."""
    strongest = float(np.percentile(value[core], 99.95))
    if strongest <= weakest:
        return
    nest = nested_regions(
        value,
        core,
        gradient_of(value),
        np.linspace(weakest, strongest, _LEVELS)[::-1].tolist(),
        min_area=min_area,
        max_area=MAX_SHARE * float(core.sum()),
        max_contact=MAX_CONTACT,
        min_roundness=min_roundness,
    )
    todo = list(nest.roots)
    for i in kept_regions(nest, todo):
        box, region = region_of(nest, i, value, core, margin=MARGIN)
        found = Candidate(
            box=box,
            region=region,
            score=float(nest.score[i]),
            contact=float(nest.contact[i]),
            level=float(nest.level[i]),
        )
        if not settled(found):
            todo += nest.children[i]


def _shoulder(image: Gray, joint: Mask, solder: Mask, share: int) -> Gray:
    """Gray value of void-free solder by its distance from the joint's outline.

    The side of a ball is lighter the nearer it is to the outline. The profile only falls toward the inside: a
    void in the middle of the joint does not lift it. ``share`` is the percentile that stands for the solder at
    one distance.
    """
    depth = cv2.distanceTransform(np.pad(joint, 1).astype(np.uint8), cv2.DIST_L2, 5)[1:-1, 1:-1]
    ring = np.minimum(depth, float(np.percentile(depth[solder], 98))).astype(np.intp)
    order = np.argsort(ring[solder], kind="stable")
    values, rings = image[solder][order], ring[solder][order]
    starts = np.searchsorted(rings, np.arange(int(rings[-1]) + 2))
    sizes = np.diff(starts)
    enough = np.nonzero(sizes >= 8)[0]
    if not len(enough):
        return np.full(image.shape, float(np.median(values)), np.float32)
    profile = [float(np.percentile(values[starts[i] : starts[i + 1]], share)) for i in enough.tolist()]
    return np.interp(depth, enough + 0.5, np.minimum.accumulate(profile)).astype(np.float32)


def _solder_surface(image: Gray, core: Mask, degree: int) -> Gray:
    """Fit a smooth surface to the solder; what is brighter (voids) counts little.

    Iteratively reweighted least squares with a weight that falls faster above the surface than below it.
    """
    surface = polynomial_over(core, degree)
    rows, columns = samples_of(core)
    terms = terms_at(surface, rows, columns)
    values = image[rows, columns].astype(np.float64)
    weights = np.ones(len(values))
    factors = np.zeros(len(surface.powers))
    for _ in range(8):
        factors = weighted_fit(terms, values, weights)
        rest = values - terms @ factors
        below = rest[rest < np.median(rest)]
        spread = max(1.4826 * float(np.median(np.abs(below))), 0.5) if len(below) else 0.5
        scaled = rest / np.where(rest > 0, 1.5 * spread, 3 * spread)
        weights = np.where(rest > 0, 1 / (1 + scaled**2) ** 2, 1 / (1 + scaled**2))
    return drawn_surface(surface, factors, image.shape)


def _step(value: Gray, region: Mask, core: Mask) -> tuple[float, float, float]:
    """Contrast across the outline of a region, spread of the solder beside it, and how far it just goes on falling."""
    out_px = cv2.distanceTransform((~region).astype(np.uint8), cv2.DIST_L2, 3)
    ring = (out_px > 1.5) & (out_px <= 5) & core
    if ring.sum() < 8:
        return 0.0, 1.0, 0.0
    in_px = cv2.distanceTransform(region.astype(np.uint8), cv2.DIST_L2, 3)
    band = (in_px >= min(2.0, float(in_px.max()))) & (in_px <= 4)
    beside = value[ring]
    low = float(np.median(beside))
    spread = max(1.4826 * float(np.median(np.abs(beside - low))), 0.8 * float(beside.std()), 1e-3)
    far = (out_px > 5) & (out_px <= 8.5) & core
    ramp = low - float(np.median(value[far])) if far.sum() >= 8 else 0.0
    return float(np.median(value[band])) - low, spread, ramp


def _is_via(image: Gray, region: Mask, light: float, contrast: float) -> bool:
    """Tell a plated hole: very round, and nearly as light as what lies around the joint."""
    return is_disc(region, 0.85) and float(np.median(image[region])) >= light - 0.15 * contrast
