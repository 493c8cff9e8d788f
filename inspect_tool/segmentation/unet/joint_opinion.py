"""The gray levels of a pad as a second opinion on the voids that a network sees in it.

A network answers with the same assurance on a pad of a kind that it never saw. Solder and void of a thin layer are two
gray levels on one smooth surface; where these draw other voids than the network did, or a third level lies over the pad
(a chip, a trace, a lead frame), or the network takes part of a given pad for board, its voids are not known.
"""

import cv2
import numpy as np

from inspect_tool.model import LabelImage, Mask
from inspect_tool.segmentation.joints.levels import APART, in_dispute, two_levels
from inspect_tool.segmentation.joints.regions import Gray, Levels, boxes, grown, is_disc, smoothed

_UNSURE = 0.05  # share of a pad that is in dispute, at a third level, or taken for board
_DEGREE = 4  # of the surface of the solder
_OUTLINE = np.ones((5, 5), np.uint8)  # a disagreement as thin as the blur of an outline is none
_BLUR_PX = 0.8
_LEAST_PX = 30


def unsure_joints(image: Levels, labels: LabelImage, objects: LabelImage, as_board: Mask) -> int:
    """Count the joints whose voids the network may have missed, or seen where there are none.

    Parameters
    ----------
    image : Levels
        Gray values of 0 to 255, solder dark.
    labels, objects : int32 array (rows, columns)
        0 background, 1 joint, 2 void, 3 via; number of the joint. Balls have no two levels: of them only what is taken
        for board counts.
    as_board : boolean array (rows, columns)
        Solder of given joints that the network takes for the board beside them.
    """
    count = 0
    for number, tight in boxes(objects):
        box = grown(tight, 8, image.shape)
        joint = objects[box] == number
        core = cv2.erode(joint.astype(np.uint8), _OUTLINE, borderValue=0) > 0
        if np.count_nonzero(core) < _LEAST_PX:
            continue
        least = _UNSURE * np.count_nonzero(joint)
        unseen = cv2.morphologyEx((as_board[box] & joint).astype(np.uint8), cv2.MORPH_OPEN, _OUTLINE, borderValue=0)
        count += np.count_nonzero(unseen) > least or (
            not is_disc(joint) and _levels_differ(smoothed(image[box], _BLUR_PX), core, labels[box] > 1, least)
        )
    return count


def _levels_differ(gray: Gray, core: Mask, void: Mask, least: float) -> bool:
    """Whether two gray levels dispute more than so many pixels of the voids of a pad, or leave as many unexplained."""
    levels = two_levels(gray, core, _DEGREE)
    if levels is None or levels.step < APART * levels.spread:
        return False  # its gray values gather about no two levels that could tell
    disputed = np.count_nonzero(in_dispute(levels, void) & core)
    return disputed > least or levels.third * np.count_nonzero(core) > least
