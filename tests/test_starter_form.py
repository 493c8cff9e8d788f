"""A form of the settings of a plug-in: what is typed there means what a job file would say."""

import tomllib

import pytest

from inspect_tool import registry
from inspect_tool.errors import SettingsError
from inspect_tool.files import checked, load_job
from inspect_tool.inspection import starter_form
from inspect_tool.inspection.starter import documented, starter_job
from inspect_tool.inspection.starter_form import LOT, answers_of, backends_for, items_of, key_of, meant
from inspect_tool.model import Acceptance, Lot, Requirement, SamplingPlan

PLUGINS = [(kind, name) for kind in ("recipe", "backend") for name in registry.names(kind)]


@pytest.mark.parametrize(("kind", "name"), PLUGINS)
def test_a_default_that_is_typed_is_the_default(kind, name):
    settings = registry.load(kind, name).Settings
    asked = {item.name: meant(settings, item.name, item.default) for item in items_of(kind, name) if item.default}
    assert checked(settings, asked, name) == settings()


@pytest.mark.parametrize(("kind", "name"), PLUGINS)
def test_a_field_has_the_words_of_its_setting_and_its_unit_apart(kind, name):
    says = documented(registry.load(kind, name).Settings)
    for item in items_of(kind, name):
        if item.name in says:
            assert says[item.name].startswith(item.says)
            assert "[" not in item.title
        assert bool(item.choices) == (item.kind == "choice")


def test_a_backend_has_the_defaults_that_the_recipe_has_for_it():
    (classes,) = [item for item in items_of("backend", "threshold", "porosity") if item.name == "classes"]
    assert classes.default == "pore, metal"
    assert items_of("backend", "threshold", "phase_fraction") != items_of("backend", "threshold", "porosity")


@pytest.mark.parametrize("recipe", registry.names("recipe"))
def test_every_backend_that_is_offered_makes_a_job_that_says_so(recipe, tmp_path):
    own = registry.load("recipe", recipe).BACKEND["name"]
    offered = backends_for(recipe)
    assert offered[0] == own
    assert "labels" not in offered
    for name in offered[1:3]:
        answers = answers_of(recipe, {"backend.name": name}, "../..")
        (tmp_path / "job.toml").write_text(starter_job(recipe, answers=answers), encoding="utf-8")
        assert load_job(tmp_path / "job.toml").backend["name"] == name


def test_an_empty_form_is_the_job_of_a_newcomer():
    answers = answers_of("porosity", {"settings.minimum_px2": " ", "header.part": ""}, "../..")
    told = tomllib.loads(starter_job("porosity", answers=answers))
    assert told["settings"] == {}
    assert "backend" not in told
    assert "requirements" not in told


def test_what_a_person_types_is_what_the_job_says(tmp_path):
    form = {
        "standard": "vdg_p201_2002",
        "scale": "calibrations/axio 50x.toml",
        "settings.size_classes_um": "1; 2,5; 10",
        "settings.tinted_grains": "true",
        "settings.reference_area": '{ shape = "square", size_mm = 5.0 }',
        "backend.levels": "90.5, 120",
        "backend.method": "fixed",
        "header.title": '"A"  and   B',
        "region.polygon": "[[0, 0], [0, 9], [9, 9.5]]",
        "requirements.0.quantity": "pore_ecd_um.90",
        "requirements.0.lower": "-1e-3",
        "requirements.0.upper": "0,123456789",
        "requirements.0.source": "drawing",
        "requirements.1.source": "said of no limit",
        "requirements.3.upper": "2",
        "requirements.3.rule": "simple",
        "requirements.3.source": "customer",
        "requirements.4.quantity": "porosity_class",
        "requirements.4.class_string": "D5/0.5/A1",
        "requirements.4.source": "drawing 7",
        "quality.focus.red": "9",
        "quality.shading.advised": "0,5",
        "quality.shading.red": "1",
        "accept.0.check": "compression",
        "accept.0.images": "a.jpg; b c.jpg",
        "accept.0.reason": "kept as JPEG alone",
        "accept.1.check": "focus",
        "lot.id": "L 7",
        "lot.size": "500",
        "lot.standard": "ISO 2859-1",
        "lot.n": "8",
        "lot.ac": "0",
        "lot.re": "1",
        "channel": "BSE",
        "z": "2",
        "exports.xlsx": "yes",
        "exports.docx": "yes",
        "spec": "4711 rev B",
        "image": "7",
    }
    path = tmp_path / "job.toml"
    path.write_text(starter_job("porosity", answers=answers_of("porosity", form, "../..")), encoding="utf-8")
    job = load_job(path)
    assert job.standard == "vdg_p201_2002"
    assert job.calibration.file == "../../calibrations/axio 50x.toml"
    assert job.settings == {
        "size_classes_um": [1, 2.5, 10],
        "tinted_grains": True,
        "reference_area": {"shape": "square", "size_mm": 5.0},
    }
    # what the recipe has for its own backend stays beside what was typed
    assert job.backend == {
        **registry.load("recipe", "porosity").BACKEND,
        "classes": ["pore", "metal"],
        "method": "fixed",
        "levels": [90.5, 120],
    }
    assert job.header.title == '"A" and B'
    assert job.region.polygon == ((0, 0), (0, 9), (9, 9.5))
    limit, other, code = job.requirements
    assert (limit.quantity, limit.unit, limit.lower, limit.upper) == ("pore_ecd_um.90", "um", -0.001, 0.123456789)
    assert (other.quantity, other.upper, other.rule, other.source) == ("porosity_percent", 2.0, "simple", "customer")
    assert code == Requirement(quantity="porosity_class", class_string="D5/0.5/A1", source="drawing 7")
    assert job.quality == {"focus": {"red": 9.0}, "shading": {"advised": 0.5, "red": 1.0}}
    # a check that was chosen, and nothing said of it, is what the form shows at first
    assert job.accept == (Acceptance(check="compression", reason="kept as JPEG alone", images=("a.jpg", "b c.jpg")),)
    assert job.lot == Lot(id="L 7", size=500, plan=SamplingPlan(standard="ISO 2859-1", n=8, ac=0, re=1))
    assert (job.channel, job.z, job.page) == ("BSE", 2, None)
    assert (job.spec, job.specs) == ("4711 rev B", "../../specs")
    assert job.exports == ("json", "html", "pdf", "csv", "xlsx", "docx")


@pytest.mark.parametrize(
    ("form", "says"),
    [
        ({"standard": "astm_e112_2013"}, "standard: 'astm_e112_2013' is none of areal_porosity_2026"),
        ({"language": "fr"}, "language: 'fr' is none of en, de"),
        ({"backend.name": "watershed"}, "backend.name: 'watershed' is none of threshold"),
        ({"settings.counts": "x.csv"}, "settings.counts: porosity has no such setting in a form"),
        (
            {"requirements.0.upper": "1", "requirements.0.source": "d", "requirements.0.quantity": "pore_ecd_um."},
            "quantity",
        ),
        ({"requirements.12.upper": "1"}, "requirements: 13 are more than 12"),
        ({"requirements.1.upper": "1"}, "requirements.1.source: is missing"),
        (
            {"requirements.0.class_string": "D5", "requirements.0.upper": "1", "requirements.0.source": "d"},
            "requirements.0.class_string: a class has limits of its own",
        ),
        ({"quality.focus.red": "soft"}, "quality.focus.red: got 'soft', must be a number"),
        ({"accept.2.images": "a.tif"}, "accept.2.reason: is missing"),
        ({"lot.id": "L 7", "lot.size": "500"}, "lot.standard: is missing"),
        (dict.fromkeys((f"lot.{key}" for key in LOT), "1,5"), "lot.size: got '1,5', must be a whole number"),
        ({"exports.exe": "yes"}, "exports.exe: is no file that a report is written as; there are "),
        ({"z": "top"}, "z: got 'top', must be a whole number from 0"),
        ({"scale": "calibrations/../lab.toml"}, "scale: 'calibrations/../lab.toml' is none of"),
        ({"scale": "stated", "calibration.pixel_um": "a"}, "calibration.pixel_um: got 'a', must be a number"),
        (
            {"backend.name": "pixels", "backend.model": "/tmp/model"},
            "backend.model: '/tmp/model' is no name of a model",
        ),
    ],
)
def test_what_no_job_of_a_form_may_say_is_refused_with_its_key(form, says):
    with pytest.raises(SettingsError) as refused:
        answers_of("porosity", form, "../..")
    assert str(refused.value).startswith(says)


def test_a_model_of_the_lab_is_named_from_the_job():
    answers = answers_of("phase_fraction", {"backend.name": "pixels", "backend.model": "models/steel"}, "../..")
    assert answers.backend["model"] == "../../models/steel"


def test_the_key_that_an_error_speaks_of_is_found():
    keys = ["settings.minimum_px", "settings.minimum_px2", "spec", "header.part"]
    assert key_of("new.toml settings.minimum_px2: got 0", keys) == "settings.minimum_px2"
    assert key_of("new.toml specimens.0: got 0", keys) == ""
    assert key_of("header.part.x", keys) == "header.part"
    assert starter_form.key_of("", keys) == ""
