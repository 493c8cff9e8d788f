"""Scale bars burned into pictures: found, read, and turned into um per pixel, or refused."""

from inspect_tool.scale.bar.footer import find_footer
from inspect_tool.scale.bar.plates import written
from inspect_tool.scale.bar.reading import BarReading, by_hand, read_bar

__all__ = ["BarReading", "by_hand", "find_footer", "read_bar", "written"]
