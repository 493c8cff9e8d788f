"""A few strokes for each class train a classifier of pixels."""

from inspect_tool.web.bench import Page

PAGES: tuple[Page, ...] = ()
