"""TOML and JSON to values and back; the only place where input is checked, and the only user of pydantic.

A value is checked once, where it enters, and trusted inside. Unknown keys are errors.
"""

import csv
import errno
import hashlib
import json
import os
import re
import secrets
import stat
import sys
import tomllib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields, is_dataclass, replace
from functools import cache
from math import inf
from pathlib import Path
from typing import Any, TextIO, TypeVar, get_args, get_type_hints

import tomli_w

from inspect_tool import typos
from inspect_tool.errors import BackendError, InspectError, SettingsError
from inspect_tool.json_pieces import json_pieces
from inspect_tool.json_pieces import plain as plain
from inspect_tool.languages import Text, as_data, is_bare, of_data, placed, sentences
from inspect_tool.model import (
    CalibrationRecord,
    Cell,
    Edit,
    Job,
    MicrographRecord,
    ModelCard,
    Report,
    Sentences,
    Spec,
)

T = TypeVar("T")

SCHEMA = "inspect_tool/report/2"
SCHEMAS = ("inspect_tool/report/1", SCHEMA)
"""What is read: 1 holds words where 2 holds keys and values."""

NOTHING = "0" * 64
"""SHA-256 that stands for the entry before the first one of a chain."""

_MOST_TEXT, MOST_DATA = 16 << 20, 1 << 30  # of a file that people write, and of one that programs write [byte]
MOST_WEIGHTS = 16 << 30  # of the weights of a network; those of Cellpose-SAM are 1.2 GB [byte]
_DEEPEST = 50  # tables and lists in each other: what anything here means ends far above
# a dotted key costs the square of its parts when it is parsed
_DEEP_KEY = re.compile(rf"""(?<![\w-])(?:(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')\s*+\.\s*+){{{_DEEPEST}}}""")
_LONGEST_MESSAGE = 1000  # letters
_LARGEST = 2**63  # of whole numbers, which count pixels, objects or bytes
_FAREST = 1e100  # of other numbers and their reciprocals: the volume of what is so long can still be computed


def read_bytes(path: Path, most: int = MOST_DATA) -> bytes:
    """Read a file whole: a regular one of bounded size, never a pipe or a device, which may have no end.

    Raises
    ------
    OSError
        With ``strerror`` for the user: the file cannot be read, is no regular file, or holds more than ``most`` bytes.
    """
    size = _size(path)
    if size > most:
        raise OSError(errno.EFBIG, f"it holds {size} bytes, at most {most} are read")
    with path.open("rb") as file:
        data = file.read(size + 1)  # never most + 1: that much memory would be asked for
        while len(data) > size and len(data) <= most and (more := file.read(1 << 20)):
            data += more  # a file of /proc says that it is empty
    if len(data) > most:
        raise OSError(errno.EFBIG, f"it holds more than {most} bytes")
    return data


def _size(path: Path) -> int:
    """Size of a regular file. [byte]"""
    try:
        found = path.stat()
    except ValueError as error:  # a name with a NUL
        raise OSError(errno.EINVAL, str(error)) from None
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not stat.S_ISREG(found.st_mode):
        raise OSError(errno.EINVAL, "it is no regular file but a pipe, a socket or a device", str(path))
    return found.st_size


def read_toml(path: Path, data: bytes | None = None) -> dict[str, Any]:
    """Read a TOML file; anything wrong is a one-line ``SettingsError`` that names the line or the key.

    ``data`` takes the place of what is in the file.

    Wrong is also a number that is none (nan), one too large or too small to be computed with, a whole number beyond
    64 bits, and tables in tables without end.
    """
    try:
        text = (read_bytes(path, _MOST_TEXT) if data is None else data).decode("utf-8-sig")
    except FileNotFoundError:
        msg = f"{path}: no such file{typos.near_file(path)}"
        raise SettingsError(msg) from None
    except IsADirectoryError:
        msg = f"{path}: is a folder; name a file in it{typos.near_file(path / path.name)}"
        raise SettingsError(msg) from None
    except UnicodeDecodeError as error:
        msg = f"{path}: {typos.encoding(error)}"
        raise SettingsError(msg) from None
    except OSError as error:
        msg = f"{path}: cannot be read: {error.strerror}"
        raise SettingsError(msg) from None
    if _DEEP_KEY.search(text):
        msg = f"{path}: not valid TOML: a key has more than {_DEEPEST} parts"
        raise SettingsError(msg)
    try:
        table = tomllib.loads(text.replace("\r\n", "\n"))
    except tomllib.TOMLDecodeError as error:
        msg = f"{path}: {_cut(typos.syntax(text, str(error)))}"
        raise SettingsError(msg) from None
    except ValueError:
        msg = f"{path}: not valid TOML: a number of thousands of digits"
        raise SettingsError(msg) from None
    except RecursionError:
        msg = f"{path}: not valid TOML: lists or tables lie deeper than {_DEEPEST} in each other"
        raise SettingsError(msg) from None
    if odd := _odd(table):
        msg = f"{path} {odd}"
        raise SettingsError(msg)
    return table


def _cut(message: str) -> str:
    """A message that shows a line of a file, however long the line."""
    return message if len(message) <= _LONGEST_MESSAGE else f"{message[:_LONGEST_MESSAGE]}..."


def toml_value(text: str) -> Any:
    """Read a value that was typed as TOML writes it; what is none is a text.

    >>> toml_value("[90, 120]"), toml_value("dark")
    ([90, 120], 'dark')
    """
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except (ValueError, LookupError, RecursionError):
        return text


def _odd(value: object, key: str = "", depth: int = 0) -> str:
    """What no file here may hold, with the key it stands at; empty: nothing.

    >>> _odd({"settings": {"levels": [80.0, float("nan")]}})
    'settings.levels.1: got nan, must be a number'
    """
    if depth > _DEEPEST:
        return f"{key[:60]}...: lists or tables lie deeper than {_DEEPEST} in each other"
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        return next(
            filter(None, (_odd(item, f"{key}.{name}" if key else str(name), depth + 1) for name, item in items)), ""
        )
    if isinstance(value, float) and value != value:
        return f"{key}: got nan, must be a number"
    if isinstance(value, float) and value and not 1 / _FAREST <= abs(value) <= _FAREST and abs(value) != inf:
        return f"{key}: got {value:g}, which is no number of anything that can be measured; check it"
    if isinstance(value, int) and abs(value) > _LARGEST:
        return f"{key}: a whole number of {len(hex(abs(value))) - 2} hexadecimal digits is beyond 64 bits; check it"
    return ""


def read_csv(path: Path) -> tuple[tuple[str, ...], list[dict[str, str | None]]]:
    """Read a table of texts separated by commas, in UTF-8: its heads, and its rows by them.

    Raises
    ------
    SettingsError
        It cannot be read, or is no such table.
    """
    try:
        reader = csv.DictReader(read_bytes(path).decode("utf-8-sig").splitlines(), strict=True)
        rows = list(reader)
    except OSError as error:
        msg = f"{path}: cannot be read: {error.strerror}"
        raise SettingsError(msg) from None
    except (UnicodeDecodeError, csv.Error) as error:
        msg = f"{path}: is no table of texts separated by commas: {error}"
        raise SettingsError(msg) from None
    return tuple(reader.fieldnames or ()), rows


def checked(
    kind: type[T],
    data: Mapping[str, object],
    where: str,
    error: type[InspectError] = SettingsError,
    *,
    under: str = "",
    by_hand: bool = True,
) -> T:
    """Turn plain data into a frozen dataclass; the first thing wrong becomes one line.

    ``where`` names the file, ``under`` the key in it that holds the data; ``by_hand``: a person wrote it and is told
    what to write.

    >>> from inspect_tool.model import Requirement
    >>> checked(Requirement, {"quantity": "porosity_percent", "rule": "gaurded"}, "job.toml")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    inspect_tool.errors.SettingsError: job.toml rule: got 'gaurded', must be 'simple', ...; did you mean 'guarded'?
    """
    from pydantic import ValidationError

    # strict JSON rules: "7" is not a number and true is not 1, but lists are tuples and texts may be dates
    try:
        text = json.dumps(dict(data), default=str)
    except (ValueError, RecursionError):
        msg = f"{where} {under}: lists or tables lie too deep in each other, or a number is too large"
        raise error(msg) from None
    try:
        value: T = _adapter(kind).validate_json(text, strict=True)  # type: ignore[arg-type]  # a class is hashable
        return value
    except ValidationError as problem:
        first = problem.errors()[0]
        wrong = typos.in_words(kind, first, under) if by_hand else typos.of_the_tool(first)
        message = f"{where} {under}{'.' if under else ''}{wrong}"
        raise error(message) from None


def load_job(path: str | Path, data: bytes | None = None) -> Job:
    """Read and check a job file; the plug-ins check ``[settings]`` and ``[backend]`` themselves.

    ``data`` takes the place of what is in the file.
    """
    path = Path(path)
    job = checked(Job, read_toml(path, data), str(path))
    if bool(job.images) == bool(job.specimens):
        msg = f"{path}: give either 'images' or [[specimens]]" + (", not both" if job.images else "")
        raise SettingsError(msg)
    return job


def load_spec(path: Path) -> Spec:
    """Read a file of acceptance criteria and check its keys; ``specs.read`` checks what they say too."""
    return checked(Spec, read_toml(path), str(path))


CARD = "model.toml"


def load_model_card(folder: Path) -> ModelCard:
    """Read and check the model card of a model folder; anything wrong is a ``BackendError``."""
    path = folder / CARD
    if not path.is_file():
        found = f"{folder} has no {CARD}" if folder.is_dir() else f"{folder} is not a folder"
        msg = f"{found}; a model is a folder that holds {CARD} and its weights"
        raise BackendError(msg)
    try:
        data = read_toml(path)
    except SettingsError as error:
        raise BackendError(str(error)) from None
    return checked(ModelCard, data, str(path), BackendError)


def dump_model_card(card: ModelCard) -> str:
    """Write a model card as TOML text; what is empty is left out."""
    return dump_toml({key: value for key, value in plain(card).items() if value not in _EMPTY})


def load_calibration(path: Path) -> CalibrationRecord:
    """Read a calibration file and check its keys; ``calibration_files.read`` checks its numbers too."""
    return checked(CalibrationRecord, read_toml(path), str(path))


def dump_calibration(record: CalibrationRecord) -> str:
    """Write a calibration file as TOML text; what is empty is left out."""
    return toml_text(record)


def toml_text(value: object) -> str:
    """Write a dataclass as TOML text; what is empty is left out."""
    return dump_toml(stated(value))


def dump_toml(table: Mapping[str, object]) -> str:
    """Write plain data as TOML text; None, for which TOML has no word, must have been left out."""
    return tomli_w.dumps(table)


def dump_edit(edit: Edit) -> str:
    """Write an entry of the ledger of edits as TOML text, its hash last.

    Entries are hashed and compared byte by byte, so that their form is stated here and is no library's.
    """
    table = {key: value for key, value in plain(edit).items() if value is not None}
    return "".join(f"{key} = {json.dumps(value, ensure_ascii=False)}\n" for key, value in table.items())


_EMPTY: tuple[Any, ...] = (None, "", [], {})


def stated(value: object) -> dict[str, object]:
    """Give a dataclass as plain data without what is empty, in the tables of its lists too."""
    return {
        key: [stated(item) if isinstance(item, Mapping) else item for item in part] if isinstance(part, list) else part
        for key, part in plain(value).items()
        if part not in _EMPTY
    }


def as_json(value: object) -> str:
    """Write a value as JSON text; NaN and infinity become null."""
    return "".join(json_pieces(value)) + "\n"


def dump_report(report: Report) -> str:
    """Write a report as JSON text, and what its sentences are beside their words; NaN and infinity become null."""
    return "".join(report_pieces(report))


def report_pieces(report: Report) -> Iterator[str]:
    """Write the JSON text of a report piece by piece, so that it need not be in memory whole."""
    yield from json_pieces(stated_values(report))
    yield "\n"


def with_sentences(value: object) -> dict[str, object]:
    """Make of a study what its JSON text says: its values, and which of its words are which sentences."""
    data: dict[str, object] = plain(stated_values(value))
    return data


def stated_values(value: Any) -> dict[str, object]:
    """What the JSON text of a report or a study says: its values, and which of its words are which sentences."""
    stated: dict[str, dict[str, Any]] = {}
    for place, text in sentences(value):
        found = as_data(text)
        stated.setdefault(json.dumps(found, sort_keys=True), {**found, "at": []})["at"].append(place)
    return {item.name: getattr(value, item.name) for item in fields(value)} | {"sentences": list(stated.values())}


def load_report(path: str | Path) -> Report:
    """Read ``report.json`` back into a report."""
    try:
        data = read_bytes(Path(path))
    except FileNotFoundError:
        msg = f"{path}: no such file"
        raise SettingsError(msg) from None
    except OSError as error:
        msg = f"{path}: not a report: {error.strerror}"
        raise SettingsError(msg) from None
    return parse_report(data, str(path))


def parse_report(text: bytes, where: str) -> Report:
    """Read the text of a ``report.json``; ``where`` starts the message."""
    data = _json_table(text, SCHEMAS, where, "a report")
    entries = data.pop("sentences", [])
    report = checked(Report, data, where, by_hand=False)
    _check_shapes(report, where)
    return _with_keys(report, entries, where)


def read_back(report: Report, kept: Callable[[MicrographRecord], MicrographRecord] = lambda record: record) -> Report:
    """A report as it is when its JSON text has been read, digit for digit, without all of that text in memory.

    Of the images and rows, which may be many, one is written and read after the other. ``kept`` gives an equal record
    for each of an image.
    """
    where = "report.json"
    short = {name: replace(getattr(report, name), rows=()) for name in ("fields", "features")}
    head = parse_report("".join(report_pieces(replace(report, micrographs=(), **short))).encode(), where)
    known: dict[str, Text] = {}  # most sentences on images are the same
    return replace(
        head,
        micrographs=tuple(kept(_read_back(record, known, where)) for record in report.micrographs),
        fields=replace(head.fields, rows=tuple(map(_as_stated, report.fields.rows))),
        features=replace(head.features, rows=tuple(map(_as_stated, report.features.rows))),
    )


def _read_back(record: MicrographRecord, known: dict[str, Text], where: str) -> MicrographRecord:
    places = {}
    for place, text in sentences(record):
        found = as_data(text)
        key = json.dumps(found, sort_keys=True)
        if key not in known:
            known[key] = of_data(**json.loads(json.dumps(found)))
        places[place] = known[key]
    return placed(checked(MicrographRecord, plain(record), where, by_hand=False), places)


def _as_stated(row: tuple[Cell, ...]) -> tuple[Cell, ...]:
    """A row as its JSON text says it; itself, where it holds such numbers already."""
    made = tuple(plain(row))
    return row if made == row and is_bare(row) else made


def _with_keys(value: T, entries: Any, where: str) -> T:
    """Make the words of a value the sentences that its file lists."""
    texts: dict[str, Text] = {}
    for entry in checked(Sentences, {"sentences": entries}, where, by_hand=False).sentences:
        try:
            found = of_data(entry.key, entry.values)
        except ValueError as error:
            msg = f"{where}: sentence '{entry.key}': {error}; the file was changed or damaged"
            raise SettingsError(msg) from None
        texts |= dict.fromkeys(entry.at, found)
    return placed(value, texts)


def parse_json(kind: type[T], text: bytes, schema: str, where: str, what: str) -> T:
    """Read JSON text that names its ``schema`` into a dataclass; ``what`` it should be stands in the message.

    Where it lists sentences beside the words, as studies do, they are sentences again.
    """
    data = _json_table(text, (schema,), where, what)
    entries = data.pop("sentences", [])
    return _with_keys(checked(kind, data, where, by_hand=False), entries, where)


def _json_table(text: bytes, schemas: tuple[str, ...], where: str, what: str) -> dict[str, object]:
    """Data of a JSON text that names one of these schemas."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        msg = f"{where}: not {what}: {error}"
        raise SettingsError(msg) from None
    if not isinstance(data, dict) or data.get("schema") not in schemas:
        found = data.get("schema") if isinstance(data, dict) else type(data).__name__
        msg = f"{where}: schema is {found!r}, this version reads {' and '.join(map(repr, schemas))}"
        raise SettingsError(msg)
    return data


def _check_shapes(report: Report, where: str) -> None:
    """Check what the types of a report leave open: cells in a row, and what stands in its free mappings."""
    for table in (report.fields, report.features, *report.tables):
        short = next((i for i, row in enumerate(table.rows) if len(row) != len(table.columns)), None)
        if short is not None:
            found = f"{len(table.rows[short])} cells for {len(table.columns)} columns"
            msg = f"{where}: table '{table.title}', row {short}: {found}; the file was changed or damaged"
            raise SettingsError(msg)
    for record in report.micrographs:
        classes, used = (record.segmentation.get(key, {}) for key in ("classes", "settings"))
        named = isinstance(classes, dict) and all(key.isdecimal() and isinstance(classes[key], str) for key in classes)
        if not named or not isinstance(used, dict):
            msg = f"{where}: image {record.image}: classes or settings are no table; the file was changed or damaged"
            raise SettingsError(msg)


def report_schema() -> dict[str, Any]:
    """JSON Schema of ``report.json``."""
    schema: dict[str, Any] = _adapter(Report).json_schema(mode="validation")
    beside: dict[str, Any] = _adapter(Sentences).json_schema(mode="validation")
    schema["properties"] |= beside["properties"]
    schema["$defs"] |= beside["$defs"]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": SCHEMA, **schema}


def sha256_file(path: Path) -> str:
    """SHA-256 of a regular file, hexadecimal; an ``OSError`` for a pipe or a device, which may have no end."""
    _size(path)
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sha256_source(path: Path) -> str:
    """SHA-256 of an image, hexadecimal: of a file its own, of a folder that of the list of its files.

    The list has a line per file, "<its SHA-256>  <path below the folder>", in the order of the bytes of the paths:
    what ``sha256sum`` prints for them, so that anybody can compute it again.
    """
    if not path.is_dir():
        return sha256_file(path)
    files = {item.relative_to(path).as_posix(): item for item in path.rglob("*") if item.is_file()}
    lines = [f"{sha256_file(files[name])}  {name}\n" for name in sorted(files, key=os.fsencode)]
    return sha256_bytes("".join(lines).encode("utf-8", "surrogateescape"))


def sha256_bytes(data: bytes) -> str:
    """SHA-256 of bytes, hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def write_text(path: Path, text: str) -> None:
    """Write a text file under a temporary name and rename it, so that it is whole or not there."""
    write_whole(path, text.encode("utf-8"))


def write_as_it_comes(path: Path, fill: Callable[[TextIO], object]) -> None:
    """Write a text file, which ``fill`` is given, under a temporary name and rename it: it need not be in memory."""

    def write(place: Path) -> None:
        with place.open("w", encoding="utf-8", newline="") as file:
            fill(file)

    with whole_file(path, write) as made:
        made.replace(path)


def write_whole(path: Path, data: bytes, temporary: Path | None = None) -> None:
    """Write a file so that it is whole or not there, whatever is killed: see ``whole_file``."""
    with whole_file(path, lambda place: place.write_bytes(data), temporary=temporary) as made:
        made.replace(path)


@contextmanager
def whole_file(
    path: Path, write: Callable[[Path], object], *, temporary: Path | None = None, mark: str = ""
) -> Iterator[Path]:
    """Give a finished file under a temporary name beside ``path``; the block gives it its name, else it is gone.

    It is on the disk when the block begins, and so is its name after it. An ``OSError`` is the caller's to word.

    Parameters
    ----------
    path : Path
        Where the file is to be.
    write : callable
        Called with the temporary name, which it fills.
    temporary : Path, optional
        That name, for who holds a lock: the next one writes over what a kill has left. Otherwise nobody has it.
    mark : str
        Part of that name, by which a later command knows what a kill has left.
    """
    temporary = temporary or path.with_name(f".{path.name}.{secrets.token_hex(4)}{mark}.partial")
    try:
        write(temporary)
        flush_file(temporary)
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)
    flush_folder(temporary.parent)


def flush_file(path: Path) -> None:
    """Make sure that what is in a file outlives a power failure."""
    here = os.open(path, os.O_RDWR if sys.platform == "win32" else os.O_RDONLY)
    try:
        os.fsync(here)
    finally:
        os.close(here)


def flush_folder(folder: Path) -> None:
    """Make sure that the names in a folder outlive a power failure; Windows has no such call."""
    if sys.platform != "win32":
        here = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(here)
        finally:
            os.close(here)


@cache
def _adapter(kind: Any) -> Any:
    from pydantic import TypeAdapter

    _make_strict(kind)
    return TypeAdapter(kind)


def _make_strict(kind: object) -> None:
    """Tell pydantic to refuse unknown keys and numbers that are not finite, in a dataclass and all it is made of."""
    if is_dataclass(kind):
        assert isinstance(kind, type)
        kind.__pydantic_config__ = {"extra": "forbid", "allow_inf_nan": False}  # type: ignore[attr-defined]
        hints = get_type_hints(kind, localns={"pd": Any})
        for item in fields(kind):
            _make_strict(hints[item.name])
    for part in get_args(kind):
        _make_strict(part)
