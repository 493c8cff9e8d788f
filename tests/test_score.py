"""Scores of whole images: what is measured on truth and prediction, files in, files out."""

import csv
import io
import json
from dataclasses import replace

import cv2
import numpy as np
import pytest
import tifffile
from scipy.spatial import cKDTree
from typer.testing import CliRunner

from inspect_tool.cli import app
from inspect_tool.errors import BackendError, InspectError, MeasurementError, OutputError, ReadError, SettingsError
from inspect_tool.model import Calibration, Micrograph, Segmentation
from inspect_tool.scale.calibration import RATIO_ONLY
from inspect_tool.training import score_files
from inspect_tool.training.annotations import Settings
from inspect_tool.training.score import (
    QuantityPair,
    Request,
    as_segmentation,
    checked_request,
    field_score,
    make_case,
    quantity_score,
    score,
    setting_table,
    summarized,
)

SHAPE = (200, 300)


def discs(seed, change=0.0, shape=SHAPE):
    """Separate discs on a raster, their radii changed by a number of pixels."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    image = np.zeros(shape, bool)
    for row in range(25, shape[0], 50):
        for column in range(25, shape[1], 50):
            image |= (rows - row) ** 2 + (columns - column) ** 2 <= (rng.uniform(6, 14) + change) ** 2
    return image


def grains(seed, count=150, shape=SHAPE, shift=0.0):
    rng = np.random.default_rng(seed)
    at = rng.uniform((0, 0), shape, (count, 2))
    at = at + np.random.default_rng(9).normal(0, shift, at.shape) if shift else at
    grid = np.stack(np.mgrid[: shape[0], : shape[1]], axis=-1)
    return (cKDTree(at).query(grid)[1] + 1).astype(np.int32)


def micrograph(shape=SHAPE, pixel_um=0.5, name="f.tif", roi=None):
    calibration = Calibration(source=RATIO_ONLY) if pixel_um is None else Calibration(pixel_um=pixel_um, source="test")
    return Micrograph(pixels=np.full(shape, 128, np.uint8), calibration=calibration, path=name, roi=roi)


def folders(tmp_path, **images):
    for folder, arrays in images.items():
        (tmp_path / folder).mkdir()
        for i, array in enumerate(arrays):
            cv2.imwrite(str(tmp_path / folder / f"f_{i}.png"), array)
    return tmp_path


def pores(tmp_path, changes=(0.5, 1.0, -0.5)):
    truth = [discs(i) * np.uint8(255) for i in range(len(changes))]
    predicted = [discs(i, change) * np.uint8(255) for i, change in enumerate(changes)]
    images = [cv2.GaussianBlur(200 - item // 2, (0, 0), 1.0) for item in truth]
    return folders(tmp_path, truth=truth, predicted=predicted, images=images)


def asked(folder, **more):
    return Request(recipe="porosity", truth=(str(folder / "truth"),), **more)


# ---------------------------------------------------------------------------------------------------------- measurand


def test_the_error_of_the_porosity_is_that_of_the_areas(tmp_path):
    folder = pores(tmp_path)
    found = score(asked(folder, predicted=(str(folder / "predicted"),)))
    assert [image.image for image in found.images] == ["f_0.png", "f_1.png", "f_2.png"]
    differences = []
    for i, image in enumerate(found.images):
        truth, predicted = (cv2.imread(str(folder / name / f"f_{i}.png"), 0) > 0 for name in ("truth", "predicted"))
        pair = image.quantities["porosity_percent"]
        assert pair.truth == pytest.approx(100 * truth.mean())
        assert pair.predicted == pytest.approx(100 * predicted.mean())
        differences.append(100 * (predicted.mean() - truth.mean()))
        both, either = np.count_nonzero(truth & predicted), np.count_nonzero(truth | predicted)
        assert image.pixels["pore"].iou == pytest.approx(both / either)
        assert image.objects["pore"][0.5].tp == cv2.connectedComponents(truth.view(np.uint8))[0] - 1
    total = found.quantities["porosity_percent"]
    assert total.found is not None
    assert total.found.mean == pytest.approx(np.mean(differences))
    assert total.found.s == pytest.approx(np.std(differences, ddof=1))
    assert total.median_abs == pytest.approx(np.median(np.abs(differences)))
    assert total.largest_abs == pytest.approx(np.max(np.abs(differences)))
    assert total.found.limits == pytest.approx(
        (np.mean(differences) - 1.959964 * total.found.s, np.mean(differences) + 1.959964 * total.found.s)
    )
    assert total.main
    assert "no scale: pore_count_per_mm2" in found.notes[0]
    assert found.boundary.f1 == 1.0  # radii change by less than the tolerance


def test_a_perfect_prediction_has_perfect_scores():
    labels = grains(1)
    case = make_case(Request(recipe="grain_size", truth=()))
    truth = as_segmentation(labels, case.classes, "instance")
    order = np.concatenate([[0], np.random.default_rng(0).permutation(labels.max()) + 1]).astype(np.int32)
    found = field_score(case, micrograph(), truth, as_segmentation(order[labels], case.classes, "instance"))
    assert found.pixels == {}  # every pixel is a grain: no merit
    assert found.boundary.f1 == 1.0
    assert {match.pq for match in found.objects["grain"].values()} == {1.0}
    assert all(pair.difference == pytest.approx(0, abs=1e-9) for pair in found.quantities.values())


def test_the_error_of_g_does_not_depend_on_the_scale():
    labels, other = grains(1), grains(1, count=110)
    case = make_case(Request(recipe="grain_size", truth=()))

    def difference(pixel_um):
        found = field_score(
            case,
            micrograph(pixel_um=pixel_um),
            as_segmentation(labels, case.classes, "instance"),
            as_segmentation(other, case.classes, "instance"),
        )
        return found.quantities["grain_size_number.intercept"].difference

    # fewer grains are coarser; G falls by the binary logarithm of the ratio of the densities (ASTM E112)
    assert difference(0.5) == pytest.approx(np.log2(110 / 150), abs=0.25)
    assert difference(0.5) == pytest.approx(difference(2.0), abs=1e-6)


def test_without_a_scale_nothing_in_um_is_compared():
    case = make_case(Request(recipe="grain_size", truth=()))
    one = as_segmentation(grains(1), case.classes, "instance")
    found = summarized(case, [field_score(case, micrograph(pixel_um=None), one, one)])
    assert "grain_size_number" not in found.quantities
    assert any("give --pixel-um (differences of G are the same for any)" in note for note in found.notes)
    assert any("1 image is too few" in note for note in found.notes)


def test_a_prediction_that_cannot_be_measured_is_said_and_scored():
    case = make_case(Request(recipe="grain_size", truth=()))
    truth = as_segmentation(grains(1), case.classes, "instance")
    nothing = as_segmentation(np.zeros(SHAPE, np.int32), case.classes, "instance")
    found = field_score(case, micrograph(), truth, nothing)
    assert "prediction not measured: " in found.notes[0]
    assert "no closed grain found" in found.notes[0]
    assert found.quantities["grain_size_number"].predicted is None
    assert found.objects["grain"][0.5].ap == 0.0
    total = summarized(case, [found])
    assert total.quantities["grain_size_number"].missing == 1
    assert total.quantities["grain_size_number"].found is None
    assert total.notes[0].startswith("prediction not measured")
    fine = field_score(case, micrograph(name="g.tif"), truth, truth)
    assert summarized(case, [found, fine]).notes[0].startswith("f.tif: prediction not measured")


def test_pixels_that_are_not_annotated_count_nowhere():
    truth = discs(1).astype(np.int32)
    truth[:, 150:] = -1
    predicted = discs(1).astype(np.int32)
    predicted[:, 160:] = 1  # nonsense where nobody looked
    case = make_case(Request(recipe="porosity", truth=()))
    found = field_score(
        case,
        micrograph(),
        as_segmentation(truth, case.classes, "semantic"),
        as_segmentation(predicted, case.classes, "semantic"),
    )
    assert found.annotated_percent == pytest.approx(50)
    assert found.pixels["pore"].iou == 1.0
    assert found.boundary.f1 == 1.0
    assert found.objects["pore"][0.95].ap == 1.0
    pair = found.quantities["porosity_percent"]
    assert pair.truth == pair.predicted == pytest.approx(100 * discs(1)[:, :150].mean())
    empty = as_segmentation(truth * 0 - 1, case.classes, "semantic")
    with pytest.raises(MeasurementError, match=r"f\.tif: no pixel of the truth is annotated"):
        field_score(case, micrograph(), empty, empty)


def test_joints_are_joints_with_their_voids():
    truth = np.zeros(SHAPE, np.int32)
    truth[20:80, 20:80] = truth[20:80, 120:180] = 1
    predicted = truth.copy()
    truth[40:60, 40:60] = 2
    predicted[40:60, 40:50] = 2  # half of the void
    case = make_case(Request(recipe="solder_voids", truth=()))
    found = field_score(
        case, micrograph(), *(as_segmentation(item, case.classes, "semantic") for item in (truth, predicted))
    )
    assert found.objects["joint"][0.95].tp == 2  # the void belongs to its joint
    assert found.objects["void"][0.5] == found.objects["void"][0.5].__class__(tp=1, fp=0, fn=0, iou_sum=0.5)
    assert found.objects["void"][0.55].ap == 0.0
    pair = found.quantities["void_percent.max"]
    assert (pair.truth, pair.predicted) == (pytest.approx(100 * 400 / 3600), pytest.approx(100 * 200 / 3600))
    assert set(found.pixels) == {"background", "joint", "void"}  # no via anywhere


def test_objects_and_classes_are_compared_with_each_other():
    case = make_case(Request(recipe="porosity", truth=()))
    marked = discs(1)
    objects = cv2.connectedComponents(marked.view(np.uint8), connectivity=8)[1].astype(np.int32)
    classes = as_segmentation(marked.astype(np.uint8), case.classes, "semantic")  # classes fit into 8 bits
    single = as_segmentation(objects, case.classes, "instance")
    for one, other in ((classes, single), (single, classes), (single, single)):
        found = field_score(case, micrograph(), one, other)
        assert found.pixels["pore"].iou == 1.0
        assert found.objects["pore"][0.95].ap == 1.0
        assert found.quantities["porosity_percent"].difference == pytest.approx(0)


def test_errors_are_painted_where_they_are():
    case = replace(make_case(Request(recipe="porosity", truth=())), picture_px=300)
    truth, predicted = np.zeros(SHAPE, np.int32), np.zeros(SHAPE, np.int32)
    truth[20:60, 20:60] = predicted[20:60, 120:160] = 1  # missed, invented
    truth[100:140, 20:60] = predicted[100:140, 20:60] = 1  # right
    found = field_score(
        case, micrograph(), *(as_segmentation(item, case.classes, "semantic") for item in (truth, predicted))
    )
    blue, green, red = np.moveaxis(cv2.imdecode(np.frombuffer(found.picture, np.uint8), 1).astype(int), -1, 0)
    assert green.shape == SHAPE
    assert red[40, 40] - blue[40, 40] > 150  # orange
    assert blue[40, 140] - red[40, 140] > 100
    assert abs(blue[120, 40] - red[120, 40]) < 20
    shape = (100, 150)
    halved = replace(case, picture_px=150)
    small = field_score(
        halved, micrograph(), *(as_segmentation(item, case.classes, "instance") for item in (truth, predicted))
    )
    assert cv2.imdecode(np.frombuffer(small.picture, np.uint8), 1).shape[:2] == shape


# ------------------------------------------------------------------------------------------------------------ classes


def prediction(names):
    return Segmentation(labels=discs(1).astype(np.int32), classes=names, kind="semantic", backend="test")


def test_classes_are_brought_together_by_name():
    case = make_case(Request(recipe="phase_fraction", truth=(), classes=("matrix", "carbide", "pore")))
    truth = as_segmentation(2 * discs(1).astype(np.int32), case.classes, "semantic")
    found = field_score(case, micrograph(), truth, prediction({0: "matrix", 1: "Pore"}))
    assert found.pixels["pore"].iou == 1.0
    assert found.objects == {}  # how many there are is not asked
    with pytest.raises(
        SettingsError, match=r"f\.tif: the prediction has the classes matrix, dark, the truth matrix, c"
    ):
        field_score(case, micrograph(), truth, prediction({0: "matrix", 1: "dark"}))
    two = make_case(Request(recipe="phase_fraction", truth=(), classes=("matrix", "carbide")))
    truth = as_segmentation(discs(1).astype(np.int32), two.classes, "semantic")
    found = field_score(two, micrograph(), truth, prediction({0: "matrix", 1: "dark"}))
    assert found.pixels["carbide"].iou == 1.0
    assert found.notes == ("classes of the prediction are taken by their number: 'dark' for carbide",)
    first = make_case(Request(recipe="phase_fraction", truth=()), prediction({0: "light", 1: "dark"}))
    assert first.classes == ("light", "dark")
    with pytest.raises(SettingsError, match="recipe phase_fraction has no classes of its own; name them"):
        make_case(Request(recipe="phase_fraction", truth=()))


def test_images_of_other_size_are_refused():
    case = make_case(Request(recipe="porosity", truth=()))
    one, other = (
        as_segmentation(discs(1, shape=shape).astype(np.int32), case.classes, "semantic") for shape in (SHAPE, (99, 99))
    )
    with pytest.raises(MeasurementError, match=r"the truth has \(200, 300\) px, the prediction \(99, 99\)"):
        field_score(case, micrograph(), one, other)


def test_quantities_of_few_images():
    def pair(truth, predicted):
        return QuantityPair(title="A", unit="%", main=True, truth=truth, predicted=predicted)

    found = quantity_score([pair(1.0, 1.5), pair(2.0, 1.9), pair(3.0, None), None])
    assert (found.missing, found.found.n, found.p95_abs) == (2, 2, None)
    assert found.mean_truth == 1.5
    assert found.median_abs == pytest.approx(0.3)
    many = quantity_score([pair(0.0, float(i)) for i in range(1, 22)])
    assert many.p95_abs == pytest.approx(20.0)  # the 20th of 21


# --------------------------------------------------------------------------------------------------------- whole runs


def test_a_backend_is_scored_on_its_images(tmp_path):
    folder = pores(tmp_path)
    told = []
    found = score(
        asked(folder, images=(str(folder / "images" / "*.png"),), backend="threshold", pixel_um=0.5),
        lambda done, total, text: told.append((done, total, text)),
    )
    assert told == [(0, 3, "f_0.png"), (1, 3, "f_1.png"), (2, 3, "f_2.png"), (3, 3, "done")]
    assert found.backend["name"] == "threshold"
    assert found.pixels["pore"].iou > 0.9
    assert found.quantities["mean_pore_ecd_um"].found.n == 3
    assert found.notes == ()


def test_an_image_that_a_backend_refuses_is_missing_and_scored(tmp_path, monkeypatch):
    from inspect_tool.segmentation import threshold

    folder, segment, seen = pores(tmp_path), threshold.segment, []

    def refuses_the_second(model, field, chosen):
        seen.append(field.path)
        if field.path.endswith("f_1.png"):
            msg = f"{field.path}: no contrast"
            raise BackendError(msg)
        return segment(model, field, chosen)

    monkeypatch.setattr(threshold, "segment", refuses_the_second)
    request = asked(folder, images=(str(folder / "images"),), backend="threshold")
    found = score(request)
    assert len(seen) == 3
    assert found.notes[0] == "f_1.png: no prediction: f_1.png: no contrast"
    assert found.images[1].pixels["pore"].iou == 0.0
    assert found.images[0].pixels["pore"].iou > 0.9
    monkeypatch.setattr(
        threshold,
        "segment",
        lambda model, field, chosen: refuses_the_second(model, replace(field, path="f_1.png"), chosen),
    )
    with pytest.raises(BackendError, match=r"f_1\.png: no contrast"):
        score(request)


def test_label_images_and_a_footer(tmp_path):
    labels = grains(3)
    whole = np.concatenate([labels, np.zeros((30, 300), np.int32)])
    for folder, image in (("truth", whole), ("predicted", whole)):
        (tmp_path / folder).mkdir()
        tifffile.imwrite(tmp_path / folder / "g.tif", image.astype(np.uint16))
    found = score(
        Request(
            recipe="grain_size",
            truth=(str(tmp_path / "truth"),),
            predicted=(str(tmp_path / "predicted"),),
            pixel_um=0.5,
            footer_px=30,
            marks=Settings(mask="labels"),
        )
    )
    assert found.images[0].shape_px == SHAPE
    assert found.objects["grain"][0.5].tp == labels.max()
    assert found.quantities["grain_size_number"].found.mean == 0.0


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({}, r"needs masks to judge \(--predicted\) or a backend that makes them \(--backend\), one of them"),
        ({"predicted": ("x",), "backend": "threshold"}, "not both"),
        ({"backend": "threshold"}, "backend 'threshold' needs the images"),
        ({"backend": "labels", "images": ("IMAGES",)}, "backend 'labels' reads masks; give them with --predicted"),
        ({"backend": "watershed", "images": ("IMAGES",)}, "recipe porosity asks coverage"),
        ({"backend": "threshold", "images": ("IMAGES",), "backend_settings": {"fase": 1}}, "fase: unknown key"),
        ({"predicted": ("none_*.png",)}, r"none_\*\.png: no mask matches"),
        ({"predicted": ("PREDICTED",), "settings": {"x": 1}}, "--recipe-set x: unknown key"),
        ({"predicted": ("PREDICTED",), "standard": "astm_e112_1899"}, "astm_e112_1899"),
    ],
)
def test_requests_that_do_not_fit(tmp_path, more, says):
    folder = pores(tmp_path)
    places = {"IMAGES": str(folder / "images"), "PREDICTED": str(folder / "predicted")}
    more = {
        key: tuple(places.get(item, item) for item in value) if isinstance(value, tuple) else value
        for key, value in more.items()
    }
    with pytest.raises(InspectError, match=says) as error:
        score(asked(folder, **more))
    assert "\n" not in str(error.value)


def test_drawn_truth_needs_the_size_of_an_image(tmp_path):
    folder = pores(tmp_path)
    for kind in ("truth", "predicted"):
        for path in (folder / kind).iterdir():
            path.unlink()
        shape = {"label": "pore", "shape_type": "rectangle", "points": [[10, 10], [30, 30]]}
        (folder / kind / "f_0.json").write_text(json.dumps({"shapes": [shape]}))
    with pytest.raises(SettingsError, match=r"f_0\.json: drawn shapes have no size of their own; give the images"):
        score(asked(folder, predicted=(str(folder / "predicted"),)))
    for i in (1, 2):
        (folder / "images" / f"f_{i}.png").unlink()
    found = score(asked(folder, predicted=(str(folder / "predicted"),), images=(str(folder / "images"),)))
    assert found.pixels["pore"].iou == 1.0
    assert found.pixels["pore"].truth == 400


def test_an_empty_prediction_is_a_result_and_an_empty_truth_a_question(tmp_path):
    folder = pores(tmp_path, changes=(0.5,))
    cv2.imwrite(str(folder / "predicted" / "f_0.png"), np.zeros(SHAPE, np.uint8))
    found = score(asked(folder, predicted=(str(folder / "predicted"),)))
    assert found.pixels["pore"].iou == 0.0
    with pytest.raises(ReadError, match="every pixel of the mask is 0; mark the structure, or say may_be_empty"):
        score(Request(recipe="porosity", truth=(str(folder / "predicted"),), predicted=(str(folder / "truth"),)))


def test_settings_are_read_as_they_are_typed():
    table = setting_table(["a=0.5", "b=dark", "c=[1, 2]", "d=true", 'e="x=y"'])
    assert table == {"a": 0.5, "b": "dark", "c": [1, 2], "d": True, "e": "x=y"}
    with pytest.raises(SettingsError, match=r"--set dark: write the setting and its value, such as threshold=0\.4"):
        setting_table(["dark"])
    with pytest.raises(SettingsError, match="pixel_um: got -1, must be above 0"):
        checked_request({"recipe": "porosity", "truth": ["a"], "pixel_um": -1.0})
    with pytest.raises(SettingsError, match="kind: got 'both', must be 'auto', 'semantic' or 'instance'"):
        checked_request({"recipe": "porosity", "truth": ["a"], "kind": "both"})


# -------------------------------------------------------------------------------------------------------------- files


def test_files_hold_what_was_found(tmp_path):
    folder = pores(tmp_path)
    found = score(asked(folder, predicted=(str(folder / "predicted"),), picture_px=100))
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("not to be touched")
    for place, says in (("out", r"out: holds mine\.txt"), ("out/mine.txt", r"mine\.txt: ")):
        with pytest.raises(OutputError, match=rf"{says}.* choose another folder with --out"):
            score_files.write(found, tmp_path / place)
    assert (tmp_path / "out" / "mine.txt").read_text() == "not to be touched"
    (tmp_path / "out" / "mine.txt").unlink()
    page = score_files.write(found, tmp_path / "out")
    text = (tmp_path / "out" / "score.json").read_text(encoding="utf-8")
    data = json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    assert data == json.loads(json.dumps(score_files.as_data(found) | {"created": data["created"]}))
    assert data["schema"] == "inspect_tool/score/1"
    assert data["n_images"] == len(data["images"]) == 3
    assert data["summary"]["pixels"]["pore"]["iou"] == pytest.approx(found.pixels["pore"].iou)
    assert data["summary"]["objects"]["pore"]["thresholds"]["0.50"]["tp"] == 72
    rows = list(csv.DictReader(io.StringIO((tmp_path / "out" / "score.csv").read_text(encoding="utf-8"))))
    assert [row["image"] for row in rows] == ["f_0.png", "f_1.png", "f_2.png"]
    for row, image in zip(rows, data["images"], strict=True):
        pair = image["quantities"]["porosity_percent"]
        assert float(row["porosity_percent [%] difference"]) == pytest.approx(pair["difference"])
        assert float(row["iou.pore"]) == pytest.approx(image["pixels"]["pore"]["iou"])
    html = page.read_text(encoding="utf-8")
    assert "Porosity: masks against annotated images" in html
    assert "default-src 'none'" in html
    assert html.count("data:image/jpeg") == 3
    assert "http://" not in html.replace("http://www.w3.org", "")


def test_the_command_prints_and_writes(tmp_path):
    folder = pores(tmp_path)
    options = ["score", "-r", "porosity", "--truth", str(folder / "truth"), "--predicted", str(folder / "predicted")]
    done = CliRunner().invoke(app, [*options, "--out", str(tmp_path / "out"), "--tolerance-px", "1"])
    assert done.exit_code == 0, done.output
    assert "Porosity (areal) [%]" in done.output
    assert "Boundaries within 1 px: F1 " in done.output
    assert (tmp_path / "out" / "score.html").exists()
    done = CliRunner().invoke(app, [*options, "--json"])
    assert json.loads(done.stdout)["summary"]["objects"]["pore"]["n_truth"] == 72
    files = {name: sorted(str(path) for path in (folder / name).iterdir()) for name in ("truth", "predicted")}
    # as a shell makes it of a pattern without quotes
    options = ["score", "-r", "porosity", "--truth", *files["truth"], "--predicted", *files["predicted"]]
    done = CliRunner().invoke(app, [*options, "--quiet"])
    assert done.output == ""
    done = CliRunner().invoke(app, options[:5])
    assert isinstance(done.exception, SettingsError)


def test_a_backend_without_weights_has_a_page(tmp_path):
    folder = pores(tmp_path)
    found = score(asked(folder, images=(str(folder / "images"),), backend="threshold"))
    assert "backend threshold: method = auto" in score_files.write(found, tmp_path / "out").read_text(encoding="utf-8")


@pytest.mark.parametrize("recipe", ["porosity", "phase_fraction"])
def test_every_input_is_looked_at_before_a_backend_begins(tmp_path, monkeypatch, recipe):
    from inspect_tool.segmentation import threshold

    folder = pores(tmp_path)
    (folder / "images" / "f_0.png").write_bytes(b"no picture")
    cv2.imwrite(str(folder / "truth" / "f_2.png"), discs(2)[:-9] * np.uint8(255))
    monkeypatch.setattr(threshold, "load", lambda _: pytest.fail("the backend was loaded"))
    request = replace(asked(folder, images=(str(folder / "images"),), backend="threshold"), recipe=recipe)
    with pytest.raises(SettingsError, match=r"^2 inputs cannot be used: [^\n;]*f_0\.png[^\n;]*; [^\n]*f_2\.png[^\n]*$"):
        score(request)
