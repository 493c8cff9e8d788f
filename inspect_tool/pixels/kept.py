"""What was made of a huge image, kept part by part, so that a run that was stopped goes on with the next part.

A part is a file beside the image, written whole or not at all, in a folder whose name says of what it was made. There
is no list of the parts that are done: what is there and can be read is done.
"""

import io
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, BadZipFile, ZipFile

import numpy as np
from numpy.typing import NDArray

from inspect_tool.files import write_whole
from inspect_tool.model import Samples
from inspect_tool.pixels.stored import StoredImage

Arrays = dict[str, NDArray[Any]]


def made_once(image: Samples, name: str, make: Callable[[], Arrays]) -> Arrays:
    """Give arrays that were made of an image, or of what came of it, by a run before this one; else make them.

    Parameters
    ----------
    image : array or stored image
        One that is held, or has no folder for it, keeps nothing: there they are made.
    name : str
        Of the part, such as "flood 12"; the same one always for the same arrays.
    """
    if not isinstance(image, StoredImage) or image.parts is None:
        return make()
    path = image.parts / f"{name}.npz"
    found = read_part(path)
    if found is None:
        found = make()
        write_part(path, found)
    return found


def write_part(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write arrays as a file of numpy, quickly packed."""
    file = io.BytesIO()
    with ZipFile(file, "w", ZIP_DEFLATED, compresslevel=1) as packed:
        for name, array in arrays.items():
            with packed.open(f"{name}.npy", "w") as one:
                np.lib.format.write_array(one, np.asarray(array), allow_pickle=False)  # type: ignore[no-untyped-call]
    write_whole(path, file.getvalue())


def read_part(path: Path) -> Arrays | None:
    """Read arrays that ``write_part`` wrote; None where the file is not there, cut off or of another program."""
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as held:
            return dict(held)
    except (OSError, ValueError, EOFError, KeyError, BadZipFile, zlib.error):
        return None
