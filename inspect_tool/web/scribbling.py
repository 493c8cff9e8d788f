"""Pictures that lie open while somebody draws strokes on them: a few at a time, their features kept.

Nothing here is needed when it is gone: what is not kept is read and made again.
"""

import io
import threading
from collections import OrderedDict
from collections.abc import Sequence
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
from inspect_tool.training.augment import Target
from inspect_tool.training.request import SEED
from inspect_tool.training.samples import SAME_SCALE, Sample
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

    source: Source
    sample: Sample
    looks: features.Looks
    footer_px: int  # rows of the file below it
    lock: threading.Lock = default(default_factory=threading.Lock)  # one training at a time

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.looks.image.shape[0], self.looks.image.shape[1]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Drawn:
    """A picture that lies open, and the strokes on it."""

    sheet: Sheet
    strokes: tuple[Stroke, ...]


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
    sample = replace(sample, pixel_um=source.pixel_um or sample.pixel_um)
    looks = features.kept(sample.image, features.SIGMAS_PX, most_bytes)
    return Sheet(source=source, sample=sample, looks=looks, footer_px=footer_px)


def targets(drawn: Sequence[Drawn], classes: tuple[str, ...]) -> list[Target]:
    """Class numbers under the strokes of each picture.

    Raises
    ------
    SettingsError
        There is no stroke, or one that cannot be drawn; or the pictures do not belong together.
    """
    found = [target_of(one.strokes, one.sheet.shape, len(classes)) for one in drawn]
    if all((target == UNKNOWN).all() for target in found):
        msg = "no stroke is drawn yet; draw some of every class"
        raise SettingsError(msg)
    first, *others = (one.sheet for one in drawn)
    for other in others:
        pair = f"{first.source.name} and {other.source.name}"
        if first.sample.image.shape[2] != other.sample.image.shape[2]:
            msg = f"{pair}: one is in color; strokes of both teach nothing together"
            raise SettingsError(msg)
        if first.footer_px != other.footer_px:
            msg = f"{pair}: their data bars have {first.footer_px} and {other.footer_px} rows; they must be alike"
            raise SettingsError(msg)
        sizes = first.sample.pixel_um, other.sample.pixel_um
        if sizes[0] and sizes[1] and abs(sizes[0] / sizes[1] - 1) > SAME_SCALE:
            msg = f"{pair}: {sizes[0]:g} and {sizes[1]:g} um/px; strokes of both teach nothing together"
            raise SettingsError(msg)
    return found


def marked(drawn: Sequence[Drawn], classes: tuple[str, ...]) -> Marked:
    """Pixels under the strokes of all pictures; errors as ``targets``."""
    pairs = list(zip(drawn, targets(drawn, classes), strict=True))
    read = [replace(one.sheet.sample, target=target) for one, target in pairs if one.strokes]
    return marked_pixels(read, SEED, [one.sheet.looks for one in drawn if one.strokes])


def learned(drawn: Sequence[Drawn], classes: tuple[str, ...]) -> Shown:
    """Teach a classifier by strokes and judge the first picture with it: the labels of the one that would be kept.

    Raises
    ------
    SettingsError
        A class has no stroke.
    """
    sheet = drawn[0].sheet
    with sheet.lock:
        members = scribbles.taught(marked(drawn, classes), classes)
        labels, sure = pixels.shown(members, sheet.looks, pixels.Settings())
    return Shown(labels=labels, sure=sure)


def agreement(drawn: Sequence[Drawn], classes: tuple[str, ...]) -> dict[str, float]:
    """Share of the marked pixels that classifiers find which did not see their image, or their stroke of one image."""
    with drawn[0].sheet.lock:
        return scribbles.agreement(marked(drawn, classes), sum(bool(one.strokes) for one in drawn), classes)


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
