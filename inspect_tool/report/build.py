"""Assemble the report: the verdict, the method conformity, what is not stated, and tables as plain values.

After this module nothing is computed any more: ``report.json`` and every page show what stands here.
"""

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import isfinite
from typing import Any

import numpy as np
import pandas as pd

from inspect_tool import plugins, registry
from inspect_tool.acceptance import lots
from inspect_tool.acceptance.verdict import SEVERITY, class_verdicts, method_conformity, overall_verdict
from inspect_tool.files import SCHEMA, plain, stated_values
from inspect_tool.images import colored_marks
from inspect_tool.json_pieces import canonical_pieces
from inspect_tool.languages import ENGLISH, Text, Words, fingerprint, joined
from inspect_tool.model import (
    Attachment,
    Cell,
    Check,
    Conformity,
    Criteria,
    EditionRecord,
    Findings,
    Header,
    Job,
    LostField,
    MicrographRecord,
    Provenance,
    Report,
    Result,
    Standard,
    StandardRecord,
    Table,
    Thumbnail,
    Wording,
)
from inspect_tool.report.text import PLAIN, heading, listed, plural
from inspect_tool.standards.editions import designation, unverified
from inspect_tool.statistics.fields import field_statistics


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One entry of the identification block: where it comes from in the header, and which clause asks for it."""

    letter: str  # of ISO/IEC 17025:2017, 7.8.2.1; other clauses in full; empty: no clause asks for it
    label: str
    field: str  # of Header
    when: str = ""  # the case in which the clause asks for it; empty: always


IDENTIFICATION: tuple[Item, ...] = (
    Item(letter="b", label=Text("report.laboratory"), field="laboratory"),
    Item(letter="b", label=Text("report.laboratory_address"), field="address"),
    Item(letter="c", label=Text("report.place_of_work"), field="place_of_work"),
    Item(letter="e", label=Text("report.customer"), field="customer"),
    Item(letter="e", label=Text("report.customer_contact"), field="customer_contact"),
    Item(letter="", label=Text("report.order"), field="order"),
    Item(letter="g", label=Text("report.part"), field="part"),
    Item(letter="g", label=Text("report.item_identification"), field="item"),
    Item(letter="g", label=Text("report.item_condition"), field="condition", when="necessary"),
    Item(letter="", label=Text("report.material"), field="material"),
    Item(letter="", label=Text("report.heat_or_lot"), field="heat"),
    Item(
        letter="h",
        label=Text("report.date_of_receipt"),
        field="date_received",
        when=Text("report.case_critical_to_results"),
    ),
    Item(
        letter="h",
        label=Text("report.date_of_sampling"),
        field="date_sampled",
        when=Text("report.case_critical_to_results"),
    ),
    Item(letter="i", label=Text("report.date_of_work"), field="date_of_work"),
    Item(letter="j", label=Text("report.date_of_issue"), field="date_of_issue"),
    Item(
        letter="k",
        label=Text("report.sampling_plan_or_method"),
        field="sampling",
        when=Text("report.case_laboratory_sampled"),
    ),
    Item(
        letter="7.8.5 d",
        label=Text("report.section_location"),
        field="section_location",
        when=Text("report.case_laboratory_sampled"),
    ),
    Item(
        letter="n",
        label=Text("report.deviations_from_method"),
        field="deviations",
        when=Text("report.case_there_are_any"),
    ),
    Item(letter="o", label=Text("report.authorized_by"), field="authorised_by"),
    Item(
        letter="p",
        label=Text("report.results_from_external_providers"),
        field="external_providers",
        when=Text("report.case_there_are_any"),
    ),
    Item(
        letter="7.8.2.2",
        label=Text("report.customer_supplied_data"),
        field="customer_supplied",
        when=Text("report.case_customer_supplied_data"),
    ),
    Item(
        letter="7.8.3.1 a",
        label=Text("report.preparation"),
        field="preparation",
        when=Text("report.case_needed_for_results"),
    ),
    Item(letter="", label=Text("report.instrument"), field="instrument"),
    Item(letter="", label=Text("report.operator"), field="operator"),
)
"""Header fields that a report prints: what ISO/IEC 17025:2017 asks for always, what it asks for in a case that only
the laboratory knows, and what is customary. Items a (title), d (unique identification and end mark), f (method), l
(statement on the items tested) and m (results with units) are always there: the report makes them itself."""


LATER = (
    *("template_sha256", "typesetting", "printed_sha256", "language", "catalogue_sha256", "lost"),
    *("layout", "annex", "issued", "editions", "rating", "class_verdicts"),
)
"""Keys that reports of earlier versions lack: as these have them, they are not part of the digest."""
_LACKED: tuple[object, ...] = ("", (), [], None, "full", "behind")  # what a key of them stands for that is not there

SECTION_STATISTICS = (Text("words.specimen"), Text("words.section"), Text("words.quantity"))
"""First columns of the table of ``section_statistics``."""
_NO_MEASURE = (
    *("row_px", "column_px", "top_px", "left_px", "bottom_px", "right_px"),
    *("edge_weight", "neighbour", "cluster", "denominator_area_um2", "via_area_um2"),
)
"""Columns of features that say where one lies or what it belongs to: nothing to average."""


def build(
    *,
    job_name: str,
    job: Job,
    standard: Standard,
    findings: Findings,
    micrographs: Sequence[MicrographRecord],
    provenance: Provenance,
    title: str,
    checks: Sequence[Check] = (),
    conformities: Sequence[Conformity] = (),
    worst: Sequence[Thumbnail] = (),
    warnings: Sequence[str] = (),
    editions: Sequence[EditionRecord] = (),
    attachments: Sequence[Attachment] = (),
    lost: Sequence[LostField] = (),
    criteria: Criteria | None = None,
    template_sha256: str = "",
    language: str = "",
    issued: str = "",
) -> Report:
    """Make the report of one job.

    Parameters
    ----------
    job_name : str
        Name of the job, e.g. the stem of its file.
    job : Job
        As checked; its header is printed.
    standard : Standard
        The edition that was followed.
    findings : Findings
        What the recipe made of all fields, results evaluated.
    micrographs : sequence of MicrographRecord
        One per field, pictures named relative to the report folder.
    provenance : Provenance
    title : str
        Title of the recipe, used when the header states none.
    checks : sequence of Check
        Of the pipeline (calibration, images), printed after those of the recipe.
    conformities : sequence of Conformity
        One per requirement and specimen.
    worst : sequence of Thumbnail
        The worst features of the job, worst first.
    warnings : sequence of str
        Of the pipeline, printed on page 1 after those of the recipe.
    editions : sequence of EditionRecord
        That of the method first, with the values that are used and who compared them. None: as reports of earlier
        versions, every value of the method's edition counts as used, and as compared only where its file says so.
    attachments : sequence of Attachment
        Files that the report rests on or shows, besides the masks that the micrographs name.
    lost : sequence of LostField
        Images that the job goes on without.
    criteria : Criteria, optional
        Where the requirements come from; sources that conflict are the first sentences of page 1.
    template_sha256 : str
        Of the files of the template.
    language : str
        Of the pages; empty: English.
    issued : str
        Day of issue; empty: by an earlier version, which left it open where the job did.

    Returns
    -------
    Report
        Its ``digest`` is the hash of everything reported but times, its ``id`` the day of the run and the
        beginning of that hash.
    """
    every_check = (*findings.checks, *checks)
    criteria = criteria or Criteria()
    open_constants = (
        tuple(value.key for value in editions[0].values if value.state != "agrees")
        if editions
        else unverified(standard)
    )
    fields = table(Text("words.fields"), findings.measurements.fields)
    features = table(Text("words.features"), findings.measurements.features)
    own = {made.title for made in findings.tables}
    wording = wording_of(job.recipe)
    summaries = [
        made
        for made in (
            section_statistics(findings.measurements.fields, wording),
            feature_statistics(findings.measurements.features, wording),
        )
        if made is not None and made.title not in own  # a recipe that makes its own knows better
    ]
    report = Report(
        schema=SCHEMA,
        id="",
        job=job_name,
        recipe=job.recipe,
        title=job.header.title or title,
        template=job.template,
        header=job.header,
        standard=StandardRecord(
            name=standard.name,
            id=standard.id,
            edition=standard.edition,
            title=standard.title,
            sha256=standard.sha256,
            unverified=open_constants,
        ),
        verdict=overall_verdict(conformities),
        conforming=method_conformity(every_check),
        not_stated=missing_items(replace(job.header, date_of_issue=issued or job.header.date_of_issue)),
        deviations=findings.deviations,
        warnings=_warnings(criteria, findings, [*warnings, *_of_editions(editions)], every_check, micrographs)
        if editions
        else (
            *_warnings(criteria, findings, warnings, every_check, micrographs),
            *_not_compared(open_constants, standard),
        ),
        statements=findings.statements,
        micrographs=tuple(micrographs),
        results=findings.results,
        checks=every_check,
        conformities=tuple(conformities),
        fields=fields,
        features=features,
        tables=(*findings.tables, *summaries),
        charts=findings.charts,
        worst=tuple(worst),
        provenance=provenance,
        attachments=tuple(attachments),
        criteria=criteria,
        lot=lots.verdict(job.lot, list(dict.fromkeys(record.specimen for record in micrographs)), conformities)
        if job.lot is not None
        else None,
        template_sha256=template_sha256,
        language=language,
        catalogue_sha256=fingerprint(ENGLISH),
        lost=tuple(lost),
        layout=job.layout,
        annex=job.annex,
        issued=issued,
        editions=tuple(editions),
        class_verdicts=class_verdicts(conformities),
    )
    digest = report_digest(report)
    return replace(report, id=report_id(report, digest), digest=digest)


def report_id(report: Report, digest: str) -> str:
    """Identify a report by its day and its content, of which this is the digest: ``IT-20260309-3F9A12C4``.

    The signs after the day are the first of the digest: the same input, settings and software give the same
    identification on one day, and any later change of a number can be found.
    """
    day = report.provenance.started[:10].replace("-", "")
    return f"IT-{day}-{digest[:8].upper()}"


def report_digest(report: Report) -> str:
    """SHA-256 of all that is reported, except identification and digest themselves, how long things took and what the
    audit trail held before.

    Masks, job, standards, pictures and the template are in it by their hashes, which the report names. What a report of
    an earlier version does not have is not in its digest.
    """
    found = hashlib.sha256()
    for piece in canonical_pieces(_hashed(report), _hashed):
        found.update(piece.encode())
    return found.hexdigest()


def _hashed(value: object) -> object:
    """What is hashed of a part of a report, by name."""
    if isinstance(value, Report):
        said = stated_values(replace(value, id="", digest=""))
        return _known(said, ("sentences", *LATER))
    if isinstance(value, Provenance):
        timeless = replace(value, started=value.started[:10], seconds=0.0, audit="")
        return _known(plain(timeless), LATER)
    if isinstance(value, Attachment | Result):
        return _known(plain(value), LATER)
    if isinstance(value, MicrographRecord):
        return replace(value, segmentation={k: v for k, v in value.segmentation.items() if k != "seconds"})
    return value


def _known(values: Mapping[str, object], later: Collection[str]) -> Mapping[str, object]:
    """Values without what reports of earlier versions lack, where it is as there; of schema 1 the sentences too."""
    return {name: value for name, value in values.items() if name not in later or value not in _LACKED}


def missing_items(header: Header) -> tuple[str, ...]:
    """Name the items that ISO/IEC 17025 asks for in every report and that the header leaves empty, with the clause."""
    return tuple(
        Text("report.item_of_clause", label=item.label, clause=clause_of(item))
        for item in _empty(header)
        if item.letter and not item.when
    )


def missing_in_case(header: Header) -> tuple[str, ...]:
    """Name the empty items that are asked for in a case that the program cannot know, with that case and the clause."""
    return tuple(
        Text("report.item_in_case", label=item.label, when=item.when, item=clause_of(item))
        for item in _empty(header)
        if item.when
    )


def clause_of(item: Item) -> str:
    """Give the clause of ISO/IEC 17025:2017 in full; "customary" where none asks for the item."""
    if not item.letter:
        return Text("report.customary")
    return item.letter if "." in item.letter else f"7.8.2.1 {item.letter}"


def _empty(header: Header) -> list[Item]:
    return [item for item in IDENTIFICATION if not str(getattr(header, item.field)).strip()]


def table(title: str, frame: pd.DataFrame, note: str = "") -> Table:
    """Turn a data frame into plain cells: numbers to six significant digits, NaN to None."""
    columns = [_cells(frame[name]) for name in frame.columns]
    return Table(
        title=title,
        columns=tuple(str(name) for name in frame.columns),
        rows=tuple(zip(*columns, strict=True)),
        note=note,
    )


def wording_of(recipe: str) -> Wording:
    """Say how pages word the tables of a recipe, of which a report may be read where it is not installed."""
    return plugins.wording_of(registry.load("recipe", recipe)) if recipe in registry.each("recipe") else PLAIN


def section_statistics(fields: pd.DataFrame, wording: Wording = PLAIN) -> Table | None:
    """Mean, scatter and 95 % confidence interval of every field quantity, per section; None without numbers."""
    rows: list[tuple[Cell, ...]] = []
    names = _measures(fields, {"specimen", "section", "plane", "field", "image"})
    if not names:
        return None
    for (specimen, section), group in fields.groupby(["specimen", "section"], sort=False):
        for name in names:
            values = group[name].dropna().astype(float)
            if len(values) < 2:  # one field has no statistics
                continue
            found = field_statistics(values.tolist())
            same = found.s is not None and found.s < 1e-12 * abs(found.mean)  # only rounding of equal numbers
            spread = (0.0, 0.0) if same else (found.s, found.ci95)
            numbers = (found.mean, *spread, float(values.min()), float(values.max()))
            rows.append(
                (
                    str(specimen),
                    str(section),
                    heading(name, wording),
                    found.n,
                    *(_rounded(number) for number in numbers),
                )
            )
    if not rows:
        return None
    return Table(
        title=Text("report.title_statistics_over_fields"),
        columns=(
            *SECTION_STATISTICS,
            Text("words.fields"),
            Text("words.mean"),
            "s",
            Text("report.column_confidence_interval"),
            Text("words.smallest"),
            Text("words.largest"),
        ),
        rows=tuple(rows),
        note=Text("report.note_field_statistics"),
    )


def feature_statistics(features: pd.DataFrame, wording: Wording = PLAIN) -> Table | None:
    """Quantiles of every measure of the features, all fields together; None without features."""
    place = {"specimen", "section", "plane", "field", "image", "feature", "joint", "class", *_NO_MEASURE}
    names = [
        name
        for name in _measures(features, place)
        if not name.startswith("u_")
        and not name.endswith("_deg")  # the mean of an angle on a circle means nothing
        and not (name.endswith(("_px", "_px2")) and name.replace("_px", "_um") in features.columns)
    ]
    if not names or not len(features):
        return None
    rows: list[tuple[Cell, ...]] = []
    for name in names:
        values = features[name].dropna().to_numpy(float)
        values = values[np.isfinite(values)]
        if not len(values):
            continue
        numbers = (values.mean(), *np.quantile(values, [0.1, 0.5, 0.9]), values.min(), values.max())
        rows.append((heading(name, wording), len(values), *(_rounded(float(number)) for number in numbers)))
    return Table(
        title=Text("report.title_statistics_over_features"),
        columns=(
            Text("words.measure"),
            Text("words.features"),
            Text("words.mean"),
            "10 %",
            Text("words.median"),
            "90 %",
            Text("words.smallest"),
            Text("words.largest"),
        ),
        rows=tuple(rows),
        note=Text("report.note_feature_statistics"),
    )


def _warnings(
    criteria: Criteria,
    findings: Findings,
    more: Sequence[str],
    checks: Sequence[Check],
    micrographs: Sequence[MicrographRecord],
) -> tuple[str, ...]:
    """Sentences for page 1; rules of the method that were not met stand there anyway, beside the conformity."""
    found = [*criteria.conflicts, *findings.warnings, *more]
    found += [
        Text("report.warning_not_met", name=check.name)
        + (joined("", (" (", check.note, ")")) if check.note else "")
        + (Text("report.warning_accepted_all_same", accepted=check.accepted) if check.accepted else "")
        for check in checks
        if not check.passed and check.scope in ("practice", "image", "consistency", "plausibility")
    ]
    marked = [
        joined(": ", (record.image, record.meta[colored_marks.META]))
        for record in micrographs
        if colored_marks.META in record.meta
    ]
    if marked:
        more_of_them = Text("report.and_more_annotations", n_marked=len(marked) - 3) if len(marked) > 3 else ""
        found.append(Text("report.warning_annotations_left_out", marked=tuple(marked[:3]), more_of_them=more_of_them))
    if any(record.calibration.pixel_um is None for record in micrographs):
        found.append(Text("report.warning_scale_not_stated"))
    single = [
        (result.title or result.quantity)
        + (Text("report.result_of_specimen", specimen=result.specimen) if several else "")
        for several in (len({record.specimen for record in micrographs}) > 1,)
        for result in findings.results
        if result.main and result.budget and result.n_of == "fields" and result.n < 2
    ]
    if single:
        found.append(Text("report.warning_one_field", single=listed(single)))
    return tuple(dict.fromkeys(found))


def _of_editions(editions: Sequence[EditionRecord]) -> Iterator[Words]:
    """What page 1 says of values that are used, and that the laboratory did not find in the published text."""
    for state, key in (("differs", "report.warning_values_differ"), ("not compared", "report.warning_values_open")):
        counts = [(one.edition, sum(value.state == state for value in one.values)) for one in editions]
        if named := tuple(Text("report.values_of", edition=edition, n=n) for edition, n in counts if n):
            yield Text(key, editions=named)


def _not_compared(open_constants: Sequence[str], standard: Standard) -> Iterator[Words]:
    """The same in the words of reports that do not tell which values they use."""
    if open_constants:
        yield Text(
            "report.warning_constants_not_compared",
            n_open_constants=plural(len(open_constants), "number"),
            standard=designation(standard),
        )


def main_results(results: Sequence[Result]) -> tuple[Result, ...]:
    """Results for page 1: those the recipe marks, or else the first of every specimen."""
    marked = tuple(result for result in results if result.main)
    return marked or tuple({result.specimen: result for result in reversed(results)}.values())[::-1]


def specimens(report: Report) -> tuple[str, ...]:
    """Name the specimens of a report in their order."""
    return tuple(dict.fromkeys(record.specimen for record in report.micrographs))


def worst_first(conformities: Iterable[Conformity]) -> list[Conformity]:
    """Sort verdicts, the gravest first."""
    return sorted(conformities, key=lambda item: SEVERITY.index(item.decision))


def failed_rules(report: Report) -> tuple[Check, ...]:
    """Return the checks because of which a report does not conform to its method."""
    return tuple(check for check in report.checks if not check.passed and check.scope in ("method", "calibration"))


def _measures(frame: pd.DataFrame, place: set[str]) -> list[str]:
    return [
        name
        for name in frame.columns
        if name not in place
        and pd.api.types.is_numeric_dtype(frame[name])
        and not pd.api.types.is_bool_dtype(frame[name])
    ]


def _cells(column: "pd.Series[Any]") -> list[Cell]:
    if pd.api.types.is_bool_dtype(column):
        return [bool(value) for value in column]
    if pd.api.types.is_integer_dtype(column) and not column.isna().any():
        return [int(value) for value in column]
    if pd.api.types.is_float_dtype(column):
        return [_rounded(float(value)) for value in column]
    return [_cell(value) for value in column]


def _cell(value: object) -> Cell:
    if value is None or value is pd.NA:
        return None
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, int | np.integer):
        return int(value)
    if isinstance(value, float | np.floating):
        return _rounded(float(value))
    return str(value)


def _rounded(value: float | None) -> float | None:
    return float(f"{value:.6g}") if value is not None and isfinite(value) else None
