"""How well an object is outlined after 1, 3 and 5 clicks, on pictures that were not learned from.

    OMP_NUM_THREADS=1 nice python benchmarks/clicks.py [MODEL [OBJECTS]]

MODEL is a model of backend ``prompt`` (default: ``clicked_objects``), OBJECTS how many are clicked on in each set (60).
Somebody clicks in the middle of an object, then in the middle of the largest error, as in the literature. Sets: the
pictures of ampis-powder that were not learned from, emps-particles (never learned from), and drawn grains and bodies.
One line a set, the worst first: mean overlap (IoU) after each number of clicks, the share of objects that reach 0.8
after five, and the time a click takes.
"""

import sys
import time
from collections.abc import Sequence

import numpy as np
from _particle_scenes import LEARNED
from instances import Picture, pictures
from numpy.typing import NDArray

from inspect_tool import synthetic
from inspect_tool.model import Calibration, Micrograph
from inspect_tool.segmentation import prompt
from inspect_tool.segmentation.prompt.guidance import next_click
from inspect_tool.segmentation.prompt.patches import drawn
from inspect_tool.segmentation.prompt.prompts import Prompt

CLICKS = (1, 3, 5)
LEAST_PX2 = 80
ENOUGH = 0.8  # overlap of an object that is outlined
SEED = 77


def grains() -> list[Picture]:
    """Drawn grains of three looks, as a microscope shows them."""
    made = []
    for number, look in enumerate(("etched", "bright", "tinted")):
        field = synthetic.grains(seed=910 + number, grains_per_mm2=600.0, shape_px=(400, 500), pixel_um=1.0, look=look)
        pixels = np.asarray(synthetic.degrade(field.pixels, 2, seed=number), np.uint8)
        made.append(Picture(name=look, pixels=pixels, labels=np.asarray(field.labels, np.int32)))
    return made


def chosen(sets: Sequence[Picture], count: int) -> list[tuple[Picture, int]]:
    """Objects drawn by lot, as many from each picture."""
    rng = np.random.default_rng(SEED)
    each = max(1, count // len(sets))
    made = []
    for picture in sets:
        areas = np.bincount(picture.labels.ravel())
        areas[0] = 0
        there = np.flatnonzero(areas >= LEAST_PX2)
        made += [(picture, int(number)) for number in rng.permutation(there)[:each]]
    return made


def judged(model: prompt.Model, picture: Picture, numbers: Sequence[int]) -> tuple[NDArray[np.float64], float]:
    """Overlap of each object after each click, (objects, clicks), and seconds a click."""
    calibration = Calibration(source="ratio only")
    field = model.engine.field(Micrograph(pixels=picture.pixels, calibration=calibration, path=picture.name))
    shape = (picture.pixels.shape[0], picture.pixels.shape[1])
    made, spent = [], 0.0
    for number in numbers:
        truth = picture.labels == number
        found = np.zeros(shape, bool)
        asked, ious = Prompt(), []
        for _ in range(max(CLICKS)):
            click = next_click(truth, found)
            if click is not None:
                row, column, inside = click
                place = (float(row), float(column))
                asked = Prompt(
                    inside=(*asked.inside, place) if inside else asked.inside,
                    outside=asked.outside if inside else (*asked.outside, place),
                )
                start = time.perf_counter()
                area, mask = drawn(field.answer(asked), 0.5, shape)
                spent += time.perf_counter() - start
                found = np.zeros(shape, bool)
                found[area] = mask
            ious.append(np.count_nonzero(found & truth) / np.count_nonzero(found | truth))
        made.append(ious)
    return np.array(made), spent / (len(numbers) * max(CLICKS))


def main() -> None:
    name = sys.argv[1] if len(sys.argv) > 1 else "clicked_objects"
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 60
    model = prompt.load(prompt.Settings(model=name))
    sets = {
        "ampis-powder, not learned from": [one for one in pictures("ampis-powder") if not one.name.startswith(LEARNED)],
        "emps-particles": list(pictures("emps-particles")),
        "drawn bodies": list(pictures("drawn")),
        "drawn grains": grains(),
    }
    lines = []
    for title, some in sets.items():
        by_picture: dict[str, tuple[Picture, list[int]]] = {}
        for picture, number in chosen(some, count):
            by_picture.setdefault(picture.name, (picture, []))[1].append(number)
        parts = [judged(model, picture, numbers) for picture, numbers in by_picture.values()]
        ious = np.concatenate([part for part, _ in parts])
        after = ", ".join(f"{n}: {ious[:, n - 1].mean():.2f}" for n in CLICKS)
        reached = 100 * float((ious[:, -1] >= ENOUGH).mean())
        seconds = float(np.mean([spent for _, spent in parts]))
        line = (
            f"{title}, {len(ious)} objects: IoU after {after}; {reached:.0f} % reach {ENOUGH}; {seconds:.2f} s a click"
        )
        lines.append((float(ious[:, 0].mean()), line))
    for _, line in sorted(lines):
        print(line, flush=True)


if __name__ == "__main__":
    main()
