"""What a job will measure, as a picture of each field, before anything is measured."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from inspect_tool.folders import new_folder
from inspect_tool.images import colored_marks, readers, region
from inspect_tool.inspection.field_record import stem
from inspect_tool.inspection.job_plan import Plan, Progress, Source, inputs_of
from inspect_tool.inspection.one_field import read_source, selection
from inspect_tool.model import Mask, Micrograph, Segmentation
from inspect_tool.report import field_pictures
from inspect_tool.report.text import quantity, short

_NOT_COUNTED = "not measured"


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """Picture of one field and what stands behind it."""

    image: str
    picture: Path
    lines: tuple[str, ...]  # what is measured, what is left out and why, and the scale


def preview(planned: Plan, out: Path, progress: Progress | None = None) -> tuple[Preview, ...]:
    """Draw every field of a checked job: what is not measured is pale, hatched and outlined.

    Parameters
    ----------
    out : Path
        Folder for one JPEG a field; written whole or not at all.

    Raises
    ------
    InspectError
        What reading the images or finding what counts would stop a run with.
    """
    made = []
    with new_folder(out, (planned.path, *inputs_of(planned))) as folder:
        for i, source in enumerate(planned.sources):
            if progress is not None:
                progress(i, len(planned.sources), source.name)
            micrograph = read_source(planned, source)
            whole, counts = _whole(planned, source, micrograph)
            name = f"{stem(i, source.name)}.jpg"
            (folder / name).write_bytes(_drawn(whole, counts))
            made.append(Preview(image=source.name, picture=out / name, lines=_lines(micrograph, counts)))
    return tuple(made)


def _whole(planned: Plan, source: Source, micrograph: Micrograph) -> tuple[Micrograph, Mask]:
    """The image as it is in its file, in the pixels of the micrograph, and where it counts."""
    scale = micrograph.calibration
    rows, columns = (float(part) for part in micrograph.meta.get("pixels_joined", "1, 1").split(", "))
    if scale.pixel_um is not None and (rows, columns) != (1, 1):
        scale = replace(scale, pixel_um=scale.pixel_um / columns, pixel_y_um=scale.pixel_um / rows)
    whole = region.to_square_pixels(
        replace(readers.read(source.path, selection(planned.job)), path=source.name, calibration=scale)
    )
    top, left = (int(part) for part in micrograph.meta["crop_offset_px"].split(", "))
    top, left = round(top / rows), round(left / columns)
    height, width = micrograph.pixels.shape
    counts = np.zeros(whole.pixels.shape, np.bool_)
    window = counts[top : top + height, left : left + width]
    window[:] = True if micrograph.roi is None else micrograph.roi[: window.shape[0], : window.shape[1]]
    return whole, counts


def _drawn(whole: Micrograph, counts: Mask) -> bytes:
    shown = whole.pixels if whole.color is None else whole.color
    picture, scale = field_pictures.field_picture(replace(whole, roi=counts, shown=shown))
    left_out = Segmentation(
        labels=np.where(counts, 0, 2).astype(np.uint8),
        kind="semantic",
        backend="preview",
        classes={0: "measured", 1: "", 2: _NOT_COUNTED},  # the second class is the first that is hatched
    )
    layer = field_pictures.segmentation_layer(left_out, field_pictures.picture_size(whole.pixels.shape, scale))
    return field_pictures.composite(picture, [layer])


_REASONS = (
    ("crop", "kept: {}"),
    ("left_out_as", "left out as no specimen: {}"),
    (colored_marks.META, "left out as colored marks: {}"),
    ("scale bar in the picture", "scale bar {}"),
)


def _lines(micrograph: Micrograph, counts: Mask) -> tuple[str, ...]:
    meta = micrograph.meta
    share = 100 * float(np.count_nonzero(counts)) / counts.size
    lines = [f"{share:.3g} % of the picture is measured"]
    lines += [said.format(meta[key]) for key, said in _REASONS if key in meta]
    if "doubtful_percent" in meta:
        lines.append(
            f'{meta["doubtful_percent"]} % may be no specimen and is measured; say [region] specimen = "whole"'
        )
    told = [f"{source.kind} {quantity(source.pixel_um, 'um')}" for source in micrograph.scale_sources]
    pixel = micrograph.calibration.pixel_um
    lines.append("no scale: ratios only" if pixel is None else f"a pixel is {short(pixel)} um ({', '.join(told)})")
    return tuple(lines)
