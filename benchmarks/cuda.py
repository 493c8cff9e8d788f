"""What a GPU changes, in units of the measurand, and what happens when its memory is full; needs a CUDA device.

python benchmarks/cuda.py

Drawn fields of known truth, the shipped networks: the CPU in single precision against the device as `device = "auto"`
takes it, in one run. A pair of runs on the device must give the same labels. Then all but a part of the device's
memory is taken away, and the same field must come out.
"""

import sys
import time

import numpy as np

from inspect_tool import synthetic
from inspect_tool.inspection import notebook
from inspect_tool.model import Calibration, Micrograph, Segmentation
from inspect_tool.segmentation import unet

SIDE = 2000
CASES = {
    "grain_boundary": ("grain_size", "grain_size_number.intercept", "G"),
    "pores": ("porosity", "porosity_percent", "%"),
}


def field(model: str, seed: int) -> Micrograph:
    if model == "grain_boundary":
        drawn = synthetic.grains(seed=seed, grain_size_number=8, shape_px=(SIDE, SIDE), pixel_um=0.5)
    else:
        drawn = synthetic.pores(seed=seed, porosity_percent=3, mean_ecd_um=12, shape_px=(SIDE, SIDE), pixel_um=0.5)
    scale = Calibration(pixel_um=0.5, u_rel=0.004, source="drawn")
    return Micrograph(pixels=drawn.pixels, calibration=scale, path=f"{model}_{seed}", field=seed)


def measured(model: str, image: Micrograph, segmentation: Segmentation) -> float:
    recipe, quantity, _ = CASES[model]
    findings = notebook.measure_fields(recipe, [image], [segmentation])
    return next(result.value for result in findings.results if result.quantity == quantity)


def main() -> None:
    import torch

    if not torch.cuda.is_available():
        sys.exit("no CUDA device")
    print(f"{torch.cuda.get_device_name()}, torch {torch.__version__}, {torch.get_num_threads()} CPU threads")
    print("model           field  CPU fp32  device  difference  repeated  predict: CPU / device")
    for model, (_, _, unit) in CASES.items():
        cpu = unet.Settings(model=model, device="cpu", engine="torch", precision="fp32")
        gpu = unet.Settings(model=model, device="cuda")
        there, here = unet.load(gpu), unet.load(cpu)
        print(f"# {model}: {there.predictor.described}")
        for seed in (1, 2, 3):
            image = field(model, seed)
            unet.segment(there, image, gpu)  # the first call chooses kernels
            seconds, made = [], []
            for network, settings in ((here, cpu), (there, gpu), (there, gpu)):
                start = time.perf_counter()
                made.append(unet.segment(network, image, settings))
                seconds.append(time.perf_counter() - start)
            one, other, again = made
            values = measured(model, image, one), measured(model, image, other)
            same = np.array_equal(other.labels, again.labels)
            print(
                f"{model:<16}{seed:>4}{values[0]:>10.4f}{values[1]:>10.4f} {values[1] - values[0]:>+9.5f} {unit}"
                f"  {'same' if same else 'OTHER'}  {seconds[0] / seconds[2]:.1f}"
            )
        if model == "grain_boundary":
            full(there, image, gpu, other)


def full(model: unet.Model, image: Micrograph, settings: unet.Settings, expected: Segmentation) -> None:
    """Segment with little device memory left: smaller tiles, then the CPU; the measurand must hardly move."""
    import torch

    for left_mb in (300, 60, 4):
        torch.cuda.empty_cache()
        free, _ = torch.cuda.mem_get_info()
        taken = torch.empty(max(0, free - left_mb * 2**20), dtype=torch.uint8, device="cuda")
        found = unet.segment(model, image, settings)
        name = "grain_boundary"
        apart = measured(name, image, found) - measured(name, image, expected)
        print(f"{left_mb} MB left: {found.settings.get('fallback', 'no fallback')}; difference {apart:+.5f} G")
        del taken


if __name__ == "__main__":
    main()
