"""Score the semantic networks beside the classical backends: writes docs/validation-coverage.md.

python benchmarks/coverage_scores.py [FOLDER OF SHARED DATA]
"""

import csv
import json
import statistics
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
from _real_images import joints
from PIL import Image

import inspect_tool
from inspect_tool import synthetic
from inspect_tool.model import Calibration, LabelImage, Micrograph, Segmentation

ROOT = Path(__file__).resolve().parent.parent
RATIO = Calibration(source="ratio only")


def line(*cells: object) -> str:
    return "| " + " | ".join(str(cell).replace("|", r"\|") for cell in cells) + " |"


def head(*cells: str) -> Iterator[str]:
    yield line(*cells)
    yield line(*("---" for _ in cells))


def read_mask(path: Path) -> np.ndarray:
    mask = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    assert mask is not None, path
    return mask if mask.ndim == 2 else mask[..., 0]


def iou(found: np.ndarray, truth: np.ndarray) -> float:
    either = np.count_nonzero(found | truth)
    return np.count_nonzero(found & truth) / either if either else 1.0


# ------------------------------------------------------------------------------------------------- superalloy


def superalloy(data: Path) -> Iterator[str]:
    folder = data / "nasa-ni-superalloy"
    yield "## Nickel superalloys (NASA): gamma-prime precipitates\n"
    yield "Model `superalloy`: matrix, secondary, tertiary precipitates (masks and pictures tell the last two apart"
    yield "by size). Trained on the ten *train* pictures, two of which chose the weights, and on two-phase fields of"
    yield "our own. The pictures of *val* were not trained on and decided nothing. Area error and IoU: all"
    yield "precipitates against matrix, as in `validation.md`; the last columns: each class.\n"
    yield from head(
        "picture", "`threshold` error [points]", "`threshold` IoU", "`unet` error [points]", "`unet` IoU",
        "secondary: error, IoU", "tertiary: error, IoU",
    )  # fmt: skip
    sums: list[tuple[float, float, float, float]] = []
    for path in sorted((folder / "images").glob("*.png")):
        if path.name.startswith("train"):
            continue
        micrograph = inspect_tool.read(path, calibration=RATIO)
        truth = read_mask(folder / "masks" / path.name)
        gray = inspect_tool.segment(micrograph, "threshold", phase="dark").labels == 1
        found = inspect_tool.segment(micrograph, "unet", model="superalloy").labels
        both = [(100 * ((a > 0).mean() - (truth > 0).mean()), iou(a > 0, truth > 0)) for a in (gray, found)]
        own = [
            f"{100 * ((found == k).mean() - (truth == k).mean()):+.2f}, {iou(found == k, truth == k):.3f}"
            for k in (1, 2)
        ]
        cells = [f"{both[0][0]:+.2f}", f"{both[0][1]:.3f}", f"{both[1][0]:+.2f}", f"{both[1][1]:.3f}"]
        yield line(path.stem, *cells, *own)
        sums.append((*both[0], *both[1]))
    mean = [statistics.mean(abs(row[0]) for row in sums), statistics.mean(row[1] for row in sums)]
    mean += [statistics.mean(abs(row[2]) for row in sums), statistics.mean(row[3] for row in sums)]
    yield line("mean (of |error|)", *(f"{value:.3f}" for value in mean), "", "")
    yield ""


# ------------------------------------------------------------------------------------------ microconstituents


def microconstituents(data: Path) -> Iterator[str]:
    path = ROOT / "docs" / "training" / "microconstituents_folds.json"
    names = ("matrix", "network", "spheroidite", "Widmanstatten")
    counts: Mapping[str, Sequence[Sequence[Sequence[int]]]] = json.loads(path.read_text(encoding="utf-8"))
    with (data / "uhcs-microconstituents" / "index.csv").open(encoding="utf-8") as stream:
        folds = {row["name"]: row["published_cv_fold"] for row in csv.DictReader(stream)}
    yield "## Ultrahigh-carbon steel (UHCS): four microconstituents\n"
    yield "Model `microconstituents`. Cross-validation over the published folds as far as their pictures are here"
    yield "(20 of 24, five folds): every picture is measured by a network that never saw its fold. IoU of all pixels"
    yield "together; a picture alone: error of the area share. Scale, size of the network and number of steps were"
    yield "changed once, after a first run of fold 0, and training was prolonged while it helped; the loss weights are"
    yield "taken out of the probabilities. Published, PixelNet with a pretrained encoder: mean 62.6 ± 2.5.\n"

    def ious(tables: Sequence[np.ndarray]) -> np.ndarray:
        total = np.sum(tables, axis=0).astype(float)
        return np.diag(total) / (total.sum(0) + total.sum(1) - np.diag(total))

    yield from head("", *(f"IoU {name}" for name in names), "mean IoU", "pixel accuracy")
    for view, title in ((0, "one view"), (1, "mean of eight turned and mirrored views")):
        tables = [np.array(table[view]) for table in counts.values()]
        found, total = ious(tables), np.sum(tables, axis=0)
        yield line(title, *(f"{v:.3f}" for v in found), f"{found.mean():.3f}", f"{np.trace(total) / total.sum():.3f}")
    by_fold = [
        ious([np.array(table[1]) for name, table in counts.items() if folds[name] == fold])
        for fold in sorted(set(folds.values()))
    ]
    stack = np.array(by_fold)
    yield line(
        "eight views, mean over folds (range)",
        *(f"{stack[:, k].mean():.3f} ({stack[:, k].min():.2f}–{stack[:, k].max():.2f})" for k in range(4)),
        f"{stack.mean(1).mean():.3f} ({stack.mean(1).min():.2f}–{stack.mean(1).max():.2f})",
        "",
    )
    yield ""
    yield from head("picture", "fold", *(f"{name}: error [points]" for name in names))
    sizes: list[np.ndarray] = []
    for name, table in counts.items():
        own = np.array(table[0])
        error = 100 * (own.sum(0) - own.sum(1)) / own.sum()
        sizes.append(np.abs(error))
        yield line(name, folds[name], *(f"{value:+.1f}" for value in error))
    yield line("median |error|", "", *(f"{value:.1f}" for value in np.median(sizes, axis=0)))
    yield ""


# ------------------------------------------------------------------------------------------------------ pores


def pores(data: Path) -> Iterator[str]:
    yield "## Pores\n"
    yield "Model `pores`, trained on drawn pictures only. Other drawn fields, exact truth; mean error and largest"
    yield "size of the error of the porosity in points. *plain*: the fields of `validation.md`, six per level."
    yield "*spoiled*: 24 fields with scratches, gray inclusions, stains and etching, 15 in 100 with mounting resin.\n"
    yield from head("fields", "`threshold`", "`unet`")
    for level in (1, 2, 3):
        fields = [
            synthetic.pores(seed=seed, porosity_percent=2.0, mean_ecd_um=14.0, shape_px=(800, 1000))
            for seed in range(500, 506)
        ]
        images = [synthetic.degrade(f.pixels, level, seed=500 + i) for i, f in enumerate(fields)]
        truths = [f.truth["field.porosity_percent"] for f in fields]
        yield line(f"plain, level {level}", *_porosities(images, truths))
    sys.path.insert(0, str(ROOT / "benchmarks"))
    import train_pores

    spoiled = [train_pores.spoiled(200_000 + i) for i in range(24)]
    yield line("spoiled", *_porosities([a for a, _ in spoiled], [100 * float((b == 1).mean()) for _, b in spoiled]))
    yield ""
    folder = data / "al-am-porosity-optical" / "images"
    yield "Printed aluminum (two pictures without truth; another tool says 1.41 % at a threshold chosen by hand):\n"
    yield from head("picture", "`threshold` [%]", "`unet` [%]")
    for path in sorted(folder.glob("*.jpg")):
        micrograph = inspect_tool.read(path, calibration=RATIO)
        yield line(
            path.stem, *(f"{100 * (_pores(micrograph, name) == 1).mean():.2f}" for name in ("threshold", "unet"))
        )
    yield ""


def _porosities(images: Sequence[np.ndarray], truths: Sequence[float]) -> list[str]:
    cells = []
    for name in ("threshold", "unet"):
        errors = []
        for image, truth in zip(images, truths, strict=True):
            found = _pores(Micrograph(pixels=image, calibration=Calibration(pixel_um=1.0, source="exact")), name)
            errors.append(100 * float((found == 1).mean()) - truth)
        cells.append(f"{statistics.mean(errors):+.2f} ({max(map(abs, errors)):.2f})")
    return cells


def _pores(micrograph: Micrograph, backend: str) -> LabelImage:
    if backend == "threshold":
        return inspect_tool.segment(micrograph, "threshold", phase="dark", classes=("pore", "metal")).labels
    return inspect_tool.segment(micrograph, "unet", model="pores").labels


# ----------------------------------------------------------------------------------------------------- solder


def solder(data: Path) -> Iterator[str]:
    folder = data / "solder-voids-xray"
    index = list(csv.DictReader((folder / "index.csv").open(encoding="utf-8")))
    yield "## Solder voids\n"
    yield "Model `solder_voids`, trained on drawn pictures only; weights and scale were chosen on drawn pictures. The"
    yield "labeled X-ray pictures marked *ok* are only measured: void % of all joints of a picture together, found"
    yield "minus what lies within the outlines. One rule was written after a first look at these figures: in a given"
    yield "joint, what looks like board but is enclosed by solder is a void (as it already was where joints are found);"
    yield "the median did not move.\n"
    yield from head(
        "picture", "set", "label [%]", "given: `joints`", "given: `unet`", "found: `joints`", "found: `unet`"
    )
    errors: dict[tuple[str, str, str], list[float]] = {}
    for row in index:
        if row["quality"] != "ok":
            continue
        group = "train" if row["roboflow_split"] == "train" else "valid and test"
        truth = joints(folder / "labels_yolo" / f"{row['name']}.txt", (int(row["height"]), int(row["width"])))()
        label = void_percent(truth)
        cells = []
        for how in ("given", "found"):
            for backend in ("joints", "unet"):
                value = _solder(folder / "images" / f"{row['name']}.png", truth if how == "given" else None, backend)
                cells.append("refused" if value is None else f"{value - label:+.1f}")
                if value is not None:
                    errors.setdefault((group, how, backend), []).append(value - label)
        yield line(row["name"], group, f"{label:.1f}", *cells)
    yield ""
    yield from head("set", "joints", "backend", "pictures", "median |error|", "mean |error|", "median error")
    for (group, how, backend), values in sorted(errors.items()):
        size = [abs(value) for value in values]
        yield line(
            group, how, f"`{backend}`", len(values), f"{statistics.median(size):.1f}", f"{statistics.mean(size):.1f}",
            f"{statistics.median(values):+.1f}",
        )  # fmt: skip
    yield ""


def solder_drawn(data: Path) -> Iterator[str]:
    """Rows for fields with exact truth; joints are found."""
    del data
    yield "Drawn fields of the public generators with exact truth, joints found; three fields each, not trained on."
    yield "Mean error of the void % of all joints together, and largest |error|.\n"
    yield from head("fields", "level", "`joints`", "`unet`")
    kinds = {
        "balls": lambda seed: synthetic.solder_balls(seed=seed),
        "thermal pad": lambda seed: synthetic.thermal_pad(seed=seed, void_percent=10.0 + seed % 7),
        "die": lambda seed: synthetic.die_attach(seed=seed, void_percent=6.0 + seed % 7),
    }
    for kind, make in kinds.items():
        for level in (1, 2, 3):
            cells = []
            for backend, table in (("joints", {}), ("unet", {"model": "solder_voids"})):
                errors = []
                for seed in range(500, 503):
                    field = make(seed)
                    pixels = synthetic.degrade(field.pixels, level, seed=seed, modality="xray")
                    found = inspect_tool.segment(Micrograph(pixels=pixels, calibration=RATIO), backend, **table)
                    errors.append(void_percent(found.labels) - void_percent(field.labels))
                cells.append(f"{statistics.mean(errors):+.1f} ({max(map(abs, errors)):.1f})")
            yield line(kind, level, *cells)
    yield ""


def void_percent(labels: np.ndarray) -> float:
    """Voids of all joints together, vias left out. [%]"""
    void, solder = np.count_nonzero(labels == 2), np.count_nonzero(labels == 1)
    return 100 * void / max(void + solder, 1)


def _solder(path: Path, truth: np.ndarray | None, backend: str) -> float | None:
    micrograph = inspect_tool.read(path, calibration=RATIO)
    table: dict[str, str] = {} if backend == "joints" else {"model": "solder_voids"}
    with tempfile.TemporaryDirectory() as temporary:
        if truth is not None:
            mask = Path(temporary) / "joints.png"
            Image.fromarray((truth > 0).astype(np.uint8) * 255).save(mask)
            table["joint_mask"] = str(mask)
        try:
            found: Segmentation = inspect_tool.segment(micrograph, backend, **table)
        except inspect_tool.InspectError:
            return None
    return void_percent(found.labels)


def main() -> None:
    data = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT.parent / "shared" / "data"
    parts = ["# Validation of the networks for coverage\n\nMade by `python benchmarks/coverage_scores.py`.\n"]
    for section in (superalloy, microconstituents, pores, solder, solder_drawn):
        parts.append("\n".join(section(data)))
        print(parts[-1], flush=True)
    (ROOT / "docs" / "validation-coverage.md").write_text("\n".join(parts), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
