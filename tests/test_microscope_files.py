"""CZI, LIF, ND2 and OME-Zarr beyond what every reader must do: mosaics, colors, several images, what is refused."""

import hashlib
import json
import struct
import sys
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from unittest import mock

import numpy as np
import pytest
from lif_example import write_lif
from nd2_example import write_nd2
from reader_examples import WRITERS
from zarr_example import write_zarr

from inspect_tool import cli, registry
from inspect_tool.errors import ReadError, SettingsError
from inspect_tool.files import sha256_source
from inspect_tool.images.readers import read, scale
from inspect_tool.inspection import job_plan, job_run, one_field
from inspect_tool.model import Selection

RNG = np.random.default_rng(7)
GRAY = RNG.integers(1, 4096, (24, 36), dtype=np.uint16)
COLOR = RNG.integers(0, 256, (24, 36, 3), dtype=np.uint8)
NEW = ("czi", "lif", "nd2", "ome_zarr")
BOMB = '<!DOCTYPE a [<!ENTITY x "xxxx"><!ENTITY y "&x;&x;&x;&x;">]>'


def one_line(says, path, which=Selection()):
    with pytest.raises(ReadError, match=says) as caught:
        read(path, which)
    assert "\n" not in str(caught.value)


def example(name, folder):
    """A small file of a format, with the name of the suffix."""
    writer, _, library = WRITERS[name]
    pytest.importorskip(library, reason=f"the extra of the reader {name} is not installed")
    path = folder / f"field{registry.load('reader', name).SUFFIXES[0]}"
    writer(path, GRAY[None], 0.25, 0.25)
    return path


# ------------------------------------------------------------------------------------------------------------ CZI


@pytest.fixture
def czi():
    return pytest.importorskip("pylibCZIrw.czi", reason="the extra czi is not installed")


def test_czi_scenes_and_their_planes(czi, tmp_path):
    path = tmp_path / "a.czi"
    planes = {
        (s, c, z): RNG.integers(0, 60000, (24, 36), dtype=np.uint16) for s in (0, 1) for c in (0, 1) for z in (0, 1)
    }
    with czi.create_czi(str(path)) as file:
        for (s, c, z), plane in planes.items():
            file.write(plane, plane={"C": c, "Z": z}, scene=s, location=(500 * s, 90))
    one_line(r"has 2 scenes, 2 channels, 2 z positions; say which with scene = 0 \.\.\. 1, channel", path)
    for (s, c, z), plane in planes.items():
        found = read(path, Selection(scene=s, channel=c, z=z))
        assert np.array_equal(found.pixels, plane)
        assert found.meta["scene"] == f"{s} of 2 (counted from 0)"


def test_a_czi_mosaic_is_put_together_and_its_holes_do_not_count(czi, tmp_path):
    """Two tiles of 36 x 24 px at (-5, 7) and (21, 7) overlap by 10 px; a third one stands apart by a gap of 4 rows."""
    path = tmp_path / "a.czi"
    tiles = [(-5, 7, GRAY), (21, 7, GRAY[::-1]), (-5, 35, GRAY[:, ::-1])]
    with czi.create_czi(str(path)) as file:
        for left, top, pixels in tiles:
            file.write(np.ascontiguousarray(pixels), location=(left, top))
    found = read(path)
    expected, covered = np.zeros((52, 62), np.float32), np.zeros((52, 62), bool)
    for left, top, pixels in tiles:  # the later one lies on top
        part = np.s_[top - 7 : top - 7 + 24, left + 5 : left + 5 + 36]
        expected[part], covered[part] = pixels, True
    assert np.array_equal(found.roi, covered)
    assert np.array_equal(found.pixels[covered], expected[covered])
    assert found.meta["mosaic"] == "3 tiles put together by the positions in the file"


def test_czi_colors_are_in_their_order(czi, tmp_path):
    path = tmp_path / "a.czi"
    with czi.create_czi(str(path)) as file:
        file.write(np.ascontiguousarray(COLOR[:, :, ::-1]))  # the format has blue first
    assert np.array_equal(read(path).color, COLOR)


@pytest.mark.parametrize("options", ["zstd0:ExplicitLevel=2", "zstd1:"])
def test_czi_compression(czi, tmp_path, options):
    path = tmp_path / "a.czi"
    with czi.create_czi(str(path), compression_options=options) as file:
        file.write(GRAY)
    found = read(path)
    assert np.array_equal(found.pixels, GRAY)
    assert found.meta["compression"] == "Zstandard"


def czi_entries(data):
    """Where the entries of the directory begin: each names X and Y with start, size and stored size."""
    directory = struct.unpack_from("<q", data, 32 + 52)[0]
    return directory + 32 + 128


def test_a_czi_with_a_gigantic_size_or_a_missing_tile_is_refused_before_decoding(czi, tmp_path):
    path = example("czi", tmp_path)
    whole = path.read_bytes()
    data = bytearray(whole)
    at = czi_entries(data) + 32
    while data[at : at + 1] not in (b"X", b"Y"):
        at += 20
    for place in (at, at + 20):
        data[place + 8 : place + 12] = data[place + 16 : place + 20] = (2_000_000).to_bytes(4, "little")
    path.write_bytes(data)
    one_line("2000000 x 2000000 px, the limit is 500 Mpx", path)
    data = bytearray(whole)
    data[data.index(b"ZISRAWSUBBLOCK")] = 0
    path.write_bytes(data)
    one_line("no whole ZISRAWSUBBLOCK", path)


def test_czi_metadata_with_entities_are_refused(czi, tmp_path):
    path = example("czi", tmp_path)
    data = path.read_bytes()
    start, text = data.index(b"<ImageDocument"), BOMB.encode()
    path.write_bytes(data[:start] + text + data[start + len(text) :])
    one_line("declares a document type", path)


# ------------------------------------------------------------------------------------------------------------ LIF


def test_lif_images_and_their_planes_as_the_library_reads_them(tmp_path):
    liffile = pytest.importorskip("liffile", reason="the extra lif is not installed")
    stack = RNG.integers(0, 4096, (2, 3, 2, 24, 36), dtype=np.uint16)
    path = tmp_path / "a.lif"
    images = {"Serie 1": (stack, 0.25, 0.5, ("Green", "Red")), "Overview": (COLOR[None, None], 1.5, 1.5, ())}
    write_lif(path, images)
    with liffile.LifFile(path) as file:
        assert [image.sizes for image in file.images] == [
            {"T": 2, "Z": 3, "C": 2, "Y": 24, "X": 36},
            {"Y": 24, "X": 36, "S": 3},
        ]
        assert np.array_equal(file.images[0].asarray(), stack)
        assert np.array_equal(file.images[1].asarray(), COLOR)
    one_line(r"has 2 scenes; say which with scene = 0 \.\.\. 1 \('Serie 1', 'Overview'\)", path)
    one_line("has 2 channels, 3 z positions, 2 times", path, Selection(scene="Serie 1"))
    found = read(path, Selection(scene="Serie 1", channel="Red", z=2, time=1))
    assert np.array_equal(found.pixels, stack[1, 2, 1])
    # 36 px span 35 steps of 0.25 um
    assert (found.calibration.pixel_um, found.calibration.pixel_y_um) == (pytest.approx(0.25), pytest.approx(0.5))
    color = read(path, Selection(scene="Overview"))
    assert np.array_equal(color.color, COLOR)
    assert color.calibration.pixel_um == pytest.approx(1.5)


def test_lif_headers_that_lie(tmp_path):
    pytest.importorskip("liffile", reason="the extra lif is not installed")
    path = tmp_path / "a.lif"
    planes = {"A": (GRAY[None, None, None], 0.25, 0.25, ("Gray",))}
    write_lif(path, planes, head=BOMB)
    one_line("declares a document type", path)
    write_lif(path, planes)
    whole = path.read_bytes()
    path.write_bytes(whole.replace('="36"'.encode("utf-16-le"), '="44"'.encode("utf-16-le"), 1))
    one_line("the plane needs 1744 bytes, its memory block has 1728", path)  # 23 rows of 72 bytes and 44 pixels of 2
    write_lif(path, {"A": (GRAY[None, None, None], 0.25, 0.25, ("Gray",))}, size=(90_000, 90_000))
    one_line("90000 x 90000 px, the limit is 500 Mpx", path)


# ------------------------------------------------------------------------------------------------------------ ND2


def test_nd2_loops_as_the_library_reads_them(tmp_path):
    nd2 = pytest.importorskip("nd2", reason="the extra nd2 is not installed")
    frames = RNG.integers(0, 4096, (12, 24, 36, 2), dtype=np.uint16)
    path = tmp_path / "a.nd2"
    write_nd2(path, frames, channels=("BF", "DIC"), loops=[("time", 2), ("scene", ("left", "right")), ("z", 3)])
    with nd2.ND2File(path) as file:
        assert dict(file.sizes) == {"T": 2, "P": 2, "Z": 3, "C": 2, "Y": 24, "X": 36}
        expected = file.asarray().copy()
    one_line(
        r"has 2 scenes, 2 channels, 3 z positions, 2 times; say which with scene = 0 \.\.\. 1 \('left', 'right'\)", path
    )
    for time, z in ((0, 0), (1, 2), (1, 0)):
        found = read(path, Selection(scene="right", channel="DIC", z=z, time=time))
        assert np.array_equal(found.pixels, expected[time, 1, z, 1])
        assert np.array_equal(found.pixels, frames[time * 6 + 3 + z, :, :, 1])


def test_a_frame_that_an_nd2_lacks_is_not_read_as_black(tmp_path):
    pytest.importorskip("nd2", reason="the extra nd2 is not installed")
    path = tmp_path / "a.nd2"
    frames = np.stack([GRAY, GRAY[::-1], GRAY[:, ::-1]])[..., None]
    write_nd2(path, frames, loops=[("time", 3)], leave_out=(1,))
    assert np.array_equal(read(path, Selection(time=2)).pixels, frames[2, :, :, 0])
    one_line("frame 1 of 3 was not recorded", path, Selection(time=1))


def test_nd2_without_a_calibration_a_color_one_and_one_that_lies(tmp_path):
    pytest.importorskip("nd2", reason="the extra nd2 is not installed")
    path = tmp_path / "a.nd2"
    write_nd2(path, GRAY[None, :, :, None], calibrated=False)
    assert scale(path).pixel_um is None
    assert scale(path).note == "ND2 says that it is not calibrated"
    write_nd2(path, COLOR[None])
    one_line("a color ND2 does not say which of its colors comes first", path)
    write_nd2(path, GRAY[None, :, :, None], uiWidth=90_000, uiWidthBytes=180_000, uiHeight=90_000)
    one_line("90000 x 90000 px, the limit is 500 Mpx", path)
    write_nd2(path, GRAY[None, :, :, None], uiHeight=25)
    one_line("frame 0 has 1728 of 1800 bytes", path)
    write_nd2(path, GRAY[None, :, :, None], uiWidthBytes=36)
    one_line("36 bytes per row promised for 36 px", path)


def test_nd2_metadata_with_entities_are_refused(tmp_path):
    """Metadata of older versions are XML."""
    pytest.importorskip("nd2", reason="the extra nd2 is not installed")
    path = tmp_path / "a.nd2"
    write_nd2(path, GRAY[None, :, :, None])
    data, text = path.read_bytes(), b'<?xml version="1.0"?>' + BOMB.encode()
    at = data.index("SLxPictureMetadata".encode("utf-16-le")) - 2
    path.write_bytes(data[:at] + text + data[at + len(text) :])
    one_line("declare a document type", path)


# ------------------------------------------------------------------------------------------------------- OME-Zarr


@pytest.fixture
def folder(tmp_path):
    pytest.importorskip("zarr", reason="the extra zarr is not installed")
    return tmp_path / "field.ome.zarr"


@pytest.mark.parametrize("version", ["0.4", "0.5"])
@pytest.mark.parametrize("unit", ["micrometer", "nanometer"])
def test_zarr_of_both_versions(folder, version, unit):
    stack = RNG.integers(1, 4096, (2, 3, 24, 36), dtype=np.uint16)
    write_zarr(folder, stack, version=version, axes="czyx", pixel_um=(0.25, 0.5), unit=unit, channels=("BSE", "SE"))
    found = read(folder, Selection(channel="SE", z=2))
    assert np.array_equal(found.pixels, stack[1, 2])  # the finest level, not the one of half its size
    factor = {"micrometer": 1.0, "nanometer": 1e-3}[unit]
    assert found.calibration.pixel_um == pytest.approx(0.25 * factor)
    assert found.calibration.pixel_y_um == pytest.approx(0.5 * factor)
    assert found.meta["channel"] == "1 of 2 (SE, counted from 0)"


def test_zarr_shards_and_a_scale_of_the_whole_image(folder):
    write_zarr(folder, GRAY, chunks=(8, 12), shards=(16, 24), pixel_um=(1.0, 1.0))
    content = json.loads((folder / "zarr.json").read_text())
    image = content["attributes"]["ome"]["multiscales"][0]
    image["coordinateTransformations"] = [{"type": "scale", "scale": [0.2, 0.2]}]
    (folder / "zarr.json").write_text(json.dumps(content))
    found = read(folder)
    assert np.array_equal(found.pixels, GRAY)
    assert found.calibration.pixel_um == pytest.approx(0.2)


def test_zarr_without_a_unit_has_no_scale(folder):
    write_zarr(folder, GRAY, unit="")
    assert scale(folder).pixel_um is None
    assert scale(folder).note == "OME-Zarr scale has no unit of length"


def test_images_of_bioformats2raw_are_scenes(folder):
    for number in range(2):
        write_zarr(folder / str(number), GRAY[:: 1 - 2 * number], version="0.4")
    (folder / ".zattrs").write_text('{"bioformats2raw.layout": 3}')
    one_line(r"has 2 scenes; say which with scene = 0 \.\.\. 1", folder)
    assert np.array_equal(read(folder, Selection(scene=1)).pixels, GRAY[::-1])


def change(path, function):
    content = json.loads(path.read_text())
    function(content)
    path.write_text(json.dumps(content))


def test_a_chunk_that_is_missing_is_not_read_as_black(folder):
    write_zarr(folder, GRAY, version="0.4")
    (folder / "0" / "1.2").unlink()
    one_line(r"chunk 0/1\.2 is missing and would be read as one gray value", folder)


@pytest.mark.parametrize(
    ("file", "spoil", "says"),
    [
        ("0/.zarray", lambda c: c.update(filters=[{"id": "pickle"}]), "codec 'pickle' is not read"),
        ("0/.zarray", lambda c: c.update(dtype="|O"), "pixels of kind"),
        ("0/.zarray", lambda c: c.update(shape=[90_000, 90_000]), "90000 x 90000 px, the limit is 500 Mpx"),
        ("0/.zarray", lambda c: c.update(chunks=[90_000, 90_000]), "90000 x 90000 px, the limit is 500 Mpx"),
        ("0/.zarray", lambda c: c.update(chunks=[0, 16]), "the metadata are damaged"),
        ("0/.zarray", lambda c: c.update(zarr_format=7), "not a readable OME-Zarr image"),
        (".zattrs", lambda c: c["multiscales"][0].update(version="0.2"), "version 0.2 of OME-Zarr is not read"),
        (".zattrs", lambda c: c["multiscales"][0].update(axes=["y", "x"]), "is not read; versions 0.4 and 0.5 are"),
        (".zattrs", lambda c: c["multiscales"][0]["axes"].reverse(), "x stands before y"),
        (".zattrs", lambda c: c["multiscales"][0]["axes"].pop(), "axes y; x and y are needed"),
        (".zattrs", lambda c: c["multiscales"][0]["datasets"][0].update(path="../other"), "lies outside of the image"),
        (".zattrs", lambda c: c["multiscales"][0]["datasets"][0].update(path="9"), "the array '9' is missing"),
        (".zattrs", lambda c: c.clear(), "holds no OME-Zarr image"),
        (".zattrs", lambda c: c.update(plate={}), "is a plate of many wells"),
    ],
)
def test_zarr_that_is_not_read(folder, file, spoil, says):
    write_zarr(folder, GRAY, version="0.4")
    change(folder / file, spoil)
    one_line(says, folder)


def test_the_hash_of_a_folder_is_that_of_its_list_of_files(tmp_path):
    """As `sha256sum` prints them, in the order of their paths; any change of any file shows."""
    for name, text in (("b.txt", "B"), ("a/z.txt", "Z"), ("a.txt", "A")):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    names = (("a.txt", b"A"), ("a/z.txt", b"Z"), ("b.txt", b"B"))
    lines = "".join(f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in names)
    before = sha256_source(tmp_path)
    assert before == hashlib.sha256(lines.encode()).hexdigest()
    assert sha256_source(tmp_path / "b.txt") == hashlib.sha256(b"B").hexdigest()
    (tmp_path / "a.txt").rename(tmp_path / "c.txt")
    assert sha256_source(tmp_path) != before


# ---------------------------------------------------------------------------------------------------------- in jobs

JOB = 'recipe = "porosity"\nimages = ["{}"]\nexports = ["json"]\n[calibration]\nu_rel = 0.01\nsource = "file"\n'


def write_job(folder, images):
    path = folder / "job.toml"
    path.write_text(JOB.format(images), encoding="utf-8")
    return path


def test_folders_are_images_of_a_job(folder):
    for number in range(2):
        write_zarr(folder.parent / f"field_{number}.zarr", GRAY[:: 1 - 2 * number])
    (folder.parent / "field_2").mkdir()  # no image
    planned = job_run.check(write_job(folder.parent, "field_*"))
    assert [source.name for source in planned.sources] == ["field_0.zarr", "field_1.zarr"]
    found = one_field.read_source(planned, planned.sources[1])
    assert np.array_equal(found.pixels, GRAY[::-1])
    assert found.sha256 == sha256_source(folder.parent / "field_1.zarr")
    with pytest.raises(SettingsError, match="'field_2' is a folder; name the files"):
        job_plan.plan(write_job(folder.parent, "field_2"))


def exit_status(job):
    out, err = StringIO(), StringIO()
    with (
        mock.patch.object(sys, "argv", ["inspect-tool", "check", str(job)]),
        redirect_stdout(out),
        redirect_stderr(err),
        pytest.raises(SystemExit) as ended,
    ):
        cli.main()
    return ended.value.code, err.getvalue()


@pytest.mark.parametrize("name", NEW)
@pytest.mark.parametrize("fault", ["empty", "truncated", "something else"])
def test_a_bad_file_ends_the_command_with_one_line_and_status_2(tmp_path, name, fault):
    path = example(name, tmp_path)
    part = path if path.is_file() else path / "0" / "zarr.json"
    whole = part.read_bytes()
    part.write_bytes({"empty": b"", "truncated": whole[: len(whole) // 2], "something else": b"GIF89a" * 50}[fault])
    code, said = exit_status(write_job(tmp_path, path.name))
    assert code == 2
    assert path.name in said
    assert "Traceback" not in said
