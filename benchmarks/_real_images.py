"""Real images with hand-made truth as jobs: what is measured, which way, what is true, and which belong together.

A case is one image and one question. Its parent is the specimen, picture or paper that it comes from: images of one
parent share their difficulty and count once. The data stay where they lie; nothing of them goes into the project.
"""

import csv
import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from dataclasses import field as default
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import tifffile
from _particle_scenes import LEARNED
from numpy.typing import NDArray
from PIL import Image
from skimage.draw import polygon
from skimage.measure import label

import inspect_tool
from inspect_tool import registry
from inspect_tool.model import Calibration, Micrograph, Report
from inspect_tool.recipes.particles import Settings as ParticleSettings
from inspect_tool.recipes.particles.field import numbers_of, particles_of
from inspect_tool.scale.bar import read_bar

ROOT = Path(__file__).resolve().parent.parent
DATA = Path(os.environ.get("INSPECT_TOOL_SHARED", ROOT.parent / "shared")) / "data"

Mask = NDArray[Any]  # of whole numbers


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A set of labeled images."""

    title: str
    kind: str  # material and modality
    licence: str
    origin: str  # and who drew the masks


_NO_LICENCE = "none stated: measured only"
SOURCES = {
    "solder-voids-xray": Source(
        title="X-ray of QFN, die attach, LED pads and BGA",
        kind="solder joints, X-ray",
        licence="CC BY 4.0 by the uploader, doubtful for some pictures: measured only",
        origin="github.com/TuttiUwa/SAM-Quality_Control, Roboflow pcb_quality_control v1",
    ),
    "nasa-ni-superalloy": Source(
        title="Nickel superalloys, gamma-prime",
        kind="nickel superalloy, SEM",
        licence="MIT",
        origin="J. Stuckner, B. Harder, T. Smith, npj Comput. Mater. 8 (2022) 200",
    ),
    "metaldam": Source(
        title="MetalDAM, printed steel",
        kind="printed steel, SEM",
        licence=_NO_LICENCE,
        origin="ArcelorMittal and DaSCI, github.com/ari-dasci/OD-MetalDAM",
    ),
    "uhcs-microconstituents": Source(
        title="Ultrahigh-carbon steel, cementite network",
        kind="ultrahigh-carbon steel, SEM",
        licence="micrographs CC BY 3.0 US, masks MIT",
        origin="B. DeCost et al., IMMI 6 (2017) 197; Microsc. Microanal. 25 (2019) 21",
    ),
    "nasa-ebc-oxide-crack": Source(
        title="Oxide under environmental barrier coatings",
        kind="coating, SEM",
        licence="MIT",
        origin="J. Stuckner, B. Harder, T. Smith, npj Comput. Mater. 8 (2022) 200",
    ),
    "mlography-inclusions": Source(
        title="MLography, inclusions in a colored alloy",
        kind="inclusions, optical in color",
        licence=_NO_LICENCE,
        origin="arXiv 2104.11159, github.com/Scientific-Computing-Lab/MLography",
    ),
    "minis-permissive": Source(
        title="Particles in transmission; deformed grains",
        kind="particles and deformed grains",
        licence="MIT",
        origin="github.com/tldr-group/interactive-seg-backend; github.com/hamza422/MicrostructureSegmentation",
    ),
    "ampis-powder": Source(
        title="AMPIS, gas-atomized powder",
        kind="particles, electron micrographs",
        licence="MIT",
        origin="R. Cohn et al., JOM (2021), github.com/rccohn/AMPIS",
    ),
    "emps-particles": Source(
        title="EMPS, particles in journal figures",
        kind="particles, electron micrographs",
        licence="figures of publishers: measured only",
        origin="B. Yildirim, J. Cole, J. Chem. Inf. Model. (2021), github.com/by256/emps",
    ),
    "tem-voids": Source(
        title="Voids in transmission",
        kind="voids, TEM",
        licence=_NO_LICENCE,
        origin="github.com/anshulsawant/Void-Segmentation",
    ),
    "lpbf-porosity-ro009": Source(
        title="Pores of laser-melted metal",
        kind="printed metal, optical",
        licence="CC BY 4.0",
        origin="github.com/joc117/RO009_Optimising-LPBF-Metal-Additive-Manufacturing-with-AI-based-defect-detection",
    ),
    "nist-grain-size": Source(
        title="NIST etched steel",
        kind="etched steel, optical",
        licence="NIST software statement",
        origin="github.com/usnistgov/grain-size-analysis-tools",
    ),
    "sem-grains-prac7": Source(
        title="Etched fine grains, full hand trace",
        kind="etched grains, SEM",
        licence="of the images not stated: measured only",
        origin="github.com/zsylvester/segmenteverygrain, Masks_and_images/cropped_prac7_etched",
    ),
    "grains-etched-21fields": Source(
        title="Etched grain boundaries, 21 fields",
        kind="etched metal, optical",
        licence=_NO_LICENCE,
        origin="github.com/harrisb002/GrainBoundaryDetection",
    ),
    "tbm-grains-mlographypp": Source(
        title="TBM, textured metal in color",
        kind="textured metal, optical in color",
        licence="MIT",
        origin="github.com/Scientific-Computing-Lab/MLOgraphyPlusPlus",
    ),
}
Table = Mapping[str, Any]  # a [backend] table
GATES = (
    "focus", "soft_region", "contrast", "noise", "saturation", "saturated_joints", "shading", "compression",
    "size", "resolution",
)  # fmt: skip
TRUTH = "truth"  # the way of the masks
SPECK_PX2 = 20  # smaller pieces of a particle in a label image are what is left of the pen
PIXELS_UM = 1.0  # pixel size where none is known: G and shares are compared on the same image, so that it cancels out


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One labeled image and one question about it."""

    name: str  # of the image, unique within recipe and source
    source: str  # folder of the data
    parent: str
    recipe: str
    image: Path
    truth: Callable[[], Mask]  # of the size of the image, or of its crop
    labels: Table  # what its values mean, for the backend labels
    ways: Mapping[str, Table]  # the settings that a user would choose for it, by backend
    main: tuple[str, ...]  # quantities that its truth can judge
    modality: str = "unknown"
    pixel_um: float | None = None
    settings: Table = default(default_factory=dict)
    rows: int | None = None  # only the upper ones: a data bar below is cut off
    known: Mapping[str, tuple[float, float]] = default(default_factory=dict)  # lowest and highest truth, by the source
    unseen: Mapping[str, float] = default(default_factory=dict)  # by a network of the same training without the image


def values(path: Path) -> NDArray[Any]:
    """Gray values or class numbers of a file, its first channel."""
    pixels = tifffile.imread(path) if path.suffix == ".tif" else np.asarray(Image.open(path))
    return pixels if pixels.ndim == 2 else pixels[..., 0]


def index(folder: Path) -> list[dict[str, str]]:
    with (folder / "index.csv").open(encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def pictures(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix in (".png", ".jpg", ".tif"))


def where(path: Path, *numbers: int) -> Callable[[], Mask]:
    """Mask of one class from the class numbers of a file; several numbers are united."""
    return lambda: np.isin(values(path), numbers).astype(np.uint8)


def where_numbers(path: Path) -> Callable[[], Mask]:
    """Mask of several classes, by the numbers of a file."""
    return lambda: values(path).astype(np.uint8)


def marked(path: Path) -> Callable[[], Mask]:
    """Mask of one class from a file where it is bright."""
    return lambda: (values(path) > 127).astype(np.uint8)


def one_class(name: str) -> Table:
    return {"kind": "classes", "classes": {"0": "matrix", "1": name}}


def gray_phase(name: str, phase: str) -> Table:
    """Threshold with the phase of interest named, and which of the two it is."""
    return {"name": "threshold", "phase": phase, "classes": [name, "matrix"] if phase == "dark" else ["matrix", name]}


def looks(image: Path, mask: Callable[[], Mask]) -> str:
    """Say whether what is marked is the darker or the brighter part, as anyone sees who looks at the picture."""
    pixels, inside = values(image).astype(float), mask() > 0
    return "dark" if np.median(pixels[inside]) < np.median(pixels[~inside]) else "bright"


# ----------------------------------------------------------------------------------------------------- shares


def superalloy() -> Iterator[Case]:
    """Gamma-prime in nickel; *train* pictures trained the shipped network, the others are views of one spot."""
    for path in pictures(DATA / "nasa-ni-superalloy" / "images"):
        ways: dict[str, Table] = {"threshold": gray_phase("precipitate", "dark")}
        mask = DATA / "nasa-ni-superalloy" / "masks" / path.name
        common: dict[str, Any] = {
            "source": "nasa-ni-superalloy", "parent": path.stem.split("__")[1].split("_")[0],
            "recipe": "phase_fraction", "image": path, "modality": "sem",
        }  # fmt: skip
        yield Case(
            name=path.stem,
            truth=where(mask, 1, 2),
            labels=one_class("precipitate"),
            ways=ways,
            main=("area_percent.precipitate",),
            **common,
        )
        if not path.name.startswith("train"):
            classes = ("matrix", "secondary precipitate", "tertiary precipitate")
            yield Case(
                name=f"{path.stem} classes",
                truth=where_numbers(mask),
                labels={"kind": "classes", "classes": {str(i): name for i, name in enumerate(classes)}},
                ways={"unet superalloy": {"name": "unet", "model": "superalloy"}},
                main=tuple(f"area_percent.{name}" for name in classes),
                **common,
            )


def metaldam() -> Iterator[Case]:
    """Bright matrix lines of a printed steel; three other constituents are darker or as bright."""
    folder = DATA / "metaldam"
    for row in index(folder):
        yield Case(
            name=row["name"],
            source=folder.name,
            parent=row["name"],
            recipe="phase_fraction",
            image=folder / "images" / f"{row['name']}.jpg",
            truth=where(folder / "masks" / f"{row['name']}.png", 0),
            labels=one_class("bright lines"),
            ways={"threshold": gray_phase("bright lines", "bright")},
            main=("area_percent.bright lines",),
            modality="sem",
            pixel_um=float(row["um_per_px"]),
            rows=int(row["label_height"]),
        )


def steel_network() -> Iterator[Case]:
    """Bright cementite network of an ultrahigh-carbon steel, which is told from the rest by texture."""
    folder = DATA / "uhcs-microconstituents"
    for row in index(folder):
        if float(row["frac_network"]) > 0:
            yield Case(
                name=row["name"],
                source=folder.name,
                parent=row["name"],
                recipe="phase_fraction",
                image=folder / "images" / f"{row['name']}.png",
                truth=where(folder / "masks" / f"{row['name']}.png", 1),
                labels=one_class("network"),
                ways={"threshold": gray_phase("network", "bright")},
                main=("area_percent.network",),
                modality="sem",
                pixel_um=float(row["um_per_px"]),
            )


def microconstituents() -> Iterator[Case]:
    """Four microconstituents; the shipped network saw all, so values are those of its cross-validation."""
    folder = DATA / "uhcs-microconstituents"
    classes = ("ferritic matrix", "cementite network", "spheroidite", "Widmanstatten cementite")
    counts = json.loads((ROOT / "docs" / "training" / "microconstituents_folds.json").read_text(encoding="utf-8"))
    for row in index(folder):
        name = row["name"]
        eight_views = np.array(counts[name][1])  # pixels by truth and by network
        shares = 100 * eight_views.sum(axis=0) / eight_views.sum()
        quantities = tuple(f"area_percent.{title}" for title in classes)
        yield Case(
            name=f"{name} classes",
            source=folder.name,
            parent=name,
            recipe="phase_fraction",
            image=folder / "images" / f"{name}.png",
            truth=where_numbers(folder / "masks" / f"{name}.png"),
            labels={"kind": "classes", "classes": {str(i): title for i, title in enumerate(classes)}},
            ways={"unet microconstituents": {"name": "unet", "model": "microconstituents"}},
            main=quantities,
            modality="sem",
            pixel_um=float(row["um_per_px"]),
            unseen=dict(zip(quantities, map(float, shares), strict=True)),
        )


def coating_oxide() -> Iterator[Case]:
    """Grown oxide between coating and substrate: three gray levels and more, pores in all of them."""
    folder = DATA / "nasa-ebc-oxide-crack"
    for row in index(folder):
        yield Case(
            name=row["name"],
            source=folder.name,
            parent=row["name"].split("__")[1].split("_")[0],
            recipe="phase_fraction",
            image=folder / "images" / f"{row['name']}.png",
            truth=where(folder / "masks" / f"{row['name']}.png", 1, 2),
            labels=one_class("oxide"),
            ways={"threshold": {"name": "threshold", "n_classes": 3, "classes": ["dark", "oxide", "bright"]}},
            main=("area_percent.oxide",),
            modality="sem",
        )


def inclusions() -> Iterator[Case]:
    """Dark inclusions in a colored alloy; the fields were traced on paper, the crops on the screen."""
    folder = DATA / "mlography-inclusions"
    for kind, masks in (("images_full", "masks_full_traced"), ("images_crops", "masks_crops")):
        for path in pictures(folder / kind):
            yield Case(
                name=f"{kind.removeprefix('images_')} {path.stem}",
                source=folder.name,
                parent=f"{kind} {path.stem}",
                recipe="phase_fraction",
                image=path,
                truth=marked(folder / masks / f"{path.stem}.png"),
                labels=one_class("inclusion"),
                ways={"threshold": gray_phase("inclusion", "dark")},
                main=("area_percent.inclusion",),
                modality="optical",
            )


def particles() -> Iterator[Case]:
    """Particles of journal figures, powders and one transmission picture, as area share of the particles."""
    found: list[tuple[str, Path, str, Path]] = []
    for source in ("minis-permissive", "ampis-powder", "emps-particles"):
        folder = DATA / source
        found += [
            (source, folder / row["image"], row["parent"], folder / row["mask"])
            for row in index(folder)
            if row.get("kind", "") != "grains"
        ]
    for source, image, parent, mask in found:
        truth = where(mask, 1, 2)
        phase = looks(image, truth)
        yield Case(
            name=image.stem,
            source=source,
            parent=parent,
            recipe="phase_fraction",
            image=image,
            truth=truth,
            labels=one_class("particle"),
            ways={"threshold": gray_phase("particle", phase)},
            main=("area_percent.particle",),
            modality="unknown",
        )


def sized_particles() -> Iterator[Case]:
    """The same pictures with their particles one by one; a shipped network is not judged on what it learned from."""
    for source in ("minis-permissive", "ampis-powder", "emps-particles"):
        folder = DATA / source
        for row in index(folder):
            if row.get("kind", "") == "grains":
                continue
            image = folder / row["image"]
            phase = looks(image, where(folder / row["mask"], 1, 2))
            ways: dict[str, Table] = {
                "watershed": {"name": "watershed", "mode": "particles", "phase": phase},
                "threshold": gray_phase("particle", phase),
                "stardist": {"name": "stardist"},
            }
            if image.stem in LEARNED:
                del ways["stardist"]
            elif source != "minis-permissive" and find_spec("torchvision"):
                # it learned from that set; .ci/cellpose4 makes an environment with torchvision
                ways["maskrcnn"] = {"name": "maskrcnn"}
            yield Case(
                name=image.stem,
                source=source,
                parent=row["parent"],
                recipe="particles",
                image=image,
                truth=one_by_one(folder, row),
                labels={"kind": "labels"},
                ways=ways,
                main=tuple(recipe_quantities("particles")),
                modality="unknown",
                pixel_um=PIXELS_UM,
            )


def one_by_one(folder: Path, row: Mapping[str, str]) -> Callable[[], Mask]:
    """Numbers of the particles of a picture, or of the connected pieces of its mask, without specks of the pen."""

    def numbers() -> Mask:
        if row["instances"]:
            labels = values(folder / row["instances"]).astype(np.int32)
        else:
            labels = label(np.isin(values(folder / row["mask"]), (1, 2)), connectivity=1)
        pieces = label(labels, connectivity=1)
        specks = np.bincount(pieces.ravel()) < SPECK_PX2
        return np.where(specks[pieces], 0, labels).astype(np.uint16)

    return numbers


def recipe_quantities(recipe: str) -> Iterator[str]:
    """Quantities of a recipe that labeled images can judge."""
    yield from (carry.of for carry in registry.load("recipe", recipe).CARRIED.values())


# --------------------------------------------------------------------------------------------------- porosity


def voids() -> Iterator[Case]:
    """Bright voids in transmission pictures of a metal, three series."""
    folder = DATA / "tem-voids"
    for row in index(folder):
        yield Case(
            name=Path(row["image"]).stem,
            source=folder.name,
            parent=row["parent"],
            recipe="porosity",
            image=folder / row["image"],
            truth=where(folder / row["mask"], 1),
            labels=one_class("pore"),
            ways={
                "threshold": {"name": "threshold", "phase": "bright", "classes": ["metal", "pore"], "channel": "gray"},
            },
            main=("porosity_percent", "pore_count_per_mm2"),
            modality="unknown",
            pixel_um=PIXELS_UM,
        )


def printed_metal(tiles: int = 1) -> Iterator[Case]:
    """Pores of printed metal: outlines drawn loosely, so that the area is between their dark part and all of it."""
    folder = DATA / "lpbf-porosity-ro009"
    taken: dict[str, int] = {}
    for row in index(folder):
        taken[row["parent"]] = taken.get(row["parent"], 0) + 1
        if taken[row["parent"]] > tiles or int(row["n_polygons"]) == 0:
            continue
        yield Case(
            name=Path(row["image"]).stem,
            source=folder.name,
            parent=row["parent"],
            recipe="porosity",
            image=folder / row["image"],
            truth=where(folder / row["mask"], 1),
            labels=one_class("pore"),
            ways={
                "threshold": {"name": "threshold", "phase": "dark", "classes": ["pore", "metal"], "channel": "gray"},
                "unet pores": {"name": "unet", "model": "pores"},
            },
            main=("porosity_percent", "pore_count_per_mm2"),
            modality="optical",
            pixel_um=PIXELS_UM,
            known={"porosity_percent": (float(row["dark_inside_pct"]), float(row["polygon_area_pct"]))},
        )


# ------------------------------------------------------------------------------------------------- grain size

G = ("grain_size_number", "grain_size_number.intercept", "grain_size_number.planimetric")


def grains(crops: int = 2) -> Iterator[Case]:
    """Traced grain boundaries; of TBM the pictures that neither trained the network nor tuned the watershed."""
    both: dict[str, Table] = {
        "unet grain_boundary": {"name": "unet", "model": "grain_boundary"},
        "watershed": {"name": "watershed"},
    }
    boundaries: Table = {"kind": "boundaries", "foreground": "bright"}

    def case(source: str, image: Path, parent: str, truth: Callable[[], Mask], **more: Any) -> Case:
        settings = {
            "source": source, "image": image, "parent": parent, "truth": truth, "name": image.stem, "ways": both,
            "pixel_um": PIXELS_UM, "labels": boundaries,
        }  # fmt: skip
        return Case(recipe="grain_size", main=G, **(settings | more))

    nist = DATA / "nist-grain-size"
    yield case(
        nist.name, nist / "images" / "steel_optical_original.tif", "steel",
        marked(nist / "masks" / "steel_optical_segmented.tif"), pixel_um=50 / 222, modality="optical",
    )  # fmt: skip
    for source, number in (("sem-grains-prac7", 2), ("grains-etched-21fields", 2), ("minis-permissive", 2)):
        folder = DATA / source
        for row in index(folder):
            if row.get("kind", "grains") == "grains":
                yield case(
                    source, folder / row["image"], row["parent"], where(folder / row["mask"], number),
                    pixel_um=float(row["um_per_px"] or PIXELS_UM),
                    modality="sem" if source.startswith("sem") else "optical",
                )  # fmt: skip
    tbm = DATA / "tbm-grains-mlographypp"
    taken: dict[int, int] = {}
    for path in pictures(tbm / "images"):
        parent = int(path.stem.split("__")[1].split("-")[0])
        ways = {
            name: table
            for name, table in both.items()
            if (parent % 3 == 1 if name.startswith("unet") else parent % 2 == 1)
        }
        taken[parent] = taken.get(parent, 0) + 1
        if ways and taken[parent] <= crops:
            yield case(
                tbm.name, path, f"picture {parent}", marked(tbm / "masks" / path.name), ways=ways, modality="optical"
            )


# ----------------------------------------------------------------------------------------------------- solder

_ONE_PART = ({"12", "15", "15r"}, {"25", "32"}, {"18", "19", "20", "21", "30", "31"})  # one figure, part or series


def filled(outline: Any, shape: tuple[int, int]) -> Mask:
    """Pixels whose middle lies in an outline of x, y; pixel k reaches from k to k + 1. [px].

    Filling by ``cv2.fillPoly`` takes what the outline touches as well, half a pixel all around.
    """
    x, y = np.asarray(outline, float).T
    inside = np.zeros(shape, bool)
    inside[polygon(y - 0.5, x - 0.5, shape)] = True
    return inside


def joints(path: Path, shape: tuple[int, int]) -> Callable[[], Mask]:
    """Joints (1) and their voids (2) of a file of outlines; a void that no joint was drawn around is nothing."""

    def mask() -> Mask:
        drawn = np.zeros(shape, np.uint8)
        lines = [line.split() for line in path.read_text(encoding="utf-8").splitlines() if line]
        for kind, *numbers in sorted(lines, key=lambda line: line[0]):  # voids over joints
            drawn[filled(np.array(numbers, float).reshape(-1, 2) * shape[::-1], shape)] = int(kind) + 1
        count, pieces = cv2.connectedComponents((drawn > 0).astype(np.uint8))
        solder = np.bincount(pieces[drawn == 1], minlength=count) > 0
        return np.where(solder[pieces], drawn, 0).astype(np.uint8)

    return mask


def solder() -> Iterator[Case]:
    """X-ray pictures whose outlines can be trusted; joints given or found."""
    folder = DATA / "solder-voids-xray"
    for row in index(folder):
        if row["quality"] != "ok":
            continue
        name = row["name"]
        yield Case(
            name=name,
            source=folder.name,
            parent=next((min(part) for part in _ONE_PART if name in part), name),
            recipe="solder_voids",
            image=folder / "images" / f"{name}.png",
            truth=joints(folder / "labels_yolo" / f"{name}.txt", (int(row["height"]), int(row["width"]))),
            labels={"kind": "classes", "classes": {"0": "background", "1": "joint", "2": "void"}},
            ways={
                "joints, joints given": {"name": "joints", "joint_mask": "GIVEN"},
                "joints": {"name": "joints"},
                "unet solder_voids, joints given": {"name": "unet", "model": "solder_voids", "joint_mask": "GIVEN"},
                "unet solder_voids": {"name": "unet", "model": "solder_voids"},
            },
            main=("void_percent.mean", "void_percent.max", "largest_void_percent.max"),
            modality="xray",
            settings={"edge_joints": "counted"},  # what the refusal of pictures with joints at the edge says to set
        )


SETS: tuple[Callable[[], Iterator[Case]], ...] = (
    solder, superalloy, metaldam, steel_network, voids, inclusions, printed_metal, particles, sized_particles,
    microconstituents, grains, coating_oxide,
)  # fmt: skip


def cases() -> Iterator[Case]:
    """Every case of the data that are there."""
    for some in SETS:
        yield from some()


# ------------------------------------------------------------------------------------------------------- jobs


def toml(value: Any) -> str:
    """Write a value of a job file."""
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{json.dumps(key)} = {toml(inner)}" for key, inner in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(toml, value)) + "]"
    return json.dumps(value)


def write_job(case: Case, table: Table, folder: Path) -> Path:
    """Write the job that measures a case one way, with its image and masks beside it where they are made.

    Every check of image quality is accepted, so that the error is known of poor pictures too; the report says which
    of them would have stopped.
    """
    folder.mkdir(parents=True, exist_ok=True)
    image, table = case.image, dict(table)
    if case.rows is not None:
        image = folder / "image.png"
        Image.fromarray(values(case.image)[: case.rows]).save(image)
    if table["name"] == "labels":
        cv2.imwrite(str(folder / "mask.png"), case.truth())
        table["masks"] = ["mask.png"]
    if table.get("joint_mask") == "GIVEN":
        cv2.imwrite(str(folder / "joints.png"), (case.truth() > 0).astype(np.uint8) * 255)
        table["joint_mask"] = "joints.png"
    lines = [
        f"recipe = {toml(case.recipe)}",
        f"images = {toml([str(image)])}",
        f"modality = {toml(case.modality)}",
        'scale_bar = "off"',
        'exports = ["json"]',
        f"settings = {toml(case.settings)}",
        f"backend = {toml(table)}",
        f"region = {toml(region_of(case))}",
        "accept = " + toml([{"check": gate, "reason": "its error is to be known"} for gate in GATES]),
    ]
    scale = {"pixel_um": case.pixel_um, "u_rel": 0.001, "source": "that of the truth"}
    lines.append(f"calibration = {toml(scale if case.pixel_um is not None else {'source': 'ratio only'})}")
    path = folder / "job.toml"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def region_of(case: Case) -> Table:
    """What counts of a picture: of figures of journals not the data bar, nor the scale bar that can be read.

    A job leaves out both by itself, but a bar is only looked for where the scale is not that of the truth.
    """
    if case.recipe != "particles":
        return {"footer_px": 0}
    bar = read_bar(np.asarray(Image.open(case.image).convert("L")))
    return {"footer_px": bar.footer_px, "exclude": [bar.box] if bar.status == "read" and bar.box else []}


def slug(text: str) -> str:
    return "".join(letter if letter.isalnum() or letter in "-." else "_" for letter in text)


def place(runs: Path, case: Case, way: str) -> Path:
    return runs / case.recipe / case.source / slug(f"{case.name} {way}")


def report_of(folder: Path) -> Report | None:
    path = folder / "out" / "report.json"
    return inspect_tool.load_report(path) if path.exists() else None


def simple_value(case: Case, quantity: str) -> float:
    """Measure a share the simple way, by Otsu's level on the smoothed picture; NaN for other quantities. [%]

    Joints are those of the truth, and what is lighter in them is void. Particles are the connected pieces.
    """
    if case.recipe == "particles":
        return simple_particles(case).get(quantity, float("nan"))
    if case.recipe == "grain_size" or quantity not in (*case.main[:1], "void_percent.max"):
        return float("nan")
    gray = cv2.GaussianBlur(np.asarray(Image.open(case.image).convert("L"))[: case.rows], (5, 5), 0)
    if case.recipe == "solder_voids":
        count, joints = cv2.connectedComponents((case.truth() > 0).astype(np.uint8))
        inside = [gray[joints == number] for number in range(1, count)]
        shares = [100 * float(np.mean(pixels > _otsu(pixels))) for pixels in inside]
        return max(shares) if quantity == "void_percent.max" else float(np.mean(shares))
    bright = 100 * float(np.mean(gray > _otsu(gray)))
    return bright if next(iter(case.ways.values())).get("phase") == "bright" else 100 - bright


@cache
def _pieces(image: Path, phase: str) -> Mapping[str, float]:
    pixels = np.asarray(Image.open(image).convert("L"))
    gray = cv2.GaussianBlur(pixels, (5, 5), 0)
    mask = gray > _otsu(gray)
    micrograph = Micrograph(
        pixels=pixels, calibration=Calibration(pixel_um=PIXELS_UM, source="nominal"), path=image.name
    )
    counted = particles_of(micrograph, mask if phase == "bright" else ~mask, ParticleSettings())
    found = numbers_of(counted, micrograph)
    return {name: float(value) for name in recipe_quantities("particles") if (value := found.get(name)) is not None}


def simple_particles(case: Case) -> Mapping[str, float]:
    """Sizes and number of the connected pieces by Otsu's level on the smoothed picture, as the recipe measures them."""
    return _pieces(case.image, str(case.ways["watershed"]["phase"]))


def _otsu(gray: NDArray[np.uint8]) -> float:
    return cv2.threshold(gray.reshape(-1, 1), 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)[0]
