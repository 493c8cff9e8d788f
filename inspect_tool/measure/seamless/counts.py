"""What is counted pixel by pixel and pair by pair, window by window; the sums over all windows are those of the whole.

A pair of neighbors, and a square of four, is counted by the window that owns its first pixel: the one on the left, or
above.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inspect_tool.measure.fraction import LineCounts, line_counts
from inspect_tool.measure.intercepts import DIRECTIONS, DirectionCount, changes, junctions
from inspect_tool.measure.seamless.windows import Box, Window
from inspect_tool.model import LabelImage, Mask, Samples

RIM_PX = 1
"""What a window must see of its neighbors."""


def with_next(window: Window) -> tuple[Box, Box, Box]:
    """The core with the column behind it, with the row below it, and with both, in what ``around(RIM_PX)`` gives."""
    rows, columns = window.inner(RIM_PX)
    height, width = (cut.stop - cut.start for cut in window.around(RIM_PX))
    further = slice(columns.start, min(columns.stop + 1, width))
    deeper = slice(rows.start, min(rows.stop + 1, height))
    return (rows, further), (deeper, columns), (deeper, further)


def lines_of_mask(mask: Mask, window: Window, roi: Mask | None = None) -> LineCounts:
    """Count as ``fraction.line_counts`` the interceptions that a window owns.

    ``mask`` and ``roi`` are what ``window.around(RIM_PX)`` shows of them.
    """
    beside, below, _ = with_next(window)
    along, down = (line_counts(mask[box], None if roi is None else roi[box]) for box in (beside, below))
    return LineCounts(
        across_rows=along.across_rows,
        across_columns=down.across_columns,
        length_rows_px=along.length_rows_px,
        length_columns_px=down.length_columns_px,
    )


def added(counts: Iterable[LineCounts]) -> LineCounts:
    """Add up what the windows counted."""
    rows = np.array(
        [(one.across_rows, one.across_columns, one.length_rows_px, one.length_columns_px) for one in counts]
    )
    across_rows, across_columns, length_rows, length_columns = rows.sum(axis=0).tolist()
    return LineCounts(
        across_rows=across_rows,
        across_columns=across_columns,
        length_rows_px=length_rows,
        length_columns_px=length_columns,
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GrainCounts:
    """What a window, or an image, has of grain boundaries along rows, columns and diagonals."""

    changes: NDArray[np.float64]  # (4, 3): intercepts, steps in grains, steps in grains and second phase; by direction
    junctions: int  # points where three grains meet

    def by_direction(self) -> dict[int, DirectionCount]:
        """Give them as ``intercepts.directional_counts`` does."""
        steps = {0: 1.0, 45: 2**0.5, 90: 1.0, 135: 2**0.5}
        return {
            angle: DirectionCount(intercepts=n, length_px=length * steps[angle], total_length_px=total * steps[angle])
            for angle, (n, length, total) in zip(DIRECTIONS, self.changes.tolist(), strict=True)
        }


def grain_counts(labels: LabelImage, window: Window) -> GrainCounts:
    """Count the boundaries and the triple points of grains that a window owns.

    ``labels`` is what ``window.around(RIM_PX)`` shows: one number for each grain, the same in all windows.
    """
    beside, below, both = (labels[box] for box in with_next(window))
    pairs: tuple[tuple[Samples, Samples], ...] = (
        (beside[:, :-1], beside[:, 1:]),
        (both[1:, :-1], both[:-1, 1:]),
        (below[:-1], below[1:]),
        (both[:-1, :-1], both[1:, 1:]),
    )
    return GrainCounts(
        changes=np.array([changes(one, other) for one, other in pairs]),
        junctions=junctions(both) if min(both.shape) > 1 else 0,
    )


def grains_added(counts: Iterable[GrainCounts]) -> GrainCounts:
    """Add up what the windows counted."""
    every = list(counts)
    return GrainCounts(
        changes=np.sum([one.changes for one in every], axis=0), junctions=sum(one.junctions for one in every)
    )
