"""Images of a watched folder come into the inbox once, when they rest, and nothing else does."""

from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from inspect_tool.batch import inbox_watch
from inspect_tool.errors import OutputError, SettingsError
from inspect_tool.lab import database, intake, intake_reading
from inspect_tool.lab.database import connected
from inspect_tool.scale.standing import Standing
from inspect_tool.web import watching as watching_
from inspect_tool.web.watching import Watching

START = datetime(2026, 6, 1, 8, tzinfo=UTC)
SEEN = intake_reading.Seen(
    rows=30, columns=40, thumbnail=b"jpeg", scale=Standing(color="amber", reason="a file alone", pixel_um=0.5)
)


@pytest.fixture
def lab(tmp_path, monkeypatch):
    monkeypatch.setattr(intake_reading, "looked", lambda *_: SEEN)
    return database.init(tmp_path / "lab")


@pytest.fixture
def share(tmp_path):
    folder = tmp_path / "share"
    (folder / "plate 1").mkdir(parents=True)
    (folder / "plate 1" / "a.tif").write_bytes(b"image a")
    (folder / "notes.txt").write_text("no image")
    (folder / "b.tif.part").write_bytes(b"half")
    return folder


def given(lab):
    with connected(lab, read_only=True) as connection:
        return [(one.name, one.by, one.state) for one in intake.listed(connection, intake.STATES)]


def looks(lab, share, *seconds, before=None):
    """Look at those times after the start; gives what the last look gave."""
    found = before or inbox_watch.begun(lab, share)
    for after in seconds:
        found = inbox_watch.look(lab, share, found, START + timedelta(seconds=after), rest_s=10.0)
    return found


A = ("share/plate 1/a.tif", "watched folder share", "new")


def test_an_image_is_taken_once_when_it_rests_and_what_is_none_is_not(lab, share):
    found = looks(lab, share, 0, 9)
    assert given(lab) == []
    found = looks(lab, share, 10, before=found)
    assert (given(lab), found.taken) == ([A], 1)
    assert looks(lab, share, 20, 40, before=found).taken == 0
    assert looks(lab, share, 60, 80).taken == 0  # by another server
    assert given(lab) == [A]
    assert (share / "plate 1" / "a.tif").read_bytes() == b"image a"


def test_a_file_that_grows_waits_until_it_rests(lab, share):
    found = looks(lab, share, 0)
    (share / "plate 1" / "a.tif").write_bytes(b"image a, more of it")
    found = looks(lab, share, 12, before=found)
    assert given(lab) == []
    looks(lab, share, 22, before=found)
    with connected(lab, read_only=True) as connection:
        assert intake.listed(connection)[0].size == 19


def test_a_file_that_changes_while_it_is_taken_is_not_kept(lab, share, monkeypatch):
    def changed(*_):
        (share / "plate 1" / "a.tif").write_bytes(b"image a was not whole yet")
        return SEEN

    monkeypatch.setattr(intake_reading, "looked", changed)
    found = looks(lab, share, 0, 10)
    assert [state for _, _, state in given(lab)] == ["removed"]
    monkeypatch.setattr(intake_reading, "looked", lambda *_: SEEN)
    looks(lab, share, 20, 30, before=found)
    assert [state for _, _, state in given(lab)] == ["new", "removed"]


def test_what_a_person_removed_does_not_come_back_nor_under_another_name(lab, share):
    found = looks(lab, share, 0, 10)
    intake.remove(lab, [1])
    (share / "copy.tif").write_bytes(b"image a")
    looks(lab, share, 20, 40, before=found)
    looks(lab, share, 60, 80)
    assert [state for _, _, state in given(lab)] == ["removed"]


def test_an_image_that_is_a_folder_is_taken_whole_and_once(lab, share):
    chunks = {".zattrs": b"{}", "0/.zarray": b"{}", "0/0.0": bytes(range(200)), "0/0.1": b""}
    for name, data in chunks.items():
        (share / "plate 1" / "m.zarr" / name).parent.mkdir(parents=True, exist_ok=True)
        (share / "plate 1" / "m.zarr" / name).write_bytes(data)
    found = looks(lab, share, 0)
    (share / "plate 1" / "m.zarr" / "0" / "1.0").write_bytes(b"a chunk that came later")
    found = looks(lab, share, 11, before=found)
    assert given(lab) == [A]  # the folder does not rest yet
    found = looks(lab, share, 22, before=found)
    folder = ("share/plate 1/m.zarr.zip", "watched folder share", "new")
    assert sorted(given(lab)) == sorted([A, folder])
    with connected(lab, read_only=True) as connection:
        (image,) = [one for one in intake.listed(connection) if one.name.endswith(".zip")]
    home = intake.file_of(lab, image)
    kept = {path.relative_to(home).as_posix(): path.read_bytes() for path in home.rglob("*") if path.is_file()}
    assert kept == {**chunks, "0/1.0": b"a chunk that came later"}
    assert looks(lab, share, 60, 80).taken == 0  # by another server: the same bytes again
    assert len(given(lab)) == 2


def test_folders_that_cannot_be_watched_are_said(lab, share, tmp_path):
    with pytest.raises(SettingsError, match=r"watch = 'share'; name the whole path"):
        inbox_watch.begun(lab, share.relative_to(tmp_path))
    for folder in (tmp_path, lab.folder, lab.folder / "inbox"):
        with pytest.raises(SettingsError, match="holds the lab or lies in it"):
            inbox_watch.begun(lab, folder)
    with pytest.raises(OutputError, match=r"gone: cannot be listed: No such file"):
        looks(lab, tmp_path / "gone", 0)


def test_the_thread_follows_the_file_of_the_lab_and_one_folder_that_is_gone_stops_no_other(
    lab, share, tmp_path, monkeypatch
):
    clock = count()
    monkeypatch.setattr(watching_, "now", lambda: START + timedelta(seconds=next(clock)))
    settings = lab.folder / "inbox.toml"
    watching = Watching(lab)
    watching.look()
    assert watching.faults == ()
    settings.write_text(f'rest_s = 1\nwatch = ["{tmp_path / "gone"}", "{share}"]\n')
    watching.look()
    watching.look()
    assert given(lab) == [A]
    assert [fault.partition(": cannot")[0] for fault in watching.faults] == [str(tmp_path / "gone")]
    settings.write_text("watch = 7\n")
    watching.look()
    assert "inbox.toml" in watching.faults[0]
    settings.write_text("watch = []\n")
    watching.start()
    watching.stop()
