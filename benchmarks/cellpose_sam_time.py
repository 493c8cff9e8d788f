"""Time of Cellpose-SAM's network alone on this CPU, random weights: one tile, times the tiles of an image.

Runs in the environment that `.ci/cellpose4` makes. The tiles of an image are counted as Cellpose's own tiling counts
them (``cellpose.core.run_net``, overlap of 10 %); making and blending them is not in the figure.
"""

import argparse
from importlib.metadata import version
from math import ceil
from statistics import median
from time import perf_counter

import torch
from cellpose import vit

TILE_PX = 256
OVERLAP = 0.1


def tiles(side_px: int) -> int:
    """Tiles of a square image."""
    return max(1, ceil((1 + 2 * OVERLAP) * side_px / TILE_PX)) ** 2 if side_px > TILE_PX else 1


def seconds_per_tile(precision: torch.dtype, repeats: int) -> float:
    """Median over repeats, after one tile that is not counted."""
    torch.manual_seed(0)
    network = vit.CPSAM().eval()
    network.dtype = precision
    image = torch.rand(1, 3, TILE_PX, TILE_PX).to(precision)
    found = []
    with torch.inference_mode():
        for _ in range(repeats + 1):
            start = perf_counter()
            network(image)
            found.append(perf_counter() - start)
    return median(found[1:])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--side", type=int, default=1024, help="side of the image [px]")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=0, help="0: as torch chooses")
    given = parser.parse_args()
    if given.threads:
        torch.set_num_threads(given.threads)
    count = tiles(given.side)
    print(f"cellpose {version('cellpose')}, torch {torch.__version__}, {torch.get_num_threads()} threads")
    for name, precision in (("bf16", torch.bfloat16), ("fp32", torch.float32)):
        one = seconds_per_tile(precision, given.repeats)
        print(f"{name}: {one:.2f} s per tile, {count} tiles, {one * count:.0f} s for {given.side} x {given.side} px")


if __name__ == "__main__":
    main()
