"""The phantom kit: jobs of drawn fields whose truth is known, and fields whose features have one size.

Every phantom becomes a folder with images and a job file, so that it goes the way that a user's job goes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from math import log2
from pathlib import Path
from zlib import crc32

import tifffile

from inspect_tool import plugins, registry, synthetic
from inspect_tool.errors import SettingsError
from inspect_tool.files import dump_toml, plain, write_text
from inspect_tool.synthetic import Field
from inspect_tool.synthetic.phantoms import Kit, OneSize, Phantoms

LOOKS: Mapping[str, int] = {"good": 1, "ordinary": 2, "poor": 3}
"""Names of the levels of ``synthetic.degrade``."""

_U_SCALE = 0.002  # relative standard uncertainty that the phantom jobs state; their scale is exact

FULL = Kit()
QUICK = Kit(quick=True, looks=("good", "ordinary"), pore_sizes_px=(3.0, 5.0, 8.0, 12.0), pores_of_a_size=80)


def recipes() -> tuple[str, ...]:
    """Name the recipes that have phantoms."""
    return tuple(
        name for name in registry.names("recipe") if isinstance(registry.load("recipe", name), plugins.DrawsPhantoms)
    )


def of(recipe: str) -> Phantoms:
    """Give what is drawn for a recipe; one that has no phantoms is a ``SettingsError``."""
    module = registry.load("recipe", recipe)
    if not isinstance(module, plugins.DrawsPhantoms):
        msg = f"recipe {recipe}: has no phantoms, so that it cannot be tested; those that have: {', '.join(recipes())}"
        raise SettingsError(msg)
    made: Phantoms = module.phantoms()
    return made


@dataclass(frozen=True, slots=True, kw_only=True)
class Phantom:
    """One specimen to be drawn: a truth, a look, a number."""

    recipe: str
    truth: float  # nominal, in the unit that the recipe states
    look: str
    repeat: int
    pixel_um: float
    kit: Kit

    @property
    def name(self) -> str:
        """Name for the reader, and for the seed."""
        return f"{self.recipe} {self.truth:g} {self.look} {self.repeat + 1}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """A truth of the kit that cannot be measured at this pixel size."""

    recipe: str
    truth: float
    reason: str


def planned(recipe: str, pixel_um: float, kit: Kit) -> tuple[tuple[Phantom, ...], tuple[Left, ...]]:
    """List the phantoms of a recipe, and the truths that cannot be measured at this pixel size with the reason."""
    own = of(recipe)
    truths = kit.truths.get(recipe, own.quick if kit.quick else own.truths)
    reasons = {truth: own.out_of_reach(truth, pixel_um, kit) for truth in truths}
    phantoms = tuple(
        Phantom(recipe=recipe, truth=truth, look=look, repeat=repeat, pixel_um=pixel_um, kit=kit)
        for truth in truths
        for look in kit.looks
        for repeat in range(kit.repeats)
        if not reasons[truth]
    )
    return phantoms, tuple(Left(recipe=recipe, truth=t, reason=why) for t, why in reasons.items() if why)


def drawn(phantom: Phantom) -> list[Field]:
    """Draw the fields of a phantom; the same phantom gives the same fields."""
    draw, kit = of(phantom.recipe).draw, phantom.kit
    return [draw(phantom.truth, _seed(f"{phantom.name} {i}"), phantom.pixel_um, kit) for i in range(kit.fields)]


def sized(recipe: str) -> OneSize:
    """Give the features of one size that a recipe draws."""
    found = of(recipe).one_size
    assert found is not None, recipe
    return found


def of_one_size(recipe: str, diameter_px: float, look: str, pixel_um: float, kit: Kit) -> Field:
    """Draw a field whose features all have one size; the same size gives the same field."""
    own = sized(recipe)
    return own.draw(diameter_px, _seed(f"{own.what} of size {diameter_px:g} {look}"), pixel_um, kit)


def write_job(
    folder: Path, recipe: str, fields: Sequence[Field], look: str, name: str, backend: Mapping[str, object]
) -> Path:
    """Write drawn fields as images of that look, and the job file that measures them.

    ``name`` is for the seed of the degradation; an empty ``backend`` is the default of the recipe.
    """
    modality = of(recipe).modality
    for i, field in enumerate(fields):
        seen = synthetic.degrade(field.pixels, LOOKS[look], seed=_seed(f"{name} look {i}"), modality=modality)
        tifffile.imwrite(folder / f"field_{i + 1}.tif", seen, metadata=None, software="")
    job = {
        "recipe": recipe,
        "modality": modality,
        "images": [f"field_{i + 1}.tif" for i in range(len(fields))],
        "scale_bar": "off",
        "exports": ["json"],
        "calibration": {
            "pixel_um": fields[0].pixel_um,
            "u_rel": _U_SCALE,
            "source": "drawn",
            "plane": "plane of the joints" if modality == "xray" else "",
        },
        "backend": backend,
    }
    path = folder / "job.toml"
    write_text(path, dump_toml(plain(job)))
    return path


def truths_of(recipe: str, fields: Sequence[Field]) -> dict[str, tuple[float, float]]:
    """Truth of every quantity of a phantom: of the material, and of what its fields happen to hold."""
    found = {}
    for quantity, truth in of(recipe).known.items():
        values = [field.truth.get(truth.field) for field in fields]
        present = [value for value in values if value is not None]
        if not present:
            continue
        if truth.pooled == "sizes":
            area_mm2 = sum(field.labels.size * field.pixel_um**2 * 1e-6 for field in fields)
            together = synthetic.of_sizes([size for field in fields for size in field.sizes_um], area_mm2)
            found[quantity] = (fields[0].truth[truth.process], together[truth.field])
            continue
        held = _pooled(truth.pooled, present, [f.truth.get("field.pore_count", 1.0) for f in fields])
        found[quantity] = (fields[0].truth[truth.process] if truth.process else held, held)
    return found


def _pooled(how: str, values: Sequence[float], counts: Sequence[float]) -> float:
    match how:
        case "max":
            return max(values)
        case "count weighted":
            return sum(v * n for v, n in zip(values, counts, strict=True)) / sum(counts)
        case "lines" | "areas":  # G is a logarithm: what goes together is N_L, or N_A
            power = 0.5 if how == "lines" else 1.0
            return log2(sum(2.0 ** (power * value) for value in values) / len(values)) / power
        case _:
            return sum(values) / len(values)


@cache
def default_backend(recipe: str) -> Mapping[str, object]:
    """Give the ``[backend]`` table that a job of this recipe has when it states none."""
    return dict(registry.load("recipe", recipe).BACKEND)


def _seed(text: str) -> int:
    return crc32(text.encode())
