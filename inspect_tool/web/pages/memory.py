"""Trends, specifications and instruments."""

from inspect_tool.web.bench import Page
from inspect_tool.web.pages import instruments, specs, trend

PAGES: tuple[Page, ...] = (*trend.PAGES, *specs.PAGES, *instruments.PAGES)
