"""Arrays of a notebook measured like files: a whole report, with all its lines, from pixels in memory.

An array is saved as a TIFF file without loss and measured by ``run``, so that nothing is known of a number that comes
from a file and not of one that comes from an array: the SHA-256 of an image in the report is that of this file, which
is kept beside the report with the job that was run.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import is_dataclass, replace
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeAlias

import numpy as np
import tifffile

from inspect_tool import folders, plugins, registry
from inspect_tool.errors import CalibrationError, InspectError, ReadError, SettingsError
from inspect_tool.files import dump_toml, plain, sha256_bytes, stated
from inspect_tool.images.readers import raster
from inspect_tool.inspection.job_plan import Progress
from inspect_tool.inspection.job_run import run
from inspect_tool.model import Calibration, Header, Mask, Micrograph, Modality, Plane, Report, Requirement, Samples
from inspect_tool.scale.calibration import check_stated

Image: TypeAlias = Samples | Micrograph

_INTEGERS: Mapping[str, type[np.integer[Any]]] = {"16 bit integer": np.uint16, "16 bit signed integer": np.int16}
_LARGEST = 2**31 - 1  # number of an object


def from_array(
    image: Samples,
    *,
    pixel_um: float | None = None,
    u_rel: float = 0.0,
    calibration: Calibration | None = None,
    roi: Mask | None = None,
    specimen: str = "1",
    section: str = "1",
    plane: Plane = "not stated",
    modality: Modality = "unknown",
    name: str = "",
) -> Micrograph:
    """Make a micrograph of gray values in memory, as a reader does of a file that holds them.

    Parameters
    ----------
    image : array, (rows, columns)
        Gray values, integer or real; uint8 stays so, everything else becomes float32, and nothing is rescaled.
    pixel_um : float, optional
        Side of a pixel. [um]
    u_rel : float
        Relative standard uncertainty of ``pixel_um``; 0: not stated. [1]
    calibration : Calibration, optional
        In the place of both: with a certificate, a calibration file, pixels that are not square, or
        ``Calibration(source="ratio only")``.
    roi : array of bool, (rows, columns), optional
        True where the image counts; None: everywhere.
    specimen, section, plane, modality : str
        As in a job; images of one specimen and section are its fields.
    name : str
        Of the image on the report; empty: its number.

    Returns
    -------
    Micrograph
        Read-only. ``sha256`` is that of the TIFF file that :func:`measure` keeps of it.

    Raises
    ------
    ReadError
        It is no plane of gray values: a list, truth values, colors, a stack, empty, all of one value, or with values
        that are not finite or beyond float32; or ``roi`` does not fit it.
    CalibrationError, SettingsError
        No scale, or one that cannot be meant.
    """
    where = f"from_array: {name or 'image'}"
    _check_plane(image, where)
    scale = _scale(pixel_um, u_rel, calibration, where)
    found = raster.micrograph_of(where, raster.Raster(samples=image, notes={}, calibration=scale), modality)
    found = replace(found, path=name, roi=_counted(roi, image, where), specimen=specimen, section=section, plane=plane)
    return replace(found, sha256=sha256_bytes(_tiff(found)))


def _check_plane(image: object, where: str) -> None:
    """Refuse what is no plane of gray values; what holds none that can be measured, the reader refuses."""
    if not isinstance(image, np.ndarray):
        msg = f"{where}: is of type {type(image).__name__}; give a NumPy array of gray values, (rows, columns)"
        raise ReadError(msg)
    shape = " x ".join(str(size) for size in image.shape)
    if image.dtype.kind == "b":
        msg = f"{where}: holds true and false; give its gray values, and a mask as masks= of measure()"
    elif image.dtype.kind not in "iuf":
        msg = f"{where}: holds values of type {image.dtype}; give integer or real gray values"
    elif image.ndim == 3 and image.shape[2] in (3, 4):
        msg = f"{where}: has colors, {shape}; give the gray plane that counts, (rows, columns), or read() the file"
    elif image.ndim != 2:
        msg = f"{where}: has {image.ndim} axes, {shape}; give one plane of gray values, (rows, columns)"
    elif image.size == 0:
        msg = f"{where}: is empty, {shape} pixels"
    elif image.size > raster.MAX_PIXELS:
        msg = f"{where}: {shape} pixels, the limit is {raster.MAX_PIXELS // 1_000_000} Mpx; cut it into fields"
    elif odd := _odd_values(image):
        msg = f"{where}: {odd}"
    else:
        return
    raise ReadError(msg)


def _odd_values(image: Samples) -> str:
    """What is wrong with real gray values; empty: nothing, or they are whole numbers."""
    if image.dtype.kind != "f":
        return ""
    finite = np.isfinite(image)
    if not finite.all():
        bad = image.size - int(np.count_nonzero(finite))
        return f"{bad} of {image.size} pixels are NaN or infinite; repair them, or leave them out by roi="
    most = max(abs(float(image.min())), abs(float(image.max())))
    if most > float(np.finfo(np.float32).max):
        return f"holds values up to {most:.3g}, which a gray value of 32 bit cannot be; scale them"
    return ""


def _counted(roi: Mask | None, image: Samples, where: str) -> Mask | None:
    if roi is None:
        return None
    if not isinstance(roi, np.ndarray) or roi.dtype.kind != "b" or roi.shape != image.shape or not roi.any():
        size = " x ".join(str(side) for side in image.shape)
        msg = f"{where}: roi must be an array of {size} truth values (rows x columns), True where the image counts"
        raise ReadError(msg)
    kept: Mask = roi.copy()
    kept.setflags(write=False)
    return None if kept.all() else kept


def _scale(pixel_um: float | None, u_rel: float, calibration: Calibration | None, where: str) -> Calibration:
    if (pixel_um is None) == (calibration is None):
        found = "no scale" if pixel_um is None else "pixel_um and calibration are both given"
        msg = f"{where}: {found}; give pixel_um = ... (um per pixel) or calibration = Calibration(...)"
        raise CalibrationError(msg)
    scale = calibration or Calibration(pixel_um=pixel_um, u_rel=u_rel, source="stated by the caller")
    check_stated(scale, where)
    return scale


def measure(
    images: Image | Sequence[Image],
    recipe: str,
    *,
    pixel_um: float | None = None,
    u_rel: float = 0.0,
    settings: Mapping[str, object] | None = None,
    backend: str | Mapping[str, object] = "",
    masks: Samples | Sequence[Samples] | None = None,
    requirements: Sequence[Requirement] = (),
    standard: str = "",
    header: Header | None = None,
    more: Mapping[str, object] | None = None,
    out: str | Path | None = None,
    name: str = "measurement",
    exports: Sequence[str] = ("json", "html", "pdf", "csv"),
    progress: Progress | None = None,
    trail: bool = True,
) -> Report:
    """Measure images in memory as ``run`` measures files: the same numbers, budgets, checks and verdicts.

    Parameters
    ----------
    images : array (rows, columns), Micrograph, or a sequence of them
        Each is one field. An array takes ``pixel_um`` and ``u_rel``, see :func:`from_array`; a micrograph has its own
        scale, specimen and section.
    recipe : str
        As ``inspect-tool list recipes`` names it.
    pixel_um, u_rel : float
        Scale of arrays. [um], [1]
    settings : mapping, optional
        Of the recipe, as ``[settings]`` of a job.
    backend : str or mapping
        Its name, or as ``[backend]`` of a job; empty: that of the recipe.
    masks : array (rows, columns), or one per image
        Your own segmentation, of the size of its image, in place of a backend's: truth values or numbers of
        classes or objects. ``backend`` may then say how to read them, as for ``labels``.
    requirements : sequence of Requirement
    standard : str
        Edition, or the path of its file; empty: that of the recipe.
    header : Header, optional
        Identification of the work.
    more : mapping, optional
        Whatever else a job file may say, e.g. ``{"region": {"footer_px": 0}}``. Paths in it are absolute.
    out : path, optional
        Folder that gets ``<name>/`` as from ``run``, and ``<name>_images/`` with the images and the job file, which
        can be run, edited and verified like any other. None: nothing is kept but the returned report.
    name : str
        Of the report and of its folder.
    exports : sequence of str
        Files that are written into ``out``.
    progress, trail
        As for ``run``.

    Raises
    ------
    InspectError
        For whatever the user must fix, as ``run``; keys of a job are named as in its file ``<name>.toml``.
    """
    folders.check_name(name, "measure")
    fields = _fields(images, pixel_um, u_rel)
    drawn = _drawn(masks, fields)
    with _home(None if out is None else Path(out) / f"{name}_images") as home:
        files = _saved(fields, home)
        job = {
            "recipe": recipe,
            "standard": _absolute(standard) if standard.endswith(".toml") else standard,
            "exports": exports if out is not None else ["json"],
            "settings": _settings(settings, registry.load("recipe", recipe)),
            "backend": _backend(backend, drawn, home),
            "header": stated(header or Header()),
            "requirements": [stated(one) for one in requirements],
            "specimens": _specimens(fields, files),
        }
        twice = sorted((more or {}).keys() & {*job, "images", "calibration"})
        if twice:
            msg = f"measure: more has {', '.join(twice)}, for which there is an argument of its own"
            raise SettingsError(msg)
        rest = {key: stated(value) if is_dataclass(value) else value for key, value in (more or {}).items()}
        path = home / f"{name}.toml"
        path.write_text(
            dump_toml({key: value for key, value in plain({**job, **rest}).items() if value}), encoding="utf-8"
        )
        return run(path, out, name=name, progress=progress, trail=trail)


@contextmanager
def _home(kept: Path | None) -> Iterator[Path]:
    """Folder of images and job while they are measured, which no message names.

    It stays only if all ends well and it is to be kept.
    """
    home = TemporaryDirectory(prefix="inspect_tool_") if kept is None else folders.new_folder(kept)
    with home as made:
        try:
            yield Path(made)
        except InspectError as error:
            raise type(error)(str(error).replace(f"{made}{os.sep}", "")) from error


def _fields(images: Image | Sequence[Image], pixel_um: float | None, u_rel: float) -> list[Micrograph]:
    given: list[Any] = [images] if isinstance(images, np.ndarray | Micrograph) else list(images)
    if not given:
        msg = "measure: no image is given"
        raise ReadError(msg)
    return [
        one if isinstance(one, Micrograph) else from_array(one, pixel_um=pixel_um, u_rel=u_rel, name=f"field_{i}")
        for i, one in enumerate(given, 1)
    ]


def _drawn(masks: Samples | Sequence[Samples] | None, fields: Sequence[Micrograph]) -> list[Samples]:
    """Masks as they are saved: truth values as 0 and 1."""
    if masks is None:
        return []
    given = [masks] if isinstance(masks, np.ndarray) and masks.ndim == 2 else list(masks)
    if len(given) != len(fields):
        msg = f"measure: {len(given)} masks for {len(fields)} images; give one per image, in their order"
        raise SettingsError(msg)
    for i, (mask, field) in enumerate(zip(given, fields, strict=True), 1):
        if not isinstance(mask, np.ndarray) or mask.dtype.kind not in "biu":
            kind = f"values of type {mask.dtype}" if isinstance(mask, np.ndarray) else f"type {type(mask).__name__}"
            msg = f"measure: mask {i}: is of {kind}; give a NumPy array of truth values or whole numbers"
            raise ReadError(msg)
        if mask.shape != field.pixels.shape:
            sizes = (" x ".join(str(size) for size in one.shape) for one in (mask, field.pixels))
            msg = "measure: mask {}: has {} pixels (rows x columns), its image {}; give a mask of the same size"
            raise ReadError(msg.format(i, *sizes))
        low, high = int(mask.min()), int(mask.max())
        if low < 0 or high > _LARGEST:
            msg = f"measure: mask {i}: holds numbers from {low} to {high}; at most {_LARGEST} can be told apart"
            raise ReadError(msg)
    return [mask.astype(np.uint8) if mask.dtype.kind == "b" else mask for mask in given]


def _saved(fields: Sequence[Micrograph], home: Path) -> list[str]:
    """Save every image; the name of one that two share gets its number."""
    stems = [Path(field.path).stem or f"field_{i}" for i, field in enumerate(fields, 1)]
    names = [stem if stems.count(stem) == 1 else f"{stem}_{i}" for i, stem in enumerate(stems, 1)]
    for name, field in zip(names, fields, strict=True):
        folders.check_name(name, "measure")
        (home / f"{name}.tif").write_bytes(_tiff(field))
    return [f"{name}.tif" for name in names]


def _tiff(field: Micrograph) -> bytes:
    """TIFF file, uncompressed, which a reader turns into the same pixels, colors and region."""
    pixels: Samples = field.pixels
    kind = _INTEGERS.get(field.meta.get("bit depth", ""))
    if kind is not None and np.array_equal(pixels, pixels.astype(kind)):
        pixels = pixels.astype(kind)
    if field.color is not None and np.array_equal(raster.gray(field.color), field.pixels):
        pixels = field.color  # what was filtered since it was read, has no colors any more
    if field.roi is not None:  # transparent is what does not count
        top = np.iinfo(pixels.dtype).max if pixels.dtype.kind in "iu" else 1
        opaque = np.where(field.roi, top, 0).astype(pixels.dtype)
        pixels = np.dstack([pixels, opaque])
    file = BytesIO()
    tifffile.imwrite(
        file,
        pixels,
        photometric="minisblack" if field.color is None or pixels.ndim == 2 else "rgb",
        planarconfig="contig" if pixels.ndim == 3 else None,
        extrasamples=None if field.roi is None else ["unassalpha"],
        metadata=None,
    )
    return file.getvalue()


def _specimens(fields: Sequence[Micrograph], files: Sequence[str]) -> list[dict[str, Any]]:
    """One entry per section and scale, in the order of the images."""
    found: dict[tuple[str, str, Plane, Calibration], list[str]] = {}
    for field, file in zip(fields, files, strict=True):
        scale = field.calibration
        scale = replace(scale, file=_absolute(scale.file)) if scale.file else scale
        found.setdefault((field.specimen, field.section, field.plane, scale), []).append(file)
    return [
        {"id": specimen, "section": section, "plane": plane, "images": images, "calibration": stated(scale)}
        for (specimen, section, plane, scale), images in found.items()
    ]


def _settings(settings: Mapping[str, Any] | None, plugin: plugins.Recipe | plugins.Backend) -> dict[str, Any]:
    """Settings with the paths among them absolute, as the job lies elsewhere."""
    table = {key: value for key, value in (settings or {}).items() if value is not None}
    for key in plugins.paths_of(plugin):
        if table.get(key):
            table[key] = _absolute(table[key])
    for key in plugins.models_of(plugin):
        if table.get(key) and Path(table[key]).is_dir():
            table[key] = _absolute(table[key])
    return table


def _backend(backend: str | Mapping[str, object], masks: Sequence[Samples], home: Path) -> dict[str, Any]:
    table: dict[str, Any] = {"name": backend} if isinstance(backend, str) else dict(backend)
    if masks:
        (home / "masks").mkdir()
        table = {**table, "name": table.get("name") or "labels", "masks": []}
        for i, mask in enumerate(masks, 1):
            file = f"mask_{i}.tif"
            tifffile.imwrite(home / "masks" / file, mask, photometric="minisblack", metadata=None)
            table["masks"].append(f"masks/{file}")
    if not table.get("name"):
        return {}
    return _settings(table, registry.load("backend", table["name"]))


def _absolute(path: str | Path) -> str:
    return str(Path(path).absolute())
