"""What reading costs: the scale alone, without a pixel, against the whole image; one file of every format.

    python benchmarks/reading.py            # 10 Mpx
    python benchmarks/reading.py --rows 1000

Prints a table: size of the file, time of ``readers.scale``, time of ``readers.read``, their ratio. A reader that
decoded pixels to tell the scale would show a ratio near 1. Times are the least of several runs, with the file in the
cache.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import tifffile
from PIL import Image

from inspect_tool.images import readers

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))


def write_all(folder: Path, pixels: np.ndarray) -> dict[str, Path]:
    from reader_examples import WRITERS

    made = {}
    for name, suffix in (
        *(
            ("tiff", ".ome.tif"),
            ("plain", ".png"),
            ("dicom", ".dcm"),
            ("czi", ".czi"),
            ("lif", ".lif"),
            ("nd2", ".nd2"),
        ),
        ("ome_zarr", ".ome.zarr"),
    ):
        made[name] = folder / f"field{suffix}"
        options = {"chunks": (1, 1024, 1024)} if name == "ome_zarr" else {}
        WRITERS[name][0](made[name], pixels[None], 0.25, 0.25, **options)
    made["tiff, deflate"] = folder / "deflate.tif"
    tifffile.imwrite(made["tiff, deflate"], pixels, compression="zlib", resolution=(40000, 40000), resolutionunit=3)
    made["jpeg"] = folder / "field.jpg"
    Image.fromarray((pixels >> 4).astype(np.uint8)).save(made["jpeg"], quality=90)
    return made


def least(function, path: Path, runs: int) -> float:
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        function(path)
        times.append(time.perf_counter() - start)
    return min(times)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=2740)
    parser.add_argument("--runs", type=int, default=5)
    arguments = parser.parse_args()
    rows, columns = arguments.rows, arguments.rows * 4 // 3
    rng = np.random.default_rng(0)
    smooth = np.add.outer(np.sin(np.arange(rows) / 40), np.cos(np.arange(columns) / 60))
    pixels = np.clip(2048 + 800 * smooth + rng.normal(0, 60, smooth.shape), 1, 4095).astype(np.uint16)
    print(f"{rows} x {columns} px, 12 of 16 bit, least of {arguments.runs} runs\n")
    print("| format | file [MB] | scale [ms] | image [ms] | scale / image |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for name, path in write_all(Path(folder), pixels).items():
            size = sum(item.stat().st_size for item in path.rglob("*") if item.is_file()) or path.stat().st_size
            readers.scale(path), readers.read(path)  # imports
            scale_s, read_s = (least(function, path, arguments.runs) for function in (readers.scale, readers.read))
            ratio = f"{scale_s / read_s:.3f}"
            print(f"| {name} | {size / 1e6:.1f} | {1e3 * scale_s:.1f} | {1e3 * read_s:.0f} | {ratio} |", flush=True)


if __name__ == "__main__":
    main()
