"""Strokes on a picture: what they teach, and that a kept classifier does what the page showed."""

import io
import tomllib
from base64 import b64decode

import numpy as np
import pytest
from PIL import Image
from test_pixels import layered
from workbench import bench, browser, client, enters, served, with_people

from inspect_tool.cli import app as command
from inspect_tool.errors import SettingsError
from inspect_tool.evidence import audit
from inspect_tool.evidence.provenance import now
from inspect_tool.images.readers import read
from inspect_tool.lab import tables
from inspect_tool.lab.database import connected
from inspect_tool.segmentation import pixels
from inspect_tool.training.strokes import Stroke, target_of
from inspect_tool.web import scribbling
from inspect_tool.web.scribbling import Desk, Drawn, Source

CLASSES = ["matrix", "layered"]
SHAPE = (140, 180)


def given(lab, name, gray, number=1):
    """Put an image into the inbox."""
    place = f"inbox/{number}-{name}"
    (lab.folder / "inbox").mkdir(exist_ok=True)
    Image.fromarray(gray).save(lab.folder / place)
    row = {
        "id": number,
        "name": name,
        "place": place,
        "size": 1,
        "sha256": f"{number}" * 64,
        "added": now(),
        "state": "new",
    }
    with connected(lab) as connection:
        connection.execute(tables.intake.insert().values(row))


def lines(inside, count=5, seed=3):
    """Short strokes inside of each class, as a hand draws them."""
    import cv2

    rng = np.random.default_rng(seed)
    found = []
    for kind, where in enumerate((~inside, inside)):
        deep = np.argwhere(cv2.distanceTransform(where.astype(np.uint8), cv2.DIST_L2, 5) > 5)
        for row, column in deep[rng.choice(len(deep), count, replace=False)].tolist():
            points = [[column, row], [column + int(rng.integers(-4, 5)), row + int(rng.integers(-4, 5))]]
            found.append({"kind": kind, "width_px": 3, "points": points})
    return found


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    made = with_people(bench(tmp_path_factory.mktemp("scribble") / "lab"))
    gray, made_of = layered(1, shape=SHAPE)
    given(made.lab, "field one.png", gray)
    return made, gray, made_of


def sent(spoken, what, strokes, **more):
    return spoken.post(f"/scribble/inbox/1/{what}", json={"strokes": strokes, "classes": CLASSES, **more})


def drawn_classes(answer):
    """Classes and whether they are unsure, of the picture that lies over the image."""
    data = b64decode(answer["overlay"].partition(",")[2])
    values = np.array(Image.open(io.BytesIO(data)))
    return values // 2, values % 2 == 1


def test_strokes_on_two_textures_of_one_gray_find_them(made):
    ours, gray, inside = made
    assert abs(float(gray[inside].mean()) - float(gray[~inside].mean())) < 3  # no threshold tells them apart
    answer = sent(client(ours, "anna"), "learn", lines(inside)).json()
    labels, unsure = drawn_classes(answer)
    overlap = ((labels == 1) & inside).sum() / ((labels == 1) | inside).sum()
    assert overlap > 0.8
    assert answer["percent"][1] == pytest.approx(100 * float((labels == 1).mean()))
    assert answer["percent"][1] == pytest.approx(100 * inside.mean(), abs=6)
    edge = inside ^ np.roll(inside, 3, axis=0) | inside ^ np.roll(inside, 3, axis=1)
    assert unsure[edge].mean() > 2 * unsure[~edge].mean()  # doubt is where the textures meet


def test_a_kept_classifier_gives_the_labels_that_the_page_showed(made, monkeypatch, capsys):
    ours, _, inside = made
    spoken = client(ours, "anna")
    shown, _ = drawn_classes(sent(spoken, "learn", lines(inside)).json())
    answer = sent(spoken, "keep", lines(inside), name="layers", recipe="phase_fraction").json()
    folder = ours.lab.folder / "models/layers"
    settings = pixels.Settings(model=str(folder))
    image = read(ours.lab.folder / "inbox/1-field one.png")
    found = pixels.segment(pixels.load(settings), image, settings)
    assert np.array_equal(found.labels, shown)
    assert {name for name, _ in found.alternatives()} >= {"strokes of layered +", "equal shares"}
    card = tomllib.loads((folder / "model.toml").read_text())
    assert card["classes"] == CLASSES
    assert card["procedure"]["by"] == "Anna Muster"
    assert card["procedure"]["strokes"] == {"matrix": 5, "layered": 5}
    assert answer["sha256"] == card["sha256"]
    assert answer["how"].startswith("each stroke by a classifier that did not see it")
    entry = audit.read(ours.lab.reports).entries[-1]
    assert (entry.event, entry.user, entry.new["weights_sha256"]) == ("classifier", "Anna Muster", card["sha256"])
    # and the strokes that lie beside it teach the same weights again, by the command
    monkeypatch.chdir(ours.lab.folder)
    arguments = ["--recipe", "phase_fraction", "--classes", "matrix,layered", "--out", "again"]
    files = ["--images", "inbox/1-field one.png", "--scribbles", "models/layers/1-field one_strokes.png"]
    command(["train", *arguments, *files], standalone_mode=False)
    assert tomllib.loads((ours.lab.folder / "again/model.toml").read_text())["sha256"] == card["sha256"]
    assert "score" in capsys.readouterr().out
    again = sent(spoken, "keep", lines(inside), name="layers", recipe="phase_fraction")
    assert "there is one already" in again.json()["fault"]
    assert "layers" in client(ours, "olga").get("/scribble").text


def test_strokes_on_another_picture_teach_too_and_are_kept_with_it(made):
    ours, _, inside = made
    spoken = client(ours, "anna")
    other, other_inside = layered(2, shape=SHAPE)
    given(ours.lab, "field two.png", other, number=2)
    # each picture has strokes of one class alone: neither says anything without the other
    one = [stroke for stroke in lines(inside) if stroke["kind"] == 0]
    two = [stroke for stroke in lines(other_inside) if stroke["kind"] == 1]
    also = [{"page": "/scribble/inbox/2", "strokes": two}]
    assert "class 'layered' has no stroke" in sent(spoken, "learn", one).json()["fault"]
    labels, _ = drawn_classes(sent(spoken, "learn", one, also=also).json())
    assert ((labels == 1) & inside).sum() / ((labels == 1) | inside).sum() > 0.7
    assert sum(sent(spoken, "agree", one, also=also).json()["scores"].values()) > 2.4
    answer = sent(spoken, "keep", one, also=also, name="both", recipe="phase_fraction").json()
    folder = ours.lab.folder / "models/both"
    settings = pixels.Settings(model=str(folder))
    found = pixels.segment(pixels.load(settings), read(ours.lab.folder / "inbox/1-field one.png"), settings)
    assert np.array_equal(found.labels, labels)
    assert sorted(path.name for path in folder.glob("*_strokes.png")) == [
        "1-field one_strokes.png",
        "2-field two_strokes.png",
    ]
    assert tomllib.loads((folder / "model.toml").read_text())["sha256"] == answer["sha256"]


@pytest.mark.parametrize(
    ("also", "says"),
    [
        ([{"page": "/scribble/inbox/1", "strokes": []}], "one picture is named twice"),
        ([{"page": "/inbox/2", "strokes": []}], "'/inbox/2' is no page that strokes are drawn on"),
        ([{"page": "/scribble/inspections/../1", "strokes": []}], "inspection '..': there is none"),
        ([{"page": f"/scribble/inbox/{number}", "strokes": []} for number in range(2, 12)], "at most 9 are taken"),
        ([{"page": "/scribble/inbox/77", "strokes": []}], "77"),
    ],
)
def test_strokes_of_other_pages_are_of_pictures_of_the_lab(made, also, says):
    answer = sent(client(made[0], "anna"), "learn", lines(made[2]), also=also)
    assert answer.status_code == 422
    assert says in answer.json()["fault"]


def test_pictures_that_teach_nothing_together_are_refused(made):
    ours, gray, inside = made
    spoken = client(ours, "anna")
    given(ours.lab, "color.png", np.stack([gray, gray // 2, gray], axis=-1), number=5)
    also = [{"page": "/scribble/inbox/5", "strokes": lines(inside)}]
    assert "one is in color" in sent(spoken, "learn", lines(inside), also=also).json()["fault"]


def test_agreement_is_that_of_strokes_left_out(made):
    ours, _, inside = made
    spoken = client(ours, "anna")
    good = sent(spoken, "agree", lines(inside)).json()["scores"]
    rng = np.random.default_rng(5)
    mixed = [{**one, "kind": int(kind)} for one, kind in zip(lines(inside), rng.permutation([0, 1] * 5), strict=True)]
    bad = sent(spoken, "agree", mixed).json()["scores"]
    mean = "share of marked pixels found, mean of the classes"
    assert good[mean] > 0.9
    assert bad[mean] < 0.75  # names by lot are learned by heart, and found nowhere else


@pytest.mark.parametrize(
    ("strokes", "more", "says"),
    [
        ([{"kind": 0, "width_px": 3, "points": [[5, 5]]}], {}, "class 'layered' has no stroke"),
        ([{"kind": 2, "width_px": 3, "points": [[5, 5]]}], {}, "stroke 1: its class, width or points"),
        ([{"kind": 0, "width_px": 3, "points": [[500, 5]]}], {}, "stroke 1: its class, width or points"),
        ([{"kind": 0, "width_px": 900, "points": [[5, 5]]}], {}, "stroke 1: its class, width or points"),
        ([{"kind": 0, "width_px": 3, "points": []}], {}, "stroke 1: its class, width or points"),
        ([{"kind": 0, "width_px": 3, "points": [[5]]}], {}, "strokes strokes.0.points.0"),
        ([], {"classes": ["matrix", "matrix"]}, "two have the same name"),
        ([], {"classes": ["matrix"]}, "name at least two"),
    ],
)
def test_strokes_that_teach_nothing_are_refused_in_one_line(made, strokes, more, says):
    answer = sent(client(made[0], "anna"), "learn", strokes, **more)
    assert answer.status_code == 422
    assert says in answer.json()["fault"]


def test_a_field_of_an_inspection_is_drawn_on_with_the_scale_of_its_job(made):
    ours, gray, inside = made
    folder = ours.lab.folder / "inspections/steel"
    (folder / "images").mkdir(parents=True)
    Image.fromarray(gray).save(folder / "images/a.png")
    (folder / "job.toml").write_text(
        'recipe = "phase_fraction"\nimages = ["images/a.png"]\n[region]\nfooter_px = 20\n'
        '[calibration]\npixel_um = 0.5\nu_rel = 0.01\nsource = "stage micrometer"\n'
    )
    row = {"name": "steel", "recipe": "phase_fraction", "job": "inspections/steel/job.toml", "added": now()}
    with connected(ours.lab) as connection:
        connection.execute(tables.inspection.insert().values(row))
    spoken = client(ours, "anna")
    assert 'width="180" height="120"' in spoken.get("/scribble/inspections/steel/1").text
    asked = {"strokes": lines(inside[:120]), "classes": CLASSES, "name": "steel", "recipe": "phase_fraction"}
    answer = spoken.post("/scribble/inspections/steel/1/keep", json=asked).json()
    card = tomllib.loads((ours.lab.folder / "models/steel/model.toml").read_text())
    assert answer["sha256"] == card["sha256"]
    assert card["pixel_um"] == 0.5
    assert 'href="/scribble/inspections/steel"' in spoken.get("/scribble").text
    assert 'href="/scribble/inspections/steel/1"' in spoken.get("/scribble/inspections/steel").text
    assert "has no field 2; it has 1" in spoken.get("/scribble/inspections/steel/2").text
    assert "inspection &#39;copper&#39;: there is none" in spoken.get("/scribble/inspections/copper/1").text
    assert "none in the inbox" in spoken.get("/scribble/inbox/99").text


@pytest.mark.parametrize("name", ["", "../out", "a/b", "nul"])
def test_a_name_leads_nowhere_else(made, name):
    ours, _, inside = made
    before = sorted(ours.lab.folder.rglob("*"))
    answer = sent(client(ours, "anna"), "keep", lines(inside), name=name, recipe="phase_fraction")
    assert answer.status_code == 422
    assert sorted(ours.lab.folder.rglob("*")) == before


def test_a_later_stroke_covers_an_earlier_one_and_a_dot_is_a_disk():
    found = target_of(
        [
            Stroke(kind=0, width_px=3, points=((2, 2), (12, 2))),
            Stroke(kind=1, width_px=1, points=((7, 0), (7, 8))),
            Stroke(kind=1, width_px=5, points=((3, 7),)),
        ],
        (10, 15),
        2,
    )
    assert found[2, 2:13].tolist() == [0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0]
    assert (found[0:9, 7] == 1).all()
    disk = np.argwhere(found[5:10, 1:6] == 1)
    assert len(disk) >= 13
    assert np.hypot(*(disk - 2).T).max() < 3
    with pytest.raises(SettingsError, match="stroke 1: its class"):
        target_of([Stroke(kind=0, width_px=0, points=((1, 1),))], (4, 4), 2)


def test_what_lies_open_is_bounded_and_what_is_not_kept_is_made_again(made):
    ours, _, inside = made
    source = Source(name="a", path=ours.lab.folder / "inbox/1-field one.png", footer_px=0)
    other = Source(name="b", path=source.path, footer_px=0)
    whole = scribbling.opened(source, 1 << 29)
    desk = Desk(most_bytes=whole.looks.size)
    desk.sheet(source)
    desk.sheet(other)
    assert list(desk.sheets) == [other]
    desk.close(other)
    assert not desk.sheets
    strokes = [Stroke(kind=one["kind"], width_px=3, points=tuple(map(tuple, one["points"]))) for one in lines(inside)]
    small = scribbling.opened(source, 0)
    assert small.looks.size == 4 * SHAPE[0] * SHAPE[1]  # the image alone
    assert whole.looks.size == 4 * 33 * SHAPE[0] * SHAPE[1]  # and 32 features
    kept, made_anew = (
        scribbling.learned([Drawn(sheet=sheet, strokes=tuple(strokes))], tuple(CLASSES)) for sheet in (whole, small)
    )
    assert np.array_equal(kept.labels, made_anew.labels)


@pytest.mark.needs("Chromium", "Playwright")
def test_two_classes_are_drawn_and_the_overlay_is_seen(made):
    ours, _, inside = made
    with served(ours.lab) as listening, browser(viewport={"width": 1280, "height": 900}) as page:
        enters(page, listening, "anna")
        page.goto(f"{listening.origins[0]}/scribble/inbox/1")
        canvas = page.locator("#strokes")
        page.locator("#picture").wait_for()
        box = canvas.bounding_box()

        def drag(stroke):
            places = [
                (box["x"] + (x + 0.5) / SHAPE[1] * box["width"], box["y"] + (y + 0.5) / SHAPE[0] * box["height"])
                for x, y in stroke["points"]
            ]
            page.mouse.move(*places[0])
            page.mouse.down()
            page.mouse.move(*places[-1], steps=3)
            page.mouse.up()

        for stroke in lines(inside, count=2):
            page.keyboard.press(str(stroke["kind"] + 1))
            drag(stroke)
        page.locator("#scribble[data-shown='4']").wait_for()
        page.locator("#overlay[src^='data:image/png']").wait_for()
        assert "%" in page.locator("#area-1").inner_text()
        page.get_by_text("Strokes that were left out are found to").wait_for()
        page.get_by_role("button", name="Undo").click()
        page.locator("#scribble[data-shown='3']").wait_for()
        canvas.focus()
        for key in ("Space", "ArrowRight", "Shift+ArrowRight", "Space"):
            page.keyboard.press(key)
        page.locator("#scribble[data-shown='4']").wait_for()
        page.get_by_label("Name of the classifier").fill("by hand")
        page.get_by_role("button", name="Keep").click()
        page.get_by_text("Kept as by hand").wait_for()
        assert (ours.lab.folder / "models/by hand/weights.safetensors").is_file()
        given(ours.lab, "field three.png", layered(3, shape=SHAPE)[0], number=3)
        page.goto(f"{listening.origins[0]}/scribble/inbox/3")
        page.get_by_text("Draw strokes of every class").wait_for()
        page.get_by_label("field one.png: 4 strokes").check()
        page.locator("#scribble[data-shown='0']").wait_for()  # no stroke is on this picture
        page.locator("#overlay[src^='data:image/png']").wait_for()
        page.get_by_label("field one.png: 4 strokes").uncheck()
        page.get_by_text("Still without a stroke").wait_for()
        assert page.trouble == []
        assert page.elsewhere == []
