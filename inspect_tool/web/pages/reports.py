"""Reports of the lab: found, read, and handed on."""

from inspect_tool.web.bench import Page

PAGES: tuple[Page, ...] = ()
