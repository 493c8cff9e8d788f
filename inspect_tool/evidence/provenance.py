"""Where the numbers come from: software versions, host, settings, time."""

import hashlib
import platform
import sys
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import inspect_tool
from inspect_tool import __version__
from inspect_tool.files import plain, sha256_file
from inspect_tool.model import Provenance

_PACKAGES = (
    "numpy",
    "scipy",
    "pandas",
    "opencv-python-headless",
    "scikit-image",
    "diplib",
    "tifffile",
    "imagecodecs",
    "pillow",
    "jinja2",
    "weasyprint",
    "torch",
    "safetensors",
    "openvino",
    "stardist",
    "cellpose",
    "torchvision",
)


def now() -> datetime:
    """Return the current time in UTC, to the second."""
    return datetime.now(UTC).replace(microsecond=0)


def package_versions() -> dict[str, str]:
    """Versions of the installed packages that numbers and pages depend on."""
    return {name: number for name in _PACKAGES if (number := _version(name))}


@cache  # what describes a package is as long as its page in a registry, and all of it is read
def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


@cache
def package_sha256(*suffixes: str) -> str:
    """SHA-256 of the files of this package with some suffixes: a version of a checkout is not told by its number."""
    home = Path(inspect_tool.__file__).resolve().parent
    digest = hashlib.sha256()
    for path in sorted(home.rglob("*"), key=lambda path: path.relative_to(home).as_posix()):
        if path.suffix in suffixes:
            digest.update(f"{sha256_file(path)}  {path.relative_to(home).as_posix()}\n".encode())
    return digest.hexdigest()


def platform_name() -> str:
    """Name the system, the machine and the interpreter."""
    return f"{platform.system()} {platform.machine()} ({sys.implementation.name})"


def provenance(
    *,
    job_sha256: str,
    settings: object,
    backend: str,
    backend_settings: object,
    started: datetime,
    seconds: float,
    audit: str = "",
    typesetting: str = "",
) -> Provenance:
    """Collect the provenance of one run."""
    return Provenance(
        software="inspect_tool",
        version=__version__,
        python=platform.python_version(),
        platform=platform_name(),
        packages=package_versions(),
        job_sha256=job_sha256,
        settings=plain(settings),
        backend={"name": backend, **plain(backend_settings)},
        started=started.isoformat().replace("+00:00", "Z"),
        seconds=round(seconds, 2),
        audit=audit,
        typesetting=typesetting,
    )
