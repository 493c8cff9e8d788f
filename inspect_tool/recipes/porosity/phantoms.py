"""Pores that the self-test draws."""

from math import pi, sqrt

from inspect_tool import synthetic
from inspect_tool.languages import Text
from inspect_tool.synthetic import Field
from inspect_tool.synthetic.phantoms import Kit, OneSize, Phantoms, Truth

_PORE_PX = 12.0  # mean equivalent diameter of the drawn pores [px]


def phantoms() -> Phantoms:
    """Round and irregular pores of known share, number and size."""
    return Phantoms(
        says=Text("porosity.phantoms", truths="{}"),
        unit="%",
        truths=(0.5, 2.0, 5.0, 10.0),
        quick=(2.0, 10.0),
        pixel_um=1.0,
        known={
            "porosity_percent": Truth(process="process.porosity_percent", field="field.porosity_percent"),
            "pore_count_per_mm2": Truth(process="process.pore_count_per_mm2", field="field.pore_count_per_mm2"),
            "mean_pore_ecd_um": Truth(
                process="process.mean_pore_ecd_um", field="field.mean_pore_ecd_um", pooled="count weighted"
            ),
        },
        plotted=("porosity_percent",),
        draw=_draw,
        one_size=OneSize(what="pores", draw=_of_one_size),
    )


def _draw(percent: float, seed: int, pixel_um: float, kit: Kit) -> Field:
    ecd_um = _PORE_PX * pixel_um
    return synthetic.pores(
        seed=seed, porosity_percent=percent, mean_ecd_um=ecd_um, shape_px=kit.shape_px, pixel_um=pixel_um
    )


def _of_one_size(diameter_px: float, seed: int, pixel_um: float, kit: Kit) -> Field:
    """Round pores, about ``kit.pores_of_a_size`` of them, at most a tenth of the field."""
    area = pi / 4 * diameter_px**2
    side = round(max(sqrt(kit.pores_of_a_size * area / 0.04), kit.least_px))
    return synthetic.pores(
        seed=seed,
        porosity_percent=min(100 * kit.pores_of_a_size * area / side**2, 10.0),
        mean_ecd_um=diameter_px * pixel_um,
        spread=0.001,
        shrinkage=0.0,
        shape_px=(side, side),
        pixel_um=pixel_um,
    )
