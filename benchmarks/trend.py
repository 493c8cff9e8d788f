"""How often the alarms and the step detector of ``lab trend`` speak up over nothing, and how often they find something.

Prints the tables of ``docs/trend.md``. Values are independent and normal; seeds are fixed. Some three minutes.

    python benchmarks/trend.py
"""

import numpy as np

from inspect_tool.lab.trend import alarms, limits, steps
from inspect_tool.lab.trend.constants import constants

ROWS = 20_000
SERIES = 1000


def main() -> None:
    """Print the tables."""
    print("False alarms within 100 values [%]: limits known, and of 25 and of 100 values")

    drawn = {n: _standardized(n) for n in (None, 25, 100)}
    for rule in alarms.NELSON:
        print(f"| rule {rule} | " + " | ".join(_percent(_met(z, (rule,))) for z in drawn.values()) + " |")
    for label, rules in (("rules 1 to 4", (1, 2, 3, 4)), ("all eight", tuple(alarms.NELSON))):
        print(f"| {label} | " + " | ".join(_percent(_met(z, rules)) for z in drawn.values()) + " |")
    charts = {
        "single": (limits.quiet_single, limits.SINGLE),
        "cusum": (limits.quiet_cusum, limits.CUSUM),
        "ewma": (limits.quiet_ewma, limits.EWMA),
    }
    for kind, (chart, known) in charts.items():
        for label, least in (("not widened", limits.ENOUGH), ("widened", 0)):
            row = [
                _percent(_alarm(kind, z, limits.widened(chart, known, max(n or limits.ENOUGH, least))))
                for n, z in drawn.items()
            ]
            print(f"| {kind}, {label} | " + " | ".join(row) + " |")
    print("\nWidths by number of values: single, h, L")
    for n in (10, 15, 20, 25, 30, 40, 50, 75, 99, 100):
        print(f"| {n} | " + " | ".join(f"{limits.widened(*one, n):.2f}" for one in charts.values()) + " |")
    print(f"\nSeries without a step in which one is found [%], {SERIES} of each length")
    for n in (10, 20, 40, 100):
        found = [
            sum(bool(steps.steps(x, penalty=penalty, confirmed=confirmed)) for x in _series(n))
            for penalty, confirmed in ((2.0, 1.0), (3.0, 1.0), (2.0, 0.01), (3.0, 0.01))
        ]
        print(f"| {n} | " + " | ".join(f"{100 * one / SERIES:.1f}" for one in found) + " |")
    print(f"\nSteps found [%] (true place among the stated ones [%] of these), {SERIES} series of each kind")
    for n in (10, 20, 40, 100):
        row = []
        for size in (1.0, 2.0, 3.0):
            hits = held = 0
            for x in _series(n):
                x[n // 2 :] += size
                near = [one for one in steps.steps(x) if abs(one.at - n // 2) <= max(3, one.last - one.first)]
                hits += bool(near)
                held += any(one.first <= n // 2 <= one.last for one in near)
            row.append(f"{100 * hits / SERIES:.1f} ({100 * held / max(hits, 1):.0f})")
        print(f"| {n} | " + " | ".join(row) + " |")


def _standardized(n: int | None) -> np.ndarray:
    """Hundred new values by the limits of ``n`` old ones, (rows, 100)."""
    random = np.random.default_rng(n)
    new = random.standard_normal((ROWS, 100))
    if n is None:
        return new
    old = random.standard_normal((ROWS, n))
    sigma = np.abs(np.diff(old, axis=1)).mean(axis=1) / constants(2).d2
    return (new - old.mean(axis=1)[:, None]) / sigma[:, None]


def _met(z: np.ndarray, rules: tuple[int, ...]) -> float:
    met = np.zeros(len(z), bool)
    for rule in rules:
        met |= alarms.nelson(z, rule).any(axis=1)
    return float(met.mean())


def _alarm(kind: str, z: np.ndarray, width: float) -> float:
    match kind:
        case "single":
            return float((np.abs(z) > width).any(axis=1).mean())
        case "cusum":
            return float(np.mean([alarms.cusum(row, width)[2].any() for row in z[:4000]]))
        case _:
            return float(np.mean([alarms.ewma(row, width)[1].any() for row in z[:4000]]))


def _percent(share: float) -> str:
    return f"{100 * share:.1f}"


def _series(n: int) -> np.ndarray:
    return np.random.default_rng(n).standard_normal((SERIES, n))


if __name__ == "__main__":
    main()
