"""How steep an image is, to the last digit the same wherever its pixels lie in memory."""

import numpy as np
from numpy.typing import NDArray


def magnitude(across: NDArray[np.float32], down: NDArray[np.float32]) -> NDArray[np.float32]:
    """Length of the gradient, √(across² + down²), element by element.

    ``cv2.magnitude`` rounds some pixels another way when the array it writes begins at another address: the level of a
    threshold then differs in its tenth digit from run to run, and a report with it.
    """
    total = across * across
    total += down * down
    np.sqrt(total, out=total)
    return total
