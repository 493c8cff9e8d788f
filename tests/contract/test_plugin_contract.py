"""The same questions to every registered backend and recipe."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, is_dataclass, replace
from types import SimpleNamespace

import numpy as np
import pytest
from known_networks import bright_pixels, clicked_model

import inspect_tool
from inspect_tool import registry, synthetic
from inspect_tool.errors import SettingsError
from inspect_tool.files import checked, plain
from inspect_tool.images.specimen_area import areas, without
from inspect_tool.model import Calibration, Micrograph, Quantity, Segmentation, no_alternatives
from inspect_tool.plugins import Backend, Exporter, Reader, Recipe, carried_of, shows_surface
from inspect_tool.segmentation import threshold
from inspect_tool.standards.editions import editions_for, load_standard, names_for
from inspect_tool.units import UNITS
from inspect_tool.validation.line import STATEMENT, applied

RECIPES = registry.names("recipe")
BACKENDS = tuple(name for name in registry.names("backend") if name != "labels")  # needs a file: tests/test_labels.py

PICTURES = {
    "grain_size": lambda seed: synthetic.grains(seed=seed, shape_px=(400, 480), grain_size_number=8.0, pixel_um=0.5),
    "phase_fraction": lambda seed: synthetic.two_phase(
        seed=seed, area_percent=30.0, feature_um=12.0, shape_px=(300, 360)
    ),
    "porosity": lambda seed: synthetic.pores(seed=seed, porosity_percent=3.0, mean_ecd_um=12.0, shape_px=(360, 420)),
    "solder_voids": lambda seed: synthetic.solder_balls(seed=seed, rows=2, columns=3),
    "particles": lambda seed: synthetic.powder(
        seed=seed, area_percent=15.0, median_ecd_um=18.0, shape_px=(360, 420), pixel_um=1.0
    ),
    "fibres": lambda seed: synthetic.fibers(
        seed=seed,
        fiber_percent=55.0,
        diameter_um=7.0,
        tilt_deg=20.0,
        void_percent=2.0,
        shape_px=(300, 360),
        pixel_um=0.35,
    ),
    "confluence": lambda seed: synthetic.culture(seed=seed, area_percent=50.0, cell_um=40.0, shape_px=(300, 360)),
    "banding": lambda seed: synthetic.bands(
        seed=seed, area_percent=35.0, spacing_um=10.0, anisotropy=2.5, shape_px=(300, 360)
    ),
    "graphite": lambda seed: synthetic.graphite(
        seed=seed, nodularity_percent=70.0, median_um=30.0, shape_px=(300, 360), pixel_um=1.0
    ),
    "decarburisation": lambda seed: synthetic.decarburised(
        seed=seed, total_um=60.0, complete_um=20.0, grain_um=12.0, shape_px=(240, 300), pixel_um=1.0
    ),
    "inclusions": lambda seed: synthetic.inclusions(
        seed=seed, per_mm2={"A": 60.0, "B": 12.0, "C": 20.0, "D": 60.0, "DS": 4.0}, shape_px=(300, 360)
    ),
    "layer_thickness": lambda seed: synthetic.layer(seed=seed, thickness_um=15.0, shape_px=(240, 300)),
    "small": lambda seed: synthetic.two_phase(seed=seed, area_percent=30.0, feature_um=12.0, shape_px=(140, 180)),
}
FOR_BACKEND = {  # a window of the networks of cellpose and maskrcnn takes seconds
    "threshold": "porosity",
    "watershed": "grain_size",
    "joints": "solder_voids",
    "with_voids": "porosity",
    "texture": "confluence",
    "hybrid": "particles",
    "cellpose": "small",
    "maskrcnn": "small",
    "prompt": "small",
}
ANY = "phase_fraction"  # picture for a plug-in that is not named above


def micrograph(recipe, seed=0, **changes):
    made = PICTURES.get(recipe, PICTURES[ANY])(seed)
    pixels = made.pixels.copy()
    pixels.setflags(write=False)
    calibration = Calibration(pixel_um=made.pixel_um, u_rel=0.004, source="stage micrometer", certificate="C-1")
    image = Micrograph(
        pixels=pixels,
        calibration=calibration,
        path=f"field_{seed}.tif",
        sha256=f"{seed:064d}",
        field=seed + 1,
        **changes,
    )
    shown = recipe in RECIPES and shows_surface(registry.load("recipe", recipe))
    return without(image, areas(pixels, surface=True)) if shown else image  # as a run does


def default_segmentation(recipe, image):
    module = registry.load("recipe", recipe)
    table = dict(module.BACKEND)
    backend = registry.load("backend", table.pop("name"))
    settings = checked(backend.Settings, table, recipe)
    found = backend.segment(backend.load(settings), image, settings)
    return backend, settings, replace(found, alternatives=no_alternatives)


@pytest.fixture(scope="module")
def settings_of(tmp_path_factory):
    """Settings that a backend works with: its own, or those that name a model where none is shipped."""
    folder = tmp_path_factory.mktemp("models")
    models = {"pixels": lambda: bright_pixels(folder / "bright"), "prompt": lambda: clicked_model(folder / "clicked")}
    made = {}

    def settings(name):
        if name == "maskrcnn":
            try:
                import torchvision  # noqa: F401
            except (ImportError, RuntimeError) as error:  # its operators are made for one torch
                pytest.skip(f"torchvision cannot be used here ({error}); .ci/cellpose4 makes an environment with it")
        if name in models and name not in made:
            made[name] = {"model": str(models[name]())}
        return registry.load("backend", name).Settings(**made.get(name, {}))

    return settings


@pytest.mark.parametrize("name", BACKENDS)
def test_a_backend_keeps_its_contract(name, settings_of):
    backend = registry.load("backend", name)
    assert backend.__doc__
    assert set(backend.KINDS) <= {"semantic", "instance"}
    assert is_dataclass(backend.Settings)
    assert "name" not in {item.name for item in fields(backend.Settings)}
    settings = settings_of(name)
    picture = FOR_BACKEND.get(name, ANY)
    roi = np.ones(micrograph(picture).pixels.shape, bool)
    roi[: roi.shape[0] // 4] = False
    image = micrograph(picture, roi=roi)
    before = image.pixels.copy()
    model = backend.load(settings)
    first, again = (backend.segment(model, image, settings) for _ in range(2))
    assert np.array_equal(image.pixels, before)
    assert first.labels.dtype in ((np.int32,) if first.kind == "instance" else (np.int32, np.uint8))
    assert first.labels.shape == image.pixels.shape
    assert first.labels.any()
    assert not first.labels[~roi].any()
    assert np.array_equal(first.labels, again.labels)
    assert first.kind in backend.KINDS
    assert first.backend == name
    assert 0 < first.coverage <= 1
    plain(first.settings)
    if first.kind == "semantic":
        assert set(np.unique(first.labels).tolist()) <= set(first.classes)
    for title, other in first.alternatives():
        assert isinstance(title, str)
        assert other.labels.shape == first.labels.shape
        assert not other.labels[~roi].any()


@pytest.mark.parametrize("name", BACKENDS)
def test_fields_segmented_at_once_are_as_one_after_the_other(name, settings_of):
    backend = registry.load("backend", name)
    settings, picture = settings_of(name), FOR_BACKEND.get(name, ANY)
    model = backend.load(settings)

    def labels(found):
        return {"": found.labels, **{title: other.labels for title, other in found.alternatives()}}

    images = [micrograph(picture, seed) for seed in (0, 1)]
    alone = [labels(backend.segment(model, image, settings)) for image in images]
    assert any(not np.array_equal(one[""], alone[0][""]) for one in alone[1:])
    # all segmented before any is asked for its alternatives, and these in another order
    waiting = [backend.segment(model, image, settings) for image in images]
    later = [labels(found) for found in reversed(waiting)][::-1]
    with ThreadPoolExecutor(len(images)) as pool:
        together = list(pool.map(lambda image: labels(backend.segment(model, image, settings)), images))
    for found in (later, together):
        for one, other in zip(found, alone, strict=True):
            assert one.keys() == other.keys()
            assert all(np.array_equal(one[title], other[title]) for title in one)


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_keeps_its_contract(name):
    recipe = registry.load("recipe", name)
    assert recipe.__doc__
    assert recipe.TITLE
    assert recipe.QUESTION in {"coverage", "count"}
    for standard in names_for(recipe):
        assert load_standard(standard).rules, f"{standard} has no method card"
    assert recipe.BACKEND["name"] in registry.names("backend")
    for quantity in recipe.QUANTITIES.values():
        assert isinstance(quantity, Quantity)
        assert quantity.unit in UNITS
    recipe.Settings()


@pytest.fixture(scope="module")
def measured():
    """Findings of two default fields of each recipe, made once."""
    made = {}
    for name in RECIPES:
        recipe = registry.load("recipe", name)
        editions = editions_for(recipe, recipe.Settings())
        found = []
        for seed in (0, 1):
            image = micrograph(name, seed)
            _, _, segmentation = default_segmentation(name, image)
            found.append((image, segmentation))
        made[name] = (recipe, editions, found)
    return made


def combine(recipe, editions, pairs, settings=None):
    settings = settings or recipe.Settings()
    return recipe.combine([recipe.measure_field(i, s, settings, editions) for i, s in pairs], settings, editions)


CONTRACT = {
    "confluence": {"area_percent.covered"},
    "banding": {"anisotropy_index", "orientation_degree", "band_spacing_um"},
    "graphite": {"nodularity_percent", "nodule_count_per_mm2", "graphite_percent"},
    "decarburisation": {
        "mean_total_depth_um", "maximum_total_depth_um", "mean_complete_depth_um", "mean_partial_depth_um",
        "core_ferrite_percent",
    },
    "inclusions": {
        "inclusion_percent", "inclusion_count_per_mm2", "longest_inclusion_um", "length_per_area.a", "severity.a_thin",
        "severity.b_heavy", "severity.ds",
    },
    "layer_thickness": {"mean_thickness_um.layer", "minimum_thickness_um.layer"},
    "grain_size": {
        "grain_size_number", "grain_size_number.intercept", "grain_size_number.planimetric",
        "grain_size_number.mean_area", "mean_intercept_um", "grains_per_mm2", "mean_grain_area_um2",
    },
    "phase_fraction": set(),
    "porosity": {"porosity_percent", "pore_count_per_mm2", "largest_pore_feret_um", "mean_pore_ecd_um"},
    "solder_voids": {"void_percent.max", "void_percent.mean", "largest_void_percent.max"},
    "particles": {
        "particle_count_per_mm2", "mean_particle_ecd_um", "particle_d10_um.number", "particle_d50_um.number",
        "particle_d90_um.number", "particle_d10_um.volume", "particle_d50_um.volume", "particle_d90_um.volume",
    },
    "fibres": {"fibre_percent", "void_percent", "resin_rich_percent", "mean_fibre_diameter_um", "mean_fibre_tilt_deg"},
}  # fmt: skip


@pytest.mark.parametrize("name", RECIPES)
def test_every_contract_quantity_comes_out_whole(name, measured):
    recipe, editions, pairs = measured[name]
    found = combine(recipe, editions, pairs)
    results = {result.quantity: result for result in found.results}
    assert set(results) >= CONTRACT.get(name, set())
    if name == "phase_fraction":
        fractions = [result.value for key, result in results.items() if key.startswith("area_percent.")]
        assert len(fractions) >= 2
        assert sum(fractions) == pytest.approx(100)
    assert any(result.main for result in results.values())
    for quantity, result in results.items():
        known = recipe.QUANTITIES.get(quantity) or recipe.QUANTITIES.get(quantity.split(".")[0] + ".*")
        assert known is not None, quantity
        assert result.unit == known.unit
        assert result.title
        assert result.clause
        assert result.definition
        assert result.n >= 1
        assert result.u is not None, quantity
        assert result.interval[0] <= result.value <= result.interval[1]
        assert all(line.basis for line in result.budget)
    scopes = {check.scope for check in found.checks}
    assert "method" in scopes
    assert {"feature", "row_px", "column_px", "touches_edge"} <= set(found.measurements.features.columns)
    assert len(found.measurements.fields) == 2


@pytest.mark.parametrize("name", RECIPES)
def test_one_field_has_no_between_field_line_and_still_a_number(name, measured):
    recipe, editions, pairs = measured[name]
    found = combine(recipe, editions, pairs[:1])
    for result in found.results:
        if result.n_of == "fields":
            assert not [line for line in result.budget if line.kind == "A" and "field" in line.name]


@pytest.mark.parametrize("name", RECIPES)
def test_a_report_says_that_its_segmentation_is_not_validated(name, measured):
    recipe, editions, pairs = measured[name]
    found = combine(recipe, editions, pairs[:1])
    said = applied(found, recipe, [], recipe.Settings(), editions, None).statements[-1]
    assert said.name == STATEMENT
    assert str(said.text).startswith("not validated on labeled real images")
    assert set(carried_of(recipe)) <= set(recipe.QUANTITIES)


@pytest.mark.parametrize("name", RECIPES)
def test_half_the_pixel_size_halves_lengths_and_leaves_ratios(name, measured):
    recipe, editions, pairs = measured[name]
    settings = recipe.Settings()
    if name in (
        "porosity",
        "graphite",
        "inclusions",
    ):  # the minimum measurable size is stated in um and would move against the objects
        pytest.skip("a minimum size in um is another one in pixels: tests/test_porosity.py halves both")
    half = [(replace(i, calibration=replace(i.calibration, pixel_um=i.calibration.pixel_um / 2)), s) for i, s in pairs]
    one = {r.quantity: r for r in combine(recipe, editions, pairs, settings).results}
    two = {r.quantity: r for r in combine(recipe, editions, half, settings).results}
    power = {"um": 0.5, "um2": 0.25, "1/mm": 2.0, "1/mm2": 4.0, "%": 1.0, "1": 1.0, "deg": 1.0}
    for quantity, result in one.items():
        if result.unit == "G":
            assert two[quantity].value == pytest.approx(result.value + 2, abs=1e-9), quantity
        else:
            assert two[quantity].value == pytest.approx(result.value * power[result.unit], rel=1e-9), quantity


@pytest.mark.parametrize("name", RECIPES)
def test_the_numbers_of_the_labels_do_not_matter(name, measured):
    recipe, editions, pairs = measured[name]
    if pairs[0][1].kind == "semantic":
        pytest.skip("class numbers have names")
    rng = np.random.default_rng(5)
    shuffled = []
    for image, segmentation in pairs:
        order = np.concatenate([[0], 1 + rng.permutation(segmentation.labels.max())]).astype(np.int32)
        shuffled.append((image, replace(segmentation, labels=order[segmentation.labels])))
    one = {r.quantity: r.value for r in combine(recipe, editions, pairs).results}
    two = {r.quantity: r.value for r in combine(recipe, editions, shuffled).results}
    assert two == pytest.approx(one, rel=1e-9)


@pytest.mark.parametrize("name", RECIPES)
def test_ratio_only_lets_only_ratios_out(name, measured):
    recipe, editions, pairs = measured[name]
    ratio_only = [(replace(i, calibration=Calibration(source="ratio only")), s) for i, s in pairs]
    found = combine(recipe, editions, ratio_only)
    for result in found.results:
        known = recipe.QUANTITIES.get(result.quantity) or recipe.QUANTITIES.get(result.quantity.split(".")[0] + ".*")
        assert not known.needs_scale
    assert not [name for name in found.measurements.features.columns if name.endswith(("_um", "_um2"))]


@pytest.mark.parametrize(
    ("kind", "asked"), [("reader", Reader), ("backend", Backend), ("recipe", Recipe), ("exporter", Exporter)]
)
def test_every_plugin_is_what_its_kind_asks_for(kind, asked):
    for name in registry.names(kind):
        assert isinstance(registry.load(kind, name), asked), name


def test_a_plugin_of_a_notebook_is_used_by_its_name(monkeypatch):
    monkeypatch.setattr(registry, "_ADDED", {})
    image = micrograph("porosity")

    class Halves:
        """Class 1 where the gray level is below 100."""

        KINDS = ("semantic",)
        Settings = threshold.Settings

        def load(self, settings):  # noqa: ARG002 - as every backend
            return None

        def segment(self, model, micrograph, settings):  # noqa: ARG002
            labels = (micrograph.pixels < 100).astype(np.int32)
            return Segmentation(labels=labels, classes={0: "matrix", 1: "pore"}, kind="semantic", backend="halves")

    inspect_tool.register("backend", "halves", Halves())
    assert registry.names("backend")[-1] == "halves"
    found = inspect_tool.segment(image, "halves")
    assert np.array_equal(found.labels, image.pixels < 100)


@pytest.mark.parametrize(
    ("kind", "name", "text"),
    [
        (
            "backed",
            "mine",
            "there is no kind 'backed'; there are reader, backend, recipe, exporter",
        ),
        ("backend", "threshold", "'threshold' is a backend of inspect_tool; take another name"),
        ("recipe", "mine", "recipe 'mine' has no BACKEND, QUANTITIES, QUESTION, STANDARDS, Settings, TITLE, combine"),
    ],
)
def test_what_is_no_plugin_is_not_registered(kind, name, text):
    with pytest.raises(SettingsError, match=text):
        inspect_tool.register(kind, name, SimpleNamespace(measure_field=None))
    assert name in {"threshold"} or name not in registry.names("backend")
