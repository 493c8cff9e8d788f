"""A backend that works inside another one: named by a table like ``[backend]``, checked and made ready."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from inspect_tool import registry
from inspect_tool.errors import SettingsError
from inspect_tool.files import checked, plain
from inspect_tool.model import Segmentation
from inspect_tool.plugins import Backend


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Inner:
    """One backend made ready."""

    name: str
    backend: Backend
    settings: Any
    model: Any

    def told(self, found: Segmentation) -> dict[str, Any]:
        """What a report says of it: its name, and its settings with the values it found."""
        return {"name": self.name, **plain(found.settings)}


def load(outer: str, key: str, table: Mapping[str, Any]) -> Inner:
    """Load the backend that ``key`` of another backend names.

    Parameters
    ----------
    outer : str
        Name of the backend that it works in; it cannot be a part of itself.
    key : str
        Setting that holds the table.
    table : mapping
        ``name``, and the settings of that backend.

    Raises
    ------
    SettingsError
        There is no such backend, it cannot take this place, or its settings are wrong.
    BackendError
        Its weights are missing, damaged, or not licensed for this use.
    """
    rest = dict(table)
    name = rest.pop("name", None)
    if not isinstance(name, str):
        msg = f'backend {outer}: {key}.name: is missing; name a backend, e.g. {key} = {{ name = "watershed" }}'
        raise SettingsError(msg)
    if name == outer:
        msg = f"backend {outer}: {key}: '{outer}' cannot be a part of itself"
        raise SettingsError(msg)
    backend = registry.load("backend", name)
    settings = checked(backend.Settings, rest, f"backend {outer}", under=key)
    if hasattr(settings, "masks"):
        msg = f"backend {outer}: {key}: '{name}' reads what a person drew, one mask per image; use it alone"
        raise SettingsError(msg)
    return Inner(name=name, backend=backend, settings=settings, model=backend.load(settings))
