"""Bodies in an electron microscope: powder, crystals and rods in a heap (SEM), or on a film that shines through (TEM).

Unlike ``particles``, which draws flat shapes with straight contacts, bodies have a height: the one that lies higher
hides the one behind it, the slope of a surface decides how bright it is (SEM), and its thickness how dark (TEM).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import cos, exp, log, pi, sin, sqrt
from typing import Literal, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from inspect_tool.errors import SettingsError
from inspect_tool.model import LabelImage
from inspect_tool.synthetic._drawing import blurred, to_8bit, window_about
from inspect_tool.synthetic._random import cloud, cut_normal
from inspect_tool.synthetic.field import Field, Gray, Shape, checked_share

BodyKind: TypeAlias = Literal["spheres", "nodules", "crystals", "plates", "rods"]
Signal: TypeAlias = Literal["sem", "tem"]

CUT = 2.5  # the diameters are log-normal, cut at so many standard deviations
FULLEST = 0.95  # share of the area that bodies in a heap may be asked to cover
TRIES = 12  # places that are tried for a body before it is left out
SEEN = 0.25  # a body of which less of its silhouette is seen is no object of the truth


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyLook:
    """How the microscope shows the bodies; gray values are shares of the full range.

    Attributes
    ----------
    rim : float
        How much brighter a steep surface is than a flat one (SEM): the edge effect.
    light : float
        How much brighter the side toward the detector is (SEM).
    texture : float
        Standard deviation of the gray value on a surface.
    variation : float
        Standard deviation of the gray value from body to body.
    shadow : float
        How much darker the ground beside and below bodies is (SEM); a bright fringe around them (TEM).
    depth : float
        How much darker the lowest bodies of a heap are than the highest (SEM).
    ground : float
        Standard deviation of the gray value of the ground.
    """

    rim: float = 0.9
    light: float = 0.12
    texture: float = 0.02
    variation: float = 0.05
    shadow: float = 0.5
    depth: float = 0.35
    ground: float = 0.02


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Body:
    """A body at its place: what of a window it covers, its surface and its thickness there. [px]"""

    window: tuple[slice, slice]
    inside: NDArray[np.bool_]
    top: Gray  # height above the lowest point of all
    thickness: Gray
    steep: Gray  # 0 flat, 1 upright
    lit: Gray  # -1 to 1, toward the detector
    skin: float  # gray value of its own, in standard deviations


def bodies(
    *,
    seed: int,
    area_percent: float,
    mean_ecd_um: float,
    spread: float = 0.3,
    kind: BodyKind = "spheres",
    signal: Signal = "sem",
    overlap: float = 0.25,
    clusters: float = 0.3,
    satellites: float = 0.0,
    roughness: float = 0.02,
    aspect: float = 1.0,
    shape_px: Shape = (400, 500),
    pixel_um: float = 1.0,
    gray: tuple[float, float] = (0.12, 0.5),
    look: BodyLook | None = None,
) -> Field:
    """Draw bodies that hide one another in part, as an electron microscope shows them.

    Parameters
    ----------
    seed : int
        The same seed gives the same field.
    area_percent : float
        Area to be covered, up to 95 %; reached as far as the permitted overlap allows. [%]
    mean_ecd_um : float
        Median diameter of the bodies as they were drawn. [um]
    spread : float
        Standard deviation of the logarithm of the diameters. [1]
    kind : str
        "spheres"; "nodules", uneven round bodies; "crystals" with flat faces; "plates"; "rods" with round ends.
    signal : str
        "sem": a heap whose higher bodies hide lower ones; "tem": dark bodies that let each other shine through.
    overlap : float
        How far a body may lie over others, share of the sum of both radii; 0: none touches another. [1]
    clusters : float
        Share of the bodies that lie against another one. [1]
    satellites : float
        Mean number of small spheres on a body; they belong to it. [1]
    roughness : float
        How far the outline departs from the ideal one, share of the radius. [1]
    aspect : float
        Length over width of crystals and rods, thickness of plates over their width. [1]
    gray : tuple of float
        Gray value of the ground and of a flat surface ("tem": of the thickest body).

    Returns
    -------
    Field
        Instance labels of what is *seen* of each body, 0 = ground; bodies of which less than a quarter is seen are
        ground of the truth, not objects. Truth of the field: ``particle_count``, ``area_percent.particle``, and
        ``mean_particle_ecd_um`` of the bodies that no edge of the image cuts, from what is seen of them.

    Raises
    ------
    SettingsError
        A share that cannot be.

    Examples
    --------
    >>> field = bodies(seed=1, area_percent=40.0, mean_ecd_um=24.0, shape_px=(120, 160))
    >>> field.kind, field.classes, field.labels.max() > 5
    ('instance', {1: 'particle'}, np.True_)
    """
    rng = np.random.default_rng(seed)
    share = checked_share(area_percent, "bodies")
    if share > FULLEST:
        msg = f"synthetic.bodies: bodies are asked to cover at most {100 * FULLEST:g} %, not {area_percent:g} %"
        raise SettingsError(msg)
    look = look or BodyLook()
    places = _places(rng, shape_px, share, mean_ecd_um / pixel_um, spread, overlap, clusters, kind, aspect)
    turn = rng.uniform(0, 2 * pi)
    drawn = [
        body
        for row, column, radius, height in places
        if (body := _body(rng, shape_px, row, column, radius, height, kind, roughness, aspect, satellites, turn))
    ]
    numbers, whole, height = _seen(shape_px, drawn)
    picture = (_sem if signal == "sem" else _tem)(rng, shape_px, drawn, numbers, height, gray, look)
    labels, ecds_px = _truth(numbers, whole)
    truth = {
        "field.particle_count": float(labels.max()),
        "field.area_percent.particle": 100 * float((labels > 0).mean()),
        "field.mean_particle_ecd_um": float(np.mean(ecds_px)) * pixel_um if len(ecds_px) else 0.0,
    }
    return Field(
        pixels=to_8bit(blurred(picture, 0.6)),
        labels=labels,
        classes={1: "particle"},
        kind="instance",
        pixel_um=pixel_um,
        truth=truth,
    )


# ---------------------------------------------------------------------------------------------------- places


def _places(
    rng: np.random.Generator,
    shape: Shape,
    share: float,
    ecd_px: float,
    spread: float,
    overlap: float,
    clusters: float,
    kind: BodyKind,
    aspect: float,
) -> list[tuple[float, float, float, float]]:
    """Row, column, radius and height of the middle of every body, largest first. [px]"""
    margin = 0.6 * ecd_px * exp(spread) * max(1.0, sqrt(aspect))
    size = np.array([shape[0] + 2 * margin, shape[1] + 2 * margin])
    # what bodies cover together, each hiding a part of others, is 1 - exp(-sum) for places without order
    wanted = -log(1 - share) if overlap > 0.3 else share * (1 + overlap)
    reach = 1.0 if kind in ("spheres", "nodules") else 0.9
    centers, radii = np.empty((0, 2)), np.empty(0)
    covered, refused = 0.0, 0
    wanted *= float(size.prod())
    found: list[float] = []
    while covered < wanted and refused < 60:
        batch = sorted((ecd_px / 2 * exp(spread * cut_normal(rng, -CUT, CUT)) for _ in range(16)), reverse=True)
        for radius in batch:
            if covered >= wanted:
                break
            for _ in range(TRIES):
                place = rng.uniform(0, size)
                if len(radii) and rng.uniform() < clusters:
                    mother = rng.integers(len(radii))
                    away = (radii[mother] + radius) * reach * rng.uniform(1 - overlap, 1.03)
                    angle = rng.uniform(0, 2 * pi)
                    place = centers[mother] + away * np.array([sin(angle), cos(angle)])
                far = np.hypot(*(centers - place).T) >= (1 - overlap) * reach * (radii + radius)
                if far.all() and (place > 0).all() and (place < size).all():
                    centers, radii = np.vstack([centers, place]), np.append(radii, radius)
                    covered += pi * radius**2
                    found.append(float(rng.uniform()))
                    refused = 0
                    break
            else:
                refused += 1
    return [
        # a body lies on its own radius, some on top of others
        (float(row - margin), float(column - margin), float(radius), float(radius * 0.6 + up * ecd_px * 1.2))
        for (row, column), radius, up in zip(centers, radii, found, strict=True)
    ]


# ---------------------------------------------------------------------------------------------------- bodies


def _body(
    rng: np.random.Generator,
    shape: Shape,
    row: float,
    column: float,
    radius: float,
    height: float,
    kind: BodyKind,
    roughness: float,
    aspect: float,
    satellites: float,
    turn: float,
) -> _Body | None:
    """Surface of one body in its window; None where the image does not see it."""
    reach = radius * max(1.3, 1.1 * sqrt(max(aspect, 1.0)) * (1.45 if kind == "crystals" else 1.0)) + 2
    window, there = window_about(shape, row, column, reach)
    if not there:
        return None
    y = (np.arange(window[0].start, window[0].stop, dtype=np.float32)[:, None] - np.float32(row)) / np.float32(radius)
    x = (np.arange(window[1].start, window[1].stop, dtype=np.float32)[None, :] - np.float32(column)) / np.float32(
        radius
    )
    if roughness > 0:  # the plane is bent a little
        size = (y.shape[0], x.shape[1])
        length = max(radius * 0.5, 2.0)
        y = y + np.float32(roughness) * cloud(rng, size, length)
        x = x + np.float32(roughness) * cloud(rng, size, length)
    if kind in ("crystals", "plates"):
        top, below = _polyhedron(rng, y, x, aspect, plate=kind == "plates")
    elif kind == "rods":
        top, below = _rod(rng, y, x, aspect)
    else:
        top, below = _round(rng, y, x, uneven=kind == "nodules")
    for _ in range(rng.poisson(satellites) if satellites else 0):
        small, angle, up = rng.uniform(0.12, 0.32), rng.uniform(0, 2 * pi), rng.uniform(0, 0.8)
        away = 0.98 * sqrt(1 - up**2)
        square = small**2 - (y - away * sin(angle)) ** 2 - (x - away * cos(angle)) ** 2
        ball = np.sqrt(np.maximum(square, 0))
        top = np.where(square > 0, np.maximum(top, up + ball), top)
        below = np.where(square > 0, np.minimum(below, up - ball), below)
    inside = top > below
    if not inside.any():
        return None
    surface = np.where(inside, top, 0).astype(np.float32) * np.float32(radius)
    down = cv2.Sobel(surface, cv2.CV_32F, 0, 1, scale=1 / 8, borderType=cv2.BORDER_REPLICATE)
    across = cv2.Sobel(surface, cv2.CV_32F, 1, 0, scale=1 / 8, borderType=cv2.BORDER_REPLICATE)
    upright = 1 / np.sqrt(1 + down**2 + across**2)
    return _Body(
        window=window,
        inside=inside,
        top=np.where(inside, surface + np.float32(height), -np.inf).astype(np.float32),
        thickness=np.where(inside, (top - below) * np.float32(radius), 0).astype(np.float32),
        steep=np.asarray(1 - upright, np.float32),
        lit=np.asarray(-(down * np.float32(sin(turn)) + across * np.float32(cos(turn))) * upright, np.float32),
        skin=float(rng.normal()),
    )


def _round(rng: np.random.Generator, y: Gray, x: Gray, *, uneven: bool) -> tuple[Gray, Gray]:
    """Upper and lower surface of a sphere, or of an uneven round body, in radii."""
    if uneven:
        stretch, angle = sqrt(rng.uniform(1, 1.6)), rng.uniform(0, pi)
        y, x = (
            (y * np.float32(cos(angle)) - x * np.float32(sin(angle))) * np.float32(stretch),
            (y * np.float32(sin(angle)) + x * np.float32(cos(angle))) / np.float32(stretch),
        )
        waves, turned = int(rng.integers(2, 5)), np.float32(rng.uniform(0, 2 * pi))
        bump = np.cos(waves * np.arctan2(y, x) + turned) * np.minimum(y**2 + x**2, 1)  # smooth in the middle
        bump *= np.float32(rng.uniform(0.03, 0.12))
        square = (1 + bump) ** 2 - y**2 - x**2
    else:
        square = 1 - y**2 - x**2
    half = np.sqrt(np.maximum(square, 0))
    return half, np.where(square > 0, -half, 1.0).astype(np.float32)


def _rod(rng: np.random.Generator, y: Gray, x: Gray, aspect: float) -> tuple[Gray, Gray]:
    """Upper and lower surface of a rod with round ends that lies flat, of the area of a circle of radius 1."""
    half = sqrt(pi / (pi + 4 * (aspect - 1)))  # half its width: pi r2 + 4 r2 (aspect - 1) = pi
    straight = half * (aspect - 1)
    angle = rng.uniform(0, pi)
    along = y * np.float32(sin(angle)) + x * np.float32(cos(angle))
    beside = y * np.float32(cos(angle)) - x * np.float32(sin(angle))
    square = half**2 - np.maximum(np.abs(along) - straight, 0) ** 2 - beside**2
    up = np.sqrt(np.maximum(square, 0))
    return up, np.where(square > 0, -up, 1.0).astype(np.float32)


def _polyhedron(rng: np.random.Generator, y: Gray, x: Gray, aspect: float, *, plate: bool) -> tuple[Gray, Gray]:
    """Upper and lower surface of a box, prism or octahedron, turned in space (a plate lies nearly flat)."""
    sides = int(rng.choice([4, 6, 3] if plate else [4, 4, 6, 8]))
    angles = np.arange(sides) * 2 * pi / sides
    flat = np.stack([np.sin(angles), np.cos(angles), np.zeros(sides)], axis=1)
    long = sqrt(max(aspect, 1.0))
    if sides == 8:  # octahedron
        normals = np.array([[a, b, c] for a in (-1, 1) for b in (-1, 1) for c in (-1, 1)]) / sqrt(3)
        distances = np.full(8, 0.72)
    else:
        caps = np.array([[0.0, 0.0, 1.0], [0.0, 0.0, -1.0]])
        normals = np.vstack([flat, caps])
        wide = {3: 0.62, 4: 0.80, 6: 0.88}[sides]
        thick = rng.uniform(0.05, 0.3) if plate else 0.8 * long
        distances = np.concatenate([np.full(sides, wide / (1 if plate else sqrt(long))), np.full(2, thick)])
        if not plate and long > 1.2:  # a long prism lies down
            normals = normals[:, [2, 0, 1]]
    tilt = rng.normal(0, 0.15, 3) if plate else rng.normal(0, 0.5, 3)
    turned = normals @ _rotation(rng.uniform(0, 2 * pi), tilt).T
    top = np.full((y.shape[0], x.shape[1]), np.inf, np.float32)
    below = np.full(top.shape, -np.inf, np.float32)
    for (a, b, c), distance in zip(turned, distances, strict=True):
        steep = c if abs(c) > 0.02 else (0.02 if c >= 0 else -0.02)
        plane = ((distance - a * y - b * x) / steep).astype(np.float32)
        if steep > 0:
            top = np.minimum(top, plane)
        else:
            below = np.maximum(below, plane)
    return top, below


def _rotation(about: float, tilt: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rotation in the plane of the image, then a small one in space (rotation vector). [rad]"""
    plane = np.array([[cos(about), -sin(about), 0], [sin(about), cos(about), 0], [0, 0, 1.0]])
    return np.asarray(cv2.Rodrigues(tilt)[0] @ plane)


# --------------------------------------------------------------------------------------------- what is seen


def _seen(shape: Shape, drawn: Sequence[_Body]) -> tuple[LabelImage, NDArray[np.int64], Gray]:
    """Number of the highest body of every pixel (0: ground), area of each silhouette in the image, height."""
    numbers = np.zeros(shape, np.int32)
    height = np.full(shape, -np.inf, np.float32)
    whole = np.zeros(len(drawn) + 1, np.int64)
    for number, body in enumerate(drawn, 1):
        higher = body.inside & (body.top > height[body.window])
        numbers[body.window][higher] = number
        height[body.window][higher] = body.top[higher]
        whole[number] = np.count_nonzero(body.inside)
    return numbers, whole, height


def _truth(numbers: LabelImage, whole: NDArray[np.int64]) -> tuple[LabelImage, NDArray[np.float64]]:
    """Labels from 1 of the largest connected part that is seen of each body, and the diameters of uncut ones. [px]"""
    from skimage.measure import label

    parts = np.asarray(label(numbers, background=0, connectivity=1), np.int32)  # type: ignore[no-untyped-call]
    areas = np.bincount(parts.ravel())
    owner = np.zeros(len(areas), np.int32)
    owner[parts.ravel()] = numbers.ravel()
    largest = np.zeros(len(whole), np.int64)
    np.maximum.at(largest, owner[1:], areas[1:])
    good = (owner > 0) & (areas >= np.maximum(SEEN * whole[owner], 4))
    good[np.flatnonzero(areas < largest[owner])] = False
    order = np.zeros(len(areas), np.int32)
    order[good] = np.arange(1, np.count_nonzero(good) + 1)
    labels = order[parts]
    cut = np.unique(np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]]))
    sizes = np.bincount(labels.ravel())
    return labels, 2 * np.sqrt(np.delete(sizes, np.union1d([0], cut)) / pi)


def _sem(
    rng: np.random.Generator,
    shape: Shape,
    drawn: Sequence[_Body],
    numbers: LabelImage,
    height: Gray,
    gray: tuple[float, float],
    look: BodyLook,
) -> Gray:
    """Secondary electrons: steep surfaces and edges are bright, what lies deep is dark."""
    hit = numbers > 0
    radius = max(2.0, 0.15 * sqrt(float(np.median([body.inside.sum() for body in drawn])) if drawn else 100.0))
    hidden = blurred(hit.astype(np.float32), radius)
    ground = gray[0] * (1 - look.shadow * hidden) + look.ground * (
        0.7 * cloud(rng, shape, 30.0) + 0.5 * cloud(rng, shape, 3.0)
    )
    lowest, highest = (float(value) for value in np.quantile(height[hit], [0.05, 0.95])) if hit.any() else (0.0, 1.0)
    fine = cloud(rng, shape, 2.0) + 0.7 * cloud(rng, shape, max(2.5, 0.5 * radius))
    picture = np.asarray(ground, np.float32)
    for number, body in enumerate(drawn, 1):
        mine = numbers[body.window] == number
        if not mine.any():
            continue
        up = np.clip((body.top[mine] - lowest) / max(highest - lowest, 1.0), 0, 1)
        shade = 1 + look.rim * body.steep[mine] ** 1.5 + look.light * body.lit[mine] - look.depth * (1 - up)
        own = gray[1] * (1 + look.variation * body.skin) * shade + look.texture * fine[body.window][mine]
        picture[body.window][mine] = own
    return picture


def _tem(
    rng: np.random.Generator,
    shape: Shape,
    drawn: Sequence[_Body],
    numbers: LabelImage,
    height: Gray,
    gray: tuple[float, float],
    look: BodyLook,
) -> Gray:
    """Transmission: what is thick is dark, and bodies that lie over one another are darker there."""
    del height
    depth = np.zeros(shape, np.float32)
    thickest = max((float(body.thickness.max()) for body in drawn), default=1.0)
    for body in drawn:
        # part of the darkness is diffraction: the same all over a crystal
        even = 0.35 + 0.65 * np.sqrt(body.thickness / thickest)
        depth[body.window] += np.where(body.inside, even * max(1 + look.variation * 3 * body.skin, 0.3), 0)
    ratio = log(max(gray[0], 0.05) / max(min(gray[1], 0.9 * gray[0]), 0.02))
    fringe = look.shadow * 0.1 * (blurred((numbers > 0).astype(np.float32), 2.0) * (numbers == 0))
    ground = gray[0] * (1 + fringe) + look.ground * (0.7 * cloud(rng, shape, 40.0) + 0.5 * cloud(rng, shape, 2.0))
    surface = look.texture * cloud(rng, shape, 3.0) * (numbers > 0)
    return np.asarray(ground * np.exp(-ratio * np.minimum(depth, 2.0)) + surface, np.float32)
