"""Powders that the self-test draws."""

from inspect_tool import synthetic
from inspect_tool.languages import Text
from inspect_tool.recipes.particles.settings import QUANTITIES
from inspect_tool.synthetic import Field
from inspect_tool.synthetic.phantoms import Kit, Phantoms, Truth

_AREA_PERCENT = 12.0  # of the field, as the method card asks for powder that is dispersed [%]
_SIDE = 24.0  # of a field in median diameters: three fields hold some 220 particles, the method card asks for 200
_OF_SHAPE = ("largest_particle_feret_um", "particle_aspect_ratio", "particle_circularity", "satellite_percent")


def phantoms() -> Phantoms:
    """Powders of known median diameter, lognormal, no particle touching another."""
    known = {
        quantity: Truth(process=f"process.{quantity}", field=f"field.{quantity}", pooled="sizes")
        for quantity in QUANTITIES
        if quantity not in _OF_SHAPE
    }
    return Phantoms(
        says=Text("particles.phantoms", truths="{}"),
        unit="px",
        truths=(12.0, 20.0, 32.0),
        quick=(12.0, 24.0),
        pixel_um=0.5,
        known=known,
        plotted=("particle_d50_um.volume", "particle_d50_um.number"),
        draw=_draw,
    )


def _draw(median_px: float, seed: int, pixel_um: float, kit: Kit) -> Field:
    side = max(kit.side_px, round(_SIDE * median_px))
    return synthetic.powder(
        seed=seed,
        area_percent=_AREA_PERCENT,
        median_ecd_um=median_px * pixel_um,
        shape_px=(side, side),
        pixel_um=pixel_um,
    )
