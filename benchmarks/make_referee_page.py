"""Make docs/referee_page.png: the page of the check by hand on a drawn dual-phase steel, some points answered.

python benchmarks/make_referee_page.py      (needs Chromium, its chromedriver and selenium)
"""

import sys
import tempfile
import time
from base64 import b64encode
from hashlib import sha256
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from inspect_tool.referee.page import page
from inspect_tool.synthetic import degrade, two_phase

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

SIDE = 129  # of a crop [px]
POINTS, ANSWERED = 100, 37


def png(gray: np.ndarray) -> str:
    buffer = BytesIO()
    Image.fromarray(gray).save(buffer, "PNG")
    return b64encode(buffer.getvalue()).decode()


def sample() -> dict[str, object]:
    field = two_phase(seed=11, area_percent=28, feature_um=9, gray=(0.68, 0.3), edge=0.25)
    pixels = degrade(field.pixels, 2, seed=11)
    corners = np.random.default_rng(11).integers(0, np.array(pixels.shape) - SIDE, (POINTS, 2))
    return {
        "id": sha256(b"picture of the docs").hexdigest(),
        "title": "Dual-phase steel, heat 88213",
        "job": "job",
        "recipe": "phase fraction",
        "kind": "points",
        "question": "What lies under the mark?",
        "choices": [{"value": "second", "label": "martensite"}, {"value": "matrix", "label": "ferrite"}],
        "stages": [50, POINTS],
        "items": [{"n": n, "crop": n, "at": [SIDE // 2, SIDE // 2]} for n in range(POINTS)],
        "crops": [
            {
                "png": png(pixels[row : row + SIDE, column : column + SIDE]),
                "shape": [SIDE, SIDE],
                "pixel_um": field.pixel_um,
                "context": None,
            }
            for row, column in corners
        ],
        "planning": None,
    }


def main() -> None:
    import browsing
    from selenium.webdriver.common.action_chains import ActionChains

    with tempfile.TemporaryDirectory() as name:
        file = Path(name) / "page.html"
        file.write_text(page(sample()), encoding="utf-8")
        browser = browsing.started(Path(name))
        try:
            browser.set_window_size(1280, 900)
            browser.get(file.as_uri())
            browser.find_element("id", "person").send_keys("N. N.\n")
            for n in range(ANSWERED):
                time.sleep(0.3)
                ActionChains(browser).send_keys("122"[n % 3]).perform()
            time.sleep(0.3)
            browser.save_screenshot(str(Path(name) / "page.png"))
        finally:
            browser.quit()
        Image.open(Path(name) / "page.png").convert("RGB").quantize(128).save(
            ROOT / "docs" / "referee_page.png", optimize=True
        )


if __name__ == "__main__":
    main()
