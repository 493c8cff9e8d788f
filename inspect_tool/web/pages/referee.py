"""The blind sample, answered inside the workbench."""

from inspect_tool.web.bench import Page

PAGES: tuple[Page, ...] = ()
