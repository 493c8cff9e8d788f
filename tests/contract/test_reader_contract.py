"""The same questions to every registered reader."""

import inspect
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile
from dicom_example import write_dicom
from PIL import Image
from reader_examples import NAMES as PLANE_NAMES
from reader_examples import WRITERS

from inspect_tool import registry
from inspect_tool.errors import ReadError
from inspect_tool.images import readers
from inspect_tool.model import Calibration, Micrograph, Selection

NAMES = registry.names("reader")
RNG = np.random.default_rng(0)
GRAY = RNG.integers(0, 256, (24, 36), dtype=np.uint8)
# every gray value differs from 0, which is what zarr leaves out
PLANES = RNG.integers(1, 60000, (3, 24, 36), dtype=np.uint16)


class Format:
    """A reader and what writes its files."""

    def __init__(self, name):
        self.name, self.reader = name, registry.load("reader", name)
        self.writer, self.axis, library = WRITERS[name]
        pytest.importorskip(library, reason=f"the extra of the reader {name} is not installed")

    def write(self, path, planes=GRAY[None], x_um=0.25, y_um=0.25):
        self.writer(path, planes, x_um, y_um)
        return path


@pytest.fixture(params=NAMES)
def reader(request):
    return registry.load("reader", request.param)


@pytest.fixture(params=NAMES)
def form(request):
    return Format(request.param)


def path_for(form, folder):
    return folder / f"Gefüge 'a'{form.reader.SUFFIXES[0]}"


def files_of(path):
    """Every file of an image: itself, or those of the folder that it is."""
    return [path] if path.is_file() else sorted(item for item in path.rglob("*") if item.is_file())


def copied(path, folder):
    folder.mkdir()
    target = folder / path.name
    return Path(shutil.copytree(path, target) if path.is_dir() else shutil.copy(path, target))


def test_the_module_says_what_it_is(reader):
    assert reader.__doc__
    assert reader.SUFFIXES
    assert all(re.fullmatch(r"\.[a-z0-9]+", suffix) for suffix in reader.SUFFIXES)
    for function in (reader.read, reader.scale):
        assert list(inspect.signature(function).parameters) == ["path", "which"]
        assert inspect.signature(function).parameters["which"].default == Selection()


def test_suffixes_belong_to_one_reader():
    found = [suffix for name in NAMES for suffix in registry.load("reader", name).SUFFIXES]
    assert len(found) == len(set(found))


@pytest.mark.parametrize("name", ["tiff", "plain", "dicom"])
def test_a_small_picture_of_every_suffix(name, tmp_path):
    for suffix in registry.load("reader", name).SUFFIXES:
        path = tmp_path / f"a{suffix}"
        if name == "tiff":
            tifffile.imwrite(path, GRAY)
        elif name == "dicom":
            write_dicom(path, GRAY)
        else:
            Image.fromarray(GRAY).save(path, format={".png": "PNG", ".bmp": "BMP", ".dib": "BMP"}.get(suffix, "JPEG"))
        found = readers.read(path)
        assert found.calibration.pixel_um is None
        assert found.calibration.source == ""
        assert found.calibration.note
        assert "file name" not in found.meta


def test_a_picture_comes_back_with_all_that_is_promised(form, tmp_path):
    path = form.write(path_for(form, tmp_path))
    found, again = form.reader.read(path), readers.read(path)
    assert isinstance(found, Micrograph)
    assert found.pixels.dtype == np.uint8
    assert np.array_equal(found.pixels, GRAY)
    assert not found.pixels.flags.writeable
    assert found.pixels.flags.c_contiguous
    assert np.array_equal(found.pixels, again.pixels)
    assert found.path == str(path)
    assert re.fullmatch("[0-9a-f]{64}", found.sha256)
    assert all(isinstance(key, str) and isinstance(text, str) for key, text in found.meta.items())
    assert {"format", "bit depth", "compression"} <= set(found.meta)
    assert not {"page", "scene", "channel", "z", "time", "file name"} & set(again.meta)


def test_the_pixel_size_is_that_of_the_file(form, tmp_path):
    found = form.reader.read(form.write(path_for(form, tmp_path))).calibration
    assert (found.pixel_um, found.pixel_y_um) == (pytest.approx(0.25, rel=1e-4), None)
    assert found.source.startswith("file metadata: ")


def test_width_and_height_of_a_pixel_are_not_mixed_up(form, tmp_path):
    if form.name == "nd2":
        pytest.skip("an ND2 has one number for both sides")
    found = form.reader.read(form.write(path_for(form, tmp_path), x_um=0.25, y_um=0.5)).calibration
    assert (found.pixel_um, found.pixel_y_um) == (pytest.approx(0.25, rel=1e-4), pytest.approx(0.5, rel=1e-4))


def test_the_scale_alone_is_the_same_as_that_of_the_image(form, tmp_path):
    path = form.write(path_for(form, tmp_path))
    found = readers.scale(path)
    assert isinstance(found, Calibration)
    assert found == readers.read(path).calibration


def test_several_planes_need_a_choice_which_is_stated(form, tmp_path):
    if not form.axis:
        pytest.skip("files of this format have one plane")
    path = form.write(path_for(form, tmp_path), PLANES)
    for function in (readers.read, readers.scale):
        with pytest.raises(ReadError, match=f"has 3 {form.axis}s; say which with {form.axis} = 0 ... 2"):
            function(path)
    for number, plane in enumerate(PLANES):
        found = readers.read(path, Selection(**{form.axis: number}))
        assert found.pixels.dtype == np.float32
        assert np.array_equal(found.pixels, plane)
        name = "" if form.axis == "page" else f"{PLANE_NAMES[number]}, "
        assert found.meta[form.axis] == f"{number} of 3 ({name}counted from 0)"
        if form.axis == "channel":
            by_name = readers.read(path, Selection(channel=PLANE_NAMES[number]))
            assert np.array_equal(by_name.pixels, plane)


def test_a_plane_that_is_not_there(form, tmp_path):
    path = form.write(path_for(form, tmp_path))
    for axis in ("page", "scene", "channel", "z", "time"):
        for number in (1, -1):
            if form.name == "dicom" and axis == "time":
                continue  # a frame is called page or time
            with pytest.raises(ReadError, match=f"no {axis} {number}; there is {axis} 0 only"):
                form.reader.read(path, Selection(**{axis: number}))


def test_the_file_is_closed(form, tmp_path):
    path = form.write(path_for(form, tmp_path))
    readers.read(path)
    readers.scale(path)
    with pytest.raises(ReadError):
        readers.read(path, Selection(page=7))
    if Path("/proc/self/fd").is_dir():
        held = [str(item.readlink()) for item in Path("/proc/self/fd").iterdir() if item.is_symlink()]
        assert [item for item in held if item.startswith(str(tmp_path))] == []
        assert str(tmp_path) not in Path("/proc/self/maps").read_text(encoding="utf-8")
    path.rename(tmp_path / "moved")


def test_a_truncated_copy_is_refused_or_loses_nothing(form, tmp_path):
    """The last bytes of some formats are padding or metadata: what is read then is right, and no scale is wrong."""
    path = form.write(path_for(form, tmp_path))
    scales = None, readers.read(path).calibration.pixel_um
    for number, part in enumerate(files_of(path)):
        size = part.stat().st_size
        if path.is_dir() and part.relative_to(path).parts[0] == "1":
            continue  # of a coarser level of the pyramid, which nobody reads
        for cut in sorted({0, 1, 40, size // 10, size // 2, 9 * size // 10, size - 1} & set(range(size))):
            bad = copied(path, tmp_path / f"{number} {cut}")
            os.truncate(bad / part.relative_to(path) if path.is_dir() else bad, cut)
            try:
                found = readers.read(bad)
            except ReadError as error:
                assert "\n" not in str(error)  # noqa: PT017 - see above
                assert str(bad) in str(error)  # noqa: PT017
            else:
                assert cut > 0.85 * size
                assert np.array_equal(found.pixels, GRAY)
                assert found.calibration.pixel_um in scales


def test_damaged_bytes_are_refused_or_read_never_a_crash(form, tmp_path):
    path = form.write(path_for(form, tmp_path))
    part = max(files_of(path), key=lambda item: (item.name in ("zarr.json", ".zarray"), item.stat().st_size))
    whole = part.read_bytes()
    rng = np.random.default_rng(3)
    used = np.flatnonzero(np.frombuffer(whole, np.uint8))
    refused = 0
    for _ in range(60):
        content = bytearray(whole)
        for place in rng.choice(used, rng.integers(1, 5)):
            content[place] = rng.integers(0, 256)
        part.write_bytes(content)
        try:
            found = readers.read(path)
        except ReadError as error:
            refused += 1
            assert "\n" not in str(error)  # noqa: PT017 - damage may also hit what nobody needs
        else:
            assert found.pixels.ndim == 2
    assert refused


def test_recognizes_only_its_own(form, tmp_path):
    for name in NAMES:
        other = Format(name)
        path = other.write(tmp_path / f"a{other.reader.SUFFIXES[0]}")
        if path.is_dir():
            assert form.name != name or form.reader.recognizes_folder(path)
            assert hasattr(form.reader, "recognizes_folder") == (form.name == name)
        else:
            assert form.reader.recognizes(path.read_bytes()[:256]) == (form.name == name)
    assert not form.reader.recognizes(b"")


def test_a_wrong_suffix_is_noted_and_no_hindrance(form, tmp_path):
    wrong = ".png" if form.name != "plain" else ".tif"
    found = readers.read(form.write(tmp_path / f"a{wrong}"))
    assert np.array_equal(found.pixels, GRAY)
    assert "file name" in found.meta or form.name == "ome_zarr"


@pytest.mark.parametrize("name", ["dicom", "czi", "lif", "nd2", "ome_zarr"])
def test_without_the_extra_one_line_names_it(name, tmp_path):
    form = Format(name)
    path = form.write(path_for(form, tmp_path))
    extra = {"ome_zarr": "zarr"}.get(name, name)
    program = (
        f"import sys; sys.modules[{WRITERS[name][2]!r}] = None\n"
        "from pathlib import Path\n"
        "from inspect_tool.errors import ReadError\n"
        "from inspect_tool.images.readers import read\n"
        "loaded = {name for name, module in sys.modules.items() if module}\n"
        "assert not {'pydicom', 'pylibCZIrw', 'liffile', 'nd2', 'zarr'} & loaded\n"
        f"try: read(Path({str(path)!r}))\n"
        "except ReadError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.endswith(f" files need the extra '{extra}': pip install 'inspect_tool[{extra}]'\n")
    assert done.stdout.startswith(f"{path}: ")
