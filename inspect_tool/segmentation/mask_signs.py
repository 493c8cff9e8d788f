"""Signs of what a mask of a person is, looked for strip by strip, so that it may be held or stored."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from inspect_tool.errors import ReadError
from inspect_tool.model import Mask, Samples
from inspect_tool.pixels.parts import strips

FULL = 0.97
"""Share of the numbers of 8 or 16 bits in use from which on larger ones may have been cut off. [1]"""
MOST_LINES = 0.45
"""Share of an image that lines between objects take at most. [1]"""

_MOST_SINGLE = 0.05  # share of pixels without a like neighbor; random binary noise has 0.06, drawn masks up to 0.01 [1]
_LINE_PX = 9  # boundary lines are nowhere wider
_LEFT = 0.15  # of lines, times their width, is left when strips of that width are taken off [1]


def check_no_noise(path: Path, labels: Samples) -> None:
    """Refuse an image in which many pixels differ from all their neighbors along rows and columns.

    Raises
    ------
    ReadError
        It is noise, or a photograph.
    """
    single = 0
    for top, bottom in strips(labels.shape):
        above = min(1, top)
        part = labels[top - above : bottom + 1]
        alike = np.zeros(part.shape, np.bool_)
        below, right = part[1:] == part[:-1], part[:, 1:] == part[:, :-1]
        alike[1:] |= below
        alike[:-1] |= below
        alike[:, 1:] |= right
        alike[:, :-1] |= right
        single += int(np.count_nonzero(~alike[above : above + bottom - top]))
    share = single / labels.size
    if share > _MOST_SINGLE:
        msg = (
            f"{path}: is noise and no mask: {100 * share:.0f} % of the pixels differ from all four neighbors; "
            "give the mask that belongs to the image"
        )
        raise ReadError(msg)


def is_thin(lines: Callable[[slice], Mask], shape: tuple[int, ...]) -> bool:
    """Whether hardly anything is left of lines when 9 px wide strips are taken off; ``lines`` gives rows of them."""
    kernel, rim = np.ones((_LINE_PX, _LINE_PX), np.uint8), _LINE_PX // 2
    held = left = 0
    for top, bottom in strips(shape):
        first, last = max(0, top - rim), min(shape[0], bottom + rim)
        part = lines(slice(first, last)).view(np.uint8)
        core = cv2.erode(part, kernel, borderType=cv2.BORDER_REPLICATE)
        own = slice(top - first, bottom - first)
        held, left = held + int(np.count_nonzero(part[own])), left + int(np.count_nonzero(core[own]))
    return left * _LINE_PX <= _LEFT * max(held, 1)
