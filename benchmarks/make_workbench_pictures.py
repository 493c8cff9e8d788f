"""Walk through the workbench as a new user, and keep a picture of every page in docs/workbench.

    python benchmarks/make_workbench_pictures.py [FOLDER]      (needs Chromium and playwright)

Two people: one gives an etched steel, asks for its grain size, draws one missing boundary and asks for review; the
other one signs and releases. Only names and passwords are typed. How long each step took is printed [s]; a person
takes longer. At the end the PDF is validated and the report verified.
"""

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from signing_keys import PASSPHRASE, Chain  # noqa: E402
from workbench import PASSWORD, browser, served  # noqa: E402

from inspect_tool.lab import database, release  # noqa: E402
from inspect_tool.verify import pdf_check  # noqa: E402

PICTURES = ROOT / "docs" / "workbench"
SAMPLE = ROOT / "samples" / "grain_size"
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
            walk(page, listening.origins[0], pictures)
            print("asked of elsewhere:", page.elsewhere or "nothing", "| complaints:", page.trouble or "none")
        for path in lab.reports.glob("*/report.pdf"):
            (seal,) = pdf_check.signatures(path.read_bytes(), None, path.name)
            print(f"{path.parent.name}: sealed by {seal.name}; {seal.statement}; problems: {seal.problems or 'none'}")


def walk(page, home: str, pictures: Path) -> None:
    """Go the way."""

    def look(name: str) -> None:
        page.wait_for_load_state("networkidle")
        page.wait_for_timeout(700)
        with Image.open(BytesIO(page.screenshot())) as picture:
            small = picture.convert("RGB").resize(SHOWN, Image.Resampling.LANCZOS).quantize(COLORS)
            small.save(pictures / f"{name}.png", optimize=True)

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


@contextmanager
def step(name: str) -> Iterator[None]:
    """Print how long a step takes."""
    began = time.perf_counter()
    yield
    print(f"{name:<36}{time.perf_counter() - began:6.1f} s", flush=True)


if __name__ == "__main__":
    main()
