"""Cellpose with our model folders: the same answer as Cellpose itself, exact synthetic truth, any size, refusals.

Expected labels come from Cellpose's own ``CellposeModel.eval`` or from fields whose labels were drawn; the matching
score is Cellpose's own ``metrics.average_precision``.
"""

import shutil
import socket
from dataclasses import replace
from importlib.metadata import version

import numpy as np
import pytest

from inspect_tool import synthetic
from inspect_tool.errors import BackendError, SettingsError
from inspect_tool.model import Calibration, Micrograph
from inspect_tool.pixels.bits import BitMask
from inspect_tool.pixels.stored import StoredImage
from inspect_tool.segmentation import cellpose as backend
from inspect_tool.segmentation.cellpose import flows
from inspect_tool.segmentation.cellpose import network as networks
from inspect_tool.segmentation.networks.runtime import OutOfMemoryError
from inspect_tool.segmentation.networks.weights import gray_range, load_weights, normalized, save_model, shipped

pytest.importorskip("cellpose", reason="the extra 'cellpose' is not installed")
if version("cellpose").split(".")[0] != "3":
    pytest.skip("tests/test_cellpose4.py tests this version", allow_module_level=True)

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.filterwarnings("ignore:Sparse invariant checks")  # of Cellpose's own code, called directly

TINY = {"nbase": [2, 4, 8], "nout": 3, "sz": 3}
CARD = {
    "name": "tiny",
    "version": "1",
    "title": "random",
    "architecture": "cellpose3",
    "network": TINY,
    "classes": ("background", "particle"),
    "licence": "MIT",
    "commercial": True,
    "settings": {"diameter_px": 30.0},
}


def micrograph(field, **changes):
    calibration = Calibration(pixel_um=field.pixel_um, source="stage micrometer")
    return Micrograph(pixels=field.pixels, calibration=calibration, path="field.tif", **changes)


def particles(seed, shape_px=(300, 400), mean_ecd_um=30.0, level=1, **look):
    """A field of a seed that was not trained on, and its labels."""
    made = synthetic.particles(seed=10**6 + seed, area_percent=45, mean_ecd_um=mean_ecd_um, shape_px=shape_px, **look)
    return replace(made, pixels=synthetic.degrade(made.pixels, level, seed=seed))


def matching(truth, found, iou=0.5):
    """TP / (TP + FP + FN)."""
    from cellpose.metrics import average_precision

    return float(average_precision(truth, found, [iou])[0][0])


@pytest.fixture(scope="module")
def exact():
    """The shipped model in single precision."""
    return backend.load(backend.Settings(precision="fp32"))


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """Model folder of a tiny network with random weights."""
    from cellpose.resnet_torch import CPnet

    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("models") / "tiny"
    save_model(folder, CARD, CPnet(**TINY).state_dict())
    return folder


# ------------------------------------------------------------------------------------------------ right answers


@pytest.mark.parametrize("diameter_px", [30.0, 22.0, 45.0])
def test_the_labels_are_those_of_cellpose_itself(exact, diameter_px):
    from cellpose.models import CellposeModel

    field = particles(1)
    card, weights = load_weights(shipped("particles_cellpose"))
    network = networks.fitted(
        networks._built(card, shipped("particles_cellpose")), weights, shipped("particles_cellpose")
    )

    class Plain(torch.nn.Module):  # as CellposeModel holds it; a style of 256 numbers is asked for
        nout, mkldnn, device = 3, False, torch.device("cpu")

        def forward(self, image):
            return network(image)[0], torch.ones(len(image), 256)

    theirs = CellposeModel.__new__(CellposeModel)  # its constructor would look for weights of its own
    theirs.net, theirs.nchan, theirs.device = Plain(), 2, torch.device("cpu")
    theirs.diam_mean = theirs.diam_labels = 30.0
    image = normalized(field.pixels, *gray_range(field.pixels))
    masks = theirs.eval(image, channels=[0, 0], normalize=False, diameter=diameter_px, max_size_fraction=1.0)[0]
    ours = backend.segment(exact, micrograph(field), backend.Settings(diameter_px=diameter_px, precision="fp32"))
    # objects that the image edge cuts are judged otherwise; flows are kept as float16
    whole, ours_whole = (within(labels) for labels in (np.asarray(masks, np.int32), ours.labels))
    assert whole.max() == ours_whole.max() > 15
    assert matching(whole, ours_whole, iou=0.99) == 1.0
    assert np.mean((whole > 0) != (ours_whole > 0)) < 1e-4


def within(labels):
    """Objects that the edge does not cut, numbered anew."""
    cut = np.unique(np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]]))
    kept = np.where(np.isin(labels, cut), 0, labels)
    return np.unique(kept, return_inverse=True)[1].reshape(labels.shape).astype(np.int32)


def test_particles_cut_by_the_edge_are_kept(exact):
    field = particles(8, level=1)
    found = backend.segment(exact, micrograph(field), backend.Settings(diameter_px=30.0))
    numbers, areas = np.unique(field.labels, return_counts=True)
    cut = set(numbers.tolist()) - set(np.unique(np.where(within(field.labels) > 0, field.labels, 0)).tolist())
    large = [n for n, area in zip(numbers, areas, strict=True) if n in cut and n > 0 and area > 150]
    lost = [n for n in large if np.mean(found.labels[field.labels == n] > 0) < 0.5]
    assert len(large) > 5
    assert len(lost) <= 0.35 * len(large)  # judged like the others, more than half of them would be dropped


def test_particles_not_trained_on_are_found(exact):
    scores = []
    for seed, look in enumerate(({}, {"gray": (0.8, 0.4)}, {"seam": 0.0}, {"roughness": 0.1})):
        field = particles(seed, level=seed % 3, **look)
        found = backend.segment(exact, micrograph(field), backend.Settings(diameter_px=30.0))
        scores.append(matching(field.labels, found.labels))
        area = 100 * float((found.labels > 0).mean())
        assert area == pytest.approx(field.truth["field.area_percent.particle"], abs=3.0)
    assert np.mean(scores) >= 0.8
    assert min(scores) >= 0.75


@pytest.mark.parametrize(("mean_ecd_um", "side"), [(16.0, 240), (70.0, 440)])
def test_the_diameter_is_found_and_stated(exact, mean_ecd_um, side):
    field = particles(3, shape_px=(side, side), mean_ecd_um=mean_ecd_um, spread=0.15)
    found = backend.segment(exact, micrograph(field), backend.Settings())
    assert found.settings["diameter_px"] == pytest.approx(mean_ecd_um, rel=0.2)
    assert found.settings["diameter_from"].startswith("found")
    assert found.settings["rescaled_by"] == pytest.approx(30 / found.settings["diameter_px"], abs=1e-3)
    assert matching(field.labels, found.labels) >= 0.75


def test_the_scale_of_the_training_gives_the_diameter(tiny, tmp_path):
    _, weights = load_weights(tiny)
    save_model(tmp_path / "scaled", {**CARD, "pixel_um": 0.5}, weights)
    settings = backend.Settings(model=str(tmp_path / "scaled"))
    field = replace(particles(1, shape_px=(64, 64)), pixel_um=0.25)
    found = backend.segment(backend.load(settings), micrograph(field), settings)
    assert found.settings["diameter_px"] == 60.0
    assert found.settings["diameter_from"] == "scale of the training"


def test_alternatives_do_not_run_the_network_again_and_lie_on_both_sides(exact, monkeypatch):
    field, settings = particles(2), backend.Settings(diameter_px=30.0)
    found = backend.segment(exact, micrograph(field), settings)
    monkeypatch.setattr(exact.network, "run", None)
    low, high = (float((s.labels > 0).mean()) for _, s in found.alternatives())
    assert low > float((found.labels > 0).mean()) > high


# --------------------------------------------------------------------------------------------------- any size


def test_chunks_neither_cut_nor_double_nor_lose_an_object(exact):
    field = particles(4, shape_px=(480, 540), level=0, roughness=0.0)
    # Cellpose sees the style of what it is given, which differs from chunk to chunk; an object on the verge of the
    # flow threshold may then stand or fall, so that threshold is left out
    settings = backend.Settings(diameter_px=30.0, flow_threshold=0.0)
    whole = backend.segment(exact, micrograph(field), settings)
    cut = backend.segment(exact, micrograph(field), replace(settings, chunk_px=256))
    assert matching(whole.labels, cut.labels, iou=0.8) >= 0.97
    areas = [float((found.labels > 0).mean()) for found in (whole, cut)]
    assert areas[1] == pytest.approx(areas[0], rel=0.002)
    assert cut.labels.max() == pytest.approx(whole.labels.max(), rel=0.01)
    assert cut.coverage == whole.coverage == 1.0


def drawn_flows(monkeypatch, labels):
    """Let the network answer with the perfect flows of labels; what remains is windows and stitching."""
    from cellpose.dynamics import masks_to_flows

    perfect = np.concatenate([5 * masks_to_flows(labels), np.where(labels > 0, 6.0, -6.0)[None]]).astype(np.float16)

    def predicted(self, rows, columns):
        return perfect[:, rows[0] : rows[1], columns[0] : columns[1]]

    monkeypatch.setattr("inspect_tool.segmentation.cellpose.flows.FlowField._predicted", predicted)


def test_with_one_flow_field_windows_give_what_the_whole_image_gives(exact, monkeypatch):
    field = particles(5, shape_px=(600, 640))
    drawn_flows(monkeypatch, field.labels)
    whole, cut = (
        backend.segment(exact, micrograph(field), backend.Settings(diameter_px=30.0, chunk_px=chunk)).labels
        for chunk in (2048, 256)
    )
    assert matching(field.labels, whole, iou=0.9) >= 0.95  # slivers at the edge are smaller than min_size_px
    assert whole.max() == cut.max()
    assert matching(whole, cut, iou=0.99) >= 0.99
    assert np.mean((whole > 0) != (cut > 0)) < 1e-4


def test_objects_of_an_image_on_the_disk_are_those_of_the_image_in_memory(exact, tmp_path, monkeypatch):
    field = particles(3, shape_px=(260, 400))
    roi = np.indices(field.pixels.shape).sum(axis=0) > 90
    held = micrograph(field, roi=roi)
    stored = StoredImage(roi.shape, np.uint8, tmp_path, tmp_path)
    stored[:] = field.pixels
    there = replace(held, pixels=stored, roi=BitMask(np.packbits(roi, axis=1), roi.shape))
    settings = backend.Settings(diameter_px=30.0, chunk_px=256, precision="fp32")
    whole = backend.segment(exact, held, settings)
    monkeypatch.setattr(flows, "KEPT_BYTES", 0)  # flows are read back from the disk
    found = backend.segment(exact, there, settings)
    assert len(sorted(tmp_path.glob("flows*.npz"))) == 2
    assert found.settings == whole.settings
    assert np.array_equal(found.labels, whole.labels)
    assert whole.labels.max() > 20
    (name, one), (other_name, other) = next(whole.alternatives()), next(found.alternatives())
    assert name == other_name
    assert np.array_equal(one.labels, other.labels)


def test_an_object_larger_than_its_window_is_whole(exact, monkeypatch):
    y, x = np.mgrid[:560, :560]
    labels = np.zeros((560, 560), np.int32)
    labels[(y - 250) ** 2 + (x - 260) ** 2 < 120**2] = 1
    labels[(y - 480) ** 2 + (x - 480) ** 2 < 15**2] = 2
    field = replace(particles(5, shape_px=(560, 560)), labels=labels)
    drawn_flows(monkeypatch, labels)
    monkeypatch.setattr(backend, "ITERATIONS", 600)
    found = backend.segment(exact, micrograph(field), backend.Settings(diameter_px=30.0, chunk_px=256)).labels
    assert found.max() == 2
    assert matching(labels, found, iou=0.95) == 1.0
    monkeypatch.setattr(backend, "LARGEST_WINDOW", 0.1)
    with pytest.raises(BackendError, match=r"field\.tif: the object at row \d+, column \d+ is larger than 60 px"):
        backend.segment(exact, micrograph(field), backend.Settings(diameter_px=30.0, chunk_px=256))


def test_only_the_region_counts(exact):
    field = particles(6)
    roi = np.zeros(field.pixels.shape, bool)
    roi[40:260, 30:200] = True
    found = backend.segment(exact, micrograph(field, roi=roi), backend.Settings(diameter_px=30.0))
    assert not found.labels[~roi].any()
    numbers = np.unique(found.labels)
    assert np.array_equal(numbers, np.arange(len(numbers)))
    truth = np.where(roi, field.labels, 0)
    order = np.unique(truth, return_inverse=True)[1].reshape(truth.shape).astype(np.int32)
    assert matching(order, found.labels) >= 0.7


def test_the_same_image_gives_the_same_labels(exact):
    field, settings = particles(7, shape_px=(200, 200)), backend.Settings(diameter_px=30.0)
    first, again = (backend.segment(exact, micrograph(field), settings).labels for _ in range(2))
    assert np.array_equal(first, again)


# --------------------------------------------------------------------------------------------------- refusals


def test_nothing_is_asked_of_the_network_cable(tiny, monkeypatch):
    def refuse(*_, **__):
        pytest.fail("a connection was opened")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    settings = backend.Settings(model=str(tiny), diameter_px=30.0)
    backend.segment(backend.load(settings), micrograph(particles(1, shape_px=(64, 64))), settings)


def test_a_licence_that_forbids_commercial_use(tiny, tmp_path):
    _, weights = load_weights(tiny)
    save_model(tmp_path / "research", {**CARD, "licence": "CC-BY-NC 4.0", "commercial": False}, weights)
    settings = backend.Settings(model=str(tmp_path / "research"))
    with pytest.raises(
        BackendError, match=r"licence 'CC-BY-NC 4\.0' does not permit commercial use.*commercial = false"
    ):
        backend.load(settings)
    backend.load(replace(settings, commercial=False))


def test_weights_of_another_version(tiny, tmp_path):
    _, weights = load_weights(tiny)
    save_model(tmp_path / "sam", {**CARD, "architecture": "cellpose4", "network": {"ps": 8}}, weights)
    with pytest.raises(BackendError, match=r"is a model of Cellpose 4, installed is cellpose 3\.1.*'cellpose>=4'"):
        backend.load(backend.Settings(model=str(tmp_path / "sam")))
    save_model(tmp_path / "unet", {**CARD, "architecture": "unet"}, weights)
    with pytest.raises(BackendError, match='is "unet"; this backend uses "cellpose3"'):
        backend.load(backend.Settings(model=str(tmp_path / "unet")))


def test_cellpose_is_not_installed(tiny, monkeypatch):
    def missing(_):
        raise networks.PackageNotFoundError

    monkeypatch.setattr(networks, "version", missing)
    with pytest.raises(BackendError, match=r"needs the extra 'cellpose': pip install 'inspect_tool\[cellpose\]'"):
        backend.load(backend.Settings(model=str(tiny)))


def changed_file(folder):
    path = folder / "weights.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"\x01")


def no_file(folder):
    (folder / "weights.safetensors").unlink()


def not_a_number(folder):
    _, weights = load_weights(folder)
    weights["output.2.bias"][0] = float("nan")
    save_model(folder, CARD, weights)


def other_widths(folder):
    _, weights = load_weights(folder)
    save_model(folder, {**CARD, "network": {**TINY, "nbase": [2, 4, 16]}}, weights)


def unknown_argument(folder):
    _, weights = load_weights(folder)
    save_model(folder, {**CARD, "network": {**TINY, "depth": 3}}, weights)


def color(folder):
    _, weights = load_weights(folder)
    save_model(folder, {**CARD, "channels": "rgb"}, weights)


@pytest.mark.parametrize(
    ("damage", "match"),
    [
        (changed_file, "the file was changed"),
        (no_file, "no such file"),
        (not_a_number, r"'output\.2\.bias' holds values that are not finite"),
        (other_widths, "the weights do not fit the network"),
        (unknown_argument, "network: got an unexpected keyword argument 'depth'"),
        (color, "channels: is 'rgb', this backend gives gray"),
    ],
)
def test_a_damaged_model_folder(tiny, tmp_path, damage, match):
    folder = tmp_path / "tiny"
    shutil.copytree(tiny, folder)
    damage(folder)
    with pytest.raises(BackendError, match=match) as caught:
        backend.load(backend.Settings(model=str(folder)))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"diameter_px": 0.0}, "diameter_px: got 0, must be at least 2"),
        ({"flow_threshold": float("nan")}, "flow_threshold: got nan"),
        ({"chunk_px": 100}, "chunk_px: got 100, must be at least 256"),
    ],
)
def test_numbers_that_cannot_be(changes, match):
    with pytest.raises(SettingsError, match=match):
        backend.load(backend.Settings(**changes))


def test_answers_that_are_no_numbers_are_refused_with_their_place(tiny):
    settings = backend.Settings(model=str(tiny), diameter_px=30.0)
    model = backend.load(settings)
    image = micrograph(particles(1, shape_px=(260, 300)))
    honest = model.network.run

    def holed(batch):
        made = honest(batch).copy()
        made[-1, 2, -1, -1] = np.nan  # padding is cut off again, what is left of the tile is not
        made[-1, 2, 100, 120] = np.nan
        return made

    model.network.run = holed
    with pytest.raises(BackendError, match=r"field\.tif: row \d+, column \d+: .* not finite numbers"):
        backend.segment(model, image, settings)
    model.network.run = lambda batch: np.ones((len(batch), 3, *batch.shape[2:]), np.float32)
    with pytest.raises(BackendError, match="tile at row 0, column 0: the network gives one and the same value"):
        backend.segment(model, image, settings)


def test_a_constant_image(tiny):
    settings = backend.Settings(model=str(tiny))
    image = replace(micrograph(particles(1, shape_px=(64, 64))), pixels=np.full((64, 64), 90, np.uint8))
    with pytest.raises(BackendError, match=r"field\.tif: the image is constant"):
        backend.segment(backend.load(settings), image, settings)


def test_a_full_device_is_left_by_and_by_and_the_report_says_so(tiny):
    settings = backend.Settings(model=str(tiny), diameter_px=30.0)
    image = micrograph(particles(1, shape_px=(260, 300)))
    model = backend.load(settings)
    expected = backend.segment(model, image, settings).labels
    honest, calls = model.network, []

    def full(batch):
        calls.append(len(batch))
        raise OutOfMemoryError

    model.network = networks.Network(full, 2, 224, {"device": "cpu"})
    model.on_cpu = lambda: honest
    found = backend.segment(model, image, settings)
    assert calls == [4, 2, 1]
    assert found.settings["retreats"] == (
        "device out of memory: 2 tiles at a time",
        "device out of memory: 1 tiles at a time",
        "device out of memory: network on the CPU",
    )
    assert np.array_equal(found.labels, expected)


# ------------------------------------------------------------------------------------------------- conversion


def test_a_weight_file_of_cellpose_becomes_a_model_folder(tiny, tmp_path):
    from cellpose.resnet_torch import CPnet

    torch.manual_seed(3)
    network = CPnet([2, 4, 8, 12], 3, 3, diam_mean=17.0)
    network.save_model(tmp_path / "mine_3")
    card = backend.convert(tmp_path / "mine_3", tmp_path / "mine", licence="own", commercial=True, objects="grain")
    assert card.architecture == "cellpose3"
    assert card.network == {"nbase": [2, 4, 8, 12], "nout": 3, "sz": 3}
    assert card.settings == {"diameter_px": 17.0}
    assert len(card.procedure["sha256_of_source"]) == 64
    settings = backend.Settings(model=str(tmp_path / "mine"), diameter_px=17.0)
    model = backend.load(settings)
    _, weights = load_weights(tmp_path / "mine")
    assert all(np.array_equal(weights[key], value.numpy()) for key, value in network.state_dict().items())
    found = backend.segment(model, micrograph(particles(1, shape_px=(64, 64))), settings)
    assert found.classes == {1: "grain"}


class Evil:
    def __reduce__(self):
        return (print, ("code in a weight file was run",))


def test_code_in_a_weight_file_is_not_run(tmp_path, capsys):
    torch.save({"weights": Evil()}, tmp_path / "evil")
    with pytest.raises(BackendError, match="holds more than weights or is damaged, and was not loaded"):
        backend.convert(tmp_path / "evil", tmp_path / "out", licence="?", commercial=False)
    assert "code" not in capsys.readouterr().out
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("state", "match"),
    [
        ({"a": "text"}, "is not the state of a network"),
        ({"fc.weight": None}, "is not a network of Cellpose 3"),
        ({"encoder.cls_token": None}, "Cellpose-DINO"),
    ],
)
def test_weight_files_that_are_something_else(tmp_path, state, match):
    torch.save({key: torch.zeros(1) if value is None else value for key, value in state.items()}, tmp_path / "other")
    with pytest.raises(BackendError, match=match):
        backend.convert(tmp_path / "other", tmp_path / "out", licence="?", commercial=False)


def test_a_pickle_as_a_model_is_refused_with_the_way_on(tmp_path):
    (tmp_path / "cyto.pt").write_bytes(b"x")
    with pytest.raises(BackendError, match="refused"):
        backend.load(backend.Settings(model=str(tmp_path / "cyto.pt")))
