"""Fields of a huge image as an ordinary job, and what measuring all of the image would add."""

import io
import secrets
from dataclasses import dataclass, replace
from math import isclose
from pathlib import Path
from typing import Any

import numpy as np
import tifffile

from inspect_tool import __version__, registry
from inspect_tool.errors import MeasurementError, SettingsError
from inspect_tool.evidence.provenance import now
from inspect_tool.files import (
    checked,
    dump_toml,
    load_report,
    read_toml,
    sha256_bytes,
    sha256_source,
    stated,
    write_text,
)
from inspect_tool.folders import check, new_folder
from inspect_tool.images import readers
from inspect_tool.inspection.starter import Answers, starter_job
from inspect_tool.languages import Words
from inspect_tool.model import Calibration, Component, Report, Result, Samples, Selection
from inspect_tool.mosaic.fields import MOST_BLANK, Design, cut, design
from inspect_tool.mosaic.request import not_imaged
from inspect_tool.report.build import main_results
from inspect_tool.statistics.uncertainty import expanded

SCHEMA = "inspect_tool/fields/1"
FILE = "fields.toml"
_UM_PER_CM = 1e4


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A field in the folder, or one that is not there because it shows no specimen."""

    file: str = ""  # empty: left out
    sha256: str = ""
    row: int  # of its first pixel [px]
    column: int
    blank_percent: float  # of it that shows no specimen


@dataclass(frozen=True, slots=True, kw_only=True)
class Fields:
    """What ``fields.toml`` says of the fields of an image."""

    schema: str = SCHEMA
    image: str
    sha256: str
    shape: tuple[int, int]  # of the image [px]
    side_px: int
    grid: tuple[int, int]
    start: tuple[float, float]
    seed: int
    software: str
    cut: str  # when
    fields: tuple[Kept, ...]

    @property
    def design(self) -> Design:
        """Where they lie."""
        return Design(shape=self.shape, side_px=self.side_px, grid=self.grid, start=self.start, seed=self.seed)

    @property
    def measured(self) -> tuple[Kept, ...]:
        """Those that show specimen."""
        return tuple(one for one in self.fields if one.file)

    @property
    def of_all(self) -> float:
        """How many such fields all of the specimen in the image would make."""
        return self.design.most * len(self.measured) / len(self.fields)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gain:
    """What more fields would do for a result."""

    specimen: str
    title: Words
    unit: str
    value: float
    expanded_u: float  # as reported
    of_all: float  # U if all of the image were measured, in fields like these
    rest: float  # U that no number of fields takes away
    enough: int | None  # fields with which U is a tenth above the rest; None: all of them are not


def cut_fields(
    image: Path,
    out: Path,
    *,
    recipe: str,
    number: int = 20,
    side_px: int = 1024,
    seed: int | None = None,
    which: Selection = Selection(),
) -> Fields:
    """Cut systematic random fields out of an image of any size, into a folder with a job for them.

    Parameters
    ----------
    image : Path
        Any that is read by windows: TIFF, BigTIFF, OME-Zarr.
    out : Path
        New folder: ``images/field_001.tif`` and so on, as they are stored in the image, with its scale;
        ``fields.toml``; and ``job.toml``, whose header states how they were chosen.
    recipe : str
        Of the job.
    number, side_px : int
        How many fields of which side. [px]
    seed : int, optional
        The same one gives the same fields; by default it is drawn.

    Raises
    ------
    ReadError, SettingsError, OutputError
        The image is not read by windows; the fields do not lie in it; something lies in the way.
    MeasurementError
        Fewer than two of them show specimen.
    """
    registry.load("recipe", recipe)
    check(out, [image])
    kept: list[Kept] = []
    with readers.windows(image, which) as opened, new_folder(out, [image]) as folder:
        laid = design(opened.shape, number, side_px, secrets.randbelow(1 << 31) if seed is None else seed)
        (folder / "images").mkdir()
        for found in cut(opened, laid, not_imaged(opened.dtype) if opened.dtype == np.uint8 else ()):
            named = ""
            data = b""
            if found.blank <= MOST_BLANK:
                named = f"images/field_{len(kept) + 1:03d}.tif"
                data = _tiff(found.pixels, opened.calibration)
                (folder / named).write_bytes(data)
            kept.append(
                Kept(
                    file=named,
                    sha256=sha256_bytes(data) if named else "",
                    row=found.box[0].start,
                    column=found.box[1].start,
                    blank_percent=round(100 * found.blank, 2),
                )
            )
        told = Fields(
            image=image.name,
            sha256=sha256_source(image),
            shape=opened.shape,
            side_px=side_px,
            grid=laid.grid,
            start=laid.start,
            seed=laid.seed,
            software=__version__,
            cut=now().isoformat(timespec="seconds"),
            fields=tuple(kept),
        )
        if len(told.measured) < 2:
            msg = (
                f"{image}: {len(told.measured)} of {len(kept)} fields show specimen for more than half; "
                "take more fields, or smaller ones"
            )
            raise MeasurementError(msg)
        (folder / FILE).write_bytes(dump_toml(stated(told)).encode())
        write_text(folder / "job.toml", starter_job(recipe, answers=_answers(told, opened.calibration)))
    return told


def load_fields(folder: Path) -> Fields:
    """Read ``fields.toml`` of a folder.

    Raises
    ------
    SettingsError
        There is none, or it is another kind of file.
    """
    path = folder / FILE
    told: Fields = checked(Fields, read_toml(path), str(path))
    if told.schema != SCHEMA:
        msg = f"{path}: schema is '{told.schema}', this version reads '{SCHEMA}'"
        raise SettingsError(msg)
    return told


def gains(told: Fields, report: Report) -> tuple[Gain, ...]:
    """Say of every main result that is a mean over fields what its U would be if all of the image were measured.

    Lines that fields were the sample for (kind A) shrink as one over the root of their number; all others stay. So it
    is the U of a number for the specimen that the image is a part of; of the image itself no scatter would be left.

    Raises
    ------
    SettingsError
        The report is of other images.
    """
    own = {one.sha256 for one in told.measured}
    others = [record.image for record in report.micrographs if record.sha256 not in own]
    if others:
        msg = f"report {report.id}: {others[0]} is none of the fields of {told.image}; give the report of these"
        raise SettingsError(msg)
    measured = len(report.micrographs)
    found = []
    for result in main_results(report.results):
        if not _is_mean(result):
            continue
        rest = expanded((line for line in result.budget if line.kind == "B"), result.coverage)
        fields = range(measured, int(told.of_all) + 1)
        close = (n for n in fields if _u(result.budget, n / measured, result.coverage) <= 1.1 * rest)
        assert result.expanded_u is not None
        found.append(
            Gain(
                specimen=result.specimen,
                title=result.title or result.quantity,
                unit=result.unit,
                value=result.value,
                expanded_u=result.expanded_u,
                of_all=_u(result.budget, max(1.0, told.of_all / measured), result.coverage),
                rest=rest,
                enough=next(close, None),
            )
        )
    return tuple(found)


def gains_of(folder: Path, report: Path) -> tuple[Gain, ...]:
    """As ``gains``, of a folder that ``cut_fields`` wrote and a report folder."""
    return gains(load_fields(folder), load_report(report / "report.json" if report.is_dir() else report))


# -------------------------------------------------------------------------------------------------------------- parts


def _is_mean(result: Result) -> bool:
    """Whether fields scatter about a result: not about the largest of them, whose interval lies to one side."""
    if result.expanded_u is None or not any(line.kind == "A" for line in result.budget):
        return False
    low, high = result.interval or (result.value - result.expanded_u, result.value + result.expanded_u)
    return isclose(high - result.value, result.value - low, rel_tol=1e-6)


def _u(budget: tuple[Component, ...], times: float, coverage: float) -> float:
    """Expanded uncertainty with so many times the fields."""
    lines = (
        replace(line, u=line.u / times**0.5, dof=None if line.dof is None else (line.dof + 1) * times - 1)
        if line.kind == "A"
        else line
        for line in budget
    )
    return expanded(lines, coverage)


def _tiff(pixels: Samples, scale: Calibration) -> bytes:
    """A field as TIFF, with the scale of the image where the file states one."""
    density: dict[str, Any] = {}
    if scale.pixel_um is not None:
        sizes = (scale.pixel_um, scale.pixel_y_um or scale.pixel_um)
        density = {"resolution": tuple(_UM_PER_CM / size for size in sizes), "resolutionunit": "CENTIMETER"}
    stream = io.BytesIO()
    kind = "minisblack" if pixels.ndim == 2 else "rgb"
    tifffile.imwrite(stream, pixels, photometric=kind, metadata=None, software="", **density)
    return stream.getvalue()


def _answers(told: Fields, scale: Calibration) -> Answers:
    """What the job of these fields says."""
    rows, columns = told.grid
    share = 100 * len(told.fields) / told.design.most
    sampling = (
        f"systematic random: {rows} x {columns} fields of {told.side_px} x {told.side_px} px, {share:.2g} % of "
        f"{told.image} (SHA-256 {told.sha256[:12]}), start drawn with seed {told.seed}"
    )
    if left_out := len(told.fields) - len(told.measured):
        sampling += f"; {left_out} left out, which show no specimen for more than half"
    return Answers(
        images=("images/field_*.tif",),
        scale="stated" if scale.pixel_um is None else "file",
        told=str(scale.note),
        header={"sampling": sampling},
        origin=f"Fields of {told.image}, cut by inspect-tool {told.software}; where they lie: {FILE}.",
    )
