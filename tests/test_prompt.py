"""Objects that were clicked on, or found on a grid: truth is drawn, and the networks are ones whose answer is known."""

from dataclasses import replace
from importlib.metadata import version
from importlib.util import find_spec

import numpy as np
import onnx_example
import pytest
from known_networks import clicked_model

from inspect_tool.errors import BackendError, SettingsError
from inspect_tool.model import Calibration, Micrograph
from inspect_tool.segmentation import prompt
from inspect_tool.segmentation.prompt import guidance, patches, sam
from inspect_tool.segmentation.prompt.prompts import Prompt, read_clicks

HEAD = "image,object,label,x,y,x2,y2\n"
DISCS = ((40, 50, 18), (60, 150, 25), (120, 90, 12), (130, 210, 22), (75, 232, 10))  # row, column, radius
needs_onnx = pytest.mark.skipif(find_spec("onnxruntime") is None, reason="the extra sam is not installed")


def picture(discs=DISCS, shape=(170, 260)):
    """Bright discs on a dark ground, and their numbers."""
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    labels = np.zeros(shape, np.int32)
    for number, (row, column, radius) in enumerate(discs, start=1):
        labels[(rows - row) ** 2 + (columns - column) ** 2 <= radius**2] = number
    pixels = np.where(labels > 0, 200, 50).astype(np.uint8)
    return Micrograph(pixels=pixels, calibration=Calibration(source="ratio only"), path="discs.tif"), labels


def overlap(one, other):
    return np.count_nonzero(one & other) / np.count_nonzero(one | other)


def matched(found, truth, least):
    """Every object is found once, and nothing else; the worst overlap is at least ``least``."""
    assert found.max() == truth.max()
    for number in range(1, truth.max() + 1):
        mine = np.bincount(found[truth == number]).argmax()
        assert mine > 0
        assert overlap(found == mine, truth == number) >= least


@pytest.fixture(scope="module")
def known(tmp_path_factory):
    return str(clicked_model(tmp_path_factory.mktemp("prompt") / "known"))


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    folder = onnx_example.write_pair(tmp_path_factory.mktemp("sam") / "tiny")
    card(folder)
    return str(folder)


def card(folder, **changes):
    values = {"name": "tiny", "title": "as gray as under the click", "licence": "Apache-2.0", "commercial": True}
    plain = {"mean": (0.0, 0.0, 0.0), "deviation": (1.0, 1.0, 1.0)}
    return sam.write_card(folder, encoder="encoder.onnx", decoder="decoder.onnx", **{**values, **plain, **changes})


def run(model, image, **settings):
    chosen = prompt.Settings(model=model, **settings)
    return prompt.segment(prompt.load(chosen), image, chosen)


# ------------------------------------------------------------------------------------------------- everywhere


def test_every_disc_is_found_on_the_grid_and_nothing_else(known):
    image, truth = picture()
    found = run(known, image)
    matched(found.labels, truth, 0.93)
    assert found.settings["prompts"] == "points of a grid"
    assert found.settings["objects"] == len(DISCS)


def test_a_region_is_kept_to_and_sizes_that_are_not_looked_for_are_not_found(known):
    image, truth = picture()
    roi = np.ones(truth.shape, bool)
    roi[:, 180:] = False
    found = run(known, replace(image, roi=roi))
    matched(found.labels, np.where(roi & (truth < 4), truth, 0), 0.9)
    large = run(known, image, object_px=(40.0, 60.0))
    assert large.settings["zoom_steps"] == [0.5]
    assert {1, 2, 4} <= set(np.unique(truth[large.labels > 0]).tolist())


def test_alternatives_move_the_outline_and_do_not_run_the_network_again(known, monkeypatch):
    image, _ = picture()
    found = run(known, image)
    monkeypatch.setattr("inspect_tool.segmentation.prompt.clicked.ClickedField._asked", None)
    areas = {name: int((other.labels > 0).sum()) for name, other in found.alternatives()}
    here = int((found.labels > 0).sum())
    assert areas["probability +"] < here < areas["probability -"]
    assert list(areas) == ["probability -", "probability +", "quality -", "quality +"]


@needs_onnx
def test_a_pair_in_onnx_finds_every_disc_also_where_tiles_meet(pair):
    discs = [(60, 60, 24), (60, 150, 20), (150, 310, 30), (70, 300, 22), (220, 150, 28), (230, 460, 26), (90, 540, 25)]
    image, truth = picture(discs, (300, 620))
    found = run(pair, image, tile_px=300, grid=12)
    assert found.settings["tiles"] == 2
    assert found.settings["onnxruntime"] == version("onnxruntime")
    # the ground is an object of this decoder as well, as large as the picture: it is cut by its tile
    matched(found.labels, truth, 0.85)


@needs_onnx
def test_the_embedding_of_an_image_is_kept(pair, tmp_path):
    image, _ = picture()
    settings = prompt.Settings(model=pair, clicks=table(tmp_path, "discs.tif,1,inside,50,40"))
    model = prompt.load(settings)
    first = prompt.segment(model, image, settings)
    model = replace(model, engine=replace(model.engine, encoder=_Counted(model.engine.encoder)))
    again = prompt.segment(model, image, settings)
    assert np.array_equal(first.labels, again.labels)
    assert model.engine.encoder.runs == 0
    pixels = image.pixels.copy()
    pixels[0, 0] += 9
    prompt.segment(model, replace(image, pixels=pixels), settings)
    assert model.engine.encoder.runs == 1


class _Counted:
    def __init__(self, session):
        self.session, self.runs = session, 0
        self.get_inputs, self.get_outputs = session.get_inputs, session.get_outputs

    def run(self, *given):
        self.runs += 1
        return self.session.run(*given)


# ---------------------------------------------------------------------------------------------------- clicks


def table(folder, *lines, head=HEAD):
    path = folder / "clicks.csv"
    path.write_text(head + "\n".join(lines) + "\n", encoding="utf-8")
    return str(path)


@pytest.mark.parametrize("engine", ["known", pytest.param("pair", marks=needs_onnx)])
def test_what_was_clicked_on_is_labeled_in_the_order_of_the_table(engine, request, tmp_path):
    model = request.getfixturevalue(engine)
    image, truth = picture()
    clicks = table(
        tmp_path,
        "other.tif,9,inside,1,1,,",
        "discs.tif,big,inside,150,60,,",
        "discs.tif,left,1,45,45,,",
        "discs.tif,boxed,box,186,106,234,154",
        "discs.tif,big,outside,100,20,,",
    )
    found = run(model, image, clicks=clicks)
    assert found.settings["prompts"] == "clicks of a person"
    for number, true in ((1, 2), (2, 1), (3, 4)):
        assert overlap(found.labels == number, truth == true) > 0.9
    assert found.labels.max() == 3
    assert [name for name, _ in found.alternatives()] == ["probability -", "probability +"]
    assert "clicks" not in found.settings
    assert len(found.settings["clicks_sha256"]) == 64


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("discs.tif,1,inside,260,3,,", r"line 2 x: got '260', must be a place in the image, from 0 to 259"),
        ("discs.tif,1,inside,3,,,", r"line 2 y: got '', must be a place"),
        ("discs.tif,1,perhaps,3,3,,", r"line 2 label: got 'perhaps', must be inside, outside, box or none"),
        ("discs.tif,,inside,3,3,,", r"line 2 object: is empty"),
        ("discs.tif,1,outside,3,3,,", r"object 1 of discs\.tif has no click inside and no box"),
        ("discs.tif,1,box,3,3,3,9", r"line 2 box: is 0 px by 6 px"),
        ("disc.tif,1,inside,3,3,,", r"no line is of discs\.tif; did you mean 'disc\.tif'"),
        ("discs.tif,1,inside,3,3,,\ndiscs.tif,,none,,,,", r"one line says that discs\.tif has no object"),
    ],
)
def test_a_line_that_cannot_be_is_told_by_its_place(line, said, tmp_path):
    with pytest.raises(SettingsError, match=said) as refused:
        read_clicks(tmp_path / table(tmp_path, line), "folder/discs.tif", (170, 260))
    assert "\n" not in str(refused.value)


def test_a_table_without_a_column_is_refused_and_an_image_may_be_empty(tmp_path):
    with pytest.raises(SettingsError, match="lacks the column label; the first line is: image,object,label,x,y"):
        read_clicks(tmp_path / table(tmp_path, "a,1,2,3", head="image,object,x,y\n"), "a", (9, 9))
    assert read_clicks(tmp_path / table(tmp_path, "a.tif,,none,,,,"), "a.tif", (9, 9)) == ()
    found = read_clicks(tmp_path / table(tmp_path, "a.tif,1,box,5,1,2,7"), "a.tif", (9, 9))
    assert found == (Prompt(box=(1.0, 2.0, 7.0, 5.0), name="1"),)


# ---------------------------------------------------------------------------------------------- what is refused


@needs_onnx
@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"licence": "AGPL-3.0"}, r"says commercial = true, but the licence is AGPL-3\.0"),
        ({"title": "FastSAM-s"}, r"the licence is AGPL-3\.0"),
        ({"name": "edgesam"}, r"the licence is NTU S-Lab License 1\.0, non-commercial"),
        ({"licence": "CC-BY-NC-4.0"}, r"the licence is CC-BY-NC-4\.0"),
        ({"side": 10}, r"network side: got 10, must lie between 64 and 4096"),
    ],
)
def test_a_card_that_permits_what_its_licence_does_not_is_refused(changes, said, tmp_path):
    folder = onnx_example.write_pair(tmp_path / "sam")
    with pytest.raises(BackendError, match=said):
        card(folder, **changes)
    assert not (folder / "model.toml").exists()


@needs_onnx
def test_a_commercial_job_refuses_a_model_for_research_only(tmp_path):
    folder = onnx_example.write_pair(tmp_path / "sam")
    card(folder, name="edgesam", licence="NTU S-Lab License 1.0", commercial=False)
    with pytest.raises(BackendError, match="does not permit commercial use"):
        prompt.load(prompt.Settings(model=str(folder)))
    prompt.load(prompt.Settings(model=str(folder), commercial=False))


@needs_onnx
@pytest.mark.parametrize(
    ("file", "data", "said"),
    [
        ("decoder.onnx", onnx_example.encoder(), r"takes image and gives image_embeddings; a decoder takes"),
        ("encoder.onnx", onnx_example.decoder(), r"an encoder of the SAM family takes one image"),
        ("decoder.onnx", onnx_example.decoder("embeddings"), r"takes embeddings, point_coords"),
        ("decoder.onnx", onnx_example.decoder(mask="mask"), r"and gives low_res_masks and iou_predictions: export"),
        ("encoder.onnx", b"no network", r"is no ONNX network that can be run"),
    ],
)
def test_files_that_are_no_pair_are_told_by_their_inputs(file, data, said, tmp_path):
    folder = onnx_example.write_pair(tmp_path / "sam")
    (folder / file).write_bytes(data)
    card(folder)
    with pytest.raises(BackendError, match=said) as refused:
        prompt.load(prompt.Settings(model=str(folder)))
    assert "\n" not in str(refused.value)


@needs_onnx
def test_a_file_that_was_changed_after_its_card_is_refused(tmp_path):
    folder = onnx_example.write_pair(tmp_path / "sam")
    card(folder)
    (folder / "decoder.onnx").write_bytes(onnx_example.decoder() + b"\x00")
    with pytest.raises(BackendError, match=r"decoder\.onnx: sha256 is .* the file was changed"):
        prompt.load(prompt.Settings(model=str(folder)))


def test_settings_that_contradict_each_other_are_refused(known):
    with pytest.raises(SettingsError, match=r"object_px: got .* the smaller first"):
        prompt.load(prompt.Settings(model=known, object_px=(9.0, 3.0)))
    with pytest.raises(SettingsError, match="tile_px: got 100, must be at least 256"):
        prompt.load(prompt.Settings(model=known, tile_px=100))


# -------------------------------------------------------------------------------------------------- the parts


def test_the_next_click_is_in_the_middle_of_the_largest_error():
    truth, found = np.zeros((40, 40), bool), np.zeros((40, 40), bool)
    truth[5:16, 5:16] = True
    found[5:16, 5:11] = True
    found[30:37, 30:37] = True
    assert guidance.next_click(truth, found)[2]  # 55 pixels are missing, 49 are too many
    found[30:39, 30:39] = True
    assert guidance.next_click(truth, found) == (34, 34, False)


def test_a_patch_is_drawn_where_its_grid_lies():
    probability = np.zeros((8, 8), np.float32)
    probability[2:6, 3:5] = 1
    one = patches.patch(probability, (10.0, 20.0), (4.0, 4.0), Prompt(inside=((25.0, 35.0),)), 0.9)
    area, mask = patches.drawn(one, 0.5, (60, 60))
    whole = np.zeros((60, 60), bool)
    whole[area] = mask
    rows, columns = np.nonzero(whole)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (18, 33, 32, 39)
