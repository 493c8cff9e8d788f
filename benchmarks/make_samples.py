"""Make the images, the expected numbers and the validations of the sample jobs; the same picture every time.

Run it from the checkout:  python benchmarks/make_samples.py  [folder]

The job files and the calibration records beside the images are written by hand. What is drawn here is described
in one place per sample below; ``expected.json`` takes its numbers from the process or the geometry that was
drawn, never from a measurement. ``validation.toml`` has the errors of the backend of the job on other images of the
same kind, against their exact labels: the drawn samples are unlike the real images that shipped validations are of.
"""

import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image

from inspect_tool import synthetic
from inspect_tool.studies.validation import measure
from inspect_tool.synthetic import Degradation, Field
from inspect_tool.validation.values import LabeledImages, dump_validation

ROOT = Path(__file__).resolve().parent.parent

OPTICAL = Degradation(
    shading=0.13, blur_px=0.8, contrast=0.92, electrons=90000, read_noise=0.5, scratches=3, pits=8, stains=3.0
)
"""The look of level 2, with the low noise of a modern camera (averaged frames), which also keeps the files small."""

POLISHED = replace(OPTICAL, pits=0)
"""The same without pits: in a porosity image they would be pores that the truth does not know."""

ELECTRONS = Degradation(shading=0.06, blur_px=0.5, electrons=6000, read_noise=1.0)
"""A slow scan of an electron microscope."""

XRAY = Degradation(shading=0.12, blur_px=0.5, electrons=60000, read_noise=0.6)

CULTURE = Degradation(shading=0.08, blur_px=0.5, electrons=60000, read_noise=0.5)
"""A camera on an inverted microscope; a dish has no scratches, pits and stains of polishing."""

LAYER = Degradation(shading=0.06, blur_px=0.7, electrons=90000, read_noise=0.4)
"""A polished section in a mount, averaged frames."""

GRAIN_UM, PHASE_UM, PORE_UM, XRAY_UM = 0.345, 0.31, 2.42, 6.0
POWDER_UM, FIBER_UM, CULTURE_UM, LAYER_UM, GRAPHITE_UM, BAND_UM, SKIN_UM = 0.62, 0.32, 0.65, 0.21, 0.8, 0.6, 0.9
STEEL_UM = 0.8
"""Pixel sizes as in the job files. [um/px]"""


def grain_fields(
    count: int = 5, seed: int = 100, shape_px: tuple[int, int] = (800, 1000)
) -> Iterator[tuple[str, Field, Degradation]]:
    """Five fields of a normalized steel, etched dark boundaries, ASTM G 8.8 (planimetric)."""
    for i in range(count):
        field = synthetic.grains(
            seed=seed + i,
            grain_size_number=8.8,
            shape_px=shape_px,
            pixel_um=GRAIN_UM,
            curvature=0.16,
            line_px=2.8,
            etch=0.85,
            faint=0.03,
            grain_contrast=0.028,
            precipitates_per_mm2=350,
        )
        yield f"B2-L_{i + 1}.tif", field, OPTICAL


def phase_fields(count: int = 6, seed: int = 200) -> Iterator[tuple[str, Field, Degradation]]:
    """Six fields of a cast duplex stainless steel: dark-etched ferrite 46 %, austenite left light."""
    for i in range(count):
        field = synthetic.two_phase(
            seed=seed + i,
            area_percent=46.0,
            feature_um=12.0,
            name="ferrite",
            matrix="austenite",
            gray=(0.82, 0.42),
            texture=(0.022, 0.045),
            shape_px=(640, 800),
            pixel_um=PHASE_UM,
        )
        yield f"field_{i + 1}.png", field, OPTICAL


def pore_fields(count: int = 6, seed: int = 300) -> Iterator[tuple[str, Field, Degradation]]:
    """Six fields of an aluminum die casting: gas pores and some shrinkage, 1.6 % porosity."""
    for i in range(count):
        field = synthetic.pores(
            seed=seed + i,
            porosity_percent=1.6,
            mean_ecd_um=38.0,
            spread=0.42,
            shrinkage=0.3,
            clusters=0.2,
            inclusions_per_mm2=0.8,
            scratches=3,
            stains=0.03,
            shape_px=(720, 900),
            pixel_um=PORE_UM,
        )
        yield f"field_{i + 1}.png", field, POLISHED


def solder_fields(count: int = 2, seed: int = 400, pads: int = 1) -> Iterator[tuple[str, Field, Degradation]]:
    """Two parts of a ball grid array and one thermal tab, X-ray transmission."""
    for i in range(count):
        field = synthetic.solder_balls(
            seed=seed + i,
            rows=4,
            columns=5,
            diameter_um=600.0,
            pitch_um=1000.0,
            pixel_um=XRAY_UM,
            void_percent=6.0,
            absorption=1.7,
        )
        yield f"U7_{i + 1}.png", field, XRAY
    for i in range(pads):
        pad = synthetic.thermal_pad(
            seed=seed + 10 + i, size_um=(3000.0, 3600.0), void_percent=16.0, voids=34, pixel_um=XRAY_UM, leads=False
        )
        yield f"Q3_{i + 1}.png", pad, XRAY


def powder_fields(count: int = 5, seed: int = 500) -> Iterator[tuple[str, Field, Degradation]]:
    """Five fields of a gas-atomized powder on tape, median 16 um by number, with satellites and a few overlaps."""
    for i in range(count):
        field = synthetic.powder(
            seed=seed + i,
            area_percent=16.0,
            median_ecd_um=16.0,
            sigma=0.3,
            satellites=0.15,
            overlap=0.08,
            shape_px=(480, 600),
            pixel_um=POWDER_UM,
        )
        yield f"field_{i + 1}.png", field, ELECTRONS


def fiber_fields() -> Iterator[tuple[str, Field, Degradation]]:
    """Five fields of a carbon laminate cut square to its fibers, and three of another ply that lies at 35 degrees."""
    for i in range(8):
        tilted = i >= 5
        field = synthetic.fibers(
            seed=600 + i,
            fiber_percent=57.0 if tilted else 60.0,
            diameter_um=7.1,
            tilt_deg=35.0 if tilted else 2.0,
            azimuth_deg=20.0,
            scatter_deg=4.0 if tilted else 1.5,
            void_percent=1.2,
            void_ecd_um=4.5,
            shape_px=(420, 520),
            pixel_um=FIBER_UM,
        )
        yield f"{'ply_35' if tilted else 'ply_0'}_{i % 5 + 1}.png", field, POLISHED


def culture_fields(count: int = 6, seed: int = 600) -> Iterator[tuple[str, Field, Degradation]]:
    """Six fields of an adherent culture in phase contrast, 62 % covered."""
    for i in range(count):
        field = synthetic.culture(
            seed=seed + i, area_percent=62.0, cell_um=45.0, shape_px=(400, 500), pixel_um=CULTURE_UM
        )
        yield f"field_{i + 1}.png", field, CULTURE


def layer_fields(count: int = 5, seed: int = 700) -> Iterator[tuple[str, Field, Degradation]]:
    """Five fields along the section of a nickel plated steel, 24 um of nickel between mount and steel."""
    for i in range(count):
        field = synthetic.layer(
            seed=seed + i, thickness_um=24.0, spread=0.06, length_um=22.0, shape_px=(360, 560), pixel_um=LAYER_UM
        )
        yield f"field_{i + 1}.png", field, LAYER


def skin_fields(count: int = 5, seed: int = 650) -> Iterator[tuple[str, Field, Degradation]]:
    """Five fields along the surface of a hot rolled bar, decarburized to 140 um, 35 um of that to ferrite."""
    for i in range(count):
        field = synthetic.decarburised(
            seed=seed + i,
            total_um=140.0,
            complete_um=35.0,
            core_ferrite_percent=30.0,
            grain_um=14.0,
            spread=0.06,
            shape_px=(420, 560),
            pixel_um=SKIN_UM,
        )
        yield f"field_{i + 1}.png", field, LAYER


def inclusion_fields(count: int = 3, seed: int = 950) -> Iterator[tuple[str, Field, Degradation]]:
    """Three fields of a rolled bar: sulfides, a few stringers and silicates, globules; 1.6 mm2 together."""
    for i in range(count):
        field = synthetic.inclusions(
            seed=seed + i,
            per_mm2={"A": 30.0, "B": 4.0, "C": 4.0, "D": 50.0, "DS": 1.0},
            shape_px=(900, 1000),
            pixel_um=STEEL_UM,
        )
        yield f"field_{i + 1}.png", field, POLISHED


def graphite_fields(count: int = 6, seed: int = 800) -> Iterator[tuple[str, Field, Degradation]]:
    """Six fields of an unetched ductile iron, 86 % nodularity."""
    for i in range(count):
        field = synthetic.graphite(
            seed=seed + i,
            nodularity_percent=86.0,
            graphite_percent=11.0,
            median_um=20.0,
            spread=0.25,
            between_percent=8.0,
            shape_px=(640, 800),
            pixel_um=GRAPHITE_UM,
        )
        yield f"field_{i + 1}.png", field, POLISHED


def band_fields(count: int = 5, seed: int = 900) -> Iterator[tuple[str, Field, Degradation]]:
    """Five fields of a hot rolled steel, pearlite in bands along the rolling direction."""
    for i in range(count):
        field = synthetic.bands(
            seed=seed + i, area_percent=34.0, spacing_um=16.0, anisotropy=2.6, shape_px=(440, 560), pixel_um=BAND_UM
        )
        yield f"field_{i + 1}.png", field, LAYER


def expected_of_fields(
    fields: Sequence[Field], specimen: str, tolerances: Mapping[str, tuple[str, float]]
) -> dict[str, dict[str, Any]]:
    """Means over the fields of what was drawn in them; ``tolerances`` is quantity -> (unit, tolerance)."""
    return {
        f"{quantity}@{specimen}": {
            "value": round(float(np.mean([field.truth[f"field.{quantity}"] for field in fields])), 6),
            "unit": unit,
            "tol": tolerance,
            "source": "field truth, mean over fields",
        }
        for quantity, (unit, tolerance) in tolerances.items()
    }


def expected_of_process(
    fields: Sequence[Field], specimen: str, tolerances: Mapping[str, tuple[str, float]]
) -> dict[str, dict[str, Any]]:
    """Numbers of the process; ``tolerances`` is quantity -> (unit, tolerance)."""
    truth = fields[0].truth
    return {
        f"{quantity}@{specimen}": {
            "value": round(truth[f"process.{quantity}"], 6),
            "unit": unit,
            "tol": tolerance,
            "source": "process truth",
        }
        for quantity, (unit, tolerance) in tolerances.items()
    }


def expected_of_joints(fields: Sequence[Field], specimen: str) -> dict[str, dict[str, Any]]:
    """Numbers of the joints that were drawn, of all images of a specimen together."""
    joints = [joint for field in fields for joint in field.joints]
    voids = [joint.void_percent for joint in joints]
    numbers = {
        "void_percent.max": (max(voids), 1.5),
        "void_percent.mean": (sum(voids) / len(voids), 1.0),
        "largest_void_percent.max": (max(joint.largest_void_percent for joint in joints), 1.5),
    }
    return {
        f"{quantity}@{specimen}": {"value": round(value, 6), "unit": "%", "tol": tol, "source": "field truth"}
        for quantity, (value, tol) in numbers.items()
    }


def write_image(path: Path, pixels: NDArray[np.uint8], pixel_um: float | None) -> None:
    """8-bit PNG, or TIFF with the scale in its resolution tags when ``pixel_um`` is given."""
    if path.suffix == ".png":
        Image.fromarray(pixels).save(path, optimize=True)
        return
    scale: dict[str, Any] = {}
    if pixel_um is not None:
        scale = {"resolution": (1e4 / pixel_um, 1e4 / pixel_um), "resolutionunit": "CENTIMETER"}
    tifffile.imwrite(path, pixels, compression="zlib", predictor=True, metadata=None, software="", **scale)


SAMPLES: Mapping[str, Callable[[], Iterator[tuple[str, Field, Degradation]]]] = {
    "grain_size": grain_fields,
    "phase_fraction": phase_fields,
    "porosity": pore_fields,
    "solder_voids": solder_fields,
    "particles": powder_fields,
    "fibres": fiber_fields,
    "confluence": culture_fields,
    "decarburisation": skin_fields,
    "layer_thickness": layer_fields,
    "graphite": graphite_fields,
    "banding": band_fields,
    "inclusions": inclusion_fields,
}

LOOKS: Mapping[str, Any] = dict.fromkeys(
    ("solder_voids", "particles", "confluence"), "xray"
)  # without scratches, pits and stains

OTHERS: Mapping[str, Callable[[], Iterator[tuple[str, Field, Degradation]]]] = {
    "grain_size": lambda: grain_fields(20, 1100, (400, 500)),
    "phase_fraction": lambda: phase_fields(20, 1200),
    "porosity": lambda: pore_fields(20, 1300),
    "solder_voids": lambda: solder_fields(11, 1400, 19),
    "particles": lambda: powder_fields(20, 1500),
}
"""Images of the same kind that a sample is validated on, some of them smaller."""


def make(folder: Path) -> None:
    """Write images and expected.json of every sample."""
    for recipe, draw in SAMPLES.items():
        images = folder / recipe / "images"
        images.mkdir(parents=True, exist_ok=True)
        fields = {}
        for number, (name, field, look) in enumerate(draw()):
            pixels = degraded(recipe, field, look, 1000 + number)
            # the last grain field has lost its scale on the way, as happens: the job states it
            write_image(images / name, pixels, field.pixel_um if number < 4 else None)
            fields[name] = field
        text = json.dumps(expected(recipe, fields), indent=1, ensure_ascii=False)
        (folder / recipe / "expected.json").write_text(text + "\n", encoding="utf-8")


def degraded(recipe: str, field: Field, look: Degradation, seed: int) -> NDArray[np.uint8]:
    """The picture that a camera or a detector makes of a field."""
    return synthetic.degrade(field.pixels, look, seed=seed, modality=LOOKS.get(recipe, "optical"))


def validate(recipe: str, folder: Path) -> None:
    """Write validation.toml of a sample: its job on other images of the kind, against what was drawn."""
    with tempfile.TemporaryDirectory() as work:
        images, masks = Path(work) / "images", Path(work) / "masks"
        images.mkdir()
        masks.mkdir()
        labels = {}
        for number, (name, field, look) in enumerate(OTHERS[recipe]()):
            write_image(images / name, degraded(recipe, field, look, 2000 + number), field.pixel_um)
            Image.fromarray(field.labels.astype(np.uint16)).save(masks / f"{Path(name).stem}.png")
            labels[name] = measure.Label(parent=Path(name).stem, group=name.split("_")[0])
        job = Path(shutil.copy(folder / recipe / "job.toml", work))
        machine, truth = measure.plans_of(job, [str(masks / f"{Path(name).stem}.png") for name in labels])
        made = measure.validate(
            machine,
            truth,
            name="drawn images like those of the sample",
            person="exact truth of the drawing",
            date=date(2026, 11, 28),
            labels=labels,
            sources=[
                LabeledImages(
                    name="drawn images",
                    licence="as this software",
                    images=len(labels),
                    source="benchmarks/make_samples.py",
                )
            ],
        )
        (folder / recipe / VALIDATION).write_text(dump_validation(made), encoding="utf-8")


VALIDATION = "validation.toml"


def expected(recipe: str, fields: Mapping[str, Field]) -> dict[str, dict[str, Any]]:
    """Content of expected.json: quantity@specimen -> value, unit, tolerance, source."""
    every = list(fields.values())
    if recipe == "grain_size":
        tolerances = {
            "grain_size_number.planimetric": ("G", 0.15),
            "grain_size_number.mean_area": ("G", 0.15),
            "grain_size_number.intercept": ("G", 0.15),
            "grains_per_mm2": ("1/mm2", 350.0),
            "mean_grain_area_um2": ("um2", 28.0),
            "mean_intercept_um": ("um", 0.7),
        }
        return expected_of_process(every, "B2", tolerances)
    if recipe == "phase_fraction":
        tolerances = {"area_percent.ferrite": ("%", 1.5), "area_percent.austenite": ("%", 1.5)}
        per_phase = {
            "mean_intercept_um": ("um", 0.5),
            "mean_free_path_um": ("um", 0.7),
            "intercepts_per_mm": ("1/mm", 1.2),
        }
        lengths = expected_of_process(every, "1", per_phase)
        return expected_of_process(every, "1", tolerances) | {
            name.replace("@", ".ferrite@"): number for name, number in lengths.items()
        }
    if recipe == "porosity":
        tolerances = {
            "porosity_percent": ("%", 0.35),
            "pore_count_per_mm2": ("1/mm2", 2.0),
            "mean_pore_ecd_um": ("um", 3.5),
        }
        return expected_of_process(every, "1", tolerances)
    if recipe == "particles":
        tolerances = {
            "particle_d50_um.volume": ("um", 1.5),
            "particle_d90_um.volume": ("um", 3.0),
            "sauter_diameter_um": ("um", 1.5),
        }
        return expected_of_fields(every, "1", tolerances)
    if recipe == "fibres":
        tolerances = {
            "fibre_percent": ("%", 3.0),
            "void_percent": ("%", 1.2),
            "mean_fibre_diameter_um": ("um", 0.25),
            "fibre_count_per_mm2": ("1/mm2", 900.0),
        }
        tilted = [field for name, field in fields.items() if name.startswith("ply_35")]
        of_tilt = {"mean_fibre_tilt_deg": ("deg", 2.0), "orientation_a33": ("1", 0.03)}
        return expected_of_process(every, "0", tolerances) | expected_of_process(tilted, "35", tolerances | of_tilt)
    if recipe == "confluence":
        return expected_of_process(every, "1", {"area_percent.covered": ("%", 5.0)})
    if recipe == "banding":
        tolerances = {"anisotropy_index": ("1", 0.2), "band_spacing_um": ("um", 1.0), "orientation_degree": ("1", 0.05)}
        index = every[0].truth["process.anisotropy_index"]
        degree = (index - 1) / (index + np.pi / 2 - 1)
        made = expected_of_process(
            every, "1", {name: tolerances[name] for name in ("anisotropy_index", "band_spacing_um")}
        )
        unit, tol = tolerances["orientation_degree"]
        return made | {
            "orientation_degree@1": {"value": round(degree, 6), "unit": unit, "tol": tol, "source": "process truth"}
        }
    if recipe == "graphite":
        of_process = {"nodularity_percent": ("%", 7.0), "nodule_count_per_mm2": ("1/mm2", 30.0)}
        return expected_of_process(every, "1", of_process | {"graphite_percent": ("%", 1.5)})
    if recipe == "decarburisation":
        depths = {f"mean_{depth}_depth_um": ("um", 20.0) for depth in ("total", "partial")}
        return expected_of_process(every, "1", depths | {"mean_complete_depth_um": ("um", 10.0)})
    if recipe == "inclusions":
        of_fields = {"inclusion_percent": ("%", 0.15), "inclusion_count_per_mm2": ("1/mm2", 8.0)}
        return expected_of_fields(every, "1", of_fields | {"length_per_area.a": ("1/mm", 0.25)})
    if recipe == "layer_thickness":
        tolerances = {"mean_thickness_um.layer": ("um", 0.9)}
        of_fields = {"thickness_sd_um.layer": ("um", 0.4)}
        return expected_of_process(every, "1", tolerances) | expected_of_fields(every, "1", of_fields)
    return expected_of_joints([f for name, f in fields.items() if name.startswith("U7")], "U7") | expected_of_joints(
        [fields["Q3_1.png"]], "Q3"
    )


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "samples"
    make(target)
    for sample in OTHERS:
        validate(sample, target)
