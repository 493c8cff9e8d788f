"""Two ends that a person places on a picture, and what becomes of them."""

import io
from datetime import timedelta

import cv2
import numpy as np
import pytest
from workbench import NAMES, bench, browser, client, enters, reads_here, served, with_people

from inspect_tool.evidence import audit
from inspect_tool.evidence.provenance import now
from inspect_tool.lab import hand_calibration, intake
from inspect_tool.lab.database import connected
from inspect_tool.model import Calibration
from inspect_tool.scale import laboratory_files
from inspect_tool.synthetic.micrometer import stage_micrometer
from inspect_tool.synthetic.scale_bars import scale_bar

LINES = "10,5,110,5;10,5,110.5,5;10,5,109.5,5"
PLACED = {"lines": LINES, "what": "bar", "length": "50 um", "tolerance": "0.2um"}
INSTRUMENT = {
    **PLACED,
    "what": "micrometer",
    "keep": "instrument",
    "instrument": "Axio 7",
    "objective": "50x/0.8",
    "certificate": "K-17",
}


def png(pixels):
    return io.BytesIO(cv2.imencode(".png", pixels)[1].tobytes())


@pytest.fixture(scope="module", autouse=True)
def _here():
    with pytest.MonkeyPatch.context() as patch:
        reads_here(patch)
        yield


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A workbench with one image of 200 x 150 px, without a scale."""
    made = with_people(bench(tmp_path_factory.mktemp("calibrate") / "lab"))
    pixels = np.random.default_rng(0).integers(60, 110, (150, 200)).astype(np.uint8)
    intake.give(made.lab, png(pixels), "a.png", "Olga Muster")
    return made


@pytest.fixture
def anna(made):
    return client(made, "anna")


def image(made, number=1):
    with connected(made.lab, read_only=True) as connection:
        return intake.one(connection, number)


def test_the_picture_has_the_pixels_of_the_image(anna, made):
    answer = anna.get("/calibrate/1/picture")
    shown = cv2.imdecode(np.frombuffer(answer.content, np.uint8), cv2.IMREAD_GRAYSCALE)
    assert shown.shape == (150, 200)
    assert anna.get("/calibrate/1/picture").content == answer.content  # of the kept one
    assert intake.picture_file(made.lab, 1).exists()
    assert 'data-rows="150" data-columns="200"' in anna.get("/calibrate/1").text


def test_the_size_is_said_with_its_uncertainty_and_what_it_rests_on(anna):
    text = anna.post("/calibrate/1/reckon", data=PLACED, headers={"HX-Request": "true"}).text
    # 50 um over 100 px; u: 0.5 / sqrt(3) = 0.289 % of placing, sqrt(2) * 0.5 / sqrt(3) = 0.408 % of ends, 0.231 %
    assert "0.29 %" in text
    assert "0.41 %" in text
    assert "0.23 %" in text
    # 1.9600^2 (0.408^2 + 0.231^2) + 4.3027^2 0.289^2 = 2.394 (percent squared)
    assert "0.5000\xa0±\xa00.0077\xa0µm" in text
    assert "the uncertainty of placing the ends alone" not in text
    unstated = anna.post("/calibrate/1/reckon", data={**PLACED, "tolerance": ""}).text
    assert "the uncertainty of placing the ends alone" in unstated


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"lines": "10,5,110,5"}, "1 placements of the two ends; place them 2 to 30 times"),
        ({"lines": "10,5,110;1"}, "each has four numbers"),
        ({"lines": "10,5,310,5;10,5,310,5"}, "an end lies outside the image of 200 x 150 px"),
        ({"lines": "nan,5,110,5;10,5,110,5"}, "an end lies outside the image"),
        ({"length": "50"}, "is not a length; give a number and its unit"),
        ({"tolerance": "1"}, "is not a length"),
        ({"what": "other"}, "say what the ends belong to"),
        ({"what": "micrometer", "tolerance": ""}, "the tolerance of the length is not stated"),
        ({"keep": "instrument"}, "state both"),
        ({**INSTRUMENT, "what": "bar"}, "a scale bar is drawn by the instrument itself"),
        ({**INSTRUMENT, "tolerance": ""}, "the tolerance of the length is not stated"),
        ({**INSTRUMENT, "due": "2020-01-01"}, "valid until 2020-01-01: this day is over"),
        ({**INSTRUMENT, "due": "soon"}, "write a number, and a day as YYYY-MM-DD"),
        ({**INSTRUMENT, "zoom": "nan"}, "zoom has nan, must be above 0"),
    ],
)
def test_what_cannot_be_meant_is_one_line_and_nothing_is_kept(anna, made, change, reason):
    answer = anna.post("/calibrate/1/keep", data={**PLACED, **change})
    assert (answer.status_code, reason in answer.text) == (422, True), answer.text
    assert intake.calibrations_of(made.lab, 1) == ()
    assert intake.instruments(made.lab) == ()


def test_only_an_analyst_calibrates(made):
    for name in ("olga", "rolf", "mara", "axel"):
        spoken = client(made, name)
        assert spoken.get("/calibrate/1").status_code == 403
        assert spoken.post("/calibrate/1/keep", data=PLACED).status_code == 403
    assert client(made, "anna").get("/calibrate/99").status_code == 422


def test_what_is_kept_for_an_image_is_a_calibration_file_that_a_job_can_name(made):
    pixels = np.random.default_rng(1).integers(60, 110, (150, 200)).astype(np.uint8)
    given, _ = intake.give(made.lab, png(pixels), "b.png", "Olga Muster")
    answer = client(made, "anna").post(f"/calibrate/{given.id}/keep", data=PLACED)
    assert answer.headers["location"] == "/inbox"
    (path,) = intake.calibrations_of(made.lab, given.id)
    record = laboratory_files.read(path)
    assert (record.pixel_um, record.operator, record.method) == (0.5, "Anna Muster", "two points on the scale bar")
    assert record.readings[0].length_px == (100.0, 100.5, 99.5)
    assert record.images[0].sha256 == given.sha256
    stated = laboratory_files.resolve(Calibration(file=path.name), path.parent, "job")
    assert (stated.pixel_um, stated.image_px) == (0.5, (150, 200))
    assert (image(made, given.id).scale, image(made, given.id).pixel_um) == ("amber", 0.5)


def test_what_is_kept_for_an_instrument_is_found_by_its_jobs_and_replaces_the_earlier_one(made):
    pixels = np.random.default_rng(2).integers(60, 110, (150, 200)).astype(np.uint8)
    given, _ = intake.give(made.lab, png(pixels), "c.png", "Olga Muster")
    due = (now().date() + timedelta(days=365)).isoformat()
    spoken = client(made, "anna")
    for length in ("50 um", "51 um"):
        data = {**INSTRUMENT, "length": length, "due": due}
        assert spoken.post(f"/calibrate/{given.id}/keep", data=data).headers["location"] == "/inbox"
    assert intake.instruments(made.lab) == ("Axio 7 50x-0.8.toml",)
    wanted = Calibration(file="calibrations", instrument="Axio 7", objective="50x/0.8")
    found = laboratory_files.resolve(wanted, made.lab.folder, "job")
    assert (found.pixel_um, found.certificate, str(found.valid_until)) == (0.51, "K-17", due)
    (earlier,) = (made.lab.folder / "calibrations" / "earlier").iterdir()
    assert laboratory_files.read(earlier).pixel_um == 0.5
    entry = audit.read(made.lab.reports).entries[-1]
    assert (entry.subject, entry.user) == ("calibrations/Axio 7 50x-0.8.toml", "Anna Muster")
    assert image(made, given.id).scale == "green"
    assert f"certificate K-17, valid until {due}" in image(made, given.id).note


@pytest.mark.parametrize("axis", ["x", "y"])
def test_a_drawn_micrometer_gives_its_true_scale_within_the_stated_uncertainty(made, axis):
    drawn = stage_micrometer(seed=3, pixel_um=0.4, pitch_um=10.0, axis=axis, shape_px=(300, 300), noise=0.0)
    # dark lines every 25 px: a person sees where the profile is lowest, to a pixel
    profile = drawn.pixels.mean(axis=0 if axis == "x" else 1)
    lines = [i for i in range(5, 295) if profile[i] == profile[i - 5 : i + 6].min()]
    first, last, count = lines[0], lines[-1], round((lines[-1] - lines[0]) / 25)
    errors = ((0.4, -0.3), (-0.5, 0.1), (0.2, 0.4))
    places = [(first + a, 20, last + b, 20) if axis == "x" else (20, first + a, 20, last + b) for a, b in errors]
    given = intake.Given(
        **dict.fromkeys(("note", "pixel_um", "scale", "by", "added", "place", "size")),
        id=1,
        name="m.png",
        sha256="",
        state="new",
        rows=300,
        columns=300,
    )
    placed = hand_calibration.Placed(what="micrometer", lines=tuple(places), length_um=10.0 * count, tolerance_um=0.1)
    found = hand_calibration.reckoned(given, placed)
    assert abs(found.pixel_um - 0.4) <= found.expanded_rel * found.pixel_um
    assert found.expanded_rel < 0.02


@pytest.mark.needs("Chromium", "Playwright")
def test_two_clicks_give_the_drawn_truth_within_its_stated_uncertainty(tmp_path):
    made = with_people(bench(tmp_path / "lab"), {"anna": NAMES["anna"]})
    ground = np.random.default_rng(5).integers(60, 110, (240, 320)).astype(np.uint8)
    bar = scale_bar(ground, pixel_um=0.5, length=50, label="unreadable")
    given, _ = intake.give(made.lab, png(bar.pixels), "bar.png", "Anna Muster")
    with served(made.lab) as listening, browser(viewport={"width": 1280, "height": 1000}) as page:
        enters(page, listening, "anna")
        page.goto(f"{listening.origins[0]}/inbox")
        page.get_by_role("link", name="Calibrate").click()
        picture = page.locator("#picture[style]")  # it has its size when it has loaded
        box = picture.bounding_box()
        scale = (box["width"] - 2) / 320
        for error in (0.3, -0.4):
            for row, column in bar.ends:
                picture.click(position={"x": (column + 0.5 + error) * scale, "y": (row + 0.5) * scale})
            page.get_by_role("button", name="Keep this placement").click()
        page.get_by_label("Picture.").focus()  # and once more by the keyboard: from the middle of the picture
        for end, (row, column) in zip("ab", bar.ends, strict=True):
            page.keyboard.press(end)
            for key, distance in (("ArrowRight", column - 160), ("ArrowDown", row - 120)):
                key = key if distance > 0 else {"ArrowRight": "ArrowLeft", "ArrowDown": "ArrowUp"}[key]
                tens, halves = divmod(round(2 * abs(distance)), 20)
                for _ in range(tens):
                    page.keyboard.press(f"Shift+{key}")
                for _ in range(halves):
                    page.keyboard.press(key)
        page.keyboard.press("Enter")
        assert page.locator("#placements li").count() == 3
        page.get_by_label("Length between the ends").fill("50 um")
        found = page.locator(".found")
        found.wait_for()
        size, expanded = (float(found.get_attribute(f"data-{name}")) for name in ("pixel", "expanded"))
        assert abs(size - 50 / bar.length_px) <= expanded
        assert expanded < 0.03 * size
        page.get_by_role("button", name="Keep it").click()
        page.wait_for_url("**/inbox")
        page.get_by_text("the bar by hand alone").wait_for()
        assert (page.trouble, page.elsewhere) == ([], [])
    assert laboratory_files.read(intake.calibrations_of(made.lab, given.id)[0]).pixel_um == pytest.approx(size)
