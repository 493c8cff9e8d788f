"""How often the limits of every size of particles hold the truth of the powder that was drawn.

    python benchmarks/particle_coverage.py [specimens]

Discs of lognormal diameters, not cut, are thrown into fields without touching, about 60 of them into 42 median
diameters squared, and their exact label images are measured by the recipe. Judged are the limits that chance leaves:
the line of half a pixel of outline, which exact labels do not need, would widen them. Prints a table for
docs/validation_particles.md.
"""

import sys
from dataclasses import replace
from math import exp

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from inspect_tool import registry
from inspect_tool.model import Calibration, Micrograph, Segmentation
from inspect_tool.recipes.particles import sampling
from inspect_tool.recipes.particles.results import sample_of
from inspect_tool.recipes.particles.settings import POWERS, SHARES, SIZES
from inspect_tool.standards.editions import editions_for

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


def main() -> None:
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
