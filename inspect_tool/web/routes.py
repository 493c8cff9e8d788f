"""The table of permission: every address of the workbench, and the roles of which one is enough to ask for it."""

from itertools import chain

from inspect_tool.web.bench import Page
from inspect_tool.web.pages import (
    accounts,
    api,
    calibrate,
    correct,
    entrance,
    home,
    inbox,
    inspections,
    memory,
    referee,
    reports,
    reviews,
    scribble,
    templates,
    trail,
    viewer,
)

PAGES: tuple[Page, ...] = tuple(
    chain(
        entrance.PAGES,
        home.PAGES,
        inbox.PAGES,
        calibrate.PAGES,
        inspections.PAGES,
        templates.PAGES,
        viewer.PAGES,
        correct.PAGES,
        referee.PAGES,
        reviews.PAGES,
        reports.PAGES,
        memory.PAGES,
        scribble.PAGES,
        accounts.PAGES,
        trail.PAGES,
        api.PAGES,
    )
)
