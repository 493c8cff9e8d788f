"""What programs exchange: ``report.json`` by its schema, and the interface of the workbench by its own description."""

import json
from collections.abc import Mapping
from typing import Any

from doc_site.markdown import code, page, prose, table
from doc_site.navigation import DOCS
from inspect_tool.web import openapi

_HEADS = ("key", "type", "default", "what it is")


def pages() -> dict[str, str]:
    """Both pages."""
    return {"reference/report_json.md": _report(), "reference/web.md": _web()}


def _report() -> str:
    schema = json.loads((DOCS / "report.schema.json").read_text("utf-8"))
    parts = [
        "# report.json",
        (
            "Every key of the newest schema, of [report.schema.json](../report.schema.json) (JSON Schema). What the "
            "keys mean to a reader: [The report](../report.md)."
        ),
        prose(schema.get("description", "")),
        _properties(schema),
    ]
    for name, one in sorted(schema["$defs"].items()):
        parts += [f"## {name}", *map(prose, str(one.get("description", "")).split("\n\n")), _properties(one)]
    return page(*parts)


def _web() -> str:
    described = openapi.document("https://works3.example:8765")
    parts = [
        "# JSON of the workbench",
        (
            "Addresses, what they take and what they give, as `GET /api/v1/openapi.json` describes them (OpenAPI 3.1). "
            "How to begin, with examples: [For programs](../api.md)."
        ),
    ]
    for address, operations in described["paths"].items():
        for verb, one in operations.items():
            parts += [f"## {verb.upper()} {code(address)}", prose(one["summary"]) + ".", *_operation(one)]
    for name, one in sorted(described["components"]["schemas"].items()):
        parts += [f"## {name}", _properties(one)]
    return page(*parts)


def _operation(one: Mapping[str, Any]) -> list[str]:
    asked = [
        (code(item["name"]), item["in"], _type(item["schema"]), prose(item.get("description", "")))
        for item in one["parameters"]
    ]
    taken = [
        (code(kind), _type(content["schema"]))
        for kind, content in one.get("requestBody", {}).get("content", {}).items()
    ]
    given = [
        (
            status,
            prose(answer["description"]),
            ", ".join(_type(content.get("schema", {})) or code(kind) for kind, content in answer["content"].items()),
        )
        for status, answer in sorted(one["responses"].items())
    ]
    return [
        table(("parameter", "in", "type", "what it is"), asked),
        table(("takes", "as"), taken),
        table(("answer", "means", "holds"), given),
    ]


def _properties(schema: Mapping[str, Any]) -> str:
    if "properties" not in schema:
        return _type(schema)
    required = schema.get("required", [])
    rows = [
        (code(name), _type(one), _default(one, name in required), prose(one.get("description", "")))
        for name, one in schema["properties"].items()
    ]
    return table(_HEADS, rows)


def _default(schema: Mapping[str, Any], is_required: bool) -> str:
    return "always there" if is_required else code(json.dumps(schema["default"])) if "default" in schema else ""


def _type(schema: Mapping[str, Any]) -> str:
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "enum" in schema:
        return ", ".join(code(json.dumps(value)) for value in schema["enum"])
    for several in ("anyOf", "oneOf"):
        if several in schema:
            return " or ".join(dict.fromkeys(_type(one) for one in schema[several]))
    kinds = schema.get("type", [])
    kinds = kinds if isinstance(kinds, list) else [kinds]
    if "array" in kinds:
        within = schema.get("prefixItems") or [schema.get("items") or {}]
        return "list of " + ", ".join(dict.fromkeys(_type(one) or "anything" for one in within))
    more = schema.get("additionalProperties")
    if kinds == ["object"] and isinstance(more, dict):
        return f"object of {_type(more) or 'anything'}"
    if kinds == ["object"] and "properties" in schema:
        return "object with " + ", ".join(f"{code(name)} ({_type(one)})" for name, one in schema["properties"].items())
    return " or ".join(kinds)
