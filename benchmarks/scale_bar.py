"""What finding a scale bar costs, as a ratio to decoding the same image in the same run: 10 Mpx TIFF, PNG and JPEG.

Processor time, so that what else runs on the machine does not count.

OMP_NUM_THREADS=1 python benchmarks/scale_bar.py
"""

import tempfile
import time
from pathlib import Path

import cv2
import numpy as np
import tifffile

from inspect_tool import synthetic
from inspect_tool.images.readers import read
from inspect_tool.scale.bar import find_footer, label, read_bar
from inspect_tool.scale.bar.finding import find_bars

SHAPE = (2736, 3648)  # 10 Mpx


def best(work, rounds=5):
    """Least processor time of several, over all threads, and the last answer."""
    times = []
    for _ in range(rounds):
        start = time.process_time()
        answer = work()
        times.append(time.process_time() - start)
    return min(times), answer


def main():
    field = synthetic.two_phase(seed=1, area_percent=30, feature_um=15, shape_px=SHAPE)
    pixels = synthetic.degrade(field.pixels, 1, seed=1)
    style = {"line_px": 6, "tick_px": 3, "tick_tall_px": 40, "text_px": 70, "footer_px": 200}
    burned = synthetic.scale_bar(pixels, pixel_um=0.25, length=200, **style).pixels
    color = np.repeat(burned[:, :, None], 3, axis=2)
    color[: SHAPE[0] // 2, :, 2] //= 2
    with tempfile.TemporaryDirectory() as folder:
        files = {name: Path(folder) / name for name in ("gray.tif", "gray.png", "gray.jpg", "color.jpg", "plain.png")}
        tifffile.imwrite(files["gray.tif"], burned, compression="zlib")
        cv2.imwrite(str(files["gray.png"]), burned)
        cv2.imwrite(str(files["gray.jpg"]), burned, [cv2.IMWRITE_JPEG_QUALITY, 92])
        cv2.imwrite(str(files["color.jpg"]), color[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, 92])
        cv2.imwrite(str(files["plain.png"]), pixels)
        print(f"{SHAPE[0] * SHAPE[1] / 1e6:.1f} Mpx     decoding   finding  ratio   with its label read  ratio")
        for name, path in files.items():
            decoding, image = best(lambda path=path: read(path))

            def find(image=image):
                return find_bars(image.pixels, image.color, find_footer(image.pixels, image.color))

            finding, bars = best(find)
            line = f"{name:10} {decoding:8.3f} s {finding:7.3f} s {finding / decoding:6.2f}"
            if label.installed():
                read_bar(image.pixels, image.color)  # loads the reader once
                reading, found = best(lambda image=image: read_bar(image.pixels, image.color), 3)
                line += f"   {reading:8.3f} s          {reading / decoding:6.2f}   {found.status} {found.label}"
            print(line, f"({len(bars)} found)")


if __name__ == "__main__":
    main()
