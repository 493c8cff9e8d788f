"""A request as the options of a command: name, type, default, range and help stand in its fields alone."""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, fields
from functools import wraps
from inspect import Parameter, Signature, signature
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin, get_type_hints

import typer
from typing_extensions import Doc

from inspect_tool.options import Option

T = TypeVar("T")


def options_of(request: type[Any], *, given: bool = False) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Make the options of a command of the fields of a request that say what they are for (``Doc``).

    Name, type, default, range and help stand in the request alone. The parameter ``asked`` of the command gives way to
    its options, and gets what was typed by the name of the field. ``given``: what was not typed is None.
    """
    hints = get_type_hints(request, include_extras=True)
    own = [_parameter(item, hints[item.name], given) for item in fields(request) if _marks(hints[item.name], Doc)]
    names = [parameter.name for parameter in own]

    def with_options(command: Callable[..., None]) -> Callable[..., None]:
        @wraps(command)
        def run(**typed: Any) -> None:
            command(asked={name: typed.pop(name) for name in names}, **typed)

        together: list[Parameter] = []
        for parameter in signature(command).parameters.values():
            together += own if parameter.name == "asked" else [parameter.replace(kind=Parameter.KEYWORD_ONLY)]
        run.__signature__ = Signature(together)  # type: ignore[attr-defined]  # Typer asks inspect for it
        run.__annotations__ = {parameter.name: parameter.annotation for parameter in together}
        return run

    return with_options


def _parameter(item: "Field[Any]", hint: Any, given: bool) -> Parameter:
    """The parameter of a command that is typed for a field."""
    option = next(iter(_marks(hint, Option)), Option())
    plain: Any = get_args(hint)[0]
    absent: Any = item.default
    if option.text:
        plain, absent = str, ""
    elif get_origin(plain) is Literal:
        plain = str
    elif get_origin(plain) in (tuple, Mapping):
        required = absent is MISSING and item.default_factory is MISSING
        plain, absent = list[str], MISSING if required else None
    default: Any = Parameter.empty if absent is MISSING else None if given else absent
    if default is None and type(None) not in get_args(plain):
        plain |= None
    names = (option.name or f"--{item.name.replace('_', '-')}", *filter(None, [option.short]))
    says = _marks(hint, Doc)[0].documentation
    typed = typer.Option(*names, help=says, metavar=option.shows or None, min=option.least)
    return Parameter(item.name, Parameter.KEYWORD_ONLY, default=default, annotation=Annotated[plain, typed])


def _marks(hint: Any, kind: type[T]) -> list[T]:
    """What stands of a kind in the annotation of a field."""
    return [mark for mark in getattr(hint, "__metadata__", ()) if isinstance(mark, kind)]
