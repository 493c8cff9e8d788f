"""Unetched sections of cast iron with graphite whose shape is known."""

from math import pi

import numpy as np

from inspect_tool.errors import SettingsError
from inspect_tool.synthetic._drawing import blurred, scratch_depths, to_8bit
from inspect_tool.synthetic._outlines import Outline, drawn, numbered, placed
from inspect_tool.synthetic._random import cloud, cut_moment, cut_normal
from inspect_tool.synthetic.field import Field, Gray, Shape, checked_share

CUT = 2.5  # the diameters are log-normal, cut at so many standard deviations
NODULE = 0.6  # shape factor that the truth parts them at
_NODULES = (1.0, 1.4)  # long over short axis of drawn nodules
_BETWEEN = (0.5, 0.7)  # shape factor of those in between, even on both sides of the limit
_COMPACTED = (2.4, 4.2)  # long over short axis of compacted particles
_ROUGH = 0.025  # rms of the harmonics of nodules and compacted ones


def graphite(
    *,
    seed: int,
    nodularity_percent: float,
    graphite_percent: float = 10.0,
    median_um: float = 30.0,
    spread: float = 0.3,
    between_percent: float = 10.0,
    shape_px: Shape = (700, 900),
    pixel_um: float = 0.8,
    gray: tuple[float, float] = (0.82, 0.2),
    scratches: int = 6,
) -> Field:
    """Draw graphite of known nodularity, no particle touching another.

    Parameters
    ----------
    seed : int
        The same seed gives the same field.
    nodularity_percent : float
        Expected area of particles with a shape factor 4 A / (π F²) of 0.6 or more over that of all. [%]
    graphite_percent : float
        Expected area fraction of the graphite, up to 20 %. [%]
    median_um, spread : float
        Median of the equivalent diameters and standard deviation of their logarithm, the same for all forms; cut at 2.5
        of it. [um], [1]
    between_percent : float
        Area of particles with a shape factor of 0.5 to 0.7, evenly on both sides of the limit. [%]
    gray : tuple of float
        Gray value of matrix and graphite, shares of the full range.
    scratches : int
        Polishing marks per megapixel.

    Returns
    -------
    Field
        Semantic labels, 1 = graphite; ``objects`` numbers the particles. Truth of process and field:
        ``nodularity_percent``, ``graphite_percent``; of the process also ``nodule_count_per_mm2``. The nodularity of a
        field is that of the particles centered in it, by the outlines that were drawn.

    Examples
    --------
    >>> field = graphite(seed=1, nodularity_percent=80.0, shape_px=(200, 240))
    >>> field.classes, field.truth["process.nodularity_percent"]
    ({0: 'matrix', 1: 'graphite'}, 80.0)
    """
    rng = np.random.default_rng(seed)
    share, nodular, between = checked_share(graphite_percent, "graphite"), nodularity_percent, between_percent
    if share > 0.2:
        msg = f"synthetic.graphite: particles that do not touch fill at most 20 %, not {graphite_percent:g} %"
        raise SettingsError(msg)
    if not between / 2 <= nodular <= 100 - between / 2:
        half = between / 2
        msg = f"synthetic.graphite: {between:g} % in between leave a nodularity of {half:g} to {100 - half:g} %"
        raise SettingsError(msg)
    median_px = median_um / pixel_um
    area_px = pi / 4 * median_px**2 * cut_moment(spread, 2, -CUT, CUT)
    per_px2 = share / area_px

    def one(row: float, column: float) -> Outline:
        ecd = median_px * float(np.exp(spread * cut_normal(rng, -CUT, CUT)))
        form = 100 * rng.uniform()
        if form < between:
            return Outline(row, column, ecd, (), 1 / rng.uniform(*_BETWEEN), rng.uniform(0, pi))
        long = _NODULES if form < between / 2 + nodular else _COMPACTED
        return Outline.star(rng, row, column, ecd, rough=_ROUGH, stretch=rng.uniform(*long))

    largest = median_px * float(np.exp(spread * CUT)) * _COMPACTED[1] ** 0.5
    outlines = placed(rng, shape_px, one, per_px2, largest_px=largest, gap_px=4.0)
    cover, labels = drawn(shape_px, outlines)
    objects = numbered(shape_px, outlines)
    inside = [o for o in outlines if 0 <= o.row < shape_px[0] and 0 <= o.column < shape_px[1]]
    areas = np.asarray([pi / 4 * o.ecd**2 for o in inside])
    nodules = np.asarray([o.ecd**2 / o.feret() ** 2 >= NODULE for o in inside], bool)
    matrix = gray[0] * (1 + 0.01 * cloud(rng, shape_px, 3.0) + 0.01 * cloud(rng, shape_px, 40.0))
    inner = gray[1] * (1 + 0.15 * cloud(rng, shape_px, 4.0))
    picture: Gray = np.asarray(matrix * (1 - cover) + inner * cover, np.float32)
    if scratches:
        picture = picture - np.float32(0.1) * scratch_depths(rng, shape_px, scratches, 0.9) * (1 - cover)
    return Field(
        pixels=to_8bit(blurred(picture, 0.6)),
        labels=labels.astype(np.int32),
        classes={0: "matrix", 1: "graphite"},
        kind="semantic",
        pixel_um=pixel_um,
        truth={
            "process.nodularity_percent": nodularity_percent,
            "process.graphite_percent": graphite_percent,
            "process.nodule_count_per_mm2": per_px2 / (pixel_um * 1e-3) ** 2 * nodularity_percent / 100,
            "field.nodularity_percent": 100 * float(areas[nodules].sum() / areas.sum()) if len(areas) else 0.0,
            "field.graphite_percent": 100 * float(labels.mean()),
        },
        objects=objects,
    )
