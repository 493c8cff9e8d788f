"""Scores as tables, ``score.json``, ``score.csv`` and ``score.html``: views that compute nothing new."""

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from inspect_tool import __version__
from inspect_tool.evidence.provenance import now
from inspect_tool.files import as_json, plain, write_text
from inspect_tool.folders import new_folder
from inspect_tool.languages import ENGLISH, Text, Words, translated
from inspect_tool.model import Cell, Table
from inspect_tool.statistics.agreement import equivalence
from inspect_tool.training.metrics import BoundaryMatch, Match, Overlap, mean_of
from inspect_tool.training.score import ImageScore, QuantityScore, Scores

SCHEMA = "inspect_tool/score/1"

_NONE = "–"
_PIXELS = Text("score.pixels")
_WORST = 4  # images that are shown
_SHOWN = 3  # main quantities that have columns of their own in the table of images


# ------------------------------------------------------------------------------------------------------- as data


def as_data(scores: Scores) -> dict[str, object]:
    """All scores as values that JSON can hold; what does not exist is null."""
    data = {
        "schema": SCHEMA,
        "software": f"inspect_tool {__version__}",
        "created": now().isoformat(),
        "recipe": scores.recipe,
        "standard": scores.standard,
        "classes": scores.classes,
        "backend": scores.backend,
        "tolerance_px": scores.tolerance_px,
        "n_images": len(scores.images),
        "notes": scores.notes,
        "summary": _labels(scores) | {"quantities": {k: _quantity(v) for k, v in scores.quantities.items()}},
        "images": [_image(image) for image in scores.images],
    }
    found: dict[str, object] = plain(data)
    return found


def _labels(scores: Scores | ImageScore) -> dict[str, Any]:
    return {
        "pixels": {name: _overlap(overlap) for name, overlap in scores.pixels.items()},
        "mean_iou": mean_of(overlap.iou for overlap in scores.pixels.values()),
        "mean_dice": mean_of(overlap.dice for overlap in scores.pixels.values()),
        "boundary": _boundary(scores.boundary),
        "objects": {name: _objects(found) for name, found in scores.objects.items()},
    }


def _overlap(found: Overlap) -> dict[str, object]:
    return {
        "iou": found.iou,
        "dice": found.dice,
        "truth_px": found.truth,
        "predicted_px": found.predicted,
        "both_px": found.both,
    }


def _boundary(found: BoundaryMatch) -> dict[str, object]:
    return {
        "f1": found.f1,
        "precision": found.precision,
        "recall": found.recall,
        "truth_px": found.truth,
        "predicted_px": found.predicted,
    }


def _objects(found: Mapping[float, Match]) -> dict[str, object]:
    first = next(iter(found.values()))
    return {
        "n_truth": first.tp + first.fn,
        "n_predicted": first.tp + first.fp,
        "ap_mean": mean_of(item.ap for item in found.values()),
        "thresholds": {
            f"{threshold:.2f}": {
                "tp": item.tp,
                "fp": item.fp,
                "fn": item.fn,
                "ap": item.ap,
                "precision": item.precision,
                "recall": item.recall,
                "f1": item.f1,
                "mean_iou": item.mean_iou,
                "pq": item.pq,
            }
            for threshold, item in found.items()
        },
    }


def _quantity(score: QuantityScore) -> dict[str, object]:
    found = score.found
    return {
        "title": score.title,
        "unit": score.unit,
        "main": score.main,
        "n": found.n if found is not None else 0,
        "missing": score.missing,
        "mean_truth": score.mean_truth,
        "mean_difference": found.mean if found is not None else None,
        "ci95": found.ci95 if found is not None else None,
        "s": found.s if found is not None else None,
        "limits": found.limits if found is not None else None,
        "median_abs": score.median_abs,
        "p95_abs": score.p95_abs,
        "largest_abs": score.largest_abs,
    }


def _image(image: ImageScore) -> dict[str, object]:
    return {
        "image": image.image,
        "truth_sha256": image.truth_sha256,
        "height_px": image.shape_px[0],
        "width_px": image.shape_px[1],
        "annotated_percent": image.annotated_percent,
        **_labels(image),
        "quantities": {
            name: {"unit": pair.unit, "truth": pair.truth, "predicted": pair.predicted, "difference": pair.difference}
            for name, pair in image.quantities.items()
        },
        "notes": image.notes,
    }


def as_csv(scores: Scores) -> str:
    """One row per image: overlaps, boundaries, objects, and every quantity with its unit in the head."""
    rows = [_flat(image) for image in scores.images]
    columns = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n", restval="")
    writer.writeheader()
    writer.writerows([{name: "" if value is None else value for name, value in plain(row).items()} for row in rows])
    return text.getvalue()


def _flat(image: ImageScore) -> dict[str, object]:
    row: dict[str, object] = {"image": image.image, "annotated_percent": image.annotated_percent}
    for name, overlap in image.pixels.items():
        row |= {f"iou.{name}": overlap.iou, f"dice.{name}": overlap.dice}
    row["mean_iou"] = mean_of(overlap.iou for overlap in image.pixels.values())
    row["boundary_f1"] = image.boundary.f1
    for name, found in image.objects.items():
        row |= {
            f"n_truth.{name}": found[0.5].tp + found[0.5].fn,
            f"n_predicted.{name}": found[0.5].tp + found[0.5].fp,
            f"ap50.{name}": found[0.5].ap,
            f"ap75.{name}": found[0.75].ap,
            f"ap_mean.{name}": mean_of(item.ap for item in found.values()),
            f"f1.{name}": found[0.5].f1,
            f"mean_iou.{name}": found[0.5].mean_iou,
            f"pq.{name}": found[0.5].pq,
        }
    for name, pair in image.quantities.items():
        head = f"{name} [{pair.unit}]"
        row |= {f"{head} truth": pair.truth, f"{head} predicted": pair.predicted, f"{head} difference": pair.difference}
    return row


# -------------------------------------------------------------------------------------------------------- as tables


def tables(scores: Scores) -> tuple[Table, ...]:
    """Tables for a reader: the measured quantities first, then pixels, objects and every image."""
    found = [quantity_table(scores, [name for name, item in scores.quantities.items() if item.main])]
    if scores.pixels:
        found.append(_pixel_table(scores))
    if scores.objects:
        found.append(_object_table(scores))
    found.append(_image_table(scores))
    return tuple(table for table in found if table.rows)


def quantity_table(scores: Scores, names: Sequence[str], title: Words = "") -> Table:
    """Differences of quantities over the images, predicted minus true."""
    from inspect_tool.report import text

    rows: list[tuple[Cell, ...]] = []
    for name in names:
        score = scores.quantities[name]
        found = score.found
        spread = found.s or None if found is not None else None
        printed = (
            text.value_text(score.mean_truth, spread),
            text.value_text(found.mean, spread) if found is not None else text.NO_VALUE,
            text.short(found.s, 2) if found is not None and found.s is not None else text.NO_VALUE,
            text.short(score.median_abs, 2),
            text.short(score.p95_abs, 2),
            text.short(score.largest_abs, 2),
            text.interval(found.limits, spread) if found is not None and found.limits else text.NO_VALUE,
        )
        count = found.n if found is not None else 0
        rows.append((text.titled(score.title, score.unit), count, *map(text.figure, printed)))
    return Table(
        title=title or Text("score.error"),
        columns=(
            Text("words.quantity"),
            Text("score.images"),
            Text("score.mean_of_truth"),
            Text("score.mean_difference"),
            "s",
            Text("score.median_d"),
            Text("score.p95_d"),
            Text("score.largest_d"),
            Text("studies.limits_of_agreement"),
        ),
        rows=tuple(rows),
        note=Text("score.error_note"),
    )


def _pixel_table(scores: Scores) -> Table:
    from inspect_tool.report import text

    rows: list[tuple[Cell, ...]] = [
        (text.term(name), _share(found.iou), _share(found.dice), found.truth, found.predicted)
        for name, found in scores.pixels.items()
    ]
    values = scores.pixels.values()
    mean = (_share(mean_of(found.iou for found in values)), _share(mean_of(found.dice for found in values)))
    return Table(
        title=_PIXELS,
        columns=(Text("words.class"), "IoU", "Dice", Text("score.truth_px"), Text("score.predicted_px")),
        rows=(*rows, (Text("score.mean_of_classes"), *mean, None, None)),
        note=Text("score.pixels_note"),
    )


def _object_table(scores: Scores) -> Table:
    from inspect_tool.report import text

    rows: list[tuple[Cell, ...]] = []
    for name, found in scores.objects.items():
        half = found[0.5]
        rows.append(
            (
                text.term(name),
                half.tp + half.fn,
                half.tp + half.fp,
                _share(half.ap),
                _share(found[0.75].ap),
                _share(mean_of(item.ap for item in found.values())),
                _share(half.f1),
                _share(half.mean_iou),
                _share(half.pq),
            )
        )
    return Table(
        title=Text("score.objects"),
        columns=(
            Text("score.objects"),
            Text("score.truth"),
            Text("score.predicted"),
            Text("score.ap_at", iou="0.50"),
            Text("score.ap_at", iou="0.75"),
            Text("score.ap_mean"),
            "F1",
            "SQ",
            "PQ",
        ),
        rows=tuple(rows),
        note=Text("score.objects_note"),
    )


def _image_table(scores: Scores) -> Table:
    from inspect_tool.report import text

    main = [name for name, item in scores.quantities.items() if item.main][:_SHOWN]
    kinds = list(scores.objects)
    heads: list[Words] = []
    for name in main:
        title = text.titled(scores.quantities[name].title, scores.quantities[name].unit)
        heads += [Text("score.of_truth", title=title), Text("score.is_predicted"), "d"]
    columns: list[list[Cell]] = [
        [image.image for image in scores.images],
        *([_mean_ious(scores)] if scores.pixels else []),
        [_share(image.boundary.f1) for image in scores.images],
    ]
    for kind in kinds:
        found = [image.objects.get(kind) for image in scores.images]
        columns.append([_share(item[0.5].ap) if item is not None else _NONE for item in found])
    for name in main:
        pairs = [image.quantities.get(name) for image in scores.images]
        for part, digits in (("truth", 4), ("predicted", 4), ("difference", 2)):
            values = [None if pair is None else getattr(pair, part) for pair in pairs]
            columns.append(list(map(text.figure, text.column(values, digits))))
    rows = tuple(zip(*columns, strict=True))
    return Table(
        title=Text("score.images"),
        columns=(
            Text("words.image"),
            *((Text("score.mean_iou"),) if scores.pixels else ()),
            Text("score.boundary_f1"),
            *(Text("score.ap_of", iou="0.50", kind=text.term(kind)) for kind in kinds),
            *heads,
        ),
        rows=rows,
    )


def _mean_ious(scores: Scores) -> list[Cell]:
    return [_share(mean_of(found.iou for found in image.pixels.values())) for image in scores.images]


def _share(value: float | None) -> Words:
    from inspect_tool.report.text import figure

    return _NONE if value is None else figure(f"{value:.3f}")


def boundary_line(scores: Scores) -> Words:
    """Boundary score in words."""
    found = scores.boundary
    return Text(
        "score.boundaries",
        tolerance=scores.tolerance_px,
        f1=_share(found.f1),
        precision=_share(found.precision),
        recall=_share(found.recall),
    )


# --------------------------------------------------------------------------------------------------------- as files


def write(scores: Scores, folder: Path, language: str = ENGLISH) -> Path:
    """Write ``score.json``, ``score.csv`` and ``score.html`` into a folder and return the page, in a language.

    Other files of the folder are left alone; each file is whole or not there.

    Raises
    ------
    OutputError
        The folder cannot be made or written, or holds something else than scores.
    """
    data = as_json(as_data(scores))
    shown = page(scores, folder, language)
    with new_folder(folder) as made:
        write_text(made / "score.json", data)
        write_text(made / "score.csv", as_csv(scores))
        write_text(made / "score.html", shown)
    return folder / "score.html"


def page(scores: Scores, folder: Path, language: str = ENGLISH) -> str:
    """Render the page: the tables, and a Bland-Altman plot of every main quantity."""
    from inspect_tool.paths import data_folder
    from inspect_tool.report import text
    from inspect_tool.report.render import render_page

    main = [name for name, item in scores.quantities.items() if item.main]
    rest = [name for name in scores.quantities if name not in main]
    against = scores.backend.get("name", Text("score.masks"))
    found = tables(scores)
    values = {
        "scores": scores,
        "against": against,
        "created": now().isoformat(),
        "software": f"inspect_tool {__version__}",
        "classes": tuple(map(text.term, scores.classes)),
        "tables": found,
        "behind": next((i for i, table in enumerate(found) if table.title is _PIXELS), len(found) - 1),
        "others": quantity_table(scores, rest, Text("score.other_quantities")),
        "boundary": boundary_line(scores),
        "plots": tuple(_plot(scores, name, language) for name in main if _several(scores.quantities[name])),
        "plates": tuple(_worst(scores, main)),
        "settings": [(key, text.setting(value)) for key, value in plain(scores.backend.get("settings", {})).items()],
    }
    template = data_folder("templates") / "inspection"
    return render_page("score.html.j2", translated(values, language), folder, template, "screen", language)


def _several(score: QuantityScore) -> bool:
    return score.found is not None and score.found.n > 1


def _worst(scores: Scores, main: Sequence[str]) -> list[dict[str, Words]]:
    """Pictures of the images that are farthest off: in the first quantity, else in pixels or objects."""
    from inspect_tool.report import text
    from inspect_tool.report.template import data_uri

    def off(image: ImageScore) -> float:
        pair = image.quantities.get(main[0]) if main else None
        if pair is not None and pair.difference is not None:
            return abs(pair.difference)
        return 1e9 * (1 - (image.boundary.f1 or 0.0))  # not measured: worse than any that was

    plates = []
    for image in sorted((image for image in scores.images if image.picture), key=off, reverse=True)[:_WORST]:
        pair = image.quantities.get(main[0]) if main else None
        said = (
            Text("score.not_measured")
            if pair is None or pair.difference is None
            else Text("score.difference_is", difference=text.quantity(pair.difference, pair.unit, 2))
        )
        plates.append({"image": image.image, "said": said, "picture": data_uri(image.picture, "image/jpeg")})
    return plates


def _plot(scores: Scores, name: str, language: str) -> dict[str, Words]:
    from inspect_tool.report.template import data_uri
    from inspect_tool.studies.comparison.page import Pair, bland_altman_svg

    score = scores.quantities[name]
    pairs = [image.quantities.get(name) for image in scores.images]
    pair = Pair(
        quantity=name,
        title=score.title,
        unit=score.unit,
        main=True,
        other=Text("score.is_predicted"),
        reference_values=tuple(item.truth if item is not None else None for item in pairs),
        other_values=tuple(item.predicted if item is not None else None for item in pairs),
        agreement=score.found,
        equivalence=equivalence(score.found, None),
    )
    svg = bland_altman_svg(pair, Text("score.is_annotated"), 120.0, 70.0, language)
    return {"title": score.title, "svg": data_uri(svg.encode(), "image/svg+xml")}
