"""What is asked of a huge image."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from inspect_tool.errors import SettingsError
from inspect_tool.model import Selection
from inspect_tool.segmentation.threshold import Settings, by_windows


def not_imaged(depth: "np.dtype[np.generic]") -> tuple[int, int]:
    """Gray values that stage software fills with where nothing was imaged: black and white."""
    return 0, 255 if depth == np.uint8 else 65535


_STEP_PX = 16  # windows begin at whole bytes of a mask of bits, and at whole blocks of the small picture


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A huge image, how its classes are told apart, and where it shows no specimen."""

    image: Path
    threshold: Settings  # with levels of the whole image, see ``threshold.by_windows.check``
    which: Selection = field(default_factory=Selection)
    pixel_um: float | None = None  # None: what the file states, if it can be trusted [um/px]
    side_px: int = 2048  # of a window; the numbers do not depend on it
    blank: tuple[int, ...] = ()  # gray values where nothing was imaged; none: everywhere is specimen
    blank_px: int = (
        64  # into such an area a square of this side fits, or a line along a row or column four times as long
    )

    def check(self) -> None:
        """Refuse what cannot be.

        Raises
        ------
        SettingsError
        """
        if self.side_px < _STEP_PX or self.side_px % _STEP_PX:
            msg = f"side_px: got {self.side_px}, must be a multiple of {_STEP_PX}"
            raise SettingsError(msg)
        if any(not 0 <= value <= 65535 for value in self.blank):
            msg = f"blank: got {list(self.blank)}, must be gray values from 0 to 65535"
            raise SettingsError(msg)
        if self.blank_px < 2:
            msg = f"blank_px: got {self.blank_px}, must be 2 or more"
            raise SettingsError(msg)
        if self.pixel_um is not None and not self.pixel_um > 0:
            msg = f"pixel_um: got {self.pixel_um:g}, must be > 0"
            raise SettingsError(msg)
        by_windows.check(self.threshold)
