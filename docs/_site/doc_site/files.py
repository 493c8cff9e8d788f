"""Keys of the files that people write: jobs, what may stand beside them, and templates."""

import inspect
from dataclasses import MISSING, Field, fields, is_dataclass
from pathlib import Path
from typing import Any, get_type_hints

from doc_site import source
from doc_site.markdown import block, code, page, prose, table
from doc_site.values import default, explained, kind
from inspect_tool.batch.rules import Rule, RulesFile
from inspect_tool.inspection.starter import toml
from inspect_tool.languages import said
from inspect_tool.model import (
    Acceptance,
    Calibration,
    CalibrationRecord,
    Header,
    Job,
    Limits,
    Lot,
    ModelCard,
    Referee,
    Region,
    Requirement,
    SamplingPlan,
    Spec,
    Specimen,
)
from inspect_tool.paths import data_folder
from inspect_tool.report.build import IDENTIFICATION

_HEADS = ("key", "value", "default", "what it is")


def pages() -> dict[str, str]:
    """The page of the job file and what may stand beside it, and that of a template."""
    return {"reference/job.md": _job(), "reference/template.md": _template()}


def _job() -> str:
    return page(
        "# Job file",
        "Every key of a job (TOML). Paths are relative to the job file, unknown keys are errors, and what has a "
        "default may be left out. `inspect-tool init RECIPE` writes one with comments; `inspect-tool check JOB` says "
        "what is wrong in it.",
        *_table("## Top level", Job, "Tables are described below."),
        *_header(),
        *_table(
            "## [calibration]",
            Calibration,
            "Or that of one of the `[[specimens]]`. See [Scale](../calibration.md).",
        ),
        *_table("## [region]", Region, "See [Images and regions](../images_and_scale.md)."),
        *_table("## [[specimens]]", Specimen),
        "## [settings], [backend]",
        "Of the [recipe](recipes/grain_size.md) and of the [backend](backends/threshold.md), each on its page.",
        *_table("## [[requirements]]", Requirement, "Quantities by name: [Quantities](quantities.md)."),
        *_table("## [quality]", Limits, "Each `{ advised = ..., red = ... }`. See [Image quality](../quality.md)."),
        *_table("## [[accept]]", Acceptance, "See [Image quality](../quality.md#accepting-an-image-by-name)."),
        *_table("## [lot]", Lot, "See [Limits, parts and lots](../specs.md)."),
        *_table("## lot.plan", SamplingPlan),
        *_table("## [referee]", Referee, "See [Referee](../referee.md)."),
        "## Files beside a job",
        *_table("### Acceptance criteria: specs/*.toml", Spec, "See [Limits, parts and lots](../specs.md)."),
        *_table("### calibration.toml", CalibrationRecord, "`inspect-tool calibrate` writes it."),
        *_table("### rules.toml of a watched folder", RulesFile),
        *_table("### [[rules]]", Rule, "See [A watched folder](../batch.md)."),
        *_table("### model.toml of a network", ModelCard, "See [Models](../models.md)."),
    )


def _table(head: str, asked: type[Any], more: str = "") -> list[str]:
    path = Path(inspect.getfile(asked))
    node = source.classes(source.parsed(path))[asked.__name__]
    says = {one.name: one.says for one in source.entries(node, path.read_text("utf-8"))}
    hints = get_type_hints(asked, include_extras=True)
    rows = [
        (code(item.name), kind(hints[item.name], is_named=True), _default(item), explained(says[item.name]))
        for item in fields(asked)
    ]
    return [head, *map(prose, source.doc_of(node).split("\n\n")), more, table(_HEADS, rows)]


def _default(item: "Field[Any]") -> str:
    value = default(item)
    if value is MISSING:
        return "must be given"
    return "" if is_dataclass(value) or value in (None, "", (), {}) else code(toml(value))


def _header() -> list[str]:
    clauses = {item.field: item for item in IDENTIFICATION}
    rows = []
    for one in fields(Header):
        item = clauses.get(one.name)
        letter = "" if item is None or not item.letter else prose(item.letter)
        rows.append((code(one.name), prose(said(item.label)) if item else "", letter))
    return [
        "## [header]",
        (
            'Identification of the work; all texts, and what stays empty is printed as "not stated". The letter is '
            "that of ISO/IEC 17025:2017, 7.8.2.1, which asks for it. Dates as 2026-01-31."
        ),
        table(("key", "printed as", "asked for by"), rows),
    ]


def _template() -> str:
    folder = data_folder("templates") / "inspection"
    parts = [
        "# Template",
        (
            "A template is a folder beside the jobs with those files of `templates/inspection` that are changed; what "
            "is not in it is that of the shipped folder. What a block may print: [The report](../report.md). This is "
            "the `template.toml` that is shipped, with every key at its default:"
        ),
        block((folder / "template.toml").read_text("utf-8"), "toml"),
        "## Files of the shipped folder",
        table(
            ("file",),
            ((code(path.relative_to(folder).as_posix()),) for path in sorted(folder.rglob("*")) if path.is_file()),
        ),
    ]
    return page(*parts)
