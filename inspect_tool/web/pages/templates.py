"""Inspections that a supervisor has prepared for others."""

from inspect_tool.web.bench import Page

PAGES: tuple[Page, ...] = ()
