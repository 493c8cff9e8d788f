"""How often the limits of every size of particles hold the truth of the powder that was drawn.

    python benchmarks/particle_coverage.py [specimens]
    python benchmarks/particle_coverage.py modes [specimens]
    python benchmarks/particle_coverage.py looks FILE [specimens [first]]

Discs of lognormal diameters, not cut, are thrown into fields without touching, about 60 of them into 42 median
diameters squared, and their exact label images are measured by the recipe. Judged are the limits that chance leaves:
the line of half a pixel of outline, which exact labels do not need, would widen them. Prints a table for
docs/validation_particles.md. "modes": sizes by volume of powders that are no lognormal ones, by numbers without pixels,
with all particles in the model and with those of the mode that carries the volume. "looks": fields of powder as the
self-test draws them, one a specimen, by the default backend on pictures that are good, ordinary and poor by turns; all
that is stated, without an error on labeled images. The truth is that of the particles down to the least size that the
recipe counts, as its definitions say, and beside it that of the whole powder. FILE keeps one line per specimen, so that
a run goes on where the one before ended.
"""

import json
import sys
from collections.abc import Callable
from dataclasses import replace
from math import exp, pi, sqrt
from pathlib import Path
from typing import Any, TypeAlias
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from inspect_tool import registry, synthetic
from inspect_tool.files import checked
from inspect_tool.model import Calibration, Micrograph, Segmentation
from inspect_tool.recipes.particles import sampling
from inspect_tool.recipes.particles.results import sample_of
from inspect_tool.recipes.particles.settings import POWERS, SHARES, SIZES
from inspect_tool.standards.editions import editions_for
from inspect_tool.statistics.samples import Floats, Limits, Sample
from inspect_tool.synthetic.powder import of_process

Draw: TypeAlias = Callable[[np.random.Generator, int], Floats]

SIDE, MEDIAN, NUMBER = 500, 12.0, 60.0  # px, px, particles of a field on average
SIGMAS, FIELDS = (0.2, 0.4, 0.7), (1, 2, 5)
MARGIN = 200  # px; particles are thrown into a larger frame, so that the edge is not special


def truths(sigma: float) -> dict[str, float]:
    """Of the powder; a pixel is a micrometer."""
    known = {"particle_count_per_mm2": NUMBER / (SIDE**2 * 1e-6), "mean_particle_ecd_um": MEDIAN * exp(sigma**2 / 2)}
    known["sauter_diameter_um"] = MEDIAN * exp(2.5 * sigma**2)
    for name, share in (("d10", 0.1), ("d50", 0.5), ("d90", 0.9)):
        for kind, power in (("number", 0), ("volume", 3)):
            known[f"particle_{name}_um.{kind}"] = MEDIAN * exp(power * sigma**2 + float(ndtri(share)) * sigma)
    return known


def drawn(rng: np.random.Generator, sigma: float) -> NDArray[np.int32]:
    """Label image of one field."""
    size = SIDE + 2 * MARGIN
    radii = np.sort(MEDIAN / 2 * np.exp(sigma * rng.standard_normal(rng.poisson(NUMBER * (size / SIDE) ** 2))))[::-1]
    centers = np.empty((len(radii), 2))
    labels = np.zeros((SIDE, SIDE), np.int32)
    for n, radius in enumerate(radii):
        while True:
            place = rng.uniform(0, size, 2)
            away = np.abs(centers[:n] - place)
            away = np.minimum(away, size - away)
            if (np.hypot(*away.T) >= radii[:n] + radius + 2).all():
                break
        centers[n] = place
        row, column = place - MARGIN
        top, bottom = max(0, int(row - radius)), min(SIDE, int(row + radius) + 2)
        left, right = max(0, int(column - radius)), min(SIDE, int(column + radius) + 2)
        if top < bottom and left < right:
            y, x = np.arange(top, bottom)[:, None] - row, np.arange(left, right)[None, :] - column
            labels[top:bottom, left:right][y**2 + x**2 <= radius**2] = n + 1
    return labels


def limits(rng: np.random.Generator, sigma: float, fields: int) -> dict[str, tuple[float, float]]:
    """What chance leaves of the sizes and of the number of one specimen."""
    recipe = registry.load("recipe", "particles")
    settings = recipe.Settings(minimum_px2=1)
    editions = editions_for(recipe, settings)
    image = Micrograph(
        pixels=np.zeros((SIDE, SIDE), np.uint8), calibration=Calibration(pixel_um=1.0, source="drawn"), path="drawn"
    )
    measured = []
    for field in range(fields):
        labels = Segmentation(labels=drawn(rng, sigma), classes={1: "particle"}, kind="instance", backend="labels")
        measured.append(recipe.measure_field(replace(image, field=field + 1), labels, settings, editions))
    sample = sample_of(measured, "um")
    found = {name: sampling.quantile(sample, SHARES[share], POWERS[kind]).together for name, share, kind in SIZES}
    found["mean_particle_ecd_um"] = sampling.mean(sample, 1, 0).together
    found["sauter_diameter_um"] = sampling.mean(sample, 3, 2).together
    count = recipe.combine(measured, settings, editions).results[0]
    assert count.interval is not None
    return {"particle_count_per_mm2": count.interval, **found}


# ------------------------------------------------------------------------------------------ powders of several modes

NUMBERS = (20, 60, 200)  # particles of a specimen


def specks(sigma: float, share: float) -> Draw:
    """Particles about 1, and a share by number of specks about 0.18."""

    def draw(rng: np.random.Generator, n: int) -> Floats:
        small, large = 0.18 * np.exp(0.35 * rng.standard_normal(n)), np.exp(sigma * rng.standard_normal(n))
        return np.where(rng.random(n) < share, small, large)

    return draw


POWDERS: dict[str, Draw] = {
    "lognormal, σ 0.2": lambda rng, n: np.exp(0.2 * rng.standard_normal(n)),
    "lognormal, σ 0.8": lambda rng, n: np.exp(0.8 * rng.standard_normal(n)),
    "σ 0.1, half specks": specks(0.1, 0.5),
    "σ 0.3, 30 % specks": specks(0.3, 0.3),
    "σ 0.5, half specks": specks(0.5, 0.5),
    "evenly from 0.1 to 1": lambda rng, n: rng.uniform(0.1, 1.0, n),
    "Weibull, k = 1.5": lambda rng, n: 0.1 + rng.weibull(1.5, n),
    "σ 0.2, one in ten 3 times as large": lambda rng, n: (
        np.exp(0.2 * rng.standard_normal(n)) * np.where(rng.random(n) < 0.1, 3.0, 1.0)
    ),
}


def by_volume(sizes: Floats) -> dict[str, Limits]:
    sample = Sample(size=sizes, weight=np.ones(len(sizes)), group=np.zeros(len(sizes), np.int64), groups=1)
    return {
        "D50": sampling.quantile(sample, 0.5, 3.0),
        "D90": sampling.quantile(sample, 0.9, 3.0),
        "Sauter": sampling.mean(sample, 3, 2),
    }


def modes(specimens: int) -> None:
    print(
        "| powder | particles | " + " | ".join(f"{name}: held, upper limit" for name in ("D50", "D90", "Sauter")) + " |"
    )
    print("|---|---|---|---|---|")
    for name, draw in POWDERS.items():
        rng = np.random.default_rng(11)
        known = {size: limits.value for size, limits in by_volume(draw(rng, 10**6)).items()}
        for n in NUMBERS:
            powders = [draw(rng, n) for _ in range(specimens)]
            cells = dict.fromkeys(known, "")
            for way in (lambda sample: sample, sampling._carrying):
                with patch.object(sampling, "_carrying", way):
                    found = [by_volume(powder) for powder in powders]
                for size, truth in known.items():
                    low, high = np.transpose([one[size].together for one in found])
                    held = 100 * float(((low <= truth) & (truth <= high)).mean())
                    cells[size] += f"{held:.1f} %, {100 * float(np.median(high)) / truth - 100:+.0f} %; "
            print(f"| {name} | {n} | " + " | ".join(cell.strip("; ") for cell in cells.values()) + " |", flush=True)


# ------------------------------------------------------------------------------------------------ default backend

LOOKS = {1: "good", 2: "ordinary", 3: "poor"}
MEDIANS_PX, SIDE_IN_MEDIANS, PIXEL_UM, SIGMA = (12.0, 20.0, 32.0), 24.0, 0.5, 0.3


def by_default(number: int) -> dict[str, Any]:
    """What one field of powder states, beside its truth."""
    recipe = registry.load("recipe", "particles")
    table = dict(recipe.BACKEND)
    backend = registry.load("backend", table.pop("name"))
    look, median_px = 1 + number % 3, MEDIANS_PX[number // 3 % 3]
    side = round(SIDE_IN_MEDIANS * median_px)
    median_um = median_px * PIXEL_UM
    field = synthetic.powder(
        seed=number,
        area_percent=12.0,
        median_ecd_um=median_um,
        sigma=SIGMA,
        shape_px=(side, side),
        pixel_um=PIXEL_UM,
    )
    image = Micrograph(
        pixels=synthetic.degrade(field.pixels, look, seed=number),
        calibration=Calibration(pixel_um=PIXEL_UM, source="drawn"),
        path="drawn",
    )
    settings = recipe.Settings()
    editions = editions_for(recipe, settings)
    least_um = 2 * sqrt(settings.minimum_px2 / pi) * PIXEL_UM
    per_mm2 = field.truth["process.particle_count_per_mm2"]
    truth = of_process(median_um, SIGMA, per_mm2, least_um)
    given = checked(backend.Settings, table, "particles")
    measured = recipe.measure_field(image, backend.segment(backend.load(given), image, given), settings, editions)
    findings = recipe.combine([measured], settings, editions)
    failed = [one for one in findings.checks if one.scope == "plausibility" and not one.passed]
    found = {
        one.quantity: (
            one.value,
            *(one.interval or (one.value, one.value)),
            truth[f"process.{one.quantity}"],
            field.truth[f"process.{one.quantity}"],
            any(not check.quantities or one.quantity in check.quantities for check in failed),
        )
        for one in findings.results
        if f"process.{one.quantity}" in truth
    }
    return {"specimen": number, "look": look, "found": found}


def looks(file: Path, specimens: int, first: int) -> None:
    lines = [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
    done = {line["specimen"] for line in lines}
    with file.open("a") as out:
        for number in range(first, first + specimens):
            if number not in done:
                lines.append(by_default(number))
                out.write(json.dumps(lines[-1]) + "\n")
                out.flush()
    names = list(dict.fromkeys(name for line in lines for name in line["found"]))
    print("| quantity | held | of those without a doubt | " + " | ".join(LOOKS.values()) + " | of the whole powder |")
    print("|" + "---|" * (len(LOOKS) + 4))
    for name in names:
        every = [(line["look"], *line["found"][name]) for line in lines if name in line["found"]]

        def share(some: list[Any], truth: int) -> str:
            held = sum(one[2] <= one[truth] <= one[3] for one in some)
            return f"{100 * held / max(len(some), 1):.1f} % of {len(some)}"

        def look_of(level: int, every: list[Any] = every) -> str:
            some = [one for one in every if one[0] == level]
            held = sum(one[2] <= one[4] <= one[3] for one in some)
            error = 100 * (sum(one[1] / one[4] for one in some) / max(len(some), 1) - 1)
            return f"{held} of {len(some)}; {error:+.1f} %"

        certain = [one for one in every if not one[6]]
        cells = [share(every, 4), share(certain, 4), *map(look_of, LOOKS), share(every, 5)]
        print(f"| `{name}` | " + " | ".join(cells) + " |")


def main() -> None:
    if sys.argv[1:2] == ["modes"]:
        modes(int(sys.argv[2]) if len(sys.argv) > 2 else 200)
        return
    if sys.argv[1:2] == ["looks"]:
        more = [int(number) for number in sys.argv[3:]]
        looks(Path(sys.argv[2]), more[0] if more else 200, more[1] if len(more) > 1 else 0)
        return
    specimens = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    names = list(truths(0.2))
    print("| σ | fields | " + " | ".join(f"`{name}`" for name in names) + " |")
    print("|" + "---|" * (len(names) + 2))
    for sigma in SIGMAS:
        known = truths(sigma)
        for fields in FIELDS:
            rng = np.random.default_rng([fields, round(100 * sigma)])
            held = dict.fromkeys(names, 0)
            for _ in range(specimens):
                for name, (low, high) in limits(rng, sigma, fields).items():
                    held[name] += low <= known[name] <= high
            shares = " | ".join(f"{100 * held[name] / specimens:.1f}" for name in names)
            print(f"| {sigma} | {fields} | {shares} |", flush=True)


if __name__ == "__main__":
    main()
