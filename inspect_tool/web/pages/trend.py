"""A quantity over time: chosen, drawn, its limits frozen, its page taken along."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response

from inspect_tool.errors import InspectError, SettingsError
from inspect_tool.evidence import audit
from inspect_tool.files import plain
from inspect_tool.lab import known
from inspect_tool.lab.database import Lab, connected
from inspect_tool.lab.query import quoted
from inspect_tool.lab.trend import baseline, charts
from inspect_tool.lab.trend.alarms import ewma_limit
from inspect_tool.lab.trend.found import Trend
from inspect_tool.lab.trend.page import points_table
from inspect_tool.lab.trend.series import series, without_days
from inspect_tool.lab.trend.trend import Request, evaluated, trend
from inspect_tool.lab.trend.words import SAID, SIGNS, cause_text, summary
from inspect_tool.web.bench import ANYONE, Asked, Page
from inspect_tool.web.html import page, to

_TERMS = ("quantity", "recipe", "part", "since", "until", "query", "alarm", "nelson")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Choice:
    """What a person chose in the form."""

    quantity: str = ""
    recipe: str = ""
    part: str = ""
    since: str = ""
    until: str = ""
    query: str = ""
    alarm: str = "cusum"
    nelson: str = ""

    @property
    def terms(self) -> str:
        """The query of ``lab trend``."""
        named = ((name, getattr(self, name)) for name in ("recipe", "part", "since", "until"))
        return " ".join([*(f"{name}:{quoted(text)}" for name, text in named if text), *filter(None, [self.query])])

    @property
    def address(self) -> str:
        """What stands behind the question mark of an address."""
        return urlencode({name: text for name in _TERMS if (text := getattr(self, name))})

    def request(self, **asked: Any) -> Request:
        """What is asked of the trend."""
        alarm = self.alarm
        if alarm not in ("cusum", "ewma"):
            msg = f"alarm '{alarm}': must be cusum or ewma"
            raise SettingsError(msg)
        return Request(
            quantity=self.quantity,
            query=self.terms,
            alarm="ewma" if alarm == "ewma" else "cusum",
            nelson=bool(self.nelson),
            **asked,
        )


def show(asked: Asked) -> Response:
    """Let a quantity be chosen, and show it over time."""
    choice = _choice(asked.query)
    with connected(asked.bench.lab, read_only=True) as connection:
        quantities, parts = known.quantities(connection), known.parts(connection)
    found, fault, few = None, "", None
    if choice.quantity:
        try:
            found, few = _found(asked.bench.lab, choice)
        except InspectError as error:
            fault = str(error)
    values: dict[str, Any] = {"rows": (), "table": None, "after_step": "", "drawn": None}
    if found is not None:
        table = points_table(found)
        values |= {
            "table": table,
            "rows": tuple(zip(found.points[-len(table.rows) :], table.rows, strict=True)),
            "drawn": _drawn(found),
        }
        if found.steps:
            values["after_step"] = replace(choice, since=found.steps[-1].day).address
    return page(
        asked,
        "trend.html",
        422 if fault else 200,
        choice=choice,
        terms=_TERMS,
        quantities=quantities,
        recipes=sorted({one.recipe for one in quantities}),
        parts=parts,
        found=found,
        fault=fault,
        few=few,
        needed=charts.LEAST,
        summary=summary(found) if found else (),
        warnings=[one for one in found.warnings if getattr(one, "key", "") != "trend.preliminary"] if found else (),
        said=SAID,
        tint={"pass": "good", "undecided": "warn", "fail": "bad"},
        signs=SIGNS,
        may_freeze="manager" in asked.person.roles,
        least=baseline.LEAST,
        **values,
    )


def _drawn(found: Trend) -> dict[str, Any]:
    """What is drawn: the trend as ``trend.json`` has it, and its words."""
    width = found.limits.alarm if found.alarm == "cusum" else ewma_limit(found.limits.alarm)
    return {
        "trend": {name: value for name, value in plain(found).items() if name != "warnings"},  # which the page words
        "causes": [str(cause_text(one.cause)) for one in found.steps],
        "alarm_limit": plain(width),
    }


def pdf(asked: Asked) -> Response:
    """Give the page that ``lab trend`` makes; ``prove``: measure kept images again."""
    choice = _choice(asked.query)
    request = choice.request(prove=bool(asked.query.get("prove")))
    with TemporaryDirectory() as folder:
        _, made = trend(asked.bench.lab, request, Path(folder), exports=("pdf",))
        content = (made / "trend.pdf").read_bytes()
    name = "".join(letter if letter.isalnum() or letter in "._-" else "_" for letter in choice.quantity)
    headers = {"Content-Disposition": f'attachment; filename="{name}_trend.pdf"'}
    return Response(content, media_type="application/pdf", headers=headers)


def freeze(asked: Asked) -> Response:
    """Keep the limits of the values that are shown, for later ones."""
    lab = asked.bench.lab
    choice = _choice({name: str(asked.form.get(name, "")) for name in _TERMS})
    reason = str(asked.form.get("reason", "")).strip()
    if not reason:
        msg = "limits are frozen with a reason: say why these values are the ones that later ones are held against"
        raise SettingsError(msg)
    request = choice.request(prove=False, freeze=True, by=asked.person.full_name, reason=reason)
    audit.ready(lab.reports)
    with TemporaryDirectory() as folder:
        found, _ = trend(lab, request, Path(folder), exports=())
    audit.append(
        lab.reports,
        audit.Event(
            event="limits",
            subject=found.quantity,
            user=asked.person.full_name,
            reason=reason,
            new={"filter": without_days(choice.terms), **plain(found.limits)},
        ),
    )
    return to(f"/trend?{choice.address}")


def _choice(stated: Mapping[str, str]) -> _Choice:
    return _Choice(**{name: text for name in _TERMS if (text := str(stated.get(name, "")).strip())})


def _found(lab: Lab, choice: _Choice) -> tuple[Trend | None, int | None]:
    """The trend of a choice; or, where there is none yet, how many values there are."""
    request = choice.request()
    with connected(lab, read_only=True) as connection:
        values = series(connection, request.quantity, request.query)
        kept = baseline.newest(connection, request.quantity, without_days(request.query))
    if len(values.values) < charts.LEAST:
        return None, len(values.values)
    return evaluated(lab, request, values, kept), None


PAGES = (
    Page(path="/trend", show=show, roles=ANYONE),
    Page(path="/trend/trend.pdf", show=pdf, roles=ANYONE),
    Page(path="/trend/freeze", show=freeze, roles=frozenset({"manager"}), method="POST"),
)
