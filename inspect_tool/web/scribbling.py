"""Pictures that lie open while somebody draws strokes on them: a few at a time, their features kept.

Nothing here is needed when it is gone: what is not kept is read and made again.
"""

import io
import threading
from collections import OrderedDict
from dataclasses import dataclass, replace
from dataclasses import field as default
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from inspect_tool.errors import SettingsError
from inspect_tool.images import readers
from inspect_tool.scale.bar.footer import find_footer
from inspect_tool.segmentation import pixels
from inspect_tool.segmentation.pixels import features
from inspect_tool.training import samples, scribbles
from inspect_tool.training.annotations import UNKNOWN
from inspect_tool.training.request import SEED
from inspect_tool.training.samples import Sample
from inspect_tool.training.strokes import Marked, Stroke, marked_pixels, target_of

NAME = "scribble"
"""Of the room, in ``Bench.kept``."""
MOST_BYTES = 1 << 29
"""Of all pictures that lie open, with their features."""
MOST_PX = 20_000_000
"""Pixels of a picture: each stroke judges all of them."""
UNSURE = 0.6
"""Probability of the likeliest class below which a pixel is drawn lighter."""
COLORS = ((86, 180, 233), (230, 159, 0), (0, 158, 115), (204, 121, 167), (213, 94, 0), (240, 228, 66))
"""Of the classes, red, green and blue (M. Okabe and K. Ito: those that nearly everybody tells apart)."""
_SURE_ALPHA, _UNSURE_ALPHA = 120, 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A picture that can be drawn on."""

    name: str  # for the reader
    path: Path
    footer_px: int | None = None  # rows at the bottom that are no image; None: those of a data bar that is found
    pixel_um: float | None = None  # for the card of a classifier; None: as the file tells


@dataclass(slots=True, kw_only=True, eq=False)
class Sheet:
    """A picture that lies open."""

    sample: Sample
    looks: features.Looks
    footer_px: int  # rows of the file below it
    lock: threading.Lock = default(default_factory=threading.Lock)  # one training at a time

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.looks.image.shape[0], self.looks.image.shape[1]


@dataclass(slots=True, kw_only=True, eq=False)
class Desk:
    """Sheets that lie open, the one used last at the end."""

    most_bytes: int = MOST_BYTES
    sheets: "OrderedDict[Source, Sheet]" = default(default_factory=OrderedDict)
    lock: threading.Lock = default(default_factory=threading.Lock)

    def sheet(self, source: Source) -> Sheet:
        """The sheet of a picture; others are put away where there is no room for its features."""
        with self.lock:
            found = self.sheets.get(source)
            if found is not None:
                self.sheets.move_to_end(source)
                return found
        made = opened(source, self.most_bytes)
        with self.lock:
            self.sheets[source] = made
            self.sheets.move_to_end(source)
            while len(self.sheets) > 1 and sum(one.looks.size for one in self.sheets.values()) > self.most_bytes:
                self.sheets.popitem(last=False)
        return made

    def close(self, source: Source) -> None:
        """Put a sheet away."""
        with self.lock:
            self.sheets.pop(source, None)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Shown:
    """What strokes teach of the picture that they are on."""

    labels: NDArray[np.uint8]
    sure: NDArray[np.float32]  # probability of the class


def opened(source: Source, most_bytes: int) -> Sheet:
    """Read a picture as training reads it, and make its features.

    Raises
    ------
    InspectError
        It cannot be read, or is too large.
    """
    whole = readers.read(source.path)
    if whole.pixels.size > MOST_PX:
        msg = (
            f"{source.name}: {whole.pixels.size / 1e6:.0f} megapixels, at most {MOST_PX / 1e6:.0f} are drawn on; cut "
            "a part out, or draw in another program and use the command train --scribbles"
        )
        raise SettingsError(msg)
    footer_px = find_footer(whole.pixels, whole.color) if source.footer_px is None else source.footer_px
    reading = samples.Reading(channels="rgb", footer_px=footer_px)
    (sample,) = scribbles.with_colors([samples.read_image(source.path, reading)])
    looks = features.kept(sample.image, features.SIGMAS_PX, most_bytes)
    return Sheet(sample=sample, looks=looks, footer_px=footer_px)


def marked(sheet: Sheet, strokes: list[Stroke], classes: tuple[str, ...]) -> Marked:
    """Pixels under strokes.

    Raises
    ------
    SettingsError
        There is no stroke, or one that cannot be drawn.
    """
    target = target_of(strokes, sheet.shape, len(classes))
    if (target == UNKNOWN).all():
        msg = "no stroke is drawn yet; draw some of every class"
        raise SettingsError(msg)
    return marked_pixels([replace(sheet.sample, target=target)], SEED, [sheet.looks])


def learned(sheet: Sheet, strokes: list[Stroke], classes: tuple[str, ...]) -> Shown:
    """Teach a classifier by strokes and judge the picture with it: the labels of the one that would be kept.

    Raises
    ------
    SettingsError
        A class has no stroke.
    """
    with sheet.lock:
        members = scribbles.taught(marked(sheet, strokes, classes), classes)
        labels, sure = pixels.shown(members, sheet.looks, pixels.Settings())
    return Shown(labels=labels, sure=sure)


def agreement(sheet: Sheet, strokes: list[Stroke], classes: tuple[str, ...]) -> dict[str, float]:
    """Share of the marked pixels that classifiers find which did not see their stroke."""
    with sheet.lock:
        return scribbles.agreement(marked(sheet, strokes, classes), sheet.sample, classes)


def overlay(shown: Shown) -> bytes:
    """Picture of the classes as PNG: the color of each, lighter where its probability is below 0.6."""
    from PIL import Image

    image = Image.fromarray(2 * shown.labels + (shown.sure < UNSURE), mode="P")
    image.putpalette([value for color in COLORS for value in (*color, *color)])
    file = io.BytesIO()
    alphas = bytes([_SURE_ALPHA, _UNSURE_ALPHA] * len(COLORS))
    image.save(file, "PNG", compress_level=1, transparency=alphas)
    return file.getvalue()


def picture(sheet: Sheet) -> bytes:
    """The picture itself as PNG, of 8 bits, its darkest and brightest hundredth clipped."""
    from PIL import Image

    values = np.round(np.clip(sheet.sample.image, 0, 1) * 255).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(values[..., 0] if values.shape[2] == 1 else values).save(file, "PNG", compress_level=1)
    return file.getvalue()
