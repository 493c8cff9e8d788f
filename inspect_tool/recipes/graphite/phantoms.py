"""Irons that the self-test draws."""

from inspect_tool import synthetic
from inspect_tool.languages import Text
from inspect_tool.synthetic import Field
from inspect_tool.synthetic.phantoms import Kit, Phantoms, Truth

_NODULE_PX = 36.0  # median diameter of the drawn particles [px]
_SIDE = 18.0  # of a field in diameters: three fields hold some 150 particles


def phantoms() -> Phantoms:
    """Unetched iron with nodules, particles in between, and compacted ones."""
    return Phantoms(
        says=Text("graphite.phantoms", truths="{}"),
        unit="%",
        truths=(50.0, 75.0, 90.0),
        quick=(80.0,),
        pixel_um=0.8,
        known={"nodularity_percent": Truth(process="process.nodularity_percent", field="field.nodularity_percent")},
        plotted=("nodularity_percent",),
        draw=_draw,
    )


def _draw(nodularity: float, seed: int, pixel_um: float, kit: Kit) -> Field:
    side = max(kit.side_px, round(_SIDE * _NODULE_PX))
    return synthetic.graphite(
        seed=seed,
        nodularity_percent=nodularity,
        median_um=_NODULE_PX * pixel_um,
        shape_px=(side, side),
        pixel_um=pixel_um,
    )
