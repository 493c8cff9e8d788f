"""Values of a gauge study: from a table or from reports; whether it is full, and every trial has images of its own."""

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from inspect_tool.errors import InspectError, MeasurementError, ReadError, SettingsError
from inspect_tool.files import load_report, read_bytes, sha256_file
from inspect_tool.inspection import job_run
from inspect_tool.languages import Text, Words
from inspect_tool.model import Report
from inspect_tool.studies.gauge.page import Design, Observation, StudyInput

_MOST_BYTES = 2_000_000  # of a table; a study has some hundred lines
_MOST_VALUES = 5000
_COLUMNS = ("part", "appraiser", "trial", "value", "unit", "image_sha256", "image", "note")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?")
LARGEST = 1e100  # beyond it squares overflow; nothing measured is that large


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One job or report of a study."""

    appraiser: str = ""
    trial: int | str = ""
    part: str = ""  # empty: every specimen is a part
    specimen: str = ""  # where a report has several and the part is one of them
    job: str = ""
    report: str = ""
    backend: Mapping[str, Any] = field(default_factory=dict)  # in place of the job's own


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyValues:
    """The values of a study, and what they are of."""

    observations: tuple[Observation, ...]
    unit: str
    quantity: str = ""
    title: Words = ""
    files: tuple[StudyInput, ...] = ()
    warnings: tuple[Words, ...] = ()


def read_table(path: Path, unit: str = "", *, one_part: bool = False) -> StudyValues:
    """Read a CSV file with the columns part, appraiser, trial, value; optional unit, image_sha256, image, note.

    Parameters
    ----------
    path : Path
        Separated by commas, semicolons or tabs; decimal point.
    unit : str
        Where the file has no column ``unit``.
    one_part : bool
        A type-1 study: only the column ``value`` is needed.

    Raises
    ------
    ReadError
        The file, a column or a line is not as it should be; the message names the line.
    """
    try:
        size = path.stat().st_size
        if size > _MOST_BYTES:
            msg = f"{path}: {size / 1e6:.0f} MB; a study has some hundred lines, is this the right file?"
            raise ReadError(msg)
        content = read_bytes(path).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        msg = f"{path}: not UTF-8 text (byte {error.start}); save it as CSV in UTF-8"
        raise ReadError(msg) from None
    except OSError as error:
        msg = f"{path}: cannot be read: {error.strerror}"
        raise ReadError(msg) from None
    head = next((line for line in content.splitlines() if line.strip()), "")
    delimiter = max(",;\t", key=head.count)
    try:
        rows = list(csv.reader(io.StringIO(content, newline=""), delimiter=delimiter, strict=True))
    except csv.Error as error:
        msg = f"{path}: not a CSV file: {error}"
        raise ReadError(msg) from None
    numbered = [(i, [cell.strip() for cell in row]) for i, row in enumerate(rows, start=1) if any(map(str.strip, row))]
    if not numbered:
        msg = f"{path}: is empty; a study has the columns part, appraiser, trial, value"
        raise ReadError(msg)
    if len(numbered) > _MOST_VALUES:
        msg = f"{path}: {len(numbered)} lines; a study has some hundred, is this the right file?"
        raise ReadError(msg)
    columns = [name.lower() for name in numbered[0][1]]
    _check_columns(path, columns, ("value",) if one_part else _COLUMNS[:4])
    observations: list[Observation] = []
    units: dict[str, int] = {}
    for i, row in numbered[1:]:
        if len(row) != len(columns):
            msg = f"{path} line {i}: {len(row)} cells, the head has {len(columns)}"
            raise ReadError(msg)
        line = dict(zip(columns, row, strict=True))
        observations.append(_observation(line, f"{path} line {i}", i, one_part))
        units.setdefault(line.get("unit", ""), i)
    if not observations:
        msg = f"{path}: has a head and no line below it"
        raise ReadError(msg)
    if len(units) > 1:
        (a, line_a), (b, line_b) = list(units.items())[:2]
        msg = f"{path}: unit '{a}' in line {line_a}, '{b}' in line {line_b}; a study has one unit"
        raise ReadError(msg)
    stated = next(iter(units))
    if stated and unit and stated != unit:
        msg = f"{path}: the unit is '{stated}', --unit says '{unit}'"
        raise SettingsError(msg)
    return StudyValues(
        observations=tuple(observations),
        unit=stated or unit,
        files=(StudyInput(name=path.name, sha256=sha256_file(path)),),
    )


def _check_columns(path: Path, columns: Sequence[str], needed: Sequence[str]) -> None:
    for name in needed:
        if name not in columns:
            msg = f"{path}: no column '{name}'; found {', '.join(columns)[:120]}; needed are {', '.join(needed)}"
            raise ReadError(msg)
    for name in columns:
        if name not in _COLUMNS:
            msg = f"{path}: unknown column '{name[:40]}'; known are {', '.join(_COLUMNS)}"
            raise ReadError(msg)
        if columns.count(name) > 1:
            msg = f"{path}: column '{name}' stands twice"
            raise ReadError(msg)


def _observation(line: Mapping[str, str], where: str, number: int, one_part: bool) -> Observation:
    labels = {}
    for name in _COLUMNS[:3]:
        label = line.get(name, "")
        if not label and not one_part:
            msg = f"{where}: no {name}"
            raise ReadError(msg)
        if len(label) > 60:
            msg = f"{where}: {name} is {len(label)} characters long; give it a short name"
            raise ReadError(msg)
        labels[name] = label
    written = line["value"].replace("−", "-")
    if re.fullmatch(r"[+-]?\d+,\d+", written):
        msg = f"{where}: value '{line['value']}' has a comma; write a decimal point"
        raise ReadError(msg)
    value = float(written) if _NUMBER.fullmatch(written) else None
    if value is None or not abs(value) < LARGEST:
        msg = f"{where}: value '{line['value'][:40]}' is not a finite number"
        raise ReadError(msg)
    images = tuple(line.get("image_sha256", "").lower().split())
    for digest in images:
        if not re.fullmatch(r"[0-9a-f]{64}", digest):
            msg = f"{where}: image_sha256 '{digest[:20]}' is not 64 hexadecimal digits"
            raise ReadError(msg)
    return Observation(
        part=labels["part"],
        appraiser=labels["appraiser"],
        trial=labels["trial"] or (str(number) if one_part else ""),
        value=value,
        images=images,
        source=f"line {number}",
    )


def from_reports(
    runs: Sequence[Run], folder: Path, quantity: str, tell: Callable[[int, str], None], *, one_part: bool = False
) -> StudyValues:
    """Take the values from reports, and run the jobs of which there is none yet.

    Parameters
    ----------
    runs : sequence of Run
        A part that a run does not name is the specimen of the report; an appraiser, the operator of its header.
    folder : Path
        What the file names of the runs are relative to.
    quantity : str
        Name of the result; empty: the first main result of the first report.
    tell : callable
        Called with (number of the run, its file).
    one_part : bool
        A type-1 study: the appraiser need not be known.
    """
    observations: list[Observation] = []
    known: dict[tuple[str, str], Report] = {}
    files: dict[str, StudyInput] = {}
    turns: Counter[tuple[str, str]] = Counter()
    unit, title = "", ""
    breaking: list[str] = []
    for i, run in enumerate(runs):
        where = f"runs.{i}"
        name = run.job or run.report
        if bool(run.job) == bool(run.report):
            msg = f"gauge {where}: give either 'job' or 'report'"
            raise SettingsError(msg)
        if run.report and run.backend:
            msg = f"gauge {where}: a report was measured already; 'backend' is for a job"
            raise SettingsError(msg)
        tell(i, name)
        key = (name, json.dumps(dict(run.backend), sort_keys=True, default=str))
        if key not in known:
            known[key] = _one_report(run, folder / name)
            files[name] = StudyInput(name=name, sha256=sha256_file(folder / name))
        report = known[key]
        if not quantity:
            quantity = next((result.quantity for result in report.results if result.main), "")
        results = [
            result for result in report.results if result.quantity == quantity and run.specimen in ("", result.specimen)
        ]
        if not results:
            there = ", ".join(dict.fromkeys(result.quantity for result in report.results))
            of = f" of specimen '{run.specimen}'" if run.specimen else ""
            msg = f"{name}: no result '{quantity}'{of}; there are {there or 'none'}"
            raise SettingsError(msg)
        if run.part and len(results) > 1:
            msg = f"{name}: {len(results)} specimens have a result '{quantity}'; name one with 'specimen' of {where}"
            raise SettingsError(msg)
        unit, title = unit or results[0].unit, title or results[0].title
        if results[0].unit != unit:
            msg = f"{name}: '{quantity}' is in '{results[0].unit}', in the first report in '{unit}'"
            raise SettingsError(msg)
        appraiser = run.appraiser or report.header.operator.strip()
        if not appraiser and not one_part:
            msg = f"{name}: no appraiser; write [header] operator into the job, or a study file with [[runs]]"
            raise SettingsError(msg)
        if report.conforming is False:
            breaking.append(name)
        for result in results:
            part = run.part or result.specimen
            turns[appraiser, part] += 1
            observations.append(
                Observation(
                    part=part,
                    appraiser=appraiser,
                    trial=str(run.trial) or str(turns[appraiser, part]),
                    value=result.value,
                    images=tuple(record.sha256 for record in report.micrographs if record.specimen == result.specimen),
                    source=name,
                )
            )
    warnings: tuple[Words, ...] = ()
    if breaking:
        warnings = (Text("gauge.rules_not_kept", broken=len(breaking), n=len(runs), first=breaking[0]),)
    return StudyValues(
        observations=tuple(observations),
        unit=unit,
        quantity=quantity,
        title=title or quantity,
        files=tuple(files.values()),
        warnings=warnings,
    )


def _one_report(run: Run, path: Path) -> Report:
    try:
        return load_report(path) if run.report else job_run.run(path, backend=run.backend or None)
    except InspectError as error:
        if str(path) in str(error):
            raise
        msg = f"{path}: {error}"
        raise type(error)(msg) from None


def check_images(observations: Sequence[Observation], design: Design = "crossed") -> tuple[Words, ...]:
    """Refuse values that rest on one image where the study needs two; return what a reader must know.

    Raises
    ------
    MeasurementError
        Two trials of a part, or two parts, share an image.
    """
    seen: dict[str, Observation] = {}
    shared = False
    for item in observations:
        for digest in dict.fromkeys(item.images):
            other = seen.setdefault(digest, item)
            if other is item:
                continue
            if design == "crossed" and other.part == item.part and other.appraiser != item.appraiser:
                shared = True
                continue
            if (other.part, other.appraiser) == (item.part, item.appraiser):
                what = f"trials {other.trial} and {item.trial} of part {item.part}" if item.part else "two values"
                why = "the same file analyzed again has no repeatability; take a new image for every trial"
            else:
                what = f"part {other.part} of {other.appraiser} and part {item.part} of {item.appraiser}"
                why = "one image shows one part; check which image belongs to which"
            msg = (
                f"gauge study: {what} rest on one image, SHA-256 {digest[:8]}... ({other.source}, {item.source}): {why}"
            )
            raise MeasurementError(msg)
    stated = sum(bool(item.images) for item in observations)
    notes: list[Words] = []
    if not stated:
        notes.append(Text("gauge.no_hashes"))
    elif stated < len(observations):
        notes.append(Text("gauge.some_hashes", stated=stated, n=len(observations)))
    if shared:
        notes.append(Text("gauge.shared_images"))
    return tuple(notes)


def arranged(observations: Sequence[Observation], design: Design) -> tuple[Observation, ...]:
    """Put the values in order, appraiser by appraiser and part by part; a study that is not full is refused.

    Raises
    ------
    MeasurementError
        A cell is missing, stands twice, or there are too few parts or trials.
    """
    appraisers = list(dict.fromkeys(item.appraiser for item in observations))
    trials = list(dict.fromkeys(item.trial for item in observations))
    cells: dict[tuple[str, str, str], Observation] = {}
    for item in observations:
        key = (item.appraiser, item.part, item.trial)
        if key in cells:
            msg = (
                f"gauge study: part {item.part}, appraiser {item.appraiser}, trial {item.trial} stands twice "
                f"({cells[key].source}, {item.source})"
            )
            raise MeasurementError(msg)
        cells[key] = item
    parts_of = {name: list(dict.fromkeys(i.part for i in observations if i.appraiser == name)) for name in appraisers}
    if design == "crossed":
        parts = list(dict.fromkeys(item.part for item in observations))
        if len(appraisers) > 1 and sum(map(len, parts_of.values())) == len(parts) > 1:
            msg = "gauge study: every part was measured by one appraiser only; if that is meant, it is --nested"
            raise MeasurementError(msg)
        parts_of = dict.fromkeys(appraisers, parts)
    sizes = {name: len(parts) for name, parts in parts_of.items()}
    if len(set(sizes.values())) > 1:
        listed = ", ".join(f"{name} has {count}" for name, count in sizes.items())
        msg = f"gauge study: every appraiser needs as many parts as the others; {listed}"
        raise MeasurementError(msg)
    for name, count in (("part", max(sizes.values())), ("trial", len(trials))):
        if count < 2:
            msg = f"gauge study: {count} {name}; at least 2 are needed"
            raise MeasurementError(msg)
    wanted = [(name, part, trial) for name in appraisers for part in parts_of[name] for trial in trials]
    missing = [key for key in wanted if key not in cells]
    if missing:
        name, part, trial = missing[0]
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        msg = (
            f"gauge study: part {part}, appraiser {name}, trial {trial} is missing{more}; every appraiser measures "
            "every part in every trial"
        )
        raise MeasurementError(msg)
    return tuple(cells[key] for key in wanted)
