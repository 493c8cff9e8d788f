"""The inbox of the workbench: files go in, what they are is shown, and nothing else happens."""

import re
from importlib.util import find_spec

import cv2
import numpy as np
import pytest
from workbench import NAMES, bench, browser, client, enters, reads_here, served, with_people
from zarr_example import write_zarr

from inspect_tool.files import dump_calibration
from inspect_tool.lab import intake, intake_reading
from inspect_tool.lab.database import connected
from inspect_tool.model import CalibrationRecord
from inspect_tool.scale.standing import Standing
from inspect_tool.synthetic.scale_bars import scale_bar

PART = {"HX-Request": "true"}
SEEN = intake_reading.Seen(
    rows=768, columns=1024, thumbnail=b"\xff\xd8", scale=Standing(color="amber", reason="the file alone", pixel_um=0.5)
)


def png(seed=0, pixels=None):
    """Bytes of a small picture."""
    pixels = np.random.default_rng(seed).integers(60, 110, (150, 200)).astype(np.uint8) if pixels is None else pixels
    return cv2.imencode(".png", pixels)[1].tobytes()


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return with_people(bench(tmp_path_factory.mktemp("inbox") / "lab"))


@pytest.fixture
def olga(made, monkeypatch):
    """An operator in front of an empty inbox whose files are all images."""
    monkeypatch.setattr(intake_reading, "looked", lambda *_: SEEN)
    with connected(made.lab) as connection:
        connection.execute(intake.intake.delete())
    return client(made, "olga")


def given(made):
    with connected(made.lab, read_only=True) as connection:
        return intake.listed(connection)


def gives(spoken, data, name="a.png", **form):
    return spoken.post("/inbox/give", files={"file": ("file", data)}, data={"name": name, **form}, headers=PART)


def test_a_file_that_is_given_comes_back_as_its_tile(olga, made):
    answer = gives(olga, png(), "plate <b>1</b>/a\u202e.png")
    assert answer.status_code == 200
    assert "plate &lt;b&gt;1&lt;/b&gt;/a\\u202e.png" in answer.text
    assert "1024 × 768 px, 0.786 Mpx" in answer.text
    assert '<span class="badge warn">scale amber</span> the file alone' in answer.text
    assert "Olga Muster" in answer.text
    assert (given(made)[0].name, given(made)[0].by) == ("plate <b>1</b>/a\\u202e.png", "Olga Muster")
    assert "It is there already." in gives(olga, png(), "b.png").text


def test_without_a_script_a_form_of_several_files_is_taken_too(olga, made):
    files = [("file", (f"{i}.png", png(i))) for i in range(3)]
    assert olga.post("/inbox/give", files=files).headers["location"] == "/inbox"
    assert {one.name for one in given(made)} == {"0.png", "1.png", "2.png"}
    assert all(f"{i}.png" in olga.get("/inbox").text for i in range(3))


def test_a_text_of_the_same_name_goes_with_its_image(olga, made, monkeypatch):
    taken = []

    def give(*args, text=None, **kwargs):
        taken.append((args[2], text))
        return real(*args, text=text, **kwargs)

    real = intake.give
    monkeypatch.setattr(intake, "give", give)
    texts = [("file", (name, b"[SemImageFile]")) for name in ("SEM 7.TXT", "notes.txt")]
    olga.post("/inbox/give", files=[("file", ("sem 7.png", png(7))), ("file", ("b.png", png(8))), *texts])
    assert taken == [("sem 7.png", b"[SemImageFile]"), ("b.png", None), ("notes.txt", None)]
    files = [("file", ("one.image", png(9))), ("file", ("one.txt", b"[SemImageFile]"))]
    olga.post("/inbox/give", files=files, data={"name": "c.png"}, headers=PART)
    assert taken[3] == ("c.png", b"[SemImageFile]")


@pytest.mark.parametrize("name", [".DS_Store", "s1/Thumbs.db", "s1\\._a.tif", "a.tif.part"])
def test_what_file_managers_leave_is_no_image(olga, made, name):
    answer = gives(olga, png(), name)
    assert answer.status_code == 422
    assert "is hidden or unfinished, no image" in answer.text
    assert given(made) == ()


def test_a_form_without_a_file_and_an_instrument_that_is_none_are_said(olga, made):
    assert "no file was given" in olga.post("/inbox/give", data={"name": "a"}).text
    assert "the lab has none of that name" in gives(olga, png(), calibration="../lab.toml").text
    assert "no image was chosen" in olga.post("/inbox/remove", data={"images": "1 OR 1=1"}).text
    assert given(made) == ()


def test_only_those_who_measure_give_and_remove_and_everybody_sees(olga, made):
    gives(olga, png())
    number = given(made)[0].id
    for name in ("rolf", "mara", "axel"):
        spoken = client(made, name)
        assert "a.png" in spoken.get("/inbox").text
        assert "Drop images" not in spoken.get("/inbox").text
        assert gives(spoken, png(1)).status_code == 403
        assert spoken.post("/inbox/remove", data={"images": number}).status_code == 403
    assert client(made).get("/inbox").headers["location"] == "/enter?then=/inbox"
    assert client(made).get(f"/inbox/{number}/thumbnail").status_code == 303


def test_images_are_filtered_and_removed_but_not_those_that_are_used(olga, made):
    for i in range(3):
        gives(olga, png(i), f"{i}.png")
    third, second, first = given(made)
    folder = made.lab.folder / "inspections" / "weld 7" / "images"
    folder.mkdir(parents=True, exist_ok=True)
    with intake.using(made.lab, [first.id], folder):
        pass
    assert "0.png" not in olga.get("/inbox").text
    assert '<a href="/inspections/weld 7">weld 7</a>' in olga.get("/inbox?state=used").text
    refused = olga.post("/inbox/remove", data={"images": [first.id, second.id]})
    assert "0.png: an inspection uses it; nothing was removed" in refused.text
    assert olga.post("/inbox/remove", data={"images": [second.id, third.id]}).headers["location"] == "/inbox"
    assert [one.name for one in given(made)] == ["0.png"]
    assert olga.get(f"/inbox/{second.id}/thumbnail").status_code == 422


def test_many_images_come_in_pages(olga, made, monkeypatch):
    monkeypatch.setattr("inspect_tool.web.pages.inbox._MOST", 2)
    for i in range(5):
        gives(olga, png(i), f"{i}.png")
    shown = [re.findall(r"<bdi>(\d)\.png</bdi>", olga.get(f"/inbox?page={n}").text) for n in ("0", "1", "2", "3", "-1")]
    assert shown == [["4", "3"], ["2", "1"], ["0"], [], ["4", "3"]]
    assert "2 of 3" in olga.get("/inbox?page=1").text
    assert 'New <small data-of="new">5</small>' in olga.get("/inbox").text


def test_the_scale_of_an_instrument_is_taken_for_chosen_images(olga, made):
    gives(olga, png())
    folder = made.lab.folder / "calibrations"
    folder.mkdir(exist_ok=True)
    (folder / "a_50x.toml").write_text(dump_calibration(CalibrationRecord(pixel_um=0.5, method="stage micrometer")))
    assert "<option>a_50x.toml</option>" in olga.get("/inbox").text
    number = given(made)[0].id
    answer = olga.post("/inbox/scale", data={"images": number, "calibration": "a_50x.toml"})
    assert answer.headers["location"] == "/inbox"
    kept = intake.calibrations_of(made.lab, number)
    assert [path.read_text() for path in kept] == [(folder / "a_50x.toml").read_text()]


def test_a_file_that_is_too_large_is_one_line(olga, made):
    (made.lab.folder / "inbox.toml").write_text("most_mb = 1\n")
    try:
        answer = gives(olga, bytes((1 << 20) + 1))
    finally:
        (made.lab.folder / "inbox.toml").unlink()
    assert (answer.status_code, "has more than 1 MB" in answer.text) == (422, True)
    assert given(made) == ()


@pytest.mark.needs("Chromium", "Playwright")
def test_files_and_a_folder_are_given_in_a_browser_and_chosen_for_an_inspection(tmp_path, monkeypatch):
    reads_here(monkeypatch)
    made = with_people(bench(tmp_path / "lab"), {"olga": NAMES["olga"]})
    folder = tmp_path / "specimen 1"
    folder.mkdir()
    (folder / "b.png").write_bytes(png(2))
    (folder / ".DS_Store").write_bytes(b"x")
    has_zarr = find_spec("zarr") is not None
    if has_zarr:  # a folder of chunks is sent as one
        write_zarr(folder / "plate.zarr", np.random.default_rng(5).integers(60, 110, (48, 64)).astype(np.uint8))
    bar = scale_bar(np.full((150, 200), 70, np.uint8), pixel_um=0.5, length=50)
    files = [
        {"name": "a.png", "mimeType": "image/png", "buffer": png(pixels=bar.pixels)},
        {"name": "page.png", "mimeType": "image/png", "buffer": b"<html></html>"},
    ]
    with served(made.lab) as listening, browser(viewport={"width": 1280, "height": 900}) as page:
        enters(page, listening, "olga")
        page.goto(f"{listening.origins[0]}/inbox")
        page.get_by_label("Images", exact=True).set_input_files(files)
        page.locator(".tile", has_text="a.png").get_by_text("scale amber").wait_for()
        page.locator(".tile", has_text="page.png").get_by_text("not an image of a known format").wait_for()
        page.get_by_label("A folder").set_input_files(folder)
        dropped = page.evaluate_handle(
            "(bytes) => { const all = new DataTransfer();"
            "all.items.add(new File([new Uint8Array(bytes)], 'dropped.png')); return all; }",
            list(png(4)),
        )
        page.locator("h1").dispatch_event("drop", {"dataTransfer": dropped})
        page.locator(".tile", has_text="dropped.png").get_by_text("scale red").wait_for()
        page.locator(".tile", has_text="specimen 1/b.png").get_by_text("scale red").wait_for()
        if has_zarr:
            page.locator(".tile", has_text="specimen 1/plate.zarr.zip").get_by_text("scale amber").wait_for()
        assert page.locator(".tile").count() == 4 + has_zarr
        counts = {name: page.locator(f"small[data-of={name}]").inner_text() for name in ("new", "refused", "all")}
        assert counts == {"new": str(3 + has_zarr), "refused": "1", "all": str(4 + has_zarr)}
        assert page.get_by_role("button", name="New inspection").is_disabled()
        page.locator(".tile", has_text="a.png").get_by_role("checkbox").focus()
        page.keyboard.press("Space")
        page.get_by_text("1 chosen").wait_for()
        page.get_by_role("button", name="New inspection").click()
        page.wait_for_url("**/inspections/new?images=*")
        assert page.elsewhere == []


def test_a_whole_upload_is_hashed_as_it_was_sent(olga, made):
    data = np.random.default_rng(3).bytes(3 << 20)
    gives(olga, data, "large.tif")
    assert intake.file_of(made.lab, given(made)[0]).read_bytes() == data
