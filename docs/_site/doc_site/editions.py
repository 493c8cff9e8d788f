"""The editions of standards that are shipped: every number, where it stands, and whether anyone compared it."""

from collections.abc import Iterable

from doc_site.markdown import code, page, prose, table
from doc_site.settings import shipped
from inspect_tool import registry
from inspect_tool.inspection.starter import toml
from inspect_tool.languages import said
from inspect_tool.model import Standard
from inspect_tool.standards import editions

_UP = "../../"


def pages() -> dict[str, str]:
    """A page for each edition, and a list of them."""
    standards = [editions.load_standard(name) for name in editions.names()]
    used = {name: registry.load("recipe", name) for name in shipped("recipe")}
    followed = {name: editions.names_for(recipe) for name, recipe in used.items()}
    by = {one.name: [name for name, known in followed.items() if one.name in known] for one in standards}
    listed = {f"reference/standards/{one.name}.md": _edition(one, by[one.name]) for one in standards}
    return {**listed, "reference/standards/index.md": _list(standards, by)}


def _list(standards: Iterable[Standard], by: dict[str, list[str]]) -> str:
    rows = []
    for one in standards:
        numbers = [*one.values.values(), *(rule for rule in one.rules.values() if not rule.own)]
        verified = sum(bool(number.verified_by) for number in numbers)
        rows.append(
            (
                f"[{prose(said(editions.designation(one)), _UP)}]({one.name}.md)",
                prose(one.title, _UP),
                code(one.name),
                _recipes(by[one.name]),
                f"{verified} of {len(numbers)}",
            )
        )
    return page(
        "# Standard editions",
        'What is shipped, as `standard = "NAME"` in a job. The numbers come from public material; *compared* says '
        "how many of them a person has compared with the published text. A report states those it uses that nobody "
        "has. [How such a file is written](../../standards_files.md).",
        table(("edition", "title", "name in a job", "recipes", "compared"), rows),
    )


def _edition(one: Standard, recipes: list[str]) -> str:
    numbers = [
        (code(key), f"{value.value:g}", prose(value.unit), prose(value.clause, _UP), _verified(value.verified_by))
        for key, value in sorted(one.values.items())
    ]
    rules = [
        (
            code(key),
            prose(rule.title, _UP),
            f"{'≥' if rule.relation == '>=' else '≤'} {rule.limit:g} {prose(rule.unit)}",
            ", ".join(map(code, rule.methods)) or "all",
            prose(rule.clause, _UP),
            "rule of this software" if rule.own else _verified(rule.verified_by),
        )
        for key, rule in sorted(one.rules.items())
    ]
    tables = [
        part
        for key, rows in sorted(one.tables.items())
        for part in (
            f"### {code(key)}",
            table([code(name) for name in rows[0]], [[_cell(row.get(name)) for name in rows[0]] for row in rows]),
        )
    ]
    worked = [
        (code(case.function), code(toml(case.given)), code(toml(case.expect)), f"{case.tol:g}", prose(case.source, _UP))
        for case in one.worked
    ]
    follows = "" if one.follows == one.id else f" It follows {prose(one.follows)}."
    return page(
        f"# {prose(said(editions.designation(one)), _UP)}",
        f'{prose(one.title, _UP)}. In a job: `standard = "{one.name}"`.{follows}'
        + (f" Recipes: {_recipes(recipes)}." if recipes else " Drawn on beside the edition of a job, or by a study."),
        *[f"- {prose(said(note), _UP)}" for note in one.notes],
        *_with("## Numbers", table(("name", "value", "unit", "where it stands", "compared with the text by"), numbers)),
        *_with(
            "## Rules",
            table(
                ("name", "what is judged", "limit", "methods", "where it stands", "compared with the text by"), rules
            ),
        ),
        *_with("## Tables", "\n\n".join(tables)),
        *_with("## Worked cases", table(("function", "given", "expected", "tolerance", "where it comes from"), worked)),
        f"SHA-256 of the file: {code(one.sha256)}",
    )


def _with(head: str, text: str) -> list[str]:
    return [head, text] if text else []


def _verified(name: str) -> str:
    return prose(name) or "nobody yet"


def _recipes(names: Iterable[str]) -> str:
    return ", ".join(f"[{code(name)}](../recipes/{name}.md)" for name in names)


def _cell(value: object) -> str:
    return "" if value is None else f"{value:g}" if isinstance(value, float) else prose(value)
