"""Mounting material at the edge of a picture, which is no specimen."""

from math import ceil, pi

import cv2
import numpy as np

from inspect_tool.measure.boundaries import otsu
from inspect_tool.measure.flooding import strips
from inspect_tool.model import GrayImage, Mask
from inspect_tool.pixels.reduced import area_mean, nearest, nearest_places
from inspect_tool.pixels.stored import zeros_like

MOUNT_BORDER = 1.2  # longest border of a mount over its length along the image edge: 0.8 round a disc, 0.5 of a strip


def mount_mask(gray: GrayImage, roi: Mask) -> Mask | None:
    """Dark mounting material at the image edge, with what lies enclosed in it (scale bar, text).

    Taken only where it is beyond doubt: the image falls into two gray levels that differ by more than four
    times the spread inside the dark one, and the dark part touches the edge of the image along at least a tenth
    of its circumference, holds at least 3 % of it, and borders on the specimen along an even line: dark grains that
    hang together between bright boundaries touch the edge as well, but have a far longer border. Large images are
    looked at on a smaller picture.
    """
    shrink = max(1, max(gray.shape) // 1000)
    size = (ceil(gray.shape[1] / shrink), ceil(gray.shape[0] / shrink))
    smooth = area_mean(gray, size).astype(np.float32)
    sigma = max(2.0, max(gray.shape) / 200) / shrink
    smooth = np.asarray(cv2.GaussianBlur(smooth, (0, 0), sigma), np.float32)
    sample, counts = nearest(gray, size), nearest(roi, size)
    if not counts.any():
        return None
    level = otsu(smooth[counts])
    dark = (smooth <= level) & counts
    if not dark.any() or dark.all():
        return None
    _, parts, stats, _ = cv2.connectedComponentsWithStats(dark.astype(np.uint8), connectivity=4)
    edge = np.concatenate([parts[0], parts[-1], parts[:, 0], parts[:, -1]])
    touching_edge = np.bincount(edge, minlength=len(stats))
    keep = (touching_edge >= 0.1 * len(edge)) & (stats[:, cv2.CC_STAT_AREA] >= 0.03 * dark.size)
    keep[0] = False
    mount = keep[parts]
    border = np.count_nonzero(mount[:, 1:] != mount[:, :-1]) + np.count_nonzero(mount[1:] != mount[:-1])
    if not mount.any() or pi / 4 * border > MOUNT_BORDER * np.count_nonzero(keep[edge]):
        return None
    values = sample[mount].astype(np.float32)
    spread = 1.4826 * float(np.median(np.abs(values - np.median(values))))
    if not float(np.median(sample[counts & ~mount])) - float(np.median(values)) > 4 * max(spread, 1e-6):
        return None
    # small bright islands in the mount (bar, text, scratches) are no specimen
    _, islands, stats, _ = cv2.connectedComponentsWithStats((counts & ~mount).astype(np.uint8), connectivity=4)
    small = stats[:, cv2.CC_STAT_AREA] < 0.1 * stats[1:, cv2.CC_STAT_AREA].max()
    small[0] = False
    mount |= small[islands]
    radius = round(sigma)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    wide = cv2.dilate(mount.astype(np.uint8), kernel)
    row, column = nearest_places(wide.shape, (gray.shape[1], gray.shape[0]))
    found: Mask = zeros_like(roi, np.bool_)
    for rows in strips(roi.shape):
        found[rows] = (wide[row[rows]][:, column] > 0) & roi[rows]
    return found
