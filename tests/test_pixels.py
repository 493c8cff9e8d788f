"""The pixel classifier: what it looks at, what it finds, and what strokes teach it."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from known_networks import STEEP, bright_pixels
from PIL import Image
from typer.testing import CliRunner

from inspect_tool.cli import app
from inspect_tool.errors import BackendError, OutputError, ReadError, SettingsError
from inspect_tool.files import CARD, load_model_card
from inspect_tool.model import Calibration, Micrograph
from inspect_tool.segmentation import pixels
from inspect_tool.segmentation.pixels import features
from inspect_tool.training import request, strokes
from inspect_tool.training.annotations import read_strokes

CLASSES = ("matrix", "layered")


def field(gray, *, roi=None, pixel_um=0.5):
    values = np.ascontiguousarray(gray, np.uint8)
    values.setflags(write=False)
    return Micrograph(
        pixels=values, calibration=Calibration(pixel_um=pixel_um, source="stage micrometer"), path="field.png", roi=roi
    )


# ------------------------------------------------------------------------------------------------------ features


def test_features_of_strips_are_those_of_the_whole_image():
    image = np.random.default_rng(1).random((700, 500, 3)).astype(np.float32)
    whole = features.features(image, (0.7, 3.0))
    strips = features.by_strips(image, (0.7, 3.0))
    assert len(strips) > 1
    assert len(whole) == features.count((0.7, 3.0), 3)
    for strip in strips:
        assert np.array_equal(features.of_strip(image, strip, (0.7, 3.0)), whole[:, strip[0]])


def test_features_of_a_slope_and_of_a_ridge():
    columns = np.arange(101, dtype=np.float32)
    slope = np.broadcast_to(0.01 * columns, (101, 101))[..., None]
    smooth, gradient, larger, smaller = features.features(slope, (1.0,))[:, 50, 50]
    assert smooth == pytest.approx(0.5, abs=1e-6)
    assert gradient == pytest.approx(0.01, rel=1e-4)  # per pixel, times the width of the bell
    assert larger == pytest.approx(0, abs=1e-6)
    # exp(-x2 / (2 s2)) smoothed by a bell of width t is a bell of width r = sqrt(s2 + t2), s / r high;
    # its curvature at the top is s / r3, here times t2; along the ridge there is none
    ridge = np.broadcast_to(np.exp(-((columns - 50) ** 2) / (2 * 4.0**2)), (101, 101)).astype(np.float32)[..., None]
    _, gradient, larger, smaller = features.features(ridge, (3.0,))[:4, 50, 50]
    assert gradient == pytest.approx(0, abs=1e-6)
    assert larger == pytest.approx(0, abs=1e-4)
    # two first differences of 2 px widen the bell: variances of 1/2 px2 across each
    assert smaller == pytest.approx(-(3.0**2) * 4 / (4**2 + 3**2 + 1) ** 1.5, rel=0.02)


def test_roughness_is_the_standard_deviation_of_noise():
    noise = np.random.default_rng(2).normal(0.5, 0.1, (400, 400, 1)).astype(np.float32)
    rough = features.features(noise, (6.0,))[4]
    assert float(rough.mean()) == pytest.approx(0.1, rel=0.02)


def test_differences_of_colors_tell_what_gray_does_not():
    image = np.full((40, 40, 3), 0.5, np.float32)
    image[:, 20:] += (0.2, -0.2, 0.0)
    found = features.features(image, (1.0,))
    assert found[0, 20, 5] == pytest.approx(found[0, 20, 35])
    assert found[4, 20, 5] == pytest.approx(0, abs=1e-6)
    assert found[4, 20, 35] == pytest.approx(0.4, abs=1e-6)


# ------------------------------------------------------------------------------------------------------ classifier


@pytest.fixture(scope="module")
def bright(tmp_path_factory):
    return bright_pixels(tmp_path_factory.mktemp("models") / "bright")


def ramp():
    return np.broadcast_to(np.round(np.linspace(0, 255, 511)), (60, 511))


def test_a_known_classifier_gives_the_known_classes_and_shifts(bright):
    settings = pixels.Settings(model=str(bright), shares="equal")
    found = pixels.segment(pixels.load(settings), field(ramp()), settings)
    gray = np.linspace(0, 1, 511)
    shares = {name: float((other.labels[30] == 1).mean()) for name, other in found.alternatives()}
    assert float((found.labels[30] == 1).mean()) == pytest.approx(0.5, abs=0.005)
    # the members at 0.45 and 0.55: their mean is 0.5 -+ 0.2 where the sum of two logistic curves is 1 -+ 0.4
    curves = [1 / (1 + np.exp(-STEEP * (gray - level))) for level in (0.45, 0.55)]
    mean, spread = np.mean(curves, axis=0), np.std(curves, axis=0)
    for sign, shift in (("-", -1), ("+", 1)):
        by_probability = float((mean + 0.2 * shift >= 0.5).mean())
        by_strokes = float((mean + np.sqrt(3) * spread * shift >= 0.5).mean())
        assert shares[f"probability of bright {sign}"] == pytest.approx(by_probability, abs=0.006)
        assert shares[f"strokes of bright {sign}"] == pytest.approx(by_strokes, abs=0.006)
    assert shares.keys() == {f"{what} of bright {sign}" for what in ("probability", "strokes") for sign in "-+"}


def test_shares_are_settled_on_the_image(tmp_path):
    """Gray of two classes with noise of half their distance: the best level is not half-way where one is rare.

    Two normal distributions with one spread s at distance 1, a share q of them the brighter one: a pixel is bright with
    the probability 1 / (1 + (1 - q) / q exp(-(x - 1/2) / s2)), which is what a member of slope 1 / s2 says for q = 1/2.
    """
    rng = np.random.default_rng(3)
    spread = 0.5
    truth = rng.random((40, 50)) < 0.1
    levels = rng.normal(0, spread, truth.shape) + truth
    low, high = levels.min(), levels.max()
    image = np.kron((levels - low) / (high - low), np.ones((16, 16)))  # areas, so that smoothing changes little
    levels = low + (high - low) * features.features(image[..., None].astype(np.float32), (0.7,))[0]  # as it is seen
    level = (0.5 - low) / (high - low)
    made = bright_pixels(tmp_path / "one", levels=(level, level))
    loaded = pixels.load(pixels.Settings(model=str(made)))
    slope = (high - low) / spread**2 / STEEP
    flatter = replace(loaded.members, head=loaded.members.head * slope, head_bias=loaded.members.head_bias * slope)
    found = {
        how: pixels.segment(
            replace(loaded, members=flatter), field(np.round(255 * image)), pixels.Settings(model=str(made), shares=how)
        )
        for how in ("settled", "equal")
    }
    shares = {how: float((one.labels == 1).mean()) for how, one in found.items()}
    assert shares["equal"] == pytest.approx(float((levels >= 0.5).mean()), abs=0.02)
    assert shares["settled"] == pytest.approx(float((levels >= 0.5 + spread**2 * np.log(9)).mean()), abs=0.02)
    share = 0.5  # by expectation maximization on the levels themselves
    for _ in range(200):
        share = float(np.mean(1 / (1 + (1 - share) / share * np.exp((0.5 - levels) / spread**2))))
    assert share == pytest.approx(truth.mean(), abs=0.03)
    assert found["settled"].settings["settled_percent"]["bright"] == pytest.approx(100 * share, abs=0.5)


def test_another_magnification_is_brought_to_that_of_the_training(tmp_path):
    made = bright_pixels(tmp_path / "scaled", pixel_um=1.0)
    settings = pixels.Settings(model=str(made), shares="equal")
    roi = np.ones((60, 511), bool)
    roi[:, 400:] = False
    found = pixels.segment(pixels.load(settings), field(ramp(), roi=roi), settings)  # 0.5 um/px
    assert found.settings["scale"] == 0.5
    assert found.labels.shape == (60, 511)
    assert not found.labels[:, 400:].any()
    assert float((found.labels[30] == 1).sum()) == pytest.approx(400 - 511 * 400 / 511 / 2, abs=4)
    with pytest.raises(BackendError, match=r"field.png: 20 um/px is 20 times the 1 um/px that model 'scaled'"):
        pixels.segment(pixels.load(settings), field(ramp(), pixel_um=20.0), settings)


def test_a_constant_image_is_refused(bright):
    settings = pixels.Settings(model=str(bright))
    with pytest.raises(BackendError, match=r"field.png: the image is constant"):
        pixels.segment(pixels.load(settings), field(np.full((50, 50), 7)), settings)


def test_without_a_model_one_line_says_how_to_make_one():
    with pytest.raises(BackendError, match=r"model: none is named.*docs/training.md"):
        pixels.load(pixels.Settings())


@pytest.mark.parametrize(
    ("was", "becomes", "says"),
    [
        ("hidden = 2", "hidden = 3", r"'hidden.weight' has the shape \[2, 11, 2\], the network has the shape"),
        ("members = 2", "members = 1", r"members: got 1, must lie between 2 and 64"),
        ("    1.5,", "    900.0,", r"sigmas: got \[0.7, 900.0\], must lie between 0.3 and 64"),
        ('"bright",', '"bright", "more",', r"network.classes: got 2, but 3 classes are named"),
    ],
)
def test_a_card_that_does_not_fit_is_refused(tmp_path, was, becomes, says):
    folder = bright_pixels(tmp_path / "bright")
    text = (folder / CARD).read_text()
    assert was in text
    (folder / CARD).write_text(text.replace(was, becomes))
    with pytest.raises(BackendError, match=says):
        pixels.load(pixels.Settings(model=str(folder)))


# ---------------------------------------------------------------------------------------------------------- strokes


def layered(seed, share=0.3, shape=(220, 260)):
    """Regions of fine layers in a smooth matrix of the same mean gray: no gray level tells them apart."""
    rng = np.random.default_rng(seed)
    bulk = cv2.GaussianBlur(rng.normal(0, 1, shape), (0, 0), 14)
    inside = bulk > np.quantile(bulk, 1 - share)
    rows, columns = np.indices(shape)
    layers = 30 * np.sign(np.sin((rows + 0.5 * columns) * 2 * np.pi / 7))
    gray = 128 + np.where(inside, layers, 0) + rng.normal(0, 6, shape)
    return np.clip(gray, 0, 255).astype(np.uint8), inside


def drawn(inside, rng, count=5):
    """Strokes of a person: short lines, 3 px wide, some of them at the edge; 1 is the matrix, 2 the layers."""
    marks = np.zeros(inside.shape, np.uint8)
    for number, where in ((1, ~inside), (2, inside)):
        deep = np.argwhere(cv2.distanceTransform(where.astype(np.uint8), cv2.DIST_L2, 5) > 2)
        for row, column in deep[rng.choice(len(deep), count, replace=False)]:
            end = (int(column) + int(rng.integers(-12, 13)), int(row) + int(rng.integers(-12, 13)))
            line = cv2.line(np.zeros_like(marks), (int(column), int(row)), end, 1, 3).astype(bool)
            marks[line & where] = number
    return marks


@pytest.fixture(scope="module")
def material(tmp_path_factory):
    """Three fields, two of them with strokes, and the model that was trained on these."""
    folder = tmp_path_factory.mktemp("material")
    rng = np.random.default_rng(5)
    for seed in range(3):
        gray, inside = layered(seed)
        Image.fromarray(gray).save(folder / f"field_{seed}.png")
        if seed < 2:
            (folder / "strokes").mkdir(exist_ok=True)
            Image.fromarray(drawn(inside, rng)).save(folder / "strokes" / f"field_{seed}.png")
    trained = request.run(asked(folder, folder / "model"))
    return folder, trained


def asked(folder, out, **changed):
    values = {
        "recipe": "phase_fraction",
        "images": (str(folder / "field_0.png"), str(folder / "field_1.png")),
        "scribbles": (str(folder / "strokes"),),
        "classes": CLASSES,
        "out": out,
    }
    return request.Request(**{**values, **changed})


def test_strokes_teach_what_no_gray_level_tells(material):
    folder, trained = material
    settings = pixels.Settings(model=str(folder / "model"))
    model = pixels.load(settings)
    gray, inside = layered(2)
    found = pixels.segment(model, field(gray), settings)
    overlap = (found.labels == 1) & inside
    assert overlap.sum() / ((found.labels == 1) | inside).sum() > 0.85
    # a pixel beside the layers has some of them around it, so that their outline lies half a layer or so too far out
    assert 100 * float((found.labels == 1).mean()) == pytest.approx(100 * inside.mean(), abs=5)
    assert trained.score > 0.9
    assert trained.how == "each image by a classifier that did not see it"


def test_the_card_says_what_it_was_made_of(material):
    folder, _ = material
    card = load_model_card(folder / "model")
    assert card.architecture == "pixels"
    assert card.classes == CLASSES
    assert card.channels == "gray"
    assert card.procedure["strokes"] == {"matrix": 10, "layered": 10}
    assert set(card.procedure["training_images"]) == {"field_0.png", "field_1.png"}
    assert (folder / "model" / "validation.html").stat().st_size > 1000


def test_the_same_strokes_give_the_same_weights(material, tmp_path):
    folder, trained = material
    again = request.run(asked(folder, tmp_path / "again"))
    other = request.run(asked(folder, tmp_path / "other", seed=1))
    assert again.card.sha256 == trained.card.sha256
    assert other.card.sha256 != trained.card.sha256


def test_one_image_is_judged_stroke_by_stroke_and_says_so(material, tmp_path):
    folder, _ = material
    one = asked(
        folder,
        tmp_path / "one",
        images=(str(folder / "field_0.png"),),
        scribbles=(str(folder / "strokes/field_0.png"),),
    )
    trained = request.run(one)
    assert trained.how.startswith("each stroke by a classifier that did not see it")
    assert any(note.startswith("one image") for note in trained.notes)


def test_a_color_that_gray_does_not_show_is_learned(tmp_path):
    rng = np.random.default_rng(7)
    _, inside = layered(8)
    image = np.full((*inside.shape, 3), 120.0) + rng.normal(0, 5, (*inside.shape, 3))
    image[inside] += (24, -24, 0)
    Image.fromarray(np.clip(image, 0, 255).astype(np.uint8)).save(tmp_path / "tint.png")
    Image.fromarray(drawn(inside, rng)).save(tmp_path / "tint_strokes.png")
    trained = request.run(
        asked(
            tmp_path,
            tmp_path / "model",
            images=(str(tmp_path / "tint.png"),),
            scribbles=(str(tmp_path / "tint_strokes.png"),),
        )
    )
    assert trained.card.channels == "rgb"
    assert trained.score > 0.95


def test_training_and_segmenting_import_no_torch(material, tmp_path):
    folder, _ = material
    code = (
        "import sys\n"
        "sys.modules['torch'] = None\n"  # to import it is an error
        "from inspect_tool.cli import app\n"
        "app(['train', '--recipe', 'phase_fraction', '--images', 'field_0.png', '--scribbles', 'strokes/field_0.png',"
        f" '--classes', 'matrix,layered', '--out', {str(tmp_path / 'model')!r}])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=folder)
    assert done.returncode == 0, done.stderr
    assert 'name = "pixels", model = "model"' in done.stdout
    assert pixels.load(pixels.Settings(model=str(tmp_path / "model"))).card.classes == CLASSES


def test_a_job_measures_with_it(material):
    folder, _ = material
    job = folder / "job.toml"
    job.write_text(
        'recipe = "phase_fraction"\nimages = ["field_2.png"]\n[calibration]\npixel_um = 0.5\nu_rel = 0.004\n'
        'source = "stage micrometer"\n[backend]\nname = "pixels"\nmodel = "model"\n'
    )
    done = CliRunner().invoke(app, ["run", str(job), "--out", str(folder / "out"), "--quiet"])
    assert done.exit_code == 0, done.output
    report = json.loads((folder / "out/job/report.json").read_text())
    found = {result["quantity"]: result for result in report["results"]}["area_percent.layered"]
    assert found["value"] == pytest.approx(100 * layered(2)[1].mean(), abs=5)
    assert report["micrographs"][0]["segmentation"]["weights_sha256"] == load_model_card(folder / "model").sha256


# ---------------------------------------------------------------------------------------------- reading of strokes


def test_numbers_of_strokes_are_those_of_the_classes(tmp_path):
    marks = np.zeros((30, 40), np.uint8)
    marks[3:5], marks[20:22, 5:9] = 1, 2
    Image.fromarray(marks).save(tmp_path / "m.png")
    found = read_strokes(tmp_path / "m.png", (30, 40), CLASSES, {})
    assert set(np.unique(found)) == {-1, 0, 1}
    assert np.array_equal(found == 0, marks == 1)
    assert np.array_equal(found == 1, marks == 2)


def test_colors_over_the_picture_are_strokes_and_nothing_else_is(tmp_path):
    gray, inside = layered(1)
    picture = np.repeat(gray[..., None], 3, axis=2)
    marks = drawn(inside, np.random.default_rng(0))
    picture[marks == 1], picture[marks == 2] = (0, 255, 0), (255, 0, 0)
    Image.fromarray(picture).save(tmp_path / "m.png")
    found = read_strokes(tmp_path / "m.png", gray.shape, CLASSES, {"#00ff00": "matrix", "#FF0000": "layered"})
    assert np.array_equal(found, marks.astype(int) - 1)


def test_drawn_shapes_may_mark_the_background_too(tmp_path):
    shapes = [
        {"label": "matrix", "points": [[2, 2], [12, 2]], "shape_type": "linestrip"},
        {"label": "layered", "points": [[20, 10], [30, 10], [30, 15], [20, 15]], "shape_type": "polygon"},
    ]
    (tmp_path / "m.json").write_text(json.dumps({"shapes": shapes, "imageHeight": 30, "imageWidth": 40}))
    found = read_strokes(tmp_path / "m.json", (30, 40), CLASSES, {})
    assert set(np.unique(found)) == {-1, 0, 1}
    assert int((found == 1).sum()) == 50


@pytest.mark.parametrize(
    ("marks", "names", "error", "says"),
    [
        (np.zeros((30, 40)), {}, ReadError, "no stroke is drawn in it"),
        (np.full((30, 40), 3), {}, SettingsError, "holds values up to 3; strokes of the classes matrix, layered have"),
        (np.full((30, 40, 3), 3), {}, SettingsError, "holds colors; strokes of the classes"),
        (np.ones((30, 41)), {}, ReadError, "mask has 30 x 41 px"),
        (np.ones((30, 40, 3)), {"5": "matrix"}, SettingsError, "names has '5', but a mask has colors"),
        (np.ones((30, 40)), {"1": "ferrite"}, SettingsError, "'ferrite' is not one of the classes matrix, layered"),
    ],
)
def test_strokes_that_are_none(tmp_path, marks, names, error, says):
    values = marks.astype(np.uint8)
    if values.ndim == 3:
        values[..., 1] = 9  # a color
    Image.fromarray(values).save(tmp_path / "m.png")
    with pytest.raises(error, match=says):
        read_strokes(tmp_path / "m.png", (30, 40), CLASSES, names)


def test_an_area_counts_as_several_strokes():
    target = np.full((200, 300), -1, np.int32)
    target[:128, :192] = 0
    target[150:153, 10:290] = 1
    found = strokes.numbered_strokes(target)
    assert len(np.unique(found[target == 0])) == 6  # cells of 64 px
    assert len(np.unique(found[target == 1])) == 1


# ------------------------------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("changed", "error", "says"),
    [
        (
            {"recipe": "grain_size", "classes": ()},
            SettingsError,
            "recipe grain_size: takes no classes of single pixels",
        ),
        ({"classes": ()}, SettingsError, "name the classes, background first: --classes"),
        ({"classes": ("matrix", "layered", "third")}, SettingsError, "class 'third' has no stroke in all images"),
        ({"out": Path("folder")}, OutputError, "exists already"),
    ],
)
def test_a_request_that_cannot_be_met(material, tmp_path, monkeypatch, changed, error, says):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    folder, _ = material
    with pytest.raises(error, match=says):
        request.run(asked(folder, **{"out": tmp_path / "new", **changed}))
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"masks": ["m"], "scribbles": ["s"]}, "give --masks for a network, or --scribbles"),
        ({}, "give --masks for a network, or --scribbles"),
        ({"scribbles": ["s"], "steps": 5}, r"train --steps: is for networks; leave it out with --scribbles"),
        ({"scribbles": ["s"], "size_px": 64}, r"train --size: is for networks"),
    ],
)
def test_options_that_do_not_go_together(given, says):
    with pytest.raises(SettingsError, match=says):
        request.checked_request({"recipe": "porosity", "images": ["a.png"], "out": Path("o"), **given})
