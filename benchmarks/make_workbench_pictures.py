"""Walk through the workbench as a new user, and keep a picture of every page in docs/workbench.

    python benchmarks/make_workbench_pictures.py [FOLDER]      (needs Chromium and playwright)

Two people: one gives an etched steel, asks for its grain size, draws one missing boundary and asks for review; the
other one signs and releases. Only names and passwords are typed. How long each step took is printed [s]; a person
takes longer. At the end the PDF is validated and the report verified. Then the rooms beside that way: calibrations,
a specification, a template, a check by hand, a trend of drawn values, and strokes that teach a classifier.
"""

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import TypeAlias

import cv2
import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from signing_keys import PASSPHRASE, Chain  # noqa: E402
from test_trend import QUANTITY, drawn, filled, new_weights  # noqa: E402
from workbench import PASSWORD, browser, served  # noqa: E402

from inspect_tool.lab import database, release  # noqa: E402
from inspect_tool.verify import pdf_check  # noqa: E402

Look: TypeAlias = Callable[[str], None]
"""Keeps a picture of the page under a name."""

PICTURES = ROOT / "docs" / "workbench"
SAMPLE = ROOT / "samples" / "grain_size"
TWO_PHASES = ROOT / "samples" / "phase_fraction" / "images" / "field_1.png"
SIZE = {"width": 1280, "height": 860}
SHOWN = (960, 645)  # of a picture [px]
COLORS = 64  # a page has few, and a micrograph in it is gray


def main() -> None:
    """Walk, and keep the pictures."""
    pictures = Path(sys.argv[1]) if len(sys.argv) > 1 else PICTURES
    pictures.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        lab = database.init(Path(folder) / "lab", name="Works 3")
        (lab.folder / "calibrations").mkdir()
        shutil.copy(SAMPLE / "calibration.toml", lab.folder / "calibrations" / "microscope_20x.toml")
        os.environ[release.PASSPHRASE] = PASSPHRASE
        key = Chain(Path(folder)).person("Works 3", kind="ec")
        with served(lab, key=key) as listening, browser(viewport=SIZE) as page:
            page.set_default_timeout(120_000)  # a run takes its time

            def look(name: str) -> None:
                page.wait_for_load_state("networkidle")
                page.wait_for_timeout(700)
                with Image.open(BytesIO(page.screenshot())) as picture:
                    small = picture.convert("RGB").resize(SHOWN, Image.Resampling.LANCZOS).quantize(COLORS)
                    small.save(pictures / f"{name}.png", optimize=True)

            walk(page, listening.origins[0], look)
            beside(page, look)
            filled(lab, drawn(step=3.0), new_weights(20), part="CB-9")
            with step("a trend"):
                page.goto(f"{listening.origins[0]}/trend?quantity={QUANTITY}")
                page.locator("#values canvas").wait_for()
                look("trend")
            print("asked of elsewhere:", page.elsewhere or "nothing", "| complaints:", page.trouble or "none")
        for path in lab.reports.glob("*/report.pdf"):
            (seal,) = pdf_check.signatures(path.read_bytes(), None, path.name)
            print(f"{path.parent.name}: sealed by {seal.name}; {seal.statement}; problems: {seal.problems or 'none'}")


def walk(page, home: str, look: Look) -> None:
    """Go the way."""
    with step("the first account"):
        page.goto(home)
        page.get_by_label("Full name").fill("Eva Muster")
        page.get_by_label("Name to enter with").fill("eva")
        page.get_by_label("Password", exact=False).first.fill(PASSWORD)
        page.get_by_label("Password again").fill(PASSWORD)
        look("first")
        page.get_by_role("button", name="Make it and enter").click()
    with step("an account for the second person"):
        page.get_by_role("link", name="Users").click()
        page.get_by_label("Full name").fill("Rolf Beispiel")
        page.get_by_label("Name to enter with").fill("rolf")
        page.get_by_label("reviewer", exact=False).check()
        page.get_by_label("First password", exact=False).first.fill(f"{PASSWORD}, first")
        page.get_by_label("First password again").fill(f"{PASSWORD}, first")
        look("users")
        page.locator("form[action='/users'] button.main").click()
    with step("the image"):
        page.get_by_role("link", name="Inbox").click()
        page.get_by_label("They were taken with").select_option("microscope_20x.toml")
        page.get_by_label("Images", exact=True).set_input_files(SAMPLE / "images" / "B2-L_1.tif")
        page.locator("#images li").first.wait_for()
        look("inbox")
    with step("its scale, looked at"):
        page.get_by_role("link", name="Calibrate").click()
        look("calibrate")
        page.go_back()
    with step("what is asked"):
        page.locator("#images li input[type=checkbox]").first.check()
        page.get_by_role("button", name="New inspection").click()
        page.locator("input[name=recipe][value=grain_size]").check()
        page.get_by_text("Ready to run").wait_for()
        look("new_inspection")
        page.get_by_role("button", name="Run").click()
    with step("measured"):
        page.wait_for_url("**/inspections/grain_size_*")
        page.get_by_role("link", name="Report", exact=True).first.wait_for()
        page.reload()
        look("inspection")
    with step("one boundary drawn"):
        page.get_by_role("link", name="Look at the fields").click()
        page.wait_for_timeout(1500)
        look("viewer")
        page.get_by_role("link", name="Correct").click()
        page.locator("#stage[data-waiting='0']").wait_for()
        for _ in range(3):
            page.get_by_role("button", name="Larger").click()
        page.wait_for_timeout(1500)
        page.get_by_role("button", name="Boundary").click()
        box = page.locator("#stage").bounding_box()
        middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        page.mouse.move(middle[0] - 130, middle[1] - 40)
        page.mouse.down()
        for i in range(14):
            page.mouse.move(middle[0] - 130 + 20 * i, middle[1] - 40 + 6 * i)
        page.mouse.up()
        page.get_by_text("1 correction", exact=True).wait_for()
        page.wait_for_timeout(2500)
        look("correct")
        page.get_by_role("button", name="Commit …").click()
        page.get_by_label("Reason").fill("boundary seen, not found")
        page.get_by_role("button", name="Commit", exact=True).click()
    with step("measured again"):
        page.get_by_role("button", name="Measure again").click()
        page.wait_for_url("**/inspections/grain_size_*")
        page.get_by_text("done", exact=True).wait_for()
        page.get_by_role("link", name="Report", exact=True).first.click()
        page.frame_locator("iframe.report").get_by_text("End of report").first.wait_for(state="attached")
        look("report")
    with step("review asked for"):
        page.get_by_role("button", name="Ask for review").click()
        page.get_by_role("link", name="Audit trail").click()
        look("trail")
        page.get_by_role("button", name="Leave").click()
    with step("the second person enters"):
        page.get_by_label("Name").fill("rolf")
        page.get_by_label("Password").fill(f"{PASSWORD}, first")
        page.get_by_role("button", name="Enter").click()
        page.get_by_label("Old password").fill(f"{PASSWORD}, first")
        page.get_by_label("New password", exact=False).first.fill(PASSWORD)
        page.get_by_label("New password again").fill(PASSWORD)
        page.get_by_role("button", name="Change it").click()
    with step("signed and released"):
        page.get_by_role("navigation", name="Rooms").get_by_role("link", name="Review").click()
        look("reviews")
        page.locator("main table a").first.click()
        look("review")
        page.get_by_label("Reason").fill("all checks read")
        page.get_by_label("Your password, again").fill(PASSWORD)
        page.get_by_role("button", name="Sign and release").click()
        page.get_by_text("The PDF carries the seal of").wait_for()
        look("released")
    with step("found again"):
        page.get_by_role("link", name="Reports").click()
        look("reports")


def beside(page, look: Look) -> None:
    """Look into the rooms that the way passes by."""
    with step("calibrations"):
        page.get_by_role("button", name="Leave").click()
        page.get_by_label("Name").fill("eva")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Enter").click()
        look("home")
        page.get_by_role("link", name="Instruments").click()
        look("instruments")
    with step("what was asked for"):
        page.get_by_role("navigation", name="Rooms").get_by_role("link", name="Inspections").click()
        look("inspections")
    with step("a check by hand"):
        page.locator("main a[href*='/inspections/grain_size_']").first.click()
        page.get_by_role("link", name="Check by hand").click()
        page.get_by_label("Points or lines of every specimen").fill("20")
        page.get_by_role("button", name="Draw", exact=True).click()
        page.get_by_role("link", name="To the pictures").click()
        page.wait_for_timeout(1500)
        look("referee")
    with step("a template"):
        page.goto(page.url.partition("/inspections")[0] + "/templates/new?recipe=porosity")
        page.get_by_label("Title").first.fill("Bracket, porosity")
        page.get_by_label("Name of its file").fill("bracket_porosity")
        for key in ("heat", "part"):
            page.locator(f"input[name=open][value='header.{key}']").check()
        page.evaluate("scrollTo(0, 0)")
        look("template")
    with step("a specification"):
        page.get_by_role("link", name="Specifications").click()
        page.get_by_role("link", name="New specification").click()
        for label, text in (
            ("Part", "4711-02"),
            ("Revision", "C"),
            ("Title", "flange forging"),
            ("Valid from", "2026-01-01"),
            ("Source of all requirements", "drawing 4711-02 rev C"),
        ):
            page.get_by_label(label).first.fill(text)
        page.locator("select[name=recipe]").select_option("grain_size")
        page.get_by_label("Quantity").first.fill("grain_size_number")
        page.get_by_label("At least").first.fill("8")
        page.get_by_label("Unit").first.fill("G")
        page.get_by_label("Reason").fill("drawing released")
        page.get_by_role("button", name="Save").click()
        page.get_by_text("Reports that it judged").wait_for()
        look("specs")
    with step("strokes"):
        page.get_by_role("link", name="Inbox").click()
        page.get_by_label("Images", exact=True).set_input_files(TWO_PHASES)
        page.locator("#images li", has_text=TWO_PHASES.name).first.wait_for()
        page.get_by_role("link", name="Classifiers").click()
        page.get_by_role("link", name=TWO_PHASES.name).click()
        page.locator("#picture").wait_for()
        for pen, runs in enumerate(long_runs(TWO_PHASES), start=1):
            page.keyboard.press(str(pen))
            for row, first, last in runs:
                box = page.locator("#strokes").bounding_box()  # it moves when what is said above it gets shorter
                page.mouse.move(*on_screen(box, row, first))
                page.mouse.down()
                page.mouse.move(*on_screen(box, row, last), steps=5)
                page.mouse.up()
        page.locator("#scribble[data-shown='6']").wait_for()
        page.get_by_text("Strokes that were left out are found to").wait_for()
        look("strokes")


def long_runs(path: Path, count: int = 3) -> list[list[tuple[int, int, int]]]:
    """Rows and ends of long runs of bright and of dark pixels, far from each other: where a person would draw."""
    gray = cv2.GaussianBlur(cv2.imread(str(path), cv2.IMREAD_GRAYSCALE), (0, 0), 2.0)
    gray = gray[: len(gray) * 4 // 5]  # what a page shows without scrolling
    level, _ = cv2.threshold(gray, 0, 255, cv2.THRESH_OTSU)
    found = []
    for inside in (gray > level, gray <= level):
        inside = cv2.erode(inside.astype(np.uint8), np.ones((11, 11), np.uint8))
        steps = np.diff(np.pad(inside.astype(np.int8), ((0, 0), (1, 1))), axis=1)
        rows, begins = np.nonzero(steps > 0)
        ends = np.nonzero(steps < 0)[1] - 1
        place = rows / len(gray) * count  # the middle half of each band, so that no two lie side by side
        best = [
            max(np.flatnonzero(np.abs(place - i - 0.5) < 0.25), key=(ends - begins).__getitem__) for i in range(count)
        ]
        found.append([(int(rows[one]), int(begins[one]), int(ends[one])) for one in best])
    return found


def on_screen(box: dict[str, float], row: int, column: int) -> tuple[float, float]:
    """Where a pixel of the picture lies on the page."""
    rows, columns = cv2.imread(str(TWO_PHASES), cv2.IMREAD_GRAYSCALE).shape
    return box["x"] + (column + 0.5) / columns * box["width"], box["y"] + (row + 0.5) / rows * box["height"]


@contextmanager
def step(name: str) -> Iterator[None]:
    """Print how long a step takes."""
    began = time.perf_counter()
    yield
    print(f"{name:<36}{time.perf_counter() - began:6.1f} s", flush=True)


if __name__ == "__main__":
    main()
