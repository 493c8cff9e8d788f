"""The phantom kit: jobs of drawn fields whose truth is known, and the fields of known pore size.

Every phantom becomes a folder with images and a job file, so that it goes the way that a user's job goes.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from math import log2, pi, sqrt
from pathlib import Path
from typing import Any, Literal
from zlib import crc32

import tifffile

from inspect_tool import registry, synthetic
from inspect_tool.files import write_text
from inspect_tool.synthetic import Field

LOOKS: Mapping[str, int] = {"good": 1, "ordinary": 2, "poor": 3}
"""Names of the levels of ``synthetic.degrade``."""
RECIPES = ("grain_size", "phase_fraction", "porosity", "solder_voids")
PIXEL_UM: Mapping[str, float] = {"grain_size": 0.5, "phase_fraction": 0.5, "porosity": 1.0, "solder_voids": 6.0}
"""Where the laboratory states no pixel size. [um/px]"""

_U_SCALE = 0.002  # relative standard uncertainty that the phantom jobs state; their scale is exact
_PIECE_PX = 24.0  # mean intercept of the drawn phases [px]
_PORE_PX = 12.0  # mean equivalent diameter of the drawn pores [px]
_BALL_PX = 84.0  # diameter of the drawn joints [px]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kit:
    """What is drawn: truths, how often, and how large."""

    grain_size_numbers: tuple[float, ...] = tuple(float(g) for g in range(13))
    phase_percents: tuple[float, ...] = (5.0, 15.0, 30.0, 50.0, 70.0)
    porosity_percents: tuple[float, ...] = (0.5, 2.0, 5.0, 10.0)
    void_percents: tuple[float, ...] = (2.0, 6.0, 12.0, 18.0)  # mean of the joints; single ones reach 2.5 times
    looks: tuple[str, ...] = ("good", "ordinary", "poor")
    repeats: int = 2  # phantoms of the same truth and look
    fields: int = 3  # of one phantom
    least_px: int = 400  # shortest side of a grain field [px]
    most_px: int = 800  # longest side of a grain field: stands for the laboratory's image [px]
    side_px: int = 512  # of phase and pore fields [px]
    balls: int = 3  # rows and columns of joints
    grains_wanted: float = 40.0  # of one field, where ``most_px`` holds them
    least_grains: float = 50.0  # of one phantom
    least_intercept_px: float = 10.0  # of grains: below, an etched boundary takes a quarter of them [px]
    pore_sizes_px: tuple[float, ...] = (2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 14.0)  # equivalent diameters [px]
    pores_of_a_size: int = 150  # about


FULL = Kit()
QUICK = replace(
    FULL,
    grain_size_numbers=(0.0, 3.0, 6.0, 9.0, 12.0),
    phase_percents=(10.0, 50.0),
    porosity_percents=(2.0, 10.0),
    void_percents=(5.0, 16.0),
    looks=("good", "ordinary"),
    pore_sizes_px=(3.0, 5.0, 8.0, 12.0),
    pores_of_a_size=80,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Phantom:
    """One specimen to be drawn: a truth, a look, a number."""

    recipe: str
    truth: float  # nominal: G, %, %, % by recipe
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """Key of the truth of a quantity: of the material, and how that of several fields goes together."""

    process: str  # "": the fields themselves are the material
    field: str
    pooled: Literal["mean", "max", "count weighted", "lines", "areas"] = "mean"


TRUTHS: Mapping[str, Mapping[str, Truth]] = {
    "grain_size": {
        "grain_size_number": Truth(
            process="process.grain_size_number.intercept", field="field.grain_size_number.intercept", pooled="lines"
        ),
        "grain_size_number.intercept": Truth(
            process="process.grain_size_number.intercept", field="field.grain_size_number.intercept", pooled="lines"
        ),
        "grain_size_number.planimetric": Truth(
            process="process.grain_size_number.planimetric", field="field.grain_size_number.planimetric", pooled="areas"
        ),
    },
    "phase_fraction": {
        "area_percent": Truth(process="process.area_percent.second", field="field.area_percent.second"),
    },
    "porosity": {
        "porosity_percent": Truth(process="process.porosity_percent", field="field.porosity_percent"),
        "pore_count_per_mm2": Truth(process="process.pore_count_per_mm2", field="field.pore_count_per_mm2"),
        "mean_pore_ecd_um": Truth(
            process="process.mean_pore_ecd_um", field="field.mean_pore_ecd_um", pooled="count weighted"
        ),
    },
    "solder_voids": {
        "void_percent.mean": Truth(process="", field="field.void_percent.mean"),
        "void_percent.max": Truth(process="", field="field.void_percent.max", pooled="max"),
        "largest_void_percent.max": Truth(process="", field="field.largest_void_percent.max", pooled="max"),
    },
}
"""Recipe to quantity to its truth; ``area_percent`` is that of the class with number 1."""


def planned(recipe: str, pixel_um: float, kit: Kit) -> tuple[tuple[Phantom, ...], tuple[Left, ...]]:
    """List the phantoms of a recipe, and the truths that cannot be measured at this pixel size with the reason."""
    truths = {
        "grain_size": kit.grain_size_numbers,
        "phase_fraction": kit.phase_percents,
        "porosity": kit.porosity_percents,
        "solder_voids": kit.void_percents,
    }[recipe]
    reasons = {truth: grains_out_of_reach(truth, pixel_um, kit) if recipe == "grain_size" else "" for truth in truths}
    phantoms = tuple(
        Phantom(recipe=recipe, truth=truth, look=look, repeat=repeat, pixel_um=pixel_um, kit=kit)
        for truth in truths
        for look in kit.looks
        for repeat in range(kit.repeats)
        if not reasons[truth]
    )
    return phantoms, tuple(Left(recipe=recipe, truth=t, reason=why) for t, why in reasons.items() if why)


def grains_out_of_reach(g: float, pixel_um: float, kit: Kit) -> str:
    """Say why grains of a size cannot be measured with this pixel size and field; empty where they can.

    >>> grains_out_of_reach(8.0, 0.5, FULL)
    ''
    >>> grains_out_of_reach(12.0, 1.0, FULL)
    'mean intercept 4.4 px; grains below 10 px are not resolved'
    """
    intercept_px, per_px2 = _grain_scale(g, pixel_um)
    if intercept_px < kit.least_intercept_px:
        return f"mean intercept {intercept_px:.2g} px; grains below {kit.least_intercept_px:g} px are not resolved"
    grains = per_px2 * kit.most_px**2 * kit.fields
    if grains < kit.least_grains:
        return (
            f"{kit.fields} fields of {kit.most_px} x {kit.most_px} px hold about {grains:.2g} grains; "
            f"fewer than {kit.least_grains:g} are no measurement"
        )
    return ""


def _grain_scale(g: float, pixel_um: float) -> tuple[float, float]:
    """Mean intercept [px] and grains per pixel of a Poisson-Voronoi mosaic of planimetric size G."""
    per_px2 = 2.0 ** (g + synthetic.G_FROM_DENSITY) * 1e-6 * pixel_um**2
    return pi / (4 * sqrt(per_px2)), per_px2


def drawn(phantom: Phantom) -> list[Field]:
    """Draw the fields of a phantom; the same phantom gives the same fields."""
    draw: Callable[[Phantom, int], Field] = _DRAW[phantom.recipe]
    return [draw(phantom, _seed(f"{phantom.name} {i}")) for i in range(phantom.kit.fields)]


def _grain_field(phantom: Phantom, seed: int) -> Field:
    kit = phantom.kit
    _, per_px2 = _grain_scale(phantom.truth, phantom.pixel_um)
    side = round(min(max(sqrt(kit.grains_wanted / per_px2), kit.least_px), kit.most_px))
    return synthetic.grains(
        seed=seed, grain_size_number=phantom.truth, shape_px=(side, side), pixel_um=phantom.pixel_um
    )


def _phase_field(phantom: Phantom, seed: int) -> Field:
    return synthetic.two_phase(
        seed=seed,
        area_percent=phantom.truth,
        feature_um=_PIECE_PX * phantom.pixel_um,
        shape_px=(phantom.kit.side_px, phantom.kit.side_px),
        pixel_um=phantom.pixel_um,
    )


def _pore_field(phantom: Phantom, seed: int) -> Field:
    return synthetic.pores(
        seed=seed,
        porosity_percent=phantom.truth,
        mean_ecd_um=_PORE_PX * phantom.pixel_um,
        shape_px=(phantom.kit.side_px, phantom.kit.side_px),
        pixel_um=phantom.pixel_um,
    )


def _joint_field(phantom: Phantom, seed: int) -> Field:
    return synthetic.solder_balls(
        seed=seed,
        rows=phantom.kit.balls,
        columns=phantom.kit.balls,
        diameter_um=_BALL_PX * phantom.pixel_um,
        void_percent=phantom.truth,
        pixel_um=phantom.pixel_um,
    )


_DRAW: Mapping[str, Callable[[Phantom, int], Field]] = {
    "grain_size": _grain_field,
    "phase_fraction": _phase_field,
    "porosity": _pore_field,
    "solder_voids": _joint_field,
}


def pores_of_size(diameter_px: float, look: str, pixel_um: float, kit: Kit) -> Field:
    """Draw round pores that all have one size, about ``kit.pores_of_a_size`` of them at most a tenth of the field."""
    area = pi / 4 * diameter_px**2
    side = round(max(sqrt(kit.pores_of_a_size * area / 0.04), kit.least_px))
    return synthetic.pores(
        seed=_seed(f"pores of size {diameter_px:g} {look}"),
        porosity_percent=min(100 * kit.pores_of_a_size * area / side**2, 10.0),
        mean_ecd_um=diameter_px * pixel_um,
        spread=0.001,
        shrinkage=0.0,
        shape_px=(side, side),
        pixel_um=pixel_um,
    )


def write_job(
    folder: Path, recipe: str, fields: Sequence[Field], look: str, name: str, backend: Mapping[str, Any]
) -> Path:
    """Write drawn fields as images of that look, and the job file that measures them.

    ``name`` is for the seed of the degradation; an empty ``backend`` is the default of the recipe.
    """
    modality: Literal["optical", "xray"] = "xray" if recipe == "solder_voids" else "optical"
    for i, field in enumerate(fields):
        seen = synthetic.degrade(field.pixels, LOOKS[look], seed=_seed(f"{name} look {i}"), modality=modality)
        tifffile.imwrite(folder / f"field_{i + 1}.tif", seen, metadata=None, software="")
    images = json.dumps([f"field_{i + 1}.tif" for i in range(len(fields))])
    table = "".join(f"{key} = {_toml(value)}\n" for key, value in backend.items())
    text = (
        f'recipe = "{recipe}"\nmodality = "{modality}"\nimages = {images}\nscale_bar = "off"\nexports = ["json"]\n'
        f'[calibration]\npixel_um = {fields[0].pixel_um!r}\nu_rel = {_U_SCALE}\nsource = "drawn"\n'
        f'plane = "{"plane of the joints" if modality == "xray" else ""}"\n'
    )
    path = folder / "job.toml"
    write_text(path, text + (f"[backend]\n{table}" if table else ""))
    return path


def truths_of(recipe: str, fields: Sequence[Field]) -> dict[str, tuple[float, float]]:
    """Truth of every quantity of a phantom: of the material, and of what its fields happen to hold."""
    found = {}
    for quantity, truth in TRUTHS[recipe].items():
        values = [field.truth.get(truth.field) for field in fields]
        present = [value for value in values if value is not None]
        if not present:
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
def default_backend(recipe: str) -> Mapping[str, Any]:
    """Give the ``[backend]`` table that a job of this recipe has when it states none."""
    return dict(registry.load("recipe", recipe).BACKEND)


def _seed(text: str) -> int:
    return crc32(text.encode())


def _toml(value: Any) -> str:
    return json.dumps(list(value) if isinstance(value, tuple) else value, ensure_ascii=False)
