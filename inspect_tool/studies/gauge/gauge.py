"""Gauge studies: the same parts measured again and again, and how much of what is seen is the gauge.

Values come from a table, or from jobs and reports of this tool. What is repeated is the image, not the analysis of one
file: two trials that rest on the same image are refused.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import perf_counter
from typing import Any, Literal

from inspect_tool import folders
from inspect_tool.errors import MeasurementError, SettingsError
from inspect_tool.evidence.provenance import now, provenance
from inspect_tool.files import checked, read_toml, sha256_file
from inspect_tool.inspection.job_plan import Progress, silent
from inspect_tool.languages import Text, Words, joined, named
from inspect_tool.model import Header, Rule, Standard, StandardRecord
from inspect_tool.report import document
from inspect_tool.report.template import check_language, language_of, template_folder
from inspect_tool.standards.editions import designation, load_standard, unverified
from inspect_tool.standards.formulas import aiag_msa, type_1
from inspect_tool.standards.formulas.aiag_msa import GaugeStudy
from inspect_tool.studies.gauge.page import (
    SCHEMA,
    WHAT,
    Criterion,
    Decision,
    Design,
    GaugeReport,
    Variation,
    overall,
    page,
)
from inspect_tool.studies.gauge.plan import Plan
from inspect_tool.studies.gauge.values import (
    LARGEST,
    Run,
    StudyValues,
    arranged,
    check_images,
    from_reports,
    read_table,
)

_DEFAULT_STANDARD: Mapping[Design, str] = {
    "crossed": "aiag_msa_2010",
    "nested": "aiag_msa_2010",
    "type 1": "type_1_study_2026",
}
_CRITERIA: Mapping[Design, tuple[str, ...]] = {
    "crossed": ("study", "tolerance", "ndc"),
    "nested": ("study", "tolerance", "ndc"),
    "type 1": ("cg", "cgk", "resolution"),
}
_TITLES = {
    "grr": Text("gauge.variation_grr"),
    "ev": Text("gauge.variation_ev"),
    "av": Text("gauge.variation_av"),
    "interaction": Text("gauge.variation_interaction"),
    "pv": Text("gauge.variation_pv"),
    "tv": Text("gauge.variation_tv"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyFile:
    """A study as its file states it: the values in a table, or one run after the other."""

    title: str = ""
    template: str = "inspection"
    language: str = ""  # of the words of the pages; empty: that of the template
    exports: tuple[Literal["json", "html", "pdf"], ...] = ("json", "html", "pdf")  # the data are always written
    header: Header = field(default_factory=Header)
    plan: Mapping[str, Any] = field(default_factory=dict)
    data: str = ""  # CSV file
    runs: tuple[Run, ...] = ()


def gauge(
    inputs: Sequence[str | Path],
    out: str | Path,
    options: Mapping[str, object] | None = None,
    *,
    language: str = "",
    progress: Progress | None = None,
) -> tuple[GaugeReport, Path]:
    """Evaluate a gauge study and write ``gauge.json``, ``gauge.html`` and ``gauge.pdf``.

    Parameters
    ----------
    inputs : sequence of path
        One CSV file, one study file (TOML), or jobs and ``report.json`` files: there every specimen is a part, the
        operator of the header the appraiser, and the trials are in the order given.
    out : path
        Folder that gets ``<study>_gauge/``.
    options : mapping, optional
        Fields of ``Plan`` that go before those of a study file; None is not stated.
    language : str
        Of the words of the pages; empty: what the study file or its template says.
    progress : callable, optional
        Called with (steps done, steps in all, text).

    Returns
    -------
    GaugeReport, Path
        What was found, and the folder.

    Raises
    ------
    InspectError
        For whatever the user must fix; nothing is written then.
    """
    started, clock = now(), perf_counter()
    paths = [Path(item) for item in inputs]
    if not paths:
        msg = "gauge: give a CSV file, a study file, or jobs and reports"
        raise SettingsError(msg)
    tell = progress or silent
    first = paths[0]
    study, plan = _stated(paths, {name: value for name, value in (options or {}).items() if value is not None})
    design: Design = "type 1" if plan.type1 else "nested" if plan.nested else "crossed"
    standard = load_standard(plan.standard or _DEFAULT_STANDARD[design])
    template = template_folder(study.template, first.parent)
    asked = language or study.language
    if asked:
        check_language(asked, "--language" if language else f"{first} language")
    used_language = language_of(asked, template)  # refuses a wrong template before the jobs are run
    tolerance, limits = _tolerance(plan)
    names = _asked_criteria(plan, design, tolerance)
    target = _target(Path(out), first)
    used = (*paths, *([first.parent / study.data] if study.data else []))
    folders.check(target, used)
    runs = study.runs or (_runs(paths) if _kind(first) == "run" else ())
    total = len(runs) + 2
    if runs:
        if plan.unit:
            msg = "gauge: --unit is for a table; reports state the unit of a quantity"
            raise SettingsError(msg)
        folder = first.parent if study.runs else Path()
        data = from_reports(runs, folder, plan.quantity, lambda i, name: tell(i, total, name), one_part=plan.type1)
    else:
        data = read_table(first.parent / study.data if study.data else first, plan.unit, one_part=plan.type1)
    found = _report(data, plan, design, standard, tolerance, limits, names)
    found = replace(
        found,
        study=first.name if len(paths) == 1 else f"{first.name} and {len(paths) - 1} more",
        title=study.title or found.title or first.stem,
        header=study.header,
        language=used_language,
        provenance=provenance(
            job_sha256=sha256_file(first),
            settings=plan,
            backend="",
            backend_settings={},
            started=started,
            seconds=perf_counter() - clock,
        ),
    )
    found = replace(found, id=document.identification("GS", found))
    with folders.new_folder(target, used) as folder:
        tell(total - 2, total, "HTML, PDF")
        document.write(found, folder, "gauge", page, template, what=WHAT, exports=study.exports)
    tell(total, total, "done")
    return found, target


def _target(out: Path, first: Path) -> Path:
    """Folder of a study: called after its file, or after the report that comes first."""
    name = first.stem if first.name != "report.json" else first.resolve().parent.name
    folders.check_name(f"{name}_gauge", str(first))
    return out / f"{name}_gauge"


def load_gauge(path: Path) -> GaugeReport:
    """Read ``gauge.json`` back."""
    return document.load(GaugeReport, path, SCHEMA, "a gauge study")


# ---------------------------------------------------------------------------------------------- what was asked for


def _stated(paths: Sequence[Path], options: Mapping[str, object]) -> tuple[StudyFile, Plan]:
    """Read the study file, and put the options of the command before its plan."""
    first = paths[0]
    kinds = {_kind(path) for path in paths}
    if len(paths) > 1 and kinds - {"run"}:
        wrong = next(path for path in paths if _kind(path) != "run")
        msg = f"{wrong}: a table or a study file stands alone; several files are jobs or reports"
        raise SettingsError(msg)
    study = StudyFile()
    if kinds == {"study"}:
        study = checked(StudyFile, read_toml(first), str(first))
        if bool(study.data) == bool(study.runs):
            msg = f"{first}: give either 'data', a CSV file, or [[runs]]" + (", not both" if study.runs else "")
            raise SettingsError(msg)
    stated = dict(study.plan)
    if str(stated.get("standard", "")).endswith(".toml"):
        stated["standard"] = str(first.parent / str(stated["standard"]))
    plan = checked(Plan, {**stated, **options}, f"{first}" if study.plan else "gauge", under="plan")
    for name in ("tolerance", "lower", "upper", "reference", "resolution"):
        value = getattr(plan, name)
        if value is not None and not abs(value) < LARGEST:
            msg = f"gauge {name}: got {value:g}, must be a finite number"
            raise SettingsError(msg)
    if plan.nested and plan.type1:
        msg = "gauge: a study is nested or of type 1, not both"
        raise SettingsError(msg)
    if plan.nested and plan.method == "range":
        msg = "gauge: a nested study is evaluated by analysis of variance; leave --method range out"
        raise SettingsError(msg)
    if plan.type1 and plan.reference is None:
        msg = "gauge: a type-1 study needs the known value of its part; give --reference"
        raise SettingsError(msg)
    if plan.type1 and (plan.tolerance, plan.lower, plan.upper) == (None, None, None):
        msg = "gauge: a type-1 study is judged by the tolerance; give --tolerance, or --lower and --upper"
        raise SettingsError(msg)
    for name in ("reference", "resolution"):
        if not plan.type1 and getattr(plan, name) is not None:
            msg = f"gauge: --{name} is for a type-1 study; add --type1 or leave it out"
            raise SettingsError(msg)
    if plan.resolution is not None and plan.resolution <= 0:
        msg = f"gauge resolution: got {plan.resolution:g}, must be above 0"
        raise SettingsError(msg)
    return study, plan


def _kind(path: Path) -> Literal["table", "study", "run"]:
    """Tell what a file is: a table, a study file, or a job or report."""
    suffix = path.suffix.lower()
    if suffix in (".csv", ".tsv", ".txt"):
        return "table"
    if suffix == ".json":
        return "run"
    if suffix == ".toml":
        return "run" if "recipe" in read_toml(path) else "study"
    msg = f"{path}: a gauge study is a CSV file, a study file (TOML), or jobs and report.json files"
    raise SettingsError(msg)


def _tolerance(plan: Plan) -> tuple[float | None, tuple[float, float] | None]:
    """Width of the tolerance, and the limits where they were given."""
    one_sided = (plan.lower is None) != (plan.upper is None)
    if one_sided:
        there, other = ("upper", "lower") if plan.lower is None else ("lower", "upper")
        msg = (
            f"gauge: --{there} alone gives no width of the tolerance; give --{other} too (a quantity that cannot be "
            "below 0 has --lower 0), or --tolerance"
        )
        raise SettingsError(msg)
    if plan.lower is not None and plan.upper is not None:
        if plan.tolerance is not None:
            msg = "gauge: give --tolerance, or --lower and --upper, not both"
            raise SettingsError(msg)
        if not plan.lower < plan.upper:
            msg = f"gauge: --lower {plan.lower:g} is not below --upper {plan.upper:g}"
            raise SettingsError(msg)
        return plan.upper - plan.lower, (plan.lower, plan.upper)
    if plan.tolerance is not None and plan.tolerance <= 0:
        msg = f"gauge tolerance: got {plan.tolerance:g}, must be above 0: upper less lower limit"
        raise SettingsError(msg)
    return plan.tolerance, None


def _asked_criteria(plan: Plan, design: Design, tolerance: float | None) -> tuple[str, ...]:
    """Names of the criteria that are judged; what cannot be judged and was asked for by name is refused."""
    lacking = {"tolerance": tolerance is None, "resolution": plan.resolution is None}
    known = _CRITERIA[design]
    names = tuple(name.strip() for name in plan.criteria.split(",") if name.strip())
    if not names:
        return tuple(name for name in known if not lacking.get(name, False))
    if names == ("none",):
        return ()
    for name in names:
        if name not in known:
            msg = f"gauge criteria: got '{name}', a {design} study has {', '.join(known)}, or none"
            raise SettingsError(msg)
        if lacking.get(name, False):
            msg = f"gauge criteria: '{name}' is asked for; give --{name} too"
            raise SettingsError(msg)
    return tuple(dict.fromkeys(names))


def _runs(paths: Sequence[Path]) -> tuple[Run, ...]:
    return tuple(Run(report=str(path)) if path.suffix.lower() == ".json" else Run(job=str(path)) for path in paths)


# ---------------------------------------------------------------------------------------------------- evaluating


def _report(
    data: StudyValues,
    plan: Plan,
    design: Design,
    standard: Standard,
    tolerance: float | None,
    limits: tuple[float, float] | None,
    names: Sequence[str],
) -> GaugeReport:
    """Evaluate the values; the frame of the report is filled in by the caller."""
    notes = check_images(data.observations, design)
    found: GaugeStudy | None = None
    capability: type_1.Type1 | None = None
    control: aiag_msa.ControlLimits | None = None
    parts: tuple[str, ...] = ()
    appraisers: tuple[str, ...] = ()
    trials = len(data.observations)
    variations: tuple[Variation, ...] = ()
    figures: dict[str, float] = {}
    observations = data.observations
    if design == "type 1":
        several = {(item.part, item.appraiser) for item in observations}
        if len(several) > 1:
            msg = "type-1 study: one part measured by one appraiser; the file has more, leave --type1 out or split it"
            raise MeasurementError(msg)
        assert plan.reference is not None  # asked for by _stated, both
        assert tolerance is not None
        capability = type_1.capability([item.value for item in observations], plan.reference, tolerance, standard)
        figures = {"cg": capability.cg, "cgk": capability.cgk}
        if plan.resolution is not None:
            figures["resolution"] = 100 * plan.resolution / tolerance
    else:
        observations = arranged(observations, design)
        appraisers = tuple(dict.fromkeys(item.appraiser for item in observations))
        trials = len({item.trial for item in observations})
        own = [item.part for item in observations if item.appraiser == appraisers[0]]
        parts = tuple(dict.fromkeys(own))
        cells = [observations[i : i + trials] for i in range(0, len(observations), trials)]
        blocks = [
            [[item.value for item in cell] for cell in cells[i : i + len(parts)]]
            for i in range(0, len(cells), len(parts))
        ]  # appraiser, part, trial
        if design == "nested":
            found = aiag_msa.nested(blocks, standard)
        else:
            by_part = [list(column) for column in zip(*blocks, strict=True)]
            evaluate = aiag_msa.average_range if plan.method == "range" else aiag_msa.crossed
            found = evaluate(by_part, standard)
        control = aiag_msa.control_limits(blocks, standard)
        variations = _variations(found, tolerance, standard)
        grr = variations[0]
        figures = {"study": grr.percent_study, "ndc": found.ndc}
        if grr.percent_tolerance is not None:
            figures["tolerance"] = grr.percent_tolerance
    criteria = tuple(_criterion(name, figures[name], standard) for name in names)
    return GaugeReport(
        schema=SCHEMA,
        id="",
        study="",
        title=data.title,
        header=Header(),
        design=design,
        method="capability" if design == "type 1" else plan.method,
        quantity=data.quantity,
        quantity_title=data.title,
        unit=data.unit,
        tolerance=tolerance,
        limits=limits,
        reference=plan.reference,
        resolution=plan.resolution,
        parts=parts,
        appraisers=appraisers,
        trials=trials,
        found=found,
        capability=capability,
        variations=variations,
        control=control,
        criteria=criteria,
        verdict=overall(criteria),
        standard=StandardRecord(
            name=standard.name,
            id=standard.id,
            edition=standard.edition,
            title=standard.title,
            sha256=standard.sha256,
            unverified=unverified(standard),
        ),
        warnings=(*data.warnings, *notes, *_warnings(found, capability, plan, parts, appraisers, standard)),
        observations=observations,
        files=data.files,
        provenance=provenance(
            job_sha256="", settings=plan, backend="", backend_settings={}, started=now(), seconds=0.0
        ),
    )


def _variations(found: GaugeStudy, tolerance: float | None, standard: Standard) -> tuple[Variation, ...]:
    return tuple(
        Variation(
            name=name,
            title=title,
            s=s,
            percent_contribution=100 * (s / found.tv) ** 2,
            percent_study=100 * s / found.tv,
            percent_tolerance=None if tolerance is None else aiag_msa.percent_of_tolerance(s, tolerance, standard),
        )
        for name, title in _TITLES.items()
        if (s := getattr(found, name)) is not None
    )


def _criterion(name: str, value: float, standard: Standard) -> Criterion:
    """Judge one figure by the limits of the edition."""
    staged = name in ("study", "tolerance")
    good = _rule(standard, f"{name}_acceptable" if staged else name)
    fair = _rule(standard, f"{name}_conditional") if staged else None
    decision: Decision = "not acceptable"
    if _meets(value, good):
        decision = "acceptable"
    elif fair is not None and _meets(value, fair):
        decision = "conditional"
    return Criterion(
        name=name,
        title=named("rules", good.title),
        value=value,
        unit=good.unit,
        relation=good.relation,
        limit=good.limit,
        conditional=fair.limit if fair is not None else None,
        decision=decision,
        clause=joined(": ", (designation(standard), named("clauses", good.clause))),
    )


def _rule(standard: Standard, name: str) -> Rule:
    if name not in standard.rules:
        msg = f"standards/{standard.name}.toml: no rule '{name}'"
        raise SettingsError(msg)
    return standard.rules[name]


def _meets(value: float, rule: Rule) -> bool:
    return value >= rule.limit if rule.relation == ">=" else value <= rule.limit


def _warnings(
    found: GaugeStudy | None,
    capability: type_1.Type1 | None,
    plan: Plan,
    parts: Sequence[str],
    appraisers: Sequence[str],
    standard: Standard,
) -> tuple[Words, ...]:
    """What a reader must know beside the numbers."""
    notes: list[Words] = []
    if found is not None:
        notes += [Text("gauge.negative_variance", component=_COMPONENT[name]) for name in found.set_to_zero]
        if len(appraisers) == 1:
            notes.append(Text("gauge.one_appraiser"))
        if len(parts) < 5 and not plan.nested:
            notes.append(Text("gauge.few_parts", n=len(parts)))
    if capability is not None:
        repeats = standard.rules.get("repeats")
        if repeats is not None and not _meets(capability.n, repeats):
            notes.append(Text("gauge.few_values", n=capability.n, least=repeats.limit))
        if plan.resolution is None:
            notes.append(Text("gauge.no_resolution"))
    return tuple(notes)


_COMPONENT = {
    "repeatability": Text("gauge.of_repeatability"),
    "appraiser": Text("gauge.of_appraisers"),
    "interaction": Text("gauge.of_interaction"),
    "part": Text("gauge.of_parts"),
}
