"""The gate: limits, refusal, acceptance by name, and what the report says of it."""

import json
import re

import numpy as np
import pytest
import tifffile

import inspect_tool
from inspect_tool import registry, synthetic
from inspect_tool.errors import BackendError, MeasurementError, SettingsError
from inspect_tool.images import quality
from inspect_tool.images.quality import Figure
from inspect_tool.inspection import job_plan, notebook
from inspect_tool.model import Acceptance, Calibration, Job, Limit, Limits, Micrograph
from inspect_tool.report.exporters import html
from inspect_tool.studies.comparison import compare
from inspect_tool.synthetic import Degradation

JOB = """
recipe = "phase_fraction"
images = ["field_*.tif"]
exports = ["json"]
[calibration]
pixel_um = 0.5
u_rel = 0.005
source = "stage micrometer"
certificate = "C-1"
valid_until = 2099-01-01
"""
ACCEPT = """
[[accept]]
check = "focus"
reason = "only picture that exists of the broken part"
by = "J. Doe"
"""


def picture(seed=1, **look):
    field = synthetic.two_phase(seed=seed, area_percent=30.0, feature_um=24.0, shape_px=(300, 300), pixel_um=0.5)
    return synthetic.degrade(field.pixels, Degradation(**({"blur_px": 0.5, "read_noise": 1.0} | look)), seed=seed)


def job(folder, more="", blurred=(), fields=2):
    for i in range(1, fields + 1):
        tifffile.imwrite(folder / f"field_{i}.tif", picture(i, **({"blur_px": 6.0} if i in blurred else {})))
    path = folder / "job.toml"
    path.write_text(JOB + more, encoding="utf-8")
    return path


def quality_checks(report):
    titles = {says.title: name for name, says in quality._SAYS.items()}
    return {titles[check.name]: check for check in report.checks if check.name in titles}


# ------------------------------------------------------------------------------------------------ whole jobs


def test_a_good_job_has_every_check_passed_once_and_a_table(tmp_path):
    report = inspect_tool.run(job(tmp_path))
    found = quality_checks(report)
    names = [*found]
    assert names == [name for name in quality.NAMES if name not in ("shading", "saturated_joints")]  # 3 x 3 tiles
    assert all(check.passed and check.scope == "image" and not check.accepted for check in found.values())
    table = next(table for table in report.tables if table.title == "Image quality")
    assert [row[0] for row in table.rows] == ["field_1.tif", "field_2.tif"]
    assert found["focus"].note.startswith("worst image: field_")


def test_a_red_image_stops_the_job_in_one_line(tmp_path):
    path = job(tmp_path, blurred=[2])
    with pytest.raises(
        MeasurementError, match=r"^field_2\.tif: image quality: focus: blur of the edges: 5\.\d+ px"
    ) as e:
        inspect_tool.run(path, out=tmp_path / "reports")
    assert 'at most 5 px is measured; take the image again, or accept it in the job: [[accept]] check = "focus"' in str(
        e.value
    )
    assert "\n" not in str(e.value)
    assert not list((tmp_path / "reports").glob("*"))
    with pytest.raises(MeasurementError, match=r"field_2\.tif: image quality: focus"):
        inspect_tool.check(path)


def test_an_accepted_image_is_measured_and_the_report_says_who_and_why(tmp_path):
    path = job(tmp_path, ACCEPT, blurred=[2])
    inspect_tool.check(path)
    report = inspect_tool.run(path)
    check = quality_checks(report)["focus"]
    assert check.accepted == "by J. Doe: only picture that exists of the broken part (field_2.tif)"
    assert not check.passed
    warning = next(text for text in report.warnings if text.startswith("Focus"))
    assert warning.endswith("accepted by J. Doe: only picture that exists of the broken part (field_2.tif)")
    assert report.verdict == "no requirement"


def test_an_acceptance_holds_for_the_images_that_it_names(tmp_path):
    with pytest.raises(MeasurementError, match=r"^field_2\.tif: image quality: focus"):
        inspect_tool.run(job(tmp_path, ACCEPT + 'images = ["field_1.tif"]\n', blurred=[2]))
    inspect_tool.check(job(tmp_path, ACCEPT + 'images = ["*_2.tif"]\n', blurred=[2]))


def test_another_check_than_the_accepted_one_still_stops(tmp_path):
    with pytest.raises(MeasurementError, match="image quality: focus"):
        inspect_tool.run(job(tmp_path, ACCEPT.replace("focus", "noise"), blurred=[1]))


def test_an_acceptance_that_nothing_needs_is_not_printed(tmp_path):
    report = inspect_tool.run(job(tmp_path, ACCEPT))
    assert not any(check.accepted for check in report.checks)


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (ACCEPT.replace("focus", "focsu"), r"job.toml accept.0.check: 'focsu' is no check .*: focus, soft_region, "),
        (ACCEPT.replace("only picture that exists of the broken part", " "), r"accept.0.reason: is empty; say why"),
        ('[[accept]]\ncheck = "focus"\n', r"accept.0.reason: is missing"),
        (ACCEPT + 'images = ["field_9.tif"]\n', r"accept.0.images: 'field_9.tif' is no image of this job"),
        ("[quality]\nfokus = { red = 9 }\n", r"quality.fokus: no such check; there are: focus"),
        ("[quality]\nfocus = 9\n", r"quality.focus: got 9; write focus = \{ advised = ..., red = ... \}"),
        ("[quality]\nfocus = { rot = 9 }\n", r"quality.focus.rot: unknown key"),
        ('[quality]\nfocus = { red = "9" }\n', r"quality.focus.red: got '9'"),
        ("[quality]\nfocus = { red = 1 }\n", r"quality.focus.red: 1 is stricter than advised = 3"),
        ("[quality]\nnoise = { red = 4 }\n", r"quality.noise.red: 4 is stricter than advised = 3"),
    ],
)
def test_wrong_acceptances_and_limits_are_one_line(tmp_path, more, says):
    with pytest.raises(SettingsError, match=says):
        job_plan.plan(job(tmp_path, more))


def test_limits_of_a_job_are_printed_with_the_usual_ones(tmp_path):
    report = inspect_tool.run(job(tmp_path, "[quality]\nfocus = { red = 9 }\n", blurred=[2]))
    check = quality_checks(report)["focus"]
    assert check.clause.endswith("stops at 9; limits set by this job, default 3, stops at 5")
    assert check.limit == 3
    assert not check.passed
    assert any(
        text.startswith("Focus: blur of the edges: not met (worst image: field_2.tif") for text in report.warnings
    )
    assert "limits set by this job" not in quality_checks(report)["noise"].clause


def test_masks_of_the_user_are_measured_whatever_the_picture(tmp_path):
    path = job(tmp_path, '[backend]\nname = "labels"\nmasks = ["mask_*.tif"]\n', blurred=[1, 2])
    for i in (1, 2):
        tifffile.imwrite(tmp_path / f"mask_{i}.tif", (picture(i) < 150).astype(np.uint8) * 255)
    report = inspect_tool.run(path)
    assert not quality_checks(report)["focus"].passed


def test_a_comparison_refuses_the_image_and_goes_on_with_the_others(tmp_path):
    path = job(tmp_path, blurred=[2], fields=3)
    found, _ = compare.compare(path, ["threshold:method=otsu"], tmp_path / "out")
    refused = {refusal.image: refusal.reason for run in found.candidates for refusal in run.refused}
    assert [*refused] == ["field_2.tif"]
    assert "image quality: focus" in refused["field_2.tif"]
    with pytest.raises(BackendError, match=r"no field could be measured: field_1\.tif: image quality"):
        compare.compare(job(tmp_path, blurred=[1, 2, 3], fields=3), ["threshold:method=otsu"], tmp_path / "out")


def test_the_page_shows_what_was_accepted(tmp_path):
    path = job(tmp_path, ACCEPT, blurred=[1])
    report = inspect_tool.run(path, out=tmp_path / "reports")
    file = html.write(report, tmp_path / "reports" / "job", job_plan.plan(path).template)
    page = re.sub(r"\s+", " ", file.read_text(encoding="utf-8"))
    assert "<b>Accepted</b> by J. Doe: only picture that exists of the broken part (field_1.tif)" in page
    assert page.count("accepted by J. Doe") >= 1


def test_the_report_is_read_back_with_its_acceptance(tmp_path):
    inspect_tool.run(job(tmp_path, ACCEPT, blurred=[1]), out=tmp_path / "reports")
    file = tmp_path / "reports" / "job" / "report.json"
    assert any(check["accepted"] for check in json.loads(file.read_text(encoding="utf-8"))["checks"])
    assert any(check.accepted for check in inspect_tool.load_report(file).checks)


# ---------------------------------------------------------------------------------------------------- figures


def figures(pixels, roi=None, limits=None):
    return {figure.check: figure for figure in quality.image_figures(pixels, roi, limits or Limits(), "field")}


def test_a_soft_corner_is_named():
    found = figures(picture(soft_corner_px=9.0))["soft_region"]
    assert found.value > 2.5
    assert found.where == "bottom right corner, tile 3, 3 of 3 x 3"
    assert not quality.is_advised(found)


def test_each_degradation_stops_by_its_own_check():
    for look, check in (
        ({"blur_px": 7.0}, "focus"),
        ({"contrast": 0.02}, "contrast"),
        ({"read_noise": 90.0}, "noise"),
        ({"exposure": 2.0}, "saturation"),
    ):
        red = [figure.check for figure in figures(picture(**look)).values() if quality.is_red(figure)]
        assert check in red, look
    assert not any(quality.is_red(figure) for figure in figures(picture()).values())


def test_an_image_without_structure_gets_a_remark_and_is_not_stopped():
    noise = np.clip(np.random.default_rng(1).normal(128, 5, (300, 300)), 0, 255).astype(np.uint8)
    found = figures(noise)
    assert {name for name, figure in found.items() if figure.value is None} == {"focus", "contrast", "noise"}
    assert quality.judged(tuple(found.values()), ()) == tuple(found.values())
    checks = quality.as_checks(tuple(found.values()))
    assert not checks[0].passed
    assert checks[0].value is None
    assert "absent and not visible look the same" in checks[0].note


@pytest.mark.parametrize("shape", [(1, 1), (5, 200), (40, 40)])
def test_tiny_and_flat_images_are_judged_without_an_error(shape):
    for pixels in (np.full(shape, 9, np.uint8), np.full(shape, 0.5, np.float32)):
        assert not any(quality.is_red(figure) for figure in figures(pixels).values())


def test_what_lies_outside_the_region_does_not_count():
    pixels = picture()
    pixels[150:] = picture(blur_px=7.0)[150:]
    roi = np.zeros(pixels.shape, bool)
    roi[:150] = True
    assert figures(pixels, roi)["focus"].value < 1
    assert quality.is_red(figures(pixels, ~roi)["focus"])


def test_assess_gives_checks_of_one_image():
    image = Micrograph(pixels=picture(blur_px=7.0), calibration=Calibration(source="ratio only"), path="field.tif")
    checks = {check.name: check for check in quality.assess(image)}
    assert not checks["Focus: blur of the edges"].passed
    assert checks["Compression: steps at the borders of 8 x 8 px blocks"].passed


def test_the_size_of_what_was_found_is_that_of_its_chords():
    # squares of 6 px every 10 px
    labels = np.zeros((40, 40), np.int32)
    labels[np.ix_(np.arange(40) % 10 < 6, np.arange(40) % 10 < 6)] = 1
    assert quality.structure_px(labels, "semantic") == 6
    # a line of 30 px counts with its length: (30² + 10²) / (30 + 10) = 25 along, 1 across
    line = np.zeros((9, 60), np.int32)
    line[4, :30] = 1
    line[4, 40:50] = 2
    assert quality.structure_px(line, "semantic") == pytest.approx((1000 + 40) / 80)
    # grains touch: each of them has its own chord
    grains = np.repeat(np.arange(1, 5, dtype=np.int32), 8)[None].repeat(8, axis=0)
    assert quality.structure_px(grains, "instance") == 8
    assert quality.structure_px(np.zeros((5, 5), np.int32), "semantic") is None


def test_an_empty_segmentation_of_an_image_with_structure_is_red(tmp_path):
    pixels = picture()
    image = Micrograph(pixels=pixels, calibration=Calibration(source="ratio only"), path="field")
    empty = notebook.segment(image, "threshold", method="fixed", levels=(1.0,))
    found = quality.structure_figures(empty, {}, quality.image_figures(pixels, image="field"))
    with pytest.raises(MeasurementError, match=r"0 \(nothing was found\), at least 6 is measured; use another backend"):
        quality.judged(found, ())


def test_a_section_without_pores_may_have_a_scratch():
    pixels = np.clip(np.random.default_rng(1).normal(180, 2, (400, 400)), 0, 255).astype(np.uint8)
    pixels[20:60, 30:50] = 90
    image = Micrograph(pixels=pixels, calibration=Calibration(source="ratio only"), path="field")
    empty = notebook.segment(image, "threshold", method="fixed", levels=(1.0,))
    found = quality.image_figures(pixels, image="field")
    assert found[0].share == 1 / 16
    assert quality.structure_figures(empty, {}, found) == found


def test_clipped_joints_stop_and_do_not_double_the_rule_of_the_method():
    figure = Figure(check="saturated_joints", value=25.0, limit=Limits().saturated_joints, image="a")
    assert quality.is_red(figure)
    assert quality.as_checks([figure]) == ()
    (accepted,) = quality.judged([figure], [Acceptance(check="saturated_joints", reason="no other")])
    (check,) = quality.as_checks([accepted])
    assert check.accepted == "no other (a)"


def test_a_limit_without_red_never_stops():
    figure = Figure(check="focus", value=99.0, limit=Limit(advised=1.0))
    assert not quality.is_red(figure)
    assert not quality.is_advised(figure)


def test_every_recipe_has_limits_in_order():
    for recipe in registry.names("recipe"):
        assert quality.limits_of(Job(recipe=recipe), "job") == quality.default_limits(recipe)
