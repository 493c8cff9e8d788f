"""Put the answers of a person into the results of a job: machine alone, correction, corrected result."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import hypot, sqrt

from inspect_tool.errors import ReadError
from inspect_tool.model import Check, Component, Findings, PointClass, Result, Statement, Table
from inspect_tool.referee import design
from inspect_tool.referee.estimate import Interval, Tally, counted_alone, field_scatter, levels, share
from inspect_tool.referee.ledger import CANNOT_TELL, Answers, Given, Sample
from inspect_tool.referee.population import Population
from inspect_tool.uncertainty import coverage_factor, evaluated, expanded

TABLE = "Check by hand"
"""Title of the table of a report."""

_SCATTER = ("between fields", "between sections", "scatter inside the fields", "no pore found")
"""Lines of a budget that are about where the fields lie, whoever reads them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """What the answers say of one result."""

    specimen: str
    quantity: str
    name: str  # of the class
    found: Interval  # [1]
    alone: Interval  # the same answers without the segmentation [1]
    between: float  # standard deviation of the shares of the fields, as far as the answers show it [1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """What a person found at a random sample of points."""

    person: str
    day: str
    points: int  # that count, of every specimen
    planned: int
    untold: int  # of all points that count: could not be told, or have no answer
    sample: str  # its id
    samples: int  # that were drawn for the job
    files: int  # of answers that were recorded to this sample
    shares: tuple[Share, ...]


def counting(answers: Answers, sample: Sample, specimens: int, where: str) -> int:
    """Give the number of points of a specimen that count: up to the last stage that is answered to its end.

    Raises
    ------
    ReadError
        Not one stage was answered to its end.
    """
    stages = design.stages_of(sample.points)
    given = max((one.n for one in answers.answers), default=-1) + 1
    reached = [stage for stage in stages if stage * specimens <= given]
    if not reached:
        msg = f"{where}: {given} of {stages[0] * specimens} points are answered; go on to the end of the first stage"
        raise ReadError(msg)
    return reached[-1]


def corrected(found: Population, given: Given) -> Correction:
    """Estimate every area share of a job from the answers of a person.

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
    places = design.drawn(found.areas, sample.points, sample.id)
    strange = next((one for one in answers.answers if one.value not in (*names, CANNOT_TELL)), None)
    if strange is not None:
        msg = f"{where}: item {strange.n}: '{strange.value}' is none of {', '.join(names)}, {CANNOT_TELL}"
        raise ReadError(msg)
    beyond = next((one for one in answers.answers if not 0 <= one.n < len(places)), None)
    if beyond is not None:
        msg = f"{where}: item {beyond.n} is none of the {len(places)} of the sample"
        raise ReadError(msg)
    shares = design.weights(found.areas)
    points = counting(answers, sample, len(shares), where)
    stages = design.stages_of(sample.points)
    level = levels(len(stages))[stages.index(points)]
    said = {one.n: one.value for one in answers.answers}
    counted = [(place, said.get(n, CANNOT_TELL)) for n, place in enumerate(places[: points * len(shares)])]
    return Correction(
        person=answers.person,
        day=answers.saved[:10],
        points=points,
        planned=sample.points,
        untold=sum(value == CANNOT_TELL for _, value in counted),
        sample=sample.id,
        samples=sum(entry.event == "drawn" for entry in given.entries),
        files=sum(entry.answers is not None and entry.answers.sample == sample.id for entry in given.entries),
        shares=tuple(
            _share(specimen, own, counted, found, number, level)
            for specimen, own in shares.items()
            for number, one in enumerate(found.classes)
            if one.quantity
        ),
    )


def _share(
    specimen: str,
    weights: dict[int, float],
    counted: Sequence[tuple[design.Place, str]],
    found: Population,
    number: int,
    level: float,
) -> Share:
    own = [(place, value) for place, value in counted if place.specimen == specimen]
    tallies = [
        _tally(weight, [value for place, value in own if place.code == code], found.classes, number)
        for code, weight in weights.items()
    ]
    fields = [(i, area) for i, area in enumerate(found.areas) if area.specimen == specimen]
    return Share(
        specimen=specimen,
        quantity=found.classes[number].quantity,
        name=found.classes[number].name,
        found=share(tallies, level),
        alone=counted_alone(tallies, level),
        between=field_scatter(
            [
                [
                    _tally(
                        area.pixels[code] / sum(area.pixels),
                        [value for place, value in own if (place.field, place.code) == (i, code)],
                        found.classes,
                        number,
                    )
                    for code in weights
                ]
                for i, area in fields
            ]
        ),
    )


def _tally(weight: float, said: Sequence[str], classes: Sequence[PointClass], number: int) -> Tally:
    least, untold = said.count(classes[number].name), said.count(CANNOT_TELL)
    return Tally(
        weight=weight,
        points=len(said),
        hits=least + untold / len(classes),
        least=least,
        most=least + untold,
    )


# ---------------------------------------------------------------------------------------------------- the results


def applied(findings: Findings, correction: Correction | None) -> Findings:
    """Put a correction into the results that it is for, and say so; without one the findings stay as they are.

    The corrected result has two lines: the scatter of the fields as before, wider where the corrected share scatters
    more, and the points of the person. What doubted the segmentation does not doubt it any more; results that rest on
    the segmentation and are not corrected are doubted where the person found it wrong.
    """
    if correction is None:
        return findings
    shares = {(one.specimen, one.quantity): one for one in correction.shares}
    before = {(one.specimen, one.quantity): one for one in findings.results}
    results = tuple(
        _result(one, shares[one.specimen, one.quantity], correction) if (one.specimen, one.quantity) in shares else one
        for one in findings.results
    )
    after = {(one.specimen, one.quantity): one for one in results}
    pairs = [(before[key], after[key], shares[key]) for key in shares if key in before]
    return replace(
        findings,
        results=results,
        checks=(
            *(_settled(check, correction) for check in findings.checks),
            *_others(pairs, findings.results, correction),
        ),
        statements=(*findings.statements, _statement(correction)),
        tables=(*findings.tables, _table(pairs)),
        warnings=(*findings.warnings, _told(pairs, correction)),
    )


def scatter_of(result: Result) -> float:
    """Expanded uncertainty of a result that no answer narrows: where its fields lie. [unit of the result]"""
    return expanded(line for line in result.budget if line.name in _SCATTER)


def _result(result: Result, share: Share, correction: Correction) -> Result:
    """The corrected result; the interval leans to the side on which rare errors may hide."""
    value, low, high = (100 * one for one in (share.found.value, share.found.low, share.found.high))
    scatter = tuple(
        _scattering(line, result, value, 100 * share.between) for line in result.budget if line.name in _SCATTER
    )
    wide = expanded(scatter)
    basis = (
        f"{correction.points} points by {correction.person}, {correction.day}: {low:.4g} to {high:.4g} % of these "
        f"fields; the wider side / {coverage_factor(None):.3g}"
    )
    side = max(value - low, high - value)
    made = replace(
        result,
        value=value,
        definition="points of the class by a person in a stratified random sample, mean over fields/1",
        title=f"{result.title or result.quantity}, corrected by hand",
        budget=(*scatter, Component(name="check by hand", u=side / coverage_factor(None), kind="A", basis=basis)),
        u=None,
        expanded_u=None,
        interval=(max(0.0, value - hypot(value - low, wide)), min(100.0, value + hypot(high - value, wide))),
        rounded="",
    )
    return evaluated(made)


def _scattering(line: Component, machine: Result, value: float, between: float) -> Component:
    """A line of field scatter for the corrected share p, never narrower.

    The scatter of a share goes as √(p (1 - p)), and the fields scatter at least as the answers say.
    """
    spread = machine.value * (100 - machine.value)
    more = sqrt(value * (100 - value) / spread) if spread > 0 else 1.0
    if line.name == "between fields" and line.u > 0:
        more = max(more, between / sqrt(machine.n) / line.u)
    if more <= 1:
        return line
    return replace(line, u=line.u * more, basis=f"{line.basis}; {more:.3g} times wider by the answers")


def _settled(check: Check, correction: Correction) -> Check:
    """A doubt of the segmentation does not reach a result that does not rest on it any more."""
    if check.scope != "plausibility" or check.passed:
        return check
    own = {one.quantity for one in correction.shares if check.specimen in ("", one.specimen)}
    left = tuple(one for one in check.quantities if one not in own)
    if left == check.quantities:
        return check
    if left:
        return replace(check, quantities=left)
    note = "; ".join(filter(None, (check.note, "answered by the check by hand")))
    return replace(check, scope="practice", note=note)


def _others(
    pairs: Sequence[tuple[Result, Result, Share]], results: Sequence[Result], correction: Correction
) -> tuple[Check, ...]:
    """Doubt what rests on a segmentation that the person found wrong, and is not corrected."""
    made = [
        Check(
            name=f"Structure of which the program saw none, {share.name}",
            value=abs(new.value - old.value),
            relation="<=",
            limit=0.0,
            unit="%",
            passed=new.value == old.value,
            clause="rule of this toolkit, check by hand",
            scope="plausibility",
            specimen=old.specimen,
            note="its scatter between fields is not known",
            quantities=(old.quantity,),
        )
        for old, new, share in pairs
        if old.value in (0.0, 100.0)
    ]
    for specimen in dict.fromkeys(one.specimen for one in correction.shares):
        own = [(old, share) for old, _, share in pairs if old.specimen == specimen]
        outside = max(max(100 * share.found.low - old.value, old.value - 100 * share.found.high) for old, share in own)
        rest = tuple(
            dict.fromkeys(
                one.quantity
                for one in results
                if one.specimen == specimen and one.quantity not in {old.quantity for old, _ in own}
            )
        )
        made.append(
            Check(
                name="Segmentation beyond the interval of the check by hand",
                value=max(0.0, outside),
                relation="<=",
                limit=0.0,
                unit="%",
                passed=outside <= 0 or not rest,
                clause="rule of this toolkit, check by hand",
                scope="plausibility",
                specimen=specimen,
                note="" if outside <= 0 else "results that are not corrected rest on a segmentation that is off",
                quantities=rest,
            )
        )
    return tuple(made)


def _statement(correction: Correction) -> Statement:
    stages = design.stages_of(correction.planned)
    level = levels(len(stages))[stages.index(correction.points)]
    return Statement(
        name="Check by hand",
        text=f"{correction.person} named what lies under {correction.points} random points of every specimen, without "
        "seeing what the program took them for. The points are stratified by what the program saw and how sure it was, "
        "so that the weighted answers are the area share without bias, whatever the segmentation is: machine mean plus "
        "mean of person minus machine, with the weight of prediction-powered inference. "
        f"Interval at {100 * level:.4g} %, which pays for {len(stages)} places where one may stop. "
        f"{correction.untold} points could not be told: they count for and against in the two limits. "
        f"Sample {correction.sample}; {correction.samples} drawn for this job, {correction.files} files of answers "
        "recorded to this one. Only the results of the table are corrected.",
    )


def _told(pairs: Sequence[tuple[Result, Result, Share]], correction: Correction) -> str:
    several = len({one.specimen for one in correction.shares}) > 1
    changes = "; ".join(
        f"{old.title or old.quantity}{f' of {old.specimen}' if several else ''} {old.value:.4g} -> {new.value:.4g} %"
        for old, new, _ in pairs
        if old.main
    )
    more = f" {correction.samples} samples were drawn for this job." if correction.samples > 1 else ""
    who = f"{correction.points} points, blind, by {correction.person}, {correction.day}"
    return f"Checked by hand: {who}: {changes}.{more}"


def _table(pairs: Sequence[tuple[Result, Result, Share]]) -> Table:
    return Table(
        title=TABLE,
        columns=(
            *("Result", "Specimen", "Machine alone %", "Correction %", "± %"),
            *("Corrected %", "from %", "to %", "Points alone from %", "to % (points)"),
        ),
        rows=tuple(
            (
                *(old.title or old.quantity, old.specimen, old.value, new.value - old.value),
                100 * max(share.found.value - share.found.low, share.found.high - share.found.value),
                *(new.value, 100 * share.found.low, 100 * share.found.high),
                *(100 * share.alone.low, 100 * share.alone.high),
            )
            for old, new, share in pairs
        ),
        note="From, to: 95 % interval for the fields as they are; U of the result holds the scatter of fields too. "
        "Points alone: the same answers without the segmentation.",
    )
