"""Pores in a polished surface."""

from math import exp, pi

import numpy as np

from inspect_tool.errors import SettingsError
from inspect_tool.synthetic._drawing import blurred, scratch_depths, to_8bit
from inspect_tool.synthetic._outlines import Outline, drawn, placed
from inspect_tool.synthetic._random import cloud, cut_moment, cut_normal
from inspect_tool.synthetic.field import Field, Gray, Shape, checked_share


def pores(
    *,
    seed: int,
    porosity_percent: float,
    mean_ecd_um: float,
    spread: float = 0.45,
    shrinkage: float = 0.25,
    clusters: float = 0.0,
    shape_px: Shape = (800, 1000),
    pixel_um: float = 1.0,
    gray: tuple[float, float] = (0.72, 0.12),
    rim: float = 0.35,
    inclusions_per_mm2: float = 0.0,
    scratches: int = 0,
    stains: float = 0.0,
) -> Field:
    """Draw pores in a polished surface, none touching another.

    Parameters
    ----------
    seed : int
        The same seed gives the same field.
    porosity_percent : float
        Expected area fraction, up to 30 %. [%]
    mean_ecd_um : float
        Expected equivalent circle diameter by number. [um]
    spread : float
        Standard deviation of the logarithm of the diameters, which are log-normal, cut at 2.5 of it. [1]
    shrinkage : float
        Share of pores that are irregular (shrinkage) instead of round (gas). [1]
    clusters : float
        Share of pores that sit close to another one. [1]
    gray : tuple of float
        Gray value of metal and pore, shares of the full range.
    rim : float
        Height of the bright rim and of the gradient inside the pores, share of the metal's gray value.
    inclusions_per_mm2 : float
        Gray inclusions: no pores, and lighter than half way between metal and pore.
    scratches : int
        Polishing scratches per megapixel.
    stains : float
        Depth of drying stains, share of the full range.

    Returns
    -------
    Field
        Semantic labels, 1 = pore. Truth of process and field: ``porosity_percent``, ``pore_count_per_mm2``,
        ``mean_pore_ecd_um``; field also ``largest_pore_feret_um``, ``pore_count``. A pore belongs to the field
        when its center lies in it; the porosity takes every pore with the part inside.

    Examples
    --------
    >>> field = pores(seed=1, porosity_percent=2.0, mean_ecd_um=20.0, shape_px=(200, 200))
    >>> field.classes
    {0: 'metal', 1: 'pore'}
    """
    rng = np.random.default_rng(seed)
    share = checked_share(porosity_percent, "pores")
    if share > 0.3:
        msg = f"synthetic.pores: pores that do not touch fill at most 30 %, not {porosity_percent:g} %"
        raise SettingsError(msg)
    cut = 2.5
    median_px = mean_ecd_um / pixel_um / cut_moment(spread, 1, -cut, cut)
    area_px = pi / 4 * median_px**2 * cut_moment(spread, 2, -cut, cut)
    per_px2 = share / area_px

    def one(row: float, column: float) -> Outline:
        ecd = median_px * exp(spread * cut_normal(rng, -cut, cut))
        if rng.uniform() < shrinkage:
            return Outline.star(rng, row, column, ecd, rough=rng.uniform(0.3, 0.5), stretch=rng.uniform(1.2, 2.4))
        return Outline.star(rng, row, column, ecd, rough=0.03, stretch=rng.uniform(1, 1.12))

    largest_px = 1.5 * median_px * exp(cut * spread)
    outlines = placed(rng, shape_px, one, per_px2, largest_px=largest_px, gap_px=3.0, near=clusters)
    cover, labels = drawn(shape_px, outlines)
    mine = [o for o in outlines if -0.5 <= o.row < shape_px[0] - 0.5 and -0.5 <= o.column < shape_px[1] - 0.5]
    area_mm2 = shape_px[0] * shape_px[1] * pixel_um**2 * 1e-6
    truth = {
        "process.porosity_percent": porosity_percent,
        "process.pore_count_per_mm2": per_px2 / pixel_um**2 * 1e6,
        "process.mean_pore_ecd_um": mean_ecd_um,
        "field.porosity_percent": 100 * float(cover.mean()),
        "field.pore_count": float(len(mine)),
        "field.pore_count_per_mm2": len(mine) / area_mm2,
    }
    if mine:
        truth["field.mean_pore_ecd_um"] = sum(o.ecd for o in mine) / len(mine) * pixel_um
        truth["field.largest_pore_feret_um"] = max(o.feret() for o in mine) * pixel_um
    picture = _paint_pores(rng, cover, gray, rim)
    rows, columns = shape_px
    for _ in range(rng.poisson(inclusions_per_mm2 * area_mm2)):
        outline = Outline.star(
            rng, rng.uniform(0, rows), rng.uniform(0, columns), rng.uniform(3, 9), rough=0.12, stretch=rng.uniform(1, 2)
        )
        window, part, _ = outline.patch(shape_px)
        if part.size and not cover[window].any():
            picture[window] *= 1 - 0.25 * part
    if scratches:
        picture -= 0.10 * scratch_depths(rng, shape_px, scratches, 0.9) * (1 - cover)
    if stains > 0:
        picture -= stains * np.clip(cloud(rng, shape_px, 0.12 * min(shape_px)) - 0.8, 0, None) * (1 - cover)
    return Field(
        pixels=to_8bit(blurred(picture, 0.55)),
        labels=labels.astype(np.int32),
        classes={0: "metal", 1: "pore"},
        kind="semantic",
        pixel_um=pixel_um,
        truth=truth,
    )


def _paint_pores(rng: np.random.Generator, cover: Gray, gray: tuple[float, float], rim: float) -> Gray:
    """Metal with a faint polishing texture; pores dark, lighter glints at their bottom, a bright rounded edge."""
    shape = cover.shape
    metal = gray[0] * (
        1 + 0.007 * cloud(rng, shape, 9.0) + 0.006 * cloud(rng, shape, 60.0) + 0.012 * cloud(rng, shape, 1.5)
    )
    wide = blurred(cover, 2.0)
    metal = metal * (1 + 0.35 * rim * wide)
    depth = blurred(cover, 4.0)
    glint = np.clip(cloud(rng, shape, 3.5) - 1.6, 0, 1)
    pore = gray[1] + 0.4 * rim * gray[0] * np.clip(0.8 - depth, 0, 1) + 0.15 * rim * glint
    return np.asarray(cover * pore + (1 - cover) * metal, dtype=np.float32)
