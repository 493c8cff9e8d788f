"""The worst validation cases as pictures: image, truth, prediction, difference; one PNG and one page.

Scores say how good a model is on the whole; this page shows where it fails, which tells what to annotate next.
"""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from inspect_tool.files import write_text
from inspect_tool.languages import ENGLISH, Text, Value, Words, said
from inspect_tool.model import ModelCard
from inspect_tool.training.annotations import UNKNOWN
from inspect_tool.training.augment import Target
from inspect_tool.training.samples import Sample

CASES = 8  # on the sheet
SIDE_PX = 256  # of a place
LINE_PX = 2  # boundaries this near to each other are no difference

Picture = NDArray[np.uint8]  # (rows, columns, 3)

# colors that color-blind readers tell apart (M. Okabe, K. Ito, 2008); the first class stays gray
COLORS = ((230, 159, 0), (86, 180, 233), (0, 158, 115), (240, 228, 66), (204, 121, 167), (0, 114, 178))
MISSED, TOO_MUCH, CONFUSED = (213, 94, 0), (0, 114, 178), (240, 228, 66)
COLUMNS = (
    Text("training.image"),
    Text("training.truth"),
    Text("training.prediction"),
    Text("training.difference"),
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Case:
    """A place in a validation image."""

    image: str  # name of the file
    row: int  # of its first pixel, in the image as it was scaled for the network [px]
    column: int
    wrong: float  # share of the annotated pixels that differ [1]
    gray: NDArray[np.float32]  # (rows, columns, channels)
    truth: Target
    found: Target
    different: NDArray[np.bool_]


def worst_places(sample: Sample, found: Target, *, lines: bool) -> list[Case]:
    """Cut an image into places and rank them by the share of wrong pixels.

    Parameters
    ----------
    sample : Sample
        With its truth.
    found : array of int32, (rows, columns)
        Predicted classes.
    lines : bool
        Class 1 is a line: one that lies ``LINE_PX`` beside the drawn one is not wrong.
    """
    different = _different(sample.target, found, lines)
    cases = []
    rows, columns = sample.target.shape
    for top in _starts(rows):
        for left in _starts(columns):
            area = (slice(top, top + SIDE_PX), slice(left, left + SIDE_PX))
            known = int((sample.target[area] != UNKNOWN).sum())
            if known:
                cases.append(
                    Case(
                        image=sample.name,
                        row=top,
                        column=left,
                        wrong=float(different[area].sum()) / known,
                        gray=sample.image[area],
                        truth=sample.target[area],
                        found=found[area],
                        different=different[area],
                    )
                )
    return sorted(cases, key=lambda case: -case.wrong)[:CASES]


def _starts(side: int) -> list[int]:
    """Where places begin along an axis; they cover it, the last ones overlap a little.

    >>> _starts(600)
    [0, 172, 344]
    """
    count = -(-side // SIDE_PX)
    return [round(i * (side - SIDE_PX) / max(count - 1, 1)) if side > SIDE_PX else 0 for i in range(count)]


def _different(truth: Target, found: Target, lines: bool) -> NDArray[np.bool_]:
    known = truth != UNKNOWN
    if not lines:
        return np.asarray((truth != found) & known)
    near = [cv2.distanceTransform((one != 1).astype(np.uint8), cv2.DIST_L2, 5) <= LINE_PX for one in (truth, found)]
    return np.asarray((((truth == 1) & ~near[1]) | ((found == 1) & ~near[0])) & known)


# ----------------------------------------------------------------------------------------------------- pictures


def panels(case: Case) -> tuple[Picture, Picture, Picture, Picture]:
    """Image, truth, prediction and difference as colors; what is not annotated is darkened in the truth."""
    gray = np.clip(case.gray, 0, 1)
    image = np.asarray(np.round(255 * (gray if gray.shape[2] == 3 else gray.repeat(3, axis=2))), np.uint8)
    truth = _tinted(image, case.truth)
    truth[case.truth == UNKNOWN] //= 3
    faded = (image // 2 + 64).astype(np.uint8)
    faded[case.different] = CONFUSED
    faded[case.different & (case.truth > 0) & (case.found == 0)] = MISSED
    faded[case.different & (case.truth == 0)] = TOO_MUCH
    return image, truth, _tinted(image, case.found), faded


def _tinted(image: Picture, labels: Target) -> Picture:
    picture = image.astype(np.uint16)
    for number in range(1, int(labels.max(initial=0)) + 1):
        color = np.array(COLORS[(number - 1) % len(COLORS)], np.uint16)
        marked = labels == number
        picture[marked] = (2 * picture[marked] + 3 * color) // 5
    return picture.astype(np.uint8)


def picture_sheet(cases: Sequence[Case], language: str = ENGLISH) -> Image.Image:
    """All cases below each other, with what they are."""
    gap, title = 6, 18
    width = 4 * SIDE_PX + 5 * gap
    rows = [max(case.truth.shape[0] for case in cases)] * len(cases)
    sheet = Image.new("RGB", (width, title + sum(rows) + len(rows) * (title + gap)), "white")
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(12)
    for i, name in enumerate(COLUMNS):
        pen.text((gap + i * (SIDE_PX + gap), 2), said(name, language), fill="black", font=font)
    top = title
    for case, height in zip(cases, rows, strict=True):
        pen.text((gap, top + 2), said(_caption(case), language), fill="black", font=font)
        for i, panel in enumerate(panels(case)):
            sheet.paste(Image.fromarray(panel), (gap + i * (SIDE_PX + gap), top + title))
        top += height + title + gap
    return sheet


def _caption(case: Case) -> Words:
    return Text("training.caption", image=case.image, row=case.row, column=case.column, percent=100 * case.wrong)


# --------------------------------------------------------------------------------------------------------- page


def write(
    folder: Path, card: ModelCard, cases: Sequence[Case], notes: Sequence[Words], language: str = ENGLISH
) -> None:
    """Write ``validation.png`` and ``validation.html`` into a model folder; the page needs no other file."""
    picture_sheet(cases, language).save(folder / "validation.png")
    write_text(folder / "validation.html", page(card, cases, notes, language))


def page(card: ModelCard, cases: Sequence[Case], notes: Sequence[Words], language: str = ENGLISH) -> str:
    """The page as text; ``notes`` stand above the scores, first what the cases were judged on."""

    def say(key: str, **values: Value) -> str:
        return said(Text(key, **values), language)

    scores = "".join(f"<tr><td>{escape(key)}</td><td>{value:.4g}</td></tr>" for key, value in card.scores.items())
    legend = [
        (_name(MISSED), say("training.missed")),
        (_name(TOO_MUCH), say("training.too_much")),
        (_name(CONFUSED), say("training.another_class")),
    ]
    classes = [(_name(COLORS[(i - 1) % len(COLORS)]), name) for i, name in enumerate(card.classes) if i]
    figures = "".join(_figure(case, language) for case in cases)
    remarks = "".join(f"<li>{escape(said(note, language))}</li>" for note in notes)
    title = escape(say("training.title", model=card.name))
    told = say("training.legend", classes=_legend(classes), difference=_legend(legend), columns=COLUMNS)
    return f"""<!doctype html>
<html lang="{language}"><head><meta charset="utf-8"><title>{title}</title>
<style>
body {{ font: 15px/1.45 system-ui, sans-serif; margin: 2em auto; max-width: 72em; padding: 0 1em; color: #111; }}
td {{ padding: .1em 1.2em .1em 0; }} figure {{ margin: 1.5em 0; }} figcaption {{ margin-bottom: .3em; }}
.four {{ display: grid; grid-template-columns: repeat(4, 1fr); gap: 6px; }}
.four img {{ width: 100%; image-rendering: pixelated; }}
.mark {{ display: inline-block; width: .9em; height: .9em; margin: 0 .3em 0 1em; vertical-align: -.1em; }}
</style></head><body>
<h1>{title}</h1>
<p>{escape(card.title)}</p>
<ul>{remarks}</ul>
<table>{scores}</table>
<p>{told}</p>
{figures}
</body></html>
"""


def _figure(case: Case, language: str) -> str:
    images = "".join(
        f'<img src="data:image/png;base64,{_png(panel)}" alt="{said(name, language)}">'
        for name, panel in zip(COLUMNS, panels(case), strict=True)
    )
    caption = escape(said(_caption(case), language))
    return f'<figure><figcaption>{caption}</figcaption><div class="four">{images}</div></figure>\n'


def _legend(entries: Sequence[tuple[str, str]]) -> str:
    return "".join(f'<span class="mark" style="background: {color}"></span>{escape(name)}' for color, name in entries)


def _name(color: tuple[int, int, int]) -> str:
    return "#{:02x}{:02x}{:02x}".format(*color)


def _png(picture: Picture) -> str:
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()
