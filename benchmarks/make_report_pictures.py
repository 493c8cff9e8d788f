"""Keep pictures of a report in docs/report: the first page of the PDF, and the page on a screen, wide and narrow.

    python benchmarks/make_report_pictures.py [FOLDER]      (needs pdftoppm of poppler, Chromium and playwright)

The report is that of the sample of etched steel.
"""

import subprocess
import sys
import tempfile
from io import BytesIO
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from browsing import ARGUMENTS  # noqa: E402
from needs import chromium  # noqa: E402

from inspect_tool import run  # noqa: E402

PICTURES = ROOT / "docs" / "report"
RESOLUTION = 96  # of a page of paper [1/in]
SCREENS = {"screen": (1280, 860), "narrow": (390, 860)}  # [px]
COLORS = 128


def main() -> None:
    """Make the report, and keep the pictures."""
    from playwright.sync_api import sync_playwright

    pictures = Path(sys.argv[1]) if len(sys.argv) > 1 else PICTURES
    pictures.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        run(ROOT / "samples" / "grain_size" / "job.toml", folder, trail=False)
        made = Path(folder) / "job"
        page = Path(folder) / "page"
        command = ["pdftoppm", "-png", "-r", str(RESOLUTION), "-singlefile", str(made / "report.pdf"), str(page)]
        subprocess.run(command, check=True)
        keep(page.with_suffix(".png").read_bytes(), pictures / "certificate.png")
        with sync_playwright() as playwright:
            arguments = [argument for argument in ARGUMENTS if argument != "--headless"]
            browser = playwright.chromium.launch(executable_path=chromium(), args=arguments)
            for name, (width, height) in SCREENS.items():
                screen = browser.new_page(viewport={"width": width, "height": height})
                screen.goto((made / "report.html").as_uri())
                screen.wait_for_timeout(500)
                keep(screen.screenshot(), pictures / f"{name}.png")
            browser.close()


def keep(shot: bytes, path: Path) -> None:
    """Write a small PNG."""
    with Image.open(BytesIO(shot)) as picture:
        picture.convert("RGB").quantize(COLORS).save(path, optimize=True)
    print(path, f"{path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
