"""Images that are given to a lab: taken whole or not at all, whatever they are and whatever they are called."""

import errno
import io
import os
import re
import shutil
import struct
import threading
import zipfile
import zlib
from collections import namedtuple
from datetime import timedelta
from pathlib import Path

import cv2
import numpy as np
import pytest
from workbench import reads_here
from zarr_example import write_zarr

from inspect_tool.errors import OutputError, SettingsError
from inspect_tool.evidence.provenance import now
from inspect_tool.files import dump_calibration
from inspect_tool.images import readers
from inspect_tool.lab import database, file_names, intake, intake_reading
from inspect_tool.lab.database import connected
from inspect_tool.model import CalibrationRecord
from inspect_tool.scale.standing import Standing

SEEN = intake_reading.Seen(
    rows=30, columns=40, thumbnail=b"jpeg", scale=Standing(color="amber", reason="a file alone", pixel_um=0.5)
)
Usage = namedtuple("Usage", "total used free")


def png(seed=0, shape=(48, 64)):
    """Bytes of a small picture."""
    pixels = np.random.default_rng(seed).integers(0, 255, shape).astype(np.uint8)
    return cv2.imencode(".png", pixels)[1].tobytes()


@pytest.fixture(scope="module")
def one_lab(tmp_path_factory):
    return database.init(tmp_path_factory.mktemp("intake") / "lab")


@pytest.fixture
def lab(one_lab):
    """A lab with nothing in its inbox."""
    with connected(one_lab) as connection:
        connection.execute(intake.intake.delete())
    for name in ("inbox", "inspections", "calibrations"):
        shutil.rmtree(one_lab.folder / name, ignore_errors=True)
    (one_lab.folder / "inbox.toml").unlink(missing_ok=True)
    return one_lab


@pytest.fixture
def here(monkeypatch):
    """The readers look at a file in this process."""
    reads_here(monkeypatch)


@pytest.fixture
def seen(monkeypatch):
    """Every file is an image."""
    monkeypatch.setattr(intake_reading, "looked", lambda *_: SEEN)


def given(lab, states=("new", "used", "refused", "removed")):
    with connected(lab, read_only=True) as connection:
        return intake.listed(connection, states)


def files(lab):
    """What lies in the inbox itself."""
    return sorted(path.name for path in (lab.folder / "inbox").iterdir() if path.is_file())


# -------------------------------------------------------------------------------------------------------------- taking


def test_an_image_is_looked_at_in_a_process_of_its_own_and_kept_with_its_thumbnail(lab):
    image, is_new = intake.give(lab, io.BytesIO(png()), "plate 3/field 1.png", "Eva Muster")
    assert is_new
    assert (image.rows, image.columns, image.state, image.scale) == (48, 64, "new", "red")
    assert image.note == "no scale in the file"
    assert (image.name, image.place, image.by) == ("plate 3/field 1.png", "inbox/1-field 1.png", "Eva Muster")
    assert intake.file_of(lab, image).read_bytes() == png()
    small = cv2.imdecode(np.fromfile(intake.thumbnail_file(lab, image.id), np.uint8), cv2.IMREAD_GRAYSCALE)
    assert small.shape == (48, 64)


def test_a_large_image_has_a_small_thumbnail(lab, here):
    image, _ = intake.give(lab, io.BytesIO(png(shape=(700, 400))), "a.png", "Eva")
    small = cv2.imdecode(np.fromfile(intake.thumbnail_file(lab, image.id), np.uint8), cv2.IMREAD_GRAYSCALE)
    assert small.shape == (320, 183)


def test_a_file_that_is_there_is_named_and_not_taken_twice(lab, seen):
    first, _ = intake.give(lab, io.BytesIO(png()), "a.png", "Eva")
    again, is_new = intake.give(lab, io.BytesIO(png()), "copy of a.png", "Tim")
    assert (again, is_new) == (first, False)
    assert files(lab) == ["1-a.png"]


def test_two_people_who_give_the_same_file_at_once_give_one(lab, monkeypatch):
    both = threading.Barrier(2)

    def looked(*_):
        both.wait(20)  # neither has entered it when the other has been found not to be there
        return SEEN

    monkeypatch.setattr(intake_reading, "looked", looked)
    found = []
    threads = [
        threading.Thread(target=lambda who=who: found.append(intake.give(lab, io.BytesIO(png()), "a.png", who)))
        for who in ("Eva", "Tim")
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(is_new for _, is_new in found) == [False, True]
    assert found[0][0] == found[1][0]
    assert len(given(lab)) == 1
    assert files(lab) == ["1-a.png"]


def _tiff(width, height):
    """Head of a TIFF that says that it holds so many gray pixels."""
    entries = [(256, 4, width), (257, 4, height), (258, 3, 8), (259, 3, 5), (262, 3, 1), (273, 4, 8), (277, 3, 1)]
    entries += [(278, 4, height), (279, 4, 100)]
    body = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in entries)
    return b"II*\0\x08\0\0\0" + struct.pack("<H", len(entries)) + body + b"\0" * 200


def _bomb(width, height):
    """A PNG whose few bytes of deflated zeros say that they are so many pixels."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    data = zlib.compress(b"\0" * (1 << 22), 9)
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (_tiff(40000, 25000), "40000 x 25000 px, the limit is 500 Mpx"),
        (_bomb(30000, 30000), "30000 x 30000 px, the limit is 500 Mpx"),
        (_bomb(20000, 20000), "the header promises 20000 x 20000 px"),
        (png()[:700], "damaged|truncated"),
        (b"<html><script>alert(1)</script></html>", "not an image of a known format"),
        (b"PK\x03\x04" + b"\0" * 500, "not an image of a known format"),
        (b"", "is empty"),
    ],
    ids=["TIFF of 10^9 px", "PNG of 9 10^8 px", "PNG bomb", "truncated", "HTML", "ZIP", "empty"],
)
def test_what_is_no_image_is_refused_in_one_line_and_not_kept(lab, here, data, reason):
    image, _ = intake.give(lab, io.BytesIO(data), "a.png", "Eva")
    assert (image.state, image.scale) == ("refused", None)
    assert re.search(reason, image.note), image.note
    assert "\n" not in image.note
    assert str(lab.folder) not in image.note
    assert files(lab) == []
    intake.remove(lab, [image.id])
    assert given(lab, ("refused",)) == ()


def test_a_reader_that_crashes_or_takes_too_much_refuses_the_file(lab, monkeypatch):
    monkeypatch.setattr(intake_reading, "answered", lambda *_: None)
    image, _ = intake.give(lab, io.BytesIO(png()), "a.tif", "Eva")
    assert (image.state, image.note) == ("refused", "reading it took more than 120 s or 6144 MB, or crashed the reader")
    assert files(lab) == []


# -------------------------------------------------------------------------------------------------------------- limits


def test_a_file_that_is_too_large_leaves_nothing(lab, seen):
    (lab.folder / "inbox.toml").write_text("most_mb = 1\n")
    with pytest.raises(OutputError, match=r"a\.tif: has more than 1 MB, which is what inbox\.toml allows"):
        intake.give(lab, io.BytesIO(bytes((1 << 20) + 1)), "a.tif", "Eva")
    assert (files(lab), given(lab)) == ([], ())
    assert intake.give(lab, io.BytesIO(bytes(1 << 20)), "a.tif", "Eva")[1]


def test_a_disk_that_would_be_full_is_said_before_it_is(lab, seen, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(1 << 40, 0, 1023 << 20))
    with pytest.raises(OutputError, match=r"a\.png: the disk of the lab is full \(less than 1024 MB would be left"):
        intake.give(lab, io.BytesIO(png()), "a.png", "Eva")
    assert (files(lab), given(lab)) == ([], ())


def test_a_disk_that_gets_full_leaves_nothing(lab, seen, monkeypatch):
    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match=r"the disk of the lab is full .*nothing of it was kept"):
        intake.give(lab, io.BytesIO(png()), "a.png", "Eva")
    monkeypatch.undo()
    assert (files(lab), given(lab)) == ([], ())


@pytest.mark.parametrize("text", ["most_mb = 0", "most_mb = 5000", "rest_s = 0", "keep_free_mb = -1", "other = 1"])
def test_limits_that_cannot_be_meant_are_said(lab, text):
    (lab.folder / "inbox.toml").write_text(f"{text}\n")
    with pytest.raises(SettingsError, match=r"inbox\.toml"):
        intake.settings_of(lab)


def test_what_a_stopped_server_left_is_removed_and_what_another_one_takes_is_not(lab, seen):
    intake.give(lab, io.BytesIO(png()), "a.png", "Eva")
    partial = lab.folder / "inbox" / ".0123456789abcdef.partial.tif"
    partial.write_bytes(b"half")
    intake.tidy(lab, now())
    assert partial.exists()
    intake.tidy(lab, now() + timedelta(days=2))
    assert files(lab) == ["1-a.png"]


# --------------------------------------------------------------------------------------------------------------- names


@pytest.mark.parametrize(
    ("name", "shown", "safe"),
    [
        ("../../etc/passwd", "../../etc/passwd", "passwd"),
        ("C:\\lab\\a.tif", "C:\\lab\\a.tif", "a.tif"),
        ("a\nb\r.png", "a\\nb\\r.png", "a_b_.png"),
        ("a\u202egnp.tif", "a\\u202egnp.tif", "a_gnp.tif"),
        ("a\0.png", "a\\x00.png", "a_.png"),
        ("CON.tif", "CON.tif", "CON.tif"),
        ("  ", "without a name", "image"),
        (".hidden.tif", ".hidden.tif", "hidden.tif"),
        ("schliff größe 1.ome.tif", "schliff größe 1.ome.tif", "schliff größe 1.ome.tif"),
        ('a<b>"c.png', 'a<b>"c.png', "a_b__c.png"),
    ],
)
def test_a_name_is_shown_as_given_and_made_safe_for_the_disk(name, shown, safe):
    assert (file_names.shown_name(name), file_names.safe_name(name)) == (shown, safe)


def test_a_name_that_is_very_long_keeps_its_ending_and_fits(lab, seen):
    name = "ü" * 5000 + ".tif"
    image, _ = intake.give(lab, io.BytesIO(png()), name, "Eva")
    assert len(image.name) <= 200
    assert image.name.endswith(".tif")
    assert intake.file_of(lab, image).suffix == ".tif"
    assert len(intake.file_of(lab, image).name.encode()) <= 120


# ---------------------------------------------------------------------------------------------------- used and removed


@pytest.fixture
def three(lab, seen):
    for i, name in enumerate(("s1/a.png", "s2/a.png", "b.png")):
        intake.give(lab, io.BytesIO(png(i)), name, "Eva")
    (lab.folder / "inspections").mkdir()
    return lab


def test_images_move_to_an_inspection_and_none_is_lost_under_the_name_of_another(three):
    folder = three.folder / "inspections"
    with intake.using(three, [1, 2], folder) as (_, paths):
        assert [path.name for path in paths] == ["a.png", "a_2.png"]
    assert [path.read_bytes() for path in paths] == [png(0), png(1)]
    assert [(one.id, one.state) for one in given(three)] == [(3, "new"), (2, "used"), (1, "used")]
    assert intake.file_of(three, given(three)[1]) == folder / "a_2.png"
    with (
        pytest.raises(SettingsError, match=r"s1/a\.png: is used, not new; another inspection has it"),
        intake.using(three, [3, 1], folder),
    ):
        pass
    assert files(three) == ["3-b.png"]
    other = three.folder / "inspections" / "other"
    other.mkdir()
    with intake.using(three, [3, 2], other, again=[2]) as (_, paths):
        assert [path.name for path in paths] == ["b.png", "a_2.png"]
    assert intake.file_of(three, given(three)[1]) == folder / "a_2.png"  # the first one keeps it
    assert paths[1].read_bytes() == (folder / "a_2.png").read_bytes() == png(1)


def test_what_fails_after_they_moved_moves_them_back(three):
    def enter():
        with intake.using(three, [1, 3], three.folder / "inspections") as (_, paths):
            assert paths[1].read_bytes() == png(2)
            msg = "the job is wrong"
            raise SettingsError(msg)

    with pytest.raises(SettingsError, match="the job is wrong"):
        enter()
    assert files(three) == ["1-a.png", "2-a.png", "3-b.png"]
    assert list((three.folder / "inspections").iterdir()) == []
    assert {one.state for one in given(three)} == {"new"}


def test_what_an_inspection_uses_is_not_removed_and_nothing_with_it(three):
    with intake.using(three, [1], three.folder / "inspections"):
        pass
    with pytest.raises(SettingsError, match=r"s1/a\.png: an inspection uses it; nothing was removed"):
        intake.remove(three, [3, 1])
    assert {one.id: one.state for one in given(three)} == {1: "used", 2: "new", 3: "new"}
    assert intake.remove(three, [3, 2]) == 2
    assert files(three) == []
    assert not intake.thumbnail_file(three, 3).exists()
    assert intake.thumbnail_file(three, 1).exists()
    again, is_new = intake.give(three, io.BytesIO(png(2)), "b.png", "Eva")
    assert (is_new, again.id) == (True, 4)


# --------------------------------------------------------------------------------------------------------------- scale


def test_the_text_that_a_microscope_wrote_beside_an_image_stays_with_it_and_states_its_scale(lab, here):
    pixels = np.random.default_rng(1).integers(0, 255, (48, 64)).astype(np.uint8)
    tif = cv2.imencode(".tif", pixels)[1].tobytes()
    text = b"[SemImageFile]\r\nImageName=SEM 7.tif\r\nDataSize=64x48\r\nPixelSize=250\r\n"
    given, _ = intake.give(lab, io.BytesIO(tif), "day 1/SEM 7.tif", "Eva", text=text)
    assert (given.scale, given.pixel_um) == ("amber", 0.25)
    for name, again in (("x", ()), ("y", (given.id,))):  # a second inspection takes both too
        folder = lab.folder / "inspections" / name / "images"
        folder.mkdir(parents=True)
        with intake.using(lab, [given.id], folder, again) as (_, (path,)):
            assert path.is_relative_to(folder)
        assert (path.name, path.with_suffix(".txt").read_bytes()) == ("SEM 7.tif", text)
    assert not (lab.folder / "inbox" / str(given.id)).exists()
    turned = io.BytesIO(cv2.imencode(".tif", pixels[::-1])[1].tobytes())
    other, _ = intake.give(lab, turned, "SEM 8.tif", "Eva", text=text)
    assert (other.scale, "'SEM 7.tif'" in other.note) == ("red", True)
    intake.remove(lab, [other.id])
    assert sorted(path.name for path in (lab.folder / "inbox").iterdir()) == ["calibrations", "pictures", "thumbnails"]


def packed(folder, top=""):
    """A folder as a ZIP, in which its files lie below ``top``."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as whole:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                whole.write(path, f"{top}{path.relative_to(folder).as_posix()}")
    file.seek(0)
    return file


@pytest.mark.parametrize("top", ["", "plate.zarr/"])
def test_an_image_that_is_a_folder_is_given_packed_and_used_as_a_folder(lab, here, tmp_path, top):
    pytest.importorskip("zarr")
    pixels = np.random.default_rng(1).integers(0, 255, (48, 64)).astype(np.uint8)
    write_zarr(tmp_path / "plate.zarr", pixels)
    image, _ = intake.give(lab, packed(tmp_path / "plate.zarr", top), "day 1/plate.zarr.zip", "Eva")
    assert (image.state, image.scale, image.pixel_um, image.rows) == ("new", "amber", 0.25, 48)
    assert not (lab.folder / image.place).with_suffix(".zarr.zip").exists()
    folder = lab.folder / "inspections" / "x" / "images"
    folder.mkdir(parents=True)
    with intake.using(lab, [image.id], folder) as (_, (path,)):
        assert path.name == "plate.zarr"
    assert np.array_equal(readers.read(path).pixels, pixels)
    assert not (lab.folder / "inbox" / str(image.id)).exists()


def test_a_packed_folder_that_is_none_or_reaches_elsewhere_leaves_nothing(lab, here, tmp_path, monkeypatch):
    def zipped(*names, content=b"{}"):
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as whole:
            for name in names:
                whole.writestr(name, content)
        file.seek(0)
        return file

    link = zipfile.ZipInfo("zarr.json")
    link.external_attr = 0o120777 << 16
    for file, why in (
        (io.BytesIO(b"no zip"), "cannot be unpacked"),
        (zipped("notes.txt"), "holds no OME-Zarr image"),
        (zipped("zarr.json", "../outside"), "holds '../outside', which is no file of a folder"),
        (zipped("zarr.json", "/etc/x"), "holds '/etc/x'"),
        (zipped("zarr.json", "a\\b"), "which is no file"),
        (zipped(link), "which is no file of a folder"),
        (zipped(".zattrs", "0/0.0", content=bytes(3 << 20)), "unpacks to more than 2 MB"),
    ):
        monkeypatch.setattr(intake, "settings_of", lambda _: intake.Settings(most_mb=2))
        refused, _ = intake.give(lab, file, "a.zarr.zip", "Eva")
        assert refused.state == "refused"
        assert why in refused.note
    kept = sorted(path.name for path in (lab.folder / "inbox").iterdir())
    assert kept == ["calibrations", "pictures", "thumbnails"]


def test_the_calibration_of_an_instrument_makes_an_image_green_and_one_by_hand_disagrees(lab, here):
    (lab.folder / "calibrations").mkdir()
    record = CalibrationRecord(pixel_um=0.5, u_rel=0.002, method="stage micrometer", certificate="K-17", instrument="A")
    (lab.folder / "calibrations" / "a_50x.toml").write_text(dump_calibration(record))
    image, _ = intake.give(lab, io.BytesIO(png()), "a.png", "Eva", calibration="a_50x.toml")
    assert (image.scale, image.note) == ("green", "0.5 µm per pixel: certificate K-17")
    hand = dump_calibration(CalibrationRecord(pixel_um=0.6, u_rel=0.004, method="two points on the scale bar"))
    image = intake.calibrated(lab, image.id, by_hand=hand.encode())
    assert image.scale == "red"
    assert "0.6 µm per pixel" in image.note
    assert "0.5 µm per pixel" in image.note
    assert [path.name for path in intake.calibrations_of(lab, 1)] == ["1-by_hand.toml", "1-instrument.toml"]
    with pytest.raises(SettingsError, match=r"calibration '\.\./lab\.toml': the lab has none of that name"):
        intake.give(lab, io.BytesIO(png(1)), "b.png", "Eva", calibration="../lab.toml")


def test_a_file_of_several_images_shows_the_first_and_says_so(lab, here, tmp_path):
    import tifffile

    stack = np.random.default_rng(0).integers(0, 255, (3, 40, 50)).astype(np.uint8)
    tifffile.imwrite(tmp_path / "stack.tif", stack, photometric="minisblack")
    image, _ = intake.give(lab, io.BytesIO(Path(tmp_path / "stack.tif").read_bytes()), "stack.tif", "Eva")
    assert (image.state, image.rows, image.columns) == ("new", 40, 50)
    assert image.note.startswith("first of several images in the file: ")
