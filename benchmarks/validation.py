"""Measure the backends without a network on real images with known truth and on synthetic fields; write docs/validation.md.

    python benchmarks/validation.py [FOLDER]      FOLDER: real images with ground truth, default ../shared/data

Everything runs with default settings. Which images were looked at while the methods were made is said in each section.
"""

import csv
import statistics
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from _real_images import joints
from PIL import Image

import inspect_tool
from inspect_tool import registry, synthetic
from inspect_tool.model import Calibration, Findings, Micrograph, Segmentation

ROOT = Path(__file__).resolve().parent.parent
PIXELS = Calibration(pixel_um=1.0, u_rel=0.001, source="one unit per pixel")  # for images without a scale


def classical(recipe: str) -> dict[str, Any]:
    """Give the backend of a recipe that needs no network."""
    return {"name": "watershed"} if recipe == "grain_size" else dict(registry.load("recipe", recipe).BACKEND)


def segment(micrograph: Micrograph, **table: Any) -> Segmentation:
    return inspect_tool.segment(micrograph, table.pop("name"), **table)


def results(recipe: str, micrograph: Micrograph, segmentation: Segmentation) -> dict[str, float]:
    found: Findings = inspect_tool.measure_fields(recipe, [micrograph], [segmentation])
    return {result.quantity: result.value for result in found.results}


def values(path: Path) -> np.ndarray:
    pixels = tifffile.imread(path) if path.suffix == ".tif" else np.asarray(Image.open(path))
    return pixels if pixels.ndim == 2 else pixels[..., 0]


def line(*cells: object) -> str:
    return "| " + " | ".join(str(cell).replace("|", r"\|") for cell in cells) + " |"


def head(*cells: str) -> Iterator[str]:
    yield line(*cells)
    yield line(*("---" for _ in cells))


# ---------------------------------------------------------------------------------------------------- grain size


def nist_steel(data: Path) -> Iterator[str]:
    folder = data / "nist-grain-size"
    scale = Calibration(pixel_um=50 / 222, u_rel=0.005, source="222 px = 50 um, stated by NIST")
    picture = inspect_tool.read(folder / "images" / "steel_optical_original.tif", calibration=scale)
    mask = str(folder / "masks" / "steel_optical_segmented.tif")
    rows = {
        "raw picture, `watershed`": segment(picture, **classical("grain_size")),
        "boundary map given by NIST, `labels`": segment(picture, name="labels", masks=(mask,), kind="boundaries"),
    }
    quantities = (
        "grain_size_number",
        "grain_size_number.intercept",
        "grain_size_number.planimetric",
        "mean_intercept_um",
    )
    yield "### Grain size: NIST etched steel (optical, 800 x 600 px, 0.2252 um/px)\n"
    yield "NIST's own code: intercept G 10.34 (three circles and lines), 10.51 (line grid); planimetric G 9.93. NIST's intercept"
    yield "lengths run between boundary edges, which raises G. The picture stood beside the trials while the watershed was made: no"
    yield "constant was fitted to it, but it is not untouched either. One field, so no interval over fields.\n"
    yield from head("labels from", "G (Abrams)", "G (intercept)", "G (planimetric)", "mean intercept [µm]")
    for name, segmentation in rows.items():
        found = results("grain_size", picture, segmentation)
        yield line(name, *(f"{found[quantity]:.2f}" for quantity in quantities))
    yield ""


def tbm(data: Path) -> Iterator[str]:
    folder = data / "tbm-grains-mlographypp"
    errors, failed = [], 0
    for path in sorted((folder / "images").glob("*.png")):
        if int(path.stem.split("__")[1].split("-")[0]) % 2 == 0:
            continue  # the watershed was tuned on these pictures
        micrograph = inspect_tool.read(path, calibration=PIXELS)
        try:
            truth = segment(micrograph, name="labels", masks=(str(folder / "masks" / path.name),), kind="boundaries")
            found = segment(micrograph, **classical("grain_size"))
            lengths = [results("grain_size", micrograph, s)["mean_intercept_um"] for s in (found, truth)]
        except inspect_tool.InspectError:
            failed += 1
            continue
        errors.append(100 * (lengths[0] / lengths[1] - 1))
    yield "### Grain boundaries traced by hand in textured, colored metal (TBM, 256 x 256 px crops)\n"
    yield "Hard, and partly subjective (see the source). Relative error of the mean intercept against the traced boundaries."
    yield "Crops of the odd-numbered pictures; the even-numbered ones were used for tuning. A limit was moved once after one of these"
    yield "crops was refused, so they are nearly, not wholly, untouched.\n"
    yield from head("crops", "refused", "median error [%]", "median |error| [%]", "90th percentile |error| [%]")
    size = sorted(abs(error) for error in errors)
    yield line(
        len(errors), failed, f"{statistics.median(errors):+.1f}", f"{statistics.median(size):.1f}",
        f"{size[int(0.9 * len(size))]:.1f}",
    )  # fmt: skip
    yield ""


# ---------------------------------------------------------------------------------------------------- fractions


def nasa_nickel(data: Path) -> Iterator[str]:
    folder = data / "nasa-ni-superalloy"
    yield "### Phase fraction: gamma-prime precipitates in nickel superalloys (NASA, SEM, 512 x 512 px)\n"
    yield "Truth is the painted mask, secondary and tertiary precipitates together. The *train* images may have been looked at while"
    yield "the threshold was made; the others were not tuned on. Baseline in the source: Otsu on a blurred image, test |error| 3.9 points,"
    yield "IoU 0.77.\n"
    yield from head(
        "set", "images", "mean error [points]", "mean |error| [points]", "largest |error| [points]", "mean IoU"
    )
    scores: dict[str, list[tuple[float, float]]] = {}
    for path in sorted((folder / "images").glob("*.png")):
        micrograph = inspect_tool.read(path, calibration=Calibration(source="ratio only"))
        truth = values(folder / "masks" / path.name) > 0
        found = segment(micrograph, **classical("phase_fraction")).labels == 1
        iou = np.count_nonzero(found & truth) / np.count_nonzero(found | truth)
        scores.setdefault(path.name.split("__")[0], []).append((100 * (found.mean() - truth.mean()), iou))
    yield from fraction_rows(scores)


def uhcs(data: Path) -> Iterator[str]:
    folder = data / "uhcs-microconstituents"
    yield "### Phase fraction: ultrahigh-carbon steel (UHCS, SEM, 645 x 484 px)\n"
    yield "Four microconstituents told apart by *texture*; a gray level cannot. What it can find is the bright cementite network, class 1."
    yield "The figure shows how far a threshold is off where it is the wrong tool; here a network or your own masks belong.\n"
    yield from head(
        "set", "images", "mean error [points]", "mean |error| [points]", "largest |error| [points]", "mean IoU"
    )
    scores: dict[str, list[tuple[float, float]]] = {}
    for path in sorted((folder / "images").glob("*.png")):
        micrograph = inspect_tool.read(path, calibration=Calibration(source="ratio only"))
        truth = values(folder / "masks" / path.name) == 1
        if not truth.any():
            continue
        found = segment(micrograph, name="threshold", phase="bright").labels == 1
        iou = np.count_nonzero(found & truth) / np.count_nonzero(found | truth)
        scores.setdefault("bright network", []).append((100 * (found.mean() - truth.mean()), iou))
    yield from fraction_rows(scores)
    yield UHCS_BEFORE


UHCS_BEFORE = """\
Before fine phases without a plateau got the foot of their edges for a level, the mean size of the error was 4.1 points, at an IoU of 0.08: outlines of
other constituents covered as much as the network does. Nothing was found then either. The level by the foot is what brings the phases of an additive steel
from 12.7 to 4.9 and particles of journal figures from 16.4 to 8.9 points, so it stays. Of these 19 pictures it is taken in ten, all of them
doubted on page 1 ("Distinctness of the gray level of the phase", "Outline of the phase that lies on edges of the image"), and none of the ten can pass. Three pictures
of the 19 are not doubted; they are 7.3, 6.1 and 2.6 points off at half widths of 3 to 4, and were so before.
"""


def fraction_rows(scores: dict[str, list[tuple[float, float]]]) -> Iterator[str]:
    for name, pairs in scores.items():
        errors = [error for error, _ in pairs]
        yield line(
            name, len(pairs), f"{statistics.mean(errors):+.1f}", f"{statistics.mean(map(abs, errors)):.1f}",
            f"{max(map(abs, errors)):.1f}", f"{statistics.mean(iou for _, iou in pairs):.2f}",
        )  # fmt: skip
    yield ""


# -------------------------------------------------------------------------------------------------------- solder


def solder(data: Path) -> Iterator[str]:
    folder = data / "solder-voids-xray"
    index = list(csv.DictReader((folder / "index.csv").open(encoding="utf-8")))
    yield "### Solder voids: X-ray pictures of QFN, die attach, LED pads and BGA\n"
    yield "Only images that the index marks *ok*; the labels carry 1 to 3 points of void % of their own. All were seen while the"
    yield "method was made, those of valid and test when its faults were mended. Void % of all joints of an image together, true is the area within the outlines. Baseline in the source: Otsu inside the labeled pad, median |error| 6.7"
    yield "points, mean 23.2. The pictures come from many machines, several are printed figures with letters and arrows burned in.\n"
    yield from head(
        "joints", "set", "images", "refused", "median |error| [points]", "mean |error| [points]", "median error"
    )
    for given in (True, False):
        for name, group in (("train", {"train"}), ("valid and test", {"valid", "test"})):
            errors, failed = [], 0
            for row in index:
                if row["quality"] != "ok" or row["roboflow_split"] not in group:
                    continue
                error = void_error(folder, row, given)
                if error is None:
                    failed += 1
                else:
                    errors.append(error)
            size = [abs(error) for error in errors]
            yield line(
                "given by the labels" if given else "found", name, len(errors), failed, f"{statistics.median(size):.1f}",
                f"{statistics.mean(size):.1f}", f"{statistics.median(errors):+.1f}",
            )  # fmt: skip
    yield ""


def void_error(folder: Path, row: Mapping[str, str], given: bool) -> float | None:
    name = row["name"]
    truth = joints(folder / "labels_yolo" / f"{name}.txt", (int(row["height"]), int(row["width"])))()
    with tempfile.TemporaryDirectory() as temporary:
        joint_mask = Path(temporary) / "joints.png"
        Image.fromarray((truth > 0).astype(np.uint8) * 255).save(joint_mask)
        micrograph = inspect_tool.read(folder / "images" / f"{name}.png", calibration=Calibration(source="ratio only"))
        try:
            found = segment(micrograph, name="joints", **({"joint_mask": str(joint_mask)} if given else {})).labels
        except inspect_tool.InspectError:
            return None
    void, joint = np.count_nonzero(found == 2), np.count_nonzero(found > 0)
    return float(100 * void / joint - 100 * np.count_nonzero(truth == 2) / np.count_nonzero(truth > 0))


# ----------------------------------------------------------------------------------------------------- synthetic


STUDIES = {
    "grain_size": (
        lambda seed: synthetic.grains(seed=seed, grain_size_number=8.0, shape_px=(800, 1000), pixel_um=0.5),
        "grain_size_number.intercept",
        "field.grain_size_number.intercept",
        "G",
    ),
    "phase_fraction": (
        lambda seed: synthetic.two_phase(seed=seed, area_percent=25.0, feature_um=15.0, shape_px=(800, 1000)),
        "area_percent.dark",
        "field.area_percent.second",
        "points",
    ),
    "porosity": (
        lambda seed: synthetic.pores(seed=seed, porosity_percent=2.0, mean_ecd_um=14.0, shape_px=(800, 1000)),
        "porosity_percent",
        "field.porosity_percent",
        "points",
    ),
    "solder_voids": (
        lambda seed: synthetic.solder_balls(seed=seed),
        "void_percent.mean",
        "field.void_percent.mean",
        "points",
    ),
}


def synthetic_levels(seeds: int = 6) -> Iterator[str]:
    yield "### Synthetic fields at three levels of degradation\n"
    yield "Truth is that of the drawn field. Level 1 is a good laboratory image, 2 an ordinary one (shading, noise, some scratches and pits),"
    yield f"3 a poor one. Mean error and largest |error| over {seeds} fields, each measured alone, default settings.\n"
    yield from head("recipe", "quantity", "unit", "level 1", "level 2", "level 3")
    for recipe, (make, quantity, truth, unit) in STUDIES.items():
        cells = []
        for level in (1, 2, 3):
            errors, refused = [], 0
            for seed in range(500, 500 + seeds):
                field = make(seed)
                modality = "xray" if recipe == "solder_voids" else "optical"
                micrograph = Micrograph(
                    pixels=synthetic.degrade(field.pixels, level, seed=seed, modality=modality),
                    calibration=Calibration(pixel_um=field.pixel_um, u_rel=0.002, source="exact"),
                )
                try:
                    found = results(recipe, micrograph, segment(micrograph, **classical(recipe)))
                    errors.append(found[quantity] - field.truth[truth])
                except inspect_tool.InspectError:
                    refused += 1
            cells.append(
                (f"{statistics.mean(errors):+.2f} ({max(map(abs, errors)):.2f})" if errors else "–")
                + (f", {refused} refused" if refused else "")
            )
        yield line(f"`{recipe}`", f"`{quantity}`", unit, *cells)
    yield ""


INTRO = """\
# Validation

Made by `python benchmarks/validation.py` with version {version}; every figure is measured with default settings of the
backends that need no network: `watershed`, `threshold` and `joints`. The networks have pages of their own, on the same images:
[grains](validation-networks.md), [classes and joints](validation-coverage.md). Real images lie outside this project (they keep their own licences); each is named with its source. A score on few images is an indication for
your material, not a promise: measure your own golden images before you rely on it. How often the stated interval holds the
truth on labeled real images, by every backend: [validation-real.md](validation-real.md).

One page per recipe that sums this up for a laboratory: [grain size](validation_grain_size.md),
[phase fraction](validation_phase_fraction.md), [porosity](validation_porosity.md), [solder voids](validation_solder_voids.md),
[particles](validation_particles.md), [fibers](validation_fibres.md), [confluence](validation_confluence.md).
"""

WEAKNESSES = """\
## Honest weaknesses

- A threshold tells phases apart by gray level only. Where the eye goes by texture (UHCS), it is the wrong tool; give your own masks
  with the backend `labels`.
- Grain boundaries that are seen on less than about half of their length are lost or bridged. The stated segmentation line of the
  budget comes from weaker and stronger demands on a boundary; it does not know boundaries that no demand can find.
- Etched grains with a wide size distribution come out about 0.1 G too coarse; the budget has a line for it. In textured, colored
  metal single crops scatter by 1 G.
- Twins are merged only where both faces of a lamella are straight and parallel. A single twin boundary that divides a grain is counted.
- Solder pictures that are printed figures (letters, arrows, gray wedges) or whose pads have no outline against the board are found
  badly or not at all; give the joints. With the joints given, shaded pads with large voids remain the hardest.
- Balls lose their faintest small voids: about 0.3 points of void % at level 1, 0.6 at level 3, where the stated interval holds
  the truth in less than 90 % of cases. A void wider than about 0.6 of a ball can be missed.
- Etching specks and eutectic count as pores to a gray level (the etched, printed aluminum of the shared images reads several per cent);
  a check of the darkness of the pores then fails and says so on page 1.
- Inclusions in dark, colored grains (MLography crops) need masks or a network: the gray level is about 10 points off.
- Synthetic fields are drawn by us. They have exact truth, but no polish relief, no smeared metal and no charging.
"""


def main() -> None:
    data = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT.parent / "shared" / "data"
    parts = [INTRO.format(version=inspect_tool.__version__), "## Real images\n"]
    for section in (nist_steel, tbm, nasa_nickel, uhcs, solder):
        text = "\n".join(section(data))
        print(text, flush=True)
        parts.append(text)
    text = "\n".join(synthetic_levels())
    print(text)
    parts += ["## Synthetic fields\n", text, WEAKNESSES]
    (ROOT / "docs" / "validation.md").write_text("\n".join(parts), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
