"""The page on which a person answers a sample, driven by keys and clicks in a real browser."""

import json
import time
from base64 import b64encode
from dataclasses import replace
from hashlib import sha256
from io import BytesIO
from pathlib import Path

import browsing
import numpy as np
import pytest
from PIL import Image

from inspect_tool.referee.ledger import Answer, Crossing, parsed_answers
from inspect_tool.referee.page import page
from inspect_tool.referee.planning import LinePlanning, Planning, WorstPlanning, block, more, shown

pytest.importorskip("selenium.webdriver")
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

pytestmark = pytest.mark.needs("Chromium")

ROOT = Path(__file__).resolve().parent.parent
TOO_QUICK = 0.10  # s after which the page believes that a key was meant
SIZE = 65
CHOICES = [{"value": "dark", "label": "dark phase"}, {"value": "bright", "label": "bright phase"}]
CROSSINGS = [
    {"value": "crossing", "label": "crossing", "count": 1},
    {"value": "triple", "label": "triple point", "count": 1.5},
    {"value": "tangent", "label": "tangent", "count": 1},
    {"value": "end", "label": "end on a boundary", "count": 0.5},
]


def crop(gray):
    buffer = BytesIO()
    Image.fromarray(gray).save(buffer, "PNG")
    return {"png": b64encode(buffer.getvalue()).decode(), "shape": list(gray.shape), "pixel_um": 0.5, "context": None}


def sample(name, items, crops, **values):
    """A sample as ``inspect-tool referee`` draws it."""
    return {
        "schema": "inspect_tool/referee-sample/1", "id": sha256(name.encode()).hexdigest(), "job": "job 7",
        "recipe": "phase fraction", "title": "Heat 7", "kind": "points", "question": "What lies under the mark?",
        "choices": CHOICES, "stages": [len(items)], "items": items, "crops": crops, "planning": None, **values,
    }  # fmt: skip


def points(name="points", count=6, **values):
    """Points on drawn noise, the point off the middle."""
    generator = np.random.default_rng(7)
    crops = [crop(generator.integers(40, 216, (SIZE, SIZE), dtype=np.uint8)) for _ in range(count)]
    return sample(name, [{"n": n, "crop": n, "at": [30, 20]} for n in range(count)], crops, **values)


def lines(name="lines", count=3, **values):
    """Lines over drawn vertical boundaries, 40 pixels long, level."""
    gray = np.full((SIZE, SIZE), 180, np.uint8)
    gray[:, ::10] = 30
    items = [{"n": n, "crop": 0, "line": [[32, 12], [32, 52]]} for n in range(count)]
    return sample(name, items, [crop(gray)], kind="lines", choices=CROSSINGS, **values)


def edges(name="edges", count=2):
    """Lines across a drawn level layer of 16 rows; each needs two marks."""
    gray = np.full((SIZE, SIZE), 60, np.uint8)
    gray[24:40] = 200
    items = [{"n": n, "crop": 0, "line": [[12, 30], [52, 30]]} for n in range(count)]
    edge = [{"value": "edge of the layer", "label": "edge of the layer", "count": 1}]
    return sample(
        name, items, [crop(gray)], kind="lines", choices=edge, question="Where does the layer begin and end?",
        needed=2, rule="Mark where the layer begins on the line and where it ends.",
    )  # fmt: skip


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    driver = browsing.started(tmp_path_factory.getbasetemp())
    yield driver
    driver.quit()


@pytest.fixture
def opened(browser, tmp_path):
    """Function that opens the page of a sample in a browser that remembers nothing, and gives the person's name."""

    def start(drawn, person="N. N."):
        file = tmp_path / "page.html"
        file.write_text(page(drawn), encoding="utf-8")
        browser.get(file.as_uri())
        browser.execute_script("localStorage.clear()")
        browser.get(file.as_uri())
        browsing.trouble(browser)
        browsing.asked_of_the_network(browser)
        if person:
            begin(browser, person)
        return browser

    yield start
    browser.execute_script("localStorage.clear()")


def begin(browser, person):
    browser.find_element("id", "person").send_keys(person, Keys.ENTER)
    settle(browser)


def settle(browser):
    """Wait until a picture is on the screen, if one is to come, and has been there long enough to be answered."""
    browsing.eventually(lambda: not browser.find_elements("css selector", "#stage[aria-busy=true]"))
    time.sleep(TOO_QUICK + 0.02)


def press(browser, *keys):
    for key in keys:
        ActionChains(browser).send_keys(key).perform()
        settle(browser)


def click(browser, selector):
    browser.find_element("css selector", selector).click()
    settle(browser)


def choose_file(browser, file):
    """Give the page a file to load, and wait until it was read: it says what it found, or asks."""
    browser.execute_script(
        "for (const name of ['trouble', 'found', 'ask-text']) document.getElementById(name).textContent = ''"
    )
    browser.find_element("id", "file").send_keys(str(file))
    browsing.eventually(lambda: any(text(browser, name) for name in ("trouble", "found", "ask-text")))


def kept(browser, drawn):
    return json.loads(browser.execute_script("return localStorage.getItem(arguments[0])", key(drawn)))


def key(drawn):
    return f"inspect_tool referee {drawn['id']}"


def values(record):
    return [(answer["n"], answer["value"]) for answer in record["answers"]]


def text(browser, name):
    return browser.find_element("id", name).text


def screen(browser):
    return browser.execute_script("return document.body.dataset.screen")


def downloaded(tmp_path_factory, name="job_7.referee-answers.json"):
    """The file the browser saved last; it is gone afterwards."""
    file = tmp_path_factory.getbasetemp() / "downloads" / name
    browsing.eventually(file.exists)
    content = file.read_text(encoding="utf-8")
    file.unlink()
    return content


def test_answers_by_keys_and_clicks_in_the_order_of_the_sample(opened):
    drawn = points()
    browser = opened(drawn, "  A. Person ")
    press(browser, "1", "2", "0")
    click(browser, "#choices button:nth-child(2)")
    press(browser, Keys.SPACE)  # means "cannot tell", not the button that was clicked
    record = kept(browser, drawn)
    assert values(record) == [(0, "dark"), (1, "bright"), (2, "cannot tell"), (3, "bright"), (4, "cannot tell")]
    assert (record["schema"], record["sample"]) == ("inspect_tool/referee-answers/1", drawn["id"])
    assert record["person"] == "A. Person"
    assert not record["finished"]
    assert all(0.1 <= answer["seconds"] < 20 for answer in record["answers"])
    assert "5 of 6" in text(browser, "progress")
    assert "5 kept" in text(browser, "browser-saved")


def test_undo_shows_the_point_again_and_counts_the_change(opened):
    drawn = points()
    browser = opened(drawn)
    press(browser, "1", "1", Keys.BACK_SPACE, "u", "2", "2")
    record = kept(browser, drawn)
    assert values(record) == [(0, "bright"), (1, "bright")]
    assert [answer["changes"] for answer in record["answers"]] == [1, 1]
    press(browser, "u")
    assert kept(browser, drawn)["undone"] == {"1": 2}  # and is not forgotten while there is no new answer


def test_a_key_that_bounces_or_is_held_answers_once(opened):
    drawn = points()
    browser = opened(drawn)
    browser.execute_async_script(
        "const done = arguments[0], stage = document.getElementById('stage');"
        "const press = more => document.body.dispatchEvent(new KeyboardEvent('keydown', {bubbles: true, ...more}));"
        "new MutationObserver((changes, observer) => {"
        "  if (stage.getAttribute('aria-busy') === 'true') return;"
        "  observer.disconnect(); press({key: '2'}); done();"  # the moment that the next picture is there
        "}).observe(stage, {attributes: true, attributeFilter: ['aria-busy']});"
        "press({key: '1'}); press({key: '2'});"  # and before it is
    )
    settle(browser)
    held = "new KeyboardEvent('keydown', {key: '2', repeat: true, bubbles: true})"
    browser.execute_script(f"document.body.dispatchEvent({held})")
    assert values(kept(browser, drawn)) == [(0, "dark")]


def test_a_reload_goes_on_where_the_person_stopped(opened):
    drawn = points()
    browser = opened(drawn)
    press(browser, "1", "2", "1")
    browser.refresh()
    assert "3 of 6 points are answered by N. N." in text(browser, "found")
    assert browser.find_element("id", "person").get_attribute("readonly")  # one person answers one sample
    click(browser, "#start")
    press(browser, "2")
    assert values(kept(browser, drawn)) == [(0, "dark"), (1, "bright"), (2, "dark"), (3, "bright")]


def test_a_saved_file_goes_on_in_another_browser(opened, tmp_path, tmp_path_factory):
    drawn = points()
    browser = opened(drawn)
    press(browser, "1", "2", "s")
    saved = downloaded(tmp_path_factory)
    assert values(json.loads(saved)) == [(0, "dark"), (1, "bright")]
    assert [answer.value for answer in parsed_answers(saved.encode(), "answers").answers] == ["dark", "bright"]
    assert "2 saved" in text(browser, "file-saved")
    press(browser, "1")
    assert "1 not in it yet" in text(browser, "file-saved")
    browser = opened(drawn, person=None)
    file = tmp_path / "answers.json"
    file.write_text(saved, encoding="utf-8")
    choose_file(browser, file)
    assert "2 of 6 points are answered by N. N." in text(browser, "found")
    click(browser, "#start")
    press(browser, "0")
    assert values(kept(browser, drawn)) == [(0, "dark"), (1, "bright"), (2, "cannot tell")]


UNFIT = (
    (lambda record: {**record, "sample": "f" * 64}, "it answers another sample (ffffffff …"),
    (lambda record: {**record, "schema": "x"}, "it is not an answers file"),
    (lambda record: {**record, "person": " "}, "it does not say who answered"),
    (lambda record: {**record, "answers": record["answers"][1:]}, "answer 1: the answer to question 0 was expected, 1"),
    (lambda record: {**record, "answers": [{"n": 0, "value": "blue"}]}, 'answer 1: "blue" is none of its choices'),
)


def test_a_file_that_does_not_fit_is_refused_and_nothing_is_lost(opened, tmp_path):
    drawn = points()
    browser = opened(drawn)
    press(browser, "1", "2")
    before = kept(browser, drawn)
    for n, (change, reason) in enumerate(UNFIT):
        file = tmp_path / f"other_{n}.json"
        file.write_text(json.dumps(change(before)), encoding="utf-8")
        choose_file(browser, file)
        assert f"other_{n}.json was not loaded: {reason}" in text(browser, "trouble")
        assert kept(browser, drawn) == before


def test_answers_here_give_way_to_a_file_only_when_the_person_says_so(opened, tmp_path):
    drawn = points()
    browser = opened(drawn)
    press(browser, "1", "2")
    mine = kept(browser, drawn)
    file = tmp_path / "other.json"
    theirs = {**mine, "person": "B. B.", "answers": [{**mine["answers"][0], "value": "bright"}]}
    file.write_text(json.dumps(theirs), encoding="utf-8")
    choose_file(browser, file)
    assert "holds 2 answers by N. N.; the file holds 1 by B. B." in text(browser, "ask-text")
    click(browser, "#ask-no")
    assert kept(browser, drawn) == mine
    choose_file(browser, file)
    click(browser, "#ask-yes")
    assert values(kept(browser, drawn)) == [(0, "bright")]
    assert kept(browser, drawn)["person"] == "B. B."


def test_stages_end_with_a_choice_and_finishing_saves_the_file(opened, tmp_path_factory):
    drawn = points(stages=[2, 4, 6])
    browser = opened(drawn)
    press(browser, "1", "2")
    assert (screen(browser), text(browser, "between-title")) == ("between", "Stage 1 done")
    press(browser, "1")  # nothing is asked here
    assert len(kept(browser, drawn)["answers"]) == 2
    press(browser, Keys.ENTER, "2", "2")
    assert text(browser, "between-title") == "Stage 2 done"
    assert leaving_warns(browser)
    click(browser, "#finish")
    record = json.loads(downloaded(tmp_path_factory))
    assert record["finished"]
    assert len(record["answers"]) == 4
    assert 'file = "job_7.referee-answers.json"' in text(browser, "handover")
    assert not leaving_warns(browser)
    press(browser, Keys.BACK_SPACE)
    assert not kept(browser, drawn)["finished"]


def leaving_warns(browser):
    return browser.execute_script(
        "const event = new Event('beforeunload', {cancelable: true});"
        "dispatchEvent(event); return event.defaultPrevented"
    )


def test_the_pixel_that_is_asked_about_and_its_neighbors_are_shown_as_they_are(opened):
    drawn = points()
    row, column = drawn["items"][0]["at"]
    gray = np.random.default_rng(7).integers(40, 216, (SIZE, SIZE), dtype=np.uint8)
    browser = opened(drawn)
    press(browser, "x")  # pixels as they are
    for look in ("", "m", "c", "+", "+"):
        press(browser, *look)
        shown = np.array(
            browser.execute_script(
                # the ticks on the frame point at the place, whatever the magnification
                "const canvas = document.getElementById('picture'), context = canvas.getContext('2d');"
                "const line = [...context.getImageData(0, 12, canvas.width, 1).data].filter((_, i) => i % 4 === 3);"
                "const side = context.getImageData(12, 0, 1, canvas.height).data.filter((_, i) => i % 4 === 3);"
                "const middle = values => (values.findIndex(v => v) + values.findLastIndex(v => v)) / 2;"
                "const [x, y] = [Math.round(middle(line)), Math.round(middle(side))];"
                "const scale = parseFloat(document.getElementById('magnified').textContent);"
                "return [-1, 0, 1].map(r => [-1, 0, 1].map(c => "
                "  [...context.getImageData(x + c * scale, y + r * scale, 1, 1).data]))"
            )
        )
        expected = gray[row - 1 : row + 2, column - 1 : column + 2]
        for channel in range(3):
            np.testing.assert_array_equal(shown[..., channel], expected)


def test_the_mark_is_hidden_while_the_key_is_held(opened):
    browser = opened(points())
    picture = "return document.getElementById('picture').toDataURL()"
    marked = browser.execute_script(picture)
    ActionChains(browser).key_down("h").perform()
    hidden = browser.execute_script(picture)
    ActionChains(browser).key_up("h").perform()
    assert hidden != marked
    assert browser.execute_script(picture) == marked


def test_marks_on_a_line_by_keys(opened):
    drawn = lines()
    browser = opened(drawn)
    ActionChains(browser).send_keys(Keys.ARROW_RIGHT * 8, "1").perform()  # from column 12 to the boundary in column 20
    ActionChains(browser).key_down(Keys.SHIFT).send_keys(Keys.ARROW_RIGHT).key_up(Keys.SHIFT).send_keys("2").perform()
    ActionChains(browser).send_keys(Keys.END, "4", Keys.HOME, "3", Keys.DELETE).perform()
    ActionChains(browser).send_keys(Keys.PAGE_DOWN, Keys.PAGE_DOWN, "3").perform()  # the triple point was a tangent
    assert text(browser, "marked") == "On this line: 1 × crossing, 1 × tangent, 1 × end on a boundary"
    press(browser, Keys.ENTER)
    press(browser, "0")
    answers = kept(browser, drawn)["answers"]
    assert answers[0]["marks"] == [
        {"position": 0.2, "value": "crossing"},
        {"position": 0.45, "value": "tangent"},
        {"position": 1, "value": "end"},
    ]
    assert [answer["value"] for answer in answers] == ["done", "cannot tell"]
    assert answers[1]["marks"] == []


def test_the_edges_of_a_layer_are_two_marks_by_click_and_key_and_a_reload_goes_on(opened):
    drawn = edges()
    browser = opened(drawn, person=None)
    assert "Mark where the layer begins on the line and where it ends." in browser.find_element("id", "welcome").text
    begin(browser, "N. N.")

    def done():
        return browser.find_element("id", "done").is_enabled()

    picture = browser.find_element("id", "picture")
    scale = (picture.size["width"] - 32) / SIZE
    offset = ((30 - SIZE / 2 + 0.5) * scale, (24 - SIZE / 2 + 0.5) * scale)
    ActionChains(browser).move_to_element_with_offset(picture, *map(round, offset)).click().perform()
    assert not done()
    press(browser, Keys.ENTER)  # one edge is no thickness
    assert kept(browser, drawn)["answers"] == []
    ActionChains(browser).send_keys(Keys.HOME, Keys.ARROW_DOWN * 28, "1").perform()  # from row 12 to row 40
    ActionChains(browser).send_keys(Keys.END, "1").perform()  # a third edge is none
    assert text(browser, "marked") == "On this line: 2 × edge of the layer"
    assert done()
    press(browser, Keys.ENTER)
    found = kept(browser, drawn)["answers"][0]
    assert [mark["position"] for mark in found["marks"]] == pytest.approx([0.3, 0.7], abs=0.6 / scale / 40)
    browser.refresh()
    assert "1 of 2 lines are answered by N. N." in text(browser, "found")
    click(browser, "#start")
    press(browser, Keys.BACK_SPACE, Keys.BACK_SPACE)  # the first line again, and its second mark taken back
    assert not done()
    ActionChains(browser).send_keys(Keys.HOME, Keys.ARROW_DOWN * 20, "1").perform()
    press(browser, Keys.ENTER, "0")
    answers = kept(browser, drawn)["answers"]
    assert [answer["value"] for answer in answers] == ["done", "cannot tell"]
    assert answers[0]["changes"] == 1
    assert answers[0]["marks"][1]["position"] == pytest.approx(0.5)


def test_clicks_snap_to_the_line_and_undo_takes_back_marks_then_the_line(opened):
    drawn = lines()
    browser = opened(drawn)
    picture = browser.find_element("id", "picture")
    scale = (picture.size["width"] - 32) / SIZE
    for column, row in ((20, 34), (30, 31), (40, 32)):
        offset = ((column - SIZE / 2 + 0.5) * scale, (row - SIZE / 2 + 0.5) * scale)
        ActionChains(browser).move_to_element_with_offset(picture, *map(round, offset)).click().perform()
    ActionChains(browser).move_to_element_with_offset(
        picture, 0, round(-28 * scale)
    ).click().perform()  # far off: no mark
    press(browser, Keys.BACK_SPACE, Keys.ENTER)
    found = [mark["position"] for mark in kept(browser, drawn)["answers"][0]["marks"]]
    assert found == pytest.approx([8 / 40, 18 / 40], abs=0.6 / scale / 40)
    press(browser, Keys.BACK_SPACE, Keys.ENTER)  # back to the line, its marks still there
    answer = kept(browser, drawn)["answers"][0]
    assert [mark["position"] for mark in answer["marks"]] == found
    assert answer["changes"] == 1


def test_starting_over_asks_first(opened):
    drawn = points()
    browser = opened(drawn)
    press(browser, "1", "2")
    browser.refresh()
    click(browser, "#restart")
    assert "Throw away the 2 answers by N. N." in text(browser, "ask-text")
    click(browser, "#ask-no")
    assert len(kept(browser, drawn)["answers"]) == 2
    click(browser, "#restart")
    click(browser, "#ask-yes")
    browser.find_element("id", "person").clear()
    begin(browser, "B. B.")
    press(browser, "2")
    assert values(kept(browser, drawn)) == [(0, "bright")]
    assert kept(browser, drawn)["person"] == "B. B."


def test_blinking_is_on_and_off_by_the_key_where_motion_is_unwelcome(opened):
    browser = opened(points())
    picture = "return document.getElementById('picture').toDataURL()"
    browser.execute_cdp_cmd(
        "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-reduced-motion", "value": "reduce"}]}
    )
    try:
        marked = browser.execute_script(picture)
        press(browser, "b")
        hidden = browser.execute_script(picture)
        time.sleep(0.6)
        assert browser.execute_script(picture) == hidden != marked
        press(browser, "b")
        assert browser.execute_script(picture) == marked
    finally:
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def test_pause_covers_the_picture_and_stops_the_clock(opened):
    drawn = points()
    browser = opened(drawn)
    press(browser, "p")
    assert not browser.find_element("id", "picture").is_displayed()
    time.sleep(1.5)
    press(browser, "p", "1")
    assert kept(browser, drawn)["answers"][0]["seconds"] < 1.5


def test_the_older_of_two_tabs_stops(opened):
    drawn = points()
    browser = opened(drawn)
    press(browser, "1")
    older, address = browser.current_window_handle, browser.current_url
    browser.switch_to.new_window("tab")
    browser.get(address)
    click(browser, "#start")
    press(browser, "2")
    newer = browser.current_window_handle
    browser.switch_to.window(older)
    press(browser, "1", "1")
    assert screen(browser) == "replaced"
    assert values(kept(browser, drawn)) == [(0, "dark"), (1, "bright")]
    click(browser, "#replaced button")
    click(browser, "#start")
    press(browser, "1")
    assert values(kept(browser, drawn)) == [(0, "dark"), (1, "bright"), (2, "dark")]
    browser.switch_to.window(newer)
    press(browser, "2")
    assert screen(browser) == "replaced"
    browser.close()
    browser.switch_to.window(older)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("Storage.prototype.setItem = () => { throw new DOMException('', 'QuotaExceededError') }", "is full"),
        ("Object.defineProperty(window, 'localStorage', {get() { throw new Error() }})", "is not available"),
    ],
)
def test_without_storage_the_page_says_so_and_goes_on_by_file(opened, tmp_path_factory, fault, words):
    browser = opened(points(), person=None)
    added = browser.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": fault})
    try:
        browser.refresh()
        begin(browser, "N. N.")
        press(browser, "1", "2")
        assert f"its storage {words}" in text(browser, "browser-saved")
        assert leaving_warns(browser)
        press(browser, "s")
        assert values(json.loads(downloaded(tmp_path_factory))) == [(0, "dark"), (1, "bright")]
        assert not leaving_warns(browser)
    finally:
        browser.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", {"identifier": added["identifier"]})
        browser.refresh()


def test_nothing_leaves_the_page_and_nothing_foreign_runs_in_it(opened):
    foreign = (
        "</script><script>document.title = 'ran'</script><img src='http://192.0.2.1/x.png' onerror='document.title=1'>"
    )
    choices = [{"value": "a", "label": foreign}, {"value": "b", "label": "b"}]
    browser = opened(points(title=foreign, question=foreign, choices=choices, stages=[2, 6]))
    assert browser.title.startswith("</script>")
    press(browser, "1", "2", Keys.ENTER, "?", Keys.ESCAPE, "b", "+", "s")
    assert browser.find_element("css selector", "#choices button").text.endswith(foreign)
    assert browsing.trouble(browser) == []  # a violation of the policy is a complaint
    assert browsing.asked_of_the_network(browser) == []


def test_the_policy_allows_no_address_at_all():
    head = page(points()).split("</head>")[0]
    policy = head.split('http-equiv="Content-Security-Policy" content="')[1].split('"')[0]
    sources = {rule.split()[0]: rule.split()[1:] for rule in policy.split("; ")}
    assert sources["default-src"] == ["'none'"]
    allowed = [source for name in ("script-src", "style-src") for source in sources[name]]
    assert all(source.startswith("'sha256-") for source in allowed)
    assert set(sources) == {"default-src", "script-src", "style-src", "base-uri", "form-action"}


def test_a_person_without_a_mouse_reaches_every_choice(opened):
    drawn = points()
    browser = opened(drawn)
    press(browser, Keys.TAB, Keys.TAB, Keys.SPACE, Keys.SPACE)  # the second choice, pressed twice
    assert values(kept(browser, drawn)) == [(0, "bright"), (1, "bright")]


def test_a_small_joint_is_shown_as_large_as_a_large_one(opened):
    generator = np.random.default_rng(7)
    crops = [crop(generator.integers(40, 216, (side, side), dtype=np.uint8)) for side in (320, 32)]
    browser = opened(sample("joints", [{"n": n, "crop": n, "at": [9, 9]} for n in range(2)], crops))
    shown_at = []
    for _ in crops:
        width = browser.execute_script("return document.getElementById('picture').clientWidth")
        shown_at.append((width, float(text(browser, "magnified").split("×")[0])))
        press(browser, "1")
    (large, once), (small, ten_times) = shown_at
    assert small == pytest.approx(large, abs=1)
    assert ten_times == pytest.approx(10 * once, rel=0.05)


def test_every_control_has_a_name_and_the_progress_is_spoken(opened):
    browser = opened(points())
    press(browser, "2")
    assert text(browser, "spoken") == "bright phase. Point 2 of 6."
    nodes = browser.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
    named = {"button", "textbox", "image", "progressbar", "group", "dialog"}
    roles = [
        (node["role"]["value"], node.get("name", {}).get("value", ""))
        for node in nodes
        if not node["ignored"] and node["role"]["value"] in named
    ]
    assert len(roles) > 10
    assert [role for role, name in roles if not name] == []


def plan_of_points(draw, items):
    return Planning(
        target="bright",
        limit=float(draw.uniform(5, 60)),
        machine=float(draw.uniform(5, 60)),
        fixed_u=float(draw.uniform(0, 6)),
        machine_percent=tuple(draw.choice([0.0, 100.0], items).tolist()),
        weights=tuple(draw.choice([0.0, 0.6, 1.0, 2.5], items).tolist()),
        beside=str(draw.choice(["", "beside"])),
        k=float(draw.uniform(1.9, 3.3)),
        doubts=float(draw.choice([0.5, 2.0])),
    )


def plan_of_lines(draw, items):
    return LinePlanning(
        limit=float(draw.uniform(1, 3)),
        machine=float(draw.uniform(1, 3)),
        fixed_u=float(draw.uniform(0, 0.4)),
        counted=tuple(draw.choice([0.0, 1.0, 2.0, 3.0], items).tolist()),
        weights=tuple(draw.choice([0.0, 0.6, 1.0, 2.5], items).tolist()),
        worth={"crossing": 1.0, "triple": 1.5, "end": 0.5},
        scales=tuple(draw.uniform(0.9, 1.1, items).tolist()),
    )


def plan_of_worst(draw, items):
    joints = tuple(plan_of_points(draw, items) for _ in range(draw.integers(1, 4)))
    limit = float(draw.uniform(20, 130))
    return WorstPlanning(
        joints=tuple(replace(one, limit=limit, fixed_u=0.0) for one in joints),
        others=replace(plan_of_points(draw, items), limit=limit / 3, machine=0.0) if draw.random() < 0.5 else None,
    )


def answer(draw, n, plan):
    """What a person says, as the file of answers holds it, and as the script is given it."""
    if isinstance(plan, LinePlanning):
        told = draw.random() < 0.9
        marks = draw.choice(list(plan.worth), int(draw.integers(0, 5))).tolist() if told else []
        crossings = tuple(Crossing(position=0.5, value=kind) for kind in marks)
        return Answer(n=n, value="done" if told else "cannot tell", marks=crossings), marks if told else None
    said = str(draw.choice(["dark", "bright", "beside", "cannot tell"], p=[0.5, 0.3, 0.1, 0.1]))
    return Answer(n=n, value=said), said


@pytest.mark.parametrize("make", [plan_of_points, plan_of_lines, plan_of_worst])
def test_the_page_forecasts_what_python_forecasts(opened, make):
    """Two implementations of one formula; plans and answers of every sort: decided, far from it, never."""
    asked, expected = [], []
    for seed in range(200):
        draw = np.random.default_rng(seed)
        items = int(draw.integers(40, 120))
        plan = make(draw, items)
        said = [answer(draw, n, plan) for n in range(int(draw.integers(15, items)))]
        asked.append({"plan": shown(plan), "said": [one for _, one in said]})
        expected.append(more(plan, [one for one, _ in said]))
    script = (ROOT / "inspect_tool" / "referee" / "planning.js").read_text("utf-8")
    found = opened(points(), person=None).execute_script(
        f"{script}; return arguments[0].map(({{plan, said}}) => moreAnswers(plan, said))", asked
    )
    assert found == expected
    assert {None, 0} < set(found)


def test_the_forecast_of_lines_counts_the_marks_that_were_put(opened, tmp_path):
    drawn = lines(count=60)
    plan = LinePlanning(
        limit=2.5, machine=1.0, fixed_u=0.0, counted=(1.0,) * 60, weights=(1.0,) * 60, scales=(1.0,) * 60,
        worth={one["value"]: one["count"] for one in CROSSINGS},
    )  # fmt: skip
    drawn["planning"] = block(plan, drawn["id"])
    browser = opened(drawn)
    press(browser, "1", Keys.ENTER)
    record = kept(browser, drawn)
    assert [mark["value"] for mark in record["answers"][0]["marks"]] == ["crossing"]
    record["answers"] = [{**record["answers"][0], "n": n} for n in range(19)]
    file = tmp_path / "answers.json"
    file.write_text(json.dumps(record), encoding="utf-8")
    choose_file(browser, file)
    click(browser, "#start")
    press(browser, "2", Keys.HOME, Keys.END, "2", Keys.ENTER)
    assert [mark["value"] for mark in kept(browser, drawn)["answers"][19]["marks"]] == ["triple", "triple"]
    # d = 0 of 19 lines and 2 of one, mean 0.1: s² = (19 · 0.01 + 1.9² + 2) / 22 = 0.2636; N = 1.96² s² / 1.4² = 0.5
    browsing.eventually(lambda: "the verdict is decided by now" in text(browser, "progress"))


def test_the_forecast_is_said_from_thirty_answers_on(opened, tmp_path):
    drawn = points(count=40)
    plan = Planning(
        target="bright", limit=3.0, machine=31.25, fixed_u=0.0, machine_percent=(31.25,) * 40, weights=(1.0,) * 40
    )
    drawn["planning"] = block(plan, drawn["id"])
    assert "31.25" not in page(drawn)  # the person stays blind to what the program saw
    browser = opened(drawn)
    press(browser, "1")
    record = kept(browser, drawn)
    record["answers"] = [{**record["answers"][0], "n": n} for n in range(29)]
    file = tmp_path / "answers.json"
    file.write_text(json.dumps(record), encoding="utf-8")
    choose_file(browser, file)
    click(browser, "#start")
    assert "29 of 40" in text(browser, "progress")
    assert "verdict" not in text(browser, "progress")
    press(browser, "1")
    # d = -31.25 of all 30, s = 25 by the two doubts among 32: N = (1.96 * 25)² / 3² = 266.8
    browsing.eventually(lambda: "about 237 more points until the verdict is decided" in text(browser, "progress"))


def test_a_hundred_points_by_keys_take_less_than_a_quarter_of_the_time_there_is(opened):
    drawn = points(count=100)
    browser = opened(drawn)
    began = time.perf_counter()
    press(browser, *"12" * 50)
    took = time.perf_counter() - began
    assert values(kept(browser, drawn)) == [(n, ["dark", "bright"][n % 2]) for n in range(100)]
    assert text(browser, "between-title") == "All done"
    assert took < 60
