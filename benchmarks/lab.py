"""How long a search and a trend take in a lab of many reports, as ratios to plain indexed SQL of the same run.

    python benchmarks/lab.py [reports [postgresql://user@host/EMPTY_DATABASE]]

Made up directly in the tables: five results a report, 50 reports a heat, and one part with a tenth of the reports
(10 000 points of a trend at 100 000 reports). Wanted at 100 000: a search by heat within 50 ms, a trend within 150 ms.
Best of many rounds on an open connection, by the clock and in processor time of this process, which says more on a busy
machine; of a server it leaves out the server. To open one, and to start Python, comes on top (the last two lines).
"""

import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection, insert

from inspect_tool.lab import find, tables
from inspect_tool.lab.database import Lab, connected, init, open_lab
from inspect_tool.lab.query import parse
from inspect_tool.lab.trend.series import series

RECIPES = {
    "grain_size": ("grain_size_number", "mean_intercept_um", "grains_per_mm2", "mean_grain_area_um2", "largest_grain"),
    "porosity": ("porosity_percent", "pore_count_per_mm2", "largest_pore_feret_um", "mean_pore_ecd_um", "pore_shape"),
}
HEAT, PART = "730218", "Shaft 4711"
AT_ONCE = 5000

Rows = list[dict[str, object]]


def made_up(n: int) -> Iterator[tuple[Rows, Rows, Rows]]:
    """Rows of reports, specimens and results, some thousands at a time."""
    draw = random.Random(15)
    first = datetime(2016, 1, 4, 8, tzinfo=UTC)
    heats = max(1, n // 50)
    for begin in range(0, n, AT_ONCE):
        reports: Rows = []
        specimens: Rows = []
        results: Rows = []
        for i in range(begin, min(n, begin + AT_ONCE)):
            of_part = i % 10 == 0
            recipe = "grain_size" if of_part else draw.choice([*RECIPES])
            moment = first + timedelta(hours=i * 80_000 / n)
            reports.append(
                {
                    "id": i + 1,
                    "uid": f"{draw.getrandbits(256):064x}",
                    "name": f"job_{i}",
                    "recipe": recipe,
                    "title": recipe.replace("_", " "),
                    "number": f"IT-{moment:%Y%m%d}-{i:08X}",
                    "place": f"reports/job_{i}",
                    "started": moment,
                    "day": moment.date(),
                    "added": moment,
                    "laboratory": "Materials Laboratory North",
                    "customer": f"Customer {draw.randrange(200)}",
                    "order_": f"PO {draw.randrange(20_000)}",
                    "part": PART if of_part else f"Part {i % 500}",
                    "heat": HEAT if i % heats == heats // 2 else f"{600_000 + i % heats}",
                    "lot": "",
                    "operator": f"Operator {i % 7}",
                    "instrument": f"Microscope {i % 3}",
                    "sample_id": f"S-{i}",
                    "material": "X5CrNi18-10",
                    "verdict": draw.choice(["pass", "pass", "fail", "undecided"]),
                    "standard": "ASTM E112-13",
                    "language": "en",
                    "fingerprint": 1 + i % 40,
                }
            )
            specimens.append({"report": i + 1, "specimen": "1"})
            for position, quantity in enumerate(RECIPES[recipe]):
                value = draw.gauss(8.0, 0.5)
                results.append(
                    {
                        "report": i + 1,
                        "position": position,
                        "specimen": "1",
                        "quantity": quantity,
                        "value": value,
                        "unit": "1",
                        "u": 0.1,
                        "expanded_u": 0.2,
                        "low": value - 0.2,
                        "high": value + 0.2,
                        "coverage": 0.95,
                        "n": 5,
                        "main": position < 2,
                        "verdict": "",
                    }
                )
        yield reports, specimens, results


def filled(lab: Lab, n: int) -> None:
    with connected(lab) as connection:
        prints = [{"id": i, "sha256": f"{i:064x}", "software": f"inspect_tool 0.{i}"} for i in range(1, 41)]
        connection.execute(insert(tables.fingerprint), prints)
        for reports, specimens, results in made_up(n):
            connection.execute(insert(tables.report), reports)
            connection.execute(insert(tables.specimen), specimens)
            connection.execute(insert(tables.result), results)
        if lab.url:  # a server does so by itself after a while; SQLite never does
            connection.exec_driver_sql("ANALYZE")


def best_ms(call: Callable[[], object], rounds: int) -> tuple[float, float]:
    """Least time by the clock and least processor time of this process [ms]."""
    clock, processor = [], []
    for _ in range(rounds):
        start, busy = time.perf_counter(), time.process_time()
        call()
        clock.append(time.perf_counter() - start)
        processor.append(time.process_time() - busy)
    return 1e3 * min(clock), 1e3 * min(processor)


def plain(connection: Connection, sql: str) -> Callable[[], int]:
    return lambda: len(connection.exec_driver_sql(sql).all())


def compare(name: str, ours: Callable[[], object], sql: Callable[[], int], wanted_ms: float, rounds: int) -> None:
    (clock, busy), (reference, busy_reference) = best_ms(ours, rounds), best_ms(sql, rounds)
    wanted = f"; wanted: {wanted_ms:.0f} ms" if wanted_ms else ""
    print(
        f"{name:<44}{clock:8.1f} ms ({busy:.1f} of a processor), plain SQL {reference:.2f} ({busy_reference:.2f}) for "
        f"{sql()} rows: {clock / reference:.1f} x ({busy / busy_reference:.1f} x){wanted}",
        flush=True,
    )


def main() -> None:
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    url = sys.argv[2] if len(sys.argv) > 2 else ""
    with tempfile.TemporaryDirectory() as folder:
        lab = init(Path(folder) / "lab", url)
        start = time.perf_counter()
        filled(lab, n)
        size = "" if url else f", {(lab.folder / 'lab.db').stat().st_size / 1e6:.0f} MB"
        print(f"{n} reports, {5 * n} results made in {time.perf_counter() - start:.0f} s{size}; {url or 'SQLite'}")
        with connected(lab, read_only=True) as connection:

            def searched(text: str) -> Callable[[], object]:
                return lambda: find.search(connection, parse(text), 50)

            listed = "SELECT * FROM report WHERE {} ORDER BY day DESC, started DESC, id DESC LIMIT 50"
            plain_points = (
                "SELECT report.day, report.number, result.value, result.expanded_u, report.fingerprint "
                "FROM result JOIN report ON report.id = result.report WHERE result.quantity = 'grain_size_number' "
                f"AND lower(report.part) = '{PART.lower()}' AND report.recipe = 'grain_size' "
                "ORDER BY report.day, report.started"
            )
            query = f'part:"{PART}" recipe:grain_size'
            by_heat = plain(connection, listed.format(f"lower(heat) = '{HEAT}'"))
            compare("search heat:730218", searched(f"heat:{HEAT}"), by_heat, 50, 30)
            compare("search heat:7302*", searched("heat:7302*"), by_heat, 0, 10)
            compare(
                f"trend of one part, {n // 10} points",
                lambda: series(connection, "grain_size_number", query),
                plain(connection, plain_points),
                150,
                10,
            )
            newest = plain(connection, listed.format("TRUE"))
            compare("search (everything, the newest 50)", searched(""), newest, 0, 10)
            for text in ("recipe:grain_size since:2020 -verdict:fail", "grain_size_number>9", '"customer 17"'):
                compare(f"search {text}", searched(text), newest, 0, 5)
        print("opening the lab {:37.1f} ms ({:.1f} of a processor)".format(*best_ms(lambda: open_lab(lab.folder), 5)))
        command = [sys.executable, "-m", "inspect_tool", "lab", "search", f"heat:{HEAT}", "--lab", str(lab.folder)]
        whole, _ = best_ms(lambda: subprocess.run(command, check=True, capture_output=True), 3)
        print(f"inspect-tool lab search heat:730218 {whole:17.1f} ms, Python and its libraries with it")


if __name__ == "__main__":
    main()
