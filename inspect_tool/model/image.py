"""What an image is: its scale, its pixels, its labels, and the model that made them."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from dataclasses import field as default
from datetime import date
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from inspect_tool.languages import Words
from inspect_tool.model.told import Told, told_in

GrayImage: TypeAlias = NDArray[np.uint8] | NDArray[np.float32]
LabelImage: TypeAlias = NDArray[np.int32] | NDArray[np.uint8]  # class numbers fit into 8 bits, object numbers do not
Mask: TypeAlias = NDArray[np.bool_]
Samples: TypeAlias = NDArray[Any]  # numbers as a file or a caller has them: their type is known at run time only
Modality: TypeAlias = Literal["optical", "sem", "xray", "unknown"]
Plane: TypeAlias = Literal["longitudinal", "transverse", "planar", "not stated"]
Day: TypeAlias = date  # where a field is called date


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """Scale of an image. ``pixel_um`` is None when only ratios may be reported (``source = "ratio only"``)."""

    pixel_um: float | None = None  # width of a pixel; height too where pixel_y_um is None [um/px]
    pixel_y_um: float | None = None  # height of a pixel that is not square [um/px]
    u_rel: float = 0.0  # relative standard uncertainty [1]
    source: str = ""  # how the pixel size was found, e.g. "stage micrometer", "ratio only", "scale bar"
    certificate: str = ""  # of the stage micrometer or grid
    valid_until: date | None = None  # last day of the certificate
    note: Words = ""  # what the reader or the job said about the scale, e.g. "TIFF tag, 10 px/mm"
    file: str = ""  # calibration file of the laboratory, or the folder that holds them
    instrument: str = ""  # with the objective it names one calibration file of the folder
    objective: str = ""  # with the instrument it names one calibration file
    zoom: float | None = None  # where several files fit
    binning: int | None = None  # where several files fit
    expired: Literal["report", "stop"] = "report"  # what a date of work after ``valid_until`` does
    plane: str = ""  # X-ray: the plane in which the scale holds, e.g. "plane of the joints"
    image_px: tuple[int, int] | None = None  # rows and columns of the images that it is for; None: of any size


@dataclass(frozen=True, slots=True, kw_only=True)
class ScaleSource:
    """One thing that tells the scale of an image: the job, the file, or a bar burned into the picture."""

    kind: Literal["job", "calibration file", "file metadata", "scale bar"]
    pixel_um: float  # [um/px]
    pixel_y_um: float | None = None  # where the pixel is not square [um/px]
    u_rel: float = 0.0  # relative standard uncertainty; 0: not stated [1]
    note: Words = ""  # what was found, in words
    used: bool = False  # the one that the measurement uses


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Micrograph:
    """One field: gray pixels (rows, columns), its scale and where it comes from."""

    pixels: GrayImage  # read-only
    calibration: Calibration
    modality: Modality = "unknown"
    path: str = ""  # as the job names it
    sha256: str = ""
    specimen: str = "1"
    section: str = "1"
    plane: Plane = "not stated"
    field: int = 1  # 1-based, counted within its specimen
    color: NDArray[np.uint8] | None = None  # (rows, columns, 3) RGB when the file is a color image
    roi: Mask | None = None  # True where the image counts; None: everywhere
    mount: Mask | None = None  # True on mount, surround or gap that were left out: beyond it the specimen ends
    shown: Samples | None = None  # the picture, gray or RGB, where what is no specimen was blanked in the pixels
    meta: Mapping[str, str] = default(default_factory=dict)  # notes for the report: bit depth, page, crop, ...
    scale_sources: tuple[ScaleSource, ...] = ()  # all that tells the scale, as compared
    read_off: Mapping[str, Any] | None = None  # of a field whose image is gone: what was read off its gray values


Alternatives: TypeAlias = "Callable[[], Iterator[tuple[str, Segmentation]]]"
"""Gives name and labels of every other segmentation of a field, one in memory at a time; anew at every call."""


def no_alternatives() -> "Iterator[tuple[str, Segmentation]]":
    """Give none: of what a person drew, and of an alternative itself."""
    return iter(())


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Segmentation:
    """Labels of one field: class numbers (semantic) or object numbers (instance); 0 is background or matrix."""

    labels: LabelImage
    classes: Mapping[int, str]  # semantic: class number -> name, 0 included; instance: {1: name of the objects}
    kind: Literal["semantic", "instance"]
    backend: str
    weights_sha256: str = ""
    settings: Mapping[str, Any] = default(default_factory=dict)  # every value that was used, found ones included
    seconds: float = 0.0
    coverage: float = 1.0  # share of the pixels that the backend looked at [1]
    missed_u_rel: float = 0.0  # standard uncertainty of the boundary length that no alternative shows; from validation
    doubtful: tuple[NDArray[np.intp], NDArray[np.intp]] | None = None  # flat pixels that just count, just do not count
    objects: LabelImage | None = None  # semantic: number of the object (joint, particle) a pixel belongs to, 0: none
    alternatives: Alternatives = no_alternatives  # other segmentations of the field, as plausible, made when asked for
    told: Told = default(init=False, repr=False)  # of the settings: all that a recipe may know of a backend

    def __post_init__(self) -> None:
        """Read once what the backend found out."""
        object.__setattr__(self, "told", told_in(self.settings))


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingData:
    """One set of images that a network learned from."""

    name: str
    licence: str
    images: int
    source: str = ""  # where they come from, or which generator made them


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCard:
    """What is known of trained weights: ``model.toml`` beside them."""

    name: str
    version: str
    title: str
    architecture: Literal["unet", "stardist", "cellpose3", "cellpose4", "pixels", "maskrcnn", "prompt", "sam"]
    network: Mapping[str, Any]  # arguments of the network
    classes: tuple[str, ...]  # of the output channels, background first; instance: name of the objects
    sha256: str  # of the weights
    licence: str
    commercial: bool  # whether the licence of weights and data permits commercial use
    weights: str = "weights.safetensors"
    channels: Literal["gray", "rgb"] = "gray"
    normalization: tuple[float, float] = (1.0, 99.0)  # percentiles of the image that become 0 and 1
    pixel_um: float | None = None  # scale of the training images, where the structure has an absolute size [um/px]
    structure: str = ""  # what structure_px measures, e.g. "mean lineal intercept of the grains"
    structure_px: tuple[float, float] | None = None  # range of it in the training images [px]
    recipes: tuple[str, ...] = ()
    modality: Modality = "unknown"
    settings: Mapping[str, Any] = default(default_factory=dict)  # of what turns the output into labels
    training: tuple[TrainingData, ...] = ()
    procedure: Mapping[str, Any] = default(default_factory=dict)  # script, seed, steps
    scores: Mapping[str, float] = default(default_factory=dict)  # on data that was not trained on
