"""This installation: files, processor, worked cases of the standards, golden images."""

import os
import platform
from collections.abc import Mapping
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, distribution
from itertools import groupby
from pathlib import Path
from typing import Any

from inspect_tool import __version__
from inspect_tool.evidence.provenance import package_versions
from inspect_tool.files import (
    load_model_card,
    sha256_file,
)
from inspect_tool.languages import Text, Words, joined
from inspect_tool.model import Standard
from inspect_tool.paths import data_folder
from inspect_tool.report import text
from inspect_tool.segmentation.networks.weights import model_folder, shipped_names
from inspect_tool.standards import editions, worked
from inspect_tool.studies import golden
from inspect_tool.studies.selftest.criteria import CRITERIA
from inspect_tool.studies.selftest.page import (
    EditionCases,
    GoldenPart,
    GoldenRow,
    HashedFile,
    Installation,
)


def installation(tables: Mapping[str, Mapping[str, Any]], rules: Standard, criteria: Path | None) -> Installation:
    """Describe this installation: version, files, libraries, processor, models."""
    files = []
    named = {str(table["model"]) for table in tables.values() if "model" in table}
    for name in dict.fromkeys([*shipped_names(), *sorted(named - set(shipped_names()))]):
        folder = model_folder(name)
        card = load_model_card(folder)
        found = sha256_file(folder / card.weights)
        files.append(
            HashedFile(
                kind="weights",
                name=Text("selftest.model_version", model=name, version=card.version),
                sha256=found,
                intact=found == card.sha256,
            )
        )
    for name in editions.names():
        edition = editions.load_standard(name)
        files.append(HashedFile(kind="standard", name=name, sha256=edition.sha256, intact=None))
    shown = criteria.name if criteria is not None else CRITERIA
    files.append(HashedFile(kind="criteria", name=shown, sha256=rules.sha256, intact=None))
    files += [
        HashedFile(kind="template", name=folder.name, sha256=_folder_sha256(folder), intact=None)
        for folder in sorted(data_folder("templates").iterdir())
        if folder.is_dir()
    ]
    known, changed = _package_files()
    return Installation(
        software="inspect_tool",
        version=__version__,
        python=platform.python_version(),
        platform=f"{platform.system()} {platform.machine()}",
        machine={
            "system": platform.platform(terse=True),
            "processor": _processor(),
            "logical processors": text.stated(str(os.cpu_count() or "")),
        },
        packages=package_versions(),
        files=tuple(files),
        package_files=known,
        changed_files=tuple(changed),
    )


def _folder_sha256(folder: Path) -> str:
    """SHA-256 over the names and hashes of all files of a folder."""
    digest = sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        digest.update(f"{path.relative_to(folder).as_posix()} {sha256_file(path)}\n".encode())
    return digest.hexdigest()


def _package_files() -> tuple[int | None, list[Words]]:
    """Count the files that the installation has a record of, and list those that are not as recorded."""
    from base64 import urlsafe_b64encode

    try:
        files = distribution("inspect_tool").files or []
    except PackageNotFoundError:
        return None, []
    own = [file for file in files if file.parts[0] == "inspect_tool" and file.hash is not None]
    if not any(file.parts == ("inspect_tool", "__init__.py") for file in own):
        return None, []  # the code lies elsewhere: a checkout
    changed: list[Words] = []
    for file in own:
        path = Path(str(file.locate()))
        known = file.hash.value if file.hash is not None else ""
        if not path.is_file():
            changed.append(Text("selftest.file_missing", file=str(file)))
        elif urlsafe_b64encode(bytes.fromhex(sha256_file(path))).rstrip(b"=").decode() != known:
            changed.append(Text("selftest.file_changed", file=str(file)))
    return len(own), changed


def _processor() -> Words:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return text.stated(platform.processor())
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, text.stated(platform.processor()))


def worked_cases() -> tuple[EditionCases, ...]:
    """Compute the worked cases of every edition that is shipped."""
    made = []
    for name, group in groupby(worked.run_cases(), key=lambda case: case.standard):
        cases = list(group)
        failures = tuple(
            Text(
                "selftest.case_failed",
                function=case.function,
                found=str(dict(case.found)),
                expected=str(dict(case.expected)),
                tolerance=case.tol,
            )
            for case in cases
            if not case.passed
        )
        made.append(EditionCases(standard=name, cases=len(cases), passed=len(cases) - len(failures), failures=failures))
    return tuple(made)


def golden_part(folder: Path) -> GoldenPart:
    """Measure the laboratory's golden images again and compare."""
    found = golden.check(folder)
    return GoldenPart(
        folder=found.folder,
        recorded=found.recorded,
        tolerance=found.tolerance,
        rows=tuple(
            GoldenRow(
                job=one.job,
                specimen=one.specimen,
                title=one.title,
                unit=one.unit,
                before=one.before,
                after=one.after,
                difference=one.difference,
                expanded_u=one.expanded_u,
                tolerance=one.tolerance,
                within=one.within,
            )
            for job in found.jobs
            for one in job.differences
        ),
        masks=sum(job.masks for job in found.jobs),
        masks_changed=sum(job.masks_changed for job in found.jobs),
        changes=tuple(joined(": ", (job.name, change)) for job in found.jobs for change in job.changes),
    )
