"""Trends, specifications and instruments."""

from inspect_tool.web.bench import Page

PAGES: tuple[Page, ...] = ()
