"""Make the shipped files of errors on labeled images from the reports of real_coverage.py: numbers and sources.

    python benchmarks/make_validations.py --runs FOLDER [--only RECIPE]

An image that a shipped model learned from is in no file of it (see ``_real_images``).
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from _real_images import SOURCES, TRUTH, Case, cases, place, report_of

import inspect_tool
from inspect_tool import registry
from inspect_tool.inspection import job_plan
from inspect_tool.studies.validation.measure import merged, of_quantities
from inspect_tool.validation import features, line, lookup
from inspect_tool.validation.values import (
    SCHEMA,
    FieldError,
    LabeledImages,
    ValidatedField,
    Validation,
    dump_validation,
)

PACKAGE = Path(inspect_tool.__file__).resolve().parent
FEWEST = 5  # parents
LATER = (
    "Half-width of the 95 % interval",
    "Results without",
    "Percentage outside",
    "Dissimilarity to",
)  # not of a recipe itself


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One case by one way, as a validation of a single image."""

    case: Case
    way: str
    validation: Validation


def judged(runs: Path, case: Case, way: str) -> Judged | None:
    """Errors of one image by one way; None where either of the two reports is not there."""
    folder = place(runs, case, way)
    machine, truth = report_of(folder), report_of(place(runs, case, TRUTH))
    if machine is None or truth is None:
        return None
    planned = job_plan.plan(folder / "job.toml")
    backend = lookup.backend_of(
        case.recipe, planned.backend, registry.load("backend", planned.backend), planned.backend_settings
    )
    recipe = registry.load("recipe", case.recipe)
    drawn = of_quantities(recipe, truth.results)
    of_recipe = [check for check in machine.checks if not check.name.startswith(LATER)]
    errors = {}
    for quantity, result in of_quantities(recipe, machine.results).items():
        if quantity in drawn:
            value = case.unseen.get(quantity, result.value)
            low, high = case.known.get(quantity, (drawn[quantity].value, drawn[quantity].value))
            errors[quantity] = FieldError(
                machine=short(value),
                truth=short(min(max(value, low), high)),
                own_u=short(line.own_u(result.budget)),
                doubted=line.is_judged_apart(result, of_recipe),
                n=line.objects_of(result, recipe.CARRIED),
            )
    (record,) = machine.micrographs
    source = SOURCES[case.source]
    field = ValidatedField(
        image=case.image.name,
        sha256=planned.sources[0].sha256,
        parent=case.parent,
        group=source.kind,
        stopped=any(check.accepted for check in machine.checks),
        features=record.evidence.read_off[features.NAME],
        errors=errors,
    )
    validation = Validation(
        schema=SCHEMA,
        name=source.title,
        date=date.today(),
        person="the authors of the sets",
        recipe=case.recipe,
        backend=backend.name,
        model=backend.model,
        weights_sha256=backend.weights_sha256,
        settings=backend.settings,
        fields=(field,),
    )
    return Judged(case=case, way=way, validation=validation)


def short(number: float) -> float:
    return float(f"{number:.6g}")


def together(some: list[Judged]) -> Validation:
    """One validation of the images of one recipe, backend and model."""
    sources = {one.case.source: SOURCES[one.case.source] for one in some}
    whole = merged(
        [one.validation for one in some], name="labeled real images", note=NOTES.get(some[0].case.recipe, "")
    )
    return Validation(
        **{
            **{name: getattr(whole, name) for name in Validation.__dataclass_fields__},
            "sources": tuple(
                LabeledImages(
                    name=source.title,
                    licence=source.licence,
                    images=len({one.case.image for one in some if one.case.source == name}),
                    source=source.origin,
                )
                for name, source in sources.items()
            ),
        }
    )


NOTES = {
    "porosity": "Loose outlines of the printed metal: right is anything between their dark part and all of them.",
    "solder_voids": "Joints found and joints given are judged together.",
}


def every(runs: Path, only: str = "") -> dict[tuple[str, str, str], list[Judged]]:
    """All cases, or those of one recipe, by recipe, backend and model."""
    groups: dict[tuple[str, str, str], list[Judged]] = {}
    for case in (case for case in cases() if only in case.recipe):
        for way in case.ways:
            one = judged(runs, case, way)
            if one is not None:
                groups.setdefault((case.recipe, one.validation.backend, one.validation.model), []).append(one)
    return groups


def files(runs: Path, only: str = "") -> Iterator[tuple[Path, Validation]]:
    """Where each file belongs, and what it says; of too few parents there is none."""
    for (recipe, backend, model), some in every(runs, only).items():
        if len({(one.case.source, one.case.parent) for one in some}) < FEWEST:
            continue
        folder = PACKAGE / "models" / model if model else PACKAGE / "validation" / "data"
        yield folder / ("validation.toml" if model else f"{recipe}_{backend}.toml"), together(some)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=Path, required=True, help="folder that keeps the reports")
    parser.add_argument("--only", default="", help="recipe whose files are made")
    arguments = parser.parse_args()
    for path, validation in files(arguments.runs, arguments.only):
        path.parent.mkdir(exist_ok=True)
        path.write_text(dump_validation(validation), encoding="utf-8", newline="\n")
        print(path, len(validation.fields), path.stat().st_size)


if __name__ == "__main__":
    main()
