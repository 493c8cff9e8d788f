"""A made-up inspection for the tests of the report: its numbers mean nothing, its shape is real."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree

from inspect_tool.acceptance.conformity import decide
from inspect_tool.model import (
    Calibration,
    Chart,
    Check,
    Component,
    Findings,
    Header,
    Job,
    Layout,
    Mark,
    Measurements,
    Micrograph,
    MicrographRecord,
    Notable,
    Provenance,
    Report,
    Requirement,
    Result,
    Segmentation,
    Series,
    Statement,
    Table,
    Thumbnail,
)
from inspect_tool.report import field_pictures
from inspect_tool.report.build import build
from inspect_tool.report.dates import day_of_issue
from inspect_tool.standards.editions import load_standard
from inspect_tool.statistics.uncertainty import evaluated

ROOT = Path(__file__).resolve().parent.parent

HEADER = Header(
    laboratory="Materials Laboratory North",
    address="Foundry Road 12, 24103 Kiel, Germany",
    customer="Turbine Works Ltd.",
    order="PO 2026-1187",
    part="Shaft 4711, drawing rev. B",
    item="S-12",
    material="X5CrNi18-10 (1.4301)",
    heat="H 88123",
    preparation="ground to 4000, polished 1 µm, etched V2A 40 s",
    instrument="Optical microscope, objective 20×",
    date_received="2026-03-02",
    date_of_work="2026-03-09",
    operator="M. Example",
    condition="solution annealed, intact",
)


@dataclass(frozen=True)
class Example:
    """A report and the folder with its pictures."""

    report: Report
    folder: Path


def grain_field(
    seed: int, size: int = 500, grains: int = 90, semantic: bool = False
) -> tuple[Micrograph, Segmentation]:
    """Voronoi grains with dark boundaries and noise, and their labels."""
    rng = np.random.default_rng(seed)
    seeds = rng.uniform(0, size, (grains, 2))
    grid = np.stack(np.mgrid[:size, :size], axis=-1).reshape(-1, 2)
    near, index = cKDTree(seeds).query(grid, k=2)
    labels = (index[:, 0] + 1).reshape(size, size).astype(np.int32)
    boundary = (near[:, 1] - near[:, 0]).reshape(size, size)
    gray = 150 + 45 * rng.uniform(-1, 1, grains + 1)[labels] - 95 * np.exp(-((boundary / 2.2) ** 2))
    gray = np.clip(gray + rng.normal(0, 9, gray.shape), 0, 255).astype(np.uint8)
    gray.setflags(write=False)
    micrograph = Micrograph(
        pixels=gray,
        calibration=Calibration(
            pixel_um=0.5,
            u_rel=0.004,
            source="stage micrometer",
            certificate="DAkkS 2025-1142",
            valid_until=date(2027, 1, 31),
        ),
        modality="optical",
        path=f"images/field_{seed:02d}.tif",
        sha256=f"{seed:064x}",
        field=seed,
        meta={"bit depth": "8"},
    )
    if semantic:
        phases = (labels % 5 == 0).astype(np.int32) + 2 * (labels % 7 == 1)
        classes = {0: "matrix", 1: "ferrite", 2: "sigma"}
        return micrograph, Segmentation(
            labels=np.minimum(phases, 2).astype(np.int32), classes=classes, kind="semantic", backend="threshold"
        )
    return micrograph, Segmentation(
        labels=labels, classes={1: "grain"}, kind="instance", backend="watershed", settings={"sigma_px": 1.5}
    )


def marks(size: int = 500) -> tuple[Mark, ...]:
    """Three circles with hits, half hits and a label."""
    angle = np.linspace(0, 2 * np.pi, 181)
    found = []
    for i, radius in enumerate((70.0, 140.0, 210.0)):
        ring = np.stack([size / 2 + radius * np.sin(angle), size / 2 + radius * np.cos(angle)], axis=1)
        found.append(Mark(kind="path", points=tuple(map(tuple, ring.tolist())), label=f"{i + 1}"))
        every = ring[:: 14 - 3 * i]
        found.append(Mark(kind="points", points=tuple(map(tuple, every.tolist())), style="hit", layer="hits"))
        found.append(
            Mark(kind="points", points=tuple(map(tuple, ring[5::60].tolist())), style="half hit", layer="hits")
        )
    return tuple(found)


def example(
    folder: Path,
    *,
    fields: int = 5,
    features: int = 400,
    size: int = 500,
    grains: int = 90,
    header: Header = HEADER,
    lower: float | None = 7.0,
    rule: str = "guarded",
    failing: bool = False,
    specimen: str = "1",
    semantic: bool = False,
    layout: Layout = "full",
) -> Example:
    """Write the pictures of a made-up inspection below ``folder`` and build its report."""
    rng = np.random.default_rng(7)
    records, worst = [], []
    (folder / "thumbnails").mkdir(parents=True, exist_ok=True)
    for number in range(1, fields + 1):
        micrograph, segmentation = grain_field(number, size, grains, semantic)
        drawn = field_pictures.write_field(
            folder, f"{specimen}_field_{number:02d}", micrograph, segmentation, marks(size)
        )
        records.append(
            MicrographRecord(
                image=micrograph.path,
                sha256=micrograph.sha256,
                specimen=specimen,
                section="1",
                plane="transverse",
                field=number,
                height_px=size,
                width_px=size,
                calibration=micrograph.calibration,
                modality="optical",
                meta=micrograph.meta,
                segmentation={
                    "backend": segmentation.backend,
                    "kind": segmentation.kind,
                    "classes": {str(key): name for key, name in segmentation.classes.items()},
                    "settings": dict(segmentation.settings),
                    "coverage": 1.0,
                    "seconds": 0.31 + number / 100,
                    "weights_sha256": "",
                },
                picture=drawn.picture,
                picture_scale=drawn.scale,
                overlay=drawn.overlay,
                layers=drawn.layers,
                notes=("3 grains at the rim of the etch were left out.",) if number == 2 else (),
            )
        )
        for feature in (3, 9):
            where = np.argwhere(segmentation.labels == (feature if not semantic else 1))
            top, left = where.min(axis=0).tolist()
            bottom, right = (where.max(axis=0) + 1).tolist()
            name = f"thumbnails/{specimen}_{number:02d}_{feature}.jpg"
            item = Notable(
                feature=feature,
                value=412.5 - 31 * len(worst),
                unit="um2",
                caption="largest grain",
                box=(top, left, min(bottom, top + 120), min(right, left + 120)),
            )
            (folder / name).write_bytes(field_pictures.thumbnail(micrograph, segmentation, item))
            worst.append(
                Thumbnail(
                    image=micrograph.path,
                    specimen=specimen,
                    field=number,
                    feature=feature,
                    value=item.value,
                    unit="um2",
                    caption=item.caption,
                    file=name,
                )
            )

    areas = rng.lognormal(5.2, 0.6, features)
    table = pd.DataFrame(
        {
            "specimen": specimen,
            "section": "1",
            "field": rng.integers(1, fields + 1, features),
            "feature": np.arange(1, features + 1),
            "row_px": rng.uniform(0, size, features),
            "column_px": rng.uniform(0, size, features),
            "touches_edge": rng.uniform(size=features) < 0.15,
            "area_um2": areas,
            "ecd_um": np.sqrt(4 * areas / np.pi),
            "perimeter_um": 3.8 * np.sqrt(areas),
            "feret_max_um": 1.35 * np.sqrt(areas),
            "feret_min_um": 0.95 * np.sqrt(areas),
            "circularity": rng.uniform(0.55, 0.95, features),
            "aspect_ratio": rng.uniform(1.0, 2.4, features),
            "orientation_deg": rng.uniform(-90, 90, features),
        }
    )
    g = 7.93 + rng.normal(0, 0.12, fields)
    field_table = pd.DataFrame(
        {
            "specimen": specimen,
            "section": "1",
            "plane": "transverse",
            "field": range(1, fields + 1),
            "image": [f"images/field_{i:02d}.tif" for i in range(1, fields + 1)],
            "mean_intercept_um": 320.0 * 2 ** (-g / 2),
            "grains_per_mm2": 7.75 * 2**g,
            "mean_grain_area_um2": 1e6 / (7.75 * 2**g),
            "count": rng.integers(60, 95, fields),
            "circles_um": 2638.9,
        }
    )
    u_fields = float(g.std(ddof=1) / np.sqrt(fields)) if fields > 1 else 0.0
    budget = (
        *(
            [
                Component(
                    name="between fields", u=u_fields, kind="A", dof=fields - 1, basis=f"s / √n over {fields} fields"
                )
            ]
            if fields > 1
            else []
        ),
        Component(name="segmentation", u=0.041, kind="B", basis="half range over thresholds shifted by ± 5 %, / √3"),
        Component(name="scale", u=0.0115, kind="B", basis="relative 0.4 % of the stage micrometer, 2.885 per unit"),
    )
    results = tuple(
        evaluated(result)
        for result in (
            Result(
                quantity="grain_size_number", specimen=specimen, value=float(g.mean()), unit="G", n=fields,
                clause="ASTM E112-2013: three-circle intercept procedure", definition="from the mean intercept/1",
                budget=budget, rounded="8.0", title="ASTM grain size number G (Abrams)", main=True,
            ),
            Result(
                quantity="mean_intercept_um", specimen=specimen, value=20.53, unit="um", n=fields,
                clause="ASTM E112-2013: three-circle intercept procedure", definition="line over hits/1",
                budget=(Component(name="between fields", u=0.31, kind="A", dof=max(1, fields - 1), basis="s / √n"),),
                title="Mean lineal intercept", main=True,
            ),
            Result(
                quantity="grains_per_mm2", specimen=specimen, value=1873.2, unit="1/mm2", n=features, n_of="grains",
                clause="ASTM E112-2013: planimetric procedure", definition="Saltykov rectangle/1",
                budget=(Component(name="between fields", u=71.0, kind="A", dof=max(1, fields - 1), basis="s / √n"),),
                title="Grains per area",
            ),
            Result(
                quantity="anisotropy_index", specimen=specimen, value=1.04, unit="1", n=fields,
                clause="ASTM E112-2013: non-equiaxed grains", definition="ratio of directional intercepts/1",
                title="Anisotropy index",
            ),
        )
    )  # fmt: skip
    checks = (
        Check(name="Relative accuracy", value=7.1, relation="<=", limit=10.0, unit="%", passed=True,
              clause="ASTM E112-2013: statistics", specimen=specimen),
        Check(name="Grains in the field", value=41.0 if failing else 88.0, relation=">=", limit=50.0, unit="grains",
              passed=not failing, clause="ASTM E112-2013: planimetric procedure", specimen=specimen,
              note="smallest field"),
        Check(name="Number of fields", value=float(fields), relation=">=", limit=5.0, unit="fields",
              passed=fields >= 5, clause="ASTM E112-2013: sampling", specimen=specimen),
        Check(name="Methods agree", value=0.12, relation="<=", limit=0.3, unit="G", passed=True,
              clause="comparison of intercept and planimetric", scope="consistency"),
        Check(name="Certificate of the scale still valid", value=328.0, relation=">=", limit=0.0, unit="days",
              passed=True, clause="calibration DAkkS 2025-1142", scope="calibration"),
    )  # fmt: skip
    requirements = (
        ()
        if lower is None
        else (
            Requirement(quantity="grain_size_number", unit="G", lower=lower, rule=rule, source="drawing 4711 rev B"),  # type: ignore[arg-type]
        )
    )
    job = Job(recipe="grain_size", standard="astm_e112_2013", images=("images/*.tif",), header=header,
              requirements=requirements, settings={"method": "abrams"}, layout=layout)  # fmt: skip
    edges = np.geomspace(20, 1500, 16)
    counts = np.histogram(areas, edges)[0]
    order = np.sort(areas)
    charts = (
        Chart(kind="histogram", title="Grain areas", x_label="Area [µm²]", y_label="Grains", x_scale="log",
              series=(Series(name="all fields", x=tuple(edges.tolist()), y=tuple(counts.astype(float).tolist())),),
              limits=((float(areas.mean()), "mean"),)),
        Chart(kind="cumulative", title="Cumulative area", x_label="Area [µm²]", y_label="Share of grains [%]",
              series=(Series(name="by number", x=tuple(order.tolist()),
                             y=tuple((100 * np.arange(1, features + 1) / features).tolist())),
                      Series(name="by area", x=tuple(order.tolist()),
                             y=tuple((100 * np.cumsum(order) / order.sum()).tolist()))), x_scale="log"),
        Chart(kind="points", title="Every field", x_label="Field", y_label="G of the field",
              series=(Series(name="G", x=tuple(float(i) for i in range(1, fields + 1)), y=tuple(g.tolist())),)),
        Chart(kind="bars", title="Methods on the same labels", x_label="", y_label="G",
              series=(Series(name="G", x=(0.0, 1.0, 2.0, 3.0), y=(7.93, 7.88, 7.97, 8.02)),),
              categories=("Abrams", "Heyn", "Saltykov", "mean area")),
    )  # fmt: skip
    findings = Findings(
        results=results,
        checks=checks,
        measurements=Measurements(features=table, fields=field_table),
        statements=(
            Statement(name="Procedure", text="Circular intercept (Abrams): three circles, 500 mm of line at 1×."),
            Statement(name="Counting", text="Tangent hits count 1, triple points 1 1/2; no line ends on a circle."),
            Statement(name="Twins", text="Twin boundaries were not counted; none were told apart by hand."),
        ),
        tables=(
            Table(
                title="Grain size by every method",
                columns=("Method", "G", "Difference"),
                rows=(
                    ("Abrams circles", 7.93, 0.0),
                    ("Heyn lines, 4 directions", 7.88, -0.05),
                    ("Saltykov", 7.97, 0.04),
                ),
                note="All methods run on the same labels.",
            ),
        ),
        charts=charts,
        warnings=("The largest grain is 3.1 classes coarser than the mean: report it after ASTM E930 as well.",)
        if failing
        else (),
    )
    report = build(
        job_name="shaft_4711",
        job=job,
        standard=load_standard("astm_e112_2013"),
        findings=findings,
        micrographs=records,
        conformities=[decide(results[0], requirement) for requirement in requirements],
        worst=worst[:10],
        provenance=PROVENANCE,
        title="Grain size",
        issued=day_of_issue(header, date.fromisoformat(PROVENANCE.started[:10])),
    )
    return Example(report=report, folder=folder)


PROVENANCE = Provenance(
    software="inspect_tool",
    version="0.1.0",
    python="3.11.2",
    platform="Linux x86_64",
    packages={"numpy": "2.0.2", "opencv": "4.12", "diplib": "3.6", "weasyprint": "70.0"},
    job_sha256="ab" * 32,
    settings={"method": "abrams", "circles": 3},
    backend={"name": "watershed", "sigma_px": 1.5},
    started="2026-03-09T10:12:13+00:00",
    seconds=4.2,
)
