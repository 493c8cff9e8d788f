"""Images that were given to a workbench: drawn ones of pores in metal, with their rows in the intake."""

import numpy as np
import tifffile

from inspect_tool.evidence.provenance import now
from inspect_tool.files import sha256_file
from inspect_tool.lab import tables
from inspect_tool.lab.database import connected

SHARE = 100 * 8 * 16 * 16 / (160 * 160)
"""Area of the pores of every image: eight squares of 16 px. [%]"""


def image(path, seed):
    """Write a bright field with eight dark squares, a pixel of 0.5 um."""
    rng = np.random.default_rng(seed)
    gray = np.full((160, 160), 180.0)
    for cell in rng.permutation(16)[:8]:
        row, column = 40 * (cell // 4) + 10, 40 * (cell % 4) + 10
        gray[row : row + 16, column : column + 16] = 60
    gray += rng.normal(0, 3, gray.shape)
    tifffile.imwrite(path, gray.round().astype(np.uint8), imagej=True, resolution=(2, 2), metadata={"unit": "um"})


def given(lab, *names, seed=1):
    """Put images into the inbox; gives their numbers."""
    (lab.folder / "inbox").mkdir(exist_ok=True)
    numbers = []
    for i, name in enumerate(names):
        with connected(lab) as connection:
            row = {"name": name, "place": f"inbox/{name}", "sha256": "0" * 64, "size": 0, "state": "new"}
            known = {"pixel_um": 0.5, "rows": 160, "columns": 160, "scale": "amber", "note": "of the file alone"}
            insert = tables.intake.insert().values(**row, **known, by="Olga Muster", added=now())
            number = connection.scalar(insert.returning(tables.intake.c.id))
            path = lab.folder / "inbox" / f"{number}-{name}"
            image(path, seed + i)
            told = {"place": f"inbox/{path.name}", "sha256": sha256_file(path), "size": path.stat().st_size}
            connection.execute(tables.intake.update().where(tables.intake.c.id == number).values(told))
        numbers.append(number)
    return numbers
