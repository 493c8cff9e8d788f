"""Measured fields kept on the disk, one by one, so that a run that was stopped goes on where it was.

Beside the place of a report ``NAME`` lies ``.NAME.fields`` while its fields are measured: their masks and pictures as
the report folder will hold them, and an entry per field, which is written when all else of it is there and takes its
name by renaming. The next run takes what it would measure again with the same result, field by field: same image, mask
and place in the job, and for all of them same software, settings, weights, standard and reading. When the report has
its place the folder goes. It belongs to the process that holds its lock; another one measures without it.
"""

import glob
import json
import logging
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import inspect_tool
from inspect_tool import __version__, plugins
from inspect_tool.errors import InspectError, OutputError, ReadError
from inspect_tool.evidence import edits
from inspect_tool.evidence.provenance import package_sha256, package_versions, platform_name
from inspect_tool.files import plain, sha256_bytes, sha256_file, sha256_source, write_whole
from inspect_tool.inspection import stored
from inspect_tool.inspection.job_plan import Plan, plugins_of
from inspect_tool.locks import try_lock
from inspect_tool.plugins import Backend, Recipe

LEAST = 20
"""Fields from which a job is worth a journal: fewer are measured again."""

_LOCK, _KEY, _ENTRIES = ".lock", "journal.json", "entries"
_SCHEMA = "inspect_tool/journal/1"
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Journal:
    """A folder of measured fields that this process holds, and what all of them have in common."""

    folder: Path
    key: str  # SHA-256 of what decides about every field


@contextmanager
def opened(planned: Plan, target: Path) -> Iterator[Journal | None]:
    """Hold the journal of a report that is to be ``target``; None: there is none for this job.

    What it holds of another software, other settings or weights is removed, and the log of the program says so. It
    stays when the block is left, however that is; ``finished`` removes it.
    """
    parts = _common(planned) if len(planned.sources) >= LEAST else None
    folder = _place(target)
    held = None if parts is None else _held(folder)
    if parts is None or held is None:
        yield None
        return
    try:
        _begin(folder, parts, target)
        yield Journal(folder=folder, key=_hash(parts))
    finally:
        empty = not any((folder / _ENTRIES).glob("*"))
        os.close(held)
        if empty:
            _remove(folder)


def finished(journal: Journal) -> None:
    """Remove a journal whose report has its place."""
    _remove(journal.folder)


def left_of(target: Path) -> None:
    """Remove the journal of a report that has its place: who made it was killed before it could. One in use stays."""
    folder = _place(target)
    held = _held(folder) if folder.exists() else None
    if held is not None:
        os.close(held)
        _remove(folder)


def overlays(target: Path) -> dict[int, Path]:
    """Pictures of fields, from 1, that are measured already of a report that is being made, with what was found."""
    hidden = (_place(target), *target.parent.glob(f".{glob.escape(target.name)}.*.partial"))
    paths = (path for folder in hidden for path in folder.glob("overlays/[0-9]*_*.jpg"))
    found = {int(path.name.partition("_")[0]): path for path in paths}
    return dict(sorted(found.items()))


def keep(journal: Journal, alone: Plan, index: int, stem: str, measured: object) -> None:
    """Write the entry of a field whose files are there.

    ``alone`` is the plan of this field alone, ``index`` its place in the job; ``stem`` begins the names of its files.
    """
    files = {
        path.relative_to(journal.folder).as_posix(): sha256_file(path)
        for path in sorted(journal.folder.glob(f"*/{stem}[._]*"))
        if path.parent.name != _ENTRIES
    }
    head = json.dumps({"key": _of_field(journal, alone, index), "files": files}).encode()
    write_whole(_entry(journal, index), head + b"\n" + stored.dump(measured))


def resumed(journal: Journal, planned: Plan, take: Callable[[Any], Any]) -> dict[int, Any]:
    """What an earlier run measured of the fields of a job, by their index; whatever else it left is removed.

    ``take`` says what is kept of each in memory.
    """
    found: dict[int, Any] = {}
    files: set[str] = set()
    for i in range(len(planned.sources)):
        one = _kept(journal, alone(planned, i), i)
        if one is not None:
            found[i] = take(one[0])
            files |= {*one[1], _entry(journal, i).relative_to(journal.folder).as_posix()}
    for path in journal.folder.glob("*/*"):
        if path.relative_to(journal.folder).as_posix() not in files:
            path.unlink()
    return found


def alone(planned: Plan, index: int) -> Plan:
    """The plan of one field of a job, which is small whatever the job."""
    return replace(planned, sources=(planned.sources[index],))


def _kept(journal: Journal, alone: Plan, index: int) -> tuple[Any, Mapping[str, str]] | None:
    """One field and its files; None: it was not measured, or as another one, or its files are not whole."""
    try:
        head, _, data = _entry(journal, index).read_bytes().partition(b"\n")
        found = json.loads(head)
        if found["key"] != _of_field(journal, alone, index):
            return None
        if any(sha256_file(journal.folder / name) != stated for name, stated in found["files"].items()):
            return None
        return stored.load(data), found["files"]
    except (OSError, ValueError, LookupError, TypeError, ReadError):
        return None


def moved(journal: Journal, folder: Path) -> None:
    """Give the folder of a report the files of all fields, by second names where the disk has such."""
    for kind in sorted(path for path in journal.folder.iterdir() if path.is_dir() and path.name != _ENTRIES):
        (folder / kind.name).mkdir(exist_ok=True)
        for name in sorted(path.name for path in kind.iterdir()):
            try:
                os.link(kind / name, folder / kind.name / name)
            except OSError:
                shutil.copyfile(kind / name, folder / kind.name / name)


# ------------------------------------------------------------------------------------------------------- the folder


def _place(target: Path) -> Path:
    return target.parent / f".{target.name}.fields"


def _held(folder: Path) -> int | None:
    """Make and lock a journal; None where another process holds it, it is not ours, or the disk cannot lock."""
    new = not folder.exists()
    if not new and not (folder / _LOCK).exists():
        return None
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError:
        return None  # the report cannot be written there either, which is said in its own words
    with suppress(OutputError):
        if try_lock(file, folder / _LOCK):
            return file
    os.close(file)
    if new:
        _remove(folder)
    return None


def _begin(folder: Path, parts: Mapping[str, str], target: Path) -> None:
    try:
        before = json.loads((folder / _KEY).read_bytes())
        known = before["parts"] if before["schema"] == _SCHEMA else {}
    except (OSError, ValueError, LookupError, TypeError):
        known = {}
    if known != parts:
        other = [name for name in parts if known.get(name) != parts[name]]
        if any((folder / _ENTRIES).glob("*")):
            _LOG.warning(
                "%s: begins anew: what a run that was stopped has measured is of other %s", target, ", ".join(other)
            )
        for path in folder.iterdir():
            if path.is_dir():
                shutil.rmtree(path)
        write_whole(folder / _KEY, json.dumps({"schema": _SCHEMA, "parts": dict(parts)}, indent=1).encode())
    (folder / _ENTRIES).mkdir(exist_ok=True)


def _remove(folder: Path) -> None:
    """Remove a journal, its lock last."""
    with suppress(OSError):
        for path in folder.iterdir():
            if path.is_dir():
                shutil.rmtree(path)
            elif path.name != _LOCK:
                path.unlink()
        (folder / _LOCK).unlink(missing_ok=True)
        folder.rmdir()


def _entry(journal: Journal, index: int) -> Path:
    return journal.folder / _ENTRIES / f"{index + 1:06d}.json"


# --------------------------------------------------------------------------------------------------------- the keys


def _of_field(journal: Journal, alone: Plan, index: int) -> str:
    """Hash of all that decides about what one field of a job gives."""
    (source,) = alone.sources
    return _hash(
        {
            "common": journal.key,
            "place": index,
            "image": [source.name, source.sha256, source.specimen, source.section, source.plane, source.field],
            "stated": plain(source.stated),
            "mask": sha256_source(Path(source.mask)) if source.mask else "",
            "edits": [entry.edit.sha256 for entry in edits.of_image(alone.ledger, source.sha256)],
        }
    )


def _common(planned: Plan) -> dict[str, str] | None:
    """What decides about every field of a job, hashed by what a user knows it as; None: not all of it can be told."""
    job = planned.job
    modules = plugins_of(planned)
    code = [_code(module) for module, _ in modules]
    if None in code:  # a plug-in of a notebook may be another one in the next run
        return None
    try:
        files = [_files(module, table) for module, table in modules]
        region = sha256_file(planned.path.parent / job.region.mask) if job.region.mask else ""
    except (OSError, InspectError):
        return None
    reading = {
        name: plain(getattr(job, name))
        for name in ("modality", "page", "scene", "channel", "z", "time", "scale_bar", "region", "accept")
    }
    named = {
        "software": [__version__, package_sha256(".py", ".toml"), _models(), code, platform_name(), package_versions()],
        "settings": [job.recipe, plain(planned.settings), planned.backend, plain(planned.backend_settings)],
        "weights or files": files,
        "standard": {name: sha256_file(path) for name, path in planned.editions.files.items()},
        "region, plane or image quality": [reading, region, plain(planned.limits)],
    }
    return {name: _hash(value) for name, value in named.items()}


def _files(module: Recipe | Backend, table: Mapping[str, Any]) -> list[str]:
    """Hashes of the files and models that the settings of a plug-in name; the name of a model that it knows by it."""
    named = [str(table.get(key) or "") for key in (*plugins.paths_of(module), *plugins.models_of(module))]
    return [sha256_source(Path(name)) if name and Path(name).exists() else name for name in named]


def _code(module: Recipe | Backend) -> str | None:
    """Hash of the code of a plug-in of another package; empty: of this one; None: it has no file."""
    file = getattr(module, "__file__", None)
    if file is None:
        return None
    path = Path(file)
    if path.is_relative_to(Path(inspect_tool.__file__).parent):
        return ""
    files = sorted(path.parent.rglob("*.py")) if path.name == "__init__.py" else [path]
    return _hash([sha256_file(one) for one in files])


def _models() -> list[tuple[str, int, int]]:
    """Which weights come with this package: their names, sizes and times."""
    home = Path(inspect_tool.__file__).parent
    found = ((path, path.stat()) for path in sorted(home.rglob("*.safetensors")))
    return [(path.relative_to(home).as_posix(), facts.st_size, facts.st_mtime_ns) for path, facts in found]


def _hash(value: object) -> str:
    return sha256_bytes(json.dumps(value, sort_keys=True).encode())
