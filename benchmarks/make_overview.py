"""Make docs/overview.png, the picture of the README: field, counted grains, page 1 of the report.

python benchmarks/make_overview.py      (needs pdftoppm of poppler)
"""

import subprocess
import tempfile
from pathlib import Path

from PIL import Image

from inspect_tool import run

ROOT = Path(__file__).resolve().parent.parent
HEIGHT = 620
GAP = 24


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        report = run(ROOT / "samples" / "grain_size" / "job.toml", folder)
        made = folder / "job"
        page = ["pdftoppm", "-png", "-r", "110", "-singlefile", str(made / "report.pdf"), str(folder / "page")]
        subprocess.run(page, check=True)
        record = report.micrographs[0]
        pictures = [Image.open(made / file).convert("RGB") for file in (record.picture, record.overlay)]
        side = (HEIGHT - GAP) // 2
        tiles = [picture.crop((0, 0, picture.width, round(picture.width * 0.8))) for picture in pictures]
        tiles = [
            tile.resize((round(side * tile.width / tile.height), side), Image.Resampling.LANCZOS) for tile in tiles
        ]
        sheet = Image.open(folder / "page.png").convert("RGB")
        sheet = sheet.resize((round(HEIGHT * sheet.width / sheet.height), HEIGHT), Image.Resampling.LANCZOS)
        canvas = Image.new("RGB", (tiles[0].width + GAP + sheet.width + 2, HEIGHT + 2), (208, 214, 220))
        canvas.paste((255, 255, 255), (0, 0, tiles[0].width + GAP, HEIGHT + 2))
        canvas.paste(tiles[0], (0, 0))
        canvas.paste(tiles[1], (0, side + GAP))
        canvas.paste(sheet, (tiles[0].width + GAP + 1, 1))
        canvas.quantize(256).save(ROOT / "docs" / "overview.png", optimize=True)


if __name__ == "__main__":
    main()
