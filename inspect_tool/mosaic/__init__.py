"""Huge images: classes and their features measured window by window, to the numbers of the image measured whole.

What a job cannot hold in memory is measured here by windows that are read one at a time, kept one by one on the disk,
and put together when every one of them is there (``measure.seamless``).
"""

from inspect_tool.mosaic.measured import Mosaic, measure
from inspect_tool.mosaic.request import Request

__all__ = ["Mosaic", "Request", "measure"]
