"""Ranges of the numbers in settings: a file that breaks one is refused when it is read, by the key.

A range stands in the type of a setting; ``files.checked`` holds what it reads against it::

    seed: From0[int] = 1
"""

from typing import Annotated, TypeVar

from annotated_types import Ge, Gt, Le, Lt

_Number = TypeVar("_Number", int, float)

From0 = Annotated[_Number, Ge(0)]
Above0 = Annotated[_Number, Gt(0)]
Share = Annotated[float, Ge(0), Le(1)]
Percent = Annotated[float, Ge(0), Lt(100)]
