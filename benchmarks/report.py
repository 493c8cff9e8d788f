"""Time of writing HTML and PDF for ten 1-Mpx fields, against the time of their segmentation in the same run.

    python benchmarks/report.py

Wanted: writing at most the time of the segmentation plus 3 s.
"""

import tempfile
import time
from pathlib import Path

import tifffile

from inspect_tool import registry, synthetic
from inspect_tool.inspection import job_run

JOB = """
recipe = "{recipe}"
images = ["field_*.tif"]
[calibration]
pixel_um = 0.5
u_rel = 0.004
source = "stage micrometer"
"""
MAKE = {
    "grain_size": lambda seed: synthetic.grains(seed=seed, grain_size_number=8, shape_px=(1000, 1000), pixel_um=0.5),
    "porosity": lambda seed: synthetic.pores(
        seed=seed, porosity_percent=3.0, mean_ecd_um=12.0, shape_px=(1000, 1000), pixel_um=0.5
    ),
}


def main() -> None:
    for name in ("html", "pdf"):  # the import of a library is not the writing of a report
        registry.load("exporter", name)
    for recipe, make in MAKE.items():
        with tempfile.TemporaryDirectory() as folder_name:
            folder = Path(folder_name)
            for i in range(10):
                tifffile.imwrite(folder / f"field_{i}.tif", make(i).pixels)
            (folder / "job.toml").write_text(JOB.format(recipe=recipe))
            marks: dict[str, float] = {}

            def tell(_done: int, _total: int, text: str, marks: dict[str, float] = marks) -> None:
                marks[text] = time.perf_counter()

            start = time.perf_counter()
            report = job_run.run(folder / "job.toml", folder / "out", progress=tell)
            segmentation = sum(record.segmentation["seconds"] for record in report.micrographs)
            writing = marks["done"] - marks["HTML"]
            size = (folder / "out" / "job" / "report.html").stat().st_size / 1e6
            print(
                f"{recipe:<12} segmentation {segmentation:5.1f} s, HTML + PDF {writing:5.1f} s "
                f"(ratio to segmentation + 3 s: {writing / (segmentation + 3):.2f}, wanted at most 1), "
                f"whole run {marks['done'] - start:5.1f} s, HTML {size:.1f} MB"
            )


if __name__ == "__main__":
    main()
