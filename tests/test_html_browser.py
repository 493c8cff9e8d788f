"""The offline page in a real browser."""

import browsing
import pytest
from report_example import example

from inspect_tool.paths import data_folder
from inspect_tool.report.exporters import html

pytest.importorskip("selenium.webdriver")
pytestmark = pytest.mark.needs("Chromium")


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    made = example(tmp_path_factory.mktemp("report"), fields=2, features=120, size=160, grains=12)
    page = html.write(made.report, made.folder, data_folder("templates") / "inspection")
    driver = browsing.started(tmp_path_factory.mktemp("browser"))
    driver.get(page.as_uri())
    yield driver
    driver.quit()


def column(browser, index):
    return browser.execute_script(
        "const rows = [...document.querySelectorAll('#features tbody tr')];"
        "return rows.map(row => row.cells[arguments[0]].textContent)",
        index,
    )


def head(browser, text):
    return browser.execute_script(
        "const heads = [...document.querySelectorAll('#features th')];"
        "return heads.findIndex(cell => cell.textContent.startsWith(arguments[0]))",
        text,
    )


def click(browser, selector):
    browser.execute_script("document.querySelector(arguments[0]).click()", selector)


def test_feature_table_sorts_both_ways(browser):
    area = head(browser, "Area")
    click(browser, f"#features th:nth-child({area + 1})")
    down = [float(text) for text in column(browser, area)]
    click(browser, f"#features th:nth-child({area + 1})")
    up = [float(text) for text in column(browser, area)]
    assert down == sorted(down, reverse=True)
    assert up == sorted(up)
    assert max(down) > max(up)  # the table has more rows than one page shows


def test_feature_table_filters_and_turns_pages(browser):
    find = browser.find_element("id", "find")
    find.send_keys("area > 300")
    area = head(browser, "Area")
    assert column(browser, area)
    assert all(float(text) > 300 for text in column(browser, area))
    assert "of 120 features" in browser.find_element("id", "found").text
    find.clear()
    find.send_keys(" ")
    click(browser, "#next")
    assert browser.find_element("id", "page").text == "2 / 3"


def test_layers_are_switched_for_one_field_and_for_all(browser):
    hidden = (
        "const layers = [...document.querySelectorAll('img.layer[data-layer=hits]')];"
        "return layers.map(image => getComputedStyle(image).display)"
    )
    assert browser.execute_script(hidden) == ["block", "block"]
    click(browser, "#field-2 input[data-layer=hits]")
    assert browser.execute_script(hidden) == ["block", "none"]
    click(browser, ".all-layers[data-layer=hits]")
    assert browser.execute_script(hidden) == ["none", "none"]
    click(browser, ".all-layers[data-layer=hits]")
    assert browser.execute_script(hidden) == ["block", "block"]


def test_layers_lie_on_the_picture(browser):
    boxes = browser.execute_script(
        "return [...document.querySelectorAll('#field-1 .stack img')].map(i => [i.getBoundingClientRect().left,"
        " i.getBoundingClientRect().top, i.getBoundingClientRect().width])"
    )
    assert len(boxes) > 1
    assert all(box == pytest.approx(boxes[0], abs=0.6) for box in boxes)


def test_picture_is_enlarged_and_zoomed(browser):
    click(browser, "#field-1 .stack")
    transform = "return document.querySelector('#viewer .stack').style.transform"
    before = browser.execute_script(transform)
    click(browser, "#viewer [data-zoom='1.4']")
    assert browser.execute_script(transform) != before
    click(browser, "#viewer [data-close]")
    assert not browser.execute_script("return document.getElementById('viewer').open")


def test_page_has_no_errors_and_asks_for_nothing(browser):
    assert browsing.trouble(browser) == []
    assert browsing.asked_of_the_network(browser) == []
