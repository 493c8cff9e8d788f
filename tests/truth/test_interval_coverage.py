"""The stated 95 % interval covers the synthetic truth in 90 to 99 % of the seeds, through the default backends.

Forty seeds of each recipe are enough to miss a line of a budget: without that between fields (phases, pores), of
boundaries never seen (grains) or of the edges of voids (joints) 45 to 87 % of them are held.

Truth is that of the random process the fields are drawn from (grains, phases, pores), or of the very
joints that were drawn (voids): closed formulas and drawn geometry, never a measurement of ours.
"""

from dataclasses import dataclass
from functools import cache

import pytest

from inspect_tool import registry, synthetic
from inspect_tool.files import checked
from inspect_tool.model import Calibration, Micrograph
from inspect_tool.standards.editions import editions_for

pytestmark = pytest.mark.long


@dataclass(frozen=True, kw_only=True)
class Study:
    recipe: str
    quantity: str
    truth: str
    make: object  # seed -> synthetic.Field
    fields: int
    seeds: int = 40
    first_seed: int = 0
    level: int = 1  # of degradation
    most: float = 99.0  # share of truths that the interval may hold [%]
    widest: float = float("inf")  # half width on average


STUDIES = [
    Study(
        recipe="grain_size",
        quantity="grain_size_number.intercept",
        truth="process.grain_size_number.intercept",
        make=lambda seed: synthetic.grains(seed=seed, grain_size_number=9.0, shape_px=(240, 240), pixel_um=0.5),
        fields=3,
        seeds=60,
    ),
    Study(
        recipe="phase_fraction",
        quantity="area_percent.dark",
        truth="process.area_percent.second",
        make=lambda seed: synthetic.two_phase(
            seed=seed, area_percent=30.0, feature_um=12.0, shape_px=(256, 256), pixel_um=0.5
        ),
        fields=3,
    ),
    Study(
        recipe="porosity",
        quantity="porosity_percent",
        truth="process.porosity_percent",
        make=lambda seed: synthetic.pores(seed=seed, porosity_percent=3.0, mean_ecd_um=12.0, shape_px=(300, 300)),
        fields=3,
    ),
    Study(
        recipe="solder_voids",
        quantity="void_percent.max",
        truth="field.void_percent.max",
        make=lambda seed: synthetic.solder_balls(seed=seed, rows=2, columns=2),
        fields=1,
        first_seed=100,  # the budget lines were chosen with the seeds before
        # the budget is that of real X-ray images, where it holds less than 95 % (docs/solder_voids.md): on drawn ones
        # it may hold all, and must stay of use
        most=100.0,
        widest=2.0,
    ),
]


@cache
def default_backend(recipe):
    """Load the default backend of a recipe once: module, settings, model."""
    table = dict(registry.load("recipe", recipe).BACKEND)
    backend = registry.load("backend", table.pop("name"))
    chosen = checked(backend.Settings, table, "backend")
    return backend, chosen, backend.load(chosen)


def interval(study, study_seed):
    """Run one study: its fields through default backend and recipe; interval and truth."""
    recipe = registry.load("recipe", study.recipe)
    backend, chosen, model = default_backend(study.recipe)
    settings = recipe.Settings()
    editions = editions_for(recipe, settings)
    measured = []
    for i in range(study.fields):
        field = study.make(1000 * study_seed + i)
        micrograph = Micrograph(
            pixels=synthetic.degrade(field.pixels, study.level, seed=1000 * study_seed + i),
            calibration=Calibration(pixel_um=field.pixel_um, u_rel=0.002, source="exact"),
            field=i + 1,
        )
        segmentation = backend.segment(model, micrograph, chosen)
        measured.append(recipe.measure_field(micrograph, segmentation, settings, editions))
    results = {result.quantity: result for result in recipe.combine(measured, settings, editions).results}
    return results[study.quantity], field.truth[study.truth]


@pytest.mark.parametrize("study", STUDIES, ids=lambda study: study.recipe)
def test_the_stated_interval_covers_the_truth(study):
    covered, errors, widths = 0, [], []
    for seed in range(study.first_seed, study.first_seed + study.seeds):
        result, truth = interval(study, seed)
        low, high = result.interval
        covered += low <= truth <= high
        errors.append(result.value - truth)
        widths.append((high - low) / 2)
    share = 100 * covered / study.seeds
    print(
        f"{study.recipe}: {share:.1f} % of {study.seeds}; mean error {sum(errors) / len(errors):+.3f}, "
        f"mean U {sum(widths) / len(widths):.3f}"
    )
    assert 90 <= share <= study.most
    assert sum(widths) / len(widths) <= study.widest
