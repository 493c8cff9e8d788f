"""What a worker must have in common with the machine that asks it, for the numbers to be those of that machine.

A report states one version of every package, one sum of its weights and one kind of arithmetic. Fields that were
measured with others are not what it says, so that a worker that differs is refused before it measures anything.
"""

import platform
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import inspect_tool
from inspect_tool import offline, plugins, registry
from inspect_tool.errors import BackendError, ClusterError
from inspect_tool.evidence.provenance import package_sha256, package_versions, platform_name
from inspect_tool.files import checked, plain, sha256_bytes, sha256_source
from inspect_tool.inspection.job_plan import Plan

_OF_PAGES = ("jinja2", "weasyprint")  # pages are laid out by who asks
_PATIENCE_S = 10.0  # until a file that one machine wrote is seen by another: a network disk remembers names for a while


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What a worker must find: versions of its software, and the sums of files under the same paths."""

    software: tuple[tuple[str, str], ...]
    networks: bool  # whether it is asked which arithmetic its networks use
    files: tuple[tuple[str, str], ...]  # path, or name of a shipped model; SHA-256


def expected_of(planned: Plan) -> Expected:
    """What the workers of a job must have: this machine's software, its weights, and the first image of the job."""
    networks = any(plugins.models_of(module) for module, _ in _backends(planned))
    return Expected(
        software=tuple(software(networks).items()),
        networks=networks,
        files=tuple((place, _sum(place)) for place in _read_by_workers(planned)),
    )


@lru_cache(maxsize=8)  # a worker is asked with every field; what is raised is not remembered
def check(expected: Expected) -> None:
    """Refuse a process that does not have what is expected of it.

    Raises
    ------
    ClusterError
        Names the package or the file.
    """
    here = software(expected.networks)
    there = dict(expected.software)
    wrong = [name for name in {**there, **here} if there.get(name) != here.get(name)]
    if wrong:
        told = [f"{name} is {here.get(name, 'not there')}, and here {there.get(name, 'not there')}" for name in wrong]
        msg = f"{'; '.join(told)}; its numbers would not be what the report says: install the same there"
        raise ClusterError(msg)
    for place, digest in expected.files:
        check_file(place, digest)


def check_file(place: str, digest: str) -> None:
    """Refuse a file, a folder or a shipped model that is another one here; raises a ``ClusterError``."""
    try:
        found = _sum(place)
    except (OSError, BackendError) as error:
        told = error.strerror if isinstance(error, OSError) else str(error)
        msg = f"{place}: {told}; all machines must see it under this path"
        raise ClusterError(msg) from None
    if found != digest:
        msg = f"{place}: is another file there (SHA-256 {found[:12]}..., and here {digest[:12]}...)"
        raise ClusterError(msg)


def software(networks: bool) -> Mapping[str, str]:
    """Versions of all that numbers of a field depend on; ``networks``: and how networks compute here."""
    found = {
        "inspect_tool": f"{inspect_tool.__version__} (sources {package_sha256('.py')[:12]})",
        "Python": platform.python_version(),
        "system": platform_name(),
        **{name: number for name, number in package_versions().items() if name not in _OF_PAGES},
    }
    with suppress(PackageNotFoundError):
        found["distributed"] = version("distributed")
    if networks:
        found["arithmetic of networks"] = _arithmetic()
    return found


def answer(folder: Path, name: str) -> None:
    """Answer a question that was put into a folder, as ``name``.

    Raises
    ------
    ClusterError
        The folder is not seen here, or cannot be written into.
    """
    question, end = folder / QUESTION, time.monotonic() + _PATIENCE_S
    while True:
        try:
            text = question.read_bytes()
            break
        except OSError as error:
            if time.monotonic() > end:
                msg = f"cannot read {folder}: {error.strerror}; all machines must see it under this path"
                raise ClusterError(msg) from None
        time.sleep(0.1)
    try:
        (folder / name).write_bytes(sha256_bytes(text).encode())
    except OSError as error:
        msg = f"cannot write into {folder}: {error.strerror}; the user of the worker must be allowed to"
        raise ClusterError(msg) from None


def answered(folder: Path, name: str) -> bool:
    """Whether the answer that another machine says it wrote into a folder is seen here: it is the same folder."""
    wanted, end = sha256_bytes((folder / QUESTION).read_bytes()).encode(), time.monotonic() + _PATIENCE_S
    while time.monotonic() < end:
        with suppress(OSError):
            if (folder / name).read_bytes() == wanted:
                return True
        time.sleep(0.1)
    return False


QUESTION = "question"
"""File that is put into a folder for others to find."""


def _arithmetic() -> str:
    """Device and precision that networks take where a job leaves the choice to the machine."""
    from inspect_tool.segmentation.networks.runtime import bf16_is_native, used_device

    if find_spec("openvino") is not None:
        native = "BF16" in offline.openvino().Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    else:
        native = find_spec("torch") is not None and bf16_is_native()
    return f"{used_device('auto')}, {'bf16' if native else 'fp32'}"


def _read_by_workers(planned: Plan) -> Iterator[str]:
    """Files that every field needs, and the first image for all of them."""
    first = planned.sources[0]
    yield str(first.path.absolute())
    if first.mask:
        yield first.mask
    if planned.job.region.mask:
        yield str((planned.path.parent / planned.job.region.mask).absolute())
    for module, table in _backends(planned):
        yield from (str(table[key]) for key in plugins.paths_of(module) if table.get(key))
        yield from (str(table[key]) for key in plugins.models_of(module) if table.get(key))


def _backends(planned: Plan) -> Iterator[tuple[plugins.Backend, Mapping[str, Any]]]:
    """The backend of a job and those that it is made of, with their settings."""
    backend = registry.load("backend", planned.backend)
    yield backend, plain(planned.backend_settings)
    for key in plugins.backends_of(backend):
        table = dict(getattr(planned.backend_settings, key))
        module = registry.load("backend", table.pop("name"))
        yield module, plain(checked(module.Settings, table, planned.path.name, under=f"backend.{key}"))


def _sum(place: str) -> str:
    """SHA-256 of a file, of what lies directly in a folder, or of a shipped model by its name."""
    from inspect_tool.segmentation.networks.weights import model_folder, shipped_names

    path = model_folder(place) if place in shipped_names() else Path(place)
    return sha256_source(path)
