"""The description of the interface for programs (OpenAPI 3.1): every address, what it takes and what it gives."""

from typing import Any, TypeAlias

from inspect_tool import __version__
from inspect_tool.inspection.starter_form import MOST_REQUIREMENTS
from inspect_tool.lab.intake import STATES as IMAGE_STATES
from inspect_tool.lab.query import VERDICTS

Schema: TypeAlias = dict[str, Any]

_TEXT: Schema = {"type": "string"}
_NUMBER: Schema = {"type": "number"}
_WHOLE: Schema = {"type": "integer"}
_MOMENT: Schema = {"type": "string", "description": "ISO 8601, UTC"}
_UID: Schema = {"type": "string", "pattern": "^[0-9a-f]{64}$", "description": "SHA-256 of report.json"}
_OPEN: Schema = {"type": "object"}

_DESCRIPTION = """\
Give images, have them inspected, ask how far it is, fetch reports, and search what the laboratory remembers.

State a token as `Authorization: Bearer TOKEN`; a person makes it on the page of his or her own account. It works with
the roles of that person and in that person's name. What is not done here is done by a person at the workbench:
correct, review, release, manage. A refusal is `{"error": "one line"}`. Times are UTC.
"""

_FAULTS = {
    "401": "the token is missing, unknown, or has ended",
    "403": "the roles of the person do not suffice",
    "422": "what is asked for cannot be: the line says why",
}


def document(origin: str) -> Schema:
    """The whole description.

    Parameters
    ----------
    origin : str
        Scheme, host and port of the workbench.
    """
    return {
        "openapi": "3.1.0",
        "info": {"title": "inspect_tool workbench", "version": __version__, "description": _DESCRIPTION},
        "servers": [{"url": origin}],
        "security": [{"token": []}],
        "paths": _paths(),
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": _schemas(),
        },
    }


def _paths() -> Schema:
    uid = _in_path("uid", "number, name, or at least six digits of the SHA-256 of a report")
    name = _in_path("name", "of an inspection")
    files = {"multipart/form-data": {"schema": _object({"file": {"type": "string", "format": "binary"}}, ["file"])}}
    return {
        "/api/v1/openapi.json": {
            "get": _operation("describe", "This description", {"200": ("the description", _OPEN)}),
        },
        "/api/v1/images": {
            "post": {
                **_operation(
                    "give_image",
                    "Give an image; it lies in the inbox then",
                    {"201": ("taken", _ref("Image")), "200": ("its content was there already", _ref("Image"))},
                ),
                "requestBody": {"required": True, "content": files},
            },
        },
        "/api/v1/inspections": {
            "post": {
                **_operation(
                    "submit",
                    "Have images of the inbox inspected: the inspection waits in the queue",
                    {"201": ("it is in the queue", _ref("Inspection"))},
                ),
                "requestBody": {"required": True, "content": {"application/json": {"schema": _ref("Job")}}},
            },
        },
        "/api/v1/inspections/{name}": {
            "get": _operation("status", "How far an inspection is", {"200": ("its state", _ref("Inspection"))}, name),
        },
        "/api/v1/reports": {
            "get": _operation(
                "search",
                "Find reports, the newest first",
                {"200": ("what was found", _ref("Search"))},
                _in_query("query", _TEXT, "as for `inspect-tool lab search`, e.g. heat:730218 -verdict:fail"),
                _in_query("limit", {**_WHOLE, "minimum": 1, "maximum": 1000, "default": 50}, "as many at most"),
            ),
        },
        "/api/v1/reports/{uid}": {
            "get": _operation("report", "All that is remembered of a report", {"200": ("it", _ref("Record"))}, uid),
        },
        "/api/v1/reports/{uid}/report.json": {
            "get": _operation("report_json", "The report as data, byte by byte", {"200": ("it", _OPEN)}, uid),
        },
        "/api/v1/reports/{uid}/report.pdf": {
            "get": _operation("report_pdf", "The report as pages", {"200": ("it", None)}, uid),
        },
    }


def _schemas() -> Schema:
    limits = {"lower": _NUMBER, "upper": _NUMBER}
    result = {
        **dict.fromkeys(("specimen", "quantity", "unit", "verdict", "clause"), _TEXT),
        **dict.fromkeys(("value", "u", "expanded_u", "low", "high", "coverage", "lower", "upper"), _or_null(_NUMBER)),
        "n": _or_null(_WHOLE),
        "main": {"type": "boolean", "description": "stands on page 1"},
    }
    report = {
        "uid": _UID,
        **dict.fromkeys(("report", "name", "recipe", "title", "customer", "order", "part", "heat", "lot"), _TEXT),
        "sample": _TEXT,
        "day": {"type": "string", "format": "date"},
        "started": _MOMENT,
        "verdict": {"enum": [*VERDICTS]},
        "superseded_by": _or_null(_UID),
        "results": {"type": "array", "items": _ref("Result")},
    }
    record = {
        **report,
        **dict.fromkeys(("laboratory", "operator", "instrument", "material", "standard", "language", "spec"), _TEXT),
        "conforming": _or_null({"type": "boolean", "description": "every check of the method passed"}),
        "added": _MOMENT,
        "fingerprint": {"type": "object", "additionalProperties": _TEXT},
        "images": {"type": "array", "items": _object({"file": _TEXT, "sha256": _TEXT})},
        "state": {"enum": ["unchanged", "changed", "missing", "unreadable"], "description": "of its file"},
    }
    image = {
        "id": _WHOLE,
        **dict.fromkeys(("name", "sha256"), _TEXT),
        "note": {**_TEXT, "description": "why the scale has this color, or why the image was refused"},
        "state": {"enum": [*IMAGE_STATES]},
        "scale": {"enum": ["green", "amber", "red", None]},
        "pixel_um": _or_null(_NUMBER),
        "rows": _or_null(_WHOLE),
        "columns": _or_null(_WHOLE),
    }
    numbers = {"type": "array", "items": _WHOLE, "minItems": 1, "description": "ids of images"}
    specimen = {
        **dict.fromkeys(("id", "section"), _TEXT),
        "plane": {"enum": ["longitudinal", "transverse", "planar", "not stated"]},
        "images": numbers,
    }
    table = {"type": "object", "description": "as in a job file"}
    requirement = {"quantity": _TEXT, **limits, "rule": _TEXT, "source": _TEXT}
    job = {
        "recipe": _TEXT,
        "template": {**_TEXT, "description": "of the laboratory: what it locks is not asked again"},
        **dict.fromkeys(("standard", "language", "layout", "annex", "spec"), _TEXT),
        "images": numbers,
        "specimens": {"type": "array", "items": _object(specimen, ["images"]), "description": "instead of images"},
        "scale": {**_TEXT, "description": "file (default), scale bar, ratio only, stated, or calibrations/NAME.toml"},
        "calibration": _object(
            {"pixel_um": _NUMBER, "u_rel": _NUMBER, "source": _TEXT, "certificate": _TEXT}, ["pixel_um"]
        ),
        **dict.fromkeys(("header", "settings", "backend", "region"), table),
        "again": {"type": "boolean", "description": "images that another inspection has are meant"},
        "requirements": {"type": "array", "items": _object(requirement, ["source"]), "maxItems": MOST_REQUIREMENTS},
        "lot": {**_or_null(table), "description": "that the specimens are the sample of, as in a job file"},
        "plane": {**table, "description": "of files with several: page; or scene, channel, z, time"},
    }
    inspection = {
        **dict.fromkeys(("name", "title", "recipe"), _TEXT),
        "by": {**_TEXT, "description": "full name of who sent it"},
        "added": _MOMENT,
        "state": {"enum": ["draft", "waiting", "measuring", "done", "failed", "canceled"]},
        "error": {**_TEXT, "description": "of the last try; empty: none"},
        "report": {**_TEXT, "description": "uid of its report; empty: there is none yet"},
        "started": _or_null(_MOMENT),
        "ended": _or_null(_MOMENT),
    }
    search = {
        "total": _WHOLE,
        "reports": {"type": "array", "items": _ref("Report")},
        "hints": {
            "type": "array",
            "items": _TEXT,
            "description": "where nothing is found: queries that find something",
        },
    }
    whole = {"Image": image, "Inspection": inspection, "Result": result, "Report": report, "Record": record}
    return {
        **{name: _object(properties, list(properties)) for name, properties in whole.items()},
        "Search": _object(search, list(search)),
        "Job": _object(job),
        "Error": _object({"error": _TEXT}, ["error"]),
    }


# --------------------------------------------------------------------------------------------------------------- parts


def _operation(name: str, says: str, gives: dict[str, tuple[str, Schema | None]], *parameters: Schema) -> Schema:
    """An operation; a schema of None: it gives a PDF."""
    responses: Schema = {}
    for status, (text, schema) in gives.items():
        kind = "application/pdf" if schema is None else "application/json"
        responses[status] = {"description": text, "content": {kind: {} if schema is None else {"schema": schema}}}
    for status, text in _FAULTS.items():
        responses[status] = {"description": text, "content": {"application/json": {"schema": _ref("Error")}}}
    return {"operationId": name, "summary": says, "parameters": [*parameters], "responses": responses}


def _in_path(name: str, says: str) -> Schema:
    return {"name": name, "in": "path", "required": True, "description": says, "schema": _TEXT}


def _in_query(name: str, schema: Schema, says: str) -> Schema:
    return {"name": name, "in": "query", "description": says, "schema": schema}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _or_null(schema: Schema) -> Schema:
    return {**schema, "type": [schema["type"], "null"]}


def _object(properties: Schema, required: list[str] | None = None) -> Schema:
    found = {"type": "object", "properties": properties, "additionalProperties": False}
    return {**found, "required": required} if required else found
