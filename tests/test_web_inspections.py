"""Inspections on a screen: asked for, checked while they are typed, run, canceled, looked at."""

import re

import pytest
from intake_example import SHARE, given
from lab_files import a_lab
from sqlalchemy import select
from workbench import NAMES, bench, browser, client, served, with_people

from inspect_tool import registry
from inspect_tool.batch import inspections as sent
from inspect_tool.batch import queue, work
from inspect_tool.evidence import audit
from inspect_tool.files import load_job, load_report
from inspect_tool.lab import inspections, tables
from inspect_tool.lab.database import connected
from inspect_tool.model import Acceptance
from inspect_tool.report.text import pm

PART = {"HX-Request": "true"}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return with_people(bench(tmp_path_factory.mktemp("inspections") / "lab"))


@pytest.fixture(scope="module")
def olga(made):
    return client(made, "olga")


@pytest.fixture(scope="module")
def two(made):
    return given(made.lab, "a.tif", "b.tif")


def form(numbers, **more):
    return {"recipe": "porosity", "image": [str(number) for number in numbers], **more}


def of(made, name):
    with connected(made.lab, read_only=True) as connection:
        return inspections.by_name(made.lab, connection, name)


def test_the_page_offers_every_recipe_and_the_images_that_were_chosen(olga, two):
    address = f"/inspections/new?images={two[1]}"
    text = olga.get(address).text
    assert text.count('name="recipe"') == len(registry.names("recipe"))
    assert re.search(rf'name="image" value="{two[1]}" checked', text)
    assert f'name="image" value="{two[0]}"' not in text
    assert "1 other image in the inbox" in text
    text = olga.get(f"{address}&all=1").text
    assert f'name="image" value="{two[0]}" aria-label="Measure a.tif"' in text
    assert "other image" not in text
    assert "Olga Muster" in text


@pytest.mark.parametrize("recipe", ["porosity", "grain_size", "solder_voids"])
def test_what_depends_on_the_question_is_its_own_settings_with_their_words(olga, recipe):
    from inspect_tool import registry
    from inspect_tool.inspection.starter import documented

    text = olga.get(f"/inspections/new/settings?recipe={recipe}", headers=PART).text
    says = documented(registry.load("recipe", recipe).Settings)
    assert all(f'name="settings.{name}"' in text for name in says)
    assert 'name="backend.name"' in text


def test_every_question_has_its_picture(olga):
    text = olga.get("/inspections/new").text
    for recipe in registry.names("recipe"):
        assert f'src="/static/recipes/{recipe}.jpg"' in text
        assert olga.get(f"/static/recipes/{recipe}.jpg").headers["content-type"] == "image/jpeg"


def test_no_setting_takes_a_path_from_a_browser(olga, two):
    text = olga.get("/inspections/new/settings?recipe=phase_fraction", headers=PART).text
    assert "settings.counts" not in text
    for more in (
        {"recipe": "phase_fraction", "settings.counts": "/etc/passwd"},
        {"recipe": "porosity", "backend.name": "labels", "backend.masks": "/etc/*"},
        {"recipe": "porosity", "backend.name": "pixels", "backend.model": "../../model"},
        {"scale": "calibrations/../../lab.toml"},
        {"standard": "../own.toml"},
    ):
        answer = olga.post("/inspections/check", data=form(two, **more), headers=PART)
        assert answer.status_code == 422, more
    answer = olga.post("/inspections/check", data=form(two, **{"region.mask": "/etc/passwd"}), headers=PART)
    assert "Ready to run" in answer.text  # is no key of the form, and says nothing


@pytest.mark.parametrize(
    ("more", "key", "says"),
    [
        ({"settings.minimum_px2": "0"}, "settings.minimum_px2", "must be greater than 0"),
        ({"settings.minimum_px2": "many"}, "settings.minimum_px2", "got"),
        ({"backend.sauvola_k": "1,5"}, "backend.sauvola_k", "got 1.5"),
        ({"requirements.0.upper": "3"}, "requirements.0.source", "is missing"),
        ({"requirements.0.upper": "x", "requirements.0.source": "drawing"}, "requirements.0.upper", "must be a number"),
        ({"region.rectangle": "[0, 0]"}, "region.rectangle", ">region.rectangle.2: is missing"),
        ({"scale": "stated"}, "calibration.pixel_um", "is missing"),
        (
            {"requirements.0.class_string": "D5", "requirements.0.source": "drawing"},
            "requirements.0.class_string",
            "is no kind of class; use porosity_class",
        ),
        ({"quality.focus.red": "0.5"}, "quality.focus.red", "is stricter than advised"),
        (
            {"accept.0.check": "focus", "accept.0.images": "z.tif", "accept.0.reason": "r"},
            "accept.0.images",
            "no image",
        ),
        ({"image": []}, "", "none is chosen"),
    ],
)
def test_what_is_wrong_is_said_in_one_line_with_its_field(olga, two, more, key, says):
    asked = {**form(two), **more}
    # fields of a browser are all sent, empty where nothing was typed
    empty = dict.fromkeys(("requirements.0.source", "calibration.pixel_um"), "")
    answer = olga.post("/inspections/check", data={**empty, **asked}, headers=PART)
    assert answer.status_code == 422
    assert f'data-of="{key}"' in answer.text
    assert says in answer.text
    assert answer.text.count("\n") <= 2


def test_a_sound_form_is_ready_and_shows_what_will_be_measured(olga, two):
    asked = form(two, **{"region.rectangle": "[0, 0, 80, 160]", "scale": "file"})
    text = olga.post("/inspections/preview", data=asked, headers=PART).text
    assert "2 images, no requirement: no verdict. Ready to run." in text
    assert "50 % of the picture is measured" in text
    assert "data:image/jpeg;base64," in text


def test_it_is_made_sent_canceled_and_tried_again(made, olga):
    numbers = given(made.lab, "c.tif", "d.tif", seed=5)
    asked = form(numbers, **{"header.part": "Bracket", "header.operator": "Somebody Else"})
    asked |= {f"specimen.{numbers[1]}": "B"}
    asked |= {"accept.0.check": "focus", "accept.0.images": "d.tif", "accept.0.reason": "the only one there is"}
    answer = olga.post("/inspections", data=asked)
    assert answer.status_code == 303, answer.text
    address = answer.headers["location"]
    name = address.rpartition("/")[2]
    job = load_job(of(made, name).job)
    assert (job.header.operator, job.header.part, job.single_user) == ("Olga Muster", "Bracket", False)
    assert [one.id for one in job.specimens] == ["1", "B"]
    reason = "the only one there is"
    assert job.accept == (Acceptance(check="focus", images=("d.tif",), reason=reason, by="Olga Muster"),)
    assert of(made, name).state == "waiting"
    text = olga.get("/inspections/list", headers=PART).text
    assert 'hx-trigger="every 2s"' in text
    assert olga.post(f"{address}/cancel").headers["location"] == address
    text = olga.get("/inspections/list", headers=PART).text
    assert "canceled" in text
    assert "hx-trigger" not in text  # nothing runs: nothing is asked for again
    assert olga.post(f"{address}/cancel").status_code == 422
    olga.post(f"{address}/send")
    assert of(made, name).state == "waiting"
    second = olga.post(f"{address}/send")
    assert second.status_code == 422
    assert "is in the queue already, sent by Olga Muster" in second.text
    olga.post(f"{address}/cancel")


def test_by_a_part_the_browser_is_sent_on_or_told_why_not(made, olga):
    numbers = given(made.lab, "e.tif", seed=8)
    wrong = olga.post("/inspections", data=form(numbers, **{"settings.minimum_px2": "0"}), headers=PART)
    assert wrong.status_code == 422
    assert "HX-Redirect" not in wrong.headers
    right = olga.post("/inspections", data=form(numbers), headers=PART)
    assert right.headers["HX-Redirect"].startswith("/inspections/porosity_")
    sent.cancel(made.lab, right.headers["HX-Redirect"].rpartition("/")[2])


def test_of_two_people_with_one_image_the_second_is_told(made, olga):
    (number,) = given(made.lab, "h.tif", seed=9)
    address = olga.post("/inspections", data=form([number])).headers["location"]
    late = olga.post("/inspections/check", data=form([number]), headers=PART)
    assert late.status_code == 422
    assert f"inspection {address.rpartition('/')[2]} has &#39;h.tif&#39; meanwhile" in late.text
    assert f'name="again" value="{number}"' in olga.get(f"/inspections/new?images={number}").text
    meant = olga.post("/inspections/check", data=form([number], again=str(number)), headers=PART)
    assert "Ready to run" in meant.text
    olga.post(f"{address}/cancel")


def test_fields_that_are_measured_are_shown_while_the_others_are(made, olga):
    numbers = given(made.lab, "i.tif", "j.tif", seed=14)
    address = olga.post("/inspections", data=form(numbers)).headers["location"]
    name = address.rpartition("/")[2]
    with connected(made.lab) as connection:
        queue.claim(connection, "test", among=[of(made, name).work])
    begun = made.lab.reports / f".{name}.abcd1234.partial" / "overlays"
    begun.mkdir(parents=True)
    (begun / "002_j.jpg").write_bytes(b"picture")
    text = olga.get(f"{address}/state", headers=PART).text
    assert "measuring" in text
    assert 'hx-trigger="every 2s"' in text
    assert f'src="{address}/overlay/2" alt="j.tif with what was found"' in text
    assert f"{address}/overlay/1" not in text
    assert olga.get(f"{address}/overlay/2").content == b"picture"
    early = olga.get(f"{address}/overlay/1")
    assert (early.status_code, "field 1 is not measured yet" in early.text) == (422, True)
    olga.post(f"{address}/cancel")


@pytest.fixture(scope="module")
def finished(made):
    """An inspection that was measured, in the way of the queue but in this process."""
    olga = client(made, "olga")
    numbers = given(made.lab, "f.tif", "g.tif", seed=11)
    limit = {"requirements.0.upper": "20", "requirements.0.source": "drawing 7"}
    answer = olga.post("/inspections", data=form(numbers, **limit))
    name = answer.headers["location"].rpartition("/")[2]
    with connected(made.lab) as connection:
        one = queue.claim(connection, "test", among=[of(made, name).work])
    work.carry_out(made.lab, "test", one, lease_s=60.0, tell=lambda *_: None)
    return name


def test_a_finished_one_shows_result_verdict_and_where_to_go(made, finished):
    text = client(made, "anna").get(f"/inspections/{finished}").text
    report = load_report(made.lab.reports / finished / "report.json")
    (share,) = [one for one in report.results if one.quantity == "porosity_percent"]
    assert share.value == pytest.approx(SHARE, rel=0.03)
    assert pm(share.value, share.expanded_u, "%", share.interval) in text
    # drawn squares are unlike all that was labeled: what nobody has checked by hand passes no guarded rule
    assert report.verdict == "undecided"
    assert '<span class="badge warn">undecided</span>' in text
    assert "Guarded acceptance" in text
    assert "drawing 7" in text
    with connected(made.lab, read_only=True) as connection:
        uid = connection.scalar(select(tables.report.c.uid))
    for address in (f"/reports/{uid}", f"/inspections/{finished}/fields/1", f"/inspections/{finished}/referee"):
        assert f'href="{address}"' in text
    assert f'href="/inspections/{finished}/fields/1/correct"' in text  # an analyst may
    assert "every 2s" not in text
    picture = client(made, "anna").get(f"/inspections/{finished}/overlay/2")
    assert picture.headers["content-type"] == "image/jpeg"
    assert picture.content[:2] == b"\xff\xd8"
    assert client(made, "anna").get(f"/inspections/{finished}/overlay/3").status_code == 422


def test_the_run_is_recorded_in_the_name_of_who_asked(made, finished):
    (run,) = [one for one in audit.read(made.lab.reports).entries if one.event == "run"]
    assert run.user == "Olga Muster"


@pytest.mark.parametrize("name", [name for name, role in NAMES.items() if role != "operator"])
def test_only_an_operator_asks_for_inspections(made, two, name):
    spoken = client(made, name)
    assert spoken.get("/inspections").status_code == 200
    assert "New inspection" not in spoken.get("/inspections").text
    assert spoken.get("/inspections/new").status_code == 403
    assert spoken.post("/inspections", data=form(two)).status_code == 403


def test_an_unknown_inspection_is_one_line(olga):
    answer = olga.get("/inspections/porosity_20200101_1")
    assert answer.status_code == 422
    assert "there is none" in answer.text


@pytest.mark.needs("Chromium", "Playwright")
def test_from_two_images_to_a_finished_report_typing_only_the_header(tmp_path, monkeypatch):
    monkeypatch.setenv("INSPECT_TOOL_USER", "Eva Muster")
    lab = a_lab(tmp_path / "lab")
    numbers = given(lab, "field 1.tif", "field 2.tif")
    with served(lab, single_user=True) as made, browser(viewport={"width": 1280, "height": 900}) as page:
        page.goto(f"{made.origins[0]}/inspections/new?images={numbers[0]},{numbers[1]}")
        page.get_by_role("radio", name="Porosity").check(force=True)
        page.locator("[name='settings.minimum_px2']").wait_for(state="attached")
        page.locator("[name='settings.minimum_px2']").fill("-1")
        page.locator(".field[data-key='settings.minimum_px2'] .wrong").wait_for()
        page.locator("[name='settings.minimum_px2']").fill("")
        page.get_by_label("Part", exact=True).fill("Bracket 7")
        page.get_by_text("2 images, no requirement").wait_for()
        page.get_by_role("button", name="Run").click()
        page.get_by_role("heading", name="Result", exact=True).wait_for(timeout=120_000)
        assert page.locator(".gallery img").count() == 2
        assert page.elsewhere == []
        assert [said for said in page.trouble if "status of 422" not in said] == []  # of the answer to -1
    with connected(lab, read_only=True) as connection:
        (row,) = connection.execute(select(tables.report)).all()
    assert (row.part, row.operator) == ("Bracket 7", "Eva Muster")
