"""Make ``docs/gauge_example.csv``: six drawn specimens, three operators with a microscope each, two trials.

Every trial takes new fields of its specimen, so that where the fields lie is part of repeatability, as in a laboratory.
Run from the repository root: ``python benchmarks/make_gauge_example.py``; about a minute.
"""

import tempfile
from pathlib import Path

import tifffile

from inspect_tool import synthetic
from inspect_tool.studies.gauge.gauge import gauge
from inspect_tool.synthetic import Degradation

AREA_PERCENT = (8.0, 10.5, 13.0, 15.5, 18.0, 21.0)
FIELDS = 3
OPERATORS = {
    "Ann": Degradation(blur_px=0.8, electrons=9000),
    "Ben": Degradation(blur_px=1.6, electrons=6000, shading=0.05),
    "Cem": Degradation(blur_px=1.0, electrons=3000, contrast=0.8),
}


def write_job(folder: Path, operator: str, trial: int) -> Path:
    specimens = []
    for i, percent in enumerate(AREA_PERCENT, start=1):
        for field in range(FIELDS):
            seed = 10_000 * i + 1000 * list(OPERATORS).index(operator) + 10 * trial + field
            drawn = synthetic.two_phase(seed=seed, area_percent=percent, feature_um=6.0, shape_px=(320, 400))
            pixels = synthetic.degrade(drawn.pixels, OPERATORS[operator], seed=seed)
            tifffile.imwrite(folder / f"{operator}_{trial}_S{i}_{field}.tif", pixels)
        specimens.append(f'[[specimens]]\nid = "S{i}"\nimages = ["{operator}_{trial}_S{i}_*.tif"]\n')
    path = folder / f"{operator}_{trial}.toml"
    path.write_text(
        f'recipe = "phase_fraction"\n[header]\noperator = "{operator}"\n[calibration]\npixel_um = 0.5\n'
        f'source = "drawn"\n[backend]\nname = "threshold"\nphase = "dark"\n{"".join(specimens)}',
        encoding="utf-8",
    )
    return path


def main() -> None:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        jobs = [write_job(folder, operator, trial) for operator in OPERATORS for trial in (1, 2)]
        found, _ = gauge(
            jobs,
            folder / "out",
            {"quantity": "area_percent.dark"},
            progress=lambda done, total, text: print(f"{done}/{total} {text}", flush=True),
        )
    rows = [
        f"{item.part},{item.appraiser},{item.trial},{item.value:.2f},%,{' '.join(item.images)}\n"
        for item in found.observations
    ]
    Path("docs/gauge_example.csv").write_text(
        "part,appraiser,trial,value,unit,image_sha256\n" + "".join(rows), encoding="utf-8"
    )
    print(found.variations[0])


if __name__ == "__main__":
    main()
