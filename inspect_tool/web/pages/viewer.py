"""Pictures at any size, their layers, and the numbers of what is seen."""

from inspect_tool.web.bench import Page

PAGES: tuple[Page, ...] = ()
