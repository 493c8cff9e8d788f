"""Inspections: asked for, in the queue, under way, done."""

from inspect_tool.web.bench import Page

PAGES: tuple[Page, ...] = ()
