"""Distances of pixels against those of another program, and where the image lies in memory."""

import numpy as np
from scipy.ndimage import distance_transform_edt

from inspect_tool.pixels.distances import distances


def test_distances_are_the_exact_ones_wherever_the_image_lies_in_memory():
    rows, columns = np.indices((700, 220))
    inside = (rows < 35 + 0.15 * columns) | (rows > 80 + 0.13 * columns)
    exact = distance_transform_edt(inside).astype(np.float32)
    for shift in range(40):
        place = np.zeros(inside.size + 64, bool)[shift : shift + inside.size].reshape(inside.shape)
        place[:] = inside
        assert np.array_equal(distances(place), exact)
