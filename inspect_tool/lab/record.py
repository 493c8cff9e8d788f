"""A report as rows of the tables of a lab: nothing is computed that the report does not say."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from inspect_tool.acceptance.criteria import date_of_work
from inspect_tool.acceptance.verdict import overall_verdict
from inspect_tool.files import as_json, sha256_bytes
from inspect_tool.model import Calibration, Conformity, Report, Result
from inspect_tool.standards.editions import designation
from inspect_tool.units import convert

Row = Mapping[str, Any]
"""Column to value."""

_ALWAYS = ("diplib", "numpy", "opencv-python-headless", "scikit-image", "scipy")
_OF_NETWORKS = ("openvino", "torch", "torchvision", "stardist", "cellpose")


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What a lab remembers of one report; numbers of other rows are put in where it is written."""

    report: Row
    fingerprint: Row
    specimens: tuple[str, ...]
    results: tuple[Row, ...]
    micrographs: tuple[Row, ...]
    masks: tuple[str, ...]  # SHA-256 of their files
    calibrations: tuple[Row, ...]
    lot: Row | None
    spec: Row | None  # with the part's name

    @property
    def uid(self) -> str:
        """SHA-256 of ``report.json``."""
        return str(self.report["uid"])


def record(report: Report, json: bytes, *, name: str, place: str) -> Record:
    """Make rows of a report.

    Parameters
    ----------
    report : Report
    json : bytes
        Its ``report.json``, whose hash tells it from others.
    name : str
        Of its folder or PDF.
    place : str
        Where that lies.

    Raises
    ------
    SettingsError
        A requirement in a unit that is none of its result's kind: the report is forged.
    """
    header = report.header
    started = datetime.fromisoformat(report.provenance.started).astimezone(UTC)
    return Record(
        report={
            "uid": sha256_bytes(json),
            "name": name,
            "recipe": report.recipe,
            "title": str(header.title or report.title),
            "number": report.id,
            "place": place,
            "started": started,
            "day": date_of_work(header, started.date()),
            "laboratory": header.laboratory,
            "customer": header.customer,
            "order_": header.order,
            "part": header.part,
            "heat": header.heat,
            "lot": report.lot.lot.id if report.lot is not None else "",
            "operator": header.operator,
            "instrument": header.instrument,
            "sample_id": header.item,
            "material": header.material,
            "verdict": report.verdict,
            "conforming": report.conforming,
            "standard": str(designation(report.standard)),
            "language": report.language or "en",
            "supersedes": next((one.sha256 for one in report.attachments if one.role == "replaced"), None),
        },
        fingerprint=fingerprint(report),
        specimens=tuple(
            dict.fromkeys([one.specimen for one in report.micrographs] + [one.specimen for one in report.results])
        ),
        results=_results(report),
        micrographs=tuple(
            {"field": i, "specimen": one.specimen, "file": one.image, "sha256": one.sha256}
            for i, one in enumerate(report.micrographs)
        ),
        masks=tuple(
            mask.sha256 for one in report.micrographs if one.evidence is not None for mask in one.evidence.masks
        ),
        calibrations=_calibrations(report),
        lot=None if report.lot is None else _lot(report),
        spec=_spec(report),
    )


# -------------------------------------------------------------------------------------------------------- fingerprint


def fingerprint(report: Report) -> dict[str, str]:
    """What the results of a report depend on besides the specimen: short texts and hashes, and the hash of them all.

    Two reports of one fingerprint were made by one method. Files that settings name count by their content where the
    report tells it (tables of the job, weights), and not by where they lay; masks of a person are of the specimen.
    """
    made, header = report.provenance, report.header
    given = {one.key: one.sha256 for one in report.attachments if one.role == "input"}
    weights = sorted(
        {part for one in report.micrographs for part in str(one.segmentation.get("weights_sha256", "")).split()}
    )
    settings = {
        "recipe": report.recipe,
        "standard": report.standard.sha256,
        "settings": _without_places({**made.settings, **given}),
    }
    packages = [name for name in (*_ALWAYS, *(_OF_NETWORKS if weights else ())) if name in made.packages]
    found = {
        "recipe_settings": sha256_bytes(as_json(settings).encode()),
        "backend": _backend(made.backend),
        "weights": " ".join(weights),
        "software": f"{made.software} {made.version}; "
        + ", ".join(f"{name} {made.packages[name]}" for name in packages),
        "scale": "; ".join(sorted({scale(one.calibration) for one in report.micrographs})),
        "instrument": header.instrument,
        "operator": header.operator,
    }
    return {**found, "sha256": sha256_bytes(as_json(found).encode())}


def _backend(table: Mapping[str, Any]) -> str:
    """Name of a backend, and the hash of its settings."""
    settings = {key: value for key, value in table.items() if key != "name"}
    return f"{table.get('name', '')} {sha256_bytes(as_json(_without_places(settings)).encode())[:12]}".strip()


def _without_places(value: Any) -> Any:
    """Settings without masks of specimens and without names of files and folders."""
    if isinstance(value, Mapping):
        return {key: _without_places(item) for key, item in value.items() if key != "masks"}
    if isinstance(value, list | tuple):
        return [_without_places(item) for item in value]
    return "" if isinstance(value, str) and ("/" in value or "\\" in value) else value


def scale(calibration: Calibration) -> str:
    """What a fingerprint says of a calibration: certificate or source, and pixel size."""
    pixel = "not stated" if calibration.pixel_um is None else f"{calibration.pixel_um:.6g} um"
    if calibration.pixel_y_um is not None:
        pixel += f" by {calibration.pixel_y_um:.6g} um"
    return f"{calibration.certificate or calibration.source or 'no source'}, {pixel}"


# ------------------------------------------------------------------------------------------------------------ results


def _results(report: Report) -> tuple[Row, ...]:
    asked: dict[tuple[str, str], list[Conformity]] = {}
    for one in report.conformities:
        asked.setdefault((one.quantity, one.specimen), []).append(one)
    rows = [_result(one, asked.pop((one.quantity, one.specimen), [])) for one in report.results]
    rows += [_missing(ones) for ones in asked.values()]
    return tuple({"position": i, **row} for i, row in enumerate(rows))


def _result(result: Result, asked: list[Conformity]) -> dict[str, Any]:
    low, high = result.interval or (None, None)
    return {
        "specimen": result.specimen,
        "quantity": result.quantity,
        "value": result.value,
        "unit": result.unit,
        "u": result.u,
        "expanded_u": result.expanded_u,
        "low": low,
        "high": high,
        "coverage": result.coverage,
        "n": result.n,
        "main": result.main,
        "verdict": overall_verdict(asked) if asked else "",
        **_limits(asked, result.unit),
        "clause": str(result.clause),
    }


def _missing(asked: list[Conformity]) -> dict[str, Any]:
    """A quantity that a requirement asks for and that was not reported."""
    first = asked[0]
    blank = dict.fromkeys(("value", "u", "expanded_u", "low", "high", "coverage", "n"))
    return {
        **blank,
        "specimen": first.specimen,
        "quantity": first.quantity,
        "unit": first.unit,
        "main": False,
        "verdict": overall_verdict(asked),
        **_limits(asked, first.unit),
        "clause": "",
    }


def _limits(asked: list[Conformity], unit: str) -> dict[str, float | None]:
    """The strictest limits of requirements, in the unit of their result."""
    found: dict[str, list[float]] = {"lower": [], "upper": []}
    for one in asked:
        for side, values in found.items():
            limit = getattr(one.requirement, side)
            if limit is not None:
                stated = one.requirement.unit or unit
                values.append(limit if stated == unit else convert(limit, stated, unit))
    return {
        "lower": max(found["lower"], default=None),
        "upper": min(found["upper"], default=None),
    }


# ------------------------------------------------------------------------------------------------------ what stands by


def _calibrations(report: Report) -> tuple[Row, ...]:
    names = ("certificate", "source", "valid_until", "pixel_um")
    found = {tuple(getattr(one.calibration, name) for name in names): None for one in report.micrographs}
    return tuple(dict(zip(names, values, strict=True)) for values in found)


def _lot(report: Report) -> Row:
    assert report.lot is not None
    lot = report.lot.lot
    return {
        "identifier": lot.id,
        "size": lot.size,
        "standard": lot.plan.standard,
        "n": lot.plan.n,
        "ac": lot.plan.ac,
        "re": lot.plan.re,
        "source": lot.plan.source,
    }


def _spec(report: Report) -> Row | None:
    """The file of acceptance criteria of the part that counts; None: the job names its requirements itself."""
    files = [one for one in report.criteria.files if not one.left_out]
    if not files:
        return None
    first = files[0]
    part = report.criteria.spec.removesuffix(f" rev {' '.join(first.revision.split())}")
    return {"part": part, "revision": first.revision, "file": first.file, "sha256": first.sha256}
