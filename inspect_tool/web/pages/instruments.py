"""Instruments and their calibrations."""

from starlette.responses import Response

from inspect_tool.evidence.provenance import now
from inspect_tool.lab import instruments
from inspect_tool.lab.database import connected
from inspect_tool.web.bench import ANYONE, Asked, Page
from inspect_tool.web.html import page


def show(asked: Asked) -> Response:
    """List the calibrations of all instruments, and which reports used them."""
    lab, today = asked.bench.lab, now().date()
    with connected(lab, read_only=True) as connection:
        found = instruments.every(connection, lab, today)
    counts = {name: sum(one.state == name and bool(one.file) for one in found.calibrations) for name in _TINTS}
    return page(asked, "instruments.html", found=found, tints=_TINTS, counts=counts, soon=instruments.SOON_DAYS)


_TINTS = {"valid": "good", "ends soon": "warn", "expired": "bad", "not stated": ""}

PAGES = (Page(path="/instruments", show=show, roles=ANYONE),)
