"""The reference: what the code says of itself, as pages."""

from doc_site import commands, editions, files, interchange, python_api, settings
from doc_site.markdown import page


def pages() -> dict[str, str]:
    """Every page of the reference by its name on the site."""
    parts = (files, settings, commands, editions, interchange, python_api)
    found = {name: text for part in parts for name, text in part.pages().items()}
    return {**found, "reference/index.md": _INDEX}


_INDEX = page(
    "# Reference",
    "Made of the software itself when these pages were built, so it is as complete and as new as that. The field "
    "for a search (press `/`) finds every name in it.",
    """\
| you look for | it stands in |
| --- | --- |
| a key of a job, of acceptance criteria, of a calibration, of a watched folder | [Job file](job.md) |
| a setting of a recipe, its default and range | [recipes](recipes/grain_size.md) |
| a setting of a backend | [backends](backends/threshold.md) |
| the name of a result | [Quantities](quantities.md) |
| a command and its options | [Commands](commands.md) |
| a number or a rule of a standard, and who compared it with the text | [Standard editions](standards/index.md) |
| what colors, texts and sizes of a report can be changed | [Template](template.md) |
| a key of `report.json` | [report.json](report_json.md) |
| an address of the workbench for programs | [JSON of the workbench](web.md) |
| a network that is shipped, its licence and hash | [Shipped networks](networks.md) |
| a function or class of Python | [What most programs need](python.md), then room by room |""",
)
