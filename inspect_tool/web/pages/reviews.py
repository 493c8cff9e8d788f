"""Review by a second person, and release."""

from inspect_tool.web.bench import Page

PAGES: tuple[Page, ...] = ()
