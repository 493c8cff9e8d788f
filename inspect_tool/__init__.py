"""Micrographs and X-ray images in, defensible inspection reports out.

>>> import inspect_tool
>>> report = inspect_tool.run("job.toml")  # doctest: +SKIP

or of arrays: ``from_array`` -> ``measure``; or step by step: ``read`` -> ``segment`` -> ``measure_fields`` ->
``decide``. Names are imported when first used, so that ``import inspect_tool`` costs nothing.
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_HOMES = {
    "run": "inspection.job_run",
    "check": "inspection.job_run",
    "from_array": "inspection.arrays",
    "measure": "inspection.arrays",
    "read": "inspection.notebook",
    "segment": "inspection.notebook",
    "measure_fields": "inspection.notebook",
    "decide": "acceptance.conformity",
    "load_job": "files",
    "load_report": "files",
    "load_standard": "standards.editions",
    "register": "registry",
    "InspectError": "errors",
    "Calibration": "model",
    "Check": "model",
    "Component": "model",
    "Conformity": "model",
    "Findings": "model",
    "Job": "model",
    "Micrograph": "model",
    "Report": "model",
    "Requirement": "model",
    "Result": "model",
    "Segmentation": "model",
}

__all__ = (*_HOMES, "__version__")  # pyright: ignore

if TYPE_CHECKING:
    from inspect_tool.acceptance.conformity import decide as decide
    from inspect_tool.errors import InspectError as InspectError
    from inspect_tool.files import load_job as load_job
    from inspect_tool.files import load_report as load_report
    from inspect_tool.inspection.arrays import from_array as from_array
    from inspect_tool.inspection.arrays import measure as measure
    from inspect_tool.inspection.job_run import check as check
    from inspect_tool.inspection.job_run import run as run
    from inspect_tool.inspection.notebook import measure_fields as measure_fields
    from inspect_tool.inspection.notebook import read as read
    from inspect_tool.inspection.notebook import segment as segment
    from inspect_tool.model import Calibration as Calibration
    from inspect_tool.model import Check as Check
    from inspect_tool.model import Component as Component
    from inspect_tool.model import Conformity as Conformity
    from inspect_tool.model import Findings as Findings
    from inspect_tool.model import Job as Job
    from inspect_tool.model import Micrograph as Micrograph
    from inspect_tool.model import Report as Report
    from inspect_tool.model import Requirement as Requirement
    from inspect_tool.model import Result as Result
    from inspect_tool.model import Segmentation as Segmentation
    from inspect_tool.registry import register as register
    from inspect_tool.standards.editions import load_standard as load_standard


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"inspect_tool.{_HOMES[name]}"), name)
    msg = f"module 'inspect_tool' has no attribute '{name}'"
    raise AttributeError(msg)


def __dir__() -> list[str]:
    return sorted(__all__)


class _Package(ModuleType):
    """The package: its ``measure`` is the function, whatever is imported from the room of that name."""

    @property
    def measure(self) -> Any:
        return __getattr__("measure")

    @measure.setter
    def measure(self, room: ModuleType) -> None:
        """Let the import system name the room, ``from inspect_tool.measure import ...`` finds it without."""


sys.modules[__name__].__class__ = _Package
