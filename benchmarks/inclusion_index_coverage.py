"""Coverage of the interval of a total index (method K), by inclusions of a made-up table at random places.

Sizes 0 to 8 with factors 0.05 to 20, as trade literature names them without a source; every size has a share ``ratio``
of the number of the one before. Only what chance leaves is drawn: sizes are told without error.

    python benchmarks/inclusion_index_coverage.py
"""

import numpy as np

from inspect_tool.recipes.inclusions.limits import TYPES
from inspect_tool.recipes.inclusions.size_results import unseen_factor
from inspect_tool.recipes.inclusions.sizes import SizeLimits, Sizes, factors_of
from inspect_tool.statistics.totals import total_per_area

FACTORS = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0)
DRAWS = 1000


def limits(least_size: int) -> SizeLimits:
    """A table of one type, whose least areas double."""
    areas = tuple(10.0 * 2.0**size for size in range(len(FACTORS)))
    return SizeLimits(
        name="made_up",
        along_um=40.0,
        across_um=10.0,
        direction_deg=20.0,
        particles=3.0,
        elongated=3.0,
        globular=3.0,
        least_size=least_size,
        types={"D": Sizes(first=0, factors=FACTORS, least={"area_um2": areas})},
    )


def main() -> None:
    """Print the table of docs/validation_inclusions.md."""
    rng = np.random.default_rng(1)
    print("| ratio | index | inclusions that count | coverage | half width over the index |")
    print("|---|---|---|---|---|")
    for ratio in (0.25, 0.4, 0.6):
        for least in (1, 4):
            table = limits(least)
            for number in (3, 10, 30, 100, 300):
                share = ratio ** np.arange(len(FACTORS))
                expected = number * share / share[least:].sum()
                true = float((expected[least:] * np.asarray(FACTORS[least:])).sum())
                held, width = 0, 0.0
                for _ in range(DRAWS):
                    size = np.repeat(np.arange(len(FACTORS)), rng.poisson(expected)).astype(float)
                    kind = np.full(len(size), TYPES.index("D"))
                    factors = factors_of(kind, size, table, "total")
                    seen = factors[factors > 0]
                    group = np.zeros(len(seen), np.int64)
                    unseen = (unseen_factor(table, factors, "total"),)
                    low, high = total_per_area(seen, group, np.ones(1), unseen=unseen).alone
                    held += low <= true <= high
                    width += (high - low) / 2 / true
                print(
                    f"| {ratio} | K{least} | {number} | {100 * held / DRAWS:.1f} % | {width / DRAWS:.2f} |", flush=True
                )


if __name__ == "__main__":
    main()
