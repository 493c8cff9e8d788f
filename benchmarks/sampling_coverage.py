"""Coverage of the sampling part of U by drawn structures with a known mean share; prints the tables of the docs.

Labels are the truth, so that nothing but sampling is in the interval.

python benchmarks/sampling_coverage.py [DRAWS] [TABLE]

TABLE: structures, pores, others, sizes or ending; all of them when it is left out.
"""

import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from inspect_tool.measure.feature_sizes import FeatureAreas
from inspect_tool.measure.share_scatter import ShareScatter, sampling_lines, scatter_of_blocks, share_scatter
from inspect_tool.statistics.fields import field_statistics
from inspect_tool.statistics.uncertainty import expanded

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "truth"))
from drawn_fields import lattice, lines, mosaic, needles, spaced_discs, two_scales
from drawn_structures import clustered_pores, cut_gaussian, discs, kept_apart, lognormal

_BLOCKS = 32

Field = tuple[float, ShareScatter]
"""Share of one field [%] and what its arrangement tells."""

STRUCTURES: dict[str, tuple[Callable[[np.random.Generator], NDArray[np.int32]], float]] = {
    "blobs, 3 px": (lambda random: cut_gaussian(random, 0.3, 3.0), 30.0),
    "blobs, 10 px": (lambda random: cut_gaussian(random, 0.1, 10.0), 10.0),
    "blobs, 20 px": (lambda random: cut_gaussian(random, 0.3, 20.0), 30.0),
    "blobs, 20 px, 90 %": (lambda random: cut_gaussian(random, 0.9, 20.0), 90.0),
    "kept apart, pitch 45 px": (lambda random: kept_apart(random, 0.5, 45.0), 50.0),
    "kept apart, pitch 25 px": (lambda random: kept_apart(random, 0.3, 25.0), 30.0),
    "lamellae, 4 x 40 px": (lambda random: cut_gaussian(random, 0.4, 4.0, aspect=10.0), 40.0),
    "bands through the field": (lambda random: cut_gaussian(random, 0.2, 4.0, aspect=50.0, angle=0.7), 20.0),
    "discs, 5 px, lognormal": (lambda random: discs(random, 0.08, 5.0, spread=0.5), 8.0),
    "few large discs, 14 px": (lambda random: discs(random, 0.05, 14.0, spread=0.3), 5.0),
}

# none of these chose anything in the estimate; a share of None is that of the draws
OTHERS: dict[str, tuple[Callable[[np.random.Generator], NDArray[np.int32]], float | None]] = {
    "mosaic, cells of 12 px": (lambda random: mosaic(random, 0.35, 12), 35.0),
    "mosaic, cells of 40 px": (lambda random: mosaic(random, 0.35, 40), 35.0),
    "discs kept apart, 50 px": (lambda random: spaced_discs(random, 50, 22), None),
    "kept apart, pitch 60 px": (lambda random: kept_apart(random, 0.55, 60.0, spread=0.3), 55.0),
    "kept apart, pitch 30 px": (lambda random: kept_apart(random, 0.15, 30.0, spread=0.4), 15.0),
    "fine in coarse": (lambda random: two_scales(random, 0.3, 3, 30, 0.5), 30.0),
    "blobs, 30 px": (lambda random: cut_gaussian(random, 0.15, 30.0), 15.0),
    "lamellae, 8 x 48 px": (lambda random: cut_gaussian(random, 0.5, 8.0, aspect=6.0, angle=2.0), 50.0),
    "bands, 6 px": (lambda random: cut_gaussian(random, 0.4, 6.0, aspect=50.0, angle=0.45), 40.0),
    "lines, nearly parallel": (lambda random: lines(random, 20, 4, 0.5, 0.05), None),
    "lines within 12 degrees": (lambda random: lines(random, 12, 6, 1.9, 0.2), None),
    "lines in all directions": (lambda random: lines(random, 20, 3, 0.0, 3.0), None),
    "discs, lognormal 0.7": (lambda random: discs(random, 0.1, 5.0, spread=0.7), 10.0),
}


# discs thrown at random: spread of ln radius, share [%], median radius [px]
SIZES = (
    (0.3, 10, 5.0),
    (0.5, 10, 5.0),
    (0.6, 10, 5.0),
    (0.6, 5, 6.0),
    (0.7, 10, 5.0),
    (0.7, 8, 4.0),
    (0.8, 15, 4.0),
    (0.8, 8, 5.0),
    (0.9, 10, 3.0),
    (0.9, 5, 3.0),
)


Sizes = Callable[[np.random.Generator, int], NDArray[np.float64]]


def bounded_power(exponent: float, largest: float) -> Sizes:
    """Areas of a bounded Pareto distribution over its mean; ``largest`` is that of the smallest."""
    kept = 1 - largest**-exponent
    mean = exponent / (exponent - 1) * (1 - largest ** (1 - exponent)) / kept
    return lambda random, number: (1 - random.random(number) * kept) ** (-1 / exponent) / mean


def few_large(share: float, times: float) -> Sizes:
    """Lognormal areas, spread of ln diameter 0.3, of which a share is ``times`` as large; over their mean."""
    mean = 1 - share + share * times
    return lambda random, number: (
        np.where(random.random(number) < share, times, 1.0) * lognormal(0.3)(random, number) / mean
    )


# pores of a field, their sizes, pores of a cluster (0: at random)
PORES: dict[str, tuple[int, Sizes, float]] = {
    **{
        f"{pores}, lognormal {spread}": (pores, lognormal(spread), 0.0)
        for pores, spread in (
            (4, 0.3),
            (8, 0.3),
            (8, 0.5),
            (8, 0.8),
            (13, 0.6),
            (13, 0.8),
            (20, 0.3),
            (20, 0.6),
            (40, 0.5),
            (40, 0.8),
            (100, 0.9),
            (200, 0.8),
        )
    },
    **{
        f"{pores} in clusters of 5, lognormal {spread}": (pores, lognormal(spread), 5.0)
        for pores, spread in ((20, 0.3), (40, 0.8), (100, 0.6))
    },
    "8, exponential": (8, lambda random, number: random.exponential(size=number), 0.0),
    "30, exponential": (30, lambda random, number: random.exponential(size=number), 0.0),
    "30 in clusters of 5, exponential": (30, lambda random, number: random.exponential(size=number), 5.0),
    "8, Weibull 0.5": (8, lambda random, number: random.weibull(0.5, number) / 2, 0.0),
    "40, Weibull 0.5": (40, lambda random, number: random.weibull(0.5, number) / 2, 0.0),
    "20, bounded power 1.5": (20, bounded_power(1.5, 300.0), 0.0),
    "100, bounded power 1.5": (100, bounded_power(1.5, 300.0), 0.0),
    "20, one of 20 is 20 times as large": (20, few_large(0.05, 20.0), 0.0),
    "100, one of 20 is 20 times as large": (100, few_large(0.05, 20.0), 0.0),
    # kinds that were drawn once, after the skewness of several fields had come in
    "30, lognormal 1.0": (30, lognormal(1.0), 0.0),
    "100, lognormal 1.0": (100, lognormal(1.0), 0.0),
    "200, lognormal 1.5": (200, lognormal(1.5), 0.0),
    "50, bounded power 2.0": (50, bounded_power(2.0, 1000.0), 0.0),
    "150, bounded power 1.2": (150, bounded_power(1.2, 200.0), 0.0),
    "60 in clusters of 6, bounded power 1.5": (60, bounded_power(1.5, 300.0), 6.0),
    "80 in clusters of 10, lognormal 1.0": (80, lognormal(1.0), 10.0),
    "40, one of 10 is 10 times as large": (40, few_large(0.1, 10.0), 0.0),
    "60, one of 30 is 30 times as large": (60, few_large(1 / 30, 30.0), 0.0),
    "25, one of 5 is 50 times as large": (25, few_large(0.2, 50.0), 0.0),
}
GROUPS = (1, 2, 3, 5, 10)  # fields
_ENOUGH = 30  # pores of a single field, from which on no remark says that rare large ones may be missing

# needles thrown at random: share [%], length, width [px]; lattices: pitch, radius [px], scatter of places over pitch
NEEDLES = ((15, 192, 4), (20, 128, 4), (30, 100, 8), (10, 80, 4), (15, 40, 4))
LATTICES = ((32, 10, 0.0), (32, 10, 0.1), (64, 18, 0.0))


def of_labels(labels: NDArray[np.int32], *, needles: bool = True) -> Field:
    return 100 * float(labels.mean()), share_scatter(labels == 1, needles=needles)


def of_pores(places: NDArray[np.float64], area: NDArray[np.float64]) -> Field:
    blocks = np.zeros((_BLOCKS, _BLOCKS))
    row, column = np.minimum((places * _BLOCKS).astype(int), _BLOCKS - 1).T
    np.add.at(blocks, (row, column), area)
    found = scatter_of_blocks(blocks, np.full(blocks.shape, 1 / _BLOCKS**2))
    sizes = FeatureAreas(of_phase=area, of_rest=np.zeros(0))
    largest = float(area.max(initial=0.0))
    return 100 * float(area.sum()), ShareScatter(u=found.u, dof=found.dof, largest=largest, areas=sizes)


def without_sizes(field: Field) -> Field:
    return field[0], replace(field[1], areas=None)


def judged(fields: Sequence[Field], truth: float) -> tuple[bool, bool, float]:
    """Whether the interval holds the truth, whether it lies below it, and U."""
    shares = [share for share, _ in fields]
    found = field_statistics(shares)
    wide = expanded(sampling_lines(found, shares, [scatter for _, scatter in fields]))
    return abs(found.mean - truth) <= wide, found.mean + wide < truth, wide


def row(name: str, draws: int, fields: Callable[[], Sequence[Field]], truth: float) -> None:
    found = [judged(fields(), truth) for _ in range(draws)]
    holds, below = (100 * float(np.mean([one[k] for one in found])) for k in (0, 1))
    print(f"| {name} | {holds:.0f} | {below:.0f} | {np.median([one[2] for one in found]) / truth:.2f} |", flush=True)


HEAD = "| {} | holds [%] | all of it below the truth [%] | median U / truth |\n| --- | --- | --- | --- |"


def main(draws: int, only: str = "") -> None:
    tables = {
        "structures": structures,
        "pores": pores_of_fields,
        "others": others,
        "sizes": lambda draws: of_sizes(2 * draws),
        "ending": ending,
    }
    for name, table in tables.items():
        if only in ("", name):
            table(draws)


def structures(draws: int) -> None:
    random = np.random.default_rng(20)
    print(HEAD.format("one field of"))
    for name, (draw, truth) in STRUCTURES.items():
        row(name, draws, lambda draw=draw: [of_labels(draw(random))], truth)  # type: ignore[misc]


def pores_of_fields(draws: int) -> None:
    """So many specimens of each number of fields; none shares a field with another of as many."""
    heads = ["1 field, all", f"1 field of {_ENOUGH} pores or more", *(f"{n} fields" for n in GROUPS[1:])]
    print(f"\n| pores per field, their areas | {' | '.join(heads)} |\n| --- |{' --- |' * len(heads)}")
    for name, (pores, sizes, cluster) in PORES.items():
        random = np.random.default_rng([34, *name.encode()])
        drawn = [
            of_pores(*clustered_pores(random, pores=pores, sizes=sizes, cluster=cluster))
            for _ in range(draws * max(GROUPS))
        ]
        cells = []
        for n in GROUPS:
            groups = [drawn[n * i : n * (i + 1)] for i in range(draws)]
            found = np.array([judged(group, 1.0) for group in groups])
            cells.append(in_short(found))
            if n == 1:
                enough = np.array(
                    [one.areas is not None and len(one.areas.of_phase) >= _ENOUGH for ((_, one),) in groups]
                )
                cells.append(in_short(found[enough]) if enough.sum() > draws / 2 else "")
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


def in_short(found: NDArray[np.float64]) -> str:
    """How often intervals hold the truth, how often they lie below it [%], and the median U, over a truth of 1."""
    holds, below = 100 * found[:, :2].mean(axis=0)
    return f"{holds:.0f}, {below:.0f}, {np.median(found[:, 2]):.2f}"


def others(draws: int) -> None:
    random = np.random.default_rng(2026)
    print("\n" + HEAD.replace("U / truth", "U / 1.96 s of the fields").format("one field of another kind"))
    for name, (draw, known) in OTHERS.items():
        of_kind(name, [of_labels(draw(random)) for _ in range(draws)], known)


def of_kind(name: str, fields: Sequence[Field], known: float | None) -> None:
    """Row of fields of one kind, the width over what a normal share with known scatter needs."""
    shares = [share for share, _ in fields]
    mean = float(np.mean(shares)) if known is None else known
    kinds = [judged([field], mean) for field in fields]
    holds, below = (100 * float(np.mean([one[k] for one in kinds])) for k in (0, 1))
    wide = float(np.median([one[2] for one in kinds])) / 1.96 / float(np.std(shares))
    print(f"| {name} | {holds:.0f} | {below:.0f} | {wide:.2f} |", flush=True)


def ending(draws: int) -> None:
    """Needles that end in the field, by their waves alone and as they are counted; lattices."""
    random = np.random.default_rng(56)
    print("\n" + HEAD.replace("U / truth", "U / 1.96 s of the fields").format("one field of"))
    for share, length_px, width_px in NEEDLES:
        drawn = [needles(random, share / 100, length_px, width_px) for _ in range(draws)]
        for told, seen in (("by waves", False), ("now", True)):
            name = f"needles, {length_px} x {width_px} px, {share} %, {told}"
            of_kind(name, [of_labels(labels, needles=seen) for labels in drawn], share)
    for pitch_px, radius_px, scatter in LATTICES:
        fields = [of_labels(lattice(random, pitch_px, radius_px, scatter)) for _ in range(draws)]
        of_kind(f"lattice, pitch {pitch_px} px, places scatter by {scatter}", fields, None)


def of_sizes(draws: int) -> None:
    random = np.random.default_rng(12)
    print(
        "\n| spread of ln radius, share, median radius | without sizes: holds [%] | below [%] | now: holds [%] "
        "| below [%] | median U, times that without | median U / truth | two fields: holds [%] |\n"
        "| --- | --- | --- | --- | --- | --- | --- | --- |"
    )
    for spread, share, radius in SIZES:
        drawn = [of_labels(discs(random, share / 100, radius, spread=spread)) for _ in range(draws)]
        now = np.array([judged([field], share) for field in drawn])
        before = np.array([judged([without_sizes(field)], share) for field in drawn])
        pairs = np.array([judged([drawn[i], drawn[i - 1]], share) for i in range(draws)])
        cells = [f"{100 * part[:, k].mean():.0f}" for part in (before, now) for k in (0, 1)]
        cells += [f"{np.median(now[:, 2] / before[:, 2]):.2f}", f"{np.median(now[:, 2]) / share:.2f}"]
        print(
            f"| {spread}, {share} %, {radius:.0f} px | {' | '.join(cells)} | {100 * pairs[:, 0].mean():.0f} |",
            flush=True,
        )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 250, *sys.argv[2:3])
