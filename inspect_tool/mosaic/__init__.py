"""Huge images: told apart and measured window by window, to the numbers of the image measured whole.

What cannot be held in memory is read one window at a time. Its classes are kept with a bit for each pixel, on the disk
as each window is told apart, and what is measured of them is put together to that of the whole
(``measure.seamless``).
"""

from inspect_tool.mosaic.measured import Mosaic, measure
from inspect_tool.mosaic.request import Request

__all__ = ["Mosaic", "Request", "measure"]
