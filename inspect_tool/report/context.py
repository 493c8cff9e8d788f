"""What a page shows of a report: its values by the names that templates know, in words of the language."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import Any

from markupsafe import Markup

from inspect_tool.evidence import edits
from inspect_tool.evidence.masks import attached, masks_of
from inspect_tool.languages import ENGLISH, Text, Words, is_text, joined, key_of, named, recognized, said, translated
from inspect_tool.model import Chart, Component, EditionValue, MicrographRecord, Report, Result, Table, Wording
from inspect_tool.report import certificate, charts, field_pictures, judged, screen, text
from inspect_tool.report.build import (
    IDENTIFICATION,
    SECTION_STATISTICS,
    failed_rules,
    main_results,
    missing_in_case,
    specimens,
    wording_of,
    worst_first,
)
from inspect_tool.report.certificate import Part
from inspect_tool.report.selection import deciding, shortened, shown_fields
from inspect_tool.report.tables import parts, slim, transposed
from inspect_tool.report.template import MIME, Medium, TemplateSettings, data_uri
from inspect_tool.scale.calibration import difference
from inspect_tool.standards.editions import designation
from inspect_tool.statistics.uncertainty import dominant

_COUNTS = ("figure", "grid", "hit", "count")  # layers with marks that a reader counts again
_QUIET = "grain_size.local_grain_size"  # layer of labels: switched off until a reader asks for it
_TOOLKIT_RULE = "standards.clause_toolkit_rule"
_STATED = "scale.check_uncertainty_stated"  # a check whose limit of 0 says no more than that there must be a value


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetLine:
    """A line of an uncertainty budget and its share of the variance."""

    component: Component
    share: float
    dominant: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """The budget of one result, largest line first."""

    result: Result
    lines: tuple[BudgetLine, ...]


def page_values(
    report: Report, settings: TemplateSettings, folder: Path, medium: Medium, language: str, *, anew: bool, part: Part
) -> dict[str, object]:
    """What a page shows of a report: what it is called by, in words of the language."""
    wording = wording_of(report.recipe)
    places = edits.places(report)
    layers = [layer.name for record in report.micrographs for layer in record.layers]
    standard = replace(report.standard, title=recognized("editions", report.standard.title))
    checks = tuple(replace(check, clause=_clause(check.clause)) for check in report.checks)
    on_axes = [judged.on_axis(chart, report, wording) for chart in report.charts]
    strips = judged.strips(report)
    report = translated(replace(report, standard=standard, checks=checks), language)
    to_be_stated = {text.prose(check.name) for check in checks if is_text(check.name, _STATED)}
    edits_title = next((text.prose(made.title) for made in report.tables if is_text(made.title, edits.TABLE.key)), None)
    report = _worded(report, language)
    axes = dict(zip(report.charts, on_axes, strict=True))
    report = replace(report, header=replace(report.header, date_of_issue=report.issued or report.header.date_of_issue))
    stated = replace(report.header, deviations=_deviations(report))
    main = main_results(report.results)
    across = _better_across(report)
    shown, others = _budgets_shown(report, main, settings, medium)
    sizes, printed = settings.sizes, medium == "print"
    inside = None if printed else screen.inside(report, folder, sizes.most_fields_on_screen, sizes.most_mb_on_screen)
    pictured = (
        shown_fields(report.fields, report.micrographs, report.results, sizes.most_fields)
        if inside is None
        else inside.fields
    )

    identified = [
        {
            "field": item.field,
            "letter": item.letter,
            "label": said(item.label, language),
            "text": str(getattr(stated, item.field)).strip(),
        }
        for item in IDENTIFICATION
    ]
    annexed = printed and report.layout == "certificate"
    pictures = [report.micrographs[i] for i in pictured]
    on_certificate = certificate.field_of(report, pictures) if annexed else None

    def shorten(table: Table) -> Table:
        return translated(shortened(table, sizes.most_rows), language) if printed else table

    found = {
        "report": report,
        "wording": wording,
        "edition": designation(report.standard),
        "main": main,
        "uneven": _some_uneven(report.results),
        "uneven_main": _some_uneven(main),
        "failed_rules": failed_rules(report),
        "specimens": specimens(report),
        "identification": identified,
        "missing_in_case": missing_in_case(stated),
        "deviations": stated.deviations,
        "rules": [
            {"name": said(name, language), "text": said(meaning, language)}
            for name, meaning in dict.fromkeys(
                (text.rule(item.requirement), text.rule_text(item.requirement)) for item in report.conformities
            )
        ],
        "budgets": [_budget(result) for result in shown],
        "other_budgets": [_budget(result) for result in others],
        "worst_first": worst_first(report.conformities),
        "marked": any(word in name for name in layers for word in _COUNTS),
        "figure_drawn": any("figure" in name for name in layers),
        "anew": anew,
        "to_be_stated": translated(tuple(to_be_stated), language),
        "dense": _is_dense(report, main, more=anew + _longer(report, language)),  # English is the shortest
        "images": _image_notes(report),
        **_scales(report, language),
        "evidence": _evidence_note(report),
        "values_compared": _values_compared(report, language),
        "fields_across": transposed(report.fields, tuple(result.quantity for result in main), wording)
        if across
        else None,
        "tables": [shorten(made) for made in report.tables if not (across and _is_section_statistics(made))],
        "places": translated(tuple(places), language),
        "edits_title": edits_title,
        "objects": _object_counts(report, wording),
        "annexed": annexed,
        "part": part,
        "certificate": certificate.shown(
            report, identified, on_certificate, settings.blocks, settings.paper, language, translated(strips, language)
        )
        if annexed
        else None,
        "fields_shown": [record for record in pictures if record is not on_certificate],
        "shown_by": text.heading(deciding(report.fields, report.results), wording),
        "fields_beside": [record for i, record in enumerate(report.micrographs) if i not in pictured],
        "field_tables": parts(slim(shorten(report.fields)), sizes.most_columns),
        "images_listed": report.micrographs[: sizes.most_rows] if printed else report.micrographs,
        "feature_tables": _feature_tables(report, settings),
        "main_of": lambda specimen: [result for result in main if result.specimen == specimen],
        "verdict_of": lambda result: [
            item for item in report.conformities if (item.quantity, item.specimen) == (result.quantity, result.specimen)
        ],
        "title_of": lambda item: next(
            (result.title for result in report.results if result.quantity == item.quantity and result.title),
            item.quantity,
        ),
        "parts": lambda table: parts(slim(table), settings.sizes.most_columns + 2),
        "legend": lambda record: _legend(record, language),
        "quiet": tuple(said(name, language) for name in layers if is_text(name, _QUIET)),
        "chart": lambda chart, width=84.0, height=56.0: _chart(
            chart, width, height, language, axes.get(chart, judged.NOTHING)
        ),
        "strips": strips,
        "strip": lambda strip, width=84.0: _strip(strip, width, language),
        **({} if inside is None else _inside(report, inside, language, wording)),
    }
    return translated(found, language)


def _inside(report: Report, inside: screen.Inside, language: str, wording: Wording) -> dict[str, object]:
    """What only the page on the screen shows."""
    return {
        "numbers_shown": [place + 1 for place in inside.fields],
        "features_inside": len(report.features.rows if inside.rows is None else inside.rows),
        "reading": certificate.reading(report),
        "rows_of_worst": screen.rows_of_worst(report, inside),
        "feature_data": lambda: map(Markup, screen.feature_data(report, inside, language, wording)),
    }


def _clause(clause: Words) -> Words:
    """Make the words of a rule of a standard, behind the name of its edition, the sentence that they are."""
    if is_text(clause, _TOOLKIT_RULE) and isinstance(clause, Text):
        return Text(_TOOLKIT_RULE, clause=recognized("clauses", str(clause.values.get("clause", ""))))
    edition, colon, words = clause.partition(": ")
    rule = recognized("clauses", words)
    return joined("", (edition + colon, rule)) if isinstance(rule, Text) else clause


def _is_section_statistics(table: Table) -> bool:
    found = [key_of(name, "words") for name in table.columns[:3]]
    return found == [key_of(name, "words") for name in SECTION_STATISTICS]


def _deviations(report: Report) -> str:
    """Deviations that the laboratory states, and those in how was measured, which a "none" does not deny."""
    said = report.header.deviations.strip()
    if report.deviations and said.lower() == "none":
        said = ""
    return "; ".join(filter(None, (said, *report.deviations)))


def _worded(report: Report, language: str) -> Report:
    """Word the texts of a report for the reader: units, signs and editions as on paper."""
    standard = report.standard
    names = [
        text.prose(said(designation(standard), each)) for each in (language, ENGLISH)
    ]  # as plain words in old ones
    say = text.prose

    def say_clause(words: str) -> str:
        return "" if say(words) in names else say(words)  # the whole standard: its name stands in the head

    def say_rule(words: str) -> str:
        return say(words).removeprefix(f"{names[0]}: ").removeprefix(f"{names[1]}: ")

    def say_table(table: Table) -> Table:
        units = {
            i for i, name in enumerate(table.columns) if key_of(name, "words") == "words.unit"
        }  # for ``text.unit``
        rows = tuple(
            tuple(say(cell) if isinstance(cell, str) and i not in units else cell for i, cell in enumerate(row))
            for row in table.rows
        )
        return replace(table, title=say(table.title), rows=rows, note=say(table.note))

    return replace(
        report,
        warnings=tuple(say(warning) for warning in report.warnings),
        criteria=replace(
            report.criteria,
            conflicts=tuple(say(conflict) for conflict in report.criteria.conflicts),
            agreements=tuple(say(agreement) for agreement in report.criteria.agreements),
        ),
        statements=tuple(replace(made, name=say(made.name), text=say(made.text)) for made in report.statements),
        results=tuple(
            replace(
                result,
                title=say(result.title),
                clause=say_clause(result.clause),
                definition=say(text.definition(result.definition)),
                budget=tuple(replace(line, basis=say(line.basis)) for line in result.budget),
            )
            for result in report.results
        ),
        checks=tuple(
            replace(check, name=say(check.name), clause=say_rule(check.clause), note=say(check.note))
            for check in report.checks
        ),
        conformities=tuple(replace(item, reason=say(item.reason)) for item in report.conformities),
        tables=tuple(say_table(table) for table in report.tables),
        micrographs=tuple(
            replace(record, notes=tuple(say(note) for note in record.notes)) for record in report.micrographs
        ),
        worst=tuple(replace(item, caption=say(item.caption)) for item in report.worst),
    )


def _values_compared(report: Report, language: str) -> list[dict[str, object]]:
    """Values of published texts that are used, edition by edition: who compared them, and which nobody did."""
    found: list[dict[str, object]] = []
    for edition in report.editions:
        groups: dict[tuple[str, str, str, str], list[str]] = {}
        for value in edition.values:
            day = text.day(value.day) if value.day is not None else ""
            groups.setdefault((value.state, value.by, day, value.text), []).append(_value_of(value, language))
        lines = [
            said(Text("page.values_open", values=tuple(values)), language)
            if state == "not compared"
            else said(Text(_STATES[state], by=by, day=day, text=copy, values=tuple(values)), language)
            for (state, by, day, copy), values in groups.items()
        ]
        if edition.outdated:
            lines.append(said(Text("page.values_outdated"), language))
        if lines:
            found.append({"head": said(Text("page.values_head", edition=edition.edition), language), "lines": lines})
    return found


_STATES = {"agrees": "page.values_agree", "differs": "page.values_differ"}


def _value_of(value: EditionValue, language: str) -> str:
    """A value of an edition as a page names it: "Counts in all fields ≥ 400"."""
    if value.value is None:
        shown: Words = Text("page.values_table", name=value.name)
    else:
        sign = text.relation(value.relation) if value.relation else "="
        name = text.prose(said(value.name, language)) if value.relation else value.name
        shown = f"{name} {sign} {said(text.found(value.value, value.unit), language)}"
    return said(Text("page.values_note", value=shown, note=value.note) if value.note else shown, language)


def _some_uneven(results: Sequence[Result]) -> bool:
    return any(text.uneven(one.value, one.expanded_u, one.interval) for one in results)


def _budgets_shown(
    report: Report, main: tuple[Result, ...], settings: TemplateSettings, medium: Medium
) -> tuple[list[Result], list[Result]]:
    """Sort results into those whose budget is printed line by line and those of which one line is enough."""
    found = [result for result in main if result.budget]
    rest = [result for result in report.results if result.budget and result not in found]
    if medium == "screen":
        return found + rest, []
    if not found:
        found, rest = rest, []
    return found[: settings.sizes.most_budgets], found[settings.sizes.most_budgets :] + rest


def _object_counts(report: Report, wording: Wording) -> str:
    """Count what was measured one by one: 1905 grains, 41 joints; empty without features."""
    if not report.features.rows:
        return ""
    names = {
        str(name)
        for record in report.micrographs
        for number, name in dict(record.segmentation.get("classes", {})).items()
        if int(number) > 0
    }
    own = names.pop() if len(names) == 1 else ""
    count = text.plural(len(report.features.rows), wording.feature or own or "feature")
    return Text("page.features_of", features=count, name=text.term(own)) if own and wording.tells_class else count


def _budget(result: Result) -> Budget:
    total = sum(line.u**2 for line in result.budget)
    largest = dominant(result.budget)
    lines = [
        BudgetLine(component=line, share=line.u**2 / total if total else 0.0, dominant=line is largest)
        for line in result.budget
    ]
    return Budget(result=result, lines=tuple(sorted(lines, key=lambda line: -line.share)))


def _better_across(report: Report) -> bool:
    return 0 < len(report.fields.rows) <= 10


def _is_dense(report: Report, main: tuple[Result, ...], more: int) -> bool:
    """Tell whether page 1 has more to say than fits in its ordinary size; ``more``: lines besides those of the data."""
    said = [f"{check.name} {check.clause}" for check in failed_rules(report)[:7]] + list(report.warnings[:8])
    lines = sum(1 + len(sentence) // 85 for sentence in said) + bool(report.not_stated)
    lines += 4 * (report.lot is not None)
    lines += 3 * min(len(report.conformities), 4) + 2 * max(0, min(len(main), 13) - 2)
    return lines + more + len(report.title) // 40 > 12


def _longer(report: Report, language: str) -> int:
    """Lines that page 1 has more in another language than in English, which is the shortest: of a verdict two."""
    return 0 if language == ENGLISH else 1 + 2 * min(len(report.conformities), 4)


def _image_notes(report: Report) -> dict[str, object]:
    """Sort what is known of every image into what all have in common and what differs."""
    records = report.micrographs
    asked = {name: text.setting(value, 4) for name, value in report.provenance.backend.items()}
    known: list[dict[str, Words]] = []
    for record in records:
        facts = {} if record.scale_sources else {"scale": text.prose(record.calibration.note)}
        whole = {"crop_offset_px": "0, 0", "original_shape_px": f"{record.height_px} x {record.width_px}"}
        facts |= {
            name: value
            for name, value in record.meta.items()
            if value not in record.calibration.note and whole.get(name) != value
        }
        notes: dict[str, Words] = {name: joined(": ", (_fact(name), value)) for name, value in facts.items()}
        found = {name: text.setting(value, 4) for name, value in record.segmentation.get("settings", {}).items()}
        notes |= {name: joined(" = ", (name, value)) for name, value in found.items() if asked.get(name) != value}
        # long lists stand in report.json
        known.append({name: note for name, note in notes.items() if len(note) <= len(name) + 3 + _LONGEST_NOTE})
    first = known[0] if known else {}
    same = {name: value for name, value in first.items() if all(notes.get(name) == value for notes in known)}

    weights = (record.segmentation.get("weights_sha256") for record in records)
    return {
        "weights": tuple(dict.fromkeys(filter(None, weights))),
        "common": tuple(same.values()),
        "single": tuple(tuple(note for name, note in notes.items() if name not in same) for notes in known),
    }


def _fact(name: str) -> Words:
    """Name of what a reader or the region says of an image."""
    return named("readers", name.replace("_", " "))


_LONGEST_NOTE = 160  # letters
_MOST_SCALES = 4  # groups of images whose scale is told alike; more would fill pages with the same numbers


def _scales(report: Report, language: str) -> dict[str, object]:
    """Group the images whose scale is told by the same sources with the same numbers."""
    groups: dict[Any, list[MicrographRecord]] = {}
    for record in report.micrographs:
        key = replace(record.calibration, note=""), tuple((s.kind, s.pixel_um, s.used) for s in record.scale_sources)
        groups.setdefault(key, []).append(record)
    shown = []
    for records in list(groups.values())[:_MOST_SCALES]:
        first = records[0]
        pairs = [difference(one, other) for one, other in combinations(first.scale_sources, 2)]
        apart, limit = max(pairs, key=lambda pair: pair[0] / pair[1], default=(None, None))
        shown.append(
            {
                "calibration": first.calibration,
                "sources": first.scale_sources,
                "images": said(text.listed([text.file_name(record.image) for record in records]), language),
                "apart": apart,
                "limit": limit,
                "xray": first.modality == "xray",
                "pixels": [record.meta["pixels"] for record in records[:1] if "pixels" in record.meta],
            }
        )
    return {"scales": shown, "scales_left_out": sum(len(r) for r in list(groups.values())[_MOST_SCALES:])}


def _evidence_note(report: Report) -> str:
    """Say what travels with the report to recompute it from; empty when there is none."""
    masks = masks_of(report)
    gaps = dict.fromkeys(
        record.evidence.gap for record in report.micrographs if record.evidence is not None and record.evidence.gap
    )
    if gaps:
        return Text("page.evidence_incomplete", gaps=tuple(gaps))
    if not masks:
        return ""
    key = "page.evidence_attached" if attached(report) else "page.evidence_in_folder"
    size = text.short(sum(mask.size for mask in masks) / 1e6, 2)
    return Text(key, images=text.plural(len(masks), "label image"), size=size)


def _feature_tables(report: Report, settings: TemplateSettings) -> tuple[Table, ...]:
    if not 0 < len(report.features.rows) <= settings.sizes.most_features:
        return ()
    table = slim(report.features)
    left_out = {"row_px", "column_px"} | ({"feature"} if "joint" in table.columns else set())
    keep = [i for i, name in enumerate(table.columns) if name not in left_out]
    columns = tuple(table.columns[i] for i in keep)
    rows = tuple(tuple(row[i] for i in keep) for row in table.rows)
    return parts(replace(table, columns=columns, rows=rows), settings.sizes.most_columns + 2)


def _legend(record: MicrographRecord, language: str) -> list[dict[str, str]]:
    """Colors of the classes of a semantic segmentation, as they are drawn on the overlay."""
    classes = record.segmentation.get("classes", {})
    if not isinstance(classes, Mapping):
        return []
    if record.segmentation.get("kind") == "instance":
        color = "#{:02x}{:02x}{:02x}".format(*field_pictures.BOUNDARY)
        names = [str(name) for number, name in classes.items() if int(number) > 0]
        return [{"name": said(_outline_of(name), language), "color": color} for name in names]
    named = sorted((int(number), str(name)) for number, name in classes.items() if int(number) > 0)
    return [
        {
            "name": said(text.term(name), language),
            "color": "#{:02x}{:02x}{:02x}".format(*field_pictures.CLASS_COLORS[i % len(field_pictures.CLASS_COLORS)]),
        }
        for i, (_, name) in enumerate(named)
    ]


def _outline_of(name: str) -> str:
    return Text("page.outline_of", name=text.term(name))


def _chart(chart: Chart, width_mm: float, height_mm: float, language: str, on: judged.OnAxis) -> str:
    return data_uri(charts.chart_svg(chart, width_mm, height_mm, language, on).encode(), MIME[".svg"])


def _strip(strip: judged.Strip, width_mm: float, language: str) -> str:
    return data_uri(charts.strip_svg(strip, width_mm, language).encode(), MIME[".svg"])
