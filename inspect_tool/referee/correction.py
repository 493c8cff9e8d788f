"""Put the answers of a person into the results of a job: machine alone, correction, corrected result."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import hypot, sqrt

from inspect_tool.errors import ReadError
from inspect_tool.files import sha256_bytes
from inspect_tool.languages import Text, joined, key_of
from inspect_tool.model import Check, Component, Findings, Result, Statement, Table
from inspect_tool.referee import crossings, design, history, joints, shares, thicknesses
from inspect_tool.referee.estimate import Corrected, levels
from inspect_tool.referee.layer_lines import EDGES, LayerLines
from inspect_tool.referee.ledger import CANNOT_TELL, Answer, Answers, Given, name_of, text_of
from inspect_tool.referee.population import Population
from inspect_tool.statistics.uncertainty import coverage_factor, evaluated, expanded

TABLE = Text("referee.check_by_hand_title")
"""Title of the table of a report."""

_SCATTER = (
    "budget.between_fields",
    "budget.between_sections",
    "budget.between_joints",
    "budget.scatter_inside_the_fields",
    "budget.no_pore_found",
    "budget.no_void_found",
    "budget.sampling_from_a_model",
)
"""Keys of the lines of a budget that are about where the fields lie, whoever reads them."""

_ANYWAY = ("budget.scale", "budget.tilt_of_the_section", "budget.interfaces")
"""Keys of the lines that no answer changes either: a person sees interfaces to a part of a pixel, too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """What a person found at a random sample of points or lines."""

    what: str  # the sample is of: points, lines
    person: str
    day: str
    points: int  # (or lines) that count, of every specimen
    planned: int
    stages: tuple[int, ...]  # numbers of them at which one may stop
    method: str  # what was asked and how a result is made of the answers, one or more sentences
    untold: int  # of all that count: could not be told, or have no answer
    sample: str  # its id
    others: str  # what became of the samples that were drawn beside it; empty: there are none
    files: int  # of answers that were recorded to this sample
    last: str  # entry of the ledger of them: its file and SHA-256
    results: tuple[Corrected, ...]
    beside: joints.Beside  # tables, checks and lines of page 1 of their own


def corrected(found: Population, given: Given) -> Correction:
    """Estimate every result of a job that the answers of a person correct.

    Parameters
    ----------
    found : Population
        Of the job as it is measured now.
    given : Given
        Answers, their sample, and the ledger.

    Raises
    ------
    ReadError
        The sample is one of other images, settings or masks; it is answered with other classes, or not to the end of
        a stage.
    """
    sample, answers, where = given.sample, given.answers, given.where
    names = tuple(one.name for one in found.classes)
    if (sample.recipe, sample.classes, sample.fields) != (found.recipe, names, found.fields):
        msg = (
            f"{where}: the sample was drawn from other images, settings or masks than are measured now; "
            "draw one again with inspect-tool referee"
        )
        raise ReadError(msg)
    _check_values(answers, found, names, where)
    places = design.drawn(found.areas, sample.points, sample.id, found.stage)
    beyond = next((one for one in answers.answers if not 0 <= one.n < len(places)), None)
    if beyond is not None:
        msg = f"{where}: item {beyond.n} is none of the {len(places)} of the sample"
        raise ReadError(msg)
    specimens = len(design.weights(found.areas))
    stages = design.stages_of(sample.points, found.stage)
    points = _counting(answers, stages, specimens, found.what, where)
    level = levels(len(stages))[stages.index(points)]
    said = {one.n: one for one in answers.answers}
    counted = [
        (place, said.get(n, Answer(n=n, value=CANNOT_TELL))) for n, place in enumerate(places[: points * specimens])
    ]
    results, beside, method = _estimated(found, counted, level)
    return Correction(
        what=found.what,
        person=answers.person,
        day=answers.saved[:10],
        points=points,
        planned=sample.points,
        stages=stages,
        method=method,
        untold=sum(one.value == CANNOT_TELL for _, one in counted),
        sample=sample.id,
        others=history.told(given.entries, sample.id),
        files=sum(entry.answers is not None and entry.answers.sample == sample.id for entry in given.entries),
        last=f"{name_of(given.entries[-1])}: {sha256_bytes(text_of(given.entries[-1]))}",
        results=results,
        beside=beside,
    )


def _estimated(
    found: Population, counted: Sequence[tuple[design.Place, Answer]], level: float
) -> tuple[tuple[Corrected, ...], joints.Beside, str]:
    """What the answers say, and by which method."""
    if found.joints:
        return *joints.corrected(found, counted, level), joints.METHOD
    if isinstance(found.lines, LayerLines):
        return thicknesses.corrected(found, found.lines, counted, level), joints.Beside(), thicknesses.METHOD
    if found.lines is not None:
        return crossings.corrected(found, found.lines, counted, level), joints.Beside(), crossings.METHOD
    return shares.corrected(found, counted, level), joints.Beside(), shares.METHOD


def _check_values(answers: Answers, found: Population, names: Sequence[str], where: str) -> None:
    values = (tuple(names) if found.lines is None else (crossings.DONE,)) + (CANNOT_TELL,)
    for one in answers.answers:
        if isinstance(found.lines, LayerLines) and one.value == crossings.DONE and len(one.marks) != EDGES:
            msg = f"{where}: item {one.n}: {len(one.marks)} marks; a layer begins and ends: {EDGES} are needed"
            raise ReadError(msg)
        said = [(one.value, values), *((mark.value, names) for mark in one.marks)]
        strange = next(((value, known) for value, known in said if value not in known), None)
        if strange is not None:
            msg = f"{where}: item {one.n}: '{strange[0]}' is none of {', '.join(strange[1])}"
            raise ReadError(msg)


def _counting(answers: Answers, stages: Sequence[int], specimens: int, what: str, where: str) -> int:
    """Number of points of a specimen that count: up to the last stage that is answered to its end."""
    given = max((one.n for one in answers.answers), default=-1) + 1
    reached = [stage for stage in stages if stage * specimens <= given]
    if not reached:
        msg = f"{where}: {given} of {stages[0] * specimens} {what} are answered; go on to the end of the first stage"
        raise ReadError(msg)
    return reached[-1]


# ---------------------------------------------------------------------------------------------------- the results


def applied(findings: Findings, correction: Correction | None) -> Findings:
    """Put a correction into the results that it is for, and say so; without one the findings stay as they are.

    The corrected result has two lines: the scatter of the fields as before, wider where the corrected share scatters
    more, and the points of the person. What doubted the segmentation does not doubt it any more; results that rest on
    the segmentation and are not corrected are doubted where the person found it wrong.
    """
    if correction is None:
        return findings
    own = {(one.specimen, one.quantity): one for one in correction.results}
    before = {(one.specimen, one.quantity): one for one in findings.results}
    results = tuple(
        _result(one, own[one.specimen, one.quantity], correction) if (one.specimen, one.quantity) in own else one
        for one in findings.results
    )
    after = {(one.specimen, one.quantity): one for one in results}
    pairs = [(before[key], after[key], own[key]) for key in own if key in before]
    return replace(
        findings,
        results=results,
        checks=(
            *(_settled(check, correction) for check in findings.checks),
            *_others(pairs, findings.results, correction),
            *correction.beside.checks,
        ),
        statements=(*findings.statements, _statement(correction)),
        tables=(*findings.tables, _table(pairs, correction.what), *correction.beside.tables),
        warnings=(*findings.warnings, _told(pairs, correction), *correction.beside.warnings),
    )


def scatter_of(result: Result) -> float:
    """Expanded uncertainty of a result that no answer narrows: where its fields lie. [unit of the result]"""
    return expanded(line for line in result.budget if key_of(line.name, "budget") in (*_SCATTER, *_ANYWAY))


def _result(result: Result, one: Corrected, correction: Correction) -> Result:
    """The corrected result; the interval leans to the side on which rare errors may hide."""
    value, low, high = one.found.value, one.found.low, one.found.high
    scatter = tuple(
        _scattering(line, result, one) for line in result.budget if key_of(line.name, "budget") in (*_SCATTER, *_ANYWAY)
    )
    wide = expanded(scatter)
    basis = Text(
        "referee.basis_check_by_hand",
        points=correction.points,
        what=correction.what,
        person=correction.person,
        day=correction.day,
        low=low,
        high=high,
        unit=result.unit,
        coverage_factor=coverage_factor(None),
    )
    side = max(value - low, high - value)
    made = replace(
        result,
        value=value,
        definition=one.definition,
        title=Text("referee.title_corrected_by_hand", title=result.title or result.quantity),
        clause=Text("referee.clause_check_in_place_of", clause=result.clause)
        if result.clause
        else Text("referee.clause_check_by_hand"),
        budget=(
            *scatter,
            Component(name=Text("budget.check_by_hand"), u=side / coverage_factor(None), kind="A", basis=basis),
        ),
        u=None,
        expanded_u=None,
        interval=(
            max(one.limits[0], value - hypot(value - low, wide)),
            min(one.limits[1], value + hypot(high - value, wide)),
        ),
        rounded=one.rounded,
    )
    return evaluated(made)


def _scattering(line: Component, machine: Result, one: Corrected) -> Component:
    """A line of field scatter for the corrected structure, never narrower: the fields scatter as the answers say."""
    u = line.u * one.sensitivity
    if key_of(line.name, "budget") in _ANYWAY or u <= 0:
        return replace(line, u=u)
    more = max(
        1.0,
        one.wider,
        one.between / sqrt(machine.n) / u if key_of(line.name, "budget") == "budget.between_fields" else 1.0,
    )
    basis = Text("referee.basis_wider_by_answers", basis=line.basis, more=more) if more > 1 else line.basis
    return replace(line, u=u * more, basis=basis)


def _settled(check: Check, correction: Correction) -> Check:
    """A doubt of the segmentation does not reach a result that does not rest on it any more."""
    if check.scope != "plausibility" or check.passed:
        return check
    own = {one.quantity for one in correction.results if check.specimen in ("", one.specimen)}
    left = tuple(one for one in check.quantities if one not in own)
    if left == check.quantities:
        return check
    if left:
        return replace(check, quantities=left)
    note = joined("; ", filter(None, (check.note, Text("referee.note_answered_by_hand"))))
    return replace(check, scope="practice", note=note)


def _others(
    pairs: Sequence[tuple[Result, Result, Corrected]], results: Sequence[Result], correction: Correction
) -> tuple[Check, ...]:
    """Doubt what rests on a segmentation that the person found wrong, and is not corrected."""
    made = [
        Check(
            name=Text("referee.check_structure_not_seen", name=one.name),
            value=abs(new.value - old.value),
            relation="<=",
            limit=0.0,
            unit="%",
            passed=new.value == old.value,
            clause=Text("referee.clause_toolkit_rule"),
            scope="plausibility",
            specimen=old.specimen,
            note=Text("referee.note_scatter_not_known"),
            quantities=(old.quantity,),
        )
        for old, new, one in pairs
        if one.scatters and old.unit == "%" and old.value in (0.0, 100.0)
    ]
    for specimen in dict.fromkeys(one.specimen for one in correction.results):
        own = [(old, one) for old, _, one in pairs if old.specimen == specimen]
        if not own:
            continue
        unit = own[0][0].unit
        outside = max(
            max(one.found.low - one.machine, one.machine - one.found.high) for old, one in own if old.unit == unit
        )
        rest = tuple(
            dict.fromkeys(
                one.quantity
                for one in results
                if one.specimen == specimen and one.quantity not in {old.quantity for old, _ in own}
            )
        )
        made.append(
            Check(
                name=Text("referee.check_segmentation_beyond_interval"),
                value=max(0.0, outside),
                relation="<=",
                limit=0.0,
                unit=unit,
                passed=outside <= 0 or not rest,
                clause=Text("referee.clause_toolkit_rule"),
                scope="plausibility",
                specimen=specimen,
                note="" if outside <= 0 else Text("referee.note_results_not_corrected"),
                quantities=rest,
            )
        )
    return tuple(made)


def _statement(correction: Correction) -> Statement:
    level = levels(len(correction.stages))[correction.stages.index(correction.points)]
    return Statement(
        name=Text("referee.check_by_hand_title"),
        text=Text(
            "referee.check_by_hand_text",
            person=correction.person,
            points=correction.points,
            what=correction.what,
            method=correction.method,
            level=100 * level,
            n_stages=len(correction.stages),
            untold=correction.untold,
            sample=correction.sample,
            files=correction.files,
            others=correction.others or Text("referee.no_other_sample_drawn"),
            last=correction.last,
        ),
    )


def _told(pairs: Sequence[tuple[Result, Result, Corrected]], correction: Correction) -> str:
    several = len({one.specimen for one in correction.results}) > 1
    changes = "; ".join(
        Text(
            "referee.checked_value_changed",
            title=old.title or old.quantity,
            several=Text("referee.checked_value_of_specimen", specimen=old.specimen) if several else "",
            value=old.value,
            value_2=new.value,
            unit=old.unit,
        )
        for old, new, _ in [pair for pair in pairs if pair[0].main] or pairs
    )
    more = f" {correction.others}" if correction.others else ""
    who = Text(
        "referee.blind_answers_by",
        points=correction.points,
        what=correction.what,
        person=correction.person,
        day=correction.day,
    )
    return Text("referee.checked_by_hand", who=who, changes=changes, more=more)


def _table(pairs: Sequence[tuple[Result, Result, Corrected]], what: str) -> Table:
    alone = Text("referee.answers_alone", what=what.capitalize())
    return Table(
        title=TABLE,
        columns=(
            *(
                Text("words.result"),
                Text("words.specimen"),
                Text("words.unit"),
                Text("words.machine_alone"),
                Text("words.correction"),
                "±",
                Text("words.corrected"),
                "from",
                "to",
            ),
            *(Text("referee.column_alone_from", alone=alone), Text("referee.column_alone_to", what=what)),
        ),
        rows=tuple(
            (
                *(old.title or old.quantity, old.specimen, old.unit, old.value, new.value - old.value),
                max(one.found.value - one.found.low, one.found.high - one.found.value),
                *(new.value, one.found.low, one.found.high, one.alone.low, one.alone.high),
            )
            for old, new, one in pairs
        ),
        note=Text("referee.note_correction", alone=alone),
    )
