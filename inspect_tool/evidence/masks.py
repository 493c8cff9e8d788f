"""Evidence of a field: the masks it was measured on as PNG files, and the field read back from them.

A third party recomputes the numbers of a report from these files alone. What a mask cannot show, because it was read
off the gray values, is kept as numbers under its name (``measure.gray.read_off``).
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np

from inspect_tool.errors import ReadError
from inspect_tool.files import plain, sha256_bytes
from inspect_tool.model import (
    Evidence,
    FieldMeasurement,
    LabelImage,
    Mask,
    MaskFile,
    Micrograph,
    MicrographRecord,
    Report,
    Segmentation,
)
from inspect_tool.pixels import png
from inspect_tool.pixels.bits import BitClasses, BitMask, as_labels, as_mask, decode_bits, encode_bits
from inspect_tool.pixels.png import decode, encode
from inspect_tool.pixels.stored import StoredImage, decode_stored, encode_stored

FOLDER = "evidence"

ATTACHED_BYTES = 50_000_000
"""Masks of a report that are larger together stay in the report folder and are not attached to the PDF."""


class Keeper:
    """Write the masks of one field below a report folder as its segmentations are made, one in memory at a time."""

    def __init__(self, folder: Path, stem: str) -> None:
        self._folder = folder / FOLDER
        self._stem = stem
        self._base: Segmentation | None = None
        self._names: list[str] = []
        self._masks: list[MaskFile] = []
        self._gap = ""

    def __call__(self, name: str, segmentation: Segmentation) -> None:
        """Keep a segmentation as the backend gave it: the one that is measured first (``name`` empty), then others."""
        base = self._base or segmentation
        self._base = base
        if segmentation.labels.size > png.LARGEST_PX and isinstance(segmentation.labels, np.ndarray):
            self._gap = f"a field of {segmentation.labels.size / 1e6:.0f} Mpx is too large for its masks to be kept"
            return
        if (segmentation.kind, dict(segmentation.classes)) != (base.kind, dict(base.classes)):
            self._gap = f"the other segmentation '{name}' has other classes than the one that was measured"
        stem = self._stem + (f".other{len(self._names)}" if self._names else "")
        self._names.append(name)
        self._write(stem, "labels", segmentation.labels, name, base.labels)
        if segmentation.objects is not None:
            self._write(stem, "objects", segmentation.objects, name, base.objects)

    def evidence(
        self, micrograph: Micrograph, measurement: FieldMeasurement, before: FieldMeasurement | None = None
    ) -> Evidence:
        """Describe what was kept of the field; ``before`` is what it measured before edits by hand."""
        if micrograph.roi is not None and not self._gap:
            self._write(self._stem, "region", micrograph.roi)
        if micrograph.mount is not None and not self._gap:
            self._write(self._stem, "mount", micrograph.mount)
        return Evidence(
            masks=() if self._gap else tuple(self._masks),
            read_off=plain(measurement.read_off),
            missed_u_rel=measurement.missed_u_rel,
            read_off_before={} if before is None else plain(before.read_off),
            gap=self._gap,
        )

    def _write(
        self,
        stem: str,
        shows: Literal["labels", "objects", "region", "mount"],
        numbers: LabelImage | Mask,
        alternative: str = "",
        base: LabelImage | None = None,
    ) -> None:
        difference = False
        if isinstance(numbers, BitMask | BitClasses):
            data = encode_bits(numbers)
        elif isinstance(numbers, StoredImage):
            data = encode_stored(numbers)
        else:
            data = encode(cast("LabelImage", numbers.astype(np.uint8) if numbers.dtype == np.bool_ else numbers))
        if alternative and base is not None and isinstance(numbers, np.ndarray):
            least = np.min_scalar_type(int(numbers.max(initial=0)) + 1)  # a third image of int32 would be the peak
            shifted = np.add(numbers, 1, dtype=least, casting="unsafe")
            shifted[numbers == base] = 0
            if len(changed := encode(shifted)) < len(data):
                data, difference = changed, True
        self._folder.mkdir(exist_ok=True)
        path = self._folder / f"{stem}.{shows}.png"
        path.write_bytes(data)
        self._masks.append(
            MaskFile(
                file=f"{FOLDER}/{path.name}",
                sha256=sha256_bytes(data),
                size=len(data),
                shows=shows,
                alternative=alternative,
                difference=difference,
            )
        )


def mask_sha256(labels: LabelImage) -> str:
    """SHA-256 of a label image: its shape and its numbers as little-endian int32, whatever type holds them.

    >>> mask_sha256(np.zeros((2, 2), np.uint8)) == mask_sha256(np.zeros((2, 2), np.int32))
    True
    """
    digest = hashlib.sha256(np.asarray(labels.shape, "<i8").tobytes())
    digest.update(np.ascontiguousarray(labels, "<i4").tobytes())
    return digest.hexdigest()


def field(record: MicrographRecord, read: Callable[[str], bytes]) -> tuple[Micrograph, Segmentation]:
    """Read one field back from its evidence.

    Parameters
    ----------
    record : MicrographRecord
        With evidence that has no gap.
    read : callable
        Gives the bytes of a file that the evidence names.

    Returns
    -------
    Micrograph
        Without gray values: its pixels are NaN and ``read_off`` holds what was read off them.
    Segmentation
        As the backend gave it, with its alternatives.

    Raises
    ------
    ReadError
        A mask is missing or cannot be read.
    """
    evidence = record.evidence
    shape = (record.height_px, record.width_px)
    assert evidence is not None
    masks = {(mask.alternative, mask.shows): mask for mask in evidence.masks}
    windowed = is_windowed(record)
    classes = [int(number) for number in record.segmentation["classes"] if int(number)]

    def numbers(mask: MaskFile, base: LabelImage | None = None) -> LabelImage:
        if windowed and record.segmentation["kind"] == "instance":
            return cast("LabelImage", decode_stored(read(mask.file), shape, mask.file))
        if windowed:
            return as_labels(decode_bits(read(mask.file), shape, classes, mask.file))
        found = decode(read(mask.file), shape, mask.file)
        if mask.difference:
            if base is None:
                msg = f"{mask.file}: is a difference to a mask that is not there"
                raise ReadError(msg)
            found = np.where(found == 0, base, found - 1).astype(np.int32)
        return found

    def image(mask: MaskFile | None, base: LabelImage | None = None) -> LabelImage | None:
        return None if mask is None else numbers(mask, base)

    def place(shows: Literal["region", "mount"]) -> Mask | None:
        mask = masks.get(("", shows))
        if mask is None:
            return None
        if windowed:
            return as_mask(decode_bits(read(mask.file), shape, (1,), mask.file).masks[1])
        found: Mask = numbers(mask) > 0
        return found

    if ("", "labels") not in masks:
        msg = f"{record.image}: the report names no mask of what was measured"
        raise ReadError(msg)
    made: Mapping[str, Any] = record.segmentation
    segmentation = Segmentation(
        labels=numbers(masks["", "labels"]),
        classes={int(number): str(name) for number, name in made["classes"].items()},
        kind=made["kind"],
        backend=made["backend"],
        weights_sha256=made["weights_sha256"],
        settings=made["settings"],
        coverage=made["coverage"],
        missed_u_rel=evidence.missed_u_rel,
        objects=image(masks.get(("", "objects"))),
    )
    micrograph = Micrograph(
        pixels=np.broadcast_to(np.float32(np.nan), shape),
        calibration=record.calibration,
        modality=record.modality,
        path=record.image,
        sha256=record.sha256,
        specimen=record.specimen,
        section=record.section,
        plane=record.plane,
        field=record.field,
        roi=place("region"),
        mount=place("mount"),
        meta=record.meta,
        read_off=evidence.read_off,
    )

    def alternatives() -> Iterator[tuple[str, Segmentation]]:
        for name in dict.fromkeys(mask.alternative for mask in evidence.masks if mask.alternative):
            if (name, "labels") not in masks:
                msg = f"{record.image}: the report names no labels of the other segmentation '{name}'"
                raise ReadError(msg)
            yield (
                name,
                replace(
                    segmentation,
                    labels=numbers(masks[name, "labels"], segmentation.labels),
                    objects=image(masks.get((name, "objects")), segmentation.objects),
                ),
            )

    return micrograph, replace(segmentation, alternatives=alternatives)


def is_windowed(record: MicrographRecord) -> bool:
    """Whether a field was measured by windows; its masks are read back with a bit for each pixel and class."""
    return "windows" in record.meta


def why_not_by_hand(record: MicrographRecord) -> str:
    """Say why nobody can work on the masks of a field by hand; empty: one can."""
    if record.evidence is None:
        return "the masks were not kept"
    if is_windowed(record):
        return "the field was measured by windows; cut fields out of it (inspect-tool fields cut)"
    return record.evidence.gap


def masks_of(report: Report) -> tuple[MaskFile, ...]:
    """Every mask that a report names."""
    return tuple(mask for record in report.micrographs if record.evidence is not None for mask in record.evidence.masks)


def attached(report: Report) -> bool:
    """Tell whether the PDF of a report carries its masks."""
    return sum(mask.size for mask in masks_of(report)) <= ATTACHED_BYTES
