"""The days of a report: when it is issued, and whether its dates can be true in their order."""

from datetime import date, timedelta

from inspect_tool.languages import Text, Words
from inspect_tool.model import Check, Header

CHECK = Text("report.check_dates")
_ORDER = (  # what cannot be later than what
    ("date_sampled", "date_of_work"),
    ("date_received", "date_of_work"),
    ("date_of_work", "run"),
    ("date_of_work", "date_of_issue"),
    ("date_received", "date_of_issue"),
    ("run", "date_of_issue"),
)
_NAMES: dict[str, Words] = {
    "date_sampled": Text("report.date_of_sampling"),
    "date_received": Text("report.date_of_receipt"),
    "date_of_work": Text("report.date_of_work"),
    "run": Text("report.date_of_run"),
    "date_of_issue": Text("report.date_of_issue"),
}
_ZONES = timedelta(days=1)  # the day of the run is that of UTC, the others are those of a calendar on a wall


def day_of_issue(header: Header, run: date) -> str:
    """The day of issue as a report states it: that of the job, else that of the run, on which it was made."""
    return header.date_of_issue.strip() or run.isoformat()


def date_checks(header: Header, run: date) -> tuple[Check, ...]:
    """Check that the dates of a header are in an order that they can have; none where it states none of them.

    Parameters
    ----------
    header : Header
        Of the job; what is no day as 2026-01-31 is compared with nothing.
    run : date
        Day of the run, UTC: a day before it and one behind it count as it.
    """
    days = {name: day for name in _NAMES if name != "run" and (day := _day(getattr(header, name))) is not None}
    if not days:
        return ()
    days["run"] = run
    wrong = []
    for first, then in _ORDER:
        if (
            first in days
            and then in days
            and days[first] - days[then] > (_ZONES if "run" in (first, then) else timedelta())
        ):
            wrong.append(
                Text(
                    "report.note_dates",
                    first=_NAMES[first],
                    first_day=days[first].isoformat(),
                    then=_NAMES[then],
                    then_day=days[then].isoformat(),
                )
            )
    return (
        Check(
            name=CHECK,
            value=float(len(wrong)),
            relation="<=",
            limit=0.0,
            unit="1",
            passed=not wrong,
            clause=Text("report.clause_dates"),
            scope="consistency",
            note=Text("report.notes_dates", wrong=tuple(wrong)) if wrong else "",
        ),
    )


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        return None
