"""Corrections by hand, drawn on the picture."""

from inspect_tool.web.bench import Page

PAGES: tuple[Page, ...] = ()
