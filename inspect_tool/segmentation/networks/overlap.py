"""What a report states of objects that cover one another, where a pixel has one number."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

_SHOWN = 20


def overlap_facts(
    areas_px2: NDArray[np.integer[Any]], visible_px2: NDArray[np.integer[Any]], covered: int, hidden: int
) -> dict[str, Any]:
    """Settings of a segmentation that say how many objects there are, and what lies below others.

    Parameters
    ----------
    areas_px2, visible_px2 : array of int, (n,)
        What each object covers by itself, and what is left of it, in the order of the labels. [px2]
    covered : int
        Objects of which another one has a part.
    hidden : int
        Objects that are left out, as others lie on them.

    Examples
    --------
    >>> overlap_facts(np.array([10, 10]), np.array([10, 6]), 1, 0)
    {'objects': 2, 'overlap_percent': 25.0, 'covered_objects': 1, 'hidden_objects': 0, 'most_covered': [[2, 10, 6]]}
    """
    below_px2 = areas_px2 - visible_px2
    worst = [int(n) for n in np.argsort(-below_px2, kind="stable")[:_SHOWN] if below_px2[n] > 0]
    return {
        "objects": len(areas_px2),
        "overlap_percent": round(100 * float(below_px2.sum()) / max(int(visible_px2.sum()), 1), 3),
        "covered_objects": covered,
        "hidden_objects": hidden,
        "most_covered": [[n + 1, int(areas_px2[n]), int(visible_px2[n])] for n in worst],
    }
