"""What stands on the certificate of a report and what in its annex, so that nothing stands on both.

A certificate answers four questions on one or two pages: what was inspected, what came out, by which rule it was
judged, and what that means for acceptance. All else is in the annex, behind it or in a file of its own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from inspect_tool.acceptance import plausibility
from inspect_tool.acceptance.verdict import SEVERITY
from inspect_tool.languages import Text, Words, said
from inspect_tool.model import Chart, Check, Conformity, MicrographRecord, Report, Result
from inspect_tool.report import certificate_space as space
from inspect_tool.report import text
from inspect_tool.report.build import failed_rules, main_results
from inspect_tool.report.charts import strip_mm
from inspect_tool.report.judged import Strip
from inspect_tool.standards.editions import designation

Part: TypeAlias = Literal["whole", "certificate", "annex"]
"""What of a report a file of pages holds."""

CERTIFIED = (
    *("customer", "part", "item", "order", "material", "heat", "date_received", "date_of_work"),
    *("condition", "customer_contact", "place_of_work", "sampling"),
)
"""Fields of the header that stand on the certificate, in their order; the laboratory and the issue are its head."""
PICTURED = ("preparation", "instrument")  # beside the micrograph
HEAD = ("laboratory", "address", "date_of_issue", "authorised_by")
MOST_ROWS = 8  # requirements and results on page 1; the worst come first
MOST_RULES = 2  # rules of decision that are put into words there
MOST_DOUBTS = 3  # checks of plausibility that are not met, on page 1
MOST_FAILED = 3  # rules of the method that were not kept, on page 2
MOST_REMARKS = 4
MOST_ON_AXIS = 4  # specimens, where they are shown against the limits
_LONGEST = 150  # letters of an entry of the identification; a longer one stands in the annex
PLATE_MM = 84.0  # width of a picture on the certificate
PLATE_HIGH_MM = 90.0
CHARTS_MM = (44.0, 36.0, 28.0)  # heights of a chart, in the order of preference
TITLES: Mapping[str, Words] = {
    "identification": Text("page.identification"),
    "method": Text("page.method"),
    "decision": Text("page.decision"),
    "results": Text("page.results"),
    "fields": Text("page.fields"),
    "field_table": Text("page.values_of_every_field"),
    "charts": Text("page.distributions"),
    "budget": Text("page.uncertainty"),
    "checks": Text("page.checks"),
    "features": Text("page.features"),
    "tables": Text("certificate.tables"),
    "calibration": Text("page.scale"),
    "provenance": Text("page.provenance"),
}
"""What the list of contents of an annex calls the blocks; one of a laboratory is called by its name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A line of the table of page 1: a requirement and the result that it judges, or a result that none judges."""

    title: Words
    quantity: str
    specimen: str
    result: Result | None
    conformity: Conformity | None


def parts_of(report: Report) -> tuple[tuple[Part, str], ...]:
    """The PDF files of a report: what each holds, and its name. The first carries the data."""
    if report.layout == "certificate" and report.annex == "apart":
        return ("certificate", "report.pdf"), ("annex", "annex.pdf")
    return (("whole", "report.pdf"),)


def reading(report: Report) -> Text:
    """One sentence on what a report means for who is to accept what was inspected.

    It follows from the verdict, that of the lot where there is one, and from whether the method was kept
    (ISO/IEC 17025:2017, 7.8.6): where they point different ways it says what that leaves to the customer.
    """
    kept = {True: "kept", False: "not_kept", None: "not_told"}[report.conforming]
    checked = [check for check in report.checks if check.scope in ("method", "calibration")]
    state = _state(report)
    wanted = {"fail"} if state == "fail" else {one.decision for one in report.conformities} - {"pass"}
    missed = sum(one.decision in wanted for one in report.conformities)
    return Text(
        f"certificate.{state}_{kept}",
        edition=designation(report.standard),
        missed=missed,
        what=Text("certificate.what_one")
        if len(report.conformities) == 1
        else Text("certificate.what_some", missed=missed, requirements=len(report.conformities)),
        broken=len(failed_rules(report)),
        rules=len(checked),
        lot="" if report.lot is None else report.lot.lot.id,
    )


def _state(report: Report) -> str:
    """Name what the verdicts come to."""
    if report.lot is not None:
        return f"lot_{report.lot.verdict.replace(' ', '_')}"
    decisions = {one.decision for one in report.conformities}
    if not decisions:
        return "no_requirement"
    if decisions == {"pass"}:
        return "pass"
    found = next(
        name
        for name in ("fail", "undecided", "not stated", "conditional fail", "conditional pass")
        if name in decisions
    )
    return found.replace(" ", "_")


def rows(report: Report) -> tuple[Row, ...]:
    """Every requirement with its result, the worst verdict first and of equal ones what is the least likely to conform,
    then the main results that none judges."""
    judged = sorted(
        report.conformities,
        key=lambda one: (SEVERITY.index(one.decision), 1.0 if one.probability is None else one.probability),
    )
    found = {(one.quantity, one.specimen): one for one in report.results}
    taken = {(one.quantity, one.specimen) for one in judged}
    of_requirements = [
        Row(
            title=_title(found.get((one.quantity, one.specimen)), report, one.quantity),
            quantity=one.quantity,
            specimen=one.specimen,
            result=found.get((one.quantity, one.specimen)),
            conformity=one,
        )
        for one in judged
    ]
    others = [
        Row(title=one.title or one.quantity, quantity=one.quantity, specimen=one.specimen, result=one, conformity=None)
        for one in main_results(report.results)
        if (one.quantity, one.specimen) not in taken
    ]
    return (*of_requirements, *others)


def _title(result: Result | None, report: Report, quantity: str) -> Words:
    if result is not None:
        return result.title or quantity
    return next((one.title for one in report.results if one.quantity == quantity and one.title), quantity)


def counts(report: Report) -> tuple[Words, ...]:
    """How many requirements there are of each verdict, the worst first."""
    decisions = [one.decision for one in report.conformities]
    return tuple(
        Text("certificate.count_of", n=decisions.count(word), verdict=text.term(word))
        for word in SEVERITY
        if word in decisions
    )


def failed(report: Report) -> tuple[Check, ...]:
    """The rules of the method that were not kept and that the certificate names."""
    return failed_rules(report)[:MOST_FAILED]


def certified(entries: Mapping[str, str]) -> tuple[str, ...]:
    """Names of the fields of a header that the certificate shows: those that are stated, in a few words."""
    return tuple(name for name in (*CERTIFIED, *PICTURED) if 0 < len(entries.get(name, "")) <= _LONGEST)


def field_of(report: Report, shown: Sequence[MicrographRecord]) -> MicrographRecord | None:
    """The field that the certificate pictures: the first of the specimen that is judged worst, among those shown."""
    if not shown:
        return None
    worst = next((row.specimen for row in rows(report) if row.conformity is not None), "")
    return next((record for record in shown if record.specimen == worst), shown[0])


def width_of(record: MicrographRecord) -> Words:
    """How wide a field is, and how many times larger it is printed; empty without a scale."""
    if record.calibration.pixel_um is None:
        return ""
    width_um = record.width_px * record.calibration.pixel_um
    width = f"{text.short(width_um / 1000, 3)} mm" if width_um >= 1000 else f"{text.short(width_um, 3)} um"
    times = float(f"{1000 * PLATE_MM / width_um:.2g}")
    return Text("certificate.field_width", width=text.prose(width), times=text.short(times, 3))


def strips_of(every: Sequence[Row], strips: Sequence[Strip], language: str) -> dict[float, Strip]:
    """The axis of the requirement that is judged worst, by its height [mm], the best first: of all its specimens, or of
    those that are judged worst."""
    titles = [said(row.title, language) for row in every]
    worst = next((title for row, title in zip(every, titles, strict=True) if row.conformity and row.result), None)
    found = next((one for one in strips if said(one.title, language) == worst), None)
    if found is None:
        return {}
    named = list(dict.fromkeys(row.specimen for row, title in zip(every, titles, strict=True) if title == worst))
    some = [
        replace(found, rows=tuple(row for row in found.rows if row.name in named[:most]))
        for most in (MOST_ON_AXIS, 2, 1)
    ]
    return {strip_mm(one): one for one in (*([found] if len(found.rows) <= MOST_ON_AXIS else []), *some) if one.rows}


def chart_of(report: Report) -> Chart | None:
    """The chart of a certificate that judges nothing: the first, which a recipe makes of its main result."""
    return report.charts[0] if report.charts else None


def shown(
    report: Report,
    identified: Sequence[Mapping[str, str]],
    field: MicrographRecord | None,
    blocks: Sequence[str],
    paper: str,
    language: str,
    strips: Sequence[Strip] = (),
) -> dict[str, object]:
    """What the template of the certificate and that of the annex ask for.

    Parameters
    ----------
    report : Report
        In the words of the page.
    identified : sequence of mapping
        Entries of the identification: "field", "letter", "label" and "text".
    field : MicrographRecord, optional
        The field that the certificate pictures.
    blocks : sequence of str
        Of the template: those of the annex are all but the summary, in whose place the certificate stands.
    paper : str
        "A4" or "letter".
    language : str
        Of the page.
    strips : sequence of Strip
        Judged quantities with their limits: that of the worst verdict stands in the place of the chart.
    """
    texts = {entry["field"]: entry["text"] for entry in identified}
    sources = tuple(
        dict.fromkeys(one.requirement.source or Text("page.unstated_source") for one in report.conformities)
    )
    rules = tuple(
        dict.fromkeys((text.rule(one.requirement), text.rule_text(one.requirement)) for one in report.conformities)
    )[:MOST_RULES]
    every = rows(report)
    made = [texts[name] for name in PICTURED if name in certified(texts)]
    doubts = doubts_of(report, every[:MOST_ROWS])
    plate_mm = 0.0 if field is None else min(PLATE_HIGH_MM, 7 + PLATE_MM * field.height_px / field.width_px)
    field_mm = space.field_mm(paper, plate_mm, " ".join(made)) if field is not None else 0.0
    fitting = space.front(
        paper,
        title=report.title,
        lede=f"{said(designation(report.standard), language)} {said(report.standard.title, language)}",
        sentence=said(reading(report), language),
        rows=[
            (
                said(row.title, language),
                (row.conformity is not None and (len(sources) > 1 or _open(row)))
                + (row.result is not None and row.result.rating is not None),
            )
            for row in every[:MOST_ROWS]
        ],
        doubts="; ".join(said(one, language) for one in doubts[:MOST_DOUBTS]),
        rules=[f"{said(name, language)} {said(means, language)}" for name, means in rules],
        entries=[texts[name] for name in CERTIFIED if name in certified(texts)],
        lot=report.lot is not None,
        field_mm=field_mm,
    )
    names = [name for name in CERTIFIED if name in certified(texts)][: fitting.entries]
    names += [name for name in PICTURED if name in certified(texts)]
    on_axis = strips_of(every, strips, language)
    chart = None if on_axis else chart_of(report)
    behind = space.back(
        paper,
        failed=[f"{said(check.name, language)} {said(check.clause, language)}" for check in failed(report)],
        remarks=[said(one, language) for one in report.warnings[:MOST_REMARKS]],
        field_mm=0.0 if fitting.field else field_mm,
        charts_mm=tuple(on_axis) or (CHARTS_MM if chart is not None else ()),
    )
    return {
        "apart": report.annex == "apart",
        "reading": reading(report),
        "rows": every[: fitting.rows],
        "more": len(every) - fitting.rows,
        "counts": counts(report),
        "doubts": doubts[:MOST_DOUBTS],
        "more_doubts": len(doubts[MOST_DOUBTS:]),
        "source": sources[0] if len(sources) == 1 else "",
        "rules": [
            {"name": said(name, language), "text": said(means, language)} for name, means in rules[: fitting.rules]
        ],
        "failed": failed(report),
        "remarks": report.warnings[: behind.remarks],
        "entries": sorted(
            (entry for entry in identified if entry["field"] in names and entry["field"] in CERTIFIED),
            key=lambda entry: CERTIFIED.index(entry["field"]),
        ),
        "names": (*HEAD, *names),
        "field": field,
        "field_in_front": fitting.field,
        "made": made,
        "field_width": "" if field is None else width_of(field),
        "strip": on_axis.get(behind.chart_mm),
        "chart": chart if behind.chart_mm else None,
        "chart_mm": (space.CHART_WIDE_MM, behind.chart_mm),
        "blocks": tuple(block for block in blocks if block != "summary"),
        "titles": TITLES,
    }


def doubts_of(report: Report, every: Sequence[Row]) -> tuple[Words, ...]:
    """Checks by which results cannot be believed as they stand; not those of a row whose verdict is open for them."""
    names = [
        check.name
        for check in report.checks
        if any(
            check.specimen in ("", row.specimen) and plausibility.doubts(check, row.quantity)
            for row in every
            if row.result is not None and not _open(row)
        )
    ]
    return tuple(dict.fromkeys(names))


def _open(row: Row) -> bool:
    """Whether a row says beside its verdict why nothing was decided."""
    return row.conformity is not None and row.conformity.decision not in ("pass", "fail")
