"""Peak memory of a whole run against the size of the largest image, each recipe in a process of its own.

    python benchmarks/memory.py [megapixels [recipe ...]]

Wanted: at most 400 MB + 12 bytes for each pixel of the largest image.

The images are one of 1 Mpx, tiled, so that the number of objects grows with the pixels: 10 700 pores or
13 000 particles in both fields at 25 Mpx. Their tables and the report stay below the peak, which lies in
the segmentation.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

JOB = """
recipe = "{recipe}"
images = ["field_*.tif"]
[calibration]
pixel_um = {pixel_um}
u_rel = 0.004
source = "stage micrometer"
"""


def make_images(recipe: str, folder: Path, side: int) -> float:
    import numpy as np
    import tifffile

    from inspect_tool import synthetic

    small = {
        "grain_size": lambda: synthetic.grains(seed=1, grain_size_number=8, shape_px=(1000, 1000)),
        "phase_fraction": lambda: synthetic.two_phase(
            seed=1, area_percent=30.0, feature_um=12.0, shape_px=(1000, 1000)
        ),
        "porosity": lambda: synthetic.pores(seed=1, porosity_percent=3.0, mean_ecd_um=12.0, shape_px=(1000, 1000)),
        "solder_voids": lambda: synthetic.solder_balls(seed=1, rows=6, columns=6),
    }[recipe]()
    rows, columns = small.pixels.shape
    tiles = (-(-side // rows), -(-side // columns))
    for i in range(2):  # two fields: memory must not grow with their number
        mirrored = small.pixels[:, ::-1] if i else small.pixels
        tifffile.imwrite(folder / f"field_{i}.tif", np.tile(mirrored, tiles)[:side, :side], compression="zlib")
    return float(small.pixel_um)


def main() -> None:
    side = round(float(sys.argv[1] if len(sys.argv) > 1 else 25) ** 0.5 * 1000)
    allowed = 400 + 12 * side * side / 1e6
    for recipe in sys.argv[2:] or ("grain_size", "phase_fraction", "porosity", "solder_voids"):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            pixel_um = make_images(recipe, folder, side)
            (folder / "job.toml").write_text(JOB.format(recipe=recipe, pixel_um=pixel_um))
            code = "import sys, inspect_tool.cli as cli; sys.argv = sys.argv[1:]; cli.main()"
            command = [
                sys.executable,
                "-c",
                code,
                "inspect-tool",
                "run",
                str(folder / "job.toml"),
                "--out",
                str(folder),
            ]
            probe = (
                "import resource, subprocess, sys; "
                "done = subprocess.run(sys.argv[1:], capture_output=True, text=True); "
                "print(done.returncode, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024); "
                "print(done.stderr, file=sys.stderr)"
            )
            done = subprocess.run([sys.executable, "-c", probe, *command], capture_output=True, text=True, check=True)
            status, peak = done.stdout.split()
            verdict = f"{float(peak):6.0f} MB, wanted at most {allowed:.0f} MB" if status == "0" else done.stderr[-300:]
            print(f"{recipe:<15} {side} x {side} px, 2 fields: {verdict}", flush=True)


if __name__ == "__main__":
    main()
