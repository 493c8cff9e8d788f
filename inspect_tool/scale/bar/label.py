"""Label of a scale bar: text near the bar, read several times, by a grammar that knows lengths and nothing else."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from inspect_tool import offline
from inspect_tool.languages import Text
from inspect_tool.model import Samples
from inspect_tool.units import convert

EXTRA = 'pip install "inspect_tool[scale-bar]"'

Box = tuple[int, int, int, int]  # top, left, height, width
Picture = NDArray[np.uint8]  # (rows, columns, 3)

_MICROMETER = ("um", "micron", "microns", "micrometer", "micrometers", "micrometre", "micrometres")
_UNITS = {"nm": "nm", "mm": "mm", "pm": "pm", **dict.fromkeys(_MICROMETER, "um")}
_LABEL = re.compile(r"(\d{1,4}|\d{1,3}[.,]\d{1,2}) ?([a-zA-Z]+)")
_STEPS = (1.0, 1.2, 1.25, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 7.0, 7.5, 8.0, 9.0)
"""First digits of the lengths that programs draw; any other is a misread digit or a lost decimal point."""


def installed() -> bool:
    """Whether the extra ``scale-bar`` is there, without importing it."""
    return find_spec("rapidocr") is not None and find_spec("onnxruntime") is not None


# ------------------------------------------------------------------------------------------------------- grammar


@dataclass(frozen=True, slots=True)
class Length:
    """A length as a label states it."""

    value: float
    unit: str  # nm, um or mm; pm: may be a misread um

    @property
    def um(self) -> float:
        """The length. [um]"""
        return convert(self.value, self.unit, "um")


def parse(text: str) -> Length | None:
    """Length that a text states: a number and a unit, and nothing besides; None for all else.

    A decimal comma is a decimal point. A number that starts with 0 and has no point has lost it.

    Examples
    --------
    >>> parse("0,5 µm")
    Length(value=0.5, unit='um')
    >>> parse("200umm") is None
    True
    """
    plain = " ".join(text.replace("μ", "u").replace("µ", "u").split()).strip()
    found = _LABEL.fullmatch(plain)
    if found is None:
        return None
    digits, unit = (
        found.group(1).replace(",", "."),
        _UNITS.get(found.group(2).lower() if len(found.group(2)) > 2 else found.group(2)),
    )
    if unit is None or (len(digits) > 1 and digits[0] == "0" and digits[1] != "."):
        return None
    value = float(digits)
    return Length(value, unit) if value > 0 else None


def is_usual(length: Length) -> bool:
    """Whether programs draw bars of this length: 1, 1.2, 1.25, 1.5, 2, 2.5, 3 ... 9 times a power of ten."""
    first = length.value / 10 ** np.floor(np.log10(length.value))
    return bool(np.isclose(first, _STEPS, rtol=1e-9).any() or np.isclose(first, 10.0))


# ------------------------------------------------------------------------------------------------------- reading


@cache
def _engine() -> Any:
    """Detector and reader of text; the models lie in the package, nothing is fetched and nothing is logged."""
    from pathlib import Path

    offline.onnxruntime()
    import rapidocr

    models = Path(rapidocr.__file__).parent / "models"
    return rapidocr.RapidOCR(
        params={
            "Global.log_level": "critical",
            "Global.use_cls": False,
            "Global.text_score": 0.0,
            "Det.limit_type": "max",
            "Det.limit_side_len": 960,
            "Det.model_path": str(models / "PP-OCRv6_det_small.onnx"),
            "Rec.model_path": str(models / "PP-OCRv6_rec_small.onnx"),
            "EngineConfig.onnxruntime.intra_op_num_threads": 1,
            "EngineConfig.onnxruntime.inter_op_num_threads": 1,
        }
    )


def find_texts(picture: Picture) -> list[Box]:
    """Boxes of the words and lines of text in a small picture. [px]"""
    tall, wide = picture.shape[:2]
    # letters of 7 px are common; larger than this the detector gains nothing and costs time
    scale = float(np.clip(640 / max(tall, wide), 0.5, 4.0))
    larger = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    found = _engine()(larger, use_det=True, use_cls=False, use_rec=False)
    boxes: list[Box] = []
    for corners in found.boxes if found.boxes is not None else ():
        left, top = np.floor(np.min(corners, axis=0) / scale)
        right, bottom = np.ceil(np.max(corners, axis=0) / scale)
        left, top, right, bottom = max(left, 0), max(top, 0), min(right, wide), min(bottom, tall)
        boxes.append((int(top), int(left), int(bottom - top), int(right - left)))
    return boxes


def read_text(picture: Picture, box: Box, ink: NDArray[np.float32] | None = None) -> list[str]:
    """Read one line of text several times, each time from other pixels: margins, sizes and polarity differ.

    Parameters
    ----------
    picture : array of uint8, (rows, columns, 3)
        Where the text stands.
    box : (top, left, height, width)
        Of the text. [px]
    ink : array of float32, (rows, columns), optional
        1 where the picture has the color of the bar, 0 where it is far from it: a label of that color is read once
        more without what lies behind it.
    """
    top, left, tall, wide = box
    texts: list[str] = []
    crop: Samples
    for margin, height, kind in _PASSES if ink is not None else _PASSES[:3]:
        more = max(1, round(margin * tall))
        rows = slice(max(top - more, 0), top + tall + more)
        columns = slice(max(left - 2 * more, 0), left + wide + 2 * more)
        if kind == "ink" and ink is not None:
            crop = np.repeat((255 * ink[rows, columns, None]).astype(np.uint8), 3, axis=2)
        else:
            crop = picture[rows, columns]
        scale = height / len(crop)
        way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
        crop = cv2.resize(crop, (max(8, round(scale * crop.shape[1])), height), interpolation=way)
        if kind == "inverted":
            crop = 255 - crop
        found = _engine()(np.ascontiguousarray(crop), use_det=False, use_cls=False, use_rec=True)
        texts.append(found.txts[0] if found.txts else "")
    return texts


_PASSES = ((0.08, 48, "as it is"), (0.22, 64, "inverted"), (0.15, 32, "as it is"), (0.15, 48, "ink"))


def agreed(texts: Sequence[str]) -> tuple[Length | None, str]:
    """The length on which readings of one label agree; else None and the reason, empty where no length was seen."""
    lengths = [length for text in texts if (length := parse(text)) is not None]
    seen = " / ".join(dict.fromkeys(f"'{text}'" for text in texts if text))
    if not lengths:
        return None, ""
    # p for a badly read micro sign: a factor of a million, so only the readings that are sure of it count
    sure = [length for length in lengths if length.unit != "pm"]
    if len(sure) < 2:
        units = Text("scale.bar_pm_or_um") if len(sure) < len(lengths) else ""
        return None, Text("scale.bar_little_agreement", seen=seen, units=units)
    if any(length != sure[0] for length in sure) or any(
        length.value != sure[0].value or sure[0].unit != "um" for length in lengths if length.unit == "pm"
    ):
        return None, Text("scale.bar_readings_disagree", seen=seen)
    if not is_usual(sure[0]):
        return None, Text("scale.bar_unusual_length", seen=seen)
    return sure[0], ""


# -------------------------------------------------------------------------------------------------------- points


def count_points(picture: Picture, box: Box, text: str, ink: NDArray[np.float32] | None = None) -> int | None:
    """Decimal points in a label, by the shape of its letters and without reading; None where letters cannot be told.

    A point or comma is small, stands on the base line within the number, and has letters on both sides. ``text`` is
    what was read: it tells how much of the width the number takes. Other parameters as of ``read_text``.
    """
    top, left, tall, wide = box
    if tall < 5:
        return None
    window = slice(max(top - 1, 0), top + tall + 1), slice(max(left - 2, 0), left + wide + 2)
    plane: Samples = _sharpest(picture[window]) if ink is None else (255 * ink[window]).astype(np.uint8)
    scale = max(1, round(64 / tall))
    plane = cv2.resize(plane, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    mask = cv2.threshold(plane, 0, 1, cv2.THRESH_BINARY | cv2.THRESH_OTSU)[1]
    if mask.mean() > 0.5:
        mask = np.asarray(1 - mask, dtype=np.uint8)
    count, _, stats, _ = cv2.connectedComponentsWithStats(mask)
    parts = stats[1:count]
    high = len(mask)
    tallest = (parts[:, 3] >= 0.35 * high) & (parts[:, 3] <= 0.98 * high) & (parts[:, 2] <= 1.6 * high)
    letters = parts[tallest]
    if len(letters) < 2:
        return None
    size = float(np.median(letters[:, 3]))
    base = float(np.median(letters[:, 1] + letters[:, 3]))
    points = parts[
        (parts[:, 3] <= 0.45 * size)
        & (parts[:, 2] <= 0.36 * size)
        & (parts[:, 1] + parts[:, 3] / 2 >= base - 0.3 * size)
        & (parts[:, 1] <= base)
        & (parts[:, 4] >= 0.008 * size * size)
    ]
    first = letters[:, 0].min()
    number = len(text) - len(text.lstrip("0123456789.,"))
    # letters of a unit are wider than figures, so the number ends before this
    last = first + (letters[:, 0].max() - first) * (number + 0.3) / len(text)
    return int(((points[:, 0] > first) & (points[:, 0] < last)).sum())


def _sharpest(crop: Picture) -> NDArray[np.uint8]:
    """The channel in which letters stand out most."""
    return np.asarray(max(cv2.split(crop), key=lambda channel: float(channel.std())), dtype=np.uint8)
