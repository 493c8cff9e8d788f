"""The offline page in a real browser: wide and narrow, light and dark."""

from dataclasses import replace
from importlib.resources import files

import pytest
from browsing import ARGUMENTS
from needs import chromium
from report_example import example

from inspect_tool.model import Table
from inspect_tool.paths import data_folder
from inspect_tool.report.exporters import html

pytest.importorskip("playwright.sync_api")
pytestmark = pytest.mark.needs("Chromium", "Playwright")

COUNT = 120  # features; feature i has i um2, which are 4 i px2 at 0.5 um per px
COLUMNS = (
    *("specimen", "section", "field", "feature", "row_px", "column_px", "touches_edge", "area_px2", "area_um2"),
    *("feret_max_um", "feret_min_um", "top_px", "left_px", "bottom_px", "right_px", "circularity", "kind"),
)


def row(i):
    top, left = 12 * (i // 12), 13 * (i % 12)  # frames of 8 x 10 px that do not touch
    edge, kind = i % 10 == 0, "round" if i % 2 else "long"
    frame = (top, left, top + 8, left + 10)
    place = (top + 3.5, left + 4.5)
    return ("1", "1", 1 + i // 61, i, *place, edge, 4 * i, float(i), 2.0 * i, 1.0 * i, *frame, i / COUNT, kind)


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    made = example(tmp_path_factory.mktemp("report"), fields=2, features=40, size=160, grains=12, failing=True)
    table = Table(title="", columns=COLUMNS, rows=tuple(row(i) for i in range(1, COUNT + 1)))
    report = replace(made.report, features=table)
    return html.write(report, made.folder, data_folder("templates") / "inspection").as_uri()


@pytest.fixture(scope="module")
def chrome():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=chromium(), args=[one for one in ARGUMENTS if one != "--headless"]
        )
        yield started
        started.close()


@pytest.fixture(scope="module")
def loaded(chrome, address):
    page = chrome.new_page(viewport={"width": 1280, "height": 900})
    page.trouble, page.asked = [], []
    page.on("pageerror", lambda error: page.trouble.append(str(error)))
    page.on("console", lambda said: page.trouble.append(said.text) if said.type in ("error", "warning") else None)
    page.on("request", lambda request: page.asked.append(request.url))
    page.goto(address)
    yield page
    page.close()


@pytest.fixture
def page(loaded):
    """The page as it opens: nothing filtered, nothing large, at the top."""
    if loaded.locator("#viewer[open]").count():
        loaded.keyboard.press("Escape")
    loaded.fill("#find", "")
    loaded.evaluate("scrollTo(0, 0)")
    return loaded


def shown(page):
    return int(page.inner_text("#found").split()[0])


def column(page, head):
    heads = page.locator("#features thead tr > *").all_inner_texts()
    at = next(i for i, text in enumerate(heads) if text.startswith(head))
    return page.locator(f"#features tbody td:nth-child({at + 1})").all_inner_texts()


@pytest.mark.parametrize(
    ("query", "count", "said"),
    [
        ("area > 100", 20, "Area [µm²]; also there: Area [px²]"),  # what the reader sees, not the first that fits
        ("Area > 100 µm^2", 20, "Area [µm²]"),
        ("area > 100 px2", 95, "Area [px²]"),
        ("area > 0.0001 mm2", 20, "Area [µm²]"),
        ("area = 5..10", 6, "Area [µm²]"),
        ("area 5 … 10 µm²", 6, "Area [µm²]"),
        ("area >= 100 and touches border = no", 18, "Cut by the edge"),
        ("touches edge = yes", 12, "Cut by the edge"),
        ("area < 5 or area > 118", 6, "Area [µm²]"),
        ("area <= 20 and kind = round or area = 120", 11, "Kind"),
        ("not area > 100", 100, "Area [µm²]"),
        ("feret > 200", 20, "Feret max [µm]; also there: Feret min [µm]"),
        ("circularity 0,5..1", 61, "Circularity"),
        ("field ≠ 1", 60, "Field"),
        ("round", 60, ""),
        ("", COUNT, ""),
    ],
)
def test_a_filter_finds_what_it_says_and_names_the_column(page, query, count, said):
    page.fill("#find", query)
    assert shown(page) == count
    assert said in page.inner_text("#told")
    assert page.get_attribute("#find", "aria-invalid") is None


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("G < 8", "There is no column 'G'"),
        ("area > 5 mm", "No column 'area' is in mm. There is: Area"),
        ("area > large", "'large' is none"),
        ("area > 1,000", "'1,000' is none"),  # may be one or a thousand
        ("touches edge > 3", "Cut by the edge is yes or no"),
        ("area >", "Not complete: area >"),
        ("area > 5 and ", "Not complete"),
    ],
)
def test_a_filter_that_is_not_understood_finds_nothing_and_says_why(page, query, said):
    page.fill("#find", query)
    assert said in page.inner_text("#told")
    assert shown(page) == 0
    assert page.get_attribute("#find", "aria-invalid") == "true"


def test_the_table_sorts_both_ways_and_turns_pages(page):
    head = page.get_by_role("columnheader", name="Area [µm²]").get_by_role("button")
    head.click()
    assert column(page, "Area [µm²]") == [str(float(i)) if i < 0 else f"{i}" for i in range(COUNT, 70, -1)]
    page.click("#next")
    assert column(page, "Area [µm²]")[0] == "70"
    head.click()
    assert column(page, "Area [µm²]")[0] == "1"
    assert page.inner_text("#page") == "1 / 3"


def test_a_row_leads_to_its_object_and_a_click_on_an_object_to_its_row(page):
    page.fill("#find", "feature = 17")
    page.get_by_role("button", name="Feature 17 in the picture of field 1").click()
    assert page.inner_text("#viewer-title") == "Field 1"
    page.keyboard.press("0")
    place = "(box) => { const r = box.getBoundingClientRect(); return [r.left + r.width / 2, r.top + r.height / 2] }"
    marked = page.locator("#viewer .mark .core").evaluate(place)
    picture = page.locator("#viewer .stack img").first.bounding_box()
    scale = picture["width"] / 160  # of the image, drawn larger
    top, left, bottom, right = row(17)[COLUMNS.index("top_px") : COLUMNS.index("right_px") + 1]
    wanted = picture["x"] + scale * (left + right) / 2, picture["y"] + scale * (top + bottom) / 2
    assert marked == pytest.approx(wanted, abs=1.0)

    top, left, bottom, right = row(44)[COLUMNS.index("top_px") : COLUMNS.index("right_px") + 1]
    page.mouse.click(picture["x"] + scale * (left + right) / 2, picture["y"] + scale * (top + bottom) / 2)
    assert page.inner_text("#viewer .picked p") == "No. 44, field 1"
    page.get_by_role("button", name="To its row in the table").click()
    assert page.locator("#viewer[open]").count() == 0
    assert page.locator("#features tr.main td:nth-child(3)").inner_text() == "44"
    assert page.evaluate("document.activeElement.closest('tr').dataset.row") == "43"


def test_the_keyboard_alone_goes_through_the_fields_and_back(page):
    page.locator("#field-1 .stack").focus()
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.closest('.field').id") == "field-2"
    page.keyboard.press("Enter")
    assert page.inner_text("#viewer-title") == "Field 2"
    page.keyboard.press("ArrowLeft")
    assert page.inner_text("#viewer-title") == "Field 1"
    zoomed = "document.querySelector('#viewer .stack').style.transform"
    before = page.evaluate(zoomed)
    page.keyboard.press("+")
    assert page.evaluate(zoomed) != before
    page.keyboard.press("0")
    assert page.evaluate(zoomed) == before
    page.keyboard.press("Escape")
    assert page.locator("#viewer[open]").count() == 0
    assert page.evaluate("document.activeElement.closest('.field').id") == "field-2"


def test_layers_are_switched_in_the_large_picture_for_one_field_and_for_all(page):
    hidden = "[...document.querySelectorAll('.gallery img.layer[data-layer=hits]')].map(image => image.hidden)"
    page.locator("#field-1 .stack").click()
    page.locator("#viewer .layers input[data-layer=hits]").uncheck()
    assert page.locator("#viewer .stack img[data-layer=hits]").is_hidden()
    page.keyboard.press("Escape")
    assert page.evaluate(hidden) == [True, False]
    page.locator(".all-layers[data-layer=hits]").uncheck()
    assert page.evaluate(hidden) == [True, True]
    page.locator(".all-layers[data-layer=hits]").check()
    assert page.evaluate(hidden) == [False, False]


def test_layers_lie_on_the_picture(page):
    boxes = [one.bounding_box() for one in page.locator("#field-1 .stack img").all()]
    assert len(boxes) > 1
    assert all(
        [box[key] for key in ("x", "y", "width")] == pytest.approx(list(boxes[0].values())[:3], abs=0.6)
        for box in boxes
    )


def test_failures_stand_first_and_what_is_folded_opens_by_a_link_and_on_paper(page):
    first = page.locator(".summary").inner_text()
    assert first.index("Grains in the field: found 41") < first.index("ASTM grain size number G (Abrams)\n")
    folded = "document.querySelector('#at-checks details').open"
    assert page.evaluate(folded) is False
    page.get_by_role("navigation").get_by_role("link", name="Checks").click()
    assert page.evaluate(folded) is True
    page.locator("nav [aria-current][href='#at-checks']").wait_for()
    page.evaluate("document.querySelector('#at-checks details').open = false; dispatchEvent(new Event('beforeprint'))")
    assert page.locator("details:not([open])").count() == 0
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.evaluate(folded) is False


@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_serious_keeps_anybody_from_the_page_which_fits_its_window(page, width):
    axe = files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
    page.set_viewport_size({"width": width, "height": 900})
    page.evaluate("for (const part of document.querySelectorAll('details')) part.open = true")
    page.evaluate(axe)
    found = []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        page.locator(f":root[data-scheme={scheme}]").wait_for()
        answer = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        found += [
            (scheme, one["id"], [node["html"][:150] for node in one["nodes"][:3]])
            for one in answer["violations"]
            if one["impact"] in ("serious", "critical")
        ]
    assert found == []
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    cut = (
        "[...document.querySelectorAll('main table')].filter(table => table.getBoundingClientRect().right > innerWidth"
        " && !table.closest('.scroll')).length"
    )
    assert page.evaluate(cut) == 0


def test_at_narrow_width_the_menu_opens_and_leads(page):
    page.set_viewport_size({"width": 390, "height": 844})
    link = page.get_by_role("navigation").get_by_role("link", name="Features")
    assert not link.is_visible()
    page.get_by_role("button", name="Contents").click()
    link.click()
    assert not link.is_visible()
    assert page.locator("#at-features").evaluate("(part) => Math.abs(part.getBoundingClientRect().top)") < 120


def test_the_reader_switches_to_the_dark_and_the_page_keeps_to_it(page):
    page.set_viewport_size({"width": 1280, "height": 900})
    page.emulate_media(color_scheme="light")
    page.locator("#scheme").click()
    assert page.get_attribute(":root", "data-scheme") == "dark"
    assert page.inner_text("#scheme") == "Light"
    page.reload()
    assert page.get_attribute(":root", "data-scheme") == "dark"


def test_the_page_has_no_errors_and_asks_for_nothing(page):
    assert page.trouble == []
    assert [one for one in page.asked if not one.startswith(("file:", "data:"))] == []
