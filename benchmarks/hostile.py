"""Hostile and damaged inputs against the whole tool: no traceback, no hang, no burst of memory, no wrong number.

Every input of ``_hostile_inputs`` meets its command in a process of its own, forked from one that has the libraries
loaded, with a limit of processor time, of time on the clock and of memory. It held when the command ended in time with
a documented exit status, told its errors in one line, and gave no number that the undamaged input does not have.

    python benchmarks/hostile.py --seed 1 [--kinds template model] [--name WORD] [--sample 40] [--show] [--keep FOLDER]
"""

import argparse
import json
import os
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import NoReturn

for _name in ("OMP", "OPENBLAS", "MKL"):
    os.environ.setdefault(f"{_name}_NUM_THREADS", "1")  # a process with threads must not be forked

import _hostile_inputs as inputs  # noqa: E402 - after the line above

LIMIT_S = 60.0  # processor time of a command and its children: a busy machine makes no hang
CLOCK_S = 240.0  # for a command that waits and computes nothing
LIMIT_BYTES = 4 << 30
STATUSES = (0, 2, 3, 4)
WITHIN = 0.3  # by how much an area share may move that is not wrong [%]
VERDICTS = ("held", "traceback", "words", "hang", "burst", "silently wrong")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a command ended."""

    status: int | None  # None: it was killed after a limit of time
    seconds: float  # processor time, with its children
    peak: int  # resident memory [byte]
    out: str
    err: str


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--size", type=float, default=1.0, help="share of the random cases")
    parser.add_argument("--kinds", nargs="*", default=[])
    parser.add_argument("--sample", type=int, help="no more than so many cases of each kind")
    parser.add_argument("--part", type=int, nargs=2, default=(0, 1), metavar=("I", "N"), help="every N-th, from I on")
    parser.add_argument("--name", default="", help="only cases with this in their name")
    parser.add_argument("--show", action="store_true", help="print every answer")
    parser.add_argument("--keep", type=Path, help="folder that gets the inputs that did not hold")
    asked = parser.parse_args()
    warm_up()
    cases = [
        case
        for case in inputs.corpus(asked.seed, asked.size)
        if (not asked.kinds or case.kind in asked.kinds) and asked.name in case.name
    ]
    if asked.sample:
        cases = sampled(cases, asked.sample, asked.seed)
    cases = cases[asked.part[0] :: asked.part[1]]
    counts: Counter[tuple[str, str]] = Counter()
    slowest, largest = (0.0, ""), (0, "")
    for case in cases:
        with tempfile.TemporaryDirectory(prefix="hostile") as name:
            folder = Path(name)
            ask, ended = tried(case, folder)
            verdict = judged(folder, ask, ended)
            counts[case.kind, verdict] += 1
            slowest = max(slowest, (ended.seconds, f"{case.kind} {case.name}"))
            largest = max(largest, (ended.peak, f"{case.kind} {case.name}"))
            if verdict != "held" or asked.show:
                told = " | ".join((ended.err.strip() or ended.out.strip()).splitlines()[-3:])[-300:]
                print(f"{verdict:15} {case.kind}: {case.name} -> {ended.status} {ended.seconds:.1f} s "
                      f"{ended.peak >> 20} MB: {told}", flush=True)  # fmt: skip
                if asked.keep and verdict != "held":
                    kept = asked.keep / f"{case.kind} {case.name}".replace("/", "_")[:80]
                    shutil.copytree(folder, kept, symlinks=True, ignore=_pipes, dirs_exist_ok=True)
    print("\n| kind | tries | " + " | ".join(VERDICTS) + " |\n|---|" + "---|" * (len(VERDICTS) + 1))
    for kind in dict.fromkeys(case.kind for case in cases):
        row = [counts[kind, verdict] for verdict in VERDICTS]
        print(f"| {kind} | {sum(row)} | " + " | ".join(map(str, row)) + " |")
    row = [sum(n for (_, found), n in counts.items() if found == verdict) for verdict in VERDICTS]
    print(f"| all | {sum(row)} | " + " | ".join(map(str, row)) + " |")
    print(f"\nslowest {slowest[0]:.1f} s ({slowest[1]}); largest {largest[0] >> 20} MB ({largest[1]})")
    sys.exit(0 if row[0] == sum(row) else 3)


def _pipes(folder: str, names: list[str]) -> set[str]:
    return {name for name in names if not (Path(folder) / name).is_file() and not (Path(folder) / name).is_dir()}


def warm_up() -> None:
    """Load what every command needs once, and measure the undamaged image."""
    import cv2

    cv2.setNumThreads(1)
    from inspect_tool.inspection import job_run

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        inputs.field_of(folder)
        report = job_run.run(inputs.job(folder, exports='"json", "csv", "html", "pdf"'), folder / "reports")
        inputs.TRUTH["disks"] = next(r.value for r in report.results if r.quantity == "area_percent.dark")


def sampled(cases: list[inputs.Case], most: int, seed: int) -> list[inputs.Case]:
    """No more than so many cases of each kind, in their order."""
    chosen = set()
    for kind in dict.fromkeys(case.kind for case in cases):
        own = [i for i, case in enumerate(cases) if case.kind == kind]
        chosen.update(Random(seed).sample(own, min(most, len(own))))
    return [cases[i] for i in sorted(chosen)]


def tried(case: inputs.Case, folder: Path) -> tuple[inputs.Ask, Ended]:
    """Make the files of a case and let its command meet them."""
    ask = case.make(folder)
    out, err = folder / ".out", folder / ".err"
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if child == 0:
        os.setsid()
        os.chdir(folder)
        for number, path in ((0, Path(os.devnull)), (1, out), (2, err)):
            os.dup2(os.open(path, os.O_RDWR | os.O_CREAT), number)
        resource.setrlimit(resource.RLIMIT_AS, (2 * LIMIT_BYTES, 2 * LIMIT_BYTES))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if ask.shell:
            line = ask.shell.replace("TOOL", f"'{sys.executable}' -m inspect_tool")
            root = str(Path(__file__).resolve().parent.parent)
            os.execvpe("bash", ["bash", "-c", line], {**os.environ, "PYTHONPATH": root})
        called(ask.argv)
    status, used = waited(child)
    texts = [path.read_bytes()[-20_000:].decode("utf-8", "replace") for path in (out, err)]
    for path in (out, err):
        path.unlink()
    seconds, peak = used.ru_utime + used.ru_stime, used.ru_maxrss * 1024
    return ask, Ended(status=status, seconds=seconds, peak=peak, out=texts[0], err=texts[1])


def called(argv: tuple[str, ...]) -> NoReturn:
    """Be the command with this line, and end as it ends."""
    status = 1
    try:
        sys.argv = ["inspect-tool", *argv]
        from inspect_tool import cli

        cli.main()
    except SystemExit as ended:
        status = ended.code if isinstance(ended.code, int) else 0 if ended.code is None else 1
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        try:
            sys.stdout.flush()
            sys.stderr.flush()
        finally:
            os._exit(status)


def waited(child: int) -> tuple[int | None, resource.struct_rusage]:
    """Exit status of a session's first process, None where it was killed after a limit of time, and what it used."""
    started = time.monotonic()
    pause = 0.005
    while True:
        done, how, used = os.wait4(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(how), used
        passed = time.monotonic() - started
        if passed > CLOCK_S or (passed > LIMIT_S / (os.cpu_count() or 1) and processor_s(child) > LIMIT_S):
            os.killpg(child, signal.SIGKILL)
            _, _, used = os.wait4(child, 0)
            return None, used
        time.sleep(pause)
        pause = min(0.1, pause * 1.5)


def processor_s(session: int) -> float:
    """Processor time of all processes of a session, with what their children have used that have ended. [s]"""
    ticks = 0
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            told = path.read_text().rpartition(")")[2].split()  # from the third value of proc(5) on
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(told[3]) == session:
            ticks += sum(map(int, told[11:15]))
    return ticks / os.sysconf("SC_CLK_TCK")


def judged(folder: Path, ask: inputs.Ask, ended: Ended) -> str:
    """One of ``VERDICTS``."""
    if ended.status is None:
        return "hang"
    if ended.peak > LIMIT_BYTES or "MemoryError" in ended.err or ended.status == -signal.SIGKILL:
        return "burst"
    if "Traceback" in ended.err or ended.status not in STATUSES or "Exception ignored" in ended.err:
        return "traceback"
    if ended.status == 2 and not ask.shell and not _is_one_line(ended.err):
        return "words"
    if ask.must == "refused" and ended.status != 2:
        return "silently wrong"
    if ask.must == "no pass" and ended.status == 0:
        return "silently wrong"
    report = folder / "reports/job/report.json"
    if ask.must == "true number" and ended.status != 2:
        results = json.loads(report.read_bytes())["results"]
        found = [item["value"] for item in results if item["quantity"] == ask.quantity]
        if not found or not abs(found[0] - ask.value) <= WITHIN:
            return "silently wrong"
    return "held"


def _is_one_line(text: str) -> bool:
    """Whether a refusal is one line, apart from one that tells of progress; the usage of a command takes some more."""
    lines = [line for line in text.splitlines() if line.strip()]
    return bool(lines) and (
        len(lines) == 1 or lines[0].startswith("Usage:") or (len(lines) == 2 and lines[1].startswith("error: "))
    )


if __name__ == "__main__":
    main()
