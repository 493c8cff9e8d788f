"""Training on annotated images of one's own: from the files to a model folder that the backend uses."""

import json
import re
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from typer.testing import CliRunner
from wide_words import wide_language, words_of

from inspect_tool import plugins, registry, synthetic
from inspect_tool.cli import app
from inspect_tool.errors import BackendError, OutputError, SettingsError
from inspect_tool.files import sha256_file
from inspect_tool.folders import MARKER
from inspect_tool.images import readers
from inspect_tool.languages import Text
from inspect_tool.model import ModelCard
from inspect_tool.segmentation import unet
from inspect_tool.segmentation.networks.weights import load_weights
from inspect_tool.training import request, worst_cases
from inspect_tool.training.request import Request, checked_request, name_table
from inspect_tool.training.samples import Sample
from inspect_tool.training.train import drawing, train

TINY = {"base": 8, "depth": 2}


@pytest.fixture(autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def fields(tmp_path_factory):
    """Five two-phase fields as a worn microscope shows them, with masks; the last one is shown to nobody."""
    folder = tmp_path_factory.mktemp("fields")
    for seed in range(5):
        made = synthetic.two_phase(seed=seed, area_percent=30, feature_um=12, shape_px=(128, 128))
        where = folder / ("unseen" if seed == 4 else "shown")
        where.mkdir(exist_ok=True)
        cv2.imwrite(str(where / f"field_{seed}.png"), synthetic.degrade(made.pixels, 2, seed=seed))
        cv2.imwrite(str(where / f"field_{seed}_mask.png"), (made.labels == 1).astype(np.uint8) * 255)
    return folder


def asked(fields, out, **changed):
    given = {
        "recipe": "phase_fraction",
        "images": tuple(str(fields / f"shown/field_{k}.png") for k in range(4)),
        "masks": (str(fields / "shown/*_mask.png"),),
        "out": out,
        "from_scratch": True,
        "classes": ("matrix", "phase"),
        "validation": ("field_3.png",),
        "network": TINY,
        "steps": 30,
        "every": 15,
        "batch": 4,
        "size_px": 64,
        "rate": 5e-3,
    }
    return Request(**given | changed)


@pytest.fixture(scope="module")
def trained(fields, tmp_path_factory):
    torch.set_num_threads(1)
    lines = []
    found = train(
        asked(fields, tmp_path_factory.mktemp("models") / "two_phase", licence="CC0-1.0"),
        lambda *line: lines.append(line),
    )
    return found, lines


# -------------------------------------------------------------------------------------------------- what is learned


def test_three_annotated_images_are_enough_for_a_fourth(trained, fields):
    found, _ = trained
    # the truth of the unseen field comes from the generator; the prediction from the backend that users run
    image, mask = (fields / "unseen" / f"field_4{end}.png" for end in ("", "_mask"))
    truth = cv2.imread(str(mask), cv2.IMREAD_GRAYSCALE) > 0
    settings = unet.Settings(model=str(found.folder), engine="torch")
    labels = unet.segment(unet.load(settings), readers.read(image), settings).labels == 1
    assert (labels & truth).sum() / (labels | truth).sum() > 0.9
    assert 100 * abs(labels.mean() - truth.mean()) < 1.0  # points of area


def test_the_card_tells_what_was_done(trained, fields):
    found, _ = trained
    card, weights = load_weights(found.folder, "unet")
    assert card == found.card
    assert (card.name, card.classes, card.recipes) == ("two_phase", ("matrix", "phase"), ("phase_fraction",))
    assert (card.licence, card.commercial) == ("CC0-1.0", True)
    assert card.procedure["split"] == "by image, as stated with --validation"
    assert list(card.procedure["validation_images"]) == ["field_3.png"]
    assert list(card.procedure["training_images"]) == ["field_0.png", "field_1.png", "field_2.png"]
    image, mask = card.procedure["training_images"]["field_0.png"].split()
    assert image == sha256_file(fields / "shown/field_0.png")
    assert mask == sha256_file(fields / "shown/field_0_mask.png")
    assert card.scores["mean IoU on validation images"] == pytest.approx(found.score, abs=1e-4)
    assert card.training[-1].images == 3
    assert all(weight.dtype == np.float32 for weight in weights.values() if weight.dtype.kind == "f")


def test_the_folder_is_whole_and_the_checkpoint_is_gone(trained):
    found, lines = trained
    names = sorted(path.name for path in found.folder.iterdir())
    assert names == [MARKER, "log.csv", "model.toml", "validation.html", "validation.png", "weights.safetensors"]
    assert not found.folder.with_name("two_phase.training").exists()
    assert lines[0] == (1, 30, "no validation yet")
    assert re.fullmatch(r"loss \d\.\d{4}, score 0\.\d{4}", lines[-1][2])
    assert "one image judges" in found.notes[0]


def test_a_model_is_trained_further_and_measured_before(trained, fields, tmp_path):
    found, _ = trained
    tuned = train(asked(fields, tmp_path / "tuned", from_scratch=False, model=str(found.folder), steps=2))
    # stored as float16, so alike and not equal
    assert tuned.before == pytest.approx(found.score, abs=2e-3)
    assert tuned.card.procedure["start"].endswith(found.card.sha256)
    assert [data.images for data in tuned.card.training] == [3, 3]


def test_without_a_model_the_shipped_one_of_the_recipe_is_taken(fields, tmp_path, monkeypatch):
    given = {"recipe": "porosity", "from_scratch": False, "classes": (), "network": {}, "steps": 1, "batch": 1}
    found = train(asked(fields, tmp_path / "pores", **given))
    assert found.card.title == "metal, pore: fine-tuned from pores on 3 images"
    assert found.before is not None
    monkeypatch.setattr("inspect_tool.training.train.shipped_names", lambda: ("pores", "pores"))
    with pytest.raises(SettingsError, match=r"several shipped models fit \(pores, pores\): say which with --model"):
        train(asked(fields, tmp_path / "more", **given))
    monkeypatch.setattr("inspect_tool.training.train.shipped_names", lambda: ())
    with pytest.raises(SettingsError, match="recipe porosity: no shipped model; or train from nothing with --from-"):
        train(asked(fields, tmp_path / "none", **given))


def test_other_classes_start_a_new_last_layer(trained, fields, tmp_path):
    found, _ = trained
    other = asked(
        fields, tmp_path / "other", from_scratch=False, model=str(found.folder), classes=("iron", "carbide"), steps=2
    )
    assert "the last layer started anew: two_phase has the classes matrix, phase" in train(other).notes


def test_a_model_with_a_scale_and_images_without_one(trained, fields, tmp_path):
    found, _ = trained
    scaled = tmp_path / "scaled"
    shutil.copytree(found.folder, scaled)
    card = (scaled / "model.toml").read_text()
    (scaled / "model.toml").write_text("pixel_um = 0.5\n" + card)
    given = {"from_scratch": False, "model": str(scaled), "steps": 2, "size_px": 32}
    notes = train(asked(fields, tmp_path / "a", **given)).notes
    assert any("two_phase was trained at 0.5 um/px; the images tell no scale" in note for note in notes)
    double = train(asked(fields, tmp_path / "b", pixel_um=1.0, **given))
    assert double.card.pixel_um == 0.5
    assert double.card.procedure["image_scale"]["field_0.png"] == 2.0
    (scaled / "model.toml").write_text(card.replace('architecture = "unet"', 'architecture = "stardist"'))
    with pytest.raises(SettingsError, match="is a model of architecture 'stardist'; models of architecture 'unet'"):
        train(asked(fields, tmp_path / "c", **given))


def test_grains_are_learned_from_their_numbers(tmp_path):
    for seed in range(2):
        made = synthetic.grains(seed=seed, grains_per_mm2=1500, pixel_um=1.0, shape_px=(96, 112))
        cv2.imwrite(str(tmp_path / f"steel_{seed}.png"), made.pixels)
        cv2.imwrite(str(tmp_path / f"numbers_{seed}.png"), made.labels.astype(np.uint16))
    found = train(
        Request(
            recipe="grain_size",
            images=(str(tmp_path / "steel_*.png"),),
            masks=(str(tmp_path / "numbers_*.png"),),
            out=tmp_path / "grains",
            from_scratch=True,
            network=TINY,
            steps=20,
            every=20,
            batch=2,
            size_px=64,
            rate=5e-3,
        )
    )
    assert found.card.classes == ("grain", "boundary")
    assert found.card.pixel_um is None
    low, high = found.card.structure_px
    # mean intercept of a Voronoi structure: pi/4 / sqrt(grains per area), here 20 px; augmentation adds a third
    assert low < 20 < high
    assert "F1 of boundaries on validation images" in found.card.scores


def test_layers_stay_upright():
    # the upper half is bright and is class 1
    target = np.zeros((128, 128), np.int32)
    target[:64] = 1
    image = target.astype(np.float32)[..., np.newaxis]
    known = Sample(name="a", image=image, target=target, image_sha256="", mask_sha256="")
    for upright in (True, False):
        draw = drawing([known], ("coating", "substrate"), 64, 0, upright=upright)
        crops = [draw(np.random.default_rng(seed))[1] for seed in range(40)]
        both = [crop for crop in crops if (crop == 1).sum() > 200 and (crop == 0).sum() > 200]
        rows = [np.argwhere(crop == 1)[:, 0].mean() < np.argwhere(crop == 0)[:, 0].mean() for crop in both]
        assert all(rows) == upright
        assert len(rows) > 10


# ---------------------------------------------------------------------------------------------------- interruption


class _PullThePlugError(Exception):
    pass


def test_an_interrupted_run_goes_on_when_told_to(trained, fields, tmp_path):
    def pull(step, steps, text):
        if step == 20:
            raise _PullThePlugError

    out = tmp_path / "two_phase"
    with pytest.raises(_PullThePlugError):
        train(asked(fields, out), pull)
    assert not out.exists()
    with pytest.raises(OutputError, match=r"holds the state of a run that did not end; go on with --resume"):
        train(asked(fields, out))
    with pytest.raises(OutputError, match="holds the state of another run: seed was 0, is 1 now"):
        train(asked(fields, out, resume=True, seed=1))
    steps = []
    found = train(asked(fields, out, resume=True), lambda step, *_: steps.append(step))
    assert min(steps) == 16
    assert found.card.sha256 == trained[0].card.sha256  # bit for bit the weights of the run that was left alone


def test_a_run_that_was_killed_while_it_wrote_its_model_ends_with_resume(trained, fields, tmp_path, monkeypatch):
    out = tmp_path / "two_phase"
    with monkeypatch.context() as patched:
        patched.setattr(worst_cases, "write", lambda *_: (_ for _ in ()).throw(_PullThePlugError))
        with pytest.raises(_PullThePlugError):
            train(asked(fields, out))
    assert not out.exists()  # the folder appears with all that belongs to it
    with pytest.raises(OutputError, match="holds the state of a run that did not end; go on with --resume"):
        train(asked(fields, out))
    with pytest.raises(OutputError, match=r"state of another run: names was \{\}, is \{'0': 'matrix'"):
        train(asked(fields, out, resume=True, names={"0": "matrix", "255": "phase"}))
    found = train(asked(fields, out, resume=True), lambda *_: pytest.fail("trained again"))
    assert found.card.sha256 == trained[0].card.sha256
    assert (out / "validation.html").exists()


# --------------------------------------------------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("changed", "error", "message"),
    [
        ({"images": ("nothing_*.tif",)}, SettingsError, r"nothing_\*.tif: no image matches"),
        ({"recipe": "grain"}, SettingsError, "unknown recipe 'grain'"),
        ({"model": "superalloy"}, SettingsError, "--from-scratch starts from nothing, --model from a model"),
        ({"model": "no_such", "from_scratch": False}, BackendError, "model 'no_such': no such folder"),
        (
            {"model": "best.pt", "from_scratch": False},
            BackendError,
            "can run code when they are loaded and are refused",
        ),
        ({"classes": ()}, SettingsError, "name the classes, background first: --classes matrix,carbide"),
        ({"masks_are": "labels"}, SettingsError, "--masks-are labels: is for recipe grain_size"),
        ({"recipe": "solder_voids"}, SettingsError, "has the classes background,joint,void, in this order"),
        (
            {"recipe": "grain_size"},
            SettingsError,
            "--classes matrix,phase: recipe grain_size has the classes grain,bound",
        ),
        ({"size_px": 4}, SettingsError, "crops would be 4 px wide"),
        ({"classes": ("a", "b", "c")}, SettingsError, "which are no numbers of the classes a, b, c"),
        ({"validation": ("other.png",)}, SettingsError, "--validation other.png: is none of the images"),
    ],
)
def test_what_must_be_fixed_is_said_in_one_line(fields, tmp_path, changed, error, message):
    out = tmp_path / "model"
    with pytest.raises(error, match=message) as raised:
        train(asked(fields, out, **changed))
    assert "\n" not in str(raised.value)
    assert list(tmp_path.iterdir()) == []


def test_all_inputs_that_cannot_be_used_stand_in_one_line(fields, tmp_path):
    for path in (fields / "shown").iterdir():
        shutil.copyfile(path, tmp_path / path.name)
    (tmp_path / "field_0.png").write_bytes(b"no picture")
    mask = cv2.imread(str(tmp_path / "field_2_mask.png"), cv2.IMREAD_UNCHANGED)
    cv2.imwrite(str(tmp_path / "field_2_mask.png"), mask[:-9])
    named = {
        "images": tuple(str(tmp_path / f"field_{k}.png") for k in range(4)),
        "masks": (str(tmp_path / "*_mask.png"),),
    }
    says = r"^2 inputs cannot be used: [^\n;]*field_0\.png[^\n;]*; [^\n]*field_2_mask\.png[^\n]*$"
    with pytest.raises(SettingsError, match=says):
        train(asked(fields, tmp_path / "model", **named))


def test_a_folder_that_is_there_is_left_alone(trained, fields):
    found, _ = trained
    before = sha256_file(found.folder / "model.toml")
    with pytest.raises(OutputError, match="two_phase: exists already; choose another folder with --out"):
        train(asked(fields, found.folder))
    assert sha256_file(found.folder / "model.toml") == before


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"masks_are": "lines"}, "masks_are: got 'lines', must be 'auto', 'labels' or 'boundaries'"),
        ({"unmarked": "x"}, "unmarked: got 'x', must be 'background' or 'unknown'"),
        ({"rate": -1.0}, "rate: got -1, must be above 0"),
        ({"pixel_um": 0.0}, "pixel_um: got 0, must be above 0"),
        ({"batch": 10**9}, "batch: got 1000000000, must be at most 4096 crops in one step"),
    ],
)
def test_options_are_checked_before_anything_is_read(values, message):
    given = {"recipe": "porosity", "images": ["a"], "masks": ["b"], "out": "c"}
    with pytest.raises(SettingsError, match=message):
        checked_request(given | values)


def test_a_name_needs_both_sides():
    assert name_table(["a=b=c"]) == {"a=b": "c"}
    with pytest.raises(SettingsError, match="--name carbide: say what stands in the mask and the class"):
        name_table(["carbide"])


def test_without_torch_the_extra_is_named(monkeypatch, fields, tmp_path):
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.delitem(sys.modules, "inspect_tool.training.train")
    with pytest.raises(BackendError, match=r"command 'train' needs the extra 'networks': pip install"):
        request.run(asked(fields, tmp_path / "model"))


# ---------------------------------------------------------------------------------------------------- command line


def test_the_command_writes_a_model_and_says_so(fields, trained, tmp_path):
    out = tmp_path / "my model"
    arguments = ["train", "-r", "phase_fraction", "--model", str(trained[0].folder), "--out", str(out)]
    for k in range(4):
        arguments += ["--images", str(fields / f"shown/field_{k}.png")]
    arguments += ["--masks", str(fields / "shown/*_mask.png"), "--steps", "1", "--batch", "1", "--size", "32"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    assert f"{out}: model written" in result.output
    assert "judged on field_" in result.output
    assert "the model it started from 0.9" in result.output
    assert 'use it in a job: [backend] name = "unet", model = "my model"' in result.output
    assert result.output.count("my model: 1/1 ") <= 2
    again = CliRunner().invoke(app, [*arguments, "--json", "--out", str(tmp_path / "second")])
    told = json.loads(again.stdout)
    assert told["validation"] == load_names(out)
    assert told["scores"]


def load_names(folder: Path) -> list[str]:
    card, _ = load_weights(folder)
    return list(card.procedure["validation_images"])


# ----------------------------------------------------------------------------------------------------- worst cases


@pytest.fixture
def judged():
    """An image 300 px wide whose right part was predicted wrong in three ways."""
    truth = np.zeros((100, 300), np.int32)
    truth[10:30, 200:220] = 1  # missed
    truth[70:90, 200:220] = 2  # taken for 1
    truth[:, 290:] = -1  # not annotated
    found = np.zeros_like(truth)
    found[40:60, 200:220] = 1  # too much
    found[70:90, 200:220] = 1
    found[:, 290:] = 1
    image = np.full((100, 300, 1), 0.5, np.float32)
    return Sample(name="a & b.tif", image=image, target=truth, image_sha256="", mask_sha256=""), found


def test_the_worst_place_comes_first(judged):
    sample, found = judged
    worst = worst_cases.worst_places(sample, found, lines=False)
    assert [(case.row, case.column) for case in worst] == [(0, 44), (0, 0)]
    assert worst[0].wrong == pytest.approx(3 * 400 / (100 * 246))  # 10 of its 256 columns are not annotated
    assert worst[1].wrong == pytest.approx(3 * 400 / (100 * 256))


def test_differences_are_told_apart_by_color(judged):
    sample, found = judged
    case = worst_cases.worst_places(sample, found, lines=False)[0]
    image, truth, prediction, difference = worst_cases.panels(case)
    column = 210 - 44
    assert tuple(difference[20, column]) == worst_cases.MISSED
    assert tuple(difference[50, column]) == worst_cases.TOO_MUCH
    assert tuple(difference[80, column]) == worst_cases.CONFUSED
    assert len(set(map(int, difference[5, 5]))) == 1  # gray: nothing wrong
    assert truth[50, 250].max() < image[50, 250].min()  # not annotated is dark
    assert not np.array_equal(prediction[50, column], image[50, column])


def test_a_line_beside_the_drawn_one_is_no_difference():
    truth, found = np.zeros((40, 40), np.int32), np.zeros((40, 40), np.int32)
    truth[:, 20], found[:, 22] = 1, 1
    image = np.zeros((40, 40, 1), np.float32)
    sample = Sample(name="a", image=image, target=truth, image_sha256="", mask_sha256="")
    assert worst_cases.worst_places(sample, found, lines=True)[0].wrong == 0
    assert worst_cases.worst_places(sample, np.roll(found, 2, axis=1), lines=True)[0].wrong == pytest.approx(2 / 40)


def test_the_page_needs_nothing_else(judged, tmp_path):
    sample, found = judged
    card = ModelCard(
        name="m", version="1", title="a <b>", architecture="unet", network={}, classes=("x", "y", "z & co"), sha256="",
        licence="", commercial=True, scores={"mean IoU": 0.5},
    )  # fmt: skip
    cases = worst_cases.worst_places(sample, found, lines=False)
    worst_cases.write(tmp_path, card, cases, ["judged on by image", "a note"])
    page = (tmp_path / "validation.html").read_text(encoding="utf-8")
    assert "http" not in page
    assert page.count("<img ") == page.count("data:image/png;base64,") == 4 * len(cases)
    for text in ("a &amp; b.tif", "a &lt;b&gt;", "z &amp; co", "a note", "judged on by image", "0.5"):
        assert text in page
    picture = cv2.imread(str(tmp_path / "validation.png"))
    assert picture is not None
    assert picture.shape[1] == 4 * 256 + 5 * 6


def test_the_page_of_worst_cases_has_no_word_of_its_own_that_is_not_of_its_language(judged, tmp_path, monkeypatch):
    sample, found = judged
    card = ModelCard(
        name="m", version="1", title="carbides", architecture="unet", network={}, classes=("matrix", "carbide"),
        sha256="", licence="", commercial=True, scores={"IoU": 0.5},
    )  # fmt: skip
    cases = worst_cases.worst_places(sample, found, lines=False)
    notes = [Text("training.one_judges", how=Text("training.how_stated"))]
    with wide_language(tmp_path, monkeypatch) as language:
        page = worst_cases.page(card, cases, notes, language)
    assert words_of(page) == {"carbides", "carbide", "tif", "iou"}  # names
    assert f'<html lang="{language}">' in page


def test_narrow_images_fill_one_place_each():
    image = np.zeros((300, 64, 1), np.float32)
    target = np.zeros((300, 64), np.int32)
    sample = Sample(name="a", image=image, target=target, image_sha256="", mask_sha256="")
    cases = worst_cases.worst_places(sample, target, lines=False)
    assert [(case.row, case.truth.shape) for case in cases] == [(0, (256, 64)), (44, (256, 64))]
    assert worst_cases.worst_places(replace(sample, target=target - 1), target, lines=False) == []


def test_networks_that_a_recipe_asks_for_are_those_that_the_backend_knows():
    assert plugins.network_classes_of(registry.load("recipe", "grain_size")) == unet.GRAINS
    assert plugins.network_classes_of(registry.load("recipe", "solder_voids")) == unet.JOINTS
