"""Sections of composites that the self-test draws."""

from inspect_tool import synthetic
from inspect_tool.languages import Text
from inspect_tool.synthetic import Field
from inspect_tool.synthetic.phantoms import Kit, Phantoms, Truth

_DIAMETER_PX = 24.0  # of a fiber
_SIDE = 20.0  # of a field in diameters: three fields hold some 600 fibers


def phantoms() -> Phantoms:
    """Carbon fibers square to the section but for two degrees, packed, with voids and places rich in resin."""
    return Phantoms(
        says=Text("fibres.phantoms", truths="{}"),
        unit="%",
        truths=(45.0, 55.0, 62.0),
        quick=(55.0,),
        pixel_um=0.3,
        known={
            "fibre_percent": Truth(process="process.fibre_percent", field="field.fibre_percent"),
            "mean_fibre_diameter_um": Truth(
                process="process.mean_fibre_diameter_um", field="field.mean_fibre_diameter_um"
            ),
        },
        plotted=("fibre_percent",),
        draw=_draw,
    )


def _draw(fiber_percent: float, seed: int, pixel_um: float, kit: Kit) -> Field:
    side = max(kit.side_px, round(_SIDE * _DIAMETER_PX))
    return synthetic.fibers(
        seed=seed,
        fiber_percent=fiber_percent,
        diameter_um=_DIAMETER_PX * pixel_um,
        shape_px=(side, side),
        pixel_um=pixel_um,
    )
