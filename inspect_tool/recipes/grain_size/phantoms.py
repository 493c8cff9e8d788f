"""Grains that the self-test draws."""

from math import pi, sqrt

from inspect_tool import synthetic
from inspect_tool.languages import Text, Words
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
        says=Text("grain_size.phantoms", truths="{}"),
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


def out_of_reach(g: float, pixel_um: float, kit: Kit) -> Words:
    """Say why grains of a size cannot be measured with this pixel size and field; empty where they can.

    >>> out_of_reach(8.0, 0.5, Kit())
    ''
    >>> out_of_reach(12.0, 1.0, Kit())
    'mean intercept 4.4 px; grains below 10 px are not resolved'
    """
    intercept_px, per_px2 = _scale(g, pixel_um)
    if intercept_px < kit.least_intercept_px:
        return Text("grain_size.phantom_not_resolved", intercept_px=intercept_px, least_px=kit.least_intercept_px)
    grains = per_px2 * kit.most_px**2 * kit.fields
    if grains < kit.least_grains:
        return Text(
            "grain_size.phantom_too_few",
            fields=kit.fields,
            side_px=kit.most_px,
            grains=grains,
            least=kit.least_grains,
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
