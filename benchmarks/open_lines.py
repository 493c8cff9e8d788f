"""How much of the lines of traced grain boundaries ends freely: of such a mask G is not known.

    python benchmarks/open_lines.py

A line with a free end was drawn, and parts nothing: whoever counts crossings counts it, whoever counts grains does not.
Of every mask of boundaries: the middle line of what is drawn, its twigs shorter than the line is wide taken off; the
share of it that has one grain on both sides; by how many G the lines as drawn are finer than those that part grains.
"""

import cv2
import numpy as np
from _real_images import DATA, Mask, cases
from skimage.morphology import skeletonize

from inspect_tool.measure.flooding import numbered


def open_share(mask: Mask) -> float:
    """Share of the length of drawn lines that has one grain on both sides. [1]"""
    drawn = mask > 0
    inside = cv2.distanceTransform(drawn.astype(np.uint8), cv2.DIST_L2, 5)
    lines = skeletonize(drawn)
    lines = without_twigs(lines, round(2 * float(np.median(inside[lines]))))
    _, nearest = cv2.distanceTransformWithLabels(drawn.astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    grain_at = np.zeros(int(nearest.max()) + 1, np.float32)
    grain_at[nearest[~drawn]] = numbered(~drawn)[~drawn]
    grains = grain_at[nearest]
    around = np.ones((5, 5), np.uint8)
    parted = cv2.dilate(grains, around) != cv2.erode(grains, around)
    return float(np.count_nonzero(lines & ~parted) / np.count_nonzero(lines))


def without_twigs(lines: Mask, length_px: int) -> Mask:
    """Take so many pixels off every free end of lines one pixel wide."""
    left = lines.copy()
    for _ in range(length_px):
        beside = cv2.filter2D(left.astype(np.float32), -1, np.ones((3, 3), np.float32)) - left
        left &= beside > 1
    return left


def main() -> None:
    if not DATA.is_dir():
        print(f"{DATA}: not there; nothing to measure")
        return
    for case in cases():
        if case.recipe == "grain_size":
            share = open_share(case.truth())
            print(f"{case.source} {case.name}: {100 * share:.0f} % end freely, {-2 * np.log2(1 - share):.2f} G")


if __name__ == "__main__":
    main()
