"""Steels that the self-test draws."""

from inspect_tool import synthetic
from inspect_tool.languages import Text
from inspect_tool.synthetic import Field
from inspect_tool.synthetic.phantoms import Kit, Phantoms, Truth


def phantoms() -> Phantoms:
    """Polished steel with inclusions of every type."""
    return Phantoms(
        says=Text("inclusions.phantoms", truths="{}"),
        unit="1/mm2",
        truths=(20.0, 60.0, 120.0),
        quick=(60.0,),
        pixel_um=0.8,
        known={
            name: Truth(process=f"process.{name}", field=f"field.{name}")
            for name in ("inclusion_percent", "inclusion_count_per_mm2")
        },
        plotted=("inclusion_percent", "inclusion_count_per_mm2"),
        draw=_draw,
    )


def _draw(inclusions: float, seed: int, pixel_um: float, kit: Kit) -> Field:
    side = max(kit.side_px, 640)
    return synthetic.inclusions(
        seed=seed,
        per_mm2={"A": 0.4 * inclusions, "B": 0.05 * inclusions, "C": 0.05 * inclusions, "D": 0.5 * inclusions},
        shape_px=(side, side),
        pixel_um=pixel_um,
    )
