"""Speed and memory of the networks, as ratios measured in one run.

python benchmarks/networks.py start                 processor time of a new process until its first tile is predicted
python benchmarks/networks.py engines               ways to run the shipped grain-boundary network on 1 Mpx
python benchmarks/networks.py grains [SECONDS]      grain labels of 1 Mpx end to end; SECONDS: what
                                                    benchmarks/cellpose_sam_time.py printed for 1 Mpx
python benchmarks/networks.py sizes [MPX ...]       time and peak memory against the size of the image
python benchmarks/networks.py tiles                 the measurand at tiles of 256, 512 and 1024 px
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from statistics import median

import numpy as np
from numpy.typing import NDArray

ROUNDS = 5
_FIRST_TILE = """
import sys
import numpy as np
if sys.argv[1] != "numpy":
    from inspect_tool.segmentation import unet
    model = unet.load(unet.Settings(engine=sys.argv[1], device="cpu"))
    model.predictor.run(np.zeros((1, 3, 256, 256), np.float32))
"""


def timed(work: Callable[[], object], rounds: int = ROUNDS, clock: Callable[[], float] = time.perf_counter) -> float:
    work()
    times = []
    for _ in range(rounds):
        start = clock()
        work()
        times.append(clock() - start)
    return median(times)


def start() -> None:
    plain = _plain_torch(time.process_time)
    print(f"{'1 Mpx in torch as it comes (fp32)':<44}{plain:6.2f} s")
    nothing = 0.0
    for engine in ("numpy", "openvino", "torch"):
        command = [sys.executable, "-c", _FIRST_TILE, engine]
        spent = timed(lambda command=command: subprocess.run(command, check=True), clock=_processor_of_children)
        nothing = nothing or spent
        said = "new process, numpy imported" if engine == "numpy" else f"and the first tile by {engine}"
        print(f"{said:<44}{spent:6.2f} s   {(spent - nothing) / plain:.2f} x one inference of 1 Mpx", flush=True)


def _processor_of_children() -> float:
    spent = os.times()
    return spent.children_user + spent.children_system


def _plain_torch(clock: Callable[[], float] = time.perf_counter) -> float:
    """Time of the grain-boundary network on 1 Mpx in torch as it comes."""
    return timed(one_inference(), clock=clock)


def one_inference() -> Callable[[], object]:
    """The grain-boundary network on 1 Mpx in torch as it comes, ready to be called."""
    import torch

    from inspect_tool.segmentation.networks.torch_network import TorchNetwork
    from inspect_tool.segmentation.networks.unet import UNet
    from inspect_tool.segmentation.networks.weights import fitted, load_weights, shipped

    folder = shipped("grain_boundary")
    card, weights = load_weights(folder)
    module = fitted(TorchNetwork(UNet(**card.network)), weights, folder)
    image = torch.from_numpy(_megapixel())
    return torch.inference_mode()(lambda: module(image))


def _megapixel() -> NDArray[np.float32]:
    return np.random.default_rng(0).random((1, 3, 1024, 1024), dtype=np.float32)


def engines() -> None:
    import torch

    from inspect_tool.segmentation.networks import runtime
    from inspect_tool.segmentation.networks.unet import UNet
    from inspect_tool.segmentation.networks.weights import load_weights, shipped

    folder = shipped("grain_boundary")
    card, weights = load_weights(folder)
    image = _megapixel()
    tiles = [
        np.ascontiguousarray(image[:, :, row : row + 512, column : column + 512])
        for row in (0, 512)
        for column in (0, 512)
    ]
    plain = _plain_torch()
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, 1 Mpx")
    print(f"{'same network, torch as it comes (fp32)':<44}{plain:6.2f} s")
    for engine, wanted in (("torch", 0.3), ("openvino", 0.15)):
        made = runtime.predictor(UNet(**card.network), weights, folder, engine=engine, device="cpu")
        spent = timed(lambda made=made: [made.run(tile) for tile in tiles])
        print(
            f"{f'ours, {made.engine} {made.precision}':<44}{spent:6.2f} s   {spent / plain:.2f} x (wanted: at most "
            f"{wanted} x); largest difference of a probability {made.difference:.4f}"
        )


def grains(sam_seconds: float | None) -> None:
    from inspect_tool import synthetic
    from inspect_tool.model import Calibration, Micrograph
    from inspect_tool.segmentation import unet

    field = synthetic.grains(seed=2, grain_size_number=8, shape_px=(1024, 1024))
    pixels = synthetic.degrade(field.pixels, 2, seed=2)
    image = Micrograph(pixels=pixels, calibration=Calibration(pixel_um=field.pixel_um), path="field.tif")
    settings = unet.Settings(model="grain_boundary")
    model = unet.load(settings)
    spent = timed(lambda: unet.segment(model, image, settings))
    found = unet.segment(model, image, settings)
    print(f"grain labels of 1 Mpx, {found.labels.max()} grains, {found.settings['engine']}: {spent:.2f} s")
    if sam_seconds is not None:
        print(f"Cellpose-SAM, network alone: {sam_seconds:.0f} s, {sam_seconds / spent:.0f} x (wanted: at least 100 x)")


_ONE_SIZE = """
import resource, sys, time
import numpy as np
from inspect_tool import synthetic
from inspect_tool.segmentation import unet
from inspect_tool.model import Calibration, Micrograph
side, model = int(sys.argv[1]), sys.argv[2]
small = synthetic.two_phase(seed=1, area_percent=30.0, feature_um=12.0, shape_px=(1000, 1000)).pixels
pixels = np.empty((side, side), np.uint8)
for row in range(0, side, 1000):
    for column in range(0, side, 1000):
        part = pixels[row : row + 1000, column : column + 1000]
        part[:] = small[: part.shape[0], : part.shape[1]]
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
settings = unet.Settings(model=model)
loaded = unet.load(settings)
image = Micrograph(pixels=pixels, calibration=Calibration(), path="large.tif")
before, start = peak(), time.perf_counter()
found = unet.segment(loaded, image, settings)
print(time.perf_counter() - start, peak(), before, pixels.nbytes / 2**20, found.coverage)
"""


def sizes(megapixels: list[float]) -> None:
    print("model superalloy (classes); peak: resident memory of the process above the image itself")
    for mpx in megapixels:
        side = round(1000 * mpx**0.5)
        done = subprocess.run(
            [sys.executable, "-c", _ONE_SIZE, str(side), "superalloy"], capture_output=True, text=True, check=True
        )
        seconds, peak, _, image, coverage = (float(value) for value in done.stdout.split())
        print(
            f"{side:>6} x {side:<6} px {seconds:8.2f} s {1e6 * seconds / side**2:6.2f} s/Mpx   "
            f"{peak - image:6.0f} MiB   every pixel predicted: {coverage == 1}",
            flush=True,
        )


def tiles() -> None:
    from inspect_tool import measure_fields, synthetic
    from inspect_tool.model import Calibration, Micrograph
    from inspect_tool.segmentation import unet

    field = synthetic.grains(seed=7, grain_size_number=8, shape_px=(1500, 2000))
    image = Micrograph(
        pixels=synthetic.degrade(field.pixels, 2, seed=7),
        calibration=Calibration(pixel_um=field.pixel_um, source="synthetic"),
        path="field.tif",
    )
    phases = synthetic.two_phase(seed=7, area_percent=35.0, feature_um=12.0, shape_px=(1500, 2000))
    second = Micrograph(
        pixels=synthetic.degrade(phases.pixels, 2, seed=7), calibration=Calibration(pixel_um=0.5), path="phases.tif"
    )
    for tile_px in (256, 512, 1024):
        settings = unet.Settings(model="grain_boundary", tile_px=tile_px)
        labels = unet.segment(unet.load(settings), image, settings)
        results = {result.quantity: result.value for result in measure_fields("grain_size", [image], [labels]).results}
        settings = unet.Settings(model="superalloy", tile_px=tile_px)
        share = 100 * np.mean(unet.segment(unet.load(settings), second, settings).labels > 0)
        print(
            f"tile {tile_px:>4} px: G intercept {results['grain_size_number.intercept']:.4f}, "
            f"planimetric {results['grain_size_number.planimetric']:.4f}, precipitates {share:.4f} %"
        )


def precision() -> None:
    from collections.abc import Mapping

    from inspect_tool import measure_fields, synthetic
    from inspect_tool.model import Calibration, Micrograph, Segmentation
    from inspect_tool.segmentation import unet

    def intercept_g(image: Micrograph, found: Segmentation) -> float:
        results = measure_fields("grain_size", [image], [found]).results
        return next(result.value for result in results if result.quantity == "grain_size_number.intercept")

    def area(_: Micrograph, found: Segmentation) -> float:
        return 100 * float(np.mean(found.labels > 0))

    def voids(_: Micrograph, found: Segmentation) -> float:
        return 100 * np.count_nonzero(found.labels == 2) / np.count_nonzero(found.labels)

    shape = (600, 700)
    studies = {
        "grain_boundary": (lambda s: synthetic.grains(seed=s, grain_size_number=8.5, shape_px=shape), intercept_g, "G"),
        "pores": (
            lambda s: synthetic.pores(seed=s, porosity_percent=5, mean_ecd_um=14, shape_px=shape),
            area,
            "points",
        ),
        "superalloy": (
            lambda s: synthetic.two_phase(seed=s, area_percent=40, feature_um=10, shape_px=shape),
            area,
            "points",
        ),
        "solder_voids": (lambda s: synthetic.solder_balls(seed=s, rows=3, columns=4), voids, "points"),
    }
    ways: tuple[Mapping[str, str], ...] = tuple(
        {"engine": engine, "precision": chosen} for engine in ("torch", "openvino") for chosen in ("fp32", "bf16")
    )
    for model, (draw, measurand, unit) in studies.items():
        images = []
        for k in range(8):
            field = draw(9000 + k)
            modality = "xray" if model == "solder_voids" else "optical"
            pixels = synthetic.degrade(field.pixels, 1 + k % 3, seed=k, modality=modality)
            calibration = Calibration(pixel_um=field.pixel_um, source="synthetic")
            images.append(Micrograph(pixels=pixels, calibration=calibration, path="field.tif"))
        reference = None
        for way in ways:
            settings = unet.Settings(model=model, **way)
            loaded = unet.load(settings)
            values = np.array([measurand(image, unet.segment(loaded, image, settings)) for image in images])
            reference = values if reference is None else reference
            print(
                f"{model:<15}{way['engine']:<9}{way['precision']}  largest difference in 8 fields "
                f"{np.abs(values - reference).max():.4f} {unit}, of a probability {loaded.predictor.difference:.4f}"
            )


def main() -> None:
    match sys.argv[1:]:
        case ["start"]:
            start()
        case ["engines"]:
            engines()
        case ["grains", *seconds]:
            grains(float(seconds[0]) if seconds else None)
        case ["sizes", *megapixels]:
            sizes([float(value) for value in megapixels] or [1, 4, 16, 64])
        case ["tiles"]:
            tiles()
        case ["precision"]:
            precision()
        case _:
            print(__doc__)


if __name__ == "__main__":
    main()
