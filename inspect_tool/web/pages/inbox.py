"""Images that were given to the workbench, with what is known of their scale."""

from inspect_tool.web.bench import Page

PAGES: tuple[Page, ...] = ()
