"""The pages of the workbench are there for everybody: screen readers, a narrow window, the dark."""

from importlib.resources import files

import inspected
import pytest
from intake_example import image
from workbench import bench, browser, enters, reads_here, served, with_people

from inspect_tool.lab import intake, users
from inspect_tool.lab.database import connected

SERIOUS = ("serious", "critical")
ADDRESSES = (
    *("/", "/inbox", "/calibrate/1", "/inspections", "/inspections/new?images=1", "/inspections/steel"),
    *("/inspections/steel/fields/1", "/inspections/steel/fields/1/correct", "/inspections/sinter/referee", "/reports"),
    *("/reviews", "/trend", "/specs", "/instruments", "/templates", "/templates/new", "/scribble", "/users", "/me"),
    "/trail",
)


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """A page of a browser whose person may do everything, in a lab that holds something of all; and its address."""
    made = with_people(bench(tmp_path_factory.mktemp("access") / "lab"), {"eva": "manager"})
    inspected.grains(made.lab)
    inspected.pores(made.lab)
    picture = tmp_path_factory.mktemp("picture") / "a.tif"
    image(picture, seed=1)
    with pytest.MonkeyPatch.context() as patch, picture.open("rb") as stream:
        reads_here(patch)
        intake.give(made.lab, stream, picture.name, "Eva Muster")
    with connected(made.lab) as connection:
        users.change(connection, 1, roles=frozenset(users.ROLES))
    with served(made.lab) as listening, browser() as page:
        enters(page, listening, "eva")
        page.get_by_text("Eva Muster").wait_for()
        yield page, listening.origins[0]


@pytest.fixture(scope="module")
def axe():
    """The script that finds what keeps people from using a page."""
    return files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")


@pytest.mark.needs("Chromium", "Playwright")
@pytest.mark.parametrize("address", ADDRESSES)
def test_nothing_serious_keeps_anybody_from_a_page_which_fits_a_narrow_window(pages, axe, address):
    page, home = pages
    page.trouble.clear()
    found = []
    for scheme, width in (("light", 1280), ("dark", 820)):
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size({"width": width, "height": 900})
        assert page.goto(home + address).status == 200
        page.locator("main h1").first.wait_for()
        page.evaluate(axe)
        answer = page.evaluate("axe.run(document, {iframes: false, resultTypes: ['violations']})")
        found += [
            (scheme, one["id"], one["help"], [node["html"][:150] for node in one["nodes"][:3]])
            for one in answer["violations"]
            if one["impact"] in SERIOUS
        ]
        wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert wide <= 0, f"{wide} px wider than {width}"
    assert found == []
    assert (page.trouble, page.elsewhere) == ([], [])
