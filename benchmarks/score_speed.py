"""Time of the scores of labels, against stardist.matching on the same label images in the same run.

Run: python benchmarks/score_speed.py [--sides 512,1024]. Time of the processor, on one thread.
"""

import argparse
import time

import numpy as np
from scipy.spatial import cKDTree

from inspect_tool.training.metrics import THRESHOLDS, boundary_match, class_overlaps, matches, object_pairs

GRAIN_PX2 = 700.0


def cells(side, at):
    grid = np.stack(np.mgrid[:side, :side], axis=-1).reshape(-1, 2)
    return (cKDTree(at).query(grid)[1] + 1).astype(np.int32).reshape(side, side)


def timed(work):
    start = time.process_time()
    found = work()
    return time.process_time() - start, found


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sides", default="512,1024")
    sides = [int(part) for part in parser.parse_args().sides.split(",")]
    from stardist.matching import matching

    rng = np.random.default_rng(0)
    print("side px | grains | objects s | stardist s | ratio | boundaries s | classes s")
    for side in sides:
        at = rng.uniform(0, side, (int(side**2 / GRAIN_PX2), 2))
        truth, predicted = cells(side, at), cells(side, at + rng.normal(0, 2, at.shape))
        matching(truth[:64, :64], predicted[:64, :64])  # compiled on its first use
        ours, found = timed(lambda t=truth, p=predicted: matches(object_pairs(t, p), THRESHOLDS))
        theirs, stated = timed(lambda t=truth, p=predicted: matching(t, p, thresh=THRESHOLDS))
        assert [found[level].tp for level in THRESHOLDS] == [item.tp for item in stated]
        lines, _ = timed(lambda t=truth, p=predicted: boundary_match(t, p))
        classes, _ = timed(lambda t=truth, p=predicted: class_overlaps(t % 3, p % 3, 3))
        figures = f"{ours:9.3f} | {theirs:10.2f} | {ours / theirs:.4f} | {lines:12.2f} | {classes:.3f}"
        print(f"{side:7d} | {len(at):6d} | {figures}")


if __name__ == "__main__":
    main()
