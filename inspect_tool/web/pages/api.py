"""The JSON interface for programs, and its description (OpenAPI)."""

from inspect_tool.web.bench import Page

PAGES: tuple[Page, ...] = ()
