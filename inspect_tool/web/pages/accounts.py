"""Accounts of the lab, one's own password and tokens, and the audit trail."""

from inspect_tool.web.bench import Page

PAGES: tuple[Page, ...] = ()
