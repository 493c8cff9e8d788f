"""The page on which a person answers a drawn sample: one file, offline, blind, nothing asked of any server."""

import json
from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256
from html import escape
from pathlib import Path
from string import Template

SCRIPTS = ("planning.js", "record.js", "drawing.js", "page.js")
"""In the order in which one needs the other."""

_FOLDER = Path(__file__).parent


def page(sample: Mapping[str, object]) -> str:
    """Write the page that asks a sample.

    Scripts and styles are allowed by their hash and nothing else is, so that a browser asks no server for anything,
    whatever the texts of the sample hold.

    Parameters
    ----------
    sample : mapping
        Values that JSON has: ``id``, ``job``, ``recipe``, ``title``, ``kind`` ("points" or "lines"), ``question``,
        ``choices`` (2 to 8), ``stages``, ``items``, ``crops`` and ``planning``.

    Returns
    -------
    str
        HTML that opens from a disk; it holds no label of the machine in the clear.
    """
    script = "\n".join(_text(name) for name in SCRIPTS)
    style = _text("page.css")
    shown = {key: escape(str(sample[key])) for key in ("title", "job", "recipe", "question", "kind")}
    return Template(_text("page.html")).substitute(
        shown,
        script=script,
        script_hash=_source_hash(script),
        style=style,
        style_hash=_source_hash(style),
        # "<" could end the script element; JSON has another way to write it
        sample=json.dumps(sample, ensure_ascii=False, allow_nan=False).replace("<", "\\u003c"),
    )


def _text(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")


def _source_hash(text: str) -> str:
    return f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}"
