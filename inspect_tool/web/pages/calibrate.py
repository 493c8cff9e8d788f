"""The two ends of a scale bar or of a stage micrometer, clicked."""

from inspect_tool.web.bench import Page

PAGES: tuple[Page, ...] = ()
