"""Powder on tape as a scanning electron microscope shows it: shaded spheres with bright rims, satellites, overlaps."""

from collections.abc import Sequence
from math import exp, log, pi, sqrt

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from inspect_tool.errors import SettingsError
from inspect_tool.synthetic._drawing import blurred, to_8bit
from inspect_tool.synthetic._outlines import Outline, placed
from inspect_tool.synthetic._random import cloud, cut_moment, cut_normal
from inspect_tool.synthetic.field import Field, Gray, Shape, checked_share

CUT = 2.5  # the diameters are log-normal, cut at so many standard deviations
_SMALL = (0.12, 0.28)  # diameter of a satellite over that of its host
_ON_TOP = (0.5, 0.85)  # distance of a particle from the one it lies on, share of the sum of their radii


def powder(
    *,
    seed: int,
    area_percent: float,
    median_ecd_um: float,
    sigma: float = 0.3,
    satellites: float = 0.0,
    overlap: float = 0.0,
    shape_px: Shape = (700, 900),
    pixel_um: float = 0.5,
    gray: tuple[float, float] = (0.16, 0.55),
    rim: float = 0.35,
    charging: float = 0.15,
    texture: float = 0.05,
) -> Field:
    """Draw powder on tape, none touching another but for satellites and overlaps.

    Parameters
    ----------
    seed : int
        The same seed gives the same field.
    area_percent : float
        Expected area fraction without satellites and overlaps, up to 30 %. [%]
    median_ecd_um : float
        Median diameter by number. [um]
    sigma : float
        Standard deviation of the logarithm of the diameters, which are log-normal, cut at 2.5 of it. [1]
    satellites : float
        Small spheres per particle that sit on its outline.
    overlap : float
        Particles per particle, of the same sizes, that lie on another one and hide a part of it.
    gray : tuple of float
        Gray value of tape and particles, shares of the full range.
    rim : float
        How much lighter the rim of a particle is than its middle, share of the full range.
    charging : float
        Depth of the bright streaks along rows behind bright particles, share of the full range.
    texture : float
        Relief of tape and particles, share of the full range.

    Returns
    -------
    Field
        Instance labels of what is seen of every particle, 0 = tape. Truth of the process, where there are neither
        satellites nor overlaps: ``particle_count_per_mm2``, ``particle_d50_um.number`` and so on for d10, d90 and
        volume, ``mean_particle_ecd_um``, ``sauter_diameter_um``. Truth of the field: ``particle_count`` (any part of it
        is seen), and of the particles whose center lies in the field, satellites and overlaps among them, the same
        names.

    Examples
    --------
    >>> field = powder(seed=1, area_percent=12.0, median_ecd_um=15.0, shape_px=(160, 200))
    >>> field.kind, field.classes
    ('instance', {1: 'particle'})
    """
    rng = np.random.default_rng(seed)
    share = checked_share(area_percent, "powder")
    if share > 0.3:
        msg = f"synthetic.powder: particles that do not touch fill at most 30 %, not {area_percent:g} %"
        raise SettingsError(msg)
    median_px = median_ecd_um / pixel_um
    per_px2 = share / (pi / 4 * median_px**2 * cut_moment(sigma, 2, -CUT, CUT))

    def one(row: float, column: float) -> Outline:
        ecd = median_px * exp(sigma * cut_normal(rng, -CUT, CUT))
        return Outline.star(rng, row, column, ecd, rough=0.012, stretch=rng.uniform(1, 1.06))

    hosts = placed(rng, shape_px, one, per_px2, largest_px=1.2 * median_px * exp(CUT * sigma), gap_px=4.0)
    outlines = list(hosts)
    for host in hosts:
        above = rng.uniform() < overlap
        for _ in range(int(rng.poisson(satellites))):
            small = Outline.star(rng, 0, 0, host.ecd * rng.uniform(*_SMALL), rough=0.01, stretch=1.0)
            outlines.append(_beside(rng, host, small, host.ecd / 2 + 0.2 * small.ecd))
        if above:
            other = one(0, 0)
            outlines.append(_beside(rng, host, other, rng.uniform(*_ON_TOP) * (host.ecd + other.ecd) / 2))
    labels, body, cover = _drawn(rng, shape_px, outlines, gray[1], rim, texture)
    tape = _tape(rng, shape_px, gray[0], texture) * (1 - 0.45 * blurred(cover, 0.35 * median_px))
    picture = cover * body + (1 - cover) * tape
    picture += charging * _streaks(rng, np.asarray(cover * body, np.float32))
    seen = np.unique(labels[labels > 0])
    order = np.zeros(len(outlines) + 1, np.int32)
    order[seen] = np.arange(1, len(seen) + 1)
    rows, columns = shape_px
    inside = [o.ecd * pixel_um for o in outlines if -0.5 <= o.row < rows - 0.5 and -0.5 <= o.column < columns - 0.5]
    truth = {"field.particle_count": float(len(seen)), **of_sizes(inside, rows * columns * pixel_um**2 * 1e-6)}
    if not satellites and not overlap:
        truth |= of_process(median_ecd_um, sigma, per_px2 / pixel_um**2 * 1e6)
    return Field(
        pixels=to_8bit(blurred(np.asarray(picture, np.float32), 0.6)),
        labels=order[labels],
        classes={1: "particle"},
        kind="instance",
        pixel_um=pixel_um,
        truth=truth,
        sizes_um=tuple(inside),
    )


def _beside(rng: np.random.Generator, host: Outline, other: Outline, away: float) -> Outline:
    angle = rng.uniform(0, 2 * pi)
    other.row, other.column = host.row + away * np.sin(angle), host.column + away * np.cos(angle)
    return other


def of_process(median_um: float, sigma: float, per_mm2: float, least_um: float = 0.0) -> dict[str, float]:
    """Truth of a process of log-normal diameters, of the particles not below a diameter.

    >>> above = of_process(6.0, 0.3, 500.0, least_um=6.0)
    >>> above["process.particle_count_per_mm2"], round(above["process.particle_d50_um.number"], 2)
    (250.0, 7.32)
    """
    least = max(-CUT, log(least_um / median_um) / sigma) if least_um else -CUT
    kept = float(ndtr(CUT) - ndtr(least)) / float(ndtr(CUT) - ndtr(-CUT))
    truth = {"process.particle_count_per_mm2": per_mm2 * kept}
    for kind, power in (("number", 0.0), ("volume", 3.0)):
        low, high = (float(ndtr(limit - power * sigma)) for limit in (least, CUT))
        for name, share in (("d10", 0.1), ("d50", 0.5), ("d90", 0.9)):
            z = power * sigma + float(ndtri(low + share * (high - low)))
            truth[f"process.particle_{name}_um.{kind}"] = median_um * exp(sigma * z)
    first, second, third = (cut_moment(sigma, order, least, CUT) for order in (1, 2, 3))
    truth["process.mean_particle_ecd_um"] = median_um * first
    truth["process.sauter_diameter_um"] = median_um * third / second
    return truth


def of_sizes(sizes_um: Sequence[float], area_mm2: float) -> dict[str, float]:
    """Truth of particles that are known one by one, under the names of the truth of a field.

    >>> of_sizes([10.0, 20.0, 30.0], 0.01)["field.particle_d50_um.number"]
    20.0
    """
    if not sizes_um:
        return {"field.particle_count_per_mm2": 0.0}
    x = np.sort(np.asarray(sizes_um, dtype=np.float64))
    truth = {
        "field.particle_count_per_mm2": len(x) / area_mm2,
        "field.mean_particle_ecd_um": float(x.mean()),
        "field.sauter_diameter_um": float((x**3).sum() / (x**2).sum()),
    }
    for kind, power in (("number", 0), ("volume", 3)):
        w = x**power
        for name, share in (("d10", 0.1), ("d50", 0.5), ("d90", 0.9)):
            middle = (np.cumsum(w) - w / 2) / w.sum()
            truth[f"field.particle_{name}_um.{kind}"] = float(np.interp(share, middle, x))
    return truth


def _drawn(
    rng: np.random.Generator, shape: Shape, outlines: list[Outline], level: float, rim: float, texture: float
) -> tuple[NDArray[np.int32], Gray, Gray]:
    """Labels of what is seen, gray of the particles, and the share of each pixel covered; later ones lie on top."""
    labels = np.zeros(shape, np.int32)
    body, cover = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    relief = cloud(rng, shape, 4.0) + 0.6 * cloud(rng, shape, 1.6)
    for number, outline in enumerate(outlines, 1):
        window, part, inside = outline.patch(shape)
        if not part.size:
            continue
        y = (np.arange(window[0].start, window[0].stop)[:, None] - outline.row) / (outline.ecd / 2)
        x = (np.arange(window[1].start, window[1].stop)[None, :] - outline.column) / (outline.ecd / 2)
        height = np.sqrt(np.clip(1 - y**2 - x**2, 0.0, 1))
        toward = 0.12 * (-0.6 * y - 0.8 * x)  # the detector stands to the upper left
        own = level * (1 + rng.normal(0, 0.06))
        gray = own * (0.66 + 0.16 * height) + toward + rim * (1 - height) ** 2 + texture * relief[window] * height
        old = body[window]
        body[window] = np.where(part > 0, part * gray + (1 - part) * np.where(cover[window] > 0, old, gray), old)
        dark = cover[window] * part * 0.25 * (part < 1)  # a narrow shadow where one lies on another
        body[window] -= dark.astype(np.float32)
        cover[window] = np.maximum(cover[window], part)
        labels[window][inside > 0] = number
    return labels, body, cover


def _tape(rng: np.random.Generator, shape: Shape, level: float, texture: float) -> Gray:
    """Carbon tape: clouds, fine grain, and a few dark pits with a light edge."""
    tape = level * (1 + 0.25 * cloud(rng, shape, 0.2 * min(shape)) + 0.12 * cloud(rng, shape, 14.0))
    tape += 0.5 * texture * cloud(rng, shape, 2.2)
    for _ in range(rng.poisson(shape[0] * shape[1] / 40000)):
        pit = Outline.star(
            rng, rng.uniform(0, shape[0]), rng.uniform(0, shape[1]), rng.uniform(4, 16), rough=0.2, stretch=1.4
        )
        window, part, _ = pit.patch(shape)
        if part.size:
            edge = blurred(part, 1.5) - part
            tape[window] += level * (0.9 * np.clip(edge, 0, 1) - 0.5 * part)
    return np.asarray(np.clip(tape, 0.02, None), np.float32)


def _streaks(rng: np.random.Generator, bright: Gray) -> Gray:
    """Charge that a bright particle leaves behind along the scan, in some rows."""
    tail = np.zeros(121, np.float32)
    tail[60:] = np.exp(-np.arange(61) / 22)
    behind = cv2.filter2D(bright, -1, np.ascontiguousarray(tail[::-1][None, :] / tail.sum()))
    rows = np.clip(cloud(rng, (bright.shape[0], 1), 2.5), 0, None).astype(np.float32)
    return np.asarray(rows * behind / sqrt(0.5), np.float32)
