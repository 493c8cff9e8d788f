"""The self-test on a tiny kit: its statistics against independent references, its pages, and that it can fail."""

import json
import re
from dataclasses import replace

import cv2
import numpy as np
import pikepdf
import pypdf
import pytest
from scipy import stats

from inspect_tool import cli, synthetic
from inspect_tool.errors import SettingsError, StandardError
from inspect_tool.files import load_job
from inspect_tool.folders import MARKER
from inspect_tool.paths import data_folder
from inspect_tool.statistics.uncertainty import proportion_interval
from inspect_tool.studies.selftest import criteria, phantom_jobs, selftest, statistics
from inspect_tool.studies.selftest.measuring import Task
from inspect_tool.studies.selftest.page import Point, SelfTest
from inspect_tool.studies.selftest.phantom_jobs import FULL, LOOKS, QUICK, recipes

TINY = replace(
    QUICK,
    truths={
        "banding": (2.0,),
        "confluence": (50.0,),
        "grain_size": (9.0,),
        "fibres": (55.0,),
        "graphite": (70.0,),
        "decarburisation": (60.0,),
        "inclusions": (150.0,),
        "layer_thickness": (20.0,),
        "particles": (12.0,),
        "phase_fraction": (10.0, 40.0),
        "porosity": (2.0, 8.0),
        "solder_voids": (5.0,),
    },
    looks=("good",),
    fields=2,
    least_px=200,
    grains_wanted=30.0,
    side_px=200,
    balls=2,
    pore_sizes_px=(3.0, 10.0),
    pores_of_a_size=40,
)


# ------------------------------------------------------------------------------------------------- statistics


@pytest.mark.parametrize(("hits", "trials"), [(0, 5), (5, 5), (18, 20), (1, 1), (90, 100)])
def test_the_interval_of_a_coverage_is_the_exact_binomial_one(hits, trials):
    expected = stats.binomtest(hits, trials).proportion_ci(0.95, method="exact")
    assert proportion_interval(hits, trials) == pytest.approx((expected.low, expected.high), abs=1e-12)


def point(nominal, repeat, value, *, held=None, u=1.0, look="good"):
    return Point(
        nominal=nominal,
        look=look,
        repeat=repeat,
        truth=nominal,
        held=nominal if held is None else held,
        value=value,
        u=u,
        interval=(value - 2 * u, value + 2 * u),
    )


POINTS = [point(1.0, 0, 1.2), point(1.0, 1, 1.6), point(5.0, 0, 5.1), point(5.0, 1, 4.9), point(9.0, 0, 12.0)]


def test_bias_slope_and_coverage_are_those_of_scipy():
    found = statistics.summary(POINTS)
    errors = [p.value - p.held for p in POINTS]
    low, high = stats.ttest_1samp(errors, 0.0).confidence_interval(0.95)
    assert found.bias == pytest.approx(np.mean(errors))
    assert found.bias_ci95 == pytest.approx((low, high))
    line = stats.linregress([p.held for p in POINTS], [p.value for p in POINTS])
    assert found.slope == pytest.approx(line.slope)
    half = stats.t.ppf(0.975, len(POINTS) - 2) * line.stderr
    assert found.slope_ci95 == pytest.approx((line.slope - half, line.slope + half))
    assert (found.covered, found.stated) == (4, 5)  # 12 ± 2 does not hold 9


def test_repeatability_is_pooled_within_the_truths():
    # variances 0.08 and 0.02 with one degree of freedom each; the single phantom has none
    assert statistics.repeatability(POINTS) == pytest.approx((0.05**0.5, 2))
    assert statistics.repeatability(POINTS[-1:]) == (None, 0)


def test_one_phantom_has_a_bias_and_no_interval():
    found = statistics.summary(POINTS[:1])
    assert (found.n, found.bias_ci95, found.s, found.slope) == (1, None, None, None)


def test_a_relative_bias_is_the_mean_of_the_ratios_and_does_not_know_the_unit():
    points = [point(2.0, 0, 2.2), point(10.0, 0, 10.5), point(40.0, 0, 42.0), point(40.0, 0, 80.0, look="poor")]
    found = statistics.in_percent(points, "good")
    ratios = [100 * p.value / p.held - 100 for p in points[:3]]
    low, high = stats.ttest_1samp(ratios, 0.0).confidence_interval(0.95)
    assert found.bias == pytest.approx(20 / 3)
    assert found.bias_ci95 == pytest.approx((low, high))
    assert (found.covered, found.stated, found.n) == (3, 3, 3)


# -------------------------------------------------------------------------------------------------------- kit


def test_what_a_pixel_size_cannot_resolve_or_a_field_cannot_hold_is_left_out_with_its_reason():
    made, left = phantom_jobs.planned("grain_size", 0.5, FULL)
    reasons = {one.truth: one.reason for one in left}
    # mean intercept of Poisson-Voronoi grains π / (4 √N_A), N_A = 2^(G - 1) / 64516 µm²: G 0 has 282 µm, G 12 4.41 µm
    assert sorted(reasons) == [0.0, 1.0, 2.0, 3.0, 12.0]
    assert "hold about 3.7 grains" in reasons[0.0]
    assert {phantom.truth for phantom in made} == {4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0}
    coarse = {one.truth: one.reason for one in phantom_jobs.planned("grain_size", 2.0, FULL)[1]}
    assert coarse[12.0] == "mean intercept 2.2 px; grains below 10 px are not resolved"
    assert {truth for truth in coarse if "px; grains below" in coarse[truth]} == {8.0, 9.0, 10.0, 11.0, 12.0}


@pytest.mark.parametrize("recipe", recipes())
def test_every_phantom_has_the_truth_of_every_quantity_and_is_the_same_again(recipe):
    phantom = phantom_jobs.planned(recipe, phantom_jobs.of(recipe).pixel_um, TINY)[0][0]
    first, second = phantom_jobs.drawn(phantom), phantom_jobs.drawn(phantom)
    assert [a.pixels.tobytes() for a in first] == [b.pixels.tobytes() for b in second]
    assert set(phantom_jobs.truths_of(recipe, first)) == set(phantom_jobs.of(recipe).known)


@pytest.mark.parametrize("diameter_px", [6.0, 14.0])
def test_features_of_one_size_have_the_size_and_number_that_the_recipe_is_asked_for(diameter_px):
    kit = replace(TINY, pores_of_a_size=60)
    field = phantom_jobs.of_one_size("porosity", diameter_px, "good", 0.5, kit)
    count, _, found, _ = cv2.connectedComponentsWithStats(field.labels.astype(np.uint8), connectivity=8)
    diameters = np.sqrt(4 / np.pi * found[1:, cv2.CC_STAT_AREA])
    assert np.median(diameters) == pytest.approx(diameter_px, abs=0.5)  # of pixels that are in or out
    assert count - 1 == pytest.approx(60, rel=0.25)  # some touch each other
    again = phantom_jobs.of_one_size("porosity", diameter_px, "good", 0.5, kit)
    assert np.array_equal(field.pixels, again.pixels)
    task = Task(kind="size", table={}, recipe="porosity", look="good", size_px=diameter_px)
    assert task.name == f"pores of {diameter_px:g} px good"  # the seed of the look: it stays


def test_truths_of_several_fields_go_together_as_their_measurement_does():
    fields = [synthetic.grains(seed=i, grain_size_number=8.0, shape_px=(200, 200), pixel_um=0.7) for i in (1, 2)]
    held = phantom_jobs.truths_of("grain_size", fields)["grain_size_number.planimetric"][1]
    per_mm2 = np.mean([field.truth["field.grains_per_mm2"] for field in fields])
    assert held == pytest.approx(np.log2(per_mm2) - synthetic.G_FROM_DENSITY)
    powders = [
        synthetic.powder(seed=i, area_percent=12, median_ecd_um=m, shape_px=(300, 300), pixel_um=1.0)
        for i, m in ((1, 10.0), (2, 25.0))
    ]
    held = phantom_jobs.truths_of("particles", powders)
    sizes = np.concatenate([field.sizes_um for field in powders])
    assert held["particle_d50_um.number"][1] == pytest.approx(np.median(sizes))
    assert held["sauter_diameter_um"][1] == pytest.approx((sizes**3).sum() / (sizes**2).sum())
    assert held["particle_count_per_mm2"][1] == pytest.approx(len(sizes) / (2 * 300 * 300 * 1e-6))
    pores = [synthetic.pores(seed=i, porosity_percent=4, mean_ecd_um=10, shape_px=(200, 200)) for i in (1, 2)]
    counts = [field.truth["field.pore_count"] for field in pores]
    sizes = [field.truth["field.mean_pore_ecd_um"] for field in pores]
    assert phantom_jobs.truths_of("porosity", pores)["mean_pore_ecd_um"][1] == pytest.approx(
        np.average(sizes, weights=counts)
    )


def test_a_phantom_is_a_job_like_any_other(tmp_path):
    phantom = phantom_jobs.planned("porosity", 1.5, TINY)[0][0]
    table = {"name": "threshold", "phase": "dark", "classes": ("pore", "metal")}
    path = phantom_jobs.write_job(tmp_path, "porosity", phantom_jobs.drawn(phantom), "good", phantom.name, table)
    job = load_job(path)
    assert job.calibration.pixel_um == 1.5
    assert job.backend["classes"] == ["pore", "metal"]
    assert len(list(tmp_path.glob("*.tif"))) == TINY.fields


# --------------------------------------------------------------------------------------------------- criteria


def test_every_criterion_names_a_basis_and_what_is_measured():
    rules = criteria.load_criteria()
    assert all(rule.clause.startswith("criterion of this toolkit: ") for rule in rules.rules.values())
    assert {rule.name.split(":")[0] for rule in rules.rules.values()} == set(criteria._MEASURES)
    assert all(set(rule.methods) <= set(LOOKS) for rule in rules.rules.values())


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('name = "bias:area_percent"', 'name = "bais:area_percent"', "rule 'bais:area_percent': write measure"),
        ('name = "bias:area_percent"', 'name = "bias:area"', "rule 'bias:area': write measure"),
        ('methods = ["poor"]', 'methods = ["bad"]', "methods: got 'bad', must be good, ordinary, poor"),
    ],
)
def test_what_is_wrong_in_criteria_is_said(tmp_path, old, new, message):
    text = (data_folder("standards") / criteria.CRITERIA).read_text(encoding="utf-8")
    path = tmp_path / "ours.toml"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(SettingsError, match=message):
        criteria.load_criteria(path)
    with pytest.raises(StandardError, match="unknown standard"):
        criteria.load_criteria(tmp_path / "none.toml")


# ------------------------------------------------------------------------------------------------- whole tests


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    out = tmp_path_factory.mktemp("selftest") / "out"
    said = []
    found = selftest.selftest(
        out, kit=TINY, laboratory="A < B & Co", progress=lambda done, total, text: said.append((done, total, text))
    )
    return found, out, said


def test_all_recipes_are_measured_with_their_default_backends(whole):
    found, out, said = whole
    assert [one.backend for one in found.recipes] == [
        "unet",
        "threshold",
        "threshold",
        "joints",
        "watershed",
        "with_voids",
        "texture",
        "threshold",
        "threshold",
        "threshold",
        "threshold",
        "threshold",
    ]
    assert {one.quantity for one in found.quantities} == {
        quantity for recipe in recipes() for quantity in phantom_jobs.of(recipe).known
    }
    measured = next(one for one in found.judged if one.rule == "measured")
    assert measured.check.passed
    assert measured.check.note == "28 of 28"
    assert {path.name for path in out.iterdir()} == {
        MARKER,
        "selftest.json",
        "selftest.html",
        "selftest.pdf",
        "pictures",
    }
    assert said[-1] == (said[-1][1], said[-1][1], "done")


def test_the_measured_values_are_near_what_was_drawn(whole):
    found, _, _ = whole
    bias = {one.quantity: one.looks[0].bias for one in found.quantities}
    assert abs(bias["grain_size_number.intercept"]) < 0.15
    assert abs(bias["area_percent"]) < 0.5
    assert abs(bias["porosity_percent"]) < 0.4
    assert abs(bias["void_percent.mean"]) < 1.5
    assert abs(bias["particle_d50_um.number"]) < 0.6  # of 6 um
    assert abs(bias["area_percent.covered"]) < 6.0


def test_a_network_does_not_depend_on_its_tiles_and_others_say_that_they_have_none(whole):
    found, _, _ = whole
    tiles = {one.recipe: one for one in found.tiles}
    first, second = tiles["grain_size"].values
    assert first == pytest.approx(second, abs=0.02)
    assert "has no tiles" in tiles["porosity"].skipped


def test_installation_and_worked_cases_are_listed(whole):
    found, _, _ = whole
    weights = [file for file in found.installation.files if file.kind == "weights"]
    assert weights
    assert all(file.intact and re.fullmatch("[0-9a-f]{64}", file.sha256) for file in weights)
    assert "numpy" in found.installation.packages
    assert sum(one.cases for one in found.worked) == sum(one.passed for one in found.worked) > 50


def test_page_and_pdf_state_criteria_results_and_limits_and_carry_the_data(whole):
    found, out, _ = whole
    page = re.sub(r"\s+", " ", re.sub("<[^>]+>", " ", (out / "selftest.html").read_text(encoding="utf-8")))
    printed = " ".join(sheet.extract_text() for sheet in pypdf.PdfReader(out / "selftest.pdf").pages)
    printed = re.sub(r"\s+", " ", printed)
    for text in (page, printed):
        assert "Does the method work here?" in text
        assert found.id in text
        assert text.index("Criteria, stated before the measurement") < text.index("What was found")
        assert "Not checked: the laboratory's own specimens" in text.replace("&#39;", "'")
        assert "the kit was run without poor images" in text
        assert not re.search(r"certif|validated by|accredit", text, re.IGNORECASE)
    assert "A &lt; B &amp; Co" in (out / "selftest.html").read_text(encoding="utf-8")
    with pikepdf.open(out / "selftest.pdf") as pdf:
        assert pdf.attachments["selftest.json"].get_file().read_bytes() == (out / "selftest.json").read_bytes()


def test_what_is_written_reads_back(whole, tmp_path):
    found, out, _ = whole
    again = selftest.load_selftest(out / "selftest.json")
    assert isinstance(again, SelfTest)
    assert (again.id, again.verdict) == (found.id, found.verdict)
    (tmp_path / "no.json").write_text(json.dumps({"schema": "inspect_tool/report/1"}), encoding="utf-8")
    with pytest.raises(SettingsError, match="this version reads 'inspect_tool/selftest/1'"):
        selftest.load_selftest(tmp_path / "no.json")


def run(monkeypatch, *arguments):
    monkeypatch.setattr(phantom_jobs, "QUICK", TINY)
    monkeypatch.setattr("sys.argv", ["inspect-tool", *map(str, arguments)])
    with pytest.raises(SystemExit) as left:
        cli.main()
    return left.value.code


def test_a_shifted_threshold_fails_and_the_criterion_is_named(tmp_path, monkeypatch, capsys):
    options = ("--quick", "-w", 1, "-r", "porosity", "--set", "method=fixed", "--set", "levels=[165.0]", "-o")
    assert run(monkeypatch, "selftest", *options, tmp_path / "out") == 3
    printed = capsys.readouterr().out
    assert "criteria not met" in printed
    assert re.search(r"Bias: Porosity .* NO ", printed)
    found = selftest.load_selftest(tmp_path / "out" / "selftest.json")
    missed = {one.rule for one in found.judged if not one.skipped and not one.check.passed}
    assert "bias:porosity_percent" in missed
    assert "worked" not in missed
    page = (tmp_path / "out" / "selftest.html").read_text(encoding="utf-8")
    assert "Bias: Porosity: found" in page


def test_a_backend_that_cannot_segment_makes_the_test_fail_and_the_phantom_is_named(monkeypatch):
    from inspect_tool.errors import BackendError
    from inspect_tool.segmentation import threshold

    def broken(model, micrograph, settings):
        msg = "broken for the test"
        raise BackendError(msg)

    monkeypatch.setattr(threshold, "segment", broken)
    found = selftest.selftest(recipes=("porosity",), kit=replace(TINY, truths={"porosity": (5.0,)}))
    assert found.verdict == "criteria not met"
    assert (
        next(one for one in found.recipes if one.recipe == "porosity").failed[0]
        == "porosity 5 good 1: broken for the test"
    )
    missed = {one.rule for one in found.judged if not one.skipped and not one.check.passed}
    assert {"measured", "bias:porosity_percent", "coverage:porosity_percent"} <= missed


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("-r", "hardness"), "--recipe hardness: the kit has phantoms for grain_size"),
        (("--pixel-um", "0"), "a pixel size is above 0"),
        (("-b", "labels"), "--backend labels: takes masks that exist"),
        (("-b", "nothing"), "unknown backend 'nothing'"),
        (("-r", "grain_size", "-b", "threshold"), "grain_size"),
        (("-r", "porosity", "--set", "levles=3"), "levles: unknown key"),
        (("--golden", "nowhere"), "golden.json: no such file"),
        (("--criteria", "nowhere.toml"), "unknown standard"),
    ],
)
def test_what_must_be_fixed_is_said_before_any_work(arguments, message, tmp_path, monkeypatch, capsys):
    assert run(monkeypatch, "selftest", "--quick", *arguments, "-o", tmp_path / "out") == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert message in lines[-1]
    assert not (tmp_path / "out").exists()


def test_a_folder_with_anything_else_is_never_replaced(tmp_path):
    (tmp_path / "kept.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(SettingsError, match=r"holds no selftest.json, so it is not replaced"):
        selftest.selftest(tmp_path, kit=TINY)
    assert (tmp_path / "kept.txt").read_text(encoding="utf-8") == "mine"


def test_a_backend_that_does_not_answer_a_recipe_leaves_it_out_with_the_reason():
    tables, refused = selftest.backends_of((), "threshold", {})
    known = {
        "banding",
        "confluence",
        "fibres",
        "graphite",
        "decarburisation",
        "inclusions",
        "layer_thickness",
        "particles",
        "phase_fraction",
        "porosity",
        "solder_voids",
    }
    assert set(tables) == known - set(refused)
    assert "grain_size" in refused
