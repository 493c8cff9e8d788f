"""Keys of the files that people write: jobs, what may stand beside them, and templates."""

from pathlib import Path

from doc_site import source
from doc_site.markdown import block, code, page, prose, table
from doc_site.navigation import ROOT
from inspect_tool.languages import said
from inspect_tool.paths import data_folder
from inspect_tool.report.build import IDENTIFICATION

_MODEL = ROOT / "inspect_tool" / "model"
_HEADS = ("key", "type", "default", "what it is")
_REQUIRED = "must be given"


def pages() -> dict[str, str]:
    """The page of the job file and what may stand beside it, and that of a template."""
    return {"reference/job.md": _job(), "reference/template.md": _template()}


def _job() -> str:
    job, image, calibration = _MODEL / "job.py", _MODEL / "image.py", _MODEL / "calibration.py"
    return page(
        "# Job file",
        "Every key of a job (TOML). Paths are relative to the job file, unknown keys are errors, and what has a "
        "default may be left out. `inspect-tool init RECIPE` writes one with comments; `inspect-tool check JOB` says "
        "what is wrong in it.",
        *_table("Top level", job, "Job", "Tables are described below."),
        *_header(),
        *_table(
            "[calibration]",
            image,
            "Calibration",
            "Or that of one of the `[[specimens]]`. See [Scale](../calibration.md).",
        ),
        *_table("[region]", job, "Region", "See [Images and regions](../images_and_scale.md)."),
        *_table("[[specimens]]", job, "Specimen"),
        "## [settings], [backend]",
        "Of the [recipe](recipes/grain_size.md) and of the [backend](backends/threshold.md), each on its page.",
        *_table("[[requirements]]", job, "Requirement", "Quantities by name: [Quantities](quantities.md)."),
        *_table("[quality]", job, "Limits", "Each `{ advised = ..., red = ... }`. See [Image quality](../quality.md)."),
        *_table("[[accept]]", job, "Acceptance"),
        *_table("[lot]", job, "Lot", "See [Limits, parts and lots](../specs.md)."),
        *_table("lot.plan", job, "SamplingPlan"),
        *_table("[referee]", job, "Referee", "See [Referee](../referee.md)."),
        "# Files beside a job",
        *_table("Acceptance criteria: specs/*.toml", job, "Spec", "See [Limits, parts and lots](../specs.md)."),
        *_table("calibration.toml", calibration, "CalibrationRecord", "`inspect-tool calibrate` writes it."),
        *_table("rules.toml of a watched folder", ROOT / "inspect_tool/batch/rules.py", "RulesFile"),
        *_table("[[rules]]", ROOT / "inspect_tool/batch/rules.py", "Rule", "See [A watched folder](../batch.md)."),
        *_table("model.toml of a network", image, "ModelCard", "See [Models](../models.md)."),
    ).replace("\n# Files beside a job", "\n## Files beside a job")


def _table(title: str, path: Path, name: str, more: str = "") -> list[str]:
    text = path.read_text("utf-8")
    node = source.classes(source.parsed(path))[name]
    rows = [
        (code(one.name), code(one.type), code(one.default) or _REQUIRED, prose(one.says))
        for one in source.entries(node, text)
    ]
    return [f"## {title}", prose(source.doc_of(node)), more, table(_HEADS, rows)]


def _header() -> list[str]:
    clauses = {item.field: item for item in IDENTIFICATION}
    path = _MODEL / "job.py"
    rows = []
    for one in source.entries(source.classes(source.parsed(path))["Header"], path.read_text("utf-8")):
        item = clauses.get(one.name)
        letter = "" if item is None or not item.letter else prose(item.letter)
        rows.append((code(one.name), prose(said(item.label)) if item else "", letter))
    return [
        "## [header]",
        (
            'Identification of the work; all texts, and what stays empty is printed as "not stated". The letter is that of '
            "ISO/IEC 17025:2017, 7.8.2.1, which asks for it. Dates as 2026-01-31."
        ),
        table(("key", "printed as", "asked for by"), rows),
    ]


def _template() -> str:
    folder = data_folder("templates") / "inspection"
    parts = [
        "# Template",
        (
            "A template is a folder beside the jobs with those files of `templates/inspection` that are changed; what is "
            "not in it is that of the shipped folder. What a block may print: [The report](../report.md). This is the "
            "`template.toml` that is shipped, with every key at its default:"
        ),
        block((folder / "template.toml").read_text("utf-8"), "toml"),
        "## Files of the shipped folder",
        table(
            ("file",),
            ((code(path.relative_to(folder).as_posix()),) for path in sorted(folder.rglob("*")) if path.is_file()),
        ),
    ]
    return page(*parts)
