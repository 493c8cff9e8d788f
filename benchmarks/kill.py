"""Kill ``run``, ``sign`` or ``edit`` at random points, as ``kill -9`` does, and look at what is left.

    python benchmarks/kill.py run --times 100
    python benchmarks/kill.py sign --times 100 --seed 2

A child process does the real work and sends itself SIGKILL before its n-th operation on files (open, rename, remove,
link, truncate, ...: what Python's audit events tell), n drawn from all of them; every fifth is killed at a random time
instead. Then the next command is due: what was left is recovered, and must be whole: a report with all of its files,
recorded in an audit trail that holds; a signature on the file and in the trail, or in neither; a ledger of edits that
reads. One line for each kill that left something else; exit status 1 where there was one.
"""

import argparse
import logging
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tifffile

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

import pyhanko.sign.signers  # noqa: F401
from signing_keys import PASSPHRASE, Chain

import inspect_tool.verify.signature_block  # noqa: F401 - loaded once, not in every child
from inspect_tool import folders, registry, synthetic
from inspect_tool.errors import InspectError
from inspect_tool.evidence import audit, edits, recovery
from inspect_tool.files import load_report, sha256_file
from inspect_tool.inspection import correct, job_run
from inspect_tool.verify import pdf_check, signing

JOB = (
    'recipe = "porosity"\nimages = ["a.tif"]\nexports = [{exports}]\nscale_bar = "off"\n'
    '[calibration]\npixel_um = 1.0\nu_rel = 0.005\nsource = "drawn"\n'
)
WRITES = ("open", "os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.link", "os.truncate", "os.chmod", "shutil.")
LOADED = {"recipe": ("porosity",), "backend": ("threshold",), "reader": ("tiff",), "exporter": ("json", "csv", "pdf")}
TIMED = 5  # every so many is killed at a random time


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What is killed: it starts from a copy of a folder, or goes on in the same one, and must leave it whole."""

    prepare: Callable[[Path], None]
    work: Callable[[Path], None]
    wrong: Callable[[Path], list[str]]
    anew: bool  # each kill has a fresh copy of the folder


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("command", choices=COMMANDS)
    parser.add_argument("--times", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    command, draw = COMMANDS[asked.command], random.Random(asked.seed)
    logging.getLogger("inspect_tool").setLevel(logging.ERROR)  # recovery says what it does
    for kind, names in LOADED.items():  # once, not in every child
        for name in names:
            registry.load(kind, name)
    with tempfile.TemporaryDirectory(prefix="kill_") as scratch:
        first = Path(scratch) / "first"
        first.mkdir()
        command.prepare(first)
        place = _copied(first, Path(scratch))
        steps, seconds = _whole(command.work, place)
        print(f"{asked.command}: {steps} operations on files in {seconds:.1f} s; seed {asked.seed}", flush=True)
        bad = killed = 0
        for i in range(asked.times):
            if command.anew:
                place = _copied(first, Path(scratch))
            timed = i % TIMED == TIMED - 1
            at = draw.uniform(0, seconds) if timed else draw.randint(1, steps)
            killed += _killed(command.work, place, at, timed=timed)
            told = command.wrong(place)
            bad += bool(told)
            for line in told:
                print(f"  kill {i + 1} at {'time' if timed else 'operation'} {at:.4g}: {line}", flush=True)
            if (i + 1) % 10 == 0:
                print(f"  {i + 1} done, {bad} left something wrong", flush=True)
    print(f"{asked.command}: {killed} of {asked.times} killed before they were done; {bad} left something wrong")
    return 1 if bad else 0


def _copied(first: Path, scratch: Path) -> Path:
    place = scratch / "place"
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(first, place)
    return place


def _whole(work: Callable[[Path], None], place: Path) -> tuple[int, float]:
    """Operations on files of a command that nobody kills, and how long it takes. [1, s]"""
    counted = place.parent / "count"
    clock = time.perf_counter()
    child = os.fork()
    if child == 0:
        seen = _counting(place, None)
        work(place)
        counted.write_text(str(seen[0]))
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if status:
        sys.exit(f"the command fails without a kill: status {status}")
    return int(counted.read_text()), time.perf_counter() - clock


def _killed(work: Callable[[Path], None], place: Path, at: float, *, timed: bool) -> bool:
    child = os.fork()
    if child == 0:
        try:
            _counting(place, None if timed else int(at))
            work(place)
        finally:
            os._exit(0)
    if timed:
        time.sleep(at)
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def _counting(place: Path, last: int | None) -> list[int]:
    """Count operations on files below a folder from now on; the process dies before the ``last``-th."""
    seen = [0]
    inside = str(place)

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        if event.startswith(WRITES) and any(str(argument).startswith(inside) for argument in arguments[:2]):
            seen[0] += 1
            if seen[0] == last:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)
    return seen


# ------------------------------------------------------------------------------------------------------------ commands


def _drawn(place: Path, exports: str) -> None:
    field = synthetic.pores(seed=1, porosity_percent=3.0, mean_ecd_um=12.0, shape_px=(160, 160))
    tifffile.imwrite(place / "a.tif", field.pixels)
    (place / "plate.toml").write_text(JOB.format(exports=exports))
    pid = os.fork()  # not in this process: threads that a library starts do not outlive a fork
    if pid == 0:
        job_run.run(place / "plate.toml", place / "out")
        os._exit(0)
    os.waitpid(pid, 0)


def _project(place: Path) -> list[str]:
    """What is wrong with the project folder after the next command has recovered it."""
    out = place / "out"
    recovery.recover(out)
    told = list(audit.verify(out).problems)
    report = out / "plate"
    if not (report / "report.json").is_file():
        return [*told, "there is no report"]
    listed = folders.listed(report) or {}
    told += [f"{name} is missing" for name in listed if not (report / name).is_file()]
    hidden = [path.name for path in (*out.glob(".*"), *report.glob(".*")) if path.name != folders.MARKER]
    told += [f"{name} was left" for name in hidden]
    runs = [entry for entry in audit.read(out).entries if entry.event == "run"]
    if runs[-1].subject != load_report(report / "report.json").id:
        told.append("the report is not the one that was recorded last")
    return told


def _prepare_run(place: Path) -> None:
    _drawn(place, '"json", "csv"')


def _run(place: Path) -> None:
    job_run.run(place / "plate.toml", place / "out")


def _wrong_run(place: Path) -> list[str]:
    told = _project(place)
    way = folders.in_the_way(place / "out" / "plate")
    return [*told, way] if way else told


def _prepare_sign(place: Path) -> None:
    _drawn(place, '"json", "pdf"')
    keys = place / "keys"
    keys.mkdir()
    Chain(keys).person("Ada Example").rename(keys / "ada.p12")


def _sign(place: Path) -> None:
    signer = signing.load_key(place / "keys" / "ada.p12", PASSPHRASE)
    signing.sign(place / "out" / "plate" / "report.pdf", signer, name="Ada Example", role="Head of laboratory")


def _wrong_sign(place: Path) -> list[str]:
    told = [line for line in _project(place) if "sha256" not in line]
    report = place / "out" / "plate" / "report.pdf"
    found = pdf_check.validate(report)
    recorded = [entry for entry in audit.read(place / "out").entries if entry.event == "sign"]
    if len(found.signatures) != len(recorded):
        told.append(f"{len(found.signatures)} signatures on the report, {len(recorded)} in the audit trail")
    if recorded and isinstance(recorded[-1].new, dict) and recorded[-1].new["sha256"] != sha256_file(report):
        told.append("the signed file is not the one that was recorded")
    return [*told, *found.problems]


def _prepare_edit(place: Path) -> None:
    _drawn(place, '"json"')
    pid = os.fork()
    if pid == 0:
        _, _, current = correct.current_segmentation(place / "plate.toml")
        labels = np.where(current.labels > 0, 255, 0).astype(np.uint8)
        labels[40:60, 40:60] = 255
        tifffile.imwrite(place / "mask.tif", labels)
        os._exit(0)
    os.waitpid(pid, 0)


def _edit(place: Path) -> None:
    job, out = place / "plate.toml", place / "out"
    correct.correct(job, place / "mask.tif", reason="a pore was missed", by="Ada Example", out=out)


def _wrong_edit(place: Path) -> list[str]:
    told = _project(place)
    try:
        edits.read(edits.folder_of(place / "plate.toml"))
    except InspectError as error:
        told.append(str(error))
    return told


COMMANDS = {
    "run": Command(prepare=_prepare_run, work=_run, wrong=_wrong_run, anew=False),
    "sign": Command(prepare=_prepare_sign, work=_sign, wrong=_wrong_sign, anew=True),
    "edit": Command(prepare=_prepare_edit, work=_edit, wrong=_wrong_edit, anew=True),
}

if __name__ == "__main__":
    sys.exit(main())
