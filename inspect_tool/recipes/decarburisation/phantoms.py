"""Decarburized steels that the self-test draws."""

from inspect_tool import synthetic
from inspect_tool.languages import Text
from inspect_tool.synthetic import Field
from inspect_tool.synthetic.phantoms import Kit, Phantoms, Truth

_COMPLETE = 0.3  # of the total depth
_GRAIN_PX = 12.0


def phantoms() -> Phantoms:
    """A steel with ferrite and pearlite below a dark mount that lost carbon to a known depth."""
    return Phantoms(
        says=Text("decarburisation.phantoms", truths="{}"),
        unit="um",
        truths=(60.0, 120.0, 200.0),
        quick=(120.0,),
        pixel_um=1.0,
        known={
            name: Truth(process=f"process.{name}", field=f"field.{name}")
            for name in ("mean_total_depth_um", "mean_complete_depth_um")
        },
        plotted=("mean_total_depth_um",),
        draw=_draw,
    )


def _draw(total_um: float, seed: int, pixel_um: float, kit: Kit) -> Field:
    return synthetic.decarburised(
        seed=seed,
        total_um=total_um,
        complete_um=_COMPLETE * total_um,
        grain_um=_GRAIN_PX * pixel_um,
        shape_px=kit.shape_px,
        pixel_um=pixel_um,
    )
