"""An image that is a folder (OME-Zarr), given as a ZIP of it: unpacked whole or not at all, and nowhere else."""

import shutil
import stat
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from inspect_tool.errors import ReadError

ENDING = ".zarr.zip"
"""Of the name of such a ZIP."""
_MOST_FILES = 100_000
_BLOCK = 1 << 20
_AT_THE_TOP = ("zarr.json", ".zattrs", ".zgroup")  # what the folder itself holds


def is_packed(name: str) -> bool:
    """Whether a file is a folder that was packed, by its name.

    >>> is_packed("plate 7.ome.zarr.zip"), is_packed("plate 7.zip")
    (True, False)
    """
    return name.casefold().endswith(ENDING)


def packed(folder: Path, file: BinaryIO) -> None:
    """Write a folder as a ZIP from which ``unpacked`` makes it again: the same bytes for the same files."""
    files = {item.relative_to(folder).as_posix(): item for item in folder.rglob("*") if item.is_file()}
    with zipfile.ZipFile(file, "w") as whole:  # stored: chunks are compressed already
        for name in sorted(files):
            with files[name].open("rb") as read, whole.open(zipfile.ZipInfo(name), "w", force_zip64=True) as written:
                shutil.copyfileobj(read, written, _BLOCK)


def unpacked(archive: Path, folder: Path, name: str, most_bytes: int) -> Path:
    """Unpack a ZIP into a folder that is made; gives that.

    Parameters
    ----------
    archive : Path
    folder : Path
        Does not exist yet; its parent does.
    name : str
        How messages call the file.
    most_bytes : int
        Of all files together, unpacked.

    Raises
    ------
    ReadError
        It is no ZIP, is damaged or encrypted, holds too much, or names a file elsewhere.
    """
    folder.mkdir()
    try:
        with zipfile.ZipFile(archive) as whole:
            members = _members(whole, name)
            left = most_bytes
            for info, place in members:
                target = folder / place
                target.parent.mkdir(parents=True, exist_ok=True)
                with whole.open(info) as packed, target.open("xb") as file:
                    while block := packed.read(_BLOCK):
                        left -= len(block)
                        if left < 0:
                            msg = f"{name}: unpacks to more than {most_bytes >> 20} MB"
                            raise ReadError(msg)
                        file.write(block)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, FileExistsError) as error:
        msg = f"{name}: cannot be unpacked: {error}; pack the folder anew as a plain ZIP"
        raise ReadError(msg) from None
    return folder


def _members(whole: zipfile.ZipFile, name: str) -> list[tuple[zipfile.ZipInfo, PurePosixPath]]:
    """Files of a ZIP and their places in the image's folder, which the ZIP holds, or which it is a ZIP of."""
    files = [info for info in whole.infolist() if not info.is_dir()]
    if len(files) > _MOST_FILES:
        msg = f"{name}: holds {len(files)} files, at most {_MOST_FILES} are taken; save the image in larger chunks"
        raise ReadError(msg)
    for info in files:
        parts = PurePosixPath(info.filename).parts
        is_link = stat.S_ISLNK(info.external_attr >> 16)
        if not parts or is_link or info.filename.startswith("/") or ".." in parts or set(info.filename) & set("\\:\0"):
            msg = f"{name}: holds '{info.filename[:80]}', which is no file of a folder"
            raise ReadError(msg)
    places = [PurePosixPath(info.filename) for info in files]
    tops = {place.parts[0] for place in places}
    if len(tops) == 1 and not tops & set(_AT_THE_TOP):
        places = [place.relative_to(place.parts[0]) for place in places]
    if not any(str(place) in _AT_THE_TOP for place in places):
        msg = f"{name}: holds no OME-Zarr image; pack the folder NAME.zarr itself"
        raise ReadError(msg)
    return list(zip(files, places, strict=True))
