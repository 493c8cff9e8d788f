"""Grains that the self-test draws."""

from math import pi, sqrt

from inspect_tool import synthetic
from inspect_tool.synthetic import Field
from inspect_tool.synthetic.phantoms import Kit, Phantoms, Truth


def phantoms() -> Phantoms:
    """Poisson-Voronoi mosaics of known planimetric size."""
    lines = Truth(
        process="process.grain_size_number.intercept", field="field.grain_size_number.intercept", pooled="lines"
    )
    areas = Truth(
        process="process.grain_size_number.planimetric", field="field.grain_size_number.planimetric", pooled="areas"
    )
    return Phantoms(
        says="grains of planimetric G {}, Poisson-Voronoi mosaics, etched dark",
        unit="G",
        truths=tuple(float(g) for g in range(13)),
        quick=(0.0, 3.0, 6.0, 9.0, 12.0),
        pixel_um=0.5,
        known={
            "grain_size_number": lines,
            "grain_size_number.intercept": lines,
            "grain_size_number.planimetric": areas,
        },
        plotted=("grain_size_number.intercept", "grain_size_number.planimetric"),
        draw=_draw,
        out_of_reach=out_of_reach,
    )


def out_of_reach(g: float, pixel_um: float, kit: Kit) -> str:
    """Say why grains of a size cannot be measured with this pixel size and field; empty where they can.

    >>> out_of_reach(8.0, 0.5, Kit())
    ''
    >>> out_of_reach(12.0, 1.0, Kit())
    'mean intercept 4.4 px; grains below 10 px are not resolved'
    """
    intercept_px, per_px2 = _scale(g, pixel_um)
    if intercept_px < kit.least_intercept_px:
        return f"mean intercept {intercept_px:.2g} px; grains below {kit.least_intercept_px:g} px are not resolved"
    grains = per_px2 * kit.most_px**2 * kit.fields
    if grains < kit.least_grains:
        return (
            f"{kit.fields} fields of {kit.most_px} x {kit.most_px} px hold about {grains:.2g} grains; "
            f"fewer than {kit.least_grains:g} are no measurement"
        )
    return ""


def _scale(g: float, pixel_um: float) -> tuple[float, float]:
    """Mean intercept [px] and grains per pixel of a Poisson-Voronoi mosaic of planimetric size G."""
    per_px2 = 2.0 ** (g + synthetic.G_FROM_DENSITY) * 1e-6 * pixel_um**2
    return pi / (4 * sqrt(per_px2)), per_px2


def _draw(g: float, seed: int, pixel_um: float, kit: Kit) -> Field:
    _, per_px2 = _scale(g, pixel_um)
    side = round(min(max(sqrt(kit.grains_wanted / per_px2), kit.least_px), kit.most_px))
    return synthetic.grains(seed=seed, grain_size_number=g, shape_px=(side, side), pixel_um=pixel_um)
